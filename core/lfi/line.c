/* Parameters with limits, mapped to the real line and back: the logit of the place between two
 * limits, the logarithm of the distance from one. */
#include "core/ops/ops.h"
#include "imnn/lfi.h"
#include <math.h>

static const double CLOSE = 1e-12; /* of the width: nearer to a limit than that is at it */
static const double LEAST = 1e-300, LEAST_SINGLE = 1e-37;

/* ---- nodes ---- */

/* Which limits there are, and how far x is from them. Where there is none something harmless
 * stands, since 0 times its derivative must be 0. */
typedef struct place {
    imnn_node lower, upper, both; /* bool (P) */
    imnn_node low, high, wide;    /* (P) */
    imnn_node above, below;       /* (..., P) */
} place;

static bool accepts(imnn_graph *g, const char *who, imnn_node x, imnn_node low, imnn_node high)
{
    if (!imnn_graph_accepts(g, who, 3, (imnn_node[]){x, low, high})) return false;
    const imnn_shape *s = imnn_graph_shape(g, x), *a = imnn_graph_shape(g, low);
    if (s->ndim < 1 || a->ndim != 1 || !imnn_shape_equal(a, imnn_graph_shape(g, high)) ||
        s->size[s->ndim - 1] != a->size[0])
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: parameters %s and limits %s, %s do not fit", who,
                        imnn_shape_text(s).s, imnn_shape_text(a).s,
                        imnn_shape_text(imnn_graph_shape(g, high)).s);
    return imnn_graph_ok(g);
}

static place limits_of(imnn_graph *g, imnn_node low, imnn_node high)
{
    place at = {.lower = g_isfinite(g, low), .upper = g_isfinite(g, high)};
    at.both = g_and(g, at.lower, at.upper);
    at.low = g_where(g, at.lower, low, g_zeros_like(g, low));
    at.high = g_where(g, at.upper, high, g_zeros_like(g, high));
    at.wide = g_where(g, at.both, g_sub(g, at.high, at.low), g_full_like(g, low, 1));
    return at;
}

static place place_of(imnn_graph *g, imnn_node x, imnn_node low, imnn_node high)
{
    place at = limits_of(g, low, high);
    const double least = imnn_graph_dtype(g, x) == IMNN_F64 ? LEAST : LEAST_SINGLE;
    imnn_node margin =
        g_where(g, at.both, g_mul(g, at.wide, g_number(g, x, CLOSE)), g_full_like(g, low, least));
    imnn_node one = g_full_like(g, x, 1);
    at.above = g_where(g, at.lower, g_maximum(g, g_sub(g, x, at.low), margin), one);
    at.below = g_where(g, at.upper, g_maximum(g, g_sub(g, at.high, x), margin), one);
    return at;
}

imnn_node imnn_lfi_to_line(imnn_graph *g, imnn_node theta, imnn_node low, imnn_node high)
{
    if (!accepts(g, "lfi.to_line", theta, low, high)) return 0;
    place at = place_of(g, theta, low, high);
    imnn_node some = g_or(g, at.lower, at.upper);
    return g_where(g, some, g_sub(g, g_log(g, at.above), g_log(g, at.below)), theta);
}

imnn_node imnn_lfi_line_slope(imnn_graph *g, imnn_node theta, imnn_node low, imnn_node high)
{
    if (!accepts(g, "lfi.line_slope", theta, low, high)) return 0;
    place at = place_of(g, theta, low, high);
    imnn_node y = g_sub(g, g_log(g, at.wide), g_add(g, g_log(g, at.above), g_log(g, at.below)));
    return g_sum(g, y, &(imnn_attr){1, {imnn_graph_shape(g, theta)->ndim - 1}});
}

imnn_node imnn_lfi_from_line(imnn_graph *g, imnn_node line, imnn_node low, imnn_node high)
{
    if (!accepts(g, "lfi.from_line", line, low, high)) return 0;
    place at = limits_of(g, low, high);
    const char *names[] = {"x", "low", "high", "wide", "lower", "upper", "both"};
    imnn_node values[] = {line, at.low, at.high, at.wide, at.lower, at.upper, at.both};
    return imnn_formula(
        g,
        "where(both, where(lt(x, 0), low + wide * sigmoid(x), high - wide * sigmoid(-x)), "
        "where(lower, low + exp(where(lower, x, 0)), "
        "where(upper, high - exp(where(upper, -x, 0)), x)))",
        names, values, 7);
}

/* ---- numbers ---- */

void imnn_line_to(double *out, double *log_slope, int64_t n, int64_t p, const double *theta,
                  const double *low, const double *high)
{
    for (int64_t i = 0; i < n; i++) {
        double slope = 0;
        for (int64_t k = 0; k < p; k++) {
            const double a = low ? low[k] : -INFINITY, b = high ? high[k] : INFINITY;
            const double x = theta[i * p + k], margin = isfinite(b - a) ? CLOSE * (b - a) : LEAST;
            double up = 0, down = 0;
            if (isfinite(a)) up = log(fmax(x - a, margin));
            if (isfinite(b)) down = log(fmax(b - x, margin));
            out[i * p + k] = isfinite(a) || isfinite(b) ? up - down : x;
            slope += (isfinite(b - a) ? log(b - a) : 0) - up - down;
        }
        if (log_slope) log_slope[i] = slope;
    }
}

/* And d theta / d line. */
static double from_line(double x, double a, double b, double *rise)
{
    if (isfinite(a) && isfinite(b)) {
        const double e = exp(-fabs(x)), from = (b - a) * (e / (1 + e));
        *rise = from / (1 + e);
        return x < 0 ? a + from : b - from;
    }
    *rise = isfinite(a) ? exp(x) : isfinite(b) ? exp(-x) : 1;
    return isfinite(a) ? a + *rise : isfinite(b) ? b - *rise : x;
}

double imnn_line_place(double *theta, int64_t p, const double *line, const double *low,
                       const double *high)
{
    double rises = 1, rise;
    for (int64_t k = 0; k < p; k++) {
        theta[k] = from_line(line[k], low[k], high[k], &rise);
        rises *= rise;
    }
    return rises;
}

/* From the place on the line, which knows how near a limit is better than theta does. */
static double slope_at(double x, double a, double b)
{
    if (isfinite(a) && isfinite(b)) return fabs(x) + 2 * log1p(exp(-fabs(x))) - log(b - a);
    return isfinite(a) ? -x : isfinite(b) ? x : 0;
}

void imnn_line_from(double *out, double *log_slope, int64_t n, int64_t p, const double *line,
                    const double *low, const double *high)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t k = 0; k < p; k++) {
            const double a = low ? low[k] : -INFINITY, b = high ? high[k] : INFINITY;
            const double x = line[i * p + k]; /* out may be line */
            double rise;
            if (out) out[i * p + k] = from_line(x, a, b, &rise);
            if (log_slope) sum += slope_at(x, a, b);
        }
        if (log_slope) log_slope[i] = sum;
    }
}
