/* Small expressions that rules and builders use. */
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_full_like(imnn_graph *g, imnn_node x, double value)
{
    return g_broadcast(g, g_number(g, x, value), imnn_graph_shape(g, x));
}

imnn_node g_swap(imnn_graph *g, imnn_node x)
{
    const int n = imnn_graph_shape(g, x)->ndim;
    imnn_attr at = {.n = n};
    if (n < 2) {
        imnn_graph_fail(g, IMNN_ESHAPE, "swap: needs two axes, got %s",
                        imnn_shape_text(imnn_graph_shape(g, x)).s);
        return 0;
    }
    for (int k = 0; k < n; k++) at.v[k] = k < n - 2 ? k : 2 * n - 3 - k;
    return g_transpose(g, x, &at);
}

imnn_node g_squeeze(imnn_graph *g, imnn_node x, int axis)
{
    imnn_shape s = *imnn_graph_shape(g, x);
    memmove(s.size + axis, s.size + axis + 1, (size_t)(s.ndim - axis - 1) * sizeof *s.size);
    s.ndim--;
    return g_reshape(g, x, &s);
}

imnn_node g_expand(imnn_graph *g, imnn_node x, int axis)
{
    imnn_shape s = *imnn_graph_shape(g, x);
    memmove(s.size + axis + 1, s.size + axis, (size_t)(s.ndim - axis) * sizeof *s.size);
    s.size[axis] = 1;
    s.ndim++;
    return g_reshape(g, x, &s);
}
