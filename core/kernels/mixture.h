#ifndef CORE_MIXTURE_H
#define CORE_MIXTURE_H
#include <stdint.h>

/** Shapes of kernels; IMNN_MIXED_STUDENT is a multivariate t of 5 degrees of freedom,
 * IMNN_MIXED_UNIFORM a box of half-width 1. */
typedef enum imnn_kernel_shape {
    IMNN_MIXED_NORMAL,
    IMNN_MIXED_STUDENT,
    IMNN_MIXED_UNIFORM
} imnn_kernel_shape;

/** Weighted kernels around points, as kernels of all instruction sets read them: column by column,
 *  n being a multiple of IMNN_MIXTURE_PAD; what is added there has the weight 0. */
enum { IMNN_MIXTURE_PAD = 8 };
typedef struct imnn_mixture {
    imnn_kernel_shape shape;
    int n_params;
    int64_t n;
    const double *center; /* (P, n); whitened unless each has a factor of its own */
    const double *factor; /* (P (P + 1) / 2, n): the rows of inverse Cholesky factors, or NULL */
    const double *weight; /* (n): logarithms for normal kernels, else the weights */
} imnn_mixture;

/** out[i] = log sum_j w_j k(x_i - c_j) for `count` points x (count, P), k(0) being 1. */
typedef void imnn_mixture_kernel(double *out, int64_t count, const double *x,
                                 const imnn_mixture *m);
#endif
