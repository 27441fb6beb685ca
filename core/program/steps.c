/* The steps of a program, each for some rows: elementwise clusters block by block, products,
 * reductions, calls of kernels, rows that leave. */
#include "core/program/program.h"
#include <stdio.h>
#include <string.h>

char *imnn_start_of(const context *c, const operand *o)
{
    char *base = NULL;
    switch (o->place) {
    case IN_INPUT: base = c->in[o->index]; break;
    case IN_CONSTANT: base = (char *)(uintptr_t)o->data; break;
    case IN_RESULT: base = c->out[o->index]; break;
    case IN_ARENA: base = c->arena; break;
    case IN_TILE: base = c->work; break;
    case IN_PARTIAL: base = c->arena + c->group * o->index; break;
    }
    return base + o->offset + c->row * o->row_bytes;
}

/* The shape of the rows at hand. With rows last all of a tile is behind what there is of one. */
static imnn_shape local_of(const context *c, const region *r, const operand *o)
{
    if (!o->by) return o->shape;
    if (!c->p->rows_last) return imnn_local_shape(&o->shape, r->R, c->rows);
    imnn_shape s = imnn_local_shape(&o->shape, r->R, 1);
    s.size[s.ndim++] = r->tile;
    return s;
}

/* ---- elementwise clusters ---- */

typedef struct block {
    int64_t from[3], n[3];
} block;

static const operand *memory_of(const cluster *c, int32_t at)
{
    return at < IMNN_TARGET ? &c->source[at] : &c->target[at - IMNN_TARGET];
}

/* The strides of a value along the last three axes, in a block of n elements. */
static void strides_of(const cluster *c, int32_t at, const int64_t n[3], int64_t s[3])
{
    if (at < 0) {
        s[0] = n[1] * n[2], s[1] = n[2], s[2] = 1;
        return;
    }
    const operand *o = memory_of(c, at);
    for (int j = 0; j < 3; j++) {
        const int axis = c->ndim - 3 + j;
        s[j] = axis >= 0 ? o->stride[axis] : 0;
    }
    if (at >= IMNN_TARGET) s[2] = 1;
    else if (c->row_axis != c->ndim - 1 && c->size[c->ndim - 1] == 1) s[2] = 0;
}

/* How an instruction goes over a block. */
static void plan_walk(const cluster *c, const instruction *op, const int64_t n[3], imnn_walk *w)
{
    imnn_operand in[4], out;
    for (int32_t j = 0; j < op->n; j++) strides_of(c, op->in[j], n, in[j].s);
    strides_of(c, op->out, n, out.s);
    imnn_walk_plan(w, n, &out, in, op->n);
}

static int64_t size_along(const cluster *c, int axis, int64_t rows)
{
    return axis == c->row_axis ? c->size[axis] * rows : c->size[axis];
}

/* The sizes of the last three axes, and how much of them is a block. */
static void plan_block(const cluster *c, int64_t rows, int64_t n[3], int64_t most[3])
{
    for (int j = 0; j < 3; j++) {
        const int axis = c->ndim - 3 + j;
        n[j] = axis >= 0 ? size_along(c, axis, rows) : 1;
    }
    most[0] = most[1] = 1, most[2] = n[2];
    if (n[2] > c->block) most[2] = c->block;
    else if (n[2]) most[1] = c->block / n[2];
    if (most[1] < n[1] || !n[1]) return;
    most[0] = most[1] / n[1], most[1] = n[1];
    if (most[0] > n[0]) most[0] = n[0];
}

void imnn_cluster_walks(cluster *c, int64_t rows)
{
    int64_t n[3];
    plan_block(c, rows, n, c->full);
    for (int32_t k = 0; k < c->length; k++) plan_walk(c, &c->code[k], c->full, &c->code[k].walk);
}

static char *place_of(const cluster *c, int32_t at, char *const *memory, char *registers)
{
    if (at < 0) return registers + (size_t)(-1 - at) * c->register_bytes;
    return memory[at < IMNN_TARGET ? at : c->sources + at - IMNN_TARGET];
}

/* Part k of so many of what the next block along the last axis will read and write comes closer
 * while this one is worked on; otherwise memory would rest meanwhile. */
static void fetch_next(const cluster *c, char *const *memory, int32_t k)
{
    enum { LINE = 64 };
    for (int i = 0; i < c->sources + c->targets; i++) {
        const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
        if (o->place == IN_TILE || o->stride[c->ndim - 1] != 1) continue;
        const int64_t bytes = c->full[2] * (int64_t)imnn_dtype_size(o->dtype);
        const char *next = memory[i] + bytes;
        for (int64_t at = bytes * k / c->length / LINE * LINE; at < bytes * (k + 1) / c->length;
             at += LINE)
            __builtin_prefetch(next + at);
    }
}

