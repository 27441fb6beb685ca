/* Records of simulations as arrays: their shape, and that they come in order. */
#include "core/array/array.h"
#include "core/data/tfrecord.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { MOST_FRAMES = 8 }; /* of a reading: records that all look different are just decoded */

/** What a thread reads with. */
typedef struct reading {
    imnn_record_walk walk;
    imnn_example example;
    imnn_record_frame frame; /* of the record decoded last */
    int frames;              /* so many were taken */
} reading;

typedef struct source {
    imnn_tfrecord *t;
    imnn_tfrecord_layout layout;
    char *feature, name[4096]; /* of the byte string; for messages */
    size_t bytes;              /* of the values of a record of the files */
    int64_t group;             /* of which so many are one of ours */
} source;

static const char *kind_name(imnn_feature_kind kind)
{
    static const char *const names[] = {"nothing", "byte strings", "floats", "integers"};
    return names[kind];
}

/** The one integer that a feature holds. */
static imnn_status read_int(const imnn_record_walk *w, const imnn_example *e, const char *name,
                            int64_t *value)
{
    const imnn_feature *f = imnn_example_named(e, name);
    if (!f)
        return imnn_record_failed(w,
                                  "it has no feature \"%s\"; records that do not say which they "
                                  "are can be read without checking seeds",
                                  name);
    if (f->kind != IMNN_FEATURE_INTS || f->count != 1)
        return imnn_record_failed(w, "\"%s\" is one integer, here it holds %lld %s", name,
                                  (long long)f->count, kind_name(f->kind));
    *value = ((const int64_t *)e->ints.items)[f->first];
    return IMNN_OK;
}

static imnn_status check_int(const imnn_record_walk *w, const imnn_example *e, const char *name,
                             int64_t expected)
{
    int64_t value = 0;
    imnn_status st = read_int(w, e, name, &value);
    if (st != IMNN_OK || value == expected) return st;
    return imnn_record_failed(w,
                              "\"%s\" is %lld where %lld comes next; records are missing, twice "
                              "there or out of order",
                              name, (long long)value, (long long)expected);
}

/** Record i of the files holds what comes next. */
static imnn_status check_order(const source *s, const imnn_record_walk *w, const imnn_example *e,
                               int64_t i)
{
    imnn_status st = check_int(w, e, "seed", s->layout.start + i / s->group);
    if (st != IMNN_OK || !s->layout.n_params) return st;
    st = check_int(w, e, "derivative", i % s->group / s->layout.n_params);
    return st == IMNN_OK ? check_int(w, e, "parameter", i % s->layout.n_params) : st;
}

static imnn_status find_values(const source *s, const imnn_record_walk *w, const imnn_example *e,
                               const void **values)
{
    size_t n;
    const imnn_feature *f = imnn_example_named(e, s->feature);
    if (!f) return imnn_record_failed(w, "it has no feature \"%s\"", s->feature);
    if (f->kind != IMNN_FEATURE_BYTES || f->count != 1)
        return imnn_record_failed(w, "\"%s\" is one byte string, here it holds %lld %s", s->feature,
                                  (long long)f->count, kind_name(f->kind));
    *values = imnn_example_bytes((imnn_example *)(uintptr_t)e,
                                 f - (imnn_feature *)e->features.items, 0, &n);
    if (n == s->bytes) return IMNN_OK;
    imnn_text shape = imnn_shape_text(&s->layout.shape);
    return imnn_record_failed(w, "\"%s\" has %lld bytes, and %s %s has %lld", s->feature,
                              (long long)n, imnn_dtype_name(s->layout.dtype), shape.s,
                              (long long)s->bytes);
}

/** The frame of the record that was decoded, whose order was checked. */
static void take_frame(const source *s, reading *r, const uint8_t *payload, size_t n,
                       const void *values)
{
    const int64_t n_params = s->layout.n_params;
    const struct {
        const char *name;
        imnn_frame_number number;
    } rows[IMNN_FRAME_NUMBERS] = {
        {"seed", {.start = s->layout.start, .each = s->group, .turn = INT64_MAX}},
        {"derivative", {.each = n_params, .turn = 2}},
        {"parameter", {.each = 1, .turn = n_params}},
    };
    if (r->frames++ >= MOST_FRAMES) return;
    imnn_frame_take(&r->frame, payload, n, values, s->bytes);
    for (int k = 0; s->layout.seeds && k < (n_params ? 3 : 1); k++)
        imnn_frame_number_at(&r->frame, rows[k].number, payload,
                             imnn_example_named(&r->example, rows[k].name)->last);
}

