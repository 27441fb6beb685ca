/* Densities of samples on grids: linear binning, folding with the kernel, correction at limits. */
#include "core/lfi/density.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FINE = 4096, FINE_PAIR = 512 }; /* nodes that a grid is refined to */
static const double REACH = 5.5;       /* bandwidths after which the kernel is 0 */

/* What is in one place, in units of the distance of nodes. */
typedef struct grid {
    imnn_density *d;
    imnn_density_method method;
    int axes, radius[2], margin[2]; /* of the kernel; around the nodes */
    double step[2], h[2], rho;
    imnn_circle circle;
    double *binned, *M[3], *K, *A; /* (circle), (nodes) each, (2 radius + 1), six of those */
    size_t bytes;
} grid;

/* ---- the range, and how fine ---- */

static bool given(const imnn_density_options *o, int a)
{
    return !isnan(o->from[a]) || !isnan(o->to[a]);
}

/* All of the mass, `more` beyond the samples, or what is asked for; never beyond limits. */
static void set_range(imnn_density *d, const imnn_points *p, const imnn_density_options *o, int a,
                      double more)
{
    const double from = isnan(o->from[a]) ? p->least[a] - more : o->from[a];
    const double to = isnan(o->to[a]) ? p->most[a] + more : o->to[a];
    d->from[a] = fmax(from, o->low[a]), d->to[a] = fmin(to, o->high[a]);
    d->hard[a][0] = d->from[a] == o->low[a], d->hard[a][1] = d->to[a] == o->high[a];
}

static double step_of(const imnn_density *d, int a)
{
    return (d->to[a] - d->from[a]) / (d->nodes[a] - 1);
}

/* The covariance of the kernel in units of nodes, and its smaller eigenvalue. */
static double narrowest(const imnn_density *d, double H[3])
{
    const double a = d->bandwidth[0] / step_of(d, 0), b = d->bandwidth[1] / step_of(d, 1);
    H[0] = a * a, H[1] = d->correlation * a * b, H[2] = b * b;
    const double both = H[0] + H[2], det = H[0] * H[2] * (1 - d->correlation * d->correlation);
    if (!(both > 0)) return 0; /* what is so narrow that its square is 0 */
    return 2 * det / (both + sqrt(fmax(0, both * both - 4 * det)));
}

/* A kernel that is narrower than the nodes are apart becomes one that is not. */
static void widen(imnn_density *d)
{
    double H[3];
    const double least = narrowest(d, H);
    if (least >= 1) return;
    H[0] += 1 - least, H[2] += 1 - least;
    d->bandwidth[0] = sqrt(H[0]) * step_of(d, 0), d->bandwidth[1] = sqrt(H[2]) * step_of(d, 1);
    d->correlation = H[1] / sqrt(H[0] * H[2]);
    snprintf(d->note, sizeof d->note,
             "the kernel is narrower than the nodes of %d x %d are apart: it was widened to that",
             d->nodes[0], d->nodes[1]);
}

static void refine(imnn_density *d)
{
    double H[3];
    if (d->axes == 1) {
        if (d->bandwidth[0] < step_of(d, 0) && d->nodes[0] < FINE) d->nodes[0] = FINE;
        if (d->bandwidth[0] >= step_of(d, 0)) return;
        d->histogram = true;
        snprintf(d->note, sizeof d->note,
                 "the bandwidth %g is narrower than %d nodes from %g to %g are apart: a histogram "
                 "came in its place; a range of the grid may help",
                 d->bandwidth[0], d->nodes[0], d->from[0], d->to[0]);
        return;
    }
    if (narrowest(d, H) < 1)
        for (int a = 0; a < 2; a++) d->nodes[a] = d->nodes[a] < FINE_PAIR ? FINE_PAIR : d->nodes[a];
    widen(d);
}

