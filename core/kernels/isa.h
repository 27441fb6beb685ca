#ifndef CORE_ISA_H
#define CORE_ISA_H
#include "core/kernels/map.h"
#include "core/kernels/mixture.h"
#include "core/kernels/reduce.h"
#include "core/kernels/threefry.h"

/** The counters of consecutive blocks i = 0, 1, ...: (c[0] + i step, c[1] + i), but for block `odd`
 *  the second is 0 (-1: no such block). */
typedef struct imnn_counters {
    uint32_t c[2], step;
    int64_t odd;
} imnn_counters;

typedef void imnn_reduce_kernel(void *out, const void *in, int64_t outer, int64_t n, int64_t inner,
                                bool accumulate);
/** out (outer, inner): where along the middle axis of in (outer, n, inner), n >= 1. */
typedef void imnn_search_kernel(int32_t *out, const void *in, int64_t outer, int64_t n,
                                int64_t inner);
enum { IMNN_SUM, IMNN_PROD, IMNN_MAX, IMNN_MIN, IMNN_NREDUCE };

/** out, in (outer, n): every line for itself. far: out is to go past the caches; it begins at a
 *  multiple of 64 bytes, as all its lines do. */
typedef void imnn_normalise_kernel(void *out, const void *in, int64_t outer, int64_t n,
                                   double epsilon, bool far);
enum { IMNN_SOFTMAX, IMNN_LOG_SOFTMAX, IMNN_STANDARDIZE, IMNN_NNORMALISE };

/** Places of a window one after the other, that meet the same but `step` numbers further each. */
typedef struct imnn_window_run {
    int64_t places, step;
    int64_t channels, lanes; /* numbers of an element; those at hand */
} imnn_window_run;
/** What they meet: n elements, element[i] being where one is in `in` for the first place. The lanes
 *  are summed, compared, or the largest of each found: the number of its element as i32, the first
 *  of several, -1 if n = 0. NaN is larger than all. */
typedef void imnn_window_kernel(void *out, const void *in, const int64_t *element, int64_t n,
                                const imnn_window_run *run);
enum { IMNN_WINDOW_SUM, IMNN_WINDOW_MAX, IMNN_WINDOW_ARGMAX, IMNN_NWINDOW };

/** What is compiled once for every instruction set: isa_sse2.c, isa_avx2.c, isa_avx512.c. */
typedef struct imnn_isa_kernels {
    int lanes;                                          /* of 32 bits, in a vector */
    imnn_map_kernel *const *map[IMNN_NDTYPE];           /* by operator */
    imnn_map_kernel *const *select[IMNN_NDTYPE];        /* by comparison; NULL: no real dtype */
    imnn_map_kernel *const *fused[IMNN_NDTYPE];         /* by number in fused.def; NULL as well */
    imnn_map_kernel *convert[IMNN_NDTYPE][IMNN_NDTYPE]; /* complex numbers: by their parts */
    imnn_reduce_kernel *reduce[IMNN_NREDUCE][IMNN_NDTYPE];
    imnn_normalise_kernel *normalise[IMNN_NNORMALISE][IMNN_NDTYPE];
    imnn_window_kernel *window[IMNN_NWINDOW][IMNN_NDTYPE];
    imnn_search_kernel *search[2][IMNN_NDTYPE]; /* of the largest, the smallest element */
    /* The words p, q of n blocks of one key: p[i] and q[i], either may be NULL; p[i] xor q[i];
     * p[0], q[0], p[1], ... */
    void (*blocks)(uint32_t *p, uint32_t *q, const uint32_t key[2], imnn_counters c, int64_t n);
    void (*mixed)(uint32_t *out, const uint32_t key[2], imnn_counters c, int64_t n);
    void (*pairs)(uint32_t *out, const uint32_t key[2], imnn_counters c, int64_t n);
    /* The same n blocks of many keys, `row` words each: the words p and behind them the words q,
     * without that of block `odd`; mix: p xor q. */
    void (*each)(uint32_t *out, int64_t row, bool mix, const uint32_t *keys, int64_t nkeys,
                 imnn_counters c, int64_t n);
    imnn_mixture_kernel *mixture;
} imnn_isa_kernels;
extern const imnn_isa_kernels imnn_kernels_sse2, imnn_kernels_avx2, imnn_kernels_avx512;

/** Those for the CPU at hand, and their instruction set. */
const imnn_isa_kernels *imnn_kernels(void);
imnn_isa imnn_kernels_isa(void);

#ifdef IMNN_TESTING
/** Kernels found from now on are those of this instruction set; -1: the best of this CPU. */
IMNN_API void imnn_test_isa(int isa);
#endif
#endif
