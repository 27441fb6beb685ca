/* custom(captured, inputs): a body whose derivative is another one, that the user wrote. */
#include "core/ops/hold.h"
#include <string.h>

static int results(const imnn_attr *attr) { return imnn_body_at(attr, 0)->ny; }
static int captured_of(const imnn_attr *attr) { return (int)attr->v[attr->n - 2]; }
static bool goes_forward(const imnn_attr *attr) { return attr->v[attr->n - 1]; }

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    bool whole = imnn_body_known(g, attr) && (attr->v[0] == 2 || attr->v[0] == 3) &&
                 attr->n == attr->v[0] + 4 && imnn_body_at(attr, 0)->nx == n;
    const int64_t k = whole ? imnn_body_result(attr) : 0, captured = whole ? captured_of(attr) : -1;
    if (whole && captured >= 0 && captured <= n && k >= 0 && k < results(attr)) {
        const imnn_body *rule = imnn_body_at(attr, 1);
        const int64_t free = n - captured;
        if (attr->v[0] == 2) whole = rule->nx == n + free && rule->ny == results(attr);
        else
            whole = rule->nx == n && imnn_body_at(attr, 2)->ny == free &&
                    imnn_body_at(attr, 2)->nx == captured + rule->ny + results(attr);
    } else whole = false;
    if (!whole) {
        imnn_graph_fail(g, IMNN_EVALUE, "custom: is made by imnn_graph_custom_jvp or _vjp");
        return 0;
    }
    return imnn_hold_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_body *b = imnn_body_at(attr, 0);
    if (!imnn_hold_fits("custom", b, n, in)) return IMNN_ESHAPE;
    *out = *imnn_body_type(b, b->y[imnn_body_result(attr)]);
    return IMNN_OK;
}

/* ---- derivatives ---- */

static bool refuse_captured(imnn_graph *g, const imnn_vertex *v, int i)
{
    if (i >= captured_of(v->attr)) return false;
    imnn_graph_fail(g, IMNN_EVALUE,
                    "%s: the function uses a value from outside that is being differentiated; "
                    "make it an argument",
                    v->attr->v[0] == 2 ? "custom_jvp" : "custom_vjp");
    return true;
}

/* The tangents of the function itself, at placeholders: the builder looks through what inputs
 * are. */
static void own_tangents(imnn_graph *g, const imnn_vertex *v, const imnn_node *inputs,
                         const imnn_node *t, imnn_node *out)
{
    const imnn_body *b = imnn_body_at(v->attr, 0);
    const int32_t scope = imnn_graph_open(g);
    imnn_node x[v->n + 1], y[b->ny + 1], of[v->n + 1], dx[v->n + 1], dy[b->ny + 1];
    int n = 0, found = 0, which[b->ny + 1];
    if (imnn_body_open(g, b, x, y)) {
        for (int i = 0; i < v->n; i++)
            if (t[i]) of[n] = x[i], dx[n++] = t[i];
        imnn_status st = imnn_graph_jvp(g, b->ny, y, n, of, dx, dy);
        for (int k = 0; k < b->ny && st == IMNN_OK; k++)
            if (dy[k]) which[found] = k, dy[found++] = dy[k];
        if (st == IMNN_OK && found) st = imnn_graph_substitute(g, found, dy, v->n, x, inputs, y);
        for (int k = 0; k < found && st == IMNN_OK; k++) out[which[k]] = y[k];
        if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    }
    imnn_graph_close(g, scope);
}

static void push_all(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const imnn_node *t,
                     int64_t size, imnn_node *out)
{
    const int captured = captured_of(v->attr), free = v->n - captured;
    const imnn_body *rule = imnn_body_at(v->attr, 1);
    if (v->attr->v[0] == 3 && goes_forward(v->attr)) {
        own_tangents(g, v, x, t, out);
        return;
    }
    if (v->attr->v[0] == 3) {
        imnn_graph_fail(g, IMNN_EVALUE,
                        "custom_vjp: has no forward derivative; use custom_jvp, "
                        "of which both are made");
        return;
    }
    imnn_node in[v->n + free + 1];
    memcpy(in, x, (size_t)v->n * sizeof *in);
    for (int i = 0; i < v->n; i++) {
        if (t[i] && refuse_captured(g, v, i)) return;
        if (i >= captured) in[free + i] = t[i] ? t[i] : g_zeros_like(g, x[i]);
    }
    if (!imnn_graph_ok(g) || !imnn_body_build(g, rule, in, out)) return;
    double zero;
    for (int k = 0; k < rule->ny; k++)
        if (imnn_graph_is_number(g, out[k], &zero) && zero == 0) out[k] = 0;
}

static imnn_node jvp(imnn_graph *g, const imnn_vertex *v, const imnn_node *t)
{
    return imnn_hold_once(g, v, v->x, t, 0, push_all);
}

