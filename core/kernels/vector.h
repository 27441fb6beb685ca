/* The vectors of the instruction set that a file is compiled for, by GCC's vector extensions;
 * VECTOR_BYTES is 16, 32 or 64. Masks are lanes of 0 or -1, as comparisons give them. */
#ifndef CORE_VECTOR_H
#define CORE_VECTOR_H
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VECTOR_OF(T, bytes) T __attribute__((vector_size(bytes)))
typedef VECTOR_OF(float, VECTOR_BYTES) f32v;
typedef VECTOR_OF(double, VECTOR_BYTES) f64v;
typedef VECTOR_OF(int32_t, VECTOR_BYTES) i32v;
typedef VECTOR_OF(uint32_t, VECTOR_BYTES) u32v;
typedef VECTOR_OF(int64_t, VECTOR_BYTES) i64v;
typedef VECTOR_OF(uint64_t, VECTOR_BYTES) u64v;
typedef VECTOR_OF(int8_t, VECTOR_BYTES) i8v;
typedef VECTOR_OF(uint8_t, VECTOR_BYTES) u8v;
typedef VECTOR_OF(float, VECTOR_BYTES / 2) f32h; /* as many as f64v has */
typedef VECTOR_OF(int32_t, VECTOR_BYTES / 2) i32h;
typedef VECTOR_OF(uint32_t, VECTOR_BYTES / 2) u32h;
#define INLINE static inline __attribute__((always_inline, unused))

static __attribute__((noinline, unused)) void copy_part(void *to, const void *from, int bytes)
{
    char *t = to;
    const char *f = from;
    for (; bytes >= 4; bytes -= 4, t += 4, f += 4) memcpy(t, f, 4);
    for (; bytes > 0; bytes--) *t++ = *f++;
}

/* The first n lanes of 1, 4 or 8 bytes, 0 < n < all; the others are 0. */
#if VECTOR_BYTES == 64
typedef __m512i bits;
INLINE bits part1(const void *p, int n) { return _mm512_maskz_loadu_epi8((1ull << n) - 1, p); }
INLINE bits part4(const void *p, int n)
{
    return _mm512_maskz_loadu_epi32((__mmask16)((1u << n) - 1), p);
}
INLINE bits part8(const void *p, int n)
{
    return _mm512_maskz_loadu_epi64((__mmask8)((1u << n) - 1), p);
}
INLINE void put1(void *p, bits v, int n) { _mm512_mask_storeu_epi8(p, (1ull << n) - 1, v); }
INLINE void put4(void *p, bits v, int n)
{
    _mm512_mask_storeu_epi32(p, (__mmask16)((1u << n) - 1), v);
}
INLINE void put8(void *p, bits v, int n)
{
    _mm512_mask_storeu_epi64(p, (__mmask8)((1u << n) - 1), v);
}
INLINE bool any(bits mask) { return _mm512_test_epi32_mask(mask, mask) != 0; }
#else
#if VECTOR_BYTES == 32
typedef __m256i bits;
static const int32_t first_lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
INLINE bits lanes(int n4) { return _mm256_loadu_si256((const void *)(first_lanes + 8 - n4)); }
INLINE bits part4(const void *p, int n) { return _mm256_maskload_epi32(p, lanes(n)); }
INLINE bits part8(const void *p, int n) { return _mm256_maskload_epi64(p, lanes(2 * n)); }
INLINE void put4(void *p, bits v, int n) { _mm256_maskstore_epi32(p, lanes(n), v); }
INLINE void put8(void *p, bits v, int n) { _mm256_maskstore_epi64(p, lanes(2 * n), v); }
INLINE bool any(bits mask) { return _mm256_movemask_epi8(mask) != 0; }
#else
typedef __m128i bits;
INLINE bits part_bytes(const void *p, int bytes)
{
    bits v = _mm_setzero_si128();
    copy_part(&v, p, bytes);
    return v;
}
INLINE bits part4(const void *p, int n) { return part_bytes(p, 4 * n); }
INLINE bits part8(const void *p, int n) { return part_bytes(p, 8 * n); }
INLINE void put4(void *p, bits v, int n) { copy_part(p, &v, 4 * n); }
INLINE void put8(void *p, bits v, int n) { copy_part(p, &v, 8 * n); }
INLINE bool any(bits mask) { return _mm_movemask_epi8(mask) != 0; }
#endif
INLINE bits part1(const void *p, int n)
{
    u8v v = {0};
    copy_part(&v, p, n);
    return (bits)v;
}
INLINE void put1(void *p, bits v, int n) { copy_part(p, &v, n); }
#endif

