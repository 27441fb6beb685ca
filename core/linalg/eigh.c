/* Eigenvalues and eigenvectors of symmetric matrices. Small ones by rotations that make one pair
 * of off-diagonal elements zero at a time (Jacobi; Golub & Van Loan, "Matrix Computations", 8.5).
 */
#include "core/linalg/linalg.h"
#include <math.h>
#include <string.h>

enum { MOST_SWEEPS = 50 };

/* Columns p and q of v (n rows of n). */
static void rotate_columns(double *v, int n, int p, int q, double c, double s)
{
    for (int i = 0; i < n; i++) {
        const double a = v[i * n + p], b = v[i * n + q];
        v[i * n + p] = c * a - s * b, v[i * n + q] = s * a + c * b;
    }
}

static void rotate_rows(double *a, int n, int p, int q, double c, double s)
{
    for (int j = 0; j < n; j++) {
        const double x = a[p * n + j], y = a[q * n + j];
        a[p * n + j] = c * x - s * y, a[q * n + j] = s * x + c * y;
    }
}

/* The rotation after which a_pq is zero: tan of the smaller angle. */
static void annihilate(double *a, double *v, int n, int p, int q)
{
    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + hypot(theta, 1));
    const double c = 1 / sqrt(1 + t * t), s = t * c;
    rotate_columns(a, n, p, q, c, s);
    rotate_rows(a, n, p, q, c, s);
    a[p * n + q] = a[q * n + p] = 0;
    if (v) rotate_columns(v, n, p, q, c, s);
}

static void sort(double *w, double *v, int n)
{
    for (int i = 0; i < n; i++) {
        int least = i;
        for (int j = i + 1; j < n; j++)
            if (w[j] < w[least]) least = j;
        const double t = w[i];
        w[i] = w[least], w[least] = t;
        for (int k = 0; v && least != i && k < n; k++) {
            const double u = v[k * n + i];
            v[k * n + i] = v[k * n + least], v[k * n + least] = u;
        }
    }
}

static void small(double *w, double *v, double *a, int n)
{
    bool done = false;
    for (int i = 0; v && i < n * n; i++) v[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < MOST_SWEEPS && !done; sweep++) {
        done = true;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                const double off = fabs(a[p * n + q]);
                const double beside = sqrt(fabs(a[p * n + p])) * sqrt(fabs(a[q * n + q]));
                if (off <= 1e-17 * beside || off < 1e-300) continue;
                annihilate(a, v, n, p, q);
                done = false;
            }
    }
    for (int i = 0; i < n; i++) w[i] = a[i * n + i];
    sort(w, v, n);
}

static bool large(double *w, double *v, double *a, int n, double *work)
{
    const imnn_lapack *l;
    int info = 0, length = 1 + 6 * n + 2 * n * n, lengths = 3 + 5 * n;
    int *whole = (int *)(void *)(work + length);
    if (imnn_lapack_get(&l) != IMNN_OK) return false;
    l->dsyevd(v ? "V" : "N", "U", &n, a, &n, w, work, &length, whole, &lengths, &info, 1, 1);
    for (size_t i = 0; v && i < (size_t)n; i++)
        for (size_t j = 0; j < (size_t)n; j++) v[j * (size_t)n + i] = a[i * (size_t)n + j];
    return info == 0;
}

/* Where A goes, then dsyevd's room, doubles and integers. */
size_t imnn_eigh_room(int n)
{
    const size_t s = (size_t)n;
    return n <= IMNN_SMALL_SPECTRUM ? s * s : s * s + 1 + 6 * s + 2 * s * s + 3 + 5 * s;
}

bool imnn_eigh(double *w, double *v, const double *x, int n, double *work)
{
    const size_t size = (size_t)n;
    double sum = 0;
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++) {
            work[i * size + j] = 0.5 * (x[i * size + j] + x[j * size + i]);
            sum += 0 * work[i * size + j];
        }
    if (sum != 0) return false; /* that is NaN */
    if (n > IMNN_SMALL_SPECTRUM) return large(w, v, work, n, work + size * size);
    small(w, v, work, n);
    return true;
}
