/* How much simulations count at a distance, and the next epsilon of sequential Monte Carlo. */
#include "core/lfi/sampler.h"
#include <stdlib.h>

static double counts(imnn_acceptance acceptance, double d, double epsilon)
{
    if (!(d <= epsilon) || d == INFINITY) return 0;
    const double u = epsilon > 0 && epsilon < INFINITY ? d / epsilon : 0;
    switch (acceptance) {
    case IMNN_ACCEPT_TRIANGULAR: return 1 - u;
    case IMNN_ACCEPT_EPANECHNIKOV: return 1 - u * u;
    default: return 1;
    }
}

double imnn_acceptance_of(imnn_acceptance acceptance, int64_t repeats, const double *d,
                          double epsilon)
{
    double sum = 0;
    for (int64_t m = 0; m < repeats; m++) sum += counts(acceptance, d[m], epsilon);
    return sum / (double)repeats;
}

typedef struct entry {
    double d;
    int64_t i;
} entry;

static int farthest_first(const void *a, const void *b)
{
    const double x = ((const entry *)a)->d, y = ((const entry *)b)->d;
    return (x < y) - (x > y);
}

/* What the choice is made of. */
typedef struct choice {
    int64_t n, repeats, stride;
    const double *log_weight, *distances;
    double old, wanted;
    imnn_acceptance acceptance;
} choice;

static double weight_of(const choice *c, int64_t i) { return exp(c->log_weight[i * c->stride]); }

static double share_of(const choice *c, int64_t i, double epsilon)
{
    return imnn_acceptance_of(c->acceptance, c->repeats, c->distances + i * c->stride, epsilon);
}

static double size_at(const choice *c, double epsilon)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < c->n; i++) {
        const double before = share_of(c, i, c->old);
        const double w = before > 0 ? weight_of(c, i) * share_of(c, i, epsilon) / before : 0;
        sum += w, squares += w * w;
    }
    return squares > 0 ? sum * sum / squares : 0;
}

/* Uniform: the size changes at the distances themselves. Walk down from the farthest one. */
static double walk(const choice *c, entry *list, double *left)
{
    int64_t count = 0;
    double sum = 0, squares = 0, best = c->old;
    for (int64_t i = 0; i < c->n; i++) {
        left[i] = share_of(c, i, c->old) * (double)c->repeats;
        if (!(left[i] > 0)) continue;
        const double w = weight_of(c, i);
        sum += w, squares += w * w;
        for (int64_t m = 0; m < c->repeats; m++) {
            const double d = c->distances[i * c->stride + m];
            if (d <= c->old && w > 0) list[count++] = (entry){d, i};
        }
    }
    qsort(list, (size_t)count, sizeof *list, farthest_first);
    for (int64_t k = 0; k < count;) {
        const double v = list[k].d; /* nothing above v is left */
        if (!(squares > 0) || sum * sum / squares < c->wanted * (1 - 1e-12)) break;
        best = v;
        for (; k < count && list[k].d == v; k++) {
            const int64_t i = list[k].i;
            const double before = share_of(c, i, c->old) * (double)c->repeats;
            const double w = weight_of(c, i) / before;
            sum -= w, squares -= w * w * (left[i] * left[i] - (left[i] - 1) * (left[i] - 1));
            left[i]--;
        }
    }
    return best;
}

static double bisect(const choice *c)
{
    double low = 0, high = c->old;
    if (high == INFINITY) {
        high = 1e-300;
        for (int64_t i = 0; i < c->n; i++)
            for (int64_t m = 0; m < c->repeats; m++) {
                const double d = c->distances[i * c->stride + m];
                if (d < INFINITY && d > high) high = d;
            }
        for (int k = 0; k < 200 && size_at(c, high) < c->wanted; k++) high *= 2;
    }
    for (int k = 0; k < 80; k++) {
        const double middle = low + (high - low) / 2;
        if (size_at(c, middle) >= c->wanted) high = middle;
        else low = middle;
    }
    return high;
}

double imnn_smc_epsilon(int64_t n, int64_t repeats, int64_t stride, const double *log_weight,
                        const double *distances, double old, double alpha,
                        imnn_acceptance acceptance)
{
    choice c = {n, repeats, stride, log_weight, distances, old, 0, acceptance};
    c.wanted = alpha * size_at(&c, old);
    if (acceptance != IMNN_ACCEPT_UNIFORM) return bisect(&c);
    const size_t bytes = (size_t)(n * repeats) * sizeof(entry) + (size_t)n * sizeof(double);
    entry *list = imnn_alloc_raw(bytes);
    if (!list) return NAN;
    const double epsilon = walk(&c, list, (double *)(list + n * repeats));
    imnn_free(list, bytes);
    return epsilon;
}
