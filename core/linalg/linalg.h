#ifndef CORE_LINALG_H
#define CORE_LINALG_H
#include "core/base/base.h"
#include "imnn/linalg.h"

/** The functions of LAPACK that are used (matrices by columns, 32-bit integers). */
typedef struct imnn_lapack {
    void (*dgetrf)(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
    void (*dgetri)(const int *n, double *a, const int *lda, const int *pivot, double *work,
                   const int *lwork, int *info);
} imnn_lapack;

/** They are loaded when they are first asked for; every thread may ask.
 *  fails  EIO (neither OpenBLAS nor LAPACK on this machine) */
imnn_status imnn_lapack_get(const imnn_lapack **out);

/** Matrices up to this size are worked on here, larger ones by LAPACK. */
enum { IMNN_SMALL_MATRIX = 32 };

/** P A = L U by rows, in place: row i was exchanged with row pivot[i]. Largest pivots of a column;
 *  a column without one is left as it is. */
void imnn_lu(double *a, int n, int *pivot);
/** The inverse, made of that. A zero on the diagonal of U gives NaN everywhere. */
void imnn_lu_inverse(double *out, const double *lu, int n, const int *pivot);
/** Sign and logarithm of |det|; of a singular matrix 0 and -infinity. */
void imnn_lu_slogdet(double out[2], const double *lu, int n, const int *pivot);
#endif