static imnn_status decode(const source *s, reading *r, int64_t i, const uint8_t *payload, size_t n,
                          const void **values)
{
    imnn_record_walk *w = &r->walk;
    imnn_example *e = &r->example;
    imnn_status st = imnn_example_reread(e, payload, n);
    if (st == IMNN_EIO) return imnn_record_failed(w, "%s", imnn_last_error());
    if (st == IMNN_OK) st = find_values(s, w, e, values);
    if (st == IMNN_OK && s->layout.seeds) st = check_order(s, w, e, i);
    if (st == IMNN_OK) take_frame(s, r, payload, n, *values);
    return st;
}

/** The next record of the files, which is number i. */
static imnn_status read_one(const source *s, reading *r, int64_t i, const void **values)
{
    const uint8_t *payload;
    size_t n;
    imnn_status st = imnn_record_walk_next(&r->walk, &payload, &n);
    if (st != IMNN_OK) return st;
    if (!imnn_frame_fits(&r->frame, i, payload, n)) return decode(s, r, i, payload, n, values);
    *values = payload + r->frame.before;
    return IMNN_OK;
}

static void end_reading(reading *r)
{
    imnn_example_clear(&r->example);
    imnn_record_walk_end(&r->walk);
}

static imnn_status read(void *self, int64_t begin, int64_t end, void *out)
{
    const source *s = self;
    reading r = {0};
    char *to = out;
    const void *values = NULL;
    imnn_status st = imnn_record_walk_begin(&r.walk, s->t, begin * s->group, end * s->group);
    for (int64_t i = begin * s->group; i < end * s->group && st == IMNN_OK; i++, to += s->bytes) {
        st = read_one(s, &r, i, &values);
        if (st == IMNN_OK && s->bytes) memcpy(to, values, s->bytes);
    }
    end_reading(&r);
    return st;
}

static void advise(void *self, int64_t begin, int64_t end)
{
    const source *s = self;
    imnn_record_advise(s->t, begin * s->group, end * s->group);
}

static void close_source(void *self)
{
    source *s = self;
    imnn_tfrecord_release(s->t);
    if (s->feature) imnn_free(s->feature, strlen(s->feature) + 1);
    imnn_free(s, sizeof *s);
}

/** The first record of a file: whether it fits, and is the one that comes next there; that of the
 *  first file says with which seed they begin. */
static imnn_status look_at(source *s, int64_t i)
{
    reading r = {0};
    const void *values = NULL;
    imnn_tfrecord_layout *l = &s->layout;
    const bool seeds = l->seeds;
    imnn_status st = imnn_record_walk_begin(&r.walk, s->t, i, i + 1);
    l->seeds = false; /* may not be known yet */
    if (st == IMNN_OK) st = read_one(s, &r, i, &values);
    l->seeds = seeds;
    if (st == IMNN_OK && seeds && !l->starts && i == 0)
        st = read_int(&r.walk, &r.example, "seed", &l->start);
    if (st == IMNN_OK && seeds) st = check_order(s, &r.walk, &r.example, i);
    end_reading(&r);
    return st;
}

/** What is missing at the end of a file shows at the beginning of the next one. */
static imnn_status look_at_files(source *s)
{
    imnn_status st = IMNN_OK;
    int64_t n = imnn_tfrecord_files(s->t), before = -1;
    for (int64_t k = 0; k < n && st == IMNN_OK; k++) {
        int64_t first = imnn_tfrecord_first(s->t, k);
        if (first == imnn_tfrecord_count(s->t)) break; /* no records from here on */
        if (first > before && (k == 0 || s->layout.seeds)) st = look_at(s, first);
        before = first;
        if (st == IMNN_OK && imnn_interrupted()) st = imnn_fail(IMNN_EINTERRUPT, "interrupted");
    }
    return st;
}

