/* Optimisers: one step of one parameter array. Settings take part in the dtype of the parameters;
 * 1 - b is computed in double and rounded then, as JAX does. */
#include "imnn/optim.h"
#include "core/ops/ops.h"

/* w, grad and moments (0: none) must be alike, lr a number like them. */
static bool begin(imnn_graph *g, const char *who, imnn_node lr, imnn_node grad, imnn_node w,
                  imnn_node m, imnn_node v)
{
    const imnn_node like[] = {grad, w, m, v};
    if (!imnn_graph_accepts(g, who, 1, &lr)) return false;
    for (int i = 0; i < 4; i++) {
        if (i > 1 && !like[i]) continue;
        if (!imnn_graph_accepts(g, who, 1, &like[i])) return false;
        const imnn_shape *s = imnn_graph_shape(g, w), *t = imnn_graph_shape(g, like[i]);
        if (imnn_shape_equal(s, t)) continue;
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: a %s %s for parameters %s", who,
                        i ? "moment" : "gradient", imnn_shape_text(t).s, imnn_shape_text(s).s);
        return false;
    }
    if (imnn_graph_shape(g, lr)->ndim == 0) return true;
    imnn_graph_fail(g, IMNN_ESHAPE, "%s: the step size must be a number, got %s", who,
                    imnn_shape_text(imnn_graph_shape(g, lr)).s);
    return false;
}

/* factor * x */
static imnn_node scaled(imnn_graph *g, double factor, imnn_node x)
{
    return g_mul(g, g_number(g, x, factor), x);
}

/* b x + (1 - b) new, the new part first */
static imnn_node decayed(imnn_graph *g, double b, imnn_node x, imnn_node new)
{
    return g_add(g, scaled(g, 1 - b, new), scaled(g, b, x));
}

imnn_node imnn_optim_sgd(imnn_graph *g, imnn_node lr, imnn_node grad, imnn_node w)
{
    return begin(g, "sgd", lr, grad, w, 0, 0) ? g_sub(g, w, g_mul(g, lr, grad)) : 0;
}

imnn_node imnn_optim_momentum(imnn_graph *g, imnn_node lr, imnn_node grad, imnn_node w,
                              imnn_node *v, double mass)
{
    if (!begin(g, "momentum", lr, grad, w, 0, *v)) return 0;
    *v = g_add(g, scaled(g, mass, *v), grad);
    return g_sub(g, w, g_mul(g, lr, *v));
}

/* x / (1 - b^t), the mean of a decaying sum that began at 0 */
static imnn_node corrected(imnn_graph *g, imnn_node x, double b, imnn_node t)
{
    imnn_node one = g_number(g, x, 1);
    return g_div(g, x, g_sub(g, one, g_pow(g, g_number(g, x, b), t)));
}

imnn_node imnn_optim_adam(imnn_graph *g, imnn_node lr, imnn_node i, imnn_node grad, imnn_node w,
                          imnn_node *m, imnn_node *v, double b1, double b2, double eps)
{
    if (!begin(g, "adam", lr, grad, w, *m, *v) || !imnn_graph_accepts(g, "adam", 1, &i)) return 0;
    imnn_node t = g_convert(g, g_add(g, i, g_number(g, i, 1)), imnn_graph_dtype(g, w));
    *m = decayed(g, b1, *m, grad);
    *v = decayed(g, b2, *v, g_mul(g, grad, grad));
    imnn_node mean = corrected(g, *m, b1, t), square = corrected(g, *v, b2, t);
    imnn_node size = g_add(g, g_sqrt(g, square), g_number(g, w, eps));
    return g_sub(g, w, g_div(g, g_mul(g, lr, mean), size));
}
