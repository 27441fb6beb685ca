#ifndef CORE_KERNELS_CONV_H
#define CORE_KERNELS_CONV_H
#include "core/ops/window.h"

/** Examples x (S, in) with weights (K, in / groups, out) and places y (P, out), all contiguous. */
typedef struct imnn_conv {
    imnn_window window;
    int64_t groups, in, out;
    imnn_dtype dtype; /* IMNN_F32 or IMNN_F64 */
} imnn_conv;

/** y of examples that share their weights. Every number of it is a sum in ascending order of places
 *  in the window, then of channels, as gemm.h has them: the same bytes with any number of examples.
 *  gives  false: no memory */
bool imnn_conv_forward(const imnn_conv *c, void *y, const void *x, const void *w, int64_t examples);
/** The derivative in the weights, summed over examples and places in order: dw, or dw += it. */
bool imnn_conv_filter(const imnn_conv *c, void *dw, const void *x, const void *dy, int64_t examples,
                      bool accumulate);
/** Floating-point operations of either; padding counts, zeros between elements do not. */
double imnn_conv_flops(const imnn_conv *c, int64_t examples);
#endif
