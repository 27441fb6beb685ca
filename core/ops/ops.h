#ifndef CORE_OPS_H
#define CORE_OPS_H
#include "core/graph/graph.h"
#include "imnn/op.h"

/** Adapts inputs (broadcasts, simplifies), then imnn_graph_add; NULL: only adds. */
typedef imnn_node imnn_build_fn(imnn_graph *, const imnn_op *, int n, const imnn_node *x,
                                const imnn_attr *);
/** Type of the result, or imnn_fail(why there is none). */
typedef imnn_status imnn_infer_fn(imnn_type *out, int n, const imnn_type *in, const imnn_attr *);
/** Cotangents of the inputs of y (dx[i] = 0: none), from its cotangent dy. Where dx[i] is -1 at the
 *  start nobody wants it, and it may be left alone. */
typedef void imnn_vjp_fn(imnn_graph *, const imnn_vertex *v, imnn_node y, imnn_node dy,
                         imnn_node *dx);
/** The same for examples along a new first axis of `size`; x[i] has it where batched[i]. */
typedef imnn_node imnn_batch_fn(imnn_graph *, const imnn_vertex *v, const imnn_node *x,
                                const bool *batched, int64_t size);

/** Operators that hold bodies (core/graph/body.h) have several results, which are nodes of their
 *  own: of equal inputs and attributes but for v[v[0] + 1], the number of the result, and made one
 *  behind the other. */
typedef int imnn_results_fn(const imnn_attr *);
/** Tangent of y (0: none) from those of the inputs (0: none). */
typedef imnn_node imnn_jvp_fn(imnn_graph *, const imnn_vertex *v, const imnn_node *t);
/** Cotangents of the inputs from those of all results (0: none); first is the first result. */
typedef void imnn_pull_fn(imnn_graph *, const imnn_vertex *v, imnn_node first, const imnn_node *dy,
                          imnn_node *dx);

/** Design 5: which rows of the inputs rows of the result need, when there are R of them. A value
 *  by rows is one whose first axis (of size not 1) is a multiple of R.
 *  by   in: input i comes by rows and cannot be had whole; out: input i is wanted by rows. An input
 *       that comes by rows but is wanted whole ends its region. What is whole can be read by rows.
 *  gives  EACH: rows of the result; FOLD: the whole result is a sum (or maximum, ...) over rows;
 *         NONE: all inputs are wanted whole */
typedef enum imnn_rows { IMNN_ROWS_NONE, IMNN_ROWS_EACH, IMNN_ROWS_FOLD } imnn_rows;
typedef imnn_rows imnn_rows_fn(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by);
/** Floating-point operations of a product: two for every number that is multiplied and added. */
typedef double imnn_flops_fn(const imnn_vertex *v, const imnn_type *in);

/** How the elements of a result lie in its input: an index map, so nothing is computed. Strides
 *  and offset in elements. */
typedef struct imnn_view {
    imnn_shape shape;
    int64_t stride[IMNN_MAX_NDIM], offset;
} imnn_view;
/** From the view of the input to that of the result; false: it has to be copied first. */
typedef bool imnn_view_fn(imnn_view *out, const imnn_view *in, const imnn_vertex *v);

/** What a kernel is called with: contiguous values. By rows, types are those of the rows at hand:
 *  the first axis (of size not 1) is shortened. */
typedef struct imnn_value {
    void *data;
    imnn_type type;
} imnn_value;
typedef struct imnn_call {
    const imnn_attr *attr;
    int n;
    const imnn_value *in;
    imnn_value out;
    imnn_type whole;      /* type of the whole result */
    int64_t row, rows, R; /* these rows of R; whole: 0, 1, 1 */
    bool accumulate;      /* FOLD: add to what is there */
    bool far;             /* out is so large that it better goes past the caches */
    bool *failed;         /* set where there is no memory */
    const char **fault;   /* NULL, or set to a sentence where a value has no result: it is NaN */
} imnn_call;
typedef void imnn_kernel(const imnn_call *);

typedef enum imnn_class {
    IMNN_MAP,    /* elementwise: fused; kernels from core/kernels/map.h */
    IMNN_VIEW,   /* an index map: .view */
    IMNN_REDUCE, /* over adjacent axes: kernels from core/kernels/reduce.h */
    IMNN_MATMUL, /* kernels from core/kernels/gemm.h */
    IMNN_CALL,   /* .kernel */
    IMNN_HOLD    /* bodies: core/program/hold.c */
} imnn_class;

