/* Densities of samples, their bandwidths, and intervals. */
#include "core/base/base.h"
#include "tests/support/check.h"
#include <math.h>
#include <stdlib.h>

static bool near(double a, double b, double tolerance) { return fabs(a - b) <= tolerance; }

static imnn_density_samples line(int64_t n, const double *x, const double *weight)
{
    return (imnn_density_samples){
        .n = n, .x = x, .stride = 1, .weight = weight, .weight_stride = 1};
}

/* ---- sums at points, against numbers that were worked out by other code ---- */

static const double five[] = {.05, .1, .2, .4, .8}, weights[] = {1, 2, 1, 1, 1};

static int estimates_at_limits(void)
{
    const double e[] = {0, .05, .1, .5, 1};
    const struct {
        imnn_density_method method;
        double f[5];
    } row[] = {
        {IMNN_DENSITY_PLAIN, {1.48355262, 2.05577202, 2.32725410, .41853011, .08998495}},
        {IMNN_DENSITY_REFLECTION, {2.96710524, 2.92002235, 2.73047554, .41853031, .17996991}},
        {IMNN_DENSITY_LOCAL, {2.54062783, 3.17157585, 3.05777238, .41853035, -.29506443}},
        {IMNN_DENSITY_NORMALISED, {2.96710524, 2.97307827, 2.76611236, .41853035, .17996991}},
        {IMNN_DENSITY_LINEAR, {2.56986054, 3.17835216, 3.07370374, .41853035, .01284904}},
    };
    imnn_density_options o = imnn_density_defaults();
    const imnn_density_samples s = line(5, five, weights);
    o.low[0] = 0, o.high[0] = 1, o.bandwidth[0] = .1;
    for (int i = 0; i < 5; i++) {
        double f[5];
        o.method = row[i].method;
        CHECK(imnn_density_at(f, 5, e, &s, &o) == IMNN_OK);
        for (int k = 0; k < 5; k++) CHECK(near(f[k], row[i].f[k], 1e-8));
    }
    return 0;
}

static double integral(const imnn_density *d)
{
    double sum = 0;
    const int ny = d->axes == 2 ? d->nodes[1] : 1;
    for (int i = 0; i < d->nodes[0]; i++)
        for (int j = 0; j < ny; j++) {
            const bool x = i == 0 || i == d->nodes[0] - 1, y = ny > 1 && (j == 0 || j == ny - 1);
            sum += d->f[i * ny + j] * (x ? .5 : 1) * (y ? .5 : 1);
        }
    for (int a = 0; a < d->axes; a++) sum *= (d->to[a] - d->from[a]) / (d->nodes[a] - 1);
    return sum;
}

/* What a grid has at nodes is the sum there, over its integral where that is made 1. */
static int grids_agree_with_sums(void)
{
    static const double mass[] = {1.025390, 1, .888103, 1, 1.009399};
    const int node[] = {0, 102, 500, 900, 1023};
    imnn_density_options o = imnn_density_defaults();
    const imnn_density_samples s = line(5, five, weights);
    o.low[0] = 0, o.high[0] = 1, o.bandwidth[0] = .1;
    for (int m = 0; m <= IMNN_DENSITY_LOCAL; m++) {
        imnn_density *d;
        double e[5], f[5];
        const bool bare = m == IMNN_DENSITY_PLAIN || m == IMNN_DENSITY_LOCAL;
        o.method = (imnn_density_method)m;
        CHECK(imnn_density_new(&d, &s, &o) == IMNN_OK);
        CHECK(d->nodes[0] == 1024 && d->from[0] == 0 && d->to[0] == 1 && d->hard[0][0]);
        CHECK(near(integral(d), bare ? mass[m] : 1, 1e-5));
        CHECK(d->inside == 1 && near(d->n_eff, 4.5, 1e-12));
        for (int k = 0; k < 5; k++) e[k] = node[k] / 1023.;
        CHECK(imnn_density_at(f, 5, e, &s, &o) == IMNN_OK);
        for (int k = 0; k < 5 && m != IMNN_DENSITY_NORMALISED; k++)
            CHECK(near(d->f[node[k]], f[k] / (bare ? 1 : mass[m]), 1e-4));
        imnn_density_release(d);
    }
    return 0;
}

/* ---- bandwidths ---- */

static uint32_t state;

