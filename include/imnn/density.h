#ifndef IMNN_DENSITY_H
#define IMNN_DENSITY_H
#include "imnn/base.h"

/* Densities of weighted samples of one or two parameters, on grids of evenly spaced nodes; levels
 * and intervals of densities on grids. Numbers are double; strides are in elements. */

/** How a density is made of samples. K is the normal kernel of width h; near a limit, A_j are the
 *  moments of the part of the kernel that is inside, M_j those of the samples under it. */
typedef enum imnn_density_method {
    IMNN_DENSITY_LINEAR, /* f_N exp(min(f_L / f_N, 4) - 1): positive, error h^2 up to the limits;
                          * Jones & Foster 1996, Statistica Sinica 6, 1005 */
    IMNN_DENSITY_REFLECTION, /* samples are mirrored at the limits; flat there */
    IMNN_DENSITY_PLAIN,      /* no correction: mass is lost beyond the limits */
    IMNN_DENSITY_NORMALISED, /* f_N = M_0 / A_0 */
    IMNN_DENSITY_LOCAL,      /* f_L = (A^-1 M)_0, Jones 1993, Statistics and Computing 3, 135; may
                              * be negative */
    IMNN_DENSITY_HISTOGRAM   /* weights in bins about the nodes, smoothed if asked for */
} imnn_density_method;

/** How wide a kernel is. */
typedef enum imnn_density_rule {
    IMNN_DENSITY_ISJ, /* diffusion plug-in, Botev, Grotowski & Kroese 2010, Annals of Statistics 38,
                       * 2916; the robust rule where their equation has no root */
    IMNN_DENSITY_ROBUST,   /* 0.9 min(sd, IQR / 1.349) n_eff^(-1/5), Silverman 1986 */
    IMNN_DENSITY_REFERENCE /* 1.06 sd n_eff^(-1/5) */
} imnn_density_rule;

/** Samples of one parameter, or of a pair. */
typedef struct imnn_density_samples {
    int64_t n;
    const double *x, *y;  /* y: NULL for one parameter */
    int64_t stride;       /* from one sample to the next */
    const double *weight; /* >= 0, any sum; NULL: equal ones */
    int64_t weight_stride;
} imnn_density_samples;

/** What is asked for; imnn_density_defaults gives those in brackets. Of arrays of two, the second
 *  is for y. */
typedef struct imnn_density_options {
    imnn_density_method method; /* (LINEAR) */
    imnn_density_rule rule;     /* (ISJ) */
    double low[2], high[2];     /* hard limits of the parameters (-inf, inf: none) */
    double bandwidth[2];        /* in units of the parameters (0: by the rule) */
    double marginal[2];         /* of pairs: what the rule gives for either alone, where it is known
                                 * already (0: not) */
    double correlation;         /* of the kernel of a pair (NaN: that of the samples where it is
                                 * above 0.3, else 0; by ISJ less if they have several peaks) */
    double n_eff;               /* effective number of samples (0: 1 / sum of squared weights) */
    int corrections;            /* multiplicative bias corrections, 0 or 1 (0): Jones, Linton &
                                 * Nielsen 1995, Biometrika 82, 327 */
    double from[2], to[2];      /* range of the grid (NaN: all of the mass) */
    int nodes[2];               /* (0: 1024; 256 x 256; of histograms as many as there is reason) */
    double smoothing;           /* of histograms: sd of a Gaussian filter in bins (0) */
} imnn_density_options;

/** A density on a grid. Owned by the caller, only to be read. */
typedef struct imnn_density {
    int axes, nodes[2];
    double from[2], to[2]; /* first and last node */
    bool hard[2][2];       /* whether they are limits */
    double *f;             /* (nodes[0]) or (nodes[0], nodes[1]), per unit of the parameters */
    double bandwidth[2], correlation; /* of the kernel; 0 for histograms */
    double marginal[2];               /* what the rule gave for one parameter alone; 0: not asked */
    double n_eff;
    double inside;         /* fraction of the weight on the grid */
    int64_t used, dropped; /* samples that count; those that are not finite */
    bool histogram;
    char note[256]; /* what was done otherwise than asked, a sentence; "" */
} imnn_density;

IMNN_API imnn_density_options imnn_density_defaults(void);

/** The density of samples. The integral (trapezoid rule) is `inside`, but for PLAIN and LOCAL.
 * Where the kernel is narrower than the distance of nodes the grid is made finer (to 4096; 512 x
 * 512); after that one parameter gets a histogram, a pair a wider kernel, and the note says so. out
 * to be released fails   EVALUE (weights that are negative or not finite or all 0; more than one
 * sample in 20 not finite; samples beyond a limit; no spread and no bandwidth; options out of
 * range), EIO (no FFTW), ENOMEM */
