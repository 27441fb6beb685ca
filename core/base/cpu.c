/* What this machine is: instruction sets, threads, and a description. */
#include "core/base/base.h"
#include <gnu/libc-version.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_THREADS = 256 };
static const char *const isa_name[IMNN_NISA] = {"SSE2", "AVX2", "AVX512"};

const char *imnn_isa_name(imnn_isa isa) { return isa_name[isa]; }

static imnn_isa best_isa(void)
{
#ifdef __x86_64__
    __builtin_cpu_init(); /* also asks whether the system saves the registers */
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return IMNN_SSE2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return IMNN_AVX512;
    return IMNN_AVX2;
#else
    return IMNN_SSE2; /* the portable kernels */
#endif
}

/** The most that an environment variable allows; its values are those of oneDNN: SSE41, AVX, AVX2,
 *  AVX2_VNNI, AVX512_CORE, ... */
static imnn_isa allowed_isa(const char *variable)
{
    const char *text = getenv(variable);
    if (!text) return IMNN_NISA;
    if (!strncasecmp(text, "AVX512", 6)) return IMNN_AVX512;
    if (!strncasecmp(text, "AVX2", 4)) return IMNN_AVX2;
    if (!strncasecmp(text, "SSE", 3) || !strcasecmp(text, "AVX")) return IMNN_SSE2;
    return IMNN_NISA;
}

imnn_isa imnn_cpu_isa(void)
{
    static _Atomic int chosen = -1; /* asked for by every kernel; the answer never changes */
    int isa = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (isa >= 0) return (imnn_isa)isa;
    imnn_isa limits[] = {allowed_isa("IMNN_MAX_CPU_ISA"), allowed_isa("ONEDNN_MAX_CPU_ISA")};
    isa = (int)best_isa();
    for (int i = 0; i < 2; i++)
        if (isa > (int)limits[i]) isa = (int)limits[i];
    atomic_store_explicit(&chosen, isa, memory_order_relaxed);
    return (imnn_isa)isa;
}

static int usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (int)n;
}

static int fewer(int n, const char *variable)
{
    const char *text = getenv(variable);
    long asked = text ? strtol(text, NULL, 10) : 0; /* "4,2": the outermost level */
    return asked >= 1 && asked < n ? (int)asked : n;
}

static _Atomic int threads; /* 0: not decided yet. For all programs: they share the cores */

int imnn_threads(void)
{
    int n = atomic_load_explicit(&threads, memory_order_relaxed);
    if (n) return n;
    n = fewer(fewer(usable_cores(), "SLURM_CPUS_PER_TASK"), "OMP_NUM_THREADS");
    if (n > MAX_THREADS) n = MAX_THREADS;
    atomic_store_explicit(&threads, n, memory_order_relaxed);
    return n;
}

imnn_status imnn_set_threads(int n)
{
    if (n < 1 || n > MAX_THREADS)
        return imnn_fail(IMNN_EVALUE, "set_threads: 1 to %d threads, got %d", MAX_THREADS, n);
    atomic_store_explicit(&threads, n, memory_order_relaxed);
    return IMNN_OK;
}

#ifdef __x86_64__
#define FEATURE_LIST(X) \
    X("sse2")           \
    X("sse4.1")         \
    X("sse4.2")         \
    X("avx")            \
    X("avx2")           \
    X("fma")            \
    X("avx512f")        \
    X("avx512bw")       \
    X("avx512dq")       \
    X("avx512vl")       \
    X("avx512vnni")

/** What kernels and libraries choose by. The compiler wants the names literally. */
static void cpu_features(char *text, size_t room)
{
    size_t n = 0;
    __builtin_cpu_init();
#define X(name)                                   \
    if (n < room && __builtin_cpu_supports(name)) \
        n += (size_t)snprintf(text + n, room - n, n ? " %s" : "%s", name);
    FEATURE_LIST(X)
#undef X
}
#else
static void cpu_features(char *text, size_t room) { snprintf(text, room, "not looked at"); }
#endif

/** "Intel(R) Xeon(R) ...", as the system calls it. */
static void cpu_name(char *name, size_t room)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");
    snprintf(name, room, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !value) continue;
        snprintf(name, room, "%s", value + 1 + strspn(value + 1, " "));
        name[strcspn(name, "\n")] = 0;
        break;
    }
    if (f) fclose(f);
}

const char *imnn_machine(void)
{
    static _Thread_local char text[1024]; /* per thread: what one reads nobody else overwrites */
    char cpu[128], features[128];
    cpu_name(cpu, sizeof cpu);
    cpu_features(features, sizeof features);
    snprintf(text, sizeof text,
             "imnn %s\n"
             "cpu %s\n"
             "features %s\n"
             "cores %d\n"
             "threads %d\n"
             "instructions %s, kernels use %s\n"
             "memory %.1f GiB available\n"
             "compiler %s\n"
             "libraries %s, C library %s\n",
             imnn_version(), cpu, features, usable_cores(), imnn_threads(), isa_name[best_isa()],
             isa_name[imnn_cpu_isa()], (double)imnn_available_bytes() / (1 << 30), IMNN_COMPILER,
             IMNN_LIBRARIES, gnu_get_libc_version());
    return text;
}
