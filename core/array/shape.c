/* Shapes: counting, comparing, joining, and as text. */
#include "core/array/array.h"
#include <stdio.h>
#include <string.h>

int64_t imnn_shape_count(const imnn_shape *s)
{
    int64_t n = 1;
    bool huge = false; /* INT64_MAX then, unless there is a 0 */
    for (int i = 0; i < s->ndim; i++) {
        if (s->size[i] == 0) return 0;
        huge |= __builtin_mul_overflow(n, s->size[i], &n);
    }
    return huge ? INT64_MAX : n;
}

bool imnn_shape_equal(const imnn_shape *a, const imnn_shape *b)
{
    return a->ndim == b->ndim && !memcmp(a->size, b->size, sizeof *a->size * (size_t)a->ndim);
}

bool imnn_shape_join(imnn_shape *out, const imnn_shape *a, const imnn_shape *b)
{
    imnn_shape s = {.ndim = a->ndim > b->ndim ? a->ndim : b->ndim};
    for (int i = 1; i <= s.ndim; i++) { /* counted from the last axis */
        int64_t x = i <= a->ndim ? a->size[a->ndim - i] : 1;
        int64_t y = i <= b->ndim ? b->size[b->ndim - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        s.size[s.ndim - i] = x == 1 ? y : x;
    }
    *out = s;
    return true;
}

imnn_text imnn_shape_text(const imnn_shape *s)
{
    imnn_text t = {"("};
    size_t n = 1;
    for (int i = 0; i < s->ndim && i < IMNN_MAX_NDIM; i++)
        n +=
            (size_t)snprintf(t.s + n, sizeof t.s - n, i ? ", %lld" : "%lld", (long long)s->size[i]);
    snprintf(t.s + n, sizeof t.s - n, ")");
    return t;
}
