/* HDF5 files: opened, made, finished and closed. */
#include "core/data/data.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_ONLY = 0, READ_WRITE = 1, EMPTY = 2 }; /* H5F_ACC_RDONLY: macros that call functions */

static imnn_status open_file(imnn_hdf5 *f)
{
    struct stat found;
    if (stat(f->path, &found) || access(f->path, f->writable ? R_OK | W_OK : R_OK))
        return imnn_fail(IMNN_EIO, "hdf5: %s: %s", f->path, strerror(errno));
    if (S_ISDIR(found.st_mode)) return imnn_fail(IMNN_EIO, "hdf5: %s: is a directory", f->path);
    if (!S_ISREG(found.st_mode)) return imnn_fail(IMNN_EIO, "hdf5: %s: is no file", f->path);
    htri_t known = h5.Fis_hdf5(f->path);
    if (known == 0)
        return imnn_fail(IMNN_EIO, "hdf5: %s: is %s%s", f->path,
                         found.st_size ? "not an HDF5 file" : "empty",
                         imnn_unfinished_hint(f->path));
    if (known > 0) f->file = h5.Fopen(f->path, f->writable ? READ_WRITE : READ_ONLY, H5P_DEFAULT);
    if (known <= 0 || f->file < 0) return imnn_hdf5_failed(f, "does not open");
    f->bytes = f->writable ? 0 : imnn_hdf5_bytes(f);
    return IMNN_OK;
}

int64_t imnn_hdf5_bytes(const imnn_hdf5 *f)
{
    struct stat found;
    void *file = NULL;
    if (h5.Fget_vfd_handle(f->file, H5P_DEFAULT, &file) < 0 || !file) return -1;
    return fstat(*(const int *)file, &found) ? -1 : (int64_t)found.st_size;
}

bool imnn_hdf5_is_cut(const imnn_hdf5 *f) { return f->bytes > 0 && imnn_hdf5_bytes(f) < f->bytes; }

static imnn_status create_file(imnn_hdf5 *f)
{
    imnn_status st = imnn_replace_begin(&f->replace, "hdf5", f->path);
    if (st != IMNN_OK) return st;
    f->file = h5.Fcreate(f->replace.temporary, EMPTY, H5P_DEFAULT, H5P_DEFAULT);
    return f->file >= 0 ? IMNN_OK : imnn_hdf5_failed(f, "cannot be written");
}

static imnn_status make(imnn_hdf5 **out, const char *path, bool writable,
                        imnn_status (*start)(imnn_hdf5 *f))
{
    *out = NULL;
    size_t length = strlen(path) + 1;
    imnn_hdf5 *f = imnn_alloc(sizeof *f);
    if (!f) return IMNN_ENOMEM;
    f->file = -1, f->writable = writable;
    f->path = imnn_alloc(length);
    if (f->path) memcpy(f->path, path, length);
    imnn_status st = f->path ? imnn_hdf5_enter() : IMNN_ENOMEM;
    if (st == IMNN_OK) {
        st = start(f);
        imnn_hdf5_leave();
    }
    if (st == IMNN_OK) *out = f, f = NULL;
    imnn_hdf5_close(f);
    return st;
}

imnn_status imnn_hdf5_open(imnn_hdf5 **out, const char *path)
{
    return make(out, path, false, open_file);
}

imnn_status imnn_hdf5_change(imnn_hdf5 **out, const char *path)
{
    return make(out, path, true, open_file);
}

imnn_status imnn_hdf5_create(imnn_hdf5 **out, const char *path)
{
    return make(out, path, true, create_file);
}

/** The file of the library; what it still holds back is written now, or never. */
static imnn_status close_file(imnn_hdf5 *f)
{
    imnn_status st = IMNN_OK;
    if (f->file < 0) return IMNN_OK;
    if (f->writable && h5.Fflush(f->file, H5F_SCOPE_GLOBAL) < 0)
        st = imnn_hdf5_failed(f, "cannot be written");
    if (h5.Fclose(f->file) < 0 && st == IMNN_OK) st = imnn_hdf5_failed(f, "cannot be written");
    f->file = -1;
    return st;
}

imnn_status imnn_hdf5_finish(imnn_hdf5 *f)
{
    imnn_status st = imnn_hdf5_enter();
    if (st != IMNN_OK) return st;
    st = close_file(f);
    imnn_hdf5_leave();
    if (st == IMNN_OK && f->replace.temporary) st = imnn_replace_finish(&f->replace, "hdf5");
    imnn_replace_abandon(&f->replace);
    return st;
}

bool imnn_hdf5_unfinished(const imnn_hdf5 *f) { return f->replace.temporary != NULL; }

const char *imnn_hdf5_path(const imnn_hdf5 *f) { return f->path; }

void imnn_hdf5_abandon(imnn_hdf5 *f)
{
    if (f->file >= 0 && imnn_hdf5_enter() == IMNN_OK) {
        close_file(f);
        imnn_hdf5_leave();
    }
    imnn_replace_abandon(&f->replace);
}

void imnn_hdf5_close(imnn_hdf5 *f)
{
    if (!f) return;
    imnn_hdf5_abandon(f);
    imnn_buffer_free(&f->text);
    if (f->path) imnn_free(f->path, strlen(f->path) + 1);
    imnn_free(f, sizeof *f);
}
