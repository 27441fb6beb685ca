/* matmul(a, b): (..., n, k) x (..., k, m). Attributes say whether a or b is read transposed, so
 * that derivatives need no transposed copies. What all examples share is used in one product. */
#include "core/ops/ops.h"
#include <string.h>

static imnn_node with_flags(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb)
{
    return imnn_graph_build(g, IMNN_OP_matmul, 2, (imnn_node[]){a, b}, &(imnn_attr){2, {ta, tb}});
}

imnn_node g_matmul(imnn_graph *g, imnn_node a, imnn_node b)
{
    return with_flags(g, a, b, false, false);
}

/* x and its flag without a transpose of the last two axes. */
static imnn_node absorb(const imnn_graph *g, imnn_node x, bool *t)
{
    const imnn_vertex *v = imnn_vertex_of(g, x);
    if (!v->op || v->op->id != IMNN_OP_transpose) return x;
    const int n = v->attr->n;
    if (n < 2 || v->attr->v[n - 1] != n - 2) return x;
    for (int k = 0; k < n - 2; k++)
        if (v->attr->v[k] != k) return x;
    *t = !*t;
    return v->x[0];
}

static imnn_node complain(imnn_graph *g, const char *what, imnn_node a, imnn_node b)
{
    imnn_graph_fail(g, IMNN_ESHAPE, "matmul: %s, %s x %s", what,
                    imnn_shape_text(imnn_graph_shape(g, a)).s,
                    imnn_shape_text(imnn_graph_shape(g, b)).s);
    return 0;
}

/* The axes before the last two. */
static imnn_shape leading(const imnn_shape *s)
{
    imnn_shape lead = *s;
    lead.ndim -= 2;
    return lead;
}

/* (lead, rows, columns) */
static imnn_shape matrices(const imnn_shape *lead, int64_t rows, int64_t columns)
{
    imnn_shape s = *lead;
    s.size[s.ndim++] = rows;
    s.size[s.ndim++] = columns;
    return s;
}

static int64_t from_end(const imnn_shape *s, int axis) { return s->size[s->ndim - axis]; }

/* The matrices of x for each place of the leading axes. */
static imnn_node stretch(imnn_graph *g, imnn_node x, const imnn_shape *lead)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    const imnn_shape to = matrices(lead, from_end(s, 2), from_end(s, 1));
    return g_broadcast(g, x, &to);
}

/* The one matrix that x is, of shape (1, ..., n, k). */
static imnn_node flat(imnn_graph *g, imnn_node x)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    return g_reshape(g, x, &(imnn_shape){2, {from_end(s, 2), from_end(s, 1)}});
}

static imnn_node add(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb)
{
    return imnn_graph_add(g, &imnn_op_matmul, 2, (imnn_node[]){a, b}, &(imnn_attr){2, {ta, tb}});
}

/* Equal rows of a give equal rows of the product: it is computed once and repeated; else 0. */
static imnn_node repeat(imnn_graph *g, imnn_node a, imnn_node b, bool tb, const imnn_shape *out)
{
    const imnn_vertex *v = imnn_vertex_of(g, a);
    if (!v->op || v->op->id != IMNN_OP_broadcast) return 0;
    const imnn_shape *s = &v->type.shape, *in = imnn_graph_shape(g, v->x[0]);
    if (in->ndim == 0 || from_end(in, 1) != from_end(s, 1)) return 0; /* the sum needs them all */
    imnn_shape ones = *s;
    for (int k = 0; k < s->ndim; k++)
        ones.size[k] = k < s->ndim - in->ndim ? 1 : in->size[k - (s->ndim - in->ndim)];
    imnn_node once = with_flags(g, g_reshape(g, v->x[0], &ones), b, false, tb);
    return g_broadcast(g, once, out);
}

/* One matrix b for all leading axes of a, which are so many more rows. */
static imnn_node share_b(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb)
{
    if (ta && imnn_graph_shape(g, a)->ndim == 2) return add(g, a, b, ta, tb);
    if (ta) a = g_swap(g, a);
    const imnn_shape s = *imnn_graph_shape(g, a);
    imnn_shape rows = {2, {1, from_end(&s, 1)}}, out = s;
    for (int k = 0; k < s.ndim - 1; k++) rows.size[0] *= s.size[k];
    out.size[s.ndim - 1] = from_end(imnn_graph_shape(g, b), tb ? 2 : 1);
    imnn_node y = repeat(g, a, b, tb, &out);
    return y ? y : g_reshape(g, add(g, g_reshape(g, a, &rows), b, false, tb), &out);
}

