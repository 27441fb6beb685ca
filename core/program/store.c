/* Which rows are kept from one region to a later one, and which are made again there.
 *
 * What a region reads of earlier ones is either kept (its bytes for every row go through memory)
 * or computed again from what is kept: always if that is only cheap elementwise work, and if memory
 * is scarce also if it takes more, at a price in bytes for each operation. The smallest sum of
 * bytes and prices is a minimum cut between what has to be computed once and what is read; among
 * equal ones the cut nearest to the reader, which leaves the least to be done again (Ford &
 * Fulkerson 1956, Can. J. Math. 8, 399). */
#include "core/program/program.h"
#include <math.h>
#include <string.h>

typedef struct edge {
    int32_t to, next; /* the reverse edge is the neighbour: index ^ 1 */
    int64_t room;
} edge;

typedef struct network {
    int32_t *first, *queue, *from;
    edge *e;
    int32_t edges, nodes;
} network;

static const int64_t no_limit = INT64_MAX / 4;

static void connect(network *w, int32_t a, int32_t b, int64_t room)
{
    w->e[w->edges] = (edge){b, w->first[a], room};
    w->first[a] = w->edges++;
    w->e[w->edges] = (edge){a, w->first[b], 0};
    w->first[b] = w->edges++;
}

/* A shortest path with room from node 0 to node 1, as edges in w->from. */
static bool find_path(network *w)
{
    int32_t head = 0, tail = 0;
    for (int32_t i = 0; i < w->nodes; i++) w->from[i] = -1;
    w->queue[tail++] = 0;
    while (head < tail) {
        int32_t a = w->queue[head++];
        for (int32_t k = w->first[a]; k >= 0; k = w->e[k].next) {
            int32_t b = w->e[k].to;
            if (w->e[k].room <= 0 || b == 0 || w->from[b] >= 0) continue;
            w->from[b] = k;
            if (b == 1) return true;
            w->queue[tail++] = b;
        }
    }
    return false;
}

static void fill(network *w)
{
    while (find_path(w)) {
        int64_t flow = no_limit;
        for (int32_t b = 1; b != 0; b = w->e[w->from[b] ^ 1].to)
            if (w->e[w->from[b]].room < flow) flow = w->e[w->from[b]].room;
        for (int32_t b = 1; b != 0; b = w->e[w->from[b] ^ 1].to)
            w->e[w->from[b]].room -= flow, w->e[w->from[b] ^ 1].room += flow;
    }
    /* what still reaches the reader, in w->from */
    int32_t head = 0, tail = 0;
    memset(w->from, 0, (size_t)w->nodes * sizeof *w->from);
    w->from[1] = 1, w->queue[tail++] = 1;
    while (head < tail) {
        int32_t b = w->queue[head++];
        for (int32_t k = w->first[b]; k >= 0; k = w->e[k].next) {
            int32_t a = w->e[k].to;
            if (w->from[a] || w->e[k ^ 1].room <= 0) continue;
            w->from[a] = 1, w->queue[tail++] = a;
        }
    }
}

int64_t imnn_row_bytes(const item *it, int64_t R)
{
    return imnn_shape_count(&it->v->type.shape) / (R ? R : 1) *
           (int64_t)imnn_dtype_size(it->v->type.dtype);
}

static bool is_cheap(const item *it)
{
    return (it->v->op->class == IMNN_MAP && !it->v->op->costly) || it->v->op->class == IMNN_VIEW ||
           it->v->op == &imnn_op_read;
}

