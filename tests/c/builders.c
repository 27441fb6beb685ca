/* What the core computes with its own operators: draws, layers, optimisers, the Fisher block,
 * linear algebra, against published and derived numbers. */
#include "core/kernels/threefry.h"
#include "core/ops/ops.h"
#include "tests/support/check.h"
#include <math.h>
#include <stdlib.h>

enum { ROOM = 40000 };
static double values[ROOM]; /* what `compute` found */

static double element(const imnn_array *a, int64_t i)
{
    switch (a->dtype) {
    case IMNN_F32: return ((const float *)a->data)[i];
    case IMNN_F64: return ((const double *)a->data)[i];
    case IMNN_I32: return ((const int32_t *)a->data)[i];
    case IMNN_U32: return ((const uint32_t *)a->data)[i];
    default: return ((const uint8_t *)a->data)[i];
    }
}

/** The values of y, a node of constants; their number, -1 on failure. */
static int64_t compute(imnn_graph *g, imnn_node y)
{
    imnn_program *p = NULL;
    imnn_array *a = NULL;
    int64_t n = -1;
    if (imnn_graph_status(g) == IMNN_OK && imnn_program_new(&p, g, 0, NULL, 1, &y) == IMNN_OK &&
        imnn_program_run(p, NULL, &a) == IMNN_OK) {
        n = imnn_array_size(a);
        for (int64_t i = 0; i < n && i < ROOM; i++) values[i] = element(a, i);
    }
    imnn_array_release(a);
    imnn_program_release(p);
    return n;
}

static bool near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * (fabs(a) > 1e-3 ? fabs(a) : 1e-3);
}

/** y has these values, within a relative tolerance (0: exactly). */
static bool gives(imnn_graph *g, imnn_node y, int n, const double *expected, double relative)
{
    const int64_t found = compute(g, y);
    if (found != n) return printf("%d values: %s\n", (int)found, imnn_last_error()), false;
    for (int i = 0; i < n; i++)
        if (!near(expected[i], values[i], relative))
            return printf("value %d: %.10g, expected %.10g\n", i, values[i], expected[i]), false;
    return true;
}
#define LIST(...) \
    (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]) { __VA_ARGS__ }

static imnn_node constant(imnn_graph *g, imnn_dtype dtype, imnn_shape shape, const double *x)
{
    imnn_array *a = NULL;
    imnn_status st = imnn_array_from(&a, dtype, &shape, x);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    imnn_node y = st == IMNN_OK ? imnn_graph_constant(g, a) : 0;
    imnn_array_release(a);
    return y;
}

static imnn_node vector(imnn_graph *g, imnn_dtype dtype, int n, const double *x)
{
    return constant(g, dtype, (imnn_shape){1, {n}}, x);
}

static imnn_node number(imnn_graph *g, double x) { return imnn_graph_number(g, IMNN_F64, x); }

static imnn_node key_of(imnn_graph *g, uint32_t seed)
{
    return vector(g, IMNN_U32, 2, (double[]){0, seed});
}

static imnn_node element_of(imnn_graph *g, imnn_node x, int64_t i)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    imnn_attr at = {.n = 3 * s->ndim, .v = {i, 1, 1}};
    for (int k = 1; k < s->ndim; k++) at.v[3 * k + 1] = s->size[k], at.v[3 * k + 2] = 1;
    return g_squeeze(g, g_slice(g, x, &at), 0);
}

/** dy/dx of a number y */
static imnn_node slope(imnn_graph *g, imnn_node y, imnn_node x)
{
    imnn_node one = g_full_like(g, y, 1), dx = 0;
    imnn_graph_vjp(g, 1, &y, &one, 1, &x, &dx);
    return dx;
}

/* ---- draws: words of JAX 0.2.11, original layout, unless said otherwise ---- */

