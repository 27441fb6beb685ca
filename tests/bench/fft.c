/* FFTW called directly, with estimated plans for all arrays of a thread at a time, and random
 * fields by hand, one draw after the other on each thread: normal numbers (random.c), a transform,
 * the amplitudes, the transform back. */
#include "random.c"
#include <fftw3.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TO_COMPLEX, BACK, FROM_REAL, TO_REAL }; /* kinds */

typedef struct transforms {
    int kind, threads, count;
    size_t in, out; /* elements of an array */
    void *plan[2];  /* for the arrays of a thread, and one fewer */
} transforms;

#define DEFINE(name, T, C, F)                                                                    \
    void *fft_plan_##name(int kind, int rank, const int *n, int count, T *x, T *y)               \
    {                                                                                            \
        transforms *t = calloc(1, sizeof *t);                                                    \
        *t = (transforms){kind, omp_get_max_threads(), count, 1, 1, {0}};                        \
        for (int k = 0; k < rank; k++) {                                                         \
            int half = k < rank - 1 ? n[k] : n[k] / 2 + 1;                                       \
            t->in *= (size_t)(kind == TO_REAL ? half : n[k]);                                    \
            t->out *= (size_t)(kind == FROM_REAL ? half : n[k]);                                 \
        }                                                                                        \
        for (int less = 0; less < 2; less++) {                                                   \
            const int many = (count + t->threads - 1) / t->threads - less;                       \
            const int i = (int)t->in, o = (int)t->out, sign = kind == BACK ? 1 : -1;             \
            if (many == 0) continue;                                                             \
            t->plan[less] =                                                                      \
                kind == FROM_REAL ? (void *)F##plan_many_dft_r2c(rank, n, many, x, NULL, 1, i,   \
                                                                 (C *)y, NULL, 1, o, 64)         \
                : kind == TO_REAL ? (void *)F##plan_many_dft_c2r(rank, n, many, (C *)x, NULL, 1, \
                                                                 i, y, NULL, 1, o, 64)           \
                                  : (void *)F##plan_many_dft(rank, n, many, (C *)x, NULL, 1, i,  \
                                                             (C *)y, NULL, 1, o, sign, 64);      \
        }                                                                                        \
        return t;                                                                                \
    }                                                                                            \
    void fft_run_##name(const void *handle, T *x, T *y)                                          \
    {                                                                                            \
        const transforms *t = handle;                                                            \
        _Pragma("omp parallel num_threads(t->threads)")                                          \
        {                                                                                        \
            const int me = omp_get_thread_num(), all = t->threads;                               \
            const int most = (t->count + all - 1) / all, full = t->count - (most - 1) * all;     \
            const size_t at = (size_t)(me <= full ? me * most : full + me * (most - 1));         \
            void *plan = t->plan[me >= full];                                                    \
            T *from = x + at * t->in * (t->kind == FROM_REAL ? 1 : 2);                           \
            T *to = y + at * t->out * (t->kind == TO_REAL ? 1 : 2);                              \
            if (plan && t->kind == FROM_REAL) F##execute_dft_r2c(plan, from, (C *)to);           \
            else if (plan && t->kind == TO_REAL) F##execute_dft_c2r(plan, (C *)from, to);        \
            else if (plan) F##execute_dft(plan, (C *)from, (C *)to);                             \
        }                                                                                        \
    }
DEFINE(f32, float, fftwf_complex, fftwf_)
DEFINE(f64, double, fftw_complex, fftw_)

typedef float pair[2];

