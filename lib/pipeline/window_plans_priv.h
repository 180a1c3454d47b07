/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_WINDOW_PLANS_PRIV_H
#define MULTIMS_WINDOW_PLANS_PRIV_H
/** @file window_plans_priv.h  What steps have by window that select, average or smooth channels. */

#include "step_priv.h"
#include "transform/spectral_priv.h"

/** Plans by window; NULL: the window stays. */
typedef struct mms_window_plans {
    int64_t n;
    mms_spectral_plan **list;
} mms_window_plans;

MMS_CHECKED mms_status mms_window_plans_create(int64_t nwindow, mms_window_plans *out,
                                               mms_error *err);
void mms_window_plans_end(mms_window_plans *plans);

/** Plan window w of in; opts has what is asked, the form fills the rest.  The window of out and
 *  notes follow.  Errors: those of mms_spectral_prepare(), with the spw. */
MMS_CHECKED mms_status mms_window_plans_make(mms_window_plans *plans, const mms_form *in, int64_t w,
                                             mms_spectral_opts *opts, mms_form *out,
                                             mms_notes *notes, mms_error *err);

#endif