static int keys_split_and_fold(imnn_graph *g)
{
    imnn_node key = key_of(g, 0), one = vector(g, IMNN_U32, 1, (double[]){1});
    CHECK(gives(g, imnn_random_split(g, key_of(g, 1), 3),
                LIST(3568232559, 713140391, 3620866055, 2761185182, 2442350529, 2639019713), 0));
    CHECK(gives(g, imnn_random_bits(g, key, &(imnn_shape){1, {5}}),
                LIST(2467461003, 428148500, 1688610540, 3840466878, 2562233961), 0));
    CHECK(gives(g, imnn_random_fold_in(g, key, element_of(g, one, 0)), LIST(928981903, 3453687069),
                0));
    imnn_node two = imnn_random_split(g, key, 2); /* keys in an array are keys one at a time */
    imnn_node both = imnn_random_split(g, two, 3);
    for (int i = 0; i < 2; i++) {
        double expected[6];
        CHECK(compute(g, imnn_random_split(g, element_of(g, two, i), 3)) == 6);
        memcpy(expected, values, sizeof expected);
        CHECK(gives(g, element_of(g, both, i), 6, expected, 0));
    }
    return 0;
}

static int numbers_are_those_of_jax(imnn_graph *g)
{
    const imnn_shape none = {0}, four = {1, {4}}, five = {1, {5}};
    imnn_node key = key_of(g, 0);
    CHECK(gives(g, imnn_random_uniform(g, key, IMNN_F32, &none, 0, 0), LIST(0.41845703125), 0));
    CHECK(gives(g, imnn_random_uniform(g, key, IMNN_F32, &five, 0, 0),
                LIST(0.57450044, 0.09968603, 0.39316022, 0.8941783, 0.59656656), 6e-8));
    CHECK(gives(g, imnn_random_normal(g, key, IMNN_F32, &none), LIST(-0.20584226), 2e-7));
    CHECK(gives(g, imnn_random_normal(g, key, IMNN_F32, &four),
                LIST(1.8160863, -0.75488514, 0.33988908, -0.53483534), 2e-7));
    CHECK(gives(g, imnn_random_truncated_normal(g, key, IMNN_F32, -2, 2, &four),
                LIST(1.5905912, -0.713836, 0.3238575, -0.5082287), 4e-7));
    /* jax 0.2.11 in x64 mode */
    CHECK(gives(g, imnn_random_uniform(g, key, IMNN_F64, &five, 0, 0),
                LIST(0.35490518026974427, 0.60419909079815204, 0.42758434155893177,
                     0.2306159783079802, 0.32985863036353735),
                0));
    CHECK(gives(g, imnn_random_normal(g, key, IMNN_F64, &five),
                LIST(-0.37211079333462033, 0.26423113848036445, -0.18252761704186854,
                     -0.73681977375689012, -0.44030356269263576),
                4e-15));
    /* bounds that differ from number to number */
    imnn_node lo = vector(g, IMNN_F32, 5,
                          (double[]){-1.3227038, -0.6119578, -0.6737974, 1.9034189, -0.2354510});
    imnn_node hi = constant(g, IMNN_F32, (imnn_shape){2, {3, 5}},
                            (double[]){-0.5167409, 0.1940051, 0.1321656, 2.7093818, 0.5705119,
                                       -0.9734958, -0.2627498, -0.3245894, 2.2526269, 0.1137570,
                                       -1.2754309, -0.5646848, -0.6265244, 1.9506918, -0.1881780});
    CHECK(gives(g, imnn_random_uniform(g, key, IMNN_F32, &(imnn_shape){2, {3, 5}}, lo, hi),
                LIST(-0.8924809, 0.1713723, -0.1771317, 2.6036758, 0.2730570, -1.2513317,
                     -0.3530030, -0.6213244, 1.9791849, -0.1219815, -1.2879305, -0.5744923,
                     -0.6562353, 1.9095939, -0.2331638),
                1e-6));
    return 0;
}

/* current jax; what is traced keeps the layout that was set when it was traced */
static int the_other_layout(imnn_graph *g)
{
    const imnn_shape five = {1, {5}};
    imnn_node key = key_of(g, 0);
    imnn_random_set_layout(IMNN_PARTITIONABLE);
    imnn_node narrow = imnn_random_normal(g, key, IMNN_F32, &five);
    imnn_node wide = imnn_random_uniform(g, key, IMNN_F64, &five, 0, 0);
    imnn_random_set_layout(IMNN_ORIGINAL);
    CHECK(gives(g, narrow,
                LIST(1.6226421594619751, 2.0252647399902344, -0.43359443545341492,
                     -0.07861734926700592, 0.17609089612960815),
                3e-7));
    CHECK(gives(g, wide,
                LIST(0.41845711171638644, 0.21629545460551136, 0.96532146111899753,
                     0.57450053372750465, 0.53222648825054275),
                0));
    return 0;
}

