/* Public builders of loops and branches: what users give is checked here. */
#include "imnn/control.h"
#include "core/ops/hold.h"
#include "core/transform/transform.h"
#include <string.h>

static void give_up(int n, imnn_node *out) { memset(out, 0, (size_t)n * sizeof *out); }

static bool agrees(imnn_graph *g, const char *who, const char *what, int i, imnn_node a,
                   const char *to, imnn_node b)
{
    const imnn_type *s = &imnn_vertex_of(g, a)->type, *t = &imnn_vertex_of(g, b)->type;
    if (imnn_same_type(s, t)) return true;
    imnn_graph_fail(g, s->dtype == t->dtype ? IMNN_ESHAPE : IMNN_EDTYPE,
                    "%s: %s %d is %s %s%s %s %s", who, what, i + 1, imnn_dtype_name(s->dtype),
                    imnn_shape_text(&s->shape).s, to, imnn_dtype_name(t->dtype),
                    imnn_shape_text(&t->shape).s);
    return false;
}

/* Placeholders that differ, since the body is what depends on them. */
static bool are_parameters(imnn_graph *g, const char *who, int n, const imnn_node *x)
{
    if (!imnn_graph_accepts(g, who, n, x)) return false;
    for (int i = 0; i < n; i++) {
        bool twice = false;
        for (int k = 0; k < i; k++) twice = twice || x[k] == x[i];
        if (imnn_vertex_of(g, x[i])->placeholder && !twice) continue;
        imnn_graph_fail(g, IMNN_EVALUE,
                        "%s: parameter %d of the body must be a placeholder of "
                        "its own",
                        who, i + 1);
        return false;
    }
    return true;
}

static bool carry_agrees(imnn_graph *g, const char *who, int n, const imnn_node *carry,
                         const imnn_node *init, const imnn_node *next)
{
    if (!are_parameters(g, who, n, carry) || !imnn_graph_accepts(g, who, n, init) ||
        !imnn_graph_accepts(g, who, n, next))
        return false;
    for (int j = 0; j < n; j++)
        if (!agrees(g, who, "carry", j, next[j], " after a step, but it began as", init[j]) ||
            !agrees(g, who, "carry", j, init[j], " at first, but its placeholder is", carry[j]))
            return false;
    return true;
}

static bool slices_agree(imnn_graph *g, int64_t length, int n, const imnn_node *x,
                         const imnn_node *xs)
{
    if (!are_parameters(g, "scan", n, x) || !imnn_graph_accepts(g, "scan", n, xs)) return false;
    for (int i = 0; i < n; i++) {
        const imnn_type *t = &imnn_vertex_of(g, x[i])->type, *s = &imnn_vertex_of(g, xs[i])->type;
        const int nd = t->shape.ndim;
        if (s->dtype == t->dtype && s->shape.ndim == nd + 1 && s->shape.size[0] == length &&
            !memcmp(s->shape.size + 1, t->shape.size, (size_t)nd * sizeof *s->shape.size))
            continue;
        imnn_graph_fail(g, IMNN_ESHAPE, "scan: array %d is %s %s, which is not %lld times %s %s",
                        i + 1, imnn_dtype_name(s->dtype), imnn_shape_text(&s->shape).s,
                        (long long)length, imnn_dtype_name(t->dtype), imnn_shape_text(&t->shape).s);
        return false;
    }
    return true;
}

static void push_all(imnn_graph *g, imnn_nodes *list, int n, const imnn_node *x)
{
    for (int i = 0; i < n && imnn_graph_ok(g); i++) imnn_nodes_push(g, list, x ? x[i] : 0);
}

void imnn_graph_scan(imnn_graph *g, int64_t length, bool reverse, int nc, const imnn_node *carry,
                     const imnn_node *init, const imnn_node *next, int nx, const imnn_node *x,
                     const imnn_node *xs, int ny, const imnn_node *y, imnn_node *out)
{
    give_up(nc + ny, out);
    if (length < 0)
        imnn_graph_fail(g, IMNN_EVALUE, "scan: the length must be 0 or more, got %lld",
                        (long long)length);
    if (!imnn_graph_ok(g) || !carry_agrees(g, "scan", nc, carry, init, next) ||
        !slices_agree(g, length, nx, x, xs) || !imnn_graph_accepts(g, "scan", ny, y) ||
        nc + ny == 0)
        return;
    imnn_loop_spec s = {.length = length, .reverse = reverse};
    push_all(g, &s.carry_in, nc, carry), push_all(g, &s.carry_of, nc, init);
    push_all(g, &s.next, nc, next), push_all(g, &s.carry_axis, nc, NULL);
    push_all(g, &s.slice_in, nx, x), push_all(g, &s.slice_of, nx, xs);
    push_all(g, &s.slice_axis, nx, NULL);
    push_all(g, &s.stack, ny, y), push_all(g, &s.stack_axis, ny, NULL);
    const imnn_node first = imnn_loop_build(g, &s);
    for (int k = 0; first && k < nc + ny; k++) out[k] = first + k;
}

