#ifndef IMNN_CONTROL_H
#define IMNN_CONTROL_H
#include "imnn/graph.h"

/* Loops and branches. Their bodies are made on placeholders in a scope of their own
 * (imnn_graph_open), and the builder takes them out of the graph; nodes that they read beside their
 * placeholders become inputs, so that captured values are differentiated and batched too. As with
 * all builders the first failure sticks: the results are 0 then. */

/** A body applied along the first axis of arrays, with a carry.
 *  carry, init, next  nc placeholders, what they begin with, and what they become in a step, of
 *                     equal dtypes and shapes
 *  x, xs              nx placeholders, and the arrays of `length` of them; may be none
 *  y                  ny nodes of a step, to be stacked
 *  reverse            from the last to the first
 *  out                nc: the last carry; ny: (length, ...) */
IMNN_API void imnn_graph_scan(imnn_graph *g, int64_t length, bool reverse, int nc,
                              const imnn_node *carry, const imnn_node *init, const imnn_node *next,
                              int nx, const imnn_node *x, const imnn_node *xs, int ny,
                              const imnn_node *y, imnn_node *out);
/** The same while `pred` (bool, (), made of the carry) holds. Forward derivatives only. */
IMNN_API void imnn_graph_while(imnn_graph *g, int nc, const imnn_node *carry, const imnn_node *init,
                               imnn_node pred, const imnn_node *next, imnn_node *out);
/** One of several bodies of the same placeholders.
 *  index  i32 (), from 0; numbers outside are clamped
 *  y      ny results of the first body, of the second, ...: of equal dtypes and shapes
 *  out    ny */
IMNN_API void imnn_graph_branch(imnn_graph *g, imnn_node index, int bodies, int nx,
                                const imnn_node *x, const imnn_node *xs, int ny, const imnn_node *y,
                                imnn_node *out);
/** A body with a forward derivative of your own; the reverse one is its transpose.
 *  x, t  nx placeholders, of the inputs and of their tangents, for inputs xs
 *  y     ny nodes made of x
 *  dy    their tangents, made of x and t; 0 is zero */
IMNN_API void imnn_graph_custom_jvp(imnn_graph *g, int nx, const imnn_node *x, const imnn_node *t,
                                    const imnn_node *xs, int ny, const imnn_node *y,
                                    const imnn_node *dy, imnn_node *out);
/** A body with a reverse derivative of your own.
 *  x          nx placeholders for inputs xs
 *  y          ny nodes made of x
 *  res, r     nr nodes made of x that are kept for the derivative, and placeholders for them
 *  u          ny placeholders of cotangents of y
 *  dx         nx cotangents of x, made of r and u; 0 is zero
 *  forward    whether it has a forward derivative as well: that of y */
IMNN_API void imnn_graph_custom_vjp(imnn_graph *g, int nx, const imnn_node *x, const imnn_node *xs,
                                    int ny, const imnn_node *y, int nr, const imnn_node *res,
                                    const imnn_node *r, const imnn_node *u, const imnn_node *dx,
                                    bool forward, imnn_node *out);

/** What nodes y read beside placeholders x, as far as it could be differentiated: variables of a
 *  function that are not among its arguments.
 *  room, out  place for so many nodes
 *  n          how many there are */
IMNN_API imnn_status imnn_graph_captured(imnn_graph *g, int nx, const imnn_node *x, int ny,
                                         const imnn_node *y, int room, int *n, imnn_node *out);
#endif
