#ifndef CORE_OPS_ORDER_H
#define CORE_OPS_ORDER_H
#include <stdbool.h>

/* The order of complex numbers, NumPy's: by their real parts, then by the imaginary ones; those
 * with NaN behind the others, by which part is NaN. */

static inline unsigned imnn_nan_parts(double re, double im)
{
    return 2u * (unsigned)(re != re) + (unsigned)(im != im);
}

/** Whether the complex number a comes before b: real parts first. */
static inline bool imnn_complex_before(const double a[2], const double b[2])
{
    const unsigned p = imnn_nan_parts(a[0], a[1]), q = imnn_nan_parts(b[0], b[1]);
    if (p != q) return p < q;
    if (a[0] < b[0] || a[0] > b[0]) return a[0] < b[0];
    return a[1] < b[1];
}
#endif
