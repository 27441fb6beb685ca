/* Keys and words, as graph nodes: the operators of core/ops/random.c under their public names. */
#include "core/random/distributions.h"

imnn_node imnn_random_split(imnn_graph *g, imnn_node key, int64_t n)
{
    return imnn_graph_accepts(g, "random.split", 1, &key) ? g_random_split(g, key, n) : 0;
}

imnn_node imnn_random_fold_in(imnn_graph *g, imnn_node key, imnn_node data)
{
    const bool accepted = imnn_graph_accepts(g, "random.fold_in", 2, (imnn_node[]){key, data});
    return accepted ? g_random_fold_in(g, key, data) : 0;
}

imnn_node imnn_random_bits(imnn_graph *g, imnn_node key, const imnn_shape *shape)
{
    return imnn_graph_accepts(g, "random.bits", 1, &key) ? g_random_bits(g, key, shape) : 0;
}

/* Words of 8 and 16 bits: pieces of words of 32, the lowest one first; in the partitionable layout
 * each has a word of its own. */
static imnn_node pieces(imnn_graph *g, imnn_node key, const imnn_shape *shape, int width)
{
    const imnn_shape full = imnn_random_shape(g, key, shape);
    const int64_t n = imnn_shape_count(shape), each = 32 / width;
    imnn_node mask = imnn_graph_number(g, IMNN_U32, width == 8 ? 0xff : 0xffff);
    if (imnn_random_layout() == IMNN_PARTITIONABLE)
        return g_and(g, g_random_bits(g, key, shape), mask);
    imnn_shape words = {1, {(n + each - 1) / each}}, line = {1, {each}};
    imnn_node x = g_random_bits(g, key, &words);
    if (!imnn_graph_ok(g)) return 0;
    imnn_node by =
        g_mul(g, g_iota(g, IMNN_U32, &line, 0), imnn_graph_number(g, IMNN_U32, (double)width));
    x = g_and(g, g_shift_right(g, g_expand(g, x, imnn_graph_shape(g, x)->ndim), by), mask);
    line.size[0] = words.size[0] * each;
    line = imnn_random_shape(g, key, &line);
    return g_reshape(g, g_part(g, g_reshape(g, x, &line), 1, 0, n), &full);
}

imnn_node imnn_random_words(imnn_graph *g, imnn_node key, const imnn_shape *shape, int width)
{
    if (!imnn_graph_accepts(g, "random.bits", 1, &key)) return 0;
    switch (width) {
    case 8:
    case 16: return pieces(g, key, shape, width);
    case 32: return g_random_bits(g, key, shape);
    case 64: return g_random_bits64(g, key, shape);
    default: imnn_graph_fail(g, IMNN_EVALUE, "random.bits: no words of %d bits", width); return 0;
    }
}
