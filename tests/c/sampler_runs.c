/* How runs of samplers go, with simulators written in C: the same bytes however they are cut,
 * limits, refusals, damaged states, no memory. */
#include "tests/support/toys.h"
#include <stdlib.h>

/* ---- the same bytes ---- */

/* The rows of a result, and how many numbers those are. */
static double *rows_of(imnn_sampler *s, int64_t *n)
{
    imnn_particles p = {0};
    if (imnn_sampler_particles(s, &p) != IMNN_OK) return NULL;
    *n = p.n * p.stride;
    double *copy = malloc((size_t)*n * sizeof *copy);
    if (copy) memcpy(copy, p.theta, (size_t)*n * sizeof *copy);
    return copy;
}

static int is_same(const double *a, int64_t n, imnn_sampler *s)
{
    int64_t m = 0;
    double *b = rows_of(s, &m);
    const bool same = a && b && n == m && !memcmp(a, b, (size_t)n * sizeof *a);
    free(b);
    return same;
}

/* Save and restore at every k-th question. */
static imnn_status run_broken(imnn_sampler **s, const imnn_sampler_options *o, const toy *t, int k)
{
    imnn_ask ask;
    imnn_status st;
    for (int i = 1; (st = imnn_sampler_ask(*s, 77, &ask)) == IMNN_OK && ask.kind; i++) {
        if (i % k == 0) {
            int64_t bytes = 0;
            imnn_sampler_save(*s, NULL, &bytes);
            void *state = malloc((size_t)bytes);
            imnn_sampler_save(*s, state, &bytes);
            imnn_sampler_release(*s);
            st = imnn_sampler_new(s, o);
            if (st == IMNN_OK) st = imnn_sampler_restore(*s, state, bytes);
            free(state);
            if (st != IMNN_OK) return st;
            if ((st = imnn_sampler_ask(*s, 77, &ask)) != IMNN_OK || !ask.kind) return st;
        }
        if ((st = answer(*s, t, &ask)) != IMNN_OK) return st;
    }
    return st;
}

static int one_way(const imnn_sampler_options *o, const toy *t)
{
    imnn_sampler *s = NULL;
    int64_t n = 0, sizes[] = {1, 3, 64, 1000, MOST};
    CHECK(imnn_sampler_new(&s, o) == IMNN_OK && run(s, t, 500) == IMNN_OK);
    double *rows = rows_of(s, &n);
    const int64_t simulations = imnn_sampler_simulations(s);
    imnn_sampler_release(s);
    for (int i = 0; i < 5; i++) {
        CHECK(imnn_sampler_new(&s, o) == IMNN_OK && run(s, t, sizes[i]) == IMNN_OK);
        CHECK(is_same(rows, n, s) && imnn_sampler_simulations(s) == simulations);
        imnn_sampler_release(s);
    }
    for (int k = 20; k < 100; k += 17) { /* a batch must have a chance to come to its end */
        CHECK(imnn_sampler_new(&s, o) == IMNN_OK && run_broken(&s, o, t, k) == IMNN_OK);
        CHECK(is_same(rows, n, s) && imnn_sampler_simulations(s) == simulations);
        imnn_sampler_release(s);
    }
    free(rows);
    return 0;
}

static int bytes_are_the_same(void)
{
    imnn_sampler_options o = options_of(IMNN_PMC, 5);
    const double zero = 0;
    o.n = 100, o.limits.max_generations = 4;
    CHECK(!one_way(&o, &toy_c));
    o.pilot = 300, o.limits.max_simulations = 1500, o.repeats = 2;
    CHECK(!one_way(&o, &toy_b));
    o.distance = IMNN_DISTANCE_ADAPTIVE, o.target = &zero, o.proposal = IMNN_PROPOSE_LOCAL;
    CHECK(!one_way(&o, &toy_c));
    o = options_of(IMNN_SMC, 6), o.n = 100, o.limits.max_generations = 6;
    CHECK(!one_way(&o, &toy_c));
    o = options_of(IMNN_ABC, 7), o.n = 50, o.epsilon = 0.3;
    CHECK(!one_way(&o, &toy_a));
    o.epsilon = 0, o.pilot = 20000; /* more than are kept at a time */
    CHECK(!one_way(&o, &toy_a));
    for (int method = IMNN_PMC; method <= IMNN_SMC; method++) {
        o = on_the_line((imnn_sampler_method)method, 24);
        o.n = 100, o.limits.max_generations = 3, o.proposal = IMNN_PROPOSE_NEAREST;
        CHECK(!one_way(&o, &toy_c));
    }
    return 0;
}

