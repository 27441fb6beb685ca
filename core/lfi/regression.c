/* Regression adjustment: weighted least squares of parameters on summaries. */
#include "core/base/base.h"
#include "core/linalg/linalg.h"
#include "imnn/lfi.h"
#include <math.h>
#include <string.h>

/* Summaries are centred and scaled to unit variance by the kernel weights k, so that a ridge means
 * the same for all of them. */
typedef struct fit {
    const imnn_regression *of;
    int64_t n, P, S;
    const double *k;        /* (n) */
    double *x;              /* (n, S) */
    double *at;             /* (S) the data there */
    double *scale;          /* (S) */
    double *products;       /* (S, S) sum k x x^T */
    double *root;           /* (S, S) Cholesky factor of that and the ridge */
    double *rows;           /* (S, n) room */
    double *mean, *B;       /* (P), (S, P) */
    double *residual, *log; /* (n, P) */
} fit;

static imnn_status check(const imnn_regression *r)
{
    const int64_t sizes[] = {r->n * r->n_params, r->n * r->n_summaries, r->n_summaries, r->n, r->n};
    const double *all[] = {r->theta, r->summaries, r->target, r->distances, r->weights};
    const char *names[] = {"parameters", "summaries", "the target", "distances", "weights"};
    if (r->n < 1 || r->n_params < 1 || r->n_summaries < 1)
        return imnn_fail(IMNN_EVALUE,
                         "regression: there is nothing to adjust: %lld simulations, %lld "
                         "parameters, %lld summaries",
                         (long long)r->n, (long long)r->n_params, (long long)r->n_summaries);
    for (int a = 0; a < 5; a++)
        for (int64_t i = 0; all[a] && i < sizes[a]; i++)
            if (!isfinite(all[a][i]) || (a > 2 && all[a][i] < 0))
                return imnn_fail(IMNN_EVALUE, "regression: %s hold %g, of simulation %lld",
                                 names[a], all[a][i], (long long)(i / (sizes[a] / r->n)) + 1);
    if (!(r->delta >= 0 && r->delta < INFINITY) || !(r->ridge < INFINITY))
        return imnn_fail(IMNN_EVALUE,
                         "regression: delta and ridge must be finite, and delta not "
                         "negative; got %g and %g",
                         r->delta, r->ridge);
    return IMNN_OK;
}

/* Epanechnikov: what is far counts little, and beyond delta nothing. */
static imnn_status weigh(double *k, double *delta, const imnn_regression *r)
{
    double largest = 0, sum = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < r->n; i++)
        if (!r->weights || r->weights[i] > 0) largest = fmax(largest, r->distances[i]);
    *delta = r->delta > 0 ? r->delta : largest;
    for (int64_t i = 0; i < r->n; i++) {
        const double u = *delta > 0 ? r->distances[i] / *delta : 0;
        k[i] = (r->weights ? r->weights[i] : 1) * fmax(0, 1 - u * u);
        sum += k[i], count += k[i] > 0;
    }
    if (count < 3)
        return imnn_fail(IMNN_EVALUE,
                         "regression: only %lld of %lld simulations are nearer than delta = %g; "
                         "give a larger delta, or more simulations",
                         (long long)count, (long long)r->n, *delta);
    for (int64_t i = 0; i < r->n; i++) k[i] /= sum;
    return IMNN_OK;
}

static void standardise(fit *f)
{
    const int64_t S = f->S;
    for (int64_t j = 0; j < S; j++) {
        double mean = 0, var = 0;
        for (int64_t i = 0; i < f->n; i++) mean += f->k[i] * f->of->summaries[i * S + j];
        for (int64_t i = 0; i < f->n; i++) {
            const double d = f->of->summaries[i * S + j] - mean;
            f->x[i * S + j] = d, var += f->k[i] * d * d;
        }
        /* one that never changes says nothing */
        f->scale[j] = var > 1e-28 * mean * mean ? 1 / sqrt(var) : 0;
        for (int64_t i = 0; i < f->n; i++) f->x[i * S + j] *= f->scale[j];
        f->at[j] = (f->of->target[j] - mean) * f->scale[j];
    }
    memset(f->products, 0, (size_t)(S * S) * sizeof(double));
    for (int64_t i = 0; i < f->n; i++) {
        const double *x = f->x + i * S;
        for (int64_t a = 0; a < S && f->k[i] > 0; a++)
            for (int64_t b = 0; b <= a; b++) f->products[a * S + b] += f->k[i] * x[a] * x[b];
    }
    for (int64_t a = 0; a < S; a++) {
        if (f->scale[a] == 0) f->products[a * S + a] = 1;
        for (int64_t b = 0; b < a; b++) f->products[b * S + a] = f->products[a * S + b];
    }
}

