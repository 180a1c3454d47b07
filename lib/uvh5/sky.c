/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file sky.c  Sidereal time and apparent coordinates of each time and phase centre. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tables/measures_priv.h"
#include "uvh5_priv.h"

enum { NSLOT = 4096 };

/** What was found for a time and a field. */
typedef struct slot {
    bool used;
    double jd;
    int32_t field;
    mms_uvh5_view view;
} slot;

/** Whether orientation is known for all times. */
static mms_status find_earth(mms_uvh5 *u, mms_uvh5_earth *e, mms_error *err)
{
    const bool asked = strcmp(u->asked->eop, "none") != 0;

    u->has_earth = asked;
    for (int64_t i = 0; u->has_earth && i < u->nblt; i++) {
        const mms_status st = mms_uvh5_earth_day(e, u->jd[i], err);
        if (st != MMS_OK)
            return st;
        u->has_earth = e->known;
        mms_uvh5_rest(u, i);
    }
    if (!u->has_earth)
        MMS_UVH5_TELL(u, MMS_LOG_INFO,
                      asked ? "no Earth orientation data for MJD %.0f: lst_array left out; "
                              "apparent coordinates to 0.5 arcsec"
                            : "eop=none (MJD %.0f): lst_array left out; apparent coordinates to "
                              "0.5 arcsec",
                      floor(e->valid ? (double)e->mjd : u->jd[0] - 2400000.5));
    return MMS_OK;
}

/** From one direction to another, as seen from the first: north through east. */
static double position_angle(const mms_direction *a, const mms_direction *b)
{
    const double dl = b->lon_rad - a->lon_rad;
    const double y = sin(dl) * cos(b->lat_rad);
    const double x =
        sin(b->lat_rad) * cos(a->lat_rad) - cos(b->lat_rad) * sin(a->lat_rad) * cos(dl);

    return atan2(y, x);
}

static mms_status convert(int32_t from, int32_t to, const double in[2], mms_direction *out,
                          mms_error *err)
{
    const mms_direction direction = {from, in[0], in[1]};

    return mms_direction_convert(&direction, to, NAN, out, err);
}

/** A frame that only casacore knows: by ICRS and back. */
static mms_status find_by_casacore(const mms_uvh5 *u, int32_t reference, mms_sky *sky,
                                   mms_error *err)
{
    const double given[2] = {sky->lon, sky->lat};
    mms_direction there, ends[2];
    int32_t icrs;
    mms_status st;

    MMS_TRY(mms_direction_reference("ICRS", &icrs, err));
    MMS_TRY(convert(reference, icrs, given, &there, err));
    sky->lon = there.lon_rad;
    sky->lat = there.lat_rad;
    MMS_TRY(u->hdf5->sky(sky, err));
    MMS_TRY(convert(icrs, reference, sky->below, &ends[0], err));
    MMS_TRY(convert(icrs, reference, sky->above, &ends[1], err));
    sky->frame_pa = -position_angle(&ends[0], &ends[1]);
done:
    return st;
}

static mms_status find_view(const mms_uvh5 *u, mms_uvh5_earth *e, double jd, int32_t field,
                            mms_uvh5_view *view, mms_error *err)
{
    const mms_uvh5_field *const f = &u->fields[field];
    mms_sky sky = {.jd = jd,
                   .longitude = u->geodetic[0],
                   .latitude = u->geodetic[1],
                   .height_m = u->geodetic[2],
                   .lon = f->lon,
                   .lat = f->lat,
                   .frame = f->sky};
    mms_status st = u->has_earth ? mms_uvh5_orient(e, &sky, err) : MMS_OK;

    if (f->ntime > 1)
        mms_uvh5_interpolate(f->ntime, f->times_jd, f->lons, f->lats, jd, &sky.lon, &sky.lat);
    if (st == MMS_OK)
        st = f->reference >= 0 ? find_by_casacore(u, f->reference, &sky, err)
                               : u->hdf5->sky(&sky, err);
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
    mms_uvh5_earth e = {0};
    mms_status st;

    u->lst = mms_spill_alloc(4 * u->nblt, sizeof *u->lst);
    MMS_TRY(slots && u->lst ? MMS_OK : mms_uvh5_no_memory(u, err));
    u->app_ra = u->lst + u->nblt;
    u->app_dec = u->app_ra + u->nblt;
    u->frame_pa = u->app_dec + u->nblt;
    MMS_TRY(mms_uvh5_earth_open(u->asked->eop, &e, err));
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
        mms_uvh5_rest(u, i);
    }
done:
    mms_uvh5_earth_close(&e);
    free(slots);
    return st;
}
