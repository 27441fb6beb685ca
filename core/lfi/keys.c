/* Random numbers of single attempts: each has a key of its own, and its numbers have places. */
#include "core/kernels/isa.h"
#include "core/lfi/sampler.h"
#include "imnn/random.h"

void imnn_fold(uint32_t out[2], const uint32_t key[2], uint32_t high, uint32_t low)
{
    const uint32_t counter[2] = {high, low};
    imnn_threefry(key, counter, out);
}

void imnn_fold_each(uint32_t *out, const uint32_t *keys, int64_t n, uint32_t high, uint32_t low)
{
    imnn_kernels()->each(out, 2, false, keys, n, (imnn_counters){{high, low}, 0, -1}, 1);
}

void imnn_fold_range(uint32_t *out, const uint32_t key[2], uint64_t first, int64_t n)
{
    while (n > 0) { /* counters of 32 bits */
        const uint32_t low = (uint32_t)first;
        const int64_t left = (int64_t)UINT32_MAX + 1 - low, m = n < left ? n : left;
        const imnn_counters c = {{(uint32_t)(first >> 32), low}, 0, -1};
        imnn_kernels()->pairs(out, key, c, m);
        out += 2 * m, first += (uint64_t)m, n -= m;
    }
}

static double unit(const uint32_t w[2])
{
    const uint64_t bits = ((uint64_t)w[0] << 32 | w[1]) >> 12; /* 52: the half must fit, too */
    return ((double)bits + 0.5) * 0x1p-52;
}

double imnn_uniform_of(const uint32_t key[2], uint32_t stream, uint32_t i)
{
    uint32_t w[2];
    imnn_fold(w, key, stream, i);
    return unit(w);
}

enum { PART = 128 };

void imnn_uniform_each(double *out, int64_t stride, const uint32_t *keys, int64_t n,
                       uint32_t stream, uint32_t i)
{
    uint32_t w[2 * PART];
    for (int64_t from = 0; from < n; from += PART) {
        const int64_t m = n - from < PART ? n - from : PART;
        imnn_fold_each(w, keys + 2 * from, m, stream, i);
        for (int64_t j = 0; j < m; j++) out[(from + j) * stride] = unit(w + 2 * j);
    }
}

/* Two numbers: Box & Muller 1958, Ann. Math. Stat. 29, 610 */
static void two_normals(double u, double v, double *out, bool both)
{
    const double r = sqrt(-2 * log(u)), angle = 6.283185307179586 * v;
    out[0] = r * cos(angle);
    if (both) out[1] = r * sin(angle);
}

void imnn_normals_of(const uint32_t key[2], uint32_t stream, uint32_t first, int64_t n, double *out)
{
    for (int64_t i = 0; i < n; i += 2) {
        const uint32_t at = first + (uint32_t)i;
        const double u = imnn_uniform_of(key, stream, at);
        two_normals(u, imnn_uniform_of(key, stream, at + 1), out + i, i + 1 < n);
    }
}

void imnn_normals_each(double *out, const uint32_t *keys, int64_t n, uint32_t stream, int64_t count)
{
    double u[PART], v[PART];
    for (int64_t from = 0; from < n; from += PART) {
        const int64_t m = n - from < PART ? n - from : PART;
        for (int64_t i = 0; i < count; i += 2) {
            imnn_uniform_each(u, 1, keys + 2 * from, m, stream, (uint32_t)i);
            imnn_uniform_each(v, 1, keys + 2 * from, m, stream, (uint32_t)i + 1);
            for (int64_t j = 0; j < m; j++)
                two_normals(u[j], v[j], out + (from + j) * count + i, i + 1 < count);
        }
    }
}