static void run_block(const cluster *c, char *const *base, char *registers, const block *b,
                      bool more)
{
    const int all = c->sources + c->targets;
    char *memory[all + 1];
    for (int i = 0; i < all; i++) {
        const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
        int64_t move = 0;
        for (int j = 0; j < 3; j++)
            if (b->from[j]) move += b->from[j] * o->stride[c->ndim - 3 + j];
        memory[i] = base[i] + (move ? move * (int64_t)imnn_dtype_size(o->dtype) : 0);
    }
    const bool full = b->n[0] == c->full[0] && b->n[1] == c->full[1] && b->n[2] == c->full[2];
    for (int32_t k = 0; k < c->length; k++) {
        const instruction *op = &c->code[k];
        const char *in[4];
        imnn_walk rest;
        for (int32_t j = 0; j < op->n; j++) in[j] = place_of(c, op->in[j], memory, registers);
        if (!full) plan_walk(c, op, b->n, &rest);
        if (more) fetch_next(c, memory, k);
        op->kernel(full ? &op->walk : &rest, place_of(c, op->out, memory, registers), in);
    }
}

/* The next place along the outer axes; false: there is none. */
static bool move_on(const cluster *c, int outer, int64_t rows, int64_t *index, char **base)
{
    for (int d = outer - 1; d >= 0; index[d--] = 0) {
        const int64_t size = size_along(c, d, rows), turn = ++index[d] < size ? 1 : 1 - size;
        for (int i = 0; i < c->sources + c->targets; i++) {
            const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
            base[i] += turn * o->stride[d] * (int64_t)imnn_dtype_size(o->dtype);
        }
        if (turn == 1) return true;
    }
    return false;
}

/* Whether results that are streamed begin at a whole vector: an array that is given may not. */
static bool is_aligned(const cluster *c, char *const *base)
{
    for (int32_t i = 0; i < c->targets; i++)
        if (c->target[i].place == IN_RESULT && (uintptr_t)base[c->sources + i] % 64) return false;
    return true;
}

static char *repeated(const cluster *c, int32_t i, char *registers)
{
    return registers + (size_t)(c->registers - c->repeats + i) * c->register_bytes;
}

/* The lines that repeat, as often as a block has them. */
static void write_repeats(const cluster *c, char *const *base, char *registers)
{
    for (int32_t i = 0; i < c->repeats; i++) {
        char *to = repeated(c, i, registers);
        const size_t line = (size_t)c->full[2] * imnn_dtype_size(c->source[c->repeat[i]].dtype),
                     all = line * (size_t)(c->full[0] * c->full[1]);
        memcpy(to, base[c->repeat[i]], line);
        for (size_t have = line; have < all; have += line) memcpy(to + have, to, line);
    }
}

/* Blocks of whole lines, which repeat in the registers. */
static void run_native_blocks(const cluster *c, int64_t rows, char **base, char *registers)
{
    const int64_t size = (int64_t)imnn_dtype_size(c->code[0].dtype), lanes = 64 / size;
    const int64_t most = c->full[0] * c->full[1] * c->full[2];
    int64_t all = 1;
    for (int k = 0; k < c->ndim; k++) all *= size_along(c, k, rows);
    for (int32_t i = 0; i < c->repeats; i++) base[c->repeat[i]] = repeated(c, i, registers);
    for (int64_t at = 0; at < all; at += most) {
        const int64_t n = all - at < most ? all - at : most, left = n % lanes;
        c->native(base, (n - left) * size, (1u << left) - 1);
        for (int32_t i = 0; i < c->sources + c->targets; i++) {
            const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
            if (!imnn_is_repeated(c, i)) base[i] += n * o->stride[c->ndim - 1] * size;
        }
    }
}

static void run_native(const cluster *c, int64_t rows, char **base)
{
    const int64_t size = (int64_t)imnn_dtype_size(c->code[0].dtype), lanes = 64 / size;
    const int64_t n = size_along(c, c->ndim - 1, rows), left = n % lanes;
    int64_t index[MAX_DIMS] = {0};
    do c->native(base, (n - left) * size, (1u << left) - 1);
    while (move_on(c, c->ndim - 1, rows, index, base));
}