static void fold(uint32_t out[2], const uint32_t key[2], uint32_t high, uint32_t low)
{
    imnn_threefry(key, (uint32_t[]){high, low}, out);
}

/* Keys of attempts, by threefry one at a time: that many are made at once does not change them, nor
 * where they stand. */
static int keys_are_those_of_attempts(void)
{
    enum { STREAM_DRAW, STREAM_SIMULATE };
    imnn_sampler_options o = options_of(IMNN_PMC, 25);
    imnn_sampler *s = NULL;
    imnn_ask ask;
    uint32_t generation[2], attempt[2], key[2];
    int64_t n = 0;
    o.n = 1100, o.repeats = 3, o.limits.max_generations = 1;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK);
    fold(generation, o.key, 0, 0);
    while (imnn_sampler_ask(s, 3 * 777, &ask) == IMNN_OK && imnn_sampler_generations(s) == 0) {
        const bool draws = ask.kind == IMNN_ASK_DRAW, simulates = ask.kind == IMNN_ASK_SIMULATE;
        CHECK(draws || simulates || !ask.keys);
        for (int64_t i = 0; i < ask.n && ask.keys; i++) {
            fold(attempt, generation, 0, (uint32_t)(n + (draws ? i : i / 3)));
            if (draws) fold(key, attempt, STREAM_DRAW, 0);
            else fold(key, attempt, STREAM_SIMULATE, (uint32_t)(i % 3));
            CHECK(!memcmp(key, ask.keys + 2 * i, sizeof key));
        }
        n += simulates ? ask.n / 3 : 0;
        CHECK(answer(s, &toy_c, &ask) == IMNN_OK);
    }
    CHECK(n == 1100);
    imnn_sampler_release(s);
    return 0;
}

static double nowhere(double t) { return -INFINITY * (t == t); }

/* Proposals beyond the ends are not asked about, nor any density of a flat prior; the particles are
 * those of one that is asked. */
static int a_box_is_known(void)
{
    const double low = 0, high = 1;
    const toy unasked = {"unasked", draw_c, nowhere, simulate_c, 0};
    for (int i = 0; i < 2; i++) {
        imnn_sampler_options o = options_of(i ? IMNN_SMC : IMNN_PMC, 14);
        imnn_sampler *s = NULL;
        imnn_ask ask;
        int64_t n = 0;
        o.n = 100, o.limits.max_generations = 4;
        CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &toy_c, 64) == IMNN_OK);
        double *rows = rows_of(s, &n);
        imnn_sampler_release(s);
        o.low = &low, o.high = &high;
        CHECK(imnn_sampler_new(&s, &o) == IMNN_OK);
        while (imnn_sampler_ask(s, 64, &ask) == IMNN_OK && ask.kind != IMNN_ASK_DONE) {
            for (int64_t k = 0; k < ask.n && ask.kind == IMNN_ASK_DENSITY; k++)
                CHECK(ask.theta[k] >= 0 && ask.theta[k] <= 1);
            CHECK(answer(s, &toy_c, &ask) == IMNN_OK);
        }
        CHECK(is_same(rows, n, s));
        imnn_sampler_release(s);
        o.flat = true;
        for (int64_t most = 7; most < MOST; most *= 10) {
            CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &unasked, most) == IMNN_OK);
            CHECK(is_same(rows, n, s));
            imnn_sampler_release(s);
        }
        free(rows);
    }
    return 0;
}

