#ifndef CORE_OPS_ELEMENTWISE_H
#define CORE_OPS_ELEMENTWISE_H
#include "core/ops/ops.h"

imnn_build_fn imnn_elementwise_build;
imnn_infer_fn imnn_elementwise_infer, imnn_bool_infer;
imnn_vjp_fn imnn_elementwise_vjp;
/** A simpler node for op of these inputs, whose shapes join to s; 0: there is none. */
imnn_node imnn_simplify(imnn_graph *g, const imnn_op *op, const imnn_node *x, const imnn_shape *s);
#endif
