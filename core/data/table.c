/* Tables of numbers as text. */
#include "imnn/table.h"
#include "core/array/array.h"
#include "core/base/replace.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** A file that is being read. */
typedef struct table {
    const char *path;
    const imnn_table_format *format;
    imnn_dtype dtype;
    locale_t c; /* whatever the program has, a decimal point is a point */
    double *values;
    int64_t count, room;    /* of values */
    int64_t line, rows;     /* lines so far, rows so far */
    int32_t width, columns; /* of the first row: what there is, what is taken */
} table;

static imnn_status wrong(const table *t, int64_t column, const char *what, const char *text,
                         size_t n)
{
    return imnn_fail(IMNN_EIO, "text: %s: line %lld, column %lld: %s\"%.*s\"", t->path,
                     (long long)t->line, (long long)column, what, n > 40 ? 40 : (int)n, text);
}

static imnn_status add(table *t, double x)
{
    if (t->count == t->room) {
        int64_t room = t->room ? 2 * t->room : 256;
        double *more = imnn_alloc_raw((size_t)room * sizeof *more);
        if (!more) return imnn_fail(IMNN_ENOMEM, "text: %s: %s", t->path, imnn_last_error());
        if (t->count) memcpy(more, t->values, (size_t)t->count * sizeof *more);
        if (t->values) imnn_free(t->values, (size_t)t->room * sizeof *more);
        t->values = more, t->room = room;
    }
    t->values[t->count++] = x;
    return IMNN_OK;
}

static bool holds(imnn_dtype dtype, double x)
{
    if (dtype == IMNN_I32) return x >= INT32_MIN && x <= INT32_MAX && floor(x) == x;
    if (dtype == IMNN_U32) return x >= 0 && x <= UINT32_MAX && floor(x) == x;
    return true;
}

/* ---- a line ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/** One cell, without the spaces around it. */
static imnn_status take_number(double *x, const table *t, const char *text, size_t n,
                               int64_t column)
{
    char *end;
    while (n && is_space(*text)) text++, n--;
    while (n && is_space(text[n - 1])) n--;
    *x = t->format->filling;
    if (n == 0 && t->format->missing) return IMNN_OK;
    if (n == 0) return wrong(t, column, "there is nothing: ", "", 0);
    double value = strtod_l(text, &end, t->c); /* the line ends with a zero byte */
    if (end != text + n)
        return t->format->missing ? IMNN_OK : wrong(t, column, "no number: ", text, n);
    if (!holds(t->dtype, value))
        return imnn_fail(IMNN_EVALUE, "text: %s: line %lld, column %lld: %s does not hold %.*s",
                         t->path, (long long)t->line, (long long)column, imnn_dtype_name(t->dtype),
                         n > 40 ? 40 : (int)n, text);
    *x = value;
    return IMNN_OK;
}

/** Where the next cell is; false behind the last one. */
static bool next_cell(const table *t, const char **text, size_t *n, const char **rest)
{
    const char *p = *rest, *delimiter = t->format->delimiter;
    if (!p) return false;
    if (delimiter) {
        const char *end = strstr(p, delimiter);
        *text = p, *n = end ? (size_t)(end - p) : strlen(p);
        *rest = end ? end + strlen(delimiter) : NULL;
        return true;
    }
    while (is_space(*p)) p++;
    *text = p;
    while (*p && !is_space(*p)) p++;
    *n = (size_t)(p - *text), *rest = p;
    return *n > 0;
}

static int32_t count_cells(const table *t, const char *line)
{
    const char *text;
    size_t n;
    int32_t cells = 0;
    while (cells < INT32_MAX && next_cell(t, &text, &n, &line)) cells++;
    return cells;
}

/** Whether a column is wanted, as the k-th in a row of the result. */
static bool is_wanted(const table *t, int32_t cell, int32_t k)
{
    int32_t column = t->format->columns[k];
    return cell == (column < 0 ? column + t->width : column);
}

static imnn_status begin_row(table *t, int32_t width)
{
    const imnn_table_format *f = t->format;
    if (t->rows == 0) t->width = width, t->columns = f->columns ? f->ncolumns : width;
    if (width != t->width)
        return imnn_fail(IMNN_EIO, "text: %s: line %lld has %d columns, those before have %d",
                         t->path, (long long)t->line, width, t->width);
    for (int32_t k = 0; f->columns && k < f->ncolumns && t->rows == 0; k++)
        if (f->columns[k] >= width || f->columns[k] < -width)
            return imnn_fail(IMNN_EIO, "text: %s: line %lld has %d columns, not one of number %d",
                             t->path, (long long)t->line, width,
                             f->columns[k] < 0 ? f->columns[k] : f->columns[k] + 1);
    return IMNN_OK;
}

