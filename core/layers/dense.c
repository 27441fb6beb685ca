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

imnn_node imnn_layer_truncated_normal_scaled(imnn_graph *g, imnn_node key, imnn_dtype dtype,
                                             const imnn_shape *shape, double scale, imnn_fan fan)
{
    if (shape->ndim < 2 || shape->ndim > IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_ESHAPE,
                        "initial weights: need an axis for inputs and one for "
                        "outputs, got %s",
                        imnn_shape_text(shape).s);
        return 0;
    }
    double receptive = 1;
    for (int k = 0; k < shape->ndim - 2; k++) receptive *= (double)shape->size[k];
    const double in = receptive * (double)shape->size[shape->ndim - 2];
    const double out = receptive * (double)shape->size[shape->ndim - 1];
    const double n = fan == IMNN_FAN_IN ? in : fan == IMNN_FAN_OUT ? out : (in + out) / 2;
    imnn_node x = imnn_random_truncated_normal(g, key, dtype, -2, 2, shape);
    if (!imnn_graph_ok(g)) return 0;
    double factor = sqrt(scale / n) / cut_deviation;
    if (dtype == IMNN_F32) /* every step rounds */
        factor = sqrtf((float)(scale / n)) / (float)cut_deviation;
    return g_mul(g, x, g_number(g, x, factor));
}
