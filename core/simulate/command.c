/* Simulators that are programs: what a worker does with one. A simulation has a folder of its own,
 * in which its input, its output and its complaints are files, so that nobody waits for anybody
 * while reading and writing. */
#include "core/simulate/simulate.h"
#include "imnn/hdf5.h"
#include "imnn/npy.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_LINE = 300 };

/* ---- the setup: "C", command_head, data_head, folder, dataset, arguments ---- */

typedef struct command_head {
    int32_t input, output, inside, n_args;
} command_head;

static bool add_text(imnn_bytes *b, const char *text)
{
    return imnn_bytes_add(b, text, strlen(text) + 1);
}

static bool tell(imnn_bytes *b, const imnn_simulator_options *o, const imnn_command *c,
                 const char *folder)
{
    command_head head = {.input = (int32_t)c->input,
                         .output = (int32_t)c->output,
                         .inside = c->inside,
                         .n_args = c->n_args};
    data_head data = {.dtype = (int32_t)o->dtype, .ndim = o->shape.ndim};
    memcpy(data.size, o->shape.size, sizeof data.size);
    bool told = imnn_bytes_add(b, "C", 1) && imnn_bytes_add(b, &head, sizeof head) &&
                imnn_bytes_add(b, &data, sizeof data) && add_text(b, folder) &&
                add_text(b, c->dataset ? c->dataset : "");
    for (int i = 0; i < c->n_args; i++) told = told && add_text(b, c->args[i]);
    return told;
}

imnn_status imnn_simulator_command(imnn_simulator **out, const imnn_simulator_options *options,
                                   const imnn_command *command)
{
    *out = NULL;
    char folder[FOLDER_BYTES];
    const char *temporary = getenv("TMPDIR");
    imnn_bytes setup = {0};
    if (command->n_args < 1)
        return imnn_fail(IMNN_EVALUE, "%s: argv names no program", options->who);
    if (command->output == IMNN_RAW && options->shape.ndim < 0)
        return imnn_fail(IMNN_EVALUE, "%s: raw output needs the shape of a simulation",
                         options->who);
    if (options->rows != 1)
        return imnn_fail(IMNN_EVALUE, "%s: a program makes one simulation at a time", options->who);
    snprintf(folder, sizeof folder, "%s/imnn-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(folder))
        return imnn_fail(IMNN_EIO, "%s: no temporary folder %s: %s", options->who, folder,
                         strerror(errno));
    imnn_status st = tell(&setup, options, command, folder) ? IMNN_OK : IMNN_ENOMEM;
    if (st == IMNN_OK) st = imnn_simulator_processes(out, options, setup.data, (int64_t)setup.size);
    imnn_bytes_free(&setup);
    if (st == IMNN_OK) snprintf((*out)->folder, sizeof(*out)->folder, "%s", folder);
    else rmdir(folder);
    return st;
}

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    return remove(path), 0;
}