/* The condition is the first of the carry, computed at the end of every step. */
void imnn_graph_while(imnn_graph *g, int nc, const imnn_node *carry, const imnn_node *init,
                      imnn_node pred, const imnn_node *next, imnn_node *out)
{
    give_up(nc, out);
    if (!imnn_graph_ok(g) || !carry_agrees(g, "while_loop", nc, carry, init, next) ||
        !imnn_graph_accepts(g, "while_loop", 1, &pred))
        return;
    const imnn_type type = imnn_vertex_of(g, pred)->type;
    if (type.dtype != IMNN_BOOL || type.shape.ndim) {
        imnn_graph_fail(g, IMNN_ESHAPE, "while_loop: the condition must be bool (), got %s %s",
                        imnn_dtype_name(type.dtype), imnn_shape_text(&type.shape).s);
        return;
    }
    imnn_node before = 0, after = 0, first = 0;
    imnn_status st = imnn_graph_substitute(g, 1, &pred, nc, carry, init, &before);
    if (st == IMNN_OK) st = imnn_graph_substitute(g, 1, &pred, nc, carry, next, &after);
    if (st != IMNN_OK) {
        imnn_graph_fail_last(g, st);
        return;
    }
    const int32_t scope = imnn_graph_open(g);
    imnn_loop_spec s = {.length = -1};
    imnn_node is = imnn_placeholder_like(g, pred);
    push_all(g, &s.carry_in, 1, &is), push_all(g, &s.carry_in, nc, carry);
    push_all(g, &s.carry_of, 1, &before), push_all(g, &s.carry_of, nc, init);
    push_all(g, &s.next, 1, &after), push_all(g, &s.next, nc, next);
    push_all(g, &s.carry_axis, nc + 1, NULL);
    first = imnn_loop_build(g, &s);
    for (int k = 0; first && k < nc; k++) out[k] = first + 1 + k;
    imnn_graph_close(g, scope);
}

void imnn_graph_branch(imnn_graph *g, imnn_node index, int bodies, int nx, const imnn_node *x,
                       const imnn_node *xs, int ny, const imnn_node *y, imnn_node *out)
{
    give_up(ny, out);
    if (bodies < 1 || bodies > MOST_BODIES)
        imnn_graph_fail(g, IMNN_EVALUE, "switch: 1 to %d branches, got %d", MOST_BODIES, bodies);
    if (!imnn_graph_ok(g) || !imnn_graph_accepts(g, "switch", 1, &index) ||
        !are_parameters(g, "switch", nx, x) || !imnn_graph_accepts(g, "switch", nx, xs) ||
        !imnn_graph_accepts(g, "switch", bodies * ny, y))
        return;
    int counts[MOST_BODIES], results[MOST_BODIES];
    imnn_nodes all = {0};
    for (int i = 0; i < bodies; i++) {
        counts[i] = nx, results[i] = ny;
        push_all(g, &all, nx, x);
        for (int k = 0; i > 0 && k < ny; k++)
            if (!agrees(g, "switch", "result", k, y[i * ny + k],
                        ", but that of the first branch is", y[k]))
                break;
    }
    for (int i = 0; i < nx && imnn_graph_ok(g); i++)
        agrees(g, "switch", "operand", i, xs[i], ", but its placeholder is", x[i]);
    const imnn_node first = imnn_graph_ok(g) && ny
                                ? imnn_hold_build(g, IMNN_OP_branch, index, false, bodies, counts,
                                                  all.v, xs, results, y)
                                : 0;
    for (int k = 0; first && k < ny; k++) out[k] = first + k;
    imnn_nodes_free(&all);
}

static bool inputs_agree(imnn_graph *g, const char *who, int n, const imnn_node *x,
                         const imnn_node *xs)
{
    if (!are_parameters(g, who, n, x) || !imnn_graph_accepts(g, who, n, xs)) return false;
    for (int i = 0; i < n; i++)
        if (!agrees(g, who, "argument", i, xs[i], ", but its placeholder is", x[i])) return false;
    return true;
}

