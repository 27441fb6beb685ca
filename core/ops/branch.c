/* branch(number, inputs): one of several bodies. With one body it is what is computed again in a
 * reverse sweep instead of being stored: checkpoint. */
#include "core/ops/hold.h"
#include "core/transform/transform.h"
#include <string.h>

static int results(const imnn_attr *attr) { return imnn_body_at(attr, 0)->ny; }

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    bool whole = imnn_body_known(g, attr) && attr->n == attr->v[0] + 2;
    for (int i = 0; whole && i < attr->v[0]; i++) {
        const imnn_body *b = imnn_body_at(attr, i);
        whole = b->nx == n - 1 && b->ny == results(attr);
    }
    const int k = whole ? imnn_body_result(attr) : 0;
    if (!whole || k < 0 || k >= results(attr)) {
        imnn_graph_fail(g, IMNN_EVALUE, "branch: is made by imnn_graph_branch");
        return 0;
    }
    return imnn_hold_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const int64_t count = attr->v[0];
    if (in[0].dtype != IMNN_I32 || in[0].shape.ndim != 0)
        return imnn_fail(IMNN_ESHAPE, "branch: the number of a branch must be i32 (), got %s %s",
                         imnn_dtype_name(in[0].dtype), imnn_shape_text(&in[0].shape).s);
    for (int i = 0; i < count; i++)
        if (!imnn_hold_fits("branch", imnn_body_at(attr, i), n - 1, in + 1)) return IMNN_ESHAPE;
    const imnn_body *b = imnn_body_at(attr, 0);
    *out = *imnn_body_type(b, b->y[imnn_body_result(attr)]);
    return IMNN_OK;
}

/* ---- derivatives: those of every body ---- */

/* The parameters of all bodies, of which those of body i begin at p[i nx], and their results; more
 * parameters of each follow: like input which[j] (or, from nx on, like result which[j] - nx). */
typedef struct opened {
    int bodies, nx, ny, more;
    imnn_node *x, *y; /* bodies (nx + more), bodies ny */
    size_t x_bytes, y_bytes;
} opened;

static bool open_all(imnn_graph *g, opened *o, const imnn_vertex *v, int more, const int *which)
{
    const imnn_body *b = imnn_body_at(v->attr, 0);
    *o = (opened){.bodies = (int)v->attr->v[0], .nx = b->nx, .ny = b->ny, .more = more};
    o->x_bytes = (size_t)(o->bodies * (o->nx + more) + 1) * sizeof *o->x;
    o->y_bytes = (size_t)(o->bodies * o->ny + 1) * sizeof *o->y;
    o->x = imnn_alloc(o->x_bytes), o->y = imnn_alloc(o->y_bytes);
    if (!o->x || !o->y) {
        imnn_graph_fail_last(g, IMNN_ENOMEM);
        return false;
    }
    for (int i = 0; i < o->bodies && imnn_graph_ok(g); i++) {
        imnn_node *x = o->x + i * (o->nx + more), *y = o->y + i * o->ny;
        if (!imnn_body_open(g, imnn_body_at(v->attr, i), x, y)) break;
        for (int j = 0; j < more; j++)
            x[o->nx + j] =
                imnn_placeholder_like(g, which[j] < o->nx ? x[which[j]] : y[which[j] - o->nx]);
    }
    return imnn_graph_ok(g);
}

static void close_all(opened *o)
{
    imnn_free(o->x, o->x_bytes);
    imnn_free(o->y, o->y_bytes);
}

/* The branch of bodies with these parameters; z: `count` results each, 0 is zero like result
 * like[j] (or, below 0, like input -1 - like[j]). */
static imnn_node join(imnn_graph *g, const opened *o, imnn_node lead, const imnn_node *of,
                      int count, imnn_node *z, const int *like)
{
    int nx[MOST_BODIES], ny[MOST_BODIES];
    for (int i = 0; i < o->bodies; i++) {
        const imnn_node *x = o->x + i * (o->nx + o->more), *y = o->y + i * o->ny;
        nx[i] = o->nx + o->more, ny[i] = count;
        for (int j = 0; j < count && imnn_graph_ok(g); j++)
            if (!z[i * count + j])
                z[i * count + j] = g_zeros_like(g, like[j] < 0 ? x[-1 - like[j]] : y[like[j]]);
    }
    if (!imnn_graph_ok(g)) return 0;
    return imnn_hold_build(g, IMNN_OP_branch, lead, false, o->bodies, nx, o->x, of, ny, z);
}

