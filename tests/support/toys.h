/* Problems of one parameter whose answers are known, and how a sampler is run on them. */
#ifndef TESTS_TOYS_H
#define TESTS_TOYS_H
#include "tests/support/check.h"
#include <math.h>

typedef struct toy {
    const char *name;
    double (*draw)(const uint32_t *key);
    double (*log_prior)(double theta);
    double (*simulate)(const uint32_t *key, double theta);
    double observed;
} toy;

static inline double uniform(const uint32_t *key, uint32_t i)
{
    const uint32_t counter[2] = {7, i};
    uint32_t w[2];
    imnn_threefry(key, counter, w);
    return (w[0] + 0.5) / 4294967296.0;
}

static inline double normal(const uint32_t *key)
{
    return sqrt(-2 * log(uniform(key, 0))) * cos(6.283185307179586 * uniform(key, 1));
}

static inline double draw_a(const uint32_t *key) { return 20 * uniform(key, 0) - 10; }
static inline double prior_a(double t) { return t >= -10 && t < 10 ? -log(20) : -INFINITY; }
static inline double simulate_a(const uint32_t *key, double t)
{
    return t + normal(key) * (uniform(key, 2) < 0.5 ? 1 : 0.1);
}
static inline double prior_b(double t) { return -0.5 * t * t - 0.9189385332046727; }
static inline double simulate_b(const uint32_t *key, double t) { return t + normal(key); }
static inline double draw_c(const uint32_t *key) { return uniform(key, 0); }
static inline double prior_c(double t) { return t >= 0 && t < 1 ? 0 : -INFINITY; }
static inline double simulate_c(const uint32_t *key, double t) { return t + 0.3 * normal(key); }

/* Its density is infinite at the ends, and one f32 in 4000 is rounded to 1. */
static inline double draw_f(const uint32_t *key)
{
    return (float)((1 - cos(3.141592653589793 * uniform(key, 0))) / 2);
}
static inline double prior_f(double t)
{
    return t >= 0 && t <= 1 ? -0.5 * log(t) - 0.5 * log(1 - t) : -INFINITY;
}

static const toy toy_a = {"A", draw_a, prior_a, simulate_a, 0};
static const toy toy_b = {"B", normal, prior_b, simulate_b, 2};
static const toy toy_c = {"C", draw_c, prior_c, simulate_c, 0};
static const toy toy_f = {"F", draw_f, prior_f, simulate_c, 0};

enum { MOST = 5000 };

/* What is asked for, answered by a toy. The summary is the datum. */
static inline imnn_status answer(imnn_sampler *s, const toy *t, const imnn_ask *ask)
{
    static double theta[MOST], prior[MOST], x[MOST], d[MOST];
    const imnn_answer a = {theta, prior, x, d, NULL};
    for (int64_t i = 0; i < ask->n; i++) {
        if (ask->kind == IMNN_ASK_DRAW) theta[i] = t->draw(ask->keys + 2 * i);
        if (ask->kind == IMNN_ASK_DENSITY) prior[i] = t->log_prior(ask->theta[i]);
        if (ask->kind != IMNN_ASK_SIMULATE) continue;
        x[i] = t->simulate(ask->keys + 2 * i, ask->theta[i]);
        d[i] = fabs(x[i] - t->observed);
    }
    return imnn_sampler_tell(s, &a);
}

static inline imnn_status run(imnn_sampler *s, const toy *t, int64_t most)
{
    imnn_ask ask;
    imnn_status st;
    while ((st = imnn_sampler_ask(s, most, &ask)) == IMNN_OK && ask.kind != IMNN_ASK_DONE)
        if ((st = answer(s, t, &ask)) != IMNN_OK) break;
    return st;
}

static inline imnn_sampler_options options_of(imnn_sampler_method method, uint32_t seed)
{
    imnn_sampler_options o;
    imnn_sampler_defaults(&o, method);
    o.who = "toy", o.key[1] = seed, o.n = 1000, o.n_params = o.n_summaries = 1;
    return o;
}

/* Toys C and F, whose parameters are moved on the real line, far from which they have nothing. */
static inline imnn_sampler_options on_the_line(imnn_sampler_method method, uint32_t seed)
{
    static const double low = 0, high = 1, schedule[] = {0.2, 0.1, 0.05};
    imnn_sampler_options o = options_of(method, seed);
    o.low = &low, o.high = &high, o.single = o.transform = true;
    if (method == IMNN_SMC) o.limits.min_acceptance = 0, o.limits.min_epsilon = 0.05;
    else o.epsilon = 0.5, o.n_schedule = 3, o.schedule = schedule;
    return o;
}
#endif