/* What it costs to make a row of an item again, in bytes. */
static int64_t price(const imnn_program *p, const item *it, int64_t R)
{
    enum { COSTLY = 16 }; /* operations an element, roughly */
    if (is_cheap(it)) return 0;
    if (p->rate <= 0) return no_limit;
    double work = (double)imnn_shape_count(&it->v->type.shape) * COSTLY;
    if (it->v->op->flops) {
        imnn_type in[it->v->n];
        for (int32_t k = 0; k < it->v->n; k++) in[k] = p->item[it->x[k]].v->type;
        work = it->v->op->flops(it->v, in);
    }
    /* Of equals, what comes first is kept first, or what comes last, so that a part can be kept. */
    const double at = (double)(it - p->item) / (double)p->items,
                 turn = p->last_first ? 1 + at : 2 - at;
    return (int64_t)fmin(p->rate * turn * work / (double)R, 1e15);
}

/* For each item b whose rows item i reads as they flow, of its own space. */
#define EACH_ROW_INPUT(p, i, b)                           \
    for (int32_t k_ = 0, b; k_ < (p)->item[i].v->n; k_++) \
        if (imnn_flows(p, &(p)->item[i], k_) &&           \
            ((b) = (p)->item[(p)->item[i].x[k_]].base, true) && (p)->item[b].v->op)

/* mark: per item; 1 reached. Stack-based walk. */
typedef struct walk {
    int32_t *stack, top;
    char *seen;
} walk;

static void visit(walk *w, int32_t i)
{
    if (w->seen[i]) return;
    w->seen[i] = 1;
    w->stack[w->top++] = i;
}

static imnn_status cut(imnn_program *p, const region *r, const char *frontier)
{
    imnn_status st = IMNN_OK;
    const size_t n = (size_t)p->items, nodes = 2 * n + 2;
    size_t inputs = 0;
    for (size_t i = 0; i < n; i++) inputs += (size_t)p->item[i].v->n;
    const size_t edge_bytes = (2 * (4 * n + inputs) + 8) * sizeof(edge);
    const size_t int_bytes = nodes * sizeof(int32_t);
    network w = {imnn_alloc(int_bytes),
                 imnn_alloc(int_bytes),
                 imnn_alloc(int_bytes),
                 imnn_alloc_raw(edge_bytes),
                 0,
                 (int32_t)nodes};
    walk s = {imnn_alloc(n * sizeof(int32_t)), 0, imnn_alloc(n)};
    if (!w.first || !w.queue || !w.from || !w.e || !s.stack || !s.seen) {
        st = IMNN_ENOMEM;
        goto done;
    }
    memset(w.first, 0xff, int_bytes);
    for (int32_t i = 0; i < p->items; i++)
        if (frontier[i]) visit(&s, i), connect(&w, 2 * i + 3, 1, no_limit);
    while (s.top > 0) {
        int32_t i = s.stack[--s.top];
        const item *it = &p->item[i];
        connect(&w, 2 * i + 2, 2 * i + 3, it->stored ? 0 : imnn_row_bytes(it, p->R[r->space]));
        if (it->stored) continue;
        const int64_t again = price(p, it, p->R[r->space]);
        if (again) connect(&w, 0, 2 * i + 2, again);
        if (again == no_limit) continue;
        EACH_ROW_INPUT(p, i, b)
        {
            connect(&w, 2 * b + 3, 2 * i + 2, no_limit);
            visit(&s, b);
        }
    }
    fill(&w);
    for (int32_t i = 0; i < p->items; i++)
        if (s.seen[i] && w.from[2 * i + 3] && !w.from[2 * i + 2] && !p->item[i].stored)
            p->item[i].stored = true;
done:
    imnn_free(s.seen, n);
    imnn_free(s.stack, n * sizeof(int32_t));
    imnn_free(w.e, edge_bytes);
    imnn_free(w.from, int_bytes);
    imnn_free(w.queue, int_bytes);
    imnn_free(w.first, int_bytes);
    return st;
}

/* Whether item i is a step of its own in region r, its home. */
static bool is_seed(const imnn_program *p, const region *r, int32_t i)
{
    const item *it = &p->item[i];
    if (!it->v->op || it->base != i || it->level != r->level || it->space != r->space) return false;
    if (it->rows == IMNN_ROWS_NONE) return true;
    if (it->rows == IMNN_ROWS_FOLD) return it->v->op->id != IMNN_OP_add;
    return it->stored;
}

