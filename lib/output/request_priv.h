/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_REQUEST_PRIV_H
#define MULTIMS_REQUEST_PRIV_H
/** @file request_priv.h  A request to write an MS or Multi-MS made from another: what is asked,
 * what it means for the input, and its way to a published output. */

#include <jansson.h>

#include "base/base_priv.h"
#include "engine/journal.h"
#include "engine/stage.h"
#include "engine/stop.h"
#include "mms/layout.h"
#include "ms/block.h"
#include "ms/meta.h"
#include "multims/engine.h"
#include "multims/select.h"
#include "pipeline/pipeline_priv.h"
#include "plan/decide.h"
#include "plan/plan.h"

/** How a request is carried out; none of it changes what is written. */
typedef struct mms_how {
    int64_t memory; /**< bytes a worker may use for data */
    bool tiles;     /**< tile files are read and written directly */
    bool share;     /**< blocks are shared with the input where the file system can */
    bool sync, keepscratch, dryrun, resume;
} mms_how;

/** Whom a request is run for. */
typedef struct mms_host {
    const char *task;            /**< in messages, and kind of the units */
    const mms_value *history;    /**< texts for HISTORY */
    const mms_value *request;    /**< for the journal: {task, parameters, folder} */
    const mms_value *parameters; /**< those that matter for the output, paths absolute */
    const char *job_dir;         /**< folder for the journal, "": beside the output */
    bool within; /**< the output is made in a staging folder: nobody can go on with it alone */
    bool inner;  /**< as in mms_journal_opts */
    mms_value *summary; /**< as there */
    void *ctx;
    /** Give the engine, which is made at the first call.  Errors: as mms_engine_open(). */
    mms_status (*engine)(void *ctx, mms_engine **out, mms_error *err);
    bool *wrote; /**< set before the first file is made */
} mms_host;

/** Other grids of frequencies, as they are written. */
typedef struct mms_regrid_asked {
    bool on;
    const char *mode; /**< channel, channel_b, frequency, velocity */
    int64_t nchan;
    const char *start, *width; /**< "" or the default of mode channel: not given */
    int64_t nspw;
    const char *interpolation, *phasecenter, *restfreq, *outframe, *veltype;
    bool preaverage;
} mms_regrid_asked;

/** Polynomials in frequency that are subtracted. */
typedef struct mms_continuum_asked {
    bool on;
    const char *fitspec; /**< spw:channels, "": all, or a dictionary as JSON */
    int64_t order, niter;
    bool keeps_fit, writes_model;
    const char *fitspec_name;          /**< the parameter's name in messages; NULL: fitspec */
    bool excludes;                     /**< fitspec names the channels that are not fitted */
    bool across_windows, across_scans; /**< windows, scans are fitted together */
    double solint_s;                   /**< times that are fitted together; 0: none */
    bool strict; /**< refuse windows that are written and not fitted, and channels that are fitted
                    and not written */
} mms_continuum_asked;

/** A column that the definition of the MeasurementSet does not know: an array, or texts. */
typedef struct mms_unknown {
    const mms_column *column;
    bool follows;   /**< its cells [nchan][ncorr] follow the channels and correlations of FLAG */
    bool has_cells; /**< some row has one */
} mms_unknown;

