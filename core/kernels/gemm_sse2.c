/* Matrix products with what every x86-64 has: products are rounded before they are added. */
#include "core/kernels/gemm_isa.h"
#define VECTOR_BYTES 16
#include "core/kernels/vector.h"

#define ROWS 4
#define STRIPS(X) X(1) X(2) X(3) X(4)
#define SHORT(X) X(2, 2)
#define K_BLOCK (1024 / SIZE)
#define N_BLOCK 128
#define MULADD(a, b, c) OP(add)(OP(mul)(a, b), c)
#define TABLE(F) F(imnn_gemm_sse2)

INLINE f32v pieces_f32(const float *const *p, int64_t at) { return _mm_loadu_ps(p[0] + at); }
INLINE f64v pieces_f64(const double *const *p, int64_t at) { return _mm_loadu_pd(p[0] + at); }

#define T float
#define V f32v
#define SIZE 4
#define F(name) name##_f32
#define OP(name) _mm_##name##_ps
#include "core/kernels/gemm.inc"

#define T double
#define V f64v
#define SIZE 8
#define F(name) name##_f64
#define OP(name) _mm_##name##_pd
#include "core/kernels/gemm.inc"
