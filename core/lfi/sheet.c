/* Growing tables of doubles. */
#include "core/lfi/sampler.h"
#include <string.h>

static imnn_status grow(imnn_sheet *r, int64_t room)
{
    const size_t width = (size_t)r->width * sizeof(double);
    double *x = imnn_alloc_raw((size_t)room * width);
    if (!x) return IMNN_ENOMEM;
    if (r->n) memcpy(x, r->x, (size_t)r->n * width);
    imnn_free(r->x, (size_t)r->room * width);
    r->x = x, r->room = room;
    return IMNN_OK;
}

imnn_status imnn_sheet_resize(imnn_sheet *r, int64_t n)
{
    const int64_t room = n > 2 * r->room ? n : 2 * r->room;
    if (n > r->room && grow(r, room > 16 ? room : 16) != IMNN_OK) return IMNN_ENOMEM;
    r->n = n;
    return IMNN_OK;
}

double *imnn_sheet_add(imnn_sheet *r)
{
    if (imnn_sheet_resize(r, r->n + 1) != IMNN_OK) return NULL;
    return r->x + (r->n - 1) * r->width;
}

imnn_status imnn_sheet_copy(imnn_sheet *to, const imnn_sheet *from)
{
    if (imnn_sheet_resize(to, from->n) != IMNN_OK) return IMNN_ENOMEM;
    if (from->n) memcpy(to->x, from->x, (size_t)(from->n * from->width) * sizeof *to->x);
    return IMNN_OK;
}

void imnn_sheet_free(imnn_sheet *r)
{
    imnn_free(r->x, (size_t)(r->room * r->width) * sizeof *r->x);
    r->x = NULL, r->n = r->room = 0;
}