/* sets of dtypes */
enum {
    IMNN_REALS = 1 << IMNN_F32 | 1 << IMNN_F64,
    IMNN_INTEGERS = 1 << IMNN_I32 | 1 << IMNN_U32,
    IMNN_NUMBERS = IMNN_REALS | IMNN_INTEGERS,
    IMNN_BITS = IMNN_INTEGERS | 1 << IMNN_BOOL,
    IMNN_ANY = IMNN_NUMBERS | 1 << IMNN_BOOL,
    IMNN_COMPLEX = 1 << IMNN_C64 | 1 << IMNN_C128,
    IMNN_FLOATS = IMNN_REALS | IMNN_COMPLEX, /* what has derivatives */
    IMNN_SCALARS = IMNN_NUMBERS | IMNN_COMPLEX,
    IMNN_ALL = IMNN_ANY | IMNN_COMPLEX
};

struct imnn_op {
    const char *name; /* as scripts write it */
    int id;
    int arity; /* number of array inputs; -1: any number */
    imnn_class class;
    uint32_t dtypes; /* allowed for the inputs, which agree (infer may say otherwise) */
    bool costly;     /* elementwise: so much work that a result is rather stored than redone */
    imnn_build_fn *build;
    imnn_infer_fn *infer;
    imnn_vjp_fn *vjp; /* NULL: there is none, which is an error; imnn_vjp_zero: zero */
    bool implicit;    /* the derivative is that of a distribution: differences of draws do not
                         show it */
    bool phases;      /* vectors of complex matrices may have any phase, which differences show and
                         derivatives do not */
    uint32_t linear;  /* bit i: linear in input i, the others being fixed */
    uint32_t smooth;  /* bit i: has a derivative in input i; 0: where it is linear, or in all */
    imnn_batch_fn *batch;
    /* Operators that hold bodies have these three instead of vjp: */
    imnn_results_fn *results;
    imnn_jvp_fn *jvp;
    imnn_pull_fn *pull;
    imnn_rows_fn *rows;   /* NULL: none */
    imnn_flops_fn *flops; /* NULL: no product */
    imnn_view_fn *view;
    imnn_kernel *kernel;
    bool tail; /* the kernel does the same, bit by bit, for each place along axes behind */
    const char *rule[3]; /* elementwise: vjp as formulas; "" is zero, "!..." an error */
    const char *gives;   /* dtype of the result as text; NULL: that of the inputs */
    double range[2];     /* where tests may sample inputs */
    double diagonal;     /* what they add to the diagonals of matrices */
    const char *cases;   /* inputs that tests try; NULL: elementwise */
    const char *doc;
};

enum {
#define UNARY(name, ...) IMNN_OP_##name,
#define BINARY(name, ...) IMNN_OP_##name,
#define TERNARY(name, ...) IMNN_OP_##name,
#define COMPARE(name, ...) IMNN_OP_##name,
#define TEST(name, ...) IMNN_OP_##name,
#define STRUCTURED(name, ...) IMNN_OP_##name,
#include "core/ops/elementwise.def"
#include "core/ops/structured.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE
#undef TEST
#undef STRUCTURED
    IMNN_NOP
};
extern const imnn_op *const imnn_op_table[IMNN_NOP];

