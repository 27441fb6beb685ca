/* Matrices, products, reductions and indices at special points, and allocations that fail. */
#include "tests/support/nodes.h"

static const double points[4] = {-3, -1, -0.5, 0};

/* ---- linear algebra ---- */

/* A matrix that needs its pivots, larger than those that LAPACK gets. */
static imnn_node matrix(imnn_graph *g, imnn_dtype dtype, int n)
{
    static double a[64 * 64];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            a[i * n + j] = sin(i * 1.3 * j + 0.7 * j + i) + ((i + 1) % n == j);
    return constant(g, dtype, (imnn_shape){2, {n, n}}, a);
}

static int matrices_are_inverted(imnn_graph *g)
{
    for (int n = 1; n < 60; n = 2 * n + 3) {
        for (int wide = 0; wide < 2; wide++) {
            imnn_node a = matrix(g, wide ? IMNN_F64 : IMNN_F32, n), y = g_inv(g, a);
            imnn_node one = g_sum(g, g_abs(g, g_matmul(g, a, y)), NULL);
            CHECK(compute(g, one) == 1 && fabs(values[0] - n) < (wide ? 1e-9 : 2e-3 * n));
            /* ln |det| of the inverse is the negative one, with the same sign */
            CHECK(compute(g, g_slogdet(g, a)) == 2);
            const double sign = values[0], log_size = values[1];
            CHECK(compute(g, g_slogdet(g, y)) == 2 && values[0] == sign);
            CHECK(fabs(values[1] + log_size) < (wide ? 1e-9 : 1e-2));
        }
    }
    imnn_node swapped =
        constant(g, IMNN_F64, (imnn_shape){2, {3, 3}}, (double[]){0, 2, 0, 3, 0, 0, 0, 0, 4});
    CHECK(gives(g, g_slogdet(g, swapped), LIST(-1, log(24)), 1e-15));
    CHECK(gives(g, g_inv(g, swapped), LIST(0, 1. / 3, 0, .5, 0, 0, 0, 0, .25), 1e-15));
    return 0;
}

static int singular_matrices(imnn_graph *g)
{
    static double zeros[40 * 40];
    for (int n = 2; n <= 40; n += 38) {
        imnn_node a = constant(g, IMNN_F64, (imnn_shape){2, {n, n}}, zeros);
        CHECK(compute(g, g_slogdet(g, a)) == 2 && values[0] == 0 && values[1] == -INFINITY);
        CHECK(compute(g, g_inv(g, a)) == n * n);
        for (int i = 0; i < n * n; i++) CHECK(isnan(values[i]));
    }
    g_inv(g, vector(g, IMNN_F64, 3, points));
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE && says("inv: needs square matrices, got (3)"));
    return 0;
}

/* ---- products: as many operations as needed ---- */

/* Of the program that computes y of one input x. */
static double flops_of(imnn_graph *g, imnn_node x, imnn_node y)
{
    imnn_program *p = NULL;
    if (imnn_graph_status(g) != IMNN_OK || imnn_program_new(&p, g, 1, &x, 1, &y) != IMNN_OK)
        return -1;
    double flops = imnn_program_flops(p);
    imnn_program_release(p);
    return flops;
}

/* W x and x W for a batch of vectors are one product with W, and so are their derivatives. */
static int shared_matrices_make_one_product(imnn_graph *g)
{
    enum { B = 50, N = 6, K = 4 };
    for (int left = 0; left < 2; left++) {
        const imnn_shape shape = {2, {left ? N : K, left ? K : N}};
        imnn_node W = imnn_graph_input(g, IMNN_F32, &shape);
        imnn_node x = imnn_graph_placeholder(g, IMNN_F32, &(imnn_shape){1, {K}});
        imnn_node y = left ? g_matmul(g, W, x) : g_matmul(g, x, W);
        imnn_node many = imnn_random_normal(g, key_of(g, 1), IMNN_F32, &(imnn_shape){2, {B, K}});
        CHECK(imnn_graph_vmap(g, 1, &y, 1, &x, &many, &y) == IMNN_OK);
        CHECK(flops_of(g, W, y) == 2. * B * N * K);
        CHECK(strstr(imnn_graph_text(g, 1, &y), "f32 (50, 6) = matmul"));
        imnn_node dW = slope(g, g_sum(g, g_mul(g, y, y), NULL), W);
        CHECK(flops_of(g, W, dW) == 4. * B * N * K);
    }
    return 0;
}

