/* Attempts: their keys, what is proposed for them, and what is asked about them. */
#include "core/lfi/sampler.h"
#include "imnn/lfi.h"
#include <string.h>

enum { PART = 512 };

/* ---- room ---- */

/* Whether kernels differ between the ends of a move. */
static bool balances(const imnn_sampler *s)
{
    return s->o.method == IMNN_SMC && s->o.proposal >= IMNN_PROPOSE_LOCAL;
}

void imnn_attempts_free(imnn_sampler *s)
{
    imnn_batch *b = &s->batch;
    const size_t n = (size_t)b->room, P = (size_t)s->o.n_params, M = (size_t)s->o.repeats;
    imnn_free(b->keys, n * 2 * sizeof *b->keys);
    imnn_free(b->theta, n * P * sizeof *b->theta);
    imnn_free(b->noise, n * P * sizeof *b->noise);
    if (s->o.transform) imnn_free(b->line, n * P * sizeof *b->line);
    if (balances(s)) imnn_free(b->work, n * P * (P + 1) * sizeof *b->work);
    imnn_free(b->balance, n * sizeof *b->balance);
    imnn_free(b->prior, n * sizeof *b->prior);
    imnn_free(b->number, n * sizeof *b->number);
    imnn_free(b->tries, n * sizeof *b->tries);
    imnn_free(b->which, n * sizeof *b->which);
    imnn_free(b->ask_keys, n * M * 2 * sizeof *b->ask_keys);
    imnn_free(b->ask_theta, n * M * P * sizeof *b->ask_theta);
    *b = (imnn_batch){0};
}

imnn_status imnn_attempts_room(imnn_sampler *s, int64_t count)
{
    imnn_batch *b = &s->batch;
    if (count <= b->room) return IMNN_OK;
    imnn_attempts_free(s);
    const size_t n = (size_t)count, P = (size_t)s->o.n_params, M = (size_t)s->o.repeats;
    b->room = count;
    b->keys = imnn_alloc(n * 2 * sizeof *b->keys);
    b->theta = imnn_alloc(n * P * sizeof *b->theta);
    b->noise = imnn_alloc(n * P * sizeof *b->noise);
    if (s->o.transform) b->line = imnn_alloc(n * P * sizeof *b->line);
    if (balances(s)) b->work = imnn_alloc_raw(n * P * (P + 1) * sizeof *b->work);
    b->balance = imnn_alloc(n * sizeof *b->balance);
    b->prior = imnn_alloc(n * sizeof *b->prior);
    b->number = imnn_alloc(n * sizeof *b->number);
    b->tries = imnn_alloc(n * sizeof *b->tries);
    b->which = imnn_alloc(n * sizeof *b->which);
    b->ask_keys = imnn_alloc(n * M * 2 * sizeof *b->ask_keys);
    b->ask_theta = imnn_alloc(n * M * P * sizeof *b->ask_theta);
    if (b->keys && b->theta && b->noise && b->prior && b->number && b->tries && b->which &&
        b->ask_keys && b->ask_theta && b->balance && !b->line == !s->o.transform &&
        !b->work == !balances(s))
        return IMNN_OK;
    imnn_attempts_free(s);
    return IMNN_ENOMEM;
}

/* ---- what is proposed ---- */

/* Attempts are independent of each other; few, of a seventh of a microsecond each, are not worth
 * that threads wait for one another. They take PART at a time: one may have other things to do, and
 * what is random of so many is made by vectors. */
static int threads_for(int64_t n)
{
    const int64_t most = n / 4096;
    return most < 1 ? 1 : most < imnn_threads() ? (int)most : imnn_threads();
}

static int64_t parts_of(int64_t n) { return (n + PART - 1) / PART; }

bool imnn_sampler_is_inside(const imnn_sampler *s, const double *theta)
{
    bool inside = true;
    for (int64_t p = 0; p < s->o.n_params; p++)
        inside = inside && theta[p] >= s->low[p] && theta[p] <= s->high[p];
    return inside;
}

void imnn_sampler_keep_within(const imnn_sampler *s, double *theta)
{
    for (int64_t p = 0; p < s->o.n_params; p++)
        if (s->least[p] <= s->most[p]) theta[p] = fmin(fmax(theta[p], s->least[p]), s->most[p]);
}

/* From the line, as numbers that simulations can have. Returns the product of d theta / d line. */
static double set_theta(const imnn_sampler *s, double *theta, const double *line)
{
    const int64_t P = s->o.n_params;
    const double rise = s->o.transform ? imnn_line_place(theta, P, line, s->low, s->high) : 1;
    for (int64_t p = 0; p < P && s->o.single; p++) theta[p] = (float)theta[p];
    if (s->o.transform) imnn_sampler_keep_within(s, theta);
    return rise;
}