static void run_cluster(const context *x, const region *r, const step *s)
{
    const cluster *c = &s->map;
    const int nd = c->ndim, outer = nd > 3 ? nd - 3 : 0, all = c->sources + c->targets;
    int64_t n[3], most[3], index[MAX_DIMS] = {0};
    char *base[all + 1], *registers = x->work + r->tile_bytes + r->scratch_bytes;
    plan_block(c, x->rows, n, most);
    for (int k = 0; k < nd; k++)
        if (size_along(c, k, x->rows) == 0) return;
    for (int i = 0; i < all; i++)
        base[i] = imnn_start_of(x, i < c->sources ? &c->source[i] : &c->target[i - c->sources]);
    const bool native = c->native && (!c->stream || is_aligned(c, base));
    if (native && !c->one_run) {
        run_native(c, x->rows, base);
        return;
    }
    write_repeats(c, base, registers);
    if (native) {
        run_native_blocks(c, x->rows, base, registers);
        return;
    }
    do {
        block b;
        for (b.from[0] = 0; b.from[0] < n[0]; b.from[0] += most[0])
            for (b.from[1] = 0; b.from[1] < n[1]; b.from[1] += most[1])
                for (b.from[2] = 0; b.from[2] < n[2]; b.from[2] += most[2]) {
                    for (int j = 0; j < 3; j++)
                        b.n[j] = n[j] - b.from[j] < most[j] ? n[j] - b.from[j] : most[j];
                    run_block(c, base, registers, &b, c->far && b.from[2] + most[2] < n[2]);
                }
    } while (move_on(c, outer, x->rows, index, base));
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
    char *pa = imnn_start_of(x, oa), *pb = s->pack < 0 ? imnn_start_of(x, ob) : NULL,
         *pc = imnn_start_of(x, &s->out);
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
    if (s->pack >= 0) pb = x->arena + r->pack[s->pack].at;
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
    imnn_reduce(v->op->id, s->out.dtype, imnn_start_of(x, &s->out), imnn_start_of(x, &s->in[0]),
                outer, n, inner, s->fold && !(s->first && x->begins));
}

static bool run_call(const context *x, const region *r, const step *s)
{
    bool failed = false;
    const char *fault = NULL;
    const imnn_vertex *v = x->p->item[s->item].v;
    imnn_value in[s->n + 1];
    for (int32_t k = 0; k < s->n; k++)
        in[k] =
            (imnn_value){imnn_start_of(x, &s->in[k]), {s->in[k].dtype, local_of(x, r, &s->in[k])}};
    const size_t bytes = (size_t)imnn_shape_count(&v->type.shape) * imnn_dtype_size(v->type.dtype);
    imnn_call call = {.attr = v->attr,
                      .n = s->n,
                      .in = in,
                      .out = {imnn_start_of(x, &s->out), {v->type.dtype, local_of(x, r, &s->out)}},
                      .whole = v->type,
                      .row = x->row,
                      .rows = x->rows,
                      .R = r->R,
                      .accumulate = s->fold && !(s->first && x->begins),
                      .far = s->out.place == IN_RESULT && !x->p->by_rows && bytes >= LARGE_RESULT,
                      .failed = &failed,
                      .fault = &fault};
    v->op->kernel(&call);
    if (fault) x->p->fault = fault;
    return !failed;
}

/* Append the rows that the mask lets through to the lists of this group. */
static bool run_emit(const context *x, const region *r, const step *s)
{
    const bool *keep = (const bool *)imnn_start_of(x, &s->in[0]);
    const int64_t each = s->in[0].shape.size[0] / r->R, n = each * x->rows;
    for (int32_t k = 1; k < s->n; k++) {
        emission *e = &x->p->emission[(k - 1) * r->groups + x->group];
        const char *from = imnn_start_of(x, &s->in[k]);
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

/* Records of these rows; the next ones will soon be wanted, too. */
static bool run_read(const context *x, const region *r, const step *s)
{
    imnn_reader *from = x->p->reader[s->in[0].index];
    const int64_t each = imnn_reader_shape(from)->size[0] / r->R, begin = each * x->row,
                  end = begin + each * x->rows;
    imnn_status st = imnn_reader_read(from, begin, end, imnn_start_of(x, &s->out));
    imnn_reader_advise(from, end, end + end - begin);
    if (st == IMNN_OK) return true;
    int none = IMNN_OK;
    if (atomic_compare_exchange_strong(&x->state->status, &none, (int)st))
        snprintf(x->state->why, sizeof x->state->why, "%s", imnn_last_error());
    return false;
}

bool imnn_run_step(const context *x, const region *r, const step *s)
{
    bool good = true;
    if (s->spare == SPARE_TAKE && imnn_take_spare(x, r, s)) return true;
    switch (s->kind) {
    case STEP_MAP: run_cluster(x, r, s); break;
    case STEP_GEMM: run_gemm(x, r, s); break;
    case STEP_REDUCE: run_reduce(x, r, s); break;
    case STEP_CALL: good = run_call(x, r, s); break;
    case STEP_READ: return run_read(x, r, s);
    case STEP_EMIT: return run_emit(x, r, s);
    case STEP_HOLD: imnn_run_hold(x, r, s); break;
    }
    if (s->spare == SPARE_PUT && good) imnn_put_spare(x, r, s);
    return good;
}
