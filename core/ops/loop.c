/* loop(constants, carry, slices): a body again and again. Scans, loops with a fixed count and loops
 * while something holds are the same operator. */
#include "core/ops/hold.h"
#include "core/transform/transform.h"
#include <string.h>

static int results(const imnn_attr *attr)
{
    const imnn_loop l = imnn_loop_of(attr);
    return l.carry + l.stacks + (l.length >= 0 ? l.carry : 0);
}

/* ---- building ---- */

/* With one more axis, or one less. */
static imnn_type stacked(const imnn_type *t, int axis, int64_t length)
{
    imnn_type out = {t->dtype, {.ndim = t->shape.ndim + 1}};
    if (out.shape.ndim > IMNN_MAX_NDIM) return out;
    for (int k = 0; k < out.shape.ndim; k++)
        out.shape.size[k] = k < axis ? t->shape.size[k] : k == axis ? length : t->shape.size[k - 1];
    return out;
}

static bool is_whole(const imnn_graph *g, int n, const imnn_attr *attr)
{
    if (attr->n != 7 || attr->v[0] != 1 || !imnn_body_known(g, attr)) return false;
    const imnn_body *b = imnn_body_at(attr, 0);
    if (n != b->nx || attr->v[5] < 0 || attr->v[6] < 0 || attr->v[5] > b->nx ||
        attr->v[6] > b->nx - attr->v[5] || attr->v[6] > b->ny || attr->v[3] < -1)
        return false;
    const imnn_loop l = imnn_loop_of(attr);
    return (l.length >= 0 || (l.carry > 0 && !l.slices && !l.stacks)) && l.result >= 0 &&
           l.result < results(attr);
}

static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    if (!is_whole(g, n, attr)) {
        imnn_graph_fail(g, IMNN_EVALUE, "loop: is made by imnn_graph_scan and imnn_graph_while");
        return 0;
    }
    return imnn_hold_add(g, op, n, x, attr);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_loop l = imnn_loop_of(attr);
    const imnn_body *b = l.body;
    for (int i = 0; i < n; i++) {
        imnn_type t = *imnn_body_type(b, b->x[i]);
        if (i >= l.consts + l.carry) t = stacked(&t, b->axis[i], l.length);
        if (imnn_same_type(&t, &in[i])) continue;
        return imnn_fail(IMNN_ESHAPE, "loop: input %d must be %s %s, got %s %s", i + 1,
                         imnn_dtype_name(t.dtype), imnn_shape_text(&t.shape).s,
                         imnn_dtype_name(in[i].dtype), imnn_shape_text(&in[i].shape).s);
    }
    const int k = (int)l.result, late = k - l.carry - l.stacks;
    if (k < l.carry) *out = in[l.consts + k];
    else if (late < 0) *out = stacked(imnn_body_type(b, b->y[k]), b->axis[b->nx + k], l.length);
    else *out = stacked(&in[l.consts + late], b->axis[l.consts + late], l.length);
    return IMNN_OK;
}

static void free_spec(imnn_loop_spec *s)
{
    imnn_nodes *all[] = {&s->const_in, &s->const_of,   &s->const_axis, &s->carry_in,
                         &s->carry_of, &s->next,       &s->carry_axis, &s->slice_in,
                         &s->slice_of, &s->slice_axis, &s->stack,      &s->stack_axis};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) imnn_nodes_free(all[i]);
}

static void put(imnn_node *to, int *at, const imnn_nodes *from)
{
    if (from->n) memcpy(to + *at, from->v, (size_t)from->n * sizeof *to);
    *at += from->n;
}

/* Constants and slices that no step reads are left out. */
static void drop_unused(imnn_nodes *in, imnn_nodes *of, imnn_nodes *axis, const bool *used)
{
    int32_t n = 0;
    for (int32_t i = 0; i < in->n; i++) {
        if (!used[i]) continue;
        in->v[n] = in->v[i], of->v[n] = of->v[i];
        axis->v[n++] = axis->v[i];
    }
    in->n = of->n = axis->n = n;
}

