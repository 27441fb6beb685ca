#ifndef CORE_KERNELS_GEMM_H
#define CORE_KERNELS_GEMM_H
#include "core/array/array.h"

/** Where a piece of a product begins: elements behind a, and behind b or c. */
typedef struct imnn_gemm_piece {
    int64_t a, other;
} imnn_gemm_piece;

/** C (m, n) = A (m, k) B (k, n), or C += A B. Element (i, j) of A at a[i a_row + j a_col], in
 *  elements, and so on; C has adjacent columns. Every element of C is a sum over k in ascending
 *  order by fused multiply-adds, whatever m, n and the call's neighbours are: the same bytes
 *  however the rows or columns of a product are cut into calls. (Accumulating starts from C.) */
typedef struct imnn_gemm {
    int64_t m, n, k;
    const void *a, *b;
    int64_t a_row, a_col, b_row, b_col;
    bool packed; /* b was made by imnn_gemm_pack; b_row and b_col are ignored */
    void *c;
    int64_t c_row;
    bool accumulate;
    /* What windows that move over an array are (NULL, 0: nothing of the kind): */
    int64_t lines; /* m rows each, of A from a + line[i].a, of C from c + line[i].other */
    const imnn_gemm_piece *line;
    int64_t runs; /* k columns of A each, from a + run[i].a; their rows of B are from
                   * b + run[i].other or, packed, from row run[i].other */
    const imnn_gemm_piece *run;
    int64_t b_rows; /* that were packed, if not runs k */
    bool lanes;     /* A has a number of its own for each column of C: j further than the first */
    void *scratch;  /* imnn_gemm_scratch bytes, 64-byte aligned, of the calling thread */
} imnn_gemm;

/** dtype IMNN_F32 or IMNN_F64. Runs in the calling thread, allocates nothing. */
void imnn_gemm_run(imnn_dtype dtype, const imnn_gemm *call);
/** What a product of this size (k of all runs) needs as scratch: the maximum over all m, n for this
 *  k will do. */
size_t imnn_gemm_scratch(imnn_dtype dtype, int64_t m, int64_t n, int64_t k);
/** B as kernels like to read it. It is worth it where the same B is used for many rows of A. */
size_t imnn_gemm_packed_bytes(imnn_dtype dtype, int64_t k, int64_t n);
void imnn_gemm_pack(imnn_dtype dtype, void *packed, int64_t k, int64_t n, const void *b,
                    int64_t b_row, int64_t b_col);
/** Whether B with rows of n adjacent numbers, one after the other, is as good as packed. */
bool imnn_gemm_reads_rows(imnn_dtype dtype, int64_t n);
#endif
