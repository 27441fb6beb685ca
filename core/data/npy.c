/* npy files: their numbers. */
#include "core/data/npy.h"
#include "core/base/replace.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AT_ONCE = 16 << 20, BLOCK = 256 << 10 }; /* bytes: until a look whether to stop; converted */

/* ---- bytes ---- */

static imnn_status read_file(const npy_bytes *b, char *out, int64_t n, int64_t at)
{
    for (at += b->begin; n > 0;) {
        if (imnn_stop_asked()) return imnn_fail(IMNN_EINTERRUPT, "interrupted");
        ssize_t some = pread(b->file, out, (size_t)(n < AT_ONCE ? n : AT_ONCE), at);
        if (some < 0 && errno == EINTR) continue;
        if (some <= 0)
            return imnn_fail(IMNN_EIO, "npy: %s: offset %lld: %s", b->name, (long long)at,
                             some ? strerror(errno) : "the file ends there");
        out += some, at += some, n -= some;
    }
    return IMNN_OK;
}

imnn_status npy_read_bytes(const npy_bytes *b, void *out, int64_t n, int64_t at)
{
    if (at > b->size || n > b->size - at)
        return imnn_fail(IMNN_EIO, "npy: %s: offset %lld: the data end there", b->name,
                         (long long)b->size);
    if (!b->bytes) return read_file(b, out, n, at);
    memcpy(out, b->bytes + at, (size_t)n);
    return IMNN_OK;
}

imnn_status npy_write_bytes(int file, const void *bytes, size_t n, const char *who,
                            const char *path)
{
    for (const char *p = bytes; n;) {
        ssize_t some = write(file, p, n < AT_ONCE ? n : AT_ONCE);
        if (some < 0 && errno == EINTR) continue;
        if (some <= 0)
            return imnn_fail(IMNN_EIO, "%s: %s: cannot be written: %s", who, path,
                             strerror(some ? errno : ENOSPC));
        p += some, n -= (size_t)some;
    }
    return IMNN_OK;
}

static imnn_status no_memory(const npy_bytes *b)
{
    return imnn_fail(IMNN_ENOMEM, "npy: %s: %s", b->name, imnn_last_error());
}

static imnn_status not_held(const npy_bytes *b, imnn_dtype dtype)
{
    if (dtype == IMNN_NDTYPE)
        return imnn_fail(IMNN_EVALUE, "npy: %s: holds 64-bit integers that no dtype holds exactly",
                         b->name);
    return imnn_fail(IMNN_EVALUE, "npy: %s: holds integers that %s does not hold", b->name,
                     imnn_dtype_name(dtype));
}

static imnn_status check_dtype(const npy_header *h, const npy_bytes *b, imnn_dtype dtype)
{
    if (dtype == IMNN_NDTYPE || imnn_stored_reads_as(&h->stored, dtype)) return IMNN_OK;
    imnn_dtype usual = imnn_stored_usual(&h->stored);
    return imnn_fail(IMNN_EDTYPE, "npy: %s: holds %s, which cannot be read as %s", b->name,
                     usual == IMNN_NDTYPE ? "64-bit integers" : imnn_dtype_name(usual),
                     imnn_dtype_name(dtype));
}

/* ---- at once ---- */

/** Elements whose first axis is innermost, in the order of arrays. */
static void to_row_major(char *out, const char *in, const imnn_shape *s, int64_t n, size_t size)
{
    int64_t index[IMNN_MAX_NDIM] = {0}, stride[IMNN_MAX_NDIM], at = 0, step = 1;
    for (int k = s->ndim - 1; k >= 0; k--) stride[k] = step, step *= s->size[k];
    for (int64_t i = 0; i < n; i++, in += size) {
        memcpy(out + (size_t)at * size, in, size);
        for (int k = 0; k < s->ndim; k++) {
            at += stride[k];
            if (++index[k] < s->size[k]) break;
            at -= stride[k] * s->size[k];
            index[k] = 0;
        }
    }
}

/** raw  the numbers of the file, which may change */
static imnn_status decode(imnn_array *a, const npy_header *h, const imnn_stored *t,
                          const npy_bytes *b, void *raw)
{
    const size_t size = imnn_dtype_size(a->dtype);
    const bool turn = h->fortran && h->shape.ndim > 1;
    char *flat = turn ? imnn_alloc_raw(a->bytes) : a->data;
    if (!flat) return no_memory(b);
    bool held = imnn_stored_convert(flat, a->dtype, t, raw, h->count);
    if (turn && held) to_row_major(a->data, flat, &h->shape, h->count, size);
    if (turn) imnn_free(flat, a->bytes);
    return held ? IMNN_OK : not_held(b, a->dtype);
}

