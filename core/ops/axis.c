#include "core/ops/axis.h"

imnn_lines imnn_lines_along(const imnn_shape *s, int64_t axis)
{
    imnn_lines l = {1, s->size[axis], 1};
    for (int64_t k = 0; k < axis; k++) l.outer *= s->size[k];
    for (int64_t k = axis + 1; k < s->ndim; k++) l.inner *= s->size[k];
    return l;
}

imnn_status imnn_axis_check(const char *name, const imnn_shape *s, const imnn_attr *attr, int count)
{
    const int64_t axis = attr->n == count ? attr->v[0] : -1;
    if (axis >= 0 && axis < s->ndim) return IMNN_OK;
    return imnn_fail(IMNN_EVALUE, "%s: no axis %lld in %s", name, (long long)axis + 1,
                     imnn_shape_text(s).s);
}

imnn_node imnn_axis_batch(imnn_graph *g, const imnn_vertex *v, const imnn_node *x,
                          const bool *batched, int64_t size)
{
    imnn_attr attr = *v->attr;
    attr.v[0]++;
    return imnn_graph_build(g, v->op->id, 1, x, &attr);
}

imnn_rows imnn_axis_rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    const int a = imnn_row_axis(&in[0].shape, R);
    if (a < 0 || a >= v->attr->v[0]) return IMNN_ROWS_NONE;
    by[0] = true;
    return IMNN_ROWS_EACH;
}
