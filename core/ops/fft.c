/* fft, ifft, rfft, irfft over adjacent axes: attributes {axes, behind}, how many, and how many axes
 * are behind them; of irfft {axes, behind, n}, where n is the last size of the result. Backward
 * ones divide by the number of elements. Derivatives pair without conjugates (complex.c), and the
 * matrix of a transform is symmetric: it is its own transpose. */
#include "core/fft/fft.h"
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_fft(imnn_graph *g, imnn_node x, int axes, int behind)
{
    return imnn_graph_build(g, IMNN_OP_fft, 1, &x, &(imnn_attr){2, {axes, behind}});
}
imnn_node g_ifft(imnn_graph *g, imnn_node x, int axes, int behind)
{
    return imnn_graph_build(g, IMNN_OP_ifft, 1, &x, &(imnn_attr){2, {axes, behind}});
}
imnn_node g_rfft(imnn_graph *g, imnn_node x, int axes, int behind)
{
    return imnn_graph_build(g, IMNN_OP_rfft, 1, &x, &(imnn_attr){2, {axes, behind}});
}
imnn_node g_irfft(imnn_graph *g, imnn_node x, int axes, int behind, int64_t n)
{
    return imnn_graph_build(g, IMNN_OP_irfft, 1, &x, &(imnn_attr){3, {axes, behind, n}});
}

/* ---- shapes ---- */

/* The last of the axes, and the one behind it. */
static int64_t last_of(const imnn_shape *s, const imnn_attr *attr)
{
    return s->ndim - 1 - attr->v[1];
}
static int64_t first_of(const imnn_shape *s, const imnn_attr *attr)
{
    return s->ndim - attr->v[1] - attr->v[0];
}

static imnn_status check(const char *name, const imnn_type *in, const imnn_attr *attr, int settings)
{
    const imnn_shape *s = &in->shape;
    if (attr->n != settings || attr->v[0] < 1 || attr->v[1] < 0 || attr->v[0] > s->ndim ||
        attr->v[1] > s->ndim - attr->v[0])
        return imnn_fail(IMNN_EVALUE,
                         "%s: needs the number of its axes and of those behind, which are not more "
                         "than those of %s",
                         name, imnn_shape_text(s).s);
    for (int64_t k = first_of(s, attr); k <= last_of(s, attr); k++)
        if (s->size[k] < 1 || s->size[k] > INT32_MAX)
            return imnn_fail(IMNN_ESHAPE, "%s: axis %lld of %s has no transform", name,
                             (long long)k + 1, imnn_shape_text(s).s);
    return imnn_fft_load(imnn_part_dtype(in->dtype));
}

static imnn_status infer_fft(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    return check("fft", in, attr, 2);
}

static imnn_status infer_ifft(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[0];
    return check("ifft", in, attr, 2);
}

static imnn_status infer_rfft(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = check("rfft", in, attr, 2);
    if (st != IMNN_OK) return st;
    *out = (imnn_type){in->dtype == IMNN_F32 ? IMNN_C64 : IMNN_C128, in->shape};
    int64_t *last = &out->shape.size[last_of(&out->shape, attr)];
    *last = *last / 2 + 1;
    return IMNN_OK;
}

static imnn_status infer_irfft(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = check("irfft", in, attr, 3);
    if (st != IMNN_OK) return st;
    *out = (imnn_type){imnn_part_dtype(in->dtype), in->shape};
    int64_t *last = &out->shape.size[last_of(&out->shape, attr)];
    if (attr->v[2] < 1 || attr->v[2] > INT32_MAX || attr->v[2] / 2 + 1 != *last)
        return imnn_fail(IMNN_ESHAPE, "irfft: %lld numbers are not made of %s",
                         (long long)attr->v[2], imnn_shape_text(&in->shape).s);
    *last = attr->v[2];
    return IMNN_OK;
}

/* ---- rules ---- */

static void vjp_fft(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    dx[0] = imnn_graph_build(g, v->op->id, 1, &dy, v->attr);
}

/* The other half of the transform is not there: zeros. */
static void vjp_rfft(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const imnn_shape in = *imnn_graph_shape(g, v->x[0]), *out = &v->type.shape;
    const int64_t last = last_of(&in, v->attr);
    imnn_attr at = {.n = 3 * in.ndim};
    at.v[3 * last + 1] = in.size[last] - out->size[last];
    dx[0] =
        g_real(g, imnn_graph_build(g, IMNN_OP_fft, 1, (imnn_node[]){g_pad(g, dy, &at)}, v->attr));
}

/* How often an element is there in the whole transform, over the number of all elements. */
static imnn_node shares(imnn_graph *g, const imnn_vertex *v)
{
    const imnn_shape *s = &v->type.shape;
    const int64_t n = v->attr->v[2], half = n / 2 + 1;
    imnn_shape column = {.ndim = (int32_t)v->attr->v[1] + 1, .size = {half}};
    double all = 1;
    for (int k = 1; k < column.ndim; k++) column.size[k] = 1;
    for (int64_t k = first_of(s, v->attr); k <= last_of(s, v->attr); k++) all *= (double)s->size[k];
    imnn_array *a = NULL;
    double *share = imnn_alloc((size_t)half * sizeof *share);
    imnn_status st = share ? IMNN_OK : IMNN_ENOMEM;
    for (int64_t j = 0; share && j < half; j++) share[j] = (j == 0 || 2 * j == n ? 1 : 2) / all;
    if (share) st = imnn_array_from(&a, v->type.dtype, &column, share);
    if (st != IMNN_OK) imnn_graph_fail_last(g, st);
    imnn_node x = a ? imnn_graph_constant(g, a) : 0;
    imnn_array_release(a);
    if (share) imnn_free(share, (size_t)half * sizeof *share);
    return x;
}

