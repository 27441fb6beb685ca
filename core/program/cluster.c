/* A cluster of elementwise operators: a small program of its own over one index space, run block
 * by block so that what lies between its operations stays in the first-level cache. */
#include "core/program/program.h"
#include <string.h>

typedef struct maker {
    imnn_program *p;
    region *r;
    step *s;
    cluster *c;
    int32_t *source_of; /* item whose view each source is */
    int32_t *value;     /* by member of the step: coded place of its value */
} maker;

static const int32_t NOWHERE = INT32_MAX;

static bool rows_are_last(const maker *b) { return b->p->rows_last && b->r->space; }

/* Axes from the row axis on; what lies before has size 1. With rows last: what is left of the row
 * axis for one row, the others, and the rows. */
static void set_space(const maker *b, const imnn_shape *s)
{
    cluster *c = b->c;
    int axis = imnn_row_axis(s, b->r->R);
    if (axis < 0) axis = s->ndim; /* a number */
    c->ndim = 0;
    for (int k = axis; k < s->ndim; k++) c->size[c->ndim++] = s->size[k];
    if (c->ndim == 0) c->size[c->ndim++] = 1;
    c->size[0] /= b->r->R;
    if (!rows_are_last(b)) return;
    if (c->size[0] == 1) memmove(c->size, c->size + 1, (size_t)--c->ndim * sizeof *c->size);
    c->row_axis = c->ndim, c->size[c->ndim++] = 1;
}

/* Strides of an operand along the axes of the cluster. */
static void align(const maker *b, operand *o)
{
    const bool last = rows_are_last(b);
    int64_t stride[IMNN_MAX_NDIM] = {0};
    const int own = b->c->ndim - last, shift = o->shape.ndim - own;
    for (int k = 0; k < own; k++) stride[k] = k + shift >= 0 ? o->stride[k + shift] : 0;
    if (last) stride[own] = o->row_step;
    memcpy(o->stride, stride, sizeof stride);
}

static int32_t add_source(maker *b, int32_t x, bool by)
{
    cluster *c = b->c;
    for (int32_t i = 0; i < c->sources; i++)
        if (b->source_of[i] == x) return i;
    b->source_of[c->sources] = x;
    c->source[c->sources] = imnn_operand_of(b->p, b->r, x, by);
    align(b, &c->source[c->sources]);
    return c->sources++;
}

static int32_t member_of_step(const step *s, int32_t x)
{
    for (int32_t i = 0; i < s->members; i++)
        if (s->member[i] == x) return i;
    return -1;
}

/* Where input k of member i comes from: a value of this cluster or memory. */
static int32_t value_of(maker *b, int32_t i, int32_t k)
{
    const item *it = &b->p->item[i];
    int32_t x = it->x[k], m = member_of_step(b->s, x);
    if (m >= 0 && x < i && b->value[m] != NOWHERE) return b->value[m];
    return add_source(b, x, it->by[k]);
}

/* where(compare(a, b), c, d) with the comparison computed in the same region: done in place of
 * reading its bools, also through the views in between, which are applied to a and b instead.
 * view: those of a and b, of their bases. */
bool imnn_fused_compare(const imnn_program *p, const region *r, int32_t i, imnn_view view[2])
{
    const item *it = &p->item[i];
    if (it->v->op->id != IMNN_OP_where) return false;
    const int32_t x0 = it->x[0], base = p->item[x0].base;
    const item *c = &p->item[base];
    if (imnn_member(r, base) < 0 || c->v->op->class != IMNN_MAP || c->v->n != 2) return false;
    const imnn_dtype dtype = p->item[c->x[0]].v->type.dtype;
    if (dtype != it->v->type.dtype || !imnn_map_find_select(c->v->op->id, dtype)) return false;
    for (int k = 0; k < 2; k++) {
        int32_t chain[8], n = 0;
        for (int32_t x = x0; x != base; x = p->item[x].x[0]) {
            if (n == 8) return false;
            chain[n++] = x;
        }
        view[k] = p->item[c->x[k]].view;
        while (n-- > 0) {
            const imnn_view from = view[k];
            const imnn_vertex *v = p->item[chain[n]].v;
            if (!v->op->view(&view[k], &from, v)) return false;
        }
    }
    return true;
}

