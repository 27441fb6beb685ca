/* Convolutions as matrix products whose matrix is never written: its rows are the numbers that the
 * window meets at a place, and those are adjacent, line by line of the window, in an array with
 * zeros around it. So a box of places at a time is copied with its zeros (or not, where it has
 * none), and the product reads it by windows (runs and lines of gemm.h).
 *
 * Zeros between elements (the input gradient of a strided convolution) would be multiplied. Instead
 * the places are divided by which taps of the window meet elements, and every such part is a
 * convolution without zeros.
 *
 * Groups of very few channels would be products of very few columns. They are summed side by side:
 * each column has numbers of its own (lanes of gemm.h). */
#include "core/kernels/conv.h"
#include "core/kernels/gemm.h"
#include <string.h>

enum {
    BOX_BYTES = 256 << 10, /* of what a box meets: a part of the second level cache */
    SHORT = 8,             /* lines of fewer places do not fill the registers of a product */
    FEW_PLACES = 32,       /* of a line that is cut */
    LANE_COLUMNS = 16,     /* groups of fewer columns, for one channel, are summed side by side, */
    FEW_COLUMNS = 2,       /* or, for several, those of so many */
    FEWEST_ROWS = 24,      /* of a matrix that is written after all, for short lines, */
    MOST_ROWS = 512,       /* or so many, */
    ROW_BYTES = 128 << 10, /* or of so many bytes */
    FILTER_ROW_BYTES = 2 << 20 /* its product passes over all weights, so it had better be large */
};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t cut(int64_t n, int64_t by) { return (n + by - 1) / by; }

/** Every place_step-th place and tap_step-th tap of a window, as a window without base. */
typedef struct part {
    imnn_window w;
    int64_t place[3], place_step[3], tap[3], tap_step[3];
    int64_t taps, places;
} part;

/* Place p meets tap t where p stride + t dilation - low is a multiple of base: for places that are
 * base / gcd(stride, base) apart by the same taps, those base / gcd(dilation, base) apart. */
static void divide_side(part *p, int d, const struct imnn_side *a, int64_t place)
{
    struct imnn_side *s = &p->w.side[d];
    const int64_t step = a->base / imnn_common_divisor(a->stride, a->base);
    const int64_t tap_step = a->base / imnn_common_divisor(a->dilation, a->base);
    const int64_t most = smaller(tap_step, a->window);
    int64_t t = 0;
    while (t < most && (place * a->stride + t * a->dilation - a->low) % a->base) t++;
    p->place[d] = place, p->place_step[d] = step, p->tap[d] = t, p->tap_step[d] = tap_step;
    *s = *a;
    s->base = 1;
    s->places = place < a->places ? cut(a->places - place, step) : 0;
    s->window = t < most ? cut(a->window - t, tap_step) : 0;
    s->stride = a->stride * step / a->base, s->dilation = a->dilation * tap_step / a->base;
    s->low = t < most ? -((place * a->stride + t * a->dilation - a->low) / a->base) : 0;
}

/** The first part, and then the next one; gives false after the last. */
static bool next_part(part *p, const imnn_window *w, bool first)
{
    bool more = first;
    for (int d = 2; d >= 0 && (first || !more); d--) {
        const int64_t place = first ? 0 : (p->place[d] + 1) % p->place_step[d];
        divide_side(p, d, &w->side[d], place);
        more = first || place > 0;
    }
    p->taps = IMNN_WINDOW_COUNT(&p->w, window), p->places = IMNN_WINDOW_COUNT(&p->w, places);
    return more;
}

static bool is_whole(const part *p, const imnn_window *w)
{
    bool whole = true;
    for (int d = 0; d < 3; d++)
        whole = whole && p->place_step[d] == 1 && p->w.side[d].window == w->side[d].window;
    return whole;
}

