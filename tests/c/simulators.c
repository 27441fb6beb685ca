/* Simulators from C programs: a function of a shared object in threads and in worker processes,
 * and what is left when memory runs out or a run is given up. */
#include "core/base/base.h"
#include "tests/support/check.h"
#include <unistd.h>

enum { N = 20, SIZE = 5 };

static char library[4200];

static int find_library(void)
{
    ssize_t n = readlink("/proc/self/exe", library, 4000);
    CHECK(n > 0);
    library[n] = 0;
    strcpy(strrchr(library, '/'), "/../lib/unsteady.so");
    return 0;
}

static const imnn_simulator_options options = {.who = "test",
                                               .workers = 2,
                                               .rows = 1,
                                               .finite = true,
                                               .dtype = IMNN_F32,
                                               .shape = {.ndim = 1, .size = {SIZE}}};

static imnn_status inputs(imnn_array **keys, imnn_array **theta, double what)
{
    uint32_t words[2 * N];
    double values[2 * N];
    const imnn_shape shape = {.ndim = 2, .size = {N, 2}};
    for (int i = 0; i < 2 * N; i++) words[i] = (uint32_t)i, values[i] = i % 2 ? what : i;
    imnn_status st = imnn_array_copy(keys, IMNN_U32, &shape, words);
    if (st == IMNN_OK) st = imnn_array_copy(theta, IMNN_F64, &shape, values);
    return st;
}

/** Data of N simulations, all of which do what theta[1] says. */
static imnn_status simulate(imnn_array **out, const imnn_simulator_options *o, bool isolated,
                            double what)
{
    imnn_simulator *s = NULL;
    imnn_simulations *r = NULL;
    imnn_array *keys = NULL, *theta = NULL;
    bool done = false;
    *out = NULL;
    imnn_status st = inputs(&keys, &theta, what);
    if (st == IMNN_OK) st = imnn_simulator_library(&s, o, library, "unsteady", isolated);
    if (st == IMNN_OK) st = imnn_simulations_new(&r, s, keys, theta);
    while (st == IMNN_OK && !done) st = imnn_simulations_step(r, 0.1, &done);
    if (st == IMNN_OK) st = imnn_simulations_data(out, r);
    imnn_simulations_release(r);
    imnn_simulator_release(s);
    imnn_array_release(keys);
    imnn_array_release(theta);
    return st;
}

static int threads_and_processes_agree(void)
{
    imnn_array *a, *b;
    CHECK(simulate(&a, &options, false, 0) == IMNN_OK);
    CHECK(simulate(&b, &options, true, 0) == IMNN_OK);
    CHECK(imnn_array_size(a) == N * SIZE && imnn_array_size(b) == N * SIZE);
    CHECK(!memcmp(imnn_array_data(a), imnn_array_data(b), N * SIZE * sizeof(float)));
    imnn_array_release(a);
    imnn_array_release(b);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

static int failures_are_told(void)
{
    imnn_simulator_options o = options;
    imnn_array *x;
    CHECK(simulate(&x, &o, false, 1) == IMNN_EVALUE);
    CHECK(says("test: simulation 1 of 20 failed: it gave the status 7; its seed is 1, its "
               "key is { 0, 1 }, its parameters are { 0, 1 }"));
    o.drop = true;
    CHECK(simulate(&x, &o, true, 1) == IMNN_OK && imnn_array_size(x) == 0);
    imnn_array_release(x);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

/** Whatever allocation fails, nothing is lost. */
static int memory_may_run_out(bool isolated)
{
    bool made = false;
    for (int n = 0; !made; n++) {
        imnn_array *x;
        CHECK(n < 1000);
        imnn_test_fail_alloc(n);
        imnn_status st = simulate(&x, &options, isolated, 0);
        imnn_test_fail_alloc(-1);
        CHECK(st == IMNN_OK || st == IMNN_ENOMEM);
        made = st == IMNN_OK;
        imnn_array_release(x);
        CHECK(imnn_live_bytes() == 0);
    }
    return 0;
}

static int a_run_may_be_given_up(void)
{
    imnn_simulator_options o = options;
    imnn_simulator *s;
    imnn_simulations *r, *other;
    imnn_array *keys, *theta;
    bool done;
    o.timeout = 100;
    CHECK(inputs(&keys, &theta, 3) == IMNN_OK); /* which hangs */
    CHECK(imnn_simulator_library(&s, &o, library, "unsteady", true) == IMNN_OK);
    CHECK(imnn_simulations_new(&r, s, keys, theta) == IMNN_OK);
    CHECK(imnn_simulations_step(r, 0.3, &done) == IMNN_OK && !done);
    CHECK(imnn_simulator_running(s) == 2);
    CHECK(imnn_simulations_new(&other, s, keys, theta) == IMNN_EVALUE);
    CHECK(says("test: another run of this simulator has not ended"));
    imnn_interrupt();
    CHECK(imnn_simulations_step(r, 10, &done) == IMNN_EINTERRUPT);
    imnn_simulations_release(r);
    imnn_simulator_release(s);
    imnn_array_release(keys);
    imnn_array_release(theta);
    CHECK(imnn_live_bytes() == 0);
    return 0;
}

int main(void)
{
    return find_library() || threads_and_processes_agree() || failures_are_told() ||
           memory_may_run_out(false) || memory_may_run_out(true) || a_run_may_be_given_up();
}