static imnn_status take_columns(table *t, const char *line)
{
    const char *text;
    size_t n;
    const int64_t first = t->count;
    imnn_status st = IMNN_OK;
    for (int32_t k = 0; k < t->format->ncolumns && st == IMNN_OK; k++) st = add(t, 0);
    for (int32_t cell = 0; st == IMNN_OK && next_cell(t, &text, &n, &line); cell++)
        for (int32_t k = 0; k < t->format->ncolumns && st == IMNN_OK; k++)
            if (is_wanted(t, cell, k))
                st = take_number(&t->values[first + k], t, text, n, cell + 1);
    return st;
}

static imnn_status take_row(table *t, const char *line)
{
    const char *text;
    size_t n;
    imnn_status st = begin_row(t, count_cells(t, line));
    if (st == IMNN_OK && t->format->columns) st = take_columns(t, line);
    for (int32_t cell = 0; st == IMNN_OK && !t->format->columns && cell < t->width; cell++) {
        double x;
        next_cell(t, &text, &n, &line);
        st = take_number(&x, t, text, n, cell + 1);
        if (st == IMNN_OK) st = add(t, x);
    }
    t->rows++;
    return st;
}

static bool is_blank(const char *line)
{
    while (is_space(*line)) line++;
    return !*line;
}

static imnn_status take_line(table *t, char *line, ssize_t n)
{
    const char *comments = t->format->comments;
    t->line++;
    if (t->line <= t->format->skip) return IMNN_OK;
    if (memchr(line, 0, (size_t)n))
        return imnn_fail(IMNN_EIO, "text: %s: line %lld holds a zero byte: this is no text",
                         t->path, (long long)t->line);
    if (n && line[n - 1] == '\n') line[--n] = 0;
    char *remark = comments && *comments ? strstr(line, comments) : NULL;
    if (remark) *remark = 0;
    return is_blank(line) ? IMNN_OK : take_row(t, line);
}

/* ---- a file ---- */

static imnn_status take_lines(table *t, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    imnn_status st = IMNN_OK;
    const int64_t most = t->format->most;
    while (st == IMNN_OK && (most < 0 || t->rows < most)) {
        if (t->line % 1024 == 0 && imnn_stop_asked())
            st = imnn_fail(IMNN_EINTERRUPT, "interrupted");
        errno = 0;
        ssize_t n = st == IMNN_OK ? getline(&line, &room, file) : -1;
        if (n < 0 && errno && st == IMNN_OK)
            st = imnn_fail(errno == ENOMEM ? IMNN_ENOMEM : IMNN_EIO, "text: %s: line %lld: %s",
                           t->path, (long long)t->line + 1, strerror(errno));
        if (n < 0) break;
        st = take_line(t, line, n);
    }
    free(line); /* as getline made it */
    return st;
}

static imnn_status open_text(FILE **out, const char *path)
{
    struct stat found;
    if (stat(path, &found)) return imnn_fail(IMNN_EIO, "text: %s: %s", path, strerror(errno));
    if (!S_ISREG(found.st_mode))
        return imnn_fail(IMNN_EIO, "text: %s: is %s", path,
                         S_ISDIR(found.st_mode) ? "a directory" : "no file");
    *out = fopen(path, "re");
    return *out ? IMNN_OK : imnn_fail(IMNN_EIO, "text: %s: %s", path, strerror(errno));
}

imnn_status imnn_table_read(imnn_array **out, const char *path, imnn_dtype dtype,
                            const imnn_table_format *format)
{
    table t = {.path = path, .format = format, .dtype = dtype};
    FILE *file = NULL;
    *out = NULL;
    if (dtype > IMNN_U32)
        return imnn_fail(IMNN_EDTYPE, "text: %s: tables are read as f32, f64, i32 or u32, not %s",
                         path, imnn_dtype_name(dtype));
    imnn_status st = open_text(&file, path);
    if (st != IMNN_OK) return st;
    t.c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    st = t.c ? take_lines(&t, file) : imnn_fail(IMNN_ENOMEM, "text: %s: no memory", path);
    fclose(file);
    if (t.c) freelocale(t.c);
    const imnn_shape shape = {.ndim = 2, .size = {t.rows, t.columns}};
    const double none = 0;
    if (st == IMNN_OK) st = imnn_array_from(out, dtype, &shape, t.values ? t.values : &none);
    if (t.values) imnn_free(t.values, (size_t)t.room * sizeof *t.values);
    return st;
}

