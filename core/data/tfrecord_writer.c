/* Writing files of records: each has a temporary name until it is whole. */
#include "core/base/replace.h"
#include "core/data/tfrecord.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { ROOM = 1 << 18, MOST_DIGITS = 18 };

struct imnn_tfrecord_writer {
    char *stem;
    double most; /* bytes of a file, but for the record that makes it longer */
    int digits;
    int64_t count; /* files that are whole */
    FILE *file;    /* the one that is not; NULL: there is none */
    char *buffer;
    imnn_tfrecord_packing packing;
    z_stream packer; /* of the file, if it is packed */
    uint8_t *packed; /* what comes out of it */
    int64_t written;
    imnn_buffer name;
    imnn_replace replace; /* of the file */
};

imnn_status imnn_tfrecord_writer_new(imnn_tfrecord_writer **out, const char *stem, double bytes,
                                     int32_t digits, imnn_tfrecord_packing packing)
{
    *out = NULL;
    if (!*stem || !(bytes >= 0) || digits < 0 || digits > MOST_DIGITS)
        return imnn_fail(IMNN_EVALUE,
                         "tfrecord: needs a name, a size that is not negative and 0 to "
                         "%d digits, got \"%s\", %g bytes and %d",
                         MOST_DIGITS, stem, bytes, digits);
    size_t length = strlen(stem) + 1;
    imnn_tfrecord_writer *w = imnn_alloc(sizeof *w);
    if (!w) return IMNN_ENOMEM;
    if ((w->stem = imnn_alloc(length))) memcpy(w->stem, stem, length);
    if (w->stem) w->buffer = imnn_alloc_raw(ROOM);
    if (w->buffer && packing) w->packed = imnn_alloc_raw(ROOM);
    if (!w->buffer || (packing && !w->packed)) return imnn_tfrecord_writer_release(w), IMNN_ENOMEM;
    w->most = bytes, w->digits = digits, w->packing = packing;
    *out = w;
    return IMNN_OK;
}

int64_t imnn_tfrecord_writer_count(const imnn_tfrecord_writer *w) { return w->count; }

const char *imnn_tfrecord_writer_path(imnn_tfrecord_writer *w, int64_t file)
{
    w->name.length = 0;
    if (w->digits) imnn_print(&w->name, "%s_%0*lld.tfrecords", w->stem, w->digits, (long long)file);
    else imnn_print(&w->name, "%s", w->stem);
    if (w->name.failed) return w->name = (imnn_buffer){0}, NULL;
    return w->name.text;
}

static imnn_status failed(const imnn_tfrecord_writer *w)
{
    return imnn_fail(IMNN_EIO, "tfrecord: %s: does not write: %s", w->replace.path,
                     strerror(errno));
}

static imnn_status begin_file(imnn_tfrecord_writer *w)
{
    const char *path = imnn_tfrecord_writer_path(w, w->count);
    if (!path) return IMNN_ENOMEM;
    imnn_status st = imnn_replace_begin(&w->replace, "tfrecord", path);
    if (st != IMNN_OK) return st;
    w->file = fopen(w->replace.temporary, "wbe");
    if (!w->file) return st = failed(w), imnn_replace_abandon(&w->replace), st;
    setvbuf(w->file, w->buffer, _IOFBF, ROOM);
    w->written = 0;
    if (!w->packing) return IMNN_OK;
    w->packer = (z_stream){0};
    int form = w->packing == IMNN_GZIP ? MAX_WBITS + 16 : MAX_WBITS;
    if (deflateInit2(&w->packer, Z_DEFAULT_COMPRESSION, Z_DEFLATED, form, 8, Z_DEFAULT_STRATEGY) ==
        Z_OK)
        return IMNN_OK;
    st = imnn_fail(IMNN_ENOMEM, "tfrecord: %s: no memory to pack", path);
    fclose(w->file);
    w->file = NULL;
    imnn_replace_abandon(&w->replace);
    return st;
}

static bool put_plain(imnn_tfrecord_writer *w, const void *bytes, size_t n)
{
    w->written += (int64_t)n;
    return !n || fwrite(bytes, 1, n, w->file) == n;
}

static bool put_packed(imnn_tfrecord_writer *w, const uint8_t *bytes, size_t n, int flush)
{
    z_stream *z = &w->packer;
    for (int end = Z_OK;;) {
        if (z->avail_in == 0 && n) {
            size_t some = n < ROOM ? n : ROOM;
            z->next_in = (uint8_t *)(uintptr_t)bytes, z->avail_in = (uInt)some; /* only read */
            bytes += some, n -= some;
        }
        z->next_out = w->packed, z->avail_out = ROOM;
        end = deflate(z, n ? Z_NO_FLUSH : flush);
        if (!put_plain(w, w->packed, ROOM - z->avail_out)) return false;
        if (flush == Z_FINISH ? end == Z_STREAM_END : n == 0 && z->avail_in == 0 && z->avail_out)
            return true;
    }
}

static bool put_bytes(imnn_tfrecord_writer *w, const void *bytes, size_t n)
{
    return w->packing ? put_packed(w, bytes, n, Z_NO_FLUSH) : put_plain(w, bytes, n);
}

static void put(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> 8 * i);
}

imnn_status imnn_tfrecord_writer_add(imnn_tfrecord_writer *w, const void *bytes, size_t n)
{
    uint8_t head[12], tail[4];
    imnn_status st = w->file ? IMNN_OK : begin_file(w);
    if (st != IMNN_OK) return st;
    put(head, n, 8);
    put(head + 8, imnn_crc32c_masked(head, 8), 4);
    put(tail, imnn_crc32c_masked(bytes, n), 4);
    if (!put_bytes(w, head, sizeof head) || !put_bytes(w, bytes, n) ||
        !put_bytes(w, tail, sizeof tail))
        return failed(w);
    return (double)w->written > w->most ? imnn_tfrecord_writer_finish(w) : IMNN_OK;
}

static bool close_file(imnn_tfrecord_writer *w)
{
    if (!w->file) return false;
    if (w->packing) deflateEnd(&w->packer);
    bool error = fclose(w->file) != 0;
    w->file = NULL;
    return error;
}

imnn_status imnn_tfrecord_writer_finish(imnn_tfrecord_writer *w)
{
    if (!w->file && (w->digits || w->count)) return IMNN_OK;
    imnn_status st = w->file ? IMNN_OK : begin_file(w); /* one file is there, if without records */
    if (st != IMNN_OK) return st;
    bool error = w->packing && !put_packed(w, NULL, 0, Z_FINISH);
    error = close_file(w) || error;
    st = error ? failed(w) : imnn_replace_finish(&w->replace, "tfrecord");
    imnn_replace_abandon(&w->replace);
    w->count += st == IMNN_OK;
    return st;
}

void imnn_tfrecord_writer_release(imnn_tfrecord_writer *w)
{
    if (!w) return;
    close_file(w);
    imnn_replace_abandon(&w->replace);
    if (w->stem) imnn_free(w->stem, strlen(w->stem) + 1);
    if (w->buffer) imnn_free(w->buffer, ROOM);
    if (w->packed) imnn_free(w->packed, ROOM);
    imnn_buffer_free(&w->name);
    imnn_free(w, sizeof *w);
}
