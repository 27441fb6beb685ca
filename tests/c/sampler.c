/* Whether samplers give the right posteriors, with simulators written in C: the public interface
 * alone. */
#include "tests/support/toys.h"
#include <stdlib.h>

static void moments(imnn_sampler *s, double *mean, double *variance)
{
    imnn_particles p;
    double squares = 0;
    *mean = *variance = 0;
    if (imnn_sampler_particles(s, &p) != IMNN_OK) return;
    for (int64_t i = 0; i < p.n; i++) {
        const double w = exp(p.log_weight[i * p.stride]), x = p.theta[i * p.stride];
        *mean += w * x, *variance += w * x * x, squares += w * w;
    }
    *variance = (*variance - *mean * *mean) / (1 - squares);
}

/* ---- statistics: one run within four of its own standard deviations, whose sizes are those of
 * many runs; false alarms: one seed in 10^4 ---- */

static int is_right(const toy *t, const imnn_sampler_options *o, const double *expected,
                    const double *sd)
{
    imnn_sampler *s = NULL;
    double mean, variance;
    CHECK(imnn_sampler_new(&s, o) == IMNN_OK);
    CHECK(run(s, t, MOST) == IMNN_OK);
    moments(s, &mean, &variance);
    if (!(fabs(mean - expected[0]) < 4 * sd[0]) || !(fabs(variance - expected[1]) < 4 * sd[1]))
        return printf("toy %s: mean %g, variance %g, %s\n", t->name, mean, variance,
                      imnn_stop_text(imnn_sampler_reason(s))),
               1;
    imnn_sampler_release(s);
    return 0;
}

static int abc_is_right(void)
{
    imnn_sampler_options o = options_of(IMNN_ABC, 1);
    o.epsilon = 0.1;
    CHECK(!is_right(&toy_b, &o, (double[]){0.998336, 0.500831}, (double[]){0.0224, 0.0224}));
    o.epsilon = 0, o.pilot = 60000; /* of which about 1000 are within 0.05 */
    CHECK(!is_right(&toy_b, &o, (double[]){0.9995, 0.5002}, (double[]){0.0224, 0.0224}));
    o.epsilon = 0.05, o.pilot = 0;
    CHECK(!is_right(&toy_c, &o, (double[]){0.239711, 0.032393}, (double[]){0.0057, 0.0015}));
    return 0;
}

static int pmc_is_right(void)
{
    static const double falling[] = {1, 0.5, 0.1}, small[] = {0.2, 0.1, 0.05};
    imnn_sampler_options o = options_of(IMNN_PMC, 2);
    o.n_schedule = 3, o.schedule = falling, o.epsilon = 2;
    CHECK(!is_right(&toy_a, &o, (double[]){0, 0.508333}, (double[]){0.045, 0.094}));
    CHECK(!is_right(&toy_b, &o, (double[]){0.998336, 0.500831}, (double[]){0.032, 0.032}));
    o.schedule = small, o.epsilon = 0.5;
    for (int kind = IMNN_PROPOSE_NORMAL; kind <= IMNN_PROPOSE_NEAREST; kind++) {
        o.proposal = (imnn_proposal_kind)kind, o.key[0] = (uint32_t)kind;
        CHECK(!is_right(&toy_c, &o, (double[]){0.239711, 0.032393}, (double[]){0.0091, 0.0036}));
    }
    o.proposal = IMNN_PROPOSE_NORMAL, o.repeats = 3;
    CHECK(!is_right(&toy_c, &o, (double[]){0.239711, 0.032393}, (double[]){0.0091, 0.0036}));
    o.repeats = 1, o.acceptance = IMNN_ACCEPT_EPANECHNIKOV; /* variance 0.09 + 0.05^2 / 5 */
    CHECK(!is_right(&toy_c, &o, (double[]){0.23961, 0.03237}, (double[]){0.0091, 0.0036}));
    return 0;
}

static int smc_is_right(void)
{
    imnn_sampler_options o = options_of(IMNN_SMC, 3);
    o.limits.min_acceptance = 0, o.limits.min_epsilon = 0.1;
    CHECK(!is_right(&toy_b, &o, (double[]){0.998336, 0.500831}, (double[]){0.030, 0.031}));
    o.repeats = 5;
    CHECK(!is_right(&toy_b, &o, (double[]){0.998336, 0.500831}, (double[]){0.024, 0.027}));
    o.limits.min_epsilon = 0.05, o.repeats = 1;
    CHECK(!is_right(&toy_c, &o, (double[]){0.239711, 0.032393}, (double[]){0.0062, 0.0021}));
    o.acceptance = IMNN_ACCEPT_TRIANGULAR;
    CHECK(!is_right(&toy_c, &o, (double[]){0.23961, 0.03237}, (double[]){0.0062, 0.0021}));
    return 0;
}

