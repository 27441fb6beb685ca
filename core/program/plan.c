/* What goes by rows, and when: every node becomes an item with a row space and a level. */
#include "core/graph/body.h"
#include "core/program/program.h"
#include <string.h>

enum { HEAVY_ELEMENTS = 8192, HEAVY_FLOPS = 1000000, FEWEST_ROWS = 8 };

/* Results that are no fresh values (an input, a view), and inputs that a kernel needs side by
 * side, are copied; the copy is an elementwise operator of the program only. */
const imnn_op imnn_op_copy = {
    .name = "copy", .id = -1, .arity = 1, .class = IMNN_MAP, .rows = imnn_rows_map};
/* The end of a filtered program: a sum over rows of a kind, of lists. */
/* Records of an input, from a reader. */
const imnn_op imnn_op_read = {.name = "read", .id = -3, .arity = 1, .class = IMNN_CALL};
const imnn_op imnn_op_emit = {.name = "emit", .id = -2, .arity = -1, .class = IMNN_CALL};

imnn_view imnn_contiguous(const imnn_shape *s)
{
    imnn_view w = {.shape = *s};
    int64_t next = 1;
    for (int k = s->ndim - 1; k >= 0; k--) w.stride[k] = next, next *= s->size[k];
    return w;
}

static bool is_contiguous(const imnn_view *w)
{
    int64_t next = 1;
    for (int k = w->shape.ndim - 1; k >= 0; k--) {
        if (w->shape.size[k] != 1 && w->stride[k] != next) return false;
        next *= w->shape.size[k];
    }
    return true;
}

static int64_t lead(const imnn_shape *s)
{
    for (int k = 0; k < s->ndim; k++)
        if (s->size[k] != 1) return s->size[k];
    return 1;
}

static int32_t space_of(imnn_program *p, int64_t R)
{
    for (int32_t s = 1; s < p->spaces; s++)
        if (p->R[s] == R) return s;
    p->R[p->spaces] = R;
    return p->spaces++;
}

static bool is_heavy(const item *it, const imnn_type *in)
{
    if (it->v->op->class == IMNN_HOLD) return true;
    int64_t out = imnn_shape_count(&it->v->type.shape), most = out;
    for (int i = 0; i < it->v->n; i++) {
        int64_t n = imnn_shape_count(&in[i].shape);
        const bool reads_all = it->v->op->class != IMNN_CALL || it->v->n == 1;
        if (reads_all && n > most) most = n;
    }
    if (it->v->op->flops && it->v->op->flops(it->v, in) >= HEAVY_FLOPS) return true;
    return it->v->op->class != IMNN_MATMUL && most >= HEAVY_ELEMENTS;
}

/* The rule of the operator, for rows of space s where inputs come so. */
static imnn_rows ask(const imnn_program *p, const item *it, const imnn_type *in, int32_t space,
                     int64_t R, bool *by)
{
    for (int i = 0; i < it->v->n; i++) {
        const item *x = &p->item[it->x[i]];
        by[i] = space && x->rows == IMNN_ROWS_EACH && x->space == space;
    }
    if (R < 1 || !it->v->op->rows) return IMNN_ROWS_NONE;
    imnn_rows rows = it->v->op->rows(it->v, in, R, by);
    if (rows == IMNN_ROWS_EACH && imnn_row_axis(&it->v->type.shape, R) < 0) return IMNN_ROWS_NONE;
    for (int i = 0; i < it->v->n && rows != IMNN_ROWS_NONE; i++)
        if (by[i] && imnn_row_axis(&in[i].shape, R) < 0) return IMNN_ROWS_NONE;
    return rows;
}

/* Rows from inputs that come by rows: the space that most of the data has. */
static bool inherit(const imnn_program *p, item *it, const imnn_type *in)
{
    int32_t tried = 0;
    for (;;) {
        int32_t best = 0;
        int64_t most = -1;
        for (int i = 0; i < it->v->n; i++) {
            const item *x = &p->item[it->x[i]];
            int64_t n = imnn_shape_count(&in[i].shape);
            if (x->rows == IMNN_ROWS_EACH && x->space > tried && n > most)
                best = x->space, most = n;
        }
        if (!best) return false;
        it->rows = ask(p, it, in, best, p->R[best], it->by);
        it->space = best;
        if (it->rows != IMNN_ROWS_NONE) return true;
        tried = best;
    }
}

