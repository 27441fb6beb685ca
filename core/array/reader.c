/* Readers: records by number, whatever they are made of. */
#include "core/array/reader.h"
#include <stdatomic.h>
#include <string.h>

struct imnn_reader {
    atomic_int refs;
    char *name;
    imnn_dtype dtype;
    imnn_shape shape;
    int64_t record_bytes;
    imnn_reader_methods method;
    void *self;
    bool repeats; /* its methods know numbers of later repetitions */
};

imnn_status imnn_reader_new(imnn_reader **out, const char *name, imnn_dtype dtype,
                            const imnn_shape *shape, const imnn_reader_methods *methods, void *self)
{
    *out = NULL;
    imnn_status st = IMNN_ENOMEM;
    imnn_reader *r = NULL;
    if (shape->ndim < 1) {
        st = imnn_fail(IMNN_EVALUE, "reader: %s: records need an axis along which they lie", name);
        goto failed;
    }
    size_t length = strlen(name) + 1;
    if (!(r = imnn_alloc(sizeof *r)) || !(r->name = imnn_alloc(length))) goto failed;
    memcpy(r->name, name, length);
    imnn_shape record = {.ndim = shape->ndim - 1};
    memcpy(record.size, shape->size + 1, (size_t)record.ndim * sizeof *record.size);
    r->dtype = dtype, r->shape = *shape, r->method = *methods, r->self = self;
    r->record_bytes = imnn_shape_count(&record) * (int64_t)imnn_dtype_size(dtype);
    atomic_store(&r->refs, 1);
    *out = r;
    return IMNN_OK;
failed:
    if (r) imnn_free(r, sizeof *r);
    methods->close(self);
    return st;
}

imnn_status imnn_reader_derive(imnn_reader **out, const char *name, imnn_dtype dtype,
                               const imnn_shape *shape, const imnn_reader_methods *methods,
                               void *self)
{
    imnn_status st = imnn_reader_new(out, name, dtype, shape, methods, self);
    if (st == IMNN_OK) (*out)->repeats = true;
    return st;
}

imnn_reader *imnn_reader_retain(imnn_reader *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

void imnn_reader_release(imnn_reader *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) > 1) return;
    r->method.close(r->self);
    imnn_free(r->name, strlen(r->name) + 1);
    imnn_free(r, sizeof *r);
}

const imnn_shape *imnn_reader_shape(const imnn_reader *r) { return &r->shape; }
imnn_dtype imnn_reader_dtype(const imnn_reader *r) { return r->dtype; }
int64_t imnn_reader_record_bytes(const imnn_reader *r) { return r->record_bytes; }
const char *imnn_reader_name(const imnn_reader *r) { return r->name; }

static imnn_status check_range(const imnn_reader *r, int64_t begin, int64_t end)
{
    if (begin >= 0 && end >= begin && end <= r->shape.size[0]) return IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "reader: %s: has %lld records, asked for %lld to %lld", r->name,
                     (long long)r->shape.size[0], (long long)begin, (long long)end);
}

imnn_status imnn_reader_read(imnn_reader *r, int64_t begin, int64_t end, void *out)
{
    imnn_status st = check_range(r, begin, end);
    return st != IMNN_OK || begin == end ? st : r->method.read(r->self, begin, end, out);
}

imnn_status imnn_reader_records(imnn_array **out, imnn_reader *r, int64_t begin, int64_t end)
{
    *out = NULL;
    imnn_array *a;
    imnn_shape shape = r->shape;
    shape.size[0] = end - begin;
    imnn_status st = check_range(r, begin, end);
    if (st == IMNN_OK) st = imnn_array_new(&a, r->dtype, &shape);
    if (st != IMNN_OK) return st;
    if ((st = imnn_reader_read(r, begin, end, a->data)) == IMNN_OK) *out = a;
    else imnn_array_release(a);
    return st;
}

imnn_status imnn_reader_go_on(imnn_reader *r, int64_t begin, int64_t end, void *out)
{
    const int64_t n = r->shape.size[0];
    char *to = out;
    imnn_status st = IMNN_OK;
    while (st == IMNN_OK && begin < end) {
        const int64_t first = begin / n * n, shift = r->repeats ? 0 : first;
        const int64_t last = end < first + n ? end : first + n;
        st = r->method.read(r->self, begin - shift, last - shift, to);
        to += (last - begin) * r->record_bytes;
        begin = last;
    }
    return st;
}

void imnn_reader_advise(imnn_reader *r, int64_t begin, int64_t end)
{
    const int64_t n = r->shape.size[0], round = n && r->repeats ? begin / n * n : 0;
    if (end > round + n) end = round + n; /* what comes after the last is nobody's wish */
    if (r->method.advise && begin >= 0 && begin < end) r->method.advise(r->self, begin, end);
}

/* ---- arrays ---- */

static imnn_status read_array(void *self, int64_t begin, int64_t end, void *out)
{
    const imnn_array *x = self;
    size_t record = x->bytes / (size_t)x->shape.size[0];
    memcpy(out, (const char *)x->data + (size_t)begin * record, (size_t)(end - begin) * record);
    return IMNN_OK;
}

static void close_array(void *self) { imnn_array_release(self); }

imnn_status imnn_reader_of_array(imnn_reader **out, const imnn_array *x)
{
    static const imnn_reader_methods methods = {read_array, NULL, close_array};
    return imnn_reader_new(out, "array", x->dtype, &x->shape, &methods, imnn_array_retain(x));
}
