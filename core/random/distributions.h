#ifndef CORE_RANDOM_DISTRIBUTIONS_H
#define CORE_RANDOM_DISTRIBUTIONS_H
#include "core/ops/ops.h"
#include "imnn/random.h"

/** Whether draws of this dtype from this key can begin. */
bool imnn_random_begin(imnn_graph *g, const char *who, imnn_node key, imnn_dtype dtype);
/** Uniform in [lo, hi), lo < hi. */
imnn_node imnn_random_between(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                              const imnn_shape *shape, imnn_node lo, imnn_node hi);

/** A row of core/random/samplers.def, once key, dtype, shape and parameters are checked. */
typedef imnn_node imnn_random_built(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                    const imnn_shape *shape, const imnn_node *params);
#define FORMULA(name, params, gives, draw, formula, doc)
#define BUILT(name, params, gives, doc) imnn_random_built imnn_random_built_##name;
#include "core/random/samplers.def"
#undef FORMULA
#undef BUILT

/** Key i of keys (..., n, 2). */
imnn_node imnn_random_key(imnn_graph *g, imnn_node keys, int i);
/** shape with sizes at its end. */
imnn_shape imnn_random_longer(imnn_graph *g, const imnn_shape *shape, int n, const int64_t *size);
/** (..., 2) and sizes -> (..., sizes). */
imnn_shape imnn_random_shape(imnn_graph *g, imnn_node key, const imnn_shape *shape);
#endif
