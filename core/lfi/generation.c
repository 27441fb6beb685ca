/* What happens between generations: weights, the next epsilon, reasons to stop. */
#include "core/lfi/sampler.h"
#include "imnn/samples.h"
#include <string.h>

enum { MOST_SWEEPS = 10 };

double *imnn_log_of(const imnn_sampler *s, int64_t generation)
{
    return s->log.x + generation * s->log.width;
}

imnn_status imnn_log_add(imnn_sampler *s)
{
    double *row = imnn_sheet_add(&s->log);
    if (!row) return IMNN_ENOMEM;
    memset(row, 0, LOG_WIDTH * sizeof *row);
    row[LOG_EPSILON] = s->s.epsilon;
    return IMNN_OK;
}

void imnn_sampler_finish(imnn_sampler *s, imnn_stop_reason why) { s->s.reason = why; }

/* Weights that add up to 1. */
static void set_weights(imnn_sampler *s, imnn_sheet *rows)
{
    imnn_normalise(rows->n, rows->x + imnn_row_weight(s), rows->width);
}

static double ess_of(const imnn_sampler *s, const imnn_sheet *rows)
{
    return imnn_kish(rows->n, rows->x + imnn_row_weight(s), rows->width);
}

static double counted(const imnn_sampler *s, const double *row, double epsilon)
{
    return imnn_acceptance_of(s->o.acceptance, s->o.repeats, row + imnn_row_distance(s), epsilon);
}

/* ---- the pilot ---- */

static void measure_again(imnn_sampler *s, imnn_sheet *rows)
{
    for (int64_t i = 0; i < rows->n; i++) {
        double *row = rows->x + i * rows->width;
        for (int64_t m = 0; m < s->o.repeats; m++) {
            const double d = imnn_measure(s, row + imnn_row_summary(s) + m * s->o.n_summaries);
            row[imnn_row_distance(s) + m] = isnan(d) ? INFINITY : d; /* one that failed */
        }
    }
}

imnn_status imnn_pilot_keep(imnn_sampler *s, imnn_sheet *rows, int64_t n)
{
    if (rows->n <= n) return IMNN_OK;
    const size_t bytes = (size_t)rows->n * sizeof(double);
    double *d = imnn_alloc_raw(bytes);
    int64_t below = 0, kept = 0;
    if (!d) return IMNN_ENOMEM;
    for (int64_t i = 0; i < rows->n; i++) d[i] = imnn_nearest(s, rows->x + i * rows->width);
    const double bound = imnn_nth(d, rows->n, n - 1);
    for (int64_t i = 0; i < rows->n; i++)
        below += imnn_nearest(s, rows->x + i * rows->width) < bound;
    int64_t equal = n - below; /* so many of those at the bound, the first ones */
    for (int64_t i = 0; i < rows->n; i++) {
        const double *row = rows->x + i * rows->width, at = imnn_nearest(s, row);
        if (at > bound || (at == bound && equal-- <= 0)) continue;
        memmove(rows->x + kept++ * rows->width, row, (size_t)rows->width * sizeof *row);
    }
    imnn_free(d, bytes);
    rows->n = kept;
    return IMNN_OK;
}

imnn_status imnn_pilot_end(imnn_sampler *s, imnn_sheet *rows)
{
    imnn_status st = IMNN_OK;
    if (imnn_scales(s)) {
        if ((st = imnn_rescale(s)) != IMNN_OK) return st;
        measure_again(s, rows);
    }
    if ((st = imnn_pilot_keep(s, rows, s->o.n)) != IMNN_OK) return st;
    s->s.epsilon = 0;
    for (int64_t i = 0; i < rows->n; i++)
        s->s.epsilon = fmax(s->s.epsilon, imnn_nearest(s, rows->x + i * rows->width));
    for (int64_t i = 0; i < rows->n; i++) {
        double *row = rows->x + i * rows->width;
        row[imnn_row_weight(s)] = log(counted(s, row, s->s.epsilon));
    }
    return IMNN_OK;
}

/* ---- the end of one ---- */

/* log w = log prior - log of the mixture and of the chance to be simulated + log of how much the
 * simulations count */
