/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MODEL_H
#define MULTIMS_MODEL_H
/** @file model.h  A virtual model as a column. */

#include "multims/ms.h"

/** Let MODEL_DATA of a set that has a virtual model be that, whether the column is there or not:
 *  its cells are calculated when they are read, as CASA does.  Rows that no model has are 1, cross
 *  hands 0.
 *  @param[out] used  there is such a model
 *  Errors: UNSUPPORTED naming a model that can't be calculated, or is off the phase centre; TABLE;
 *          MEM. */
MMS_CHECKED mms_status mms_ms_use_model(mms_ms *ms, bool *used, mms_error *err);

#endif
