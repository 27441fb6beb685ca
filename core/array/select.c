/* Rows that a mask chooses. */
#include "core/array/array.h"
#include <string.h>

static int64_t count_rows(const uint8_t *chosen, int64_t n)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += chosen[i] != 0;
    return count;
}

/* Runs of chosen rows are copied at once. */
static void copy_rows(char *to, const char *from, const uint8_t *chosen, int64_t n, size_t row)
{
    for (int64_t i = 0; i < n;) {
        int64_t end = i;
        while (end < n && chosen[end]) end++;
        const size_t bytes = (size_t)(end - i) * row;
        if (bytes) memcpy(to, from + (size_t)i * row, bytes);
        to += bytes;
        i = end + 1;
    }
}

imnn_status imnn_array_select(imnn_array **out, const imnn_array *x, const imnn_array *mask)
{
    imnn_shape shape = x->shape;
    *out = NULL;
    const int64_t n = shape.ndim ? shape.size[0] : -1;
    if (mask->dtype != IMNN_BOOL || mask->shape.ndim != 1 || mask->shape.size[0] != n)
        return imnn_fail(IMNN_ESHAPE, "select: rows of %s by a mask %s %s; it must be bool (rows)",
                         imnn_shape_text(&x->shape).s, imnn_dtype_name(mask->dtype),
                         imnn_shape_text(&mask->shape).s);
    shape.size[0] = count_rows(mask->data, n);
    imnn_status st = imnn_array_new(out, x->dtype, &shape);
    if (st != IMNN_OK) return st;
    copy_rows((*out)->data, x->data, mask->data, n, n ? x->bytes / (size_t)n : 0);
    return IMNN_OK;
}
