/* Running a program: regions one after the other, their tiles on all threads. */
#include "core/program/program.h"
#include <omp.h>
#include <sched.h>
#include <string.h>

/* All threads wait for each other. A barrier of OpenMP spins for milliseconds, which costs a whole
 * time slice each where the cores are shared with other work; this one soon gives the core away. */
static void meet(run_state *s, int team)
{
    enum { SPINS = 2000 }; /* some tens of microseconds */
    const int turn = s->turn;
    if (atomic_fetch_add(&s->arrived, 1) == team - 1) {
        s->arrived = 0;
        s->turn = turn + 1;
        return;
    }
    for (int i = 0; s->turn == turn; i++) {
        if (i >= SPINS) sched_yield();
#if defined(__x86_64__)
        else __builtin_ia32_pause();
#endif
    }
}

static void run_tile(context *x, const region *r, int64_t tile, run_state *state)
{
    x->row = tile * r->tile;
    x->rows = r->R - x->row < r->tile ? r->R - x->row : r->tile;
    double *spent = x->p->profile ? &r->seconds[x->thread * (r->steps + 1)] : NULL;
    double t = spent ? imnn_seconds() : 0;
    for (int32_t s = 0; s < r->steps; s++) {
        if (!imnn_run_step(x, r, &r->step[s])) state->failed = true;
        if (!spent) continue;
        double now = imnn_seconds();
        spent[s] += now - t, t = now;
    }
}

static void run_group(context *x, const region *r, int64_t group, run_state *state)
{
    const int64_t each = r->groups ? (r->tiles + r->groups - 1) / r->groups : 0;
    x->group = group;
    for (int64_t t = group * each; t < (group + 1) * each && t < r->tiles; t++) {
        if (state->stopped || state->failed) return;
        if (imnn_stop_asked()) {
            state->stopped = true;
            return;
        }
        x->begins = t == group * each;
        run_tile(x, r, t, state);
    }
}

static imnn_map_kernel *combiner(int op, imnn_dtype dtype)
{
    const bool logical = dtype == IMNN_BOOL;
    switch (op) {
    case IMNN_OP_max: return imnn_map_find(logical ? IMNN_OP_or : IMNN_OP_maximum, dtype);
    case IMNN_OP_min: return imnn_map_find(logical ? IMNN_OP_and : IMNN_OP_minimum, dtype);
    case IMNN_OP_prod: return imnn_map_find(IMNN_OP_mul, dtype);
    default: return imnn_map_find(IMNN_OP_add, dtype);
    }
}

static void fetch(const char *from, size_t bytes)
{
    enum { LINE = 64 };
    for (size_t i = 0; i < bytes; i += LINE) __builtin_prefetch(from + i);
}

/* Part `part` of `parts` of the sum over groups of all partial results, in their order. */
static void combine(const context *x, const region *r, int part, int parts)
{
    enum { CHUNK = 512 }; /* so many misses can be under way */
    for (int32_t s = 0; s < r->steps; s++) {
        const step *t = &r->step[s];
        if (!t->first || t->kind == STEP_EMIT) continue;
        const item *it = &x->p->item[t->item], *root = &x->p->item[it->root];
        const size_t size = imnn_dtype_size(it->v->type.dtype);
        const int64_t n = imnn_shape_count(&root->v->type.shape), chunks = (n + CHUNK - 1) / CHUNK;
        char *out = root->result >= 0 ? x->out[root->result] : x->arena + root->at;
        const char *partial = x->arena + root->partial;
        imnn_map_kernel *add = combiner(it->v->op->id, it->v->type.dtype);
        for (int64_t c = chunks * part / parts; c < chunks * (part + 1) / parts; c++) {
            const size_t at = (size_t)(c * CHUNK) * size;
            const int64_t count = n - c * CHUNK < CHUNK ? n - c * CHUNK : CHUNK;
            const int64_t size3[3] = {1, 1, count};
            memcpy(out + at, partial + at, (size_t)count * size);
            for (int64_t g = 1; g < r->groups; g++) {
                if (g + 1 < r->groups) /* half of them lie in caches of others, far away */
                    fetch(partial + (g + 1) * t->out.index + at, (size_t)count * size);
                imnn_operand sum = {out + at, {0, 0, 1}};
                imnn_operand in[2] = {
                    sum,
                    {(void *)(uintptr_t)(partial + g * t->out.index + (int64_t)at), {0, 0, 1}}};
                imnn_map_run(add, 2, size3, &sum, in);
            }
        }
    }
}

static void prepare(const context *x, const region *r)
{
    for (int32_t k = 0; k < r->packs; k++) {
        const pack *w = &r->pack[k];
        const bool same =
            w->from.place == IN_CONSTANT || (w->from.place == IN_INPUT && w->from.index < x->kept);
        if (x->kept >= 0 && same) continue;
        imnn_gemm_pack(w->from.dtype, x->arena + w->at, w->k, w->n, imnn_start_of(x, &w->from),
                       w->row, w->col);
    }
}

