/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file pool.c  Worker processes: a program started over a socketpair, most often this one again.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/blackbox_priv.h"
#include "base/files_priv.h"
#include "base/limits_priv.h"
#include "engine_priv.h"

/* How long idle workers may take to end when their socket closes. */
static const int64_t end_ns = 2000000000;
/* A worker is a socket and a pipe here.  Beside them there are the tables that this process has
 * open, and what starting a worker takes for a moment. */
enum { FILES_A_WORKER = 2, OTHER_FILES = 64 };

struct slot {
    pid_t pid;          /* 0: no worker */
    int fd;             /* socket */
    int print;          /* what the worker prints: nothing, unless something is wrong */
    mms_blackbox *box;  /* what it is at; NULL: not known */
    int64_t give_up_ns; /* when sending has failed for too long; 0: it has not failed */
    bool busy;
    uint64_t request;
    mms_inbox inbox;
    mms_message out;
    size_t sent;
    char line[512]; /* printed and not yet ended by a line break */
    char last[512]; /* the last line that it printed */
    size_t line_size;
};

struct mms_pool {
    int nslots;
    const char *program;
    mms_runner *here; /* runs the units in this process; NULL: workers do */
    struct slot *slots;
    struct pollfd *fds; /* two a worker: socket, print */
    int *polled;        /* the slot of each worker */
};

int mms_pool_most(int wanted)
{
    const int64_t have = mms_files_allow(FILES_A_WORKER * (int64_t)wanted + OTHER_FILES);
    const int64_t most = (have - OTHER_FILES) / FILES_A_WORKER;

    return most >= wanted ? wanted : most > 1 ? (int)most : 1;
}

static mms_status check_files(int nslots, mms_error *err)
{
    const int most = nslots > 1 ? mms_pool_most(nslots) : nslots;

    return most == nslots
               ? MMS_OK
               : mms_fail(err, MMS_ERR_ARG,
                          "%d workers take more open files than the limit leaves, which is enough "
                          "for %d: take fewer (-j), or raise the limit (ulimit -n)",
                          nslots, most);
}

mms_status mms_pool_create(int nslots, const char *program, const mms_unit_kind *kinds,
                           mms_pool **out, mms_error *err)
{
    const mms_status st = kinds ? MMS_OK : check_files(nslots, err);
    mms_pool *pool = st == MMS_OK ? mms_alloc(1, sizeof *pool) : NULL;

    *out = pool;
    if (st != MMS_OK)
        return st;
    if (pool) {
        pool->nslots = nslots;
        pool->program = program;
        pool->here = kinds ? mms_alloc(1, sizeof *pool->here) : NULL;
        pool->slots = mms_alloc(nslots, sizeof *pool->slots);
        pool->fds = mms_alloc(2 * (int64_t)nslots, sizeof *pool->fds);
        pool->polled = mms_alloc(nslots, sizeof *pool->polled);
    }
    if (!pool || !pool->slots || !pool->fds || !pool->polled || (kinds && !pool->here)) {
        mms_pool_free(out);
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %d workers", nslots);
    }
    if (pool->here)
        pool->here->kinds = kinds;
    return MMS_OK;
}

int mms_pool_slots(const mms_pool *pool)
{
    return pool->nslots;
}

/* ---- start ---- */

/* The environment of a worker: ours with the number of its socket. */
static char **worker_environment(void)
{
    static char variable[] = MMS_WORKER_FD_VARIABLE "=3"; /* posix_spawn wants char * */
    char **copy;
    int64_t n = 0;

    while (environ[n])
        n++;
    copy = mms_alloc(n + 2, sizeof *copy);
    if (copy) {
        copy[0] = variable;
        memcpy(copy + 1, environ, (size_t)n * sizeof *copy);
    }
    return copy;
}

