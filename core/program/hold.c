/* Steps that run programs of their own: loops and branches. The program of a body is compiled with
 * the program around it, runs in the workspace of the thread, and, where the step goes by rows,
 * computes the same rows: so all steps of a loop are done for one tile while it is in the cache. */
#include "core/ops/hold.h"
#include "core/graph/body.h"
#include "core/program/program.h"
#include <string.h>

static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

bool imnn_same_call(const item *a, const item *b)
{
    return a->v->op && a->v->op->class == IMNN_HOLD && a->v->op == b->v->op && a->v->n == b->v->n &&
           !memcmp(a->x, b->x, (size_t)a->v->n * sizeof *a->x) && a->rows == b->rows &&
           a->space == b->space && a->level == b->level &&
           imnn_body_same_call(a->v->attr, b->v->attr);
}

/* ---- what is needed of the body ---- */

/* need[i]: result i of the body; input i is read by what is needed. */
static imnn_status find_reads(const imnn_body *b, const bool *need, bool *reads)
{
    bool *seen = imnn_alloc((size_t)b->g->count);
    if (!seen) return IMNN_ENOMEM;
    for (int i = 0; i < b->ny; i++)
        if (need[i]) seen[b->y[i]] = true;
    for (imnn_node n = b->g->count - 1; n > 0; n--) {
        const imnn_vertex *v = imnn_vertex_of(b->g, n);
        for (int i = 0; seen[n] && i < v->n; i++) seen[v->x[i]] = true;
    }
    for (int i = 0; i < b->nx; i++) reads[i] = seen[b->x[i]];
    imnn_free(seen, (size_t)b->g->count);
    return IMNN_OK;
}

/* Of a loop: results that somebody reads, and the carry that these depend on. */
static imnn_status find_needed(const imnn_program *p, const step *s, const imnn_loop *l, bool *need,
                               bool *reads)
{
    memset(need, 0, (size_t)l->body->ny);
    for (int32_t m = 0; m < s->members; m++) {
        const int64_t k = imnn_body_result(p->item[s->member[m]].v->attr), late = k - l->body->ny;
        need[late >= 0 ? late : k] = true; /* what is stored of a carry needs the carry */
    }
    if (l->length < 0) need[0] = true;
    for (bool again = true; again;) {
        imnn_status st = find_reads(l->body, need, reads);
        if (st != IMNN_OK) return st;
        again = false;
        for (int j = 0; j < l->carry; j++)
            if (reads[l->consts + j] && !need[j]) need[j] = again = true;
    }
    return IMNN_OK;
}

/* ---- programs of bodies ---- */

static imnn_status add_body(hold *h, int i, const imnn_body *b, const bool *need, int64_t R,
                            const bool *by, const bool *out_by)
{
    imnn_node y[b->ny + 1];
    bool row[b->ny + 1];
    int ny = 0;
    for (int k = 0; k < b->ny; k++)
        if (need[k]) y[ny] = b->y[k], row[ny++] = out_by[k];
    return imnn_program_body(&h->body[i], b->g, b->nx, b->x, ny, y, R, by, row);
}

static imnn_status plan_body(imnn_program *p, const region *r, step *s)
{
    const item *it = &p->item[s->item];
    const imnn_attr *attr = it->v->attr;
    const imnn_body *b = imnn_body_at(attr, 0);
    const bool is_loop = it->v->op->id == IMNN_OP_loop, rows = it->rows == IMNN_ROWS_EACH;
    const int lead = it->v->op->id == IMNN_OP_branch;
    hold *h = s->hold = TAKE(p, 1, hold);
    if (!h) return IMNN_ENOMEM;
    h->bodies = is_loop || it->v->op->id == IMNN_OP_custom ? 1 : (int32_t)attr->v[0];
    h->nx = b->nx, h->lead = lead;
    h->body = TAKE(p, h->bodies, imnn_program *);
    h->by = TAKE(p, b->nx + 1, bool);
    h->out_by = TAKE(p, b->ny + 1, bool);
    h->need = TAKE(p, b->ny + 1, bool);
    h->input = TAKE(p, b->nx + b->ny + 1, imnn_type);
    h->axis = TAKE(p, b->nx + b->ny + 1, int32_t);
    if (!h->body || !h->by || !h->out_by || !h->need || !h->input || !h->axis) return IMNN_ENOMEM;
    h->next = p->hold, p->hold = h;
    h->ny = b->ny;
    for (int i = 0; i < b->nx; i++) h->input[i] = *imnn_body_type(b, b->x[i]);
    for (int i = 0; i < b->ny; i++) h->input[b->nx + i] = *imnn_body_type(b, b->y[i]);
    memcpy(h->axis, b->axis, (size_t)(b->nx + b->ny) * sizeof *h->axis);
    bool out[b->ny + 1], reads[b->nx + 1];
    imnn_status st = IMNN_OK;
    if (rows) memcpy(h->by, it->by + lead, (size_t)b->nx);
    if (is_loop) {
        const imnn_loop l = imnn_loop_of(attr);
        h->is_loop = true, h->length = l.length, h->reverse = l.reverse;
        h->consts = l.consts, h->carry = l.carry;
        if ((st = find_needed(p, s, &l, h->need, reads)) != IMNN_OK) return st;
    } else
        for (int32_t m = 0; m < s->members; m++)
            h->need[imnn_body_result(p->item[s->member[m]].v->attr)] = true;
    for (int i = 0; rows && i < h->bodies; i++) {
        if (!imnn_body_rows(imnn_body_at(attr, i), r->R, h->by, out)) return IMNN_ENOMEM;
        for (int k = 0; k < b->ny; k++)
            h->out_by[k] =
                h->out_by[k] || out[k] || (h->is_loop && k < h->carry && h->by[h->consts + k]);
    }
    for (int i = 0; st == IMNN_OK && i < h->bodies; i++)
        st = add_body(h, i, imnn_body_at(attr, i), h->need, rows ? r->R : 0, h->by, h->out_by);
    return st;
}

