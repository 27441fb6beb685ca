/* Nodes of constants, and what they come to. Include after the core's headers. */
#ifndef TESTS_NODES_H
#define TESTS_NODES_H
#include "core/ops/ops.h"
#include "tests/support/check.h"
#include <math.h>

enum { ROOM = 40000 };
static double values[ROOM]; /* what `compute` found */

static inline double element(const imnn_array *a, int64_t i)
{
    switch (a->dtype) {
    case IMNN_F32: return ((const float *)a->data)[i];
    case IMNN_F64: return ((const double *)a->data)[i];
    case IMNN_I32: return ((const int32_t *)a->data)[i];
    case IMNN_U32: return ((const uint32_t *)a->data)[i];
    default: return ((const uint8_t *)a->data)[i];
    }
}

/** The values of y, a node of constants; their number, -1 on failure. */
static inline int64_t compute(imnn_graph *g, imnn_node y)
{
    imnn_program *p = NULL;
    imnn_array *a = NULL;
    int64_t n = -1;
    if (imnn_graph_status(g) == IMNN_OK && imnn_program_new(&p, g, 0, NULL, 1, &y) == IMNN_OK &&
        imnn_program_run(p, NULL, &a) == IMNN_OK) {
        n = imnn_array_size(a);
        for (int64_t i = 0; i < n && i < ROOM; i++) values[i] = element(a, i);
    }
    imnn_array_release(a);
    imnn_program_release(p);
    return n;
}

static inline bool near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * (fabs(a) > 1e-3 ? fabs(a) : 1e-3);
}

/** y has these values, within a relative tolerance (0: exactly). */
static inline bool gives(imnn_graph *g, imnn_node y, int n, const double *expected, double relative)
{
    const int64_t found = compute(g, y);
    if (found != n) return printf("%d values: %s\n", (int)found, imnn_last_error()), false;
    for (int i = 0; i < n; i++)
        if (!near(expected[i], values[i], relative))
            return printf("value %d: %.10g, expected %.10g\n", i, values[i], expected[i]), false;
    return true;
}
#define LIST(...) \
    (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]) { __VA_ARGS__ }

static inline imnn_node constant(imnn_graph *g, imnn_dtype dtype, imnn_shape shape, const double *x)
{
    imnn_array *a = NULL;
    imnn_status st = imnn_array_from(&a, dtype, &shape, x);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    imnn_node y = st == IMNN_OK ? imnn_graph_constant(g, a) : 0;
    imnn_array_release(a);
    return y;
}

static inline imnn_node vector(imnn_graph *g, imnn_dtype dtype, int n, const double *x)
{
    return constant(g, dtype, (imnn_shape){1, {n}}, x);
}

static inline imnn_node number(imnn_graph *g, double x)
{
    return imnn_graph_number(g, IMNN_F64, x);
}

static inline imnn_node key_of(imnn_graph *g, uint32_t seed)
{
    return vector(g, IMNN_U32, 2, (double[]){0, seed});
}

static inline imnn_node element_of(imnn_graph *g, imnn_node x, int64_t i)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    imnn_attr at = {.n = 3 * s->ndim, .v = {i, 1, 1}};
    for (int k = 1; k < s->ndim; k++) at.v[3 * k + 1] = s->size[k], at.v[3 * k + 2] = 1;
    return g_squeeze(g, g_slice(g, x, &at), 0);
}

/** dy/dx of a number y */
static inline imnn_node slope(imnn_graph *g, imnn_node y, imnn_node x)
{
    imnn_node one = g_full_like(g, y, 1), dx = 0;
    imnn_graph_vjp(g, 1, &y, &one, 1, &x, &dx);
    return dx;
}

/** Run tests of a new graph each. */
static inline int run(int n, int (*const tests[])(imnn_graph *))
{
    imnn_graph_evaluator = NULL; /* constants serve as variables here */
    for (int i = 0; i < n; i++) {
        imnn_graph *g = NULL;
        if (imnn_graph_new(&g) != IMNN_OK || tests[i](g)) return 1;
        imnn_graph_release(g);
    }
    if (imnn_live_bytes() != 0) return printf("%lld bytes leak\n", (long long)imnn_live_bytes()), 1;
    return 0;
}
#define RUN(...)                                                   \
    int main(void)                                                 \
    {                                                              \
        static int (*const tests[])(imnn_graph *) = {__VA_ARGS__}; \
        return run((int)(sizeof tests / sizeof *tests), tests);    \
    }
#endif
