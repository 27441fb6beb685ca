#ifndef CORE_GRAPH_H
#define CORE_GRAPH_H
#include "core/array/array.h"
#include "imnn/graph.h"

typedef struct imnn_op imnn_op;
typedef struct imnn_type { /* of a value */
    imnn_dtype dtype;
    imnn_shape shape;
} imnn_type;
static inline bool imnn_same_type(const imnn_type *a, const imnn_type *b)
{
    return a->dtype == b->dtype && imnn_shape_equal(&a->shape, &b->shape);
}

/** A node. Its address never moves, and nothing of it ever changes once it is made. */
typedef struct imnn_vertex {
    const imnn_op *op; /* NULL: input, placeholder or constant */
    int32_t n;         /* number of inputs */
    const imnn_node *x;
    const imnn_attr *attr; /* never NULL; only its first n numbers exist */
    imnn_type type;
    imnn_array *value; /* constants only */
    int32_t scope;     /* of the innermost placeholder it depends on; 0: none */
    bool placeholder;
    uint64_t hash;
    imnn_node next; /* with the same hash bucket */
} imnn_vertex;

/** Attributes that are kept may end with their last number: they are not copied as a whole. */
static inline imnn_attr imnn_attr_copy(const imnn_attr *attr)
{
    imnn_attr copy = {.n = attr->n};
    for (int i = 0; i < attr->n; i++) copy.v[i] = attr->v[i];
    return copy;
}

/** Computes an operator of arrays; NULL where a value has no result. Set by core/program, which is
 * made of graphs itself: with it the builder computes small operators of constants at once. */
typedef imnn_status imnn_evaluator(imnn_array **out, int op, int n, const imnn_array *const *x,
                                   const imnn_attr *attr);
extern imnn_evaluator *imnn_graph_evaluator;

enum { IMNN_BLOCK = 256 }; /* vertices in a block */
struct imnn_graph {
    _Atomic int32_t refs;
    imnn_vertex **block;
    int32_t count, blocks; /* node 0 is never used */
    imnn_status status;    /* first failure */
    char error[512];
    imnn_node *bucket; /* hash table of nodes */
    int32_t buckets;
    struct imnn_chunk *chunk; /* attributes and input lists live here */
    struct imnn_scope {
        bool closed;
        int32_t parent;
    } * scope;
    int32_t scopes, scope_room, open; /* scopes made (0 is none); the innermost open one */
    imnn_buffer text;
    struct imnn_body **body; /* what operators hold: body.h */
    int32_t bodies, body_room;
    void *memo; /* of core/ops/hold.c */
    size_t memo_bytes;
};

static inline const imnn_vertex *imnn_vertex_of(const imnn_graph *g, imnn_node x)
{
    return &g->block[x / IMNN_BLOCK][x % IMNN_BLOCK];
}

static inline bool imnn_is_node(const imnn_graph *g, imnn_node x) { return x > 0 && x < g->count; }

/** One node with exactly these inputs (nothing broadcast, no rule applied but sharing); shape and
 *  dtype come from the operator's infer. imnn_graph_apply lets the operator adapt inputs first. */
imnn_node imnn_graph_add(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                         const imnn_attr *attr);
/** As imnn_graph_apply, for rules and builders inside the core: it does not ask about scopes. */
imnn_node imnn_graph_build(imnn_graph *g, int op, int n, const imnn_node *x, const imnn_attr *attr);
__attribute__((format(printf, 3, 4))) void imnn_graph_fail(imnn_graph *g, imnn_status status,
                                                           const char *format, ...);
/** Whether x[0] ... can be inputs of what the public builder `who` builds: nodes whose functions
 * are still open. */
bool imnn_graph_accepts(imnn_graph *g, const char *who, int n, const imnn_node *x);
/** Fail with the sentence of imnn_last_error(). */
void imnn_graph_fail_last(imnn_graph *g, imnn_status status);
/** Whether two constants are the same node. */
bool imnn_same_constant(const imnn_array *a, const imnn_array *b);
static inline bool imnn_graph_ok(const imnn_graph *g) { return g->status == IMNN_OK; }

/** Whether all elements of x are one known real number: a constant of one element, repeated and
 *  reshaped (a conversion of such a number is a number, see convert.c). */
bool imnn_graph_is_number(const imnn_graph *g, imnn_node x, double *value);
#endif
