/* Rules that need no search: what an elementwise operator of known numbers, zeros and ones is.
 * Nothing is dropped that could hide a NaN: x * 0 stays. */
#include "core/ops/elementwise.h"
#include <math.h>

static imnn_node repeated(imnn_graph *g, imnn_node x, const imnn_shape *s)
{
    return g_broadcast(g, x, s);
}

static imnn_node number(imnn_graph *g, imnn_node like, double value, const imnn_shape *s)
{
    return g_broadcast(g, g_number(g, like, value), s);
}

static bool is_real(const imnn_graph *g, imnn_node x)
{
    return IMNN_REALS >> imnn_graph_dtype(g, x) & 1;
}

/* x^n as products, by squaring. */
static imnn_node power(imnn_graph *g, imnn_node x, int n)
{
    if (n < 0) return g_reciprocal(g, power(g, x, -n));
    if (n == 1) return x;
    imnn_node half = power(g, x, n / 2), even = g_mul(g, half, half);
    return n % 2 ? g_mul(g, even, x) : even;
}

static imnn_node simplify_pow(imnn_graph *g, imnn_node x, double n, const imnn_shape *s)
{
    enum { MOST = 8 };
    if (n == 0) return number(g, x, 1, s);
    if (n == 0.5) return g_sqrt(g, repeated(g, x, s));
    if (n == trunc(n) && fabs(n) <= MOST) return power(g, repeated(g, x, s), (int)n);
    return 0;
}

/* In double, then rounded to the dtype: what the operator itself would give for these four. */
static imnn_node fold(imnn_graph *g, int id, imnn_node like, double a, double b,
                      const imnn_shape *s)
{
    if (!is_real(g, like)) return 0;
    switch (id) {
    case IMNN_OP_add: return number(g, like, a + b, s);
    case IMNN_OP_sub: return number(g, like, a - b, s);
    case IMNN_OP_mul: return number(g, like, a * b, s);
    case IMNN_OP_div: return number(g, like, a / b, s);
    default: return 0;
    }
}

imnn_node imnn_simplify(imnn_graph *g, const imnn_op *op, const imnn_node *x, const imnn_shape *s)
{
    const imnn_vertex *v = imnn_vertex_of(g, x[0]);
    double a = 0, b = 0;
    const bool na = imnn_graph_is_number(g, x[0], &a);
    if (op->id == IMNN_OP_neg) {
        if (v->op && v->op->id == IMNN_OP_neg) return v->x[0];
        return na && is_real(g, x[0]) ? number(g, x[0], -a, s) : 0;
    }
    if (op->id == IMNN_OP_where) return na ? repeated(g, a != 0 ? x[1] : x[2], s) : 0;
    if (op->arity != 2) return 0;
    const bool nb = imnn_graph_is_number(g, x[1], &b);
    if (!na && !nb) return 0;
    if (na && nb) {
        imnn_node y = fold(g, op->id, x[0], a, b, s);
        if (y) return y;
    }
    switch (op->id) {
    case IMNN_OP_add:
        if (na && a == 0) return repeated(g, x[1], s);
        return nb && b == 0 ? repeated(g, x[0], s) : 0;
    case IMNN_OP_sub: return nb && b == 0 ? repeated(g, x[0], s) : 0;
    case IMNN_OP_mul:
        if (na && a == 1) return repeated(g, x[1], s);
        return nb && b == 1 ? repeated(g, x[0], s) : 0;
    case IMNN_OP_div: return nb && b == 1 ? repeated(g, x[0], s) : 0;
    case IMNN_OP_pow: return nb ? simplify_pow(g, x[0], b, s) : 0;
    default: return 0;
    }
}