static int prepare_files(posix_spawn_file_actions_t *files, int fd, int print, int box)
{
    int rc = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

    if (!rc)
        rc = posix_spawn_file_actions_adddup2(files, print, 1);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(files, print, 2);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(files, fd, MMS_WORKER_FD);
    if (!rc && box >= 0)
        rc = posix_spawn_file_actions_adddup2(files, box, MMS_WORKER_BOX_FD);
    if (!rc)
        rc = posix_spawn_file_actions_addclosefrom_np(files, box >= 0 ? MMS_WORKER_BOX_FD + 1
                                                                      : MMS_WORKER_BOX_FD);
    return rc;
}

/* No terminal signals reach it (own session); nothing that we block or ignore is inherited. */
static int prepare_signals(posix_spawnattr_t *attr)
{
    sigset_t none, defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGTERM);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &defaults);
    return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
}

/* This program: the file that runs, even when it was replaced meanwhile.  Valgrind runs another
 * file, and shows the program's name. */
static const char *own_program(char *buffer, size_t size)
{
    static const char *const link = "/proc/self/exe";
    const ssize_t n = readlink(link, buffer, size - 1);
    struct stat running, named;

    if (n <= 0 || (size_t)n == size - 1)
        return link;
    buffer[n] = '\0';
    if (stat(link, &running) || stat(buffer, &named))
        return link;
    return running.st_dev == named.st_dev && running.st_ino == named.st_ino ? link : buffer;
}

static int spawn(const char *given, struct slot *slot, int fd, int print, int box)
{
    char buffer[4096];
    const char *const program = given ? given : own_program(buffer, sizeof buffer);
    char *const name = given ? strdup(given) : program_invocation_short_name;
    char *const words[] = {name, (char[]){"worker"}, NULL};
    char **environment = name ? worker_environment() : NULL;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int rc;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    rc = environment ? prepare_files(&files, fd, print, box) : ENOMEM;
    if (!rc)
        rc = prepare_signals(&attr);
    if (!rc)
        rc = posix_spawn(&slot->pid, program, &files, &attr, words, environment);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    free(environment);
    if (given)
        free(name);
    return rc;
}

/* Make a pair of descriptors that neither workers nor other children inherit, above those that the
 * worker gets; ours does not block. */
static int make_pair(bool is_socket, int pair[2])
{
    int made[2];

    if (is_socket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made)
                  : pipe2(made, O_CLOEXEC))
        return errno;
    for (int i = 0; i < 2; i++) {
        pair[i] = fcntl(made[i], F_DUPFD_CLOEXEC, MMS_WORKER_BOX_FD + 1);
        close(made[i]);
    }
    if (pair[0] >= 0 && pair[1] >= 0 && !fcntl(pair[0], F_SETFL, O_NONBLOCK))
        return 0;
    const int errnum = errno;
    close(pair[0]);
    close(pair[1]);
    return errnum;
}

/* Make the box of a worker; -1 where that can't be: it is not needed. */
static int make_box(struct slot *slot)
{
    const int made = memfd_create("multims-blackbox", MFD_CLOEXEC);
    const int fd = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, MMS_WORKER_BOX_FD + 1);
    void *box = MAP_FAILED;

    if (made >= 0)
        close(made);
    if (fd >= 0 && !ftruncate(fd, sizeof *slot->box))
        box = mmap(NULL, sizeof *slot->box, PROT_READ, MAP_SHARED, fd, 0);
    slot->box = box == MAP_FAILED ? NULL : box;
    return fd;
}

/* A worker that was killed can't remove its folder: whoever buries it does. */
static void free_box(struct slot *slot)
{
    if (slot->box && *slot->box->scratch)
        (void)!mms_remove_tree(slot->box->scratch, NULL);
    if (slot->box)
        munmap(slot->box, sizeof *slot->box);
    slot->box = NULL;
}

/* How many processes the kernel has killed because memory was short; -1: not known. */
static int64_t count_oom_kills(void)
{
    FILE *const file = fopen("/proc/vmstat", "re");
    long long n = -1;
    char line[128];

    while (file && fgets(line, sizeof line, file) && sscanf(line, "oom_kill %lld", &n) != 1)
        continue;
    if (file)
        fclose(file);
    return n;
}

