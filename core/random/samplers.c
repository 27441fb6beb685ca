/* The samplers of samplers.def: checks, and those that are formulas of one draw. */
#include "core/random/distributions.h"
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum draw { UNIT, EPS, TINY, OPEN, NORMAL };
typedef struct row {
    imnn_random_sampler public;
    enum draw draw;
    const char *formula;
    imnn_random_built *build;
} row;
static const row rows[] = {
#define FORMULA(name, params, gives, draw, formula, doc) \
    {{#name, params, gives, doc}, draw, formula, NULL},
#define BUILT(name, params, gives, doc) \
    {{#name, params, gives, doc}, UNIT, NULL, imnn_random_built_##name},
#include "core/random/samplers.def"
#undef FORMULA
#undef BUILT
};
enum { ROWS = sizeof rows / sizeof *rows, MOST = 4, LENGTH = 32 };

const imnn_random_sampler *imnn_random_get(int i)
{
    return i >= 0 && i < ROWS ? &rows[i].public : NULL;
}

imnn_shape imnn_random_shape(imnn_graph *g, imnn_node key, const imnn_shape *shape)
{
    imnn_shape s = *imnn_graph_shape(g, key);
    s.ndim--;
    if (s.ndim + shape->ndim > IMNN_MAX_NDIM)
        imnn_graph_fail(g, IMNN_EVALUE, "random: at most %d axes, got %d", IMNN_MAX_NDIM,
                        s.ndim + shape->ndim);
    for (int k = 0; k < shape->ndim && s.ndim < IMNN_MAX_NDIM; k++)
        s.size[s.ndim++] = shape->size[k];
    return s;
}

imnn_shape imnn_random_longer(imnn_graph *g, const imnn_shape *shape, int n, const int64_t *size)
{
    imnn_shape s = *shape;
    if (s.ndim + n > IMNN_MAX_NDIM)
        imnn_graph_fail(g, IMNN_EVALUE, "random: more than %d axes", IMNN_MAX_NDIM);
    for (int k = 0; k < n && s.ndim < IMNN_MAX_NDIM; k++) s.size[s.ndim++] = size[k];
    return s;
}

imnn_node imnn_random_key(imnn_graph *g, imnn_node keys, int i)
{
    const imnn_shape *s = imnn_graph_shape(g, keys);
    if (!imnn_graph_ok(g)) return 0;
    return g_squeeze(g, g_part(g, keys, 2, i, 1), s->ndim - 2);
}

/* The next of "left mode, sigma 1": its name; what follows it and its default. */
static const char *next_name(const char *p, char name[LENGTH])
{
    const size_t n = strcspn(p, " ");
    memcpy(name, p, n);
    name[n] = '\0';
    p += n;
    while (*p == ' ' || isdigit((unsigned char)*p) || *p == '.') p++;
    return p;
}

/* The parameters are nodes of the dtype, of shapes that broadcast to that of the draws. */
static bool check(imnn_graph *g, const imnn_random_sampler *s, imnn_node key, imnn_dtype dtype,
                  const imnn_shape *shape, const imnn_node *params)
{
    char who[64] = "random.";
    strncat(who, s->name, sizeof who - 8);
    if (!imnn_random_begin(g, who, key, dtype)) return false;
    imnn_status st = imnn_key_check(who, &imnn_vertex_of(g, key)->type);
    if (st != IMNN_OK) {
        imnn_graph_fail_last(g, st);
        return false;
    }
    const imnn_shape full = imnn_random_shape(g, key, shape);
    char name[LENGTH];
    for (const char *p = s->params; *p && imnn_graph_ok(g); params++) {
        imnn_shape joined;
        p = next_name(p, name);
        if (!imnn_graph_accepts(g, who, 1, params)) return false;
        const imnn_shape *t = imnn_graph_shape(g, *params);
        if (imnn_graph_dtype(g, *params) != dtype)
            imnn_graph_fail(g, IMNN_EDTYPE, "%s: %s is %s, the draws are %s", who, name,
                            imnn_dtype_name(imnn_graph_dtype(g, *params)), imnn_dtype_name(dtype));
        else if (!imnn_shape_join(&joined, &full, t) || !imnn_shape_equal(&joined, &full))
            imnn_graph_fail(g, IMNN_ESHAPE, "%s: %s %s does not broadcast to %s", who, name,
                            imnn_shape_text(t).s, imnn_shape_text(&full).s);
    }
    return imnn_graph_ok(g);
}

static imnn_node drawn(imnn_graph *g, enum draw draw, imnn_node key, imnn_dtype dtype,
                       const imnn_shape *shape)
{
    const bool single = dtype == IMNN_F32;
    double lo = 0;
    switch (draw) {
    case UNIT: return imnn_random_uniform(g, key, dtype, shape, 0, 0);
    case NORMAL: return imnn_random_normal(g, key, dtype, shape);
    case EPS: lo = single ? (double)FLT_EPSILON : DBL_EPSILON; break;
    case TINY: lo = single ? (double)FLT_MIN : DBL_MIN; break;
    case OPEN: lo = (single ? (double)FLT_EPSILON : DBL_EPSILON) / 2 - 1; break;
    }
    return imnn_random_between(g, key, dtype, shape, imnn_graph_number(g, dtype, lo),
                               imnn_graph_number(g, dtype, 1));
}

static imnn_node by_formula(imnn_graph *g, const row *r, imnn_node u, const imnn_node *params)
{
    char text[MOST + 1][LENGTH] = {"u"};
    const char *name[MOST + 1] = {text[0]};
    imnn_node value[MOST + 1] = {u};
    int n = 1;
    for (const char *p = r->public.params; *p && n <= MOST; n++) {
        p = next_name(p, text[n]);
        name[n] = text[n], value[n] = params[n - 1];
    }
    return imnn_formula(g, r->formula, name, value, n);
}

imnn_node imnn_random_draw(imnn_graph *g, const char *name, imnn_node key, imnn_dtype dtype,
                           const imnn_shape *shape, const imnn_node *params)
{
    const row *r = rows;
    while (r < rows + ROWS && strcmp(r->public.name, name)) r++;
    if (r == rows + ROWS) {
        imnn_graph_fail(g, IMNN_EVALUE, "random: there is no sampler \"%s\"", name);
        return 0;
    }
    if (!check(g, &r->public, key, dtype, shape, params)) return 0;
    if (r->build) return r->build(g, key, dtype, shape, params);
    imnn_node y = by_formula(g, r, drawn(g, r->draw, key, dtype, shape), params);
    return strcmp(r->public.gives, "i32") ? y : g_convert(g, y, IMNN_I32);
}
