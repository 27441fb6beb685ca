#ifndef CORE_ARRAY_READER_H
#define CORE_ARRAY_READER_H
#include "core/array/array.h"
#include "imnn/reader.h"

/* Repetitions. Numbers do not end with the last record: those that follow are the records of a
 * second repetition of the data, a third one, ... Most readers give the same ones again; what puts
 * records in random order puts them in another one. What is made of readers hands repetitions on to
 * them, and imnn_reader_repeat shows them. */

/** As imnn_reader_new; the methods get numbers of later repetitions, too, but never of two
 *  repetitions at a time. */
imnn_status imnn_reader_derive(imnn_reader **out, const char *name, imnn_dtype dtype,
                               const imnn_shape *shape, const imnn_reader_methods *methods,
                               void *self);
/** As imnn_reader_read, of any repetition. r has records. */
imnn_status imnn_reader_go_on(imnn_reader *r, int64_t begin, int64_t end, void *out);
#endif
