/* cumsum, cumprod, cummax, cummin: along an axis the sum (product, maximum, minimum) of all
 * elements up to each one, or from each one on. */
#include "core/ops/axis.h"
#include <string.h>

#define BUILDER(n)                                                                         \
    imnn_node g_##n(imnn_graph *g, imnn_node x, int axis, bool backward)                   \
    {                                                                                      \
        return imnn_graph_build(g, IMNN_OP_##n, 1, &x, &(imnn_attr){2, {axis, backward}}); \
    }
BUILDER(cumsum)
BUILDER(cumprod)
BUILDER(cummax)
BUILDER(cummin)

static imnn_status infer_as(const char *name, imnn_type *out, const imnn_type *in,
                            const imnn_attr *attr)
{
    *out = *in;
    return imnn_axis_check(name, &in->shape, attr, 2);
}

/* ---- derivatives ---- */

static void vjp_cumsum(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                       imnn_node *dx)
{
    dx[0] = g_cumsum(g, dy, (int)v->attr->v[0], !v->attr->v[1]);
}

/* The products in log2(n) steps, x <- x * (x moved by 1, 2, 4, ...), and these steps backwards:
 * without divisions, so it holds, and can be differentiated again, where elements are zero. */
static void vjp_cumprod(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                        imnn_node *dx)
{
    enum { MOST_STEPS = 63 };
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    const int64_t axis = v->attr->v[0], n = in.size[axis], sign = v->attr->v[1] ? -1 : 1;
    const imnn_lines l = imnn_lines_along(&in, axis);
    const imnn_shape flat = {3, {l.outer, l.n, l.inner}};
    imnn_node x[MOST_STEPS + 1] = {g_reshape(g, v->x[0], &flat)}, d = g_reshape(g, dy, &flat);
    int steps = 0;
    for (int64_t by = 1; by < n && imnn_graph_ok(g); by *= 2, steps++)
        x[steps + 1] = g_mul(g, x[steps], g_shift(g, x[steps], sign * by, 1));
    for (int k = steps - 1; k >= 0 && imnn_graph_ok(g); k--) {
        const int64_t by = sign * ((int64_t)1 << k);
        d = g_add(g, g_mul(g, d, g_shift(g, x[k], by, 1)), g_shift(g, g_mul(g, d, x[k]), -by, 0));
    }
    dx[0] = g_reshape(g, d, &in);
}

/* Each result is the last element so far that equals it; before the first NaN there is one. */
static void vjp_extremum(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                         imnn_node *dx)
{
    const int axis = (int)v->attr->v[0];
    const bool backward = v->attr->v[1];
    const imnn_shape *s = &v->type.shape;
    imnn_node place = g_iota(g, IMNN_I32, s, axis);
    const double none = backward ? (double)s->size[axis] - 1 : 0;
    imnn_node found = g_where(g, g_eq(g, v->x[0], y), place, g_number(g, place, none));
    found = backward ? g_cummin(g, found, axis, true) : g_cummax(g, found, axis, false);
    dx[0] = g_put_along_add(g, dy, found, axis, s->size[axis]);
}

/* ---- kernels ---- */

enum { TOGETHER = 64 }; /* so many neighbouring lines are worked on together */

typedef float _Complex c64;
typedef double _Complex c128;

/* Sums and products of single precision are kept in double. */
#define ALONG(T, W, NAME, STEP)                                                       \
    static void NAME##_##T(void *to, const void *from, imnn_lines l, bool backward)   \
    {                                                                                 \
        for (int64_t o = 0; o < l.outer; o++)                                         \
            for (int64_t k = 0; k < l.inner; k += TOGETHER) {                         \
                const int64_t wide = l.inner - k < TOGETHER ? l.inner - k : TOGETHER; \
                W a[TOGETHER];                                                        \
                for (int64_t i = 0; i < l.n; i++) {                                   \
                    const int64_t at = backward ? l.n - 1 - i : i;                    \
                    const T *x = (const T *)from + (o * l.n + at) * l.inner + k;      \
                    T *y = (T *)to + (o * l.n + at) * l.inner + k;                    \
                    for (int64_t j = 0; j < wide; j++) {                              \
                        a[j] = i == 0 ? (W)x[j] : (STEP);                             \
                        y[j] = (T)a[j];                                               \
                    }                                                                 \
                }                                                                     \
            }                                                                         \
    }
#define SUM a[j] + x[j]
#define PRODUCT a[j] * x[j]
#define LARGER x[j] > a[j] || x[j] != x[j] ? x[j] : a[j]
#define SMALLER x[j] < a[j] || x[j] != x[j] ? x[j] : a[j]
#define EXTREMA(T) ALONG(T, T, largest, LARGER) ALONG(T, T, smallest, SMALLER)
ALONG(float, double, sum, SUM)
ALONG(double, double, sum, SUM)
ALONG(c64, c128, sum, SUM)
ALONG(c128, c128, sum, SUM)
ALONG(uint32_t, uint32_t, sum, SUM) /* wraps around, as i32 does too */
ALONG(float, double, product, PRODUCT)
ALONG(double, double, product, PRODUCT)
ALONG(c64, c128, product, PRODUCT)
ALONG(c128, c128, product, PRODUCT)
ALONG(uint32_t, uint32_t, product, PRODUCT)
EXTREMA(float)
EXTREMA(double)
EXTREMA(int32_t)
EXTREMA(uint32_t)
EXTREMA(uint8_t)

typedef void along(void *to, const void *from, imnn_lines l, bool backward);

static void run(const imnn_call *c, along *const of[IMNN_NDTYPE])
{
    const imnn_lines l = imnn_lines_along(&c->in[0].type.shape, c->attr->v[0]);
    of[c->out.type.dtype](c->out.data, c->in[0].data, l, c->attr->v[1]);
}

#define CUMULATIVE(n, kind, allowed, vjp_fn, is_linear, text, ...)                                \
    static imnn_status infer_##n(imnn_type *out, int count, const imnn_type *in,                  \
                                 const imnn_attr *attr)                                           \
    {                                                                                             \
        return infer_as(#n, out, in, attr);                                                       \
    }                                                                                             \
    static along *const n##_of[IMNN_NDTYPE] = {[IMNN_F32] = kind##_float,                         \
                                               [IMNN_F64] = kind##_double,                        \
                                               [IMNN_U32] = kind##_uint32_t,                      \
                                               __VA_ARGS__};                                      \
    static void kernel_##n(const imnn_call *c) { run(c, n##_of); }                                \
    const imnn_op imnn_op_##n = {                                                                 \
        .name = #n,                                                                               \
        .id = IMNN_OP_##n,                                                                        \
        .arity = 1,                                                                               \
        .class = IMNN_CALL,                                                                       \
        .dtypes = allowed,                                                                        \
        .infer = infer_##n,                                                                       \
        .vjp = vjp_fn,                                                                            \
        .linear = is_linear,                                                                      \
        .batch = imnn_axis_batch,                                                                 \
        .rows = imnn_axis_rows,                                                                   \
        .kernel = kernel_##n,                                                                     \
        .range = {-2, 2},                                                                         \
        .cases = "(5) -> 0, 0; (3, 4) -> 0, 0; (3, 4) -> 1, 1; (2, 3, 4) -> 1, 0; "               \
                 "(2, 1) -> 1, 1; (3, 70) -> 0, 1; (0, 3) -> 1, 0; (3, 0) -> 1, 0; (2, 3, 1, 4) " \
                 "-> 3, 1; (1) -> 0, 0",                                                          \
        .doc = text,                                                                              \
    }
CUMULATIVE(cumsum, sum, IMNN_SCALARS, vjp_cumsum, 1,
           "sums along an axis up to each element, or from it on", [IMNN_I32] = sum_uint32_t,
           [IMNN_C64] = sum_c64, [IMNN_C128] = sum_c128);
CUMULATIVE(cumprod, product, IMNN_SCALARS, vjp_cumprod, 0,
           "products along an axis up to each element, or from it on",
           [IMNN_I32] = product_uint32_t, [IMNN_C64] = product_c64, [IMNN_C128] = product_c128);
CUMULATIVE(cummax, largest, IMNN_ANY, vjp_extremum, 0,
           "largest element along an axis up to each one, or from it on; NaN from the first NaN on",
           [IMNN_I32] = largest_int32_t, [IMNN_BOOL] = largest_uint8_t);
CUMULATIVE(
    cummin, smallest, IMNN_ANY, vjp_extremum, 0,
    "smallest element along an axis up to each one, or from it on; NaN from the first NaN on",
    [IMNN_I32] = smallest_int32_t, [IMNN_BOOL] = smallest_uint8_t);
