#ifndef CORE_OPS_WINDOW_H
#define CORE_OPS_WINDOW_H
#include "core/ops/ops.h"

/* Windows that move over up to three spatial axes, those before the last one (channels), of an
 * array (..., S, channels). Position p of the window and place t in it meet element
 * (p stride + t dilation - low) / base of an axis, if that is a whole number of one: low and high
 * elements of padding (or, negative, less of the axis), base - 1 zeros between elements. */
typedef struct imnn_window {
    int n;
    struct imnn_side {
        int64_t size, window, places, stride, low, high, base, dilation;
    } side[3]; /* as three axes, the first of which may be of size 1 */
} imnn_window;

enum { IMNN_SIDE_NUMBERS = 6 }; /* window, stride, low, high, base, dilation in attributes */

/** The window that attributes describe from v on, over the n axes of s before the last one.
 *  fails  EVALUE, ESHAPE */
imnn_status imnn_window_of(imnn_window *w, const char *who, int64_t n, const int64_t *v,
                           const imnn_shape *s);
/** The attributes of the transposed window: from places to elements. */
void imnn_window_transposed(int64_t *v, const imnn_window *w);
/** The element that the window meets along an axis, -1 if none. */
static inline int64_t imnn_window_meets(const struct imnn_side *a, int64_t place, int64_t t)
{
    const int64_t at = place * a->stride + t * a->dilation - a->low;
    if (at < 0) return -1;
    if (a->base == 1) return at < a->size ? at : -1;
    return at % a->base == 0 && at / a->base < a->size ? at / a->base : -1;
}
/** The largest number that divides both, which are above 0. */
static inline int64_t imnn_common_divisor(int64_t a, int64_t b)
{
    while (b) {
        const int64_t r = a % b;
        a = b, b = r;
    }
    return a;
}
static inline int64_t imnn_window_product(const imnn_window *w, size_t member)
{
    int64_t n = 1;
    for (int d = 0; d < 3; d++) n *= *(const int64_t *)((const char *)&w->side[d] + member);
    return n;
}
#define IMNN_WINDOW_COUNT(w, member) imnn_window_product(w, offsetof(struct imnn_side, member))
#endif
