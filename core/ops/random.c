/* random_split, random_bits, random_fold_in: keys and words of Threefry-2x32 (spec/random 2, 3).
 * A key is (..., 2); leading axes are independent keys. */
#include "core/kernels/threefry.h"
#include "core/ops/ops.h"
#include <string.h>

imnn_node g_random_split(imnn_graph *g, imnn_node key, int64_t n)
{
    return imnn_graph_build(g, IMNN_OP_random_split, 1, &key,
                            &(imnn_attr){2, {n, imnn_random_layout()}});
}

static imnn_node words(imnn_graph *g, imnn_node key, const imnn_shape *shape, int64_t width)
{
    imnn_attr at = {.n = 2 + shape->ndim, .v = {imnn_random_layout(), width}};
    if (shape->ndim < 0 || shape->ndim > IMNN_MAX_NDIM) {
        imnn_graph_fail(g, IMNN_EVALUE, "random.bits: at most %d axes, got %d", IMNN_MAX_NDIM,
                        shape->ndim);
        return 0;
    }
    memcpy(at.v + 2, shape->size, (size_t)shape->ndim * sizeof *at.v);
    return imnn_graph_build(g, IMNN_OP_random_bits, 1, &key, &at);
}

imnn_node g_random_bits(imnn_graph *g, imnn_node key, const imnn_shape *shape)
{
    return words(g, key, shape, 32);
}

imnn_node g_random_bits64(imnn_graph *g, imnn_node key, const imnn_shape *shape)
{
    return words(g, key, shape, 64);
}

imnn_node g_random_fold_in(imnn_graph *g, imnn_node key, imnn_node data)
{
    return imnn_graph_build(g, IMNN_OP_random_fold_in, 2, (imnn_node[]){key, data}, NULL);
}

imnn_status imnn_key_check(const char *who, const imnn_type *t)
{
    if (t->dtype == IMNN_U32 && t->shape.ndim > 0 && t->shape.size[t->shape.ndim - 1] == 2)
        return IMNN_OK;
    return imnn_fail(IMNN_ESHAPE, "%s: a key is u32 (2), or keys u32 (..., 2); got %s %s", who,
                     imnn_dtype_name(t->dtype), imnn_shape_text(&t->shape).s);
}

/* (..., 2) -> (..., sizes, [2]) */
static imnn_status append_sizes(imnn_type *out, const imnn_type *key, int n, const int64_t *size,
                                bool pairs, const char *who)
{
    *out = *key;
    imnn_shape *s = &out->shape;
    s->ndim--;
    if (s->ndim + n + pairs > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "%s: more than %d axes", who, IMNN_MAX_NDIM);
    for (int k = 0; k < n; k++) {
        if (size[k] < 0)
            return imnn_fail(IMNN_EVALUE, "%s: negative size %lld", who, (long long)size[k]);
        s->size[s->ndim++] = size[k];
    }
    if (pairs) s->size[s->ndim++] = 2;
    return IMNN_OK;
}

static imnn_status infer_split(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    if (attr->n != 2) return imnn_fail(IMNN_EVALUE, "random.split: needs a number and a layout");
    imnn_status st = imnn_key_check("random.split", in);
    return st == IMNN_OK ? append_sizes(out, in, 1, attr->v, true, "random.split") : st;
}

static imnn_status infer_bits(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    if (attr->n < 2 || (attr->v[1] != 32 && attr->v[1] != 64))
        return imnn_fail(IMNN_EVALUE, "random.bits: needs a layout and a width of 32 or 64");
    imnn_status st = imnn_key_check("random.bits", in);
    return st == IMNN_OK
               ? append_sizes(out, in, attr->n - 2, attr->v + 2, attr->v[1] == 64, "random.bits")
               : st;
}

static imnn_status infer_fold_in(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = imnn_key_check("random.fold_in", in);
    if (st != IMNN_OK) return st;
    imnn_shape lead = in[0].shape;
    lead.ndim--;
    if (!imnn_shape_equal(&lead, &in[1].shape))
        return imnn_fail(IMNN_ESHAPE, "random.fold_in: %s numbers for keys %s",
                         imnn_shape_text(&in[1].shape).s, imnn_shape_text(&in[0].shape).s);
    *out = in[0];
    return IMNN_OK;
}

static imnn_node build_fold_in(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                               const imnn_attr *attr)
{
    imnn_shape key = *imnn_graph_shape(g, x[0]), lead = key, joined;
    const imnn_type type = {imnn_graph_dtype(g, x[0]), key};
    imnn_status st = imnn_key_check("random.fold_in", &type);
    if (st != IMNN_OK) {
        imnn_graph_fail_last(g, st);
        return 0;
    }
    lead.ndim--;
    if (!imnn_shape_join(&joined, &lead, imnn_graph_shape(g, x[1])) || joined.ndim == IMNN_MAX_NDIM)
        return imnn_graph_add(g, op, n, x, attr);
    imnn_node data = g_broadcast(g, x[1], &joined);
    joined.size[joined.ndim++] = 2;
    return imnn_graph_add(g, op, 2, (imnn_node[]){g_broadcast(g, x[0], &joined), data}, attr);
}

