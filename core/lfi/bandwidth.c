/* How wide the kernel of a density is: rules of thumb, and the diffusion plug-in of Botev,
 * Grotowski & Kroese 2010, Annals of Statistics 38, 2916. */
#include "core/fft/fft.h"
#include "core/lfi/density.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- rules of thumb ---- */

typedef struct weighted {
    double x, w;
} weighted;

static int by_value(const void *a, const void *b)
{
    const double x = ((const weighted *)a)->x, y = ((const weighted *)b)->x;
    return (x > y) - (x < y);
}

/* A sample stands for the middle of its weight; linear between them. `before` is the weight of
 * those that are left out below. */
static double between(const weighted *s, int64_t n, double before, double p)
{
    double sum = before, last = 0;
    for (int64_t i = 0; i < n; i++) {
        const double c = sum + s[i].w / 2;
        if (c >= p)
            return i ? s[i - 1].x + (s[i].x - s[i - 1].x) * (p - last) / (c - last) : s[0].x;
        sum += s[i].w, last = c;
    }
    return s[n - 1].x;
}

enum { STRIPS = 1024 };

static int strip_of(const imnn_points *p, int axis, double x)
{
    const double low = p->least[axis], width = p->most[axis] - low;
    const int k = (int)((x - low) / width * STRIPS);
    return k < STRIPS ? k : STRIPS - 1;
}

/* Only the strip in which the quantile lies and its neighbours that hold samples are sorted. */
static double quantile(weighted *room, const imnn_points *p, int axis, const double *in_strip,
                       double at)
{
    int k = 0, first, last;
    double sum = 0;
    int64_t n = 0;
    while (k < STRIPS - 1 && sum + in_strip[k] < at) sum += in_strip[k++];
    for (first = k - 1; first > 0 && in_strip[first] == 0;) first--;
    for (last = k + 1; last < STRIPS - 1 && in_strip[last] == 0;) last++;
    if (first >= 0) sum -= in_strip[first];
    for (int64_t i = 0; i < p->n; i++) {
        const int strip = strip_of(p, axis, p->x[axis][i]);
        if (strip >= first && strip <= last) room[n++] = (weighted){p->x[axis][i], p->weight[i]};
    }
    qsort(room, (size_t)n, sizeof *room, by_value);
    return between(room, n, sum, at);
}

static imnn_status quartiles(double *iqr, const imnn_points *p, int axis)
{
    const size_t bytes = (size_t)p->n * sizeof(weighted);
    double in_strip[STRIPS] = {0};
    weighted *room = imnn_alloc_raw(bytes);
    if (!room) return IMNN_ENOMEM;
    for (int64_t i = 0; i < p->n; i++) in_strip[strip_of(p, axis, p->x[axis][i])] += p->weight[i];
    *iqr = quantile(room, p, axis, in_strip, 0.75) - quantile(room, p, axis, in_strip, 0.25);
    imnn_free(room, bytes);
    return IMNN_OK;
}

/* Where half of the samples are equal there is no IQR, but still a width. */
static imnn_status robust(double *h, const imnn_points *p, int axis)
{
    double iqr = 0;
    imnn_status st = quartiles(&iqr, p, axis);
    const double width = iqr > 0 ? fmin(p->sd[axis], iqr / 1.349) : p->sd[axis];
    *h = 0.9 * width * pow(p->n_eff, -0.2);
    return st;
}

/* ---- diffusion ---- */

enum { CELLS = 1024, FIRST = 2, LAST = 7, ORDERS = LAST - FIRST + 1 };

typedef struct spectrum {
    double power[ORDERS][CELLS]; /* k^2s a_k^2, s = FIRST ... LAST */
    double n_eff;
} spectrum;

/* The cosine transform a_k = sum_j p_j cos(pi k (j + 1/2) / n) by a Fourier transform of p in the
 * order 0 2 4 ... 5 3 1: Makhoul 1980, IEEE Trans. ASSP 28, 27. */
