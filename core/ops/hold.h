#ifndef CORE_HOLD_H
#define CORE_HOLD_H
#include "core/graph/body.h"
#include "core/ops/ops.h"

/* Operators that hold bodies. Attributes, behind {bodies, body..., result}:
 *   loop    {length, reverse, consts, carry}: inputs are constants, the carry, and arrays that are
 *           sliced along axis[input]; results of the body are the next carry and what is stacked
 *           along axis[nx + result]. Results: last carry, stacked, and the carry before every step,
 *           stacked along axis[input]. So axes before that one, also those of constants, are
 *           batches. Length -1: there is nothing to slice and to stack, and the
 *           loop goes on while any element of the first carry (bool) holds.
 *   branch  {}: inputs are the number of the body (i32, clamped), and those of all bodies
 *   custom  {captured, forward}: the first body is the value. Two bodies: the second gives tangents
 * of the results from (captured, inputs, tangents of inputs). Three: the second gives residuals
 *           from (captured, inputs), the third cotangents of the inputs from (captured, residuals,
 *           cotangents of results); then `forward` says whether there are tangents, those of the
 *           first body. */
typedef struct imnn_loop {
    const imnn_body *body;
    int64_t result, length;
    bool reverse;
    int consts, carry, slices, stacks;
} imnn_loop;

static inline imnn_loop imnn_loop_of(const imnn_attr *attr)
{
    const imnn_body *b = imnn_body_at(attr, 0);
    const int consts = (int)attr->v[5], carry = (int)attr->v[6];
    return (imnn_loop){.body = b,
                       .result = imnn_body_result(attr),
                       .length = attr->v[3],
                       .reverse = attr->v[4] != 0,
                       .consts = consts,
                       .carry = carry,
                       .slices = b->nx - consts - carry,
                       .stacks = b->ny - carry};
}

/** A loop to be built: of every input the parameter in the body and the node outside; `next` is
 *  the carry after a step. What the body reads beside its parameters becomes constants. */
typedef struct imnn_loop_spec {
    int64_t length;
    bool reverse;
    imnn_nodes const_in, const_of, const_axis, carry_in, carry_of, next, carry_axis, slice_in,
        slice_of, slice_axis, stack, stack_axis;
} imnn_loop_spec;
/** First result, 0 on failure; the lists are freed. */
imnn_node imnn_loop_build(imnn_graph *g, imnn_loop_spec *s);

/** All results of an operator that holds bodies; the one of attr, 0 on failure. */
imnn_node imnn_hold_add(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                        const imnn_attr *attr);
/** The operator `op` of bodies, from the parameters and results of each (in turn); of: what those
 *  of the first stand for. What they read beside becomes inputs, before those, of all bodies.
 *  lead  an input before all others; 0: there is none, and attributes end with the number of what
 *        is captured and with `forward`. First result, 0 on failure. */
imnn_node imnn_hold_build(imnn_graph *g, int op, imnn_node lead, bool forward, int bodies,
                          const int *nx, const imnn_node *x, const imnn_node *of, const int *ny,
                          const imnn_node *y);
/** Whether inputs are what the body takes; if not, imnn_last_error() says so. */
bool imnn_hold_fits(const char *who, const imnn_body *b, int n, const imnn_type *in);
/** A rule of an operator that holds bodies, for all results of a call at once.
 *  x     the inputs (of a batch: what they are in it)
 *  with  tangents of the inputs (0: none), or which inputs are batched
 *  size  of the batch
 *  out   a node for every result; all 0 */
typedef void imnn_hold_rule(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                            const imnn_node *with, int64_t size, imnn_node *out);
/** What the rule makes of the result v. The results of a call are asked for one after the other:
 *  the rule is applied to the first one, so that bodies in bodies are done once at every level. */
imnn_node imnn_hold_once(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                         const imnn_node *with, int64_t size, imnn_hold_rule *rule);
static inline imnn_node imnn_hold_batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                                        const bool *batched, int64_t size, imnn_hold_rule *rule)
{
    imnn_node which[v->n + 1];
    for (int i = 0; i < v->n; i++) which[i] = batched[i];
    return imnn_hold_once(g, v, x, which, size, rule);
}
imnn_node imnn_placeholder_like(imnn_graph *g, imnn_node x);
imnn_node imnn_placeholder_batch(imnn_graph *g, imnn_node x, int64_t size);
enum { MOST_BODIES = 24 };
/** a where `pick` holds, else b; the axes of pick are the first ones of a and b. */
imnn_node imnn_hold_choose(imnn_graph *g, imnn_node pick, imnn_node a, imnn_node b);
#endif
