/* take_along(x, indices, axis): along every line of the axis its own elements by number, and the
 * transpose put_along_add. Numbers below 0 count as 0, those past the end as the last one. */
#include "core/ops/axis.h"
#include <string.h>

imnn_node g_take_along(imnn_graph *g, imnn_node x, imnn_node indices, int axis)
{
    return imnn_graph_build(g, IMNN_OP_take_along, 2, (imnn_node[]){x, indices},
                            &(imnn_attr){1, {axis}});
}

imnn_node g_put_along_add(imnn_graph *g, imnn_node y, imnn_node indices, int axis, int64_t size)
{
    return imnn_graph_build(g, IMNN_OP_put_along_add, 2, (imnn_node[]){y, indices},
                            &(imnn_attr){2, {axis, size}});
}

/* Equal sizes but, if the axis is free, along it. */
static imnn_status check(const char *name, const imnn_type *in, int64_t axis, bool free)
{
    const imnn_shape *s = &in[0].shape, *t = &in[1].shape;
    if (in[1].dtype != IMNN_I32)
        return imnn_fail(IMNN_EDTYPE, "%s: indices must be i32, got %s", name,
                         imnn_dtype_name(in[1].dtype));
    if (axis < 0 || axis >= s->ndim)
        return imnn_fail(IMNN_EVALUE, "%s: no axis %lld in %s", name, (long long)axis + 1,
                         imnn_shape_text(s).s);
    bool fits = s->ndim == t->ndim;
    for (int k = 0; fits && k < s->ndim; k++)
        fits = s->size[k] == t->size[k] || (free && k == axis);
    if (fits) return IMNN_OK;
    return imnn_fail(IMNN_ESHAPE, "%s: indices %s do not fit %s along axis %lld", name,
                     imnn_shape_text(t).s, imnn_shape_text(s).s, (long long)axis + 1);
}

static imnn_status infer_take_along(imnn_type *out, int n, const imnn_type *in,
                                    const imnn_attr *attr)
{
    const int64_t axis = attr->n == 1 ? attr->v[0] : -1;
    imnn_status st = check("take_along", in, axis, true);
    if (st != IMNN_OK) return st;
    *out = (imnn_type){in[0].dtype, in[1].shape};
    if (in[0].shape.size[axis] > 0 || imnn_shape_count(&in[1].shape) == 0) return IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "take_along: there is nothing along axis %lld of %s",
                     (long long)axis + 1, imnn_shape_text(&in[0].shape).s);
}

static imnn_status infer_put_along_add(imnn_type *out, int n, const imnn_type *in,
                                       const imnn_attr *attr)
{
    const int64_t axis = attr->n == 2 ? attr->v[0] : -1, size = attr->n == 2 ? attr->v[1] : 0;
    imnn_status st = check("put_along_add", in, axis, false);
    if (st != IMNN_OK) return st;
    if (size < 0 || (size == 0 && imnn_shape_count(&in[0].shape) > 0))
        return imnn_fail(IMNN_EVALUE, "put_along_add: no room for %s along an axis of size %lld",
                         imnn_shape_text(&in[0].shape).s, (long long)size);
    *out = in[0];
    out->shape.size[axis] = size;
    return IMNN_OK;
}

static void vjp_take_along(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                           imnn_node *dx)
{
    const int axis = (int)v->attr->v[0];
    dx[0] = g_put_along_add(g, dy, v->x[1], axis, imnn_graph_shape(g, v->x[0])->size[axis]);
    dx[1] = 0;
}

static void vjp_put_along_add(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                              imnn_node *dx)
{
    dx[0] = g_take_along(g, dy, v->x[1], (int)v->attr->v[0]);
    dx[1] = 0;
}

/* For every selected element s of lines of m: the one of the lines l that it is. */
#define FOR_SELECTED(l, m, indices, ACTION)                                                      \
    for (int64_t o = 0, s = 0; o < (l).outer; o++)                                               \
        for (int64_t j = 0; j < (m); j++)                                                        \
            for (int64_t k = 0; k < (l).inner; k++, s++) {                                       \
                const int64_t e = (o * (l).n + imnn_clamp((indices)[s], (l).n)) * (l).inner + k; \
                ACTION;                                                                          \
            }

