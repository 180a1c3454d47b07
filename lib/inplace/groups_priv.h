/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_GROUPS_PRIV_H
#define MULTIMS_GROUPS_PRIV_H
/** @file groups_priv.h  What the clients of in-place work share: parts that are done together,
 *  units, a flag version first. */

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

/** The members of the group that begins with first, as JSON [number, …]; new reference. */
mms_value *mms_group_value(mms_ms *ms, const int64_t *group, int64_t first);

/** The file that takes what a group will have written, in the undo's folder; "" without an undo.
 *  New reference; NULL when out of memory. */
mms_value *mms_group_stage(const mms_undo *undo, int64_t first);

/** Units for the workers, what names them, and their answers. */
typedef struct mms_units {
    int64_t n;
    mms_value **units;
    const char **names; /**< borrowed */
    mms_answer *answers;
} mms_units;

/** Make room for so many units.  *out is to be closed whatever the status.  Errors: MEM. */
MMS_CHECKED mms_status mms_units_open(int64_t most, mms_units *out, mms_error *err);
void mms_units_close(mms_units *units);

/** Add one, whose reference is taken.  Errors: MEM it is NULL. */
MMS_CHECKED mms_status mms_units_add(mms_units *units, const char *name, mms_value *unit,
                                     mms_error *err);

/** Have all of them done.  Errors: those of the engine and of the units. */
MMS_CHECKED mms_status mms_units_run(mms_units *units, const mms_change_request *how,
                                     mms_error *err);

/** Save the flags as version PREFIX_N, N being free.
 *  @param[out] name  of the version, to be ended with free(); NULL is accepted
 *  Errors: IO, MEM, and what the unit gives. */
MMS_CHECKED mms_status mms_backup_flags(const mms_change_request *how, const char *prefix,
                                        char **name, mms_error *err);

#endif
