/* sort, argsort: along an axis in ascending or descending order. Equal elements stay in their order
 * (0 and -0 are equal), NaN counts as the largest number. Complex numbers have NumPy's order: by
 * their real parts, then by the imaginary ones; those with NaN behind the others. */
#include "core/ops/axis.h"
#include "core/ops/order.h"
#include <string.h>

imnn_node g_sort(imnn_graph *g, imnn_node x, int axis, bool descending)
{
    return imnn_graph_build(g, IMNN_OP_sort, 1, &x, &(imnn_attr){2, {axis, descending}});
}

imnn_node g_argsort(imnn_graph *g, imnn_node x, int axis, bool descending)
{
    return imnn_graph_build(g, IMNN_OP_argsort, 1, &x, &(imnn_attr){2, {axis, descending}});
}

static imnn_status infer_as(const char *name, imnn_type *out, const imnn_type *in,
                            const imnn_attr *attr)
{
    const imnn_shape *s = &in->shape;
    const imnn_status st = imnn_axis_check(name, s, attr, 2);
    if (st != IMNN_OK) return st;
    const int64_t axis = attr->v[0];
    if (s->size[axis] > INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "%s: more elements than i32 can count along axis %lld of %s",
                         name, (long long)axis + 1, imnn_shape_text(s).s);
    *out = *in;
    return IMNN_OK;
}

static imnn_status infer_sort(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    return infer_as("sort", out, in, attr);
}

static imnn_status infer_argsort(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    imnn_status st = infer_as("argsort", out, in, attr);
    out->dtype = IMNN_I32;
    return st;
}

/* Every element goes back to where it came from. */
static void vjp(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy, imnn_node *dx)
{
    const int axis = (int)v->attr->v[0];
    imnn_node from = g_argsort(g, v->x[0], axis, v->attr->v[1]);
    dx[0] = g_put_along_add(g, dy, from, axis, v->type.shape.size[axis]);
}

/* ---- kernels: all dtypes become unsigned keys of the same order ---- */

typedef struct place {
    uint64_t key;
    int32_t from;
} place;

/* The bits of an IEEE number as its distance from the most negative one. */
static uint64_t ordered64(double x)
{
    uint64_t bits;
    if (x != x) return UINT64_MAX;
    x += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static uint64_t ordered32(float x)
{
    uint32_t bits;
    if (x != x) return UINT32_MAX;
    x += 0.0f;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? (uint32_t)~bits : bits | 1u << 31;
}

/* Keys of complex numbers, in passes from the least to the most important: the imaginary part, the
 * real one, which of them is NaN. */
enum { PASSES = 3 };

static uint64_t key_of(const void *x, int64_t i, imnn_dtype dtype, int pass)
{
    const float *narrow = (const float *)x + 2 * i;
    const double *wide = (const double *)x + 2 * i;
    switch (dtype) {
    case IMNN_C64:
        return pass == 2 ? imnn_nan_parts(narrow[0], narrow[1]) : ordered32(narrow[1 - pass]);
    case IMNN_C128: return pass == 2 ? imnn_nan_parts(wide[0], wide[1]) : ordered64(wide[1 - pass]);
    case IMNN_F32: return ordered32(((const float *)x)[i]);
    case IMNN_F64: return ordered64(((const double *)x)[i]);
    case IMNN_I32: return (uint32_t)((const int32_t *)x)[i] ^ 1u << 31;
    case IMNN_U32: return ((const uint32_t *)x)[i];
    default: return ((const uint8_t *)x)[i] != 0;
    }
}

static void insert(place *p, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const place moved = p[i];
        int64_t k = i;
        for (; k > 0 && p[k - 1].key > moved.key; k--) p[k] = p[k - 1];
        p[k] = moved;
    }
}

/* By one byte of the key after the other, the last one first; bytes that all keys share are left
 * out. The result is in p or in spare. */
