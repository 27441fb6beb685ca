/* Bodies: functions that operators hold. They are traced in the graph of their surroundings and
 * then taken out of it: what depends on the parameters is the body, and what else it reads is given
 * to the operator as an input, so that derivatives and batches of captured values need no rule. */
#include "core/graph/body.h"
#include "core/ops/ops.h"
#include "core/transform/transform.h"
#include <string.h>

void imnn_nodes_push(imnn_graph *g, imnn_nodes *list, int32_t x)
{
    if (list->n == list->room) {
        int32_t room = list->room ? 2 * list->room : 16;
        int32_t *v = imnn_alloc((size_t)room * sizeof *v);
        if (!v) {
            imnn_graph_fail_last(g, IMNN_ENOMEM);
            return;
        }
        if (list->n) memcpy(v, list->v, (size_t)list->n * sizeof *v);
        imnn_free(list->v, (size_t)list->room * sizeof *v);
        list->v = v, list->room = room;
    }
    list->v[list->n++] = x;
}

void imnn_nodes_free(imnn_nodes *list)
{
    imnn_free(list->v, (size_t)list->room * sizeof *list->v);
    *list = (imnn_nodes){0};
}

void imnn_body_release(imnn_body *b)
{
    if (!b || atomic_fetch_sub(&b->references, 1) > 1) return;
    imnn_graph_release(b->g);
    imnn_free(b->x, (size_t)(b->nx + 1) * sizeof *b->x);
    imnn_free(b->y, (size_t)(b->ny + 1) * sizeof *b->y);
    imnn_free(b->axis, (size_t)(b->nx + b->ny + 1) * sizeof *b->axis);
    imnn_free(b, sizeof *b);
}

/* ---- equal bodies ---- */

static bool same_body(const imnn_body *a, const imnn_body *b);

static bool same_attr(const imnn_vertex *a, const imnn_vertex *b)
{
    if (a->attr->n != b->attr->n) return false;
    int from = 0;
    if (a->op && a->op->class == IMNN_HOLD) {
        if (a->attr->v[0] != b->attr->v[0]) return false;
        for (from = 1; from <= a->attr->v[0]; from++)
            if (!same_body(imnn_body_at(a->attr, from - 1), imnn_body_at(b->attr, from - 1)))
                return false;
    }
    return !memcmp(a->attr->v + from, b->attr->v + from,
                   (size_t)(a->attr->n - from) * sizeof *a->attr->v);
}

static bool same_body(const imnn_body *a, const imnn_body *b)
{
    if (a == b) return true;
    if (a->nx != b->nx || a->ny != b->ny || a->g->count != b->g->count ||
        memcmp(a->x, b->x, (size_t)a->nx * sizeof *a->x) ||
        memcmp(a->y, b->y, (size_t)a->ny * sizeof *a->y) ||
        memcmp(a->axis, b->axis, (size_t)(a->nx + a->ny) * sizeof *a->axis))
        return false;
    for (imnn_node n = 1; n < a->g->count; n++) {
        const imnn_vertex *v = imnn_vertex_of(a->g, n), *w = imnn_vertex_of(b->g, n);
        if (v->op != w->op || v->n != w->n || !imnn_same_type(&v->type, &w->type) ||
            (v->n && memcmp(v->x, w->x, (size_t)v->n * sizeof *v->x)) || !same_attr(v, w) ||
            !v->value != !w->value || (v->value && !imnn_same_constant(v->value, w->value)))
            return false;
    }
    return true;
}

/* The body of g that equals b, which is b itself if there was none. Takes over the reference. */
static const imnn_body *intern(imnn_graph *g, imnn_body *b)
{
    for (int32_t i = 0; i < g->bodies; i++)
        if (same_body(g->body[i], b)) {
            imnn_body *old = g->body[i];
            imnn_body_release(b);
            return old;
        }
    if (g->bodies == g->body_room) {
        int32_t room = g->body_room ? 2 * g->body_room : 8;
        imnn_body **list = imnn_alloc((size_t)room * sizeof *list);
        if (!list) {
            imnn_graph_fail_last(g, IMNN_ENOMEM);
            imnn_body_release(b);
            return NULL;
        }
        if (g->bodies) memcpy(list, g->body, (size_t)g->bodies * sizeof(imnn_body *));
        imnn_free(g->body, (size_t)g->body_room * sizeof(imnn_body *));
        g->body = list, g->body_room = room;
    }
    return g->body[g->bodies++] = b;
}

bool imnn_body_known(const imnn_graph *g, const imnn_attr *attr)
{
    if (attr->n < 2 || attr->v[0] < 1 || attr->v[0] >= attr->n) return false;
    for (int64_t i = 0; i < attr->v[0]; i++) {
        int32_t k = 0;
        while (k < g->bodies && (int64_t)(intptr_t)g->body[k] != attr->v[1 + i]) k++;
        if (k == g->bodies) return false;
    }
    return true;
}

