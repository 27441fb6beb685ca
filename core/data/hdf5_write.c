/* HDF5 files: groups, datasets and attributes, written. */
#include "core/data/data.h"
#include <stdio.h>
#include <string.h>

/* ---- before and after ---- */

static imnn_status enter(const imnn_hdf5 *f)
{
    imnn_status st = imnn_hdf5_enter();
    if (st != IMNN_OK) return st;
    if (f->file < 0) st = imnn_fail(IMNN_EIO, "hdf5: %s: is closed", f->path);
    else if (!f->writable) st = imnn_fail(IMNN_EIO, "hdf5: %s: is open for reading only", f->path);
    if (st != IMNN_OK) imnn_hdf5_leave();
    return st;
}

/** A file that has its name already is made whole after each change: somebody may read it, and a
 *  process that is killed must not leave a ruin. */
static imnn_status leave(const imnn_hdf5 *f, imnn_status st)
{
    if (!f->replace.temporary && h5.Fflush(f->file, H5F_SCOPE_GLOBAL) < 0 && st == IMNN_OK)
        st = imnn_hdf5_failed(f, "cannot be written");
    imnn_hdf5_leave();
    return st;
}

static void close_list(hid_t list)
{
    if (list >= 0) h5.Pclose(list);
}

/** How names are stored; those of the groups on the way, too. -1 on failure. */
static hid_t link_list(void)
{
    hid_t list = h5.Pcreate(*h5.LINK_CREATE);
    if (list < 0) return -1;
    if (h5.Pset_create_intermediate_group(list, 1) >= 0 &&
        h5.Pset_char_encoding(list, H5T_CSET_UTF8) >= 0)
        return list;
    h5.Pclose(list);
    return -1;
}

/** Whether a name, "a/b/c", is free: in a group or where groups can be made. */
static imnn_status check_new(const imnn_hdf5 *f, const char *path)
{
    char part[1024];
    size_t length = strlen(path);
    if (length >= sizeof part)
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: the name of the object is too long", f->path);
    if (!path[strspn(path, "/")])
        return imnn_fail(IMNN_EIO, "hdf5: %s: the name of a dataset or group is empty", f->path);
    for (size_t begin = 0, end; begin < length; begin = end + 1) {
        end = begin + strcspn(path + begin, "/");
        memcpy(part, path, end);
        part[end] = 0;
        if (end == begin) continue; /* "/a", "a//b", "a/" */
        if (!strcmp(part + begin, "."))
            return imnn_fail(IMNN_EIO, "hdf5: %s: \"%s\": \".\" is no name", f->path, path);
        if (h5.Lexists(f->file, part, H5P_DEFAULT) <= 0) return IMNN_OK;
        hid_t id = h5.Oopen(f->file, part, H5P_DEFAULT);
        bool is_group = id >= 0 && imnn_hdf5_kind_of(id) == 'g';
        if (id >= 0) h5.Oclose(id);
        if (!is_group && !path[end + strspn(path + end, "/")]) break;
        if (!is_group) return imnn_fail(IMNN_EIO, "hdf5: %s: \"%s\" is not a group", f->path, part);
    }
    return imnn_fail(IMNN_EIO, "hdf5: %s: there is a \"%s\" already", f->path, path);
}

/* ---- groups ---- */

imnn_status imnn_hdf5_make_group(imnn_hdf5 *f, const char *group)
{
    imnn_status st = enter(f);
    if (st != IMNN_OK) return st;
    hid_t links = link_list(), list = h5.Pcreate(*h5.GROUP_CREATE), id = -1;
    st = check_new(f, group);
    if (st == IMNN_OK) {
        if (links >= 0 && list >= 0 && h5.Pset_obj_track_times(list, false) >= 0)
            id = h5.Gcreate2(f->file, group, links, list, H5P_DEFAULT);
        if (id < 0) st = imnn_hdf5_failed(f, "\"%s\"", group);
    }
    if (id >= 0) h5.Gclose(id);
    close_list(list), close_list(links);
    return leave(f, st);
}

/* ---- layouts ---- */

enum { CHUNK = 256 << 10, MOST_CHUNK = 16 << 20 }; /* bytes; several of the former fit the cache */

