/* What convolutions are compared with: oneDNN called directly on arrays in plain layouts, weights
 * too, which it may reorder on the way. Primitives are made beforehand. */
#include <dnnl.h>
#include <omp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FORWARD, INPUT, WEIGHTS };

typedef struct conv {
    dnnl_primitive_t primitive, reorder; /* reorder: NULL if there is none */
    dnnl_exec_arg_t args[3], reorder_args[2];
    bool reorder_first;
} conv;

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void check(dnnl_status_t st, const char *what)
{
    if (st == dnnl_success) return;
    fprintf(stderr, "%s: %d\n", what, (int)st);
    abort();
}
#define CHECK(call) check(call, #call)

static dnnl_memory_t noise(const dnnl_memory_desc_t *d)
{
    const size_t n = dnnl_memory_desc_get_size(d) / sizeof(float);
    float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
    dnnl_memory_t m;
    for (size_t i = 0; i < n; i++) p[i] = (float)(rand() % 1000) / 1000.f - .5f;
    CHECK(dnnl_memory_create(&m, d, engine, p));
    return m;
}

static void reorder_to(conv *c, const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to)
{
    dnnl_primitive_desc_t d;
    CHECK(dnnl_reorder_primitive_desc_create(&d, from, engine, to, engine, NULL));
    CHECK(dnnl_primitive_create(&c->reorder, d));
    CHECK(dnnl_primitive_desc_destroy(d));
}

/* NULL: oneDNN has none. free_weights: in the layout that oneDNN likes best, reordered in each run;
 * size is that of the images, in and out of the channels. */
conv *conv_new(int direction, bool nchw, bool free_weights, int n, int size, int in, int out,
               int kernel, int stride, int pad, int groups)
{
    if (!engine) {
        CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
        CHECK(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    }
    const int places = (size + 2 * pad - kernel) / stride + 1;
    const dnnl_dims_t x_size = {n, in, size, size}, y_size = {n, out, places, places},
                      w_size = {out, in, kernel, kernel},
                      g_size = {groups, out / groups, in / groups, kernel, kernel},
                      strides = {stride, stride}, padding = {pad, pad};
    const dnnl_format_tag_t tag = nchw ? dnnl_nchw : dnnl_nhwc;
    const dnnl_format_tag_t w_tag =
        groups > 1 ? (nchw ? dnnl_goihw : dnnl_hwigo) : (nchw ? dnnl_oihw : dnnl_hwio);
    const int w_dims = groups > 1 ? 5 : 4;
    const int64_t *w_sizes = groups > 1 ? g_size : w_size;
    dnnl_memory_desc_t x, y, plain, w;
    CHECK(dnnl_memory_desc_init_by_tag(&x, 4, x_size, dnnl_f32, tag));
    CHECK(dnnl_memory_desc_init_by_tag(&y, 4, y_size, dnnl_f32, tag));
    CHECK(dnnl_memory_desc_init_by_tag(&plain, w_dims, w_sizes, dnnl_f32, w_tag));
    CHECK(dnnl_memory_desc_init_by_tag(&w, w_dims, w_sizes, dnnl_f32,
                                       free_weights ? dnnl_format_tag_any : w_tag));
    dnnl_convolution_desc_t d;
    dnnl_primitive_desc_t forward, made = NULL;
    CHECK(dnnl_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct, &x,
                                             &w, NULL, &y, strides, padding, padding));
    if (dnnl_primitive_desc_create(&forward, &d, NULL, engine, NULL) != dnnl_success) return NULL;
    if (direction == INPUT)
        CHECK(dnnl_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, &x, &w, &y,
                                                       strides, padding, padding));
    if (direction == WEIGHTS)
        CHECK(dnnl_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, &x, &w, NULL,
                                                          &y, strides, padding, padding));
    if (direction == FORWARD) made = forward;
    else if (dnnl_primitive_desc_create(&made, &d, NULL, engine, forward) != dnnl_success)
        return NULL;
    conv *c = calloc(1, sizeof *c);
    CHECK(dnnl_primitive_create(&c->primitive, made));
    const dnnl_memory_desc_t *own = dnnl_primitive_desc_query_md(
        made, direction == WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    const dnnl_memory_t plain_w = noise(&plain), own_w = noise(own);
    static const int names[3][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                    {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                                    {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
    const dnnl_memory_t memory[3] = {noise(&x), own_w, noise(&y)};
    for (int i = 0; i < 3; i++) c->args[i] = (dnnl_exec_arg_t){names[direction][i], memory[i]};
    c->reorder_first = direction != WEIGHTS;
    if (!dnnl_memory_desc_equal(own, &plain)) {
        if (c->reorder_first) reorder_to(c, &plain, own);
        else reorder_to(c, own, &plain);
    }
    c->reorder_args[0] = (dnnl_exec_arg_t){DNNL_ARG_FROM, c->reorder_first ? plain_w : own_w};
    c->reorder_args[1] = (dnnl_exec_arg_t){DNNL_ARG_TO, c->reorder_first ? own_w : plain_w};
    CHECK(dnnl_primitive_desc_destroy(forward));
    if (made != forward) CHECK(dnnl_primitive_desc_destroy(made));
    return c;
}

void conv_run(const conv *c)
{
    if (c->reorder && c->reorder_first)
        CHECK(dnnl_primitive_execute(c->reorder, stream, 2, c->reorder_args));
    CHECK(dnnl_primitive_execute(c->primitive, stream, 3, c->args));
    if (c->reorder && !c->reorder_first)
        CHECK(dnnl_primitive_execute(c->reorder, stream, 2, c->reorder_args));
    CHECK(dnnl_stream_wait(stream));
}

/* A memory and what it belongs to. */
static void drop(dnnl_memory_t m)
{
    void *p;
    CHECK(dnnl_memory_get_data_handle(m, &p));
    CHECK(dnnl_memory_destroy(m));
    free(p);
}

void conv_free(conv *c)
{
    drop(c->args[0].memory), drop(c->args[2].memory);
    drop(c->reorder_args[0].memory), drop(c->reorder_args[1].memory);
    CHECK(dnnl_primitive_destroy(c->primitive));
    if (c->reorder) CHECK(dnnl_primitive_destroy(c->reorder));
    free(c);
}

/* Pooling by hand: the largest of 2 x 2 of (n, size, size, channels), threads by images. */
void conv_max_pool(float *restrict y, const float *restrict x, int n, int size, int channels)
{
    const size_t line = (size_t)size * channels, c = (size_t)channels;
#pragma omp parallel for
    for (int i = 0; i < n * (size / 2); i++)
        for (int j = 0; j < size / 2; j++) {
            const float *a = x + 2 * (size_t)i * line + 2 * (size_t)j * c;
            float *to = y + ((size_t)i * (size_t)(size / 2) + (size_t)j) * c;
            for (size_t k = 0; k < c; k++) {
                const float p = a[k] > a[k + c] ? a[k] : a[k + c];
                const float q = a[k + line] > a[k + line + c] ? a[k + line] : a[k + line + c];
                to[k] = p > q ? p : q;
            }
        }
}
