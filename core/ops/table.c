/* The operator table: rows of elementwise.def and files named by structured.def. */
#include "core/ops/elementwise.h"
#include <stdio.h>
#include <string.h>

enum { C = 0, F = 1 }; /* second column: whether the value calls a function */
#define ON_REAL IMNN_REALS
#define ON_NUMBER IMNN_NUMBERS
#define ON_INTEGER IMNN_INTEGERS
#define ON_BITS IMNN_BITS
#define ON_FLOAT IMNN_FLOATS
#define ON_SCALAR IMNN_SCALARS
#define ON_ALL IMNN_ALL
#define ON_REAL_PARTS IMNN_FLOATS
#define ON_NUMBER_PARTS IMNN_SCALARS
#define ON_NUMBER_ALL IMNN_ALL
#define ON_SCALAR_ALL IMNN_ALL

#define ELEMENTWISE(n, arity_, on, cost, low, high, text)                                 \
    .name = #n, .id = IMNN_OP_##n, .arity = arity_, .class = IMNN_MAP, .dtypes = ON_##on, \
    .costly = cost, .build = imnn_elementwise_build, .batch = imnn_batch_leading,         \
    .rows = imnn_rows_map, .range = {low, high}, .doc = text
#define UNARY(n, on, cost, value, dx, low, high, text)                                \
    static const imnn_op imnn_op_##n = {ELEMENTWISE(n, 1, on, cost, low, high, text), \
                                        .infer = imnn_elementwise_infer,              \
                                        .vjp = imnn_elementwise_vjp, .rule = {dx}};
#define BINARY(n, on, cost, value, da, db, low, high, text)                           \
    static const imnn_op imnn_op_##n = {ELEMENTWISE(n, 2, on, cost, low, high, text), \
                                        .infer = imnn_elementwise_infer,              \
                                        .vjp = imnn_elementwise_vjp, .rule = {da, db}};
#define TERNARY(n, on, cost, value, da, db, dc, low, high, text)                      \
    static const imnn_op imnn_op_##n = {ELEMENTWISE(n, 3, on, cost, low, high, text), \
                                        .infer = imnn_elementwise_infer,              \
                                        .vjp = imnn_elementwise_vjp, .rule = {da, db, dc}};
#define COMPARE(n, on, cost, value, low, high, text)                                  \
    static const imnn_op imnn_op_##n = {ELEMENTWISE(n, 2, on, cost, low, high, text), \
                                        .infer = imnn_bool_infer, .gives = "bool",    \
                                        .vjp = imnn_vjp_zero, .rule = {"", ""}};
#define TEST(n, on, cost, value, low, high, text)                                     \
    static const imnn_op imnn_op_##n = {ELEMENTWISE(n, 1, on, cost, low, high, text), \
                                        .infer = imnn_bool_infer, .gives = "bool",    \
                                        .vjp = imnn_vjp_zero, .rule = {""}};
#include "core/ops/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE
#undef TEST

const imnn_op *const imnn_op_table[IMNN_NOP] = {
#define UNARY(name, ...) &imnn_op_##name,
#define BINARY UNARY
#define TERNARY UNARY
#define COMPARE UNARY
#define TEST UNARY
#define STRUCTURED UNARY
#include "core/ops/elementwise.def"
#include "core/ops/structured.def"
};

int imnn_op_count(void) { return IMNN_NOP; }

imnn_text imnn_dtypes_text(uint32_t set)
{
    imnn_text t = {""};
    for (int d = 0, n = 0; d < IMNN_NDTYPE; d++)
        if (set >> d & 1)
            n += snprintf(t.s + n, sizeof t.s - (size_t)n, n ? " %s" : "%s",
                          imnn_dtype_name((imnn_dtype)d));
    return t;
}

static uint32_t smooth_in(const imnn_op *op)
{
    if (!op->vjp || op->vjp == imnn_vjp_zero || op->implicit) return 0;
    if (op->vjp != imnn_elementwise_vjp) /* what is linear in some inputs chooses by the others */
        return op->smooth      ? op->smooth
               : op->linear    ? op->linear
               : op->arity < 0 ? ~0u
                               : (1u << op->arity) - 1;
    uint32_t smooth = 0;
    for (int i = 0; i < op->arity; i++)
        if (op->rule[i] && op->rule[i][0] && op->rule[i][0] != '!') smooth |= 1u << i;
    return smooth;
}

const imnn_op_info *imnn_op_get(int id)
{
    static _Thread_local imnn_op_info info;
    static _Thread_local imnn_text dtypes;
    if (id < 0 || id >= IMNN_NOP) return NULL;
    const imnn_op *op = imnn_op_table[id];
    dtypes = imnn_dtypes_text(op->dtypes);
    info = (imnn_op_info){.name = op->name,
                          .arity = op->arity,
                          .elementwise = op->build == imnn_elementwise_build,
                          .dtypes = dtypes.s,
                          .gives = op->gives,
                          .smooth = smooth_in(op),
                          .lo = op->range[0],
                          .hi = op->range[1],
                          .diagonal = op->diagonal,
                          .cases = op->cases,
                          .doc = op->doc};
    for (int i = 0; i < 3; i++) info.rule[i] = op->rule[i];
    return &info;
}

int imnn_op_find(const char *name)
{
    for (int id = 0; id < IMNN_NOP; id++)
        if (!strcmp(imnn_op_table[id]->name, name)) return id;
    return -1;
}
