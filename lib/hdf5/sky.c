/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file sky.c  Sidereal time and apparent coordinates by liberfa.
 *  Source: SOFA's rules as IAU 2006/2000A has them. */
#include <erfa.h>
#include <erfam.h>
#include <math.h>

#include "file_priv.h"

/** A time in the scales that are needed, each in two parts. */
typedef struct times {
    double utc[2], tt[2], ut1[2];
} times;

/** Turn ICRS into the mean equator and equinox of J2000 (FK5's axes). */
static void fk5_rotation(double r[3][3])
{
    const double mas = ERFA_DAS2R / 1000;

    eraIr(r);
    eraRz(-22.9 * mas, r);
    eraRy(9.1 * mas, r);
    eraRx(19.9 * mas, r);
}

static void turn(bool back, double *lon, double *lat)
{
    double r[3][3], v[3], turned[3];

    fk5_rotation(r);
    eraS2c(*lon, *lat, v);
    if (back)
        eraTrxp(r, v, turned);
    else
        eraRxp(r, v, turned);
    eraC2s(turned, lon, lat);
    *lon = eraAnp(*lon);
}

/** Turn a direction of the catalogue's frame into ICRS, or back. */
static void change_frame(mms_sky_frame frame, bool to_icrs, double *lon, double *lat)
{
    eraASTROM astrom;
    double from[2] = {*lon, *lat};

    if (frame == MMS_SKY_J2000)
        turn(to_icrs, lon, lat);
    if (frame != MMS_SKY_GCRS)
        return;
    eraApcg13(ERFA_DJ00, 0, &astrom);
    if (to_icrs)
        eraAticq(from[0], from[1], &astrom, lon, lat);
    else
        eraAtciqz(from[0], from[1], &astrom, lon, lat);
}

static mms_status make_times(const mms_sky *s, times *t, mms_error *err)
{
    double tai[2];

    t->utc[0] = floor(s->jd - 0.5) + 0.5;
    t->utc[1] = s->jd - t->utc[0];
    if (eraUtctai(t->utc[0], t->utc[1], &tai[0], &tai[1]) < 0 ||
        eraTaitt(tai[0], tai[1], &t->tt[0], &t->tt[1]) < 0 ||
        eraUtcut1(t->utc[0], t->utc[1], s->dut1_s, &t->ut1[0], &t->ut1[1]) < 0)
        return mms_fail(err, MMS_ERR_ARG, "time: no calendar has the Julian date %.15g", s->jd);
    return MMS_OK;
}

/** The catalogue's direction of an apparent one. */
static void from_apparent(const mms_sky *s, eraASTROM *astrom, double ra, double dec, double *lon,
                          double *lat)
{
    double ri, di;

    eraAtoiq("R", ra, dec, astrom, &ri, &di);
    eraAticq(ri, di, astrom, lon, lat);
    change_frame(s->frame, false, lon, lat);
}

/** How the north of the catalogue's frame is turned where the phase centre is. */
static double frame_angle(mms_sky *s, eraASTROM *astrom, double eo)
{
    const double step = ERFA_DPI / 360;
    double *const ends[2] = {s->below, s->above};

    for (int i = 0; i < 2; i++) {
        double ra = s->app_ra, dec = s->app_dec + (i ? step : -step);
        if (fabs(dec) > ERFA_DPI / 2) { // over the pole
            ra = eraAnp(ra + ERFA_DPI);
            dec = copysign(ERFA_DPI, dec) - dec;
        }
        from_apparent(s, astrom, ra + eo, dec, &ends[i][0], &ends[i][1]);
    }
    return -eraPas(s->below[0], s->below[1], s->above[0], s->above[1]);
}

/** Nutation, most of the work, once: eraGst06a, eraAtco13 and eraAtoc13 would each find it again.
 */
mms_status mms_sky_find(mms_sky *s, mms_error *err)
{
    double aob, zob, hob, dob, rob, eo, ri, di, lon = s->lon, lat = s->lat;
    eraASTROM astrom;
    times t;
    const mms_status st = make_times(s, &t, err);

    if (st != MMS_OK)
        return st;
    if (eraApco13(t.utc[0], t.utc[1], s->dut1_s, s->longitude, s->latitude, s->height_m, s->xp,
                  s->yp, 0, 0, 0, 0, &astrom, &eo) < 0)
        return mms_fail(err, MMS_ERR_ARG, "time: no calendar has the Julian date %.15g", s->jd);
    const double gst = eraAnp(eraEra00(t.ut1[0], t.ut1[1]) - eo);
    s->lst = eraAnp(gst + eraSp00(t.tt[0], t.tt[1]) + s->longitude);
    change_frame(s->frame, true, &lon, &lat);
    eraAtciq(lon, lat, 0, 0, 0, 0, &astrom, &ri, &di);
    eraAtioq(ri, di, &astrom, &aob, &zob, &hob, &dob, &rob);
    s->app_ra = eraAnp(rob - eo);
    s->app_dec = dob;
    s->frame_pa = frame_angle(s, &astrom, eo);
    return MMS_OK;
}

mms_status mms_sky_zenith(mms_sky *s, mms_error *err)
{
    times t;
    const mms_status st = make_times(s, &t, err);

    if (st != MMS_OK)
        return st;
    if (eraAtoc13("A", 0, 0, t.utc[0], t.utc[1], s->dut1_s, s->longitude, s->latitude, s->height_m,
                  s->xp, s->yp, 0, 0, 0, 0, &s->lon, &s->lat) < 0)
        return mms_fail(err, MMS_ERR_ARG, "time: no calendar has the Julian date %.15g", s->jd);
    return MMS_OK;
}

mms_status mms_sky_to_geodetic(const double itrf_m[3], double geodetic[3], mms_error *err)
{
    double place[3] = {itrf_m[0], itrf_m[1], itrf_m[2]};

    if (eraGc2gd(ERFA_WGS84, place, &geodetic[0], &geodetic[1], &geodetic[2]))
        return mms_fail(err, MMS_ERR_ARG, "telescope: %g, %g, %g m is no place on Earth", place[0],
                        place[1], place[2]);
    return MMS_OK;
}

mms_status mms_sky_from_geodetic(const double geodetic[3], double itrf_m[3], mms_error *err)
{
    if (eraGd2gc(ERFA_WGS84, geodetic[0], geodetic[1], geodetic[2], itrf_m))
        return mms_fail(err, MMS_ERR_ARG, "telescope: longitude %g, latitude %g is no place",
                        geodetic[0], geodetic[1]);
    return MMS_OK;
}

mms_status mms_sky_tai_to_utc(double tai_jd, double *utc_jd, mms_error *err)
{
    const double day = floor(tai_jd - 0.5) + 0.5;
    double utc[2];

    if (eraTaiutc(day, tai_jd - day, &utc[0], &utc[1]) < 0)
        return mms_fail(err, MMS_ERR_ARG, "time: no calendar has the Julian date %.15g", tai_jd);
    *utc_jd = utc[0] + utc[1];
    return MMS_OK;
}
