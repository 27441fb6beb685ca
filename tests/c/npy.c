/* npy and npz files: no failure leaves anything behind. */
#include "core/array/array.h"
#include "tests/support/check.h"
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define FOLDER "tests/golden/records/npy/"
static const char *const new_file = "/tmp/imnn-npy-test";

static imnn_status read_records(imnn_reader *r)
{
    float out[200];
    imnn_status st = imnn_reader_read(r, 0, 1, out);
    imnn_reader_release(r);
    return st;
}

static imnn_status read_all(imnn_npz **z)
{
    imnn_array *a = NULL, *b = NULL, *c = NULL;
    imnn_reader *r;
    *z = NULL;
    imnn_status st = imnn_npy_read(&a, FOLDER "fortran_be_f8.npy", IMNN_NDTYPE);
    if (st == IMNN_OK) st = imnn_npy_reader(&r, FOLDER "fortran_be_f8.npy", IMNN_F32);
    if (st == IMNN_OK) st = read_records(r);
    if (st == IMNN_OK) st = imnn_npz_open(z, FOLDER "deflated.npz");
    if (st == IMNN_OK) st = imnn_npz_read(&b, *z, "seed", IMNN_NDTYPE);
    if (st == IMNN_OK) st = imnn_npz_reader(&r, *z, "x", IMNN_F32);
    if (st == IMNN_OK) st = read_records(r);
    if (st == IMNN_OK) st = imnn_npy_write(new_file, b);
    imnn_array_release(a), imnn_array_release(b), imnn_array_release(c);
    return st;
}

static imnn_status write_all(imnn_npz_writer **w)
{
    const imnn_shape shape = {.ndim = 2, .size = {100, 30}};
    imnn_array *a;
    imnn_status st = imnn_array_zeros(&a, IMNN_F64, &shape);
    if (st == IMNN_OK) st = imnn_npz_create(w, new_file);
    if (st == IMNN_OK) st = imnn_npz_write(*w, "a", a, 0);
    if (st == IMNN_OK) st = imnn_npz_write(*w, "b", a, 6);
    if (st == IMNN_OK && imnn_npz_write(*w, "b", a, 6) == IMNN_OK) st = IMNN_EVALUE;
    if (st == IMNN_OK) st = imnn_npz_finish(*w);
    imnn_array_release(a);
    return st;
}

static int every_allocation_fails_once(void)
{
    for (int n = 0, ok = 0; !ok; n++) {
        imnn_npz *z;
        imnn_test_fail_alloc(n);
        imnn_status st = read_all(&z);
        ok = st == IMNN_OK;
        CHECK(ok ? n > 20 : st == IMNN_ENOMEM && strstr(imnn_last_error(), "out of memory"));
        imnn_npz_close(z);
        CHECK(imnn_live_bytes() == 0);
    }
    for (int n = 0, ok = 0; !ok; n++) {
        imnn_npz_writer *w = NULL;
        unlink(new_file);
        imnn_test_fail_alloc(n);
        imnn_status st = write_all(&w);
        ok = st == IMNN_OK;
        CHECK(ok ? n > 5 : st == IMNN_ENOMEM);
        imnn_npz_abandon(w);
        CHECK(imnn_live_bytes() == 0 && (access(new_file, F_OK) == 0) == ok);
    }
    imnn_test_fail_alloc(-1);
    unlink(new_file);
    return 0;
}

/** As when the disk is full. */
static int a_file_that_cannot_grow_is_removed(void)
{
    struct rlimit before, small;
    imnn_npz_writer *w = NULL;
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small = before, small.rlim_cur = 10 << 10;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    imnn_status st = write_all(&w);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(st == IMNN_EIO && strstr(imnn_last_error(), "cannot be written: File too large"));
    imnn_npz_abandon(w);
    CHECK(access(new_file, F_OK) != 0 && imnn_live_bytes() == 0);
    return 0;
}

int main(void) { return every_allocation_fails_once() || a_file_that_cannot_grow_is_removed(); }
