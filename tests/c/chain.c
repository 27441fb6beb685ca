/* Readers made of readers: records, repetitions, threads, failures. */
#include "core/ops/ops.h"
#include "imnn.h"
#include "tests/support/check.h"
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { WIDTH = 3, MANY = 5000 };

/* A tape: element j of record i is 10 i + j. It notes what is read, and tears. */
typedef struct tape {
    atomic_int reads, records, closed;
    atomic_int torn; /* reading this record fails; -1: none */
    int delay;       /* microseconds */
    pthread_t me;    /* who reads how often */
    atomic_int mine;
} tape;

static imnn_status read_tape(void *self, int64_t begin, int64_t end, void *out)
{
    tape *t = self;
    t->reads++;
    t->records += (int)(end - begin);
    t->mine += pthread_equal(pthread_self(), t->me) != 0;
    if (t->delay) usleep((useconds_t)t->delay);
    if (begin <= t->torn && t->torn < end)
        return imnn_fail(IMNN_EIO, "tape.bin: record %d is torn", t->torn);
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0; j < WIDTH; j++)
            ((float *)out)[(i - begin) * WIDTH + j] = (float)(10 * i + j);
    return IMNN_OK;
}

static void close_tape(void *self) { ((tape *)self)->closed++; }

static imnn_status open_tape(imnn_reader **out, tape *t, int64_t n)
{
    static const imnn_reader_methods methods = {read_tape, NULL, close_tape};
    t->torn = -1;
    return imnn_reader_new(out, "tape.bin", IMNN_F32, &(imnn_shape){2, {n, WIDTH}}, &methods, t);
}

/** Whether record i of r is record `is` of the tape. */
static bool is_record(imnn_reader *r, int64_t i, int64_t is)
{
    float got[WIDTH] = {0};
    return imnn_reader_read(r, i, i + 1, got) == IMNN_OK && got[0] == (float)(10 * is) &&
           got[2] == (float)(10 * is + 2);
}

/** Whether all records, read alone and together, are the numbered ones. */
static bool is_all(imnn_reader *r, int64_t n, const int64_t *is)
{
    float *got = calloc((size_t)(n + 1) * WIDTH, sizeof *got);
    bool same = imnn_reader_shape(r)->size[0] == n && imnn_reader_read(r, 0, n, got) == IMNN_OK;
    for (int64_t i = 0; same && i < n; i++)
        same = is_record(r, i, is[i]) && got[i * WIDTH] == (float)(10 * is[i]) &&
               got[i * WIDTH + 1] == (float)(10 * is[i] + 1);
    free(got);
    return same;
}

static int ranges(void)
{
    tape t = {0};
    imnn_reader *all, *r, *q;
    CHECK(open_tape(&all, &t, 10) == IMNN_OK);
    CHECK(imnn_reader_stride(&r, all, 2, 5, 1) == IMNN_OK);
    CHECK(is_all(r, 5, (int64_t[]){2, 3, 4, 5, 6}));
    CHECK(!strcmp(imnn_reader_name(r), "tape.bin") && imnn_reader_shape(r)->size[1] == WIDTH);
    CHECK(imnn_reader_stride(&q, r, 4, 3, -2) == IMNN_OK);
    CHECK(is_all(q, 3, (int64_t[]){6, 4, 2}));
    imnn_reader_release(r); /* which q still has */
    CHECK(is_all(q, 3, (int64_t[]){6, 4, 2}) && t.closed == 0);
    imnn_reader_release(q);
    CHECK(imnn_reader_stride(&r, all, 10, 0, 1) == IMNN_OK && is_all(r, 0, NULL));
    imnn_reader_release(r);
    CHECK(imnn_reader_stride(&r, all, 1, 4, 3) == IMNN_EVALUE && !r);
    CHECK(says("stride: tape.bin has 10 records, asked for 4 from number 1 on in steps of 3"));
    CHECK(imnn_reader_stride(&r, all, 8, 3, 1) == IMNN_EVALUE);
    CHECK(imnn_reader_stride(&r, all, 8, 10, -1) == IMNN_EVALUE);
    CHECK(imnn_reader_stride(&r, all, 0, INT64_MAX, INT64_MIN + 1) == IMNN_EVALUE);
    imnn_reader_release(all);
    CHECK(t.closed == 1 && imnn_live_bytes() == 0);
    return 0;
}

