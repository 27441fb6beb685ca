/* Weighted statistics and chains, as a program in C uses them; what scripts cannot reach. */
#include "core/lfi/weighted.h"
#include "tests/support/check.h"
#include <math.h>
#include <stdlib.h>

void imnn_test_fail_alloc(int n);

static bool near(double a, double b, double tolerance) { return fabs(a - b) <= tolerance; }

/* Systematic resampling of the specification, and shares of the last row, which rounding must not
 * give to one behind it. */
static int resampling(void)
{
    const double w[] = {0.1, 0.05, 0.4, 0.3, 0.15}, tail[] = {0.1, 0.2, 0.7, 0};
    int64_t i[1000];
    CHECK(imnn_weights_systematic(i, 5, 0.3, 5, w) == IMNN_OK);
    CHECK(i[0] == 0 && i[1] == 2 && i[2] == 2 && i[3] == 3 && i[4] == 4);
    CHECK(imnn_weights_systematic(i, 1000, nextafter(1, 0), 4, tail) == IMNN_OK && i[999] == 2);
    CHECK(imnn_weights_systematic(i, 7, 0, 7, NULL) == IMNN_OK && i[0] == 0 && i[6] == 6);
    CHECK(imnn_weights_systematic(i, 1, 1, 4, tail) == IMNN_EVALUE);
    CHECK(says("resample: needs 1 or more samples and a number in [0, 1), got 1 and 1"));
    return 0;
}

/* Columns of rows, with strides; weights that do not add up to 1. */
static int statistics(void)
{
    const double x[] = {0, 0, 9, 1, 2, 9, 2, 1, 9, 3, 5, 9, 4, 4, 9}, w[] = {2, 4, 6, 8, 10};
    const double half = 0.5;
    double mean[2], cov[4], q, ends[2];
    imnn_weights_size size;
    CHECK(imnn_samples_mean(mean, 5, 2, x, 3, w) == IMNN_OK);
    CHECK(near(mean[0], 8. / 3, 1e-15) && near(mean[1], 47. / 15, 1e-15));
    CHECK(imnn_samples_cov(cov, 5, 2, x, 3, w) == IMNN_OK);
    CHECK(near(cov[0], 2.05882353, 1e-8) && near(cov[1], 2.17647059, 1e-8) && cov[1] == cov[2] &&
          near(cov[3], 3.85882353, 1e-8));
    CHECK(imnn_weights_ess(&size, 5, w) == IMNN_OK && near(size.pessimistic, 3, 1e-15));
    CHECK(imnn_samples_quantile(&q, 1, &half, 5, x + 1, 3, NULL) == IMNN_OK && q == 2);
    CHECK(imnn_samples_hpd(ends, 0.6, 5, x + 1, 3, NULL) == IMNN_OK);
    CHECK(ends[0] == 0 && ends[1] == 2);
    return 0;
}

/* Numbers of a dataset of the golden file; NULL and a word if there are none. */
static imnn_array *golden(imnn_hdf5 *f, const char *name)
{
    imnn_array *a = NULL;
    if (imnn_hdf5_read(&a, f, name, NULL) != IMNN_OK) printf("%s\n", imnn_last_error());
    return a;
}

/* Quantiles of the normal and the beta distribution, from 1e-300 to 1 - 1e-9. */
static int quantiles(void)
{
    enum { COUNT = 6 };
    const char *names[COUNT] = {
        "normal_quantile_p", "normal_quantile", "beta_quantile_p", "beta_a", "beta_b",
        "beta_quantile"};
    const double *x[COUNT];
    imnn_array *a[COUNT];
    imnn_hdf5 *f;
    CHECK(imnn_hdf5_open(&f, "tests/golden/lfi/samples.h5") == IMNN_OK);
    for (int i = 0; i < COUNT; i++) {
        char path[64];
        snprintf(path, sizeof path, "special/%s", names[i]);
        a[i] = golden(f, path);
        CHECK(a[i] && imnn_array_dtype(a[i]) == IMNN_F64);
        x[i] = imnn_array_data(a[i]);
    }
    for (int i = 0; i < imnn_array_size(a[0]); i++)
        CHECK(near(imnn_normal_quantile(x[0][i]), x[1][i], 1e-15 + 1e-12 * fabs(x[1][i])));
    for (int i = 0; i < imnn_array_size(a[2]); i++)
        CHECK(near(imnn_beta_quantile(x[2][i], x[3][i], x[4][i]), x[5][i], 1e-12));
    CHECK(imnn_normal_quantile(0) == -INFINITY && imnn_normal_quantile(1) == INFINITY);
    CHECK(isnan(imnn_normal_quantile(2)) && isnan(imnn_beta_quantile(0.5, -1, 1)));
    for (int i = 0; i < COUNT; i++) imnn_array_release(a[i]);
    imnn_hdf5_close(f);
    return 0;
}

