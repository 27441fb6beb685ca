/* Distributions that are made of others. Which key goes where is JAX's (spec/random 6, 8.3). */
#include "core/random/distributions.h"
#include <math.h>

static imnn_node number(imnn_graph *g, imnn_dtype dtype, double x)
{
    return imnn_graph_number(g, dtype, x);
}

static imnn_node draw(imnn_graph *g, const char *name, imnn_node key, imnn_dtype dtype,
                      const imnn_shape *shape, imnn_node a)
{
    return imnn_graph_ok(g) ? imnn_random_draw(g, name, key, dtype, shape, &a) : 0;
}

static imnn_node sum_last(imnn_graph *g, imnn_node x)
{
    if (!imnn_graph_ok(g)) return 0;
    return g_sum(g, x, &(imnn_attr){1, {imnn_graph_shape(g, x)->ndim - 1}});
}

#define BUILD(name)                                                                    \
    imnn_node imnn_random_built_##name(imnn_graph *g, imnn_node key, imnn_dtype dtype, \
                                       const imnn_shape *shape, const imnn_node *p)

/* Two uniform numbers: rows of (2, shape). */
static void two(imnn_graph *g, imnn_node key, imnn_dtype dtype, const imnn_shape *shape,
                imnn_node u[2])
{
    imnn_shape both = {1, {2}};
    both = imnn_random_longer(g, &both, shape->ndim, shape->size);
    imnn_node x = imnn_random_uniform(g, key, dtype, &both, 0, 0);
    for (int k = 0; k < 2 && imnn_graph_ok(g); k++)
        u[k] = g_squeeze(g, g_part(g, x, shape->ndim + 1, k, 1),
                         imnn_graph_shape(g, x)->ndim - shape->ndim - 1);
}

/* The bits of a number behind its last one. */
static double ulp(imnn_dtype dtype) { return dtype == IMNN_F32 ? 0x1p-23 : 0x1p-52; }

BUILD(bernoulli_high) /* u in as many bits again: small probabilities are not rounded */
{
    imnn_node u[2] = {0};
    two(g, key, dtype, shape, u);
    return g_lt(g, g_mul(g, u[1], number(g, dtype, ulp(dtype))), g_sub(g, p[0], u[0]));
}

BUILD(gumbel_high) /* small u, which give the large numbers, have more bits */
{
    const double small =
        fmax(ulp(dtype) * ulp(dtype) / 2, dtype == IMNN_F32 ? 0x1p-126 : 0x1p-1022);
    imnn_node u[2] = {0};
    two(g, key, dtype, shape, u);
    imnn_node more =
        g_add(g, g_mul(g, u[1], number(g, dtype, ulp(dtype))), number(g, dtype, small));
    more = g_where(g, g_ge(g, u[0], number(g, dtype, 0.5)), number(g, dtype, 0), more);
    return g_neg(g, g_log(g, g_neg(g, g_log1p(g, g_neg(g, g_add(g, u[0], more))))));
}

BUILD(maxwell)
{
    const imnn_shape three = imnn_random_longer(g, shape, 1, (int64_t[]){3});
    imnn_node z = imnn_random_normal(g, key, dtype, &three);
    return g_sqrt(g, sum_last(g, g_mul(g, z, z)));
}

BUILD(double_sided_maxwell)
{
    imnn_node keys = g_random_split(g, key, 2);
    imnn_node length = draw(g, "maxwell", imnn_random_key(g, keys, 0), dtype, shape, 0);
    imnn_node sign = draw(g, "rademacher", imnn_random_key(g, keys, 1), dtype, shape, 0);
    return g_add(g, g_mul(g, g_mul(g, g_convert(g, sign, dtype), length), p[1]), p[0]);
}

/* Michael, Schucany & Haas 1976, Am. Stat. 30, 88. The difference cancels: fused as XLA does it. */
BUILD(wald)
{
    imnn_node keys = g_random_split(g, key, 2), mean = p[0];
    imnn_node v = imnn_random_normal(g, imnn_random_key(g, keys, 0), dtype, shape);
    imnn_node z = imnn_random_uniform(g, imnn_random_key(g, keys, 1), dtype, shape, 0, 0);
    imnn_node y = g_mul(g, v, v);
    imnn_node x = imnn_formula(g,
                               "fma(-mean / 2, sqrt(fma(mean * mean, y * y, 4 * (mean * y))), "
                               "fma(mean * mean * y, 0.5, mean))",
                               (const char *[]){"y", "mean"}, (imnn_node[]){y, mean}, 2);
    return imnn_formula(g, "where(le(z, mean / (mean + x)), x, mean * mean / x)",
                        (const char *[]){"z", "x", "mean"}, (imnn_node[]){z, x, mean}, 3);
}

