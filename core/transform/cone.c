/* What lies between variables and results, and building it again. */
#include "core/transform/transform.h"
#include <string.h>

static bool are_nodes(imnn_graph *g, const char *what, int n, const imnn_node *x)
{
    for (int i = 0; i < n; i++)
        if (!imnn_is_node(g, x[i])) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s %d is no node", what, i + 1);
            return false;
        }
    return true;
}

/* needed: by the results, among the nodes first .. last */
static void mark(imnn_cone *c, const imnn_graph *g, bool *needed, bool smooth)
{
    for (imnn_node n = c->last; n >= c->first; n--) {
        const imnn_vertex *v = imnn_vertex_of(g, n);
        for (int i = 0; needed[n] && !c->leaf[n] && i < v->n; i++) needed[v->x[i]] = true;
    }
    for (imnn_node n = c->first; n <= c->last; n++) {
        const imnn_vertex *v = imnn_vertex_of(g, n);
        if (smooth && (!imnn_is_smooth(g, n) || (v->op && v->op->vjp == imnn_vjp_zero)) &&
            !c->leaf[n])
            continue;
        for (int i = 0; needed[n] && !c->leaf[n] && i < v->n; i++)
            c->depends[n] = c->depends[n] || c->depends[v->x[i]];
    }
}

bool imnn_cone_of(imnn_cone *c, imnn_graph *g, int ny, const imnn_node *y, int nx,
                  const imnn_node *x, bool smooth)
{
    *c = (imnn_cone){.first = g->count, .size = g->count};
    if (!imnn_graph_ok(g) || !are_nodes(g, "transform: variable", nx, x) ||
        !are_nodes(g, "transform: result", ny, y))
        return false;
    for (int j = 0; j < nx; j++) {
        if (x[j] < c->first) c->first = x[j];
        if (!imnn_graph_evaluator || !imnn_vertex_of(g, x[j])->value) continue;
        imnn_graph_fail(g, IMNN_EVALUE,
                        "transform: variable %d is a constant, and what is made of "
                        "constants alone is computed at once; use an input or a "
                        "placeholder",
                        j + 1);
        return false;
    }
    for (int i = 0; i < ny; i++)
        if (y[i] > c->last) c->last = y[i];
    c->depends = imnn_alloc((size_t)c->size);
    c->leaf = imnn_alloc((size_t)c->size);
    bool *needed = imnn_alloc((size_t)c->size);
    const bool ok = c->depends && c->leaf && needed;
    if (ok) {
        for (int j = 0; j < nx; j++) {
            c->leaf[x[j]] = true;
            c->depends[x[j]] = !smooth || imnn_is_smooth(g, x[j]);
        }
        for (int i = 0; i < ny; i++) needed[y[i]] = true;
        mark(c, g, needed, smooth);
    } else {
        imnn_graph_fail_last(g, IMNN_ENOMEM);
        imnn_cone_free(c);
    }
    imnn_free(needed, (size_t)c->size);
    return ok;
}

bool imnn_reached(imnn_graph *g, int ny, const imnn_node *y, int nx, const imnn_node *x,
                  bool *reached)
{
    imnn_cone c;
    if (!imnn_cone_of(&c, g, ny, y, nx, x, true)) return false;
    for (int i = 0; i < ny; i++) reached[i] = c.depends[y[i]];
    imnn_cone_free(&c);
    return true;
}

void imnn_cone_free(imnn_cone *c)
{
    imnn_free(c->depends, (size_t)c->size);
    imnn_free(c->leaf, (size_t)c->size);
    c->depends = c->leaf = NULL;
}

imnn_node *imnn_cone_table(const imnn_cone *c, imnn_graph *g)
{
    imnn_node *table = imnn_alloc((size_t)c->size * sizeof *table);
    if (!table) imnn_graph_fail_last(g, IMNN_ENOMEM);
    return table;
}

void imnn_cone_table_free(const imnn_cone *c, imnn_node *table)
{
    imnn_free(table, (size_t)c->size * sizeof *table);
}

bool imnn_same_types(imnn_graph *g, const char *what, int n, const imnn_node *a, const imnn_node *b)
{
    for (int i = 0; i < n && imnn_graph_ok(g); i++) {
        if (a[i] == 0 || !imnn_is_node(g, b[i])) continue; /* b: imnn_cone_of will complain */
        if (!imnn_is_node(g, a[i])) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s %d is no node", what, i + 1);
            break;
        }
        const imnn_type *s = &imnn_vertex_of(g, a[i])->type, *t = &imnn_vertex_of(g, b[i])->type;
        if (imnn_same_type(s, t)) continue;
        imnn_graph_fail(g, s->dtype == t->dtype ? IMNN_ESHAPE : IMNN_EDTYPE,
                        "%s %d is %s %s, but belongs to %s %s", what, i + 1,
                        imnn_dtype_name(s->dtype), imnn_shape_text(&s->shape).s,
                        imnn_dtype_name(t->dtype), imnn_shape_text(&t->shape).s);
    }
    return imnn_graph_ok(g);
}

imnn_status imnn_replay(imnn_graph *g, imnn_replay_fn *replay, int64_t size, int ny,
                        const imnn_node *y, int nx, const imnn_node *x, const imnn_node *by,
                        imnn_node *out)
{
    imnn_cone c;
    imnn_node found[ny + 1];
    memset(found, 0, sizeof found);
    if (imnn_cone_of(&c, g, ny, y, nx, x, false)) {
        imnn_node *to = imnn_cone_table(&c, g);
        for (int j = 0; to && j < nx; j++) to[x[j]] = by[j];
        for (imnn_node n = c.first; to && n <= c.last && imnn_graph_ok(g); n++)
            if (c.depends[n] && !c.leaf[n]) to[n] = replay(g, imnn_vertex_of(g, n), to, size);
        for (int i = 0; i < ny && imnn_graph_ok(g); i++) found[i] = to[y[i]] ? to[y[i]] : y[i];
        imnn_cone_table_free(&c, to);
        imnn_cone_free(&c);
    }
    memcpy(out, found, (size_t)ny * sizeof *out);
    return imnn_graph_status(g);
}
