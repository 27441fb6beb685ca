/* Records in an order of one's own: by a list of numbers, or a random one. */
#include "core/data/blocks.h"
#include "core/data/reader.h"
#include "imnn/program.h"
#include "imnn/random.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading by number ---- */

enum { GAP = 16 << 10, SPAN = 1 << 20 }; /* bytes: read over, and read at a time */

typedef struct place {
    int64_t record, at;
} place;

static int by_record(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->record != y->record) return x->record < y->record ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/** How many of the first places are read at once: as they lie (*scattered false), or over gaps. */
static int64_t run_of(const place *p, int64_t n, int64_t bytes, bool *scattered)
{
    int64_t k = 1;
    *scattered = false;
    for (; k < n; k++) {
        const int64_t step = p[k].record - p[k - 1].record;
        if (!*scattered && step == 1 && p[k].at == p[k - 1].at + 1) continue;
        if ((step - 1) * bytes > GAP || (p[k].record - p[0].record + 1) * bytes > SPAN) break;
        *scattered = true;
    }
    return k;
}

static imnn_status read_places(imnn_reader *r, int64_t base, const place *p, int64_t n, char *out)
{
    const int64_t bytes = imnn_reader_record_bytes(r);
    char *span = NULL;
    imnn_status st = IMNN_OK;
    for (int64_t i = 0, k; st == IMNN_OK && i < n; i += k) {
        bool scattered;
        k = run_of(p + i, n - i, bytes, &scattered);
        const int64_t begin = p[i].record, end = p[i + k - 1].record + 1;
        if (scattered && !span && !(span = imnn_alloc_raw(SPAN))) return IMNN_ENOMEM;
        char *to = scattered ? span : out + p[i].at * bytes;
        st = imnn_reader_go_on(r, base + begin, base + end, to);
        for (int64_t j = i; scattered && st == IMNN_OK && j < i + k; j++)
            memcpy(out + p[j].at * bytes, span + (p[j].record - begin) * bytes, (size_t)bytes);
    }
    imnn_free(span, SPAN);
    return st;
}

imnn_status imnn_reader_gather(imnn_reader *r, int64_t base, const int64_t *at, int64_t n,
                               void *out)
{
    place few[64], *p = few;
    const size_t room = (size_t)n * sizeof *p;
    if (n > 64 && !(p = imnn_alloc_raw(room))) return IMNN_ENOMEM;
    bool sorted = true;
    for (int64_t i = 0; i < n; i++) {
        p[i] = (place){at[i], i};
        sorted = sorted && (i == 0 || at[i - 1] <= at[i]);
    }
    if (!sorted) qsort(p, (size_t)n, sizeof *p, by_record);
    imnn_status st = read_places(r, base, p, n, out);
    if (p != few) imnn_free(p, room);
    return st;
}

/** Records of i32 numbers. */
static imnn_status gather_i32(imnn_reader *r, int64_t base, const int32_t *at, int64_t n, char *out)
{
    enum { CHUNK = 4096 };
    const int64_t bytes = imnn_reader_record_bytes(r);
    imnn_status st = IMNN_OK;
    for (int64_t i = 0, k; st == IMNN_OK && i < n; i += k) {
        int64_t wide[CHUNK];
        k = n - i < CHUNK ? n - i : CHUNK;
        for (int64_t j = 0; j < k; j++) wide[j] = at[i + j];
        st = imnn_reader_gather(r, base, wide, k, out + i * bytes);
    }
    return st;
}

/* ---- pick ---- */

typedef struct picked {
    imnn_reader *from;
    imnn_array *index;
    int64_t count, all;
} picked;

static imnn_status read_picked(void *self, int64_t begin, int64_t end, void *out)
{
    const picked *p = self;
    const int32_t *at = (const int32_t *)p->index->data + begin % p->count;
    return gather_i32(p->from, begin / p->count * p->all, at, end - begin, out);
}

static void close_picked(void *self)
{
    picked *p = self;
    imnn_reader_release(p->from);
    imnn_array_release(p->index);
    imnn_free(p, sizeof *p);
}

imnn_status imnn_reader_pick(imnn_reader **out, imnn_reader *r, const imnn_array *index)
{
    static const imnn_reader_methods methods = {read_picked, NULL, close_picked};
    *out = NULL;
    if (index->dtype != IMNN_I32 || index->shape.ndim != 1)
        return imnn_fail(index->dtype == IMNN_I32 ? IMNN_ESHAPE : IMNN_EDTYPE,
                         "pick: numbers are i32 (n), got %s %s", imnn_dtype_name(index->dtype),
                         imnn_shape_text(&index->shape).s);
    imnn_shape shape = *imnn_reader_shape(r);
    const int64_t n = index->shape.size[0], all = shape.size[0];
    const int32_t *at = index->data;
    for (int64_t i = 0; i < n; i++)
        if (at[i] < 0 || at[i] >= all)
            return imnn_fail(IMNN_EVALUE, "pick: %s has %lld records, asked for number %d",
                             imnn_reader_name(r), (long long)all, at[i]);
    picked *p = imnn_alloc(sizeof *p);
    if (!p) return IMNN_ENOMEM;
    *p = (picked){imnn_reader_retain(r), imnn_array_retain(index), n, all};
    shape.size[0] = n;
    return imnn_reader_like(out, r, &shape, &methods, p);
}

