/* Matrix products: which kernels run. */
#include "core/kernels/gemm_isa.h"
#include "core/kernels/isa.h"

static const imnn_gemm_kernels *find(imnn_isa isa, imnn_dtype dtype)
{
    static const imnn_gemm_kernels *const table[IMNN_NISA][2] = {
        [IMNN_SSE2] = {&imnn_gemm_sse2_f32, &imnn_gemm_sse2_f64},
        [IMNN_AVX2] = {&imnn_gemm_avx2_f32, &imnn_gemm_avx2_f64},
        [IMNN_AVX512] = {&imnn_gemm_avx512_f32, &imnn_gemm_avx512_f64},
    };
    return table[isa][dtype == IMNN_F64];
}

void imnn_gemm_run(imnn_dtype dtype, const imnn_gemm *call)
{
    find(imnn_kernels_isa(), dtype)->run(call);
}

size_t imnn_gemm_scratch(imnn_dtype dtype, int64_t m, int64_t n, int64_t k)
{
    return find(imnn_kernels_isa(), dtype)->scratch(m, n, k);
}

size_t imnn_gemm_packed_bytes(imnn_dtype dtype, int64_t k, int64_t n)
{
    return find(imnn_kernels_isa(), dtype)->packed_bytes(k, n);
}

void imnn_gemm_pack(imnn_dtype dtype, void *packed, int64_t k, int64_t n, const void *b,
                    int64_t b_row, int64_t b_col)
{
    find(imnn_kernels_isa(), dtype)->pack(packed, k, n, b, b_row, b_col);
}

bool imnn_gemm_reads_rows(imnn_dtype dtype, int64_t n)
{
    return find(imnn_kernels_isa(), dtype)->reads_rows(n);
}

#ifdef IMNN_TESTING
const imnn_gemm_kernels *imnn_test_gemm(imnn_isa isa, imnn_dtype dtype)
{
    return isa <= imnn_cpu_isa() ? find(isa, dtype) : NULL;
}
#endif
