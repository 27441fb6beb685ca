/* Draws: words of JAX 0.2.11, original layout, unless said otherwise. */
#include "core/kernels/threefry.h"
#include "tests/support/nodes.h"

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

/* Orders, choices, vectors. */
static int orders_and_vectors(imnn_graph *g)
{
    const imnn_shape none = {0}, two = {1, {2}}, five = {1, {5}};
    imnn_node key = key_of(g, 0), cov, mean = vector(g, IMNN_F64, 2, (double[]){1, -1});
    imnn_node logits = vector(g, IMNN_F32, 3, (double[]){-50, 50, 0});
    cov = constant(g, IMNN_F64, (imnn_shape){2, {2, 2}}, (double[]){4, 1, 1, 2});
    CHECK(gives(g, imnn_random_order(g, key, 5), LIST(1, 0, 4, 3, 2), 0));
    CHECK(gives(g,
                imnn_random_permutation(g, key, vector(g, IMNN_F32, 5, (double[]){5, 6, 7, 8, 9}),
                                        0, false),
                LIST(6, 5, 9, 8, 7), 0));
    CHECK(gives(g, imnn_random_positions(g, key, 5, &two, false, 0), LIST(1, 0), 0));
    CHECK(
        gives(g, imnn_random_categorical(g, key, logits, 0, &five, true), LIST(1, 1, 1, 1, 1), 0));
    CHECK(compute(g, imnn_random_multivariate_normal(g, key, IMNN_F64, &five, mean, cov,
                                                     IMNN_BY_CHOLESKY)) == 10);
    CHECK(compute(g, imnn_random_wishart(g, key, IMNN_F64, &none, number(g, 3), cov)) == 4);
    CHECK(values[1] == values[2] && values[0] * values[3] > values[1] * values[2]);
    imnn_node q = imnn_random_orthogonal(g, key, IMNN_F64, &none, 2, 2);
    CHECK(compute(g, q) == 4 && near(1, values[0] * values[0] + values[1] * values[1], 1e-14));
    CHECK(compute(g, imnn_random_words(g, key, &five, 8)) == 5 && values[0] < 256);
    imnn_random_positions(g, key, 3, &five, false, 0);
    CHECK(imnn_graph_status(g) == IMNN_EVALUE &&
          says("random.choice: 5 draws of 3 without replacement"));
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

RUN(keys_split_and_fold, numbers_are_those_of_jax, the_other_layout, long_draws, orders_and_vectors,
    draws_refuse)
