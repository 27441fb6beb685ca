/* Rules that need no search: what an elementwise operator of known numbers and of negations is.
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
    if (n < 0 && IMNN_INTEGERS >> imnn_graph_dtype(g, x) & 1) return 0;
    if (n == 0.5) return g_sqrt(g, repeated(g, x, s));
    if (n == trunc(n) && fabs(n) <= MOST) return power(g, repeated(g, x, s), (int)n);
    return 0;
}

/* Whether it holds; -1: no comparison. */
static int compared(int id, double a, double b)
{
    switch (id) {
    case IMNN_OP_eq: return a == b;
    case IMNN_OP_ne: return a != b;
    case IMNN_OP_lt: return a < b;
    case IMNN_OP_le: return a <= b;
    case IMNN_OP_gt: return a > b;
    case IMNN_OP_ge: return a >= b;
    default: return -1;
    }
}

/* In double, then rounded to the dtype: what the operator itself gives in these cases, since a
 * double has more than twice the digits of an f32. Integers as long as the double is exact. */
static imnn_node fold(imnn_graph *g, int id, imnn_node like, double a, double b,
                      const imnn_shape *s)
{
    double y;
    const int holds = compared(id, a, b);
    if (holds >= 0) return g_broadcast(g, imnn_graph_number(g, IMNN_BOOL, holds), s);
    switch (id) {
    case IMNN_OP_neg: y = -a; break;
    case IMNN_OP_add: y = a + b; break;
    case IMNN_OP_sub: y = a - b; break;
    case IMNN_OP_mul: y = a * b; break;
    case IMNN_OP_div: y = a / b; break;
    default: return 0;
    }
    if (IMNN_INTEGERS >> imnn_graph_dtype(g, like) & 1 && fabs(y) > 0x1p53) return 0;
    return number(g, like, y, s);
}

/* What a negation was made of, or 0. */
static imnn_node negated(const imnn_graph *g, imnn_node x)
{
    const imnn_vertex *v = imnn_vertex_of(g, x);
    return v->op && v->op->id == IMNN_OP_neg ? v->x[0] : 0;
}

/* a or b is known to be one number. */
static imnn_node simplify_known(imnn_graph *g, int id, const imnn_node *x, const double *a,
                                const double *b, const imnn_shape *s)
{
    switch (id) {
    case IMNN_OP_add:
        if (a && *a == 0) return repeated(g, x[1], s);
        return b && *b == 0 ? repeated(g, x[0], s) : 0;
    case IMNN_OP_sub: return b && *b == 0 ? repeated(g, x[0], s) : 0;
    case IMNN_OP_mul:
        if (a && *a == 1) return repeated(g, x[1], s);
        if (b && *b == 1) return repeated(g, x[0], s);
        if (a && negated(g, x[1])) return g_mul(g, g_neg(g, x[0]), negated(g, x[1]));
        return b && negated(g, x[0]) ? g_mul(g, negated(g, x[0]), g_neg(g, x[1])) : 0;
    case IMNN_OP_div: return b && *b == 1 ? repeated(g, x[0], s) : 0;
    case IMNN_OP_pow: return b ? simplify_pow(g, x[0], *b, s) : 0;
    default: return 0;
    }
}

/* Signs leave products and end in sums, where they cost nothing. Exact, as rounding is symmetric.
 */
static imnn_node simplify_signs(imnn_graph *g, int id, const imnn_node *x)
{
    const imnn_node a = negated(g, x[0]), b = negated(g, x[1]);
    if (!a && !b) return 0;
    switch (id) {
    case IMNN_OP_add: return b ? g_sub(g, x[0], b) : g_sub(g, x[1], a);
    case IMNN_OP_sub: return b ? g_add(g, x[0], b) : 0;
    case IMNN_OP_mul:
        if (a && b) return g_mul(g, a, b);
        return g_neg(g, a ? g_mul(g, a, x[1]) : g_mul(g, x[0], b));
    case IMNN_OP_div:
        if (a && b) return g_div(g, a, b);
        return g_neg(g, a ? g_div(g, a, x[1]) : g_div(g, x[0], b));
    default: return 0;
    }
}

/* x / |x|, and 0 at 0 */
static imnn_node direction(imnn_graph *g, imnn_node x)
{
    imnn_node size = g_abs(g, x), none = g_eq(g, size, g_number(g, size, 0));
    size = g_where(g, none, g_number(g, size, 1), size);
    return g_complex(g, g_div(g, g_real(g, x), size), g_div(g, g_imag(g, x), size));
}

/* sin(pi x) / (pi x), and 1 at 0 */
static imnn_node sinc(imnn_graph *g, imnn_node x)
{
    imnn_node none = g_eq(g, x, g_number(g, x, 0)), one = g_number(g, x, 1);
    imnn_node turn = g_mul(g, g_where(g, none, one, x), g_number(g, x, 3.14159265358979323846));
    return g_where(g, none, one, g_div(g, g_sin(g, turn), turn));
}

