/* tf.train.Example: named lists in the wire format of protocol buffers.
 *
 * Written through protobuf-c. Read by hand: every record of a data set passes here, and protobuf-c
 * allocates for each field, does not know groups, and follows fewer of the rules for features that
 * come in pieces. Nothing is copied but numbers, and no length is believed beyond the payload. */
#include "core/data/tfrecord.h"
#include "example.pb-c.h"
#include <stdlib.h>
#include <string.h>

typedef ProtobufCBinaryData byte_string;

/* ---- lists ---- */

/** Room for n more items of this size, at the end; NULL on failure. */
static void *grow(imnn_pool *p, size_t n, size_t size)
{
    if (!p->items || p->room - p->count < n) {
        size_t room = 2 * p->room < 16 ? 16 : 2 * p->room;
        while (room - p->count < n) room *= 2;
        void *items = imnn_alloc_raw(room * size);
        if (!items) return NULL;
        if (p->count) memcpy(items, p->items, p->count * size);
        if (p->room) imnn_free(p->items, p->room * size);
        p->items = items, p->room = room;
    }
    p->count += n;
    return (char *)p->items + (p->count - n) * size;
}

static void empty(imnn_pool *p, size_t size)
{
    if (p->room) imnn_free(p->items, p->room * size);
    *p = (imnn_pool){0};
}

static imnn_pool *values_of(imnn_example *e, imnn_feature_kind kind)
{
    switch (kind) {
    case IMNN_FEATURE_BYTES: return &e->bytes;
    case IMNN_FEATURE_FLOATS: return &e->floats;
    default: return &e->ints;
    }
}

/** The first value of a feature, of this size; there may be no list yet. */
static void *first_value(const imnn_pool *p, const imnn_feature *f, size_t size)
{
    return p->items ? (char *)p->items + f->first * size : NULL;
}

static imnn_feature *feature_at(const imnn_example *e, int64_t i)
{
    return (imnn_feature *)e->features.items + i;
}

static int order_of_names(const imnn_feature *a, const imnn_feature *b)
{
    size_t shorter = a->length < b->length ? a->length : b->length;
    int c = shorter ? memcmp(a->name, b->name, shorter) : 0;
    return c ? c : (a->length > b->length) - (a->length < b->length);
}

static int order_of_features(const void *a, const void *b)
{
    const imnn_feature *x = a, *y = b;
    int c = order_of_names(x, y);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

/** By name, the last of those with one name. */
static void sort(imnn_example *e)
{
    size_t n = e->features.count, kept = 0, ascending = 1;
    imnn_feature *f = e->features.items;
    e->sorted = true;
    while (ascending < n && order_of_names(f + ascending - 1, f + ascending) < 0) ascending++;
    if (ascending >= n) return;
    qsort(f, n, sizeof *f, order_of_features);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || order_of_names(f + i, f + i + 1)) f[kept++] = f[i];
    e->features.count = kept;
}

/* ---- the wire format ---- */

enum { VARINT, EIGHT_BYTES, LENGTH, BEGIN_GROUP, END_GROUP, FOUR_BYTES, MOST_GROUPS = 100 };

/** Where we are; the first failure has a reason. */
typedef struct decoder {
    imnn_example *e;
    const char *why;
    const uint8_t *where;
    const uint8_t *integer; /* where the last one of a list is written */
    bool no_memory;
} decoder;

typedef struct span {
    const uint8_t *at, *end;
} span;

typedef struct field {
    uint32_t number;
    int type;
    uint64_t value; /* of a varint */
    span bytes;     /* of the others; where a varint begins */
} field;

static bool fail(decoder *d, const uint8_t *where, const char *why)
{
    if (!d->why) d->why = why, d->where = where;
    return false;
}

static bool no_memory(decoder *d)
{
    d->no_memory = true;
    return false;
}

static bool take_varint(decoder *d, span *s, uint64_t *value)
{
    const uint8_t *begin = s->at;
    *value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (s->at == s->end) return fail(d, begin, "the bytes end inside a number");
        uint8_t byte = *s->at++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return fail(d, begin, "a number has more than 10 bytes");
}

static bool take_bytes(decoder *d, span *s, uint64_t n, span *bytes)
{
    if (n > (uint64_t)(s->end - s->at)) return fail(d, s->at, "a length leads past the end");
    *bytes = (span){s->at, s->at + n};
    s->at += n;
    return true;
}

static bool take_tag(decoder *d, span *s, field *f)
{
    uint64_t tag;
    const uint8_t *begin = s->at;
    if (!take_varint(d, s, &tag)) return false;
    f->number = (uint32_t)(tag >> 3), f->type = (int)(tag & 7);
    if (tag > UINT32_MAX || !f->number) return fail(d, begin, "no field has such a number");
    return true;
}

