/* Samplers as machines that are asked and told: answers, and what is accepted. */
#include "core/lfi/sampler.h"
#include "imnn/lfi.h"
#include <string.h>

enum { JUDGED_FROM = 1000 };

const char *imnn_stop_text(imnn_stop_reason reason)
{
    switch (reason) {
#define X(name, text) \
    case name: return text;
        IMNN_STOP_LIST(X)
#undef X
    }
    return "";
}

/* ---- what is asked ---- */

/* How many attempts are likely to be needed. */
static int64_t likely(const imnn_sampler *s)
{
    if (s->s.stage == IMNN_STAGE_PILOT) return s->s.pilot - s->s.attempt;
    if (s->s.stage != IMNN_STAGE_REJECT) return s->o.n - s->s.attempt;
    const double *log = imnn_log_of(s, s->s.generation);
    double tried = (double)s->s.attempt, accepted = (double)s->s.accepted;
    if (tried < 100 && s->s.generation > 0) { /* as before, but not better than one in two */
        tried += log[LOG_SIMULATIONS - LOG_WIDTH] / s->o.repeats + (double)s->o.n;
        accepted += (double)s->o.n * 0.9;
    }
    const double rate = tried > 0 ? (accepted + 0.5) / (tried + 1) : 0.5;
    return (int64_t)fmin(1e12, 1.05 * (double)(s->o.n - s->s.accepted) / rate + 8);
}

static int64_t how_many(const imnn_sampler *s, int64_t most)
{
    const int64_t M = s->o.repeats, max = s->o.limits.max_simulations;
    int64_t n = most / M > 0 ? most / M : 1;
    if (n > likely(s)) n = likely(s);
    if (max > 0 && n > (max - s->s.total + M - 1) / M) n = (max - s->s.total + M - 1) / M;
    return n > 0 ? n : 1;
}

/* Nothing at all was accepted, and there is no other generation to give back. */
static imnn_status nothing_accepted(const imnn_sampler *s)
{
    const double *log = imnn_log_of(s, 0);
    return imnn_fail(IMNN_EVALUE,
                     "%s: none of %.0f simulations came within epsilon = %g; the "
                     "nearest had the distance %g, %.0f failed",
                     s->who, log[LOG_SIMULATIONS], s->s.epsilon, s->s.closest, log[LOG_FAILED]);
}

static void count_time(imnn_sampler *s, bool runs)
{
    const double now = imnn_seconds();
    if (s->clock > 0) {
        s->s.seconds += now - s->clock;
        imnn_log_of(s, s->log.n - 1)[LOG_SECONDS] += now - s->clock;
    }
    s->clock = runs ? now : 0;
}

static imnn_status told_simulations(imnn_sampler *s, const imnn_answer *a);
static void look_at_limits(imnn_sampler *s);

imnn_status imnn_sampler_ask(imnn_sampler *s, int64_t most, imnn_ask *ask)
{
    imnn_status st = IMNN_OK;
    const double limit = s->o.limits.max_seconds;
    *ask = (imnn_ask){IMNN_ASK_DONE, 0, NULL, NULL};
    if (most < 1)
        return imnn_fail(IMNN_EVALUE, "%s: asks for %lld things", s->who, (long long)most);
    count_time(s, s->s.reason == IMNN_STOP_NONE);
    while (s->s.reason == IMNN_STOP_NONE && s->batch.kind == IMNN_ASK_DONE) {
        if (limit > 0 && s->s.seconds >= limit) imnn_sampler_finish(s, IMNN_STOP_SECONDS);
        else if (!s->s.begun) {
            if ((st = imnn_generation_begin(s)) != IMNN_OK) return st;
        } else if (imnn_sampler_is_whole(s)) { /* ending it has failed before */
            if ((st = imnn_generation_end(s)) != IMNN_OK) return st;
        } else {
            look_at_limits(s); /* it may have stopped here before, with the same ones */
            if (s->s.reason != IMNN_STOP_NONE) break;
            const int64_t n = how_many(s, most);
            if ((st = imnn_attempts_room(s, n)) != IMNN_OK) return st;
            if ((st = imnn_attempts_begin(s, n)) != IMNN_OK)
                return s->batch.kind = IMNN_ASK_DONE, st;
            if (s->batch.n == 0) { /* the last particles have no weight */
                s->batch.kind = IMNN_ASK_DONE, s->s.attempt = s->o.n;
            } else if (s->batch.asked == 0) { /* there is nothing to simulate */
                if ((st = told_simulations(s, &(imnn_answer){0})) != IMNN_OK) return st;
            } else {
                imnn_attempts_ask(s);
            }
        }
    }
    if (s->s.reason != IMNN_STOP_NONE) {
        count_time(s, false);
        const bool none = s->s.last_whole < 0 && s->making.n == 0;
        return none && s->s.reason != IMNN_STOP_ASKED ? nothing_accepted(s) : IMNN_OK;
    }
    const imnn_batch *b = &s->batch;
    const int64_t M = b->kind == IMNN_ASK_SIMULATE ? s->o.repeats : 1;
    *ask = (imnn_ask){b->kind, b->asked * M, b->kind == IMNN_ASK_DENSITY ? NULL : b->ask_keys,
                      b->kind == IMNN_ASK_DRAW ? NULL : b->ask_theta};
    return IMNN_OK;
}

