/* The state of a sampler as one block of bytes, and back. */
#include "core/lfi/sampler.h"
#include <string.h>

static const char magic[8] = "imnnsmp";

/* Fowler, Noll & Vo's hash (1991), of what the options are apart from limits. */
static uint64_t mixed(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ p[i]) * 0x100000001b3;
    return hash;
}

static uint64_t identity(const imnn_sampler *s)
{
    const imnn_sampler_options *o = &s->o;
    const double numbers[] = {(double)o->method,
                              o->key[0],
                              o->key[1],
                              (double)o->n,
                              o->n_params,
                              o->n_summaries,
                              o->repeats,
                              (double)o->pilot,
                              o->epsilon,
                              o->n_schedule,
                              o->alpha,
                              (double)o->proposal,
                              (double)o->acceptance,
                              (double)o->distance,
                              o->single,
                              (double)o->max_tries,
                              o->shares,
                              o->shared_key[0],
                              o->shared_key[1],
                              o->flat,
                              o->flat ? o->log_prior : 0};
    const size_t S = (size_t)o->n_summaries, P = (size_t)o->n_params;
    uint64_t hash = mixed(0xcbf29ce484222325, numbers, sizeof numbers);
    hash = mixed(hash, s->schedule, (size_t)o->n_schedule * sizeof(double));
    hash = mixed(hash, s->target, S * sizeof(double));
    hash = mixed(hash, s->low, P * sizeof(double));
    hash = mixed(hash, s->high, P * sizeof(double));
    hash = mixed(hash, "transform", o->transform ? 9 : 0);
    hash = mixed(hash, "chance", o->method == IMNN_PMC ? 6 : 0); /* of older ones go on otherwise */
    return mixed(hash, s->metric, S * S * sizeof(double));
}

enum { TABLES = 5 };
static void tables_of(const imnn_sampler *s, const imnn_sheet *out[TABLES])
{
    out[0] = &s->whole, out[1] = &s->making, out[2] = &s->seen, out[3] = &s->born, out[4] = &s->log;
}

static size_t bytes_of(const imnn_sheet *r) { return (size_t)(r->n * r->width) * sizeof(double); }

static char *put(char *to, const void *from, size_t bytes)
{
    if (bytes) memcpy(to, from, bytes);
    return to + bytes;
}

void imnn_sampler_save(const imnn_sampler *s, void *out, int64_t *bytes)
{
    const imnn_sheet *tables[TABLES];
    const uint64_t id = identity(s);
    const size_t scale = (size_t)s->o.n_summaries * sizeof(double);
    size_t size = sizeof magic + sizeof id + sizeof s->s + scale;
    char *to = out;
    tables_of(s, tables);
    for (int i = 0; i < TABLES; i++) size += sizeof(int64_t) + bytes_of(tables[i]);
    *bytes = (int64_t)size;
    if (!out) return;
    to = put(to, magic, sizeof magic);
    to = put(to, &id, sizeof id);
    to = put(to, &s->s, sizeof s->s);
    to = put(to, s->scale, scale);
    for (int i = 0; i < TABLES; i++) {
        to = put(to, &tables[i]->n, sizeof(int64_t));
        to = put(to, tables[i]->x, bytes_of(tables[i]));
    }
}

/* The next bytes of a state, if there are so many. */
typedef struct source {
    const char *at;
    size_t left;
} source;

static bool take(source *from, void *to, size_t bytes)
{
    if (bytes > from->left) return false;
    if (bytes) memcpy(to, from->at, bytes);
    from->at += bytes, from->left -= bytes;
    return true;
}

static imnn_status take_table(source *from, imnn_sheet *r)
{
    int64_t n = 0;
    const size_t width = (size_t)r->width * sizeof(double);
    const imnn_status damaged = IMNN_EVALUE;
    if (!take(from, &n, sizeof n) || n < 0) return damaged;
    if (width && (size_t)n > from->left / width) return damaged;
    if (imnn_sheet_resize(r, n) != IMNN_OK) return IMNN_ENOMEM;
    return take(from, r->x, (size_t)n * width) ? IMNN_OK : damaged;
}

/* Whether what was read is what a sampler can go on from. */
static bool is_sound(const imnn_sampler *s, const imnn_sampler_state *t, const imnn_sheet *r)
{
    const bool moves = t->stage == IMNN_STAGE_MOVE;
    if (t->stage < 0 || t->stage > IMNN_STAGE_MOVE || t->reason < 0 || t->reason > IMNN_STOP_ASKED)
        return false;
    if (t->generation < 0 || r[4].n != t->generation + 1 || t->last_whole > t->generation)
        return false;
    if (t->last_whole < t->generation - 1 || t->last_whole < -1 || t->attempt < 0 ||
        t->scheduled < 0 || t->scheduled > s->o.n_schedule)
        return false;
    if (t->generation > 0 && (r[0].n < 1 || t->last_whole < 0)) return false;
    return !(moves && t->begun) || (r[1].n == s->o.n && r[3].n == s->o.n);
}

static void exchange(imnn_sampler *s, imnn_sheet *r)
{
    imnn_sheet *mine[TABLES] = {&s->whole, &s->making, &s->seen, &s->born, &s->log};
    for (int i = 0; i < TABLES; i++) {
        const imnn_sheet t = *mine[i];
        *mine[i] = r[i], r[i] = t;
    }
}

imnn_status imnn_sampler_restore(imnn_sampler *s, const void *state, int64_t bytes)
{
    source from = {state, (size_t)bytes};
    char start[sizeof magic];
    uint64_t id = 0;
    imnn_sampler_state t;
    const imnn_sampler_state old = s->s;
    imnn_sheet rows[TABLES];
    const imnn_sheet *tables[TABLES];
    imnn_status st = IMNN_OK;
    const size_t scale = (size_t)s->o.n_summaries * sizeof(double);
    if (!take(&from, start, sizeof start) || memcmp(start, magic, sizeof magic) ||
        !take(&from, &id, sizeof id) || !take(&from, &t, sizeof t))
        return imnn_fail(IMNN_EVALUE, "%s: this is no state of a sampler", s->who);
    if (id != identity(s))
        return imnn_fail(IMNN_EVALUE, "%s: this is the state of a sampler with other options",
                         s->who);
    const char *scales = from.at;
    if (from.left < scale) return imnn_fail(IMNN_EVALUE, "%s: the state is cut off", s->who);
    from.at += scale, from.left -= scale;
    tables_of(s, tables);
    for (int i = 0; i < TABLES; i++) rows[i] = (imnn_sheet){.width = tables[i]->width};
    for (int i = 0; i < TABLES && st == IMNN_OK; i++) st = take_table(&from, rows + i);
    if (st == IMNN_OK && !is_sound(s, &t, rows)) st = IMNN_EVALUE;
    if (st == IMNN_OK) {
        exchange(s, rows);
        s->s = t, s->batch.kind = IMNN_ASK_DONE, s->clock = 0;
        if (t.begun && t.generation > 0) st = imnn_sampler_propose(s);
        if (st != IMNN_OK) exchange(s, rows), s->s = old;
        else memcpy(s->scale, scales, scale);
    }
    for (int i = 0; i < TABLES; i++) imnn_sheet_free(rows + i);
    return st == IMNN_EVALUE ? imnn_fail(st, "%s: the state is damaged", s->who) : st;
}
