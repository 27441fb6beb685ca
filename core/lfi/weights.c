/* Weighted particles: sums of logarithms, moments, quantiles, resampling. */
#include "core/lfi/sampler.h"
#include <stdlib.h>
#include <string.h>

double imnn_log_sum(int64_t n, const double *x, int64_t stride)
{
    double top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        if (x[i * stride] > top) top = x[i * stride];
    if (!(top > -INFINITY)) return -INFINITY;
    for (int64_t i = 0; i < n; i++) sum += exp(x[i * stride] - top);
    return top + log(sum);
}

void imnn_normalise(int64_t n, double *x, int64_t stride)
{
    const double all = imnn_log_sum(n, x, stride);
    for (int64_t i = 0; i < n && all > -INFINITY; i++) x[i * stride] -= all;
}

double imnn_kish(int64_t n, const double *log_weight, int64_t stride)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += exp(2 * log_weight[i * stride]);
    return sum > 0 ? 1 / sum : 0;
}

/* ---- order ---- */

typedef struct weighted {
    double x, w;
} weighted;

static int smaller_first(const void *a, const void *b)
{
    const double x = ((const weighted *)a)->x, y = ((const weighted *)b)->x;
    return (x > y) - (x < y);
}

imnn_status imnn_quantile_of(double *out, int64_t n, const double *x, int64_t x_stride,
                             const double *log_weight, int64_t stride, double p)
{
    const size_t bytes = (size_t)n * sizeof(weighted);
    weighted *list = imnn_alloc_raw(bytes);
    double before = 0, last = 0;
    if (!list) return IMNN_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        list[i] = (weighted){x[i * x_stride], exp(log_weight[i * stride])};
    qsort(list, (size_t)n, sizeof *list, smaller_first);
    *out = list[n - 1].x;
    for (int64_t i = 0; i < n; i++) {
        const double middle = before + list[i].w / 2;
        if (middle >= p) {
            const double t = i && middle > last ? (p - last) / (middle - last) : 1;
            *out = i ? list[i - 1].x + t * (list[i].x - list[i - 1].x) : list[0].x;
            break;
        }
        before += list[i].w, last = middle;
    }
    imnn_free(list, bytes);
    return IMNN_OK;
}

/* Hoare 1961, Comm. ACM 4, 321 */
double imnn_nth(double *x, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        const double pivot = x[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (x[i] < pivot) i++;
            while (x[j] > pivot) j--;
            if (i > j) break;
            const double t = x[i];
            x[i++] = x[j], x[j--] = t;
        }
        if (k <= j) high = j;
        else if (k >= i) low = i;
        else break;
    }
    return x[k];
}

void imnn_systematic(int64_t *out, int64_t m, double u, int64_t n, const double *log_weight,
                     int64_t stride)
{
    int64_t j = 0;
    double sum = exp(log_weight[0]);
    for (int64_t i = 0; i < m; i++) {
        while (j < n - 1 && !(sum > (u + (double)i) / (double)m))
            sum += exp(log_weight[++j * stride]);
        while (log_weight[j * stride] == -INFINITY && j > 0) j--; /* sums end a rounding below 1 */
        out[i] = j;
    }
}

/* ---- moments ---- */

bool imnn_moments_of(double *mean, double *cov, int64_t n, int64_t P, const double *x,
                     int64_t stride, const double *weight)
{
    double squares = 0, all = 0;
    memset(mean, 0, (size_t)P * sizeof *mean);
    memset(cov, 0, (size_t)(P * P) * sizeof *cov);
    for (int64_t i = 0; i < n; i++) all += weight[i];
    for (int64_t i = 0; i < n; i++) {
        const double w = weight[i] / all;
        squares += w * w;
        for (int64_t p = 0; p < P; p++) mean[p] += w * x[i * stride + p];
    }
    if (!(1 - squares >= 1e-12)) return false;
    for (int64_t i = 0; i < n; i++)
        for (int64_t p = 0; p < P; p++) {
            const double d = weight[i] / all * (x[i * stride + p] - mean[p]);
            for (int64_t q = 0; q <= p; q++) cov[p * P + q] += d * (x[i * stride + q] - mean[q]);
        }
    for (int64_t p = 0; p < P; p++)
        for (int64_t q = 0; q <= p; q++) {
            cov[p * P + q] /= 1 - squares;
            cov[q * P + p] = cov[p * P + q];
        }
    return true;
}

bool imnn_factor_of(double *A, int64_t P)
{
    for (int64_t p = 0; p < P; p++) {
        for (int64_t q = 0; q <= p; q++) {
            double sum = A[p * P + q];
            for (int64_t k = 0; k < q; k++) sum -= A[p * P + k] * A[q * P + k];
            if (p > q) A[p * P + q] = sum / A[q * P + q];
            else if (sum > 0) A[p * P + p] = sqrt(sum);
            else return false;
        }
        for (int64_t q = p + 1; q < P; q++) A[p * P + q] = 0;
    }
    return true;
}
