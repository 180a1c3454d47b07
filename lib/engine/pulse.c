/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file pulse.c  Whether a worker is there: local ones are looked at, ranks are asked. */
#include <jansson.h>

#include "engine_priv.h"

static const double heartbeat_ns = 5e9;

/* ---- whether it works ---- */

/* No more often than processor time is counted. */
static int64_t apart_ns(const mms_still *s)
{
    const double limit_s = s->limit_s < 1e9 ? s->limit_s : 1e9;

    return (int64_t)((limit_s > 0.1 ? limit_s : 0.1) * 0.25e9);
}

bool mms_still_wants(const mms_still *s)
{
    return s->limit_s > 0 && mms_now_ns() >= s->next_ns;
}

void mms_still_take(mms_still *s, uint64_t used)
{
    s->still_ns = used == s->used ? s->still_ns + apart_ns(s) : 0;
    s->used = used;
    s->next_ns = mms_now_ns() + apart_ns(s);
}

bool mms_still_is(const mms_still *s)
{
    return s->limit_s > 0 && s->still_ns >= 4 * apart_ns(s);
}

void mms_pulse_watch(mms_pulse *p, double limit_s, bool program)
{
    p->still = (mms_still){.limit_s = limit_s};
    p->program = program;
}

/* ---- whether it is there ---- */

/* A rank answers pings, one at a time, unless it is stopped or its host is.  Only time in which we
 * listen counts, so that a client that was busy or stopped itself condemns nobody. */
static bool is_silent(mms_pulse *p, mms_hub *hub, int worker, double limit_s, int64_t tick_ns)
{
    const int64_t now = mms_now_ns();
    const double beat_ns = limit_s * 0.125e9; /* with the limit 35 s at most (9.1, P20) */
    const bool watches = mms_still_wants(&p->still);

    if (p->pinged) {
        p->silent_ns += tick_ns;
    } else if (watches ||
               (double)(now - p->ping_ns) >= (beat_ns < heartbeat_ns ? beat_ns : heartbeat_ns)) {
        p->pinged = mms_hub_ping(hub, worker, watches ? 1 + p->program : 0);
        p->ping_ns = now;
        p->silent_ns = 0;
    }
    return p->pinged && p->silent_ns > 2 * tick_ns;
}

mms_pulse_change mms_pulse_look(mms_pulse *p, mms_hub *hub, int worker, double limit_s,
                                int64_t tick_ns, double *since_s)
{
    const bool silent = is_silent(p, hub, worker, limit_s, tick_ns);
    const bool away = silent || p->is_stopped || mms_hub_is_stopped(hub, worker);
    const bool was_lost = p->timed_out;

    if (away)
        p->still.still_ns = 0; /* it can't work */
    else if (mms_hub_is_local(hub, worker) && mms_still_wants(&p->still))
        mms_still_take(&p->still, mms_worker_used(mms_pool_pid(hub->pool, worker), !p->program));
    *since_s = p->since_ns ? (double)(mms_now_ns() - p->since_ns) * 1e-9 : 0;
    if (away && !p->since_ns) {
        p->since_ns = mms_now_ns();
    } else if (away && *since_s > limit_s && !p->timed_out &&
               (!silent || (double)p->silent_ns > limit_s * 0.9e9)) {
        p->timed_out = true;
        p->silent = silent;
        mms_world_note_silent(silent);
        return MMS_PULSE_LOST;
    } else if (!away && p->since_ns) {
        mms_world_note_silent(p->silent ? -1 : 0);
        p->timed_out = p->silent = false;
        p->since_ns = 0;
        return was_lost ? MMS_PULSE_BACK : MMS_PULSE_SAME;
    }
    return MMS_PULSE_SAME;
}

void mms_pulse_take(mms_pulse *p, const char *data, size_t size)
{
    const mms_value *used;
    mms_frame frame;

    if (p->pinged)
        p->pong_ns = mms_now_ns();
    p->pinged = false;
    if (p->silent)
        mms_world_note_silent(-1);
    p->silent = false;
    if (mms_frame_type_of(data) == MMS_FRAME_EVENT)
        p->still.still_ns = 0;
    if (mms_frame_type_of(data) == MMS_FRAME_RESPONSE)
        p->is_stopped = false;
    if (mms_frame_type_of(data) != MMS_FRAME_PONG ||
        mms_frame_decode(data, size, &frame, NULL) != MMS_OK)
        return;
    p->is_stopped = json_is_true(json_object_get(frame.body, "stopped"));
    used = json_object_get(frame.body, "used");
    if (used)
        mms_still_take(&p->still, (uint64_t)json_integer_value(used));
    mms_value_free(&frame.body);
}
