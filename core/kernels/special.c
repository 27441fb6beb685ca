/* Special functions of single numbers. Formulas are those of the NIST Digital Library of
 * Mathematical Functions (DLMF) unless others are named. */
#include "core/kernels/special.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static const double PI = 3.14159265358979323846;
enum { ORDERS = 17, MOST_TERMS = 20000 };

/* B_2, B_4, ...: Bernoulli numbers */
static const double bernoulli[] = {1.0 / 6,      -1.0 / 30,      1.0 / 42,      -1.0 / 30,
                                   5.0 / 66,     -691.0 / 2730,  7.0 / 6,       -3617.0 / 510,
                                   43867. / 798, -174611. / 330, 854513. / 138, -236364091. / 2730};
enum { BERNOULLI = sizeof bernoulli / sizeof bernoulli[0] };

static double log_gamma(double x)
{
    int sign; /* lgamma() would leave it in a variable that all threads share */
    return lgamma_r(x, &sign);
}

/* ---- digamma and its derivatives ---- */

/* 5.11.2 for large x, 5.5.2 towards it, 5.5.4 for negative x. */
double imnn_digamma(double x)
{
    double sum = 0;
    if (x == 0) return -INFINITY;
    if (x < 0) {
        if (x == floor(x)) return NAN;
        sum = -PI / tan(PI * (x - rint(x)));
        x = 1 - x;
    }
    for (; x < 10; x++) sum -= 1 / x;
    if (x == INFINITY) return x;
    const double t = 1 / (x * x);
    double series = 0;
    for (int k = 8; k-- > 0;) series = (series + bernoulli[k] / (2 * k + 2)) * t;
    return sum + log(x) - 0.5 / x - series;
}

/* sum_k (k + q)^-s over all integers k: 5.15.6 with derivatives of the cotangent as polynomials of
 * it; for large s only the terms nearest to 0 count. */
static double both_ways(double s, double q)
{
    enum { FEW = 20, NEAR = 12 };
    const double r = q - rint(q);
    if (s > FEW) {
        double sum = 0;
        for (int k = -NEAR; k <= NEAR; k++) sum += pow(r + k, -s);
        return sum;
    }
    const int n = (int)s - 1;
    const double c = 1 / tan(PI * r);
    double p[FEW + 2] = {0, 1}, factor = PI; /* cot' = -1 - cot^2 */
    for (int i = 1; i <= n; i++) {
        double next[FEW + 2] = {0};
        for (int j = 1; j <= i; j++) {
            next[j - 1] -= j * p[j];
            next[j + 1] -= j * p[j];
        }
        for (int j = 0; j <= i + 1; j++) p[j] = next[j];
        factor *= -PI / i;
    }
    double value = 0;
    for (int j = n + 1; j >= 0; j--) value = value * c + p[j];
    return factor * value;
}

/* Euler and Maclaurin's sum, 25.11.5 with 2.10.1. */
double imnn_zeta(double s, double q)
{
    if (!(s >= 1) || !(q == q)) return NAN;
    if (s == 1) return INFINITY;
    if (q == INFINITY) return 0;
    if (q <= 0 && q == floor(q)) return q == 0 || fmod(s, 2) == 0 ? INFINITY : NAN;
    if (q < 0 && s != floor(s)) return NAN;
    if (q < 0) return both_ways(s, q) - (fmod(s, 2) == 0 ? 1 : -1) * imnn_zeta(s, 1 - q);
    double sum = 0;
    while (q < 10 + s / 2) {
        const double term = pow(q, -s);
        sum += term;
        if (term * (1 + q / (s - 1)) <= 1e-17 * sum) return sum;
        q++;
    }
    const double power = pow(q, -s);
    double factor = power * s / q / 2;
    sum += power * q / (s - 1) + power / 2;
    for (int k = 0; k < BERNOULLI; k++) {
        const double j = 2 * k + 1, term = factor * bernoulli[k];
        sum += term;
        if (fabs(term) < 1e-18 * sum) break;
        factor *= (s + j) * (s + j + 1) / ((j + 2) * (j + 3)) / (q * q);
    }
    return sum;
}

