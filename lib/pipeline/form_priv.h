/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FORM_PRIV_H
#define MULTIMS_FORM_PRIV_H
/** @file form_priv.h  What a stream of blocks looks like before and after a step. */

#include "multims/value.h"
#include "transform/spectra.h"

/** A spectral window of a stream. */
typedef struct mms_window {
    int32_t spw;            /**< of the input, for messages */
    mms_spectral_axis axis; /**< its arrays are owned */
    int64_t npiece;
    int64_t *pieces; /**< lengths of the runs of channels that were selected together: no average
                          crosses their ends */
    int direction;   /**< of the input's whole window: -1 descending, else 1 */
    int32_t frame;   /**< of the frequencies: MEAS_FREQ_REF */
    bool changed;    /**< its row differs from that of the input */
} mms_window;

typedef struct mms_form {
    unsigned kinds; /**< data columns that are calculated with, as MMS_KIND_BITs; 0: LAG_DATA */
    mms_numerics numerics;
    bool renamed;         /**< CORRECTED_DATA or MODEL_DATA alone becomes DATA */
    bool weight_spectrum; /**< WEIGHT_SPECTRUM exists for the request (transform-numerics 0.4) */
    bool out_spectra;     /**< both spectra are written */
    bool
        row_means; /**< WEIGHT and SIGMA are means of the spectra, where there are some, and rows
                        whose flags are all set get FLAG_ROW (as CASA's uvcontsub and phaseshift) */
    bool time_averaged;
    bool combined;    /**< rows of several DDIDs have become one */
    bool new_windows; /**< the windows are not those of the input, one by one */
    int64_t nwindow, nddid;
    mms_window *windows; /**< in the order of the request */
    int32_t *window_of;  /**< by DDID of the input; -1: not selected */
    char **followers;    /**< columns without a definition whose cells have one value a channel and
                              correlation, as FLAG's; ended by NULL, or NULL */
} mms_form;

/** Make room for windows and DDIDs, none selected.  Errors: MEM. */
MMS_CHECKED mms_status mms_form_create(int64_t nwindow, int64_t nddid, mms_form *out,
                                       mms_error *err);

/** Note the followers, n names that are copied.  Errors: MEM. */
MMS_CHECKED mms_status mms_form_set_followers(mms_form *form, int64_t n, const char *const *names,
                                              mms_error *err);

/** Copy a form with all it owns; *out is empty on failure.  Errors: MEM. */
MMS_CHECKED mms_status mms_form_copy(const mms_form *form, mms_form *out, mms_error *err);

/** Take the windows of another form, which gets the old ones. */
void mms_form_take_windows(mms_form *form, mms_form *other);

/** Drop the windows from n on. */
void mms_form_keep_windows(mms_form *form, int64_t n);

/** Free what a form owns; it is {0} afterwards. */
void mms_form_end(mms_form *form);

/** Copy an axis; its arrays are one piece of memory, ended by mms_axis_end().  Errors: MEM. */
MMS_CHECKED mms_status mms_axis_copy(const mms_spectral_axis *axis, mms_spectral_axis *out,
                                     mms_error *err);
void mms_axis_end(mms_spectral_axis *axis);

/** An axis as JSON, and back.  Errors: INTERNAL, MEM. */
mms_value *mms_axis_encode(const mms_spectral_axis *axis);
MMS_CHECKED mms_status mms_axis_decode(mms_value *value, mms_spectral_axis *out, mms_error *err);

/** Give a window an axis, which is copied, in one piece.  Errors: MEM. */
MMS_CHECKED mms_status mms_window_set_axis(mms_window *window, const mms_spectral_axis *axis,
                                           mms_error *err);

/** Note which channels were selected together: ranges of the input, none for all.  Errors: MEM. */
MMS_CHECKED mms_status mms_window_set_pieces(mms_window *window, int64_t nrange,
                                             const mms_channels *ranges, mms_error *err);

/** Write a form as JSON, and read it; every key is demanded.  Errors: INTERNAL a key is missing or
 *  of another type; MEM. */
MMS_CHECKED mms_status mms_form_encode(const mms_form *form, mms_value **out, mms_error *err);
MMS_CHECKED mms_status mms_form_decode(const mms_value *value, mms_form *out, mms_error *err);

#endif
