/* Clusters of arithmetic as machine code of AVX-512: a loop over vectors in which every value is in
 * a register from where it is made to where it is read last. What it computes, and its bits, are
 * those of the instructions one after the other, as steps.c runs them on other processors and where
 * memory can't be made executable. */
#include "core/kernels/isa.h"
#include "core/program/program.h"
#include "core/program/x86.h"
#include <string.h>
#if defined(__x86_64__)
#include <sys/mman.h>
#endif

enum { REGISTERS = 32, NEVER = INT32_MAX, POINTER = 8, VECTOR = 64, FEWEST = 2, MOST = 1 << 14 };

/* A value is a source of the cluster or the result of an instruction; these are numbered in turn.
 */
typedef struct coder {
    const cluster *c;
    x86 a;
    int32_t *next;  /* by instruction, of each of four operands: where the value is read again */
    int32_t *first; /* by instruction: where its result is read */
    int32_t *made_by, *written_by; /* by virtual register, by target: the instruction */
    int32_t *held, *slot;          /* by value: its register, its place on the stack; -1: none */
    int32_t holder[REGISTERS], again[REGISTERS]; /* the value, and where it is read next */
    int32_t *leader, *base; /* by operand in memory: from which one it is far; where that points */
    int64_t *far;           /* and how far, in bytes */
    int32_t slots, most_slots;
} coder;

static bool is_copy(const instruction *op)
{
    return op->n == 1 && op->kernel == imnn_map_find_copy(imnn_dtype_size(op->dtype));
}

static int predicate_of(const instruction *op)
{
    switch (op->op) {
    case IMNN_OP_eq: return X86_EQ;
    case IMNN_OP_ne: return X86_NE;
    case IMNN_OP_lt: return X86_LT;
    case IMNN_OP_le: return X86_LE;
    case IMNN_OP_gt: return X86_GT;
    case IMNN_OP_ge: return X86_GE;
    default: return -1;
    }
}

static int code_of(const instruction *op)
{
    switch (op->op) {
    case IMNN_OP_add: return X86_ADD;
    case IMNN_OP_sub: return X86_SUB;
    case IMNN_OP_mul: return X86_MUL;
    case IMNN_OP_div: return X86_DIV;
    case IMNN_OP_sqrt: return X86_SQRT;
    case IMNN_OP_maximum: return X86_MAX;
    case IMNN_OP_minimum: return X86_MIN;
    default: return -1;
    }
}

static bool has_code(const instruction *op)
{
    if (op->n == 4) return predicate_of(op) >= 0;
    return is_copy(op) || code_of(op) >= 0 || op->op == IMNN_OP_abs || op->op == IMNN_OP_neg ||
           op->op == IMNN_OP_leaky_relu;
}

static bool runs_along(const cluster *c, const operand *o, bool target)
{
    const int64_t last = o->stride[c->ndim - 1];
    return last == 1 || (last == 0 && !target);
}

static bool can_code(const cluster *c)
{
    if (imnn_kernels() != &imnn_kernels_avx512 || c->length < (c->stream ? 1 : FEWEST) ||
        c->length > MOST)
        return false;
    if (c->row_axis != c->ndim - 1 && c->size[c->ndim - 1] == 1) return false;
    const imnn_dtype dtype = c->code[0].dtype;
    if (dtype != IMNN_F32 && dtype != IMNN_F64) return false;
    for (int32_t k = 0; k < c->length; k++)
        if (c->code[k].dtype != dtype || !has_code(&c->code[k])) return false;
    for (int32_t i = 0; i < c->sources; i++)
        if (c->source[i].dtype != dtype || !runs_along(c, &c->source[i], false)) return false;
    for (int32_t i = 0; i < c->targets; i++)
        if (!runs_along(c, &c->target[i], true)) return false;
    return true;
}

/* Large results go past the caches: what is to be overwritten is not read before, and what is there
 * stays. The runs of a tile begin at multiples of a vector, if the first of them does. */
