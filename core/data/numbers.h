#ifndef CORE_NUMBERS_H
#define CORE_NUMBERS_H
#include "core/array/array.h"

/* Numbers as files have them, and as arrays do. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "npy files are written as memory is");

/** Which dtypes hold all of some integers exactly. */
typedef struct imnn_holders {
    bool i32, u32, f64;
} imnn_holders;
extern const imnn_holders imnn_holders_all; /* before any is looked at */

/** v  of 8 bytes, signed ones or the bits of unsigned ones */
imnn_holders imnn_holders_look(imnn_holders h, const int64_t *v, int64_t n, bool is_signed);
/** The smallest of i32, u32, f64; IMNN_NDTYPE: none. */
imnn_dtype imnn_holders_smallest(imnn_holders h);
/** Whether integers are kept; of floats one knows that they are rounded. */
bool imnn_holders_has(imnn_holders h, imnn_dtype dtype);
/** To i32, u32, f32 or f64. */
void imnn_convert_integers(void *out, imnn_dtype dtype, const int64_t *v, int64_t n,
                           bool is_signed);

/** How numbers lie in a file. */
typedef struct imnn_stored {
    char kind;    /* 'f' 2, 4, 8 bytes; 'i', 'u' 1, 2, 4, 8; 'b' 1; 'c' 8, 16 */
    int32_t size; /* bytes */
    bool swapped; /* of the other byte order than this machine */
} imnn_stored;

/** What they are read as: f16 as f32, integers of 1 and 2 bytes as i32; IMNN_NDTYPE for integers of
 *  8 bytes, where it depends on their values. */
imnn_dtype imnn_stored_usual(const imnn_stored *t);
/** Whether they can be read as this dtype: floats as floats, integers as i32, u32 or floats. */
bool imnn_stored_reads_as(const imnn_stored *t, imnn_dtype dtype);
/** Whether they lie as arrays of this dtype do. */
bool imnn_stored_is(const imnn_stored *t, imnn_dtype dtype);
/** n numbers. Those in the other byte order are turned round where they are.
 *  returns  whether the dtype holds them */
bool imnn_stored_convert(void *out, imnn_dtype dtype, const imnn_stored *t, void *in, int64_t n);
/** The smallest dtype for integers of 8 bytes, as read_as; in this machine's byte order afterwards.
 */
imnn_dtype imnn_stored_smallest(imnn_stored *t, void *in, int64_t n);
#endif
