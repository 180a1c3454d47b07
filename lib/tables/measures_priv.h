/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MEASURES_PRIV_H
#define MULTIMS_MEASURES_PRIV_H
/** @file measures_priv.h  Units, directions, places, frames of frequencies, by casacore's measures.
 *
 *  casacore reads tables for that (leap seconds, Earth orientation, observatories).  It looks for
 *  them below the folders of the environment's MULTIMS_MEASURES (separated by colons, each with
 *  geodetic/ and ephemerides/), where measures.directory of ~/.casarc points, and where Debian's
 *  packages put them.  The first call of the process fixes that; workers inherit the environment.
 */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- units ------------------------------------------------------------------------------------*/

/** Read a quantity such as "-1.5km/s" into a unit such as "m/s"; any unit that casacore knows.
 *  A number alone has no unit: it is taken in the wanted one if bare, else refused.
 *  Errors: ARG not a quantity, another kind of unit, not finite. */
MMS_CHECKED mms_status mms_quantity_parse(const char *text, const char *unit, bool bare,
                                          double *value, mms_error *err);

/* ---- directions -------------------------------------------------------------------------------*/

/** A direction in one of casacore's reference frames (J2000, ICRS, GALACTIC, AZEL, JUPITER, …). */
typedef struct mms_direction {
    int32_t reference; /**< casacore's MDirection::Types */
    double lon_rad, lat_rad;
} mms_direction;

/** Read "J2000 04h10m00s 30d00m00s", "ICRS 1.2rad 0.5rad", "J2000 60deg 30deg", "JUPITER"; without
 *  a frame it is J2000.  Errors: ARG "Cannot interpret phase center …". */
MMS_CHECKED mms_status mms_direction_parse(const char *text, mms_direction *out, mms_error *err);

/** Give a direction in another frame; neither depends on place, nor on time but for B1950: the
 * fixed stars of FK4 move in J2000.
 *  @param tdb_mjd  the epoch in days, NAN for casacore's 2000.0
 *  Errors: TABLE. */
MMS_CHECKED mms_status mms_direction_convert(const mms_direction *direction, int32_t reference,
                                             double tdb_mjd, mms_direction *out, mms_error *err);

/** Find the number of a reference frame by name, and its name.  Errors: ARG. */
MMS_CHECKED mms_status mms_direction_reference(const char *name, int32_t *reference,
                                               mms_error *err);
const char *mms_direction_name(int32_t reference);

/** The directions of a FIELD table, by row and time. */
typedef struct mms_fields mms_fields;

/** Open the FIELD sub-table at path.  Errors: NOT_FOUND, TABLE an ephemeris can't be read. */
MMS_CHECKED mms_status mms_fields_open(const char *path, mms_fields **out, mms_error *err);
void mms_fields_close(mms_fields **fields);
int64_t mms_fields_count(const mms_fields *fields);

/** The phase direction of a field at a time in MJD seconds UTC: from PHASE_DIR, along its
 *  polynomial, or that of its ephemeris.  Errors: RANGE no such field, or the ephemeris does not
 *  have the time. */
MMS_CHECKED mms_status mms_fields_direction(mms_fields *fields, int32_t field, double time_s,
                                            mms_direction *out, mms_error *err);

/** Whether the direction depends on time. */
MMS_CHECKED mms_status mms_fields_moves(mms_fields *fields, int32_t field, bool *moves,
                                        mms_error *err);

/** The geocentric radial velocity of a field's ephemeris in m/s.
 *  Errors: ARG the field has none of type GEO (CASA's text); RANGE as above. */
MMS_CHECKED mms_status mms_fields_velocity(mms_fields *fields, int32_t field, double time_s,
                                           double *velocity_m_s, mms_error *err);

/** Turn a radial velocity of a reference that needs neither time nor place (LSRK, LSRD, BARY,
 *  GALACTO) to LSRK, in m/s.  Errors: ARG another reference. */
MMS_CHECKED mms_status mms_velocity_lsrk(const char *reference, double velocity_m_s,
                                         const mms_direction *direction, double *out_m_s,
                                         mms_error *err);

/* ---- places -----------------------------------------------------------------------------------*/

/** Where a telescope is. */
typedef struct mms_site {
    double itrf_m[3];
    bool from_antennas; /**< casacore does not know the telescope: the mean of its antennas */
} mms_site;

/** Find a telescope (OBSERVATION.TELESCOPE_NAME) among the observatories, or take the mean of n
 *  antennas, antenna_m[n][3] (ANTENNA.POSITION, ITRF); those at 0, 0, 0 do not count.
 *  Errors: ARG neither gives a place on Earth. */
MMS_CHECKED mms_status mms_site_find(const char *telescope, int64_t n, const double *antenna_m,
                                     mms_site *out, mms_error *err);

/* ---- the sky ----------------------------------------------------------------------------------*/

/** Find the elevations (AZEL) of a direction over n places, itrf_m[n][3], at a time in MJD seconds
 *  UTC.  Errors: NOT_FOUND, TABLE as mms_frame_route_make(). */
