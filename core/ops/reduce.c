/* sum, prod, max, min over axes, which disappear. A node reduces adjacent axes {first, count}; the
 * builders take any list of axes and make one node for each run of adjacent ones. */
#include "core/ops/axis.h"
#include <string.h>

static bool has(const imnn_attr *axes, int axis)
{
    for (int k = 0; k < axes->n; k++)
        if (axes->v[k] == axis) return true;
    return false;
}

static imnn_node reduce(imnn_graph *g, int op, imnn_node x, const imnn_attr *axes)
{
    if (!imnn_graph_ok(g)) return 0;
    const imnn_shape s = *imnn_graph_shape(g, x);
    for (int k = 0; axes && k < axes->n; k++)
        if (axes->v[k] < 0 || axes->v[k] >= s.ndim) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s: no axis %lld in %s", imnn_op_table[op]->name,
                            (long long)axes->v[k] + 1, imnn_shape_text(&s).s);
            return 0;
        }
    for (int end = s.ndim; end > 0;) {
        int first = end;
        while (first > 0 && (!axes || has(axes, first - 1))) first--;
        if (first < end) x = imnn_graph_build(g, op, 1, &x, &(imnn_attr){2, {first, end - first}});
        end = first - 1;
    }
    return x;
}

imnn_node g_sum(imnn_graph *g, imnn_node x, const imnn_attr *axes)
{
    return reduce(g, IMNN_OP_sum, x, axes);
}
imnn_node g_prod(imnn_graph *g, imnn_node x, const imnn_attr *axes)
{
    return reduce(g, IMNN_OP_prod, x, axes);
}
imnn_node g_max(imnn_graph *g, imnn_node x, const imnn_attr *axes)
{
    return reduce(g, IMNN_OP_max, x, axes);
}
imnn_node g_min(imnn_graph *g, imnn_node x, const imnn_attr *axes)
{
    return reduce(g, IMNN_OP_min, x, axes);
}

static imnn_shape without(const imnn_shape *s, int64_t first, int64_t count)
{
    imnn_shape out = {0};
    for (int k = 0; k < s->ndim; k++)
        if (k < first || k >= first + count) out.size[out.ndim++] = s->size[k];
    return out;
}

static bool has_axes(const imnn_shape *s, const imnn_attr *attr)
{
    return attr->n == 2 && attr->v[0] >= 0 && attr->v[1] >= 0 && attr->v[0] <= s->ndim &&
           attr->v[1] <= s->ndim - attr->v[0];
}

/* Axes of size 1 are only taken off. */
static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_shape *s = imnn_graph_shape(g, x[0]);
    bool ones = has_axes(s, attr) && op->dtypes >> imnn_graph_dtype(g, x[0]) & 1;
    for (int64_t k = 0; ones && k < attr->v[1]; k++) ones = s->size[attr->v[0] + k] == 1;
    if (!ones) return imnn_graph_add(g, op, n, x, attr);
    const imnn_shape out = without(s, attr->v[0], attr->v[1]);
    return g_reshape(g, x[0], &out);
}

/* The elements of complex numbers that argmax or argmin find. */
static imnn_node build_extremum(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                                const imnn_attr *attr)
{
    const imnn_shape in = *imnn_graph_shape(g, x[0]);
    if (!imnn_is_complex(imnn_graph_dtype(g, x[0])) || !has_axes(&in, attr))
        return build(g, op, n, x, attr);
    imnn_shape flat = {3, {1, 1, 1}}, out = without(&in, attr->v[0], attr->v[1]);
    for (int k = 0; k < in.ndim; k++)
        flat.size[k < attr->v[0] ? 0 : k < attr->v[0] + attr->v[1] ? 1 : 2] *= in.size[k];
    if (flat.size[1] <= 1) return build(g, op, n, x, attr);
    imnn_node line = g_reshape(g, x[0], &flat);
    imnn_node at = op->id == IMNN_OP_max ? g_argmax(g, line, 1) : g_argmin(g, line, 1);
    return g_reshape(g, g_take_along(g, line, g_expand(g, at, 1), 1), &out);
}

static imnn_status infer_as(const char *name, imnn_type *out, const imnn_type *in,
                            const imnn_attr *attr)
{
    const imnn_shape *s = &in->shape;
    if (!has_axes(s, attr))
        return imnn_fail(IMNN_EVALUE, "%s: needs the first and the number of adjacent axes of %s",
                         name, imnn_shape_text(s).s);
    *out = (imnn_type){in->dtype, without(s, attr->v[0], attr->v[1])};
    return IMNN_OK;
}

static imnn_status infer_extremum_as(const char *name, imnn_type *out, const imnn_type *in,
                                     const imnn_attr *attr)
{
    imnn_status st = infer_as(name, out, in, attr);
    for (int64_t k = 0; st == IMNN_OK && k < attr->v[1]; k++)
        if (in->shape.size[attr->v[0] + k] == 0)
            return imnn_fail(IMNN_EVALUE, "%s: there is nothing along axis %lld of %s", name,
                             (long long)(attr->v[0] + k + 1), imnn_shape_text(&in->shape).s);
    return st;
}

