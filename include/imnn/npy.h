#ifndef IMNN_NPY_H
#define IMNN_NPY_H
#include "imnn/array.h"
#include "imnn/reader.h"

/* NumPy's files: npy holds one array, npz named ones. Read as HDF5 files are: f16 as f32, integers
 * of 8 and 16 bits as i32, those of 64 as the smallest of i32, u32, f64 that holds them, or all of
 * a file as a dtype that is asked for, floats as floats, integers as integers or floats;
 * IMNN_NDTYPE asks for none. Every version, both byte orders, Fortran order. Structures, dates,
 * strings and pickled objects are refused. */

/** fails  EIO (missing, damaged), EDTYPE (values that arrays do not hold; not as this dtype),
 * EVALUE (more than 8 axes; integers that the dtype does not hold), ENOMEM */
IMNN_API imnn_status imnn_npy_read(imnn_array **out, const char *path, imnn_dtype dtype);
/** The records are parts along the first axis; of integers of 64 bits a dtype must be asked for.
 *  fails  as read, when it is opened or read */
IMNN_API imnn_status imnn_npy_reader(imnn_reader **out, const char *path, imnn_dtype dtype);
/** Written under a temporary name and renamed.
 *  fails  EIO, ENOMEM */
IMNN_API imnn_status imnn_npy_write(const char *path, const imnn_array *x);

typedef struct imnn_npz imnn_npz; /* an open npz file, to be read; by one thread at a time */

/** Only the list of members is read.
 *  fails  EIO (missing, damaged, not a zip file), ENOMEM */
IMNN_API imnn_status imnn_npz_open(imnn_npz **out, const char *path);
IMNN_API void imnn_npz_close(imnn_npz *z); /* NULL is nothing */
/** How many arrays there are, and their names, without ".npy", in the order of the file; owned by
 *  z. Of several of one name the last is meant. */
IMNN_API int64_t imnn_npz_count(const imnn_npz *z);
IMNN_API const char *imnn_npz_name(const imnn_npz *z, int64_t i);
/** fails  EIO (no such name; damaged, which a checksum tells), and as npy_read */
IMNN_API imnn_status imnn_npz_read(imnn_array **out, imnn_npz *z, const char *name,
                                   imnn_dtype dtype);
/** The file is read once, for its checksum. What is compressed is held in memory.
 *  fails  as npz_read */
IMNN_API imnn_status imnn_npz_reader(imnn_reader **out, imnn_npz *z, const char *name,
                                     imnn_dtype dtype);

typedef struct imnn_npz_writer imnn_npz_writer; /* gets its name when it is finished */

/** fails  EIO, ENOMEM */
IMNN_API imnn_status imnn_npz_create(imnn_npz_writer **out, const char *path);
/** One more array.
 *  compression  deflate, 1 quick to 9 small; 0 none
 *  fails  EIO (a full disk; a name that is taken or too long), ENOMEM */
IMNN_API imnn_status imnn_npz_write(imnn_npz_writer *w, const char *name, const imnn_array *x,
                                    int32_t compression);
/** Then only close may follow.
 *  fails  EIO: nothing remains */
IMNN_API imnn_status imnn_npz_finish(imnn_npz_writer *w);
/** What is not finished is removed. NULL is nothing. */
IMNN_API void imnn_npz_abandon(imnn_npz_writer *w);
#endif
