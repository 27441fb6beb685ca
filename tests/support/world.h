/* A graph with its inputs and what they are. Include after the core's headers. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H
#include "core/ops/ops.h"
#include "tests/support/check.h"
#include <math.h>

enum { MOST_INPUTS = 32 };
/** A graph, its inputs, and what they are. */
typedef struct world {
    imnn_graph *g;
    int n;
    imnn_node x[MOST_INPUTS];
    imnn_array *value[MOST_INPUTS];
} world;

/** A new input; the reference to its value moves to the world. */
static inline imnn_node give(world *w, imnn_array *value)
{
    w->value[w->n] = value;
    w->x[w->n] = imnn_graph_input(w->g, value->dtype, &value->shape);
    return w->x[w->n++];
}

static inline imnn_node give_f64(world *w, const imnn_shape *s, const double *x)
{
    imnn_array *a = NULL;
    return imnn_array_from(&a, IMNN_F64, s, x) == IMNN_OK ? give(w, a) : 0;
}

static inline imnn_node give_number(world *w, double x)
{
    return give_f64(w, &(imnn_shape){0}, &x);
}

static inline void end(world *w)
{
    for (int i = 0; i < w->n; i++) imnn_array_release(w->value[i]);
    imnn_graph_release(w->g);
}

/** out[i]: new references, NULL on failure */
static inline imnn_status compute(world *w, int ny, const imnn_node *y, imnn_array **out)
{
    imnn_program *p = NULL;
    memset(out, 0, (size_t)ny * sizeof *out);
    imnn_status st = imnn_program_new(&p, w->g, w->n, w->x, ny, y);
    if (st == IMNN_OK) st = imnn_program_run(p, (const imnn_array *const *)w->value, out);
    imnn_program_release(p);
    return st;
}

/** How many numbers there are: complex elements are two. */
static inline int64_t numbers(const imnn_array *a)
{
    return imnn_array_size(a) * (imnn_is_complex(a->dtype) ? 2 : 1);
}

static inline double element(const imnn_array *a, int64_t i)
{
    switch (imnn_part_dtype(a->dtype)) {
    case IMNN_F32: return ((const float *)a->data)[i];
    case IMNN_F64: return ((const double *)a->data)[i];
    case IMNN_I32: return ((const int32_t *)a->data)[i];
    case IMNN_U32: return ((const uint32_t *)a->data)[i];
    default: return ((const uint8_t *)a->data)[i];
    }
}

/** The only element of y; NaN where it cannot be had. */
static inline double number_of(world *w, imnn_node y)
{
    imnn_array *a;
    double x = compute(w, 1, &y, &a) == IMNN_OK ? element(a, 0) : NAN;
    imnn_array_release(a);
    return x;
}
#endif
