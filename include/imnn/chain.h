#ifndef IMNN_CHAIN_H
#define IMNN_CHAIN_H
#include "imnn/graph.h"
#include "imnn/reader.h"

/* Readers made of readers, beside those of reader.h. Each keeps references of its own to those that
 * it is made of, may be used from any thread, and hands on what reading them says. All fail with
 * ENOMEM beside what is listed. */

/** Records begin, begin + step, begin + 2 step, ..., count of them. Steps may be negative.
 *  fails  EVALUE (one that is not there) */
IMNN_API imnn_status imnn_reader_stride(imnn_reader **out, imnn_reader *r, int64_t begin,
                                        int64_t count, int64_t step);
/** Records by number.
 *  index  i32 (n), from 0
 *  fails  EDTYPE, ESHAPE, EVALUE (one that is not there) */
IMNN_API imnn_status imnn_reader_pick(imnn_reader **out, imnn_reader *r, const imnn_array *index);
/** k records become one, of shape (k, ...); those that are too few at the end are left out.
 *  fails  EVALUE (k < 1, more than 8 axes) */
IMNN_API imnn_status imnn_reader_group(imnn_reader **out, imnn_reader *r, int64_t k);
/** The parts of records along their first axis become records.
 *  fails  EVALUE (records without axes) */
IMNN_API imnn_status imnn_reader_ungroup(imnn_reader **out, imnn_reader *r);
/** The same records several times: what is in random order is so in another one each time.
 *  times  -1: without end (for 2^53 records)
 *  fails  EVALUE (times < -1, more than 2^53 records) */
IMNN_API imnn_status imnn_reader_repeat(imnn_reader **out, imnn_reader *r, int64_t times);
/** The same records; when it is repeated, those of the first repetition. */
IMNN_API imnn_status imnn_reader_hold(imnn_reader **out, imnn_reader *r);
/** i32 (): first, first + 1, ..., count of them; reading fails (EVALUE) where they are too large.
 *  fails  EVALUE (count < 0) */
IMNN_API imnn_status imnn_reader_numbers(imnn_reader **out, int32_t first, int64_t count);

/** A random order of n things, another one for each repetition: that of repetition e, from 1, is
 *  random.permutation of n with key fold_in(key, e), in the layout of keys that is set now. The
 *  orders used last are kept. Counted references; several readers in one order share it. */
typedef struct imnn_order imnn_order;
/** key    u32 (2)
 *  fails  EVALUE (n beyond 2^31 - 1), EDTYPE, ESHAPE */
IMNN_API imnn_status imnn_order_new(imnn_order **out, const imnn_array *key, int64_t n);
IMNN_API void imnn_order_release(imnn_order *o); /* NULL is nothing */
/** fails  ESHAPE (another number of records) */
IMNN_API imnn_status imnn_reader_shuffle(imnn_reader **out, imnn_reader *r, imnn_order *o);

/** Records that are kept in memory once they were read, in blocks of up to 256 KiB, until there are
 *  so many bytes of them; the others are read each time. What is repeated are those of the first
 *  repetition.
 *  fails  EVALUE (bytes < 0) */
IMNN_API imnn_status imnn_reader_cache(imnn_reader **out, imnn_reader *r, int64_t bytes);
/** Background threads read what comes next: whenever records are read, and advised, the `depth`
 *  blocks behind them. Memory: depth + imnn_threads() + 1 blocks. A failure is told to who asks for
 *  these records, when they are read once more. Releasing the reader ends the threads, after what
 *  they are just reading; signals do not go to them.
 *  each     records in a block
 *  fails    EVALUE (each < 1, depth < 1, threads not 1 to 256), EIO (no thread can be started) */
IMNN_API imnn_status imnn_reader_ahead(imnn_reader **out, imnn_reader *r, int64_t each,
                                       int32_t depth, int32_t threads);

/** What programs make of the records of nx readers of as many: ny readers. Records are made in
 *  blocks, each once, and the blocks used last are kept.
 *  name   of the readers, for messages
 *  g      one more reference; nobody may add to it afterwards
 *  x      inputs (block, shape of a record), one for each reader
 *  y      (block, ...); record i of a block made of records i only
 *  out    ny new references
 *  fails  EVALUE (no reader, numbers of records or blocks that differ), ESHAPE, EDTYPE (inputs that
 *         are not as the records), and as imnn_program_new */
IMNN_API imnn_status imnn_reader_map(imnn_reader **out, const char *name, imnn_graph *g, int nx,
                                     const imnn_node *x, imnn_reader *const *r, int ny,
                                     const imnn_node *y);

/** Records begin <= i < end of n readers, as n new arrays, read side by side in pieces.
 *  fails  as imnn_reader_records; EINTERRUPT, where they are many */
IMNN_API imnn_status imnn_readers_read(imnn_array **out, int n, imnn_reader *const *r,
                                       int64_t begin, int64_t end);
#endif