/* The parameter as one for every draw: operators of rejection take them so. */
static imnn_node spread(imnn_graph *g, imnn_node p, imnn_node key, const imnn_shape *shape)
{
    const imnn_shape full = imnn_random_shape(g, key, shape);
    return g_broadcast(g, p, &full);
}

BUILD(gamma) { return g_random_gamma(g, key, spread(g, p[0], key, shape), false); }
BUILD(loggamma) { return g_random_gamma(g, key, spread(g, p[0], key, shape), true); }

BUILD(poisson)
{
    imnn_node lam = g_convert(g, p[0], IMNN_F32);
    return g_random_poisson(g, key, spread(g, lam, key, shape));
}

BUILD(binomial)
{
    return g_random_binomial(g, key, spread(g, p[0], key, shape), spread(g, p[1], key, shape));
}

BUILD(von_mises) /* mu + the angle, from -pi to pi */
{
    imnn_node x = g_add(g, p[0], g_random_von_mises(g, key, spread(g, p[1], key, shape)));
    imnn_node turn = number(g, dtype, 6.283185307179586);
    imnn_node turns = g_round(g, g_div(g, x, turn));
    return g_sub(g, x, g_mul(g, turns, turn));
}

BUILD(inverse_gamma) { return g_div(g, p[1], draw(g, "gamma", key, dtype, shape, p[0])); }

BUILD(beta)
{
    imnn_node keys = g_random_split(g, key, 2);
    imnn_node a = draw(g, "loggamma", imnn_random_key(g, keys, 0), dtype, shape, p[0]);
    imnn_node b = draw(g, "loggamma", imnn_random_key(g, keys, 1), dtype, shape, p[1]);
    imnn_node most = g_stop_gradient(g, g_maximum(g, a, b));
    a = g_exp(g, g_sub(g, a, most)), b = g_exp(g, g_sub(g, b, most));
    return g_div(g, a, g_add(g, a, b));
}

BUILD(t)
{
    imnn_node keys = g_random_split(g, key, 2), half = g_div(g, p[0], number(g, dtype, 2));
    imnn_node z = imnn_random_normal(g, imnn_random_key(g, keys, 0), dtype, shape);
    imnn_node x = draw(g, "gamma", imnn_random_key(g, keys, 1), dtype, shape, half);
    return g_mul(g, z, g_sqrt(g, g_div(g, half, x)));
}

BUILD(chisquare)
{
    imnn_node two = number(g, dtype, 2);
    return g_mul(g, two, g_exp(g, draw(g, "loggamma", key, dtype, shape, g_div(g, p[0], two))));
}

BUILD(f) /* the first key is for the denominator */
{
    imnn_node keys = g_random_split(g, key, 2);
    imnn_node below = draw(g, "chisquare", imnn_random_key(g, keys, 0), dtype, shape, p[1]);
    imnn_node above = draw(g, "chisquare", imnn_random_key(g, keys, 1), dtype, shape, p[0]);
    return g_div(g, g_div(g, above, p[0]), g_div(g, below, p[1]));
}

BUILD(generalized_normal)
{
    imnn_node keys = g_random_split(g, key, 2);
    imnn_node inverse = g_div(g, number(g, dtype, 1), p[0]);
    imnn_node x = draw(g, "gamma", imnn_random_key(g, keys, 0), dtype, shape, inverse);
    imnn_node sign = draw(g, "rademacher", imnn_random_key(g, keys, 1), dtype, shape, 0);
    return g_mul(g, g_convert(g, sign, dtype), g_pow(g, x, inverse));
}

