/* Forward derivative: linear operators act on the tangent, elementwise ones use their reverse
 * formulas, everything else the reverse derivative of its reverse derivative.
 *
 * A tangent is kept as a product: what came out of the last operator that was not elementwise,
 * times the slope of all elementwise operators since. So a chain of them costs one multiplication
 * of the tangent, however long it is; its slope does not depend on the direction, and is computed
 * once for all of them. */
#include "core/ops/elementwise.h"
#include "core/transform/transform.h"
#include <string.h>

static bool all_linear(const imnn_vertex *v, const imnn_node *t)
{
    for (int i = 0; i < v->n; i++)
        if (t[i] && !(v->op->linear >> (i < 31 ? i : 31) & 1)) return false;
    return true;
}

/* An operator of any number of inputs (concatenate) is linear in all of them at once. */
static imnn_node push_jointly(imnn_graph *g, const imnn_vertex *v, const imnn_node *t)
{
    imnn_node x[v->n];
    for (int i = 0; i < v->n; i++) x[i] = t[i] ? t[i] : g_zeros_like(g, v->x[i]);
    return imnn_graph_build(g, v->op->id, v->n, x, v->attr);
}

static imnn_node push_linear(imnn_graph *g, const imnn_vertex *v, const imnn_node *t)
{
    imnn_node sum = 0, x[v->n + 1];
    if (v->op->arity < 0) return push_jointly(g, v, t);
    for (int i = 0; i < v->n; i++) {
        if (!t[i]) continue;
        for (int k = 0; k < v->n; k++) x[k] = k == i ? t[i] : v->x[k];
        sum = g_plus(g, sum, imnn_graph_build(g, v->op->id, v->n, x, v->attr));
    }
    return sum;
}

typedef struct tangent {
    imnn_node base, slope; /* base times slope; slope 0 is one; base 0: no tangent */
} tangent;

static imnn_node whole(imnn_graph *g, tangent t)
{
    return t.base && t.slope ? g_mul(g, t.base, t.slope) : t.base;
}

/* The formula of each input with its slope for dy. Inputs whose tangents have another base than the
 * first are multiplied out. */
static tangent push_elementwise(imnn_graph *g, const imnn_vertex *v, imnn_node y, const tangent *t)
{
    tangent out = {0};
    bool alike = true;
    for (int i = 0; i < v->n; i++) {
        if (!t[i].base) continue;
        if (out.base && t[i].base != out.base) alike = false;
        out.base = t[i].base;
    }
    imnn_node sum = 0, dx[3], one = g_full_like(g, y, 1);
    for (int i = 0; i < v->n; i++) {
        if (!t[i].base) continue;
        for (int k = 0; k < v->n; k++) dx[k] = k == i ? 0 : -1;
        v->op->vjp(g, v, y, !alike ? whole(g, t[i]) : t[i].slope ? t[i].slope : one, dx);
        sum = g_plus(g, sum, dx[i]);
    }
    if (!alike || !sum) return (tangent){sum, 0};
    double number;
    if (imnn_graph_is_number(g, sum, &number) && number == 1) sum = 0;
    return (tangent){out.base, sum};
}

/* dx(u) = J^T u is linear in u; its own reverse derivative along t is J t. */
static imnn_node push_twice(imnn_graph *g, const imnn_vertex *v, imnn_node y, const imnn_node *t)
{
    imnn_node sum = 0, dx[v->n + 1];
    const imnn_type type = v->type;
    int32_t scope = imnn_graph_open(g);
    imnn_node u = imnn_graph_placeholder(g, type.dtype, &type.shape);
    for (int i = 0; i < v->n; i++) dx[i] = t[i] ? 0 : -1;
    if (imnn_graph_ok(g)) v->op->vjp(g, v, y, u, dx);
    for (int i = 0; i < v->n && imnn_graph_ok(g); i++) {
        imnn_node d = 0;
        if (!t[i] || dx[i] <= 0) continue;
        imnn_status st = imnn_graph_vjp(g, 1, &dx[i], &t[i], 1, &u, &d);
        if (st != IMNN_OK) imnn_graph_fail_last(g, st);
        else sum = g_plus(g, sum, d);
    }
    if (sum && imnn_vertex_of(g, sum)->scope == scope && scope)
        imnn_graph_fail(g, IMNN_EVALUE,
                        "%s: its reverse derivative is not linear in the cotangent; "
                        "give the forward one with custom_jvp",
                        v->op->name);
    imnn_graph_close(g, scope);
    return sum;
}

static tangent push(imnn_graph *g, imnn_node n, const tangent *of)
{
    const imnn_vertex *v = imnn_vertex_of(g, n);
    tangent t[v->n + 1];
    imnn_node all[v->n + 1];
    bool any = false;
    for (int i = 0; i < v->n; i++) t[i] = of[v->x[i]], any = any || t[i].base;
    if (!any) return (tangent){0};
    if (v->op->class == IMNN_HOLD) {
        for (int i = 0; i < v->n; i++) all[i] = whole(g, t[i]);
        return (tangent){v->op->jvp(g, v, all), 0};
    }
    if (!v->op->vjp) {
        imnn_graph_fail(g, IMNN_EVALUE, "%s: has no derivative", v->op->name);
        return (tangent){0};
    }
    if (v->op->vjp == imnn_elementwise_vjp) return push_elementwise(g, v, n, t);
    for (int i = 0; i < v->n; i++) all[i] = whole(g, t[i]);
    return (tangent){all_linear(v, all) ? push_linear(g, v, all) : push_twice(g, v, n, all), 0};
}

imnn_status imnn_graph_jvp(imnn_graph *g, int ny, const imnn_node *y, int nx, const imnn_node *x,
                           const imnn_node *v, imnn_node *dy)
{
    imnn_cone c;
    imnn_node found[ny + 1];
    memset(found, 0, sizeof found);
    if (imnn_same_types(g, "jvp: tangent", nx, v, x) && imnn_cone_of(&c, g, ny, y, nx, x, true)) {
        const size_t bytes = (size_t)c.size * sizeof(tangent);
        tangent *t = imnn_alloc(bytes);
        if (!t) imnn_graph_fail_last(g, IMNN_ENOMEM);
        for (int j = 0; t && j < nx; j++)
            if (c.depends[x[j]]) t[x[j]].base = v[j];
        for (imnn_node n = c.first; n <= c.last && imnn_graph_ok(g); n++)
            if (c.depends[n] && !c.leaf[n]) t[n] = push(g, n, t);
        for (int i = 0; i < ny && imnn_graph_ok(g); i++) found[i] = whole(g, t[y[i]]);
        imnn_free(t, bytes);
        imnn_cone_free(&c);
    }
    memcpy(dy, found, (size_t)ny * sizeof *dy);
    return imnn_graph_status(g);
}
