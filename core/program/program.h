#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H
#include "core/kernels/gemm.h"
#include "core/kernels/map.h"
#include "core/kernels/reduce.h"
#include "core/ops/ops.h"
#include "imnn/program.h"
#include <stdatomic.h>

/* A program is made in five moves, a file each: plan.c finds out what goes by rows, and how early;
 * sink.c how late; store.c which values are kept between regions and which are made again; lower.c
 * and cluster.c what the steps of a region are; buffers.c where everything lies. run.c runs it. */

/** A node of the program. Nodes that are views have a base, another item, whose elements they
 *  show; all others are their own base. */
typedef struct item {
    const imnn_vertex *v;
    int32_t *x; /* inputs, as items */
    bool *by;   /* which inputs are wanted by rows */
    imnn_rows rows;
    int32_t space; /* whose rows; 0: none, computed whole, before the regions of its level */
    int32_t level;
    int32_t base;       /* itself, if it has values of its own */
    imnn_view view;     /* of the base, which is contiguous */
    int32_t uses;       /* by items and as results */
    int32_t input;      /* number of the input, or -1 */
    int32_t result;     /* number of the result that it is written to, or -1 */
    bool stored;        /* there as a whole after its region has run */
    int32_t root;       /* a sum over rows is added to the partial sums of this item */
    size_t at;          /* stored: where in the arena */
    size_t partial;     /* FOLD: where the partial sums are */
    size_t spare_at;    /* where in the arena so many first rows are kept, */
    int64_t spare_rows; /* which later regions want, too */
} item;

typedef enum place { IN_INPUT, IN_CONSTANT, IN_RESULT, IN_ARENA, IN_TILE, IN_PARTIAL } place;

/** Where an operand of a step lies. Its first element, for rows from `row`, is at
 *  (start of the place) + offset + row * row_bytes. What a tile has by rows lies row by row, or,
 *  with rows last (imnn_rows_last), element by element: rows are adjacent, a tile of them apart. */
typedef struct operand {
    place place;
    int32_t index;    /* input or result; else unused */
    const void *data; /* of a constant */
    size_t offset;    /* bytes */
    int64_t row_bytes;
    imnn_dtype dtype;
    imnn_shape shape;              /* whole; by rows the row axis is shortened */
    int64_t stride[IMNN_MAX_NDIM]; /* elements */
    int64_t row_step;              /* elements from a row to the next */
    bool by;                       /* comes by rows */
} operand;

/** One elementwise operation of a cluster: operands are sources (memory) or registers (blocks of
 *  scratch). */
typedef struct instruction {
    imnn_map_kernel *kernel;
    int32_t n;
    int32_t in[4];  /* < 0: register -1 - in; < IMNN_TARGET: source; else target in - IMNN_TARGET */
    int32_t out;    /* register or target */
    imnn_walk walk; /* over a block of `full` elements */
    imnn_dtype dtype; /* of the result */
    int32_t op;       /* the operator (of a choice: of the comparison), or -1 */
    const char *name;
} instruction;

enum {
    MAX_DIMS = IMNN_MAX_NDIM,
    LARGE_RESULT = 1 << 25, /* bytes: goes past the caches */
    IMNN_TARGET = 1 << 20,
    IMNN_BLOCK_BYTES = 1 << 14,   /* of a register at most */
    IMNN_BLOCK_FAR = 1 << 12,     /* ... where elements come from memory or go there, */
    IMNN_BLOCK_FEWEST = 512,      /* and at least, but for */
    IMNN_FAR_BYTES = 1 << 20,     /* which is so for so many: half of a second-level cache */
    IMNN_REGISTER_BYTES = 1 << 15 /* all registers of a cluster: most of a first-level cache */
};

/** A cluster along one run: memory[i] is where source i begins, behind these target i.
 *  bytes  of whole vectors
 *  mask   the lanes of the vector behind */
typedef void imnn_native(char *const *memory, int64_t bytes, uint32_t mask);

