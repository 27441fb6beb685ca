/* Fisher information of summaries and the loss that makes it large: Charnock, Lavaux & Wandelt
 * 2018, PRD 97, 083004, and the regularisation of its software. In double throughout. */
#include "imnn/fisher.h"
#include "core/ops/ops.h"
#include <math.h>

static bool check(imnn_graph *g, imnn_node x, imnn_node dx)
{
    if (!imnn_graph_accepts(g, "Fisher statistics", 2, (imnn_node[]){x, dx})) return false;
    const imnn_shape *s = imnn_graph_shape(g, x), *t = imnn_graph_shape(g, dx);
    if (s->ndim != 2 || t->ndim != 3 || s->size[1] != t->size[1])
        imnn_graph_fail(g, IMNN_ESHAPE,
                        "Fisher statistics: need summaries (n_s, S) and derivatives (n_d, S, P), "
                        "got %s and %s",
                        imnn_shape_text(s).s, imnn_shape_text(t).s);
    else if (s->size[0] < 2 || t->size[0] < 1)
        imnn_graph_fail(g, IMNN_EVALUE,
                        "Fisher statistics: a covariance needs two simulations and a mean "
                        "derivative one, got %lld and %lld",
                        (long long)s->size[0], (long long)t->size[0]);
    return imnn_graph_ok(g);
}

static imnn_node product(imnn_graph *g, imnn_node a, imnn_node b, bool ta)
{
    return imnn_graph_build(g, IMNN_OP_matmul, 2, (imnn_node[]){a, b}, &(imnn_attr){2, {ta, 0}});
}

static imnn_node over(imnn_graph *g, imnn_node x, int64_t n)
{
    return g_div(g, x, g_number(g, x, (double)n));
}

/* Mean over the first axis. */
static imnn_node mean(imnn_graph *g, imnn_node x)
{
    return over(g, g_sum(g, x, &(imnn_attr){1, {0}}), imnn_graph_shape(g, x)->size[0]);
}

/* Sign (0) or logarithm (1) of a determinant. */
static imnn_node part(imnn_graph *g, imnn_node slogdet, int which)
{
    return g_squeeze(g, g_part(g, slogdet, 1, which, 1), 0);
}

imnn_status imnn_fisher_statistics(imnn_fisher *out, imnn_graph *g, imnn_node x, imnn_node dx)
{
    imnn_fisher f = {0};
    *out = f;
    if (!check(g, x, dx)) return imnn_graph_status(g);
    x = g_convert(g, x, IMNN_F64), dx = g_convert(g, dx, IMNN_F64);
    f.mu = mean(g, x);
    imnn_node centred = g_sub(g, x, f.mu);
    f.C = over(g, product(g, centred, centred, true), imnn_graph_shape(g, x)->size[0] - 1);
    f.invC = g_inv(g, f.C);
    f.dmu_dtheta = mean(g, dx);
    f.F = product(g, f.dmu_dtheta, product(g, f.invC, f.dmu_dtheta, false), true);
    f.invF = g_inv(g, f.F);
    imnn_node detF = g_slogdet(g, f.F);
    f.sign = part(g, detF, 0), f.lndetF = part(g, detF, 1);
    f.lndetC = part(g, g_slogdet(g, f.C), 1);
    f.lndetinvC = part(g, g_slogdet(g, f.invC), 1);
    if (imnn_graph_ok(g)) *out = f;
    return imnn_graph_status(g);
}

static imnn_node identity(imnn_graph *g, int64_t n)
{
    const imnn_shape s = {2, {n, n}};
    imnn_node row = g_iota(g, IMNN_I32, &s, 0), column = g_iota(g, IMNN_I32, &s, 1);
    return g_convert(g, g_eq(g, row, column), IMNN_F64);
}

/* |x|, Frobenius; the derivative at 0 is 0. */
static imnn_node norm(imnn_graph *g, imnn_node x)
{
    imnn_node square = g_sum(g, g_mul(g, x, x), NULL), none = g_number(g, x, 0);
    imnn_node is_none = g_eq(g, square, none);
    return g_where(g, is_none, none, g_sqrt(g, g_where(g, is_none, g_number(g, x, 1), square)));
}

imnn_status imnn_fisher_regularised(imnn_fisher_loss *out, imnn_graph *g, const imnn_fisher *f,
                                    double lambda, double alpha)
{
    imnn_fisher_loss l = {0};
    *out = l;
    const imnn_node in[] = {f->C, f->invC, f->sign, f->lndetF};
    if (!imnn_graph_accepts(g, "Fisher loss", 4, in)) return imnn_graph_status(g);
    imnn_node one = identity(g, imnn_graph_shape(g, f->C)->size[0]);
    l.Lambda_2 = g_add(g, norm(g, g_sub(g, f->C, one)), norm(g, g_sub(g, f->invC, one)));
    imnn_node e = g_exp(g, g_mul(g, g_number(g, f->C, -alpha), l.Lambda_2));
    l.r = g_div(g, g_mul(g, g_number(g, f->C, lambda), l.Lambda_2), g_add(g, l.Lambda_2, e));
    imnn_node information = g_mul(g, g_stop_gradient(g, f->sign), f->lndetF);
    l.loss = g_sub(g, g_mul(g, l.r, l.Lambda_2), information);
    if (imnn_graph_ok(g)) *out = l;
    return imnn_graph_status(g);
}

imnn_status imnn_fisher_alpha(double *out, double lambda, double epsilon)
{
    const double inside = epsilon * (lambda - 1) + epsilon * epsilon / (1 + epsilon);
    *out = NAN;
    if (!isfinite(lambda) || !isfinite(epsilon) || lambda <= 1 || epsilon <= 0)
        return imnn_fail(IMNN_EVALUE,
                         "alpha: lambda must be above 1 and epsilon above 0, got %g and %g", lambda,
                         epsilon);
    if (inside > 1)
        return imnn_fail(IMNN_EVALUE,
                         "alpha: would be negative (%g) for lambda %g and epsilon %g; an epsilon "
                         "below 1 / lambda is small enough",
                         -log(inside) / epsilon, lambda, epsilon);
    *out = -log(inside) / epsilon;
    return IMNN_OK;
}
