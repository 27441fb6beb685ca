/* Whole numbers in a range, in the steps of JAX (spec/random 7.1): two words each, so that the
 * remainder hardly prefers small numbers. */
#include "core/random/distributions.h"

/* x mod span; x where span is 0, which stands for 2^32 */
static imnn_node mod(imnn_graph *g, imnn_node x, imnn_node span)
{
    imnn_node zero = g_number(g, span, 0), one = g_number(g, span, 1);
    imnn_node safe = g_maximum(g, span, one);
    return g_where(g, g_eq(g, span, zero), x, g_remainder(g, x, safe));
}

imnn_node imnn_random_randint(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                              const imnn_shape *shape, imnn_node lo, imnn_node hi, bool above)
{
    if (!imnn_graph_accepts(g, "random.randint", 3, (imnn_node[]){key, lo, hi})) return 0;
    if ((dtype != IMNN_I32 && dtype != IMNN_U32) || imnn_graph_dtype(g, lo) != dtype ||
        imnn_graph_dtype(g, hi) != dtype) {
        imnn_graph_fail(g, IMNN_EDTYPE, "random.randint: bounds and draws are all i32 or all u32");
        return 0;
    }
    imnn_node keys = g_random_split(g, key, 2);
    imnn_node high = g_random_bits(g, imnn_random_key(g, keys, 0), shape);
    imnn_node low = g_random_bits(g, imnn_random_key(g, keys, 1), shape);
    if (!imnn_graph_ok(g)) return 0;
    imnn_node from = g_convert(g, lo, IMNN_U32), to = g_convert(g, hi, IMNN_U32);
    imnn_node one = g_number(g, from, 1), span = g_sub(g, to, from);
    if (above) span = g_add(g, span, one);
    span = g_where(g, g_gt(g, hi, lo), span, one);
    imnn_node half = mod(g, g_number(g, from, 65536), span); /* 2^16, squared: 2^32 mod span */
    imnn_node factor = mod(g, g_mul(g, half, half), span);
    imnn_node offset = g_add(g, g_mul(g, mod(g, high, span), factor), mod(g, low, span));
    return g_convert(g, g_add(g, from, mod(g, offset, span)), dtype);
}
