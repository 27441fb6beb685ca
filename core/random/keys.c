/* Keys and words, as graph nodes: the operators of core/ops/random.c under their public names. */
#include "core/ops/ops.h"
#include "imnn/random.h"

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
