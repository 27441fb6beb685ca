/* Files of records: where they are, and reading them with their checksums.
 *
 * Opening goes from length to length and notes where records begin; reading takes as many as fit
 * into a window at a time. Files are read, not mapped: one that somebody shortens is an error then,
 * not the end of the process. */
#include "core/data/tfrecord.h"
#include "core/base/replace.h"
#include "imnn/paths.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEAD = 12,        /* the length and its checksum */
    TAIL = 4,         /* the checksum of the bytes */
    WINDOW = 1 << 17, /* stays in the cache between reading, checking and copying */
    SPARSE = 512,     /* of large records only the heads are looked at when they are counted */
    MARK = 4096,      /* bytes between marks, at least */
    MOST_OPEN = 64,   /* files that stay open; more of them are opened for each reading */
    EVERY = 1 << 12,  /* looks for an interrupt, in records */
};

struct imnn_tfrecord {
    _Atomic int32_t refs;
    imnn_record_file *files;
    int64_t count; /* files */
    size_t room;
    int64_t records;
    _Atomic uint64_t *sound; /* a bit for each record whose checksum was found right */
};

static size_t words_of(int64_t records) { return (size_t)records / 64 + 1; }

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t u64_at(const uint8_t *p) { return u32_at(p) | (uint64_t)u32_at(p + 4) << 32; }

/** A sentence about record i of a file. */
__attribute__((format(printf, 4, 5))) static imnn_status
wrong(const imnn_record_file *f, int64_t i, int64_t offset, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return imnn_fail(IMNN_EIO, "tfrecord: %s: record %lld, at byte %lld%s: %s%s", f->path,
                     (long long)i + 1, (long long)offset, f->unpacked ? " of what is unpacked" : "",
                     what, imnn_unfinished_hint(f->path));
}

