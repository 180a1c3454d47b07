/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file full_disk.c  A failure for want of room gets that name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "request_priv.h"

/** Whether the cause may be a full disk that nobody has seen: casacore tells of a write that was
 *  cut short, or ends its process. */
static bool may_be_room(mms_status st)
{
    return st == MMS_ERR_WORKER || st == MMS_ERR_TABLE || st == MMS_ERR_IO ||
           st == MMS_ERR_INTERNAL;
}

/** The file that could not be written, if it is one of ours. */
static char *find_file(const char *staged, const char *message)
{
    char *file = mms_unwritten_file(message);

    if (file && strncmp(file, staged, strlen(staged)) != 0) {
        free(file);
        file = NULL;
    }
    return file;
}

mms_status mms_output_name_full_disk(const char *task, const char *staged, mms_status st,
                                     mms_error *err)
{
    if (!may_be_room(st) || !err)
        return st;
    char *file = find_file(staged, err->msg), *room = mms_format("%s/room", staged);
    const bool full = mms_disk_is_full(staged) || (file && mms_file_lacks_room(file)) ||
                      (room && mms_file_lacks_room(room));

    if (full) {
        mms_log(MMS_LOG_WARN, task, "%s", err->msg);
        st = mms_fail_errno(err, ENOSPC, "%s", file ? file : staged);
    }
    free(file);
    free(room);
    return st;
}
