/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SELECT_H
#define MULTIMS_SELECT_H
/** @file select.h  What a request selects from an MS: rows, ids, channels, correlations. */

#include "multims/base.h"
#include "multims/ms.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Return the name of the parameter that an expression comes from: "field", …; 0 <= i <
 * MMS_SELECT_COUNT. */
MMS_API const char *mms_select_name(int i);

/** Return where an expression stands in select, so that all can be gone through by number. */
MMS_API const char **mms_select_at(mms_select *select, int i);

/** Channels first, first + step, … <= last of one spw. */
typedef struct mms_channels {
    int32_t spw;               /**< row of SPECTRAL_WINDOW */
    int32_t first, last, step; /**< channels, counted from 0; step >= 1 */
} mms_channels;

/** A resolved selection: ids are input ids.  Lists of a parameter that was not given are empty and
 *  its flag is false. */
typedef struct mms_selection mms_selection;

/** A list of ids, borrowed from the selection. */
typedef struct mms_ids {
    bool given;         /**< the request has an expression of this kind */
    int64_t n;          /**< entries of ids */
    const int32_t *ids; /**< ids[n], each once */
} mms_ids;

/** Parse and resolve; a relative time is resolved against the whole input, once.  ms is used as
 * long as the selection lives.  Warnings go to the log, each once.
 *  @param[out] out  the selection, NULL on failure; end it with mms_selection_free()
 *  Errors: SELECT naming the expression (and casacore's text); TABLE; MEM. */
MMS_API MMS_CHECKED mms_status mms_selection_create(mms_ms *ms, const mms_select *select,
                                                    mms_selection **out, mms_error *err);

/** End it; *selection is set to NULL, NULL is accepted.  The MS stays open. */
MMS_API void mms_selection_free(mms_selection **selection);

/** Refuse a selection that has no rows: the message names the expression, or the two, that have
 * none, and what the input has: scan="99": no rows; the input has scans 1~9.  Errors: EMPTY,
 * always. */
MMS_API mms_status mms_selection_refuse_empty(mms_ms *ms, const mms_select *select, mms_error *err);

/** Return whether every row is selected without looking at any: no expression was given. */
MMS_API bool mms_selection_is_all(const mms_selection *s);

/** Say which of the rows are selected: mask[i] is 1 when row rows.first + i is.
 *  Errors: RANGE, TABLE. */
MMS_API MMS_CHECKED mms_status mms_selection_rows(mms_selection *s, mms_rows rows, uint8_t *mask,
                                                  mms_error *err);

/** Return the selected windows, rows of SPECTRAL_WINDOW, in the order of the user's expression. */
MMS_API mms_ids mms_selection_spws(const mms_selection *s);

/** Return the selected rows of DATA_DESCRIPTION, in the order of the user's expression. */
MMS_API mms_ids mms_selection_ddids(const mms_selection *s);

/** Return the selected rows of FIELD, ascending. */
MMS_API mms_ids mms_selection_fields(const mms_selection *s);

/** Return the selected rows of OBSERVATION, ascending. */
MMS_API mms_ids mms_selection_observations(const mms_selection *s);

/** Return the selected values of ARRAY_ID, ascending. */
MMS_API mms_ids mms_selection_arrays(const mms_selection *s);

/** Return the selected rows of STATE, ascending: those of the intents that were asked for. */
MMS_API mms_ids mms_selection_states(const mms_selection *s);

/** Return the rows of ANTENNA that stay, ascending; given only when some drop out. */
MMS_API mms_ids mms_selection_antennas(const mms_selection *s);

/** Channel ranges in the order of the expression, every channel once; *n is 0 when spw was not
 * given. A spw without channels in the expression has one range over all of them.  Borrowed. */
MMS_API const mms_channels *mms_selection_channels(const mms_selection *s, int64_t *n);

/** The same as the user named them: ranges may overlap, equal ones are there once.  Borrowed. */
MMS_API const mms_channels *mms_selection_named_channels(const mms_selection *s, int64_t *n);

/** Return whether spw leaves out channels of any window, or names some of them again. */
MMS_API bool mms_selection_cuts_channels(const mms_selection *s);

/** Products kept of a POLARIZATION row, as indices into its CORR_TYPE, ascending; given is false
 *  when correlation was not given (all are kept). */
MMS_API mms_ids mms_selection_corrs(const mms_selection *s, int32_t pol);

/** Refuse what can't be written: three of four products.  For verbs that write a selection.
 *  Errors: UNSUPPORTED.  Source: docs/partition.md, Selections */
MMS_API MMS_CHECKED mms_status mms_selection_check_corrs(mms_selection *s, mms_error *err);

/** Leave out windows of which no channel is selected ("*:1.4~1.5GHz"): their rows, spws and DDs.
 *  For verbs that write a selection; MSSelection selects these rows.
 *  Errors: MEM. */
MMS_API MMS_CHECKED mms_status mms_selection_drop_channelless(mms_selection *s, mms_error *err);

/** Time ranges of a timerange selection, MJD seconds: times[2*i], times[2*i+1]; *n ranges. */
MMS_API const double *mms_selection_times(const mms_selection *s, int64_t *n);

#ifdef __cplusplus
}
#endif
#endif