imnn_status imnn_plan_holds(imnn_program *p)
{
    for (int32_t k = 0; k < p->regions; k++)
        for (int32_t s = 0; s < p->region[k].steps; s++) {
            step *t = &p->region[k].step[s];
            if (t->kind != STEP_HOLD) continue;
            imnn_status st = plan_body(p, &p->region[k], t);
            if (st != IMNN_OK) return st;
        }
    return IMNN_OK;
}

/* ---- memory: [values of slices, carry twice, stacked values, arena, workspace] ---- */

/* Bytes of a value of the body: of `tile` rows where it goes by rows. */
static size_t bytes_of(const imnn_type *t, bool by, int64_t R, int64_t tile)
{
    const size_t all = (size_t)imnn_shape_count(&t->shape) * imnn_dtype_size(t->dtype);
    return round_up((by && R ? all / (size_t)R * (size_t)tile : all) + 1);
}

int64_t imnn_hold_row_bytes(const step *s, int64_t R)
{
    const hold *h = s->hold;
    int64_t most = 0, own = 0;
    for (int32_t i = 0; i < h->bodies; i++) {
        const int64_t n = imnn_program_row_bytes(h->body[i]);
        if (n > most) most = n;
    }
    for (int32_t i = 0; h->is_loop && i < h->ny; i++)
        if (h->need[i] && h->out_by[i])
            own += (i < h->carry ? 2 : 1) * (int64_t)bytes_of(&h->input[h->nx + i], false, 1, 1) /
                   (R ? R : 1);
    return most + own;
}

imnn_status imnn_lay_hold(imnn_program *p, region *r, step *s)
{
    hold *h = s->hold;
    size_t at = 0, most = 0;
    h->at = TAKE(p, h->nx + 2 * h->ny + 1, size_t);
    h->out = TAKE(p, 2 * h->ny + 1, operand);
    h->has = TAKE(p, 2 * h->ny + 1, bool);
    if (!h->at || !h->out || !h->has) return IMNN_ENOMEM;
    for (int32_t m = 0; m < s->members; m++) {
        const int64_t k = imnn_body_result(p->item[s->member[m]].v->attr);
        h->has[k] = true;
        h->out[k] = imnn_operand_of(p, r, s->member[m], r->space != 0);
    }
    if (h->is_loop) {
        for (int32_t i = h->consts + h->carry; i < h->nx; i++)
            h->at[i] = at, at += bytes_of(&h->input[i], h->by[i], r->R, r->tile);
        for (int32_t i = 0; i < h->ny; i++) {
            const size_t n = bytes_of(&h->input[h->nx + i], h->out_by[i], r->R, r->tile);
            if (!h->need[i]) continue;
            h->at[h->nx + i] = at, at += n;
            if (i < h->carry) h->at[h->nx + h->ny + i] = at, at += n;
        }
    }
    h->work_at = at;
    for (int32_t i = 0; i < h->bodies; i++) {
        imnn_program *body = h->body[i];
        body->tile = r->tile;
        imnn_status st = imnn_plan_buffers(body);
        if (st != IMNN_OK) return st;
        const size_t n = round_up(body->arena_bytes) + body->thread_bytes;
        if (n > most) most = n;
        double work = 0;
        for (int32_t k = 0; k < body->regions; k++) work += body->region[k].work;
        const double times = !h->is_loop ? 1 : h->length < 0 ? 16 : (double)h->length;
        s->flops += (h->bodies > 1 ? 0 : body->flops) * times;
        r->work += work * times;
    }
    if (at + most + 64 > r->scratch_bytes) r->scratch_bytes = round_up(at + most + 64);
    return IMNN_OK;
}

