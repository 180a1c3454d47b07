/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STATUS_PRIV_H
#define MULTIMS_STATUS_PRIV_H
/** @file status_priv.h  Inside the task status: what a journal says. */

#include "task_priv.h"

/** Tell how far the run is whose journal is in folder.  Errors: those of the journal. */
MMS_CHECKED mms_status mms_status_read(const char *folder, mms_value *result, mms_error *err);

#endif
