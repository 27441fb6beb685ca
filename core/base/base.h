#ifndef CORE_BASE_H
#define CORE_BASE_H
#include "imnn/base.h"
#include <stdatomic.h>

/** Note the sentence, give back the status. */
__attribute__((format(printf, 2, 3))) imnn_status imnn_fail(imnn_status status, const char *format,
                                                            ...);
/** Zeroed, 64-byte aligned; NULL and a sentence on failure. Large blocks come from and go back to
 *  a bounded cache (imnn_free), so that a steady state asks the system for nothing. */
void *imnn_alloc(size_t bytes);
/** Like imnn_alloc, but not cleared: for what is overwritten at once. */
void *imnn_alloc_raw(size_t bytes);
void imnn_free(void *p, size_t bytes);
/** Whether somebody asked to stop, without taking the question away. */
bool imnn_stop_asked(void);
/** The calling thread works in the background: the wish to stop is not for it, but for those who
 *  wait for what it makes. */
void imnn_deafen(void);

/** The instruction sets that kernels exist for; the best one of this CPU, at most what the
 *  environment variable IMNN_MAX_CPU_ISA (SSE2, AVX2, AVX512; also ONEDNN_MAX_CPU_ISA, whose
 *  AVX2... mean AVX2) allows. */
typedef enum imnn_isa { IMNN_SSE2, IMNN_AVX2, IMNN_AVX512, IMNN_NISA } imnn_isa;
imnn_isa imnn_cpu_isa(void);
const char *imnn_isa_name(imnn_isa isa);

/** A growing text for descriptions and messages; the first failure sticks (text is NULL). */
typedef struct imnn_buffer {
    char *text;
    size_t length, room;
    bool failed;
} imnn_buffer;
__attribute__((format(printf, 2, 3))) void imnn_print(imnn_buffer *b, const char *format, ...);
void imnn_buffer_free(imnn_buffer *b);

#ifdef IMNN_TESTING
IMNN_API void imnn_test_fail_alloc(int n);
#endif
#endif
