/* Random numbers from words, in the steps of JAX, so that equal keys give equal numbers: bits
 * exactly, what follows within a few units in the last place. */
#include "core/random/distributions.h"
#include <float.h>
#include <math.h>

bool imnn_random_begin(imnn_graph *g, const char *who, imnn_node key, imnn_dtype dtype)
{
    if (!imnn_graph_accepts(g, who, 1, &key)) return false;
    if (dtype == IMNN_F32 || dtype == IMNN_F64) return true;
    imnn_graph_fail(g, IMNN_EDTYPE, "%s: draws f32 or f64, not %s", who,
                    dtype < IMNN_NDTYPE ? imnn_dtype_name(dtype) : "this dtype");
    return false;
}

/* words / 2^shift, rounded down, as numbers */
static imnn_node high_bits(imnn_graph *g, imnn_node words, int shift, imnn_dtype dtype)
{
    if (shift) words = g_shift_right(g, words, g_number(g, words, shift));
    return g_convert(g, words, dtype);
}

/* Word 0 or 1 of pairs (..., 2). */
static imnn_node word(imnn_graph *g, imnn_node pairs, int which)
{
    return g_squeeze(g, g_part(g, pairs, 1, which, 1), imnn_graph_shape(g, pairs)->ndim - 1);
}

static imnn_node scaled(imnn_graph *g, imnn_node x, double factor)
{
    return g_mul(g, x, g_number(g, x, factor));
}

/* Multiples of 2^-23 (f64: 2^-52) in [0, 1), from the first 23 (52) bits of a word. JAX writes the
 * bits into a number of [1, 2) and subtracts 1, which comes to the same; all steps are exact. */
static imnn_node unit(imnn_graph *g, imnn_node key, imnn_dtype dtype, const imnn_shape *shape)
{
    if (dtype == IMNN_F32)
        return scaled(g, high_bits(g, g_random_bits(g, key, shape), 9, dtype), 0x1p-23);
    imnn_node pairs = g_random_bits64(g, key, shape);
    if (!imnn_graph_ok(g)) return 0;
    return g_add(g, scaled(g, high_bits(g, word(g, pairs, 0), 0, dtype), 0x1p-32),
                 scaled(g, high_bits(g, word(g, pairs, 1), 12, dtype), 0x1p-52));
}

/* The multiplication and the addition round once, as in what XLA compiles. */
imnn_node imnn_random_between(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                              const imnn_shape *shape, imnn_node lo, imnn_node hi)
{
    return g_fma(g, unit(g, key, dtype, shape), g_sub(g, hi, lo), lo);
}

imnn_node imnn_random_uniform(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                              const imnn_shape *shape, imnn_node lo, imnn_node hi)
{
    if (!imnn_random_begin(g, "random.uniform", key, dtype)) return 0;
    if (!lo && !hi) return unit(g, key, dtype, shape);
    imnn_node bounds[2] = {lo ? lo : imnn_graph_number(g, dtype, 0),
                           hi ? hi : imnn_graph_number(g, dtype, 1)};
    if (!imnn_graph_accepts(g, "random.uniform", 2, bounds)) return 0;
    for (int i = 0; i < 2; i++)
        if (imnn_graph_dtype(g, bounds[i]) != dtype) {
            imnn_graph_fail(g, IMNN_EDTYPE, "random.uniform: a bound is %s, the draws are %s",
                            imnn_dtype_name(imnn_graph_dtype(g, bounds[i])),
                            imnn_dtype_name(dtype));
            return 0;
        }
    return g_maximum(g, bounds[0], imnn_random_between(g, key, dtype, shape, bounds[0], bounds[1]));
}

/* The number of the dtype next to x on the way to `to`. */
static double next(imnn_dtype dtype, double x, double to)
{
    return dtype == IMNN_F32 ? nextafterf((float)x, (float)to) : nextafter(x, to);
}

/* Both parts of variance 1/2. */
static imnn_node complex_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                const imnn_shape *shape)
{
    if (!imnn_graph_accepts(g, "random.normal", 1, &key)) return 0;
    imnn_node keys = g_random_split(g, key, 2), part[2];
    for (int k = 0; k < 2; k++) {
        part[k] = imnn_random_normal(g, imnn_random_key(g, keys, k), imnn_part_dtype(dtype), shape);
        part[k] = g_div(g, part[k], g_number(g, part[k], sqrt(2)));
    }
    return g_complex(g, part[0], part[1]);
}

