/* Logarithms of weights, and what else samplers need of numbers; statistics of weighted samples are
 * in weighted.c. */
#include "core/lfi/sampler.h"

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

double *imnn_weights_of(int64_t n, const double *log_weight, int64_t stride)
{
    double *w = imnn_alloc_raw((size_t)n * sizeof *w);
    for (int64_t i = 0; i < n && w; i++) w[i] = exp(log_weight[i * stride]);
    return w;
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
