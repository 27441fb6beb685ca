/* The distributions of distributions.def: supports, location and scale, and what follows of what.
 */
#include "imnn/stats.h"
#include "core/ops/ops.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct row {
    imnn_stats_distribution public;
    bool discrete, open;
    const char *low, *high, *inside; /* formulas, all of them */
    const char *logpdf, *cdf, *sf, *logcdf, *logsf, *ppf, *isf, *mean, *var;
} row;
static const row rows[] = {
#define CONTINUOUS(name, params, doc, ...) \
    {.public = {#name, params " loc=0 scale>0=1", doc}, __VA_ARGS__},
#define DISCRETE(name, params, doc, ...) \
    {.public = {#name, params " loc=0", doc}, .discrete = true, __VA_ARGS__},
#include "core/stats/distributions.def"
#undef CONTINUOUS
#undef DISCRETE
};
enum { ROWS = sizeof rows / sizeof *rows, MOST = 6, LENGTH = 16 };

/** One distribution at work. */
typedef struct density {
    imnn_graph *g;
    const row *row;
    imnn_node x, loc, scale;          /* scale 0: there is none */
    char text[MOST][LENGTH];          /* names of the parameters, */
    const char *name[MOST + 4];       /* of z or q, these, pi, inf and nan */
    imnn_node value[MOST + 4], valid; /* valid 0: whatever the parameters are */
    int n, params;
} density;

typedef imnn_node function(density *d);
static function logpdf, pdf, cdf, sf, logcdf, logsf, ppf, isf, mean, var, std, lowest, highest;
enum kind { DENSITY, MASS, CUMULATIVE, QUANTILE, MEAN, VARIANCE, END };
static const struct {
    const char *name;
    enum kind kind;
    function *build;
} functions[] = {
    {"logpdf", DENSITY, logpdf}, {"pdf", DENSITY, pdf},        {"logpmf", MASS, logpdf},
    {"pmf", MASS, pdf},          {"cdf", CUMULATIVE, cdf},     {"logcdf", CUMULATIVE, logcdf},
    {"sf", CUMULATIVE, sf},      {"logsf", CUMULATIVE, logsf}, {"ppf", QUANTILE, ppf},
    {"isf", QUANTILE, isf},      {"mean", MEAN, mean},         {"var", VARIANCE, var},
    {"std", VARIANCE, std},      {"low", END, lowest},         {"high", END, highest},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* ---- what there is ---- */

const imnn_stats_distribution *imnn_stats_get(int i)
{
    return i >= 0 && i < ROWS ? &rows[i].public : NULL;
}

const char *imnn_stats_function(int i)
{
    return i >= 0 && i < FUNCTIONS ? functions[i].name : NULL;
}

static const row *find(const char *name)
{
    for (const row *r = rows; r < rows + ROWS; r++)
        if (!strcmp(r->public.name, name)) return r;
    return NULL;
}

/* The number of a function that the distribution has, or -1. */
static int find_function(const row *r, const char *what)
{
    for (int i = 0; i < FUNCTIONS; i++) {
        if (strcmp(functions[i].name, what)) continue;
        const bool has[] = {!r->discrete, r->discrete, r->cdf || r->logcdf, r->ppf, r->mean,
                            r->var,       true};
        return has[functions[i].kind] ? i : -1;
    }
    return -1;
}

bool imnn_stats_has(const char *name, const char *what)
{
    const row *r = find(name);
    return r && find_function(r, what) >= 0;
}

/* ---- parameters ---- */

/* A number, or a parameter by its name; *p moves behind it. */
static imnn_node bound(density *d, const char **p)
{
    if (isdigit((unsigned char)**p)) {
        char *end;
        imnn_node x = imnn_graph_number(d->g, imnn_graph_dtype(d->g, d->x), strtod(*p, &end));
        *p = end;
        return x;
    }
    const size_t n = strcspn(*p, "<>= ");
    imnn_node x = 0;
    for (int i = 0; i < d->params; i++)
        if (!strncmp(d->text[i], *p, n) && !d->text[i][n]) x = d->value[1 + i];
    *p += n;
    return x;
}

static imnn_node both(density *d, imnn_node a, imnn_node b)
{
    return !a ? b : !b ? a : g_and(d->g, a, b);
}

/* Reads "a>0 loc=0 scale>0=1": names, which get their nodes, and what makes them valid. */
static void parameters(density *d, const imnn_node *params)
{
    const char *p = d->row->public.params;
    while (*p == ' ') p++;
    while (*p && d->params < MOST) {
        const size_t n = strcspn(p, "<>= ");
        const int i = d->params++;
        memcpy(d->text[i], p, n);
        d->text[i][n] = '\0';
        d->name[1 + i] = d->text[i], d->value[1 + i] = params[i];
        if (!strcmp(d->text[i], "loc")) d->loc = params[i];
        if (!strcmp(d->text[i], "scale")) d->scale = params[i];
        for (p += n; *p == '<' || *p == '>';) {
            const bool below = *p == '<', equal = p[1] == '=';
            p += 1 + equal;
            imnn_node limit = bound(d, &p), x = params[i];
            d->valid = both(d, d->valid,
                            below   ? equal ? g_le(d->g, x, limit) : g_lt(d->g, x, limit)
                              : equal ? g_ge(d->g, x, limit)
                                    : g_gt(d->g, x, limit));
        }
        p += strcspn(p, " ");
        while (*p == ' ') p++;
    }
}

/* ---- what functions are made of ---- */

static imnn_node number(density *d, double value) { return g_number(d->g, d->loc, value); }

static imnn_node formula(density *d, const char *text, imnn_node z)
{
    d->value[0] = z;
    return imnn_formula(d->g, text, d->name, d->value, d->n);
}

/* An end of the support; +-inf where it has none. */
static imnn_node low(density *d)
{
    return d->row->low ? formula(d, d->row->low, d->loc) : number(d, -(double)INFINITY);
}

static imnn_node high(density *d)
{
    return d->row->high ? formula(d, d->row->high, d->loc) : number(d, (double)INFINITY);
}

/* (x - loc) / scale. The slope of an infinite x in the scale would be infinite, and NaN times 0. */
static imnn_node standard(density *d)
{
    imnn_graph *g = d->g;
    if (!d->scale) return g_sub(g, d->x, d->loc);
    imnn_node finite = g_isfinite(g, d->x), x = g_where(g, finite, d->x, d->loc);
    return g_where(g, finite, g_div(g, g_sub(g, x, d->loc), d->scale), d->x);
}

static imnn_node valid_only(density *d, imnn_node y)
{
    return d->valid ? g_where(d->g, d->valid, y, number(d, (double)NAN)) : y;
}

/* y inside, another number elsewhere; NaN where z is. */
static imnn_node masked(density *d, imnn_node inside, imnn_node y, imnn_node z, imnn_node elsewhere)
{
    imnn_node rest = g_where(d->g, g_isnan(d->g, z), z, elsewhere);
    return valid_only(d, g_where(d->g, inside, y, rest));
}

/* z where it is inside: what is not chosen in the end must not spoil derivatives. */
static imnn_node safe(density *d, imnn_node inside, imnn_node z)
{
    return g_where(d->g, inside, z, formula(d, d->row->inside, d->loc));
}

/* ---- densities ---- */

static imnn_node logpdf(density *d)
{
    imnn_graph *g = d->g;
    imnn_node z = standard(d), inside = g_isfinite(g, z);
    const bool open = d->row->open;
    if (d->row->low) inside = g_and(g, inside, open ? g_gt(g, z, low(d)) : g_ge(g, z, low(d)));
    if (d->row->high) inside = g_and(g, inside, open ? g_lt(g, z, high(d)) : g_le(g, z, high(d)));
    if (d->row->discrete) inside = g_and(g, inside, g_eq(g, g_floor(g, z), z));
    imnn_node y = formula(d, d->row->logpdf, safe(d, inside, z));
    if (d->scale) y = g_sub(g, y, g_log(g, d->scale));
    return masked(d, inside, y, z, number(d, -(double)INFINITY));
}

static imnn_node pdf(density *d) { return g_exp(d->g, logpdf(d)); }

/* ---- cumulative distributions ---- */

/* A function that is `least` on the left of the support and `most` on its right. */
static imnn_node cumulative(density *d, function *inner, double left, double right)
{
    imnn_graph *g = d->g;
    imnn_node z = standard(d), lo = low(d), hi = high(d), inside = g_isfinite(g, z), before;
    if (d->row->discrete) {
        z = g_floor(g, z);
        before = g_lt(g, z, lo);
        inside = g_and(g, inside, g_and(g, g_ge(g, z, lo), g_lt(g, z, hi)));
    } else {
        before = g_le(g, z, lo);
        inside = g_and(g, inside, g_and(g, g_gt(g, z, lo), g_lt(g, z, hi)));
    }
    d->value[0] = safe(d, inside, z);
    return masked(d, inside, inner(d), z, g_where(g, before, number(d, left), number(d, right)));
}

static imnn_node one_minus(density *d, imnn_node p) { return g_sub(d->g, number(d, 1), p); }

static imnn_node inner_cdf(density *d)
{
    const row *r = d->row;
    if (r->cdf) return formula(d, r->cdf, d->value[0]);
    return g_exp(d->g, formula(d, r->logcdf, d->value[0]));
}

static imnn_node inner_sf(density *d)
{
    const row *r = d->row;
    if (r->sf) return formula(d, r->sf, d->value[0]);
    return r->logsf ? g_exp(d->g, formula(d, r->logsf, d->value[0])) : one_minus(d, inner_cdf(d));
}

/* log p, where 1 - p is known, too: each is exact where it is small. */
static imnn_node log_of(density *d, imnn_node p, imnn_node rest)
{
    imnn_graph *g = d->g;
    imnn_node half = number(d, 0.5), small = g_lt(g, p, half);
    imnn_node near_1 = g_log1p(g, g_neg(g, g_where(g, small, half, rest)));
    return g_where(g, small, g_log(g, g_where(g, small, p, half)), near_1);
}

static imnn_node inner_logcdf(density *d)
{
    if (d->row->logcdf) return formula(d, d->row->logcdf, d->value[0]);
    imnn_node p = inner_cdf(d);
    return log_of(d, p, inner_sf(d));
}

static imnn_node inner_logsf(density *d)
{
    if (d->row->logsf) return formula(d, d->row->logsf, d->value[0]);
    imnn_node p = inner_sf(d);
    return log_of(d, p, inner_cdf(d));
}

static imnn_node cdf(density *d) { return cumulative(d, inner_cdf, 0, 1); }
static imnn_node sf(density *d) { return cumulative(d, inner_sf, 1, 0); }
static imnn_node logcdf(density *d) { return cumulative(d, inner_logcdf, -(double)INFINITY, 0); }
static imnn_node logsf(density *d) { return cumulative(d, inner_logsf, 0, -(double)INFINITY); }

/* ---- quantiles and moments ---- */

static imnn_node moved(density *d, imnn_node z)
{
    return g_add(d->g, d->loc, d->scale ? g_mul(d->g, d->scale, z) : z);
}

/* Of probabilities between 0 and 1; at 0 and 1 the ends of the support. */
static imnn_node quantile(density *d, bool of_sf)
{
    imnn_graph *g = d->g;
    imnn_node q = d->x, zero = number(d, 0), one = number(d, 1), none = number(d, (double)NAN);
    imnn_node inside = g_and(g, g_gt(g, q, zero), g_lt(g, q, one));
    imnn_node z = g_where(g, inside, q, number(d, 0.5));
    z = of_sf && d->row->isf ? formula(d, d->row->isf, z)
                             : formula(d, d->row->ppf, of_sf ? one_minus(d, z) : z);
    imnn_node first = low(d), last = high(d);
    if (d->row->discrete) first = g_sub(g, first, one);
    if (!d->row->discrete && d->row->low) z = g_maximum(g, z, first);
    if (!d->row->discrete && d->row->high) z = g_minimum(g, z, last);
    imnn_node end = g_where(g, g_eq(g, q, of_sf ? one : zero), first,
                            g_where(g, g_eq(g, q, of_sf ? zero : one), last, none));
    return valid_only(d, moved(d, g_where(g, inside, z, end)));
}

static imnn_node ppf(density *d) { return quantile(d, false); }
static imnn_node isf(density *d) { return quantile(d, true); }
static imnn_node mean(density *d)
{
    return valid_only(d, moved(d, formula(d, d->row->mean, d->loc)));
}

/* An end of the support; an infinite one does not move with the scale. */
static imnn_node end_of(density *d, const char *text, imnn_node z)
{
    imnn_node y = moved(d, z);
    return valid_only(d, text ? y : g_stop_gradient(d->g, y));
}

static imnn_node lowest(density *d) { return end_of(d, d->row->low, low(d)); }
static imnn_node highest(density *d) { return end_of(d, d->row->high, high(d)); }

static imnn_node var(density *d)
{
    imnn_node v = formula(d, d->row->var, d->loc);
    if (d->scale) v = g_mul(d->g, g_mul(d->g, d->scale, d->scale), v);
    return valid_only(d, v);
}

static imnn_node std(density *d) { return g_sqrt(d->g, var(d)); }

/* ---- all of them ---- */

/* All inputs are nodes of one real dtype whose shapes broadcast. */
static bool check(imnn_graph *g, const char *who, int n, const imnn_node *x)
{
    if (!imnn_graph_accepts(g, who, n, x)) return false;
    imnn_shape all = {0};
    for (int i = 0; i < n; i++) {
        const imnn_shape *s = imnn_graph_shape(g, x[i]), before = all;
        if (!imnn_is_smooth(g, x[i]) || imnn_is_complex(imnn_graph_dtype(g, x[i])) ||
            imnn_graph_dtype(g, x[i]) != imnn_graph_dtype(g, x[0]))
            imnn_graph_fail(g, IMNN_EDTYPE, "%s: all inputs are f32, or all are f64; got %s and %s",
                            who, imnn_dtype_name(imnn_graph_dtype(g, x[0])),
                            imnn_dtype_name(imnn_graph_dtype(g, x[i])));
        else if (!imnn_shape_join(&all, &before, s))
            imnn_graph_fail(g, IMNN_ESHAPE, "%s: %s and %s do not broadcast", who,
                            imnn_shape_text(&before).s, imnn_shape_text(s).s);
        else continue;
        return false;
    }
    return true;
}

static int count(const char *params)
{
    int n = 0;
    for (const char *p = params; *p; p++) n += *p != ' ' && (p == params || p[-1] == ' ');
    return n;
}

imnn_node imnn_stats(imnn_graph *g, const char *name, const char *what, imnn_node x,
                     const imnn_node *params)
{
    density d = {.g = g, .row = find(name)};
    const int f = d.row ? find_function(d.row, what) : -1;
    if (f < 0) {
        imnn_graph_fail(g, IMNN_EVALUE,
                        d.row ? "stats.%s: there is no function \"%s\""
                              : "stats: there is no distribution \"%s\"",
                        name, what);
        return 0;
    }
    char who[64];
    snprintf(who, sizeof who, "stats.%s.%s", name, what);
    imnn_node all[MOST + 1];
    const int n = count(d.row->public.params);
    memcpy(all, params, (size_t)n * sizeof *all);
    const bool of_x = functions[f].kind < MEAN;
    if (of_x) all[n] = x;
    if (!check(g, who, n + of_x, all)) return 0;
    d.x = of_x ? x : params[0];
    parameters(&d, params);
    static const char *const known[] = {"pi", "inf", "nan"};
    const double constants[] = {3.141592653589793, (double)INFINITY, (double)NAN};
    d.name[0] = functions[f].kind == QUANTILE ? "q" : "z";
    d.n = 1 + n;
    for (int i = 0; i < 3; i++, d.n++)
        d.name[d.n] = known[i], d.value[d.n] = number(&d, constants[i]);
    return functions[f].build(&d);
}