void imnn_remove_folder(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

/* ---- one program ---- */

typedef struct command {
    command_head h;
    imnn_dtype dtype;
    imnn_shape shape;
    const char *dataset, **args;
    char folder[FOLDER_BYTES + 16];
    char input[FOLDER_BYTES + 48], output[FOLDER_BYTES + 48], errors[FOLDER_BYTES + 48];
    bool reads_input, writes_output; /* by name, not as standard input and output */
    imnn_bytes made;                 /* the values of a simulation */
} command;

static const char *const extensions[] = {"", "raw", "txt", "npy", "h5"}; /* by imnn_command_data */

static bool has(const command *c, const char *placeholder)
{
    for (int i = 0; i < c->h.n_args; i++)
        if (strstr(c->args[i], placeholder)) return true;
    return false;
}

static imnn_status understand(command *c, imnn_worker *w, int64_t number)
{
    int64_t size;
    data_head d;
    const char *at = imnn_worker_setup(w, &size) + 1;
    memcpy(&c->h, at, sizeof c->h), at += sizeof c->h;
    memcpy(&d, at, sizeof d), at += sizeof d;
    c->dtype = (imnn_dtype)d.dtype, c->shape.ndim = d.ndim;
    memcpy(c->shape.size, d.size, sizeof d.size);
    snprintf(c->folder, sizeof c->folder, "%s/%" PRId64, at, number), at += strlen(at) + 1;
    c->dataset = at, at += strlen(at) + 1;
    if (!(c->args = imnn_alloc((size_t)c->h.n_args * sizeof *c->args))) return IMNN_ENOMEM;
    for (int i = 0; i < c->h.n_args; i++) c->args[i] = at, at += strlen(at) + 1;
    snprintf(c->input, sizeof c->input, "%s/input.%s", c->folder, extensions[c->h.input]);
    snprintf(c->output, sizeof c->output, "%s/output.%s", c->folder, extensions[c->h.output]);
    snprintf(c->errors, sizeof c->errors, "%s/errors", c->folder);
    c->reads_input = has(c, "{input}"), c->writes_output = has(c, "{output}");
    return IMNN_OK;
}

/** A file that may be run; else errno says why not. */
static bool is_program(const char *path)
{
    struct stat found;
    if (stat(path, &found) || access(path, X_OK)) return false;
    errno = EISDIR;
    return !S_ISDIR(found.st_mode);
}

/** A program that cannot be found is no failure of a simulation. */
static imnn_status look_for(const char *program)
{
    char path[4096];
    const char *folders = getenv("PATH");
    if (strchr(program, '/')) {
        if (is_program(program)) return IMNN_OK;
        return imnn_fail(IMNN_EIO, "cannot run %s: %s", program, strerror(errno));
    }
    for (const char *at = folders; at && *at;) {
        size_t length = strcspn(at, ":");
        snprintf(path, sizeof path, "%.*s/%s", (int)length, at, program);
        if (is_program(path)) return IMNN_OK;
        at += length + (at[length] == ':');
    }
    return imnn_fail(IMNN_EIO, "cannot run %s: it is in no folder of PATH", program);
}

/* ---- its input ---- */

static double parameter(const imnn_job *j, int64_t k)
{
    return j->dtype == IMNN_F32 ? ((const float *)j->theta)[k] : ((const double *)j->theta)[k];
}

/** As many digits as tell it from its neighbours. */
static int print_parameter(char *out, size_t room, const imnn_job *j, int64_t k)
{
    return snprintf(out, room, "%.*g", j->dtype == IMNN_F32 ? 9 : 17, parameter(j, k));
}

static imnn_status array_of_parameters(imnn_array **out, const imnn_job *j)
{
    const imnn_shape shape = {.ndim = 1, .size = {j->n_params}};
    imnn_status st = imnn_array_new(out, IMNN_F64, &shape);
    if (st != IMNN_OK) return st;
    for (int64_t k = 0; k < j->n_params; k++) ((double *)(*out)->data)[k] = parameter(j, k);
    return IMNN_OK;
}

static imnn_status write_hdf5(const char *path, const imnn_array *theta, const imnn_job *j)
{
    imnn_hdf5 *f = NULL;
    imnn_array *key = NULL;
    const imnn_shape two = {.ndim = 1, .size = {2}};
    imnn_status st = imnn_array_copy(&key, IMNN_U32, &two, j->key);
    if (st == IMNN_OK) st = imnn_hdf5_create(&f, path);
    if (st == IMNN_OK) st = imnn_hdf5_write(f, "theta", theta, NULL);
    if (st == IMNN_OK) st = imnn_hdf5_write(f, "key", key, NULL);
    if (st == IMNN_OK) st = imnn_hdf5_finish(f);
    imnn_hdf5_close(f);
    imnn_array_release(key);
    return st;
}

/** theta as bytes, or one number a line. */
static imnn_status write_plain(const char *path, const imnn_array *theta, const imnn_job *j,
                               bool text)
{
    char number[32];
    FILE *f = fopen(path, "wb");
    if (!f) return imnn_fail(IMNN_EIO, "cannot write %s: %s", path, strerror(errno));
    if (!text) fwrite(theta->data, 1, theta->bytes, f);
    for (int64_t k = 0; text && k < j->n_params; k++) {
        print_parameter(number, sizeof number, j, k);
        fprintf(f, "%s\n", number);
    }
    bool bad = ferror(f);
    if (fclose(f) || bad) return imnn_fail(IMNN_EIO, "cannot write %s: %s", path, strerror(errno));
    return IMNN_OK;
}

static imnn_status write_input(const command *c, const imnn_job *j)
{
    imnn_array *theta;
    if (c->h.input == IMNN_ARGS) return IMNN_OK;
    imnn_status st = array_of_parameters(&theta, j);
    if (st != IMNN_OK) return st;
    if (c->h.input == IMNN_HDF5) st = write_hdf5(c->input, theta, j);
    else if (c->h.input == IMNN_NPY) st = imnn_npy_write(c->input, theta);
    else st = write_plain(c->input, theta, j, c->h.input == IMNN_TEXT);
    imnn_array_release(theta);
    return st;
}

/* ---- its arguments ---- */

typedef struct words {
    imnn_bytes text; /* one behind the other, each ended by a zero byte */
    int count;
} words;

static bool add(words *w, const char *text) { return imnn_bytes_add(&w->text, text, strlen(text)); }

static bool next(words *w)
{
    w->count++;
    return imnn_bytes_add(&w->text, "", 1);
}

/** What stands for {name}; false if the name is none. */
static bool expand(words *w, const char *name, size_t length, const command *c, const imnn_job *j)
{
    char text[64] = "";
    int k, used = 0;
    uint64_t seed = ((uint64_t)j->key[0] << 32) | j->key[1];
#define IS(s) (length == sizeof s - 1 && !memcmp(name, s, length))
    if (IS("input")) return add(w, c->input);
    if (IS("output")) return add(w, c->output);
    if (IS("folder")) return add(w, c->folder);
    if (IS("theta")) {
        for (int64_t i = 0; i < j->n_params; i++) {
            print_parameter(text, sizeof text, j, i);
            if (!(i == 0 || add(w, ",")) || !add(w, text)) return false;
        }
        return true;
    }
    if (IS("seed")) snprintf(text, sizeof text, "%" PRIu64, seed);
    else if (IS("seed32") || IS("key2")) snprintf(text, sizeof text, "%u", j->key[1]);
    else if (IS("key1")) snprintf(text, sizeof text, "%u", j->key[0]);
    else if (sscanf(name, "theta%d%n", &k, &used) == 1 && (size_t)used == length && k > 0 &&
             k <= j->n_params)
        print_parameter(text, sizeof text, j, k - 1);
    else return false;
#undef IS
    return add(w, text);
}

static bool add_argument(words *w, const char *from, const command *c, const imnn_job *j)
{
    char text[32];
    if (!strcmp(from, "{theta}")) { /* alone: as many arguments */
        for (int64_t k = 0; k < j->n_params; k++) {
            print_parameter(text, sizeof text, j, k);
            if (!add(w, text) || !next(w)) return false;
        }
        return true;
    }
    while (*from) {
        size_t plain = strcspn(from, "{"), length = 0;
        if (!imnn_bytes_add(&w->text, from, plain)) return false;
        from += plain;
        if (!*from) break;
        while (isalnum((unsigned char)from[1 + length])) length++;
        bool name = length > 0 && from[1 + length] == '}';
        if (name && expand(w, from + 1, length, c, j)) {
            from += length + 2;
        } else { /* a brace that is meant as one */
            if (!imnn_bytes_add(&w->text, from++, 1)) return false;
        }
    }
    return next(w);
}

/* ---- run and look ---- */

static imnn_status spawn(pid_t *pid, const command *c, char **argv)
{
    posix_spawn_file_actions_t files;
    const bool piped = c->h.input != IMNN_ARGS && !c->reads_input;
    char screen[sizeof c->output];
    snprintf(screen, sizeof screen, "%s/screen", c->folder);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, piped ? c->input : "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, c->writes_output ? screen : c->output,
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, c->errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (c->h.inside) posix_spawn_file_actions_addchdir_np(&files, c->folder);
    int error = posix_spawnp(pid, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (!error) return IMNN_OK;
    return imnn_fail(IMNN_EIO, "cannot run %s: %s", argv[0], strerror(error));
}

/** The last line that says something; programs end with what was wrong. */
static void last_line(char *out, size_t room, const char *path)
{
    char line[MOST_LINE];
    out[0] = 0;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[strspn(line, " \t")]) snprintf(out, room, ": %s", line);
    }
    if (f) fclose(f);
}

