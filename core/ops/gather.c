/* gather(x, indices, axis): the elements along an axis (rows of a table, ...) with these numbers,
 * its transpose scatter_add, and the same with the largest, the smallest, and the product of what
 * comes to a place. Numbers below 0 count as 0, those past the end as the last one.
 * The first `batch` axes of x and of the indices are the same examples. */
#include "core/ops/axis.h"
#include <math.h>
#include <string.h>

static imnn_node gather(imnn_graph *g, imnn_node x, imnn_node indices, int64_t axis, int64_t batch)
{
    return imnn_graph_build(g, IMNN_OP_gather, 2, (imnn_node[]){x, indices},
                            &(imnn_attr){2, {axis, batch}});
}

static imnn_node scatter(imnn_graph *g, int op, imnn_node y, imnn_node indices, int64_t axis,
                         int64_t size, int64_t batch)
{
    return imnn_graph_build(g, op, 2, (imnn_node[]){y, indices},
                            &(imnn_attr){3, {axis, size, batch}});
}

static imnn_node scatter_add(imnn_graph *g, imnn_node y, imnn_node indices, int64_t axis,
                             int64_t size, int64_t batch)
{
    return scatter(g, IMNN_OP_scatter_add, y, indices, axis, size, batch);
}

imnn_node g_gather(imnn_graph *g, imnn_node x, imnn_node indices, int axis)
{
    return gather(g, x, indices, axis, 0);
}

imnn_node g_scatter_add(imnn_graph *g, imnn_node y, imnn_node indices, int axis, int64_t size)
{
    return scatter_add(g, y, indices, axis, size, 0);
}

imnn_node g_scatter_max(imnn_graph *g, imnn_node y, imnn_node indices, int axis, int64_t size)
{
    return scatter(g, IMNN_OP_scatter_max, y, indices, axis, size, 0);
}

imnn_node g_scatter_min(imnn_graph *g, imnn_node y, imnn_node indices, int axis, int64_t size)
{
    return scatter(g, IMNN_OP_scatter_min, y, indices, axis, size, 0);
}

imnn_node g_scatter_mul(imnn_graph *g, imnn_node y, imnn_node indices, int axis, int64_t size)
{
    return scatter(g, IMNN_OP_scatter_mul, y, indices, axis, size, 0);
}

/* batch, the last attribute, may be left out. */
static imnn_node build(imnn_graph *g, const imnn_op *op, int n, const imnn_node *x,
                       const imnn_attr *attr)
{
    const int all = op->id == IMNN_OP_gather ? 2 : 3;
    imnn_attr at = imnn_attr_copy(attr);
    if (at.n == all - 1) at.n = all;
    return imnn_graph_add(g, op, n, x, &at);
}

/* ---- shapes: x (batch, before, n, behind), indices (batch, which) ---- */

static imnn_status check(const char *name, const imnn_type *x, const imnn_type *indices,
                         int64_t axis, int64_t batch)
{
    const imnn_shape *s = &x->shape, *t = &indices->shape;
    if (indices->dtype != IMNN_I32)
        return imnn_fail(IMNN_EDTYPE, "%s: indices must be i32, got %s", name,
                         imnn_dtype_name(indices->dtype));
    if (axis < 0 || axis >= s->ndim)
        return imnn_fail(IMNN_EVALUE, "%s: no axis %lld in %s", name, (long long)axis + 1,
                         imnn_shape_text(s).s);
    bool shared = batch >= 0 && batch <= axis && batch <= t->ndim;
    for (int64_t k = 0; shared && k < batch; k++) shared = s->size[k] == t->size[k];
    if (!shared)
        return imnn_fail(IMNN_ESHAPE, "%s: %s and indices %s do not share %lld axes", name,
                         imnn_shape_text(s).s, imnn_shape_text(t).s, (long long)batch);
    if (s->size[axis] == 0 && imnn_shape_count(t) > 0)
        return imnn_fail(IMNN_EVALUE, "%s: there is nothing along axis %lld of %s", name,
                         (long long)axis + 1, imnn_shape_text(s).s);
    return IMNN_OK;
}

