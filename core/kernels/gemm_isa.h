#ifndef CORE_GEMM_ISA_H
#define CORE_GEMM_ISA_H
#include "core/kernels/gemm.h"

/** The functions of gemm.h for one dtype, compiled for one instruction set: gemm_sse2.c, ... */
typedef struct imnn_gemm_kernels {
    void (*run)(const imnn_gemm *call);
    size_t (*scratch)(int64_t m, int64_t n, int64_t k);
    size_t (*packed_bytes)(int64_t k, int64_t n);
    void (*pack)(void *packed, int64_t k, int64_t n, const void *b, int64_t b_row, int64_t b_col);
    bool (*reads_rows)(int64_t n);
} imnn_gemm_kernels;
extern const imnn_gemm_kernels imnn_gemm_sse2_f32, imnn_gemm_sse2_f64;
extern const imnn_gemm_kernels imnn_gemm_avx2_f32, imnn_gemm_avx2_f64;
extern const imnn_gemm_kernels imnn_gemm_avx512_f32, imnn_gemm_avx512_f64;

#ifdef IMNN_TESTING
/** Those of an instruction set that need not be the best of this CPU; NULL: it has not got it. */
IMNN_API const imnn_gemm_kernels *imnn_test_gemm(imnn_isa isa, imnn_dtype dtype);
#endif
#endif
