/* CRC-32C: the polynomial 0x1EDC6F41 of Castagnoli, Braeuer and Herrmann 1993 (IEEE Trans. Comm.
 * 41, 883), of which CPUs have an instruction. */
#include "core/data/tfrecord.h"
#include <pthread.h>
#include <string.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

static const uint32_t polynomial = 0x82f63b78; /* the lowest bit is the highest power */

/* slices[k][b]: what byte b contributes once k more bytes have followed it. */
static uint32_t slices[8][256];

/* The instruction takes 3 cycles and can begin in each: three parts of a block go at a time, and
 * are joined by what PART more bytes, all zero, would make of the checksum of those before. */
enum { PART = 1360 }; /* bytes, a multiple of 8; three are a 4 KiB record without its ends */
static uint32_t shifts[4][256];

static uint32_t shifted(uint32_t crc)
{
    return shifts[0][crc & 255] ^ shifts[1][crc >> 8 & 255] ^ shifts[2][crc >> 16 & 255] ^
           shifts[3][crc >> 24];
}

static uint32_t with_byte(uint32_t crc, uint8_t byte)
{
    return slices[0][(crc ^ byte) & 255] ^ crc >> 8;
}

static void make_slices(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
        slices[0][b] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int b = 0; b < 256; b++) slices[k][b] = with_byte(slices[k - 1][b], 0);
}

/** Checksums are linear: what happens to each bit tells what happens to all. */
static void make_shifts(void)
{
    uint32_t of_bit[32];
    for (int bit = 0; bit < 32; bit++) {
        of_bit[bit] = (uint32_t)1 << bit;
        for (int i = 0; i < PART; i++) of_bit[bit] = with_byte(of_bit[bit], 0);
    }
    for (int k = 0; k < 4; k++)
        for (int b = 0; b < 256; b++)
            for (int bit = 0; bit < 8; bit++)
                if (b >> bit & 1) shifts[k][b] ^= of_bit[8 * k + bit];
}

static void make_tables(void)
{
    make_slices();
    make_shifts();
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint64_t word_at(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

uint32_t imnn_crc32c_by_table(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    pthread_once(&once, make_tables);
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word = word_at(p) ^ crc;
        crc = 0;
        for (int k = 0; k < 8; k++) crc ^= slices[7 - k][word >> 8 * k & 255];
    }
    for (; n; n--) crc = with_byte(crc, *p++);
    return ~crc;
}

#if defined __x86_64__
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *bytes,
                                                                 size_t n)
{
    const uint8_t *p = bytes;
    uint64_t a = ~crc;
    for (; n >= 3 * PART; n -= 3 * PART, p += 3 * PART) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < PART; i += 8) {
            a = _mm_crc32_u64(a, word_at(p + i));
            b = _mm_crc32_u64(b, word_at(p + PART + i));
            c = _mm_crc32_u64(c, word_at(p + 2 * PART + i));
        }
        a = shifted(shifted((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
    }
    for (; n >= 8; n -= 8, p += 8) a = _mm_crc32_u64(a, word_at(p));
    for (; n; n--) a = _mm_crc32_u8((uint32_t)a, *p++);
    return ~(uint32_t)a;
}

uint32_t imnn_crc32c(uint32_t crc, const void *bytes, size_t n)
{
    if (!__builtin_cpu_supports("sse4.2")) return imnn_crc32c_by_table(crc, bytes, n);
    pthread_once(&once, make_tables);
    return by_instruction(crc, bytes, n);
}
#else
uint32_t imnn_crc32c(uint32_t crc, const void *bytes, size_t n)
{
    return imnn_crc32c_by_table(crc, bytes, n);
}
#endif

uint32_t imnn_crc32c_mask(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8; }

uint32_t imnn_crc32c_masked(const void *bytes, size_t n)
{
    return imnn_crc32c_mask(imnn_crc32c(0, bytes, n));
}
