/* Whatever lies in a file of records or in a record, reading it ends, within bounds, without asking
 * for much memory, and says what is wrong. */
#include "tests/support/records.h"
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* ---- Examples ---- */

static bool same(imnn_example *a, imnn_example *b)
{
    if (imnn_example_count(a) != imnn_example_count(b)) return false;
    for (int64_t i = 0; i < imnn_example_count(a); i++) {
        size_t n, m;
        const char *x = imnn_example_name(a, i, &n), *y = imnn_example_name(b, i, &m);
        int64_t length = imnn_example_length(a, i);
        if (n != m || memcmp(x, y, n) || imnn_example_kind(a, i) != imnn_example_kind(b, i) ||
            length != imnn_example_length(b, i))
            return false;
        if (imnn_example_kind(a, i) == IMNN_FEATURE_INTS && length &&
            memcmp(imnn_example_ints(a, i), imnn_example_ints(b, i), (size_t)length * 8))
            return false;
        if (imnn_example_kind(a, i) == IMNN_FEATURE_FLOATS && length &&
            memcmp(imnn_example_floats(a, i), imnn_example_floats(b, i), (size_t)length * 4))
            return false;
        for (int64_t k = 0; k < length && imnn_example_kind(a, i) == IMNN_FEATURE_BYTES; k++) {
            const void *s = imnn_example_bytes(a, i, k, &n), *t = imnn_example_bytes(b, i, k, &m);
            if (n != m || memcmp(s, t, n)) return false;
        }
    }
    return true;
}

/** What is understood is written and understood again. */
static void round_trip(imnn_example *e)
{
    const void *bytes;
    size_t n;
    imnn_example *again;
    if (imnn_example_encode(e, &bytes, &n) != IMNN_OK) abort();
    if (imnn_example_decode(&again, bytes, n) != IMNN_OK) abort();
    if (!same(e, again)) abort();
    imnn_example_release(again);
}

static void decode(const uint8_t *bytes, size_t n)
{
    imnn_example *e;
    imnn_status st = imnn_example_decode(&e, bytes, n);
    if (st != IMNN_OK && st != IMNN_EIO) abort();
    if (st == IMNN_OK) round_trip(e);
    imnn_example_release(e);
}

/* ---- files ---- */

static void read_values(imnn_tfrecord *t, int n_params, bool seeds)
{
    const imnn_tfrecord_layout layout = {
        .shape = {.ndim = 1, .size = {5}}, .n_params = n_params, .seeds = seeds};
    imnn_reader *r;
    imnn_array *values;
    if (imnn_tfrecord_reader(&r, t, &layout) == IMNN_ENOMEM) abort();
    if (!r) return;
    const int64_t count = imnn_reader_shape(r)->size[0];
    imnn_reader_advise(r, 0, count);
    if (imnn_reader_records(&values, r, 0, count) == IMNN_ENOMEM) abort();
    imnn_array_release(values);
    if (!is_read_one_by_one(r)) abort();
    if (count && imnn_reader_records(&values, r, count - 1, count) == IMNN_OK)
        imnn_array_release(values);
    imnn_reader_release(r);
}

static void read_file(const char *path)
{
    const char *const twice[2] = {path, path};
    imnn_tfrecord *t;
    imnn_status st = imnn_tfrecord_open(&t, twice, 2);
    if (st != IMNN_OK && st != IMNN_EIO) abort();
    if (st != IMNN_OK) return;
    for (int64_t i = 0; i < imnn_tfrecord_count(t) && i < 20; i++) {
        imnn_example *e;
        if (imnn_tfrecord_example(&e, t, i) == IMNN_OK) round_trip(e);
        imnn_example_release(e);
    }
    for (int i = 0; i < 4; i++) read_values(t, i & 2, i & 1);
    imnn_tfrecord_release(t);
}

static void open_bytes(const uint8_t *bytes, size_t n)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("records", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, bytes, n, 0) != (ssize_t)n) abort();
    read_file(path);
}

/** The last byte says which way the others take. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n + 1); /* exactly as long as it is, for the sanitizer's sake */
    if (!copy) return 0;
    memcpy(copy, bytes, n);
    switch (n ? bytes[n - 1] & 3 : 0) {
    case 0: decode(copy, n); break;
    case 1: open_bytes(copy, n); break;
    default: repair_records(copy, n); open_bytes(copy, n);
    }
    free(copy);
    if (imnn_live_bytes() != 0) abort();
    return 0;
}