/* A long draw is made tile by tile, and is the same. */
static int long_draws(imnn_graph *g)
{
    enum { N = 30001 };
    static uint32_t words[2 * N];
    const uint32_t key[2] = {0, 5};
    const imnn_shape shape = {1, {N}};
    for (int l = 0; l < 2; l++) {
        const imnn_key_layout layout = (imnn_key_layout)l;
        imnn_random_set_layout(layout);
        imnn_node bits = imnn_random_bits(g, key_of(g, 5), &shape);
        imnn_node pairs = g_random_bits64(g, key_of(g, 5), &shape);
        imnn_node first = g_squeeze(g, g_slice(g, pairs, &(imnn_attr){6, {0, N, 1, l, 1, 1}}), 1);
        imnn_random_set_layout(IMNN_ORIGINAL);
        imnn_threefry_words(words, key, layout, 0, N, N);
        CHECK(compute(g, bits) == N);
        for (int i = 0; i < N; i++) CHECK(values[i] == words[i]);
        if (layout == IMNN_ORIGINAL) imnn_threefry_words(words, key, layout, 0, 2 * N, 2 * N);
        else imnn_threefry_split(words, key, layout, 0, N, N);
        CHECK(compute(g, first) == N);
        for (int i = 0; i < N; i++) CHECK(values[i] == words[l ? 2 * i + 1 : i]);
    }
    return 0;
}

static int draws_refuse(imnn_graph *g)
{
    const imnn_shape five = {1, {5}};
    imnn_node x = number(g, 1), key = key_of(g, 0);
    imnn_random_normal(g, x, IMNN_F32, &five);
    CHECK(imnn_graph_status(g) != IMNN_OK);
    CHECK(says("random_bits: works on u32, got f64"));
    imnn_random_split(g, vector(g, IMNN_U32, 3, (double[]){1, 2, 3}), 2);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE);
    CHECK(says("random.split: a key is u32 (2), or keys u32 (..., 2); got u32 (3)"));
    imnn_random_uniform(g, key, IMNN_I32, &five, 0, 0);
    CHECK(imnn_graph_status(g) == IMNN_EDTYPE && says("random.uniform: draws f32 or f64, not i32"));
    imnn_random_uniform(g, key, IMNN_F32, &five, x, 0);
    CHECK(imnn_graph_status(g) == IMNN_EDTYPE &&
          says("random.uniform: a bound is f64, the draws are f32"));
    imnn_random_truncated_normal(g, key, IMNN_F32, 2, 1, &five);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE &&
          says("random.truncated_normal: nothing lies between 2 and 1"));
    int32_t scope = imnn_graph_open(g);
    imnn_node inner = imnn_graph_placeholder(g, IMNN_U32, &(imnn_shape){1, {2}});
    imnn_graph_close(g, scope);
    imnn_random_normal(g, inner, IMNN_F32, &five);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE &&
          says("random.normal: a traced array has left its function"));
    return 0;
}

/* ---- layers ---- */

/* W and b of stax.Dense */
static imnn_node dense(imnn_graph *g, imnn_node key, imnn_node x, int64_t n, int64_t width,
                       imnn_node w[2])
{
    imnn_node keys = imnn_random_split(g, key, 2);
    w[0] = imnn_layer_truncated_normal_scaled(g, element_of(g, keys, 0), IMNN_F32,
                                              &(imnn_shape){2, {n, width}}, 1, IMNN_FAN_AVG);
    imnn_node b =
        imnn_random_normal(g, element_of(g, keys, 1), IMNN_F32, &(imnn_shape){1, {width}});
    w[1] = g_mul(g, b, g_number(g, b, 0.01));
    return imnn_layer_dense(g, x, w[0], w[1]);
}

