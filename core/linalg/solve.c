/* Systems of linear equations: by the factors L U of a general matrix, and triangular ones. */
#include "core/linalg/linalg.h"
#include <string.h>

/* Small matrices in blocks of right sides, so that the inner loops run over adjacent numbers. */
static void subtract(double *row, double factor, const double *other, int m)
{
    for (int j = 0; j < m; j++) row[j] -= factor * other[j];
}

static void divide(double *row, double by, int m)
{
    for (int j = 0; j < m; j++) row[j] /= by;
}

/* Element (i, k) of the matrix as it is meant. */
static double at(const double *a, int n, int i, int k, bool transposed)
{
    return transposed ? a[k * n + i] : a[i * n + k];
}

/* Forward (from the first row) or backward substitution. */
static void substitute(double *x, const double *a, int n, int m, bool forward, bool transposed,
                       bool unit)
{
    for (int s = 0; s < n; s++) {
        const int i = forward ? s : n - 1 - s;
        const int from = forward ? 0 : i + 1, to = forward ? i : n;
        for (int k = from; k < to; k++)
            subtract(x + (size_t)i * (size_t)m, at(a, n, i, k, transposed),
                     x + (size_t)k * (size_t)m, m);
        if (!unit) divide(x + (size_t)i * (size_t)m, a[i * n + i], m);
    }
}

bool imnn_triangular_solve(double *x, const double *a, int n, int m, int how)
{
    const bool lower = how & IMNN_LOWER, transposed = how & IMNN_TRANSPOSED,
               unit = how & IMNN_UNIT_DIAGONAL;
    for (int k = 0; k < n && !unit; k++)
        if (a[(size_t)k * (size_t)(n + 1)] == 0) return false;
    if (n <= IMNN_SMALL_MATRIX) {
        substitute(x, a, n, m, lower != transposed, transposed, unit);
        return true;
    }
    /* Read by columns everything is transposed: X^T A^T = B^T. */
    const imnn_lapack *l;
    const double one = 1;
    if (imnn_lapack_get(&l) != IMNN_OK) return false;
    l->dtrsm("R", lower ? "U" : "L", transposed ? "T" : "N", unit ? "U" : "N", &m, &n, &one, a, &n,
             x, &m, 1, 1, 1, 1);
    return true;
}

bool imnn_lu_factor(double *lu, int *pivot, const double *a, int n)
{
    memcpy(lu, a, (size_t)n * (size_t)n * sizeof *lu);
    if (n <= IMNN_SMALL_MATRIX) imnn_lu(lu, n, pivot);
    else {
        const imnn_lapack *l;
        int info = 0;
        if (imnn_lapack_get(&l) != IMNN_OK) return false;
        l->dgetrf(&n, &n, lu, &n, pivot, &info); /* of the transposed matrix, then */
    }
    for (int k = 0; k < n; k++) {
        const double u = lu[(size_t)k * (size_t)(n + 1)];
        if (u == 0 || u != u) return false;
    }
    return true;
}

size_t imnn_solve_room(int n, int m)
{
    return n > IMNN_SMALL_MATRIX && m > 1 ? (size_t)n * (size_t)m : 0;
}

static void exchange(double *a, double *b, int m)
{
    for (int j = 0; j < m; j++) {
        const double t = a[j];
        a[j] = b[j], b[j] = t;
    }
}

static void small_solve(double *x, const double *lu, const int *pivot, int n, int m,
                        bool transposed)
{
    /* P A = L U; transposed: A^T = U^T L^T P */
    for (int k = 0; k < n && !transposed; k++)
        if (pivot[k] != k) exchange(x + k * m, x + pivot[k] * m, m);
    substitute(x, lu, n, m, true, transposed, !transposed);
    substitute(x, lu, n, m, false, transposed, transposed);
    for (int k = n - 1; k >= 0 && transposed; k--)
        if (pivot[k] != k) exchange(x + k * m, x + pivot[k] * m, m);
}

static void transpose(double *y, const double *x, int rows, int columns)
{
    for (size_t i = 0; i < (size_t)rows; i++)
        for (size_t j = 0; j < (size_t)columns; j++)
            y[j * (size_t)rows + i] = x[i * (size_t)columns + j];
}

void imnn_lu_solve(double *x, const double *lu, const int *pivot, const double *b, int n, int m,
                   bool transposed, double *work)
{
    const imnn_lapack *l;
    int info = 0;
    if (n <= IMNN_SMALL_MATRIX || imnn_lapack_get(&l) != IMNN_OK) {
        memcpy(x, b, (size_t)n * (size_t)m * sizeof *x);
        small_solve(x, lu, pivot, n, m, transposed);
        return;
    }
    double *by_columns = m > 1 ? work : x;
    transpose(by_columns, b, n, m);
    l->dgetrs(transposed ? "N" : "T", &n, &m, lu, &n, pivot, by_columns, &n, &info, 1);
    if (m > 1) transpose(x, work, m, n);
}