/* Sizes of the deviations: of 200 runs. */
static int the_line_is_right(void)
{
    const double c[] = {0.239711, 0.032393}, f[] = {0.165507, 0.031386};
    imnn_sampler_options o = on_the_line(IMNN_PMC, 18);
    for (int kind = IMNN_PROPOSE_NORMAL; kind <= IMNN_PROPOSE_NEAREST; kind++) {
        o.proposal = (imnn_proposal_kind)kind, o.key[0] = (uint32_t)kind;
        CHECK(!is_right(&toy_c, &o, c, (double[]){0.0091, 0.0036}));
    }
    o.proposal = IMNN_PROPOSE_NORMAL;
    CHECK(!is_right(&toy_f, &o, f, (double[]){0.0090, 0.0039}));
    o = on_the_line(IMNN_SMC, 19);
    CHECK(!is_right(&toy_c, &o, c, (double[]){0.0069, 0.0023}));
    CHECK(!is_right(&toy_f, &o, f, (double[]){0.0088, 0.0031}));
    return 0;
}

/* What is near an end weighs as much on the line as it has room there: without that, the end has
 * all of the weight. And nothing is proposed beyond it. */
static int the_slope_counts(void)
{
    imnn_sampler_options o = on_the_line(IMNN_PMC, 22);
    imnn_sampler *s = NULL;
    imnn_particles p;
    imnn_generation g;
    double sum = 0, mean = 0;
    CHECK(imnn_sampler_new(&s, &o) == IMNN_OK && run(s, &toy_c, MOST) == IMNN_OK);
    CHECK(imnn_sampler_particles(s, &p) == IMNN_OK);
    for (int64_t i = 0; i < p.n; i++) {
        double line, slope;
        const double *x = p.theta + i * p.stride;
        CHECK(*x > 0 && *x < 1);
        imnn_line_to(&line, &slope, 1, 1, x, o.low, o.high);
        const double w = exp(p.log_weight[i * p.stride] + slope);
        sum += w, mean += w * *x;
    }
    CHECK(mean / sum < 0.239711 - 8 * 0.0091);
    /* Far out on the line, where the prior is low, few proposals are simulated, and those weigh
     * about as much as others; if all were, 1000 would be worth 600. */
    for (int64_t t = 1; t < imnn_sampler_generations(s); t++)
        CHECK(imnn_sampler_generation(s, t, &g) && g.proposals > g.simulations && g.ess > 800);
    imnn_sampler_release(s);
    return 0;
}

/* SMC by kernels that differ from place to place: without the ratio of there and back the mean of
 * the nearest would be off by 14 of these deviations. */
static int local_moves_are_right(void)
{
    for (int kind = IMNN_PROPOSE_LOCAL; kind <= IMNN_PROPOSE_NEAREST; kind++)
        for (int transform = 0; transform < 2; transform++) {
            imnn_sampler_options o = on_the_line(IMNN_SMC, 23);
            o.proposal = (imnn_proposal_kind)kind, o.transform = transform;
            CHECK(
                !is_right(&toy_c, &o, (double[]){0.239711, 0.032393}, (double[]){0.0070, 0.0023}));
        }
    return 0;
}

/* Kernels as densities: how much rarer there than back. */
static int moves_and_back(void)
{
    enum { N = 40 };
    double x[N * 4], room[6], out[2];
    for (int i = 0; i < N; i++) {
        const uint32_t key[2] = {3, (uint32_t)i}, other[2] = {4, (uint32_t)i};
        x[4 * i] = normal(key), x[4 * i + 1] = x[4 * i] * x[4 * i] + 0.3 * normal(other);
        x[4 * i + 2] = -log(N), x[4 * i + 3] = 1 + i % 2;
    }
    for (int kind = IMNN_PROPOSE_NORMAL; kind <= IMNN_PROPOSE_NEAREST; kind++) {
        imnn_proposal *p = NULL;
        CHECK(imnn_proposal_new(&p, (imnn_proposal_kind)kind, N, 2, 4, x, x + 2, x + 3, 1, NULL) ==
              IMNN_OK);
        for (int i = 0; i + 1 < N; i++) { /* at particles kernels are those of ancestors */
            const double z[] = {0.3, -0.7}, *from = x + 4 * i, *to = from + 4;
            double log_k[2], same[2];
            imnn_proposal_move(p, i, from, z, same);
            imnn_proposal_move_from(p, from, z, out, room);
            CHECK(out[0] == same[0] && out[1] == same[1]);
            for (int back = 0; back < 2; back++) {
                const double *L = imnn_proposal_factor(p, back ? i + 1 : i);
                const double a = (to[0] - from[0]) / L[0];
                const double b = (to[1] - from[1] - L[2] * a) / L[3];
                log_k[back] = -(a * a + b * b) / 2 - log(L[0] * L[3]);
            }
            const double expected = kind >= IMNN_PROPOSE_LOCAL ? log_k[1] - log_k[0] : 0;
            const double got = imnn_proposal_balance(p, from, to, room);
            CHECK(fabs(got - expected) < 1e-9 * (1 + fabs(log_k[0]) + fabs(log_k[1])));
        }
        imnn_proposal_release(p);
    }
    return 0;
}

