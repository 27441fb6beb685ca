#ifndef CORE_BODY_H
#define CORE_BODY_H
#include "core/graph/graph.h"
#include <stdatomic.h>

/** A function of arrays that an operator holds: what a loop does in a step, one of the branches of
 *  a choice. It has a graph of its own, and never changes once it is made. The attributes of an
 *  operator that holds bodies begin with their number, then the bodies as addresses. Equal bodies
 *  of a graph are the same body. */
typedef struct imnn_body {
    atomic_int references;
    imnn_graph *g;
    int32_t nx, ny;
    imnn_node *x, *y; /* inputs and results, nodes of its graph */
    int32_t *axis;    /* nx + ny numbers for the operator: see loop.c */
} imnn_body;

/** A list that grows; a failure sticks to the graph. */
typedef struct imnn_nodes {
    int32_t *v;
    int32_t n, room;
} imnn_nodes;
void imnn_nodes_push(imnn_graph *g, imnn_nodes *list, int32_t x);
void imnn_nodes_free(imnn_nodes *list);

/** What the results y read beside the parameters x (placeholders) and numbers, added to `captured`.
 *  used[i], if not NULL, is set where x[i] is read. */
bool imnn_body_captures(imnn_graph *g, int nx, const imnn_node *x, int ny, const imnn_node *y,
                        imnn_nodes *captured, bool *used);
/** The body with these parameters and results, which may depend on the parameters, on constants and
 *  numbers only. Owned by the graph; NULL: a failure sticks to it.
 *  axis  nx + ny numbers, or NULL: zeros */
const imnn_body *imnn_body_make(imnn_graph *g, int nx, const imnn_node *x, int ny,
                                const imnn_node *y, const int32_t *axis);
/** The nodes of the body in g, for inputs x. */
bool imnn_body_build(imnn_graph *g, const imnn_body *b, const imnn_node *x, imnn_node *y);
/** Placeholders for its inputs, in a scope of the caller. */
void imnn_body_parameters(imnn_graph *g, const imnn_body *b, imnn_node *x);
/** These, and its nodes for them. */
bool imnn_body_open(imnn_graph *g, const imnn_body *b, imnn_node *x, imnn_node *y);
/** Whether the bodies of these attributes belong to g. */
bool imnn_body_known(const imnn_graph *g, const imnn_attr *attr);
static inline const imnn_body *imnn_body_at(const imnn_attr *attr, int i)
{
    return (const imnn_body *)(intptr_t)attr->v[1 + i];
}
/** Which result of the operator this is. */
static inline int imnn_body_result(const imnn_attr *attr) { return (int)attr->v[attr->v[0] + 1]; }
/** Whether these are attributes of results of one call: equal but for the number. */
bool imnn_body_same_call(const imnn_attr *a, const imnn_attr *b);
/** Whether a body can be computed by rows, R of them, when the inputs in[i] come so; then out[i]
 *  tells which results do. */
bool imnn_body_rows(const imnn_body *b, int64_t R, const bool *in, bool *out);
void imnn_body_release(imnn_body *b);
static inline const imnn_type *imnn_body_type(const imnn_body *b, imnn_node x)
{
    return &imnn_vertex_of(b->g, x)->type;
}
#endif
