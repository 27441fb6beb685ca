/* The graph builder: sharing, rules, scopes, sentences, failures. */
#include "core/ops/ops.h"
#include "tests/support/check.h"
#include <math.h>
#include <stdlib.h>

static const imnn_shape vector = {1, {3}}, matrix = {2, {2, 3}}, number = {0};

static imnn_graph *fresh(void)
{
    imnn_graph *g = NULL;
    return imnn_graph_new(&g) == IMNN_OK ? g : NULL;
}

static imnn_node input(imnn_graph *g, const imnn_shape *shape)
{
    return imnn_graph_input(g, IMNN_F32, shape);
}

static int find(const char *name) { return imnn_op_find(name); }

static int is(const imnn_graph *g, imnn_node x, const char *name, const char *type)
{
    const imnn_vertex *v = imnn_vertex_of(g, x);
    char text[256];
    snprintf(text, sizeof text, "%s %s", imnn_dtype_name(v->type.dtype),
             imnn_shape_text(&v->type.shape).s);
    return v->op && !strcmp(v->op->name, name) && !strcmp(text, type);
}

static int is_number(const imnn_graph *g, imnn_node x, double value)
{
    double found;
    return imnn_graph_is_number(g, x, &found) && found == value;
}

/* The failure that sticks is this one; it is taken away. */
static int fails(imnn_graph *g, imnn_status status, const char *sentence)
{
    return imnn_graph_status(g) == status && says(sentence) && imnn_graph_status(g) == IMNN_OK;
}