/** Each verb fills what it offers of the first part; mms_request_run() resolves the rest. */
typedef struct mms_request {
    /* asked */
    mms_deciding_task verb;
    const char *vis, *outputvis;
    mms_select select;
    bool createmms;   /**< write a Multi-MS from an MS */
    bool keepmms;     /**< write a Multi-MS from a Multi-MS */
    bool monolithic;  /**< read a Multi-MS as one MS whatever it holds */
    bool keepmembers; /**< partition: the members of a Multi-MS stay parts */
    const char *separationaxis;
    int64_t numsubms;
    mms_layout layout;
    bool flagbackup;
    const char *datacolumn;
    bool data_for_corrected; /**< take DATA, with a WARN, where CORRECTED_DATA is missing */
    bool realmodelcol;       /**< write a virtual model as MODEL_DATA */
    bool is_virtual;         /**< there is one that is written */
    bool keepflags, usewtspectrum, reindex;
    int64_t ddistart;
    mms_ints chanbin;         /**< empty: no channel average; one number, or one a selected spw */
    const char *chanbin_name; /**< the parameter's name in messages: chanbin, width */
    bool hanning;
    const char *smooth_spw; /**< spws that are smoothed, "" for all */
    double timebin_s;       /**< 0: no time average */
    const char *timespan, *timespan_name;
    bool no_field_span; /**< split: bins never cross fields */
    double maxuvwdistance_m;
    bool combinespws;
    mms_regrid_asked regrid;
    mms_continuum_asked continuum;
    const char
        *phasecenter; /**< phaseshift: a direction, or a dictionary by field as JSON; NULL: none */
    mms_ints tileshape;
    mms_numerics numerics;
    const char *keys; /**< a folder, which is there: write the set without its cells, UVW apart, and
                         leave in the folder what mms_part_send() makes these of; NULL: all */
    double
        also; /**< the share of its bytes that a set takes which is made of it on the same disk */
    mms_how how;

    /* resolved */
    const mms_host *host;
    mms_ms *ms;
    unsigned spans;           /**< timespan as MMS_TIMESPAN_… */
    bool adds_state;          /**< to spans, for ALMA */
    mms_selection *selection; /**< select, resolved */
    mms_meta meta;
    int64_t nunknown;
    mms_unknown *unknown;
    mms_member_extent *extents; /**< of the input's members; NULL when the decision needs none */
    mms_decision decision;
    mms_plan *plan;
    bool multi;             /**< a Multi-MS is written, else one MS */
    mms_pipeline *pipeline; /**< what is done to the rows; NULL: nothing */
    mms_value *windows;     /**< rows of SPECTRAL_WINDOW that change, or NULL */
    mms_value *fields;      /**< rows of FIELD that get another PHASE_DIR, or NULL */
    mms_value *bins;        /**< channels averaged, as FLAG_CMD needs them, or NULL */
    int64_t tile[3];        /**< as in mms_writer_opts */
    int64_t share;          /**< the same */
    bool drops_lags;        /**< LAG_DATA can't follow what is done to the rows */
} mms_request;

/** Decide, plan, and write or (how.dryrun) estimate.  The resolved part of request is empty before
 *  and after.  result gets the plan, and what was written.
 *  Errors: those of its steps; nothing is written when it is refused. */
MMS_CHECKED mms_status mms_request_run(mms_request *request, const mms_host *host,
                                       mms_value *result, mms_error *err);

/** Find which windows must be read as a whole because more may be fitted than select.spw writes:
 *  an expression that the caller frees, "" for all; NULL: none.  Errors: MEM. */
MMS_CHECKED mms_status mms_request_find_whole(const mms_request *request, char **spws,
                                              mms_error *err);

/** The same for data that are fitted in channels or windows that are not written: all channels of
 *  spws, an expression, are subtracted in the staging folder first, from which select.spw is taken.
 */
MMS_CHECKED mms_status mms_request_run_whole(const mms_request *request, const char *spws,
                                             const mms_host *host, mms_value *result,
                                             mms_error *err);

/* ---- the way of a request, in order -----------------------------------------------------------*/

/** Refuse an output that is there, or whose flag versions are, or that lies inside vis (NULL: there
 *  is no input); cvel2 says that in words of its own. */
MMS_CHECKED mms_status mms_output_check_new(const char *vis, const char *outputvis, bool is_cvel,
                                            mms_error *err);

/** Refuse an output, the value of a parameter, that lies inside vis.  Errors: ARG, IO. */
MMS_CHECKED mms_status mms_output_check_outside(const char *vis, const char *parameter,
                                                const char *outputvis, mms_error *err);

/** Refuse what the input can't give: columns that it lacks or that have another type than the
 *  standard's, parameters without a meaning.  Errors: ARG, NOT_FOUND, UNSUPPORTED. */
MMS_CHECKED mms_status mms_request_check(mms_request *request, mms_error *err);

/** Close the input and the selection: nothing is to be read any more. */
void mms_request_close_input(mms_request *request);

/** Resolve the selection and count its rows.  Errors: SELECT, EMPTY, TABLE. */
MMS_CHECKED mms_status mms_request_select(mms_request *request, mms_error *err);

