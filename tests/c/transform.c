/* Transforms: every operator's rules against differences and loops, and nested ones against
 * derivatives found by hand. */
#include "tests/support/cases.h"
#include "tests/support/world.h"

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * (1 + fabs(a) + fabs(b));
}

/* ---- every operator ---- */

/** An operator applied to random inputs, and along random directions. */
typedef struct trial {
    world w;
    int n, moving; /* inputs; those of them that can move */
    imnn_node x[MOST_CASE_INPUTS], move[MOST_CASE_INPUTS], t[2][MOST_CASE_INPUTS], y;
    uint32_t state;
} trial;

static bool begin(trial *t, const op_case *c, uint32_t state)
{
    *t = (trial){.n = c->n, .state = state};
    if (imnn_graph_new(&t->w.g) != IMNN_OK) return false;
    const uint32_t smooth = imnn_op_get(c->op->id)->smooth;
    for (int i = 0; i < c->n; i++) {
        imnn_array *a = sample(c->op, &c->in[i], &t->state);
        if (!a) return false;
        t->x[i] = give(&t->w, a);
        if ((c->in[i].dtype == IMNN_F64 || c->in[i].dtype == IMNN_C128) && smooth >> i & 1)
            t->move[t->moving++] = t->x[i];
    }
    t->y = imnn_graph_apply(t->w.g, c->op->id, c->n, t->x, &c->attr);
    return imnn_graph_ok(t->w.g);
}

/** A random array like x, from -1 to 1. */
static imnn_node direction(trial *t, imnn_node x)
{
    static const imnn_op ruler = {.range = {-1, 1}};
    return give(&t->w, sample(&ruler, &imnn_vertex_of(t->w.g, x)->type, &t->state));
}

/** sum_i Re(a[i] b[i]), where a 0 is zero */
static imnn_node dot(imnn_graph *g, int n, const imnn_node *a, const imnn_node *b)
{
    imnn_node sum = imnn_graph_number(g, IMNN_F64, 0);
    for (int i = 0; i < n; i++)
        if (a[i] && b[i]) sum = g_add(g, sum, g_sum(g, g_real(g, g_mul(g, a[i], b[i])), NULL));
    return sum;
}

/** Moves the inputs by h along direction d. */
static void shift(trial *t, int d, double h)
{
    for (int i = 0; i < t->moving; i++) {
        imnn_array *x = NULL, *v = NULL;
        for (int k = 0; k < t->w.n; k++) {
            if (t->w.x[k] == t->move[i]) x = t->w.value[k];
            if (t->w.x[k] == t->t[d][i]) v = t->w.value[k];
        }
        for (int64_t k = 0; k < numbers(x); k++) ((double *)x->data)[k] += h * element(v, k);
    }
}

/* first[0], first[1]: <u, J t> = <J^T u, t>; first[2]: <u, y>, of which it is the slope;
 * second: the same for <J^T u, t>, along another direction. */
static bool derive(trial *t, imnn_node first[3], imnn_node second[2])
{
    imnn_graph *g = t->w.g;
    imnn_node u = direction(t, t->y), dy = 0, dt = 0, dx[MOST_CASE_INPUTS], d2[MOST_CASE_INPUTS];
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < t->moving; i++) t->t[k][i] = direction(t, t->move[i]);
    if (imnn_graph_vjp(g, 1, &t->y, &u, t->moving, t->move, dx) != IMNN_OK) return false;
    if (imnn_graph_jvp(g, 1, &t->y, t->moving, t->move, t->t[0], &dy) != IMNN_OK) return false;
    first[0] = dot(g, 1, &u, &dy), first[1] = dot(g, t->moving, dx, t->t[0]);
    first[2] = dot(g, 1, &u, &t->y);
    imnn_node one = imnn_graph_number(g, IMNN_F64, 1);
    if (imnn_graph_vjp(g, 1, &first[0], &one, t->moving, t->move, d2) != IMNN_OK) return false;
    if (imnn_graph_jvp(g, 1, &first[1], t->moving, t->move, t->t[1], &dt) != IMNN_OK) return false;
    second[0] = dot(g, t->moving, d2, t->t[1]);
    second[1] = dt ? dt : imnn_graph_number(g, IMNN_F64, 0);
    return imnn_graph_ok(g);
}