/* Where noise (P) and the ancestor at u move attempt j. */
static double place(imnn_sampler *s, int64_t j, double u, const double *noise)
{
    imnn_batch *b = &s->batch;
    const int64_t P = s->o.n_params, at = imnn_row_line(s);
    double *theta = b->theta + j * P, *line = s->o.transform ? b->line + j * P : theta;
    if (s->s.stage != IMNN_STAGE_MOVE) {
        const int64_t a = imnn_proposal_ancestor(s->proposal, u);
        imnn_proposal_move(s->proposal, a, s->whole.x + a * s->whole.width + at, noise, line);
        return set_theta(s, theta, line);
    }
    const double *from = s->making.x + b->number[j] * s->making.width + at;
    double *room = balances(s) ? b->work + j * P * (P + 1) : NULL;
    imnn_proposal_move_from(s->proposal, from, noise, line, room);
    const double rise = set_theta(s, theta, line);
    b->balance[j] = imnn_proposal_balance(s->proposal, from, line, room);
    return rise;
}

/* Whether proposals are redrawn by chance. */
static bool thins(const imnn_sampler *s) { return s->usual_prior > -INFINITY; }

bool imnn_attempts_takes(const imnn_sampler *s, int64_t j, double log_prior)
{
    const imnn_batch *b = &s->batch;
    const double *line = (s->o.transform ? b->line : b->theta) + j * s->o.n_params;
    uint32_t key[2];
    if (!thins(s)) return log_prior > -INFINITY;
    imnn_fold(key, b->keys + 2 * j, STREAM_PROPOSE, (uint32_t)b->tries[j]);
    return log(imnn_uniform_of(key, STREAM_CHANCE, 0)) <
           imnn_sampler_log_chance(s, imnn_sampler_prior_at(s, log_prior, line), line);
}

/* Whether that was the last time for attempt j: what is known of the prior there takes it (takes:
 * if it is in the box), or an attempt, this or another one, was not taken too often; moves out of
 * the box are in vain. */
static bool is_placed(imnn_sampler *s, int64_t j, bool takes)
{
    imnn_batch *b = &s->batch;
    if (takes && imnn_sampler_is_inside(s, b->theta + j * s->o.n_params)) {
        b->prior[j] = s->o.flat ? s->o.log_prior : NAN;
        return true;
    }
    b->prior[j] = -INFINITY;
    if (s->s.stage == IMNN_STAGE_MOVE) return true;
    bool lost = ++b->tries[j] >= s->o.max_tries;
    if (lost) {
#pragma omp atomic write
        b->lost = true;
    } else {
#pragma omp atomic read
        lost = b->lost;
    }
    return lost;
}

/* Keys (n, 2) of the next proposals of attempts. */
static void proposal_keys(const imnn_batch *b, uint32_t *keys, const int64_t *which, int64_t n)
{
    uint32_t from[2 * PART];
    for (int64_t k = 0; k < n; k++) memcpy(from + 2 * k, b->keys + 2 * which[k], 2 * sizeof *from);
    for (int64_t k = 0, run; k < n; k += run) {
        const int64_t tries = b->tries[which[k]];
        for (run = 1; k + run < n && b->tries[which[k + run]] == tries;) run++;
        imnn_fold_each(keys + 2 * k, from + 2 * k, run, STREAM_PROPOSE, (uint32_t)tries);
    }
}

/* Propose for n <= PART attempts, and again for those that are not taken. noise (n, P) is room. */
static void propose_part(imnn_sampler *s, const int64_t *which, int64_t n, double *noise)
{
    const imnn_batch *b = &s->batch;
    const int64_t P = s->o.n_params;
    const double *line = s->o.transform ? b->line : b->theta;
    /* imnn_sampler_log_chance as far as it is known by now, without logarithms */
    const bool by_chance = s->o.flat && thins(s);
    const double usual = by_chance ? exp(s->usual_prior - s->o.log_prior) : 0;
    const double usual_weight = by_chance ? exp(s->usual_weight - s->o.log_prior) : 0;
    int64_t left[PART];
    uint32_t keys[2 * PART];
    double u[PART], chance[PART] = {0};
    memcpy(left, which, (size_t)n * sizeof *left);
    for (int64_t m = n, rest; m > 0; m = rest) {
        proposal_keys(b, keys, left, m);
        imnn_proposal_noise_each(s->proposal, keys, m, noise);
        imnn_uniform_each(u, 1, keys, m, STREAM_ANCESTOR, 0);
        if (by_chance) imnn_uniform_each(chance, 1, keys, m, STREAM_CHANCE, 0);
        rest = 0;
        for (int64_t k = 0; k < m; k++) {
            const int64_t j = left[k];
            const double rise = place(s, j, u[k], noise + k * P);
            if (by_chance) {
                const double fall = exp(imnn_proposal_fall(s->proposal, line + j * P));
                chance[k] *= fmin(usual, usual_weight * fall);
            }
            if (!is_placed(s, j, chance[k] <= rise)) left[rest++] = j;
        }
    }
}

/* Propose for the first n attempts in `which`. */
static void propose(imnn_sampler *s, int64_t n)
{
    imnn_batch *b = &s->batch;
#pragma omp parallel for num_threads(threads_for(n)) schedule(dynamic)
    for (int64_t part = 0; part < parts_of(n); part++) {
        const int64_t from = part * PART, to = n - from < PART ? n : from + PART;
        propose_part(s, b->which + from, to - from, b->noise + from * s->o.n_params);
    }
}

