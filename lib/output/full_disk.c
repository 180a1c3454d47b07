/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file full_disk.c  A failure for want of room gets that name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files_priv.h"
#include "request_priv.h"

/** Whether the cause may be a full disk that nobody has seen: casacore tells of a write that was
 *  cut short, or ends its process. */
static bool may_be_room(mms_status st)
{
    return st == MMS_ERR_WORKER || st == MMS_ERR_TABLE || st == MMS_ERR_IO ||
           st == MMS_ERR_INTERNAL;
}

/** Find a file that can't grow: the walk ends at it. */
static mms_status try_file(void *ctx, const char *path, int64_t bytes, mms_error *err)
{
    char **found = ctx;

    (void)bytes;
    if (!mms_file_lacks_room(path))
        return MMS_OK;
    *found = strdup(path);
    return mms_fail(err, MMS_ERR_SPACE, "%s", path);
}

/** What of ours the message names: a file, a table, or nothing. */
static char *find_place(const char *staged, const char *message)
{
    char *file = mms_unwritten_file(message);
    const char *at = strstr(message, staged), *last = at;

    if (file && !strncmp(file, staged, strlen(staged)))
        return file;
    free(file);
    while (at && (at = strstr(at + 1, staged)))
        last = at;
    const char *end = last ? strstr(last, ": ") : NULL;
    return last ? strndup(last, end ? (size_t)(end - last) : strlen(last)) : NULL;
}

/** The file that lacks room, NULL when there is room. */
static char *find_full(const char *staged, const char *message)
{
    char *place = find_place(staged, message), *room = mms_format("%s/room", staged), *found = NULL;
    struct stat info;

    if (mms_disk_is_full(staged))
        found = strdup(place ? place : staged);
    else if (place && (stat(place, &info) || S_ISREG(info.st_mode)))
        found = mms_file_lacks_room(place) ? strdup(place) : NULL;
    else if (place && strcmp(place, staged) != 0)
        (void)!mms_tree_visit(place, try_file, &found, NULL);
    if (!found && room && mms_file_lacks_room(room))
        found = strdup(staged);
    free(place);
    free(room);
    return found;
}

mms_status mms_output_name_full_disk(const char *task, const char *staged, mms_status st,
                                     mms_error *err)
{
    if (!may_be_room(st) || !err)
        return st;
    char *full = find_full(staged, err->msg);
    if (full) {
        mms_log(MMS_LOG_WARN, task, "%s", err->msg);
        st = mms_fail_errno(err, ENOSPC, "%s", full);
    }
    free(full);
    return st;
}
