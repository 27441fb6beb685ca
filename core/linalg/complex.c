/* Spectra of complex matrices (two doubles an element), by LAPACK. It reads by columns, so what it
 * sees is transposed, which for Hermitian matrices is conjugated. */
#include "core/linalg/linalg.h"
#include <string.h>

static bool is_finite(const double *x, size_t numbers)
{
    double sum = 0;
    for (size_t i = 0; i < numbers; i++) sum += 0 * x[i];
    return sum == 0;
}

static size_t least(int m, int n) { return (size_t)(m < n ? m : n); }
static size_t most(int m, int n) { return (size_t)(m < n ? n : m); }

/* The matrix, then zheevd's room: complex numbers, doubles, integers. */
size_t imnn_eigh_complex_room(int n)
{
    const size_t s = (size_t)n;
    return 2 * s * s + 2 * (2 * s + s * s + 1) + 1 + 5 * s + 2 * s * s + 3 + 5 * s;
}

bool imnn_eigh_complex(double *w, double *v, const double *x, int n, double *work)
{
    const size_t s = (size_t)n;
    double *a = work;
    for (size_t i = 0; i < s; i++)
        for (size_t j = 0; j < s; j++) {
            a[2 * (i * s + j)] = 0.5 * (x[2 * (i * s + j)] + x[2 * (j * s + i)]);
            a[2 * (i * s + j) + 1] = 0.5 * (x[2 * (i * s + j) + 1] - x[2 * (j * s + i) + 1]);
        }
    const imnn_lapack *l;
    if (!is_finite(a, 2 * s * s) || imnn_lapack_get(&l) != IMNN_OK) return false;
    if (n == 0) return true;
    int info = 0, length = 2 * n + n * n + 1, doubles = 1 + 5 * n + 2 * n * n, whole = 3 + 5 * n;
    double *room = a + 2 * s * s, *reals = room + 2 * length;
    l->zheevd(v ? "V" : "N", "L", &n, a, &n, w, room, &length, reals, &doubles,
              (int *)(void *)(reals + doubles), &whole, &info, 1, 1);
    for (size_t i = 0; v && i < s; i++)
        for (size_t j = 0; j < s; j++) {
            v[2 * (j * s + i)] = a[2 * (i * s + j)];
            v[2 * (j * s + i) + 1] = -a[2 * (i * s + j) + 1];
        }
    return info == 0;
}

/* What zgesdd asks for, and its blocks. */
static size_t complex_length(int m, int n)
{
    const size_t k = least(m, n);
    return k * k + 3 * k + most(m, n) + 64 * (most(m, n) + k);
}

static size_t real_length(int m, int n)
{
    const size_t k = least(m, n);
    return 7 * k + 5 * k * k + 5 * k + 2 * most(m, n) * k + 2 * k * k + k;
}

size_t imnn_svd_complex_room(int m, int n)
{
    const size_t k = least(m, n);
    return 2 * (size_t)m * (size_t)n + 2 * (size_t)m * k + 2 * complex_length(m, n) +
           real_length(m, n) + 8 * k;
}

bool imnn_svd_complex(double *s, double *uh, double *vh, const double *x, int m, int n,
                      double *work)
{
    const size_t k = least(m, n), whole = (size_t)m * (size_t)n;
    const imnn_lapack *l;
    if (!is_finite(x, 2 * whole) || imnn_lapack_get(&l) != IMNN_OK) return false;
    if (k == 0) return true;
    double *a = work, *u = a + 2 * whole, *room = u + 2 * (size_t)m * k;
    double *reals = room + 2 * complex_length(m, n);
    int info = 0, length = (int)complex_length(m, n), rows = (int)k;
    memcpy(a, x, 2 * whole * sizeof *a);
    /* X^T = conj(V) S U^T: its left vectors by columns are V^H by rows */
    l->zgesdd(uh ? "S" : "N", &n, &m, a, &n, s, vh, &n, u, &rows, room, &length, reals,
              (int *)(void *)(reals + real_length(m, n)), &info, 1);
    for (size_t i = 0; uh && i < (size_t)m; i++) /* u: U by rows */
        for (size_t j = 0; j < k; j++) {
            uh[2 * (j * (size_t)m + i)] = u[2 * (i * k + j)];
            uh[2 * (j * (size_t)m + i) + 1] = -u[2 * (i * k + j) + 1];
        }
    return info == 0;
}

size_t imnn_eig_room(int n)
{
    const size_t s = (size_t)n;
    return 4 * s * s + 2 * 66 * (s + 1) + 2 * s + 2;
}

bool imnn_eig(double *w, double *v, const double *x, int n, double *work)
{
    const size_t s = (size_t)n;
    const imnn_lapack *l;
    double *a = work, *vectors = a + 2 * s * s, *room = vectors + 2 * s * s;
    int info = 0, length = 66 * (n + 1);
    if (!is_finite(x, 2 * s * s) || imnn_lapack_get(&l) != IMNN_OK) return false;
    if (n == 0) return true;
    for (size_t i = 0; i < s; i++)
        for (size_t j = 0; j < s; j++)
            memcpy(a + 2 * (j * s + i), x + 2 * (i * s + j), 2 * sizeof *a);
    l->zgeev("N", v ? "V" : "N", &n, a, &n, w, NULL, &n, vectors, &n, room, &length,
             room + 2 * length, &info, 1, 1);
    for (size_t i = 0; v && i < s; i++)
        for (size_t j = 0; j < s; j++)
            memcpy(v + 2 * (i * s + j), vectors + 2 * (j * s + i), 2 * sizeof *v);
    return info == 0;
}