static imnn_status infer_gather(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const int64_t axis = attr->n == 2 ? attr->v[0] : -1, batch = attr->v[1];
    const imnn_shape *s = &in[0].shape, *t = &in[1].shape;
    imnn_status st = check("gather", &in[0], &in[1], axis, batch);
    if (st != IMNN_OK) return st;
    if (s->ndim - 1 + t->ndim - batch > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_ESHAPE, "gather: more than %d axes from %s by indices %s",
                         IMNN_MAX_NDIM, imnn_shape_text(s).s, imnn_shape_text(t).s);
    imnn_shape o = {0};
    for (int64_t k = 0; k < axis; k++) o.size[o.ndim++] = s->size[k];
    for (int64_t k = batch; k < t->ndim; k++) o.size[o.ndim++] = t->size[k];
    for (int64_t k = axis + 1; k < s->ndim; k++) o.size[o.ndim++] = s->size[k];
    *out = (imnn_type){in[0].dtype, o};
    return IMNN_OK;
}

static imnn_status infer_scatter(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const int64_t axis = attr->n == 3 ? attr->v[0] : -1, size = attr->v[1], batch = attr->v[2];
    const imnn_shape *s = &in[0].shape, *t = &in[1].shape;
    const int64_t which = t->ndim - batch;
    bool fits = axis >= 0 && size >= 0 && batch >= 0 && which >= 0 && axis + which <= s->ndim &&
                s->ndim - which < IMNN_MAX_NDIM;
    for (int64_t k = 0; fits && k < which; k++) fits = s->size[axis + k] == t->size[batch + k];
    if (!fits)
        return imnn_fail(IMNN_ESHAPE,
                         "scatter: %s is nothing that indices %s choose along axis %lld",
                         imnn_shape_text(s).s, imnn_shape_text(t).s, (long long)axis + 1);
    imnn_shape o = {0};
    for (int64_t k = 0; k < axis; k++) o.size[o.ndim++] = s->size[k];
    o.size[o.ndim++] = size;
    for (int64_t k = axis + which; k < s->ndim; k++) o.size[o.ndim++] = s->size[k];
    *out = (imnn_type){in[0].dtype, o};
    return check("scatter", out, &in[1], axis, batch);
}

/* ---- rules ---- */

static void vjp_gather(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                       imnn_node *dx)
{
    const int64_t axis = v->attr->v[0], size = imnn_graph_shape(g, v->x[0])->size[axis];
    dx[0] = scatter_add(g, dy, v->x[1], axis, size, v->attr->v[1]);
    dx[1] = 0;
}

static void vjp_scatter_add(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                            imnn_node *dx)
{
    dx[0] = gather(g, dy, v->x[1], v->attr->v[0], v->attr->v[2]);
    dx[1] = 0;
}

/* Those that are the largest (or smallest) share what comes back. */
static void vjp_scatter_extreme(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                                imnn_node *dx)
{
    const int64_t axis = v->attr->v[0], size = v->attr->v[1], batch = v->attr->v[2];
    imnn_node u = v->x[0], one = g_number(g, u, 1);
    imnn_node is = g_eq(g, u, gather(g, y, v->x[1], axis, batch));
    imnn_node hits = g_where(g, is, g_full_like(g, u, 1), g_zeros_like(g, u));
    imnn_node share =
        g_div(g, dy, g_maximum(g, scatter_add(g, hits, v->x[1], axis, size, batch), one));
    dx[0] = g_mul(g, hits, gather(g, share, v->x[1], axis, batch));
    dx[1] = 0;
}

/* Where a factor is zero it is taken to be the only one of its place. */
static void vjp_scatter_mul(imnn_graph *g, const imnn_vertex *v, imnn_node y, imnn_node dy,
                            imnn_node *dx)
{
    const int64_t axis = v->attr->v[0], batch = v->attr->v[2];
    imnn_node u = v->x[0], is = g_eq(g, u, g_number(g, u, 0));
    imnn_node others = g_div(g, gather(g, g_mul(g, dy, y), v->x[1], axis, batch),
                             g_where(g, is, g_full_like(g, u, 1), u));
    dx[0] = g_where(g, is, gather(g, dy, v->x[1], axis, batch), others);
    dx[1] = 0;
}

/* One table for all examples: the chosen axis goes first, then theirs, as one more of the indices;
 * behind the gather the axes before the chosen one go back between the two. */
static imnn_node gather_shared(imnn_graph *g, imnn_node x, imnn_node indices, int axis)
{
    const int ndim = imnn_graph_shape(g, x)->ndim, which = imnn_graph_shape(g, indices)->ndim - 1;
    imnn_attr first = {.n = ndim, .v = {axis}}, back = {.n = ndim + which};
    for (int k = 1; k < ndim; k++) first.v[k] = k <= axis ? k - 1 : k;
    for (int k = 1; k < back.n; k++)
        back.v[k] = k <= axis ? k + which : k <= axis + which ? k - axis : k;
    return g_transpose(g, gather(g, g_transpose(g, x, &first), indices, 0, 0), &back);
}

