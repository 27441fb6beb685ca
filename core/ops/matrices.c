/* What operators of matrices share: dtypes, leading axes, the loop of a kernel. */
#include "core/ops/matrices.h"
#include <math.h>
#include <string.h>

/* ---- building ---- */

/* What an operator gives, in the precision that came. */
static imnn_node narrowed(imnn_graph *g, imnn_node y)
{
    const bool complex = imnn_is_complex(imnn_graph_dtype(g, y));
    return g_convert(g, y, complex ? IMNN_C64 : IMNN_F32);
}

static imnn_node in_double(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                           const imnn_attr *attr)
{
    imnn_node wide[2];
    const imnn_dtype dtype = imnn_graph_dtype(g, x[0]);
    if (!(op->dtypes >> dtype & 1) || dtype == IMNN_F64 || dtype == IMNN_C128)
        return imnn_graph_add(g, op, n, x, attr);
    for (int i = 0; i < n; i++)
        wide[i] = g_convert(g, x[i], dtype == IMNN_C64 ? IMNN_C128 : IMNN_F64);
    imnn_node y = imnn_graph_add(g, op, n, wide, attr);
    return imnn_graph_ok(g) ? narrowed(g, y) : 0;
}

/* Complex matrices by pairs, where the operator takes them. */
static imnn_node by_parts(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                          const imnn_attr *attr)
{
    const imnn_dtype dtype = imnn_graph_dtype(g, x[0]);
    return imnn_is_complex(dtype) && op->dtypes >> dtype & 1 ? imnn_pairs_build(g, op, n, x, attr)
                                                             : in_double(g, op, n, x, attr);
}

imnn_node imnn_matrix_build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                            const imnn_attr *attr)
{
    return by_parts(g, op, n, x, attr);
}

imnn_node imnn_spectrum_build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                              const imnn_attr *attr)
{
    return in_double(g, op, n, x, attr);
}

/* The matrices of x for each place of the leading axes. */
static imnn_node stretch(imnn_graph *g, imnn_node x, const imnn_shape *lead)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    imnn_shape to = *lead;
    to.size[to.ndim++] = imnn_from_end(s, 2);
    to.size[to.ndim++] = imnn_from_end(s, 1);
    return g_broadcast(g, x, &to);
}

imnn_node imnn_system_build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                            const imnn_attr *attr)
{
    imnn_shape a = *imnn_graph_shape(g, x[0]), b = *imnn_graph_shape(g, x[1]), lead;
    if (imnn_graph_dtype(g, x[0]) != imnn_graph_dtype(g, x[1])) {
        imnn_graph_fail(g, IMNN_EDTYPE, "%s: inputs differ in dtype, %s and %s", op->name,
                        imnn_dtype_name(imnn_graph_dtype(g, x[0])),
                        imnn_dtype_name(imnn_graph_dtype(g, x[1])));
        return 0;
    }
    if (a.ndim < 2 || b.ndim < 2) return by_parts(g, op, n, x, attr); /* infer complains */
    a.ndim -= 2, b.ndim -= 2;
    if (!imnn_shape_join(&lead, &a, &b) || lead.ndim + 2 > IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: leading axes do not broadcast, %s and %s", op->name,
                        imnn_shape_text(imnn_graph_shape(g, x[0])).s,
                        imnn_shape_text(imnn_graph_shape(g, x[1])).s);
        return 0;
    }
    imnn_node all[2] = {a.ndim == 0 ? x[0] : stretch(g, x[0], &lead), stretch(g, x[1], &lead)};
    return by_parts(g, op, n, all, attr);
}

imnn_node imnn_system_batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                            const bool *batched, int64_t size)
{
    const int leads = imnn_graph_shape(g, v->x[1])->ndim - 2;
    const bool single = imnn_graph_shape(g, v->x[0])->ndim == 2;
    imnn_node all[2] = {x[0], imnn_batch_lift(g, x[1], batched[1], size)};
    if (!single) all[0] = imnn_batch_lift(g, x[0], batched[0], size);
    else if (batched[0]) /* one matrix for all the leading axes that there were */
        for (int k = 0; k < leads; k++) all[0] = g_expand(g, all[0], 1);
    return imnn_graph_build(g, v->op->id, 2, all, v->attr);
}

imnn_rows imnn_matrix_rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int last = v->n - 1, a = imnn_row_axis(&in[last].shape, R);
    if (a < 0 || a >= in[last].shape.ndim - 2) return IMNN_ROWS_NONE;
    by[last] = true;
    if (v->n == 2) by[0] = in[0].shape.ndim > 2;
    return IMNN_ROWS_EACH;
}

imnn_status imnn_matrix_check(const char *who, const imnn_shape *s, bool square, int small)
{
    const imnn_lapack *lapack;
    if (s->ndim < 2 || (square && imnn_from_end(s, 1) != imnn_from_end(s, 2)))
        return imnn_fail(IMNN_ESHAPE, "%s: needs %s, got %s", who,
                         square ? "square matrices" : "matrices", imnn_shape_text(s).s);
    /* LAPACK counts elements, also those of its room, in 32 bits */
    if (imnn_from_end(s, 1) > 20000 || imnn_from_end(s, 2) > 20000)
        return imnn_fail(IMNN_ESHAPE, "%s: matrices of at most 20000 rows and columns, got %s", who,
                         imnn_shape_text(s).s);
    const bool large = imnn_from_end(s, 1) > small || imnn_from_end(s, 2) > small;
    return large ? imnn_lapack_get(&lapack) : IMNN_OK;
}