/* One matrix a for all leading axes of b: C' = B' A', whose rows are those of all the B'. Only
 * where B' needs no copy: with a column each, or read transposed anyway. */
static imnn_node share_a(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb)
{
    imnn_shape s = *imnn_graph_shape(g, b);
    if (!tb) {
        int64_t k = from_end(&s, 2);
        s.size[s.ndim - 2] = 1, s.size[s.ndim - 1] = k;
        b = g_reshape(g, b, &s);
    }
    return g_swap(g, share_b(g, b, a, false, !ta));
}

static imnn_node build_matrices(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb)
{
    const imnn_shape *s = imnn_graph_shape(g, a), *t = imnn_graph_shape(g, b);
    const imnn_shape la = leading(s), lb = leading(t);
    const bool column = from_end(t, tb ? 2 : 1) == 1;
    imnn_shape lead;
    if (!imnn_shape_join(&lead, &la, &lb))
        return complain(g, "leading axes do not broadcast", a, b);
    const int64_t one_b = imnn_shape_count(&lb) == 1;
    if (one_b) return share_b(g, stretch(g, a, &lead), flat(g, b), ta, tb);
    if (imnn_shape_count(&la) == 1 && (column || tb))
        return share_a(g, flat(g, a), stretch(g, b, &lead), ta, tb);
    return add(g, stretch(g, a, &lead), stretch(g, b, &lead), ta, tb);
}

/* A vector is a row on the left and a column on the right; these axes go again. */
static imnn_node build_vectors(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb)
{
    const bool row = imnn_graph_shape(g, a)->ndim == 1, column = imnn_graph_shape(g, b)->ndim == 1;
    imnn_node c = with_flags(g, row ? g_expand(g, a, 0) : a, column ? g_expand(g, b, 1) : b,
                             !row && ta, !column && tb);
    imnn_shape s = *imnn_graph_shape(g, c);
    if (!imnn_graph_ok(g)) return 0;
    if (row && !column) s.size[s.ndim - 2] = s.size[s.ndim - 1];
    s.ndim -= row + column;
    return g_reshape(g, c, &s);
}

static bool is_zero(const imnn_graph *g, imnn_node x)
{
    double value;
    return imnn_graph_is_number(g, x, &value) && value == 0;
}

/* Products of the parts, but for those with an imaginary part that is known to be 0: that of an
 * array that was real. */
static imnn_node build_parts(imnn_graph *g, imnn_node a, imnn_node b, bool ta, bool tb)
{
    const imnn_node ar = g_real(g, a), ai = g_imag(g, a), br = g_real(g, b), bi = g_imag(g, b);
    const bool za = is_zero(g, ai), zb = is_zero(g, bi);
    imnn_node re = with_flags(g, ar, br, ta, tb), im = 0;
    if (!za && !zb) re = g_sub(g, re, with_flags(g, ai, bi, ta, tb));
    if (!zb) im = with_flags(g, ar, bi, ta, tb);
    if (!za) im = g_plus(g, im, with_flags(g, ai, br, ta, tb));
    return g_complex(g, re, im ? im : g_zeros_like(g, re));
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    bool ta = attr->n == 2 && attr->v[0], tb = attr->n == 2 && attr->v[1];
    const imnn_dtype da = imnn_graph_dtype(g, x[0]), db = imnn_graph_dtype(g, x[1]);
    if (da != db) {
        imnn_graph_fail(g, IMNN_EDTYPE, "matmul: inputs differ in dtype, %s and %s",
                        imnn_dtype_name(da), imnn_dtype_name(db));
        return 0;
    }
    if (imnn_is_complex(da)) return build_parts(g, x[0], x[1], ta, tb);
    const imnn_shape *s = imnn_graph_shape(g, x[0]), *t = imnn_graph_shape(g, x[1]);
    if (s->ndim == 0 || t->ndim == 0) return complain(g, "needs at least one axis", x[0], x[1]);
    const int64_t ka = from_end(s, ta && s->ndim > 1 ? 2 : 1);
    const int64_t kb = from_end(t, tb || t->ndim == 1 ? 1 : 2);
    if (ka != kb) return complain(g, "inner sizes differ", x[0], x[1]);
    if (s->ndim == 1 || t->ndim == 1) return build_vectors(g, x[0], x[1], ta, tb);
    imnn_node a = absorb(g, x[0], &ta), b = absorb(g, x[1], &tb);
    return build_matrices(g, a, b, ta, tb);
}