static imnn_status lay_out(imnn_density *d, const imnn_points *p, const imnn_density_options *o)
{
    imnn_status st = imnn_bandwidths(d, p, o);
    if (st != IMNN_OK) return st;
    for (int a = 0; a < d->axes; a++) {
        d->nodes[a] = o->nodes[a] ? o->nodes[a] : d->axes == 1 ? 1024 : 256;
        set_range(d, p, o, a, 4 * d->bandwidth[a]);
        if (!(step_of(d, a) > 0 && d->from[a] + step_of(d, a) > d->from[a]))
            return imnn_fail(IMNN_EVALUE, "kde: the range [%g, %g] has no room for a grid",
                             d->from[a], d->to[a]);
        const double widest = (d->to[a] - d->from[a]) / (d->axes == 2 ? 2 : 1); /* for memory */
        if (d->bandwidth[a] > widest)
            return imnn_fail(IMNN_EVALUE,
                             "kde: the bandwidth %g is too wide for the range [%g, %g], at most %g",
                             d->bandwidth[a], d->from[a], d->to[a], widest);
    }
    refine(d);
    return IMNN_OK;
}

/* ---- sums on the grid ---- */

static int places(const grid *g, int a)
{
    return a < g->axes ? g->d->nodes[a] + 2 * g->margin[a] : 1;
}

/* Whether there are samples, or what reflection brings back, around the nodes. */
static bool has_margin(const grid *g, const imnn_points *p, int a)
{
    return p->least[a] < g->d->from[a] || p->most[a] > g->d->to[a] ||
           g->method == IMNN_DENSITY_REFLECTION;
}

static double kernel_at(const grid *g, int s, int r)
{
    const double t = s / g->h[0], u = g->axes == 2 ? r / g->h[1] : 0, rest = 1 - g->rho * g->rho;
    if (g->axes == 1) return exp(-t * t / 2) / (sqrt(2 * M_PI) * g->h[0]);
    return exp(-(t * t - 2 * g->rho * t * u + u * u) / (2 * rest)) /
           (2 * M_PI * sqrt(rest) * g->h[0] * g->h[1]);
}

/* It is the same on both sides. */
static void make_kernel(grid *g)
{
    const int64_t line = 2 * g->radius[1] + 1, half = (2 * g->radius[0] + 1) * line / 2;
    for (int64_t i = 0; i <= half; i++)
        g->K[i] = g->K[2 * half - i] =
            kernel_at(g, (int)(i / line) - g->radius[0], (int)(i % line) - g->radius[1]);
}

static imnn_status open(grid *g, imnn_density *d, imnn_density_method method, const imnn_points *p)
{
    *g = (grid){.d = d, .method = method, .axes = d->axes, .rho = d->correlation};
    size_t cells = 1, nodes = 1, table = 1;
    int least[2] = {1, 1};
    for (int a = 0; a < d->axes; a++) {
        g->step[a] = step_of(d, a);
        g->h[a] = d->bandwidth[a] / g->step[a];
        g->radius[a] = (int)ceil(REACH * g->h[a]);
        g->margin[a] = has_margin(g, p, a) ? g->radius[a] : 0;
        if (!g->margin[a] && g->radius[a] > d->nodes[a]) g->radius[a] = d->nodes[a]; /* is all */
        least[a] = places(g, a) + (g->margin[a] ? 0 : g->radius[a]); /* so that ends do not meet */
        nodes *= (size_t)d->nodes[a];
        table *= (size_t)(2 * g->radius[a] + 1);
    }
    imnn_status st = imnn_circle_new(&g->circle, d->axes, least);
    if (st != IMNN_OK) return st;
    for (int a = 0; a < d->axes; a++) cells *= (size_t)g->circle.size[a];
    g->bytes = (cells + 3 * nodes + (d->axes == 2 ? 7 : 1) * table) * sizeof(double);
    if (!(g->binned = imnn_alloc_raw(g->bytes)))
        return imnn_circle_release(&g->circle), IMNN_ENOMEM;
    for (int j = 0; j < 3; j++) g->M[j] = g->binned + cells + (size_t)j * nodes;
    g->K = g->M[2] + nodes;
    g->A = g->K + table;
    make_kernel(g);
    return IMNN_OK;
}

static void close(grid *g)
{
    imnn_circle_release(&g->circle);
    imnn_free(g->binned, g->bytes);
}

/* The place of x, and how far it is to the next. Rounding does not carry it over an end. */
static bool place(const grid *g, int a, double x, int *i, double *rest)
{
    const imnn_density *const d = g->d;
    const double last = d->nodes[a] - 1, node = (x - d->from[a]) / g->step[a];
    const double at = (x <= d->to[a] ? fmin(node, last) : node) + g->margin[a];
    const int most = places(g, a) - 2;
    if (!(at >= 0 && at <= most + 1)) return false;
    *i = (int)at < most ? (int)at : most;
    *rest = at - *i;
    return true;
}