/* Since a worker was last started or died. */
static int64_t oom_kills = -1;

static mms_status start(const char *program, struct slot *slot, mms_error *err)
{
    int pair[2], print[2];
    int rc = make_pair(true, pair);

    if (oom_kills < 0)
        oom_kills = count_oom_kills();
    if (rc)
        return mms_fail(err, MMS_ERR_IO, "cannot start a worker: %s", strerror(rc));
    rc = make_pair(false, print);
    if (!rc) {
        const int box = make_box(slot);
        rc = spawn(program, slot, pair[1], print[1], box);
        if (box >= 0)
            close(box);
        close(print[1]);
        if (rc)
            close(print[0]);
    }
    close(pair[1]);
    if (rc) {
        close(pair[0]);
        free_box(slot);
        slot->pid = 0;
        return mms_fail(err, MMS_ERR_IO, "cannot start a worker%s%s: %s", program ? ", " : "",
                        program ? program : "", strerror(rc));
    }
    slot->fd = pair[0];
    slot->print = print[0];
    slot->inbox.first = slot->inbox.end = 0;
    slot->line_size = 0;
    slot->last[0] = '\0';
    return MMS_OK;
}

/* ---- send ---- */

static void drop_out(struct slot *slot)
{
    free(slot->out.data);
    slot->out = (mms_message){0};
    slot->sent = 0;
}

/* A worker that gets no message is ended: that is seen when it is read. */
static void give_up_sending(struct slot *slot, int errnum)
{
    if (errnum != EPIPE && errnum != ECONNRESET) /* it has ended by itself */
        snprintf(slot->last, sizeof slot->last, "nothing can be sent to it: %s", strerror(errnum));
    kill(slot->pid, SIGKILL);
}

/* Write what the socket takes. */
static void flush_out(struct slot *slot)
{
    while (slot->sent < slot->out.size) {
        const ssize_t n = send(slot->fd, slot->out.data + slot->sent, slot->out.size - slot->sent,
                               MSG_NOSIGNAL | MSG_DONTWAIT);
        const int errnum = errno;
        if (n < 0 &&
            (errnum == EAGAIN || errnum == EINTR || mms_send_again(errnum, &slot->give_up_ns)))
            return;
        if (n < 0) {
            give_up_sending(slot, errnum);
            break;
        }
        slot->sent += (size_t)n;
    }
    slot->give_up_ns = 0;
    drop_out(slot);
}

mms_status mms_pool_send(mms_pool *pool, int number, mms_message message, mms_error *err)
{
    struct slot *slot = &pool->slots[number];
    const mms_status st = slot->pid || pool->here ? MMS_OK : start(pool->program, slot, err);

    if (st != MMS_OK) {
        free(message.data);
        return st;
    }
    slot->busy = true;
    slot->request = mms_frame_request_of(message.data);
    slot->out = message;
    slot->sent = 0;
    if (!pool->here)
        flush_out(slot);
    return MMS_OK;
}

void mms_pool_kill(mms_pool *pool, int number, uint64_t request, int signal_number)
{
    const struct slot *const slot = &pool->slots[number];

    if (slot->pid && slot->busy && slot->request == request)
        kill(slot->pid, signal_number);
}

/* ---- receive ---- */

/* Where deliveries go, and how many there were. */
struct delivery {
    mms_deliver *deliver;
    void *ctx;
    int peer, count;
};

static void deliver_body(struct delivery *to, mms_frame_type type, uint64_t request,
                         mms_value *body)
{
    mms_message message;

    if (mms_frame_encode(type, request, body, &message, NULL) != MMS_OK)
        return;
    to->deliver(to->ctx, to->peer, message.data, message.size);
    to->count++;
    free(message.data);
}