/** Central difference of a value along direction d. */
static double slope(trial *t, imnn_node y, int d)
{
    const double h = 1e-5;
    shift(t, d, h);
    double high = number_of(&t->w, y);
    shift(t, d, -2 * h);
    double low = number_of(&t->w, y);
    shift(t, d, h);
    return (high - low) / (2 * h);
}

static int has_exact_derivatives(const op_case *c, uint32_t seed)
{
    trial t;
    imnn_node first[3], second[2];
    CHECK(begin(&t, c, seed));
    const imnn_dtype dtype = imnn_graph_dtype(t.w.g, t.y);
    if (t.moving && (dtype == IMNN_F64 || dtype == IMNN_C128)) {
        CHECK(derive(&t, first, second));
        const double forward = number_of(&t.w, first[0]), reverse = number_of(&t.w, first[1]);
        const double again = number_of(&t.w, second[0]), other = number_of(&t.w, second[1]);
        CHECK(near(forward, reverse, 1e-12) && near(again, other, 1e-11));
        if (!c->op->phases || c->in[0].dtype == IMNN_F64) {
            CHECK(near(forward, slope(&t, first[2], 0), 1e-8));
            CHECK(near(again, slope(&t, first[1], 1), 1e-7));
        }
    }
    end(&t.w);
    return 0;
}

/** The same type with one more axis in front. */
static imnn_type batch_of(const imnn_type *t, int64_t size)
{
    imnn_type b = {t->dtype, {t->shape.ndim + 1, {size}}};
    memcpy(b.shape.size + 1, t->shape.size, (size_t)t->shape.ndim * sizeof *t->shape.size);
    return b;
}

static imnn_array *example_of(const imnn_array *batch, int64_t size, int64_t i)
{
    imnn_array *a = NULL;
    imnn_shape s = {.ndim = batch->shape.ndim - 1};
    memcpy(s.size, batch->shape.size + 1, (size_t)s.ndim * sizeof *s.size);
    const size_t bytes = batch->bytes / (size_t)size;
    imnn_array_copy(&a, batch->dtype, &s, (const char *)batch->data + (size_t)i * bytes);
    return a;
}

static bool same_values(const imnn_array *a, const imnn_array *b)
{
    if (a->dtype != b->dtype || !imnn_shape_equal(&a->shape, &b->shape)) return false;
    for (int64_t i = 0; i < numbers(a); i++)
        if (!near(element(a, i), element(b, i), 1e-12)) return false;
    return true;
}

/* Inputs whose bit in `which` is set are batched. */
static int batches_like_a_loop(const op_case *c, uint32_t which, uint32_t seed)
{
    enum { SIZE = 3 };
    trial t;
    imnn_node x[MOST_CASE_INPUTS], xb[MOST_CASE_INPUTS], yb;
    imnn_array *all, *one, *single[MOST_CASE_INPUTS];
    int n = 0;
    CHECK(begin(&t, c, seed));
    for (int i = 0; i < c->n; i++) {
        if (!(which >> i & 1)) continue;
        imnn_type type = batch_of(&c->in[i], SIZE);
        x[n] = t.x[i], single[n] = t.w.value[i];
        xb[n++] = give(&t.w, sample(c->op, &type, &t.state));
    }
    CHECK(imnn_graph_vmap(t.w.g, 1, &t.y, n, x, xb, &yb) == IMNN_OK);
    CHECK(compute(&t.w, 1, &yb, &all) == IMNN_OK);
    for (int64_t i = 0; i < SIZE; i++) {
        for (int k = 0, j = 0; k < c->n; k++)
            if (which >> k & 1) t.w.value[k] = example_of(t.w.value[c->n + j++], SIZE, i);
        CHECK(compute(&t.w, 1, &t.y, &one) == IMNN_OK);
        imnn_array *row = yb == t.y ? imnn_array_retain(all) : example_of(all, SIZE, i);
        CHECK(same_values(row, one));
        imnn_array_release(row);
        imnn_array_release(one);
        for (int k = 0; k < c->n; k++)
            if (which >> k & 1) imnn_array_release(t.w.value[k]);
    }
    for (int k = 0, j = 0; k < c->n; k++)
        if (which >> k & 1) t.w.value[k] = single[j++];
    imnn_array_release(all);
    end(&t.w);
    return 0;
}

