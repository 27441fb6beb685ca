/* FFTW, loaded when it is needed: one library for f32, one for f64. Plans are estimated, since
 * measured ones would differ from run to run.
 *
 * Arrays that are small are transformed along all their axes by one plan, some of them at a time.
 * Large ones are transformed axis by axis: the last one in place, the others in panels of some
 * columns that are copied side by side. Estimated plans walk through memory in strides of rows
 * there, which for powers of two meet the same few cache lines (256 x 256: a third of the time). */
#include "core/fft/fft.h"
#include "core/kernels/map.h"
#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    FORWARD = -1,
    BACKWARD = 1,
    ESTIMATE = 1 << 6,
    MOST_KEPT = 512,
    BATCHES = 4,
    MOST_AT_A_TIME = 64,
    BATCH_ELEMENTS = 4096,      /* of what is transformed at a time, at least one array */
    PANEL = 16,                 /* columns: two lines of the cache */
    LARGE_BYTES = 3 * (1 << 17) /* what is transformed axis by axis */
};

typedef struct library {
    void *(*plan_many_dft)(int rank, const int *n, int count, void *in, const int *in_room,
                           int in_stride, int in_distance, void *out, const int *out_room,
                           int out_stride, int out_distance, int sign, unsigned flags);
    void *(*plan_many_dft_r2c)(int rank, const int *n, int count, void *in, const int *in_room,
                               int in_stride, int in_distance, void *out, const int *out_room,
                               int out_stride, int out_distance, unsigned flags);
    void *(*plan_many_dft_c2r)(int rank, const int *n, int count, void *in, const int *in_room,
                               int in_stride, int in_distance, void *out, const int *out_room,
                               int out_stride, int out_distance, unsigned flags);
    void (*destroy_plan)(void *plan);
    void (*execute_dft)(void *plan, void *in, void *out);
    void (*execute_dft_r2c)(void *plan, void *in, void *out);
    void (*execute_dft_c2r)(void *plan, void *in, void *out);
    int (*alignment_of)(void *p);
    bool loaded;
} library;

/* What a transform is asked for by. */
typedef struct key {
    imnn_fft_kind kind;
    bool narrow;
    int rank, n[IMNN_MAX_NDIM];
    int64_t inner;
} key;

struct imnn_fft {
    imnn_fft *next; /* kept ones; nothing in front of them ever changes */
    bool kept;
    key key;
    int64_t in_count, out_count; /* elements of an array, with inner ones */
    size_t in_size, out_size;    /* bytes of an element */
    int batches;
    struct batch { /* plans for so many arrays, or columns, at a time; the most first */
        int64_t count;
        void *plan;
    } batch[BATCHES];
    imnn_fft *along[IMNN_MAX_NDIM]; /* of large ones: along an axis each */
};

/* Process-wide, as the libraries and their planners are, which one thread may use at a time. */
static library libraries[2]; /* f64, f32 */
static _Atomic(imnn_fft *) plans;
static int kept;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- the libraries ---- */

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
    l->loaded = FUNCTION(plan_many_dft) && FUNCTION(plan_many_dft_r2c) &&
                FUNCTION(plan_many_dft_c2r) && FUNCTION(destroy_plan) && FUNCTION(execute_dft) &&
                FUNCTION(execute_dft_r2c) && FUNCTION(execute_dft_c2r) && FUNCTION(alignment_of);
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

/* ---- plans ---- */

static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* Elements of `count` arrays, or columns, which lie in memory as a plan wants them. */
static int64_t in_elements(const imnn_fft *f, int64_t count)
{
    return f->in_count / f->key.inner * count;
}
static int64_t out_elements(const imnn_fft *f, int64_t count)
{
    return f->out_count / f->key.inner * count;
}
static size_t in_bytes(const imnn_fft *f, int64_t count)
{
    return (size_t)in_elements(f, count) * f->in_size;
}
static size_t out_bytes(const imnn_fft *f, int64_t count)
{
    return (size_t)out_elements(f, count) * f->out_size;
}

