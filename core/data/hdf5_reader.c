/* Datasets of HDF5 files as readers. What lies in one piece as arrays hold it is read from the file
 * itself, by all threads at a time; the rest by the library, by one. */
#include "core/data/data.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct hdf5_reader {
    char *name; /* for messages: "FILE: "x"" */
    int file;   /* in one piece, from this offset on; -1: by the library */
    int64_t offset, record_bytes;
    imnn_dtype dtype;
    imnn_hdf5 *f;
    hdf5_source source;
    imnn_hdf5_part part; /* all of the other axes */
} hdf5_reader;

enum { AT_ONCE = 16 << 20 }; /* bytes between two looks whether to stop */

/* ---- in one piece ---- */

static imnn_status read_piece(const hdf5_reader *r, char *out, int64_t bytes, int64_t at)
{
    while (bytes > 0) {
        if (imnn_stop_asked()) return imnn_fail(IMNN_EINTERRUPT, "interrupted");
        ssize_t n = pread(r->file, out, (size_t)(bytes < AT_ONCE ? bytes : AT_ONCE), at);
        if (n < 0 && errno == EINTR) continue;
        const long long record = (at - r->offset) / r->record_bytes + 1;
        const int64_t behind = r->offset + r->source.shape.size[0] * r->record_bytes;
        if (n < 0)
            return imnn_fail(IMNN_EIO, "hdf5: %s: record %lld, offset %lld: %s", r->name, record,
                             (long long)at, strerror(errno));
        if (n == 0)
            return imnn_fail(IMNN_EIO,
                             "hdf5: %s: record %lld, offset %lld: the file ends there, and the "
                             "data at %lld",
                             r->name, record, (long long)at, (long long)behind);
        out += n, at += n, bytes -= n;
    }
    return IMNN_OK;
}

static imnn_status read_plain(const hdf5_reader *r, int64_t begin, int64_t end, void *out)
{
    const int64_t bytes = (end - begin) * r->record_bytes;
    imnn_status st = read_piece(r, out, bytes, r->offset + begin * r->record_bytes);
    uint8_t *truth = out;
    if (st == IMNN_OK && r->dtype == IMNN_BOOL) /* a damaged file may hold anything */
        for (int64_t i = 0; i < bytes; i++) truth[i] = truth[i] != 0;
    return st;
}

/* ---- by the library ---- */

static imnn_status read_by_library(hdf5_reader *r, int64_t begin, int64_t end, void *out)
{
    if (imnn_stop_asked()) return imnn_fail(IMNN_EINTERRUPT, "interrupted");
    imnn_status st = imnn_hdf5_enter();
    if (st != IMNN_OK) return st;
    r->part.start[0] = begin, r->part.count[0] = end - begin;
    st = imnn_hdf5_select(&r->source, r->f, &r->part);
    if (st == IMNN_OK) st = imnn_hdf5_read_values(&r->source, r->f, out);
    imnn_hdf5_leave();
    return st;
}

static imnn_status read_records(void *self, int64_t begin, int64_t end, void *out)
{
    hdf5_reader *r = self;
    if (r->record_bytes == 0) return IMNN_OK;
    return r->file >= 0 ? read_plain(r, begin, end, out) : read_by_library(r, begin, end, out);
}

static void advise(void *self, int64_t begin, int64_t end)
{
    const hdf5_reader *r = self;
    if (r->file >= 0)
        posix_fadvise(r->file, r->offset + begin * r->record_bytes, (end - begin) * r->record_bytes,
                      POSIX_FADV_WILLNEED);
}

/* ---- opening and closing ---- */

static void close_source(hdf5_reader *r)
{
    if (!r->f) return;
    if (imnn_hdf5_enter() == IMNN_OK) {
        imnn_hdf5_close_source(&r->source);
        imnn_hdf5_leave();
    }
    imnn_hdf5_close(r->f);
    r->f = NULL;
}

static void close_reader(void *self)
{
    hdf5_reader *r = self;
    close_source(r);
    if (r->file >= 0) close(r->file);
    if (r->name) imnn_free(r->name, strlen(r->name) + 1);
    imnn_free(r, sizeof *r);
}

/** Where the values lie in the file, if they do so in one piece and as arrays hold them; else -1.
 */
static int64_t find_piece(const hdf5_source *s)
{
    hid_t settings = h5.Dget_create_plist(s->object), type = imnn_hdf5_type(s->dtype);
    haddr_t offset = h5.Dget_offset(s->object);
    bool plain = settings >= 0 && h5.Pget_layout(settings) == H5D_CONTIGUOUS &&
                 h5.Pget_external_count(settings) == 0 && offset != HADDR_UNDEF && !s->wide &&
                 type >= 0 && h5.Tequal(s->type, type) > 0;
    if (type >= 0) h5.Tclose(type);
    if (settings >= 0) h5.Pclose(settings);
    return plain ? (int64_t)offset : -1;
}

enum { CACHE = 1 << 20, MOST_CACHE = 64 << 20 }; /* bytes; the former is what the library takes */