/** What is the same for all examples of one part. */
typedef struct job {
    const imnn_conv *c;
    part p;
    bool lanes, whole;     /* all groups at once; all places and taps are in this part */
    int64_t groups, size;  /* products for a box; bytes of a number */
    int64_t n, k;          /* columns and rows of the weights of one of them */
    int64_t inner, column; /* numbers that a tap meets, and from one to the next */
    int64_t count[3];      /* places in a box */
    bool gathers;          /* lines are short: rows are written */
    int64_t rows;          /* so many of them */
    int64_t box_numbers, packed_bytes; /* of a group */
    /* Memory, of which `all` is the beginning: */
    char *all, *box, *matrix, *part_rows, *weights, *packed, *scratch;
    int64_t *run, *where;
    size_t bytes;
} job;

/** Where the numbers are that a box of places meets. */
typedef struct view {
    const char *at;
    int64_t element, line, plane, group; /* numbers from one to the next */
} view;

static int64_t extent(const struct imnn_side *a, int64_t places)
{
    return a->window ? (places - 1) * a->stride + (a->window - 1) * a->dilation + 1 : 0;
}

/* Boxes of about equal size; along the first axis one place. */
static void choose_boxes(job *j)
{
    const struct imnn_side *s = j->p.w.side;
    const int64_t element = j->groups * j->inner * j->column * j->size;
    const int64_t room = BOX_BYTES / (element * extent(&s[0], 1) + 1);
    const int64_t line = room / larger(extent(&s[1], 1), 1);
    int64_t most = (line - (s[2].window - 1) * s[2].dilation - 1) / s[2].stride + 1;
    most = smaller(larger(most, FEW_PLACES), s[2].places);
    j->count[0] = j->count[1] = 1;
    j->count[2] = cut(s[2].places, cut(s[2].places, most));
    if (j->count[2] < s[2].places) return;
    const int64_t lines = room / larger(extent(&s[2], j->count[2]), 1);
    most = smaller(larger((lines - extent(&s[1], 1)) / s[1].stride + 1, 1), s[1].places);
    j->count[1] = cut(s[1].places, cut(s[1].places, most));
}

static size_t aligned(int64_t numbers, int64_t size)
{
    return ((size_t)(numbers * size) + 127) / 64 * 64; /* and as many as a vector behind them */
}

static void *take(char **next, size_t bytes)
{
    char *p = *next;
    *next += bytes;
    return p;
}

static bool prepare(job *j, bool filter)
{
    const struct imnn_side *s = j->p.w.side;
    choose_boxes(j);
    j->k = j->p.taps * j->inner;
    j->gathers = !j->lanes && j->count[2] < SHORT && j->p.taps > 0;
    const int64_t fit = (filter ? FILTER_ROW_BYTES : ROW_BYTES) / (j->k * j->size + 1);
    j->rows = !j->gathers ? 0 : smaller(larger(fit, FEWEST_ROWS), MOST_ROWS);
    j->box_numbers = extent(&s[0], 1) * extent(&s[1], j->count[1]) * extent(&s[2], j->count[2]) *
                     j->inner * j->column;
    j->packed_bytes =
        filter ? 0 : (int64_t)aligned(1, (int64_t)imnn_gemm_packed_bytes(j->c->dtype, j->k, j->n));
    const int64_t places = j->gathers ? j->rows : j->count[1] * j->count[2];
    const int64_t runs = larger(filter ? j->count[1] : j->p.taps, 1), groups = j->groups;
    const size_t box_bytes = aligned(groups * j->box_numbers, j->size),
                 matrix_bytes = aligned(groups * j->rows * j->k, j->size),
                 rows_bytes = j->whole ? 0 : aligned(places * j->n, j->size),
                 weight_bytes = j->whole ? 0 : aligned(groups * j->k * j->n, j->size),
                 run_bytes = aligned(runs, sizeof(int64_t)),
                 where_bytes = aligned(j->rows, sizeof(int64_t)),
                 packed_bytes = (size_t)(groups * j->packed_bytes),
                 scratch_bytes =
                     imnn_gemm_scratch(j->c->dtype, places, j->n, filter ? places : j->k);
    j->bytes = box_bytes + matrix_bytes + rows_bytes + weight_bytes + run_bytes + where_bytes +
               packed_bytes + scratch_bytes + 64;
    char *next = j->all = imnn_alloc_raw(j->bytes);
    if (!next) return false;
    j->box = take(&next, box_bytes), j->matrix = take(&next, matrix_bytes);
    j->part_rows = take(&next, rows_bytes), j->weights = take(&next, weight_bytes);
    j->run = take(&next, run_bytes), j->where = take(&next, where_bytes);
    j->packed = take(&next, packed_bytes), j->scratch = next;
    return true;
}