/* Estimates do not look at the arrays, only at where they are. */
static void *make_plan(const imnn_fft *f, int64_t count, void *in, void *out)
{
    const library *l = &libraries[f->key.narrow];
    const bool columns = f->key.inner > 1;
    const int many = (int)count, rank = f->key.rank, stride = columns ? many : 1;
    const int from = columns ? 1 : (int)f->in_count, to = columns ? 1 : (int)f->out_count;
    const int *n = f->key.n;
#define PLACES in, NULL, stride, from, out, NULL, stride, to
    switch (f->key.kind) {
    case IMNN_FFT: return l->plan_many_dft(rank, n, many, PLACES, FORWARD, ESTIMATE);
    case IMNN_IFFT: return l->plan_many_dft(rank, n, many, PLACES, BACKWARD, ESTIMATE);
    case IMNN_RFFT: return l->plan_many_dft_r2c(rank, n, many, PLACES, ESTIMATE);
    default: return l->plan_many_dft_c2r(rank, n, many, PLACES, ESTIMATE);
    }
#undef PLACES
}

static void execute(const imnn_fft *f, void *plan, void *in, void *out)
{
    const library *l = &libraries[f->key.narrow];
    if (f->key.kind == IMNN_RFFT) l->execute_dft_r2c(plan, in, out);
    else if (f->key.kind == IMNN_IRFFT) l->execute_dft_c2r(plan, in, out);
    else l->execute_dft(plan, in, out);
}

/* Numbers whose sums need to be rounded. */
static void fill(const imnn_fft *f, char *p, size_t bytes)
{
    uint32_t state = 1;
    for (size_t i = 0; i < bytes / (f->key.narrow ? sizeof(float) : sizeof(double)); i++) {
        state = 1664525 * state + 1013904223;
        const double x = (double)state * 0x1p-31 - 1;
        if (f->key.narrow) ((float *)p)[i] = (float)x;
        else ((double *)p)[i] = x;
    }
}

/* Whether a plan gives the same array the same bits in every place: these, or where it is the first
 * plan, which notes them, its own. */
static bool gives(const imnn_fft *f, const struct batch *b, char *in, char *out, char *bits)
{
    const size_t each = in_bytes(f, 1), result = out_bytes(f, 1);
    bool same = true;
    if (b->count == 1 && f->batches == 0) return true;
    for (int64_t i = 0; i < b->count; i++) fill(f, in + (size_t)i * each, each);
    execute(f, b->plan, in, out);
    if (f->batches == 0) memcpy(bits, out, result);
    for (int64_t i = 0; same && i < b->count; i++)
        same = !memcmp(out + (size_t)i * result, bits, result);
    return same;
}

/* Plans for so many arrays at a time, and for fewer, which may take other ways to a sum: those that
 * do not give the same bits are left out, and arrays of zeros make up the number instead. */
static bool plan_batches(imnn_fft *f)
{
    const int64_t each = f->in_count > f->out_count ? f->in_count : f->out_count;
    int64_t most = MOST_AT_A_TIME;
    while (most > 1 && most * each > BATCH_ELEMENTS) most /= 4;
    const size_t in_room = round_up(in_bytes(f, most)), out_room = round_up(out_bytes(f, most)),
                 room = in_room + out_room + out_bytes(f, 1);
    char *in = imnn_alloc(room), *out = in + in_room, *bits = out + out_room;
    if (!in) return false;
    for (int64_t count = most; count > 0; count /= 4) {
        struct batch b = {count, make_plan(f, count, in, out)};
        if (!b.plan) break;
        if (gives(f, &b, in, out, bits)) f->batch[f->batches++] = b;
        else libraries[f->key.narrow].destroy_plan(b.plan);
    }
    imnn_free(in, room);
    return f->batches > 0;
}

/* Plans for columns of one axis: as many as there are or as a panel has, and for those that the
 * last panel has, rounded up to whole vectors. */
static bool plan_panels(imnn_fft *f)
{
    const int64_t fit = BATCH_ELEMENTS / 8 / f->key.n[0], most = fit > PANEL ? fit : PANEL;
    const int64_t all = f->key.inner, width = all < most ? all : most;
    const int64_t rest = (all % width + 3) / 4 * 4;
    const size_t in_room = round_up(in_bytes(f, width)), room = in_room + out_bytes(f, width);
    char *in = imnn_alloc_raw(room);
    if (!in) return false;
    for (int k = 0; k < (rest > 0 && rest < width ? 2 : 1); k++) {
        const int64_t count = k ? rest : width;
        f->batch[k] = (struct batch){count, make_plan(f, count, in, in + in_room)};
        if (!f->batch[k].plan) break;
        f->batches++;
    }
    imnn_free(in, room);
    return f->batches > 0;
}