static int every_operator(void)
{
    for (int id = 0; id < imnn_op_count(); id++) {
        const imnn_op *op = imnn_op_table[id];
        const char *text = cases_of(op);
        op_case c;
        for (uint32_t seed = 7; next_case(&c, op, &text); seed++) do {
                int wrong = has_exact_derivatives(&c, seed);
                for (uint32_t which = 1; !wrong && which < 1u << c.n; which++)
                    wrong = batches_like_a_loop(&c, which, seed);
                if (wrong)
                    return printf("in %s, first input %s\n", c.text,
                                  imnn_dtype_name(c.in[0].dtype)),
                           1;
            } while (in_complex(&c));
    }
    return 0;
}

/* ---- nested transforms ---- */

typedef imnn_node function(imnn_graph *g, imnn_node x, const imnn_node *captured);

/** df/dx of a function that gives a number, as an outer function would see it. */
static imnn_node grad(imnn_graph *g, function *f, imnn_node x, const imnn_node *captured)
{
    int32_t scope = imnn_graph_open(g);
    imnn_node p = imnn_graph_placeholder(g, imnn_graph_dtype(g, x), imnn_graph_shape(g, x));
    imnn_node y = f(g, p, captured), one = g_full_like(g, y, 1), dx = 0;
    if (imnn_graph_vjp(g, 1, &y, &one, 1, &p, &dx) != IMNN_OK) return 0;
    if (!dx) dx = g_full_like(g, p, 0);
    if (imnn_graph_substitute(g, 1, &dx, 1, &p, &x, &dx) != IMNN_OK) return 0;
    imnn_graph_close(g, scope);
    return dx;
}

/** df/dx v */
static imnn_node push(imnn_graph *g, function *f, imnn_node x, imnn_node v,
                      const imnn_node *captured)
{
    int32_t scope = imnn_graph_open(g);
    imnn_node p = imnn_graph_placeholder(g, imnn_graph_dtype(g, x), imnn_graph_shape(g, x));
    imnn_node y = f(g, p, captured), dy = 0;
    if (imnn_graph_jvp(g, 1, &y, 1, &p, &v, &dy) != IMNN_OK) return 0;
    if (!dy) dy = g_full_like(g, y, 0);
    if (imnn_graph_substitute(g, 1, &dy, 1, &p, &x, &dy) != IMNN_OK) return 0;
    imnn_graph_close(g, scope);
    return dy;
}

/** f of every x[i] */
static imnn_node map(imnn_graph *g, function *f, imnn_node x, const imnn_node *captured)
{
    imnn_shape s = *imnn_graph_shape(g, x);
    const int64_t size = s.size[0];
    memmove(s.size, s.size + 1, sizeof s.size - sizeof *s.size), s.ndim--;
    int32_t scope = imnn_graph_open(g);
    imnn_node p = imnn_graph_placeholder(g, imnn_graph_dtype(g, x), &s);
    imnn_node y = f(g, p, captured), yb = 0;
    if (imnn_graph_vmap(g, 1, &y, 1, &p, &x, &yb) != IMNN_OK) return 0;
    imnn_graph_close(g, scope);
    return yb == y ? imnn_batch_lift(g, y, false, size) : yb;
}

static imnn_node product(imnn_graph *g, imnn_node y, const imnn_node *captured)
{
    return g_mul(g, captured[0], y);
}
/* x -> x * d(x y)/dy = x^2 */
static imnn_node with_inner_grad(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    return g_mul(g, x, grad(g, product, x, &x));
}
static imnn_node sum_of_both(imnn_graph *g, imnn_node y, const imnn_node *captured)
{
    return g_add(g, captured[0], y);
}
/* x -> x * d(x + y)/dy = x; a tangent of x that is taken for one of y makes it 2 x */
static imnn_node with_inner_push(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    imnn_node one = g_full_like(g, x, 1);
    return g_mul(g, x, push(g, sum_of_both, one, one, &x));
}
static imnn_node cube(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    return g_mul(g, g_mul(g, x, x), x);
}
static imnn_node cube_slope(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    return grad(g, cube, x, NULL);
}
static imnn_node cube_curvature(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    return grad(g, cube_slope, x, NULL);
}

