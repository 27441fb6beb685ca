/* Anything as an npz file: read, it gives arrays or sentences. */
#include "tests/support/fuzz.h"

static void read_member(imnn_npz *z, const char *name)
{
    imnn_array *a;
    imnn_reader *r;
    if (imnn_npz_read(&a, z, name, IMNN_NDTYPE) == IMNN_OK) imnn_array_release(a);
    if (imnn_npz_reader(&r, z, name, IMNN_F32) == IMNN_OK) read_some(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[32];
    imnn_npz *z;
    int file = file_of(path, bytes, n);
    if (imnn_npz_open(&z, path) == IMNN_OK) {
        for (int64_t i = 0; i < imnn_npz_count(z) && i < 4; i++)
            read_member(z, imnn_npz_name(z, i));
        imnn_npz_close(z);
    }
    return end_of(file);
}
