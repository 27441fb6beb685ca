/* convert(x, dtype): the same numbers in another dtype. */
#include "core/ops/ops.h"

imnn_node g_convert(imnn_graph *g, imnn_node x, imnn_dtype dtype)
{
    return imnn_graph_build(g, IMNN_OP_convert, 1, &x, &(imnn_attr){1, {dtype}});
}

/* What the kernels would give: large numbers and NaN are not turned into integers here. */
static bool is_known_as(imnn_dtype dtype, double value)
{
    if (!(IMNN_INTEGERS >> dtype & 1)) return true;
    return value >= (dtype == IMNN_I32 ? -2147483648. : 0) && value <= 2147483647;
}

/* Of complex numbers the parts are converted; real numbers get an imaginary part of 0, and what is
 * asked for as real keeps the real part. True is what is not 0. */
static imnn_node by_parts(imnn_graph *g, imnn_node x, imnn_dtype to)
{
    if (to == IMNN_BOOL) {
        imnn_node re = g_convert(g, g_real(g, x), to);
        return g_or(g, re, g_convert(g, g_imag(g, x), to));
    }
    const bool was = imnn_is_complex(imnn_graph_dtype(g, x));
    const imnn_dtype part = imnn_part_dtype(to);
    imnn_node re = g_convert(g, was ? g_real(g, x) : x, part);
    if (part == to) return re;
    return g_complex(g, re, was ? g_convert(g, g_imag(g, x), part) : g_number(g, re, 0));
}

/* Known numbers are converted now, and other small things before they are repeated. */
static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_vertex *v = imnn_vertex_of(g, x[0]);
    const imnn_dtype dtype = attr->n == 1 ? (imnn_dtype)attr->v[0] : IMNN_NDTYPE;
    double value;
    if (dtype == v->type.dtype) return x[0];
    const bool known = dtype >= 0 && dtype < IMNN_NDTYPE;
    if (known && (imnn_is_complex(dtype) || imnn_is_complex(v->type.dtype)))
        return by_parts(g, x[0], dtype);
    if (imnn_graph_is_number(g, x[0], &value) && is_known_as(dtype, value)) {
        imnn_node y = imnn_build_number(g, op, x[0], attr);
        if (y) return y;
    }
    if (v->op && v->op->id == IMNN_OP_broadcast)
        return g_broadcast(g, g_convert(g, v->x[0], dtype), &v->type.shape);
    return imnn_graph_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    if (attr->n != 1 || attr->v[0] < 0 || attr->v[0] >= IMNN_NDTYPE)
        return imnn_fail(IMNN_EDTYPE, "convert: there is no such dtype");
    *out = (imnn_type){(imnn_dtype)attr->v[0], in[0].shape};
    return IMNN_OK;
}

static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_dtype from = imnn_graph_dtype(g, v->x[0]);
    dx[0] = IMNN_FLOATS >> from & 1 ? g_convert(g, dy, from) : 0;
}

const imnn_op imnn_op_convert = {
    .name = "convert",
    .id = IMNN_OP_convert,
    .arity = 1,
    .class = IMNN_MAP,
    .dtypes = IMNN_ALL,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .linear = 1,
    .batch = imnn_batch_leading,
    .rows = imnn_rows_map,
    .gives = "the one asked for",
    .range = {-2, 2},
    .cases = "(3) -> 1; (2, 3) -> 0; () -> 1; (4) -> 2; i32 (3) -> 0; u32 (2, 2) -> 4; "
             "(2, 3) -> 6; c128 (3) -> 1; c128 (2, 2) -> 5; c64 (3) -> 6; i32 (2) -> 5; (0) -> 1; "
             "(1, 1) -> 0; (2, 1, 3, 2) -> 2; c128 (0, 2) -> 1; (0) -> 6",
    .doc = "the same numbers in another dtype",
};
