#define VECTOR_BYTES 16
#define SLEEF_F32(name, accuracy) Sleef_##name##f4_##accuracy##sse2
#define SLEEF_F64(name, accuracy) Sleef_##name##d2_##accuracy##sse2
#define KERNELS imnn_kernels_sse2
#include "core/kernels/isa.inc"