/** Run the program: *kind and a sentence unless all went well. */
static imnn_status run(const command *c, const imnn_job *j, imnn_failure_kind *kind)
{
    words w = {0};
    pid_t pid;
    int how = 0;
    char said[MOST_LINE + 8];
    imnn_status st = IMNN_OK;
    char **argv = NULL;
    *kind = IMNN_RAISED;
    for (int i = 0; st == IMNN_OK && i < c->h.n_args; i++)
        if (!add_argument(&w, c->args[i], c, j)) st = IMNN_ENOMEM;
    if (st == IMNN_OK && !(argv = imnn_alloc((size_t)(w.count + 1) * sizeof *argv)))
        st = IMNN_ENOMEM;
    char *at = w.text.data;
    for (int i = 0; st == IMNN_OK && i < w.count; i++) argv[i] = at, at += strlen(at) + 1;
    if (st == IMNN_OK) st = spawn(&pid, c, argv);
    if (argv) imnn_free(argv, (size_t)(w.count + 1) * sizeof *argv);
    imnn_bytes_free(&w.text);
    if (st != IMNN_OK) return st;
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR) {
    }
    last_line(said, sizeof said, c->errors);
    if (WIFSIGNALED(how)) {
        *kind = IMNN_CRASHED;
        return imnn_fail(IMNN_EIO, "was ended by signal %d (%s)%s", WTERMSIG(how),
                         strsignal(WTERMSIG(how)), said);
    }
    if (WEXITSTATUS(how) == 0) return IMNN_OK;
    *kind = IMNN_BAD_STATUS;
    return imnn_fail(IMNN_EIO, "ended with exit status %d%s", WEXITSTATUS(how), said);
}