/** The bytes of all chunks that a record touches. */
static double bytes_of_chunks(const hdf5_source *s)
{
    hsize_t chunk[H5S_MAX_RANK];
    hid_t settings = h5.Dget_create_plist(s->object);
    double bytes = 0;
    if (settings >= 0 && h5.Pget_layout(settings) == H5D_CHUNKED &&
        h5.Pget_chunk(settings, s->shape.ndim, chunk) == s->shape.ndim) {
        bytes = (double)h5.Tget_size(s->type) * (double)chunk[0];
        for (int i = 1; i < s->shape.ndim; i++) {
            double n = (double)s->shape.size[i], c = (double)chunk[i];
            bytes *= c * (double)(int64_t)((n + c - 1) / c);
        }
    }
    if (settings >= 0) h5.Pclose(settings);
    return bytes;
}

/** A cache that holds what a record touches: chunks are not taken apart again for the next one. */
static void enlarge_cache(hdf5_source *s, const imnn_hdf5 *f, const char *object)
{
    double bytes = bytes_of_chunks(s);
    if (bytes <= CACHE || bytes > MOST_CACHE) return;
    hid_t access = h5.Pcreate(*h5.DATASET_ACCESS), again = -1;
    if (access >= 0 && h5.Pset_chunk_cache(access, 10007, 2 * (size_t)bytes, 0.75) >= 0) {
        hid_t first = s->object;
        h5.Oclose(first); /* or its cache stays */
        again = h5.Dopen2(f->file, object, access);
        s->object = again >= 0 ? again : h5.Oopen(f->file, object, H5P_DEFAULT);
    }
    if (access >= 0) h5.Pclose(access);
}

static imnn_status open_piece(hdf5_reader *r, int64_t offset)
{
    struct stat found;
    r->file = open(r->f->path, O_RDONLY | O_CLOEXEC);
    if (r->file < 0 || fstat(r->file, &found))
        return imnn_fail(IMNN_EIO, "hdf5: %s: %s", r->name, strerror(errno));
    r->offset = offset;
    const int64_t bytes = r->source.shape.size[0] * r->record_bytes;
    if (bytes <= found.st_size && offset <= found.st_size - bytes) return IMNN_OK;
    return imnn_fail(IMNN_EIO, "hdf5: %s: the data end at %lld, the file at %lld", r->name,
                     (long long)(offset + bytes), (long long)found.st_size);
}

/** Called with the library. */
static imnn_status open_dataset(hdf5_reader *r, const char *object, imnn_dtype dtype)
{
    hdf5_source *s = &r->source;
    imnn_status st = imnn_hdf5_open_source(s, r->f, object, NULL);
    if (st == IMNN_OK && s->is_text)
        st = imnn_fail(IMNN_EDTYPE, "hdf5: %s: %s holds text, not numbers", r->f->path, s->name);
    if (st == IMNN_OK && s->wide && dtype == IMNN_NDTYPE)
        st =
            imnn_fail(IMNN_EDTYPE,
                      "hdf5: %s: %s holds 64-bit integers; say whether they are to be read as i32, "
                      "u32, f32 or f64",
                      r->f->path, s->name);
    if (st == IMNN_OK) st = imnn_hdf5_read_as(s, r->f, dtype);
    if (st == IMNN_OK && s->shape.ndim < 1)
        st = imnn_fail(IMNN_EVALUE, "hdf5: %s: %s has no axis along which records lie", r->f->path,
                       s->name);
    if (st != IMNN_OK) return st;
    r->dtype = s->dtype, r->record_bytes = (int64_t)imnn_dtype_size(s->dtype);
    r->part.stride[0] = 1;
    for (int i = 1; i < s->shape.ndim; i++) {
        r->part.count[i] = s->shape.size[i], r->part.stride[i] = 1;
        r->record_bytes *= s->shape.size[i];
    }
    int64_t offset = find_piece(s);
    if (offset >= 0) return open_piece(r, offset);
    enlarge_cache(s, r->f, object);
    return s->object >= 0 ? IMNN_OK : imnn_hdf5_failed(r->f, "%s", s->name);
}

static imnn_status set_name(hdf5_reader *r, const char *path, const char *object)
{
    size_t length = strlen(path) + strlen(object) + 5;
    r->name = imnn_alloc(length);
    if (!r->name) return IMNN_ENOMEM;
    snprintf(r->name, length, "%s: \"%s\"", path, object);
    return IMNN_OK;
}

imnn_status imnn_hdf5_reader(imnn_reader **out, const char *path, const char *object,
                             imnn_dtype dtype)
{
    static const imnn_reader_methods methods = {read_records, advise, close_reader};
    *out = NULL;
    hdf5_reader *r = imnn_alloc(sizeof *r);
    if (!r) return IMNN_ENOMEM;
    r->file = -1;
    r->source = (hdf5_source){.object = -1, .attribute = -1, .type = -1, .space = -1};
    imnn_status st = set_name(r, path, object);
    if (st == IMNN_OK) st = imnn_hdf5_open(&r->f, path);
    if (st == IMNN_OK && (st = imnn_hdf5_enter()) == IMNN_OK) {
        st = open_dataset(r, object, dtype);
        imnn_hdf5_leave();
    }
    if (st != IMNN_OK) return close_reader(r), st;
    const imnn_shape shape = r->source.shape;
    if (r->file >= 0) close_source(r); /* others may write the file */
    return imnn_reader_new(out, r->name, r->dtype, &shape, &methods, r);
}
