/* A run: which simulations are made, failed, are tried again, and where their data go. Whoever
 * makes them (processes.c, threads.c) asks here for work and tells what became of it. */
#include "core/simulate/simulate.h"
#include "imnn/random.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
#define X(name, text) text,
    IMNN_FAILURE_LIST(X)
#undef X
};

int64_t imnn_run_rows(const imnn_simulations *r, int64_t first)
{
    int64_t rows = r->s->o.rows;
    return first + rows <= r->n ? rows : r->n - first;
}

int64_t imnn_run_next(imnn_simulations *r)
{
    pthread_mutex_lock(&r->lock);
    int64_t first = r->next < r->n && r->next < r->fatal && !r->stop ? r->next : -1;
    if (first >= 0) r->next += imnn_run_rows(r, first);
    pthread_mutex_unlock(&r->lock);
    return first;
}

/* ---- data ---- */

imnn_status imnn_run_shape(imnn_simulations *r, const imnn_shape *shape)
{
    imnn_shape all = {.ndim = shape->ndim + 1, .size = {r->n}};
    memcpy(all.size + 1, shape->size, (size_t)shape->ndim * sizeof *shape->size);
    r->s->shape = *shape;
    return imnn_array_new(&r->data, r->s->o.dtype, &all);
}

static size_t row_bytes(const imnn_simulations *r) { return r->data->bytes / (size_t)r->n; }

char *imnn_run_row(const imnn_simulations *r, int64_t i)
{
    return (char *)r->data->data + (size_t)i * row_bytes(r);
}

bool imnn_run_finite(imnn_simulations *r, int64_t first, int64_t *element)
{
    if (!r->s->o.finite) return true;
    int64_t rows = imnn_run_rows(r, first);
    int64_t n = (int64_t)(row_bytes(r) / imnn_dtype_size(r->data->dtype)) * rows;
    const void *at = imnn_run_row(r, first);
    bool single = r->data->dtype == IMNN_F32;
    for (*element = 0; *element < n; ++*element)
        if (!isfinite(single ? ((const float *)at)[*element] : ((const double *)at)[*element]))
            return false;
    return true;
}

void imnn_run_made(imnn_simulations *r, int64_t first)
{
    pthread_mutex_lock(&r->lock);
    r->made += imnn_run_rows(r, first);
    pthread_mutex_unlock(&r->lock);
}

/* ---- failures ---- */

/** Keep a failure and the sentence behind it in one block. */
static bool keep(imnn_simulations *r, int64_t first, imnn_failure_kind kind, const char *why)
{
    if (r->n_failures == r->room) {
        int64_t room = r->room ? 2 * r->room : 16;
        imnn_failure *more = imnn_alloc((size_t)room * sizeof *more);
        if (!more) return false;
        if (r->room) memcpy(more, r->failures, (size_t)r->room * sizeof *more);
        imnn_free(r->failures, (size_t)r->room * sizeof *more);
        r->failures = more, r->room = room;
    }
    size_t length = strlen(why) + 1;
    char *text = imnn_alloc(length);
    if (!text) return false;
    memcpy(text, why, length);
    const uint32_t *key = r->key + 2 * first, *given = r->key + 2 * (r->n + first);
    uint64_t seed = r->seeds ? (uint64_t)((const int32_t *)r->seeds->data)[first]
                             : (uint64_t)given[0] << 32 | given[1];
    r->failures[r->n_failures++] = (imnn_failure){.index = first,
                                                  .kind = kind_names[kind],
                                                  .why = text,
                                                  .key = {key[0], key[1]},
                                                  .seed = seed,
                                                  .attempts = r->attempts[first] + 1};
    r->sorted = false;
    return true;
}

/** The keys for another attempt at a piece: first the same, then with 1, 2, ... folded in. */
static bool try_again(imnn_simulations *r, int64_t first)
{
    int attempt = r->attempts[first] + 1;
    if (attempt > r->retries + r->rekeys) return false;
    r->attempts[first]++, r->retried++;
    if (attempt <= r->retries) return true;
    uint32_t count[2] = {0, (uint32_t)(attempt - r->retries)}, base[2];
    for (int64_t i = first; i < first + imnn_run_rows(r, first); i++) {
        uint32_t *key = r->key + 2 * i;
        memcpy(base, r->key + 2 * (r->n + i), sizeof base); /* the key that was given */
        imnn_threefry(base, count, key);
    }
    return true;
}

bool imnn_run_failed(imnn_simulations *r, int64_t first, imnn_failure_kind kind, const char *why,
                     ...)
{
    char text[2048];
    va_list args;
    va_start(args, why);
    vsnprintf(text, sizeof text, why, args);
    va_end(args);
    pthread_mutex_lock(&r->lock);
    bool again = first < r->fatal && try_again(r, first);
    if (!again) {
        if (!keep(r, first, kind, text)) r->no_memory = true;
        if (!r->drop && first < r->fatal) r->fatal = first;
        int64_t rows = imnn_run_rows(r, first);
        memset(r->lost + first, true, (size_t)rows);
        r->given_up += rows;
    }
    pthread_mutex_unlock(&r->lock);
    return again;
}

