#ifndef IMNN_ENDING_H
#define IMNN_ENDING_H
#include "imnn/base.h"

/* The wish that a long run comes to an end soon, as batch systems have it (SIGTERM, SIGUSR1): a
 * loop that can save where it is listens, stops at its next boundary and leaves with
 * IMNN_EXIT_AGAIN, to be started again. */
enum { IMNN_EXIT_AGAIN = 75 }; /* EX_TEMPFAIL of sysexits.h */

/** From now on somebody listens (+1), or no longer (-1). */
IMNN_API void imnn_ending_listen(int change);
/** Note the wish, if somebody listens. Safe in a signal handler.
 *  returns  whether somebody does; else the signal is to have its usual effect */
IMNN_API bool imnn_ending_ask(void);
/** Whether somebody asked; it stays so. */
IMNN_API bool imnn_ending_asked(void);
#endif
