/* Activations: formulas of operators, so their derivatives come from the operators too. At kinks
 * the slopes are those of JAX. */
#include "core/ops/ops.h"
#include "imnn/layers.h"
#include <math.h>
#include <string.h>

/* In the dtype of x; a is the parameter. What is not chosen by a `where` is made harmless, since
 * 0 times its derivative must be 0. */
typedef struct activation {
    const char *name, *formula;
    double parameter; /* the default */
} activation;
static const activation elementwise[] = {
    {"relu", "relu(x)", 0},
    {"relu6", "where(ge(x, 6), 6, relu(x))", 0},
    {"leaky_relu", "where(ge(x, 0), x, a * x)", 0.01},
    {"elu", "where(gt(x, 0), x, a * expm1(where(gt(x, 0), 0, x)))", 1},
    {"selu",
     "1.0507009873554805 * where(gt(x, 0), x, 1.6732632423543772 * expm1(where(gt(x, 0), 0, x)))",
     0},
    {"celu", "maximum(x, 0) + a * expm1(minimum(x, 0) / a)", 1},
    {"gelu", "x * (0.5 * (1 + tanh(0.7978845608028654 * (x + 0.044715 * (x * x * x)))))", 0},
    {"gelu_exact", "0.5 * x * erfc(-x * 0.7071067811865476)", 0},
    {"sigmoid", "sigmoid(x)", 0},
    {"log_sigmoid", "-softplus(-x)", 0},
    {"softplus", "softplus(x)", 0},
    {"tanh", "tanh(x)", 0},
    {"exp", "exp(x)", 0},
    {"silu", "x * sigmoid(x)", 0},
    {"swish", "x * sigmoid(x)", 0},
    {"mish", "x * tanh(softplus(x))", 0},
    {"soft_sign", "x / (abs(x) + 1)", 0},
    {"hard_tanh", "where(gt(x, 1), 1, where(lt(x, -1), -1, x))", 0},
    {"hard_sigmoid", "where(ge(x + 3, 6), 6, relu(x + 3)) / 6", 0},
    {"hard_silu", "x * (where(ge(x + 3, 6), 6, relu(x + 3)) / 6)", 0},
    {"hard_swish", "x * (where(ge(x + 3, 6), 6, relu(x + 3)) / 6)", 0},
    {"squareplus", "(x + sqrt(x * x + a)) / 2", 4},
    {"sparse_plus",
     "where(le(x, -1), 0, where(ge(x, 1), x, (minimum(maximum(x, -1), 1) + 1) * "
     "(minimum(maximum(x, -1), 1) + 1) / 4))",
     0},
    {"sparse_sigmoid", "0.5 * minimum(maximum(x + 1, 0), 2)", 0},
    {"log1mexp",
     "where(lt(x, 0.6931471805599453), log(-expm1(-where(lt(x, 0.6931471805599453), x, 0.1))), "
     "log1p(-exp(-where(lt(x, 0.6931471805599453), 1, x))))",
     0},
};

/* ---- along an axis ---- */

/* x and the exponentials of what it is less than its maximum m, which counts as a constant. */
typedef struct shifted {
    imnn_node m, d, e, sum; /* m, sum: of shape (..., 1, ...) */
} shifted;

static shifted shift(imnn_graph *g, imnn_node x, int axis)
{
    const imnn_attr axes = {1, {axis}};
    shifted s = {.m = g_stop_gradient(g, g_expand(g, g_max(g, x, &axes), axis))};
    s.m = g_where(g, g_isfinite(g, s.m), s.m, g_number(g, x, 0));
    s.d = g_sub(g, x, s.m);
    s.e = g_exp(g, s.d);
    s.sum = g_expand(g, g_sum(g, s.e, &axes), axis);
    return s;
}

static bool is_last(imnn_graph *g, imnn_node x, int axis)
{
    return axis == imnn_graph_shape(g, x)->ndim - 1;
}

static imnn_node softmax(imnn_graph *g, imnn_node x, int axis)
{
    if (is_last(g, x, axis)) return g_softmax(g, x);
    const shifted s = shift(g, x, axis);
    return g_mul(g, s.e, g_reciprocal(g, s.sum)); /* a division for each line, not each element */
}

