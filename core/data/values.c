/* HDF5 files: values of datasets and attributes. */
#include "core/data/data.h"
#include <stdio.h>
#include <string.h>

/** A dataset or an attribute, open. */
typedef struct source {
    hid_t object, attribute; /* attribute: -1 for the dataset itself */
    hid_t type, space;
    char name[256]; /* for messages: "a/b", or "a/b": attribute "c" */
    imnn_shape shape;
    imnn_dtype dtype; /* what it is read as; of wide integers once their values are known */
    bool is_text, wide;
} source;

/* ---- types ---- */

/** An enumeration FALSE = 0, TRUE = 1 of one byte: how h5py writes booleans. */
static bool is_bool(hid_t type)
{
    static const char *const names[2] = {"FALSE", "TRUE"};
    bool same = h5.Tget_size(type) == 1 && h5.Tget_nmembers(type) == 2;
    for (unsigned i = 0; same && i < 2; i++) {
        int8_t value = -1;
        char *name = h5.Tget_member_name(type, i);
        same = name && !strcmp(name, names[i]) && h5.Tget_member_value(type, i, &value) >= 0 &&
               value == (int8_t)i;
        h5.free_memory(name);
    }
    return same;
}

static const char *class_name(H5T_class_t class)
{
    switch (class) {
    case H5T_COMPOUND: return "compound values";
    case H5T_VLEN: return "ragged arrays";
    case H5T_REFERENCE: return "references";
    case H5T_OPAQUE: return "opaque bytes";
    case H5T_ARRAY: return "arrays as elements";
    case H5T_BITFIELD: return "bit fields";
    case H5T_FLOAT: return "floats of more than 8 bytes";
    case H5T_INTEGER: return "integers of more than 8 bytes";
    default: return "values of an unknown type";
    }
}

static bool understand_integer(source *s, hid_t type)
{
    size_t size = h5.Tget_size(type);
    bool is_signed = h5.Tget_sign(type) == H5T_SGN_2;
    s->dtype = size == 4 && !is_signed ? IMNN_U32 : IMNN_I32;
    s->wide = size > 4;
    return size <= 8;
}

/** A compound of two floats of equal size, r and i: how h5py writes complex numbers. */
static bool is_complex(hid_t type)
{
    static const char *const names[2] = {"r", "i"};
    size_t size[2] = {0};
    bool same = h5.Tget_nmembers(type) == 2;
    for (unsigned k = 0; same && k < 2; k++) {
        char *name = h5.Tget_member_name(type, k);
        hid_t part = h5.Tget_member_type(type, k);
        same = name && !strcmp(name, names[k]) && part >= 0 && h5.Tget_class(part) == H5T_FLOAT;
        if (same) size[k] = h5.Tget_size(part);
        if (part >= 0) h5.Tclose(part);
        h5.free_memory(name);
    }
    return same && size[0] == size[1] && size[0] <= 8;
}

static bool understand_compound(source *s)
{
    if (!is_complex(s->type)) return false;
    hid_t part = h5.Tget_member_type(s->type, 0);
    s->dtype = h5.Tget_size(part) <= 4 ? IMNN_C64 : IMNN_C128;
    h5.Tclose(part);
    return true;
}

static bool understand(source *s)
{
    switch (h5.Tget_class(s->type)) {
    case H5T_FLOAT:
        s->dtype = h5.Tget_size(s->type) <= 4 ? IMNN_F32 : IMNN_F64;
        return h5.Tget_size(s->type) <= 8;
    case H5T_INTEGER: return understand_integer(s, s->type);
    case H5T_ENUM:
        s->dtype = IMNN_BOOL;
        if (is_bool(s->type)) return true;
        hid_t base = h5.Tget_super(s->type);
        bool known = understand_integer(s, base);
        h5.Tclose(base);
        return known;
    case H5T_STRING: return s->is_text = true;
    case H5T_COMPOUND: return understand_compound(s);
    default: return false;
    }
}

