/* Distributions of several numbers: logarithms of densities. */
#include "core/ops/matrices.h"
#include "imnn/stats.h"
#include <math.h>

static const double log_2pi = 1.8378770664093453, log_pi = 1.1447298858494002;

/* An input: its node and how many axes of one size n it ends with. */
typedef struct given {
    const char *name;
    imnn_node x;
    int axes;
} given;

/* n, or 0 where inputs do not fit: dtypes, axes, leading axes. */
static int64_t common(imnn_graph *g, const char *who, int count, const given *in)
{
    int64_t n = -1;
    imnn_shape lead = {0};
    for (int i = 0; i < count; i++) {
        if (!imnn_graph_accepts(g, who, 1, &in[i].x)) return 0;
        const imnn_shape *s = imnn_graph_shape(g, in[i].x), before = lead;
        const imnn_dtype dtype = imnn_graph_dtype(g, in[i].x);
        imnn_shape rest = *s;
        if (dtype != imnn_graph_dtype(g, in[0].x) || !(IMNN_REALS >> dtype & 1)) {
            imnn_graph_fail(g, IMNN_EDTYPE, "%s: %s is %s; all inputs are f32, or all are f64", who,
                            in[i].name, imnn_dtype_name(dtype));
            return 0;
        }
        bool fits = s->ndim >= in[i].axes;
        rest.ndim -= fits ? in[i].axes : 0;
        for (int k = rest.ndim; fits && k < s->ndim; k++) {
            if (n < 0) n = s->size[k];
            fits = s->size[k] == n;
        }
        if (fits && n != 0 && imnn_shape_join(&lead, &before, &rest)) continue;
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: %s %s does not fit to %s %s", who, in[i].name,
                        imnn_shape_text(s).s, in[0].name,
                        imnn_shape_text(imnn_graph_shape(g, in[0].x)).s);
        return 0;
    }
    return n;
}

static imnn_node number(imnn_graph *g, imnn_node like, double x) { return g_number(g, like, x); }
static imnn_node scaled(imnn_graph *g, double by, imnn_node x)
{
    return g_mul(g, number(g, x, by), x);
}

static imnn_node sum_last(imnn_graph *g, imnn_node x)
{
    if (!imnn_graph_ok(g)) return 0;
    return g_sum(g, x, &(imnn_attr){1, {imnn_graph_shape(g, x)->ndim - 1}});
}

/* log det L L^T, of L (..., n, n) */
static imnn_node log_det(imnn_graph *g, imnn_node l, int64_t n)
{
    imnn_node diagonal = g_and(g, g_below(g, n, n, 0), g_not(g, g_below(g, n, n, 1)));
    imnn_node ones = g_where(g, diagonal, l, number(g, l, 1));
    return scaled(g, 2, sum_last(g, sum_last(g, g_log(g, ones))));
}

/* (x - mean)^T cov^-1 (x - mean), of L with L L^T = cov */
static imnn_node distance(imnn_graph *g, imnn_node x, imnn_node mean, imnn_node l)
{
    imnn_node d = g_sub(g, x, mean);
    if (!imnn_graph_ok(g)) return 0;
    imnn_node y =
        g_triangular_solve(g, l, g_expand(g, d, imnn_graph_shape(g, d)->ndim), IMNN_LOWER);
    return sum_last(g, sum_last(g, g_mul(g, y, y)));
}

imnn_node imnn_stats_multivariate_normal(imnn_graph *g, imnn_node x, imnn_node mean, imnn_node cov)
{
    const given in[] = {{"x", x, 1}, {"mean", mean, 1}, {"cov", cov, 2}};
    const int64_t n = common(g, "stats.multivariate_normal.logpdf", 3, in);
    if (!n) return 0;
    imnn_node l = g_cholesky(g, cov);
    imnn_node y = g_add(g, distance(g, x, mean, l), log_det(g, l, n));
    return scaled(g, -0.5, g_add(g, y, number(g, x, (double)n * log_2pi)));
}

imnn_node imnn_stats_multivariate_t(imnn_graph *g, imnn_node x, imnn_node loc, imnn_node shape,
                                    imnn_node df)
{
    const given in[] = {{"x", x, 1}, {"loc", loc, 1}, {"shape", shape, 2}, {"df", df, 0}};
    const int64_t n = common(g, "stats.multivariate_t.logpdf", 4, in);
    if (!n) return 0;
    imnn_node l = g_cholesky(g, shape);
    const char *names[] = {"d", "ln_det", "df", "half", "log_pi", "nan"};
    const imnn_node values[] = {
        distance(g, x, loc, l),        log_det(g, l, n),     df,
        number(g, x, 0.5 * (double)n), number(g, x, log_pi), number(g, x, (double)NAN)};
    return imnn_formula(g,
                        "where(gt(df, 0), lgamma(0.5 * df + half) - lgamma(0.5 * df) "
                        "- half * (log(df) + log_pi) - 0.5 * ln_det "
                        "- (0.5 * df + half) * log1p(d / df), nan)",
                        names, values, 6);
}

