/* Convolutions of x (..., S, C) with w (..., K, C / groups, O), up to three spatial axes: conv
 * gives (..., P, O), cross-correlation as JAX has it. Leading axes of w are the first ones of x, or
 * fewer: none, where all examples share the weights. conv_filter is the derivative in w, from x and
 * a cotangent: bilinear as well, summed over the leading axes that w does not have.
 *
 * Both write out what the window meets at some places as rows, which a matrix product takes. */
#include "core/kernels/gemm.h"
#include "core/ops/window.h"
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

/* Where a place is along the three axes. */
static void locate(int64_t p[3], const imnn_window *w, int64_t place)
{
    p[2] = place % w->side[2].places, place /= w->side[2].places;
    p[1] = place % w->side[1].places, p[0] = place / w->side[1].places;
}

/** What is copied: `channels` of `all` channels from *x, elements of `size` bytes. */
typedef struct patch {
    const imnn_window *w;
    const char *x;
    size_t channels, all;
} patch;

/* What the window meets along the last axis, zeros where that is nothing. */
static char *gather_line(char *out, const patch *p, const char *line, int64_t place)
{
    const struct imnn_side *a = &p->w->side[2];
    const size_t bytes = p->channels;
    if (p->channels == p->all && a->base == 1 && a->dilation == 1) { /* adjacent ones */
        const int64_t start = place * a->stride - a->low, end = start + a->window;
        const int64_t from = start < 0 ? 0 : start, to = end > a->size ? a->size : end;
        if (from >= to) memset(out, 0, (size_t)a->window * bytes);
        else {
            memset(out, 0, (size_t)(from - start) * bytes);
            memcpy(out + (size_t)(from - start) * bytes, line + (size_t)from * bytes,
                   (size_t)(to - from) * bytes);
            memset(out + (size_t)(to - start) * bytes, 0, (size_t)(end - to) * bytes);
        }
        return out + (size_t)a->window * bytes;
    }
    for (int64_t t = 0; t < a->window; t++, out += bytes) {
        const int64_t i = imnn_window_meets(a, place, t);
        if (i < 0) memset(out, 0, bytes);
        else memcpy(out, line + (size_t)i * p->all, bytes);
    }
    return out;
}

/* One row of the matrix. */
static char *gather_place(char *out, const patch *p, int64_t place)
{
    const struct imnn_side *s = p->w->side;
    int64_t at[3];
    locate(at, p->w, place);
    const size_t line = (size_t)s[2].size * p->all, empty = (size_t)s[2].window * p->channels;
    for (int64_t t0 = 0; t0 < s[0].window; t0++) {
        const int64_t i0 = imnn_window_meets(&s[0], at[0], t0);
        for (int64_t t1 = 0; t1 < s[1].window; t1++) {
            const int64_t i1 = i0 < 0 ? -1 : imnn_window_meets(&s[1], at[1], t1);
            if (i1 < 0) memset(out, 0, empty), out += empty;
            else out = gather_line(out, p, p->x + (size_t)(i0 * s[1].size + i1) * line, at[2]);
        }
    }
    return out;
}

/** Everything that the kernels of one call share. */
typedef struct work {
    conv c;
    imnn_dtype dtype;
    int64_t size;                   /* bytes of an element */
    int64_t taps, places, elements; /* of the window; where it goes; of an example in space */
    int64_t k, block;               /* columns of the matrix; places in a block */
    int64_t examples, sharing;      /* number; how many have the same weights */
    size_t matrix_bytes, pack_bytes, scratch_bytes;
    char *matrix, *packed, *scratch;
} work;

static size_t round_up(size_t n) { return (n + 63) / 64 * 64; }

