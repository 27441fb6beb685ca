/* Convolutions of x (..., S, C) with w (..., K, C / groups, O), up to three spatial axes: conv
 * gives (..., P, O), cross-correlation as JAX has it. Leading axes of w are the first ones of x, or
 * fewer: none, where all examples share the weights. conv_filter is the derivative in w, from x and
 * a cotangent: bilinear as well, summed over the leading axes that w does not have. */
#include "core/kernels/conv.h"
#include <string.h>

/* attributes: {n, groups, leading axes of w (conv_filter), six numbers a side, ...} */
enum { HEAD = 3 };

imnn_node g_conv(imnn_graph *g, imnn_node x, imnn_node w, const imnn_attr *attr)
{
    return imnn_graph_build(g, IMNN_OP_conv, 2, (imnn_node[]){x, w}, attr);
}

imnn_node g_conv_filter(imnn_graph *g, imnn_node x, imnn_node dy, const imnn_attr *attr)
{
    return imnn_graph_build(g, IMNN_OP_conv_filter, 2, (imnn_node[]){x, dy}, attr);
}

/** A convolution: sizes of one example, and how many examples share weights. */
typedef struct conv {
    imnn_window window;
    int64_t groups, leads, weight_leads; /* leading axes */
    int64_t in, out;                     /* channels */
} conv;

static int64_t last(const imnn_shape *s) { return s->size[s->ndim - 1]; }

static imnn_status begin(conv *c, const char *who, const imnn_attr *attr, const imnn_shape *x)
{
    const int64_t n = attr->n >= HEAD ? attr->v[0] : -1;
    if (n < 0 || n > 3 || attr->n != HEAD + IMNN_SIDE_NUMBERS * n)
        return imnn_fail(IMNN_EVALUE,
                         "%s: needs the number of spatial axes, up to 3, groups, leading "
                         "axes of the weights, and six numbers for each axis",
                         who);
    imnn_status st = imnn_window_of(&c->window, who, n, attr->v + HEAD, x);
    if (st != IMNN_OK) return st;
    c->groups = attr->v[1], c->leads = x->ndim - 1 - n, c->in = last(x);
    if (c->groups < 1 || c->in % c->groups)
        return imnn_fail(IMNN_ESHAPE, "%s: %lld channels of %s are no %lld groups", who,
                         (long long)c->in, imnn_shape_text(x).s, (long long)c->groups);
    return IMNN_OK;
}

static bool same_leads(const imnn_shape *a, const imnn_shape *b, int64_t n)
{
    for (int k = 0; k < n; k++)
        if (a->size[k] != b->size[k]) return false;
    return true;
}

/* Of conv: sizes of windows, which the attributes have too, are those of the weights. */
static imnn_status conv_of(conv *c, const imnn_attr *attr, const imnn_type *in)
{
    const imnn_shape *x = &in[0].shape, *w = &in[1].shape;
    imnn_status st = begin(c, "conv", attr, x);
    if (st != IMNN_OK) return st;
    const int n = c->window.n;
    c->weight_leads = w->ndim - n - 2, c->out = w->ndim ? last(w) : 0;
    bool fits = c->weight_leads >= 0 && c->weight_leads <= c->leads &&
                same_leads(x, w, c->weight_leads) && w->size[w->ndim - 2] == c->in / c->groups &&
                c->out % c->groups == 0;
    for (int d = 0; d < n && fits; d++)
        fits = c->window.side[3 - n + d].window == w->size[c->weight_leads + d];
    if (fits) return IMNN_OK;
    return imnn_fail(
        IMNN_ESHAPE, "conv: weights %s do not fit %s with %lld spatial axes, %lld groups",
        imnn_shape_text(w).s, imnn_shape_text(x).s, (long long)n, (long long)c->groups);
}

static imnn_status filter_of(conv *c, const imnn_attr *attr, const imnn_type *in)
{
    const imnn_shape *x = &in[0].shape, *dy = &in[1].shape;
    imnn_status st = begin(c, "conv_filter", attr, x);
    if (st != IMNN_OK) return st;
    const int n = c->window.n;
    c->weight_leads = attr->v[2], c->out = dy->ndim ? last(dy) : 0;
    bool fits = dy->ndim == x->ndim && same_leads(x, dy, c->leads) && c->weight_leads >= 0 &&
                c->weight_leads <= c->leads && c->out % c->groups == 0;
    for (int d = 0; d < n && fits; d++)
        fits = c->window.side[3 - n + d].places == dy->size[c->leads + d];
    if (fits) return IMNN_OK;
    return imnn_fail(IMNN_ESHAPE, "conv_filter: cotangents %s do not fit %s", imnn_shape_text(dy).s,
                     imnn_shape_text(x).s);
}

