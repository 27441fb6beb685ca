/* npz files, written. */
#include "core/base/replace.h"
#include "core/data/npy.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* PKWARE, "APPNOTE.TXT", version 6.3. Every member has room for sizes of 64 bits in its header, as
 * numpy writes it, and the time is that of the first day of zip: equal arrays give equal files. */
enum { LOCAL = 30, WIDE = 20, ENTRY = 46, ENTRY_WIDE = 28, BLOCK = 256 << 10, UTF8 = 1 << 11 };
enum { FIRST_DAY = 1 << 5 | 1, VERSION = 45, UNIX = 3 << 8 };

struct imnn_npz_writer {
    imnn_replace replace;
    int file;
    int64_t at, count; /* bytes so far, members so far */
    imnn_buffer names; /* ended by line breaks, to find one again */
    uint8_t *directory;
    size_t used, room;
};

static void put16(uint8_t *p, uint64_t v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static void put32(uint8_t *p, uint64_t v) { put16(p, v & 0xffff), put16(p + 2, v >> 16); }
static void put64(uint8_t *p, uint64_t v) { put32(p, v & 0xffffffff), put32(p + 4, v >> 32); }

imnn_status imnn_npz_create(imnn_npz_writer **out, const char *path)
{
    *out = NULL;
    imnn_npz_writer *w = imnn_alloc(sizeof *w);
    if (!w) return IMNN_ENOMEM;
    w->file = -1;
    imnn_status st = imnn_replace_begin(&w->replace, "npz", path);
    if (st == IMNN_OK && (w->file = open(w->replace.temporary, O_WRONLY | O_CLOEXEC)) < 0)
        st = imnn_fail(IMNN_EIO, "npz: %s: %s", path, strerror(errno));
    if (st == IMNN_OK) *out = w;
    else imnn_npz_abandon(w);
    return st;
}

void imnn_npz_abandon(imnn_npz_writer *w)
{
    if (!w) return;
    if (w->file >= 0) close(w->file);
    imnn_replace_abandon(&w->replace);
    imnn_buffer_free(&w->names);
    if (w->directory) imnn_free(w->directory, w->room);
    imnn_free(w, sizeof *w);
}

static imnn_status put(imnn_npz_writer *w, const void *bytes, size_t n)
{
    w->at += (int64_t)n;
    return npy_write_bytes(w->file, bytes, n, "npz", w->replace.path);
}

/* ---- a member ---- */

/** What the headers say. */
typedef struct member {
    char name[1024];
    size_t length;
    bool packed;
    uint32_t crc;
    int64_t begin, size, packed_size;
} member;

static void fill_common(uint8_t *p, const member *m)
{
    put16(p, VERSION), put16(p + 2, UTF8), put16(p + 4, m->packed ? Z_DEFLATED : 0);
    put16(p + 6, 0), put16(p + 8, FIRST_DAY), put32(p + 10, m->crc);
    put32(p + 14, UINT32_MAX), put32(p + 18, UINT32_MAX), put16(p + 22, m->length);
}

/** Its own header, in front of its bytes; returns the length. */
static size_t local_header(uint8_t *p, const member *m)
{
    put32(p, 0x04034b50), fill_common(p + 4, m), put16(p + 28, WIDE);
    memcpy(p + LOCAL, m->name, m->length);
    uint8_t *wide = p + LOCAL + m->length;
    put16(wide, 1), put16(wide + 2, 16), put64(wide + 4, (uint64_t)m->size);
    put64(wide + 12, (uint64_t)m->packed_size);
    return LOCAL + m->length + WIDE;
}

/** Its entry in the list at the end. */
static imnn_status add_entry(imnn_npz_writer *w, const member *m)
{
    size_t n = ENTRY + m->length + ENTRY_WIDE;
    if (w->used + n > w->room) {
        size_t room = 2 * (w->room + n);
        uint8_t *more = imnn_alloc(room);
        if (!more) return imnn_fail(IMNN_ENOMEM, "npz: %s: %s", w->replace.path, imnn_last_error());
        if (w->directory) memcpy(more, w->directory, w->used), imnn_free(w->directory, w->room);
        w->directory = more, w->room = room;
    }
    uint8_t *p = w->directory + w->used;
    memset(p, 0, ENTRY);
    put32(p, 0x02014b50), put16(p + 4, UNIX | VERSION), fill_common(p + 6, m);
    put16(p + 30, ENTRY_WIDE), put32(p + 38, (uint64_t)0100644 << 16), put32(p + 42, UINT32_MAX);
    memcpy(p + ENTRY, m->name, m->length);
    uint8_t *wide = p + ENTRY + m->length;
    put16(wide, 1), put16(wide + 2, 24), put64(wide + 4, (uint64_t)m->size);
    put64(wide + 12, (uint64_t)m->packed_size), put64(wide + 20, (uint64_t)m->begin);
    w->used += n, w->count++;
    return IMNN_OK;
}

static imnn_status pack(imnn_npz_writer *w, z_stream *s, const void *bytes, size_t n, int flush,
                        uint8_t *block)
{
    const uint8_t *p = bytes;
    for (int end = Z_OK;;) {
        if (s->avail_in == 0 && n) {
            size_t some = n < BLOCK ? n : BLOCK;
            s->next_in = (uint8_t *)(uintptr_t)p, s->avail_in = (uInt)some; /* only read */
            p += some, n -= some;
        }
        s->next_out = block, s->avail_out = BLOCK;
        end = deflate(s, n ? Z_NO_FLUSH : flush);
        imnn_status st = put(w, block, BLOCK - s->avail_out);
        if (st != IMNN_OK) return st;
        if (flush == Z_FINISH ? end == Z_STREAM_END : n == 0 && s->avail_in == 0 && s->avail_out)
            return IMNN_OK;
    }
}

static imnn_status put_packed(imnn_npz_writer *w, const char *header, size_t n, const imnn_array *x,
                              int level)
{
    z_stream s = {0};
    uint8_t *block = imnn_alloc_raw(BLOCK);
    if (!block || deflateInit2(&s, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        if (block) imnn_free(block, BLOCK);
        return imnn_fail(IMNN_ENOMEM, "npz: %s: no memory to compress", w->replace.path);
    }
    imnn_status st = pack(w, &s, header, n, Z_NO_FLUSH, block);
    if (st == IMNN_OK) st = pack(w, &s, x->data, x->bytes, Z_FINISH, block);
    deflateEnd(&s);
    imnn_free(block, BLOCK);
    return st;
}

static uint32_t checksum(const char *header, size_t n, const imnn_array *x)
{
    uLong crc = crc32(crc32(0, NULL, 0), (const uint8_t *)header, (uInt)n);
    for (size_t i = 0, some; i < x->bytes; i += some) {
        some = x->bytes - i < BLOCK ? x->bytes - i : BLOCK;
        crc = crc32(crc, (const uint8_t *)x->data + i, (uInt)some);
    }
    return (uint32_t)crc;
}

static imnn_status start(imnn_npz_writer *w, member *m, const char *name)
{
    m->length = strlen(name) + 4;
    if (m->length >= sizeof m->name || strchr(name, '\n'))
        return imnn_fail(IMNN_EIO, "npz: %s: a name is too long, or has several lines: \"%.60s\"",
                         w->replace.path, name);
    snprintf(m->name, sizeof m->name, "\n%s\n", name); /* as it stands in w->names */
    if (w->names.text && strstr(w->names.text, m->name))
        return imnn_fail(IMNN_EIO, "npz: %s: there is a \"%s\" already", w->replace.path, name);
    imnn_print(&w->names, "\n%s\n", name);
    snprintf(m->name, sizeof m->name, "%s.npy", name);
    return w->names.failed ? IMNN_ENOMEM : IMNN_OK;
}

imnn_status imnn_npz_write(imnn_npz_writer *w, const char *name, const imnn_array *x,
                           int32_t compression)
{
    char header[NPY_HEADER];
    uint8_t local[LOCAL + WIDE + sizeof((member *)0)->name];
    member m = {.packed = compression > 0 && compression <= 9, .begin = w->at};
    if (w->file < 0) return imnn_fail(IMNN_EIO, "npz: is finished");
    imnn_status st = start(w, &m, name);
    if (st != IMNN_OK) return st;
    size_t n = (size_t)npy_write_header(header, x), length;
    m.size = m.packed_size = (int64_t)(n + x->bytes);
    m.crc = checksum(header, n, x);
    st = put(w, local, length = local_header(local, &m));
    int64_t begin = w->at;
    if (st == IMNN_OK && m.packed) st = put_packed(w, header, n, x, compression);
    if (st == IMNN_OK && !m.packed) st = put(w, header, n);
    if (st == IMNN_OK && !m.packed) st = put(w, x->data, x->bytes);
    m.packed_size = w->at - begin;
    local_header(local, &m);
    if (st == IMNN_OK && pwrite(w->file, local, length, m.begin) != (ssize_t)length)
        st =
            imnn_fail(IMNN_EIO, "npz: %s: cannot be written: %s", w->replace.path, strerror(errno));
    return st == IMNN_OK ? add_entry(w, &m) : st;
}

/* ---- the end ---- */

/** In both forms: the one of 32 bits then says to look at the other. */
static imnn_status put_end(imnn_npz_writer *w)
{
    uint8_t p[56 + 20 + 22] = {0};
    const uint64_t begin = (uint64_t)w->at, count = (uint64_t)w->count;
    imnn_status st = w->used ? put(w, w->directory, w->used) : IMNN_OK;
    if (st != IMNN_OK) return st;
    put32(p, 0x06064b50), put64(p + 4, 44), put16(p + 12, VERSION), put16(p + 14, VERSION);
    put64(p + 24, count), put64(p + 32, count), put64(p + 40, w->used), put64(p + 48, begin);
    put32(p + 56, 0x07064b50), put64(p + 64, (uint64_t)w->at), put32(p + 72, 1);
    put32(p + 76, 0x06054b50), put16(p + 84, UINT16_MAX), put16(p + 86, UINT16_MAX);
    put32(p + 88, UINT32_MAX), put32(p + 92, UINT32_MAX);
    return put(w, p, sizeof p);
}

imnn_status imnn_npz_finish(imnn_npz_writer *w)
{
    if (w->file < 0) return imnn_fail(IMNN_EIO, "npz: is finished");
    imnn_status st = put_end(w);
    if (close(w->file) && st == IMNN_OK)
        st =
            imnn_fail(IMNN_EIO, "npz: %s: cannot be written: %s", w->replace.path, strerror(errno));
    w->file = -1;
    if (st == IMNN_OK) return imnn_replace_finish(&w->replace, "npz");
    imnn_replace_abandon(&w->replace);
    return st;
}
