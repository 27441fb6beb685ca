/* What the rows of elementwise.def say, once more: in long double. */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H
#include "core/kernels/special.h"
#include "core/ops/ops.h"
#include <complex.h>
#include <math.h>
#include <stdlib.h>

typedef long double real;
typedef long double _Complex number;

static real sign_of(real x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static real larger(real a, real b) { return a > b || isnan(a) ? a : b; }
static real smaller(real a, real b) { return a < b || isnan(a) ? a : b; }
static real floor_mod(real a, real b)
{
    const real r = fmodl(a, b);
    return r == 0 ? copysignl(0, b) : (r < 0) != (b < 0) ? r + b : r;
}
static real inverse_erf(real y) /* Newton's iteration */
{
    const real size = fabsl(y), rest = 1 - size;
    if (size == 0) return y;
    if (!(size < 1)) return size == 1 ? y * (real)INFINITY : (real)NAN;
    real x = size < .5L ? size : sqrtl(-logl(rest)), step = 1;
    for (int i = 0; i < 100 && fabsl(step) > 1e-18L * x; i++) {
        step = size < .5L ? erfl(x) - size : rest - erfcl(x);
        step *= expl(x * x) * 0.886226925452758013649083741670572591L;
        x -= step;
    }
    return copysignl(x, y);
}
static real floor_quotient(real a, real b)
{
    if (b == 0) return a / b;
    const real r = fmodl(a, b), q = rintl((a - r) / b) - (r != 0 && (r < 0) != (b < 0));
    return q == 0 ? copysignl(0, copysignl(1, a) * copysignl(1, b)) : q;
}
static real entropy(real x) { return x == 0 ? 0 : x < 0 ? -(real)INFINITY : -x * logl(x); }
static real log_sum(real a, real b)
{
    if (a == b) return a + logl(2);
    return larger(a, b) + log1pl(expl(-fabsl(a - b)));
}
static real log2_sum(real a, real b)
{
    if (a == b) return a + 1;
    return larger(a, b) + log1pl(exp2l(-fabsl(a - b))) / logl(2);
}
static const real PI = 3.14159265358979323846264338327950288L;
static real cardinal_sine(real x)
{
    real r = remainderl(x, 2);
    if (fabsl(r) > .5L) r = copysignl(1 - fabsl(r), r);
    return x == 0 ? 1 : isinf(x) || r == 0 ? 0 : sinl(PI * r) / (PI * x);
}
static real scaled_erfc(real x)
{
    const real square = x * x, rest = fmal(x, x, -square); /* e^x needs both */
    if (x < -100) return INFINITY;
    if (x < 100) return expl(square) * (1 + rest) * erfcl(x);
    const real t = .5L / x / x;
    return (1 - t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t)))) / (x * sqrtl(PI));
}
static real normal_cdf(real x) { return erfcl(-x * sqrtl(0.5L)) / 2; }
static real log_normal_cdf(real x)
{
    if (x > -1) return log1pl(-normal_cdf(-x));
    return logl(scaled_erfc(-x * sqrtl(0.5L)) / 2) - x * x / 2;
}
static real normal_quantile(real p) /* Newton's iteration, in the logarithm */
{
    const real q = p < .5L ? p : 1 - p;
    if (!(q > 0)) return q == 0 ? (p < .5L ? -1 : 1) * (real)INFINITY : (real)NAN;
    if (q > .25L) return sqrtl(2) * inverse_erf(2 * p - 1);
    real z = -sqrtl(-2 * logl(q)), step = 1;
    for (int i = 0; i < 200 && fabsl(step) > -1e-18L * z; i++) {
        step = (log_normal_cdf(z) - logl(q)) * scaled_erfc(-z * sqrtl(.5L)) * sqrtl(PI / 2);
        z -= step;
    }
    return p < .5L ? z : -z;
}
#define abs(x) fabsl(x)
#define sign(x) sign_of(x)
#define sqrt(x) sqrtl(x)
#define exp(x) expl(x)
#define exp2(x) exp2l(x)
#define expm1(x) expm1l(x)
#define log(x) logl(x)
#define log2(x) log2l(x)
#define log10(x) log10l(x)
#define log1p(x) log1pl(x)
#define sin(x) sinl(x)
#define cos(x) cosl(x)
#define tan(x) tanl(x)
#define asin(x) asinl(x)
#define acos(x) acosl(x)
#define atan(x) atanl(x)
#define sinh(x) sinhl(x)
#define cosh(x) coshl(x)
#define tanh(x) tanhl(x)
#define asinh(x) asinhl(x)
#define acosh(x) acoshl(x)
#define atanh(x) atanhl(x)
#define erf(x) erfl(x)
#define erfc(x) erfcl(x)
#define erf_inv(x) inverse_erf(x)
#define cbrt(x) cbrtl(x)
#define hypot(a, b) hypotl(a, b)
#define copysign(a, b) copysignl(a, b)
#define nextafter(a, b) nextafterl(a, b)
#define fmod(a, b) fmodl(a, b)
#define floor_divide(a, b) floor_quotient(a, b)
#define lgamma(x) lgammal(x)
#define tgamma(x) tgammal(x)
#define entr(x) entropy(x)
#define logaddexp(a, b) log_sum(a, b)
#define logaddexp2(a, b) log2_sum(a, b)
#define sinc(x) cardinal_sine(x)
#define erfcx(x) scaled_erfc(x)
#define ndtr(x) normal_cdf(x)
#define log_ndtr(x) log_normal_cdf(x)
#define ndtri(x) normal_quantile(x)
#define digamma(x) imnn_digamma((double)(x)) /* golden_ops_spec has the truth */
#define i0(x) imnn_i0((double)(x))
#define i1(x) imnn_i1((double)(x))
#define i0e(x) imnn_i0e((double)(x))
#define i1e(x) imnn_i1e((double)(x))
#define j0(x) imnn_j0((double)(x))
#define j1(x) imnn_j1((double)(x))
#define polygamma(a, b) imnn_polygamma((double)(a), (double)(b))
#define zeta(a, b) imnn_zeta((double)(a), (double)(b))
#define betaln(a, b) imnn_betaln((double)(a), (double)(b))
#define gammainc(a, b) imnn_gammainc((double)(a), (double)(b))
#define gammaincc(a, b) imnn_gammaincc((double)(a), (double)(b))
#define gamma_slope(a, b) imnn_gamma_slope((double)(a), (double)(b))
#define sinc_slope(a, b) imnn_sinc_slope((double)(a), (double)(b))
#define gammainc_slope(a, b, c) imnn_gammainc_slope((double)(a), (double)(b), (double)(c))
#define gamma_density(a, b, c) imnn_gamma_density((double)(a), (double)(b), (double)(c))
#define betainc(a, b, c) imnn_betainc((double)(a), (double)(b), (double)(c))
#define floor(x) floorl(x)
#define ceil(x) ceill(x)
#define trunc(x) truncl(x)
#define round(x) rintl(x)
#define pow(a, b) powl(a, b)
#define atan2(a, b) atan2l(a, b)
#define remainder(a, b) floor_mod(a, b)
#define max(a, b) larger(a, b)
#define min(a, b) smaller(a, b)
#define fma(a, b, c) fmal(a, b, c)
#define where(a, b, c) ((a) != 0 ? (b) : (c))

