/* Convergence of Markov chains, and what their draws are worth. */
#include "core/fft/fft.h"
#include "core/lfi/weighted.h"
#include "core/linalg/linalg.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- autocovariances ---- */

/** How they are made: |F x|^2 back again, of x with as many zeros behind it. */
typedef struct correlator {
    int64_t n, room; /* numbers in, and with zeros: a power of two, 2 n or more */
    imnn_fft *forward, *back;
    double *x, *z; /* room numbers, room / 2 + 1 complex ones */
} correlator;

static size_t bytes_of(const correlator *c) { return (size_t)(2 * c->room + 2) * sizeof(double); }

static void correlator_free(correlator *c)
{
    if (c->forward) imnn_fft_release(c->forward);
    if (c->back) imnn_fft_release(c->back);
    imnn_free(c->x, bytes_of(c));
}

static imnn_status correlator_init(correlator *c, int64_t n)
{
    *c = (correlator){.n = n, .room = 2};
    while (c->room < 2 * n) c->room *= 2;
    if (c->room > INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "chains: at most %d draws in a chain, got %lld",
                         INT32_MAX / 4, (long long)n);
    imnn_status st = imnn_fft_load(IMNN_F64);
    if (st != IMNN_OK) return st;
    const imnn_shape shape = {1, {c->room}};
    c->x = imnn_alloc_raw(bytes_of(c));
    if (c->x) c->z = c->x + c->room;
    c->forward = c->x ? imnn_fft_get(IMNN_RFFT, IMNN_F64, &shape, 1) : NULL;
    c->back = c->forward ? imnn_fft_get(IMNN_IRFFT, IMNN_F64, &shape, 1) : NULL;
    return c->back ? IMNN_OK : IMNN_ENOMEM; /* with the sentence of what failed */
}

/* c->x, whose first n numbers the caller has set, becomes sum_i x_i x_{i+k} for k < n. */
static imnn_status correlate(correlator *c)
{
    memset(c->x + c->n, 0, (size_t)(c->room - c->n) * sizeof *c->x);
    if (!imnn_fft_run(c->forward, c->z, c->x, 1, 1)) return IMNN_ENOMEM;
    for (int64_t k = 0; k <= c->room / 2; k++) {
        double *z = c->z + 2 * k;
        z[0] = z[0] * z[0] + z[1] * z[1], z[1] = 0;
    }
    return imnn_fft_run(c->back, c->x, c->z, 1, 1 / (double)c->room) ? IMNN_OK : IMNN_ENOMEM;
}

static imnn_status check_draws(const char *who, int64_t n, const double *x, int64_t stride)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i * stride]))
            return imnn_fail(IMNN_EVALUE, "%s: draw %lld is %g", who, (long long)i + 1,
                             x[i * stride]);
    return n > 0 ? IMNN_OK : imnn_fail(IMNN_EVALUE, "%s: there are no draws", who);
}

/* The mean of x - origin: of draws that are far from 0 it keeps the digits in which they differ. */
static double mean_from(double origin, int64_t n, const double *x, int64_t stride)
{
    double sum = 0, rest = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i * stride] - origin;
    sum /= (double)n;
    for (int64_t i = 0; i < n; i++) rest += x[i * stride] - origin - sum;
    return sum + rest / (double)n;
}

/* c->x holds the autocovariances of a chain. */
static imnn_status covariances(correlator *c, const double *x, int64_t stride)
{
    const double mean = mean_from(x[0], c->n, x, stride);
    for (int64_t i = 0; i < c->n; i++) c->x[i] = x[i * stride] - x[0] - mean;
    imnn_status st = correlate(c);
    for (int64_t i = 0; i < c->n; i++) c->x[i] /= (double)c->n;
    return st;
}

/* Of one chain, which the caller frees. */
static imnn_status start(correlator *c, const char *who, int64_t n, const double *x, int64_t stride)
{
    *c = (correlator){0};
    imnn_status st = check_draws(who, n, x, stride);
    if (st == IMNN_OK) st = correlator_init(c, n);
    return st == IMNN_OK ? covariances(c, x, stride) : st;
}

