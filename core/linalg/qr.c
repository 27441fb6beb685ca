/* Q R by reflections (Golub & Van Loan, "Matrix Computations", 5.2), with LAPACK's signs. */
#include "core/linalg/linalg.h"
#include <math.h>
#include <string.h>

static int least(int m, int n) { return m < n ? m : n; }

/* a: n columns of length m, one after the other; below the diagonal stays the rest of the vector
 * (1, v) of each reflection 1 - tau v v^T. */
static void reflect(double *column, const double *v, double tau, int length)
{
    double along = column[0];
    for (int i = 1; i < length; i++) along += v[i] * column[i];
    along *= tau;
    column[0] -= along;
    for (int i = 1; i < length; i++) column[i] -= along * v[i];
}

static double make_reflection(double *x, int length)
{
    double tail = 0;
    for (int i = 1; i < length; i++) tail = hypot(tail, x[i]);
    if (tail == 0) return 0;
    const double alpha = x[0], beta = -copysign(hypot(alpha, tail), alpha);
    for (int i = 1; i < length; i++) x[i] /= alpha - beta;
    x[0] = beta;
    return (beta - alpha) / beta;
}

static void factor(double *a, double *tau, int m, int n)
{
    for (int k = 0; k < least(m, n); k++) {
        double *v = a + k * m + k;
        tau[k] = make_reflection(v, m - k);
        for (int j = k + 1; j < n; j++) reflect(a + j * m + k, v, tau[k], m - k);
    }
}

/* The columns of Q, from the identity by the reflections backward. */
static void form(double *qt, const double *a, const double *tau, int m, int n, int k)
{
    for (int i = 0; i < k * m; i++) qt[i] = i / m == i % m;
    for (int r = least(m, n) - 1; r >= 0; r--)
        for (int j = r; j < k; j++) reflect(qt + j * m + r, a + r * m + r, tau[r], m - r);
}

static bool is_small(int m, int n) { return m <= IMNN_SMALL_MATRIX && n <= IMNN_SMALL_MATRIX; }

enum { PANEL = 64 };

size_t imnn_qr_room(int m, int n)
{
    const size_t all = (size_t)m * (size_t)n, most = (size_t)(m > n ? m : n);
    return all + most + (is_small(m, n) ? 0 : PANEL * most);
}

static void take_r(double *r, const double *a, int m, int n, int k)
{
    const size_t rows = (size_t)m, columns = (size_t)n;
    for (size_t i = 0; i < (size_t)k; i++)
        for (size_t j = 0; j < columns; j++) r[i * columns + j] = j < i ? 0 : a[j * rows + i];
}

void imnn_qr(double *qt, double *r, const double *x, int m, int n, int k, double *work)
{
    const imnn_lapack *l;
    const size_t rows = (size_t)m, columns = (size_t)n;
    double *a = work, *tau = a + rows * columns;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) a[j * rows + i] = x[i * columns + j];
    if (is_small(m, n) || imnn_lapack_get(&l) != IMNN_OK) {
        factor(a, tau, m, n);
        take_r(r, a, m, n, k);
        form(qt, a, tau, m, n, k);
        return;
    }
    const int most = m > n ? m : n, reflections = least(m, n);
    int info = 0, length = PANEL * most;
    l->dgeqrf(&m, &n, a, &m, tau, tau + most, &length, &info);
    take_r(r, a, m, n, k);
    memcpy(qt, a, rows * (size_t)least(k, n) * sizeof *qt);
    l->dorgqr(&m, &k, &reflections, qt, &m, tau, tau + most, &length, &info);
}
