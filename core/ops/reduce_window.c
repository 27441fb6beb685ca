/* Windows over up to three spatial axes of (..., S, channels): window_sum, window_max, and
 * window_argmax, which says where in the spatial axes (as one) the first of the largest elements of
 * each window is, -1 for a window of padding alone, whose largest element is less than any other.
 * Pooling is made of them. */
#include "core/kernels/isa.h"
#include "core/ops/window.h"

static imnn_node build_one(imnn_graph *g, int op, imnn_node x, const imnn_attr *attr)
{
    return imnn_graph_build(g, op, 1, &x, attr);
}

imnn_node g_window_sum(imnn_graph *g, imnn_node x, const imnn_attr *window)
{
    return build_one(g, IMNN_OP_window_sum, x, window);
}

imnn_node g_window_max(imnn_graph *g, imnn_node x, const imnn_attr *window)
{
    return build_one(g, IMNN_OP_window_max, x, window);
}

imnn_node g_window_argmax(imnn_graph *g, imnn_node x, const imnn_attr *window)
{
    return build_one(g, IMNN_OP_window_argmax, x, window);
}

static imnn_status window_of(imnn_window *w, const char *who, const imnn_attr *attr,
                             const imnn_shape *s)
{
    const int64_t n = attr->n > 0 ? attr->v[0] : -1;
    if (n < 0 || n > 3 || attr->n != 1 + IMNN_SIDE_NUMBERS * n)
        return imnn_fail(IMNN_EVALUE,
                         "%s: needs the number of spatial axes, up to 3, and six "
                         "numbers for each",
                         who);
    return imnn_window_of(w, who, n, attr->v + 1, s);
}

static imnn_status infer_as(const char *who, imnn_type *out, const imnn_type *in,
                            const imnn_attr *attr)
{
    imnn_window w;
    imnn_status st = window_of(&w, who, attr, &in->shape);
    *out = *in;
    for (int d = 0; d < w.n && st == IMNN_OK; d++)
        out->shape.size[in->shape.ndim - 1 - w.n + d] = w.side[3 - w.n + d].places;
    return st;
}

static imnn_status infer_sum(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    return infer_as("window_sum", out, in, attr);
}

static imnn_status infer_max(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    return infer_as("window_max", out, in, attr);
}

static imnn_status infer_argmax(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = infer_as("window_argmax", out, in, attr);
    out->dtype = IMNN_I32;
    return st;
}

/* Sums of the other way round. */
static void vjp_sum(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    imnn_window w;
    imnn_attr back = {.n = v->attr->n, .v = {v->attr->v[0]}};
    const imnn_shape s = *imnn_graph_shape(g, v->x[0]);
    if (window_of(&w, "window_sum", v->attr, &s) != IMNN_OK) return;
    imnn_window_transposed(back.v + 1, &w);
    dx[0] =
        imnn_shape_count(&s) && imnn_shape_count(&v->type.shape) ? g_window_sum(g, dy, &back) : 0;
}

/* Spatial axes, the n before the last, as one. */
static imnn_node flat(imnn_graph *g, imnn_node x, int n)
{
    imnn_shape s = *imnn_graph_shape(g, x), out = s;
    const int first = s.ndim - 1 - n;
    out.ndim = first + 2;
    out.size[first] = 1, out.size[first + 1] = s.size[s.ndim - 1];
    for (int k = first; k < s.ndim - 1; k++) out.size[first] *= s.size[k];
    return g_reshape(g, x, &out);
}

/* To the largest elements, added up where windows overlap. */
static void vjp_max(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const int n = (int)v->attr->v[0];
    const imnn_shape s = *imnn_graph_shape(g, v->x[0]);
    if (!imnn_shape_count(&s) || !imnn_shape_count(&v->type.shape)) {
        dx[0] = 0;
        return;
    }
    const imnn_node where = flat(g, g_window_argmax(g, v->x[0], v->attr), n);
    const imnn_node none = g_lt(g, where, g_number(g, where, 0));
    dy = flat(g, dy, n);
    dy = g_where(g, none, g_zeros_like(g, dy), dy);
    const int axis = imnn_graph_shape(g, dy)->ndim - 2;
    int64_t size = 1;
    for (int k = axis; k < s.ndim - 1; k++) size *= s.size[k];
    dx[0] = g_reshape(g, g_put_along_add(g, dy, where, axis, size), &s);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    return imnn_rows_before(v, in, R, in[0].shape.ndim - 1 - v->attr->v[0], by);
}

