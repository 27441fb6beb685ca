/* Elementwise kernels: every row, every dtype, every instruction set of this CPU. */
#include "core/kernels/isa.h"
#include "core/kernels/special.h"
#include "tests/support/check.h"
#include "tests/support/parts.h"
#include "tests/support/reference.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { N = 6000, INPUTS = 4 };

/* ---- numbers to try ---- */
typedef union element {
    float f32;
    double f64;
    int32_t i32;
    uint32_t u32;
    uint8_t truth;
    imnn_c64 c64;
    imnn_c128 c128;
} element;

static const double special[] = {
    0.0,   -0.0,     1,        -1,        0.5,       -0.5,        INFINITY, -INFINITY,
    NAN,   0x1p-149, 0x1p-130, -0x1p-140, FLT_MIN,   FLT_MAX,     -FLT_MAX, 1e10,
    -1e10, 88.5,     89.1,     -89.2,     -103.5,    125.5,       1e5,      3,
    2,     -2,       2.5,      -1.5,      0x1p23,    0.999999,    1e-8,     -1e-4,
    1e38,  -0x1p31,  0x1p31,   0x1p32,    0x1p-1074, 1e-310,      DBL_MAX,  -DBL_MAX,
    709.9, -745.0,   1e300,    7,         -7,        4294967040.0};
static const uint32_t special_bits[] = {0,          1,          2,          3,          7,
                                        31,         32,         33,         0x7fffffff, 0x80000000,
                                        0x80000001, 0xffffffff, 0xfffffffe, 0xfffffff9};
enum {
    SPECIAL = sizeof special / sizeof special[0],
    SPECIAL_BITS = sizeof special_bits / sizeof special_bits[0]
};

static uint64_t state = 88172645463325252u;
static uint64_t noise(void) /* Marsaglia 2003, J. Stat. Softw. 8, 14 */
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}
static double uniform(double lo, double hi)
{
    return lo + (hi - lo) * (double)(noise() >> 11) * 0x1p-53;
}

/* Parts of all sizes whose products and quotients are normal numbers. */
static double sample_part(void)
{
    const uint64_t r = noise();
    if (r % 16 == 0) return 0;
    return r % 4 ? uniform(-4, 4) : exp(uniform(-8, 8)) * (r & 32 ? 1 : -1);
}

/* Number i of an input. All pairs of special numbers come first. */
static element sample(imnn_dtype dtype, int input, int i)
{
    element e = {.c128 = 0};
    if (imnn_is_complex(dtype)) {
        const imnn_c128 z = wide_complex(sample_part(), sample_part());
        if (dtype == IMNN_C64) e.c64 = (imnn_c64)z;
        else e.c128 = z;
        return e;
    }
    const uint64_t r = noise();
    const bool is_real = dtype == IMNN_F32 || dtype == IMNN_F64;
    const int count = is_real ? SPECIAL : SPECIAL_BITS;
    const int which = input == 0 ? i % count : input == 1 ? i / count : (int)(r % (unsigned)count);
    const bool is_special = i < count * count;
    double x = special[is_real && is_special ? which : 0];
    if (!is_special) {
        x = r % 4 == 0 ? uniform(-3, 3) : uniform(-1, 1);
        if (r % 4 > 1) x = exp(uniform(-30, 30)) * (r & 8 ? 1 : -1);
    }
    if (dtype == IMNN_F32) e.f32 = (float)x;
    if (dtype == IMNN_F64) e.f64 = x;
    if (!is_real) e.u32 = is_special ? special_bits[which] : (uint32_t)(r >> (r % 33));
    if (dtype == IMNN_BOOL) e.truth = (uint8_t)(r & 1);
    if (dtype == IMNN_F32 && r % 4 == 3 && !is_special) e.u32 = (uint32_t)(r >> 20);
    return e;
}

/* ---- calls ---- */
static _Alignas(64) char input[INPUTS][16 * N], output[16 * N + 64], other[16 * N + 64];