typedef struct cluster {
    int32_t ndim, row_axis; /* the first axis, or the last */
    int64_t size[MAX_DIMS]; /* that of the row axis for one row */
    int32_t sources, targets, registers, length;
    bool far;                 /* more than a second-level cache holds, from memory or into it */
    int64_t block;            /* elements that are worked on at a time */
    size_t register_bytes;    /* from one register to the next */
    int64_t full[3];          /* elements of a whole block along the last axes, in a full tile */
    int32_t repeats, *repeat; /* sources that are a line again and again: the last registers hold
                               * a block of each; */
    bool one_run;             /* all else lies one after the other */
    operand *source, *target; /* strides brought to `size` */
    instruction *code;
    uint8_t *text; /* native.c: the same as machine code, or NULL; and where it can be called */
    bool stream;   /* ... whose results go past the caches */
    size_t text_bytes;
    imnn_native *native;
} cluster;

static inline bool imnn_is_repeated(const cluster *c, int32_t source)
{
    for (int32_t i = 0; i < c->repeats; i++)
        if (c->repeat[i] == source) return true;
    return false;
}

typedef enum step_kind {
    STEP_MAP,
    STEP_GEMM,
    STEP_REDUCE,
    STEP_CALL,
    STEP_EMIT,
    STEP_READ,
    STEP_HOLD
} step_kind;

/** A step that runs programs: hold.c. Values of a body are its inputs, then its results. */
typedef struct hold {
    int32_t bodies, nx, ny, lead; /* lead: inputs of the step before those of the body */
    imnn_program **body;
    imnn_type *input;       /* of the values */
    int32_t *axis;          /* by value: along which it is sliced or stacked, */
    int64_t *outer, *inner; /* and the elements of a row before it and from it on */
    bool *by, *out_by;      /* which inputs and results go by rows */
    bool *need, *has;       /* results that are computed; results of the step that somebody reads */
    operand *out;           /* of the step */
    size_t *at, work_at;    /* in the scratch memory of the thread: values, then the program */
    bool is_loop, reverse;
    int64_t length;
    int32_t consts, carry;
    bool rows_last, *last; /* how rows lie in the bodies; in inputs and results of the step */
    int64_t tile;
    struct hold *next; /* of the same program */
} hold;
typedef struct step {
    step_kind kind;
    int32_t item;    /* what it computes */
    int32_t members; /* of a cluster */
    int32_t *member;
    cluster map;
    hold *hold;
    int32_t n;
    operand *in, out;
    bool fold;    /* out is a partial result of the group */
    bool first;   /* ... and this step is the first that adds to it */
    int32_t pack; /* gemm: which packed copy to use for in[1]; -1: none */
    enum { NO_SPARE, SPARE_PUT, SPARE_TAKE } spare; /* whether the first rows of out are kept */
    double flops, bytes;                            /* of all rows */
} step;

/** A matrix that is used whole by products of a region, in the order that kernels like: made once
 *  before the region runs. */
typedef struct pack {
    int32_t item;
    bool transpose;
    operand from;
    int64_t k, n, row, col; /* sizes and strides of the second factor */
    size_t at;              /* in the arena */
} pack;

/** What goes by the same rows at the same level: run tile by tile. */
typedef struct region {
    int32_t level, space;
    int64_t R, tile, tiles, groups; /* rows; rows of a tile; tiles; groups of consecutive tiles */
    int32_t members;
    int32_t *member;  /* items, in order */
    int64_t *tile_at; /* by member: where in the tile's workspace; -1: not there */
    int32_t *step_of; /* by member */
    int32_t steps;
    step *step;
    bool folds;
    size_t tile_bytes;     /* of workspace of a thread */
    size_t scratch_bytes;  /* for gemm */
    size_t register_bytes; /* the most that a cluster needs */
    int32_t packs;
    struct pack *pack;
    double work;     /* rough count of operations of all rows */
    double *seconds; /* profile: by thread, then by step; the last one is combining the folds */
} region;

