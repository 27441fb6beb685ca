#ifndef CORE_FFT_H
#define CORE_FFT_H
#include "core/array/array.h"

/** Complex to complex, forward and backward; real to the non-redundant half, and back. */
typedef enum imnn_fft_kind { IMNN_FFT, IMNN_IFFT, IMNN_RFFT, IMNN_IRFFT } imnn_fft_kind;

/** How to transform arrays of a shape: FFTW's plans. Any thread may use it. */
typedef struct imnn_fft imnn_fft;

/** Whether FFTW is there for numbers whose parts are f32 or f64; it is loaded then.
 *  fails  EIO */
imnn_status imnn_fft_load(imnn_dtype part);
/** The plans for real shape n (1 to 8 axes) with `inner` elements behind each of its elements, over
 * which the transform is repeated. Plans are kept, so that asking again costs nothing; to be given
 * back. NULL: no memory, no library. */
imnn_fft *imnn_fft_get(imnn_fft_kind kind, imnn_dtype part, const imnn_shape *n, int64_t inner);
void imnn_fft_release(imnn_fft *f);

/** Transform `count` arrays, one behind the other, and multiply by `scale`. The bits of an array
 * depend neither on the count nor on where it lies. false: no memory */
bool imnn_fft_run(const imnn_fft *f, void *out, const void *in, int64_t count, double scale);
#endif
