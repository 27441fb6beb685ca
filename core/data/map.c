/* Records that a program makes of other records. */
#include "core/data/blocks.h"
#include "core/data/reader.h"
#include "imnn/program.h"
#include <pthread.h>
#include <string.h>

/** A program that is not running just now. */
typedef struct idle {
    struct idle *next;
    imnn_program *program;
} idle;

/** What the readers of all results have in common. */
typedef struct mapper {
    _Atomic int32_t refs;
    imnn_graph *graph;
    imnn_node *x, *y;
    imnn_reader **from;
    int32_t nx, ny;
    int64_t each, count, round; /* records of a block and a repetition, blocks of a repetition */
    pthread_mutex_t mutex;      /* of the graph and the list */
    idle *idle;
    blocks *blocks; /* of ny arrays (each, ...) */
} mapper;

typedef struct mapped {
    mapper *m;
    int32_t which;
    int64_t bytes; /* of a record */
} mapped;

static void release_mapper(mapper *m)
{
    if (atomic_fetch_sub(&m->refs, 1) > 1) return;
    imnn_blocks_release(m->blocks);
    for (idle *i = m->idle, *next; i; i = next) {
        next = i->next;
        imnn_program_release(i->program);
        imnn_free(i, sizeof *i);
    }
    for (int32_t i = 0; m->from && i < m->nx; i++) imnn_reader_release(m->from[i]);
    imnn_free(m->from, (size_t)m->nx * sizeof *m->from);
    imnn_free(m->x, (size_t)m->nx * sizeof *m->x);
    imnn_free(m->y, (size_t)m->ny * sizeof *m->y);
    imnn_graph_release(m->graph);
    pthread_mutex_destroy(&m->mutex);
    imnn_free(m, sizeof *m);
}

/* ---- programs: as many as run at the same time ---- */

static imnn_status find_program(idle **out, mapper *m)
{
    imnn_status st = IMNN_OK;
    pthread_mutex_lock(&m->mutex);
    idle *i = m->idle;
    if (i) m->idle = i->next;
    else if (!(i = imnn_alloc(sizeof *i))) st = IMNN_ENOMEM;
    else st = imnn_program_new(&i->program, m->graph, m->nx, m->x, m->ny, m->y);
    pthread_mutex_unlock(&m->mutex);
    if (st != IMNN_OK) imnn_free(i, sizeof *i), i = NULL;
    *out = i;
    return st;
}

static void leave_program(mapper *m, idle *i)
{
    pthread_mutex_lock(&m->mutex);
    i->next = m->idle;
    m->idle = i;
    pthread_mutex_unlock(&m->mutex);
}

/* ---- blocks ---- */

static void drop_block(void *self, void *made)
{
    const mapper *m = self;
    imnn_array **y = made;
    for (int32_t i = 0; i < m->ny; i++) imnn_array_release(y[i]);
    imnn_free(y, (size_t)m->ny * sizeof(imnn_array *));
}

/** A whole block of input i. Where the last one has fewer records, its first one stands for those
 *  that are not there: blocks have one size, since a program of another may round otherwise. */
static imnn_status read_block(imnn_array **out, const mapper *m, int32_t i, int64_t begin,
                              int64_t end)
{
    imnn_shape shape = *imnn_reader_shape(m->from[i]);
    const size_t bytes = (size_t)imnn_reader_record_bytes(m->from[i]);
    shape.size[0] = m->each;
    imnn_status st = imnn_array_new(out, imnn_reader_dtype(m->from[i]), &shape);
    if (st != IMNN_OK) return st;
    char *data = (*out)->data;
    st = imnn_reader_go_on(m->from[i], begin, end, data);
    for (int64_t k = end - begin; st == IMNN_OK && k < m->each; k++)
        memcpy(data + (size_t)k * bytes, data, bytes);
    return st;
}

