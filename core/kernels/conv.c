/* Convolutions as matrix products whose matrix is never written: its rows are the numbers that the
 * window meets at a place, and those are adjacent, line by line of the window, in the array itself,
 * where the product reads them (lines and runs of gemm.h).
 *
 * Zeros around an array, or between its elements (the input gradient of a strided convolution),
 * are neither written nor multiplied. Instead the places are divided by which taps of the window
 * meet elements, and every such part is a convolution without zeros. For the derivative in the
 * weights, taps are divided by which places they meet elements at: places and taps play the same
 * part where the window is, and change roles.
 *
 * Groups of very few channels would be products of very few columns. They are summed side by side:
 * each column has numbers of its own (lanes of gemm.h). */
#include "core/kernels/conv.h"
#include "core/kernels/gemm.h"
#include <string.h>

enum {
    BOX_BYTES = 512 << 10, /* of what is read and written at a time: some second level cache */
    LANE_COLUMNS = 16,     /* groups of fewer columns, for one channel, are summed side by side, */
    FEW_COLUMNS = 2,       /* or, for several, those of so many */
    FEW_CHANNELS = 8,      /* are too few rows of the derivative in the weights */
    AXES = 4
};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t cut_up(int64_t n, int64_t by) { return (n + by - 1) / by; }
static int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* ---- parts ---- */

/** Places and taps along a side, [0] being those that are divided: places for the result, taps for
 *  the derivative in the weights. Numbers i and j meet an element where i move[0] + j move[1] - low
 *  is a multiple of base: for those i that are step[0] = base / gcd(move[0], base) apart, a phase,
 *  these are the same j, step[1] apart. */
typedef struct side {
    int64_t n[2], move[2], step[2], low, base, size;
} side;

/** Some that are divided, which all meet the same others, and these. */
typedef struct cut {
    int64_t first[2], count[2];
    int64_t at, move[2]; /* the element that the first ones meet; how far others are from it */
    int64_t all[2], begin[2], origin; /* of this phase, with those that meet padding */
    int64_t phase, phases, end;
} cut;

typedef struct part {
    cut side[3];
} part;

static side side_of(const struct imnn_side *a, bool filter)
{
    side s = {.low = a->low, .base = a->base, .size = a->size};
    s.n[filter] = a->places, s.n[!filter] = a->window;
    s.move[filter] = a->stride, s.move[!filter] = a->dilation;
    for (int k = 0; k < 2; k++) s.step[k] = s.base / imnn_common_divisor(s.move[k], s.base);
    return s;
}

static void begin_phase(cut *c, const side *s, int64_t phase)
{
    const int64_t most = smaller(s->step[1], s->n[1]);
    int64_t t = 0, at = phase * s->move[0] - s->low;
    while (t < most && at % s->base) t++, at += s->move[1];
    for (int k = 0; k < 2; k++) c->move[k] = s->move[k] * s->step[k] / s->base;
    c->begin[0] = phase, c->begin[1] = t;
    c->all[0] = phase < s->n[0] ? cut_up(s->n[0] - phase, s->step[0]) : 0;
    c->all[1] = t < most ? cut_up(s->n[1] - t, s->step[1]) : 0;
    c->origin = t < most ? at / s->base : 0;
    c->phase = phase, c->phases = larger(smaller(s->step[0], s->n[0]), 1);
}

/* Of the others in this phase, those from `low` up to `high` meet elements inside of the array.
 * Both go down where i goes up. */
static void cut_from(cut *c, const side *s, int64_t from)
{
    const int64_t at = c->origin + from * c->move[0], last = s->size - 1;
    const int64_t low = smaller(larger(-floor_of(at, c->move[1]), 0), c->all[1]);
    const int64_t high = larger(smaller(floor_of(last - at, c->move[1]) + 1, c->all[1]), low);
    int64_t end = c->all[0]; /* of those i for which that is so */
    if (low > 0)
        end = smaller(end, floor_of(-c->origin - (low - 1) * c->move[1] - 1, c->move[0]) + 1);
    if (high > low)
        end = smaller(end, floor_of(last - c->origin - (high - 1) * c->move[1], c->move[0]) + 1);
    c->first[0] = c->begin[0] + from * s->step[0], c->count[0] = larger(end - from, 0);
    c->first[1] = c->begin[1] + low * s->step[1], c->count[1] = high - low;
    c->at = at + low * c->move[1];
    c->end = end;
}

