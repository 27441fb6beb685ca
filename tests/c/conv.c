/* Convolutions of every kind against sums as the definition has them, on every instruction set;
 * examples one by one and all at once have the same bytes. */
#include "core/kernels/conv.h"
#include "core/kernels/isa.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

static int64_t below(int64_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((state >> 33) % (uint64_t)n);
}

static double get(imnn_dtype dtype, const char *p, int64_t i)
{
    return dtype == IMNN_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static char *some(imnn_dtype dtype, int64_t n)
{
    char *p = malloc((size_t)n * imnn_dtype_size(dtype) + 1);
    for (int64_t i = 0; i < n; i++) {
        const double x = (double)below(2001) / 1000 - 1;
        if (dtype == IMNN_F32) ((float *)p)[i] = (float)x;
        else ((double *)p)[i] = x;
    }
    return p;
}

static double *zeros(int64_t n) { return calloc((size_t)n + 1, sizeof(double)); }

typedef struct sizes {
    int64_t elements, taps, places, in, out; /* in, out: channels of a group */
} sizes;

/** sums[y] += x w or, with cotangents dy in y, sums[w] += x dy; bounds with absolute values. */
static void add_all(const imnn_conv *c, const sizes *n, double *sums, double *bounds, const char *x,
                    const char *w, const char *y)
{
    const struct imnn_side *s = c->window.side;
    for (int64_t p = 0; p < n->places; p++)
        for (int64_t t = 0; t < n->taps; t++) {
            const int64_t i2 = imnn_window_meets(&s[2], p % s[2].places, t % s[2].window);
            const int64_t p1 = p / s[2].places, t1 = t / s[2].window;
            const int64_t i1 = imnn_window_meets(&s[1], p1 % s[1].places, t1 % s[1].window);
            const int64_t i0 = imnn_window_meets(&s[0], p1 / s[1].places, t1 / s[1].window);
            if (i0 < 0 || i1 < 0 || i2 < 0) continue;
            const int64_t e = (i0 * s[1].size + i1) * s[2].size + i2;
            for (int64_t o = 0; o < c->out; o++)
                for (int64_t i = 0; i < n->in; i++) {
                    const int64_t at_w = (t * n->in + i) * c->out + o, at_y = p * c->out + o;
                    const double v = get(c->dtype, x, e * c->in + o / n->out * n->in + i) *
                                     (w ? get(c->dtype, w, at_w) : get(c->dtype, y, at_y));
                    sums[w ? at_y : at_w] += v, bounds[w ? at_y : at_w] += fabs(v);
                }
        }
}

static int differ(const imnn_conv *c, const char *what, const char *got, const double *sums,
                  const double *bounds, int64_t n, double terms)
{
    const double eps = c->dtype == IMNN_F32 ? 0x1p-23 : 0x1p-52;
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(get(c->dtype, got, i) - sums[i]) <= eps * terms * bounds[i])) {
            printf("conv: %s, %s, groups %d, %d to %d channels:", what, imnn_dtype_name(c->dtype),
                   (int)c->groups, (int)c->in, (int)c->out);
            for (int d = 0; d < 3; d++) {
                const struct imnn_side *s = &c->window.side[d];
                printf(" (%d; %d, %d, %d, %d, %d, %d)", (int)s->size, (int)s->window,
                       (int)s->stride, (int)s->low, (int)s->high, (int)s->base, (int)s->dilation);
            }
            printf(": number %d is %g, not %g\n", (int)i, get(c->dtype, got, i), sums[i]);
            return 1;
        }
    return 0;
}

static int check_forward(const imnn_conv *c, const sizes *n, int64_t examples)
{
    const int64_t size = (int64_t)imnn_dtype_size(c->dtype), y_count = n->places * c->out,
                  x_count = n->elements * c->in;
    char *x = some(c->dtype, examples * x_count), *w = some(c->dtype, n->taps * n->in * c->out);
    char *y = some(c->dtype, examples * y_count), *one = some(c->dtype, y_count);
    int bad = !imnn_conv_forward(c, y, x, w, examples);
    for (int64_t e = 0; e < examples && !bad; e++) {
        double *sums = zeros(y_count), *bounds = zeros(y_count);
        const char *at = y + e * y_count * size;
        add_all(c, n, sums, bounds, x + e * x_count * size, w, NULL);
        bad = differ(c, "y", at, sums, bounds, y_count, (double)(n->taps * n->in));
        imnn_conv_forward(c, one, x + e * x_count * size, w, 1);
        if (memcmp(one, at, (size_t)(y_count * size)))
            bad = printf("conv: other bytes for one example than for %d\n", (int)examples);
        free(sums), free(bounds);
    }
    free(x), free(w), free(y), free(one);
    return bad != 0;
}