static imnn_dtype input_dtype(const row *r, imnn_dtype dtype, int i)
{
    return r->id == IMNN_OP_where && i == 0 ? IMNN_BOOL : dtype;
}
static imnn_dtype output_dtype(const row *r, imnn_dtype dtype)
{
    return r->truth ? IMNN_BOOL : dtype;
}

static void fill(const row *r, imnn_dtype dtype)
{
    for (int i = 0; i < r->inputs; i++) {
        const imnn_dtype d = input_dtype(r, dtype, i);
        const size_t size = imnn_dtype_size(d);
        for (int k = 0; k < N; k++) {
            const element e = sample(d, i, k);
            memcpy(input[i] + (size_t)k * size, &e, size);
        }
    }
}

/* n elements from element `at` on, as one run */
static void call(imnn_map_kernel *kernel, void *y, const row *r, imnn_dtype dtype, int64_t at,
                 int64_t n)
{
    imnn_operand in[INPUTS] = {{0}}, out = {y, {n, n, 1}};
    for (int i = 0; i < r->inputs; i++) {
        const int64_t size = (int64_t)imnn_dtype_size(input_dtype(r, dtype, i));
        in[i] = (imnn_operand){input[i] + at * size, {n, n, 1}};
    }
    imnn_map_run(kernel, r->inputs, (const int64_t[]){1, 1, n}, &out, in);
}

static real get(const void *array, imnn_dtype dtype, int64_t i)
{
    switch (dtype) {
    case IMNN_F32: return ((const float *)array)[i];
    case IMNN_F64: return ((const double *)array)[i];
    case IMNN_I32: return ((const int32_t *)array)[i];
    case IMNN_U32: return ((const uint32_t *)array)[i];
    default: return ((const uint8_t *)array)[i];
    }
}

/* Equal bytes; of NaNs the sign may differ, since compilers may exchange the terms of a sum. */
static bool same(imnn_dtype dtype, const void *a, const void *b, int64_t n)
{
    if (imnn_is_complex(dtype)) dtype = imnn_part_dtype(dtype), n *= 2;
    const size_t size = imnn_dtype_size(dtype);
    for (int64_t i = 0; i < n; i++) {
        if (!memcmp((const char *)a + (size_t)i * size, (const char *)b + (size_t)i * size, size))
            continue;
        if (dtype > IMNN_F64 || !isnan(get(a, dtype, i)) || !isnan(get(b, dtype, i))) return false;
    }
    return true;
}

/* ---- tests ---- */
/* Bounds in ulp: 1/2 for what is rounded once, 1 for the functions of SLEEF (erfc: 1.5), somewhat
 * more below the normal numbers and for what combines several. */
static double bound(const row *r, real x, real y)
{
    switch (r->id) {
    case IMNN_OP_rsqrt:
    case IMNN_OP_erf:
    case IMNN_OP_erfc:
    case IMNN_OP_ndtr:
    case IMNN_OP_entr:
    case IMNN_OP_logit:
    case IMNN_OP_xlogy:
    case IMNN_OP_xlog1py:
    case IMNN_OP_tanh:
    case IMNN_OP_asinh:
    case IMNN_OP_acosh: return 1.5;
    case IMNN_OP_sigmoid:
    case IMNN_OP_softplus:
    case IMNN_OP_sinh:
    case IMNN_OP_erfcx:
    case IMNN_OP_log_ndtr:
    case IMNN_OP_sinc:
    case IMNN_OP_cosh: return 3.1;
    case IMNN_OP_ndtri: return 3.5;
    case IMNN_OP_nextafter: return 1; /* that of reals is hardly another number */
    case IMNN_OP_floor_divide: return 2;
    case IMNN_OP_atan2: return fabsl(y) < 1e-37L ? 2 : 1.1;
    case IMNN_OP_tgamma: return fabsl(y) < 1e-37L ? 11 : 1.1;
    case IMNN_OP_lgamma: /* zeros between poles; large x: three roundings of our own */
        return x < 0 ? fmax(1.1, 0.05 / fabs((double)y)) : x > 1e30L ? 1.5 : 1.1;
    case IMNN_OP_logaddexp: return 3 + 1 / fabs((double)y);  /* two terms that cancel, */
    case IMNN_OP_logaddexp2: return 3 + 2 / fabs((double)y); /* the second up to ln 2, or 1 */
    case IMNN_OP_erf_inv: return 8 + 1 / fabs(1 - fabs((double)x)); /* x^2 is rounded */
    default: return r->costly ? 1.1 : 0.5;
    }
}