static imnn_status gather_members(imnn_program *p, region *r)
{
    imnn_status st = IMNN_OK;
    const size_t n = (size_t)p->items;
    walk s = {imnn_alloc(n * sizeof(int32_t)), 0, imnn_alloc(n)};
    char *frontier = imnn_alloc(n);
    if (!s.stack || !s.seen || !frontier) {
        st = IMNN_ENOMEM;
        goto done;
    }
    bool reads = false;
    for (int32_t i = 0; i < p->items; i++)
        if (is_seed(p, r, i)) visit(&s, i);
    for (int pass = 0; pass < 2; pass++) {
        while (s.top > 0) {
            int32_t i = s.stack[--s.top];
            EACH_ROW_INPUT(p, i, b)
            {
                if (p->item[b].level == r->level) visit(&s, b);
                else if (pass == 0) frontier[b] = 1, reads = true;
                else if (!p->item[b].stored) visit(&s, b);
            }
        }
        if (pass > 0 || !reads) break;
        if ((st = cut(p, r, frontier)) != IMNN_OK) goto done;
        for (int32_t i = 0; i < p->items; i++)
            if (frontier[i] && !p->item[i].stored) visit(&s, i);
    }
    for (int32_t i = 0; i < p->items; i++) r->members += s.seen[i];
    r->member = TAKE(p, r->members + 1, int32_t);
    if (!r->member) {
        st = IMNN_ENOMEM;
        goto done;
    }
    for (int32_t i = 0, k = 0; i < p->items; i++)
        if (s.seen[i]) r->member[k++] = i;
done:
    imnn_free(frontier, n);
    imnn_free(s.seen, n);
    imnn_free(s.stack, n * sizeof(int32_t));
    return st;
}

int32_t imnn_member(const region *r, int32_t x)
{
    int32_t lo = 0, hi = r->members;
    while (lo < hi) {
        int32_t mid = (lo + hi) / 2;
        if (r->member[mid] < x) lo = mid + 1;
        else hi = mid;
    }
    return lo < r->members && r->member[lo] == x ? lo : -1;
}

imnn_status imnn_plan_stores(imnn_program *p)
{
    imnn_status st = IMNN_OK;
    for (int32_t i = 0; i < p->items; i++)
        if (p->item[i].v->op && p->item[i].level + 1 > p->levels) p->levels = p->item[i].level + 1;
    char *used = imnn_alloc((size_t)p->levels * (size_t)p->spaces + 1);
    if (!used) return IMNN_ENOMEM;
    for (int32_t i = 0; i < p->items; i++) {
        const item *it = &p->item[i];
        if (!it->v->op || it->base != i) continue;
        char *u = &used[it->level * p->spaces + it->space];
        p->regions += !*u, *u = 1;
        /* what another region reads whole is kept */
        for (int k = 0; k < it->v->n; k++) {
            item *b = &p->item[p->item[it->x[k]].base];
            if (b->rows == IMNN_ROWS_NONE && b->v->op && (b->level != it->level || it->space != 0))
                b->stored = true;
        }
    }
    p->region = TAKE(p, p->regions + 1, region);
    if (!p->region) st = IMNN_ENOMEM;
    for (int32_t k = 0, n = 0; st == IMNN_OK && k < p->levels * p->spaces; k++)
        if (used[k]) {
            region *r = &p->region[n++];
            r->level = k / p->spaces, r->space = k % p->spaces, r->R = p->R[r->space];
        }
    imnn_free(used, (size_t)p->levels * (size_t)p->spaces + 1);
    for (int32_t k = p->regions - 1; st == IMNN_OK && k >= 0; k--)
        st = gather_members(p, &p->region[k]);
    return st;
}
