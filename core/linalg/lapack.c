/* LAPACK, loaded when a large matrix comes along: OpenBLAS chooses its kernels when it is loaded,
 * and has to be told about the CPU before that. */
#include "core/linalg/linalg.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Process-wide, as the library is. */
static imnn_lapack lapack;
static char name[160];
static bool loaded;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/** A variable of the environment for as long as it is needed. */
typedef struct variable {
    const char *name;
    char before[64];
    bool was_set;
} variable;

static variable set(const char *variable_name, const char *value)
{
    variable v = {.name = variable_name};
    const char *before = getenv(variable_name);
    if (before) v.was_set = true, snprintf(v.before, sizeof v.before, "%s", before);
    setenv(variable_name, value, 1);
    return v;
}

static void restore(const variable *v)
{
    if (v->was_set) setenv(v->name, v->before, 1);
    else unsetenv(v->name);
}

/* OpenBLAS 0.3.21 does not know some newer CPUs and takes kernels for SSE3 there, five times
 * slower; what the CPU can do says more than what it is called. */
static const char *core_type(void)
{
    const char *chosen = getenv("OPENBLAS_CORETYPE");
    if (chosen) return chosen;
    return imnn_cpu_isa() == IMNN_AVX512 ? "SkylakeX"
           : imnn_cpu_isa() == IMNN_AVX2 ? "Haswell"
                                         : "";
}

static void *open_library(void)
{
    char type[64];
    snprintf(type, sizeof type, "%s", core_type());
    /* The threads are ours: a call of the library stays in the one that calls. */
    const variable threads = set("OPENBLAS_NUM_THREADS", "1"),
                   core = set("OPENBLAS_CORETYPE", type);
    if (!type[0]) unsetenv("OPENBLAS_CORETYPE");
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("liblapack.so.3", RTLD_NOW | RTLD_LOCAL);
    restore(&threads);
    restore(&core);
    return library;
}

static imnn_status load(void)
{
    void *library = open_library();
    if (!library)
        return imnn_fail(IMNN_EIO,
                         "lapack: matrices of this size need the OpenBLAS library (Debian: "
                         "libopenblas0), which does not load: %s",
                         dlerror());
    static const struct {
        void **function;
        const char *name;
    } wanted[] = {
#define FUNCTION(f) {(void **)&lapack.f, #f "_"}
        FUNCTION(dgetrf), FUNCTION(dgetri), FUNCTION(dgetrs), FUNCTION(dpotrf), FUNCTION(dtrsm),
        FUNCTION(dsyevd), FUNCTION(dgesdd), FUNCTION(dgeqrf), FUNCTION(dorgqr), FUNCTION(zheevd),
        FUNCTION(zgesdd), FUNCTION(zgetrf), FUNCTION(zgeev),
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        *wanted[i].function = dlsym(library, wanted[i].name);
        if (!*wanted[i].function)
            return imnn_fail(IMNN_EIO, "lapack: the library that was found lacks %s",
                             wanted[i].name);
    }
    char *(*config)(void) = NULL;
    *(void **)&config = dlsym(library, "openblas_get_config");
    snprintf(name, sizeof name, "%s", config ? config() : "LAPACK");
    loaded = true;
    return IMNN_OK;
}

imnn_status imnn_lapack_get(const imnn_lapack **out)
{
    pthread_mutex_lock(&mutex);
    imnn_status st = loaded ? IMNN_OK : load();
    pthread_mutex_unlock(&mutex);
    *out = st == IMNN_OK ? &lapack : NULL;
    return st;
}

const char *imnn_lapack_name(void)
{
    const imnn_lapack *l;
    return imnn_lapack_get(&l) == IMNN_OK ? name : "not found";
}
