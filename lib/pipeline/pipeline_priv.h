/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PIPELINE_PRIV_H
#define MULTIMS_PIPELINE_PRIV_H
/** @file pipeline_priv.h  What is done to a stream of blocks: steps in the order of steps.def. */

#include "ms/block.h"
#include "step_priv.h"

typedef struct mms_pipeline mms_pipeline;

/** Make a pipeline without steps for a stream of this form, whose content it takes.
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_pipeline_create(mms_form *form, mms_pipeline **out, mms_error *err);
/** *pipeline is set to NULL; NULL is accepted. */
void mms_pipeline_free(mms_pipeline **pipeline);

/** Add a step, which is taken even on failure, and prepare it; steps come in the order of
 *  steps.def.  Errors: what prepare refuses. */
MMS_CHECKED mms_status mms_pipeline_add(mms_pipeline *pipeline, mms_step *step, mms_error *err);

/** Open what the steps need of the MS whose rows come, before the first block. */
MMS_CHECKED mms_status mms_pipeline_open(mms_pipeline *pipeline, mms_ms *ms, mms_error *err);

/** The form of the stream before the first and after the last step.  Borrowed. */
const mms_form *mms_pipeline_in(const mms_pipeline *pipeline);
const mms_form *mms_pipeline_out(const mms_pipeline *pipeline);

/** Find a step by its kind's name, or NULL. */
const mms_step *mms_pipeline_find(const mms_pipeline *pipeline, const char *name);

/** Return the number of steps that make rows of several: what comes after the last of them applies
 *  to its rows. */
int mms_pipeline_row_steps(const mms_pipeline *pipeline);

/** Let steps say what they found of the part whose rows are done; NULL has none. */
void mms_pipeline_report(const mms_pipeline *pipeline, mms_value *answer);

/** The i-th of them, and the form of the rows that it takes.  Borrowed. */
const mms_step *mms_pipeline_row_step(const mms_pipeline *pipeline, int i, const mms_form **in);

/** Return how many rows of the output each row becomes that is transformed. */
int64_t mms_pipeline_rows_per_row(const mms_pipeline *pipeline);

/** Warnings of all steps, in the order in which they are logged.  Borrowed. */
const mms_notes *mms_pipeline_notes(const mms_pipeline *pipeline);

/** List the words of all steps that have some, in order; new reference. */
mms_value *mms_pipeline_describe(const mms_pipeline *pipeline);

/** At the border between processes: form and steps as JSON; the other side prepares anew.
 *  Errors: INTERNAL a key is missing; MEM. */
MMS_CHECKED mms_status mms_pipeline_encode(const mms_pipeline *pipeline, mms_value **out,
                                           mms_error *err);
MMS_CHECKED mms_status mms_pipeline_decode(const mms_value *value, mms_pipeline **out,
                                           mms_error *err);

/** Whether blocks must have an array column: a step reads or changes it; else it may be copied. */
bool mms_pipeline_needs(const mms_pipeline *pipeline, const char *column);

/** Whether a column that is not written must be read all the same: SIGMA_SPECTRUM, whose cells are
 *  the weights of DATA and FLOAT_DATA where WEIGHT_SPECTRUM does not exist (transform-numerics
 * 0.4).
 */
bool mms_pipeline_reads(const mms_pipeline *pipeline, const char *column);

/** Whether all rows of a part must be seen before the first is transformed.  If so: begin, show
 * each block, end.  One thread.  @param near  files are made beside it, @param memory  for them
 *  Errors: TABLE, IO, SPACE, MEM. */
bool mms_pipeline_gathers(const mms_pipeline *pipeline);
MMS_CHECKED mms_status mms_pipeline_gather_begin(mms_pipeline *pipeline, const char *near,
                                                 int64_t memory, mms_error *err);
MMS_CHECKED mms_status mms_pipeline_gather(mms_pipeline *pipeline, mms_arena *arena,
                                           mms_block *block, mms_error *err);
MMS_CHECKED mms_status mms_pipeline_gather_end(mms_pipeline *pipeline, mms_error *err);

/** The form of the rows that are transformed one by one.  Borrowed. */
const mms_form *mms_pipeline_base(const mms_pipeline *pipeline);

/** Whether rows of a window of that form (-1: of any) change one by one; whether its channels
 *  become others. */
bool mms_pipeline_acts(const mms_pipeline *pipeline, int64_t window);
bool mms_pipeline_mixes(const mms_pipeline *pipeline, int64_t window);

/** Return whether the groups of blocks must have one DDID each. */
bool mms_pipeline_by_ddid(const mms_pipeline *pipeline);

/** Change a block that comes from the input, before rows are made of several: channels and
 *  correlations that are not selected leave.  Errors: SHAPE; MEM. */
MMS_CHECKED mms_status mms_pipeline_enter(const mms_pipeline *pipeline, mms_arena *arena,
                                          mms_block *block, mms_error *err);

/** Transform a block that has entered: data, flags and weights change, spectra that the input lacks
 *  are added; followers lose their cells where channels become others.  Several threads may
 *  transform a block each, with an arena each.  Errors: TABLE a needed cell is undefined; SHAPE;
 *  MEM. */
MMS_CHECKED mms_status mms_pipeline_apply(const mms_pipeline *pipeline, mms_arena *arena,
                                          mms_block *block, mms_error *err);

/** Cut the rows of a block, once they have their DATA_DESC_ID, into the windows that are asked for;
 *  *block is another one afterwards.  Nothing happens where one window stays one.  Errors: MEM. */
MMS_CHECKED mms_status mms_pipeline_separate(const mms_pipeline *pipeline, mms_arena *arena,
                                             mms_block **block, mms_error *err);

/* ---- cells and spectra ------------------------------------------------------------------------*/

/** The data columns of a block that are processed, by kind. */
typedef struct mms_kind_column {
    const char *column;
    mms_data_kind kind;
} mms_kind_column;
extern const mms_kind_column mms_kind_columns[MMS_MAX_KINDS];

/** See the cells of a group as spectra of the kinds, with those of SIGMA_SPECTRUM and (if
 *  weight_spectrum) of WEIGHT_SPECTRUM that are defined.
 *  Errors: TABLE a needed cell is undefined; SHAPE the columns disagree. */
MMS_CHECKED mms_status mms_group_spectra(const mms_block *block, const mms_group *group,
                                         unsigned kinds, bool weight_spectrum, mms_spectra *out,
                                         mms_error *err);

/** Put spectra back into the cells; both spectra, if out_spectra, into columns that are added where
 *  there are none. */
void mms_group_scatter(mms_block *block, mms_group *group, const mms_spectra *spectra,
                       bool out_spectra);

/** Cells of these columns, ended by NULL, are undefined from here on. */
void mms_group_clear(const mms_block *block, mms_group *group, const char *const *columns);

/** Cells that no step knows lose their values where channels were averaged or smoothed.
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_group_clear_others(mms_block *block, mms_group *group, int64_t nchan_in,
                                              const mms_spectra *out, mms_arena *arena,
                                              mms_error *err);

#endif