/* ---- what is told ---- */

static imnn_status check_finite(const imnn_sampler *s, const double *x, int64_t n, int64_t width,
                                const char *what)
{
    for (int64_t i = 0; i < n * width; i++)
        if (!isfinite(x[i]))
            return imnn_fail(IMNN_EVALUE, "%s: %s %lld holds a number that is not finite", s->who,
                             what, (long long)(i / width) + 1);
    return IMNN_OK;
}

static imnn_status told_draws(imnn_sampler *s, const imnn_answer *a)
{
    imnn_batch *b = &s->batch;
    const int64_t P = s->o.n_params;
    if (!a->theta) return imnn_fail(IMNN_EVALUE, "%s: draws were asked for, none told", s->who);
    imnn_status st = check_finite(s, a->theta, b->asked, P, "the prior's draw");
    if (st != IMNN_OK) return st;
    memcpy(b->theta, a->theta, (size_t)(b->asked * P) * sizeof(double));
    for (int64_t j = 0; j < b->asked && s->o.transform; j++)
        if (imnn_sampler_is_inside(s, b->theta + j * P))
            imnn_sampler_keep_within(s, b->theta + j * P);
    if (s->o.transform) imnn_line_to(b->line, NULL, b->asked, P, b->theta, s->low, s->high);
    const bool asks = !s->o.flat && s->o.method != IMNN_ABC;
    b->kind = asks ? IMNN_ASK_DENSITY : IMNN_ASK_SIMULATE;
    for (int64_t j = 0; j < b->n && s->o.flat; j++) b->prior[j] = s->o.log_prior;
    return IMNN_OK;
}

/* Attempts that are asked about together give up together: where of all their proposals, ten times
 * as many as a single attempt may have, none was inside, every one of them would get there alone,
 * but for a chance of e^-10, and only after far longer. */
static imnn_status check_hope(const imnn_sampler *s, int64_t outside)
{
    enum { TOGETHER = 10 };
    const imnn_batch *b = &s->batch;
    int64_t count = outside;
    if (s->s.stage == IMNN_STAGE_MOVE || outside < b->n) return IMNN_OK;
    for (int64_t j = 0; j < b->n; j++) count += b->tries[j];
    return count < TOGETHER * s->o.max_tries ? IMNN_OK : imnn_attempts_lost(s, b->n - 1, count);
}

/* PMC can do without it at draws: an end of the support, onto which one is rounded, is no place for
 * a density. */
static bool is_needed(const imnn_sampler *s)
{
    return s->o.method != IMNN_PMC || !imnn_from_prior(s);
}

static imnn_status check_densities(const imnn_sampler *s, const double *log_prior)
{
    const bool draws = imnn_from_prior(s);
    if (!log_prior)
        return imnn_fail(IMNN_EVALUE, "%s: densities were asked for, none told", s->who);
    for (int64_t k = 0; k < s->batch.asked; k++) {
        const double l = log_prior[k];
        if (!isnan(l) && (!is_needed(s) || (l < INFINITY && !(draws && l == -INFINITY)))) continue;
        return imnn_fail(IMNN_EVALUE,
                         "%s: the logarithm of the density of the prior is %s at %s %lld", s->who,
                         isnan(l) ? "NaN"
                         : l > 0  ? "infinity"
                                  : "-infinity",
                         draws ? "its own draw" : "proposal", (long long)k + 1);
    }
    return IMNN_OK;
}