/** What stands behind the tag, but for groups. */
static bool take_value(decoder *d, span *s, field *f)
{
    switch (f->type) {
    case VARINT: return f->bytes.at = s->at, take_varint(d, s, &f->value);
    case EIGHT_BYTES: return take_bytes(d, s, 8, &f->bytes);
    case FOUR_BYTES: return take_bytes(d, s, 4, &f->bytes);
    case LENGTH: return take_varint(d, s, &f->value) && take_bytes(d, s, f->value, &f->bytes);
    case END_GROUP: return fail(d, s->at, "a group ends that has not begun");
    default: return fail(d, s->at, "no field has such a type");
    }
}

/** Groups are unknown fields here; they may lie in one another. */
static bool skip_group(decoder *d, span *s, uint32_t number)
{
    uint32_t open[MOST_GROUPS] = {number};
    const uint8_t *begin = s->at;
    for (int depth = 1; depth;) {
        field f;
        if (s->at == s->end) return fail(d, begin, "a group does not end");
        if (!take_tag(d, s, &f)) return false;
        if (f.type == BEGIN_GROUP) {
            if (depth == MOST_GROUPS) return fail(d, s->at, "more than 100 groups in one another");
            open[depth++] = f.number;
        } else if (f.type == END_GROUP) {
            if (f.number != open[--depth]) return fail(d, s->at, "another group ends");
        } else if (!take_value(d, s, &f)) {
            return false;
        }
    }
    return true;
}

/** The next field that is not a group; false at the end, or where there is something wrong. */
static bool next(decoder *d, span *s, field *f)
{
    while (s->at < s->end) {
        if (!take_tag(d, s, f)) return false;
        if (f->type != BEGIN_GROUP) return take_value(d, s, f);
        if (!skip_group(d, s, f->number)) return false;
    }
    return false;
}

/* ---- what is in it ---- */

static bool add_bytes(decoder *d, span s)
{
    byte_string *out = grow(&d->e->bytes, 1, sizeof *out);
    if (!out) return no_memory(d);
    out->len = (size_t)(s.end - s.at);
    out->data = (uint8_t *)(uintptr_t)s.at; /* only read, but protobuf-c's type does not say so */
    return true;
}

static bool add_floats(decoder *d, span s)
{
    size_t n = (size_t)(s.end - s.at);
    if (n % sizeof(float)) return fail(d, s.at, "packed floats do not fill their bytes");
    float *out = grow(&d->e->floats, n / sizeof(float), sizeof *out);
    if (!out) return no_memory(d);
    memcpy(out, s.at, n);
    return true;
}

static bool add_int(decoder *d, uint64_t value, const uint8_t *where)
{
    int64_t *out = grow(&d->e->ints, 1, sizeof *out);
    if (!out) return no_memory(d);
    *out = (int64_t)value, d->integer = where;
    return true;
}

static bool add_ints(decoder *d, span s)
{
    uint64_t value;
    while (s.at < s.end) {
        const uint8_t *where = s.at;
        if (!take_varint(d, &s, &value) || !add_int(d, value, where)) return false;
    }
    return true;
}

/** The values of a list: numbers one by one or packed, or some of them so. */
static bool read_list(decoder *d, span s, imnn_feature_kind kind)
{
    field f;
    bool good = true;
    while (good && next(d, &s, &f)) {
        if (f.number != 1) continue;
        if (kind == IMNN_FEATURE_BYTES && f.type == LENGTH) good = add_bytes(d, f.bytes);
        if (kind == IMNN_FEATURE_FLOATS && (f.type == LENGTH || f.type == FOUR_BYTES))
            good = add_floats(d, f.bytes);
        if (kind == IMNN_FEATURE_INTS && f.type == LENGTH) good = add_ints(d, f.bytes);
        if (kind == IMNN_FEATURE_INTS && f.type == VARINT) good = add_int(d, f.value, f.bytes.at);
    }
    return good && !d->why;
}

/** A piece of a feature: it goes on with a list of the same kind, and puts another in its place. */
static bool read_feature(decoder *d, span s, imnn_feature *feature)
{
    field f;
    while (next(d, &s, &f)) {
        if (f.number > IMNN_FEATURE_INTS || f.type != LENGTH) continue;
        imnn_feature_kind kind = (imnn_feature_kind)f.number; /* they are counted alike */
        if (kind != feature->kind) feature->first = values_of(d->e, kind)->count;
        feature->kind = kind;
        if (!read_list(d, f.bytes, kind)) return false;
    }
    return !d->why;
}