static imnn_status cosines(double *a, const double *p)
{
    const imnn_shape shape = {1, {CELLS}};
    double mixed[CELLS], out[CELLS + 2];
    imnn_fft *f = imnn_fft_get(IMNN_RFFT, IMNN_F64, &shape, 1);
    if (!f) return imnn_fft_load(IMNN_F64) == IMNN_OK ? IMNN_ENOMEM : IMNN_EIO;
    for (int j = 0; j < CELLS / 2; j++) {
        mixed[j] = p[2 * j];
        mixed[CELLS - 1 - j] = p[2 * j + 1];
    }
    const bool ok = imnn_fft_run(f, out, mixed, 1, 1);
    imnn_fft_release(f);
    for (int k = 0; ok && k < CELLS; k++) {
        const int m = k <= CELLS / 2 ? k : CELLS - k; /* the other half are conjugates */
        const double re = out[2 * m], im = k <= CELLS / 2 ? out[2 * m + 1] : -out[2 * m + 1];
        const double angle = M_PI * k / (2 * CELLS);
        a[k] = re * cos(angle) + im * sin(angle);
    }
    return ok ? IMNN_OK : IMNN_ENOMEM;
}

static imnn_status analyse(spectrum *s, const imnn_points *p, int axis, double from, double to)
{
    double cell[CELLS] = {0}, a[CELLS];
    const double scale = CELLS / (to - from);
    for (int64_t i = 0; i < p->n; i++) {
        const double at = floor((p->x[axis][i] - from) * scale);
        if (at >= 0 && at <= CELLS) cell[at < CELLS ? (int)at : CELLS - 1] += p->weight[i];
    }
    imnn_status st = cosines(a, cell);
    for (int k = 1; st == IMNN_OK && k < CELLS; k++) {
        const double k2 = (double)k * k;
        double power = a[k] * a[k] * k2;
        for (int o = 0; o < ORDERS; o++) s->power[o][k] = power *= k2;
    }
    s->n_eff = p->n_eff;
    return st;
}

/* The integral of the squared s-th derivative of the density at time t. The exponentials are made
 * of one another: e^-c(k+1)^2 = e^-ck^2 e^-c(2k+1). */
static double roughness(const spectrum *p, int s, double t)
{
    const double *power = p->power[s - FIRST];
    const double q = exp(-M_PI * M_PI * t), q2 = q * q;
    double sum = 0, e = q, ratio = q * q2;
    for (int k = 1; k < CELLS && e > 1e-290; k++) {
        sum += power[k] * e;
        e *= ratio, ratio *= q2;
    }
    return 2 * pow(M_PI, 2 * s) * sum;
}

/* t - xi gamma(t); its first root is the time that the density is to diffuse for. */
static double excess(const spectrum *p, double t)
{
    const double odd[] = {0, 1, 3, 15, 105, 945, 10395}; /* 1 * 3 * ... * (2 s - 1) */
    double F = roughness(p, LAST, t);
    for (int s = LAST - 1; s >= FIRST; s--) {
        const double K = odd[s] / sqrt(2 * M_PI), c = (1 + pow(2, -(s + 0.5))) / 3;
        F = roughness(p, s, pow(2 * c * K / (p->n_eff * F), 2 / (3. + 2 * s)));
    }
    return t - pow(2 * p->n_eff * sqrt(M_PI) * F, -0.4);
}

/* The smallest root between 1e-10 and 0.1, NaN if there is none. */
static double first_root(const spectrum *p)
{
    enum { STEPS = 400, HALVES = 60 };
    double last = 1e-10, before = excess(p, last);
    for (int i = 1; i < STEPS; i++) {
        const double t = pow(10, -10 + 9. * i / (STEPS - 1)), now = excess(p, t);
        if (before < 0 && now >= 0) {
            double a = last, b = t;
            for (int k = 0; k < HALVES; k++) {
                const double m = (a + b) / 2;
                if (excess(p, m) < 0) a = m;
                else b = m;
            }
            return (a + b) / 2;
        }
        last = t, before = now;
    }
    return NAN;
}

static imnn_status diffusion(double *h, const imnn_points *p, int axis, double from, double to)
{
    spectrum *s = imnn_alloc_raw(sizeof *s);
    if (!s) return IMNN_ENOMEM;
    imnn_status st = analyse(s, p, axis, from, to);
    const double t = st == IMNN_OK ? first_root(s) : NAN;
    imnn_free(s, sizeof *s);
    if (st == IMNN_OK && isnan(t)) return robust(h, p, axis);
    *h = sqrt(t) * (to - from);
    return st;
}

/* ---- samples on a regular grid ---- */

enum { LOOKED_AT = 1024, SOME = 8 };

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How far nodes are apart, if all samples lie on nodes: as many of them as that takes are looked
 * at, in an order that does not follow the order of a grid. 0: they do not.
 * once  whether each sample has a node of its own, as no random ones have */
