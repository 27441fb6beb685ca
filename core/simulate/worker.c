/* The other side: what a process that was started as a worker does. */
#include "core/simulate/simulate.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_TEXT = 1000 };

struct imnn_worker {
    int fd;
    bool ready;
    int64_t index;  /* of the simulation that is being made */
    int64_t number; /* which of the workers this is */
    imnn_bytes setup, job;
    pthread_t watcher;
    _Atomic(const char *) folder; /* to be removed at the end */
};

/** Ends this process, and what it has started, when nobody is at the other side any more: also
 *  while a simulation hangs. */
static void *watch(void *given)
{
    imnn_worker *w = given;
    struct pollfd fd = {.fd = w->fd, .events = POLLRDHUP};
    while (poll(&fd, 1, -1) < 0 || !(fd.revents & (POLLRDHUP | POLLHUP | POLLERR))) {
    }
    const char *folder = atomic_load(&w->folder);
    char parent[FOLDER_BYTES];
    if (folder) {
        imnn_remove_folder(folder);
        snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(folder, '/') - folder), folder);
        rmdir(parent); /* the last one */
    }
    if (getpgrp() == getpid()) kill(0, SIGKILL);
    _exit(1);
}

void imnn_worker_owns(imnn_worker *w, const char *folder) { atomic_store(&w->folder, folder); }

static bool receive(int fd, void *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = recv(fd, (char *)data + at, size - at, 0);
        if (n > 0) at += (size_t)n;
        else if (n == 0 || errno != EINTR) return false;
    }
    return true;
}

static bool tell(int fd, const void *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = send(fd, (const char *)data + at, size - at, MSG_NOSIGNAL);
        if (n >= 0) at += (size_t)n;
        else if (errno != EINTR) return false;
    }
    return true;
}

static imnn_status gone(void) { return imnn_fail(IMNN_EIO, "worker: nobody is there any more"); }

/** The next message, of one kind; its payload. */
static imnn_status take(imnn_worker *w, message_kind kind, message *m, imnn_bytes *payload)
{
    payload->size = 0;
    if (!receive(w->fd, m, sizeof *m)) return gone();
    if (m->magic != MESSAGE_MAGIC || m->kind != kind || m->size < 0 ||
        m->size > imnn_available_bytes())
        return imnn_fail(IMNN_EIO, "worker: this is not how simulators speak to their workers");
    if (!imnn_bytes_reserve(payload, (size_t)m->size)) return IMNN_ENOMEM;
    if (!receive(w->fd, payload->data, (size_t)m->size)) return gone();
    payload->size = (size_t)m->size;
    return IMNN_OK;
}

imnn_status imnn_worker_open(imnn_worker **out, int fd)
{
    message m;
    imnn_status st;
    *out = NULL;
    imnn_worker *w = imnn_alloc(sizeof *w);
    if (!w) return IMNN_ENOMEM;
    w->fd = fd;
    if ((st = take(w, MESSAGE_SETUP, &m, &w->setup)) != IMNN_OK) goto failed;
    w->number = m.index;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&w->watcher, NULL, watch, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error) return *out = w, IMNN_OK;
    st = imnn_fail(IMNN_EIO, "worker: no thread: %s", strerror(error));
failed:
    imnn_bytes_free(&w->setup);
    imnn_free(w, sizeof *w);
    return st;
}

void imnn_worker_close(imnn_worker *w)
{
    if (!w) return;
    pthread_cancel(w->watcher);
    pthread_join(w->watcher, NULL);
    close(w->fd);
    imnn_bytes_free(&w->setup);
    imnn_bytes_free(&w->job);
    imnn_free(w, sizeof *w);
}

const char *imnn_worker_setup(const imnn_worker *w, int64_t *bytes)
{
    *bytes = (int64_t)w->setup.size;
    return w->setup.data;
}

/** Whether a job is as long as it says. */
static bool whole(const job_head *h, size_t size)
{
    int64_t one = 2 * (int64_t)sizeof(uint32_t), theta;
    if (h->rows < 1 || h->n_params < 0 || (h->dtype != IMNN_F32 && h->dtype != IMNN_F64))
        return false;
    if (__builtin_mul_overflow(h->n_params, (int64_t)imnn_dtype_size((imnn_dtype)h->dtype),
                               &theta) ||
        __builtin_add_overflow(one, theta, &one) || __builtin_mul_overflow(one, h->rows, &one))
        return false;
    return (size_t)one + sizeof *h == size;
}

