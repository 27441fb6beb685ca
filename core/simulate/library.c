/* Simulators that are C functions of a shared object: found, called; and the threads that call
 * them. */
#include "core/simulate/simulate.h"
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

imnn_status imnn_simulator_open(void **library, imnn_simulator_function **function,
                                const char *path, const char *symbol)
{
    char here[4096];
    /* dlopen looks for names without a slash elsewhere; who names a file means this one. */
    snprintf(here, sizeof here, "%s%s", strchr(path, '/') ? "" : "./", path);
    if (access(here, F_OK) != 0) snprintf(here, sizeof here, "%s", path);
    *library = dlopen(here, RTLD_NOW | RTLD_LOCAL);
    if (!*library) return imnn_fail(IMNN_EIO, "cannot load %s: %s", path, dlerror());
    void *address = dlsym(*library, symbol);
    if (address) {
        *(void **)function = address;
        return IMNN_OK;
    }
    dlclose(*library);
    *library = NULL;
    return imnn_fail(IMNN_EIO,
                     "%s has no function \"%s\"; is it static, or C++ without extern "
                     "\"C\"?",
                     path, symbol);
}

int imnn_simulator_call(imnn_simulator_function *function, const uint32_t *key, const void *theta,
                        imnn_dtype theta_dtype, int64_t row, int64_t n_params, double *work,
                        int64_t size, imnn_dtype dtype, void *out)
{
    double *made = work + n_params;
    for (int64_t k = 0; k < n_params; k++) {
        int64_t i = row * n_params + k;
        work[k] = theta_dtype == IMNN_F32 ? ((const float *)theta)[i] : ((const double *)theta)[i];
    }
    memset(made, 0, (size_t)size * sizeof *made);
    int status = function(key, work, n_params, made, size);
    for (int64_t i = 0; i < size; i++) {
        if (dtype == IMNN_F32) ((float *)out)[i] = (float)made[i];
        else ((double *)out)[i] = made[i];
    }
    return status;
}

/* ---- threads ---- */

static void make(imnn_simulations *r, int64_t i, double *work, int64_t size)
{
    const imnn_simulator *s = r->s;
    for (bool again = true; again;) {
        int64_t element;
        int status =
            imnn_simulator_call(s->function, r->key + 2 * i, r->theta->data, r->theta->dtype, i,
                                r->n_params, work, size, s->o.dtype, imnn_run_row(r, i));
        if (status)
            again = imnn_run_failed(r, i, IMNN_BAD_STATUS, "failed: it gave the status %d", status);
        else if (!imnn_run_finite(r, i, &element))
            again =
                imnn_run_failed(r, i, IMNN_NOT_FINITE,
                                "gave a number that is not finite, element %" PRId64, element + 1);
        else imnn_run_made(r, i), again = false;
    }
}

static void *thread(void *given)
{
    imnn_simulations *r = given;
    int64_t size = imnn_shape_count(&r->s->shape), i;
    size_t bytes = (size_t)(r->n_params + size) * sizeof(double);
    double *work = imnn_alloc(bytes);
    while (work && (i = imnn_run_next(r)) >= 0) make(r, i, work, size);
    pthread_mutex_lock(&r->lock);
    if (!work) r->no_memory = true;
    r->running--;
    pthread_cond_signal(&r->change);
    pthread_mutex_unlock(&r->lock);
    imnn_free(work, bytes);
    return NULL;
}

/** Start them; signals are for the thread that waits. */
static imnn_status start(imnn_simulations *r)
{
    sigset_t all, before;
    int wanted = r->n < r->s->o.workers ? (int)r->n : r->s->o.workers;
    if (!(r->threads = imnn_alloc((size_t)r->s->o.workers * sizeof *r->threads)))
        return IMNN_ENOMEM;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0;
    while (r->n_threads < wanted && !error) {
        pthread_mutex_lock(&r->lock);
        r->running++;
        pthread_mutex_unlock(&r->lock);
        error = pthread_create(&r->threads[r->n_threads], NULL, thread, r);
        if (!error) r->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error) return IMNN_OK;
    pthread_mutex_lock(&r->lock);
    r->running--;
    pthread_mutex_unlock(&r->lock);
    if (r->n_threads > 0) return IMNN_OK; /* fewer do as well */
    return imnn_fail(IMNN_EIO, "%s: no thread: %s", r->s->who, strerror(error));
}

