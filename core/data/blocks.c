/* Blocks that are kept: a table by number, each made once. */
#include "core/data/blocks.h"
#include "core/base/base.h"
#include <pthread.h>

struct blocks {
    block_maker maker;
    void *self;
    pthread_mutex_t mutex; /* of everything below, and of all blocks but what was made */
    pthread_cond_t changed;
    block *block;
    int64_t most, time, free; /* free: the first of a list */
    int64_t *bucket;
    int64_t buckets; /* a power of two */
    bool leaves;
};

imnn_status imnn_blocks_new(blocks **out, int64_t most, bool leaves, const block_maker *maker,
                            void *self)
{
    *out = NULL;
    blocks *s = imnn_alloc(sizeof *s);
    if (!s) return IMNN_ENOMEM;
    s->maker = *maker, s->self = self, s->most = most, s->leaves = leaves;
    for (s->buckets = 1; s->buckets < most; s->buckets *= 2)
        ;
    s->block = imnn_alloc((size_t)most * sizeof *s->block);
    s->bucket = imnn_alloc((size_t)s->buckets * sizeof *s->bucket);
    if (!s->block || !s->bucket) {
        imnn_free(s->block, (size_t)most * sizeof *s->block);
        imnn_free(s->bucket, (size_t)s->buckets * sizeof *s->bucket);
        imnn_free(s, sizeof *s);
        return IMNN_ENOMEM;
    }
    for (int64_t i = 0; i < s->buckets; i++) s->bucket[i] = -1;
    for (int64_t i = 0; i < most; i++) s->block[i].next = i + 1 < most ? i + 1 : -1;
    s->free = most ? 0 : -1;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    *out = s;
    return IMNN_OK;
}

void imnn_blocks_release(blocks *s)
{
    if (!s) return;
    for (int64_t i = 0; i < s->most; i++)
        if (s->block[i].state == BLOCK_THERE) s->maker.drop(s->self, s->block[i].made);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
    imnn_free(s->block, (size_t)s->most * sizeof *s->block);
    imnn_free(s->bucket, (size_t)s->buckets * sizeof *s->bucket);
    imnn_free(s, sizeof *s);
}

/* ---- with the mutex ---- */

static int64_t *bucket_of(blocks *s, int64_t number)
{
    return &s->bucket[((uint64_t)number * 0x9e3779b97f4a7c15u >> 32) & (uint64_t)(s->buckets - 1)];
}

static block *find(blocks *s, int64_t number)
{
    int64_t i = *bucket_of(s, number);
    while (i >= 0 && s->block[i].number != number) i = s->block[i].next;
    return i < 0 ? NULL : &s->block[i];
}

/** Out of the table, to the free ones; what was made is dropped. */
static void remove_block(blocks *s, block *b)
{
    int64_t *at = bucket_of(s, b->number), i = b - s->block;
    while (*at != i) at = &s->block[*at].next;
    *at = b->next;
    if (b->state == BLOCK_THERE) s->maker.drop(s->self, b->made);
    *b = (block){.next = s->free};
    s->free = i;
}

/** One that was made ahead may be too late or unwanted: it does not stay for ever. */
static bool may_leave(const blocks *s, const block *b)
{
    return b->state == BLOCK_THERE && b->users == 0 &&
           (!b->awaited || s->time - b->since > 8 * s->most);
}

static block *oldest(blocks *s)
{
    block *best = NULL;
    for (int64_t i = 0; i < s->most; i++) {
        block *b = &s->block[i];
        if (may_leave(s, b) && (!best || b->used < best->used)) best = b;
    }
    return best;
}

/** A block in work for this number; NULL if there is no room. */
static block *begin(blocks *s, int64_t number)
{
    if (s->free < 0 && s->leaves) {
        block *b = oldest(s);
        if (b) remove_block(s, b);
    }
    if (s->free < 0) return NULL;
    block *b = &s->block[s->free];
    s->free = b->next;
    int64_t *bucket = bucket_of(s, number);
    *b = (block){.number = number, .state = BLOCK_IN_WORK, .since = s->time, .used = s->time};
    b->next = *bucket;
    *bucket = b - s->block;
    return b;
}

/* ---- for all ---- */

/** Make a block that was begun; it has one user afterwards. */
static imnn_status finish(blocks *s, block *b)
{
    void *made = NULL;
    imnn_status st = s->maker.make(s->self, b->number, &made);
    pthread_mutex_lock(&s->mutex);
    if (st == IMNN_OK) b->made = made, b->state = BLOCK_THERE, b->users = 1;
    else remove_block(s, b);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    return st;
}

imnn_status imnn_blocks_take(block **out, blocks *s, int64_t number)
{
    block *b;
    pthread_mutex_lock(&s->mutex);
    s->time++;
    while ((b = find(s, number)) && b->state == BLOCK_IN_WORK)
        pthread_cond_wait(&s->changed, &s->mutex);
    bool there = b;
    if (there) b->users++, b->used = s->time, b->awaited = false;
    else b = begin(s, number);
    pthread_mutex_unlock(&s->mutex);
    imnn_status st = there || !b ? IMNN_OK : finish(s, b);
    *out = st == IMNN_OK ? b : NULL;
    return st;
}

void imnn_blocks_give(blocks *s, block *b)
{
    pthread_mutex_lock(&s->mutex);
    b->users--;
    pthread_mutex_unlock(&s->mutex);
}

void imnn_blocks_make(blocks *s, int64_t number)
{
    pthread_mutex_lock(&s->mutex);
    block *b = find(s, number) ? NULL : begin(s, number);
    if (b) b->awaited = true;
    pthread_mutex_unlock(&s->mutex);
    if (b && finish(s, b) == IMNN_OK) imnn_blocks_give(s, b);
}

bool imnn_blocks_have(blocks *s, int64_t number)
{
    pthread_mutex_lock(&s->mutex);
    bool have = find(s, number);
    pthread_mutex_unlock(&s->mutex);
    return have;
}
