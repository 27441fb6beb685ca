/* What operators say about rows, views and kernels by rows, against computing the whole. */
#include "tests/support/cases.h"
#include "tests/support/world.h"

/* ---- rows ---- */

/** One node whose inputs are inputs of the graph. */
typedef struct lone {
    world w;
    const imnn_vertex *v;
    imnn_node y;
    imnn_type in[MOST_CASE_INPUTS];
    uint32_t state;
} lone;

static bool isolate(lone *l, const imnn_graph *g, const imnn_vertex *v)
{
    imnn_node x[MOST_CASE_INPUTS];
    *l = (lone){.state = 5};
    if (imnn_graph_new(&l->w.g) != IMNN_OK) return false;
    for (int i = 0; i < v->n; i++) {
        l->in[i] = imnn_vertex_of(g, v->x[i])->type;
        x[i] = give(&l->w, sample(v->op, &l->in[i], &l->state));
    }
    l->y = imnn_graph_add(l->w.g, v->op, v->n, x, v->attr);
    l->v = l->y ? imnn_vertex_of(l->w.g, l->y) : NULL;
    return l->v != NULL;
}

static int64_t size_of(const imnn_type *t)
{
    return imnn_shape_count(&t->shape) * (int64_t)imnn_dtype_size(t->dtype);
}

/** a, with row r of R from b */
static imnn_array *with_row(const imnn_array *a, const imnn_array *b, int64_t r, int64_t R)
{
    imnn_array *c = NULL;
    if (imnn_array_copy(&c, a->dtype, &a->shape, a->data) != IMNN_OK) return NULL;
    const size_t row = a->bytes / (size_t)R;
    memcpy((char *)c->data + (size_t)r * row, (const char *)b->data + (size_t)r * row, row);
    return c;
}

/** The result when of the inputs that come by rows only row r is the same: other rows are random,
 *  or zero. */
static imnn_array *from_row(lone *l, const bool *by, int64_t r, int64_t R, bool zero)
{
    imnn_array *old[MOST_CASE_INPUTS], *y = NULL;
    for (int i = 0; i < l->v->n; i++) {
        old[i] = l->w.value[i];
        if (!by[i]) continue;
        imnn_array *other = NULL;
        if (zero) imnn_array_zeros(&other, l->in[i].dtype, &l->in[i].shape);
        else other = sample(l->v->op, &l->in[i], &l->state);
        l->w.value[i] = with_row(other, old[i], r, R);
        imnn_array_release(other);
    }
    compute(&l->w, 1, &l->y, &y);
    for (int i = 0; i < l->v->n; i++) {
        if (by[i]) imnn_array_release(l->w.value[i]);
        l->w.value[i] = old[i];
    }
    return y;
}

static int rows_need_only_their_own(lone *l, const bool *by, int64_t R)
{
    imnn_array *whole;
    CHECK(compute(&l->w, 1, &l->y, &whole) == IMNN_OK);
    const size_t row = whole->bytes / (size_t)R;
    for (int64_t r = 0; r < R; r++) {
        imnn_array *y = from_row(l, by, r, R, false);
        CHECK(y);
        CHECK(
            !memcmp((char *)y->data + (size_t)r * row, (char *)whole->data + (size_t)r * row, row));
        imnn_array_release(y);
    }
    imnn_array_release(whole);
    return 0;
}

static int rows_add_up(lone *l, const bool *by, int64_t R)
{
    imnn_array *whole;
    CHECK(compute(&l->w, 1, &l->y, &whole) == IMNN_OK);
    const int64_t n = numbers(whole);
    for (int64_t r = 0; r < R; r++) {
        imnn_array *y = from_row(l, by, r, R, true);
        CHECK(y);
        for (int64_t i = 0; i < n; i++) ((double *)whole->data)[i] -= element(y, i);
        imnn_array_release(y);
    }
    for (int64_t i = 0; i < n; i++) CHECK(fabs(element(whole, i)) < 1e-12);
    imnn_array_release(whole);
    return 0;
}

