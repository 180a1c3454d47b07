/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FFTSHIFT_PRIV_H
#define MULTIMS_FFTSHIFT_PRIV_H
/** @file fftshift_priv.h  Spectra moved by any number of channels, as if their ends met. */

#include "multims/base.h"

/** Tables of one number of channels, and a shift.  Read-only while it is applied. */
typedef struct mms_fftshift mms_fftshift;

/** Errors: MEM. */
MMS_CHECKED mms_status mms_fftshift_create(int64_t nchan, mms_fftshift **out, mms_error *err);
void mms_fftshift_free(mms_fftshift **shift);

/** Set the shift: part of the band, |part| < 1, > 0 to higher channels.  Source: transform-numerics
 *  6.6, the [right] lines. */
void mms_fftshift_set(mms_fftshift *shift, double part);

/** Return whether spectra change. */
bool mms_fftshift_moves(const mms_fftshift *shift);

/** Bytes of scratch memory of values, aligned to 64. */
int64_t mms_fftshift_scratch(const mms_fftshift *shift);

/** Give flagged channels of one row [nchan][ncorr] of nfloat floats the mean of their neighbours.
 */
void mms_fftshift_fill(const mms_fftshift *shift, int64_t ncorr, int nfloat, const uint8_t *flag,
                       float *data);

/** Shift data[nrow][nchan][ncorr] of nfloat floats in place. */
void mms_fftshift_values(const mms_fftshift *shift, int64_t nrow, int64_t ncorr, int nfloat,
                         float *data, void *scratch);

/** Shift the flags of one row in place. */
void mms_fftshift_flags(const mms_fftshift *shift, int64_t ncorr, uint8_t *flag);

#endif
