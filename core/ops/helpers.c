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

/* Wrong axes are mistakes of rules, or come from a failure before. */
static bool has_axis(imnn_graph *g, const char *who, imnn_node x, int axis, int ndim, int most)
{
    if (imnn_graph_ok(g) && axis >= 0 && axis < ndim && ndim <= most) return true;
    imnn_graph_fail(g, IMNN_ESHAPE, "%s: axis %d of %s", who, axis + 1,
                    imnn_shape_text(imnn_graph_shape(g, x)).s);
    return false;
}

imnn_node g_squeeze(imnn_graph *g, imnn_node x, int axis)
{
    imnn_shape s = *imnn_graph_shape(g, x);
    if (!has_axis(g, "squeeze", x, axis, s.ndim, IMNN_MAX_NDIM)) return 0;
    memmove(s.size + axis, s.size + axis + 1, (size_t)(s.ndim - axis - 1) * sizeof *s.size);
    s.ndim--;
    return g_reshape(g, x, &s);
}

imnn_node g_expand(imnn_graph *g, imnn_node x, int axis)
{
    imnn_shape s = *imnn_graph_shape(g, x);
    if (!has_axis(g, "expand", x, axis, s.ndim + 1, IMNN_MAX_NDIM)) return 0;
    memmove(s.size + axis + 1, s.size + axis, (size_t)(s.ndim - axis) * sizeof *s.size);
    s.size[axis] = 1;
    s.ndim++;
    return g_reshape(g, x, &s);
}

imnn_node g_part(imnn_graph *g, imnn_node x, int axis, int64_t start, int64_t count)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    imnn_attr ranges = {.n = 3 * s->ndim};
    for (int k = 0; k < s->ndim; k++) ranges.v[3 * k + 1] = s->size[k], ranges.v[3 * k + 2] = 1;
    const int at = s->ndim - axis;
    if (at >= 0) ranges.v[3 * at] = start, ranges.v[3 * at + 1] = count;
    return g_slice(g, x, &ranges);
}

imnn_node g_shift(imnn_graph *g, imnn_node x, int64_t by, double coming_in)
{
    const imnn_shape s = *imnn_graph_shape(g, x);
    const int64_t away = by < 0 ? -by : by;
    const imnn_shape coming = {3, {s.size[0], away, s.size[2]}};
    imnn_node numbers = g_broadcast(g, g_number(g, x, coming_in), &coming);
    imnn_node rest = g_part(g, x, 2, by < 0 ? away : 0, s.size[1] - away);
    return g_concatenate(g, 2, by < 0 ? (imnn_node[]){rest, numbers} : (imnn_node[]){numbers, rest},
                         1);
}

imnn_node imnn_build_number(imnn_graph *g, const imnn_op *op, imnn_node x, const imnn_attr *attr)
{
    double value;
    imnn_type out;
    if (!imnn_graph_is_number(g, x, &value)) return 0;
    if (op->infer(&out, 1, &imnn_vertex_of(g, x)->type, attr) != IMNN_OK) return 0;
    return g_broadcast(g, imnn_graph_number(g, out.dtype, value), &out.shape);
}