static bool try_rows(imnn_program *p, item *it, const imnn_type *in, int64_t R)
{
    if (R < FEWEST_ROWS) return false;
    it->rows = ask(p, it, in, 0, R, it->by);
    if (it->rows == IMNN_ROWS_NONE) return false;
    it->space = space_of(p, R);
    return true;
}

/* The most rows among the spaces that there are that a first axis of this size is a multiple of. */
static int64_t known_rows(const imnn_program *p, int64_t size)
{
    int64_t best = 0;
    for (int32_t s = 1; s < p->spaces; s++)
        if (size > 0 && size % p->R[s] == 0 && p->R[s] > best) best = p->R[s];
    return best;
}

/* Rows for an operator of whole inputs: those of a space that there is, so that it runs beside its
 * readers; for a large one also its own first axis, or that of its first input. */
static bool begin(imnn_program *p, item *it, const imnn_type *in)
{
    if (it->v->op->class == IMNN_VIEW || p->by_rows) return false;
    for (int i = 0; it->v->op->class == IMNN_HOLD && i < it->v->n; i++)
        if (try_rows(p, it, in, lead(&in[i].shape))) return true;
    if (it->v->op->class == IMNN_HOLD) return false;
    const bool heavy = is_heavy(it, in);
    const int64_t first = it->v->n ? lead(&in[0].shape) : 0, own = lead(&it->v->type.shape);
    if (heavy && try_rows(p, it, in, known_rows(p, first))) return true;
    if (try_rows(p, it, in, known_rows(p, own)) && (heavy || it->rows == IMNN_ROWS_EACH))
        return true;
    it->rows = IMNN_ROWS_NONE, it->space = 0;
    return heavy && (try_rows(p, it, in, first) || try_rows(p, it, in, own));
}

static void place_view(imnn_program *p, item *it)
{
    const item *x = &p->item[it->x[0]];
    int32_t self = (int32_t)(it - p->item);
    if (it->v->op->class == IMNN_VIEW && it->v->op->view(&it->view, &x->view, it->v)) {
        it->base = x->base;
        return;
    }
    it->base = self;
    it->view = imnn_contiguous(&it->v->type.shape);
}

static imnn_status plan_item(imnn_program *p, item *it, imnn_type *in)
{
    for (int i = 0; i < it->v->n; i++) in[i] = p->item[it->x[i]].v->type;
    if (it->v->n) place_view(p, it);
    if (!inherit(p, it, in)) {
        it->rows = IMNN_ROWS_NONE, it->space = 0;
        memset(it->by, 0, (size_t)it->v->n);
        if (!begin(p, it, in)) {
            it->rows = IMNN_ROWS_NONE, it->space = 0;
            memset(it->by, 0, (size_t)it->v->n);
        }
    }
    it->level = 0;
    for (int i = 0; i < it->v->n; i++) {
        const item *x = &p->item[it->x[i]];
        bool flows = imnn_flows(p, it, i);
        if (!flows && x->rows == IMNN_ROWS_EACH) p->item[x->base].stored = true;
        int32_t from = flows ? x->level : imnn_whole_from(x);
        if (from > it->level) it->level = from;
    }
    return IMNN_OK;
}

static item *append(imnn_program *p, const imnn_vertex *v)
{
    item *it = &p->item[p->items];
    it->v = v;
    it->base = it->root = p->items;
    it->input = it->result = -1;
    it->view = imnn_contiguous(&v->type.shape);
    it->x = TAKE(p, v->n + 1, int32_t);
    it->by = TAKE(p, v->n + 1, bool);
    if (!it->x || !it->by) return NULL;
    p->items++;
    return it;
}

/* An item of the program only, that is no node of the graph. */
static item *append_extra(imnn_program *p, const imnn_op *op, int32_t n, const int32_t *x,
                          imnn_type type)
{
    static const imnn_attr none;
    imnn_vertex *v = TAKE(p, 1, imnn_vertex);
    if (!v) return NULL;
    *v = (imnn_vertex){.op = op, .n = n, .attr = &none, .type = type};
    item *it = append(p, v);
    if (!it) return NULL;
    for (int32_t i = 0; i < n; i++) it->x[i] = x[i], p->item[x[i]].uses++;
    return it;
}

static item *append_copy(imnn_program *p, int32_t x)
{
    imnn_type type[1];
    item *it = append_extra(p, &imnn_op_copy, 1, &x, p->item[x].v->type);
    return it && plan_item(p, it, type) == IMNN_OK ? it : NULL;
}