#define KERNELS(T)                                                                                 \
    static void take_##T(void *out, const void *x, const int32_t *indices, int64_t m,              \
                         imnn_lines l)                                                             \
    {                                                                                              \
        FOR_SELECTED(l, m, indices, ((T *)out)[s] = ((const T *)x)[e])                             \
    }                                                                                              \
    static void put_##T(void *out, const void *y, const int32_t *indices, int64_t m, imnn_lines l) \
    {                                                                                              \
        FOR_SELECTED(l, m, indices, ((T *)out)[e] += ((const T *)y)[s])                            \
    }
KERNELS(float)
KERNELS(double)
KERNELS(imnn_c64)
KERNELS(imnn_c128)
KERNELS(uint32_t) /* wraps around, as i32 does too */
static void take_uint8_t(void *out, const void *x, const int32_t *indices, int64_t m, imnn_lines l)
{
    FOR_SELECTED(l, m, indices, ((uint8_t *)out)[s] = ((const uint8_t *)x)[e])
}

typedef void kernel(void *out, const void *in, const int32_t *indices, int64_t m, imnn_lines l);
static kernel *const take[IMNN_NDTYPE] = {take_float,   take_double,   take_uint32_t, take_uint32_t,
                                          take_uint8_t, take_imnn_c64, take_imnn_c128};
static kernel *const put[IMNN_NDTYPE] = {put_float, put_double,   put_uint32_t, put_uint32_t,
                                         NULL,      put_imnn_c64, put_imnn_c128};

static void kernel_take_along(const imnn_call *c)
{
    const int64_t axis = c->attr->v[0];
    take[c->out.type.dtype](c->out.data, c->in[0].data, c->in[1].data,
                            c->in[1].type.shape.size[axis],
                            imnn_lines_along(&c->in[0].type.shape, axis));
}

static void kernel_put_along_add(const imnn_call *c)
{
    const imnn_type *type = &c->out.type;
    const int64_t axis = c->attr->v[0];
    memset(c->out.data, 0, (size_t)imnn_shape_count(&type->shape) * imnn_dtype_size(type->dtype));
    put[type->dtype](c->out.data, c->in[0].data, c->in[1].data, c->in[1].type.shape.size[axis],
                     imnn_lines_along(&type->shape, axis));
}

const imnn_op imnn_op_take_along = {
    .name = "take_along",
    .id = IMNN_OP_take_along,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_ALL,
    .infer = infer_take_along,
    .vjp = vjp_take_along,
    .linear = 1,
    .batch = imnn_axis_batch,
    .rows = imnn_axis_rows,
    .kernel = kernel_take_along,
    .range = {-2, 5},
    .cases = "(4) i32 (3) -> 0; (2, 4) i32 (2, 3) -> 1; (4, 3) i32 (2, 3) -> 0; "
             "(2, 4, 3) i32 (2, 5, 3) -> 1; (3, 4) i32 (3, 0) -> 1; (0, 3) i32 (0, 2) -> 1; (1) "
             "i32 (1) -> 0; (2, 3, 1, 4) i32 (2, 5, 1, 4) -> 1",
    .doc = "along an axis the elements with these numbers, for every place of the other axes",
};

const imnn_op imnn_op_put_along_add = {
    .name = "put_along_add",
    .id = IMNN_OP_put_along_add,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_SCALARS,
    .infer = infer_put_along_add,
    .vjp = vjp_put_along_add,
    .linear = 1,
    .batch = imnn_axis_batch,
    .rows = imnn_axis_rows,
    .kernel = kernel_put_along_add,
    .range = {-2, 5},
    .cases = "(3) i32 (3) -> 0, 4; (2, 3) i32 (2, 3) -> 1, 4; (2, 3) i32 (2, 3) -> 0, 4; "
             "(3, 0) i32 (3, 0) -> 1, 2; (1) i32 (1) -> 0, 1; (0, 3) i32 (0, 3) -> 1, 4; (2, 3, 1, "
             "2) i32 (2, 3, 1, 2) -> 1, 4",
    .doc = "zeros with elements added along an axis where the indices say: the transpose of "
           "take_along",
};