static bool read_entry(decoder *d, span s)
{
    field f;
    imnn_feature feature = {.order = d->e->features.count};
    while (next(d, &s, &f)) {
        if (f.number == 1 && f.type == LENGTH)
            feature.name = f.bytes.at, feature.length = (size_t)(f.bytes.end - f.bytes.at);
        if (f.number == 2 && f.type == LENGTH && !read_feature(d, f.bytes, &feature)) return false;
    }
    if (d->why) return false;
    if (feature.kind) feature.count = values_of(d->e, feature.kind)->count - feature.first;
    if (feature.kind == IMNN_FEATURE_INTS) feature.last = d->integer;
    imnn_feature *out = grow(&d->e->features, 1, sizeof *out);
    if (!out) return no_memory(d);
    *out = feature;
    return true;
}

static bool read_features(decoder *d, span s)
{
    field f;
    while (next(d, &s, &f))
        if (f.number == 1 && f.type == LENGTH && !read_entry(d, f.bytes)) return false;
    return !d->why;
}

static bool read_example(decoder *d, span s)
{
    field f;
    while (next(d, &s, &f))
        if (f.number == 1 && f.type == LENGTH && !read_features(d, f.bytes)) return false;
    return !d->why;
}

imnn_status imnn_example_reread(imnn_example *e, const uint8_t *payload, size_t n)
{
    decoder d = {.e = e};
    e->features.count = e->bytes.count = e->floats.count = e->ints.count = 0;
    e->sorted = false;
    if (!read_example(&d, (span){payload, payload + n})) {
        e->features.count = 0;
        if (d.no_memory) return IMNN_ENOMEM;
        return imnn_fail(IMNN_EIO, "not an Example: at byte %lld of %lld: %s",
                         (long long)(d.where - payload), (long long)n, d.why);
    }
    sort(e);
    return IMNN_OK;
}

/* ---- Examples ---- */

imnn_status imnn_example_new(imnn_example **out)
{
    return (*out = imnn_alloc(sizeof **out)) ? IMNN_OK : IMNN_ENOMEM;
}

imnn_status imnn_example_decode(imnn_example **out, const void *bytes, size_t n)
{
    imnn_example *e;
    *out = NULL;
    imnn_status st = imnn_example_new(&e);
    if (st != IMNN_OK) return st;
    uint8_t *own = grow(&e->payload, n, 1);
    if (own && n) memcpy(own, bytes, n);
    st = own ? imnn_example_reread(e, own, n) : IMNN_ENOMEM;
    if (st == IMNN_OK) *out = e;
    else imnn_example_release(e);
    return st;
}

void imnn_example_clear(imnn_example *e)
{
    empty(&e->features, sizeof(imnn_feature));
    empty(&e->bytes, sizeof(byte_string));
    empty(&e->floats, sizeof(float));
    empty(&e->ints, sizeof(int64_t));
    empty(&e->payload, 1);
    empty(&e->packed, 1);
}

void imnn_example_release(imnn_example *e)
{
    if (!e) return;
    imnn_example_clear(e);
    imnn_free(e, sizeof *e);
}

const imnn_feature *imnn_example_named(const imnn_example *e, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < e->features.count; i++) {
        const imnn_feature *f = feature_at(e, (int64_t)i);
        if (f->length == length && (!length || !memcmp(f->name, name, length))) return f;
    }
    return NULL;
}

int64_t imnn_example_count(imnn_example *e)
{
    if (!e->sorted) sort(e);
    return (int64_t)e->features.count;
}

const char *imnn_example_name(imnn_example *e, int64_t i, size_t *length)
{
    const imnn_feature *f = feature_at(e, i);
    *length = f->length;
    return f->length ? (const char *)f->name : "";
}

imnn_feature_kind imnn_example_kind(imnn_example *e, int64_t i) { return feature_at(e, i)->kind; }
int64_t imnn_example_length(imnn_example *e, int64_t i) { return (int64_t)feature_at(e, i)->count; }

const float *imnn_example_floats(imnn_example *e, int64_t i)
{
    return first_value(&e->floats, feature_at(e, i), sizeof(float));
}

const int64_t *imnn_example_ints(imnn_example *e, int64_t i)
{
    return first_value(&e->ints, feature_at(e, i), sizeof(int64_t));
}

const void *imnn_example_bytes(imnn_example *e, int64_t i, int64_t k, size_t *length)
{
    const byte_string *s = (const byte_string *)e->bytes.items + feature_at(e, i)->first + k;
    *length = s->len;
    return s->len ? s->data : (const void *)"";
}

/* ---- making them ---- */

imnn_status imnn_example_put(imnn_example *e, const char *name, size_t length,
                             imnn_feature_kind kind)
{
    size_t order = e->features.count;
    imnn_feature *f = grow(&e->features, 1, sizeof *f);
    if (!f) return IMNN_ENOMEM;
    *f = (imnn_feature){.name = (const uint8_t *)name,
                        .length = length,
                        .kind = kind,
                        .first = kind ? values_of(e, kind)->count : 0,
                        .order = order};
    e->sorted = false;
    return IMNN_OK;
}

