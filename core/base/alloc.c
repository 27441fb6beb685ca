/* Memory: counted, aligned, and cached by size so that a steady state asks the system for nothing.
 */
#include "core/base/base.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Sizes are rounded up to a multiple of 64 bytes, from 512 bytes on to one of eight steps between
 * powers of two: at most an eighth is lost, and only as addresses, since nobody touches it. */
enum { ALIGNMENT = 64, STEPS = 8, CLASSES = 320, ASKS_FIRST = 64 << 20 };
enum { LARGE_PAGE = 2 << 20, LARGE = 2 * LARGE_PAGE };
static const size_t most_bytes = (size_t)1 << 47; /* what can have an address; class 311 */

#ifdef IMNN_SANITIZED
enum { CACHE_BYTES = 0 }; /* a block that is kept would hide that somebody still uses it */
#else
enum { CACHE_BYTES = 256 << 20 };
#endif

typedef struct block {
    struct block *next;
} block;

static struct {
    atomic_flag lock;
    block *first[CLASSES];
    size_t bytes;
} cache = {.lock = ATOMIC_FLAG_INIT}; /* process-wide: blocks move between threads */
static _Atomic int64_t live_bytes;    /* for Lua's collector: imnn_live_bytes() */

static void lock(void)
{
    for (int tries = 0; atomic_flag_test_and_set_explicit(&cache.lock, memory_order_acquire);)
        if (++tries > 100) sched_yield(); /* its holder may be waiting for this core */
}

static void unlock(void) { atomic_flag_clear_explicit(&cache.lock, memory_order_release); }

/** The class of a request, whose blocks have *rounded bytes. */
static int class_of(size_t *rounded, size_t bytes)
{
    size_t units = bytes ? (bytes - 1) / ALIGNMENT + 1 : 1;
    if (units <= STEPS) return *rounded = units * ALIGNMENT, (int)units - 1;
    int shift = 60 - __builtin_clzll(units - 1); /* so that 8 <= (units - 1) >> shift < 16 */
    size_t step = ((units - 1) >> shift) + 1;
    *rounded = (step << shift) * ALIGNMENT;
    return shift * STEPS + (int)step - 1;
}

/** Take all blocks out of the cache; call with the lock, and drop() the result without it. */
static void take_all(block *lists[CLASSES])
{
    memcpy(lists, cache.first, sizeof cache.first);
    memset(cache.first, 0, sizeof cache.first);
    cache.bytes = 0;
}

static void drop(block *lists[CLASSES])
{
    for (int i = 0; i < CLASSES; i++)
        for (block *b = lists[i], *next; b; b = next) {
            next = b->next;
            free(b);
        }
}

static void drop_cache(void)
{
    block *lists[CLASSES];
    lock();
    take_all(lists);
    unlock();
    drop(lists);
}

int64_t imnn_available_bytes(void)
{
    char line[128];
    long long kib = -1;
    FILE *f = fopen("/proc/meminfo", "re");
    if (!f) return INT64_MAX; /* nobody to ask: let the system refuse */
    while (kib < 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lld kB", &kib) != 1) kib = -1;
    fclose(f);
    return kib < 0 ? INT64_MAX : kib * 1024;
}

/** Linux promises more than it has and ends the process later: look before touching. */
static bool fits(size_t bytes)
{
    if (bytes < ASKS_FIRST) return true;
    if ((int64_t)bytes <= imnn_available_bytes()) return true;
    drop_cache();
    return (int64_t)bytes <= imnn_available_bytes();
}

/** A large block in large pages: the first touch of each page costs a microsecond, and that of a
 *  whole array of small ones more than what is computed. */
static void *new_block(size_t rounded)
{
    if (rounded < LARGE) return aligned_alloc(ALIGNMENT, rounded);
    void *p = aligned_alloc(LARGE_PAGE, (rounded + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE);
    if (p) (void)madvise(p, rounded, MADV_HUGEPAGE); /* or not: then with small ones */
    return p;
}

static void *from_system(size_t rounded)
{
    if (!fits(rounded)) return NULL;
    void *p = new_block(rounded);
    if (p) return p;
    drop_cache();
    return new_block(rounded);
}

static void refuse(size_t bytes)
{
    double MiB = 1 << 20;
    int64_t available = imnn_available_bytes();
    int64_t live = imnn_live_bytes();
    if (available == INT64_MAX)
        imnn_fail(IMNN_ENOMEM, "out of memory: %.1f MiB asked for, %.1f MiB in use",
                  (double)bytes / MiB, (double)live / MiB);
    else
        imnn_fail(IMNN_ENOMEM,
                  "out of memory: %.1f MiB asked for, %.1f MiB available, %.1f MiB in use",
                  (double)bytes / MiB, (double)available / MiB, (double)live / MiB);
}

#ifdef IMNN_TESTING
static int fail_in = -1; /* tests only: allocations left before one fails; changed with the lock */

void imnn_test_fail_alloc(int n)
{
    lock();
    fail_in = n;
    unlock();
}

static bool must_fail(void) { return fail_in >= 0 && fail_in-- == 0; }

/** What is not cleared holds NaN, so that reading before writing shows. */
static void spoil(void *p, size_t bytes) { memset(p, 0xff, bytes); }
#else
static bool must_fail(void) { return false; }
static void spoil(void *p, size_t bytes) { (void)p, (void)bytes; }
#endif

static void count(int64_t bytes) /* with the lock, so plain additions will do */
{
    int64_t now = atomic_load_explicit(&live_bytes, memory_order_relaxed);
    atomic_store_explicit(&live_bytes, now + bytes, memory_order_relaxed);
}

static void *take(size_t bytes)
{
    size_t rounded;
    void *p = NULL;
    if (bytes <= most_bytes) {
        int class = class_of(&rounded, bytes);
        lock();
        bool fail = must_fail();
        block *b = fail ? NULL : cache.first[class];
        if (b) cache.first[class] = b->next, cache.bytes -= rounded;
        if (b) count((int64_t)bytes);
        unlock();
        if (b) return b;
        if (!fail) p = from_system(rounded);
    }
    if (!p) return refuse(bytes), NULL;
    lock();
    count((int64_t)bytes);
    unlock();
    return p;
}

void *imnn_alloc(size_t bytes)
{
    void *p = take(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *imnn_alloc_raw(size_t bytes)
{
    void *p = take(bytes);
    if (p) spoil(p, bytes);
    return p;
}

void imnn_free(void *p, size_t bytes)
{
    if (!p) return;
    size_t rounded;
    int class = class_of(&rounded, bytes);
    block *lists[CLASSES];
    lock();
    count(-(int64_t)bytes);
    /* A full cache is given back as a whole: it holds what earlier work needed, and what is needed
     * now comes again. */
    bool full = cache.bytes + rounded > CACHE_BYTES;
    if (full) take_all(lists);
    bool keep = rounded <= CACHE_BYTES;
    if (keep) {
        block *b = p;
        b->next = cache.first[class];
        cache.first[class] = b;
        cache.bytes += rounded;
    }
    unlock();
    if (!keep) free(p);
    if (full) drop(lists);
}

int64_t imnn_live_bytes(void) { return atomic_load_explicit(&live_bytes, memory_order_relaxed); }
