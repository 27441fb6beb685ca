/* x = U S V^H for x (..., m, n), k = min(m, n): svd gives (..., k, m + 1 + n), in row i the i-th
 * row of U^H, the i-th singular value (descending), the i-th row of V^H. Of complex matrices a pair
 * of vectors may have any phase; derivatives are those of JAX. */
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

static int small(const imnn_type *t) { return imnn_is_complex(t->dtype) ? 0 : IMNN_SMALL_SPECTRUM; }

static imnn_status infer_svd(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = imnn_matrix_check("svd", &in[0].shape, false, small(&in[0]));
    const imnn_shape *s = &in[0].shape;
    *out = in[0];
    if (st != IMNN_OK) return st;
    out->shape.size[s->ndim - 2] = least(s);
    out->shape.size[s->ndim - 1] = imnn_from_end(s, 2) + 1 + imnn_from_end(s, 1);
    return IMNN_OK;
}

static imnn_status infer_values(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = imnn_matrix_check("singular_values", &in[0].shape, false, small(&in[0]));
    *out = (imnn_type){imnn_part_dtype(in[0].dtype), in[0].shape};
    if (st != IMNN_OK) return st;
    out->shape.ndim--;
    out->shape.size[out->shape.ndim - 1] = least(&in[0].shape);
    return IMNN_OK;
}

/* x + x^H */
static imnn_node plus_adjoint(imnn_graph *g, imnn_node x)
{
    return g_add(g, x, g_conj(g, g_swap(g, x)));
}

/* What of rows x is orthogonal to the orthonormal rows b. */
static imnn_node beside(imnn_graph *g, imnn_node x, imnn_node b)
{
    imnn_node along = g_product(g, x, g_conj(g, b), false, true);
    return g_sub(g, x, g_product(g, along, b, false, false));
}

/* diag ds; of complex matrices also what turns a pair of vectors, of which U takes the whole. */
static imnn_node on_diagonal(imnn_graph *g, imnn_node a, imnn_node s, imnn_node ds)
{
    if (imnn_is_complex(imnn_graph_dtype(g, a))) {
        const int last = imnn_graph_shape(g, a)->ndim - 1;
        imnn_node turn = g_sum(g, g_imag(g, g_diagonal(g, a)), &(imnn_attr){1, {last}});
        turn = g_quotient(g, g_expand(g, turn, last), g_real(g, s));
        ds = g_complex(g, g_real(g, ds), g_neg(g, turn));
    }
    return g_diagonal(g, g_mul(g, g_full_like(g, a, 1), ds));
}

/* Townsend, "Differentiating the singular value decomposition" (2016), and jax.lax.linalg for
 * complex matrices: with J = -F (dU^H U*), K = -F (dV^H V*), F_ij = 1 / (s_j^2 - s_i^2), where * is
 * conjugated and all are of rows,
 *   dX = U* ((J + J^H) S + S (K + K^H) + diag ds) V^T + ((1 - U U^H) dU S^-1)* V^T
 *        + U* S^-1 dV^H (1 - V V^H)*
 * Vectors of equal singular values, and those beside the zero ones, have no derivative: it is NaN,
 * unless nothing depends on them. */
static void vjp_svd(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    const int64_t m = imnn_from_end(&in, 2), n = imnn_from_end(&in, 1), k = least(&in);
    imnn_node uh = g_part(g, y, 1, 0, m), s = g_part(g, y, 1, m, 1), vh = g_part(g, y, 1, m + 1, n);
    imnn_node duh = g_part(g, dy, 1, 0, m), ds = g_part(g, dy, 1, m, 1),
              dvh = g_part(g, dy, 1, m + 1, n);
    imnn_node st = g_swap(g, s), gaps = g_mul(g, g_sub(g, s, st), g_add(g, s, st));
    imnn_node a = g_product(g, duh, uh, false, true), b = g_product(g, dvh, vh, false, true);
    imnn_node J = g_quotient(g, g_off_diagonal(g, a), gaps);
    imnn_node K = g_quotient(g, g_off_diagonal(g, b), gaps);
    imnn_node middle = g_add(g, g_mul(g, plus_adjoint(g, J), st), g_mul(g, s, plus_adjoint(g, K)));
    middle = g_add(g, middle, on_diagonal(g, a, s, ds));
    imnn_node vt = g_conj(g, vh), right = g_product(g, middle, vt, false, false);
    if (n > k) right = g_add(g, right, g_quotient(g, beside(g, dvh, vt), s));
    dx[0] = g_product(g, uh, right, true, false);
    if (m > k)
        dx[0] =
            g_add(g, dx[0],
                  g_product(g, g_quotient(g, beside(g, g_conj(g, duh), uh), s), vt, true, false));
}