static int derivatives_nest(void)
{
    world w = {0};
    CHECK(imnn_graph_new(&w.g) == IMNN_OK);
    imnn_node x = give_number(&w, 1.7), one = imnn_graph_number(w.g, IMNN_F64, 1);
    CHECK(near(number_of(&w, grad(w.g, with_inner_grad, x, NULL)), 2 * 1.7, 1e-15));
    CHECK(near(number_of(&w, push(w.g, with_inner_grad, x, one, NULL)), 2 * 1.7, 1e-15));
    CHECK(near(number_of(&w, push(w.g, with_inner_push, x, one, NULL)), 1, 1e-15));
    CHECK(near(number_of(&w, grad(w.g, with_inner_push, x, NULL)), 1, 1e-15));
    CHECK(near(number_of(&w, cube_slope(w.g, x, NULL)), 3 * 1.7 * 1.7, 1e-15));
    CHECK(near(number_of(&w, cube_curvature(w.g, x, NULL)), 6 * 1.7, 1e-15));
    CHECK(near(number_of(&w, grad(w.g, cube_curvature, x, NULL)), 6, 1e-15));
    CHECK(imnn_graph_status(w.g) == IMNN_OK);
    end(&w);
    return 0;
}

static imnn_node sine_of_product(imnn_graph *g, imnn_node y, const imnn_node *captured)
{
    return g_sin(g, g_mul(g, captured[0], y));
}
/* x -> d sin(c y)/dy at x = c cos(c x) */
static imnn_node slope_of_sine(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    return grad(g, sine_of_product, x, captured);
}
/* c -> sum_i c cos(c x_i), with x captured */
static imnn_node sum_of_slopes(imnn_graph *g, imnn_node c, const imnn_node *captured)
{
    return g_sum(g, map(g, slope_of_sine, captured[0], &c), NULL);
}

static int vmap_of_grad_of_a_captured_value(void)
{
    const double x[3] = {0.3, -1.1, 2.5}, c = 0.8;
    double slope_of_sum = 0, sum = 0, curvature[3];
    for (int i = 0; i < 3; i++) {
        sum += c * cos(c * x[i]);
        slope_of_sum += cos(c * x[i]) - c * x[i] * sin(c * x[i]);
        curvature[i] = -c * c * sin(c * x[i]);
    }
    world w = {0};
    CHECK(imnn_graph_new(&w.g) == IMNN_OK);
    imnn_node xs = give_f64(&w, &(imnn_shape){1, {3}}, x), cn = give_number(&w, c);
    CHECK(near(number_of(&w, sum_of_slopes(w.g, cn, &xs)), sum, 1e-14));
    CHECK(near(number_of(&w, grad(w.g, sum_of_slopes, cn, &xs)), slope_of_sum, 1e-14));
    imnn_node one = imnn_graph_number(w.g, IMNN_F64, 1);
    CHECK(near(number_of(&w, push(w.g, sum_of_slopes, cn, one, &xs)), slope_of_sum, 1e-14));
    imnn_node all = map(w.g, slope_of_sine, xs, &cn), dx = 0, ones = g_full_like(w.g, all, 1);
    imnn_array *found;
    CHECK(imnn_graph_vjp(w.g, 1, &all, &ones, 1, &xs, &dx) == IMNN_OK);
    CHECK(compute(&w, 1, &dx, &found) == IMNN_OK);
    for (int i = 0; i < 3; i++) CHECK(near(element(found, i), curvature[i], 1e-14));
    imnn_array_release(found);
    end(&w);
    return 0;
}

/* b -> a b + sin a */
static imnn_node inner(imnn_graph *g, imnn_node b, const imnn_node *captured)
{
    return g_add(g, g_mul(g, captured[0], b), g_sin(g, captured[0]));
}
static imnn_node over_b(imnn_graph *g, imnn_node a, const imnn_node *captured)
{
    return map(g, inner, captured[0], &a);
}
static imnn_node nothing_of_it(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    return g_exp(g, captured[0]);
}

static int vmap_in_vmap_with_a_captured_batched_value(void)
{
    const double a[2] = {0.5, -1.5}, b[3] = {1, 2, 4};
    world w = {0};
    imnn_array *found;
    CHECK(imnn_graph_new(&w.g) == IMNN_OK);
    imnn_node an = give_f64(&w, &(imnn_shape){1, {2}}, a),
              bn = give_f64(&w, &(imnn_shape){1, {3}}, b);
    imnn_node y = map(w.g, over_b, an, &bn), flat = map(w.g, nothing_of_it, an, &bn);
    CHECK(imnn_shape_equal(imnn_graph_shape(w.g, y), &(imnn_shape){2, {2, 3}}));
    CHECK(compute(&w, 1, &y, &found) == IMNN_OK);
    for (int i = 0; i < 6; i++)
        CHECK(near(element(found, i), a[i / 3] * b[i % 3] + sin(a[i / 3]), 1e-15));
    imnn_array_release(found);
    CHECK(imnn_shape_equal(imnn_graph_shape(w.g, flat), &(imnn_shape){2, {2, 3}}));
    CHECK(compute(&w, 1, &flat, &found) == IMNN_OK);
    for (int i = 0; i < 6; i++) CHECK(near(element(found, i), exp(b[i % 3]), 1e-15));
    imnn_array_release(found);
    end(&w);
    return 0;
}