static int64_t chunk_bytes(const hsize_t *chunk, int ndim, size_t size)
{
    double bytes = (double)size;
    for (int i = 0; i < ndim; i++) bytes *= (double)chunk[i];
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

/** Some whole records, not more than there will be; parts of them if one is very large. */
static void choose_chunk(hsize_t *chunk, const imnn_shape *shape, const hsize_t *most, size_t size)
{
    const int ndim = shape->ndim;
    for (int i = 0; i < ndim; i++) chunk[i] = shape->size[i] > 0 ? (hsize_t)shape->size[i] : 1;
    chunk[0] = 1;
    int64_t rows = CHUNK / chunk_bytes(chunk, ndim, size);
    if (rows > 1) chunk[0] = (hsize_t)rows < most[0] ? (hsize_t)rows : most[0];
    for (int i = 1; i < ndim; i++)
        while (chunk[i] > 1 && chunk_bytes(chunk, ndim, size) > MOST_CHUNK)
            chunk[i] = (chunk[i] + 1) / 2;
}

static imnn_status bad_layout(const imnn_hdf5 *f, const char *path, const char *why, int axis)
{
    return imnn_fail(IMNN_EVALUE, "hdf5: %s: \"%s\": %s, axis %d", f->path, path, why, axis + 1);
}

/** Sizes, how far they may grow, and chunks; *grows: one may. */
static imnn_status check_layout(const imnn_hdf5 *f, const char *path, const imnn_shape *shape,
                                const imnn_hdf5_layout *layout, hsize_t *size, hsize_t *most,
                                bool *grows)
{
    const imnn_shape *limit = &layout->most, *chunk = &layout->chunk;
    *grows = false;
    if (shape->ndim < 0 || shape->ndim > IMNN_MAX_NDIM)
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: \"%s\": %d axes, arrays have at most %d", f->path,
                         path, shape->ndim, IMNN_MAX_NDIM);
    if ((limit->ndim && limit->ndim != shape->ndim) || (chunk->ndim && chunk->ndim != shape->ndim))
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: \"%s\": has %d axes, its %s %d", f->path, path,
                         shape->ndim,
                         limit->ndim == shape->ndim || !limit->ndim ? "chunks" : "limits",
                         limit->ndim == shape->ndim || !limit->ndim ? chunk->ndim : limit->ndim);
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->size[i] < 0) return bad_layout(f, path, "a negative size", i);
        size[i] = (hsize_t)shape->size[i], most[i] = size[i];
        if (limit->ndim && limit->size[i] != shape->size[i]) {
            if (limit->size[i] >= 0 && limit->size[i] < shape->size[i])
                return bad_layout(f, path, "is larger than its limit", i);
            most[i] = limit->size[i] < 0 ? H5S_UNLIMITED : (hsize_t)limit->size[i];
            *grows = true;
        }
        if (chunk->ndim && chunk->size[i] < 1) return bad_layout(f, path, "an empty chunk", i);
        if (chunk->ndim && chunk->size[i] >= (int64_t)1 << 32)
            return bad_layout(f, path, "a chunk of more than 2^32 elements", i);
    }
    if (layout->compression < 0 || layout->compression > 9)
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: \"%s\": compression is 0 to 9, got %d", f->path,
                         path, layout->compression);
    return IMNN_OK;
}

static bool set_chunks(hid_t list, const imnn_shape *shape, const hsize_t *most, size_t size,
                       const imnn_hdf5_layout *layout)
{
    hsize_t chunk[IMNN_MAX_NDIM];
    choose_chunk(chunk, shape, most, size);
    for (int i = 0; i < shape->ndim; i++) {
        if (layout->chunk.ndim) chunk[i] = (hsize_t)layout->chunk.size[i];
        if (chunk[i] > most[i]) chunk[i] = most[i] ? most[i] : 1; /* which the library asks for */
    }
    return h5.Pset_chunk(list, shape->ndim, chunk) >= 0 &&
           (!layout->shuffle || h5.Pset_shuffle(list) >= 0) &&
           (!layout->compression || h5.Pset_deflate(list, (unsigned)layout->compression) >= 0);
}

/** The settings of a new dataset, without a time in it: equal data give equal files. -1 on failure.
 */
static hid_t dataset_list(const imnn_shape *shape, const hsize_t *most, size_t size, bool grows,
                          const imnn_hdf5_layout *layout)
{
    bool asked = layout->chunk.ndim || layout->compression || layout->shuffle;
    bool chunks = shape->ndim && (grows || (asked && imnn_shape_count(shape) > 0));
    hid_t list = h5.Pcreate(*h5.DATASET_CREATE);
    if (list < 0) return -1;
    if (h5.Pset_obj_track_times(list, false) >= 0 &&
        (!layout->fixed || h5.Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0) &&
        (!chunks || set_chunks(list, shape, most, size, layout)))
        return list;
    h5.Pclose(list);
    return -1;
}

/* ---- datasets ---- */

