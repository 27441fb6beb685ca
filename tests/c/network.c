/* A convolutional network through the C API alone: it finds a spot in noisy images, which are drawn
 * inside the compiled iteration. Its slopes agree forward, in reverse and with differences, and so
 * do curvatures; then it is trained with Adam.
 *
 *   network [images [iterations]] */
#include "imnn.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 12, LEAVES = 6, KEY = 4 * LEAVES, COUNT, INPUTS, LOSS = 3 * LEAVES };
enum { FORWARD = LOSS + 1, REVERSE, CURVATURE, RESULTS };
static const imnn_shape shapes[LEAVES] = {{4, {3, 3, 1, 6}}, {1, {6}},     {4, {3, 3, 6, 8}},
                                          {1, {8}},          {2, {72, 2}}, {1, {2}}};

static imnn_node op(imnn_graph *g, const char *name, int n, const imnn_node *x,
                    const imnn_attr *attr)
{
    return imnn_graph_apply(g, imnn_op_find(name), n, x, attr);
}

static imnn_node both(imnn_graph *g, const char *name, imnn_node a, imnn_node b)
{
    return op(g, name, 2, (imnn_node[]){a, b}, NULL);
}

static imnn_node times(imnn_graph *g, imnn_node x, double by)
{
    return both(g, "mul", x, imnn_graph_number(g, IMNN_F64, by));
}

static imnn_node reshape(imnn_graph *g, imnn_node x, imnn_attr shape)
{
    return op(g, "reshape", 1, &x, &shape);
}

/* The sum of all products of two arrays of one shape. */
static imnn_node dot(imnn_graph *g, imnn_node a, imnn_node b)
{
    const imnn_node product = both(g, "mul", a, b);
    return op(g, "sum", 1, &product, &(imnn_attr){2, {0, imnn_graph_shape(g, a)->ndim}});
}

/* exp(-(i - 3 - 5 at)^2 / 4) for i = 0 ... SIZE - 1, of this shape. */
static imnn_node profile(imnn_graph *g, imnn_node at, imnn_attr shape)
{
    double numbers[SIZE];
    imnn_array *a = NULL;
    for (int i = 0; i < SIZE; i++) numbers[i] = i - 3;
    imnn_array_from(&a, IMNN_F64, &(imnn_shape){1, {SIZE}}, numbers);
    const imnn_node i = imnn_graph_constant(g, a);
    imnn_array_release(a);
    const imnn_node d = both(g, "sub", i, times(g, at, 5));
    const imnn_node square = times(g, both(g, "mul", d, d), -0.25);
    return reshape(g, op(g, "exp", 1, &square, NULL), shape);
}

/* Row i of an array (n, m), of shape (m). */
static imnn_node row(imnn_graph *g, imnn_node x, int64_t i)
{
    const int64_t m = imnn_graph_shape(g, x)->size[1];
    const imnn_node one = op(g, "slice", 1, &x, &(imnn_attr){6, {i, 1, 1, 0, m, 1}});
    return reshape(g, one, (imnn_attr){1, {m}});
}

/* One image (SIZE, SIZE, 1), and where its spot is (2). */
static imnn_node draw(imnn_graph *g, imnn_node key, imnn_node *where)
{
    const imnn_node keys = imnn_random_split(g, key, 2);
    *where = imnn_random_uniform(g, row(g, keys, 0), IMNN_F64, &(imnn_shape){1, {2}}, 0, 0);
    const imnn_node at = reshape(g, *where, (imnn_attr){2, {2, 1}});
    const imnn_node spot = both(g, "mul", profile(g, row(g, at, 0), (imnn_attr){3, {SIZE, 1, 1}}),
                                profile(g, row(g, at, 1), (imnn_attr){3, {1, SIZE, 1}}));
    const imnn_shape image = {3, {SIZE, SIZE, 1}};
    const imnn_node noise = imnn_random_normal(g, row(g, keys, 1), IMNN_F64, &image);
    return both(g, "add", spot, times(g, noise, 0.05));
}