static double ulps(real y, real expected, imnn_dtype dtype)
{
    const bool single = dtype == IMNN_F32;
    const real most = single ? (real)FLT_MAX : (real)DBL_MAX;
    const int digits = single ? FLT_MANT_DIG : DBL_MANT_DIG;
    const int least = single ? FLT_MIN_EXP : DBL_MIN_EXP;
    if (isnan(expected) || isnan(y)) return isnan(expected) && isnan(y) ? 0 : INFINITY;
    if (fabsl(expected) > most)
        expected = copysignl(most, expected); /* the infinity is 1 further */
    if (fabsl(y) > most) y = copysignl(most, y);
    int exponent = least;
    if (fabsl(expected) > 0) frexpl(expected, &exponent);
    if (exponent < least) exponent = least;
    return (double)(fabsl(y - expected) / ldexpl(1, exponent - digits));
}

static int values_are_right(imnn_isa isa, const row *r, imnn_dtype dtype)
{
    const bool is_real = dtype == IMNN_F32 || dtype == IMNN_F64;
    const imnn_dtype gives = output_dtype(r, dtype);
    call(imnn_map_find(r->id, dtype), output, r, dtype, 0, N);
    double worst = 0;
    for (int k = 0; k < N; k++) {
        real x[3] = {0};
        for (int i = 0; i < r->inputs; i++) x[i] = get(input[i], input_dtype(r, dtype, i), k);
        const real y = get(output, gives, k);
        double error = 0;
        if (is_real && !r->truth) {
            const real expected = r->value(x[0], x[1], x[2]);
            error = ulps(y, expected, dtype);
            const real least_normal = dtype == IMNN_F32 ? (real)FLT_MIN : (real)DBL_MIN;
            if (r->id == IMNN_OP_sigmoid && expected < least_normal && y == 0) error = 0;
            const bool any_zero =
                r->id == IMNN_OP_maximum || r->id == IMNN_OP_minimum || r->id == IMNN_OP_tgamma;
            if (expected == 0 && y == 0 && !signbit(y) != !signbit(expected) && !any_zero)
                error = 99;
        } else if (is_real) {
            error = (y == 1) == (r->value(x[0], x[1], x[2]) != 0) ? 0 : 99;
        } else {
            int64_t v = whole_value(r->id, (int64_t)x[0], (int64_t)x[1], (int64_t)x[2]);
            if (gives == IMNN_I32) v = (int32_t)(uint32_t)(uint64_t)v;
            if (gives == IMNN_U32) v = (uint32_t)(uint64_t)v;
            if (gives == IMNN_BOOL) v = v & 1;
            error = (int64_t)y == v ? 0 : 99;
        }
        if (error > worst) worst = error;
        if (error > bound(r, x[0], y))
            return printf("%s %s %s(%Lg, %Lg, %Lg) = %.9Lg: %g ulp off\n", imnn_isa_name(isa),
                          imnn_dtype_name(dtype), r->name, x[0], x[1], x[2], y, error),
                   1;
    }
    if (getenv("SHOW_ERRORS") && worst > 0)
        printf("%s %s %s: %.2f ulp\n", imnn_isa_name(isa), imnn_dtype_name(dtype), r->name, worst);
    return 0;
}

static number get_complex(const void *array, imnn_dtype dtype, int64_t i)
{
    const imnn_dtype part = imnn_part_dtype(dtype);
    return long_complex(get(array, part, 2 * i), get(array, part, 2 * i + 1));
}