/** A new dataset of a type of the library. */
static imnn_status make(hid_t *out, imnn_hdf5 *f, const char *path, hid_t type,
                        const imnn_shape *shape, const imnn_hdf5_layout *layout)
{
    static const imnn_hdf5_layout one_piece;
    hsize_t size[IMNN_MAX_NDIM], most[IMNN_MAX_NDIM];
    bool grows;
    *out = -1;
    if (!layout) layout = &one_piece;
    imnn_status st = check_new(f, path);
    if (st == IMNN_OK) st = check_layout(f, path, shape, layout, size, most, &grows);
    if (st != IMNN_OK) return st;
    hid_t links = link_list(), space = h5.Screate_simple(shape->ndim, size, most);
    hid_t list = dataset_list(shape, most, h5.Tget_size(type), grows, layout);
    if (links >= 0 && list >= 0 && space >= 0)
        *out = h5.Dcreate2(f->file, path, type, space, links, list, H5P_DEFAULT);
    if (*out < 0) st = imnn_hdf5_failed(f, "\"%s\"", path);
    if (space >= 0) h5.Sclose(space);
    close_list(list), close_list(links);
    return st;
}

/** A new dataset with values, or zeros; without it, if it cannot be filled. */
static imnn_status make_filled(imnn_hdf5 *f, const char *path, hid_t type, const imnn_shape *shape,
                               const imnn_hdf5_layout *layout, const void *values)
{
    hid_t id = -1;
    if (type < 0) return imnn_hdf5_failed(f, "\"%s\"", path);
    imnn_status st = make(&id, f, path, type, shape, layout);
    if (st == IMNN_OK && values && imnn_shape_count(shape) > 0 &&
        h5.Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        st = imnn_hdf5_failed(f, "\"%s\"", path);
        h5.Ldelete(f->file, path, H5P_DEFAULT);
    }
    if (id >= 0) h5.Dclose(id);
    h5.Tclose(type);
    return st;
}

imnn_status imnn_hdf5_make(imnn_hdf5 *f, const char *object, imnn_dtype dtype,
                           const imnn_shape *shape, const imnn_hdf5_layout *layout)
{
    imnn_status st = enter(f);
    if (st != IMNN_OK) return st;
    return leave(f, make_filled(f, object, imnn_hdf5_type(dtype), shape, layout, NULL));
}

imnn_status imnn_hdf5_write(imnn_hdf5 *f, const char *object, const imnn_array *x,
                            const imnn_hdf5_layout *layout)
{
    imnn_status st = enter(f);
    if (st != IMNN_OK) return st;
    return leave(f, make_filled(f, object, imnn_hdf5_type(x->dtype), &x->shape, layout, x->data));
}

/* ---- parts ---- */

/** Whether nothing is lost when this is written there. */
static bool takes(const hdf5_source *s, imnn_dtype dtype)
{
    const size_t size = h5.Tget_size(s->type);
    if (s->is_text) return false;
    if (s->dtype == IMNN_F32) return dtype == IMNN_F32 && size == 4; /* not of two bytes */
    if (s->dtype == IMNN_F64) return dtype == IMNN_F32 || dtype == IMNN_F64;
    if (s->wide) {
        bool is_signed = h5.Tget_sign(s->type) == H5T_SGN_2;
        return dtype == IMNN_U32 || (dtype == IMNN_I32 && is_signed);
    }
    return s->dtype == dtype && (dtype != IMNN_I32 || size == 4) &&
           (dtype != IMNN_C64 || size == 8);
}

static imnn_status check_takes(const hdf5_source *s, const imnn_hdf5 *f, imnn_dtype dtype)
{
    if (takes(s, dtype)) return IMNN_OK;
    return imnn_fail(IMNN_EDTYPE, "hdf5: %s: %s holds %s, not %s", f->path, s->name,
                     s->is_text ? "text"
                     : s->wide  ? "64-bit integers"
                                : imnn_dtype_name(s->dtype),
                     imnn_dtype_name(dtype));
}

static imnn_status write_selected(hdf5_source *s, const imnn_hdf5 *f, const imnn_array *x)
{
    if (x->bytes == 0) return IMNN_OK;
    hid_t type = imnn_hdf5_type(x->dtype), to = s->memory > 0 ? s->space : H5S_ALL;
    herr_t e = type < 0 ? -1 : h5.Dwrite(s->object, type, s->memory, to, H5P_DEFAULT, x->data);
    imnn_status st = e >= 0 ? IMNN_OK : imnn_hdf5_failed(f, "%s", s->name);
    if (type >= 0) h5.Tclose(type);
    return st;
}