static void push_all(imnn_graph *g, const imnn_vertex *v, const imnn_node *inputs,
                     const imnn_node *t, int64_t size, imnn_node *out)
{
    const imnn_body *b = imnn_body_at(v->attr, 0);
    const int nx = b->nx, ny = b->ny, bodies = (int)v->attr->v[0];
    int which[nx + 1], more = 0;
    imnn_node of[2 * nx + 1], dy[ny + 1];
    imnn_node z[bodies * ny + 1];
    bool any[ny + 1];
    const int32_t scope = imnn_graph_open(g);
    opened o;
    memset(any, 0, sizeof any);
    memcpy(of, inputs + 1, (size_t)nx * sizeof *of);
    for (int i = 0; i < nx; i++)
        if (t[1 + i]) of[nx + more] = t[1 + i], which[more++] = i;
    if (open_all(g, &o, v, more, which)) {
        for (int i = 0; i < bodies && imnn_graph_ok(g); i++) {
            imnn_node *x = o.x + i * (nx + more), d[nx + 1];
            memset(d, 0, sizeof d);
            for (int j = 0; j < more; j++) d[which[j]] = x[nx + j];
            imnn_status st = imnn_graph_jvp(g, ny, o.y + i * ny, nx, x, d, dy);
            if (st != IMNN_OK) imnn_graph_fail_last(g, st);
            for (int j = 0; j < ny; j++) z[i * ny + j] = dy[j], any[j] = any[j] || dy[j];
        }
        int like[ny + 1], count = 0;
        imnn_node kept[bodies * ny + 1];
        for (int j = 0; j < ny; j++)
            if (any[j]) like[count++] = j;
        for (int i = 0; i < bodies; i++)
            for (int j = 0; j < count; j++) kept[i * count + j] = z[i * ny + like[j]];
        imnn_node first = 0;
        if (count && imnn_graph_ok(g)) first = join(g, &o, inputs[0], of, count, kept, like);
        for (int j = 0; first && j < count; j++) out[like[j]] = first + j;
    }
    close_all(&o);
    imnn_graph_close(g, scope);
}

static imnn_node jvp(imnn_graph *g, const imnn_vertex *v, const imnn_node *t)
{
    return imnn_hold_once(g, v, v->x, t, 0, push_all);
}

static void pull(imnn_graph *g, const imnn_vertex *v, imnn_node first, const imnn_node *dy,
                 imnn_node *dx)
{
    const imnn_body *b = imnn_body_at(v->attr, 0);
    const int nx = b->nx, ny = b->ny, bodies = (int)v->attr->v[0];
    int which[ny + 1], like[nx + 1], more = 0, count = 0;
    imnn_node of[nx + ny + 1], z[bodies * nx + 1];
    const int32_t scope = imnn_graph_open(g);
    opened o;
    memcpy(of, v->x + 1, (size_t)nx * sizeof *of);
    for (int j = 0; j < ny; j++)
        if (dy[j]) of[nx + more] = dy[j], which[more++] = nx + j;
    for (int i = 0; i < nx; i++)
        if (dx[1 + i] >= 0 && imnn_is_smooth(g, v->x[1 + i])) like[count++] = -1 - i;
    if (open_all(g, &o, v, more, which) && count) {
        for (int i = 0; i < bodies && imnn_graph_ok(g); i++) {
            imnn_node *x = o.x + i * (nx + more), u[ny + 1], var[nx + 1];
            memset(u, 0, sizeof u);
            for (int j = 0; j < more; j++) u[which[j] - nx] = x[nx + j];
            for (int j = 0; j < count; j++) var[j] = x[-1 - like[j]];
            imnn_status st = imnn_graph_vjp(g, ny, o.y + i * ny, u, count, var, z + i * count);
            if (st != IMNN_OK) imnn_graph_fail_last(g, st);
        }
        imnn_node back = imnn_graph_ok(g) ? join(g, &o, v->x[0], of, count, z, like) : 0;
        for (int j = 0; back && j < count; j++) dx[-like[j]] = back + j;
    }
    close_all(&o);
    imnn_graph_close(g, scope);
}

/* ---- batches ---- */