/* Errors as parts of the size of the number, in units of its last place. What is as sensitive as
 * the angle of a large number is given its share. */
static int complex_values_are_right(imnn_isa isa, const row *r, imnn_dtype dtype)
{
    const real last = dtype == IMNN_C64 ? FLT_EPSILON : (real)DBL_EPSILON;
    const real most = dtype == IMNN_C64 ? (real)FLT_MAX : (real)DBL_MAX;
    const real least = dtype == IMNN_C64 ? (real)FLT_MIN : (real)DBL_MIN;
    double worst = 0;
    call(imnn_map_find(r->id, dtype), output, r, dtype, 0, N);
    for (int k = 0; k < N; k++) {
        const number a = get_complex(input[0], r->id == IMNN_OP_where ? IMNN_C64 : dtype, k);
        const number b = get_complex(input[1], dtype, k), c = get_complex(input[2], dtype, k);
        if (r->truth) {
            CHECK((output[k] == 1) == ((a == b) == (r->id == IMNN_OP_eq)));
            continue;
        }
        const number y = get_complex(output, dtype, k);
        if (r->id == IMNN_OP_where) {
            CHECK(y == (input[0][k] ? b : c));
            continue;
        }
        const number expected = complex_value(r->id, a, b);
        const real size = cabsl(expected);
        if (!(size < most / 16)) continue;
        real sensitive = 4;
        if (r->id == IMNN_OP_pow) sensitive += 4 * cabsl(b * clogl(a)) + 4 * cabsl(b);
        if (r->id == IMNN_OP_log || r->id == IMNN_OP_log2 || r->id == IMNN_OP_log10)
            sensitive += 4 / size;
        if (r->id == IMNN_OP_exp2) sensitive += 4 * fabsl(cimagl(a));
        if (r->id == IMNN_OP_sigmoid) sensitive += 8 * size; /* beside its poles */
        const real error = cabsl(y - expected) / ((size + 4 * least / last) * last);
        if (error > worst) worst = (double)error;
        if (!(error <= sensitive) && a != 0)
            return printf("%s %s %s(%Lg + %Lgi, %Lg + %Lgi) = %.9Lg + %.9Lgi: %Lg ulp off\n",
                          imnn_isa_name(isa), imnn_dtype_name(dtype), r->name, creall(a), cimagl(a),
                          creall(b), cimagl(b), creall(y), cimagl(y), error),
                   1;
    }
    if (getenv("SHOW_ERRORS") && worst > 0)
        printf("%s %s %s: %.2f ulp\n", imnn_isa_name(isa), imnn_dtype_name(dtype), r->name, worst);
    return 0;
}

/* Where formulas of parts could go wrong: zeros, infinities, far from 0. NaN stands for anything.
 */
