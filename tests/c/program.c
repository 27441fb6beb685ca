/* Programs: every allocation of compiling and running fails once; wrong inputs are refused; results
 * go into arrays that are given; an interrupt stops a run. */
#include "core/program/program.h"
#include "tests/support/check.h"
#include <string.h>

enum { ROWS = 3000 };

/* Rows drawn from a key, a product, a sum over rows and its derivative, and a filter. */
static imnn_status compile(imnn_program **out, bool filter)
{
    imnn_graph *g = NULL;
    *out = NULL;
    imnn_status st = imnn_graph_new(&g);
    if (st != IMNN_OK) return st;
    imnn_node in[2] = {imnn_graph_input(g, IMNN_U32, &(imnn_shape){1, {2}}),
                       imnn_graph_input(g, IMNN_F32, &(imnn_shape){2, {8, 32}})};
    imnn_node x = imnn_random_normal(g, in[0], IMNN_F32, &(imnn_shape){2, {ROWS, 8}});
    imnn_node y = g_tanh(g, g_matmul(g, x, in[1])), all = g_sum(g, g_mul(g, y, y), NULL), dw = 0;
    imnn_node one = imnn_graph_number(g, IMNN_F32, 1);
    st = imnn_graph_status(g);
    if (st == IMNN_OK) st = imnn_graph_vjp(g, 1, &all, &one, 1, &in[1], &dw);
    if (st == IMNN_OK && !filter)
        st = imnn_program_new(out, g, 2, in, 3, (imnn_node[]){all, dw, y});
    if (st == IMNN_OK && filter) {
        imnn_node size = g_sum(g, y, &(imnn_attr){1, {1}});
        imnn_node keep = g_gt(g, size, imnn_graph_number(g, IMNN_F32, 0));
        st = imnn_graph_status(g);
        if (st == IMNN_OK)
            st = imnn_program_make(out, g, 2, in, 2, (imnn_node[]){y, size},
                                   &(imnn_program_options){.keep = keep});
    }
    imnn_graph_release(g);
    return st;
}

static imnn_status inputs(imnn_array *x[2])
{
    float w[8 * 32];
    for (int i = 0; i < 8 * 32; i++) w[i] = (float)(i % 7) / 7 - .5f;
    imnn_status st = imnn_array_copy(&x[0], IMNN_U32, &(imnn_shape){1, {2}}, (uint32_t[]){0, 3});
    return st == IMNN_OK ? imnn_array_copy(&x[1], IMNN_F32, &(imnn_shape){2, {8, 32}}, w) : st;
}

static imnn_status everything(bool filter)
{
    imnn_program *p = NULL;
    imnn_array *x[2] = {NULL}, *y[3] = {NULL};
    imnn_status st = inputs(x);
    if (st == IMNN_OK) st = compile(&p, filter);
    if (st == IMNN_OK) st = imnn_program_run(p, (const imnn_array *const *)x, y);
    if (st == IMNN_OK && strstr(imnn_program_text(p), "no memory")) st = IMNN_ENOMEM;
    for (int i = 0; i < 3; i++) imnn_array_release(y[i]);
    for (int i = 0; i < 2; i++) imnn_array_release(x[i]);
    imnn_program_release(p);
    imnn_apply_forget();
    return st;
}

static int every_allocation_fails_once(bool filter)
{
    int n = 0;
    for (int ok = 0; !ok; n++) {
        imnn_test_fail_alloc(n);
        imnn_status st = everything(filter);
        ok = st == IMNN_OK;
        CHECK(ok || st == IMNN_ENOMEM);
        CHECK(imnn_live_bytes() == 0);
    }
    imnn_test_fail_alloc(-1);
    CHECK(n > 20);
    return 0;
}

static int runs_are_checked(void)
{
    imnn_program *p = NULL;
    imnn_array *x[2] = {NULL}, *y[3] = {NULL}, *again[3] = {NULL}, *wrong = NULL;
    CHECK(inputs(x) == IMNN_OK && compile(&p, false) == IMNN_OK);
    CHECK(imnn_program_flops(p) == 2. * 2 * ROWS * 8 * 32);
    CHECK(imnn_program_run(p, (const imnn_array *const *)x, y) == IMNN_OK);
    CHECK(imnn_array_zeros(&again[1], IMNN_F32, &(imnn_shape){2, {8, 32}}) == IMNN_OK);
    imnn_array *mine = again[1];
    CHECK(imnn_program_run(p, (const imnn_array *const *)x, again) == IMNN_OK);
    CHECK(again[1] == mine && !memcmp(mine->data, y[1]->data, mine->bytes));
    CHECK(!memcmp(again[2]->data, y[2]->data, y[2]->bytes));

    CHECK(imnn_array_zeros(&wrong, IMNN_F32, &(imnn_shape){2, {8, 31}}) == IMNN_OK);
    const imnn_array *bad[2] = {x[0], wrong};
    imnn_array *none[3] = {NULL};
    CHECK(imnn_program_run(p, bad, none) == IMNN_ESHAPE);
    CHECK(!strcmp(imnn_last_error(), "program: input 2 must be f32 (8, 32), got f32 (8, 31)"));
    bad[1] = x[0];
    CHECK(imnn_program_run(p, bad, none) == IMNN_EDTYPE);
    none[1] = wrong;
    CHECK(imnn_program_run(p, (const imnn_array *const *)x, none) == IMNN_ESHAPE);
    none[1] = NULL;
    imnn_interrupt();
    CHECK(imnn_program_run(p, (const imnn_array *const *)x, none) == IMNN_EINTERRUPT);
    CHECK(!none[0] && !none[1] && !none[2] && !imnn_interrupted());
    for (int i = 0; i < 3; i++) imnn_array_release(y[i]), imnn_array_release(again[i]);
    for (int i = 0; i < 2; i++) imnn_array_release(x[i]);
    imnn_array_release(wrong);
    imnn_program_release(p);
    imnn_apply_forget();
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

int main(void)
{
    CHECK(imnn_set_threads(2) == IMNN_OK);
    return every_allocation_fails_once(false) || every_allocation_fails_once(true) ||
           runs_are_checked();
}
