/* random_gamma, random_von_mises, random_poisson, random_binomial: numbers that take several
 * attempts. Keys (..., 2) and parameters (..., sizes), all of them broadcast to the shape of the
 * result; the leading axes are those of the keys. */
#include "core/ops/ops.h"
#include "core/ops/rejection.h"
#include <math.h>
#include <string.h>

imnn_node g_random_gamma(imnn_graph *g, imnn_node key, imnn_node a, bool logarithm)
{
    return imnn_graph_build(g, IMNN_OP_random_gamma, 2, (imnn_node[]){key, a},
                            &(imnn_attr){2, {imnn_random_layout(), logarithm}});
}

imnn_node g_random_von_mises(imnn_graph *g, imnn_node key, imnn_node kappa)
{
    return imnn_graph_build(g, IMNN_OP_random_von_mises, 2, (imnn_node[]){key, kappa},
                            &(imnn_attr){1, {imnn_random_layout()}});
}

imnn_node g_random_poisson(imnn_graph *g, imnn_node key, imnn_node lam)
{
    return imnn_graph_build(g, IMNN_OP_random_poisson, 2, (imnn_node[]){key, lam},
                            &(imnn_attr){1, {imnn_random_layout()}});
}

imnn_node g_random_binomial(imnn_graph *g, imnn_node key, imnn_node n, imnn_node p)
{
    return imnn_graph_build(g, IMNN_OP_random_binomial, 3, (imnn_node[]){key, n, p},
                            &(imnn_attr){1, {imnn_random_layout()}});
}

/* A key, and parameters of one dtype and shape, which begins with the leading axes of the key. */
static imnn_status check(const char *who, int n, const imnn_type *in, const imnn_attr *attr,
                         int attributes, uint32_t dtypes)
{
    const imnn_shape *key = &in[0].shape, *s = &in[1].shape;
    if (attr->n != attributes)
        return imnn_fail(IMNN_EVALUE, "%s: needs %d attributes, got %d", who, attributes, attr->n);
    imnn_status st = imnn_key_check(who, &in[0]);
    if (st != IMNN_OK) return st;
    if (!(dtypes >> in[1].dtype & 1))
        return imnn_fail(IMNN_EDTYPE, "%s: works on %s, got %s", who, imnn_dtypes_text(dtypes).s,
                         imnn_dtype_name(in[1].dtype));
    bool fits = s->ndim >= key->ndim - 1;
    for (int k = 0; fits && k < key->ndim - 1; k++) fits = s->size[k] == key->size[k];
    for (int i = 2; fits && i < n; i++)
        fits = in[i].dtype == in[1].dtype && imnn_shape_equal(&in[i].shape, s);
    if (fits) return IMNN_OK;
    return imnn_fail(IMNN_ESHAPE, "%s: parameters %s do not fit keys %s", who,
                     imnn_shape_text(&in[n - 1].shape).s, imnn_shape_text(key).s);
}

static imnn_status infer_gamma(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[1];
    return check("random.gamma", n, in, attr, 2, IMNN_REALS);
}

static imnn_status infer_von_mises(imnn_type *out, int n, const imnn_type *in,
                                   const imnn_attr *attr)
{
    *out = in[1];
    return check("random.von_mises", n, in, attr, 1, IMNN_REALS);
}

static imnn_status infer_poisson(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = (imnn_type){IMNN_I32, in[1].shape};
    return check("random.poisson", n, in, attr, 1, 1 << IMNN_F32);
}

static imnn_status infer_binomial(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    *out = in[1];
    return check("random.binomial", n, in, attr, 1, IMNN_REALS);
}

/* Many keys: a row is that of its key. One key: elements have keys of their own, or need the
 * others. */
static imnn_rows rows_of(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by, bool alone)
{
    const imnn_shape *key = &in[0].shape;
    const int a = imnn_row_axis(key, R), b = imnn_row_axis(&in[1].shape, R);
    const bool one = key->ndim == 1;
    if (b < 0 || (one ? !alone : a != b || a >= key->ndim - 1)) return IMNN_ROWS_NONE;
    for (int i = 0; i < v->n; i++) by[i] = i > 0 || !one;
    return IMNN_ROWS_EACH;
}

static imnn_rows rows_alone(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    return rows_of(v, in, R, by, true);
}

static imnn_rows rows_together(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    return rows_of(v, in, R, by, false);
}

/* Elements first .. first + count - 1 of the n of each of these keys. */
typedef struct range {
    const uint32_t *key;
    imnn_key_layout layout;
    int64_t keys, first, count, n;
} range;

static range range_of(const imnn_call *c)
{
    const int64_t here = imnn_shape_count(&c->out.type.shape);
    const int64_t all = imnn_shape_count(&c->whole.shape);
    const bool one = c->in[0].type.shape.ndim == 1;
    range r = {c->in[0].data, (imnn_key_layout)c->attr->v[0], 1, 0, here, all};
    if (one && c->R > 1) r.first = all / c->R * c->row;
    if (one) return r;
    r.keys = imnn_shape_count(&c->in[0].type.shape) / 2;
    r.n = r.count = r.keys ? here / r.keys : 0;
    return r;
}