static imnn_status infer_conv(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    conv c;
    imnn_status st = conv_of(&c, attr, in);
    *out = in[0];
    if (st != IMNN_OK) return st;
    if (in[0].dtype != in[1].dtype)
        return imnn_fail(IMNN_EDTYPE, "conv: inputs differ in dtype, %s and %s",
                         imnn_dtype_name(in[0].dtype), imnn_dtype_name(in[1].dtype));
    for (int d = 0; d < c.window.n; d++)
        out->shape.size[c.leads + d] = c.window.side[3 - c.window.n + d].places;
    out->shape.size[out->shape.ndim - 1] = c.out;
    return IMNN_OK;
}

static imnn_status infer_filter(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    conv c;
    imnn_status st = filter_of(&c, attr, in);
    *out = in[0];
    if (st != IMNN_OK) return st;
    imnn_shape s = in[0].shape;
    s.ndim = (int32_t)c.weight_leads;
    if (s.ndim + c.window.n + 2 > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_ESHAPE, "conv_filter: more than %d axes", IMNN_MAX_NDIM);
    for (int d = 3 - c.window.n; d < 3; d++) s.size[s.ndim++] = c.window.side[d].window;
    s.size[s.ndim++] = c.in / c.groups, s.size[s.ndim++] = c.out;
    out->shape = s;
    return IMNN_OK;
}

/* ---- rules ---- */

/* w (..., K, C / groups, O) turned around in space, with inputs and outputs exchanged:
 * (..., K, O / groups, C). */
static imnn_node turned(imnn_graph *g, imnn_node w, const conv *c)
{
    const imnn_shape s = *imnn_graph_shape(g, w);
    const int n = s.ndim;
    imnn_attr ranges = {.n = 3 * n}, order = {.n = n + 1};
    for (int k = 0; k < n; k++) {
        const bool turn = k >= c->weight_leads && k < n - 2;
        ranges.v[3 * k] = turn ? s.size[k] - 1 : 0;
        ranges.v[3 * k + 1] = s.size[k], ranges.v[3 * k + 2] = turn ? -1 : 1;
    }
    imnn_shape parts = s, joined = s;
    parts.ndim = n + 1;
    parts.size[n - 1] = c->groups, parts.size[n] = s.size[n - 1] / c->groups;
    for (int k = 0; k < n - 2; k++) order.v[k] = k;
    order.v[n - 2] = n, order.v[n - 1] = n - 1, order.v[n] = n - 2;
    joined.size[n - 2] = s.size[n - 1] / c->groups, joined.size[n - 1] = s.size[n - 2] * c->groups;
    if (c->groups == 1) {
        order.n = n, order.v[n - 2] = n - 1, order.v[n - 1] = n - 2;
        return g_transpose(g, g_slice(g, w, &ranges), &order);
    }
    w = g_reshape(g, g_slice(g, w, &ranges), &parts);
    return g_reshape(g, g_transpose(g, w, &order), &joined);
}

/* The cotangent of x, from w and that of y. */
static imnn_node for_x(imnn_graph *g, const conv *c, imnn_node w, imnn_node dy)
{
    imnn_attr back = {.n = HEAD + IMNN_SIDE_NUMBERS * c->window.n, .v = {c->window.n, c->groups}};
    imnn_window_transposed(back.v + HEAD, &c->window);
    return g_conv(g, dy, turned(g, w, c), &back);
}

static bool none(const imnn_graph *g, imnn_node a, imnn_node b)
{
    return !imnn_shape_count(imnn_graph_shape(g, a)) || !imnn_shape_count(imnn_graph_shape(g, b));
}

static void types_of(const imnn_graph *g, const imnn_vertex *v, imnn_type *in)
{
    for (int i = 0; i < 2; i++)
        in[i] = (imnn_type){imnn_graph_dtype(g, v->x[i]), *imnn_graph_shape(g, v->x[i])};
}

static void vjp_conv(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    conv c;
    imnn_type in[2];
    imnn_attr filter = imnn_attr_copy(v->attr);
    types_of(g, v, in);
    if (conv_of(&c, v->attr, in) != IMNN_OK) return;
    filter.v[2] = c.weight_leads;
    const bool empty = none(g, v->x[0], v->x[1]) || none(g, dy, dy);
    if (dx[0] >= 0) dx[0] = empty ? 0 : for_x(g, &c, v->x[1], dy);
    if (dx[1] >= 0) dx[1] = empty ? 0 : g_conv_filter(g, v->x[0], dy, &filter);
}

