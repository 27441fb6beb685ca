/* Making a sampler: what its options must be, and its memory. */
#include "core/lfi/sampler.h"
#include <string.h>

enum { TRIES = 100000 };

void imnn_sampler_defaults(imnn_sampler_options *out, imnn_sampler_method method)
{
    *out = (imnn_sampler_options){.who = "sampler", .method = method, .n = 1000, .repeats = 1};
    out->alpha = method == IMNN_SMC ? 0.9 : 0.5;
    out->limits.min_acceptance = method == IMNN_ABC ? 1e-6 : 1e-3;
    out->limits.min_progress = method == IMNN_PMC ? 0.01 : 1e-4;
    out->max_tries = TRIES;
}

static imnn_status check_counts(const imnn_sampler_options *o)
{
    const char *who = o->who;
    const int least = o->method == IMNN_ABC ? 1 : 2;
    if (o->n < least || o->n > INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "%s: n must be from %d to 2^31 - 1 particles, got %lld", who,
                         least, (long long)o->n);
    if (o->n_params < 1 || o->n_summaries < 0 || o->repeats < 1)
        return imnn_fail(IMNN_EVALUE, "%s: needs parameters, summaries and repeats, got %d, %d, %d",
                         who, o->n_params, o->n_summaries, o->repeats);
    if (o->pilot && o->pilot < o->n)
        return imnn_fail(IMNN_EVALUE, "%s: %lld draws cannot have the %lld nearest among them", who,
                         (long long)o->pilot, (long long)o->n);
    if (o->pilot && o->epsilon > 0)
        return imnn_fail(IMNN_EVALUE,
                         "%s: either the nearest of a number of draws are taken, or "
                         "those within epsilon",
                         who);
    if (o->method == IMNN_SMC && (o->pilot || o->epsilon > 0))
        return imnn_fail(IMNN_EVALUE, "%s: smc begins with n draws of the prior", who);
    if (!(o->epsilon >= 0) || o->max_tries < 0)
        return imnn_fail(IMNN_EVALUE, "%s: epsilon must not be negative, got %g", who, o->epsilon);
    return IMNN_OK;
}

static imnn_status check_methods(const imnn_sampler_options *o)
{
    const char *who = o->who;
    const bool scales = o->distance >= IMNN_DISTANCE_SCALED;
    if (o->method != IMNN_ABC && !(o->alpha > 0 && o->alpha < 1))
        return imnn_fail(IMNN_EVALUE, "%s: alpha must be between 0 and 1, got %g", who, o->alpha);
    if (o->method == IMNN_SMC && o->distance == IMNN_DISTANCE_ADAPTIVE)
        return imnn_fail(IMNN_EVALUE,
                         "%s: smc needs one distance for all generations; scaled ones "
                         "are those of the first",
                         who);
    if (scales && o->epsilon > 0)
        return imnn_fail(IMNN_EVALUE,
                         "%s: scales are known when all draws are made, so the first "
                         "ones are the nearest of a number of draws, not those within "
                         "epsilon",
                         who);
    if (o->distance != IMNN_DISTANCE_GIVEN && (!o->target || o->n_summaries < 1))
        return imnn_fail(IMNN_EVALUE, "%s: distances need the summaries of the data", who);
    if (o->distance == IMNN_DISTANCE_METRIC && !o->metric)
        return imnn_fail(IMNN_EVALUE, "%s: this distance needs a matrix", who);
    for (int i = 0; i < o->n_schedule; i++)
        if (!(o->schedule[i] > 0) || (i && !(o->schedule[i] < o->schedule[i - 1])))
            return imnn_fail(IMNN_EVALUE, "%s: epsilons must be positive and fall, got %g after %g",
                             who, o->schedule[i], i ? o->schedule[i - 1] : INFINITY);
    return IMNN_OK;
}

static double *copied(const double *x, int64_t n)
{
    double *out = imnn_alloc((size_t)(n > 0 ? n : 1) * sizeof *out);
    if (out && x && n > 0) memcpy(out, x, (size_t)n * sizeof *out);
    return out;
}

static void uncopy(double *x, int64_t n) { imnn_free(x, (size_t)(n > 0 ? n : 1) * sizeof *x); }