static imnn_node batch_gather(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                              const bool *batched, int64_t size)
{
    const int64_t axis = v->attr->v[0], shared = v->attr->v[1];
    if (shared == 0 && !batched[1]) return gather(g, x[0], x[1], axis + 1, 0);
    if (shared == 0 && !batched[0]) return gather_shared(g, x[0], x[1], (int)axis);
    return gather(g, imnn_batch_lift(g, x[0], batched[0], size),
                  imnn_batch_lift(g, x[1], batched[1], size), axis + 1, shared + 1);
}

static imnn_node batch_scatter(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                               const bool *batched, int64_t size)
{
    const int op = v->op->id;
    const int64_t axis = v->attr->v[0], room = v->attr->v[1], shared = v->attr->v[2];
    if (shared == 0 && !batched[1]) return scatter(g, op, x[0], x[1], axis + 1, room, 0);
    return scatter(g, op, imnn_batch_lift(g, x[0], batched[0], size),
                   imnn_batch_lift(g, x[1], batched[1], size), axis + 1, room, shared + 1);
}

/* Rows before the axis go through, with their indices where they are shared. */
static imnn_rows rows_before(int a, int b, int64_t shared, bool *by)
{
    if (a < shared && b != a) return IMNN_ROWS_NONE;
    by[0] = true, by[1] = a < shared;
    return IMNN_ROWS_EACH;
}

/* Or the indices come by rows, and choose from what is there as a whole. */
static imnn_rows rows_gather(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int64_t axis = v->attr->v[0], shared = v->attr->v[1];
    const int a = imnn_row_axis(&in[0].shape, R), b = imnn_row_axis(&in[1].shape, R);
    if (a >= 0 && a < axis) return rows_before(a, b, shared, by);
    if (b < shared || imnn_row_axis(&v->type.shape, R) != axis + b - shared) return IMNN_ROWS_NONE;
    by[0] = false, by[1] = true;
    return IMNN_ROWS_EACH;
}

/* Or rows are added up where their indices say. */
static imnn_rows rows_scatter_add(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int64_t axis = v->attr->v[0], shared = v->attr->v[2];
    const int a = imnn_row_axis(&in[0].shape, R), b = imnn_row_axis(&in[1].shape, R);
    if (a >= 0 && a < axis) return rows_before(a, b, shared, by);
    if (a < 0 || b < shared || b - shared != a - axis) return IMNN_ROWS_NONE;
    by[0] = by[1] = true;
    return IMNN_ROWS_FOLD;
}

static imnn_rows rows_scatter(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int a = imnn_row_axis(&in[0].shape, R), b = imnn_row_axis(&in[1].shape, R);
    return a >= 0 && a < v->attr->v[0] ? rows_before(a, b, v->attr->v[2], by) : IMNN_ROWS_NONE;
}

/* ---- kernels ---- */

typedef struct sizes {
    int64_t batch, before, n, which, behind;
} sizes;

static sizes sizes_of(const imnn_shape *x, const imnn_shape *indices, int64_t axis, int64_t batch)
{
    sizes z = {1, 1, x->size[axis], 1, 1};
    for (int64_t k = 0; k < x->ndim; k++)
        if (k != axis) *(k < batch ? &z.batch : k < axis ? &z.before : &z.behind) *= x->size[k];
    for (int64_t k = batch; k < indices->ndim; k++) z.which *= indices->size[k];
    return z;
}

static void kernel_gather(const imnn_call *c)
{
    const sizes z =
        sizes_of(&c->in[0].type.shape, &c->in[1].type.shape, c->attr->v[0], c->attr->v[1]);
    const size_t bytes = (size_t)z.behind * imnn_dtype_size(c->out.type.dtype);
    const char *x = c->in[0].data;
    const int32_t *indices = c->in[1].data;
    char *out = c->out.data;
    if (bytes == 0) return;
    for (int64_t b = 0; b < z.batch; b++, indices += z.which)
        for (int64_t o = 0; o < z.before; o++, x += (size_t)z.n * bytes)
            for (int64_t i = 0; i < z.which; i++, out += bytes)
                memcpy(out, x + (size_t)imnn_clamp(indices[i], z.n) * bytes, bytes);
}