/** The place of one more value of the last feature; NULL on failure. */
static void *add_value(imnn_example *e, imnn_feature_kind kind, size_t size, imnn_status *st)
{
    imnn_feature *f = e->features.count ? feature_at(e, (int64_t)e->features.count - 1) : NULL;
    if (!f || f->kind != kind || e->sorted) {
        *st = imnn_fail(IMNN_ETYPE, "example: no feature of this kind has just begun");
        return NULL;
    }
    void *out = grow(values_of(e, kind), 1, size);
    *st = out ? IMNN_OK : IMNN_ENOMEM;
    if (out) f->count++;
    return out;
}

imnn_status imnn_example_add_bytes(imnn_example *e, const void *bytes, size_t length)
{
    imnn_status st;
    byte_string *out = add_value(e, IMNN_FEATURE_BYTES, sizeof *out, &st);
    if (out) out->len = length, out->data = (uint8_t *)(uintptr_t)bytes;
    return st;
}

imnn_status imnn_example_add_float(imnn_example *e, float value)
{
    imnn_status st;
    float *out = add_value(e, IMNN_FEATURE_FLOATS, sizeof *out, &st);
    if (out) *out = value;
    return st;
}

imnn_status imnn_example_add_int(imnn_example *e, int64_t value)
{
    imnn_status st;
    int64_t *out = add_value(e, IMNN_FEATURE_INTS, sizeof *out, &st);
    if (out) *out = value;
    return st;
}

/** One feature as protobuf-c has it. */
typedef struct message {
    Imnn__Entry entry;
    Imnn__Feature feature;
    Imnn__BytesList bytes;
    Imnn__FloatList floats;
    Imnn__Int64List ints;
} message;

static void fill(message *m, imnn_example *e, int64_t i)
{
    const imnn_feature *f = feature_at(e, i);
    m->entry = (Imnn__Entry)IMNN__ENTRY__INIT, m->feature = (Imnn__Feature)IMNN__FEATURE__INIT;
    m->entry.has_name = true;
    m->entry.name = (byte_string){f->length, (uint8_t *)(uintptr_t)f->name};
    m->entry.feature = &m->feature;
    if (f->kind == IMNN_FEATURE_BYTES) {
        m->bytes = (Imnn__BytesList)IMNN__BYTES_LIST__INIT, m->feature.bytes_list = &m->bytes;
        m->bytes.n_value = f->count,
        m->bytes.value = first_value(&e->bytes, f, sizeof(byte_string));
    } else if (f->kind == IMNN_FEATURE_FLOATS) {
        m->floats = (Imnn__FloatList)IMNN__FLOAT_LIST__INIT, m->feature.float_list = &m->floats;
        m->floats.n_value = f->count, m->floats.value = first_value(&e->floats, f, sizeof(float));
    } else if (f->kind == IMNN_FEATURE_INTS) {
        m->ints = (Imnn__Int64List)IMNN__INT64_LIST__INIT, m->feature.int64_list = &m->ints;
        m->ints.n_value = f->count, m->ints.value = first_value(&e->ints, f, sizeof(int64_t));
    }
}

/** Into e->packed. */
static imnn_status pack(imnn_example *e, const Imnn__Example *whole)
{
    size_t n = imnn__example__get_packed_size(whole);
    if (n > INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "example: %lld bytes, records have less than 2 GiB",
                         (long long)n);
    e->packed.count = 0;
    uint8_t *out = grow(&e->packed, n, 1);
    if (!out) return IMNN_ENOMEM;
    imnn__example__pack(whole, out);
    return IMNN_OK;
}

imnn_status imnn_example_encode(imnn_example *e, const void **bytes, size_t *n)
{
    Imnn__Example whole = IMNN__EXAMPLE__INIT;
    Imnn__Features features = IMNN__FEATURES__INIT;
    size_t count = (size_t)imnn_example_count(e), room = count * sizeof(message);
    message *m = imnn_alloc_raw(room);
    Imnn__Entry **entries = imnn_alloc_raw(count * sizeof *entries);
    imnn_status st = m && entries ? IMNN_OK : IMNN_ENOMEM;
    *bytes = NULL, *n = 0;
    if (st == IMNN_OK) {
        for (size_t i = 0; i < count; i++) fill(m + i, e, (int64_t)i), entries[i] = &m[i].entry;
        features.n_feature = count, features.feature = entries;
        whole.features = &features;
        st = pack(e, &whole);
    }
    if (st == IMNN_OK) *bytes = e->packed.items, *n = e->packed.count;
    if (entries) imnn_free(entries, count * sizeof *entries);
    if (m) imnn_free(m, room);
    return st;
}