imnn_status imnn_record_read(int fd, const char *path, void *out, size_t n, int64_t offset)
{
    for (char *to = out; n;) {
        ssize_t got = pread(fd, to, n, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return imnn_fail(IMNN_EIO, "tfrecord: %s: %s", path, strerror(errno));
        if (got == 0)
            return imnn_fail(IMNN_EIO,
                             "tfrecord: %s: ends at byte %lld; it was longer when it was "
                             "opened",
                             path, (long long)offset);
        to += got, offset += got, n -= (size_t)got;
    }
    return IMNN_OK;
}

static imnn_status poll_interrupt(void)
{
    return imnn_interrupted() ? imnn_fail(IMNN_EINTERRUPT, "interrupted") : IMNN_OK;
}

/* ---- counting records ---- */

static imnn_status mark(imnn_record_file *f, int64_t record, int64_t offset)
{
    if (f->marked && offset - f->marks[f->marked - 1].offset < MARK) return IMNN_OK;
    if (f->marked == f->room) {
        size_t room = f->room ? 2 * f->room : 64;
        imnn_record_mark *marks = imnn_alloc_raw(room * sizeof *marks);
        if (!marks) return IMNN_ENOMEM;
        if (f->marked) memcpy(marks, f->marks, f->marked * sizeof *marks);
        if (f->room) imnn_free(f->marks, f->room * sizeof *marks);
        f->marks = marks, f->room = room;
    }
    f->marks[f->marked++] = (imnn_record_mark){record, offset};
    return IMNN_OK;
}

/** The length of a record whose first HEAD bytes are given, of which *rest are in the file. */
static imnn_status read_head(const imnn_record_file *f, int64_t record, int64_t offset,
                             const uint8_t *head, uint64_t *length)
{
    int64_t rest = f->size - offset;
    if (rest < HEAD)
        return wrong(f, record, offset, "the file ends %lld bytes into it", (long long)rest);
    if (imnn_crc32c_masked(head, 8) != u32_at(head + 8))
        return wrong(f, record, offset, "the checksum of its length does not fit%s",
                     record ? "" : "; is this a file of TFRecords?");
    *length = u64_at(head);
    if (*length > INT64_MAX || rest < HEAD + TAIL || (int64_t)*length > rest - HEAD - TAIL)
        return wrong(f, record, offset,
                     "it has %llu bytes, and the file ends %lld bytes after its "
                     "length",
                     (unsigned long long)*length, (long long)rest - HEAD);
    return IMNN_OK;
}

/** A wrong length shows at the record behind it: where none begins at `offset`, ask of the one
 *  before, which has this length, whether its bytes fit their checksum. */
static imnn_status blame(const imnn_record_file *f, int64_t record, int64_t offset, uint64_t length,
                         uint8_t *window)
{
    uint8_t tail[TAIL];
    uint32_t crc = 0;
    int64_t at = offset - TAIL - (int64_t)length;
    const int64_t begin = at - HEAD;
    if (!record || imnn_record_read(f->fd, f->path, tail, TAIL, offset - TAIL) != IMNN_OK)
        return IMNN_OK;
    while (at < offset - TAIL) {
        size_t n = offset - TAIL - at < WINDOW ? (size_t)(offset - TAIL - at) : WINDOW;
        if (imnn_record_read(f->fd, f->path, window, n, at) != IMNN_OK) return IMNN_OK;
        crc = imnn_crc32c(crc, window, n), at += (int64_t)n;
    }
    if (imnn_crc32c_mask(crc) == u32_at(tail)) return IMNN_OK;
    return wrong(f, record - 1, begin, "the checksum of its %llu bytes does not fit",
                 (unsigned long long)length);
}

/** Go from length to length. */
static imnn_status count_records(imnn_record_file *f, uint8_t *window)
{
    int64_t offset = 0, at = 0, filled = 0;
    imnn_status st = IMNN_OK;
    uint64_t length = 0, before = 0;
    for (; offset < f->size && st == IMNN_OK; f->count++) {
        if (f->count % EVERY == 0 && (st = poll_interrupt()) != IMNN_OK) break;
        int64_t head = f->size - offset < HEAD ? f->size - offset : HEAD;
        if (offset + head > at + filled) {
            filled = length < SPARSE ? WINDOW : HEAD, at = offset;
            if (filled > f->size - at) filled = f->size - at;
            st = imnn_record_read(f->fd, f->path, window, (size_t)filled, at);
        }
        if (st == IMNN_OK) st = mark(f, f->count, offset);
        if (st != IMNN_OK) break;
        st = read_head(f, f->count, offset, window + (offset - at), &length);
        if (st == IMNN_EIO && blame(f, f->count, offset, before, window) != IMNN_OK) break;
        before = length;
        if (st == IMNN_OK) offset += HEAD + TAIL + (int64_t)length;
    }
    return st;
}

/* ---- opening ---- */

static int64_t changed_at(const struct stat *s)
{
    return (int64_t)s->st_mtim.tv_sec * 1000000000 + s->st_mtim.tv_nsec;
}

static bool is_same(const struct stat *s, const imnn_record_file *f)
{
    return f->size == s->st_size && f->changed == changed_at(s) &&
           f->inode[0] == (int64_t)s->st_dev && f->inode[1] == (int64_t)s->st_ino;
}

/** Open a file, and see that it is the one that was counted. */
static imnn_status open_file(int *fd, imnn_record_file *f, bool again)
{
    struct stat s;
    *fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* does not wait for writers of pipes */
    if (*fd < 0 || fstat(*fd, &s)) {
        if (*fd >= 0) close(*fd);
        return imnn_fail(IMNN_EIO, "tfrecord: %s: %s", f->path, strerror(errno));
    }
    if (S_ISREG(s.st_mode) && (!again || is_same(&s, f))) {
        f->size = s.st_size, f->changed = changed_at(&s);
        f->inode[0] = (int64_t)s.st_dev, f->inode[1] = (int64_t)s.st_ino;
        return IMNN_OK;
    }
    close(*fd);
    const char *why =
        S_ISDIR(s.st_mode) ? "is a directory" : "is not a file that can be read again";
    return imnn_fail(IMNN_EIO, "tfrecord: %s: %s", f->path,
                     again ? "has changed since it was opened" : why);
}

/** GZIP or ZLIB by its first bytes, which are no length with its checksum. */
static bool is_packed(const uint8_t *head, int64_t size)
{
    if (size < 2 || (size >= HEAD && imnn_crc32c_masked(head, 8) == u32_at(head + 8))) return false;
    bool gzip = head[0] == 0x1f && head[1] == 0x8b;
    bool zlib = (head[0] & 15) == 8 && head[0] >> 4 <= 7 && (head[0] << 8 | head[1]) % 31 == 0;
    return gzip || zlib;
}

static imnn_status unpack(imnn_record_file *f)
{
    int fd;
    imnn_status st = imnn_record_unpack(&fd, &f->size, f->fd, f->path);
    if (st != IMNN_OK) return st;
    close(f->fd);
    f->fd = fd, f->unpacked = true;
    return IMNN_OK;
}

/** A name that ends in .gz or .zlib is no promise: the bytes decide. */
static imnn_status examine(imnn_record_file *f, uint8_t *window)
{
    imnn_status st = open_file(&f->fd, f, false);
    if (st != IMNN_OK) return f->fd = -1, st;
    size_t some = f->size < HEAD ? (size_t)f->size : HEAD;
    st = imnn_record_read(f->fd, f->path, window, some, 0);
    if (st == IMNN_OK && is_packed(window, f->size)) st = unpack(f);
    return st == IMNN_OK ? count_records(f, window) : st;
}

static imnn_status add_file(imnn_tfrecord *t, const char *path, uint8_t *window)
{
    if ((size_t)t->count == t->room) {
        size_t room = t->room ? 2 * t->room : 8;
        imnn_record_file *files = imnn_alloc(room * sizeof *files);
        if (!files) return IMNN_ENOMEM;
        if (t->count) memcpy(files, t->files, (size_t)t->count * sizeof *files);
        if (t->room) imnn_free(t->files, t->room * sizeof *files);
        t->files = files, t->room = room;
    }
    size_t length = strlen(path) + 1;
    imnn_record_file *f = t->files + t->count;
    *f = (imnn_record_file){.path = imnn_alloc(length), .fd = -1, .first = t->records};
    if (!f->path) return IMNN_ENOMEM;
    memcpy(f->path, path, length);
    t->count++;
    imnn_status st = examine(f, window);
    if (st != IMNN_OK) return st;
    if (t->count > MOST_OPEN && !f->unpacked) close(f->fd), f->fd = -1;
    t->records += f->count;
    return IMNN_OK;
}

imnn_status imnn_tfrecord_open(imnn_tfrecord **out, const char *const *paths, int64_t n)
{
    *out = NULL;
    imnn_tfrecord *t = imnn_alloc(sizeof *t);
    uint8_t *window = t ? imnn_alloc_raw(WINDOW) : NULL;
    imnn_paths *found = NULL;
    imnn_status st = window ? imnn_paths_find(&found, paths, n) : IMNN_ENOMEM;
    if (st == IMNN_EIO) st = imnn_fail(st, "tfrecord: %s", imnn_last_error());
    if (t) atomic_store(&t->refs, 1);
    for (int64_t i = 0; st == IMNN_OK && i < imnn_paths_count(found); i++)
        st = add_file(t, imnn_paths_path(found, i), window);
    imnn_paths_release(found);
    if (window) imnn_free(window, WINDOW);
    if (st == IMNN_OK) {
        t->sound = imnn_alloc(words_of(t->records) * sizeof *t->sound);
        if (!t->sound) st = IMNN_ENOMEM;
    }
    if (st == IMNN_OK) *out = t;
    else imnn_tfrecord_release(t);
    return st;
}

imnn_tfrecord *imnn_tfrecord_retain(imnn_tfrecord *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void imnn_tfrecord_release(imnn_tfrecord *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) > 1) return;
    for (int64_t i = 0; i < t->count; i++) {
        imnn_record_file *f = t->files + i;
        if (f->fd >= 0) close(f->fd);
        if (f->room) imnn_free(f->marks, f->room * sizeof *f->marks);
        imnn_free(f->path, strlen(f->path) + 1);
    }
    if (t->room) imnn_free(t->files, t->room * sizeof *t->files);
    if (t->sound) imnn_free(t->sound, words_of(t->records) * sizeof *t->sound);
    imnn_free(t, sizeof *t);
}