/* Two convolutions, pooling between them, and a dense layer. */
static imnn_node network(imnn_graph *g, const imnn_node *w, imnn_node x)
{
    /* axes, groups, 0, then {window, stride, padding before and behind, dilations} of each axis */
    static const imnn_attr same = {15, {2, 1, 0, 3, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1}};
    static const imnn_attr stride = {15, {2, 1, 0, 3, 2, 0, 1, 1, 1, 3, 2, 0, 1, 1, 1}};
    static const imnn_attr pool = {13, {2, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1}};
    x = both(g, "add", op(g, "conv", 2, (imnn_node[]){x, w[0]}, &same), w[1]);
    x = imnn_activation(g, "leaky_relu", x, NAN);
    x = op(g, "window_max", 1, &x, &pool);
    x = both(g, "add", op(g, "conv", 2, (imnn_node[]){x, w[2]}, &stride), w[3]);
    x = imnn_activation(g, "tanh", x, NAN);
    return imnn_layer_dense(g, reshape(g, x, (imnn_attr){1, {72}}), w[4], w[5]);
}

/* The mean over n images of the squared distance. */
static imnn_node loss_of(imnn_graph *g, const imnn_node *w, imnn_node key, int64_t n)
{
    imnn_node keys = imnn_random_split(g, key, n), where, each;
    const int32_t scope = imnn_graph_open(g);
    const imnn_node one = imnn_graph_placeholder(g, IMNN_U32, &(imnn_shape){1, {2}});
    const imnn_node image = draw(g, one, &where);
    const imnn_node off = both(g, "sub", network(g, w, image), where), square = dot(g, off, off);
    imnn_graph_vmap(g, 1, &square, 1, &one, &keys, &each);
    imnn_graph_close(g, scope);
    return times(g, op(g, "sum", 1, &each, &(imnn_attr){2, {0, 1}}), 1 / (double)n);
}

static imnn_node sum_of_dots(imnn_graph *g, const imnn_node *a, const imnn_node *b)
{
    imnn_node sum = imnn_graph_number(g, IMNN_F64, 0);
    for (int k = 0; k < LEAVES; k++)
        if (a[k]) sum = both(g, "add", sum, dot(g, a[k], b[k]));
    return sum;
}

/* Weights, two moments and a direction (4 LEAVES), key, number of the step -> the next weights and
 * moments, the loss, its slope in the direction both ways, and its curvature. */
static imnn_status compile(imnn_program **out, int64_t n)
{
    imnn_graph *g = NULL;
    imnn_node in[INPUTS], result[RESULTS], grad[LEAVES], bent[LEAVES];
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    for (int k = 0; k < KEY; k++) in[k] = imnn_graph_input(g, IMNN_F64, &shapes[k % LEAVES]);
    in[KEY] = imnn_graph_input(g, IMNN_U32, &(imnn_shape){1, {2}});
    in[COUNT] = imnn_graph_input(g, IMNN_I32, &(imnn_shape){0});
    const imnn_node *direction = in + LOSS, one = imnn_graph_number(g, IMNN_F64, 1);
    const imnn_node key = imnn_random_fold_in(
        g, in[KEY], op(g, "convert", 1, &in[COUNT], &(imnn_attr){1, {IMNN_U32}}));
    const imnn_node loss = result[LOSS] = loss_of(g, in, key, n);
    imnn_graph_vjp(g, 1, &loss, &one, LEAVES, in, grad);
    imnn_graph_jvp(g, 1, &loss, LEAVES, in, direction, &result[FORWARD]);
    imnn_graph_jvp(g, LEAVES, grad, LEAVES, in, direction, bent);
    result[REVERSE] = sum_of_dots(g, grad, direction);
    result[CURVATURE] = sum_of_dots(g, bent, direction);
    const imnn_node lr = imnn_graph_number(g, IMNN_F64, 5e-3);
    for (int k = 0; k < LEAVES; k++) {
        imnn_node m[2] = {in[LEAVES + k], in[2 * LEAVES + k]};
        result[k] = imnn_optim_step(g, "adam", lr, in[COUNT], grad[k], in[k], m, NULL);
        result[LEAVES + k] = m[0], result[2 * LEAVES + k] = m[1];
    }
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_program_new(out, g, INPUTS, in, RESULTS, result);
    imnn_graph_release(g);
    return st;
}

/* Numbers around 0, the same for every run. */
static imnn_status some(imnn_array **out, const imnn_shape *shape, double scale)
{
    static uint32_t state = 1;
    double numbers[512];
    int64_t n = 1;
    for (int k = 0; k < shape->ndim; k++) n *= shape->size[k];
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        numbers[i] = scale * ((double)(state >> 8) / 8388608 - 1);
    }
    return imnn_array_from(out, IMNN_F64, shape, numbers);
}

static double number(const imnn_array *a) { return *(const double *)imnn_array_data(a); }

static void release(imnn_array **a, int n)
{
    for (int k = 0; k < n; k++) imnn_array_release(a[k]), a[k] = NULL;
}

