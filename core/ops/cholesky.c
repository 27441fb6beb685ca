/* cholesky(x): L, lower triangular, with L L^T = (x + x^T) / 2. */
#include "core/ops/matrices.h"

imnn_node g_cholesky(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_cholesky, 1, &x, NULL);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    return imnn_matrix_check("cholesky", &in[0].shape, true, IMNN_SMALL_MATRIX);
}

static imnn_node solve_transposed(imnn_graph *g, imnn_node l, imnn_node b)
{
    return g_triangular_solve(g, l, b, IMNN_LOWER | IMNN_TRANSPOSED);
}

/* P = L^T dL below the diagonal, and half of it there; S = L^-T P L^-1, dX = (S + S^T) / 2
 * (Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527). */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const int64_t n = imnn_from_end(&v->type.shape, 1);
    imnn_node half = g_number(g, y, 0.5), p = g_product(g, y, dy, true, false);
    imnn_node below = g_masked(g, g_below(g, n, n, 0), p);
    p = g_mul(g, half, g_add(g, below, g_masked(g, g_below(g, n, n, 1), p)));
    imnn_node s = solve_transposed(g, y, g_swap(g, solve_transposed(g, y, g_swap(g, p))));
    dx[0] = g_mul(g, half, g_add(g, s, g_swap(g, s)));
}

static bool one(const imnn_matrix_job *j) { return imnn_cholesky(j->y, j->x[0], j->rows[0]); }

static void kernel(const imnn_call *c)
{
    imnn_matrices(c, 0, one, "cholesky: a matrix is not positive definite");
}

const imnn_op imnn_op_cholesky = {
    .name = "cholesky",
    .id = IMNN_OP_cholesky,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = imnn_matrix_build,
    .infer = infer,
    .vjp = vjp,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel,
    .range = {-1, 1},
    .diagonal = 4,
    .cases = "(2, 2); (3, 3); (1, 1); (2, 4, 4); (0, 0); (0, 2, 2); (2, 1, 2, 2)",
    .doc = "L, lower triangular, of L L^T = (x + x^T) / 2, which must be positive definite",
};
