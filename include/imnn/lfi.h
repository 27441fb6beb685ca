#ifndef IMNN_LFI_H
#define IMNN_LFI_H
#include "imnn/graph.h"

/** How far a simulation is from the data, in standard deviations: sqrt(d^T F d), d = s - target.
 *  s, target  (P), estimates of the parameters in their units
 *  F          (P, P), in 1 / units^2; 0 for the Euclidean distance
 *  source     Mahalanobis 1936, Proc. Natl. Inst. Sci. India 2, 49 */
IMNN_API imnn_node imnn_lfi_distance(imnn_graph *g, imnn_node s, imnn_node target, imnn_node F);
#endif
