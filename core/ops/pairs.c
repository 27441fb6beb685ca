/* Complex matrices as real ones of twice the size. */
#include "core/ops/matrices.h"

/* (..., n, m) of two kinds as (..., n, m, 2), along a new axis before the last one or behind it */
static imnn_node beside(imnn_graph *g, imnn_node a, imnn_node b, int from_end)
{
    const int axis = imnn_graph_shape(g, a)->ndim + 1 - from_end;
    return g_concatenate(g, 2, (imnn_node[]){g_expand(g, a, axis), g_expand(g, b, axis)}, axis);
}

imnn_node g_pairs(imnn_graph *g, imnn_node z)
{
    imnn_node x = g_real(g, z), y = g_imag(g, z);
    imnn_shape s = *imnn_graph_shape(g, z);
    if (s.ndim + 2 > IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE, "complex matrices have at most %d axes, got %s",
                        IMNN_MAX_NDIM - 2, imnn_shape_text(&s).s);
        return 0;
    }
    imnn_node upper = beside(g, x, g_neg(g, y), 1), lower = beside(g, y, x, 1);
    if (!imnn_graph_ok(g)) return 0;
    imnn_node all = beside(g, upper, lower, 3); /* (..., n, 2, m, 2) */
    s.size[s.ndim - 2] *= 2, s.size[s.ndim - 1] *= 2;
    return g_reshape(g, all, &s);
}

imnn_node g_unpaired(imnn_graph *g, imnn_node x)
{
    if (!imnn_graph_ok(g)) return 0;
    const imnn_shape s = *imnn_graph_shape(g, x);
    imnn_attr ranges = {.n = 3 * s.ndim};
    for (int k = 0; k < s.ndim; k++) {
        const bool pairs = k >= s.ndim - 2;
        ranges.v[3 * k + 1] = pairs ? s.size[k] / 2 : s.size[k];
        ranges.v[3 * k + 2] = pairs ? 2 : 1;
    }
    imnn_node re = g_slice(g, x, &ranges);
    ranges.v[3 * (s.ndim - 2)] = imnn_from_end(&s, 2) > 0;
    return g_complex(g, re, g_slice(g, x, &ranges));
}

imnn_node imnn_pairs_build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                           const imnn_attr *attr)
{
    imnn_type in[2] = {{0}}, out;
    imnn_node pairs[2];
    if (!imnn_graph_ok(g)) return 0;
    for (int i = 0; i < n; i++) in[i] = imnn_vertex_of(g, x[i])->type;
    const imnn_status st = op->infer(&out, n, in, attr); /* says what is wrong with these shapes */
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    for (int i = 0; i < n && imnn_graph_ok(g); i++) pairs[i] = g_pairs(g, x[i]);
    if (!imnn_graph_ok(g)) return 0;
    return g_unpaired(g, imnn_graph_build(g, op->id, n, pairs, attr));
}
