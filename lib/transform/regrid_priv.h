/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_REGRID_PRIV_H
#define MULTIMS_REGRID_PRIV_H
/** @file regrid_priv.h  What the files of regridding share. */

#include "regrid.h"
#include "spectra_priv.h"

/** Check that frequencies rise or fall and, unless width_hz is NULL, that they are positive and
 *  widths, of any sign, are not 0.
 *  Errors: RANGE. */
MMS_CHECKED mms_status mms_check_window(int32_t spw, int64_t nchan, const double *freq_hz,
                                        const double *width_hz, bool *falls, mms_error *err);

/** What mms_combination_make() does with windows of any numbers of channels and any frames. */
MMS_CHECKED mms_status mms_combination_lay(int32_t nwindow, const mms_combine_window *windows,
                                           mms_combination **out, mms_error *err);

#endif
