/* Distances that samplers measure themselves, and the scales of summaries. */
#include "core/lfi/sampler.h"

static double metric_of(const double *d, const double *F, int64_t S)
{
    double sum = 0;
    for (int64_t a = 0; a < S; a++) {
        double row = 0;
        for (int64_t b = 0; b < S; b++) row += F[a * S + b] * d[b];
        sum += d[a] * row;
    }
    return sqrt(sum);
}

double imnn_measure(const imnn_sampler *s, const double *summaries)
{
    const int64_t S = s->o.n_summaries;
    double *d = s->work, sum = 0;
    for (int64_t a = 0; a < S; a++) d[a] = summaries[a] - s->target[a];
    if (s->o.distance == IMNN_DISTANCE_METRIC) return metric_of(d, s->metric, S);
    for (int64_t a = 0; a < S; a++) {
        if (imnn_scales(s)) d[a] = s->scale[a] > 0 ? d[a] / s->scale[a] : 0;
        sum += d[a] * d[a];
    }
    return sqrt(sum);
}

static double median(double *x, int64_t n)
{
    const double upper = imnn_nth(x, n, n / 2);
    return n % 2 ? upper : (imnn_nth(x, n, n / 2 - 1) + upper) / 2;
}

static double deviation(const double *x, int64_t n, int64_t stride)
{
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) mean += x[i * stride] / (double)n;
    for (int64_t i = 0; i < n; i++) sum += pow(x[i * stride] - mean, 2);
    return n > 1 ? sqrt(sum / (double)(n - 1)) : 0;
}

imnn_status imnn_rescale(imnn_sampler *s)
{
    const int64_t n = s->seen.n, S = s->o.n_summaries;
    const size_t bytes = (size_t)n * sizeof(double);
    if (n == 0) return IMNN_OK;
    double *x = imnn_alloc_raw(bytes);
    if (!x) return IMNN_ENOMEM;
    for (int64_t a = 0; a < S; a++) {
        for (int64_t i = 0; i < n; i++) x[i] = s->seen.x[i * S + a];
        const double middle = median(x, n);
        for (int64_t i = 0; i < n; i++) x[i] = fabs(s->seen.x[i * S + a] - middle);
        s->scale[a] = 1.4826 * median(x, n);
        if (!(s->scale[a] > 0)) s->scale[a] = deviation(s->seen.x + a, n, S);
    }
    imnn_free(x, bytes);
    return IMNN_OK;
}

double imnn_nearest(const imnn_sampler *s, const double *row)
{
    const double *d = row + imnn_row_distance(s);
    double least = d[0];
    for (int64_t m = 1; m < s->o.repeats; m++)
        if (d[m] < least) least = d[m];
    return least;
}
