#define VECTOR_BYTES 64
#define SLEEF_F32(name, accuracy) Sleef_##name##f16_##accuracy##avx512f
#define SLEEF_F64(name, accuracy) Sleef_##name##d8_##accuracy##avx512f
#define KERNELS imnn_kernels_avx512
#include "core/kernels/isa.inc"
