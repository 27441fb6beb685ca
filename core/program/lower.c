/* What the steps of a region are: elementwise members are gathered in clusters, every other member
 * is a step of its own. */
#include "core/program/program.h"
#include <string.h>

const imnn_shape *imnn_item_space(const imnn_program *p, const item *it)
{
    return it->v->op->class == IMNN_VIEW ? &p->item[it->x[0]].v->type.shape : &it->v->type.shape;
}

imnn_shape imnn_local_shape(const imnn_shape *s, int64_t R, int64_t rows)
{
    imnn_shape out = *s;
    int axis = imnn_row_axis(s, R);
    if (axis >= 0) out.size[axis] = s->size[axis] / R * rows;
    return out;
}

static bool is_fused(const item *it)
{
    return it->v->op->class == IMNN_MAP || it->v->op->class == IMNN_VIEW;
}

/* The first step that member i could be part of or come after. */
static int32_t earliest(const imnn_program *p, const region *r, int32_t i)
{
    const item *it = &p->item[i];
    int32_t at = 0;
    for (int32_t k = 0; k < it->v->n; k++) {
        const item *x = &p->item[it->x[k]];
        int32_t m = imnn_member(r, x->base);
        if (m < 0 || x->base >= i) continue;
        if (!imnn_flows(p, it, k) && r->space != 0) continue; /* read from where it is stored */
        int32_t s = r->step_of[m];
        bool same = is_fused(it) && is_fused(&p->item[x->base]) && x->base == it->x[k] &&
                    imnn_shape_equal(imnn_item_space(p, it), &p->item[x->base].v->type.shape) &&
                    p->item[x->base].v->op->class == IMNN_MAP;
        if (s + !same > at) at = s + !same;
    }
    return at;
}

static step_kind kind_of(const item *it)
{
    switch (it->v->op->class) {
    case IMNN_REDUCE: return STEP_REDUCE;
    case IMNN_MATMUL: return STEP_GEMM;
    case IMNN_HOLD: return STEP_HOLD;
    case IMNN_CALL:
        return it->v->op == &imnn_op_emit   ? STEP_EMIT
               : it->v->op == &imnn_op_read ? STEP_READ
                                            : STEP_CALL;
    default: return STEP_MAP;
    }
}

static int32_t choose(const imnn_program *p, const region *r, int32_t i)
{
    const item *it = &p->item[i];
    for (int32_t s = 0; it->v->op->class == IMNN_HOLD && s < r->steps; s++)
        if (imnn_same_call(it, &p->item[r->step[s].item])) return s;
    if (!is_fused(it)) return r->steps;
    enum { NEAR = 3 }; /* joining a cluster from long ago would keep what it makes for long */
    int32_t from = earliest(p, r, i);
    for (int32_t s = r->steps - 1; s >= from && (s == from || s >= r->steps - NEAR); s--) {
        const step *t = &r->step[s];
        if (t->kind == STEP_MAP &&
            imnn_shape_equal(imnn_item_space(p, it), imnn_item_space(p, &p->item[t->item])))
            return s;
    }
    return r->steps;
}

/* Put member m into a step, and before it what it needs of rows that are made again here: these
 * have no place of their own in the order, and are best made where they are used, while in the
 * cache. */
static void put(const imnn_program *p, region *r, int32_t m)
{
    const int32_t i = r->member[m];
    const item *it = &p->item[i];
    if (r->step_of[m] >= 0) return;
    for (int32_t k = 0; k < it->v->n; k++) {
        int32_t b = p->item[it->x[k]].base, d = imnn_member(r, b);
        if (d >= 0 && b < i && imnn_flows(p, it, k)) put(p, r, d);
    }
    int32_t s = choose(p, r, i);
    r->step_of[m] = s;
    if (s == r->steps) r->step[r->steps++] = (step){.kind = kind_of(it)};
    r->step[s].item = i;
    r->step[s].members++;
}

static imnn_status group_members(imnn_program *p, region *r)
{
    r->step = TAKE(p, r->members + 1, step);
    r->step_of = TAKE(p, r->members + 1, int32_t);
    r->tile_at = TAKE(p, r->members + 1, int64_t);
    if (!r->step || !r->step_of || !r->tile_at) return IMNN_ENOMEM;
    for (int32_t m = 0; m < r->members; m++) r->step_of[m] = -1;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t m = 0; m < r->members; m++)
            if (pass == 1 || p->item[r->member[m]].level == r->level) put(p, r, m);
    for (int32_t s = 0; s < r->steps; s++) {
        r->step[s].member = TAKE(p, r->step[s].members, int32_t);
        if (!r->step[s].member) return IMNN_ENOMEM;
        r->step[s].members = 0;
    }
    for (int32_t m = 0; m < r->members; m++) {
        step *s = &r->step[r->step_of[m]];
        s->member[s->members++] = r->member[m];
    }
    return IMNN_OK;
}

static int32_t root_of(const imnn_program *p, int32_t i)
{
    while (p->item[i].root != i) i = p->item[i].root;
    return i;
}

/* Sums over rows are collected under their root; the first step that adds to it starts it. */
static void find_folds(imnn_program *p, region *r)
{
    for (int32_t s = 0; s < r->steps; s++) {
        step *t = &r->step[s];
        if (p->item[t->item].rows != IMNN_ROWS_FOLD) continue;
        t->fold = true, t->first = true;
        r->folds = true;
        for (int32_t before = 0; before < s; before++)
            if (r->step[before].fold && root_of(p, r->step[before].item) == root_of(p, t->item))
                t->first = false;
    }
}

imnn_status imnn_plan_steps(imnn_program *p)
{
    for (int32_t i = 0; i < p->items; i++) p->item[i].root = root_of(p, i);
    for (int32_t k = 0; k < p->regions; k++) {
        imnn_status st = group_members(p, &p->region[k]);
        if (st != IMNN_OK) return st;
        find_folds(p, &p->region[k]);
    }
    return IMNN_OK;
}

operand imnn_operand_seen(const imnn_program *p, const region *r, int32_t x, const imnn_view *view,
                          bool by)
{
    const item *it = &p->item[x], *b = &p->item[it->base];
    const int64_t size = (int64_t)imnn_dtype_size(it->v->type.dtype);
    const bool last = imnn_lies_last(p, x);
    const int32_t m = imnn_member(r, it->base);
    const int axis = by ? imnn_row_axis(&view->shape, r->R) : -1;
    operand o = {.dtype = it->v->type.dtype, .shape = view->shape, .by = by};
    memcpy(o.stride, view->stride, sizeof o.stride);
    if (axis >= 0) o.row_step = view->shape.size[axis] / r->R * view->stride[axis];
    for (int k = 0; last && k < view->shape.ndim; k++) o.stride[k] *= r->tile;
    if (last && o.row_step) o.row_step = 1;
    o.offset = (size_t)(view->offset * size * (last ? r->tile : 1));
    if (b->input >= 0) o.place = IN_INPUT, o.index = b->input;
    else if (b->v->value) o.place = IN_CONSTANT, o.data = b->v->value->data;
    else if (m >= 0 && r->tile_at[m] >= 0) {
        o.place = IN_TILE, o.offset += (size_t)r->tile_at[m];
        return o;
    } else if (b->result >= 0) o.place = IN_RESULT, o.index = b->result;
    else o.place = IN_ARENA, o.offset += b->at;
    if (!last) o.row_bytes = o.row_step * size;
    return o;
}

operand imnn_operand_of(const imnn_program *p, const region *r, int32_t x, bool by)
{
    return imnn_operand_seen(p, r, x, &p->item[x].view, by);
}