/** The first part, and then the next one; gives false after the last. */
static bool next_part(part *p, const side s[3], bool first)
{
    bool more = first;
    for (int d = 2; d >= 0 && (first || !more); d--) {
        cut *c = &p->side[d];
        const bool same = !first && c->end < c->all[0];
        const int64_t phase = first ? 0 : (c->phase + !same) % c->phases;
        if (first || phase != c->phase) begin_phase(c, &s[d], phase);
        cut_from(c, &s[d], same ? c->end : 0);
        more = first || same || phase > 0;
    }
    return more;
}

/* ---- what the products are ---- */

/** What is the same for all examples. */
typedef struct job {
    const imnn_conv *c;
    imnn_window window; /* of what is read: x, or its copy */
    side side[3];
    bool filter, lanes, copies; /* lanes: all groups at once */
    int64_t groups, size;       /* products for a part; bytes of a number */
    int64_t n;                  /* columns of one of them */
    int64_t inner, column;      /* numbers that a tap meets, and from one to the next */
    int64_t element, line, plane, group, image; /* numbers from one to the next */
    int64_t x, y, examples;                     /* bytes of an example; examples at a time */
    bool packs;
    int64_t rows;                        /* of all weights */
    size_t packed_bytes;                 /* of a group */
    char *all, *copy, *packed, *scratch; /* memory, of which `all` is the beginning */
    imnn_gemm_piece *line_at, *run_at;
    size_t bytes;
} job;

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

/* Whether the window meets zeros around x. */
static bool has_border(const imnn_window *w)
{
    for (int d = 0; d < 3; d++) {
        const struct imnn_side *s = &w->side[d];
        const int64_t last = (s->places - 1) * s->stride + (s->window - 1) * s->dilation;
        if (s->low > 0 || last - s->low >= s->size) return true;
    }
    return false;
}

/* Lanes need numbers side by side, and other groups lines of their own; of few channels, taps
 * together are the rows of a product, and all of them have to meet elements at the same places. */
static void plan_copy(job *j)
{
    const imnn_conv *c = j->c;
    const bool spread =
        j->lanes ? c->out != c->in || j->inner != 1 || c->out * j->size % 64 != 0 : j->groups > 1;
    bool dense = true;
    for (int d = 0; d < 3; d++) dense = dense && c->window.side[d].base == 1;
    j->copies = spread || (j->filter && j->inner < FEW_CHANNELS && dense && has_border(&c->window));
    for (int d = 0; d < 3 && j->copies && dense; d++) {
        struct imnn_side *s = &j->window.side[d];
        s->size = larger((s->places - 1) * s->stride + (s->window - 1) * s->dilation + 1, 0);
        s->low = 0;
    }
    j->element = j->inner * j->column;
}

static bool prepare(job *j, int64_t examples)
{
    const imnn_conv *c = j->c;
    const struct imnn_side *s = j->window.side;
    plan_copy(j);
    for (int d = 0; d < 3; d++) j->side[d] = side_of(&s[d], j->filter);
    j->line = s[2].size * j->element, j->plane = s[1].size * j->line;
    j->group = s[0].size * j->plane, j->image = j->groups * j->group;
    j->x = IMNN_WINDOW_COUNT(&c->window, size) * c->in * j->size;
    j->y = IMNN_WINDOW_COUNT(&c->window, places) * c->out * j->size;
    j->examples = larger(smaller(BOX_BYTES / (j->x + j->y + 1), examples), 1);
    j->examples = cut_up(examples, cut_up(examples, j->examples));
    j->rows = IMNN_WINDOW_COUNT(&c->window, window) * j->inner;
    j->packs = !j->filter && (j->groups > 1 || !imnn_gemm_reads_rows(c->dtype, j->n));
    j->packed_bytes =
        j->packs ? aligned(1, (int64_t)imnn_gemm_packed_bytes(c->dtype, j->rows, j->n)) : 0;
    const int64_t places = j->examples * s[0].places * s[1].places,
                  taps = IMNN_WINDOW_COUNT(&j->window, window), piece = sizeof(imnn_gemm_piece);
    const size_t line_bytes = aligned(j->filter ? taps : places, piece),
                 run_bytes = aligned(j->filter ? places : taps, piece),
                 copy_bytes = j->copies ? aligned(j->examples * j->image, j->size) : 0,
                 packed_bytes = (size_t)j->groups * j->packed_bytes;
    j->bytes = line_bytes + run_bytes + copy_bytes + packed_bytes + 64 +
               imnn_gemm_scratch(c->dtype, 1, j->n, j->filter ? places * s[2].places : j->rows);
    char *next = j->all = imnn_alloc_raw(j->bytes);
    if (!next) return false;
    j->line_at = take(&next, line_bytes), j->run_at = take(&next, run_bytes);
    j->copy = take(&next, copy_bytes), j->packed = take(&next, packed_bytes);
    j->scratch = next;
    return true;
}

