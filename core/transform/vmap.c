/* Batching and substitution: the cone over the variables, built again over other ones. */
#include "core/transform/transform.h"
#include <string.h>

static imnn_node batch_one(imnn_graph *g, imnn_node n, const imnn_node *to, int64_t size)
{
    const imnn_vertex *v = imnn_vertex_of(g, n);
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

static imnn_node replace_one(imnn_graph *g, imnn_node n, const imnn_node *to)
{
    const imnn_vertex *v = imnn_vertex_of(g, n);
    imnn_node x[v->n + 1];
    for (int i = 0; i < v->n; i++) x[i] = to[v->x[i]] ? to[v->x[i]] : v->x[i];
    return imnn_graph_build(g, v->op->id, v->n, x, v->attr);
}

/* size < 0: substitution. */
static imnn_status rebuild(imnn_graph *g, int ny, const imnn_node *y, int nx, const imnn_node *x,
                           const imnn_node *by, imnn_node *out, int64_t size)
{
    imnn_cone c;
    imnn_node found[ny + 1];
    if (!imnn_cone_of(&c, g, ny, y, nx, x)) return imnn_graph_status(g);
    const size_t bytes = (size_t)c.size * sizeof(imnn_node);
    imnn_node *to = imnn_alloc(bytes);
    if (!to) imnn_graph_fail_last(g, IMNN_ENOMEM);
    for (int j = 0; to && j < nx; j++) to[x[j]] = by[j];
    for (imnn_node n = c.first; to && n <= c.last && imnn_graph_ok(g); n++)
        if (c.depends[n] && !c.leaf[n])
            to[n] = size < 0 ? replace_one(g, n, to) : batch_one(g, n, to, size);
    for (int i = 0; i < ny; i++)
        found[i] = !to || !imnn_graph_ok(g) ? 0 : to[y[i]] ? to[y[i]] : y[i];
    for (int i = 0; i < ny; i++) out[i] = found[i];
    imnn_free(to, bytes);
    imnn_cone_free(&c);
    return imnn_graph_status(g);
}

imnn_status imnn_graph_vmap(imnn_graph *g, int ny, const imnn_node *y, int nx, const imnn_node *x,
                            const imnn_node *xb, imnn_node *yb)
{
    int64_t size = -1;
    if (nx < 1) return imnn_fail(IMNN_EVALUE, "vmap: needs an argument with a batch axis");
    for (int j = 0; j < nx; j++) {
        const imnn_shape *s = imnn_graph_shape(g, x[j]), *b = imnn_graph_shape(g, xb[j]);
        if (b->ndim != s->ndim + 1 || memcmp(b->size + 1, s->size, (size_t)s->ndim * sizeof *s->size))
            return imnn_fail(IMNN_ESHAPE, "vmap: %s is no batch of %s", imnn_shape_text(b).s,
                             imnn_shape_text(s).s);
        if (size >= 0 && b->size[0] != size)
            return imnn_fail(IMNN_ESHAPE, "vmap: batches of different sizes, %lld and %lld",
                             (long long)size, (long long)b->size[0]);
        size = b->size[0];
    }
    return rebuild(g, ny, y, nx, x, xb, yb, size);
}

imnn_status imnn_graph_substitute(imnn_graph *g, int ny, const imnn_node *y, int nx,
                                  const imnn_node *x, const imnn_node *to, imnn_node *out)
{
    for (int j = 0; j < nx; j++) {
        const imnn_shape *s = imnn_graph_shape(g, x[j]), *t = imnn_graph_shape(g, to[j]);
        if (imnn_graph_dtype(g, x[j]) != imnn_graph_dtype(g, to[j]) || !imnn_shape_equal(s, t))
            return imnn_fail(IMNN_ESHAPE, "substitute: %s for %s", imnn_shape_text(t).s,
                             imnn_shape_text(s).s);
    }
    return rebuild(g, ny, y, nx, x, to, out, -1);
}