/* The factor of products + ridge S; false: it has none. */
static bool factor(fit *f, double ridge)
{
    const int64_t S = f->S;
    double *a = f->root;
    memcpy(f->rows, f->products, (size_t)(S * S) * sizeof(double));
    for (int64_t j = 0; j < S; j++) f->rows[j * S + j] += ridge * (double)S;
    if (!imnn_cholesky(a, f->rows, (int)S)) return false;
    for (int64_t j = 0; j < S; j++) /* digits that are left of the variance of a summary */
        if (!(a[j * S + j] > 1e-7)) return false;
    return true;
}

/* The fit of y (n, P) with that factor: mean, B, and what it leaves of y. */
static void solve(fit *f, const double *y, double *residual)
{
    const int64_t S = f->S, P = f->P;
    for (int64_t p = 0; p < P; p++) {
        f->mean[p] = 0;
        for (int64_t i = 0; i < f->n; i++) f->mean[p] += f->k[i] * y[i * P + p];
    }
    memset(f->B, 0, (size_t)(S * P) * sizeof(double));
    for (int64_t i = 0; i < f->n; i++)
        for (int64_t j = 0; j < S && f->k[i] > 0; j++)
            for (int64_t p = 0; p < P; p++)
                f->B[j * P + p] += f->k[i] * f->x[i * S + j] * (y[i * P + p] - f->mean[p]);
    imnn_triangular_solve(f->B, f->root, (int)S, (int)P, IMNN_LOWER);
    imnn_triangular_solve(f->B, f->root, (int)S, (int)P, IMNN_LOWER | IMNN_TRANSPOSED);
    for (int64_t i = 0; i < f->n; i++)
        for (int64_t p = 0; p < P; p++) {
            double sum = f->mean[p];
            for (int64_t j = 0; j < S; j++) sum += f->x[i * S + j] * f->B[j * P + p];
            residual[i * P + p] = y[i * P + p] - sum;
        }
}

static double fit_at_data(const fit *f, int64_t p)
{
    double sum = f->mean[p];
    for (int64_t j = 0; j < f->S; j++) sum += f->at[j] * f->B[j * f->P + p];
    return sum;
}

/* The mean square of what fits without a simulation are off at it, in units of the variance: by the
 * leverage h, (r / (1 - h))^2 (Allen 1974, Technometrics 16, 125). */
static double left_out(fit *f, double ridge)
{
    const int64_t S = f->S, n = f->n;
    if (!factor(f, ridge)) return INFINITY;
    solve(f, f->of->theta, f->residual);
    for (int64_t j = 0; j < S; j++)
        for (int64_t i = 0; i < n; i++) f->rows[j * n + i] = f->x[i * S + j];
    imnn_triangular_solve(f->rows, f->root, (int)S, (int)n, IMNN_LOWER);
    double score = 0;
    for (int64_t p = 0; p < f->P; p++) {
        double sum = 0, var = 0;
        for (int64_t i = 0; i < n; i++) {
            const double d = f->of->theta[i * f->P + p] - f->mean[p];
            double h = 1;
            var += f->k[i] * d * d;
            for (int64_t j = 0; j < S; j++) h += f->rows[j * n + i] * f->rows[j * n + i];
            const double rest = 1 - f->k[i] * h, r = f->residual[i * f->P + p];
            if (f->k[i] > 0) sum += rest > 1e-12 ? f->k[i] * (r / rest) * (r / rest) : INFINITY;
        }
        if (var > 0) score += sum / var;
    }
    return score;
}

