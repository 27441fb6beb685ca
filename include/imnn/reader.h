#ifndef IMNN_READER_H
#define IMNN_READER_H
#include "imnn/array.h"

/** Records of one shape and dtype that lie somewhere, in order, and are read by number: the only
 *  thing that programs, iterators and fits know about data. Counted references. */
typedef struct imnn_reader imnn_reader;

/** What a kind of reader does; all may be called by several threads at a time. */
typedef struct imnn_reader_methods {
    /** Put records begin <= i < end at out, one behind the other, row-major.
     *  fails  EIO (file, record, offset are named), ENOMEM, EINTERRUPT */
    imnn_status (*read)(void *self, int64_t begin, int64_t end, void *out);
    /** These will be read soon; may be NULL. */
    void (*advise)(void *self, int64_t begin, int64_t end);
    void (*close)(void *self);
} imnn_reader_methods;

/** name   for messages: the file, or what else it is
 *  shape  (count, shape of one record)
 *  self   taken over, also on failure: close gives it back
 *  fails  EVALUE (no axis), ENOMEM */
IMNN_API imnn_status imnn_reader_new(imnn_reader **out, const char *name, imnn_dtype dtype,
                                     const imnn_shape *shape, const imnn_reader_methods *methods,
                                     void *self);
IMNN_API imnn_reader *imnn_reader_retain(imnn_reader *r);
IMNN_API void imnn_reader_release(imnn_reader *r); /* NULL is nothing */
IMNN_API const imnn_shape *imnn_reader_shape(const imnn_reader *r);
IMNN_API imnn_dtype imnn_reader_dtype(const imnn_reader *r);
IMNN_API int64_t imnn_reader_record_bytes(const imnn_reader *r);
IMNN_API const char *imnn_reader_name(const imnn_reader *r);
/** fails  EVALUE (outside), and as the reader does */
IMNN_API imnn_status imnn_reader_read(imnn_reader *r, int64_t begin, int64_t end, void *out);
/** The same as a new array (end - begin, shape of one record).
 *  fails  as imnn_reader_read */
IMNN_API imnn_status imnn_reader_records(imnn_array **out, imnn_reader *r, int64_t begin,
                                         int64_t end);
IMNN_API void imnn_reader_advise(imnn_reader *r, int64_t begin, int64_t end);
/** The records are the parts of an array along its first axis. */
IMNN_API imnn_status imnn_reader_of_array(imnn_reader **out, const imnn_array *x);
/** The records of several readers, one reader behind the other; they are retained.
 *  fails  EVALUE (n < 1), ESHAPE, EDTYPE (records that differ), ENOMEM */
IMNN_API imnn_status imnn_reader_join(imnn_reader **out, int n, imnn_reader *const *parts);
/** Records begin <= i < end of a reader, which is retained.
 *  fails  EVALUE (outside), ENOMEM */
IMNN_API imnn_status imnn_reader_range(imnn_reader **out, imnn_reader *r, int64_t begin,
                                       int64_t end);
/** The same numbers as records of another shape: several of them become one, or one as it is.
 *  shape  (count, shape of one record)
 *  fails  ESHAPE (another number of elements, or parts of records), ENOMEM */
IMNN_API imnn_status imnn_reader_reshape(imnn_reader **out, imnn_reader *r,
                                         const imnn_shape *shape);
#endif
