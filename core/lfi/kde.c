/* Densities of samples: what is asked for, estimates from moments, and exact sums at points. */
#include "core/lfi/density.h"
#include <math.h>

imnn_density_options imnn_density_defaults(void)
{
    return (imnn_density_options){.low = {-INFINITY, -INFINITY},
                                  .high = {INFINITY, INFINITY},
                                  .correlation = NAN,
                                  .from = {NAN, NAN},
                                  .to = {NAN, NAN}};
}

/* ---- what is asked for ---- */

static imnn_status check_axis(const imnn_density_options *o, int a, int axes)
{
    const int most = axes == 1 ? 65536 : 1024;
    if (!(o->low[a] < o->high[a]))
        return imnn_fail(IMNN_EVALUE,
                         "kde: the lower limit must be below the upper one, got %g "
                         "and %g",
                         o->low[a], o->high[a]);
    if (!(o->bandwidth[a] >= 0 && o->bandwidth[a] < INFINITY && o->marginal[a] >= 0 &&
          o->marginal[a] < INFINITY))
        return imnn_fail(IMNN_EVALUE, "kde: a bandwidth must be positive, got %g",
                         o->bandwidth[a] >= 0 && o->bandwidth[a] < INFINITY ? o->marginal[a]
                                                                            : o->bandwidth[a]);
    if (o->from[a] >= o->to[a] || isinf(o->from[a]) || isinf(o->to[a]))
        return imnn_fail(IMNN_EVALUE, "kde: the range of the grid must rise, got %g and %g",
                         o->from[a], o->to[a]);
    if (fmax(o->from[a], o->low[a]) >= fmin(o->to[a], o->high[a]))
        return imnn_fail(IMNN_EVALUE,
                         "kde: the range [%g, %g] of the grid is outside the limits "
                         "[%g, %g]",
                         o->from[a], o->to[a], o->low[a], o->high[a]);
    if (o->nodes[a] && !(o->nodes[a] >= 8 && o->nodes[a] <= most))
        return imnn_fail(IMNN_EVALUE, "kde: a grid has 8 to %d nodes, got %d", most, o->nodes[a]);
    return IMNN_OK;
}

imnn_status imnn_density_check(const imnn_density_options *o, int axes)
{
    for (int a = 0; a < axes; a++) {
        imnn_status st = check_axis(o, a, axes);
        if (st != IMNN_OK) return st;
    }
    if ((unsigned)o->method > IMNN_DENSITY_HISTOGRAM)
        return imnn_fail(IMNN_EVALUE, "kde: there is no method %d", (int)o->method);
    if ((unsigned)o->rule > IMNN_DENSITY_REFERENCE)
        return imnn_fail(IMNN_EVALUE, "kde: there is no rule %d", (int)o->rule);
    if (o->corrections != 0 && o->corrections != 1)
        return imnn_fail(IMNN_EVALUE, "kde: there are 0 or 1 corrections, got %d", o->corrections);
    if (o->n_eff != 0 && !(o->n_eff >= 1 && o->n_eff < INFINITY))
        return imnn_fail(IMNN_EVALUE, "kde: n_eff must be at least 1, got %g", o->n_eff);
    if (fabs(o->correlation) >= 1)
        return imnn_fail(IMNN_EVALUE, "kde: the correlation must be between -1 and 1, got %g",
                         o->correlation);
    return IMNN_OK;
}

/* ---- estimates ---- */

static double normal(double t) { return isinf(t) ? 0 : exp(-t * t / 2) / sqrt(2 * M_PI); }

/* The mass of a standard normal between l and r, exact in the tails, too. */
static double mass(double l, double r)
{
    const double s = sqrt(0.5);
    return l > 0 ? (erfc(l * s) - erfc(r * s)) / 2 : (erfc(-r * s) - erfc(-l * s)) / 2;
}

void imnn_normal_moments(double A[3], double l, double r)
{
    const double at_l = normal(l), at_r = normal(r);
    A[0] = mass(l, r);
    A[1] = at_l - at_r;
    A[2] = A[0] + (isinf(l) ? 0 : l * at_l) - (isinf(r) ? 0 : r * at_r);
}