/* A whole vector to an address that is a multiple of its size, past the caches. */
#if VECTOR_BYTES == 64
#define STREAM(p, v) _mm512_stream_si512((void *)(p), (bits)(v))
#elif VECTOR_BYTES == 32
#define STREAM(p, v) _mm256_stream_si256((void *)(p), (bits)(v))
#else
#define STREAM(p, v) _mm_stream_si128((void *)(p), (bits)(v))
#endif

/* n lanes of a vector of type V and lanes of `size` bytes, at any address */
#define LOAD(V, size, p, n) LOAD_(V, size, p, n)
#define LOAD_(V, size, p, n) (n == VECTOR_BYTES / size ? load_##V(p) : (V)part##size(p, n))
#define STORE(V, size, p, v, n) STORE_(V, size, p, v, n)
#define STORE_(V, size, p, v, n)                       \
    do {                                               \
        if (n == VECTOR_BYTES / size) store_##V(p, v); \
        else put##size(p, (bits)(v), n);               \
    } while (0)
#define LOAD_STORE(V)                \
    INLINE V load_##V(const void *p) \
    {                                \
        V v;                         \
        memcpy(&v, p, sizeof v);     \
        return v;                    \
    }                                \
    INLINE void store_##V(void *p, V v) { memcpy(p, &v, sizeof v); }
LOAD_STORE(f32v)
LOAD_STORE(f64v)
LOAD_STORE(i32v)
LOAD_STORE(u32v)
LOAD_STORE(u64v)
LOAD_STORE(u8v)

/* Complex numbers: as many as V has lanes, real and imaginary parts apart; in memory one part is
 * behind the other. The lists choose lanes of two vectors: those of even and odd number, and both
 * by turns from the first and from the second half. */
