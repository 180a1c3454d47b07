/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file sky.c  Sidereal time and apparent coordinates of each time and phase centre. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tables/measures_priv.h"
#include "uvh5_priv.h"

enum { NSLOT = 4096 };

static const double ARCSEC_RAD = 4.848136811095359935899141e-6;

/** Orientation of the day that was asked for last. */
typedef struct earth {
    int64_t mjd;
    bool valid, known;
    mms_earth_day days[2];
} earth;

/** What was found for a time and a field. */
typedef struct slot {
    bool used;
    double jd;
    int32_t field;
    mms_uvh5_view view;
} slot;

static mms_status read_day(earth *e, double jd, mms_error *err)
{
    const int64_t mjd = (int64_t)floor(jd - 2400000.5);

    if (e->valid && e->mjd == mjd)
        return MMS_OK;
    e->mjd = mjd;
    e->valid = true;
    e->known = false;
    return mms_earth_read(mjd, e->days, &e->known, err);
}

/** Whether orientation is known for all times. */
static mms_status find_earth(mms_uvh5 *u, earth *e, mms_error *err)
{
    u->has_earth = u->asked->eop;
    for (int64_t i = 0; u->has_earth && i < u->nblt; i++) {
        const mms_status st = read_day(e, u->jd[i], err);
        if (st != MMS_OK)
            return st;
        u->has_earth = e->known;
    }
    if (!u->has_earth)
        MMS_UVH5_TELL(u, MMS_LOG_INFO,
                      u->asked->eop
                          ? "no Earth orientation data for MJD %.0f: lst_array left out; "
                            "apparent coordinates to 0.5 arcsec"
                          : "eop=none (MJD %.0f): lst_array left out; apparent coordinates to "
                            "0.5 arcsec",
                      floor(e->valid ? (double)e->mjd : u->jd[0] - 2400000.5));
    return MMS_OK;
}

static mms_status orient(const mms_uvh5 *u, earth *e, mms_sky *sky, mms_error *err)
{
    if (!u->has_earth)
        return MMS_OK;
    const mms_status st = read_day(e, sky->jd, err);
    const double part = sky->jd - 2400000.5 - (double)e->mjd;
    const mms_earth_day *const d = e->days;

    if (st != MMS_OK)
        return st;
    sky->dut1_s = mms_uvh5_dut1(d[0].dut1_s, d[1].dut1_s, part);
    sky->xp = (d[0].x_arcsec + (d[1].x_arcsec - d[0].x_arcsec) * part) * ARCSEC_RAD;
    sky->yp = (d[0].y_arcsec + (d[1].y_arcsec - d[0].y_arcsec) * part) * ARCSEC_RAD;
    return MMS_OK;
}

static mms_status find_view(const mms_uvh5 *u, earth *e, double jd, int32_t field,
                            mms_uvh5_view *view, mms_error *err)
{
    const mms_uvh5_field *const f = &u->fields[field];
    mms_sky sky = {.jd = jd,
                   .longitude = u->geodetic[0],
                   .latitude = u->geodetic[1],
                   .height_m = u->geodetic[2],
                   .lon = f->lon,
                   .lat = f->lat,
                   .j2000 = f->j2000};
    mms_status st = orient(u, e, &sky, err);

    if (st == MMS_OK)
        st = u->hdf5->sky(&sky, err);
    *view = (mms_uvh5_view){sky.lst, sky.app_ra, sky.app_dec, sky.frame_pa};
    return st;
}

static slot *slot_of(slot *slots, double jd, int32_t field)
{
    uint64_t bits;

    memcpy(&bits, &jd, sizeof bits);
    bits = (bits ^ ((uint64_t)field << 40)) * 0x9e3779b97f4a7c15U;
    return &slots[bits >> 52];
}

mms_status mms_uvh5_find_sky(mms_uvh5 *u, mms_error *err)
{
    slot *const slots = mms_alloc(NSLOT, sizeof *slots);
    earth e = {0};
    mms_status st;

    u->lst = mms_alloc(4 * u->nblt, sizeof *u->lst);
    MMS_TRY(slots && u->lst ? MMS_OK : mms_uvh5_no_memory(u, err));
    u->app_ra = u->lst + u->nblt;
    u->app_dec = u->app_ra + u->nblt;
    u->frame_pa = u->app_dec + u->nblt;
    MMS_TRY(find_earth(u, &e, err));
    for (int64_t i = 0; i < u->nblt; i++) {
        slot *const s = slot_of(slots, u->jd[i], u->blts[i].field);
        if (!s->used || s->jd != u->jd[i] || s->field != u->blts[i].field) {
            *s = (slot){.used = true, .jd = u->jd[i], .field = u->blts[i].field};
            MMS_TRY(find_view(u, &e, s->jd, s->field, &s->view, err));
        }
        u->lst[i] = s->view.lst;
        u->app_ra[i] = s->view.app_ra;
        u->app_dec[i] = s->view.app_dec;
        u->frame_pa[i] = s->view.frame_pa;
    }
done:
    free(slots);
    return st;
}
