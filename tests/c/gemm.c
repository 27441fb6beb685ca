/* Matrix products have the bytes that the contract says: each element is one sum in ascending
 * order, by fused multiply-adds (SSE2 has none), on every instruction set of this CPU. */
#include "core/kernels/gemm_isa.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct matrix {
    char *memory, *first; /* element (0, 0) is at `first` */
    int64_t row, col;
} matrix;
typedef struct problem {
    imnn_isa isa;
    imnn_dtype dtype;
    int64_t m, n, k, size;
    matrix a, b;
    bool packed, accumulate;
} problem;

static const imnn_gemm_kernels *kernels;
static const char *const isa_names[] = {"sse2", "avx2", "avx512"};

static uint32_t bits(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static int64_t below(int64_t n) { return (int64_t)(bits() % (uint64_t)n); }

static void put(problem p, char *at, double x)
{
    if (p.dtype == IMNN_F32) *(float *)at = (float)x;
    else *(double *)at = x;
}

static double get(problem p, const char *at)
{
    return p.dtype == IMNN_F32 ? (double)*(const float *)at : *(const double *)at;
}

static void fill(problem p, char *at, int64_t n)
{
    for (int64_t i = 0; i < n; i++) put(p, at + i * p.size, (bits() - 1073741824.) / 536870912.);
}

/** Rows or columns adjacent, with room between them or not, or neither, or reversed, or all rows
 *  the same. Memory ends with the last element, so that sanitizers see what is read beyond. */
static matrix make(problem p, int64_t rows, int64_t cols)
{
    const int64_t gap = below(2) * below(40), kind = below(8);
    matrix a = {.row = cols + gap, .col = 1};
    if (kind < 3) a.row = 1, a.col = rows + gap;
    if (kind == 3) a.col = 2, a.row = 2 * cols + gap;
    if (kind == 4) a.row = 0;
    if (kind == 5) a.row = -a.row;
    const int64_t last = llabs(a.row) * (rows > 0 ? rows - 1 : 0) + a.col * (cols - 1) + 1;
    const int64_t count = rows > 0 && cols > 0 ? last : 0;
    a.memory = malloc((size_t)(count * p.size) + 1);
    fill(p, a.memory, count);
    a.first = a.memory + (a.row < 0 && rows > 0 ? -a.row * (rows - 1) * p.size : 0);
    return a;
}

static const char *at(problem p, matrix a, int64_t i, int64_t j)
{
    return a.first + (i * a.row + j * a.col) * p.size;
}

/** One element by the contract; bound: how far it may be from the exact sum. */
static double expected(problem p, int64_t i, int64_t j, double c, double *exact, double *bound)
{
    double magnitude = fabs(c);
    *exact = c;
    for (int64_t q = 0; q < p.k; q++) {
        const double x = get(p, at(p, p.a, i, q)), y = get(p, at(p, p.b, q, j));
        if (p.dtype == IMNN_F64) c = p.isa == IMNN_SSE2 ? c + x * y : fma(x, y, c);
        else if (p.isa == IMNN_SSE2) c = (float)c + (float)((float)x * (float)y);
        else c = (double)fmaf((float)x, (float)y, (float)c);
        *exact += x * y;
        magnitude += fabs(x * y);
    }
    *bound = 2 * (double)(p.k + 1) * magnitude * (p.dtype == IMNN_F32 ? 0x1p-24 : 0x1p-53);
    return c;
}

/** A block of memory that knows whether somebody wrote behind its end. */
enum { FENCE = 256, MARK = 0x5a };
static char *fenced(size_t bytes)
{
    char *p = aligned_alloc(64, (bytes + FENCE + 63) / 64 * 64);
    memset(p, MARK, bytes + FENCE);
    return p;
}

static bool intact(const char *p, size_t bytes)
{
    for (size_t i = 0; i < FENCE; i++)
        if (p[bytes + i] != MARK) return false;
    return true;
}

/** Rows i0 .. i0 + m, columns j0 .. j0 + n of the product. */
static bool multiply(problem p, char *c, int64_t c_row, int64_t i0, int64_t m, int64_t j0,
                     int64_t n)
{
    const size_t scratch_bytes = kernels->scratch(m, n, p.k);
    const size_t packed_bytes = kernels->packed_bytes(p.k, n);
    char *scratch = fenced(scratch_bytes), *packed = fenced(packed_bytes);
    imnn_gemm g = {.m = m,
                   .n = n,
                   .k = p.k,
                   .a = at(p, p.a, i0, 0),
                   .a_row = p.a.row,
                   .a_col = p.a.col,
                   .b = at(p, p.b, 0, j0),
                   .b_row = p.b.row,
                   .b_col = p.b.col,
                   .c = c + (i0 * c_row + j0) * p.size,
                   .c_row = c_row,
                   .accumulate = p.accumulate,
                   .scratch = scratch};
    if (p.packed) {
        kernels->pack(packed, p.k, n, g.b, g.b_row, g.b_col);
        g.b = packed;
        g.packed = true;
    }
    kernels->run(&g);
    const bool good = intact(scratch, scratch_bytes) && intact(packed, packed_bytes);
    free(scratch);
    free(packed);
    return good;
}

static int fail(problem p, const char *what)
{
    printf("gemm: %s %s, %dx%dx%d, a (%d, %d), b (%d, %d)%s%s: %s\n", isa_names[p.isa],
           p.dtype == IMNN_F32 ? "f32" : "f64", (int)p.m, (int)p.n, (int)p.k, (int)p.a.row,
           (int)p.a.col, (int)p.b.row, (int)p.b.col, p.packed ? ", packed" : "",
           p.accumulate ? ", accumulate" : "", what);
    return 1;
}

static int check_elements(problem p, const char *c, const char *before, int64_t c_row)
{
    for (int64_t i = 0; i < p.m; i++)
        for (int64_t j = 0; j < c_row; j++) {
            const int64_t e = (i * c_row + j) * p.size;
            double exact, bound, want;
            if (j >= p.n) {
                if (memcmp(c + e, before + e, (size_t)p.size)) return fail(p, "wrote beside C");
                continue;
            }
            want = expected(p, i, j, p.accumulate ? get(p, before + e) : 0, &exact, &bound);
            if (!(fabs(want - exact) <= bound)) return fail(p, "the expected value is wrong");
            if (get(p, c + e) != want) return fail(p, "an element is not the sum in order");
        }
    return 0;
}

/** The whole product, then the same in pieces, cut somewhere by rows and by columns. */
static int check(problem p, bool elements)
{
    const int64_t c_row = p.n + below(2) * below(9);
    const size_t bytes = (size_t)(p.m * c_row * p.size);
    char *before = fenced(bytes), *c = fenced(bytes), *pieces = fenced(bytes);
    int bad = 0;
    p.a = make(p, p.m, p.k);
    p.b = make(p, p.k, p.n);
    if (p.accumulate) fill(p, before, p.m * c_row);
    memcpy(c, before, bytes);
    memcpy(pieces, before, bytes);
    if (!multiply(p, c, c_row, 0, p.m, 0, p.n)) bad = fail(p, "wrote behind scratch or packed B");
    if (elements && !bad) bad = check_elements(p, c, before, c_row);
    for (int64_t i = 0, m; i < p.m; i += m) {
        m = 1 + below(p.m - i);
        for (int64_t j = 0, n; j < p.n; j += n) {
            n = 1 + below(p.n - j);
            multiply(p, pieces, c_row, i, m, j, n);
        }
    }
    if (!bad && memcmp(c, pieces, bytes)) bad = fail(p, "other bytes when cut into pieces");
    if (!intact(c, bytes)) bad = fail(p, "wrote behind C");
    free(before), free(c), free(pieces);
    free(p.a.memory), free(p.b.memory);
    return bad;
}

/* ---- windows: lines, runs and lanes ---- */

/** Numbers of A that rows and columns meet, written side by side for columns of C from j on. */
static char *written(problem p, const imnn_gemm *g, int64_t j)
{
    char *a = malloc((size_t)(g->lines * g->m * g->runs * g->k * p.size) + 1), *to = a;
    for (int64_t i = 0; i < g->lines * g->m; i++)
        for (int64_t q = 0; q < g->runs * g->k; q++, to += p.size)
            memcpy(to,
                   (const char *)g->a + (g->line[i / g->m].a + i % g->m * g->a_row +
                                         g->run[q / g->k].a + q % g->k * g->a_col + j) *
                                            p.size,
                   (size_t)p.size);
    return a;
}

/** The same product of the matrices that the windows stand for, a column at a time for lanes. */
static void plainly(problem p, const imnn_gemm *windows, const char *b, char *c)
{
    const int64_t n = windows->n, each = windows->lanes ? 1 : n, k = windows->runs * windows->k;
    imnn_gemm g = {.m = windows->lines * windows->m,
                   .n = each,
                   .k = k,
                   .a_row = k,
                   .a_col = 1,
                   .b_row = n,
                   .b_col = 1,
                   .c_row = n,
                   .accumulate = windows->accumulate};
    char *const scratch = g.scratch = fenced(kernels->scratch(g.m, n, k));
    for (int64_t j = 0; j < n; j += each) {
        char *const a = written(p, windows, j);
        g.a = a, g.b = b + j * p.size, g.c = c + j * p.size;
        kernels->run(&g);
        free(a);
    }
    free(scratch);
}

/** Rows of B that runs of the product meet, one after the other. */
static char *gathered(problem p, const imnn_gemm *g, const char *b)
{
    char *rows = malloc((size_t)(g->runs * g->k * g->n * p.size) + 1);
    for (int64_t q = 0; q < g->runs * g->k; q++)
        memcpy(rows + q * g->n * p.size, b + (g->run[q / g->k].other + q % g->k * g->n) * p.size,
               (size_t)(g->n * p.size));
    return rows;
}

/** Lines and runs begin anywhere, in any order; B has `more` rows besides those of the runs. */
static int check_windows(problem p, int64_t lines, int64_t runs, int64_t more, bool lanes)
{
    enum { APART = 700, BEHIND = 64 }; /* lanes are read a vector at a time */
    imnn_gemm_piece run[40], line[40];
    imnn_gemm g = {.m = p.m,
                   .n = p.n,
                   .k = p.k,
                   .lines = lines,
                   .line = line,
                   .runs = runs,
                   .run = run,
                   .b_rows = runs * p.k + more};
    g.a_row = 1 + below(3) * below(20), g.a_col = 1 + below(2) * below(20);
    g.lanes = lanes, g.accumulate = p.accumulate, g.packed = p.packed, g.c_row = p.n + below(3);
    g.b_row = p.n, g.b_col = 1;
    for (int64_t r = 0; r < runs; r++)
        run[r] = (imnn_gemm_piece){below(APART), (r * p.k + below(more + 1)) * p.n};
    for (int64_t i = 0; i < lines; i++)
        line[i] = (imnn_gemm_piece){below(APART), (lines - 1 - i) * g.m * g.c_row};
    const int64_t count = p.m * g.a_row + p.k * g.a_col + 2 * APART + p.n + BEHIND;
    const int64_t k = g.b_rows, rows = lines * p.m;
    char *a = malloc((size_t)(count * p.size)), *b = malloc((size_t)(k * p.n * p.size) + 1);
    char *c = calloc((size_t)(rows * g.c_row) + 1, 8), *plain = calloc((size_t)(rows * p.n) + 1, 8);
    const size_t scratch_bytes = kernels->scratch(p.m, p.n, k);
    char *scratch = fenced(scratch_bytes), *packed = fenced(kernels->packed_bytes(k, p.n));
    int bad = 0;
    fill(p, a, count), fill(p, b, k * p.n);
    kernels->pack(packed, k, p.n, b, p.n, 1);
    g.a = a, g.b = b, g.c = c, g.scratch = scratch;
    char *const met = gathered(p, &g, b);
    plainly(p, &g, met, plain);
    if (p.packed) g.b = packed;
    for (int64_t r = 0; p.packed && r < runs; r++) run[r].other /= p.n ? p.n : 1;
    kernels->run(&g);
    for (int64_t i = 0; i < rows && !bad; i++) {
        const char *at = c + (line[i / p.m].other + i % p.m * g.c_row) * p.size;
        if (memcmp(at, plain + i * p.n * p.size, (size_t)(p.n * p.size)))
            bad = fail(p, lanes ? "lanes of windows differ" : "windows differ");
    }
    if (!intact(scratch, scratch_bytes)) bad = fail(p, "wrote behind the scratch of windows");
    free(a), free(b), free(c), free(plain), free(scratch), free(packed), free(met);
    return bad;
}

static int64_t some_size(int64_t most)
{
    static const int64_t edges[] = {0, 1, 2, 3, 4, 6, 8, 14, 15, 16, 28, 32, 33, 64, 65};
    return below(3) ? 1 + below(most) : edges[below(sizeof edges / sizeof *edges)];
}

int main(void)
{
    int bad = 0;
    for (imnn_isa isa = IMNN_SSE2; isa < IMNN_NISA; isa++)
        for (imnn_dtype dtype = IMNN_F32; dtype <= IMNN_F64; dtype++) {
            problem p = {.isa = isa, .dtype = dtype, .size = dtype == IMNN_F32 ? 4 : 8};
            if (!(kernels = imnn_test_gemm(isa, dtype))) continue;
            for (int i = 0; i < 400 && bad < 10; i++) {
                p.m = some_size(70), p.n = some_size(100), p.k = some_size(60);
                p.packed = below(2), p.accumulate = below(2);
                bad += check(p, true);
            }
            for (int i = 0; i < 9 && bad < 10; i++) { /* more than a block */
                p.m = some_size(150), p.n = some_size(i % 3 ? 600 : 20), p.k = some_size(1200);
                p.packed = below(2), p.accumulate = below(2);
                bad += check(p, i % 3 == 0);
            }
            for (int i = 0; i < 300 && bad < 10; i++) {
                const bool large = i % 30 == 0; /* more than a block, cut inside a run or between */
                p.m = 1 + below(20), p.n = some_size(70);
                p.k = i % 50 == 0 ? 0 : 1 + below(large ? 700 : 20);
                p.packed = below(2), p.accumulate = below(2);
                bad += check_windows(p, 1 + below(12), 1 + below(large ? 40 : 5), below(9),
                                     below(3) == 0);
            }
        }
    return bad > 0;
}
