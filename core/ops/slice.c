/* slice(x, ranges): start, count and step along every axis; steps may be negative. */
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_slice(imnn_graph *g, imnn_node x, const imnn_attr *ranges)
{
    return imnn_graph_build(g, IMNN_OP_slice, 1, &x, ranges);
}

static bool is_whole(const imnn_attr *attr, int axis, int64_t size)
{
    const int64_t *r = attr->v + 3 * axis;
    return r[0] == 0 && r[1] == size && r[2] == 1;
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_shape *s = imnn_graph_shape(g, x[0]);
    bool whole = attr->n == 3 * s->ndim;
    for (int k = 0; whole && k < s->ndim; k++) whole = is_whole(attr, k, s->size[k]);
    if (whole) return x[0];
    imnn_node y = imnn_build_number(g, op, x[0], attr);
    return y ? y : imnn_graph_add(g, op, n, x, attr);
}

/* Whether the last element is inside too; counted, since its place could be too large a number. */
static bool is_inside(int64_t start, int64_t count, int64_t step, int64_t size)
{
    if (count == 0) return true;
    if (start < 0 || start >= size) return false;
    const uint64_t stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
    const uint64_t room = (uint64_t)(step > 0 ? size - 1 - start : start);
    return (uint64_t)count - 1 <= room / stride;
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_shape *s = &in[0].shape;
    *out = in[0];
    if (attr->n != 3 * s->ndim)
        return imnn_fail(IMNN_EVALUE, "slice: needs a range for each of the %d axes", s->ndim);
    for (int k = 0; k < s->ndim; k++) {
        int64_t start = attr->v[3 * k], count = attr->v[3 * k + 1], step = attr->v[3 * k + 2];
        if (count < 0 || step == 0 || !is_inside(start, count, step, s->size[k]))
            return imnn_fail(IMNN_EVALUE,
                             "slice: %lld elements from %lld in steps of %lld leave axis %d of %s",
                             (long long)count, (long long)start + 1, (long long)step, k + 1,
                             imnn_shape_text(s).s);
        out->shape.size[k] = count;
    }
    return IMNN_OK;
}

/* The transpose puts the elements back where they came from; backward ranges are turned first. */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    imnn_attr turn = {.n = v->attr->n}, widths = turn;
    for (int k = 0; k < in.ndim; k++) {
        int64_t start = v->attr->v[3 * k], count = v->attr->v[3 * k + 1],
                step = v->attr->v[3 * k + 2];
        const bool back = step < 0 && count > 0;
        turn.v[3 * k] = back ? count - 1 : 0;
        turn.v[3 * k + 1] = count, turn.v[3 * k + 2] = back ? -1 : 1;
        if (back) start += (count - 1) * step;
        if (step < 0) step = -step;
        if (count == 0) start = in.size[k], step = 1;
        widths.v[3 * k] = start;
        widths.v[3 * k + 1] = count ? in.size[k] - start - (count - 1) * step - 1 : 0;
        widths.v[3 * k + 2] = step - 1;
    }
    dx[0] = g_pad(g, g_slice(g, dy, &turn), &widths);
}

static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    imnn_attr at = {.n = v->attr->n + 3, .v = {0, size, 1}};
    if (at.n > 3 * IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE, "vmap: more than %d axes", IMNN_MAX_NDIM);
        return 0;
    }
    memcpy(at.v + 3, v->attr->v, (size_t)v->attr->n * sizeof *at.v);
    return g_slice(g, x[0], &at);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    int a = imnn_row_axis(&in[0].shape, R);
    if (a < 0 || !is_whole(v->attr, a, in[0].shape.size[a])) return IMNN_ROWS_NONE;
    by[0] = true;
    return IMNN_ROWS_EACH;
}

static bool view(imnn_view *out, const imnn_view *in, const imnn_vertex *v)
{
    imnn_view w = {.shape = v->type.shape, .offset = in->offset};
    for (int k = 0; k < w.shape.ndim; k++) {
        if (w.shape.size[k] > 0) w.offset += v->attr->v[3 * k] * in->stride[k];
        w.stride[k] = v->attr->v[3 * k + 2] * in->stride[k];
    }
    *out = w;
    return true;
}

const imnn_op imnn_op_slice = {
    .name = "slice",
    .id = IMNN_OP_slice,
    .arity = 1,
    .class = IMNN_VIEW,
    .dtypes = IMNN_ALL,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .linear = 1,
    .batch = batch,
    .rows = rows,
    .view = view,
    .range = {-2, 2},
    .cases = "(5) -> 1, 2, 2; (3, 4) -> 0, 3, 1, 3, 2, -2; (4) -> 3, 4, -1; (3, 4) -> 1, 0, 1, 0, "
             "4, 1; (0, 3) -> 0, 0, 1, 0, 3, 1; (1, 1) -> 0, 1, 1, 0, 1, 1; (2, 3, 1, 5) -> 1, 1, "
             "1, 0, 2, 2, 0, 1, 1, 4, 3, -2",
    .doc = "elements of a range along every axis: start, count, step",
};