imnn_status imnn_hdf5_write_part(imnn_hdf5 *f, const char *object, const imnn_hdf5_part *part,
                                 const imnn_array *x)
{
    hdf5_source s;
    imnn_status st = enter(f);
    if (st != IMNN_OK) return st;
    st = imnn_hdf5_open_source(&s, f, object, NULL);
    if (st == IMNN_OK) st = check_takes(&s, f, x->dtype);
    if (st == IMNN_OK) st = imnn_hdf5_select(&s, f, part);
    if (st == IMNN_OK && !imnn_shape_equal(&s.shape, &x->shape))
        st = imnn_fail(IMNN_ESHAPE, "hdf5: %s: %s: an array %s for a part %s", f->path, s.name,
                       imnn_shape_text(&x->shape).s, imnn_shape_text(&s.shape).s);
    if (st == IMNN_OK) st = write_selected(&s, f, x);
    imnn_hdf5_close_source(&s);
    return leave(f, st);
}

/** Whether the array can stand behind what is there. */
static imnn_status check_append(const hdf5_source *s, const imnn_hdf5 *f, const imnn_array *x,
                                hsize_t *size)
{
    hsize_t most[H5S_MAX_RANK];
    imnn_status st = check_takes(s, f, x->dtype);
    if (st != IMNN_OK) return st;
    imnn_shape expected = s->shape;
    if (expected.ndim && x->shape.ndim) expected.size[0] = x->shape.size[0];
    if (!expected.ndim || !imnn_shape_equal(&expected, &x->shape))
        return imnn_fail(IMNN_ESHAPE, "hdf5: %s: %s: an array %s does not go behind %s", f->path,
                         s->name, imnn_shape_text(&x->shape).s, imnn_shape_text(&s->shape).s);
    if (h5.Sget_simple_extent_dims(s->space, size, most) < 0)
        return imnn_hdf5_failed(f, "%s", s->name);
    if (most[0] != H5S_UNLIMITED && size[0] + (hsize_t)x->shape.size[0] > most[0])
        return imnn_fail(
            IMNN_EVALUE,
            "hdf5: %s: %s cannot grow to more than %llu records; one that is made by append, or "
            "with maxshape = { math.huge, ... }, can",
            f->path, s->name, (unsigned long long)most[0]);
    return IMNN_OK;
}

static imnn_status extend(hdf5_source *s, const imnn_hdf5 *f, const imnn_array *x, hsize_t *size)
{
    imnn_hdf5_part part = {.start = {s->shape.size[0]}};
    for (int i = 0; i < x->shape.ndim; i++) part.count[i] = x->shape.size[i], part.stride[i] = 1;
    size[0] += (hsize_t)x->shape.size[0];
    if (h5.Dset_extent(s->object, size) < 0) return imnn_hdf5_failed(f, "%s", s->name);
    h5.Sclose(s->space); /* which has the old size */
    s->space = h5.Dget_space(s->object);
    if (s->space < 0) return imnn_hdf5_failed(f, "%s", s->name);
    imnn_status st = imnn_hdf5_select(s, f, &part);
    if (st == IMNN_OK) st = write_selected(s, f, x);
    size[0] -= (hsize_t)x->shape.size[0];
    if (st != IMNN_OK) h5.Dset_extent(s->object, size); /* as before */
    return st;
}

imnn_status imnn_hdf5_append(imnn_hdf5 *f, const char *object, const imnn_array *x)
{
    hdf5_source s;
    hsize_t size[H5S_MAX_RANK];
    imnn_status st = enter(f);
    if (st != IMNN_OK) return st;
    st = imnn_hdf5_open_source(&s, f, object, NULL);
    if (st == IMNN_OK) st = check_append(&s, f, x, size);
    if (st == IMNN_OK && x->shape.size[0] > 0) st = extend(&s, f, x, size);
    imnn_hdf5_close_source(&s);
    return leave(f, st);
}

/* ---- text ---- */

/** Strings of any length, as h5py writes them. -1 on failure. */
static hid_t text_type(void)
{
    hid_t type = h5.Tcopy(*h5.C_S1);
    if (type < 0) return -1;
    if (h5.Tset_size(type, H5T_VARIABLE) >= 0 && h5.Tset_cset(type, H5T_CSET_UTF8) >= 0)
        return type;
    h5.Tclose(type);
    return -1;
}

/** Where each of n strings begins; to be freed. */
static const char **beginnings(const char *text, int64_t n)
{
    const char **out = imnn_alloc((size_t)n * sizeof *out);
    for (int64_t i = 0; out && i < n; i++) {
        out[i] = text;
        text += strlen(text) + 1;
    }
    return out;
}