static bool prepare(work *w, const imnn_call *call, bool packs)
{
    const imnn_shape *x = &call->in[0].type.shape;
    const imnn_window *window = &w->c.window;
    w->dtype = call->in[0].type.dtype, w->size = (int64_t)imnn_dtype_size(w->dtype);
    w->taps = IMNN_WINDOW_COUNT(window, window), w->places = IMNN_WINDOW_COUNT(window, places);
    w->elements = IMNN_WINDOW_COUNT(window, size);
    w->k = w->taps * (w->c.in / w->c.groups);
    w->examples = w->sharing = 1;
    for (int a = 0; a < w->c.leads; a++) {
        w->examples *= x->size[a];
        if (a >= w->c.weight_leads) w->sharing *= x->size[a];
    }
    const int64_t fits = (128 << 10) / (w->k * w->size + 1), n = w->c.out / w->c.groups;
    w->block = fits < 24 ? 24 : fits > 512 ? 512 : fits;
    if (w->block > w->places) w->block = w->places;
    const size_t forward = imnn_gemm_scratch(w->dtype, w->block, n, w->k),
                 reverse = imnn_gemm_scratch(w->dtype, w->k, n, w->block);
    w->matrix_bytes = round_up((size_t)(w->block * w->k * w->size));
    w->pack_bytes = packs ? round_up(imnn_gemm_packed_bytes(w->dtype, w->k, n)) : 0;
    w->scratch_bytes = round_up(forward > reverse ? forward : reverse);
    w->matrix = imnn_alloc_raw(w->matrix_bytes + w->pack_bytes + w->scratch_bytes + 64);
    if (!w->matrix) {
        *call->failed = true;
        return false;
    }
    w->packed = w->matrix + w->matrix_bytes, w->scratch = w->packed + w->pack_bytes;
    return true;
}

static void finish(work *w)
{
    imnn_free(w->matrix, w->matrix_bytes + w->pack_bytes + w->scratch_bytes + 64);
}

