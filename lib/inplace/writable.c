/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file writable.c  Whether a set can be changed at all, before anything is written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "inplace/inplace.h"

static mms_status check(const char *path, mms_error *err)
{
    return path && access(path, W_OK) && errno != ENOENT
               ? mms_fail(err, MMS_ERR_ARG, "%s can't be changed: %s; nothing was written", path,
                          strerror(errno))
               : MMS_OK;
}

mms_status mms_undo_check(mms_ms *ms, mms_error *err)
{
    static const char *const files[] = {"table.dat", "table.lock"};
    char *const real = realpath(mms_ms_path(ms), NULL);
    char *const folder = real ? mms_path_dir(real) : NULL;
    mms_status st = check(folder, err); // of the undo and the flag versions

    free(folder);
    free(real);
    for (int64_t i = 0; i < mms_ms_nmember(ms) && st == MMS_OK; i++) {
        const char *const part = mms_ms_member_path(ms, i);
        st = check(part, err);
        for (int64_t f = 0; f < MMS_COUNT_OF(files) && st == MMS_OK; f++) {
            char *const path = mms_format("%s/%s", part, files[f]);
            st = check(path, err);
            free(path);
        }
    }
    return st;
}