static imnn_status check_layout(const imnn_tfrecord_layout *l)
{
    if (l->dtype != IMNN_F32 && l->dtype != IMNN_F64 && l->dtype != IMNN_I32 &&
        l->dtype != IMNN_U32)
        return imnn_fail(IMNN_EDTYPE, "tfrecord: values are f32, f64, i32 or u32, not %s",
                         imnn_dtype_name(l->dtype));
    int more = l->n_params > 0 ? 3 : 1;
    if (l->n_params < 0 || l->shape.ndim < 0 || l->shape.ndim > IMNN_MAX_NDIM - more)
        return imnn_fail(IMNN_EVALUE,
                         "tfrecord: simulations have at most %d axes, and not %d, and "
                         "%d parameters",
                         IMNN_MAX_NDIM - more, l->shape.ndim, l->n_params);
    double elements = 1;
    for (int i = 0; i < l->shape.ndim; i++) {
        if (l->shape.size[i] < 0)
            return imnn_fail(IMNN_EVALUE, "tfrecord: sizes are 0 or more, not %lld",
                             (long long)l->shape.size[i]);
        elements *= (double)l->shape.size[i];
    }
    if (elements > 0x1p31)
        return imnn_fail(IMNN_EVALUE, "tfrecord: a record has less than 2 GiB, not %g elements",
                         elements);
    return IMNN_OK;
}

/** (count, shape) or (count, 2, P, shape). */
static imnn_shape whole_shape(const source *s)
{
    const imnn_tfrecord_layout *l = &s->layout;
    imnn_shape shape = {.ndim = 1, .size = {imnn_tfrecord_count(s->t) / s->group}};
    if (l->n_params) shape.size[1] = 2, shape.size[2] = l->n_params, shape.ndim = 3;
    for (int i = 0; i < l->shape.ndim; i++) shape.size[shape.ndim++] = l->shape.size[i];
    return shape;
}

/** "a.tfrecords", or with how many files follow. */
static void name_of(char *name, size_t room, const imnn_tfrecord *t)
{
    long long n = imnn_tfrecord_files(t);
    if (!n) snprintf(name, room, "no files");
    else if (n == 1) snprintf(name, room, "%s", imnn_tfrecord_path(t, 0));
    else snprintf(name, room, "%s and %lld more", imnn_tfrecord_path(t, 0), n - 1);
}

static imnn_status check_count(const source *s)
{
    int64_t n = imnn_tfrecord_count(s->t), rest = n % s->group, wanted = s->layout.count;
    if (!rest && (!wanted || n == wanted * s->group)) return IMNN_OK;
    if (!rest)
        return imnn_fail(IMNN_EIO, "tfrecord: %s: there are %lld records, %lld are expected%s",
                         s->name, (long long)(n / s->group), (long long)wanted,
                         n < wanted * s->group ? "; the last file is cut, or files are missing"
                                               : "");
    const char *path = imnn_tfrecord_path(s->t, imnn_tfrecord_files(s->t) - 1);
    return imnn_fail(IMNN_EIO,
                     "tfrecord: %s: the last seed is incomplete: it has %lld records, %d "
                     "parameters make it %lld; there are %lld in all",
                     path, (long long)rest, s->layout.n_params, (long long)s->group, (long long)n);
}

static imnn_status prepare(source *s, const imnn_tfrecord_layout *layout)
{
    const char *feature = layout->feature ? layout->feature : "data";
    size_t length = strlen(feature) + 1;
    imnn_status st = check_layout(layout);
    if (st != IMNN_OK) return st;
    s->layout = *layout;
    s->bytes = (size_t)imnn_shape_count(&layout->shape) * imnn_dtype_size(layout->dtype);
    s->group = layout->n_params ? 2 * (int64_t)layout->n_params : 1;
    if (!(s->feature = imnn_alloc(length))) return IMNN_ENOMEM;
    memcpy(s->feature, feature, length);
    if (imnn_tfrecord_count(s->t)) st = look_at_files(s);
    return st == IMNN_OK ? check_count(s) : st;
}

imnn_status imnn_tfrecord_reader(imnn_reader **out, imnn_tfrecord *t,
                                 const imnn_tfrecord_layout *layout)
{
    static const imnn_reader_methods methods = {read, advise, close_source};
    *out = NULL;
    source *s = imnn_alloc(sizeof *s);
    if (!s) return IMNN_ENOMEM;
    s->t = imnn_tfrecord_retain(t);
    name_of(s->name, sizeof s->name, t);
    imnn_status st = prepare(s, layout);
    if (st != IMNN_OK) return close_source(s), st;
    imnn_shape shape = whole_shape(s);
    return imnn_reader_new(out, s->name, layout->dtype, &shape, &methods, s);
}
