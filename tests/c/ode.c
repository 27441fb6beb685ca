/* A differential equation through the C API alone: hares and lynxes (Lotka 1925, Volterra 1926) by
 * Runge-Kutta steps in a scan, its derivatives in the parameters in both modes, and a batch.
 * Without encounters there is a solution in closed form; with them a constant of the motion. */
#include "imnn.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { P = 4, STEPS = 40, BATCH = 300 };
static const double step = 0.1;

static imnn_node op(imnn_graph *g, const char *name, int n, const imnn_node *x,
                    const imnn_attr *attr)
{
    return imnn_graph_apply(g, imnn_op_find(name), n, x, attr);
}

static imnn_node add(imnn_graph *g, imnn_node a, imnn_node b)
{
    return op(g, "add", 2, (imnn_node[]){a, b}, NULL);
}

static imnn_node mul(imnn_graph *g, imnn_node a, imnn_node b)
{
    return op(g, "mul", 2, (imnn_node[]){a, b}, NULL);
}

static imnn_node sub(imnn_graph *g, imnn_node a, imnn_node b)
{
    return op(g, "sub", 2, (imnn_node[]){a, b}, NULL);
}

static imnn_node times(imnn_graph *g, double a, imnn_node x)
{
    return mul(g, imnn_graph_number(g, IMNN_F64, a), x);
}

static imnn_node element(imnn_graph *g, imnn_node x, int64_t i)
{
    imnn_node y = op(g, "slice", 1, &x, &(imnn_attr){3, {i, 1, 1}});
    return op(g, "reshape", 1, &y, &(imnn_attr){0, {0}});
}

/* ---- the equation ---- */

typedef struct state {
    imnn_node hares, lynxes;
} state;

/* hares' = a hares - b hares lynxes, lynxes' = d hares lynxes - c lynxes */
static state slope(imnn_graph *g, const imnn_node *p, state s)
{
    imnn_node meetings = mul(g, s.hares, s.lynxes);
    return (state){sub(g, mul(g, p[0], s.hares), mul(g, p[1], meetings)),
                   sub(g, mul(g, p[3], meetings), mul(g, p[2], s.lynxes))};
}

static state moved(imnn_graph *g, state s, double h, state k)
{
    return (state){add(g, s.hares, times(g, h, k.hares)), add(g, s.lynxes, times(g, h, k.lynxes))};
}

static state runge_kutta(imnn_graph *g, const imnn_node *p, state s)
{
    state k1 = slope(g, p, s), k2 = slope(g, p, moved(g, s, step / 2, k1));
    state k3 = slope(g, p, moved(g, s, step / 2, k2)), k4 = slope(g, p, moved(g, s, step, k3));
    s = moved(g, moved(g, s, step / 6, k1), step / 3, k2);
    return moved(g, moved(g, s, step / 3, k3), step / 6, k4);
}

/* From one hare and half a lynx: out[0], out[1] in the end, out[2], out[3] (STEPS) after each step.
 * The body reads the parameters from outside. */
static void solve(imnn_graph *g, imnn_node theta, imnn_node *out)
{
    const imnn_shape none = {0};
    imnn_node p[P],
        init[2] = {imnn_graph_number(g, IMNN_F64, 1), imnn_graph_number(g, IMNN_F64, 0.5)};
    for (int i = 0; i < P; i++) p[i] = element(g, theta, i);
    const int32_t scope = imnn_graph_open(g);
    imnn_node carry[2] = {imnn_graph_placeholder(g, IMNN_F64, &none),
                          imnn_graph_placeholder(g, IMNN_F64, &none)};
    const state after = runge_kutta(g, p, (state){carry[0], carry[1]});
    const imnn_node next[2] = {after.hares, after.lynxes};
    imnn_graph_scan(g, STEPS, false, 2, carry, init, next, 0, NULL, NULL, 2, next, out);
    imnn_graph_close(g, scope);
}

/* ---- running ---- */

/* The results of nodes y of one input of this shape, in doubles one behind the other. */
static bool run(imnn_graph *g, imnn_node x, const imnn_shape *shape, const double *value, int ny,
                const imnn_node *y, double *to)
{
    imnn_program *program = NULL;
    imnn_array *in = NULL, *out[ny + 1];
    memset(out, 0, sizeof out);
    imnn_status st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_array_from(&in, IMNN_F64, shape, value);
    if (st == IMNN_OK) st = imnn_program_new(&program, g, 1, &x, ny, y);
    if (st == IMNN_OK) st = imnn_program_run(program, (const imnn_array *[]){in}, out);
    for (int i = 0; i < ny && st == IMNN_OK; i++) {
        const size_t size = (size_t)imnn_array_size(out[i]);
        memcpy(to, imnn_array_data(out[i]), size * sizeof *to);
        to += size;
    }
    for (int i = 0; i < ny; i++) imnn_array_release(out[i]);
    imnn_program_release(program);
    imnn_array_release(in);
    if (st != IMNN_OK) printf("%s\n", imnn_last_error());
    return st == IMNN_OK;
}

static bool near(const char *what, double a, double b, double room)
{
    if (fabs(a - b) <= room) return true;
    printf("%s: %.12g and %.12g\n", what, a, b);
    return false;
}

/* ---- tests ---- */

