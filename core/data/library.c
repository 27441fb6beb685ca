/* The HDF5 library: loaded when needed, used by one thread at a time. */
#include "core/data/data.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifndef IMNN_HDF5_LIBRARY /* the build says which one its headers belong to */
#define IMNN_HDF5_LIBRARY "libhdf5_serial.so.103"
#endif

hdf5_library h5; /* process-wide, as is the library */
static bool loaded;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* from enter to leave */
static H5E_auto2_t printer; /* what the program that we are part of had set */
static void *printer_data;

static void *symbol(void *library, const char *name, bool *missing)
{
    void *address = dlsym(library, name);
    if (!address) *missing = true;
    return address;
}

static imnn_status load(void)
{
    bool missing = false;
    unsigned major, minor, release;
    void *library = dlopen(IMNN_HDF5_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) return imnn_fail(IMNN_EIO, "hdf5: the HDF5 library does not load: %s", dlerror());
#define FUNCTION(name) *(void **)&h5.name = symbol(library, "H5" #name, &missing);
#define TYPE(name) h5.name = symbol(library, "H5T_" #name "_g", &missing);
#define CLASS(name) h5.name = symbol(library, "H5P_CLS_" #name "_ID_g", &missing);
#include "core/data/library.def"
    /* What is only read needs no closing at exit, where the library complains about the remains of
     * damaged files; what is written is closed before. */
    if (!missing) h5.dont_atexit();
    if (missing || h5.open() < 0 || h5.get_libversion(&major, &minor, &release) < 0)
        return imnn_fail(IMNN_EIO, "hdf5: %s is not the HDF5 library", IMNN_HDF5_LIBRARY);
    if (major != H5_VERS_MAJOR || minor != H5_VERS_MINOR)
        return imnn_fail(IMNN_EIO, "hdf5: built for HDF5 %d.%d, but %s is %u.%u.%u", H5_VERS_MAJOR,
                         H5_VERS_MINOR, IMNN_HDF5_LIBRARY, major, minor, release);
    loaded = true;
    return IMNN_OK;
}

imnn_status imnn_hdf5_enter(void)
{
    pthread_mutex_lock(&mutex);
    imnn_status st = loaded ? IMNN_OK : load();
    if (st != IMNN_OK) return pthread_mutex_unlock(&mutex), st;
    if (h5.Eget_auto2(H5E_DEFAULT, &printer, &printer_data) < 0) printer = NULL;
    h5.Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return IMNN_OK;
}

void imnn_hdf5_leave(void)
{
    h5.Eset_auto2(H5E_DEFAULT, printer, printer_data);
    pthread_mutex_unlock(&mutex);
}

typedef struct reason {
    char text[256];
    bool names_filter;
} reason;

/** The innermost entry is the cause, the others tell through which functions it came up; but of a
 *  filter that is not installed the innermost only knows where it was looked for. */
static herr_t take_cause(unsigned n, const H5E_error2_t *error, void *out)
{
    reason *r = out;
    if (!error->desc || r->names_filter) return 0;
    r->names_filter = strstr(error->desc, "required filter") != NULL;
    if (n == 0 || r->names_filter) snprintf(r->text, sizeof r->text, "%s", error->desc);
    return 0;
}

imnn_status imnn_hdf5_failed(const imnn_hdf5 *f, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    reason r = {"the HDF5 library gives no reason", false};
    h5.Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_cause, &r);
    for (char *c = r.text; *c; c++)
        if (*c == '\n') *c = ' ';
    unsigned long long is, base, must;
    if (sscanf(r.text, "truncated file: eof = %llu, sblock->base_addr = %llu, stored_eof = %llu",
               &is, &base, &must) == 3)
        return imnn_fail(IMNN_EIO, "hdf5: %s: %s: it is cut: it has %llu bytes of %llu%s", f->path,
                         what, is, base + must, imnn_unfinished_hint(f->path));
    const char *hint = strstr(r.text, "version number") ? "; a newer HDF5 may have written it"
                       : strstr(r.text, "unable to lock") || strstr(r.text, "already open")
                           ? "; another has it open"
                           : imnn_unfinished_hint(f->path);
    return imnn_fail(IMNN_EIO, "hdf5: %s: %s: %s%s", f->path, what, r.text, hint);
}