imnn_status imnn_chain_autocovariance(double *out, int64_t lags, int64_t n, const double *x,
                                      int64_t stride)
{
    correlator c;
    imnn_status st = start(&c, "autocovariance", n, x, stride);
    if (st == IMNN_OK && !(lags >= 1 && lags <= n))
        st = imnn_fail(IMNN_EVALUE, "autocovariance: lags are 1 to %lld, got %lld", (long long)n,
                       (long long)lags);
    if (st == IMNN_OK) memcpy(out, c.x, (size_t)lags * sizeof *out);
    correlator_free(&c);
    return st;
}

imnn_status imnn_chain_time(double *tau, int64_t *window, int64_t n, const double *x,
                            int64_t stride)
{
    correlator c;
    imnn_status st = start(&c, "chain_time", n, x, stride);
    double time = st == IMNN_OK && c.x[0] > 0 ? 1 : NAN;
    int64_t m = 0;
    while (st == IMNN_OK && m < n - 1 && (double)m < 5 * time) time += 2 * c.x[++m] / c.x[0];
    *tau = time;
    if (window) *window = m;
    correlator_free(&c);
    return st;
}

imnn_status imnn_chain_weighted_ess(double *out, int64_t n, const double *x, int64_t stride,
                                    const double *w)
{
    correlator c = {0};
    double total, mean, variance = 0;
    imnn_status st = imnn_weights_total(&total, "ess", n, w);
    if (st == IMNN_OK) st = check_draws("ess", n, x, stride);
    if (st == IMNN_OK) st = correlator_init(&c, n);
    if (st != IMNN_OK) goto done;
    st = imnn_samples_mean(&mean, n, 1, x, stride, w);
    for (int64_t i = 0; i < n; i++) {
        const double d = x[i * stride] - mean, share = w ? w[i] / total : 1 / (double)n;
        variance += share * d * d;
        c.x[i] = share * d;
    }
    if (st == IMNN_OK) st = correlate(&c);
    double sum = c.x[0];
    for (int64_t k = 1; k < n && c.x[k] >= 0.05 * c.x[0]; k++) sum += 2 * c.x[k];
    *out = variance > 0 ? variance / sum : NAN;
done:
    correlator_free(&c);
    return st;
}

/* ---- several chains, cut in halves ---- */

/** 2 m halves of h draws, one behind the other, with room for a second set and for ranks. */
typedef struct halves {
    int64_t m, h;
    double *x, *y;
    imnn_weighted *order; /* x, and in place of the weight the number of the draw */
} halves;

static size_t count_of(const halves *s) { return (size_t)(s->m * s->h); }
static size_t room_of(const halves *s)
{
    return count_of(s) * (2 * sizeof(double) + sizeof(imnn_weighted));
}

static imnn_status halves_init(halves *s, const char *who, const imnn_chains *c)
{
    *s = (halves){0};
    if (c->count < 1) return imnn_fail(IMNN_EVALUE, "%s: there are no chains", who);
    if (c->length < 4)
        return imnn_fail(IMNN_EVALUE, "%s: needs 4 or more draws of each chain, got %lld", who,
                         (long long)c->length);
    for (int64_t j = 0; j < c->count; j++) {
        imnn_status st = check_draws(who, c->length, c->x + j * c->chain_stride, c->stride);
        if (st != IMNN_OK) return st;
    }
    s->m = 2 * c->count, s->h = c->length / 2;
    s->x = imnn_alloc_raw(room_of(s));
    if (!s->x) return IMNN_ENOMEM;
    s->y = s->x + count_of(s);
    s->order = (imnn_weighted *)(void *)(s->y + count_of(s));
    for (int64_t j = 0; j < s->m; j++) {
        const int64_t first = j % 2 ? c->length - s->h : 0;
        for (int64_t i = 0; i < s->h; i++)
            s->x[j * s->h + i] = c->x[j / 2 * c->chain_stride + (first + i) * c->stride];
    }
    return IMNN_OK;
}

