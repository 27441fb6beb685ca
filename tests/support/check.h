/* What C tests say when something is not as it should be. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H
#include "imnn.h"
#include <stdio.h>
#include <string.h>

/** Leave the calling function with 1 if the condition does not hold. */
#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition))                                                                         \
            return printf("%s:%d: not so: %s (last error: %s)\n", __FILE__, __LINE__, #condition, \
                          imnn_last_error()),                                                     \
                   1;                                                                             \
    } while (0)

/** The last failure of this thread reads so. */
static inline int says(const char *sentence) { return !strcmp(imnn_last_error(), sentence); }
#endif
