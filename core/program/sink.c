/* When: everything was put as early as it can be; now what goes by rows is put as late as its
 * readers allow, as long as no more has to be kept between regions for it. So the parts of a
 * reverse sweep that could begin at different times run in one region, and their sums over rows are
 * one sum. */
#include "core/program/program.h"
#include <string.h>

typedef struct plan {
    imnn_program *p;
    int32_t *wish, *level; /* by item: as late as readers allow; what it will be */
    bool *fixed;
} plan;

static const int32_t NEVER = INT32_MAX;

static bool is_view(const imnn_program *p, int32_t i) { return p->item[i].base != i; }

static bool moves(const plan *s, int32_t i)
{
    const item *it = &s->p->item[i];
    return it->v->op && it->v->op->class != IMNN_HOLD && !s->fixed[i] &&
           (it->rows != IMNN_ROWS_NONE || is_view(s->p, i));
}

static void note(plan *s, int32_t i, int32_t latest)
{
    if (latest < s->wish[i]) s->wish[i] = latest;
}

/* Readers come behind what they read, so one pass backwards sees them first. */
static void find_wishes(plan *s)
{
    const imnn_program *p = s->p;
    for (int32_t i = 0; i < p->items; i++) s->wish[i] = NEVER;
    for (int32_t i = p->items - 1; i >= 0; i--) {
        const item *it = &p->item[i];
        if (!moves(s, i) || s->wish[i] == NEVER || s->wish[i] < it->level) s->wish[i] = it->level;
        for (int32_t k = 0; k < it->v->n; k++) {
            const int32_t x = it->x[k];
            bool whole = !imnn_flows(p, it, k) && p->item[x].rows != IMNN_ROWS_NONE;
            note(s, x, s->wish[i] - whole);
        }
    }
}

/* An item moves unless that would part it from rows that it was computed beside. false: an input
 * has moved farther than its reader could; it is fixed now. */
static bool find_levels(plan *s)
{
    const imnn_program *p = s->p;
    for (int32_t i = 0; i < p->items; i++) {
        const item *it = &p->item[i];
        int32_t to = s->wish[i], least = 0;
        bool fixed = false;
        for (int32_t k = 0; k < it->v->n; k++) {
            const int32_t x = it->x[k];
            const bool flows = imnn_flows(p, it, k);
            const int32_t from = s->level[x] + (!flows && p->item[x].rows != IMNN_ROWS_NONE);
            if (from > least) least = from;
            if (flows && p->item[x].level == it->level && s->level[x] < to) to = s->level[x];
        }
        if (!it->v->op) to = 0;
        else if (it->rows == IMNN_ROWS_NONE && is_view(p, i)) to = least;
        if (to < it->level && it->rows != IMNN_ROWS_NONE) to = it->level;
        s->level[i] = to;
        if (least <= to) continue;
        for (int32_t k = 0; k < it->v->n; k++) {
            const int32_t x = it->x[k];
            if (s->fixed[x] || s->level[x] <= p->item[x].level) continue;
            s->fixed[x] = fixed = true;
        }
        if (!fixed) memset(s->fixed, 1, (size_t)p->items); /* then nothing moves at all */
        return false;
    }
    return true;
}

static bool adds_up(const item *it)
{
    return it->rows == IMNN_ROWS_FOLD && it->uses == 1 && it->result < 0 &&
           (it->v->op->id == IMNN_OP_sum || it->v->op->id == IMNN_OP_matmul ||
            it->v->op->id == IMNN_OP_add);
}

/* a + b of two sums over the same rows is one sum: both add to the same partial results. */
static void join_sums(imnn_program *p)
{
    for (int32_t i = 0; i < p->items; i++) {
        item *it = &p->item[i];
        if (!it->v->op || it->v->op->id != IMNN_OP_add) continue;
        item *a = &p->item[it->x[0]], *b = &p->item[it->x[1]];
        if (a == b || !adds_up(a) || !adds_up(b) || a->space != b->space || a->level != b->level)
            continue;
        it->rows = IMNN_ROWS_FOLD;
        it->space = a->space, it->level = a->level;
        it->by[0] = it->by[1] = false;
        a->root = b->root = i;
    }
}

imnn_status imnn_plan_levels(imnn_program *p)
{
    const size_t n = (size_t)p->items + 1, bytes = n * sizeof(int32_t);
    plan s = {p, imnn_alloc(bytes), imnn_alloc(bytes), imnn_alloc(n)};
    const bool ok = s.wish && s.level && s.fixed;
    if (ok) {
        do find_wishes(&s);
        while (!find_levels(&s));
        for (int32_t i = 0; i < p->items; i++) p->item[i].level = s.level[i];
        join_sums(p);
    }
    imnn_free(s.fixed, n);
    imnn_free(s.level, bytes);
    imnn_free(s.wish, bytes);
    return ok ? IMNN_OK : IMNN_ENOMEM;
}
