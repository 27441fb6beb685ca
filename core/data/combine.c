/* Readers of the same records in another arrangement: parts, several behind one another, grouped,
 * repeated. */
#include "core/data/reader.h"
#include <string.h>

enum { MOST = 1 << 20 };                         /* readers in one row: more is a mistake */
static const int64_t endless = (int64_t)1 << 53; /* records: numbers are exact as doubles */

/** What most arrangements need to know. */
typedef struct part {
    imnn_reader *from;
    int64_t count, all; /* records here, and there */
    int64_t begin, step;
} part;

static part *new_part(imnn_reader *from, int64_t count, int64_t begin, int64_t step)
{
    part *p = imnn_alloc(sizeof *p);
    if (!p) return NULL;
    *p = (part){imnn_reader_retain(from), count, imnn_reader_shape(from)->size[0], begin, step};
    return p;
}

static void close_part(void *self)
{
    part *p = self;
    imnn_reader_release(p->from);
    imnn_free(p, sizeof *p);
}

imnn_status imnn_reader_like(imnn_reader **out, const imnn_reader *r, const imnn_shape *shape,
                             const imnn_reader_methods *methods, void *self)
{
    return imnn_reader_derive(out, imnn_reader_name(r), imnn_reader_dtype(r), shape, methods, self);
}

/** A reader of `count` records like those of p->from. */
static imnn_status same_records(imnn_reader **out, const imnn_reader_methods *methods, part *p)
{
    if (!p) return *out = NULL, IMNN_ENOMEM;
    imnn_shape shape = *imnn_reader_shape(p->from);
    shape.size[0] = p->count;
    return imnn_reader_like(out, p->from, &shape, methods, p);
}

/* ---- some of them ---- */

static imnn_status read_stride(void *self, int64_t begin, int64_t end, void *out)
{
    enum { CHUNK = 1024 };
    const part *p = self;
    const int64_t base = begin / p->count * p->all + p->begin, first = begin % p->count;
    const int64_t bytes = imnn_reader_record_bytes(p->from);
    if (p->step == 1)
        return imnn_reader_go_on(p->from, base + first, base + first + end - begin, out);
    imnn_status st = IMNN_OK;
    for (int64_t i = 0, n; st == IMNN_OK && i < end - begin; i += n) {
        int64_t at[CHUNK];
        n = end - begin - i < CHUNK ? end - begin - i : CHUNK;
        for (int64_t k = 0; k < n; k++) at[k] = (first + i + k) * p->step;
        st = imnn_reader_gather(p->from, base, at, n, (char *)out + i * bytes);
    }
    return st;
}

static void advise_stride(void *self, int64_t begin, int64_t end)
{
    const part *p = self;
    const int64_t base = begin / p->count * p->all + p->begin, first = begin % p->count;
    if (p->step > 0)
        imnn_reader_advise(p->from, base + first * p->step,
                           base + (first + end - begin - 1) * p->step + 1);
}

imnn_status imnn_reader_stride(imnn_reader **out, imnn_reader *r, int64_t begin, int64_t count,
                               int64_t step)
{
    static const imnn_reader_methods methods = {read_stride, advise_stride, close_part};
    *out = NULL;
    const int64_t all = imnn_reader_shape(r)->size[0];
    const int64_t room = step < 0 ? begin : all - 1 - begin, size = step < 0 ? -step : step;
    if (count < 0 || begin < 0 || begin > all ||
        (count > 0 && (begin == all || (size && (count - 1) > room / size))))
        return imnn_fail(IMNN_EVALUE,
                         "stride: %s has %lld records, asked for %lld from number %lld on in steps "
                         "of %lld",
                         imnn_reader_name(r), (long long)all, (long long)count, (long long)begin,
                         (long long)step);
    return same_records(out, &methods, new_part(r, count, begin, step));
}

imnn_status imnn_reader_range(imnn_reader **out, imnn_reader *r, int64_t begin, int64_t end)
{
    const int64_t all = imnn_reader_shape(r)->size[0];
    *out = NULL;
    if (begin < 0 || end < begin || end > all)
        return imnn_fail(IMNN_EVALUE, "range: %s has %lld records, asked for %lld to %lld",
                         imnn_reader_name(r), (long long)all, (long long)begin, (long long)end);
    return imnn_reader_stride(out, r, begin, end - begin, 1);
}

/* ---- other shapes ---- */

