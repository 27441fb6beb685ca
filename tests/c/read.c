/* Programs whose input is read some records at a time, or that have little memory: the same bytes
 * as with everything in memory; what a reader says is what the program says. */
#include "core/program/program.h"
#include "imnn.h"
#include "tests/support/check.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1003, WIDTH = 8, HIDDEN = 32 };
static imnn_program_options limits; /* threads and examples in flight of what is compiled */

/* The gradient of a variance, of what two layers make of rows: its reverse sweep begins when all
 * rows were seen. */
static imnn_status compile(imnn_program **out, imnn_input_kind kind, int64_t memory)
{
    imnn_graph *g = NULL;
    *out = NULL;
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    imnn_node in[3] = {imnn_graph_input(g, IMNN_F32, &(imnn_shape){2, {ROWS, WIDTH}}),
                       imnn_graph_input(g, IMNN_F32, &(imnn_shape){2, {WIDTH, HIDDEN}}),
                       imnn_graph_input(g, IMNN_F32, &(imnn_shape){2, {HIDDEN, HIDDEN}})};
    imnn_node y = g_tanh(g, g_matmul(g, in[0], in[1]));
    y = g_tanh(g, g_matmul(g, y, in[2]));
    imnn_node mean =
        g_mul(g, g_sum(g, y, &(imnn_attr){1, {0}}), imnn_graph_number(g, IMNN_F32, 1. / ROWS));
    imnn_node d = g_sub(g, y, mean), all = g_sum(g, g_mul(g, d, d), NULL), result[3] = {all};
    imnn_node one = imnn_graph_number(g, IMNN_F32, 1);
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_graph_vjp(g, 1, &all, &one, 2, &in[1], &result[1]);
    const imnn_input_kind kinds[3] = {kind};
    if (st == IMNN_OK)
        st = imnn_program_make(out, g, 3, in, 3, result,
                               &(imnn_program_options){.kind = kinds,
                                                       .memory = memory,
                                                       .threads = limits.threads,
                                                       .in_flight = limits.in_flight});
    imnn_graph_release(g);
    return st;
}

static imnn_status make(imnn_array **out, int rows, int columns)
{
    float *x = imnn_alloc((size_t)rows * (size_t)columns * sizeof *x);
    if (!x) return IMNN_ENOMEM;
    for (int i = 0; i < rows * columns; i++) x[i] = (float)(i * 7919 % 1009) / 1009 - .5f;
    imnn_status st = imnn_array_copy(out, IMNN_F32, &(imnn_shape){2, {rows, columns}}, x);
    imnn_free(x, (size_t)rows * (size_t)columns * sizeof *x);
    return st;
}

/** Results of a program; of the data, if it is read, through reader r, or one of the array. */
static imnn_status run(imnn_array *y[3], imnn_input_kind kind, int64_t memory, imnn_reader *r)
{
    imnn_program *p = NULL;
    imnn_reader *own = NULL;
    imnn_array *x[3] = {NULL};
    imnn_status st = make(&x[0], ROWS, WIDTH);
    if (st == IMNN_OK) st = make(&x[1], WIDTH, HIDDEN);
    if (st == IMNN_OK) st = make(&x[2], HIDDEN, HIDDEN);
    if (st == IMNN_OK) st = compile(&p, kind, memory);
    if (st == IMNN_OK && kind == IMNN_INPUT_READ) {
        if (!r) st = imnn_reader_of_array(&own, x[0]);
        if (st == IMNN_OK) st = imnn_program_read(p, 0, r ? r : own);
        imnn_array_release(x[0]);
        x[0] = NULL;
    }
    if (st == IMNN_OK) st = imnn_program_run(p, (const imnn_array *const *)x, y);
    imnn_reader_release(own);
    imnn_program_release(p);
    for (int i = 0; i < 3; i++) imnn_array_release(x[i]);
    imnn_apply_forget();
    return st;
}

