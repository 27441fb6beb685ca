/* A simulator as a user writes it, for tests: numbers near theta[0], and what can go wrong where
 * theta[1] says so. Nothing here is of libimnn but the contract. */
#include "imnn/simulator.h"
#include <math.h>
#include <stdlib.h>

imnn_simulator_function unsteady; /* the compiler compares it with the contract */

enum { WELL, REFUSES, CRASHES, HANGS, GIVES_NAN, REFUSES_SOMETIMES };

/** A word that follows from the key and a count (the finalizer of MurmurHash3). */
static uint32_t word(const uint32_t *key, uint32_t i)
{
    uint32_t h = key[0] ^ (key[1] * 0x9e3779b9u) ^ (i * 0x85ebca6bu);
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

int unsteady(const uint32_t *key, const double *theta, int64_t n_params, double *out, int64_t size)
{
    int what = n_params > 1 ? (int)theta[1] : WELL;
    for (int64_t i = 0; i < size; i++) out[i] = theta[0] + word(key, (uint32_t)i) / 4294967296.;
    if (what == REFUSES) return 7;
    if (what == CRASHES) abort();
    if (what == GIVES_NAN) out[size - 1] = NAN;
    if (what == REFUSES_SOMETIMES && word(key, 99) % 4 != 0) return 9;
    for (volatile int on = what == HANGS; on;) {
    }
    return 0;
}