/* What a worker prints is unexpected: a warning, and the last words in the message if it dies. */
static void take_line(struct slot *slot, struct delivery *to)
{
    const char *text = slot->line;

    slot->line[slot->line_size] = '\0';
    slot->line_size = 0;
    while (*text == ' ')
        text++;
    if (!*text)
        return;
    memcpy(slot->last, text, strlen(text) + 1);
    deliver_body(to, MMS_FRAME_EVENT, slot->request,
                 json_pack("{s:[i, s, o]}", "log", MMS_LOG_WARN, "print", mms_text_value(text)));
}

/* Read once; false when there is nothing to read. */
static bool read_print(struct slot *slot, struct delivery *to)
{
    char text[4096];
    const ssize_t n = slot->print < 0 ? -1 : read(slot->print, text, sizeof text);

    for (ssize_t i = 0; i < n; i++) {
        if (text[i] == '\n' || slot->line_size == sizeof slot->line - 1)
            take_line(slot, to);
        if (text[i] != '\n' && text[i] != '\0')
            slot->line[slot->line_size++] = text[i];
    }
    if (n == 0) {
        close(slot->print);
        slot->print = -1;
    }
    return n > 0;
}

static char *how_it_ended(const struct slot *slot, int status)
{
    static const mms_blackbox unknown;
    char *how = mms_blackbox_tell(slot->box ? slot->box : &unknown, status);
    char *whole = how && *slot->last ? mms_format("%s: %s", how, slot->last) : NULL;

    if (!whole)
        return how;
    free(how);
    return whole;
}

/* By somebody, or because memory was short; other signals are its own fault. */
static bool was_killed(int status)
{
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    return number == SIGKILL || number == SIGTERM || number == SIGHUP;
}

static bool killed_for_memory(void)
{
    const int64_t before = oom_kills;

    oom_kills = count_oom_kills();
    return before >= 0 && oom_kills > before;
}

/* Its socket ended: collect the process and answer in its place. */
static void bury(struct slot *slot, struct delivery *to)
{
    int status = 0;

    kill(slot->pid, SIGKILL);
    mms_session_kill(slot->pid); /* before its number may be another's */
    (void)!TEMP_FAILURE_RETRY(waitpid(slot->pid, &status, 0));
    while (read_print(slot, to))
        continue;
    take_line(slot, to);
    close(slot->fd);
    if (slot->print >= 0)
        close(slot->print);
    drop_out(slot);
    slot->pid = 0;
    if (slot->busy) {
        char *how = how_it_ended(slot, status);
        slot->busy = false;
        deliver_body(to, MMS_FRAME_RESPONSE, slot->request,
                     json_pack("{s:b, s:o, s:b, s:b}", "died", 1, "message",
                               mms_text_value(how ? how : ""), "killed", (int)was_killed(status),
                               "memory", (int)(was_killed(status) && killed_for_memory())));
        free(how);
    }
    free_box(slot);
}

static void read_socket(struct slot *slot, struct delivery *to)
{
    const ssize_t n = mms_inbox_read(&slot->inbox, slot->fd);
    const int errnum = errno;
    mms_status st;
    const char *data;
    size_t size;

    while ((st = mms_inbox_next(&slot->inbox, &data, &size, NULL)) == MMS_OK && data) {
        if (mms_frame_type_of(data) == MMS_FRAME_RESPONSE)
            slot->busy = false;
        to->deliver(to->ctx, to->peer, data, size);
        to->count++;
    }
    if (st != MMS_OK || n == 0 || (n < 0 && errnum != EAGAIN && errnum != EINTR))
        bury(slot, to);
}

/* Slots without a worker don't count: the system takes no more entries than files may be open. */
static int list_fds(mms_pool *pool)
{
    int n = 0;

    for (int i = 0; i < pool->nslots; i++) {
        const struct slot *slot = &pool->slots[i];
        const short write = slot->out.data ? POLLOUT : 0;
        if (!slot->pid)
            continue;
        pool->polled[n] = i;
        pool->fds[2 * n] = (struct pollfd){slot->fd, (short)(POLLIN | write), 0};
        pool->fds[2 * n + 1] = (struct pollfd){slot->print, POLLIN, 0};
        n++;
    }
    return n;
}

