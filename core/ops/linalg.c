/* inv, slogdet: square matrices (..., n, n), worked on in double. Singular ones give NaN, and sign
 * 0 with logarithm -infinity. */
#include "core/ops/matrices.h"
#include <math.h>
#include <string.h>

imnn_node g_inv(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_inv, 1, &x, NULL);
}

imnn_node g_slogdet(imnn_graph *g, imnn_node x)
{
    return imnn_graph_build(g, IMNN_OP_slogdet, 1, &x, NULL);
}

static bool is_large(const imnn_shape *s)
{
    return s->ndim > 1 && s->size[s->ndim - 1] > IMNN_SMALL_MATRIX;
}

/* Of complex matrices: from the diagonal of U and the number of exchanges. */
static imnn_node slogdet_complex(imnn_graph *g, imnn_node x)
{
    const imnn_dtype dtype = imnn_graph_dtype(g, x);
    const int64_t n = imnn_from_end(imnn_graph_shape(g, x), 1);
    const int last = imnn_graph_shape(g, x)->ndim - 1;
    const imnn_attr along = {1, {last}}, before = {1, {last - 1}};
    imnn_node lu = g_lu(g, x);
    if (!imnn_graph_ok(g)) return 0;
    imnn_node exchanged = g_real(g, g_squeeze(g, g_part(g, lu, 1, 0, 1), last));
    imnn_node diagonal = g_sum(g, g_diagonal(g, g_part(g, lu, 1, 2, n)), &along);
    imnn_node size = g_abs(g, diagonal), zero = g_number(g, size, 0);
    imnn_node none = g_eq(g, size, zero);
    imnn_node safe = g_where(g, none, g_number(g, size, 1), size);
    imnn_node place = g_iota(g, imnn_part_dtype(dtype), &(imnn_shape){1, {n}}, 0);
    imnn_node turn =
        g_where(g, g_ne(g, exchanged, place), g_number(g, size, -1), g_number(g, size, 1));
    imnn_node sign =
        g_mul(g, g_div(g, diagonal, g_convert(g, safe, dtype)), g_convert(g, turn, dtype));
    sign = g_prod(g, sign, &before);
    imnn_node log =
        g_sum(g, g_where(g, none, g_number(g, size, -INFINITY), g_log(g, safe)), &before);
    sign = g_expand(g, sign, last - 1), log = g_expand(g, g_convert(g, log, dtype), last - 1);
    return g_concatenate(g, 2, (imnn_node[]){sign, log}, last - 1);
}

static imnn_node by_lu(imnn_graph *g, const imnn_op *op, const imnn_node *x, const imnn_attr *attr)
{
    imnn_type out;
    const imnn_status st = op->infer(&out, 1, &imnn_vertex_of(g, x[0])->type, attr);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    return imnn_graph_ok(g) ? slogdet_complex(g, x[0]) : 0;
}

/* LAPACK works in place, so large matrices come in the dtype that it works in. */
static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const imnn_dtype dtype = imnn_graph_dtype(g, x[0]);
    if (imnn_is_complex(dtype))
        return op->id == IMNN_OP_inv ? imnn_pairs_build(g, op, n, x, attr) : by_lu(g, op, x, attr);
    if (dtype != IMNN_F32 || !is_large(imnn_graph_shape(g, x[0])))
        return imnn_graph_add(g, op, n, x, attr);
    imnn_node wide = g_convert(g, x[0], IMNN_F64);
    return g_convert(g, imnn_graph_build(g, op->id, 1, &wide, attr), dtype);
}

static imnn_status check(const char *who, const imnn_shape *s)
{
    const imnn_lapack *lapack;
    if (s->ndim < 2 || s->size[s->ndim - 1] != s->size[s->ndim - 2])
        return imnn_fail(IMNN_ESHAPE, "%s: needs square matrices, got %s", who,
                         imnn_shape_text(s).s);
    if (s->size[s->ndim - 1] > 46340) /* LAPACK counts elements in 32 bits */
        return imnn_fail(IMNN_ESHAPE, "%s: matrices of at most 46340 rows, got %s", who,
                         imnn_shape_text(s).s);
    return is_large(s) ? imnn_lapack_get(&lapack) : IMNN_OK;
}

static imnn_status infer_inv(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    return check("inv", &in[0].shape);
}

static imnn_status infer_slogdet(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    out->shape.ndim--;
    if (in[0].shape.ndim > 1) out->shape.size[out->shape.ndim - 1] = 2;
    return check("slogdet", &in[0].shape);
}

/* ---- rules ---- */

/* Y = X^-1: dX = -Y^T dY Y^T */
static void vjp_inv(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    dx[0] = g_neg(g, g_product(g, g_product(g, y, dy, true, false), y, false, true));
}

/* d ln|det X| / dX = X^-T; the sign has no derivative. */
static void vjp_slogdet(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                        imnn_node *dx)
{
    imnn_node dlog = g_expand(g, g_part(g, dy, 1, 1, 1), v->type.shape.ndim);
    dx[0] = g_mul(g, dlog, g_swap(g, g_inv(g, v->x[0])));
}

