/* Windows over spatial axes: what convolutions and pooling share. */
#include "core/ops/window.h"

static const int64_t most = 1 << 30;

static bool is_side(const struct imnn_side *a)
{
    return a->window >= 1 && a->window < most && a->stride >= 1 && a->stride < most &&
           a->low > -most && a->low < most && a->high > -most && a->high < most && a->base >= 1 &&
           a->base < most && a->dilation >= 1 && a->dilation < most && a->size < most;
}

static int64_t dilated(int64_t size, int64_t by) { return size ? (size - 1) * by + 1 : 0; }

imnn_status imnn_window_of(imnn_window *w, const char *who, int64_t n, const int64_t *v,
                           const imnn_shape *s)
{
    *w = (imnn_window){.n = (int)n};
    for (int d = 0; d < 3; d++)
        w->side[d] = (struct imnn_side){
            .size = 1, .window = 1, .places = 1, .stride = 1, .base = 1, .dilation = 1};
    if (n < 0 || n > 3 || s->ndim < n + 1)
        return imnn_fail(IMNN_ESHAPE, "%s: needs up to 3 spatial axes and channels, got %lld in %s",
                         who, (long long)n, imnn_shape_text(s).s);
    for (int d = 0; d < n; d++, v += IMNN_SIDE_NUMBERS) {
        struct imnn_side *a = &w->side[3 - n + d];
        *a = (struct imnn_side){.size = s->size[s->ndim - 1 - n + d],
                                .window = v[0],
                                .stride = v[1],
                                .low = v[2],
                                .high = v[3],
                                .base = v[4],
                                .dilation = v[5]};
        if (!is_side(a))
            return imnn_fail(
                IMNN_EVALUE,
                "%s: windows, strides and dilations are at least 1, paddings between "
                "-2^30 and 2^30; spatial axis %d has window %lld, stride %lld, padding "
                "%lld and %lld, dilations %lld and %lld",
                who, d + 1, (long long)a->window, (long long)a->stride, (long long)a->low,
                (long long)a->high, (long long)a->base, (long long)a->dilation);
        const int64_t room =
            dilated(a->size, a->base) + a->low + a->high - dilated(a->window, a->dilation);
        a->places = room < 0 ? 0 : room / a->stride + 1;
    }
    return IMNN_OK;
}

void imnn_window_transposed(int64_t *v, const imnn_window *w)
{
    for (int d = 3 - w->n; d < 3; d++, v += IMNN_SIDE_NUMBERS) {
        const struct imnn_side *a = &w->side[d];
        const int64_t size = dilated(a->size, a->base), window = dilated(a->window, a->dilation),
                      places = dilated(a->places, a->stride), low = window - 1 - a->low;
        v[0] = a->window, v[1] = a->base, v[2] = low, v[3] = size - places + window - 1 - low;
        v[4] = a->stride, v[5] = a->dilation;
    }
}
