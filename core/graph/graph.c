/* Graph builder: nodes are appended, shared when equal, and never change; the first failure
 * sticks. */
#include "core/graph/graph.h"
#include "core/ops/ops.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Attributes and input lists live in chunks, which never move. */
typedef struct imnn_chunk {
    struct imnn_chunk *next;
    size_t bytes, used;
    _Alignas(16) char data[];
} imnn_chunk;

static void *store(imnn_graph *g, size_t bytes)
{
    imnn_chunk *c = g->chunk;
    bytes = (bytes + 15) / 16 * 16;
    if (!c || c->used + bytes > c->bytes) {
        size_t room = bytes > 16384 ? bytes : 16384;
        c = imnn_alloc(sizeof *c + room);
        if (!c) {
            imnn_graph_fail_last(g, IMNN_ENOMEM);
            return NULL;
        }
        c->bytes = room, c->next = g->chunk, g->chunk = c;
    }
    c->used += bytes;
    return c->data + c->used - bytes;
}

imnn_status imnn_graph_new(imnn_graph **out)
{
    *out = NULL;
    imnn_graph *g = imnn_alloc(sizeof *g);
    if (!g) return IMNN_ENOMEM;
    g->count = 1;
    *out = g;
    return IMNN_OK;
}

void imnn_graph_release(imnn_graph *g)
{
    if (!g) return;
    for (imnn_node i = 1; i < g->count; i++) imnn_array_release(imnn_vertex_of(g, i)->value);
    for (int32_t b = 0; b < g->blocks; b++)
        if (g->block[b]) imnn_free(g->block[b], IMNN_BLOCK * sizeof **g->block);
    imnn_free(g->block, (size_t)g->blocks * sizeof *g->block);
    imnn_free(g->bucket, (size_t)g->buckets * sizeof *g->bucket);
    imnn_free(g->scope, (size_t)g->scope_room * sizeof *g->scope);
    for (imnn_chunk *c = g->chunk, *next; c; c = next) {
        next = c->next;
        imnn_free(c, sizeof *c + c->bytes);
    }
    imnn_buffer_free(&g->text);
    imnn_free(g, sizeof *g);
}

void imnn_graph_fail(imnn_graph *g, imnn_status status, const char *format, ...)
{
    if (g->status != IMNN_OK) return;
    va_list args;
    va_start(args, format);
    vsnprintf(g->error, sizeof g->error, format, args);
    va_end(args);
    g->status = status;
}

void imnn_graph_fail_last(imnn_graph *g, imnn_status status)
{
    imnn_graph_fail(g, status, "%s", imnn_last_error());
}

imnn_status imnn_graph_status(imnn_graph *g)
{
    imnn_status st = g->status;
    g->status = IMNN_OK;
    return st == IMNN_OK ? IMNN_OK : imnn_fail(st, "%s", g->error);
}

const imnn_shape *imnn_graph_shape(const imnn_graph *g, imnn_node x)
{
    static const imnn_shape none; /* so that rules may go on after a failure */
    return x > 0 ? &imnn_vertex_of(g, x)->type.shape : &none;
}

imnn_dtype imnn_graph_dtype(const imnn_graph *g, imnn_node x)
{
    return x > 0 ? imnn_vertex_of(g, x)->type.dtype : IMNN_F32;
}

const imnn_array *imnn_graph_value(const imnn_graph *g, imnn_node x)
{
    return x > 0 ? imnn_vertex_of(g, x)->value : NULL;
}

/* ---- growing ---- */

static bool grow_blocks(imnn_graph *g)
{
    if (g->count / IMNN_BLOCK < g->blocks && g->block[g->count / IMNN_BLOCK]) return true;
    if (g->count / IMNN_BLOCK >= g->blocks) {
        int32_t blocks = g->blocks ? 2 * g->blocks : 4;
        imnn_vertex **block = imnn_alloc((size_t)blocks * sizeof *block);
        if (!block) return false;
        if (g->blocks) memcpy(block, g->block, (size_t)g->blocks * sizeof *block);
        imnn_free(g->block, (size_t)g->blocks * sizeof *block);
        g->block = block, g->blocks = blocks;
    }
    imnn_vertex **b = &g->block[g->count / IMNN_BLOCK];
    return *b || (*b = imnn_alloc(IMNN_BLOCK * sizeof **b));
}

static bool grow_buckets(imnn_graph *g)
{
    if (g->count < g->buckets) return true;
    int32_t buckets = g->buckets ? 2 * g->buckets : 256;
    imnn_node *bucket = imnn_alloc((size_t)buckets * sizeof *bucket);
    if (!bucket) return false;
    imnn_free(g->bucket, (size_t)g->buckets * sizeof *bucket);
    g->bucket = bucket, g->buckets = buckets;
    for (imnn_node i = 1; i < g->count; i++) {
        imnn_vertex *v = (imnn_vertex *)(uintptr_t)imnn_vertex_of(g, i);
        imnn_node *b = &bucket[v->hash % (uint64_t)buckets];
        v->next = *b, *b = i;
    }
    return true;
}

