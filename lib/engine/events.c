/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file events.c  Events of a client, for programs that wait for other things, too (spec
 * job-engine 2.5). */
#include "events_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"

static mms_status set_up(mms_event *e, mms_error *err)
{
    e->all = epoll_create1(EPOLL_CLOEXEC);
    e->set = eventfd(0, EFD_CLOEXEC);
    if (e->all < 0 || e->set < 0 || mms_wake_add(e->all, e->set) ||
        mms_wake_add(e->all, e->wake->all))
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
    mms_wake_close_fd(&e->set);
    mms_wake_close_fd(&e->all);
    free(e->ids);
    free(e);
}
