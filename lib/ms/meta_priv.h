/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_META_PRIV_H
#define MULTIMS_META_PRIV_H
/** @file meta_priv.h  What the metadata pass counts. */

#include "meta.h"
#include "multims/ms.h"
#include "tally_priv.h"

/** Rows of an antenna pair with one DDID, or with none (-1): outside the selection. */
typedef struct mms_pair_count {
    int32_t ant1, ant2, ddid;
    int64_t rows;
} mms_pair_count;

/** Rows of one time with one DDID. */
typedef struct mms_stamp {
    int32_t scan, observation, array, time[2], field, state, ddid; /**< time: bits of the double */
    int64_t rows;
} mms_stamp;

/** Sort the stamps and merge them into the stretches of meta.  Errors: MEM. */
MMS_CHECKED mms_status mms_stamps_merge(int64_t n, mms_stamp *stamps, mms_meta *meta,
                                        mms_error *err);

/** Read a whole column of integers of a sub-table: (*values)[*n], ended with free().
 *  Errors: NOT_FOUND, TABLE, MEM. */
MMS_CHECKED mms_status mms_ms_read_subtable_ints(mms_ms *ms, const char *subtable,
                                                 const char *column, int64_t *n, int32_t **values,
                                                 mms_error *err);

#endif