/* Sums of weights far below underflow, and rows that stand for them. */
static int golden_weights(void)
{
    imnn_hdf5 *f;
    CHECK(imnn_hdf5_open(&f, "tests/golden/lfi/samples.h5") == IMNN_OK);
    const struct {
        const char *group, *rows;
        double u;
    } cases[] = {{"a", "systematic_M17_u0.6", 0.6},
                 {"a", "systematic_M50_u0.25", 0.25},
                 {"b", "systematic_M17_u0.6", 0.6},
                 {"b", "systematic_M400_u0.25", 0.25}};
    for (int c = 0; c < 4; c++) {
        char path[3][64];
        double w[400], sum;
        int64_t i[400];
        snprintf(path[0], sizeof path[0], "weighted/%s/log_weight", cases[c].group);
        snprintf(path[1], sizeof path[1], "weighted/%s/log_sum", cases[c].group);
        snprintf(path[2], sizeof path[2], "weighted/%s/%s", cases[c].group, cases[c].rows);
        imnn_array *l = golden(f, path[0]), *expected = golden(f, path[1]);
        imnn_array *rows = golden(f, path[2]);
        CHECK(l && expected && rows && imnn_array_dtype(rows) == IMNN_I32);
        const int64_t n = imnn_array_size(l), m = imnn_array_size(rows);
        CHECK(imnn_weights_normalise(w, &sum, n, imnn_array_data(l)) == IMNN_OK);
        CHECK(near(sum, *(const double *)imnn_array_data(expected), 1e-12 * fabs(sum)));
        CHECK(imnn_weights_systematic(i, m, cases[c].u, n, w) == IMNN_OK);
        for (int64_t k = 0; k < m; k++) CHECK(i[k] == ((const int32_t *)imnn_array_data(rows))[k]);
        imnn_array_release(l);
        imnn_array_release(expected);
        imnn_array_release(rows);
    }
    imnn_hdf5_close(f);
    return 0;
}

static int nonsense(void)
{
    const double x[] = {1, NAN, 3}, negative[] = {1, -1, 1}, none[] = {0, 0, 0}, one[] = {0, 1, 0};
    const double l[] = {-INFINITY, 0, INFINITY}, half = 0.5;
    double out[4];
    CHECK(imnn_samples_mean(out, 0, 1, x, 1, NULL) == IMNN_EVALUE);
    CHECK(says("mean: there are no samples"));
    CHECK(imnn_samples_mean(out, 3, 1, x, 1, negative) == IMNN_EVALUE);
    CHECK(says("mean: weights are 0 or more and finite, number 2 is -1"));
    CHECK(imnn_samples_mean(out, 3, 1, x, 1, none) == IMNN_EVALUE);
    CHECK(says("mean: the weights add up to 0"));
    CHECK(imnn_samples_quantile(out, 1, &half, 3, x, 1, NULL) == IMNN_EVALUE);
    CHECK(says("quantile: sample 2 is NaN"));
    CHECK(imnn_samples_cov(out, 3, 1, x, 1, one) == IMNN_EVALUE);
    CHECK(imnn_samples_hpd(out, 0, 3, x, 1, NULL) == IMNN_EVALUE);
    CHECK(says("interval: the mass is above 0 and at most 1, got 0"));
    CHECK(imnn_weights_normalise(out, NULL, 3, l) == IMNN_EVALUE);
    CHECK(says("weights: logarithms of weights are below infinity, number 3 is inf"));
    CHECK(imnn_weights_normalise(out, NULL, 1, l) == IMNN_EVALUE);
    return 0;
}

/* The generator of the specification, and its chains: x <- .9 x + sqrt(.19) z. */
static double uniform(uint64_t *state)
{
    *state = (1664525 * *state + 1013904223) % ((uint64_t)1 << 32);
    return ((double)*state + 0.5) / 4294967296.0;
}