/* ---- copies ---- */

/* One element: what each column multiplies, for one channel of each group after the other. */
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
    const int64_t all = j->c->in * j->size, bytes = j->element * j->size;
    if (bytes == all && (!j->lanes || j->inner == 1)) {
        memcpy(to, from, (size_t)(count * all));
        return;
    }
    for (int64_t i = 0; i < count; i++, to += bytes, from += all)
        if (j->lanes) copy_lanes(j, to, from);
        else
            for (int64_t g = 0; g < j->groups; g++)
                memcpy(to + g * j->group * j->size, from + g * bytes, (size_t)bytes);
}

/* Zeros around it are there already. */
static void copy_example(const job *j, char *to, const char *x)
{
    const struct imnn_side *s = j->c->window.side, *t = j->window.side;
    const int64_t element = j->c->in * j->size;
    int64_t low[3], from[3], end[3];
    for (int d = 0; d < 3; d++) {
        low[d] = s[d].low - t[d].low;
        from[d] = smaller(larger(low[d], 0), t[d].size);
        end[d] = larger(smaller(low[d] + s[d].size, t[d].size), from[d]);
    }
    for (int64_t a = from[0]; a < end[0]; a++)
        for (int64_t b = from[1]; b < end[1]; b++) {
            const int64_t first = ((a - low[0]) * s[1].size + b - low[1]) * s[2].size - low[2];
            copy_elements(j, to + (a * j->plane + b * j->line + from[2] * j->element) * j->size,
                          x + (first + from[2]) * element, end[2] - from[2]);
        }
}

/* x, or its copy with the zeros that the window meets. */
static const char *look(const job *j, const char *x, int64_t examples, bool first)
{
    if (!j->copies) return x;
    if (first) memset(j->copy, 0, (size_t)(j->examples * j->image * j->size));
    for (int64_t e = 0; e < examples; e++)
        copy_example(j, j->copy + e * j->image * j->size, x + e * j->x);
    return j->copy;
}

/* ---- where products find everything ---- */

/** How many, and numbers from one to the next: in x, and in b or c of the product. */
typedef struct axis {
    int64_t count, a, other;
} axis;

/** Pieces of a product, and what each of them goes along. */
typedef struct pieces {
    int64_t n;
    axis each;
} pieces;

/* Axes, the last one moving fastest; those that go on where the next one ends are one with it.
 * last: pieces go along the last one, be it of size 1. */
static pieces list_pieces(imnn_gemm_piece *to, int64_t first, const axis *x, int n, bool last)
{
    axis y[AXES];
    int m = 0;
    for (int k = 0; k < n; k++) {
        if (x[k].count == 1 && !(last && k == n - 1)) continue;
        if (m && y[m - 1].a == x[k].count * x[k].a && y[m - 1].other == x[k].count * x[k].other)
            y[m - 1] = (axis){y[m - 1].count * x[k].count, x[k].a, x[k].other};
        else y[m++] = x[k];
    }
    pieces p = {.n = 1, .each = m ? y[--m] : (axis){.count = 1}};
    to[0] = (imnn_gemm_piece){0, first};
    for (int k = m - 1; k >= 0; p.n *= y[k--].count)
        for (int64_t i = p.n; i < p.n * y[k].count; i++)
            to[i] = (imnn_gemm_piece){to[i - p.n].a + y[k].a, to[i - p.n].other + y[k].other};
    return p;
}