static imnn_status read_group(void *self, int64_t begin, int64_t end, void *out)
{
    const part *p = self;
    const int64_t base = begin / p->count * p->all, first = begin % p->count;
    return imnn_reader_go_on(p->from, base + first * p->step,
                             base + (first + end - begin) * p->step, out);
}

static void advise_group(void *self, int64_t begin, int64_t end)
{
    const part *p = self;
    const int64_t base = begin / p->count * p->all, first = begin % p->count;
    imnn_reader_advise(p->from, base + first * p->step, base + (first + end - begin) * p->step);
}

/** Each record is made of `each` of the old ones. */
static imnn_status regroup(imnn_reader **out, imnn_reader *r, const imnn_shape *shape, int64_t each)
{
    static const imnn_reader_methods methods = {read_group, advise_group, close_part};
    part *p = new_part(r, shape->size[0], 0, each);
    return p ? imnn_reader_like(out, r, shape, &methods, p) : IMNN_ENOMEM;
}

imnn_status imnn_reader_group(imnn_reader **out, imnn_reader *r, int64_t k)
{
    *out = NULL;
    const imnn_shape *from = imnn_reader_shape(r);
    if (k < 1) return imnn_fail(IMNN_EVALUE, "group: %lld records make no one", (long long)k);
    if (from->ndim == IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "group: %s: more than %d axes", imnn_reader_name(r),
                         IMNN_MAX_NDIM);
    imnn_shape shape = {.ndim = from->ndim + 1, .size = {from->size[0] / k, k}};
    memcpy(shape.size + 2, from->size + 1, (size_t)(from->ndim - 1) * sizeof *from->size);
    return regroup(out, r, &shape, k);
}

imnn_status imnn_reader_reshape(imnn_reader **out, imnn_reader *r, const imnn_shape *shape)
{
    *out = NULL;
    const imnn_shape *from = imnn_reader_shape(r);
    const int64_t count = shape->ndim > 0 ? shape->size[0] : 0;
    if (count < 1 || imnn_shape_count(shape) != imnn_shape_count(from) || from->size[0] % count)
        return imnn_fail(IMNN_ESHAPE, "reshape: the %lld records of %s do not make %lld whole ones",
                         (long long)from->size[0], imnn_reader_name(r), (long long)count);
    return regroup(out, r, shape, from->size[0] / count);
}

/** Parts begin <= i < end of all records, some of which are read for a few of their parts. */
static imnn_status read_ungroup(void *self, int64_t begin, int64_t end, void *out)
{
    const part *p = self;
    const int64_t k = p->step, bytes = imnn_reader_record_bytes(p->from), each = bytes / k;
    char *to = out, *whole = NULL;
    imnn_status st = IMNN_OK;
    while (st == IMNN_OK && begin < end) {
        const int64_t record = begin / k, skip = begin % k, last = end / k;
        int64_t n = (last - record) * k; /* parts of whole records, which begin here */
        if (skip == 0 && n > 0) {
            st = imnn_reader_go_on(p->from, record, last, to);
        } else {
            n = end - begin < k - skip ? end - begin : k - skip;
            if (!whole && !(whole = imnn_alloc_raw((size_t)bytes))) return IMNN_ENOMEM;
            st = imnn_reader_go_on(p->from, record, record + 1, whole);
            if (st == IMNN_OK) memcpy(to, whole + skip * each, (size_t)(n * each));
        }
        begin += n, to += n * each;
    }
    imnn_free(whole, (size_t)bytes);
    return st;
}

static void advise_ungroup(void *self, int64_t begin, int64_t end)
{
    const part *p = self;
    imnn_reader_advise(p->from, begin / p->step, (end + p->step - 1) / p->step);
}

imnn_status imnn_reader_ungroup(imnn_reader **out, imnn_reader *r)
{
    static const imnn_reader_methods methods = {read_ungroup, advise_ungroup, close_part};
    *out = NULL;
    const imnn_shape *from = imnn_reader_shape(r);
    if (from->ndim < 2)
        return imnn_fail(IMNN_EVALUE, "ungroup: %s: records without axes have no parts",
                         imnn_reader_name(r));
    imnn_shape shape = {.ndim = from->ndim - 1, .size = {from->size[0] * from->size[1]}};
    memcpy(shape.size + 1, from->size + 2, (size_t)(from->ndim - 2) * sizeof *from->size);
    part *p = new_part(r, shape.size[0], 0, from->size[1]);
    return p ? imnn_reader_like(out, r, &shape, &methods, p) : IMNN_ENOMEM;
}

