/* stop_gradient(x): x, whose derivative is taken to be zero. */
#include "core/ops/ops.h"

imnn_node g_stop_gradient(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_stop_gradient, 1, &x, NULL);
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_vertex *v = imnn_vertex_of(g, x[0]);
    double number;
    const bool constant =
        v->value || imnn_graph_is_number(g, x[0], &number) || !(IMNN_FLOATS >> v->type.dtype & 1);
    return v->op == op || constant ? x[0] : imnn_graph_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    return IMNN_OK;
}

static bool view(imnn_view *out, const imnn_view *in, const imnn_vertex *v)
{
    *out = *in;
    return true;
}

const imnn_op imnn_op_stop_gradient = {
    .name = "stop_gradient",
    .id = IMNN_OP_stop_gradient,
    .arity = 1,
    .class = IMNN_VIEW,
    .dtypes = IMNN_ALL,
    .build = build,
    .infer = infer,
    .vjp = imnn_vjp_zero,
    .batch = imnn_batch_leading,
    .rows = imnn_rows_map,
    .view = view,
    .range = {-2, 2},
    .cases = "(3); (2, 3); (); (0, 2); (1); (2, 3, 1, 4)",
    .doc = "x, whose derivative is taken to be zero",
};