static bool has_ends(const imnn_sampler_options *o)
{
    bool some = false;
    for (int64_t p = 0; p < o->n_params; p++)
        some = some || (o->low && isfinite(o->low[p])) || (o->high && isfinite(o->high[p]));
    return some;
}

/* Neither rounding nor what is far out on the line makes parameters more than can be: a density may
 * be 0 or infinite at an end. */
static void fill_ends(imnn_sampler *s, const imnn_sampler_options *o)
{
    for (int64_t p = 0; p < o->n_params; p++) {
        const double a = s->low[p] = o->low ? o->low[p] : -INFINITY;
        const double b = s->high[p] = o->high ? o->high[p] : INFINITY;
        const float above = (float)a, below = (float)b;
        s->least[p] = !o->single  ? nextafter(a, b)
                      : above > a ? above
                                  : nextafterf(above, INFINITY);
        s->most[p] = !o->single  ? nextafter(b, a)
                     : below < b ? below
                                 : nextafterf(below, -INFINITY);
    }
}

static imnn_stage first_stage(const imnn_sampler_options *o)
{
    if (o->method == IMNN_SMC) return IMNN_STAGE_BEGIN;
    return o->epsilon > 0 ? IMNN_STAGE_REJECT : IMNN_STAGE_PILOT;
}

imnn_status imnn_sampler_new(imnn_sampler **out, const imnn_sampler_options *options)
{
    *out = NULL;
    imnn_status st = check_counts(options);
    if (st != IMNN_OK || (st = check_methods(options)) != IMNN_OK) return st;
    imnn_sampler *s = imnn_alloc(sizeof *s);
    if (!s) return IMNN_ENOMEM;
    s->o = *options;
    snprintf(s->who, sizeof s->who, "%s", options->who);
    s->o.who = s->who;
    if (!s->o.max_tries) s->o.max_tries = TRIES;
    const int64_t S = s->o.n_summaries;
    s->schedule = copied(options->schedule, s->o.n_schedule);
    s->target = copied(options->target, S), s->metric = copied(options->metric, S * S);
    s->scale = copied(NULL, S), s->work = copied(NULL, S);
    s->o.transform = options->transform && has_ends(options);
    double **const ends[] = {&s->low, &s->high, &s->least, &s->most};
    bool good = true;
    for (int i = 0; i < 4; i++) good = (*ends[i] = copied(NULL, s->o.n_params)) && good;
    if (good) fill_ends(s, options);
    s->whole.width = imnn_row_summary(s) + S * s->o.repeats + (s->o.transform ? s->o.n_params : 0);
    s->making.width = s->partial.width = s->whole.width;
    s->seen.width = S, s->log.width = LOG_WIDTH, s->born.width = s->o.n_params + 1;
    s->s = (imnn_sampler_state){.stage = first_stage(options), .last_whole = -1, .begun = 1};
    s->s.epsilon = options->epsilon > 0 ? options->epsilon : INFINITY;
    s->usual_prior = -INFINITY;
    s->s.closest = INFINITY, s->s.pilot = s->o.pilot ? s->o.pilot : s->o.n;
    s->row = copied(NULL, s->whole.width);
    if (!s->row || !s->schedule || !s->target || !s->metric || !s->scale || !s->work || !good ||
        imnn_log_add(s) != IMNN_OK)
        return imnn_sampler_release(s), IMNN_ENOMEM;
    *out = s;
    return IMNN_OK;
}

void imnn_sampler_release(imnn_sampler *s)
{
    if (!s) return;
    const int64_t S = s->o.n_summaries;
    imnn_attempts_free(s);
    imnn_proposal_release(s->proposal);
    imnn_sheet *rows[] = {&s->whole, &s->making, &s->seen, &s->born, &s->log, &s->partial};
    for (int i = 0; i < 6; i++) imnn_sheet_free(rows[i]);
    uncopy(s->schedule, s->o.n_schedule);
    uncopy(s->target, S), uncopy(s->metric, S * S), uncopy(s->scale, S), uncopy(s->work, S);
    uncopy(s->row, s->whole.width);
    double *ends[] = {s->low, s->high, s->least, s->most};
    for (int i = 0; i < 4; i++) uncopy(ends[i], s->o.n_params);
    imnn_free(s, sizeof *s);
}
