/* The main job through the C API alone: an IMNN for the mean and the variance of ten Gaussian
 * numbers. Builds the network, draws simulations inside the compiled iteration, trains with Adam
 * and prints ln det F (exact: ln 50 = 3.91).
 *
 *   train [simulations [width [iterations]]] */
#include "imnn.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAYERS = 4, P = 2, S = 2, DATA = 10, LEAVES = 2 * LAYERS };

static imnn_node op(imnn_graph *g, const char *name, int n, const imnn_node *x,
                    const imnn_attr *attr)
{
    return imnn_graph_apply(g, imnn_op_find(name), n, x, attr);
}

/* Element i of a vector. */
static imnn_node element(imnn_graph *g, imnn_node x, int64_t i)
{
    imnn_node y = op(g, "slice", 1, &x, &(imnn_attr){3, {i, 1, 1}});
    return op(g, "reshape", 1, &y, &(imnn_attr){0, {0}});
}

/* theta_0 + sqrt(theta_1) n: one simulation. */
static imnn_node simulate(imnn_graph *g, imnn_node key, imnn_node theta)
{
    imnn_node noise = imnn_random_normal(g, key, IMNN_F32, &(imnn_shape){1, {DATA}});
    imnn_node variance = element(g, theta, 1), sigma = op(g, "sqrt", 1, &variance, NULL);
    imnn_node scaled = op(g, "mul", 2, (imnn_node[]){sigma, noise}, NULL);
    return op(g, "add", 2, (imnn_node[]){element(g, theta, 0), scaled}, NULL);
}

static imnn_node network(imnn_graph *g, const imnn_node *w, imnn_node x)
{
    for (int l = 0; l < LAYERS; l++) {
        x = imnn_layer_dense(g, x, w[2 * l], w[2 * l + 1]);
        if (l < LAYERS - 1) x = imnn_activation(g, "leaky_relu", x, NAN);
    }
    return x;
}

/* Summaries (n, S) and their derivatives (n, S, P) of simulations at theta_fid. */
static void summaries(imnn_graph *g, const imnn_node *w, imnn_node keys, imnn_node theta_fid,
                      imnn_node *x, imnn_node *dx)
{
    const float unit[P * P] = {1, 0, 0, 1};
    imnn_array *basis = NULL;
    int32_t scope = imnn_graph_open(g);
    imnn_node key = imnn_graph_placeholder(g, IMNN_U32, &(imnn_shape){1, {2}});
    imnn_node theta = imnn_graph_placeholder(g, IMNN_F32, &(imnn_shape){1, {P}});
    imnn_node v = imnn_graph_placeholder(g, IMNN_F32, &(imnn_shape){1, {P}});
    imnn_node y = network(g, w, simulate(g, key, theta)), dy = 0, each, one[2];
    imnn_graph_jvp(g, 1, &y, 1, &theta, &v, &dy);
    imnn_array_copy(&basis, IMNN_F32, &(imnn_shape){2, {P, P}}, unit);
    imnn_node directions = imnn_graph_constant(g, basis);
    imnn_array_release(basis);
    imnn_graph_vmap(g, 1, &dy, 1, &v, &directions, &each); /* (P, S) */
    one[0] = y, one[1] = op(g, "transpose", 1, &each, &(imnn_attr){2, {1, 0}});
    imnn_graph_substitute(g, 2, one, 1, &theta, &theta_fid, one);
    imnn_graph_vmap(g, 2, one, 1, &key, &keys, one);
    imnn_graph_close(g, scope);
    *x = one[0], *dx = one[1];
}

/* One iteration: weights and moments (3 LEAVES), key, step -> the same again, and ln det F. */
static imnn_status compile(imnn_program **out, int64_t n, int64_t width)
{
    imnn_graph *g = NULL;
    imnn_fisher f = {0};
    imnn_fisher_loss loss = {0};
    double alpha = 0;
    imnn_node in[3 * LEAVES + 2], result[3 * LEAVES + 3], grad[LEAVES], x = 0, dx = 0;
    const int64_t size[LAYERS + 1] = {DATA, width, width, width, S};
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    for (int k = 0; k < 3 * LEAVES; k++) {
        int l = k % LEAVES / 2;
        imnn_shape weights = {2, {size[l], size[l + 1]}}, bias = {1, {size[l + 1]}};
        in[k] = imnn_graph_input(g, IMNN_F32, k % 2 ? &bias : &weights);
    }
    in[3 * LEAVES] = imnn_graph_input(g, IMNN_U32, &(imnn_shape){1, {2}});
    in[3 * LEAVES + 1] = imnn_graph_input(g, IMNN_I32, &(imnn_shape){0});
    imnn_node keys = imnn_random_split(g, in[3 * LEAVES], 3);
    imnn_node next = op(g, "slice", 1, &keys, &(imnn_attr){6, {0, 1, 1, 0, 2, 1}});
    imnn_node now = op(g, "slice", 1, &keys, &(imnn_attr){6, {1, 1, 1, 0, 2, 1}});
    next = op(g, "reshape", 1, &next, &(imnn_attr){1, {2}});
    now = op(g, "reshape", 1, &now, &(imnn_attr){1, {2}});
    imnn_array *fiducial = NULL;
    imnn_array_copy(&fiducial, IMNN_F32, &(imnn_shape){1, {P}}, (const float[]){0, 1});
    imnn_node theta_fid = imnn_graph_constant(g, fiducial);
    imnn_array_release(fiducial);
    summaries(g, in, imnn_random_split(g, now, n), theta_fid, &x, &dx);
    imnn_fisher_statistics(&f, g, x, dx);
    imnn_fisher_alpha(&alpha, 10, 0.1);
    imnn_fisher_regularised(&loss, g, &f, 10, alpha);
    imnn_node one = imnn_graph_number(g, IMNN_F64, 1);
    imnn_graph_vjp(g, 1, &loss.loss, &one, LEAVES, in, grad);
    imnn_node lr = imnn_graph_number(g, IMNN_F32, 1e-3);
    for (int k = 0; k < LEAVES; k++) {
        imnn_node m[2] = {in[LEAVES + k], in[2 * LEAVES + k]};
        result[k] = imnn_optim_step(g, "adam", lr, in[3 * LEAVES + 1], grad[k], in[k], m, NULL);
        result[LEAVES + k] = m[0], result[2 * LEAVES + k] = m[1];
    }
    imnn_node i = imnn_graph_number(g, IMNN_I32, 1);
    result[3 * LEAVES] = next;
    result[3 * LEAVES + 1] = op(g, "add", 2, (imnn_node[]){in[3 * LEAVES + 1], i}, NULL);
    result[3 * LEAVES + 2] = f.lndetF;
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_program_new(out, g, 3 * LEAVES + 2, in, 3 * LEAVES + 3, result);
    imnn_graph_release(g);
    return st;
}

