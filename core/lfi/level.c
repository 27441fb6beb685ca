/* Levels of densities on grids, and the intervals that are read from them. */
#include "core/lfi/density.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUB = 100, /* parts of a cell of a one-dimensional grid: coarse ones are off by percents */
    BITS = 9,  /* 512 buckets to a power of two */
    BUCKETS = 1 << 15
};

/* Nodes on an edge have half a cell, those in a corner a quarter. */
static double share(int i, int n) { return n > 1 && (i == 0 || i == n - 1) ? 0.5 : 1; }

double imnn_trapezoid(const double *f, int nx, int ny)
{
    double total = 0;
    for (int i = 0; i < nx; i++) {
        double sum = 0;
        for (int j = 0; j < ny; j++) sum += f[(int64_t)i * ny + j] * share(j, ny);
        total += sum * share(i, nx);
    }
    return total;
}

/* ---- levels ---- */

typedef struct node {
    double f, mass;
} node;

/* Nodes in buckets: within one f is nearly equal, from one to the next it falls. Only the bucket in
 * which a level lies is sorted. */
typedef struct buckets {
    node *all; /* in the order of the buckets */
    int64_t n, begin[BUCKETS + 1], next[BUCKETS];
    double mass[BUCKETS], total;
} buckets;

static int highest_first(const void *a, const void *b)
{
    const double x = ((const node *)a)->f, y = ((const node *)b)->f;
    return (x < y) - (x > y);
}

/* The line through the values, at SUB times as many points. */
static double interpolated(const double *f, int64_t i)
{
    const int64_t cell = i / SUB;
    const double t = (double)(i % SUB) / SUB;
    return t == 0 ? f[cell] : f[cell] + (f[cell + 1] - f[cell]) * t;
}

static node node_of(const double *f, int nx, int ny, int64_t i, int64_t n)
{
    const bool line = ny == 1 && nx > 1;
    const double v = line ? interpolated(f, i) : f[i];
    return (node){v, v * (line ? i == 0 || i == n - 1 ? 0.5 : 1
                               : share((int)(i / ny), nx) * share((int)(i % ny), ny))};
}

/* Exponent and first bits of the fraction rise with the number. */
static int64_t rank_of(double f)
{
    int64_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits >> (52 - BITS);
}

static int bucket_of(double f, int64_t top)
{
    const int64_t below = f > 0 ? top - rank_of(f) : BUCKETS;
    return below < BUCKETS - 1 ? (int)below : BUCKETS - 1;
}

static void fill(buckets *b, const double *f, int nx, int ny, int64_t top)
{
    memset(b->begin, 0, sizeof b->begin);
    memset(b->mass, 0, sizeof b->mass);
    for (int64_t i = 0; i < b->n; i++) {
        const node x = node_of(f, nx, ny, i, b->n);
        const int k = bucket_of(x.f, top);
        b->begin[k + 1]++, b->mass[k] += x.mass;
    }
    b->total = 0;
    for (int k = 0; k < BUCKETS; k++) {
        b->next[k] = b->begin[k], b->begin[k + 1] += b->begin[k];
        b->total += b->mass[k];
    }
    for (int64_t i = 0; i < b->n; i++) {
        const node x = node_of(f, nx, ny, i, b->n);
        b->all[b->next[bucket_of(x.f, top)]++] = x;
    }
}

static double level_of(buckets *b, double p)
{
    const double wanted = p * b->total;
    double before = 0, last = NAN;
    for (int k = 0; k < BUCKETS; k++) {
        node *const x = b->all + b->begin[k];
        const int64_t n = b->begin[k + 1] - b->begin[k];
        if (n == 0) continue;
        if (before + b->mass[k] < wanted * (1 - 1e-12) && b->begin[k + 1] < b->n) {
            before += b->mass[k], last = x[0].f; /* the least of them */
            for (int64_t i = 1; i < n; i++) last = fmin(last, x[i].f);
            continue;
        }
        qsort(x, (size_t)n, sizeof *x, highest_first);
        if (isnan(last)) last = x[0].f;
        for (int64_t i = 0; i < n; i++) {
            if (before + x[i].mass >= wanted && x[i].mass > 0)
                return last + (x[i].f - last) * (wanted - before) / x[i].mass;
            before += x[i].mass, last = x[i].f;
        }
    }
    return last;
}

imnn_status imnn_density_levels(double *level, const double *f, int nx, int ny, int count,
                                const double *p)
{
    const bool line = ny == 1 && nx > 1;
    const int64_t given = (int64_t)nx * ny, n = line ? (int64_t)(nx - 1) * SUB + 1 : given;
    double most = 0;
    bool finite = given > 0;
    for (int64_t i = 0; i < given; i++) {
        finite = finite && isfinite(f[i]);
        if (f[i] > most) most = f[i];
    }
    for (int k = 0; k < count; k++) level[k] = NAN;
    if (!finite) return IMNN_OK;
    const size_t bytes = sizeof(buckets) + (size_t)n * sizeof(node);
    buckets *b = imnn_alloc_raw(bytes);
    if (!b) return IMNN_ENOMEM;
    b->all = (node *)(b + 1), b->n = n;
    fill(b, f, nx, ny, rank_of(most));
    for (int k = 0; k < count; k++) level[k] = level_of(b, p[k]);
    imnn_free(b, bytes);
    return IMNN_OK;
}

