/* x = U S V^T for x (..., m, n), k = min(m, n): svd gives (..., k, m + 1 + n), in row i the i-th
 * column of U, the i-th singular value (descending), the i-th column of V. */
#include "core/ops/matrices.h"
#include <string.h>

imnn_node g_svd(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_svd, 1, &x, NULL);
}

imnn_node g_singular_values(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_singular_values, 1, &x, NULL);
}

static int64_t least(const imnn_shape *s)
{
    const int64_t m = imnn_from_end(s, 2), n = imnn_from_end(s, 1);
    return m < n ? m : n;
}

static imnn_status infer_svd(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = imnn_matrix_check("svd", &in[0].shape, false, IMNN_SMALL_SPECTRUM);
    const imnn_shape *s = &in[0].shape;
    *out = in[0];
    if (st != IMNN_OK) return st;
    out->shape.size[s->ndim - 2] = least(s);
    out->shape.size[s->ndim - 1] = imnn_from_end(s, 2) + 1 + imnn_from_end(s, 1);
    return IMNN_OK;
}

static imnn_status infer_values(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = imnn_matrix_check("singular_values", &in[0].shape, false, IMNN_SMALL_SPECTRUM);
    *out = in[0];
    if (st != IMNN_OK) return st;
    out->shape.ndim--;
    out->shape.size[out->shape.ndim - 1] = least(&in[0].shape);
    return IMNN_OK;
}

/* x + (x^T) */
static imnn_node plus_transposed(imnn_graph *g, imnn_node x) { return g_add(g, x, g_swap(g, x)); }

/* What of (k, n) rows is orthogonal to the rows of b. */
static imnn_node beside(imnn_graph *g, imnn_node x, imnn_node b)
{
    return g_sub(g, x, g_product(g, g_product(g, x, b, false, true), b, false, false));
}

/* Townsend, "Differentiating the singular value decomposition" (2016): with J = F U^T dU, K =
 * F V^T dV, F_ij = 1 / (s_j^2 - s_i^2),
 *   dX = U ((J + J^T) S + S (K + K^T) + diag ds) V^T + (1 - U U^T) dU S^-1 V^T
 *        + U S^-1 dV^T (1 - V V^T)
 * Vectors of equal singular values, and those beside the zero ones, have no derivative: it is NaN,
 * unless nothing depends on them. */
static void vjp_svd(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    const int64_t m = imnn_from_end(&in, 2), n = imnn_from_end(&in, 1), k = least(&in);
    imnn_node ut = g_part(g, y, 1, 0, m), s = g_part(g, y, 1, m, 1), vt = g_part(g, y, 1, m + 1, n);
    imnn_node dut = g_part(g, dy, 1, 0, m), ds = g_part(g, dy, 1, m, 1),
              dvt = g_part(g, dy, 1, m + 1, n);
    imnn_node st = g_swap(g, s), gaps = g_mul(g, g_sub(g, st, s), g_add(g, st, s));
    imnn_node J = g_off_diagonal(g, g_product(g, ut, dut, false, true));
    imnn_node K = g_off_diagonal(g, g_product(g, vt, dvt, false, true));
    J = g_quotient(g, J, gaps), K = g_quotient(g, K, gaps);
    imnn_node middle =
        g_add(g, g_mul(g, plus_transposed(g, J), st), g_mul(g, s, plus_transposed(g, K)));
    middle = g_add(g, middle, g_diagonal(g, g_mul(g, g_full_like(g, J, 1), ds)));
    imnn_node right = g_product(g, middle, vt, false, false);
    if (n > k) right = g_add(g, right, g_quotient(g, beside(g, dvt, vt), s));
    dx[0] = g_product(g, ut, right, true, false);
    if (m > k)
        dx[0] =
            g_add(g, dx[0], g_product(g, g_quotient(g, beside(g, dut, ut), s), vt, true, false));
}

/* dX = U diag(ds) V^T */
static void vjp_values(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                       imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    const int64_t m = imnn_from_end(&in, 2), n = imnn_from_end(&in, 1);
    imnn_node all = g_svd(g, v->x[0]);
    imnn_node ut = g_part(g, all, 1, 0, m), vt = g_part(g, all, 1, m + 1, n);
    dx[0] = g_product(g, ut, g_mul(g, g_expand(g, dy, v->type.shape.ndim), vt), true, false);
}

static int least_of(const imnn_matrix_job *j)
{
    return j->rows[0] < j->columns[0] ? j->rows[0] : j->columns[0];
}

/* In the room: U^T, s, V^T, and what imnn_svd needs. */
static bool all(const imnn_matrix_job *j)
{
    const size_t m = (size_t)j->rows[0], n = (size_t)j->columns[0], k = (size_t)least_of(j);
    double *ut = j->work, *s = ut + k * m, *vt = s + k, *y = j->y;
    if (!imnn_svd(s, ut, vt, j->x[0], (int)m, (int)n, vt + k * n)) return false;
    for (size_t i = 0; i < k; i++, y += m + 1 + n) {
        memcpy(y, ut + i * m, m * sizeof *y);
        y[m] = s[i];
        memcpy(y + m + 1, vt + i * n, n * sizeof *y);
    }
    return true;
}

static bool values(const imnn_matrix_job *j)
{
    return imnn_svd(j->y, NULL, NULL, j->x[0], j->rows[0], j->columns[0], j->work);
}

static void kernel_svd(const imnn_call *c)
{
    const imnn_shape *s = &c->in[0].type.shape;
    const size_t m = (size_t)imnn_from_end(s, 2), n = (size_t)imnn_from_end(s, 1),
                 k = (size_t)least(s);
    imnn_matrices(c, k * (m + n + 1) + imnn_svd_room((int)m, (int)n), all,
                  "svd: a matrix holds numbers that are not finite");
}

static void kernel_values(const imnn_call *c)
{
    const imnn_shape *s = &c->in[0].type.shape;
    imnn_matrices(c, imnn_svd_room((int)imnn_from_end(s, 2), (int)imnn_from_end(s, 1)), values,
                  "singular_values: a matrix holds numbers that are not finite");
}

const imnn_op imnn_op_svd = {
    .name = "svd",
    .id = IMNN_OP_svd,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_REALS,
    .build = imnn_matrix_build,
    .infer = infer_svd,
    .vjp = vjp_svd,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_svd,
    .range = {-2, 2},
    .cases = "(2, 2); (4, 3); (2, 3); (1, 1); (2, 3, 3); (10, 9)",
    .doc = "(..., k, m + 1 + n), k = min(m, n): columns of U, singular value, columns of V by row",
};

const imnn_op imnn_op_singular_values = {
    .name = "singular_values",
    .id = IMNN_OP_singular_values,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_REALS,
    .build = imnn_matrix_build,
    .infer = infer_values,
    .vjp = vjp_values,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_values,
    .range = {-2, 2},
    .cases = "(2, 2); (4, 3); (2, 3); (1, 1); (2, 3, 3); (10, 9)",
    .doc = "singular values, descending",
};