/* 25.11.12 */
double imnn_polygamma(double n, double x)
{
    n = rint(n);
    if (n == 0) return imnn_digamma(x);
    if (!(n > 0)) return NAN;
    return (fmod(n, 2) == 0 ? -1 : 1) * tgamma(n + 1) * imnn_zeta(n + 1, x);
}

/* ---- what is left of Stirling's formula ---- */

/* ln Gamma(x) - (x - 1/2) ln x + x - ln(2 pi) / 2 for x >= 10: 5.11.1 */
static double stirling(double x)
{
    const double t = 1 / (x * x);
    double sum = 0;
    for (int k = 8; k-- > 0;) sum = sum * t + bernoulli[k] / ((2 * k + 1) * (2 * k + 2));
    return sum / x;
}

/* m - ln(1 + m), also near 0: with r = m / (2 + m), ln(1 + m) = 2 (r + r^3/3 + ...), m = 2r + r m
 */
static double beyond_log(double m)
{
    if (!(fabs(m) < 0.5)) return m - log1p(m);
    const double r = m / (2 + m), t = r * r;
    double sum = 0;
    for (int k = 27; k >= 3; k -= 2) sum = sum * t + 1.0 / k;
    return r * (m - 2 * t * sum);
}

double imnn_betaln(double a, double b)
{
    if (a < b) {
        const double c = a;
        a = b, b = c;
    }
    if (!(b > 0) || a < 10) return log_gamma(a) + log_gamma(b) - log_gamma(a + b);
    if (a == INFINITY) return -INFINITY;
    const double rest = stirling(a) - stirling(a + b) - (a - 0.5) * log1p(b / a);
    if (b < 10) return rest + log_gamma(b) + b - b * log(a + b);
    return rest + stirling(b) + b * log(b / (a + b)) + 0.5 * log(2 * PI / b);
}

/* ---- incomplete gamma functions and their derivatives in a ---- */

/* Functions of a are kept as Taylor coefficients t[0 .. n] in e, at a + e. */

/* t = u / (a + e) */
static void divide(double *t, const double *u, double a, int n)
{
    double before = 0;
    for (int j = 0; j <= n; j++) before = t[j] = (u[j] - before) / a;
}

static void multiply(double *t, const double *u, const double *v, int n)
{
    for (int j = n; j >= 0; j--) {
        double sum = 0;
        for (int k = 0; k <= j; k++) sum += u[k] * v[j - k];
        t[j] = sum;
    }
}

/* x^(a-1) e^-x / Gamma(a). For large a as its distance from the peak, without large logarithms. */
static void density(double *t, double a, double x, int n)
{
    double g[ORDERS], factorial = 1;
    if (a < 10) t[0] = exp((a - 1) * log(x) - x - log_gamma(a));
    else t[0] = exp(-a * beyond_log((x - a) / a) - stirling(a)) * sqrt(a / (2 * PI)) / x;
    if (n > 0) g[1] = log(x) - imnn_digamma(a);
    for (int k = 2; k <= n; k++) {
        factorial *= k;
        g[k] = -imnn_polygamma(k - 1, a) / factorial;
    }
    for (int m = 1; m <= n; m++) { /* t' = g' t */
        t[m] = 0;
        for (int k = 1; k <= m; k++) t[m] += k * g[k] * t[m - k];
        t[m] /= m;
    }
}

static bool settled(const double *step, const double *sum, int n)
{
    for (int j = 0; j <= n; j++)
        if (!(fabs(step[j]) <= 1e-17 * fabs(sum[j]))) return false;
    return true;
}

/* 8.11.4: P = x D sum_k x^k / (a (a + 1) ... (a + k)), D the density */
static bool by_series(double *p, double a, double x, int n)
{
    double term[ORDERS] = {1}, sum[ORDERS] = {0}, d[ORDERS];
    for (int k = 0; k < MOST_TERMS; k++) {
        divide(term, term, a + k, n);
        for (int j = 0; j <= n; j++) sum[j] += term[j];
        if (settled(term, sum, n)) {
            density(d, a, x, n);
            multiply(p, sum, d, n);
            for (int j = 0; j <= n; j++) p[j] *= x;
            return true;
        }
        for (int j = 0; j <= n; j++) term[j] *= x;
    }
    return false;
}

