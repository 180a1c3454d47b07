/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file log.c  One sink for log lines, and another beside it. */
#include <stdio.h>
#include <time.h>

#include "log_priv.h"
#include "utf8_priv.h"

struct target {
    mms_log_sink *sink;
    void *ctx;
    mms_level level;
};
static struct target target, also;

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

void mms_log_stamp(FILE *file, mms_level level, const char *scope)
{
    struct timespec now;
    struct tm utc;
    char stamp[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    fprintf(file, "%s.%03ldZ %s %s: ", stamp, now.tv_nsec / 1000000, mms_level_name(level), scope);
}
