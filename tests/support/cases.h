/* Random inputs for every operator, from the cases of the table. Include after the core's headers.
 */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H
#include "core/ops/ops.h"
#include "tests/support/check.h"
#include <ctype.h>
#include <stdlib.h>

enum { MOST_CASE_INPUTS = 4 };
typedef struct op_case {
    const imnn_op *op;
    char text[128];
    int n;
    imnn_type in[MOST_CASE_INPUTS];
    imnn_attr attr;
} op_case;

/** Uniform in (0, 1), from a small generator of our own. */
static inline double uniform(uint32_t *state)
{
    *state = 1664525 * *state + 1013904223;
    return ((double)*state + 0.5) * 0x1p-32;
}

static inline imnn_dtype first_dtype(const imnn_op *op)
{
    if (op->dtypes >> IMNN_F64 & 1) return IMNN_F64;
    return op->dtypes >> IMNN_I32 & 1 ? IMNN_I32 : IMNN_U32;
}

static inline imnn_dtype read_dtype(const char *word, size_t length, imnn_dtype otherwise)
{
    for (int d = 0; length && d < IMNN_NDTYPE; d++)
        if (!strncmp(imnn_dtype_name((imnn_dtype)d), word, length)) return (imnn_dtype)d;
    return otherwise;
}

/** All numbers up to the next parenthesis or the end of the case. */
static inline const char *read_numbers(const char *p, int64_t *v, int32_t *n)
{
    for (*n = 0; *p && *p != ')' && *p != ';';)
        if (isdigit((unsigned char)*p) || *p == '-') {
            char *end;
            v[(*n)++] = strtoll(p, &end, 10);
            p = end;
        } else p++;
    return p;
}

/** The case at *text, "(3, 4) u32 (2) -> 1, 2; ...", which moves on; false: there is none left. */
static inline bool next_case(op_case *c, const imnn_op *op, const char **text)
{
    const char *p = *text + strspn(*text, "; ");
    *c = (op_case){.op = op};
    if (!*p) return false;
    snprintf(c->text, sizeof c->text, "%s %.*s", op->name, (int)strcspn(p, ";"), p);
    for (; *p && *p != ';' && *p != '-'; p += strspn(p, ") ")) {
        const size_t word = strcspn(p, " (");
        imnn_type *t = &c->in[c->n++];
        t->dtype = read_dtype(p, word, first_dtype(op));
        p = read_numbers(p + word, t->shape.size, &t->shape.ndim);
    }
    if (*p == '-') p = read_numbers(p + 2, c->attr.v, &c->attr.n);
    if (op->id == IMNN_OP_where) c->in[0].dtype = IMNN_BOOL;
    *text = p;
    return true;
}

static inline const char *cases_of(const imnn_op *op)
{
    static const char *const elementwise[] = {"", "(2, 3); (); (0, 3); (1)",
                                              "(2, 3) (3); (2, 1) (1, 3); () (3); (1) (0)",
                                              "(2, 3) (3) (); (2, 1) (3) (2, 3)"};
    return op->cases ? op->cases : elementwise[op->arity];
}

/** The case with complex numbers in place of real ones; false: the operator has none, or the case
 * is about them already. */
static inline bool in_complex(op_case *c)
{
    bool any = false;
    for (int i = 0; i < c->n; i++) {
        if (imnn_is_complex(c->in[i].dtype)) return false;
        if (c->in[i].dtype != IMNN_F64 || !(c->op->dtypes >> IMNN_C128 & 1)) continue;
        c->in[i].dtype = IMNN_C128;
        any = true;
    }
    return any;
}

/** A random array of this type in the range of the operator. */
static inline imnn_array *sample(const imnn_op *op, const imnn_type *t, uint32_t *state)
{
    enum { MOST = 4096 };
    static double x[2 * MOST];
    static float narrow[2 * MOST];
    const bool parts = imnn_is_complex(t->dtype);
    imnn_array *a = NULL;
    int64_t n = imnn_shape_count(&t->shape);
    if (n > MOST) return NULL;
    for (int64_t i = 0; i < n; i++) {
        x[i] = op->range[0] + (op->range[1] - op->range[0]) * uniform(state);
        if (t->dtype == IMNN_BOOL) x[i] = uniform(state) < 0.5;
        const int64_t columns = t->shape.ndim > 1 ? t->shape.size[t->shape.ndim - 1] : 0;
        const int64_t rows = t->shape.ndim > 1 ? t->shape.size[t->shape.ndim - 2] : 0;
        if (columns && i % columns == i / columns % rows) x[i] += op->diagonal;
    }
    for (int64_t i = n - 1; parts && i >= 0; i--)
        x[2 * i] = x[i], x[2 * i + 1] = 2 * uniform(state) - 1;
    for (int64_t i = 0; parts && i < 2 * n; i++) narrow[i] = (float)x[i];
    if (parts) {
        const void *values = t->dtype == IMNN_C64 ? (const void *)narrow : x;
        return imnn_array_copy(&a, t->dtype, &t->shape, values) == IMNN_OK ? a : NULL;
    }
    return imnn_array_from(&a, t->dtype, &t->shape, x) == IMNN_OK ? a : NULL;
}
#endif