static imnn_status importance(imnn_sampler *s, imnn_sheet *rows)
{
    const size_t bytes = (size_t)rows->n * sizeof(double);
    double *density = imnn_alloc_raw(bytes);
    if (!density) return IMNN_ENOMEM;
    imnn_status st = imnn_proposal_log_density(s->proposal, density, rows->n, rows->width,
                                               rows->x + imnn_row_line(s));
    for (int64_t i = 0; i < rows->n && st == IMNN_OK; i++) {
        double *row = rows->x + i * rows->width;
        const double prior = imnn_sampler_prior_of(s, row);
        row[imnn_row_weight(s)] +=
            prior - density[i] - imnn_sampler_log_chance(s, prior, row + imnn_row_line(s));
    }
    imnn_free(density, bytes);
    return st;
}

static void exchange(imnn_sheet *a, imnn_sheet *b)
{
    const imnn_sheet t = *a;
    *a = *b, *b = t;
}

static imnn_status end_sweep(imnn_sampler *s, bool *whole)
{
    double *log = imnn_log_of(s, s->s.generation);
    const double sweeps = (double)s->s.sweep + 1, alive = log[LOG_PROPOSALS] / sweeps;
    *whole = log[LOG_ACCEPTED] >= alive || sweeps >= MOST_SWEEPS;
    if (*whole && imnn_sheet_copy(&s->whole, &s->making) != IMNN_OK) return IMNN_ENOMEM;
    log[LOG_SWEEPS] = sweeps;
    s->s.sweep++, s->s.attempt = 0;
    return IMNN_OK;
}

imnn_status imnn_generation_end(imnn_sampler *s)
{
    imnn_status st = IMNN_OK;
    bool whole = true;
    const double *of = imnn_log_of(s, s->s.generation);
    const bool all_failed = of[LOG_SIMULATIONS] > 0 && of[LOG_FAILED] >= of[LOG_SIMULATIONS];
    if (s->s.stage != IMNN_STAGE_MOVE && (all_failed || s->making.n == 0))
        return imnn_fail(IMNN_EVALUE, "%s: all of %.0f simulations failed", s->who,
                         of[LOG_SIMULATIONS]);
    if (s->s.stage == IMNN_STAGE_MOVE) {
        st = end_sweep(s, &whole);
    } else {
        if (s->s.stage == IMNN_STAGE_PILOT) st = imnn_pilot_end(s, &s->making);
        else if (s->s.stage == IMNN_STAGE_BEGIN && imnn_scales(s)) {
            st = imnn_rescale(s);
            measure_again(s, &s->making);
        } else if (s->s.generation > 0) st = importance(s, &s->making);
        if (st == IMNN_OK) set_weights(s, &s->making), exchange(&s->whole, &s->making);
        if (st == IMNN_OK) s->making.n = 0;
    }
    if (st != IMNN_OK || !whole) return st;
    double *log = imnn_log_of(s, s->s.generation);
    log[LOG_EPSILON] = s->s.epsilon, log[LOG_ESS] = ess_of(s, &s->whole);
    if (s->s.stage == IMNN_STAGE_PILOT) log[LOG_ACCEPTED] = (double)s->whole.n;
    s->s.last_whole = s->s.generation;
    s->s.begun = 0;
    return IMNN_OK;
}

/* ---- the next one ---- */

/* The largest distance below the last epsilon, of particles that have weight; 0: there is none. */
static double next_below(const imnn_sampler *s, double old)
{
    double best = 0;
    for (int64_t i = 0; i < s->whole.n; i++) {
        const double *row = s->whole.x + i * s->whole.width, d = imnn_nearest(s, row);
        if (d < old && d > best && row[imnn_row_weight(s)] > -INFINITY) best = d;
    }
    return best;
}

static imnn_status by_quantile(imnn_sampler *s, double *epsilon)
{
    const imnn_sheet *rows = &s->whole;
    const size_t bytes = (size_t)rows->n * sizeof(double);
    double *d = imnn_alloc_raw(bytes);
    double *w = imnn_weights_of(rows->n, rows->x + imnn_row_weight(s), rows->width);
    imnn_status st = IMNN_ENOMEM;
    if (d && w) {
        for (int64_t i = 0; i < rows->n; i++) d[i] = imnn_nearest(s, rows->x + i * rows->width);
        st = imnn_samples_quantile(epsilon, 1, &s->o.alpha, rows->n, d, 1, w);
    }
    imnn_free(d, bytes), imnn_free(w, bytes);
    if (st == IMNN_EVALUE) *epsilon = s->s.epsilon, st = IMNN_OK; /* nothing has any weight */
    if (st == IMNN_OK && s->o.distance != IMNN_DISTANCE_ADAPTIVE && *epsilon >= s->s.epsilon)
        *epsilon = next_below(s, s->s.epsilon);
    return st;
}