/* The operand of input k of comparison c, seen through the views up to the choice. */
static int32_t add_compared(maker *b, const item *c, int32_t k, const imnn_view *view, bool by)
{
    operand o = imnn_operand_seen(b->p, b->r, c->x[k], view, by);
    align(b, &o);
    int32_t s = 0;
    while (s < b->c->sources && memcmp(&b->c->source[s], &o, sizeof o)) s++;
    if (s == b->c->sources) b->c->source[b->c->sources] = o, b->source_of[b->c->sources++] = -1;
    return s;
}

static bool compare_in_place(maker *b, int32_t i, instruction *op)
{
    imnn_view view[2];
    const item *it = &b->p->item[i];
    if (!imnn_fused_compare(b->p, b->r, i, view)) return false;
    const int32_t at = b->p->item[it->x[0]].base;
    const item *c = &b->p->item[at];
    const bool here = member_of_step(b->s, it->x[0]) >= 0;
    for (int k = 0; k < 2; k++)
        op->in[k] = here ? value_of(b, at, k) : add_compared(b, c, k, &view[k], it->by[0]);
    op->in[2] = value_of(b, i, 1), op->in[3] = value_of(b, i, 2);
    op->kernel = imnn_map_find_select(c->v->op->id, it->v->type.dtype);
    op->n = 4, op->op = c->v->op->id, op->name = "select";
    return true;
}

static imnn_map_kernel *kernel_of(const imnn_program *p, const item *it)
{
    const imnn_dtype from = p->item[it->x[0]].v->type.dtype, to = it->v->type.dtype;
    if (it->v->op == &imnn_op_copy || it->v->op->class == IMNN_VIEW)
        return imnn_map_find_copy(imnn_dtype_size(to));
    if (it->v->op->id == IMNN_OP_convert) return imnn_map_find_convert(from, to);
    return imnn_map_find(it->v->op->id, it->v->op->id == IMNN_OP_where ? to : from);
}

/* Values that others than this cluster read directly are written to memory. */
static bool is_target(const maker *b, int32_t i)
{
    const item *it = &b->p->item[i];
    int32_t m = imnn_member(b->r, i);
    return it->stored || (m >= 0 && b->r->tile_at[m] >= 0);
}

static imnn_status emit(maker *b, int32_t m)
{
    imnn_program *p = b->p;
    cluster *c = b->c;
    const int32_t i = b->s->member[m];
    const item *it = &p->item[i];
    instruction *op = &c->code[c->length];
    *op = (instruction){.kernel = kernel_of(p, it),
                        .n = it->v->n,
                        .dtype = it->v->type.dtype,
                        .op = it->v->op->id,
                        .name = it->v->op->name};
    if (!compare_in_place(b, i, op))
        for (int32_t k = 0; k < it->v->n; k++) op->in[k] = value_of(b, i, k);
    if (!op->kernel)
        return imnn_fail(IMNN_EDTYPE, "%s: not defined for %s", it->v->op->name,
                         imnn_dtype_name(p->item[it->x[0]].v->type.dtype));
    if (is_target(b, i)) {
        const imnn_view all = imnn_contiguous(imnn_item_space(p, it));
        operand o = imnn_operand_seen(p, b->r, i, &all, true); /* the numbers in their order */
        align(b, &o);
        c->target[c->targets] = o;
        op->out = b->value[m] = IMNN_TARGET + c->targets++;
    } else {
        op->out = b->value[m] = -1 - c->length; /* a register, numbered when lives are known */
    }
    c->length++;
    return IMNN_OK;
}

/* Sources that do not run along the last axis in unit steps are first brought to a register, but
 * for copies, which take any steps. */
static bool steps_oddly(const cluster *c, const operand *o)
{
    int64_t last = o->stride[c->ndim - 1];
    return c->size[c->ndim - 1] != 1 || c->row_axis == c->ndim - 1 ? last != 0 && last != 1 : false;
}

static bool is_copy(const instruction *op)
{
    return op->n == 1 && op->kernel == imnn_map_find_copy(imnn_dtype_size(op->dtype));
}

static bool needs_load(const cluster *c, int32_t source)
{
    if (!steps_oddly(c, &c->source[source])) return false;
    for (int32_t k = 0; k < c->length; k++)
        for (int32_t j = 0; j < c->code[k].n; j++)
            if (c->code[k].in[j] == source && !is_copy(&c->code[k])) return true;
    return false;
}