static int picks(void)
{
    tape t = {0};
    imnn_reader *all, *r;
    imnn_array *index;
    const int32_t at[6] = {7, 1, 1, 0, 9, 8}, wrong[2] = {3, 10};
    CHECK(open_tape(&all, &t, 10) == IMNN_OK);
    CHECK(imnn_array_copy(&index, IMNN_I32, &(imnn_shape){1, {6}}, at) == IMNN_OK);
    CHECK(imnn_reader_pick(&r, all, index) == IMNN_OK);
    imnn_array_release(index);
    CHECK(is_all(r, 6, (int64_t[]){7, 1, 1, 0, 9, 8}));
    imnn_reader_release(r);
    CHECK(imnn_array_copy(&index, IMNN_I32, &(imnn_shape){1, {2}}, wrong) == IMNN_OK);
    CHECK(imnn_reader_pick(&r, all, index) == IMNN_EVALUE && !r);
    CHECK(says("pick: tape.bin has 10 records, asked for number 10"));
    imnn_array_release(index);
    CHECK(imnn_array_copy(&index, IMNN_F32, &(imnn_shape){1, {2}}, wrong) == IMNN_OK);
    CHECK(imnn_reader_pick(&r, all, index) == IMNN_EDTYPE);
    CHECK(says("pick: numbers are i32 (n), got f32 (2)"));
    imnn_array_release(index);
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

/* Of a random order of many records: near ones in one go, each where it belongs. */
static int many_picks(void)
{
    tape t = {0};
    imnn_reader *all, *r;
    imnn_array *index;
    static int32_t at[MANY];
    static float got[MANY * WIDTH];
    for (int i = 0; i < MANY; i++) at[i] = (int32_t)((int64_t)i * 7919 % (40 * MANY));
    CHECK(open_tape(&all, &t, 40 * MANY) == IMNN_OK);
    CHECK(imnn_array_copy(&index, IMNN_I32, &(imnn_shape){1, {MANY}}, at) == IMNN_OK);
    CHECK(imnn_reader_pick(&r, all, index) == IMNN_OK);
    imnn_array_release(index);
    CHECK(imnn_reader_read(r, 0, MANY, got) == IMNN_OK && t.reads < 20);
    for (int i = 0; i < MANY; i++) CHECK(got[i * WIDTH + 1] == (float)(10 * (int64_t)at[i] + 1));
    t.torn = at[17];
    CHECK(imnn_reader_read(r, 0, MANY, got) == IMNN_EIO && imnn_reader_read(r, 0, 17, got) == 0);
    CHECK(imnn_reader_read(r, 17, 18, got) == IMNN_EIO);
    imnn_reader_release(r);
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int rows(void)
{
    tape t = {0}, u = {0};
    imnn_reader *a, *b, *r, *other;
    imnn_array *x;
    CHECK(open_tape(&a, &t, 3) == IMNN_OK && open_tape(&b, &u, 2) == IMNN_OK);
    CHECK(imnn_reader_join(&r, 4, (imnn_reader *[]){b, a, a, b}) == IMNN_OK);
    CHECK(is_all(r, 10, (int64_t[]){0, 1, 0, 1, 2, 0, 1, 2, 0, 1}));
    CHECK(!strcmp(imnn_reader_name(r), "tape.bin and 3 more"));
    imnn_reader_release(r);
    CHECK(imnn_array_zeros(&x, IMNN_F32, &(imnn_shape){3, {2, WIDTH, 2}}) == IMNN_OK);
    CHECK(imnn_reader_of_array(&other, x) == IMNN_OK);
    CHECK(imnn_reader_join(&r, 2, (imnn_reader *[]){a, other}) == IMNN_ESHAPE && !r);
    CHECK(says("join: records of tape.bin are f32 (3), those of array f32 (3, 2)"));
    CHECK(imnn_reader_join(&r, 0, NULL) == IMNN_EVALUE);
    imnn_array_release(x);
    imnn_reader_release(other);
    imnn_reader_release(a);
    imnn_reader_release(b);
    CHECK(t.closed == 1 && imnn_live_bytes() == 0);
    return 0;
}

static int groups(void)
{
    tape t = {0};
    imnn_reader *all, *r, *back;
    float got[4 * WIDTH];
    CHECK(open_tape(&all, &t, 11) == IMNN_OK && imnn_reader_group(&r, all, 4) == IMNN_OK);
    const imnn_shape *s = imnn_reader_shape(r);
    CHECK(s->ndim == 3 && s->size[0] == 2 && s->size[1] == 4 && s->size[2] == WIDTH);
    CHECK(imnn_reader_read(r, 1, 2, got) == IMNN_OK && got[0] == 40 && got[11] == 72);
    CHECK(imnn_reader_ungroup(&back, r) == IMNN_OK);
    CHECK(is_all(back, 8, (int64_t[]){0, 1, 2, 3, 4, 5, 6, 7}));
    CHECK(imnn_reader_read(back, 2, 6, got) == IMNN_OK && got[0] == 20 && got[11] == 52);
    imnn_reader_release(back);
    imnn_reader_release(r);
    CHECK(imnn_reader_group(&r, all, 0) == IMNN_EVALUE && says("group: 0 records make no one"));
    CHECK(imnn_reader_ungroup(&r, all) == IMNN_OK && imnn_reader_shape(r)->ndim == 1);
    CHECK(imnn_reader_read(r, 4, 8, got) == IMNN_OK && got[0] == 11 && got[3] == 21);
    CHECK(imnn_reader_ungroup(&back, r) == IMNN_EVALUE && !back);
    CHECK(says("ungroup: tape.bin: records without axes have no parts"));
    imnn_reader_release(r);
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

/* ---- repetitions ---- */

static imnn_status key_of(imnn_array **out, uint32_t seed)
{
    return imnn_array_copy(out, IMNN_U32, &(imnn_shape){1, {2}}, (uint32_t[]){0, seed});
}

static imnn_status shuffle(imnn_reader **out, imnn_reader *r, uint32_t seed)
{
    imnn_array *key;
    imnn_order *order = NULL;
    *out = NULL;
    imnn_status st = key_of(&key, seed);
    if (st == IMNN_OK) st = imnn_order_new(&order, key, imnn_reader_shape(r)->size[0]);
    if (st == IMNN_OK) st = imnn_reader_shuffle(out, r, order);
    imnn_order_release(order);
    imnn_array_release(key);
    return st;
}

/** Whether got[0 .. n - 1] are n different numbers below n. */
static bool is_order(const int64_t *got, int64_t n)
{
    int64_t seen = 0;
    for (int64_t i = 0; i < n; i++)
        if (got[i] >= 0 && got[i] < n) seen |= (int64_t)1 << got[i];
    return seen == ((int64_t)1 << n) - 1;
}

static bool numbers_of(int64_t *out, imnn_reader *r, int64_t begin, int64_t end)
{
    float *got = calloc((size_t)(end - begin) * WIDTH, sizeof *got);
    bool ok = imnn_reader_read(r, begin, end, got) == IMNN_OK;
    for (int64_t i = 0; i < end - begin; i++) out[i] = (int64_t)got[i * WIDTH] / 10;
    free(got);
    return ok;
}

static int repetitions(void)
{
    tape t = {0};
    imnn_reader *all, *r, *part, *again, *q;
    int64_t got[60], same[60];
    CHECK(open_tape(&all, &t, 20) == IMNN_OK && shuffle(&r, all, 5) == IMNN_OK);
    CHECK(imnn_reader_repeat(&again, r, 3) == IMNN_OK && numbers_of(got, again, 0, 60));
    for (int e = 0; e < 3; e++) CHECK(is_order(got + 20 * e, 20));
    CHECK(memcmp(got, got + 20, 20 * 8) && memcmp(got + 20, got + 40, 20 * 8));
    CHECK(numbers_of(same, r, 0, 20) && !memcmp(got, same, 20 * 8));
    CHECK(numbers_of(same, again, 15, 45) && !memcmp(got + 15, same, 30 * 8));
    imnn_reader_release(again);
    /* A part of each repetition, some of it twice; records 2 of 3. */
    CHECK(imnn_reader_stride(&part, r, 5, 5, 3) == IMNN_OK);
    CHECK(imnn_reader_join(&q, 2, (imnn_reader *[]){part, part}) == IMNN_OK);
    CHECK(imnn_reader_repeat(&again, q, -1) == IMNN_OK);
    CHECK(imnn_reader_shape(again)->size[0] == ((int64_t)1 << 53) / 10 * 10);
    CHECK(numbers_of(same, again, 0, 30));
    for (int e = 0; e < 3; e++)
        for (int i = 0; i < 5; i++)
            CHECK(same[10 * e + i] == got[20 * e + 5 + 3 * i] &&
                  same[10 * e + 5 + i] == same[10 * e + i]);
    CHECK(numbers_of(same, again, 1000000007, 1000000009));
    imnn_reader_release(again);
    imnn_reader_release(q);
    imnn_reader_release(part);
    /* What is held does not change. */
    CHECK(imnn_reader_hold(&q, r) == IMNN_OK && imnn_reader_repeat(&again, q, 2) == IMNN_OK);
    CHECK(numbers_of(same, again, 0, 40) && !memcmp(got, same, 20 * 8));
    CHECK(!memcmp(got, same + 20, 20 * 8));
    imnn_reader_release(again);
    imnn_reader_release(q);
    CHECK(imnn_reader_repeat(&q, r, -2) == IMNN_EVALUE &&
          says("repeat: tape.bin: -2 times 20 records"));
    imnn_reader_release(r);
    imnn_reader_release(all);
    imnn_apply_forget();
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int orders_are_of_the_key(void)
{
    tape t = {0};
    imnn_reader *all, *r;
    imnn_array *key;
    imnn_order *o;
    int64_t a[20], b[20];
    CHECK(open_tape(&all, &t, 20) == IMNN_OK);
    CHECK(shuffle(&r, all, 5) == IMNN_OK && numbers_of(a, r, 0, 20));
    imnn_reader_release(r);
    CHECK(shuffle(&r, all, 6) == IMNN_OK && numbers_of(b, r, 0, 20) && memcmp(a, b, sizeof a));
    imnn_reader_release(r);
    CHECK(key_of(&key, 1) == IMNN_OK && imnn_order_new(&o, key, 19) == IMNN_OK);
    CHECK(imnn_reader_shuffle(&r, all, o) == IMNN_ESHAPE && !r);
    CHECK(says("shuffle: tape.bin has 20 records, the order is of 19"));
    imnn_order_release(o);
    CHECK(imnn_order_new(&o, key, (int64_t)1 << 31) == IMNN_EVALUE && !o);
    CHECK(says("shuffle: 2147483648 records are more than 2^31 - 1"));
    imnn_array_release(key);
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int numbers_count(void)
{
    imnn_reader *r, *again;
    int32_t got[4];
    CHECK(imnn_reader_numbers(&r, 1, 3) == IMNN_OK && imnn_reader_shape(r)->ndim == 1);
    CHECK(imnn_reader_repeat(&again, r, 2) == IMNN_OK);
    CHECK(imnn_reader_read(again, 1, 5, got) == IMNN_OK && got[0] == 2 && got[1] == 3 &&
          got[2] == 1);
    imnn_reader_release(again);
    imnn_reader_release(r);
    CHECK(imnn_reader_numbers(&r, 1, (int64_t)1 << 40) == IMNN_OK);
    CHECK(imnn_reader_read(r, INT32_MAX - 1, INT32_MAX, got) == IMNN_OK && got[0] == INT32_MAX);
    CHECK(imnn_reader_read(r, INT32_MAX, INT32_MAX + (int64_t)1, got) == IMNN_EVALUE);
    imnn_reader_release(r);
    CHECK(imnn_reader_numbers(&r, 0, -1) == IMNN_EVALUE && imnn_live_bytes() == 0);
    return 0;
}

/* ---- memory ---- */

/** All records in pieces of `each`, by several threads; how many are wrong. */
static int read_by_threads(imnn_reader *r, int64_t n, int64_t each)
{
    int wrong = 0;
#pragma omp parallel for num_threads(4) schedule(dynamic) reduction(+ : wrong)
    for (int64_t begin = 0; begin < n; begin += each) {
        int64_t end = begin + each < n ? begin + each : n, got[256];
        wrong += !numbers_of(got, r, begin, end);
        for (int64_t i = begin; i < end; i++) wrong += got[i - begin] != i;
    }
    return wrong;
}

static int caches(void)
{
    tape t = {0};
    imnn_reader *all, *r;
    enum { N = 100000 }; /* 1.2 MB in 5 blocks of 256 KiB */
    CHECK(open_tape(&all, &t, N) == IMNN_OK && imnn_reader_cache(&r, all, 1 << 30) == IMNN_OK);
    t.delay = 100;
    for (int k = 0; k < 3; k++) CHECK(read_by_threads(r, N, 101) == 0);
    CHECK(t.records == N && t.reads == 5);
    CHECK(is_record(r, N - 1, N - 1) && imnn_live_bytes() < 1500000);
    imnn_reader_release(r);
    t.delay = 0;
    /* Half of them: those blocks are read once, the others each time. */
    t.records = 0;
    CHECK(imnn_reader_cache(&r, all, 600000) == IMNN_OK);
    for (int k = 0; k < 3; k++) CHECK(read_by_threads(r, N, 256) == 0);
    CHECK(t.records >= 2 * N && t.records < 5 * N / 2 && imnn_live_bytes() < 610000);
    imnn_reader_release(r);
    CHECK(imnn_reader_cache(&r, all, 0) == IMNN_OK && read_by_threads(r, N, 256) == 0);
    imnn_reader_release(r);
    CHECK(imnn_reader_cache(&r, all, -1) == IMNN_EVALUE && says("cache: of -1 bytes"));
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int caches_hold_an_order(void)
{
    tape t = {0};
    imnn_reader *all, *r, *kept, *again;
    int64_t got[40];
    CHECK(open_tape(&all, &t, 20) == IMNN_OK && shuffle(&r, all, 5) == IMNN_OK);
    CHECK(imnn_reader_cache(&kept, r, 1000) == IMNN_OK);
    CHECK(imnn_reader_repeat(&again, kept, 2) == IMNN_OK && numbers_of(got, again, 0, 40));
    CHECK(is_order(got, 20) && !memcmp(got, got + 20, 20 * 8) && t.records == 20);
    imnn_reader_release(again);
    imnn_reader_release(kept);
    imnn_reader_release(r);
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int failures_are_told_and_forgotten(imnn_reader *r, tape *t)
{
    int64_t got[256];
    t->torn = 777;
    for (int k = 0; k < 3; k++) {
        CHECK(!numbers_of(got, r, 700, 800) && says("tape.bin: record 777 is torn"));
        CHECK(read_by_threads(r, MANY, 100) > 0);
    }
    t->torn = -1;
    CHECK(read_by_threads(r, MANY, 100) == 0);
    return 0;
}

static int failing_sources(void)
{
    tape t = {0};
    imnn_reader *all, *r;
    CHECK(open_tape(&all, &t, MANY) == IMNN_OK && imnn_reader_cache(&r, all, 1 << 20) == IMNN_OK);
    CHECK(failures_are_told_and_forgotten(r, &t) == 0);
    imnn_reader_release(r);
    CHECK(imnn_reader_ahead(&r, all, 100, 3, 2) == IMNN_OK);
    CHECK(failures_are_told_and_forgotten(r, &t) == 0);
    imnn_reader_release(r);
    imnn_reader_release(all);
    CHECK(t.closed == 1 && imnn_live_bytes() == 0);
    return 0;
}

static int reading_ahead(void)
{
    tape t = {0};
    imnn_reader *all, *r;
    int64_t got[256];
    CHECK(open_tape(&all, &t, MANY) == IMNN_OK);
    CHECK(imnn_reader_ahead(&r, all, 50, 4, 1) == IMNN_OK);
    /* The next four blocks come by themselves, and no more. */
    CHECK(numbers_of(got, r, 0, 10));
    for (int k = 0; k < 1000 && t.records < 250; k++) usleep(1000);
    usleep(20000);
    CHECK(t.records == 250);
    CHECK(numbers_of(got, r, 50, 100) && got[49] == 99);
    for (int k = 0; k < 1000 && t.records < 300; k++) usleep(1000);
    CHECK(t.records == 300);
    imnn_reader_advise(r, 4000, 6000);
    for (int k = 0; k < 1000 && t.records < 500; k++) usleep(1000);
    CHECK(t.records > 300 && imnn_live_bytes() < (4 + imnn_threads() + 2) * 50 * 12 + 20000);
    CHECK(read_by_threads(r, MANY, 30) == 0);
    imnn_reader_release(r);
    CHECK(imnn_reader_ahead(&r, all, 0, 4, 1) == IMNN_EVALUE && !r);
    CHECK(says("ahead: 4 blocks of 0 records, by 1 threads"));
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

/* Who reads in order reads the first block for himself, and finds the others. */
static int reading_ahead_is_for_who_reads_in_order(void)
{
    tape t = {.delay = 1000};
    imnn_reader *all, *r;
    int64_t got[100];
    CHECK(open_tape(&all, &t, 2000) == IMNN_OK);
    CHECK(imnn_reader_ahead(&r, all, 100, 2, 1) == IMNN_OK);
    t.me = pthread_self();
    for (int k = 0; k < 20; k++) {
        CHECK(numbers_of(got, r, 100 * k, 100 * k + 100) && got[99] == 100 * k + 99);
        for (int i = 0; i < 5000 && k < 19 && t.records < 100 * (k + 2); i++) usleep(1000);
    }
    CHECK(t.records == 2000 && t.mine == 1);
    imnn_reader_release(r);
    imnn_reader_release(all);
    return 0;
}

/* Released while its threads are at work; and its repetitions are those of what it reads. */
static int reading_ahead_ends(void)
{
    tape t = {.delay = 200};
    imnn_reader *all, *r, *q, *again;
    int64_t got[100], same[100];
    CHECK(open_tape(&all, &t, 50) == IMNN_OK);
    for (int k = 0; k < 30; k++) {
        CHECK(imnn_reader_ahead(&r, all, 3, 8, 3) == IMNN_OK);
        CHECK(numbers_of(got, r, k % 5, k % 5 + 4));
        imnn_reader_release(r);
    }
    CHECK(shuffle(&q, all, 3) == IMNN_OK && imnn_reader_ahead(&r, q, 7, 3, 2) == IMNN_OK);
    CHECK(imnn_reader_repeat(&again, r, 2) == IMNN_OK && numbers_of(got, again, 0, 100));
    imnn_reader_release(again);
    CHECK(imnn_reader_repeat(&again, q, 2) == IMNN_OK && numbers_of(same, again, 0, 100));
    CHECK(!memcmp(got, same, sizeof got));
    imnn_reader_release(again);
    imnn_reader_release(q);
    imnn_reader_release(r);
    imnn_reader_release(all);
    CHECK(t.closed == 1 && imnn_live_bytes() == 0);
    return 0;
}

/* ---- mapped records ---- */

/** Twice the records plus one, and their sums. */
static imnn_status map(imnn_reader *out[2], imnn_reader *r, int64_t each)
{
    imnn_graph *g;
    out[0] = out[1] = NULL;
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    imnn_node x = imnn_graph_input(g, IMNN_F32, &(imnn_shape){2, {each, WIDTH}});
    imnn_node y[2] = {
        g_add(g, g_mul(g, x, imnn_graph_number(g, IMNN_F32, 2)), imnn_graph_number(g, IMNN_F32, 1)),
        g_sum(g, x, &(imnn_attr){1, {1}})};
    st = imnn_reader_map(out, "mapped", g, 1, &x, &r, 2, y);
    imnn_graph_release(g);
    return st;
}

static int wrong_values(imnn_reader *const m[2], int64_t n, int64_t each)
{
    int wrong = 0;
#pragma omp parallel for num_threads(4) schedule(dynamic) reduction(+ : wrong)
    for (int64_t begin = 0; begin < n; begin += each) {
        int64_t end = begin + each < n ? begin + each : n;
        float y[256 * WIDTH], sum[256];
        wrong += imnn_reader_read(m[0], begin, end, y) != IMNN_OK;
        wrong += imnn_reader_read(m[1], begin, end, sum) != IMNN_OK;
        for (int64_t i = begin; i < end; i++) {
            wrong += y[(i - begin) * WIDTH + 2] != (float)(2 * (10 * i + 2) + 1);
            wrong += sum[i - begin] != (float)(30 * i + 3);
        }
    }
    return wrong;
}

static int maps(void)
{
    tape t = {0};
    imnn_reader *all, *m[2], *r, *again;
    imnn_array *x[2];
    CHECK(open_tape(&all, &t, MANY) == IMNN_OK && map(m, all, 64) == IMNN_OK);
    CHECK(imnn_reader_shape(m[0])->ndim == 2 && imnn_reader_shape(m[1])->ndim == 1);
    CHECK(imnn_reader_shape(m[1])->size[0] == MANY && !strcmp(imnn_reader_name(m[1]), "mapped"));
    CHECK(wrong_values(m, MANY, 50) == 0 && wrong_values(m, MANY, 256) == 0);
    t.records = 0; /* side by side each block is made once */
    imnn_reader_release(m[0]), imnn_reader_release(m[1]);
    CHECK(map(m, all, 64) == IMNN_OK && imnn_readers_read(x, 2, m, 0, MANY) == IMNN_OK);
    CHECK(t.records == MANY && ((const float *)imnn_array_data(x[1]))[MANY - 1] == 30 * MANY - 27);
    imnn_array_release(x[0]), imnn_array_release(x[1]);
    t.torn = 70;
    CHECK(imnn_readers_read(x, 2, m, 3000, 3001) == IMNN_OK); /* kept */
    imnn_array_release(x[0]), imnn_array_release(x[1]);
    imnn_reader_release(m[0]), imnn_reader_release(m[1]);
    CHECK(map(m, all, 64) == IMNN_OK);
    CHECK(imnn_readers_read(x, 2, m, 10, 90) == IMNN_EIO && !x[0] && !x[1]);
    CHECK(says("tape.bin: record 70 is torn"));
    t.torn = -1;
    imnn_interrupt();
    CHECK(imnn_readers_read(x, 2, m, 10, 90) == IMNN_EINTERRUPT && !x[0]);
    CHECK(imnn_readers_read(x, 2, m, 10, MANY + 1) == IMNN_EVALUE && !x[0]);
    /* In the background, too, where nobody hears the wish to stop. */
    CHECK(imnn_reader_ahead(&r, m[1], 100, 4, 2) == IMNN_OK);
    float sum[100];
    for (int k = 0; k < 50; k++) {
        if (k == 25) imnn_interrupt();
        imnn_status st = imnn_reader_read(r, 100 * k, 100 * k + 100, sum);
        CHECK(st == IMNN_OK || (st == IMNN_EINTERRUPT && k >= 25));
        if (st != IMNN_OK) k--;
        else CHECK(sum[99] == (float)(30 * (100 * k + 99) + 3));
    }
    imnn_interrupted();
    imnn_reader_release(r);
    CHECK(imnn_reader_repeat(&again, m[1], 2) == IMNN_OK);
    CHECK(imnn_reader_read(again, MANY - 1, MANY + 2, sum) == IMNN_OK && sum[1] == 3 &&
          sum[2] == 33);
    imnn_reader_release(again);
    imnn_reader_release(m[0]), imnn_reader_release(m[1]);
    imnn_reader_release(all);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int wrong_maps(void)
{
    tape t = {0}, u = {0};
    imnn_reader *a, *b, *out[1];
    imnn_graph *g;
    CHECK(open_tape(&a, &t, 10) == IMNN_OK && open_tape(&b, &u, 11) == IMNN_OK);
    CHECK(imnn_graph_new(&g) == IMNN_OK);
    imnn_node x[2] = {imnn_graph_input(g, IMNN_F32, &(imnn_shape){2, {4, WIDTH}}),
                      imnn_graph_input(g, IMNN_F32, &(imnn_shape){2, {4, WIDTH}})};
    imnn_node y = g_add(g, x[0], x[1]), all = g_sum(g, y, NULL);
    CHECK(imnn_reader_map(out, "m", g, 2, x, (imnn_reader *[]){a, b}, 1, &y) == IMNN_EVALUE);
    CHECK(says("map: tape.bin has 10 records, tape.bin has 11") && !out[0]);
    CHECK(imnn_reader_map(out, "m", g, 2, x, (imnn_reader *[]){a, a}, 1, &all) == IMNN_EVALUE);
    CHECK(says("map: result 1 is (), not a block of 4 records"));
    CHECK(imnn_reader_map(out, "m", g, 1, x, (imnn_reader *[]){a}, 1, &y) == IMNN_EVALUE);
    x[1] = imnn_graph_input(g, IMNN_F64, &(imnn_shape){2, {4, WIDTH}});
    CHECK(imnn_reader_map(out, "m", g, 2, x, (imnn_reader *[]){a, a}, 1, &y) == IMNN_EDTYPE);
    CHECK(says("map: input 2 is f64 (4, 3), a block of tape.bin is f32 (4, 3)"));
    imnn_graph_release(g);
    imnn_reader_release(a);
    imnn_reader_release(b);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

/* ---- allocations ---- */

/** Something of everything; readers that were made are released. */
static imnn_status a_chain(imnn_reader *all, bool behind)
{
    imnn_reader *r[9] = {all}, *m[2] = {NULL};
    imnn_array *x[2] = {NULL};
    int n = 1;
    imnn_status st = shuffle(&r[n++], all, 4);
    if (st == IMNN_OK) st = imnn_reader_stride(&r[n], r[n - 1], 1, 90, 1), n++;
    if (st == IMNN_OK) st = imnn_reader_join(&r[n], 2, (imnn_reader *[]){r[1], r[2]}), n++;
    if (st == IMNN_OK) st = map(m, r[n - 1], 16);
    if (st == IMNN_OK) st = imnn_reader_group(&r[n], m[0], 3), n++;
    if (st == IMNN_OK) st = imnn_reader_ungroup(&r[n], r[n - 1]), n++;
    if (st == IMNN_OK) st = imnn_reader_cache(&r[n], r[n - 1], 1 << 20), n++;
    if (st == IMNN_OK) st = imnn_reader_repeat(&r[n], r[n - 1], 3), n++;
    if (st == IMNN_OK && behind) st = imnn_reader_ahead(&r[n], r[n - 1], 8, 3, 2), n++;
    if (st == IMNN_OK) st = imnn_readers_read(x, 2, (imnn_reader *[]){r[n - 1], m[1]}, 0, 80);
    if (st == IMNN_OK && ((const float *)imnn_array_data(x[0]))[1] == 0) st = IMNN_EVALUE;
    for (int i = 0; i < 2; i++) imnn_array_release(x[i]), imnn_reader_release(m[i]);
    for (int i = 1; i < n; i++) imnn_reader_release(r[i]);
    return st;
}

static int every_allocation_fails_once(void)
{
    for (int behind = 0; behind < 2; behind++)
        for (int n = 0, ok = 0; !ok; n++) {
            tape t = {0};
            imnn_reader *all;
            CHECK(open_tape(&all, &t, 100) == IMNN_OK);
            imnn_test_fail_alloc(n);
            imnn_status st = a_chain(all, behind);
            imnn_test_fail_alloc(-1);
            CHECK(st == IMNN_OK || st == IMNN_ENOMEM);
            /* In the background a failure is nobody's: the records are read once more. */
            ok = st == IMNN_OK && (!behind || n > 300);
            CHECK(!ok || n > 50);
            imnn_reader_release(all);
            imnn_apply_forget();
            CHECK(t.closed == 1 && imnn_live_bytes() == 0);
        }
    return 0;
}

int main(void)
{
    return ranges() || picks() || many_picks() || rows() || groups() || repetitions() ||
           orders_are_of_the_key() || numbers_count() || caches() || caches_hold_an_order() ||
           failing_sources() || reading_ahead() || reading_ahead_is_for_who_reads_in_order() ||
           reading_ahead_ends() || maps() || wrong_maps() || every_allocation_fails_once();
}
