/* HDF5 files: datasets and attributes, their types, and which of their elements are meant. */
#include "core/data/data.h"
#include <stdio.h>
#include <string.h>

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

static bool understand_integer(hdf5_source *s, hid_t type)
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

static bool understand_compound(hdf5_source *s)
{
    if (!is_complex(s->type)) return false;
    hid_t part = h5.Tget_member_type(s->type, 0);
    s->dtype = h5.Tget_size(part) <= 4 ? IMNN_C64 : IMNN_C128;
    h5.Tclose(part);
    return true;
}

static bool understand(hdf5_source *s)
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

/** Names of types, for messages. */
static const char *kind_of(const hdf5_source *s)
{
    if (s->is_text) return "text";
    return s->wide ? "64-bit integers" : imnn_dtype_name(s->dtype);
}

static imnn_status read_shape(hdf5_source *s, const imnn_hdf5 *f)
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

static imnn_status open_attribute(hdf5_source *s, const imnn_hdf5 *f, const char *object,
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

static imnn_status open_dataset(hdf5_source *s, const imnn_hdf5 *f, const char *object)
{
    snprintf(s->name, sizeof s->name, "\"%s\"", object);
    if (imnn_hdf5_kind_of(s->object) != 'd')
        return imnn_fail(IMNN_ETYPE, "hdf5: %s: %s is not a dataset", f->path, s->name);
    s->type = h5.Dget_type(s->object);
    s->space = h5.Dget_space(s->object);
    return IMNN_OK;
}

void imnn_hdf5_close_source(hdf5_source *s)
{
    if (s->memory > 0) h5.Sclose(s->memory);
    if (s->space >= 0) h5.Sclose(s->space);
    if (s->type >= 0) h5.Tclose(s->type);
    if (s->attribute >= 0) h5.Aclose(s->attribute);
    if (s->object >= 0) h5.Oclose(s->object);
}

imnn_status imnn_hdf5_open_source(hdf5_source *s, const imnn_hdf5 *f, const char *object,
                                  const char *attribute)
{
    *s = (hdf5_source){.object = -1, .attribute = -1, .type = -1, .space = -1};
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

/* ---- some elements ---- */

static imnn_status outside(const hdf5_source *s, const imnn_hdf5 *f, const hsize_t *size,
                           const imnn_hdf5_part *part, int axis)
{
    return imnn_fail(IMNN_EVALUE,
                     "hdf5: %s: %s has %lld elements along axis %d, not %lld in steps of %lld "
                     "from number %lld on",
                     f->path, s->name, (long long)size[axis], axis + 1,
                     (long long)part->count[axis], (long long)part->stride[axis],
                     (long long)part->start[axis] + 1);
}

static bool fits(hsize_t size, int64_t start, int64_t count, int64_t stride)
{
    if (start < 0 || count < 0 || stride < 1) return false;
    if (count == 0) return true;
    return (uint64_t)start < size &&
           (uint64_t)(count - 1) <= (size - 1 - (uint64_t)start) / (uint64_t)stride;
}

imnn_status imnn_hdf5_select(hdf5_source *s, const imnn_hdf5 *f, const imnn_hdf5_part *part)
{
    hsize_t size[H5S_MAX_RANK], start[IMNN_MAX_NDIM], count[IMNN_MAX_NDIM], stride[IMNN_MAX_NDIM];
    const int ndim = s->shape.ndim;
    if (h5.Sget_simple_extent_dims(s->space, size, NULL) < 0)
        return imnn_hdf5_failed(f, "%s", s->name);
    for (int i = 0; i < ndim; i++) {
        if (!fits(size[i], part->start[i], part->count[i], part->stride[i]))
            return outside(s, f, size, part, i);
        start[i] = (hsize_t)part->start[i], stride[i] = (hsize_t)part->stride[i];
        count[i] = (hsize_t)part->count[i], s->shape.size[i] = part->count[i];
    }
    if (ndim == 0 || imnn_shape_count(&s->shape) == 0) return IMNN_OK;
    if (s->memory > 0) h5.Sclose(s->memory);
    s->memory = h5.Screate_simple(ndim, count, NULL);
    if (s->memory < 0 ||
        h5.Sselect_hyperslab(s->space, H5S_SELECT_SET, start, stride, count, NULL) < 0)
        return imnn_hdf5_failed(f, "%s", s->name);
    return IMNN_OK;
}

imnn_status imnn_hdf5_read_as(hdf5_source *s, const imnn_hdf5 *f, imnn_dtype dtype)
{
    const imnn_dtype usual = s->dtype;
    const bool to_float = dtype == IMNN_F32 || dtype == IMNN_F64;
    const bool to_integer = dtype == IMNN_I32 || dtype == IMNN_U32;
    const bool to_complex = dtype == IMNN_C64 || dtype == IMNN_C128;
    if (dtype == IMNN_NDTYPE || (dtype == usual && !s->wide && !s->is_text)) return IMNN_OK;
    bool possible = false;
    switch (usual) {
    case IMNN_F32:
    case IMNN_F64: possible = to_float; break;
    case IMNN_I32:
    case IMNN_U32: possible = to_float || to_integer; break;
    case IMNN_C64:
    case IMNN_C128: possible = to_complex; break;
    default: break;
    }
    if (!possible || s->is_text)
        return imnn_fail(IMNN_EDTYPE, "hdf5: %s: %s holds %s, which cannot be read as %s", f->path,
                         s->name, kind_of(s), imnn_dtype_name(dtype));
    s->dtype = dtype;
    if (usual == IMNN_I32 || usual == IMNN_U32) s->wide = true; /* the library would cut values */
    return IMNN_OK;
}

imnn_status imnn_hdf5_no_memory(const hdf5_source *s, const imnn_hdf5 *f)
{
    return imnn_fail(IMNN_ENOMEM, "hdf5: %s: %s: %s", f->path, s->name, imnn_last_error());
}

/* ---- types of arrays ---- */

static bool add_parts(hid_t pair, imnn_dtype dtype)
{
    const hid_t part = dtype == IMNN_C64 ? *h5.NATIVE_FLOAT : *h5.NATIVE_DOUBLE;
    return h5.Tinsert(pair, "r", 0, part) >= 0 &&
           h5.Tinsert(pair, "i", imnn_dtype_size(dtype) / 2, part) >= 0;
}

static bool add_values(hid_t truth)
{
    const int8_t no = 0, yes = 1;
    return h5.Tenum_insert(truth, "FALSE", &no) >= 0 && h5.Tenum_insert(truth, "TRUE", &yes) >= 0;
}

hid_t imnn_hdf5_type(imnn_dtype dtype)
{
    hid_t type = -1;
    bool good = true;
    switch (dtype) {
    case IMNN_F32: return h5.Tcopy(*h5.NATIVE_FLOAT);
    case IMNN_F64: return h5.Tcopy(*h5.NATIVE_DOUBLE);
    case IMNN_I32: return h5.Tcopy(*h5.NATIVE_INT32);
    case IMNN_U32: return h5.Tcopy(*h5.NATIVE_UINT32);
    case IMNN_BOOL:
        type = h5.Tenum_create(*h5.NATIVE_INT8);
        good = type >= 0 && add_values(type);
        break;
    default:
        type = h5.Tcreate(H5T_COMPOUND, imnn_dtype_size(dtype));
        good = type >= 0 && add_parts(type, dtype);
    }
    if (good) return type;
    if (type >= 0) h5.Tclose(type);
    return -1;
}
