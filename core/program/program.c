/* Making programs and giving them back. */
#include "core/program/program.h"
#include <math.h>
#include <string.h>

void *imnn_program_take(imnn_program *p, size_t bytes)
{
    if (p->blocks == p->room) {
        int32_t room = p->room ? 2 * p->room : 64;
        struct owned *b = imnn_alloc((size_t)room * sizeof *b);
        if (!b) return NULL;
        if (p->blocks) memcpy(b, p->block, (size_t)p->blocks * sizeof *b);
        imnn_free(p->block, (size_t)p->room * sizeof *b);
        p->block = b, p->room = room;
    }
    void *q = imnn_alloc(bytes);
    if (q) p->block[p->blocks].p = q, p->block[p->blocks++].bytes = bytes;
    return q;
}

void imnn_program_release(imnn_program *p)
{
    if (!p) return;
    for (int32_t i = 0; i < p->constants; i++) imnn_array_release(p->constant[i]);
    for (int64_t i = 0; p->emitter && i < p->emissions * p->emitter->groups; i++)
        imnn_free(p->emission[i].data, p->emission[i].room);
    for (int32_t i = 0; p->reader && i < p->nx; i++) imnn_reader_release(p->reader[i]);
    imnn_release_native(p);
    for (const hold *h = p->hold; h; h = h->next)
        for (int32_t k = 0; k < h->bodies; k++) imnn_program_release(h->body[k]);
    for (int32_t i = 0; i < p->blocks; i++) imnn_free(p->block[i].p, p->block[i].bytes);
    imnn_free(p->block, (size_t)p->room * sizeof *p->block);
    if (p->arena) imnn_free(p->arena, p->arena_bytes + 64);
    if (p->work) imnn_free(p->work, (size_t)p->threads * p->thread_bytes + 64);
    imnn_buffer_free(&p->text);
    imnn_free(p, sizeof *p);
}

/* The graph may go before the program: vertices that steps look at are copied. */
static imnn_status keep_vertices(imnn_program *p)
{
    imnn_vertex *all = TAKE(p, p->items + 1, imnn_vertex);
    imnn_attr *attr = TAKE(p, p->items + 1, imnn_attr);
    if (!all || !attr) return IMNN_ENOMEM;
    for (int32_t i = 0; i < p->items; i++) {
        all[i] = *p->item[i].v;
        if (all[i].attr) {
            attr[i].n = all[i].attr->n;
            memcpy(attr[i].v, all[i].attr->v, (size_t)attr[i].n * sizeof *attr[i].v);
            all[i].attr = &attr[i];
        }
        all[i].x = NULL; /* items have inputs of their own */
        p->item[i].v = &all[i];
    }
    return IMNN_OK;
}

static imnn_status note_types(imnn_program *p, const imnn_graph *g, const imnn_node *x,
                              const imnn_node *y)
{
    p->in_type = TAKE(p, p->nx + 1, imnn_type);
    p->out_type = TAKE(p, p->ny + 1, imnn_type);
    p->y = TAKE(p, p->ny + 1, int32_t);
    p->emitted = TAKE(p, p->ny + 1, bool);
    if (!p->in_type || !p->out_type || !p->y || !p->emitted) return IMNN_ENOMEM;
    for (int32_t i = 0; i < p->nx; i++) p->in_type[i] = imnn_vertex_of(g, x[i])->type;
    for (int32_t i = 0; i < p->ny; i++) p->out_type[i] = imnn_vertex_of(g, y[i])->type;
    return IMNN_OK;
}

static imnn_status note_kinds(imnn_program *p, int nx, const imnn_input_kind *kind)
{
    if (!kind) return IMNN_OK;
    imnn_input_kind *copy = TAKE(p, nx + 1, imnn_input_kind);
    p->reader = TAKE(p, nx + 1, imnn_reader *);
    if (!copy || !p->reader) return IMNN_ENOMEM;
    memcpy(copy, kind, (size_t)nx * sizeof *kind);
    p->kind = copy;
    return IMNN_OK;
}

