#ifndef IMNN_STATS_H
#define IMNN_STATS_H
#include "imnn/graph.h"

/** A distribution of one number, under the name that SciPy has for it. */
typedef struct imnn_stats_distribution {
    const char *name;   /* "gamma" */
    const char *params; /* names, what is asked of them, defaults: "a>0 loc=0 scale>0=1" */
    const char *doc;
} imnn_stats_distribution;
/** NULL if there are not so many. */
IMNN_API const imnn_stats_distribution *imnn_stats_get(int i);
/** The functions of distributions: logpdf, pdf (of whole numbers logpmf, pmf), cdf, logcdf,
 *  sf = 1 - cdf, logsf; ppf and isf, the inverse of cdf and of sf; mean, var, std; low and high,
 *  the ends of the support. NULL if there are not so many. */
IMNN_API const char *imnn_stats_function(int i);
/** Whether a distribution has a function. */
IMNN_API bool imnn_stats_has(const char *name, const char *what);
/** A function of a distribution.
 *  name    "gamma"
 *  what    "logpdf"
 *  x       the value or the probability; not read for mean, var, std, low, high
 *  params  all of them, of the dtype of x, f32 or f64, of shapes that broadcast with it
 *  returns outside the support probabilities are 0; NaN where parameters do not meet what is asked
 *          of them
 *  fails   EVALUE (no such name or function), ESHAPE, EDTYPE */
IMNN_API imnn_node imnn_stats(imnn_graph *g, const char *name, const char *what, imnn_node x,
                              const imnn_node *params);

/* Distributions of several numbers: logarithms of their densities. All inputs have one dtype, and
 * leading axes broadcast. */
/** Normal: x (..., n), mean (..., n), cov (..., n, n) positive definite. */
IMNN_API imnn_node imnn_stats_multivariate_normal(imnn_graph *g, imnn_node x, imnn_node mean,
                                                  imnn_node cov);
/** Student's, of df degrees of freedom: x (..., n), loc (..., n), shape (..., n, n), df (...). */
IMNN_API imnn_node imnn_stats_multivariate_t(imnn_graph *g, imnn_node x, imnn_node loc,
                                             imnn_node shape, imnn_node df);
/** Dirichlet: x (..., n), which add up to 1, alpha (..., n). */
IMNN_API imnn_node imnn_stats_dirichlet(imnn_graph *g, imnn_node x, imnn_node alpha);
/** Multinomial: x (..., n) counts, which add up to trials (...), p (..., n) their probabilities. */
IMNN_API imnn_node imnn_stats_multinomial(imnn_graph *g, imnn_node x, imnn_node trials,
                                          imnn_node p);
/** Wishart: x (..., n, n), df (...) > n - 1, scale (..., n, n) positive definite. */
IMNN_API imnn_node imnn_stats_wishart(imnn_graph *g, imnn_node x, imnn_node df, imnn_node scale);
#endif
