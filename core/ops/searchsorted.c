/* searchsorted(sorted, x): where elements of x would go into an ascending list, so that it stays
 * in order: before the elements that equal them, or (from the right) behind them. NaN is the
 * largest number; complex ones are in the order of sort. The first `batch` axes of both are the
 * same examples. */
#include "core/ops/ops.h"
#include "core/ops/order.h"

static imnn_node search(imnn_graph *g, imnn_node sorted, imnn_node x, int64_t right, int64_t batch)
{
    return imnn_graph_build(g, IMNN_OP_searchsorted, 2, (imnn_node[]){sorted, x},
                            &(imnn_attr){2, {right, batch}});
}

imnn_node g_searchsorted(imnn_graph *g, imnn_node sorted, imnn_node x, bool right)
{
    return search(g, sorted, x, right, 0);
}

static imnn_status infer(imnn_type *out, int n, const imnn_type *in, const imnn_attr *attr)
{
    const imnn_shape *s = &in[0].shape, *t = &in[1].shape;
    const int64_t batch = attr->n == 2 ? attr->v[1] : -1;
    if (in[0].dtype != in[1].dtype)
        return imnn_fail(IMNN_EDTYPE, "searchsorted: inputs differ in dtype, %s and %s",
                         imnn_dtype_name(in[0].dtype), imnn_dtype_name(in[1].dtype));
    bool fits = batch >= 0 && s->ndim == batch + 1 && t->ndim >= batch;
    for (int64_t k = 0; fits && k < batch; k++) fits = s->size[k] == t->size[k];
    if (!fits)
        return imnn_fail(IMNN_ESHAPE, "searchsorted: %s is no sorted list for %s",
                         imnn_shape_text(s).s, imnn_shape_text(t).s);
    if (s->size[batch] >= INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "searchsorted: more elements than i32 can count in %s",
                         imnn_shape_text(s).s);
    *out = (imnn_type){IMNN_I32, *t};
    return IMNN_OK;
}

/* One list for all examples stays one. */
static imnn_node batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x, const bool *batched,
                       int64_t size)
{
    const int64_t right = v->attr->v[0], shared = v->attr->v[1];
    if (shared == 0 && !batched[0]) return search(g, x[0], x[1], right, 0);
    return search(g, imnn_batch_lift(g, x[0], batched[0], size),
                  imnn_batch_lift(g, x[1], batched[1], size), right, shared + 1);
}

static imnn_rows rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int a = imnn_row_axis(&in[0].shape, R), b = imnn_row_axis(&in[1].shape, R);
    if (b < 0 || (b < v->attr->v[1] && a != b)) return IMNN_ROWS_NONE;
    by[0] = b < v->attr->v[1], by[1] = true;
    return IMNN_ROWS_EACH;
}

/* What is compared: numbers, NaN being the largest, and the two parts of complex numbers. */
#define NUMBER(T) \
    static bool before_##T(const T *a, const T *b) { return *a < *b || (*b != *b && *a == *a); }
#define PARTS(T)                                                                    \
    static bool before_parts_##T(const T *a, const T *b)                            \
    {                                                                               \
        return imnn_complex_before((double[]){a[0], a[1]}, (double[]){b[0], b[1]}); \
    }
/* The number of elements that come before x. */
#define SEARCH(name, T, parts)                                                            \
    static int32_t search_##name(const void *list, int64_t n, const void *at, bool right) \
    {                                                                                     \
        const T *p = list, *x = at;                                                       \
        int64_t low = 0, high = n;                                                        \
        while (low < high) {                                                              \
            const int64_t middle = low + (high - low) / 2;                                \
            const T *m = p + (parts)*middle;                                              \
            if (right ? !before_##name(x, m) : before_##name(m, x)) low = middle + 1;     \
            else high = middle;                                                           \
        }                                                                                 \
        return (int32_t)low;                                                              \
    }
NUMBER(float)
NUMBER(double)
NUMBER(int32_t)
NUMBER(uint32_t)
NUMBER(uint8_t)
PARTS(float)
PARTS(double)
SEARCH(float, float, 1)
SEARCH(double, double, 1)
SEARCH(int32_t, int32_t, 1)
SEARCH(uint32_t, uint32_t, 1)
SEARCH(uint8_t, uint8_t, 1)
SEARCH(parts_float, float, 2)
SEARCH(parts_double, double, 2)

static int32_t (*const searches[IMNN_NDTYPE])(const void *, int64_t, const void *, bool) = {
    [IMNN_F32] = search_float,         [IMNN_F64] = search_double,
    [IMNN_I32] = search_int32_t,       [IMNN_U32] = search_uint32_t,
    [IMNN_BOOL] = search_uint8_t,      [IMNN_C64] = search_parts_float,
    [IMNN_C128] = search_parts_double,
};

static void kernel(const imnn_call *c)
{
    const imnn_type *list = &c->in[0].type, *x = &c->in[1].type;
    const int64_t shared = c->attr->v[1], n = list->shape.size[shared];
    const size_t size = imnn_dtype_size(x->dtype);
    int64_t examples = 1, each = 1;
    for (int64_t k = 0; k < x->shape.ndim; k++)
        *(k < shared ? &examples : &each) *= x->shape.size[k];
    const char *sorted = c->in[0].data, *at = c->in[1].data;
    int32_t *out = c->out.data;
    for (int64_t e = 0; e < examples; e++, sorted += (size_t)n * size)
        for (int64_t i = 0; i < each; i++, at += size)
            *out++ = searches[x->dtype](sorted, n, at, c->attr->v[0]);
}

const imnn_op imnn_op_searchsorted = {
    .name = "searchsorted",
    .id = IMNN_OP_searchsorted,
    .arity = 2,
    .class = IMNN_CALL,
    .dtypes = IMNN_ALL,
    .infer = infer,
    .vjp = imnn_vjp_zero,
    .batch = batch,
    .rows = rows,
    .kernel = kernel,
    .gives = "i32",
    .range = {-2, 2},
    .cases = "(5) (3) -> 0, 0; (4) () -> 1, 0; (4) (2, 3) -> 0, 0; (2, 4) (2, 3) -> 1, 1; "
             "(2, 4) (2) -> 0, 1; (1, 4) (1, 6) -> 0, 1; (0) (3) -> 0, 0; (3) (0) -> 1, 0; (1) (1) "
             "-> 0, 0; (0) (0) -> 0, 0; (2, 1, 4) (2, 1, 3) -> 0, 2",
    .doc = "where elements would go into an ascending list, before or behind equal ones",
};
