/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PLAN_PRIV_H
#define MULTIMS_PLAN_PRIV_H
/** @file plan_priv.h  What a dry run says of flags and weights: rows, bytes, what is kept. */

#include "flag_priv.h"
#include "inplace.h"

/** The rows that would be changed, each once. */
typedef struct mms_planned {
    mms_flag_set *set;
    uint8_t *bits; /**< of the rows that were counted */
    bool *members; /**< [members]: that have some */
    int64_t nrow;
    int64_t ncorr, ncell; /**< correlations, and these times channels, of all rows */
} mms_planned;

/** Close with mms_planned_close(), whatever the status.  Errors: MEM. */
MMS_CHECKED mms_status mms_planned_open(mms_flag_set *set, mms_planned *out, mms_error *err);
void mms_planned_close(mms_planned *planned);

/** Count the rows of a selection that were not counted yet; NULL: all.  Errors: those of
 *  mms_rows_each(). */
MMS_CHECKED mms_status mms_planned_add(mms_planned *planned, mms_selection *selection,
                                       mms_error *err);

/** Say it: "rows", "parts", "skipped_parts", "bytes", "kept", "flag_version" and "dryrun".
 *  @param columns  those that are written, by name
 *  @param made     of these the ones that are not there yet
 *  @param backup   prefix of the flag version that is saved before; NULL: none
 *  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_planned_tell(const mms_planned *planned, const mms_value *columns,
                                        const mms_value *made, const char *backup,
                                        mms_value *result, mms_error *err);

#endif
