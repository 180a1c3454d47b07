/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PHASESHIFT_H
#define MULTIMS_PHASESHIFT_H
/** @file phaseshift.h  Visibilities and UVW for another phase centre (docs/design/transforms.md).
 */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** From UVW towards one direction to UVW towards another: uvw' = m uvw, row by row. */
typedef struct mms_rotation {
    double m[9];
} mms_rotation;

/** The rotation between two directions of one frame. */
mms_rotation mms_rotation_make(double lon0_rad, double lat0_rad, double lon1_rad, double lat1_rad);

/** Rotate uvw[3], in metres; returns by how much w grows. */
double mms_rotate(const mms_rotation *rotation, double *uvw_m);

/** Find the factors exp(-2 pi i f dw / c) of the channels. */
void mms_phase_factors(int64_t nchan, const double *freq_hz, double dw_m, mms_complex *factor);

/** Multiply data[nchan][ncorr] by the factors of the channels. */
void mms_shift_phases(int64_t nchan, int64_t ncorr, const mms_complex *factor, mms_complex *data);

#ifdef __cplusplus
}
#endif
#endif