static imnn_node append(imnn_graph *g, imnn_vertex v)
{
    if (!imnn_graph_ok(g)) return 0;
    if (!grow_blocks(g) || !grow_buckets(g)) {
        imnn_graph_fail_last(g, IMNN_ENOMEM);
        return 0;
    }
    static const imnn_attr none;
    if (!v.attr) v.attr = &none;
    imnn_node *bucket = &g->bucket[v.hash % (uint64_t)g->buckets];
    v.next = *bucket;
    g->block[g->count / IMNN_BLOCK][g->count % IMNN_BLOCK] = v;
    *bucket = g->count;
    return g->count++;
}

static uint64_t mix(uint64_t h, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) h = (h ^ p[i]) * 1099511628211u;
    return h ^ h >> 29;
}
static const uint64_t seed = 14695981039346656037u;

/* ---- leaves ---- */

imnn_node imnn_graph_input(imnn_graph *g, imnn_dtype dtype, const imnn_shape *shape)
{
    return append(g, (imnn_vertex){.type = {dtype, *shape}, .hash = (uint64_t)g->count * seed});
}

imnn_node imnn_graph_placeholder(imnn_graph *g, imnn_dtype dtype, const imnn_shape *shape)
{
    return append(g, (imnn_vertex){.type = {dtype, *shape}, .hash = (uint64_t)g->count * seed,
                                   .scope = g->open, .placeholder = true});
}

/* Small constants are the same node when their bytes are; large ones when the array is. */
imnn_node imnn_graph_constant(imnn_graph *g, const imnn_array *a)
{
    enum { SMALL = 4096 };
    const imnn_type type = {a->dtype, a->shape};
    uint64_t h = mix(seed, &type.dtype, sizeof type.dtype);
    h = mix(h, type.shape.size, (size_t)type.shape.ndim * sizeof *type.shape.size);
    h = a->bytes <= SMALL ? mix(h, a->data, a->bytes) : mix(h, &a, sizeof a);
    if (!imnn_graph_ok(g)) return 0;
    for (imnn_node i = g->buckets ? g->bucket[h % (uint64_t)g->buckets] : 0; i;) {
        const imnn_vertex *v = imnn_vertex_of(g, i);
        if (v->value && v->hash == h && v->type.dtype == type.dtype &&
            imnn_shape_equal(&v->type.shape, &type.shape) &&
            (v->value == a || (a->bytes <= SMALL && !memcmp(v->value->data, a->data, a->bytes))))
            return i;
        i = v->next;
    }
    imnn_node x = append(g, (imnn_vertex){.type = type, .hash = h});
    if (x) g->block[x / IMNN_BLOCK][x % IMNN_BLOCK].value = imnn_array_retain(a);
    return x;
}

imnn_node imnn_graph_number(imnn_graph *g, imnn_dtype dtype, double value)
{
    imnn_array *a = NULL;
    if (!imnn_graph_ok(g)) return 0;
    imnn_status st = imnn_array_from(&a, dtype, &(imnn_shape){0}, &value);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    imnn_node x = a ? imnn_graph_constant(g, a) : 0;
    imnn_array_release(a);
    return x;
}

/* ---- operators ---- */

static const char *dtype_list(uint32_t set)
{
    static _Thread_local char text[64];
    text[0] = 0;
    for (int d = 0; d < IMNN_NDTYPE; d++)
        if (set >> d & 1) {
            if (text[0]) strcat(text, ", ");
            strcat(text, imnn_dtype_name((imnn_dtype)d));
        }
    return text;
}

static bool same(const imnn_vertex *v, const imnn_op *op, int n, const imnn_node *x,
                 const imnn_attr *attr)
{
    return v->op == op && v->n == n && v->attr->n == attr->n &&
           !memcmp(v->x, x, (size_t)n * sizeof *x) &&
           !memcmp(v->attr->v, attr->v, (size_t)attr->n * sizeof *attr->v);
}

static imnn_node find(const imnn_graph *g, uint64_t h, const imnn_op *op, int n, const imnn_node *x,
                      const imnn_attr *attr)
{
    imnn_node i = g->buckets ? g->bucket[h % (uint64_t)g->buckets] : 0;
    while (i && !(imnn_vertex_of(g, i)->hash == h && same(imnn_vertex_of(g, i), op, n, x, attr)))
        i = imnn_vertex_of(g, i)->next;
    return i;
}