static imnn_status read_converted(imnn_array **out, const npy_header *h, const npy_bytes *b,
                                  imnn_dtype dtype)
{
    imnn_array *a = NULL;
    imnn_stored t = h->stored;
    const size_t bytes = (size_t)h->count * (size_t)t.size;
    char *raw = imnn_alloc_raw(bytes);
    if (!raw) return no_memory(b);
    imnn_status st = npy_read_bytes(b, raw, (int64_t)bytes, h->offset);
    if (st == IMNN_OK && dtype == IMNN_NDTYPE) dtype = imnn_stored_smallest(&t, raw, h->count);
    if (st == IMNN_OK && dtype == IMNN_NDTYPE) st = not_held(b, dtype);
    if (st == IMNN_OK && (st = imnn_array_new(&a, dtype, &h->shape)) != IMNN_OK) st = no_memory(b);
    if (st == IMNN_OK) st = decode(a, h, &t, b, raw);
    imnn_free(raw, bytes);
    if (st != IMNN_OK) return imnn_array_release(a), st;
    *out = a;
    return IMNN_OK;
}

imnn_status npy_read_array(imnn_array **out, const npy_bytes *b, imnn_dtype dtype)
{
    npy_header h;
    *out = NULL;
    imnn_status st = npy_read_header(&h, b);
    if (st == IMNN_OK) st = check_dtype(&h, b, dtype);
    if (st != IMNN_OK) return st;
    if (dtype == IMNN_NDTYPE) dtype = imnn_stored_usual(&h.stored);
    if (dtype == IMNN_NDTYPE || !imnn_stored_is(&h.stored, dtype) ||
        (h.fortran && h.shape.ndim > 1))
        return read_converted(out, &h, b, dtype);
    if (imnn_array_new(out, dtype, &h.shape) != IMNN_OK) return no_memory(b);
    st = npy_read_bytes(b, (*out)->data, (int64_t)(*out)->bytes, h.offset);
    if (st != IMNN_OK) imnn_array_release(*out), *out = NULL;
    return st;
}

imnn_status npy_open_bytes(npy_bytes *b, const char *who, const char *path)
{
    struct stat found;
    imnn_status st = IMNN_OK;
    *b = (npy_bytes){.name = path}; /* a pipe would keep us waiting */
    b->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (b->file < 0 || fstat(b->file, &found))
        st = imnn_fail(IMNN_EIO, "%s: %s: %s", who, path, strerror(errno));
    else if (!S_ISREG(found.st_mode))
        st = imnn_fail(IMNN_EIO, "%s: %s: is %s", who, path,
                       S_ISDIR(found.st_mode) ? "a directory" : "no file");
    else b->size = found.st_size;
    if (st != IMNN_OK && b->file >= 0) close(b->file);
    return st;
}

imnn_status imnn_npy_read(imnn_array **out, const char *path, imnn_dtype dtype)
{
    npy_bytes b;
    *out = NULL;
    imnn_status st = npy_open_bytes(&b, "npy", path);
    if (st != IMNN_OK) return st;
    st = npy_read_array(out, &b, dtype);
    close(b.file);
    return st;
}

/* ---- by records ---- */

typedef struct npy_reader {
    npy_bytes bytes;
    char *name;
    npy_header h;
    imnn_dtype dtype;
    int64_t width; /* numbers of a record */
} npy_reader;

static void close_reader(void *self)
{
    npy_reader *r = self;
    close(r->bytes.file);
    if (r->name) imnn_free(r->name, strlen(r->name) + 1);
    imnn_free(r, sizeof *r);
}

/** n numbers of the file from the i-th on, converted by way of a block. */
static imnn_status read_numbers(const npy_reader *r, char *out, int64_t i, int64_t n, char *block)
{
    const int64_t size = r->h.stored.size, most = BLOCK / size;
    for (int64_t some; n > 0; n -= some, i += some) {
        some = n < most ? n : most;
        imnn_status st = npy_read_bytes(&r->bytes, block, some * size, r->h.offset + i * size);
        if (st != IMNN_OK) return st;
        if (!imnn_stored_convert(out, r->dtype, &r->h.stored, block, some))
            return not_held(&r->bytes, r->dtype);
        out += (size_t)some * imnn_dtype_size(r->dtype);
    }
    return IMNN_OK;
}

/** In Fortran order the same number of several records lies in one run. */
static imnn_status read_runs(const npy_reader *r, char *out, int64_t begin, int64_t end,
                             char *block, char *run)
{
    imnn_shape record = {.ndim = r->h.shape.ndim - 1};
    int64_t index[IMNN_MAX_NDIM] = {0}, stride[IMNN_MAX_NDIM], at = 0, step = 1;
    const size_t size = imnn_dtype_size(r->dtype);
    memcpy(record.size, r->h.shape.size + 1, (size_t)record.ndim * sizeof *record.size);
    for (int k = record.ndim - 1; k >= 0; k--) stride[k] = step, step *= record.size[k];
    for (int64_t m = 0; m < r->width; m++) {
        imnn_status st = read_numbers(r, run, m * r->h.shape.size[0] + begin, end - begin, block);
        if (st != IMNN_OK) return st;
        for (int64_t i = 0; i < end - begin; i++)
            memcpy(out + (size_t)(i * r->width + at) * size, run + (size_t)i * size, size);
        for (int k = 0; k < record.ndim; k++) {
            at += stride[k];
            if (++index[k] < record.size[k]) break;
            at -= stride[k] * record.size[k];
            index[k] = 0;
        }
    }
    return IMNN_OK;
}

