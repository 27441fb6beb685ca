#ifndef CORE_KERNELS_THREEFRY_H
#define CORE_KERNELS_THREEFRY_H
#include "core/base/base.h"
#include "imnn/random.h"

/** Words first .. first + count - 1 of the stream of `total` words of one key, in the layout:
 *  original: counts 0 .. total-1 (one 0 appended if odd) hashed in two halves (spec/random 2.2);
 *  partitionable: word i is p xor q of the block (i >> 32, i). Vectorised. */
void imnn_threefry_words(uint32_t *out, const uint32_t key[2], imnn_key_layout layout,
                         int64_t first, int64_t count, int64_t total);
/** The same whole stream for `keys` keys: out (keys, total). Vectorised across keys too. */
void imnn_threefry_words_each(uint32_t *out, const uint32_t *keys, int64_t nkeys,
                              imnn_key_layout layout, int64_t total);
/** Keys first .. first + count - 1 of split(key, total): out (count, 2). */
void imnn_threefry_split(uint32_t *out, const uint32_t key[2], imnn_key_layout layout,
                         int64_t first, int64_t count, int64_t total);
/** Words of 64 bits first .. first + count - 1 of `total`, as pairs (high, low): out (count, 2). */
void imnn_threefry_pairs(uint32_t *out, const uint32_t key[2], imnn_key_layout layout,
                         int64_t first, int64_t count, int64_t total);
#endif