static imnn_status read_shape(source *s, const imnn_hdf5 *f)
{
    hsize_t sizes[H5S_MAX_RANK];
    if (h5.Sget_simple_extent_type(s->space) == H5S_NULL)
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: %s has no value", f->path, s->name);
    int ndim = h5.Sget_simple_extent_dims(s->space, sizes, NULL);
    if (ndim < 0) return imnn_hdf5_failed(f, "%s", s->name);
    if (ndim > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: %s has %d axes, arrays have at most %d", f->path,
                         s->name, ndim, IMNN_MAX_NDIM);
    s->shape.ndim = ndim;
    double elements = 1;
    for (int i = 0; i < ndim; i++) {
        s->shape.size[i] = (int64_t)sizes[i];
        elements *= (double)sizes[i];
    }
    if (elements > 0x1p56)
        return imnn_fail(IMNN_ENOMEM, "hdf5: %s: %s says that it has %g elements", f->path, s->name,
                         elements);
    return IMNN_OK;
}

/* ---- a dataset or attribute ---- */

static imnn_status open_attribute(source *s, const imnn_hdf5 *f, const char *object,
                                  const char *attribute)
{
    snprintf(s->name, sizeof s->name, "\"%s\": attribute \"%s\"", object, attribute);
    if (h5.Aexists(s->object, attribute) == 0)
        return imnn_fail(IMNN_EIO, "hdf5: %s: \"%s\" has no attribute \"%s\"", f->path, object,
                         attribute);
    s->attribute = h5.Aopen(s->object, attribute, H5P_DEFAULT);
    if (s->attribute < 0) return imnn_hdf5_failed(f, "%s", s->name);
    s->type = h5.Aget_type(s->attribute);
    s->space = h5.Aget_space(s->attribute);
    return IMNN_OK;
}

static imnn_status open_dataset(source *s, const imnn_hdf5 *f, const char *object)
{
    snprintf(s->name, sizeof s->name, "\"%s\"", object);
    if (imnn_hdf5_kind_of(s->object) != 'd')
        return imnn_fail(IMNN_ETYPE, "hdf5: %s: %s is not a dataset", f->path, s->name);
    s->type = h5.Dget_type(s->object);
    s->space = h5.Dget_space(s->object);
    return IMNN_OK;
}

static void close_source(source *s)
{
    if (s->space >= 0) h5.Sclose(s->space);
    if (s->type >= 0) h5.Tclose(s->type);
    if (s->attribute >= 0) h5.Aclose(s->attribute);
    if (s->object >= 0) h5.Oclose(s->object);
}

/** To be closed also after a failure. */
static imnn_status open_source(source *s, const imnn_hdf5 *f, const char *object,
                               const char *attribute)
{
    *s = (source){.object = -1, .attribute = -1, .type = -1, .space = -1};
    imnn_status st = imnn_hdf5_object(&s->object, f, object);
    if (st != IMNN_OK) return st;
    st = attribute ? open_attribute(s, f, object, attribute) : open_dataset(s, f, object);
    if (st != IMNN_OK) return st;
    if (s->type < 0 || s->space < 0) return imnn_hdf5_failed(f, "%s", s->name);
    if (!understand(s))
        return imnn_fail(IMNN_EDTYPE, "hdf5: %s: %s holds %s, which are not supported", f->path,
                         s->name, class_name(h5.Tget_class(s->type)));
    return read_shape(s, f);
}

static imnn_status read_raw(source *s, const imnn_hdf5 *f, hid_t memory, void *out)
{
    herr_t e = s->attribute >= 0 ? h5.Aread(s->attribute, memory, out)
                                 : h5.Dread(s->object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
    return e >= 0 ? IMNN_OK : imnn_hdf5_failed(f, "%s", s->name);
}

/** The sentence of a failed allocation, with what it was for. */
static imnn_status no_memory(const source *s, const imnn_hdf5 *f)
{
    return imnn_fail(IMNN_ENOMEM, "hdf5: %s: %s: %s", f->path, s->name, imnn_last_error());
}

/* ---- integers of 8 bytes: the smallest dtype that holds their values ---- */

/** Beyond 2^53 doubles have gaps, yet a value may be one of them. */
static bool double_holds(int64_t v, bool is_signed)
{
    double d = is_signed ? (double)v : (double)(uint64_t)v;
    if (is_signed) return d < 0x1p63 && (int64_t)d == v;
    return d < 0x1p64 && (uint64_t)d == (uint64_t)v;
}

static imnn_status narrow(source *s, const imnn_hdf5 *f, const int64_t *v, bool is_signed)
{
    bool i32 = true, u32 = true, f64 = true;
    int64_t n = imnn_shape_count(&s->shape);
    for (int64_t i = 0; i < n; i++) {
        bool huge = !is_signed && v[i] < 0; /* 2^63 or more */
        i32 = i32 && !huge && v[i] >= INT32_MIN && v[i] <= INT32_MAX;
        u32 = u32 && !huge && v[i] >= 0 && v[i] <= UINT32_MAX;
        f64 = f64 && double_holds(v[i], is_signed);
    }
    s->dtype = i32 ? IMNN_I32 : u32 ? IMNN_U32 : IMNN_F64;
    if (i32 || u32 || f64) return IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "hdf5: %s: %s holds 64-bit integers that no dtype holds exactly",
                     f->path, s->name);
}