static double choose(fit *f)
{
    double best = 1e-8, least = INFINITY;
    for (int e = -16; e <= 4; e++) {
        const double ridge = pow(10, 0.5 * e), score = left_out(f, ridge);
        if (score < least) least = score, best = ridge;
    }
    return best;
}

static void scale_residuals(fit *f)
{
    const int64_t n = f->n, P = f->P;
    for (int64_t p = 0; p < P; p++) {
        double mean = 0;
        for (int64_t i = 0; i < n; i++)
            mean += f->k[i] * f->residual[i * P + p] * f->residual[i * P + p];
        for (int64_t i = 0; i < n; i++) { /* one that happens to be 0 must not rule the fit */
            const double r = f->residual[i * P + p];
            f->log[i * P + p] = mean > 0 ? log(fmax(r * r, 1e-12 * mean)) : 0;
        }
    }
    /* what the fit leaves of the logarithms is where the fit itself is: y - residual */
    double *left = f->rows;
    solve(f, f->log, left);
    for (int64_t p = 0; p < P; p++) {
        const double there = fit_at_data(f, p);
        for (int64_t i = 0; i < n; i++) {
            const double here = f->log[i * P + p] - left[i * P + p];
            f->residual[i * P + p] *= exp(0.5 * fmin(fmax(there - here, -600), 600));
        }
    }
}

static imnn_status adjust(fit *f, double *out, double *slope, double *ridge)
{
    const int64_t n = f->n, P = f->P, S = f->S;
    standardise(f);
    *ridge = f->of->ridge < 0 ? choose(f) : f->of->ridge;
    if (!factor(f, *ridge))
        return imnn_fail(IMNN_EVALUE,
                         "regression: the summaries depend on each other; leave some out, or give "
                         "a ridge above %g",
                         *ridge);
    solve(f, f->of->theta, f->residual);
    for (int64_t p = 0; p < P; p++) {
        const double at = fit_at_data(f, p);
        for (int64_t i = 0; i < n; i++) out[i * P + p] = at;
        if (!slope) continue;
        slope[p] = at;
        for (int64_t j = 0; j < S; j++) slope[(j + 1) * P + p] = f->B[j * P + p] * f->scale[j];
    }
    if (f->of->heteroscedastic) scale_residuals(f);
    for (int64_t i = 0; i < n * P; i++) out[i] += f->residual[i];
    return IMNN_OK;
}

imnn_status imnn_regression_adjust(double *out, double *kernel, double *slope, double *delta,
                                   double *ridge, const imnn_regression *r)
{
    imnn_status st = check(r);
    double radius, used;
    if (st == IMNN_OK) st = weigh(kernel, &radius, r);
    const imnn_lapack *lapack;
    if (st == IMNN_OK && r->n_summaries > IMNN_SMALL_MATRIX) st = imnn_lapack_get(&lapack);
    if (st != IMNN_OK) return st;
    const int64_t n = r->n, P = r->n_params, S = r->n_summaries;
    int64_t room = S * n;
    if (room < S * S) room = S * S;
    if (room < n * P) room = n * P;
    const size_t bytes =
        (size_t)(n * S + 2 * S + 2 * S * S + room + P + S * P + 2 * n * P) * sizeof(double);
    double *x = imnn_alloc_raw(bytes), *next = x;
    if (!x) return IMNN_ENOMEM;
    fit f = {.of = r, .n = n, .P = P, .S = S, .k = kernel};
    double **parts[] = {&f.x,    &f.at,   &f.scale, &f.products, &f.root,
                        &f.rows, &f.mean, &f.B,     &f.residual, &f.log};
    const int64_t sizes[] = {n * S, S, S, S * S, S * S, room, P, S * P, n * P, n * P};
    for (int i = 0; i < 10; i++) *parts[i] = next, next += sizes[i];
    st = adjust(&f, out, slope, &used);
    if (delta) *delta = radius;
    if (ridge) *ridge = used;
    imnn_free(x, bytes);
    return st;
}
