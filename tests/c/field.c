/* Gaussian random fields through the C API alone: white noise of a key, its Fourier transform, the
 * root of the power spectrum P(k) = a k^-b, the transform back. Derivatives in (a, b) follow from
 * the formula; the spectrum of many fields is P.
 *
 *   field [size [fields]] */
#include "tests/support/check.h"
#include <math.h>
#include <stdlib.h>

enum { P = 2 };

static imnn_node op(imnn_graph *g, const char *name, int n, const imnn_node *x,
                    const imnn_attr *attr)
{
    return imnn_graph_apply(g, imnn_op_find(name), n, x, attr);
}
static imnn_node unary(imnn_graph *g, const char *name, imnn_node x)
{
    return op(g, name, 1, &x, NULL);
}
static imnn_node binary(imnn_graph *g, const char *name, imnn_node a, imnn_node b)
{
    return op(g, name, 2, (imnn_node[]){a, b}, NULL);
}

/* Element i of a vector. */
static imnn_node element(imnn_graph *g, imnn_node x, int64_t i)
{
    imnn_node y = op(g, "slice", 1, &x, &(imnn_attr){3, {i, 1, 1}});
    return op(g, "reshape", 1, &y, &(imnn_attr){0, {0}});
}

static imnn_node sum(imnn_graph *g, imnn_node x)
{
    return op(g, "sum", 1, &x, &(imnn_attr){2, {0, imnn_graph_shape(g, x)->ndim}});
}

/* ln |k| in units of the fundamental, over the half that transforms of real numbers have; where
 * k = 0 it is large, so that there is no power. */
static imnn_node log_waves(imnn_graph *g, int m)
{
    const int half = m / 2 + 1;
    imnn_array *a = NULL;
    imnn_node x = 0;
    double *v = malloc((size_t)(m * half) * sizeof *v);
    for (int i = 0; v && i < m; i++)
        for (int j = 0; j < half; j++) v[i * half + j] = log(hypot(i < half ? i : i - m, j));
    if (v) v[0] = 1000;
    if (v && imnn_array_copy(&a, IMNN_F64, &(imnn_shape){2, {m, half}}, v) == IMNN_OK)
        x = imnn_graph_constant(g, a);
    imnn_array_release(a);
    free(v);
    return x;
}

/* One field (m, m), and what it would be were its amplitudes multiplied by -ln(k) / 2 once more:
 * its derivative in b. */
static imnn_node field(imnn_graph *g, imnn_node key, imnn_node theta, int m, imnn_node *in_b)
{
    const imnn_node waves = log_waves(g, m), minus_half = imnn_graph_number(g, IMNN_F64, -0.5);
    imnn_node noise = imnn_random_normal(g, key, IMNN_F64, &(imnn_shape){2, {m, m}});
    imnn_node slope = binary(g, "mul", minus_half, waves);
    imnn_node root = unary(g, "exp", binary(g, "mul", element(g, theta, 1), slope));
    root = binary(g, "mul", unary(g, "sqrt", element(g, theta, 0)), root);
    imnn_node spectrum = op(g, "rfft", 1, &noise, &(imnn_attr){2, {2, 0}}), part[2];
    imnn_node y = 0;
    for (int b = 0; b < 2; b++) {
        part[0] = binary(g, "mul", unary(g, "real", spectrum), root);
        part[1] = binary(g, "mul", unary(g, "imag", spectrum), root);
        spectrum = op(g, "complex", 2, part, NULL);
        imnn_node x = op(g, "irfft", 1, &spectrum, &(imnn_attr){3, {2, 0, m}});
        if (b) *in_b = x;
        else y = x, root = slope;
    }
    return y;
}

/* The largest element of |a - b|. */
static imnn_node distance(imnn_graph *g, imnn_node a, imnn_node b)
{
    imnn_node x = unary(g, "abs", binary(g, "sub", a, b));
    return op(g, "max", 1, &x, &(imnn_attr){2, {0, imnn_graph_shape(g, x)->ndim}});
}

static imnn_node vector(imnn_graph *g, imnn_dtype dtype, int n, const void *values)
{
    imnn_array *a = NULL;
    imnn_array_copy(&a, dtype, &(imnn_shape){1, {n}}, values);
    imnn_node x = a ? imnn_graph_constant(g, a) : 0;
    imnn_array_release(a);
    return x;
}

/* Results of one number each at these parameters. */
static imnn_status compute(imnn_graph *g, imnn_node theta, const double *at, int n,
                           const imnn_node *y, double *value)
{
    imnn_program *p = NULL;
    imnn_array *out[8] = {NULL}, *in = NULL;
    imnn_status st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_array_copy(&in, IMNN_F64, &(imnn_shape){1, {P}}, at);
    if (st == IMNN_OK) st = imnn_program_new(&p, g, 1, &theta, n, y);
    if (st == IMNN_OK) st = imnn_program_run(p, (const imnn_array *const *)&in, out);
    imnn_array_release(in);
    for (int i = 0; st == IMNN_OK && i < n; i++)
        value[i] = *(const double *)imnn_array_data(out[i]);
    for (int i = 0; i < n; i++) imnn_array_release(out[i]);
    imnn_program_release(p);
    return st;
}

/* d is linear in sqrt(a): dd/da = d / 2a; forward and reverse derivatives, and second ones, of a
 * sum of cubes against each other and against the formulas. */
