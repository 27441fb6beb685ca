#ifndef IMNN_PATHS_H
#define IMNN_PATHS_H
#include "imnn/base.h"

/** What is there: 'f' a file, 'd' a folder, 'o' something else, as a pipe or a device, whose
 * opening may wait for ever; 0 nothing, or nothing that may be looked at. */
IMNN_API int imnn_path_kind(const char *path);

typedef struct imnn_paths imnn_paths; /* of files, in order */

/** Paths as they are, and files that patterns with * ? [] stand for, sorted by name, numbers in
 *  them by value: x_9 before x_10. What is the name of a file is no pattern.
 *  fails  EIO (a pattern that no file has), ENOMEM */
IMNN_API imnn_status imnn_paths_find(imnn_paths **out, const char *const *paths, int64_t n);
IMNN_API void imnn_paths_release(imnn_paths *p); /* NULL is nothing */
IMNN_API int64_t imnn_paths_count(const imnn_paths *p);
/** Borrowed. */
IMNN_API const char *imnn_paths_path(const imnn_paths *p, int64_t i);
#endif
