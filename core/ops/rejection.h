#ifndef CORE_OPS_REJECTION_H
#define CORE_OPS_REJECTION_H
#include "core/kernels/threefry.h"

/* Draws that take several attempts: core/ops/rejection.inc, once for each of f32 and f64. */
#define REJECTION(T, S)                                                                        \
    /* Elements first .. first + count - 1 of the n gamma numbers of one key, or of their      \
     * logarithms; element i has key i of split(key, n) for itself (spec/random 8.1). */       \
    void imnn_gamma_##S(T *out, const uint32_t key[2], imnn_key_layout layout, const T *a,     \
                        int64_t first, int64_t count, int64_t n, bool logarithm);              \
    /* All n binomial numbers of one key (spec/random 10). */                                  \
    void imnn_binomial_##S(T *out, const uint32_t key[2], imnn_key_layout layout, const T *of, \
                           const T *p, int64_t n);
REJECTION(float, f32)
REJECTION(double, f64)

/** All n Poisson numbers of one key (spec/random 9). */
void imnn_poisson(int32_t *out, const uint32_t key[2], imnn_key_layout layout, const float *lam,
                  int64_t n);
/** von Mises angles about 0, keys as for gamma numbers. */
double imnn_von_mises(const uint32_t key[2], imnn_key_layout layout, double kappa);
#endif
