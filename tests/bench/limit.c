/* How fast things could be, written by hand: the bounds that the benchmark compares with. Built
 * with -O3 -march=native, apart from the library, with oneDNN's products.
 *
 * limit_iteration: one SimulatorIMNN iteration of a network with leaky ReLU over n simulations and
 * P tangents each, forward and reverse: nothing but the matrix products and the masked elementwise
 * passes. No random numbers, no Fisher block, no optimiser. Two ways: `layers` runs a layer over
 * all rows at a time with the library's own threads; `tiles` cuts the simulations into tiles that
 * pass through all layers on one thread while they are in its cache. Sums over simulations (the
 * weight gradients) are kept per group, a fixed run of tiles, and added in order at the end, so
 * that the result does not depend on the number of threads. Without the elementwise passes what is
 * left is the sum of the matrix products.
 *
 * limit_sgemm, limit_triad: the rates of this machine.
 *
 *   gcc -O3 -march=native -fopenmp -DMAIN limit.c -ldnnl && OMP_NUM_THREADS=2 ./a.out [n [W
 * [tile]]]
 */
#include <dnnl.h>
#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST = 8, GROUPS = 16, THREADS = 64 };

static int layers, tangents, n, tile, size[MOST + 1];
static bool passes; /* with the elementwise passes */
static float *W[MOST], *gW[MOST], *b[MOST], *A[MOST + 1], *G[MOST + 1];
static float *partial[GROUPS][MOST], *scratch[THREADS][MOST + 1];

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *noise(float **old, size_t count)
{
    free(*old);
    *old = aligned_alloc(64, (count * sizeof **old + 63) / 64 * 64);
    if (!*old) abort();
    for (size_t i = 0; i < count; i++) (*old)[i] = (float)(rand() % 1000) / 1000.f - .5f;
    return *old;
}

/* m simulations: m rows of values, then m rows for each of P tangents; the mask comes from the
 * values. P is a constant where it is inlined. */
static inline __attribute__((always_inline)) void leaky_rows(float *restrict z,
                                                             const float *restrict bias,
                                                             const float *restrict values, int m,
                                                             int width, int i, int P)
{
    for (int j = 0; j < width; j++) {
        float v = bias ? z[(size_t)i * width + j] + bias[j] : values[(size_t)i * width + j];
        float slope = v > 0 ? 1.f : .01f;
        z[(size_t)i * width + j] = bias ? v * slope : z[(size_t)i * width + j] * slope;
        for (int p = 1; p <= P; p++) z[((size_t)p * m + i) * width + j] *= slope;
    }
}

static void leaky(float *z, const float *bias, const float *values, int m, int width, int i)
{
    switch (tangents) {
    case 1: leaky_rows(z, bias, values, m, width, i, 1); break;
    case 2: leaky_rows(z, bias, values, m, width, i, 2); break;
    case 3: leaky_rows(z, bias, values, m, width, i, 3); break;
    default: leaky_rows(z, bias, values, m, width, i, tangents);
    }
}

static void forward(float *const *a, int m, int l)
{
    dnnl_sgemm('N', 'N', m * (1 + tangents), size[l + 1], size[l], 1, a[l], size[l], W[l],
               size[l + 1], 0, a[l + 1], size[l + 1]);
}

static void reverse_w(float *const *a, float *const *g, int m, int l, float beta, float *out)
{
    dnnl_sgemm('T', 'N', size[l], size[l + 1], m * (1 + tangents), 1, a[l], size[l], g[l + 1],
               size[l + 1], beta, out, size[l + 1]);
}

static void reverse_x(float *const *g, int m, int l)
{
    dnnl_sgemm('N', 'T', m * (1 + tangents), size[l], size[l + 1], 1, g[l + 1], size[l + 1], W[l],
               size[l + 1], 0, g[l], size[l]);
}

static void run_layers(void)
{
    for (int l = 0; l < layers; l++) {
        forward(A, n, l);
        if (l == layers - 1 || !passes) continue;
#pragma omp parallel for
        for (int i = 0; i < n; i++) leaky(A[l + 1], b[l], NULL, n, size[l + 1], i);
    }
    for (int l = layers - 1; l >= 0; l--) {
        reverse_w(A, G, n, l, 0, gW[l]);
        if (l == 0) break;
        reverse_x(G, n, l);
        if (!passes) continue;
#pragma omp parallel for
        for (int i = 0; i < n; i++) leaky(G[l], NULL, A[l], n, size[l], i);
    }
}

/* tile t of the arrays, each tile's rows standing together; scratch holds one tile's cotangents */
static int at(int t, float *const *all, float **one)
{
    for (int l = 0; l <= layers; l++) one[l] = all[l] + (size_t)t * tile * (1 + tangents) * size[l];
    return n - t * tile < tile ? n - t * tile : tile;
}