int64_t imnn_tfrecord_count(const imnn_tfrecord *t) { return t->records; }
int64_t imnn_tfrecord_files(const imnn_tfrecord *t) { return t->count; }
int64_t imnn_tfrecord_first(const imnn_tfrecord *t, int64_t file) { return t->files[file].first; }
const char *imnn_tfrecord_path(const imnn_tfrecord *t, int64_t file) { return t->files[file].path; }

/* ---- reading ---- */

/** The last place i with key(i) <= record, of n ascending ones, the first of which is. */
static const imnn_record_file *file_of(const imnn_tfrecord *t, int64_t record)
{
    int64_t low = 0, high = t->count;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (t->files[middle].first <= record) low = middle;
        else high = middle;
    }
    return t->files + low;
}

/** Whether mark m is the last one that is not behind a record. */
static bool is_mark_of(const imnn_record_file *f, size_t m, int64_t record)
{
    return f->marks[m].record <= record && (m + 1 == f->marked || f->marks[m + 1].record > record);
}

/** The last mark that is not behind a record: where it is if all have the same length, or else by
 *  halves. */
static size_t mark_of(const imnn_record_file *f, int64_t record)
{
    const size_t likely = (size_t)((double)record * (double)f->marked / (double)f->count);
    size_t low = 0, high = f->marked;
    if (likely < f->marked && is_mark_of(f, likely, record)) return likely;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (f->marks[middle].record <= record) low = middle;
        else high = middle;
    }
    return low;
}

