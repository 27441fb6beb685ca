/* How far a simulation is from the data. */
#include "core/ops/ops.h"
#include "imnn/lfi.h"

imnn_node imnn_lfi_distance(imnn_graph *g, imnn_node s, imnn_node target, imnn_node F)
{
    const imnn_node in[3] = {s, target, F};
    if (!imnn_graph_accepts(g, "lfi.distance", F ? 3 : 2, in)) return 0;
    const imnn_shape *p = imnn_graph_shape(g, s), *t = imnn_graph_shape(g, target);
    const imnn_shape *f = imnn_graph_shape(g, F);
    bool fits = p->ndim == 1 && imnn_shape_equal(p, t);
    if (F) fits = fits && f->ndim == 2 && f->size[0] == p->size[0] && f->size[1] == p->size[0];
    if (!fits) {
        imnn_graph_fail(g, IMNN_ESHAPE,
                        "lfi.distance: estimates %s, those of the target %s%s%s do "
                        "not fit",
                        imnn_shape_text(p).s, imnn_shape_text(t).s,
                        F ? " and Fisher information " : "", F ? imnn_shape_text(f).s : "");
        return 0;
    }
    imnn_dtype dtype = IMNN_F32; /* the widest of the three */
    for (int i = 0; i < (F ? 3 : 2); i++)
        if (imnn_graph_dtype(g, in[i]) == IMNN_F64) dtype = IMNN_F64;
    imnn_node d = g_sub(g, g_convert(g, s, dtype), g_convert(g, target, dtype));
    imnn_node Fd = F ? g_matmul(g, d, g_convert(g, F, dtype)) : d;
    return g_sqrt(g, g_sum(g, g_mul(g, Fd, d), NULL));
}
