#ifndef CORE_AXIS_H
#define CORE_AXIS_H
#include "core/ops/ops.h"

/* What operators along one axis share. The axis is the first of their attributes. */

/** An array as lines along an axis: element i of line (o, k) is at (o n + i) inner + k. */
typedef struct imnn_lines {
    int64_t outer, n, inner;
} imnn_lines;
imnn_lines imnn_lines_along(const imnn_shape *s, int64_t axis);

/** EVALUE unless there are `count` attributes, the first an axis of s. */
imnn_status imnn_axis_check(const char *name, const imnn_shape *s, const imnn_attr *attr,
                            int count);
/** Every example by itself: the axis is one further back. */
imnn_batch_fn imnn_axis_batch;
/** Every row by itself, where rows of all inputs are in front of the axis. */
imnn_rows_fn imnn_axis_rows;
/** Numbers of elements below 0 count as 0, those past the end as the last one. */
static inline int64_t imnn_clamp(int64_t i, int64_t n) { return i < 0 ? 0 : i < n ? i : n - 1; }
#endif
