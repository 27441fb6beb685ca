#ifndef IMNN_PROGRAM_H
#define IMNN_PROGRAM_H
#include "imnn/graph.h"
#include "imnn/reader.h"

typedef struct imnn_program imnn_program; /* used by one thread at a time */

/** Compile what y needs into a program.
 *  x      the inputs, made by imnn_graph_input (or placeholders); all that y depends on
 *  fails  EVALUE (y depends on another input), ENOMEM */
IMNN_API imnn_status imnn_program_new(imnn_program **out, imnn_graph *g, int nx, const imnn_node *x,
                                      int ny, const imnn_node *y);

typedef enum imnn_input_kind {
    IMNN_INPUT_WHOLE, /* an array; whatever reads it decides how */
    IMNN_INPUT_ROWS,  /* an array of examples along its first axis: what is made of it is computed
                         some examples at a time */
    IMNN_INPUT_READ   /* the same, but it comes from a reader, some records at a time: programs
                         with the one and the other give the same bytes */
} imnn_input_kind;

/** What else is wished of a program; zeros: nothing. */
typedef struct imnn_program_options {
    /** Of the results with `keep`'s number of rows only the rows leave the program where `keep`
     *  (bool, (n)) holds, in order: a result of shape (n, ...) comes back as (accepted, ...). */
    imnn_node keep;
    /** Bytes that a run with its threads may take besides inputs and results. What is
     *  too much to be kept from one part of the program to a later one is computed again there,
     *  of the arrays that give most room for the least work. The results have the same bytes. */
    int64_t memory;
    const imnn_input_kind *kind; /* by input; NULL: all whole */
    int threads;                 /* at most so many, and never more than imnn_threads(); 0: those */
    /** Examples that all threads together may have in work; 0: any number. Tiles stay as they are,
     *  since their sums are in the results: where they have more rows, fewer threads work, at least
     *  one. The results have the same bytes. */
    int64_t in_flight;
} imnn_program_options;

/** fails  as imnn_program_new; ENOMEM also where `memory` is less than the program can do with:
 *         the sentence says how much that is */
IMNN_API imnn_status imnn_program_make(imnn_program **out, imnn_graph *g, int nx,
                                       const imnn_node *x, int ny, const imnn_node *y,
                                       const imnn_program_options *options);

/** From where input i, of kind IMNN_INPUT_READ, is read from now on; r gets one more reference.
 *  fails  EVALUE (no such input), ESHAPE, EDTYPE (other records) */
IMNN_API imnn_status imnn_program_read(imnn_program *p, int i, imnn_reader *r);

IMNN_API void imnn_program_release(imnn_program *p);

/** Compute.
 *  x      borrowed, of the shapes and dtypes of the inputs; those that are read are not looked at
 *  y      where y[i] is NULL, a new reference is put there; otherwise y[i] is an array of the
 *         right shape that nobody else sees, and is overwritten (it may not be one of x)
 *  fails  ESHAPE, EDTYPE, ENOMEM, EINTERRUPT, EVALUE (an input without reader), and as readers do;
 *         y that were NULL are NULL then */
IMNN_API imnn_status imnn_program_run(imnn_program *p, const imnn_array *const *x, imnn_array **y);

/** What was wrong with a value in the last run of this thread's programs, "solve: a matrix is
 *  singular", which made results NaN; "" if nothing was. */
IMNN_API const char *imnn_last_fault(void);

/** Steps, fused clusters, buffers, and, after runs with profiling on, where the time went. Owned
 *  by the program, until the next call. */
IMNN_API const char *imnn_program_text(imnn_program *p);
IMNN_API void imnn_program_profile(imnn_program *p, bool on);

/** Floating-point operations in matrix products and convolutions of one run: two for every number
 * that is multiplied and added, 2 n k m for matrices. */
IMNN_API double imnn_program_flops(const imnn_program *p);
/** Bytes that a run with this many threads, or as many as may be, needs besides inputs and results.
 */
IMNN_API int64_t imnn_program_bytes(const imnn_program *p, int threads);

/** One operator of concrete arrays, at once; attr may be NULL.
 *  fails  as the operator says; EVALUE where a value has no result (a singular matrix) */
IMNN_API imnn_status imnn_apply(imnn_array **out, int op, int n, const imnn_array *const *x,
                                const imnn_attr *attr);
/** Forget the programs that imnn_apply keeps for the calling thread. */
IMNN_API void imnn_apply_forget(void);
#endif