static imnn_status load_odd(maker *b)
{
    cluster *c = b->c;
    int32_t odd = 0;
    for (int32_t s = 0; s < c->sources; s++) odd += needs_load(c, s);
    if (!odd) return IMNN_OK;
    instruction *code = TAKE(b->p, c->length + odd, instruction);
    if (!code) return IMNN_ENOMEM;
    int32_t n = 0, *moved = TAKE(b->p, c->sources, int32_t);
    if (!moved) return IMNN_ENOMEM;
    for (int32_t s = 0; s < c->sources; s++) {
        moved[s] = s;
        if (!needs_load(c, s)) continue;
        imnn_dtype t = c->source[s].dtype;
        code[n] = (instruction){.kernel = imnn_map_find_copy(imnn_dtype_size(t)),
                                .n = 1,
                                .in = {s},
                                .out = -1 - (b->s->members + n),
                                .dtype = t,
                                .op = -1,
                                .name = "load"};
        moved[s] = code[n].out, n++;
    }
    for (int32_t k = 0; k < c->length; k++) {
        code[n] = c->code[k];
        for (int32_t j = 0; j < code[n].n; j++)
            if (code[n].in[j] >= 0 && code[n].in[j] < IMNN_TARGET)
                code[n].in[j] = moved[code[n].in[j]];
        n++;
    }
    c->code = code, c->length = n;
    return IMNN_OK;
}

/* Adjacent axes that all operands cross in one stride are one axis. */
static void collapse(cluster *c)
{
    for (int d = c->ndim - 2; d >= 0; d--) {
        bool can = d + 1 != c->row_axis; /* the rows at hand may be fewer than those of a tile */
        for (int32_t i = 0; i < c->sources + c->targets; i++) {
            const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
            can =
                can && (c->size[d + 1] == 1 || o->stride[d] == o->stride[d + 1] * c->size[d + 1] ||
                        (d != c->row_axis && c->size[d] == 1));
        }
        if (!can) continue;
        const bool keep_outer = c->size[d + 1] == 1; /* the inner stride means nothing then */
        for (int32_t i = 0; i < c->sources + c->targets; i++) {
            operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
            if (!keep_outer) o->stride[d] = o->stride[d + 1];
            for (int k = d + 1; k + 1 < c->ndim; k++) o->stride[k] = o->stride[k + 1];
            o->stride[c->ndim - 1] = 0;
        }
        c->size[d] *= c->size[d + 1];
        for (int k = d + 1; k + 1 < c->ndim; k++) c->size[k] = c->size[k + 1];
        c->ndim--;
        if (c->row_axis) c->row_axis--;
    }
}

/* Bytes of the widest element of a register. */
static size_t widest(const cluster *c)
{
    size_t most = 1;
    for (int32_t k = 0; k < c->length; k++) {
        const size_t size = imnn_dtype_size(c->code[k].dtype);
        if (size > most) most = size;
    }
    for (int32_t i = 0; i < c->repeats; i++) {
        const size_t size = imnn_dtype_size(c->source[c->repeat[i]].dtype);
        if (size > most) most = size;
    }
    return most;
}

/* Registers are reused after the last reader, and by its result where elements are as wide: a wider
 * one would run over what is still to be read. */
static imnn_status number_registers(maker *b)
{
    cluster *c = b->c;
    int32_t *busy = TAKE(b->p, c->length + 1, int32_t);
    if (!busy) return IMNN_ENOMEM;
    int32_t top = 0; /* virtual numbers are below twice the first length */
    for (int32_t k = 0; k < c->length; k++)
        if (c->code[k].out < 0 && -c->code[k].out > top) top = -c->code[k].out;
    int32_t *where = TAKE(b->p, top + 1, int32_t), *end = TAKE(b->p, top + 1, int32_t);
    size_t *width = TAKE(b->p, top + 1, size_t);
    if (!where || !end || !width) return IMNN_ENOMEM;
    for (int32_t k = 0; k < c->length; k++)
        for (int32_t j = 0; j < c->code[k].n; j++)
            if (c->code[k].in[j] < 0) end[-c->code[k].in[j]] = k;
    for (int32_t k = 0; k < c->length; k++) {
        instruction *op = &c->code[k];
        const size_t size = imnn_dtype_size(op->dtype);
        int32_t later[4], waiting = 0;
        for (int32_t j = 0; j < op->n; j++)
            if (op->in[j] < 0) {
                int32_t v = -op->in[j];
                op->in[j] = -1 - where[v];
                if (end[v] != k) continue;
                if (width[v] == size) busy[where[v]] = 0;
                else later[waiting++] = where[v];
            }
        if (op->out < 0) {
            int32_t v = -op->out, reg = 0;
            while (busy[reg]) reg++;
            busy[reg] = 1, where[v] = reg, width[v] = size;
            op->out = -1 - reg;
            if (reg + 1 > c->registers) c->registers = reg + 1;
            if (end[v] == 0 && k > 0) busy[reg] = 0; /* nobody reads it */
        }
        while (waiting > 0) busy[later[--waiting]] = 0;
    }
    return IMNN_OK;
}

