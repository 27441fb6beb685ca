/* Bytes that grow. */
#include "core/simulate/simulate.h"
#include <string.h>

bool imnn_bytes_reserve(imnn_bytes *b, size_t more)
{
    if (b->size + more <= b->room) return true;
    size_t room = b->room ? 2 * b->room : 256;
    if (room < b->size + more) room = b->size + more;
    char *data = imnn_alloc_raw(room);
    if (!data) return false;
    if (b->size) memcpy(data, b->data, b->size);
    imnn_free(b->data, b->room);
    b->data = data, b->room = room;
    return true;
}

bool imnn_bytes_add(imnn_bytes *b, const void *data, size_t size)
{
    if (!imnn_bytes_reserve(b, size)) return false;
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
    return true;
}

void imnn_bytes_free(imnn_bytes *b)
{
    imnn_free(b->data, b->room);
    *b = (imnn_bytes){0};
}
