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
/** Random words of 8, 16, 32 or 64 bits, u32; words of 64 bits as pairs (..., shape, 2), high
 * first. fails  EVALUE (another width) */
IMNN_API imnn_node imnn_random_words(imnn_graph *g, imnn_node key, const imnn_shape *shape,
                                     int width);
/** Uniform numbers in [lo, hi); lo and hi are nodes of this dtype that broadcast to shape, or 0
 *  for 0 and 1. dtype f32 or f64. */
IMNN_API imnn_node imnn_random_uniform(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                       const imnn_shape *shape, imnn_node lo, imnn_node hi);
/** Standard normal numbers, by the inverse error function of a uniform one. Complex ones (dtype c64
 *  or c128) have parts of variance 1/2. */
IMNN_API imnn_node imnn_random_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                      const imnn_shape *shape);
/** Standard normal numbers between lo and hi (numbers), as the initialisers use; the sampler
 *  "truncated_normal" takes nodes. */
IMNN_API imnn_node imnn_random_truncated_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                                double lo, double hi, const imnn_shape *shape);

/** A distribution whose parameters broadcast to the shape of its draws. */
typedef struct imnn_random_sampler {
    const char *name;   /* "gamma" */
    const char *params; /* names and defaults, "a b", "sigma 1" */
    const char *gives;  /* dtype of the draws; "": the one that is asked for */
    const char *doc;
} imnn_random_sampler;
/** NULL if there are not so many. */
IMNN_API const imnn_random_sampler *imnn_random_get(int i);
/** Draws (..., shape) of the distribution of that name.
 *  dtype   f32 or f64: in which it computes
 *  params  nodes of this dtype whose shapes broadcast to the draws; all have to be given
 *  fails   EVALUE (no such name), ESHAPE, EDTYPE */
IMNN_API imnn_node imnn_random_draw(imnn_graph *g, const char *name, imnn_node key,
                                    imnn_dtype dtype, const imnn_shape *shape,
                                    const imnn_node *params);

/** Whole numbers in [lo, hi), as dtype (i32 or u32) has them; lo, hi: nodes of this dtype whose
 *  shapes broadcast. above: hi is one more than the largest number, which counts, too. Where hi is
 *  not above lo the result is lo. */
IMNN_API imnn_node imnn_random_randint(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                       const imnn_shape *shape, imnn_node lo, imnn_node hi,
                                       bool above);
/** Dirichlet numbers: alpha (K) or (..., shape, K) -> (..., shape, K), which add up to 1. */
IMNN_API imnn_node imnn_random_dirichlet(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                         const imnn_shape *shape, imnn_node alpha);
/** Points of the unit ball of the p-norm in d dimensions: (..., shape, d). */
IMNN_API imnn_node imnn_random_ball(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                    const imnn_shape *shape, int64_t d, imnn_node p);
/** How often each of K categories comes in n trials: n broadcasts to shape, p (K) or (..., K) has
 *  their probabilities: (..., shape, K), of dtype. */
IMNN_API imnn_node imnn_random_multinomial(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                           const imnn_shape *shape, imnn_node n, imnn_node p);

/** Positions 0 .. n - 1 in random order, i32: (..., n). */
IMNN_API imnn_node imnn_random_order(imnn_graph *g, imnn_node key, int64_t n);
/** x in random order along an axis (zero-based): (..., axes of x). independent: each line along
 *  the axis has an order of its own.
 *  fails  ESHAPE (no such axis) */
IMNN_API imnn_node imnn_random_permutation(imnn_graph *g, imnn_node key, imnn_node x, int axis,
                                           bool independent);
/** Positions in 0 .. n - 1, i32: (..., shape).
 *  replace  whether a position may come again
 *  p        weights (n) f32 or f64, in proportion to which positions come (without replacement
 *           among those that are left); 0: all alike
 *  fails    EVALUE (none to choose from, or not so many), ESHAPE, EDTYPE */
IMNN_API imnn_node imnn_random_positions(imnn_graph *g, imnn_node key, int64_t n,
                                         const imnn_shape *shape, bool replace, imnn_node p);
/** Elements of x at such positions along an axis, which gives way to the shape. */
IMNN_API imnn_node imnn_random_choice(imnn_graph *g, imnn_node key, imnn_node x, int axis,
                                      const imnn_shape *shape, bool replace, imnn_node p);
/** Categories (zero-based, i32) of probability proportional to e^logits along an axis.
 *  shape    ends with what the other axes of logits broadcast to
 *  replace  false: along the axes before that each category comes once
 *  fails    EVALUE (none, or not so many), ESHAPE, EDTYPE */
IMNN_API imnn_node imnn_random_categorical(imnn_graph *g, imnn_node key, imnn_node logits, int axis,
                                           const imnn_shape *shape, bool replace);

/** How the covariance is taken apart: eigenvectors also do for one that is singular. */
typedef enum imnn_factor { IMNN_BY_CHOLESKY, IMNN_BY_EIGH, IMNN_BY_SVD } imnn_factor;
/** Normal vectors: mean (..., n), cov (..., n, n) -> (..., shape, n). A covariance that is not
 *  positive definite gives NaN.
 *  fails  ESHAPE (what does not broadcast to shape), EDTYPE (parameters not of this dtype) */
IMNN_API imnn_node imnn_random_multivariate_normal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                                   const imnn_shape *shape, imnn_node mean,
                                                   imnn_node cov, imnn_factor how);
/** Matrices of orthonormal columns (n >= m) or rows, uniform among all: (..., shape, n, m). */
IMNN_API imnn_node imnn_random_orthogonal(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                          const imnn_shape *shape, int64_t n, int64_t m);
/** Wishart matrices, sums of df outer products of normal vectors of covariance scale (..., p, p):
 *  (..., shape, p, p). df: a node that broadcasts to shape, above p - 1.
 *  fails  ESHAPE (what does not broadcast to shape), EDTYPE (parameters not of this dtype) */
IMNN_API imnn_node imnn_random_wishart(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                       const imnn_shape *shape, imnn_node df, imnn_node scale);
#endif