#if VECTOR_BYTES == 64
#define EVEN_32 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_32 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW_32 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_32 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define EVEN_64 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_64 1, 3, 5, 7, 9, 11, 13, 15
#define LOW_64 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_64 4, 12, 5, 13, 6, 14, 7, 15
#elif VECTOR_BYTES == 32
#define EVEN_32 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_32 1, 3, 5, 7, 9, 11, 13, 15
#define LOW_32 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_32 4, 12, 5, 13, 6, 14, 7, 15
#define EVEN_64 0, 2, 4, 6
#define ODD_64 1, 3, 5, 7
#define LOW_64 0, 4, 1, 5
#define HIGH_64 2, 6, 3, 7
#else
#define EVEN_32 0, 2, 4, 6
#define ODD_32 1, 3, 5, 7
#define LOW_32 0, 4, 1, 5
#define HIGH_32 2, 6, 3, 7
#define EVEN_64 0, 2
#define ODD_64 1, 3
#define LOW_64 0, 2
#define HIGH_64 1, 3
#endif
#define COMPLEX(name, V, bits)                                                \
    typedef struct name {                                                     \
        V re, im;                                                             \
    } name;                                                                   \
    INLINE name load_##name(const void *p, int n)                             \
    {                                                                         \
        name v = {{0}, {0}}; /* the halves of what is in memory */            \
        if (n == VECTOR_BYTES * 8 / bits) memcpy(&v, p, sizeof v);            \
        else copy_part(&v, p, n *bits / 4);                                   \
        return (name){__builtin_shufflevector(v.re, v.im, EVEN_##bits),       \
                      __builtin_shufflevector(v.re, v.im, ODD_##bits)};       \
    }                                                                         \
    INLINE void store_##name(void *p, name v, int n)                          \
    {                                                                         \
        const name both = {__builtin_shufflevector(v.re, v.im, LOW_##bits),   \
                           __builtin_shufflevector(v.re, v.im, HIGH_##bits)}; \
        if (n == VECTOR_BYTES * 8 / bits) memcpy(p, &both, sizeof both);      \
        else copy_part(p, &both, n *bits / 4);                                \
    }
COMPLEX(c64v, f32v, 32)
COMPLEX(c128v, f64v, 64)
#undef COMPLEX

typedef i8v mask_8;
typedef i32v mask_32;
typedef i64v mask_64;
/* Bools are bytes of 0 or 1 in memory. The mask of n lanes of 8, 32 or 64 bits, and back. */
INLINE i8v load_mask_8(const void *p, int n) { return (i8v)-LOAD(u8v, 1, p, n); }
INLINE void store_mask_8(void *p, i8v mask, int n) { STORE(u8v, 1, p, (u8v)mask & 1, n); }
INLINE __m128i load_bytes(const void *p, int n)
{
#if VECTOR_BYTES == 64
    return _mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p);
#else
    __m128i v = _mm_setzero_si128();
    int32_t few = 0;
    if (n == 8) return _mm_loadl_epi64(p);
    if (n == 4) return memcpy(&few, p, 4), _mm_cvtsi32_si128(few);
    if (n == 2) return memcpy(&few, p, 2), _mm_cvtsi32_si128(few);
    copy_part(&v, p, n);
    return v;
#endif
}
INLINE void store_bytes(void *p, __m128i v, int n)
{
#if VECTOR_BYTES == 64
    _mm_mask_storeu_epi8(p, (__mmask16)((1u << n) - 1), v);
#else
    const int32_t few = _mm_cvtsi128_si32(v);
    if (n == 8) _mm_storel_epi64(p, v);
    else if (n == 4) memcpy(p, &few, 4);
    else if (n == 2) memcpy(p, &few, 2);
    else copy_part(p, &v, n);
#endif
}
INLINE i32v load_mask_32(const void *p, int n)
{
    const __m128i v = _mm_sub_epi8(_mm_setzero_si128(), load_bytes(p, n));
#if VECTOR_BYTES == 64
    return (i32v)_mm512_cvtepi8_epi32(v);
#elif VECTOR_BYTES == 32
    return (i32v)_mm256_cvtepi8_epi32(v);
#else
    const __m128i v16 = _mm_unpacklo_epi8(v, v);
    return (i32v)_mm_unpacklo_epi16(v16, v16);
#endif
}
INLINE i64v load_mask_64(const void *p, int n)
{
    const __m128i v = _mm_sub_epi8(_mm_setzero_si128(), load_bytes(p, n));
#if VECTOR_BYTES == 64
    return (i64v)_mm512_cvtepi8_epi64(v);
#elif VECTOR_BYTES == 32
    return (i64v)_mm256_cvtepi8_epi64(v);
#else
    const __m128i v16 = _mm_unpacklo_epi8(v, v), v32 = _mm_unpacklo_epi16(v16, v16);
    return (i64v)_mm_unpacklo_epi32(v32, v32);
#endif
}
#if VECTOR_BYTES < 64
INLINE __m128i bytes_of(__m128i low, __m128i high) /* of eight lanes of 32 bits */
{
    const __m128i v = _mm_packs_epi32(low, high);
    return _mm_packs_epi16(v, v);
}
INLINE __m128i halves_of(__m128i low, __m128i high) /* the low halves of four lanes of 64 bits */
{
    return (__m128i)_mm_shuffle_ps((__m128)low, (__m128)high, 0x88);
}
#endif
INLINE void store_mask_32(void *p, i32v mask, int n)
{
    const bits v = (bits)(mask & 1);
#if VECTOR_BYTES == 64
    store_bytes(p, _mm512_cvtepi32_epi8(v), n);
#elif VECTOR_BYTES == 32
    store_bytes(p, bytes_of(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)), n);
#else
    store_bytes(p, bytes_of(v, v), n);
#endif
}
INLINE void store_mask_64(void *p, i64v mask, int n)
{
    const bits v = (bits)(mask & 1);
#if VECTOR_BYTES == 64
    store_bytes(p, _mm512_cvtepi64_epi8(v), n);
#elif VECTOR_BYTES == 32
    const __m128i half = halves_of(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    store_bytes(p, bytes_of(half, half), n);
#else
    store_bytes(p, bytes_of(halves_of(v, v), halves_of(v, v)), n);
#endif
}
#endif
