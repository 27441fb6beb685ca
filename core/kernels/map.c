#include "core/kernels/map.h"
#include "core/kernels/isa.h"
#include <string.h>

/* Axis 1 takes the place of axis 2 (or is one with it), axis 0 that of axis 1. */
static void drop(imnn_walk *w, int count, int64_t n, bool merge)
{
    w->n[2] = n, w->n[1] = w->n[0], w->n[0] = 1;
    for (int o = 0; o <= count; o++) {
        if (!merge) w->s[o][2] = w->s[o][1];
        w->s[o][1] = w->s[o][0];
    }
}

/* Whether axis 1 goes on where a run along axis 2 ends, for all operands. */
static bool joins(const imnn_walk *w, int count)
{
    for (int o = 0; o <= count; o++)
        if (w->s[o][1] != w->n[2] * w->s[o][2]) return false;
    return true;
}

static bool is_run(const imnn_walk *w, int count)
{
    if (w->s[0][1] != 1) return false;
    for (int o = 1; o <= count; o++)
        if (w->s[o][1] != 0 && w->s[o][1] != 1) return false;
    return true;
}

void imnn_walk_plan(imnn_walk *w, const int64_t n[3], const imnn_operand *out,
                    const imnn_operand *in, int count)
{
    memcpy(w->n, n, sizeof w->n);
    memcpy(w->s[0], out->s, sizeof out->s);
    for (int o = 0; o < count; o++) memcpy(w->s[1 + o], in[o].s, sizeof in[o].s);
    for (int axes = 2; axes > 0 && (w->n[1] != 1 || w->n[0] != 1); axes--) {
        if (w->n[1] == 1) {
            w->n[1] = w->n[0], w->n[0] = 1;
            for (int o = 0; o <= count; o++) w->s[o][1] = w->s[o][0];
        }
        if (w->n[2] == 1 && is_run(w, count)) drop(w, count, w->n[1], false);
        else if (w->n[2] != 1 && joins(w, count)) drop(w, count, w->n[1] * w->n[2], true);
        else break;
    }
}

void imnn_map_run(imnn_map_kernel *kernel, int count, const int64_t n[3], const imnn_operand *out,
                  const imnn_operand *in)
{
    imnn_walk w;
    const char *from[4];
    imnn_walk_plan(&w, n, out, in, count);
    for (int i = 0; i < count; i++) from[i] = in[i].p;
    kernel(&w, out->p, from);
}

imnn_map_kernel *imnn_map_find(int op, imnn_dtype dtype)
{
    return op < 0 || op >= IMNN_NOP ? NULL : imnn_kernels()->map[dtype][op];
}

imnn_map_kernel *imnn_map_find_select(int compare, imnn_dtype dtype)
{
    imnn_map_kernel *const *select = imnn_kernels()->select[dtype];
    return compare < 0 || compare >= IMNN_NOP || !select ? NULL : select[compare];
}

static int arithmetic(int op)
{
    return op == IMNN_OP_mul ? 0 : op == IMNN_OP_add ? 1 : op == IMNN_OP_sub ? 2 : -1;
}

imnn_map_kernel *imnn_map_find_fused(int first, int outer, int second, bool less, imnn_dtype dtype,
                                     const char **name)
{
    enum { PAIRS = 3 * 4 };
    static const char *const names[] = {
#define PAIR(first, outer, value) #first "_" #outer,
#define TRIPLE(first, outer, second, value) #first "_" #outer "_" #second,
#include "core/kernels/fused.def"
    };
    const int a = arithmetic(first), o = arithmetic(outer), b = arithmetic(second);
    imnn_map_kernel *const *fused = imnn_kernels()->fused[dtype];
    if (!fused || a < 0 || o < 0 || (second >= 0 && b < 0)) return NULL;
    const int at = second >= 0 ? PAIRS + (a * 3 + o) * 3 + b : a * 4 + (less && o == 2 ? 3 : o);
    if (name) *name = names[at];
    return fused[at];
}

imnn_map_kernel *imnn_map_find_convert(imnn_dtype from, imnn_dtype to)
{
    imnn_map_kernel *kernel = imnn_kernels()->convert[from][to]; /* NULL: the same bits */
    return kernel ? kernel : imnn_map_find_copy(imnn_dtype_size(to));
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Copies. Where the input is adjacent along axis 1, not 2, it is transposed in squares, so that all
 * of a cache line is used while it is there. */
enum { SQUARE = 16 };
typedef uint8_t item1;
typedef uint32_t __attribute__((may_alias)) item4;
typedef uint64_t __attribute__((may_alias)) item8;
typedef struct item16 {
    uint64_t half[2];
} __attribute__((may_alias)) item16;
#define COPY(T)                                                                             \
    static void copy_run_##T(T *y, const T *x, int64_t s, int64_t n)                        \
    {                                                                                       \
        if (s == 1 && n >= 16) memcpy(y, x, (size_t)n * sizeof(T));                         \
        else if (s == 2) /* parts of complex numbers */                                     \
            for (int64_t k = 0; k < n; k++) y[k] = x[2 * k];                                \
        else                                                                                \
            for (int64_t k = 0; k < n; k++) y[k] = x[k * s];                                \
    }                                                                                       \
    static void copy_##T(const imnn_walk *w, char *out, const char *const *in)              \
    {                                                                                       \
        const int64_t *y = w->s[0], *x = w->s[1];                                           \
        const int64_t width = x[1] == 1 && x[2] > 1 ? SQUARE : w->n[2];                     \
        for (int64_t i = 0; i < w->n[0]; i++)                                               \
            for (int64_t j0 = 0; j0 < w->n[1]; j0 += SQUARE)                                \
                for (int64_t k = 0; k < w->n[2]; k += width)                                \
                    for (int64_t j = j0; j < least(j0 + SQUARE, w->n[1]); j++)              \
                        copy_run_##T((T *)(void *)out + i * y[0] + j * y[1] + k,            \
                                     (const T *)(const void *)in[0] + i * x[0] + j * x[1] + \
                                         k * x[2],                                          \
                                     x[2], least(width, w->n[2] - k));                      \
    }
COPY(item1)
COPY(item4)
COPY(item8)
COPY(item16)

imnn_map_kernel *imnn_map_find_copy(size_t item)
{
    return item == 1    ? copy_item1
           : item == 4  ? copy_item4
           : item == 8  ? copy_item8
           : item == 16 ? copy_item16
                        : NULL;
}
