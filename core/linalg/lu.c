/* Small matrices: L U with partial pivoting, by rows (Golub & Van Loan, "Matrix Computations",
 * algorithm 3.4.1). */
#include "core/linalg/linalg.h"
#include <math.h>
#include <string.h>

static void exchange(double *a, double *b, int n)
{
    for (int j = 0; j < n; j++) {
        const double t = a[j];
        a[j] = b[j], b[j] = t;
    }
}

void imnn_lu(double *a, int n, int *pivot)
{
    for (int k = 0; k < n; k++) {
        int p = k;
        for (int i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[p * n + k])) p = i;
        pivot[k] = p;
        if (p != k) exchange(a + p * n, a + k * n, n);
        if (a[k * n + k] == 0) continue; /* so is everything below it */
        for (int i = k + 1; i < n; i++) {
            const double factor = a[i * n + k] /= a[k * n + k];
            for (int j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
        }
    }
}

/* row -= factor * other */
static void subtract(double *row, double factor, const double *other, int n)
{
    for (int j = 0; j < n; j++) row[j] -= factor * other[j];
}

void imnn_lu_inverse(double *out, const double *lu, int n, const int *pivot)
{
    bool singular = false;
    for (int k = 0; k < n; k++) singular = singular || lu[k * n + k] == 0;
    for (int i = 0; i < n * n; i++) out[i] = singular ? NAN : i % (n + 1) == 0;
    if (singular) return;
    for (int k = 0; k < n; k++)
        if (pivot[k] != k) exchange(out + k * n, out + pivot[k] * n, n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) subtract(out + i * n, lu[i * n + k], out + k * n, n);
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) subtract(out + i * n, lu[i * n + k], out + k * n, n);
        for (int j = 0; j < n; j++) out[i * n + j] /= lu[i * n + i];
    }
}

void imnn_lu_slogdet(double out[2], const double *lu, int n, const int *pivot)
{
    double sign = 1, log_size = 0;
    for (int k = 0; k < n; k++) {
        const double u = lu[k * n + k];
        if (u == 0) {
            out[0] = 0, out[1] = -INFINITY;
            return;
        }
        if ((u < 0) != (pivot[k] != k)) sign = -sign;
        if (u != u) sign = NAN;
        log_size += log(fabs(u));
    }
    out[0] = sign, out[1] = log_size;
}