static imnn_node log_softmax(imnn_graph *g, imnn_node x, int axis)
{
    if (is_last(g, x, axis)) return g_log_softmax(g, x);
    const shifted s = shift(g, x, axis);
    return g_sub(g, s.d, g_log(g, s.sum));
}

static imnn_node logsumexp(imnn_graph *g, imnn_node x, int axis)
{
    const shifted s = shift(g, x, axis);
    return g_squeeze(g, g_add(g, g_log(g, s.sum), s.m), axis);
}

static imnn_node half(imnn_graph *g, imnn_node x, int axis, int which)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    return g_part(g, x, s->ndim - axis, which * s->size[axis] / 2, s->size[axis] / 2);
}

static imnn_node glu(imnn_graph *g, imnn_node x, int axis)
{
    const imnn_shape *s = imnn_graph_shape(g, x);
    if (s->size[axis] % 2 == 0)
        return g_mul(g, half(g, x, axis, 0), g_sigmoid(g, half(g, x, axis, 1)));
    imnn_graph_fail(g, IMNN_ESHAPE, "glu: axis %d of %s has no halves", axis + 1,
                    imnn_shape_text(s).s);
    return 0;
}

static const struct {
    const char *name;
    imnn_node (*build)(imnn_graph *, imnn_node, int axis);
} along_axis[] = {
    {"softmax", softmax},
    {"log_softmax", log_softmax},
    {"logsumexp", logsumexp},
    {"glu", glu},
};

/* ---- by name ---- */

enum {
    ELEMENTWISE = sizeof elementwise / sizeof *elementwise,
    ALONG_AXIS = sizeof along_axis / sizeof *along_axis
};

const char *imnn_activation_name(int i)
{
    if (i < 0 || i >= ELEMENTWISE + ALONG_AXIS) return NULL;
    return i < ELEMENTWISE ? elementwise[i].name : along_axis[i - ELEMENTWISE].name;
}

static imnn_node build_elementwise(imnn_graph *g, const activation *f, imnn_node x, double a)
{
    if (isnan(a)) a = f->parameter;
    imnn_node parameter = g_number(g, x, a);
    if (!strcmp(f->name, "leaky_relu") && a > 0) return g_leaky_relu(g, x, parameter);
    return imnn_formula(g, f->formula, (const char *[]){"x", "a"}, (imnn_node[]){x, parameter}, 2);
}

static imnn_node build_along(imnn_graph *g, int which, imnn_node x, double a)
{
    const int ndim = imnn_graph_shape(g, x)->ndim;
    const int axis = isnan(a) ? ndim - 1 : a < 0 ? ndim + (int)a : (int)a;
    if (axis >= 0 && axis < ndim) return along_axis[which].build(g, x, axis);
    imnn_graph_fail(g, IMNN_EVALUE, "%s: no such axis in %s", along_axis[which].name,
                    imnn_shape_text(imnn_graph_shape(g, x)).s);
    return 0;
}

imnn_node imnn_activation(imnn_graph *g, const char *name, imnn_node x, double parameter)
{
    int i = 0;
    const char *n;
    while ((n = imnn_activation_name(i)) && strcmp(n, name)) i++;
    if (!n) {
        imnn_graph_fail(g, IMNN_EVALUE, "activation: there is no \"%s\"", name);
        return 0;
    }
    if (!imnn_graph_accepts(g, name, 1, &x)) return 0;
    const imnn_dtype dtype = imnn_graph_dtype(g, x);
    if (!(IMNN_REALS >> dtype & 1)) {
        imnn_graph_fail(g, IMNN_EDTYPE, "%s: works on %s, got %s", name,
                        imnn_dtypes_text(IMNN_REALS).s, imnn_dtype_name(dtype));
        return 0;
    }
    return i < ELEMENTWISE ? build_elementwise(g, &elementwise[i], x, parameter)
                           : build_along(g, i - ELEMENTWISE, x, parameter);
}