/* ---- its output ---- */

static bool put(command *c, double x)
{
    float single = (float)x;
    return c->dtype == IMNN_F32 ? imnn_bytes_add(&c->made, &single, sizeof single)
                                : imnn_bytes_add(&c->made, &x, sizeof x);
}

/** The numbers of a text, with blanks, lines or commas between them. */
static imnn_status read_text(command *c, imnn_shape *shape, FILE *f)
{
    char word[64];
    int n;
    int64_t count = 0;
    while ((n = fscanf(f, "%*[ \t\r\n,;]")), (n = fscanf(f, "%63[^ \t\r\n,;]", word)) == 1) {
        char *end;
        double x = strtod(word, &end);
        if (*end) return imnn_fail(IMNN_EIO, "gave \"%s\" where a number is expected", word);
        if (!put(c, x)) return IMNN_ENOMEM;
        count++;
    }
    *shape = c->shape;
    if (shape->ndim < 0) *shape = (imnn_shape){.ndim = 1, .size = {count}};
    if (imnn_shape_count(shape) == count) return IMNN_OK;
    return imnn_fail(IMNN_ESHAPE, "gave %" PRId64 " numbers, not %s", count,
                     imnn_shape_text(shape).s);
}

static imnn_status read_raw(command *c, imnn_shape *shape, FILE *f)
{
    struct stat about;
    size_t bytes = (size_t)imnn_shape_count(&c->shape) * imnn_dtype_size(c->dtype);
    *shape = c->shape;
    if (fstat(fileno(f), &about)) return imnn_fail(IMNN_EIO, "gave nothing: %s", strerror(errno));
    if (about.st_size != (off_t)bytes)
        return imnn_fail(IMNN_ESHAPE, "gave %lld bytes, not the %zu of %s %s",
                         (long long)about.st_size, bytes, imnn_dtype_name(c->dtype),
                         imnn_shape_text(&c->shape).s);
    if (!imnn_bytes_reserve(&c->made, bytes)) return IMNN_ENOMEM;
    c->made.size = fread(c->made.data, 1, bytes, f);
    return c->made.size == bytes ? IMNN_OK : imnn_fail(IMNN_EIO, "gave what cannot be read");
}