/* The weight of a sample goes to the nodes around it: Jones & Lotwick 1983. */
static void bin(const grid *g, const imnn_points *p)
{
    const int64_t line = g->circle.size[1];
    double *const out = g->binned, u, v;
    int i, j;
    memset(out, 0, (size_t)(g->circle.size[0] * line) * sizeof *out);
    if (g->axes == 1) {
        for (int64_t k = 0; k < p->n; k++) {
            if (!place(g, 0, p->x[0][k], &i, &u)) continue;
            out[i] += p->weight[k] * (1 - u), out[i + 1] += p->weight[k] * u;
        }
        return;
    }
    for (int64_t k = 0; k < p->n; k++) {
        if (!place(g, 0, p->x[0][k], &i, &u) || !place(g, 1, p->x[1][k], &j, &v)) continue;
        double *const to = out + i * line + j;
        const double above = p->weight[k] * u, below = p->weight[k] - above;
        to[0] += below * (1 - v), to[1] += below * v;
        to[line] += above * (1 - v), to[line + 1] += above * v;
    }
}

/* The weight on the grid: exactly 1 where all of it is. */
static double inside(const imnn_density *d, const imnn_points *p)
{
    double out = 0;
    for (int64_t k = 0; k < p->n; k++) {
        bool in = true;
        for (int a = 0; a < d->axes; a++)
            in = in && p->x[a][k] >= d->from[a] && p->x[a][k] <= d->to[a];
        out += in ? 0 : p->weight[k];
    }
    return fmax(0, 1 - out);
}

/* K(t) times 1, t_1 or t_2, where t is from the point to the sample, as the circle wants it. */
static void put_kernel(const grid *g, int moment)
{
    const int m = g->circle.size[0], line = g->circle.size[1];
    double *const out = g->circle.real;
    const double *K = g->K;
    memset(out, 0, (size_t)m * (size_t)line * sizeof *out);
    for (int s = -g->radius[0]; s <= g->radius[0]; s++)
        for (int r = -g->radius[1]; r <= g->radius[1]; r++, K++) {
            const double t = moment == 0 ? 1 : moment == 1 ? -s / g->h[0] : -r / g->h[1];
            out[(int64_t)(s < 0 ? s + m : s) * line + (r < 0 ? r + line : r)] = *K * t;
        }
}

static imnn_status fold(grid *g, int moments)
{
    const size_t cells = (size_t)g->circle.size[0] * (size_t)g->circle.size[1];
    const int *const n = g->d->nodes, ny = g->axes == 2 ? n[1] : 1;
    memcpy(g->circle.real, g->binned, cells * sizeof(double));
    imnn_status st = imnn_circle_data(&g->circle);
    for (int j = 0; st == IMNN_OK && j < moments; j++) {
        put_kernel(g, j);
        st = imnn_circle_fold(&g->circle);
        for (int i = 0; st == IMNN_OK && i < n[0]; i++)
            memcpy(g->M[j] + (int64_t)i * ny,
                   g->circle.real + (int64_t)(i + g->margin[0]) * g->circle.size[1] + g->margin[1],
                   (size_t)ny * sizeof(double));
    }
    return st;
}

/* ---- at limits ---- */

/* Sums up to each place along lines of n: half of its own, less the twelfth of the slope that
 * trapezoids leave (Euler & Maclaurin). */
static void add_up(double *v, int n, int64_t step)
{
    double sum = 0, last = 0;
    for (int i = 0; i < n; i++) {
        const double own = v[i * step], next = i + 1 < n ? v[(i + 1) * step] : 0;
        v[i * step] = sum + own / 2 - (next - last) / 24;
        sum += own, last = own;
    }
}

/* Moments of the part of the kernel up to each offset. A correlated normal kernel has no formula
 * for a rectangle, but that is a sum and difference of four such parts, as a box of counts is. */
static void make_tables(grid *g)
{
    const int m = 2 * g->radius[0] + 1, line = 2 * g->radius[1] + 1;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < line; j++) {
            const int s = i - g->radius[0], r = j - g->radius[1];
            const double K = g->K[(int64_t)i * line + j], t = s / g->h[0], u = r / g->h[1];
            const double A[6] = {K, K * t, K * u, K * t * t, K * t * u, K * u * u};
            for (int k = 0; k < 6; k++) g->A[((int64_t)k * m + i) * line + j] = A[k];
        }
    for (int k = 0; k < 6; k++) {
        double *const table = g->A + (int64_t)k * m * line;
        for (int i = 0; i < m; i++) add_up(table + (int64_t)i * line, line, 1);
        for (int j = 0; j < line; j++) add_up(table + j, m, line);
    }
}

