/* What memory gives: bytes a second that are read, and that are copied, by all threads. */
#include <immintrin.h>
#include <omp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static void share(size_t n, size_t *from, size_t *to)
{
    const size_t threads = (size_t)omp_get_num_threads(), t = (size_t)omp_get_thread_num();
    *from = n / 64 * t / threads * 64;
    *to = n / 64 * (t + 1) / threads * 64;
}

/* The sum of words that nobody needs; n is a multiple of 64 */
int64_t reductions_read(const int64_t *x, size_t n)
{
    int64_t all = 0;
#pragma omp parallel reduction(+ : all)
    {
        size_t from, to;
        int64_t s[64] = {0};
        share(n, &from, &to);
        for (size_t i = from; i < to; i += 64)
            for (size_t k = 0; k < 64; k++) s[k] += x[i + k];
        for (size_t k = 0; k < 64; k++) all += s[k];
    }
    return all;
}

/* stream: past the caches */
void reductions_copy(int64_t *y, const int64_t *x, size_t n, bool stream)
{
#pragma omp parallel
    {
        size_t from, to;
        share(n, &from, &to);
        if (stream) {
#ifdef __AVX512F__
            for (size_t i = from; i < to; i += 8)
                _mm512_stream_si512((void *)(y + i), _mm512_load_si512(x + i));
#else
            for (size_t i = from; i < to; i += 2)
                _mm_stream_si128((void *)(y + i), _mm_load_si128((const void *)(x + i)));
#endif
            _mm_sfence();
        } else {
            for (size_t i = from; i < to; i++) y[i] = x[i];
        }
    }
}
