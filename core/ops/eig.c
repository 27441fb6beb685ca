/* Eigenvalues and eigenvectors of any square matrix: eig gives (..., n + 1, n), first the
 * eigenvalues, then the matrix whose columns the vectors are, of length 1. Both are complex; the
 * order is LAPACK's, the phase of a vector makes its largest element real. */
#include "core/ops/matrices.h"

imnn_node g_eig(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_eig, 1, &x, NULL);
}

imnn_node g_eigvals(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_eigvals, 1, &x, NULL);
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    imnn_node z = x[0];
    if (IMNN_REALS >> imnn_graph_dtype(g, z) & 1) z = g_complex(g, z, g_zeros_like(g, z));
    return imnn_spectrum_build(g, op, n, &z, attr);
}

static imnn_status infer_eig(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    if (in[0].shape.ndim > 1) out->shape.size[out->shape.ndim - 2]++;
    return imnn_matrix_check("eig", &in[0].shape, true, 0);
}

static imnn_status infer_eigvals(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    out->shape.ndim--;
    return imnn_matrix_check("eigvals", &in[0].shape, true, 0);
}

/* ---- rules: with X V = V W, d(w) = diag(V^-1 dX V) ---- */

/* V^-T M V^T */
static imnn_node back(imnn_graph *g, imnn_node v, imnn_node m)
{
    return g_solve(g, v, g_product(g, m, v, false, true), true);
}

/* M = diag dw + F (V^T dV - V^T V* diag Re(V^T dV)) with F_ij = 1 / (w_j - w_i): vectors keep their
 * length. Those of equal eigenvalues have no derivative. */
static void vjp_eig(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const int64_t n = imnn_from_end(&v->type.shape, 1);
    const int last = v->type.shape.ndim - 1;
    imnn_node w = g_part(g, y, 2, 0, 1), vectors = g_part(g, y, 2, 1, n);
    imnn_node dw = g_part(g, dy, 2, 0, 1), dv = g_part(g, dy, 2, 1, n);
    imnn_node turns = g_product(g, vectors, dv, true, false);
    imnn_node length = g_sum(g, g_real(g, g_diagonal(g, turns)), &(imnn_attr){1, {last - 1}});
    length = g_convert(g, g_expand(g, length, last - 1), imnn_graph_dtype(g, turns));
    imnn_node overlap = g_product(g, vectors, g_conj(g, vectors), true, false);
    turns = g_off_diagonal(g, g_sub(g, turns, g_mul(g, overlap, length)));
    imnn_node m = g_quotient(g, turns, g_sub(g, w, g_swap(g, w)));
    imnn_node ones = g_full_like(g, m, 1);
    dx[0] = back(g, vectors, g_add(g, m, g_diagonal(g, g_mul(g, ones, dw))));
}

static void vjp_eigvals(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                        imnn_node *dx)
{
    const int64_t n = imnn_from_end(imnn_graph_shape(g, v->x[0]), 1);
    imnn_node vectors = g_part(g, g_eig(g, v->x[0]), 2, 1, n);
    imnn_node dw = g_expand(g, dy, v->type.shape.ndim - 1);
    imnn_node ones = g_full_like(g, vectors, 1);
    dx[0] = back(g, vectors, g_diagonal(g, g_mul(g, ones, dw)));
}

/* ---- kernels ---- */

static bool both(const imnn_matrix_job *j)
{
    const int n = j->rows[0];
    return imnn_eig(j->y, j->y + 2 * n, j->x[0], n, j->work);
}

static bool values(const imnn_matrix_job *j)
{
    return imnn_eig(j->y, NULL, j->x[0], j->rows[0], j->work);
}

static void kernel_eig(const imnn_call *c)
{
    imnn_matrices(c, imnn_eig_room((int)imnn_from_end(&c->in[0].type.shape, 1)), both,
                  "eig: a matrix holds numbers that are not finite");
}

static void kernel_eigvals(const imnn_call *c)
{
    imnn_matrices(c, imnn_eig_room((int)imnn_from_end(&c->in[0].type.shape, 1)), values,
                  "eigvals: a matrix holds numbers that are not finite");
}

const imnn_op imnn_op_eig = {
    .name = "eig",
    .id = IMNN_OP_eig,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = build,
    .infer = infer_eig,
    .vjp = vjp_eig,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_eig,
    .phases = true,
    .gives = "complex",
    .range = {-2, 2},
    .cases = "c128 (2, 2); c128 (3, 3); (1, 1); c128 (2, 4, 4); (0, 0); c128 (0, 2, 2)",
    .doc = "(..., n + 1, n): eigenvalues of square matrices above the matrix of vectors",
};

const imnn_op imnn_op_eigvals = {
    .name = "eigvals",
    .id = IMNN_OP_eigvals,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = build,
    .infer = infer_eigvals,
    .vjp = vjp_eigvals,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_eigvals,
    .gives = "complex",
    .range = {-2, 2},
    .cases = "c128 (2, 2); c128 (3, 3); (1, 1); c128 (2, 4, 4); (2, 2); (0, 0); (0, 2, 2)",
    .doc = "eigenvalues of square matrices",
};
