/* What lies between variables and results. */
#include "core/transform/transform.h"
#include <string.h>

bool imnn_cone_of(imnn_cone *c, imnn_graph *g, int ny, const imnn_node *y, int nx,
                  const imnn_node *x)
{
    *c = (imnn_cone){.first = g->count, .size = g->count};
    if (!imnn_graph_ok(g)) return false;
    for (int j = 0; j < nx; j++) {
        if (x[j] <= 0 || x[j] >= g->count) {
            imnn_graph_fail(g, IMNN_EVALUE, "transform: variable %d is no node", j + 1);
            return false;
        }
        if (x[j] < c->first) c->first = x[j];
    }
    for (int i = 0; i < ny; i++) {
        if (y[i] <= 0 || y[i] >= g->count) {
            imnn_graph_fail(g, IMNN_EVALUE, "transform: result %d is no node", i + 1);
            return false;
        }
        if (y[i] > c->last) c->last = y[i];
    }
    c->depends = imnn_alloc((size_t)c->size);
    c->leaf = imnn_alloc((size_t)c->size);
    bool *needed = imnn_alloc((size_t)c->size);
    if (!c->depends || !c->leaf || !needed) {
        imnn_graph_fail_last(g, IMNN_ENOMEM);
        imnn_free(needed, (size_t)c->size);
        imnn_cone_free(c);
        return false;
    }
    for (int j = 0; j < nx; j++) c->leaf[x[j]] = c->depends[x[j]] = true;
    for (int i = 0; i < ny; i++) needed[y[i]] = true;
    for (imnn_node n = c->last; n >= c->first; n--) {
        const imnn_vertex *v = imnn_vertex_of(g, n);
        for (int i = 0; needed[n] && !c->leaf[n] && i < v->n; i++) needed[v->x[i]] = true;
    }
    for (imnn_node n = c->first; n <= c->last; n++) {
        const imnn_vertex *v = imnn_vertex_of(g, n);
        for (int i = 0; needed[n] && !c->leaf[n] && i < v->n; i++)
            if (c->depends[v->x[i]]) c->depends[n] = true;
    }
    imnn_free(needed, (size_t)c->size);
    return true;
}

void imnn_cone_free(imnn_cone *c)
{
    imnn_free(c->depends, (size_t)c->size);
    imnn_free(c->leaf, (size_t)c->size);
    c->depends = c->leaf = NULL;
}
