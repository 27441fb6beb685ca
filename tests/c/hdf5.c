/* HDF5 files as a C program reads and writes them, and that no failure leaves anything behind. */
#include "core/data/data.h"
#include "tests/support/check.h"
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define FOLDER "tests/golden/records/"

static imnn_status read_all(imnn_hdf5 **f)
{
    imnn_array *wide = NULL, *narrow = NULL;
    imnn_status st = imnn_hdf5_open(f, FOLDER "groups_attrs.h5");
    if (st == IMNN_OK) st = imnn_hdf5_read(&wide, *f, "many/d059", NULL);
    if (st == IMNN_OK) st = imnn_hdf5_read(&narrow, *f, "a/b/c", "int");
    imnn_array_release(narrow);
    imnn_array_release(wide);
    if (st != IMNN_OK) return st;
    if (!imnn_hdf5_list(*f, "a")) return IMNN_ENOMEM;
    if (!imnn_hdf5_attributes(*f, "a/b/c/deep")) return IMNN_ENOMEM;
    if (!imnn_hdf5_text(*f, "a/b/c", "strings")) return IMNN_ENOMEM;
    return imnn_hdf5_text(*f, "a/b/c", "fixed") ? IMNN_OK : IMNN_ENOMEM;
}

static int every_allocation_fails_once(void)
{
    for (int n = 0, ok = 0; !ok; n++) {
        imnn_hdf5 *f;
        imnn_test_fail_alloc(n);
        imnn_status st = read_all(&f);
        ok = st == IMNN_OK;
        CHECK(ok ? n > 10 : st == IMNN_ENOMEM);
        CHECK(ok || strstr(imnn_last_error(), "out of memory"));
        imnn_hdf5_close(f);
        CHECK(imnn_live_bytes() == 0);
    }
    imnn_test_fail_alloc(-1);
    return 0;
}

static int strings_stand_behind_each_other(void)
{
    imnn_hdf5 *f;
    imnn_dtype dtype;
    imnn_shape shape;
    bool is_text;
    CHECK(imnn_hdf5_open(&f, FOLDER "strings.h5") == IMNN_OK);
    CHECK(imnn_hdf5_describe(f, "fixed_null_pad", NULL, &dtype, &shape, &is_text) == IMNN_OK);
    CHECK(is_text && shape.ndim == 1 && shape.size[0] == 3);
    const char *text = imnn_hdf5_text(f, "fixed_null_pad", NULL);
    CHECK(text && !memcmp(text, "ab\0c\0longest", 13));
    text = imnn_hdf5_text(f, "fixed_space_pad", NULL);
    CHECK(text && !memcmp(text, "fortran\0style", 14));
    CHECK(imnn_hdf5_kind(f, "/") == 'g' && imnn_hdf5_kind(f, "vlen_ascii") == 'd');
    CHECK(imnn_hdf5_kind(f, "vlen_ascii/x") == 0);
    imnn_hdf5_close(f);
    imnn_hdf5_close(NULL);
    return 0;
}

/** The sentences of the library go nowhere, and a program that wants to see its own still does. */
static int other_users_keep_their_errors(void)
{
    imnn_hdf5 *f;
    H5E_auto2_t before, after;
    void *data;
    CHECK(imnn_hdf5_open(&f, FOLDER "bad_fletcher.h5") == IMNN_OK);
    imnn_array *a = (imnn_array *)&a;
    h5.Eget_auto2(H5E_DEFAULT, &before, &data);
    CHECK(imnn_hdf5_read(&a, f, "x", NULL) == IMNN_EIO && !a);
    CHECK(says("hdf5: " FOLDER
               "bad_fletcher.h5: \"x\": data error detected by Fletcher32 checksum; "
               "in records 101 to 200, chunk at offset 3900"));
    h5.Eget_auto2(H5E_DEFAULT, &after, &data);
    CHECK(before && before == after);
    imnn_hdf5_close(f);
    return 0;
}

/* ---- writing ---- */

static const char *const new_file = "/tmp/imnn-hdf5-test.h5";