static void vjp_irfft(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    imnn_node share = shares(g, v), z = g_rfft(g, dy, (int)v->attr->v[0], (int)v->attr->v[1]);
    dx[0] = g_complex(g, g_mul(g, g_real(g, z), share), g_neg(g, g_mul(g, g_imag(g, z), share)));
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    return imnn_rows_before(v, in, R, first_of(&in[0].shape, v->attr), by);
}

/* ---- kernels ---- */

static void run(const imnn_call *c, imnn_fft_kind kind)
{
    const imnn_shape *in = &c->in[0].type.shape, *out = &c->out.type.shape;
    const imnn_dtype part = imnn_part_dtype(c->out.type.dtype);
    const int64_t first = first_of(in, c->attr), last = last_of(in, c->attr);
    imnn_shape n = {.ndim = (int32_t)c->attr->v[0]};
    int64_t count = 1, elements = 1, inner = 1;
    for (int64_t k = 0; k < first; k++) count *= in->size[k];
    for (int64_t k = first; k <= last; k++) {
        n.size[k - first] = kind == IMNN_IRFFT ? out->size[k] : in->size[k];
        elements *= n.size[k - first];
    }
    for (int64_t k = last + 1; k < in->ndim; k++) inner *= in->size[k];
    if (count == 0 || inner == 0) return;
    imnn_fft *f = imnn_fft_get(kind, part, &n, inner);
    const double scale = kind == IMNN_IFFT || kind == IMNN_IRFFT ? 1 / (double)elements : 1;
    if (!f || !imnn_fft_run(f, c->out.data, c->in[0].data, count, scale)) *c->failed = true;
    imnn_fft_release(f);
}

static void kernel_fft(const imnn_call *c) { run(c, IMNN_FFT); }
static void kernel_ifft(const imnn_call *c) { run(c, IMNN_IFFT); }
static void kernel_rfft(const imnn_call *c) { run(c, IMNN_RFFT); }
static void kernel_irfft(const imnn_call *c) { run(c, IMNN_IRFFT); }

#define TRANSFORM(n, allowed, infer_fn, vjp_fn, result, tried, text) \
    const imnn_op imnn_op_##n = {                                    \
        .name = #n,                                                  \
        .id = IMNN_OP_##n,                                           \
        .arity = 1,                                                  \
        .class = IMNN_CALL,                                          \
        .dtypes = allowed,                                           \
        .infer = infer_fn,                                           \
        .vjp = vjp_fn,                                               \
        .linear = 1,                                                 \
        .batch = imnn_batch_leading,                                 \
        .rows = rows,                                                \
        .kernel = kernel_##n,                                        \
        .gives = result,                                             \
        .range = {-2, 2},                                            \
        .cases = tried,                                              \
        .doc = text,                                                 \
    }
TRANSFORM(fft, IMNN_COMPLEX, infer_fft, vjp_fft, NULL,
          "c128 (8) -> 1, 0; c128 (3, 5) -> 1, 0; c128 (2, 3, 4) -> 2, 0; c64 (3, 5) -> 1, 0; "
          "c128 (1) -> 1, 0; c128 (0, 3) -> 1, 0; c128 (3, 2, 1, 4) -> 3, 0; c128 (3, 0) -> 1, 1; "
          "c128 (2, 4, 3) -> 1, 1; c64 (2, 4, 3, 2) -> 2, 1; c128 (3, 2) -> 1, 1",
          "discrete Fourier transform over adjacent axes");
TRANSFORM(ifft, IMNN_COMPLEX, infer_ifft, vjp_fft, NULL,
          "c128 (8) -> 1, 0; c128 (3, 5) -> 1, 0; c128 (2, 3, 4) -> 2, 0; c64 (3, 5) -> 1, 0; "
          "c128 (2, 4, 3) -> 1, 1; c128 (2, 4, 3, 2) -> 2, 1; c128 (1) -> 1, 0; c128 (0, 3) -> 1, "
          "0; c128 (3, 2, 1, 4) -> 3, 0; c128 (3, 0) -> 1, 1",
          "its inverse");
TRANSFORM(rfft, IMNN_REALS, infer_rfft, vjp_rfft, "complex",
          "(8) -> 1, 0; (9) -> 1, 0; (2, 3, 4) -> 2, 0; (3, 4, 5) -> 3, 0; f32 (3, 5) -> 1, 0; "
          "(1) -> 1, 0; (2, 4, 3) -> 1, 1; (2, 3, 5, 2) -> 2, 1; (4, 2, 1) -> 1, 2; (0, 3) -> 1, "
          "0; (3, 0) -> 1, 1",
          "the non-redundant half of the transform of real numbers");
TRANSFORM(irfft, IMNN_COMPLEX, infer_irfft, vjp_irfft, "real",
          "c128 (5) -> 1, 0, 8; c128 (5) -> 1, 0, 9; c128 (2, 3, 3) -> 2, 0, 4; "
          "c64 (3, 3) -> 1, 0, 5; c128 (3, 4, 3) -> 3, 0, 5; c128 (1) -> 1, 0, 1; "
          "c128 (2, 3, 2) -> 1, 1, 4; c128 (2, 3, 3, 2) -> 2, 1, 5; c128 (0, 3) -> 1, 0, 4; c128 "
          "(3, 0) -> 1, 1, 4",
          "its inverse, of as many real numbers as asked for");