static double spacing(const imnn_points *p, int axis, bool *once)
{
    double x[LOOKED_AT], step = INFINITY;
    const uint64_t n = (uint64_t)p->n;
    const int count = n < LOOKED_AT ? (int)n : LOOKED_AT;
    const double same = 1e-6 * (p->most[axis] - p->least[axis]);
    int nodes = 1;
    for (int i = 0; i < count; i++)
        x[i] = p->x[axis][count < LOOKED_AT ? (uint64_t)i : ((uint64_t)i * 0x9e3779b97f4a7c15) % n];
    qsort(x, (size_t)count, sizeof *x, ascending);
    for (int i = 1; i < count; i++)
        if (x[i] - x[i - 1] > same) step = fmin(step, x[i] - x[i - 1]), nodes++;
    if (nodes < SOME && count < SOME * nodes) return 0;
    for (int i = 1; i < count; i++) {
        const double steps = (x[i] - x[i - 1]) / step;
        if (fabs(steps - round(steps)) > 0.02) return 0;
    }
    *once = (uint64_t)nodes == n;
    return step;
}

/* The rule takes the nodes of a grid for peaks, and weights of few nodes for few samples. Kernels
 * of 0.65 steps leave less than one part in 1000 of the waves between nodes: 2 exp(-2 pi^2 0.65^2).
 * 0: there is no grid */
static double least_for_grid(const imnn_points *p, int axis, bool *once)
{
    return 0.65 * spacing(p, axis, once);
}

static imnn_status automatic(double *h, const imnn_points *p, int axis, double from, double to)
{
    bool once = false;
    const double least = least_for_grid(p, axis, &once);
    *h = least;
    if (once && least > 0) return IMNN_OK;
    imnn_status st = diffusion(h, p, axis, from, to);
    if (st == IMNN_OK) *h = fmax(*h, least);
    return st;
}

/* ---- all ---- */

imnn_status imnn_bandwidth(double *h, const imnn_points *p, int axis, imnn_density_rule rule,
                           double from, double to)
{
    if (!(p->sd[axis] > 0))
        return imnn_fail(IMNN_EVALUE,
                         "kde: all samples%s are %g: there is no width to take a bandwidth from; "
                         "give one",
                         p->axes == 1 ? ""
                         : axis       ? " of y"
                                      : " of x",
                         p->least[axis]);
    switch (rule) {
    case IMNN_DENSITY_ROBUST: return robust(h, p, axis);
    case IMNN_DENSITY_REFERENCE: return *h = 1.06 * p->sd[axis] * pow(p->n_eff, -0.2), IMNN_OK;
    default: return automatic(h, p, axis, from, to);
    }
}

void imnn_bandwidth_range(double *from, double *to, const imnn_points *p, int axis,
                          const imnn_density_options *o)
{
    const double tenth = (p->most[axis] - p->least[axis]) / 10;
    *from = fmax(o->low[axis], p->least[axis] - tenth);
    *to = fmin(o->high[axis], p->most[axis] + tenth);
}

double imnn_bandwidth_corrected(int axes, int corrections, double n_eff)
{
    const double d = axes; /* error h^4 becomes h^(4 m + 4): widths fall with a smaller power */
    return pow(n_eff, 1 / (4 + d) - 1 / (4. * (corrections + 1) + d));
}

static imnn_status marginal(double *h, const imnn_points *p, int axis,
                            const imnn_density_options *o)
{
    double from, to;
    if (o->marginal[axis] > 0) return *h = o->marginal[axis], IMNN_OK;
    imnn_bandwidth_range(&from, &to, p, axis, o);
    return imnn_bandwidth(h, p, axis, o->rule, from, to);
}

/* The bandwidth of axis b in its standard deviations, after the line along the other axis is taken
 * out. */
static imnn_status residual(double *h, const imnn_points *p, int b)
{
    const double *const u = p->x[1 - b], *const v = p->x[b], rho = p->correlation;
    const double su = 1 / p->sd[1 - b], sv = 1 / p->sd[b];
    imnn_points r = {.axes = 1, .n = p->n, .weight = p->weight, .n_eff = p->n_eff};
    const size_t bytes = (size_t)p->n * sizeof(double);
    if (!(r.x[0] = imnn_alloc_raw(bytes))) return IMNN_ENOMEM;
    r.x[1] = r.x[0];
    r.least[0] = INFINITY, r.most[0] = -INFINITY;
    for (int64_t i = 0; i < p->n; i++) {
        const double x = (v[i] - v[0]) * sv - rho * (u[i] - u[0]) * su;
        r.x[0][i] = x, r.least[0] = fmin(r.least[0], x), r.most[0] = fmax(r.most[0], x);
    }
    r.sd[0] = sqrt(1 - rho * rho);
    const double tenth = (r.most[0] - r.least[0]) / 10;
    imnn_status st = tenth > 0 ? imnn_bandwidth(h, &r, 0, IMNN_DENSITY_ISJ, r.least[0] - tenth,
                                                r.most[0] + tenth)
                               : IMNN_OK;
    imnn_free(r.x[0], bytes);
    return st;
}

