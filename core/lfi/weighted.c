/* Statistics of weighted samples. */
#include "core/lfi/weighted.h"
#include "core/kernels/special.h"
#include <math.h>
#include <stdlib.h>

/* What sums of weights may be off by. A mass that they should reach exactly counts as reached. */
static const double rounding = 1e-12;

enum { MANY = 1000000 }; /* draws, from which on a beta distribution is as good as normal */

static double weight(const double *w, int64_t i) { return w ? w[i] : 1; }

imnn_status imnn_weights_total(double *out, const char *who, int64_t n, const double *w)
{
    double sum = 0;
    if (n < 1) return imnn_fail(IMNN_EVALUE, "%s: there are no samples", who);
    for (int64_t i = 0; w && i < n; i++) {
        if (!(w[i] >= 0 && w[i] < INFINITY))
            return imnn_fail(IMNN_EVALUE, "%s: weights are 0 or more and finite, number %lld is %g",
                             who, (long long)i + 1, w[i]);
        sum += w[i];
    }
    *out = w ? sum : (double)n;
    if (*out > 0 && *out < INFINITY) return IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "%s: the weights add up to %g", who, *out);
}

/* ---- weights alone ---- */

imnn_status imnn_weights_normalise(double *out, double *log_sum, int64_t n,
                                   const double *log_weights)
{
    double most = -INFINITY, sum = 0;
    if (n < 1) return imnn_fail(IMNN_EVALUE, "weights: there are no samples");
    for (int64_t i = 0; i < n; i++) {
        if (!(log_weights[i] < INFINITY))
            return imnn_fail(IMNN_EVALUE,
                             "weights: logarithms of weights are below infinity, number %lld is %g",
                             (long long)i + 1, log_weights[i]);
        if (log_weights[i] > most) most = log_weights[i];
    }
    if (most == -INFINITY)
        return imnn_fail(IMNN_EVALUE, "weights: all logarithms are -infinity, so that no sample "
                                      "has any weight");
    for (int64_t i = 0; i < n; i++) sum += out[i] = exp(log_weights[i] - most);
    for (int64_t i = 0; i < n; i++) out[i] /= sum;
    if (log_sum) *log_sum = most + log(sum);
    return IMNN_OK;
}

imnn_status imnn_weights_ess(imnn_weights_size *out, int64_t n, const double *w)
{
    double total, squares = 0, logs = 0, most = 0;
    imnn_status st = imnn_weights_total(&total, "ess", n, w);
    if (st != IMNN_OK) return st;
    for (int64_t i = 0; i < n; i++) {
        const double share = weight(w, i) / total;
        squares += share * share;
        if (share > 0) logs -= share * log(share);
        if (share > most) most = share;
    }
    *out = (imnn_weights_size){1 / squares, exp(logs), 1 / most};
    return IMNN_OK;
}

imnn_status imnn_weights_systematic(int64_t *out, int64_t m, double u, int64_t n, const double *w)
{
    double total, sum = 0;
    int64_t last = n - 1, j = -1;
    imnn_status st = imnn_weights_total(&total, "resample", n, w);
    if (st != IMNN_OK) return st;
    if (m < 1 || !(u >= 0 && u < 1))
        return imnn_fail(
            IMNN_EVALUE,
            "resample: needs 1 or more samples and a number in [0, 1), got %lld and %g",
            (long long)m, u);
    while (weight(w, last) == 0) last--; /* where the sum is 1, whatever rounding makes of it */
    for (int64_t i = 0; i < m; i++) {
        const double position = (u + (double)i) / (double)m;
        while (j < last && !(j >= 0 && sum > position)) sum += weight(w, ++j) / total;
        out[i] = j;
    }
    return IMNN_OK;
}

/* ---- moments ---- */

/* The mean of a column; the second sum takes away what the first one rounded. */
static double mean_of(int64_t n, const double *x, int64_t stride, const double *w, double total)
{
    double first = 0, second = 0;
    for (int64_t i = 0; i < n; i++) first += weight(w, i) * x[i * stride];
    first /= total;
    for (int64_t i = 0; i < n; i++) second += weight(w, i) * (x[i * stride] - first);
    return first + second / total;
}

imnn_status imnn_samples_mean(double *out, int64_t n, int64_t p, const double *x, int64_t stride,
                              const double *w)
{
    double total;
    imnn_status st = imnn_weights_total(&total, "mean", n, w);
    for (int64_t k = 0; st == IMNN_OK && k < p; k++) out[k] = mean_of(n, x + k, stride, w, total);
    return st;
}

