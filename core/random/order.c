/* Random order and random positions, in the steps of JAX (spec/random 7.2 to 7.4). */
#include "core/random/distributions.h"
#include <math.h>

static bool has_axis(imnn_graph *g, const char *who, const imnn_shape *s, int axis)
{
    if (axis >= 0 && axis < s->ndim) return true;
    imnn_graph_fail(g, IMNN_ESHAPE, "%s: there is no axis %d of %s", who, axis + 1,
                    imnn_shape_text(s).s);
    return false;
}

/* Positions along an axis of arrays (..., shape), shuffled by sorting random words; so often that
 * it does not matter that words may be equal. */
static imnn_node shuffled(imnn_graph *g, imnn_node key, const imnn_shape *shape, int axis)
{
    const double n = (double)imnn_shape_count(shape);
    const imnn_shape full = imnn_random_shape(g, key, shape);
    const int at = full.ndim - shape->ndim + axis;
    imnn_node from = 0;
    for (int k = (int)ceil(3 * log(fmax(n, 1)) / log(4294967295.)); k > 0; k--) {
        imnn_node keys = g_random_split(g, key, 2);
        key = imnn_random_key(g, keys, 0);
        imnn_node words = g_random_bits(g, imnn_random_key(g, keys, 1), shape);
        if (!imnn_graph_ok(g)) return 0;
        imnn_node order = g_argsort(g, words, at, false);
        from = from ? g_take_along(g, from, order, at) : order;
    }
    return from ? from : g_iota(g, IMNN_I32, &full, at);
}

/* x by positions (leading axes of the key, ...) along an axis: (leading axes, axes of x, ...). */
static imnn_node pick(imnn_graph *g, imnn_node key, imnn_node x, imnn_node at, int axis)
{
    const int lead = imnn_graph_shape(g, key)->ndim - 1;
    imnn_node y = g_gather(g, x, at, axis);
    if (!imnn_graph_ok(g) || lead == 0 || axis == 0) return y;
    imnn_attr order = {.n = imnn_graph_shape(g, y)->ndim};
    for (int k = 0; k < order.n; k++)
        order.v[k] = k < lead ? axis + k : k < lead + axis ? k - lead : k;
    return g_transpose(g, y, &order);
}

imnn_node imnn_random_order(imnn_graph *g, imnn_node key, int64_t n)
{
    if (!imnn_graph_accepts(g, "random.permutation", 1, &key)) return 0;
    return shuffled(g, key, &(imnn_shape){1, {n}}, 0);
}

imnn_node imnn_random_permutation(imnn_graph *g, imnn_node key, imnn_node x, int axis,
                                  bool independent)
{
    const char *who = "random.permutation";
    if (!imnn_graph_accepts(g, who, 2, (imnn_node[]){key, x})) return 0;
    const imnn_shape s = *imnn_graph_shape(g, x);
    if (!has_axis(g, who, &s, axis)) return 0;
    if (!independent) return pick(g, key, x, imnn_random_order(g, key, s.size[axis]), axis);
    const imnn_shape full = imnn_random_shape(g, key, &s);
    return g_take_along(g, g_broadcast(g, x, &full), shuffled(g, key, &s, axis),
                        full.ndim - s.ndim + axis);
}

/* The first numbers of (..., n) as (..., shape). */
static imnn_node first(imnn_graph *g, imnn_node key, imnn_node order, const imnn_shape *shape)
{
    const imnn_shape full = imnn_random_shape(g, key, shape);
    return g_reshape(g, g_part(g, order, 1, 0, imnn_shape_count(shape)), &full);
}

/* Positions by weights: where a uniform number falls among their sums; without replacement the
 * largest of Gumbel numbers that are moved by their logarithms. */
static imnn_node weighted(imnn_graph *g, imnn_node key, int64_t n, const imnn_shape *shape,
                          bool replace, imnn_node p)
{
    const imnn_dtype dtype = imnn_graph_dtype(g, p);
    if (!replace) {
        const imnn_shape all = {1, {n}};
        imnn_node noise = imnn_random_draw(g, "gumbel", key, dtype, &all, NULL);
        imnn_node score = g_add(g, noise, g_log(g, p));
        if (!imnn_graph_ok(g)) return 0;
        imnn_node order = g_argsort(g, score, imnn_graph_shape(g, score)->ndim - 1, true);
        return first(g, key, order, shape);
    }
    imnn_node sums = g_cumsum(g, p, 0, false);
    imnn_node u = imnn_random_uniform(g, key, dtype, shape, 0, 0);
    imnn_node rest = g_sub(g, g_number(g, sums, 1), u);
    imnn_node where = g_mul(g, g_squeeze(g, g_part(g, sums, 1, n - 1, 1), 0), rest);
    return g_searchsorted(g, sums, where, false);
}