imnn_node imnn_random_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                             const imnn_shape *shape)
{
    if (imnn_is_complex(dtype)) return complex_normal(g, key, dtype, shape);
    if (!imnn_random_begin(g, "random.normal", key, dtype)) return 0;
    imnn_node lo = imnn_graph_number(g, dtype, next(dtype, -1, 0));
    imnn_node u = imnn_random_between(g, key, dtype, shape, lo, imnn_graph_number(g, dtype, 1));
    return scaled(g, g_erf_inv(g, u), sqrt(2));
}

/* erf(x / sqrt(2)), where every step rounds to the dtype. */
static double erf_of(imnn_dtype dtype, double x)
{
    return dtype == IMNN_F32 ? (float)erf((float)x / (float)sqrt(2)) : erf(x / sqrt(2));
}

/* So far out the numbers of JAX are few: 1 - erf is rounded. */
static const double far = 3;

imnn_node imnn_random_truncated_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype, double lo,
                                       double hi, const imnn_shape *shape)
{
    if (!imnn_random_begin(g, "random.truncated_normal", key, dtype)) return 0;
    if (!(lo < hi)) {
        imnn_graph_fail(g, IMNN_EVALUE, "random.truncated_normal: nothing lies between %g and %g",
                        lo, hi);
        return 0;
    }
    imnn_node bounds[2] = {imnn_graph_number(g, dtype, lo), imnn_graph_number(g, dtype, hi)};
    if (lo > far || hi < -far)
        return imnn_random_draw(g, "truncated_normal", key, dtype, shape, bounds);
    imnn_node u =
        imnn_random_between(g, key, dtype, shape, imnn_graph_number(g, dtype, erf_of(dtype, lo)),
                            imnn_graph_number(g, dtype, erf_of(dtype, hi)));
    imnn_node x = scaled(g, g_erf_inv(g, u), sqrt(2));
    x = g_maximum(g, x, g_number(g, x, next(dtype, lo, INFINITY)));
    return g_minimum(g, x, g_number(g, x, next(dtype, hi, -INFINITY)));
}

/* x, but above lo and below hi, which may be infinite. */
static imnn_node inside(imnn_graph *g, imnn_node x, imnn_node lo, imnn_node hi)
{
    const bool single = imnn_graph_dtype(g, x) == IMNN_F32;
    imnn_node most = g_number(g, x, single ? (double)FLT_MAX : DBL_MAX);
    imnn_node eps = g_number(g, x, single ? (double)FLT_EPSILON : DBL_EPSILON);
    imnn_node tiny = g_number(g, x, single ? (double)FLT_MIN : DBL_MIN);
    lo = g_maximum(g, g_stop_gradient(g, lo), g_neg(g, most));
    hi = g_minimum(g, g_stop_gradient(g, hi), most);
    lo = g_add(g, lo, g_maximum(g, g_mul(g, g_abs(g, lo), eps), tiny));
    hi = g_sub(g, hi, g_maximum(g, g_mul(g, g_abs(g, hi), eps), tiny));
    return g_minimum(g, g_maximum(g, x, lo), hi);
}

/* As above; where both bounds are far out on one side, by the tail of the distribution on the
 * other, where small probabilities are numbers of their own. */
imnn_node imnn_random_built_truncated_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                             const imnn_shape *shape, const imnn_node *p)
{
    imnn_node u = unit(g, key, dtype, shape), root = imnn_graph_number(g, dtype, sqrt(2));
    imnn_node lo = p[0], hi = p[1], zero = imnn_graph_number(g, dtype, 0);
    imnn_node above = g_gt(g, lo, imnn_graph_number(g, dtype, far));
    imnn_node below = g_lt(g, hi, imnn_graph_number(g, dtype, -far));
    imnn_node outer = g_or(g, above, below);
    imnn_node a = g_erf(g, g_div(g, g_where(g, outer, zero, lo), root));
    imnn_node b = g_erf(g, g_div(g, g_where(g, outer, zero, hi), root));
    imnn_node near = g_mul(g, root, g_erf_inv(g, g_fma(g, u, g_sub(g, b, a), a)));
    imnn_node flip =
        g_where(g, above, imnn_graph_number(g, dtype, -1), imnn_graph_number(g, dtype, 1));
    a = g_ndtr(g, g_where(g, outer, g_mul(g, flip, lo), zero));
    b = g_ndtr(g, g_where(g, outer, g_mul(g, flip, hi), zero));
    imnn_node tail = g_mul(g, flip, g_ndtri(g, g_fma(g, u, g_sub(g, b, a), a)));
    return inside(g, g_where(g, outer, tail, near), lo, hi);
}
