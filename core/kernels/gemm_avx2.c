/* Matrix products with AVX2 and FMA: of 16 registers, 12 hold sums, six rows by two vectors. */
#include "core/kernels/gemm_isa.h"
#define VECTOR_BYTES 32
#include "core/kernels/vector.h"

#define ROWS 6
#define STRIPS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define SHORT(X) X(2, 2) X(2, 3) X(3, 2)
#define K_BLOCK (1024 / SIZE) /* a block of B is 384 KiB at most, of at least 512 KiB of L2 */
#define N_BLOCK 384
#define MULADD(a, b, c) OP(fmadd)(a, b, c)
#define TABLE(F) F(imnn_gemm_avx2)

INLINE f32v pieces_f32(const float *const *p, int64_t at)
{
    return _mm256_set_m128(_mm_loadu_ps(p[4] + at), _mm_loadu_ps(p[0] + at));
}

INLINE f64v pieces_f64(const double *const *p, int64_t at)
{
    return _mm256_set_m128d(_mm_loadu_pd(p[2] + at), _mm_loadu_pd(p[0] + at));
}

#define T float
#define V f32v
#define SIZE 4
#define F(name) name##_f32
#define OP(name) _mm256_##name##_ps
#include "core/kernels/gemm.inc"

#define T double
#define V f64v
#define SIZE 8
#define F(name) name##_f64
#define OP(name) _mm256_##name##_pd
#include "core/kernels/gemm.inc"