static void halves_free(halves *s) { imnn_free(s->x, room_of(s)); }

static int ascending(const void *a, const void *b)
{
    const double x = ((const imnn_weighted *)a)->x, y = ((const imnn_weighted *)b)->x;
    return (x > y) - (x < y);
}

static void sort(halves *s, const double *x)
{
    const int64_t n = s->m * s->h;
    for (int64_t i = 0; i < n; i++) s->order[i] = (imnn_weighted){x[i], (double)i};
    qsort(s->order, (size_t)n, sizeof *s->order, ascending);
}

/* Normal scores of the ranks of x, average ones for equal draws (Blom 1958). */
static void scores(halves *s, const double *x)
{
    const int64_t n = s->m * s->h;
    sort(s, x);
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && s->order[end].x == s->order[i].x;) end++;
        const double rank = (double)(i + 1 + end) / 2;
        const double z = imnn_normal_quantile((rank - 0.375) / ((double)n + 0.25));
        for (int64_t k = i; k < end; k++) s->y[(int64_t)s->order[k].w] = z;
    }
}

/* Between the order statistics, at (n - 1) q: what convergence diagnostics agree on. */
static double quantile_of(const imnn_weighted *sorted, int64_t n, double q)
{
    const double at = (double)(n - 1) * q;
    const int64_t i = (int64_t)at;
    if (i >= n - 1) return sorted[n - 1].x;
    if (at - (double)i == 0.5) return (sorted[i].x + sorted[i + 1].x) / 2; /* as far from both */
    return sorted[i].x + (sorted[i + 1].x - sorted[i].x) * (at - (double)i);
}

/** Within the chains, and of their means, from the first draw of all. */
typedef struct spread {
    double within, between, mean;
} spread;

static spread spread_of(const halves *s, const double *x)
{
    spread out = {0};
    for (int64_t j = 0; j < s->m; j++) {
        const double *chain = x + j * s->h, mean = mean_from(x[0], s->h, chain, 1);
        double sum = 0;
        for (int64_t i = 0; i < s->h; i++) sum += pow(chain[i] - x[0] - mean, 2);
        out.within += sum / (double)(s->h - 1) / (double)s->m;
        const double d = mean - out.mean; /* Welford 1962 */
        out.mean += d / (double)(j + 1);
        out.between += d * (mean - out.mean);
    }
    out.between /= (double)(s->m - 1);
    return out;
}

static double rhat_of(const halves *s, const double *x)
{
    const spread v = spread_of(s, x);
    const double n = (double)s->h;
    return v.within > 0 ? sqrt(((n - 1) / n * v.within + v.between) / v.within) : NAN;
}

imnn_status imnn_chains_rhat(imnn_chains_rhats *out, const imnn_chains *chains)
{
    halves s;
    imnn_status st = halves_init(&s, "rhat", chains);
    if (st == IMNN_OK) {
        out->basic = rhat_of(&s, s.x);
        scores(&s, s.x);
        out->rank = rhat_of(&s, s.y);
        const double median = quantile_of(s.order, s.m * s.h, 0.5);
        for (int64_t i = 0; i < s.m * s.h; i++) s.x[i] = fabs(s.x[i] - median);
        scores(&s, s.x);
        out->folded = rhat_of(&s, s.y);
    }
    halves_free(&s);
    return st;
}

/* Pairs of correlations are added up until one is negative, and made to fall (Geyer 1992, Stat.
 * Sci. 7, 473). rho holds h correlations. */
static double time_of(const double *rho, int64_t h)
{
    double sum = 0, last = INFINITY;
    for (int64_t k = 0; k + 1 < h; k += 2) {
        const double pair = rho[k] + rho[k + 1];
        if (pair < 0) break;
        last = fmin(last, pair);
        sum += last;
    }
    return 2 * sum - 1;
}