/* An input whose first axis counts examples; if it is read, through an item that reads it. */
static imnn_status place_input(imnn_program *p, int32_t *at, int i)
{
    item *it = &p->item[*at];
    it->input = i;
    if (!p->kind || p->kind[i] == IMNN_INPUT_WHOLE) return IMNN_OK;
    const imnn_shape *s = &it->v->type.shape;
    if (s->ndim < 1)
        return imnn_fail(IMNN_ESHAPE, "program: input %d has no axis of examples", i + 1);
    if (p->kind[i] == IMNN_INPUT_READ) {
        it = append_extra(p, &imnn_op_read, 1, at, it->v->type);
        if (!it) return IMNN_ENOMEM;
        *at = it->base;
    }
    if (s->size[0] > 1) it->rows = IMNN_ROWS_EACH, it->space = space_of(p, s->size[0]);
    return IMNN_OK;
}

/* Whether v is another result of the call that `before` is a result of: it has the same inputs,
 * which are copied only once. */
static bool is_result_of_same(const imnn_vertex *v, const item *before)
{
    return before && before->v->op == v->op && before->v->n == v->n &&
           !memcmp(before->v->x, v->x, (size_t)v->n * sizeof *v->x) &&
           imnn_body_same_call(v->attr, before->v->attr);
}

static imnn_status add_item(imnn_program *p, const imnn_vertex *v, const int32_t *of, imnn_type *in)
{
    const bool side_by_side = v->op && (v->op->class == IMNN_REDUCE || v->op->class == IMNN_CALL ||
                                        v->op->class == IMNN_HOLD);
    int32_t x[v->n + 1];
    const item *before = p->items ? &p->item[p->items - 1] : NULL;
    const bool again = v->op && v->op->class == IMNN_HOLD && is_result_of_same(v, before);
    if (again) memcpy(x, before->x, (size_t)v->n * sizeof *x);
    for (int i = 0; again && i < v->n; i++)
        if (x[i] != of[v->x[i]]) p->item[of[v->x[i]]].uses--, p->item[x[i]].uses++;
    for (int i = 0; !again && i < v->n; i++) {
        x[i] = of[v->x[i]];
        if (!side_by_side || is_contiguous(&p->item[x[i]].view)) continue;
        const item *c = append_copy(p, x[i]);
        if (!c) return IMNN_ENOMEM;
        p->item[x[i]].uses--;
        x[i] = (int32_t)(c - p->item);
        p->item[x[i]].uses++;
    }
    item *it = append(p, v);
    if (!it) return IMNN_ENOMEM;
    memcpy(it->x, x, (size_t)v->n * sizeof *x);
    if (v->value) {
        p->constant[p->constants++] = imnn_array_retain(v->value);
        return IMNN_OK;
    }
    return v->op ? plan_item(p, it, in) : IMNN_OK;
}

/* What y needs, marked; the number of uses of each. */
static int32_t mark(const imnn_graph *g, int32_t *uses, int ny, const imnn_node *y, imnn_node keep)
{
    int32_t count = 0, last = keep;
    for (int i = 0; i < ny; i++) uses[y[i]]++, last = y[i] > last ? y[i] : last;
    if (keep) uses[keep]++;
    for (imnn_node n = last; n > 0; n--) {
        if (!uses[n]) continue;
        const imnn_vertex *v = imnn_vertex_of(g, n);
        for (int i = 0; i < v->n; i++) uses[v->x[i]]++;
        count += 1 + v->n; /* an input may need a copy */
    }
    return count;
}

/* Values that are a result and nothing else are written there; others are copied at the end. */
static imnn_status place_results(imnn_program *p, int ny, const int32_t *of, const imnn_node *y)
{
    for (int i = 0; i < ny; i++) {
        item *it = &p->item[of[y[i]]];
        p->y[i] = of[y[i]];
        if (p->emitted[i]) continue;
        const bool spread = p->by_rows && p->out_by[i] && it->rows != IMNN_ROWS_EACH;
        if (!it->v->op || it->base != it - p->item || it->result >= 0 || spread) {
            it = append_copy(p, of[y[i]]);
            if (!it) return IMNN_ENOMEM;
        }
        if (spread) it->rows = IMNN_ROWS_EACH, it->space = 1, it->by[0] = true;
        it->result = i;
        it->stored = true;
        p->y[i] = (int32_t)(it - p->item);
    }
    return IMNN_OK;
}