/* b = d = 0: the hares are e^(a t), the lynxes e^(-c t) / 2. */
static bool without_encounters(imnn_graph *g, imnn_node theta)
{
    const double p[P] = {0.5, 0, 0.3, 0}, T = STEPS * step;
    double found[2 + 2 * P];
    imnn_node y[4], all[4] = {0};
    solve(g, theta, y);
    all[0] = y[0], all[1] = y[1];
    for (int i = 0; i < 2; i++) {
        imnn_node one = imnn_graph_number(g, IMNN_F64, 1);
        if (imnn_graph_vjp(g, 1, y + i, &one, 1, &theta, all + 2 + i) != IMNN_OK) return false;
    }
    if (!run(g, theta, &(imnn_shape){1, {P}}, p, 4, all, found)) return false;
    const double hares = exp(p[0] * T), lynxes = exp(-p[2] * T) / 2;
    return near("hares", found[0], hares, 2e-6) && near("lynxes", found[1], lynxes, 1e-7) &&
           near("d hares / da", found[2], T * hares, 2e-5) &&
           near("d hares / dc", found[4], 0, 0) && near("d lynxes / da", found[6], 0, 0) &&
           near("d lynxes / dc", found[8], -T * lynxes, 1e-6);
}

/* d hares - c ln hares + b lynxes - a ln lynxes */
static double constant(const double *p, double hares, double lynxes)
{
    return p[3] * hares - p[2] * log(hares) + p[1] * lynxes - p[0] * log(lynxes);
}

/* The sum of all hares, whose slope is known in three ways: backwards, forwards, by differences. */
static bool with_encounters(imnn_graph *g, imnn_node theta)
{
    const imnn_shape four = {1, {P}};
    const double p[P] = {1.1, 0.8, 0.9, 0.7}, h = 1e-4;
    double found[2 * STEPS + 1 + 2 * P];
    imnn_node y[4], all[4 + P], basis, one = imnn_graph_number(g, IMNN_F64, 1);
    solve(g, theta, y);
    imnn_node sum = op(g, "sum", 1, y + 2, &(imnn_attr){2, {0, 1}});
    all[0] = y[2], all[1] = y[3], all[2] = sum;
    if (imnn_graph_vjp(g, 1, &sum, &one, 1, &theta, all + 3) != IMNN_OK) return false;
    for (int i = 0; i < P; i++) {
        double e[P] = {0};
        imnn_array *a = NULL;
        e[i] = 1;
        if (imnn_array_from(&a, IMNN_F64, &four, e) != IMNN_OK) return false;
        basis = imnn_graph_constant(g, a);
        imnn_array_release(a);
        if (imnn_graph_jvp(g, 1, &sum, 1, &theta, &basis, all + 4 + i) != IMNN_OK) return false;
    }
    if (!run(g, theta, &four, p, 4 + P, all, found)) return false;
    const double first = constant(p, 1, 0.5);
    for (int i = 0; i < STEPS; i++)
        if (!near("constant", constant(p, found[i], found[STEPS + i]), first, 1e-5)) return false;
    const double *back = found + 2 * STEPS + 1, *forth = back + P;
    for (int i = 0; i < P; i++) {
        double q[P], side[2];
        for (int k = 0; k < 2; k++) {
            memcpy(q, p, sizeof q);
            q[i] += k ? h : -h;
            if (!run(g, theta, &four, q, 1, &sum, side + k)) return false;
        }
        if (!near("reverse and forward", back[i], forth[i], 1e-11)) return false;
        if (!near("derivative and difference", back[i], (side[1] - side[0]) / (2 * h), 1e-5))
            return false;
    }
    return true;
}

/* Many parameters at once: each has the sum and the gradient that it has alone. */
static bool in_a_batch(imnn_graph *g, imnn_node theta)
{
    static double p[BATCH * P], found[BATCH * (1 + P)];
    const imnn_shape shape = {2, {BATCH, P}};
    imnn_node y[4], all[2], rows[2], one = imnn_graph_number(g, IMNN_F64, 1);
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < P; j++) p[i * P + j] = 0.5 + 0.5 * sin(1 + 3 * i + 7 * j);
    solve(g, theta, y);
    all[0] = op(g, "sum", 1, y + 2, &(imnn_attr){2, {0, 1}});
    if (imnn_graph_vjp(g, 1, all, &one, 1, &theta, all + 1) != IMNN_OK) return false;
    imnn_node many = imnn_graph_input(g, IMNN_F64, &shape);
    if (imnn_graph_vmap(g, 2, all, 1, &theta, &many, rows) != IMNN_OK) return false;
    if (!run(g, many, &shape, p, 2, rows, found)) return false;
    for (int i = 0; i < BATCH; i += 37) {
        double alone[1 + P];
        if (!run(g, theta, &(imnn_shape){1, {P}}, p + i * P, 2, all, alone)) return false;
        if (!near("sum", found[i], alone[0], 1e-10 * fabs(alone[0]))) return false;
        for (int j = 0; j < P; j++)
            if (!near("gradient", found[BATCH + i * P + j], alone[1 + j],
                      1e-9 * (1 + fabs(alone[1 + j]))))
                return false;
    }
    return true;
}

int main(void)
{
    static const struct {
        const char *name;
        bool (*test)(imnn_graph *, imnn_node);
    } tests[] = {{"without encounters", without_encounters},
                 {"with encounters", with_encounters},
                 {"in a batch", in_a_batch}};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        imnn_graph *g = NULL;
        if (imnn_graph_new(&g) != IMNN_OK) return 1;
        imnn_node theta = imnn_graph_input(g, IMNN_F64, &(imnn_shape){1, {P}});
        const bool passed = tests[i].test(g, theta);
        if (!passed) printf("ode: %s (last error: %s)\n", tests[i].name, imnn_last_error());
        imnn_graph_release(g);
        if (!passed) return 1;
    }
    imnn_apply_forget(); /* small operators of constants were computed at once */
    if (imnn_live_bytes() != 0) return printf("%lld bytes leak\n", (long long)imnn_live_bytes()), 1;
    return 0;
}
