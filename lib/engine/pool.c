/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file pool.c  Worker processes: a program started over a socketpair, most often this one again.
 */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/limits_priv.h"
#include "engine_priv.h"
#include "spawn_priv.h"

/* How long idle workers may take to end when their socket closes. */
static const int64_t end_ns = 2000000000;
/* A worker is a socket and a pipe here.  Beside them there are the tables that this process has
 * open, and what starting a worker takes for a moment. */
enum { FILES_A_WORKER = 2, OTHER_FILES = 64 };
/* How often it is looked whether the spare lives, and when another is started whose predecessor has
 * become a worker. */
static const int64_t look_ns = 1000000000, apart_ns = 20000000;

struct slot {
    mms_process process;
    int64_t give_up_ns; /* when sending has failed for too long; 0: it has not failed */
    bool busy;
    bool killed; /* by us; it may have answered all the same */
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
    mms_process *ending; /* workers that were told to end, ending[nslots] */
    bool keeps_spare;
    mms_process spare;     /* a warm process, of which workers are forked */
    int64_t next_spare_ns; /* when to look after it; 0: no worker was started yet */
    int bell;              /* what ends a wait, too; -1: nothing */
    struct pollfd *fds;    /* two a worker: socket, print; and the bell */
    int *polled;           /* the slot of each worker */
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
        pool->bell = -1;
        pool->program = program;
        pool->here = kinds ? mms_alloc(1, sizeof *pool->here) : NULL;
        pool->slots = mms_alloc(nslots, sizeof *pool->slots);
        pool->fds = mms_alloc(2 * (int64_t)nslots + 1, sizeof *pool->fds);
        pool->polled = mms_alloc(nslots, sizeof *pool->polled);
        pool->ending = mms_alloc(nslots, sizeof *pool->ending);
    }
    if (!pool || !pool->slots || !pool->fds || !pool->polled || !pool->ending ||
        (kinds && !pool->here)) {
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

/* Make sure now and then that the spare lives. */
static void keep_spare(mms_pool *pool)
{
    const int64_t now = pool->keeps_spare ? mms_now_ns() : -1;

    if (now < pool->next_spare_ns)
        return;
    pool->next_spare_ns = now + look_ns;
    if (pool->spare.pid && mms_process_has_ended(&pool->spare))
        mms_process_kill(&pool->spare);
    if (!pool->spare.pid)
        (void)!mms_process_start(pool->program, &pool->spare, NULL);
}

static bool is_stopped(pid_t pid)
{
    const char state = pid ? mms_process_state(pid) : '\0';

    return state == 'T' || state == 't';
}

/* One that can't fork is itself the worker. */
static bool fork_worker(mms_pool *pool, mms_process *process)
{
    mms_status st;

    keep_spare(pool);
    if (!pool->spare.pid || is_stopped(pool->spare.pid))
        return false;
    st = mms_process_fork(&pool->spare, process, NULL);
    if (st == MMS_ERR_UNSUPPORTED) {
        *process = pool->spare;
        pool->spare = (mms_process){.pid = 0};
        pool->next_spare_ns = mms_now_ns() + apart_ns;
        return true;
    }
    if (st != MMS_OK)
        mms_process_kill(&pool->spare);
    return st == MMS_OK;
}

static void begin(struct slot *slot)
{
    slot->inbox.first = slot->inbox.end = 0;
    slot->line_size = 0;
    slot->last[0] = '\0';
    slot->killed = false;
}

static mms_status start(mms_pool *pool, struct slot *slot, mms_error *err)
{
    mms_status st;

    if (oom_kills < 0)
        oom_kills = count_oom_kills();
    st = fork_worker(pool, &slot->process) ? MMS_OK
                                           : mms_process_start(pool->program, &slot->process, err);
    begin(slot);
    return st;
}

/* One that was told to end is collected, and is not waited for, unless there is another. */
static void collect(mms_process *process, bool wait)
{
    const struct timespec step = {.tv_nsec = 500000};
    const int64_t limit = mms_now_ns() + (wait ? end_ns : 0);

    while (process->pid && !mms_process_has_ended(process) && mms_now_ns() < limit)
        nanosleep(&step, NULL);
    if (process->pid && (wait || mms_process_has_ended(process)))
        mms_process_kill(process);
}

void mms_pool_renew(mms_pool *pool, int number)
{
    struct slot *const slot = &pool->slots[number];

    if (!slot->process.pid || slot->busy)
        return;
    collect(&pool->ending[number], true);
    pool->ending[number] = slot->process;
    shutdown(slot->process.fd, SHUT_RDWR); /* its end of work, as it sees it */
    slot->process = (mms_process){.pid = 0};
}

void mms_pool_keep_spares(mms_pool *pool)
{
    const int64_t files = FILES_A_WORKER * ((int64_t)pool->nslots + 1) + OTHER_FILES;

    if (pool->here || pool->keeps_spare || mms_files_allow(files) < files)
        return;
    pool->keeps_spare = true;
    for (int i = 0; i < pool->nslots; i++)
        if (pool->slots[i].process.pid)
            pool->next_spare_ns = mms_now_ns();
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
    kill(slot->process.pid, SIGKILL);
}

/* Write what the socket takes. */
static void flush_out(struct slot *slot)
{
    while (slot->sent < slot->out.size) {
        const ssize_t n = send(slot->process.fd, slot->out.data + slot->sent,
                               slot->out.size - slot->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
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

/* One that was killed is dead, or about to be, also if it has answered before: it is asked no more,
 * and nobody waits for an answer who asks for another. */
static void drop_killed(struct slot *slot)
{
    if (!slot->process.pid || !slot->killed)
        return;
    mms_session_kill(slot->process.pid);
    mms_process_kill(&slot->process);
    drop_out(slot);
    slot->busy = false;
}

mms_status mms_pool_send(mms_pool *pool, int number, mms_message message, mms_error *err)
{
    assert(number >= 0 && number < pool->nslots);
    struct slot *slot = &pool->slots[number];
    drop_killed(slot);
    assert(!slot->busy); // one request at a time
    const mms_status st = slot->process.pid || pool->here ? MMS_OK : start(pool, slot, err);

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
    struct slot *const slot = &pool->slots[number];

    assert(number >= 0 && number < pool->nslots);
    if (!slot->process.pid || !slot->busy || slot->request != request)
        return;
    slot->killed = slot->killed || signal_number == SIGKILL;
    kill(slot->process.pid, signal_number);
}

/* ---- receive ---- */

/* Where deliveries go, and how many there were. */
struct delivery {
    mms_deliver *deliver;
    void *ctx;
    int peer, count;
};

static void deliver_message(struct delivery *to, mms_message message)
{
    to->deliver(to->ctx, to->peer, message.data, message.size, &message.data);
    to->count++;
    free(message.data);
}

static void deliver_body(struct delivery *to, mms_frame_type type, uint64_t request,
                         mms_value *body)
{
    mms_message message;

    if (mms_frame_encode(type, request, body, &message, NULL) != MMS_OK)
        return;
    deliver_message(to, message);
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
    const ssize_t n = slot->process.print < 0 ? -1 : read(slot->process.print, text, sizeof text);

    for (ssize_t i = 0; i < n; i++) {
        if (text[i] == '\n' || slot->line_size == sizeof slot->line - 1)
            take_line(slot, to);
        if (text[i] != '\n' && text[i] != '\0')
            slot->line[slot->line_size++] = text[i];
    }
    if (n == 0) {
        close(slot->process.print);
        slot->process.print = -1;
    }
    return n > 0;
}

static char *how_it_ended(const struct slot *slot, int status)
{
    static const mms_blackbox unknown;
    char *how = mms_blackbox_tell(slot->process.box ? slot->process.box : &unknown, status);
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

/* By the kernel, or by itself. */
static bool is_for_memory(const struct slot *slot, int status)
{
    const bool by_kernel = was_killed(status) && killed_for_memory();

    return by_kernel || (slot->process.box && slot->process.box->memory);
}

/* Its socket ended: collect the process and answer in its place. */
static void bury(struct slot *slot, struct delivery *to)
{
    int status = 0;

    kill(slot->process.pid, SIGKILL);
    mms_session_kill(slot->process.pid); /* before its number may be another's */
    (void)!TEMP_FAILURE_RETRY(waitpid(slot->process.pid, &status, 0));
    while (read_print(slot, to))
        continue;
    take_line(slot, to);
    close(slot->process.fd);
    if (slot->process.print >= 0)
        close(slot->process.print);
    drop_out(slot);
    slot->process.pid = 0;
    if (slot->busy) {
        char *how = how_it_ended(slot, status);
        slot->busy = false;
        deliver_body(to, MMS_FRAME_RESPONSE, slot->request,
                     json_pack("{s:b, s:o, s:i, s:b, s:b}", "died", 1, "message",
                               mms_text_value(how ? how : ""), "signal",
                               WIFSIGNALED(status) ? WTERMSIG(status) : 0, "killed",
                               (int)was_killed(status), "memory",
                               (int)is_for_memory(slot, status)));
        free(how);
    }
    mms_process_free_box(&slot->process);
}

static void read_socket(struct slot *slot, struct delivery *to)
{
    const ssize_t n = mms_inbox_read(&slot->inbox, slot->process.fd);
    const int errnum = errno;
    mms_status st;
    const char *data;
    size_t size;

    while ((st = mms_inbox_next(&slot->inbox, &data, &size, NULL)) == MMS_OK && data) {
        if (mms_frame_type_of(data) == MMS_FRAME_RESPONSE)
            slot->busy = false;
        to->deliver(to->ctx, to->peer, data, size, mms_inbox_whole(&slot->inbox));
        to->count++;
        if (!slot->inbox.data)
            slot->inbox = (mms_inbox){0}; // somebody has it now
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
        if (!slot->process.pid)
            continue;
        pool->polled[n] = i;
        pool->fds[2 * n] = (struct pollfd){slot->process.fd, (short)(POLLIN | write), 0};
        pool->fds[2 * n + 1] = (struct pollfd){slot->process.print, POLLIN, 0};
        n++;
    }
    pool->fds[2 * n] = (struct pollfd){pool->bell, POLLIN, 0}; // none: it is passed over
    return n;
}

/* ---- units in this process ---- */

static void deliver_own(void *delivery, mms_message message)
{
    deliver_message(delivery, message);
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

/* Until a spare is to be started, if that comes before the end of timeout. */
static const struct timespec *until_spare(const mms_pool *pool, const struct timespec *timeout,
                                          struct timespec *until)
{
    const int64_t now = pool->keeps_spare && pool->next_spare_ns ? mms_now_ns() : INT64_MAX;
    const int64_t left = pool->next_spare_ns > now ? pool->next_spare_ns - now : 0;

    *until = (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    if (now == INT64_MAX ||
        (timeout && (timeout->tv_sec < until->tv_sec ||
                     (timeout->tv_sec == until->tv_sec && timeout->tv_nsec <= until->tv_nsec))))
        return timeout;
    return until;
}

int mms_pool_wait(mms_pool *pool, const struct timespec *timeout, const sigset_t *mask,
                  mms_deliver *deliver, void *ctx)
{
    struct delivery to = {.deliver = deliver, .ctx = ctx};
    struct timespec until;
    int n;

    if (pool->here && pool->slots[0].out.data) {
        run_here(pool, mask, &to);
        return to.count;
    }
    for (int i = 0; i < pool->nslots; i++)
        collect(&pool->ending[i], false);
    if (pool->next_spare_ns)
        keep_spare(pool);
    n = list_fds(pool);
    timeout = until_spare(pool, timeout, &until);
    n = ppoll(pool->fds, 2 * (nfds_t)n + 1, timeout, mask) < 0 && errno != EINTR ? -1 : n;
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

void mms_pool_listen(mms_pool *pool, int fd)
{
    pool->bell = fd;
}

int mms_pool_socket(const mms_pool *pool, int slot)
{
    return pool->slots[slot].process.pid ? pool->slots[slot].process.fd : -1;
}

pid_t mms_pool_pid(const mms_pool *pool, int slot)
{
    return pool->slots[slot].process.pid;
}

bool mms_pool_is_stopped(const mms_pool *pool, int number)
{
    return is_stopped(pool->slots[number].process.pid);
}

/* ---- end ---- */

static void end_worker(struct slot *slot)
{
    const struct timespec step = {.tv_nsec = 500000};
    const int64_t limit = mms_now_ns() + end_ns;

    close(slot->process.fd);
    if (slot->busy) {
        kill(slot->process.pid, SIGKILL);
        mms_session_kill(slot->process.pid);
    }
    while (waitpid(slot->process.pid, NULL, WNOHANG) == 0) {
        if (mms_now_ns() > limit)
            kill(slot->process.pid, SIGKILL);
        nanosleep(&step, NULL);
    }
    if (slot->process.print >= 0)
        close(slot->process.print);
}

void mms_pool_free(mms_pool **pool)
{
    if (!*pool)
        return;
    if ((*pool)->spare.pid)
        kill((*pool)->spare.pid, SIGKILL); /* it is gone when the others are */
    for (int i = 0; (*pool)->ending && i < (*pool)->nslots; i++)
        collect(&(*pool)->ending[i], true);
    for (int i = 0; (*pool)->slots && i < (*pool)->nslots; i++) {
        struct slot *slot = &(*pool)->slots[i];
        if (slot->process.pid)
            end_worker(slot);
        mms_process_free_box(&slot->process);
        free(slot->inbox.data);
        drop_out(slot);
    }
    mms_process_kill(&(*pool)->spare);
    if ((*pool)->here)
        mms_runner_end((*pool)->here);
    free((*pool)->here);
    free((*pool)->ending);
    free((*pool)->slots);
    free((*pool)->fds);
    free((*pool)->polled);
    free(*pool);
    *pool = NULL;
}
