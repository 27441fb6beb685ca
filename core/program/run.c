/* Running a program: regions one after the other, their tiles on all threads. */
#include "core/program/program.h"
#include <omp.h>
#include <sched.h>
#include <string.h>

typedef struct context {
    imnn_program *p;
    const imnn_array *const *x;
    imnn_array *const *y;
    char *work;
    int thread;
    int64_t row, rows, group;
    bool begins; /* the first tile of its group */
} context;

typedef struct run_state { /* shared by the threads of a run */
    _Atomic int64_t next;
    atomic_int arrived, turn;
    atomic_bool stopped, failed;
} run_state;

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

static char *start_of(const context *c, const operand *o)
{
    char *base = NULL;
    switch (o->place) {
    case IN_INPUT: base = c->x[o->index]->data; break;
    case IN_CONSTANT: base = (char *)(uintptr_t)o->data; break;
    case IN_RESULT: base = c->y[o->index]->data; break;
    case IN_ARENA: base = c->p->arena; break;
    case IN_TILE: base = c->work; break;
    case IN_PARTIAL: base = c->p->arena + c->group * o->index; break;
    }
    return base + o->offset + c->row * o->row_bytes;
}

static imnn_shape local_of(const context *c, const region *r, const operand *o)
{
    return o->by ? imnn_local_shape(&o->shape, r->R, c->rows) : o->shape;
}

/* ---- elementwise clusters ---- */

typedef struct block {
    int64_t from[3], n[3];
} block;

static imnn_operand memory(const operand *o, char *p, int ndim, const block *b, bool narrow)
{
    imnn_operand out = {p, {0}};
    int64_t move = 0;
    for (int j = 0; j < 3; j++) {
        int axis = ndim - 3 + j;
        out.s[j] = axis >= 0 ? o->stride[axis] : 0;
        move += b->from[j] * out.s[j];
    }
    if (narrow) out.s[2] = 0;
    out.p = p + move * (int64_t)imnn_dtype_size(o->dtype);
    return out;
}

static void run_block(const cluster *c, char *const *base, char *registers, const block *b,
                      bool narrow)
{
    for (int32_t k = 0; k < c->length; k++) {
        const instruction *op = &c->code[k];
        imnn_operand in[4], out;
        const int64_t dense[3] = {b->n[1] * b->n[2], b->n[2], 1};
        for (int32_t j = 0; j < op->n; j++) {
            int32_t from = op->in[j];
            if (from < 0) {
                in[j].p = registers + (size_t)(-1 - from) * IMNN_BLOCK_BYTES;
                memcpy(in[j].s, dense, sizeof dense);
            } else if (from < IMNN_TARGET) {
                in[j] = memory(&c->source[from], base[from], c->ndim, b, narrow);
            } else {
                const int32_t t = from - IMNN_TARGET;
                in[j] = memory(&c->target[t], base[c->sources + t], c->ndim, b, false);
                in[j].s[2] = 1;
            }
        }
        if (op->out < 0) {
            out.p = registers + (size_t)(-1 - op->out) * IMNN_BLOCK_BYTES;
            memcpy(out.s, dense, sizeof dense);
        } else {
            const int32_t t = op->out - IMNN_TARGET;
            out = memory(&c->target[t], base[c->sources + t], c->ndim, b, false);
            out.s[2] = 1;
        }
        op->kernel(b->n, &out, in);
    }
}

static void run_cluster(const context *x, const region *r, const step *s)
{
    const cluster *c = &s->map;
    const int nd = c->ndim, outer = nd > 3 ? nd - 3 : 0, all = c->sources + c->targets;
    int64_t size[MAX_DIMS] = {0}, n[3], index[MAX_DIMS] = {0};
    char *base[all + 1], *registers = x->work + r->tile_bytes + r->scratch_bytes;
    for (int k = 0; k < nd; k++) size[k] = c->size[k];
    size[0] *= x->rows;
    for (int k = 0; k < nd; k++)
        if (size[k] == 0) return;
    for (int j = 0; j < 3; j++) n[j] = nd - 3 + j >= 0 ? size[nd - 3 + j] : 1;
    for (int i = 0; i < all; i++)
        base[i] = start_of(x, i < c->sources ? &c->source[i] : &c->target[i - c->sources]);
    const bool narrow = nd > 1 && c->size[nd - 1] == 1;
    int64_t most[3] = {1, 1, n[2]};
    if (n[2] > IMNN_BLOCK_ELEMENTS) most[2] = IMNN_BLOCK_ELEMENTS;
    else most[1] = IMNN_BLOCK_ELEMENTS / n[2];
    if (most[1] >= n[1]) {
        most[0] = most[1] / n[1], most[1] = n[1];
        if (most[2] < n[2]) most[0] = most[1] = 1;
    }
    for (;;) {
        block b;
        for (b.from[0] = 0; b.from[0] < n[0]; b.from[0] += most[0])
            for (b.from[1] = 0; b.from[1] < n[1]; b.from[1] += most[1])
                for (b.from[2] = 0; b.from[2] < n[2]; b.from[2] += most[2]) {
                    for (int j = 0; j < 3; j++)
                        b.n[j] = n[j] - b.from[j] < most[j] ? n[j] - b.from[j] : most[j];
                    run_block(c, base, registers, &b, narrow);
                }
        int d = outer - 1; /* the next place along the outer axes */
        while (d >= 0) {
            int64_t turn = ++index[d] < size[d] ? 1 : 1 - size[d];
            for (int i = 0; i < all; i++) {
                const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
                base[i] += turn * o->stride[d] * (int64_t)imnn_dtype_size(o->dtype);
            }
            if (turn == 1) break;
            index[d--] = 0;
        }
        if (d < 0) return;
    }
}