bool imnn_body_same_call(const imnn_attr *a, const imnn_attr *b)
{
    if (a->n != b->n) return false;
    for (int i = 0; i < a->n; i++)
        if (i != a->v[0] + 1 && a->v[i] != b->v[i]) return false;
    return true;
}

/* A node like v in g, which may be another graph than that of v. */
static imnn_node build_like(imnn_graph *g, const imnn_vertex *v, const imnn_node *x)
{
    if (v->op->class != IMNN_HOLD) return imnn_graph_build(g, v->op->id, v->n, x, v->attr);
    imnn_attr at = imnn_attr_copy(v->attr);
    for (int64_t i = 1; i <= at.v[0]; i++) {
        imnn_body *b = (imnn_body *)(intptr_t)at.v[i];
        atomic_fetch_add(&b->references, 1);
        at.v[i] = (int64_t)(intptr_t)intern(g, b);
        if (!at.v[i]) return 0;
    }
    return imnn_graph_build(g, v->op->id, v->n, x, &at);
}

/* ---- taking a body out of its graph ---- */

/* Constants, and numbers that are repeated, are copied. */
static bool is_copied(const imnn_graph *g, imnn_node x)
{
    double value;
    return imnn_vertex_of(g, x)->value || imnn_graph_is_number(g, x, &value);
}

static imnn_node copy(imnn_graph *to, const imnn_graph *g, imnn_node x)
{
    const imnn_vertex *v = imnn_vertex_of(g, x);
    if (v->value) return imnn_graph_constant(to, v->value);
    imnn_node in = copy(to, g, v->x[0]);
    return imnn_graph_build(to, v->op->id, 1, &in, v->attr);
}

static void capture(imnn_graph *g, imnn_nodes *captured, imnn_node x)
{
    for (int32_t i = 0; i < captured->n; i++)
        if (captured->v[i] == x) return;
    imnn_nodes_push(g, captured, x);
}

bool imnn_body_captures(imnn_graph *g, int nx, const imnn_node *x, int ny, const imnn_node *y,
                        imnn_nodes *captured, bool *used)
{
    imnn_cone c;
    if (!imnn_cone_of(&c, g, ny, y, nx, x, false)) return false;
    bool *read = imnn_alloc((size_t)c.size);
    if (!read) imnn_graph_fail_last(g, IMNN_ENOMEM);
    for (imnn_node n = c.first; read && n <= c.last; n++) {
        if (!c.depends[n] || c.leaf[n]) continue;
        const imnn_vertex *v = imnn_vertex_of(g, n);
        for (int i = 0; i < v->n; i++) {
            read[v->x[i]] = true;
            if (!c.depends[v->x[i]] && !is_copied(g, v->x[i])) capture(g, captured, v->x[i]);
        }
    }
    for (int i = 0; read && i < ny; i++) {
        read[y[i]] = true;
        if (!c.depends[y[i]] && !is_copied(g, y[i])) capture(g, captured, y[i]);
    }
    for (int i = 0; used && read && i < nx; i++) used[i] = read[x[i]];
    imnn_free(read, (size_t)c.size);
    imnn_cone_free(&c);
    return imnn_graph_ok(g);
}

static imnn_body *new_body(imnn_graph *g, int nx, int ny)
{
    imnn_body *b = imnn_alloc(sizeof *b);
    imnn_status st = b ? imnn_graph_new(&b->g) : IMNN_ENOMEM;
    if (b) {
        b->references = 1;
        b->nx = nx, b->ny = ny;
        b->x = imnn_alloc((size_t)(nx + 1) * sizeof *b->x);
        b->y = imnn_alloc((size_t)(ny + 1) * sizeof *b->y);
        b->axis = imnn_alloc((size_t)(nx + ny + 1) * sizeof *b->axis);
    }
    if (b && st == IMNN_OK && b->x && b->y && b->axis) return b;
    imnn_graph_fail_last(g, IMNN_ENOMEM);
    imnn_body_release(b);
    return NULL;
}

static void take_out(imnn_graph *g, const imnn_cone *c, imnn_node *to, imnn_body *b, int nx,
                     const imnn_node *x, const imnn_node *y)
{
    imnn_graph *h = b->g;
    for (int i = 0; i < nx; i++) {
        const imnn_type *t = &imnn_vertex_of(g, x[i])->type;
        b->x[i] = to[x[i]] = imnn_graph_input(h, t->dtype, &t->shape);
    }
    for (imnn_node n = c->first; n <= c->last && imnn_graph_ok(h); n++) {
        if (!c->depends[n] || c->leaf[n]) continue;
        const imnn_vertex *v = imnn_vertex_of(g, n);
        imnn_node in[v->n + 1];
        for (int i = 0; i < v->n; i++)
            in[i] = to[v->x[i]] ? to[v->x[i]] : (to[v->x[i]] = copy(h, g, v->x[i]));
        to[n] = build_like(h, v, in);
    }
    for (int i = 0; i < b->ny && imnn_graph_ok(h); i++)
        b->y[i] = to[y[i]] ? to[y[i]] : copy(h, g, y[i]);
}