static int by_number(const void *a, const void *b)
{
    int64_t i = ((const imnn_failure *)a)->index, j = ((const imnn_failure *)b)->index;
    return (i > j) - (i < j);
}

const imnn_failure *imnn_simulations_failure(imnn_simulations *r, int64_t i)
{
    if (!r->sorted && r->n_failures)
        qsort(r->failures, (size_t)r->n_failures, sizeof *r->failures, by_number);
    r->sorted = true;
    return i >= 0 && i < r->n_failures ? &r->failures[i] : NULL;
}

/** "0.5, 2": the parameters of a simulation, as many as a sentence can hold. */
static void parameters(char *text, size_t room, const imnn_array *theta, int64_t row, int64_t n)
{
    size_t at = 0;
    text[0] = 0;
    for (int64_t k = 0; k < n && at < room; k++) {
        const char *between = k ? ", " : "";
        int64_t i = row * n + k;
        at += (size_t)(theta->dtype == IMNN_F32 ? snprintf(text + at, room - at, "%s%.9g", between,
                                                           (double)((const float *)theta->data)[i])
                                                : snprintf(text + at, room - at, "%s%.17g", between,
                                                           ((const double *)theta->data)[i]));
    }
    if (at >= room) snprintf(text + room - 4, 4, "...");
}

static const imnn_failure *first_failure(const imnn_simulations *r)
{
    const imnn_failure *first = r->failures;
    for (int64_t i = 1; i < r->n_failures; i++)
        if (r->failures[i].index < first->index) first = &r->failures[i];
    return first;
}

imnn_status imnn_run_fatal(const imnn_simulations *r)
{
    if (r->no_memory) return IMNN_ENOMEM;
    const imnn_failure *f = first_failure(r);
    char theta[160], repeated[32] = "", which[64];
    int64_t rows = imnn_run_rows(r, f->index), first = f->index + 1;
    parameters(theta, sizeof theta, r->theta, f->index, r->n_params);
    if (f->attempts > 1) snprintf(repeated, sizeof repeated, " (%d attempts)", f->attempts);
    if (rows > 1)
        snprintf(which, sizeof which, "simulations %" PRId64 " to %" PRId64, first,
                 first + rows - 1);
    else snprintf(which, sizeof which, "simulation %" PRId64, first);
    return imnn_fail(IMNN_EVALUE,
                     "%s: %s of %" PRId64 " %.250s%s; its seed is %" PRIu64 ", its key is "
                     "{ %u, %u }, its parameters are { %s }",
                     r->s->who, which, r->n, f->why, repeated, f->seed, f->key[0], f->key[1],
                     theta);
}

/* ---- begin and end ---- */

static imnn_status check(const imnn_simulator *s, const imnn_array *keys, const imnn_array *theta)
{
    const imnn_shape *k = &keys->shape, *t = &theta->shape;
    if (keys->dtype != IMNN_U32 || k->ndim != 2 || k->size[1] != 2)
        return imnn_fail(IMNN_ESHAPE, "%s: keys must be u32 (n, 2), got %s %s", s->who,
                         imnn_dtype_name(keys->dtype), imnn_shape_text(k).s);
    if (theta->dtype != IMNN_F32 && theta->dtype != IMNN_F64)
        return imnn_fail(IMNN_EDTYPE, "%s: parameters must be f32 or f64, got %s", s->who,
                         imnn_dtype_name(theta->dtype));
    if (t->ndim != 2 || t->size[0] != k->size[0])
        return imnn_fail(IMNN_ESHAPE, "%s: %lld keys need parameters (%lld, P), got %s", s->who,
                         (long long)k->size[0], (long long)k->size[0], imnn_shape_text(t).s);
    if (k->size[0] > INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "%s: at most 2^31 - 1 simulations a run, got %lld", s->who,
                         (long long)k->size[0]);
    if (s->taken)
        return imnn_fail(IMNN_EVALUE, "%s: another run of this simulator has not ended", s->who);
    return IMNN_OK;
}

imnn_status imnn_simulations_new(imnn_simulations **out, imnn_simulator *s, const imnn_array *keys,
                                 const imnn_array *theta)
{
    *out = NULL;
    imnn_status st = check(s, keys, theta);
    if (st != IMNN_OK) return st;
    imnn_simulations *r = imnn_alloc(sizeof *r);
    if (!r) return IMNN_ENOMEM;
    r->s = s, r->n = r->fatal = keys->shape.size[0], r->n_params = theta->shape.size[1];
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_t clock; /* imnn_seconds tells the time of this one */
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&r->change, &clock);
    pthread_condattr_destroy(&clock);
    s->taken = true;
    r->drop = s->o.drop, r->retries = s->o.retries, r->rekeys = s->o.rekeys;
    r->theta = imnn_array_retain(theta);
    size_t n = (size_t)r->n;
    st = IMNN_ENOMEM;
    if (!(r->key = imnn_alloc(2 * keys->bytes)) || !(r->lost = imnn_alloc(n)) ||
        !(r->attempts = imnn_alloc(n)))
        goto failed;
    memcpy(r->key, keys->data, keys->bytes);
    memcpy(r->key + 2 * n, keys->data, keys->bytes);
    if (s->shape.ndim >= 0 && (st = imnn_run_shape(r, &s->shape)) != IMNN_OK) goto failed;
    *out = r;
    return IMNN_OK;