/* JAX's documentation, seed 42, and current jax in the other layout, key 0 */
static int initial_weights(imnn_graph *g)
{
    static const struct {
        uint32_t seed;
        imnn_key_layout layout;
        double scale;
        imnn_fan fan;
        double w[6];
    } cases[] = {
        {42,
         IMNN_ORIGINAL,
         1,
         IMNN_FAN_AVG,
         {0.41770416, 0.75262755, 0.7619329, -0.5516644, -0.6028657, 0.08661086}},
        {42,
         IMNN_ORIGINAL,
         1,
         IMNN_FAN_IN,
         {0.46700746, 0.8414632, 0.8518669, -0.61677957, -0.67402434, 0.09683388}},
        {42,
         IMNN_ORIGINAL,
         2,
         IMNN_FAN_IN,
         {0.6604483, 1.1900088, 1.2047218, -0.87225807, -0.95321447, 0.1369438}},
        {0,
         IMNN_PARTITIONABLE,
         1,
         IMNN_FAN_AVG,
         {1.0468422, 1.2329131, -0.2967157, -0.053949434, 0.12079358, -0.6561745}},
        {0,
         IMNN_PARTITIONABLE,
         2,
         IMNN_FAN_IN,
         {1.655203, 1.949407, -0.46914878, -0.085301556, 0.19099143, -1.037503}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        imnn_random_set_layout(cases[i].layout);
        imnn_node w = imnn_layer_truncated_normal_scaled(g, key_of(g, cases[i].seed), IMNN_F32,
                                                         &(imnn_shape){2, {2, 3}}, cases[i].scale,
                                                         cases[i].fan);
        imnn_random_set_layout(IMNN_ORIGINAL);
        CHECK(gives(g, w, 6, cases[i].w, 1e-6));
    }
    imnn_layer_truncated_normal_scaled(g, key_of(g, 0), IMNN_F32, &(imnn_shape){1, {2}}, 1,
                                       IMNN_FAN_IN);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE &&
          says("initial weights: need an axis for inputs and one for outputs, got (2)"));
    return 0;
}

/* The network of the reference's tests: 10 - 128 - 128 - 128 - 3, leaky ReLU. */
static int a_network(imnn_graph *g)
{
    static const int64_t size[] = {10, 128, 128, 128, 3};
    imnn_node all = imnn_random_split(g, key_of(g, 0), 5), key = element_of(g, all, 1), w[4][2];
    imnn_node x = imnn_random_normal(g, element_of(g, all, 2), IMNN_F32, &(imnn_shape){1, {10}});
    for (int l = 0; l < 4; l++) {
        imnn_node keys = imnn_random_split(g, key, 2);
        x = dense(g, element_of(g, keys, 1), x, size[l], size[l + 1], w[l]);
        if (l == 3) break;
        x = imnn_activation(g, "leaky_relu", x, NAN);
        key = element_of(g, imnn_random_split(g, element_of(g, keys, 0), 2), 0); /* its own split */
    }
    CHECK(compute(g, w[0][0]) == 1280 && near(values[0], 0.05679663, 1e-6) &&
          near(values[1], 0.23451565, 1e-6) && near(values[2], -0.09101065, 1e-6));
    CHECK(compute(g, w[0][1]) == 128 && near(values[0], -0.00262231, 2e-6));
    CHECK(gives(g, element_of(g, w[3][0], 0), LIST(-0.17662545, 0.10322604, 0.08607548), 1e-6));
    CHECK(gives(g, w[3][1], LIST(0.00235514, 0.00608358, 0.00542735), 2e-6));
    CHECK(gives(g, x, LIST(-0.12554798, 0.40444958, -0.25127545), 3e-6));
    return 0;
}

