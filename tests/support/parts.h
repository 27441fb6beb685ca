/* Complex numbers of parts, also where these are infinite: C11's CMPLX is not everywhere. */
#ifndef TESTS_PARTS_H
#define TESTS_PARTS_H
#include <string.h>

#define OF_PARTS(name, T)                     \
    static inline T _Complex name(T re, T im) \
    {                                         \
        const T parts[2] = {re, im};          \
        T _Complex z;                         \
        memcpy(&z, parts, sizeof z);          \
        return z;                             \
    }
OF_PARTS(narrow_complex, float)
OF_PARTS(wide_complex, double)
OF_PARTS(long_complex, long double)
#undef OF_PARTS
#endif
