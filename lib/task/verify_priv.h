/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TASK_VERIFY_PRIV_H
#define MULTIMS_TASK_VERIFY_PRIV_H
/** @file verify_priv.h  The parts of the task verify. */

#include "multims/check.h"
#include "multims/task.h"

/** Verify a set, in workers where its rows are many.  Errors: as mms_verify(). */
MMS_CHECKED mms_status mms_verify_run(mms_run *run, const char *vis, const mms_verify_opts *opts,
                                      mms_value *result, mms_error *err);

/** Make a piece of that, or compare a part of a UVH5 file's values. */
MMS_CHECKED mms_status mms_verify_unit(mms_job *job, const mms_value *request, mms_value *answer,
                                       mms_error *err);

#endif
