#ifndef IMNN_LINALG_H
#define IMNN_LINALG_H
#include "imnn/base.h"

/** The LAPACK that large matrices go to and the kernels it chose, "OpenBLAS 0.3.21 ... SkylakeX";
 *  "not found" without one. Loads it, if nothing did before. Owned by the library. */
IMNN_API const char *imnn_lapack_name(void);
#endif