static void told_of_draws(imnn_sampler *s, const double *log_prior)
{
    imnn_batch *b = &s->batch;
    for (int64_t j = 0; j < b->n; j++) b->prior[j] = isfinite(log_prior[j]) ? log_prior[j] : NAN;
    b->kind = IMNN_ASK_SIMULATE;
}

static imnn_status told_densities(imnn_sampler *s, const imnn_answer *a)
{
    imnn_batch *b = &s->batch;
    int64_t again = 0, outside = 0;
    const bool moves = s->s.stage == IMNN_STAGE_MOVE;
    imnn_status st = check_densities(s, a->log_prior);
    if (st != IMNN_OK) return st;
    if (!is_needed(s)) return told_of_draws(s, a->log_prior), IMNN_OK;
    for (int64_t k = 0; k < b->asked; k++) {
        const double l = a->log_prior[k];
        const int64_t j = b->which[k];
        if (!moves && b->tries[j] + 1 >= s->o.max_tries && !imnn_attempts_takes(s, j, l))
            return imnn_attempts_lost(s, j, s->o.max_tries);
        outside += l == -INFINITY;
    }
    if ((st = check_hope(s, outside)) != IMNN_OK) return st;
    for (int64_t k = 0; k < b->asked; k++) {
        const int64_t j = b->which[k];
        const bool takes = imnn_attempts_takes(s, j, a->log_prior[k]);
        b->prior[j] = takes ? a->log_prior[k] : -INFINITY;
        if (takes) continue;
        b->tries[j]++;
        if (!moves) b->which[again++] = j;
    }
    return imnn_attempts_again(s, again);
}

/* ---- what is accepted ---- */

imnn_status imnn_sampler_measure(imnn_sampler *s, double *row, const double *summaries,
                                 const double *distances, const uint8_t *failed, int64_t *lost)
{
    const int64_t M = s->o.repeats, S = s->o.n_summaries;
    const bool measured = s->o.distance != IMNN_DISTANCE_GIVEN;
    const bool inside = imnn_sampler_is_inside(s, row);
    for (int64_t m = 0; m < M; m++) {
        double *d = row + imnn_row_distance(s) + m, *summary = row + imnn_row_summary(s) + m * S;
        const bool made = !failed || !failed[m];
        if (summaries && made) memcpy(summary, summaries + m * S, (size_t)S * sizeof *row);
        else memset(summary, 0xff, (size_t)S * sizeof *row); /* NaN */
        *d = INFINITY;
        *lost += !made;
        if (!made || !inside) continue;
        double *seen = measured && imnn_scales(s) ? imnn_sheet_add(&s->seen) : summary;
        if (!seen) return IMNN_ENOMEM;
        memmove(seen, summary, (size_t)S * sizeof *row);
        *d = measured ? imnn_measure(s, summary) : distances[m];
        s->s.closest = fmin(s->s.closest, *d);
    }
    return IMNN_OK;
}

double imnn_sampler_prior_at(const imnn_sampler *s, double log_prior, const double *line)
{
    double slope = 0;
    if (s->o.transform) imnn_line_from(NULL, &slope, 1, s->o.n_params, line, s->low, s->high);
    return log_prior - slope;
}

double imnn_sampler_prior_of(const imnn_sampler *s, const double *row)
{
    return imnn_sampler_prior_at(s, row[imnn_row_prior(s)], row + imnn_row_line(s));
}

/* Metropolis & Hastings: whether a particle goes where it was proposed. */
static bool moves_to(imnn_sampler *s, const double *from, const double *to, int64_t j)
{
    const double now = imnn_acceptance_of(s->o.acceptance, s->o.repeats,
                                          from + imnn_row_distance(s), s->s.epsilon);
    const double then =
        imnn_acceptance_of(s->o.acceptance, s->o.repeats, to + imnn_row_distance(s), s->s.epsilon);
    const double u = imnn_uniform_of(s->batch.keys + 2 * j, STREAM_CHANCE, 0);
    return log(u) + log(now) + imnn_sampler_prior_of(s, from) <
           log(then) + imnn_sampler_prior_of(s, to) + s->batch.balance[j];
}

