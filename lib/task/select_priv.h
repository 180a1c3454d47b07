/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TASK_SELECT_PRIV_H
#define MULTIMS_TASK_SELECT_PRIV_H
/** @file select_priv.h  Inside the task select: what has been counted, and the report of it. */

#include "base/ids_priv.h"
#include "multims/ms.h"
#include "task_priv.h"

enum { MMS_SELECT_NCOLUMN = 5, MMS_SELECT_NFIRST = 3 };

/** What has been counted. */
struct mms_picked {
    int64_t rows, row_sum, last;
    int64_t first[MMS_SELECT_NFIRST];
    mms_id_set
        sets[MMS_SELECT_NCOLUMN]; /**< of DATA_DESC_ID, FIELD_ID, SCAN_NUMBER, ANTENNA1, ANTENNA2 */
};

/** Make the result of it. */
void mms_select_report(const struct mms_picked *p, const mms_selection *selection,
                       mms_value *result);

/** Print the result. */
void mms_select_print(const mms_value *result, FILE *out);

#endif