/* Results where the weights are e directions further. */
static imnn_status probe(double *y, imnn_program *p, imnn_array **in, double e)
{
    imnn_array *moved[INPUTS], *out[RESULTS] = {NULL};
    imnn_status st = IMNN_OK;
    for (int k = 0; k < INPUTS; k++) moved[k] = k < LEAVES ? NULL : imnn_array_retain(in[k]);
    for (int k = 0; k < LEAVES && st == IMNN_OK; k++) {
        double numbers[512];
        const double *w = imnn_array_data(in[k]), *d = imnn_array_data(in[LOSS + k]);
        for (int64_t i = 0; i < imnn_array_size(in[k]); i++) numbers[i] = w[i] + e * d[i];
        st = imnn_array_from(&moved[k], IMNN_F64, &shapes[k], numbers);
    }
    if (st == IMNN_OK) st = imnn_program_run(p, (const imnn_array *const *)moved, out);
    for (int k = LOSS; k < RESULTS && st == IMNN_OK; k++) y[k] = number(out[k]);
    release(moved, INPUTS), release(out, RESULTS);
    return st;
}

static imnn_status check_slopes(bool *good, imnn_program *p, imnn_array **in)
{
    const double e = 1e-7; /* so little that hardly any window finds another largest element */
    double y[RESULTS], before[RESULTS], behind[RESULTS];
    imnn_status st = probe(y, p, in, 0);
    if (st == IMNN_OK) st = probe(before, p, in, -e);
    if (st == IMNN_OK) st = probe(behind, p, in, e);
    if (st != IMNN_OK) return st;
    const double slope = (behind[LOSS] - before[LOSS]) / (2 * e);
    const double curvature = (behind[REVERSE] - before[REVERSE]) / (2 * e);
    *good = fabs(y[FORWARD] - y[REVERSE]) <= 1e-12 * fabs(slope) &&
            fabs(y[FORWARD] - slope) <= 1e-6 * fabs(slope) &&
            fabs(y[CURVATURE] - curvature) <= 1e-6 * fabs(curvature) && slope != 0;
    if (!*good)
        printf("slopes %.12g, %.12g, difference %.12g; curvature %.12g, difference %.12g\n",
               y[FORWARD], y[REVERSE], slope, y[CURVATURE], curvature);
    return IMNN_OK;
}

int main(int argc, char **argv)
{
    const int64_t n = argc > 1 ? atoll(argv[1]) : 64;
    const int iterations = argc > 2 ? atoi(argv[2]) : 100;
    static const double scale[LEAVES] = {.5, .1, .3, .1, .2, .1};
    imnn_array *in[INPUTS] = {NULL}, *out[RESULTS] = {NULL};
    imnn_program *p = NULL;
    double first = NAN, last = NAN;
    bool good = false;
    imnn_status st = compile(&p, n);
    for (int k = 0; k < LEAVES && st == IMNN_OK; k++) {
        st = some(&in[k], &shapes[k], scale[k]);
        for (int m = 1; m < 3 && st == IMNN_OK; m++)
            st = imnn_array_zeros(&in[m * LEAVES + k], IMNN_F64, &shapes[k]);
        if (st == IMNN_OK) st = some(&in[LOSS + k], &shapes[k], 1);
    }
    if (st == IMNN_OK) st = imnn_array_zeros(&in[KEY], IMNN_U32, &(imnn_shape){1, {2}});
    for (int i = 0; i < iterations && st == IMNN_OK; i++) {
        const int32_t count = i;
        imnn_array_release(in[COUNT]), in[COUNT] = NULL;
        st = imnn_array_copy(&in[COUNT], IMNN_I32, &(imnn_shape){0}, &count);
        if (st == IMNN_OK && i == 0) st = check_slopes(&good, p, in);
        if (st == IMNN_OK) st = imnn_program_run(p, (const imnn_array *const *)in, out);
        if (st != IMNN_OK) break;
        last = number(out[LOSS]);
        if (i == 0) first = last;
        for (int k = 0; k < LOSS; k++) imnn_array_release(in[k]), in[k] = out[k], out[k] = NULL;
        release(out, RESULTS);
    }
    if (st != IMNN_OK) printf("failed: %s\n", imnn_last_error());
    if (st == IMNN_OK && !(last < 0.02 && first > 0.1))
        printf("the loss went from %g to %g\n", first, last), good = false;
    release(in, INPUTS);
    imnn_program_release(p);
    if (imnn_live_bytes()) return printf("%lld bytes leaked\n", (long long)imnn_live_bytes()), 1;
    return !good;
}
