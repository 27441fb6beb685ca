/* Where everything lies: tiles in the workspace of a thread, kept values in the arena; and with
 * that, how large tiles are and what the operands of the steps are. */
#include "core/program/program.h"
#include <math.h>
#include <string.h>

enum {
    TILE_BYTES = 1 << 20,    /* what a tile may hold at a time: half a second-level cache */
    PARTIAL_BYTES = 1 << 25, /* what the partial sums of all groups may take */
    FEWEST_TILE_ROWS = 16,
    TILES = 16,
    FEWEST_GROUPS = 8,
    GROUPS = 16,
    MOST_GROUPS = 64,
    SMALL_PARTIAL = 1 << 13, /* bytes: costs nothing; otherwise at least */
    ROWS_OF_GROUP = 128 /* summed for each partial result: writing and adding it takes as long as
                         * some tens of them */
};

static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* A piece of memory in use from one point of time to another (both included). */
typedef struct piece {
    size_t bytes, at;
    int32_t from, to;
} piece;

/* First fit, in the order given. The bytes needed in all. */
static size_t place_pieces(piece *q, int32_t n)
{
    size_t all = 0;
    for (int32_t i = 0; i < n; i++) {
        size_t at = 0;
        for (bool moved = true; moved;) {
            moved = false;
            for (int32_t k = 0; k < i; k++)
                if (q[k].bytes && q[k].from <= q[i].to && q[i].from <= q[k].to &&
                    q[k].at < at + q[i].bytes && at < q[k].at + q[k].bytes)
                    at = q[k].at + q[k].bytes, moved = true;
        }
        q[i].at = at;
        if (q[i].bytes && at + q[i].bytes > all) all = at + q[i].bytes;
    }
    return all;
}

static bool is_fused_where(const imnn_program *p, const region *r, int32_t i)
{
    imnn_view view[2];
    return imnn_fused_compare(p, r, i, view);
}

/* Read k of member i as an item, its own inputs or those of the comparison; -1: no more. */
static int32_t read_of(const imnn_program *p, int32_t i, int32_t k, bool fused)
{
    const item *it = &p->item[i];
    if (!fused) return k < it->v->n ? it->x[k] : -1;
    const item *c = &p->item[p->item[it->x[0]].base];
    return k < 2 ? c->x[k] : k < 4 ? it->x[k - 1] : -1;
}

/* For each member of a region: the last step that reads it, and whether it needs memory. */
static void find_lives(const imnn_program *p, region *r, int32_t *last)
{
    for (int32_t m = 0; m < r->members; m++) {
        const item *it = &p->item[r->member[m]];
        bool fused = it->v->op->class == IMNN_MAP || it->v->op->class == IMNN_VIEW;
        last[m] = r->step_of[m];
        r->tile_at[m] = !fused && !it->stored && it->rows != IMNN_ROWS_FOLD ? 0 : -1;
    }
    for (int32_t m = 0; m < r->members; m++) {
        const int32_t i = r->member[m];
        const bool fused = is_fused_where(p, r, i);
        for (int32_t k = 0, x; (x = read_of(p, i, k, fused)) >= 0; k++) {
            int32_t b = p->item[x].base, d = imnn_member(r, b);
            if (d < 0 || b >= i) continue;
            if (r->step_of[m] > last[d]) last[d] = r->step_of[m];
            if ((r->step_of[m] != r->step_of[d] || x != b) && !p->item[b].stored &&
                p->item[b].rows != IMNN_ROWS_FOLD)
                r->tile_at[d] = 0;
        }
    }
}

static int64_t tile_rows(const region *r, int64_t row_bytes)
{
    int64_t share = ((r->R + TILES - 1) / TILES + 7) / 8 * 8;
    int64_t fits = TILE_BYTES / (row_bytes > 0 ? row_bytes : 1);
    if (share < FEWEST_TILE_ROWS) share = FEWEST_TILE_ROWS;
    int64_t rows = share < fits ? share : fits < 8 ? 8 : fits / 8 * 8;
    if (rows >= r->R) return r->R;
    /* full tiles in a number that threads share evenly */
    int64_t tiles = ((r->R + rows - 1) / rows + 7) / 8 * 8;
    rows = (r->R + tiles - 1) / tiles;
    const int64_t unit = rows > 64 * FEWEST_TILE_ROWS ? 64 : 8; /* large tiles begin at a line */
    return rows > FEWEST_TILE_ROWS ? (rows + unit - 1) / unit * unit : rows;
}

static bool is_source(const item *it) { return it->input >= 0 || it->v->op == &imnn_op_read; }

/* Bytes of a row of inputs of the program that a tile should hold: those that several steps read,
 * one after the other, which shall come from memory once; and all that are examples, be they an
 * array or read into the tile, so that tiles are the same for both. */