imnn_status imnn_attempts_lost(const imnn_sampler *s, int64_t j, int64_t count)
{
    char text[160] = "";
    const double *theta = s->batch.theta + j * s->o.n_params;
    for (int p = 0, at = 0; p < s->o.n_params && at < 120; p++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%.6g", p ? ", " : "", theta[p]);
    return imnn_fail(IMNN_EVALUE,
                     "%s: %lld proposals in a row were outside of the prior, the last "
                     "one at (%s)",
                     s->who, (long long)count, text);
}

imnn_status imnn_attempts_next(imnn_sampler *s)
{
    imnn_batch *b = &s->batch;
    int64_t unknown = 0;
    for (int64_t k = 0; k < b->asked; k++) {
        const int64_t j = b->which[k];
        if (b->lost && b->tries[j] >= s->o.max_tries)
            return imnn_attempts_lost(s, j, s->o.max_tries);
        if (isnan(b->prior[j])) b->which[unknown++] = j;
    }
    b->kind = unknown ? IMNN_ASK_DENSITY : IMNN_ASK_SIMULATE;
    b->asked = unknown;
    for (int64_t j = 0; j < b->n && !unknown; j++)
        if (b->prior[j] > -INFINITY) b->which[b->asked++] = j;
    return IMNN_OK;
}

imnn_status imnn_attempts_again(imnn_sampler *s, int64_t n)
{
    imnn_batch *b = &s->batch;
    propose(s, n);
    b->asked = n;
    return imnn_attempts_next(s);
}

/* Keys of n attempts, whose numbers follow each other unless particles without weight are between
 * them. */
static void make_keys(imnn_sampler *s, const uint32_t generation[2], int64_t first, int64_t n)
{
    imnn_batch *b = &s->batch;
    const bool moves = s->s.stage == IMNN_STAGE_MOVE;
    const uint64_t high = moves ? (uint64_t)s->s.sweep << 32 : 0;
    for (int64_t j = first, run; j < first + n; j += run) {
        const uint64_t at = (uint64_t)b->number[j];
        for (run = 1; j + run < first + n && b->number[j + run] == b->number[j] + run;) run++;
        imnn_fold_range(b->keys + 2 * j, generation, high + at, run);
    }
}

imnn_status imnn_attempts_begin(imnn_sampler *s, int64_t n)
{
    imnn_batch *b = &s->batch;
    uint32_t generation[2];
    int64_t i = s->s.attempt;
    const bool shared = s->o.shares && imnn_from_prior(s);
    imnn_fold(generation, shared ? s->o.shared_key : s->o.key, 0, (uint32_t)s->s.generation);
    b->first = i, b->n = 0, b->lost = false;
    for (; b->n < n; i++) {
        const bool moves = s->s.stage == IMNN_STAGE_MOVE;
        if (moves && i >= s->o.n) break;
        const double *row = s->making.x + i * s->making.width;
        if (moves && row[imnn_row_weight(s)] == -INFINITY) continue; /* nobody asks for it */
        b->number[b->n] = i, b->tries[b->n] = 0, b->prior[b->n] = NAN;
        b->which[b->n] = b->n;
        b->n++;
    }
#pragma omp parallel for num_threads(threads_for(b->n)) schedule(dynamic)
    for (int64_t part = 0; part < parts_of(b->n); part++) {
        const int64_t from = part * PART, to = b->n - from < PART ? b->n : from + PART;
        make_keys(s, generation, from, to - from);
    }
    if (!imnn_from_prior(s)) propose(s, b->n);
    b->asked = b->n;
    if (!imnn_from_prior(s)) return imnn_attempts_next(s);
    b->kind = IMNN_ASK_DRAW;
    return IMNN_OK;
}

void imnn_attempts_ask(imnn_sampler *s)
{
    imnn_batch *b = &s->batch;
    const int64_t P = s->o.n_params, M = b->kind == IMNN_ASK_SIMULATE ? s->o.repeats : 1;
    const bool keys = b->kind != IMNN_ASK_DENSITY;
    const uint32_t stream = b->kind == IMNN_ASK_SIMULATE ? STREAM_SIMULATE : STREAM_DRAW;
#pragma omp parallel for num_threads(threads_for(b->asked)) schedule(dynamic)
    for (int64_t part = 0; part < parts_of(b->asked); part++) {
        uint32_t from[2 * PART], made[2 * PART];
        const int64_t first = part * PART, n = b->asked - first < PART ? b->asked - first : PART;
        for (int64_t k = 0; k < n; k++)
            memcpy(from + 2 * k, b->keys + 2 * b->which[first + k], sizeof made[0] * 2);
        for (int64_t m = 0; m < M; m++) {
            if (keys) imnn_fold_each(made, from, n, stream, (uint32_t)m);
            for (int64_t k = 0; k < n; k++) {
                const int64_t j = b->which[first + k], to = (first + k) * M + m;
                if (keys) memcpy(b->ask_keys + 2 * to, made + 2 * k, sizeof made[0] * 2);
                memcpy(b->ask_theta + to * P, b->theta + j * P, (size_t)P * sizeof(double));
            }
        }
    }
}