/* What build adds: equal leading axes. */
static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_shape lead = leading(&in[0].shape);
    *out = (imnn_type){in[0].dtype, matrices(&lead, from_end(&in[0].shape, attr->v[0] ? 1 : 2),
                                             from_end(&in[1].shape, attr->v[1] ? 2 : 1))};
    return IMNN_OK;
}

/* C = A' B', where ' is the flag: dA' = dC B'^T, dB' = A'^T dC. */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_node a = v->x[0], b = v->x[1];
    const bool ta = v->attr->v[0], tb = v->attr->v[1];
    if (dx[0] >= 0) dx[0] = ta ? with_flags(g, b, dy, tb, true) : with_flags(g, dy, b, false, !tb);
    if (dx[1] >= 0) dx[1] = tb ? with_flags(g, dy, a, true, ta) : with_flags(g, a, dy, !ta, false);
}

/* Examples are one more leading axis; a single matrix for all of them stays a single one. */
static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    const bool single = v->type.shape.ndim == 2;
    return with_flags(g, imnn_batch_lift(g, x[0], batched[0] || single, size),
                      imnn_batch_lift(g, x[1], batched[1] || single, size), v->attr->v[0],
                      v->attr->v[1]);
}

/* Rows of a give rows of the product, for which b is needed whole; rows along the contraction are
 * summed over. */
static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const imnn_shape *a = &in[0].shape;
    const int ra = imnn_row_axis(a, R), rb = imnn_row_axis(&in[1].shape, R);
    const bool ta = v->attr->v[0], tb = v->attr->v[1];
    if (a->ndim > 2) {
        if (ra < 0 || ra >= a->ndim - 2 || rb != ra) return IMNN_ROWS_NONE;
        by[0] = by[1] = true;
        return IMNN_ROWS_EACH;
    }
    if (ra == 0 && ta && rb == 0 && !tb) {
        by[0] = by[1] = true;
        return IMNN_ROWS_FOLD;
    }
    if (ra != 0 || ta || (by[1] && !by[0])) return IMNN_ROWS_NONE;
    by[0] = true, by[1] = false;
    return IMNN_ROWS_EACH;
}

static double flops(const imnn_vertex *v, const imnn_type *in)
{
    const int64_t k = from_end(&in[0].shape, v->attr->v[0] ? 2 : 1);
    return 2.0 * (double)imnn_shape_count(&v->type.shape) * (double)k;
}

const imnn_op imnn_op_matmul = {
    .name = "matmul",
    .id = IMNN_OP_matmul,
    .arity = 2,
    .class = IMNN_MATMUL,
    .dtypes = IMNN_FLOATS,
    .build = build,
    .infer = infer,
    .vjp = vjp,
    .linear = 3,
    .batch = batch,
    .rows = rows,
    .flops = flops,
    .range = {-2, 2},
    .cases = "(3, 4) (4, 2); (4) (4, 2); (3, 4) (4); (4) (4); (2, 3, 4) (4, 5); (4) (2, 4, 3); "
             "(2, 3, 4) (2, 4, 5); (3, 4) (2, 4, 5); (3, 4) (2, 4, 1); (2, 1, 3, 4) (5, 4, 2); "
             "(4, 3) (4, 2) -> 1, 0; (3, 4) (2, 4) -> 0, 1; (4, 3) (2, 4) -> 1, 1; "
             "(2, 4, 3) (4, 2) -> 1, 0; (3, 4) (2, 5, 4) -> 0, 1; (0, 3) (3, 2); (2, 0) (0, 3); "
             "(1, 1) (1, 1); (0) (0); (2, 0, 3) (3, 0)",
    .doc = "(..., n, k) x (..., k, m); vectors are a row on the left, a column on the right",
};
