#ifndef IMNN_GRAPH_H
#define IMNN_GRAPH_H
#include "imnn/array.h"

typedef struct imnn_graph imnn_graph;
typedef int32_t imnn_node; /* index into the graph; 0 is no node, or a derivative that is zero */
typedef struct imnn_attr {
    int32_t n;
    int64_t v[28]; /* axes, a shape, ..., as the operator says */
} imnn_attr;

/** An empty graph, to be released by the caller. */
IMNN_API imnn_status imnn_graph_new(imnn_graph **out);
IMNN_API void imnn_graph_release(imnn_graph *g);
/** One more reference; the same pointer. */
IMNN_API imnn_graph *imnn_graph_retain(imnn_graph *g);

/* Builders give 0 after the first failure and do nothing from then on; ask status once, at the end.
 * Equal operators of equal inputs are the same node. */
IMNN_API imnn_node imnn_graph_input(imnn_graph *g, imnn_dtype dtype, const imnn_shape *shape);
IMNN_API imnn_node imnn_graph_constant(imnn_graph *g, const imnn_array *a);
/** A number of shape (). */
IMNN_API imnn_node imnn_graph_number(imnn_graph *g, imnn_dtype dtype, double value);
/** Operator `op` of n inputs; attr may be NULL. Inputs are broadcast as the operator says.
 *  Every operator by name: imnn_op_find("exp"). */
IMNN_API imnn_node imnn_graph_apply(imnn_graph *g, int op, int n, const imnn_node *x,
                                    const imnn_attr *attr);
/** An expression of n named nodes, "a * pow(rate, i / steps)": + - * /, brackets, numbers, and
 * every operator without attributes by its name. Inputs are broadcast. names, values  the nodes;
 * numbers take the dtype of the first one fails          EVALUE (no such name or operator, a text
 * that is no expression), ESHAPE, EDTYPE */
IMNN_API imnn_node imnn_graph_formula(imnn_graph *g, const char *text, int n,
                                      const char *const *names, const imnn_node *values);

/** The first failure, whose sentence becomes imnn_last_error(); it is taken away, so that the
 *  graph can be used on. */
IMNN_API imnn_status imnn_graph_status(imnn_graph *g);

IMNN_API const imnn_shape *imnn_graph_shape(const imnn_graph *g, imnn_node x);
IMNN_API imnn_dtype imnn_graph_dtype(const imnn_graph *g, imnn_node x);
/** The array behind a constant (borrowed), or NULL. */
IMNN_API const imnn_array *imnn_graph_value(const imnn_graph *g, imnn_node x);

/** A scope holds the placeholders of one function that is being transformed. A node that depends
 *  on a placeholder of a closed scope cannot be used by imnn_graph_apply any more:
 *  EVALUE "a traced array has left its function". */
IMNN_API int32_t imnn_graph_open(imnn_graph *g);
IMNN_API imnn_node imnn_graph_placeholder(imnn_graph *g, imnn_dtype dtype, const imnn_shape *shape);
IMNN_API void imnn_graph_close(imnn_graph *g, int32_t scope);
/** Whether x depends on a placeholder of a closed scope. */
IMNN_API bool imnn_graph_left(const imnn_graph *g, imnn_node x);

/* Transforms append nodes. They see only what the results need and what depends on x, so that
 * captured nodes are constants of the inner transform and variables of the outer one. Where one x
 * is made of another, both are variables of their own. */

/** Reverse derivative of several results: dx[j] = sum_i (dy_i/dx_j)^T dy[i].
 *  dy   cotangents; 0 is zero
 *  dx   0 where the derivative is zero (also for integers and bools) */
IMNN_API imnn_status imnn_graph_vjp(imnn_graph *g, int ny, const imnn_node *y, const imnn_node *dy,
                                    int nx, const imnn_node *x, imnn_node *dx);
/** Forward derivative: dy[i] = sum_j dy_i/dx_j v[j]; 0 is zero, in v and in dy. */
IMNN_API imnn_status imnn_graph_jvp(imnn_graph *g, int ny, const imnn_node *y, int nx,
                                    const imnn_node *x, const imnn_node *v, imnn_node *dy);
/** The same for a batch: x[j] (one example) is replaced by xb[j], which has one more axis in
 *  front, of the same size for all. yb[i] is y[i] itself where it does not depend on the batch;
 *  otherwise it has the axis in front. */
IMNN_API imnn_status imnn_graph_vmap(imnn_graph *g, int ny, const imnn_node *y, int nx,
                                     const imnn_node *x, const imnn_node *xb, imnn_node *yb);
/** The same with x[j] replaced by to[j], of equal shape and dtype. */
IMNN_API imnn_status imnn_graph_substitute(imnn_graph *g, int ny, const imnn_node *y, int nx,
                                           const imnn_node *x, const imnn_node *to, imnn_node *out);

/** The nodes that y needs, one a line. Owned by the graph, until the next call. */
IMNN_API const char *imnn_graph_text(imnn_graph *g, int ny, const imnn_node *y);
#endif
