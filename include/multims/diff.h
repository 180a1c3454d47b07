/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_DIFF_H
#define MULTIMS_DIFF_H
/** @file diff.h  Compares two MSs or Multi-MSs cell by cell. */

#include <stdio.h>

#include "multims/ms.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is compared, and how.  Lists are separated by commas; NULL or "" is the default. */
typedef struct mms_diff_opts {
    uint32_t size;
    const char *columns;   /**< columns of the main table; default: all */
    const char *skip;      /**< columns of the main table that are left out */
    const char *subtables; /**< sub-tables; "none": none; default: all but HISTORY */
    const char *tolerance; /**< COLUMN=RTOL or COLUMN=RTOL/ATOL, of main columns */
    double rtol, atol;     /**< of all floating-point columns; 0: the same bits, or both NaN */
    bool ignore_order;     /**< rows may stand in any order */
    bool parts;            /**< number, rows and axis of the parts too */
    bool history;          /**< HISTORY too */
    int64_t show;          /**< findings that are kept of each check */
} mms_diff_opts;
#define MMS_DIFF_OPTS_INIT                                                              \
    {                                                                                   \
        sizeof(mms_diff_opts), NULL, NULL, NULL, NULL, 0.0, 0.0, false, false, false, 3 \
    }

/** Compare a with b.  Not collective.  Memory is flat as long as the rows stand in the same order;
 *  else it takes 16 bytes a row.  Numbers a, b differ when |a - b| > atol + rtol max(|a|, |b|).
 *  @param[out] result  an object that gets "checks", "passed", "failed" and "warnings"; "stopped",
 *                      a message, when the comparison came to no end
 *  Errors: DIFFERS; ARG for a list or tolerance; TABLE, MEM. */
MMS_API MMS_CHECKED mms_status mms_diff(mms_ms *a, mms_ms *b, const mms_diff_opts *opts,
                                        mms_value *result, mms_error *err);

/** Print what mms_diff() or mms_verify() filled in: a line a check, its findings, and the sum. */
MMS_API void mms_report_print(const mms_value *result, FILE *out);

/** Print in one line that all checks of such a result have passed.  It names the sets when result
 * has "a" and "b", or "vis" and "against". */
MMS_API void mms_report_print_line(const mms_value *result, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