/** Where reading ahead ends that wants records up to `end`. */
static int64_t offset_behind(const imnn_record_file *f, int64_t end)
{
    if (end >= f->count) return f->size;
    size_t m = mark_of(f, end);
    if (f->marks[m].record < end) m++;
    return m < f->marked ? f->marks[m].offset : f->size;
}

static void leave_file(imnn_record_walk *w)
{
    if (w->file && w->fd >= 0 && w->file->fd < 0) close(w->fd);
    w->file = NULL, w->fd = -1;
}

/** A window of n bytes at least, in which nothing is seen yet. */
static imnn_status widen(imnn_record_walk *w, size_t n)
{
    w->filled = 0;
    if (n <= w->room) return IMNN_OK;
    if (w->window) imnn_free(w->window, w->room);
    w->window = imnn_alloc_raw(n);
    w->room = w->window ? n : 0;
    return w->window ? IMNN_OK : IMNN_ENOMEM;
}

/** Nobody has written to a file since it was opened; what a file unpacks to has no name. */
static bool is_unchanged(int fd, const imnn_record_file *f)
{
    struct stat s;
    return f->unpacked || (!fstat(fd, &s) && is_same(&s, f));
}

/** Go to the mark before record i of the whole set. */
static imnn_status enter_file(imnn_record_walk *w, int64_t i)
{
    imnn_record_file *f = (imnn_record_file *)(uintptr_t)file_of(w->t, i);
    imnn_status st = IMNN_OK;
    w->fd = f->fd;
    if (f->fd < 0) {
        imnn_record_file known = *f; /* what is known of it is shared by threads */
        st = open_file(&w->fd, &known, true);
        if (st != IMNN_OK) return w->fd = -1, st;
    }
    w->unchanged = is_unchanged(w->fd, f);
    const imnn_record_mark *m = f->marks + mark_of(f, i - f->first);
    w->file = f, w->record = m->record, w->offset = m->offset;
    w->last = offset_behind(f, w->end - f->first);
    w->at = w->offset, w->filled = 0;
    return widen(w, w->last - w->offset < WINDOW ? (size_t)(w->last - w->offset) : WINDOW);
}

/** The next n bytes of the file are in the window. */
static imnn_status see(imnn_record_walk *w, int64_t n)
{
    if (w->offset >= w->at && w->offset + n <= w->at + (int64_t)w->filled) return IMNN_OK;
    imnn_status st = widen(w, (size_t)n);
    if (st != IMNN_OK) return st;
    int64_t wanted =
        w->last - w->offset < (int64_t)w->room ? w->last - w->offset : (int64_t)w->room;
    if (wanted < n) wanted = n;
    w->at = w->offset;
    st = poll_interrupt();
    if (st == IMNN_OK)
        st = imnn_record_read(w->fd, w->file->path, w->window, (size_t)wanted, w->at);
    if (st == IMNN_OK) w->filled = (size_t)wanted;
    return st;
}

static const uint8_t *seen(const imnn_record_walk *w) { return w->window + (w->offset - w->at); }

/** The length of the next record, whose bytes may be anywhere. */
static imnn_status next_length(imnn_record_walk *w, uint64_t *length)
{
    imnn_status st = see(w, HEAD);
    return st == IMNN_OK ? read_head(w->file, w->record, w->offset, seen(w), length) : st;
}

