/* Files that are replaced as a whole. */
#include "core/base/replace.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NAME.MACHINE-PROCESS-NUMBER.tmp: so that several writers of one file do not meet, and those that
 * are no more are known. */
static atomic_int number; /* process-wide, as are the names */

static void this_machine(char *name, size_t size)
{
    if (gethostname(name, size)) snprintf(name, size, "here");
    name[size - 1] = 0;
}

static char *join(const char *a, const char *b)
{
    size_t length = strlen(a) + strlen(b) + 1;
    char *text = imnn_alloc(length);
    if (text) snprintf(text, length, "%s%s", a, b);
    return text;
}

static void drop(char **text)
{
    if (*text) imnn_free(*text, strlen(*text) + 1);
    *text = NULL;
}

/** Whether an entry of the folder is what a process that is no more began for this file. */
static bool is_left_over(const char *entry, const char *name, const char *machine)
{
    size_t length = strlen(name), more = strlen(machine);
    if (strncmp(entry, name, length) || entry[length] != '.') return false;
    entry += length + 1;
    if (strncmp(entry, machine, more) || entry[more] != '-') return false;
    int process, n, end = 0;
    if (sscanf(entry + more + 1, "%d-%d.tmp%n", &process, &n, &end) < 2) return false;
    if (!end || entry[more + 1 + (size_t)end] || process <= 0) return false;
    return kill((pid_t)process, 0) && errno == ESRCH;
}

static imnn_status remove_left_over(const char *path, const char *machine)
{
    const char *slash = strrchr(path, '/');
    char *folder = join(path, "");
    if (!folder) return IMNN_ENOMEM;
    size_t length = strlen(folder) + 1;
    folder[slash ? slash - path + 1 : 0] = 0;
    DIR *entries = opendir(*folder ? folder : ".");
    struct dirent *e;
    while (entries && (e = readdir(entries)))
        if (is_left_over(e->d_name, slash ? slash + 1 : path, machine))
            unlinkat(dirfd(entries), e->d_name, 0);
    if (entries) closedir(entries);
    imnn_free(folder, length);
    return IMNN_OK;
}

imnn_status imnn_replace_allowed(const char *who, const char *path)
{
    struct stat found;
    if (!*path) return imnn_fail(IMNN_EIO, "%s: the name of a file is empty", who);
    if (stat(path, &found) || S_ISREG(found.st_mode)) return IMNN_OK;
    return imnn_fail(IMNN_EIO, "%s: %s: %s", who, path,
                     S_ISDIR(found.st_mode) ? "is a directory"
                                            : "is a device or a pipe, not a file");
}

imnn_status imnn_replace_begin(imnn_replace *r, const char *who, const char *path)
{
    char machine[64], ending[128], target[PATH_MAX];
    *r = (imnn_replace){0};
    imnn_status st = imnn_replace_allowed(who, path);
    if (st != IMNN_OK) return st;
    if (realpath(path, target)) path = target; /* a link stays, what it leads to is replaced */
    this_machine(machine, sizeof machine);
    if (remove_left_over(path, machine) != IMNN_OK) return IMNN_ENOMEM;
    snprintf(ending, sizeof ending, ".%s-%d-%d.tmp", machine, (int)getpid(),
             atomic_fetch_add(&number, 1) + 1);
    r->path = join(path, "");
    r->temporary = join(path, ending);
    if (!r->path || !r->temporary) return drop(&r->path), drop(&r->temporary), IMNN_ENOMEM;
    int file = open(r->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (file >= 0) return close(file), IMNN_OK;
    drop(&r->path), drop(&r->temporary);
    return imnn_fail(IMNN_EIO, "%s: %s: cannot be written: %s", who, path, strerror(errno));
}

imnn_status imnn_replace_finish(imnn_replace *r, const char *who)
{
    imnn_status st = IMNN_OK;
    if (rename(r->temporary, r->path))
        st = imnn_fail(IMNN_EIO, "%s: %s: cannot be written: %s", who, r->path, strerror(errno));
    else drop(&r->temporary);
    imnn_replace_abandon(r);
    return st;
}

const char *imnn_unfinished_hint(const char *path)
{
    size_t length = strlen(path), at = length > 4 ? length - 4 : 0;
    if (length > 5 && !strcmp(path + length - 5, ".part"))
        return "; it is what write_simulations has begun: call it again and it goes on, or remove "
               "the file";
    if (strcmp(path + at, ".tmp")) return "";
    for (int part = 0; part < 2; part++) { /* the process and the number */
        size_t end = at;
        while (at > 0 && path[at - 1] >= '0' && path[at - 1] <= '9') at--;
        if (at == end || at == 0 || path[--at] != '-') return "";
    }
    return "; somebody is writing it, or was killed while doing so: wait, or remove it";
}

void imnn_replace_abandon(imnn_replace *r)
{
    if (r->temporary) unlink(r->temporary);
    drop(&r->temporary), drop(&r->path);
}
