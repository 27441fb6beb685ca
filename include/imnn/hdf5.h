#ifndef IMNN_HDF5_H
#define IMNN_HDF5_H
#include "imnn/array.h"

typedef struct imnn_hdf5 imnn_hdf5; /* an open file, read only */

/** The library of HDF5 itself is loaded by the first call. One file is used by one thread at a
 * time. fails  EIO (missing, not HDF5, damaged; no HDF5 on this machine) */
IMNN_API imnn_status imnn_hdf5_open(imnn_hdf5 **out, const char *path);
IMNN_API void imnn_hdf5_close(imnn_hdf5 *f);
/** 'd' dataset, 'g' group, 0 neither (absent, a link to nowhere). Paths are as "a/b", from the root
 *  group, which is "/". */
IMNN_API int imnn_hdf5_kind(imnn_hdf5 *f, const char *object);
/** Names of the members of a group, one a line, "name/" for groups; NULL and a sentence on failure.
 *  Owned by f, until the next call. */
IMNN_API const char *imnn_hdf5_list(imnn_hdf5 *f, const char *group);
/** Names of the attributes of a group or dataset, one a line; the same otherwise. */
IMNN_API const char *imnn_hdf5_attributes(imnn_hdf5 *f, const char *object);

/* Of a dataset, or of an attribute of a group or dataset; attribute NULL: the dataset itself. */
/** Shape, and the dtype that it is read as; *is_text: strings, for imnn_hdf5_text.
 *  fails  EIO, EDTYPE (compound, ...), EVALUE (no value, more than 8 axes), ENOMEM */
IMNN_API imnn_status imnn_hdf5_describe(imnn_hdf5 *f, const char *object, const char *attribute,
                                        imnn_dtype *dtype, imnn_shape *shape, bool *is_text);
/** f32, f64, i32, u32, bool (an enumeration FALSE, TRUE), c64 and c128 (compounds of floats r and
 * i, as h5py writes them) as they are; f16 as f32; i8, i16, u8, u16 as i32; i64 and u64 as the
 * smallest of i32, u32, f64 that holds the values at hand. fails  as describe; EVALUE also where no
 * dtype holds the values */
IMNN_API imnn_status imnn_hdf5_read(imnn_array **out, imnn_hdf5 *f, const char *object,
                                    const char *attribute);
/** Text: as many strings as describe tells, one behind the other, each ended by a zero byte; NULL
 *  and a sentence on failure. Owned by f, until the next call. */
IMNN_API const char *imnn_hdf5_text(imnn_hdf5 *f, const char *object, const char *attribute);
#endif
