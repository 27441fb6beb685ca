#ifndef IMNN_ARRAY_H
#define IMNN_ARRAY_H
#include "imnn/base.h"

typedef enum imnn_dtype {
    IMNN_F32,
    IMNN_F64,
    IMNN_I32,
    IMNN_U32,
    IMNN_BOOL, /* one byte, 0 or 1 */
    IMNN_C64,  /* two f32, the real and the imaginary part */
    IMNN_C128, /* two f64 */
    IMNN_NDTYPE
} imnn_dtype;
enum { IMNN_MAX_NDIM = 8 };
typedef struct imnn_shape {
    int32_t ndim;
    int64_t size[8]; /* outermost first */
} imnn_shape;
typedef struct imnn_array imnn_array; /* opaque; row-major; never changes once made */

/** Zeros of the given shape.
 *  out    new reference, NULL on failure
 *  shape  outermost size first, each >= 0
 *  fails  EVALUE (negative size, more than 8 axes), ENOMEM (also before trying, when the machine
 *         has less memory available) */
IMNN_API imnn_status imnn_array_zeros(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape);

/** A copy of doubles, converted to dtype (integers: truncated, modulo 2^32; bool: x != 0; complex:
 *  the real parts of numbers without an imaginary one). */
IMNN_API imnn_status imnn_array_from(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape,
                                     const double *values);

/** A copy of values that are of this dtype already, row-major. */
IMNN_API imnn_status imnn_array_copy(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape,
                                     const void *values);

/** One more reference to the same array; the same pointer. */
IMNN_API imnn_array *imnn_array_retain(const imnn_array *a);

/** Give back one reference; the last one frees. NULL is fine, and so is any order. */
IMNN_API void imnn_array_release(imnn_array *a);

IMNN_API const imnn_shape *imnn_array_shape(const imnn_array *a);
IMNN_API imnn_dtype imnn_array_dtype(const imnn_array *a);
IMNN_API const void *imnn_array_data(const imnn_array *a);
IMNN_API int64_t imnn_array_size(const imnn_array *a); /* number of elements */

/** The rows of x (n, ...) where mask (bool, (n)) holds, in order: (count, ...).
 *  fails  ESHAPE (another mask, x without axes), ENOMEM */
IMNN_API imnn_status imnn_array_select(imnn_array **out, const imnn_array *x,
                                       const imnn_array *mask);

/** The first element that is NaN or infinite, -1 if there is none. */
IMNN_API int64_t imnn_array_nonfinite(const imnn_array *a);

/** "f32", ... */
IMNN_API const char *imnn_dtype_name(imnn_dtype dtype);
#endif
