/* Importance weights by hand: for each of n points the logarithm of a sum of n weighted normal
 * kernels in five whitened parameters, by all threads. */
#include <immintrin.h>
#include <math.h>
#include <omp.h>
#include <sleef.h>

enum { P = 5, BLOCK = 512 };
#ifdef __AVX512F__
typedef __m512d v;
enum { LANES = 8 };
#define EXP Sleef_expd8_u10avx512f
#define LOAD _mm512_loadu_pd
#define SET _mm512_set1_pd
#define FMA _mm512_fmadd_pd
#define MAX _mm512_max_pd
#else
typedef __m256d v;
enum { LANES = 4 };
#define EXP Sleef_expd4_u10avx2
#define LOAD _mm256_loadu_pd
#define SET _mm256_set1_pd
#define FMA _mm256_fmadd_pd
#define MAX _mm256_max_pd
#endif

static double over(v x, int largest)
{
    double a[LANES], y;
    __builtin_memcpy(a, &x, sizeof a);
    y = a[0];
    for (int i = 1; i < LANES; i++) y = largest ? fmax(y, a[i]) : y + a[i];
    return y;
}

/* x (n, P), c (P, n), w (n) logarithms; n is a multiple of BLOCK */
void weights_by_hand(double *out, const double *x, const double *c, const double *w, long n)
{
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        double max = -INFINITY, sum = 0;
        for (long from = 0; from < n; from += BLOCK) {
            v q[BLOCK / LANES], top = SET(-INFINITY), all = SET(0);
            for (int j = 0; j < BLOCK / LANES; j++) {
                v d2 = SET(0);
#pragma GCC unroll 5
                for (int p = 0; p < P; p++) {
                    v d = SET(x[i * P + p]) - LOAD(c + p * n + from + j * LANES);
                    d2 = FMA(d, d, d2);
                }
                q[j] = FMA(d2, SET(-0.5), LOAD(w + from + j * LANES));
                top = MAX(top, q[j]);
            }
            const double high = over(top, 1);
            if (high > max) sum *= exp(max - high), max = high;
            for (int j = 0; j < BLOCK / LANES; j++) all += EXP(q[j] - SET(max));
            sum += over(all, 0);
        }
        out[i] = max + log(sum);
    }
}