double imnn_lfi_level(const double *f, int nx, int ny, double p)
{
    double level = NAN;
    return imnn_density_levels(&level, f, nx, ny, 1, &p) == IMNN_OK ? level : NAN;
}

bool imnn_density_open(const double *f, int nx, int ny, const bool *hard, double level)
{
    for (int j = 0; j < ny; j++)
        if ((!hard[0] && f[j] > level) || (!hard[1] && f[(int64_t)(nx - 1) * ny + j] > level))
            return true;
    for (int i = 0; ny > 1 && i < nx; i++)
        if ((!hard[2] && f[(int64_t)i * ny] > level) ||
            (!hard[3] && f[(int64_t)i * ny + ny - 1] > level))
            return true;
    return false;
}

/* ---- intervals ---- */

int imnn_density_pieces(double *piece, int room, const double *f, int n, double from, double to,
                        double level)
{
    const double step = n > 1 ? (to - from) / (n - 1) : 0;
    int count = 0;
    double begin = from;
    for (int i = 0; i < n; i++) {
        const bool in = f[i] >= level, before = i > 0 && f[i - 1] >= level;
        const double x = from + i * step;
        const double cross =
            i > 0 && in != before ? x - step * (f[i] - level) / (f[i] - f[i - 1]) : x;
        if (in && !before) begin = i > 0 ? cross : from;
        if (before && !in && count++ < room)
            piece[2 * count - 2] = begin, piece[2 * count - 1] = cross;
    }
    if (n > 0 && f[n - 1] >= level && count++ < room)
        piece[2 * count - 2] = begin, piece[2 * count - 1] = to;
    return count;
}

double imnn_density_quantile(const double *f, int n, double from, double to, double p)
{
    const double step = (to - from) / (n - 1);
    double before = 0, total = imnn_trapezoid(f, n, 1);
    for (int i = 0; i + 1 < n && total > 0; i++) {
        const double mass = (f[i] + f[i + 1]) / 2, rest = p * total - before;
        before += mass;
        if (before < p * total && i + 2 < n) continue;
        /* f t + slope t^2 / 2 = rest, without the difference of nearly equal numbers */
        const double slope = f[i + 1] - f[i], root = sqrt(fmax(0, f[i] * f[i] + 2 * slope * rest));
        const double t = rest > 0 && f[i] + root > 0 ? 2 * rest / (f[i] + root) : 0;
        return from + (i + fmin(t, 1)) * step;
    }
    return NAN;
}

static double at(const double *f, int n, double from, double to, double x)
{
    const double place = fmax(0, fmin(n - 1, (x - from) / (to - from) * (n - 1)));
    const int i = place < n - 2 ? (int)place : n - 2;
    return f[i] + (f[i + 1] - f[i]) * (place - i);
}

/* exp(-z^2 / 2) where the normal has mass p between -z and z: by bisection of erf. */
static double edge_of_normal(double p)
{
    double a = 0, b = 40;
    for (int i = 0; i < 100; i++) {
        const double m = (a + b) / 2;
        if (erfc(m * sqrt(0.5)) > 1 - p) a = m;
        else b = m;
    }
    return exp(-a * a / 2);
}

static imnn_density_bound two_ends(double interval[2], const double *f, int n, double from,
                                   double to, double p, double peak)
{
    interval[0] = imnn_density_quantile(f, n, from, to, (1 - p) / 2);
    interval[1] = imnn_density_quantile(f, n, from, to, (1 + p) / 2);
    const double a = at(f, n, from, to, interval[0]), b = at(f, n, from, to, interval[1]);
    if (fabs(a - b) <= 0.05 * peak) return IMNN_DENSITY_TWO_TAIL;
    const double level = imnn_lfi_level(f, n, 1, p);
    double first[2];
    const int count = isnan(level) ? 0 : imnn_density_pieces(first, 1, f, n, from, to, level);
    if (count == 0) return IMNN_DENSITY_TWO_TAIL;
    interval[0] = first[0], interval[1] = first[1];
    if (count > 1) { /* to the end of the last: the same from the other side */
        for (int i = n - 1; i > 0; i--)
            if (f[i] >= level || f[i - 1] >= level) {
                const double step = (to - from) / (n - 1), x = from + i * step;
                interval[1] = f[i] >= level ? x : x - step * (f[i] - level) / (f[i] - f[i - 1]);
                break;
            }
    }
    return IMNN_DENSITY_HPD;
}

imnn_density_bound imnn_density_interval(double interval[2], const double *f, int n, double from,
                                         double to, const bool *hard, double p)
{
    double peak = 0;
    for (int i = 0; i < n; i++) peak = fmax(peak, f[i]);
    const double touching = edge_of_normal(p) * peak;
    const bool low = hard[0] && f[0] > touching, high = hard[1] && f[n - 1] > touching;
    interval[0] = from, interval[1] = to;
    if (low && high) return IMNN_DENSITY_NONE;
    if (low) {
        interval[1] = imnn_density_quantile(f, n, from, to, p);
        return IMNN_DENSITY_UPPER;
    }
    if (high) {
        interval[0] = imnn_density_quantile(f, n, from, to, 1 - p);
        return IMNN_DENSITY_LOWER;
    }
    return two_ends(interval, f, n, from, to, p, peak);
}
