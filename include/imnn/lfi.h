#ifndef IMNN_LFI_H
#define IMNN_LFI_H
#include "imnn/graph.h"

/** How far a simulation is from the data, in standard deviations: sqrt(d^T F d), d = s - target.
 *  s, target  (P), estimates of the parameters in their units
 *  F          (P, P), in 1 / units^2; 0 for the Euclidean distance
 *  source     Mahalanobis 1936, Proc. Natl. Inst. Sci. India 2, 49 */
IMNN_API imnn_node imnn_lfi_distance(imnn_graph *g, imnn_node s, imnn_node target, imnn_node F);

/** Histogram density of weighted points on grid centres: counts / (n width), n counted inside.
 *  out    (nx), to be allocated by the caller; NaN if no point is inside
 *  lo, hi first and last centre; bins are [c - d/2, c + d/2), the last one closed */
IMNN_API void imnn_lfi_density1(double *out, int nx, double lo, double hi, int64_t n,
                                const double *x, int64_t stride);
/** The same for pairs; out (nx, ny). */
IMNN_API void imnn_lfi_density2(double *out, int nx, double xlo, double xhi, int ny, double ylo,
                                double yhi, int64_t n, const double *x, const double *y,
                                int64_t stride);
/** Gaussian filter along both axes of (nx, ny), sigma in cells, cut at 4 sigma, mirrored about the
 *  centre of the edge cell; ny = 1 for one axis. */
IMNN_API imnn_status imnn_lfi_smooth(double *out, const double *in, int nx, int ny, double sigma);
/** The density level that encloses the fraction p of the mass on a grid (nx, ny), ny = 1 for one
 *  axis; trapezoid weights, interpolated. */
IMNN_API double imnn_lfi_level(const double *f, int nx, int ny, double p);
#endif