static void convert(imnn_array *a, const int64_t *v, bool is_signed)
{
    int64_t n = imnn_shape_count(&a->shape);
    for (int64_t i = 0; i < n; i++) {
        if (a->dtype == IMNN_I32) ((int32_t *)a->data)[i] = (int32_t)v[i];
        else if (a->dtype == IMNN_U32) ((uint32_t *)a->data)[i] = (uint32_t)v[i];
        else ((double *)a->data)[i] = is_signed ? (double)v[i] : (double)(uint64_t)v[i];
    }
}

/** out NULL: only find the dtype. */
static imnn_status read_wide(imnn_array **out, source *s, const imnn_hdf5 *f)
{
    size_t bytes = (size_t)imnn_shape_count(&s->shape) * sizeof(int64_t);
    bool is_signed = true;
    int64_t *values = imnn_alloc_raw(bytes);
    if (!values) return no_memory(s, f);
    hid_t base = h5.Tget_class(s->type) == H5T_ENUM ? h5.Tget_super(s->type) : s->type;
    is_signed = h5.Tget_sign(base) == H5T_SGN_2;
    if (base != s->type) h5.Tclose(base);
    imnn_status st = read_raw(s, f, is_signed ? *h5.NATIVE_INT64 : *h5.NATIVE_UINT64, values);
    if (st == IMNN_OK) st = narrow(s, f, values, is_signed);
    if (st == IMNN_OK && out) {
        st = imnn_array_new(out, s->dtype, &s->shape);
        if (st == IMNN_OK) convert(*out, values, is_signed);
    }
    imnn_free(values, bytes);
    return st;
}

/* ---- what the header promises ---- */

imnn_status imnn_hdf5_describe(imnn_hdf5 *f, const char *object, const char *attribute,
                               imnn_dtype *dtype, imnn_shape *shape, bool *is_text)
{
    source s;
    imnn_status st = imnn_hdf5_enter();
    if (st != IMNN_OK) return st;
    st = open_source(&s, f, object, attribute);
    if (st == IMNN_OK && s.wide) st = read_wide(NULL, &s, f);
    *dtype = s.dtype, *shape = s.shape, *is_text = s.is_text;
    close_source(&s);
    imnn_hdf5_leave();
    return st;
}

/** Complex numbers as arrays hold them; -1 on failure. */
static hid_t pair_type(imnn_dtype dtype)
{
    const hid_t part = dtype == IMNN_C64 ? *h5.NATIVE_FLOAT : *h5.NATIVE_DOUBLE;
    const size_t size = imnn_dtype_size(dtype);
    hid_t pair = h5.Tcreate(H5T_COMPOUND, size);
    if (pair < 0) return -1;
    if (h5.Tinsert(pair, "r", 0, part) >= 0 && h5.Tinsert(pair, "i", size / 2, part) >= 0)
        return pair;
    h5.Tclose(pair);
    return -1;
}

static imnn_status read_complex(imnn_array **out, source *s, const imnn_hdf5 *f)
{
    imnn_array *a;
    if (imnn_array_new(&a, s->dtype, &s->shape) != IMNN_OK) return no_memory(s, f);
    hid_t pair = pair_type(s->dtype);
    imnn_status st = pair >= 0 ? read_raw(s, f, pair, a->data) : imnn_hdf5_failed(f, "%s", s->name);
    if (pair >= 0) h5.Tclose(pair);
    if (st != IMNN_OK) return imnn_array_release(a), st;
    *out = a;
    return IMNN_OK;
}