imnn_status imnn_hdf5_write_text(imnn_hdf5 *f, const char *object, const imnn_shape *shape,
                                 const char *text)
{
    int64_t n = imnn_shape_count(shape);
    const char **strings = beginnings(text, n);
    if (!strings) return IMNN_ENOMEM;
    imnn_status st = enter(f);
    if (st == IMNN_OK) st = leave(f, make_filled(f, object, text_type(), shape, NULL, strings));
    imnn_free(strings, (size_t)n * sizeof *strings);
    return st;
}

/* ---- attributes ---- */

static hid_t attribute_list(void)
{
    hid_t list = h5.Pcreate(*h5.ATTRIBUTE_CREATE);
    if (list < 0) return -1;
    if (h5.Pset_char_encoding(list, H5T_CSET_UTF8) >= 0) return list;
    h5.Pclose(list);
    return -1;
}

static imnn_status set_open(imnn_hdf5 *f, hid_t object, const char *path, const char *name,
                            hid_t type, const imnn_shape *shape, const void *values)
{
    hsize_t size[IMNN_MAX_NDIM];
    for (int i = 0; i < shape->ndim; i++) size[i] = (hsize_t)shape->size[i];
    if (h5.Aexists(object, name) > 0) h5.Adelete(object, name);
    hid_t space = h5.Screate_simple(shape->ndim, size, NULL), list = attribute_list(), id = -1;
    if (space >= 0 && list >= 0) id = h5.Acreate2(object, name, type, space, list, H5P_DEFAULT);
    bool written = id >= 0 && (imnn_shape_count(shape) == 0 || h5.Awrite(id, type, values) >= 0);
    imnn_status st =
        written ? IMNN_OK : imnn_hdf5_failed(f, "\"%s\": attribute \"%s\"", path, name);
    if (id >= 0) h5.Aclose(id);
    if (space >= 0) h5.Sclose(space);
    close_list(list);
    return st;
}

static imnn_status set(imnn_hdf5 *f, const char *path, const char *name, hid_t type,
                       const imnn_shape *shape, const void *values)
{
    hid_t object = -1;
    imnn_status st =
        type < 0 ? imnn_hdf5_failed(f, "\"%s\"", path)
        : !*name ? imnn_fail(IMNN_EIO, "hdf5: %s: \"%s\": an attribute needs a name", f->path, path)
                 : imnn_hdf5_object(&object, f, path);
    if (st == IMNN_OK) st = set_open(f, object, path, name, type, shape, values);
    if (object >= 0) h5.Oclose(object);
    if (type >= 0) h5.Tclose(type);
    return st;
}

imnn_status imnn_hdf5_set(imnn_hdf5 *f, const char *object, const char *attribute,
                          const imnn_array *x)
{
    imnn_status st = enter(f);
    if (st != IMNN_OK) return st;
    return leave(f, set(f, object, attribute, imnn_hdf5_type(x->dtype), &x->shape, x->data));
}

imnn_status imnn_hdf5_set_text(imnn_hdf5 *f, const char *object, const char *attribute,
                               const imnn_shape *shape, const char *text)
{
    int64_t n = imnn_shape_count(shape);
    const char **strings = beginnings(text, n);
    if (!strings) return IMNN_ENOMEM;
    imnn_status st = enter(f);
    if (st == IMNN_OK) st = leave(f, set(f, object, attribute, text_type(), shape, strings));
    imnn_free(strings, (size_t)n * sizeof *strings);
    return st;
}

imnn_status imnn_hdf5_remove(imnn_hdf5 *f, const char *object, const char *attribute)
{
    hid_t id;
    imnn_status st = enter(f);
    if (st != IMNN_OK) return st;
    st = imnn_hdf5_object(&id, f, object);
    if (st == IMNN_OK && attribute && h5.Aexists(id, attribute) <= 0)
        st = imnn_fail(IMNN_EIO, "hdf5: %s: \"%s\" has no attribute \"%s\"", f->path, object,
                       attribute);
    if (st == IMNN_OK && !attribute && !object[strspn(object, "/")])
        st = imnn_fail(IMNN_EIO, "hdf5: %s: the root group stays", f->path);
    if (st == IMNN_OK &&
        (attribute ? h5.Adelete(id, attribute) : h5.Ldelete(f->file, object, H5P_DEFAULT)) < 0)
        st = imnn_hdf5_failed(f, "\"%s\"", object);
    if (id >= 0) h5.Oclose(id);
    return leave(f, st);
}
