/* Rows as the last axis of what lies in a tile. A body that a loop runs again and again on a few
 * numbers of each row, a small state or its derivatives, has short axes behind that of the rows;
 * with rows last all its operations are long runs of rows. */
#include "core/program/program.h"

enum { MOST_ELEMENTS = 32 }; /* of a row: longer axes are long runs themselves */

static int64_t elements_of(const item *it, int64_t R)
{
    return imnn_row_bytes(it, R) / (int64_t)imnn_dtype_size(it->v->type.dtype);
}

static bool goes_by_rows(const item *it) { return it->rows == IMNN_ROWS_EACH && it->space == 1; }

bool imnn_lies_last(const imnn_program *p, int32_t x)
{
    return p->rows_last && goes_by_rows(&p->item[p->item[x].base]);
}

/* Whether a view shows each row of its base as a row. */
static bool keeps_rows(const item *base, const imnn_view *w, int64_t R)
{
    const int axis = imnn_row_axis(&w->shape, R);
    return axis >= 0 && w->shape.size[axis] / R * w->stride[axis] == elements_of(base, R);
}

static bool reads_rows(const imnn_program *p, const item *it, int64_t R)
{
    for (int32_t k = 0; k < it->v->n; k++) {
        const item *x = &p->item[it->x[k]], *base = &p->item[x->base];
        if (!goes_by_rows(base)) continue;
        if (!it->by[k] || !keeps_rows(base, &x->view, R)) return false;
    }
    return true;
}

/* A cluster has an axis more, if something is left of the first for one row. */
static bool has_axes(const imnn_shape *s, int64_t R)
{
    const int axis = imnn_row_axis(s, R);
    return axis >= 0 && (s->size[axis] == R || s->ndim - axis < IMNN_MAX_NDIM);
}

/* A kernel that may have one more axis behind, that of the rows. */
static bool can_call(const imnn_program *p, const item *it)
{
    bool can = it->v->op->tail && it->v->type.shape.ndim < IMNN_MAX_NDIM;
    for (int32_t k = 0; k < it->v->n; k++)
        can = can && goes_by_rows(&p->item[p->item[it->x[k]].base]);
    return can;
}

static bool can_step(const imnn_program *p, const region *r, const step *s)
{
    for (int32_t m = 0; m < s->members; m++) {
        const item *it = &p->item[s->member[m]];
        if (!reads_rows(p, it, r->R) || elements_of(it, r->R) > MOST_ELEMENTS) return false;
        if (s->kind == STEP_MAP && !has_axes(imnn_item_space(p, it), r->R)) return false;
        if (it->stored && it->result < 0) return false;
    }
    if (s->kind == STEP_CALL) return can_call(p, &p->item[s->item]);
    if (s->kind != STEP_HOLD) return s->kind == STEP_MAP;
    for (int32_t i = 0; i < s->hold->bodies; i++)
        if (!s->hold->body[i]->can_be_last) return false;
    return true;
}

bool imnn_can_be_last(const imnn_program *p)
{
    for (int32_t k = 0; k < p->regions; k++) {
        const region *r = &p->region[k];
        for (int32_t s = 0; r->space && s < r->steps; s++)
            if (!can_step(p, r, &r->step[s])) return false;
    }
    return p->by_rows;
}
