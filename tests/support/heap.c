/* A library to be preloaded: it counts what the whole process, libraries included, asks the heap
 * for. LuaJIT's own memory comes from the system in large pieces and is not counted. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

void *__libc_malloc(size_t bytes); /* the C library's own names */
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static atomic_long count;

long heap_count(void) { return atomic_load(&count); }

void *malloc(size_t bytes) { return atomic_fetch_add(&count, 1), __libc_malloc(bytes); }

void *calloc(size_t n, size_t bytes)
{
    return atomic_fetch_add(&count, 1), __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes)
{
    return atomic_fetch_add(&count, 1), __libc_realloc(p, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    return atomic_fetch_add(&count, 1), __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    void *p = memalign(alignment, bytes);
    if (p) *out = p;
    return p ? 0 : ENOMEM;
}