MMS_CHECKED mms_status mms_sky_elevations(const mms_direction *direction, double time_s, int64_t n,
                                          const double (*itrf_m)[3], double *elevation_rad,
                                          mms_error *err);

/** Find the parallactic angles of a direction over n places: of the pole against the zenith, as
 *  above. */
MMS_CHECKED mms_status mms_sky_parallactics(const mms_direction *direction, double time_s,
                                            int64_t n, const double (*itrf_m)[3], double *angle_rad,
                                            mms_error *err);

/** Turn n places, itrf_m[n][3], to the axes u, v, w (J2000) of a direction at a time in MJD seconds
 *  UT1: uvw_m[n][3], from the first of them, w towards the direction.  Errors: as above. */
MMS_CHECKED mms_status mms_sky_baselines(const mms_direction *direction, double ut1_s, int64_t n,
                                         const double (*itrf_m)[3], double (*uvw_m)[3],
                                         mms_error *err);

/* ---- frames of frequencies --------------------------------------------------------------------*/

/** Frames; numbers are those of SPECTRAL_WINDOW.MEAS_FREQ_REF, but for SOURCE. */
typedef enum mms_freq_frame {
    MMS_FRAME_REST = 0,
    MMS_FRAME_LSRK,
    MMS_FRAME_LSRD,
    MMS_FRAME_BARY,
    MMS_FRAME_GEO,
    MMS_FRAME_TOPO,
    MMS_FRAME_GALACTO,
    MMS_FRAME_LGROUP,
    MMS_FRAME_CMB,
    MMS_FRAME_COUNT,
    MMS_FRAME_SOURCE = 100 /**< GEO, then the velocity of the source (mms_source_factor()) */
} mms_freq_frame;

/** Read a frame's name in any case.  Errors: ARG, with the names that are allowed. */
MMS_CHECKED mms_status mms_frame_parse(const char *name, mms_freq_frame *out, mms_error *err);
/** Return the name of a frame, "frame 7 …" is never returned: NULL where there is none. */
const char *mms_frame_name(int32_t frame);

/** From where and when frequencies are seen. */
typedef struct mms_viewpoint {
    double time_s; /**< MJD seconds UTC */
    mms_direction direction;
    double itrf_m[3];
    double velocity_m_s; /**< radial, LSRK, of what is at rest in REST; NAN: not known */
} mms_viewpoint;

/** Factors by which frequencies are multiplied, one after another (mms_shift_frequencies()). */
enum { MMS_MAX_FRAME_STEPS = 12 };
typedef struct mms_frame_route {
    int64_t n;
    double factor[MMS_MAX_FRAME_STEPS];
} mms_frame_route;

/** Find the way of frequencies from a frame seen from in to a frame seen from out; SOURCE is GEO.
 *  CASA's way goes over LSRK whatever the frames, Earth terms upwards have in's epoch and out's
 *  direction, and those to LSRK in's direction; one frame to itself is no step at all.  exact: the
 *  shortest way, and in's direction (the field's) everywhere.  The result depends on the arguments
 *  alone, not on what was converted before.
 *  Errors: ARG REST without a velocity; NOT_FOUND no table of leap seconds where one is needed;
 *          TABLE casacore refused.
 *  Source: transform-numerics 6.2. */
MMS_CHECKED mms_status mms_frame_route_make(mms_freq_frame from, const mms_viewpoint *in,
                                            mms_freq_frame to, const mms_viewpoint *out, bool exact,
                                            mms_frame_route *route, mms_error *err);

/** Whether the way between two frames depends on the epoch. */
bool mms_frame_needs_epoch(mms_freq_frame from, mms_freq_frame to);

/* ---- measures data ----------------------------------------------------------------------------*/

/** What tables there are; days are MJD, NAN where there is no table. */
typedef struct mms_measures {
    bool observatories;
    double leap_date;                   /**< date of TAI_UTC; it knows half a year more */
    double earth_first, earth_last;     /**< Earth orientation as measured (IERSeop97) */
    double predict_first, predict_last; /**< as predicted (IERSpredict) */
} mms_measures;

/** Look for the tables.  Errors: ARG MULTIMS_MEASURES names no folder of measures data. */
MMS_CHECKED mms_status mms_measures_find(mms_measures *out, mms_error *err);

/** Earth orientation at 0h UTC of one day. */
typedef struct mms_earth_day {
    double dut1_s, x_arcsec, y_arcsec;
} mms_earth_day;

/** Read the orientation at the beginning and end of a day (MJD) from IERSeop2000, IERSeop97 or
 *  IERSpredict, the first that has both.  *known: whether one has.
 *  Errors: as mms_measures_find(). */
MMS_CHECKED mms_status mms_earth_read(int64_t mjd, mms_earth_day days[2], bool *known,
                                      mms_error *err);

/** Say in sentences, one a matter, what is missing or too old for epochs from first_s to last_s
 *  (MJD seconds UTC) between two frames, and what that does to frequencies; an empty list where all
 *  is there, or none is needed.  New reference.  Errors: as mms_measures_find(), MEM. */
MMS_CHECKED mms_status mms_measures_words(double first_s, double last_s, mms_freq_frame from,
                                          mms_freq_frame to, mms_value **out, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
