/* argmax, argmin: where along an axis the largest or smallest element is, the first of several; the
 * first NaN where there is one. Complex numbers have the order of sort. */
#include "core/kernels/isa.h"
#include "core/ops/axis.h"
#include "core/ops/order.h"
#include <string.h>

imnn_node g_argmax(imnn_graph *g, imnn_node x, int axis)
{
    return imnn_graph_build(g, IMNN_OP_argmax, 1, &x, &(imnn_attr){1, {axis}});
}
imnn_node g_argmin(imnn_graph *g, imnn_node x, int axis)
{
    return imnn_graph_build(g, IMNN_OP_argmin, 1, &x, &(imnn_attr){1, {axis}});
}

static imnn_status infer_as(const char *name, imnn_type *out, const imnn_type *in,
                            const imnn_attr *attr)
{
    const imnn_shape *s = &in->shape;
    const imnn_status st = imnn_axis_check(name, s, attr, 1);
    if (st != IMNN_OK) return st;
    const int64_t axis = attr->v[0];
    if (s->size[axis] == 0 || s->size[axis] > INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "%s: %s along axis %lld of %s", name,
                         s->size[axis] ? "more elements than i32 can count" : "there is nothing",
                         (long long)axis + 1, imnn_shape_text(s).s);
    *out = (imnn_type){IMNN_I32, {0}};
    for (int k = 0; k < s->ndim; k++)
        if (k != axis) out->shape.size[out->shape.ndim++] = s->size[k];
    return IMNN_OK;
}

/* ---- the first axis of many elements, which rows cannot share ---- */

enum { RUNS = 16, SHARED_ELEMENTS = 1 << 16 };

/* Where in x (runs, n, inner) the best of each run is, and what it is: (runs, inner). */
typedef struct best {
    imnn_node where, value;
} best;

static best best_of(imnn_graph *g, const imnn_op *op, imnn_node x, int64_t from)
{
    const imnn_node i = imnn_graph_build(g, op->id, 1, &x, &(imnn_attr){1, {1}});
    const imnn_shape *s = imnn_graph_shape(g, x);
    if (!imnn_graph_ok(g)) return (best){0, 0};
    const imnn_shape runs = {2, {s->size[0], 1}};
    const imnn_node first = g_add(
        g,
        g_mul(g, g_iota(g, IMNN_I32, &runs, 0), imnn_graph_number(g, IMNN_I32, (double)s->size[1])),
        imnn_graph_number(g, IMNN_I32, (double)from));
    return (best){g_add(g, i, first), g_squeeze(g, g_take_along(g, x, g_expand(g, i, 1), 1), 1)};
}

/* Runs of the axis are searched side by side, and what is left behind them; then their results. */
static imnn_node by_runs(imnn_graph *g, const imnn_op *op, imnn_node x, int64_t n, int64_t inner)
{
    const int64_t each = n / RUNS, rest = n % RUNS;
    const imnn_shape flat = {2, {n, inner}}, runs = {3, {RUNS, each, inner}};
    const imnn_shape behind = {3, {1, rest, inner}};
    x = g_reshape(g, x, &flat);
    best b = best_of(g, op, g_reshape(g, g_part(g, x, 2, 0, RUNS * each), &runs), 0);
    if (rest > 0) {
        const imnn_node end = g_reshape(g, g_part(g, x, 2, RUNS * each, rest), &behind);
        const best c = best_of(g, op, end, RUNS * each);
        b.where = g_concatenate(g, 2, (imnn_node[]){b.where, c.where}, 0);
        b.value = g_concatenate(g, 2, (imnn_node[]){b.value, c.value}, 0);
    }
    const imnn_node run = imnn_graph_build(g, op->id, 1, &b.value, &(imnn_attr){1, {0}});
    return g_squeeze(g, g_take_along(g, b.where, g_expand(g, run, 0), 0), 0);
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int count, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_shape s = *imnn_graph_shape(g, x[0]);
    const int64_t axis = attr->n == 1 ? attr->v[0] : -1;
    if (axis < 0 || axis >= s.ndim || !(op->dtypes >> imnn_graph_dtype(g, x[0]) & 1))
        return imnn_graph_add(g, op, count, x, attr);
    const imnn_lines l = imnn_lines_along(&s, axis);
    if (l.outer != 1 || l.n < 2 * RUNS || l.n > INT32_MAX || l.inner == 0 ||
        imnn_shape_count(&s) < SHARED_ELEMENTS)
        return imnn_graph_add(g, op, count, x, attr);
    imnn_shape out = {0};
    for (int k = 0; k < s.ndim; k++)
        if (k != axis) out.size[out.ndim++] = s.size[k];
    return g_reshape(g, by_runs(g, op, x[0], l.n, l.inner), &out);
}

