/* Reductions against naive loops, on every instruction set of this CPU. */
#include "core/kernels/isa.h"
#include "tests/support/check.h"
#include "tests/support/parts.h"
#include <complex.h>
#include <float.h>
#include <math.h>

enum { N = 70000 };
static _Alignas(64) char in[8 * N], out[8 * N], again[8 * N], first[8 * N];

static uint32_t state = 2463534242u;
static uint32_t noise(void) /* Marsaglia 2003, J. Stat. Softw. 8, 14 */
{
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state;
}

static void fill(imnn_dtype dtype, int64_t count, bool small)
{
    for (int64_t i = 0; i < count; i++) {
        const double x = small ? 0.99 + noise() % 1000 * 2e-5 : noise() % 2001 * 1e-3 - 0.7;
        if (dtype == IMNN_F32) ((float *)in)[i] = (float)x;
        if (dtype == IMNN_F64) ((double *)in)[i] = x;
        if (dtype == IMNN_I32 || dtype == IMNN_U32) ((uint32_t *)in)[i] = noise();
        if (dtype == IMNN_BOOL) in[i] = noise() % 20 == 0;
    }
}

static double get(const void *p, imnn_dtype dtype, int64_t i)
{
    switch (dtype) {
    case IMNN_F32: return (double)((const float *)p)[i];
    case IMNN_F64: return ((const double *)p)[i];
    case IMNN_I32: return ((const int32_t *)p)[i];
    case IMNN_U32: return ((const uint32_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}

/* One result the plain way; scale: what its rounding errors are measured in. */
static double plain(int op, imnn_dtype dtype, int64_t at, int64_t n, int64_t stride, double *scale)
{
    long double sum = 0, product = 1, size = 0;
    uint32_t whole_sum = 0, whole_product = 1;
    double most = -INFINITY, least = INFINITY;
    for (int64_t i = 0; i < n; i++) {
        const double x = get(in, dtype, at + i * stride);
        sum += x, product *= x, size += fabs(x);
        most = x > most ? x : most, least = x < least ? x : least;
        whole_sum += (uint32_t)(int64_t)x, whole_product *= (uint32_t)(int64_t)x;
    }
    *scale = 0;
    if (op == IMNN_OP_max) return most;
    if (op == IMNN_OP_min) return least;
    const uint32_t whole = op == IMNN_OP_sum ? whole_sum : whole_product;
    if (dtype == IMNN_I32) return (int32_t)whole;
    if (dtype == IMNN_U32) return whole;
    *scale = op == IMNN_OP_sum ? (double)size : fabs((double)product) * (double)n;
    return (double)(op == IMNN_OP_sum ? sum : product);
}

static const int64_t sizes[][3] = {
    {1, 1, 1},    {1, 2, 1},   {3, 3, 1},    {1, 4, 1},    {5, 7, 1},     {2, 255, 1},
    {3, 256, 1},  {2, 257, 1}, {1, 1000, 1}, {2, 8191, 1}, {1, 65537, 1}, {1, 31, 2},
    {2, 63, 2},   {2, 64, 2},  {3, 65, 2},   {1, 1000, 2}, {2, 500, 3},   {1, 999, 10},
    {7, 10, 10},  {4, 1, 10},  {3, 5, 16},   {1, 300, 31}, {1, 40, 32},   {1, 41, 33},
    {2, 100, 63}, {2, 33, 64}, {1, 97, 65},  {3, 20, 128}, {1, 129, 130}, {1, 65, 512},
    {2, 3, 700},  {40, 2, 5},  {0, 3, 4},    {2, 3, 0}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static int reductions_are_right(int op, imnn_dtype dtype, int isa)
{
    for (int s = 0; s < SIZES; s++) {
        const int64_t outer = sizes[s][0], n = sizes[s][1], inner = sizes[s][2];
        const size_t item = imnn_dtype_size(dtype), bytes = (size_t)(outer * inner) * item;
        const double eps = dtype == IMNN_F32 ? FLT_EPSILON : DBL_EPSILON;
        state = (uint32_t)s + 1;
        fill(dtype, outer * n * inner, op == IMNN_OP_prod);
        memset(out, 77, bytes + 64);
        imnn_reduce(op, dtype, out, in, outer, n, inner, false);
        CHECK(out[bytes] == 77);
        for (int64_t e = 0; e < outer * inner; e++) {
            double scale;
            const int64_t at = e / inner * n * inner + e % inner;
            const double expected = plain(op, dtype, at, n, inner, &scale);
            /* log2(n) levels of pairs above runs of 32, and 64 in the end */
            const double roundings = op == IMNN_OP_prod ? 1 : 2 + log2((double)n);
            CHECK(fabs(get(out, dtype, e) - expected) <= eps * scale * roundings);
        }
        /* each outer row alone, and a row twice */
        for (int64_t o = 0; o < outer; o++) {
            char *to = again + (size_t)(o * inner) * item;
            const char *from = in + (size_t)(o * n * inner) * item;
            imnn_reduce(op, dtype, to, from, 1, n, inner, false);
        }
        CHECK(!memcmp(out, again, bytes));
        imnn_reduce(op, dtype, again, in, outer, n, inner, true);
        for (int64_t e = 0; e < outer * inner; e++) {
            const double y = get(out, dtype, e), both = get(again, dtype, e);
            if (op == IMNN_OP_max || op == IMNN_OP_min) CHECK(both == y);
            else if (dtype == IMNN_F32)
                CHECK((float)both == (op == IMNN_OP_sum ? (float)y + (float)y : (float)(y * y)));
            else if (dtype == IMNN_F64) CHECK(both == (op == IMNN_OP_sum ? y + y : y * y));
            else if (op == IMNN_OP_sum) CHECK((uint32_t)(int64_t)both == 2 * (uint32_t)(int64_t)y);
        }
        /* the same bits on every instruction set */
        imnn_test_isa(IMNN_SSE2);
        imnn_reduce(op, dtype, first, in, outer, n, inner, false);
        imnn_test_isa(isa);
        CHECK(!memcmp(out, first, bytes));
    }
    return 0;
}

/* Sums and products of complex numbers, against the plain loop. */
static int complex_reductions_are_right(void)
{
    static const int64_t cases[][3] = {{1, 1, 1}, {2, 5, 3}, {1, 300, 1}, {3, 70, 2}, {1, 0, 2}};
    const imnn_c128 *x = (const imnn_c128 *)(const void *)in;
    imnn_c128 *y = (imnn_c128 *)(void *)out;
    for (size_t s = 0; s < sizeof cases / sizeof cases[0]; s++) {
        const int64_t outer = cases[s][0], n = cases[s][1], inner = cases[s][2];
        fill(IMNN_F64, 2 * outer * n * inner, true);
        for (int more = 0; more < 2; more++)
            for (int product = 0; product < 2; product++) {
                for (int64_t i = 0; i < outer * inner; i++) y[i] = wide_complex(0.5, 2);
                imnn_reduce(product ? IMNN_OP_prod : IMNN_OP_sum, IMNN_C128, out, in, outer, n,
                            inner, more);
                for (int64_t i = 0; i < outer * inner; i++) {
                    imnn_c128 z = more ? wide_complex(0.5, 2) : product;
                    for (int64_t j = 0; j < n; j++) {
                        const imnn_c128 e = x[(i / inner * n + j) * inner + i % inner];
                        z = product ? z * e : z + e;
                    }
                    CHECK(cabs(y[i] - z) <= 1e-13 * cabs(z));
                }
            }
    }
    imnn_c64 f[2] = {2, 2};
    const imnn_c64 two[2] = {narrow_complex(1, 2), narrow_complex(3, -1)};
    imnn_reduce(IMNN_OP_prod, IMNN_C64, f, two, 1, 2, 1, false);
    CHECK(f[0] == narrow_complex(5, 5) && f[1] == 2);
    imnn_reduce(IMNN_OP_sum, IMNN_C64, f, two, 1, 1, 2, true);
    CHECK(f[0] == narrow_complex(6, 7) && f[1] == narrow_complex(5, -1));
    return 0;
}

static int nan_wins(void)
{
    for (int op = 0; op < 2; op++)
        for (int64_t inner = 1; inner < 80; inner += 13)
            for (int64_t at = 0; at < 300 * inner; at += 7 * inner) {
                fill(IMNN_F32, 300 * inner, false);
                ((float *)in)[at] = NAN;
                imnn_reduce(op ? IMNN_OP_max : IMNN_OP_min, IMNN_F32, out, in, 1, 300, inner,
                            false);
                CHECK(isnan(((float *)out)[0]));
                if (inner > 1) CHECK(!isnan(((float *)out)[1]));
            }
    return 0;
}

static int nothing_gives_the_neutral_element(void)
{
    float f[2];
    uint8_t b[2];
    imnn_reduce(IMNN_OP_sum, IMNN_F32, f, in, 2, 0, 1, false);
    CHECK(f[0] == 0 && f[1] == 0);
    imnn_reduce(IMNN_OP_prod, IMNN_F32, f, in, 2, 0, 1, false);
    CHECK(f[0] == 1 && f[1] == 1);
    imnn_reduce(IMNN_OP_max, IMNN_F32, f, in, 1, 0, 2, false);
    CHECK(f[0] == -INFINITY && f[1] == -INFINITY);
    f[0] = 3;
    imnn_reduce(IMNN_OP_sum, IMNN_F32, f, in, 1, 0, 1, true);
    CHECK(f[0] == 3);
    imnn_reduce(IMNN_OP_max, IMNN_BOOL, b, in, 1, 0, 2, false);
    CHECK(!b[0] && !b[1]);
    imnn_reduce(IMNN_OP_min, IMNN_BOOL, b, in, 1, 0, 2, false);
    CHECK(b[0] && b[1]);
    return 0;
}

int main(void)
{
    static const int ops[] = {IMNN_OP_sum, IMNN_OP_prod, IMNN_OP_max, IMNN_OP_min};
    for (int isa = 0; isa <= (int)imnn_cpu_isa(); isa++) {
        imnn_test_isa(isa);
        for (int op = 0; op < 4; op++)
            for (imnn_dtype d = 0; d <= IMNN_BOOL; d++)
                if ((d != IMNN_BOOL || op > 1) && reductions_are_right(ops[op], d, isa)) return 1;
        if (nan_wins() || complex_reductions_are_right() || nothing_gives_the_neutral_element())
            return 1;
    }
    return 0;
}
