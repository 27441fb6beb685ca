/* pad(x, widths): zeros before, behind and between the elements along every axis. */
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_pad(imnn_graph *g, imnn_node x, const imnn_attr *widths)
{
    return imnn_graph_build(g, IMNN_OP_pad, 1, &x, widths);
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    bool nothing = attr->n == 3 * imnn_graph_shape(g, x[0])->ndim;
    for (int k = 0; k < attr->n; k++) nothing = nothing && attr->v[k] == 0;
    return nothing ? x[0] : imnn_graph_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_shape *s = &in[0].shape;
    *out = in[0];
    if (attr->n != 3 * s->ndim)
        return imnn_fail(IMNN_EVALUE, "pad: needs three widths for each of the %d axes", s->ndim);
    for (int k = 0; k < s->ndim; k++) {
        const int64_t *w = attr->v + 3 * k, size = s->size[k];
        if (w[0] < 0 || w[1] < 0 || w[2] < 0)
            return imnn_fail(IMNN_EVALUE, "pad: negative width along axis %d", k + 1);
        int64_t total = size ? size - 1 : 0;
        bool huge = __builtin_mul_overflow(total, w[2], &total);
        for (int i = 0; i < 3; i++)
            huge |= __builtin_add_overflow(total, i < 2 ? w[i] : size, &total);
        if (huge) return imnn_fail(IMNN_EVALUE, "pad: too much along axis %d", k + 1);
        out->shape.size[k] = total;
    }
    return IMNN_OK;
}

static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    imnn_attr at = {.n = v->attr->n};
    for (int k = 0; k < in.ndim; k++) {
        at.v[3 * k] = in.size[k] ? v->attr->v[3 * k] : 0;
        at.v[3 * k + 1] = in.size[k], at.v[3 * k + 2] = v->attr->v[3 * k + 2] + 1;
    }
    dx[0] = g_slice(g, dy, &at);
}

static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    imnn_attr at = {.n = v->attr->n + 3};
    if (at.n > 3 * IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE, "vmap: more than %d axes", IMNN_MAX_NDIM);
        return 0;
    }
    memcpy(at.v + 3, v->attr->v, (size_t)v->attr->n * sizeof *at.v);
    return g_pad(g, x[0], &at);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    int a = imnn_row_axis(&in[0].shape, R);
    if (a < 0) return IMNN_ROWS_NONE;
    for (int k = 0; k < 3 * (a + 1); k++)
        if (v->attr->v[k]) return IMNN_ROWS_NONE;
    by[0] = true;
    return IMNN_ROWS_EACH;
}

static void kernel(const imnn_call *c)
{
    const imnn_shape *in = &c->in[0].type.shape, *out = &c->out.type.shape;
    const size_t size = imnn_dtype_size(c->out.type.dtype);
    const int nd = in->ndim;
    int64_t step[IMNN_MAX_NDIM], index[IMNN_MAX_NDIM] = {0}, at = 0, next = 1;
    memset(c->out.data, 0, (size_t)imnn_shape_count(out) * size);
    for (int k = nd - 1; k >= 0; k--) {
        at += c->attr->v[3 * k] * next;
        step[k] = (c->attr->v[3 * k + 2] + 1) * next, next *= out->size[k];
    }
    int64_t run = nd && step[nd - 1] == 1 ? in->size[nd - 1] : 1;
    int64_t runs = run ? imnn_shape_count(in) / run : 0;
    const int last = run > 1 || (nd && in->size[nd - 1] == run) ? nd - 2 : nd - 1;
    const char *from = c->in[0].data;
    for (; runs > 0; runs--, from += (size_t)run * size) {
        memcpy((char *)c->out.data + (size_t)at * size, from, (size_t)run * size);
        for (int k = last; k >= 0; k--) {
            at += step[k];
            if (++index[k] < in->size[k]) break;
            at -= index[k] * step[k], index[k] = 0;
        }
    }
}

const imnn_op imnn_op_pad = {
    .name = "pad",
    .id = IMNN_OP_pad,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_ALL,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .linear = 1,
    .batch = batch,
    .rows = rows,
    .kernel = kernel,
    .range = {-2, 2},
    .cases = "(3) -> 1, 2, 0; (2, 3) -> 0, 0, 1, 2, 0, 1; (0) -> 1, 1, 0; "
             "(3, 2) -> 1, 0, 2, 0, 1, 0; (4, 3) -> 0, 0, 0, 1, 0, 2; (1, 6) -> 0, 0, 0, 0, 0, 0; "
             "(2, 3, 1, 2) -> 0, 0, 0, 1, 1, 1, 2, 0, 0, 0, 1, 0; (1) -> 1, 2, 3; (0, 3) -> 0, 0, "
             "0, 1, 1, 0",
    .doc = "zeros before, behind and between elements along every axis",
};
