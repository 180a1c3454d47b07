/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MEMBER_EXTENTS_PRIV_H
#define MULTIMS_MEMBER_EXTENTS_PRIV_H
/** @file member_extents_priv.h  What decide.h asks of members and mms_meta does not hold. */

#include "multims/ms.h"
#include "multims/select.h"
#include "plan/decide.h"

/** Read the time range and the baselines of the selected rows of each member, in one pass over
 *  four columns.
 *  @param      selection  NULL: every row
 *  @param      meta       of the same rows
 *  @param[out] out        out[meta->nmember], NULL on failure; the caller ends it with free(), the
 *                         lists of baselines with it
 *  Errors: NOT_FOUND, TABLE, MEM. */
MMS_CHECKED mms_status mms_member_extents_read(mms_ms *ms, mms_selection *selection,
                                               const mms_meta *meta, mms_member_extent **out,
                                               mms_error *err);

#endif