static imnn_fft *obtain(const key *k);

static void destroy(imnn_fft *f)
{
    for (int k = 0; k < f->batches; k++) libraries[f->key.narrow].destroy_plan(f->batch[k].plan);
    for (int k = 0; k < f->key.rank; k++)
        if (f->along[k] && !f->along[k]->kept) destroy(f->along[k]);
    free(f);
}

/* One behind the other: elements behind axis k of the complex side. */
static bool plan_axes(imnn_fft *f)
{
    const int last = f->key.rank - 1;
    const bool real = f->key.kind == IMNN_RFFT || f->key.kind == IMNN_IRFFT;
    key k = f->key;
    k.rank = 1;
    for (int axis = last; axis >= 0; axis--) {
        k.n[0] = f->key.n[axis];
        if (!(f->along[axis] = obtain(&k))) return false;
        k.inner *= axis == last && real ? k.n[0] / 2 + 1 : k.n[0];
        k.kind = k.kind == IMNN_RFFT ? IMNN_FFT : k.kind == IMNN_IRFFT ? IMNN_IFFT : k.kind;
    }
    return true;
}

static imnn_fft *create(const key *k)
{
    imnn_fft *f = calloc(1, sizeof *f); /* kept until the end, so not counted as live */
    if (!f) return NULL;
    const size_t real = k->narrow ? sizeof(float) : sizeof(double);
    f->key = *k;
    f->in_size = k->kind == IMNN_RFFT ? real : 2 * real;
    f->out_size = k->kind == IMNN_IRFFT ? real : 2 * real;
    f->in_count = f->out_count = k->inner;
    for (int axis = 0; axis < k->rank; axis++) {
        const int64_t n = k->n[axis], half = axis < k->rank - 1 ? n : n / 2 + 1;
        f->in_count *= k->kind == IMNN_IRFFT ? half : n;
        f->out_count *= k->kind == IMNN_RFFT ? half : n;
    }
    const bool large = (size_t)f->in_count * f->in_size > LARGE_BYTES;
    const bool ok = k->rank > 1 && (large || k->inner > 1) ? plan_axes(f)
                    : k->inner > 1                         ? plan_panels(f)
                                                           : plan_batches(f);
    if (ok) return f;
    destroy(f);
    return NULL;
}

static imnn_fft *look_up(const key *k)
{
    for (imnn_fft *f = plans; f; f = f->next)
        if (!memcmp(&f->key, k, sizeof *k)) return f;
    return NULL;
}

/* While the mutex is held. */
static imnn_fft *obtain(const key *k)
{
    imnn_fft *f = look_up(k);
    if (!f && (f = create(k)) && kept < MOST_KEPT) {
        f->kept = true, f->next = plans;
        plans = f;
        kept++;
    }
    return f;
}

imnn_fft *imnn_fft_get(imnn_fft_kind kind, imnn_dtype part, const imnn_shape *n, int64_t inner)
{
    if (imnn_fft_load(part) != IMNN_OK) return NULL;
    key k;
    memset(&k, 0, sizeof k); /* keys are compared as bytes */
    k.kind = kind, k.narrow = part == IMNN_F32, k.rank = n->ndim, k.inner = inner;
    for (int axis = 0; axis < n->ndim; axis++) k.n[axis] = (int)n->size[axis];
    imnn_fft *f = look_up(&k);
    if (f) return f;
    pthread_mutex_lock(&mutex);
    f = obtain(&k); /* another thread may just have made it */
    pthread_mutex_unlock(&mutex);
    return f;
}

void imnn_fft_release(imnn_fft *f)
{
    if (!f || f->kept) return;
    pthread_mutex_lock(&mutex);
    destroy(f);
    pthread_mutex_unlock(&mutex);
}

/* ---- runs ---- */