static int temporaries(void)
{
    int n = 0;
    DIR *entries = opendir("/tmp");
    for (struct dirent *e; (e = readdir(entries));)
        n += !strncmp(e->d_name, "imnn-hdf5-test.h5.", 18);
    closedir(entries);
    return n;
}

static imnn_status write_all(imnn_hdf5 **f)
{
    const imnn_shape shape = {.ndim = 2, .size = {3, 2}};
    const imnn_hdf5_layout layout = {
        .most = {.ndim = 2, .size = {-1, 2}}, .compression = 1, .shuffle = true};
    const imnn_hdf5_part part = {.start = {1, 0}, .count = {3, 2}, .stride = {2, 1}};
    const imnn_shape two = {.ndim = 1, .size = {2}};
    const double values[6] = {1, 0, 3, 4, 5, 6};
    imnn_array *x = NULL, *y = NULL;
    imnn_status st = imnn_hdf5_create(f, new_file);
    if (st == IMNN_OK) st = imnn_array_from(&x, IMNN_C64, &shape, values);
    if (st == IMNN_OK) st = imnn_hdf5_write(*f, "a/x", x, &layout);
    if (st == IMNN_OK) st = imnn_hdf5_append(*f, "a/x", x);
    if (st == IMNN_OK) st = imnn_hdf5_write_part(*f, "a/x", &part, x);
    if (st == IMNN_OK) st = imnn_hdf5_read_part(&y, *f, "a/x", &part, IMNN_C128);
    if (st == IMNN_OK) st = imnn_hdf5_set_text(*f, "a", "names", &two, "x\0y");
    if (st == IMNN_OK) st = imnn_hdf5_finish(*f);
    imnn_array_release(y);
    imnn_array_release(x);
    return st;
}

static int a_new_file_is_whole_or_absent(void)
{
    for (int n = 0, ok = 0; !ok; n++) {
        imnn_hdf5 *f;
        unlink(new_file);
        imnn_test_fail_alloc(n);
        imnn_status st = write_all(&f);
        ok = st == IMNN_OK;
        imnn_test_fail_alloc(-1);
        CHECK(ok ? n > 8 : st == IMNN_ENOMEM);
        imnn_hdf5_close(f);
        CHECK(imnn_live_bytes() == 0 && temporaries() == 0);
        CHECK((access(new_file, F_OK) == 0) == ok);
    }
    return 0;
}

static imnn_status fill(imnn_hdf5 *f)
{
    const imnn_shape shape = {.ndim = 1, .size = {1 << 20}};
    imnn_array *x;
    imnn_status st = imnn_array_zeros(&x, IMNN_F64, &shape);
    if (st == IMNN_OK) st = imnn_hdf5_write(f, "x", x, NULL);
    if (st == IMNN_OK) st = imnn_hdf5_finish(f);
    imnn_array_release(x);
    return st;
}

