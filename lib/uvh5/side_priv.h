/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_SIDE_PRIV_H
#define MULTIMS_UVH5_SIDE_PRIV_H
/** @file side_priv.h  What verify and diff compare: UVH5 files, and an MS as it would be exported.
 */

#include "blts_priv.h"
#include "check/report_priv.h"
#include "cubes_priv.h"

typedef struct mms_uvh5_station {
    int64_t number;
    const char *name, *mount; /**< mount: NULL where unknown */
    double itrf_m[3], dish_m;
} mms_uvh5_station;

typedef struct mms_uvh5_centre {
    int64_t id;
    const char *name, *frame;
    double epoch, lon, lat;
} mms_uvh5_centre;

/** A UVH5 file, or what an MS would be as one.  All arrays are its own or its input's. */
typedef struct mms_uvh5_side {
    const char *path;
    bool is_ms, is_ours; /**< ours: a file that multims wrote */
    int64_t nblt, nfreq, npol, nstation, ncentre;
    const double *jd, *uvw_m, *exposure_s; /**< [nblt], uvw_m [nblt][3] */
    int64_t *ant1, *ant2, *centre, *scan;  /**< [nblt]; centre: an id; scan may be NULL */
    const double *freq_hz, *width_hz;      /**< [nfreq] */
    int64_t *window;                       /**< [nfreq], an id */
    int32_t codes[MMS_UVH5_MAX_POL];
    int32_t *setup; /**< [nfreq], of a file whose windows have one polarization each */
    mms_uvh5_station *stations;
    mms_uvh5_centre *centres;
    const char *telescope;
    /* where values come from */
    mms_uvh5_request asked;
    mms_value *settings; /**< of an export, whose texts asked may have; or NULL */
    char *member;        /**< the part that was exported, or NULL */
    mms_uvh5 plan;
    mms_uvh5_in in;
    mms_uvh5_cubes *cubes;
    mms_value *shared;
    mms_uvh5_reader *reader;
    mms_uvh5_values values;
} mms_uvh5_side;

/** What is compared. */
typedef struct mms_uvh5_judged {
    const char *file, *other;        /**< a UVH5 file; another, or NULL */
    const mms_uvh5_request *against; /**< an MS with its selection, or NULL; datacolumn "": as the
                                        file says */
    bool from_history;               /**< what the file was asked for is in it */
    double rtol, atol;
    int64_t show;
} mms_uvh5_judged;

/** Whether a path is that of an HDF5 file, by its signature. */
bool mms_uvh5_is_file(const char *path);

/** Take a file whose header has been read into side->in; or an MS.  Errors: those of the parts.
 *  End a side with mms_uvh5_side_end() whatever the status. */
MMS_CHECKED mms_status mms_uvh5_side_file(mms_uvh5_side *side, const char *path, mms_error *err);
MMS_CHECKED mms_status mms_uvh5_side_ms(mms_uvh5_side *side, const mms_uvh5_request *asked,
                                        const mms_host *host, mms_error *err);
void mms_uvh5_side_end(mms_uvh5_side *side);

/** Read the values of n baseline-times, list[n] ascending, into side->values.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_uvh5_side_read(mms_uvh5_side *side, int64_t n, const int64_t *list,
                                          mms_error *err);

/** Take what an export was asked for from its history, if the MS is what was exported.
 *  Errors: UNSUPPORTED averages; TABLE, MEM. */
MMS_CHECKED mms_status mms_uvh5_take_asked(mms_uvh5_side *ms, const mms_uvh5_side *file,
                                           mms_error *err);

/** Open both sides: the MS or the first file is a, the file that is judged is b. */
MMS_CHECKED mms_status mms_uvh5_open_sides(const mms_uvh5_judged *judged, const mms_host *host,
                                           mms_uvh5_side *a, mms_uvh5_side *b, mms_error *err);

/** Find the baseline-time of b for each of a, to[a->nblt], -1: none.  Where all stand in the same
 *  order that is the answer; else by antennas, phase centre and time (to 1 ms).  Errors: MEM. */
MMS_CHECKED mms_status mms_uvh5_match(const mms_uvh5_side *a, const mms_uvh5_side *b, int64_t *to,
                                      mms_error *err);

/** Judge a file alone: layout, counts, ids, times, places, uvw.  *sound: its header can be read.
 *  Errors: TABLE no UVH5 at all; IO, MEM. */
MMS_CHECKED mms_status mms_uvh5_check_alone(const mms_uvh5_judged *judged, mms_report *report,
                                            bool *sound, mms_error *err);

/** Compare; result gets the checks.  Errors: DIFFERS; those of reading. */
MMS_CHECKED mms_status mms_uvh5_judge(const mms_uvh5_judged *judged, const mms_host *host,
                                      mms_value *result, mms_error *err);
/** A unit of the engine: values of a part of the baseline-times. */
mms_status mms_uvh5_judge_unit(mms_job *job, const mms_value *order, mms_value *answer,
                               mms_error *err);

/** Describe a file: counts, times, windows, phase centres, antennas. */
MMS_CHECKED mms_status mms_uvh5_describe(const char *path, mms_value *result, mms_error *err);

#endif