static const double points[7] = {-3, -1, -0.5, 0, 0.5, 1, 3};
static const struct {
    const char *name;
    double parameter, at[7], slope_at_0;
} activations[] = {
    {"relu", NAN, {0, 0, 0, 0, .5, 1, 3}, 0},
    {"relu6", NAN, {0, 0, 0, 0, .5, 1, 3}, 0},
    {"leaky_relu", NAN, {-.03, -.01, -.005, 0, .5, 1, 3}, 1},
    {"leaky_relu", -1, {3, 1, .5, 0, .5, 1, 3}, 1},
    {"sigmoid", NAN, {.04742587, .2689414, .3775407, .5, .6224593, .7310586, .9525741}, .25},
    {"softplus", NAN, {.04858735, .3132617, .474077, .6931472, .974077, 1.313262, 3.048587}, .5},
    {"log_sigmoid",
     NAN,
     {-3.048587, -1.313262, -.974077, -.6931472, -.474077, -.3132617, -.04858735},
     .5},
    {"elu", NAN, {-.9502129, -.6321206, -.3934693, 0, .5, 1, 3}, 1},
    {"elu", 2, {-1.9004258, -1.2642411, -.7869387, 0, .5, 1, 3}, 2},
    {"celu", NAN, {-.9502129, -.6321206, -.3934693, 0, .5, 1, 3}, 1},
    {"selu", NAN, {-1.670569, -1.111331, -.6917582, 0, .5253505, 1.050701, 3.152103}, 1.758099},
    {"gelu", NAN, {-.003637392, -.158808, -.154286, 0, .345714, .841192, 2.996363}, .5},
    {"gelu_exact", NAN, {-.004049694, -.1586553, -.1542688, 0, .3457312, .8413447, 2.99595}, .5},
    {"silu", NAN, {-.1422776, -.2689414, -.1887703, 0, .3112297, .7310586, 2.857722}, .5},
    {"mish", NAN, {-.1456475, -.3034015, -.2207438, 0, .3752452, .8650984, 2.986535}, .6},
    {"soft_sign", NAN, {-.75, -.5, -1. / 3, 0, 1. / 3, .5, .75}, 1},
    {"hard_tanh", NAN, {-1, -1, -.5, 0, .5, 1, 1}, 1},
    {"hard_sigmoid", NAN, {0, 1. / 3, 2.5 / 6, .5, 3.5 / 6, 2. / 3, 1}, 1. / 6},
    {"hard_silu", NAN, {0, -1. / 3, -1.25 / 6, 0, 1.75 / 6, 2. / 3, 3}, .5},
    {"squareplus", NAN, {.3027756, .618034, .7807764, 1, 1.280776, 1.618034, 3.302776}, .5},
    {"sparse_plus", NAN, {0, 0, .0625, .25, .5625, 1, 3}, .5},
    {"sparse_sigmoid", NAN, {0, 0, .25, .5, .75, 1, 1}, .5},
};

static int activations_are_right(imnn_graph *g)
{
    imnn_node x = vector(g, IMNN_F64, 7, points);
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        const char *name = activations[i].name;
        const double a = activations[i].parameter;
        imnn_node y = imnn_activation(g, name, x, a), dy = slope(g, g_sum(g, y, NULL), x);
        if (!gives(g, y, 7, activations[i].at, 2e-6)) return printf("in %s\n", name), 1;
        if (!gives(g, element_of(g, dy, 3), 1, &activations[i].slope_at_0, 2e-6))
            return printf("in the slope of %s\n", name), 1;
    }
    imnn_node three = vector(g, IMNN_F64, 3, (double[]){1, 2, 3});
    imnn_node far = vector(g, IMNN_F64, 2, (double[]){1000, 1001}), one = element_of(g, three, 0);
    CHECK(gives(g, imnn_activation(g, "softmax", three, NAN),
                LIST(0.0900305732, 0.2447284711, 0.6652409558), 1e-9));
    CHECK(gives(g, imnn_activation(g, "log_softmax", three, NAN),
                LIST(-2.4076059645, -1.4076059645, -0.4076059645), 1e-9));
    CHECK(gives(g, imnn_activation(g, "logsumexp", far, 0), LIST(1001.3132616875), 1e-12));
    CHECK(gives(g, imnn_activation(g, "glu", far, NAN), LIST(1000), 1e-12));
    CHECK(gives(g, imnn_activation(g, "log1mexp", three, NAN),
                LIST(-0.4586751454, -0.1454134579, -0.0510691810), 1e-8));
    imnn_node kinks = vector(g, IMNN_F64, 4, (double[]){1, -1, 0, 6});
    CHECK(gives(g, slope(g, g_sum(g, imnn_activation(g, "hard_tanh", kinks, NAN), NULL), kinks),
                LIST(1, 1, 1, 0), 0));
    CHECK(gives(g, slope(g, g_sum(g, imnn_activation(g, "relu6", kinks, NAN), NULL), kinks),
                LIST(1, 0, 0, 0), 0));
    imnn_activation(g, "rely", three, NAN);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && says("activation: there is no \"rely\""));
    imnn_activation(g, "glu", three, NAN);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE && says("glu: axis 1 of (3) has no halves"));
    imnn_activation(g, "softmax", one, NAN);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && says("softmax: no such axis in ()"));
    imnn_layer_dense(g, three, three, three);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE &&
          says("dense: weights (3) and bias (3) do not fit inputs (3)"));
    return 0;
}

/* ---- optimisers: sum((w - 3)^2) from (1, 2), step size 0.1; JAX ---- */