static imnn_status run_block(mapper *m, int64_t begin, int64_t end, imnn_array **y)
{
    imnn_array *x[m->nx];
    idle *program = NULL;
    imnn_status st = IMNN_OK;
    memset(x, 0, sizeof x);
    for (int32_t i = 0; st == IMNN_OK && i < m->nx; i++) st = read_block(&x[i], m, i, begin, end);
    if (st == IMNN_OK) st = find_program(&program, m);
    if (st == IMNN_OK) st = imnn_program_run(program->program, (const imnn_array *const *)x, y);
    if (program) leave_program(m, program);
    for (int32_t i = 0; i < m->nx; i++) imnn_array_release(x[i]);
    return st;
}

static imnn_status make_block(void *self, int64_t number, void **out)
{
    mapper *m = self;
    const int64_t first = number / m->round * m->count, begin = first + number % m->round * m->each;
    const int64_t end = begin + m->each < first + m->count ? begin + m->each : first + m->count;
    imnn_array **y = imnn_alloc((size_t)m->ny * sizeof(imnn_array *));
    imnn_status st = y ? run_block(m, begin, end, y) : IMNN_ENOMEM;
    if (st == IMNN_OK) *out = y;
    else imnn_free(y, (size_t)m->ny * sizeof(imnn_array *));
    return st;
}

static imnn_status read_mapped(void *self, int64_t begin, int64_t end, void *out)
{
    const mapped *s = self;
    mapper *m = s->m;
    char *to = out;
    while (begin < end) {
        const int64_t first = begin / m->count * m->count, at = (begin - first) % m->each;
        const int64_t number = begin / m->count * m->round + (begin - first) / m->each;
        const int64_t n = end - begin < m->each - at ? end - begin : m->each - at;
        block *b;
        void *own = NULL;
        imnn_status st = imnn_blocks_take(&b, m->blocks, number);
        if (st == IMNN_OK && !b) st = make_block(m, number, &own); /* all others are in use */
        if (st != IMNN_OK) return st;
        imnn_array *const *y = b ? b->made : own;
        memcpy(to, (const char *)y[s->which]->data + at * s->bytes, (size_t)(n * s->bytes));
        if (b) imnn_blocks_give(m->blocks, b);
        if (own) drop_block(m, own);
        begin += n, to += n * s->bytes;
    }
    return IMNN_OK;
}

static void advise_mapped(void *self, int64_t begin, int64_t end)
{
    const mapped *s = self;
    for (int32_t i = 0; i < s->m->nx; i++) imnn_reader_advise(s->m->from[i], begin, end);
}

static void close_mapped(void *self)
{
    mapped *s = self;
    release_mapper(s->m);
    imnn_free(s, sizeof *s);
}

/* ---- making them ---- */

static imnn_status check_inputs(const imnn_graph *g, int nx, const imnn_node *x,
                                imnn_reader *const *r)
{
    for (int i = 0; i < nx; i++) {
        const imnn_shape *in = imnn_graph_shape(g, x[i]), *first = imnn_graph_shape(g, x[0]);
        imnn_shape is = *imnn_reader_shape(r[i]);
        if (is.size[0] != imnn_reader_shape(r[0])->size[0])
            return imnn_fail(IMNN_EVALUE, "map: %s has %lld records, %s has %lld",
                             imnn_reader_name(r[0]), (long long)imnn_reader_shape(r[0])->size[0],
                             imnn_reader_name(r[i]), (long long)is.size[0]);
        is.size[0] = first->size[0];
        const imnn_dtype want = imnn_graph_dtype(g, x[i]), have = imnn_reader_dtype(r[i]);
        if (want != have || !imnn_shape_equal(in, &is) || is.size[0] < 1)
            return imnn_fail(want != have ? IMNN_EDTYPE : IMNN_ESHAPE,
                             "map: input %d is %s %s, a block of %s is %s %s", i + 1,
                             imnn_dtype_name(want), imnn_shape_text(in).s, imnn_reader_name(r[i]),
                             imnn_dtype_name(have), imnn_shape_text(&is).s);
    }
    return IMNN_OK;
}

static int64_t block_bytes(const imnn_graph *g, int n, const imnn_node *x)
{
    int64_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += imnn_shape_count(imnn_graph_shape(g, x[i])) *
                 (int64_t)imnn_dtype_size(imnn_graph_dtype(g, x[i]));
    return bytes;
}

