/* Forward derivative: linear operators act on the tangent, elementwise ones use their reverse
 * formulas, everything else the reverse derivative of its reverse derivative. */
#include "core/ops/elementwise.h"
#include "core/transform/transform.h"
#include <string.h>

static imnn_node plus(imnn_graph *g, imnn_node a, imnn_node b)
{
    return !a ? b : !b ? a : g_add(g, a, b);
}

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
    for (int i = 0; i < v->n; i++) x[i] = t[i] ? t[i] : g_full_like(g, v->x[i], 0);
    return imnn_graph_build(g, v->op->id, v->n, x, v->attr);
}

static imnn_node push_linear(imnn_graph *g, const imnn_vertex *v, const imnn_node *t)
{
    imnn_node sum = 0, x[v->n + 1];
    if (v->op->arity < 0) return push_jointly(g, v, t);
    for (int i = 0; i < v->n; i++) {
        if (!t[i]) continue;
        for (int k = 0; k < v->n; k++) x[k] = k == i ? t[i] : v->x[k];
        sum = plus(g, sum, imnn_graph_build(g, v->op->id, v->n, x, v->attr));
    }
    return sum;
}

static imnn_node push_elementwise(imnn_graph *g, const imnn_vertex *v, imnn_node y,
                                  const imnn_node *t)
{
    imnn_node sum = 0, dx[3];
    for (int i = 0; i < v->n; i++) {
        if (!t[i]) continue;
        for (int k = 0; k < v->n; k++) dx[k] = k == i ? 0 : -1;
        v->op->vjp(g, v, y, t[i], dx);
        sum = plus(g, sum, dx[i]);
    }
    return sum;
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
        else sum = plus(g, sum, d);
    }
    if (sum && imnn_vertex_of(g, sum)->scope == scope && scope)
        imnn_graph_fail(g, IMNN_EVALUE,
                        "%s: its reverse derivative is not linear in the cotangent; "
                        "give the forward one with custom_jvp",
                        v->op->name);
    imnn_graph_close(g, scope);
    return sum;
}

static imnn_node push(imnn_graph *g, imnn_node n, const imnn_node *tangent)
{
    const imnn_vertex *v = imnn_vertex_of(g, n);
    imnn_node t[v->n + 1];
    bool any = false;
    for (int i = 0; i < v->n; i++) t[i] = tangent[v->x[i]], any = any || t[i];
    if (!any) return 0;
    if (!v->op->vjp) {
        imnn_graph_fail(g, IMNN_EVALUE, "%s: has no derivative", v->op->name);
        return 0;
    }
    if (all_linear(v, t)) return push_linear(g, v, t);
    if (v->op->vjp == imnn_elementwise_vjp) return push_elementwise(g, v, n, t);
    return push_twice(g, v, n, t);
}

imnn_status imnn_graph_jvp(imnn_graph *g, int ny, const imnn_node *y, int nx, const imnn_node *x,
                           const imnn_node *v, imnn_node *dy)
{
    imnn_cone c;
    imnn_node found[ny + 1];
    memset(found, 0, sizeof found);
    if (imnn_same_types(g, "jvp: tangent", nx, v, x) && imnn_cone_of(&c, g, ny, y, nx, x, true)) {
        imnn_node *tangent = imnn_cone_table(&c, g);
        for (int j = 0; tangent && j < nx; j++)
            if (c.depends[x[j]]) tangent[x[j]] = v[j];
        for (imnn_node n = c.first; n <= c.last && imnn_graph_ok(g); n++)
            if (c.depends[n] && !c.leaf[n]) tangent[n] = push(g, n, tangent);
        for (int i = 0; i < ny && imnn_graph_ok(g); i++) found[i] = tangent[y[i]];
        imnn_cone_table_free(&c, tangent);
        imnn_cone_free(&c);
    }
    memcpy(dy, found, (size_t)ny * sizeof *dy);
    return imnn_graph_status(g);
}
