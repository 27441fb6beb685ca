#ifndef IMNN_SAMPLES_H
#define IMNN_SAMPLES_H
#include "imnn/base.h"

/* Statistics of weighted samples. There are n rows of p numbers: number k of row i is
 * x[i * stride + k]. Weights w (n) are 0 or more and need not add up to 1; NULL: equal ones.
 * Functions with neither a key nor a handle: any thread may call them. All fail with ENOMEM, and
 * with EVALUE where there is no sample, a weight is negative or not finite, or none is above 0. */

/** Weights that add up to 1, exp(l - logsumexp(l)): however far below 1 the exponentials are.
 *  out      (n); -infinity gives 0
 *  log_sum  logsumexp of them; NULL: not asked for
 *  fails    EVALUE (NaN or infinity; all of them -infinity) */
IMNN_API imnn_status imnn_weights_normalise(double *out, double *log_sum, int64_t n,
                                            const double *log_weights);

/** How many samples of equal weight are worth as much. */
typedef struct imnn_weights_size {
    double kish;        /* 1 / sum w^2 (Kish 1965, Survey Sampling) */
    double entropy;     /* exp(-sum w ln w), the perplexity */
    double pessimistic; /* 1 / max w */
} imnn_weights_size;
IMNN_API imnn_status imnn_weights_ess(imnn_weights_size *out, int64_t n, const double *w);

/** Systematic resampling: rows, from 0, that stand for the weighted ones with equal weights. Row i
 *  comes floor(m w_i) or ceil(m w_i) times; they are in order.
 *  out    (m)
 *  u      in [0, 1): the one random number
 *  fails  EVALUE (another u, m below 1) */
IMNN_API imnn_status imnn_weights_systematic(int64_t *out, int64_t m, double u, int64_t n,
                                             const double *w);

/** out (p) */
IMNN_API imnn_status imnn_samples_mean(double *out, int64_t n, int64_t p, const double *x,
                                       int64_t stride, const double *w);
/** sum w d d^T / (1 - sum w^2), d = x - mean, of weights that add up to 1: with equal ones the
 *  covariance with n - 1.
 *  out    (p, p)
 *  fails  EVALUE (1 - sum w^2 below 1e-12: one sample has all the weight) */
IMNN_API imnn_status imnn_samples_cov(double *out, int64_t n, int64_t p, const double *x,
                                      int64_t stride, const double *w);
/** The same of rows that were repeated w times each, whole numbers: divided by 1 - 1 / sum w, it is
 *  the covariance of all of them.
 *  fails  EVALUE (sum w not above 1) */
IMNN_API imnn_status imnn_samples_cov_repeated(double *out, int64_t n, int64_t p, const double *x,
                                               int64_t stride, const double *w);
/** Quantiles of a column, x[i * stride]: samples in order stand at the middle of their share of the
 *  weight; between them by straight lines, constant outside.
 *  out    (count)
 *  q      (count) in [0, 1]
 *  fails  EVALUE (another q; a NaN among the samples) */
IMNN_API imnn_status imnn_samples_quantile(double *out, int64_t count, const double *q, int64_t n,
                                           const double *x, int64_t stride, const double *w);
/** The shortest interval from sample to sample of a column that holds a share of the weight; the
 *  first one of several.
 *  out    (2) its ends
 *  mass   in (0, 1]
 *  fails  EVALUE (another mass; a NaN among the samples) */
IMNN_API imnn_status imnn_samples_hpd(double out[2], double mass, int64_t n, const double *x,
                                      int64_t stride, const double *w);

/* ---- chains ---- */

/** Markov chains of one number, all of one length: draw i of chain j is
 *  x[j * chain_stride + i * stride]. Each is cut in halves, without the draw in the middle of an
 *  odd number of them, so that a trend within a chain shows as a difference between two.
 *  What is undefined, as of chains that do not move, is NaN. Functions fail with EVALUE (fewer than
 *  4 draws in a chain, no chain, NaN among the draws), EIO (no FFTW on this machine). */
typedef struct imnn_chains {
    int64_t count, length;
    const double *x;
    int64_t chain_stride, stride;
} imnn_chains;

/** Potential scale reduction (Gelman & Rubin 1992; Vehtari et al. 2021, Bayesian Analysis 16, 667):
 *  near 1 if chains agree. */
typedef struct imnn_chains_rhats {
    double basic;  /* of the draws */
    double rank;   /* of normal scores of their ranks: does not need a variance */
    double folded; /* the same of |x - median|: chains that differ in width */
} imnn_chains_rhats;
IMNN_API imnn_status imnn_chains_rhat(imnn_chains_rhats *out, const imnn_chains *chains);

/** How many independent draws are worth as much (same source; sums of pairs by Geyer 1992). */
typedef struct imnn_chains_size {
    double raw;  /* for the mean */
    double bulk; /* for the middle: of normal scores of the ranks */
    double tail; /* for the ends: the least of those of the quantiles 0.05 and 0.95 */
} imnn_chains_size;
IMNN_API imnn_status imnn_chains_ess(imnn_chains_size *out, const imnn_chains *chains);

/** Monte Carlo standard error of the mean of the draws, sd / sqrt(ESS). */
IMNN_API imnn_status imnn_chains_mean_error(double *out, const imnn_chains *chains);
/** Effective size for a quantile of the draws, and the standard error of the quantile.
 *  ess, error  either may be NULL
 *  q           in (0, 1)
 *  fails       also EVALUE (another q) */
IMNN_API imnn_status imnn_chains_quantile_error(double *ess, double *error,
                                                const imnn_chains *chains, double q);

/** Standard error of a quantile of weighted, independent samples of a column that are worth `ess`
 *  ones of equal weight: half the distance between the quantiles at which a sample of that size
 *  has it with probabilities 0.1587 and 0.8413. */
IMNN_API imnn_status imnn_samples_quantile_error(double *out, double q, double ess, int64_t n,
                                                 const double *x, int64_t stride, const double *w);

/** Autocovariances of one chain at lags 0, 1, ..., divided by n.
 *  out    (lags), lags at most n */
IMNN_API imnn_status imnn_chain_autocovariance(double *out, int64_t lags, int64_t n,
                                               const double *x, int64_t stride);
/** Integrated autocorrelation time of one chain, 1 + 2 sum of the correlations up to the first lag
 *  M that is at least 5 of these times (Sokal 1997). To be trusted if n > 50 tau.
 *  window  M; NULL: not asked for */
IMNN_API imnn_status imnn_chain_time(double *tau, int64_t *window, int64_t n, const double *x,
                                     int64_t stride);
/** Effective size of a chain that is weighted and correlated: products of weighted deviations up to
 *  the first lag at which they are below 0.05 of those at lag 0. */
IMNN_API imnn_status imnn_chain_weighted_ess(double *out, int64_t n, const double *x,
                                             int64_t stride, const double *w);

/** The multivariate R - 1 of cosmology: the largest eigenvalue of the covariance of the means of
 *  chains in units of the mean covariance within them. Chains count with their total weight.
 *  m      chains, 2 or more: rows begin[j] to begin[j + 1] - 1 are chain j
 *  x      rows of p numbers
 *  fails  EVALUE (fewer chains; a covariance within that is not positive definite), EIO (no LAPACK
 *         on this machine) */
IMNN_API imnn_status imnn_chains_multivariate(double *out, int64_t m, const int64_t *begin,
                                              int64_t p, const double *x, int64_t stride,
                                              const double *w);
#endif