static imnn_status new_mapper(mapper **out, imnn_graph *g, int nx, const imnn_node *x,
                              imnn_reader *const *r, int ny, const imnn_node *y)
{
    enum { KEPT = 64 << 20, MOST = 1024 };
    static const block_maker maker = {make_block, drop_block};
    mapper *m = imnn_alloc(sizeof *m);
    *out = NULL;
    if (!m) return IMNN_ENOMEM;
    atomic_store(&m->refs, 1);
    pthread_mutex_init(&m->mutex, NULL);
    m->graph = imnn_graph_retain(g), m->nx = nx, m->ny = ny;
    m->each = imnn_graph_shape(g, x[0])->size[0], m->count = imnn_reader_shape(r[0])->size[0];
    m->round = (m->count + m->each - 1) / m->each;
    m->x = imnn_alloc((size_t)nx * sizeof *m->x);
    m->y = imnn_alloc((size_t)ny * sizeof *m->y);
    m->from = imnn_alloc((size_t)nx * sizeof *m->from);
    int64_t most = KEPT / (block_bytes(g, ny, y) + 1), least = imnn_threads() + 1;
    most = most < MOST ? most : MOST;
    imnn_status st = m->x && m->y && m->from ? IMNN_OK : IMNN_ENOMEM;
    if (st == IMNN_OK)
        st = imnn_blocks_new(&m->blocks, most < least ? least : most, true, &maker, m);
    for (int i = 0; st == IMNN_OK && i < nx; i++)
        m->x[i] = x[i], m->from[i] = imnn_reader_retain(r[i]);
    if (st == IMNN_OK) memcpy(m->y, y, (size_t)ny * sizeof *y);
    idle *program = NULL; /* so that what does not compile says so at once */
    if (st == IMNN_OK) st = find_program(&program, m);
    if (program) leave_program(m, program);
    if (st == IMNN_OK) *out = m;
    else release_mapper(m);
    return st;
}

static imnn_status new_mapped(imnn_reader **out, const char *name, mapper *m, int32_t i)
{
    static const imnn_reader_methods methods = {read_mapped, advise_mapped, close_mapped};
    imnn_shape shape = *imnn_graph_shape(m->graph, m->y[i]);
    const imnn_dtype dtype = imnn_graph_dtype(m->graph, m->y[i]);
    mapped *s = imnn_alloc(sizeof *s);
    if (!s) return IMNN_ENOMEM;
    atomic_fetch_add(&m->refs, 1);
    *s = (mapped){m, i, imnn_shape_count(&shape) / m->each * (int64_t)imnn_dtype_size(dtype)};
    shape.size[0] = m->count;
    return imnn_reader_derive(out, name, dtype, &shape, &methods, s);
}

imnn_status imnn_reader_map(imnn_reader **out, const char *name, imnn_graph *g, int nx,
                            const imnn_node *x, imnn_reader *const *r, int ny, const imnn_node *y)
{
    for (int i = 0; i < ny; i++) out[i] = NULL;
    if (nx < 1 || ny < 1) return imnn_fail(IMNN_EVALUE, "map: of %d readers %d", nx, ny);
    imnn_status st = imnn_graph_status(g);
    if (st == IMNN_OK) st = check_inputs(g, nx, x, r);
    for (int i = 0; st == IMNN_OK && i < ny; i++) {
        const imnn_shape *s = imnn_graph_shape(g, y[i]);
        if (s->ndim < 1 || s->size[0] != imnn_graph_shape(g, x[0])->size[0])
            st = imnn_fail(IMNN_EVALUE, "map: result %d is %s, not a block of %lld records", i + 1,
                           imnn_shape_text(s).s, (long long)imnn_graph_shape(g, x[0])->size[0]);
    }
    mapper *m;
    if (st == IMNN_OK) st = new_mapper(&m, g, nx, x, r, ny, y);
    if (st != IMNN_OK) return st;
    for (int i = 0; st == IMNN_OK && i < ny; i++) st = new_mapped(&out[i], name, m, i);
    for (int i = 0; st != IMNN_OK && i < ny; i++) imnn_reader_release(out[i]), out[i] = NULL;
    release_mapper(m);
    return st;
}