/* dX = U* diag(ds) V^T */
static void vjp_values(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                       imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    const int64_t m = imnn_from_end(&in, 2), n = imnn_from_end(&in, 1);
    imnn_node all = g_svd(g, v->x[0]);
    imnn_node uh = g_part(g, all, 1, 0, m), vh = g_part(g, all, 1, m + 1, n);
    imnn_node ds = g_convert(g, g_expand(g, dy, v->type.shape.ndim), imnn_graph_dtype(g, all));
    dx[0] = g_product(g, uh, g_mul(g, ds, g_conj(g, vh)), true, false);
}

static int least_of(const imnn_matrix_job *j)
{
    return j->rows[0] < j->columns[0] ? j->rows[0] : j->columns[0];
}

static bool all_complex(const imnn_matrix_job *j)
{
    const size_t m = (size_t)j->rows[0], n = (size_t)j->columns[0], k = (size_t)least_of(j);
    double *uh = j->work, *s = uh + 2 * k * m, *vh = s + k, *y = j->y;
    if (!imnn_svd_complex(s, uh, vh, j->x[0], (int)m, (int)n, vh + 2 * k * n)) return false;
    for (size_t i = 0; i < k; i++, y += 2 * (m + 1 + n)) {
        memcpy(y, uh + 2 * i * m, 2 * m * sizeof *y);
        y[2 * m] = s[i], y[2 * m + 1] = 0;
        memcpy(y + 2 * m + 2, vh + 2 * i * n, 2 * n * sizeof *y);
    }
    return true;
}

/* In the room: U^T, s, V^T, and what imnn_svd needs. */
static bool all(const imnn_matrix_job *j)
{
    const size_t m = (size_t)j->rows[0], n = (size_t)j->columns[0], k = (size_t)least_of(j);
    if (j->complex) return all_complex(j);
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
    if (j->complex)
        return imnn_svd_complex(j->y, NULL, NULL, j->x[0], j->rows[0], j->columns[0], j->work);
    return imnn_svd(j->y, NULL, NULL, j->x[0], j->rows[0], j->columns[0], j->work);
}

/* Room of imnn_svd for the matrices of a call, and for so many vectors of numbers. */
static size_t room(const imnn_call *c, size_t kept)
{
    const imnn_shape *s = &c->in[0].type.shape;
    const int m = (int)imnn_from_end(s, 2), n = (int)imnn_from_end(s, 1);
    return imnn_is_complex(c->in[0].type.dtype) ? 2 * kept + imnn_svd_complex_room(m, n)
                                                : kept + imnn_svd_room(m, n);
}

static void kernel_svd(const imnn_call *c)
{
    const imnn_shape *s = &c->in[0].type.shape;
    const size_t all_of = (size_t)(imnn_from_end(s, 2) + imnn_from_end(s, 1) + 1);
    imnn_matrices(c, room(c, (size_t)least(s) * all_of), all,
                  "svd: a matrix holds numbers that are not finite");
}

static void kernel_values(const imnn_call *c)
{
    imnn_matrices(c, room(c, 0), values,
                  "singular_values: a matrix holds numbers that are not finite");
}

const imnn_op imnn_op_svd = {
    .name = "svd",
    .id = IMNN_OP_svd,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = imnn_spectrum_build,
    .infer = infer_svd,
    .vjp = vjp_svd,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_svd,
    .phases = true,
    .range = {-2, 2},
    .cases = "(2, 2); (4, 3); (2, 3); (1, 1); (2, 3, 3); (10, 9); (0, 0); (0, 3); (3, 0); (0, 2, "
             "2); (2, 1, 2, 3)",
    .doc = "(..., k, m + 1 + n), k = min(m, n): by row of U^H, singular value, row of V^H",
};

const imnn_op imnn_op_singular_values = {
    .name = "singular_values",
    .id = IMNN_OP_singular_values,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = imnn_spectrum_build,
    .infer = infer_values,
    .vjp = vjp_values,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_values,
    .gives = "real",
    .range = {-2, 2},
    .cases = "(2, 2); (4, 3); (2, 3); (1, 1); (2, 3, 3); (10, 9); (0, 0); (0, 3); (3, 0); (0, 2, "
             "2); (2, 1, 2, 3)",
    .doc = "singular values, descending",
};
