#ifndef CORE_TRANSFORM_H
#define CORE_TRANSFORM_H
#include "core/ops/ops.h"

/** The part of a graph that a transform looks at: of the nodes first .. last those that depend on
 *  the variables x and that the results y need. The variables count as leaves, even where one is
 *  made of another. */
typedef struct imnn_cone {
    imnn_node first, last, size; /* size: of tables that are indexed by node */
    bool *depends;
    bool *leaf;
} imnn_cone;

/** smooth: only what depends on x by way of real numbers and of operators with derivatives. To be
 *  released with imnn_cone_free; false: a failure sticks to the graph. */
bool imnn_cone_of(imnn_cone *c, imnn_graph *g, int ny, const imnn_node *y, int nx,
                  const imnn_node *x, bool smooth);
/** Whether y[i] depends on any x by way of real numbers; false: a failure sticks to the graph. */
bool imnn_reached(imnn_graph *g, int ny, const imnn_node *y, int nx, const imnn_node *x,
                  bool *reached);
void imnn_cone_free(imnn_cone *c);
/** Room for a node at every node of the cone, all 0; NULL: the failure sticks to the graph. */
imnn_node *imnn_cone_table(const imnn_cone *c, imnn_graph *g);
void imnn_cone_table_free(const imnn_cone *c, imnn_node *table);

/** Whether every a[i] that is not 0 has the type of b[i]; otherwise the failure sticks. */
bool imnn_same_types(imnn_graph *g, const char *what, int n, const imnn_node *a,
                     const imnn_node *b);

/** The cone built again with by[j] in place of x[j]: what one node becomes, where to[i] is what
 *  node i became (0: it stays as it is). */
typedef imnn_node imnn_replay_fn(imnn_graph *g, const imnn_vertex *v, const imnn_node *to,
                                 int64_t size);
imnn_status imnn_replay(imnn_graph *g, imnn_replay_fn *replay, int64_t size, int ny,
                        const imnn_node *y, int nx, const imnn_node *x, const imnn_node *by,
                        imnn_node *out);
#endif