/* ---- what a box meets ---- */

/* One element: its channels, or for lanes what each column multiplies, for one channel of each
 * group after the other. */
static void copy_lanes(const job *j, char *to, const char *from)
{
    const int64_t n = j->c->out / j->c->groups;
    for (int64_t i = 0; i < j->inner; i++)
        for (int64_t g = 0; g < j->c->groups; g++)
            for (int64_t o = 0; o < n; o++, to += j->size)
                memcpy(to, from + (g * j->inner + i) * j->size, (size_t)j->size);
}

static void copy_elements(const job *j, char *to, const char *from, int64_t count)
{
    const int64_t all = j->c->in * j->size, bytes = j->inner * j->column * j->size;
    const int64_t group = j->box_numbers * j->size;
    if (bytes == all && (!j->lanes || j->inner == 1)) {
        memcpy(to, from, (size_t)(count * all));
        return;
    }
    for (int64_t i = 0; i < count; i++, to += bytes, from += all)
        if (j->lanes) copy_lanes(j, to, from);
        else
            for (int64_t g = 0; g < j->groups; g++)
                memcpy(to + g * group, from + g * bytes, (size_t)bytes);
}

static void clear(const job *j, char *to, int64_t count)
{
    for (int64_t g = 0; g < j->groups; g++, to += j->box_numbers * j->size)
        memset(to, 0, (size_t)(count * j->inner * j->column * j->size));
}

static void copy_line(const job *j, char *to, const char *line, int64_t start, int64_t count)
{
    const int64_t bytes = j->inner * j->column * j->size, size = j->p.w.side[2].size;
    const int64_t from = smaller(larger(start, 0), start + count);
    const int64_t end = larger(smaller(start + count, size), from);
    clear(j, to, from - start);
    copy_elements(j, to + (from - start) * bytes, line + from * j->c->in * j->size, end - from);
    clear(j, to + (end - start) * bytes, start + count - end);
}

static view look(const job *j, const char *x, const int64_t place[3], const int64_t count[3])
{
    const struct imnn_side *s = j->p.w.side;
    int64_t start[3], size[3];
    bool inside = j->lanes ? j->c->out == j->c->in && j->inner == 1 && j->c->out * j->size % 64 == 0
                           : j->c->groups == 1;
    for (int d = 0; d < 3; d++) {
        start[d] = place[d] * s[d].stride - s[d].low;
        size[d] = extent(&s[d], count[d]);
        inside = inside && start[d] >= 0 && start[d] + size[d] <= s[d].size;
    }
    const int64_t in = j->c->in;
    if (inside)
        return (view){x + ((start[0] * s[1].size + start[1]) * s[2].size + start[2]) * in * j->size,
                      in, s[2].size * in, s[1].size * s[2].size * in, 0};
    const int64_t element = j->inner * j->column;
    const view v = {j->box, element, size[2] * element, size[1] * size[2] * element,
                    j->box_numbers};
    char *to = j->box;
    for (int64_t a = start[0]; a < start[0] + size[0]; a++)
        for (int64_t b = start[1]; b < start[1] + size[1]; b++, to += v.line * j->size)
            if (a < 0 || a >= s[0].size || b < 0 || b >= s[1].size) clear(j, to, size[2]);
            else
                copy_line(j, to, x + (a * s[1].size + b) * s[2].size * in * j->size, start[2],
                          size[2]);
    return v;
}

/* A line of the window meets adjacent numbers. */
static bool is_adjacent(const job *j, const view *v)
{
    return j->p.w.side[2].dilation == 1 && v->element == j->inner * j->column;
}