static bool settle(imnn_graph *g, imnn_loop_spec *s)
{
    imnn_node in[s->const_in.n + s->carry_in.n + s->slice_in.n + 1], y[s->next.n + s->stack.n + 1];
    bool used[s->const_in.n + s->carry_in.n + s->slice_in.n + 1];
    int nx = 0, ny = 0;
    imnn_nodes captured = {0};
    put(in, &nx, &s->const_in), put(in, &nx, &s->carry_in), put(in, &nx, &s->slice_in);
    put(y, &ny, &s->next), put(y, &ny, &s->stack);
    if (imnn_body_captures(g, nx, in, ny, y, &captured, used)) {
        drop_unused(&s->slice_in, &s->slice_of, &s->slice_axis,
                    used + s->const_in.n + s->carry_in.n);
        drop_unused(&s->const_in, &s->const_of, &s->const_axis, used);
        for (int32_t i = 0; i < captured.n; i++) {
            imnn_nodes_push(g, &s->const_in, captured.v[i]);
            imnn_nodes_push(g, &s->const_of, captured.v[i]);
            imnn_nodes_push(g, &s->const_axis, 0);
        }
    }
    imnn_nodes_free(&captured);
    return imnn_graph_ok(g);
}

imnn_node imnn_loop_build(imnn_graph *g, imnn_loop_spec *s)
{
    imnn_node first = 0;
    if (imnn_graph_ok(g) && settle(g, s)) {
        const int nx = s->const_in.n + s->carry_in.n + s->slice_in.n, ny = s->next.n + s->stack.n;
        imnn_node in[nx + 1], of[nx + 1], y[ny + 1];
        int32_t axis[nx + ny + 1];
        int at = 0;
        put(in, &at, &s->const_in), put(in, &at, &s->carry_in), put(in, &at, &s->slice_in);
        at = 0;
        put(of, &at, &s->const_of), put(of, &at, &s->carry_of), put(of, &at, &s->slice_of);
        at = 0;
        put(y, &at, &s->next), put(y, &at, &s->stack);
        memset(axis, 0, sizeof axis);
        at = 0;
        put(axis, &at, &s->const_axis), put(axis, &at, &s->carry_axis);
        put(axis, &at, &s->slice_axis);
        at += s->next.n;
        put(axis, &at, &s->stack_axis);
        const imnn_body *b = imnn_body_make(g, nx, in, ny, y, axis);
        imnn_attr attr = {
            7, {1, (int64_t)(intptr_t)b, 0, s->length, s->reverse, s->const_in.n, s->carry_in.n}};
        if (b) first = imnn_graph_build(g, IMNN_OP_loop, nx, of, &attr);
    }
    free_spec(s);
    return first;
}

/* ---- forward derivative: the carry and its tangent go along together ---- */

/* Tangents of the results of the body where the inputs have tangents d; those of the carry are
 * active[j]. More of the carry become active until nothing changes. */
static void push_body(imnn_graph *g, const imnn_loop *l, const imnn_node *p, const imnn_node *y,
                      imnn_node *d, imnn_node *dy)
{
    for (bool again = true; again && imnn_graph_ok(g);) {
        again = false;
        imnn_status st = imnn_graph_jvp(g, l->body->ny, y, l->body->nx, p, d, dy);
        if (st != IMNN_OK) imnn_graph_fail_last(g, st);
        for (int j = 0; j < l->carry && imnn_graph_ok(g); j++) {
            if (!dy[j] || d[l->consts + j]) continue;
            d[l->consts + j] = imnn_placeholder_like(g, p[l->consts + j]);
            again = true;
        }
    }
}

/* Input i of a loop, as it is or its tangent, to the specification of another. */
static void give_input(imnn_graph *g, const imnn_loop *l, imnn_loop_spec *s, int i, imnn_node in,
                       imnn_node of)
{
    const bool is_const = i < l->consts, is_carry = i < l->consts + l->carry;
    imnn_nodes_push(g, is_const ? &s->const_in : is_carry ? &s->carry_in : &s->slice_in, in);
    imnn_nodes_push(g, is_const ? &s->const_of : is_carry ? &s->carry_of : &s->slice_of, of);
    imnn_nodes_push(g,
                    is_const   ? &s->const_axis
                    : is_carry ? &s->carry_axis
                               : &s->slice_axis,
                    l->body->axis[i]);
}