static int64_t held_inputs(const imnn_program *p, const region *r)
{
    int64_t bytes = 0;
    for (int32_t i = 0; r->space != 0 && i < p->items; i++) {
        int32_t reader = -1;
        bool again = false;
        if (!is_source(&p->item[i])) continue;
        const bool examples = p->item[i].rows == IMNN_ROWS_EACH;
        for (int32_t m = 0; !again && m < r->members; m++) {
            const item *it = &p->item[r->member[m]];
            for (int32_t k = 0; k < it->v->n; k++) {
                if (p->item[it->x[k]].base != i || !it->by[k]) continue;
                again = again || examples || (reader >= 0 && reader != r->step_of[m]);
                reader = r->step_of[m];
            }
        }
        if (again) bytes += imnn_row_bytes(&p->item[i], r->R);
    }
    return bytes;
}

/* Bytes of a row that are there at a time, at most; without inputs. */
static int64_t most_live(const imnn_program *p, const region *r, const int32_t *last)
{
    int64_t most = 0;
    for (int32_t s = 0; s < r->steps; s++) {
        int64_t live = r->step[s].kind == STEP_HOLD ? imnn_hold_row_bytes(&r->step[s], r->R) : 0;
        for (int32_t m = 0; m < r->members; m++)
            if (r->tile_at[m] >= 0 && r->step_of[m] <= s && s <= last[m] &&
                !is_source(&p->item[r->member[m]]))
                live += imnn_row_bytes(&p->item[r->member[m]], r->R);
        if (live > most) most = live;
    }
    return most;
}

int64_t imnn_program_row_bytes(imnn_program *p)
{
    int64_t most = 0;
    for (int32_t k = 0; p->by_rows && k < p->regions; k++) {
        region *r = &p->region[k];
        int32_t *last = r->space ? imnn_alloc((size_t)(r->members + 1) * sizeof *last) : NULL;
        if (!last) continue; /* of no memory others complain */
        find_lives(p, r, last);
        const int64_t live = most_live(p, r, last);
        if (live > most) most = live;
        imnn_free(last, (size_t)(r->members + 1) * sizeof *last);
    }
    return most;
}

static imnn_status lay_tiles(imnn_program *p, region *r)
{
    const size_t bytes = (size_t)(r->members + 1) * sizeof(piece);
    const size_t int_bytes = (size_t)(r->members + 1) * sizeof(int32_t);
    piece *q = imnn_alloc(bytes);
    int32_t *last = imnn_alloc(int_bytes);
    if (q && last) {
        find_lives(p, r, last);
        r->tile = p->tiles ? p->tiles[r - p->region]
                  : p->by_rows && r->space
                      ? p->tile
                      : tile_rows(r, most_live(p, r, last) + held_inputs(p, r));
        for (int32_t m = 0; m < r->members; m++) {
            q[m].from = r->step_of[m], q[m].to = last[m];
            if (r->tile_at[m] < 0) continue;
            q[m].bytes = round_up((size_t)(imnn_row_bytes(&p->item[r->member[m]], r->R) * r->tile));
            if (!q[m].bytes) q[m].bytes = 64;
        }
        r->tile_bytes = place_pieces(q, r->members);
        for (int32_t m = 0; m < r->members; m++)
            if (r->tile_at[m] >= 0) r->tile_at[m] = (int64_t)q[m].at;
    }
    bool ok = q && last;
    imnn_free(last, int_bytes);
    imnn_free(q, bytes);
    return ok ? IMNN_OK : IMNN_ENOMEM;
}

static size_t value_bytes(const item *it)
{
    return round_up(
        (size_t)imnn_shape_count(&it->v->type.shape) * imnn_dtype_size(it->v->type.dtype) + 1);
}

/* Terms that step s adds for one element of its result. */
static double terms(const imnn_program *p, const step *s)
{
    const item *it = &p->item[s->item];
    const imnn_type *in = &p->item[it->x[0]].v->type;
    const int64_t n = imnn_shape_count(&it->v->type.shape);
    if (n == 0) return 0;
    if (!it->v->op->flops) return (double)imnn_shape_count(&in->shape) / (double)n;
    const imnn_type both[2] = {*in, p->item[it->x[1]].v->type};
    return it->v->op->flops(it->v, both) / 2 / (double)n;
}

/* Groups of consecutive tiles, each with its own partial sums. What they are follows from the sums
 * alone, so that a program that computes something twice adds in the same order. */