/** Find the columns that the definition does not know; nothing of it is written yet.
 *  Errors: TABLE, MEM. */
MMS_CHECKED mms_status mms_request_find_unknown(mms_request *request, mms_error *err);

/** Make the pipeline, and the rows of SPECTRAL_WINDOW that it changes; not of a request that only
 *  copies.  Errors: ARG, UNSUPPORTED, TABLE. */
MMS_CHECKED mms_status mms_request_add_steps(mms_request *request, mms_error *err);

/** The same of one that only copies cells: the cut, and what a renamed column brings with it; no
 *  pipeline where there is neither.  Errors: MEM. */
MMS_CHECKED mms_status mms_request_add_copy(mms_request *request, mms_error *err);

/** Add the cut of channels and correlations, if some are selected.  Errors: MEM. */
MMS_CHECKED mms_status mms_request_add_cut(mms_request *request, mms_error *err);

/** Lay the grids of request->regrid over the windows of the pipeline's output, and add the steps:
 *  averages of channels, those before wide output channels included, smoothing, regridding.
 *  Errors: ARG what gives no grid; those of the measures. */
MMS_CHECKED mms_status mms_request_add_regrid(mms_request *request, mms_error *err);

/** Add the step to other phase centres, if some are asked for.  Errors: ARG, UNSUPPORTED. */
MMS_CHECKED mms_status mms_request_add_shift(mms_request *request, mms_error *err);

/** Add the subtraction of the continuum, if it is asked for.  Errors: ARG what fitspec says. */
MMS_CHECKED mms_status mms_request_add_continuum(mms_request *request, mms_error *err);

/** Add the average of channels, if bins are given, and the smoothing, if it is asked for. */
MMS_CHECKED mms_status mms_request_add_channels(mms_request *request, mms_ints bins,
                                                bool keep_remainder, mms_error *err);
MMS_CHECKED mms_status mms_request_add_hanning(mms_request *request, mms_error *err);

/** Decide and plan, with the decision's messages.  Errors: ARG a refusal. */
MMS_CHECKED mms_status mms_request_plan(mms_request *request, mms_error *err);

/** Put the plan in the result: outputvis, rows, dropped, parts with the names they will have,
 *  decision, stages, windows. */
MMS_CHECKED mms_status mms_request_describe(const mms_request *request, mms_value *result,
                                            mms_error *err);

/** Say SPACE and the file where a failure may have come from a full disk and the disk is full; what
 *  was said goes to the log.  Any other failure stays as it is. */
MMS_CHECKED mms_status mms_output_name_full_disk(const char *task, const char *staged,
                                                 mms_status st, mms_error *err);

/** Refuse when the disk can't hold the plan's parts; of rows that are averaged in time, whose
 *  number is not known yet, only warn.  Errors: SPACE. */
MMS_CHECKED mms_status mms_output_check_space(const mms_request *request, mms_error *err);

/** Find the bytes of the output that will be blocks of the input: 0 where none are shared.
 *  Errors: those of reading. */
MMS_CHECKED mms_status mms_output_shared_bytes(const mms_request *request, int64_t *bytes,
                                               mms_error *err);

/** Put into a result of mms_request_describe() what will be written: rows_out, bytes_out of the
 *  whole and of each part; bytes_in, bytes_shared where blocks are shared, workers, seconds,
 * estimate (a text), suitable (number of parts, or null), advice (a text).  rows_out is exact: time
 *  bins are counted.  Bytes are those of cells with numbers; on the axis baseline a part's are its
 *  share.  Errors: those of reading. */
MMS_CHECKED mms_status mms_output_estimate(const mms_request *request, mms_value *result,
                                           mms_error *err);

/** Say how many parts there are and why, and which number would suit the workers.  The caller ends
 *  it with free(); *suitable is that number, 0: none. */
char *mms_output_parts_advice(const mms_request *request, const mms_engine *engine,
                              int64_t *suitable);

/** Write the parts of the plan through the engine and publish the output.
 *  result gets the names of the members.  Errors: those of the parts, each with its name. */
MMS_CHECKED mms_status mms_output_write(mms_request *request, mms_value *result, mms_error *err);

