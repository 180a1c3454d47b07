/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CONTINUUM_H
#define MULTIMS_CONTINUUM_H
/** @file continuum.h  Polynomials in frequency, fitted to the line-free channels of a row
 *  (docs/design/transforms.md). */

#include "multims/base.h"
#include "multims/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which channels of a window are fitted by a polynomial of which order. */
typedef struct mms_continuum_opts {
    int64_t nchan;
    const double *freq_hz; /**< [nchan] */
    const char *fitted;    /**< [nchan] '1': the channel has no line */
    int64_t order;
    int64_t niter; /**< 1; more: channels far from the fit lose weight */
    bool plain;    /**< as CASA's old task: all channels have one weight, and one that is flagged in
                        a correlation counts in none */
    mms_numerics numerics;
} mms_continuum_opts;

typedef struct mms_continuum mms_continuum;

/** Prepare fits; the arrays of opts are copied.  Errors: MEM. */
MMS_CHECKED mms_status mms_continuum_create(const mms_continuum_opts *opts, mms_continuum **out,
                                            mms_error *err);
/** *continuum is set to NULL; NULL is accepted. */
void mms_continuum_free(mms_continuum **continuum);

/** A row; arrays are [nchan][ncorr]. */
typedef struct mms_continuum_row {
    int64_t ncorr;
    int nfloat; /**< 2: complex data, 1: real */
    const float *data;
    const uint8_t *flag;
    const float *weight;     /**< NULL: those of row_weight, in each channel */
    const float *row_weight; /**< [ncorr] */
    double *chi2; /**< [ncorr][nfloat]: takes the weighted sums of squares that are left in the
                     channels that count, before the fit is rounded to floats, -1 where none does;
                     NULL: not asked */
} mms_continuum_row;

/** Return the bytes of scratch memory, of doubles. */
int64_t mms_continuum_scratch(const mms_continuum *continuum);

/** Fit each correlation, real and imaginary parts apart; channels that are flagged or have no
 * weight don't count, and a polynomial has no more terms than there are channels.
 *  @param model  [nchan][ncorr] as data: the polynomial in all channels; 0 where nothing is fitted
 *  @return  whether each correlation had a channel to fit
 */
bool mms_continuum_fit(const mms_continuum *continuum, const mms_continuum_row *row, float *model,
                       void *scratch);

#ifdef __cplusplus
}
#endif
#endif