static imnn_type rows_of(const imnn_type *t, int64_t R, int64_t rows)
{
    imnn_type out = *t;
    const int axis = imnn_row_axis(&t->shape, R);
    out.shape.size[axis] = out.shape.size[axis] / R * rows;
    return out;
}

/** The kernel, for rows first .. first + rows of R. */
static void run_kernel(const lone *l, void *out, const bool *by, int64_t first, int64_t rows,
                       int64_t R)
{
    imnn_value in[MOST_CASE_INPUTS];
    for (int i = 0; i < l->v->n; i++) {
        char *data = l->w.value[i]->data;
        in[i] = (imnn_value){data, l->in[i]};
        if (by[i])
            in[i] =
                (imnn_value){data + size_of(&l->in[i]) / R * first, rows_of(&l->in[i], R, rows)};
    }
    const imnn_type type = R > 1 ? rows_of(&l->v->type, R, rows) : l->v->type;
    l->v->op->kernel(&(imnn_call){.attr = l->v->attr,
                                  .n = l->v->n,
                                  .in = in,
                                  .out = {out, type},
                                  .whole = l->v->type,
                                  .row = first,
                                  .rows = rows,
                                  .R = R});
}

static int kernels_make_any_rows(const lone *l, const bool *by, int64_t R)
{
    static const bool none[MOST_CASE_INPUTS];
    static char whole[8192], part[8192];
    const int64_t row = size_of(&l->v->type) / R;
    CHECK(size_of(&l->v->type) <= (int64_t)sizeof whole);
    run_kernel(l, whole, none, 0, 1, 1);
    for (int64_t first = 0; first < R; first++)
        for (int64_t rows = 1; first + rows <= R; rows++) {
            memset(part, 0xee, sizeof part);
            run_kernel(l, part, by, first, rows, R);
            CHECK(!memcmp(part, whole + row * first, (size_t)(row * rows)));
            for (int64_t i = row * rows; i < row * rows + 64; i++) CHECK(part[i] == (char)0xee);
        }
    return 0;
}

/* With inputs that can be had whole and with inputs that come by rows. */
static int says_the_truth(lone *l, int64_t R, int64_t *said)
{
    const imnn_op *op = l->v->op;
    for (int coming = 0; coming < 2; coming++) {
        bool by[MOST_CASE_INPUTS];
        for (int i = 0; i < l->v->n; i++) by[i] = coming && imnn_row_axis(&l->in[i].shape, R) >= 0;
        const imnn_rows rows = op->rows ? op->rows(l->v, l->in, R, by) : IMNN_ROWS_NONE;
        said[rows]++;
        if (rows == IMNN_ROWS_NONE) continue;
        for (int i = 0; i < l->v->n; i++) CHECK(!by[i] || imnn_row_axis(&l->in[i].shape, R) >= 0);
        if (rows == IMNN_ROWS_EACH) {
            CHECK(imnn_row_axis(&l->v->type.shape, R) >= 0);
            if (rows_need_only_their_own(l, by, R)) return 1;
            if (op->class == IMNN_CALL && kernels_make_any_rows(l, by, R)) return 1;
        } else if (op->linear && (l->v->type.dtype == IMNN_F64 || l->v->type.dtype == IMNN_C128) &&
                   rows_add_up(l, by, R))
            return 1;
    }
    return 0;
}

static int every_node(const imnn_graph *g, int64_t *said)
{
    for (imnn_node n = 1; n < g->count; n++) {
        lone l;
        if (!imnn_vertex_of(g, n)->op) continue;
        CHECK(isolate(&l, g, imnn_vertex_of(g, n)));
        for (int64_t R = 2; R <= 12; R++)
            if (says_the_truth(&l, R, said)) return printf("for %lld rows\n", (long long)R), 1;
        end(&l.w);
    }
    return 0;
}