static int complex_limits_are_right(void)
{
    static const struct {
        int op;
        double a[2], b[2], y[2];
    } limit[] = {
        {IMNN_OP_sqrt, {0, 0}, {0}, {0, 0}},
        {IMNN_OP_sqrt, {-4, 0}, {0}, {0, 2}},
        {IMNN_OP_sqrt, {-4, -0.0}, {0}, {0, -2}},
        {IMNN_OP_sqrt, {INFINITY, 1}, {0}, {INFINITY, 0}},
        {IMNN_OP_sqrt, {1, -INFINITY}, {0}, {INFINITY, -INFINITY}},
        {IMNN_OP_exp, {INFINITY, 0}, {0}, {INFINITY, 0}},
        {IMNN_OP_exp, {-INFINITY, 1}, {0}, {0, 0}},
        {IMNN_OP_log, {0, 0}, {0}, {-INFINITY, 0}},
        {IMNN_OP_log, {-1, 0}, {0}, {0, 3.14159265358979323846}},
        {IMNN_OP_tanh, {1e3, 1}, {0}, {1, 0}},
        {IMNN_OP_tanh, {-1e3, 1}, {0}, {-1, 0}},
        {IMNN_OP_tan, {1, 1e3}, {0}, {0, 1}},
        {IMNN_OP_log1p, {-1, 0}, {0}, {-INFINITY, 0}},
        {IMNN_OP_log1p, {1e-20, 1e-20}, {0}, {1e-20, 1e-20}},
        {IMNN_OP_expm1, {1e-20, -1e-20}, {0}, {1e-20, -1e-20}},
        {IMNN_OP_asin, {0, INFINITY}, {0}, {0, INFINITY}},
        {IMNN_OP_asin, {2, -0.0}, {0}, {1.57079632679489661923, -1.31695789692481670863}},
        {IMNN_OP_acos, {1, 0}, {0}, {0, 0}},
        {IMNN_OP_acos, {-1e300, 0}, {0}, {3.14159265358979323846, -691.4686750787738}},
        {IMNN_OP_acosh, {0, 0}, {0}, {0, 1.57079632679489661923}},
        {IMNN_OP_asinh, {1e300, 1e300}, {0}, {691.8152486690537, 0.78539816339744830962}},
        {IMNN_OP_atanh, {1, 0}, {0}, {INFINITY, 0}},
        {IMNN_OP_atanh, {1e300, 1}, {0}, {1e-300, 1.57079632679489661923}},
        {IMNN_OP_sigmoid, {-1e3, 1}, {0}, {0, 0}},
        {IMNN_OP_sigmoid, {1e3, 1}, {0}, {1, 0}},
        {IMNN_OP_div, {1, 1}, {1e30, 1e30}, {1e-30, 0}},
        {IMNN_OP_div, {1, 0}, {0, INFINITY}, {0, 0}},
        {IMNN_OP_pow, {0, 0}, {2, 1}, {0, 0}},
        {IMNN_OP_pow, {0, 0}, {0, 0}, {1, 0}},
        {IMNN_OP_pow, {0, 0}, {0.5, 0}, {0, 0}},
        {IMNN_OP_pow, {0, -1}, {2, 0}, {-1, 0}},
        {IMNN_OP_pow, {1, 1}, {7, 0}, {8, -8}},
        {IMNN_OP_pow, {0, 2}, {-3, 0}, {0, 0.125}},
    };
    for (size_t i = 0; i < sizeof limit / sizeof limit[0]; i++) {
        imnn_operand in[2] = {{(void *)(uintptr_t)limit[i].a, {1, 1, 1}},
                              {(void *)(uintptr_t)limit[i].b, {1, 1, 1}}};
        double y[2];
        imnn_map_run(imnn_map_find(limit[i].op, IMNN_C128), 2, (const int64_t[]){1, 1, 1},
                     &(imnn_operand){y, {1, 1, 1}}, in);
        for (int k = 0; k < 2; k++)
            if (!(y[k] == limit[i].y[k] ||
                  fabs(y[k] - limit[i].y[k]) <= 1e-15 * fabs(limit[i].y[k])))
                return printf("complex limit %d: part %d is %g\n", (int)i, k, y[k]), 1;
    }
    return 0;
}

/* Parts beside each other become numbers. */
static int parts_are_put_together(void)
{
    for (imnn_dtype d = IMNN_F32; d <= IMNN_F64; d++) {
        const row two = {.id = IMNN_OP_complex, .inputs = 2};
        fill(&two, d);
        for (int64_t n = 1; n < 70; n += 3) {
            memset(output, 77, sizeof output);
            call(imnn_map_find(IMNN_OP_complex, d), output, &two, d, 0, n);
            const size_t size = imnn_dtype_size(d);
            for (int64_t k = 0; k < n; k++)
                for (int p = 0; p < 2; p++)
                    CHECK(!memcmp(output + (size_t)(2 * k + p) * size, input[p] + (size_t)k * size,
                                  size));
            CHECK(output[(size_t)(2 * n) * size] == 77);
        }
    }
    return 0;
}

