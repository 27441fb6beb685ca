#ifndef IMNN_HDF5_H
#define IMNN_HDF5_H
#include "imnn/array.h"
#include "imnn/reader.h"

typedef struct imnn_hdf5 imnn_hdf5; /* an open file */

/** The library of HDF5 itself is loaded by the first call. One file is used by one thread at a
 *  time. To be read only.
 *  fails  EIO (missing, not HDF5, damaged; no HDF5 on this machine) */
IMNN_API imnn_status imnn_hdf5_open(imnn_hdf5 **out, const char *path);
/** The same, to be read and changed: each change is on its way to the disk when its call returns.
 *  fails  as open; EIO also where another has the file open */
IMNN_API imnn_status imnn_hdf5_change(imnn_hdf5 **out, const char *path);
/** A new file, which gets its name, and takes the place of an old one, when it is finished.
 *  fails  EIO (the folder is not there or may not be written to), ENOMEM */
IMNN_API imnn_status imnn_hdf5_create(imnn_hdf5 **out, const char *path);
/** Whatever was written is there and has its name. Then only close may follow.
 *  fails  EIO (a full disk, ...): of a new file nothing remains */
IMNN_API imnn_status imnn_hdf5_finish(imnn_hdf5 *f);
/** A new file that is not finished is removed; of others, nothing more can be read. Then only close
 *  may follow. */
IMNN_API void imnn_hdf5_abandon(imnn_hdf5 *f);
/** Whether it is a new file that is not finished. */
IMNN_API bool imnn_hdf5_unfinished(const imnn_hdf5 *f);
IMNN_API const char *imnn_hdf5_path(const imnn_hdf5 *f);
/** Abandon and give back; NULL is nothing. */
IMNN_API void imnn_hdf5_close(imnn_hdf5 *f);
/** 'd' dataset, 'g' group, 0 neither (absent, a link to nowhere). Paths are as "a/b", from the root
 *  group, which is "/". */
IMNN_API int imnn_hdf5_kind(imnn_hdf5 *f, const char *object);
/** Names of the members of a group, one a line, "name/" for groups; NULL and a sentence on failure.
 *  Owned by f, until the next call. */
IMNN_API const char *imnn_hdf5_list(imnn_hdf5 *f, const char *group);
/** Names of the attributes of a group or dataset, one a line; the same otherwise. */
IMNN_API const char *imnn_hdf5_attributes(imnn_hdf5 *f, const char *object);

/* ---- reading ---- */

/* Of a dataset, or of an attribute of a group or dataset; attribute NULL: the dataset itself. */
/** Shape, and the dtype that it is read as, for which 64-bit integers are looked at (NULL: not
 * asked for); *is_text: strings, for imnn_hdf5_text. fails  EIO, EDTYPE (compound, ...), EVALUE (no
 * value, more than 8 axes), ENOMEM */
IMNN_API imnn_status imnn_hdf5_describe(imnn_hdf5 *f, const char *object, const char *attribute,
                                        imnn_dtype *dtype, imnn_shape *shape, bool *is_text);
/** f32, f64, i32, u32, bool (an enumeration FALSE, TRUE), c64 and c128 (compounds of floats r and
 * i, as h5py writes them) as they are; f16 as f32; i8, i16, u8, u16 as i32; i64 and u64 as the
 * smallest of i32, u32, f64 that holds the values at hand. fails  as describe; EVALUE also where no
 * dtype holds the values */
IMNN_API imnn_status imnn_hdf5_read(imnn_array **out, imnn_hdf5 *f, const char *object,
                                    const char *attribute);

/** Elements of a dataset: along axis i, count[i] of them, from start[i] on, each stride[i]-th. */
typedef struct imnn_hdf5_part {
    int64_t start[8], count[8], stride[8];
} imnn_hdf5_part;

/** Some elements of a dataset, of shape part->count; nothing else is read.
 *  dtype  what they are read as: that of floats for floats, of integers or floats for integers, of
 *         complex numbers for those; IMNN_NDTYPE: as imnn_hdf5_read does
 *  fails  as describe; EVALUE (outside; a value that the dtype does not hold), EDTYPE (another
 *         kind of dtype) */