/* What comes to a place joins what is there; at first there is `none`. NaN wins over numbers. */
#define JOIN(name, T, expression, none)                           \
    static void name##_##T(void *to, const void *from, int64_t n) \
    {                                                             \
        T *out = to;                                              \
        const T *y = from;                                        \
        for (int64_t k = 0; k < n; k++) {                         \
            const T a = out[k], b = from ? y[k] : a;              \
            out[k] = from ? (expression) : (none);                \
        }                                                         \
    }
#define JOIN_ALL(name, expression, none_f, none_d, none_i, none_u) \
    JOIN(name, float, expression, none_f)                          \
    JOIN(name, double, expression, none_d)                         \
    JOIN(name, int32_t, expression, none_i)                        \
    JOIN(name, uint32_t, expression, none_u)
JOIN(add, float, a + b, 0)
JOIN(add, double, a + b, 0)
JOIN(add, imnn_c64, a + b, 0)
JOIN(add, imnn_c128, a + b, 0)
JOIN(add, uint32_t, a + b, 0) /* wraps around, as i32 does too */
JOIN(mul, float, a *b, 1)
JOIN(mul, double, a *b, 1)
JOIN(mul, uint32_t, a *b, 1)
JOIN_ALL(max, b > a || b != b ? b : a, -INFINITY, -INFINITY, INT32_MIN, 0)
JOIN_ALL(min, b < a || b != b ? b : a, INFINITY, INFINITY, INT32_MAX, UINT32_MAX)

typedef void join_fn(void *, const void *, int64_t);
#define JOINED(name, integer)                                                                 \
    {                                                                                         \
        [IMNN_F32] = name##_float, [IMNN_F64] = name##_double, [IMNN_I32] = name##_##integer, \
        [IMNN_U32] = name##_uint32_t                                                          \
    }
static join_fn *const joins_add[IMNN_NDTYPE] = {
    [IMNN_F32] = add_float,    [IMNN_F64] = add_double,   [IMNN_I32] = add_uint32_t,
    [IMNN_U32] = add_uint32_t, [IMNN_C64] = add_imnn_c64, [IMNN_C128] = add_imnn_c128,
};
static join_fn *const joins_mul[IMNN_NDTYPE] = JOINED(mul, uint32_t);
static join_fn *const joins_max[IMNN_NDTYPE] = JOINED(max, int32_t);
static join_fn *const joins_min[IMNN_NDTYPE] = JOINED(min, int32_t);

/* `join` without a second array fills with what joins to nothing. */
static void scatter_by(const imnn_call *c, join_fn *join)
{
    const imnn_type *type = &c->out.type;
    const sizes z = sizes_of(&type->shape, &c->in[1].type.shape, c->attr->v[0], c->attr->v[2]);
    const size_t bytes = (size_t)z.behind * imnn_dtype_size(type->dtype);
    const char *y = c->in[0].data;
    const int32_t *indices = c->in[1].data;
    char *out = c->out.data;
    if (z.n * z.behind == 0) return;
    if (!c->accumulate) join(out, NULL, z.batch * z.before * z.n * z.behind);
    for (int64_t b = 0; b < z.batch; b++, indices += z.which)
        for (int64_t o = 0; o < z.before; o++, out += (size_t)z.n * bytes)
            for (int64_t i = 0; i < z.which; i++, y += bytes)
                join(out + (size_t)imnn_clamp(indices[i], z.n) * bytes, y, z.behind);
}

static void kernel_scatter_add(const imnn_call *c) { scatter_by(c, joins_add[c->out.type.dtype]); }
static void kernel_scatter_mul(const imnn_call *c) { scatter_by(c, joins_mul[c->out.type.dtype]); }
static void kernel_scatter_max(const imnn_call *c) { scatter_by(c, joins_max[c->out.type.dtype]); }
static void kernel_scatter_min(const imnn_call *c) { scatter_by(c, joins_min[c->out.type.dtype]); }

const imnn_op imnn_op_gather = {
    .name = "gather",
    .id = IMNN_OP_gather,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_ALL,
    .build = build,
    .infer = infer_gather,
    .vjp = vjp_gather,
    .linear = 1,
    .batch = batch_gather,
    .rows = rows_gather,
    .kernel = kernel_gather,
    .range = {-2, 5},
    .cases =
        "(4) i32 (3) -> 0; (4, 3) i32 (2, 5) -> 0; (2, 4, 3) i32 (5) -> 1; (3, 4) i32 () -> 1; "
        "(2, 4) i32 (2, 3) -> 1, 1; (2, 3, 4) i32 (2, 5) -> 2, 1; (0, 3) i32 (0) -> 0; (1, 3) i32 "
        "(1) -> 0; (2, 1, 3, 2) i32 (2, 3) -> 2; (3, 0) i32 (2) -> 0",
    .doc = "elements along an axis by number: the axis is replaced by the axes of the indices",
};

