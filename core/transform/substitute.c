/* Other nodes in place of variables: what depends on them is built again, so that it is simplified
 * and shared once more. */
#include "core/transform/transform.h"

static imnn_node replace_one(imnn_graph *g, const imnn_vertex *v, const imnn_node *to, int64_t size)
{
    imnn_node x[v->n + 1];
    for (int i = 0; i < v->n; i++) x[i] = to[v->x[i]] ? to[v->x[i]] : v->x[i];
    return imnn_graph_build(g, v->op->id, v->n, x, v->attr);
}

imnn_status imnn_graph_substitute(imnn_graph *g, int ny, const imnn_node *y, int nx,
                                  const imnn_node *x, const imnn_node *to, imnn_node *out)
{
    for (int j = 0; j < nx && imnn_graph_ok(g); j++)
        if (to[j] == 0)
            imnn_graph_fail(g, IMNN_EVALUE, "substitute: nothing for variable %d", j + 1);
    imnn_same_types(g, "substitute: value", nx, to, x);
    return imnn_replay(g, replace_one, 0, ny, y, nx, x, to, out);
}
