/* broadcast(x, shape): numpy's rule, the only place where sizes of 1 stretch. */
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_broadcast(imnn_graph *g, imnn_node x, const imnn_shape *shape)
{
    imnn_attr at = {.n = shape->ndim};
    memcpy(at.v, shape->size, (size_t)shape->ndim * sizeof *at.v);
    return imnn_graph_build(g, IMNN_OP_broadcast, 1, &x, &at);
}

/* No sizes where there are too many: infer refuses the number of axes before it looks at them. */
static imnn_shape wanted(const imnn_attr *attr)
{
    imnn_shape s = {.ndim = attr->n};
    memcpy(s.size, attr->v, (size_t)(attr->n <= IMNN_MAX_NDIM ? attr->n : 0) * sizeof *s.size);
    return s;
}

static bool stretches(const imnn_shape *from, const imnn_shape *to)
{
    imnn_shape joined;
    return to->ndim <= IMNN_MAX_NDIM && imnn_shape_join(&joined, from, to) &&
           imnn_shape_equal(&joined, to);
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_vertex *v = imnn_vertex_of(g, x[0]);
    const imnn_shape s = wanted(attr);
    if (!stretches(&v->type.shape, &s)) return imnn_graph_add(g, op, n, x, attr); /* says why not */
    if (imnn_shape_equal(&s, &v->type.shape)) return x[0];
    if (v->op == op) return imnn_graph_build(g, op->id, 1, v->x, attr);
    return imnn_graph_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_shape s = wanted(attr);
    if (attr->n > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "broadcast: at most %d axes, got %d", IMNN_MAX_NDIM, attr->n);
    for (int k = 0; k < s.ndim; k++)
        if (s.size[k] < 0)
            return imnn_fail(IMNN_EVALUE, "broadcast: negative size in %s", imnn_shape_text(&s).s);
    if (!stretches(&in[0].shape, &s))
        return imnn_fail(IMNN_ESHAPE, "broadcast: %s does not stretch to %s",
                         imnn_shape_text(&in[0].shape).s, imnn_shape_text(&s).s);
    *out = (imnn_type){in[0].dtype, s};
    return IMNN_OK;
}

static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]), *out = &v->type.shape;
    imnn_attr axes = {0};
    for (int i = 0; i < out->ndim; i++) {
        int k = i - (out->ndim - in.ndim);
        if (k < 0 || in.size[k] != out->size[i]) axes.v[axes.n++] = i;
    }
    dx[0] = g_reshape(g, g_sum(g, dy, &axes), &in);
}

static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    const imnn_shape in = *imnn_graph_shape(g, x[0]), s = wanted(v->attr);
    imnn_shape mid = {.ndim = s.ndim + 1, .size = {size}}, out = mid;
    if (out.ndim > IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE, "vmap: more than %d axes", IMNN_MAX_NDIM);
        return 0;
    }
    for (int i = 1; i <= s.ndim; i++) {
        int k = i - (s.ndim + 1 - in.ndim);
        mid.size[i] = k > 0 ? in.size[k] : 1;
        out.size[i] = s.size[i - 1];
    }
    return g_broadcast(g, g_reshape(g, x[0], &mid), &out);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const imnn_shape *s = &in[0].shape, *out = &v->type.shape;
    int a = imnn_row_axis(s, R), b = imnn_row_axis(out, R);
    if (b < 0) return IMNN_ROWS_NONE;
    if (a >= 0 && a == b - (out->ndim - s->ndim) && s->size[a] == out->size[b]) {
        by[0] = true;
        return IMNN_ROWS_EACH;
    }
    return by[0] ? IMNN_ROWS_NONE : IMNN_ROWS_EACH;
}

static bool view(imnn_view *out, const imnn_view *in, const imnn_vertex *v)
{
    imnn_view w = {.shape = v->type.shape, .offset = in->offset};
    for (int i = 0; i < w.shape.ndim; i++) {
        int k = i - (w.shape.ndim - in->shape.ndim);
        bool own = k >= 0 && in->shape.size[k] == w.shape.size[i];
        w.stride[i] = own ? in->stride[k] : 0;
    }
    *out = w;
    return true;
}

const imnn_op imnn_op_broadcast = {
    .name = "broadcast",
    .id = IMNN_OP_broadcast,
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
    .cases = "(3) -> 2, 3; (2, 1) -> 2, 4; () -> 3; (1, 3) -> 0, 3; (2, 1, 3) -> 2, 4, 3; (0, 3) "
             "-> 2, 0, 3; (0, 1) -> 0, 4; (2, 1, 1, 3) -> 2, 5, 4, 3",
    .doc = "repeat along axes of size 1",
};