/* y = w' here */
static void vjp_filter(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dw,
                       imnn_node *dx)
{
    conv c;
    imnn_type in[2];
    types_of(g, v, in);
    if (filter_of(&c, v->attr, in) != IMNN_OK) return;
    const bool empty = none(g, v->x[0], v->x[1]) || none(g, dw, dw);
    if (dx[0] >= 0) dx[0] = empty ? 0 : for_x(g, &c, dw, v->x[1]);
    if (dx[1] >= 0) dx[1] = empty ? 0 : g_conv(g, v->x[0], dw, v->attr);
}

static imnn_node batch_conv(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                            const bool *batched, int64_t size)
{
    const bool single = imnn_graph_shape(g, v->x[1])->ndim == v->attr->v[0] + 2 && !batched[1];
    return g_conv(g, imnn_batch_lift(g, x[0], batched[0], size),
                  single ? x[1] : imnn_batch_lift(g, x[1], batched[1], size), v->attr);
}

static imnn_node batch_filter(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                              const bool *batched, int64_t size)
{
    imnn_attr each = imnn_attr_copy(v->attr);
    each.v[2]++;
    return g_conv_filter(g, imnn_batch_lift(g, x[0], batched[0], size),
                         imnn_batch_lift(g, x[1], batched[1], size), &each);
}

static imnn_rows rows_conv(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int64_t n = v->attr->v[0];
    const int a = imnn_row_axis(&in[0].shape, R);
    if (a < 0 || a >= in[0].shape.ndim - 1 - n) return IMNN_ROWS_NONE;
    by[0] = true, by[1] = a < in[1].shape.ndim - 2 - n;
    return IMNN_ROWS_EACH;
}

static imnn_rows rows_filter(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int a = imnn_row_axis(&in[0].shape, R), b = imnn_row_axis(&in[1].shape, R);
    if (a < 0 || a != b || a >= in[0].shape.ndim - 1 - v->attr->v[0]) return IMNN_ROWS_NONE;
    by[0] = by[1] = true;
    return a < v->attr->v[2] ? IMNN_ROWS_EACH : IMNN_ROWS_FOLD;
}

/* ---- kernels ---- */

/** What kernels of one call share: sizes in bytes of an example and of weights. */
typedef struct work {
    imnn_conv c;
    int64_t x, y, w, examples, sharing; /* number of them; how many have the same weights */
} work;

static work work_of(const conv *c, const imnn_type *x)
{
    const int64_t size = (int64_t)imnn_dtype_size(x->dtype);
    work w = {.c = {c->window, c->groups, c->in, c->out, x->dtype}, .examples = 1, .sharing = 1};
    w.x = IMNN_WINDOW_COUNT(&c->window, size) * c->in * size;
    w.y = IMNN_WINDOW_COUNT(&c->window, places) * c->out * size;
    w.w = IMNN_WINDOW_COUNT(&c->window, window) * (c->in / c->groups) * c->out * size;
    for (int a = 0; a < c->leads; a++) {
        w.examples *= x->shape.size[a];
        if (a >= c->weight_leads) w.sharing *= x->shape.size[a];
    }
    return w;
}

static double flops_conv(const imnn_vertex *v, const imnn_type *in)
{
    conv c;
    if (conv_of(&c, v->attr, in) != IMNN_OK) return 0;
    const work w = work_of(&c, &in[0]);
    return imnn_conv_flops(&w.c, w.examples);
}

static double flops_filter(const imnn_vertex *v, const imnn_type *in)
{
    conv c;
    if (filter_of(&c, v->attr, in) != IMNN_OK) return 0;
    const work w = work_of(&c, &in[0]);
    return imnn_conv_flops(&w.c, w.examples);
}

static void kernel_conv(const imnn_call *call)
{
    conv c;
    const imnn_type in[2] = {call->in[0].type, call->in[1].type};
    if (!imnn_shape_count(&call->out.type.shape) || conv_of(&c, call->attr, in) != IMNN_OK) return;
    const work w = work_of(&c, &in[0]);
    char *y = call->out.data, *x = call->in[0].data, *weights = call->in[1].data;
    for (int64_t e = 0; e < w.examples; e += w.sharing, weights += w.w)
        if (!imnn_conv_forward(&w.c, y + e * w.y, x + e * w.x, weights, w.sharing))
            *call->failed = true;
}

