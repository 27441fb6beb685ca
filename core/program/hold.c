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

/* Rows are last in the bodies of a loop that can be so; in what these hold, always. */
static bool lies_last(const imnn_program *p, const hold *h)
{
    bool can = h->is_loop;
    for (int32_t i = 0; i < h->bodies; i++) can = can && h->body[i]->can_be_last;
    return p->rows_last || can;
}

/* Elements of a row before and from its axis on, of value i. */
static void measure(hold *h, int32_t i, bool by, int64_t R)
{
    const imnn_shape *s = &h->input[i].shape;
    h->outer[i] = h->inner[i] = 1;
    for (int k = 0; k < s->ndim; k++) *(k < h->axis[i] ? &h->outer[i] : &h->inner[i]) *= s->size[k];
    if (by) *(h->outer[i] >= R ? &h->outer[i] : &h->inner[i]) /= R;
}

imnn_status imnn_lay_hold(imnn_program *p, region *r, step *s)
{
    hold *h = s->hold;
    size_t at = 0, most = 0;
    h->at = TAKE(p, h->nx + 2 * h->ny + 1, size_t);
    h->out = TAKE(p, 2 * h->ny + 1, operand);
    h->has = TAKE(p, 2 * h->ny + 1, bool);
    h->last = TAKE(p, h->nx + 2 * h->ny + 1, bool);
    h->outer = TAKE(p, h->nx + h->ny + 1, int64_t);
    h->inner = TAKE(p, h->nx + h->ny + 1, int64_t);
    if (!h->at || !h->out || !h->has || !h->last || !h->outer || !h->inner) return IMNN_ENOMEM;
    for (int32_t i = 0; i < h->nx + h->ny; i++)
        measure(h, i, i < h->nx ? h->by[i] : h->out_by[i - h->nx], r->R);
    h->rows_last = lies_last(p, h), h->tile = r->tile;
    for (int32_t m = 0; m < s->members; m++) {
        const int64_t k = imnn_body_result(p->item[s->member[m]].v->attr);
        h->has[k] = true;
        h->out[k] = imnn_operand_of(p, r, s->member[m], r->space != 0);
        h->last[h->nx + k] = imnn_lies_last(p, s->member[m]);
    }
    for (int32_t i = 0; i < h->nx; i++)
        h->last[i] = imnn_lies_last(p, p->item[s->item].x[i + h->lead]);
    if (h->is_loop) {
        for (int32_t i = 0; i < h->nx; i++)
            if (i < h->consts ? h->rows_last : i >= h->consts + h->carry)
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
        body->tile = r->tile, body->rows_last = h->rows_last;
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

/* Bytes before the rows at hand: the body thinks of all rows, unless they are last. */
static int64_t skipped(const context *c, const hold *h, int32_t i, bool by, int64_t R)
{
    if (!by || h->rows_last || !c->row) return 0;
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

/* A value of the body: `outer` pieces of `inner` elements for each row at hand. Sliced or stacked,
 * the pieces of one step are `length` apart in the whole. */
typedef struct extent {
    int64_t rows, outer, inner;
    size_t size; /* of an element */
    bool by;
} extent;

static extent extent_of(const context *c, const hold *h, int32_t i, bool by)
{
    return (extent){by ? c->rows : 1, h->outer[i], h->inner[i], imnn_dtype_size(h->input[i].dtype),
                    by};
}

/* Where a value lies: rows and elements of a row are so many elements apart; or, of a whole array
 * of `length` values, the one of step t. */
typedef struct spot {
    char *p;
    int64_t row, element, length, t;
} spot;

static spot spot_of(const extent *e, const hold *h, bool last, char *p, int64_t length, int64_t t)
{
    if (last && e->by) return (spot){p, 1, h->tile, length, t};
    return (spot){p, e->by ? e->outer * e->inner * length : 0, 1, length, t};
}

/* The first element of the value. */
static char *first_of(const extent *e, const spot *s)
{
    return s->p + s->t * e->inner * s->element * (int64_t)e->size;
}

/* Whether a value lies at a as it would at b. */
static bool lies_alike(const extent *e, const spot *a, const spot *b)
{
    return (e->rows < 2 || a->row == b->row) &&
           (e->outer * e->inner < 2 || a->element == b->element) &&
           (e->outer < 2 || a->length == b->length);
}

static void move(const extent *e, const spot *to, const spot *from)
{
    imnn_operand out = {first_of(e, to), {0}}, in = {first_of(e, from), {0}};
    const int64_t y[3] = {to->row, to->length * e->inner * to->element, to->element};
    const int64_t x[3] = {from->row, from->length * e->inner * from->element, from->element};
    const int64_t n[3] = {e->rows, e->outer, e->inner};
    int64_t size[3];
    for (int k = 0; k < 3; k++) { /* the axis of unit steps comes last */
        const int axis = to->element == 1 ? k : (k + 1) % 3;
        size[k] = n[axis], out.s[k] = y[axis], in.s[k] = x[axis];
    }
    imnn_map_run(imnn_map_find_copy(e->size), 1, size, &out, &in);
}

/* What a loop looks at in a step. */
typedef struct lap {
    const context *c;
    const hold *h;
    int64_t R;
    char *room;       /* workspace */
    char **in, **out; /* of the body */
    char **source;    /* inputs */
    char **target;    /* results */
    char **carry;     /* where it is now */
} lap;

static bool goes_on(const lap *l)
{
    const hold *h = l->h;
    const extent e = extent_of(l->c, h, h->consts, h->by[h->consts]);
    const spot s = spot_of(&e, h, h->rows_last, l->carry[0], 1, 0);
    const bool *is = (const bool *)s.p;
    for (int64_t r = 0; r < e.rows; r++)
        for (int64_t k = 0; k < e.outer * e.inner; k++)
            if (is[r * s.row + k * s.element]) return true;
    return false;
}

/* Input i as the body wants it to lie: where it is, or moved to the workspace. */
static char *brought(const lap *l, int32_t i, size_t at, int64_t length, int64_t t)
{
    const hold *h = l->h;
    const extent e = extent_of(l->c, h, i, h->by[i]);
    const spot from = spot_of(&e, h, h->last[i], l->source[i], length, t);
    const spot to = spot_of(&e, h, h->rows_last, l->room + at, 1, 0);
    if (lies_alike(&e, &from, &to)) return first_of(&e, &from);
    move(&e, &to, &from);
    return to.p;
}

static void give_input(const lap *l, int32_t i, char *q)
{
    l->in[i] = base_of(l->c, l->h, i, l->h->by[i], l->R, q);
}

/* What stays, and the first carry, which may take the place that the second step writes to. */
static void give_first(const lap *l)
{
    const hold *h = l->h;
    for (int32_t i = 0; i < h->consts + h->carry; i++) {
        const int32_t j = i - h->consts;
        const bool read = j < 0 || h->need[j];
        char *q =
            read ? brought(l, i, j < 0 ? h->at[i] : h->at[h->nx + h->ny + j], 1, 0) : l->source[i];
        give_input(l, i, q);
        if (j >= 0) l->carry[j] = q;
    }
}

static void give_slices(const lap *l, int64_t t)
{
    const hold *h = l->h;
    for (int32_t i = h->consts + h->carry; i < h->nx; i++)
        give_input(l, i, brought(l, i, h->at[i], h->length, t));
}

/* A value that lies as in the body goes to its place in result k. */
static void deliver(const lap *l, int32_t k, int32_t i, bool by, char *q, int64_t length, int64_t t)
{
    const hold *h = l->h;
    const extent e = extent_of(l->c, h, i, by);
    const spot from = spot_of(&e, h, h->rows_last, q, 1, 0);
    const spot to = spot_of(&e, h, h->last[h->nx + k], l->target[k], length, t);
    if (first_of(&e, &to) != q) move(&e, &to, &from);
}

static void store_carry(const lap *l, int64_t t)
{
    const hold *h = l->h;
    for (int32_t j = 0; j < h->carry; j++)
        if (h->has[h->ny + j])
            deliver(l, h->ny + j, h->consts + j, h->by[h->consts + j], l->carry[j], h->length, t);
}

/* Where results of the body go in step n: the other half of the carry, or their place in the
 * whole. */
static void place_results(const lap *l, int64_t n, int64_t t)
{
    const hold *h = l->h;
    int32_t k = 0;
    for (int32_t i = 0; i < h->ny; i++) {
        if (!h->need[i]) continue;
        const bool is_carry = i < h->carry;
        char *q = l->room + h->at[is_carry && n % 2 ? h->nx + h->ny + i : h->nx + i];
        if (h->has[i] && (!is_carry || n + 1 == h->length)) {
            const extent e = extent_of(l->c, h, h->nx + i, h->out_by[i]);
            const spot own = spot_of(&e, h, h->rows_last, q, 1, 0);
            const spot whole = spot_of(&e, h, h->last[h->nx + i], l->target[i],
                                       is_carry ? 1 : h->length, is_carry ? 0 : t);
            if (lies_alike(&e, &own, &whole)) q = first_of(&e, &whole);
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
        if (i < h->carry) l->carry[i] = q, give_input(l, h->consts + i, q);
        else deliver(l, i, h->nx + i, h->out_by[i], q, h->length, t);
    }
}

static void run_loop(const lap *l)
{
    const hold *h = l->h;
    give_first(l);
    for (int64_t n = 0; h->length < 0 || n < h->length; n++) {
        if (h->length < 0 && !goes_on(l)) break;
        if (imnn_run_stopped(l->c)) return;
        const int64_t t = h->reverse ? h->length - 1 - n : n;
        if (h->length >= 0) give_slices(l, t), store_carry(l, t);
        place_results(l, n, t);
        imnn_run_body(l->c, h->body[0], l->in, l->out, l->room + h->work_at, n ? h->consts : -1);
        take_results(l, t);
    }
    for (int32_t j = 0; j < h->carry; j++)
        if (h->has[j]) deliver(l, j, h->consts + j, h->by[h->consts + j], l->carry[j], 1, 0);
}

void imnn_run_hold(const context *c, const region *r, const step *s)
{
    const hold *h = s->hold;
    char *in[h->nx + 1], *out[h->ny + 1], *source[h->nx + 1], *target[2 * h->ny + 1],
        *carry[h->carry + 1];
    const lap l = {c, h, r->R, c->work + r->tile_bytes, in, out, source, target, carry};
    for (int32_t i = 0; i < h->nx; i++) source[i] = imnn_start_of(c, &s->in[i + h->lead]);
    for (int32_t k = 0; k < 2 * h->ny; k++)
        target[k] = h->has[k] ? imnn_start_of(c, &h->out[k]) : NULL;
    if (h->is_loop) {
        run_loop(&l);
        return;
    }
    int32_t body = h->lead ? *(const int32_t *)imnn_start_of(c, &s->in[0]) : 0, k = 0;
    body = body < 0 ? 0 : body >= h->bodies ? h->bodies - 1 : body;
    for (int32_t i = 0; i < h->nx; i++) give_input(&l, i, source[i]);
    for (int32_t i = 0; i < h->ny; i++)
        if (h->need[i]) out[k++] = base_of(c, h, h->nx + i, h->out_by[i], r->R, target[i]);
    imnn_run_body(c, h->body[body], in, out, l.room, -1);
}