static imnn_status read_records(void *self, int64_t begin, int64_t end, void *out)
{
    const npy_reader *r = self;
    const int64_t n = (end - begin) * r->width, size = r->h.stored.size;
    const bool turn = r->h.fortran && r->h.shape.ndim > 1;
    if (n == 0) return IMNN_OK;
    if (!turn && imnn_stored_is(&r->h.stored, r->dtype))
        return npy_read_bytes(&r->bytes, out, n * size, r->h.offset + begin * r->width * size);
    const size_t run_bytes = turn ? (size_t)(end - begin) * imnn_dtype_size(r->dtype) : 1;
    char *block = imnn_alloc_raw(BLOCK), *run = imnn_alloc_raw(run_bytes);
    imnn_status st = !block || !run ? no_memory(&r->bytes)
                     : turn         ? read_runs(r, out, begin, end, block, run)
                                    : read_numbers(r, out, begin * r->width, n, block);
    if (block) imnn_free(block, BLOCK);
    if (run) imnn_free(run, run_bytes);
    return st;
}

static void advise(void *self, int64_t begin, int64_t end)
{
    const npy_reader *r = self;
    const int64_t record = r->width * r->h.stored.size;
    if (!r->h.fortran || r->h.shape.ndim == 1)
        posix_fadvise(r->bytes.file, r->bytes.begin + r->h.offset + begin * record,
                      (end - begin) * record, POSIX_FADV_WILLNEED);
}

static imnn_status understand(npy_reader *r, imnn_dtype dtype)
{
    const npy_bytes *b = &r->bytes;
    imnn_status st = npy_read_header(&r->h, b);
    if (st == IMNN_OK) st = check_dtype(&r->h, b, dtype);
    if (st != IMNN_OK) return st;
    r->dtype = dtype == IMNN_NDTYPE ? imnn_stored_usual(&r->h.stored) : dtype;
    if (r->dtype == IMNN_NDTYPE)
        return imnn_fail(IMNN_EDTYPE,
                         "npy: %s: holds 64-bit integers; say whether they are to be read as i32, "
                         "u32, f32 or f64",
                         b->name);
    if (r->h.shape.ndim < 1)
        return imnn_fail(IMNN_EVALUE, "npy: %s: has no axis along which records lie", b->name);
    imnn_shape record = {.ndim = r->h.shape.ndim - 1};
    memcpy(record.size, r->h.shape.size + 1, (size_t)record.ndim * sizeof *record.size);
    r->width = r->h.count ? imnn_shape_count(&record) : 0;
    return IMNN_OK;
}

imnn_status npy_make_reader(imnn_reader **out, const npy_bytes *b, imnn_dtype dtype)
{
    static const imnn_reader_methods methods = {read_records, advise, close_reader};
    *out = NULL;
    npy_reader *r = imnn_alloc(sizeof *r);
    if (!r) return close(b->file), IMNN_ENOMEM;
    r->bytes = *b;
    r->name = imnn_alloc(strlen(b->name) + 1);
    if (!r->name) return close_reader(r), IMNN_ENOMEM;
    r->bytes.name = strcpy(r->name, b->name);
    imnn_status st = understand(r, dtype);
    if (st != IMNN_OK) return close_reader(r), st;
    return imnn_reader_new(out, r->name, r->dtype, &r->h.shape, &methods, r);
}

imnn_status imnn_npy_reader(imnn_reader **out, const char *path, imnn_dtype dtype)
{
    npy_bytes b;
    *out = NULL;
    imnn_status st = npy_open_bytes(&b, "npy", path);
    return st == IMNN_OK ? npy_make_reader(out, &b, dtype) : st;
}

/* ---- written ---- */

imnn_status imnn_npy_write(const char *path, const imnn_array *x)
{
    char header[NPY_HEADER];
    imnn_replace r;
    imnn_status st = imnn_replace_begin(&r, "npy", path);
    if (st != IMNN_OK) return st;
    int file = open(r.temporary, O_WRONLY | O_CLOEXEC);
    if (file < 0) st = imnn_fail(IMNN_EIO, "npy: %s: %s", path, strerror(errno));
    if (st == IMNN_OK)
        st = npy_write_bytes(file, header, (size_t)npy_write_header(header, x), "npy", path);
    if (st == IMNN_OK) st = npy_write_bytes(file, x->data, x->bytes, "npy", path);
    if (file >= 0 && close(file) && st == IMNN_OK)
        st = imnn_fail(IMNN_EIO, "npy: %s: cannot be written: %s", path, strerror(errno));
    if (st == IMNN_OK) return imnn_replace_finish(&r, "npy");
    imnn_replace_abandon(&r);
    return st;
}
