/* Anything as an npy file: read, it gives an array or a sentence. */
#include "tests/support/fuzz.h"

static void read_as(const char *path, imnn_dtype dtype)
{
    imnn_array *a;
    imnn_reader *r;
    if (imnn_npy_read(&a, path, dtype) == IMNN_OK) imnn_array_release(a);
    if (imnn_npy_reader(&r, path, dtype) == IMNN_OK) read_some(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[32];
    int file = file_of(path, bytes, n);
    read_as(path, IMNN_NDTYPE);
    read_as(path, n % 2 ? IMNN_F32 : IMNN_I32);
    return end_of(file);
}
