/* Batching: every operator's rule, from the variables with one more axis to the results. */
#include "core/transform/transform.h"
#include <string.h>

static imnn_node batch_one(imnn_graph *g, const imnn_vertex *v, const imnn_node *to, int64_t size)
{
    imnn_node x[v->n + 1];
    bool batched[v->n + 1], any = false;
    for (int i = 0; i < v->n; i++) {
        batched[i] = to[v->x[i]] != 0;
        x[i] = batched[i] ? to[v->x[i]] : v->x[i];
        any = any || batched[i];
    }
    if (!any) return 0;
    if (!v->op->batch) {
        imnn_graph_fail(g, IMNN_EVALUE, "vmap: %s cannot be batched", v->op->name);
        return 0;
    }
    imnn_node y = v->op->batch(g, v, x, batched, size);
    const imnn_shape *s = imnn_graph_shape(g, y);
    if (y && (s->ndim != v->type.shape.ndim + 1 || s->size[0] != size))
        imnn_graph_fail(g, IMNN_ESHAPE, "vmap: the batching rule of %s gave %s for %s", v->op->name,
                        imnn_shape_text(s).s, imnn_shape_text(&v->type.shape).s);
    return y;
}

/* The size of the batch, -1 if there is none. */
static int64_t size_of(imnn_graph *g, int nx, const imnn_node *x, const imnn_node *xb)
{
    int64_t size = -1;
    for (int j = 0; j < nx; j++) {
        const imnn_shape *s = imnn_graph_shape(g, x[j]), *b = imnn_graph_shape(g, xb[j]);
        const imnn_dtype ds = imnn_graph_dtype(g, x[j]), db = imnn_graph_dtype(g, xb[j]);
        const size_t bytes = (size_t)s->ndim * sizeof *s->size;
        if (!imnn_is_node(g, x[j]) || !imnn_is_node(g, xb[j]))
            imnn_graph_fail(g, IMNN_EVALUE, "vmap: argument %d is no node", j + 1);
        else if (ds != db || b->ndim != s->ndim + 1 || memcmp(b->size + 1, s->size, bytes))
            imnn_graph_fail(g, IMNN_ESHAPE, "vmap: %s %s is no batch of %s %s", imnn_dtype_name(db),
                            imnn_shape_text(b).s, imnn_dtype_name(ds), imnn_shape_text(s).s);
        else if (size >= 0 && b->size[0] != size)
            imnn_graph_fail(g, IMNN_ESHAPE, "vmap: batches of different sizes, %lld and %lld",
                            (long long)size, (long long)b->size[0]);
        else size = b->size[0];
    }
    if (nx < 1) imnn_graph_fail(g, IMNN_EVALUE, "vmap: needs an argument with a batch axis");
    return imnn_graph_ok(g) ? size : -1;
}

imnn_status imnn_graph_vmap(imnn_graph *g, int ny, const imnn_node *y, int nx, const imnn_node *x,
                            const imnn_node *xb, imnn_node *yb)
{
    return imnn_replay(g, batch_one, size_of(g, nx, x, xb), ny, y, nx, x, xb, yb);
}
