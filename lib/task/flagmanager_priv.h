/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FLAGMANAGER_PRIV_H
#define MULTIMS_FLAGMANAGER_PRIV_H
/** @file flagmanager_priv.h  Inside the task flagmanager: what workers do. */

#include "change_priv.h"

/** A flag version, as the parameters name it. */
struct mms_version_words {
    struct mms_change_words how;
    const char *versionname, *comment, *merge;
};

/** Save the flags of all parts, by one worker, or restore a version, part by part: a run that is
 *  killed leaves nothing half done, and can be gone on with.
 *  Errors: NOT_FOUND; those of the units. */
MMS_CHECKED mms_status mms_version_run_save(mms_run *run, const struct mms_version_words *p,
                                            mms_value *result, mms_error *err);
MMS_CHECKED mms_status mms_version_run_restore(mms_run *run, const struct mms_version_words *p,
                                               mms_value *result, mms_error *err);

/** Print the list, what differs, or a plan. */
void mms_version_print(const mms_value *result, FILE *out);

#endif
