/* The contract of a simulator that is a C function in a shared object: all that its source
 * includes. It needs nothing of libimnn; compile it with
 *     cc -O2 -shared -fPIC -I<include> -o mine.so mine.c
 * and give its path and the function's name to imnn.simulators.library. */
#ifndef IMNN_SIMULATOR_H
#define IMNN_SIMULATOR_H
#ifndef IMNN_CDEF /* Lua's FFI knows these types */
#include <stdint.h>
#endif

/** One simulation.
 *  key      two random words, different ones for each simulation: all randomness comes from them
 *           (imnn_threefry of imnn/random.h makes as many more as are needed), so that equal keys
 *           and parameters give equal data
 *  theta    its n_params parameters
 *  out      where its `size` numbers go, row-major; zeros before. Each is rounded to f32 unless
 *           the simulator was declared to give f64
 *  returns  0, or a number of its own that says what went wrong; the simulation counts as failed
 *  It is called from several threads at a time: what it shares between calls must be constant or
 *  locked. It must not call exit, longjmp out, or change the floating-point environment. */
typedef int imnn_simulator_function(const uint32_t *key, const double *theta, int64_t n_params,
                                    double *out, int64_t size);
#endif
