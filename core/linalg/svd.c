/* Singular values. Small matrices by rotations of their columns until all are orthogonal to each
 * other (Hestenes; Golub & Van Loan, "Matrix Computations", 8.6.3): their lengths are the singular
 * values, their directions U. */
#include "core/linalg/linalg.h"
#include <math.h>
#include <string.h>

enum { MOST_SWEEPS = 60 };

static double dot(const double *a, const double *b, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

static void rotate(double *a, double *b, int n, double c, double s)
{
    for (int i = 0; i < n; i++) {
        const double x = a[i], y = b[i];
        a[i] = c * x - s * y, b[i] = s * x + c * y;
    }
}

/* Rows p and q of g (k rows of length `length`) become orthogonal; true: they were. */
static bool orthogonalise(double *g, double *v, int length, int k, int p, int q)
{
    double *a = g + p * length, *b = g + q * length;
    const double aa = dot(a, a, length), bb = dot(b, b, length), ab = dot(a, b, length);
    if (fabs(ab) <= 1e-16 * sqrt(aa) * sqrt(bb) || aa == 0 || bb == 0) return true;
    const double zeta = (bb - aa) / (2 * ab);
    const double t = (zeta < 0 ? -1 : 1) / (fabs(zeta) + hypot(zeta, 1));
    const double c = 1 / sqrt(1 + t * t), s = c * t;
    rotate(a, b, length, c, s);
    rotate(v + p * k, v + q * k, k, c, s);
    return false;
}

static void exchange(double *a, double *b, int n)
{
    for (int i = 0; i < n && a != b; i++) {
        const double t = a[i];
        a[i] = b[i], b[i] = t;
    }
}

/* A unit vector that is orthogonal to the rows before `row`. */
static void complete(double *g, int length, int row)
{
    double *y = g + row * length;
    for (int e = 0; e < length; e++) {
        for (int i = 0; i < length; i++) y[i] = i == e;
        for (int again = 0; again < 2; again++)
            for (int r = 0; r < row; r++) {
                const double along = dot(y, g + r * length, length);
                for (int i = 0; i < length; i++) y[i] -= along * g[r * length + i];
            }
        const double size = sqrt(dot(y, y, length));
        if (size * size * length < 0.5) continue; /* one of them is longer than sqrt(1 / length) */
        for (int i = 0; i < length; i++) y[i] /= size;
        return;
    }
}

/* g: k rows of `length` >= k, which become U^T; v: V^T */
static void small(double *s, double *g, double *v, int length, int k)
{
    bool done = false;
    for (int i = 0; i < k * k; i++) v[i] = i % (k + 1) == 0;
    for (int sweep = 0; sweep < MOST_SWEEPS && !done; sweep++) {
        done = true;
        for (int p = 0; p < k; p++)
            for (int q = p + 1; q < k; q++)
                if (!orthogonalise(g, v, length, k, p, q)) done = false;
    }
    for (int i = 0; i < k; i++) s[i] = sqrt(dot(g + i * length, g + i * length, length));
    for (int i = 0; i < k; i++) {
        int most = i;
        for (int j = i + 1; j < k; j++)
            if (s[j] > s[most]) most = j;
        exchange(s + i, s + most, 1);
        exchange(g + i * length, g + most * length, length);
        exchange(v + i * k, v + most * k, k);
    }
    for (int i = 0; i < k; i++) {
        if (s[i] == 0) complete(g, length, i);
        else
            for (int j = 0; j < length; j++) g[i * length + j] /= s[i];
    }
}

static bool small_svd(double *s, double *ut, double *vt, const double *x, int m, int n,
                      double *work)
{
    const bool tall = m >= n;
    const int length = tall ? m : n, k = tall ? n : m;
    double *g = work, *v = work + k * length, most = 0;
    for (int i = 0; i < m * n; i++) most = fabs(x[i]) > most ? fabs(x[i]) : most;
    /* Squares neither overflow nor vanish where the largest element is near 1. */
    const double scale = most > 0 ? most : 1;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            g[tall ? j * length + i : i * length + j] = x[i * n + j] / scale;
    small(s, g, v, length, k);
    for (int i = 0; i < k; i++) s[i] *= scale;
    if (!ut) return true;
    memcpy(tall ? ut : vt, g, (size_t)(k * length) * sizeof *g);
    memcpy(tall ? vt : ut, v, (size_t)(k * k) * sizeof *v);
    return true;
}

static size_t least(int m, int n) { return (size_t)(m < n ? m : n); }
static size_t most_of(int m, int n) { return (size_t)(m < n ? n : m); }

/* What dgesdd asks for: 4 k^2 + 7 k and its blocks. */
static size_t length_of(int m, int n)
{
    const size_t k = least(m, n);
    return 4 * k * k + 7 * k + 64 * (most_of(m, n) + k);
}

size_t imnn_svd_room(int m, int n)
{
    const size_t k = least(m, n), whole = (size_t)m * (size_t)n;
    if (k <= IMNN_SMALL_SPECTRUM) return whole + k * k;
    return whole + (size_t)m * k + length_of(m, n) + 8 * k;
}

/* By columns X is X^T = V S U^T: what is U there, by columns, is our V^T by rows. */
static bool large(double *s, double *ut, double *vt, const double *x, int m, int n, double *work)
{
    const imnn_lapack *l;
    const size_t k = least(m, n), whole = (size_t)m * (size_t)n;
    double *a = work, *u = a + whole, *room = u + (size_t)m * k;
    int info = 0, length = (int)length_of(m, n), rows = (int)k;
    if (imnn_lapack_get(&l) != IMNN_OK) return false;
    memcpy(a, x, whole * sizeof *a);
    l->dgesdd(ut ? "S" : "N", &n, &m, a, &n, s, vt, &n, u, &rows, room, &length,
              (int *)(void *)(room + length), &info, 1);
    for (size_t i = 0; ut && i < (size_t)m; i++)
        for (size_t j = 0; j < k; j++) ut[j * (size_t)m + i] = u[i * k + j];
    return info == 0;
}

bool imnn_svd(double *s, double *ut, double *vt, const double *x, int m, int n, double *work)
{
    double sum = 0;
    for (size_t i = 0; i < (size_t)m * (size_t)n; i++) sum += 0 * x[i];
    if (sum != 0) return false; /* that is NaN */
    return least(m, n) <= IMNN_SMALL_SPECTRUM ? small_svd(s, ut, vt, x, m, n, work)
                                              : large(s, ut, vt, x, m, n, work);
}