/* Initial weights from a key, moments zero. */
static imnn_status initialise(imnn_array **state, int64_t width)
{
    const int64_t size[LAYERS + 1] = {DATA, width, width, width, S};
    imnn_graph *g = NULL;
    imnn_program *p = NULL;
    imnn_node w[LEAVES];
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    imnn_array *seed = NULL;
    imnn_array_copy(&seed, IMNN_U32, &(imnn_shape){1, {2}}, (const uint32_t[]){0, 0});
    imnn_node keys = imnn_random_split(g, imnn_graph_constant(g, seed), LAYERS);
    for (int64_t l = 0; l < LAYERS; l++) {
        imnn_node key = op(g, "slice", 1, &keys, &(imnn_attr){6, {l, 1, 1, 0, 2, 1}});
        key = op(g, "reshape", 1, &key, &(imnn_attr){1, {2}});
        w[2 * l] =
            imnn_layer_variance_scaling(g, key, IMNN_F32, &(imnn_shape){2, {size[l], size[l + 1]}},
                                        1, IMNN_FAN_AVG, IMNN_TRUNCATED_NORMAL);
        w[2 * l + 1] = imnn_graph_number(g, IMNN_F32, 0);
        w[2 * l + 1] = op(g, "broadcast", 1, &w[2 * l + 1], &(imnn_attr){1, {size[l + 1]}});
    }
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_program_new(&p, g, 0, NULL, LEAVES, w);
    if (st == IMNN_OK) st = imnn_program_run(p, NULL, state);
    for (int k = LEAVES; st == IMNN_OK && k < 3 * LEAVES; k++)
        st = imnn_array_zeros(&state[k], IMNN_F32, imnn_array_shape(state[k % LEAVES]));
    state[3 * LEAVES] = seed;
    if (st == IMNN_OK) st = imnn_array_zeros(&state[3 * LEAVES + 1], IMNN_I32, &(imnn_shape){0});
    imnn_program_release(p);
    imnn_graph_release(g);
    return st;
}

int main(int argc, char **argv)
{
    const int64_t n = argc > 1 ? atoll(argv[1]) : 1000, width = argc > 2 ? atoll(argv[2]) : 128;
    const int iterations = argc > 3 ? atoi(argv[3]) : 800;
    enum { ALL = 3 * LEAVES + 3 };
    imnn_array *old[ALL] = {NULL}, *new[ALL] = {NULL};
    imnn_program *p = NULL;
    double best = INFINITY, start = imnn_seconds();
    imnn_status st = initialise(old, width);
    double t = imnn_seconds();
    if (st == IMNN_OK) st = compile(&p, n, width);
    printf("initial weights %.1f ms, compiled in %.1f ms\n", (t - start) * 1e3,
           (imnn_seconds() - t) * 1e3);
    if (p && getenv("IMNN_PROFILE")) imnn_program_profile(p, true);
    for (int i = 0; st == IMNN_OK && i < iterations; i++) {
        t = imnn_seconds();
        st = imnn_program_run(p, (const imnn_array *const *)old, new);
        t = imnn_seconds() - t;
        if (t < best) best = t;
        for (int k = 0; k < ALL; k++) {
            imnn_array *swap = old[k];
            old[k] = new[k], new[k] = swap;
        }
    }
    double lndetF = NAN;
    if (st != IMNN_OK) printf("failed: %s\n", imnn_last_error());
    else {
        lndetF = *(const double *)imnn_array_data(old[ALL - 1]);
        printf(
            "ln det F = %.6f after %d iterations; %.3f ms an iteration, %.0f FLOP, %.1f GFLOP/s\n",
            lndetF, iterations, best * 1e3, imnn_program_flops(p),
            imnn_program_flops(p) / best * 1e-9);
    }
    if (p && getenv("IMNN_PROFILE")) fputs(imnn_program_text(p), stdout);
    for (int k = 0; k < ALL; k++) imnn_array_release(old[k]), imnn_array_release(new[k]);
    imnn_program_release(p);
    imnn_apply_forget();
    if (imnn_live_bytes()) return printf("%lld bytes leaked\n", (long long)imnn_live_bytes()), 1;
    return !(lndetF > 2 && lndetF < 4.6); /* 800 iterations reach about 3.4 */
}
