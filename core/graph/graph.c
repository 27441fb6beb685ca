/* Graph builder: nodes are appended, shared when equal, and never change; the first failure
 * sticks. */
#include "core/graph/graph.h"
#include "core/graph/body.h"
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
    atomic_store(&g->refs, 1);
    *out = g;
    return IMNN_OK;
}

imnn_graph *imnn_graph_retain(imnn_graph *g)
{
    atomic_fetch_add(&g->refs, 1);
    return g;
}

void imnn_graph_release(imnn_graph *g)
{
    if (!g || atomic_fetch_sub(&g->refs, 1) > 1) return;
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
    for (int32_t i = 0; i < g->bodies; i++) imnn_body_release(g->body[i]);
    imnn_free(g->body, (size_t)g->body_room * sizeof(imnn_body *));
    imnn_free(g->memo, g->memo_bytes);
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

/* What is no node has some shape and dtype too, so that rules may go on after a failure. */
const imnn_shape *imnn_graph_shape(const imnn_graph *g, imnn_node x)
{
    static const imnn_shape none;
    return imnn_is_node(g, x) ? &imnn_vertex_of(g, x)->type.shape : &none;
}

imnn_dtype imnn_graph_dtype(const imnn_graph *g, imnn_node x)
{
    return imnn_is_node(g, x) ? imnn_vertex_of(g, x)->type.dtype : IMNN_F32;
}

const imnn_array *imnn_graph_value(const imnn_graph *g, imnn_node x)
{
    return imnn_is_node(g, x) ? imnn_vertex_of(g, x)->value : NULL;
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

static const imnn_attr no_attr;

static imnn_node append(imnn_graph *g, imnn_vertex v)
{
    if (!imnn_graph_ok(g)) return 0;
    if (!grow_blocks(g) || !grow_buckets(g)) {
        imnn_graph_fail_last(g, IMNN_ENOMEM);
        return 0;
    }
    if (!v.attr) v.attr = &no_attr;
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

static bool can_exist(imnn_graph *g, const char *who, const imnn_type *t)
{
    const imnn_shape *s = &t->shape;
    bool negative = false;
    for (int k = 0; k < s->ndim && k < IMNN_MAX_NDIM; k++) negative = negative || s->size[k] < 0;
    if ((unsigned)t->dtype >= IMNN_NDTYPE)
        imnn_graph_fail(g, IMNN_EDTYPE, "%s: no dtype has the number %d", who, (int)t->dtype);
    else if (s->ndim < 0 || s->ndim > IMNN_MAX_NDIM)
        imnn_graph_fail(g, IMNN_EVALUE, "%s: 0 to %d axes, got %d", who, IMNN_MAX_NDIM, s->ndim);
    else if (negative)
        imnn_graph_fail(g, IMNN_EVALUE, "%s: negative size in %s", who, imnn_shape_text(s).s);
    else if (imnn_shape_count(s) > INT64_MAX / 32)
        imnn_graph_fail(g, IMNN_ENOMEM, "%s: %s are more elements than any memory holds", who,
                        imnn_shape_text(s).s);
    return imnn_graph_ok(g);
}

/* Always a new node: two inputs of the same type are not the same. */
static imnn_node append_fresh(imnn_graph *g, const char *who, imnn_vertex v)
{
    v.hash = (uint64_t)g->count * seed;
    return can_exist(g, who, &v.type) ? append(g, v) : 0;
}

imnn_node imnn_graph_input(imnn_graph *g, imnn_dtype dtype, const imnn_shape *shape)
{
    return append_fresh(g, "input", (imnn_vertex){.type = {dtype, *shape}});
}

imnn_node imnn_graph_placeholder(imnn_graph *g, imnn_dtype dtype, const imnn_shape *shape)
{
    return append_fresh(
        g, "placeholder",
        (imnn_vertex){.type = {dtype, *shape}, .scope = g->open, .placeholder = true});
}

/* Small constants are the same node when their bytes are; large ones when the array is. */
enum { SMALL_CONSTANT = 4096 };

static uint64_t hash_constant(const imnn_array *a)
{
    uint64_t h = mix(seed, &a->dtype, sizeof a->dtype);
    h = mix(h, a->shape.size, (size_t)a->shape.ndim * sizeof *a->shape.size);
    return a->bytes <= SMALL_CONSTANT ? mix(h, a->data, a->bytes) : mix(h, &a, sizeof a);
}

bool imnn_same_constant(const imnn_array *a, const imnn_array *b)
{
    if (a == b) return true;
    return a && a->bytes <= SMALL_CONSTANT && a->dtype == b->dtype &&
           imnn_shape_equal(&a->shape, &b->shape) && !memcmp(a->data, b->data, a->bytes);
}

imnn_node imnn_graph_constant(imnn_graph *g, const imnn_array *a)
{
    if (!imnn_graph_ok(g)) return 0;
    const uint64_t h = hash_constant(a);
    imnn_node x = g->buckets ? g->bucket[h % (uint64_t)g->buckets] : 0;
    while (x &&
           !(imnn_vertex_of(g, x)->hash == h && imnn_same_constant(imnn_vertex_of(g, x)->value, a)))
        x = imnn_vertex_of(g, x)->next;
    if (x) return x;
    x = append(g, (imnn_vertex){.type = {a->dtype, a->shape}, .hash = h});
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

static bool same(const imnn_vertex *v, const imnn_op *op, int n, const imnn_node *x,
                 const imnn_attr *attr)
{
    return v->op == op && v->n == n && v->attr->n == attr->n &&
           (n == 0 || !memcmp(v->x, x, (size_t)n * sizeof *x)) &&
           (attr->n == 0 || !memcmp(v->attr->v, attr->v, (size_t)attr->n * sizeof *attr->v));
}

static imnn_node find(const imnn_graph *g, uint64_t h, const imnn_op *op, int n, const imnn_node *x,
                      const imnn_attr *attr)
{
    imnn_node i = g->buckets ? g->bucket[h % (uint64_t)g->buckets] : 0;
    while (i && !(imnn_vertex_of(g, i)->hash == h && same(imnn_vertex_of(g, i), op, n, x, attr)))
        i = imnn_vertex_of(g, i)->next;
    return i;
}

enum { MOST_INPUTS = 4096, LEAST_KEPT = 3 };

static bool are_nodes(imnn_graph *g, const char *who, int n, const imnn_node *x)
{
    for (int i = 0; i < n; i++)
        if (!imnn_is_node(g, x[i])) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s: input %d is no node", who, i + 1);
            return false;
        }
    return true;
}

bool imnn_graph_accepts(imnn_graph *g, const char *who, int n, const imnn_node *x)
{
    if (!imnn_graph_ok(g) || !are_nodes(g, who, n, x)) return false;
    for (int i = 0; i < n; i++)
        if (imnn_graph_left(g, x[i])) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s: a traced array has left its function", who);
            return false;
        }
    return true;
}

/* Types of the inputs; the scope of what depends on all of them. */
static bool note_inputs(imnn_graph *g, imnn_type *in, imnn_vertex *v, const imnn_node *x)
{
    for (int i = 0; i < v->n; i++) {
        const imnn_vertex *p = imnn_vertex_of(g, x[i]);
        in[i] = p->type;
        if (p->scope > v->scope) v->scope = p->scope;
        if (v->op->dtypes >> in[i].dtype & 1) continue;
        imnn_graph_fail(g, IMNN_EDTYPE, "%s: works on %s, got %s", v->op->name,
                        imnn_dtypes_text(v->op->dtypes).s, imnn_dtype_name(in[i].dtype));
        return false;
    }
    return true;
}

/* Copies in the graph's own memory. A few numbers are always there, so that rules may look at
 * those that a careless caller left out. */
static bool keep(imnn_graph *g, imnn_vertex *v, const imnn_node *x, const imnn_attr *attr)
{
    const size_t kept = (size_t)(attr->n < LEAST_KEPT ? LEAST_KEPT : attr->n);
    imnn_node *inputs = store(g, (size_t)(v->n + 1) * sizeof *inputs);
    imnn_attr *a = attr->n ? store(g, offsetof(imnn_attr, v) + kept * sizeof *attr->v) : NULL;
    if (!inputs || (attr->n && !a)) return false;
    if (v->n) memcpy(inputs, x, (size_t)v->n * sizeof *x);
    v->x = inputs;
    if (!a) return true;
    a->n = attr->n;
    memcpy(a->v, attr->v, (size_t)attr->n * sizeof *attr->v);
    v->attr = a;
    return true;
}

imnn_evaluator *imnn_graph_evaluator;

/* A small operator of small constants is a constant: what was computed before tracing and what is
 * computed while tracing is the same node then. Repetition stays a view. */
static imnn_node fold(imnn_graph *g, const imnn_vertex *v, int n, const imnn_node *x,
                      const imnn_attr *attr)
{
    enum { SMALL = 256, INPUTS = 4 };
    const imnn_array *in[INPUTS];
    if (!imnn_graph_evaluator || n < 1 || n > INPUTS || v->op->id == IMNN_OP_broadcast ||
        v->op->class == IMNN_HOLD || imnn_shape_count(&v->type.shape) > SMALL)
        return 0;
    for (int i = 0; i < n; i++) {
        const imnn_vertex *p = imnn_vertex_of(g, x[i]);
        while (p->op && p->op->id == IMNN_OP_broadcast) p = imnn_vertex_of(g, p->x[0]);
        if (!p->value || imnn_shape_count(&imnn_vertex_of(g, x[i])->type.shape) > SMALL) return 0;
        in[i] = imnn_vertex_of(g, x[i])->value;
        if (!in[i]) return 0;
    }
    imnn_array *a = NULL;
    imnn_status st = imnn_graph_evaluator(&a, v->op->id, n, in, attr);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    imnn_node y = a ? imnn_graph_constant(g, a) : 0;
    imnn_array_release(a);
    return y;
}

imnn_node imnn_graph_add(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                         const imnn_attr *attr)
{
    if (!imnn_graph_ok(g) || !are_nodes(g, op->name, n, x)) return 0;
    if (!attr) attr = &no_attr;
    imnn_type in[n + 1];
    imnn_vertex v = {.op = op, .n = n};
    if (!note_inputs(g, in, &v, x)) return 0;
    v.hash = mix(mix(mix(seed, &op, sizeof op), x, (size_t)n * sizeof *x), attr->v,
                 (size_t)attr->n * sizeof *attr->v);
    imnn_node old = find(g, v.hash, op, n, x, attr);
    if (old) return old;
    imnn_status st = op->infer(&v.type, n, in, attr);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    if (st != IMNN_OK || !can_exist(g, op->name, &v.type)) return 0;
    imnn_node known = fold(g, &v, n, x, attr);
    if (known || !imnn_graph_ok(g)) return known;
    return keep(g, &v, x, attr) ? append(g, v) : 0;
}

imnn_node imnn_graph_build(imnn_graph *g, int id, int n, const imnn_node *x, const imnn_attr *attr)
{
    const imnn_op *op = imnn_op_table[id];
    if (!imnn_graph_ok(g) || !are_nodes(g, op->name, n, x)) return 0;
    if (!attr) attr = &no_attr;
    return op->build ? op->build(g, op, n, x, attr) : imnn_graph_add(g, op, n, x, attr);
}

imnn_node imnn_graph_apply(imnn_graph *g, int id, int n, const imnn_node *x, const imnn_attr *attr)
{
    enum { MOST = sizeof attr->v / sizeof *attr->v };
    const imnn_op *op = id >= 0 && id < IMNN_NOP ? imnn_op_table[id] : NULL;
    if (!imnn_graph_ok(g)) return 0;
    if (!op) imnn_graph_fail(g, IMNN_EVALUE, "graph: there is no operator %d", id);
    else if (op->arity >= 0 && n != op->arity)
        imnn_graph_fail(g, IMNN_EVALUE, "%s: takes %d inputs, got %d", op->name, op->arity, n);
    else if (n < 0 || n > MOST_INPUTS)
        imnn_graph_fail(g, IMNN_EVALUE, "%s: takes at most %d inputs, got %d", op->name,
                        MOST_INPUTS, n);
    else if (attr && (attr->n < 0 || attr->n > MOST))
        imnn_graph_fail(g, IMNN_EVALUE, "%s: at most %d attributes, got %d", op->name, MOST,
                        attr->n);
    return imnn_graph_ok(g) && imnn_graph_accepts(g, op->name, n, x)
               ? imnn_graph_build(g, id, n, x, attr)
               : 0;
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

/* Scopes that were opened inside are closed too: an error may have skipped their end. */
void imnn_graph_close(imnn_graph *g, int32_t scope)
{
    if (scope <= 0 || scope > g->scopes || g->scope[scope].closed) return;
    for (; g->open >= scope; g->open = g->scope[g->open].parent) g->scope[g->open].closed = true;
}

bool imnn_graph_left(const imnn_graph *g, imnn_node x)
{
    const int32_t scope = imnn_is_node(g, x) ? imnn_vertex_of(g, x)->scope : 0;
    return scope > 0 && g->scope[scope].closed;
}

bool imnn_graph_is_number(const imnn_graph *g, imnn_node x, double *value)
{
    if (!imnn_is_node(g, x)) return false;
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
    case IMNN_C64: *value = ((const float *)p)[0]; return ((const float *)p)[1] == 0;
    case IMNN_C128: *value = ((const double *)p)[0]; return ((const double *)p)[1] == 0;
    default: *value = *(const uint8_t *)p;
    }
    return true;
}