/* Reasons to stop that are known when a generation is whole. */
static imnn_stop_reason reason_of(const imnn_sampler *s)
{
    const imnn_sampler_limits *l = &s->o.limits;
    const double *log = imnn_log_of(s, s->s.generation);
    const double tried =
        s->s.stage == IMNN_STAGE_MOVE ? log[LOG_PROPOSALS] : log[LOG_SIMULATIONS] / s->o.repeats;
    if (s->o.method == IMNN_ABC) return IMNN_STOP_COMPLETE;
    if (s->s.epsilon <= l->min_epsilon) return IMNN_STOP_EPSILON;
    if (s->o.n_schedule && s->s.scheduled == s->o.n_schedule) return IMNN_STOP_COMPLETE;
    if (s->s.generation > 0 && log[LOG_ACCEPTED] <= l->min_acceptance * tried &&
        l->min_acceptance > 0)
        return IMNN_STOP_ACCEPTANCE;
    if (l->max_generations > 0 && s->s.generation >= l->max_generations)
        return IMNN_STOP_GENERATIONS;
    if (l->max_simulations > 0 && s->s.total >= l->max_simulations) return IMNN_STOP_SIMULATIONS;
    return IMNN_STOP_NONE;
}

static imnn_status choose_epsilon(imnn_sampler *s, double *epsilon)
{
    imnn_status st = IMNN_OK;
    const imnn_sheet *w = &s->whole;
    if (s->o.n_schedule) {
        *epsilon = s->schedule[s->s.scheduled];
        return IMNN_OK;
    }
    if (s->o.method == IMNN_PMC) st = by_quantile(s, epsilon);
    else
        *epsilon = imnn_smc_epsilon(w->n, s->o.repeats, w->width, w->x + imnn_row_weight(s),
                                    w->x + imnn_row_distance(s), s->s.epsilon, s->o.alpha,
                                    s->o.acceptance);
    if (st == IMNN_OK && isnan(*epsilon)) return IMNN_ENOMEM;
    *epsilon = fmax(*epsilon, s->o.limits.min_epsilon);
    return st;
}

/* Particles by their weights, so that those are equal. */
static imnn_status resample(imnn_sampler *s, const uint32_t key[2])
{
    const int64_t n = s->making.n, width = s->making.width;
    const size_t bytes = (size_t)n * sizeof(int64_t);
    int64_t *from = imnn_alloc_raw(bytes);
    double *w = imnn_weights_of(n, s->making.x + imnn_row_weight(s), width);
    imnn_sheet old = {0};
    old.width = width;
    imnn_status st = from && w ? IMNN_OK : IMNN_ENOMEM;
    if (st == IMNN_OK)
        st = imnn_weights_systematic(from, n, imnn_uniform_of(key, UINT32_MAX, 0), n, w);
    if (st == IMNN_OK) st = imnn_sheet_copy(&old, &s->making);
    for (int64_t i = 0; i < n && st == IMNN_OK; i++) {
        double *row = s->making.x + i * width;
        memcpy(row, old.x + from[i] * width, (size_t)width * sizeof *row);
        row[imnn_row_weight(s)] = -log((double)n);
    }
    imnn_sheet_free(&old);
    imnn_free(from, bytes), imnn_free(w, (size_t)n * sizeof *w);
    return st;
}

static imnn_status begin_moves(imnn_sampler *s, double epsilon)
{
    uint32_t key[2];
    imnn_status st = imnn_sheet_copy(&s->making, &s->whole);
    if (st != IMNN_OK) return st;
    for (int64_t i = 0; i < s->making.n; i++) {
        double *row = s->making.x + i * s->making.width;
        const double before = counted(s, row, s->s.epsilon), now = counted(s, row, epsilon);
        row[imnn_row_weight(s)] = now > 0 ? row[imnn_row_weight(s)] + log(now / before) : -INFINITY;
    }
    set_weights(s, &s->making);
    imnn_fold(key, s->o.key, 0, (uint32_t)s->s.generation + 1);
    const double ess = ess_of(s, &s->making); /* 0: nothing has any weight */
    if (ess > 0 && ess < 0.5 * (double)s->making.n) st = resample(s, key);
    s->s.sweep = 0;
    if (st == IMNN_OK) st = imnn_sheet_resize(&s->born, s->making.n);
    for (int64_t i = 0; i < s->making.n && st == IMNN_OK; i++) {
        const double *row = s->making.x + i * s->making.width;
        double *born = s->born.x + i * s->born.width;
        memcpy(born, row + imnn_row_line(s), (size_t)s->o.n_params * sizeof *born);
        born[s->o.n_params] = row[imnn_row_weight(s)];
    }
    return st;
}