static void run_tiles(void)
{
    const int count = (n + tile - 1) / tile, run = (count + GROUPS - 1) / GROUPS;
#pragma omp parallel
    {
        float *a[MOST + 1], *g[MOST + 1], *last[MOST + 1];
        for (int l = 0; l <= layers; l++) g[l] = scratch[omp_get_thread_num()][l];
#pragma omp for schedule(dynamic)
        for (int t = 0; t < count; t++) {
            int m = at(t, A, a);
            for (int l = 0; l < layers; l++) {
                forward(a, m, l);
                for (int i = 0; passes && l < layers - 1 && i < m; i++)
                    leaky(a[l + 1], b[l], NULL, m, size[l + 1], i);
            }
        }
#pragma omp for schedule(dynamic)
        for (int k = 0; k < GROUPS; k++)
            for (int t = k * run; t < (k + 1) * run && t < count; t++) {
                int m = at(t, A, a);
                at(t, G, last);
                g[layers] = last[layers];
                for (int l = layers - 1; l >= 0; l--) {
                    reverse_w(a, g, m, l, t > k * run, partial[k][l]);
                    if (l == 0) break;
                    reverse_x(g, m, l);
                    for (int i = 0; passes && i < m; i++) leaky(g[l], NULL, a[l], m, size[l], i);
                }
            }
        const int used = (count + run - 1) / run;
        for (int l = 0; l < layers; l++) {
#pragma omp for
            for (int j = 0; j < size[l] * size[l + 1]; j++) {
                float s = 0;
                for (int k = 0; k < used; k++) s += partial[k][l][j];
                gW[l][j] = s;
            }
        }
    }
}

/* Prepare for `count` layers of these sizes (count + 1 of them). */
void limit_prepare(int count, const int *sizes, int simulations, int P, int tile_rows, bool with)
{
    layers = count, tangents = P, n = simulations, tile = tile_rows, passes = with;
    for (int l = 0; l <= layers; l++) size[l] = sizes[l];
    const size_t rows = ((size_t)n + (size_t)tile) * (size_t)(1 + P);
    for (int l = 0; l < layers; l++) {
        const size_t weights = (size_t)size[l] * (size_t)size[l + 1];
        noise(&W[l], weights), noise(&gW[l], weights), noise(&b[l], (size_t)size[l + 1]);
        for (int k = 0; k < GROUPS; k++) noise(&partial[k][l], weights);
    }
    for (int l = 0; l <= layers; l++) {
        noise(&A[l], rows * (size_t)size[l]), noise(&G[l], rows * (size_t)size[l]);
        for (int k = 0; k < omp_get_max_threads() && k < THREADS; k++)
            noise(&scratch[k][l], (size_t)tile * (size_t)(1 + P) * (size_t)size[l]);
    }
}

/* Seconds of one iteration: way 0 layers, 1 tiles. */
double limit_iteration(int way)
{
    double t = seconds();
    if (way) run_tiles();
    else run_layers();
    return seconds() - t;
}

/* FLOP/s of a square product of this size, each thread its own. */
double limit_sgemm(int m, int repetitions)
{
    double best = 1e9;
    const int threads = omp_get_max_threads();
    float *x[THREADS] = {NULL}, *y[THREADS] = {NULL}, *z[THREADS] = {NULL};
    for (int i = 0; i < threads; i++) {
        const size_t count = (size_t)m * (size_t)m;
        noise(&x[i], count), noise(&y[i], count), noise(&z[i], count);
    }
    for (int r = 0; r < repetitions; r++) {
        double t = seconds();
#pragma omp parallel
        {
            int i = omp_get_thread_num();
            dnnl_sgemm('N', 'N', m, m, m, 1, x[i], m, y[i], m, 0, z[i], m);
        }
        t = seconds() - t;
        if (t < best) best = t;
    }
    for (int i = 0; i < threads; i++) free(x[i]), free(y[i]), free(z[i]);
    return 2. * m * m * m * threads / best;
}

/* Bytes/s of z = x + s y over arrays of `count` floats (McCalpin's triad). */
double limit_triad(size_t count, int repetitions)
{
    double best = 1e9;
    float *x = NULL, *y = NULL, *z = NULL;
    noise(&x, count), noise(&y, count), noise(&z, count);
    for (int r = 0; r < repetitions; r++) {
        double t = seconds();
#pragma omp parallel for
        for (size_t i = 0; i < count; i++) z[i] = x[i] + 3 * y[i];
        t = seconds() - t;
        if (t < best) best = t;
    }
    free(x), free(y), free(z);
    return 12. * (double)count / best;
}

#ifdef MAIN
int main(int argc, char **argv)
{
    const int sims = argc > 1 ? atoi(argv[1]) : 1000, width = argc > 2 ? atoi(argv[2]) : 128;
    limit_prepare(4, (const int[]){10, width, width, width, 2}, sims, 2,
                  argc > 3 ? atoi(argv[3]) : 84, true);
    for (int way = 0; way < 2; way++) {
        double best = 1e9;
        for (int i = 0, times = sims * width > 500000 ? 20 : 200; i < times; i++) {
            double t = limit_iteration(way);
            if (t < best) best = t;
        }
        printf("%-6s %8.3f ms an iteration\n", way ? "tiles" : "layers", best * 1e3);
    }
}
#endif
