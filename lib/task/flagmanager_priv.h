/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FLAGMANAGER_PRIV_H
#define MULTIMS_FLAGMANAGER_PRIV_H
/** @file flagmanager_priv.h  Inside the task flagmanager: what workers do. */

#include "inplace/inplace.h"
#include "task_priv.h"

/** A flag version, as the parameters name it. */
struct mms_version_words {
    const char *vis, *versionname, *comment, *merge;
    bool sync;
};

/** Save the flags of all parts, by one worker.  Errors: those of the unit. */
MMS_CHECKED mms_status mms_version_run_save(mms_run *run, const struct mms_version_words *p,
                                            mms_error *err);

/** Restore a version, part by part; a run that is killed leaves nothing half done.
 *  Errors: NOT_FOUND; those of the units. */
MMS_CHECKED mms_status mms_version_run_restore(mms_run *run, const struct mms_version_words *p,
                                               mms_ms *ms, mms_error *err);

#endif