/* The first component of A^-1 M; f_N where A is nearly singular. */
static double local(int axes, const double A[6], const double M[3], double f_N)
{
    if (axes == 1) {
        const double det = A[0] * A[3] - A[1] * A[1];
        return det > 0 ? (A[3] * M[0] - A[1] * M[1]) / det : f_N;
    }
    const double c0 = A[3] * A[5] - A[4] * A[4], c1 = A[2] * A[4] - A[1] * A[5],
                 c2 = A[1] * A[4] - A[2] * A[3], det = A[0] * c0 + A[1] * c1 + A[2] * c2;
    const double d1 = A[0] * A[5] - A[2] * A[2], d2 = A[0] * A[3] - A[1] * A[1];
    const double trace = A[0] + A[3] + A[5], adjugate = c0 + d1 + d2;
    /* of positive matrices tr(A) tr(A^-1) is between the condition number and 9 times that */
    return det > 0 && trace * adjugate < 1e8 * det ? (c0 * M[0] + c1 * M[1] + c2 * M[2]) / det
                                                   : f_N;
}

double imnn_density_estimate(imnn_density_method method, int axes, const double A[6],
                             const double M[3])
{
    const double f_N = A[0] > 0 && M[0] > 0 ? M[0] / A[0] : 0;
    if (method == IMNN_DENSITY_NORMALISED || (f_N == 0 && method != IMNN_DENSITY_LOCAL)) return f_N;
    const double f_L = local(axes, A, M, f_N);
    return method == IMNN_DENSITY_LOCAL ? f_L : f_N * exp(fmin(f_L / f_N, 4) - 1);
}

/* ---- sums at points: t is the distance in bandwidths ---- */

typedef struct kernel {
    double h[2], rho, scale; /* scale: 1 over the area of a unit of t, times the norm of K */
} kernel;

static double value(const kernel *k, double t, double u)
{
    const double r = 1 - k->rho * k->rho;
    return k->scale * exp(-(t * t - 2 * k->rho * t * u + u * u) / (2 * r));
}

/* Place v, mirrored at a limit; *odd counts how often. */
static double image(double v, double low, double high, int k, int *odd)
{
    *odd = k & 1;
    if (k == 0) return v;
    if (isinf(high)) return 2 * low - v;
    if (isinf(low)) return 2 * high - v;
    return (k & 1) ? (k + 1) * low - (k - 1) * high - v : v + k * (high - low);
}

/* The images of a sample that matter: numbers from *a to *b, 0 for itself. With both limits even
 * numbers are shifts by twice the width, odd ones mirrored and shifted. */
static void images(int *a, int *b, double low, double high, double h)
{
    const double width = high - low;
    const int many = isfinite(width) ? 2 + (int)fmin(1000, ceil(9 * h / width)) : 1;
    *a = isfinite(width) ? -many : 0;
    *b = isfinite(width) ? many : isfinite(low) || isfinite(high);
}

static double reflected(const kernel *k, const imnn_points *p, const double *e,
                        const imnn_density_options *o)
{
    double sum = 0;
    int a[2] = {0}, b[2] = {0}, odd[2] = {0};
    for (int q = 0; q < p->axes; q++) images(&a[q], &b[q], o->low[q], o->high[q], k->h[q]);
    for (int64_t i = 0; i < p->n; i++)
        for (int s = a[0]; s <= b[0]; s++) {
            const double t =
                (image(p->x[0][i], o->low[0], o->high[0], s, &odd[0]) - e[0]) / k->h[0];
            for (int r = a[1]; r <= b[1]; r++) {
                kernel flipped = *k;
                double u = 0;
                if (p->axes == 2)
                    u = (image(p->x[1][i], o->low[1], o->high[1], r, &odd[1]) - e[1]) / k->h[1];
                if (odd[0] != odd[1]) flipped.rho = -k->rho;
                sum += p->weight[i] * value(&flipped, t, u);
            }
        }
    return sum;
}

/* Moments of the kernel between limits l and r in units of t: along the first axis by Gauss's rule,
 * along the second exactly, since that is normal, too. */
