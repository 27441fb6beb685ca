/* Readers: records by number, of arrays and of a program's own kind. */
#include "imnn.h"
#include "tests/support/check.h"

static imnn_status refuse(void *self, int64_t begin, int64_t end, void *out)
{
    (void)out;
    *(int *)self += 1;
    return begin < end ? IMNN_EIO : IMNN_OK;
}

static void count_close(void *self) { *(int *)self += 100; }

static int records_of_an_array_are_its_rows(void)
{
    const double values[6] = {1, 2, 3, 4, 5, 6};
    const imnn_shape shape = {.ndim = 2, .size = {3, 2}};
    imnn_array *x;
    imnn_reader *r;
    float two[4];
    CHECK(imnn_array_from(&x, IMNN_F32, &shape, values) == IMNN_OK);
    CHECK(imnn_reader_of_array(&r, x) == IMNN_OK);
    imnn_array_release(x);
    CHECK(imnn_reader_record_bytes(r) == 8 && imnn_reader_dtype(r) == IMNN_F32);
    CHECK(imnn_reader_shape(r)->size[0] == 3);
    CHECK(imnn_reader_read(r, 1, 3, two) == IMNN_OK && two[0] == 3 && two[3] == 6);
    CHECK(imnn_reader_read(r, 3, 3, NULL) == IMNN_OK);
    CHECK(imnn_reader_read(r, 2, 4, two) == IMNN_EVALUE);
    CHECK(strstr(imnn_last_error(), "array: has 3 records, asked for 2 to 4"));
    CHECK(imnn_reader_records(&x, r, 1, 3) == IMNN_OK && imnn_array_shape(x)->size[0] == 2);
    CHECK(((const float *)imnn_array_data(x))[3] == 6);
    imnn_array_release(x);
    CHECK(imnn_reader_records(&x, r, -1, 3) == IMNN_EVALUE && !x);
    imnn_reader_advise(r, 0, 3);
    imnn_reader_release(r);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int a_program_can_have_its_own(void)
{
    int calls = 0;
    const imnn_shape shape = {.ndim = 1, .size = {4}}, scalar = {.ndim = 0};
    const imnn_reader_methods methods = {refuse, NULL, count_close};
    imnn_reader *r, *none;
    imnn_array *x;
    CHECK(imnn_reader_new(&r, "mine", IMNN_F64, &shape, &methods, &calls) == IMNN_OK);
    CHECK(imnn_reader_retain(r) == r);
    CHECK(imnn_reader_read(r, 0, 4, NULL) == IMNN_EIO && calls == 1);
    CHECK(imnn_reader_records(&x, r, 0, 4) == IMNN_EIO && !x && calls == 2);
    imnn_reader_release(r);
    CHECK(calls == 2);
    imnn_reader_release(r);
    CHECK(calls == 102);
    CHECK(imnn_reader_new(&none, "mine", IMNN_F64, &scalar, &methods, &calls) == IMNN_EVALUE);
    CHECK(none == NULL && calls == 202);
    return 0;
}

int main(void) { return records_of_an_array_are_its_rows() || a_program_can_have_its_own(); }
