/* Windows over up to three spatial axes of (..., S, channels): window_sum, and window_argmax, which
 * says where in the spatial axes (as one) the first of the largest elements of each window is, -1
 * for a window of padding alone. Pooling is made of them. */
#include "core/ops/window.h"
#include <string.h>

static imnn_node build_one(imnn_graph *g, int op, imnn_node x, const imnn_attr *attr)
{
    return imnn_graph_build(g, op, 1, &x, attr);
}

imnn_node g_window_sum(imnn_graph *g, imnn_node x, const imnn_attr *window)
{
    return build_one(g, IMNN_OP_window_sum, x, window);
}

imnn_node g_window_argmax(imnn_graph *g, imnn_node x, const imnn_attr *window)
{
    return build_one(g, IMNN_OP_window_argmax, x, window);
}

static imnn_status window_of(imnn_window *w, const char *who, const imnn_attr *attr,
                             const imnn_shape *s)
{
    const int64_t n = attr->n > 0 ? attr->v[0] : -1;
    if (n < 0 || n > 3 || attr->n != 1 + IMNN_SIDE_NUMBERS * n)
        return imnn_fail(IMNN_EVALUE,
                         "%s: needs the number of spatial axes, up to 3, and six "
                         "numbers for each",
                         who);
    return imnn_window_of(w, who, n, attr->v + 1, s);
}

static imnn_status infer_as(const char *who, imnn_type *out, const imnn_type *in,
                            const imnn_attr *attr)
{
    imnn_window w;
    imnn_status st = window_of(&w, who, attr, &in->shape);
    *out = *in;
    for (int d = 0; d < w.n && st == IMNN_OK; d++)
        out->shape.size[in->shape.ndim - 1 - w.n + d] = w.side[3 - w.n + d].places;
    return st;
}

static imnn_status infer_sum(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    return infer_as("window_sum", out, in, attr);
}

static imnn_status infer_argmax(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = infer_as("window_argmax", out, in, attr);
    out->dtype = IMNN_I32;
    return st;
}

/* Sums of the other way round. */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    imnn_window w;
    imnn_attr back = {.n = v->attr->n, .v = {v->attr->v[0]}};
    const imnn_shape s = *imnn_graph_shape(g, v->x[0]);
    if (window_of(&w, "window_sum", v->attr, &s) != IMNN_OK) return;
    imnn_window_transposed(back.v + 1, &w);
    dx[0] =
        imnn_shape_count(&s) && imnn_shape_count(&v->type.shape) ? g_window_sum(g, dy, &back) : 0;
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    return imnn_rows_before(v, in, R, in[0].shape.ndim - 1 - v->attr->v[0], by);
}

/* For every place of the window in one example: `y` is the number of the place; inside, for every
 * element x (a number of a place too) that it meets. */
#define FOR_PLACES(w, BEGIN, MEET)                                                        \
    for (int64_t p0 = 0, y = 0; p0 < (w)->side[0].places; p0++)                           \
        for (int64_t p1 = 0; p1 < (w)->side[1].places; p1++)                              \
            for (int64_t p2 = 0; p2 < (w)->side[2].places; p2++, y++) {                   \
                BEGIN;                                                                    \
                for (int64_t t0 = 0; t0 < (w)->side[0].window; t0++) {                    \
                    const int64_t i0 = imnn_window_meets(&(w)->side[0], p0, t0);          \
                    for (int64_t t1 = 0; i0 >= 0 && t1 < (w)->side[1].window; t1++) {     \
                        const int64_t i1 = imnn_window_meets(&(w)->side[1], p1, t1);      \
                        for (int64_t t2 = 0; i1 >= 0 && t2 < (w)->side[2].window; t2++) { \
                            const int64_t i2 = imnn_window_meets(&(w)->side[2], p2, t2);  \
                            const int64_t x =                                             \
                                (i0 * (w)->side[1].size + i1) * (w)->side[2].size + i2;   \
                            if (i2 >= 0) MEET;                                            \
                        }                                                                 \
                    }                                                                     \
                }                                                                         \
            }