/* ---- repeat, hold ---- */

static imnn_status read_same(void *self, int64_t begin, int64_t end, void *out)
{
    return imnn_reader_go_on(((const part *)self)->from, begin, end, out);
}

static void advise_same(void *self, int64_t begin, int64_t end)
{
    imnn_reader_advise(((const part *)self)->from, begin, end);
}

static const imnn_reader_methods the_same = {read_same, advise_same, close_part};

imnn_status imnn_reader_repeat(imnn_reader **out, imnn_reader *r, int64_t times)
{
    *out = NULL;
    const int64_t n = imnn_reader_shape(r)->size[0];
    if (times < -1 || (n > 0 && times > endless / n))
        return imnn_fail(IMNN_EVALUE, "repeat: %s: %lld times %lld records", imnn_reader_name(r),
                         (long long)times, (long long)n);
    if (times < 0) times = n ? endless / n : 0;
    return same_records(out, &the_same, new_part(r, n * times, 0, 1));
}

imnn_status imnn_reader_hold(imnn_reader **out, imnn_reader *r)
{
    part *p = new_part(r, imnn_reader_shape(r)->size[0], 0, 1);
    if (!p) return *out = NULL, IMNN_ENOMEM;
    return imnn_reader_new(out, imnn_reader_name(r), imnn_reader_dtype(r), imnn_reader_shape(r),
                           &the_same, p); /* new, not derived: it gets the first repetition */
}

/* ---- one behind the other ---- */

typedef struct row {
    int64_t n, count;
    imnn_reader **from;
    int64_t *begin; /* of n and one more */
} row;

static void close_row(void *self)
{
    row *w = self;
    for (int64_t i = 0; w->from && i < w->n; i++) imnn_reader_release(w->from[i]);
    imnn_free(w->from, (size_t)w->n * sizeof *w->from);
    imnn_free(w->begin, (size_t)(w->n + 1) * sizeof *w->begin);
    imnn_free(w, sizeof *w);
}

static row *new_row(int n)
{
    row *w = imnn_alloc(sizeof *w);
    if (!w) return NULL;
    w->n = n;
    w->from = imnn_alloc((size_t)n * sizeof *w->from);
    w->begin = imnn_alloc((size_t)(n + 1) * sizeof *w->begin);
    if (w->from && w->begin) return w;
    close_row(w);
    return NULL;
}

/** The reader with record i. */
static int64_t reader_of(const row *w, int64_t i)
{
    int64_t low = 0, high = w->n;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (w->begin[middle] <= i) low = middle;
        else high = middle;
    }
    return low;
}

static imnn_status read_row(void *self, int64_t begin, int64_t end, void *out)
{
    const row *w = self;
    const int64_t round = begin / w->count, first = round * w->count;
    char *to = out;
    imnn_status st = IMNN_OK;
    for (int64_t k = reader_of(w, begin - first); st == IMNN_OK && begin < end; k++) {
        const int64_t size = w->begin[k + 1] - w->begin[k], from = begin - first - w->begin[k];
        const int64_t n = end - begin < size - from ? end - begin : size - from;
        if (n == 0) continue;
        st = imnn_reader_go_on(w->from[k], round * size + from, round * size + from + n, to);
        begin += n, to += n * imnn_reader_record_bytes(w->from[k]);
    }
    return st;
}

static void advise_row(void *self, int64_t begin, int64_t end)
{
    const row *w = self;
    const int64_t round = begin / w->count, first = round * w->count;
    for (int64_t k = reader_of(w, begin - first); begin < end; k++) {
        const int64_t size = w->begin[k + 1] - w->begin[k], from = begin - first - w->begin[k];
        const int64_t n = end - begin < size - from ? end - begin : size - from;
        imnn_reader_advise(w->from[k], round * size + from, round * size + from + n);
        begin += n;
    }
}

static imnn_status check_equal(const imnn_reader *a, const imnn_reader *b)
{
    imnn_shape s = *imnn_reader_shape(a), t = *imnn_reader_shape(b);
    s.size[0] = t.size[0];
    const imnn_dtype d = imnn_reader_dtype(a), e = imnn_reader_dtype(b);
    if (d == e && imnn_shape_equal(&s, &t)) return IMNN_OK;
    memmove(s.size, s.size + 1, (size_t)--s.ndim * sizeof *s.size);
    memmove(t.size, t.size + 1, (size_t)--t.ndim * sizeof *t.size);
    return imnn_fail(d == e ? IMNN_ESHAPE : IMNN_EDTYPE,
                     "join: records of %s are %s %s, those of %s %s %s", imnn_reader_name(a),
                     imnn_dtype_name(d), imnn_shape_text(&s).s, imnn_reader_name(b),
                     imnn_dtype_name(e), imnn_shape_text(&t).s);
}

