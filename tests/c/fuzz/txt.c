/* Anything as a table of numbers: read, it gives an array or a sentence. */
#include "tests/support/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const int32_t columns[2] = {-1, 0};
    const unsigned kind = n ? bytes[0] : 0;
    const imnn_table_format format = {.delimiter = kind & 1 ? "," : NULL,
                                      .comments = kind & 2 ? "#" : NULL,
                                      .skip = kind & 4 ? 1 : 0,
                                      .most = -1,
                                      .columns = kind & 8 ? columns : NULL,
                                      .ncolumns = kind & 8 ? 2 : 0,
                                      .missing = kind & 16};
    char path[32];
    imnn_array *a;
    int file = file_of(path, bytes, n);
    if (imnn_table_read(&a, path, kind & 32 ? IMNN_I32 : IMNN_F64, &format) == IMNN_OK)
        imnn_array_release(a);
    return end_of(file);
}
