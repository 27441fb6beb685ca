/* reshape(x, shape): the same elements in the same order. */
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_reshape(imnn_graph *g, imnn_node x, const imnn_shape *shape)
{
    imnn_attr at = {.n = shape->ndim};
    memcpy(at.v, shape->size, (size_t)shape->ndim * sizeof *at.v);
    return imnn_graph_build(g, IMNN_OP_reshape, 1, &x, &at);
}

/* No sizes where there are too many: infer refuses the number of axes before it looks at them. */
static imnn_shape wanted(const imnn_attr *attr)
{
    imnn_shape s = {.ndim = attr->n};
    memcpy(s.size, attr->v, (size_t)(attr->n <= IMNN_MAX_NDIM ? attr->n : 0) * sizeof *s.size);
    return s;
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_vertex *v = imnn_vertex_of(g, x[0]);
    const imnn_shape s = wanted(attr);
    if (s.ndim <= IMNN_MAX_NDIM && imnn_shape_equal(&s, &v->type.shape)) return x[0];
    if (v->op == op && imnn_shape_count(&s) == imnn_shape_count(&v->type.shape))
        return imnn_graph_build(g, op->id, 1, v->x, attr);
    imnn_node y = imnn_build_number(g, op, x[0], attr);
    return y ? y : imnn_graph_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_shape s = wanted(attr);
    if (attr->n > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "reshape: at most %d axes, got %d", IMNN_MAX_NDIM, attr->n);
    for (int k = 0; k < s.ndim; k++)
        if (s.size[k] < 0)
            return imnn_fail(IMNN_EVALUE, "reshape: negative size in %s", imnn_shape_text(&s).s);
    if (imnn_shape_count(&s) != imnn_shape_count(&in[0].shape))
        return imnn_fail(IMNN_ESHAPE, "reshape: %s has another number of elements than %s",
                         imnn_shape_text(&in[0].shape).s, imnn_shape_text(&s).s);
    *out = (imnn_type){in[0].dtype, s};
    return IMNN_OK;
}

static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    dx[0] = g_reshape(g, dy, imnn_graph_shape(g, v->x[0]));
}

static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    imnn_shape s = wanted(v->attr), out = {.ndim = s.ndim + 1, .size = {size}};
    if (out.ndim > IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE, "vmap: more than %d axes", IMNN_MAX_NDIM);
        return 0;
    }
    memcpy(out.size + 1, s.size, (size_t)s.ndim * sizeof *s.size);
    return g_reshape(g, x[0], &out);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    if (imnn_row_axis(&in[0].shape, R) < 0 || imnn_row_axis(&v->type.shape, R) < 0)
        return IMNN_ROWS_NONE;
    by[0] = true;
    return IMNN_ROWS_EACH;
}

/* Axes are matched in groups of equal products; a group of the input must be crossed by one
 * stride. */
static bool view(imnn_view *out, const imnn_view *in, const imnn_vertex *v)
{
    const imnn_shape *s = &v->type.shape;
    imnn_view w = {.shape = *s, .offset = in->offset};
    int64_t size[IMNN_MAX_NDIM], stride[IMNN_MAX_NDIM];
    int n = 0, i = 0, o = 0;
    for (int k = 0; k < in->shape.ndim; k++) /* axes of size 1 do not matter */
        if (in->shape.size[k] != 1) size[n] = in->shape.size[k], stride[n++] = in->stride[k];
    if (imnn_shape_count(s) == 0) {
        *out = w;
        return true;
    }
    while (o < s->ndim) {
        if (s->size[o] == 1) {
            w.stride[o++] = 0;
            continue;
        }
        int64_t a = size[i], b = s->size[o];
        int ie = i + 1, oe = o + 1;
        while (a != b)
            if (a < b) a *= size[ie++];
            else b *= s->size[oe++];
        for (int k = i; k + 1 < ie; k++)
            if (stride[k] != stride[k + 1] * size[k + 1]) return false;
        int64_t next = stride[ie - 1];
        for (int k = oe - 1; k >= o; k--) w.stride[k] = next, next *= s->size[k];
        i = ie, o = oe;
    }
    *out = w;
    return true;
}

const imnn_op imnn_op_reshape = {
    .name = "reshape",
    .id = IMNN_OP_reshape,
    .arity = 1,
    .class = IMNN_VIEW,
    .dtypes = IMNN_ALL,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .linear = 1,
    .batch = batch,
    .rows = rows,
    .view = view,
    .range = {-2, 2},
    .cases = "(3, 4) -> 2, 6; (2, 3) -> 6; (6) -> 1, 3, 2; () -> 1; (0, 3) -> 3, 0; (0) -> 2, 0, "
             "3; (1, 1) -> ; (2, 3, 1, 4) -> 4, 1, 6",
    .doc = "the same elements in another shape",
};