static imnn_node layer(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    return g_tanh(g, g_mul(g, captured[0], x));
}
/* x -> w (1 - tanh(w x)^2) */
static imnn_node layer_slope(imnn_graph *g, imnn_node x, const imnn_node *captured)
{
    return push(g, layer, x, g_full_like(g, x, 1), captured);
}
/* w -> sum_i of the squares */
static imnn_node sum_of_squares(imnn_graph *g, imnn_node w, const imnn_node *captured)
{
    imnn_node j = map(g, layer_slope, captured[0], &w);
    return g_sum(g, g_mul(g, j, j), NULL);
}

static int grad_of_vmap_of_jvp(void)
{
    const double x[4] = {0.1, -0.7, 1.3, 0.4}, weight = 0.9;
    double expected = 0;
    for (int i = 0; i < 4; i++) {
        double y = tanh(weight * x[i]), j = weight * (1 - y * y);
        expected += 2 * j * (1 - y * y) * (1 - 2 * weight * x[i] * y);
    }
    world w = {0};
    CHECK(imnn_graph_new(&w.g) == IMNN_OK);
    imnn_node xs = give_f64(&w, &(imnn_shape){1, {4}}, x), wn = give_number(&w, weight);
    CHECK(near(number_of(&w, grad(w.g, sum_of_squares, wn, &xs)), expected, 1e-14));
    end(&w);
    return 0;
}

/* ---- what comes in and out ---- */

static int several_results_and_variables(void)
{
    world w = {0};
    CHECK(imnn_graph_new(&w.g) == IMNN_OK);
    imnn_graph *g = w.g;
    imnn_node x[3] = {give_number(&w, 2), give_number(&w, 3), give_number(&w, 5)};
    imnn_node u[3] = {give_number(&w, 7), give_number(&w, 11), 0}, dx[3], dy[3];
    imnn_node y[3] = {g_mul(g, x[0], x[1]), x[0], g_exp(g, x[1])};
    CHECK(imnn_graph_vjp(g, 3, y, u, 3, x, dx) == IMNN_OK);
    CHECK(near(number_of(&w, dx[0]), 7 * 3 + 11, 0) && near(number_of(&w, dx[1]), 7 * 2, 0));
    CHECK(dx[2] == 0); /* nothing depends on it, and the exponential has no cotangent */
    imnn_node twice[2] = {x[0], x[0]}, same[2] = {y[0], y[0]};
    CHECK(imnn_graph_vjp(g, 2, same, u, 2, twice, dx) == IMNN_OK && dx[0] == dx[1]);
    CHECK(near(number_of(&w, dx[0]), (7 + 11) * 3, 0));
    const imnn_node v[3] = {u[0], 0, u[1]};
    CHECK(imnn_graph_jvp(g, 3, y, 3, x, v, dy) == IMNN_OK);
    CHECK(near(number_of(&w, dy[0]), 7 * 3, 0) && dy[1] == u[0] && dy[2] == 0);
    CHECK(imnn_graph_substitute(g, 3, y, 1, x, x + 1, dy) == IMNN_OK);
    CHECK(dy[0] == g_mul(g, x[1], x[1]) && dy[1] == x[1] && dy[2] == y[2]);
    imnn_node middle = g_sin(g, x[0]), end_of_it = g_mul(g, middle, x[0]);
    const imnn_node both[2] = {middle, x[0]}; /* a variable hides what it is made of */
    CHECK(imnn_graph_vjp(g, 1, &end_of_it, u, 2, both, dx) == IMNN_OK);
    CHECK(dx[0] == g_mul(g, u[0], x[0]) && dx[1] == g_mul(g, u[0], middle));
    end(&w);
    return 0;
}