imnn_node imnn_graph_add(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                         const imnn_attr *attr)
{
    static const imnn_attr none;
    if (!imnn_graph_ok(g)) return 0;
    if (!attr) attr = &none;
    imnn_type in[n + 1], out = {0};
    imnn_vertex v = {.op = op, .n = n};
    for (int i = 0; i < n; i++) {
        if (x[i] <= 0 || x[i] >= g->count) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s: input %d is no node", op->name, i + 1);
            return 0;
        }
        const imnn_vertex *p = imnn_vertex_of(g, x[i]);
        in[i] = p->type;
        if (p->scope > v.scope) v.scope = p->scope;
        if (op->dtypes >> in[i].dtype & 1) continue;
        imnn_graph_fail(g, IMNN_EDTYPE, "%s: works on %s, got %s", op->name,
                        dtype_list(op->dtypes), imnn_dtype_name(in[i].dtype));
        return 0;
    }
    v.hash = mix(mix(mix(seed, &op, sizeof op), x, (size_t)n * sizeof *x), attr->v,
                 (size_t)attr->n * sizeof *attr->v);
    imnn_node old = find(g, v.hash, op, n, x, attr);
    if (old) return old;
    imnn_status st = op->infer(&out, n, in, attr);
    if (st != IMNN_OK) {
        imnn_graph_fail_last(g, st);
        return 0;
    }
    v.type = out;
    imnn_node *inputs = store(g, (size_t)(n + 1) * sizeof *inputs);
    if (!inputs) return 0;
    memcpy(inputs, x, (size_t)n * sizeof *x);
    v.x = inputs;
    if (attr->n) {
        imnn_attr *kept = store(g, offsetof(imnn_attr, v) + (size_t)attr->n * sizeof *attr->v);
        if (!kept) return 0;
        kept->n = attr->n;
        memcpy(kept->v, attr->v, (size_t)attr->n * sizeof *attr->v);
        v.attr = kept;
    }
    return append(g, v);
}

imnn_node imnn_graph_build(imnn_graph *g, int id, int n, const imnn_node *x, const imnn_attr *attr)
{
    static const imnn_attr none;
    const imnn_op *op = imnn_op_table[id];
    if (!imnn_graph_ok(g)) return 0;
    if (!attr) attr = &none;
    for (int i = 0; i < n; i++)
        if (x[i] <= 0 || x[i] >= g->count) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s: input %d is no node", op->name, i + 1);
            return 0;
        }
    return op->build ? op->build(g, op, n, x, attr) : imnn_graph_add(g, op, n, x, attr);
}

imnn_node imnn_graph_apply(imnn_graph *g, int id, int n, const imnn_node *x, const imnn_attr *attr)
{
    if (!imnn_graph_ok(g)) return 0;
    if (id < 0 || id >= IMNN_NOP) {
        imnn_graph_fail(g, IMNN_EVALUE, "graph: there is no operator %d", id);
        return 0;
    }
    const imnn_op *op = imnn_op_table[id];
    if (op->arity >= 0 && n != op->arity) {
        imnn_graph_fail(g, IMNN_EVALUE, "%s: takes %d inputs, got %d", op->name, op->arity, n);
        return 0;
    }
    for (int i = 0; i < n; i++)
        if (x[i] > 0 && x[i] < g->count && imnn_graph_left(g, x[i])) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s: a traced array has left its function", op->name);
            return 0;
        }
    return imnn_graph_build(g, id, n, x, attr);
}

/* ---- scopes ---- */

int32_t imnn_graph_open(imnn_graph *g)
{
    if (g->scopes + 1 >= g->scope_room) {
        int32_t room = g->scope_room ? 2 * g->scope_room : 16;
        struct imnn_scope *s = imnn_alloc((size_t)room * sizeof *s);
        if (!s) {
            imnn_graph_fail_last(g, IMNN_ENOMEM);
            return 0;
        }
        if (g->scope) memcpy(s, g->scope, (size_t)g->scope_room * sizeof *s);
        imnn_free(g->scope, (size_t)g->scope_room * sizeof *s);
        g->scope = s, g->scope_room = room;
    }
    g->scope[++g->scopes] = (struct imnn_scope){false, g->open};
    return g->open = g->scopes;
}

void imnn_graph_close(imnn_graph *g, int32_t scope)
{
    if (scope <= 0 || scope > g->scopes) return;
    g->scope[scope].closed = true;
    while (g->open && g->scope[g->open].closed) g->open = g->scope[g->open].parent;
}

bool imnn_graph_left(const imnn_graph *g, imnn_node x)
{
    const int32_t scope = imnn_vertex_of(g, x)->scope;
    return scope > 0 && g->scope[scope].closed;
}

bool imnn_graph_is_number(const imnn_graph *g, imnn_node x, double *value)
{
    if (x <= 0) return false;
    const imnn_vertex *v = imnn_vertex_of(g, x);
    while (v->op && (v->op->id == IMNN_OP_broadcast || v->op->id == IMNN_OP_reshape))
        v = imnn_vertex_of(g, v->x[0]);
    if (!v->value || imnn_shape_count(&v->type.shape) != 1) return false;
    const void *p = v->value->data;
    switch (v->type.dtype) {
    case IMNN_F32: *value = *(const float *)p; break;
    case IMNN_F64: *value = *(const double *)p; break;
    case IMNN_I32: *value = *(const int32_t *)p; break;
    case IMNN_U32: *value = *(const uint32_t *)p; break;
    default: *value = *(const uint8_t *)p;
    }
    return true;
}
