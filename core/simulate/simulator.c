/* Simulators: their options, and the program that worker processes run. */
#include "core/simulate/simulate.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_WORKERS = 256, MOST_ATTEMPTS = 200 };

imnn_status imnn_attempts_check(const char *who, int retries, int rekeys)
{
    if (retries >= 0 && rekeys >= 0 && retries <= MOST_ATTEMPTS - rekeys) return IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "%s: 0 to %d attempts more, got %d and %d", who, MOST_ATTEMPTS,
                     retries, rekeys);
}

static imnn_status check(const imnn_simulator_options *o)
{
    if (o->workers < 1 || o->workers > MOST_WORKERS)
        return imnn_fail(IMNN_EVALUE, "%s: 1 to %d workers, got %d", o->who, MOST_WORKERS,
                         o->workers);
    if (o->rows < 1)
        return imnn_fail(IMNN_EVALUE, "%s: a batch has at least one simulation, got %lld", o->who,
                         (long long)o->rows);
    if (!(o->timeout >= 0))
        return imnn_fail(IMNN_EVALUE, "%s: the timeout must be positive, got %g s", o->who,
                         o->timeout);
    imnn_status st = imnn_attempts_check(o->who, o->retries, o->rekeys);
    if (st != IMNN_OK) return st;
    if (o->dtype != IMNN_F32 && o->dtype != IMNN_F64)
        return imnn_fail(IMNN_EDTYPE, "%s: simulations are f32 or f64", o->who);
    if (o->shape.ndim > IMNN_MAX_NDIM - 1)
        return imnn_fail(IMNN_ESHAPE, "%s: a simulation has at most %d axes, got %d", o->who,
                         IMNN_MAX_NDIM - 1, o->shape.ndim);
    return IMNN_OK;
}

imnn_status imnn_simulator_make(imnn_simulator **out, const imnn_simulator_options *options)
{
    *out = NULL;
    imnn_status st = check(options);
    if (st != IMNN_OK) return st;
    imnn_simulator *s = imnn_alloc(sizeof *s);
    if (!s) return IMNN_ENOMEM;
    snprintf(s->who, sizeof s->who, "%s", options->who);
    s->o = *options, s->o.who = s->who, s->shape = options->shape;
    *out = s;
    return IMNN_OK;
}

imnn_status imnn_simulator_processes(imnn_simulator **out, const imnn_simulator_options *options,
                                     const void *setup, int64_t bytes)
{
    imnn_simulator *s;
    imnn_status st = imnn_simulator_make(&s, options);
    *out = NULL;
    if (st != IMNN_OK) return st;
    s->slots = imnn_alloc((size_t)s->o.workers * sizeof *s->slots);
    if (!s->slots || !imnn_bytes_add(&s->setup, setup, (size_t)bytes)) {
        imnn_simulator_release(s);
        return IMNN_ENOMEM;
    }
    for (int i = 0; i < s->o.workers; i++) s->slots[i].first = -1;
    *out = s;
    return IMNN_OK;
}

void imnn_simulator_close(imnn_simulator *s) { imnn_processes_close(s); }

void imnn_simulator_release(imnn_simulator *s)
{
    if (!s) return;
    imnn_processes_close(s);
    if (s->slots) imnn_free(s->slots, (size_t)s->o.workers * sizeof *s->slots);
    imnn_bytes_free(&s->setup);
    if (s->folder[0]) imnn_remove_folder(s->folder);
    if (s->library) dlclose(s->library);
    imnn_free(s, sizeof *s);
}

const imnn_shape *imnn_simulator_shape(const imnn_simulator *s) { return &s->shape; }

int imnn_simulator_running(const imnn_simulator *s)
{
    int n = 0;
    for (int i = 0; s->slots && i < s->o.workers; i++) n += s->slots[i].state != SLOT_EMPTY;
    return n;
}

/* ---- the program ---- */

static char beside[4200]; /* found once: where a library lies does not change */

/** bin/imnn of the installation that this library belongs to; libraries lie in lib, or in a
 *  folder of it. */
static void find_program(void)
{
    Dl_info info;
    char folder[4096];
    if (!dladdr((const void *)(uintptr_t)&imnn_simulator_release, &info) || !info.dli_fname) return;
    snprintf(folder, sizeof folder, "%s", info.dli_fname);
    char *slash = strrchr(folder, '/');
    if (!slash) return;
    *slash = 0;
    for (int up = 1; up < 3; up++) {
        snprintf(beside, sizeof beside, "%s%s/bin/imnn", folder, up == 1 ? "/.." : "/../..");
        if (access(beside, X_OK) == 0) return;
    }
    beside[0] = 0;
}

const char *imnn_worker_program(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *named = getenv("IMNN_PROGRAM");
    if (named && *named) return named;
    pthread_once(&once, find_program);
    return *beside ? beside : "imnn";
}
