/* The density level above which a fraction of the mass lies. */
#include "core/base/base.h"
#include "imnn/lfi.h"
#include <math.h>
#include <stdlib.h>

enum { SUB = 100 }; /* parts of a cell of a one-dimensional grid: coarse ones are off by percents */

typedef struct node {
    double f, mass;
} node;

static int highest_first(const void *a, const void *b)
{
    const double x = ((const node *)a)->f, y = ((const node *)b)->f;
    return (x < y) - (x > y);
}

/* Nodes on an edge have half a cell, those in a corner a quarter. */
static double share(int i, int n) { return n > 1 && (i == 0 || i == n - 1) ? 0.5 : 1; }

/* The line through the values, at SUB times as many points. */
static double interpolated(const double *f, int64_t i)
{
    const int64_t cell = i / SUB;
    const double t = (double)(i % SUB) / SUB;
    return t == 0 ? f[cell] : f[cell] + (f[cell + 1] - f[cell]) * t;
}

static double level_of(node *x, int64_t n, double p)
{
    double total = 0, before = 0, last;
    qsort(x, (size_t)n, sizeof *x, highest_first);
    for (int64_t i = 0; i < n; i++) total += x[i].mass;
    last = x[0].f;
    for (int64_t i = 0; i < n; i++) {
        if (before + x[i].mass >= p * total && x[i].mass > 0)
            return last + (x[i].f - last) * (p * total - before) / x[i].mass;
        before += x[i].mass, last = x[i].f;
    }
    return last;
}

double imnn_lfi_level(const double *f, int nx, int ny, double p)
{
    const bool line = ny == 1 && nx > 1;
    const int64_t n = line ? (int64_t)(nx - 1) * SUB + 1 : (int64_t)nx * ny;
    double level = NAN;
    if (n < 1) return NAN;
    node *x = imnn_alloc_raw((size_t)n * sizeof *x);
    if (!x) return NAN;
    bool finite = true;
    for (int64_t i = 0; i < n; i++) {
        x[i].f = line ? interpolated(f, i) : f[i];
        const double cell = line ? i == 0 || i == n - 1 ? 0.5 : 1
                                 : share((int)(i / ny), nx) * share((int)(i % ny), ny);
        x[i].mass = x[i].f * cell;
        finite = finite && isfinite(x[i].f);
    }
    if (finite) level = level_of(x, n, p);
    imnn_free(x, (size_t)n * sizeof *x);
    return level;
}
