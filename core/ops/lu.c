/* P x = L U for x (..., m, n), by rows with the largest pivots: lu gives (..., m, 2 + n), in row i
 * the row that it was exchanged with at that step, the row of x that it is, both counted from 0,
 * and the i-th row of U, before which stands what L has below its diagonal of ones. */
#include "core/ops/matrices.h"
#include <string.h>

imnn_node g_lu(imnn_graph *g, imnn_node x) { return imnn_graph_build(g, IMNN_OP_lu, 1, &x, NULL); }

/* The square matrix (..., m, m) with ones where column j of row i is row i of x. */
static imnn_node permutation(imnn_graph *g, imnn_node y, int64_t m)
{
    imnn_node rows = g_part(g, y, 1, 1, 1);
    if (imnn_is_complex(imnn_graph_dtype(g, y))) rows = g_real(g, rows);
    const imnn_shape s = {2, {m, m}};
    imnn_node at = g_eq(g, g_convert(g, rows, IMNN_I32), g_iota(g, IMNN_I32, &s, 1));
    return g_convert(g, at, imnn_graph_dtype(g, y));
}

/* A wide matrix: its square part gives L, and the rest of U is L^-1 P times the rest. */
static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_shape s = *imnn_graph_shape(g, x[0]);
    if (s.ndim < 2 || imnn_from_end(&s, 2) >= imnn_from_end(&s, 1))
        return imnn_spectrum_build(g, op, n, x, attr);
    const int64_t m = imnn_from_end(&s, 2);
    imnn_node square = g_lu(g, g_part(g, x[0], 1, 0, m));
    imnn_node rest = g_part(g, x[0], 1, m, imnn_from_end(&s, 1) - m);
    rest = g_product(g, permutation(g, square, m), rest, false, false);
    rest = g_triangular_solve(g, g_part(g, square, 1, 2, m), rest, IMNN_LOWER | IMNN_UNIT_DIAGONAL);
    return g_concatenate(g, 2, (imnn_node[]){square, rest}, s.ndim - 1);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    imnn_status st = imnn_matrix_check("lu", &in[0].shape, false, 0);
    if (st == IMNN_OK) out->shape.size[in[0].shape.ndim - 1] += 2;
    return st;
}

/* With dL below the diagonal of dy and dU on it and above, P dX = L^-T M U^-T, where M is L^T dL
 * below the diagonal and dU U^T on it and above. L of a tall matrix is continued by the identity.
 */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    const int64_t m = imnn_from_end(&in, 2), n = imnn_from_end(&in, 1);
    imnn_node both = g_part(g, y, 1, 2, n), d = g_part(g, dy, 1, 2, n);
    imnn_node below = g_below(g, m, n, 1), u = g_part(g, both, 2, 0, n), l = both;
    if (m > n) {
        imnn_shape rest = in;
        rest.size[in.ndim - 1] = m - n;
        l = g_concatenate(g, 2, (imnn_node[]){l, g_broadcast(g, g_number(g, l, 0), &rest)},
                          in.ndim - 1);
    }
    imnn_node one = g_diagonal(g, g_full_like(g, l, 1));
    imnn_node full = g_add(g, one, g_masked(g, g_below(g, m, m, 1), l));
    imnn_node lower = g_product(g, full, g_masked(g, below, d), true, false);
    imnn_node triangle = g_masked(g, g_not(g, g_below(g, n, n, 1)), u);
    imnn_node upper = g_product(g, g_masked(g, g_not(g, below), d), triangle, false, true);
    imnn_node all = g_where(g, below, lower, upper);
    const int how = IMNN_LOWER | IMNN_TRANSPOSED | IMNN_UNIT_DIAGONAL;
    all = g_triangular_solve(g, l, all, how);                     /* L^-T M */
    all = g_swap(g, g_triangular_solve(g, u, g_swap(g, all), 0)); /* M U^-T = (U^-1 M^T)^T */
    dx[0] = g_product(g, permutation(g, y, m), all, true, false);
}

/* ---- kernel: LAPACK, by columns ---- */

static void turn(double *y, const double *x, size_t rows, size_t columns, size_t numbers)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            memcpy(y + numbers * (j * rows + i), x + numbers * (i * columns + j),
                   numbers * sizeof *y);
}

static void write_row(double *y, size_t numbers, double exchanged, double from)
{
    memset(y, 0, 2 * numbers * sizeof *y);
    y[0] = exchanged, y[numbers] = from;
}

static bool one(const imnn_matrix_job *j)
{
    const imnn_lapack *l;
    const size_t m = (size_t)j->rows[0], n = (size_t)j->columns[0], numbers = j->complex ? 2 : 1;
    double *a = j->work, *y = j->y;
    int *pivot = (int *)(void *)(a + numbers * m * n), *from = pivot + m, info = 0;
    if (imnn_lapack_get(&l) != IMNN_OK) return false;
    turn(a, j->x[0], m, n, numbers);
    if (m > 0 && n > 0)
        (j->complex ? l->zgetrf : l->dgetrf)(&j->rows[0], &j->columns[0], a, &j->rows[0], pivot,
                                             &info);
    for (size_t i = 0; i < m; i++) from[i] = (int)i;
    for (size_t i = 0; i < m; i++) {
        const size_t p = i < n ? (size_t)pivot[i] - 1 : i; /* it counts from 1 */
        const int other = from[p];
        from[p] = from[i], from[i] = other;
        pivot[i] = (int)p;
    }
    for (size_t i = 0; i < m; i++, y += numbers * (2 + n)) {
        write_row(y, numbers, pivot[i], from[i]);
        for (size_t k = 0; k < n; k++)
            memcpy(y + numbers * (2 + k), a + numbers * (k * m + i), numbers * sizeof *y);
    }
    return true;
}

static void kernel(const imnn_call *c)
{
    const imnn_shape *s = &c->in[0].type.shape;
    const size_t m = (size_t)imnn_from_end(s, 2), n = (size_t)imnn_from_end(s, 1);
    imnn_matrices(c, 2 * m * n + m + 1, one, "lu: OpenBLAS is not there");
}

const imnn_op imnn_op_lu = {
    .name = "lu",
    .id = IMNN_OP_lu,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel,
    .range = {-2, 2},
    .diagonal = 3,
    .cases = "(2, 2); (3, 3); (1, 1); (4, 2); (2, 3); (2, 3, 3); (0, 0); (0, 2, 2); (2, 1, 2, 2); "
             "(3, 0)",
    .doc = "(..., m, 2 + n): by row what it was exchanged with, where it comes from, L and U",
};