/* Axes along the sides of a part: of those that are divided (0) or of the others (1). `each`: from
 * one number of a place or tap to the next, in b or c. Gives where the first one is. */
static int64_t add_sides(axis *x, const job *j, const part *p, int which, int64_t each)
{
    const int64_t far[3] = {j->plane, j->line, j->element};
    int64_t first = 0;
    for (int d = 2; d >= 0; d--) {
        const cut *c = &p->side[d];
        x[d] = (axis){c->count[which], c->move[which] * far[d], j->side[d].step[which] * each};
        first += c->first[which] * each;
        each *= j->side[d].n[which];
    }
    return first;
}

static const char *begin_of(const job *j, const part *p, const char *x)
{
    const cut *c = p->side;
    return x + (c[0].at * j->plane + c[1].at * j->line + c[2].at * j->element) * j->size;
}

static bool is_empty(const part *p, int which)
{
    return !p->side[0].count[which] || !p->side[1].count[which] || !p->side[2].count[which];
}

/* ---- forward ---- */

static void pack(const job *j, const char *w)
{
    for (int64_t g = 0; g < j->groups && j->packs; g++)
        imnn_gemm_pack(j->c->dtype, j->packed + (size_t)g * j->packed_bytes, j->rows, j->n,
                       w + g * j->n * j->size, j->c->out, 1);
}

/* So many rows at a time as a cache holds: they are passed over for every block of weights. */
static void multiply(const job *j, const imnn_gemm *g)
{
    const int64_t row = (g->a_row + g->c_row) * j->size + 1;
    if (row * g->m * g->lines <= BOX_BYTES) {
        imnn_gemm_run(j->c->dtype, g);
        return;
    }
    const int64_t rows = smaller(larger(BOX_BYTES / row, 1), g->m);
    const int64_t lines = rows < g->m ? 1 : larger(BOX_BYTES / (row * rows), 1);
    imnn_gemm some = *g;
    for (int64_t i = 0; i < g->lines; i += lines)
        for (int64_t r = 0; r < g->m; r += rows) {
            some.line = g->line + i, some.lines = smaller(lines, g->lines - i);
            some.m = smaller(rows, g->m - r);
            some.a = (const char *)g->a + r * g->a_row * j->size;
            some.c = (char *)g->c + r * g->c_row * j->size;
            imnn_gemm_run(j->c->dtype, &some);
        }
}

static void forward(const job *j, const part *p, char *y, const char *x, const char *w,
                    int64_t examples)
{
    const int64_t out = j->c->out, unit = j->packs ? 1 : out;
    axis line[AXES] = {{examples, j->image, j->y / j->size}}, run[AXES];
    const int64_t place = add_sides(line + 1, j, p, 0, out);
    const int64_t tap = add_sides(run, j, p, 1, j->inner * unit);
    run[3] = (axis){j->inner, j->column, unit};
    const pieces lines = list_pieces(j->line_at, place, line, AXES, false),
                 runs = list_pieces(j->run_at, tap, run, AXES, true);
    const char *from = is_empty(p, 1) ? x : begin_of(j, p, x);
    imnn_gemm g = {.m = lines.each.count,
                   .n = j->n,
                   .k = is_empty(p, 1) ? 0 : runs.each.count,
                   .a_row = lines.each.a,
                   .a_col = runs.each.a,
                   .b_row = out,
                   .b_col = 1,
                   .packed = j->packs,
                   .c_row = lines.each.other,
                   .lines = lines.n,
                   .line = j->line_at,
                   .runs = runs.n,
                   .run = j->run_at,
                   .b_rows = j->rows,
                   .lanes = j->lanes,
                   .scratch = j->scratch};
    for (int64_t i = 0; i < j->groups; i++) {
        g.a = from + i * j->group * j->size;
        g.b = j->packs ? j->packed + (size_t)i * j->packed_bytes : w;
        g.c = y + i * j->n * j->size;
        multiply(j, &g);
    }
}

/* ---- derivative in the weights ---- */

