/* Frames of records: what stands around their values, and is the same in a whole set but for the
 * integers that number them. Where it fits byte by byte, decoding gives what it gave before. */
#include "core/data/tfrecord.h"
#include <string.h>

void imnn_frame_take(imnn_record_frame *f, const uint8_t *payload, size_t n, const uint8_t *values,
                     size_t bytes)
{
    f->length = 0, f->numbers = 0;
    if (!bytes || n - bytes > IMNN_FRAME_BYTES) return;
    f->length = n, f->values = bytes;
    f->before = (size_t)(values - payload), f->behind = n - f->before - bytes;
    memcpy(f->bytes, payload, f->before);
    memcpy(f->bytes + f->before, values + bytes, f->behind);
    memset(f->masks, 255, f->before + f->behind);
}

void imnn_frame_number_at(imnn_record_frame *f, imnn_frame_number number, const uint8_t *payload,
                          const uint8_t *where)
{
    if (!f->length) return;
    number.n = 1, number.at = (size_t)(where - payload);
    for (const uint8_t *p = where; *p >= 128; p++) number.n++;
    if (number.at >= f->before) number.at -= f->values;
    memset(f->masks + number.at, 0, number.n);
    f->number[f->numbers++] = number;
}

/** Whether the n bytes there are this number. */
static bool is_written(const uint8_t *at, size_t n, uint64_t value)
{
    for (size_t k = 0; k < n; k++, value >>= 7)
        if (at[k] != ((value & 127) | (k + 1 < n ? 128 : 0))) return false;
    return !value;
}

static bool are_alike(const uint8_t *a, const uint8_t *b, const uint8_t *masks, size_t n)
{
    unsigned differ = 0;
    for (size_t k = 0; k < n; k++) differ |= (a[k] ^ b[k]) & masks[k];
    return !differ;
}

bool imnn_frame_fits(const imnn_record_frame *f, int64_t i, const uint8_t *payload, size_t n)
{
    if (!f->length || n != f->length) return false;
    for (int k = 0; k < f->numbers; k++) {
        const imnn_frame_number *m = f->number + k;
        const uint8_t *at = payload + m->at + (m->at < f->before ? 0 : f->values);
        const uint64_t value = (uint64_t)m->start + (uint64_t)(i / m->each % m->turn);
        if (!is_written(at, m->n, value)) return false;
    }
    return are_alike(payload, f->bytes, f->masks, f->before) &&
           are_alike(payload + n - f->behind, f->bytes + f->before, f->masks + f->before,
                     f->behind);
}