/* Whether the last axis of the result counts the words of an element, which stay together. */
static bool gives_pairs(const imnn_vertex *v)
{
    return v->op->id != IMNN_OP_random_bits || v->attr->v[1] == 64;
}

/* One key: any range of the result can be made alone. Many: a row is that of its key. */
static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const imnn_shape *key = &in[0].shape, *out = &v->type.shape;
    const int a = imnn_row_axis(key, R), b = imnn_row_axis(out, R);
    if (b < 0 || (b == out->ndim - 1 && gives_pairs(v))) return IMNN_ROWS_NONE;
    if (key->ndim == 1) {
        by[0] = false;
        return IMNN_ROWS_EACH;
    }
    if (a != b || a >= key->ndim - 1) return IMNN_ROWS_NONE;
    for (int i = 0; i < v->n; i++) by[i] = true;
    return IMNN_ROWS_EACH;
}

/* The range of the result of one key that is wanted. */
static void range_of(const imnn_call *c, int64_t total, int64_t *first, int64_t *count)
{
    *first = c->R > 1 ? total / c->R * c->row : 0;
    *count = c->R > 1 ? total / c->R * c->rows : total;
}

static void kernel_split(const imnn_call *c)
{
    const int64_t n = c->attr->v[0], keys = imnn_shape_count(&c->in[0].type.shape) / 2;
    const imnn_key_layout layout = (imnn_key_layout)c->attr->v[1];
    const uint32_t *key = c->in[0].data;
    uint32_t *out = c->out.data;
    if (c->in[0].type.shape.ndim == 1) {
        int64_t first, count;
        range_of(c, n, &first, &count);
        imnn_threefry_split(out, key, layout, first, count, n);
    } else if (layout == IMNN_ORIGINAL) { /* keys are the words of a stream, two by two */
        imnn_threefry_words_each(out, key, keys, layout, 2 * n);
    } else {
        for (int64_t k = 0; k < keys; k++)
            imnn_threefry_split(out + 2 * n * k, key + 2 * k, layout, 0, n, n);
    }
}

static void kernel_bits(const imnn_call *c)
{
    const imnn_key_layout layout = (imnn_key_layout)c->attr->v[0];
    const bool wide = c->attr->v[1] == 64;
    const uint32_t *key = c->in[0].data;
    uint32_t *out = c->out.data;
    int64_t n = 1, first, count;
    for (int k = 2; k < c->attr->n; k++) n *= c->attr->v[k];
    if (c->in[0].type.shape.ndim == 1) {
        range_of(c, n, &first, &count);
        if (wide) imnn_threefry_pairs(out, key, layout, first, count, n);
        else imnn_threefry_words(out, key, layout, first, count, n);
        return;
    }
    const int64_t keys = imnn_shape_count(&c->in[0].type.shape) / 2;
    if (!wide) {
        imnn_threefry_words_each(out, key, keys, layout, n);
        return;
    }
    for (int64_t k = 0; k < keys; k++)
        imnn_threefry_pairs(out + 2 * n * k, key + 2 * k, layout, 0, n, n);
}

static void kernel_fold_in(const imnn_call *c)
{
    const uint32_t *key = c->in[0].data, *data = c->in[1].data;
    uint32_t *out = c->out.data;
    const int64_t n = imnn_shape_count(&c->in[1].type.shape);
    for (int64_t i = 0; i < n; i++)
        imnn_threefry(key + 2 * i, (uint32_t[2]){0, data[i]}, out + 2 * i);
}

#define DRAW(n, arity_, build_fn, case_text, text)                   \
    const imnn_op imnn_op_random_##n = {.name = "random_" #n,        \
                                        .id = IMNN_OP_random_##n,    \
                                        .arity = arity_,             \
                                        .class = IMNN_CALL,          \
                                        .dtypes = 1 << IMNN_U32,     \
                                        .build = build_fn,           \
                                        .infer = infer_##n,          \
                                        .vjp = imnn_vjp_zero,        \
                                        .batch = imnn_batch_leading, \
                                        .rows = rows,                \
                                        .kernel = kernel_##n,        \
                                        .range = {0, 4294967295.},   \
                                        .cases = case_text,          \
                                        .doc = text}
DRAW(split, 1, NULL,
     "u32 (2) -> 3, 0; u32 (3, 2) -> 2, 1; u32 (3, 2) -> 2, 0; u32 (0, 2) -> 3, 0; u32 (2) -> 1, "
     "0; u32 (1, 2) -> 0, 0",
     "independent keys from one");
DRAW(bits, 1, NULL,
     "u32 (2) -> 0, 32, 5; u32 (3, 2) -> 0, 32, 2, 3; u32 (2) -> 1, 64, 3; u32 (3, 2) -> 0, 64; "
     "u32 (2) -> 1, 32, 0; u32 (0, 2) -> 0, 32, 0, 3; u32 (2) -> 0, 32, 1; u32 (1, 2) -> 1, 64, 1, "
     "3",
     "random words; two for each element where the width is 64");
DRAW(fold_in, 2, build_fold_in,
     "u32 (2) u32 (); u32 (3, 2) u32 (3); u32 (2) u32 (3); u32 (0, 2) u32 (0); u32 (1, 2) u32 (1)",
     "the key for a number");
