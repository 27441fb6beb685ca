/* Distributions: every function of every one is built, and what they refuse. */
#include "imnn/stats.h"
#include "core/base/base.h"
#include "tests/support/nodes.h"
#include <string.h>

/* Parameters that meet all demands of these names; n trials, 0 <= p, c <= 1, b > a, high > low. */
static double parameter(const char *name, size_t n)
{
    static const struct {
        const char *name;
        double value;
    } known[] = {{"n", 5},   {"p", 0.25}, {"c", 0.5}, {"a", 1.5},
                 {"b", 2.5}, {"low", 0},  {"high", 3}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == n && !strncmp(known[i].name, name, n)) return known[i].value;
    return 2;
}

static int all_functions(imnn_graph *g)
{
    const imnn_stats_distribution *d;
    for (int i = 0; (d = imnn_stats_get(i)); i++) {
        imnn_node params[6];
        int n = 0;
        for (const char *p = d->params; *p;) {
            const size_t length = strcspn(p, "<>= ");
            params[n++] = number(g, parameter(p, length));
            p += strcspn(p, " ");
            p += strspn(p, " ");
        }
        const char *what;
        for (int k = 0; (what = imnn_stats_function(k)); k++) {
            if (!imnn_stats_has(d->name, what)) continue;
            imnn_node x = number(g, strcmp(what, "ppf") && strcmp(what, "isf") ? 4 : 0.25);
            CHECK(compute(g, imnn_stats(g, d->name, what, x, params)) == 1);
            const bool none =
                !strcmp(d->name, "cauchy") && (what[0] == 'm' || what[1] == 't' || what[0] == 'v');
            CHECK(none || !isnan(values[0]));
        }
    }
    CHECK(!imnn_stats_get(-1) && !imnn_stats_function(-1) && !imnn_stats_has("normal", "pdf"));
    CHECK(!imnn_stats_has("poisson", "pdf") && !imnn_stats_has("vonmises", "cdf"));
    return 0;
}

static int values_and_slopes(imnn_graph *g)
{
    imnn_node a = number(g, 3), loc = number(g, 0.5);
    imnn_node x = vector(g, IMNN_F64, 2, (double[]){2, 3.5}); /* z = 0.6, 1.5 */
    imnn_node scale = vector(g, IMNN_F64, 2, (double[]){2.5, 2});
    const imnn_node p[] = {a, loc, scale};
    imnn_node y = imnn_stats(g, "gamma", "logpdf", x, p);
    CHECK(gives(g, y, LIST(2 * log(0.6) - 0.6 - log(5), 2 * log(1.5) - 1.5 - log(4)), 1e-14));
    CHECK(gives(g, slope(g, y, x), LIST((2 / 0.6 - 1) / 2.5, (2 / 1.5 - 1) / 2), 1e-14));
    CHECK(gives(g, slope(g, y, scale), LIST((-1 - (2 - 0.6)) / 2.5, (-1 - (2 - 1.5)) / 2), 1e-14));
    imnn_node minus[] = {a, loc, number(g, -2)};
    CHECK(compute(g, imnn_stats(g, "gamma", "mean", 0, minus)) == 1 && isnan(values[0]));
    CHECK(gives(g, imnn_stats(g, "gamma", "var", 0, p), LIST(18.75, 12), 1e-15));
    imnn_node two = vector(g, IMNN_F64, 2, (double[]){0, 1});
    imnn_node cov = constant(g, IMNN_F64, (imnn_shape){2, {2, 2}}, (double[]){2, 0, 0, 0.5});
    CHECK(gives(g, imnn_stats_multivariate_normal(g, two, two, cov), LIST(-log(2 * M_PI)), 1e-15));
    return 0;
}

static int refusals(imnn_graph *g)
{
    imnn_node x = number(g, 2), single = imnn_graph_number(g, IMNN_F32, 1);
    const imnn_node mixed[] = {x, single}, whole[] = {vector(g, IMNN_F64, 2, (double[]){1, 2}), x};
    CHECK(!imnn_stats(g, "normal", "pdf", x, mixed) && imnn_graph_status(g) == IMNN_EVALUE);
    CHECK(says("stats: there is no distribution \"normal\""));
    CHECK(!imnn_stats(g, "norm", "pmf", x, mixed) && imnn_graph_status(g) == IMNN_EVALUE);
    CHECK(says("stats.norm: there is no function \"pmf\""));
    CHECK(!imnn_stats(g, "norm", "pdf", x, mixed) && imnn_graph_status(g) == IMNN_EDTYPE);
    CHECK(says("stats.norm.pdf: all inputs are f32, or all are f64; got f64 and f32"));
    imnn_node three = vector(g, IMNN_F64, 3, (double[]){1, 2, 3});
    CHECK(!imnn_stats(g, "norm", "pdf", three, whole) && imnn_graph_status(g) == IMNN_ESHAPE);
    CHECK(says("stats.norm.pdf: (2) and (3) do not broadcast"));
    CHECK(!imnn_stats_dirichlet(g, three, single) && imnn_graph_status(g) == IMNN_EDTYPE);
    CHECK(says("stats.dirichlet.logpdf: alpha is f32; all inputs are f32, or all are f64"));
    CHECK(!imnn_stats_dirichlet(g, three, x) && imnn_graph_status(g) == IMNN_ESHAPE);
    CHECK(says("stats.dirichlet.logpdf: alpha () does not fit to x (3)"));
    CHECK(!imnn_stats_wishart(g, 0, x, x) && imnn_graph_status(g) != IMNN_OK);
    return 0;
}

static imnn_status some(void)
{
    imnn_graph *g = NULL;
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    imnn_node two = vector(g, IMNN_F64, 2, (double[]){0.25, 0.75}), three = number(g, 3), dx = 0;
    imnn_node cov = constant(g, IMNN_F64, (imnn_shape){2, {2, 2}}, (double[]){2, 0, 0, 0.5});
    const imnn_node p[] = {three, two, three};
    const imnn_node parts[] = {imnn_stats(g, "t", "logcdf", three, p),
                               imnn_stats(g, "gamma", "logpdf", three, p),
                               imnn_stats(g, "geom", "ppf", two, (imnn_node[]){two, three}),
                               imnn_stats_multivariate_t(g, two, two, cov, three),
                               imnn_stats_wishart(g, cov, three, cov),
                               imnn_stats_dirichlet(g, two, two),
                               imnn_stats_multinomial(g, two, three, two)};
    imnn_node sum = two, one;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) sum = g_add(g, sum, parts[i]);
    one = g_full_like(g, sum, 1);
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_graph_vjp(g, 1, &sum, &one, 1, &two, &dx);
    imnn_graph_release(g);
    return st;
}

static int allocations_fail_once(imnn_graph *g)
{
    const int64_t before = imnn_live_bytes();
    imnn_status st = IMNN_ENOMEM;
    int n = 0;
    for (; st != IMNN_OK; n++) {
        imnn_test_fail_alloc(n);
        st = some();
        CHECK(st == IMNN_OK || st == IMNN_ENOMEM);
        CHECK(imnn_live_bytes() == before);
    }
    imnn_test_fail_alloc(-1);
    CHECK(n > 20);
    return 0;
}

RUN(all_functions, values_and_slopes, refusals, allocations_fail_once)
