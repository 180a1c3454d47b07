/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_DISK_USE_PRIV_H
#define MULTIMS_DISK_USE_PRIV_H
/** @file disk_use_priv.h  Size of a folder on disk, as du has it. */

#include "multims/base.h"

/** Allocated bytes of the tree at path: hard links once, symbolic links not followed.  What cannot
 *  be read is left out, with a WARN.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_disk_use(const char *path, int64_t *bytes, mms_error *err);

/** Return bytes as `du -h` prints them, rounded up: "512", "7.8M", "11M"; NULL when out of memory.
 *  The caller ends it with free(). */
char *mms_disk_use_text(int64_t bytes);

#endif