/* ---- the kernel ---- */

#define AMONG(T)                                                                                   \
    static int32_t among_##T(const void *first, int64_t n, int64_t step, bool smallest)            \
    {                                                                                              \
        const T *x = first;                                                                        \
        double found[2] = {x[0], x[1]};                                                            \
        int32_t where = 0;                                                                         \
        for (int64_t i = 1; i < n && !imnn_nan_parts(found[0], found[1]); i++) {                   \
            const double here[2] = {x[2 * i * step], x[2 * i * step + 1]};                         \
            if (!imnn_nan_parts(here[0], here[1]) &&                                               \
                !(smallest ? imnn_complex_before(here, found) : imnn_complex_before(found, here))) \
                continue;                                                                          \
            where = (int32_t)i;                                                                    \
            memcpy(found, here, sizeof found);                                                     \
        }                                                                                          \
        return where;                                                                              \
    }
AMONG(float)
AMONG(double)

static void along(const imnn_call *c, bool smallest)
{
    const imnn_type *in = &c->in[0].type;
    const imnn_lines l = imnn_lines_along(&in->shape, c->attr->v[0]);
    if (imnn_is_complex(in->dtype)) {
        const size_t size = imnn_dtype_size(in->dtype);
        int32_t *out = c->out.data;
        for (int64_t o = 0; o < l.outer; o++)
            for (int64_t k = 0; k < l.inner; k++) {
                const char *x =
                    (const char *)c->in[0].data + (size_t)(o * l.n * l.inner + k) * size;
                *out++ = in->dtype == IMNN_C64 ? among_float(x, l.n, l.inner, smallest)
                                               : among_double(x, l.n, l.inner, smallest);
            }
        return;
    }
    imnn_kernels()->search[smallest][in->dtype](c->out.data, c->in[0].data, l.outer, l.n, l.inner);
}

#define ARGUMENT(n, smallest, text)                                                               \
    static imnn_status infer_##n(imnn_type *out, int count, const imnn_type *in,                  \
                                 const imnn_attr *attr)                                           \
    {                                                                                             \
        return infer_as(#n, out, in, attr);                                                       \
    }                                                                                             \
    static void kernel_##n(const imnn_call *c) { along(c, smallest); }                            \
    const imnn_op imnn_op_##n = {                                                                 \
        .name = #n,                                                                               \
        .id = IMNN_OP_##n,                                                                        \
        .arity = 1,                                                                               \
        .class = IMNN_CALL,                                                                       \
        .dtypes = IMNN_ALL,                                                                       \
        .build = build,                                                                           \
        .infer = infer_##n,                                                                       \
        .vjp = imnn_vjp_zero,                                                                     \
        .batch = imnn_axis_batch,                                                                 \
        .rows = imnn_axis_rows,                                                                   \
        .kernel = kernel_##n,                                                                     \
        .gives = "i32",                                                                           \
        .range = {-2, 2},                                                                         \
        .cases = "(5) -> 0; (3, 4) -> 0; (3, 4) -> 1; (2, 3, 4) -> 1; (2, 1) -> 1; (0, 3) -> 1; " \
                 "(2, 3, 1, 4) -> 1; (1) -> 0",                                                   \
        .doc = text,                                                                              \
    }
ARGUMENT(argmax, false, "where along an axis the largest element is, the first of several");
ARGUMENT(argmin, true, "where along an axis the smallest element is, the first of several");
