/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file worker.c  A worker process: reads frames from its socket and runs their units. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits_priv.h"
#include "base/places_priv.h"
#include "engine_priv.h"

/* Nobody is left to answer when the socket is gone: the client has ended, so does the worker.
 * Several threads of a unit may log. */
static void send_message(void *socket_fd, mms_message message)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const int fd = *(const int *)socket_fd;
    int64_t give_up_ns = 0;
    size_t sent = 0;

    pthread_mutex_lock(&lock);
    while (sent < message.size) {
        const ssize_t n = send(fd, message.data + sent, message.size - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else if (n < 0 && errno != EINTR && !mms_send_again(errno, &give_up_ns))
            _exit(1);
    }
    pthread_mutex_unlock(&lock);
    free(message.data);
}

/* A unit must not outlive its client: the next run takes the staging folder for abandoned.  The
 * client may have died before we asked for its signal. */
static void die_with_client(int fd)
{
    struct ucred client = {0};
    socklen_t size = sizeof client;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client, &size) || client.pid != getppid())
        _exit(1);
}

/* ---- workers by fork ---- */

/* A process with our parent, which can wait for it; libraries whose threads it would lack are not
 * forked.  -1: it can't be. */
static pid_t fork_sibling(void)
{
#if defined(__SANITIZE_THREAD__) || defined(__s390__) /* which has other arguments */
    return -1;
#else
    enum { OF_ONE_THREAD = 3 };
    struct stat threads;

    if (stat("/proc/self/task", &threads) || threads.st_nlink != OF_ONE_THREAD)
        return -1;
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
#endif
}

/* Take MMS_FORK with its descriptors; returns how many there are. */
static int receive_ends(int fd, int ends[3])
{
    char word, room[CMSG_SPACE(3 * sizeof *ends)];
    struct iovec text = {&word, 1};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    const ssize_t got = TEMP_FAILURE_RETRY(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
    const struct cmsghdr *const rights = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    const size_t size = rights ? rights->cmsg_len - CMSG_LEN(0) : 0;

    memcpy(ends, rights ? CMSG_DATA(rights) : (const unsigned char *)"", size);
    return (int)(size / sizeof *ends);
}

/* Be the worker that the ends are for. */
static void take_ends(int fd, const int ends[3], int n)
{
    setsid();
    if (dup2(ends[0], fd) < 0 || dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0 ||
        (n > 2 && dup2(ends[2], MMS_WORKER_BOX_FD) < 0))
        _exit(1);
    for (int i = 0; i < n; i++)
        if (ends[i] != MMS_WORKER_BOX_FD)
            close(ends[i]);
    if (n < 3)
        close(MMS_WORKER_BOX_FD);
}

/* Whether this is the worker that was made. */
static bool fork_one(int fd)
{
    int ends[3];
    const int n = receive_ends(fd, ends);
    const pid_t pid = n < 2 ? -1 : fork_sibling();

    if (pid == 0) {
        take_ends(fd, ends, n);
        return true;
    }
    for (int i = 0; i < n; i++)
        close(ends[i]);
    if (send(fd, &pid, sizeof pid, MSG_NOSIGNAL) != sizeof pid)
        _exit(1);
    return false;
}

/* Who signals all processes of a job means the client. */
static void ignore_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* of the terminal: the client decides */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
}

void mms_worker_fork(int fd)
{
    char first;

    ignore_signals();
    die_with_client(fd);
    while (TEMP_FAILURE_RETRY(recv(fd, &first, 1, MSG_PEEK)) == 1 && first == MMS_FORK)
        if (fork_one(fd))
            return;
}

void mms_worker_serve(int fd, const mms_unit_kind *kinds)
{
    mms_runner runner = {.kinds = kinds, .emit = send_message, .ctx = &fd, .logs = true};
    mms_inbox inbox = {0};
    const char *data;
    size_t size;
    ssize_t n;

    die_with_client(fd);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a unit's program leaves behind can be ended */
    mms_memory_bound();
    while ((n = mms_inbox_read(&inbox, fd)) > 0 || (n < 0 && errno == EINTR))
        while (mms_inbox_next(&inbox, &data, &size, NULL) == MMS_OK && data)
            if (mms_frame_type_of(data) == MMS_FRAME_COMMAND &&
                mms_runner_run(&runner, data, size, NULL) != MMS_OK)
                _exit(1);
    mms_runner_end(&runner);
    free(inbox.data);
    close(fd);
}

mms_status mms_worker_program(char **out, mms_error *err)
{
    *out = mms_place_find("multims-worker");
    if (!*out)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    if (!access(*out, X_OK))
        return MMS_OK;
    (void)mms_fail(err, MMS_ERR_NOT_FOUND,
                   "%s, the program of workers, is not there: " MMS_PLACE_VARIABLE
                   " names the folder that has it",
                   *out);
    free(*out);
    *out = NULL;
    return MMS_ERR_NOT_FOUND;
}
