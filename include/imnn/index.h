#ifndef IMNN_INDEX_H
#define IMNN_INDEX_H
#include "imnn/graph.h"

/* Parts of arrays at places that are known only when a program runs. */

/** sizes[k] elements along every axis k of x from starts[k] (i32 or u32 (), from 0), which is moved
 *  so that they are inside. */
IMNN_API imnn_node imnn_graph_dynamic_slice(imnn_graph *g, imnn_node x, const imnn_node *starts,
                                            const int64_t *sizes);
/** x with y (as many axes, none longer) in place of what is there from starts[k]. */
IMNN_API imnn_node imnn_graph_dynamic_update_slice(imnn_graph *g, imnn_node x, imnn_node y,
                                                   const imnn_node *starts);

typedef enum imnn_scatter {
    IMNN_SCATTER_SET, /* of several with one place the last one stays */
    IMNN_SCATTER_ADD,
    IMNN_SCATTER_MUL,
    IMNN_SCATTER_MIN,
    IMNN_SCATTER_MAX
} imnn_scatter;
/** x with y joined to its elements `places`.
 *  places  i32 of any shape: numbers of elements of x in row-major order
 *  y       of the shape of places */
IMNN_API imnn_node imnn_graph_scatter(imnn_graph *g, imnn_scatter how, imnn_node x,
                                      imnn_node places, imnn_node y);
#endif
