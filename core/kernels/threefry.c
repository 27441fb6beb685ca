#include "core/kernels/threefry.h"
#include "core/kernels/isa.h"

/* The layout is a property of the numbers that a whole script shall get, so it is process-wide. */
static _Atomic int random_layout = IMNN_ORIGINAL;

imnn_key_layout imnn_random_layout(void) { return (imnn_key_layout)random_layout; }
void imnn_random_set_layout(imnn_key_layout layout) { random_layout = (int)layout; }

void imnn_threefry(const uint32_t key[2], const uint32_t counter[2], uint32_t out[2])
{
    static const int turn[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    const uint32_t k[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda};
    uint32_t p = counter[0] + k[0], q = counter[1] + k[1];
    for (uint32_t group = 0; group < 5; group++) {
        for (int round = 0; round < 4; round++) {
            const int by = turn[group % 2][round];
            p += q;
            q = (q << by | q >> (32 - by)) ^ p;
        }
        p += k[(group + 1) % 3];
        q += k[(group + 2) % 3] + group + 1;
    }
    out[0] = p, out[1] = q;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* The whole stream is the words p of blocks 0 .. half-1, counters (i, half + i), and behind them
 * the words q. If total is odd, the last counter is (half - 1, 0) and its q is not in the stream.
 */
typedef struct stream {
    uint32_t *out;
    const uint32_t *key;
    int64_t first, half, total;
} stream;

static void stream_blocks(const stream *s, int64_t from, int64_t to, bool p, bool q)
{
    if (from >= to) return;
    const imnn_counters c = {{(uint32_t)from, (uint32_t)(s->half + from)},
                             1,
                             s->total % 2 && to == s->half ? to - 1 - from : -1};
    imnn_kernels()->blocks(p ? s->out + (from - s->first) : NULL,
                           q ? s->out + (s->half + from - s->first) : NULL, s->key, c, to - from);
}

static void original(uint32_t *out, const uint32_t key[2], int64_t first, int64_t count,
                     int64_t total)
{
    const stream s = {out, key, first, (total + 1) / 2, total};
    const int64_t end = first + count, p0 = first, p1 = least(end, s.half);
    const int64_t q0 = most(first - s.half, 0), q1 = end - s.half;
    const int64_t both0 = most(p0, q0), both1 = least(p1, q1);
    if (both0 >= both1) {
        stream_blocks(&s, p0, p1, true, false);
        stream_blocks(&s, q0, q1, false, true);
        return;
    }
    stream_blocks(&s, least(p0, q0), both0, p0 < q0, q0 < p0);
    stream_blocks(&s, both0, both1, true, true);
    stream_blocks(&s, both1, most(p1, q1), p1 > q1, q1 > p1);
}

void imnn_threefry_words(uint32_t *out, const uint32_t key[2], imnn_key_layout layout,
                         int64_t first, int64_t count, int64_t total)
{
    /* Longer streams than 32-bit counters can count have a key for every piece. */
    const int64_t piece = layout == IMNN_ORIGINAL ? UINT32_MAX : (int64_t)1 << 32;
    while (count > 0) {
        const int64_t number = first / piece, at = first % piece, n = least(count, piece - at);
        if (layout == IMNN_PARTITIONABLE) {
            const imnn_counters c = {{(uint32_t)number, (uint32_t)at}, 0, -1};
            imnn_kernels()->mixed(out, key, c, n);
        } else if (total < piece) {
            original(out, key, at, n, total);
        } else {
            uint32_t own[2];
            imnn_threefry_split(own, key, layout, number, 1, total / piece + 1);
            original(out, own, at, n, least(total - number * piece, piece));
        }
        out += n, first += n, count -= n;
    }
}

void imnn_threefry_words_each(uint32_t *out, const uint32_t *keys, int64_t nkeys,
                              imnn_key_layout layout, int64_t total)
{
    const imnn_isa_kernels *k = imnn_kernels();
    const bool mix = layout == IMNN_PARTITIONABLE;
    const int64_t n = mix ? total : (total + 1) / 2;
    const int64_t across_keys = (nkeys + k->lanes - 1) / k->lanes * n;
    const int64_t across_blocks = (n + k->lanes - 1) / k->lanes * nkeys;
    if (across_blocks <= across_keys || total >= UINT32_MAX) {
        for (int64_t i = 0; i < nkeys; i++)
            imnn_threefry_words(out + i * total, keys + 2 * i, layout, 0, total, total);
    } else {
        const imnn_counters one = {{0, 0}, 0, -1};
        const imnn_counters halves = {{0, (uint32_t)n}, 1, total % 2 ? n - 1 : -1};
        k->each(out, total, mix, keys, nkeys, mix ? one : halves, n);
    }
}

void imnn_threefry_split(uint32_t *out, const uint32_t key[2], imnn_key_layout layout,
                         int64_t first, int64_t count, int64_t total)
{
    if (layout == IMNN_ORIGINAL) {
        imnn_threefry_words(out, key, layout, 2 * first, 2 * count, 2 * total);
        return;
    }
    for (int64_t n; count > 0; out += 2 * n, first += n, count -= n) {
        const imnn_counters c = {{(uint32_t)(first >> 32), (uint32_t)first}, 0, -1};
        n = least(count, ((int64_t)1 << 32) - c.c[1]);
        imnn_kernels()->pairs(out, key, c, n);
    }
}

/* In the original layout words i and n + i of 2 n, in the partitionable one both
 * outputs of block i, as for keys. */
void imnn_threefry_pairs(uint32_t *out, const uint32_t key[2], imnn_key_layout layout,
                         int64_t first, int64_t count, int64_t n)
{
    enum { CHUNK = 256 };
    uint32_t high[CHUNK], low[CHUNK];
    if (layout == IMNN_PARTITIONABLE) {
        imnn_threefry_split(out, key, layout, first, count, n);
        return;
    }
    for (int64_t at = 0; at < count; at += CHUNK) {
        const int64_t m = count - at < CHUNK ? count - at : CHUNK;
        imnn_threefry_words(high, key, layout, first + at, m, 2 * n);
        imnn_threefry_words(low, key, layout, n + first + at, m, 2 * n);
        for (int64_t i = 0; i < m; i++) out[2 * (at + i)] = high[i], out[2 * (at + i) + 1] = low[i];
    }
}
