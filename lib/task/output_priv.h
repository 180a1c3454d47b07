/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_OUTPUT_PRIV_H
#define MULTIMS_OUTPUT_PRIV_H
/** @file output_priv.h  What tasks share that write a new MS or Multi-MS: the request, its units.
 */

#include "multims/engine.h"
#include "multims/layout.h"
#include "multims/meta.h"
#include "multims/plan.h"
#include "multims/select.h"
#include "multims/stage.h"
#include "multims/task.h"
#include "pipeline/pipeline_priv.h"

/** A request to write parts of one input. */
typedef struct mms_output {
    const char *vis, *outputvis, *datacolumn;
    bool multi;       /**< a Multi-MS, else one MS */
    const char *axis; /**< AxisType of a Multi-MS */
    mms_layout layout;
    bool sync, keep_scratch, flag_backup;
    int64_t memory;               /**< bytes a worker may use for data */
    bool tiles;                   /**< tile files are read and written directly */
    bool keep_ids;                /**< reindex=False */
    bool drops_lags;              /**< LAG_DATA can't follow what is done to the rows */
    int64_t tile[3];              /**< as in mms_writer_opts */
    int32_t ddistart;             /**< added to DATA_DESC_ID in the main table only */
    const mms_pipeline *pipeline; /**< what is done to the rows, or NULL: nothing */
    const mms_value *windows;     /**< rows of SPECTRAL_WINDOW that change, or NULL */
    const mms_value *bins;        /**< channels averaged, as FLAG_CMD needs them, or NULL */
    mms_ms *ms;
    const mms_select *select;
    mms_selection *selection; /**< select, resolved */
    const mms_meta *meta;
    const mms_plan *plan;
} mms_output;

/** Refuse an output that is there, or whose flag versions are, or that lies inside vis (NULL: there
 *  is no input). */
MMS_CHECKED mms_status mms_output_check_new(const char *vis, const char *outputvis, mms_error *err);

/** Refuse columns whose values are calculated with and have another type than the standard's; n of
 *  them, those that the input lacks don't matter.  Errors: UNSUPPORTED naming column and type. */
MMS_CHECKED mms_status mms_output_check_types(const mms_ms *ms, int64_t n,
                                              const char *const *columns, mms_error *err);

/** Refuse a data column that the input lacks. */
MMS_CHECKED mms_status mms_output_check_columns(const mms_ms *ms, const char *datacolumn,
                                                mms_error *err);

/** Reduce meta's bytes a row to the channels and correlations that are kept. */
MMS_CHECKED mms_status mms_output_scale_bytes(const mms_selection *selection, mms_meta *meta,
                                              mms_error *err);

/** Return whether rows are averaged in time. */
bool mms_output_averages_rows(const mms_output *out);

/** Return whether a column of the input is written. */
bool mms_output_writes(const mms_output *out, const char *column);

/** Return whether it is WEIGHT_SPECTRUM or SIGMA_SPECTRUM. */
bool mms_is_spectrum(const char *column);

/** Find the bytes of the output's cells if no rows are averaged. */
MMS_CHECKED mms_status mms_output_most_bytes(const mms_output *out, int64_t *bytes, mms_error *err);

/** Put into a result of mms_output_describe() what will be written: rows_out, bytes_out of the
 * whole and of each part; bytes_in, workers, seconds, estimate (a text).  rows_out is exact: time
 * bins are counted.  Bytes are those of cells with numbers; on the axis baseline a part's are its
 *  share.  Errors: those of reading. */
MMS_CHECKED mms_status mms_output_estimate(mms_run *run, const mms_output *out, mms_value *result,
                                           mms_error *err);

/** Refuse when the disk can't hold the plan's parts; of rows that are averaged in time, whose
 * number is not known yet, only warn.  Errors: SPACE. */
MMS_CHECKED mms_status mms_output_check_space(const mms_output *out, mms_error *err);

/** Put the plan in the result: outputvis, rows, dropped, parts with the names they will have. */
MMS_CHECKED mms_status mms_output_describe(const mms_output *out, mms_value *result,
                                           mms_error *err);

/** Print the parts of such a result as a table. */
void mms_output_print_parts(const mms_value *result, FILE *out);

/** Print what mms_output_estimate() added, if it did. */
void mms_output_print_estimate(const mms_value *result, FILE *out);

/** Write the parts of the plan through the engine and publish the output.
 *  result gets the names of the members.  Errors: those of the parts, each with its name. */
MMS_CHECKED mms_status mms_output_write(mms_run *run, const mms_output *out, mms_value *result,
                                        mms_error *err);

/** Build the request that every unit shares: columns, id maps, cuts; new reference. */
MMS_CHECKED mms_status mms_part_request(const mms_output *out, mms_value **request, mms_error *err);

/** Write the rows_file of each unit: the selected rows of its part in the input's order. */
MMS_CHECKED mms_status mms_sort_rows(const mms_output *out, const mms_value *const *units,
                                     mms_error *err);

/** A unit of the engine, by its step: tables, part, finish. */
mms_status mms_output_unit(mms_job *job, const mms_value *request, mms_value *answer,
                           mms_error *err);

/** Write one part.  See write_part.c for the request. */
MMS_CHECKED mms_status mms_part_write(mms_job *job, const mms_value *request, mms_value *answer,
                                      mms_error *err);

/** The expressions that are given, by parameter name; new reference. */
mms_value *mms_select_value(const mms_select *select);

/** Resolve a selection for writing: what can't be written is refused.  *out may be set on failure.
 */
MMS_CHECKED mms_status mms_output_select(mms_ms *ms, const mms_select *select, mms_selection **out,
                                         mms_error *err);

/** HISTORY texts of a run: task, version, one a parameter (multi-ms 3.6); new reference. */
mms_value *mms_history_texts(const mms_run *run);

/** Fail with STOPPED when a stop signal has come. */
MMS_CHECKED mms_status mms_check_stop(mms_error *err);

#endif