/* Rows that are all the same are multiplied once. */
static int equal_rows_are_multiplied_once(imnn_graph *g)
{
    imnn_node W = imnn_graph_input(g, IMNN_F32, &(imnn_shape){2, {4, 6}});
    imnn_node row = vector(g, IMNN_F32, 4, points);
    imnn_node all = g_broadcast(g, row, &(imnn_shape){3, {5, 50, 4}});
    CHECK(flops_of(g, W, g_matmul(g, all, W)) == 2. * 4 * 6);
    imnn_node column = g_broadcast(g, g_expand(g, row, 1), &(imnn_shape){2, {4, 4}});
    CHECK(flops_of(g, W, g_matmul(g, column, W)) == 2. * 4 * 4 * 6);
    return 0;
}

static int products_refuse(imnn_graph *g)
{
    imnn_node a = constant(g, IMNN_F64, (imnn_shape){2, {1, 3}}, points), v = number(g, 1);
    g_matmul(g, a, a);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE &&
          says("matmul: inner sizes differ, (1, 3) x (1, 3)"));
    g_matmul(g, a, v);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE &&
          says("matmul: needs at least one axis, (1, 3) x ()"));
    g_matmul(g, a, g_convert(g, a, IMNN_F32));
    CHECK(imnn_graph_status(g) == IMNN_EDTYPE &&
          says("matmul: inputs differ in dtype, f64 and f32"));
    imnn_node b = g_broadcast(g, g_swap(g, a), &(imnn_shape){3, {2, 3, 1}});
    imnn_node c = g_broadcast(g, a, &(imnn_shape){3, {3, 1, 3}});
    g_matmul(g, c, b);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE &&
          says("matmul: leading axes do not broadcast, (3, 1, 3) x (2, 3, 1)"));
    return 0;
}

/* ---- special points of reductions and indices ---- */

static int products_of_zeros(imnn_graph *g)
{
    static const double x[3][4] = {{2, 3, -4, 5}, {2, 0, -4, 5}, {0, 3, 0, 5}};
    static const double dx[3][4] = {{-60, -40, 30, -24}, {0, -40, 0, 0}, {0, 0, 0, 0}};
    for (int i = 0; i < 3; i++) {
        imnn_node v = vector(g, IMNN_F64, 4, x[i]), d = slope(g, g_prod(g, v, NULL), v);
        CHECK(gives(g, d, 4, dx[i], 0));
        imnn_node curvature = slope(g, element_of(g, d, 0), v); /* d/dx_j of x_1 x_2 x_3 */
        const double *p = x[i];
        CHECK(gives(g, curvature, LIST(0, p[2] * p[3], p[1] * p[3], p[1] * p[2]), 0));
    }
    return 0;
}

static int ties_and_nan(imnn_graph *g)
{
    imnn_node x = vector(g, IMNN_F64, 5, (double[]){1, 7, 7, 2, 7});
    imnn_node bad = vector(g, IMNN_F64, 4, (double[]){1, NAN, 7, NAN});
    CHECK(gives(g, slope(g, g_max(g, x, NULL), x), LIST(0, 1. / 3, 1. / 3, 0, 1. / 3), 1e-15));
    CHECK(gives(g, g_argmax(g, x, 0), LIST(1), 0) && gives(g, g_argmin(g, x, 0), LIST(0), 0));
    CHECK(gives(g, g_argmax(g, bad, 0), LIST(1), 0) && gives(g, g_argmin(g, bad, 0), LIST(1), 0));
    CHECK(compute(g, g_max(g, bad, NULL)) == 1 && isnan(values[0]));
    g_sum(g, x, &(imnn_attr){1, {1}});
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && says("sum: no axis 2 in (5)"));
    imnn_node none = g_slice(g, x, &(imnn_attr){3, {0, 0, 1}});
    g_max(g, none, NULL);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && says("max: there is nothing along axis 1 of (0)"));
    g_argmax(g, none, 0);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE &&
          says("argmax: there is nothing along axis 1 of (0)"));
    return 0;
}