static void cut_groups(const imnn_program *p, region *r)
{
    size_t bytes = 0;
    double work = 0; /* terms for each byte, times bytes */
    r->tiles = r->R > 0 ? (r->R + r->tile - 1) / r->tile : 0;
    r->groups = r->tiles;
    for (int32_t s = 0; s < r->steps; s++) {
        const size_t own = value_bytes(&p->item[p->item[r->step[s].item].root]);
        if (r->step[s].first) bytes += own;
        if (r->step[s].fold) work += terms(p, &r->step[s]) * (double)own;
    }
    if (!r->folds) return;
    int64_t most = r->tiles <= TILES ? GROUPS : MOST_GROUPS;
    const double useful = bytes < SMALL_PARTIAL ? INFINITY : work / (double)bytes / ROWS_OF_GROUP;
    if (useful < (double)most) most = useful < FEWEST_GROUPS ? FEWEST_GROUPS : (int64_t)useful;
    int64_t fit = (int64_t)(PARTIAL_BYTES / (bytes ? bytes : 1));
    if (most > fit) most = fit < 2 ? 2 : fit;
    while (most & (most - 1)) most &= most - 1; /* a power of two: threads share them evenly */
    int64_t each = (r->tiles + most - 1) / most;
    r->groups = each ? (r->tiles + each - 1) / each : 0;
}

static region *home(imnn_program *p, const item *it)
{
    for (int32_t k = 0; k < p->regions; k++)
        if (p->region[k].level == it->level && p->region[k].space == it->space)
            return &p->region[k];
    return NULL;
}

/* The second factors that products of the region use whole are packed, each once. */
static imnn_status find_packs(imnn_program *p, region *r)
{
    r->pack = TAKE(p, r->steps + 1, pack);
    if (!r->pack) return IMNN_ENOMEM;
    for (int32_t s = 0; s < r->steps; s++) {
        step *t = &r->step[s];
        t->pack = -1;
        if (t->kind != STEP_GEMM || t->fold || r->R == 1) continue;
        const item *it = &p->item[t->item];
        if (it->by[1] || p->item[it->x[1]].v->type.shape.ndim != 2) continue;
        const imnn_shape *b = &p->item[it->x[1]].v->type.shape;
        const bool tb = it->v->attr->v[1] != 0;
        int32_t k = 0;
        while (k < r->packs && (r->pack[k].item != it->x[1] || r->pack[k].transpose != tb)) k++;
        t->pack = k;
        if (k == r->packs)
            r->pack[r->packs++] =
                (pack){.item = it->x[1], .transpose = tb, .k = b->size[tb], .n = b->size[!tb]};
    }
    return IMNN_OK;
}

static size_t pack_bytes(const imnn_program *p, const pack *k)
{
    return round_up(imnn_gemm_packed_bytes(p->item[k->item].v->type.dtype, k->k, k->n));
}

/* The arena: kept values, partial sums and packed factors, by the regions that use them. */
static imnn_status lay_arena(imnn_program *p)
{
    size_t most = (size_t)p->items;
    for (int32_t k = 0; k < p->regions; k++)
        most += (size_t)p->region[k].packs + (size_t)p->region[k].steps;
    const size_t bytes = (most + 1) * sizeof(piece), owner_bytes = (most + 1) * sizeof(size_t *);
    const size_t int_bytes = (size_t)(p->items + 1) * sizeof(int32_t);
    piece *q = imnn_alloc(bytes);
    size_t **owner = imnn_alloc(owner_bytes);
    int32_t *last = imnn_alloc(int_bytes), n = 0;
    imnn_status st = q && owner && last ? IMNN_OK : IMNN_ENOMEM;
    for (int32_t k = 0; st == IMNN_OK && k < p->regions; k++)
        for (int32_t m = 0; m < p->region[k].members; m++) {
            const int32_t i = p->region[k].member[m];
            for (int32_t c = 0; c < p->item[i].v->n; c++) last[p->item[p->item[i].x[c]].base] = k;
            const bool fused = is_fused_where(p, &p->region[k], i);
            for (int32_t c = 0, x; fused && (x = read_of(p, i, c, fused)) >= 0; c++)
                last[p->item[x].base] = k;
        }
    for (int32_t k = 0; st == IMNN_OK && k < p->regions; k++) {
        region *r = &p->region[k];
        for (int32_t i = 0; i < p->items; i++) {
            item *it = &p->item[i];
            bool kept = it->v->op && it->base == i && it->result < 0 && it->root == i &&
                        (it->stored || it->rows == IMNN_ROWS_FOLD) && it->v->op != &imnn_op_emit &&
                        home(p, it) == r;
            if (!kept) continue;
            q[n] = (piece){value_bytes(it), 0, k, last[i] > k ? last[i] : k};
            owner[n++] = &it->at;
        }
        for (int32_t s = 0; s < r->steps; s++) {
            if (!r->step[s].first || r->step[s].kind == STEP_EMIT) continue;
            item *root = &p->item[p->item[r->step[s].item].root];
            q[n] = (piece){(size_t)r->groups * value_bytes(root), 0, k, k};
            owner[n++] = &root->partial;
        }
        for (int32_t s = 0; s < r->packs; s++) {
            q[n] = (piece){pack_bytes(p, &r->pack[s]), 0, k, k};
            owner[n++] = &r->pack[s].at;
        }
    }
    if (st == IMNN_OK) p->arena_bytes = place_pieces(q, n);
    for (int32_t i = 0; st == IMNN_OK && i < n; i++) *owner[i] = q[i].at;
    imnn_free(last, int_bytes);
    imnn_free(owner, owner_bytes);
    imnn_free(q, bytes);
    return st;
}

