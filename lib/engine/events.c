/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file events.c  Events of a client, for programs that wait for other things, too (spec
 * job-engine 2.5). */
#include "events_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"

struct mms_event {
    mms_client *client; /* NULL: closed */
    mms_wake *wake;
    mms_event *next;
    int all, set; /* all: what wakes, and set, which is readable from then on */
    bool is_set;
    int64_t n, *ids;
};

struct mms_wake {
    int all, timer;
    int64_t interval_ns;
    mms_event *events;
};

static int add(int all, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(all, EPOLL_CTL_ADD, fd, &event);
}

static void close_fd(int *fd)
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
    if (w->all >= 0 && w->timer >= 0 && !add(w->all, w->timer))
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
    close_fd(&w->timer);
    close_fd(&w->all);
    free(w);
}

int mms_wake_fd(const mms_wake *wake)
{
    return wake->all;
}

void mms_wake_watch(mms_wake *wake, int fd)
{
    (void)add(wake->all, fd); /* which fails for one that is watched already */
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

void mms_wake_look(mms_wake *wake, mms_client *client)
{
    const uint64_t one = 1;

    for (mms_event *e = wake->events; e; e = e->next)
        if (!e->is_set && mms_client_have_all(client, e->n, e->ids)) {
            e->is_set = true;
            (void)!write(e->set, &one, sizeof one);
        }
}

/* ---- events ---- */

static mms_status set_up(mms_event *e, mms_error *err)
{
    e->all = epoll_create1(EPOLL_CLOEXEC);
    e->set = eventfd(0, EFD_CLOEXEC);
    if (e->all < 0 || e->set < 0 || add(e->all, e->set) || add(e->all, e->wake->all))
        return mms_fail_errno(err, errno, "client: no descriptor to wait for");
    e->next = e->wake->events;
    e->wake->events = e;
    mms_client_poll(e->client);
    return MMS_OK;
}

mms_status mms_client_event(mms_client *client, int64_t n, const int64_t *ids, mms_event **out,
                            mms_error *err)
{
    mms_wake *wake;
    mms_status st;

    *out = NULL;
    MMS_TRY(mms_client_check_ids(client, n, ids, err));
    MMS_TRY(mms_client_wake(client, &wake, err));
    *out = mms_alloc(1, sizeof **out);
    if (!*out)
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    **out = (mms_event){.client = client, .wake = wake, .all = -1, .set = -1, .n = n};
    (*out)->ids = mms_alloc(n, sizeof *ids);
    if (!(*out)->ids)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "client: out of memory"));
    memcpy((*out)->ids, ids, (size_t)n * sizeof *ids);
    st = set_up(*out, err);
done:
    if (st != MMS_OK)
        mms_event_free(out);
    return st;
}

int mms_event_fd(const mms_event *event)
{
    return event->all;
}

bool mms_event_is_set(mms_event *event)
{
    if (!event->is_set && event->client)
        mms_client_poll(event->client);
    return event->is_set;
}

mms_status mms_event_wait(mms_event *event, double limit_s, mms_error *err)
{
    mms_value *responses = NULL;
    mms_status st;

    if (mms_event_is_set(event))
        return MMS_OK;
    if (!event->client)
        return mms_fail(err, MMS_ERR_WORKER, "the client of this event is closed");
    st = mms_client_responses(event->client, event->n, event->ids, true, limit_s, &responses, err);
    mms_value_free(&responses);
    return mms_event_is_set(event) ? MMS_OK : st;
}

void mms_event_free(mms_event **event)
{
    mms_event *const e = *event;

    *event = NULL;
    if (!e)
        return;
    for (mms_event **at = e->wake ? &e->wake->events : NULL; at && *at; at = &(*at)->next)
        if (*at == e) {
            *at = e->next;
            break;
        }
    close_fd(&e->set);
    close_fd(&e->all);
    free(e->ids);
    free(e);
}