static imnn_status read_narrow(imnn_array **out, source *s, const imnn_hdf5 *f)
{
    const hid_t memory[IMNN_NDTYPE] = {*h5.NATIVE_FLOAT, *h5.NATIVE_DOUBLE, *h5.NATIVE_INT32,
                                       *h5.NATIVE_UINT32, *h5.NATIVE_INT8};
    imnn_array *a;
    if (imnn_array_new(&a, s->dtype, &s->shape) != IMNN_OK) return no_memory(s, f);
    imnn_status st = read_raw(s, f, memory[s->dtype], a->data);
    if (st != IMNN_OK) return imnn_array_release(a), st;
    uint8_t *truth = a->data;
    if (s->dtype == IMNN_BOOL) /* a damaged file may hold anything */
        for (size_t i = 0; i < a->bytes; i++) truth[i] = truth[i] != 0;
    *out = a;
    return IMNN_OK;
}

imnn_status imnn_hdf5_read(imnn_array **out, imnn_hdf5 *f, const char *object,
                           const char *attribute)
{
    source s;
    *out = NULL;
    imnn_status st = imnn_hdf5_enter();
    if (st != IMNN_OK) return st;
    st = open_source(&s, f, object, attribute);
    if (st == IMNN_OK && s.is_text)
        st = imnn_fail(IMNN_EDTYPE, "hdf5: %s: %s holds text, not numbers", f->path, s.name);
    if (st == IMNN_OK)
        st = s.wide                                        ? read_wide(out, &s, f)
             : s.dtype == IMNN_C64 || s.dtype == IMNN_C128 ? read_complex(out, &s, f)
                                                           : read_narrow(out, &s, f);
    close_source(&s);
    imnn_hdf5_leave();
    return st;
}

/* ---- text ---- */

static imnn_status read_pointers(imnn_hdf5 *f, source *s, hid_t memory)
{
    int64_t n = imnn_shape_count(&s->shape);
    size_t bytes = (size_t)n * sizeof(char *);
    char **strings = imnn_alloc(bytes);
    if (!strings) return no_memory(s, f);
    imnn_status st = read_raw(s, f, memory, strings);
    for (int64_t i = 0; i < n && st == IMNN_OK; i++)
        imnn_print(&f->text, "%s%c", strings[i] ? strings[i] : "", 0);
    if (st == IMNN_OK) h5.Dvlen_reclaim(memory, s->space, H5P_DEFAULT, strings);
    imnn_free(strings, bytes);
    return st;
}

/** Padding is not part of a value. */
static imnn_status read_padded(imnn_hdf5 *f, source *s, hid_t memory)
{
    int64_t n = imnn_shape_count(&s->shape);
    size_t size = h5.Tget_size(memory), bytes = (size_t)n * size;
    if ((double)n * (double)size > 0x1p56)
        return imnn_fail(IMNN_ENOMEM, "hdf5: %s: %s says that it has %g bytes", f->path, s->name,
                         (double)n * (double)size);
    char *strings = imnn_alloc(bytes);
    if (!strings) return no_memory(s, f);
    imnn_status st = read_raw(s, f, memory, strings);
    for (int64_t i = 0; i < n && st == IMNN_OK; i++)
        imnn_print(&f->text, "%.*s%c", (int)size - 1, strings + (size_t)i * size, 0);
    imnn_free(strings, bytes);
    return st;
}

static imnn_status read_text(imnn_hdf5 *f, source *s)
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
    return st == IMNN_OK && f->text.failed ? no_memory(s, f) : st;
}

const char *imnn_hdf5_text(imnn_hdf5 *f, const char *object, const char *attribute)
{
    source s;
    imnn_buffer_free(&f->text);
    if (imnn_hdf5_enter() != IMNN_OK) return NULL;
    imnn_status st = open_source(&s, f, object, attribute);
    imnn_print(&f->text, "%s", ""); /* no strings are a text, too */
    if (st == IMNN_OK) st = read_text(f, &s);
    close_source(&s);
    imnn_hdf5_leave();
    return st == IMNN_OK ? f->text.text : NULL;
}
