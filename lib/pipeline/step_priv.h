/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STEP_PRIV_H
#define MULTIMS_STEP_PRIV_H
/** @file step_priv.h  A transformation of a stream of blocks.
 *
 *  A step is made by its own function (mms_channel_step(), …), prepared by the pipeline it is added
 *  to, in client and worker by the same call, and does its work in one of these ways:
 *  - row: the channels of one row become others; most steps are of this kind.
 *  - open_rows: rows become one: averages in time, combined windows (row_stage_priv.h).
 *  - enter: cells of any column, as they come from the input, before rows become one.
 *  - cells: data and UVW get other values where they are; channels, flags and weights stay.
 *  Members that a kind has no need of are NULL. */

#include "form_priv.h"
#include "ms/block.h"
#include "transform/phaseshift.h"
#include "transform/spectrum_priv.h"
#include "transform/transform.h"

typedef struct mms_step_kind mms_step_kind;
struct mms_row_stage;
struct mms_row_stage_opts;

/** What all steps begin with. */
typedef struct mms_step {
    const mms_step_kind *kind;
} mms_step;

/** Which row a step transforms, and with what. */
typedef struct mms_row_call {
    int64_t window, row; /**< row: in its group */
    const mms_weight_choice *choice;
    void *seen; /**< what see() made of the group */
} mms_row_call;

/** Warnings of prepare, in the order in which they are logged. */
typedef struct mms_notes {
    int64_t n, capacity;
    char **texts;
} mms_notes;

/** Take a text that was allocated (NULL: MEM). */
MMS_CHECKED mms_status mms_notes_add(mms_notes *notes, char *text, mms_error *err);
void mms_notes_end(mms_notes *notes);

struct mms_step_kind {
    const char *name;
    bool takes_means; /**< data are averaged, by weights where the input has them */
    bool any_ddid;    /**< groups may have rows of several DDIDs */

    /** Say what the stream becomes: out begins as a copy of in.  Errors: ARG what can't be done. */
    mms_status (*prepare)(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err);

    /** The step's parameters as JSON, and back; neither with what prepare makes. */
    mms_status (*encode)(const mms_step *step, mms_value **out, mms_error *err);
    mms_status (*decode)(const mms_value *value, mms_step **out, mms_error *err);
    void (*close)(mms_step *step);

    /** Return whether blocks must have an array column for this step by itself. */
    bool (*needs)(const mms_step *step, const char *column);

    /** Change cells of a group that comes from the input.  Errors: SHAPE, MEM. */
    mms_status (*enter)(const mms_step *step, const mms_block *block, mms_group *group,
                        mms_arena *arena, mms_error *err);

    /** Open what the step needs of the MS whose rows come, in a worker. */
    mms_status (*open)(mms_step *step, mms_ms *ms, mms_error *err);

    /** Return the words of the plan; NULL: out of memory, or there is nothing to say. */
    char *(*describe)(const mms_step *step);

    /** Return whether rows of a window change. */
    bool (*acts)(const mms_step *step, int64_t window);

    /** Return whether channels of a window become others; NULL: each stays itself. */
    bool (*mixes)(const mms_step *step, int64_t window);

    /** A step that makes rows of several: begin its work on a part (row_stage_priv.h). */
    mms_status (*open_rows)(const mms_step *step, const struct mms_row_stage_opts *opts,
                            struct mms_row_stage **out, mms_error *err);

    /** Make what the rows of a group have in common, before the first of them; forget ends it.
     *  One thread at a time for a group. */
    mms_status (*see)(const mms_step *step, int64_t window, const mms_block *block,
                      const mms_group *group, mms_arena *arena, void **seen, mms_error *err);
    void (*forget)(const mms_step *step, void *seen);

    /** A step that must see all rows of a part before it changes any: return whether it does; begin
     *  (files may be made beside near); see a group; all have been seen.  One thread. */
    bool (*gathers)(const mms_step *step);
    mms_status (*gather_begin)(mms_step *step, const char *near, int64_t memory, mms_error *err);
    mms_status (*gather)(mms_step *step, int64_t window, mms_block *block, mms_group *group,
                         mms_arena *arena, mms_error *err);
    mms_status (*gather_end)(mms_step *step, mms_error *err);

    /** Change the data of a group whose rows are of a window; before all that works on rows. */
    mms_status (*cells)(const mms_step *step, int64_t window, mms_block *block, mms_group *group,
                        mms_arena *arena, mms_error *err);