static int every_operator(void)
{
    int64_t said[3] = {0};
    for (int id = 0; id < imnn_op_count(); id++) {
        const imnn_op *op = imnn_op_table[id];
        const char *text = cases_of(op);
        for (op_case c; next_case(&c, op, &text);) do {
                imnn_graph *g;
                imnn_node x[MOST_CASE_INPUTS];
                CHECK(imnn_graph_new(&g) == IMNN_OK);
                for (int i = 0; i < c.n; i++)
                    x[i] = imnn_graph_input(g, c.in[i].dtype, &c.in[i].shape);
                CHECK(imnn_graph_apply(g, id, c.n, x, &c.attr));
                if (every_node(g, said)) return printf("in %s\n", c.text), 1;
                imnn_graph_release(g);
            } while (in_complex(&c));
    }
    CHECK(said[IMNN_ROWS_EACH] > 100 && said[IMNN_ROWS_FOLD] > 10 && said[IMNN_ROWS_NONE] > 100);
    return 0;
}

static int rows_have_an_axis(void)
{
    CHECK(imnn_row_axis(&(imnn_shape){2, {12, 5}}, 4) == 0);
    CHECK(imnn_row_axis(&(imnn_shape){3, {1, 12, 5}}, 12) == 1);
    CHECK(imnn_row_axis(&(imnn_shape){3, {2, 12, 5}}, 12) == -1);
    CHECK(imnn_row_axis(&(imnn_shape){2, {5, 12}}, 12) == -1);
    CHECK(imnn_row_axis(&(imnn_shape){2, {1, 1}}, 2) == -1 &&
          imnn_row_axis(&(imnn_shape){0}, 2) == -1);
    return 0;
}

/* ---- views ---- */

enum { MOST_ELEMENTS = 512 };

/** Positions of all elements in order. */
static int64_t positions(const imnn_view *w, int64_t *at)
{
    int64_t n = imnn_shape_count(&w->shape);
    for (int64_t e = 0; e < n; e++) {
        int64_t rest = e;
        at[e] = w->offset;
        for (int k = w->shape.ndim - 1; k >= 0; k--) {
            at[e] += rest % w->shape.size[k] * w->stride[k];
            rest /= w->shape.size[k];
        }
    }
    return n;
}

static imnn_view contiguous(const imnn_shape *s)
{
    imnn_view w = {.shape = *s};
    int64_t next = 1;
    for (int k = s->ndim - 1; k >= 0; k--) w.stride[k] = next, next *= s->size[k];
    return w;
}

/** Of numbers that are two parts each, one. */
static bool is_part(const imnn_op *op) { return op->id == IMNN_OP_real || op->id == IMNN_OP_imag; }

/** Which element of the input element e of the result is. */
static int64_t source_of(const imnn_vertex *v, const imnn_shape *in, int64_t e)
{
    const imnn_shape *s = &v->type.shape;
    int64_t index[IMNN_MAX_NDIM] = {0}, from[IMNN_MAX_NDIM] = {0}, at = 0;
    if (v->op->id == IMNN_OP_reshape || v->op->id == IMNN_OP_stop_gradient || is_part(v->op))
        return e;
    for (int k = s->ndim - 1; k >= 0; k--) index[k] = e % s->size[k], e /= s->size[k];
    for (int k = 0; k < s->ndim; k++) {
        if (v->op->id == IMNN_OP_transpose) from[v->attr->v[k]] = index[k];
        if (v->op->id == IMNN_OP_slice)
            from[k] = v->attr->v[3 * k] + index[k] * v->attr->v[3 * k + 2];
        const int own = k - (s->ndim - in->ndim);
        if (v->op->id == IMNN_OP_broadcast && own >= 0 && in->size[own] > 1) from[own] = index[k];
    }
    for (int k = 0; k < in->ndim; k++) at = at * in->size[k] + from[k];
    return at;
}