/* Any length from anywhere gives the bits that a long run gives, and writes nothing behind. */
static int rests_have_the_same_bits(imnn_isa isa, const row *r, imnn_dtype dtype)
{
    imnn_map_kernel *kernel = imnn_map_find(r->id, dtype);
    const imnn_dtype gives = output_dtype(r, dtype);
    const int64_t size = (int64_t)imnn_dtype_size(gives);
    call(kernel, output, r, dtype, 0, N);
    for (int64_t n = 1; n <= 70; n++)
        for (int64_t at = 0; at + n <= N; at += 97 * n + 1) {
            memset(other, 77, sizeof other);
            call(kernel, other, r, dtype, at, n);
            if (!same(gives, other, output + at * size, n) || other[n * size] != 77)
                return printf("%s %s %s: %d elements from %d on differ\n", imnn_isa_name(isa),
                              imnn_dtype_name(dtype), r->name, (int)n, (int)at),
                       1;
        }
    return 0;
}

/* Strides: against one call for every element. */
static int strides_are_followed(imnn_isa isa, const row *r, imnn_dtype dtype)
{
    static const int64_t size[][3] = {{2, 3, 19}, {1, 5, 3}, {4, 1, 2}, {3, 7, 1}, {1, 1, 1},
                                      {2, 2, 70}, {3, 0, 4}, {5, 1, 1}, {2, 9, 16}};
    imnn_map_kernel *kernel = imnn_map_find(r->id, dtype);
    const imnn_dtype gives = output_dtype(r, dtype);
    const int64_t bytes = (int64_t)imnn_dtype_size(gives);
    for (int trial = 0; trial < 200; trial++) {
        const int64_t *n = size[noise() % (sizeof size / sizeof size[0])];
        const bool gaps = noise() % 3 == 0;
        imnn_operand in[INPUTS] = {{0}};
        imnn_operand out = {output, {n[1] * (n[2] + gaps) + gaps, n[2] + gaps, 1}};
        for (int i = 0; i < r->inputs; i++) {
            const int64_t step[3] = {out.s[0], out.s[1], 1};
            in[i].p = input[i];
            for (int a = 0; a < 3; a++) in[i].s[a] = noise() % 3 ? step[a] : 0;
            if (noise() % 4 == 0) in[i].s[1] = (int64_t)(noise() % 5), in[i].s[0] = 40;
        }
        memset(output, 77, 4096), memset(other, 77, 4096);
        imnn_map_run(kernel, r->inputs, n, &out, in);
        for (int64_t i = 0; i < n[0]; i++)
            for (int64_t j = 0; j < n[1]; j++)
                for (int64_t k = 0; k < n[2]; k++) {
                    imnn_operand one[INPUTS] = {{0}};
                    imnn_operand to = {other + (i * out.s[0] + j * out.s[1] + k) * bytes,
                                       {1, 1, 1}};
                    for (int o = 0; o < r->inputs; o++) {
                        const int64_t *s = in[o].s;
                        const size_t item = imnn_dtype_size(input_dtype(r, dtype, o));
                        one[o].p = input[o] + (size_t)(i * s[0] + j * s[1] + k * s[2]) * item;
                    }
                    imnn_map_run(kernel, r->inputs, (const int64_t[]){1, 1, 1}, &to, one);
                }
        if (!same(gives, output, other, 4096 / bytes))
            return printf("%s %s %s: strides in trial %d\n", imnn_isa_name(isa),
                          imnn_dtype_name(dtype), r->name, trial),
                   1;
    }
    return 0;
}

static int results_may_lie_on_inputs(const row *r, imnn_dtype dtype)
{
    const imnn_dtype gives = output_dtype(r, dtype);
    const size_t bytes = 1003 * imnn_dtype_size(gives);
    call(imnn_map_find(r->id, dtype), output, r, dtype, 0, 1003);
    for (int i = 0; i < r->inputs; i++) {
        if (input_dtype(r, dtype, i) != gives) continue;
        memcpy(other, input[i], bytes);
        call(imnn_map_find(r->id, dtype), input[i], r, dtype, 0, 1003);
        CHECK(same(gives, input[i], output, 1003));
        memcpy(input[i], other, bytes);
    }
    return 0;
}

