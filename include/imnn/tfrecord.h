#ifndef IMNN_TFRECORD_H
#define IMNN_TFRECORD_H
#include "imnn/reader.h"

/* Files of records as TensorFlow writes them: each is a length, bytes and the checksums of both;
 * most often the bytes are a tf.train.Example, named lists of byte strings, floats or integers. */

/** CRC-32C (Castagnoli) of what crc is that of (nothing: 0) and n more bytes. */
IMNN_API uint32_t imnn_crc32c(uint32_t crc, const void *bytes, size_t n);

/** What an Example says about one name. */
typedef enum imnn_feature_kind {
    IMNN_FEATURE_UNSET, /* a name alone */
    IMNN_FEATURE_BYTES,
    IMNN_FEATURE_FLOATS,
    IMNN_FEATURE_INTS
} imnn_feature_kind;
typedef struct imnn_example imnn_example; /* used by one thread at a time */

/** Decode n bytes, which are copied. All that protocol buffers allow is understood: unknown fields,
 *  groups, lists in pieces; of two features with one name the last counts.
 *  fails  EIO (not an Example: what is wrong at which byte), ENOMEM */
IMNN_API imnn_status imnn_example_decode(imnn_example **out, const void *bytes, size_t n);
/** One without features. */
IMNN_API imnn_status imnn_example_new(imnn_example **out);
IMNN_API void imnn_example_release(imnn_example *e); /* NULL is nothing */
/** Features, sorted by name: i counts them from 0. */
IMNN_API int64_t imnn_example_count(imnn_example *e);
/** The name, any bytes, and how many. */
IMNN_API const char *imnn_example_name(imnn_example *e, int64_t i, size_t *length);
IMNN_API imnn_feature_kind imnn_example_kind(imnn_example *e, int64_t i);
/** Values in the list; the pointers below are good until the Example changes. */
IMNN_API int64_t imnn_example_length(imnn_example *e, int64_t i);
IMNN_API const float *imnn_example_floats(imnn_example *e, int64_t i);
IMNN_API const int64_t *imnn_example_ints(imnn_example *e, int64_t i);
/** Byte string k of the list, and its length. */
IMNN_API const void *imnn_example_bytes(imnn_example *e, int64_t i, int64_t k, size_t *length);

/** Begin a feature. Names and byte strings are not copied: they must stay as long as the Example.
 *  fails  ENOMEM */
IMNN_API imnn_status imnn_example_put(imnn_example *e, const char *name, size_t length,
                                      imnn_feature_kind kind);
/** One more value of the feature that was begun last.
 *  fails  ETYPE (it is of another kind), ENOMEM */
IMNN_API imnn_status imnn_example_add_bytes(imnn_example *e, const void *bytes, size_t length);
IMNN_API imnn_status imnn_example_add_float(imnn_example *e, float value);
IMNN_API imnn_status imnn_example_add_int(imnn_example *e, int64_t value);
/** The bytes of a record, features in the order of their names; good until the Example changes.
 *  fails  EVALUE (2 GiB or more, which nothing reads), ENOMEM */
IMNN_API imnn_status imnn_example_encode(imnn_example *e, const void **bytes, size_t *n);

/** Files of records, one behind the other, whose places are known; read by any thread. Counted
 *  references. */
typedef struct imnn_tfrecord imnn_tfrecord;

/** paths  of files, in this order; or patterns with * ? [], whose files are sorted by name, numbers
 *         in them by value. What is packed by GZIP or ZLIB is unpacked into a file without a name,
 *         in TMPDIR
 *  fails  EIO (no such file, damaged: which file, record and offset), ENOMEM, EINTERRUPT */
IMNN_API imnn_status imnn_tfrecord_open(imnn_tfrecord **out, const char *const *paths, int64_t n);
IMNN_API imnn_tfrecord *imnn_tfrecord_retain(imnn_tfrecord *t);
IMNN_API void imnn_tfrecord_release(imnn_tfrecord *t); /* NULL is nothing */
IMNN_API int64_t imnn_tfrecord_count(const imnn_tfrecord *t);
IMNN_API int64_t imnn_tfrecord_files(const imnn_tfrecord *t);
/** The number, from 0, of the first record of a file. */
IMNN_API int64_t imnn_tfrecord_first(const imnn_tfrecord *t, int64_t file);
IMNN_API const char *imnn_tfrecord_path(const imnn_tfrecord *t, int64_t file);
/** Record i, which is an Example.
 *  fails  EVALUE (outside), and as open */
IMNN_API imnn_status imnn_tfrecord_example(imnn_example **out, imnn_tfrecord *t, int64_t i);

/** What lies in the records of a data set. */
typedef struct imnn_tfrecord_layout {
    const char *feature; /* whose one byte string is the values; NULL: "data" */
    imnn_dtype dtype;    /* f32, f64, i32, u32; little-endian */
    imnn_shape shape;    /* of the values of one record */
    int32_t n_params;    /* P > 0: records (seed, side, parameter), 2 P of them for one seed; 0: a
                            record for each seed */
    bool seeds;          /* check that seeds follow one another, and so sides and parameters */
    bool starts;         /* ... and that the first of them is */
    int64_t start;
    int64_t count; /* of our records, which must be so many; 0: as many as there are */
} imnn_tfrecord_layout;

/** The records as arrays of the given shape; P > 0: the 2 P records of a seed as one of shape
 *  (2, P, shape), side 0 below and side 1 above.
 *  t      one more reference is taken
 *  fails  EVALUE, EDTYPE (no such layout), EIO (the first record does not fit it; that of a file
 *         is not the one that comes next there; the last seed is incomplete; another count),
 *         ENOMEM. Reading fails with EIO where a record does not fit */
IMNN_API imnn_status imnn_tfrecord_reader(imnn_reader **out, imnn_tfrecord *t,
                                          const imnn_tfrecord_layout *layout);

typedef struct imnn_tfrecord_writer imnn_tfrecord_writer; /* used by one thread at a time */

/** What files of records are packed by: nothing, or the two ways that TensorFlow knows. */
typedef enum imnn_tfrecord_packing { IMNN_UNPACKED, IMNN_GZIP, IMNN_ZLIB } imnn_tfrecord_packing;

/** Writes STEM_00000.tfrecords, STEM_00001.tfrecords, ..., each under a temporary name until it is
 *  whole; what had that name before is replaced.
 *  bytes   a file ends with the record that makes it longer than this, packed; a packer holds some
 *          of them back
 *  digits  of the number, at least; 0: one file, STEM itself
 *  fails   EVALUE, ENOMEM */
IMNN_API imnn_status imnn_tfrecord_writer_new(imnn_tfrecord_writer **out, const char *stem,
                                              double bytes, int32_t digits,
                                              imnn_tfrecord_packing packing);
/** One record.
 *  fails  EIO */
IMNN_API imnn_status imnn_tfrecord_writer_add(imnn_tfrecord_writer *w, const void *bytes, size_t n);
/** End the last file; afterwards the next record begins another.
 *  fails  EIO */
IMNN_API imnn_status imnn_tfrecord_writer_finish(imnn_tfrecord_writer *w);
/** Files that are whole. */
IMNN_API int64_t imnn_tfrecord_writer_count(const imnn_tfrecord_writer *w);
/** The path of one of them, until the next call; NULL and a sentence on failure. */
IMNN_API const char *imnn_tfrecord_writer_path(imnn_tfrecord_writer *w, int64_t file);
/** Give it back; a file that is not ended is removed. NULL is nothing. */
IMNN_API void imnn_tfrecord_writer_release(imnn_tfrecord_writer *w);
#endif