IMNN_API imnn_status imnn_hdf5_read_part(imnn_array **out, imnn_hdf5 *f, const char *object,
                                         const imnn_hdf5_part *part, imnn_dtype dtype);
/** A dataset as a reader of its parts along the first axis. Values that lie in one piece as arrays
 *  hold them (not compressed, this machine's byte order) are read by several threads at a time.
 *  dtype  as in read_part; of 64-bit integers one must be asked for
 *  fails  as open and read_part; EVALUE also without an axis */
IMNN_API imnn_status imnn_hdf5_reader(imnn_reader **out, const char *path, const char *object,
                                      imnn_dtype dtype);
/** Text: as many strings as describe tells, one behind the other, each ended by a zero byte; NULL
 *  and a sentence on failure. Owned by f, until the next call. */
IMNN_API const char *imnn_hdf5_text(imnn_hdf5 *f, const char *object, const char *attribute);

/* ---- writing ---- */

/** How a dataset lies in its file; zeros: in one piece. */
typedef struct imnn_hdf5_layout {
    imnn_shape most;     /* how far it may grow, a size of -1 without limit; ndim 0: not at all */
    imnn_shape chunk;    /* what is compressed and written at a time; ndim 0: a sensible one */
    int32_t compression; /* deflate, 1 quick to 9 small; 0 none */
    bool shuffle;        /* first bytes of all elements, then second ones, ...: compresses better */
    bool fixed;          /* its place in the file is taken at once: parts that are written later
                          * change nothing else, so that no kill can make a ruin of the file */
} imnn_hdf5_layout;

/* Groups on the way to an object are made. Numbers are written as the array has them, booleans and
 * complex numbers as h5py does. All fail with EIO (read-only; of that name there is one already; a
 * full disk), ENOMEM. */
IMNN_API imnn_status imnn_hdf5_make_group(imnn_hdf5 *f, const char *group);
/** A dataset of zeros.
 *  layout  NULL: all zeros
 *  fails   also EVALUE (a negative size, a layout that does not fit) */
IMNN_API imnn_status imnn_hdf5_make(imnn_hdf5 *f, const char *object, imnn_dtype dtype,
                                    const imnn_shape *shape, const imnn_hdf5_layout *layout);
/** A dataset of these values. */
IMNN_API imnn_status imnn_hdf5_write(imnn_hdf5 *f, const char *object, const imnn_array *x,
                                     const imnn_hdf5_layout *layout);
/** Some elements of a dataset that is there.
 *  fails  also EVALUE (outside), ESHAPE (x is not of shape part->count), EDTYPE (the dataset does
 *         not hold what x holds) */
IMNN_API imnn_status imnn_hdf5_write_part(imnn_hdf5 *f, const char *object,
                                          const imnn_hdf5_part *part, const imnn_array *x);
/** More elements, at the end of the first axis of a dataset that is there.
 *  fails  also ESHAPE (other sizes than those of its other axes), EDTYPE, EVALUE (it does not grow
 *         so far) */
IMNN_API imnn_status imnn_hdf5_append(imnn_hdf5 *f, const char *object, const imnn_array *x);
/** Strings, UTF-8, one behind the other, each ended by a zero byte: as many as the shape says. */
IMNN_API imnn_status imnn_hdf5_write_text(imnn_hdf5 *f, const char *object, const imnn_shape *shape,
                                          const char *text);
/** An attribute of a group or dataset, in place of one of that name. */
IMNN_API imnn_status imnn_hdf5_set(imnn_hdf5 *f, const char *object, const char *attribute,
                                   const imnn_array *x);
IMNN_API imnn_status imnn_hdf5_set_text(imnn_hdf5 *f, const char *object, const char *attribute,
                                        const imnn_shape *shape, const char *text);
/** Remove a dataset, a group with what is in it, or (attribute not NULL) an attribute. The room in
 *  the file is not given back. */
IMNN_API imnn_status imnn_hdf5_remove(imnn_hdf5 *f, const char *object, const char *attribute);
#endif