static int rows_work(imnn_isa isa)
{
    for (int i = 0; i < ROWS; i++)
        for (imnn_dtype d = 0; d < IMNN_NDTYPE; d++) {
            const row *r = rows + i;
            CHECK(!imnn_map_find(r->id, d) == !(r->dtypes >> d & 1));
            if (!imnn_map_find(r->id, d)) continue;
            fill(r, d);
            if ((imnn_is_complex(d) ? complex_values_are_right(isa, r, d)
                                    : values_are_right(isa, r, d)) ||
                rests_have_the_same_bits(isa, r, d) || strides_are_followed(isa, r, d) ||
                results_may_lie_on_inputs(r, d))
                return 1;
        }
    CHECK(!imnn_map_find(IMNN_OP_matmul, IMNN_F32) && !imnn_map_find(-1, IMNN_F32));
    return 0;
}

/* The fused pair gives the bits of its two parts. */
static int selections_are_pairs(void)
{
    static uint8_t mask[N];
    for (int i = 0; i < ROWS; i++)
        for (imnn_dtype d = 0; d < IMNN_NDTYPE; d++) {
            row compare = rows[i], four = {.inputs = 4};
            imnn_map_kernel *select = imnn_map_find_select(compare.id, d);
            CHECK(!select == !(compare.inputs == 2 && compare.truth && d <= IMNN_F64));
            if (!select) continue;
            fill(&four, d);
            for (int64_t n = 1; n < 300; n += 1 + n / 3) {
                const int64_t one_run[3] = {1, 1, n};
                call(imnn_map_find(compare.id, d), mask, &compare, d, 0, n);
                const imnn_operand in[3] = {
                    {mask, {n, n, 1}}, {input[2], {n, n, 1}}, {input[3], {n, n, 1}}};
                imnn_map_run(imnn_map_find(IMNN_OP_where, d), 3, one_run,
                             &(imnn_operand){output, {n, n, 1}}, in);
                call(select, other, &four, d, 0, n);
                CHECK(same(d, output, other, n));
            }
        }
    return 0;
}

/* Fused arithmetic gives the bits of one operator after the other. */
static int fused_are_compositions(void)
{
    static const int op[] = {IMNN_OP_mul, IMNN_OP_add, IMNN_OP_sub};
    static _Alignas(64) char left[16 * N], right[16 * N];
    const row four = {.inputs = 4}, three = {.inputs = 3};
    for (imnn_dtype d = 0; d < IMNN_NDTYPE; d++)
        for (int i = 0; i < 3 * 3 * 5; i++) {
            const int a = op[i % 3], o = op[i / 3 % 3], b = i / 9 < 3 ? op[i / 9] : -1;
            const bool less = i / 9 == 4;
            imnn_map_kernel *fused = imnn_map_find_fused(a, o, b, less, d, NULL);
            CHECK(!fused == (d > IMNN_F64));
            if (!fused) continue;
            fill(&four, d);
            for (int64_t n = 1; n < 300; n += 1 + n / 3) {
                const int64_t one_run[3] = {1, 1, n}, s = 1;
                const imnn_operand first[2] = {{input[0], {n, n, s}}, {input[1], {n, n, s}}};
                const imnn_operand second[2] = {{input[2], {n, n, s}}, {input[3], {n, n, s}}};
                imnn_operand both[2] = {{left, {n, n, s}}, {b < 0 ? input[2] : right, {n, n, s}}};
                imnn_map_run(imnn_map_find(a, d), 2, one_run, &both[0], first);
                if (b >= 0) imnn_map_run(imnn_map_find(b, d), 2, one_run, &both[1], second);
                if (less) both[0].p = input[2], both[1].p = left;
                imnn_map_run(imnn_map_find(o, d), 2, one_run, &(imnn_operand){output, {n, n, s}},
                             both);
                call(fused, other, b < 0 ? &three : &four, d, 0, n);
                CHECK(same(d, output, other, n));
            }
        }
    CHECK(!imnn_map_find_fused(IMNN_OP_div, IMNN_OP_add, -1, false, IMNN_F32, NULL));
    return 0;
}