BUILD(negative_binomial)
{
    imnn_node keys = g_random_split(g, key, 2);
    imnn_node rate = draw(g, "gamma", imnn_random_key(g, keys, 0), dtype, shape, p[0]);
    rate = g_div(g, g_mul(g, rate, p[1]), p[0]);
    return draw(g, "poisson", imnn_random_key(g, keys, 1), dtype, shape, rate);
}

imnn_node imnn_random_dirichlet(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                const imnn_shape *shape, imnn_node alpha)
{
    if (!imnn_graph_accepts(g, "random.dirichlet", 2, (imnn_node[]){key, alpha})) return 0;
    const imnn_shape *s = imnn_graph_shape(g, alpha);
    if (s->ndim == 0) {
        imnn_graph_fail(g, IMNN_ESHAPE, "random.dirichlet: alpha needs an axis of concentrations");
        return 0;
    }
    const imnn_shape full = imnn_random_longer(g, shape, 1, s->size + s->ndim - 1);
    imnn_node x = draw(g, "loggamma", key, dtype, &full, alpha);
    if (!imnn_graph_ok(g)) return 0;
    const int last = imnn_graph_shape(g, x)->ndim - 1;
    imnn_node most = g_expand(g, g_max(g, x, &(imnn_attr){1, {last}}), last);
    x = g_exp(g, g_sub(g, x, g_stop_gradient(g, most)));
    return g_div(g, x, g_expand(g, sum_last(g, x), last));
}

/* Barthe et al. 2005, Ann. Probab. 33, 480 */
imnn_node imnn_random_ball(imnn_graph *g, imnn_node key, imnn_dtype dtype, const imnn_shape *shape,
                           int64_t d, imnn_node p)
{
    if (!imnn_random_begin(g, "random.ball", key, dtype)) return 0;
    const imnn_shape full = imnn_random_longer(g, shape, 1, &d);
    imnn_node keys = g_random_split(g, key, 2);
    imnn_node x = draw(g, "generalized_normal", imnn_random_key(g, keys, 0), dtype, &full, p);
    imnn_node e = draw(g, "exponential", imnn_random_key(g, keys, 1), dtype, shape, 0);
    imnn_node norm = g_add(g, sum_last(g, g_pow(g, g_abs(g, x), p)), e);
    norm = g_pow(g, norm, g_div(g, number(g, dtype, 1), p));
    if (!imnn_graph_ok(g)) return 0;
    return g_div(g, x, g_expand(g, norm, imnn_graph_shape(g, norm)->ndim));
}

/* Of what is left after the earlier ones each category has a binomial number. */
imnn_node imnn_random_multinomial(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                  const imnn_shape *shape, imnn_node n, imnn_node p)
{
    if (!imnn_graph_accepts(g, "random.multinomial", 3, (imnn_node[]){key, n, p})) return 0;
    const imnn_shape *s = imnn_graph_shape(g, p);
    const int64_t K = s->ndim > 0 ? s->size[s->ndim - 1] : 0;
    if (K < 1 || K > 1000) {
        imnn_graph_fail(
            g, IMNN_ESHAPE,
            "random.multinomial: p needs a last axis of 1 to 1000 probabilities, got %s",
            imnn_shape_text(s).s);
        return 0;
    }
    imnn_node keys = g_random_split(g, key, K), count[1000];
    const int last = s->ndim - 1;
    for (int64_t k = 0; k < K && imnn_graph_ok(g); k++) {
        imnn_node now = g_squeeze(g, g_part(g, p, 1, k, 1), last),
                  rest = sum_last(g, g_part(g, p, 1, k, K - k));
        imnn_node one = number(g, dtype, 1), zero = number(g, dtype, 0);
        imnn_node ratio = g_div(g, now, g_where(g, g_eq(g, rest, zero), one, rest));
        ratio = g_minimum(g, g_maximum(g, ratio, zero), one);
        imnn_node draws = imnn_random_draw(g, "binomial", imnn_random_key(g, keys, (int)k), dtype,
                                           shape, (imnn_node[]){n, ratio});
        n = g_sub(g, n, draws);
        count[k] = imnn_graph_ok(g) ? g_expand(g, draws, imnn_graph_shape(g, draws)->ndim) : 0;
    }
    if (!imnn_graph_ok(g)) return 0;
    return g_concatenate(g, (int)K, count, imnn_graph_shape(g, count[0])->ndim - 1);
}