static bool streams(const imnn_program *p, const cluster *c, int64_t R)
{
    if (p->by_rows) return false;
    bool any = false;
    for (int32_t i = 0; i < c->targets; i++) {
        const operand *o = &c->target[i];
        if (o->place != IN_RESULT) continue;
        const int64_t size = (int64_t)imnn_dtype_size(o->dtype);
        int64_t bytes = size;
        for (int k = 0; k < c->ndim; k++) {
            bytes *= c->size[k] * (k == c->row_axis ? R : 1);
            if (k + 1 < c->ndim && o->stride[k] * size % VECTOR) return false;
        }
        if (bytes < LARGE_RESULT || o->offset % VECTOR) return false;
        any = true;
    }
    return any;
}

/* ---- where values are ---- */

static int32_t value_of(const coder *w, int32_t at)
{
    if (at >= 0 && at < IMNN_TARGET) return at;
    return w->c->sources + (at < 0 ? w->made_by[-at] : w->written_by[at - IMNN_TARGET]);
}

static int32_t maker_of(const coder *w, int32_t value) { return value - w->c->sources; }

static bool has_home(const coder *w, int32_t value) /* besides the stack */
{
    return value < w->c->sources || w->c->code[maker_of(w, value)].out >= 0;
}

/* Where a value is in memory; rax points there, if it is no place on the stack. */
static x86_memory place_of(coder *w, int32_t value)
{
    const cluster *c = w->c;
    if (!has_home(w, value)) return (x86_memory){X86_RSP, w->slot[value] * VECTOR, false, false};
    const bool source = value < c->sources;
    const int32_t i = source ? value : c->sources + c->code[maker_of(w, value)].out - IMNN_TARGET;
    const bool all = source && c->source[value].stride[c->ndim - 1] == 0;
    const int32_t leader = w->leader[i], base = w->base[leader];
    if (base == X86_RAX) x86_pointer(&w->a, base, leader * POINTER);
    return (x86_memory){base, (int32_t)w->far[i], !all, all};
}

static void leave_register(coder *w, int32_t r)
{
    const int32_t value = w->holder[r];
    if (value < 0) return;
    w->held[value] = -1, w->holder[r] = -1;
    if (w->again[r] == NEVER || has_home(w, value) || w->slot[value] >= 0) return;
    w->slot[value] = w->slots++;
    if (w->slots > w->most_slots) w->most_slots = w->slots;
    x86_store(&w->a, (x86_memory){X86_RSP, w->slot[value] * VECTOR, false, false}, r);
}

/* A register that is free, or whose value is read last of all; not one of `keep`. */
static int32_t take_register(coder *w, uint32_t keep)
{
    int32_t best = -1;
    for (int32_t r = 0; r < REGISTERS; r++) {
        if (keep >> r & 1) continue;
        if (w->holder[r] < 0) return r;
        if (best < 0 || w->again[r] > w->again[best]) best = r;
    }
    leave_register(w, best);
    return best;
}

static void keep_in(coder *w, int32_t r, int32_t value, int32_t again)
{
    w->holder[r] = value, w->held[value] = r, w->again[r] = again;
}

static int32_t in_register(coder *w, int32_t value, int32_t again, uint32_t keep)
{
    int32_t r = w->held[value];
    if (r < 0) {
        r = take_register(w, keep);
        x86_load(&w->a, r, place_of(w, value));
        keep_in(w, r, value, again);
    }
    w->again[r] = again;
    return r;
}

static void forget_read(coder *w, int32_t value)
{
    const int32_t r = w->held[value];
    if (r >= 0 && w->again[r] == NEVER) w->held[value] = -1, w->holder[r] = -1;
}

/* ---- pointers ---- */

static const operand *operand_at(const cluster *c, int32_t i)
{
    return i < c->sources ? &c->source[i] : &c->target[i - c->sources];
}

