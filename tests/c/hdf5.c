/* HDF5 files as a C program reads them, and that no failure leaves anything behind. */
#include "core/data/data.h"
#include "tests/support/check.h"

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
    CHECK(
        says("hdf5: " FOLDER "bad_fletcher.h5: \"x\": data error detected by Fletcher32 checksum"));
    h5.Eget_auto2(H5E_DEFAULT, &after, &data);
    CHECK(before && before == after);
    imnn_hdf5_close(f);
    return 0;
}

int main(void)
{
    return every_allocation_fails_once() || strings_stand_behind_each_other() ||
           other_users_keep_their_errors();
}
