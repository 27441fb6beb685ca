/* Operators of concrete arrays: programs of one operator, cached by operator and types. */
#include "core/program/program.h"
#include <string.h>

enum { SLOTS = 256, MOST_INPUTS = 8, MOST_NUMBERS = sizeof((imnn_attr *)0)->v / sizeof(int64_t) };

typedef struct slot {
    imnn_program *program;
    int op, n;
    imnn_attr attr;
    imnn_type in[MOST_INPUTS];
    bool shares;      /* the result has the elements of the first input, in their order, */
    imnn_shape shape; /* under this shape */
} slot;

/* Of the thread, since a program is used by one thread at a time. */
static _Thread_local slot *cache;

static uint64_t mix(uint64_t h, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) h = (h ^ p[i]) * 1099511628211u;
    return h;
}

static bool fits(const slot *s, int op, int n, const imnn_array *const *x, const imnn_attr *attr)
{
    if (!s->program || s->op != op || s->n != n || s->attr.n != attr->n ||
        memcmp(s->attr.v, attr->v, (size_t)attr->n * sizeof *attr->v))
        return false;
    for (int i = 0; i < n; i++)
        if (s->in[i].dtype != x[i]->dtype || !imnn_shape_equal(&s->in[i].shape, &x[i]->shape))
            return false;
    return true;
}

/* Whether y shows the elements of x in their order. */
static bool is_same(const imnn_graph *g, imnn_node y, imnn_node x)
{
    const imnn_vertex *v = imnn_vertex_of(g, y);
    return y == x || (v->op && v->op->id == IMNN_OP_reshape && v->x[0] == x);
}

static imnn_status compile(slot *s, int op, int n, const imnn_array *const *x,
                           const imnn_attr *attr)
{
    imnn_graph *g = NULL;
    imnn_node in[n + 1], y;
    *s = (slot){.op = op, .n = n};
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    for (int i = 0; i < n; i++) in[i] = imnn_graph_input(g, x[i]->dtype, &x[i]->shape);
    y = imnn_graph_apply(g, op, n, in, attr);
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_program_new(&s->program, g, n, in, 1, &y);
    if (st == IMNN_OK && n > 0)
        s->shares = is_same(g, y, in[0]), s->shape = *imnn_graph_shape(g, y);
    imnn_graph_release(g);
    return st;
}

static imnn_status apply(imnn_array **out, int op, int n, const imnn_array *const *x,
                         const imnn_attr *attr)
{
    static const imnn_attr none;
    slot fresh;
    *out = NULL;
    if (!attr) attr = &none;
    if (n > MOST_INPUTS || attr->n < 0 || attr->n > MOST_NUMBERS) { /* or a sentence */
        imnn_status st = compile(&fresh, op, n, x, attr);
        if (st == IMNN_OK) st = imnn_program_run(fresh.program, x, out);
        imnn_program_release(fresh.program);
        return st;
    }
    if (!cache && !(cache = imnn_alloc(SLOTS * sizeof *cache))) return IMNN_ENOMEM;
    uint64_t h = mix(14695981039346656037u, &op, sizeof op);
    h = mix(h, attr->v, (size_t)attr->n * sizeof *attr->v);
    for (int i = 0; i < n; i++) {
        h = mix(h, &x[i]->dtype, sizeof x[i]->dtype);
        h = mix(h, x[i]->shape.size, (size_t)x[i]->shape.ndim * sizeof *x[i]->shape.size);
    }
    slot *s = &cache[(h ^ h >> 32) % SLOTS];
    if (!fits(s, op, n, x, attr)) {
        imnn_status st = compile(&fresh, op, n, x, attr);
        if (st != IMNN_OK) return st;
        imnn_program_release(s->program);
        *s = fresh, s->attr = imnn_attr_copy(attr);
        for (int i = 0; i < n; i++) s->in[i] = (imnn_type){x[i]->dtype, x[i]->shape};
    }
    if (s->shares) return imnn_array_share(out, x[0], &s->shape);
    return imnn_program_run(s->program, x, out);
}

imnn_status imnn_apply(imnn_array **out, int op, int n, const imnn_array *const *x,
                       const imnn_attr *attr)
{
    imnn_status st = apply(out, op, n, x, attr);
    if (st != IMNN_OK || !imnn_last_fault()[0]) return st;
    imnn_array_release(*out);
    *out = NULL;
    return imnn_fail(IMNN_EVALUE, "%s", imnn_last_fault());
}

/* While tracing, what has no result is left to the run, which says so. */
static imnn_status evaluate(imnn_array **out, int op, int n, const imnn_array *const *x,
                            const imnn_attr *attr)
{
    imnn_status st = apply(out, op, n, x, attr);
    if (st != IMNN_OK || !imnn_last_fault()[0]) return st;
    imnn_array_release(*out);
    *out = NULL;
    return IMNN_OK;
}

__attribute__((constructor)) static void offer(void) { imnn_graph_evaluator = evaluate; }

void imnn_apply_forget(void)
{
    for (int i = 0; cache && i < SLOTS; i++) imnn_program_release(cache[i].program);
    imnn_free(cache, SLOTS * sizeof *cache);
    cache = NULL;
}
