/* HDF5 files: values of datasets and attributes. */
#include "core/data/data.h"
#include "core/data/numbers.h"
#include <string.h>

static imnn_status read_raw(hdf5_source *s, const imnn_hdf5 *f, hid_t type, void *out)
{
    if (s->attribute < 0 && imnn_shape_count(&s->shape) == 0) return IMNN_OK;
    hid_t from = s->memory > 0 ? s->space : H5S_ALL;
    herr_t e = s->attribute >= 0 ? h5.Aread(s->attribute, type, out)
                                 : h5.Dread(s->object, type, s->memory, from, H5P_DEFAULT, out);
    imnn_status st = IMNN_OK;
    if (e < 0) st = imnn_hdf5_failed(f, "%s", s->name);
    else if (imnn_hdf5_is_cut(f))
        st = imnn_fail(IMNN_EIO, "hdf5: %s: %s: it was cut: it has %lld bytes of %lld", f->path,
                       s->name, (long long)imnn_hdf5_bytes(f), (long long)f->bytes);
    return st == IMNN_OK ? st : imnn_hdf5_locate(st, s, f);
}

/* ---- integers that are looked at first ---- */

static imnn_status smallest(hdf5_source *s, const imnn_hdf5 *f, imnn_holders h)
{
    imnn_dtype dtype = imnn_holders_smallest(h);
    if (dtype != IMNN_NDTYPE) return s->dtype = dtype, IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "hdf5: %s: %s holds 64-bit integers that no dtype holds exactly",
                     f->path, s->name);
}

static imnn_status check(const hdf5_source *s, const imnn_hdf5 *f, imnn_holders h)
{
    if (imnn_holders_has(h, s->dtype)) return IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "hdf5: %s: %s holds integers that %s does not hold", f->path,
                     s->name, imnn_dtype_name(s->dtype));
}

/** All that is selected, as integers of 8 bytes; to be freed. */
typedef struct integers {
    int64_t *v, n;
    bool is_signed;
} integers;

static void free_integers(integers *x) { imnn_free(x->v, (size_t)x->n * sizeof *x->v); }

static imnn_status read_integers(integers *x, hdf5_source *s, const imnn_hdf5 *f)
{
    x->n = imnn_shape_count(&s->shape);
    x->v = imnn_alloc_raw((size_t)x->n * sizeof *x->v);
    if (!x->v) return imnn_hdf5_no_memory(s, f);
    hid_t base = h5.Tget_class(s->type) == H5T_ENUM ? h5.Tget_super(s->type) : s->type;
    x->is_signed = h5.Tget_sign(base) == H5T_SGN_2;
    if (base != s->type) h5.Tclose(base);
    imnn_status st = read_raw(s, f, x->is_signed ? *h5.NATIVE_INT64 : *h5.NATIVE_UINT64, x->v);
    if (st != IMNN_OK) free_integers(x);
    return st;
}

static imnn_status read_wide(hdf5_source *s, const imnn_hdf5 *f, void *out)
{
    integers x;
    imnn_status st = read_integers(&x, s, f);
    if (st != IMNN_OK) return st;
    st = check(s, f, imnn_holders_look(imnn_holders_all, x.v, x.n, x.is_signed));
    if (st == IMNN_OK) imnn_convert_integers(out, s->dtype, x.v, x.n, x.is_signed);
    free_integers(&x);
    return st;
}

/** An array of the smallest dtype that holds what is selected. */
static imnn_status read_smallest(imnn_array **out, hdf5_source *s, const imnn_hdf5 *f)
{
    integers x;
    imnn_status st = read_integers(&x, s, f);
    if (st != IMNN_OK) return st;
    st = smallest(s, f, imnn_holders_look(imnn_holders_all, x.v, x.n, x.is_signed));
    if (st == IMNN_OK && imnn_array_new(out, s->dtype, &s->shape) != IMNN_OK)
        st = imnn_hdf5_no_memory(s, f);
    if (st == IMNN_OK) imnn_convert_integers((*out)->data, s->dtype, x.v, x.n, x.is_signed);
    free_integers(&x);
    return st;
}

/* ---- what the header promises ---- */

