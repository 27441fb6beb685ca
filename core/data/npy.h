#ifndef CORE_NPY_H
#define CORE_NPY_H
#include "core/data/numbers.h"
#include "imnn/npy.h"

/** What the beginning of an npy file says. */
typedef struct npy_header {
    imnn_stored stored;
    bool fortran; /* the first axis is innermost */
    imnn_shape shape;
    int64_t count;  /* of numbers */
    int64_t offset; /* of the first one */
} npy_header;

enum { NPY_START = 12, NPY_MOST_HEADER = 1 << 20 };

/** A file, or a member of one, in memory or not. */
typedef struct npy_bytes {
    const char *name;     /* for messages */
    const uint8_t *bytes; /* NULL: of a file */
    int file;
    int64_t begin, size;
} npy_bytes;

/** A file as a whole, which is to be closed.
 *  who    for messages
 *  fails  EIO */
imnn_status npy_open_bytes(npy_bytes *b, const char *who, const char *path);
/** n bytes from this one on.
 *  fails  EIO, with the offset in the file; EINTERRUPT */
imnn_status npy_read_bytes(const npy_bytes *b, void *out, int64_t n, int64_t at);
/** Everything is checked against the size.
 *  fails  EIO, EDTYPE, EVALUE */
imnn_status npy_read_header(npy_header *h, const npy_bytes *b);
/** The array that the bytes hold. */
imnn_status npy_read_array(imnn_array **out, const npy_bytes *b, imnn_dtype dtype);
/** Of a file, which the reader closes, also on failure. */
imnn_status npy_make_reader(imnn_reader **out, const npy_bytes *b, imnn_dtype dtype);
/** What stands before the numbers of x; a multiple of 64 bytes. */
enum { NPY_HEADER = 384 };
int npy_write_header(char *out, const imnn_array *x);
/** All of it.
 *  who, path  for messages
 *  fails  EIO */
imnn_status npy_write_bytes(int file, const void *bytes, size_t n, const char *who,
                            const char *path);
#endif