/** As when the disk is full. */
static int a_file_that_cannot_grow_is_removed(void)
{
    struct rlimit before, small = {64 << 10, RLIM_INFINITY};
    imnn_hdf5 *f;
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    signal(SIGXFSZ, SIG_IGN);
    CHECK(imnn_hdf5_create(&f, new_file) == IMNN_OK);
    CHECK(temporaries() == 1 && imnn_hdf5_unfinished(f));
    small.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    imnn_status st = fill(f);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(st == IMNN_EIO && strstr(imnn_last_error(), "hdf5: /tmp/imnn-hdf5-test.h5: "));
    imnn_hdf5_close(f);
    CHECK(temporaries() == 0 && access(new_file, F_OK) == 0); /* the one of before */
    unlink(new_file);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int parts_that_are_outside(void)
{
    imnn_hdf5 *f;
    imnn_array *x = NULL;
    CHECK(imnn_hdf5_open(&f, FOLDER "earliest.h5") == IMNN_OK);
    imnn_hdf5_part part = {.start = {2, 0}, .count = {2, 4}, .stride = {2, 1}};
    CHECK(imnn_hdf5_read_part(&x, f, "x", &part, IMNN_NDTYPE) == IMNN_OK);
    imnn_array_release(x);
    part.start[0] = 3;
    CHECK(imnn_hdf5_read_part(&x, f, "x", &part, IMNN_NDTYPE) == IMNN_EVALUE && !x);
    CHECK(says("hdf5: " FOLDER
               "earliest.h5: \"x\" has 5 elements along axis 1, not 2 in steps of 2 "
               "from number 4 on"));
    part.count[0] = INT64_MAX, part.start[0] = 0, part.stride[0] = INT64_MAX;
    CHECK(imnn_hdf5_read_part(&x, f, "x", &part, IMNN_NDTYPE) == IMNN_EVALUE);
    imnn_hdf5_close(f);
    return 0;
}

/* ---- records ---- */

enum { RECORDS = 2000, WIDTH = 30 };

static imnn_status write_records(void)
{
    const imnn_hdf5_layout packed = {.compression = 1, .chunk = {.ndim = 2, .size = {64, WIDTH}}};
    const imnn_shape shape = {.ndim = 2, .size = {RECORDS, WIDTH}};
    imnn_array *x = NULL;
    imnn_hdf5 *f = NULL;
    imnn_status st = imnn_array_zeros(&x, IMNN_I32, &shape);
    for (int i = 0; i < RECORDS * WIDTH; i++) ((int32_t *)x->data)[i] = i;
    if (st == IMNN_OK) st = imnn_hdf5_create(&f, new_file);
    if (st == IMNN_OK) st = imnn_hdf5_write(f, "plain", x, NULL);
    if (st == IMNN_OK) st = imnn_hdf5_write(f, "packed", x, &packed);
    if (st == IMNN_OK) st = imnn_hdf5_finish(f);
    imnn_array_release(x);
    imnn_hdf5_close(f);
    return st;
}

static int check_records(imnn_reader *r, int64_t begin, int64_t end)
{
    int32_t out[10 * WIDTH];
    if (imnn_reader_read(r, begin, end, out) != IMNN_OK) return 1;
    for (int64_t i = 0; i < (end - begin) * WIDTH; i++)
        if (out[i] != begin * WIDTH + i) return 1;
    return 0;
}

static int threads_read_at_the_same_time(void)
{
    static const char *const names[2] = {"plain", "packed"};
    CHECK(write_records() == IMNN_OK);
    for (int k = 0; k < 2; k++) {
        imnn_reader *r;
        int wrong = 0;
        CHECK(imnn_hdf5_reader(&r, new_file, names[k], IMNN_NDTYPE) == IMNN_OK);
        imnn_reader_advise(r, 0, RECORDS);
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
        for (int i = 0; i < 2000; i++) {
            int64_t begin = (int64_t)i * 7919 % (RECORDS - 9), end = begin + i % 10;
            wrong += check_records(r, begin, end);
        }
        CHECK(wrong == 0);
        imnn_reader_release(r);
        CHECK(imnn_live_bytes() == 0);
    }
    return 0;
}

static int a_reader_that_fails_leaves_nothing(void)
{
    for (int k = 0; k < 2; k++)
        for (int n = 0, ok = 0; !ok; n++) {
            imnn_reader *r;
            int32_t out[WIDTH];
            imnn_test_fail_alloc(n);
            imnn_status st = imnn_hdf5_reader(&r, new_file, k ? "packed" : "plain", IMNN_U32);
            ok = st == IMNN_OK && (st = imnn_reader_read(r, 1, 2, out)) == IMNN_OK;
            CHECK(ok ? out[0] == WIDTH && n > 3 : st == IMNN_ENOMEM);
            imnn_reader_release(r);
            imnn_test_fail_alloc(-1);
            CHECK(imnn_live_bytes() == 0);
        }
    unlink(new_file);
    return 0;
}

int main(void)
{
    return every_allocation_fails_once() || strings_stand_behind_each_other() ||
           other_users_keep_their_errors() || a_new_file_is_whole_or_absent() ||
           a_file_that_cannot_grow_is_removed() || parts_that_are_outside() ||
           threads_read_at_the_same_time() || a_reader_that_fails_leaves_nothing();
}