static void rectangle(double A[6], double rho, const double l[2], const double r[2])
{
    static const double node[4] = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                                   0.9602898564975363},
                        weight[4] = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                     0.1012285362903763};
    enum { PANELS = 64 };
    const double a = fmax(l[0], -9), b = fmin(r[0], 9), half = (b - a) / (2 * PANELS);
    const double s = sqrt(1 - rho * rho);
    for (int i = 0; i < 6; i++) A[i] = 0;
    if (!(a < b)) return;
    for (int i = 0; i < 8 * PANELS; i++) {
        const int j = i & 7;
        const double t = a + half * (2 * (i >> 3) + 1 + (j < 4 ? node[j] : -node[j - 4]));
        const double w = half * weight[j & 3] * normal(t), m = rho * t;
        double B[3];
        imnn_normal_moments(B, (l[1] - m) / s, (r[1] - m) / s);
        const double B1 = m * B[0] + s * B[1], B2 = m * m * B[0] + 2 * m * s * B[1] + s * s * B[2];
        A[0] += w * B[0], A[1] += w * t * B[0], A[2] += w * B1;
        A[3] += w * t * t * B[0], A[4] += w * t * B1, A[5] += w * B2;
    }
}

static void limits_about(double A[6], const kernel *k, int axes, const double *e,
                         const imnn_density_options *o)
{
    double l[2], r[2];
    for (int a = 0; a < axes; a++) {
        l[a] = (o->low[a] - e[a]) / k->h[a];
        r[a] = (o->high[a] - e[a]) / k->h[a];
    }
    if (axes == 2) rectangle(A, k->rho, l, r);
    else {
        double B[3];
        imnn_normal_moments(B, l[0], r[0]);
        A[0] = B[0], A[1] = B[1], A[3] = B[2];
    }
}

static double density_at(const kernel *k, const imnn_points *p, const double *e,
                         const imnn_density_options *o)
{
    double A[6] = {0}, M[3] = {0};
    for (int a = 0; a < p->axes; a++)
        if (!(e[a] >= o->low[a] && e[a] <= o->high[a])) return isnan(e[a]) ? NAN : 0;
    if (o->method == IMNN_DENSITY_REFLECTION) return reflected(k, p, e, o);
    for (int64_t i = 0; i < p->n; i++) {
        const double t = (p->x[0][i] - e[0]) / k->h[0];
        const double u = p->axes == 2 ? (p->x[1][i] - e[1]) / k->h[1] : 0;
        const double w = p->weight[i] * value(k, t, u);
        M[0] += w, M[1] += w * t, M[2] += w * u;
    }
    if (o->method == IMNN_DENSITY_PLAIN) return M[0];
    limits_about(A, k, p->axes, e, o);
    return imnn_density_estimate(o->method, p->axes, A, M);
}

imnn_status imnn_density_at(double *out, int64_t n, const double *points,
                            const imnn_density_samples *s, const imnn_density_options *o)
{
    imnn_points p;
    imnn_density d = {0};
    const int axes = s->y ? 2 : 1;
    imnn_status st = imnn_density_check(o, axes);
    if (st != IMNN_OK) return st;
    if (o->method == IMNN_DENSITY_HISTOGRAM || o->corrections)
        return imnn_fail(IMNN_EVALUE, "kde: %s need a grid",
                         o->corrections ? "corrections" : "histograms");
    if ((st = imnn_points_take(&p, s, o)) != IMNN_OK) return st;
    if ((st = imnn_bandwidths(&d, &p, o)) == IMNN_OK) {
        kernel k = {{d.bandwidth[0], d.bandwidth[1]}, d.correlation, 0};
        const double r = 1 - k.rho * k.rho;
        if (r > 1e-12) {
            k.scale = axes == 2 ? 1 / (2 * M_PI * sqrt(r) * k.h[0] * k.h[1])
                                : 1 / (sqrt(2 * M_PI) * k.h[0]);
            for (int64_t i = 0; i < n && st == IMNN_OK; i++) {
                out[i] = density_at(&k, &p, points + i * axes, o);
                if (imnn_interrupted()) st = imnn_fail(IMNN_EINTERRUPT, "interrupted");
            }
        } else st = imnn_fail(IMNN_EVALUE, "kde: x and y are proportional: a pair has no density");
    }
    imnn_points_release(&p);
    return st;
}