/** Accepted rows of one group and one result, a growing block. */
typedef struct emission {
    char *data;
    size_t bytes, room;
} emission;

struct imnn_program {
    int32_t items, nx, ny;
    item *item;
    int32_t *y; /* results, as items */
    imnn_type *in_type, *out_type;
    int32_t spaces;
    int64_t *R; /* by space; R[0] = 1 */
    int32_t levels, regions;
    region *region; /* by level; space 0 comes first in its level */
    size_t arena_bytes, thread_bytes;
    char *arena, *work; /* the values that are kept; a workspace for each of `threads` */
    int threads;
    int most_threads;  /* as imnn_program_options has them; 0: any number */
    int64_t in_flight; /* ... */
    double flops;
    bool *emitted;      /* filter: by result, whether only accepted rows leave */
    emission *emission; /* by accepted result, then by group */
    int32_t emissions;  /* accepted results */
    region *emitter;
    bool profile;
    _Atomic(const char *) fault; /* of the last run: a check that failed */
    int64_t runs;                /* profiled ones */
    double seconds;
    imnn_buffer text;
    void *native; /* machine code */
    size_t native_bytes;
    struct owned {
        void *p;
        size_t bytes;
    } * block; /* everything that release gives back */
    int32_t blocks, room;
    imnn_array **constant;
    int32_t constants;
    const imnn_input_kind *kind; /* by input, or NULL */
    imnn_reader **reader;        /* by input that is read */
    double rate;          /* bytes that are worth keeping to save an operation; 0: what costs more
                             than moving it is never made again */
    bool last_first;      /* of equals, what comes last is kept */
    const int64_t *tiles; /* rows of a tile by region, where they are given */
    hold *hold;           /* all that steps have, whose programs release gives back */
    bool by_rows; /* of a body that is run for some rows of space 1 at a time: these are the */
    int64_t tile; /* most rows, */
    const bool *in_by, *out_by;  /* and what goes by them (while it is made) */
    bool can_be_last, rows_last; /* whether rows can be the last axis of tiles, and are */
};

typedef struct run_state { /* shared by the threads of a run */
    _Atomic int64_t next;
    atomic_int arrived, turn;
    atomic_bool stopped, failed;
    atomic_int status; /* of the first reader that failed, and its sentence */
    char why[1024];
} run_state;

/** Where a thread is in a run. */
typedef struct context {
    imnn_program *p;
    char *const *in, *const *out; /* data of inputs and results */
    char *arena, *work;
    run_state *state;
    int32_t kept; /* inputs of a body that are as they were in the last run of it */
    int thread;
    int64_t row, rows, group;
    bool begins; /* the first tile of its group */
} context;

/** Where the first element of an operand is for the rows at hand. */
char *imnn_start_of(const context *c, const operand *o);
/** Run a step for the rows at hand; false: not enough memory (filter). */
bool imnn_run_step(const context *c, const region *r, const step *s);
/** Note how each instruction goes over a whole block, in a tile of so many rows. */
void imnn_cluster_walks(cluster *c, int64_t rows);

/** Run the program of a body, from inside a step, for the rows at hand where it goes by rows.
 *  kept  so many first inputs are the same as in the last run in this workspace */
void imnn_run_body(const context *c, imnn_program *p, char *const *in, char *const *out, char *work,
                   int32_t kept);
void imnn_run_hold(const context *c, const region *r, const step *s);
/** Whether the run is to end: somebody wished so, or there is no memory. */
bool imnn_run_stopped(const context *c);

/** Memory that lives as long as the program; NULL and a sentence on failure. Zeroed. */
void *imnn_program_take(imnn_program *p, size_t bytes);
#define TAKE(p, n, T) ((T *)imnn_program_take(p, (size_t)(n) * sizeof(T)))

imnn_status imnn_plan_rows(imnn_program *p, imnn_graph *g, int nx, const imnn_node *x, int ny,
                           const imnn_node *y, imnn_node keep);
