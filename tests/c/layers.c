/* What a training is made of: layers, optimisers, the Fisher block, against published and derived
 * numbers. */
#include "tests/support/nodes.h"

/* ---- layers ---- */

/* W and b of stax.Dense */
static imnn_node dense(imnn_graph *g, imnn_node key, imnn_node x, int64_t n, int64_t width,
                       imnn_node w[2])
{
    imnn_node keys = imnn_random_split(g, key, 2);
    w[0] = imnn_layer_variance_scaling(g, element_of(g, keys, 0), IMNN_F32,
                                       &(imnn_shape){2, {n, width}}, 1, IMNN_FAN_AVG,
                                       IMNN_TRUNCATED_NORMAL);
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
        imnn_node w = imnn_layer_variance_scaling(g, key_of(g, cases[i].seed), IMNN_F32,
                                                  &(imnn_shape){2, {2, 3}}, cases[i].scale,
                                                  cases[i].fan, IMNN_TRUNCATED_NORMAL);
        imnn_random_set_layout(IMNN_ORIGINAL);
        CHECK(gives(g, w, 6, cases[i].w, 1e-6));
    }
    imnn_layer_variance_scaling(g, key_of(g, 0), IMNN_F32, &(imnn_shape){1, {2}}, 1, IMNN_FAN_IN,
                                IMNN_TRUNCATED_NORMAL);
    CHECK(imnn_graph_status(g) == IMNN_ESHAPE &&
          says("initial weights: need an axis for inputs and one for outputs, got (2)"));
    return 0;
}

/* Many weights have the variance that is asked for, and the uniform ones end where they should. */
static int initial_weights_vary(imnn_graph *g)
{
    static const double n[] = {
        [IMNN_FAN_AVG] = 150, [IMNN_FAN_IN] = 60, [IMNN_FAN_OUT] = 240, [IMNN_FAN_GEO_AVG] = 120};
    for (int fan = IMNN_FAN_AVG; fan <= IMNN_FAN_GEO_AVG; fan++)
        for (int spread = IMNN_TRUNCATED_NORMAL; spread <= IMNN_UNIFORM; spread++) {
            imnn_node w = imnn_layer_variance_scaling(g, key_of(g, 7), IMNN_F64,
                                                      &(imnn_shape){3, {3, 20, 80}}, 2,
                                                      (imnn_fan)fan, (imnn_spread)spread);
            const int64_t count = compute(g, w);
            double sum = 0, largest = 0;
            CHECK(count == 3 * 20 * 80);
            for (int64_t i = 0; i < count; i++)
                sum += values[i] * values[i], largest = fmax(largest, fabs(values[i]));
            const double variance = 2 / n[fan];
            CHECK(fabs(sum / (double)count / variance - 1) < 0.12); /* five deviations */
            const double end = largest / sqrt(variance);
            if (spread == IMNN_TRUNCATED_NORMAL) CHECK(end <= 2 / 0.8796 && end > 2.2);
            if (spread == IMNN_NORMAL) CHECK(end > 3);
            if (spread == IMNN_UNIFORM) CHECK(end <= sqrt(3) && end > 1.72);
        }
    return 0;
}

/* ---- formulas ---- */

static int formulas(imnn_graph *g)
{
    static const char *const names[] = {"i", "steps"};
    const imnn_node at[] = {imnn_graph_number(g, IMNN_F64, 30),
                            imnn_graph_number(g, IMNN_F64, 100)};
    /* schedules of optimisers, as a C program writes them */
    imnn_node cosine = imnn_graph_formula(
        g, "0.1 * 0.5 * (1 + cos(3.141592653589793 * (minimum(i, steps) / steps)))", 2, names, at);
    CHECK(gives(g, cosine, 1, (double[]){0.05 * (1 + cos(0.3 * 3.141592653589793))}, 1e-15));
    imnn_node decay = imnn_graph_formula(g, "-pow(.5, i / -steps) - 2", 2, names, at);
    CHECK(gives(g, decay, 1, (double[]){-pow(.5, -.3) - 2}, 1e-15));
    CHECK(imnn_graph_dtype(g, cosine) == IMNN_F64);
#define REFUSED(text, sentence)                \
    imnn_graph_formula(g, text, 2, names, at); \
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && says(sentence))
    REFUSED("i * n", "formula \"i * n\": unknown name at \"\"");
    REFUSED("sim(i)", "formula \"sim(i)\": no such operator at \"i)\"");
    REFUSED("pow(i)", "formula \"pow(i)\": wrong arguments at \"\"");
    REFUSED("(i", "formula \"(i\": missing ) at \"\"");
    REFUSED("i i", "formula \"i i\": left over at \"i\"");
    REFUSED("", "formula \"\": unknown name at \"\"");
    static char deep[3000];
    memset(deep, '(', sizeof deep - 1);
    imnn_graph_formula(g, deep, 2, names, at);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE && strstr(imnn_last_error(), "too many brackets"));
    imnn_graph_formula(g, "1", 0, NULL, NULL);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE);
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

RUN(initial_weights, initial_weights_vary, formulas, a_network, activations_are_right,
    optimisers_step, fisher_by_hand, fisher_at_the_kink, fisher_refuses)
