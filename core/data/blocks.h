#ifndef CORE_DATA_BLOCKS_H
#define CORE_DATA_BLOCKS_H
#include "imnn/base.h"

/* Blocks by number that are made when somebody needs them and kept for the next: what caches,
 * reading ahead, mapped records and random orders have in common. Used by any thread; each block is
 * made by one of them while those who want it, too, wait. */
typedef struct blocks blocks;

typedef struct block_maker {
    imnn_status (*make)(void *self, int64_t number, void **out);
    void (*drop)(void *self, void *made);
} block_maker;

typedef struct block {
    void *made;
    int64_t number, since, used; /* times, in blocks taken */
    int32_t users;
    enum { BLOCK_NONE, BLOCK_IN_WORK, BLOCK_THERE } state;
    bool awaited; /* made ahead and not used yet */
    int64_t next; /* in its bucket, or in the list of free ones; -1 is the end */
} block;

/** most    that are kept
 *  leaves  whether the one that was used longest ago leaves when there are more; those that were
 *          made ahead stay for some time
 *  maker   of self, which stays the caller's */
imnn_status imnn_blocks_new(blocks **out, int64_t most, bool leaves, const block_maker *maker,
                            void *self);
/** All blocks, which nobody has; NULL is nothing. */
void imnn_blocks_release(blocks *s);
/** A block that stays until it is given back; it is made if it is not there.
 *  out    NULL: there is no room, do without
 *  fails  as make; others who wait try for themselves */
imnn_status imnn_blocks_take(block **out, blocks *s, int64_t number);
void imnn_blocks_give(blocks *s, block *b);
/** Make a block if there is room and nobody is at it. */
void imnn_blocks_make(blocks *s, int64_t number);
/** Whether it is there or in work. */
bool imnn_blocks_have(blocks *s, int64_t number);
#endif
