#ifndef IMNN_TABLE_H
#define IMNN_TABLE_H
#include "imnn/array.h"

/** Tables of numbers as text: a line for each row. */
typedef struct imnn_table_format {
    const char *delimiter;  /* between columns; NULL: spaces and tabs, as many as there are */
    const char *comments;   /* the rest of a line from here on is none; NULL: there are none */
    int64_t skip;           /* lines at the beginning */
    int64_t most;           /* rows, then stop; -1: all */
    const int32_t *columns; /* which ones, from 0, negative ones from the end; NULL: all */
    int32_t ncolumns;
    bool missing; /* what is no number, or nothing, becomes the number below */
    double filling;
} imnn_table_format;

/** (rows, columns); lines without columns are none.
 *  dtype  f32, f64, i32, u32
 *  fails  EIO (missing; with the line and column: no number, a row that is longer or shorter than
 *         the first, no such column), EVALUE (a number that an integer dtype does not hold),
 *         ENOMEM, EINTERRUPT */
IMNN_API imnn_status imnn_table_read(imnn_array **out, const char *path, imnn_dtype dtype,
                                     const imnn_table_format *format);
/** A line for each row of x, which has one or two axes, written under a temporary name and renamed.
 *  format     of one number, as in printf: %.18e, %8.3f, %d; not of several
 *  header     lines at the beginning, as they are; footer the same; ""
 *  fails  EIO, EVALUE (another format), EDTYPE (complex numbers), ESHAPE, ENOMEM */
IMNN_API imnn_status imnn_table_write(const char *path, const imnn_array *x, const char *format,
                                      const char *delimiter, const char *header,
                                      const char *footer);
#endif
