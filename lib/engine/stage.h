/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STAGE_H
#define MULTIMS_STAGE_H
/** @file stage.h  Staged outputs: made beside their final place and renamed there when complete.
 *
 *  Under its final name an output is complete or absent.  Source: docs/partition.md, What is
 * guaranteed
 */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A staging directory, `.<name>.mms-part-XXXXXX` beside the output, and its owner file. */
typedef struct mms_stage mms_stage;

/** Make a staging directory for the output at path.  Staging directories of the same output whose
 *  process on this host is gone are removed first.
 *  @param[out] out  the handle, NULL on failure; end it with mms_stage_remove()
 *  Errors: NOT_FOUND the folder of the output is missing; IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_stage_create(const char *output, mms_stage **out, mms_error *err);

/** Go on with a staging directory that an earlier run of the same output left at path; only one
 *  run at a time may try to, which a journal (journal.h) sees to.
 *  Errors: NOT_FOUND it is gone, or is none; ARG its process lives; IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_stage_adopt(const char *output, const char *path, mms_stage **out,
                                       mms_error *err);

/** Return the path of the staging directory, in which the caller makes the output; borrowed. */
const char *mms_stage_path(const mms_stage *stage);

/** Write everything on the file system of the staging directory to its medium.  Call it before
 *  mms_stage_publish(); leaving it out is --no-sync.
 *  Errors: IO, SPACE. */
MMS_CHECKED mms_status mms_stage_sync(mms_stage *stage, mms_error *err);

/** Rename inner, a name in the staging directory, to final_path, which must not exist; after
 *  mms_stage_sync() the folder of final_path is synced too.
 *  Errors: EXISTS (nothing has changed); NOT_FOUND, IO, SPACE. */
MMS_CHECKED mms_status mms_stage_publish(mms_stage *stage, const char *inner,
                                         const char *final_path, mms_error *err);

/** The same over what is there, in one step where the file system can: what was there is in the
 *  staging directory then.  Errors: IO, SPACE. */
MMS_CHECKED mms_status mms_stage_replace(mms_stage *stage, const char *inner,
                                         const char *final_path, mms_error *err);

/** Remove the staging directory with all that is in it and end the handle; links are not followed.
 *  What can't be removed is logged.  *stage is set to NULL; NULL is accepted. */
void mms_stage_remove(mms_stage **stage);

/** End the handle and leave the staging directory.  *stage is set to NULL; NULL is accepted. */
void mms_stage_keep(mms_stage **stage);

#ifdef __cplusplus
}
#endif
#endif
