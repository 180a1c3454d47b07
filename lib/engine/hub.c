/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file hub.c  Waits for workers of this process and for messages of other ranks at once. */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>

#include "engine_priv.h"

/* Blocking MPI calls spin, so MPI is asked again and again: at once while there was something
 * lately, then after sleeps that grow to a ceiling, or when the bell rings, should all be lost at
 * the ceiling.  Source: spec job-engine 3.7. */
static const int64_t hot_ns = 200000, first_sleep_ns = 50000;
static const int64_t pending_ceiling_ns = 100000, busy_ceiling_ns = 1000000;
static const int64_t idle_ceiling_ns = 10000000, asleep_ceiling_ns = 50000000;
static const int64_t asleep_after_ns = 5000000000;
static const int64_t bell_busy_ceiling_ns = 20000000, bell_idle_ceiling_ns = 250000000;
/* Who rings and is none of us is not listened to for a while. */
static const int64_t deaf_ns = 1000000;

int mms_hub_bell(const mms_hub *hub)
{
    return hub->module && hub->module->bell ? hub->module->bell() : -1;
}

static int receive_from_ranks(mms_hub *hub, mms_deliver *deliver, void *ctx)
{
    const int nslots = mms_pool_slots(hub->pool);
    int count = 0, rank;
    mms_error err;
    size_t size;
    char *data;

    while (count < 256) {
        if (hub->module->receive(&rank, &data, &size, &err) != MMS_OK) {
            mms_log(MMS_LOG_ERROR, "engine", "MPI: %s", err.msg);
            hub->module->abort(1); /* a message is lost, or MPI is in no state to go on */
        }
        if (!data)
            break;
        deliver(ctx, nslots + rank, data, size, &data);
        free(data);
        count++;
    }
    return count;
}

static int64_t longest_sleep(const mms_hub *hub, int64_t quiet, bool busy)
{
    if (hub->module->pending())
        return pending_ceiling_ns;
    if (hub->is_deaf)
        return deaf_ns;
    if (mms_hub_bell(hub) >= 0)
        return busy ? bell_busy_ceiling_ns : bell_idle_ceiling_ns;
    return busy ? busy_ceiling_ns : quiet < asleep_after_ns ? idle_ceiling_ns : asleep_ceiling_ns;
}

static int64_t next_sleep(mms_hub *hub, int64_t now, bool busy)
{
    const int64_t quiet = now - hub->last_ns;
    const int64_t ceiling = longest_sleep(hub, quiet, busy);

    if (quiet < hot_ns)
        return hub->sleep_ns = 0;
    if (mms_hub_bell(hub) >= 0)
        return hub->sleep_ns = ceiling;
    hub->sleep_ns = hub->sleep_ns ? hub->sleep_ns + hub->sleep_ns / 2 : first_sleep_ns;
    if (hub->sleep_ns > ceiling)
        hub->sleep_ns = ceiling;
    return hub->sleep_ns;
}

/* How long to wait for workers before the next probe, and for left at most; in a simulation its
 * time passes instead. */
static struct timespec next_wait(mms_hub *hub, int64_t now, int64_t left, bool busy)
{
    int64_t ns = 0;

    if (hub->module->pass)
        hub->module->pass(left);
    else
        ns = next_sleep(hub, now, busy);
    if (ns > left)
        ns = left;
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* Take what has rung, and say what ends the next wait. */
static void hear(mms_hub *hub)
{
    const int heard = hub->module->heard ? hub->module->heard() : 0;

    if (heard > 0)
        hub->last_ns = mms_now_ns(); // what it rang for comes soon
    hub->is_deaf = heard < 0;
    mms_pool_listen(hub->pool, hub->is_deaf ? -1 : mms_hub_bell(hub));
}

int mms_hub_wait(mms_hub *hub, const struct timespec *timeout, bool busy, const sigset_t *mask,
                 mms_deliver *deliver, void *ctx)
{
    const int64_t limit =
        timeout ? mms_now_ns() + timeout->tv_sec * (int64_t)1000000000 + timeout->tv_nsec
                : INT64_MAX;

    if (!hub->module)
        return mms_pool_wait(hub->pool, timeout, mask, deliver, ctx);
    for (;;) {
        hear(hub);
        int count = receive_from_ranks(hub, deliver, ctx);
        const int64_t now = mms_now_ns();
        const int64_t left = limit > now ? limit - now : 0;
        const struct timespec sleep =
            count || !left ? (struct timespec){0} : next_wait(hub, now, left, busy);
        const int waited = mms_pool_wait(hub->pool, &sleep, mask, deliver, ctx);
        if (waited < 0)
            return waited;
        count += waited;
        if (count)
            hub->last_ns = mms_now_ns();
        if (count || now >= limit || mms_stop_at_once())
            return count;
    }
}

bool mms_hub_is_local(const mms_hub *hub, int worker)
{
    return worker < mms_pool_slots(hub->pool);
}

int mms_hub_rank_of(const mms_hub *hub, int worker)
{
    return worker - mms_pool_slots(hub->pool) + 1;
}

bool mms_hub_ping(mms_hub *hub, int worker, int use)
{
    mms_message message;

    if (mms_hub_is_local(hub, worker))
        return false;
    if (mms_frame_encode(MMS_FRAME_PING, 0,
                         json_pack("{s:b, s:i}", "spares", (int)hub->spares, "use", use), &message,
                         NULL) == MMS_OK)
        (void)!hub->module->send(mms_hub_rank_of(hub, worker), message.data, message.size, NULL);
    return true;
}

void mms_hub_renew(mms_hub *hub, int worker)
{
    mms_message message;

    if (mms_hub_is_local(hub, worker))
        mms_pool_renew(hub->pool, worker);
    else if (mms_frame_encode(MMS_FRAME_RENEW, 0, json_object(), &message, NULL) == MMS_OK)
        (void)!hub->module->send(mms_hub_rank_of(hub, worker), message.data, message.size, NULL);
}

bool mms_hub_is_stopped(const mms_hub *hub, int worker)
{
    return mms_hub_is_local(hub, worker) && mms_pool_is_stopped(hub->pool, worker);
}
