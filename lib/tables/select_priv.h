/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SELECT_PRIV_H
#define MULTIMS_SELECT_PRIV_H
/** @file select_priv.h  casacore's MSSelection on one MS, seen from C. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One MS (or member of a Multi-MS) with its parsed selection.  Nothing is created in the MS. */
typedef struct mms_selector mms_selector;

/** What MSSelection found, as input ids. */
typedef enum mms_selector_list {
    MMS_LIST_SPWS = 0,   /**< order of the expression, each once, those that a DD refers to */
    MMS_LIST_SPW_DDIDS,  /**< DDs of these, same order */
    MMS_LIST_CHANNELS,   /**< spw, first, last, step of each channel range */
    MMS_LIST_CORR_DDIDS, /**< DDs that the correlation selection leaves, ascending */
    MMS_LIST_CORRS,      /**< POLARIZATION row, index into CORR_TYPE of each product kept */
    MMS_LIST_FIELDS,
    MMS_LIST_OBSERVATIONS,
    MMS_LIST_ARRAYS,
    MMS_LIST_STATES,
    MMS_LIST_ANTENNAS, /**< of all baselines that the expression can mean */
    MMS_LIST_COUNT
} mms_selector_list;

/** Parse all expressions but timerange for the MS at path.
 *  @param[out] culprit  on failure the key of the refused expression, or NULL when it isn't one
 *  Errors: SELECT with casacore's text alone; NOT_FOUND naming a sub-table that an expression
 * needs; TABLE. */
MMS_CHECKED mms_status mms_selector_open(const char *path, const mms_select *select,
                                         mms_selector **out, const char **culprit, mms_error *err);
void mms_selector_free(mms_selector **selector);

/** Borrowed from the selector. */
const int32_t *mms_selector_get(const mms_selector *s, mms_selector_list list, int64_t *n);

/** The row that completes a time: the first selected one, or the first that FLAG_ROW does not flag
 *  when nothing but time is selected; -1 when there is none. */
MMS_CHECKED mms_status mms_selector_reference_row(mms_selector *s, int64_t *row, mms_error *err);

/** Resolve timerange with what row says about missing parts of it.
 *  @param[out] times  times[n][3]: lower and upper limit and width of the edges, MJD seconds, as
 *                     MSSelection::getTimeList(); ended with free()
 *  Errors: SELECT with casacore's text alone; TABLE. */
MMS_CHECKED mms_status mms_selector_resolve_times(mms_selector *s, int64_t row,
                                                  const char *timerange, double **times, int64_t *n,
                                                  mms_error *err);

/** Restrict the selection to these times. */
MMS_CHECKED mms_status mms_selector_add_times(mms_selector *s, int64_t n, const double *times,
                                              mms_error *err);

/** mask[i] is 1 when row rows.first + i of this MS is selected.  Errors: RANGE, TABLE. */
MMS_CHECKED mms_status mms_selector_rows(mms_selector *s, mms_rows rows, uint8_t *mask,
                                         mms_error *err);

/** Say whether casacore's shell pattern, or regular expression, matches the whole text.
 *  Errors: SELECT. */
MMS_CHECKED mms_status mms_text_matches(const char *text, const char *pattern, bool regex,
                                        bool *matches, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