/* g_exp(g, x), g_mul(g, a, b), ..., g_matmul(g, a, b), ...: what rules are written with */
#define UNARY(name, ...)                                         \
    static inline imnn_node g_##name(imnn_graph *g, imnn_node x) \
    {                                                            \
        return imnn_graph_build(g, IMNN_OP_##name, 1, &x, NULL); \
    }
#define TEST UNARY
#define BINARY(name, ...)                                                         \
    static inline imnn_node g_##name(imnn_graph *g, imnn_node a, imnn_node b)     \
    {                                                                             \
        return imnn_graph_build(g, IMNN_OP_##name, 2, (imnn_node[]){a, b}, NULL); \
    }
#define COMPARE BINARY
#define TERNARY(name, ...)                                                                 \
    static inline imnn_node g_##name(imnn_graph *g, imnn_node a, imnn_node b, imnn_node c) \
    {                                                                                      \
        return imnn_graph_build(g, IMNN_OP_##name, 3, (imnn_node[]){a, b, c}, NULL);       \
    }
#include "core/ops/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE
#undef TEST
#define STRUCTURED(name, args)           \
    extern const imnn_op imnn_op_##name; \
    imnn_node g_##name args;
#include "core/ops/structured.def"
#undef STRUCTURED

/* helpers for rules and builders */
static inline imnn_node g_number(imnn_graph *g, imnn_node like, double value)
{
    return imnn_graph_number(g, imnn_graph_dtype(g, like), value);
}
/** The number as an array like x; zeros like x. */
imnn_node g_full_like(imnn_graph *g, imnn_node x, double value);
static inline imnn_node g_zeros_like(imnn_graph *g, imnn_node x) { return g_full_like(g, x, 0); }
/** Whether x has a dtype that has derivatives. */
static inline bool imnn_is_smooth(const imnn_graph *g, imnn_node x)
{
    return IMNN_FLOATS >> imnn_graph_dtype(g, x) & 1;
}
static inline bool imnn_is_complex(imnn_dtype dtype) { return IMNN_COMPLEX >> dtype & 1; }
/** The dtype of the parts of a complex number; any other dtype is its own. */
static inline imnn_dtype imnn_part_dtype(imnn_dtype dtype)
{
    return dtype == IMNN_C64 ? IMNN_F32 : dtype == IMNN_C128 ? IMNN_F64 : dtype;
}
/** Exchange the last two axes. */
imnn_node g_swap(imnn_graph *g, imnn_node x);
/** Elements start .. start + count - 1 along an axis (counted from the end: 1 is the last). */
imnn_node g_part(imnn_graph *g, imnn_node x, int axis, int64_t start, int64_t count);
/** x (outer, n, inner) moved by `by` places along n (to the right, or to the left where by < 0),
 *  with a number coming in. */
imnn_node g_shift(imnn_graph *g, imnn_node x, int64_t by, double coming_in);
/** a + b, where 0 is nothing to add. */
static inline imnn_node g_plus(imnn_graph *g, imnn_node a, imnn_node b)
{
    return !a ? b : !b ? a : g_add(g, a, b);
}
/** Words of 64 bits as pairs (..., shape, 2), high first. */
imnn_node g_random_bits64(imnn_graph *g, imnn_node key, const imnn_shape *shape);
/** Remove axis / insert an axis of size 1. */
imnn_node g_squeeze(imnn_graph *g, imnn_node x, int axis);
imnn_node g_expand(imnn_graph *g, imnn_node x, int axis);
/** A formula of operators, "dy * (1 - y * y)", as nodes; numbers take the dtype of values[0]. */
imnn_node imnn_formula(imnn_graph *g, const char *text, const char *const *names,
                       const imnn_node *values, int n);
/** For operators that only move elements: the result where all elements of x are one known number,
 *  which stays a number that is repeated; 0 where they are not, or where infer finds a fault. */
imnn_node imnn_build_number(imnn_graph *g, const imnn_op *op, imnn_node x, const imnn_attr *attr);
/** A set of dtypes as text, "f32 f64". */
imnn_text imnn_dtypes_text(uint32_t set);
/** Batching where attributes count no axes from the front: lift what is not batched, then build
 *  again. */
imnn_batch_fn imnn_batch_leading;
/** x (shape) as (size, shape): what a rule does with an input that is not batched. */
imnn_node imnn_batch_lift(imnn_graph *g, imnn_node x, bool batched, int64_t size);
/** IMNN_OK, or a sentence: a key is u32 (..., 2). */
imnn_status imnn_key_check(const char *who, const imnn_type *t);
/** The axis whose size is a multiple of R and before which all sizes are 1; -1 if none. */
int imnn_row_axis(const imnn_shape *s, int64_t R);
imnn_vjp_fn imnn_vjp_zero;
/** Rows of operators that work along axes behind the row axis only. */
imnn_rows_fn imnn_rows_map; /* every input by rows */
/** Of operators that work along `axis` and axes behind it. */
imnn_rows imnn_rows_before(const imnn_vertex *v, const imnn_type *in, int64_t R, int64_t axis,
                           bool *by);
#endif
