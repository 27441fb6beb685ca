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

static imnn_status numbers(imnn_reader **out, int64_t rows, int64_t columns, double first)
{
    double values[32];
    const imnn_shape shape = {.ndim = 2, .size = {rows, columns}};
    imnn_array *x;
    for (int i = 0; i < rows * columns; i++) values[i] = first + i;
    imnn_status st = imnn_array_from(&x, IMNN_F32, &shape, values);
    if (st == IMNN_OK) st = imnn_reader_of_array(out, x);
    imnn_array_release(x);
    return st;
}

static int several_are_one(void)
{
    imnn_reader *part[3], *all, *none;
    float seen[20];
    for (int i = 0; i < 3; i++) CHECK(numbers(&part[i], i + 2, 2, 10.f * (float)i) == IMNN_OK);
    CHECK(imnn_reader_join(&all, 3, part) == IMNN_OK);
    for (int i = 0; i < 3; i++) imnn_reader_release(part[i]);
    CHECK(imnn_reader_shape(all)->size[0] == 9 && imnn_reader_record_bytes(all) == 8);
    for (int64_t begin = 0; begin < 9; begin++) {
        for (int64_t end = begin + 1; end <= 9; end++) {
            CHECK(imnn_reader_read(all, begin, end, seen) == IMNN_OK);
            for (int64_t i = begin; i < end; i++) {
                const int64_t k = i < 2 ? 0 : i < 5 ? 1 : 2, at = i - (k == 0 ? 0 : k == 1 ? 2 : 5);
                CHECK(seen[2 * (i - begin)] == (float)(10 * k + 2 * at));
            }
        }
    }
    imnn_reader_advise(all, 1, 8);
    CHECK(numbers(&part[0], 2, 3, 0) == IMNN_OK);
    part[1] = all;
    CHECK(imnn_reader_join(&none, 2, part) == IMNN_ESHAPE && !none);
    CHECK(strstr(imnn_last_error(),
                 "join: records of array are f32 (3), those of array and 2 more f32 (2)"));
    imnn_reader_release(part[0]);
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int some_are_taken(void)
{
    imnn_reader *r, *some, *none;
    float seen[4];
    CHECK(numbers(&r, 6, 2, 0) == IMNN_OK);
    CHECK(imnn_reader_range(&some, r, 2, 5) == IMNN_OK && imnn_reader_shape(some)->size[0] == 3);
    CHECK(imnn_reader_range(&none, r, 2, 7) == IMNN_EVALUE && !none);
    CHECK(strstr(imnn_last_error(), "array has 6 records, asked for 2 to 7"));
    imnn_reader_release(r);
    CHECK(imnn_reader_read(some, 1, 3, seen) == IMNN_OK && seen[0] == 6 && seen[3] == 9);
    CHECK(imnn_reader_read(some, 1, 4, seen) == IMNN_EVALUE);
    imnn_reader_release(some);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int records_take_other_shapes(void)
{
    imnn_reader *r, *pairs, *none;
    float seen[4];
    const imnn_shape shape = {.ndim = 3, .size = {3, 2, 2}}, odd = {.ndim = 2, .size = {4, 3}};
    CHECK(numbers(&r, 6, 2, 0) == IMNN_OK);
    CHECK(imnn_reader_reshape(&pairs, r, &shape) == IMNN_OK);
    CHECK(imnn_reader_reshape(&none, r, &odd) == IMNN_ESHAPE && !none);
    CHECK(strstr(imnn_last_error(), "the 6 records of array do not make 4 whole ones"));
    imnn_reader_release(r);
    CHECK(imnn_reader_read(pairs, 1, 2, seen) == IMNN_OK && seen[0] == 4 && seen[3] == 7);
    imnn_reader_advise(pairs, 0, 3);
    imnn_reader_release(pairs);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

int main(void)
{
    return records_of_an_array_are_its_rows() || a_program_can_have_its_own() ||
           several_are_one() || some_are_taken() || records_take_other_shapes();
}
