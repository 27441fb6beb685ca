/* Parts of arrays at places that are known only when a program runs: made of gathers, choices and
 * scatters, so that derivatives and batches come from these. */
#include "imnn/index.h"
#include "core/ops/ops.h"
#include <string.h>

static bool starts_fit(imnn_graph *g, const char *who, int n, const imnn_node *starts)
{
    if (!imnn_graph_accepts(g, who, n, starts)) return false;
    for (int k = 0; k < n; k++) {
        const imnn_type *t = &imnn_vertex_of(g, starts[k])->type;
        if (IMNN_INTEGERS >> t->dtype & 1 && t->shape.ndim == 0) continue;
        imnn_graph_fail(g, IMNN_EVALUE, "%s: start %d must be i32 (), got %s %s", who, k + 1,
                        imnn_dtype_name(t->dtype), imnn_shape_text(&t->shape).s);
        return false;
    }
    return true;
}

static imnn_node integer(imnn_graph *g, int64_t value)
{
    return imnn_graph_number(g, IMNN_I32, (double)value);
}

/* Where a part of `count` of n elements begins. */
static imnn_node inside(imnn_graph *g, imnn_node start, int64_t count, int64_t n)
{
    return g_maximum(g, g_minimum(g, g_convert(g, start, IMNN_I32), integer(g, n - count)),
                     integer(g, 0));
}

imnn_node imnn_graph_dynamic_slice(imnn_graph *g, imnn_node x, const imnn_node *starts,
                                   const int64_t *sizes)
{
    const char *who = "dynamic_slice";
    if (!imnn_graph_accepts(g, who, 1, &x)) return 0;
    const imnn_shape s = *imnn_graph_shape(g, x);
    if (!starts_fit(g, who, s.ndim, starts)) return 0;
    for (int k = 0; k < s.ndim; k++) {
        if (sizes[k] < 0 || sizes[k] > s.size[k]) {
            imnn_graph_fail(g, IMNN_EVALUE, "%s: %lld elements along axis %d of %s", who,
                            (long long)sizes[k], k + 1, imnn_shape_text(&s).s);
            return 0;
        }
        if (sizes[k] == s.size[k]) continue;
        imnn_node i = g_iota(g, IMNN_I32, &(imnn_shape){1, {sizes[k]}}, 0);
        x = g_gather(g, x, g_add(g, i, inside(g, starts[k], sizes[k], s.size[k])), k);
    }
    return x;
}

imnn_node imnn_graph_dynamic_update_slice(imnn_graph *g, imnn_node x, imnn_node y,
                                          const imnn_node *starts)
{
    const char *who = "dynamic_update_slice";
    imnn_node in[2] = {x, y}, mask = 0;
    if (!imnn_graph_accepts(g, who, 2, in)) return 0;
    const imnn_shape s = *imnn_graph_shape(g, x), t = *imnn_graph_shape(g, y);
    bool fits = s.ndim == t.ndim && imnn_graph_dtype(g, x) == imnn_graph_dtype(g, y);
    for (int k = 0; fits && k < s.ndim; k++) fits = t.size[k] <= s.size[k];
    if (!fits) {
        imnn_graph_fail(g, IMNN_ESHAPE, "%s: %s %s does not fit into %s %s", who,
                        imnn_dtype_name(imnn_graph_dtype(g, y)), imnn_shape_text(&t).s,
                        imnn_dtype_name(imnn_graph_dtype(g, x)), imnn_shape_text(&s).s);
        return 0;
    }
    if (!starts_fit(g, who, s.ndim, starts)) return 0;
    for (int k = 0; k < s.ndim; k++) {
        if (t.size[k] == s.size[k]) continue;
        if (t.size[k] == 0) return x;
        imnn_node i = g_iota(g, IMNN_I32, &(imnn_shape){1, {s.size[k]}}, 0);
        i = g_sub(g, i, inside(g, starts[k], t.size[k], s.size[k]));
        imnn_node is = g_and(g, g_ge(g, i, integer(g, 0)), g_lt(g, i, integer(g, t.size[k])));
        imnn_shape wide = {.ndim = s.ndim};
        for (int j = 0; j < s.ndim; j++) wide.size[j] = j == k ? s.size[k] : 1;
        is = g_reshape(g, is, &wide);
        mask = mask ? g_and(g, mask, is) : is;
        y = g_gather(g, y, i, k);
    }
    return mask ? g_where(g, mask, y, x) : y;
}

/* ---- updates ---- */

/* The last of the updates that come to a place is the one with the largest number. */
static imnn_node put(imnn_graph *g, imnn_node x, imnn_node places, imnn_node y, int64_t n)
{
    imnn_node number = g_iota(g, IMNN_I32, imnn_graph_shape(g, places), 0);
    imnn_node last = g_scatter_max(g, number, places, 0, n);
    return g_where(g, g_ge(g, last, integer(g, 0)), g_gather(g, y, last, 0), x);
}

imnn_node imnn_graph_scatter(imnn_graph *g, imnn_scatter how, imnn_node x, imnn_node places,
                             imnn_node y)
{
    imnn_node in[3] = {x, places, y};
    if (!imnn_graph_accepts(g, "scatter", 3, in)) return 0;
    const imnn_shape s = *imnn_graph_shape(g, x);
    const int64_t n = imnn_shape_count(&s), m = imnn_shape_count(imnn_graph_shape(g, places));
    if (!imnn_shape_equal(imnn_graph_shape(g, places), imnn_graph_shape(g, y)) ||
        imnn_graph_dtype(g, places) != IMNN_I32 ||
        imnn_graph_dtype(g, x) != imnn_graph_dtype(g, y)) {
        imnn_graph_fail(g, IMNN_ESHAPE, "scatter: %s %s does not go to places %s of %s",
                        imnn_dtype_name(imnn_graph_dtype(g, y)),
                        imnn_shape_text(imnn_graph_shape(g, y)).s,
                        imnn_shape_text(imnn_graph_shape(g, places)).s,
                        imnn_dtype_name(imnn_graph_dtype(g, x)));
        return 0;
    }
    if (m == 0 || n == 0) return x;
    x = g_reshape(g, x, &(imnn_shape){1, {n}});
    y = g_reshape(g, y, &(imnn_shape){1, {m}});
    places = g_reshape(g, places, &(imnn_shape){1, {m}});
    switch (how) {
    case IMNN_SCATTER_ADD: x = g_add(g, x, g_scatter_add(g, y, places, 0, n)); break;
    case IMNN_SCATTER_MUL: x = g_mul(g, x, g_scatter_mul(g, y, places, 0, n)); break;
    case IMNN_SCATTER_MIN: x = g_minimum(g, x, g_scatter_min(g, y, places, 0, n)); break;
    case IMNN_SCATTER_MAX: x = g_maximum(g, x, g_scatter_max(g, y, places, 0, n)); break;
    default: x = put(g, x, places, y, n);
    }
    return g_reshape(g, x, &s);
}
