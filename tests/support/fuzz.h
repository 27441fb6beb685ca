/* What fuzz targets of files share. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H
#include "imnn.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { MOST = 64 << 10 }; /* bytes that a reader is asked for */

/** A file in memory with these bytes, to be closed; its path. */
static inline int file_of(char path[32], const uint8_t *bytes, size_t n)
{
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    if (file < 0 || write(file, bytes, n) != (ssize_t)n) abort();
    snprintf(path, 32, "/proc/self/fd/%d", file);
    return file;
}

/** The last records, and give back. */
static inline void read_some(imnn_reader *r)
{
    static char out[MOST];
    int64_t count = imnn_reader_shape(r)->size[0], bytes = imnn_reader_record_bytes(r);
    int64_t n = bytes ? MOST / bytes : count;
    if (n > count) n = count;
    if (n) (void)imnn_reader_read(r, count - n, count, out);
    imnn_reader_release(r);
}

/** Nothing may be left behind. */
static inline int end_of(int file)
{
    close(file);
    if (imnn_live_bytes() != 0) abort();
    return 0;
}
#endif
