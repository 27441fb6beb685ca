/* A graph as text, one node a line. */
#include "core/graph/graph.h"
#include "core/ops/ops.h"

static void print_constant(imnn_buffer *b, const imnn_graph *g, imnn_node x)
{
    double value;
    if (imnn_graph_is_number(g, x, &value)) imnn_print(b, "%.9g", value);
    else imnn_print(b, "constant");
}

static void print_node(imnn_buffer *b, const imnn_graph *g, imnn_node x)
{
    const imnn_vertex *v = imnn_vertex_of(g, x);
    imnn_print(b, "%%%d %s %s = ", x, imnn_dtype_name(v->type.dtype),
               imnn_shape_text(&v->type.shape).s);
    if (v->value) print_constant(b, g, x);
    else if (!v->op) imnn_print(b, v->placeholder ? "placeholder" : "input");
    else {
        imnn_print(b, "%s(", v->op->name);
        for (int i = 0; i < v->n; i++) imnn_print(b, i ? ", %%%d" : "%%%d", v->x[i]);
        imnn_print(b, ")");
        for (int i = 0; i < v->attr->n; i++)
            imnn_print(b, i ? ", %lld" : "  {%lld", (long long)v->attr->v[i]);
        if (v->attr->n) imnn_print(b, "}");
    }
    imnn_print(b, "\n");
}

const char *imnn_graph_text(imnn_graph *g, int ny, const imnn_node *y)
{
    imnn_buffer *b = &g->text;
    imnn_buffer_free(b);
    *b = (imnn_buffer){0};
    bool *need = imnn_alloc((size_t)g->count);
    if (!need) return "graph: no memory for its description";
    for (int i = 0; i < ny; i++)
        if (imnn_is_node(g, y[i])) need[y[i]] = true;
    for (imnn_node n = g->count - 1; n > 0; n--)
        for (int i = 0; need[n] && i < imnn_vertex_of(g, n)->n; i++)
            need[imnn_vertex_of(g, n)->x[i]] = true;
    for (imnn_node n = 1; n < g->count; n++)
        if (need[n]) print_node(b, g, n);
    imnn_print(b, "gives");
    for (int i = 0; i < ny; i++) imnn_print(b, i ? ", %%%d" : " %%%d", y[i]);
    imnn_print(b, "\n");
    imnn_free(need, (size_t)g->count);
    return b->failed ? "graph: no memory for its description" : b->text;
}