static void move(imnn_sampler *s, const double *row, int64_t j)
{
    double *to = s->making.x + s->batch.number[j] * s->making.width;
    const double weight = to[imnn_row_weight(s)];
    if (!moves_to(s, to, row, j)) return;
    memcpy(to, row, (size_t)s->making.width * sizeof *row);
    to[imnn_row_weight(s)] = weight;
    s->s.accepted++;
}

/* Whether something of an attempt is kept; where scales are not known yet, all that was made is. */
static bool is_kept(const imnn_sampler *s, const double *row, double counts)
{
    if (s->s.stage == IMNN_STAGE_BEGIN) return true;
    if (s->s.stage == IMNN_STAGE_PILOT && imnn_scales(s)) return imnn_nearest(s, row) < INFINITY;
    return counts > 0;
}

static imnn_status add(imnn_sampler *s, const double *row)
{
    const double counts =
        imnn_acceptance_of(s->o.acceptance, s->o.repeats, row + imnn_row_distance(s), s->s.epsilon);
    if (!is_kept(s, row, counts)) return IMNN_OK;
    double *to = imnn_sheet_add(&s->making);
    if (!to) return IMNN_ENOMEM;
    memcpy(to, row, (size_t)s->making.width * sizeof *row);
    to[imnn_row_weight(s)] = log(counts);
    s->s.accepted++;
    if (s->s.stage == IMNN_STAGE_PILOT && !imnn_scales(s) && s->making.n > 2 * s->o.n + 4096)
        return imnn_pilot_keep(s, &s->making, s->o.n);
    return IMNN_OK;
}

imnn_status imnn_sampler_judge(imnn_sampler *s, const double *row, int64_t failed)
{
    imnn_status st = add(s, row);
    if (st != IMNN_OK) return st;
    double *log = imnn_log_of(s, s->s.generation);
    log[LOG_PROPOSALS]++, log[LOG_SIMULATIONS] += s->o.repeats, log[LOG_FAILED] += (double)failed;
    log[LOG_ACCEPTED] = (double)s->s.accepted;
    s->s.total += s->o.repeats, s->s.attempt++;
    return IMNN_OK;
}

bool imnn_sampler_is_whole(const imnn_sampler *s)
{
    switch ((imnn_stage)s->s.stage) {
    case IMNN_STAGE_PILOT: return s->s.attempt >= s->s.pilot;
    case IMNN_STAGE_REJECT: return s->s.accepted >= s->o.n;
    default: return s->s.attempt >= s->o.n;
    }
}

/* Where no other rule ends a generation that accepts nothing. */
static const double LEAST_ACCEPTANCE = 1e-7;

/* Rules that are looked at after each attempt. */
static void look_at_limits(imnn_sampler *s)
{
    const imnn_sampler_limits *l = &s->o.limits;
    const double tried = (double)s->s.attempt;
    double least = l->min_acceptance;
    if (!(least > 0) && l->max_simulations <= 0 && !(l->max_seconds > 0)) least = LEAST_ACCEPTANCE;
    if (l->max_simulations > 0 && s->s.total >= l->max_simulations)
        imnn_sampler_finish(s, IMNN_STOP_SIMULATIONS);
    else if (s->s.stage == IMNN_STAGE_REJECT && tried >= JUDGED_FROM &&
             (double)s->s.accepted + 1 < least * tried)
        imnn_sampler_finish(s, IMNN_STOP_ACCEPTANCE);
}

