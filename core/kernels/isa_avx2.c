#define VECTOR_BYTES 32
#define SLEEF_F32(name, accuracy) Sleef_##name##f8_##accuracy##avx2
#define SLEEF_F64(name, accuracy) Sleef_##name##d4_##accuracy##avx2
#define KERNELS imnn_kernels_avx2
#include "core/kernels/isa.inc"
