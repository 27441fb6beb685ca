/* triangular_solve(a, b): x (..., n, m) with a x = b, of whose matrix only a triangle is read. */
#include "core/ops/matrices.h"
#include <string.h>

imnn_node g_triangular_solve(imnn_graph *g, imnn_node a, imnn_node b, int how)
{
    return imnn_graph_build(g, IMNN_OP_triangular_solve, 2, (imnn_node[]){a, b},
                            &(imnn_attr){1, {how}});
}

/* A complex matrix has no triangle among real ones: the equations are solved like others. */
static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    imnn_type in[2] = {{0}}, out;
    if (!imnn_graph_ok(g)) return 0;
    for (int i = 0; i < n; i++) in[i] = imnn_vertex_of(g, x[i])->type;
    if (!imnn_is_complex(in[0].dtype)) return imnn_system_build(g, op, n, x, attr);
    const imnn_status st = op->infer(&out, n, in, attr);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    if (!imnn_graph_ok(g)) return 0;
    const int how = (int)attr->v[0];
    const int64_t size = imnn_from_end(&in[0].shape, 1), unit = how & IMNN_UNIT_DIAGONAL ? 1 : 0;
    imnn_node below = g_below(g, size, size, how & IMNN_LOWER ? unit : 1 - unit);
    imnn_node a = g_masked(g, how & IMNN_LOWER ? below : g_not(g, below), x[0]);
    if (unit) {
        imnn_node on = g_and(g, g_below(g, size, size, 0), g_not(g, g_below(g, size, size, 1)));
        a = g_where(g, on, g_number(g, a, 1), a);
    }
    return g_solve(g, a, x[1], how & IMNN_TRANSPOSED);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const int all = IMNN_LOWER | IMNN_TRANSPOSED | IMNN_UNIT_DIAGONAL;
    *out = in[1];
    if (attr->n != 1 || attr->v[0] < 0 || attr->v[0] > all)
        return imnn_fail(IMNN_EVALUE, "triangular_solve: needs a sum of 1 (lower), 2 (transposed), "
                                      "4 (ones on the diagonal)");
    return imnn_system_check("triangular_solve", in);
}

/* dB = A^-T dX, dA = -dB X^T in the triangle that is read */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const int how = (int)v->attr->v[0];
    const int64_t n = imnn_from_end(imnn_graph_shape(g, v->x[0]), 1);
    const bool transposed = how & IMNN_TRANSPOSED, unit = how & IMNN_UNIT_DIAGONAL,
               single = imnn_graph_shape(g, v->x[0])->ndim == 2;
    imnn_node db = g_triangular_solve(g, v->x[0], dy, how ^ IMNN_TRANSPOSED);
    if (dx[1] >= 0) dx[1] = db;
    if (dx[0] < 0) return;
    imnn_node da = g_outer_product(g, transposed ? y : db, transposed ? db : y, single);
    imnn_node below = g_below(g, n, n, how & IMNN_LOWER ? unit : 1 - unit);
    dx[0] = g_neg(g, g_masked(g, how & IMNN_LOWER ? below : g_not(g, below), da));
}

static bool one(const imnn_matrix_job *j)
{
    const int n = j->rows[0], m = j->columns[1];
    memcpy(j->y, j->x[1], (size_t)n * (size_t)m * sizeof *j->y);
    return imnn_triangular_solve(j->y, j->x[0], n, m, (int)j->attr->v[0]);
}

static void kernel(const imnn_call *c)
{
    imnn_matrices(c, 0, one, "triangular_solve: a zero on the diagonal of a matrix");
}

const imnn_op imnn_op_triangular_solve = {
    .name = "triangular_solve",
    .id = IMNN_OP_triangular_solve,
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
    .cases = "(3, 3) (3, 2) -> 0; (3, 3) (3, 2) -> 1; (3, 3) (3, 1) -> 2; (3, 3) (3, 2) -> 3; "
             "(3, 3) (3, 2) -> 4; (3, 3) (3, 2) -> 5; (3, 3) (2, 3, 2) -> 6; "
             "(2, 3, 3) (2, 3, 2) -> 7; (2, 1, 2, 2) (3, 2, 2) -> 1; (0, 0) (0, 2) -> 0; (2, 2) "
             "(2, 0) -> 1; (0, 2, 2) (0, 2, 1) -> 2; (1, 1) (1, 1) -> 3",
    .doc = "x of a x = b for a triangular matrix a: 1 lower, 2 transposed, 4 ones on the diagonal",
};
