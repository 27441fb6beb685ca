/* Numbers of files: byte orders, half floats, integers and which dtypes hold them. */
#include "core/data/numbers.h"
#include <string.h>

/* ---- integers ---- */

const imnn_holders imnn_holders_all = {true, true, true};

/** Beyond 2^53 doubles have gaps, yet a value may be one of them. */
static bool double_holds(int64_t v, bool is_signed)
{
    double d = is_signed ? (double)v : (double)(uint64_t)v;
    if (is_signed) return d < 0x1p63 && (int64_t)d == v;
    return d < 0x1p64 && (uint64_t)d == (uint64_t)v;
}

imnn_holders imnn_holders_look(imnn_holders h, const int64_t *v, int64_t n, bool is_signed)
{
    for (int64_t i = 0; i < n; i++) {
        bool huge = !is_signed && v[i] < 0; /* 2^63 or more */
        h.i32 = h.i32 && !huge && v[i] >= INT32_MIN && v[i] <= INT32_MAX;
        h.u32 = h.u32 && !huge && v[i] >= 0 && v[i] <= UINT32_MAX;
        h.f64 = h.f64 && double_holds(v[i], is_signed);
    }
    return h;
}

imnn_dtype imnn_holders_smallest(imnn_holders h)
{
    return h.i32 ? IMNN_I32 : h.u32 ? IMNN_U32 : h.f64 ? IMNN_F64 : IMNN_NDTYPE;
}

bool imnn_holders_has(imnn_holders h, imnn_dtype dtype)
{
    return dtype == IMNN_I32 ? h.i32 : dtype == IMNN_U32 ? h.u32 : true;
}

void imnn_convert_integers(void *out, imnn_dtype dtype, const int64_t *v, int64_t n, bool is_signed)
{
    for (int64_t i = 0; i < n; i++) {
        double d = is_signed ? (double)v[i] : (double)(uint64_t)v[i];
        if (dtype == IMNN_I32) ((int32_t *)out)[i] = (int32_t)v[i];
        else if (dtype == IMNN_U32) ((uint32_t *)out)[i] = (uint32_t)v[i];
        else if (dtype == IMNN_F64) ((double *)out)[i] = d;
        else ((float *)out)[i] = is_signed ? (float)v[i] : (float)(uint64_t)v[i]; /* once */
    }
}

/* ---- as they lie ---- */

imnn_dtype imnn_stored_usual(const imnn_stored *t)
{
    switch (t->kind) {
    case 'f': return t->size == 8 ? IMNN_F64 : IMNN_F32;
    case 'c': return t->size == 16 ? IMNN_C128 : IMNN_C64;
    case 'b': return IMNN_BOOL;
    default:
        if (t->size == 8) return IMNN_NDTYPE;
        return t->kind == 'u' && t->size == 4 ? IMNN_U32 : IMNN_I32;
    }
}

bool imnn_stored_reads_as(const imnn_stored *t, imnn_dtype dtype)
{
    const bool to_float = dtype == IMNN_F32 || dtype == IMNN_F64;
    switch (t->kind) {
    case 'f': return to_float;
    case 'c': return dtype == IMNN_C64 || dtype == IMNN_C128;
    case 'b': return dtype == IMNN_BOOL;
    default: return to_float || dtype == IMNN_I32 || dtype == IMNN_U32;
    }
}

bool imnn_stored_is(const imnn_stored *t, imnn_dtype dtype)
{
    return !t->swapped && imnn_stored_usual(t) == dtype &&
           (size_t)t->size == imnn_dtype_size(dtype) && t->kind != 'b'; /* any byte may be there */
}

/** Reverse the bytes of each of n numbers, or of each part of complex ones. */
static void turn_round(uint8_t *p, const imnn_stored *t, int64_t n)
{
    int size = t->kind == 'c' ? t->size / 2 : t->size;
    if (!t->swapped || size == 1) return;
    if (t->kind == 'c') n *= 2;
    for (int64_t i = 0; i < n; i++, p += size) {
        uint16_t two;
        uint32_t four;
        uint64_t eight;
        if (size == 2) memcpy(&two, p, 2), two = __builtin_bswap16(two), memcpy(p, &two, 2);
        else if (size == 4)
            memcpy(&four, p, 4), four = __builtin_bswap32(four), memcpy(p, &four, 4);
        else memcpy(&eight, p, 8), eight = __builtin_bswap64(eight), memcpy(p, &eight, 8);
    }
}

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
static float half(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16, fraction = bits & 0x3ff;
    const uint32_t exponent = bits >> 10 & 0x1f;
    uint32_t word = sign | (exponent + 127 - 15) << 23 | fraction << 13;
    float f;
    if (exponent == 31) word = sign | 0x7f800000 | fraction << 13;
    memcpy(&f, &word, sizeof f);
    if (exponent) return f;
    return sign ? -(float)fraction * 0x1p-24f : (float)fraction * 0x1p-24f;
}

static double float_at(const imnn_stored *t, const void *in, int64_t i)
{
    if (t->size == 8) return ((const double *)in)[i];
    if (t->size == 4) return ((const float *)in)[i];
    return half(((const uint16_t *)in)[i]);
}

static void convert_floats(void *out, bool to_double, const imnn_stored *t, const void *in,
                           int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (to_double) ((double *)out)[i] = float_at(t, in, i);
        else ((float *)out)[i] = (float)float_at(t, in, i);
}

static int64_t integer_at(const imnn_stored *t, const void *in, int64_t i)
{
    const bool is_signed = t->kind == 'i';
    switch (t->size) {
    case 1: return is_signed ? ((const int8_t *)in)[i] : ((const uint8_t *)in)[i];
    case 2: return is_signed ? ((const int16_t *)in)[i] : ((const uint16_t *)in)[i];
    case 4: return is_signed ? ((const int32_t *)in)[i] : (int64_t)((const uint32_t *)in)[i];
    default: return ((const int64_t *)in)[i];
    }
}

enum { BLOCK = 1024 }; /* integers at a time */

static bool convert_some(char *out, imnn_dtype dtype, const imnn_stored *t, const void *in,
                         int64_t n)
{
    int64_t v[BLOCK];
    const bool is_signed = t->kind == 'i' || t->size < 8;
    imnn_holders h = imnn_holders_all;
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t some = n - i < BLOCK ? n - i : BLOCK;
        for (int64_t k = 0; k < some; k++) v[k] = integer_at(t, in, i + k);
        h = imnn_holders_look(h, v, some, is_signed);
        if (!imnn_holders_has(h, dtype)) return false;
        imnn_convert_integers(out + (size_t)i * imnn_dtype_size(dtype), dtype, v, some, is_signed);
    }
    return true;
}

bool imnn_stored_convert(void *out, imnn_dtype dtype, const imnn_stored *t, void *in, int64_t n)
{
    turn_round(in, t, n);
    switch (t->kind) {
    case 'b':
        for (int64_t i = 0; i < n; i++) ((uint8_t *)out)[i] = ((const uint8_t *)in)[i] != 0;
        return true;
    case 'c': {
        const imnn_stored part = {'f', t->size / 2, false};
        convert_floats(out, dtype == IMNN_C128, &part, in, 2 * n);
        return true;
    }
    case 'f': convert_floats(out, dtype == IMNN_F64, t, in, n); return true;
    default: return convert_some(out, dtype, t, in, n);
    }
}

imnn_dtype imnn_stored_smallest(imnn_stored *t, void *in, int64_t n)
{
    turn_round(in, t, n);
    t->swapped = false;
    return imnn_holders_smallest(imnn_holders_look(imnn_holders_all, in, n, t->kind == 'i'));
}
