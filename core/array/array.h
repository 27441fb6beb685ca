#ifndef CORE_ARRAY_H
#define CORE_ARRAY_H
#include "core/base/base.h"
#include "imnn/array.h"

typedef float _Complex imnn_c64; /* elements of complex arrays */
typedef double _Complex imnn_c128;

struct imnn_array {
    _Atomic int32_t refs;
    imnn_dtype dtype;
    imnn_shape shape;
    size_t bytes;
    void *data; /* written only by the function that makes the array, before it hands it out */
    struct imnn_array *owner; /* whose elements these are; NULL: its own */
};

/** Like imnn_array_zeros, but the values are not set: its caller goes on to write them. */
imnn_status imnn_array_new(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape);
/** The elements of a under another shape of as many: shared, not copied. */
imnn_status imnn_array_share(imnn_array **out, const imnn_array *a, const imnn_shape *shape);
int64_t imnn_shape_count(const imnn_shape *s); /* number of elements */
bool imnn_shape_equal(const imnn_shape *a, const imnn_shape *b);
/** numpy's broadcasting: false if the shapes do not fit. */
bool imnn_shape_join(imnn_shape *out, const imnn_shape *a, const imnn_shape *b);
size_t imnn_dtype_size(imnn_dtype dtype);

typedef struct imnn_text {
    char s[176];
} imnn_text;
imnn_text imnn_shape_text(const imnn_shape *s); /* "(3, 4)", for messages */
#endif