/* Offsets of the limits from node i; false if both are out of reach. */
static bool limits_near(const grid *g, int a, int i, int *l, int *r)
{
    const int R = g->radius[a], to_end = a < g->axes ? g->d->nodes[a] - 1 - i : 0;
    *l = g->d->hard[a][0] && i < R ? -i : -R;
    *r = g->d->hard[a][1] && to_end < R ? to_end : R;
    return *l > -R || *r < R;
}

static void moments_of_pair(const grid *g, double A[6], const int l[2], const int r[2])
{
    const int *const R = g->radius, m = 2 * R[0] + 1, line = 2 * R[1] + 1;
    for (int k = 0; k < 6; k++) {
        const double *const table = g->A + (int64_t)k * m * line;
#define UP_TO(s, q) ((s) > -R[0] && (q) > -R[1] ? table[((s) + R[0]) * line + (q) + R[1]] : 0)
        A[k] = UP_TO(r[0], r[1]) - UP_TO(l[0], r[1]) - UP_TO(r[0], l[1]) + UP_TO(l[0], l[1]);
#undef UP_TO
    }
}

static void correct(grid *g, double *f)
{
    const int nx = g->d->nodes[0], ny = g->axes == 2 ? g->d->nodes[1] : 1;
    int l[2] = {0}, r[2] = {0};
    if (g->axes == 2) make_tables(g);
    for (int i = 0; i < nx; i++) {
        const bool near = limits_near(g, 0, i, &l[0], &r[0]);
        for (int j = 0; j < ny; j++) {
            const int64_t k = (int64_t)i * ny + j;
            const double M[3] = {g->M[0][k], g->M[1][k], g->axes == 2 ? g->M[2][k] : 0};
            double A[6] = {0}, B[3];
            if (!(limits_near(g, 1, j, &l[1], &r[1]) && g->axes == 2) && !near) {
                f[k] = fmax(M[0], 0);
                continue;
            }
            if (g->axes == 2) moments_of_pair(g, A, l, r);
            else {
                imnn_normal_moments(B, l[0] > -g->radius[0] ? l[0] / g->h[0] : -INFINITY,
                                    r[0] < g->radius[0] ? r[0] / g->h[0] : INFINITY);
                A[0] = B[0], A[1] = B[1], A[3] = B[2];
            }
            f[k] = imnn_density_estimate(g->method, g->axes, A, M);
        }
    }
}

/* The node whose mass node or place i of an axis shows in the mirrors at its limits. */
static int mirrored(const grid *g, int a, int i)
{
    const int last = g->d->nodes[a] - 1;
    for (;;) {
        if (i < 0 && g->d->hard[a][0]) i = -i;
        else if (i > last && g->d->hard[a][1]) i = 2 * last - i;
        else return i < 0 || i > last ? -1 : i;
    }
}

/* What the kernel carries over a limit comes back. A limit is a node: it is its own image. */
static void reflect(grid *g, double *f)
{
    const int nx = g->d->nodes[0], ny = g->axes == 2 ? g->d->nodes[1] : 1;
    const int last[2] = {nx - 1, ny - 1};
    memset(f, 0, (size_t)nx * (size_t)ny * sizeof *f);
    for (int i = -g->radius[0]; i <= last[0] + g->radius[0]; i++) {
        const int p = mirrored(g, 0, i);
        const bool end =
            p >= 0 && ((p == 0 && g->d->hard[0][0]) || (p == last[0] && g->d->hard[0][1]));
        for (int j = -g->radius[1]; p >= 0 && j <= last[1] + g->radius[1]; j++) {
            const int q = g->axes == 2 ? mirrored(g, 1, j) : 0;
            if (q < 0) continue;
            const bool side = g->axes == 2 &&
                              ((q == 0 && g->d->hard[1][0]) || (q == last[1] && g->d->hard[1][1]));
            f[(int64_t)p * ny + q] +=
                (end ? 2 : 1) * (side ? 2 : 1) *
                g->circle.real[(int64_t)(i + g->radius[0]) * g->circle.size[1] + j + g->radius[1]];
        }
    }
}

