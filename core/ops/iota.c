/* iota(dtype, shape, axis): 0, 1, 2, ... along an axis. */
#include "core/ops/axis.h"
#include <string.h>

imnn_node g_iota(imnn_graph *g, imnn_dtype dtype, const imnn_shape *shape, int axis)
{
    imnn_attr at = {.n = 2 + shape->ndim, .v = {dtype, axis}};
    memcpy(at.v + 2, shape->size, (size_t)shape->ndim * sizeof *at.v);
    return imnn_graph_build(g, IMNN_OP_iota, 0, NULL, &at);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_shape s = {.ndim = attr->n - 2};
    if (s.ndim < 1 || s.ndim > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "iota: needs 1 to %d axes", IMNN_MAX_NDIM);
    memcpy(s.size, attr->v + 2, (size_t)s.ndim * sizeof *s.size);
    if (attr->v[1] < 0 || attr->v[1] >= s.ndim)
        return imnn_fail(IMNN_EVALUE, "iota: no axis %lld in %s", (long long)attr->v[1] + 1,
                         imnn_shape_text(&s).s);
    if (attr->v[0] < 0 || !(IMNN_NUMBERS >> attr->v[0] & 1))
        return imnn_fail(IMNN_EDTYPE, "iota: counts in numbers only");
    *out = (imnn_type){(imnn_dtype)attr->v[0], s};
    return IMNN_OK;
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    return imnn_row_axis(&v->type.shape, R) < 0 ? IMNN_ROWS_NONE : IMNN_ROWS_EACH;
}

#define FILL(T)                                   \
    for (int64_t o = 0; o < l.outer; o++)         \
        for (int64_t i = 0; i < l.n; i++)         \
            for (int64_t k = 0; k < l.inner; k++) \
    ((T *)p)[(o * l.n + i) * l.inner + k] = (T)(from + i)

static void kernel(const imnn_call *c)
{
    const imnn_shape *s = &c->out.type.shape;
    const int axis = (int)c->attr->v[1];
    const imnn_lines l = imnn_lines_along(s, axis);
    int64_t from = 0;
    if (c->R > 1 && imnn_row_axis(&c->whole.shape, c->R) == axis)
        from = c->row * (c->whole.shape.size[axis] / c->R);
    void *p = c->out.data;
    switch (c->out.type.dtype) {
    case IMNN_F32: FILL(float); break;
    case IMNN_F64: FILL(double); break;
    case IMNN_I32: FILL(int32_t); break;
    default: FILL(uint32_t);
    }
}

const imnn_op imnn_op_iota = {
    .name = "iota",
    .id = IMNN_OP_iota,
    .arity = 0,
    .class = IMNN_CALL,
    .dtypes = IMNN_ANY,
    .infer = infer,
    .vjp = imnn_vjp_zero,
    .rows = rows,
    .kernel = kernel,
    .gives = "the one asked for",
    .cases = "-> 0, 0, 5; -> 1, 0, 3, 2; -> 2, 1, 2, 3, 2; -> 3, 2, 1, 2, 4; -> 2, 0, 0",
    .doc = "0, 1, 2, ... along an axis",
};