/* The continued fraction 8.9.2, Q = x D / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), by its
 * convergents A / B. */
static bool by_fraction(double *q, double a, double x, int n)
{
    double A[2][ORDERS] = {{0}, {1}}, B[2][ORDERS] = {{1}, {x + 1 - a, -1}}, d[ORDERS];
    double value[ORDERS] = {0};
    density(d, a, x, n);
    if (d[0] == 0) return true; /* q is 0 */
    for (int k = 1; k < MOST_TERMS; k++) {
        const double b = x + 2 * k + 1 - a, c = -k * (k - a);
        double largest = 0;
        for (int which = 0; which < 2; which++) {
            double(*X)[ORDERS] = which ? B : A;
            for (int j = n; j >= 0; j--) {
                double next = b * X[1][j] + c * X[0][j];
                if (j > 0) next += k * X[0][j - 1] - X[1][j - 1];
                X[0][j] = next;
            }
            for (int j = 0; j <= n; j++) {
                const double old = X[0][j];
                X[0][j] = X[1][j], X[1][j] = old;
                largest = fmax(largest, fabs(old));
            }
        }
        if (largest > 1e100)
            for (int i = 0; i < 2; i++)
                for (int j = 0; j <= n; j++) A[i][j] *= 1e-100, B[i][j] *= 1e-100;
        if (k % 4) continue;
        double step[ORDERS];
        for (int j = 0; j <= n; j++) {
            double rest = A[1][j];
            for (int i = 0; i < j; i++) rest -= step[i] * B[1][j - i];
            step[j] = rest / B[1][0];
        }
        bool done = true;
        for (int j = 0; j <= n; j++) {
            if (!(fabs(step[j] - value[j]) <= (1 + j * j) * 1e-15 * fabs(step[0]))) done = false;
            value[j] = step[j];
        }
        if (!done) continue;
        multiply(q, value, d, n);
        for (int j = 0; j <= n; j++) q[j] *= x;
        return true;
    }
    return false;
}

static const double LARGE = 1e5; /* beyond, the series would take long where x is near a */

/* Q for large a by Temme's uniform expansion 8.12.4, to its second term: the next one is below
 * 1 / (200 a^2.5). The coefficients cancel near 0, where their Taylor series take their place. */
static double by_normal(double a, double x)
{
    static const double c0[] = {-1.0 / 3,        1.0 / 12,           -2.0 / 135,
                                1.0 / 864,       3.5273368606702e-4, -1.7875514403292181e-4,
                                3.91926317854e-5};
    static const double c1[] = {-1.0 / 540,
                                -1.0 / 288,
                                2.6455026455026455e-3,
                                -9.9022633744855967e-4,
                                2.0576131687242798e-4,
                                -4.0187757201646e-7,
                                -1.80985503346e-5};
    const double m = (x - a) / a, h = copysign(sqrt(2 * beyond_log(m)), m);
    double first = 1 / m - 1 / h, second = 1 / (h * h * h) - (1 / m + 1 + m / 12) / (m * m);
    if (fabs(h) < 0.05) {
        first = second = 0;
        for (int k = 7; k-- > 0;) first = first * h + c0[k], second = second * h + c1[k];
    }
    const double rest = exp(-0.5 * a * h * h) / sqrt(2 * PI * a) * (first + second / a);
    return 0.5 * erfc(h * sqrt(a / 2)) + rest;
}

/* Its n-th derivative by central differences of order 8, a step being a small part of the width. */
static double by_differences(double a, double x, int n)
{
    static const double weight[] = {4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280};
    const double step = 0.05 * sqrt(a);
    double sum = 0;
    if (n == 0) return by_normal(a, x);
    for (int k = 1; k <= 4; k++)
        sum += weight[k - 1] *
               (by_differences(a + k * step, x, n - 1) - by_differences(a - k * step, x, n - 1));
    return sum / step;
}