static bool any_limit(const imnn_density *d)
{
    return d->hard[0][0] || d->hard[0][1] || d->hard[1][0] || d->hard[1][1];
}

static imnn_status estimate(grid *g, double *f)
{
    const size_t nodes = (size_t)g->d->nodes[0] * (g->axes == 2 ? (size_t)g->d->nodes[1] : 1);
    const bool limits = any_limit(g->d), moments = limits && g->method != IMNN_DENSITY_PLAIN &&
                                                   g->method != IMNN_DENSITY_REFLECTION;
    imnn_status st = fold(g, moments && g->method != IMNN_DENSITY_NORMALISED ? g->axes + 1 : 1);
    if (st != IMNN_OK) return st;
    if (limits && g->method == IMNN_DENSITY_REFLECTION) reflect(g, f);
    else if (moments) correct(g, f);
    else memcpy(f, g->M[0], nodes * sizeof *f);
    for (size_t i = 0; i < nodes && g->method != IMNN_DENSITY_LOCAL; i++) f[i] = fmax(f[i], 0);
    return IMNN_OK;
}

/* ---- all ---- */

static void normalise(imnn_density *d, const double *step)
{
    const int ny = d->axes == 2 ? d->nodes[1] : 1;
    const double sum = imnn_trapezoid(d->f, d->nodes[0], ny);
    const double scale = sum > 0 ? d->inside / (sum * step[0] * (d->axes == 2 ? step[1] : 1)) : 0;
    for (int64_t i = 0; i < (int64_t)d->nodes[0] * ny; i++) d->f[i] *= scale;
}

static double largest(const double *f, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, f[i]);
    return most;
}

/* f times the density of the samples with weights over f, which is 1 but for the bias. Where f is
 * below 1e-4 of its peak, it stays. */
static imnn_status correct_bias(grid *g, double *f)
{
    const int nx = g->d->nodes[0], ny = g->axes == 2 ? g->d->nodes[1] : 1;
    const int64_t nodes = (int64_t)nx * ny;
    const double least = 1e-4 * largest(f, nodes);
    double *const ratio = imnn_alloc_raw((size_t)nodes * sizeof *ratio);
    if (!ratio) return IMNN_ENOMEM;
    for (int i = 0; i < places(g, 0); i++)
        for (int j = 0; j < places(g, 1); j++) {
            int p = i - g->margin[0], q = j - g->margin[1];
            p = p < 0 ? 0 : p < nx ? p : nx - 1, q = q < 0 ? 0 : q < ny ? q : ny - 1;
            g->binned[(int64_t)i * g->circle.size[1] + j] /= fmax(f[(int64_t)p * ny + q], least);
        }
    imnn_status st = estimate(g, ratio);
    for (int64_t i = 0; st == IMNN_OK && i < nodes; i++)
        if (f[i] >= least) f[i] *= ratio[i];
    imnn_free(ratio, (size_t)nodes * sizeof *ratio);
    return st;
}

static imnn_status allocate(imnn_density *d)
{
    const size_t n = (size_t)d->nodes[0] * (d->axes == 2 ? (size_t)d->nodes[1] : 1);
    return (d->f = imnn_alloc_raw(n * sizeof *d->f)) ? IMNN_OK : IMNN_ENOMEM;
}

static imnn_status smooth_estimate(imnn_density *d, const imnn_points *p,
                                   const imnn_density_options *o)
{
    grid g;
    imnn_status st = open(&g, d, o->method, p);
    if (st != IMNN_OK) return st;
    bin(&g, p);
    d->inside = inside(d, p);
    if ((st = allocate(d)) == IMNN_OK && (st = estimate(&g, d->f)) == IMNN_OK && o->corrections)
        st = correct_bias(&g, d->f);
    if (st == IMNN_OK) {
        if (o->method != IMNN_DENSITY_PLAIN && o->method != IMNN_DENSITY_LOCAL)
            normalise(d, g.step);
        else /* from units of nodes */
            for (int64_t i = 0; i < (int64_t)d->nodes[0] * (d->axes == 2 ? d->nodes[1] : 1); i++)
                d->f[i] /= g.step[0] * (d->axes == 2 ? g.step[1] : 1);
    }
    close(&g);
    return st;
}