/* ---- running ---- */

/* Bytes before the rows at hand. */
static int64_t skipped(const context *c, const hold *h, int32_t i, bool by, int64_t R)
{
    if (!by || !c->row) return 0;
    const imnn_type *t = &h->input[i];
    return c->row * (imnn_shape_count(&t->shape) / R * (int64_t)imnn_dtype_size(t->dtype));
}

/* Where the first row of a value would be whose rows at hand begin at q. */
static char *base_of(const context *c, const hold *h, int32_t i, bool by, int64_t R, char *q)
{
    return (char *)((intptr_t)q - skipped(c, h, i, by, R));
}

static char *start_of_row(const context *c, const hold *h, int32_t i, bool by, int64_t R, char *q)
{
    return (char *)((intptr_t)q + skipped(c, h, i, by, R));
}

/* The shape of the rows at hand. */
static imnn_shape local_of(const context *c, const hold *h, int32_t i, bool by, int64_t R)
{
    return by ? imnn_local_shape(&h->input[i].shape, R, c->rows) : h->input[i].shape;
}

/* A value of the body along a longer array: `outer` pieces of `bytes`, `step` apart. */
typedef struct along {
    int64_t outer;
    size_t bytes, step, first;
} along;

static along slice_of(const context *c, const hold *h, int32_t i, int32_t axis, bool by, int64_t R,
                      int64_t t)
{
    const imnn_shape s = local_of(c, h, i, by, R);
    along a = {1, imnn_dtype_size(h->input[i].dtype), 0, 0};
    for (int k = 0; k < s.ndim; k++)
        if (k < axis) a.outer *= s.size[k];
        else a.bytes *= (size_t)s.size[k];
    a.step = a.bytes * (size_t)h->length, a.first = a.bytes * (size_t)t;
    return a;
}

static void gather(char *to, const char *from, const along *a)
{
    from += a->first;
    if (a->bytes == 4)
        for (int64_t o = 0; o < a->outer; o++) memcpy(to + 4 * o, from + (size_t)o * a->step, 4);
    else if (a->bytes == 8)
        for (int64_t o = 0; o < a->outer; o++) memcpy(to + 8 * o, from + (size_t)o * a->step, 8);
    else if (a->bytes)
        for (int64_t o = 0; o < a->outer; o++)
            memcpy(to + (size_t)o * a->bytes, from + (size_t)o * a->step, a->bytes);
}

static void scatter(char *to, const char *from, const along *a)
{
    to += a->first;
    if (a->bytes == 4)
        for (int64_t o = 0; o < a->outer; o++) memcpy(to + (size_t)o * a->step, from + 4 * o, 4);
    else if (a->bytes == 8)
        for (int64_t o = 0; o < a->outer; o++) memcpy(to + (size_t)o * a->step, from + 8 * o, 8);
    else if (a->bytes)
        for (int64_t o = 0; o < a->outer; o++)
            memcpy(to + (size_t)o * a->step, from + (size_t)o * a->bytes, a->bytes);
}

static bool goes_on(const context *c, const hold *h, int64_t R, const char *pred)
{
    const imnn_shape s = local_of(c, h, h->consts, h->by[h->consts], R);
    const bool *is = (const bool *)pred;
    for (int64_t i = 0, n = imnn_shape_count(&s); i < n; i++)
        if (is[i]) return true;
    return false;
}

static int64_t value_bytes(const context *c, const hold *h, int32_t i, bool by, int64_t R)
{
    const imnn_shape s = local_of(c, h, i, by, R);
    return imnn_shape_count(&s) * (int64_t)imnn_dtype_size(h->input[i].dtype);
}

/* What a loop looks at in a step. */
typedef struct lap {
    const context *c;
    const hold *h;
    int64_t R;
    char *room;       /* workspace */
    char **in, **out; /* of the body */
    char **source;    /* arrays that are sliced */
    char **target;    /* results */
    char **carry;     /* where it is now */
} lap;

static void give_slices(const lap *l, int64_t t)
{
    const hold *h = l->h;
    for (int32_t i = h->consts + h->carry; i < h->nx; i++) {
        const along a = slice_of(l->c, h, i, h->axis[i], h->by[i], l->R, t);
        char *q = l->source[i] + a.first;
        if (a.outer != 1) gather(q = l->room + h->at[i], l->source[i], &a);
        l->in[i] = base_of(l->c, h, i, h->by[i], l->R, q);
    }
}

