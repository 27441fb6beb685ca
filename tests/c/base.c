/* Memory, arrays and their failures. */
#include "core/array/array.h"
#include "tests/support/check.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static const imnn_shape three_by_four = {2, {3, 4}};

static imnn_status some_arrays(void)
{
    imnn_array *a = NULL, *b = NULL, *c = NULL;
    double values[12] = {1, 2, 3};
    imnn_status st = imnn_array_zeros(&a, IMNN_F64, &three_by_four);
    if (st == IMNN_OK) st = imnn_array_from(&b, IMNN_F32, &three_by_four, values);
    if (st == IMNN_OK) st = imnn_array_copy(&c, IMNN_F64, &three_by_four, values);
    imnn_array_release(c);
    imnn_array_release(a);
    imnn_array_release(b);
    return st;
}

static int every_allocation_fails_once(void)
{
    for (int n = 0, ok = 0; !ok; n++) {
        imnn_test_fail_alloc(n);
        imnn_status st = some_arrays();
        ok = st == IMNN_OK;
        CHECK(ok ? n == 6 : st == IMNN_ENOMEM);
        CHECK(ok || strstr(imnn_last_error(), "out of memory: "));
        CHECK(imnn_live_bytes() == 0);
    }
    imnn_test_fail_alloc(-1);
    return 0;
}

static int arrays_refuse(void)
{
    imnn_array *a = (imnn_array *)&a;
    CHECK(imnn_array_zeros(&a, IMNN_F32, &(imnn_shape){2, {3, -4}}) == IMNN_EVALUE && !a);
    CHECK(says("array: negative size in (3, -4)"));
    CHECK(imnn_array_zeros(&a, IMNN_F32, &(imnn_shape){9, {0}}) == IMNN_EVALUE);
    CHECK(says("array: 0 to 8 axes, got 9"));
    CHECK(imnn_array_zeros(&a, (imnn_dtype)7, &three_by_four) == IMNN_EDTYPE);
    CHECK(says("array: no dtype has the number 7"));
    int64_t huge = (int64_t)1 << 40;
    CHECK(imnn_array_zeros(&a, IMNN_F32, &(imnn_shape){2, {huge, huge}}) == IMNN_ENOMEM);
    CHECK(says("array: (1099511627776, 1099511627776) are more elements than any memory holds"));
    CHECK(imnn_array_zeros(&a, IMNN_F32, &(imnn_shape){1, {huge}}) == IMNN_ENOMEM && !a);
    const char *start = "out of memory: 4194304.0 MiB asked for, ";
    CHECK(!strncmp(imnn_last_error(), start, strlen(start)));
    CHECK(imnn_live_bytes() == 0);
    CHECK(imnn_array_zeros(&a, IMNN_F32, &(imnn_shape){3, {huge, huge, 0}}) == IMNN_OK);
    CHECK(imnn_array_size(a) == 0);
    imnn_array_release(a);
    imnn_array_release(NULL);
    return 0;
}

static int values_convert(void)
{
    enum { N = 8 };
    const double x[N] = {1.9, -1.9, 0, 4294967297.5, -4294967297.5, NAN, INFINITY, 0x1p70 + 0x1p20};
    const imnn_shape shape = {1, {N}};
    const int32_t i32[N] = {1, -1, 0, 1, -1, 0, 0, 1 << 20};
    const uint8_t truth[N] = {1, 1, 0, 1, 1, 1, 1, 1};
    imnn_array *a;
    CHECK(imnn_array_from(&a, IMNN_I32, &shape, x) == IMNN_OK);
    CHECK(!memcmp(imnn_array_data(a), i32, sizeof i32));
    CHECK(imnn_array_nonfinite(a) == -1);
    imnn_array_release(a);
    CHECK(imnn_array_from(&a, IMNN_U32, &shape, x) == IMNN_OK);
    CHECK(((const uint32_t *)imnn_array_data(a))[1] == UINT32_MAX);
    imnn_array_release(a);
    CHECK(imnn_array_from(&a, IMNN_BOOL, &shape, x) == IMNN_OK);
    CHECK(!memcmp(imnn_array_data(a), truth, sizeof truth));
    imnn_array_release(a);
    for (imnn_dtype d = IMNN_F32; d <= IMNN_F64; d++) {
        CHECK(imnn_array_from(&a, d, &shape, x) == IMNN_OK);
        CHECK(imnn_array_nonfinite(a) == 5);
        CHECK((uintptr_t)imnn_array_data(a) % 64 == 0);
        imnn_array_release(a);
    }
    return 0;
}

