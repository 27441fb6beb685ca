/* concatenate(x..., axis): arrays one after the other along an axis. */
#include "core/ops/axis.h"
#include <string.h>

imnn_node g_concatenate(imnn_graph *g, int n, const imnn_node *x, int axis)
{
    return imnn_graph_build(g, IMNN_OP_concatenate, n, x, &(imnn_attr){1, {axis}});
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const bool valid = attr->n == 1 && attr->v[0] >= 0;
    if (n == 1 && valid && attr->v[0] < imnn_graph_shape(g, x[0])->ndim) return x[0];
    return imnn_graph_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    if (n < 1) return imnn_fail(IMNN_EVALUE, "concatenate: needs at least one array");
    const int64_t axis = attr->n == 1 ? attr->v[0] : -1;
    *out = in[0];
    if (axis < 0 || axis >= in[0].shape.ndim)
        return imnn_fail(IMNN_EVALUE, "concatenate: no axis %lld in %s", (long long)axis + 1,
                         imnn_shape_text(&in[0].shape).s);
    for (int i = 1; i < n; i++) {
        bool fits = in[i].shape.ndim == in[0].shape.ndim;
        for (int k = 0; fits && k < in[0].shape.ndim; k++)
            fits = k == axis || in[i].shape.size[k] == in[0].shape.size[k];
        if (!fits)
            return imnn_fail(IMNN_ESHAPE, "concatenate: shapes differ off axis %lld, %s and %s",
                             (long long)axis + 1, imnn_shape_text(&in[0].shape).s,
                             imnn_shape_text(&in[i].shape).s);
        if (in[i].dtype != in[0].dtype)
            return imnn_fail(IMNN_EDTYPE, "concatenate: inputs differ in dtype, %s and %s",
                             imnn_dtype_name(in[0].dtype), imnn_dtype_name(in[i].dtype));
        out->shape.size[axis] += in[i].shape.size[axis];
    }
    return IMNN_OK;
}

static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const int axis = (int)v->attr->v[0];
    int64_t start = 0;
    for (int i = 0; i < v->n; i++) {
        const imnn_shape *s = imnn_graph_shape(g, v->x[i]);
        if (dx[i] >= 0) dx[i] = g_part(g, dy, s->ndim - axis, start, s->size[axis]);
        start += s->size[axis];
    }
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int a = imnn_row_axis(&v->type.shape, R);
    if (a < 0 || a >= v->attr->v[0]) return IMNN_ROWS_NONE;
    for (int i = 0; i < v->n; i++) {
        if (imnn_row_axis(&in[i].shape, R) != a) return IMNN_ROWS_NONE;
        by[i] = true;
    }
    return IMNN_ROWS_EACH;
}

static void kernel(const imnn_call *c)
{
    const int axis = (int)c->attr->v[0];
    const imnn_lines l = imnn_lines_along(&c->out.type.shape, axis);
    const size_t inner = (size_t)l.inner * imnn_dtype_size(c->out.type.dtype);
    char *to = c->out.data;
    for (int64_t o = 0; o < l.outer; o++)
        for (int i = 0; i < c->n; i++) {
            size_t bytes = (size_t)c->in[i].type.shape.size[axis] * inner;
            if (bytes) memcpy(to, (const char *)c->in[i].data + (size_t)o * bytes, bytes);
            to += bytes;
        }
}

const imnn_op imnn_op_concatenate = {
    .name = "concatenate",
    .id = IMNN_OP_concatenate,
    .arity = -1,
    .class = IMNN_CALL,
    .dtypes = IMNN_ALL,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .linear = ~0u,
    .batch = imnn_axis_batch,
    .rows = rows,
    .kernel = kernel,
    .tail = true,
    .range = {-2, 2},
    .cases = "(2) (3) -> 0; (2, 3) (2, 1) (2, 2) -> 1; (0, 3) (2, 3) -> 0; (2, 0) (2, 3) -> 1; (1) "
             "(1) -> 0; (2, 1, 3, 2) (2, 1, 1, 2) -> 2; (0) (0) -> 0",
    .doc = "arrays one after the other along an axis",
};
