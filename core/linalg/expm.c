/* e^X = (e^(X / 2^s))^(2^s), the inner one by a rational function of degree 13 (Higham, "The
 * Scaling and Squaring Method for the Matrix Exponential Revisited", SIAM J. Matrix Anal. Appl. 26,
 * 1179, table 2.3 and section 2.3). */
#include "core/kernels/gemm.h"
#include "core/linalg/linalg.h"
#include <math.h>
#include <string.h>

static const double b[14] = {64764752532480000,
                             32382376266240000,
                             7771770303897600,
                             1187353796428800,
                             129060195264000,
                             10559470521600,
                             670442572800,
                             33522128640,
                             1323241920,
                             40840800,
                             960960,
                             16380,
                             182,
                             1};
enum { MATRICES = 8 };

static size_t padded(size_t n) { return (n * n + 7) / 8 * 8; }

size_t imnn_expm_room(int n)
{
    return MATRICES * padded((size_t)n) + imnn_gemm_scratch(IMNN_F64, n, n, n) / sizeof(double) +
           16 + ((size_t)n * sizeof(int) + 7) / 8 + imnn_solve_room(n, n);
}

static void multiply(double *c, const double *x, const double *y, int n, void *scratch)
{
    imnn_gemm_run(IMNN_F64, &(imnn_gemm){.m = n,
                                         .n = n,
                                         .k = n,
                                         .a = x,
                                         .a_row = n,
                                         .a_col = 1,
                                         .b = y,
                                         .b_row = n,
                                         .b_col = 1,
                                         .c = c,
                                         .c_row = n,
                                         .scratch = scratch});
}

/* f2 x2 + f4 x4 + f6 x6 + f0 */
static void combine(double *y, const double f[4], double *const x[3], int n)
{
    for (size_t i = 0, size = (size_t)n; i < size * size; i++)
        y[i] = f[1] * x[0][i] + f[2] * x[1][i] + f[3] * x[2][i] + (i % (size + 1) == 0 ? f[0] : 0);
}

/* The largest sum of a column; how often it is halved until the rational function is exact. */
static int squarings(const double *x, int n)
{
    double most = 0;
    int s = 0;
    for (int j = 0; j < n; j++) {
        double sum = 0;
        for (size_t i = 0; i < (size_t)n; i++) sum += fabs(x[i * (size_t)n + (size_t)j]);
        if (!(sum < INFINITY)) return -1;
        if (sum > most) most = sum;
    }
    if (most > 5.371920351148152) frexp(most / 5.371920351148152, &s);
    return s;
}

bool imnn_expm(double *y, const double *x, int n, double *work)
{
    const size_t all = (size_t)n * (size_t)n;
    const int s = squarings(x, n);
    if (s < 0) return false;
    double *m[MATRICES], *rest = (double *)(((uintptr_t)work + 63) / 64 * 64);
    for (int k = 0; k < MATRICES; k++) m[k] = rest, rest += padded((size_t)n);
    void *scratch = rest;
    rest += imnn_gemm_scratch(IMNN_F64, n, n, n) / sizeof(double);
    int *pivot = (int *)(void *)rest;
    rest += ((size_t)n * sizeof(int) + 7) / 8;
    double *a = m[0], *const powers[3] = {m[1], m[2], m[3]}, *u = m[4], *v = m[5], *t = m[6];
    for (size_t i = 0; i < all; i++) a[i] = ldexp(x[i], -s);
    multiply(m[1], a, a, n, scratch);
    multiply(m[2], m[1], m[1], n, scratch);
    multiply(m[3], m[2], m[1], n, scratch);
    combine(t, (double[]){0, b[9], b[11], b[13]}, powers, n);
    multiply(u, m[3], t, n, scratch);
    combine(t, (double[]){b[1], b[3], b[5], b[7]}, powers, n);
    for (size_t i = 0; i < all; i++) t[i] += u[i];
    multiply(u, a, t, n, scratch); /* odd powers */
    combine(t, (double[]){0, b[8], b[10], b[12]}, powers, n);
    multiply(v, m[3], t, n, scratch);
    combine(t, (double[]){b[0], b[2], b[4], b[6]}, powers, n);
    for (size_t i = 0; i < all; i++) {
        const double even = t[i] + v[i];
        t[i] = even + u[i], v[i] = even - u[i];
    }
    if (!imnn_lu_factor(m[7], pivot, v, n)) return false;
    imnn_lu_solve(y, m[7], pivot, t, n, n, false, rest);
    for (int k = 0; k < s; k++) {
        memcpy(a, y, all * sizeof *a);
        multiply(y, a, a, n, scratch);
    }
    return true;
}