static void kernel_gamma(const imnn_call *c)
{
    const range r = range_of(c);
    const bool logarithm = c->attr->v[1];
    for (int64_t k = 0; k < r.keys; k++) {
        const int64_t at = k * r.count;
        if (c->out.type.dtype == IMNN_F32)
            imnn_gamma_f32((float *)c->out.data + at, r.key + 2 * k, r.layout,
                           (const float *)c->in[1].data + at, r.first, r.count, r.n, logarithm);
        else
            imnn_gamma_f64((double *)c->out.data + at, r.key + 2 * k, r.layout,
                           (const double *)c->in[1].data + at, r.first, r.count, r.n, logarithm);
    }
}

static void kernel_von_mises(const imnn_call *c)
{
    const range r = range_of(c);
    const bool single = c->out.type.dtype == IMNN_F32;
    for (int64_t k = 0, at = 0; k < r.keys; k++)
        for (int64_t i = 0; i < r.count; i++, at++) {
            uint32_t own[2];
            imnn_threefry_split(own, r.key + 2 * k, r.layout, r.first + i, 1, r.n);
            const float *f = c->in[1].data;
            const double *d = c->in[1].data;
            const double y = imnn_von_mises(own, r.layout, single ? (double)f[at] : d[at]);
            if (single) ((float *)c->out.data)[at] = (float)y;
            else ((double *)c->out.data)[at] = y;
        }
}

static void kernel_poisson(const imnn_call *c)
{
    const range r = range_of(c);
    for (int64_t k = 0; k < r.keys; k++)
        imnn_poisson((int32_t *)c->out.data + k * r.n, r.key + 2 * k, r.layout,
                     (const float *)c->in[1].data + k * r.n, r.n);
}

static void kernel_binomial(const imnn_call *c)
{
    const range r = range_of(c);
    for (int64_t k = 0; k < r.keys; k++) {
        const int64_t at = k * r.n;
        if (c->out.type.dtype == IMNN_F32)
            imnn_binomial_f32((float *)c->out.data + at, r.key + 2 * k, r.layout,
                              (const float *)c->in[1].data + at, (const float *)c->in[2].data + at,
                              r.n);
        else
            imnn_binomial_f64((double *)c->out.data + at, r.key + 2 * k, r.layout,
                              (const double *)c->in[1].data + at,
                              (const double *)c->in[2].data + at, r.n);
    }
}

/* Where a number has underflowed it does not move. */
static void vjp_gamma(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    dx[0] = 0;
    if (v->attr->v[1]) {
        dx[1] = g_mul(g, dy, g_gamma_slope(g, v->x[1], y));
        return;
    }
    imnn_node zero = g_number(g, y, 0), positive = g_gt(g, y, zero);
    imnn_node logy = g_log(g, g_where(g, positive, y, g_number(g, y, 1)));
    imnn_node slope = g_mul(g, y, g_gamma_slope(g, v->x[1], logy));
    dx[1] = g_where(g, positive, g_mul(g, dy, slope), zero);
}

#define DRAW(n, ...)                                                 \
    const imnn_op imnn_op_random_##n = {.name = "random_" #n,        \
                                        .id = IMNN_OP_random_##n,    \
                                        .class = IMNN_CALL,          \
                                        .dtypes = IMNN_ANY,          \
                                        .infer = infer_##n,          \
                                        .batch = imnn_batch_leading, \
                                        .kernel = kernel_##n,        \
                                        __VA_ARGS__}
DRAW(gamma, .arity = 2, .rows = rows_alone, .vjp = vjp_gamma, .implicit = true, .range = {0.1, 6},
     .cases = "u32 (2) f64 (3) -> 0, 0; u32 (3, 2) f64 (3, 2) -> 0, 1; u32 (2) f32 (4, 3) -> 1, 0; "
              "u32 (2) f64 () -> 1, 1; u32 (3, 2) f32 (3) -> 1, 0; u32 (2) f64 (0) -> 0, 0; u32 "
              "(2) f64 (1) -> 0, 0",
     .doc = "gamma numbers of these shapes, or their logarithms");
DRAW(von_mises, .arity = 2, .rows = rows_alone, .range = {0.1, 6},
     .cases = "u32 (2) f64 (3) -> 0; u32 (3, 2) f32 (3, 2) -> 1; u32 (2) f32 () -> 0; u32 (2) f64 "
              "(0) -> 0; u32 (2) f32 (1) -> 0",
     .doc = "angles about 0 of density proportional to e^(kappa cos x)");
DRAW(poisson, .arity = 2, .rows = rows_together, .vjp = imnn_vjp_zero, .gives = "i32",
     .range = {0, 30},
     .cases = "u32 (2) f32 (3) -> 0; u32 (3, 2) f32 (3, 2) -> 0; u32 (2) f32 (4, 3) -> 1; "
              "u32 (3, 2) f32 (3) -> 1; u32 (2) f32 (0) -> 0; u32 (2) f32 (1) -> 0",
     .doc = "numbers of events of which so many are expected");
DRAW(binomial, .arity = 3, .rows = rows_together, .range = {0, 1},
     .cases =
         "u32 (2) f64 (3) f64 (3) -> 0; u32 (3, 2) f32 (3, 2) f32 (3, 2) -> 1; "
         "u32 (2) f32 () f32 () -> 0; u32 (2) f32 (0) f32 (0) -> 0; u32 (2) f64 (1) f64 (1) -> 0",
     .doc = "numbers of successes in n trials of probability p");