static void step(imnn_record_walk *w, uint64_t length)
{
    w->before = w->offset;
    w->offset += HEAD + TAIL + (int64_t)length;
    w->record++;
}

/** From the mark to record i of the whole set. */
static imnn_status skip_to(imnn_record_walk *w, int64_t i)
{
    uint64_t length;
    imnn_status st = IMNN_OK;
    while (w->file->first + w->record < i && st == IMNN_OK)
        if ((st = next_length(w, &length)) == IMNN_OK) step(w, length);
    return st;
}

imnn_status imnn_record_walk_begin(imnn_record_walk *w, const imnn_tfrecord *t, int64_t begin,
                                   int64_t end)
{
    *w = (imnn_record_walk){.t = t, .fd = -1, .end = end};
    if (begin >= end) return IMNN_OK;
    imnn_status st = enter_file(w, begin);
    return st == IMNN_OK ? skip_to(w, begin) : st;
}

/** Files without records lie between others. */
static imnn_status next_file(imnn_record_walk *w)
{
    int64_t i = w->file->first + w->record;
    leave_file(w);
    return enter_file(w, i);
}

/** Whether the bytes of the next record are those that were written. What was found right once is
 *  so as long as nobody has written to the file: it is not summed up in every pass of a fit. */
static bool is_sound(const imnn_record_walk *w, const uint8_t *bytes, uint64_t length)
{
    const int64_t i = w->file->first + w->record;
    _Atomic uint64_t *word = &w->t->sound[i / 64];
    const uint64_t bit = (uint64_t)1 << i % 64;
    if (w->unchanged && atomic_load_explicit(word, memory_order_relaxed) & bit) return true;
    if (imnn_crc32c_masked(bytes, length) != u32_at(bytes + length)) return false;
    atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    return true;
}

imnn_status imnn_record_walk_next(imnn_record_walk *w, const uint8_t **payload, size_t *n)
{
    uint64_t length;
    imnn_status st = w->record == w->file->count ? next_file(w) : IMNN_OK;
    if (st == IMNN_OK) st = next_length(w, &length);
    if (st == IMNN_OK) st = see(w, HEAD + TAIL + (int64_t)length);
    if (st != IMNN_OK) return st;
    const uint8_t *bytes = seen(w) + HEAD;
    if (!is_sound(w, bytes, length))
        return wrong(w->file, w->record, w->offset, "the checksum of its %llu bytes does not fit",
                     (unsigned long long)length);
    *payload = bytes, *n = length;
    step(w, length);
    return IMNN_OK;
}

imnn_status imnn_record_failed(const imnn_record_walk *w, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return wrong(w->file, w->record - 1, w->before, "%s", what);
}

void imnn_record_advise(const imnn_tfrecord *t, int64_t begin, int64_t end)
{
    if (begin < 0 || end > t->records) return;
    for (const imnn_record_file *f = file_of(t, begin); f < t->files + t->count && f->first < end;
         f++) {
        if (f->fd < 0 || !f->count) continue;
        int64_t from = begin > f->first ? f->marks[mark_of(f, begin - f->first)].offset : 0;
        posix_fadvise(f->fd, from, offset_behind(f, end - f->first) - from, POSIX_FADV_WILLNEED);
    }
}

void imnn_record_walk_end(imnn_record_walk *w)
{
    leave_file(w);
    if (w->window) imnn_free(w->window, w->room);
    w->window = NULL;
}

/* ---- Examples ---- */

imnn_status imnn_tfrecord_example(imnn_example **out, imnn_tfrecord *t, int64_t i)
{
    imnn_record_walk w;
    const uint8_t *payload;
    size_t n;
    *out = NULL;
    if (i < 0 || i >= t->records)
        return imnn_fail(IMNN_EVALUE, "tfrecord: has %lld records, asked for %lld",
                         (long long)t->records, (long long)i);
    imnn_status st = imnn_record_walk_begin(&w, t, i, i + 1);
    if (st == IMNN_OK) st = imnn_record_walk_next(&w, &payload, &n);
    if (st == IMNN_OK) {
        st = imnn_example_decode(out, payload, n);
        if (st == IMNN_EIO) st = imnn_record_failed(&w, "%s", imnn_last_error());
    }
    imnn_record_walk_end(&w);
    return st;
}