bool imnn_worker_next(imnn_worker *w, imnn_job *job)
{
    message m = {.magic = MESSAGE_MAGIC, .kind = MESSAGE_READY};
    job_head head;
    if (!w->ready && !tell(w->fd, &m, sizeof m)) return false;
    w->ready = true;
    if (take(w, MESSAGE_JOB, &m, &w->job) != IMNN_OK || w->job.size < sizeof head) return false;
    memcpy(&head, w->job.data, sizeof head);
    if (!whole(&head, w->job.size)) return false;
    w->index = m.index;
    const char *keys = w->job.data + sizeof head;
    *job = (imnn_job){.index = m.index,
                      .rows = head.rows,
                      .key = (const uint32_t *)(const void *)keys,
                      .theta = keys + (size_t)head.rows * 2 * sizeof(uint32_t),
                      .dtype = (imnn_dtype)head.dtype,
                      .n_params = head.n_params};
    return true;
}

imnn_status imnn_worker_give(imnn_worker *w, imnn_dtype dtype, const imnn_shape *shape,
                             const void *data)
{
    size_t bytes = (size_t)imnn_shape_count(shape) * imnn_dtype_size(dtype);
    struct {
        message m;
        data_head d;
    } head = {.m = {.magic = MESSAGE_MAGIC,
                    .kind = MESSAGE_DATA,
                    .index = w->index,
                    .size = (int64_t)(sizeof(data_head) + bytes)},
              .d = {.dtype = (int32_t)dtype, .ndim = shape->ndim}};
    memcpy(head.d.size, shape->size, sizeof head.d.size);
    return tell(w->fd, &head, sizeof head) && tell(w->fd, data, bytes) ? IMNN_OK : gone();
}

imnn_status imnn_worker_answer(imnn_worker *w, const imnn_array *data)
{
    return imnn_worker_give(w, data->dtype, &data->shape, data->data);
}

imnn_status imnn_worker_refuse(imnn_worker *w, imnn_failure_kind kind, const char *why)
{
    size_t length = strlen(why);
    if (length > MOST_TEXT) length = MOST_TEXT;
    message m = {.magic = MESSAGE_MAGIC,
                 .kind = MESSAGE_REFUSED,
                 .detail = (uint16_t)kind,
                 .index = w->index,
                 .size = (int64_t)length};
    return tell(w->fd, &m, sizeof m) && tell(w->fd, why, length) ? IMNN_OK : gone();
}

/* ---- kinds that need no Lua ---- */

/** A C function: "S", data_head, path, symbol. */
static imnn_status serve_library(imnn_worker *w)
{
    data_head head;
    imnn_shape shape = {0};
    imnn_job job;
    void *library;
    imnn_simulator_function *function;
    const char *path = w->setup.data + 1 + sizeof head, *symbol = path + strlen(path) + 1;
    memcpy(&head, w->setup.data + 1, sizeof head);
    shape.ndim = head.ndim;
    memcpy(shape.size, head.size, sizeof head.size);
    imnn_dtype dtype = (imnn_dtype)head.dtype;
    imnn_status st = imnn_simulator_open(&library, &function, path, symbol);
    if (st != IMNN_OK) return imnn_worker_refuse(w, IMNN_RAISED, imnn_last_error());
    int64_t size = imnn_shape_count(&shape);
    imnn_bytes work = {0}, made = {0};
    while (st == IMNN_OK && imnn_worker_next(w, &job)) {
        work.size = made.size = 0;
        if (!imnn_bytes_reserve(&work, (size_t)(job.n_params + size) * sizeof(double)) ||
            !imnn_bytes_reserve(&made, (size_t)size * imnn_dtype_size(dtype)))
            return imnn_worker_refuse(w, IMNN_RAISED, imnn_last_error());
        int status = imnn_simulator_call(function, job.key, job.theta, job.dtype, 0, job.n_params,
                                         (double *)(void *)work.data, size, dtype, made.data);
        if (status) {
            char why[80];
            snprintf(why, sizeof why, "failed: it gave the status %d", status);
            st = imnn_worker_refuse(w, IMNN_BAD_STATUS, why);
        } else {
            st = imnn_worker_give(w, dtype, &shape, made.data);
        }
    }
    return st;
}

imnn_status imnn_worker_serve(imnn_worker *w)
{
    switch (w->setup.size ? w->setup.data[0] : 0) {
    case 'S': return serve_library(w);
    case 'C': return imnn_worker_serve_command(w, w->number);
    default: return imnn_fail(IMNN_EVALUE, "worker: this is for Lua");
    }
}
