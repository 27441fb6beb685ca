/* Names of files, and patterns that stand for some. */
#include "imnn/paths.h"
#include "core/base/base.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct imnn_paths {
    char **path;
    size_t count, room;
};

void imnn_paths_release(imnn_paths *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) imnn_free(p->path[i], strlen(p->path[i]) + 1);
    imnn_free(p->path, p->room * sizeof *p->path);
    imnn_free(p, sizeof *p);
}

int64_t imnn_paths_count(const imnn_paths *p) { return (int64_t)p->count; }
const char *imnn_paths_path(const imnn_paths *p, int64_t i) { return p->path[i]; }

static imnn_status add(imnn_paths *p, const char *path)
{
    if (p->count == p->room) {
        const size_t room = p->room ? 2 * p->room : 8;
        char **all = imnn_alloc(room * sizeof *all);
        if (!all) return IMNN_ENOMEM;
        if (p->count) memcpy(all, p->path, p->count * sizeof *all);
        imnn_free(p->path, p->room * sizeof *all);
        p->path = all, p->room = room;
    }
    const size_t length = strlen(path) + 1;
    char *copy = imnn_alloc(length);
    if (!copy) return IMNN_ENOMEM;
    p->path[p->count++] = memcpy(copy, path, length);
    return IMNN_OK;
}

/** By name; where both have digits, by the number that they make: x_9 before x_10. */
static int order_of_paths(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    for (; *x && *y; x++, y++) {
        size_t n = strspn(x, "0123456789"), m = strspn(y, "0123456789");
        if (n && m) {
            size_t zeros = strspn(x, "0"), others = strspn(y, "0");
            if (n - zeros != m - others) return n - zeros < m - others ? -1 : 1;
            int c = memcmp(x + zeros, y + others, n - zeros);
            if (c) return c;
            if (n != m) return n < m ? -1 : 1;
            x += n - 1, y += m - 1;
        } else if (*x != *y) {
            return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
        }
    }
    return (*x != 0) - (*y != 0);
}

static imnn_status add_matching(imnn_paths *p, const char *pattern)
{
    glob_t found = {0};
    int result = glob(pattern, GLOB_NOSORT, NULL, &found);
    imnn_status st = IMNN_OK;
    if (result == GLOB_NOSPACE) st = imnn_fail(IMNN_ENOMEM, "out of memory");
    else if (result) st = imnn_fail(IMNN_EIO, "%s: no file has such a name", pattern);
    if (!result) qsort(found.gl_pathv, found.gl_pathc, sizeof(char *), order_of_paths);
    for (size_t i = 0; st == IMNN_OK && i < found.gl_pathc; i++) st = add(p, found.gl_pathv[i]);
    globfree(&found);
    return st;
}

int imnn_path_kind(const char *path)
{
    struct stat found;
    if (stat(path, &found)) return 0;
    return S_ISREG(found.st_mode) ? 'f' : S_ISDIR(found.st_mode) ? 'd' : 'o';
}

imnn_status imnn_paths_find(imnn_paths **out, const char *const *paths, int64_t n)
{
    *out = NULL;
    imnn_paths *p = imnn_alloc(sizeof *p);
    imnn_status st = p ? IMNN_OK : IMNN_ENOMEM;
    for (int64_t i = 0; st == IMNN_OK && i < n; i++) {
        const bool exact = !strpbrk(paths[i], "*?[") || access(paths[i], F_OK) == 0;
        st = exact ? add(p, paths[i]) : add_matching(p, paths[i]);
    }
    if (st == IMNN_OK) *out = p;
    else imnn_paths_release(p);
    return st;
}