/* ---- a request that is gone on with -----------------------------------------------------------*/

/** What a journal is told of the host; output, an absolute path, and key are borrowed. */
mms_journal_opts mms_host_journal(const mms_host *host, const char *output, const mms_value *key);

/** Open the staging folder and the journal of an output, an absolute path: those that another run
 *  left with how->resume, if it was the same request.  vis NULL: there is no input.  *journal may
 * be NULL. Errors: LOCKED another run is at work; NOT_FOUND, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_output_open_stage(const mms_host *host, const char *output,
                                             const char *vis, const mms_how *how, mms_stage **stage,
                                             mms_journal **journal, mms_error *err);

/** End both after a run of status st: they are kept when it was broken off and a part is done, or
 *  keepscratch asks for it. */
void mms_output_end_stage(const mms_host *host, mms_status st, bool keepscratch, mms_stage **stage,
                          mms_journal **journal);

/** Remove what is in a folder but for some names.  A folder that is not there is empty. */
MMS_CHECKED mms_status mms_output_clear(const char *folder, const char *const *but, mms_error *err);

/** Give the first part the HISTORY again that it had before rows were added. */
MMS_CHECKED mms_status mms_output_restore_history(const char *first, const char *tables,
                                                  mms_error *err);

/** If the output is there because a run was killed just when it had named it, do the rest of that
 *  run.  Where it was this request, of the input vis as it is (NULL: there is none), result gets
 *  its result, and *was is true; else what differs is told. */
MMS_CHECKED mms_status mms_output_take_published(const mms_host *host, const char *vis,
                                                 const char *outputvis, mms_value *result,
                                                 bool *was, mms_error *err);

/** Whether what is complete at beside was made by the run that has begun outputvis, for this
 * request and the input vis as it is; what differs is told. */
bool mms_output_was_beside(const mms_host *host, const char *vis, const char *outputvis,
                           const char *beside);

/** What an output may take of the disk: what is free, and with how->resume what an earlier run has
 *  staged, which is taken over or removed.  Errors: those of mms_disk_free(). */
MMS_CHECKED mms_status mms_output_room(const mms_host *host, const char *outputvis,
                                       const mms_how *how, int64_t *bytes, mms_error *err);

/* ---- what they share --------------------------------------------------------------------------*/

/** Return the row of the output's SPECTRAL_WINDOW of a window of the pipeline: the input's unless a
 *  selection renumbers them. */
int64_t mms_request_window_row(const mms_request *request, int64_t window);

/** Return the number of windows that replace all of the input, or 0 where each stays one. */
int64_t mms_request_new_windows(const mms_request *request);

/** Return whether channels or correlations are selected. */
bool mms_request_cuts(const mms_request *request);

/** Return whether cells are copied, cut at most, and windows are not followed: partition. */
bool mms_request_only_copies(const mms_request *request);

/** Return whether data are calculated with, not only selected and copied. */
bool mms_request_transforms(const mms_request *request);

/** Return whether windows are to be put together where there are several; several output windows
 * are cut from one. */
bool mms_request_asks_one_window(const mms_request *request);

/** Return whether rows are averaged in time. */
bool mms_output_averages_rows(const mms_request *request);

/** Return whether a column of the input is written. */
bool mms_output_writes(const mms_request *request, const char *column);

/** Return whether cells of a column that the definition does not know follow those of FLAG; give
 *  those columns to a form.  Errors: MEM. */
bool mms_output_follows(const mms_request *request, const char *column);
MMS_CHECKED mms_status mms_request_set_followers(const mms_request *request, mms_form *form,
                                                 mms_error *err);

/** Return whether the cells of a column are lost because rows, or the channels of a window of the
 *  rows that are transformed (-1: of any), become others. */
bool mms_output_clears(const mms_request *request, const mms_column *column, int64_t window);

/** Name the columns without a definition that lose cells; those of one value a channel and
 *  correlation are worth a warning. */
void mms_output_tell_cleared(const mms_request *request);

/** Return whether it is WEIGHT_SPECTRUM or SIGMA_SPECTRUM. */
bool mms_is_spectrum(const char *column);

