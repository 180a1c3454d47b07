/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_GROUPS_PRIV_H
#define MULTIMS_GROUPS_PRIV_H
/** @file groups_priv.h  What the clients of in-place work share: parts that are done together, a
 *  flag version first. */

#include "inplace.h"

/** Which ids tell chunks apart, beside array and data description. */
typedef struct mms_chunk_ids {
    bool observation, scan, field;
} mms_chunk_ids;

/** Find the parts that share a chunk, directly or through others.
 *  @param[out] group  [members]: the first member of those that are done together
 *  Errors: those of mms_meta_read(). */
MMS_CHECKED mms_status mms_group_members(mms_ms *ms, mms_chunk_ids ids, int64_t *group,
                                         mms_error *err);

/** Make the unit that saves flag version PREFIX_N, N being free; new reference in *unit.
 *  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_backup_unit(const char *vis, const char *prefix, mms_value **unit,
                                       mms_error *err);

#endif