static int derivatives_that_are_zero(void)
{
    world w = {0};
    CHECK(imnn_graph_new(&w.g) == IMNN_OK);
    imnn_graph *g = w.g;
    imnn_node x = give_number(&w, 2.5), one = imnn_graph_number(g, IMNN_F64, 1), dx, dy;
    imnn_node count = g_convert(g, x, IMNN_I32),
              key = imnn_graph_input(g, IMNN_U32, &(imnn_shape){1, {2}});
    imnn_node flat[] = {
        g_floor(g, x),
        g_sign(g, x),
        g_stop_gradient(g, g_exp(g, x)),
        g_convert(g, count, IMNN_F64),
        g_convert(g, g_lt(g, x, one), IMNN_F64),
        g_convert(
            g,
            g_random_bits(g, g_random_fold_in(g, key, g_convert(g, x, IMNN_U32)), &(imnn_shape){0}),
            IMNN_F64)};
    for (size_t i = 0; i < sizeof flat / sizeof *flat; i++) {
        CHECK(imnn_graph_vjp(g, 1, &flat[i], &one, 1, &x, &dx) == IMNN_OK && dx == 0);
        CHECK(imnn_graph_jvp(g, 1, &flat[i], 1, &x, &one, &dy) == IMNN_OK && dy == 0);
    }
    imnn_node cut = g_mul(g, x, g_stop_gradient(g, x));
    CHECK(imnn_graph_vjp(g, 1, &cut, &one, 1, &x, &dx) == IMNN_OK && dx == g_stop_gradient(g, x));
    imnn_node step = imnn_graph_number(g, IMNN_I32, 1);
    CHECK(imnn_graph_jvp(g, 1, &count, 1, &x, &one, &dy) == IMNN_OK && dy == 0);
    CHECK(imnn_graph_vjp(g, 1, &count, &step, 1, &x, &dx) == IMNN_OK && dx == 0);
    imnn_node half = g_convert(g, x, IMNN_F32), u = imnn_graph_number(g, IMNN_F32, 3);
    half = g_mul(g, half, half);
    CHECK(imnn_graph_vjp(g, 1, &half, &u, 1, &x, &dx) == IMNN_OK);
    CHECK(imnn_graph_dtype(g, dx) == IMNN_F64 && number_of(&w, dx) == 3 * 2 * 2.5);
    CHECK(imnn_graph_jvp(g, 1, &half, 1, &x, &one, &dy) == IMNN_OK);
    CHECK(imnn_graph_dtype(g, dy) == IMNN_F32);
    end(&w);
    return 0;
}

static int count_of(const char *text, const char *word)
{
    int n = 0;
    while ((text = strstr(text, word))) n++, text++;
    return n;
}

/* f(x) and, in another call, its derivative: f is computed once, and tracing again adds nothing. */
static int work_is_shared_between_traces(void)
{
    world w = {0};
    CHECK(imnn_graph_new(&w.g) == IMNN_OK);
    imnn_node x = give_number(&w, 0.3), c = give_number(&w, 2),
              one = imnn_graph_number(w.g, IMNN_F64, 1);
    imnn_node y[3] = {layer(w.g, x, &c), push(w.g, layer, x, one, &c), grad(w.g, layer, x, &c)};
    const char *text = imnn_graph_text(w.g, 3, y);
    CHECK(count_of(text, "tanh") == 1 && count_of(text, "sub") == 1);
    CHECK(y[0] == layer(w.g, x, &c) && y[1] == push(w.g, layer, x, one, &c));
    end(&w);
    return 0;
}

/* ---- operators that rules are missing for ---- */

static imnn_status infer_same(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    return IMNN_OK;
}
static void vjp_squared(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                        imnn_node *dx)
{
    dx[0] = g_mul(g, dy, dy);
}
static const imnn_op rough = {
    .name = "rough", .id = -1, .arity = 1, .dtypes = IMNN_ANY, .infer = infer_same};
static const imnn_op crooked = {.name = "crooked",
                                .id = -1,
                                .arity = 1,
                                .dtypes = IMNN_REALS,
                                .infer = infer_same,
                                .vjp = vjp_squared};

