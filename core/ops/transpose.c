/* transpose(x, permutation): axis i of the result is axis v[i] of x. */
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_transpose(imnn_graph *g, imnn_node x, const imnn_attr *permutation)
{
    return imnn_graph_build(g, IMNN_OP_transpose, 1, &x, permutation);
}

/* First a, then b; false: b is no permutation of these axes, as infer will say. */
static bool compose(imnn_attr *both, const imnn_attr *a, const imnn_attr *b)
{
    *both = (imnn_attr){.n = b->n};
    for (int k = 0; k < b->n; k++) {
        if (b->n != a->n || b->v[k] < 0 || b->v[k] >= b->n) return false;
        both->v[k] = a->v[b->v[k]];
    }
    return true;
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_vertex *v = imnn_vertex_of(g, x[0]);
    bool identity = true;
    for (int k = 0; k < attr->n; k++) identity = identity && attr->v[k] == k;
    if (identity && attr->n == v->type.shape.ndim) return x[0];
    imnn_attr both;
    if (v->op == op && compose(&both, v->attr, attr))
        return imnn_graph_build(g, op->id, 1, v->x, &both);
    imnn_node y = imnn_build_number(g, op, x[0], attr);
    return y ? y : imnn_graph_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    bool seen[IMNN_MAX_NDIM] = {false}, fits = attr->n == in[0].shape.ndim;
    *out = in[0];
    for (int k = 0; fits && k < attr->n; k++) {
        int64_t from = attr->v[k];
        fits = from >= 0 && from < attr->n && !seen[from];
        if (fits) seen[from] = true, out->shape.size[k] = in[0].shape.size[from];
    }
    if (fits) return IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "transpose: the axes must be a permutation of those of %s",
                     imnn_shape_text(&in[0].shape).s);
}

static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    imnn_attr back = {.n = v->attr->n};
    for (int k = 0; k < back.n; k++) back.v[v->attr->v[k]] = k;
    dx[0] = g_transpose(g, dy, &back);
}

static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    imnn_attr at = {.n = v->attr->n + 1};
    for (int k = 1; k < at.n; k++) at.v[k] = v->attr->v[k - 1] + 1;
    return g_transpose(g, x[0], &at);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    int a = imnn_row_axis(&in[0].shape, R), b = imnn_row_axis(&v->type.shape, R);
    if (a < 0 || b < 0 || v->attr->v[b] != a) return IMNN_ROWS_NONE;
    by[0] = true;
    return IMNN_ROWS_EACH;
}

static bool view(imnn_view *out, const imnn_view *in, const imnn_vertex *v)
{
    imnn_view w = {.shape = v->type.shape, .offset = in->offset};
    for (int k = 0; k < w.shape.ndim; k++) w.stride[k] = in->stride[v->attr->v[k]];
    *out = w;
    return true;
}

const imnn_op imnn_op_transpose = {
    .name = "transpose",
    .id = IMNN_OP_transpose,
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
    .cases = "(3, 4) -> 1, 0; (2, 3, 4) -> 2, 0, 1; (2, 3, 4) -> 0, 2, 1; (1, 3) -> 1, 0; (0, 3) "
             "-> 1, 0; (2, 3, 1, 4) -> 3, 1, 0, 2; () -> ",
    .doc = "axes in another order",
};
