/* What operators along one axis share. */
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
    imnn_node all[v->n + 1];
    imnn_attr attr = imnn_attr_copy(v->attr);
    attr.v[0]++;
    for (int i = 0; i < v->n; i++) all[i] = imnn_batch_lift(g, x[i], batched[i], size);
    return imnn_graph_build(g, v->op->id, v->n, all, &attr);
}

imnn_rows imnn_axis_rows(const imnn_vertex *v, const imnn_type *in, int64_t R, bool *by)
{
    return imnn_rows_before(v, in, R, v->attr->v[0], by);
}