/* Examples that choose themselves: all bodies, and of their results what was chosen. */
static void choose_each(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                        const imnn_node *batched, int64_t size, imnn_node *out)
{
    const imnn_body *b = imnn_body_at(v->attr, 0);
    const int nx = b->nx, ny = b->ny, bodies = (int)v->attr->v[0];
    imnn_node p[nx + 1], y[ny + 1], yb[ny + 1], var[nx + 1], to[nx + 1];
    for (int i = bodies - 1; i >= 0 && imnn_graph_ok(g); i--) {
        int n = 0;
        imnn_node all[nx + 1];
        imnn_body_parameters(g, imnn_body_at(v->attr, i), p);
        for (int j = 0; j < nx; j++) {
            all[j] = batched[1 + j] ? p[j] : x[1 + j];
            if (batched[1 + j]) var[n] = p[j], to[n++] = x[1 + j];
        }
        if (!imnn_graph_ok(g) || !imnn_body_build(g, imnn_body_at(v->attr, i), all, y)) break;
        memcpy(yb, y, sizeof yb);
        if (n) {
            imnn_status st = imnn_graph_vmap(g, ny, y, n, var, to, yb);
            if (st != IMNN_OK) imnn_graph_fail_last(g, st);
        }
        if (!imnn_graph_ok(g)) break;
        imnn_node is =
            i == 0 ? g_le(g, x[0], g_number(g, x[0], 0)) : g_eq(g, x[0], g_number(g, x[0], i));
        for (int k = 0; k < ny && imnn_graph_ok(g); k++) {
            imnn_node one = imnn_batch_lift(g, yb[k], yb[k] != y[k], size);
            out[k] = i == bodies - 1 ? one : imnn_hold_choose(g, is, one, out[k]);
        }
    }
}

static void batch_all(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                      const imnn_node *batched, int64_t size, imnn_node *out)
{
    const imnn_body *b = imnn_body_at(v->attr, 0);
    const int nx = b->nx, ny = b->ny, bodies = (int)v->attr->v[0];
    imnn_node z[bodies * ny + 1];
    bool wide[ny + 1];
    int like[ny + 1];
    opened o = {0};
    const int32_t scope = imnn_graph_open(g);
    if (batched[0]) {
        choose_each(g, v, x, batched, size, out);
        goto done;
    }
    if (!open_all(g, &o, v, 0, NULL)) goto done;
    memset(wide, 0, sizeof wide);
    for (int i = 0; i < bodies && imnn_graph_ok(g); i++) {
        imnn_node *p = o.x + i * nx, var[nx + 1], to[nx + 1];
        int n = 0;
        for (int j = 0; j < nx; j++)
            if (batched[1 + j]) {
                var[n] = p[j];
                to[n++] = p[j] = imnn_placeholder_batch(g, p[j], size);
            }
        if (!imnn_graph_ok(g)) goto done;
        imnn_status st = imnn_graph_vmap(g, ny, o.y + i * ny, n, var, to, z + i * ny);
        if (st != IMNN_OK) imnn_graph_fail_last(g, st);
        for (int j = 0; j < ny; j++) wide[j] = wide[j] || z[i * ny + j] != o.y[i * ny + j];
    }
    for (int i = 0; i < bodies && imnn_graph_ok(g); i++)
        for (int j = 0; j < ny; j++) {
            imnn_node *y = &z[i * ny + j];
            if (wide[j]) *y = imnn_batch_lift(g, *y, *y != o.y[i * ny + j], size);
            like[j] = j;
        }
    if (!imnn_graph_ok(g)) goto done;
    const imnn_node first = join(g, &o, x[0], x + 1, ny, z, like);
    for (int k = 0; first && k < ny; k++) out[k] = imnn_batch_lift(g, first + k, wide[k], size);
done:
    close_all(&o);
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
    const int bodies = (int)v->attr->v[0], k = imnn_body_result(v->attr);
    bool all[b->ny + 1], out[b->ny + 1];
    if (by[0]) return IMNN_ROWS_NONE;
    memset(all, 0, sizeof all);
    for (int i = 0; i < bodies; i++) {
        if (!imnn_body_rows(imnn_body_at(v->attr, i), R, by + 1, out)) return IMNN_ROWS_NONE;
        for (int j = 0; j < b->ny; j++) all[j] = all[j] || out[j];
    }
    return all[k] ? IMNN_ROWS_EACH : IMNN_ROWS_NONE;
}

const imnn_op imnn_op_branch = {
    .name = "branch",
    .id = IMNN_OP_branch,
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
    .doc = "one of several bodies: cond, switch, checkpoint",
};
