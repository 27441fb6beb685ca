#ifndef CORE_LINALG_H
#define CORE_LINALG_H
#include "core/base/base.h"
#include "imnn/linalg.h"

/** The functions of BLAS and LAPACK that are used (matrices by columns, 32-bit integers; Fortran
 *  wants the lengths of texts, behind everything else). */
typedef struct imnn_lapack {
    void (*dgetrf)(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
    void (*dgetri)(const int *n, double *a, const int *lda, const int *pivot, double *work,
                   const int *lwork, int *info);
    void (*dgetrs)(const char *trans, const int *n, const int *nrhs, const double *a,
                   const int *lda, const int *pivot, double *b, const int *ldb, int *info, size_t);
    void (*dpotrf)(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
    void (*dtrsm)(const char *side, const char *uplo, const char *trans, const char *diag,
                  const int *m, const int *n, const double *alpha, const double *a, const int *lda,
                  double *b, const int *ldb, size_t, size_t, size_t, size_t);
    void (*dsyevd)(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
                   double *w, double *work, const int *lwork, int *iwork, const int *liwork,
                   int *info, size_t, size_t);
    void (*dgesdd)(const char *jobz, const int *m, const int *n, double *a, const int *lda,
                   double *s, double *u, const int *ldu, double *vt, const int *ldvt, double *work,
                   const int *lwork, int *iwork, int *info, size_t);
    void (*dgeqrf)(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
                   const int *lwork, int *info);
    void (*dorgqr)(const int *m, const int *n, const int *k, double *a, const int *lda,
                   const double *tau, double *work, const int *lwork, int *info);
    /* complex numbers are two doubles */
    void (*zgetrf)(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
    void (*zgeev)(const char *jobvl, const char *jobvr, const int *n, double *a, const int *lda,
                  double *w, double *vl, const int *ldvl, double *vr, const int *ldvr, double *work,
                  const int *lwork, double *rwork, int *info, size_t, size_t);
    void (*zheevd)(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
                   double *w, double *work, const int *lwork, double *rwork, const int *lrwork,
                   int *iwork, const int *liwork, int *info, size_t, size_t);
    void (*zgesdd)(const char *jobz, const int *m, const int *n, double *a, const int *lda,
                   double *s, double *u, const int *ldu, double *vt, const int *ldvt, double *work,
                   const int *lwork, double *rwork, int *iwork, int *info, size_t);
} imnn_lapack;

/** They are loaded when they are first asked for; every thread may ask.
 *  fails  EIO (neither OpenBLAS nor LAPACK on this machine) */
imnn_status imnn_lapack_get(const imnn_lapack **out);

/** Matrices up to these sizes are worked on here, larger ones by LAPACK: what takes a fixed number
 *  of operations; what goes on until it converges. */
enum { IMNN_SMALL_MATRIX = 32, IMNN_SMALL_SPECTRUM = 8 };

/** P A = L U by rows, in place: row i was exchanged with row pivot[i]. Largest pivots of a column;
 *  a column without one is left as it is. */
void imnn_lu(double *a, int n, int *pivot);
/** The inverse, made of that. A zero on the diagonal of U gives NaN everywhere. */
void imnn_lu_inverse(double *out, const double *lu, int n, const int *pivot);
/** Sign and logarithm of |det|; of a singular matrix 0 and -infinity. */
void imnn_lu_slogdet(double out[2], const double *lu, int n, const int *pivot);

/* All of the following are in double, by rows; `work` is room for as many numbers as ..._room says.
 * For what is not small, imnn_lapack_get has been asked before. */

/** X (n, m) with A X = B, or A^T X = B. lu is what imnn_lu_factor left. */
size_t imnn_solve_room(int n, int m);
/** The factors of A, for any size, as imnn_lu_solve wants them; false: A is singular. */
bool imnn_lu_factor(double *lu, int *pivot, const double *a, int n);
void imnn_lu_solve(double *x, const double *lu, const int *pivot, const double *b, int n, int m,
                   bool transposed, double *work);
/** How a triangular matrix is meant. */
enum { IMNN_LOWER = 1, IMNN_TRANSPOSED = 2, IMNN_UNIT_DIAGONAL = 4 };
/** X (n, m), which holds B, with A X = B; of A only the triangle is read. false: a zero on the
 *  diagonal. */
bool imnn_triangular_solve(double *x, const double *a, int n, int m, int how);
/** L L^T = (X + X^T) / 2; zeros above the diagonal of L. false: X is not positive definite. */
bool imnn_cholesky(double *l, const double *x, int n);
/** Ascending eigenvalues w (n) of (X + X^T) / 2 and, unless v is NULL, the eigenvectors as columns
 *  of v (n, n). false: there are none, X holds something that is not finite. */
bool imnn_eigh(double *w, double *v, const double *x, int n, double *work);
size_t imnn_eigh_room(int n);
/** X (m, n) = U S V^T, k = min(m, n): descending s (k) and, unless ut is NULL, ut (k, m) and vt
 *  (k, n). false: X holds something that is not finite. */
bool imnn_svd(double *s, double *ut, double *vt, const double *x, int m, int n, double *work);
size_t imnn_svd_room(int m, int n);
/** The same of complex matrices, for any size: of (X + X^H) / 2, and X = U S V^H with uh and vh. */
bool imnn_eigh_complex(double *w, double *v, const double *x, int n, double *work);
size_t imnn_eigh_complex_room(int n);
bool imnn_svd_complex(double *s, double *uh, double *vh, const double *x, int m, int n,
                      double *work);
size_t imnn_svd_complex_room(int m, int n);
/** Eigenvalues w (n) and, unless v is NULL, eigenvectors, the columns of v (n, n), of any complex
 *  X. false: it holds something that is not finite, or they are not found. */
bool imnn_eig(double *w, double *v, const double *x, int n, double *work);
size_t imnn_eig_room(int n);
/** X (m, n) = Q R with r (k, n) and the columns of Q as rows of qt (k, m); k from min(m, n) to
 *  m. As LAPACK has it, diagonal elements of R have any sign. */
void imnn_qr(double *qt, double *r, const double *x, int m, int n, int k, double *work);
size_t imnn_qr_room(int m, int n);
/** Y = e^X of (n, n). false: X holds something that is not finite. */
bool imnn_expm(double *y, const double *x, int n, double *work);
size_t imnn_expm_room(int n);
#endif