enum { SMALL_WORK = 65536 };
static bool is_small(const region *r)
{
    return r->space == 0 || r->groups < 2 || r->work < SMALL_WORK;
}

static void run_alone(context *x, const region *r, run_state *state)
{
    prepare(x, r);
    for (int64_t g = 0; g < r->groups; g++) run_group(x, r, g, state);
    x->row = 0;
    combine(x, r, 0, 1);
}

bool imnn_run_stopped(const context *c)
{
    if (imnn_stop_asked()) c->state->stopped = true;
    return c->state->stopped || c->state->failed;
}

void imnn_run_body(const context *c, imnn_program *p, char *const *in, char *const *out, char *work,
                   int32_t kept)
{
    context x = {.p = p, .in = in, .out = out, .arena = work, .state = c->state, .kept = kept};
    x.work = work + (p->arena_bytes + 63) / 64 * 64;
    x.begins = true;
    for (int32_t k = 0; k < p->regions; k++) {
        const region *r = &p->region[k];
        if (!p->by_rows || r->space == 0) {
            x.row = 0;
            run_alone(&x, r, c->state);
            continue;
        }
        x.row = c->row, x.rows = c->rows;
        prepare(&x, r);
        for (int32_t s = 0; s < r->steps; s++)
            if (!imnn_run_step(&x, r, &r->step[s])) c->state->failed = true;
    }
}

/* Threads that may work on a region at a time: their tiles together have no more rows than may be
 * in flight. */
static int64_t workers(const imnn_program *p, const region *r)
{
    if (!p->in_flight || r->space == 0) return INT64_MAX;
    return p->in_flight > r->tile ? p->in_flight / r->tile : 1;
}

static void run_regions(context *x, run_state *state)
{
    const imnn_program *p = x->p;
    const int team = omp_get_num_threads();
    for (int32_t k = 0; k < p->regions; k++) {
        const region *r = &p->region[k];
        if (team == 1 || is_small(r)) {
            if (x->thread == 0) run_alone(x, r, state);
            x->row = 0;
            continue;
        }
        if (k > 0 || r->packs) { /* otherwise all is ready before the team comes */
            if (x->thread == 0) {
                x->row = 0;
                prepare(x, r);
                state->next = 0;
            }
            meet(state, team);
        }
        const bool works = x->thread < workers(p, r);
        for (int64_t g; works && (g = state->next++) < r->groups;) run_group(x, r, g, state);
        x->row = 0;
        if (k + 1 < p->regions || r->folds) meet(state, team); /* or the team goes */
        if (r->folds) {
            double t = p->profile ? imnn_seconds() : 0;
            combine(x, r, x->thread, team);
            if (p->profile) r->seconds[x->thread * (r->steps + 1) + r->steps] += imnn_seconds() - t;
            meet(state, team);
        }
    }
}

static int team_size(const imnn_program *p)
{
    int64_t most = 1;
    for (int32_t k = 0; k < p->regions; k++) {
        const region *r = &p->region[k];
        const int64_t useful = workers(p, r) < r->groups ? workers(p, r) : r->groups;
        if (!is_small(r) && useful > most) most = useful;
    }
    int threads = imnn_threads();
    if (p->most_threads && p->most_threads < threads) threads = p->most_threads;
    return most < threads ? (int)most : threads;
}

static imnn_status make_room(imnn_program *p, int threads)
{
    if (!p->arena) {
        p->arena = imnn_alloc_raw(p->arena_bytes + 64);
        if (!p->arena) return IMNN_ENOMEM;
    }
    if (p->threads < threads) {
        char *work = imnn_alloc_raw((size_t)threads * p->thread_bytes + 64);
        if (!work) return IMNN_ENOMEM;
        if (p->work) imnn_free(p->work, (size_t)p->threads * p->thread_bytes + 64);
        p->work = work, p->threads = threads;
    }
    for (int32_t k = 0; p->profile && k < p->regions; k++)
        if (!p->region[k].seconds) {
            p->region[k].seconds = TAKE(p, (p->region[k].steps + 1) * 256, double);
            if (!p->region[k].seconds) return IMNN_ENOMEM;
        }
    return IMNN_OK;
}

static imnn_status check_values(const imnn_program *p, const imnn_array *const *x, imnn_array **y)
{
    for (int32_t i = 0; i < p->nx; i++) {
        const imnn_type *t = &p->in_type[i];
        if (p->kind && p->kind[i] == IMNN_INPUT_READ) {
            if (p->reader[i]) continue;
            return imnn_fail(IMNN_EVALUE, "program: input %d has no reader yet", i + 1);
        }
        if (x[i]->dtype == t->dtype && imnn_shape_equal(&x[i]->shape, &t->shape)) continue;
        return imnn_fail(x[i]->dtype == t->dtype ? IMNN_ESHAPE : IMNN_EDTYPE,
                         "program: input %d must be %s %s, got %s %s", i + 1,
                         imnn_dtype_name(t->dtype), imnn_shape_text(&t->shape).s,
                         imnn_dtype_name(x[i]->dtype), imnn_shape_text(&x[i]->shape).s);
    }
    for (int32_t i = 0; i < p->ny; i++) {
        const imnn_type *t = &p->out_type[i];
        if (!y[i] || p->emitted[i]) continue;
        if (y[i]->dtype == t->dtype && imnn_shape_equal(&y[i]->shape, &t->shape)) continue;
        return imnn_fail(IMNN_ESHAPE, "program: result %d is %s %s, the array for it %s %s", i + 1,
                         imnn_dtype_name(t->dtype), imnn_shape_text(&t->shape).s,
                         imnn_dtype_name(y[i]->dtype), imnn_shape_text(&y[i]->shape).s);
    }
    return IMNN_OK;
}