/* The mean density of the prior at the particles, and the geometric one of what they would weigh if
 * they were proposed, but for a constant; logarithms. -infinity: nobody has asked for the prior, or
 * it is the same everywhere. */
static void set_usual(imnn_sampler *s)
{
    const imnn_sheet *r = &s->whole;
    double top = -INFINITY, priors = 0, weights = 0, all = 0;
    s->usual_prior = s->usual_weight = -INFINITY;
    if (s->o.flat && !s->o.transform) return;
    for (int64_t i = 0; i < r->n; i++)
        top = fmax(top, imnn_sampler_prior_of(s, r->x + i * r->width)); /* NaN is passed over */
    for (int64_t i = 0; i < r->n; i++) {
        const double *row = r->x + i * r->width, *line = row + imnn_row_line(s);
        const double prior = imnn_sampler_prior_of(s, row), w = exp(row[imnn_row_weight(s)]);
        if (isnan(prior) || !(w > 0)) continue;
        all += w, priors += w * exp(prior - top);
        weights += w * (prior - imnn_proposal_fall(s->proposal, line));
    }
    if (all > 0) s->usual_prior = top + log(priors / all), s->usual_weight = weights / all;
}

imnn_status imnn_sampler_propose(imnn_sampler *s)
{
    const bool moves = s->o.method == IMNN_SMC;
    const imnn_sheet *r = moves ? &s->born : &s->whole;
    imnn_proposal_release(s->proposal);
    const imnn_status st =
        imnn_proposal_new(&s->proposal, s->o.proposal, r->n, s->o.n_params, r->width,
                          r->x + (moves ? 0 : imnn_row_line(s)), r->x + imnn_row_weight(s),
                          moves ? NULL : r->x + imnn_row_distance(s), s->s.epsilon, NULL);
    if (st == IMNN_OK && !moves) set_usual(s);
    return st;
}

imnn_status imnn_generation_begin(imnn_sampler *s)
{
    const double old = s->s.epsilon;
    double epsilon = 0;
    imnn_stop_reason why = reason_of(s);
    if (why != IMNN_STOP_NONE) return imnn_sampler_finish(s, why), IMNN_OK;
    imnn_status st = IMNN_OK;
    if (s->o.distance == IMNN_DISTANCE_ADAPTIVE && s->seen.n) {
        if ((st = imnn_rescale(s)) != IMNN_OK) return st;
        measure_again(s, &s->whole);
        s->seen.n = 0;
    }
    if ((st = choose_epsilon(s, &epsilon)) != IMNN_OK) return st;
    const bool slow = s->o.distance != IMNN_DISTANCE_ADAPTIVE && !s->o.n_schedule &&
                      old < INFINITY && epsilon > s->o.limits.min_epsilon &&
                      !(old - epsilon >= s->o.limits.min_progress * old && old > epsilon);
    if (slow || !(epsilon > 0)) return imnn_sampler_finish(s, IMNN_STOP_PROGRESS), IMNN_OK;
    if (s->o.method == IMNN_SMC && (st = begin_moves(s, epsilon)) != IMNN_OK) return st;
    s->s.epsilon = epsilon; /* which local kernels look at */
    if ((st = imnn_sampler_propose(s)) != IMNN_OK) {
        s->s.epsilon = old;
        if (st != IMNN_EVALUE) return st;
        return imnn_sampler_finish(s, IMNN_STOP_WEIGHTS), IMNN_OK;
    }
    s->s.generation++, s->s.attempt = s->s.accepted = 0, s->s.begun = 1;
    s->s.closest = INFINITY;
    s->s.scheduled += s->o.n_schedule > 0;
    s->s.stage = s->o.method == IMNN_SMC ? IMNN_STAGE_MOVE : IMNN_STAGE_REJECT;
    if (s->o.method == IMNN_PMC) s->making.n = 0;
    return imnn_log_add(s);
}
