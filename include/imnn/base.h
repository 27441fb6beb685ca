#ifndef IMNN_BASE_H
#define IMNN_BASE_H
#ifndef IMNN_CDEF /* Lua's FFI knows these types */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif
#ifndef IMNN_API
#define IMNN_API __attribute__((visibility("default")))
#endif

#define IMNN_STATUS_LIST(X)                     \
    X(IMNN_OK, 0, "success")                    \
    X(IMNN_ENOMEM, -1, "out of memory")         \
    X(IMNN_ESHAPE, -2, "shapes do not fit")     \
    X(IMNN_EVALUE, -3, "argument out of range") \
    X(IMNN_EDTYPE, -4, "dtype not supported")   \
    X(IMNN_EIO, -5, "input or output failed")   \
    X(IMNN_EINTERRUPT, -6, "interrupted")       \
    X(IMNN_ETYPE, -7, "wrong type")

typedef enum imnn_status {
#define X(name, value, text) name = value,
    IMNN_STATUS_LIST(X)
#undef X
} imnn_status;

/** The sentence that belongs to the last failure of this thread. */
IMNN_API const char *imnn_last_error(void);

/** Bytes held by arrays, graphs and programs that are not released yet. */
IMNN_API int64_t imnn_live_bytes(void);

/** Seconds of a clock that only goes forward. */
IMNN_API double imnn_seconds(void);

/** Whether the file descriptor is a terminal. */
IMNN_API bool imnn_terminal(int fd);

/** Ask whatever runs to stop. Safe in a signal handler. */
IMNN_API void imnn_interrupt(void);

/** Whether somebody asked to stop; the question is answered once. */
IMNN_API bool imnn_interrupted(void);

/** Threads that programs run on, 1 to 256. The default is the affinity mask of the process, or
 *  SLURM_CPUS_PER_TASK or OMP_NUM_THREADS where they ask for fewer.
 *  fails  EVALUE */
IMNN_API int imnn_threads(void);
IMNN_API imnn_status imnn_set_threads(int n);

/** "0.1.0" */
IMNN_API const char *imnn_version(void);

/** What was found and chosen on this machine, one "name value" a line: CPU, instruction set of the
 *  kernels, threads, library versions. Owned by the library. */
IMNN_API const char *imnn_machine(void);

/** This interface as declarations for Lua's FFI. */
IMNN_API const char *imnn_cdef(void);

/** Bytes of memory that the system could still give, INT64_MAX where that is not known: for
 * refusing before trying. */
IMNN_API int64_t imnn_available_bytes(void);
#endif
