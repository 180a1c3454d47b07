/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SUBTABLES_H
#define MULTIMS_SUBTABLES_H
/** @file subtables.h  The sub-tables of an output: written once, from the selection.
 */

#include "ms/meta.h"
#include "multims/select.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How the sub-tables of an output differ from those that its selection alone gives. */
typedef struct mms_subtables_opts {
    uint32_t size;
    bool keep_ids; /**< reindex=False: all rows and ids stay, windows are rewritten in place */
    const mms_value *windows; /**< rows of SPECTRAL_WINDOW that a transformation changes:
                                 [{row, CHAN_FREQ, CHAN_WIDTH, RESOLUTION, EFFECTIVE_BW,
                                 TOTAL_BANDWIDTH, REF_FREQUENCY}], or NULL */
    const mms_value *fields;  /**< rows of FIELD, as they were, with another phase centre:
                                 [{row, PHASE_DIR}], or NULL */
    bool new_windows;         /**< mms_subtables_change_windows() follows: cells of SPECTRAL_WINDOW
                                 must take any shape */
} mms_subtables_opts;
#define MMS_SUBTABLES_OPTS_INIT                              \
    {                                                        \
        sizeof(mms_subtables_opts), false, NULL, NULL, false \
    }

/** Write every sub-table of the request as folder/NAME: those of the input, reduced and renumbered
 *  by the selections that were given; tables that an MS must have and the input lacks, empty.
 *  Keywords whose tables are missing are reported once and left out.
 *  @param[out] names  JSON array of the names written; the caller frees it
 *  Errors: TABLE, SPACE, IO; SELECT when no FEED row is left.  Source: docs/format.md */
MMS_CHECKED mms_status mms_subtables_write(mms_ms *ms, const mms_selection *selection,
                                           const mms_subtables_opts *opts, const char *folder,
                                           mms_value **names, mms_error *err);

/** The sub-tables of those that are copied as they are.
 *  @param[out] tables  {name: path}; the caller frees it
 *  Errors: TABLE, IO, MEM. */
MMS_CHECKED mms_status mms_subtables_whole(mms_ms *ms, const mms_selection *selection,
                                           const mms_subtables_opts *opts, mms_value **tables,
                                           mms_error *err);

/** Windows that become one, and that again nspw windows. */
typedef struct mms_window_change {
    bool combined;    /**< there were several: rows that then agree become one */
    int64_t nspw;     /**< rows of SPECTRAL_WINDOW and DATA_DESCRIPTION */
    int32_t ddistart; /**< SPECTRAL_WINDOW_ID of the first DATA_DESCRIPTION row, if nspw > 1 */
    const mms_value *windows; /**< as in mms_subtables_opts, one for each */
} mms_window_change;

/** Change the tables that mms_subtables_write() wrote (without windows): rows for many windows
 * become rows for one, those that then agree are one row, and they are repeated for each new
 * window. Errors: TABLE, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_subtables_change_windows(const char *folder, const mms_value *names,
                                                    const mms_window_change *change,
                                                    mms_error *err);

/** Count the rows of SPECTRAL_WINDOW.  Errors: NOT_FOUND, TABLE. */
MMS_CHECKED mms_status mms_subtable_count(mms_ms *ms, const char *name, int64_t *n, mms_error *err);

/** Read the channels of a spectral window of the input.
 *  @param[out] axis  end it with mms_window_axis_free()
 *  Errors: NOT_FOUND, RANGE, TABLE, MEM. */
MMS_CHECKED mms_status mms_window_axis_read(mms_ms *ms, int32_t spw, mms_spectral_axis *axis,
                                            mms_error *err);
/** Read MEAS_FREQ_REF of a spectral window.  Errors: NOT_FOUND, TABLE. */
MMS_CHECKED mms_status mms_window_frame_read(mms_ms *ms, int32_t spw, int32_t *frame,
                                             mms_error *err);
void mms_window_axis_free(mms_spectral_axis *axis);

/** Describe a row of mms_subtables_opts.windows; frame: its new MEAS_FREQ_REF, -1: that of the
 *  input.  The caller frees it. */
mms_value *mms_window_describe(int64_t row, const mms_spectral_axis *axis, int32_t frame);

/** List the selected channels of a spw of nchan channels in the order of the output; *n is 0 when
 *  all are selected, in order.  The caller ends it with free().  Errors: MEM. */
MMS_CHECKED mms_status mms_channel_list(const mms_selection *selection, int32_t spw, int64_t nchan,
                                        int32_t **channels, int64_t *n, mms_error *err);

/** Write FLAG and FLAG_ROW of an MS or Multi-MS as the table out, which must not exist,
 * with the rows of each member in its keyword MEMBER_ROWS.  Errors: EXISTS, TABLE, IO, SPACE. */
MMS_CHECKED mms_status mms_flags_copy(mms_ms *ms, const char *out, bool tiles, mms_error *err);

/** Save the flags of an MS or Multi-MS as the first version of folder
 *  (<output>.flagversions): FLAG_VERSION_LIST and flags.<version>.  tiles: read and
 *  write tile files directly, as mms_ms_use_tiles().
 *  Errors: TABLE, IO, SPACE. */
MMS_CHECKED mms_status mms_flagversions_save(mms_ms *ms, const char *folder, const char *version,
                                             bool tiles, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
