#ifndef IMNN_LAYERS_H
#define IMNN_LAYERS_H
#include "imnn/graph.h"

/** x W + b for x (..., n), W (n, width), b (width). */
IMNN_API imnn_node imnn_layer_dense(imnn_graph *g, imnn_node x, imnn_node W, imnn_node b);

/** Initial weights of variance scale / n, as JAX's variance_scaling has them (Glorot & Bengio 2010,
 *  eq. 16; He et al. 2015, eq. 10; LeCun et al. 1998).
 *  shape   (window..., inputs, outputs): all but the last two axes multiply both
 *  fan     n: the number of inputs, of outputs, or their arithmetic or geometric mean
 *  spread  a normal distribution cut off at two deviations, a normal or a uniform one
 *  fails   ESHAPE (less than two axes), EDTYPE (neither f32 nor f64) */
typedef enum imnn_fan { IMNN_FAN_AVG, IMNN_FAN_IN, IMNN_FAN_OUT, IMNN_FAN_GEO_AVG } imnn_fan;
typedef enum imnn_spread { IMNN_TRUNCATED_NORMAL, IMNN_NORMAL, IMNN_UNIFORM } imnn_spread;
IMNN_API imnn_node imnn_layer_variance_scaling(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                               const imnn_shape *shape, double scale, imnn_fan fan,
                                               imnn_spread spread);

/** Activations by name: relu, leaky_relu (slope 0.01), tanh, ...; the list is imnn_activation_name
 *  (NULL ends it). parameter: slope or alpha, NAN for the default; softmax, log_softmax, logsumexp
 *  and glu work along an axis, which the parameter is (from 0, negative from the end, the last). */
IMNN_API imnn_node imnn_activation(imnn_graph *g, const char *name, imnn_node x, double parameter);
IMNN_API const char *imnn_activation_name(int i);
#endif
