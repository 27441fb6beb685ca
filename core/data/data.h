#ifndef CORE_DATA_H
#define CORE_DATA_H
#include "core/array/array.h"
#include "core/base/replace.h"
#include "imnn/data.h"
#include <hdf5.h>

/* The HDF5 library is loaded when the first file is opened: linked, it and the thirty libraries
 * that it brings (curl, SSL, ...) would add 4 ms and 7 MiB to every start. */
typedef struct hdf5_library {
#define FUNCTION(name) __typeof__(H5##name) *name;
#define TYPE(name) const hid_t *name;
#define CLASS(name) const hid_t *name;
#include "core/data/library.def"
#undef FUNCTION
#undef TYPE
#undef CLASS
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
    bool writable;
    int64_t bytes;        /* of a file that is only read, when it was opened */
    imnn_replace replace; /* of a new file, until it is finished */
    imnn_buffer text;     /* the last list or text handed out */
};

/** How long the file is now; -1 if nobody knows. */
int64_t imnn_hdf5_bytes(const imnn_hdf5 *f);
/** Whether a file that is only read was longer when it was opened: beyond its end, the library
 *  reads zeros. */
bool imnn_hdf5_is_cut(const imnn_hdf5 *f);
/** EIO: "hdf5: FILE: what failed: the cause that the library names". */
__attribute__((format(printf, 2, 3))) imnn_status imnn_hdf5_failed(const imnn_hdf5 *f,
                                                                   const char *format, ...);
/** Open a group or dataset; -1 after a failure, whose sentence names what is absent. */
imnn_status imnn_hdf5_object(hid_t *out, const imnn_hdf5 *f, const char *path);
/** 'd', 'g' or 0, as imnn_hdf5_kind. */
int imnn_hdf5_kind_of(hid_t object);

/** A dataset or an attribute, open. */
typedef struct hdf5_source {
    hid_t object, attribute; /* attribute: -1 for the dataset itself */
    hid_t type, space;
    hid_t memory;     /* the elements that are selected, one behind the other; H5S_ALL: all */
    char name[256];   /* for messages: "a/b", or "a/b": attribute "c" */
    imnn_shape shape; /* of what is selected */
    imnn_dtype dtype; /* what it is read as; of wide integers once their values are known */
    bool is_text;
    bool wide; /* read as 64-bit integers, which are looked at and then converted */
} hdf5_source;

/** To be closed also after a failure. */
imnn_status imnn_hdf5_open_source(hdf5_source *s, const imnn_hdf5 *f, const char *object,
                                  const char *attribute);
void imnn_hdf5_close_source(hdf5_source *s);
/** Some elements of a dataset only: what s->shape is afterwards. May be called again. */
imnn_status imnn_hdf5_select(hdf5_source *s, const imnn_hdf5 *f, const imnn_hdf5_part *part);
/** To be read as this dtype, or the usual one; EDTYPE. */
imnn_status imnn_hdf5_read_as(hdf5_source *s, const imnn_hdf5 *f, imnn_dtype dtype);
/** What is selected, as s->dtype, which is set, one element behind the other. */
imnn_status imnn_hdf5_read_values(hdf5_source *s, const imnn_hdf5 *f, void *out);
/** After elements did not read: the sentence once more, with the records that do not, and the
 * offset of their chunk; as the status given. */
imnn_status imnn_hdf5_locate(imnn_status st, const hdf5_source *s, const imnn_hdf5 *f);
/** A type of the library for elements of arrays, to be closed; -1 on failure. */
hid_t imnn_hdf5_type(imnn_dtype dtype);
/** The sentence of a failed allocation, with what it was for. */
imnn_status imnn_hdf5_no_memory(const hdf5_source *s, const imnn_hdf5 *f);
#endif
