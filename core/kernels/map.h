#ifndef CORE_KERNELS_MAP_H
#define CORE_KERNELS_MAP_H
#include "core/ops/ops.h"

/** Where an operand of an elementwise kernel lies: element (i, j, k) at
 *  p + (i s[0] + j s[1] + k s[2]) elements; s[2] is 0 or 1 (1 for results). */
typedef struct imnn_operand {
    void *p;
    int64_t s[3];
} imnn_operand;

/** The axes of an elementwise call in as few long runs as its strides allow. */
typedef struct imnn_walk {
    int64_t n[3], s[5][3]; /* strides of the result, then of the inputs */
} imnn_walk;
void imnn_walk_plan(imnn_walk *w, const int64_t n[3], const imnn_operand *out,
                    const imnn_operand *in, int count);

/** out[i, j, k] = f(in[0][i, j, k], ...) along a walk. The result may lie exactly on an input. An
 *  element's bits depend on its inputs alone, not on its place in a run (but for the sign of a
 *  NaN). */
typedef void imnn_map_kernel(const imnn_walk *w, char *out, const char *const *in);
/** Call a kernel of `count` inputs for i < n[0], j < n[1], k < n[2]. */
void imnn_map_run(imnn_map_kernel *kernel, int count, const int64_t n[3], const imnn_operand *out,
                  const imnn_operand *in);

/** The kernel of an elementwise operator for inputs of this dtype (where: that of b and c) on the
 *  instruction set at hand; NULL: none. */
imnn_map_kernel *imnn_map_find(int op, imnn_dtype dtype);
imnn_map_kernel *imnn_map_find_convert(imnn_dtype from, imnn_dtype to);
/** Fused pairs: where(compare(in[0], in[1]), in[2], in[3]), all of one real dtype. */
imnn_map_kernel *imnn_map_find_select(int compare, imnn_dtype dtype);
/** Fused arithmetic, fused.def: outer(first(in[0], in[1]), in[2]), with `less` outer(in[2], first),
 *  or, where `second` is an operator (else -1), outer(first(in[0], in[1]), second(in[2], in[3])).
 *  NULL: there is none. `name` may be NULL. */
imnn_map_kernel *imnn_map_find_fused(int first, int outer, int second, bool less, imnn_dtype dtype,
                                     const char **name);
/** out = in (any strides of the input, s[2] too), by size of element: 1, 4, 8 or 16
 *  bytes. */
imnn_map_kernel *imnn_map_find_copy(size_t item);
#endif