/* The correlation of the kernel. That of the samples is right for one peak. Two peaks along a line
 * are correlated, too, though neither of them is: a kernel with their correlation would be too
 * narrow across. So it is as narrow across the line as the rule says about the samples without it,
 * but not narrower than their correlation makes it. */
static imnn_status kernel_correlation(double *k, const imnn_density *d, const imnn_points *p)
{
    enum { ROUND = 70 }; /* percent of the normal reference: single peaks are not asked about */
    const double rho = p->correlation, reference = 1.06 * pow(p->n_eff, -0.2);
    double across = sqrt(1 - rho * rho), h[2];
    *k = rho;
    for (int a = 0; a < 2; a++) {
        bool once;
        if (d->marginal[a] > 0 && d->marginal[a] <= least_for_grid(p, a, &once))
            return *k = 0, IMNN_OK; /* a kernel along the diagonal is narrower across than a step */
    }
    for (int a = 0; a < 2; a++) {
        h[a] = d->marginal[a] / p->sd[a];
        if (!(h[a] > 0)) return IMNN_OK; /* the user gave it */
    }
    if (h[0] > ROUND / 100. * reference && h[1] > ROUND / 100. * reference) return IMNN_OK;
    for (int a = 0; a < 2; a++) {
        double left = 0;
        imnn_status st = residual(&left, p, a);
        if (st != IMNN_OK) return st;
        across = fmax(across, fmin(1, left / h[a]));
    }
    *k = copysign(sqrt(fmax(0, 1 - across * across)), rho);
    return IMNN_OK;
}

imnn_status imnn_bandwidths(imnn_density *d, const imnn_points *p, const imnn_density_options *o)
{
    const bool pair = p->axes == 2, normal = pair && o->rule == IMNN_DENSITY_REFERENCE;
    for (int a = 0; a < p->axes; a++) {
        d->bandwidth[a] = o->bandwidth[a];
        if (d->bandwidth[a] > 0) continue;
        imnn_status st = marginal(&d->marginal[a], p, a, o);
        if (st != IMNN_OK) return st;
        /* in two dimensions widths fall as n^(-1/6), and the reference rule has the constant 1 */
        const double h = normal ? p->sd[a] * pow(p->n_eff, -1. / 6)
                         : pair ? d->marginal[a] * pow(p->n_eff, 1. / 5 - 1. / 6)
                                : d->marginal[a];
        d->bandwidth[a] = h * imnn_bandwidth_corrected(p->axes, o->corrections, p->n_eff);
    }
    if (!pair) return IMNN_OK;
    if (isnan(o->correlation) && o->rule == IMNN_DENSITY_ISJ && fabs(p->correlation) > 0.3 &&
        fabs(p->correlation) < 1)
        return kernel_correlation(&d->correlation, d, p);
    d->correlation = !isnan(o->correlation)                 ? o->correlation
                     : normal || fabs(p->correlation) > 0.3 ? p->correlation
                                                            : 0;
    return IMNN_OK;
}

imnn_status imnn_density_bandwidth(double *out, const imnn_density_samples *s,
                                   const imnn_density_options *o, double from, double to)
{
    imnn_points p;
    double a, b;
    imnn_status st = imnn_density_check(o, 1);
    if (st != IMNN_OK) return st;
    if (s->y) return imnn_fail(IMNN_EVALUE, "kde: a bandwidth is that of one parameter");
    if ((st = imnn_points_take(&p, s, o)) != IMNN_OK) return st;
    imnn_bandwidth_range(&a, &b, &p, 0, o);
    if (!isnan(from)) a = from;
    if (!isnan(to)) b = to;
    if (p.sd[0] > 0 && !(a <= p.least[0] && b >= p.most[0]))
        st = imnn_fail(IMNN_EVALUE, "kde: samples from %g to %g are not all in the range [%g, %g]",
                       p.least[0], p.most[0], a, b);
    else st = imnn_bandwidth(out, &p, 0, o->rule, a, b);
    if (st == IMNN_OK) *out *= imnn_bandwidth_corrected(1, o->corrections, p.n_eff);
    imnn_points_release(&p);
    return st;
}