static void push_all(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const imnn_node *t,
                     int64_t size, imnn_node *out)
{
    const imnn_loop l = imnn_loop_of(v->attr);
    const imnn_body *b = l.body;
    imnn_node p[b->nx + 1], d[b->nx + 1], y[b->ny + 1], dy[b->ny + 1];
    int carried = 0, pushed = 0, at[b->ny + 1]; /* where tangents are among their like, or -1 */
    imnn_loop_spec s = {.length = l.length, .reverse = l.reverse};
    const int32_t scope = imnn_graph_open(g);
    memset(d, 0, sizeof d);
    if (!imnn_body_open(g, b, p, y)) goto done;
    for (int i = 0; i < b->nx; i++) d[i] = t[i] ? imnn_placeholder_like(g, p[i]) : 0;
    push_body(g, &l, p, y, d, dy);
    if (!imnn_graph_ok(g)) goto done;
    for (int i = 0; i < b->nx; i++) give_input(g, &l, &s, i, p[i], x[i]);
    for (int i = 0; i < b->nx; i++)
        if (d[i]) give_input(g, &l, &s, i, d[i], t[i] ? t[i] : g_zeros_like(g, x[i]));
    for (int j = 0; j < l.carry; j++) imnn_nodes_push(g, &s.next, y[j]);
    for (int j = 0; j < l.carry; j++) {
        at[j] = d[l.consts + j] ? carried++ : -1;
        if (at[j] >= 0) imnn_nodes_push(g, &s.next, dy[j] ? dy[j] : g_zeros_like(g, y[j]));
    }
    for (int twice = 0; twice < 2; twice++)
        for (int j = l.carry; j < b->ny; j++) {
            if (twice) at[j] = dy[j] ? pushed++ : -1;
            if (twice && !dy[j]) continue;
            imnn_nodes_push(g, &s.stack, twice ? dy[j] : y[j]);
            imnn_nodes_push(g, &s.stack_axis, b->axis[b->nx + j]);
        }
    const int behind = l.carry + carried + l.stacks; /* the carry and what is stacked as before */
    const imnn_node first = carried + pushed > 0 ? imnn_loop_build(g, &s) : 0;
    for (int k = 0; first && k < results(v->attr); k++) {
        const int late = k - b->ny, j = late < 0 ? k : late;
        const int from = k < l.carry ? l.carry : late < 0 ? behind : behind + pushed + l.carry;
        if (at[j] >= 0) out[k] = first + from + at[j];
    }
done:
    free_spec(&s);
    imnn_graph_close(g, scope);
}

static imnn_node jvp(imnn_graph *g, const imnn_vertex *v, const imnn_node *t)
{
    return imnn_hold_once(g, v, v->x, t, 0, push_all);
}

/* ---- reverse derivative: backward through the carries that were stored ---- */

/* Which of the carry the wanted inputs reach. */
static bool find_active(imnn_graph *g, const imnn_loop *l, const imnn_node *p, const imnn_node *y,
                        bool *active)
{
    const imnn_body *b = l->body;
    imnn_node var[b->nx + 1];
    for (bool again = true; again && imnn_graph_ok(g);) {
        int n = 0;
        bool reached[b->ny + 1];
        again = false;
        for (int i = 0; i < b->nx; i++)
            if (active[i]) var[n++] = p[i];
        if (n == 0) return true;
        if (!imnn_reached(g, b->ny, y, n, var, reached)) return false;
        for (int j = 0; j < l->carry; j++)
            if (reached[j] && !active[l->consts + j]) active[l->consts + j] = again = true;
    }
    return imnn_graph_ok(g);
}

static void give_slice(imnn_graph *g, imnn_loop_spec *s, imnn_node in, imnn_node of, int32_t axis)
{
    imnn_nodes_push(g, &s->slice_in, in);
    imnn_nodes_push(g, &s->slice_of, of);
    imnn_nodes_push(g, &s->slice_axis, axis);
}

static void give_carry(imnn_graph *g, imnn_loop_spec *s, imnn_node in, imnn_node of, imnn_node next,
                       int32_t axis)
{
    imnn_nodes_push(g, &s->carry_in, in);
    imnn_nodes_push(g, &s->carry_of, of);
    imnn_nodes_push(g, &s->next, next);
    imnn_nodes_push(g, &s->carry_axis, axis);
}