static void store_carry(const lap *l, int64_t t)
{
    const hold *h = l->h;
    for (int32_t j = 0; j < h->carry; j++) {
        if (!h->has[h->ny + j]) continue;
        const int32_t i = h->consts + j;
        const along a = slice_of(l->c, h, i, h->axis[i], h->by[i], l->R, t);
        scatter(l->target[h->ny + j], l->carry[j], &a);
    }
}

/* Where results of the body go in step n: the other half of the carry, or their place in the
 * whole. */
static void place_results(const lap *l, int64_t n, int64_t t)
{
    const hold *h = l->h;
    int32_t k = 0;
    for (int32_t i = 0; i < h->ny; i++) {
        if (!h->need[i]) continue;
        char *q = l->room + h->at[i < h->carry && n % 2 ? h->nx + h->ny + i : h->nx + i];
        if (i < h->carry) {
            if (n + 1 == h->length && h->has[i]) q = l->target[i];
        } else {
            const along a = slice_of(l->c, h, h->nx + i, h->axis[h->nx + i], h->out_by[i], l->R, t);
            if (a.outer == 1) q = l->target[i] + a.first;
        }
        l->out[k++] = base_of(l->c, h, h->nx + i, h->out_by[i], l->R, q);
    }
}

static void take_results(const lap *l, int64_t t)
{
    const hold *h = l->h;
    int32_t k = 0;
    for (int32_t i = 0; i < h->ny; i++) {
        if (!h->need[i]) continue;
        char *q = start_of_row(l->c, h, h->nx + i, h->out_by[i], l->R, l->out[k++]);
        if (i < h->carry) {
            l->carry[i] = q;
            l->in[h->consts + i] = base_of(l->c, h, h->nx + i, h->out_by[i], l->R, q);
            continue;
        }
        const along a = slice_of(l->c, h, h->nx + i, h->axis[h->nx + i], h->out_by[i], l->R, t);
        if (a.outer != 1) scatter(l->target[i], q, &a);
    }
}

static void run_loop(const lap *l)
{
    const hold *h = l->h;
    for (int64_t n = 0; h->length < 0 || n < h->length; n++) {
        if (h->length < 0 && !goes_on(l->c, h, l->R, l->carry[0])) break;
        if (imnn_run_stopped(l->c)) return;
        const int64_t t = h->reverse ? h->length - 1 - n : n;
        if (h->length >= 0) give_slices(l, t), store_carry(l, t);
        place_results(l, n, t);
        imnn_run_body(l->c, h->body[0], l->in, l->out, l->room + h->work_at, n ? h->consts : -1);
        take_results(l, t);
    }
    for (int32_t j = 0; j < h->carry; j++)
        if (h->has[j] && l->carry[j] != l->target[j]) {
            const size_t n =
                (size_t)value_bytes(l->c, h, h->consts + j, h->by[h->consts + j], l->R);
            if (n) memcpy(l->target[j], l->carry[j], n);
        }
}

void imnn_run_hold(const context *c, const region *r, const step *s)
{
    const hold *h = s->hold;
    char *in[h->nx + 1], *out[h->ny + 1], *source[h->nx + 1], *target[2 * h->ny + 1],
        *carry[h->carry + 1];
    const lap l = {c, h, r->R, c->work + r->tile_bytes, in, out, source, target, carry};
    for (int32_t i = 0; i < h->nx; i++) {
        const operand *o = &s->in[i + h->lead];
        source[i] = imnn_start_of(c, o);
        in[i] = base_of(c, h, i, o->by, r->R, source[i]);
        if (h->is_loop && i >= h->consts && i < h->consts + h->carry)
            carry[i - h->consts] = source[i];
    }
    for (int32_t k = 0; k < 2 * h->ny; k++)
        target[k] = h->has[k] ? imnn_start_of(c, &h->out[k]) : NULL;
    if (h->is_loop) {
        run_loop(&l);
        return;
    }
    int32_t body = h->lead ? *(const int32_t *)imnn_start_of(c, &s->in[0]) : 0, k = 0;
    body = body < 0 ? 0 : body >= h->bodies ? h->bodies - 1 : body;
    for (int32_t i = 0; i < h->ny; i++)
        if (h->need[i]) out[k++] = base_of(c, h, h->nx + i, h->out_by[i], r->R, target[i]);
    imnn_run_body(c, h->body[body], in, out, l.room, -1);
}
