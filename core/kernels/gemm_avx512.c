/* Matrix products with AVX-512: of 32 registers, 28 hold sums, 14 rows by two vectors. */
#include "core/kernels/gemm_isa.h"
#define VECTOR_BYTES 64
#include "core/kernels/vector.h"

#define ROWS 14
#define STRIPS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define SHORT(X) \
    X(2, 2) X(2, 4) X(2, 7) X(3, 2) X(3, 3) X(3, 4) X(4, 2) X(4, 3) X(5, 2) X(6, 2) X(7, 2)
#define K_BLOCK (2048 / SIZE) /* a block of B is 1 MiB or 512 KiB, of at least 1 MiB of L2 */
#define N_BLOCK 512
#define MULADD(a, b, c) OP(fmadd)(a, b, c)
#define TABLE(F) F(imnn_gemm_avx512)

INLINE f32v pieces_f32(const float *const *p, int64_t at)
{
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p[0] + at));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p[4] + at), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p[8] + at), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(p[12] + at), 3);
}

INLINE f64v pieces_f64(const double *const *p, int64_t at)
{
    __m512d v = _mm512_castpd128_pd512(_mm_loadu_pd(p[0] + at));
    v = _mm512_insertf64x2(v, _mm_loadu_pd(p[2] + at), 1);
    v = _mm512_insertf64x2(v, _mm_loadu_pd(p[4] + at), 2);
    return _mm512_insertf64x2(v, _mm_loadu_pd(p[6] + at), 3);
}

#define T float
#define V f32v
#define SIZE 4
#define F(name) name##_f32
#define OP(name) _mm512_##name##_ps
#include "core/kernels/gemm.inc"

#define T double
#define V f64v
#define SIZE 8
#define F(name) name##_f64
#define OP(name) _mm512_##name##_pd
#include "core/kernels/gemm.inc"
