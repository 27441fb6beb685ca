/* Elementwise work by hand, on all threads: the bounds of elementwise.lua. */
#include <immintrin.h>
#include <omp.h>
#include <sleef.h>
#include <stdbool.h>
#include <stddef.h>

/* max(x (2 x + 1) - 1/2, 0), a chain of five. stream: results go past the caches. */
static inline float chain(float x)
{
    const float y = x * (2 * x + 1) - .5f;
    return y > 0 ? y : 0;
}

void elementwise_chain(float *y, const float *x, size_t n, bool stream)
{
#pragma omp parallel
    {
        const size_t threads = (size_t)omp_get_num_threads(), t = (size_t)omp_get_thread_num();
        const size_t from = n / 16 * t / threads * 16;
        const size_t to = t + 1 == threads ? n : n / 16 * (t + 1) / threads * 16;
        size_t i = from;
        if (stream)
            for (; i + 16 <= to; i += 16) {
                _Alignas(64) float part[16];
                for (int k = 0; k < 16; k++) part[k] = chain(x[i + (size_t)k]);
#ifdef __AVX512F__
                _mm512_stream_ps(y + i, _mm512_load_ps(part));
#else
                for (int k = 0; k < 16; k += 4) _mm_stream_ps(y + i + k, _mm_load_ps(part + k));
#endif
            }
        for (; i < to; i++) y[i] = chain(x[i]);
        if (stream) _mm_sfence();
    }
}

#if defined __AVX512F__
#define F32(name) Sleef_##name##f16_u10avx512f
#define F64(name) Sleef_##name##d8_u10avx512f
typedef __m512 f32v;
typedef __m512d f64v;
#elif defined __AVX2__
#define F32(name) Sleef_##name##f8_u10avx2
#define F64(name) Sleef_##name##d4_u10avx2
typedef __m256 f32v;
typedef __m256d f64v;
#else
#define F32(name) Sleef_##name##f4_u10
#define F64(name) Sleef_##name##d2_u10
typedef __m128 f32v;
typedef __m128d f64v;
#endif

/* n is a multiple of the lanes of a vector, the arrays are aligned */
#define FUNCTION(name)                                                                      \
    void elementwise_##name##_f32(float *y, const float *x, size_t n)                       \
    {                                                                                       \
        _Pragma("omp parallel for schedule(static)") for (size_t i = 0;                     \
                                                          i < n / (sizeof(f32v) / 4); i++)( \
            (f32v *)y)[i] = F32(name)(((const f32v *)x)[i]);                                \
    }                                                                                       \
    void elementwise_##name##_f64(double *y, const double *x, size_t n)                     \
    {                                                                                       \
        _Pragma("omp parallel for schedule(static)") for (size_t i = 0;                     \
                                                          i < n / (sizeof(f64v) / 8); i++)( \
            (f64v *)y)[i] = F64(name)(((const f64v *)x)[i]);                                \
    }
FUNCTION(exp)
FUNCTION(log)
FUNCTION(sin)
FUNCTION(tanh)
FUNCTION(erf)
