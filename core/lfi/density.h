#ifndef CORE_LFI_DENSITY_H
#define CORE_LFI_DENSITY_H
#include "core/base/base.h"
#include "imnn/density.h"

/** Samples that count: finite, of positive weight, between the limits; and what is known of them.
 */
typedef struct imnn_points {
    int axes;
    int64_t n, dropped;
    double *x[2], *weight; /* weights add up to 1 */
    double least[2], most[2], sd[2], correlation;
    double n_eff;
    size_t bytes; /* of the block that x[0] begins */
} imnn_points;

/** Copy them. fails as imnn_density_new */
imnn_status imnn_points_take(imnn_points *p, const imnn_density_samples *s,
                             const imnn_density_options *o);
void imnn_points_release(imnn_points *p);

/** What options ask for, whatever is to be done. */
imnn_status imnn_density_check(const imnn_density_options *o, int axes);

/** Bandwidth of one axis by a rule, on the range [from, to]. fails EVALUE (no spread), ENOMEM */
imnn_status imnn_bandwidth(double *h, const imnn_points *p, int axis, imnn_density_rule rule,
                           double from, double to);
/** The narrower kernel that bias correction asks for: factor of the bandwidth. */
double imnn_bandwidth_corrected(int axes, int corrections, double n_eff);

/** Bandwidths and correlation of the kernel, as asked for or by the rule, and d->marginal. */
imnn_status imnn_bandwidths(imnn_density *d, const imnn_points *p, const imnn_density_options *o);
/** The range that ISJ sees: that of the samples and a tenth more, up to the limits. */
void imnn_bandwidth_range(double *from, double *to, const imnn_points *p, int axis,
                          const imnn_density_options *o);

/** The estimates from moments about a point: A_00 and, where a limit is near, all of them.
 *  A  00 01 02 11 12 22, of one axis 0, 1, 2 in places 0, 1, 3 */
double imnn_density_estimate(imnn_density_method method, int axes, const double A[6],
                             const double M[3]);

/** Moments 0, 1, 2 of the standard normal between l and r. */
void imnn_normal_moments(double A[3], double l, double r);

/** Weighted histogram of points on grid centres, not divided by anything; ny = 1: no y. Returns the
 *  weight inside. weight NULL: 1 each. */
double imnn_histogram(double *out, int nx, double xlo, double xhi, int ny, double ylo, double yhi,
                      int64_t n, const double *x, const double *y, int64_t stride,
                      const double *weight);

/** Trapezoid sum of a grid (nx, ny), ny = 1 for one axis: in units of its cells. */
double imnn_trapezoid(const double *f, int nx, int ny);

/* ---- convolution ---- */

/** Real grids that are folded on a circle, zero behind their ends. */
typedef struct imnn_circle {
    int axes, size[2];
    double *real;     /* (size[0], size[1]): what is folded, and the result */
    double *spectrum; /* of the data */
    double *kernel;   /* room for that of a kernel */
    size_t bytes;
    struct imnn_fft *forward, *backward;
} imnn_circle;

/** Circles of at least the given sizes. fails EIO, ENOMEM */
imnn_status imnn_circle_new(imnn_circle *c, int axes, const int *least);
void imnn_circle_release(imnn_circle *c);
/** Take the data from c->real. */
imnn_status imnn_circle_data(imnn_circle *c);
/** Take a kernel from c->real (offset 0 in place 0, negative ones at the end), and leave the data
 *  folded with it there. */
imnn_status imnn_circle_fold(imnn_circle *c);
#endif