static imnn_status take_array(command *c, imnn_shape *shape, const imnn_array *x)
{
    *shape = x->shape;
    if (x->dtype == IMNN_C64 || x->dtype == IMNN_C128)
        return imnn_fail(IMNN_EDTYPE, "gave complex numbers; give real and imaginary parts");
    int64_t n = imnn_shape_count(&x->shape);
    for (int64_t i = 0; i < n; i++) {
        double v = 0;
        switch (x->dtype) {
        case IMNN_F32: v = ((const float *)x->data)[i]; break;
        case IMNN_F64: v = ((const double *)x->data)[i]; break;
        case IMNN_I32: v = ((const int32_t *)x->data)[i]; break;
        case IMNN_U32: v = ((const uint32_t *)x->data)[i]; break;
        default: v = ((const bool *)x->data)[i];
        }
        if (!put(c, v)) return IMNN_ENOMEM;
    }
    return IMNN_OK;
}

static imnn_status read_hdf5(imnn_array **out, const char *path, const char *dataset)
{
    imnn_hdf5 *f;
    imnn_status st = imnn_hdf5_open(&f, path);
    if (st == IMNN_OK) st = imnn_hdf5_read(out, f, dataset, NULL);
    imnn_hdf5_close(f);
    return st;
}

static imnn_status read_output(command *c, imnn_shape *shape)
{
    imnn_array *x = NULL;
    imnn_status st;
    c->made.size = 0;
    if (access(c->output, F_OK))
        return imnn_fail(IMNN_EIO, "ended well, but has not written its output");
    if (c->h.output == IMNN_NPY || c->h.output == IMNN_HDF5) {
        char why[400];
        st = c->h.output == IMNN_NPY ? imnn_npy_read(&x, c->output, IMNN_NDTYPE)
                                     : read_hdf5(&x, c->output, c->dataset);
        if (st == IMNN_OK) return st = take_array(c, shape, x), imnn_array_release(x), st;
        snprintf(why, sizeof why, "%s", imnn_last_error());
        return imnn_fail(st, "gave what cannot be read: %s", why);
    }
    FILE *f = fopen(c->output, "rb");
    if (!f) return imnn_fail(IMNN_EIO, "gave what cannot be read: %s", strerror(errno));
    st = c->h.output == IMNN_RAW ? read_raw(c, shape, f) : read_text(c, shape, f);
    fclose(f);
    return st;
}

static imnn_status simulate(imnn_worker *w, command *c, const imnn_job *j)
{
    imnn_failure_kind kind = IMNN_RAISED;
    imnn_shape shape;
    imnn_remove_folder(c->folder);
    if (mkdir(c->folder, 0700)) {
        imnn_fail(IMNN_EIO, "has no folder %s: %s", c->folder, strerror(errno));
        return imnn_worker_refuse(w, kind, imnn_last_error());
    }
    imnn_status st = write_input(c, j);
    if (st == IMNN_OK) st = run(c, j, &kind);
    if (st == IMNN_OK && (st = read_output(c, &shape)) != IMNN_OK)
        kind = st == IMNN_ESHAPE ? IMNN_BAD_SHAPE : IMNN_JUNK;
    if (st != IMNN_OK) return imnn_worker_refuse(w, kind, imnn_last_error());
    return imnn_worker_give(w, c->dtype, &shape, c->made.data);
}

imnn_status imnn_worker_serve_command(imnn_worker *w, int64_t number)
{
    command c = {0};
    imnn_job job;
    imnn_status st = understand(&c, w, number);
    if (st == IMNN_OK) st = look_for(c.args[0]);
    if (st != IMNN_OK) return imnn_worker_refuse(w, IMNN_RAISED, imnn_last_error());
    imnn_worker_owns(w, c.folder);
    while (st == IMNN_OK && imnn_worker_next(w, &job)) st = simulate(w, &c, &job);
    imnn_remove_folder(c.folder);
    imnn_bytes_free(&c.made);
    imnn_free(c.args, (size_t)c.h.n_args * sizeof *c.args);
    return st;
}