/* The effective size of x; `rho` is room for h numbers. */
static imnn_status size_of(double *out, const halves *s, const double *x, correlator *c,
                           double *rho)
{
    const spread v = spread_of(s, x);
    const double n = (double)s->h, all = (double)(s->m * s->h);
    const double whole = v.within * (n - 1) / n + v.between;
    memset(rho, 0, (size_t)s->h * sizeof *rho);
    for (int64_t j = 0; j < s->m; j++) {
        imnn_status st = covariances(c, x + j * s->h, 1);
        if (st != IMNN_OK) return st;
        for (int64_t k = 0; k < s->h; k++) rho[k] += c->x[k] / (double)s->m;
    }
    for (int64_t k = 0; k < s->h; k++) rho[k] = 1 - (v.within - rho[k]) / whole;
    rho[0] = 1;
    *out = v.within > 0 ? all / fmax(time_of(rho, s->h), 1 / log10(all)) : NAN;
    return IMNN_OK;
}

/** What sizes are made with. */
typedef struct sizes {
    halves s;
    correlator c;
    double *rho;
} sizes;

static void sizes_free(sizes *z)
{
    imnn_free(z->rho, (size_t)z->s.h * sizeof *z->rho);
    correlator_free(&z->c);
    halves_free(&z->s);
}

static imnn_status sizes_init(sizes *z, const char *who, const imnn_chains *chains)
{
    *z = (sizes){0};
    imnn_status st = halves_init(&z->s, who, chains);
    if (st == IMNN_OK) st = correlator_init(&z->c, z->s.h);
    if (st != IMNN_OK) return st;
    z->rho = imnn_alloc_raw((size_t)z->s.h * sizeof *z->rho);
    return z->rho ? IMNN_OK : IMNN_ENOMEM;
}

/* The size for the indicator of x <= its quantile q; s.order is in order. */
static imnn_status size_below(double *out, sizes *z, double q)
{
    const int64_t n = z->s.m * z->s.h;
    const double value = quantile_of(z->s.order, n, q);
    for (int64_t i = 0; i < n; i++) z->s.y[i] = z->s.x[i] <= value;
    return size_of(out, &z->s, z->s.y, &z->c, z->rho);
}

imnn_status imnn_chains_ess(imnn_chains_size *out, const imnn_chains *chains)
{
    sizes z;
    double low = NAN, high = NAN;
    imnn_status st = sizes_init(&z, "ess", chains);
    if (st == IMNN_OK) st = size_of(&out->raw, &z.s, z.s.x, &z.c, z.rho);
    if (st == IMNN_OK) {
        scores(&z.s, z.s.x);
        st = size_of(&out->bulk, &z.s, z.s.y, &z.c, z.rho);
    }
    if (st == IMNN_OK) st = size_below(&low, &z, 0.05);
    if (st == IMNN_OK) st = size_below(&high, &z, 0.95);
    out->tail = isnan(low) || isnan(high) ? NAN : fmin(low, high);
    sizes_free(&z);
    return st;
}

imnn_status imnn_chains_mean_error(double *out, const imnn_chains *chains)
{
    sizes z;
    double size = NAN, sum = 0;
    imnn_status st = sizes_init(&z, "mcse", chains);
    if (st == IMNN_OK) st = size_of(&size, &z.s, z.s.x, &z.c, z.rho);
    if (st == IMNN_OK) {
        const int64_t n = z.s.m * z.s.h;
        const double *x = z.s.x, mean = mean_from(x[0], n, x, 1);
        for (int64_t i = 0; i < n; i++) sum += pow(x[i] - x[0] - mean, 2);
        *out = sqrt(sum / (double)(n - 1) / size);
    }
    sizes_free(&z);
    return st;
}