const imnn_op imnn_op_scatter_add = {
    .name = "scatter_add",
    .id = IMNN_OP_scatter_add,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_SCALARS,
    .build = build,
    .infer = infer_scatter,
    .vjp = vjp_scatter_add,
    .linear = 1,
    .batch = batch_scatter,
    .rows = rows_scatter_add,
    .kernel = kernel_scatter_add,
    .range = {-2, 5},
    .cases = "(3) i32 (3) -> 0, 4; (2, 5, 3) i32 (2, 5) -> 0, 4; (2, 5, 3) i32 (5) -> 1, 4; "
             "(3) i32 () -> 1, 4; (2, 3) i32 (2, 3) -> 1, 4, 1; (2, 3, 5) i32 (2, 5) -> 2, 4, 1; "
             "(0, 3) i32 (0) -> 0, 4; (1) i32 (1) -> 0, 1; (2, 0) i32 (0) -> 1, 3; (3, 0) i32 (3) "
             "-> 0, 2; (2, 1, 3, 2) i32 (3) -> 2, 4",
    .doc = "zeros with elements added along an axis where the indices say: the transpose of gather",
};

const imnn_op imnn_op_scatter_max = {
    .name = "scatter_max",
    .id = IMNN_OP_scatter_max,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_NUMBERS,
    .build = build,
    .infer = infer_scatter,
    .vjp = vjp_scatter_extreme,
    .batch = batch_scatter,
    .rows = rows_scatter,
    .kernel = kernel_scatter_max,
    .range = {-2, 5},
    .cases = "(2, 5, 3) i32 (2, 5) -> 0, 2; (2, 9, 3) i32 (9) -> 1, 2; (3) i32 () -> 1, 1; "
             "(2, 9) i32 (2, 9) -> 1, 2, 1; (2, 3, 9) i32 (2, 9) -> 2, 2, 1; (0, 9, 3) i32 (9) -> "
             "1, 2; (1) i32 (1) -> 0, 1; (3, 0) i32 (3) -> 0, 2; (2, 1, 9, 2) i32 (9) -> 2, 2",
    .doc = "the largest of the elements that indices send to a place along an axis; lowest where "
           "none is",
};

const imnn_op imnn_op_scatter_min = {
    .name = "scatter_min",
    .id = IMNN_OP_scatter_min,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_NUMBERS,
    .build = build,
    .infer = infer_scatter,
    .vjp = vjp_scatter_extreme,
    .batch = batch_scatter,
    .rows = rows_scatter,
    .kernel = kernel_scatter_min,
    .range = {-2, 5},
    .cases = "(2, 5, 3) i32 (2, 5) -> 0, 2; (2, 9, 3) i32 (9) -> 1, 2; (3) i32 () -> 1, 1; "
             "(2, 9) i32 (2, 9) -> 1, 2, 1; (2, 3, 9) i32 (2, 9) -> 2, 2, 1; (0, 9, 3) i32 (9) -> "
             "1, 2; (1) i32 (1) -> 0, 1; (3, 0) i32 (3) -> 0, 2; (2, 1, 9, 2) i32 (9) -> 2, 2",
    .doc = "the smallest of the elements that indices send to a place along an axis; highest where "
           "none is",
};

const imnn_op imnn_op_scatter_mul = {
    .name = "scatter_mul",
    .id = IMNN_OP_scatter_mul,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_NUMBERS,
    .build = build,
    .infer = infer_scatter,
    .vjp = vjp_scatter_mul,
    .batch = batch_scatter,
    .rows = rows_scatter,
    .kernel = kernel_scatter_mul,
    .range = {.5, 2},
    .cases = "(2, 5, 3) i32 (2, 5) -> 0, 2; (2, 9, 3) i32 (9) -> 1, 2; (3) i32 () -> 1, 1; "
             "(2, 9) i32 (2, 9) -> 1, 2, 1; (2, 3, 9) i32 (2, 9) -> 2, 2, 1; (0, 9, 3) i32 (9) -> "
             "1, 2; (1) i32 (1) -> 0, 1; (3, 0) i32 (3) -> 0, 2; (2, 1, 9, 2) i32 (9) -> 2, 2",
    .doc =
        "the product of the elements that indices send to a place along an axis; 1 where none is",
};
