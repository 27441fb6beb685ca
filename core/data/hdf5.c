/* HDF5 files: what is in them. */
#include "core/data/data.h"
#include <string.h>

/* ---- objects ---- */

static imnn_status absent(const imnn_hdf5 *f, const char *path, size_t begin, size_t end)
{
    const char *parent = begin ? path : "/";
    int length = begin ? (int)begin - 1 : 1;
    return imnn_fail(IMNN_EIO, "hdf5: %s: no \"%.*s\" in \"%.*s\"", f->path, (int)(end - begin),
                     path + begin, length, parent);
}

/** Name by name, because the library only knows that the whole path fails. */
static imnn_status check_path(const imnn_hdf5 *f, const char *path)
{
    char part[1024];
    size_t length = strlen(path);
    if (f->file < 0) return imnn_fail(IMNN_EIO, "hdf5: %s: is closed", f->path);
    if (length >= sizeof part)
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: the name of the object is too long", f->path);
    for (size_t begin = 0, end; begin < length; begin = end + 1) {
        end = begin + strcspn(path + begin, "/");
        memcpy(part, path, end);
        part[end] = 0;
        if (end == begin) continue; /* "/a", "a//b", "a/" */
        if (h5.Lexists(f->file, part, H5P_DEFAULT) <= 0) return absent(f, path, begin, end);
        if (h5.Oexists_by_name(f->file, part, H5P_DEFAULT) <= 0)
            return imnn_fail(IMNN_EIO, "hdf5: %s: \"%s\" is a link to what does not exist", f->path,
                             part);
    }
    return IMNN_OK;
}

imnn_status imnn_hdf5_object(hid_t *out, const imnn_hdf5 *f, const char *path)
{
    imnn_status st = check_path(f, path);
    if (st != IMNN_OK) return *out = -1, st;
    *out = h5.Oopen(f->file, path[strspn(path, "/")] ? path : "/", H5P_DEFAULT);
    return *out >= 0 ? IMNN_OK : imnn_hdf5_failed(f, "\"%s\"", path);
}

int imnn_hdf5_kind_of(hid_t object)
{
    H5I_type_t type = h5.Iget_type(object);
    return type == H5I_DATASET ? 'd' : type == H5I_GROUP ? 'g' : 0;
}

int imnn_hdf5_kind(imnn_hdf5 *f, const char *object)
{
    hid_t id;
    int kind = 0;
    if (imnn_hdf5_enter() != IMNN_OK) return 0;
    if (imnn_hdf5_object(&id, f, object) == IMNN_OK) {
        kind = imnn_hdf5_kind_of(id);
        h5.Oclose(id);
    }
    imnn_hdf5_leave();
    return kind;
}

/* ---- names ---- */

static imnn_status add_name(imnn_hdf5 *f, const char *name, const char *end)
{
    if (strchr(name, '\n'))
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: a name holds a line break: \"%s\"", f->path, name);
    imnn_print(&f->text, "%s%s\n", name, end);
    return f->text.failed ? IMNN_ENOMEM : IMNN_OK;
}

static imnn_status add_member(imnn_hdf5 *f, hid_t group, hsize_t i)
{
    char name[1024];
    ssize_t n = h5.Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                                    H5P_DEFAULT);
    if (n < 0) return imnn_hdf5_failed(f, "a group does not read");
    if ((size_t)n >= sizeof name)
        return imnn_fail(IMNN_EVALUE, "hdf5: %s: a name is too long: \"%.60s...\"", f->path, name);
    hid_t member = h5.Oopen(group, name, H5P_DEFAULT); /* fails for a link to nowhere */
    bool is_group = member >= 0 && imnn_hdf5_kind_of(member) == 'g';
    if (member >= 0) h5.Oclose(member);
    return add_name(f, name, is_group ? "/" : "");
}

static imnn_status list_members(imnn_hdf5 *f, hid_t object, const char *path)
{
    H5G_info_t info;
    imnn_status st = IMNN_OK;
    if (imnn_hdf5_kind_of(object) != 'g')
        return imnn_fail(IMNN_ETYPE, "hdf5: %s: \"%s\" is not a group", f->path, path);
    if (h5.Gget_info(object, &info) < 0) return imnn_hdf5_failed(f, "\"%s\"", path);
    for (hsize_t i = 0; i < info.nlinks && st == IMNN_OK; i++) st = add_member(f, object, i);
    return st;
}

typedef struct name_walk {
    imnn_hdf5 *f;
    imnn_status status;
} name_walk;

static herr_t add_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data)
{
    name_walk *walk = data;
    walk->status = add_name(walk->f, name, "");
    return walk->status == IMNN_OK ? 0 : 1; /* stops */
}

static imnn_status list_attributes(imnn_hdf5 *f, hid_t object, const char *path)
{
    hsize_t from = 0;
    name_walk walk = {f, IMNN_OK};
    if (h5.Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &from, add_attribute, &walk) < 0)
        return imnn_hdf5_failed(f, "\"%s\"", path);
    return walk.status;
}

static const char *list(imnn_hdf5 *f, const char *path,
                        imnn_status (*fill)(imnn_hdf5 *f, hid_t object, const char *path))
{
    hid_t object;
    imnn_buffer_free(&f->text);
    if (imnn_hdf5_enter() != IMNN_OK) return NULL;
    imnn_status st = imnn_hdf5_object(&object, f, path);
    if (st == IMNN_OK) {
        imnn_print(&f->text, "%s", ""); /* no names are a text, too */
        st = f->text.failed ? IMNN_ENOMEM : fill(f, object, path);
        h5.Oclose(object);
    }
    imnn_hdf5_leave();
    return st == IMNN_OK ? f->text.text : NULL;
}

const char *imnn_hdf5_list(imnn_hdf5 *f, const char *group) { return list(f, group, list_members); }

const char *imnn_hdf5_attributes(imnn_hdf5 *f, const char *object)
{
    return list(f, object, list_attributes);
}
