/* FFTW, loaded when it is needed: one library for f32, one for f64. Plans are estimated, since
 * measured ones would differ from run to run, and are for arrays that lie as FFTW likes it best;
 * others are copied. */
#include "core/fft/fft.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { FORWARD = -1, BACKWARD = 1, ESTIMATE = 1 << 6, MOST_KEPT = 512 };

typedef struct library {
    void *(*plan_dft)(int rank, const int *n, void *in, void *out, int sign, unsigned flags);
    void *(*plan_dft_r2c)(int rank, const int *n, void *in, void *out, unsigned flags);
    void *(*plan_dft_c2r)(int rank, const int *n, void *in, void *out, unsigned flags);
    void (*destroy_plan)(void *plan);
    void (*execute_dft)(void *plan, void *in, void *out);
    void (*execute_dft_r2c)(void *plan, void *in, void *out);
    void (*execute_dft_c2r)(void *plan, void *in, void *out);
    int (*alignment_of)(void *p);
    bool loaded;
} library;

struct imnn_fft {
    imnn_fft *next; /* kept ones; nothing in front of them ever changes */
    bool kept;
    imnn_fft_kind kind;
    bool narrow;
    int rank, n[IMNN_MAX_NDIM];
    size_t in_bytes, out_bytes;
    void *plan;
};

/* Process-wide, as the libraries and their planners are, which one thread may use at a time. */
static library libraries[2]; /* f64, f32 */
static _Atomic(imnn_fft *) plans;
static int kept;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static bool find(void *handle, const char *prefix, const char *name, void *function)
{
    char symbol[64];
    size_t length = strlen(prefix);
    memcpy(symbol, prefix, length);
    memcpy(symbol + length, name, strlen(name) + 1);
    *(void **)function = dlsym(handle, symbol);
    return *(void **)function != NULL;
}

static imnn_status load(library *l, bool narrow)
{
    const char *file = narrow ? "libfftw3f.so.3" : "libfftw3.so.3";
    const char *prefix = narrow ? "fftwf_" : "fftw_";
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return imnn_fail(IMNN_EIO,
                         "fft: needs the FFTW library (Debian: libfftw3-%s3), which does not load: "
                         "%s",
                         narrow ? "single" : "double", dlerror());
#define FUNCTION(name) find(handle, prefix, #name, &l->name)
    l->loaded = FUNCTION(plan_dft) && FUNCTION(plan_dft_r2c) && FUNCTION(plan_dft_c2r) &&
                FUNCTION(destroy_plan) && FUNCTION(execute_dft) && FUNCTION(execute_dft_r2c) &&
                FUNCTION(execute_dft_c2r) && FUNCTION(alignment_of);
    return l->loaded ? IMNN_OK : imnn_fail(IMNN_EIO, "fft: %s is not the FFTW library", file);
}

imnn_status imnn_fft_load(imnn_dtype part)
{
    const bool narrow = part == IMNN_F32;
    pthread_mutex_lock(&mutex);
    imnn_status st = libraries[narrow].loaded ? IMNN_OK : load(&libraries[narrow], narrow);
    pthread_mutex_unlock(&mutex);
    return st;
}

static bool fits(const imnn_fft *f, const imnn_fft *key)
{
    return f->kind == key->kind && f->narrow == key->narrow && f->rank == key->rank &&
           !memcmp(f->n, key->n, (size_t)f->rank * sizeof *f->n);
}

static void *make_plan(const library *l, const imnn_fft *f, void *in, void *out)
{
    switch (f->kind) {
    case IMNN_FFT: return l->plan_dft(f->rank, f->n, in, out, FORWARD, ESTIMATE);
    case IMNN_IFFT: return l->plan_dft(f->rank, f->n, in, out, BACKWARD, ESTIMATE);
    case IMNN_RFFT: return l->plan_dft_r2c(f->rank, f->n, in, out, ESTIMATE);
    default: return l->plan_dft_c2r(f->rank, f->n, in, out, ESTIMATE);
    }
}