/* ---- written ---- */

/** "%[flags][width][.precision]conversion" of one number, and nothing else but text without signs
 * of percent: a format of a script must not read what is not there. *whole: for integers. */
static imnn_status check_format(char *out, size_t size, bool *whole, const char *format)
{
    const char *p = strchr(format, '%'), *conversion;
    if (p && strlen(format) + 3 < size) {
        p += 1 + strspn(p + 1, "-+ #0");
        size_t width = strspn(p, "0123456789"), precision = 0;
        p += width;
        if (*p == '.') precision = strspn(p + 1, "0123456789"), p += 1 + precision;
        conversion = strchr("eEfFgGdi", *p);
        if (*p && conversion && !strchr(p + 1, '%') && width < 4 && precision < 4) {
            *whole = *p == 'd' || *p == 'i';
            snprintf(out, size, "%.*s%s%s", (int)(p - format), format, *whole ? "ll" : "", p);
            return IMNN_OK;
        }
    }
    return imnn_fail(IMNN_EVALUE,
                     "text: a format is one of a number, as %%.18e, %%8.3f or %%d, got "
                     "\"%.60s\"",
                     format);
}

static double value_at(const imnn_array *x, int64_t i)
{
    switch (x->dtype) {
    case IMNN_F32: return (double)((const float *)x->data)[i];
    case IMNN_F64: return ((const double *)x->data)[i];
    case IMNN_I32: return ((const int32_t *)x->data)[i];
    case IMNN_U32: return ((const uint32_t *)x->data)[i];
    default: return ((const uint8_t *)x->data)[i];
    }
}

static void put_number(FILE *file, const char *format, bool whole, double x)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* checked above */
    if (!whole) fprintf(file, format, x);
    else fprintf(file, format, fabs(x) < 0x1p63 ? (long long)x : 0);
#pragma GCC diagnostic pop
}

static imnn_status put_rows(FILE *file, const imnn_array *x, const char *format, bool whole,
                            const char *delimiter)
{
    const int64_t rows = x->shape.size[0], width = x->shape.ndim > 1 ? x->shape.size[1] : 1;
    for (int64_t i = 0; i < rows * width; i++) {
        if (i % 4096 == 0 && imnn_stop_asked()) return imnn_fail(IMNN_EINTERRUPT, "interrupted");
        double v = value_at(x, i);
        if (whole && !(fabs(v) < 0x1p63))
            return imnn_fail(IMNN_EVALUE, "text: %%d cannot write the number %g", v);
        put_number(file, format, whole, v);
        fputs((i + 1) % width ? delimiter : "\n", file);
    }
    return IMNN_OK;
}

static imnn_status put_table(const imnn_replace *r, const imnn_array *x, const char *format,
                             bool whole, const char *const text[3])
{
    FILE *file = fopen(r->temporary, "we");
    if (!file) return imnn_fail(IMNN_EIO, "text: %s: %s", r->path, strerror(errno));
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c ? uselocale(c) : (locale_t)0;
    fputs(text[1], file);
    imnn_status st = put_rows(file, x, format, whole, text[0]);
    fputs(text[2], file);
    if (c) uselocale(before), freelocale(c);
    bool failed = ferror(file) != 0;
    int why = errno;
    if (fclose(file) || failed) {
        if (!failed) why = errno;
        if (st == IMNN_OK)
            st = imnn_fail(IMNN_EIO, "text: %s: cannot be written: %s", r->path, strerror(why));
    }
    return st;
}

imnn_status imnn_table_write(const char *path, const imnn_array *x, const char *format,
                             const char *delimiter, const char *header, const char *footer)
{
    char checked[128];
    bool whole = false;
    imnn_replace r;
    const char *const text[3] = {delimiter, header, footer};
    imnn_status st = check_format(checked, sizeof checked, &whole, format);
    if (st != IMNN_OK) return st;
    if (x->dtype > IMNN_BOOL)
        return imnn_fail(IMNN_EDTYPE, "text: %s: complex numbers are written by parts", path);
    if (x->shape.ndim < 1 || x->shape.ndim > 2)
        return imnn_fail(IMNN_ESHAPE, "text: %s: a table has one or two axes, not %s", path,
                         imnn_shape_text(&x->shape).s);
    st = imnn_replace_begin(&r, "text", path);
    if (st != IMNN_OK) return st;
    st = put_table(&r, x, checked, whole, text);
    if (st == IMNN_OK) return imnn_replace_finish(&r, "text");
    imnn_replace_abandon(&r);
    return st;
}