/* Nodes z, like those of `like`, where 0 is zero. */
static bool take_slopes(imnn_graph *g, const char *who, const char *what, imnn_nodes *to, int n,
                        const imnn_node *z, const imnn_node *like)
{
    for (int i = 0; i < n && imnn_graph_ok(g); i++) {
        imnn_node d = z[i] ? z[i] : g_zeros_like(g, like[i]);
        if (!imnn_graph_accepts(g, who, 1, &d) ||
            !agrees(g, who, what, i, d, ", but what it belongs to is", like[i]))
            return false;
        imnn_nodes_push(g, to, d);
    }
    return imnn_graph_ok(g);
}

void imnn_graph_custom_jvp(imnn_graph *g, int nx, const imnn_node *x, const imnn_node *t,
                           const imnn_node *xs, int ny, const imnn_node *y, const imnn_node *dy,
                           imnn_node *out)
{
    const char *who = "custom_jvp";
    const int counts[] = {nx, 2 * nx}, results[] = {ny, ny};
    imnn_nodes in = {0}, z = {0};
    imnn_node first = 0;
    give_up(ny, out);
    if (imnn_graph_ok(g) && inputs_agree(g, who, nx, x, xs) && are_parameters(g, who, nx, t) &&
        imnn_graph_accepts(g, who, ny, y)) {
        push_all(g, &in, nx, x), push_all(g, &in, nx, x), push_all(g, &in, nx, t);
        push_all(g, &z, ny, y);
        if (take_slopes(g, who, "tangent", &z, ny, dy, y) && ny)
            first = imnn_hold_build(g, IMNN_OP_custom, 0, true, 2, counts, in.v, xs, results, z.v);
    }
    for (int k = 0; first && k < ny; k++) out[k] = first + k;
    imnn_nodes_free(&in), imnn_nodes_free(&z);
}

void imnn_graph_custom_vjp(imnn_graph *g, int nx, const imnn_node *x, const imnn_node *xs, int ny,
                           const imnn_node *y, int nr, const imnn_node *res, const imnn_node *r,
                           const imnn_node *u, const imnn_node *dx, bool forward, imnn_node *out)
{
    const char *who = "custom_vjp";
    const int counts[] = {nx, nx, nr + ny}, results[] = {ny, nr, nx};
    imnn_nodes in = {0}, z = {0};
    imnn_node first = 0;
    give_up(ny, out);
    if (imnn_graph_ok(g) && inputs_agree(g, who, nx, x, xs) && are_parameters(g, who, nr, r) &&
        are_parameters(g, who, ny, u) && imnn_graph_accepts(g, who, ny, y) &&
        imnn_graph_accepts(g, who, nr, res)) {
        push_all(g, &in, nx, x), push_all(g, &in, nx, x);
        push_all(g, &in, nr, r), push_all(g, &in, ny, u);
        push_all(g, &z, ny, y), push_all(g, &z, nr, res);
        for (int i = 0; i < nr; i++)
            agrees(g, who, "residual", i, res[i], ", but its placeholder is", r[i]);
        if (take_slopes(g, who, "cotangent", &z, nx, dx, x) && ny)
            first =
                imnn_hold_build(g, IMNN_OP_custom, 0, forward, 3, counts, in.v, xs, results, z.v);
    }
    for (int k = 0; first && k < ny; k++) out[k] = first + k;
    imnn_nodes_free(&in), imnn_nodes_free(&z);
}

imnn_status imnn_graph_captured(imnn_graph *g, int nx, const imnn_node *x, int ny,
                                const imnn_node *y, int room, int *n, imnn_node *out)
{
    const char *who = "captured";
    imnn_nodes list = {0};
    *n = 0;
    if (imnn_graph_ok(g) && are_parameters(g, who, nx, x) && imnn_graph_accepts(g, who, ny, y) &&
        imnn_body_captures(g, nx, x, ny, y, &list, NULL)) {
        for (int i = 0; i < list.n; i++) {
            if (!imnn_is_smooth(g, list.v[i]) || imnn_graph_value(g, list.v[i])) continue;
            if (*n < room) out[*n] = list.v[i];
            ++*n;
        }
    }
    imnn_nodes_free(&list);
    return imnn_graph_status(g);
}
