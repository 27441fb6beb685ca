/* solve(a, b): x (..., n, m) with a x = b, or a^T x = b. One matrix a for all leading axes of b is
 * factored once. */
#include "core/ops/matrices.h"

imnn_node g_solve(imnn_graph *g, imnn_node a, imnn_node b, bool transposed)
{
    return imnn_graph_build(g, IMNN_OP_solve, 2, (imnn_node[]){a, b},
                            &(imnn_attr){1, {transposed}});
}

/* The transposed of a complex matrix is not the adjoint that its real one would give. */
static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const bool turned = imnn_is_complex(imnn_graph_dtype(g, x[0])) && attr->n == 1 && attr->v[0] &&
                        imnn_graph_shape(g, x[0])->ndim > 1;
    return turned ? g_solve(g, g_swap(g, x[0]), x[1], false) : imnn_system_build(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[1];
    if (attr->n != 1) return imnn_fail(IMNN_EVALUE, "solve: needs whether a is transposed");
    return imnn_system_check("solve", in);
}

/* dB = A^-T dX, dA = -dB X^T */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const bool transposed = v->attr->v[0], single = imnn_graph_shape(g, v->x[0])->ndim == 2;
    imnn_node db = g_solve(g, v->x[0], dy, !transposed);
    if (dx[0] >= 0)
        dx[0] = g_neg(g, g_outer_product(g, transposed ? y : db, transposed ? db : y, single));
    if (dx[1] >= 0) dx[1] = db;
}

/* In the room: the factors, the pivots, what else the solution needs. */
static bool one(const imnn_matrix_job *j)
{
    const int n = j->rows[0], m = j->columns[1];
    int *pivot = (int *)(void *)(j->work + (size_t)n * (size_t)n);
    if (!j->again && !imnn_lu_factor(j->work, pivot, j->x[0], n)) return pivot[0] = -1, n == 0;
    if (j->again && pivot[0] == -1) return false;
    imnn_lu_solve(j->y, j->work, pivot, j->x[1], n, m, j->attr->v[0],
                  j->work + (size_t)n * (size_t)n + (size_t)n);
    return true;
}

static void kernel(const imnn_call *c)
{
    const size_t n = (size_t)imnn_from_end(&c->in[0].type.shape, 1);
    const int m = (int)imnn_from_end(&c->in[1].type.shape, 1);
    imnn_matrices(c, n * n + n + 1 + imnn_solve_room((int)n, m), one,
                  "solve: a matrix is singular");
}

const imnn_op imnn_op_solve = {
    .name = "solve",
    .id = IMNN_OP_solve,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .linear = 2,
    .smooth = 3,
    .batch = imnn_system_batch,
    .rows = imnn_matrix_rows,
    .kernel = kernel,
    .range = {-1, 1},
    .diagonal = 3,
    .cases = "(3, 3) (3, 2) -> 0; (3, 3) (3, 1) -> 1; (2, 3, 3) (2, 3, 2) -> 1; "
             "(3, 3) (4, 3, 2) -> 0; (3, 3) (2, 2, 3, 1) -> 1; (2, 1, 2, 2) (3, 2, 2) -> 0; "
             "(1, 1) (1, 1) -> 0; (0, 0) (0, 2) -> 0; (2, 2) (2, 0) -> 0; (0, 2, 2) (0, 2, 1) -> 0",
    .doc = "x of a x = b, or of a^T x = b; a (..., n, n), b (..., n, m)",
};
