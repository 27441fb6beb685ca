/* Worker processes, seen from here: started, given work, listened to, ended. One loop of poll()
 * serves all. A worker leads a process group of its own, so that ctrl-C is answered here and that
 * whatever it has started ends with it. */
#include "core/simulate/simulate.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { WORKER_FD = 3, TEXT_BYTES = 1 << 16 };

/* ---- start and end ---- */

/** "imnn --worker", whose descriptor 3 is the other end of the socket and who has no others. */
static int spawn(pid_t *pid, const char *program, int socket)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t) "--worker", NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, socket, WORKER_FD);
    posix_spawn_file_actions_addclosefrom_np(&files, WORKER_FD + 1);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawnp(pid, program, &files, &how, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return error;
}

static bool send_setup(slot *w, const imnn_simulator *s)
{
    message m = {.magic = MESSAGE_MAGIC,
                 .kind = MESSAGE_SETUP,
                 .index = w - s->slots,
                 .size = (int64_t)s->setup.size};
    return imnn_bytes_add(&w->out, &m, sizeof m) &&
           imnn_bytes_add(&w->out, s->setup.data, s->setup.size);
}

static imnn_status start(slot *w, const imnn_simulator *s)
{
    int pair[2];
    const char *program = imnn_worker_program();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return imnn_fail(IMNN_EIO, "%s: no socket for a worker: %s", s->who, strerror(errno));
    int error = spawn(&w->pid, program, pair[1]);
    close(pair[1]);
    w->fd = pair[0], w->state = SLOT_STARTING;
    if (error) {
        close(w->fd);
        w->state = SLOT_EMPTY;
        return imnn_fail(IMNN_EIO, "%s: cannot start a worker, %s: %s; IMNN_PROGRAM names another",
                         s->who, program, strerror(error));
    }
    return send_setup(w, s) ? IMNN_OK : IMNN_ENOMEM;
}

