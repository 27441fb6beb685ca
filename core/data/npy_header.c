/* The beginning of npy files: a literal of Python with dtype, order and shape. */
#include "core/base/replace.h"
#include "core/data/npy.h"
#include <stdio.h>
#include <string.h>

static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/** Where the literal is being read. */
typedef struct literal {
    const char *at, *end, *begin;
    const npy_bytes *b;
    int64_t offset; /* of its first byte in the file */
} literal;

static imnn_status wrong(const literal *l, const char *why)
{
    return imnn_fail(IMNN_EIO, "npy: %s: header, offset %lld: %s", l->b->name,
                     (long long)(l->offset + (l->at - l->begin)), why);
}

static void skip_space(literal *l)
{
    while (l->at < l->end && strchr(" \t\r\n\f", *l->at) && *l->at) l->at++;
}

/** Whether this is the next thing, which is then behind. */
static bool take(literal *l, const char *text)
{
    size_t n = strlen(text);
    skip_space(l);
    if ((size_t)(l->end - l->at) < n || memcmp(l->at, text, n)) return false;
    l->at += n;
    return true;
}

/** A string in either kind of quotes, without escapes, which numpy does not write. */
static imnn_status take_string(literal *l, char *out, size_t size)
{
    skip_space(l);
    char quote = l->at < l->end ? *l->at : 0;
    if (quote != '\'' && quote != '"') return wrong(l, "a string was expected");
    const char *first = l->at + 1, *last = memchr(first, quote, (size_t)(l->end - first));
    if (!last) return wrong(l, "a string does not end");
    size_t n = (size_t)(last - first);
    if (n >= size) return wrong(l, "a string is too long");
    memcpy(out, first, n);
    out[n] = 0;
    if (strlen(out) < n) return wrong(l, "a string holds a zero byte");
    l->at = last + 1;
    return IMNN_OK;
}

/* ---- dtype ---- */

static const struct {
    const char *name;
    char kind;
    int size;
} names[] = {{"bool", 'b', 1},      {"int8", 'i', 1},       {"int16", 'i', 2},
             {"int32", 'i', 4},     {"int64", 'i', 8},      {"uint8", 'u', 1},
             {"uint16", 'u', 2},    {"uint32", 'u', 4},     {"uint64", 'u', 8},
             {"float16", 'f', 2},   {"float32", 'f', 4},    {"float64", 'f', 8},
             {"complex64", 'c', 8}, {"complex128", 'c', 16}};

static imnn_status not_held(const literal *l, const char *what)
{
    return imnn_fail(IMNN_EDTYPE, "npy: %s: holds %s, which are not supported", l->b->name, what);
}

static bool exists(char kind, int size)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].kind == kind && names[i].size == size) return true;
    return false;
}

/** "<f4", or a name. */
static imnn_status understand(imnn_stored *t, const literal *l, const char *text)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(text, names[i].name))
            return *t = (imnn_stored){names[i].kind, names[i].size, false}, IMNN_OK;
    const char *code = text + (*text && strchr("<>=|", *text) ? 1 : 0);
    int size = 0, end = 0;
    if (*code && sscanf(code + 1, "%9d%n", &size, &end) == 1 && !code[1 + end] &&
        exists(*code, size)) {
        *t = (imnn_stored){*code, size, size > 1 && *text == '>'};
        return IMNN_OK;
    }
    switch (*code) {
    case 'O': return not_held(l, "pickled objects");
    case 'U':
    case 'S':
    case 'a': return not_held(l, "strings");
    case 'M':
    case 'm': return not_held(l, "dates or times");
    case 'V': return not_held(l, "raw bytes");
    default: break;
    }
    if ((*code == 'f' && size > 8) || (*code == 'c' && size > 16))
        return not_held(l, "floats of more than 8 bytes");
    return imnn_fail(IMNN_EIO, "npy: %s: header: there is no dtype \"%s\"", l->b->name, text);
}

static imnn_status take_dtype(imnn_stored *t, literal *l)
{
    char text[64];
    if (take(l, "[")) return not_held(l, "structures");
    imnn_status st = take_string(l, text, sizeof text);
    return st == IMNN_OK ? understand(t, l, text) : st;
}

/* ---- shape ---- */

static imnn_status take_size(int64_t *out, literal *l)
{
    skip_space(l);
    const char *first = l->at;
    *out = 0;
    if (l->at < l->end && *l->at == '-') return wrong(l, "a size is negative");
    for (; l->at < l->end && *l->at >= '0' && *l->at <= '9'; l->at++)
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, *l->at - '0', out))
            return wrong(l, "a size is too large");
    if (l->at == first) return wrong(l, "a size was expected");
    take(l, "L"); /* Python 2 wrote long integers so */
    return IMNN_OK;
}

static imnn_status take_shape(imnn_shape *s, literal *l)
{
    if (!take(l, "(")) return wrong(l, "the shape is not a tuple");
    int ndim = 0;
    bool comma = true;
    while (!take(l, ")")) {
        int64_t size;
        if (!comma) return wrong(l, "a comma was expected");
        imnn_status st = take_size(&size, l);
        if (st != IMNN_OK) return st;
        if (ndim < IMNN_MAX_NDIM) s->size[ndim] = size;
        ndim++;
        comma = take(l, ",");
        if (!comma && ndim == 1) return wrong(l, "the shape is not a tuple");
    }
    if (ndim > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "npy: %s: has %d axes, arrays have at most %d", l->b->name,
                         ndim, IMNN_MAX_NDIM);
    s->ndim = ndim;
    return IMNN_OK;
}

/* ---- all of it ---- */