imnn_status imnn_system_check(const char *who, const imnn_type *in)
{
    imnn_status st = imnn_matrix_check(who, &in[0].shape, true, IMNN_SMALL_MATRIX);
    if (st != IMNN_OK) return st;
    const imnn_shape *s = &in[1].shape;
    if (s->ndim < 2 || imnn_from_end(s, 2) != imnn_from_end(&in[0].shape, 1))
        return imnn_fail(IMNN_ESHAPE, "%s: the right side %s has other rows than the matrix %s",
                         who, imnn_shape_text(s).s, imnn_shape_text(&in[0].shape).s);
    if (imnn_from_end(s, 1) > 100000000)
        return imnn_fail(IMNN_ESHAPE, "%s: at most 100000000 right sides, got %s", who,
                         imnn_shape_text(s).s);
    return IMNN_OK;
}

/* ---- kernels ---- */

void imnn_matrices(const imnn_call *c, size_t work, imnn_matrix_fn *fn, const char *fault)
{
    enum { ON_STACK = 1024 };
    double here[ON_STACK];
    const size_t bytes = work * sizeof *here;
    double *room = work > ON_STACK ? imnn_alloc_raw(bytes) : here;
    if (!room) {
        *c->failed = true;
        return;
    }
    const bool complex = imnn_is_complex(c->in[0].type.dtype);
    imnn_matrix_job job = {.attr = c->attr, .work = room, .complex = complex};
    const imnn_shape *last = &c->in[c->n - 1].type.shape;
    int64_t count = 1, each[2] = {0};
    for (int k = 0; k < last->ndim - 2; k++) count *= last->size[k];
    for (int i = 0; i < c->n; i++) {
        const imnn_shape *s = &c->in[i].type.shape;
        job.rows[i] = (int)imnn_from_end(s, 2), job.columns[i] = (int)imnn_from_end(s, 1);
        if (s->ndim == last->ndim) each[i] = (1 + complex) * (int64_t)job.rows[i] * job.columns[i];
    }
    const int64_t numbers =
        (1 + imnn_is_complex(c->out.type.dtype)) * imnn_shape_count(&c->out.type.shape);
    const int64_t results = count ? numbers / count : 0;
    for (int64_t m = 0; m < count; m++) {
        for (int i = 0; i < c->n; i++) job.x[i] = (const double *)c->in[i].data + m * each[i];
        job.y = (double *)c->out.data + m * results;
        job.again = m > 0 && each[0] == 0 && results > 0;
        if (fn(&job)) continue;
        for (int64_t i = 0; i < results; i++) job.y[i] = NAN;
        if (c->fault) *c->fault = fault;
    }
    if (room != here) imnn_free(room, bytes);
}

/* ---- rules ---- */

imnn_node g_product(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb)
{
    return imnn_graph_build(g, IMNN_OP_matmul, 2, (imnn_node[]){a, b}, &(imnn_attr){2, {ta, tb}});
}

/* (..., n, m) as (... m, n): what is summed over comes first */
static imnn_node columns_first(imnn_graph *g, imnn_node x)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    const int64_t n = imnn_from_end(s, 2);
    if (n == 0) return g_reshape(g, x, &(imnn_shape){2, {0, 0}});
    return g_reshape(g, g_swap(g, x), &(imnn_shape){2, {imnn_shape_count(s) / n, n}});
}

imnn_node g_outer_product(imnn_graph *g, imnn_node a, imnn_node b, bool single)
{
    if (!imnn_graph_ok(g)) return 0;
    if (!single || imnn_graph_shape(g, a)->ndim == 2) return g_product(g, a, b, false, true);
    return g_product(g, columns_first(g, a), columns_first(g, b), true, false);
}

imnn_node g_below(imnn_graph *g, int64_t n, int64_t m, int64_t k)
{
    const imnn_shape s = {2, {n, m}};
    imnn_node row = g_iota(g, IMNN_I32, &s, 0), column = g_iota(g, IMNN_I32, &s, 1);
    return g_ge(g, g_sub(g, row, column), imnn_graph_number(g, IMNN_I32, (double)k));
}

imnn_node g_masked(imnn_graph *g, imnn_node mask, imnn_node x)
{
    return g_where(g, mask, x, g_number(g, x, 0));
}

imnn_node g_quotient(imnn_graph *g, imnn_node a, imnn_node b)
{
    imnn_node zero = g_number(g, b, 0), none = g_eq(g, b, zero);
    imnn_node at_none = g_where(g, g_eq(g, a, zero), zero, g_number(g, b, NAN));
    return g_where(g, none, at_none, g_div(g, a, g_where(g, none, g_number(g, b, 1), b)));
}

static imnn_node on_diagonal(imnn_graph *g, imnn_node x)
{
    const int64_t n = imnn_from_end(imnn_graph_shape(g, x), 2);
    return g_and(g, g_below(g, n, n, 0), g_not(g, g_below(g, n, n, 1)));
}

imnn_node g_diagonal(imnn_graph *g, imnn_node x)
{
    return imnn_graph_ok(g) ? g_masked(g, on_diagonal(g, x), x) : 0;
}

imnn_node g_hermitian(imnn_graph *g, imnn_node x)
{
    if (!imnn_graph_ok(g)) return 0;
    return g_mul(g, g_number(g, x, 0.5), g_add(g, x, g_conj(g, g_swap(g, x))));
}

imnn_node g_off_diagonal(imnn_graph *g, imnn_node x)
{
    return imnn_graph_ok(g) ? g_masked(g, g_not(g, on_diagonal(g, x)), x) : 0;
}