static double simulate_one(const uint32_t *key, double t) { return 1 + 0 * (t + key[0]); }

/* Particles none of which has any weight end a run, not as an error. */
static int no_weight_is_left(void)
{
    const toy one = {"one", draw_c, prior_c, simulate_one, 0};
    const double schedule[] = {1e-12};
    imnn_sampler_options o = options_of(IMNN_PMC, 16);
    imnn_sampler *s = NULL;
    o.n = 50, o.acceptance = IMNN_ACCEPT_TRIANGULAR; /* all are as far as epsilon */
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &one, 64) == IMNN_OK);
    CHECK(imnn_sampler_reason(s) == IMNN_STOP_PROGRESS);
    imnn_sampler_release(s);
    o = options_of(IMNN_SMC, 16);
    o.n = 50, o.schedule = schedule, o.n_schedule = 1;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &toy_c, 64) == IMNN_OK);
    CHECK(imnn_sampler_reason(s) == IMNN_STOP_WEIGHTS);
    imnn_sampler_release(s);
    return 0;
}

static double draw_close(const uint32_t *key) { return 0.1 + 1e-12 * uniform(key, 0); }

/* A box that proposals never hit: no f32 is in there. */
static int a_box_is_missed(void)
{
    const toy close = {"close", draw_close, nowhere, simulate_c, 0};
    imnn_sampler_options o = options_of(IMNN_PMC, 15);
    imnn_sampler *s = NULL;
    const double low = 0.1, high = 0.1 + 1e-12;
    o.n = 8, o.max_tries = 50, o.low = &low, o.high = &high, o.flat = o.single = true;
    for (int transform = 0; transform < 2; transform++) {
        o.transform = transform;
        CHECK(imnn_sampler_new(&s, &o) == IMNN_OK);
        for (int i = 0; i < 2; i++) { /* it can be asked again */
            CHECK(run(s, &close, 8) == IMNN_EVALUE);
            CHECK(!strncmp(imnn_last_error(), "toy: 50 proposals in a row were outside", 39));
        }
        imnn_sampler_release(s);
    }
    return 0;
}

/* Draws beyond the ends are none: the prior is what is between them. */
static int draws_beyond_a_box(void)
{
    const toy wide = {"wide", normal, prior_b, simulate_b, 0};
    const double low = -0.5, high = 0.7;
    for (int i = 0; i < 6; i++) {
        imnn_sampler_options o = options_of((imnn_sampler_method)(i / 2), 17);
        imnn_sampler *s = NULL;
        imnn_particles p;
        o.n = 200, o.pilot = i / 2 == IMNN_SMC ? 0 : 2000, o.transform = i % 2;
        o.low = &low, o.high = &high, o.limits.max_generations = 2;
        CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &wide, 64) == IMNN_OK);
        CHECK(imnn_sampler_particles(s, &p) == IMNN_OK && p.n == 200 && p.ess > 30);
        for (int64_t k = 0; k < p.n; k++) {
            const double x = p.theta[k * p.stride];
            CHECK((x >= low && x <= high) || p.log_weight[k * p.stride] == -INFINITY);
        }
        imnn_sampler_release(s);
    }
    return 0;
}

/* ---- limits ---- */

