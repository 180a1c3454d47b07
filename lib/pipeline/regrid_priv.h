/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_REGRID_STEP_PRIV_H
#define MULTIMS_REGRID_STEP_PRIV_H
/** @file regrid_priv.h  The step that interpolates spectra to the grids of a request. */

#include "ms/frames_priv.h"
#include "step_priv.h"
#include "transform/regrid.h"

/** The output's channels of one window. */
typedef struct mms_regrid_window {
    mms_spectral_axis axis;
    double weight_scale; /**< of interpolated weights (transform-numerics 6.4) */
    bool wide;           /**< over a finer grid */
    bool moves;          /**< the frame changes, by frames: other frequencies for each row */
} mms_regrid_window;

typedef struct mms_regrid_opts {
    mms_interpolation_method method;
    mms_numerics numerics;
    mms_frames_opts frames; /**< needed where a window moves */
} mms_regrid_opts;

/** Make the step; grids are fixed once for a request, and copied.  Errors: MEM. */
MMS_CHECKED mms_status mms_regrid_step(const mms_regrid_opts *opts, int64_t n,
                                       const mms_regrid_window *windows, mms_step **out,
                                       mms_error *err);

/** Find the way of frequencies at the reference time, the velocity of a source included. */
MMS_CHECKED mms_status mms_regrid_reference(mms_frames *frames, int32_t inframe,
                                            mms_frame_route *route, mms_error *err);

#endif
