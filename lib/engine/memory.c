/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file memory.c  A worker that takes more memory than its command may have ends (spec job-engine
 *  2.10). */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/blackbox_priv.h"
#include "engine_priv.h"

/* How often it is looked: a process takes some MiB in that time. */
enum { LOOK_MS = 10 };

int64_t mms_process_memory(int64_t pid)
{
    char path[64], text[128] = "";
    long long all, resident, shared;
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%lld/statm", (long long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    return n > 0 && sscanf(text, "%lld %lld %lld", &all, &resident, &shared) == 3
               ? (resident - shared) * sysconf(_SC_PAGESIZE)
               : 0;
}

/* Whoever buries this process reads in its box why it ended. */
static void *look(void *guard)
{
    const mms_guard *const g = guard;
    struct pollfd end = {g->end_fd, POLLIN, 0};

    while (poll(&end, 1, LOOK_MS) <= 0)
        if (mms_process_memory(getpid()) > g->limit) {
            mms_blackbox_get()->memory = g->limit;
            kill(getpid(), SIGKILL);
        }
    return NULL;
}

mms_status mms_guard_begin(mms_guard *g, int64_t limit, mms_error *err)
{
    *g = (mms_guard){.limit = limit, .end_fd = -1};
    if (limit <= 0)
        return MMS_OK;
    g->end_fd = eventfd(0, EFD_CLOEXEC);
    if (g->end_fd >= 0 && !pthread_create(&g->thread, NULL, look, g))
        return MMS_OK;
    if (g->end_fd >= 0)
        close(g->end_fd);
    g->end_fd = -1;
    return mms_fail(err, MMS_ERR_IO, "nothing can look after the limit of memory");
}

void mms_guard_end(mms_guard *g)
{
    if (g->end_fd < 0)
        return;
    eventfd_write(g->end_fd, 1);
    pthread_join(g->thread, NULL);
    close(g->end_fd);
}