void imnn_threads_stop(imnn_simulations *r)
{
    if (!r->threads) return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < r->n_threads; i++) pthread_join(r->threads[i], NULL);
    imnn_free(r->threads, (size_t)r->s->o.workers * sizeof *r->threads);
    r->threads = NULL;
}

imnn_status imnn_threads_step(imnn_simulations *r, double until, bool *done)
{
    imnn_status st = IMNN_OK;
    if (!r->threads && r->n > 0 && (st = start(r)) != IMNN_OK) return st;
    struct timespec due = {.tv_sec = (time_t)until,
                           .tv_nsec = (long)((until - (double)(time_t)until) * 1e9)};
    pthread_mutex_lock(&r->lock);
    int late = 0;
    while (r->running > 0 && late != ETIMEDOUT && !imnn_stop_asked())
        late = pthread_cond_timedwait(&r->change, &r->lock, &due);
    *done = r->running == 0;
    pthread_mutex_unlock(&r->lock);
    if (imnn_stop_asked()) return imnn_interrupted(), imnn_fail(IMNN_EINTERRUPT, "interrupted");
    if (*done && (r->fatal < r->n || r->no_memory)) return imnn_run_fatal(r);
    return IMNN_OK;
}

/* ---- the simulator ---- */

/** What its worker processes are told, see worker.c. */
static imnn_status tell(imnn_bytes *b, const imnn_simulator_options *o, const char *path,
                        const char *symbol)
{
    data_head head = {.dtype = (int32_t)o->dtype, .ndim = o->shape.ndim};
    memcpy(head.size, o->shape.size, sizeof head.size);
    bool told = imnn_bytes_add(b, "S", 1) && imnn_bytes_add(b, &head, sizeof head) &&
                imnn_bytes_add(b, path, strlen(path) + 1) &&
                imnn_bytes_add(b, symbol, strlen(symbol) + 1);
    return told ? IMNN_OK : IMNN_ENOMEM;
}

imnn_status imnn_simulator_library(imnn_simulator **out, const imnn_simulator_options *options,
                                   const char *path, const char *symbol, bool isolated)
{
    *out = NULL;
    if (options->shape.ndim < 0)
        return imnn_fail(IMNN_EVALUE, "%s: a C function needs the shape of its data", options->who);
    if (options->timeout > 0 && !isolated)
        return imnn_fail(IMNN_EVALUE,
                         "%s: a thread cannot be stopped, so a timeout needs isolate = true",
                         options->who);
    if (options->rows != 1)
        return imnn_fail(IMNN_EVALUE, "%s: a C function makes one simulation at a time",
                         options->who);
    imnn_status st;
    imnn_simulator *s = NULL;
    imnn_bytes setup = {0};
    if (isolated) {
        st = tell(&setup, options, path, symbol);
        if (st == IMNN_OK)
            st = imnn_simulator_processes(out, options, setup.data, (int64_t)setup.size);
        imnn_bytes_free(&setup);
        return st;
    }
    if ((st = imnn_simulator_make(&s, options)) != IMNN_OK) return st;
    if ((st = imnn_simulator_open(&s->library, &s->function, path, symbol)) == IMNN_OK) *out = s;
    else {
        char why[400];
        snprintf(why, sizeof why, "%s", imnn_last_error());
        st = imnn_fail(st, "%s: %s", options->who, why);
        imnn_simulator_release(s);
    }
    return st;
}