/* Rows of the weights are what is divided, and places of all examples are summed over. */
static void filter(const job *j, const part *p, const char *dy, const char *x, char *dw,
                   int64_t examples, bool accumulate)
{
    const int64_t out = j->c->out;
    axis line[AXES], run[AXES] = {{examples, j->image, j->y / j->size}};
    const int64_t tap = add_sides(line, j, p, 0, j->inner * out);
    line[3] = (axis){j->inner, j->column, out};
    const int64_t place = add_sides(run + 1, j, p, 1, out);
    const pieces lines = list_pieces(j->line_at, tap, line, AXES, false),
                 runs = list_pieces(j->run_at, place, run, AXES, false);
    const char *from = is_empty(p, 1) ? x : begin_of(j, p, x);
    imnn_gemm g = {.m = lines.each.count,
                   .n = j->n,
                   .k = is_empty(p, 1) ? 0 : runs.each.count,
                   .a_row = lines.each.a,
                   .a_col = runs.each.a,
                   .b_row = runs.each.other,
                   .b_col = 1,
                   .c_row = lines.each.other,
                   .accumulate = accumulate,
                   .lines = lines.n,
                   .line = j->line_at,
                   .runs = runs.n,
                   .run = j->run_at,
                   .lanes = j->lanes,
                   .scratch = j->scratch};
    for (int64_t i = 0; i < j->groups; i++) {
        g.a = from + i * j->group * j->size;
        g.b = dy + i * j->n * j->size;
        g.c = dw + i * j->n * j->size;
        imnn_gemm_run(j->c->dtype, &g);
    }
}

/* ---- both ---- */

/* All parts for some examples, and then for others; y and w are read in one direction and written
 * in the other. */
static bool run(const imnn_conv *c, char *y, const char *x, char *w, int64_t examples,
                bool is_filter, bool accumulate)
{
    const int64_t in = c->in / c->groups, out = c->out / c->groups;
    job j = {.c = c,
             .window = c->window,
             .filter = is_filter,
             .size = (int64_t)imnn_dtype_size(c->dtype)};
    j.lanes = c->groups > 1 && (in == 1 ? out < LANE_COLUMNS : out <= FEW_COLUMNS);
    j.groups = j.lanes ? 1 : c->groups, j.n = j.lanes ? c->out : out;
    j.inner = in, j.column = j.lanes ? c->out : 1;
    if (examples == 0) return true;
    if (!prepare(&j, examples)) return false;
    if (!is_filter) pack(&j, w);
    for (int64_t e = 0; e < examples; e += j.examples, x += j.examples * j.x) {
        const int64_t some = smaller(j.examples, examples - e);
        const char *from = look(&j, x, some, e == 0);
        part p;
        for (bool more = next_part(&p, j.side, true); more; more = next_part(&p, j.side, false)) {
            if (is_empty(&p, 0)) continue;
            if (is_filter) filter(&j, &p, y + e * j.y, from, w, some, accumulate || e > 0);
            else forward(&j, &p, y + e * j.y, from, w, some);
        }
    }
    imnn_free(j.all, j.bytes);
    return true;
}

bool imnn_conv_forward(const imnn_conv *c, void *y, const void *x, const void *w, int64_t examples)
{
    return run(c, y, x, (char *)(uintptr_t)w, examples, false, false);
}

bool imnn_conv_filter(const imnn_conv *c, void *dw, const void *x, const void *dy, int64_t examples,
                      bool accumulate)
{
    if (!accumulate && examples == 0)
        memset(dw, 0,
               (size_t)(IMNN_WINDOW_COUNT(&c->window, window) * (c->in / c->groups) * c->out) *
                   imnn_dtype_size(c->dtype));
    return run(c, (char *)(uintptr_t)dy, x, dw, examples, true, accumulate);
}

double imnn_conv_flops(const imnn_conv *c, int64_t examples)
{
    double n = 2.0 * (double)examples * (double)(c->in / c->groups) * (double)c->out;
    for (int d = 0; d < 3; d++) {
        const side s = side_of(&c->window.side[d], false);
        double meetings = 0;
        cut p = {.phases = 1};
        for (int64_t i = 0; i < p.phases; i++) {
            begin_phase(&p, &s, i);
            meetings += (double)p.all[0] * (double)p.all[1];
        }
        n *= meetings;
    }
    return n;
}