static imnn_status prepare_emission(imnn_program *p)
{
    for (int32_t k = 0; k < p->regions; k++)
        for (int32_t s = 0; s < p->region[k].steps; s++)
            if (p->region[k].step[s].kind == STEP_EMIT) {
                p->emitter = &p->region[k];
                p->emissions = p->region[k].step[s].n - 1;
            }
    if (!p->emitter) return IMNN_OK;
    p->emission = TAKE(p, p->emissions * p->emitter->groups + 1, emission);
    if (!p->emission) p->emitter = NULL;
    return p->emission ? IMNN_OK : IMNN_ENOMEM;
}

static imnn_status plan(imnn_program *p, imnn_graph *g, int nx, const imnn_node *x, int ny,
                        const imnn_node *y, imnn_node keep)
{
    p->nx = nx, p->ny = ny;
    imnn_status st = note_types(p, g, x, y);
    if (st == IMNN_OK) st = imnn_plan_rows(p, g, nx, x, ny, y, keep);
    if (st == IMNN_OK) st = imnn_plan_levels(p);
    if (st == IMNN_OK) st = keep_vertices(p);
    if (st == IMNN_OK) st = imnn_plan_stores(p);
    if (st == IMNN_OK) st = imnn_plan_steps(p);
    if (st == IMNN_OK) st = imnn_plan_holds(p);
    return st;
}

imnn_status imnn_program_body(imnn_program **out, imnn_graph *g, int nx, const imnn_node *x, int ny,
                              const imnn_node *y, int64_t R, const bool *in_by, const bool *out_by)
{
    *out = NULL;
    imnn_program *p = imnn_alloc(sizeof *p);
    if (!p) return IMNN_ENOMEM;
    p->by_rows = R > 0, p->tile = R, p->in_by = in_by, p->out_by = out_by;
    imnn_status st = plan(p, g, nx, x, ny, y, 0);
    p->in_by = p->out_by = NULL;
    p->can_be_last = st == IMNN_OK && imnn_can_be_last(p);
    if (st == IMNN_OK) *out = p;
    else imnn_program_release(p);
    return st;
}

/* A plan of its own for a price of work: 2^rate bytes an operation; NULL: none is made again. */
static imnn_status make(imnn_program **out, imnn_graph *g, int nx, const imnn_node *x, int ny,
                        const imnn_node *y, const imnn_program_options *o, const double *rate,
                        bool last_first, const int64_t *tiles)
{
    *out = NULL;
    imnn_program *p = imnn_alloc(sizeof *p);
    if (!p) return IMNN_ENOMEM;
    p->rate = rate ? exp2(*rate) : 0, p->last_first = last_first, p->tiles = tiles;
    p->most_threads = o->threads, p->in_flight = o->in_flight;
    imnn_status st = note_kinds(p, nx, o->kind);
    if (st == IMNN_OK) st = plan(p, g, nx, x, ny, y, o->keep);
    if (st == IMNN_OK) st = imnn_plan_buffers(p);
    if (st == IMNN_OK) st = prepare_emission(p);
    p->tiles = NULL;
    if (st == IMNN_OK) *out = p;
    else imnn_program_release(p);
    return st;
}

/* The plan with the least work of those that fit, what they leave of the memory counted in; in
 * tiles like those of the first, so that sums over rows are added in the same order. */
