/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_WALK_PRIV_H
#define MULTIMS_WALK_PRIV_H
/** @file walk_priv.h  A folder and all that is below it, one after the other. */

#include <sys/stat.h>

#include "multims/base.h"

typedef enum mms_walk_kind {
    MMS_WALK_FOLDER = 0, /**< before what is in it */
    MMS_WALK_LEFT,       /**< a folder again, after what is in it */
    MMS_WALK_FILE,
    MMS_WALK_LINK,
    MMS_WALK_OTHER /**< a named pipe, device or socket: nobody should open it */
} mms_walk_kind;

/** Something that is met. */
typedef struct mms_walked {
    mms_walk_kind kind;
    const char *path;        /**< that of the walk and what is below it */
    int folder;              /**< open folder that holds it; AT_FDCWD at depth 0 */
    const char *name;        /**< in that folder */
    int depth;               /**< 0: the path of the walk itself */
    const struct stat *info; /**< of itself, not of what a link means */
} mms_walked;

/** A status other than MMS_OK ends the walk. */
typedef mms_status mms_walk_visit(void *ctx, const mms_walked *met, mms_error *err);

enum {
    MMS_WALK_FOLLOW = 1, /**< path itself may be a link */
    MMS_WALK_GONE = 2,   /**< what disappears meanwhile is no error */
    MMS_WALK_TABLES = 4  /**< names that begin with a dot are no part of a table: left out */
};

/** Visit path and all that is below it, folder by folder, never through a link.
 *  Errors: NOT_FOUND, IO, MEM; UNSUPPORTED beyond 64 levels; what visit returns. */
MMS_CHECKED mms_status mms_walk(const char *path, unsigned how, mms_walk_visit *visit, void *ctx,
                                mms_error *err);

#endif
