/* x W + b, and the initial weights of such layers. */
#include "core/ops/ops.h"
#include "imnn/layers.h"
#include "imnn/random.h"
#include <math.h>

imnn_node imnn_layer_dense(imnn_graph *g, imnn_node x, imnn_node W, imnn_node b)
{
    if (!imnn_graph_accepts(g, "dense", 3, (imnn_node[]){x, W, b})) return 0;
    const imnn_shape *s = imnn_graph_shape(g, x), *w = imnn_graph_shape(g, W);
    const imnn_shape *v = imnn_graph_shape(g, b);
    const bool fits = s->ndim > 0 && w->ndim == 2 && s->size[s->ndim - 1] == w->size[0] &&
                      v->ndim == 1 && v->size[0] == w->size[1];
    if (!fits) {
        imnn_graph_fail(g, IMNN_ESHAPE, "dense: weights %s and bias %s do not fit inputs %s",
                        imnn_shape_text(w).s, imnn_shape_text(v).s, imnn_shape_text(s).s);
        return 0;
    }
    return g_add(g, g_matmul(g, x, W), b);
}

/* The deviation of a standard normal number that is cut off at -2 and 2. */
static const double cut_deviation = 0.87962566103423978;

static double fan_of(const imnn_shape *shape, imnn_fan fan)
{
    double in = (double)shape->size[shape->ndim - 2], out = (double)shape->size[shape->ndim - 1];
    for (int k = 0; k < shape->ndim - 2; k++)
        in *= (double)shape->size[k], out *= (double)shape->size[k];
    switch (fan) {
    case IMNN_FAN_IN: return in;
    case IMNN_FAN_OUT: return out;
    case IMNN_FAN_GEO_AVG: return sqrt(in * out);
    default: return (in + out) / 2;
    }
}

imnn_node imnn_layer_variance_scaling(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                      const imnn_shape *shape, double scale, imnn_fan fan,
                                      imnn_spread spread)
{
    if (shape->ndim < 2 || shape->ndim > IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE,
                        "initial weights: need an axis for inputs and one for "
                        "outputs, got %s",
                        imnn_shape_text(shape).s);
        return 0;
    }
    const double variance = scale / fan_of(shape, fan);
    double factor = sqrt(variance);
    imnn_node x;
    if (spread == IMNN_UNIFORM) {
        factor = sqrt(3 * variance);
        x = imnn_random_uniform(g, key, dtype, shape, imnn_graph_number(g, dtype, -1),
                                imnn_graph_number(g, dtype, 1));
    } else if (spread == IMNN_NORMAL) x = imnn_random_normal(g, key, dtype, shape);
    else {
        x = imnn_random_truncated_normal(g, key, dtype, -2, 2, shape);
        factor /= cut_deviation;
        if (dtype == IMNN_F32) /* every step rounds */
            factor = sqrtf((float)variance) / (float)cut_deviation;
    }
    return imnn_graph_ok(g) ? g_mul(g, x, g_number(g, x, factor)) : 0;
}