#define IF_REAL(...) __VA_ARGS__
#define IF_NUMBER(...) __VA_ARGS__
#define IF_FLOAT(...) __VA_ARGS__
#define IF_SCALAR(...) __VA_ARGS__
#define IF_ALL(...) __VA_ARGS__
#define IF_REAL_PARTS(...) __VA_ARGS__
#define IF_NUMBER_PARTS(...) __VA_ARGS__
#define IF_NUMBER_ALL(...) __VA_ARGS__
#define IF_SCALAR_ALL(...) __VA_ARGS__
#define IF_INTEGER(...)
#define IF_BITS(...)
#define UNARY(name, on, cost, value, ...) \
    IF_##on(static real value_##name(real x, real b, real c) { return value; })
#define BINARY(name, on, cost, value, ...) \
    IF_##on(static real value_##name(real a, real b, real c) { return value; })
#define TERNARY BINARY
#define COMPARE BINARY
#define TEST UNARY
#include "core/ops/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef COMPARE
#undef TEST

/* ... and in integers modulo 2^32, with or without a sign */
static int64_t floor_div_rest(int64_t a, int64_t b)
{
    const int64_t r = b == 0 ? 0 : a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static int64_t common_divisor(int64_t a, int64_t b)
{
    if (b == 0) return a < 0 ? -a : a;
    return common_divisor(b, a % b);
}
static int64_t whole_power(int64_t a, int64_t n)
{
    if (n < 0) return a == 1 ? 1 : a == -1 ? (n % 2 ? -1 : 1) : 0;
    if (n == 0) return 1;
    const uint64_t half = (uint64_t)whole_power(a, n / 2);
    return (int64_t)(half * half * (n % 2 ? (uint64_t)a : 1));
}
static int64_t whole_value(int op, int64_t a, int64_t b, int64_t c)
{
    switch (op) {
    case IMNN_OP_neg: return -a;
    case IMNN_OP_abs: return a < 0 ? -a : a;
    case IMNN_OP_sign: return a > 0 ? 1 : a < 0 ? -1 : 0;
    case IMNN_OP_not: return ~a;
    case IMNN_OP_add: return a + b;
    case IMNN_OP_sub: return a - b;
    case IMNN_OP_mul: return (int64_t)((uint64_t)a * (uint64_t)b);
    case IMNN_OP_pow: return whole_power(a, b);
    case IMNN_OP_remainder: return floor_div_rest(a, b);
    case IMNN_OP_floor_divide: return b == 0 ? 0 : (a - floor_div_rest(a, b)) / b;
    case IMNN_OP_fmod: return b == 0 ? 0 : a % b;
    case IMNN_OP_maximum: return a > b ? a : b;
    case IMNN_OP_minimum: return a < b ? a : b;
    case IMNN_OP_and: return a & b;
    case IMNN_OP_or: return a | b;
    case IMNN_OP_xor: return a ^ b;
    case IMNN_OP_gcd: return common_divisor(a, b);
    case IMNN_OP_shift_left: return b < 0 || b > 31 ? 0 : (int64_t)((uint64_t)a << b);
    case IMNN_OP_shift_right: return a >> (b < 0 || b > 31 ? 32 : b);
    case IMNN_OP_where: return a ? b : c;
    case IMNN_OP_eq: return a == b;
    case IMNN_OP_ne: return a != b;
    case IMNN_OP_lt: return a < b;
    case IMNN_OP_le: return a <= b;
    case IMNN_OP_gt: return a > b;
    case IMNN_OP_ge: return a >= b;
    default: return INT64_MIN;
    }
}

/* ... and for complex numbers */
static number complex_expm1(number a)
{
    const real x = creall(a), y = cimagl(a), half = sinl(y / 2);
    return long_complex(expm1l(x) * cosl(y) - 2 * half * half, expl(x) * sinl(y));
}

static number complex_log1p(number a)
{
    const real x = creall(a), y = cimagl(a);
    if (!(cabsl(a) < 0.5L)) return clogl(1 + a);
    return long_complex(log1pl(x * (2 + x) + y * y) / 2, atan2l(y, 1 + x));
}

static number complex_value(int op, number a, number b)
{
    switch (op) {
    case IMNN_OP_neg: return -a;
    case IMNN_OP_reciprocal: return 1 / a;
    case IMNN_OP_sqrt: return csqrtl(a);
    case IMNN_OP_rsqrt: return 1 / csqrtl(a);
    case IMNN_OP_exp: return cexpl(a);
    case IMNN_OP_log: return clogl(a);
    case IMNN_OP_sin: return csinl(a);
    case IMNN_OP_cos: return ccosl(a);
    case IMNN_OP_tan: return ctanl(a);
    case IMNN_OP_sinh: return csinhl(a);
    case IMNN_OP_cosh: return ccoshl(a);
    case IMNN_OP_tanh: return ctanhl(a);
    case IMNN_OP_exp2: return cexpl(a * logl(2));
    case IMNN_OP_expm1: return complex_expm1(a);
    case IMNN_OP_log2: return clogl(a) / logl(2);
    case IMNN_OP_log10: return clogl(a) / logl(10);
    case IMNN_OP_log1p: return complex_log1p(a);
    case IMNN_OP_asin: return casinl(a);
    case IMNN_OP_acos: return cacosl(a);
    case IMNN_OP_atan: return catanl(a);
    case IMNN_OP_asinh: return casinhl(a);
    case IMNN_OP_acosh: return cacoshl(a);
    case IMNN_OP_atanh: return catanhl(a);
    case IMNN_OP_sigmoid: return creall(a) < 0 ? cexpl(a) / (1 + cexpl(a)) : 1 / (1 + cexpl(-a));
    case IMNN_OP_add: return a + b;
    case IMNN_OP_sub: return a - b;
    case IMNN_OP_mul: return a * b;
    case IMNN_OP_div: return a / b;
    case IMNN_OP_pow: return a == 0 ? (creall(b) > 0 ? 0 : b == 0 ? 1 : NAN) : cpowl(a, b);
    default: return NAN;
    }
}

typedef struct row {
    const char *name;
    int id, inputs;
    bool truth, costly; /* the result is a bool; the value calls a function */
    uint32_t dtypes;
    real (*value)(real, real, real); /* NULL: not for reals */
} row;
#define SET_REAL IMNN_REALS
#define SET_NUMBER IMNN_NUMBERS
#define SET_INTEGER IMNN_INTEGERS
#define SET_BITS IMNN_BITS
#define SET_FLOAT IMNN_FLOATS
#define SET_SCALAR IMNN_SCALARS
#define SET_ALL IMNN_ALL
#define SET_REAL_PARTS IMNN_REALS
#define SET_NUMBER_PARTS IMNN_NUMBERS
#define SET_NUMBER_ALL IMNN_NUMBERS
#define SET_SCALAR_ALL IMNN_SCALARS
#define COSTLY_C false
#define COSTLY_F true
#define VALUE_REAL(name) value_##name
#define VALUE_NUMBER(name) value_##name
#define VALUE_ANY(name) value_##name
#define VALUE_FLOAT(name) value_##name
#define VALUE_SCALAR(name) value_##name
#define VALUE_ALL(name) value_##name
#define VALUE_REAL_PARTS(name) value_##name
#define VALUE_NUMBER_PARTS(name) value_##name
#define VALUE_NUMBER_ALL(name) value_##name
#define VALUE_SCALAR_ALL(name) value_##name
#define VALUE_INTEGER(name) NULL
#define VALUE_BITS(name) NULL
#define ROW(name, on, cost, inputs, truth) \
    {#name, IMNN_OP_##name, inputs, truth, COSTLY_##cost, SET_##on, VALUE_##on(name)},
static const row rows[] = {
#define UNARY(name, on, cost, ...) ROW(name, on, cost, 1, false)
#define BINARY(name, on, cost, ...) ROW(name, on, cost, 2, false)
#define TERNARY(name, on, cost, ...) ROW(name, on, cost, 3, false)
#define COMPARE(name, on, cost, ...) ROW(name, on, cost, 2, true)
#define TEST(name, on, cost, ...) ROW(name, on, cost, 1, true)
#include "core/ops/elementwise.def"
};
enum { ROWS = sizeof rows / sizeof rows[0] };
#undef abs
#undef sign
#undef sqrt
#undef exp
#undef exp2
#undef expm1
#undef log
#undef log2
#undef log10
#undef log1p
#undef sin
#undef cos
#undef tan
#undef asin
#undef acos
#undef atan
#undef sinh
#undef cosh
#undef tanh
#undef asinh
#undef acosh
#undef atanh
#undef erf
#undef erfc
#undef erf_inv
#undef cbrt
#undef hypot
#undef copysign
#undef nextafter
#undef fmod
#undef floor_divide
#undef lgamma
#undef tgamma
#undef entr
#undef logaddexp
#undef logaddexp2
#undef sinc
#undef erfcx
#undef ndtr
#undef log_ndtr
#undef ndtri
#undef digamma
#undef i0
#undef i1
#undef i0e
#undef i1e
#undef j0
#undef j1
#undef polygamma
#undef zeta
#undef betaln
#undef gammainc
#undef gammaincc
#undef sinc_slope
#undef gammainc_slope
#undef gamma_density
#undef betainc
#undef floor
#undef ceil
#undef trunc
#undef round
#undef pow
#undef atan2
#undef remainder
#undef max
#undef min
#undef fma
#undef where
#endif