static int equal_work_is_one_node(void)
{
    imnn_graph *g = fresh();
    imnn_node x = input(g, &matrix), y = input(g, &matrix), v = input(g, &vector);
    CHECK(x != y && g_exp(g, x) == g_exp(g, x) && g_exp(g, x) != g_exp(g, y));
    CHECK(g_add(g, x, y) == g_add(g, x, y) && g_add(g, x, y) != g_sub(g, x, y));
    CHECK(g_add(g, x, v) == g_add(g, x, v) && is(g, g_add(g, x, v), "add", "f32 (2, 3)"));
    imnn_attr swap = {2, {1, 0}}, longer = {6, {0, 2, 1, 1, 1, 2}};
    CHECK(g_transpose(g, x, &swap) == g_transpose(g, x, &swap));
    CHECK(g_slice(g, x, &longer) == g_slice(g, x, &longer));
    longer.v[5] = 1;
    CHECK(is(g, g_slice(g, x, &longer), "slice", "f32 (2, 1)"));
    imnn_node many[1000];
    for (int i = 0; i < 1000; i++) many[i] = g_mul(g, x, g_number(g, x, 2 + i));
    for (int i = 0; i < 1000; i++) CHECK(many[i] == g_mul(g, x, g_number(g, x, 2 + i)));
    const imnn_vertex *first = imnn_vertex_of(g, x);
    for (int i = 0; i < 5000; i++) input(g, &vector);
    CHECK(first == imnn_vertex_of(g, x) && is(g, many[7], "mul", "f32 (2, 3)"));
    CHECK(imnn_graph_status(g) == IMNN_OK);
    imnn_graph_release(g);
    imnn_apply_forget();
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int constants_are_shared(void)
{
    enum { LARGE = 2000 };
    static double values[LARGE];
    imnn_graph *g = fresh();
    imnn_array *a, *b, *c, *d;
    const imnn_shape large = {1, {LARGE}}, column = {2, {3, 1}};
    CHECK(imnn_array_from(&a, IMNN_F32, &vector, values) == IMNN_OK);
    CHECK(imnn_array_from(&b, IMNN_F32, &vector, values) == IMNN_OK);
    CHECK(imnn_array_from(&c, IMNN_I32, &vector, values) == IMNN_OK);
    CHECK(imnn_array_from(&d, IMNN_F32, &column, values) == IMNN_OK);
    imnn_node x = imnn_graph_constant(g, a);
    CHECK(x && x == imnn_graph_constant(g, b) && imnn_graph_value(g, x) == a);
    CHECK(x != imnn_graph_constant(g, c) && x != imnn_graph_constant(g, d));
    imnn_array_release(b);
    imnn_array_release(c);
    CHECK(imnn_array_from(&b, IMNN_F32, &large, values) == IMNN_OK);
    CHECK(imnn_array_from(&c, IMNN_F32, &large, values) == IMNN_OK);
    CHECK(imnn_graph_constant(g, b) == imnn_graph_constant(g, b));
    CHECK(imnn_graph_constant(g, b) != imnn_graph_constant(g, c));
    CHECK(imnn_graph_number(g, IMNN_F32, 0.1) == imnn_graph_number(g, IMNN_F32, 0.1));
    CHECK(imnn_graph_number(g, IMNN_F32, 0.) != imnn_graph_number(g, IMNN_F32, -0.));
    CHECK(imnn_graph_number(g, IMNN_F32, 1) != imnn_graph_number(g, IMNN_F64, 1));
    imnn_array_release(a);
    imnn_array_release(b);
    imnn_array_release(c);
    imnn_array_release(d);
    imnn_graph_release(g);
    imnn_apply_forget();
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int known_numbers_simplify(void)
{
    imnn_graph *g = fresh();
    imnn_node x = input(g, &matrix), zero = g_number(g, x, 0), one = g_number(g, x, 1);
    imnn_node two = g_number(g, x, 2), i = imnn_graph_input(g, IMNN_I32, &vector);
    CHECK(g_add(g, x, zero) == x && g_add(g, zero, x) == x && g_sub(g, x, zero) == x);
    CHECK(g_mul(g, x, one) == x && g_mul(g, one, x) == x && g_div(g, x, one) == x);
    CHECK(is(g, g_mul(g, x, zero), "mul", "f32 (2, 3)")); /* x may be NaN */
    CHECK(is(g, g_sub(g, zero, x), "sub", "f32 (2, 3)"));
    CHECK(g_neg(g, g_neg(g, x)) == x);
    CHECK(g_add(g, i, g_number(g, i, 0)) == i);
    imnn_node wide = imnn_graph_input(g, IMNN_F32, &number);
    CHECK(is(g, g_mul(g, wide, g_full_like(g, x, 1)), "broadcast", "f32 (2, 3)"));
    CHECK(is_number(g, g_add(g, two, g_full_like(g, x, 0.5)), 2.5));
    CHECK(is(g, g_add(g, two, g_full_like(g, x, 0.5)), "broadcast", "f32 (2, 3)"));
    CHECK(is_number(g, g_div(g, one, g_number(g, x, 3)), 1.f / 3.f));
    CHECK(is_number(g, g_sub(g, one, g_mul(g, two, two)), -3) && is_number(g, g_neg(g, two), -2));
    CHECK(isnan(*(const float *)imnn_graph_value(g, g_div(g, zero, zero))->data));
    imnn_node large = imnn_graph_number(g, IMNN_U32, 4294967295.);
    CHECK(is_number(g, g_add(g, large, imnn_graph_number(g, IMNN_U32, 2)), 1));
    CHECK(is_number(g, g_mul(g, large, large), 1)); /* modulo 2^32 */
    CHECK(is(g, g_exp(g, g_full_like(g, x, 2)), "broadcast", "f32 (2, 3)"));
    CHECK(is_number(g, g_exp(g, two), 7.38905621f)); /* computed at once */
    imnn_node yes = imnn_graph_number(g, IMNN_BOOL, 1), no = imnn_graph_number(g, IMNN_BOOL, 0);
    imnn_node y = input(g, &vector), chosen = g_where(g, no, x, y);
    CHECK(g_where(g, yes, x, y) == x && is(g, chosen, "broadcast", "f32 (2, 3)"));
    CHECK(imnn_vertex_of(g, chosen)->x[0] == y);
    CHECK(imnn_graph_status(g) == IMNN_OK);
    imnn_graph_release(g);
    return 0;
}

static int powers_become_products(void)
{
    imnn_graph *g = fresh();
    imnn_node x = input(g, &vector), n[9];
    for (int k = 0; k <= 8; k++) n[k] = g_pow(g, x, g_number(g, x, k));
    CHECK(is_number(g, n[0], 1) && is(g, n[0], "broadcast", "f32 (3)"));
    CHECK(n[1] == x && n[2] == g_mul(g, x, x) && n[4] == g_mul(g, n[2], n[2]));
    CHECK(n[3] == g_mul(g, n[2], x) && n[6] == g_mul(g, n[3], n[3]));
    CHECK(n[7] == g_mul(g, n[6], x) && n[8] == g_mul(g, n[4], n[4]));
    CHECK(g_pow(g, x, g_number(g, x, -3)) == g_reciprocal(g, n[3]));
    CHECK(g_pow(g, x, g_number(g, x, 0.5)) == g_sqrt(g, x));
    CHECK(is(g, g_pow(g, x, g_number(g, x, 9)), "pow", "f32 (3)"));
    CHECK(is(g, g_pow(g, x, g_number(g, x, 1.5)), "pow", "f32 (3)"));
    CHECK(is(g, g_pow(g, x, g_full_like(g, input(g, &matrix), 2)), "broadcast", "f32 (2, 3)"));
    CHECK(imnn_graph_status(g) == IMNN_OK);
    imnn_graph_release(g);
    return 0;
}

static int moves_simplify(void)
{
    imnn_graph *g = fresh();
    const imnn_shape six = {1, {6}}, cube = {3, {4, 2, 3}}, three = {3, {1, 1, 3}},
                     ones = {2, {1, 1}};
    imnn_node x = input(g, &matrix), v = input(g, &vector), c = input(g, &cube);
    const imnn_attr swap = {2, {1, 0}}, turn = {3, {1, 2, 0}}, back = {3, {2, 0, 1}};
    CHECK(g_transpose(g, g_transpose(g, x, &swap), &swap) == x && g_swap(g, g_swap(g, c)) == c);
    CHECK(g_transpose(g, g_transpose(g, c, &turn), &back) == c);
    CHECK(g_transpose(g, g_transpose(g, c, &turn), &turn) == g_transpose(g, c, &back));
    CHECK(g_transpose(g, c, &(imnn_attr){3, {0, 1, 2}}) == c);
    CHECK(g_reshape(g, x, &matrix) == x && g_reshape(g, g_reshape(g, x, &six), &matrix) == x);
    CHECK(g_broadcast(g, v, &vector) == v);
    CHECK(g_broadcast(g, g_broadcast(g, v, &matrix), &cube) == g_broadcast(g, v, &cube));
    CHECK(g_slice(g, x, &(imnn_attr){6, {0, 2, 1, 0, 3, 1}}) == x);
    CHECK(g_pad(g, x, &(imnn_attr){6, {0}}) == x && g_convert(g, x, IMNN_F32) == x);
    CHECK(g_squeeze(g, g_expand(g, x, 1), 1) == x);
    CHECK(g_sum(g, g_expand(g, x, 2), &(imnn_attr){1, {2}}) == x);
    CHECK(is(g, g_sum(g, input(g, &three), &(imnn_attr){2, {0, 1}}), "reshape", "f32 (3)"));
    imnn_node small = g_convert(g, g_broadcast(g, v, &matrix), IMNN_F64);
    CHECK(is(g, small, "broadcast", "f64 (2, 3)") &&
          imnn_vertex_of(g, small)->x[0] == g_convert(g, v, IMNN_F64));
    imnn_node half = g_full_like(g, x, 0.5);
    CHECK(is_number(g, g_reshape(g, half, &six), 0.5) && is_number(g, g_swap(g, half), 0.5));
    CHECK(is(g, g_reshape(g, half, &six), "broadcast", "f32 (6)"));
    CHECK(is(g, g_reshape(g, g_number(g, x, 2), &ones), "broadcast", "f32 (1, 1)"));
    CHECK(is_number(g, g_slice(g, half, &(imnn_attr){6, {1, 1, 1, 0, 3, 1}}), 0.5));
    CHECK(is_number(g, g_convert(g, g_full_like(g, x, -2.5), IMNN_I32), -2));
    CHECK(is_number(g, g_convert(g, half, IMNN_BOOL), 1));
    CHECK(is(g, g_convert(g, g_full_like(g, x, 1e30), IMNN_I32), "broadcast", "i32 (2, 3)"));
    CHECK(!is_number(g, g_convert(g, g_full_like(g, x, 1e30), IMNN_I32), 0));
    CHECK(is(g, g_stop_gradient(g, x), "stop_gradient", "f32 (2, 3)"));
    CHECK(g_stop_gradient(g, g_stop_gradient(g, x)) == g_stop_gradient(g, x));
    CHECK(g_stop_gradient(g, half) == half);
    CHECK(imnn_graph_status(g) == IMNN_OK);
    imnn_graph_release(g);
    return 0;
}

/* What is repeated is computed once: the operator comes before the broadcast. */
static int repeated_inputs_are_computed_once(void)
{
    imnn_graph *g = fresh();
    const imnn_shape cube = {3, {4, 2, 3}}, column = {2, {2, 1}};
    imnn_node v = input(g, &vector), w = input(g, &vector), x = input(g, &cube);
    imnn_node a = g_broadcast(g, v, &cube), b = g_broadcast(g, w, &cube);
    imnn_node y = g_mul(g, a, b),
              column_sum = g_add(g, a, g_broadcast(g, input(g, &column), &cube));
    CHECK(is(g, y, "broadcast", "f32 (4, 2, 3)") && imnn_vertex_of(g, y)->x[0] == g_mul(g, v, w));
    CHECK(is(g, g_sin(g, a), "broadcast", "f32 (4, 2, 3)"));
    CHECK(is(g, column_sum, "broadcast", "f32 (4, 2, 3)"));
    CHECK(is(g, imnn_vertex_of(g, column_sum)->x[0], "add", "f32 (2, 3)"));
    CHECK(is(g, g_mul(g, a, x), "mul", "f32 (4, 2, 3)"));
    imnn_node outer = g_mul(g, v, g_expand(g, w, 1));
    CHECK(is(g, outer, "mul", "f32 (3, 3)"));
    CHECK(is(g, g_lt(g, a, g_number(g, a, 2)), "broadcast", "bool (4, 2, 3)"));
    CHECK(imnn_graph_status(g) == IMNN_OK);
    imnn_graph_release(g);
    return 0;
}

static imnn_node apply(imnn_graph *g, const char *name, int n, const imnn_node *x, imnn_attr attr)
{
    return imnn_graph_apply(g, find(name), n, x, &attr);
}

static int sentences(void)
{
    imnn_graph *g = fresh();
    imnn_node x[3] = {input(g, &matrix), input(g, &matrix), imnn_graph_input(g, IMNN_F64, &matrix)};
    imnn_node flag = imnn_graph_input(g, IMNN_BOOL, &matrix),
              v[2] = {x[0], input(g, &(imnn_shape){1, {2}})};
    const imnn_attr none = {0};
#define REFUSES(call, status, sentence) CHECK((call) == 0 && fails(g, status, sentence))
    REFUSES(apply(g, "add", 2, x + 1, none), IMNN_EDTYPE,
            "add: inputs differ in dtype, f32 and f64");
    REFUSES(apply(g, "add", 2, v, none), IMNN_ESHAPE,
            "add: shapes do not broadcast, (2, 3) and (2)");
    REFUSES(apply(g, "add", 1, x, none), IMNN_EVALUE, "add: takes 2 inputs, got 1");
    REFUSES(imnn_graph_apply(g, 1000, 1, x, NULL), IMNN_EVALUE, "graph: there is no operator 1000");
    REFUSES(imnn_graph_apply(g, -1, 1, x, NULL), IMNN_EVALUE, "graph: there is no operator -1");
    REFUSES(apply(g, "exp", 1, (imnn_node[]){99}, none), IMNN_EVALUE, "exp: input 1 is no node");
    REFUSES(apply(g, "exp", 1, &flag, none), IMNN_EDTYPE,
            "exp: works on f32 f64 c64 c128, got bool");
    REFUSES(apply(g, "where", 3, x, none), IMNN_EDTYPE,
            "where: the condition must be bool, got f32");
    REFUSES(apply(g, "where", 3, (imnn_node[]){flag, x[0], x[2]}, none), IMNN_EDTYPE,
            "where: inputs differ in dtype, f32 and f64");
    REFUSES(apply(g, "exp", 1, x, (imnn_attr){29, {0}}), IMNN_EVALUE,
            "exp: at most 28 attributes, got 29");
    REFUSES(apply(g, "concatenate", 5000, x, none), IMNN_EVALUE,
            "concatenate: takes at most 4096 inputs, got 5000");
    REFUSES(apply(g, "reshape", 1, x, (imnn_attr){2, {2, 4}}), IMNN_ESHAPE,
            "reshape: (2, 3) has another number of elements than (2, 4)");
    REFUSES(apply(g, "reshape", 1, x, (imnn_attr){2, {-2, -3}}), IMNN_EVALUE,
            "reshape: negative size in (-2, -3)");
    REFUSES(apply(g, "reshape", 1, x, (imnn_attr){9, {6, 1, 1, 1, 1, 1, 1, 1, 1}}), IMNN_EVALUE,
            "reshape: at most 8 axes, got 9");
    REFUSES(apply(g, "broadcast", 1, x, (imnn_attr){2, {3, 3}}), IMNN_ESHAPE,
            "broadcast: (2, 3) does not stretch to (3, 3)");
    REFUSES(apply(g, "broadcast", 1, (imnn_node[]){g_number(g, x[0], 1)}, (imnn_attr){9, {0}}),
            IMNN_EVALUE, "broadcast: at most 8 axes, got 9");
    const imnn_shape cube = {3, {2, 2, 3}};
    imnn_node stretched = g_broadcast(g, x[0], &cube);
    REFUSES(apply(g, "broadcast", 1, &stretched, (imnn_attr){2, {2, 3}}), IMNN_ESHAPE,
            "broadcast: (2, 2, 3) does not stretch to (2, 3)"); /* though its own input would */
    REFUSES(apply(g, "broadcast", 1, x, (imnn_attr){3, {(int64_t)1 << 61, 2, 3}}), IMNN_ENOMEM,
            "broadcast: (2305843009213693952, 2, 3) are more elements than any memory holds");
    REFUSES(apply(g, "transpose", 1, x, (imnn_attr){2, {0, 0}}), IMNN_EVALUE,
            "transpose: the axes must be a permutation of those of (2, 3)");
    REFUSES(apply(g, "transpose", 1, x, (imnn_attr){2, {0, 2}}), IMNN_EVALUE,
            "transpose: the axes must be a permutation of those of (2, 3)");
    REFUSES(apply(g, "slice", 1, x, (imnn_attr){6, {0, 2, 1, 1, 3, 1}}), IMNN_EVALUE,
            "slice: 3 elements from 2 in steps of 1 leave axis 2 of (2, 3)");
    REFUSES(
        apply(g, "slice", 1, x, (imnn_attr){6, {0, 2, 1, 2, INT64_MAX, INT64_MIN}}), IMNN_EVALUE,
        "slice: 9223372036854775807 elements from 3 in steps of -9223372036854775808 leave axis 2 "
        "of (2, 3)");
    REFUSES(apply(g, "slice", 1, x, none), IMNN_EVALUE,
            "slice: needs a range for each of the 2 axes");
    REFUSES(apply(g, "pad", 1, x, (imnn_attr){6, {0, 0, 0, 0, -1, 0}}), IMNN_EVALUE,
            "pad: negative width along axis 2");
    REFUSES(apply(g, "pad", 1, x, (imnn_attr){6, {0, 0, 0, 0, INT64_MAX, 0}}), IMNN_EVALUE,
            "pad: too much along axis 2");
    REFUSES(apply(g, "pad", 1, x, none), IMNN_EVALUE,
            "pad: needs three widths for each of the 2 axes");
    REFUSES(apply(g, "convert", 1, x, (imnn_attr){1, {9}}), IMNN_EDTYPE,
            "convert: there is no such dtype");
    REFUSES(apply(g, "iota", 0, NULL, (imnn_attr){3, {0, 1, 4}}), IMNN_EVALUE,
            "iota: no axis 2 in (4)");
    REFUSES(apply(g, "iota", 0, NULL, (imnn_attr){3, {0, 0, -4}}), IMNN_EVALUE,
            "iota: negative size in (-4)");
    REFUSES(apply(g, "iota", 0, NULL, (imnn_attr){3, {IMNN_BOOL, 0, 4}}), IMNN_EDTYPE,
            "iota: counts in numbers only");
    REFUSES(apply(g, "iota", 0, NULL, none), IMNN_EVALUE, "iota: needs 1 to 8 axes");
    REFUSES(input(g, &(imnn_shape){9, {0}}), IMNN_EVALUE, "input: 0 to 8 axes, got 9");
    REFUSES(input(g, &(imnn_shape){1, {-1}}), IMNN_EVALUE, "input: negative size in (-1)");
    REFUSES(imnn_graph_placeholder(g, (imnn_dtype)7, &vector), IMNN_EDTYPE,
            "placeholder: no dtype has the number 7");
    imnn_graph_release(g);
    return 0;
}

static int the_first_failure_sticks(void)
{
    imnn_graph *g = fresh();
    imnn_node x = input(g, &matrix);
    imnn_node y = g_add(g, x, input(g, &(imnn_shape){1, {2}}));
    CHECK(y == 0 && g_exp(g, y) == 0 && g_exp(g, x) == 0 && g_reshape(g, x, &vector) == 0);
    CHECK(g_swap(g, y) == 0 && g_squeeze(g, y, 3) == 0 && g_expand(g, y, 3) == 0);
    CHECK(imnn_graph_placeholder(g, IMNN_F32, &vector) == 0 && g_number(g, y, 1) == 0);
    imnn_node dx = 7;
    CHECK(imnn_graph_vjp(g, 1, &x, &x, 1, &x, &dx) == IMNN_ESHAPE && dx == 0);
    CHECK(says("add: shapes do not broadcast, (2, 3) and (2)"));
    CHECK(is(g, g_exp(g, x), "exp", "f32 (2, 3)")); /* the transform took it away */
    CHECK(imnn_graph_shape(g, 0)->ndim == 0 && !imnn_graph_value(g, -1) && !imnn_graph_left(g, 0));
    CHECK(imnn_graph_dtype(g, 12345) == IMNN_F32 && imnn_graph_status(g) == IMNN_OK);
    imnn_graph_release(g);
    imnn_graph_release(NULL);
    return 0;
}

static int scopes_close(void)
{
    imnn_graph *g = fresh();
    imnn_node x = input(g, &vector);
    int32_t outer = imnn_graph_open(g);
    imnn_node a = imnn_graph_placeholder(g, IMNN_F32, &vector);
    int32_t inner = imnn_graph_open(g);
    imnn_node b = imnn_graph_placeholder(g, IMNN_F32, &vector), c = g_mul(g, g_exp(g, a), b);
    CHECK(outer && inner && a != b && !imnn_graph_left(g, c));
    imnn_graph_close(g, inner);
    CHECK(imnn_graph_left(g, c) && imnn_graph_left(g, b) && !imnn_graph_left(g, g_exp(g, a)));
    CHECK(imnn_graph_apply(g, find("exp"), 1, &c, NULL) == 0);
    CHECK(fails(g, IMNN_EVALUE, "exp: a traced array has left its function"));
    CHECK(g_exp(g, c)); /* transforms may still use it */
    imnn_node d = imnn_graph_placeholder(g, IMNN_F32, &vector);
    int32_t forgotten = imnn_graph_open(g);
    imnn_node e = imnn_graph_placeholder(g, IMNN_F32, &vector);
    imnn_graph_close(g, outer);
    CHECK(forgotten && imnn_graph_left(g, d) && imnn_graph_left(g, e) && !imnn_graph_left(g, x));
    imnn_graph_close(g, outer);
    imnn_graph_close(g, 0);
    imnn_graph_close(g, 77);
    CHECK(!imnn_graph_left(g, imnn_graph_placeholder(g, IMNN_F32, &vector)));
    for (int i = 0; i < 100; i++) CHECK(imnn_graph_open(g) == forgotten + 1 + i);
    CHECK(imnn_graph_status(g) == IMNN_OK);
    imnn_graph_release(g);
    return 0;
}

static int graphs_are_readable(void)
{
    imnn_graph *g = fresh();
    imnn_node x = input(g, &matrix), unused = g_exp(g, x);
    imnn_graph_open(g);
    imnn_node p = imnn_graph_placeholder(g, IMNN_F32, &vector);
    imnn_node turned = g_swap(g, x), half = g_number(g, x, 0.5);
    imnn_node y[2] = {g_mul(g, turned, half), 0};
    y[1] = g_sin(g, p);
    CHECK(unused && y[0]);
    CHECK(!strcmp(imnn_graph_text(g, 2, y), "%1 f32 (2, 3) = input\n"
                                            "%3 f32 (3) = placeholder\n"
                                            "%4 f32 (3, 2) = transpose(%1)  {1, 0}\n"
                                            "%5 f32 () = 0.5\n"
                                            "%6 f32 (3, 2) = broadcast(%5)  {3, 2}\n"
                                            "%7 f32 (3, 2) = mul(%4, %6)\n"
                                            "%8 f32 (3) = sin(%3)\n"
                                            "gives %7, %8\n"));
    CHECK(!strcmp(imnn_graph_text(g, 1, (imnn_node[]){0}), "gives %0\n"));
    imnn_graph_release(g);
    return 0;
}

static int formulas(void)
{
    imnn_graph *g = fresh();
    const char *const names[] = {"y", "dy", "x"};
    imnn_node x = input(g, &vector), y = g_tanh(g, x), dy = input(g, &vector);
    const imnn_node values[] = {y, dy, x};
#define FORMULA(text) imnn_formula(g, text, names, values, 3)
    imnn_node slope = g_mul(g, dy, g_sub(g, g_number(g, y, 1), g_mul(g, y, y)));
    CHECK(FORMULA("dy * (1 - y * y)") == slope && FORMULA("dy*(1-y*y)") == slope);
    CHECK(FORMULA("-dy / 2.5") == g_div(g, g_neg(g, dy), g_number(g, y, 2.5)));
    CHECK(FORMULA("where(gt(x, 0), dy, -.5)") ==
          g_where(g, g_gt(g, x, g_number(g, x, 0)), dy, g_number(g, x, -.5)));
    CHECK(FORMULA("dy * z") == 0 &&
          fails(g, IMNN_EVALUE, "formula \"dy * z\": unknown name at \"\""));
    CHECK(FORMULA("(dy") == 0 && fails(g, IMNN_EVALUE, "formula \"(dy\": missing ) at \"\""));
    CHECK(FORMULA("sine(x)") == 0 &&
          fails(g, IMNN_EVALUE, "formula \"sine(x)\": no such operator at \"x)\""));
    CHECK(FORMULA("sin(x, y)") == 0 &&
          fails(g, IMNN_EVALUE, "formula \"sin(x, y)\": wrong arguments at \"\""));
    CHECK(FORMULA("x y") == 0 && fails(g, IMNN_EVALUE, "formula \"x y\": left over at \"y\""));
    imnn_graph_release(g);
    return 0;
}

/* Whatever the table says can be asked for, and every rule can be read. */
static int the_table_is_whole(void)
{
    const char *const names[] = {"y", "dy", "a", "b", "c"};
    for (int id = 0; id < imnn_op_count(); id++) {
        const imnn_op_info *op = imnn_op_get(id);
        imnn_graph *g = fresh();
        CHECK(op && imnn_op_find(op->name) == id && op->doc && op->doc[0] && op->dtypes[0]);
        CHECK(op->elementwise || op->cases);
        imnn_node x = imnn_graph_input(g, strstr(op->dtypes, "f32") ? IMNN_F32 : IMNN_I32, &vector);
        imnn_node values[] = {x, x, x, x, x};
        if (!strcmp(op->name, "where")) values[2] = imnn_graph_input(g, IMNN_BOOL, &vector);
        for (int i = 0; op->elementwise && i < op->arity; i++) {
            CHECK(op->rule[i]);
            const bool formula = op->rule[i][0] && op->rule[i][0] != '!';
            CHECK((op->smooth >> i & 1) == formula);
            const char *const one[] = {"y", "dy", "x"};
            if (formula)
                CHECK(imnn_formula(g, op->rule[i], op->arity == 1 ? one : names, values,
                                   2 + op->arity));
        }
        CHECK(imnn_graph_status(g) == IMNN_OK);
        imnn_graph_release(g);
    }
    CHECK(!imnn_op_get(-1) && !imnn_op_get(imnn_op_count()) && imnn_op_find("nothing") == -1);
    CHECK(!strcmp(imnn_op_get(find("lt"))->gives, "bool") && !imnn_op_get(find("add"))->gives);
    CHECK(!strcmp(imnn_op_get(find("not"))->dtypes, "i32 u32 bool"));
    CHECK(imnn_op_get(find("where"))->smooth == 6 && imnn_op_get(find("matmul"))->smooth == 3);
    return 0;
}

/* Bodies are no numbers that anybody could write down. */
static int operators_of_bodies_have_builders(void)
{
    imnn_graph *g = fresh();
    imnn_node x = input(g, &vector);
    CHECK(imnn_graph_apply(g, find("loop"), 1, &x, NULL) == 0 &&
          fails(g, IMNN_EVALUE, "loop: is made by imnn_graph_scan and imnn_graph_while"));
    CHECK(imnn_graph_apply(g, find("branch"), 1, &x, NULL) == 0 &&
          fails(g, IMNN_EVALUE, "branch: is made by imnn_graph_branch"));
    CHECK(imnn_graph_apply(g, find("custom"), 1, &x, NULL) == 0 &&
          fails(g, IMNN_EVALUE, "custom: is made by imnn_graph_custom_jvp or _vjp"));
    imnn_graph_release(g);
    return 0;
}

/* As those of a node, which rules hand on. */
static int attributes_end_with_their_last_number(void)
{
    volatile int numbers = 2; /* compilers do not like what they see otherwise */
    imnn_attr *attr = malloc(offsetof(imnn_attr, v) + (size_t)numbers * sizeof(int64_t));
    imnn_array *x = NULL, *y = NULL;
    imnn_graph *g = fresh();
    CHECK(attr && imnn_array_from(&x, IMNN_F64, &vector, (double[]){1, 2, 3}) == IMNN_OK);
    attr->n = numbers, attr->v[0] = 0, attr->v[1] = 1; /* backward */
    CHECK(imnn_apply(&y, find("cumsum"), 1, (const imnn_array *const *)&x, attr) == IMNN_OK);
    CHECK(((const double *)y->data)[0] == 6);
    imnn_array *none;
    CHECK(imnn_apply(&none, find("cumsum"), 1, (const imnn_array *const *)&x,
                     &(imnn_attr){.n = 1000}) == IMNN_EVALUE &&
          !none && says("cumsum: at most 28 attributes, got 1000"));
    imnn_node c = imnn_graph_constant(g, x);
    imnn_node sum = imnn_graph_apply(g, find("cumsum"), 1, &c, attr);
    CHECK(imnn_graph_value(g, sum) && ((const double *)imnn_graph_value(g, sum)->data)[2] == 3);
    imnn_graph_release(g);
    imnn_array_release(x);
    imnn_array_release(y);
    imnn_apply_forget();
    free(attr);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static imnn_node second_derivative(imnn_graph *g, imnn_node x)
{
    imnn_node y = g_sum(g, g_tanh(g, g_mul(g, x, x)), NULL), one = g_number(g, x, 1), dx = 0;
    for (int k = 0; k < 2; k++) {
        imnn_node t = 0, v = g_full_like(g, x, 1);
        if (imnn_graph_vjp(g, 1, &y, &one, 1, &x, &dx) != IMNN_OK) return 0;
        if (imnn_graph_jvp(g, 1, &dx, 1, &x, &v, &t) != IMNN_OK) return 0;
        y = g_sum(g, t, NULL);
    }
    return y;
}

static imnn_status build_everything(void)
{
    imnn_graph *g = NULL;
    const imnn_shape many = {2, {5, 3}};
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    imnn_node x = input(g, &vector), batch = input(g, &many), yb = 0;
    int32_t scope = imnn_graph_open(g);
    imnn_node p = imnn_graph_placeholder(g, IMNN_F32, &vector), y = second_derivative(g, p);
    st = y ? imnn_graph_vmap(g, 1, &y, 1, &p, &batch, &yb) : IMNN_ENOMEM;
    if (st == IMNN_OK) st = imnn_graph_substitute(g, 1, &y, 1, &p, &x, &y);
    imnn_graph_close(g, scope);
    for (int i = 0; i < 300; i++) x = g_sin(g, x);
    for (int i = 0; i < 20; i++) imnn_graph_open(g);
    imnn_node sum = g_add(g, g_add(g, yb, y), g_sum(g, x, NULL));
    if (st == IMNN_OK) st = imnn_graph_status(g);
    if (st == IMNN_OK && strstr(imnn_graph_text(g, 1, &sum), "no memory")) st = IMNN_ENOMEM;
    imnn_graph_release(g);
    return st;
}

static int every_allocation_fails_once(void)
{
    int n = 0;
    for (int ok = 0; !ok; n++) {
        imnn_test_fail_alloc(n);
        imnn_status st = build_everything();
        ok = st == IMNN_OK;
        CHECK(ok || st == IMNN_ENOMEM);
        imnn_apply_forget();
        CHECK(imnn_live_bytes() == 0);
    }
    imnn_test_fail_alloc(-1);
    CHECK(n > 50);
    return 0;
}

int main(void)
{
    return equal_work_is_one_node() || constants_are_shared() || known_numbers_simplify() ||
           powers_become_products() || moves_simplify() || repeated_inputs_are_computed_once() ||
           sentences() || the_first_failure_sticks() || scopes_close() || graphs_are_readable() ||
           formulas() || the_table_is_whole() || operators_of_bodies_have_builders() ||
           attributes_end_with_their_last_number() || every_allocation_fails_once();
}
