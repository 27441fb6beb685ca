#ifndef IMNN_LFI_H
#define IMNN_LFI_H
#include "imnn/graph.h"

/** How far a simulation is from the data, in standard deviations: sqrt(d^T F d), d = s - target.
 *  s, target  (P), estimates of the parameters in their units
 *  F          (P, P), in 1 / units^2; 0 for the Euclidean distance
 *  source     Mahalanobis 1936, Proc. Natl. Inst. Sci. India 2, 49 */
IMNN_API imnn_node imnn_lfi_distance(imnn_graph *g, imnn_node s, imnn_node target, imnn_node F);

/* ---- parameters with limits on the real line ---- */

/** ln((theta - low) / (high - theta)) of a parameter with both limits, ln(theta - low) or
 *  -ln(high - theta) with one, theta itself without: the larger theta, the larger the result.
 *  Within 1e-12 of the width from a limit, and outside, theta counts as if it were there (from a
 *  single limit: 1e-300), so results are finite.
 *  theta      (..., P)
 *  low, high  (P), infinite where there is no limit */
IMNN_API imnn_node imnn_lfi_to_line(imnn_graph *g, imnn_node theta, imnn_node low, imnn_node high);
/** The inverse, never outside of the limits. */
IMNN_API imnn_node imnn_lfi_from_line(imnn_graph *g, imnn_node line, imnn_node low, imnn_node high);
/** ln |d line / d theta|, added up over the parameters (..., P) -> (...): what the logarithm of a
 *  density on the line is less than that of theta. */
IMNN_API imnn_node imnn_lfi_line_slope(imnn_graph *g, imnn_node theta, imnn_node low,
                                       imnn_node high);
/** The same of n rows of numbers. out may be theta, or line.
 *  low, high  (P); NULL: no limits
 *  log_slope  (n), that of the way to the line, in both; NULL: not asked for */
IMNN_API void imnn_line_to(double *out, double *log_slope, int64_t n, int64_t p,
                           const double *theta, const double *low, const double *high);
/** out        NULL: only slopes are asked for */
IMNN_API void imnn_line_from(double *out, double *log_slope, int64_t n, int64_t p,
                             const double *line, const double *low, const double *high);

/* ---- regression adjustment ---- */

/** What is adjusted, and how: parameters as they would have been at the summaries of the data
 *  (Beaumont, Zhang & Balding 2002, Genetics 162, 2025). */
typedef struct imnn_regression {
    int64_t n, n_params, n_summaries;
    const double *theta;     /* (n, P) on the real line */
    const double *summaries; /* (n, S) */
    const double *target;    /* (S) those of the data */
    const double *distances; /* (n), 0 or more */
    const double *weights;   /* (n), 0 or more; NULL: equal */
    double delta;            /* simulations count 1 - (d / delta)^2; 0: the largest distance */
    double ridge;            /* added to the unit variances of the summaries, in units of their sum;
                                negative: chosen by leaving one out */
    bool heteroscedastic;    /* residuals are scaled, too: Blum & Francois 2010, Stat. Comput. 20,
                                63 */
} imnn_regression;

/** out        (n, P), on the real line
 *  kernel     (n), add up to 1: the weights that go with them
 *  slope      (S + 1, P): the fit at the data, then the slope with each summary; NULL: not asked
 * for delta, ridge  that were used fails      EVALUE (fewer than 3 simulations count, numbers that
 * are not finite, summaries that depend on each other without a ridge), ENOMEM, EIO (no LAPACK,
 * above 32 summaries) */
IMNN_API imnn_status imnn_regression_adjust(double *out, double *kernel, double *slope,
                                            double *delta, double *ridge,
                                            const imnn_regression *of);
#endif
