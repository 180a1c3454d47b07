/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file log.c  One sink for log lines. */
#include <stdio.h>

#include "utf8_priv.h"

static struct {
    mms_log_sink *sink;
    void *ctx;
    mms_level level;
} target;

void mms_log_to(mms_log_sink *sink, void *ctx, mms_level level)
{
    target.sink = sink;
    target.ctx = ctx;
    target.level = level;
}

mms_level mms_log_limit(mms_level level)
{
    const mms_level before = target.level;
    target.level = level;
    return before;
}

bool mms_log_wants(mms_level level)
{
    return target.sink && level <= target.level;
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
    target.sink(target.ctx, level, scope, text);
}

const char *mms_level_name(mms_level level)
{
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};
    return names[level];
}
