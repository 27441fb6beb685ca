/* Grids folded with kernels by Fourier transforms. */
#include "core/fft/fft.h"
#include "core/lfi/density.h"
#include <string.h>

/* The next of 1, 5/4, 3/2 times a power of two: few sizes, since plans are kept. */
static int size_of(int least)
{
    int n = 8;
    while (n < least) n *= 2;
    return n / 8 * 5 >= least ? n / 8 * 5 : n / 4 * 3 >= least ? n / 4 * 3 : n;
}

imnn_status imnn_circle_new(imnn_circle *c, int axes, const int *least)
{
    *c =
        (imnn_circle){.axes = axes, .size = {size_of(least[0]), axes == 2 ? size_of(least[1]) : 1}};
    imnn_shape shape = {axes, {c->size[0], c->size[1]}};
    const size_t last = (size_t)c->size[axes - 1], lines = axes == 2 ? (size_t)c->size[0] : 1;
    const size_t real = lines * last, half = lines * (last / 2 + 1) * 2;
    imnn_status st = imnn_fft_load(IMNN_F64);
    if (st != IMNN_OK) return st;
    c->bytes = (real + 2 * half) * sizeof(double);
    c->real = imnn_alloc_raw(c->bytes);
    c->forward = imnn_fft_get(IMNN_RFFT, IMNN_F64, &shape, 1);
    c->backward = imnn_fft_get(IMNN_IRFFT, IMNN_F64, &shape, 1);
    if (c->real && c->forward && c->backward) {
        c->spectrum = c->real + real, c->kernel = c->spectrum + half;
        return IMNN_OK;
    }
    imnn_circle_release(c);
    return imnn_fail(IMNN_ENOMEM, "kde: out of memory");
}

void imnn_circle_release(imnn_circle *c)
{
    if (c->real) imnn_free(c->real, c->bytes);
    imnn_fft_release(c->forward);
    imnn_fft_release(c->backward);
    *c = (imnn_circle){0};
}

static imnn_status run(const imnn_fft *f, double *out, const double *in, double scale)
{
    return imnn_fft_run(f, out, in, 1, scale) ? IMNN_OK
                                              : imnn_fail(IMNN_ENOMEM, "kde: out of memory");
}

imnn_status imnn_circle_data(imnn_circle *c) { return run(c->forward, c->spectrum, c->real, 1); }

imnn_status imnn_circle_fold(imnn_circle *c)
{
    const int64_t n = c->kernel - c->spectrum;
    imnn_status st = run(c->forward, c->kernel, c->real, 1);
    if (st != IMNN_OK) return st;
    for (int64_t i = 0; i < n; i += 2) {
        const double *const a = c->spectrum + i, re = c->kernel[i], im = c->kernel[i + 1];
        c->kernel[i] = a[0] * re - a[1] * im;
        c->kernel[i + 1] = a[0] * im + a[1] * re;
    }
    return run(c->backward, c->real, c->kernel, 1 / ((double)c->size[0] * c->size[1]));
}
