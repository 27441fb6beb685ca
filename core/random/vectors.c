/* Vectors and matrices of random numbers: normal vectors of a covariance, rotations, covariances.
 */
#include "core/ops/matrices.h"
#include "core/random/distributions.h"

/* Whether x is of this dtype and ends with `axes` axes of n numbers. */
static bool fits(imnn_graph *g, const char *who, const char *name, imnn_node x, imnn_dtype dtype,
                 int axes, int64_t n)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    bool good = s->ndim >= axes;
    for (int k = 1; k <= axes && good; k++) good = imnn_from_end(s, k) == n;
    if (imnn_graph_dtype(g, x) != dtype)
        imnn_graph_fail(g, IMNN_EDTYPE, "%s: %s is %s, the draws are %s", who, name,
                        imnn_dtype_name(imnn_graph_dtype(g, x)), imnn_dtype_name(dtype));
    else if (!good)
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: %s is (..., n%s) with n = %lld, got %s", who, name,
                        axes > 1 ? ", n" : "", (long long)n, imnn_shape_text(s).s);
    return imnn_graph_ok(g);
}

/* x, if parameters fit to the shape of the draws. */
static imnn_node of_shape(imnn_graph *g, const char *who, imnn_node key, imnn_node x,
                          const imnn_shape *shape)
{
    if (!imnn_graph_ok(g)) return 0;
    const imnn_shape full = imnn_random_shape(g, key, shape);
    if (imnn_shape_equal(imnn_graph_shape(g, x), &full)) return x;
    imnn_graph_fail(g, IMNN_ESHAPE, "%s: parameters do not broadcast to the shape %s", who,
                    imnn_shape_text(&full).s);
    return 0;
}

/* Roots of eigenvalues (..., 1, n), ascending. One that rounding made negative is 0. */
static imnn_node roots(imnn_graph *g, imnn_node values, int64_t n)
{
    imnn_node largest = g_part(g, values, 1, n > 0 ? n - 1 : 0, n > 0);
    const double rounding = imnn_graph_dtype(g, values) == IMNN_F32 ? -0x1p-20 : -0x1p-48;
    imnn_node zero = g_number(g, values, 0);
    imnn_node none = g_gt(g, values, g_mul(g, largest, g_number(g, values, rounding)));
    return g_sqrt(g, g_where(g, none, g_maximum(g, values, zero), values));
}

/* F with F F^T = cov: triangular, or eigenvectors times the roots of their eigenvalues. */
static imnn_node factor(imnn_graph *g, imnn_node cov, imnn_factor how)
{
    const int64_t n = imnn_from_end(imnn_graph_shape(g, cov), 1);
    if (how == IMNN_BY_CHOLESKY) return g_cholesky(g, cov);
    if (how == IMNN_BY_EIGH) {
        imnn_node all = g_eigh(g, cov);
        return g_mul(g, g_part(g, all, 2, 1, n), roots(g, g_part(g, all, 2, 0, 1), n));
    }
    imnn_node all = g_svd(g, cov);
    imnn_node ut = g_mul(g, g_part(g, all, 1, 0, n), g_sqrt(g, g_part(g, all, 1, n, 1)));
    return imnn_graph_ok(g) ? g_swap(g, ut) : 0;
}

/* F z of vectors z (..., n) */
static imnn_node applied(imnn_graph *g, imnn_node f, imnn_node z)
{
    if (!imnn_graph_ok(g)) return 0;
    const int last = imnn_graph_shape(g, z)->ndim;
    imnn_node rows = g_product(g, g_expand(g, z, last - 1), f, false, true);
    return imnn_graph_ok(g) ? g_squeeze(g, rows, imnn_graph_shape(g, rows)->ndim - 2) : 0;
}

