#include "core/kernels/reduce.h"
#include "core/kernels/isa.h"
#include <math.h>
#include <string.h>

/* What a reduction over nothing gives. */
static void identity(int which, imnn_dtype dtype, void *out, int64_t count)
{
    static const double number[] = {0, 1, -INFINITY, INFINITY};
    static const int32_t whole[] = {0, 1, INT32_MIN, INT32_MAX};
    static const uint32_t natural[] = {0, 1, 0, UINT32_MAX};
    for (int64_t i = 0; i < count; i++) {
        if (dtype == IMNN_F32) ((float *)out)[i] = (float)number[which];
        if (dtype == IMNN_F64) ((double *)out)[i] = number[which];
        if (dtype == IMNN_I32) ((int32_t *)out)[i] = whole[which];
        if (dtype == IMNN_U32) ((uint32_t *)out)[i] = natural[which];
        if (dtype == IMNN_BOOL) ((uint8_t *)out)[i] = which == IMNN_MIN;
        if (dtype == IMNN_C64) ((imnn_c64 *)out)[i] = (float)number[which];
        if (dtype == IMNN_C128) ((imnn_c128 *)out)[i] = number[which];
    }
}

/* Products of complex numbers one by one; the functions of C for them would look at infinities. */
#define COMPLEX_PRODUCT(name, T)                                                              \
    static void name(T *out, const T *in, int64_t outer, int64_t n, int64_t inner, bool more) \
    {                                                                                         \
        for (int64_t o = 0; o < outer; o++)                                                   \
            for (int64_t k = 0; k < inner; k++) {                                             \
                T *y = out + 2 * (o * inner + k);                                             \
                T re = more ? y[0] : 1, im = more ? y[1] : 0;                                 \
                for (int64_t i = 0; i < n; i++) {                                             \
                    const T *x = in + 2 * ((o * n + i) * inner + k), old = re;                \
                    re = old * x[0] - im * x[1];                                              \
                    im = old * x[1] + im * x[0];                                              \
                }                                                                             \
                y[0] = re, y[1] = im;                                                         \
            }                                                                                 \
    }
COMPLEX_PRODUCT(product_c64, float)
COMPLEX_PRODUCT(product_c128, double)

void imnn_reduce(int op, imnn_dtype dtype, void *out, const void *in, int64_t outer, int64_t n,
                 int64_t inner, bool accumulate)
{
    if (outer * inner == 0) return;
    const int which = op == IMNN_OP_sum    ? IMNN_SUM
                      : op == IMNN_OP_prod ? IMNN_PROD
                      : op == IMNN_OP_max  ? IMNN_MAX
                                           : IMNN_MIN;
    if (imnn_is_complex(dtype) && which == IMNN_SUM) { /* parts next to each other */
        dtype = imnn_part_dtype(dtype);
        inner *= 2;
    }
    if (n > 0 && dtype == IMNN_C64) product_c64(out, in, outer, n, inner, accumulate);
    else if (n > 0 && dtype == IMNN_C128) product_c128(out, in, outer, n, inner, accumulate);
    else if (n > 0) imnn_kernels()->reduce[which][dtype](out, in, outer, n, inner, accumulate);
    else if (!accumulate) identity(which, dtype, out, outer * inner);
}
