#ifndef CORE_DATA_H
#define CORE_DATA_H
#include "core/array/array.h"
#include "imnn/data.h"
#include <hdf5.h>

/* The HDF5 library is loaded when the first file is opened: linked, it and the thirty libraries
 * that it brings (curl, SSL, ...) would add 4 ms and 7 MiB to every start. */
typedef struct hdf5_library {
#define FUNCTION(name) __typeof__(H5##name) *name;
#define TYPE(name) const hid_t *name;
#include "core/data/library.def"
#undef FUNCTION
#undef TYPE
} hdf5_library;
extern hdf5_library h5; /* filled once, by the first imnn_hdf5_enter that succeeds */

/** Load the library if need be, and have it to ourselves and silent until imnn_hdf5_leave: it is
 *  not safe in several threads, and prints its errors unless told not to.
 *  fails  EIO (not installed, another version) */
imnn_status imnn_hdf5_enter(void);
void imnn_hdf5_leave(void);

/* Everything below is called between enter and leave. */
struct imnn_hdf5 {
    hid_t file;
    char *path;
    imnn_buffer text; /* the last list or text handed out */
};

/** EIO: "hdf5: FILE: what failed: the cause that the library names". */
__attribute__((format(printf, 2, 3))) imnn_status imnn_hdf5_failed(const imnn_hdf5 *f,
                                                                   const char *format, ...);
/** Open a group or dataset; -1 after a failure, whose sentence names what is absent. */
imnn_status imnn_hdf5_object(hid_t *out, const imnn_hdf5 *f, const char *path);
/** 'd', 'g' or 0, as imnn_hdf5_kind. */
int imnn_hdf5_kind_of(hid_t object);
#endif
