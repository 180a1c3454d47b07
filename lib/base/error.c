/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file error.c  Status names and messages. */
#include <stdio.h>
#include <string.h>

#include "utf8_priv.h"

mms_status mms_fail(mms_error *err, mms_status code, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        mms_message(err->msg, sizeof err->msg, fmt, args);
        va_end(args);
        err->code = code;
    }
    return code;
}

mms_status mms_wrap(mms_error *err, mms_status st, const char *fmt, ...)
{
    if (err) {
        char front[sizeof err->msg], joined[2 * sizeof err->msg + 2];
        va_list args;
        va_start(args, fmt);
        mms_message(front, sizeof front, fmt, args);
        va_end(args);
        snprintf(joined, sizeof joined, "%s: %s", front, err->msg);
        memcpy(err->msg, joined, sizeof err->msg - 1);
        err->msg[sizeof err->msg - 1] = '\0';
        mms_drop_cut(err->msg, sizeof err->msg);
        err->code = st;
    }
    return st;
}

const char *mms_status_name(mms_status st)
{
    static const char *const names[] = {"OK",      "ARG",     "NOT_FOUND",   "EXISTS", "RANGE",
                                        "SHAPE",   "TABLE",   "MEM",         "IO",     "SPACE",
                                        "EMPTY",   "SELECT",  "UNSUPPORTED", "WORKER", "STOPPED",
                                        "DIFFERS", "INTERNAL"};
    const int64_t i = -(int64_t)st;
    return i >= 0 && i < MMS_COUNT_OF(names) ? names[i] : "UNKNOWN";
}

const char *mms_version(void)
{
    return MULTIMS_VERSION;
}