/* Where in x the lines of the window begin, or its taps; gives how many. */
static int64_t list_runs(const job *j, const view *v)
{
    const struct imnn_side *s = j->p.w.side;
    const int64_t each = is_adjacent(j, v) ? 1 : s[2].window;
    int64_t n = 0;
    for (int64_t a = 0; a < s[0].window; a++)
        for (int64_t b = 0; b < s[1].window; b++)
            for (int64_t c = 0; c < each; c++)
                j->run[n++] = a * s[0].dilation * v->plane + b * s[1].dilation * v->line +
                              c * s[2].dilation * v->element;
    return n;
}

/* Number of a place of this part among all. */
static int64_t place_number(const job *j, int64_t a, int64_t b, int64_t c)
{
    const part *p = &j->p;
    const struct imnn_side *s = j->c->window.side;
    return ((p->place[0] + a * p->place_step[0]) * s[1].places + p->place[1] +
            b * p->place_step[1]) *
               s[2].places +
           p->place[2] + c * p->place_step[2];
}

/* Number of a tap of this part among all. */
static int64_t tap_number(const job *j, int64_t a, int64_t b, int64_t c)
{
    const part *p = &j->p;
    const struct imnn_side *s = j->c->window.side;
    return ((p->tap[0] + a * p->tap_step[0]) * s[1].window + p->tap[1] + b * p->tap_step[1]) *
               s[2].window +
           p->tap[2] + c * p->tap_step[2];
}

/* The weights of the taps of this part are copied from w, group by group, or back. */
static void copy_weights(const job *j, char *w, bool back)
{
    const struct imnn_side *s = j->p.w.side;
    const int64_t row = j->c->out * j->size, bytes = j->n * j->size;
    char *part_w = j->weights;
    for (int64_t g = 0; g < j->groups; g++, w += bytes)
        for (int64_t a = 0; a < s[0].window; a++)
            for (int64_t b = 0; b < s[1].window; b++)
                for (int64_t c = 0; c < s[2].window; c++) {
                    char *at = w + tap_number(j, a, b, c) * j->inner * row;
                    for (int64_t i = 0; i < j->inner; i++, at += row, part_w += bytes)
                        memcpy(back ? at : part_w, back ? part_w : at, (size_t)bytes);
                }
}

/* For every box: where it begins, and how many places it has. */
#define FOR_BOXES(j, AT, COUNT, ACTION)                                                            \
    for (int64_t a_ = 0; a_ < (j)->p.w.side[0].places; a_++)                                       \
        for (int64_t b_ = 0; b_ < (j)->p.w.side[1].places; b_ += (j)->count[1])                    \
            for (int64_t c_ = 0; c_ < (j)->p.w.side[2].places; c_ += (j)->count[2]) {              \
                const int64_t AT[3] = {a_, b_, c_},                                                \
                              COUNT[3] = {1, smaller((j)->count[1], (j)->p.w.side[1].places - b_), \
                                          smaller((j)->count[2], (j)->p.w.side[2].places - c_)};   \
                ACTION;                                                                            \
            }

/** Rows of the matrix that are written, waiting to be multiplied. */
typedef struct rows {
    int64_t count;
    char *first; /* of y or dy, at the first of them */
} rows;

static void gather_row(const job *j, const view *v, int64_t row, const char *from, int64_t runs)
{
    const size_t bytes = (size_t)(j->k / runs * j->size);
    for (int64_t g = 0; g < j->groups; g++, from += v->group * j->size) {
        char *to = j->matrix + (g * j->rows + row) * j->k * j->size;
        for (int64_t r = 0; r < runs; r++, to += bytes)
            memcpy(to, from + j->run[r] * j->size, bytes);
    }
}

typedef void flush_fn(const job *j, rows *waiting, char *w, bool *accumulate);