failed:
    imnn_simulations_release(r);
    return st;
}

imnn_status imnn_simulations_policy(imnn_simulations *r, bool drop, int retries, int rekeys)
{
    imnn_status st = imnn_attempts_check(r->s->who, retries, rekeys);
    if (st == IMNN_OK) r->drop = drop, r->retries = retries, r->rekeys = rekeys;
    return st;
}

imnn_status imnn_simulations_seeds(imnn_simulations *r, const imnn_array *seeds)
{
    if (seeds->dtype != IMNN_I32)
        return imnn_fail(IMNN_EDTYPE, "%s: seeds must be i32, got %s", r->s->who,
                         imnn_dtype_name(seeds->dtype));
    if (seeds->shape.ndim != 1 || seeds->shape.size[0] != r->n)
        return imnn_fail(IMNN_ESHAPE, "%s: %lld keys need seeds (%lld), got %s", r->s->who,
                         (long long)r->n, (long long)r->n, imnn_shape_text(&seeds->shape).s);
    imnn_array_release(r->seeds);
    r->seeds = imnn_array_retain(seeds);
    return IMNN_OK;
}

void imnn_simulations_release(imnn_simulations *r)
{
    if (!r) return;
    if (r->s->function) imnn_threads_stop(r);
    else imnn_processes_stop(r);
    r->s->taken = false;
    for (int64_t i = 0; i < r->n_failures; i++) {
        const char *why = r->failures[i].why;
        imnn_free((void *)(uintptr_t)why, strlen(why) + 1);
    }
    imnn_free(r->failures, (size_t)r->room * sizeof *r->failures);
    imnn_array_release(r->theta);
    imnn_array_release(r->data);
    imnn_array_release(r->seeds);
    imnn_free(r->key, 4 * (size_t)r->n * sizeof *r->key);
    imnn_free(r->lost, (size_t)r->n);
    imnn_free(r->attempts, (size_t)r->n);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->change);
    imnn_free(r, sizeof *r);
}

imnn_status imnn_simulations_step(imnn_simulations *r, double seconds, bool *done)
{
    double until = imnn_seconds() + seconds;
    *done = false;
    if (r->s->function) return imnn_threads_step(r, until, done);
    return imnn_processes_step(r, until, done);
}

void imnn_simulations_count(const imnn_simulations *r, int64_t *made, int64_t *failed,
                            int64_t *retried)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&r->lock;
    pthread_mutex_lock(lock);
    *made = r->made, *failed = r->given_up, *retried = r->retried;
    pthread_mutex_unlock(lock);
}

/* ---- results ---- */

/** The rows of x (n, ...) that were made. */
static imnn_status rows_made(imnn_array **out, const imnn_simulations *r, const imnn_array *x)
{
    imnn_array *mask = NULL;
    const imnn_shape n = {.ndim = 1, .size = {r->n}};
    imnn_status st = imnn_array_new(&mask, IMNN_BOOL, &n);
    if (st != IMNN_OK) return st;
    for (int64_t i = 0; i < r->n; i++) ((bool *)mask->data)[i] = !r->lost[i];
    st = imnn_array_select(out, x, mask);
    imnn_array_release(mask);
    return st;
}

imnn_status imnn_simulations_data(imnn_array **out, const imnn_simulations *r)
{
    *out = NULL;
    if (!r->data && r->n == 0)
        return imnn_fail(IMNN_EVALUE, "%s: no simulation says what shape they have", r->s->who);
    if (!r->data)
        return imnn_fail(IMNN_EVALUE,
                         "%s: none of %lld simulations was made, so nobody knows their shape; the "
                         "first %s",
                         r->s->who, (long long)r->n, first_failure(r)->why);
    if (r->given_up) return rows_made(out, r, r->data);
    *out = imnn_array_retain(r->data);
    return IMNN_OK;
}

imnn_status imnn_simulations_kept(imnn_array **out, const imnn_simulations *r)
{
    const imnn_shape n = {.ndim = 1, .size = {r->n}};
    imnn_array *all = NULL;
    *out = NULL;
    imnn_status st = imnn_array_new(&all, IMNN_I32, &n);
    if (st != IMNN_OK) return st;
    for (int64_t i = 0; i < r->n; i++) ((int32_t *)all->data)[i] = (int32_t)i;
    st = rows_made(out, r, all);
    imnn_array_release(all);
    return st;
}

imnn_status imnn_simulations_keys(imnn_array **out, const imnn_simulations *r)
{
    const imnn_shape shape = {.ndim = 2, .size = {r->n, 2}};
    imnn_array *all = NULL;
    *out = NULL;
    imnn_status st = imnn_array_copy(&all, IMNN_U32, &shape, r->key);
    if (st == IMNN_OK) st = rows_made(out, r, all);
    imnn_array_release(all);
    return st;
}
