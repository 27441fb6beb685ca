#include "core/kernels/isa.h"

static const imnn_isa_kernels *const kernels[IMNN_NISA] = {
    [IMNN_SSE2] = &imnn_kernels_sse2,
    [IMNN_AVX2] = &imnn_kernels_avx2,
    [IMNN_AVX512] = &imnn_kernels_avx512,
};

#ifdef IMNN_TESTING
static _Atomic int tested_isa = -1;
void imnn_test_isa(int isa) { tested_isa = isa; }
imnn_isa imnn_kernels_isa(void) { return tested_isa >= 0 ? (imnn_isa)tested_isa : imnn_cpu_isa(); }
#else
imnn_isa imnn_kernels_isa(void) { return imnn_cpu_isa(); }
#endif

const imnn_isa_kernels *imnn_kernels(void) { return kernels[imnn_kernels_isa()]; }