/* The lists of all groups, one after the other, are the accepted rows in order. */
static imnn_status collect(imnn_program *p, imnn_array **y)
{
    int32_t k = 0;
    for (int32_t i = 0; i < p->ny; i++) {
        if (!p->emitted[i]) continue;
        const region *r = p->emitter;
        emission *e = &p->emission[k++ * r->groups];
        const int64_t n = p->out_type[i].shape.size[0];
        const size_t row = (size_t)(imnn_shape_count(&p->out_type[i].shape) / (n ? n : 1)) *
                           imnn_dtype_size(p->out_type[i].dtype);
        size_t bytes = 0;
        for (int64_t g = 0; g < r->groups; g++) bytes += e[g].bytes;
        imnn_shape s = p->out_type[i].shape;
        s.size[0] = row ? (int64_t)(bytes / row) : 0;
        imnn_status st = imnn_array_new(&y[i], p->out_type[i].dtype, &s);
        if (st != IMNN_OK) return st;
        char *to = y[i]->data;
        for (int64_t g = 0; g < r->groups; g++) {
            if (e[g].bytes) memcpy(to, e[g].data, e[g].bytes);
            to += e[g].bytes;
        }
    }
    return IMNN_OK;
}

static void empty_emissions(imnn_program *p)
{
    if (!p->emitter) return;
    for (int64_t i = 0; i < p->emissions * p->emitter->groups; i++) p->emission[i].bytes = 0;
}

static _Thread_local const char *last_fault; /* sentences are constants */

const char *imnn_last_fault(void) { return last_fault ? last_fault : ""; }

imnn_status imnn_program_run(imnn_program *p, const imnn_array *const *x, imnn_array **y)
{
    imnn_status st = check_values(p, x, y);
    const int threads = team_size(p);
    if (st == IMNN_OK) st = make_room(p, threads);
    if (st != IMNN_OK) return st;
    int32_t made = 0;
    bool mine[p->ny + 1];
    for (; made < p->ny; made++) {
        mine[made] = !p->emitted[made] && !y[made];
        if (p->emitted[made]) y[made] = NULL;
        if (mine[made])
            st = imnn_array_new(&y[made], p->out_type[made].dtype, &p->out_type[made].shape);
        if (st != IMNN_OK) break;
    }
    run_state state = {0};
    p->fault = NULL;
    double t = p->profile ? imnn_seconds() : 0;
    char *in[p->nx + 1], *out[p->ny + 1];
    for (int32_t i = 0; i < p->nx; i++) in[i] = x[i] ? x[i]->data : NULL;
    for (int32_t i = 0; st == IMNN_OK && i < p->ny; i++) out[i] = y[i] ? y[i]->data : NULL;
    if (st == IMNN_OK) {
        empty_emissions(p);
        if (threads == 1) {
            context c = {.p = p,
                         .in = in,
                         .out = out,
                         .arena = p->arena,
                         .work = p->work,
                         .state = &state,
                         .kept = -1};
            for (int32_t k = 0; k < p->regions; k++) run_alone(&c, &p->region[k], &state);
        } else {
#pragma omp parallel num_threads(threads)
            {
                context c = {.p = p,
                             .in = in,
                             .out = out,
                             .arena = p->arena,
                             .state = &state,
                             .kept = -1,
                             .thread = omp_get_thread_num()};
                c.work = p->work + (size_t)c.thread * p->thread_bytes;
                run_regions(&c, &state);
            }
        }
        if (state.status == IMNN_EINTERRUPT) state.stopped = true;
        else if (state.status != IMNN_OK) st = imnn_fail(state.status, "%s", state.why);
        if (state.stopped) imnn_interrupted(), st = imnn_fail(IMNN_EINTERRUPT, "interrupted");
        else if (state.failed && st == IMNN_OK)
            st = imnn_fail(IMNN_ENOMEM, "program: not enough memory to go on");
        else if (st == IMNN_OK) st = collect(p, y);
    }
    last_fault = p->fault;
    if (p->profile) p->seconds += imnn_seconds() - t, p->runs++;
    for (int32_t i = 0; st != IMNN_OK && i < made; i++)
        if (mine[i] || p->emitted[i]) imnn_array_release(y[i]), y[i] = NULL;
    return st;
}
