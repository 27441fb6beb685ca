/* TFRecord files as C programs use them: checksums, allocations that fail, several threads. */
#include "tests/support/check.h"
#include "tests/support/records.h"
#include <omp.h>
#include <unistd.h>

#define FOLDER "tests/golden/tfrecord/"

/* ---- checksums ---- */

static int checksums_are_those_of_the_definition(void)
{
    CHECK(imnn_crc32c(0, "123456789", 9) == 0xe3069283);
    CHECK(imnn_crc32c_by_table(0, "123456789", 9) == 0xe3069283);
    CHECK(imnn_crc32c_masked("", 0) == 0xa282ead8);
    uint8_t zeros[32] = {0}, ones[32]; /* RFC 3720, B.4 */
    memset(ones, 0xff, sizeof ones);
    CHECK(imnn_crc32c(0, zeros, 32) == 0x8a9136aa && imnn_crc32c(0, ones, 32) == 0x62a8ab43);
    return 0;
}

static int instruction_and_table_agree(void)
{
    enum { MOST = 20000 };
    static uint8_t bytes[MOST];
    uint32_t state = 1;
    for (int i = 0; i < MOST; i++)
        bytes[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
    for (size_t n = 0; n + 8 < MOST; n = n * 9 / 8 + 1)
        for (size_t from = 0; from < 8; from++) {
            uint32_t crc = imnn_crc32c(7, bytes + from, n);
            CHECK(crc == imnn_crc32c_by_table(7, bytes + from, n));
            uint32_t half = imnn_crc32c(7, bytes + from, n / 2);
            CHECK(crc == imnn_crc32c(half, bytes + from + n / 2, n - n / 2));
        }
    return 0;
}

/* ---- Examples ---- */

static imnn_status round_trip(imnn_example **back)
{
    imnn_example *e;
    const void *bytes;
    size_t n;
    imnn_status st = imnn_example_new(&e);
    *back = NULL;
    if (st != IMNN_OK) return st;
    st = imnn_example_put(e, "seed", 4, IMNN_FEATURE_INTS);
    for (int i = 0; i < 40 && st == IMNN_OK; i++) st = imnn_example_add_int(e, -i);
    if (st == IMNN_OK) st = imnn_example_put(e, "", 0, IMNN_FEATURE_UNSET);
    if (st == IMNN_OK) st = imnn_example_put(e, "data", 4, IMNN_FEATURE_BYTES);
    if (st == IMNN_OK) st = imnn_example_add_bytes(e, "abc", 3);
    if (st == IMNN_OK) st = imnn_example_put(e, "x", 1, IMNN_FEATURE_FLOATS);
    if (st == IMNN_OK) st = imnn_example_add_float(e, 0.5F);
    if (st == IMNN_OK) st = imnn_example_encode(e, &bytes, &n);
    if (st == IMNN_OK) st = imnn_example_decode(back, bytes, n);
    imnn_example_release(e);
    return st;
}

static int examples_come_back(void)
{
    imnn_example *e;
    size_t n;
    CHECK(round_trip(&e) == IMNN_OK && imnn_example_count(e) == 4);
    CHECK(!strcmp(imnn_example_name(e, 0, &n), "") && n == 0);
    CHECK(imnn_example_kind(e, 0) == IMNN_FEATURE_UNSET && imnn_example_length(e, 0) == 0);
    CHECK(!memcmp(imnn_example_name(e, 1, &n), "data", 4) && n == 4);
    CHECK(!memcmp(imnn_example_bytes(e, 1, 0, &n), "abc", 3) && n == 3);
    CHECK(imnn_example_length(e, 2) == 40 && imnn_example_ints(e, 2)[39] == -39);
    CHECK(imnn_example_floats(e, 3)[0] == 0.5F);
    CHECK(imnn_example_add_int(e, 1) == IMNN_ETYPE);
    const void *again; /* what was decoded is written again, the strings from the first bytes */
    CHECK(imnn_example_encode(e, &again, &n) == IMNN_OK);
    CHECK(imnn_example_encode(e, &again, &n) == IMNN_OK);
    CHECK(!memcmp(imnn_example_bytes(e, 1, 0, &n), "abc", 3));
    imnn_example_release(e);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

/* ---- files ---- */

static const imnn_tfrecord_layout sides = {
    .shape = {.ndim = 3, .size = {4, 4, 1}}, .n_params = 2, .seeds = true};

static imnn_status read_all(const char *path, const imnn_tfrecord_layout *layout,
                            imnn_array **values)
{
    imnn_tfrecord *t;
    imnn_reader *r = NULL;
    imnn_status st = imnn_tfrecord_open(&t, &path, 1);
    *values = NULL;
    if (st == IMNN_OK) st = imnn_tfrecord_reader(&r, t, layout);
    imnn_tfrecord_release(t);
    if (st == IMNN_OK) {
        imnn_reader_advise(r, 3, 50);
        st = imnn_reader_records(values, r, 0, imnn_reader_shape(r)->size[0]);
    }
    imnn_reader_release(r);
    return st;
}

static imnn_status write_some(const char *stem, imnn_tfrecord_packing packing)
{
    imnn_tfrecord_writer *w;
    imnn_status st = imnn_tfrecord_writer_new(&w, stem, 100, 2, packing);
    for (int i = 0; i < 5 && st == IMNN_OK; i++)
        st = imnn_tfrecord_writer_add(w, "some bytes, more than 40 of them, are here", 42);
    if (st == IMNN_OK) st = imnn_tfrecord_writer_finish(w);
    imnn_tfrecord_writer_release(w);
    return st;
}

static imnn_status everything(const char *stem)
{
    static const char *const paths[2] = {FOLDER "multi/derivative_*.tfrecords",
                                         FOLDER "compressed/two_members.tfrecords.gz"};
    const imnn_tfrecord_layout packed = {.shape = {.ndim = 2, .size = {6, 5}}};
    imnn_array *values;
    imnn_example *e;
    imnn_status st = read_all(paths[0], &sides, &values);
    imnn_array_release(values);
    if (st == IMNN_OK) st = read_all(paths[1], &packed, &values);
    imnn_array_release(values);
    if (st == IMNN_OK) st = round_trip(&e);
    if (st == IMNN_OK) imnn_example_release(e);
    for (int k = 0; st == IMNN_OK && k < 3; k++) st = write_some(stem, (imnn_tfrecord_packing)k);
    return st;
}

static int every_allocation_fails_once(const char *stem)
{
    for (int n = 0, ok = 0; !ok; n++) {
        imnn_test_fail_alloc(n);
        imnn_status st = everything(stem);
        ok = st == IMNN_OK;
        CHECK(ok ? n > 30 : st == IMNN_ENOMEM);
        CHECK(ok || strstr(imnn_last_error(), "out of memory"));
        CHECK(imnn_live_bytes() == 0);
    }
    imnn_test_fail_alloc(-1);
    return 0;
}

/** Ranges in any order, from several threads at a time, are those of one reading. */
static int threads_read_the_same(void)
{
    const char *path = FOLDER "multi/derivative_*.tfrecords";
    imnn_tfrecord *t;
    imnn_reader *r;
    imnn_array *whole;
    int bad = 0;
    CHECK(read_all(path, &sides, &whole) == IMNN_OK);
    CHECK(imnn_tfrecord_open(&t, &path, 1) == IMNN_OK);
    CHECK(imnn_tfrecord_count(t) == 240 && imnn_tfrecord_files(t) == 3);
    CHECK(imnn_tfrecord_reader(&r, t, &sides) == IMNN_OK);
    imnn_tfrecord_release(t);
    const int64_t count = imnn_reader_shape(r)->size[0], size = imnn_reader_record_bytes(r);
#pragma omp parallel for num_threads(4) reduction(+ : bad)
    for (int64_t i = 0; i < 400; i++) {
        int64_t begin = i * 37 % count, end = begin + 1 + i % 11;
        if (end > count) end = count;
        char *part = malloc((size_t)(end - begin) * (size_t)size);
        const char *want = (const char *)imnn_array_data(whole) + begin * size;
        bad += imnn_reader_read(r, begin, end, part) != IMNN_OK ||
               memcmp(part, want, (size_t)((end - begin) * size)) != 0;
        free(part);
    }
    CHECK(!bad);
    imnn_reader_release(r);
    imnn_array_release(whole);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

/** Record i of simulations at both sides of two parameters, from seed 126 on: numbers of one byte
 *  and of two; or which begin again. */
static imnn_status add_side(imnn_tfrecord_writer *w, int i, int seeds)
{
    const float data[3] = {(float)i, 0.5F, -1};
    const struct {
        const char *name;
        int value;
    } rows[] = {{"derivative", i / 2 % 2}, {"parameter", i % 2}, {"seed", (126 + i / 4) % seeds}};
    imnn_example *e;
    const void *bytes;
    size_t n;
    imnn_status st = imnn_example_new(&e);
    if (st == IMNN_OK) st = imnn_example_put(e, "data", 4, IMNN_FEATURE_BYTES);
    if (st == IMNN_OK) st = imnn_example_add_bytes(e, data, sizeof data);
    for (int k = 0; k < 3 && st == IMNN_OK; k++) {
        st = imnn_example_put(e, rows[k].name, strlen(rows[k].name), IMNN_FEATURE_INTS);
        if (st == IMNN_OK) st = imnn_example_add_int(e, rows[k].value);
    }
    if (st == IMNN_OK) st = imnn_example_encode(e, &bytes, &n);
    if (st == IMNN_OK) st = imnn_tfrecord_writer_add(w, bytes, n);
    imnn_example_release(e);
    return st;
}

enum { SIDES = 16 };

static int write_sides(const char *path, int seeds)
{
    imnn_tfrecord_writer *w;
    CHECK(imnn_tfrecord_writer_new(&w, path, 1 << 20, 0, IMNN_UNPACKED) == IMNN_OK);
    for (int i = 0; i < SIDES; i++) CHECK(add_side(w, i, seeds) == IMNN_OK);
    CHECK(imnn_tfrecord_writer_finish(w) == IMNN_OK);
    imnn_tfrecord_writer_release(w);
    return 0;
}

static int read_sides(const char *path, bool seeds, bool *good)
{
    const imnn_tfrecord_layout layout = {
        .shape = {.ndim = 1, .size = {3}}, .n_params = 2, .start = 126, .seeds = seeds};
    imnn_tfrecord *t;
    imnn_reader *r = NULL;
    imnn_array *all = NULL;
    *good = false;
    if (imnn_tfrecord_open(&t, &path, 1) != IMNN_OK) return 0; /* a length was changed */
    if (imnn_tfrecord_reader(&r, t, &layout) == IMNN_OK) {
        CHECK(is_read_one_by_one(r));
        *good = imnn_reader_records(&all, r, 0, SIDES / 4) == IMNN_OK;
        imnn_array_release(all);
    }
    imnn_reader_release(r);
    imnn_tfrecord_release(t);
    return 0;
}

/** What records are like hides nothing of what is wrong with the next ones. Those of a seed are
 * read together: it is the first that is decoded if they are read one by one, but not in the whole.
 */
static int no_byte_is_taken_for_granted(const char *path)
{
    static const uint8_t changes[] = {1, 0x80, 0xff};
    uint8_t bytes[4096], changed[sizeof bytes];
    int errors = 0;
    bool good;
    if (write_sides(path, 128) || read_sides(path, true, &good)) return 1;
    CHECK(!good); /* 0 comes where 128 should: the same with two bytes, the second of which is 1 */
    if (write_sides(path, 1000)) return 1;
    FILE *f = fopen(path, "rb");
    CHECK(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    CHECK(n > 1000 && n < sizeof bytes);
    for (int seeds = 0; seeds < 2; seeds++) {
        if (write_sides(path, 1000) || read_sides(path, seeds, &good)) return 1;
        CHECK(good);
        for (size_t at = n / SIDES * 4; at < n; at++)
            for (size_t k = 0; at / (n / SIDES) % 4 < 2 && k < sizeof changes; k++) {
                memcpy(changed, bytes, n);
                changed[at] ^= changes[k];
                repair_records(changed, n);
                CHECK((f = fopen(path, "wb")) && fwrite(changed, 1, n, f) == n && !fclose(f));
                if (read_sides(path, seeds, &good)) return 1;
                errors += !good;
            }
    }
    CHECK(errors > 1000);
    unlink(path);
    return 0;
}

static int reading_can_be_interrupted(void)
{
    imnn_array *values;
    const char *path = FOLDER "many/fiducial_00000.tfrecords";
    imnn_interrupt();
    CHECK(read_all(path, &sides, &values) == IMNN_EINTERRUPT && says("interrupted"));
    CHECK(read_all(path, &sides, &values) == IMNN_EIO);
    return 0;
}

int main(void)
{
    char stem[] = "/tmp/imnn-test-XXXXXX";
    if (!mkdtemp(stem)) return perror(stem), 1;
    char file[sizeof stem + 16];
    snprintf(file, sizeof file, "%s/x", stem);
    int failed = checksums_are_those_of_the_definition() || instruction_and_table_agree() ||
                 examples_come_back() || every_allocation_fails_once(file) ||
                 threads_read_the_same() || no_byte_is_taken_for_granted(file) ||
                 reading_can_be_interrupted();
    for (int i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%s/x_%02d.tfrecords", stem, i);
        unlink(file);
    }
    if (rmdir(stem)) return perror(stem), 1; /* nothing else was left */
    return failed;
}