#define KERNELS(T, name)                                                                          \
    static void sum_##name(void *to, const void *from, const imnn_window *w, int64_t channels)    \
    {                                                                                             \
        T *out = to;                                                                              \
        const T *in = from;                                                                       \
        FOR_PLACES(w, memset(out + y * channels, 0, (size_t)channels * sizeof *out),              \
                   for (int64_t c = 0; c < channels; c++) out[y * channels + c] +=                \
                   in[x * channels + c])                                                          \
    }                                                                                             \
    static void argmax_##name(void *to, const void *from, const imnn_window *w, int64_t channels) \
    {                                                                                             \
        int32_t *out = to;                                                                        \
        const T *in = from;                                                                       \
        FOR_PLACES(                                                                               \
            w, for (int64_t c = 0; c < channels; c++) out[y * channels + c] = -1,                 \
            for (int64_t c = 0; c < channels; c++) {                                              \
                const int32_t best = out[y * channels + c];                                       \
                const T v = in[x * channels + c];                                                 \
                const T b = best < 0 ? v : in[(int64_t)best * channels + c];                      \
                if (best < 0 || v > b || (v != v && b == b)) out[y * channels + c] = (int32_t)x;  \
            })                                                                                    \
    }
KERNELS(float, f32)
KERNELS(double, f64)
KERNELS(int32_t, i32)
KERNELS(uint32_t, u32)

typedef void window_kernel(void *to, const void *from, const imnn_window *w, int64_t channels);

static void examples(const imnn_call *c, window_kernel *fn)
{
    imnn_window w;
    const imnn_value *x = &c->in[0];
    const imnn_shape *s = &x->type.shape;
    if (window_of(&w, "window", c->attr, s) != IMNN_OK) return;
    const int64_t channels = s->size[s->ndim - 1];
    const size_t in =
        (size_t)(IMNN_WINDOW_COUNT(&w, size) * channels) * imnn_dtype_size(x->type.dtype);
    const size_t out =
        (size_t)(IMNN_WINDOW_COUNT(&w, places) * channels) * imnn_dtype_size(c->out.type.dtype);
    int64_t count = 1;
    for (int k = 0; k < s->ndim - 1 - w.n; k++) count *= s->size[k];
    for (int64_t e = 0; e < count; e++)
        fn((char *)c->out.data + (size_t)e * out, (const char *)x->data + (size_t)e * in, &w,
           channels);
}

static void kernel_sum(const imnn_call *c)
{
    static window_kernel *const table[] = {
        [IMNN_F32] = sum_f32, [IMNN_F64] = sum_f64, [IMNN_I32] = sum_i32, [IMNN_U32] = sum_u32};
    examples(c, table[c->in[0].type.dtype]);
}

static void kernel_argmax(const imnn_call *c)
{
    static window_kernel *const table[] = {[IMNN_F32] = argmax_f32,
                                           [IMNN_F64] = argmax_f64,
                                           [IMNN_I32] = argmax_i32,
                                           [IMNN_U32] = argmax_u32};
    examples(c, table[c->in[0].type.dtype]);
}

#define CASES                                                                    \
    "(5, 2) -> 1, 2, 1, 0, 0, 1, 1; (2, 6, 3) -> 1, 3, 2, 1, 2, 1, 2; "          \
    "(4, 5, 1) -> 2, 2, 2, 0, 0, 1, 1, 3, 1, 1, 1, 1, 1; "                       \
    "(3, 4, 2, 2) -> 3, 2, 1, 0, 1, 1, 1, 2, 2, 1, -1, 1, 1, 2, 1, 0, 0, 1, 1; " \
    "(2, 4, 2) -> 1, 2, 3, 1, 2, 2, 1; (2, 3, 2) -> 1, 5, 1, 0, 0, 1, 1; (3, 2) -> 0"

const imnn_op imnn_op_window_sum = {
    .name = "window_sum",
    .id = IMNN_OP_window_sum,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_NUMBERS,
    .infer = infer_sum,
    .vjp = vjp,
    .linear = 1,
    .batch = imnn_batch_leading,
    .rows = rows,
    .kernel = kernel_sum,
    .range = {-2, 2},
    .cases = CASES,
    .doc = "sum over a window at each of its places over spatial axes, those before the last",
};

const imnn_op imnn_op_window_argmax = {
    .name = "window_argmax",
    .id = IMNN_OP_window_argmax,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_NUMBERS,
    .infer = infer_argmax,
    .vjp = imnn_vjp_zero,
    .batch = imnn_batch_leading,
    .rows = rows,
    .kernel = kernel_argmax,
    .gives = "i32",
    .range = {-2, 2},
    .cases = CASES,
    .doc = "where in the spatial axes, as one, the largest element of each window is; -1: nowhere",
};