static int check_filter(const imnn_conv *c, const sizes *n, int64_t examples, bool accumulate)
{
    const int64_t size = (int64_t)imnn_dtype_size(c->dtype), y_count = n->places * c->out,
                  x_count = n->elements * c->in, w_count = n->taps * n->in * c->out;
    char *x = some(c->dtype, examples * x_count), *dy = some(c->dtype, examples * y_count);
    char *dw = some(c->dtype, w_count), *singly = malloc((size_t)(w_count * size) + 1);
    double *sums = zeros(w_count), *bounds = zeros(w_count);
    memcpy(singly, dw, (size_t)(w_count * size));
    for (int64_t i = 0; i < w_count && accumulate; i++)
        sums[i] = get(c->dtype, dw, i), bounds[i] = fabs(sums[i]);
    int bad = !imnn_conv_filter(c, dw, x, dy, examples, accumulate);
    for (int64_t e = 0; e < examples; e++) {
        const char *x_e = x + e * x_count * size, *dy_e = dy + e * y_count * size;
        add_all(c, n, sums, bounds, x_e, NULL, dy_e);
        imnn_conv_filter(c, singly, x_e, dy_e, 1, accumulate || e > 0);
    }
    if (!bad) bad = differ(c, "dw", dw, sums, bounds, w_count, (double)(n->places * examples + 1));
    if (memcmp(dw, singly, (size_t)(w_count * size)))
        bad = printf("conv: other bytes for the examples one after the other\n");
    free(x), free(dy), free(dw), free(singly), free(sums), free(bounds);
    return bad != 0;
}

/* Sizes of up to three axes; long: lines that are cut. */
static bool make(imnn_conv *c, sizes *n, bool is_long)
{
    int64_t v[3 * IMNN_SIDE_NUMBERS], *next = v;
    imnn_shape s = {.ndim = (int32_t)below(3) + 1};
    const int64_t spatial = s.ndim;
    for (int d = 0; d < spatial; d++, next += IMNN_SIDE_NUMBERS) {
        s.size[d] = 1 + below(spatial == 3 ? 6 : 14);
        if (is_long && d == spatial - 1) s.size[d] = 3000 + below(1000);
        next[0] = 1 + below(4), next[1] = 1 + below(2) * below(3);
        next[2] = below(4) - 1, next[3] = below(4) - 1;
        next[4] = 1 + below(2) * below(4), next[5] = 1 + below(2) * below(3);
    }
    static const int64_t some_groups[] = {1, 1, 1, 2, 3, 5, 16};
    c->groups = some_groups[below(7)];
    n->in = 1 + (below(3) ? below(3) : below(20)), n->out = 1 + (below(3) ? below(3) : below(40));
    if (is_long) n->in = 12, n->out = 2, c->groups = 1;
    c->in = n->in * c->groups, c->out = n->out * c->groups, s.size[s.ndim++] = c->in;
    if (imnn_window_of(&c->window, "conv", spatial, v, &s) != IMNN_OK) return false;
    n->elements = IMNN_WINDOW_COUNT(&c->window, size);
    n->taps = IMNN_WINDOW_COUNT(&c->window, window);
    n->places = IMNN_WINDOW_COUNT(&c->window, places);
    return true;
}

int main(void)
{
    int bad = 0;
    for (imnn_isa isa = IMNN_SSE2; isa <= imnn_cpu_isa(); isa++) {
        imnn_test_isa((int)isa);
        for (int i = 0; i < 300 && bad < 5; i++) {
            imnn_conv c = {.dtype = i % 2 ? IMNN_F64 : IMNN_F32};
            sizes n;
            if (!make(&c, &n, i % 100 == 0)) continue;
            const int64_t examples = i % 100 ? 1 + below(4) : 1;
            bad += check_forward(&c, &n, examples) + check_filter(&c, &n, examples, below(2));
        }
    }
    if (imnn_live_bytes() != 0) bad = printf("conv: memory is left\n");
    return bad > 0;
}
