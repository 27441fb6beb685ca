/* Records in memory: those that were read once, and those that will be read soon. */
#include "core/data/blocks.h"
#include "core/data/reader.h"
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

/** A reader whose records are kept in blocks of `each`, the last of a repetition shorter. */
typedef struct kept {
    imnn_reader *from;
    blocks *blocks;
    int64_t each, count, bytes; /* of a record */
    int64_t round;              /* blocks of a repetition */
} kept;

/** Records begin <= i < end of block `number`. */
static void extent(const kept *k, int64_t number, int64_t *begin, int64_t *end)
{
    const int64_t first = number / k->round * k->count, last = first + k->count;
    *begin = first + number % k->round * k->each;
    *end = *begin + k->each < last ? *begin + k->each : last;
}

static imnn_status make_block(void *self, int64_t number, void **out)
{
    const kept *k = self;
    int64_t begin, end;
    extent(k, number, &begin, &end);
    const size_t room = (size_t)(k->each * k->bytes);
    void *made = imnn_alloc_raw(room);
    if (!made) return IMNN_ENOMEM;
    imnn_status st = imnn_reader_go_on(k->from, begin, end, made);
    if (st == IMNN_OK) *out = made;
    else imnn_free(made, room);
    return st;
}

static void drop_block(void *self, void *made)
{
    const kept *k = self;
    imnn_free(made, (size_t)(k->each * k->bytes));
}

static int64_t block_of(const kept *k, int64_t record)
{
    return record / k->count * k->round + record % k->count / k->each;
}

static imnn_status read_kept(const kept *k, int64_t begin, int64_t end, char *to)
{
    imnn_status st = IMNN_OK;
    for (int64_t number = block_of(k, begin); st == IMNN_OK && begin < end; number++) {
        int64_t first, last;
        block *b;
        extent(k, number, &first, &last);
        if (last > end) last = end;
        const size_t n = (size_t)((last - begin) * k->bytes);
        st = imnn_blocks_take(&b, k->blocks, number);
        if (st != IMNN_OK) return st;
        if (!b) st = imnn_reader_go_on(k->from, begin, last, to);
        else memcpy(to, (const char *)b->made + (begin - first) * k->bytes, n);
        if (b) imnn_blocks_give(k->blocks, b);
        begin = last, to += n;
    }
    return st;
}

static void close_kept(kept *k)
{
    imnn_blocks_release(k->blocks);
    imnn_reader_release(k->from);
}

static imnn_status open_kept(kept *k, imnn_reader *r, int64_t each, int64_t most, bool leaves)
{
    static const block_maker maker = {make_block, drop_block};
    k->count = imnn_reader_shape(r)->size[0], k->bytes = imnn_reader_record_bytes(r);
    k->each = each < k->count ? each : k->count ? k->count : 1;
    k->round = (k->count + k->each - 1) / k->each;
    imnn_status st = imnn_blocks_new(&k->blocks, most, leaves, &maker, k);
    if (st == IMNN_OK) k->from = imnn_reader_retain(r);
    return st;
}

/* ---- cache ---- */

static imnn_status read_cache(void *self, int64_t begin, int64_t end, void *out)
{
    return read_kept(self, begin, end, out);
}

static void close_cache(void *self)
{
    close_kept(self);
    imnn_free(self, sizeof(kept));
}

imnn_status imnn_reader_cache(imnn_reader **out, imnn_reader *r, int64_t bytes)
{
    enum { BLOCK = 256 << 10 };
    static const imnn_reader_methods methods = {read_cache, NULL, close_cache};
    *out = NULL;
    if (bytes < 0) return imnn_fail(IMNN_EVALUE, "cache: of %lld bytes", (long long)bytes);
    kept *k = imnn_alloc(sizeof *k);
    if (!k) return IMNN_ENOMEM;
    const int64_t record = imnn_reader_record_bytes(r), count = imnn_reader_shape(r)->size[0];
    const bool whole = record == 0 || bytes / record >= count;
    const int64_t room = whole || bytes / 4 > BLOCK ? BLOCK : bytes / 4;
    const int64_t each = room > record ? room / (record ? record : 1) : 1;
    const int64_t most = whole ? (count + each - 1) / each : bytes / (each * record);
    imnn_status st = open_kept(k, r, each, most, false);
    if (st != IMNN_OK) {
        imnn_free(k, sizeof *k);
        return st;
    }
    /* New, not derived: it gets numbers of the first repetition only. */
    return imnn_reader_new(out, imnn_reader_name(r), imnn_reader_dtype(r), imnn_reader_shape(r),
                           &methods, k);
}

