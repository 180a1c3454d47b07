/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CONTINUUM_SUMS_H
#define MULTIMS_CONTINUUM_SUMS_H
/** @file continuum_sums.h  One polynomial in frequency for several rows, of one window or of more:
 *  sums over each row, which can be added, and their solution
 *  (docs/design/transforms.md). */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A window: Chebyshev polynomials of its channels over the frequencies of all windows. */
typedef struct mms_continuum_terms {
    int64_t nchan, nterm;
    int64_t span;       /**< channels from the first to the last that is fitted */
    const double *term; /**< [nterm][nchan] */
    const uint8_t *fitted;
} mms_continuum_terms;

/** Fill term[nterm][nchan] for frequencies between low and high. */
void mms_continuum_chebyshev(int64_t nchan, const double *freq_hz, double low_hz, double high_hz,
                             int64_t nterm, double *term);

/** Return how many doubles the sums of a row are. */
int64_t mms_continuum_nsum(int64_t nterm, int64_t ncorr);

/** Set sums to those of a row: data and flag are [nchan][ncorr], a channel that is flagged in one
 *  correlation counts in none.  weight[ncorr] is that of the row, which its channels share.
 *  @param scratch  nterm + 2 doubles */
void mms_continuum_sum_row(const mms_continuum_terms *terms, int64_t ncorr, const float *data,
                           const uint8_t *flag, const float *weight, double *scratch, double *sums);

/** Add sums of other rows.  @param scratch  the same */
void mms_continuum_add_sums(int64_t nterm, int64_t ncorr, const double *from, double *scratch,
                            double *sums);

/** Solve sums: coefficient[ncorr][2][nterm].  Terms beyond the number of points are 0, so are those
 *  that the points don't tell from those before; without any point the first is NaN. */
void mms_continuum_solve_sums(int64_t nterm, int64_t ncorr, const double *sums,
                              double *coefficient);

/** Write the polynomials of a window's channels: model[nchan][ncorr], complex. */
void mms_continuum_evaluate(const mms_continuum_terms *terms, int64_t ncorr,
                            const double *coefficient, float *model);

#ifdef __cplusplus
}
#endif
#endif