/* ---- kernels ---- */

static const char singular[] = "inv: a matrix is singular";

static void small(const imnn_call *c, int64_t count, int n)
{
    double a[IMNN_SMALL_MATRIX * IMNN_SMALL_MATRIX], y[IMNN_SMALL_MATRIX * IMNN_SMALL_MATRIX];
    int pivot[IMNN_SMALL_MATRIX];
    const bool inverse = c->out.type.shape.ndim == c->in[0].type.shape.ndim;
    const bool narrow = c->out.type.dtype == IMNN_F32;
    const int elements = n * n, results = inverse ? elements : 2;
    for (int64_t m = 0; m < count; m++) {
        for (int i = 0; i < elements; i++)
            a[i] = narrow ? (double)((const float *)c->in[0].data)[m * elements + i]
                          : ((const double *)c->in[0].data)[m * elements + i];
        imnn_lu(a, n, pivot);
        for (int k = 0; k < n && inverse; k++)
            if (a[k * (n + 1)] == 0 && c->fault) *c->fault = singular;
        if (inverse) imnn_lu_inverse(y, a, n, pivot);
        else imnn_lu_slogdet(y, a, n, pivot);
        for (int i = 0; i < results; i++)
            if (narrow) ((float *)c->out.data)[m * results + i] = (float)y[i];
            else ((double *)c->out.data)[m * results + i] = y[i];
    }
}

/* LAPACK reads rows as columns: that transposes what goes in and what comes out. */
static bool large_inverse(const imnn_lapack *l, double *y, int n, int *pivot, double *work,
                          int64_t room)
{
    int info = 0, length = (int)room;
    l->dgetrf(&n, &n, y, &n, pivot, &info);
    if (info == 0) l->dgetri(&n, y, &n, pivot, work, &length, &info);
    for (int64_t i = 0; info != 0 && i < (int64_t)n * n; i++) y[i] = NAN;
    return info == 0;
}

static void large_slogdet(const imnn_lapack *l, double *y, double *a, int n, int *pivot)
{
    int info = 0;
    l->dgetrf(&n, &n, a, &n, pivot, &info);
    for (int k = 0; k < n; k++) pivot[k]--; /* it counts from 1 */
    imnn_lu_slogdet(y, a, n, pivot);
}

enum { PANEL = 64 }; /* columns that dgetri likes to work on at a time */

static void large(const imnn_call *c, int64_t count, int n)
{
    const bool inverse = c->out.type.shape.ndim == c->in[0].type.shape.ndim;
    const int64_t elements = (int64_t)n * n, room = inverse ? (int64_t)n * PANEL : elements;
    const size_t work_bytes = (size_t)room * sizeof(double), pivot_bytes = (size_t)n * sizeof(int);
    const imnn_lapack *l;
    double *work = imnn_alloc_raw(work_bytes);
    int *pivot = imnn_alloc_raw(pivot_bytes);
    *c->failed = !work || !pivot || imnn_lapack_get(&l) != IMNN_OK;
    for (int64_t m = 0; m < count && !*c->failed; m++) {
        const double *x = (const double *)c->in[0].data + m * elements;
        double *y = (double *)c->out.data + m * (inverse ? elements : 2);
        memcpy(inverse ? y : work, x, (size_t)elements * sizeof *x);
        if (!inverse) large_slogdet(l, y, work, n, pivot);
        else if (!large_inverse(l, y, n, pivot, work, room) && c->fault) *c->fault = singular;
    }
    imnn_free(pivot, pivot_bytes);
    imnn_free(work, work_bytes);
}

static void kernel(const imnn_call *c)
{
    const imnn_shape *s = &c->in[0].type.shape;
    const int n = (int)s->size[s->ndim - 1];
    int64_t count = 1;
    for (int k = 0; k < s->ndim - 2; k++) count *= s->size[k];
    if (n > IMNN_SMALL_MATRIX) large(c, count, n);
    else small(c, count, n);
}

const imnn_op imnn_op_inv = {
    .name = "inv",
    .id = IMNN_OP_inv,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = build,
    .infer = infer_inv,
    .vjp = vjp_inv,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel,
    .range = {-2, 2},
    .cases = "(2, 2); (3, 3); (1, 1); (2, 3, 3); (0, 0); (0, 2, 2); (2, 1, 2, 2)",
    .doc = "inverse of square matrices; NaN for singular ones",
};

const imnn_op imnn_op_slogdet = {
    .name = "slogdet",
    .id = IMNN_OP_slogdet,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_FLOATS,
    .build = build,
    .infer = infer_slogdet,
    .vjp = vjp_slogdet,
    .batch = imnn_batch_leading,
    .rows = imnn_matrix_rows,
    .kernel = kernel,
    .range = {-2, 2},
    .cases = "(2, 2); (3, 3); (1, 1); (2, 3, 3); (0, 0); (0, 2, 2); (2, 1, 2, 2)",
    .doc = "sign and ln |det| of square matrices; 0 and -infinity for singular ones",
};