imnn_node imnn_stats_dirichlet(imnn_graph *g, imnn_node x, imnn_node alpha)
{
    const given in[] = {{"x", x, 1}, {"alpha", alpha, 1}};
    const int64_t n = common(g, "stats.dirichlet.logpdf", 2, in);
    if (!n) return 0;
    /* The sum of n numbers that are rounded is off by some units in their last places. */
    const double eps = imnn_graph_dtype(g, x) == IMNN_F32 ? 0x1p-23 : 0x1p-52;
    imnn_node zero = number(g, x, 0), one = number(g, x, 1);
    imnn_node room = number(g, x, fmax(1e-6, (double)n * eps));
    imnn_node away = g_abs(g, g_sub(g, sum_last(g, x), one));
    imnn_node least = g_min(g, x, &(imnn_attr){1, {imnn_graph_shape(g, x)->ndim - 1}});
    imnn_node inside = g_and(g, g_le(g, away, room), g_ge(g, least, zero));
    imnn_node safe = g_where(g, g_ge(g, x, zero), x, one);
    imnn_node y = sum_last(g, g_sub(g, g_xlogy(g, g_sub(g, alpha, one), safe), g_lgamma(g, alpha)));
    y = g_add(g, y, g_lgamma(g, sum_last(g, alpha)));
    imnn_node low = g_min(g, alpha, &(imnn_attr){1, {imnn_graph_shape(g, alpha)->ndim - 1}});
    y = g_where(g, inside, y, number(g, x, -(double)INFINITY));
    return g_where(g, g_and(g, g_gt(g, low, zero), g_eq(g, away, away)), y,
                   number(g, x, (double)NAN));
}

imnn_node imnn_stats_multinomial(imnn_graph *g, imnn_node x, imnn_node trials, imnn_node p)
{
    const given in[] = {{"x", x, 1}, {"p", p, 1}, {"n", trials, 0}};
    if (!common(g, "stats.multinomial.logpmf", 3, in)) return 0;
    const imnn_attr last = {1, {imnn_graph_shape(g, x)->ndim - 1}};
    imnn_node zero = number(g, x, 0), one = number(g, x, 1), sum = sum_last(g, x);
    imnn_node counts = g_and(g, g_ge(g, x, zero), g_eq(g, g_floor(g, x), x));
    imnn_node all = g_gt(g, g_min(g, g_where(g, counts, one, zero), &last), zero);
    imnn_node safe = g_where(g, counts, x, zero);
    imnn_node y = sum_last(g, g_sub(g, g_xlogy(g, safe, p), g_lgamma(g, g_add(g, safe, one))));
    y = g_add(g, y, g_lgamma(g, g_add(g, trials, one)));
    y = g_where(g, g_and(g, all, g_eq(g, sum, trials)), y, number(g, x, -(double)INFINITY));
    return g_where(g, g_eq(g, sum, sum), y, sum);
}

/* ln det x + df ln det V and so on; Gamma_n is the product of n gamma functions half a unit apart
 * (Wishart 1928, Biometrika 20A, 32). */
imnn_node imnn_stats_wishart(imnn_graph *g, imnn_node x, imnn_node df, imnn_node scale)
{
    const given in[] = {{"x", x, 2}, {"scale", scale, 2}, {"df", df, 0}};
    const int64_t n = common(g, "stats.wishart.logpdf", 3, in);
    if (!n) return 0;
    imnn_node zero = number(g, x, 0), one = number(g, x, 1), w = g_eigvalsh(g, x);
    imnn_node inside =
        g_gt(g, g_min(g, w, &(imnn_attr){1, {imnn_graph_shape(g, w)->ndim - 1}}), zero);
    imnn_node l = g_cholesky(g, scale);
    imnn_node half = g_triangular_solve(g, l, x, IMNN_LOWER); /* tr V^-1 x = tr L^-1 x L^-T */
    imnn_node whole = g_triangular_solve(g, l, g_swap(g, half), IMNN_LOWER);
    imnn_node diagonal = g_and(g, g_below(g, n, n, 0), g_not(g, g_below(g, n, n, 1)));
    imnn_node trace = sum_last(g, sum_last(g, g_where(g, diagonal, whole, zero)));
    imnn_node gammas = number(g, x, 0.25 * (double)(n * (n - 1)) * log_pi);
    for (int64_t i = 0; i < n; i++)
        gammas =
            g_add(g, gammas, g_lgamma(g, scaled(g, 0.5, g_sub(g, df, number(g, x, (double)i)))));
    const char *names[] = {"df", "ln_x", "ln_v", "trace", "gammas", "n", "inside", "inf", "nan"};
    const imnn_node values[] = {df,
                                sum_last(g, g_log(g, g_where(g, g_gt(g, w, zero), w, one))),
                                log_det(g, l, n),
                                trace,
                                gammas,
                                number(g, x, (double)n),
                                inside,
                                number(g, x, (double)INFINITY),
                                number(g, x, (double)NAN)};
    return imnn_formula(g,
                        "where(gt(df, n - 1), where(inside, 0.5 * ((df - n - 1) * ln_x - trace "
                        "- df * (n * 0.6931471805599453 + ln_v)) - gammas, -inf), nan)",
                        names, values, 9);
}
