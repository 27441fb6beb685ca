/* What samplers have found, and where they begin and end. */
#include "core/lfi/sampler.h"
#include "imnn/lfi.h"
#include <string.h>

/* ---- premade draws ---- */

static imnn_status check_premade(const imnn_sampler *s, int64_t count, const double *theta,
                                 const double *summaries, const double *distances,
                                 const double *log_prior)
{
    const int64_t P = s->o.n_params, S = s->o.n_summaries, M = s->o.repeats;
    const bool given = s->o.distance == IMNN_DISTANCE_GIVEN;
    if (s->s.total || s->batch.kind != IMNN_ASK_DONE)
        return imnn_fail(IMNN_EVALUE, "%s: draws can be given before any are asked for", s->who);
    if (count < s->o.n)
        return imnn_fail(IMNN_EVALUE, "%s: %lld draws are given for %lld particles", s->who,
                         (long long)count, (long long)s->o.n);
    if (given ? !distances : !summaries)
        return imnn_fail(IMNN_EVALUE, "%s: draws are given without %s", s->who,
                         given ? "distances" : "summaries");
    if (s->o.method == IMNN_SMC && !log_prior)
        return imnn_fail(IMNN_EVALUE, "%s: smc needs the density of the prior at draws", s->who);
    for (int64_t i = 0; i < count; i++) {
        bool finite = true;
        for (int64_t p = 0; p < P; p++) finite &= isfinite(theta[i * P + p]);
        for (int64_t m = 0; m < M && given; m++) finite &= !isnan(distances[i * M + m]);
        for (int64_t c = 0; c < M * S && !given; c++) finite &= isfinite(summaries[i * M * S + c]);
        if (log_prior && s->o.method == IMNN_SMC) finite &= isfinite(log_prior[i]);
        if (!finite)
            return imnn_fail(IMNN_EVALUE,
                             "%s: draw %lld of those that are given has numbers that "
                             "are not finite",
                             s->who, (long long)i + 1);
    }
    return IMNN_OK;
}

imnn_status imnn_sampler_begin(imnn_sampler *s, int64_t count, const double *theta,
                               const double *summaries, const double *distances,
                               const double *log_prior)
{
    const int64_t P = s->o.n_params, S = s->o.n_summaries, M = s->o.repeats;
    imnn_status st = check_premade(s, count, theta, summaries, distances, log_prior);
    if (st != IMNN_OK) return st;
    s->s.pilot = count;
    for (int64_t i = 0; i < count && st == IMNN_OK && !imnn_sampler_is_whole(s); i++) {
        int64_t failed = 0;
        if (s->o.transform)
            imnn_line_to(s->row + imnn_row_line(s), NULL, 1, P, theta + i * P, s->low, s->high);
        memcpy(s->row, theta + i * P, (size_t)P * sizeof *s->row);
        s->row[imnn_row_weight(s)] = 0;
        s->row[imnn_row_prior(s)] = log_prior && isfinite(log_prior[i]) ? log_prior[i] : NAN;
        st = imnn_sampler_measure(s, s->row, summaries ? summaries + i * M * S : NULL,
                                  distances ? distances + i * M : NULL, NULL, &failed);
        if (st == IMNN_OK) st = imnn_sampler_judge(s, s->row, failed);
    }
    return st == IMNN_OK && imnn_sampler_is_whole(s) ? imnn_generation_end(s) : st;
}

/* ---- stopping ---- */

void imnn_sampler_stop(imnn_sampler *s)
{
    if (s->s.reason == IMNN_STOP_NONE) imnn_sampler_finish(s, IMNN_STOP_ASKED);
}

void imnn_sampler_resume(imnn_sampler *s, const imnn_sampler_limits *limits)
{
    s->o.limits = *limits;
    imnn_sampler_finish(s, IMNN_STOP_NONE);
}

imnn_stop_reason imnn_sampler_reason(const imnn_sampler *s)
{
    return (imnn_stop_reason)s->s.reason;
}

/* ---- results ---- */

/* Of a first generation that is not whole, what there is: it is of the prior as well. */
static imnn_status make_partial(imnn_sampler *s)
{
    const double epsilon = s->s.epsilon;
    imnn_status st = imnn_sheet_copy(&s->partial, &s->making);
    if (st == IMNN_OK && s->s.stage == IMNN_STAGE_PILOT) st = imnn_pilot_end(s, &s->partial);
    if (st == IMNN_OK)
        imnn_normalise(s->partial.n, s->partial.x + imnn_row_weight(s), s->partial.width);
    return st == IMNN_OK ? IMNN_OK : (s->s.epsilon = epsilon, st);
}

imnn_status imnn_sampler_particles(imnn_sampler *s, imnn_particles *out)
{
    const double epsilon = s->s.epsilon;
    const imnn_sheet *rows = &s->whole;
    double at = epsilon;
    *out = (imnn_particles){0};
    if (s->s.last_whole < 0) {
        imnn_status st = make_partial(s);
        if (st != IMNN_OK) return st;
        rows = &s->partial;
        at = s->s.epsilon, s->s.epsilon = epsilon;
    } else {
        at = imnn_log_of(s, s->s.last_whole)[LOG_EPSILON];
    }
    const double *x = rows->x;
    *out = (imnn_particles){
        .n = rows->n,
        .stride = rows->width,
        .generation = s->s.last_whole < 0 ? 0 : s->s.last_whole,
        .theta = x,
        .log_weight = x + imnn_row_weight(s),
        .log_prior = x + imnn_row_prior(s),
        .distance = x + imnn_row_distance(s),
        .summaries = x + imnn_row_summary(s),
        .epsilon = at,
        .ess = rows->n ? imnn_kish(rows->n, x + imnn_row_weight(s), rows->width) : 0,
    };
    return IMNN_OK;
}

bool imnn_sampler_generation(const imnn_sampler *s, int64_t i, imnn_generation *out)
{
    *out = (imnn_generation){0};
    if (i < 0 || i >= s->log.n) return false;
    const double *log = imnn_log_of(s, i);
    *out = (imnn_generation){
        .proposals = (int64_t)log[LOG_PROPOSALS],
        .simulations = (int64_t)log[LOG_SIMULATIONS],
        .failed = (int64_t)log[LOG_FAILED],
        .accepted = (int64_t)log[LOG_ACCEPTED],
        .sweeps = (int64_t)log[LOG_SWEEPS],
        .epsilon = log[LOG_EPSILON],
        .ess = log[LOG_ESS],
        .seconds = log[LOG_SECONDS],
    };
    return true;
}

int64_t imnn_sampler_generations(const imnn_sampler *s) { return s->s.last_whole + 1; }

int64_t imnn_sampler_simulations(const imnn_sampler *s) { return s->s.total; }

double imnn_sampler_closest(const imnn_sampler *s) { return s->s.closest; }

void imnn_sampler_progress(const imnn_sampler *s, int64_t *accepted, int64_t *wanted)
{
    const bool rejects = s->s.stage == IMNN_STAGE_REJECT;
    *accepted = rejects ? s->s.accepted : s->s.attempt;
    *wanted = s->s.stage == IMNN_STAGE_PILOT ? s->s.pilot : s->o.n;
}