/* What a thread works in: an input and a result of the first plan. */
static size_t room_of(const imnn_fft *f)
{
    return round_up(in_bytes(f, f->batch[0].count)) + round_up(out_bytes(f, f->batch[0].count));
}

/* out = in * scale, numbers one by one. */
static void multiply(const imnn_fft *f, void *out, const void *in, size_t bytes, double scale)
{
    const int64_t n[3] = {1, 1,
                          (int64_t)(bytes / (f->key.narrow ? sizeof(float) : sizeof(double)))};
    const float narrow = (float)scale;
    const imnn_operand to = {out, {0, 0, 1}};
    const imnn_operand from[2] = {{(void *)(uintptr_t)in, {0, 0, 1}},
                                  {f->key.narrow ? (void *)(uintptr_t)&narrow : &scale, {0}}};
    imnn_map_run(imnn_map_find(IMNN_OP_mul, f->key.narrow ? IMNN_F32 : IMNN_F64), 2, n, &to, from);
}

static void copy(const imnn_fft *f, void *out, const void *in, size_t bytes, double scale)
{
    if (scale != 1) multiply(f, out, in, bytes, scale);
    else memcpy(out, in, bytes);
}

/* Arrays one behind the other. Backward transforms to real numbers use up their input. */
static void run_rows(const imnn_fft *f, char *to, const char *from, int64_t count, double scale,
                     char *work)
{
    const library *l = &libraries[f->key.narrow];
    const bool uses_up = f->key.kind == IMNN_IRFFT;
    char *result = work + round_up(in_bytes(f, f->batch[0].count));
    int b = 0;
    for (int64_t done = 0, n; done < count; done += n) {
        while (b < f->batches - 1 && f->batch[b].count > count - done) b++;
        const int64_t all = f->batch[b].count;
        n = all < count - done ? all : count - done;
        const size_t in = in_bytes(f, n), out = out_bytes(f, n);
        const bool whole = n == all, there = whole && !l->alignment_of(to);
        const bool here = whole && !uses_up && !l->alignment_of((void *)(uintptr_t)from);
        if (!here) copy(f, work, from, in, uses_up ? scale : 1);
        if (!whole) memset(work + in, 0, in_bytes(f, all) - in);
        execute(f, f->batch[b].plan, here ? (void *)(uintptr_t)from : work, there ? to : result);
        if (!there) copy(f, to, result, out, uses_up ? 1 : scale);
        else if (!uses_up && scale != 1) multiply(f, to, to, out, scale);
        from += in, to += out;
    }
}

/* Some columns of one array, from the one at hand. */
static void run_panel(const imnn_fft *f, char *to, const char *from, int64_t column, double scale,
                      char *work)
{
    const int64_t inner = f->key.inner, left = inner - column;
    const struct batch *b = &f->batch[f->batches > 1 && left <= f->batch[1].count];
    const int64_t all = b->count;
    const size_t n = (size_t)(left < all ? left : all);
    const size_t in_line = (size_t)all * f->in_size, out_line = (size_t)all * f->out_size;
    const size_t in_step = (size_t)inner * f->in_size, out_step = (size_t)inner * f->out_size;
    char *result = work + round_up(in_bytes(f, all)), *p = work;
    from += (size_t)column * f->in_size, to += (size_t)column * f->out_size;
    for (int64_t i = in_elements(f, 1); i > 0; i--, p += in_line, from += in_step) {
        memcpy(p, from, n * f->in_size);
        memset(p + n * f->in_size, 0, in_line - n * f->in_size);
    }
    execute(f, b->plan, work, result);
    if (scale != 1) multiply(f, result, result, out_bytes(f, all), scale);
    p = result;
    for (int64_t i = out_elements(f, 1); i > 0; i--, p += out_line, to += out_step)
        memcpy(to, p, n * f->out_size);
}

/* Pieces of work that threads may share: rows, or panels of each of the arrays. */
typedef struct pass {
    const imnn_fft *f;
    char *to;
    const char *from;
    int64_t count, panels, pieces, each; /* each: rows in a piece */
    double scale;
} pass;