/* As many bins as the normal reference rule gives: Scott 1979, Biometrika 66, 605. */
static imnn_status bins_of(imnn_density *d, const imnn_points *p, const imnn_density_options *o)
{
    for (int a = 0; a < d->axes; a++) {
        const double width = 3.49 * p->sd[a] * pow(p->n_eff, -1. / (d->axes + 2));
        if (!(width > 0) && !(given(o, a) && o->nodes[a]))
            return imnn_fail(IMNN_EVALUE,
                             "kde: all samples%s are %g: give range and gridsize for "
                             "bins",
                             d->axes == 1 ? ""
                             : a          ? " of y"
                                          : " of x",
                             p->least[a]);
        set_range(d, p, o, a, width); /* so that nothing is left at free ends */
        const double many = ceil((d->to[a] - d->from[a]) / width) + 1;
        const int most = d->axes == 1 ? FINE : FINE_PAIR;
        d->nodes[a] = o->nodes[a] ? o->nodes[a] : many > most ? most : many < 8 ? 8 : (int)many;
        if (!(step_of(d, a) > 0))
            return imnn_fail(IMNN_EVALUE, "kde: the range [%g, %g] has no room for bins",
                             d->from[a], d->to[a]);
    }
    return IMNN_OK;
}

/* Bins about the nodes. Half of those about a limit is beyond it, so that the rest counts twice. */
static imnn_status histogram(imnn_density *d, const imnn_points *p, double smoothing)
{
    const int nx = d->nodes[0], ny = d->axes == 2 ? d->nodes[1] : 1;
    const double step[2] = {step_of(d, 0), d->axes == 2 ? step_of(d, 1) : 1};
    imnn_status st = allocate(d);
    if (st != IMNN_OK) return st;
    memset(d->bandwidth, 0, sizeof d->bandwidth);
    d->histogram = true, d->correlation = 0;
    d->inside = inside(d, p);
    imnn_histogram(d->f, nx, d->from[0], d->to[0], ny, d->from[1], d->to[1], p->n, p->x[0], p->x[1],
                   1, p->weight);
    for (int i = 0; i < nx; i++)
        for (int j = 0; j < ny; j++) {
            const bool x = (i == 0 && d->hard[0][0]) || (i == nx - 1 && d->hard[0][1]);
            const bool y = ny > 1 && ((j == 0 && d->hard[1][0]) || (j == ny - 1 && d->hard[1][1]));
            d->f[(int64_t)i * ny + j] *= (x ? 2 : 1) * (y ? 2 : 1);
        }
    if (smoothing > 0) st = imnn_lfi_smooth(d->f, d->f, nx, ny, smoothing);
    if (st == IMNN_OK) normalise(d, step);
    return st;
}

static imnn_status make(imnn_density *d, const imnn_points *p, const imnn_density_options *o)
{
    const bool bins = o->method == IMNN_DENSITY_HISTOGRAM;
    imnn_status st = bins ? bins_of(d, p, o) : lay_out(d, p, o);
    if (st != IMNN_OK) return st;
    if (bins || d->histogram) return histogram(d, p, o->smoothing);
    return smooth_estimate(d, p, o);
}

imnn_status imnn_density_new(imnn_density **out, const imnn_density_samples *s,
                             const imnn_density_options *o)
{
    const int axes = s->y ? 2 : 1;
    imnn_points p;
    *out = NULL;
    imnn_status st = imnn_density_check(o, axes);
    if (st != IMNN_OK || (st = imnn_points_take(&p, s, o)) != IMNN_OK) return st;
    imnn_density *d = imnn_alloc(sizeof *d);
    if (d) {
        d->axes = axes;
        d->nodes[0] = d->nodes[1] = 1;
        d->n_eff = p.n_eff, d->used = p.n, d->dropped = p.dropped;
        st = make(d, &p, o);
    } else st = IMNN_ENOMEM;
    imnn_points_release(&p);
    if (st == IMNN_OK) *out = d;
    else imnn_density_release(d);
    return st;
}

void imnn_density_release(imnn_density *d)
{
    if (!d) return;
    const size_t n = (size_t)d->nodes[0] * (d->axes == 2 ? (size_t)d->nodes[1] : 1);
    if (d->f) imnn_free(d->f, n * sizeof *d->f);
    imnn_free(d, sizeof *d);
}