/* ---- many runs: their mean within three of its standard errors; false alarms: one in 30 for all
 * 14 numbers of a seed. IMNN_RUNS says how many runs; few unless asked for ---- */

static int are_right(const toy *t, imnn_sampler_options *o, int runs, const double exact[2],
                     const double sd[2])
{
    double sum[2] = {0}, squares[2] = {0}, plain = 0;
    for (int r = 0; r < runs; r++) {
        imnn_sampler *s = NULL;
        imnn_particles p;
        double m[2], mean = 0;
        o->key[0] = 1000 + (uint32_t)r;
        CHECK(imnn_sampler_new(&s, o) == IMNN_OK && run(s, t, MOST) == IMNN_OK);
        moments(s, m, m + 1);
        for (int k = 0; k < 2; k++) sum[k] += m[k], squares[k] += m[k] * m[k];
        CHECK(imnn_sampler_particles(s, &p) == IMNN_OK);
        for (int64_t i = 0; i < p.n; i++) mean += p.theta[i * p.stride] / (double)p.n;
        plain += mean / runs;
        imnn_sampler_release(s);
    }
    for (int k = 0; k < 2; k++) {
        const double mean = sum[k] / runs;
        const double seen = sqrt((squares[k] / runs - mean * mean) / (runs - 1));
        const double error = runs >= 100 ? seen : sd[k] / sqrt(runs);
        const double off = (mean - exact[k]) / error;
        if (getenv("IMNN_RUNS"))
            printf("toy %s, method %d: %s %.5f, exact %.5f, %.2f standard errors\n", t->name,
                   o->method, k ? "variance" : "mean", mean, exact[k], off);
        CHECK(fabs(off) < (runs >= 100 ? 3 : 4)); /* few runs do not know their own error */
    }
    if (o->method == IMNN_PMC && t == &toy_b && runs >= 100) CHECK(fabs(plain - exact[0]) > 0.3);
    return 0;
}

static int many_runs_are_right(void)
{
    static const double ab[] = {1, 0.5, 0.1}, c[] = {0.2, 0.1, 0.05};
    const double exact[3][2] = {{0, 0.508333}, {0.998336, 0.500831}, {0.239711, 0.032393}};
    const double sd[2][3][2] = {{{0.045, 0.094}, {0.032, 0.032}, {0.0091, 0.0036}},
                                {{0.03, 0.06}, {0.030, 0.031}, {0.0062, 0.0021}}};
    const toy *const toys[] = {&toy_a, &toy_b, &toy_c};
    const int runs = getenv("IMNN_RUNS") ? atoi(getenv("IMNN_RUNS")) : 20;
    for (int i = 0; i < 3; i++) {
        imnn_sampler_options o = options_of(IMNN_PMC, 20);
        o.epsilon = i == 2 ? 0.5 : 2, o.n_schedule = 3, o.schedule = i == 2 ? c : ab;
        CHECK(!are_right(toys[i], &o, runs, exact[i], sd[0][i]));
        o = options_of(IMNN_SMC, 21);
        o.limits.min_acceptance = 0, o.limits.min_epsilon = i == 2 ? 0.05 : 0.1;
        CHECK(!are_right(toys[i], &o, runs, exact[i], sd[1][i]));
    }
    imnn_sampler_options o = on_the_line(IMNN_PMC, 20);
    CHECK(!are_right(&toy_c, &o, runs, exact[2], sd[0][2]));
    o = on_the_line(IMNN_SMC, 21);
    CHECK(!are_right(&toy_c, &o, runs, exact[2], (double[]){0.0069, 0.0023}));
    return 0;
}

int main(void)
{
    return abc_is_right() || pmc_is_right() || smc_is_right() || the_line_is_right() ||
           the_slope_counts() || local_moves_are_right() || moves_and_back() ||
           many_runs_are_right();
}
