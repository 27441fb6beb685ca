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
    }
}

void imnn_reduce(int op, imnn_dtype dtype, void *out, const void *in, int64_t outer, int64_t n,
                 int64_t inner, bool accumulate)
{
    if (outer * inner == 0) return;
    const int which = op == IMNN_OP_sum    ? IMNN_SUM
                      : op == IMNN_OP_prod ? IMNN_PROD
                      : op == IMNN_OP_max  ? IMNN_MAX
                                           : IMNN_MIN;
    if (n > 0) imnn_kernels()->reduce[which][dtype](out, in, outer, n, inner, accumulate);
    else if (!accumulate) identity(which, dtype, out, outer * inner);
}
