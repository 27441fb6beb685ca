#ifndef IMNN_OP_H
#define IMNN_OP_H
#include "imnn/base.h"

/** What everybody may know about an operator. */
typedef struct imnn_op_info {
    const char *name;    /* as scripts write it */
    int arity;           /* number of array inputs; -1: any number */
    bool elementwise;    /* shape of the result is that of the inputs, which broadcast */
    const char *dtypes;  /* dtypes of the inputs, "f32 f64" */
    const char *gives;   /* dtype of the result; NULL: that of the inputs */
    uint32_t smooth;     /* bit i: has a derivative in input i */
    double lo, hi;       /* where tests may sample inputs */
    double diagonal;     /* what they add to the diagonals of matrices */
    const char *cases;   /* inputs to test, "(3, 4) (4, 2) -> attributes; ..."; NULL: elementwise */
    const char *rule[3]; /* derivatives as text, or NULL */
    const char *doc;
} imnn_op_info;

IMNN_API int imnn_op_count(void);
/** NULL if there is none of this number; good until the next call in the same thread. */
IMNN_API const imnn_op_info *imnn_op_get(int id);
/** The operator of that name, -1 if there is none. */
IMNN_API int imnn_op_find(const char *name);

/* Attributes of the operators that are not elementwise, for imnn_graph_apply. Axes and positions
 * count from 0; a list in braces is imnn_attr.v, {} none.
 *
 *   sum, prod, max, min   {first, count}: adjacent axes, which disappear
 *   argmax, argmin        {axis}: gives i32, zero-based
 *   reshape, broadcast    {sizes...}
 *   transpose             {permutation...}: axis i of the result is axis v[i] of x
 *   slice                 {start_0, count_0, step_0, start_1, ...}: step may be negative
 *   pad                   {low_0, high_0, interior_0, low_1, ...}, all >= 0; zeros go in
 *   concatenate           {axis}
 *   gather                {axis, batch}: x, i32 indices (clamped): the axis is replaced by the axes
 *                         of the indices but the first `batch` ones, which x has too
 *   scatter_add           {axis, size, batch}: the transpose of gather: y (as gather gives it),
 *                         indices -> the axis with `size` elements
 *   scatter_max, _min, _mul  the same with the largest, the smallest, the product
 *   take_along            {axis}: x and i32 indices of equal shape but for the axis
 *   put_along_add         {axis, size}: its transpose
 *   sort, argsort         {axis, descending}: argsort gives i32, zero-based
 *   searchsorted          {right, batch}: sorted lists (batch, n), x (batch, ...): gives i32
 *   cumsum, cumprod, cummax, cummin   {axis, backward}
 *   iota                  {dtype, axis, sizes...}: counts along the axis; no inputs
 *   convert               {dtype}
 *   complex, real, imag, conj, angle {}
 *   fft, ifft, rfft       {axes, behind}: how many axes, and how many are behind them
 *   irfft                 {axes, behind, n}: to n numbers along the last of them
 *   matmul                {transpose a, transpose b}: a (..., n, k) or (..., k, n); ...; with
 *                         equal leading axes
 *   random_split          {n, layout}; random_fold_in {}
 *   random_bits           {layout, width, sizes...}: width 64 gives pairs (..., 2), high first
 *   random_gamma          {layout, logarithm}
 *   random_poisson, random_binomial, random_von_mises   {layout}
 *   inv, slogdet          {}: square matrices (..., n, n); slogdet gives (..., 2): sign
 *                         and logarithm
 *   cholesky, eigh, eigvalsh, eig, eigvals, svd, singular_values, lu, expm, expm_frechet  {}
 *   solve                 {a is transposed}: a (..., n, n), b (..., n, m)
 *   triangular_solve      {1: a is lower + 2: transposed + 4: its diagonal is ones}
 *   qr                    {Q is complete}
 *   pinv                  {bits of a double: the cut, relative to the largest singular value}
 *   softmax, log_softmax  {}: along the last axis
 *   standardize           {bits of a double: epsilon}: along the last axis
 *   conv                  {n, groups, 0, SIDE...}: n spatial axes (up to 3), for each of which SIDE
 *                         is {window, stride, low, high, base dilation, window dilation}
 *   conv_filter           {n, groups, leading axes of the result, SIDE...}
 *   window_sum, window_max, window_argmax  {n, SIDE...}
 *   stop_gradient         {}
 *
 * Loops, branches and functions with derivatives of their own are built by control.h, random
 * numbers more easily by random.h, equations by linalg.h, layers by layers.h. */
#endif