static int indices_stay_inside(imnn_graph *g)
{
    imnn_node x = vector(g, IMNN_F64, 3, (double[]){10, 20, 30});
    imnn_node i = vector(g, IMNN_I32, 4, (double[]){-5, 2, 1, 9});
    CHECK(gives(g, g_gather(g, x, i, 0), LIST(10, 30, 20, 30), 0));
    CHECK(gives(g, slope(g, g_sum(g, g_gather(g, x, i, 0), NULL), x), LIST(1, 1, 2), 0));
    CHECK(gives(g, g_take_along(g, x, i, 0), LIST(10, 30, 20, 30), 0));
    g_gather(g, x, x, 0);
    CHECK(imnn_graph_status(g) == IMNN_EDTYPE && says("gather: indices must be i32, got f64"));
    g_gather(g, x, i, 1);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && says("gather: no axis 2 in (3)"));
    imnn_node both[2] = {x, g_expand(g, x, 0)};
    g_concatenate(g, 2, both, 0);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE &&
          says("concatenate: shapes differ off axis 1, (3) and (1, 3)"));
    return 0;
}

/* Rows of a table by many indices, and their derivative, a sum over rows by number. */
static int many_rows_are_added_up(imnn_graph *g)
{
    enum { N = 20000, SIZE = 7, WIDTH = 2 };
    static double which[N], expected[SIZE * WIDTH];
    for (int i = 0; i < N; i++) which[i] = (i * 37 + i / 11) % SIZE;
    imnn_node i = vector(g, IMNN_I32, N, which);
    imnn_node y = constant(g, IMNN_F64, (imnn_shape){2, {SIZE, WIDTH}}, which);
    imnn_node rows = g_gather(g, y, i, 0); /* squares: the derivative is 2 y count */
    imnn_node d = slope(g, g_sum(g, g_mul(g, rows, rows), NULL), y);
    for (int k = 0; k < N; k++)
        for (int c = 0; c < WIDTH; c++) {
            const int e = (int)which[k] * WIDTH + c;
            expected[e] += 2 * which[e];
        }
    CHECK(gives(g, d, SIZE * WIDTH, expected, 1e-12));
    return 0;
}

/* The derivative of a loss whose summaries are drawn, with an inverse that is LAPACK's. */
static imnn_status everything(void)
{
    enum { SIZE = 40 };
    imnn_graph *g = NULL;
    imnn_fisher f;
    imnn_fisher_loss l;
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    imnn_node x = imnn_random_normal(g, key_of(g, 0), IMNN_F32, &(imnn_shape){2, {50, SIZE}});
    imnn_node dx =
        imnn_random_uniform(g, key_of(g, 1), IMNN_F64, &(imnn_shape){3, {2, SIZE, 2}}, 0, 0);
    x = imnn_activation(g, "softmax", x, NAN);
    st = imnn_fisher_statistics(&f, g, x, dx);
    if (st == IMNN_OK) st = imnn_fisher_regularised(&l, g, &f, 10, 1);
    imnn_node one = number(g, 1), d = 0;
    if (st == IMNN_OK) st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_graph_vjp(g, 1, &l.loss, &one, 1, &dx, &d);
    if (st == IMNN_OK && compute(g, d) != 2 * SIZE * 2) st = IMNN_ENOMEM;
    imnn_graph_release(g);
    return st;
}

/* x^2 w of x and of a w from outside, whose reverse derivative is said to be 7. */
static imnn_status with_own_derivative(double *value, double *forth, double *back)
{
    imnn_graph *g = NULL;
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    const imnn_shape two = {1, {2}};
    imnn_node w = imnn_graph_input(g, IMNN_F64, &two), x = imnn_graph_input(g, IMNN_F64, &two);
    const int32_t scope = imnn_graph_open(g);
    imnn_node p = imnn_graph_placeholder(g, IMNN_F64, &two), y = g_mul(g, g_mul(g, p, p), w);
    imnn_node u = imnn_graph_placeholder(g, IMNN_F64, &two), dx = g_mul(g, g_number(g, u, 7), u);
    imnn_node seen[2] = {0}, out = 0, one = g_full_like(g, x, 1), d[2] = {0};
    int n = 0;
    st = imnn_graph_captured(g, 1, &p, 1, &y, 2, &n, seen);
    if (st == IMNN_OK && (n != 1 || seen[0] != w)) st = IMNN_EVALUE;
    imnn_graph_custom_vjp(g, 1, &p, &x, 1, &y, 0, NULL, NULL, &u, &dx, true, &out);
    imnn_graph_close(g, scope);
    if (st == IMNN_OK) st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_graph_jvp(g, 1, &out, 1, &x, &one, d);
    if (st == IMNN_OK) st = imnn_graph_vjp(g, 1, &out, &one, 1, &x, d + 1);
    imnn_program *program = NULL;
    imnn_array *in[2] = {0}, *made[3] = {0};
    if (st == IMNN_OK) st = imnn_array_from(in, IMNN_F64, &two, (double[]){2, 3});
    if (st == IMNN_OK) st = imnn_array_from(in + 1, IMNN_F64, &two, (double[]){5, 4});
    if (st == IMNN_OK)
        st = imnn_program_new(&program, g, 2, (imnn_node[]){w, x}, 3,
                              (imnn_node[]){out, d[0], d[1]});
    if (st == IMNN_OK) st = imnn_program_run(program, (const imnn_array *[]){in[0], in[1]}, made);
    if (st == IMNN_OK)
        *value = element(made[0], 0), *forth = element(made[1], 1), *back = element(made[2], 1);
    for (int i = 0; i < 3; i++) imnn_array_release(made[i]);
    imnn_array_release(in[0]), imnn_array_release(in[1]);
    imnn_program_release(program);
    imnn_graph_release(g);
    return st;
}