/* Whether two operands are always as far from each other. */
static bool move_together(const cluster *c, const operand *a, const operand *b)
{
    bool same = a->place == b->place && a->index == b->index && a->data == b->data &&
                a->place != IN_CONSTANT && a->row_bytes == b->row_bytes;
    for (int k = 0; k + 1 < c->ndim; k++) same = same && a->stride[k] == b->stride[k];
    const int64_t far = (int64_t)(b->offset - a->offset);
    return same && far > -(1 << 30) && far < 1 << 30;
}

/* Read where it is written out line after line. */
static bool is_elsewhere(const cluster *c, int32_t i)
{
    return c->one_run && imnn_is_repeated(c, i);
}

/* What lies together is reached from one pointer; those that are wanted most stay in registers. */
static void find_pointers(coder *w)
{
    static const int32_t kept[] = {X86_RBX, 8, 9, 10, 11, 12, 13, 14, X86_R15};
    const cluster *c = w->c;
    const int32_t all = c->sources + c->targets;
    int32_t *reads = w->slot; /* for now */
    memset(reads, 0, (size_t)all * sizeof *reads);
    for (int32_t i = 0; i < all; i++) {
        int32_t l = 0;
        while (l < i && (w->leader[l] != l || is_elsewhere(c, l) || is_elsewhere(c, i) ||
                         !move_together(c, operand_at(c, l), operand_at(c, i))))
            l++;
        w->leader[i] = l;
        w->far[i] = (int64_t)(operand_at(c, i)->offset - operand_at(c, l)->offset);
        w->base[i] = X86_RAX;
    }
    for (int32_t k = 0; k < c->length; k++) {
        for (int32_t j = 0; j < c->code[k].n; j++) {
            const int32_t v = value_of(w, c->code[k].in[j]);
            if (v < c->sources) reads[w->leader[v]]++;
        }
        if (c->code[k].out >= 0) reads[w->leader[c->sources + c->code[k].out - IMNN_TARGET]]++;
    }
    for (size_t r = 0; r < sizeof kept / sizeof *kept; r++) {
        int32_t best = -1;
        for (int32_t i = 0; i < all; i++)
            if (reads[i] > 0 && (best < 0 || reads[i] > reads[best])) best = i;
        if (best < 0) return;
        w->base[best] = kept[r], reads[best] = 0;
    }
}

/* ---- code ---- */

/* Where each value is read next: from the end to the beginning. */
static void find_reads(coder *w)
{
    const cluster *c = w->c;
    int32_t *last = w->held; /* for now */
    for (int32_t v = 0; v < c->sources + c->length; v++) last[v] = NEVER;
    for (int32_t k = c->length - 1; k >= 0; k--) {
        const instruction *op = &c->code[k];
        w->first[k] = last[c->sources + k];
        for (int32_t j = 0; j < op->n; j++) w->next[4 * k + j] = last[value_of(w, op->in[j])];
        for (int32_t j = 0; j < op->n; j++) last[value_of(w, op->in[j])] = k;
    }
}