const imnn_body *imnn_body_make(imnn_graph *g, int nx, const imnn_node *x, int ny,
                                const imnn_node *y, const int32_t *axis)
{
    imnn_cone c;
    if (!imnn_cone_of(&c, g, ny, y, nx, x, false)) return NULL;
    imnn_body *b = new_body(g, nx, ny);
    imnn_node *to = b ? imnn_cone_table(&c, g) : NULL;
    if (to) {
        if (axis) memcpy(b->axis, axis, (size_t)(nx + ny) * sizeof *axis);
        take_out(g, &c, to, b, nx, x, y);
        imnn_status st = imnn_graph_status(b->g);
        if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    }
    imnn_cone_table_free(&c, to);
    imnn_cone_free(&c);
    if (imnn_graph_ok(g)) return intern(g, b);
    imnn_body_release(b);
    return NULL;
}

/* ---- putting it back ---- */

bool imnn_body_build(imnn_graph *g, const imnn_body *b, const imnn_node *x, imnn_node *y)
{
    const size_t bytes = (size_t)b->g->count * sizeof(imnn_node);
    imnn_node *to = imnn_alloc(bytes);
    if (!to) imnn_graph_fail_last(g, IMNN_ENOMEM);
    for (int i = 0; to && i < b->nx; i++) to[b->x[i]] = x[i];
    for (imnn_node n = 1; to && n < b->g->count && imnn_graph_ok(g); n++) {
        const imnn_vertex *v = imnn_vertex_of(b->g, n);
        imnn_node in[v->n + 1];
        if (v->value) to[n] = imnn_graph_constant(g, v->value);
        if (!v->op) continue;
        for (int i = 0; i < v->n; i++) in[i] = to[v->x[i]];
        to[n] = build_like(g, v, in);
    }
    for (int i = 0; i < b->ny; i++) y[i] = to ? to[b->y[i]] : 0;
    imnn_free(to, bytes);
    return imnn_graph_ok(g);
}

void imnn_body_parameters(imnn_graph *g, const imnn_body *b, imnn_node *x)
{
    for (int i = 0; i < b->nx; i++) {
        const imnn_type *t = imnn_body_type(b, b->x[i]);
        x[i] = imnn_graph_placeholder(g, t->dtype, &t->shape);
    }
}

bool imnn_body_open(imnn_graph *g, const imnn_body *b, imnn_node *x, imnn_node *y)
{
    imnn_body_parameters(g, b, x);
    for (int i = 0; i < b->ny; i++) y[i] = 0;
    return imnn_graph_ok(g) && imnn_body_build(g, b, x, y);
}

/* ---- rows ---- */

/* The rule of one operator; false: it looks across rows. */
static bool goes_by_rows(const imnn_graph *g, const imnn_vertex *v, int64_t R, const bool *is_row,
                         bool *row)
{
    bool by[v->n + 1], any = false;
    imnn_type in[v->n + 1];
    for (int i = 0; i < v->n; i++) {
        in[i] = imnn_vertex_of(g, v->x[i])->type;
        by[i] = is_row[v->x[i]];
        any = any || by[i];
    }
    *row = any;
    if (!any) return true;
    if (!v->op->rows || v->op->rows(v, in, R, by) != IMNN_ROWS_EACH) return false;
    for (int i = 0; i < v->n; i++)
        if ((is_row[v->x[i]] && !by[i]) || (by[i] && imnn_row_axis(&in[i].shape, R) < 0))
            return false;
    return imnn_row_axis(&v->type.shape, R) >= 0;
}

bool imnn_body_rows(const imnn_body *b, int64_t R, const bool *in, bool *out)
{
    const size_t bytes = (size_t)b->g->count;
    bool *row = imnn_alloc(bytes), ok = row != NULL;
    for (int i = 0; ok && i < b->nx; i++) {
        row[b->x[i]] = in[i];
        ok = !in[i] || imnn_row_axis(&imnn_body_type(b, b->x[i])->shape, R) >= 0;
    }
    for (imnn_node n = 1; ok && n < b->g->count; n++) {
        const imnn_vertex *v = imnn_vertex_of(b->g, n);
        if (v->op) ok = goes_by_rows(b->g, v, R, row, &row[n]);
    }
    for (int i = 0; ok && i < b->ny; i++) out[i] = row[b->y[i]];
    imnn_free(row, bytes);
    return ok;
}
