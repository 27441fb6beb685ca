/* Readers of what other readers hold. */
#include "core/array/array.h"
#include "imnn/reader.h"
#include <string.h>

/* ---- one behind the other ---- */

typedef struct {
    int n;
    imnn_reader **part;
    int64_t *start; /* n + 1 */
} joined;

static void close_joined(void *self)
{
    joined *j = self;
    for (int i = 0; i < j->n; i++) imnn_reader_release(j->part[i]);
    imnn_free(j->part, (size_t)j->n * sizeof *j->part);
    imnn_free(j->start, (size_t)(j->n + 1) * sizeof *j->start);
    imnn_free(j, sizeof *j);
}

/** Call for each part what lies in [begin, end), from the first one that has something. */
static imnn_status each_part(joined *j, int64_t begin, int64_t end, char *out, int64_t bytes,
                             imnn_status visit(imnn_reader *r, int64_t a, int64_t b, void *at))
{
    int low = 0, high = j->n; /* start[low] <= begin < start[high] */
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (j->start[middle] <= begin) low = middle;
        else high = middle;
    }
    imnn_status st = IMNN_OK;
    for (int i = low; i < j->n && begin < end && st == IMNN_OK; i++) {
        const int64_t stop = end < j->start[i + 1] ? end : j->start[i + 1];
        st = visit(j->part[i], begin - j->start[i], stop - j->start[i], out);
        if (out) out += (stop - begin) * bytes;
        begin = stop;
    }
    return st;
}

static imnn_status read_joined(void *self, int64_t begin, int64_t end, void *out)
{
    joined *j = self;
    return each_part(j, begin, end, out, imnn_reader_record_bytes(j->part[0]), imnn_reader_read);
}

static imnn_status advise_part(imnn_reader *r, int64_t a, int64_t b, void *at)
{
    (void)at;
    imnn_reader_advise(r, a, b);
    return IMNN_OK;
}

static void advise_joined(void *self, int64_t begin, int64_t end)
{
    each_part(self, begin, end, NULL, 0, advise_part);
}

static bool same_records(const imnn_shape *a, const imnn_shape *b)
{
    if (a->ndim != b->ndim) return false;
    for (int k = 1; k < a->ndim; k++)
        if (a->size[k] != b->size[k]) return false;
    return true;
}

static imnn_status check_parts(int n, imnn_reader *const *parts)
{
    for (int i = 1; i < n; i++) {
        if (imnn_reader_dtype(parts[i]) != imnn_reader_dtype(parts[0]))
            return imnn_fail(
                IMNN_EDTYPE, "reader_join: %s has %s, %s has %s", imnn_reader_name(parts[0]),
                imnn_dtype_name(imnn_reader_dtype(parts[0])), imnn_reader_name(parts[i]),
                imnn_dtype_name(imnn_reader_dtype(parts[i])));
        if (!same_records(imnn_reader_shape(parts[0]), imnn_reader_shape(parts[i])))
            return imnn_fail(IMNN_ESHAPE, "reader_join: records of %s and %s have other shapes",
                             imnn_reader_name(parts[0]), imnn_reader_name(parts[i]));
    }
    return IMNN_OK;
}

imnn_status imnn_reader_join(imnn_reader **out, int n, imnn_reader *const *parts)
{
    static const imnn_reader_methods methods = {read_joined, advise_joined, close_joined};
    *out = NULL;
    imnn_status st = check_parts(n, parts);
    if (st != IMNN_OK) return st;
    joined *j = imnn_alloc(sizeof *j);
    imnn_reader **part = imnn_alloc((size_t)n * sizeof *part);
    int64_t *start = imnn_alloc((size_t)(n + 1) * sizeof *start);
    if (!j || !part || !start) {
        imnn_free(j, sizeof *j);
        imnn_free(part, (size_t)n * sizeof *part);
        imnn_free(start, (size_t)(n + 1) * sizeof *start);
        return IMNN_ENOMEM;
    }
    *j = (joined){n, part, start};
    start[0] = 0;
    for (int i = 0; i < n; i++) {
        part[i] = imnn_reader_retain(parts[i]);
        start[i + 1] = start[i] + imnn_reader_shape(parts[i])->size[0];
    }
    imnn_shape shape = *imnn_reader_shape(parts[0]);
    shape.size[0] = start[n];
    return imnn_reader_new(out, imnn_reader_name(parts[0]), imnn_reader_dtype(parts[0]), &shape,
                           &methods, j);
}

/* ---- some of them, other shapes ---- */

typedef struct {
    imnn_reader *reader;
    int64_t first, each; /* record i is made of `each` records from first + i each */
} view;

static void close_view(void *self)
{
    view *v = self;
    imnn_reader_release(v->reader);
    imnn_free(v, sizeof *v);
}

static imnn_status read_view(void *self, int64_t begin, int64_t end, void *out)
{
    view *v = self;
    return imnn_reader_read(v->reader, v->first + begin * v->each, v->first + end * v->each, out);
}

static void advise_view(void *self, int64_t begin, int64_t end)
{
    view *v = self;
    imnn_reader_advise(v->reader, v->first + begin * v->each, v->first + end * v->each);
}

static imnn_status new_view(imnn_reader **out, imnn_reader *r, const imnn_shape *shape,
                            int64_t first, int64_t each)
{
    static const imnn_reader_methods methods = {read_view, advise_view, close_view};
    view *v = imnn_alloc(sizeof *v);
    if (!v) return IMNN_ENOMEM;
    *v = (view){imnn_reader_retain(r), first, each};
    return imnn_reader_new(out, imnn_reader_name(r), imnn_reader_dtype(r), shape, &methods, v);
}

imnn_status imnn_reader_range(imnn_reader **out, imnn_reader *r, int64_t begin, int64_t end)
{
    *out = NULL;
    imnn_shape shape = *imnn_reader_shape(r);
    if (begin < 0 || end < begin || end > shape.size[0])
        return imnn_fail(IMNN_EVALUE, "reader_range: %s has %lld records, asked for %lld to %lld",
                         imnn_reader_name(r), (long long)shape.size[0], (long long)begin,
                         (long long)end);
    shape.size[0] = end - begin;
    return new_view(out, r, &shape, begin, 1);
}

imnn_status imnn_reader_reshape(imnn_reader **out, imnn_reader *r, const imnn_shape *shape)
{
    *out = NULL;
    const imnn_shape *old = imnn_reader_shape(r);
    const int64_t count = shape->ndim > 0 ? shape->size[0] : 0;
    if (count < 1 || imnn_shape_count(shape) != imnn_shape_count(old) || old->size[0] % count != 0)
        return imnn_fail(IMNN_ESHAPE,
                         "reader_reshape: the %lld records of %s do not make %lld whole ones",
                         (long long)old->size[0], imnn_reader_name(r), (long long)count);
    return new_view(out, r, shape, 0, old->size[0] / count);
}