IMNN_API imnn_status imnn_density_new(imnn_density **out, const imnn_density_samples *s,
                                      const imnn_density_options *o);
IMNN_API void imnn_density_release(imnn_density *d);

/** The same by exact sums at points, where there is no grid and nothing is normalised.
 *  out     (n)
 *  points  (n), of pairs (n, 2)
 *  fails   EVALUE (also: a histogram, corrections, a correlation of 1), EINTERRUPT, ENOMEM */
IMNN_API imnn_status imnn_density_at(double *out, int64_t n, const double *points,
                                     const imnn_density_samples *s, const imnn_density_options *o);

/** The bandwidth for one parameter by a rule.
 *  from, to  the range that ISJ cuts into 1024 cells and at whose ends it mirrors; NaN: that of the
 *            samples and a tenth more, up to the limits of the options
 *  fails     EVALUE as imnn_density_new, ENOMEM */
IMNN_API imnn_status imnn_density_bandwidth(double *out, const imnn_density_samples *s,
                                            const imnn_density_options *o, double from, double to);

/* ---- levels and intervals ---- */

/** Levels above which fractions of the mass lie: trapezoid weights, nodes in the order of f,
 *  interpolated; one axis is first interpolated to 100 times as many nodes.
 *  level  (count); NaN where f is not finite
 *  f      (nx, ny), ny = 1 for one axis
 *  p      (count), fractions
 *  fails  ENOMEM */
IMNN_API imnn_status imnn_density_levels(double *level, const double *f, int nx, int ny, int count,
                                         const double *p);
/** Whether f exceeds a level on an edge of the grid that is no hard limit: then the mass beyond the
 *  grid is unknown, and the level with it.
 *  hard  (4): whether first and last node are limits, of x and of y */
IMNN_API bool imnn_density_open(const double *f, int nx, int ny, const bool *hard, double level);
/** Where the density of one parameter is above a level: intervals in order, [low, high] each.
 *  piece    (room, 2)
 *  returns  how many there are, which may be more than room */
IMNN_API int imnn_density_pieces(double *piece, int room, const double *f, int n, double from,
                                 double to, double level);
/** The point below which a fraction p of the mass of one parameter lies; f is linear between nodes.
 */
IMNN_API double imnn_density_quantile(const double *f, int n, double from, double to, double p);

/** What the density says about one parameter with hard limits. */
typedef enum imnn_density_bound {
    IMNN_DENSITY_NONE,     /* it touches both limits: no constraint */
    IMNN_DENSITY_UPPER,    /* it touches the lower limit: below high with mass p */
    IMNN_DENSITY_LOWER,    /* it touches the upper one: above low */
    IMNN_DENSITY_TWO_TAIL, /* equal tails */
    IMNN_DENSITY_HPD       /* equal tails end at unequal densities: from the first to the last
                            * point of highest density */
} imnn_density_bound;
/** The interval of mass p that is to be quoted. With peak 1, a limit is touched if f there is above
 *  exp(-z^2 / 2), z the normal quantile of (1 + p) / 2; equal tails are quoted if the densities at
 *  their ends differ by at most 0.05. */
IMNN_API imnn_density_bound imnn_density_interval(double interval[2], const double *f, int n,
                                                  double from, double to, const bool *hard,
                                                  double p);

/* ---- histograms ---- */

/** Histogram density of points on grid centres: counts / (n width), n counted inside.
 *  out    (nx), to be allocated by the caller; NaN if no point is inside
 *  lo, hi first and last centre; bins are [c - d/2, c + d/2), the last one closed
 *  weight (n) as which points count; NULL: equal ones */
IMNN_API void imnn_lfi_density1(double *out, int nx, double lo, double hi, int64_t n,
                                const double *x, int64_t stride, const double *weight);
/** The same for pairs; out (nx, ny). */
IMNN_API void imnn_lfi_density2(double *out, int nx, double xlo, double xhi, int ny, double ylo,
                                double yhi, int64_t n, const double *x, const double *y,
                                int64_t stride, const double *weight);
/** Gaussian filter along both axes of (nx, ny), sigma in cells, cut at 4 sigma, mirrored about the
 *  centre of the edge cell; ny = 1 for one axis. */
IMNN_API imnn_status imnn_lfi_smooth(double *out, const double *in, int nx, int ny, double sigma);
/** One of imnn_density_levels; NaN also without memory. */
IMNN_API double imnn_lfi_level(const double *f, int nx, int ny, double p);
#endif