static imnn_status take_entry(npy_header *h, literal *l, unsigned *seen)
{
    static const char *const keys[3] = {"descr", "fortran_order", "shape"};
    char key[32];
    unsigned k = 0;
    imnn_status st = take_string(l, key, sizeof key);
    if (st != IMNN_OK) return st;
    while (k < 3 && strcmp(key, keys[k])) k++;
    if (k == 3) return wrong(l, "there is an entry beside descr, fortran_order and shape");
    if (*seen & 1u << k) return wrong(l, "an entry comes twice");
    *seen |= 1u << k;
    if (!take(l, ":")) return wrong(l, "a colon was expected");
    if (k == 0) return take_dtype(&h->stored, l);
    if (k == 2) return take_shape(&h->shape, l);
    h->fortran = take(l, "True");
    return h->fortran || take(l, "False") ? IMNN_OK : wrong(l, "fortran_order is no boolean");
}

static imnn_status take_dictionary(npy_header *h, literal *l)
{
    unsigned seen = 0;
    bool comma = true;
    if (!take(l, "{")) return wrong(l, "a dictionary was expected");
    while (!take(l, "}")) {
        if (!comma) return wrong(l, "a comma was expected");
        imnn_status st = take_entry(h, l, &seen);
        if (st != IMNN_OK) return st;
        comma = take(l, ",");
    }
    skip_space(l);
    if (seen != 7) return wrong(l, "descr, fortran_order or shape is missing");
    return l->at == l->end ? IMNN_OK : wrong(l, "something stands behind the dictionary");
}

/** That the file has the numbers that it promises. */
static imnn_status check_size(npy_header *h, const npy_bytes *b)
{
    int64_t count = 1, bytes = 0;
    bool none = false, overflow = false;
    for (int i = 0; i < h->shape.ndim; i++) none = none || h->shape.size[i] == 0;
    for (int i = 0; i < h->shape.ndim && !none; i++)
        overflow = overflow || __builtin_mul_overflow(count, h->shape.size[i], &count);
    h->count = none ? 0 : count;
    overflow = overflow || __builtin_mul_overflow(h->count, h->stored.size, &bytes);
    if (!overflow && bytes <= b->size - h->offset) return IMNN_OK;
    return imnn_fail(IMNN_EIO,
                     "npy: %s: the data end too early: shape %s of %d bytes from offset "
                     "%lld on, but the file ends at %lld%s",
                     b->name, imnn_shape_text(&h->shape).s, h->stored.size, (long long)h->offset,
                     (long long)b->size, imnn_unfinished_hint(b->name));
}

/** Where the literal begins and how long it is. */
static imnn_status read_start(int64_t *begin, int64_t *length, const npy_bytes *b)
{
    uint8_t start[NPY_START] = {0};
    int64_t n = b->size < NPY_START ? b->size : NPY_START;
    imnn_status st = npy_read_bytes(b, start, n, 0);
    if (st != IMNN_OK) return st;
    if (n < (int64_t)sizeof magic || memcmp(start, magic, sizeof magic))
        return imnn_fail(IMNN_EIO, "npy: %s: is %s%s", b->name,
                         b->size ? "not an npy file" : "empty", imnn_unfinished_hint(b->name));
    if (n > 6 && (start[6] < 1 || start[6] > 3))
        return imnn_fail(IMNN_EIO, "npy: %s: version %d of npy is not known", b->name, start[6]);
    *length = start[8] | start[9] << 8;
    if (start[6] > 1) *length |= (int64_t)start[10] << 16 | (int64_t)start[11] << 24;
    *begin = start[6] > 1 ? 12 : 10;
    if (n < *begin || *length > b->size - *begin)
        return imnn_fail(IMNN_EIO, "npy: %s: ends inside the header%s", b->name,
                         imnn_unfinished_hint(b->name));
    if (*length > NPY_MOST_HEADER)
        return imnn_fail(IMNN_EIO, "npy: %s: the header has %lld bytes", b->name,
                         (long long)*length);
    return IMNN_OK;
}

imnn_status npy_read_header(npy_header *h, const npy_bytes *b)
{
    int64_t begin = 0, length = 0;
    *h = (npy_header){.count = 0};
    imnn_status st = read_start(&begin, &length, b);
    if (st != IMNN_OK) return st;
    char *text = imnn_alloc_raw((size_t)length);
    if (!text) return imnn_fail(IMNN_ENOMEM, "npy: %s: %s", b->name, imnn_last_error());
    st = npy_read_bytes(b, text, length, begin);
    literal l = {text, text + length, text, b, begin};
    if (st == IMNN_OK) st = take_dictionary(h, &l);
    h->offset = begin + length;
    imnn_free(text, (size_t)length);
    return st == IMNN_OK ? check_size(h, b) : st;
}

/* ---- written ---- */

int npy_write_header(char *out, const imnn_array *x)
{
    static const char *const codes[IMNN_NDTYPE] = {"<f4", "<f8", "<i4", "<u4",
                                                   "|b1", "<c8", "<c16"};
    const char *code = codes[x->dtype];
    char sizes[200] = "";
    int n = 0, ndim = x->shape.ndim;
    for (int i = 0; i < ndim; i++)
        n += snprintf(sizes + n, sizeof sizes - (size_t)n, "%s%lld", i ? ", " : "",
                      (long long)x->shape.size[i]);
    memcpy(out, magic, sizeof magic);
    out[6] = 1, out[7] = 0;
    n = 10 + snprintf(out + 10, NPY_HEADER - 10,
                      "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }", code, sizes,
                      ndim == 1 ? "," : "");
    while ((n + 1) % 64) out[n++] = ' ';
    out[n++] = '\n';
    out[8] = (char)((n - 10) & 255), out[9] = (char)((n - 10) >> 8);
    return n;
}
