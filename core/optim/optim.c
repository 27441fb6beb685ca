/* Optimisers: one step of one parameter array. Settings take part in the dtype of the parameters;
 * 1 - b is computed in double and rounded then, as JAX does. */
#include "imnn/optim.h"
#include "core/ops/ops.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const imnn_optim_rule rules[] = {
#define RULE(name, moments, settings, formula, doc) {#name, moments, settings, formula, doc},
#include "core/optim/rules.def"
#undef RULE
};
enum { RULES = sizeof rules / sizeof *rules };

const imnn_optim_rule *imnn_optim_get(int i) { return i >= 0 && i < RULES ? &rules[i] : NULL; }

const imnn_optim_rule *imnn_optim_find(const char *name)
{
    for (int i = 0; i < RULES; i++)
        if (!strcmp(rules[i].name, name)) return &rules[i];
    return NULL;
}

/* w, grad and moments must be alike, lr a number like them. */
static bool begin(imnn_graph *g, const char *who, imnn_node lr, imnn_node grad, imnn_node w, int n,
                  const imnn_node *moments)
{
    if (!imnn_graph_accepts(g, who, 3, (imnn_node[]){lr, grad, w})) return false;
    if (n && !imnn_graph_accepts(g, who, n, moments)) return false;
    for (int i = -1; i < n; i++) {
        const imnn_shape *s = imnn_graph_shape(g, w);
        const imnn_shape *t = imnn_graph_shape(g, i < 0 ? grad : moments[i]);
        if (imnn_shape_equal(s, t)) continue;
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: a %s %s for parameters %s", who,
                        i < 0 ? "gradient" : "moment", imnn_shape_text(t).s, imnn_shape_text(s).s);
        return false;
    }
    if (imnn_graph_shape(g, lr)->ndim == 0) return true;
    imnn_graph_fail(g, IMNN_ESHAPE, "%s: the step size must be a number, got %s", who,
                    imnn_shape_text(imnn_graph_shape(g, lr)).s);
    return false;
}

/* ---- names of a rule and their values ---- */

enum { MOST = 24, LENGTH = 32 };
typedef struct scope {
    char text[MOST][LENGTH];
    const char *name[MOST];
    imnn_node value[MOST];
    int n;
} scope;

/* The value of a name: a new one at the first time. */
static void assign(scope *s, const char *name, size_t length, imnn_node value)
{
    int k = 0;
    while (k < s->n && (strlen(s->text[k]) != length || strncmp(s->text[k], name, length))) k++;
    if (k == MOST || length >= LENGTH) return; /* the formula will miss it */
    if (k == s->n) {
        memcpy(s->text[k], name, length);
        s->text[k][length] = '\0';
        s->name[k] = s->text[k];
        s->n++;
    }
    s->value[k] = value;
}

static size_t word(const char *p)
{
    size_t n = 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_') n++;
    return n;
}

static const char *skip(const char *p, const char *of)
{
    while (*p && strchr(of, *p)) p++;
    return p;
}

static int assign_moments(scope *s, const char *text, const imnn_node *moments)
{
    int n = 0;
    for (const char *p = skip(text, " "); *p; p = skip(p + word(p), " "), n++)
        if (moments) assign(s, p, word(p), moments[n]);
    return n;
}

/* "b1 0.9, b2 0.999": numbers b1 and rest_b1 = 1 - b1, ... */
static bool assign_settings(imnn_graph *g, scope *s, const imnn_optim_rule *rule, imnn_node w,
                            const double *settings)
{
    int k = 0;
    for (const char *p = skip(rule->settings, " "); *p; k++) {
        const size_t length = word(p);
        const char *after = skip(p + length, " ");
        double value = settings ? settings[k] : (double)NAN;
        char *end = NULL;
        const double usual = strtod(after, &end);
        if (isnan(value) && end == after) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s: %.*s has no default", rule->name, (int)length, p);
            return false;
        }
        if (isnan(value)) value = usual;
        char rest[LENGTH] = "rest_";
        strncat(rest, p, length < LENGTH - 6 ? length : LENGTH - 6);
        assign(s, p, length, g_number(g, w, value));
        assign(s, rest, strlen(rest), g_number(g, w, 1 - value));
        p = skip(end, " ,");
    }
    return true;
}

