#ifndef CORE_REPLACE_H
#define CORE_REPLACE_H
#include "core/base/base.h"

/** A file that comes into being, or is replaced, as a whole: it is written under a temporary name
 *  beside its own and then renamed. Whoever looks sees the old one or all of the new one. */
typedef struct imnn_replace {
    char *path, *temporary; /* NULL: nothing is under way */
} imnn_replace;

/** Whether a file may be put there: what is there already, if anything, is a file, too. Renaming
 *  would put one in the place of a device or a pipe.
 *  fails  EIO */
imnn_status imnn_replace_allowed(const char *who, const char *path);
/** Make the temporary file, empty; of a link, beside the file to which it leads. Those that
 *  processes of this machine left behind when they were killed are removed.
 *  who    for messages: "hdf5"
 *  fails  EIO (a folder that does not exist or may not be written to; a folder, a device or a pipe
 *         of that name), ENOMEM */
imnn_status imnn_replace_begin(imnn_replace *r, const char *who, const char *path);
/** Give the temporary file, closed by now, its name; after a failure there is none either.
 *  fails  EIO */
imnn_status imnn_replace_finish(imnn_replace *r, const char *who);
/** What to do about a file that is no whole one, as its name tells: "; ..." behind a sentence; ""
 *  for other names. */
const char *imnn_unfinished_hint(const char *path);
/** Remove the temporary file; nothing if none is under way. */
void imnn_replace_abandon(imnn_replace *r);
#endif
