/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_REGRID_PRIV_H
#define MULTIMS_REGRID_PRIV_H
/** @file regrid_priv.h  What the files of regridding share, and one row between two steps. */

#include "multims/regrid.h"
#include "spectrum_priv.h"

/** Check that frequencies rise or fall and, unless width_hz is NULL, that they are positive and
 *  widths, of any sign, are not 0.
 *  Errors: RANGE. */
MMS_CHECKED mms_status mms_check_window(int32_t spw, int64_t nchan, const double *freq_hz,
                                        const double *width_hz, bool *falls, mms_error *err);

/** What mms_combination_make() does with windows of any numbers of channels and any frames. */
MMS_CHECKED mms_status mms_combination_lay(int32_t nwindow, const mms_combine_window *windows,
                                           mms_combination **out, mms_error *err);

/** Regrid a row: data, flags, carried weights and their flags.  weight_scale: mms_grid's where the
 *  frame changes (6.4), else 1.  SIGMA weights are weights, so they take it too.
 *  @param scratch  mms_interpolation_scratch() bytes, aligned to 64
 *  Source: transform-numerics 0.6, 6.4, 6.5. */
void mms_regrid_row(const mms_interpolation *interpolation, double weight_scale,
                    const mms_weight_choice *choice, const mms_spectrum *in, mms_spectrum *out,
                    void *scratch);

#endif