/* ---- the other steps ---- */

static void run_gemm(const context *x, const region *r, const step *s)
{
    const imnn_attr *attr = x->p->item[s->item].v->attr;
    const operand *oa = &s->in[0], *ob = &s->in[1];
    const imnn_shape a = local_of(x, r, oa), b = local_of(x, r, ob);
    const imnn_shape out = s->fold ? s->out.shape : local_of(x, r, &s->out);
    const int64_t size = (int64_t)imnn_dtype_size(s->out.dtype);
    const int ta = attr->v[0] != 0, tb = attr->v[1] != 0, na = a.ndim - 2, nb = b.ndim - 2;
    char *pa = start_of(x, oa), *pb = s->pack < 0 ? start_of(x, ob) : NULL,
         *pc = start_of(x, &s->out);
    imnn_gemm g = {.m = a.size[na + ta],
                   .k = a.size[na + !ta],
                   .n = b.size[nb + !tb],
                   .a_row = oa->stride[na + ta],
                   .a_col = oa->stride[na + !ta],
                   .b_row = ob->stride[nb + tb],
                   .b_col = ob->stride[nb + !tb],
                   .c_row = b.size[nb + !tb],
                   .packed = s->pack >= 0,
                   .accumulate = s->fold && !(s->first && x->begins),
                   .scratch = x->work + r->tile_bytes};
    if (s->pack >= 0) pb = x->p->arena + r->pack[s->pack].at;
    int64_t index[IMNN_MAX_NDIM] = {0}, batches = 1;
    for (int k = 0; k < out.ndim - 2; k++) batches *= out.size[k];
    for (; batches > 0; batches--) {
        g.a = pa, g.b = pb, g.c = pc;
        imnn_gemm_run(s->out.dtype, &g);
        pc += g.m * g.n * size;
        for (int d = out.ndim - 3; d >= 0; d--) {
            int64_t turn = ++index[d] < out.size[d] ? 1 : 1 - out.size[d];
            pa += na > d ? turn * oa->stride[d] * size : 0;
            pb += nb > d ? turn * ob->stride[d] * size : 0;
            if (turn == 1) break;
            index[d] = 0;
        }
    }
}

static void run_reduce(const context *x, const region *r, const step *s)
{
    const imnn_vertex *v = x->p->item[s->item].v;
    const imnn_shape in = local_of(x, r, &s->in[0]);
    int64_t outer = 1, n = 1, inner = 1;
    for (int k = 0; k < in.ndim; k++) {
        if (k < v->attr->v[0]) outer *= in.size[k];
        else if (k < v->attr->v[0] + v->attr->v[1]) n *= in.size[k];
        else inner *= in.size[k];
    }
    imnn_reduce(v->op->id, s->out.dtype, start_of(x, &s->out), start_of(x, &s->in[0]), outer, n,
                inner, s->fold && !(s->first && x->begins));
}

static bool run_call(const context *x, const region *r, const step *s)
{
    bool failed = false;
    const imnn_vertex *v = x->p->item[s->item].v;
    imnn_value in[s->n + 1];
    for (int32_t k = 0; k < s->n; k++)
        in[k] = (imnn_value){start_of(x, &s->in[k]), {s->in[k].dtype, local_of(x, r, &s->in[k])}};
    imnn_call call = {.attr = v->attr,
                      .n = s->n,
                      .in = in,
                      .out = {start_of(x, &s->out), {v->type.dtype, local_of(x, r, &s->out)}},
                      .whole = v->type,
                      .row = x->row,
                      .rows = x->rows,
                      .R = r->R,
                      .accumulate = s->fold && !(s->first && x->begins),
                      .failed = &failed};
    v->op->kernel(&call);
    return !failed;
}

/* Append the rows that the mask lets through to the lists of this group. */
static bool run_emit(const context *x, const region *r, const step *s)
{
    const bool *keep = (const bool *)start_of(x, &s->in[0]);
    const int64_t each = s->in[0].shape.size[0] / r->R, n = each * x->rows;
    for (int32_t k = 1; k < s->n; k++) {
        emission *e = &x->p->emission[(k - 1) * r->groups + x->group];
        const char *from = start_of(x, &s->in[k]);
        const size_t bytes = (size_t)(imnn_shape_count(&s->in[k].shape) / s->in[0].shape.size[0]) *
                             imnn_dtype_size(s->in[k].dtype);
        for (int64_t i = 0; i < n; i++, from += bytes) {
            if (!keep[i]) continue;
            if (e->bytes + bytes > e->room) {
                size_t room = 2 * e->room + 64 * bytes + 64;
                char *data = imnn_alloc_raw(room);
                if (!data) return false;
                if (e->bytes) memcpy(data, e->data, e->bytes);
                imnn_free(e->data, e->room);
                e->data = data, e->room = room;
            }
            memcpy(e->data + e->bytes, from, bytes);
            e->bytes += bytes;
        }
    }
    return true;
}

