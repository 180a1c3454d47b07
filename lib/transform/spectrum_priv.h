/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SPECTRUM_PRIV_H
#define MULTIMS_SPECTRUM_PRIV_H
/** @file spectrum_priv.h  One row between two steps, and what channel average and Hanning smoothing
 *  do to it. */

#include "regrid.h"
#include "spectra_priv.h"

/** One row; arrays are [nchan][ncorr], columns mms_complex or float. */
typedef struct mms_spectrum {
    int64_t nchan, ncorr;
    int ncolumn, main; /**< main: the column whose flags are kept */
    mms_spectra_column column[MMS_MAX_KINDS];
    uint8_t *flag;                     /**< NULL: none is set (an input's alone) */
    float *weights[MMS_NSOURCE];       /**< by source; NULL: not needed */
    uint8_t *weight_flag[MMS_NSOURCE]; /**< NULL: none is set (an input's alone) */
} mms_spectrum;

/** Which weights a request needs (transform-numerics 0.6, 3.2). */
typedef struct mms_weight_choice {
    mms_weight_source by_kind[MMS_MAX_KINDS]; /**< in the means of a column */
    mms_weight_source weights;                /**< what becomes WEIGHT */
    bool sigmas_apart;                        /**< SIGMA from SIGMA, not from the new WEIGHT */
} mms_weight_choice;

/** @param weighted  means are weighted: WEIGHT_SPECTRUM exists, or rows are averaged in time */
mms_weight_choice mms_choose_weights(unsigned kinds, bool weighted, bool time_averaged);

/** Return whether the weights of a source follow the steps to the end. */
bool mms_weights_are_carried(const mms_weight_choice *choice, mms_weight_source source);

/** Return the bytes that mms_spectrum_make() takes. */
int64_t mms_spectrum_bytes(const mms_weight_choice *choice, int64_t nchan, int64_t ncorr);

/** Make room for flags and carried weights of a row of a step's result, in memory aligned to 64. */
void mms_spectrum_make(const mms_weight_choice *choice, void *memory, mms_spectrum *out);

/** Make room for the weights of the rows that are opened: those of choice, at most
 *  mms_spectrum_open_bytes(). */
int64_t mms_spectrum_open_bytes(int64_t nchan, int64_t ncorr);
void mms_spectrum_start(const mms_weight_choice *choice, void *memory, const mms_spectra *in,
                        mms_spectrum *out);

/** See row r of in as a spectrum that mms_spectrum_start() has begun. */
void mms_spectrum_open(const mms_weight_choice *choice, const mms_spectra *in, int64_t r,
                       mms_spectrum *out);

/** Write WEIGHT, SIGMA and the spectra that out has into its row r.
 *  @param spare  [2 * nchan * ncorr], where out has no spectra */
void mms_spectrum_close(const mms_weight_choice *choice, const mms_spectrum *row, mms_spectra *out,
                        int64_t r, float *spare);

/** Average the channels of a row; out has arrays of bins->nbin channels. */
void mms_channel_row(const mms_bins *bins, const mms_weight_choice *choice, const mms_spectrum *in,
                     mms_spectrum *out);

/** Interpolate a row; scale multiplies weights.
 *  @param scratch  mms_interpolation_scratch() bytes, aligned to 64 */
void mms_regrid_row(const mms_interpolation *interpolation, double scale,
                    const mms_weight_choice *choice, const mms_spectrum *in, mms_spectrum *out,
                    void *scratch);

/** Smooth a row. */
void mms_hanning_row(const mms_weight_choice *choice, const mms_spectrum *in, mms_spectrum *out);

#endif