imnn_status imnn_chains_quantile_error(double *ess, double *error, const imnn_chains *chains,
                                       double q)
{
    sizes z;
    double size = NAN;
    if (!(q > 0 && q < 1)) return imnn_fail(IMNN_EVALUE, "mcse: q is in (0, 1), got %g", q);
    imnn_status st = sizes_init(&z, "mcse", chains);
    if (st == IMNN_OK) {
        sort(&z.s, z.s.x);
        st = size_below(&size, &z, q);
    }
    if (st == IMNN_OK && ess) *ess = size;
    if (st == IMNN_OK && error) {
        const double a = imnn_quantile_bound(q, size, -1), b = imnn_quantile_bound(q, size, 1);
        const int64_t n = z.s.m * z.s.h;
        *error =
            isnan(size) ? NAN : (quantile_of(z.s.order, n, b) - quantile_of(z.s.order, n, a)) / 2;
    }
    sizes_free(&z);
    return st;
}

/* ---- several numbers ---- */

/* The covariance of the means of chains, means (m, p), in units of that within, (p, p), whose
 * Cholesky factor comes in its place: the largest eigenvalue of L^-1 V L^-T. */
static imnn_status largest(double *out, double *between, double *within, double *work, double *w,
                           int p)
{
    double *l = work, *t = work + (size_t)p * (size_t)p, *rest = t + (size_t)p * (size_t)p;
    if (!imnn_cholesky(l, within, p))
        return imnn_fail(IMNN_EVALUE, "rhat: the covariance within the chains is not positive "
                                      "definite");
    if (!imnn_triangular_solve(between, l, p, p, IMNN_LOWER))
        return imnn_fail(IMNN_EVALUE, "rhat: the covariance within the chains is singular");
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++) t[i * p + j] = between[j * p + i];
    imnn_triangular_solve(t, l, p, p, IMNN_LOWER);
    if (!imnn_eigh(w, NULL, t, p, rest))
        return imnn_fail(IMNN_EVALUE, "rhat: the means of the chains are not finite");
    *out = w[p - 1];
    return IMNN_OK;
}

imnn_status imnn_chains_multivariate(double *out, int64_t m, const int64_t *begin, int64_t p,
                                     const double *x, int64_t stride, const double *w)
{
    const imnn_lapack *lapack;
    if (m < 2)
        return imnn_fail(IMNN_EVALUE, "rhat: needs 2 or more chains, got %lld", (long long)m);
    if (p < 1 || p > 10000)
        return imnn_fail(IMNN_EVALUE, "rhat: 1 to 10000 numbers, got %lld", (long long)p);
    imnn_status st = p > IMNN_SMALL_SPECTRUM ? imnn_lapack_get(&lapack) : IMNN_OK;
    if (st != IMNN_OK) return st;
    const size_t square = (size_t)(p * p), means = (size_t)(m * p);
    const size_t room = (5 * square + means + (size_t)(m + p) + imnn_eigh_room((int)p));
    double all = 0, *between = imnn_alloc(room * sizeof *between);
    if (!between) return IMNN_ENOMEM;
    double *within = between + square, *one = within + square, *mean = one + square;
    double *total = mean + means, *values = total + m, *work = values + p;
    for (int64_t j = 0; j < m && st == IMNN_OK; j++) {
        const int64_t n = begin[j + 1] - begin[j];
        const double *chain = x + begin[j] * stride, *u = w ? w + begin[j] : NULL;
        st = imnn_weights_total(total + j, "rhat", n, u);
        if (st == IMNN_OK) st = imnn_samples_mean(mean + j * p, n, p, chain, stride, u);
        if (st == IMNN_OK) st = imnn_samples_cov(one, n, p, chain, stride, u);
        for (size_t k = 0; st == IMNN_OK && k < square; k++) within[k] += total[j] * one[k];
        all += total[j];
    }
    for (size_t k = 0; k < square; k++) within[k] /= all;
    if (st == IMNN_OK) st = imnn_samples_cov(between, m, p, mean, p, total);
    if (st == IMNN_OK) st = largest(out, between, within, work, values, (int)p);
    imnn_free(between, room * sizeof *between);
    return st;
}