/* ---- random orders ---- */

enum { ORDERS = 2 }; /* kept: some may still read the last repetition */

struct imnn_order {
    _Atomic int32_t refs;
    int64_t n;
    pthread_mutex_t mutex; /* of the program, which is used by one thread at a time */
    imnn_program *program;
    blocks *orders; /* by repetition */
};

/** The order of a repetition, from 0. */
static imnn_status make_order(void *self, int64_t number, void **out)
{
    imnn_order *o = self;
    imnn_array *which, *order = NULL;
    const double repetition = (double)(uint32_t)(number + 1);
    imnn_status st = imnn_array_from(&which, IMNN_U32, &(imnn_shape){0}, &repetition);
    if (st != IMNN_OK) return st;
    pthread_mutex_lock(&o->mutex);
    st = imnn_program_run(o->program, (const imnn_array *const *)&which, &order);
    pthread_mutex_unlock(&o->mutex);
    imnn_array_release(which);
    *out = order;
    return st;
}

static void drop_order(void *self, void *made)
{
    (void)self;
    imnn_array_release(made);
}

static imnn_status compile_order(imnn_program **out, const imnn_array *key, int64_t n)
{
    imnn_graph *g;
    *out = NULL;
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    const imnn_node which = imnn_graph_input(g, IMNN_U32, &(imnn_shape){0});
    const imnn_node own = imnn_random_fold_in(g, imnn_graph_constant(g, key), which);
    const imnn_node order = imnn_random_order(g, own, n);
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_program_new(out, g, 1, &which, 1, &order);
    imnn_graph_release(g);
    return st;
}

imnn_status imnn_order_new(imnn_order **out, const imnn_array *key, int64_t n)
{
    static const block_maker maker = {make_order, drop_order};
    *out = NULL;
    if (key->dtype != IMNN_U32 || !imnn_shape_equal(&key->shape, &(imnn_shape){1, {2}}))
        return imnn_fail(key->dtype == IMNN_U32 ? IMNN_ESHAPE : IMNN_EDTYPE,
                         "shuffle: a key is u32 (2), got %s %s", imnn_dtype_name(key->dtype),
                         imnn_shape_text(&key->shape).s);
    if (n < 0 || n > INT32_MAX)
        return imnn_fail(IMNN_EVALUE, "shuffle: %lld records are more than 2^31 - 1", (long long)n);
    imnn_order *o = imnn_alloc(sizeof *o);
    if (!o) return IMNN_ENOMEM;
    o->n = n;
    imnn_status st = compile_order(&o->program, key, n);
    if (st == IMNN_OK) st = imnn_blocks_new(&o->orders, ORDERS, true, &maker, o);
    if (st != IMNN_OK) {
        imnn_program_release(o->program);
        imnn_free(o, sizeof *o);
        return st;
    }
    pthread_mutex_init(&o->mutex, NULL);
    atomic_store(&o->refs, 1);
    *out = o;
    return IMNN_OK;
}

void imnn_order_release(imnn_order *o)
{
    if (!o || atomic_fetch_sub(&o->refs, 1) > 1) return;
    imnn_blocks_release(o->orders);
    imnn_program_release(o->program);
    pthread_mutex_destroy(&o->mutex);
    imnn_free(o, sizeof *o);
}

typedef struct shuffled {
    imnn_reader *from;
    imnn_order *order;
} shuffled;

static imnn_status read_shuffled(void *self, int64_t begin, int64_t end, void *out)
{
    const shuffled *s = self;
    const int64_t n = s->order->n, round = begin / n;
    block *b;
    void *own = NULL;
    imnn_status st = imnn_blocks_take(&b, s->order->orders, round);
    if (st == IMNN_OK && !b) st = make_order(s->order, round, &own); /* all others are in use */
    if (st != IMNN_OK) return st;
    const imnn_array *order = b ? b->made : own;
    st = gather_i32(s->from, round * n, (const int32_t *)order->data + begin % n, end - begin, out);
    if (b) imnn_blocks_give(s->order->orders, b);
    imnn_array_release(own);
    return st;
}

static void close_shuffled(void *self)
{
    shuffled *s = self;
    imnn_reader_release(s->from);
    imnn_order_release(s->order);
    imnn_free(s, sizeof *s);
}

imnn_status imnn_reader_shuffle(imnn_reader **out, imnn_reader *r, imnn_order *o)
{
    static const imnn_reader_methods methods = {read_shuffled, NULL, close_shuffled};
    *out = NULL;
    const imnn_shape *shape = imnn_reader_shape(r);
    if (shape->size[0] != o->n)
        return imnn_fail(IMNN_ESHAPE, "shuffle: %s has %lld records, the order is of %lld",
                         imnn_reader_name(r), (long long)shape->size[0], (long long)o->n);
    shuffled *s = imnn_alloc(sizeof *s);
    if (!s) return IMNN_ENOMEM;
    atomic_fetch_add(&o->refs, 1);
    *s = (shuffled){imnn_reader_retain(r), o};
    return imnn_reader_like(out, r, shape, &methods, s);
}
