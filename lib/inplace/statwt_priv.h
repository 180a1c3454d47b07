/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STATWT_PRIV_H
#define MULTIMS_STATWT_PRIV_H
/** @file statwt_priv.h  Weights from scatter on the rows of a set: what is found goes to a file,
 * the stage, and from it into the parts. */

#include "flag_priv.h"
#include "transform/statwt.h"

/** How channels of a window are taken together. */
typedef struct mms_statwt_window {
    int64_t nbin;
    int64_t *first; /**< [nbin + 1] */
    uint8_t *used;  /**< [nchan]: 1 counts in the variance */
} mms_statwt_window;

/** What a run or a unit works with. */
typedef struct mms_statwt_setup {
    mms_flag_set set;
    mms_statwt_window *windows; /**< [set.nwindow] by DDID */
    mms_statwt_asked asked;
    mms_statwt_time time;
    const char *column;       /**< "CORRECTED", "DATA", "RESIDUAL", "RESIDUAL_DATA" */
    bool binned;              /**< chanbin is given: spectra are written */
    const mms_value *spectra; /**< columns that make a row have a spectrum, if it is not */
} mms_statwt_setup;

struct mms_statwt_order;

/** ms and what order borrows are used as long as the setup lives.  Errors: SELECT, TABLE, MEM. */
MMS_CHECKED mms_status mms_statwt_setup_open(mms_ms *ms, const struct mms_statwt_order *order,
                                             mms_statwt_setup *out, mms_error *err);
void mms_statwt_setup_close(mms_statwt_setup *setup);

/* ---- the stage --------------------------------------------------------------------------------
 * int64_t: windows; for each its bins, nbin and first[nbin + 1]; then the rows. */

/** A row in the stage; behind it weight[ncorr], then spectrum[nbin][ncorr] as floats, then
 *  flag[nchan][ncorr] as bytes if flags have changed. */
typedef struct mms_statwt_record {
    int64_t row;                      /**< of the set */
    int32_t ddid, nchan, ncorr, nbin; /**< nbin 0: no spectrum */
    uint8_t flags_changed, flag_row_changed, flag_row, unused[5];
} mms_statwt_record;

/** Write the rows that a stage has of one part, by an mms_weights_order. */
MMS_CHECKED mms_status mms_statwt_write(mms_job *job, const mms_value *order, mms_error *err);

#endif