/* The rows of a box, flushed whenever the matrix is full. */
static void gather_box(const job *j, rows *waiting, char *y, const view *v, const int64_t at[3],
                       const int64_t count[3], flush_fn *flush, char *w, bool *accumulate)
{
    const struct imnn_side *s = j->p.w.side;
    const int64_t runs = list_runs(j, v);
    for (int64_t b = 0; b < count[1]; b++)
        for (int64_t c = 0; c < count[2]; c++) {
            const int64_t from = b * s[1].stride * v->line + c * s[2].stride * v->element;
            char *to = y + place_number(j, at[0], at[1] + b, at[2] + c) * j->c->out * j->size;
            gather_row(j, v, waiting->count, v->at + from * j->size, runs);
            if (!waiting->count) waiting->first = to;
            j->where[waiting->count++] = to - waiting->first;
            if (waiting->count == j->rows) flush(j, waiting, w, accumulate);
        }
}

/* ---- forward ---- */

static void pack(const job *j, char *w)
{
    if (!j->whole) copy_weights(j, w, false);
    for (int64_t g = 0; g < j->groups; g++)
        imnn_gemm_pack(j->c->dtype, j->packed + g * j->packed_bytes, j->k, j->n,
                       j->whole ? w + g * j->n * j->size : j->weights + g * j->k * j->n * j->size,
                       j->whole ? j->c->out : j->n, 1);
}

static void forward_rows(const job *j, rows *waiting, char *w, bool *accumulate)
{
    const int64_t bytes = j->n * j->size;
    for (int64_t g = 0; g < j->groups; g++) {
        char *y = waiting->first + g * bytes;
        imnn_gemm_run(j->c->dtype, &(imnn_gemm){.m = waiting->count,
                                                .n = j->n,
                                                .k = j->k,
                                                .a = j->matrix + g * j->rows * j->k * j->size,
                                                .a_row = j->k,
                                                .a_col = 1,
                                                .b = j->packed + g * j->packed_bytes,
                                                .packed = true,
                                                .c = j->whole ? y : j->part_rows,
                                                .c_row = j->whole ? j->c->out : j->n,
                                                .scratch = j->scratch});
        for (int64_t i = 0; !j->whole && i < waiting->count; i++)
            memcpy(y + j->where[i], j->part_rows + i * bytes, (size_t)bytes);
    }
    waiting->count = 0;
}

static void forward_box(const job *j, char *y, const view *v, const int64_t at[3],
                        const int64_t count[3])
{
    const struct imnn_side *s = j->p.w.side;
    const int64_t runs = list_runs(j, v), out = j->c->out;
    imnn_gemm g = {.m = count[2],
                   .n = j->n,
                   .k = runs ? j->k / runs : 0,
                   .a_row = s[2].stride * v->element,
                   .a_col = j->column,
                   .packed = true,
                   .c_row = j->p.place_step[2] * out,
                   .lines = count[1],
                   .a_line = s[1].stride * v->line,
                   .c_line = j->p.place_step[1] * j->c->window.side[2].places * out,
                   .runs = runs,
                   .run = j->run,
                   .lanes = j->lanes,
                   .scratch = j->scratch};
    if (g.a_line == g.m * g.a_row && g.c_line == g.m * g.c_row) g.m *= g.lines, g.lines = 1;
    y += place_number(j, at[0], at[1], at[2]) * out * j->size;
    for (int64_t i = 0; i < j->groups; i++) {
        g.a = v->at + i * v->group * j->size;
        g.b = j->packed + i * j->packed_bytes;
        g.c = y + i * j->n * j->size;
        imnn_gemm_run(j->c->dtype, &g);
    }
}

static void forward(const job *j, char *y, const char *x, char *w, int64_t examples)
{
    const int64_t x_bytes = IMNN_WINDOW_COUNT(&j->c->window, size) * j->c->in * j->size,
                  y_bytes = IMNN_WINDOW_COUNT(&j->c->window, places) * j->c->out * j->size;
    rows waiting = {0};
    pack(j, w);
    for (int64_t e = 0; e < examples; e++, x += x_bytes, y += y_bytes)
        FOR_BOXES(j, at, count, {
            const view v = j->p.taps ? look(j, x, at, count) : (view){.at = x};
            if (j->gathers) gather_box(j, &waiting, y, &v, at, count, forward_rows, NULL, NULL);
            else forward_box(j, y, &v, at, count);
        })
    if (waiting.count) forward_rows(j, &waiting, NULL, NULL);
}