static int a_budget_gives_the_last_whole_generation(void)
{
    imnn_sampler_options o = options_of(IMNN_PMC, 8);
    imnn_sampler *s = NULL, *whole = NULL;
    imnn_generation g;
    int64_t n = 0;
    o.n = 200, o.limits.max_generations = 3;
    CHECK(imnn_sampler_new(&whole, &o) == IMNN_OK && run(whole, &toy_b, 64) == IMNN_OK);
    CHECK(imnn_sampler_reason(whole) == IMNN_STOP_GENERATIONS);
    CHECK(imnn_sampler_generations(whole) == 4);
    double *rows = rows_of(whole, &n);
    o.limits.max_generations = 0, o.limits.max_simulations = imnn_sampler_simulations(whole) + 100;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &toy_b, 64) == IMNN_OK);
    CHECK(imnn_sampler_reason(s) == IMNN_STOP_SIMULATIONS && is_same(rows, n, s));
    CHECK(imnn_sampler_simulations(s) == o.limits.max_simulations);
    CHECK(imnn_sampler_generation(s, 4, &g) && g.simulations == 100 && g.accepted < 200);
    CHECK(!imnn_sampler_generation(s, 5, &g));
    /* and both go on to the same place */
    imnn_sampler_limits more = o.limits;
    more.max_simulations = 0, more.max_generations = 5;
    imnn_sampler_resume(s, &more), imnn_sampler_resume(whole, &more);
    CHECK(run(s, &toy_b, 64) == IMNN_OK && run(whole, &toy_b, 100) == IMNN_OK);
    free(rows);
    rows = rows_of(whole, &n);
    CHECK(is_same(rows, n, s) && imnn_sampler_reason(s) == IMNN_STOP_GENERATIONS);
    free(rows);
    imnn_sampler_release(s), imnn_sampler_release(whole);
    return 0;
}

static int stopped_early(void)
{
    imnn_sampler_options o = options_of(IMNN_ABC, 9);
    imnn_sampler *s = NULL;
    imnn_particles p;
    imnn_ask ask;
    o.n = 10, o.epsilon = 1e-12, o.limits.max_simulations = 500;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &toy_b, 100) == IMNN_EVALUE);
    CHECK(!strncmp(imnn_last_error(),
                   "toy: none of 500 simulations came within epsilon = 1e-12; "
                   "the nearest had the distance 0.0",
                   89));
    imnn_sampler_release(s);
    /* without any rule: */
    imnn_sampler_options none = options_of(IMNN_ABC, 9);
    none.n = 10, none.epsilon = 1e-300, none.limits = (imnn_sampler_limits){0};
    CHECK(imnn_sampler_new(&s, &none) == IMNN_OK && run(s, &toy_c, MOST) == IMNN_EVALUE);
    CHECK(strstr(imnn_last_error(), "none of 10000001 simulations"));
    imnn_sampler_release(s);
    o.epsilon = 0, o.pilot = 1000; /* half of the draws were made: the nearest of those */
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &toy_b, 100) == IMNN_OK);
    CHECK(imnn_sampler_particles(s, &p) == IMNN_OK && p.n == 10 && p.epsilon < 0.5);
    imnn_sampler_release(s);
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK);
    CHECK(imnn_sampler_ask(s, 100, &ask) == IMNN_OK && answer(s, &toy_b, &ask) == IMNN_OK);
    imnn_sampler_stop(s);
    CHECK(imnn_sampler_particles(s, &p) == IMNN_OK && p.n == 0);
    imnn_sampler_release(s);
    return 0;
}

