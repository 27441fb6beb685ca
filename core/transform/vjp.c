/* Reverse derivative: every operator's rule, from the results back to the variables. */
#include "core/graph/body.h"
#include "core/transform/transform.h"
#include <string.h>

/* All results of an operator that holds bodies at once, at the first of them. */
static void pull(imnn_graph *g, imnn_node n, const imnn_cone *c, imnn_node *cotangent)
{
    const imnn_vertex *v = imnn_vertex_of(g, n);
    const bool holds = v->op->class == IMNN_HOLD;
    const int count = holds ? v->op->results(v->attr) : 1;
    imnn_node dy[count + 1], dx[v->n + 1];
    bool any = false;
    if (holds && imnn_body_result(v->attr) != 0) return;
    for (int k = 0; k < count; k++) {
        dy[k] = n + k < c->size && !c->leaf[n + k] ? cotangent[n + k] : 0;
        any = any || dy[k];
    }
    if (!any) return;
    if (!holds && !v->op->vjp) {
        imnn_graph_fail(g, IMNN_EVALUE, "%s: has no derivative", v->op->name);
        return;
    }
    for (int i = 0; i < v->n; i++) dx[i] = c->depends[v->x[i]] ? 0 : -1;
    if (holds) v->op->pull(g, v, n, dy, dx);
    else v->op->vjp(g, v, n, dy[0], dx);
    for (int i = 0; i < v->n && imnn_graph_ok(g); i++)
        if (dx[i] > 0 && c->depends[v->x[i]])
            cotangent[v->x[i]] = g_plus(g, cotangent[v->x[i]], dx[i]);
}

imnn_status imnn_graph_vjp(imnn_graph *g, int ny, const imnn_node *y, const imnn_node *dy, int nx,
                           const imnn_node *x, imnn_node *dx)
{
    imnn_cone c;
    imnn_node found[nx + 1];
    memset(found, 0, sizeof found);
    if (imnn_same_types(g, "vjp: cotangent", ny, dy, y) &&
        imnn_cone_of(&c, g, ny, y, nx, x, true)) {
        imnn_node *cotangent = imnn_cone_table(&c, g);
        for (int i = 0; i < ny && imnn_graph_ok(g); i++)
            if (dy[i] && c.depends[y[i]]) cotangent[y[i]] = g_plus(g, cotangent[y[i]], dy[i]);
        for (imnn_node n = c.last; n >= c.first && imnn_graph_ok(g); n--)
            if (imnn_vertex_of(g, n)->op) pull(g, n, &c, cotangent);
        for (int j = 0; j < nx && imnn_graph_ok(g); j++) found[j] = cotangent[x[j]];
        imnn_cone_table_free(&c, cotangent);
        imnn_cone_free(&c);
    }
    memcpy(dx, found, (size_t)nx * sizeof *dx);
    return imnn_graph_status(g);
}
