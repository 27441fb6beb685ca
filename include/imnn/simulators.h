#ifndef IMNN_SIMULATORS_H
#define IMNN_SIMULATORS_H
#include "imnn/array.h"
#include "imnn/simulator.h"

/* Simulators that cannot be traced: what they are made of runs in worker processes (`imnn
 * --worker`) or, C functions, in the threads of this process. Work is given out by the number of a
 * simulation, so results are the same for any number of workers. */
typedef struct imnn_simulator imnn_simulator;     /* workers wait in it; one run at a time */
typedef struct imnn_simulations imnn_simulations; /* a run: keys and parameters become data */

typedef struct imnn_simulator_options {
    const char *who;  /* for messages */
    int workers;      /* 1 to 256 processes or threads */
    int64_t rows;     /* simulations that are made together, 1 unless batched */
    double timeout;   /* seconds for each (or each `rows`); 0: as long as they take */
    bool drop;        /* leave failed simulations out; else the first ends the run */
    int retries;      /* how often a failed one is repeated with its key */
    int rekeys;       /* and after that with keys folded in 1, 2, ... */
    bool finite;      /* NaN and infinity are failures */
    imnn_dtype dtype; /* f32 or f64 */
    imnn_shape shape; /* of one simulation; ndim -1: that of the first */
} imnn_simulator_options;

/** Worker processes of a program that speaks as `imnn --worker` does.
 *  setup, bytes  what each gets first, see imnn_worker_setup; its first byte tells the kinds apart:
 *                'L' is for Lua
 *  fails         EVALUE (options), ENOMEM; the processes start with the first run */
IMNN_API imnn_status imnn_simulator_processes(imnn_simulator **out,
                                              const imnn_simulator_options *options,
                                              const void *setup, int64_t bytes);
/** A function of a shared object, in threads or, isolated, in worker processes.
 *  fails  EIO (no such file or function), EVALUE (no shape, threads with a timeout), ENOMEM */
IMNN_API imnn_status imnn_simulator_library(imnn_simulator **out,
                                            const imnn_simulator_options *options, const char *path,
                                            const char *symbol, bool isolated);
/** How parameters go to a program, and data come from it. */
typedef enum imnn_command_data {
    IMNN_ARGS, /* no input but its arguments */
    IMNN_RAW,  /* parameters: f64; data: of the options' dtype */
    IMNN_TEXT, /* numbers with blanks, lines or commas between them */
    IMNN_NPY,
    IMNN_HDF5 /* parameters: datasets theta and key */
} imnn_command_data;
typedef struct imnn_command {
    imnn_command_data input, output; /* files or, where no argument names them, standard in- and
                                        output */
    const char *dataset;             /* of HDF5 output */
    bool inside;                     /* runs in a folder of its own, where it may leave files */
    int n_args;
    const char *const *args; /* program, arguments with placeholders: {theta}, {theta1}, {seed},
                                {seed32}, {key1}, {key2}, {input}, {output}, {folder} */
} imnn_command;
/** A program that makes one simulation each time it is run, several at a time.
 *  fails  EVALUE (no program; raw output without a shape), EIO (no temporary folder), ENOMEM */
IMNN_API imnn_status imnn_simulator_command(imnn_simulator **out,
                                            const imnn_simulator_options *options,
                                            const imnn_command *command);
IMNN_API void imnn_simulator_release(imnn_simulator *s); /* ends its processes; NULL is nothing */
/** Start a worker process, if there is none, and wait until it is ready: what keeps all of them
 *  from simulating is known then. A run starts the others.
 *  fails  EVALUE (what the worker says), EIO (no worker), EINTERRUPT, ENOMEM */
IMNN_API imnn_status imnn_simulator_begin(imnn_simulator *s);
/** End the processes now; the next run starts others. */
IMNN_API void imnn_simulator_close(imnn_simulator *s);
/** Shape of one simulation; ndim -1 as long as nobody knows. */
IMNN_API const imnn_shape *imnn_simulator_shape(const imnn_simulator *s);
/** How many of its processes are running. */
IMNN_API int imnn_simulator_running(const imnn_simulator *s);

/** Begin a run.
 *  keys   u32 (n, 2)
 *  theta  f32 or f64 (n, P)
 *  fails  ESHAPE, EDTYPE, EVALUE (another run has not been released), ENOMEM */
IMNN_API imnn_status imnn_simulations_new(imnn_simulations **out, imnn_simulator *s,
                                          const imnn_array *keys, const imnn_array *theta);
/** Before the first step: what happens to failed simulations of this run, if not what the
 *  simulator's options say; see there.
 *  fails  EVALUE (attempts) */
