#ifndef CORE_OPS_MATRICES_H
#define CORE_OPS_MATRICES_H
#include "core/linalg/linalg.h"
#include "core/ops/ops.h"

/* Operators of matrices along the last two axes. All are computed in double: for other dtypes the
 * builder converts. Those of complex matrices that are not said to be more are never nodes: the
 * builder makes them of real matrices of twice the size. A second input of right sides may have
 * more leading axes than the first, which is one matrix for all of them then. */

imnn_build_fn imnn_matrix_build;
/** The same where complex matrices have kernels of their own. */
imnn_build_fn imnn_spectrum_build;
/** Two inputs: leading axes are made equal, but one matrix stays one. */
imnn_build_fn imnn_system_build;
imnn_batch_fn imnn_system_batch;
/** Rows along any leading axis. */
imnn_rows_fn imnn_matrix_rows;

/** IMNN_OK, or a sentence: at least two axes, sizes that LAPACK can count. */
imnn_status imnn_matrix_check(const char *who, const imnn_shape *s, bool square, int small);
/** The same for A (n, n) and B (n, m) of a system. */
imnn_status imnn_system_check(const char *who, const imnn_type *in);
static inline int64_t imnn_from_end(const imnn_shape *s, int axis)
{
    return s->size[s->ndim - axis];
}

/** One matrix of a kernel's work. */
typedef struct imnn_matrix_job {
    const imnn_attr *attr;
    const double *x[2];
    int rows[2], columns[2]; /* of the inputs */
    double *y, *work;
    bool complex; /* x[0] is: two doubles an element */
    bool again;   /* x[0] is the same as in the call before, and so is what was left in work */
} imnn_matrix_job;
typedef bool imnn_matrix_fn(const imnn_matrix_job *);
/** fn for all matrices of a call. Where it says false the result is NaN, and `fault` is told. */
void imnn_matrices(const imnn_call *c, size_t work, imnn_matrix_fn *fn, const char *fault);

/** Complex matrices (..., n, m) as real ones (..., 2 n, 2 m), where x + i y is ((x, -y), (y, x)).
 *  Sums, products, inverses, powers, exponentials of these are those of the complex ones, the
 *  transposed is the adjoint, triangles with a real diagonal stay triangles; so are derivatives. */
imnn_node g_pairs(imnn_graph *g, imnn_node z);
imnn_node g_unpaired(imnn_graph *g, imnn_node x);
/** An operator of complex matrices through these. */
imnn_build_fn imnn_pairs_build;

/* what rules are written with */
/** A B, each transposed or not. */
imnn_node g_product(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb);
/** A B^T; summed over the leading axes where `single`. */
imnn_node g_outer_product(imnn_graph *g, imnn_node a, imnn_node b, bool single);
/** bool (n, m): row - column >= k */
imnn_node g_below(imnn_graph *g, int64_t n, int64_t m, int64_t k);
/** x where the mask holds, else 0. */
imnn_node g_masked(imnn_graph *g, imnn_node mask, imnn_node x);
/** a / b, but 0 where a is 0, whatever b; NaN where only b is 0. */
imnn_node g_quotient(imnn_graph *g, imnn_node a, imnn_node b);
/** x without its diagonal; only its diagonal. */
/** (x + x^H) / 2 */
imnn_node g_hermitian(imnn_graph *g, imnn_node x);
imnn_node g_off_diagonal(imnn_graph *g, imnn_node x);
imnn_node g_diagonal(imnn_graph *g, imnn_node x);
#endif
