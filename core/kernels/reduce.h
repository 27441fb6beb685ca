#ifndef CORE_KERNELS_REDUCE_H
#define CORE_KERNELS_REDUCE_H
#include "core/ops/ops.h"

/** out (outer, inner) = sum (prod, max, min: op) over the middle axis of in (outer, n, inner);
 *  accumulate: out = out + that sum. max and min of bools are any and all; NaN wins. Sums of reals
 *  are blocked (pairwise), so errors grow like log n; order depends on n and inner only. */
void imnn_reduce(int op, imnn_dtype dtype, void *out, const void *in, int64_t outer, int64_t n,
                 int64_t inner, bool accumulate);
#endif