/* What a cluster reads of memory and writes there, for all rows. */
static int64_t bytes_in_memory(const cluster *c, int64_t R)
{
    int64_t all = 0;
    for (int i = 0; i < c->sources + c->targets; i++) {
        const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
        int64_t bytes = (int64_t)imnn_dtype_size(o->dtype);
        for (int k = 0; k < c->ndim; k++)
            if (o->stride[k] != 0) bytes *= c->size[k] * (k == c->row_axis ? R : 1);
        if (o->place != IN_TILE) all += bytes;
    }
    return all;
}

/* Registers lie close together, so that all of them stay in the first-level cache, and a little
 * more than their length apart: a load from the same place in a page as a store just before has to
 * wait for it. What comes from memory comes a block ahead, of which two shall fit as well; a
 * single operation needs no such help. */
static void size_registers(cluster *c, int64_t R)
{
    c->far = c->length > 1 && bytes_in_memory(c, R) >= IMNN_FAR_BYTES;
    const size_t most = c->far ? IMNN_BLOCK_FAR : IMNN_BLOCK_BYTES;
    size_t bytes = IMNN_REGISTER_BYTES / (size_t)(c->registers + 1);
    if (bytes > most) bytes = most;
    if (bytes < IMNN_BLOCK_FEWEST) bytes = IMNN_BLOCK_FEWEST;
    c->block = (int64_t)(bytes / 64 * 64 / widest(c));
    c->register_bytes = (size_t)c->block * widest(c) + 64;
}

/* Instructions whose value nobody reads (a comparison that was fused) go. */
static void drop_dead(cluster *c)
{
    for (int32_t k = c->length - 1; k >= 0; k--) {
        bool read = c->code[k].out >= 0;
        for (int32_t l = k + 1; l < c->length && !read; l++)
            for (int32_t j = 0; j < c->code[l].n; j++)
                read = read || c->code[l].in[j] == c->code[k].out;
        if (read) continue;
        memmove(&c->code[k], &c->code[k + 1], (size_t)(c->length - k - 1) * sizeof *c->code);
        c->length--;
    }
}

/* A short line that is the same for all that is before it (what is added to channels): written out
 * for a block, so that operations go over long runs. */
static bool repeats(const cluster *c, const operand *o, int64_t R)
{
    enum { FEWEST = 4 };
    const int last = c->ndim - 1;
    const size_t own = imnn_dtype_size(o->dtype), size = own > widest(c) ? own : widest(c);
    int64_t lines = 1;
    bool same = o->stride[last] == 1 && c->size[last] > 1 && c->row_axis != last;
    for (int k = 0; k < last; k++) {
        same = same && o->stride[k] == 0;
        lines *= c->size[k] * (k == c->row_axis ? R : 1);
    }
    return same && lines >= FEWEST && c->size[last] * (int64_t)size <= IMNN_BLOCK_FEWEST;
}

static imnn_status find_repeats(maker *b)
{
    cluster *c = b->c;
    c->repeat = TAKE(b->p, c->sources + 1, int32_t);
    if (!c->repeat) return IMNN_ENOMEM;
    for (int32_t s = 0; s < c->sources; s++)
        if (repeats(c, &c->source[s], b->r->R)) c->repeat[c->repeats++] = s;
    return IMNN_OK;
}

/* Whether all else lies one after the other: then a block with its lines written out is one run. */
static bool is_one_run(const cluster *c)
{
    bool one = c->repeats > 0 && c->row_axis == 0;
    for (int32_t i = 0; i < c->sources + c->targets; i++) {
        const operand *o = i < c->sources ? &c->source[i] : &c->target[i - c->sources];
        for (int k = 0; k + 1 < c->ndim && !imnn_is_repeated(c, i); k++)
            one = one && o->stride[k] == o->stride[k + 1] * c->size[k + 1];
    }
    return one;
}

/* Machine code goes along a line at a time, if there is no longer run. */
static bool lines_are_short(const cluster *c)
{
    enum { LINE_BYTES = 256 };
    return c->repeats > 0 && !c->one_run &&
           c->size[c->ndim - 1] * (int64_t)imnn_dtype_size(c->source[c->repeat[0]].dtype) <=
               LINE_BYTES;
}