/** End the process and all that it has started, if that has not happened yet. */
static void end(slot *w)
{
    if (w->state != SLOT_EMPTY) {
        kill(-w->pid, SIGKILL);
        close(w->fd);
        while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    w->out.size = w->in.size = w->sent = 0;
    w->state = SLOT_EMPTY;
}

/** What became of a worker that has closed its socket. */
static void describe_end(char *text, size_t room, slot *w)
{
    int how = -1;
    pid_t got = 0;
    for (int tries = 0; tries < 200 && !(got = waitpid(w->pid, &how, WNOHANG)); tries++)
        usleep(1000); /* writing a core dump takes a while */
    if (got == w->pid) {
        kill(-w->pid, SIGKILL); /* what it has left behind */
        close(w->fd);
        w->state = SLOT_EMPTY;
    }
    if (got == w->pid && WIFSIGNALED(how))
        snprintf(text, room, "its process was ended by signal %d (%s)", WTERMSIG(how),
                 strsignal(WTERMSIG(how)));
    else if (got == w->pid)
        snprintf(text, room, "its process ended with exit status %d", WEXITSTATUS(how));
    else snprintf(text, room, "its process has gone");
}

void imnn_processes_close(imnn_simulator *s)
{
    for (int i = 0; s->slots && i < s->o.workers; i++) {
        end(&s->slots[i]);
        imnn_bytes_free(&s->slots[i].out);
        imnn_bytes_free(&s->slots[i].in);
    }
}

void imnn_processes_stop(imnn_simulations *r)
{
    for (int i = 0; i < r->s->o.workers; i++) {
        slot *w = &r->s->slots[i];
        if (w->state == SLOT_BUSY) end(w);
        w->first = -1;
    }
}

/* ---- work ---- */

static bool send_job(slot *w, const imnn_simulations *r)
{
    int64_t rows = imnn_run_rows(r, w->first), P = r->n_params;
    size_t keys = (size_t)rows * 2 * sizeof *r->key;
    size_t one = (size_t)P * imnn_dtype_size(r->theta->dtype);
    job_head head = {.rows = rows, .n_params = P, .dtype = (int32_t)r->theta->dtype};
    message m = {.magic = MESSAGE_MAGIC,
                 .kind = MESSAGE_JOB,
                 .index = w->first,
                 .size = (int64_t)(sizeof head + keys + (size_t)rows * one)};
    const char *theta = (const char *)r->theta->data + (size_t)w->first * one;
    w->due = r->s->o.timeout > 0 ? imnn_seconds() + r->s->o.timeout : 0;
    w->state = SLOT_BUSY;
    return imnn_bytes_add(&w->out, &m, sizeof m) && imnn_bytes_add(&w->out, &head, sizeof head) &&
           imnn_bytes_add(&w->out, r->key + 2 * w->first, keys) &&
           imnn_bytes_add(&w->out, theta, (size_t)rows * one);
}

static int busy(const imnn_simulations *r)
{
    int n = 0;
    for (int i = 0; i < r->s->o.workers; i++) n += r->s->slots[i].first >= 0;
    return n;
}

/** Give work to whoever has none. A slot that has work (first >= 0) and no process gets one. As
 *  long as nobody knows the shape of a simulation, one is made alone, the first that works. */
static imnn_status dispatch(imnn_simulations *r)
{
    int n = busy(r);
    for (int i = 0; i < r->s->o.workers; i++) {
        slot *w = &r->s->slots[i];
        imnn_status st = IMNN_OK;
        bool sent = true;
        if (w->first < 0 && (r->data || n == 0)) {
            w->first = imnn_run_next(r);
            n += w->first >= 0;
        }
        bool soon = !r->data && i * r->s->o.rows < r->n; /* will have work, and starts meanwhile */
        if (w->state == SLOT_EMPTY && (w->first >= 0 || soon)) st = start(w, r->s);
        else if (w->state == SLOT_IDLE && w->first >= 0) sent = send_job(w, r);
        if (st != IMNN_OK) return st;
        if (!sent) return IMNN_ENOMEM;
    }
    return IMNN_OK;
}

/* ---- answers ---- */

/** The piece of a slot has failed; its process is well, or has ended. */
#define FAILED(r, w, ...)                                                    \
    do {                                                                     \
        if (!imnn_run_failed((r), (w)->first, __VA_ARGS__)) (w)->first = -1; \
    } while (0)

/** The shape of one simulation from that of an answer; false if the rows are not there. */
static bool one_shape(imnn_shape *one, const imnn_simulations *r, const data_head *d, int64_t rows)
{
    bool together = r->s->o.rows > 1;
    one->ndim = d->ndim - together;
    if (one->ndim < 0 || (together && d->size[0] != rows)) return false;
    memcpy(one->size, d->size + together, (size_t)one->ndim * sizeof *one->size);
    return true;
}

/** Whether an answer describes the bytes that came with it. */
static bool consistent(const data_head *d, int64_t bytes, imnn_dtype dtype)
{
    int64_t n = (int64_t)imnn_dtype_size(dtype);
    if (d->dtype != (int32_t)dtype || d->ndim < 0 || d->ndim > IMNN_MAX_NDIM - 1) return false;
    for (int i = 0; i < d->ndim; i++)
        if (d->size[i] < 0 || __builtin_mul_overflow(n, d->size[i], &n)) return false;
    return n == bytes;
}

static imnn_status take_data(imnn_simulations *r, slot *w, const message *m, const char *payload)
{
    data_head d;
    imnn_shape one = {0}, given = {0};
    int64_t rows = imnn_run_rows(r, w->first), bytes = m->size - (int64_t)sizeof d, element;
    imnn_status st = IMNN_OK;
    if (bytes < 0) goto junk;
    memcpy(&d, payload, sizeof d);
    if (!consistent(&d, bytes, r->s->o.dtype)) goto junk;
    bool fits = one_shape(&one, r, &d, rows);
    given.ndim = d.ndim;
    memcpy(given.size, d.size, sizeof given.size);
    if (!fits) {
        FAILED(r, w, IMNN_BAD_SHAPE, "gave %s for %" PRId64 " simulations",
               imnn_shape_text(&given).s, rows);
    } else if (r->data && !imnn_shape_equal(&one, &r->s->shape)) {
        FAILED(r, w, IMNN_BAD_SHAPE, "gave data of shape %s, not %s", imnn_shape_text(&one).s,
               imnn_shape_text(&r->s->shape).s);
    } else {
        if (!r->data && (st = imnn_run_shape(r, &one)) != IMNN_OK) return st;
        if (bytes) memcpy(imnn_run_row(r, w->first), payload + sizeof d, (size_t)bytes);
        if (imnn_run_finite(r, w->first, &element)) {
            imnn_run_made(r, w->first);
            w->first = -1;
        } else {
            FAILED(r, w, IMNN_NOT_FINITE, "gave a number that is not finite, element %" PRId64,
                   element + 1);
        }
    }
    return IMNN_OK;
junk:
    FAILED(r, w, IMNN_JUNK, "gave an answer that says nothing");
    return IMNN_OK;
}

/** How long a message may be, so that a forged one is not waited for. */
static bool plausible(const imnn_simulations *r, const slot *w, const message *m)
{
    int64_t most = TEXT_BYTES;
    if (m->magic != MESSAGE_MAGIC || m->size < 0) return false;
    if (m->kind == MESSAGE_READY) return w->state == SLOT_STARTING && m->size == 0;
    if (m->kind == MESSAGE_REFUSED) return m->size <= most && m->detail <= IMNN_JUNK;
    if (m->kind != MESSAGE_DATA || w->state != SLOT_BUSY || m->index != w->first) return false;
    return m->size <= imnn_available_bytes();
}

static imnn_status take_message(imnn_simulations *r, slot *w, const message *m, const char *payload)
{
    imnn_status st = IMNN_OK;
    bool starting = w->state == SLOT_STARTING;
    w->state = SLOT_IDLE;
    if (m->kind == MESSAGE_DATA) st = take_data(r, w, m, payload);
    if (m->kind == MESSAGE_REFUSED && starting)
        st = imnn_fail(IMNN_EVALUE, "%s: %.*s", r->s->who, (int)m->size, payload);
    else if (m->kind == MESSAGE_REFUSED)
        FAILED(r, w, (imnn_failure_kind)m->detail, "%.*s", (int)m->size, payload);
    return st;
}

/** The worker has gone, or says what no worker says. */
static imnn_status lost(imnn_simulations *r, slot *w, bool gone)
{
    char text[160] = "its process answered junk";
    bool starting = w->state == SLOT_STARTING;
    if (gone) describe_end(text, sizeof text, w);
    end(w);
    if (starting)
        return imnn_fail(IMNN_EIO, "%s: a worker could not begin: %s (it is %s --worker)",
                         r->s->who, text, imnn_worker_program());
    if (w->first >= 0) FAILED(r, w, gone ? IMNN_CRASHED : IMNN_JUNK, "has no result: %s", text);
    return IMNN_OK;
}

/** Read what has come, at most up to the end of the message. */
static imnn_status listen_to(imnn_simulations *r, slot *w)
{
    for (;;) {
        message m;
        size_t want = sizeof m;
        if (w->in.size >= sizeof m) {
            memcpy(&m, w->in.data, sizeof m);
            if (!plausible(r, w, &m)) return lost(r, w, false);
            want += (size_t)m.size;
        }
        if (w->in.size >= sizeof m && w->in.size == want) {
            w->in.size = 0;
            return take_message(r, w, &m, w->in.data + sizeof m);
        }
        if (!imnn_bytes_reserve(&w->in, want - w->in.size)) return IMNN_ENOMEM;
        ssize_t n = recv(w->fd, w->in.data + w->in.size, want - w->in.size, MSG_DONTWAIT);
        if (n > 0) w->in.size += (size_t)n;
        else if (n < 0 && errno == EINTR) continue;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return IMNN_OK;
        else return lost(r, w, true);
    }
}

/** Write what is waiting. A worker that has gone is noticed by listen_to. */
static void talk_to(slot *w)
{
    while (w->sent < w->out.size) {
        ssize_t n =
            send(w->fd, w->out.data + w->sent, w->out.size - w->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) w->sent += (size_t)n;
        else if (n < 0 && errno == EINTR) continue;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        else break;
    }
    w->out.size = w->sent = 0;
}

/* ---- the loop ---- */

/** Those that took too long, and those whose results nobody needs any more. */
static void end_late(imnn_simulations *r, double now)
{
    for (int i = 0; i < r->s->o.workers; i++) {
        slot *w = &r->s->slots[i];
        if (w->first > r->fatal) {
            end(w);
            w->first = -1;
        } else if (w->state == SLOT_BUSY && w->due > 0 && now >= w->due) {
            end(w);
            FAILED(r, w, IMNN_TIMED_OUT, "took longer than %g s", r->s->o.timeout);
        }
    }
}

static imnn_status wait_and_serve(imnn_simulations *r, double until)
{
    struct pollfd fds[256];
    slot *of[256];
    nfds_t n = 0;
    double next = until;
    for (int i = 0; i < r->s->o.workers; i++) {
        slot *w = &r->s->slots[i];
        if (w->state == SLOT_EMPTY) continue;
        talk_to(w);
        short events = (short)(POLLIN | (w->out.size ? POLLOUT : 0));
        fds[n] = (struct pollfd){.fd = w->fd, .events = events}, of[n++] = w;
        if (w->state == SLOT_BUSY && w->due > 0 && w->due < next) next = w->due;
    }
    double wait = next - imnn_seconds();
    int ms = wait <= 0 ? 0 : (int)(wait * 1000) + 1;
    if (poll(fds, n, ms) <= 0) return IMNN_OK; /* time is up, or a signal: our caller looks */
    for (nfds_t i = 0; i < n; i++) {
        if (!(fds[i].revents & ~POLLOUT)) continue;
        imnn_status st = listen_to(r, of[i]);
        if (st != IMNN_OK) return st;
    }
    return IMNN_OK;
}

imnn_status imnn_simulator_begin(imnn_simulator *s)
{
    imnn_simulations nothing = {.s = s}; /* a run without simulations */
    if (!s->slots || s->slots[0].state != SLOT_EMPTY) return IMNN_OK;
    slot *w = &s->slots[0];
    imnn_status st = start(w, s);
    while (st == IMNN_OK && w->state == SLOT_STARTING) {
        if (imnn_stop_asked()) st = (imnn_interrupted(), imnn_fail(IMNN_EINTERRUPT, "interrupted"));
        talk_to(w);
        struct pollfd fd = {.fd = w->fd, .events = (short)(POLLIN | (w->out.size ? POLLOUT : 0))};
        if (st == IMNN_OK && poll(&fd, 1, 100) > 0 && (fd.revents & ~POLLOUT))
            st = listen_to(&nothing, w);
    }
    return st;
}

imnn_status imnn_processes_step(imnn_simulations *r, double until, bool *done)
{
    imnn_status st;
    do {
        if (imnn_stop_asked()) return imnn_interrupted(), imnn_fail(IMNN_EINTERRUPT, "interrupted");
        if ((st = dispatch(r)) != IMNN_OK) return st;
        if (busy(r) == 0) {
            *done = true;
            return r->fatal < r->n || r->no_memory ? imnn_run_fatal(r) : IMNN_OK;
        }
        if ((st = wait_and_serve(r, until)) != IMNN_OK) return st;
        end_late(r, imnn_seconds());
    } while (imnn_seconds() < until);
    return IMNN_OK;
}
