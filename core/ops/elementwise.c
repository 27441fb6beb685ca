/* What all elementwise operators share: inputs are stretched to one shape, derivatives are the
 * formulas of their rows. */
#include "core/ops/elementwise.h"
#include <string.h>

static bool join_all(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x, imnn_shape *s)
{
    *s = *imnn_graph_shape(g, x[0]);
    for (int i = 1; i < n; i++) {
        const imnn_shape a = *s, *b = imnn_graph_shape(g, x[i]);
        if (imnn_shape_join(s, &a, b)) continue;
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: shapes do not broadcast, %s and %s", op->name,
                        imnn_shape_text(&a).s, imnn_shape_text(b).s);
        return false;
    }
    return true;
}

static bool check_dtypes(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x)
{
    const int first = op->id == IMNN_OP_where;
    if (first && imnn_graph_dtype(g, x[0]) != IMNN_BOOL) {
        imnn_graph_fail(g, IMNN_EDTYPE, "where: the condition must be bool, got %s",
                        imnn_dtype_name(imnn_graph_dtype(g, x[0])));
        return false;
    }
    for (int i = first + 1; i < n; i++) {
        imnn_dtype a = imnn_graph_dtype(g, x[first]), b = imnn_graph_dtype(g, x[i]);
        if (a == b) continue;
        imnn_graph_fail(g, IMNN_EDTYPE, "%s: inputs differ in dtype, %s and %s", op->name,
                        imnn_dtype_name(a), imnn_dtype_name(b));
        return false;
    }
    return true;
}

/* What a broadcast repeats; the input itself if it is none. */
static imnn_node unstretched(const imnn_graph *g, imnn_node x)
{
    const imnn_vertex *v = imnn_vertex_of(g, x);
    return v->op && v->op->id == IMNN_OP_broadcast ? v->x[0] : x;
}

/* An operator whose inputs are all repeated is computed once and repeated after it; but not where
 * it need not be computed at all, since its slope might be infinite, and 0 times that is no 0. */
static imnn_node build_small(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                             const imnn_shape *s)
{
    imnn_node small[3];
    imnn_shape joined;
    bool any = false;
    if (imnn_shape_count(s) == 0) return 0;
    for (int i = 0; i < n; i++) {
        small[i] = unstretched(g, x[i]);
        any = any || small[i] != x[i];
    }
    if (!any || !join_all(g, op, n, small, &joined) || imnn_shape_equal(&joined, s)) return 0;
    return g_broadcast(g, imnn_graph_build(g, op->id, n, small, NULL), s);
}

imnn_node imnn_elementwise_build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                                 const imnn_attr *attr)
{
    imnn_shape s;
    if (!check_dtypes(g, op, n, x) || !join_all(g, op, n, x, &s)) return 0;
    imnn_node y = imnn_simplify(g, op, x, &s);
    if (!y && imnn_graph_ok(g)) y = build_small(g, op, n, x, &s);
    if (y || !imnn_graph_ok(g)) return y;
    imnn_node all[3];
    for (int i = 0; i < n; i++) all[i] = g_broadcast(g, x[i], &s);
    return imnn_graph_add(g, op, n, all, attr);
}

imnn_status imnn_elementwise_infer(imnn_type *out, int n, const imnn_type *in,
                                   const imnn_attr *attr)
{
    *out = in[n == 3 ? 1 : 0]; /* where: that of the choices; fma: the same for all */
    return IMNN_OK;
}

imnn_status imnn_bool_infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = (imnn_type){IMNN_BOOL, in[0].shape};
    return IMNN_OK;
}

void imnn_vjp_zero(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    for (int i = 0; i < v->n; i++) dx[i] = 0;
}

void imnn_elementwise_vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                          imnn_node *dx)
{
    static const char *const one[] = {"y", "dy", "x"}, *const more[] = {"y", "dy", "a", "b", "c"};
    imnn_node values[5] = {y, dy};
    for (int i = 0; i < v->n; i++) values[2 + i] = v->x[i];
    for (int i = 0; i < v->n; i++) {
        const char *rule = dx[i] >= 0 && v->op->rule[i] ? v->op->rule[i] : "";
        dx[i] = 0;
        if (rule[0] == '!') imnn_graph_fail(g, IMNN_EVALUE, "%s: %s", v->op->name, rule + 1);
        else if (rule[0]) dx[i] = imnn_formula(g, rule, v->n > 1 ? more : one, values, 2 + v->n);
    }
}

imnn_node imnn_batch_lift(imnn_graph *g, imnn_node x, bool batched, int64_t size)
{
    if (batched) return x;
    imnn_shape s = *imnn_graph_shape(g, x), out = {.ndim = s.ndim + 1, .size = {size}};
    if (out.ndim > IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE, "vmap: more than %d axes", IMNN_MAX_NDIM);
        return 0;
    }
    memcpy(out.size + 1, s.size, (size_t)s.ndim * sizeof *s.size);
    return g_broadcast(g, x, &out);
}

imnn_node imnn_batch_leading(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                             const bool *batched, int64_t size)
{
    imnn_node all[v->n + 1];
    for (int i = 0; i < v->n; i++) all[i] = imnn_batch_lift(g, x[i], batched[i], size);
    return imnn_graph_build(g, v->op->id, v->n, all, v->attr);
}

int imnn_row_axis(const imnn_shape *s, int64_t R)
{
    for (int k = 0; k < s->ndim; k++)
        if (s->size[k] != 1) return R > 0 && s->size[k] % R == 0 ? k : -1;
    return -1;
}

imnn_rows imnn_rows_map(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    for (int i = 0; i < v->n; i++) {
        if (imnn_row_axis(&in[i].shape, R) < 0) return IMNN_ROWS_NONE;
        by[i] = true;
    }
    return IMNN_ROWS_EACH;
}

imnn_rows imnn_rows_before(const imnn_vertex *v, const imnn_type *in, int64_t R, int64_t axis,
                           bool *by)
{
    const int a = imnn_row_axis(&in[0].shape, R);
    if (a < 0 || a >= axis) return IMNN_ROWS_NONE;
    for (int i = 1; i < v->n; i++)
        if (imnn_row_axis(&in[i].shape, R) != a) return IMNN_ROWS_NONE;
    for (int i = 0; i < v->n; i++) by[i] = true;
    return IMNN_ROWS_EACH;
}