/** Inputs that lie in unusual ways: in order, with gaps and backward, and with the axes turned. */
static imnn_view laid_out(const imnn_shape *s, int how)
{
    imnn_view w = contiguous(s);
    if (how == 1) {
        w.offset = 1;
        for (int k = 0; k < s->ndim; k++)
            w.stride[k] *= k % 2 ? -3 : 3, w.offset += k % 2 ? 1000 : 0;
    }
    if (how == 2)
        for (int64_t k = 0, next = 2; k < s->ndim; k++) w.stride[k] = next, next *= s->size[k];
    return w;
}

static int views_show_the_right_elements(void)
{
    int seen[3][2] = {{0}};
    for (int id = 0; id < imnn_op_count(); id++) {
        const imnn_op *op = imnn_op_table[id];
        const char *text = cases_of(op);
        for (op_case c; op->class == IMNN_VIEW && next_case(&c, op, &text);)
            for (int how = 0; how < 3; how++) {
                imnn_vertex v = {.op = op, .n = 1, .attr = &c.attr};
                int64_t before[MOST_ELEMENTS], after[MOST_ELEMENTS], n;
                imnn_view in = laid_out(&c.in[0].shape, how), out;
                CHECK(op->infer(&v.type, 1, c.in, &c.attr) == IMNN_OK);
                const bool can = op->view(&out, &in, &v);
                seen[how][can]++;
                CHECK(can || op->id == IMNN_OP_reshape);
                if (!can) continue;
                CHECK(imnn_shape_equal(&out.shape, &v.type.shape));
                positions(&in, before), n = positions(&out, after);
                for (int64_t e = 0; e < n; e++) {
                    const int64_t at = before[source_of(&v, &c.in[0].shape, e)];
                    CHECK(after[e] == (is_part(op) ? 2 * at + (op->id == IMNN_OP_imag) : at));
                }
            }
    }
    CHECK(!seen[0][0] && seen[0][1] > 15 && seen[2][0] > 1 && seen[2][1] > 10);
    return 0;
}

/* ---- kernels of this kind ---- */

static int pads_hold_zeros(void)
{
    const double x[6] = {1, 2, 3, 4, 5, 6};
    const double expected[5][9] = {{0}, {0, 0, 1, 0, 2, 0, 3}, {0}, {0}, {0, 0, 4, 0, 5, 0, 6}};
    world w = {0};
    imnn_array *y;
    CHECK(imnn_graph_new(&w.g) == IMNN_OK);
    imnn_node in = give_f64(&w, &(imnn_shape){2, {2, 3}}, x);
    imnn_node out = g_pad(w.g, in, &(imnn_attr){6, {1, 0, 2, 2, 2, 1}});
    CHECK(compute(&w, 1, &out, &y) == IMNN_OK && imnn_array_size(y) == 45);
    CHECK(!memcmp(y->data, expected, sizeof expected));
    imnn_array_release(y);
    end(&w);
    return 0;
}

static int iotas_count(void)
{
    for (imnn_dtype d = IMNN_F32; d <= IMNN_U32; d++)
        for (int axis = 0; axis < 3; axis++) {
            world w = {0};
            imnn_array *y;
            CHECK(imnn_graph_new(&w.g) == IMNN_OK);
            imnn_node out = g_iota(w.g, d, &(imnn_shape){3, {4, 3, 2}}, axis);
            CHECK(compute(&w, 1, &out, &y) == IMNN_OK && y->dtype == d);
            for (int e = 0; e < 24; e++)
                CHECK(element(y, e) == (axis == 0 ? e / 6 : axis == 1 ? e / 2 % 3 : e % 2));
            imnn_array_release(y);
            end(&w);
        }
    return 0;
}

int main(void)
{
    return rows_have_an_axis() || views_show_the_right_elements() || pads_hold_zeros() ||
           iotas_count() || every_operator();
}
