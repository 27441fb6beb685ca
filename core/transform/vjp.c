/* Reverse derivative: every operator's rule, from the results back to the variables. */
#include "core/transform/transform.h"

static void pull(imnn_graph *g, imnn_node n, const imnn_cone *c, imnn_node *cotangent)
{
    const imnn_vertex *v = imnn_vertex_of(g, n);
    imnn_node dx[v->n + 1];
    if (!v->op->vjp) {
        imnn_graph_fail(g, IMNN_EVALUE, "%s: has no derivative", v->op->name);
        return;
    }
    for (int i = 0; i < v->n; i++)
        dx[i] = c->depends[v->x[i]] && imnn_is_smooth(g, v->x[i]) ? 0 : -1;
    v->op->vjp(g, v, n, cotangent[n], dx);
    for (int i = 0; i < v->n && imnn_graph_ok(g); i++) {
        imnn_node *sum = &cotangent[v->x[i]];
        if (dx[i] <= 0 || !c->depends[v->x[i]] || !imnn_is_smooth(g, v->x[i])) continue;
        *sum = *sum ? g_add(g, *sum, dx[i]) : dx[i];
    }
}

imnn_status imnn_graph_vjp(imnn_graph *g, int ny, const imnn_node *y, const imnn_node *dy, int nx,
                           const imnn_node *x, imnn_node *dx)
{
    imnn_cone c;
    imnn_node found[nx + 1];
    if (!imnn_cone_of(&c, g, ny, y, nx, x)) return imnn_graph_status(g);
    const size_t bytes = (size_t)c.size * sizeof(imnn_node);
    imnn_node *cotangent = imnn_alloc(bytes);
    if (!cotangent) imnn_graph_fail_last(g, IMNN_ENOMEM);
    for (int i = 0; cotangent && i < ny; i++)
        if (dy[i] && c.depends[y[i]] && imnn_is_smooth(g, y[i]))
            cotangent[y[i]] = cotangent[y[i]] ? g_add(g, cotangent[y[i]], dy[i]) : dy[i];
    for (imnn_node n = c.last; cotangent && n >= c.first && imnn_graph_ok(g); n--)
        if (cotangent[n] && c.depends[n] && !c.leaf[n]) pull(g, n, &c, cotangent);
    for (int j = 0; j < nx; j++) found[j] = cotangent && imnn_graph_ok(g) ? cotangent[x[j]] : 0;
    for (int j = 0; j < nx; j++) dx[j] = found[j];
    imnn_free(cotangent, bytes);
    imnn_cone_free(&c);
    return imnn_graph_status(g);
}