/* Coefficient n of P (0) or Q (1), as the result says, whichever is the smaller one; -1: neither.
 */
static int incomplete(double *t, double a, double x, int n)
{
    for (int j = 0; j <= n; j++) t[j] = 0;
    if (!(a >= 0 && x >= 0) || (a == 0 && x == 0) || (a == INFINITY && x == INFINITY)) return -1;
    if (x == 0 || a == INFINITY) return 0;
    if (a == 0 || x == INFINITY) return a == 0 && n > 0 ? -1 : 1;
    if (a > LARGE && fabs(x - a) < 0.3 * a) {
        const int most = 3;
        t[n] = n <= most ? by_differences(a, x, n) / tgamma(n + 1) : NAN;
        return 1;
    }
    if (x < a + 1) return by_series(t, a, x, n) ? 0 : -1;
    return by_fraction(t, a, x, n) ? 1 : -1;
}

double imnn_gammainc(double a, double x)
{
    double t[ORDERS];
    const int which = incomplete(t, a, x, 0);
    return which < 0 ? NAN : which ? 1 - t[0] : t[0];
}

double imnn_gammaincc(double a, double x)
{
    double t[ORDERS];
    const int which = incomplete(t, a, x, 0);
    return which < 0 ? NAN : which ? t[0] : 1 - t[0];
}

double imnn_gammainc_slope(double n, double a, double x)
{
    double t[ORDERS];
    n = rint(n);
    if (n == 0) return imnn_gammainc(a, x);
    if (!(n > 0 && n < ORDERS)) return NAN;
    const int which = incomplete(t, a, x, (int)n);
    return which < 0 ? NAN : tgamma(n + 1) * (which ? -t[(int)n] : t[(int)n]);
}

double imnn_gamma_density(double n, double a, double x)
{
    double t[ORDERS];
    n = rint(n);
    if (n < 0) return 0; /* the sum of a rule that ends there */
    if (!(n < ORDERS) || !(a > 0 && x >= 0)) return NAN;
    if (x == INFINITY) return a == INFINITY ? NAN : 0;
    if (x == 0) return a > 1 ? 0 : n > 0 ? NAN : a == 1 ? 1 : INFINITY;
    density(t, a, x, (int)n);
    return tgamma(n + 1) * t[(int)n];
}

/* ---- how a gamma number changes with its shape ---- */

/* The cumulative probability P(a, x) = x^a e^-x / Gamma(a + 1) sum_k x^k / ((a + 1) ... (a + k))
 * stays: dx/da = -(dP/da) / (dP/dx). Of large shapes: Wilson & Hilferty 1931, PNAS 17, 684. */
double imnn_gamma_slope(double a, double logx)
{
    if (!(a > 0)) return NAN;
    if (a > 1000) {
        const double root = sqrt(a), w = exp((logx - log(a)) / 3);
        const double z = (w - 1 + 1 / (9 * a)) * 3 * root;
        return 1 / a + 3 * (1 / (9 * a * a) - z / (6 * a * root)) / w;
    }
    const double x = exp(logx);
    double term = 1, psi = imnn_digamma(a + 1), sum = logx - psi;
    for (double k = 1; k < 1e5 && term > 0; k++) {
        term *= x / (a + k);
        psi += 1 / (a + k);
        const double part = term * (logx - psi);
        sum += part;
        if (k > x && fabs(part) < 1e-18 * fabs(sum)) break;
    }
    return -sum / a;
}

/* ---- incomplete beta function ---- */

/* x^a (1 - x)^b / B(a, b) */
static double beta_density(double a, double b, double x)
{
    if (a < 10 || b < 10) return exp(a * log(x) + b * log1p(-x) - imnn_betaln(a, b));
    const double d = b * x - a * (1 - x);
    return exp(-a * beyond_log(d / a) - b * beyond_log(-d / b) + stirling(a + b) - stirling(a) -
               stirling(b)) *
           sqrt(a / (a + b) * b / (2 * PI));
}