/* Filtered: the results with as many rows as the mask leave through one item at the end. */
static imnn_status place_emission(imnn_program *p, int ny, const int32_t *of, const imnn_node *y,
                                  int32_t keep)
{
    const imnn_type mask = p->item[keep].v->type;
    if (mask.dtype != IMNN_BOOL || mask.shape.ndim != 1)
        return imnn_fail(IMNN_ESHAPE, "filter: keep must be a bool array of one axis, got %s %s",
                         imnn_dtype_name(mask.dtype), imnn_shape_text(&mask.shape).s);
    const int64_t n = mask.shape.size[0];
    int32_t *x = TAKE(p, ny + 1, int32_t), count = 1;
    if (!x) return IMNN_ENOMEM;
    x[0] = keep;
    for (int i = 0; i < ny; i++) {
        const imnn_shape *s = &p->item[of[y[i]]].v->type.shape;
        if (s->ndim < 1 || s->size[0] != n) continue;
        p->emitted[i] = true;
        x[count++] = of[y[i]];
    }
    for (int32_t i = 0; i < count; i++) /* rows are written out side by side */
        if (!is_contiguous(&p->item[x[i]].view)) {
            const item *c = append_copy(p, x[i]);
            if (!c) return IMNN_ENOMEM;
            x[i] = (int32_t)(c - p->item);
        }
    item *it = append_extra(p, &imnn_op_emit, count, x, (imnn_type){.dtype = IMNN_BOOL});
    if (!it) return IMNN_ENOMEM;
    const item *mine = &p->item[keep];
    it->rows = IMNN_ROWS_FOLD;
    it->space = mine->rows == IMNN_ROWS_EACH ? mine->space : 0;
    for (int32_t i = 0; i < count; i++) {
        item *in = &p->item[x[i]];
        it->by[i] = imnn_row_axis(&in->v->type.shape, p->R[it->space]) >= 0;
        bool flows = imnn_flows(p, it, i);
        if (!flows && in->rows == IMNN_ROWS_EACH) p->item[in->base].stored = true;
        int32_t from = flows ? in->level : imnn_whole_from(in);
        if (from > it->level) it->level = from;
    }
    return IMNN_OK;
}

imnn_status imnn_plan_rows(imnn_program *p, imnn_graph *g, int nx, const imnn_node *x, int ny,
                           const imnn_node *y, imnn_node keep)
{
    imnn_status st = IMNN_OK;
    const size_t bytes = (size_t)g->count * sizeof(int32_t);
    int32_t *of = imnn_alloc(bytes), *uses = imnn_alloc(bytes), most = 1;
    imnn_type *in = NULL;
    size_t type_bytes = 0;
    if (!of || !uses) {
        st = IMNN_ENOMEM;
        goto done;
    }
    int32_t room = mark(g, uses, ny, y, keep) + 2 * ny + nx + 4;
    for (imnn_node n = 1; n < g->count; n++)
        if (uses[n] && imnn_vertex_of(g, n)->n > most) most = imnn_vertex_of(g, n)->n;
    in = imnn_alloc(type_bytes = (size_t)most * sizeof *in);
    p->item = TAKE(p, room, item);
    p->R = TAKE(p, room + 1, int64_t);
    p->constant = TAKE(p, room, imnn_array *);
    if (!in || !p->item || !p->R || !p->constant) {
        st = IMNN_ENOMEM;
        goto done;
    }
    p->R[0] = 1, p->spaces = 1;
    if (p->by_rows) p->R[p->spaces++] = p->tile;
    for (imnn_node n = 1; n < g->count; n++) {
        if (!uses[n]) continue;
        const imnn_vertex *v = imnn_vertex_of(g, n);
        of[n] = -1;
        if ((st = add_item(p, v, of, in)) != IMNN_OK) goto done;
        of[n] = p->items - 1;
        p->item[of[n]].uses = uses[n];
        if (v->op || v->value) continue;
        int number = -1;
        for (int i = 0; i < nx; i++)
            if (x[i] == n) number = i;
        if (number >= 0 && (st = place_input(p, &of[n], number)) != IMNN_OK) goto done;
        p->item[of[n]].uses = uses[n];
        if (p->by_rows && number >= 0 && p->in_by[number])
            p->item[of[n]].rows = IMNN_ROWS_EACH, p->item[of[n]].space = 1;
        if (number < 0) {
            st = imnn_fail(IMNN_EVALUE, v->placeholder
                                            ? "a traced array has left its function"
                                            : "program: a result depends on an input that is not "
                                              "in the list");
            goto done;
        }
    }
    if (keep) st = place_emission(p, ny, of, y, of[keep]);
    if (st == IMNN_OK) st = place_results(p, ny, of, y);
done:
    imnn_free(in, type_bytes);
    imnn_free(uses, bytes);
    imnn_free(of, bytes);
    return st;
}