/* sum w d d^T / divisor, with weights that add up to 1. */
static imnn_status moments(double *out, int64_t n, int64_t p, const double *x, int64_t stride,
                           const double *w, double total, double divisor)
{
    double *mean = imnn_alloc_raw((size_t)p * sizeof *mean + 1);
    if (!mean) return IMNN_ENOMEM;
    imnn_status st = imnn_samples_mean(mean, n, p, x, stride, w);
    for (int64_t k = 0; k < p * p; k++) out[k] = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < p; k++) {
            const double d = weight(w, i) / total * (x[i * stride + k] - mean[k]);
            for (int64_t l = 0; l <= k; l++) out[k * p + l] += d * (x[i * stride + l] - mean[l]);
        }
    for (int64_t k = 0; k < p; k++)
        for (int64_t l = 0; l <= k; l++) out[l * p + k] = out[k * p + l] /= divisor;
    imnn_free(mean, (size_t)p * sizeof *mean + 1);
    return st;
}

/* 1 - sum w^2 as sum w (1 - w), where the largest weight is what the others leave of 1: no digits
 * are lost where it has nearly all. */
static double rest_of_squares(int64_t n, const double *w, double total)
{
    int64_t most = 0;
    double others = 0, sum = 0;
    for (int64_t i = 1; i < n; i++)
        if (weight(w, i) > weight(w, most)) most = i;
    for (int64_t i = 0; i < n; i++) {
        const double share = weight(w, i) / total;
        if (i != most) others += share, sum += share * (1 - share);
    }
    return sum + weight(w, most) / total * others;
}

imnn_status imnn_samples_cov(double *out, int64_t n, int64_t p, const double *x, int64_t stride,
                             const double *w)
{
    double total;
    imnn_status st = imnn_weights_total(&total, "cov", n, w);
    if (st != IMNN_OK) return st;
    const double rest = rest_of_squares(n, w, total);
    if (rest < 1e-12)
        return imnn_fail(IMNN_EVALUE,
                         "cov: one sample has all the weight, so there is no covariance");
    return moments(out, n, p, x, stride, w, total, rest);
}

imnn_status imnn_samples_cov_repeated(double *out, int64_t n, int64_t p, const double *x,
                                      int64_t stride, const double *w)
{
    double total;
    imnn_status st = imnn_weights_total(&total, "cov", n, w);
    if (st != IMNN_OK) return st;
    if (!(total > 1))
        return imnn_fail(IMNN_EVALUE, "cov: needs more than one sample, got %g with repeated ones",
                         total);
    return moments(out, n, p, x, stride, w, total, 1 - 1 / total);
}

/* ---- in order ---- */

static int ascending(const void *a, const void *b)
{
    const double x = ((const imnn_weighted *)a)->x, y = ((const imnn_weighted *)b)->x;
    return (x > y) - (x < y);
}

imnn_status imnn_weighted_sort(imnn_weighted **out, const char *who, int64_t n, const double *x,
                               int64_t stride, const double *w)
{
    *out = NULL;
    for (int64_t i = 0; i < n; i++)
        if (isnan(x[i * stride]))
            return imnn_fail(IMNN_EVALUE, "%s: sample %lld is NaN", who, (long long)i + 1);
    imnn_weighted *s = imnn_alloc_raw((size_t)n * sizeof *s);
    if (!s) return IMNN_ENOMEM;
    for (int64_t i = 0; i < n; i++) s[i] = (imnn_weighted){x[i * stride], weight(w, i)};
    qsort(s, (size_t)n, sizeof *s, ascending);
    *out = s;
    return IMNN_OK;
}

double imnn_weighted_quantile(const imnn_weighted *s, int64_t n, double total, double q)
{
    double sum = 0, before = -1;
    if (q >= 1) return s[n - 1].x; /* also where the last ones have no weight */
    for (int64_t i = 0; i < n; i++) {
        const double middle = (sum + s[i].w / 2) / total;
        if (middle >= q) {
            if (i == 0 || s[i].x == s[i - 1].x) return s[i].x; /* infinite ones, too */
            return s[i - 1].x + (s[i].x - s[i - 1].x) * (q - before) / (middle - before);
        }
        sum += s[i].w, before = middle;
    }
    return s[n - 1].x;
}

