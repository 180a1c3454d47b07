/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SELECT_FLAGGED_PRIV_H
#define MULTIMS_SELECT_FLAGGED_PRIV_H
/** @file select_flagged_priv.h  Rows that are flagged as a whole. */

#include "multims/ms.h"

/** Clear the mask of those of the rows, mask[i] is row rows.first + i, that are flagged as a whole:
 *  FLAG_ROW is set, or no value of FLAG is not.  Rows whose mask is 0 are not looked at.
 *  Errors: NOT_FOUND, TABLE, MEM. */
MMS_CHECKED mms_status mms_mask_flagged(mms_ms *ms, mms_rows rows, uint8_t *mask, mms_error *err);

#endif