imnn_node imnn_random_positions(imnn_graph *g, imnn_node key, int64_t n, const imnn_shape *shape,
                                bool replace, imnn_node p)
{
    const char *who = "random.choice";
    if (!imnn_graph_accepts(g, who, p ? 2 : 1, (imnn_node[]){key, p})) return 0;
    const long long draws = imnn_shape_count(shape);
    if (draws > 0 && n < 1)
        imnn_graph_fail(g, IMNN_EVALUE, "%s: there is nothing to choose from", who);
    else if (!replace && draws > n)
        imnn_graph_fail(g, IMNN_EVALUE, "%s: %lld draws of %lld without replacement", who, draws,
                        (long long)n);
    else if (p && !imnn_shape_equal(imnn_graph_shape(g, p), &(imnn_shape){1, {n}}))
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: p %s, but there are %lld to choose from", who,
                        imnn_shape_text(imnn_graph_shape(g, p)).s, (long long)n);
    else if (p && !imnn_is_smooth(g, p))
        imnn_graph_fail(g, IMNN_EDTYPE, "%s: p is f32 or f64, not %s", who,
                        imnn_dtype_name(imnn_graph_dtype(g, p)));
    if (!imnn_graph_ok(g)) return 0;
    if (draws == 0) {
        const imnn_shape full = imnn_random_shape(g, key, shape);
        return g_broadcast(g, imnn_graph_number(g, IMNN_I32, 0), &full);
    }
    if (p) return weighted(g, key, n, shape, replace, p);
    if (!replace) return first(g, key, imnn_random_order(g, key, n), shape);
    return imnn_random_randint(g, key, IMNN_I32, shape, imnn_graph_number(g, IMNN_I32, 0),
                               imnn_graph_number(g, IMNN_I32, (double)n), false);
}

imnn_node imnn_random_choice(imnn_graph *g, imnn_node key, imnn_node x, int axis,
                             const imnn_shape *shape, bool replace, imnn_node p)
{
    if (!imnn_graph_accepts(g, "random.choice", 2, (imnn_node[]){key, x})) return 0;
    const imnn_shape *s = imnn_graph_shape(g, x);
    if (!has_axis(g, "random.choice", s, axis)) return 0;
    imnn_node at = imnn_random_positions(g, key, s->size[axis], shape, replace, p);
    return imnn_graph_ok(g) ? pick(g, key, x, at, axis) : 0;
}

/* The shape of draws: prefix, then what the axes of logits but the one of categories broadcast to.
 * noise: the same with the categories at their place. */
static bool noise_shape(imnn_graph *g, const imnn_shape *logits, int axis, const imnn_shape *shape,
                        imnn_shape *noise)
{
    const int batch = logits->ndim - 1, prefix = shape->ndim - batch;
    imnn_shape trail = {batch, {0}}, wanted = trail, joined;
    for (int k = 0; k < batch; k++) trail.size[k] = logits->size[k + (k >= axis)];
    for (int k = 0; k < batch && prefix >= 0; k++) wanted.size[k] = shape->size[prefix + k];
    if (prefix < 0 || !imnn_shape_join(&joined, &trail, &wanted) ||
        !imnn_shape_equal(&joined, &wanted)) {
        imnn_graph_fail(g, IMNN_ESHAPE,
                        "random.categorical: logits %s without axis %d do not broadcast to %s",
                        imnn_shape_text(logits).s, axis + 1, imnn_shape_text(shape).s);
        return false;
    }
    if (shape->ndim == IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_EVALUE, "random.categorical: more than %d axes", IMNN_MAX_NDIM);
        return false;
    }
    *noise = (imnn_shape){shape->ndim + 1, {0}};
    for (int k = 0; k < noise->ndim; k++)
        noise->size[k] = k < prefix + axis    ? shape->size[k]
                         : k == prefix + axis ? logits->size[axis]
                                              : shape->size[k - 1];
    return true;
}

/* Without replacement: along the axis the largest of logits with Gumbel noise, as the prefix. */
static imnn_node without_replacement(imnn_graph *g, imnn_node key, imnn_node logits, int axis,
                                     const imnn_shape *shape)
{
    const imnn_shape s = *imnn_graph_shape(g, logits), full = imnn_random_shape(g, key, shape);
    int64_t k = 1;
    for (int i = 0; i < shape->ndim - s.ndim + 1; i++) k *= shape->size[i];
    if (k > s.size[axis]) {
        imnn_graph_fail(g, IMNN_EVALUE,
                        "random.categorical: %lld draws of %lld categories without replacement",
                        (long long)k, (long long)s.size[axis]);
        return 0;
    }
    imnn_node noise = imnn_random_draw(g, "gumbel", key, imnn_graph_dtype(g, logits), &s, NULL);
    if (!imnn_graph_ok(g)) return 0;
    imnn_node order = g_add(g, logits, noise);
    const int lead = imnn_graph_shape(g, order)->ndim - s.ndim, at = lead + axis;
    order = g_part(g, g_argsort(g, order, at, true), s.ndim - axis, 0, k);
    imnn_attr front = {.n = lead + s.ndim};
    for (int i = 0; i < front.n; i++)
        front.v[i] = i < lead ? i : i == lead ? at : i <= at ? i - 1 : i;
    return g_reshape(g, g_transpose(g, order, &front), &full);
}

imnn_node imnn_random_categorical(imnn_graph *g, imnn_node key, imnn_node logits, int axis,
                                  const imnn_shape *shape, bool replace)
{
    const char *who = "random.categorical";
    if (!imnn_graph_accepts(g, who, 2, (imnn_node[]){key, logits})) return 0;
    if (!imnn_random_begin(g, who, key, imnn_graph_dtype(g, logits))) return 0;
    const imnn_shape s = *imnn_graph_shape(g, logits);
    imnn_shape noise;
    if (!has_axis(g, who, &s, axis) || !noise_shape(g, &s, axis, shape, &noise)) return 0;
    if (s.size[axis] == 0) imnn_graph_fail(g, IMNN_EVALUE, "%s: there are no categories", who);
    if (!imnn_graph_ok(g)) return 0;
    if (!replace) return without_replacement(g, key, logits, axis, shape);
    imnn_node x = imnn_random_draw(g, "gumbel", key, imnn_graph_dtype(g, logits), &noise, NULL);
    x = g_add(g, x, logits);
    return imnn_graph_ok(g) ? g_argmax(g, x, imnn_graph_shape(g, x)->ndim - s.ndim + axis) : 0;
}