imnn_status imnn_plan_levels(imnn_program *p);
imnn_status imnn_plan_stores(imnn_program *p);
imnn_status imnn_plan_steps(imnn_program *p);
imnn_status imnn_plan_cluster(imnn_program *p, region *r, step *s);
imnn_status imnn_plan_buffers(imnn_program *p);
/** spare.c: keep the first rows of what is made again in so many bytes; a step may take the rows at
 *  hand from there (false: it has to make them), or put there what it made. */
void imnn_plan_spare(imnn_program *p, int64_t bytes);
bool imnn_take_spare(const context *x, const region *r, const step *s);
void imnn_put_spare(const context *x, const region *r, const step *s);
/** native.c: machine code of a cluster whose registers are not numbered yet, if there can be; and
 *  make that of all clusters of a program executable. */
imnn_status imnn_code_cluster(imnn_program *p, cluster *c, int64_t R);
void imnn_make_native(imnn_program *p);
void imnn_release_native(imnn_program *p);
/** The programs of bodies, all but their buffers; these of one step, for tiles of the region. */
imnn_status imnn_plan_holds(imnn_program *p);
imnn_status imnn_lay_hold(imnn_program *p, region *r, step *s);
/** Bytes for a row in the workspace of such a step; of all values of a program at a time. */
int64_t imnn_hold_row_bytes(const step *s, int64_t R);
int64_t imnn_program_row_bytes(imnn_program *p);
/** Compile all but the buffers. R: 0, or rows, of which some at a time are computed of the inputs
 *  and results that go by them; all that depends on these inputs must do so. */
imnn_status imnn_program_body(imnn_program **out, imnn_graph *g, int nx, const imnn_node *x, int ny,
                              const imnn_node *y, int64_t R, const bool *in_by, const bool *out_by);
/** Whether two items are results of the same call of bodies. */
bool imnn_same_call(const item *a, const item *b);

/** Whether the comparison that a `where` of region r chooses by is done in its place. */
bool imnn_fused_compare(const imnn_program *p, const region *r, int32_t i, imnn_view view[2]);
/** Where the elements of item x are, for a step of region r that wants it by rows or whole; and
 *  those that are seen of its base through another view. */
operand imnn_operand_of(const imnn_program *p, const region *r, int32_t x, bool by);
operand imnn_operand_seen(const imnn_program *p, const region *r, int32_t x, const imnn_view *view,
                          bool by);
/** layout.c: whether all steps of a body can be done with rows as the last axis. Then short axes
 *  cost nothing: every operation goes over long runs of rows. */
bool imnn_can_be_last(const imnn_program *p);
/** Whether what item x shows in a tile of this program lies with rows last. */
bool imnn_lies_last(const imnn_program *p, int32_t x);
/** Number of elements, bytes of one row of an item. */
int64_t imnn_row_bytes(const item *it, int64_t R);
/** Index among the members of r, -1 if it is not computed there. */
int32_t imnn_member(const region *r, int32_t x);
/** Whether input k of an item comes by rows as they flow through the region of the item; otherwise
 *  it is read from where it is stored whole. */
static inline bool imnn_flows(const imnn_program *p, const item *it, int32_t k)
{
    const item *x = &p->item[it->x[k]];
    return it->by[k] && x->rows == IMNN_ROWS_EACH && x->space == it->space;
}
extern const imnn_op imnn_op_copy, imnn_op_emit, imnn_op_read; /* of programs only */
imnn_view imnn_contiguous(const imnn_shape *s);
/** The shape over which an elementwise item or a copy is computed. */
const imnn_shape *imnn_item_space(const imnn_program *p, const item *it);
/** The shape of some rows of a whole value. */
imnn_shape imnn_local_shape(const imnn_shape *s, int64_t R, int64_t rows);
static inline bool imnn_is_whole(const item *it) { return it->rows == IMNN_ROWS_NONE; }
/** The level from which on an item can be read as a whole. */
static inline int32_t imnn_whole_from(const item *it)
{
    return it->level + (it->rows != IMNN_ROWS_NONE);
}
#endif