enum { LOOK = 4 << 20 }; /* elements at a time */

/** The dtype of all integers, a few rows at a time. */
static imnn_status find_smallest(hdf5_source *s, const imnn_hdf5 *f)
{
    const imnn_shape shape = s->shape;
    int64_t n = imnn_shape_count(&shape), rows = shape.ndim ? shape.size[0] : 1;
    int64_t at_once = n > LOOK && s->attribute < 0 ? LOOK / (n / rows) + 1 : rows;
    imnn_hdf5_part part = {.start = {0}};
    imnn_status st = IMNN_OK;
    imnn_holders h = imnn_holders_all;
    for (int i = 0; i < shape.ndim; i++) part.count[i] = shape.size[i], part.stride[i] = 1;
    for (int64_t row = 0; row < rows && st == IMNN_OK; row += at_once) {
        integers x;
        part.start[0] = row, part.count[0] = at_once < rows - row ? at_once : rows - row;
        if (at_once < rows) st = imnn_hdf5_select(s, f, &part);
        if (st == IMNN_OK && (st = read_integers(&x, s, f)) == IMNN_OK) {
            h = imnn_holders_look(h, x.v, x.n, x.is_signed);
            free_integers(&x);
        }
    }
    s->shape = shape;
    return st == IMNN_OK ? smallest(s, f, h) : st;
}

imnn_status imnn_hdf5_describe(imnn_hdf5 *f, const char *object, const char *attribute,
                               imnn_dtype *dtype, imnn_shape *shape, bool *is_text)
{
    hdf5_source s;
    imnn_status st = imnn_hdf5_enter();
    if (st != IMNN_OK) return st;
    st = imnn_hdf5_open_source(&s, f, object, attribute);
    if (st == IMNN_OK && s.wide && dtype) st = find_smallest(&s, f);
    if (dtype) *dtype = s.dtype;
    *shape = s.shape, *is_text = s.is_text;
    imnn_hdf5_close_source(&s);
    imnn_hdf5_leave();
    return st;
}

static imnn_status read_plain(hdf5_source *s, const imnn_hdf5 *f, void *out)
{
    /* Booleans as numbers: a damaged file may hold any. */
    hid_t type = s->dtype == IMNN_BOOL ? h5.Tcopy(*h5.NATIVE_INT8) : imnn_hdf5_type(s->dtype);
    imnn_status st = type >= 0 ? read_raw(s, f, type, out) : imnn_hdf5_failed(f, "%s", s->name);
    if (type >= 0) h5.Tclose(type);
    if (st != IMNN_OK || s->dtype != IMNN_BOOL) return st;
    uint8_t *truth = out;
    int64_t n = imnn_shape_count(&s->shape);
    for (int64_t i = 0; i < n; i++) truth[i] = truth[i] != 0;
    return IMNN_OK;
}

imnn_status imnn_hdf5_read_values(hdf5_source *s, const imnn_hdf5 *f, void *out)
{
    return s->wide ? read_wide(s, f, out) : read_plain(s, f, out);
}

static imnn_status read_array(imnn_array **out, hdf5_source *s, const imnn_hdf5 *f)
{
    imnn_array *a;
    if (imnn_array_new(&a, s->dtype, &s->shape) != IMNN_OK) return imnn_hdf5_no_memory(s, f);
    imnn_status st = imnn_hdf5_read_values(s, f, a->data);
    if (st != IMNN_OK) return imnn_array_release(a), st;
    *out = a;
    return IMNN_OK;
}

static imnn_status read(imnn_array **out, imnn_hdf5 *f, const char *object, const char *attribute,
                        const imnn_hdf5_part *part, imnn_dtype dtype)
{
    hdf5_source s;
    *out = NULL;
    imnn_status st = imnn_hdf5_enter();
    if (st != IMNN_OK) return st;
    st = imnn_hdf5_open_source(&s, f, object, attribute);
    if (st == IMNN_OK && s.is_text)
        st = imnn_fail(IMNN_EDTYPE, "hdf5: %s: %s holds text, not numbers", f->path, s.name);
    if (st == IMNN_OK) st = imnn_hdf5_read_as(&s, f, dtype);
    if (st == IMNN_OK && part) st = imnn_hdf5_select(&s, f, part);
    if (st == IMNN_OK)
        st = s.wide && dtype == IMNN_NDTYPE ? read_smallest(out, &s, f) : read_array(out, &s, f);
    imnn_hdf5_close_source(&s);
    imnn_hdf5_leave();
    return st;
}

