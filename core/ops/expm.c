/* expm(x): e^x of square matrices, and its derivative expm_frechet(x, e) along e. That is the upper
 * right block of e^B for B = ((x, e), (0, x)) (Higham, "Functions of Matrices", 3.16), so its
 * own derivative is the same operator of larger matrices. */
#include "core/ops/matrices.h"
#include <string.h>

imnn_node g_expm(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_expm, 1, &x, NULL);
}

imnn_node g_expm_frechet(imnn_graph *g, imnn_node x, imnn_node e)
{
    return imnn_graph_build(g, IMNN_OP_expm_frechet, 2, (imnn_node[]){x, e}, NULL);
}

static imnn_status infer_expm(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    return imnn_matrix_check("expm", &in[0].shape, true, IMNN_SMALL_MATRIX);
}

static imnn_status infer_frechet(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[1];
    imnn_status st = imnn_matrix_check("expm_frechet", &in[0].shape, true, IMNN_SMALL_MATRIX / 2);
    if (st == IMNN_OK) st = imnn_matrix_check("expm_frechet", &in[1].shape, true, 20000);
    if (st == IMNN_OK && imnn_from_end(&in[0].shape, 1) != imnn_from_end(&in[1].shape, 1))
        st = imnn_fail(IMNN_ESHAPE, "expm_frechet: the direction %s is not like the matrix %s",
                       imnn_shape_text(&in[1].shape).s, imnn_shape_text(&in[0].shape).s);
    return st;
}

static void vjp_expm(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    dx[0] = g_expm_frechet(g, g_swap(g, v->x[0]), dy);
}

/* ((a, b), (0, a)), or with a = 0 ((0, b), (0, 0)) */
static imnn_node block(imnn_graph *g, imnn_node a, imnn_node b)
{
    const imnn_shape s = *imnn_graph_shape(g, b);
    imnn_node zero = g_zeros_like(g, b);
    if (!a) a = zero;
    imnn_node above = g_concatenate(g, 2, (imnn_node[]){a, b}, s.ndim - 1);
    imnn_node below = g_concatenate(g, 2, (imnn_node[]){zero, a}, s.ndim - 1);
    return g_concatenate(g, 2, (imnn_node[]){above, below}, s.ndim - 2);
}

static imnn_node quarter(imnn_graph *g, imnn_node x, int64_t n, bool lower, bool right)
{
    return g_part(g, g_part(g, x, 2, lower ? n : 0, n), 1, right ? n : 0, n);
}

/* D, the derivative of e^B at B^T along the cotangent in its block: dx = D_11 + D_22, de = D_12. */
static void vjp_frechet(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                        imnn_node *dx)
{
    const imnn_shape s = v->type.shape;
    const int64_t n = imnn_from_end(&s, 1);
    imnn_node x = v->x[0];
    const bool single = imnn_graph_shape(g, x)->ndim == 2 && s.ndim > 2;
    if (dx[1] >= 0) dx[1] = g_expm_frechet(g, g_swap(g, x), dy);
    if (dx[0] < 0) return;
    imnn_node d =
        g_expm_frechet(g, g_swap(g, block(g, g_broadcast(g, x, &s), v->x[1])), block(g, 0, dy));
    d = g_add(g, quarter(g, d, n, false, false), quarter(g, d, n, true, true));
    imnn_attr lead = {.n = s.ndim - 2};
    for (int k = 0; k < lead.n; k++) lead.v[k] = k;
    dx[0] = single ? g_sum(g, d, &lead) : d;
}

static bool exponential(const imnn_matrix_job *j)
{
    return imnn_expm(j->y, j->x[0], j->rows[0], j->work);
}

static bool derivative(const imnn_matrix_job *j)
{
    const size_t n = (size_t)j->rows[0];
    double *b = j->work, *e = b + 4 * n * n;
    for (size_t i = 0; i < n; i++) {
        memcpy(b + 2 * n * i, j->x[0] + n * i, n * sizeof *b);
        memcpy(b + 2 * n * i + n, j->x[1] + n * i, n * sizeof *b);
        memset(b + 2 * n * (n + i), 0, n * sizeof *b);
        memcpy(b + 2 * n * (n + i) + n, j->x[0] + n * i, n * sizeof *b);
    }
    if (!imnn_expm(e, b, (int)(2 * n), e + 4 * n * n)) return false;
    for (size_t i = 0; i < n; i++) memcpy(j->y + n * i, e + 2 * n * i + n, n * sizeof *e);
    return true;
}

static void kernel_expm(const imnn_call *c)
{
    const int n = (int)imnn_from_end(&c->in[0].type.shape, 1);
    imnn_matrices(c, imnn_expm_room(n), exponential,
                  "expm: a matrix holds numbers that are not finite");
}

static void kernel_frechet(const imnn_call *c)
{
    const int n = 2 * (int)imnn_from_end(&c->in[0].type.shape, 1);
    imnn_matrices(c, 2 * (size_t)n * (size_t)n + imnn_expm_room(n), derivative,
                  "expm_frechet: a matrix holds numbers that are not finite");
}

const imnn_op imnn_op_expm = {
    .name = "expm",
    .id = IMNN_OP_expm,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = imnn_matrix_build,
    .infer = infer_expm,
    .vjp = vjp_expm,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel_expm,
    .range = {-1, 1},
    .cases = "(2, 2); (3, 3); (1, 1); (2, 3, 3); (0, 0); (0, 2, 2); (2, 1, 2, 2)",
    .doc = "e^x of square matrices",
};

const imnn_op imnn_op_expm_frechet = {
    .name = "expm_frechet",
    .id = IMNN_OP_expm_frechet,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = imnn_system_build,
    .infer = infer_frechet,
    .vjp = vjp_frechet,
    .linear = 2,
    .smooth = 3,
    .batch = imnn_system_batch,
    .rows = imnn_matrix_rows,
    .kernel = kernel_frechet,
    .range = {-1, 1},
    .cases = "(2, 2) (2, 2); (3, 3) (3, 3); (2, 2) (3, 2, 2); (2, 2, 2) (2, 2, 2); (0, 0) (0, 0); "
             "(1, 1) (1, 1)",
    .doc = "derivative of e^x along e",
};
