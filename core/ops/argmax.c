/* argmax, argmin: where along an axis the largest or smallest element is, the first of several; the
 * first NaN where there is one. */
#include "core/ops/axis.h"
#include <string.h>

imnn_node g_argmax(imnn_graph *g, imnn_node x, int axis)
{
    return imnn_graph_build(g, IMNN_OP_argmax, 1, &x, &(imnn_attr){1, {axis}});
}
imnn_node g_argmin(imnn_graph *g, imnn_node x, int axis)
{
    return imnn_graph_build(g, IMNN_OP_argmin, 1, &x, &(imnn_attr){1, {axis}});
}

static imnn_status infer_as(const char *name, imnn_type *out, const imnn_type *in,
                            const imnn_attr *attr)
{
    const imnn_shape *s = &in->shape;
    const imnn_status st = imnn_axis_check(name, s, attr, 1);
    if (st != IMNN_OK) return st;
    const int64_t axis = attr->v[0];
    if (s->size[axis] == 0 || s->size[axis] > INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "%s: %s along axis %lld of %s", name,
                         s->size[axis] ? "more elements than i32 can count" : "there is nothing",
                         (long long)axis + 1, imnn_shape_text(s).s);
    *out = (imnn_type){IMNN_I32, {0}};
    for (int k = 0; k < s->ndim; k++)
        if (k != axis) out->shape.size[out->shape.ndim++] = s->size[k];
    return IMNN_OK;
}

/* p[i * step]: the first NaN, else the first that no other one beats. */
#define SEARCH(T, BEATS)                                                                    \
    static int32_t search_##T##_##BEATS(const void *data, int64_t n, int64_t step)          \
    {                                                                                       \
        const T *p = data;                                                                  \
        int64_t best = 0;                                                                   \
        for (int64_t i = 1; i < n && !(p[best * step] != p[best * step]); i++)              \
            if (BEATS(p[i * step], p[best * step]) || p[i * step] != p[i * step]) best = i; \
        return (int32_t)best;                                                               \
    }
#define LARGER(a, b) ((a) > (b))
#define SMALLER(a, b) ((a) < (b))
#define BOTH(T) SEARCH(T, LARGER) SEARCH(T, SMALLER)
BOTH(float)
BOTH(double)
BOTH(int32_t)
BOTH(uint32_t)
BOTH(uint8_t)

typedef int32_t search(const void *data, int64_t n, int64_t step);
static search *const searches[IMNN_NDTYPE][2] = {
    [IMNN_F32] = {search_float_LARGER, search_float_SMALLER},
    [IMNN_F64] = {search_double_LARGER, search_double_SMALLER},
    [IMNN_I32] = {search_int32_t_LARGER, search_int32_t_SMALLER},
    [IMNN_U32] = {search_uint32_t_LARGER, search_uint32_t_SMALLER},
    [IMNN_BOOL] = {search_uint8_t_LARGER, search_uint8_t_SMALLER},
};

static void along(const imnn_call *c, bool smallest)
{
    const imnn_type *in = &c->in[0].type;
    const size_t size = imnn_dtype_size(in->dtype);
    const imnn_lines l = imnn_lines_along(&in->shape, c->attr->v[0]);
    const char *p = c->in[0].data;
    int32_t *out = c->out.data;
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t i = 0; i < l.inner; i++)
            *out++ = searches[in->dtype][smallest](p + (size_t)(o * l.n * l.inner + i) * size, l.n,
                                                   l.inner);
}

#define ARGUMENT(n, smallest, text)                                                              \
    static imnn_status infer_##n(imnn_type *out, int count, const imnn_type *in,                 \
                                 const imnn_attr *attr)                                          \
    {                                                                                            \
        return infer_as(#n, out, in, attr);                                                      \
    }                                                                                            \
    static void kernel_##n(const imnn_call *c) { along(c, smallest); }                           \
    const imnn_op imnn_op_##n = {                                                                \
        .name = #n,                                                                              \
        .id = IMNN_OP_##n,                                                                       \
        .arity = 1,                                                                              \
        .class = IMNN_CALL,                                                                      \
        .dtypes = IMNN_ANY,                                                                      \
        .infer = infer_##n,                                                                      \
        .vjp = imnn_vjp_zero,                                                                    \
        .batch = imnn_axis_batch,                                                                \
        .rows = imnn_axis_rows,                                                                  \
        .kernel = kernel_##n,                                                                    \
        .gives = "i32",                                                                          \
        .range = {-2, 2},                                                                        \
        .cases = "(5) -> 0; (3, 4) -> 0; (3, 4) -> 1; (2, 3, 4) -> 1; (2, 1) -> 1; (0, 3) -> 1", \
        .doc = text,                                                                             \
    }
ARGUMENT(argmax, false, "where along an axis the largest element is, the first of several");
ARGUMENT(argmin, true, "where along an axis the smallest element is, the first of several");