/* Normal numbers of one key, in the original layout of JAX; n is a multiple of 2 LANES. */
static void draw(float *out, uint32_t a, uint32_t b, size_t n)
{
    static const uint32_t count[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    words lane;
    memcpy(&lane, count, sizeof lane);
    for (size_t i = 0; i < n / 2; i += LANES) {
        words p = lane + (uint32_t)i, q = p + (uint32_t)(n / 2);
        threefry(&p, &q, a, b);
        const reals x = normal(p), y = normal(q);
        memcpy(out + i, &x, sizeof x);
        memcpy(out + n / 2 + i, &y, sizeof y);
    }
}

/* Fields of m x m numbers, one of each key (two words), with the same amplitudes, which are over
 * m^2 (m, m), or the non-redundant half of them where `real`. part: all of it, or only random
 * numbers (1), transforms (2), the rest (3). */
void fft_fields(float *out, const uint32_t *keys, int count, int m, const float *amplitude,
                bool real, bool lognormal, int part)
{
    const int n[2] = {m, m};
    const size_t all = (size_t)m * (size_t)m,
                 spectrum = real ? (size_t)m * (size_t)(m / 2 + 1) : all;
    pair *dummy = fftwf_malloc(2 * all * sizeof *dummy);
    fftwf_plan there = real ? fftwf_plan_dft_r2c(2, n, (float *)dummy, dummy + all, FFTW_ESTIMATE)
                            : fftwf_plan_dft(2, n, dummy, dummy + all, -1, FFTW_ESTIMATE);
    fftwf_plan back = real ? fftwf_plan_dft_c2r(2, n, dummy, (float *)(dummy + all), FFTW_ESTIMATE)
                           : fftwf_plan_dft(2, n, dummy, dummy + all, 1, FFTW_ESTIMATE);
#pragma omp parallel
    {
        float *w = fftwf_malloc(all * sizeof *w), *g = fftwf_malloc(all * sizeof *g);
        pair *a = fftwf_malloc(all * sizeof *a), *b = fftwf_malloc(all * sizeof *b);
        memset(a, 0, all * sizeof *a), memset(b, 0, all * sizeof *b);
        memset(w, 0, all * sizeof *w), memset(g, 0, all * sizeof *g);
#pragma omp for schedule(static)
        for (int k = 0; k < count; k++) {
            float *field = out + (size_t)k * all;
            if (!part || part == 1) draw(w, keys[2 * k], keys[2 * k + 1], all);
            if (part != 1 && part != 2 && !real)
                for (size_t i = 0; i < all; i++) a[i][0] = w[i], a[i][1] = 0;
            if (!part || part == 2) {
                if (real) fftwf_execute_dft_r2c(there, w, b);
                else fftwf_execute_dft(there, a, b);
            }
            if (!part || part == 3)
                for (size_t i = 0; i < spectrum; i++)
                    b[i][0] *= amplitude[i], b[i][1] *= amplitude[i];
            if (!part || part == 2) {
                if (real) fftwf_execute_dft_c2r(back, b, lognormal ? g : field);
                else fftwf_execute_dft(back, b, a);
            }
            if (part == 1 || part == 2) continue;
            float *to = lognormal ? g : field;
            for (size_t i = 0; !real && i < all; i++) to[i] = a[i][0];
            if (!lognormal) continue;
            float sum[LANES] = {0}, mean = 0;
            for (size_t i = 0; i < all; i += LANES)
                for (size_t j = 0; j < LANES; j++) sum[j] += g[i + j] * g[i + j];
            for (int j = 0; j < LANES; j++) mean += sum[j];
            mean /= 2 * (float)all;
            /* e^x = 2^round(x / ln 2) e^r */
            for (size_t i = 0; i < all; i++) {
                const float x = g[i] - mean, r1 = x * 1.44269504f;
                const float e = (r1 + 12582912.f) - 12582912.f;
                const float r = (x - e * 0.693145751953125f) - e * 1.42860677e-6f;
                float p = 0.000198527617612853646278381f;
                p = p * r + 0.00139304355252534151077271f;
                p = p * r + 0.00833336077630519866943359f;
                p = p * r + 0.0416664853692054748535156f;
                p = p * r + 0.166666671633720397949219f;
                p = p * r + 0.5f;
                p = r + r * r * p + 1;
                int32_t bits = ((int32_t)e + 127) << 23;
                float two;
                memcpy(&two, &bits, sizeof two);
                field[i] = p * two - 1;
            }
        }
        fftwf_free(w), fftwf_free(g), fftwf_free(a), fftwf_free(b);
    }
    fftwf_destroy_plan(there), fftwf_destroy_plan(back);
    fftwf_free(dummy);
}
