#ifndef IMNN_OPTIM_H
#define IMNN_OPTIM_H
#include "imnn/graph.h"

/* One parameter array and its moments; settings are numbers, lr a node of shape () in the dtype of
 * the parameters, t = i + 1 counts steps from 1. Formulas: JAX's example optimizers. */
/** w - lr g */
IMNN_API imnn_node imnn_optim_sgd(imnn_graph *g, imnn_node lr, imnn_node grad, imnn_node w);
/** v = mass v + g; w - lr v. v is replaced. */
IMNN_API imnn_node imnn_optim_momentum(imnn_graph *g, imnn_node lr, imnn_node grad, imnn_node w,
                                       imnn_node *v, double mass);
/** Kingma & Ba 2015, algorithm 1. m and v are replaced; i is the step index, from 0, any number
 *  dtype, shape (). */
IMNN_API imnn_node imnn_optim_adam(imnn_graph *g, imnn_node lr, imnn_node i, imnn_node grad,
                                   imnn_node w, imnn_node *m, imnn_node *v, double b1, double b2,
                                   double eps);
#endif
