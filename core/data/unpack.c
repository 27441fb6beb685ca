/* Packed files of records: GZIP, also of several members, and ZLIB. Their records have no places,
 * so they are unpacked once, into a file without a name, and read there like any other. */
#include "core/data/tfrecord.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 17, ANY_HEADER = 32 }; /* zlib: GZIP or ZLIB, as the first bytes say */

/** -1 and a sentence on failure. */
static int nameless_file(const char *path)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder) folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return fd;
    char name[4096]; /* not every file system knows files without names */
    if (snprintf(name, sizeof name, "%s/imnn-XXXXXX", folder) < (int)sizeof name) {
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0) return unlink(name), fd;
    }
    imnn_fail(IMNN_EIO, "tfrecord: %s: is packed, and nothing can be written to %s: %s", path,
              folder, strerror(errno));
    return -1;
}

static imnn_status write_all(int fd, const uint8_t *bytes, size_t n, const char *path)
{
    while (n) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return imnn_fail(IMNN_EIO, "tfrecord: %s: there is no room to unpack it: %s", path,
                             strerror(errno));
        bytes += written, n -= (size_t)written;
    }
    return IMNN_OK;
}

typedef struct unpacker {
    z_stream z;
    const char *path;
    int from, to;
    int64_t read, size; /* bytes so far: of the packed file, of the other */
    uint8_t in[CHUNK], out[CHUNK];
} unpacker;

static imnn_status damaged(const unpacker *u, const char *why)
{
    return imnn_fail(IMNN_EIO, "tfrecord: %s: packed data, near byte %lld: %s", u->path,
                     (long long)u->read - u->z.avail_in, why);
}

/** More packed bytes; *more: there were some. */
static imnn_status fill(unpacker *u, bool *more)
{
    ssize_t n = pread(u->from, u->in, CHUNK, u->read);
    if (n < 0) return imnn_fail(IMNN_EIO, "tfrecord: %s: %s", u->path, strerror(errno));
    u->read += n, *more = n > 0;
    u->z.next_in = u->in, u->z.avail_in = (uInt)n;
    return imnn_interrupted() ? imnn_fail(IMNN_EINTERRUPT, "interrupted") : IMNN_OK;
}

/** Up to the end of a member; what does not fit into the buffer goes to the other file. */
static imnn_status unpack_member(unpacker *u)
{
    imnn_status st = IMNN_OK;
    bool more = true;
    for (int result = Z_OK; result != Z_STREAM_END && st == IMNN_OK;) {
        if (!u->z.avail_in && (st = fill(u, &more)) != IMNN_OK) return st;
        if (!more) return damaged(u, "the file ends too early");
        u->z.next_out = u->out, u->z.avail_out = CHUNK;
        result = inflate(&u->z, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR) return imnn_fail(IMNN_ENOMEM, "out of memory");
        if (result != Z_OK && result != Z_STREAM_END)
            return damaged(u, u->z.msg ? u->z.msg : "not what packs files");
        st = write_all(u->to, u->out, CHUNK - u->z.avail_out, u->path);
        u->size += CHUNK - u->z.avail_out;
    }
    return st;
}

static imnn_status unpack_all(unpacker *u)
{
    bool more = true;
    imnn_status st = fill(u, &more);
    while (st == IMNN_OK && more) {
        st = unpack_member(u);
        if (st == IMNN_OK && !u->z.avail_in) st = fill(u, &more);
        if (st == IMNN_OK && more) inflateReset(&u->z);
    }
    return st;
}

imnn_status imnn_record_unpack(int *out, int64_t *size, int fd, const char *path)
{
    unpacker *u = imnn_alloc(sizeof *u);
    *out = -1;
    if (!u) return IMNN_ENOMEM;
    u->path = path, u->from = fd;
    imnn_status st = IMNN_EIO;
    if ((u->to = nameless_file(path)) >= 0) {
        if (inflateInit2(&u->z, 15 + ANY_HEADER) == Z_OK) {
            st = unpack_all(u);
            inflateEnd(&u->z);
        } else {
            st = imnn_fail(IMNN_ENOMEM, "out of memory");
        }
    }
    if (st == IMNN_OK) *out = u->to, *size = u->size;
    else if (u->to >= 0) close(u->to);
    imnn_free(u, sizeof *u);
    return st;
}
