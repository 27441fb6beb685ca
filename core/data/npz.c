/* npz files: zip archives of npy files, read. */
#include "core/base/replace.h"
#include "core/data/npy.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* PKWARE, "APPNOTE.TXT", version 6.3: all numbers little-endian. */
enum { END = 22, END64 = 56, LOCATOR = 20, ENTRY = 46, LOCAL = 30 }; /* bytes of records */
static const uint32_t end_mark = 0x06054b50, end64_mark = 0x06064b50, locator_mark = 0x07064b50,
                      entry_mark = 0x02014b50, local_mark = 0x04034b50;

typedef struct member {
    const char *name; /* without ".npy"; in z->names */
    uint16_t flags, method;
    uint32_t crc;
    uint64_t packed, size, local; /* bytes, and where its own header is */
} member;

struct imnn_npz {
    char *path;
    npy_bytes bytes;
    member *members;
    int64_t count, room; /* of members */
    uint8_t *directory;
    uint64_t directory_size;
    char *names; /* ended by zero bytes */
    uint64_t names_size;
};

static uint16_t u16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t u32(const uint8_t *p) { return u16(p) | (uint32_t)u16(p + 2) << 16; }
static uint64_t u64(const uint8_t *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

static imnn_status damaged(const imnn_npz *z, uint64_t offset, const char *why)
{
    return imnn_fail(IMNN_EIO, "npz: %s: offset %llu: %s", z->path, (unsigned long long)offset,
                     why);
}

static imnn_status no_memory(const imnn_npz *z)
{
    return imnn_fail(IMNN_ENOMEM, "npz: %s: %s", z->path, imnn_last_error());
}

/* ---- the end of the file, which says where the list of members is ---- */

typedef struct ending {
    uint64_t count, size, offset; /* of the directory */
    uint64_t at;                  /* where the first record behind it begins */
} ending;

/** The 64-bit form of the record, if there is one. */
static imnn_status read_end64(ending *e, const imnn_npz *z)
{
    uint8_t locator[LOCATOR], end[END64];
    if (e->at < LOCATOR) return IMNN_OK;
    imnn_status st = npy_read_bytes(&z->bytes, locator, LOCATOR, (int64_t)e->at - LOCATOR);
    if (st != IMNN_OK || u32(locator) != locator_mark) return st;
    uint64_t at = u64(locator + 8);
    if (at > e->at - LOCATOR || e->at - LOCATOR - at < END64)
        return damaged(z, e->at - LOCATOR, "the end of the archive is elsewhere");
    st = npy_read_bytes(&z->bytes, end, END64, (int64_t)at);
    if (st != IMNN_OK) return st;
    if (u32(end) != end64_mark) return damaged(z, at, "the end of the archive is elsewhere");
    *e = (ending){u64(end + 32), u64(end + 40), u64(end + 48), at};
    return IMNN_OK;
}

/** Behind it comes a comment of any length, in which its mark may occur. */
static imnn_status find_end(ending *e, const imnn_npz *z)
{
    enum { MOST = END + 65535 };
    const int64_t n = z->bytes.size < MOST ? z->bytes.size : MOST, begin = z->bytes.size - n;
    uint8_t *tail = imnn_alloc_raw(MOST);
    if (!tail) return no_memory(z);
    imnn_status st = npy_read_bytes(&z->bytes, tail, n, begin);
    int64_t i = st == IMNN_OK ? n - END : -1;
    while (i >= 0 && !(u32(tail + i) == end_mark && u16(tail + i + 20) == n - END - i)) i--;
    if (i >= 0)
        *e = (ending){u16(tail + i + 10), u32(tail + i + 12), u32(tail + i + 16),
                      (uint64_t)(begin + i)};
    imnn_free(tail, MOST);
    if (st != IMNN_OK) return st;
    if (i < 0)
        return imnn_fail(IMNN_EIO, "npz: %s: is %s%s", z->path,
                         n ? "not an npz file, or it is cut: the list of members at its end is "
                             "missing"
                           : "empty",
                         imnn_unfinished_hint(z->path));
    st = read_end64(e, z);
    if (st != IMNN_OK) return st;
    if (e->size > e->at || e->offset > e->at - e->size)
        return damaged(z, e->at, "the list of members does not fit the file");
    return IMNN_OK;
}

/* ---- the list of members ---- */

/** What does not fit 32 bits stands in a field behind the name. */
static imnn_status read_wide(member *m, const imnn_npz *z, const uint8_t *extra, uint64_t n,
                             uint64_t at)
{
    const bool size = m->size == UINT32_MAX, packed = m->packed == UINT32_MAX,
               local = m->local == UINT32_MAX;
    while (n >= 4 && (size || packed || local)) {
        uint64_t length = u16(extra + 2),
                 need = 8u * ((unsigned)size + (unsigned)packed + (unsigned)local);
        if (length > n - 4) return damaged(z, at, "a field of a member is cut");
        const uint8_t *p = extra + 4;
        if (u16(extra) == 1) {
            if (length < need) return damaged(z, at, "a size of a member is missing");
            if (size) m->size = u64(p), p += 8;
            if (packed) m->packed = u64(p), p += 8;
            if (local) m->local = u64(p);
            return IMNN_OK;
        }
        extra += 4 + length, n -= 4 + length;
    }
    return IMNN_OK;
}

/** Only arrays become members. */
static imnn_status read_entry(imnn_npz *z, uint64_t *used, uint64_t *named, uint64_t offset)
{
    const uint8_t *p = z->directory + *used;
    const uint64_t left = z->directory_size - *used, at = offset + *used;
    if (left < ENTRY || u32(p) != entry_mark) return damaged(z, at, "no member is listed here");
    uint64_t name = u16(p + 28), extra = u16(p + 30), comment = u16(p + 32);
    if (left - ENTRY < name + extra + comment) return damaged(z, at, "the list of members is cut");
    member m = {.flags = u16(p + 8),
                .method = u16(p + 10),
                .crc = u32(p + 16),
                .packed = u32(p + 20),
                .size = u32(p + 24),
                .local = u32(p + 42)};
    *used += ENTRY + name + extra + comment;
    imnn_status st = read_wide(&m, z, p + ENTRY + name, extra, at);
    const char *text = (const char *)p + ENTRY;
    if (st != IMNN_OK || name < 4 || memcmp(text + name - 4, ".npy", 4)) return st;
    if (memchr(text, 0, name)) return damaged(z, at, "a name holds a zero byte");
    m.name = memcpy(z->names + *named, text, name - 4); /* cleared: its end is there */
    *named += name - 3;
    z->members[z->count++] = m;
    return IMNN_OK;
}

static imnn_status read_directory(imnn_npz *z)
{
    ending e = {0};
    uint64_t used = 0, named = 0;
    imnn_status st = find_end(&e, z);
    if (st != IMNN_OK) return st;
    if (e.count > e.size / ENTRY) return damaged(z, e.at, "more members than their list has room");
    z->room = (int64_t)e.count;
    z->names_size = z->directory_size = e.size;
    z->members = imnn_alloc((size_t)e.count * sizeof *z->members);
    z->directory = imnn_alloc_raw(e.size);
    z->names = imnn_alloc(e.size);
    if (!z->members || !z->directory || !z->names) return no_memory(z);
    st = npy_read_bytes(&z->bytes, z->directory, (int64_t)e.size, (int64_t)e.offset);
    for (uint64_t i = 0; i < e.count && st == IMNN_OK; i++)
        st = read_entry(z, &used, &named, e.offset);
    return st;
}

imnn_status imnn_npz_open(imnn_npz **out, const char *path)
{
    *out = NULL;
    imnn_npz *z = imnn_alloc(sizeof *z);
    if (!z) return IMNN_ENOMEM;
    imnn_status st = IMNN_ENOMEM;
    z->bytes.file = -1;
    z->path = imnn_alloc(strlen(path) + 1);
    if (z->path) {
        strcpy(z->path, path);
        st = npy_open_bytes(&z->bytes, "npz", z->path);
        if (st != IMNN_OK) z->bytes.file = -1;
        else st = read_directory(z);
    }
    if (st == IMNN_OK) *out = z;
    else imnn_npz_close(z);
    return st;
}

void imnn_npz_close(imnn_npz *z)
{
    if (!z) return;
    if (z->bytes.file >= 0) close(z->bytes.file);
    if (z->members) imnn_free(z->members, (size_t)z->room * sizeof *z->members);
    if (z->directory) imnn_free(z->directory, z->directory_size);
    if (z->names) imnn_free(z->names, z->names_size);
    if (z->path) imnn_free(z->path, strlen(z->path) + 1);
    imnn_free(z, sizeof *z);
}

int64_t imnn_npz_count(const imnn_npz *z) { return z->count; }
const char *imnn_npz_name(const imnn_npz *z, int64_t i) { return z->members[i].name; }

/* ---- members ---- */

static imnn_status find_member(const member **out, const imnn_npz *z, const char *name)
{
    for (int64_t i = z->count - 1; i >= 0; i--) /* the last one of a name counts */
        if (!strcmp(z->members[i].name, name)) return *out = &z->members[i], IMNN_OK;
    return imnn_fail(IMNN_EIO, "npz: %s: holds no array \"%s\"", z->path, name);
}

/** Where the bytes of a member begin, behind a header of its own. */
static imnn_status find_bytes(uint64_t *begin, const member *m, const imnn_npz *z)
{
    uint8_t head[LOCAL];
    char name[4096];
    const uint64_t size = (uint64_t)z->bytes.size;
    if (m->local > size || size - m->local < LOCAL)
        return damaged(z, m->local, "a member lies beyond the end of the file");
    imnn_status st = npy_read_bytes(&z->bytes, head, LOCAL, (int64_t)m->local);
    if (st != IMNN_OK) return st;
    const uint64_t length = u16(head + 26), at = m->local + LOCAL;
    if (u32(head) != local_mark) return damaged(z, m->local, "no member begins here");
    *begin = at + length + u16(head + 28);
    if (*begin > size || m->packed > size - *begin)
        return damaged(z, m->local, "a member is longer than the file");
    bool same = length == strlen(m->name) + 4 && length < sizeof name;
    if (same && (st = npy_read_bytes(&z->bytes, name, (int64_t)length, (int64_t)at)) != IMNN_OK)
        return st;
    if (!same || memcmp(name, m->name, length - 4))
        return damaged(z, m->local, "a member has another name than in the list");
    return IMNN_OK;
}

static imnn_status check_method(const member *m, const imnn_npz *z)
{
    const char *why = m->flags & 1 ? "is encrypted"
                      : m->method != 0 && m->method != Z_DEFLATED
                          ? "is compressed otherwise than by "
                            "deflate"
                      : m->method == 0 && m->packed != m->size ? "has two sizes"
                      : m->size / 1032 > m->packed + 1         ? "is larger than it can be"
                                                               : NULL; /* zlib.net/zlib_tech.html */
    if (!why) return IMNN_OK;
    return imnn_fail(IMNN_EIO, "npz: %s: \"%s\" %s", z->path, m->name, why);
}

static imnn_status wrong_checksum(const member *m, const imnn_npz *z, uint64_t begin)
{
    return imnn_fail(IMNN_EIO, "npz: %s: \"%s\", offset %llu: its checksum is wrong", z->path,
                     m->name, (unsigned long long)begin);
}

enum { BLOCK = 256 << 10 };

/** Bytes that lie as they are: only their checksum. */
static imnn_status check_stored(const member *m, const imnn_npz *z, uint64_t begin)
{
    uint8_t *block = imnn_alloc_raw(BLOCK);
    uLong crc = crc32(0, NULL, 0);
    imnn_status st = IMNN_OK;
    if (!block) return no_memory(z);
    for (uint64_t i = 0, some; i < m->size && st == IMNN_OK; i += some) {
        some = m->size - i < BLOCK ? m->size - i : BLOCK;
        st = npy_read_bytes(&z->bytes, block, (int64_t)some, (int64_t)(begin + i));
        if (st == IMNN_OK) crc = crc32(crc, block, (uInt)some);
    }
    imnn_free(block, BLOCK);
    if (st != IMNN_OK) return st;
    return crc == m->crc ? IMNN_OK : wrong_checksum(m, z, begin);
}

/** More packed bytes for zlib. */
static imnn_status feed(z_stream *s, const member *m, const imnn_npz *z, uint64_t begin,
                        uint64_t *done, uint8_t *block)
{
    uint64_t some = m->packed - *done < BLOCK ? m->packed - *done : BLOCK;
    imnn_status st = npy_read_bytes(&z->bytes, block, (int64_t)some, (int64_t)(begin + *done));
    *done += some;
    s->next_in = block, s->avail_in = (uInt)some;
    return st;
}

static imnn_status inflate_all(uint8_t *out, const member *m, const imnn_npz *z, uint64_t begin,
                               z_stream *s, uint8_t *block)
{
    uint64_t done = 0, made = 0;
    int end = Z_OK;
    while (end == Z_OK) {
        uint64_t room = m->size - made < BLOCK ? m->size - made : BLOCK;
        uint8_t beyond; /* to see that there is no more */
        if (s->avail_in == 0 && done < m->packed) {
            imnn_status st = feed(s, m, z, begin, &done, block);
            if (st != IMNN_OK) return st;
        }
        s->next_out = room ? out + made : &beyond, s->avail_out = room ? (uInt)room : 1;
        end = inflate(s, Z_NO_FLUSH);
        uint64_t got = (room ? room : 1) - s->avail_out;
        if (got > room) break;
        made += got;
    }
    if (end == Z_STREAM_END && made == m->size) return IMNN_OK;
    return imnn_fail(IMNN_EIO, "npz: %s: \"%s\", near offset %llu: the packed data are damaged%s%s",
                     z->path, m->name, (unsigned long long)(begin + done - s->avail_in),
                     s->msg ? ": " : "", s->msg ? s->msg : "");
}

/** Bytes that are packed, unpacked. */
static imnn_status unpack(uint8_t *out, const member *m, const imnn_npz *z, uint64_t begin)
{
    z_stream s = {0};
    uint8_t *block = imnn_alloc_raw(BLOCK);
    if (!block) return no_memory(z);
    imnn_status st = inflateInit2(&s, -MAX_WBITS) == Z_OK /* without a header */
                         ? IMNN_OK
                         : imnn_fail(IMNN_ENOMEM, "npz: %s: no memory to unpack", z->path);
    if (st == IMNN_OK) st = inflate_all(out, m, z, begin, &s, block);
    inflateEnd(&s);
    imnn_free(block, BLOCK);
    if (st != IMNN_OK) return st;
    uLong crc = crc32(0, NULL, 0);
    for (uint64_t i = 0, some; i < m->size; i += some) {
        some = m->size - i < BLOCK ? m->size - i : BLOCK;
        crc = crc32(crc, out + i, (uInt)some);
    }
    return crc == m->crc ? IMNN_OK : wrong_checksum(m, z, begin);
}

/** A member of the archive, found and whole. */
typedef struct found {
    npy_bytes bytes;
    uint8_t *unpacked; /* to be freed, of this size; NULL: it lies in the file as it is */
    char name[512];    /* for messages: FILE: "name" */
} found;

static void free_found(found *x)
{
    if (x->unpacked) imnn_free(x->unpacked, (size_t)x->bytes.size);
}

static imnn_status find(found *x, imnn_npz *z, const char *name)
{
    const member *m = NULL;
    uint64_t begin = 0;
    x->unpacked = NULL;
    imnn_status st = find_member(&m, z, name);
    if (st == IMNN_OK) st = check_method(m, z);
    if (st == IMNN_OK) st = find_bytes(&begin, m, z);
    if (st != IMNN_OK) return st;
    snprintf(x->name, sizeof x->name, "%s: \"%s\"", z->path, name);
    x->bytes = (npy_bytes){.name = x->name, .file = z->bytes.file, .size = (int64_t)m->size};
    x->bytes.begin = (int64_t)begin;
    if (m->method == 0) return check_stored(m, z, begin);
    x->unpacked = imnn_alloc_raw(m->size);
    if (!x->unpacked) return no_memory(z);
    x->bytes.bytes = x->unpacked;
    return unpack(x->unpacked, m, z, begin);
}

imnn_status imnn_npz_read(imnn_array **out, imnn_npz *z, const char *name, imnn_dtype dtype)
{
    found x;
    *out = NULL;
    imnn_status st = find(&x, z, name);
    if (st == IMNN_OK) st = npy_read_array(out, &x.bytes, dtype);
    free_found(&x);
    return st;
}

/** Of what was unpacked, all of it is an array, whose records are read. */
static imnn_status reader_of_memory(imnn_reader **out, const found *x, imnn_dtype dtype)
{
    imnn_array *a;
    imnn_status st = npy_read_array(&a, &x->bytes, dtype);
    if (st != IMNN_OK) return st;
    if (a->shape.ndim < 1)
        st = imnn_fail(IMNN_EVALUE, "npy: %s: has no axis along which records lie", x->name);
    else st = imnn_reader_of_array(out, a);
    imnn_array_release(a);
    return st;
}

imnn_status imnn_npz_reader(imnn_reader **out, imnn_npz *z, const char *name, imnn_dtype dtype)
{
    found x;
    *out = NULL;
    imnn_status st = find(&x, z, name);
    if (st == IMNN_OK && x.unpacked) {
        st = reader_of_memory(out, &x, dtype);
    } else if (st == IMNN_OK) {
        x.bytes.file = fcntl(z->bytes.file, F_DUPFD_CLOEXEC, 0);
        st = x.bytes.file >= 0 ? npy_make_reader(out, &x.bytes, dtype)
                               : imnn_fail(IMNN_EIO, "npz: %s: %s", z->path, strerror(errno));
    }
    free_found(&x);
    return st;
}
