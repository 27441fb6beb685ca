/* pinv(x): the pseudoinverse (..., n, m) of (..., m, n); singular values at or below `cut` times
 * the largest count as zero. */
#include "core/ops/matrices.h"
#include <string.h>

imnn_node g_pinv(imnn_graph *g, imnn_node x, double cut)
{
    imnn_attr attr = {.n = 1};
    memcpy(attr.v, &cut, sizeof cut);
    return imnn_graph_build(g, IMNN_OP_pinv, 1, &x, &attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_shape *s = &in[0].shape;
    *out = in[0];
    if (attr->n != 1) return imnn_fail(IMNN_EVALUE, "pinv: needs the bits of the cut, a double");
    imnn_status st = imnn_matrix_check("pinv", s, false, IMNN_SMALL_SPECTRUM);
    if (st != IMNN_OK) return st;
    out->shape.size[s->ndim - 2] = imnn_from_end(s, 1);
    out->shape.size[s->ndim - 1] = imnn_from_end(s, 2);
    return IMNN_OK;
}

/* Golub & Pereyra, SIAM J. Numer. Anal. 10, 413: dP = -P dX P + P P^T dX^T (1 - X P)
 * + (1 - P X) dX^T P^T P; the reverse of that. */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]);
    imnn_node x = v->x[0];
    imnn_node d = g_neg(g, g_product(g, g_product(g, y, dy, true, false), y, false, true));
    if (imnn_from_end(&in, 2) > imnn_from_end(&in, 1)) {
        imnn_node dp =
            g_sub(g, dy, g_product(g, g_product(g, dy, x, false, false), y, false, false));
        d = g_add(g, d, g_product(g, dp, g_product(g, y, y, false, true), true, false));
    } else if (imnn_from_end(&in, 2) < imnn_from_end(&in, 1)) {
        imnn_node pd =
            g_sub(g, dy, g_product(g, y, g_product(g, x, dy, false, false), false, false));
        d = g_add(g, d, g_product(g, g_product(g, y, y, true, false), pd, false, true));
    }
    dx[0] = d;
}

/* In the room: U^T, s, V^T, and what imnn_svd needs. */
static bool one(const imnn_matrix_job *j)
{
    const size_t m = (size_t)j->rows[0], n = (size_t)j->columns[0], k = m < n ? m : n;
    double *ut = j->work, *s = ut + k * m, *vt = s + k, cut;
    memcpy(&cut, j->attr->v, sizeof cut);
    if (!imnn_svd(s, ut, vt, j->x[0], (int)m, (int)n, vt + k * n)) return false;
    memset(j->y, 0, m * n * sizeof *j->y);
    for (size_t r = 0; r < k && s[r] > cut * s[0]; r++)
        for (size_t i = 0; i < n; i++) {
            const double factor = vt[r * n + i] / s[r];
            for (size_t c = 0; c < m; c++) j->y[i * m + c] += factor * ut[r * m + c];
        }
    return true;
}

static void kernel(const imnn_call *c)
{
    const imnn_shape *s = &c->in[0].type.shape;
    const size_t m = (size_t)imnn_from_end(s, 2), n = (size_t)imnn_from_end(s, 1),
                 k = m < n ? m : n;
    imnn_matrices(c, k * (m + n + 1) + imnn_svd_room((int)m, (int)n), one,
                  "pinv: a matrix holds numbers that are not finite");
}

const imnn_op imnn_op_pinv = {
    .name = "pinv",
    .id = IMNN_OP_pinv,
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
    .diagonal = 2,
    .cases = "(2, 2) -> 0; (4, 3) -> 0; (2, 3) -> 0; (1, 1) -> 0; (2, 3, 3) -> 0; (0, 0) -> 0; (0, "
             "3) -> 0; (3, 0) -> 0; (0, 2, 2) -> 0; (2, 1, 3, 2) -> 0",
    .doc = "pseudoinverse; singular values up to `cut` times the largest count as zero",
};