static bool run_step(const context *x, const region *r, const step *s)
{
    switch (s->kind) {
    case STEP_MAP: run_cluster(x, r, s); break;
    case STEP_GEMM: run_gemm(x, r, s); break;
    case STEP_REDUCE: run_reduce(x, r, s); break;
    case STEP_CALL: return run_call(x, r, s);
    case STEP_EMIT: return run_emit(x, r, s);
    }
    return true;
}

/* ---- regions ---- */

static void run_tile(context *x, const region *r, int64_t tile, run_state *state)
{
    x->row = tile * r->tile;
    x->rows = r->R - x->row < r->tile ? r->R - x->row : r->tile;
    double *spent = x->p->profile ? &r->seconds[x->thread * (r->steps + 1)] : NULL;
    double t = spent ? imnn_seconds() : 0;
    for (int32_t s = 0; s < r->steps; s++) {
        if (!run_step(x, r, &r->step[s])) state->failed = true;
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

/* Part `part` of `parts` of the sum over groups of all partial results, in their order. */
static void combine(const context *x, const region *r, int part, int parts)
{
    enum { CHUNK = 2048 };
    for (int32_t s = 0; s < r->steps; s++) {
        const step *t = &r->step[s];
        if (!t->first || t->kind == STEP_EMIT) continue;
        const item *it = &x->p->item[t->item], *root = &x->p->item[it->root];
        const size_t size = imnn_dtype_size(it->v->type.dtype);
        const int64_t n = imnn_shape_count(&root->v->type.shape), chunks = (n + CHUNK - 1) / CHUNK;
        char *out = root->result >= 0 ? x->y[root->result]->data : x->p->arena + root->at;
        const char *partial = x->p->arena + root->partial;
        imnn_map_kernel *add = combiner(it->v->op->id, it->v->type.dtype);
        for (int64_t c = chunks * part / parts; c < chunks * (part + 1) / parts; c++) {
            const size_t at = (size_t)(c * CHUNK) * size;
            const int64_t count = n - c * CHUNK < CHUNK ? n - c * CHUNK : CHUNK;
            const int64_t size3[3] = {1, 1, count};
            memcpy(out + at, partial + at, (size_t)count * size);
            for (int64_t g = 1; g < r->groups; g++) {
                imnn_operand sum = {out + at, {0, 0, 1}};
                imnn_operand in[2] = {
                    sum,
                    {(void *)(uintptr_t)(partial + g * t->out.index + (int64_t)at), {0, 0, 1}}};
                add(size3, &sum, in);
            }
        }
    }
}

static void prepare(const context *x, const region *r)
{
    for (int32_t k = 0; k < r->packs; k++) {
        const pack *w = &r->pack[k];
        imnn_gemm_pack(w->from.dtype, x->p->arena + w->at, w->k, w->n, start_of(x, &w->from),
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
        if (x->thread == 0) {
            x->row = 0;
            prepare(x, r);
            state->next = 0;
        }
        meet(state, team);
        for (int64_t g; (g = state->next++) < r->groups;) run_group(x, r, g, state);
        x->row = 0;
        meet(state, team);
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
    for (int32_t k = 0; k < p->regions; k++)
        if (!is_small(&p->region[k]) && p->region[k].groups > most) most = p->region[k].groups;
    int threads = imnn_threads();
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
    double t = p->profile ? imnn_seconds() : 0;
    if (st == IMNN_OK) {
        empty_emissions(p);
        if (threads == 1) {
            context c = {.p = p, .x = x, .y = y, .work = p->work};
            for (int32_t k = 0; k < p->regions; k++) run_alone(&c, &p->region[k], &state);
        } else {
#pragma omp parallel num_threads(threads)
            {
                context c = {.p = p, .x = x, .y = y, .thread = omp_get_thread_num()};
                c.work = p->work + (size_t)c.thread * p->thread_bytes;
                run_regions(&c, &state);
            }
        }
        if (state.failed) st = imnn_fail(IMNN_ENOMEM, "program: not enough memory to go on");
        else if (state.stopped) imnn_interrupted(), st = imnn_fail(IMNN_EINTERRUPT, "interrupted");
        else st = collect(p, y);
    }
    if (p->profile) p->seconds += imnn_seconds() - t, p->runs++;
    for (int32_t i = 0; st != IMNN_OK && i < made; i++)
        if (mine[i] || p->emitted[i]) imnn_array_release(y[i]), y[i] = NULL;
    return st;
}