static void place_repeats(cluster *c)
{
    for (int32_t i = 0; i < c->repeats; i++, c->registers++)
        for (int32_t k = 0; k < c->length; k++)
            for (int32_t j = 0; j < c->code[k].n; j++)
                if (c->code[k].in[j] == c->repeat[i]) c->code[k].in[j] = -1 - c->registers;
}

/* The instruction whose result is input j of instruction k and of nobody else, if it could be done
 * together with k; -1: none. */
static int32_t single_source(const cluster *c, int32_t k, int32_t j)
{
    const int32_t value = c->code[k].in[j];
    int32_t from = -1, reads = 0;
    if (value >= 0) return -1;
    for (int32_t i = 0; i < c->length; i++) {
        if (i < k && c->code[i].out == value) from = i;
        for (int32_t n = 0; n < c->code[i].n; n++) reads += c->code[i].in[n] == value;
    }
    return from >= 0 && reads == 1 && c->code[from].n == 2 &&
                   c->code[from].dtype == c->code[k].dtype
               ? from
               : -1;
}

/* Do instruction k together with those that its operands come from. */
static void fuse_at(cluster *c, int32_t k)
{
    instruction *op = &c->code[k], *a, *b;
    const int32_t from[2] = {single_source(c, k, 0), single_source(c, k, 1)};
    for (int turn = 0; turn < 3; turn++) { /* both, the first, the second */
        const int32_t f = from[turn == 2], s = turn == 0 ? from[1] : -1;
        if (f < 0 || (turn == 0 && s < 0)) continue;
        a = &c->code[f], b = s >= 0 ? &c->code[s] : NULL;
        instruction fused = {
            .n = b ? 4 : 3,
            .in = {a->in[0], a->in[1], b ? b->in[0] : op->in[turn != 2], b ? b->in[1] : 0},
            .out = op->out,
            .dtype = op->dtype,
            .op = -1};
        fused.kernel =
            imnn_map_find_fused(a->op, op->op, b ? b->op : -1, turn == 2, op->dtype, &fused.name);
        if (!fused.kernel) continue;
        *op = fused, a->n = 0;
        if (b) b->n = 0;
        return;
    }
}

/* Each value that is written and read again costs as much as the arithmetic: short chains of it
 * are done in one instruction. */
static void fuse(cluster *c)
{
    int32_t n = 0;
    for (int32_t k = 0; k < c->length; k++)
        if (c->code[k].n == 2 && c->code[k].op >= 0) fuse_at(c, k);
    for (int32_t k = 0; k < c->length; k++)
        if (c->code[k].n) c->code[n++] = c->code[k];
    c->length = n;
}

imnn_status imnn_plan_cluster(imnn_program *p, region *r, step *s)
{
    cluster *c = &s->map;
    int32_t inputs = 0;
    for (int32_t m = 0; m < s->members; m++) inputs += p->item[s->member[m]].v->n + 1;
    maker b = {p, r, s, c, TAKE(p, inputs, int32_t), TAKE(p, s->members, int32_t)};
    c->source = TAKE(p, inputs, operand);
    c->target = TAKE(p, s->members, operand);
    c->code = TAKE(p, s->members, instruction);
    if (!b.source_of || !b.value || !c->source || !c->target || !c->code) return IMNN_ENOMEM;
    for (int32_t m = 0; m < s->members; m++) b.value[m] = NOWHERE;
    set_space(&b, imnn_item_space(p, &p->item[s->item]));
    for (int32_t m = 0; m < s->members; m++) {
        imnn_status st = emit(&b, m);
        if (st != IMNN_OK) return st;
    }
    drop_dead(c);
    collapse(c);
    imnn_status st = load_odd(&b);
    if (st == IMNN_OK) st = find_repeats(&b);
    c->one_run = is_one_run(c);
    if (st == IMNN_OK && !lines_are_short(c)) st = imnn_code_cluster(p, c, r->R);
    if (st == IMNN_OK) fuse(c);
    if (st == IMNN_OK) st = number_registers(&b);
    if (st == IMNN_OK) place_repeats(c);
    size_registers(c, p->by_rows ? r->tile : r->R); /* of a body: the workspace */
    imnn_cluster_walks(c, r->tile);
    const size_t bytes = (size_t)c->registers * c->register_bytes;
    if (bytes > r->register_bytes) r->register_bytes = bytes;
    return st;
}
