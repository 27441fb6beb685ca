#ifndef CORE_KERNELS_SPECIAL_H
#define CORE_KERNELS_SPECIAL_H
/* Special functions of single numbers, in double: too rare and too branched for vectors. Orders n
 * of derivatives are rounded to integers. What is not defined is NaN. */

double imnn_digamma(double x);
/** The n-th derivative of digamma. */
double imnn_polygamma(double n, double x);
/** sum_k (k + q)^-s, s > 1; q < 0 for integers s only. */
double imnn_zeta(double s, double q);
/** ln B(a, b); of its absolute value for negative arguments. */
double imnn_betaln(double a, double b);
/** Regularised incomplete gamma functions of a, x >= 0: P and Q = 1 - P. */
double imnn_gammainc(double a, double x);
double imnn_gammaincc(double a, double x);
/** d^n/da^n P(a, x), and d^n/da^n x^(a-1) e^-x / Gamma(a), which is dP/dx; n up to 16, for a > 1e5
 *  near x up to 3. */
double imnn_gammainc_slope(double n, double a, double x);
double imnn_gamma_density(double n, double a, double x);
/** d ln(x) / da of a gamma number x of shape a > 0 at fixed cumulative probability, from ln(x). */
double imnn_gamma_slope(double a, double logx);
/** Regularised incomplete beta function. */
double imnn_betainc(double a, double b, double x);
/** Modified Bessel functions of order 0 and 1, these times e^-|x|, and Bessel functions of the
 * first kind. */
double imnn_i0(double x);
double imnn_i1(double x);
double imnn_i0e(double x);
double imnn_i1e(double x);
double imnn_j0(double x);
double imnn_j1(double x);
/** d^n/dx^n sin(pi x) / (pi x) */
double imnn_sinc_slope(double n, double x);
#endif