/** What the window meets along an axis at one place: elements first, first + step, ... */
typedef struct meeting {
    int64_t first, count;
} meeting;

/* Taps that meet elements are base / gcd(dilation, base) apart; gives how far these elements are.
 */
static int64_t list_meetings(meeting *m, const struct imnn_side *a)
{
    const int64_t tap = a->base / imnn_common_divisor(a->dilation, a->base);
    const int64_t step = tap * a->dilation / a->base;
    for (int64_t p = 0; p < a->places; p++) {
        int64_t t = 0, at = p * a->stride - a->low;
        while (t < tap && t < a->window && at % a->base) t++, at += a->dilation;
        m[p] = (meeting){0, 0};
        if (t >= a->window || at % a->base) continue;
        const int64_t first = at / a->base, taps = (a->window - t + tap - 1) / tap;
        const int64_t skip = first < 0 ? (step - 1 - first) / step : 0;
        const int64_t fit = (a->size - first + step - 1) / step; /* taps before the end */
        m[p].first = first + skip * step;
        m[p].count = (fit < taps ? fit : taps) - skip;
        if (m[p].count < 0) m[p].count = 0;
    }
    return step;
}

typedef struct walk {
    const imnn_window *w;
    const meeting *side[3];
    int64_t step[3];
    int64_t *element;
} walk;

/* The elements that one place meets. */
static int64_t list_elements(const walk *k, int64_t p0, int64_t p1, int64_t p2)
{
    const meeting a = k->side[0][p0], b = k->side[1][p1], c = k->side[2][p2];
    int64_t n = 0;
    for (int64_t i = 0; i < a.count; i++)
        for (int64_t j = 0; j < b.count; j++) {
            const int64_t row =
                (a.first + i * k->step[0]) * k->w->side[1].size + b.first + j * k->step[1];
            const int64_t first = row * k->w->side[2].size + c.first;
            for (int64_t l = 0; l < c.count; l++) k->element[n++] = first + l * k->step[2];
        }
    return n;
}

/* How many places from p on meet as many elements, each place equally far from the one before. */
static int64_t count_run(const walk *k, int64_t p, int64_t *step)
{
    const meeting *m = k->side[2] + p;
    const int64_t left = k->w->side[2].places - p;
    int64_t n = 1;
    *step = left > 1 ? m[1].first - m[0].first : 0;
    while (n < left && m[n].count == m[0].count && m[n].first == m[0].first + n * *step) n++;
    return n;
}

static void one_example(const walk *k, int what, imnn_window_kernel *kernel, char *out, size_t size,
                        const void *in, int64_t channels)
{
    const struct imnn_side *s = k->w->side;
    for (int64_t p0 = 0; p0 < s[0].places; p0++)
        for (int64_t p1 = 0; p1 < s[1].places; p1++)
            for (int64_t p2 = 0, step, n; p2 < s[2].places; p2 += n) {
                n = count_run(k, p2, &step);
                imnn_window_run run = {n, step * channels, channels, channels};
                /* One element further each: they are like channels. */
                if (step == 1 && what != IMNN_WINDOW_ARGMAX) run.lanes *= n, run.places = 1;
                kernel(out, in, k->element, list_elements(k, p0, p1, p2), &run);
                out += (size_t)(n * channels) * size;
            }
}