static real converted(real x, imnn_dtype to)
{
    if (to == IMNN_BOOL) return x != 0;
    if (to == IMNN_F32) return (float)x;
    if (to == IMNN_F64) return (double)x;
    if (isnan(x)) return 0;
    const real least = to == IMNN_I32 ? -0x1p31L : 0, most = to == IMNN_I32 ? 0x1p31L : 0x1p32L;
    return x <= least ? least : x >= most ? most - 1 : truncl(x);
}

static int conversions_are_right(void)
{
    for (imnn_dtype from = 0; from <= IMNN_BOOL; from++)
        for (imnn_dtype to = 0; to <= IMNN_BOOL; to++) {
            const row r = {.inputs = 1};
            const int64_t size = (int64_t)imnn_dtype_size(to);
            imnn_map_kernel *kernel = imnn_map_find_convert(from, to);
            fill(&r, from);
            call(kernel, output, &r, from, 0, N);
            for (int k = 0; k < N; k++) {
                real x = get(input[0], from, k), expected = converted(x, to);
                if (from == IMNN_I32 && to == IMNN_U32) expected = (uint32_t)(int32_t)x;
                if (from == IMNN_U32 && to == IMNN_I32) expected = (int32_t)(uint32_t)x;
                const real y = get(output, to, k);
                if (y != expected && !(isnan(y) && isnan(expected)))
                    return printf("%s to %s: %Lg gives %Lg\n", imnn_dtype_name(from),
                                  imnn_dtype_name(to), x, y),
                           1;
            }
            for (int64_t n = 1; n <= 70; n++) {
                memset(other, 77, sizeof other);
                call(kernel, other, &r, from, n, n);
                CHECK(same(to, other, output + n * size, n) && other[n * size] == 77);
            }
        }
    return 0;
}

static int copies_follow_strides(void)
{
    for (int k = 0; k < 2 * N; k++) memcpy(input[0] + 8 * k, (uint64_t[]){noise()}, 8);
    for (int trial = 0; trial < 500; trial++) {
        const size_t size = (size_t[]){1, 4, 8, 16}[trial % 4];
        const int64_t n[3] = {(int64_t)(noise() % 4), (int64_t)(noise() % 40),
                              (int64_t)(noise() % 40)};
        int64_t s[3] = {(int64_t)(noise() % 50), (int64_t)(noise() % 50), (int64_t)(noise() % 50)};
        if (noise() % 2) s[noise() % 3] = 1;
        const imnn_operand in = {input[0], {s[0], s[1], s[2]}};
        imnn_map_run(imnn_map_find_copy(size), 1, n,
                     &(imnn_operand){output, {n[1] * n[2], n[2], 1}}, &in);
        for (int64_t e = 0; e < n[0] * n[1] * n[2]; e++) {
            const int64_t i = e / (n[1] * n[2]), j = e / n[2] % n[1], k = e % n[2];
            const int64_t at = i * s[0] + j * s[1] + k * s[2];
            CHECK(!memcmp(output + (size_t)e * size, input[0] + (size_t)at * size, size));
        }
    }
    CHECK(!imnn_map_find_copy(2));
    return 0;
}

int main(void)
{
    for (int isa = 0; isa <= (int)imnn_cpu_isa(); isa++) {
        imnn_test_isa(isa);
        if (rows_work((imnn_isa)isa) || selections_are_pairs() || fused_are_compositions() ||
            conversions_are_right() || complex_limits_are_right() || parts_are_put_together())
            return 1;
    }
    return copies_follow_strides();
}
