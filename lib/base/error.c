/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file error.c  Status names and messages. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "files_priv.h"
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

static mms_status status_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT: // absence: mms_is_absence()
    case ENOTDIR:
        return MMS_ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return MMS_ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return MMS_ERR_SPACE;
    case ENOMEM:
        return MMS_ERR_MEM;
    default:
        return MMS_ERR_IO;
    }
}

mms_status mms_fail_errno(mms_error *err, int errnum, const char *fmt, ...)
{
    char text[sizeof err->msg];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return mms_fail(err, status_of_errno(errnum), "%s: %s", text, strerror(errnum));
}

const char *mms_status_name(mms_status st)
{
    static const char *const names[] = {"OK",      "ARG",      "NOT_FOUND",   "EXISTS", "RANGE",
                                        "SHAPE",   "TABLE",    "MEM",         "IO",     "SPACE",
                                        "EMPTY",   "SELECT",   "UNSUPPORTED", "WORKER", "STOPPED",
                                        "DIFFERS", "INTERNAL", "LOCKED"};
    const int64_t i = -(int64_t)st;
    return i >= 0 && i < MMS_COUNT_OF(names) ? names[i] : "UNKNOWN";
}

const char *mms_version(void)
{
    return MULTIMS_VERSION;
}
