/* Random words: known answers, and any part of a stream against the whole. */
#include "core/kernels/isa.h"
#include "tests/support/check.h"

enum { MOST = 3000 };

/* Random123's known answers (Salmon et al. 2011, SC'11) */
static int blocks_are_right(void)
{
    static const uint32_t known[3][6] = {
        {0, 0, 0, 0, 0x6b200159, 0x99ba4efe},
        {~0u, ~0u, ~0u, ~0u, 0x1cb996fc, 0xbb002be7},
        {0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0}};
    for (int i = 0; i < 3; i++) {
        uint32_t out[2];
        imnn_threefry(known[i], known[i] + 2, out);
        CHECK(!memcmp(out, known[i] + 4, sizeof out));
    }
    return 0;
}

/* JAX's test suite and documentation; original layout, then partitionable */
static int keys_are_those_of_jax(void)
{
    const uint32_t zero[2] = {0, 0}, key[2] = {0, 1701};
    uint32_t out[8];
    imnn_threefry_split(out, zero, IMNN_ORIGINAL, 0, 2, 2);
    CHECK(!memcmp(out, (uint32_t[]){4146024105, 967050713, 2718843009, 1272950319}, 16));
    imnn_threefry_split(out, zero, IMNN_ORIGINAL, 0, 4, 4);
    CHECK(!memcmp(out,
                  (uint32_t[]){2285895361, 1501764800, 1518642379, 4090693311, 433833334,
                               4221794875, 839183663, 3740430601},
                  32));
    imnn_threefry_words(out, key, IMNN_ORIGINAL, 0, 3, 3);
    CHECK(!memcmp(out, (uint32_t[]){56197195, 4200222568, 961309823}, 12));
    imnn_threefry_words(out, zero, IMNN_ORIGINAL, 0, 1, 1);
    CHECK(out[0] == 1797259609);
    imnn_threefry_split(out, zero, IMNN_PARTITIONABLE, 0, 3, 3);
    CHECK(!memcmp(
        out, (uint32_t[]){1797259609, 2579123966, 928981903, 3453687069, 4146024105, 2718843009},
        24));
    imnn_threefry_words(out, zero, IMNN_PARTITIONABLE, 0, 4, 4);
    CHECK(!memcmp(out, (uint32_t[]){4070199207, 4202968722, 1427181096, 2012915765}, 16));
    return 0;
}

/* Word i of the stream, block by block. */
static uint32_t word(const uint32_t key[2], imnn_key_layout layout, int64_t i, int64_t total)
{
    const int64_t half = (total + 1) / 2, block = i % half;
    uint32_t counter[2] = {(uint32_t)(i >> 32), (uint32_t)i}, out[2];
    if (layout == IMNN_ORIGINAL) {
        counter[0] = (uint32_t)block;
        counter[1] = half + block < total ? (uint32_t)(half + block) : 0;
    }
    imnn_threefry(key, counter, out);
    return layout == IMNN_PARTITIONABLE ? out[0] ^ out[1] : out[i >= half];
}

static int parts_are_parts_of_the_whole(imnn_key_layout layout)
{
    static uint32_t whole[MOST], part[MOST + 1];
    const uint32_t key[2] = {3200590325, 713258242};
    for (int64_t total = 1; total < 200; total++) {
        imnn_threefry_words(whole, key, layout, 0, total, total);
        for (int64_t i = 0; i < total; i++) CHECK(whole[i] == word(key, layout, i, total));
        for (int64_t first = 0; first < total; first += 1 + total / 13)
            for (int64_t count = 0; first + count <= total; count += 1 + total / 11) {
                part[count] = 77;
                imnn_threefry_words(part, key, layout, first, count, total);
                CHECK(!memcmp(part, whole + first, (size_t)count * 4) && part[count] == 77);
            }
        if (total % 2) continue;
        imnn_threefry_split(whole, key, layout, 0, total / 2, total / 2);
        for (int64_t first = 0; first < total / 2; first += 3) {
            const int64_t count = total / 2 - first < 5 ? total / 2 - first : 5;
            imnn_threefry_split(part, key, layout, first, count, total / 2);
            CHECK(!memcmp(part, whole + 2 * first, (size_t)count * 8));
        }
    }
    return 0;
}

static int keys_are_independent(imnn_key_layout layout)
{
    static uint32_t keys[200], each[100 * 140 + 1], one[140];
    imnn_threefry_split(keys, (const uint32_t[]){7, 9}, layout, 0, 100, 100);
    for (int64_t n = 1; n <= 100; n += 1 + n / 4)
        for (int64_t total = 1; total < 140; total += 1 + total / 20) {
            each[n * total] = 77;
            imnn_threefry_words_each(each, keys, n, layout, total);
            for (int64_t k = 0; k < n; k++) {
                imnn_threefry_words(one, keys + 2 * k, layout, 0, total, total);
                CHECK(!memcmp(one, each + k * total, (size_t)total * 4));
            }
            CHECK(each[n * total] == 77);
        }
    return 0;
}

/* Streams that 32 bits cannot count: the counter's high word, or a key for every piece. */
static int long_streams_go_on(void)
{
    const uint32_t key[2] = {1, 2};
    const int64_t edge = (int64_t)1 << 32, piece = UINT32_MAX, total = 2 * piece + 11;
    uint32_t out[40], keys[6];
    imnn_threefry_words(out, key, IMNN_PARTITIONABLE, edge - 20, 40, 2 * edge);
    for (int i = 0; i < 40; i++)
        CHECK(out[i] == word(key, IMNN_PARTITIONABLE, edge - 20 + i, 2 * edge));
    imnn_threefry_split(out, key, IMNN_PARTITIONABLE, edge - 10, 20, 2 * edge);
    for (int i = 0; i < 20; i++) {
        uint32_t block[2];
        const int64_t at = edge - 10 + i;
        imnn_threefry(key, (const uint32_t[]){(uint32_t)(at >> 32), (uint32_t)at}, block);
        CHECK(!memcmp(out + 2 * i, block, 8));
    }
    imnn_threefry_split(keys, key, IMNN_ORIGINAL, 0, 3, 3);
    imnn_threefry_words(out, key, IMNN_ORIGINAL, 2 * piece - 20, 31, total);
    for (int i = 0; i < 20; i++)
        CHECK(out[i] == word(keys + 2, IMNN_ORIGINAL, piece - 20 + i, piece));
    for (int i = 0; i < 11; i++) CHECK(out[20 + i] == word(keys + 4, IMNN_ORIGINAL, i, 11));
    return 0;
}

int main(void)
{
    if (blocks_are_right()) return 1;
    CHECK(imnn_random_layout() == IMNN_ORIGINAL);
    imnn_random_set_layout(IMNN_PARTITIONABLE);
    CHECK(imnn_random_layout() == IMNN_PARTITIONABLE);
    for (int isa = 0; isa <= (int)imnn_cpu_isa(); isa++) {
        imnn_test_isa(isa);
        if (keys_are_those_of_jax() || long_streams_go_on()) return 1;
        for (int layout = IMNN_ORIGINAL; layout <= IMNN_PARTITIONABLE; layout++)
            if (parts_are_parts_of_the_whole((imnn_key_layout)layout) ||
                keys_are_independent((imnn_key_layout)layout))
                return 1;
    }
    return 0;
}
