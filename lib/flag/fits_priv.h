/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FITS_PRIV_H
#define MULTIMS_FITS_PRIV_H
/** @file fits_priv.h  Fits of tfcrop, to the curves of some maps beside each other. */

#include <stdint.h>

enum { MMS_FLAG_CURVES = 4 };

/** One point of all curves; -1: it counts, 0: it is flagged. */
typedef float mms_flag_point __attribute__((vector_size(16), may_alias));
typedef int32_t mms_flag_use __attribute__((vector_size(16), may_alias));

typedef struct mms_flag_curves {
    int64_t n;
    mms_flag_point *mean, *fit; /**< [n] */
    mms_flag_use *use;          /**< [n] */
} mms_flag_curves;

/** Fit pieces that are more and bend more from time to time, without what stands out upwards. */
void mms_flag_fit_pieces(mms_flag_curves *c, int64_t most_pieces, int most_degree);

#endif