static int own_derivatives_beside_those_of_the_body(imnn_graph *unused)
{
    const int64_t before = imnn_live_bytes();
    imnn_status st = IMNN_ENOMEM;
    double value = 0, forth = 0, back = 0;
    for (int n = 0; st != IMNN_OK; n++) {
        imnn_test_fail_alloc(n);
        st = with_own_derivative(&value, &forth, &back);
        CHECK(st == IMNN_OK || st == IMNN_ENOMEM);
        CHECK(imnn_live_bytes() == before);
    }
    imnn_test_fail_alloc(-1);
    CHECK(value == 50 && forth == 2 * 4 * 3 && back == 7);
    return 0;
}

/* `depth` scans in one another, each of the sums x0 + x1, x1 + x2, ... of N numbers. */
enum { DEEP = 4, CARRIED = 6 };
static void nest(imnn_graph *g, int depth, const imnn_node *x, imnn_node *y)
{
    imnn_node in[CARRIED], next[CARRIED];
    if (!depth) {
        for (int i = 0; i < CARRIED; i++) y[i] = g_add(g, x[i], g_sin(g, x[(i + 1) % CARRIED]));
        return;
    }
    const int32_t scope = imnn_graph_open(g);
    for (int i = 0; i < CARRIED; i++) in[i] = imnn_graph_placeholder(g, IMNN_F64, &(imnn_shape){0});
    nest(g, depth - 1, in, next);
    imnn_graph_scan(g, 2, false, CARRIED, in, x, next, 0, NULL, NULL, 0, NULL, y);
    imnn_graph_close(g, scope);
}

/* A transform visits bodies in bodies once at every level, not once for every result of each. */
static int bodies_in_bodies_are_done_once(imnn_graph *g)
{
    imnn_node x[CARRIED], y[CARRIED], many[CARRIED], t[CARRIED], out[CARRIED];
    for (int i = 0; i < CARRIED; i++) {
        x[i] = imnn_graph_input(g, IMNN_F64, &(imnn_shape){0});
        many[i] = imnn_graph_input(g, IMNN_F64, &(imnn_shape){1, {3}});
        t[i] = imnn_graph_input(g, IMNN_F64, &(imnn_shape){0});
    }
    nest(g, DEEP, x, y);
    const int before = g->count;
    CHECK(imnn_graph_vmap(g, CARRIED, y, CARRIED, x, many, out) == IMNN_OK);
    CHECK(g->count - before < 4000);
    const int between = g->count;
    CHECK(imnn_graph_jvp(g, CARRIED, y, CARRIED, x, t, out) == IMNN_OK);
    CHECK(g->count - between < 4000);
    return 0;
}

static int allocations_fail_once(imnn_graph *unused)
{
    const int64_t before = imnn_live_bytes();
    imnn_status st = IMNN_ENOMEM;
    for (int n = 0; st != IMNN_OK; n++) {
        imnn_test_fail_alloc(n);
        st = everything();
        CHECK(st == IMNN_OK || st == IMNN_ENOMEM);
        CHECK(imnn_live_bytes() == before);
    }
    imnn_test_fail_alloc(-1);
    return 0;
}

RUN(matrices_are_inverted, singular_matrices, shared_matrices_make_one_product,
    equal_rows_are_multiplied_once, products_refuse, products_of_zeros, ties_and_nan,
    indices_stay_inside, many_rows_are_added_up, own_derivatives_beside_those_of_the_body,
    bodies_in_bodies_are_done_once, allocations_fail_once)