static int sentences(void)
{
    imnn_graph *g;
    CHECK(imnn_graph_new(&g) == IMNN_OK);
    const imnn_shape vector = {1, {3}}, matrix = {2, {2, 3}}, long_one = {2, {4, 3}};
    imnn_node x = imnn_graph_input(g, IMNN_F32, &vector),
              b = imnn_graph_input(g, IMNN_F32, &matrix);
    imnn_node big = imnn_graph_input(g, IMNN_F32, &long_one),
              i = imnn_graph_input(g, IMNN_I32, &vector);
    imnn_node y = imnn_graph_add(g, &rough, 1, &x, NULL), out = 9, none = 0, wrong = 77;
    imnn_node z = imnn_graph_add(g, &crooked, 1, &x, NULL), e = g_exp(g, x);
#define REFUSES(call, status, sentence) \
    CHECK((call) == (status) && out == 0 && says(sentence) && imnn_graph_status(g) == IMNN_OK)
    REFUSES(imnn_graph_vjp(g, 1, &y, &x, 1, &x, &out), IMNN_EVALUE, "rough: has no derivative");
    REFUSES(imnn_graph_jvp(g, 1, &y, 1, &x, &x, &out), IMNN_EVALUE, "rough: has no derivative");
    REFUSES(imnn_graph_jvp(g, 1, &z, 1, &x, &x, &out), IMNN_EVALUE,
            "crooked: its reverse derivative is not linear in the cotangent; give the forward one "
            "with custom_jvp");
    REFUSES(imnn_graph_vmap(g, 1, &y, 1, &x, &b, &out), IMNN_EVALUE,
            "vmap: rough cannot be batched");
    REFUSES(imnn_graph_vjp(g, 1, &e, &b, 1, &x, &out), IMNN_ESHAPE,
            "vjp: cotangent 1 is f32 (2, 3), but belongs to f32 (3)");
    REFUSES(imnn_graph_jvp(g, 1, &e, 1, &x, &i, &out), IMNN_EDTYPE,
            "jvp: tangent 1 is i32 (3), but belongs to f32 (3)");
    REFUSES(imnn_graph_vjp(g, 1, &e, &wrong, 1, &x, &out), IMNN_EVALUE,
            "vjp: cotangent 1 is no node");
    REFUSES(imnn_graph_vjp(g, 1, &wrong, &x, 1, &x, &out), IMNN_EVALUE,
            "transform: result 1 is no node");
    REFUSES(imnn_graph_vjp(g, 1, &e, &x, 1, &none, &out), IMNN_EVALUE,
            "transform: variable 1 is no node");
    REFUSES(imnn_graph_vmap(g, 1, &e, 1, &x, &x, &out), IMNN_ESHAPE,
            "vmap: f32 (3) is no batch of f32 (3)");
    REFUSES(imnn_graph_vmap(g, 1, &e, 2, (imnn_node[]){x, x}, (imnn_node[]){b, big}, &out),
            IMNN_ESHAPE, "vmap: batches of different sizes, 2 and 4");
    REFUSES(imnn_graph_vmap(g, 1, &e, 1, &x, &none, &out), IMNN_EVALUE,
            "vmap: argument 1 is no node");
    REFUSES(imnn_graph_vmap(g, 1, &e, 0, NULL, NULL, &out), IMNN_EVALUE,
            "vmap: needs an argument with a batch axis");
    REFUSES(imnn_graph_substitute(g, 1, &e, 1, &x, &b, &out), IMNN_ESHAPE,
            "substitute: value 1 is f32 (2, 3), but belongs to f32 (3)");
    REFUSES(imnn_graph_substitute(g, 1, &e, 1, &x, &none, &out), IMNN_EVALUE,
            "substitute: nothing for variable 1");
    imnn_node zero = imnn_graph_add(g, &rough, 1, &i, NULL); /* of integers: no derivative needed */
    zero = g_convert(g, zero, IMNN_F32);
    CHECK(imnn_graph_vjp(g, 1, &zero, &x, 1, &x, &out) == IMNN_OK && out == 0);
    const imnn_shape deep = {8, {1, 1, 1, 1, 1, 1, 1, 3}};
    imnn_node d = g_mul(g, imnn_graph_input(g, IMNN_F32, &deep), x);
    REFUSES(imnn_graph_vmap(g, 1, &d, 1, &x, &b, &out), IMNN_ESHAPE, "vmap: more than 8 axes");
    imnn_graph_release(g);
    imnn_apply_forget(); /* what computed constants */
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

int main(void)
{
    return every_operator() || derivatives_nest() || vmap_of_grad_of_a_captured_value() ||
           vmap_in_vmap_with_a_captured_batched_value() || grad_of_vmap_of_jvp() ||
           several_results_and_variables() || derivatives_that_are_zero() ||
           work_is_shared_between_traces() || sentences();
}