imnn_node imnn_random_multivariate_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                          const imnn_shape *shape, imnn_node mean, imnn_node cov,
                                          imnn_factor how)
{
    const char *who = "random.multivariate_normal";
    if (!imnn_graph_accepts(g, who, 3, (imnn_node[]){key, mean, cov})) return 0;
    const imnn_shape *m = imnn_graph_shape(g, mean);
    if (m->ndim == 0) {
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: mean needs an axis of components", who);
        return 0;
    }
    const int64_t n = imnn_from_end(m, 1);
    if (!imnn_random_begin(g, who, key, dtype) || !fits(g, who, "mean", mean, dtype, 1, n) ||
        !fits(g, who, "cov", cov, dtype, 2, n))
        return 0;
    const imnn_shape full = imnn_random_longer(g, shape, 1, &n);
    imnn_node z = imnn_random_normal(g, key, dtype, &full);
    imnn_node x = g_add(g, mean, applied(g, factor(g, cov, how), z));
    return of_shape(g, who, key, x, &full);
}

/* Mezzadri, "How to generate random matrices from the classical compact groups", Notices of the
 * AMS 54 (2007): Q of normal numbers, with signs for which R has a positive diagonal. */
imnn_node imnn_random_orthogonal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                 const imnn_shape *shape, int64_t n, int64_t m)
{
    if (!imnn_random_begin(g, "random.orthogonal", key, dtype)) return 0;
    if (n < 0 || m < 0) {
        imnn_graph_fail(g, IMNN_EVALUE, "random.orthogonal: no matrices of %lld x %lld",
                        (long long)n, (long long)m);
        return 0;
    }
    const int64_t rows = n > m ? n : m, k = n > m ? m : n;
    const imnn_shape full = imnn_random_longer(g, shape, 2, (int64_t[]){rows, k});
    imnn_node z = imnn_random_normal(g, key, dtype, &full);
    if (k == 0 || !imnn_graph_ok(g)) return n < m && imnn_graph_ok(g) ? g_swap(g, z) : z;
    imnn_node all = g_qr(g, z, false);
    imnn_node r = g_diagonal(g, g_part(g, all, 1, rows, k)); /* its only number in each row */
    if (!imnn_graph_ok(g)) return 0;
    const int last = imnn_graph_shape(g, r)->ndim - 1;
    imnn_node sign = g_sign(g, g_expand(g, g_sum(g, r, &(imnn_attr){1, {last}}), last));
    imnn_node qt = g_mul(g, g_part(g, all, 1, 0, rows), sign);
    return n < m ? qt : g_swap(g, qt);
}

/* Bartlett, Proc. R. Soc. Edinburgh 53 (1933), 260: of the triangular factor the squares of the
 * diagonal are chi-square numbers of df, df - 1, ... degrees, the others are normal. */
imnn_node imnn_random_wishart(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                              const imnn_shape *shape, imnn_node df, imnn_node scale)
{
    const char *who = "random.wishart";
    if (!imnn_graph_accepts(g, who, 3, (imnn_node[]){key, df, scale})) return 0;
    const imnn_shape *s = imnn_graph_shape(g, scale);
    const int64_t p = s->ndim > 0 ? imnn_from_end(s, 1) : 0;
    if (!imnn_random_begin(g, who, key, dtype) || !fits(g, who, "scale", scale, dtype, 2, p) ||
        !fits(g, who, "df", df, dtype, 0, 0))
        return 0;
    const imnn_shape one = {1, {p}}, vector = imnn_random_longer(g, shape, 1, &p);
    const imnn_shape square = imnn_random_longer(g, shape, 2, (int64_t[]){p, p});
    if (!imnn_graph_ok(g)) return 0;
    imnn_node keys = g_random_split(g, key, 2);
    imnn_node degrees =
        g_sub(g, g_expand(g, df, imnn_graph_shape(g, df)->ndim), g_iota(g, dtype, &one, 0));
    imnn_node diagonal = g_sqrt(
        g, imnn_random_draw(g, "chisquare", imnn_random_key(g, keys, 0), dtype, &vector, &degrees));
    imnn_node z = imnn_random_normal(g, imnn_random_key(g, keys, 1), dtype, &square);
    if (!imnn_graph_ok(g)) return 0;
    const int last = imnn_graph_shape(g, diagonal)->ndim;
    imnn_node a = g_where(g, g_below(g, p, p, 1), z, g_expand(g, diagonal, last));
    a = g_masked(g, g_below(g, p, p, 0), a);
    imnn_node l = g_product(g, g_cholesky(g, scale), a, false, false);
    return of_shape(g, who, key, g_product(g, l, l, false, true), &square);
}