static double normal(uint64_t *state)
{
    const double u = uniform(state), v = uniform(state);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

enum { CHAINS = 4, DRAWS = 1000 };

static void fill(double *x)
{
    for (int j = 0; j < CHAINS; j++) {
        uint64_t state = (uint64_t)j + 1;
        double y = normal(&state);
        for (int i = 0; i < DRAWS; i++) {
            x[i * CHAINS + j] = y; /* chains as columns */
            y = 0.9 * y + sqrt(0.19) * normal(&state);
        }
    }
}

static int chains(void)
{
    static double x[CHAINS * DRAWS];
    const double taus[] = {14.569, 25.898, 9.994, 13.823};
    const int64_t windows[] = {74, 130, 50, 70};
    imnn_chains c = {CHAINS, DRAWS, x, 1, CHAINS};
    imnn_chains_rhats r;
    imnn_chains_size e;
    double tau, gamma[2];
    int64_t window;
    fill(x);
    CHECK(imnn_chains_rhat(&r, &c) == IMNN_OK);
    CHECK(near(r.basic, 1.01792385, 1e-8) && near(r.rank, 1.01807118, 1e-8) &&
          near(r.folded, 1.00178173, 1e-8));
    CHECK(imnn_chains_ess(&e, &c) == IMNN_OK);
    CHECK(near(e.raw, 214.0477, 1e-4) && near(e.bulk, 213.1080, 1e-4) &&
          near(e.tail, 509.92, 5e-3));
    for (int j = 0; j < CHAINS; j++) {
        CHECK(imnn_chain_time(&tau, &window, DRAWS, x + j, CHAINS) == IMNN_OK);
        CHECK(near(tau, taus[j], 5e-4) && window == windows[j]);
    }
    CHECK(imnn_chain_autocovariance(gamma, 2, DRAWS, x, CHAINS) == IMNN_OK);
    CHECK(near(gamma[0], 1.0335833569 * 0.999, 0.01) && gamma[1] < gamma[0]);
    CHECK(imnn_chain_autocovariance(gamma, DRAWS + 1, DRAWS, x, CHAINS) == IMNN_EVALUE);
    CHECK(says("autocovariance: lags are 1 to 1000, got 1001"));
    c.length = 3;
    CHECK(imnn_chains_ess(&e, &c) == IMNN_EVALUE);
    CHECK(says("ess: needs 4 or more draws of each chain, got 3"));
    x[5] = NAN;
    c.length = DRAWS;
    CHECK(imnn_chains_rhat(&r, &c) == IMNN_EVALUE && says("rhat: draw 2 is nan"));
    return 0;
}

/* A number in several dimensions, larger than what is worked on without LAPACK. */
static int many_parameters(void)
{
    enum { P = 40, N = 3000, M = 3 };
    double *x = malloc(sizeof(double[M * N * P])), R = 0;
    const int64_t begin[] = {0, N, 2 * N, 3 * N};
    uint64_t state = 7;
    if (!x) return 1;
    for (int i = 0; i < M * N * P; i++) x[i] = normal(&state);
    for (int i = 0; i < N; i++) x[i * P + 3] += 1; /* one chain is beside the others: V = 1/3 */
    CHECK(imnn_chains_multivariate(&R, M, begin, P, x, P, NULL) == IMNN_OK);
    CHECK(near(R, 1. / 3, 0.05));
    for (int i = 0; i < M * N; i++) x[i * P] = 1;
    CHECK(imnn_chains_multivariate(&R, M, begin, P, x, P, NULL) == IMNN_EVALUE);
    CHECK(says("rhat: the covariance within the chains is not positive definite"));
    free(x);
    return 0;
}

static bool everything(const double *x)
{
    const imnn_chains c = {CHAINS, DRAWS, x, 1, CHAINS};
    const int64_t begin[] = {0, DRAWS / 2, DRAWS};
    imnn_chains_rhats r;
    imnn_chains_size e;
    double out[16];
    return imnn_samples_cov(out, DRAWS, CHAINS, x, CHAINS, NULL) == IMNN_OK &&
           imnn_samples_hpd(out, 0.5, DRAWS, x, CHAINS, NULL) == IMNN_OK &&
           imnn_samples_quantile_error(out, 0.5, 50, DRAWS, x, CHAINS, NULL) == IMNN_OK &&
           imnn_chains_rhat(&r, &c) == IMNN_OK && imnn_chains_ess(&e, &c) == IMNN_OK &&
           imnn_chains_quantile_error(NULL, out, &c, 0.5) == IMNN_OK &&
           imnn_chains_mean_error(out, &c) == IMNN_OK &&
           imnn_chain_weighted_ess(out, DRAWS, x, CHAINS, NULL) == IMNN_OK &&
           imnn_chains_multivariate(out, 2, begin, CHAINS, x, CHAINS, NULL) == IMNN_OK;
}

/* Each allocation fails once: nothing stays behind, and the next call works. */
static int failures(void)
{
    static double x[CHAINS * DRAWS];
    fill(x);
    CHECK(everything(x)); /* plans are kept */
    const int64_t live = imnn_live_bytes();
    int n = 0;
    for (bool ok = false; !ok; n++) {
        imnn_test_fail_alloc(n);
        ok = everything(x);
        if (imnn_live_bytes() != live) return printf("allocation %d failing: leak\n", n), 1;
        if (!ok) CHECK(strstr(imnn_last_error(), "memory"));
    }
    imnn_test_fail_alloc(-1);
    CHECK(n > 10);
    return 0;
}

int main(void)
{
    return resampling() || statistics() || quantiles() || golden_weights() || nonsense() ||
           chains() || many_parameters() || failures();
}
