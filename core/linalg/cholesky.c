/* L L^T = S, symmetric and positive definite (Golub & Van Loan, "Matrix Computations", 4.2.5). */
#include "core/linalg/linalg.h"
#include <math.h>

static bool small(double *l, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double s = l[i * n + j];
            for (int k = 0; k < j; k++) s -= l[i * n + k] * l[j * n + k];
            if (i > j) l[i * n + j] = s / l[j * n + j];
            else if (s > 0 && s < INFINITY) l[i * n + i] = sqrt(s);
            else return false;
        }
    return true;
}

/* By columns our rows are columns: the upper triangle is our lower one. */
static bool large(double *l, int n)
{
    const imnn_lapack *lapack;
    int info = 0;
    if (imnn_lapack_get(&lapack) != IMNN_OK) return false;
    lapack->dpotrf("U", &n, l, &n, &info, 1);
    return info == 0 && l[(size_t)n * (size_t)n - 1] == l[(size_t)n * (size_t)n - 1];
}

bool imnn_cholesky(double *l, const double *x, int n)
{
    const size_t size = (size_t)n;
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            l[i * size + j] = j > i ? 0 : 0.5 * (x[i * size + j] + x[j * size + i]);
    return n <= IMNN_SMALL_MATRIX ? small(l, n) : large(l, n);
}