imnn_status imnn_reader_join(imnn_reader **out, int n, imnn_reader *const *r)
{
    static const imnn_reader_methods methods = {read_row, advise_row, close_row};
    *out = NULL;
    if (n < 1) return imnn_fail(IMNN_EVALUE, "join: of %d readers", n);
    imnn_status st = IMNN_OK;
    for (int i = 1; st == IMNN_OK && i < n; i++) st = check_equal(r[0], r[i]);
    if (st != IMNN_OK) return st;
    row *w = new_row(n);
    imnn_buffer name = {0};
    if (!w) return IMNN_ENOMEM;
    imnn_print(&name, "%s", imnn_reader_name(r[0]));
    if (n > 1) imnn_print(&name, " and %d more", n - 1);
    if (!name.text) return close_row(w), IMNN_ENOMEM;
    for (int i = 0; i < n; i++) {
        w->from[i] = imnn_reader_retain(r[i]);
        w->begin[i + 1] = w->begin[i] + imnn_reader_shape(r[i])->size[0];
    }
    imnn_shape shape = *imnn_reader_shape(r[0]);
    shape.size[0] = w->count = w->begin[n];
    st = imnn_reader_derive(out, name.text, imnn_reader_dtype(r[0]), &shape, &methods, w);
    imnn_buffer_free(&name);
    return st;
}

/* ---- numbers ---- */

typedef struct numbers {
    int32_t first;
} numbers;

static imnn_status read_numbers(void *self, int64_t begin, int64_t end, void *out)
{
    const numbers *s = self;
    if (end - 1 > INT32_MAX - (int64_t)s->first)
        return imnn_fail(IMNN_EVALUE, "numbers: they do not go beyond 2^31 - 1");
    for (int64_t i = begin; i < end; i++) ((int32_t *)out)[i - begin] = (int32_t)(s->first + i);
    return IMNN_OK;
}

static void close_numbers(void *self) { imnn_free(self, sizeof(numbers)); }

imnn_status imnn_reader_numbers(imnn_reader **out, int32_t first, int64_t count)
{
    static const imnn_reader_methods methods = {read_numbers, NULL, close_numbers};
    *out = NULL;
    if (count < 0) return imnn_fail(IMNN_EVALUE, "numbers: %lld of them", (long long)count);
    numbers *s = imnn_alloc(sizeof *s);
    if (!s) return IMNN_ENOMEM;
    s->first = first;
    const imnn_shape shape = {.ndim = 1, .size = {count}};
    return imnn_reader_new(out, "numbers", IMNN_I32, &shape, &methods, s);
}

/* ---- several at a time ---- */

imnn_status imnn_readers_read(imnn_array **out, int n, imnn_reader *const *r, int64_t begin,
                              int64_t end)
{
    enum { PIECE = 1 << 20 }; /* bytes */
    int64_t bytes = 1;
    imnn_status st = IMNN_OK;
    for (int i = 0; i < n; i++) out[i] = NULL;
    for (int i = 0; st == IMNN_OK && i < n; i++) {
        imnn_shape shape = *imnn_reader_shape(r[i]);
        bytes += imnn_reader_record_bytes(r[i]);
        if (begin < 0 || end < begin || end > shape.size[0])
            st = imnn_reader_read(r[i], begin, end, NULL); /* which says what is wrong */
        shape.size[0] = end - begin;
        if (st == IMNN_OK) st = imnn_array_new(&out[i], imnn_reader_dtype(r[i]), &shape);
    }
    const int64_t each = PIECE / bytes + 1;
    for (int64_t k = begin; st == IMNN_OK && k < end; k += each) {
        const int64_t last = end - k < each ? end : k + each;
        if (imnn_interrupted()) st = imnn_fail(IMNN_EINTERRUPT, "interrupted");
        for (int i = 0; st == IMNN_OK && i < n; i++)
            st = imnn_reader_read(
                r[i], k, last, (char *)out[i]->data + (k - begin) * imnn_reader_record_bytes(r[i]));
    }
    for (int i = 0; st != IMNN_OK && i < n; i++) imnn_array_release(out[i]), out[i] = NULL;
    return st;
}