/* y as an array like x: repeated along the axes that disappeared. */
static imnn_node spread(imnn_graph *g, const imnn_vertex *v, imnn_node y)
{
    imnn_shape in = *imnn_graph_shape(g, v->x[0]), ones = in;
    for (int64_t k = 0; k < v->attr->v[1]; k++) ones.size[v->attr->v[0] + k] = 1;
    return g_broadcast(g, g_reshape(g, y, &ones), &in);
}

static void vjp_sum(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    dx[0] = spread(g, v, dy);
}

/* Equal extrema share the cotangent, as in JAX. */
static void vjp_extremum(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                         imnn_node *dx)
{
    imnn_node here = g_convert(g, g_eq(g, v->x[0], spread(g, v, y)), v->type.dtype);
    imnn_node count = imnn_graph_build(g, IMNN_OP_sum, 1, &here, v->attr);
    dx[0] = g_mul(g, here, spread(g, v, g_div(g, dy, count)));
}

/* Products of all elements before (sign 1) or behind (sign -1) each one. */
static imnn_node products_beside(imnn_graph *g, imnn_node x, int64_t n, int sign)
{
    x = g_shift(g, x, sign, 1);
    for (int64_t d = 1; d < n && imnn_graph_ok(g); d *= 2)
        x = g_mul(g, x, g_shift(g, x, sign * d, 1));
    return x;
}

/* dy times the product of the others, as that of those before and those behind: without divisions,
 * so it holds, and can be differentiated again, where elements are zero. */
static void vjp_prod(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    imnn_shape flat = {3, {1, 1, 1}};
    for (int k = 0; k < in.ndim; k++)
        flat.size[k < v->attr->v[0] ? 0 : k < v->attr->v[0] + v->attr->v[1] ? 1 : 2] *= in.size[k];
    const int64_t n = flat.size[1];
    if (n == 0) {
        dx[0] = 0;
        return;
    }
    imnn_node x = g_reshape(g, v->x[0], &flat);
    imnn_node others = g_mul(g, products_beside(g, x, n, 1), products_beside(g, x, n, -1));
    dx[0] = g_mul(g, spread(g, v, dy), g_reshape(g, others, &in));
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int a = imnn_row_axis(&in[0].shape, R);
    if (a < 0) return IMNN_ROWS_NONE;
    const bool along = a >= v->attr->v[0] && a < v->attr->v[0] + v->attr->v[1];
    by[0] = true;
    return along ? IMNN_ROWS_FOLD : IMNN_ROWS_EACH;
}

#define REDUCTION(n, allowed, build_fn, infer_fn, vjp_fn, is_linear, text)                         \
    static imnn_status infer_##n(imnn_type *out, int count, const imnn_type *in,                   \
                                 const imnn_attr *attr)                                            \
    {                                                                                              \
        return infer_fn(#n, out, in, attr);                                                        \
    }                                                                                              \
    const imnn_op imnn_op_##n = {                                                                  \
        .name = #n,                                                                                \
        .id = IMNN_OP_##n,                                                                         \
        .arity = 1,                                                                                \
        .class = IMNN_REDUCE,                                                                      \
        .dtypes = allowed,                                                                         \
        .build = build_fn,                                                                         \
        .infer = infer_##n,                                                                        \
        .vjp = vjp_fn,                                                                             \
        .linear = is_linear,                                                                       \
        .batch = imnn_axis_batch,                                                                  \
        .rows = rows,                                                                              \
        .range = {-2, 2},                                                                          \
        .cases = "(5) -> 0, 1; (3, 4) -> 0, 1; (3, 4) -> 1, 1; (2, 3, 4) -> 0, 2; "                \
                 "(2, 3, 4) -> 1, 1; (2, 1, 3) -> 1, 1; () -> 0, 0; (0, 3) -> 1, 1; (2, 3, 1, 4) " \
                 "-> 1, 2; (1) -> 0, 1",                                                           \
        .doc = text,                                                                               \
    }
REDUCTION(sum, IMNN_SCALARS, build, infer_as, vjp_sum, 1, "sum over adjacent axes");
REDUCTION(prod, IMNN_SCALARS, build, infer_as, vjp_prod, 0, "product over adjacent axes");
REDUCTION(max, IMNN_ALL, build_extremum, infer_extremum_as, vjp_extremum, 0,
          "largest element along adjacent axes, NaN if there is one; of bools: any; complex "
          "numbers in the order of sort");
REDUCTION(min, IMNN_ALL, build_extremum, infer_extremum_as, vjp_extremum, 0,
          "smallest element along adjacent axes, NaN if there is one; of bools: all; complex "
          "numbers in the order of sort");
