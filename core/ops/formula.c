/* Formulas of operators, "dy * (1 - y * y)", as graph nodes. */
#include "core/ops/ops.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    imnn_graph *g;
    const char *text, *p;
    const char *const *names;
    const imnn_node *values;
    int n, depth;
};

enum { MOST_DEPTH = 200 };

static imnn_node sum(struct reader *r);

static bool accept(struct reader *r, char c)
{
    while (*r->p == ' ') r->p++;
    if (*r->p != c) return false;
    r->p++;
    return true;
}

static imnn_node complain(struct reader *r, const char *what)
{
    imnn_graph_fail(r->g, IMNN_EVALUE, "formula \"%.80s\": %s at \"%.20s\"", r->text, what, r->p);
    return 0;
}

static imnn_node call(struct reader *r, const char *name, int length)
{
    imnn_node x[3] = {0};
    int id = 0, n = 0;
    while (id < IMNN_NOP && (strncmp(imnn_op_table[id]->name, name, (size_t)length) ||
                             imnn_op_table[id]->name[length]))
        id++;
    if (id == IMNN_NOP) return complain(r, "no such operator");
    do x[n++] = sum(r);
    while (n < 3 && accept(r, ','));
    if (!accept(r, ')') || n != imnn_op_table[id]->arity) return complain(r, "wrong arguments");
    return imnn_graph_build(r->g, id, n, x, NULL);
}

static imnn_node factor(struct reader *r);

static imnn_node inner_factor(struct reader *r)
{
    if (accept(r, '-')) return g_neg(r->g, factor(r));
    if (accept(r, '(')) {
        imnn_node x = sum(r);
        return accept(r, ')') ? x : complain(r, "missing )");
    }
    const char *start = r->p;
    if (isdigit((unsigned char)*r->p) || *r->p == '.')
        return g_number(r->g, r->values[0], strtod(r->p, (char **)(uintptr_t)&r->p));
    while (isalnum((unsigned char)*r->p) || *r->p == '_') r->p++;
    int length = (int)(r->p - start);
    if (length && accept(r, '(')) return call(r, start, length);
    for (int i = 0; i < r->n; i++)
        if (!strncmp(r->names[i], start, (size_t)length) && !r->names[i][length])
            return r->values[i];
    return complain(r, "unknown name");
}

static imnn_node factor(struct reader *r)
{
    if (r->depth == MOST_DEPTH) return complain(r, "too many brackets");
    r->depth++;
    imnn_node x = inner_factor(r);
    r->depth--;
    return x;
}

static imnn_node product(struct reader *r)
{
    imnn_node x = factor(r);
    for (;;) {
        if (accept(r, '*')) x = g_mul(r->g, x, factor(r));
        else if (accept(r, '/')) x = g_div(r->g, x, factor(r));
        else return x;
    }
}

static imnn_node sum(struct reader *r)
{
    imnn_node x = product(r);
    for (;;) {
        if (accept(r, '+')) x = g_add(r->g, x, product(r));
        else if (accept(r, '-')) x = g_sub(r->g, x, product(r));
        else return x;
    }
}

imnn_node imnn_formula(imnn_graph *g, const char *text, const char *const *names,
                       const imnn_node *values, int n)
{
    struct reader r = {g, text, text, names, values, n, 0};
    imnn_node x = sum(&r);
    if (g->status == IMNN_OK && !accept(&r, '\0')) return complain(&r, "left over");
    return x;
}

imnn_node imnn_graph_formula(imnn_graph *g, const char *text, int n, const char *const *names,
                             const imnn_node *values)
{
    if (n < 1) {
        imnn_graph_fail(g, IMNN_EVALUE, "formula: needs a value, whose dtype its numbers take");
        return 0;
    }
    return imnn_graph_accepts(g, "formula", n, values) ? imnn_formula(g, text, names, values, n)
                                                       : 0;
}