static int refusals(void)
{
    imnn_sampler_options o = options_of(IMNN_PMC, 10);
    const toy lost = {"lost", normal, nowhere, simulate_b, 0};
    imnn_sampler *s = NULL;
    imnn_ask ask;
    double junk[8] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    imnn_answer a = {junk, junk, junk, junk, NULL};
    o.n = 8, o.max_tries = 50;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK);
    CHECK(imnn_sampler_tell(s, &a) == IMNN_EVALUE && says("toy: told what nobody asked for"));
    CHECK(imnn_sampler_ask(s, 8, &ask) == IMNN_OK && ask.kind == IMNN_ASK_DRAW && ask.n == 8);
    CHECK(imnn_sampler_tell(s, &a) == IMNN_EVALUE &&
          says("toy: the prior's draw 1 holds a number that is not finite"));
    CHECK(answer(s, &lost, &ask) == IMNN_OK);
    CHECK(imnn_sampler_ask(s, 8, &ask) == IMNN_OK && ask.kind == IMNN_ASK_DENSITY);
    CHECK(imnn_sampler_tell(s, &a) == IMNN_EVALUE);
    CHECK(says("toy: the logarithm of the density of the prior is NaN at its own draw 1"));
    CHECK(answer(s, &lost, &ask) == IMNN_OK);
    CHECK(imnn_sampler_ask(s, 8, &ask) == IMNN_OK && ask.kind == IMNN_ASK_SIMULATE);
    CHECK(imnn_sampler_tell(s, &a) == IMNN_EVALUE);
    CHECK(says("toy: simulation 1 of those that were asked for has a distance that is not finite"));
    CHECK(answer(s, &lost, &ask) == IMNN_OK);
    CHECK(run(s, &lost, 8) == IMNN_EVALUE);
    CHECK(!strncmp(imnn_last_error(),
                   "toy: 50 proposals in a row were outside of the prior, the "
                   "last one at (",
                   70));
    CHECK(imnn_sampler_restore(s, junk, sizeof junk) == IMNN_EVALUE);
    CHECK(says("toy: this is no state of a sampler"));
    imnn_sampler_release(s);
    o.n = 0;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_EVALUE && !s);
    CHECK(says("toy: n must be from 2 to 2^31 - 1 particles, got 0"));
    o.n = 5, o.pilot = 3;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_EVALUE);
    CHECK(says("toy: 3 draws cannot have the 5 nearest among them"));
    o.pilot = 0, o.distance = IMNN_DISTANCE_SCALED, o.epsilon = 1;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_EVALUE);
    return 0;
}

/* A state that is damaged or cut off anywhere is refused, or is one. */
static int damaged_states(void)
{
    imnn_sampler_options o = options_of(IMNN_SMC, 11);
    imnn_sampler *s = NULL, *to = NULL;
    imnn_ask ask;
    int64_t bytes = 0;
    o.n = 10, o.limits.max_simulations = 55;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &toy_b, 8) == IMNN_OK);
    imnn_sampler_save(s, NULL, &bytes);
    char *state = malloc((size_t)bytes), *other = malloc((size_t)bytes);
    imnn_sampler_save(s, state, &bytes);
    for (int64_t i = 0; i < bytes; i += 8) {
        CHECK(imnn_sampler_new(&to, &o) == IMNN_OK);
        CHECK(imnn_sampler_restore(to, state, i) == IMNN_EVALUE);
        memcpy(other, state, (size_t)bytes);
        memset(other + i, 0x7f, 4);
        imnn_status st = imnn_sampler_restore(to, other, bytes);
        for (int k = 0; k < 3 && st == IMNN_OK; k++)
            if ((st = imnn_sampler_ask(to, 5, &ask)) == IMNN_OK && ask.kind)
                st = answer(to, &toy_b, &ask);
        imnn_sampler_release(to);
    }
    free(state), free(other);
    imnn_sampler_release(s);
    return 0;
}

#ifdef IMNN_TESTING
IMNN_API void imnn_test_fail_alloc(int n);

/* Each allocation fails once: nothing is lost or leaks, and it goes on. */
static int without_memory(void)
{
    imnn_sampler_options o = options_of(IMNN_PMC, 12);
    const int64_t before = imnn_live_bytes();
    o.n = 20, o.limits.max_generations = 2;
    for (int n = 0, through = 0; !through; n++) {
        imnn_sampler *s = NULL;
        int failures = 0;
        imnn_status st;
        imnn_test_fail_alloc(n);
        if (imnn_sampler_new(&s, &o) == IMNN_OK) {
            while ((st = run(s, &toy_c, 7)) == IMNN_ENOMEM && failures < 2) failures++;
            CHECK(st == IMNN_OK);
            through = failures == 0;
        }
        imnn_test_fail_alloc(-1);
        imnn_sampler_release(s);
        CHECK(imnn_live_bytes() == before);
    }
    return 0;
}
#else
static int without_memory(void) { return 0; }
#endif

int main(void)
{
    return bytes_are_the_same() || keys_are_those_of_attempts() || a_box_is_known() ||
           a_box_is_missed() || draws_beyond_a_box() || no_weight_is_left() ||
           a_budget_gives_the_last_whole_generation() || stopped_early() || refusals() ||
           damaged_states() || without_memory();
}