static int derivatives(imnn_graph *g, int m)
{
    const double value[P] = {2.5, 1.5}, unit[P][P] = {{1, 0}, {0, 1}};
    imnn_node key = vector(g, IMNN_U32, 2, (const uint32_t[]){0, 7}), in_b = 0, dy[P], grad = 0;
    imnn_node theta = imnn_graph_input(g, IMNN_F64, &(imnn_shape){1, {P}}),
              y = field(g, key, theta, m, &in_b);
    imnn_node one = imnn_graph_number(g, IMNN_F64, 1), result[8];
    for (int k = 0; k < P; k++) {
        imnn_node v = vector(g, IMNN_F64, P, unit[k]);
        CHECK(imnn_graph_jvp(g, 1, &y, 1, &theta, &v, &dy[k]) == IMNN_OK);
    }
    imnn_node in_a = binary(g, "div", y, imnn_graph_number(g, IMNN_F64, 2 * value[0]));
    imnn_node cubes = sum(g, binary(g, "mul", y, binary(g, "mul", y, y)));
    CHECK(imnn_graph_vjp(g, 1, &cubes, &one, 1, &theta, &grad) == IMNN_OK);
    /* s = c a^(3/2): ds/da = 3/2 s / a, d2s/da2 = 3/4 s / a^2 */
    imnn_node ds = element(g, grad, 0), v = vector(g, IMNN_F64, P, unit[0]), dds = 0;
    CHECK(imnn_graph_jvp(g, 1, &ds, 1, &theta, &v, &dds) == IMNN_OK);
    result[0] = distance(g, dy[0], in_a), result[1] = distance(g, dy[1], in_b);
    result[2] = cubes, result[3] = ds, result[4] = dds, result[5] = element(g, grad, 1);
    imnn_node squares = binary(g, "mul", y, y);
    result[6] = sum(g, binary(g, "mul", squares, in_b)), result[7] = sum(g, squares);
    double x[8];
    CHECK(compute(g, theta, value, 8, result, x) == IMNN_OK);
    CHECK(x[7] > 1 && x[0] < 1e-14 && x[1] < 1e-14);
    CHECK(fabs(x[3] - 1.5 * x[2] / value[0]) < 1e-12 * x[7]);
    CHECK(fabs(x[4] - 0.75 * x[2] / (value[0] * value[0])) < 1e-12 * x[7]);
    CHECK(fabs(x[5] - 3 * x[6]) < 1e-12 * x[7]);
    return 0;
}

/* |rfft2(d)|^2 / m^2, over n fields, is on average a k^-b. Of one wave it has the relative standard
 * deviation 1 / sqrt(n), or sqrt(2 / n) where it is a real number. */
static int spectra(imnn_graph *g, int m, int n)
{
    const double value[P] = {3, 1};
    const int half = m / 2 + 1;
    imnn_node key = vector(g, IMNN_U32, 2, (const uint32_t[]){0, 1}), in_b = 0, average;
    imnn_node theta = vector(g, IMNN_F64, P, value), keys = imnn_random_split(g, key, n);
    int32_t scope = imnn_graph_open(g);
    imnn_node one = imnn_graph_placeholder(g, IMNN_U32, &(imnn_shape){1, {2}});
    imnn_node y = field(g, one, theta, m, &in_b);
    y = op(g, "rfft", 1, &y, &(imnn_attr){2, {2, 0}});
    imnn_node re = unary(g, "real", y), im = unary(g, "imag", y);
    y = binary(g, "add", binary(g, "mul", re, re), binary(g, "mul", im, im));
    CHECK(imnn_graph_vmap(g, 1, &y, 1, &one, &keys, &y) == IMNN_OK);
    imnn_graph_close(g, scope);
    average = op(g, "sum", 1, &y, &(imnn_attr){2, {0, 1}});
    imnn_program *p = NULL;
    imnn_array *out[3] = {NULL};
    CHECK(imnn_graph_status(g) == IMNN_OK);
    CHECK(imnn_program_new(&p, g, 0, NULL, 1, &average) == IMNN_OK);
    for (int threads = 1; threads <= 3; threads++) {
        imnn_set_threads(threads);
        CHECK(imnn_program_run(p, NULL, &out[threads - 1]) == IMNN_OK);
    }
    const double *power = imnn_array_data(out[0]);
    const size_t bytes = (size_t)(m * half) * sizeof *power;
    CHECK(!memcmp(power, imnn_array_data(out[1]), bytes));
    CHECK(!memcmp(power, imnn_array_data(out[2]), bytes));
    double all = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < half; j++) {
            const double k = hypot(i < half ? i : i - m, j);
            const double ratio = power[i * half + j] / n / m / m / (value[0] / k);
            if (i == 0 && j == 0) continue;
            CHECK(fabs(ratio - 1) < 8 / sqrt(n)); /* false alarm: less than 1 in 10^7 a wave */
            all += ratio - 1;
        }
    CHECK(fabs(all) < 8 * sqrt((double)m * half / n));
    for (int k = 0; k < 3; k++) imnn_array_release(out[k]);
    imnn_program_release(p);
    return 0;
}

int main(int argc, char **argv)
{
    const int m = argc > 1 ? atoi(argv[1]) : 32, n = argc > 2 ? atoi(argv[2]) : 2000;
    const int threads = imnn_threads();
    imnn_graph *g = NULL;
    CHECK(imnn_graph_new(&g) == IMNN_OK);
    int bad = derivatives(g, m) || derivatives(g, m + 1) || spectra(g, m, n);
    imnn_graph_release(g);
    imnn_set_threads(threads);
    imnn_apply_forget();
    if (!bad && imnn_live_bytes())
        return printf("%lld bytes leaked\n", (long long)imnn_live_bytes()), 1;
    return bad;
}