static int nonfinite_is_the_first(void)
{
    enum { N = 3000 };
    static double x[N];
    const imnn_shape shape = {1, {N}};
    imnn_array *a;
    for (int i = 0; i < N; i++) x[i] = i % 2 ? 3e38 : -1e-300;
    CHECK(imnn_array_from(&a, IMNN_F32, &shape, x) == IMNN_OK && imnn_array_nonfinite(a) == -1);
    imnn_array_release(a);
    x[2999] = NAN, x[2047] = -INFINITY;
    CHECK(imnn_array_from(&a, IMNN_F32, &shape, x) == IMNN_OK && imnn_array_nonfinite(a) == 2047);
    imnn_array_release(a);
    return 0;
}

static int rows_are_selected(void)
{
    const uint8_t chosen[4] = {1, 1, 0, 1}, none[4] = {0};
    imnn_array *x, *yes, *no, *y;
    double values[12];
    for (int i = 0; i < 12; i++) values[i] = i;
    CHECK(imnn_array_from(&x, IMNN_F32, &(imnn_shape){2, {4, 3}}, values) == IMNN_OK);
    CHECK(imnn_array_copy(&yes, IMNN_BOOL, &(imnn_shape){1, {4}}, chosen) == IMNN_OK);
    CHECK(imnn_array_copy(&no, IMNN_BOOL, &(imnn_shape){1, {4}}, none) == IMNN_OK);
    CHECK(imnn_array_select(&y, x, yes) == IMNN_OK);
    CHECK(imnn_shape_equal(imnn_array_shape(y), &(imnn_shape){2, {3, 3}}));
    CHECK(!memcmp(imnn_array_data(y), (float[]){0, 1, 2, 3, 4, 5, 9, 10, 11}, 36));
    imnn_array_release(y);
    CHECK(imnn_array_select(&y, x, no) == IMNN_OK && imnn_array_size(y) == 0);
    imnn_array_release(y);
    imnn_test_fail_alloc(0);
    CHECK(imnn_array_select(&y, x, yes) == IMNN_ENOMEM && !y);
    CHECK(imnn_array_select(&y, x, x) == IMNN_ESHAPE && !y);
    CHECK(says("select: rows of (4, 3) by a mask f32 (4, 3); it must be bool (rows)"));
    imnn_array_release(no);
    imnn_array_release(yes);
    imnn_array_release(x);
    return 0;
}

static int shapes_join(void)
{
    imnn_shape s;
    CHECK(imnn_shape_join(&s, &(imnn_shape){3, {5, 1, 4}}, &(imnn_shape){2, {3, 1}}));
    CHECK(imnn_shape_equal(&s, &(imnn_shape){3, {5, 3, 4}}));
    CHECK(imnn_shape_join(&s, &(imnn_shape){1, {1}}, &(imnn_shape){1, {0}}) && s.size[0] == 0);
    CHECK(imnn_shape_join(&s, &(imnn_shape){0}, &(imnn_shape){0}) && s.ndim == 0);
    CHECK(!imnn_shape_join(&s, &(imnn_shape){1, {3}}, &(imnn_shape){1, {4}}));
    CHECK(!strcmp(imnn_shape_text(&(imnn_shape){0}).s, "()"));
    CHECK(!strcmp(imnn_shape_text(&(imnn_shape){1, {7}}).s, "(7)"));
    return 0;
}

