#ifndef CORE_WEIGHTED_H
#define CORE_WEIGHTED_H
#include "core/base/base.h"
#include "imnn/samples.h"

/** The sum of n weights, w NULL: n.
 *  fails  EVALUE (no sample, weights that are none) */
imnn_status imnn_weights_total(double *out, const char *who, int64_t n, const double *w);

/** A sample and its weight. */
typedef struct imnn_weighted {
    double x, w;
} imnn_weighted;

/** A column with its weights, in order of x; to be given back by imnn_free, bytes n times that of
 *  one.
 *  fails  EVALUE (NaN), ENOMEM */
imnn_status imnn_weighted_sort(imnn_weighted **out, const char *who, int64_t n, const double *x,
                               int64_t stride, const double *w);
/** The quantile q of what is sorted so, whose weights add up to `total`. */
double imnn_weighted_quantile(const imnn_weighted *s, int64_t n, double total, double q);

/** The z below which a normal number is with probability p. */
double imnn_normal_quantile(double p);
/** The x below which a number of the beta distribution is with probability p. */
double imnn_beta_quantile(double p, double a, double b);
/** The quantile at which a sample that is worth `ess` independent draws may have its quantile q:
 * one standard deviation below (side -1) or above (1). */
double imnn_quantile_bound(double q, double ess, int side);
#endif