/* ---- derivative in the weights ---- */

/* Where the derivative of the weights of a group is summed. */
static char *group_weights(const job *j, char *w, int64_t g)
{
    return w + g * j->n * j->size * (j->whole ? 1 : j->k);
}

static void filter_rows(const job *j, rows *waiting, char *w, bool *accumulate)
{
    const int64_t bytes = j->n * j->size;
    for (int64_t g = 0; g < j->groups; g++) {
        const char *dy = waiting->first + g * bytes;
        for (int64_t i = 0; !j->whole && i < waiting->count; i++)
            memcpy(j->part_rows + i * bytes, dy + j->where[i], (size_t)bytes);
        imnn_gemm_run(j->c->dtype, &(imnn_gemm){.m = j->k,
                                                .n = j->n,
                                                .k = waiting->count,
                                                .a = j->matrix + g * j->rows * j->k * j->size,
                                                .a_row = 1,
                                                .a_col = j->k,
                                                .b = j->whole ? dy : j->part_rows,
                                                .b_row = j->whole ? j->c->out : j->n,
                                                .b_col = 1,
                                                .c = group_weights(j, w, g),
                                                .c_row = j->whole ? j->c->out : j->n,
                                                .accumulate = *accumulate,
                                                .scratch = j->scratch});
    }
    waiting->count = 0;
    *accumulate = true;
}

/* Cotangents of a box of the places of a part, one after the other. */
static void copy_places(const job *j, const char *dy, const int64_t at[3], const int64_t count[3])
{
    const int64_t bytes = j->n * j->size;
    char *to = j->part_rows;
    for (int64_t p = 0; p < count[1]; p++)
        for (int64_t q = 0; q < count[2]; q++, to += bytes) {
            const int64_t place = place_number(j, at[0], at[1] + p, at[2] + q);
            memcpy(to, dy + place * j->c->out * j->size, (size_t)bytes);
        }
}

/* Rows of the weights are windows now, and places are what is summed over. */
static void filter_box(const job *j, char *w, const char *dy, const view *v, const int64_t at[3],
                       const int64_t count[3], bool accumulate)
{
    const struct imnn_side *s = j->p.w.side;
    const bool adjacent = is_adjacent(j, v);
    const int64_t row = j->whole ? j->c->out : j->n;
    for (int64_t i = 0; i < count[1]; i++) j->run[i] = i * s[1].stride * v->line;
    imnn_gemm g = {.m = adjacent ? s[2].window * j->inner : j->inner,
                   .n = j->n,
                   .k = count[2],
                   .a_row = j->column,
                   .a_col = s[2].stride * v->element,
                   .b_row = row,
                   .b_col = 1,
                   .c_row = row,
                   .accumulate = accumulate,
                   .lines = adjacent ? s[1].window : s[2].window,
                   .a_line = adjacent ? s[1].dilation * v->line : s[2].dilation * v->element,
                   .runs = count[1],
                   .run = j->run,
                   .lanes = j->lanes,
                   .scratch = j->scratch};
    g.c_line = g.m * row;
    if (s[1].stride * v->line == g.k * g.a_col) g.k *= g.runs, g.runs = 1;
    for (int64_t i = 0; i < j->groups; i++, dy += j->n * j->size) {
        const char *a = v->at + i * v->group * j->size;
        char *c = group_weights(j, w, i);
        g.b = j->whole ? dy + place_number(j, at[0], at[1], at[2]) * j->c->out * j->size
                       : j->part_rows;
        if (!j->whole) copy_places(j, dy, at, count);
        for (int64_t p = 0; p < s[0].window; p++)
            for (int64_t q = 0; q < (adjacent ? 1 : s[1].window); q++) {
                g.a = a + (p * s[0].dilation * v->plane + q * s[1].dilation * v->line) * j->size;
                g.c = c;
                imnn_gemm_run(j->c->dtype, &g);
                c += g.lines * g.c_line * j->size;
            }
    }
}

