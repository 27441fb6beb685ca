#ifndef IMNN_DATA_H
#define IMNN_DATA_H
#include "imnn/array.h"

typedef struct imnn_hdf5 imnn_hdf5; /* an open file, read only */

/** fails  EIO (missing, not HDF5, damaged) */
IMNN_API imnn_status imnn_hdf5_open(imnn_hdf5 **out, const char *path);
IMNN_API void imnn_hdf5_close(imnn_hdf5 *f);
/** Names of the members of a group, one a line, "name/" for groups; NULL and a sentence on failure.
 *  Owned by f, until the next call. */
IMNN_API const char *imnn_hdf5_list(imnn_hdf5 *f, const char *group);
/** Names of the attributes of a group or dataset, one a line. */
IMNN_API const char *imnn_hdf5_attributes(imnn_hdf5 *f, const char *object);
/** 'd' dataset, 'g' group, 0 absent. */
IMNN_API int imnn_hdf5_kind(imnn_hdf5 *f, const char *object);
/** Shape of a dataset and the dtype it is read as; text is reported as *is_text. */
IMNN_API imnn_status imnn_hdf5_describe(imnn_hdf5 *f, const char *dataset, imnn_dtype *dtype,
                                        imnn_shape *shape, bool *is_text);
/** A dataset: f32, f64, i32, u32, bool as they are; i8, i16, i64 and u8 .. u64 as the smallest of
 *  i32, u32, f64 that holds their values (EVALUE if none does).
 *  fails  EIO, EDTYPE (compound, ...), EVALUE, ENOMEM */
IMNN_API imnn_status imnn_hdf5_read(imnn_array **out, imnn_hdf5 *f, const char *dataset);
/** A number attribute, scalar or array, like a dataset. */
IMNN_API imnn_status imnn_hdf5_attribute(imnn_array **out, imnn_hdf5 *f, const char *object,
                                         const char *name);
/** A text attribute or dataset (scalar); name NULL: the dataset itself. Owned by f, until the next
 *  call; NULL and a sentence on failure. */
IMNN_API const char *imnn_hdf5_text(imnn_hdf5 *f, const char *object, const char *name);
#endif
