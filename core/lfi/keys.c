/* Random numbers of single attempts: each has a key of its own, and its numbers have places. */
#include "core/lfi/sampler.h"
#include "imnn/random.h"

void imnn_fold(uint32_t out[2], const uint32_t key[2], uint32_t high, uint32_t low)
{
    const uint32_t counter[2] = {high, low};
    imnn_threefry(key, counter, out);
}

double imnn_uniform_of(const uint32_t key[2], uint32_t stream, uint32_t i)
{
    uint32_t w[2];
    imnn_fold(w, key, stream, i);
    const uint64_t bits = ((uint64_t)w[0] << 32 | w[1]) >> 12; /* 52: the half must fit, too */
    return ((double)bits + 0.5) * 0x1p-52;
}

/* Box & Muller 1958, Ann. Math. Stat. 29, 610 */
void imnn_normals_of(const uint32_t key[2], uint32_t stream, uint32_t first, int64_t n, double *out)
{
    const double turn = 6.283185307179586;
    for (int64_t i = 0; i < n; i += 2) {
        const uint32_t at = first + (uint32_t)i;
        const double r = sqrt(-2 * log(imnn_uniform_of(key, stream, at)));
        const double angle = turn * imnn_uniform_of(key, stream, at + 1);
        out[i] = r * cos(angle);
        if (i + 1 < n) out[i + 1] = r * sin(angle);
    }
}