imnn_status imnn_hdf5_read(imnn_array **out, imnn_hdf5 *f, const char *object,
                           const char *attribute)
{
    return read(out, f, object, attribute, NULL, IMNN_NDTYPE);
}

imnn_status imnn_hdf5_read_part(imnn_array **out, imnn_hdf5 *f, const char *object,
                                const imnn_hdf5_part *part, imnn_dtype dtype)
{
    return read(out, f, object, NULL, part, dtype);
}

/* ---- text ---- */

static imnn_status read_pointers(imnn_hdf5 *f, hdf5_source *s, hid_t memory)
{
    int64_t n = imnn_shape_count(&s->shape);
    size_t bytes = (size_t)n * sizeof(char *);
    char **strings = imnn_alloc(bytes);
    if (!strings) return imnn_hdf5_no_memory(s, f);
    imnn_status st = read_raw(s, f, memory, strings);
    for (int64_t i = 0; i < n && st == IMNN_OK; i++)
        imnn_print(&f->text, "%s%c", strings[i] ? strings[i] : "", 0);
    if (st == IMNN_OK) h5.Dvlen_reclaim(memory, s->space, H5P_DEFAULT, strings);
    imnn_free(strings, bytes);
    return st;
}

/** Padding is not part of a value. */
static imnn_status read_padded(imnn_hdf5 *f, hdf5_source *s, hid_t memory)
{
    int64_t n = imnn_shape_count(&s->shape);
    size_t size = h5.Tget_size(memory), bytes = (size_t)n * size;
    if ((double)n * (double)size > 0x1p56)
        return imnn_fail(IMNN_ENOMEM, "hdf5: %s: %s says that it has %g bytes", f->path, s->name,
                         (double)n * (double)size);
    char *strings = imnn_alloc(bytes);
    if (!strings) return imnn_hdf5_no_memory(s, f);
    imnn_status st = read_raw(s, f, memory, strings);
    for (int64_t i = 0; i < n && st == IMNN_OK; i++)
        imnn_print(&f->text, "%.*s%c", (int)size - 1, strings + (size_t)i * size, 0);
    imnn_free(strings, bytes);
    return st;
}

static imnn_status read_text(imnn_hdf5 *f, hdf5_source *s)
{
    if (!s->is_text)
        return imnn_fail(IMNN_EDTYPE, "hdf5: %s: %s holds numbers, not text", f->path, s->name);
    bool variable = h5.Tis_variable_str(s->type) > 0;
    hid_t memory = h5.Tcopy(*h5.C_S1); /* ended by zero bytes, in the characters of the file */
    if (memory < 0) return imnn_hdf5_failed(f, "%s", s->name);
    size_t size = variable ? H5T_VARIABLE : h5.Tget_size(s->type) + 1;
    bool made = h5.Tset_size(memory, size) >= 0 && h5.Tset_cset(memory, h5.Tget_cset(s->type)) >= 0;
    imnn_status st = !made      ? imnn_hdf5_failed(f, "%s", s->name)
                     : variable ? read_pointers(f, s, memory)
                                : read_padded(f, s, memory);
    h5.Tclose(memory);
    return st == IMNN_OK && f->text.failed ? imnn_hdf5_no_memory(s, f) : st;
}

const char *imnn_hdf5_text(imnn_hdf5 *f, const char *object, const char *attribute)
{
    hdf5_source s;
    imnn_buffer_free(&f->text);
    if (imnn_hdf5_enter() != IMNN_OK) return NULL;
    imnn_status st = imnn_hdf5_open_source(&s, f, object, attribute);
    imnn_print(&f->text, "%s", ""); /* no strings are a text, too */
    if (st == IMNN_OK) st = read_text(f, &s);
    imnn_hdf5_close_source(&s);
    imnn_hdf5_leave();
    return st == IMNN_OK ? f->text.text : NULL;
}
