/* How many decays a detector counts in 20 hours: a simulator in C, for 10_black_box.lua. */
#include "imnn/random.h"
#include "imnn/simulator.h"
#include <math.h>

imnn_simulator_function decay;

/** The smallest count at which the Poisson distribution reaches the share u. */
static int poisson(double mean, double u)
{
    double p = exp(-mean), sum = p;
    int n = 0;
    while (sum < u && n < 10000) n++, p *= mean / n, sum += p;
    return n;
}

int decay(const uint32_t *key, const double *theta, int64_t n_params, double *out, int64_t size)
{
    const double amplitude = theta[0], lifetime = theta[1], background = 2;
    if (n_params != 2 || amplitude <= 0 || lifetime <= 0)
        return 1; /* such an isotope there is not */
    for (int64_t i = 0; i < size; i++) {
        uint32_t count[2] = {0, (uint32_t)i}, word[2];
        imnn_threefry(key, count, word); /* all randomness comes from the key */
        double mean = amplitude * exp(-((double)i + 0.5) / lifetime) + background;
        out[i] = 2 * sqrt(poisson(mean, (word[0] + 0.5) / 4294967296.) + 0.375);
    }
    return 0;
}