static void kernel_filter(const imnn_call *call)
{
    conv c;
    const imnn_type in[2] = {call->in[0].type, call->in[1].type};
    const size_t bytes =
        (size_t)imnn_shape_count(&call->out.type.shape) * imnn_dtype_size(call->out.type.dtype);
    if (bytes && (!imnn_shape_count(&in[0].shape) || !imnn_shape_count(&in[1].shape))) {
        if (!call->accumulate) memset(call->out.data, 0, bytes);
        return;
    }
    if (!bytes || filter_of(&c, call->attr, in) != IMNN_OK) return;
    const work w = work_of(&c, &in[0]);
    char *dw = call->out.data, *x = call->in[0].data, *dy = call->in[1].data;
    for (int64_t e = 0; e < w.examples; e += w.sharing, dw += w.w)
        if (!imnn_conv_filter(&w.c, dw, x + e * w.x, dy + e * w.y, w.sharing, call->accumulate))
            *call->failed = true;
}

const imnn_op imnn_op_conv = {
    .name = "conv",
    .id = IMNN_OP_conv,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_REALS,
    .infer = infer_conv,
    .vjp = vjp_conv,
    .linear = 3,
    .batch = batch_conv,
    .rows = rows_conv,
    .flops = flops_conv,
    .kernel = kernel_conv,
    .range = {-1, 1},
    .cases = "(5, 2) (3, 2, 3) -> 1, 1, 0, 3, 1, 0, 0, 1, 1; "
             "(2, 6, 2) (3, 2, 2) -> 1, 1, 0, 3, 2, 1, 2, 1, 2; "
             "(4, 4) (2, 2, 4) -> 1, 2, 0, 2, 1, 1, 0, 1, 1; "
             "(2, 3, 1) (2, 2, 1, 2) -> 1, 1, 0, 2, 2, 1, 2, 3, 1; "
             "(3, 4, 2) (2, 3, 2, 3) -> 2, 1, 0, 2, 1, 1, 0, 1, 1, 3, 2, -1, 2, 1, 1; "
             "(2, 3, 2, 2) (2, 2, 1, 2, 1) -> 3, 1, 0, 2, 1, 0, 0, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, "
             "0, 0, 1, 1; (2, 3) (3, 2) -> 0, 1, 0; (2, 2) (4, 2, 1) -> 1, 1, 0, 4, 1, 0, 0, 1, 1; "
             "(0, 5, 2) (3, 2, 3) -> 1, 1, 0, 3, 1, 0, 0, 1, 1; (5, 0) (3, 0, 2) -> 1, 1, 0, 3, 1, "
             "0, 0, 1, 1; (2, 2) (3, 2, 1) -> 1, 1, 0, 3, 1, 0, 0, 1, 1; (1, 1) (1, 1, 1) -> 1, 1, "
             "0, 1, 1, 0, 0, 1, 1",
    .doc = "cross-correlation of (..., S, C) with (..., K, C / groups, O) over spatial axes S",
};

const imnn_op imnn_op_conv_filter = {
    .name = "conv_filter",
    .id = IMNN_OP_conv_filter,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_REALS,
    .infer = infer_filter,
    .vjp = vjp_filter,
    .linear = 3,
    .batch = batch_filter,
    .rows = rows_filter,
    .flops = flops_filter,
    .kernel = kernel_filter,
    .range = {-1, 1},
    .cases =
        "(5, 2) (3, 3) -> 1, 1, 0, 3, 1, 0, 0, 1, 1; "
        "(2, 6, 2) (2, 3, 2) -> 1, 1, 0, 3, 2, 1, 2, 1, 2; "
        "(2, 6, 2) (2, 3, 2) -> 1, 1, 1, 3, 2, 1, 2, 1, 2; "
        "(4, 4) (4, 4) -> 1, 2, 0, 2, 1, 1, 0, 1, 1; "
        "(3, 4, 2) (3, 2, 3) -> 2, 1, 0, 2, 1, 1, 0, 1, 1, 3, 2, -1, 2, 1, 1; "
        "(2, 3) (2, 2) -> 0, 1, 0; (0, 5, 2) (0, 3, 3) -> 1, 1, 0, 3, 1, 0, 0, 1, 1; (1, 1) (1, 1) "
        "-> 1, 1, 0, 1, 1, 0, 0, 1, 1; (2, 1, 5, 2) (2, 1, 3, 3) -> 1, 1, 2, 3, 1, 0, 0, 1, 1",
    .doc = "derivative of conv in its weights, from x (..., S, C) and cotangents (..., P, O)",
};
