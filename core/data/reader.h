#ifndef CORE_DATA_READER_H
#define CORE_DATA_READER_H
#include "core/array/reader.h"
#include "imnn/chain.h"

/** Records base + at[i] of r, 0 <= i < n, in the order of i; near ones are read together. */
imnn_status imnn_reader_gather(imnn_reader *r, int64_t base, const int64_t *at, int64_t n,
                               void *out);

/** A reader with the name and dtype of another, of records of another shape. */
imnn_status imnn_reader_like(imnn_reader **out, const imnn_reader *r, const imnn_shape *shape,
                             const imnn_reader_methods *methods, void *self);
#endif
