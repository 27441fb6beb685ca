/* softmax, log_softmax, standardize: every line along the last axis is brought to a scale of its
 * own. One pass through memory, where a maximum, exponentials and a sum one after the other would
 * be three. */
#include "core/kernels/isa.h"
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_softmax(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_softmax, 1, &x, &(imnn_attr){0});
}
imnn_node g_log_softmax(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_log_softmax, 1, &x, &(imnn_attr){0});
}
imnn_node g_standardize(imnn_graph *g, imnn_node x, double epsilon)
{
    imnn_attr attr = {.n = 1};
    memcpy(attr.v, &epsilon, sizeof epsilon);
    return imnn_graph_build(g, IMNN_OP_standardize, 1, &x, &attr);
}

static double epsilon_of(const imnn_attr *attr)
{
    double epsilon = 0;
    if (attr->n == 1) memcpy(&epsilon, attr->v, sizeof epsilon);
    return epsilon;
}

static imnn_status infer_as(const char *name, imnn_type *out, const imnn_type *in,
                            const imnn_attr *attr, int count)
{
    *out = in[0];
    if (attr->n != count)
        return imnn_fail(
            IMNN_EVALUE,
            count ? "%s: needs the bits of epsilon, a double" : "%s: has no attributes", name);
    if (in[0].shape.ndim < 1) return imnn_fail(IMNN_ESHAPE, "%s: a number has no last axis", name);
    return IMNN_OK;
}

static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    const imnn_node all = imnn_batch_lift(g, x[0], batched[0], size);
    return imnn_graph_build(g, v->op->id, 1, &all, v->attr);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    return imnn_rows_before(v, in, R, in[0].shape.ndim - 1, by);
}

/* ---- derivatives ---- */

/* The sum along the last axis, which stays with size 1. */
static imnn_node sum_last(imnn_graph *g, imnn_node x)
{
    const int last = imnn_graph_shape(g, x)->ndim - 1;
    return g_expand(g, g_sum(g, x, &(imnn_attr){1, {last}}), last);
}

static imnn_node mean_last(imnn_graph *g, imnn_node x)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    const double n = (double)s->size[s->ndim - 1];
    imnn_node sum = sum_last(g, x);
    return g_mul(g, sum, g_number(g, sum, 1 / n));
}

static void vjp_softmax(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                        imnn_node *dx)
{
    dx[0] = g_mul(g, y, g_sub(g, dy, sum_last(g, g_mul(g, dy, y))));
}

static void vjp_log_softmax(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                            imnn_node *dx)
{
    dx[0] = g_sub(g, dy, g_mul(g, g_exp(g, y), sum_last(g, dy)));
}

/* With y = d s, d = x - mean(x), s = 1 / sqrt(mean(d^2) + epsilon):
 * dx = s (dy - mean(dy) - y mean(dy y)). */
static void vjp_standardize(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                            imnn_node *dx)
{
    const imnn_node x = v->x[0], d = g_sub(g, x, mean_last(g, x));
    const imnn_node variance = mean_last(g, g_mul(g, d, d));
    const imnn_node s = g_rsqrt(g, g_add(g, variance, g_number(g, variance, epsilon_of(v->attr))));
    const imnn_node along = g_mul(g, y, mean_last(g, g_mul(g, dy, y)));
    dx[0] = g_mul(g, s, g_sub(g, g_sub(g, dy, mean_last(g, dy)), along));
}

/* ---- kernels ---- */

static void run(const imnn_call *c, int which)
{
    const imnn_shape *s = &c->in[0].type.shape;
    const int64_t n = s->size[s->ndim - 1], bytes = n * (int64_t)imnn_dtype_size(c->out.type.dtype);
    if (n == 0) return;
    const bool whole = (uintptr_t)c->out.data % 64 == 0 && bytes % 64 == 0;
    imnn_kernels()->normalise[which][c->out.type.dtype](c->out.data, c->in[0].data,
                                                        imnn_shape_count(s) / n, n,
                                                        epsilon_of(c->attr), c->far && whole);
}

#define NORMALISING(n, kind, count, tried, text)                                  \
    static imnn_status infer_##n(imnn_type *out, int ninput, const imnn_type *in, \
                                 const imnn_attr *attr)                           \
    {                                                                             \
        return infer_as(#n, out, in, attr, count);                                \
    }                                                                             \
    static void kernel_##n(const imnn_call *c) { run(c, kind); }                  \
    const imnn_op imnn_op_##n = {                                                 \
        .name = #n,                                                               \
        .id = IMNN_OP_##n,                                                        \
        .arity = 1,                                                               \
        .class = IMNN_CALL,                                                       \
        .dtypes = IMNN_REALS,                                                     \
        .infer = infer_##n,                                                       \
        .vjp = vjp_##n,                                                           \
        .batch = batch,                                                           \
        .rows = rows,                                                             \
        .kernel = kernel_##n,                                                     \
        .range = {-2, 2},                                                         \
        .cases = tried,                                                           \
        .doc = text,                                                              \
    }
#define LINES "(5); (3, 4); (2, 3, 17); (2, 1); (3, 70); (0, 3); (3, 0)"
NORMALISING(softmax, IMNN_SOFTMAX, 0, LINES, "e^x over the sum of e^x, along the last axis");
NORMALISING(log_softmax, IMNN_LOG_SOFTMAX, 0, LINES, "x - ln(sum of e^x), along the last axis");
NORMALISING(standardize, IMNN_STANDARDIZE, 1,
            "(5) -> 4562254508917369340; (3, 4) -> 4562254508917369340; "
            "(2, 3, 17) -> 4576918229304087675; (3, 70) -> 4576918229304087675; "
            "(0, 3) -> 4576918229304087675; (3, 0) -> 4576918229304087675",
            "x less its mean, over the square root of its mean square deviation plus epsilon, "
            "along the last axis");
