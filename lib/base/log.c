/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file log.c  One sink for log lines, and another beside it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base_priv.h"
#include "log_priv.h"
#include "utf8_priv.h"

struct target {
    mms_log_sink *sink;
    void *ctx;
    mms_level level;
};
static struct target target, also;

static struct {
    mms_event_sink *sink;
    void *ctx;
} events;
static mms_value *about; /* the lines that follow; NULL: the client */

void mms_log_to(mms_log_sink *sink, void *ctx, mms_level level)
{
    target.sink = sink;
    target.ctx = ctx;
    target.level = level;
}

void mms_log_also(mms_log_sink *sink, void *ctx, mms_level level)
{
    also = (struct target){sink, ctx, level};
}

mms_level mms_log_limit(mms_level level)
{
    const mms_level before = target.level;
    target.level = level;
    return before;
}

static bool wants(const struct target *t, mms_level level)
{
    return t->sink && level <= t->level;
}

bool mms_log_wants(mms_level level)
{
    return wants(&target, level) || wants(&also, level);
}

void mms_log(mms_level level, const char *scope, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    if (!mms_log_wants(level))
        return;
    va_start(args, fmt);
    mms_message(text, sizeof text, fmt, args);
    va_end(args);
    if (wants(&target, level))
        target.sink(target.ctx, level, scope, text);
    if (wants(&also, level))
        also.sink(also.ctx, level, scope, text);
}

const char *mms_level_name(mms_level level)
{
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};
    return names[level];
}

enum { STAMP_SIZE = 40 };

/* Now, in UTC, as "2026-01-31T12:00:00.000000Z". */
static void stamp_now(char stamp[STAMP_SIZE])
{
    struct timespec now;
    struct tm utc;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    n = strftime(stamp, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + n, STAMP_SIZE - n, ".%06dZ", (int)(now.tv_nsec / 1000));
}

void mms_log_stamp(FILE *file, mms_level level, const char *scope)
{
    char stamp[STAMP_SIZE];

    stamp_now(stamp);
    fprintf(file, "%.23sZ %s %s: ", stamp, mms_level_name(level), scope);
}

void mms_log_events_to(mms_event_sink *sink, void *ctx)
{
    events.sink = sink;
    events.ctx = ctx;
}

bool mms_log_wants_events(void)
{
    return events.sink;
}

void mms_log_event(const char *scope, mms_value *event)
{
    if (events.sink && event)
        events.sink(events.ctx, scope, event);
    mms_value_free(&event);
}

void mms_log_about(mms_value *members)
{
    mms_value_free(&about);
    about = members;
}

/* members: beside and instead of what every line has. */
static void write_json(FILE *file, mms_level level, const char *scope, const char *text,
                       const mms_value *members)
{
    char stamp[STAMP_SIZE], host[256] = "";
    mms_value *line;
    char *written;

    stamp_now(stamp);
    gethostname(host, sizeof host - 1);
    line =
        json_pack("{s:s, s:s, s:i, s:s, s:o, s:i, s:o, s:o}", "t", stamp, "lvl",
                  mms_level_name(level), "rank", 0, "role", "client", "host", mms_text_value(host),
                  "pid", (int)getpid(), "src", mms_text_value(scope), "msg", mms_text_value(text));
    json_object_update(line, (mms_value *)members);
    written = line ? mms_value_text(line, 0) : NULL;
    if (written)
        fprintf(file, "%s\n", written);
    free(written);
    mms_value_free(&line);
}

void mms_log_json(FILE *file, mms_level level, const char *scope, const char *text)
{
    write_json(file, level, scope, text, about);
}

void mms_log_json_event(FILE *file, const char *scope, const mms_value *event)
{
    write_json(file, MMS_LOG_INFO, scope, "", event);
}