imnn_status imnn_samples_quantile(double *out, int64_t count, const double *q, int64_t n,
                                  const double *x, int64_t stride, const double *w)
{
    double total;
    imnn_weighted *s = NULL;
    imnn_status st = imnn_weights_total(&total, "quantile", n, w);
    for (int64_t i = 0; st == IMNN_OK && i < count; i++)
        if (!(q[i] >= 0 && q[i] <= 1))
            st = imnn_fail(IMNN_EVALUE, "quantile: q is in [0, 1], got %g", q[i]);
    if (st == IMNN_OK) st = imnn_weighted_sort(&s, "quantile", n, x, stride, w);
    if (st != IMNN_OK) return st;
    for (int64_t i = 0; i < count; i++) out[i] = imnn_weighted_quantile(s, n, total, q[i]);
    imnn_free(s, (size_t)n * sizeof *s);
    return IMNN_OK;
}

imnn_status imnn_samples_hpd(double out[2], double mass, int64_t n, const double *x, int64_t stride,
                             const double *w)
{
    double total, sum = 0, least = INFINITY;
    imnn_weighted *s = NULL;
    imnn_status st = imnn_weights_total(&total, "interval", n, w);
    if (st == IMNN_OK && !(mass > 0 && mass <= 1))
        st = imnn_fail(IMNN_EVALUE, "interval: the mass is above 0 and at most 1, got %g", mass);
    if (st == IMNN_OK) st = imnn_weighted_sort(&s, "interval", n, x, stride, w);
    if (st != IMNN_OK) return st;
    out[0] = s[0].x, out[1] = s[n - 1].x;
    for (int64_t i = 0, j = -1; i < n; i++) { /* samples i to j hold `sum` */
        while (j < n - 1 && sum < (mass - rounding) * total) sum += s[++j].w;
        if (sum < (mass - rounding) * total) break;
        if (s[j].x - s[i].x < least) out[0] = s[i].x, out[1] = s[j].x, least = out[1] - out[0];
        sum -= s[i].w;
    }
    imnn_free(s, (size_t)n * sizeof *s);
    return IMNN_OK;
}

imnn_status imnn_samples_quantile_error(double *out, double q, double ess, int64_t n,
                                        const double *x, int64_t stride, const double *w)
{
    double total;
    imnn_weighted *s = NULL;
    imnn_status st = imnn_weights_total(&total, "mcse", n, w);
    if (st == IMNN_OK && !(q > 0 && q < 1 && ess > 0))
        st = imnn_fail(IMNN_EVALUE, "mcse: q is in (0, 1) and the size above 0, got %g and %g", q,
                       ess);
    if (st == IMNN_OK) st = imnn_weighted_sort(&s, "mcse", n, x, stride, w);
    if (st != IMNN_OK) return st;
    const double a = imnn_weighted_quantile(s, n, total, imnn_quantile_bound(q, ess, -1));
    const double b = imnn_weighted_quantile(s, n, total, imnn_quantile_bound(q, ess, 1));
    *out = (b - a) / 2;
    imnn_free(s, (size_t)n * sizeof *s);
    return IMNN_OK;
}

/* ---- quantiles of distributions ---- */

/* A rational approximation (Abramowitz & Stegun 26.2.23), and three steps of Halley's method. The
 * lower half alone: above, 1 - p has lost the digits that matter. */
double imnn_normal_quantile(double p)
{
    const double q = fmin(p, 1 - p), t = sqrt(-2 * log(q));
    if (!(q > 0)) return q == 0 ? copysign(INFINITY, p - 0.5) : NAN;
    double z = (2.515517 + t * (0.802853 + t * 0.010328)) /
                   (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) -
               t;
    for (int i = 0; i < 3; i++) {
        const double e = 0.5 * erfc(-z * M_SQRT1_2) - q;
        const double v = e * sqrt(2 * M_PI) * exp(z * z / 2);
        z -= v / (1 + z * v / 2);
    }
    return p > 0.5 ? -z : z;
}

/* By halving: each step is safe, and this is asked for twice a quantile. */
double imnn_beta_quantile(double p, double a, double b)
{
    double low = 0, high = 1, middle = 0.5;
    if (!(p >= 0 && p <= 1 && a > 0 && b > 0)) return NAN;
    while (middle > low && middle < high) {
        if (imnn_betainc(a, b, middle) < p) low = middle;
        else high = middle;
        middle = low + (high - low) / 2;
    }
    return middle;
}

double imnn_quantile_bound(double q, double ess, int side)
{
    const double exact =
        imnn_beta_quantile(side < 0 ? 0.1587 : 0.8413, ess * q + 1, ess * (1 - q) + 1);
    const double sd = sqrt(q * (1 - q) / ess);
    return ess < MANY ? exact : fmin(fmax(q + side * sd, 0), 1);
}
