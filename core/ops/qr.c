/* x = Q R for x (..., m, n): qr gives (..., k, m + n), in row i the i-th column of Q (conjugated)
 * and the i-th row of R. k is min(m, n), or m for the complete Q. Of complex matrices the diagonal
 * of R is real and not negative. */
#include "core/ops/matrices.h"
#include <string.h>

imnn_node g_qr(imnn_graph *g, imnn_node x, bool complete)
{
    return imnn_graph_build(g, IMNN_OP_qr, 1, &x, &(imnn_attr){1, {complete}});
}

/* More orthonormal columns beside those of Q (k of m rows, adjoint): eigenvectors of 1 - Q Q^H. */
static imnn_node complement(imnn_graph *g, imnn_node qt, int64_t k, int64_t m)
{
    imnn_node p = g_product(g, g_conj(g, qt), qt, true, false), one = g_full_like(g, p, 1);
    imnn_node vectors = g_part(g, g_eigh(g, g_sub(g, g_diagonal(g, one), p)), 2, 1, m);
    return g_conj(g, g_swap(g, g_part(g, vectors, 1, k, m - k)));
}

/* Through real matrices: there the signs of both rows of a pair are made those of one number. */
static imnn_node build_complex(imnn_graph *g, const imnn_op *op, const imnn_node *x,
                               const imnn_attr *attr)
{
    imnn_type out, in = imnn_vertex_of(g, x[0])->type;
    const imnn_status st = op->infer(&out, 1, &in, attr);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    if (!imnn_graph_ok(g)) return 0;
    const int64_t m = imnn_from_end(&in.shape, 2), n = imnn_from_end(&in.shape, 1);
    imnn_node all = g_qr(g, g_pairs(g, x[0]), false), r = g_part(g, all, 1, 2 * m, 2 * n);
    imnn_attr last = {1, {in.shape.ndim - 1}};
    imnn_node diagonal = g_expand(g, g_sum(g, g_diagonal(g, r), &last), in.shape.ndim - 1);
    imnn_node negative = g_lt(g, diagonal, g_number(g, diagonal, 0));
    imnn_node sign = g_where(g, negative, g_number(g, r, -1), g_number(g, r, 1));
    imnn_node y = g_unpaired(g, g_mul(g, all, sign));
    if (!attr->v[0] || m <= n || !imnn_graph_ok(g)) return y;
    imnn_node more = complement(g, g_part(g, y, 1, 0, m), n, m);
    imnn_shape rest = *imnn_graph_shape(g, more);
    rest.size[rest.ndim - 1] = n;
    more = g_concatenate(g, 2, (imnn_node[]){more, g_broadcast(g, g_number(g, more, 0), &rest)},
                         rest.ndim - 1);
    return g_concatenate(g, 2, (imnn_node[]){y, more}, rest.ndim - 2);
}

/* A wide matrix: its square part gives Q, and R is Q^T x. */
static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_shape s = *imnn_graph_shape(g, x[0]);
    const bool wide = s.ndim > 1 && imnn_from_end(&s, 2) < imnn_from_end(&s, 1);
    if (imnn_is_complex(imnn_graph_dtype(g, x[0])) && !wide) return build_complex(g, op, x, attr);
    if (s.ndim < 2 || imnn_from_end(&s, 2) >= imnn_from_end(&s, 1) || attr->n != 1)
        return imnn_matrix_build(g, op, n, x, attr);
    const int64_t m = imnn_from_end(&s, 2);
    imnn_node square = g_qr(g, g_part(g, x[0], 1, 0, m), false);
    imnn_node rest = g_part(g, x[0], 1, m, imnn_from_end(&s, 1) - m);
    imnn_node more = g_product(g, g_part(g, square, 1, 0, m), rest, false, false);
    return g_concatenate(g, 2, (imnn_node[]){square, more}, s.ndim - 1);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_shape *s = &in[0].shape;
    *out = in[0];
    if (attr->n != 1) return imnn_fail(IMNN_EVALUE, "qr: needs whether Q is complete");
    imnn_status st = imnn_matrix_check("qr", s, false, IMNN_SMALL_MATRIX);
    if (st != IMNN_OK) return st;
    const int64_t rows = imnn_from_end(s, 2), columns = imnn_from_end(s, 1);
    out->shape.size[s->ndim - 2] = attr->v[0] || rows < columns ? rows : columns;
    out->shape.size[s->ndim - 1] = rows + columns;
    return IMNN_OK;
}

/* M = R dR^T - dQ^T Q, and its part below the diagonal copied above it; dX = (dQ + Q M) R^-T
 * (Walter & Lehmann, "Algorithmic differentiation of linear algebra functions", arXiv:1009.6112).*/
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    const int64_t m = imnn_from_end(&in, 2), n = imnn_from_end(&in, 1);
    if (v->attr->v[0] && m > n) {
        imnn_graph_fail(g, IMNN_EVALUE, "qr: the complete Q of a tall matrix %s has no derivative",
                        imnn_shape_text(&in).s);
        return;
    }
    imnn_node qt = g_part(g, y, 1, 0, m), r = g_part(g, y, 1, m, n);
    imnn_node dqt = g_part(g, dy, 1, 0, m), dr = g_part(g, dy, 1, m, n);
    imnn_node M = g_sub(g, g_product(g, r, dr, false, true), g_product(g, dqt, qt, false, true));
    M = g_add(g, g_masked(g, g_below(g, n, n, 0), M),
              g_swap(g, g_masked(g, g_below(g, n, n, 1), M)));
    imnn_node right = g_add(g, dqt, g_product(g, M, qt, false, false));
    dx[0] = g_swap(g, g_triangular_solve(g, r, right, 0));
}

static bool one(const imnn_matrix_job *j)
{
    const size_t m = (size_t)j->rows[0], n = (size_t)j->columns[0];
    const size_t k = j->attr->v[0] || m < n ? m : n;
    double *qt = j->work, *r = qt + k * m, *y = j->y;
    imnn_qr(qt, r, j->x[0], (int)m, (int)n, (int)k, r + k * n);
    for (size_t i = 0; i < k; i++, y += m + n) {
        memcpy(y, qt + i * m, m * sizeof *y);
        memcpy(y + m, r + i * n, n * sizeof *y);
    }
    return true;
}

static void kernel(const imnn_call *c)
{
    const imnn_shape *s = &c->in[0].type.shape;
    const size_t m = (size_t)imnn_from_end(s, 2), n = (size_t)imnn_from_end(s, 1);
    imnn_matrices(c, m * (m + n) + imnn_qr_room((int)m, (int)n), one, NULL);
}

const imnn_op imnn_op_qr = {
    .name = "qr",
    .id = IMNN_OP_qr,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel,
    .range = {-1, 1},
    .diagonal = 2,
    .cases = "(2, 2) -> 0; (4, 3) -> 0; (2, 3) -> 0; (1, 1) -> 0; (2, 3, 3) -> 0; (3, 3) -> 1; (0, "
             "0) -> 0; (0, 3) -> 0; (3, 0) -> 0; (0, 2, 2) -> 0; (2, 1, 3, 2) -> 0",
    .doc =
        "(..., k, m + n): columns of Q (conjugated) and rows of R by row; k = min(m, n), or m if "
        "complete",
};
