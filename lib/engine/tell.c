/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tell.c  What the engine does, for logs that are read by programs (spec job-engine 8.2). */
#include "tell_priv.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The same for all that this process tells: several runs may add to one log. */
static const char *name_job(void)
{
    static char job[40];
    const time_t now = time(NULL);
    struct tm utc;
    size_t n;

    if (*job)
        return job;
    gmtime_r(&now, &utc);
    n = strftime(job, sizeof job, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(job + n, sizeof job - n, "-%ld", (long)getpid());
    return job;
}

static mms_value *positive(int64_t number)
{
    return number > 0 ? json_integer(number) : NULL;
}

/* Members that lines and events have of what they are about. */
static mms_value *members_of(const mms_about *about)
{
    return json_pack("{s:s, s:i, s:s, s:o*, s:o*, s:o*}", "job", name_job(), "rank", about->worker,
                     "role", about->worker ? "server" : "client", "unit",
                     about->unit ? mms_text_value(about->unit) : NULL, "attempt",
                     positive(about->attempt), "req", positive(about->request));
}

void mms_tell(const char *scope, const char *event, mms_about about, mms_value *kv)
{
    mms_value *const told = members_of(&about);

    json_object_set_new(told, "ev", json_string(event));
    json_object_set(told, "kv", kv);
    mms_log_event(scope, told);
    mms_value_free(&kv);
}

void mms_tell_line(mms_level level, const char *scope, mms_about about, const char *who,
                   const char *text)
{
    mms_log_about(mms_log_wants_events() ? members_of(&about) : NULL);
    mms_log(level, scope, "%s %d: %s", who, about.worker, text);
    mms_log_about(NULL);
}
