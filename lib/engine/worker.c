/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file worker.c  A worker process: reads frames from its socket and runs their units. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* of the terminal: the client decides */
    signal(SIGUSR1, SIG_IGN);
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