static bool same(imnn_array *a[3], imnn_array *b[3])
{
    bool all = true;
    for (int i = 0; i < 3; i++) {
        const size_t bytes = (size_t)imnn_array_size(a[i]) * sizeof(float);
        all = all && !memcmp(imnn_array_data(a[i]), imnn_array_data(b[i]), bytes);
    }
    return all;
}

static void release(imnn_array *y[3])
{
    for (int i = 0; i < 3; i++) imnn_array_release(y[i]), y[i] = NULL;
}

static int bytes_are_the_same(void)
{
    imnn_array *plain[3] = {NULL}, *other[3] = {NULL};
    CHECK(run(plain, IMNN_INPUT_ROWS, 0, NULL) == IMNN_OK);
    CHECK(run(other, IMNN_INPUT_READ, 0, NULL) == IMNN_OK && same(plain, other));
    release(other);
    CHECK(run(other, IMNN_INPUT_ROWS, 1, NULL) == IMNN_ENOMEM);
    const char *least = strstr(imnn_last_error(), "needs at least ");
    CHECK(least);
    const int64_t bytes = atoll(least + 15);
    CHECK(run(other, IMNN_INPUT_ROWS, bytes, NULL) == IMNN_OK && same(plain, other));
    release(other);
    CHECK(run(other, IMNN_INPUT_READ, bytes + 65536, NULL) == IMNN_OK && same(plain, other));
    release(other);
    imnn_program *p, *q;
    CHECK(compile(&p, IMNN_INPUT_ROWS, 0) == IMNN_OK);
    CHECK(compile(&q, IMNN_INPUT_ROWS, bytes) == IMNN_OK);
    CHECK(imnn_program_flops(q) > imnn_program_flops(p));
    CHECK(imnn_program_bytes(q, imnn_threads()) == bytes);
    imnn_program_release(q);
    imnn_program_release(p);
    release(plain);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

/* Which threads read, and how many records all of them want at a time. */
typedef struct watch {
    pthread_mutex_t lock;
    int64_t wanted, most;
    pthread_t seen[8];
    int threads;
} watch;

static imnn_status watched(void *self, int64_t begin, int64_t end, void *out)
{
    watch *w = self;
    int k = 0;
    pthread_mutex_lock(&w->lock);
    while (k < w->threads && !pthread_equal(w->seen[k], pthread_self())) k++;
    if (k == w->threads) w->seen[w->threads++] = pthread_self();
    w->wanted += end - begin;
    if (w->wanted > w->most) w->most = w->wanted;
    pthread_mutex_unlock(&w->lock);
    for (int64_t i = 0; i < (end - begin) * WIDTH; i++)
        ((float *)out)[i] = (float)((begin * WIDTH + i) * 7919 % 1009) / 1009 - .5f;
    pthread_mutex_lock(&w->lock);
    w->wanted -= end - begin;
    pthread_mutex_unlock(&w->lock);
    return IMNN_OK;
}

static void close_tape(void *self) { (void)self; }

static int limits_bound_what_is_in_flight(void)
{
    const imnn_reader_methods methods = {watched, NULL, close_tape};
    const struct {
        imnn_program_options o;
        int threads;
        int64_t most;
    } row[] = {
        {{.threads = 1}, 1, 64},      {{.in_flight = 1}, 1, 64}, {{.in_flight = 127}, 1, 64},
        {{.in_flight = 128}, 2, 128}, {{.threads = 3}, 3, 192},  {{.threads = 99}, 4, 256},
    };
    const int before = imnn_threads();
    imnn_array *plain[3] = {NULL}, *other[3] = {NULL};
    imnn_program *p;
    CHECK(imnn_set_threads(4) == IMNN_OK);
    CHECK(run(plain, IMNN_INPUT_ROWS, 0, NULL) == IMNN_OK);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        watch w = {.lock = PTHREAD_MUTEX_INITIALIZER};
        imnn_reader *r;
        limits = row[i].o;
        CHECK(imnn_reader_new(&r, "watched", IMNN_F32, &(imnn_shape){2, {ROWS, WIDTH}}, &methods,
                              &w) == IMNN_OK);
        CHECK(run(other, IMNN_INPUT_READ, 0, r) == IMNN_OK && same(plain, other));
        CHECK(w.threads <= row[i].threads && w.most <= row[i].most);
        release(other);
        imnn_reader_release(r);
    }
    limits = (imnn_program_options){.threads = -1};
    CHECK(compile(&p, IMNN_INPUT_ROWS, 0) == IMNN_EVALUE);
    limits = (imnn_program_options){.in_flight = -1};
    CHECK(compile(&p, IMNN_INPUT_ROWS, 0) == IMNN_EVALUE);
    limits = (imnn_program_options){0};
    CHECK(imnn_set_threads(before) == IMNN_OK);
    release(plain);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static imnn_status break_off(void *self, int64_t begin, int64_t end, void *out)
{
    memset(out, 0, (size_t)(end - begin) * WIDTH * sizeof(float));
    if (*(imnn_status *)self == IMNN_OK || end < ROWS / 2) return IMNN_OK;
    return imnn_fail(*(imnn_status *)self, "tape.bin: record %lld is torn", (long long)begin);
}

static int failures_of_readers_are_told(void)
{
    imnn_status how = IMNN_EIO;
    const imnn_reader_methods methods = {break_off, NULL, close_tape};
    const imnn_shape shape = {2, {ROWS, WIDTH}}, other = {2, {ROWS, WIDTH + 1}};
    imnn_reader *r;
    imnn_array *y[3] = {NULL};
    CHECK(imnn_reader_new(&r, "tape.bin", IMNN_F32, &shape, &methods, &how) == IMNN_OK);
    CHECK(run(y, IMNN_INPUT_READ, 0, r) == IMNN_EIO && !y[0]);
    CHECK(strstr(imnn_last_error(), "tape.bin: record ") && strstr(imnn_last_error(), " is torn"));
    how = IMNN_EINTERRUPT;
    CHECK(run(y, IMNN_INPUT_READ, 0, r) == IMNN_EINTERRUPT);
    how = IMNN_OK;
    CHECK(run(y, IMNN_INPUT_READ, 0, r) == IMNN_OK);
    release(y);
    imnn_reader_release(r);
    CHECK(imnn_reader_new(&r, "tape.bin", IMNN_F32, &other, &methods, &how) == IMNN_OK);
    CHECK(run(y, IMNN_INPUT_READ, 0, r) == IMNN_ESHAPE);
    CHECK(strstr(imnn_last_error(), "input 1 must be f32 (1003, 8), tape.bin has f32 (1003, 9)"));
    imnn_reader_release(r);
    imnn_program *p;
    CHECK(compile(&p, IMNN_INPUT_READ, 0) == IMNN_OK);
    CHECK(imnn_program_run(p, (const imnn_array *const[3]){NULL}, y) == IMNN_EVALUE);
    CHECK(strstr(imnn_last_error(), "input 1 has no reader yet"));
    CHECK(imnn_program_read(p, 1, NULL) == IMNN_EVALUE);
    imnn_program_release(p);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int every_allocation_fails_once(void)
{
    for (int n = 0, ok = 0; !ok; n++) {
        imnn_array *y[3] = {NULL};
        imnn_test_fail_alloc(n);
        imnn_status st = run(y, IMNN_INPUT_READ, 0, NULL);
        ok = st == IMNN_OK;
        CHECK(ok ? n > 10 : st == IMNN_ENOMEM && !y[0]);
        release(y);
        imnn_test_fail_alloc(-1);
        imnn_apply_forget();
        CHECK(imnn_live_bytes() == 0);
    }
    return 0;
}

int main(void)
{
    return bytes_are_the_same() || limits_bound_what_is_in_flight() ||
           failures_of_readers_are_told() || every_allocation_fails_once();
}