static imnn_status economize(imnn_program **out, imnn_graph *g, int nx, const imnn_node *x, int ny,
                             const imnn_node *y, const imnn_program_options *o)
{
    enum { STEPS = 14 };
    static const double least = -30;
    imnn_program *p = *out;
    int64_t tiles[p->regions + 1];
    for (int32_t k = 0; k < p->regions; k++) tiles[k] = p->region[k].tile;
    imnn_program_release(p);
    *out = NULL;
    imnn_status st = make(out, g, nx, x, ny, y, o, &least, false, tiles);
    if (st != IMNN_OK) return st;
    const int64_t needs = imnn_program_bytes(*out, imnn_threads());
    if (needs <= o->memory) imnn_plan_spare(*out, o->memory - needs);
    else
        st = imnn_fail(IMNN_ENOMEM, "program: needs at least %lld bytes of memory, may take %lld",
                       (long long)needs, (long long)o->memory);
    for (int last_first = 0; last_first < 2; last_first++) {
        double low = least, high = 0; /* few enough bytes, too many */
        for (int k = 0; st == IMNN_OK && k < STEPS; k++) {
            const double middle = (high + low) / 2;
            st = make(&p, g, nx, x, ny, y, o, &middle, last_first, tiles);
            if (st != IMNN_OK) break;
            const int64_t left = o->memory - imnn_program_bytes(p, imnn_threads());
            const bool fits = left >= 0;
            *(fits ? &low : &high) = middle;
            if (fits) imnn_plan_spare(p, left);
            const bool better = fits && p->flops <= (*out)->flops;
            imnn_program_release(better ? *out : p);
            if (better) *out = p;
        }
    }
    if (st != IMNN_OK) imnn_program_release(*out), *out = NULL;
    return st;
}

imnn_status imnn_program_make(imnn_program **out, imnn_graph *g, int nx, const imnn_node *x, int ny,
                              const imnn_node *y, const imnn_program_options *o)
{
    *out = NULL;
    imnn_status st = imnn_graph_status(g);
    if (st != IMNN_OK) return st;
    for (int i = 0; i < ny; i++)
        if (y[i] <= 0 || y[i] >= g->count)
            return imnn_fail(IMNN_EVALUE, "program: result %d is no node", i + 1);
    if (o->threads < 0 || o->in_flight < 0)
        return imnn_fail(IMNN_EVALUE, "program: threads and in_flight must not be negative");
    st = make(out, g, nx, x, ny, y, o, NULL, false, NULL);
    if (st != IMNN_OK || !o->memory) return st;
    if (imnn_program_bytes(*out, imnn_threads()) <= o->memory) return st;
    return economize(out, g, nx, x, ny, y, o);
}

imnn_status imnn_program_new(imnn_program **out, imnn_graph *g, int nx, const imnn_node *x, int ny,
                             const imnn_node *y)
{
    return imnn_program_make(out, g, nx, x, ny, y, &(imnn_program_options){0});
}

imnn_status imnn_program_read(imnn_program *p, int i, imnn_reader *r)
{
    if (i < 0 || i >= p->nx || !p->kind || p->kind[i] != IMNN_INPUT_READ)
        return imnn_fail(IMNN_EVALUE, "program: input %d is not read", i + 1);
    const imnn_type *t = &p->in_type[i];
    const imnn_dtype dtype = imnn_reader_dtype(r);
    if (dtype != t->dtype || !imnn_shape_equal(imnn_reader_shape(r), &t->shape))
        return imnn_fail(dtype == t->dtype ? IMNN_ESHAPE : IMNN_EDTYPE,
                         "program: input %d must be %s %s, %s has %s %s", i + 1,
                         imnn_dtype_name(t->dtype), imnn_shape_text(&t->shape).s,
                         imnn_reader_name(r), imnn_dtype_name(dtype),
                         imnn_shape_text(imnn_reader_shape(r)).s);
    imnn_reader_retain(r);
    imnn_reader_release(p->reader[i]);
    p->reader[i] = r;
    return IMNN_OK;
}

double imnn_program_flops(const imnn_program *p) { return p->flops; }

int64_t imnn_program_bytes(const imnn_program *p, int threads)
{
    if (p->most_threads && threads > p->most_threads) threads = p->most_threads;
    return (int64_t)p->arena_bytes + (int64_t)threads * (int64_t)p->thread_bytes;
}

void imnn_program_profile(imnn_program *p, bool on) { p->profile = on; }
