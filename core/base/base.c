/* Statuses and their sentences, the clock, the terminal and the wish to stop. */
#include "core/base/base.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static _Thread_local char last_error[512]; /* per thread: imnn_last_error() */
static atomic_bool stop;                   /* set by a signal handler: imnn_interrupt() */

imnn_status imnn_fail(imnn_status status, const char *format, ...)
{
    char text[sizeof last_error]; /* the last sentence may be part of the new one */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(last_error, sizeof last_error, "%s", text);
    return status;
}

const char *imnn_last_error(void) { return last_error; }

void imnn_interrupt(void) { atomic_store(&stop, true); }

static _Thread_local bool deaf; /* per thread: imnn_deafen() */

void imnn_deafen(void) { deaf = true; }

bool imnn_interrupted(void)
{
    return !deaf && atomic_load_explicit(&stop, memory_order_relaxed) &&
           atomic_exchange(&stop, false);
}

bool imnn_stop_asked(void) { return !deaf && atomic_load_explicit(&stop, memory_order_relaxed); }

double imnn_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool imnn_terminal(int fd) { return isatty(fd) == 1; }

const char *imnn_version(void) { return IMNN_VERSION; }