static void pull(imnn_graph *g, const imnn_vertex *v, imnn_node first, const imnn_node *dy,
                 imnn_node *dx)
{
    const imnn_loop l = imnn_loop_of(v->attr);
    const imnn_body *b = l.body;
    const int ys = l.carry, stored = l.carry + l.stacks;
    if (l.length < 0) {
        imnn_graph_fail(g, IMNN_EVALUE,
                        "while_loop: has no reverse derivative, since the number of steps is not "
                        "known; use scan or fori_loop with fixed counts, or jvp and jacfwd");
        return;
    }
    imnn_node p[b->nx + 1], y[b->ny + 1], u[b->ny + 1], d[b->nx + 1], var[b->nx + 1], of[b->nx + 1],
        q;
    bool active[b->nx + 1];
    imnn_loop_spec s = {.length = l.length, .reverse = !l.reverse};
    const int32_t scope = imnn_graph_open(g);
    memset(u, 0, sizeof u), memset(d, 0, sizeof d);
    if (!imnn_body_open(g, b, p, y)) goto done;
    for (int i = 0; i < b->nx; i++) active[i] = dx[i] >= 0 && imnn_is_smooth(g, p[i]);
    if (!find_active(g, &l, p, y, active)) goto done;
    for (int j = 0; j < b->ny; j++)
        if (j < l.carry ? active[l.consts + j] : dy[j] != 0) u[j] = imnn_placeholder_like(g, y[j]);
    int n = 0;
    for (int i = 0; i < b->nx; i++)
        if (active[i]) var[n++] = p[i];
    imnn_status st = imnn_graph_vjp(g, b->ny, y, u, n, var, d);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    for (int i = b->nx - 1; i >= 0; i--) d[i] = active[i] ? d[--n] : 0;
    for (int i = 0; i < l.consts; i++) {
        give_input(g, &l, &s, i, p[i], v->x[i]);
    }
    for (int j = 0; j < l.carry && imnn_graph_ok(g); j++) { /* as they were before the step */
        const int i = l.consts + j;
        give_slice(g, &s, p[i], first + stored + j, b->axis[i]);
        if (!active[i]) continue;
        q = 0;
        if (dy[stored + j])
            give_slice(g, &s, q = imnn_placeholder_like(g, p[i]), dy[stored + j], b->axis[i]);
        imnn_node next = g_plus(g, d[i], q);
        give_carry(g, &s, u[j], dy[j] ? dy[j] : g_zeros_like(g, v->x[i]),
                   next ? next : g_zeros_like(g, p[i]), b->axis[i]);
    }
    const int carried = s.carry_in.n;
    for (int i = 0; i < l.consts && imnn_graph_ok(g); i++) {
        if (!d[i]) continue;
        q = imnn_placeholder_like(g, p[i]);
        give_carry(g, &s, q, g_zeros_like(g, v->x[i]), g_add(g, q, d[i]), b->axis[i]);
    }
    for (int i = l.consts + l.carry; i < b->nx && imnn_graph_ok(g); i++) {
        give_slice(g, &s, p[i], v->x[i], b->axis[i]);
        if (!d[i]) continue;
        imnn_nodes_push(g, &s.stack, d[i]);
        imnn_nodes_push(g, &s.stack_axis, b->axis[i]);
    }
    for (int j = ys; j < b->ny && imnn_graph_ok(g); j++)
        if (dy[j]) give_slice(g, &s, u[j], dy[j], b->axis[b->nx + j]);
    const int all = s.carry_in.n;
    const bool nothing = all == 0 && s.stack.n == 0; /* no result depends on what is wanted */
    const imnn_node back = nothing ? 0 : imnn_loop_build(g, &s);
    if (!back && !nothing) goto done;
    int a = 0, c = carried, x = all;
    for (int i = 0; i < b->nx; i++) {
        const bool is_carry = i >= l.consts && i < l.consts + l.carry;
        of[i] = is_carry ? (active[i] ? back + a++ : 0) : 0;
        if (!is_carry && d[i]) of[i] = i < l.consts ? back + c++ : back + x++;
    }
    for (int i = 0; i < b->nx; i++)
        if (dx[i] >= 0) dx[i] = of[i];
done:
    free_spec(&s);
    imnn_graph_close(g, scope);
}

/* ---- batches ---- */

/* The batched body: yb[j] == y[j] where a result is the same for all examples. More of the carry
 * become batched until nothing changes. */
static void batch_body(imnn_graph *g, const imnn_loop *l, const imnn_node *p, const imnn_node *y,
                       bool *batched, imnn_node *pb, imnn_node *yb, int64_t size)
{
    const imnn_body *b = l->body;
    for (bool again = true; again && imnn_graph_ok(g);) {
        imnn_node var[b->nx + 1], to[b->nx + 1];
        int n = 0;
        again = false;
        for (int i = 0; i < b->nx; i++) {
            if (batched[i] && !pb[i]) pb[i] = imnn_placeholder_batch(g, p[i], size);
            if (batched[i]) var[n] = p[i], to[n++] = pb[i];
        }
        if (!imnn_graph_ok(g)) return;
        imnn_status st = imnn_graph_vmap(g, b->ny, y, n, var, to, yb);
        if (st != IMNN_OK) imnn_graph_fail_last(g, st);
        bool *carry = batched + l->consts;
        for (int j = 0; j < l->carry && imnn_graph_ok(g); j++)
            if (!carry[j] && (yb[j] != y[j] || (l->length < 0 && carry[0])))
                carry[j] = again = true;
    }
}

