/* Complex numbers and their parts. real and imag show what is there already: views of every second
 * number. What is not a function of complex numbers itself is made of parts, here and in other
 * builders (abs, convert, matmul), so derivatives come out as JAX has them: a cotangent u of z
 * pairs with a tangent t as Re(u t), without a conjugate. */
#include "core/ops/elementwise.h"

imnn_node g_complex(imnn_graph *g, imnn_node re, imnn_node im)
{
    return imnn_graph_build(g, IMNN_OP_complex, 2, (imnn_node[]){re, im}, NULL);
}
imnn_node g_real(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_real, 1, &x, NULL);
}
imnn_node g_imag(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_imag, 1, &x, NULL);
}
imnn_node g_conj(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_conj, 1, &x, NULL);
}
imnn_node g_angle(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_angle, 1, &x, NULL);
}

static bool is_made_by(const imnn_graph *g, imnn_node x, int op)
{
    const imnn_vertex *v = imnn_vertex_of(g, x);
    return v->op && v->op->id == op;
}

/* ---- complex ---- */

/* The parts of one array are that array. */
static imnn_node build_complex(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                               const imnn_attr *attr)
{
    const imnn_vertex *a = imnn_vertex_of(g, x[0]), *b = imnn_vertex_of(g, x[1]);
    if (is_made_by(g, x[0], IMNN_OP_real) && is_made_by(g, x[1], IMNN_OP_imag) &&
        a->x[0] == b->x[0])
        return a->x[0];
    return imnn_elementwise_build(g, op, n, x, attr);
}

static imnn_status infer_complex(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = (imnn_type){in[0].dtype == IMNN_F32 ? IMNN_C64 : IMNN_C128, in[0].shape};
    return IMNN_OK;
}

static void vjp_complex(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                        imnn_node *dx)
{
    if (dx[0] >= 0) dx[0] = g_real(g, dy);
    if (dx[1] >= 0) dx[1] = g_neg(g, g_imag(g, dy));
}

/* ---- real, imag ---- */

/* Of numbers that are put together or repeated, the part is known. */
static imnn_node build_part(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                            const imnn_attr *attr)
{
    const imnn_vertex *v = imnn_vertex_of(g, x[0]);
    const bool imag = op->id == IMNN_OP_imag;
    if (IMNN_REALS >> v->type.dtype & 1) return imag ? g_zeros_like(g, x[0]) : x[0];
    if (is_made_by(g, x[0], IMNN_OP_complex)) return v->x[imag];
    if (is_made_by(g, x[0], IMNN_OP_broadcast))
        return g_broadcast(g, imnn_graph_build(g, op->id, 1, v->x, attr), &v->type.shape);
    return imnn_graph_add(g, op, 1, x, attr);
}

static imnn_status infer_part(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = (imnn_type){imnn_part_dtype(in[0].dtype), in[0].shape};
    return IMNN_OK;
}

/* Re(t) and Im(t) = Re(-i t) */
static void vjp_real(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    dx[0] = g_complex(g, dy, g_zeros_like(g, dy));
}
static void vjp_imag(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    dx[0] = g_complex(g, g_zeros_like(g, dy), g_neg(g, dy));
}

static bool view_part(imnn_view *out, const imnn_view *in, int64_t which)
{
    imnn_view w = *in;
    w.offset = 2 * w.offset + which;
    for (int k = 0; k < w.shape.ndim; k++) w.stride[k] *= 2;
    *out = w;
    return true;
}
static bool view_real(imnn_view *out, const imnn_view *in, const imnn_vertex *v)
{
    return view_part(out, in, 0);
}
static bool view_imag(imnn_view *out, const imnn_view *in, const imnn_vertex *v)
{
    return view_part(out, in, 1);
}

/* ---- conj, angle: never nodes themselves ---- */

static imnn_node build_conj(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                            const imnn_attr *attr)
{
    if (IMNN_REALS >> imnn_graph_dtype(g, x[0]) & 1) return x[0];
    if (!imnn_is_complex(imnn_graph_dtype(g, x[0]))) return imnn_graph_add(g, op, n, x, attr);
    return g_complex(g, g_real(g, x[0]), g_neg(g, g_imag(g, x[0])));
}

static imnn_node build_angle(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                             const imnn_attr *attr)
{
    if (!(op->dtypes >> imnn_graph_dtype(g, x[0]) & 1)) return imnn_graph_add(g, op, n, x, attr);
    return g_atan2(g, g_imag(g, x[0]), g_real(g, x[0]));
}

static imnn_status infer_conj(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    return IMNN_OK;
}

const imnn_op imnn_op_complex = {
    .name = "complex",
    .id = IMNN_OP_complex,
    .arity = 2,
    .class = IMNN_MAP,
    .dtypes = IMNN_REALS,
    .build = build_complex,
    .infer = infer_complex,
    .vjp = vjp_complex,
    .batch = imnn_batch_leading,
    .rows = imnn_rows_map,
    .gives = "complex",
    .range = {-2, 2},
    .cases = "(2, 3) (2, 3); (3) (3); () (); (2, 3) (3); (0, 3) (3); (1) (1); (2, 1, 3, 2) (3, 2)",
    .doc = "complex numbers of a real and an imaginary part",
};

#define PART(n, text)                                                                              \
    const imnn_op imnn_op_##n = {                                                                  \
        .name = #n,                                                                                \
        .id = IMNN_OP_##n,                                                                         \
        .arity = 1,                                                                                \
        .class = IMNN_VIEW,                                                                        \
        .dtypes = IMNN_FLOATS,                                                                     \
        .build = build_part,                                                                       \
        .infer = infer_part,                                                                       \
        .vjp = vjp_##n,                                                                            \
        .linear = 1,                                                                               \
        .batch = imnn_batch_leading,                                                               \
        .rows = imnn_rows_map,                                                                     \
        .view = view_##n,                                                                          \
        .gives = "real",                                                                           \
        .range = {-2, 2},                                                                          \
        .cases = "c128 (2, 3); c128 (3); c128 (); (2); c128 (0, 3); c128 (1); c128 (2, 1, 3, 2);", \
        .doc = text,                                                                               \
    }
PART(real, "real part");
PART(imag, "imaginary part");

const imnn_op imnn_op_conj = {
    .name = "conj",
    .id = IMNN_OP_conj,
    .arity = 1,
    .class = IMNN_MAP,
    .dtypes = IMNN_FLOATS,
    .build = build_conj,
    .infer = infer_conj,
    .linear = 1,
    .batch = imnn_batch_leading,
    .rows = imnn_rows_map,
    .range = {-2, 2},
    .cases = "c128 (2, 3); c128 (); (3); c128 (0, 3); c128 (1); c128 (2, 1, 3, 2)",
    .doc = "complex conjugate",
};

const imnn_op imnn_op_angle = {
    .name = "angle",
    .id = IMNN_OP_angle,
    .arity = 1,
    .class = IMNN_MAP,
    .dtypes = IMNN_FLOATS,
    .build = build_angle,
    .infer = infer_part,
    .batch = imnn_batch_leading,
    .rows = imnn_rows_map,
    .gives = "real",
    .range = {.5, 3},
    .cases = "c128 (2, 3); c128 (); (3); c128 (0, 3); c128 (1); c128 (2, 1, 3, 2)",
    .doc = "angle of a complex number, -pi to pi",
};