/* ---- reading ahead ---- */

enum { WISHES = 256, MOST_THREADS = 256 };

typedef struct ahead {
    kept kept;
    int32_t depth, threads;
    pthread_t thread[MOST_THREADS];
    pthread_mutex_t mutex; /* of everything below */
    pthread_cond_t changed;
    int64_t wish[WISHES]; /* a ring: blocks to be read, of which the oldest is forgotten */
    int64_t first, wishes;
    bool ends;
} ahead;

static bool wished(const ahead *a, int64_t number)
{
    for (int64_t i = 0; i < a->wishes; i++)
        if (a->wish[(a->first + i) % WISHES] == number) return true;
    return false;
}

static void wish(ahead *a, int64_t number)
{
    if (imnn_blocks_have(a->kept.blocks, number)) return;
    pthread_mutex_lock(&a->mutex);
    if (!wished(a, number)) {
        if (a->wishes == WISHES) a->first++, a->wishes--;
        a->wish[(a->first + a->wishes++) % WISHES] = number;
        pthread_cond_signal(&a->changed);
    }
    pthread_mutex_unlock(&a->mutex);
}

/** The next wish, which is waited for; -1 at the end. */
static int64_t next_wish(ahead *a)
{
    pthread_mutex_lock(&a->mutex);
    while (!a->wishes && !a->ends) pthread_cond_wait(&a->changed, &a->mutex);
    int64_t number = a->ends ? -1 : a->wish[a->first++ % WISHES];
    a->wishes -= !a->ends;
    pthread_mutex_unlock(&a->mutex);
    return number;
}

static void *work(void *self)
{
    ahead *a = self;
    imnn_deafen();
    omp_set_max_active_levels(0); /* programs, of mapped records, run in this thread alone */
    for (int64_t number; (number = next_wish(a)) >= 0;) imnn_blocks_make(a->kept.blocks, number);
    return NULL;
}

static imnn_status read_ahead(void *self, int64_t begin, int64_t end, void *out)
{
    ahead *a = self;
    const int64_t last = block_of(&a->kept, end - 1), rest = a->kept.round - last % a->kept.round;
    for (int64_t i = 1; i <= a->depth && i < rest; i++) wish(a, last + i);
    return read_kept(&a->kept, begin, end, out);
}

static void advise_ahead(void *self, int64_t begin, int64_t end)
{
    ahead *a = self;
    const int64_t first = block_of(&a->kept, begin), last = block_of(&a->kept, end - 1);
    for (int64_t i = first; i <= last && i <= first + a->depth; i++) wish(a, i);
}

static void close_ahead(void *self)
{
    ahead *a = self;
    pthread_mutex_lock(&a->mutex);
    a->ends = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->mutex);
    for (int32_t i = 0; i < a->threads; i++) pthread_join(a->thread[i], NULL);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->mutex);
    close_kept(&a->kept);
    imnn_free(a, sizeof *a);
}

/** Threads that no signal goes to: ctrl-C is for the one that runs the program. */
static imnn_status start(ahead *a, int32_t threads)
{
    sigset_t all, before;
    int error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; error == 0 && a->threads < threads; a->threads += error == 0)
        error = pthread_create(&a->thread[a->threads], NULL, work, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? imnn_fail(IMNN_EIO, "ahead: no thread can be started: %s", strerror(error))
                 : IMNN_OK;
}

imnn_status imnn_reader_ahead(imnn_reader **out, imnn_reader *r, int64_t each, int32_t depth,
                              int32_t threads)
{
    static const imnn_reader_methods methods = {read_ahead, advise_ahead, close_ahead};
    *out = NULL;
    if (each < 1 || depth < 1 || threads < 1 || threads > MOST_THREADS)
        return imnn_fail(IMNN_EVALUE, "ahead: %d blocks of %lld records, by %d threads", depth,
                         (long long)each, threads);
    ahead *a = imnn_alloc(sizeof *a);
    if (!a) return IMNN_ENOMEM;
    a->depth = depth;
    imnn_status st = open_kept(&a->kept, r, each, (int64_t)depth + imnn_threads() + 1, true);
    if (st != IMNN_OK) {
        imnn_free(a, sizeof *a);
        return st;
    }
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->changed, NULL);
    st = start(a, threads);
    if (st != IMNN_OK) return close_ahead(a), st;
    return imnn_reader_derive(out, imnn_reader_name(r), imnn_reader_dtype(r), imnn_reader_shape(r),
                              &methods, a);
}
