#ifndef CORE_TRANSFORM_H
#define CORE_TRANSFORM_H
#include "core/ops/ops.h"

/** The part of a graph that a transform looks at: nodes first .. last, and which of them depend on
 *  the variables x (which count as leaves). */
typedef struct imnn_cone {
    imnn_node first, last, size; /* size: of tables that are indexed by node */
    bool *depends;
    bool *leaf;
} imnn_cone;

/** To be released with imnn_cone_free; false: a failure sticks to the graph. */
bool imnn_cone_of(imnn_cone *c, imnn_graph *g, int ny, const imnn_node *y, int nx,
                  const imnn_node *x);
void imnn_cone_free(imnn_cone *c);
static inline bool imnn_is_smooth(const imnn_graph *g, imnn_node x)
{
    return IMNN_REALS >> imnn_graph_dtype(g, x) & 1;
}
#endif