static void batch_all(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                      const imnn_node *batched, int64_t size, imnn_node *out)
{
    const imnn_loop l = imnn_loop_of(v->attr);
    const imnn_body *b = l.body;
    imnn_node p[b->nx + 1], pb[b->nx + 1], y[b->ny + 1], yb[b->ny + 1];
    bool wide[b->nx + 1], *carry = wide + l.consts;
    imnn_loop_spec s = {.length = l.length, .reverse = l.reverse};
    const int32_t scope = imnn_graph_open(g);
    memset(pb, 0, sizeof pb);
    for (int i = 0; i < b->nx; i++) wide[i] = batched[i] != 0;
    if (!imnn_body_open(g, b, p, y)) goto done;
    batch_body(g, &l, p, y, wide, pb, yb, size);
    if (!imnn_graph_ok(g)) goto done;
    /* examples that are done stay as they are; where there is a batch already they do so */
    const bool stays = l.length < 0 && carry[0] && imnn_graph_shape(g, p[l.consts])->ndim == 0;
    for (int i = 0; i < b->nx; i++) {
        const int j = i - l.consts;
        const bool is_carry = j >= 0 && j < l.carry;
        imnn_node of = is_carry && wide[i] ? imnn_batch_lift(g, x[i], batched[i] != 0, size) : x[i];
        give_input(g, &l, &s, i, wide[i] ? pb[i] : p[i], of);
        imnn_nodes *axis = is_carry ? &s.carry_axis : j < 0 ? &s.const_axis : &s.slice_axis;
        if (wide[i] && imnn_graph_ok(g)) axis->v[axis->n - 1]++;
        if (!is_carry) continue;
        imnn_node next = wide[i] ? imnn_batch_lift(g, yb[j], yb[j] != y[j], size) : y[j];
        if (stays) next = imnn_hold_choose(g, pb[l.consts], next, pb[i]);
        imnn_nodes_push(g, &s.next, next);
    }
    for (int j = l.carry; j < b->ny; j++) {
        imnn_nodes_push(g, &s.stack, yb[j]);
        imnn_nodes_push(g, &s.stack_axis, b->axis[b->nx + j] + (yb[j] != y[j]));
    }
    const imnn_node first = imnn_loop_build(g, &s);
    for (int k = 0; first && k < results(v->attr); k++) {
        const int late = k - b->ny;
        const bool whole = k < l.carry ? carry[k] : late >= 0 ? carry[late] : yb[k] != y[k];
        out[k] = imnn_batch_lift(g, first + k, whole, size);
    }
done:
    free_spec(&s);
    imnn_graph_close(g, scope);
}

static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    return imnn_hold_batch(g, v, x, batched, size, batch_all);
}

/* ---- rows ---- */

/* The carry to a fixed point. All results that depend on rows go by rows, or none does, so that
 * they are computed together. */
static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const imnn_loop l = imnn_loop_of(v->attr);
    const imnn_body *b = l.body;
    bool state[b->nx + 1], out[b->ny + 1], *carry = state + l.consts;
    for (int i = 0; i < b->nx; i++) { /* a batch can always be had by rows */
        const int a = imnn_row_axis(&in[i].shape, R);
        state[i] = by[i] || (a >= 0 && a < b->axis[i]);
    }
    for (bool again = true; again;) {
        again = false;
        if (!imnn_body_rows(b, R, state, out)) return IMNN_ROWS_NONE;
        for (int j = 0; j < l.carry; j++)
            if (out[j] && !carry[j]) carry[j] = again = true;
    }
    for (int i = l.consts; i < b->nx; i++)
        if (state[i] && (l.length >= 0 || i >= l.consts + l.carry) &&
            imnn_row_axis(&imnn_body_type(b, b->x[i])->shape, R) >= b->axis[i])
            return IMNN_ROWS_NONE;
    for (int i = l.consts + l.carry; i < b->nx; i++)
        if (state[i] && imnn_row_axis(&in[i].shape, R) >= b->axis[i]) return IMNN_ROWS_NONE;
    for (int j = l.carry; j < b->ny; j++)
        if (out[j] && imnn_row_axis(&imnn_body_type(b, b->y[j])->shape, R) >= b->axis[b->nx + j])
            return IMNN_ROWS_NONE;
    const int k = (int)l.result, late = k - l.carry - l.stacks;
    if (!(k < l.carry ? carry[k] : late >= 0 ? carry[late] : out[k])) return IMNN_ROWS_NONE;
    memcpy(by, state, (size_t)b->nx * sizeof *by);
    return IMNN_ROWS_EACH;
}

const imnn_op imnn_op_loop = {
    .name = "loop",
    .id = IMNN_OP_loop,
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
    .doc = "a body again and again: scan, fori_loop, while_loop",
};