/* ---- units in this process ---- */

static void deliver_own(void *delivery, mms_message message)
{
    struct delivery *const to = delivery;

    to->deliver(to->ctx, to->peer, message.data, message.size);
    to->count++;
    free(message.data);
}

static void run_here(mms_pool *pool, const sigset_t *mask, struct delivery *to)
{
    const mms_message message = pool->slots[0].out;
    sigset_t before;
    mms_error err;

    pool->slots[0].out = (mms_message){0};
    pool->slots[0].busy = false;
    pool->here->emit = deliver_own;
    pool->here->ctx = to;
    if (mask)
        pthread_sigmask(SIG_SETMASK, mask, &before);
    if (mms_runner_run(pool->here, message.data, message.size, &err) != MMS_OK)
        deliver_body(to, MMS_FRAME_RESPONSE, mms_frame_request_of(message.data),
                     json_pack("{s:b, s:o}", "died", 1, "message", mms_text_value(err.msg)));
    if (mask)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(message.data);
}

int mms_pool_wait(mms_pool *pool, const struct timespec *timeout, const sigset_t *mask,
                  mms_deliver *deliver, void *ctx)
{
    struct delivery to = {.deliver = deliver, .ctx = ctx};
    int n;

    if (pool->here && pool->slots[0].out.data) {
        run_here(pool, mask, &to);
        return to.count;
    }
    n = list_fds(pool);
    n = ppoll(pool->fds, 2 * (nfds_t)n, timeout, mask) < 0 && errno != EINTR ? -1 : n;
    if (n < 0)
        return n;
    for (int k = 0; k < n; k++) {
        const int i = pool->polled[k];
        struct slot *slot = &pool->slots[i];
        const short socket_has = pool->fds[2 * k].revents, print_has = pool->fds[2 * k + 1].revents;
        to.peer = i;
        if (print_has)
            (void)read_print(slot, &to);
        if (socket_has & POLLOUT)
            flush_out(slot);
        if (socket_has & (POLLIN | POLLHUP | POLLERR))
            read_socket(slot, &to);
    }
    return to.count;
}

int mms_pool_socket(const mms_pool *pool, int slot)
{
    return pool->slots[slot].pid ? pool->slots[slot].fd : -1;
}

pid_t mms_pool_pid(const mms_pool *pool, int slot)
{
    return pool->slots[slot].pid;
}

bool mms_pool_is_stopped(const mms_pool *pool, int number)
{
    const pid_t pid = pool->slots[number].pid;
    const char state = pid ? mms_process_state(pid) : '\0';

    return state == 'T' || state == 't';
}

/* ---- end ---- */

static void end_worker(struct slot *slot)
{
    const struct timespec step = {.tv_nsec = 500000};
    const int64_t limit = mms_now_ns() + end_ns;

    close(slot->fd);
    if (slot->busy) {
        kill(slot->pid, SIGKILL);
        mms_session_kill(slot->pid);
    }
    while (waitpid(slot->pid, NULL, WNOHANG) == 0) {
        if (mms_now_ns() > limit)
            kill(slot->pid, SIGKILL);
        nanosleep(&step, NULL);
    }
    if (slot->print >= 0)
        close(slot->print);
}

void mms_pool_free(mms_pool **pool)
{
    if (!*pool)
        return;
    for (int i = 0; (*pool)->slots && i < (*pool)->nslots; i++) {
        struct slot *slot = &(*pool)->slots[i];
        if (slot->pid)
            end_worker(slot);
        free_box(slot);
        free(slot->inbox.data);
        drop_out(slot);
    }
    if ((*pool)->here)
        mms_runner_end((*pool)->here);
    free((*pool)->here);
    free((*pool)->slots);
    free((*pool)->fds);
    free((*pool)->polled);
    free(*pool);
    *pool = NULL;
}