/* "a = ...; b = ...": each in turn. */
static void run(imnn_graph *g, scope *s, const char *text)
{
    while (*text && imnn_graph_ok(g)) {
        const size_t length = word(text);
        const char *from = skip(text + length, " =");
        const char *end = strchr(from, ';');
        char formula[200] = "";
        strncat(formula, from, end && end - from < 199 ? (size_t)(end - from) : 199);
        assign(s, text, length, imnn_formula(g, formula, s->name, s->value, s->n));
        text = end ? skip(end, "; ") : "";
    }
}

static imnn_node value_of(const scope *s, const char *name, size_t length)
{
    for (int k = 0; k < s->n; k++)
        if (strlen(s->text[k]) == length && !strncmp(s->text[k], name, length)) return s->value[k];
    return 0;
}

imnn_node imnn_optim_step(imnn_graph *g, const char *name, imnn_node lr, imnn_node i,
                          imnn_node grad, imnn_node w, imnn_node *moments, const double *settings)
{
    const imnn_optim_rule *rule = imnn_optim_find(name);
    if (!rule) {
        imnn_graph_fail(g, IMNN_EVALUE, "optimisers: there is no \"%s\"", name);
        return 0;
    }
    const int n = assign_moments(&(scope){.n = 0}, rule->moments, NULL);
    if (!begin(g, name, lr, grad, w, n, moments) || !imnn_graph_accepts(g, name, 1, &i)) return 0;
    scope s = {.n = 0};
    assign(&s, "w", 1, w); /* the first one: numbers take its dtype */
    assign(&s, "g", 1, grad);
    assign(&s, "lr", 2, lr);
    assign(&s, "t", 1, g_convert(g, g_add(g, i, g_number(g, i, 1)), imnn_graph_dtype(g, w)));
    assign_moments(&s, rule->moments, moments);
    if (!assign_settings(g, &s, rule, w, settings)) return 0;
    run(g, &s, rule->formula);
    if (!imnn_graph_ok(g)) return 0;
    int k = 0;
    for (const char *p = skip(rule->moments, " "); *p; p = skip(p + word(p), " "))
        moments[k++] = value_of(&s, p, word(p));
    return value_of(&s, "w", 1);
}

/* ---- SM3: what squared gradients add up to is known by rows and columns ---- */

imnn_node imnn_optim_sm3(imnn_graph *g, imnn_node lr, imnn_node grad, imnn_node w,
                         imnn_node *moments, double momentum)
{
    if (!begin(g, "sm3", lr, grad, w, 1, moments)) return 0;
    const imnn_shape *s = imnn_graph_shape(g, w);
    const int n = s->ndim > 0 ? s->ndim : 1;
    if (!imnn_graph_accepts(g, "sm3", n, moments + 1)) return 0;
    imnn_node sum = moments[1];
    for (int k = 1; k < n; k++) sum = g_minimum(g, sum, moments[1 + k]);
    sum = g_add(g, sum, g_mul(g, grad, grad));
    imnn_node zero = g_number(g, w, 0);
    imnn_node root = g_where(g, g_gt(g, sum, zero), g_rsqrt(g, sum), zero);
    moments[0] = g_add(g, g_mul(g, g_number(g, w, 1 - momentum), g_mul(g, grad, root)),
                       g_mul(g, g_number(g, w, momentum), moments[0]));
    for (int k = 0; k < n; k++) {
        imnn_node most = sum;
        for (int j = 0; j < s->ndim; j++)
            if (j != k) most = g_expand(g, g_max(g, most, &(imnn_attr){1, {j}}), j);
        moments[1 + k] = most;
    }
    return g_sub(g, w, g_mul(g, lr, moments[0]));
}