static void examples(const imnn_call *c, int what)
{
    imnn_window w;
    const imnn_value *x = &c->in[0];
    const imnn_shape *s = &x->type.shape;
    if (window_of(&w, "window", c->attr, s) != IMNN_OK || !imnn_shape_count(&c->out.type.shape))
        return;
    const int64_t channels = s->size[s->ndim - 1];
    const size_t size = imnn_dtype_size(c->out.type.dtype);
    const size_t in =
        (size_t)(IMNN_WINDOW_COUNT(&w, size) * channels) * imnn_dtype_size(x->type.dtype);
    const size_t out = (size_t)(IMNN_WINDOW_COUNT(&w, places) * channels) * size;
    int64_t count = 1, places = 0, most = 1;
    for (int k = 0; k < s->ndim - 1 - w.n; k++) count *= s->size[k];
    for (int d = 0; d < 3; d++) {
        const struct imnn_side *a = &w.side[d];
        places += a->places, most *= a->window < a->size ? a->window : a->size;
    }
    const size_t meeting_bytes = (size_t)places * sizeof(meeting);
    const size_t bytes = meeting_bytes + (size_t)(most + 1) * sizeof(int64_t);
    meeting *m = imnn_alloc_raw(bytes);
    if (!m) {
        *c->failed = true;
        return;
    }
    walk k = {.w = &w, .element = (int64_t *)(void *)(m + places)};
    meeting *next = m;
    for (int d = 0; d < 3; next += w.side[d++].places) {
        k.side[d] = next;
        k.step[d] = list_meetings(next, &w.side[d]);
    }
    imnn_window_kernel *kernel = imnn_kernels()->window[what][x->type.dtype];
    for (int64_t e = 0; e < count; e++)
        one_example(&k, what, kernel, (char *)c->out.data + (size_t)e * out, size,
                    (const char *)x->data + (size_t)e * in, channels);
    imnn_free(m, bytes);
}

static void kernel_sum(const imnn_call *c) { examples(c, IMNN_WINDOW_SUM); }
static void kernel_max(const imnn_call *c) { examples(c, IMNN_WINDOW_MAX); }
static void kernel_argmax(const imnn_call *c) { examples(c, IMNN_WINDOW_ARGMAX); }

#define CASES                                                                                     \
    "(5, 2) -> 1, 2, 1, 0, 0, 1, 1; (2, 6, 3) -> 1, 3, 2, 1, 2, 1, 2; "                           \
    "(4, 5, 1) -> 2, 2, 2, 0, 0, 1, 1, 3, 1, 1, 1, 1, 1; "                                        \
    "(3, 4, 2, 2) -> 3, 2, 1, 0, 1, 1, 1, 2, 2, 1, -1, 1, 1, 2, 1, 0, 0, 1, 1; "                  \
    "(2, 4, 2) -> 1, 2, 3, 1, 2, 2, 1; (2, 3, 2) -> 1, 5, 1, 0, 0, 1, 1; (3, 2) -> 0; (0, 6, 3) " \
    "-> 1, 3, 2, 1, 2, 1, 2; (5, 0) -> 1, 2, 1, 0, 0, 1, 1; (1, 1) -> 1, 1, 1, 0, 0, 1, 1"

const imnn_op imnn_op_window_sum = {
    .name = "window_sum",
    .id = IMNN_OP_window_sum,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_NUMBERS,
    .infer = infer_sum,
    .vjp = vjp_sum,
    .linear = 1,
    .batch = imnn_batch_leading,
    .rows = rows,
    .kernel = kernel_sum,
    .range = {-2, 2},
    .cases = CASES,
    .doc = "sum over a window at each of its places over spatial axes, those before the last",
};

const imnn_op imnn_op_window_max = {
    .name = "window_max",
    .id = IMNN_OP_window_max,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_NUMBERS,
    .infer = infer_max,
    .vjp = vjp_max,
    .batch = imnn_batch_leading,
    .rows = rows,
    .kernel = kernel_max,
    .range = {-2, 2},
    .cases = CASES,
    .doc = "largest element of a window at each of its places over spatial axes, those before the "
           "last; of nothing the least number of the dtype",
};

const imnn_op imnn_op_window_argmax = {
    .name = "window_argmax",
    .id = IMNN_OP_window_argmax,
    .arity = 1,
    .class = IMNN_CALL,
    .dtypes = IMNN_NUMBERS,
    .infer = infer_argmax,
    .vjp = imnn_vjp_zero,
    .batch = imnn_batch_leading,
    .rows = rows,
    .kernel = kernel_argmax,
    .gives = "i32",
    .range = {-2, 2},
    .cases = CASES,
    .doc = "where in the spatial axes, as one, the largest element of each window is; -1: nowhere",
};