/* ln(e^a + e^b), by powers of e of which the larger one is 1 in size */
static imnn_node logaddexp(imnn_graph *g, imnn_node a, imnn_node b)
{
    imnn_node top = g_stop_gradient(g, g_maximum(g, g_real(g, a), g_real(g, b)));
    top = g_where(g, g_isfinite(g, top), top, g_number(g, top, 0));
    top = g_complex(g, top, g_number(g, top, 0));
    imnn_node sum = g_add(g, g_exp(g, g_sub(g, a, top)), g_exp(g, g_sub(g, b, top)));
    return g_add(g, g_log(g, sum), top);
}

/* Of two numbers without NaN by op: by their real parts, and where these are equal, by the
 * imaginary ones. A NaN compares as the real numbers that are compared do. */
static imnn_node ordered(imnn_graph *g, int id, imnn_node a, imnn_node b)
{
    imnn_node ar = g_real(g, a), br = g_real(g, b), ai = g_imag(g, a), bi = g_imag(g, b);
    imnn_node first = imnn_graph_build(g, id, 2, (imnn_node[]){ar, br}, NULL);
    imnn_node second = imnn_graph_build(g, id, 2, (imnn_node[]){ai, bi}, NULL);
    imnn_node tie = g_eq(g, ar, br), known = g_not(g, g_or(g, g_isnan(g, ai), g_isnan(g, bi)));
    return g_or(g, g_and(g, tie, second), g_and(g, g_and(g, first, known), g_not(g, tie)));
}

/* a where a is NaN or no worse than b */
static imnn_node extreme(imnn_graph *g, int id, imnn_node a, imnn_node b)
{
    return g_where(g, g_or(g, g_isnan(g, a), ordered(g, id, a, b)), a, b);
}

/* What is not a function of complex numbers, but of their parts; 0: any other operator. */
static imnn_node of_parts(imnn_graph *g, int id, imnn_node x, imnn_node y)
{
    switch (id) {
    case IMNN_OP_abs: return g_hypot(g, g_real(g, x), g_imag(g, x));
    case IMNN_OP_sign: return direction(g, x);
    case IMNN_OP_round: return g_complex(g, g_round(g, g_real(g, x)), g_round(g, g_imag(g, x)));
    case IMNN_OP_isnan: return g_or(g, g_isnan(g, g_real(g, x)), g_isnan(g, g_imag(g, x)));
    case IMNN_OP_isinf: return g_or(g, g_isinf(g, g_real(g, x)), g_isinf(g, g_imag(g, x)));
    case IMNN_OP_isfinite:
        return g_and(g, g_isfinite(g, g_real(g, x)), g_isfinite(g, g_imag(g, x)));
    case IMNN_OP_lt:
    case IMNN_OP_le:
    case IMNN_OP_gt:
    case IMNN_OP_ge: return ordered(g, id, x, y);
    case IMNN_OP_maximum: return extreme(g, IMNN_OP_ge, x, y);
    case IMNN_OP_minimum: return extreme(g, IMNN_OP_le, x, y);
    case IMNN_OP_sinc: return sinc(g, x);
    case IMNN_OP_logaddexp: return logaddexp(g, x, y);
    default: return 0;
    }
}

/* What sums, products and extrema of truth values are; 0: any other operator. */
static imnn_node of_truth(imnn_graph *g, int id, imnn_node x, imnn_node y, const imnn_shape *s)
{
    switch (id) {
    case IMNN_OP_abs: return repeated(g, x, s);
    case IMNN_OP_add:
    case IMNN_OP_maximum: return g_or(g, x, y);
    case IMNN_OP_mul:
    case IMNN_OP_minimum: return g_and(g, x, y);
    default: return 0;
    }
}

imnn_node imnn_simplify(imnn_graph *g, const imnn_op *op, const imnn_node *x, const imnn_shape *s)
{
    const imnn_vertex *v = imnn_vertex_of(g, x[0]);
    double a = 0, b = 0;
    const bool na = imnn_graph_is_number(g, x[0], &a), parts = imnn_is_complex(v->type.dtype);
    if (op->arity <= 2 && parts) {
        imnn_node y = of_parts(g, op->id, x[0], op->arity == 2 ? x[1] : 0);
        if (y || !imnn_graph_ok(g)) return y;
    }
    if (op->arity <= 2 && v->type.dtype == IMNN_BOOL) {
        imnn_node y = of_truth(g, op->id, x[0], op->arity == 2 ? x[1] : 0, s);
        if (y || !imnn_graph_ok(g)) return y;
    }
    if (op->id == IMNN_OP_neg && v->op == op) return v->x[0];
    if (op->id == IMNN_OP_where) return na ? repeated(g, a != 0 ? x[1] : x[2], s) : 0;
    if (op->arity == 1) return na && !parts ? fold(g, op->id, x[0], a, 0, s) : 0;
    if (op->arity != 2) return 0;
    const bool nb = imnn_graph_is_number(g, x[1], &b);
    if (!na && !nb) return simplify_signs(g, op->id, x);
    imnn_node y = na && nb && !parts ? fold(g, op->id, x[0], a, b, s) : 0;
    return y ? y : simplify_known(g, op->id, x, na ? &a : NULL, nb ? &b : NULL, s);
}