/* The continued fraction 8.17.22 by Lentz's method, as changed by Thompson and Barnett 1986,
 * J. Comput. Phys. 64, 490. */
static double beta_fraction(double a, double b, double x)
{
    const double least = 1e-300;
    double f = 1, c = 1, d = 0;
    for (int k = 1; k < MOST_TERMS; k++) {
        const int m = k / 2;
        const double numerator = k % 2 ? -(a + m) * (a + b + m) * x / ((a + k - 1) * (a + k))
                                       : m * (b - m) * x / ((a + k - 1) * (a + k));
        d = 1 + numerator * d;
        c = 1 + numerator / c;
        if (fabs(d) < least) d = least;
        if (fabs(c) < least) c = least;
        d = 1 / d;
        f *= c * d;
        if (fabs(c * d - 1) < 2e-16) return 1 / f;
    }
    return NAN;
}

double imnn_betainc(double a, double b, double x)
{
    if (!(a > 0 && b > 0 && x >= 0 && x <= 1) || a == INFINITY || b == INFINITY) return NAN;
    if (x == 0 || x == 1) return x;
    const double front = beta_density(a, b, x);
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b; /* 8.17.4 */
}

/* ---- Bessel functions ---- */

/* 10.25.2 for small x, 10.40.1 for others; order 0 or 1 */
static double scaled_i(int order, double x)
{
    double sum = 0, term = 1;
    x = fabs(x);
    if (x == INFINITY) return 0;
    if (x < 20) {
        if (order) term = x / 2;
        for (int k = 1; term > 1e-18 * sum; k++) {
            sum += term;
            term *= x / 2 / k * (x / 2 / (k + order));
        }
        return exp(-x) * sum;
    }
    for (int k = 1; k < 40 && fabs(term) > 1e-18; k++) {
        sum += term;
        term *= ((2 * k - 1) * (2 * k - 1) - 4 * order) / (8.0 * k * x);
    }
    return sum / sqrt(2 * PI * x);
}

double imnn_i0e(double x) { return x == x ? scaled_i(0, x) : x; }
double imnn_i1e(double x) { return x == x && x != 0 ? copysign(scaled_i(1, x), x) : x; }
double imnn_i0(double x)
{
    const double root = exp(fabs(x) / 2); /* e^|x| may be too large */
    return isinf(x) ? INFINITY : root * imnn_i0e(x) * root;
}
double imnn_i1(double x)
{
    const double root = exp(fabs(x) / 2);
    return isinf(x) ? x : root * imnn_i1e(x) * root;
}
double imnn_j0(double x) { return j0(x); }
double imnn_j1(double x) { return j1(x); }

/* ---- sin(pi x) / (pi x) ---- */

/* In u = pi x: Taylor's series where it has few terms, else u f_n = sin(u + n pi/2) - n f_(n-1),
 * Leibniz' rule for u f = sin u. */
double imnn_sinc_slope(double n, double x)
{
    const double u = PI * x;
    n = rint(n);
    if (!(n >= 0 && n <= 100) || x != x) return NAN;
    if (isinf(x)) return 0;
    if (fabs(u) < n + 1) {
        const int first = ((int)n + 1) / 2;
        double power = 2 * first > (int)n ? u : 1, sum = 0; /* u^(2k-n) / (2k-n)! */
        for (int k = first; k < 200; k++) {
            const double m = 2 * k - n, term = power / (2 * k + 1);
            sum += k % 2 ? -term : term;
            if (fabs(term) < 1e-18 * fabs(sum) || power == 0) break;
            power *= u * u / ((m + 1) * (m + 2));
        }
        return pow(PI, n) * sum;
    }
    const double r = x - 2 * rint(x / 2);
    const double wave[4] = {sin(PI * r), cos(PI * r), -sin(PI * r), -cos(PI * r)};
    double f = wave[0] / u;
    for (int k = 1; k <= (int)n; k++) f = (wave[k % 4] - k * f) / u;
    return pow(PI, n) * f;
}
