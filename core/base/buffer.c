/* A growing text. */
#include "core/base/base.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool grow(imnn_buffer *b, size_t length)
{
    size_t room = b->room ? 2 * b->room : 256;
    while (room <= length) room *= 2;
    char *text = imnn_alloc(room);
    if (!text) return false;
    if (b->text) memcpy(text, b->text, b->length);
    imnn_free(b->text, b->room);
    b->text = text, b->room = room;
    return true;
}

static void give_up(imnn_buffer *b)
{
    imnn_buffer_free(b);
    b->failed = true;
}

void imnn_print(imnn_buffer *b, const char *format, ...)
{
    va_list args;
    if (b->failed) return;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || (b->length + (size_t)n >= b->room && !grow(b, b->length + (size_t)n))) {
        give_up(b);
        return;
    }
    va_start(args, format);
    b->length += (size_t)vsnprintf(b->text + b->length, b->room - b->length, format, args);
    va_end(args);
}

void imnn_buffer_free(imnn_buffer *b)
{
    imnn_free(b->text, b->room);
    *b = (imnn_buffer){0};
}
