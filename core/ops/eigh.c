/* Eigenvalues, ascending, and eigenvectors of (x + x^H) / 2, for x (..., n, n): eigh gives
 * (..., n + 1, n), first the eigenvalues, then the matrix whose columns the vectors are. Of complex
 * matrices vectors may have any phase; their derivatives are orthogonal to them, as JAX has it. */
#include "core/ops/matrices.h"

imnn_node g_eigh(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_eigh, 1, &x, NULL);
}

imnn_node g_eigvalsh(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_eigvalsh, 1, &x, NULL);
}

static int small(const imnn_type *t) { return imnn_is_complex(t->dtype) ? 0 : IMNN_SMALL_SPECTRUM; }

static imnn_status infer_eigh(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    if (in[0].shape.ndim > 1) out->shape.size[out->shape.ndim - 2]++;
    return imnn_matrix_check("eigh", &in[0].shape, true, small(&in[0]));
}

static imnn_status infer_eigvalsh(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = (imnn_type){imnn_part_dtype(in[0].dtype), in[0].shape};
    out->shape.ndim--;
    return imnn_matrix_check("eigvalsh", &in[0].shape, true, small(&in[0]));
}

/* conj(V) M V^T, made Hermitian */
static imnn_node back(imnn_graph *g, imnn_node v, imnn_node m)
{
    return g_hermitian(g,
                       g_product(g, g_product(g, g_conj(g, v), m, false, false), v, false, true));
}

/* dX = conj(V) (diag dw + F V^T dV) V^T with F_ij = 1 / (w_j - w_i). Vectors of equal eigenvalues
 * have no derivative: it is NaN, unless nothing depends on them. */
static void vjp_eigh(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const int64_t n = imnn_from_end(&v->type.shape, 1);
    imnn_node w = g_part(g, y, 2, 0, 1), vectors = g_part(g, y, 2, 1, n);
    imnn_node dw = g_part(g, dy, 2, 0, 1), dv = g_part(g, dy, 2, 1, n);
    imnn_node gaps = g_sub(g, w, g_swap(g, w));
    imnn_node turns = g_off_diagonal(g, g_product(g, vectors, dv, true, false));
    imnn_node ones = g_full_like(g, turns, 1);
    dx[0] =
        back(g, vectors, g_add(g, g_quotient(g, turns, gaps), g_diagonal(g, g_mul(g, ones, dw))));
}

/* dX = conj(V) diag(dw) V^T */
static void vjp_eigvalsh(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                         imnn_node *dx)
{
    const int64_t n = imnn_from_end(&v->type.shape, 1);
    imnn_node vectors = g_part(g, g_eigh(g, v->x[0]), 2, 1, n);
    imnn_node dw =
        g_convert(g, g_expand(g, dy, v->type.shape.ndim - 1), imnn_graph_dtype(g, vectors));
    imnn_node scaled = g_mul(g, g_conj(g, vectors), dw);
    dx[0] = g_hermitian(g, g_product(g, scaled, vectors, false, true));
}

static bool both(const imnn_matrix_job *j)
{
    const int n = j->rows[0];
    if (j->complex) {
        if (!imnn_eigh_complex(j->y, j->y + 2 * n, j->x[0], n, j->work)) return false;
        for (int i = n - 1; i >= 0; i--) j->y[2 * i] = j->y[i], j->y[2 * i + 1] = 0;
        return true;
    }
    return imnn_eigh(j->y, j->y + j->rows[0], j->x[0], j->rows[0], j->work);
}

static bool values(const imnn_matrix_job *j)
{
    if (j->complex) return imnn_eigh_complex(j->y, NULL, j->x[0], j->rows[0], j->work);
    return imnn_eigh(j->y, NULL, j->x[0], j->rows[0], j->work);
}

static size_t room(const imnn_call *c)
{
    const int n = (int)imnn_from_end(&c->in[0].type.shape, 1);
    return imnn_is_complex(c->in[0].type.dtype) ? imnn_eigh_complex_room(n) : imnn_eigh_room(n);
}

static void kernel_eigh(const imnn_call *c)
{
    imnn_matrices(c, room(c), both, "eigh: a matrix holds numbers that are not finite");
}

static void kernel_eigvalsh(const imnn_call *c)
{
    imnn_matrices(c, room(c), values, "eigvalsh: a matrix holds numbers that are not finite");
}

const imnn_op imnn_op_eigh = {
    .name = "eigh",
    .id = IMNN_OP_eigh,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = imnn_spectrum_build,
    .infer = infer_eigh,
    .vjp = vjp_eigh,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_eigh,
    .phases = true,
    .range = {-2, 2},
    .cases = "(2, 2); (3, 3); (1, 1); (2, 4, 4); (10, 10); (0, 0); (0, 2, 2); (2, 1, 2, 2)",
    .doc = "(..., n + 1, n): eigenvalues of (x + x^H) / 2, ascending, above the matrix of vectors",
};

const imnn_op imnn_op_eigvalsh = {
    .name = "eigvalsh",
    .id = IMNN_OP_eigvalsh,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = imnn_spectrum_build,
    .infer = infer_eigvalsh,
    .vjp = vjp_eigvalsh,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_eigvalsh,
    .gives = "real",
    .range = {-2, 2},
    .cases = "(2, 2); (3, 3); (1, 1); (2, 4, 4); (10, 10); (0, 0); (0, 2, 2); (2, 1, 2, 2)",
    .doc = "eigenvalues of (x + x^H) / 2, ascending",
};
