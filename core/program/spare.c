/* What a plan leaves of the memory that it may take. Rows that are made again for want of memory
 * are kept after all, as many of the first ones as there is room for: the region that makes them
 * copies them there, a later one copies them back instead of making them. */
#include "core/program/program.h"
#include <string.h>

/** Whether a step makes something worth keeping, row by row in its tile. */
static bool can_be_kept(const imnn_program *p, const region *r, const step *s)
{
    const item *it = &p->item[s->item];
    return (s->kind == STEP_GEMM || s->kind == STEP_CALL) && s->flops > 0 && !s->fold &&
           s->out.place == IN_TILE && r->space != 0 && it->rows == IMNN_ROWS_EACH &&
           imnn_row_axis(&it->v->type.shape, r->R) == 0;
}

static bool is_made_in(const imnn_program *p, const region *r, const step *s)
{
    const item *it = &p->item[s->item];
    return it->level == r->level && it->space == r->space;
}

/** The step that makes first what a later one makes again; NULL: it is none that can be kept. */
static step *maker_of(const imnn_program *p, int32_t i)
{
    for (int32_t k = 0; k < p->regions; k++) {
        region *r = &p->region[k];
        for (int32_t s = 0; s < r->steps; s++)
            if (r->step[s].item == i && is_made_in(p, r, &r->step[s]))
                return can_be_kept(p, r, &r->step[s]) ? &r->step[s] : NULL;
    }
    return NULL;
}

/** Of steps that make again what is not kept yet the one with the most work for a byte. */
static step *choose(const imnn_program *p, const region **where)
{
    double most = 0;
    step *best = NULL;
    for (int32_t k = 0; k < p->regions; k++) {
        const region *r = &p->region[k];
        for (int32_t i = 0; i < r->steps; i++) {
            step *s = &r->step[i];
            if (s->spare || !can_be_kept(p, r, s) || is_made_in(p, r, s)) continue;
            const step *maker = maker_of(p, s->item);
            const double worth =
                s->flops / ((double)imnn_row_bytes(&p->item[s->item], r->R) * (double)r->R);
            if (maker && !maker->spare && worth > most) most = worth, best = s, *where = r;
        }
    }
    return best;
}

/** All steps that make this item copy its first rows. */
static void keep(imnn_program *p, int32_t i)
{
    const int64_t kept = p->item[i].spare_rows;
    for (int32_t k = 0; k < p->regions; k++) {
        region *r = &p->region[k];
        for (int32_t n = 0; n < r->steps; n++) {
            step *s = &r->step[n];
            if (s->item != i || !can_be_kept(p, r, s)) continue;
            s->spare = is_made_in(p, r, s) ? SPARE_PUT : SPARE_TAKE;
            if (s->spare == SPARE_PUT) continue;
            const int64_t whole = kept < r->R ? kept / r->tile * r->tile : r->R;
            const double saved = s->flops * (double)whole / (double)r->R;
            s->flops -= saved, p->flops -= saved;
        }
    }
}

void imnn_plan_spare(imnn_program *p, int64_t bytes)
{
    const region *r = NULL;
    for (step *s; (s = choose(p, &r));) {
        item *it = &p->item[s->item];
        const size_t at = (p->arena_bytes + 63) / 64 * 64;
        const int64_t row = imnn_row_bytes(it, r->R);
        const int64_t fit = (bytes - (int64_t)(at - p->arena_bytes)) / row;
        const int64_t rows = fit < r->R ? fit : r->R;
        if (rows < r->tile && rows < r->R) return; /* what is worth less waits in vain, too */
        it->spare_rows = rows, it->spare_at = at;
        bytes -= (int64_t)(at - p->arena_bytes) + rows * row;
        p->arena_bytes = at + (size_t)(rows * row);
        keep(p, s->item);
    }
}

/** Where the rows at hand are kept, in a tile and outside; false: they are not. */
static bool find_rows(const context *x, const region *r, const step *s, char **tile, char **kept,
                      size_t *bytes)
{
    const item *it = &x->p->item[s->item];
    if (x->row + x->rows > it->spare_rows) return false;
    const int64_t row = imnn_row_bytes(it, r->R);
    *tile = imnn_start_of(x, &s->out);
    *kept = x->arena + it->spare_at + x->row * row;
    *bytes = (size_t)(x->rows * row);
    return true;
}

bool imnn_take_spare(const context *x, const region *r, const step *s)
{
    char *tile, *kept;
    size_t bytes;
    if (!find_rows(x, r, s, &tile, &kept, &bytes)) return false;
    memcpy(tile, kept, bytes);
    return true;
}

void imnn_put_spare(const context *x, const region *r, const step *s)
{
    char *tile, *kept;
    size_t bytes;
    if (find_rows(x, r, s, &tile, &kept, &bytes)) memcpy(kept, tile, bytes);
}