static double uniform(void)
{
    state = 1664525 * state + 1013904223;
    return (state + .5) / 4294967296.;
}

static double normal(void)
{
    const double u = uniform(), v = uniform();
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

enum { MANY = 1000 };
static double x[2 * MANY];

static int bandwidths(void)
{
    imnn_density_options o = imnn_density_defaults();
    const imnn_density_samples s = line(MANY, x, NULL);
    double h;
    state = 1;
    for (int i = 0; i < MANY; i++) x[i] = normal();
    CHECK(imnn_density_bandwidth(&h, &s, &o, -8, 8) == IMNN_OK && near(h, .262554, 1e-6));
    o.rule = IMNN_DENSITY_REFERENCE;
    CHECK(imnn_density_bandwidth(&h, &s, &o, -8, 8) == IMNN_OK && near(h, .267635, 1e-6));
    state = 2;
    for (int i = 0; i < MANY; i++) {
        const double z = normal();
        x[i] = .3 * z + (uniform() < .5 ? 3 : -3);
    }
    CHECK(imnn_density_bandwidth(&h, &s, &o, -8, 8) == IMNN_OK && near(h, .801116, 1e-6));
    o.rule = IMNN_DENSITY_ISJ;
    CHECK(imnn_density_bandwidth(&h, &s, &o, -8, 8) == IMNN_OK && near(h, .100786, 1e-6));
    CHECK(imnn_density_bandwidth(&h, &s, &o, NAN, NAN) == IMNN_OK && near(h, .1008, 5e-3));
    o.corrections = 1;
    double wide;
    CHECK(imnn_density_bandwidth(&wide, &s, &o, NAN, NAN) == IMNN_OK);
    CHECK(near(wide, h * pow(1000, 1. / 5 - 1. / 9), 1e-12));
    CHECK(imnn_density_bandwidth(&h, &s, &o, -1, 1) == IMNN_EVALUE);
    return 0;
}

/* ---- what is not smooth, wide, or clean ---- */

static imnn_status try(imnn_density **d, int64_t n, const double *v, const double *w,
                       const imnn_density_options *o)
{
    const imnn_density_samples s = line(n, v, w);
    return imnn_density_new(d, &s, o);
}

static int odd_samples(void)
{
    imnn_density_options o = imnn_density_defaults();
    imnn_density *d;
    const double none[] = {0, 0}, bad[] = {1, -1}, same[] = {3, 3, 3};
    CHECK(try(&d, 0, five, NULL, &o) == IMNN_EVALUE && says("kde: there are no samples") && !d);
    CHECK(try(&d, 2, five, none, &o) == IMNN_EVALUE);
    CHECK(says("kde: there are no samples whose weight is above 0"));
    CHECK(try(&d, 2, five, bad, &o) == IMNN_EVALUE);
    CHECK(says("kde: weights must be finite and not negative, sample 2 has -1"));
    CHECK(try(&d, 3, same, NULL, &o) == IMNN_EVALUE);
    CHECK(says("kde: all samples are 3: there is no width to take a bandwidth from; give one"));
    CHECK(try(&d, 1, same, NULL, &o) == IMNN_EVALUE);
    o.bandwidth[0] = .5; /* and then there is one */
    CHECK(try(&d, 1, same, NULL, &o) == IMNN_OK && d->from[0] == 1 && d->to[0] == 5);
    CHECK(near(integral(d), 1, 1e-12) && near(d->f[512], 2 / sqrt(2 * M_PI), 1e-3));
    imnn_density_release(d);
    o.low[0] = .1;
    CHECK(try(&d, 5, five, NULL, &o) == IMNN_EVALUE);
    CHECK(says("kde: 1 of 5 samples are outside the limits [0.1, inf], the first is sample 1 with "
               "0.05; limits are those of the parameter, not of a plot"));
    const double on[] = {.1f, .2, .3}, far[] = {-1e200, 1e200}, holes[] = {1, NAN, 2};
    o.low[0] = (double).1f + 1e-9; /* what rounding to f32 makes of a limit */
    CHECK(try(&d, 3, on, NULL, &o) == IMNN_OK && d->from[0] == o.low[0]);
    imnn_density_release(d);
    o = imnn_density_defaults();
    CHECK(try(&d, 2, far, NULL, &o) == IMNN_EVALUE);
    CHECK(try(&d, 3, holes, NULL, &o) == IMNN_EVALUE);
    CHECK(says("kde: 1 of 3 samples are not finite; at most 5 % may be"));
    return 0;
}

/* A weight of 0 is no sample, and one that is not finite counts as dropped. */
static int weights_count(void)
{
    imnn_density_options o = imnn_density_defaults();
    imnn_density *a, *b;
    double w[MANY];
    state = 3;
    for (int i = 0; i < MANY; i++) x[i] = normal(), w[i] = i < 200 ? 1e300 : 0;
    x[500] = 1e9;
    CHECK(try(&a, 200, x, NULL, &o) == IMNN_OK && try(&b, MANY, x, w, &o) == IMNN_OK);
    CHECK(b->used == 200 && b->from[0] == a->from[0] && near(b->n_eff, 200, 1e-9));
    for (int i = 0; i < 1024; i++) CHECK(near(a->f[i], b->f[i], 1e-9));
    imnn_density_release(b);
    x[0] = NAN;
    CHECK(try(&b, MANY, x, w, &o) == IMNN_OK && b->dropped == 1 && b->used == 199);
    imnn_density_release(a);
    imnn_density_release(b);
    return 0;
}

/* Two spikes far apart: a finer grid, then bins. */
static int grids_are_refined(void)
{
    imnn_density_options o = imnn_density_defaults();
    imnn_density *d;
    for (int i = 0; i < MANY; i++) x[i] = (i % 2) * 1000 + i % 7;
    o.bandwidth[0] = .5;
    CHECK(try(&d, MANY, x, NULL, &o) == IMNN_OK && d->nodes[0] == 4096 && !d->histogram);
    CHECK(d->note[0] == 0 && near(integral(d), 1, 1e-9));
    imnn_density_release(d);
    o.bandwidth[0] = .1;
    CHECK(try(&d, MANY, x, NULL, &o) == IMNN_OK && d->nodes[0] == 4096 && d->histogram);
    CHECK(d->note[0] && d->bandwidth[0] == 0 && near(integral(d), 1, 1e-9));
    imnn_density_release(d);
    o.from[0] = -2, o.to[0] = 9; /* one of them alone */
    CHECK(try(&d, MANY, x, NULL, &o) == IMNN_OK && d->nodes[0] == 1024 && !d->histogram);
    CHECK(near(d->inside, .5, 1e-12) && near(integral(d), .5, 1e-9));
    imnn_density_release(d);
    return 0;
}

/* ---- pairs ---- */

static int pairs_of(double slope, imnn_density **d, imnn_density_options *o)
{
    const imnn_density_samples s = {.n = MANY, .x = x, .y = x + 1, .stride = 2};
    state = 5;
    for (int i = 0; i < MANY; i++) {
        x[2 * i] = normal();
        x[2 * i + 1] = slope * x[2 * i] + sqrt(1 - slope * slope) * normal();
    }
    return imnn_density_new(d, &s, o);
}

static int pairs(void)
{
    imnn_density_options o = imnn_density_defaults();
    imnn_density *d;
    CHECK(pairs_of(.1, &d, &o) == IMNN_OK && d->correlation == 0 && d->nodes[0] == 256);
    CHECK(near(integral(d), 1, 1e-9) && d->marginal[0] > .15 && d->marginal[0] < .4);
    CHECK(near(d->bandwidth[1], d->marginal[1] * pow(1000, 1. / 30), 1e-12));
    imnn_density_release(d);
    CHECK(pairs_of(.9, &d, &o) == IMNN_OK && near(d->correlation, .9, .02) && !d->note[0]);
    imnn_density_release(d);
    CHECK(pairs_of(.99999, &d, &o) == IMNN_OK && d->nodes[0] == 512 && d->note[0]);
    CHECK(near(integral(d), 1, 1e-9) && d->correlation < 1);
    imnn_density_release(d);
    CHECK(pairs_of(1, &d, &o) == IMNN_OK && d->note[0] && near(integral(d), 1, 1e-9));
    imnn_density_release(d);
    return 0;
}

/* A uniform square to its corners: flat but for noise, where nothing is corrected far below. */
static int corners(void)
{
    enum { SIDE = 100 };
    static double square[2 * SIDE * SIDE];
    imnn_density_options o = imnn_density_defaults();
    const imnn_density_samples s = {.n = SIDE * SIDE, .x = square, .y = square + 1, .stride = 2};
    for (int i = 0; i < SIDE * SIDE; i++)
        square[2 * i] = (i % SIDE + .5) / SIDE, square[2 * i + 1] = (i / SIDE + .5) / SIDE;
    for (int a = 0; a < 2; a++) o.low[a] = 0, o.high[a] = 1, o.bandwidth[a] = .05 + .02 * a;
    for (int m = 0; m <= IMNN_DENSITY_LOCAL; m++) {
        imnn_density *d;
        o.method = (imnn_density_method)m,
        o.correlation = m == IMNN_DENSITY_REFLECTION ? 0 : .6; /* not its case */
        CHECK(imnn_density_new(&d, &s, &o) == IMNN_OK);
        double least = INFINITY, most = 0;
        for (int i = 0; i < 256 * 256; i++)
            least = fmin(least, d->f[i]), most = fmax(most, d->f[i]);
        if (m == IMNN_DENSITY_PLAIN) CHECK(least < .15 && near(most, 1, 5e-3));
        else CHECK(near(least, 1, .012) && near(most, 1, .002));
        imnn_density_release(d);
    }
    return 0;
}

/* ---- intervals ---- */

static int intervals(void)
{
    enum { N = 501 };
    double f[N], ends[2], piece[4];
    bool hard[2] = {true, false};
    for (int i = 0; i < N; i++) f[i] = exp(-i * .02);
    CHECK(imnn_density_interval(ends, f, N, 0, 10, hard, .95) == IMNN_DENSITY_UPPER);
    CHECK(ends[0] == 0 && near(ends[1], -log(.05), 2e-3));
    hard[0] = false, hard[1] = true; /* the end at 0 is free: highest density */
    CHECK(imnn_density_interval(ends, f, N, 0, 10, hard, .95) == IMNN_DENSITY_HPD);
    CHECK(ends[0] == 0 && near(ends[1], 2.9947, 2e-3));
    CHECK(imnn_density_open(f, N, 1, (bool[4]){false, true}, .05));
    CHECK(!imnn_density_open(f, N, 1, (bool[4]){true, false}, .05));
    for (int i = 0; i < N; i++) f[i] = 1;
    hard[0] = true;
    CHECK(imnn_density_interval(ends, f, N, 0, 10, hard, .68) == IMNN_DENSITY_NONE);
    CHECK(ends[0] == 0 && ends[1] == 10);
    for (int i = 0; i < N; i++) f[i] = exp(-.5 * pow((i - 250) * .04, 2));
    CHECK(imnn_density_interval(ends, f, N, -10, 10, hard, .68) == IMNN_DENSITY_TWO_TAIL);
    CHECK(near(ends[0], -.99446, 1e-3) && near(ends[1], .99446, 1e-3));
    for (int i = 0; i < N; i++)
        f[i] = fmax(0, 1 - fabs(i - 100.) / 50) + fmax(0, 1 - fabs(i - 400.) / 50);
    CHECK(imnn_density_pieces(piece, 1, f, N, 0, 500, .5) == 2);
    CHECK(near(piece[0], 75, 1e-12) && near(piece[1], 125, 1e-12));
    CHECK(imnn_density_pieces(piece, 2, f, N, 0, 500, .5) == 2 && near(piece[2], 375, 1e-12));
    CHECK(near(imnn_density_quantile(f, N, 0, 500, .25), 100, 1e-9));
    CHECK(near(imnn_density_quantile(f, N, 0, 500, .125), 50 + 25 * sqrt(2), 1e-9));
    return 0;
}

/* ---- allocation ---- */

static int no_leaks(void)
{
    imnn_density_options o = imnn_density_defaults();
    imnn_density *d;
    o.corrections = 1;
    for (int method = 0; method <= IMNN_DENSITY_HISTOGRAM; method++) {
        o.method = (imnn_density_method)method;
        for (int n = 1, ok = 0; !ok; n++) {
            CHECK(n < 100);
            imnn_test_fail_alloc(n);
            ok = pairs_of(.5, &d, &o) == IMNN_OK;
            imnn_test_fail_alloc(-1);
            imnn_density_release(d);
            CHECK(imnn_live_bytes() == 0);
        }
    }
    return 0;
}

int main(void)
{
    return estimates_at_limits() || grids_agree_with_sums() || bandwidths() || odd_samples() ||
           weights_count() || grids_are_refined() || pairs() || corners() || intervals() ||
           no_leaks();
}
