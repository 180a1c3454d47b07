/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MS_SELECT_PLAIN_PRIV_H
#define MULTIMS_MS_SELECT_PLAIN_PRIV_H
/** @file select_plain_priv.h  Selections that are lists of numbers and names. */

#include "base/ids_priv.h"
#include "multims/ms.h"
#include "multims/select.h"
#include "spw_expr_priv.h"

/** Ids that an expression lists, and the columns of the main table that have them. */
typedef struct mms_plain_list {
    const char *columns[2]; /**< both given: of a row whose two differ either is in the list */
    int64_t n, capacity;
    int32_t (*ranges)[2]; /**< [n]: first and last */
} mms_plain_list;

/** What is selected; lists are empty where nothing was asked. */
typedef struct mms_select_plain {
    int64_t nlist;
    mms_plain_list lists[4];
    mms_id_set fields;   /**< ascending */
    int64_t nspw, nddid; /**< in the order of the expression */
    int32_t *spws, *ddids;
} mms_select_plain;

/** Read a selection as MSSelection does, which is not loaded.  False: it has other expressions than
 *  lists of fields, windows, scans and antennas, or MSSelection had something to say of them; there
 *  is nothing to free then.
 *  @param spw  the expression of windows, read; not looked at without one */
bool mms_select_plain_open(mms_ms *ms, const mms_select *select, const mms_windows *windows,
                           const mms_spw_expr *spw, mms_select_plain *out);
void mms_select_plain_free(mms_select_plain *plain);

/** Clear mask[i] where row rows.first + i is not selected.  Errors: those of reading; MEM. */
MMS_CHECKED mms_status mms_select_plain_rows(const mms_select_plain *plain, mms_ms *ms,
                                             mms_rows rows, uint8_t *mask, mms_error *err);

#endif
