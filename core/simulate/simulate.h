/* Simulators that cannot be traced: what the files of this room share. */
#ifndef CORE_SIMULATE_H
#define CORE_SIMULATE_H
#include "core/array/array.h"
#include "imnn/simulators.h"
#include <pthread.h>
#include <sys/types.h>

/** Bytes that grow; the first failure to do so leaves them as they were. */
typedef struct imnn_bytes {
    char *data;
    size_t size, room;
} imnn_bytes;
bool imnn_bytes_reserve(imnn_bytes *b, size_t more);
bool imnn_bytes_add(imnn_bytes *b, const void *data, size_t size);
void imnn_bytes_free(imnn_bytes *b);

/* ---- messages between this process and its workers ---- */

typedef enum message_kind {
    MESSAGE_SETUP,  /* to the worker: what it is for; index: which of the workers it is */
    MESSAGE_JOB,    /* to the worker: job_head, keys, parameters */
    MESSAGE_READY,  /* from the worker */
    MESSAGE_DATA,   /* from the worker: data_head, values */
    MESSAGE_REFUSED /* from the worker: a sentence; detail: imnn_failure_kind */
} message_kind;
enum { MESSAGE_MAGIC = 0x4e4e4d49 }; /* "IMNN" */
typedef struct message {
    uint32_t magic;
    uint16_t kind, detail;
    int64_t index, size; /* of a simulation; bytes that follow */
} message;
typedef struct job_head {
    int64_t rows, n_params;
    int32_t dtype, unused;
} job_head;
typedef struct data_head {
    int32_t dtype, ndim;
    int64_t size[IMNN_MAX_NDIM];
} data_head;

/* ---- simulators ---- */

enum { FOLDER_BYTES = 512 };

typedef enum slot_state { SLOT_EMPTY, SLOT_STARTING, SLOT_IDLE, SLOT_BUSY } slot_state;
/** A worker process, as this process sees it. */
typedef struct slot {
    slot_state state;
    pid_t pid;
    int fd;
    int64_t first; /* the simulation it is busy with */
    double due;    /* when it has had its time */
    imnn_bytes out, in;
    size_t sent;
} slot;

struct imnn_simulator {
    char who[64];
    imnn_simulator_options o;
    imnn_shape shape; /* ndim -1: not known yet */
    bool taken;       /* by a run */
    imnn_bytes setup; /* of processes */
    slot *slots;
    char folder[FOLDER_BYTES]; /* of programs: theirs, one for each; "" without */
    void *library;             /* of threads: what dlopen gave */
    imnn_simulator_function *function;
};

struct imnn_simulations {
    imnn_simulator *s;
    int64_t n, n_params;
    uint32_t *key;                    /* (n, 2): those of the present attempts */
    imnn_array *theta, *data, *seeds; /* seeds: NULL, or i32 (n) */
    bool drop;                        /* this and the next as in the options, */
    int retries, rekeys;              /* or as imnn_simulations_policy has it */
    bool *lost;
    uint8_t *attempts; /* beyond the first, of the piece that begins here */
    int64_t next;      /* the first simulation that nobody has begun */
    int64_t fatal;     /* the first that ends the run; n: none */
    int64_t made, given_up, retried;
    imnn_failure *failures; /* sorted when somebody asks */
    int64_t n_failures, room;
    bool sorted, no_memory;
    pthread_mutex_t lock;
    pthread_cond_t change; /* of threads: one of them has ended */
    pthread_t *threads;
    int n_threads, running; /* started; not ended yet */
    bool stop;
};

/** Whether there may be so many attempts more.
 *  fails  EVALUE */
imnn_status imnn_attempts_check(const char *who, int retries, int rekeys);
/** Check the options and make one; setup and slots are its kind's. */
imnn_status imnn_simulator_make(imnn_simulator **out, const imnn_simulator_options *options);
/** The function of a shared object.
 *  fails  EIO */
imnn_status imnn_simulator_open(void **library, imnn_simulator_function **function,
                                const char *path, const char *symbol);
/** Call it for one simulation, whose parameters are row `row` of theta, and round what it gives to
 *  dtype. work: n_params + size doubles. */
int imnn_simulator_call(imnn_simulator_function *function, const uint32_t *key, const void *theta,
                        imnn_dtype theta_dtype, int64_t row, int64_t n_params, double *work,
                        int64_t size, imnn_dtype dtype, void *out);

/* ---- a run ---- */

/** The simulations that are made together with `first`. */
int64_t imnn_run_rows(const imnn_simulations *r, int64_t first);
/** The first simulation of the next piece of work, -1 if there is none now. Calls of several
 *  threads are in order. */
int64_t imnn_run_next(imnn_simulations *r);
/** Once the shape is known: room for all data. */
imnn_status imnn_run_shape(imnn_simulations *r, const imnn_shape *shape);
char *imnn_run_row(const imnn_simulations *r, int64_t i); /* where the data of a simulation go */
/** Data of a piece lie there: true if they are finite, or may be anything. */
bool imnn_run_finite(imnn_simulations *r, int64_t first, int64_t *element);
void imnn_run_made(imnn_simulations *r, int64_t first);
/** A piece has failed: true if it is to be tried again. */
__attribute__((format(printf, 4, 5))) bool
imnn_run_failed(imnn_simulations *r, int64_t first, imnn_failure_kind kind, const char *why, ...);
/** The failure that ended a run, as status and sentence. */
imnn_status imnn_run_fatal(const imnn_simulations *r);

imnn_status imnn_processes_step(imnn_simulations *r, double until, bool *done);
void imnn_processes_stop(imnn_simulations *r); /* those that are still busy */
void imnn_processes_close(imnn_simulator *s);
imnn_status imnn_threads_step(imnn_simulations *r, double until, bool *done);
void imnn_threads_stop(imnn_simulations *r);

/** Programs, see command.c. number: which of the workers this is. */
imnn_status imnn_worker_serve_command(imnn_worker *w, int64_t number);
/** A folder that is removed when nobody is at the other side any more. */
void imnn_worker_owns(imnn_worker *w, const char *folder);
void imnn_remove_folder(const char *path);
/** The data of the job. */
imnn_status imnn_worker_give(imnn_worker *w, imnn_dtype dtype, const imnn_shape *shape,
                             const void *data);

/** The program that workers are: IMNN_PROGRAM, or bin/imnn of this installation, or the one of the
 *  PATH. */
const char *imnn_worker_program(void);
#endif