/* The forward rule is linear in the tangents; its transpose is its reverse derivative. */
static void transpose(imnn_graph *g, const imnn_vertex *v, const imnn_node *dy, imnn_node *dx)
{
    const int captured = captured_of(v->attr), free = v->n - captured;
    const imnn_body *rule = imnn_body_at(v->attr, 1);
    const int32_t scope = imnn_graph_open(g);
    imnn_node in[v->n + free + 1], out[rule->ny + 1], u[free + 1], d[free + 1];
    int n = 0, which[free + 1];
    memcpy(in, v->x, (size_t)v->n * sizeof *in);
    for (int i = captured; i < v->n; i++) {
        const bool wanted = dx[i] >= 0 && imnn_is_smooth(g, v->x[i]);
        in[free + i] = wanted ? imnn_placeholder_like(g, v->x[i]) : g_zeros_like(g, v->x[i]);
        if (wanted) which[n] = i, u[n++] = in[free + i];
    }
    if (n && imnn_graph_ok(g) && imnn_body_build(g, rule, in, out)) {
        imnn_status st = imnn_graph_vjp(g, rule->ny, out, dy, n, u, d);
        if (st != IMNN_OK) imnn_graph_fail_last(g, st);
        for (int j = 0; j < n && imnn_graph_ok(g); j++) {
            dx[which[j]] = d[j];
            if (d[j] && scope && imnn_vertex_of(g, d[j])->scope == scope)
                imnn_graph_fail(g, IMNN_EVALUE,
                                "custom_jvp: the rule is not linear in the tangents");
        }
    }
    imnn_graph_close(g, scope);
}

static void pull(imnn_graph *g, const imnn_vertex *v, imnn_node first, const imnn_node *dy,
                 imnn_node *dx)
{
    const int captured = captured_of(v->attr);
    for (int i = 0; i < captured; i++)
        if (dx[i] >= 0 && imnn_is_smooth(g, v->x[i]) && refuse_captured(g, v, i)) return;
    if (v->attr->v[0] == 2) {
        transpose(g, v, dy, dx);
        return;
    }
    const imnn_body *fwd = imnn_body_at(v->attr, 1), *bwd = imnn_body_at(v->attr, 2);
    const int ny = results(v->attr);
    imnn_node in[captured + fwd->ny + ny + 1], out[bwd->ny + 1];
    if (captured) memcpy(in, v->x, (size_t)captured * sizeof *in);
    if (!imnn_body_build(g, fwd, v->x, in + captured)) return;
    for (int k = 0; k < ny; k++)
        in[captured + fwd->ny + k] = dy[k] ? dy[k] : g_zeros_like(g, first + k);
    if (!imnn_graph_ok(g) || !imnn_body_build(g, bwd, in, out)) return;
    for (int i = captured; i < v->n; i++)
        if (dx[i] >= 0 && imnn_is_smooth(g, v->x[i])) dx[i] = out[i - captured];
}

/* ---- batches: all inputs, residuals, results and derivatives have the axis, what is captured
 * where it has ---- */

static void batch_all(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                      const imnn_node *batched, int64_t size, imnn_node *out)
{
    const int bodies = (int)v->attr->v[0], captured = captured_of(v->attr);
    int nx[3], ny[3], all_x = 0, all_y = 0;
    for (int i = 0; i < bodies; i++) {
        const imnn_body *b = imnn_body_at(v->attr, i);
        all_x += nx[i] = b->nx - captured, all_y += ny[i] = b->ny;
    }
    imnn_node p[all_x + 1], z[all_y + 1], of[v->n + 1], *px = p, *pz = z;
    const int32_t scope = imnn_graph_open(g);
    for (int i = 0; i < bodies && imnn_graph_ok(g); i++) {
        const imnn_body *b = imnn_body_at(v->attr, i);
        imnn_node in[b->nx + 1], y[b->ny + 1], to[b->nx + 1], var[b->nx + 1], all[b->nx + 1];
        int n = 0;
        imnn_body_parameters(g, b, in);
        if (!imnn_graph_ok(g)) break;
        for (int j = 0; j < b->nx; j++) {
            all[j] = in[j];
            if (j < captured && !batched[j]) {
                all[j] = x[j];
                continue;
            }
            var[n] = in[j], to[n] = j < captured ? x[j] : imnn_placeholder_batch(g, in[j], size);
            if (j >= captured) *px++ = to[n];
            n++;
        }
        if (!imnn_graph_ok(g) || !imnn_body_build(g, b, all, y)) break;
        imnn_status st = imnn_graph_vmap(g, b->ny, y, n, var, to, pz);
        if (st != IMNN_OK) imnn_graph_fail_last(g, st);
        for (int j = 0; j < b->ny && imnn_graph_ok(g); j++)
            pz[j] = imnn_batch_lift(g, pz[j], pz[j] != y[j], size);
        pz += b->ny;
    }
    for (int i = captured; i < v->n && imnn_graph_ok(g); i++)
        of[i - captured] = imnn_batch_lift(g, x[i], batched[i] != 0, size);
    if (imnn_graph_ok(g)) {
        imnn_node first =
            imnn_hold_build(g, IMNN_OP_custom, 0, goes_forward(v->attr), bodies, nx, p, of, ny, z);
        for (int k = 0; first && k < results(v->attr); k++) out[k] = first + k;
    }
    imnn_graph_close(g, scope);
}

static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    return imnn_hold_batch(g, v, x, batched, size, batch_all);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const imnn_body *b = imnn_body_at(v->attr, 0);
    bool out[b->ny + 1];
    if (!imnn_body_rows(b, R, by, out)) return IMNN_ROWS_NONE;
    return out[imnn_body_result(v->attr)] ? IMNN_ROWS_EACH : IMNN_ROWS_NONE;
}

const imnn_op imnn_op_custom = {
    .name = "custom",
    .id = IMNN_OP_custom,
    .arity = -1,
    .class = IMNN_HOLD,
    .dtypes = IMNN_ALL,
    .build = build,
    .infer = infer,
    .batch = batch,
    .results = results,
    .jvp = jvp,
    .pull = pull,
    .rows = rows,
    .cases = "",
    .doc = "a body whose derivative is another one: custom_jvp, custom_vjp",
};