static imnn_node pull(imnn_graph *g, imnn_node w)
{
    return g_mul(g, g_number(g, w, 2), g_sub(g, w, g_number(g, w, 3)));
}

static int optimisers_step(imnn_graph *g)
{
    static const double sgd[] = {1.4, 2.2, 1.72, 2.36, 1.976, 2.488, 2.1808, 2.5904};
    static const double momentum[] = {1.4, 2.2, 2.08, 2.54, 2.876, 2.938, 3.6172, 3.3086};
    static const double adam[] = {1.0999993, 2.0999994, 1.1998318, 2.1995862,
                                  1.2993746, 2.2984118, 1.3984921, 2.396058};
    imnn_node w = vector(g, IMNN_F32, 2, (double[]){1, 2}), lr = g_number(g, w, 0.1);
    imnn_node s = w, p = w, a = w, v = g_full_like(g, w, 0), m[2] = {v, v};
    for (int i = 0; i < 4; i++) {
        imnn_node step = imnn_graph_number(g, IMNN_I32, i);
        s = imnn_optim_step(g, "sgd", lr, step, pull(g, s), s, NULL, NULL);
        p = imnn_optim_step(g, "momentum", lr, step, pull(g, p), p, &v, (double[]){0.9});
        a = imnn_optim_step(g, "adam", lr, step, pull(g, a), a, m, (double[]){NAN, NAN, 1e-8});
        CHECK(gives(g, s, 2, sgd + 2 * i, 1e-6) && gives(g, p, 2, momentum + 2 * i, 1e-6));
        CHECK(gives(g, a, 2, adam + 2 * i, 1e-6));
    }
    imnn_optim_step(g, "sgd", lr, lr, lr, w, NULL, NULL);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE && says("sgd: a gradient () for parameters (2)"));
    imnn_optim_step(g, "sgd", w, lr, w, w, NULL, NULL);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE &&
          says("sgd: the step size must be a number, got (2)"));
    imnn_optim_step(g, "momentum", lr, lr, w, w, &v, NULL);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && says("momentum: mass has no default"));
    imnn_optim_step(g, "newton", lr, lr, w, w, NULL, NULL);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && says("optimisers: there is no \"newton\""));
    CHECK(imnn_optim_find("adam") && !strcmp(imnn_optim_find("adam")->moments, "m v"));
    CHECK(!imnn_optim_get(-1) && !imnn_optim_get(1000));
    return 0;
}

/* ---- the Fisher block: four summaries and two derivatives, worked out by hand ---- */

static int fisher_by_hand(imnn_graph *g)
{
    imnn_node x =
        constant(g, IMNN_F64, (imnn_shape){2, {4, 2}}, (double[]){1, 0, 0, 1, 2, 1, -1, 0.5});
    imnn_node dx = constant(g, IMNN_F64, (imnn_shape){3, {2, 2, 2}},
                            (double[]){1, 0.2, 0, 0.5, 0.8, 0, 0.1, 0.7});
    imnn_fisher f;
    imnn_fisher_loss l;
    double alpha;
    CHECK(imnn_fisher_alpha(&alpha, 10, 0.1) == IMNN_OK && near(alpha, 0.9531017980432489, 1e-14));
    CHECK(imnn_fisher_statistics(&f, g, x, dx) == IMNN_OK);
    CHECK(imnn_fisher_regularised(&l, g, &f, 10, alpha) == IMNN_OK);
    CHECK(gives(g, f.mu, LIST(0.5, 0.625), 1e-8));
    CHECK(gives(g, f.C, LIST(1.66666667, 0.08333333, 0.08333333, 0.22916667), 1e-7));
    CHECK(gives(g, f.invC, LIST(0.61111111, -0.22222222, -0.22222222, 4.44444444), 1e-7));
    CHECK(gives(g, f.dmu_dtheta, LIST(0.9, 0.1, 0.05, 0.6), 1e-8));
    CHECK(gives(g, f.F, LIST(0.48611111, 0.06722222, 0.06722222, 1.57944444), 1e-7));
    CHECK(gives(g, g_exp(g, f.lndetF), LIST(0.76326667), 1e-7) && gives(g, f.sign, LIST(1), 0));
    CHECK(gives(g, g_matmul(g, f.F, f.invF), LIST(1, 0, 0, 1), 1e-12));
    CHECK(gives(g, g_add(g, f.lndetC, f.lndetinvC), LIST(0), 1e-12));
    CHECK(gives(g, l.Lambda_2, LIST(4.50646827), 1e-8) && gives(g, l.r, LIST(9.96983499), 1e-8));
    CHECK(gives(g, l.loss, LIST(45.19889284), 1e-9));
    CHECK(gives(g, slope(g, l.loss, x),
                LIST(-2.74141111, 88.37559206, 0.71881996, -54.64342815, 9.97908699, -38.46269898,
                     -7.9564958, 4.73053507),
                1e-8));
    CHECK(gives(g, slope(g, l.loss, dx),
                LIST(-1.12149533, 0.09345794, 0.18691589, -1.68224299, -1.12149533, 0.09345794,
                     0.18691589, -1.68224299),
                1e-7));
    return 0;
}

