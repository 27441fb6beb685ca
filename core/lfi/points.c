/* Samples that densities are made of: those that count, and their sums. */
#include "core/lfi/density.h"
#include <math.h>

static const char *const axis_name[2] = {"x", "y"};

/* How far beyond a limit a sample is taken to be on it: limits and samples may have been f32. */
static double rounding(double limit) { return isfinite(limit) ? 1e-6 * fabs(limit) + 1e-300 : 0; }

static imnn_status outside(const imnn_density_samples *s, const imnn_density_options *o, int axis,
                           int64_t at)
{
    const double *const x = axis ? s->y : s->x, low = o->low[axis], high = o->high[axis];
    int64_t count = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const double v = x[i * s->stride];
        count += v < low - rounding(low) || v > high + rounding(high);
    }
    return imnn_fail(IMNN_EVALUE,
                     "kde: %lld of %lld samples%s%s are outside the limits [%g, %g], the first is "
                     "sample %lld with %g; limits are those of the parameter, not of a plot",
                     (long long)count, (long long)s->n, s->y ? " of " : "",
                     s->y ? axis_name[axis] : "", low, high, (long long)at + 1, x[at * s->stride]);
}

/* Copy sample i to place k. */
static imnn_status copy(imnn_points *p, int64_t k, const imnn_density_samples *s,
                        const imnn_density_options *o, int64_t i)
{
    for (int a = 0; a < p->axes; a++) {
        double v = (a ? s->y : s->x)[i * s->stride];
        if (v < o->low[a]) {
            if (v < o->low[a] - rounding(o->low[a])) return outside(s, o, a, i);
            v = o->low[a];
        } else if (v > o->high[a]) {
            if (v > o->high[a] + rounding(o->high[a])) return outside(s, o, a, i);
            v = o->high[a];
        }
        p->x[a][k] = v;
        if (v < p->least[a]) p->least[a] = v;
        if (v > p->most[a]) p->most[a] = v;
    }
    return IMNN_OK;
}

static imnn_status copy_all(imnn_points *p, const imnn_density_samples *s,
                            const imnn_density_options *o)
{
    double largest = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const double w = s->weight ? s->weight[i * s->weight_stride] : 1;
        if (!(w >= 0 && w < INFINITY))
            return imnn_fail(IMNN_EVALUE,
                             "kde: weights must be finite and not negative, sample %lld has %g",
                             (long long)i + 1, isnan(w) ? NAN : w);
        if (!isfinite(s->x[i * s->stride]) || (s->y && !isfinite(s->y[i * s->stride]))) {
            p->dropped++;
            continue;
        }
        if (w == 0) continue;
        p->weight[p->n] = w;
        if (w > largest) largest = w;
        imnn_status st = copy(p, p->n++, s, o, i);
        if (st != IMNN_OK) return st;
    }
    if (p->dropped * 20 > s->n)
        return imnn_fail(IMNN_EVALUE,
                         "kde: %lld of %lld samples are not finite; at most 5 %% may be",
                         (long long)p->dropped, (long long)s->n);
    if (p->n == 0)
        return imnn_fail(IMNN_EVALUE, "kde: there are no samples%s",
                         s->n ? " whose weight is above 0" : "");
    for (int a = 0; a < p->axes; a++) {
        const double spread = p->most[a] - p->least[a];
        if (!(spread < 1e150) || (spread > 0 && spread < 1e-150)) /* squares are taken */
            return imnn_fail(IMNN_EVALUE,
                             "kde: samples from %g to %g are too %s; give them in other units",
                             p->least[a], p->most[a], spread < 1 ? "close together" : "far apart");
    }
    double sum = 0; /* of weights over the largest: they may be near the largest of numbers */
    for (int64_t i = 0; i < p->n; i++) sum += p->weight[i] /= largest;
    for (int64_t i = 0; i < p->n; i++) p->weight[i] /= sum;
    return IMNN_OK;
}

/* Covariances with the divisor 1 - sum w^2. */
static void summarise(imnn_points *p)
{
    double mean[2] = {0}, sum[3] = {0}, squares = 0;
    const double *const x = p->x[0], *const y = p->x[p->axes - 1];
    for (int64_t i = 0; i < p->n; i++) {
        const double w = p->weight[i];
        mean[0] += w * (x[i] - x[0]), mean[1] += w * (y[i] - y[0]);
        squares += w * w;
    }
    for (int64_t i = 0; i < p->n; i++) {
        const double w = p->weight[i], u = x[i] - x[0] - mean[0], v = y[i] - y[0] - mean[1];
        sum[0] += w * u * u, sum[1] += w * v * v, sum[2] += w * u * v;
    }
    const double rest = 1 - squares;
    p->n_eff = 1 / squares;
    for (int a = 0; a < 2; a++) {
        const double spread = p->most[a < p->axes ? a : 0] - p->least[a < p->axes ? a : 0];
        p->sd[a] = spread > 0 && rest > 1e-12 ? sqrt(sum[a] / rest) : 0;
    }
    const double both = sqrt(sum[0]) * sqrt(sum[1]);
    p->correlation = p->axes == 2 && both > 0 ? fmax(-1, fmin(1, sum[2] / both)) : 0;
}

imnn_status imnn_points_take(imnn_points *p, const imnn_density_samples *s,
                             const imnn_density_options *o)
{
    const int axes = s->y ? 2 : 1;
    *p = (imnn_points){.axes = axes, .least = {INFINITY, INFINITY}, .most = {-INFINITY, -INFINITY}};
    if (s->n < 1) return imnn_fail(IMNN_EVALUE, "kde: there are no samples");
    p->bytes = (size_t)s->n * (size_t)(axes + 1) * sizeof(double);
    if (!(p->x[0] = imnn_alloc_raw(p->bytes))) return IMNN_ENOMEM;
    p->x[1] = p->x[0] + s->n;
    p->weight = p->x[0] + axes * s->n;
    imnn_status st = copy_all(p, s, o);
    if (st != IMNN_OK) return imnn_points_release(p), st;
    summarise(p);
    if (o->n_eff > 0) p->n_eff = o->n_eff;
    return IMNN_OK;
}

void imnn_points_release(imnn_points *p)
{
    if (p->x[0]) imnn_free(p->x[0], p->bytes);
    p->x[0] = NULL;
}