/* Rows of places first .. first + count - 1 of one group of an example. */
static void gather(const work *w, const char *x, int64_t group, int64_t first, int64_t count)
{
    const int64_t channels = w->c.in / w->c.groups;
    const patch p = {.w = &w->c.window,
                     .x = x + group * channels * w->size,
                     .channels = (size_t)(channels * w->size),
                     .all = (size_t)(w->c.in * w->size)};
    char *out = w->matrix;
    for (int64_t i = 0; i < count; i++) out = gather_place(out, &p, first + i);
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void convolve(const work *w, char *y, const char *x, int64_t group)
{
    const int64_t n = w->c.out / w->c.groups;
    for (int64_t p = 0; p < w->places; p += w->block) {
        const int64_t count = smaller(w->block, w->places - p);
        gather(w, x, group, p, count);
        imnn_gemm_run(w->dtype, &(imnn_gemm){.m = count,
                                             .n = n,
                                             .k = w->k,
                                             .a = w->matrix,
                                             .a_row = w->k,
                                             .a_col = 1,
                                             .b = w->packed,
                                             .packed = true,
                                             .c = y + (p * w->c.out + group * n) * w->size,
                                             .c_row = w->c.out,
                                             .scratch = w->scratch});
    }
}

static void kernel_conv(const imnn_call *call)
{
    work w = {.scratch_bytes = 0};
    const imnn_type in[2] = {call->in[0].type, call->in[1].type};
    if (!imnn_shape_count(&call->out.type.shape)) return;
    if (conv_of(&w.c, call->attr, in) != IMNN_OK || !prepare(&w, call, true)) return;
    const int64_t n = w.c.out / w.c.groups, x_bytes = w.elements * w.c.in * w.size,
                  y_bytes = w.places * w.c.out * w.size, w_bytes = w.k * w.c.out * w.size;
    for (int64_t e = 0; e < w.examples; e += w.sharing)
        for (int64_t group = 0; group < w.c.groups; group++) {
            const char *weights = (const char *)call->in[1].data + e / w.sharing * w_bytes;
            imnn_gemm_pack(w.dtype, w.packed, w.k, n, weights + group * n * w.size, w.c.out, 1);
            for (int64_t i = e; i < e + w.sharing; i++)
                convolve(&w, (char *)call->out.data + i * y_bytes,
                         (const char *)call->in[0].data + i * x_bytes, group);
        }
    finish(&w);
}

static void correlate(const work *w, char *dw, const char *x, const char *dy, int64_t group,
                      bool accumulate)
{
    const int64_t n = w->c.out / w->c.groups;
    for (int64_t p = 0; p < w->places; p += w->block) {
        const int64_t count = smaller(w->block, w->places - p);
        gather(w, x, group, p, count);
        imnn_gemm_run(w->dtype, &(imnn_gemm){.m = w->k,
                                             .n = n,
                                             .k = count,
                                             .a = w->matrix,
                                             .a_row = 1,
                                             .a_col = w->k,
                                             .b = dy + (p * w->c.out + group * n) * w->size,
                                             .b_row = w->c.out,
                                             .b_col = 1,
                                             .c = dw + group * n * w->size,
                                             .c_row = w->c.out,
                                             .accumulate = accumulate || p > 0,
                                             .scratch = w->scratch});
    }
}

static void kernel_filter(const imnn_call *call)
{
    work w = {.scratch_bytes = 0};
    const imnn_type in[2] = {call->in[0].type, call->in[1].type};
    const size_t bytes =
        (size_t)imnn_shape_count(&call->out.type.shape) * imnn_dtype_size(call->out.type.dtype);
    if (bytes && (!imnn_shape_count(&in[0].shape) || !imnn_shape_count(&in[1].shape))) {
        if (!call->accumulate) memset(call->out.data, 0, bytes);
        return;
    }
    if (!bytes || filter_of(&w.c, call->attr, in) != IMNN_OK || !prepare(&w, call, false)) return;
    const int64_t x_bytes = w.elements * w.c.in * w.size, y_bytes = w.places * w.c.out * w.size,
                  w_bytes = w.k * w.c.out * w.size;
    for (int64_t e = 0; e < w.examples; e++)
        for (int64_t group = 0; group < w.c.groups; group++)
            correlate(&w, (char *)call->out.data + e / w.sharing * w_bytes,
                      (const char *)call->in[0].data + e * x_bytes,
                      (const char *)call->in[1].data + e * y_bytes, group,
                      call->accumulate || e % w.sharing > 0);
    finish(&w);
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
    .kernel = kernel_conv,
    .range = {-1, 1},
    .cases = "(5, 2) (3, 2, 3) -> 1, 1, 0, 3, 1, 0, 0, 1, 1; "
             "(2, 6, 2) (3, 2, 2) -> 1, 1, 0, 3, 2, 1, 2, 1, 2; "
             "(4, 4) (2, 2, 4) -> 1, 2, 0, 2, 1, 1, 0, 1, 1; "
             "(2, 3, 1) (2, 2, 1, 2) -> 1, 1, 0, 2, 2, 1, 2, 3, 1; "
             "(3, 4, 2) (2, 3, 2, 3) -> 2, 1, 0, 2, 1, 1, 0, 1, 1, 3, 2, -1, 2, 1, 1; "
             "(2, 3, 2, 2) (2, 2, 1, 2, 1) -> 3, 1, 0, 2, 1, 0, 0, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, "
             "0, 0, 1, 1; (2, 3) (3, 2) -> 0, 1, 0; (2, 2) (4, 2, 1) -> 1, 1, 0, 4, 1, 0, 0, 1, 1",
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
    .kernel = kernel_filter,
    .range = {-1, 1},
    .cases = "(5, 2) (3, 3) -> 1, 1, 0, 3, 1, 0, 0, 1, 1; "
             "(2, 6, 2) (2, 3, 2) -> 1, 1, 0, 3, 2, 1, 2, 1, 2; "
             "(2, 6, 2) (2, 3, 2) -> 1, 1, 1, 3, 2, 1, 2, 1, 2; "
             "(4, 4) (4, 4) -> 1, 2, 0, 2, 1, 1, 0, 1, 1; "
             "(3, 4, 2) (3, 2, 3) -> 2, 1, 0, 2, 1, 1, 0, 1, 1, 3, 2, -1, 2, 1, 1; "
             "(2, 3) (2, 2) -> 0, 1, 0",
    .doc = "derivative of conv in its weights, from x (..., S, C) and cotangents (..., P, O)",
};
