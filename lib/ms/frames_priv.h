/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FRAMES_PRIV_H
#define MULTIMS_FRAMES_PRIV_H
/** @file frames_priv.h  Frequencies of the rows of an MS in another frame (transform-numerics 6.2).
 */

#include "multims/ms.h"
#include "multims/value.h"
#include "tables/measures_priv.h"

/** To which frame, seen from where and when; the same for every part of a request. */
typedef struct mms_frames_opts {
    int32_t outframe;     /**< mms_freq_frame */
    mms_direction centre; /**< the phase centre of the frame change */
    double reference_s;   /**< reference time, MJD seconds UTC */
    double itrf_m[3];     /**< the place of the array */
    double velocity_m_s;  /**< SOURCE: radial velocity at the reference time; REST: LSRK */
    mms_numerics numerics;
} mms_frames_opts;

typedef struct mms_frames mms_frames;

/** Find the place of the array; a line is logged where it is the mean of the antennas.
 *  Errors: ARG, TABLE. */
MMS_CHECKED mms_status mms_frames_site(mms_ms *ms, mms_site *out, mms_error *err);

/** Find the radial velocity, LSRK in m/s, that SOURCE gives for the source of a field (SYSVEL, of
 *  the first line where there are several).  Errors: NOT_FOUND there is none; ARG rows of SOURCE
 *  disagree, or a reference that is not known (mms_velocity_lsrk()); TABLE, RANGE. */
MMS_CHECKED mms_status mms_frames_sysvel(mms_ms *ms, mms_fields *fields, int32_t field,
                                         double time_s, double *velocity_m_s, mms_error *err);

/** Errors: NOT_FOUND, TABLE, MEM. */
MMS_CHECKED mms_status mms_frames_create(mms_ms *ms, const mms_frames_opts *opts, mms_frames **out,
                                         mms_error *err);
/** *frames is set to NULL; NULL is accepted. */
void mms_frames_free(mms_frames **frames);

/** Find the way of frequencies of frame inframe at the reference time, of which grids are made. */
MMS_CHECKED mms_status mms_frames_reference(mms_frames *frames, int32_t inframe,
                                            mms_frame_route *route, mms_error *err);

/** Return what the frames were made with. */
const mms_frames_opts *mms_frames_asked(const mms_frames *frames);

/** Find the way of the frequencies of rows of a time stamp (MJD seconds UTC) and field; to REST, by
 *  the velocity of the field's own source.
 *  @param[out] velocity_m_s  of the source (outframe SOURCE), which is not in the route
 *  Errors: RANGE an ephemeris does not have the time; those of mms_frame_route_make(). */
MMS_CHECKED mms_status mms_frames_row(mms_frames *frames, int32_t inframe, double time_s,
                                      int32_t field, mms_frame_route *route, double *velocity_m_s,
                                      mms_error *err);

/** At the border between processes. */
mms_value *mms_frames_encode(const mms_frames_opts *opts);
MMS_CHECKED mms_status mms_frames_decode(const mms_value *value, mms_frames_opts *out,
                                         mms_error *err);

#endif