static int blocks_come_again(void)
{
    for (size_t bytes = 1; bytes < (size_t)1 << 25; bytes += bytes / 3 + 1) {
        unsigned char *p = imnn_alloc(bytes);
        CHECK(p && (uintptr_t)p % 64 == 0 && imnn_live_bytes() == (int64_t)bytes);
        CHECK(p[0] == 0 && p[bytes - 1] == 0);
        memset(p, 1, bytes);
        imnn_free(p, bytes);
#ifndef IMNN_SANITIZED
        unsigned char *q = imnn_alloc(bytes);
        CHECK(q == p && q[0] == 0 && q[bytes - 1] == 0);
        imnn_free(q, bytes);
#endif
        CHECK(imnn_live_bytes() == 0);
    }
    imnn_free(NULL, 100);
    return 0;
}

static int threads_share_memory(void)
{
    int wrong = 0;
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
    for (int i = 0; i < 20000; i++) {
        size_t bytes = (size_t)(i * 37 % 5000);
        unsigned char *p = imnn_alloc_raw(bytes);
        if (!p) {
            wrong++;
            continue;
        }
        memset(p, i % 251, bytes);
        for (size_t j = 0; j < bytes; j++) wrong += p[j] != i % 251;
        imnn_free(p, bytes);
    }
    CHECK(wrong == 0 && imnn_live_bytes() == 0);
    return 0;
}

static int texts_grow(void)
{
    for (int n = 0, ok = 0; !ok; n++) {
        imnn_buffer b = {0};
        imnn_test_fail_alloc(n);
        for (int i = 0; i < 1000; i++) imnn_print(&b, "%d ", i);
        ok = !b.failed;
        CHECK(ok ? b.length == 3890 && !strncmp(b.text + 3886, "999 ", 5) : !b.text);
        imnn_buffer_free(&b);
        CHECK(imnn_live_bytes() == 0);
    }
    imnn_test_fail_alloc(-1);
    return 0;
}

static int the_process(void)
{
    CHECK(!imnn_interrupted());
    imnn_interrupt();
    CHECK(imnn_stop_asked() && imnn_interrupted() && !imnn_interrupted() && !imnn_stop_asked());
    CHECK(imnn_set_threads(0) == IMNN_EVALUE && says("set_threads: 1 to 256 threads, got 0"));
    CHECK(imnn_set_threads(3) == IMNN_OK && imnn_threads() == 3);
    double t = imnn_seconds();
    CHECK(imnn_seconds() >= t);
    CHECK(strstr(imnn_machine(), "threads 3\n"));
    CHECK(imnn_fail(IMNN_EIO, "read: %d", 1) == IMNN_EIO && says("read: 1"));
    CHECK(imnn_fail(IMNN_EIO, "again: %s", imnn_last_error()) == IMNN_EIO &&
          says("again: read: 1"));
    return 0;
}

/* The kernels and threads that the environment asks for; decided once, so in a process each. */
static int asks(const char *self, const char *environment, const char *expected)
{
    char command[1024], line[256] = "";
    snprintf(command, sizeof command, "env %s '%s' machine", environment, self);
    FILE *f = popen(command, "r");
    CHECK(f);
    int found = 0;
    while (fgets(line, sizeof line, f)) found |= strstr(line, expected) != NULL;
    pclose(f);
    CHECK(found);
    return 0;
}

static int environment(const char *self)
{
    return asks(self, "IMNN_MAX_CPU_ISA=SSE2", "kernels use SSE2\n") ||
           asks(self, "ONEDNN_MAX_CPU_ISA=AVX", "kernels use SSE2\n") ||
           asks(self, "OMP_NUM_THREADS=1,2", "threads 1\n") ||
           asks(self, "SLURM_CPUS_PER_TASK=1", "threads 1\n");
}

int main(int argc, char **argv)
{
    if (argc > 1) return fputs(imnn_machine(), stdout) < 0;
    return every_allocation_fails_once() || arrays_refuse() || values_convert() ||
           nonfinite_is_the_first() || rows_are_selected() || shapes_join() ||
           blocks_come_again() || threads_share_memory() || texts_grow() || the_process() ||
           environment(argv[0]);
}