static place *radix(place *p, place *spare, int64_t n, int bytes)
{
    for (int b = 0; b < bytes; b++) {
        int64_t count[256] = {0}, at = 0;
        for (int64_t i = 0; i < n; i++) count[p[i].key >> 8 * b & 255]++;
        if (count[p[0].key >> 8 * b & 255] == n) continue;
        for (int k = 0; k < 256; k++) {
            const int64_t here = count[k];
            count[k] = at, at += here;
        }
        for (int64_t i = 0; i < n; i++) spare[count[p[i].key >> 8 * b & 255]++] = p[i];
        place *sorted = spare;
        spare = p, p = sorted;
    }
    return p;
}

static void along(const imnn_call *c, bool values)
{
    enum { FEW = 48 }; /* below, moving elements one by one is faster than counting bytes */
    const imnn_type *in = &c->in[0].type;
    const size_t size = imnn_dtype_size(in->dtype);
    const imnn_lines l = imnn_lines_along(&in->shape, c->attr->v[0]);
    const int64_t n = l.n, inner = l.inner;
    if (l.outer * inner * n == 0) return;
    place few[FEW], *room = few;
    const size_t bytes = 2 * (size_t)n * sizeof *room;
    if (n > FEW && !(room = imnn_alloc_raw(bytes))) {
        *c->failed = true;
        return;
    }
    const bool parts = imnn_is_complex(in->dtype);
    const size_t part = parts ? size / 2 : size; /* bytes of what keys are made of */
    const uint64_t turn = !c->attr->v[1] ? 0 : part == 8 ? UINT64_MAX : UINT32_MAX;
    for (int64_t o = 0; o < l.outer; o++)
        for (int64_t k = 0; k < inner; k++) {
            const int64_t start = o * n * inner + k;
            const char *x = (const char *)c->in[0].data + (size_t)start * size;
            place *p = room;
            for (int64_t i = 0; i < n; i++) p[i].from = (int32_t)i;
            for (int pass = 0; pass < (parts ? PASSES : 1); pass++) {
                for (int64_t i = 0; i < n; i++)
                    p[i].key = key_of(x, p[i].from * inner, in->dtype, pass) ^ turn;
                if (n > FEW)
                    p = radix(p, p == room ? room + n : room, n, part == 1 ? 4 : (int)part);
                else insert(p, n);
            }
            char *y = (char *)c->out.data + (size_t)start * size;
            if (!values)
                for (int64_t i = 0; i < n; i++)
                    ((int32_t *)c->out.data)[start + i * inner] = p[i].from;
            else
                for (int64_t i = 0; i < n; i++)
                    memcpy(y + (size_t)(i * inner) * size, x + (size_t)(p[i].from * inner) * size,
                           size);
        }
    if (room != few) imnn_free(room, bytes);
}

static void kernel_sort(const imnn_call *c) { along(c, true); }
static void kernel_argsort(const imnn_call *c) { along(c, false); }

#define SORT(n, vjp_fn, dtype, text)                                                             \
    const imnn_op imnn_op_##n = {                                                                \
        .name = #n,                                                                              \
        .id = IMNN_OP_##n,                                                                       \
        .arity = 1,                                                                              \
        .class = IMNN_CALL,                                                                      \
        .dtypes = IMNN_ALL,                                                                      \
        .infer = infer_##n,                                                                      \
        .vjp = vjp_fn,                                                                           \
        .batch = imnn_axis_batch,                                                                \
        .rows = imnn_axis_rows,                                                                  \
        .kernel = kernel_##n,                                                                    \
        .gives = dtype,                                                                          \
        .range = {-2, 2},                                                                        \
        .cases =                                                                                 \
            "(5) -> 0, 0; (3, 4) -> 0, 1; (3, 4) -> 1, 0; (2, 3, 4) -> 1, 1; (2, 1) -> 1, 0; "   \
            "(2, 60) -> 1, 0; (70, 2) -> 0, 1; (0, 3) -> 1, 0; (3, 0) -> 1, 0; (2, 3, 1, 4) -> " \
            "1, 0; (1) -> 0, 0",                                                                 \
        .doc = text,                                                                             \
    }
SORT(sort, vjp, NULL,
     "elements along an axis in ascending or descending order, NaN as the largest");
SORT(argsort, imnn_vjp_zero, "i32",
     "where the elements of sort come from; equal ones in their order");
