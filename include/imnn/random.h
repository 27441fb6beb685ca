#ifndef IMNN_RANDOM_H
#define IMNN_RANDOM_H
#include "imnn/graph.h"

/** How split and bits count: as JAX did before 0.5 (the default), or as JAX does since.
 *  Process-wide; what is traced keeps the layout that was set when it was traced. */
typedef enum imnn_key_layout { IMNN_ORIGINAL, IMNN_PARTITIONABLE } imnn_key_layout;
IMNN_API imnn_key_layout imnn_random_layout(void);
IMNN_API void imnn_random_set_layout(imnn_key_layout layout);

/** Threefry-2x32, 20 rounds, of one block (Salmon et al. 2011, SC'11). */
IMNN_API void imnn_threefry(const uint32_t key[2], const uint32_t counter[2], uint32_t out[2]);

/* Keys are u32 arrays (..., 2). Leading axes of a key are independent keys. */
/** n keys of one: (..., 2) -> (..., n, 2). */
IMNN_API imnn_node imnn_random_split(imnn_graph *g, imnn_node key, int64_t n);
/** The key for a number: (..., 2) u32 and u32 of shape (...) -> (..., 2). */
IMNN_API imnn_node imnn_random_fold_in(imnn_graph *g, imnn_node key, imnn_node data);
/** Random words, u32: (..., 2) -> (..., shape). */
IMNN_API imnn_node imnn_random_bits(imnn_graph *g, imnn_node key, const imnn_shape *shape);
/** Uniform numbers in [lo, hi); lo and hi are nodes of this dtype that broadcast to shape, or 0
 *  for 0 and 1. dtype f32 or f64. */
IMNN_API imnn_node imnn_random_uniform(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                       const imnn_shape *shape, imnn_node lo, imnn_node hi);
/** Standard normal numbers, by the inverse error function of a uniform one. */
IMNN_API imnn_node imnn_random_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                      const imnn_shape *shape);
/** Standard normal numbers between lo and hi (numbers), as the initialisers use. */
IMNN_API imnn_node imnn_random_truncated_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                                double lo, double hi, const imnn_shape *shape);
#endif