IMNN_API imnn_status imnn_simulations_policy(imnn_simulations *r, bool drop, int retries,
                                             int rekeys);
/** Before the first step: the seeds that failures are reported with.
 *  seeds  i32 (n); without it, keys as whole numbers: that is what {seed} of a command is
 *  fails  ESHAPE, EDTYPE */
IMNN_API imnn_status imnn_simulations_seeds(imnn_simulations *r, const imnn_array *seeds);
/** Stops simulations that are still running. */
IMNN_API void imnn_simulations_release(imnn_simulations *r);
/** Go on for about so many seconds; *done when all simulations are made or given up.
 *  fails  EVALUE (a simulation failed that must not: its number, seed, key and parameters are
 * named), EIO (no workers), EINTERRUPT, ENOMEM; the run is over then */
IMNN_API imnn_status imnn_simulations_step(imnn_simulations *r, double seconds, bool *done);
/** How many simulations are made, were given up, and were repeated. */
IMNN_API void imnn_simulations_count(const imnn_simulations *r, int64_t *made, int64_t *failed,
                                     int64_t *retried);
/** When done: (n', ...), the rows of those that were made, in order; their numbers (i32, from 0)
 *  and keys (u32 (n', 2)).
 *  fails  EVALUE (none was made, so nobody knows the shape), ENOMEM */
IMNN_API imnn_status imnn_simulations_data(imnn_array **out, const imnn_simulations *r);
IMNN_API imnn_status imnn_simulations_kept(imnn_array **out, const imnn_simulations *r);
IMNN_API imnn_status imnn_simulations_keys(imnn_array **out, const imnn_simulations *r);

#define IMNN_FAILURE_LIST(X)                                                 \
    X(IMNN_RAISED, "error")         /* the function raised an error */       \
    X(IMNN_CRASHED, "crash")        /* its process ended */                  \
    X(IMNN_TIMED_OUT, "timeout")    /* it took too long */                   \
    X(IMNN_BAD_STATUS, "status")    /* it said that it failed */             \
    X(IMNN_BAD_SHAPE, "shape")      /* it gave other data than the others */ \
    X(IMNN_NOT_FINITE, "nonfinite") /* it gave NaN or infinity */            \
    X(IMNN_JUNK, "junk")            /* it gave what cannot be read */
typedef enum imnn_failure_kind {
#define X(name, text) name,
    IMNN_FAILURE_LIST(X)
#undef X
} imnn_failure_kind;
typedef struct imnn_failure {
    int64_t index;    /* from 0; the first of those that were made together */
    const char *kind; /* "error", "crash", ... */
    const char *why;
    uint32_t key[2]; /* of the last attempt */
    uint64_t seed;   /* see imnn_simulations_seeds */
    int attempts;
} imnn_failure;
/** The i-th simulation that was given up, by number; NULL if there are not so many. Owned by r. */
IMNN_API const imnn_failure *imnn_simulations_failure(imnn_simulations *r, int64_t i);

/* ---- the other side: a program that makes simulations ---- */

typedef struct imnn_worker imnn_worker; /* of a process that was started as a worker */
/** What is to be simulated, until the next one is asked for. */
typedef struct imnn_job {
    int64_t index, rows; /* from 0; how many together */
    const uint32_t *key; /* (rows, 2) */
    const void *theta;   /* (rows, P) */
    imnn_dtype dtype;    /* of theta: f32 or f64 */
    int64_t n_params;
} imnn_job;

/** Take the setup from a socket. The process ends as soon as the other side has gone.
 *  fails  EIO (nobody there who speaks so), ENOMEM */
IMNN_API imnn_status imnn_worker_open(imnn_worker **out, int fd);
IMNN_API void imnn_worker_close(imnn_worker *w);
IMNN_API const char *imnn_worker_setup(const imnn_worker *w, int64_t *bytes);
/** Wait for something to do; false: there will be nothing more. The first call says that this
 *  worker is ready. */
IMNN_API bool imnn_worker_next(imnn_worker *w, imnn_job *job);
/** The data of the job: (...) or, several rows together, (rows, ...). */
IMNN_API imnn_status imnn_worker_answer(imnn_worker *w, const imnn_array *data);
/** It cannot be made, or, before the first imnn_worker_next, nothing can. */
IMNN_API imnn_status imnn_worker_refuse(imnn_worker *w, imnn_failure_kind kind, const char *why);
/** Serve setups of the kinds that need no Lua to the end.
 *  fails  EVALUE: one for Lua, nothing is done yet */
IMNN_API imnn_status imnn_worker_serve(imnn_worker *w);
#endif