static operand partial_of(const imnn_program *p, int32_t i)
{
    const item *it = &p->item[i], *root = &p->item[it->root];
    operand o = {.place = IN_PARTIAL,
                 .dtype = it->v->type.dtype,
                 .shape = it->v->type.shape,
                 .offset = root->partial,
                 .row_bytes = 0};
    memcpy(o.stride, it->view.stride, sizeof o.stride);
    o.index = (int32_t)value_bytes(root); /* from group to group */
    return o;
}

static void count_work(const imnn_program *p, region *r, step *s)
{
    const item *it = &p->item[s->item];
    if (it->v->op->flops) {
        const imnn_type in[2] = {p->item[it->x[0]].v->type, p->item[it->x[1]].v->type};
        s->flops = it->v->op->flops(it->v, in);
        r->work += s->flops / 16;
        return;
    }
    for (int32_t m = 0; m < s->members; m++) {
        const item *e = &p->item[s->member[m]];
        int64_t n = imnn_shape_count(&e->v->type.shape);
        for (int32_t k = 0; k < e->v->n; k++) {
            int64_t in = imnn_shape_count(&p->item[e->x[k]].v->type.shape);
            if (in > n) n = in;
        }
        r->work += (double)n * (e->v->op->costly || s->kind == STEP_CALL ? 8 : 1);
    }
}

static imnn_status lay_step(imnn_program *p, region *r, step *s)
{
    const item *it = &p->item[s->item];
    if (s->kind != STEP_HOLD) count_work(p, r, s);
    if (s->kind == STEP_MAP) return imnn_plan_cluster(p, r, s);
    s->n = it->v->n;
    s->in = TAKE(p, s->n + 1, operand);
    if (!s->in) return IMNN_ENOMEM;
    for (int32_t k = 0; k < s->n; k++) s->in[k] = imnn_operand_of(p, r, it->x[k], it->by[k]);
    if (s->kind == STEP_EMIT) return IMNN_OK;
    if (s->kind == STEP_HOLD) return imnn_lay_hold(p, r, s);
    s->out = s->fold ? partial_of(p, s->item) : imnn_operand_of(p, r, s->item, true);
    if (s->kind != STEP_GEMM) return IMNN_OK;
    const imnn_shape *a = &s->in[0].shape, *b = &s->in[1].shape;
    const bool ta = it->v->attr->v[0] != 0;
    const int64_t rows = r->tile, whole = r->R;
    int64_t n = a->size[a->ndim - (ta ? 1 : 2)], k = a->size[a->ndim - (ta ? 2 : 1)];
    if (s->in[0].by && a->ndim == 2) *(ta ? &k : &n) = *(ta ? &k : &n) / whole * rows;
    int64_t m = b->size[b->ndim - (it->v->attr->v[1] ? 2 : 1)];
    size_t need = round_up(imnn_gemm_scratch(s->out.dtype, n, m, k));
    if (need > r->scratch_bytes) r->scratch_bytes = need;
    return IMNN_OK;
}

imnn_status imnn_plan_buffers(imnn_program *p)
{
    imnn_status st = IMNN_OK;
    for (int32_t k = 0; st == IMNN_OK && k < p->regions; k++) {
        region *r = &p->region[k];
        if ((st = lay_tiles(p, r)) != IMNN_OK) return st;
        cut_groups(p, r);
        st = find_packs(p, r);
    }
    if (st == IMNN_OK) st = lay_arena(p);
    for (int32_t k = 0; st == IMNN_OK && k < p->regions; k++) {
        region *r = &p->region[k];
        for (int32_t s = 0; st == IMNN_OK && s < r->steps; s++) st = lay_step(p, r, &r->step[s]);
        for (int32_t s = 0; s < r->packs; s++) {
            pack *w = &r->pack[s];
            w->from = imnn_operand_of(p, r, w->item, false);
            w->row = w->from.stride[w->transpose], w->col = w->from.stride[!w->transpose];
        }
        size_t need = r->tile_bytes + r->scratch_bytes + r->register_bytes;
        if (need > p->thread_bytes) p->thread_bytes = need;
    }
    for (int32_t k = 0; k < p->regions; k++)
        for (int32_t s = 0; s < p->region[k].steps; s++) p->flops += p->region[k].step[s].flops;
    if (st == IMNN_OK) imnn_make_native(p);
    return st;
}
