/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MS_SELECT_MEMO_PRIV_H
#define MULTIMS_MS_SELECT_MEMO_PRIV_H
/** @file select_memo_priv.h  Which rows are selected, by their ids. */

#include "multims/ms.h"
#include "multims/select.h"
#include "tables/select_priv.h"

enum { MMS_MEMO_COLUMNS = 10 };

/** What casacore has said of rows, by the ids that decide. */
typedef struct mms_select_memo {
    int64_t ncolumn;
    const char *columns[MMS_MEMO_COLUMNS]; /**< those that decide */
    int64_t member;                        /**< of whose rows it was said */
    int64_t n, capacity;                   /**< capacity: a power of two */
    int32_t *ids;                          /**< [capacity][ncolumn] */
    uint8_t *said;                         /**< [capacity]: 0 nothing, 1 no, 2 yes */
} mms_select_memo;

/** Find which columns decide; false: others than ids do, and there is nothing to free. */
bool mms_select_memo_open(const mms_ms *ms, const mms_select *select, mms_select_memo *out);
void mms_select_memo_free(mms_select_memo *memo);

/** As mms_selector_rows(), of rows of the whole in one member, which the selector is of: it is
 *  asked once for all rows with the same ids.  Errors: those of reading; MEM. */
MMS_CHECKED mms_status mms_select_memo_rows(mms_select_memo *memo, mms_ms *ms, int64_t member,
                                            mms_selector *selector, mms_rows rows, uint8_t *mask,
                                            mms_error *err);

#endif
