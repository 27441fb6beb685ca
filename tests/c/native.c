/* Machine code of clusters gives the bits of the instructions run one by one: random arithmetic of
 * one to three hundred operators, whose values do and do not fit in the registers, over arrays of
 * all lengths and all ways to broadcast. */
#include "core/kernels/isa.h"
#include "core/program/program.h"
#include "tests/support/check.h"
#include <math.h>
#include <stdlib.h>

enum { INPUTS = 6, MOST = 300, RESULTS = 3, TRIALS = 400 };

static uint64_t state = 88172645463325252u;
static int64_t draw(int64_t n) /* Marsaglia 2003, J. Stat. Softw. 8, 14 */
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (int64_t)(state % (uint64_t)n);
}

/* Inputs of shapes (n, m), (m), (n, 1) and numbers; results of shape (n, m). Without columns all
 * but the lines (m) is one run. */
static bool columns;
static imnn_shape shape_of(int i, int64_t n, int64_t m)
{
    if (i % 4 == 2 && !columns) i = 0;
    switch (i % 4) {
    case 1: return (imnn_shape){1, {m}};
    case 2: return (imnn_shape){2, {n, 1}};
    case 3: return (imnn_shape){0};
    default: return (imnn_shape){2, {n, m}};
    }
}

static imnn_node combine(imnn_graph *g, int64_t what, imnn_node a, imnn_node b)
{
    switch (what) {
    case 0: return g_add(g, a, b);
    case 1: return g_sub(g, a, b);
    case 2: return g_mul(g, a, b);
    case 3: return g_div(g, a, b);
    case 4: return g_maximum(g, a, b);
    case 5: return g_minimum(g, a, b);
    case 6: return g_abs(g, a);
    case 7: return g_neg(g, a);
    case 8: return g_leaky_relu(g, a, b);
    case 9: return g_where(g, g_ge(g, a, b), b, g_neg(g, a));
    case 10: return g_where(g, g_lt(g, b, a), a, a);
    case 11: return g_where(g, g_ne(g, a, b), a, b);
    case 12: return g_where(g, g_gt(g, a, b), g_abs(g, b), a);
    case 13: return g_where(g, g_le(g, a, b), a, b);
    case 14: return g_where(g, g_eq(g, a, b), g_neg(g, b), a);
    default: return g_sqrt(g, g_mul(g, a, a));
    }
}

static imnn_status compile(imnn_program **out, imnn_dtype dtype, int64_t n, int64_t m, int length)
{
    imnn_graph *g = NULL;
    imnn_node x[INPUTS], node[INPUTS + MOST], y[RESULTS];
    *out = NULL;
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    for (int i = 0; i < INPUTS; i++) {
        const imnn_shape s = shape_of(i, n, m);
        x[i] = node[i] = imnn_graph_input(g, dtype, &s);
    }
    node[INPUTS] = g_add(g, node[0], node[1]);
    for (int k = INPUTS + 1; k < INPUTS + length; k++) {
        const int64_t near = draw(2) ? draw(8) : draw(k); /* recent values and old ones */
        const imnn_node a = node[near < k ? k - 1 - near : 0], b = node[draw(k)];
        node[k] = combine(g, draw(16), a, b);
    }
    for (int i = 0; i < RESULTS; i++) {
        const int64_t k = INPUTS + length - 1 - draw(length < 9 ? length : 9);
        y[i] = g_add(g, node[k], node[0]);
    }
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_program_new(out, g, INPUTS, x, RESULTS, y);
    imnn_graph_release(g);
    return st;
}

static imnn_status run(imnn_array **y, bool *native, imnn_dtype dtype, int64_t n, int64_t m,
                       int length, imnn_array *const *x)
{
    imnn_program *p = NULL;
    memset(y, 0, RESULTS * sizeof *y);
    imnn_status st = compile(&p, dtype, n, m, length);
    if (st == IMNN_OK) *native = p->native != NULL;
    if (st == IMNN_OK) st = imnn_program_run(p, (const imnn_array *const *)x, y);
    imnn_program_release(p);
    return st;
}

static bool same(const imnn_array *a, const imnn_array *b)
{
    const int64_t n = imnn_array_size(a);
    const char *p = a->data, *q = b->data;
    for (int64_t i = 0; i < n; i++) {
        double u = 0, v = 0;
        const size_t size = imnn_dtype_size(a->dtype);
        if (!memcmp(p + (size_t)i * size, q + (size_t)i * size, size)) continue;
        u = size == 4 ? ((const float *)a->data)[i] : ((const double *)a->data)[i];
        v = size == 4 ? ((const float *)b->data)[i] : ((const double *)b->data)[i];
        if (!isnan(u) || !isnan(v)) return printf("element %d: %g, %g\n", (int)i, u, v), false;
    }
    return true;
}

/* Inputs of these shapes, drawn. */
static imnn_status draw_inputs(imnn_array **x, imnn_dtype dtype, int64_t n, int64_t m)
{
    double *v = malloc((size_t)(n * m) * sizeof *v);
    imnn_status st = v ? IMNN_OK : IMNN_ENOMEM;
    for (int i = 0; st == IMNN_OK && i < INPUTS; i++) {
        const imnn_shape s = shape_of(i, n, m);
        for (int64_t k = 0; k < imnn_shape_count(&s); k++)
            v[k] = draw(50) ? .25 + (double)draw(999) / 700 : draw(2) ? NAN : -0.0;
        st = imnn_array_from(&x[i], dtype, &s, v);
    }
    free(v);
    return st;
}

/* The same program as machine code and, if that was `possible`, one by one. */
static int program_agrees(bool *native, imnn_dtype dtype, int64_t n, int64_t m, int length)
{
    imnn_array *x[INPUTS] = {NULL}, *one[RESULTS], *other[RESULTS];
    bool none = true;
    CHECK(draw_inputs(x, dtype, n, m) == IMNN_OK);
    const uint64_t now = state;
    imnn_test_isa(-1);
    CHECK(run(one, native, dtype, n, m, length, x) == IMNN_OK);
    state = now;
    imnn_test_isa(IMNN_SSE2);
    CHECK(run(other, &none, dtype, n, m, length, x) == IMNN_OK);
    imnn_test_isa(-1);
    CHECK(!none);
    for (int i = 0; i < RESULTS; i++) {
        if (!same(one[i], other[i]))
            return printf("%d operators, %d by %d\n", length, (int)n, (int)m), 1;
        imnn_array_release(one[i]), imnn_array_release(other[i]);
    }
    for (int i = 0; i < INPUTS; i++) imnn_array_release(x[i]);
    return 0;
}

static int programs_agree(bool possible)
{
    int coded = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        const int64_t n = 1 + draw(draw(4) ? 40 : 3), m = 1 + draw(draw(3) ? 70 : 4);
        const int length = 1 + (int)draw(trial % 3 ? 40 : MOST - 1);
        bool native = false;
        columns = draw(2);
        if (program_agrees(&native, trial % 2 ? IMNN_F64 : IMNN_F32, n, m, length)) return 1;
        coded += native;
    }
    CHECK(!possible || coded > TRIALS / 2);
    return 0;
}

/* Results beyond 32 MiB are streamed past the caches, where lines are whole vectors. */
static int large_results_agree(void)
{
    bool native = false;
    return program_agrees(&native, IMNN_F32, 4099, 2048, 3) ||
           program_agrees(&native, IMNN_F32, 4099, 2051, 3);
}

int main(void) { return programs_agree(imnn_cpu_isa() == IMNN_AVX512) || large_results_agree(); }
