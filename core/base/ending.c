/* The wish that a long run comes to an end soon. */
#include "imnn/ending.h"
#include <stdatomic.h>

static atomic_int listeners; /* process-wide, as signals are */
static atomic_bool asked;

void imnn_ending_listen(int change) { atomic_fetch_add(&listeners, change); }

bool imnn_ending_ask(void)
{
    if (atomic_load(&listeners) <= 0) return false;
    atomic_store(&asked, true);
    return true;
}

bool imnn_ending_asked(void) { return atomic_load(&asked); }