/* Two operands, of which the second may stay in memory, or one. */
static int32_t code_arithmetic(coder *w, int32_t k)
{
    const instruction *op = &w->c->code[k];
    const bool unary = op->n == 1, swaps = op->op == IMNN_OP_add || op->op == IMNN_OP_mul;
    int32_t first = 0, second = op->n - 1, ra = 0;
    if (swaps && w->held[value_of(w, op->in[0])] < 0) first = 1, second = 0;
    const int32_t a = value_of(w, op->in[first]), b = value_of(w, op->in[second]);
    const int32_t again = w->next[4 * k + second];
    int32_t rb = w->held[b];
    if (!unary) ra = in_register(w, a, w->next[4 * k + first], rb < 0 ? 0 : 1u << rb);
    if (w->held[b] >= 0 || again != NEVER || is_copy(op))
        rb = in_register(w, b, again, unary ? 0 : 1u << ra);
    const x86_memory m = rb < 0 ? place_of(w, b) : (x86_memory){0};
    const bool extreme = op->op == IMNN_OP_maximum || op->op == IMNN_OP_minimum;
    if (!extreme) forget_read(w, a);
    forget_read(w,
                b); /* their registers may take the result; what else gives way is stored before */
    const int32_t to = take_register(w, extreme ? 1u << ra : 0);
    if (is_copy(op)) x86_move(&w->a, to, rb);
    else if (rb >= 0) x86_apply(&w->a, (enum x86_op)code_of(op), to, ra, rb);
    else x86_apply_memory(&w->a, (enum x86_op)code_of(op), to, ra, m);
    if (extreme) { /* the processor's would be the second of the two */
        x86_compare(&w->a, X86_UNORDERED, ra, ra);
        x86_move_chosen(&w->a, to, ra);
        forget_read(w, a);
    }
    return to;
}

/* All operands in registers, and the result in one of its own. */
static int32_t code_choice(coder *w, int32_t k)
{
    const instruction *op = &w->c->code[k];
    int32_t r[4];
    uint32_t keep = 0;
    for (int32_t j = 0; j < op->n; j++) {
        const int32_t v = value_of(w, op->in[j]);
        if (w->held[v] >= 0) keep |= 1u << w->held[v];
    }
    for (int32_t j = 0; j < op->n; j++) {
        r[j] = in_register(w, value_of(w, op->in[j]), w->next[4 * k + j], keep);
        keep |= 1u << r[j];
    }
    const int32_t to = take_register(w, keep);
    switch (op->n == 4 ? IMNN_OP_where : op->op) {
    case IMNN_OP_where:
        x86_compare(&w->a, (enum x86_predicate)predicate_of(op), r[0], r[1]);
        x86_move(&w->a, to, r[3]);
        x86_move_chosen(&w->a, to, r[2]);
        break;
    case IMNN_OP_leaky_relu:
        x86_zero(&w->a, to);
        x86_compare(&w->a, X86_GE, r[0], to);
        x86_apply(&w->a, X86_MUL, to, r[1], r[0]);
        x86_move_chosen(&w->a, to, r[0]);
        break;
    case IMNN_OP_abs: x86_abs(&w->a, to, r[0]); break;
    default: x86_negate(&w->a, to, r[0]);
    }
    for (int32_t j = 0; j < op->n; j++) forget_read(w, value_of(w, op->in[j]));
    return to;
}

static void code_instruction(coder *w, int32_t k)
{
    const instruction *op = &w->c->code[k];
    const bool plain = op->n < 4 && (is_copy(op) || code_of(op) >= 0);
    const int32_t to = plain ? code_arithmetic(w, k) : code_choice(w, k);
    keep_in(w, to, w->c->sources + k, w->first[k]);
    if (op->out >= IMNN_TARGET) {
        const x86_memory home = place_of(w, w->c->sources + k);
        const bool far = w->c->stream && w->c->target[op->out - IMNN_TARGET].place == IN_RESULT;
        if (far && !w->a.part) x86_stream(&w->a, home, to);
        else x86_store(&w->a, home, to);
    }
    forget_read(w, w->c->sources + k);
}

static void code_body(coder *w, bool part)
{
    const int32_t values = w->c->sources + w->c->length;
    for (int32_t v = 0; v < values; v++) w->held[v] = w->slot[v] = -1;
    for (int32_t r = 0; r < REGISTERS; r++) w->holder[r] = -1;
    w->slots = 0, w->a.part = part;
    for (int32_t k = 0; k < w->c->length; k++) code_instruction(w, k);
}