/* C = I exactly, where the norms have a kink. */
static int fisher_at_the_kink(imnn_graph *g)
{
    imnn_node x = constant(g, IMNN_F64, (imnn_shape){2, {3, 1}}, (double[]){-1, 0, 1});
    imnn_node dx = constant(g, IMNN_F64, (imnn_shape){3, {2, 1, 1}}, (double[]){2, 2});
    imnn_fisher f;
    imnn_fisher_loss l;
    CHECK(imnn_fisher_statistics(&f, g, x, dx) == IMNN_OK);
    CHECK(imnn_fisher_regularised(&l, g, &f, 10, 1) == IMNN_OK);
    CHECK(gives(g, l.Lambda_2, LIST(0), 0) && gives(g, l.r, LIST(0), 0));
    CHECK(gives(g, l.loss, LIST(-log(4)), 1e-15));
    CHECK(gives(g, slope(g, l.loss, x), LIST(-1, 0, 1), 1e-15)); /* of ln C alone */
    return 0;
}

static int fisher_refuses(imnn_graph *g)
{
    imnn_node x = constant(g, IMNN_F64, (imnn_shape){2, {1, 2}}, (double[]){1, 0});
    imnn_node dx = constant(g, IMNN_F64, (imnn_shape){3, {1, 2, 1}}, (double[]){1, 0});
    imnn_fisher f;
    double alpha;
    CHECK(imnn_fisher_statistics(&f, g, x, x) == IMNN_ESHAPE);
    CHECK(says("Fisher statistics: need summaries (n_s, S) and derivatives (n_d, S, P), got (1, 2) "
               "and (1, 2)"));
    CHECK(imnn_fisher_statistics(&f, g, x, dx) == IMNN_EVALUE);
    CHECK(says("Fisher statistics: a covariance needs two simulations and a mean derivative one, "
               "got 1 and 1"));
    CHECK(imnn_fisher_alpha(&alpha, 10, 0.01) == IMNN_OK && near(alpha, 240.68461033184548, 1e-14));
    CHECK(imnn_fisher_alpha(&alpha, 1, 0.1) == IMNN_EVALUE);
    CHECK(says("alpha: lambda must be above 1 and epsilon above 0, got 1 and 0.1"));
    CHECK(imnn_fisher_alpha(&alpha, 10, 0.2) == IMNN_EVALUE);
    CHECK(
        says("alpha: would be negative (-3.03068) for lambda 10 and epsilon 0.2; an epsilon below "
             "1 / lambda is small enough"));
    return 0;
}

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

int main(void)
{
    imnn_graph_evaluator = NULL; /* constants serve as variables here */
    static int (*const tests[])(imnn_graph *) = {
        keys_split_and_fold,
        numbers_are_those_of_jax,
        the_other_layout,
        long_draws,
        draws_refuse,
        initial_weights,
        a_network,
        activations_are_right,
        optimisers_step,
        fisher_by_hand,
        fisher_at_the_kink,
        fisher_refuses,
        matrices_are_inverted,
        singular_matrices,
        shared_matrices_make_one_product,
        equal_rows_are_multiplied_once,
        products_refuse,
        products_of_zeros,
        ties_and_nan,
        indices_stay_inside,
        many_rows_are_added_up,
        allocations_fail_once,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        imnn_graph *g = NULL;
        if (imnn_graph_new(&g) != IMNN_OK || tests[i](g)) return 1;
        imnn_graph_release(g);
    }
    if (imnn_live_bytes() != 0) return printf("%lld bytes leak\n", (long long)imnn_live_bytes()), 1;
    return 0;
}