/** Refuse a data column that the input lacks. */
MMS_CHECKED mms_status mms_output_check_columns(const mms_ms *ms, const char *datacolumn,
                                                mms_error *err);

/** Refuse columns whose values are calculated with and have another type than the standard's; n of
 *  them, those that the input lacks don't matter.  Errors: UNSUPPORTED naming column and type. */
MMS_CHECKED mms_status mms_output_check_types(const mms_ms *ms, int64_t n,
                                              const char *const *columns, mms_error *err);

/** Reduce meta's bytes a row to the channels and correlations that are kept. */
MMS_CHECKED mms_status mms_output_scale_bytes(const mms_selection *selection, mms_meta *meta,
                                              mms_error *err);

/** Find the bytes that the output's cells take on the disk at least, if no rows are averaged. */
MMS_CHECKED mms_status mms_output_least_bytes(const mms_request *request, int64_t *bytes,
                                              mms_error *err);

/** Resolve a selection for writing: what can't be written is refused.  *out may be set on failure.
 */
MMS_CHECKED mms_status mms_output_select(mms_ms *ms, const mms_select *select, mms_selection **out,
                                         mms_error *err);

/** Build what every part's order shares: columns, id maps; keys: of parts that write scalars and
 * UVW alone.  New reference.  Errors: MEM. */
MMS_CHECKED mms_status mms_part_order_make(const mms_request *request, bool keys, mms_value **order,
                                           mms_error *err);

/** Write the lists of rows of all parts, files[part]: the selected rows in the input's order. */
MMS_CHECKED mms_status mms_sort_rows(const mms_request *request, const char *const *files,
                                     mms_error *err);

/** Make those lists in a scratch folder of the machine, and visit each: nothing is made beside the
 *  output.  Errors: those of reading; what visit returns. */
typedef mms_status mms_list_visit(void *ctx, int64_t part, const char *file, mms_error *err);
MMS_CHECKED mms_status mms_output_visit_lists(const mms_request *request, mms_list_visit *visit,
                                              void *ctx, mms_error *err);

/* ---- in a worker ------------------------------------------------------------------------------*/

/** A unit of the engine, by its step: tables, part, finish. */
mms_status mms_output_unit(mms_job *job, const mms_value *order, mms_value *answer, mms_error *err);

/** Return whether the cells of a column stay as they are. */
bool mms_part_copies(const mms_pipeline *pipeline, const mms_column *column);

/** Where rows go that are not written into a set: columns, those of the input that blocks need to
 *  have, ended by NULL; put takes a block whose rows are of the output, from any thread. */
typedef struct mms_row_sink {
    const char *const *columns;
    mms_status (*put)(void *ctx, const mms_block *block, mms_arena *arena, mms_error *err);
    void *ctx;
} mms_row_sink;

/** The orders that request->keys has left for the parts, an array; new reference.  Errors: those of
 *  a file. */
MMS_CHECKED mms_status mms_part_orders_read(const char *keys, mms_value **orders, mms_error *err);

/** How many rows of the input such a part has, and how many were made of them. */
int64_t mms_part_order_rows(const mms_value *order);
int64_t mms_part_order_made(const mms_value *order);

/** Cut the rows of such an order into n lists, which become files, of the same number of output
 *  rows, one after the other; *rows: an array of the number of rows in each.  Errors: those of
 *  reading; IO, SPACE. */
MMS_CHECKED mms_status mms_part_split(mms_job *job, const mms_value *order, int64_t n,
                                      const char *const *files, mms_value **rows, mms_error *err);

/** The order of one of those lists, of nrow rows; new reference, NULL: no memory. */
mms_value *mms_part_order_of_list(const mms_value *order, const char *rows_file, int64_t nrow);
/** How many threads make its rows. */
void mms_part_order_set_threads(mms_value *order, int64_t threads);

/** Make the rows of such an order, as mms_part_write() does, for a sink. */
MMS_CHECKED mms_status mms_part_send(mms_job *job, const mms_value *order, const mms_row_sink *sink,
                                     mms_value *answer, mms_error *err);

/** Write one part.  See part.c for the order. */
MMS_CHECKED mms_status mms_part_write(mms_job *job, const mms_value *order, mms_value *answer,
                                      mms_error *err);

#endif