/* Attempt j, which is the k-th that was simulated; k < 0: it is outside of the prior. */
static imnn_status judge(imnn_sampler *s, int64_t j, int64_t k, const imnn_answer *a)
{
    const int64_t P = s->o.n_params, at = k * s->o.repeats;
    int64_t failed = 0;
    double *log = imnn_log_of(s, s->s.generation);
    if (k >= 0) {
        const double *line = s->o.transform ? s->batch.line : s->batch.theta;
        memcpy(s->row + imnn_row_line(s), line + j * P, (size_t)P * sizeof *s->row);
        memcpy(s->row, s->batch.theta + j * P, (size_t)P * sizeof *s->row);
        s->row[imnn_row_weight(s)] = 0, s->row[imnn_row_prior(s)] = s->batch.prior[j];
        imnn_status st = imnn_sampler_measure(
            s, s->row, a->summaries ? a->summaries + at * s->o.n_summaries : NULL,
            a->distances ? a->distances + at : NULL, a->failed ? a->failed + at : NULL, &failed);
        if (st == IMNN_OK && s->s.stage != IMNN_STAGE_MOVE) {
            log[LOG_PROPOSALS] += (double)s->batch.tries[j];
            return imnn_sampler_judge(s, s->row, failed);
        }
        if (st != IMNN_OK) return st;
        move(s, s->row, j);
        s->s.total += s->o.repeats;
        log[LOG_SIMULATIONS] += s->o.repeats, log[LOG_FAILED] += (double)failed;
    }
    log[LOG_PROPOSALS]++, log[LOG_ACCEPTED] = (double)s->s.accepted;
    s->s.attempt = s->batch.number[j] + 1;
    return IMNN_OK;
}

/* Take the attempts in order until the generation is whole; the others were not needed. */
static imnn_status told_simulations(imnn_sampler *s, const imnn_answer *a)
{
    imnn_batch *b = &s->batch;
    imnn_status st = IMNN_OK;
    int64_t k = 0;
    for (int64_t j = 0; j < b->n && st == IMNN_OK; j++) {
        const bool made = k < b->asked && b->which[k] == j;
        st = judge(s, j, made ? k : -1, a);
        k += made;
        if (imnn_sampler_is_whole(s)) break;
        look_at_limits(s);
        if (s->s.reason != IMNN_STOP_NONE) break;
    }
    b->kind = IMNN_ASK_DONE;
    return st == IMNN_OK && imnn_sampler_is_whole(s) ? imnn_generation_end(s) : st;
}

static imnn_status check_simulations(const imnn_sampler *s, const imnn_answer *a)
{
    const int64_t n = s->batch.asked * s->o.repeats, S = s->o.n_summaries;
    const bool given = s->o.distance == IMNN_DISTANCE_GIVEN;
    if (n && (given ? !a->distances : !a->summaries))
        return imnn_fail(IMNN_EVALUE, "%s: %s were asked for, none told", s->who,
                         given ? "distances" : "summaries");
    for (int64_t i = 0; i < n; i++) {
        if (a->failed && a->failed[i]) continue;
        if (given && a->distances[i] < 0)
            return imnn_fail(IMNN_EVALUE,
                             "%s: simulation %lld of those that were asked for has the distance "
                             "%g, which is negative",
                             s->who, (long long)i + 1, a->distances[i]);
        bool finite = !given || !isnan(a->distances[i]);
        for (int64_t c = 0; c < S && a->summaries && finite; c++)
            finite = isfinite(a->summaries[i * S + c]) || given;
        if (!finite)
            return imnn_fail(IMNN_EVALUE,
                             "%s: simulation %lld of those that were asked for has "
                             "%s that is not finite",
                             s->who, (long long)i + 1, given ? "a distance" : "a summary");
    }
    return IMNN_OK;
}

imnn_status imnn_sampler_tell(imnn_sampler *s, const imnn_answer *answer)
{
    imnn_status st = IMNN_OK;
    switch (s->batch.kind) {
    case IMNN_ASK_DRAW: st = told_draws(s, answer); break;
    case IMNN_ASK_DENSITY: st = told_densities(s, answer); break;
    case IMNN_ASK_SIMULATE:
        if ((st = check_simulations(s, answer)) == IMNN_OK) st = told_simulations(s, answer);
        break;
    default: return imnn_fail(IMNN_EVALUE, "%s: told what nobody asked for", s->who);
    }
    if (st == IMNN_OK && s->batch.kind == IMNN_ASK_SIMULATE && s->batch.asked == 0)
        st = told_simulations(s, answer); /* no proposal is inside: there is nothing to simulate */
    if (st == IMNN_OK && s->batch.kind != IMNN_ASK_DONE) imnn_attempts_ask(s);
    return st;
}