static void filter(const job *j, char *dy, const char *x, char *dw, int64_t examples,
                   bool accumulate)
{
    const int64_t x_bytes = IMNN_WINDOW_COUNT(&j->c->window, size) * j->c->in * j->size,
                  y_bytes = IMNN_WINDOW_COUNT(&j->c->window, places) * j->c->out * j->size;
    rows waiting = {0};
    char *const w = j->whole ? dw : j->weights;
    if (!j->whole) copy_weights(j, dw, false);
    for (int64_t e = 0; e < examples; e++, x += x_bytes, dy += y_bytes)
        FOR_BOXES(j, at, count, {
            const view v = look(j, x, at, count);
            if (j->gathers) {
                gather_box(j, &waiting, dy, &v, at, count, filter_rows, w, &accumulate);
            } else {
                filter_box(j, w, dy, &v, at, count, accumulate);
                accumulate = true;
            }
        })
    if (waiting.count) filter_rows(j, &waiting, w, &accumulate);
    if (!j->whole) copy_weights(j, dw, true);
}

/* ---- both ---- */

/* All parts; y and w are read in one direction and written in the other. */
static bool run(const imnn_conv *c, char *y, const char *x, char *w, int64_t examples,
                bool is_filter, bool accumulate)
{
    const int64_t in = c->in / c->groups, out = c->out / c->groups;
    job j = {.c = c, .size = (int64_t)imnn_dtype_size(c->dtype)};
    j.lanes = c->groups > 1 && (in == 1 ? out < LANE_COLUMNS : out <= FEW_COLUMNS);
    j.groups = j.lanes ? 1 : c->groups, j.n = j.lanes ? c->out : out;
    j.inner = in, j.column = j.lanes ? c->out : 1;
    for (bool more = next_part(&j.p, &c->window, true); more;
         more = next_part(&j.p, &c->window, false)) {
        j.whole = is_whole(&j.p, &c->window);
        if (j.p.places == 0 || (is_filter && j.p.taps == 0)) continue;
        if (!prepare(&j, is_filter)) return false;
        if (is_filter) filter(&j, y, x, w, examples, accumulate);
        else forward(&j, y, x, w, examples);
        imnn_free(j.all, j.bytes);
    }
    return true;
}

bool imnn_conv_forward(const imnn_conv *c, void *y, const void *x, const void *w, int64_t examples)
{
    return run(c, y, x, (char *)(uintptr_t)w, examples, false, false);
}

bool imnn_conv_filter(const imnn_conv *c, void *dw, const void *x, const void *dy, int64_t examples,
                      bool accumulate)
{
    part first = {.taps = 0};
    next_part(&first, &c->window, true);
    const bool empty = examples == 0 || IMNN_WINDOW_COUNT(&c->window, places) == 0;
    if (!accumulate && (empty || !is_whole(&first, &c->window))) { /* taps that meet nothing */
        memset(dw, 0,
               (size_t)(IMNN_WINDOW_COUNT(&c->window, window) * (c->in / c->groups) * c->out) *
                   imnn_dtype_size(c->dtype));
        accumulate = true;
    }
    return run(c, (char *)(uintptr_t)dy, x, dw, examples, true, accumulate);
}

double imnn_conv_flops(const imnn_conv *c, int64_t examples)
{
    double n = 2.0 * (double)examples * (double)(c->in / c->groups) * (double)c->out;
    for (int d = 0; d < 3; d++) {
        double meetings = 0;
        part p = {.place_step = {1, 1, 1}};
        for (int64_t i = 0; i < smaller(p.place_step[d], c->window.side[d].places); i++) {
            divide_side(&p, d, &c->window.side[d], i);
            meetings += (double)p.w.side[d].places * (double)p.w.side[d].window;
        }
        n *= meetings;
    }
    return n;
}