/* Estimates do not look at the arrays, only at where they are. */
static imnn_fft *create(const imnn_fft *key)
{
    imnn_fft *f = malloc(sizeof *f); /* kept until the end, so not counted as live */
    void *in = imnn_alloc_raw(key->in_bytes), *out = imnn_alloc_raw(key->out_bytes);
    if (f && in && out) {
        *f = *key;
        f->plan = make_plan(&libraries[key->narrow], key, in, out);
    }
    if (in) imnn_free(in, key->in_bytes);
    if (out) imnn_free(out, key->out_bytes);
    if (f && in && out && f->plan) return f;
    free(f);
    return NULL;
}

imnn_fft *imnn_fft_get(imnn_fft_kind kind, imnn_dtype part, const imnn_shape *n)
{
    if (imnn_fft_load(part) != IMNN_OK) return NULL;
    imnn_fft key = {.kind = kind, .narrow = part == IMNN_F32, .rank = n->ndim};
    size_t real = key.narrow ? sizeof(float) : sizeof(double), half = 2 * real;
    for (int k = 0; k < n->ndim; k++) {
        key.n[k] = (int)n->size[k];
        real *= (size_t)n->size[k];
        half *= (size_t)(k < n->ndim - 1 ? n->size[k] : n->size[k] / 2 + 1);
    }
    key.in_bytes = kind == IMNN_RFFT ? real : kind == IMNN_IRFFT ? half : 2 * real;
    key.out_bytes = kind == IMNN_IRFFT ? real : kind == IMNN_RFFT ? half : 2 * real;
    for (imnn_fft *f = plans; f; f = f->next)
        if (fits(f, &key)) return f;
    pthread_mutex_lock(&mutex);
    imnn_fft *f = plans;
    while (f && !fits(f, &key)) f = f->next; /* another thread may just have made it */
    if (!f && (f = create(&key)) && kept < MOST_KEPT) {
        f->kept = true, f->next = plans;
        plans = f;
        kept++;
    }
    pthread_mutex_unlock(&mutex);
    return f;
}

void imnn_fft_release(imnn_fft *f)
{
    if (!f || f->kept) return;
    pthread_mutex_lock(&mutex);
    libraries[f->narrow].destroy_plan(f->plan);
    pthread_mutex_unlock(&mutex);
    free(f);
}

static void execute(const imnn_fft *f, void *in, void *out)
{
    const library *l = &libraries[f->narrow];
    if (f->kind == IMNN_RFFT) l->execute_dft_r2c(f->plan, in, out);
    else if (f->kind == IMNN_IRFFT) l->execute_dft_c2r(f->plan, in, out);
    else l->execute_dft(f->plan, in, out);
}

static void multiply(const imnn_fft *f, void *out, double by)
{
    const size_t n = f->out_bytes / (f->narrow ? sizeof(float) : sizeof(double));
    float *narrow = out;
    double *wide = out;
    for (size_t i = 0; f->narrow && i < n; i++) narrow[i] *= (float)by;
    for (size_t i = 0; !f->narrow && i < n; i++) wide[i] *= by;
}

bool imnn_fft_run(const imnn_fft *f, void *out, const void *in, int64_t count, double scale)
{
    const library *l = &libraries[f->narrow];
    const bool uses_up = f->kind == IMNN_IRFFT; /* its input */
    const size_t room = f->in_bytes + f->out_bytes + 64;
    char *from = (char *)(uintptr_t)in, *to = out, *work = NULL;
    for (int64_t i = 0; i < count; i++, from += f->in_bytes, to += f->out_bytes) {
        const bool here = !uses_up && !l->alignment_of(from), there = !l->alignment_of(to);
        if (!(here && there) && !work && !(work = imnn_alloc_raw(room))) return false;
        char *other = work ? work + (f->in_bytes + 63) / 64 * 64 : NULL;
        if (!here) memcpy(work, from, f->in_bytes);
        execute(f, here ? from : work, there ? to : other);
        if (!there) memcpy(to, other, f->out_bytes);
        if (scale != 1) multiply(f, to, scale); /* while it is in the cache */
    }
    if (work) imnn_free(work, room);
    return true;
}
