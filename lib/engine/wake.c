/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file wake.c  What wakes a program that waits for a client with poll(2), and sets its events. */
#include "events_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"

int mms_wake_add(int all, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(all, EPOLL_CTL_ADD, fd, &event);
}

void mms_wake_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

mms_status mms_wake_open(mms_wake **out, mms_error *err)
{
    mms_wake *const w = *out = mms_alloc(1, sizeof *w);

    if (!w)
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    w->all = epoll_create1(EPOLL_CLOEXEC);
    w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (w->all >= 0 && w->timer >= 0 && !mms_wake_add(w->all, w->timer))
        return MMS_OK;
    const mms_status st = mms_fail_errno(err, errno, "client: no descriptor to wait for");
    mms_wake_close(out);
    return st;
}

void mms_wake_close(mms_wake **wake)
{
    mms_wake *const w = *wake;

    *wake = NULL;
    if (!w)
        return;
    for (mms_event *e = w->events; e; e = e->next) {
        e->client = NULL;
        e->wake = NULL;
    }
    mms_wake_close_fd(&w->timer);
    mms_wake_close_fd(&w->all);
    free(w);
}

int mms_wake_fd(const mms_wake *wake)
{
    return wake->all;
}

void mms_wake_watch(mms_wake *wake, int fd)
{
    (void)mms_wake_add(wake->all, fd); /* which fails for one that is watched already */
}

void mms_wake_tick(mms_wake *wake, int64_t interval_ns)
{
    const struct timespec interval = {.tv_nsec = interval_ns};
    const struct itimerspec timer = {.it_interval = interval, .it_value = interval};
    uint64_t count;

    (void)!read(wake->timer, &count, sizeof count); /* not readable any more, until it ticks */
    if (interval_ns != wake->interval_ns)
        timerfd_settime(wake->timer, 0, &timer, NULL);
    wake->interval_ns = interval_ns;
}

void mms_wake_look(mms_wake *wake, mms_client *client, mms_have_ended *have_ended)
{
    const uint64_t one = 1;

    for (mms_event *e = wake->events; e; e = e->next)
        if (!e->is_set && have_ended(client, e->n, e->ids)) {
            e->is_set = true;
            (void)!write(e->set, &one, sizeof one);
        }
}