static void code_all(coder *w)
{
    w->a.n = 0;
    x86_enter(&w->a, w->most_slots * VECTOR);
    for (int32_t i = 0; i < w->c->sources + w->c->targets; i++)
        if (w->base[i] != X86_RAX) x86_pointer(&w->a, w->base[i], i * POINTER);
    const size_t over = x86_loop_begin(&w->a), from = w->a.n;
    code_body(w, false);
    x86_loop_end(&w->a, from);
    x86_land(&w->a, over);
    const size_t end = x86_skip_part(&w->a);
    code_body(w, true);
    x86_land(&w->a, end);
    if (w->c->stream) x86_fence(&w->a);
    x86_leave(&w->a);
}

imnn_status imnn_code_cluster(imnn_program *p, cluster *c, int64_t R)
{
    c->stream = streams(p, c, R);
    if (!can_code(c)) return IMNN_OK;
    int32_t top = 0;
    for (int32_t k = 0; k < c->length; k++)
        if (-c->code[k].out > top) top = -c->code[k].out;
    const size_t values = (size_t)(c->sources + c->length), n = (size_t)c->length;
    const size_t operands = (size_t)(c->sources + c->targets);
    const size_t far = operands * sizeof(int64_t);
    const size_t bytes =
        far + (2 * values + 5 * n + (size_t)top + 1 + (size_t)c->targets + 2 * operands) *
                  sizeof(int32_t);
    int64_t *room = imnn_alloc(bytes);
    if (!room) return IMNN_ENOMEM;
    coder w = {.c = c, .a.wide = c->code[0].dtype == IMNN_F64, .far = room};
    w.held = (int32_t *)(room + operands);
    w.slot = w.held + values, w.next = w.slot + values, w.first = w.next + 4 * n;
    w.made_by = w.first + n, w.written_by = w.made_by + top + 1;
    w.leader = w.written_by + c->targets, w.base = w.leader + operands;
    for (int32_t k = 0; k < c->length; k++)
        if (c->code[k].out < 0) w.made_by[-c->code[k].out] = k;
        else w.written_by[c->code[k].out - IMNN_TARGET] = k;
    find_reads(&w);
    find_pointers(&w);
    code_all(&w); /* counted */
    c->text = TAKE(p, w.a.n, uint8_t);
    c->text_bytes = w.a.room = w.a.n, w.a.code = c->text;
    if (c->text) code_all(&w);
    imnn_free(room, bytes);
    return c->text ? IMNN_OK : IMNN_ENOMEM;
}

/* ---- executable memory ---- */

static size_t round_up(size_t n) { return (n + 63) / 64 * 64; }

/* Copy the code of all clusters to `to`, if that is not NULL. Bytes in all. */
static size_t place_all(const imnn_program *p, uint8_t *to)
{
    size_t at = 0;
    for (int32_t k = 0; k < p->regions; k++)
        for (int32_t s = 0; s < p->region[k].steps; s++) {
            cluster *c = &p->region[k].step[s].map;
            if (p->region[k].step[s].kind != STEP_MAP || !c->text) continue;
            if (to) memcpy(to + at, c->text, c->text_bytes);
            if (to) c->native = (imnn_native *)(uintptr_t)(to + at);
            at += round_up(c->text_bytes);
        }
    return at;
}

void imnn_make_native(imnn_program *p)
{
#if defined(__x86_64__)
    const size_t bytes = place_all(p, NULL);
    if (!bytes) return;
    uint8_t *to = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (to == MAP_FAILED) return; /* the instructions are run one by one */
    p->native = to, p->native_bytes = bytes;
    place_all(p, to);
    if (!mprotect(to, bytes, PROT_READ | PROT_EXEC)) return;
    for (int32_t k = 0; k < p->regions; k++)
        for (int32_t s = 0; s < p->region[k].steps; s++) p->region[k].step[s].map.native = NULL;
#endif
}

void imnn_release_native(imnn_program *p)
{
#if defined(__x86_64__)
    if (p->native) munmap(p->native, p->native_bytes);
#endif
    p->native = NULL;
}