    /** Say what was found of a part's rows, when all are done, into the answer of its unit. */
    void (*report)(const mms_step *step, mms_value *answer);

    /** Transform one row; out has room of the new form.  Many threads at a time. */
    void (*row)(const mms_step *step, const mms_row_call *call, const mms_spectrum *in,
                mms_spectrum *out);
};

#define STEP(name) extern const mms_step_kind mms_step_##name;
#include "steps.def"
#undef STEP

/** Leave out channels and correlations: n cuts by DDID, 0 of those that are not cut; their lists
 * are copied, their followers are the form's. */
MMS_CHECKED mms_status mms_cut_step(int64_t n, const mms_cut *cuts, mms_step **out, mms_error *err);

/** What that step (NULL: there is none) keeps of a DDID; NULL: all of it. */
const mms_cut *mms_cut_step_of(const mms_step *step, int32_t ddid);

/** Return whether cells of a column of the definition lose channels or correlations by it. */
bool mms_cut_step_cuts(const mms_step *step, const char *column);

/** Make what follows a renamed column: "sigma" of the weights, or "weight" of the sigmas. */
MMS_CHECKED mms_status mms_derive_step(const char *word, mms_step **out, mms_error *err);

/** Average in time.  @param adds_state  state was added to the timespan by itself */
MMS_CHECKED mms_status mms_time_step(const mms_time_opts *opts, bool adds_state, mms_step **out,
                                     mms_error *err);

/** How a time average bins rows. */
const mms_time_opts *mms_time_step_opts(const mms_step *step);

/** Combine all windows to one. */
MMS_CHECKED mms_status mms_combine_step(mms_step **out, mms_error *err);

/** Cut the one window into nspw, the last of which may be shorter; the last step. */
MMS_CHECKED mms_status mms_separate_step(int64_t nspw, mms_step **out, mms_error *err);

/** Another phase centre of a field. */
typedef struct mms_field_shift {
    int32_t field;
    mms_rotation rotation;
} mms_field_shift;

/** Rotate UVW and turn the phases of fields; the others stay. */
MMS_CHECKED mms_status mms_phaseshift_step(int64_t n, const mms_field_shift *shifts, mms_step **out,
                                           mms_error *err);

/** The fit of one window for rows of one field. */
typedef struct mms_continuum_window {
    int64_t window;
    int32_t field; /**< -1: of all fields */
    int64_t order; /**< of the polynomial */
    const char
        *fitted; /**< a '1' for each channel of the window without a line, '0' for the rest */
} mms_continuum_window;

/** What is written of a fit. */
typedef struct mms_continuum_how {
    int64_t niter;
    bool keeps_fit;                    /**< the polynomial, else what is left */
    bool writes_model;                 /**< the polynomial in MODEL_DATA too */
    bool plain;                        /**< weights and flags as in CASA's old task */
    bool across_windows, across_scans; /**< what is fitted together: windows; scans */
    double solint_s; /**< rows of a baseline that are fitted together: less than this apart from
                          the first; 0: each alone */
} mms_continuum_how;

/** Subtract polynomials in frequency; windows are copied; of two for a row the
 *  first counts, rows that none is for stay. */
MMS_CHECKED mms_status mms_continuum_step(const mms_continuum_how *how, int64_t n,
                                          const mms_continuum_window *windows, mms_step **out,
                                          mms_error *err);

/** Average channels: one bin for all windows, or one for each.
 *  @param name  of the parameter, in messages; borrowed for good
 *  @param keep_remainder  the last bin may be shorter: a regridding follows (numerics 3.5) */
MMS_CHECKED mms_status mms_channel_step(int64_t n, const int64_t *bins, const char *name,
                                        bool keep_remainder, mms_step **out, mms_error *err);

/** The channels of a window that become one. */
int64_t mms_channel_step_bin(const mms_step *step, int64_t window);

/** Hanning-smooth the windows that a list of spws such as "0,2~4" names; "": all. */
MMS_CHECKED mms_status mms_hanning_step(const char *spws, mms_step **out, mms_error *err);

/** Make WEIGHT, SIGMA and the spectra of the output; the last step where there are data. */
MMS_CHECKED mms_status mms_weights_step(mms_step **out, mms_error *err);

/** How the weights of rows change whose data do not (transform-numerics 0.5). */
mms_weight_rule mms_weights_rule(const mms_step *step);

#endif
