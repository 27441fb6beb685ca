/* Immutable, reference counted, row-major arrays. */
#include "core/array/array.h"
#include <math.h>
#include <string.h>

static const size_t item_size[IMNN_NDTYPE] = {4, 8, 4, 4, 1, 8, 16};
static const char *const dtype_name[IMNN_NDTYPE] = {"f32",  "f64", "i32", "u32",
                                                    "bool", "c64", "c128"};

size_t imnn_dtype_size(imnn_dtype dtype) { return item_size[dtype]; }
const char *imnn_dtype_name(imnn_dtype dtype) { return dtype_name[dtype]; }

static imnn_status check(imnn_dtype dtype, const imnn_shape *shape)
{
    if ((unsigned)dtype >= IMNN_NDTYPE)
        return imnn_fail(IMNN_EDTYPE, "array: no dtype has the number %d", (int)dtype);
    if (shape->ndim < 0 || shape->ndim > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "array: 0 to %d axes, got %d", IMNN_MAX_NDIM, shape->ndim);
    for (int i = 0; i < shape->ndim; i++)
        if (shape->size[i] < 0)
            return imnn_fail(IMNN_EVALUE, "array: negative size in %s", imnn_shape_text(shape).s);
    if (imnn_shape_count(shape) > INT64_MAX / 32)
        return imnn_fail(IMNN_ENOMEM, "array: %s are more elements than any memory holds",
                         imnn_shape_text(shape).s);
    return IMNN_OK;
}

static imnn_status make(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape,
                        void *(*allocate)(size_t bytes))
{
    *out = NULL;
    imnn_status st = check(dtype, shape);
    if (st != IMNN_OK) return st;
    imnn_array *a = imnn_alloc(sizeof *a);
    if (!a) return IMNN_ENOMEM;
    atomic_init(&a->refs, 1);
    a->dtype = dtype;
    a->shape = *shape;
    a->bytes = (size_t)imnn_shape_count(shape) * item_size[dtype];
    a->data = allocate(a->bytes);
    if (!a->data) {
        imnn_free(a, sizeof *a);
        return IMNN_ENOMEM;
    }
    *out = a;
    return IMNN_OK;
}

imnn_status imnn_array_new(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape)
{
    return make(out, dtype, shape, imnn_alloc_raw);
}

imnn_status imnn_array_zeros(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape)
{
    return make(out, dtype, shape, imnn_alloc);
}

imnn_status imnn_array_copy(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape,
                            const void *values)
{
    imnn_status st = imnn_array_new(out, dtype, shape);
    if (st == IMNN_OK && (*out)->bytes) memcpy((*out)->data, values, (*out)->bytes);
    return st;
}

/** Truncated, modulo 2^32; what is not finite becomes 0. */
static uint32_t to_word(double x)
{
    if (fabs(x) < 0x1p63) return (uint32_t)(int64_t)x; /* conversion to unsigned is modulo 2^32 */
    return isfinite(x) ? (uint32_t)(int64_t)fmod(x, 0x1p32) : 0;
}

imnn_status imnn_array_from(imnn_array **out, imnn_dtype dtype, const imnn_shape *shape,
                            const double *values)
{
    imnn_status st = imnn_array_new(out, dtype, shape);
    if (st != IMNN_OK) return st;
    int64_t n = imnn_array_size(*out);
    void *data = (*out)->data;
    switch (dtype) {
    case IMNN_F64: memcpy(data, values, (size_t)n * sizeof *values); break;
    case IMNN_F32:
        for (int64_t i = 0; i < n; i++) ((float *)data)[i] = (float)values[i];
        break;
    case IMNN_BOOL:
        for (int64_t i = 0; i < n; i++) ((uint8_t *)data)[i] = values[i] != 0;
        break;
    case IMNN_C64:
        for (int64_t i = 0; i < n; i++) ((imnn_c64 *)data)[i] = (float)values[i];
        break;
    case IMNN_C128:
        for (int64_t i = 0; i < n; i++) ((imnn_c128 *)data)[i] = values[i];
        break;
    default:
        for (int64_t i = 0; i < n; i++) ((uint32_t *)data)[i] = to_word(values[i]);
    }
    return IMNN_OK;
}

imnn_array *imnn_array_retain(const imnn_array *a)
{
    imnn_array *owned = (imnn_array *)(uintptr_t)a; /* the count is not part of the value */
    atomic_fetch_add_explicit(&owned->refs, 1, memory_order_relaxed);
    return owned;
}

imnn_status imnn_array_share(imnn_array **out, const imnn_array *a, const imnn_shape *shape)
{
    imnn_array *b = imnn_alloc(sizeof *b);
    *out = b;
    if (!b) return IMNN_ENOMEM;
    atomic_init(&b->refs, 1);
    b->dtype = a->dtype;
    b->shape = *shape;
    b->bytes = a->bytes;
    b->data = a->data;
    b->owner = imnn_array_retain(a->owner ? a->owner : a);
    return IMNN_OK;
}

void imnn_array_release(imnn_array *a)
{
    if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) > 1) return;
    if (a->owner) imnn_array_release(a->owner);
    else imnn_free(a->data, a->bytes);
    imnn_free(a, sizeof *a);
}

const imnn_shape *imnn_array_shape(const imnn_array *a) { return &a->shape; }
imnn_dtype imnn_array_dtype(const imnn_array *a) { return a->dtype; }
const void *imnn_array_data(const imnn_array *a) { return a->data; }
int64_t imnn_array_size(const imnn_array *a) { return imnn_shape_count(&a->shape); }

/* An exponent of all ones is NaN or infinite. Whole blocks are asked first: that loop has no way
 * out in between, so it becomes vectors. */
#define FIND_NONFINITE(name, word, ones)                                      \
    static int64_t name(const word *x, int64_t n)                             \
    {                                                                         \
        enum { BLOCK = 1024 };                                                \
        for (int64_t i = 0; i < n; i += BLOCK) {                              \
            int64_t end = n - i < BLOCK ? n : i + BLOCK;                      \
            word found = 0;                                                   \
            for (int64_t j = i; j < end; j++) found |= (x[j] & ones) == ones; \
            for (int64_t j = i; found && j < end; j++)                        \
                if ((x[j] & ones) == ones) return j;                          \
        }                                                                     \
        return -1;                                                            \
    }
FIND_NONFINITE(find_f32, uint32_t, 0x7f800000u)
FIND_NONFINITE(find_f64, uint64_t, 0x7ff0000000000000u)

int64_t imnn_array_nonfinite(const imnn_array *a)
{
    if (a->dtype == IMNN_F32) return find_f32(a->data, imnn_array_size(a));
    if (a->dtype == IMNN_F64) return find_f64(a->data, imnn_array_size(a));
    const int64_t part = a->dtype == IMNN_C64    ? find_f32(a->data, 2 * imnn_array_size(a))
                         : a->dtype == IMNN_C128 ? find_f64(a->data, 2 * imnn_array_size(a))
                                                 : -1;
    return part < 0 ? -1 : part / 2;
}
