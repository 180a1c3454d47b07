/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FLAG_SAVE_PRIV_H
#define MULTIMS_FLAG_SAVE_PRIV_H
/** @file flag_save_priv.h  What flagdata leaves beside flags: commands, thresholds, its report. */

#include "change_priv.h"
#include "task_priv.h"

/** Where commands are saved. */
struct mms_flag_saving {
    bool savepars, overwrite;
    bool applied;          /**< what FLAG_CMD says of them */
    const char *cmdreason; /**< "": their own */
    const char *outfile;   /**< "": the table FLAG_CMD */
};

/** Refuse what can't be saved of the set at vis, before any flag is changed.  Errors: EXISTS,
 *  UNSUPPORTED, IO, MEM, and those of mms_ms_open(). */
MMS_CHECKED mms_status mms_flag_save_check(const char *vis, const struct mms_flag_saving *p,
                                           mms_error *err);

/** Add to the command of flagdata's own parameters what CASA saves with it: defaults that nobody
 *  wrote, thresholds that action=calculate has found (in result).  Errors: ARG. */
MMS_CHECKED mms_status mms_flag_complete_saved(mms_value *command, const char *action,
                                               const mms_value *result, mms_error *err);

/** Save commands as they were written, where that was asked: in a file, or in FLAG_CMD of the set,
 *  which a worker writes.  Errors: IO, TABLE, MEM. */
MMS_CHECKED mms_status mms_flag_save(mms_run *run, const struct mms_change_words *words,
                                     const struct mms_flag_saving *p, const mms_value *written,
                                     mms_error *err);

/** Write thresholds as CASA does, for timedev= and freqdev= of a later run.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_flag_save_thresholds(const char *name, const char *path,
                                                const mms_value *rows, mms_error *err);

/** Print the result. */
void mms_flag_print(const mms_value *result, FILE *out);

#endif
