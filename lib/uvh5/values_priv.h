/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_VALUES_PRIV_H
#define MULTIMS_UVH5_VALUES_PRIV_H
/** @file values_priv.h  Between the values of an MS and those of UVH5: pure functions.
 *  Source: the UVH5 memo, format 1.2. */

#include "multims/base.h"

/** A time of an MS (MJD seconds) as a Julian date. */
double mms_uvh5_jd(double time_s);
/** And back. */
double mms_uvh5_time_s(double jd);

/** The code of polarization_array of an MS's correlation type (RR 5 is -1, XX 9 is -5); false: it
 *  has none. */
bool mms_uvh5_pol_code(int32_t corr_type, int32_t *code);
/** The correlation type of a code; 0: it has none. */
int32_t mms_uvh5_corr_type(int64_t code);
/** The name of a code, as "XX". */
const char *mms_uvh5_pol_name(int32_t code);
/** Whether code a stands before b: aips 1..4, -1..-4, -5..-8; casa: RR RL LR LL, XX XY YX YY. */
bool mms_uvh5_pol_before(int32_t a, int32_t b, bool casa);

/** A frame of directions of an MS as cat_frame and cat_epoch; false: it has none. */
bool mms_uvh5_frame(const char *reference, const char **frame, double *epoch);

/** The frame of an MS that cat_frame and cat_epoch are, of ICRS whatever the epoch; NULL: none. */
const char *mms_uvh5_reference(const char *frame, double epoch);

/** A mount as UVH5 has it: lower case, "other" for what it does not know. */
void mms_uvh5_mount(const char *mount, char out[32]);

/** Where a phase centre stands at a time; rad. */
typedef struct mms_uvh5_view {
    double lst, app_ra, app_dec, frame_pa;
} mms_uvh5_view;

/** The uvw that a baseline has, uvw_m[3], of antenna 2 - antenna 1 in ITRF, baseline_m[3], seen
 * from a telescope at a longitude. */
void mms_uvh5_expected_uvw(const double *baseline_m, double longitude, const mms_uvh5_view *view,
                           double *uvw_m);

/** Whether uvw are negated, by how much they differ from the expected ones as they are (kept_m) and
 *  negated: kept only where that is ten times better. */
bool mms_uvh5_negates(double kept_m, double negated_m);

/** Where a moving source is at a time, between n > 1 positions; the way from one longitude to the
 *  next is the shorter one. */
void mms_uvh5_interpolate(int64_t n, const double *jds, const double *lons, const double *lats,
                          double jd, double *lon, double *lat);

/** Interpolate between the beginning and the end of a day, over a leap second too. */
double mms_uvh5_dut1(double begin_s, double end_s, double fraction);

#endif
