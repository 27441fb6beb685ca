/* Anything as an npy or npz file: read, it gives an array or a sentence. libFuzzer calls. */
#include "imnn.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 64 << 10 }; /* bytes that a reader is asked for */

static void read_some(imnn_reader *r)
{
    int64_t count = imnn_reader_shape(r)->size[0], bytes = imnn_reader_record_bytes(r);
    int64_t n = bytes ? MOST / bytes : count;
    static char out[MOST];
    if (n > count) n = count;
    if (n) (void)imnn_reader_read(r, count - n, count, out);
    imnn_reader_release(r);
}

static void read_npy(const char *path, imnn_dtype dtype)
{
    imnn_array *a;
    imnn_reader *r;
    if (imnn_npy_read(&a, path, dtype) == IMNN_OK) imnn_array_release(a);
    if (imnn_npy_reader(&r, path, dtype) == IMNN_OK) read_some(r);
}

static void read_npz(const char *path)
{
    imnn_npz *z;
    imnn_array *a;
    imnn_reader *r;
    if (imnn_npz_open(&z, path) != IMNN_OK) return;
    for (int64_t i = 0; i < imnn_npz_count(z) && i < 4; i++) {
        const char *name = imnn_npz_name(z, i);
        if (imnn_npz_read(&a, z, name, IMNN_NDTYPE) == IMNN_OK) imnn_array_release(a);
        if (imnn_npz_reader(&r, z, name, IMNN_F32) == IMNN_OK) read_some(r);
    }
    imnn_npz_close(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    int file = memfd_create("npy", MFD_CLOEXEC);
    if (file < 0 || write(file, data, n) != (ssize_t)n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    read_npy(path, IMNN_NDTYPE);
    read_npy(path, n % 2 ? IMNN_F32 : IMNN_I32);
    read_npz(path);
    close(file);
    if (imnn_live_bytes() != 0) abort(); /* something was not given back */
    return 0;
}
