/* What operators that hold bodies share. */
#include "core/ops/hold.h"
#include <string.h>

imnn_node imnn_hold_add(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                        const imnn_attr *attr)
{
    imnn_attr at = imnn_attr_copy(attr);
    imnn_node first = 0;
    const int count = op->results(attr);
    for (int k = 0; k < count && imnn_graph_ok(g); k++) {
        at.v[at.v[0] + 1] = k;
        imnn_node y = imnn_graph_add(g, op, n, x, &at);
        if (k == 0) first = y;
        else if (y && y != first + k) /* after a failure in the middle of them */
            imnn_graph_fail(g, IMNN_EVALUE, "%s: its results were parted by a failure", op->name);
    }
    return imnn_graph_ok(g) ? first + imnn_body_result(attr) : 0;
}

imnn_node imnn_hold_build(imnn_graph *g, int op, imnn_node lead, bool forward, int bodies,
                          const int *nx, const imnn_node *x, const imnn_node *of, const int *ny,
                          const imnn_node *y)
{
    imnn_nodes captured = {0};
    imnn_node first = 0;
    int px = 0, py = 0, most = 0;
    for (int i = 0; i < bodies && imnn_graph_ok(g); i++) {
        imnn_body_captures(g, nx[i], x + px, ny[i], y + py, &captured, NULL);
        px += nx[i], py += ny[i];
        if (nx[i] > most) most = nx[i];
    }
    imnn_node in[captured.n + most + 1], all[captured.n + nx[0] + 2];
    imnn_attr attr = {.n = 2, .v = {bodies}};
    px = py = 0;
    for (int i = 0; i < bodies && imnn_graph_ok(g); i++) {
        if (captured.n) memcpy(in, captured.v, (size_t)captured.n * sizeof *in);
        if (nx[i]) memcpy(in + captured.n, x + px, (size_t)nx[i] * sizeof *in);
        attr.v[1 + i] =
            (int64_t)(intptr_t)imnn_body_make(g, captured.n + nx[i], in, ny[i], y + py, NULL);
        px += nx[i], py += ny[i];
    }
    int n = 0;
    if (lead) all[n++] = lead;
    if (captured.n) memcpy(all + n, captured.v, (size_t)captured.n * sizeof *in);
    n += captured.n;
    if (nx[0]) memcpy(all + n, of, (size_t)nx[0] * sizeof *in);
    n += nx[0];
    attr.n = bodies + 2;
    if (!lead) attr.v[attr.n++] = captured.n, attr.v[attr.n++] = forward;
    if (imnn_graph_ok(g)) first = imnn_graph_build(g, op, n, all, &attr);
    imnn_nodes_free(&captured);
    return first;
}

/* ---- rules for all results of a call ---- */

/* What the last rule made of the last call. */
typedef struct memo {
    imnn_hold_rule *rule;
    const imnn_vertex *v;
    int64_t size;
    imnn_node node[]; /* x, with, results */
} memo;

static bool is_memo_of(const memo *m, const imnn_vertex *v, const imnn_node *x,
                       const imnn_node *with, int64_t size, imnn_hold_rule *rule)
{
    const size_t bytes = (size_t)v->n * sizeof *x;
    return m && m->rule == rule && m->size == size && m->v->op == v->op && m->v->n == v->n &&
           imnn_body_same_call(m->v->attr, v->attr) && !memcmp(m->v->x, v->x, bytes) &&
           !memcmp(m->node, x, bytes) && !memcmp(m->node + v->n, with, bytes);
}

imnn_node imnn_hold_once(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                         const imnn_node *with, int64_t size, imnn_hold_rule *rule)
{
    const int k = imnn_body_result(v->attr), n = v->n, results = v->op->results(v->attr);
    memo *m = g->memo;
    if (is_memo_of(m, v, x, with, size, rule)) return m->node[2 * n + k];
    const size_t bytes = sizeof *m + (size_t)(2 * n + results) * sizeof *m->node;
    if (!(m = imnn_alloc(bytes))) {
        imnn_graph_fail_last(g, IMNN_ENOMEM);
        return 0;
    }
    *m = (memo){rule, v, size};
    if (n)
        memcpy(m->node, x, (size_t)n * sizeof *x), memcpy(m->node + n, with, (size_t)n * sizeof *x);
    rule(g, v, x, with, size, m->node + 2 * n);
    if (!imnn_graph_ok(g)) {
        imnn_free(m, bytes);
        return 0;
    }
    imnn_free(g->memo, g->memo_bytes); /* that of a body in this one */
    g->memo = m, g->memo_bytes = bytes;
    return m->node[2 * n + k];
}

imnn_node imnn_hold_choose(imnn_graph *g, imnn_node pick, imnn_node a, imnn_node b)
{
    const imnn_shape *s = imnn_graph_shape(g, pick);
    imnn_shape wide = {.ndim = imnn_graph_shape(g, a)->ndim};
    for (int k = 0; k < wide.ndim; k++) wide.size[k] = k < s->ndim ? s->size[k] : 1;
    return g_where(g, g_reshape(g, pick, &wide), a, b);
}

imnn_node imnn_placeholder_like(imnn_graph *g, imnn_node x)
{
    const imnn_type t = imnn_vertex_of(g, x)->type;
    return imnn_graph_ok(g) ? imnn_graph_placeholder(g, t.dtype, &t.shape) : 0;
}

imnn_node imnn_placeholder_batch(imnn_graph *g, imnn_node x, int64_t size)
{
    const imnn_type t = imnn_vertex_of(g, x)->type;
    imnn_shape s = {.ndim = t.shape.ndim + 1, .size = {size}};
    if (!imnn_graph_ok(g)) return 0;
    if (s.ndim <= IMNN_MAX_NDIM)
        memcpy(s.size + 1, t.shape.size, (size_t)t.shape.ndim * sizeof *s.size);
    return imnn_graph_placeholder(g, t.dtype, &s);
}

bool imnn_hold_fits(const char *who, const imnn_body *b, int n, const imnn_type *in)
{
    for (int i = 0; i < n; i++) {
        const imnn_type *t = imnn_body_type(b, b->x[i]);
        if (imnn_same_type(t, &in[i])) continue;
        imnn_fail(IMNN_ESHAPE, "%s: input %d must be %s %s, got %s %s", who, i + 1,
                  imnn_dtype_name(t->dtype), imnn_shape_text(&t->shape).s,
                  imnn_dtype_name(in[i].dtype), imnn_shape_text(&in[i].shape).s);
        return false;
    }
    return true;
}