static pass pass_of(const imnn_fft *f, char *to, const char *from, int64_t count, double scale)
{
    pass p = {f, to, from, count, 0, 0, 0, scale};
    const int64_t width = f->batch[0].count;
    if (f->key.inner > 1) {
        p.panels = (f->key.inner + width - 1) / width;
        p.pieces = count * p.panels;
        return p;
    }
    p.each = width * (1 + LARGE_BYTES / (width * f->in_count * (int64_t)f->in_size));
    p.pieces = (count + p.each - 1) / p.each;
    return p;
}

static void run_piece(const pass *p, int64_t k, char *work)
{
    const imnn_fft *f = p->f;
    const int64_t array = p->panels ? k / p->panels : k * p->each;
    char *to = p->to + (size_t)(array * f->out_count) * f->out_size;
    const char *from = p->from + (size_t)(array * f->in_count) * f->in_size;
    if (p->panels) run_panel(f, to, from, k % p->panels * f->batch[0].count, p->scale, work);
    else
        run_rows(f, to, from, p->each < p->count - array ? p->each : p->count - array, p->scale,
                 work);
}

/* One pass after the other. Threads take pieces as they come, and begin with the next pass when all
 * pieces of the last one are done; whoever waits gives its core away. */
static void run_passes(const pass *p, int n, atomic_llong *taken, atomic_llong *done, char *work)
{
    for (int i = 0; i < n; i++) {
        for (int64_t k; (k = taken[i]++) < p[i].pieces; done[i]++) run_piece(&p[i], k, work);
        while (done[i] < p[i].pieces) sched_yield();
    }
}

/* On all threads where there is much to do, unless the caller is one of several already. */
static bool run_on_threads(const pass *p, int n)
{
    atomic_llong taken[IMNN_MAX_NDIM] = {0}, done[IMNN_MAX_NDIM] = {0};
    const bool large = (size_t)(p->count * p->f->in_count) * p->f->in_size > 2 * LARGE_BYTES;
    size_t room = 0;
    for (int i = 0; i < n; i++)
        if (room_of(p[i].f) > room) room = room_of(p[i].f);
    int threads = large && !omp_in_parallel() ? imnn_threads() : 1;
    if (threads > p->pieces) threads = (int)p->pieces;
    char *work = imnn_alloc_raw((size_t)threads * room);
    if (!work) return false;
    if (threads == 1) run_passes(p, n, taken, done, work);
    else {
#pragma omp parallel num_threads(threads)
        run_passes(p, n, taken, done, work + (size_t)omp_get_thread_num() * room);
    }
    imnn_free(work, (size_t)threads * room);
    return true;
}

/* Axis by axis: real numbers are made last, or made complex first; what lies between is where the
 * result will be, or in `between`. */
static bool run_axes(const imnn_fft *f, char *to, const char *from, double scale, char *between)
{
    pass p[IMNN_MAX_NDIM];
    const int last = f->key.rank - 1;
    const bool to_real = f->key.kind == IMNN_IRFFT;
    char *at = to_real ? between : to;
    int64_t lines = 1, outer;
    int n = 0;
    for (int axis = 0; axis < last; axis++) lines *= f->key.n[axis];
    if (!to_real) p[n++] = pass_of(f->along[last], to, from, lines, scale);
    outer = lines;
    for (int axis = last - 1; axis >= 0; axis--) {
        outer /= f->key.n[axis];
        p[n] = pass_of(f->along[axis], at, n ? at : from, outer, 1);
        n++;
    }
    if (to_real) p[n++] = pass_of(f->along[last], to, between, lines, scale);
    return run_on_threads(p, n);
}

bool imnn_fft_run(const imnn_fft *f, void *out, const void *in, int64_t count, double scale)
{
    if (!f->along[0]) {
        const pass p = pass_of(f, out, in, count, scale);
        return run_on_threads(&p, 1);
    }
    const size_t from = (size_t)f->in_count * f->in_size, to = (size_t)f->out_count * f->out_size;
    char *between = f->key.kind == IMNN_IRFFT ? imnn_alloc_raw(from) : NULL;
    bool ok = between || f->key.kind != IMNN_IRFFT;
    for (int64_t i = 0; ok && i < count; i++)
        ok = run_axes(f, (char *)out + (size_t)i * to, (const char *)in + (size_t)i * from, scale,
                      between);
    if (between) imnn_free(between, from);
    return ok;
}
