/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file zenith.c  Unprojected visibilities, phased to the zenith at the first time: the field gets
 *  its direction, baselines the uvw that antenna positions give; data turn by w as they are read.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import_priv.h"

/** Where no tables are, the file's sidereal time tells UT1 - UTC. */
static mms_status find_dut1(const mms_uvh5_in *in, mms_uvh5_earth *earth, const double *lst,
                            double *dut1_s, mms_error *err)
{
    mms_sky sky = mms_uvh5_sky_at(in, in->time_jd[0]);
    mms_status st;

    *dut1_s = 0;
    MMS_TRY(mms_uvh5_orient(earth, &sky, err));
    if (earth->known || !lst)
        return MMS_OK;
    MMS_TRY(in->hdf5->sky(&sky, err));
    const double off_s = remainder(lst[0] - sky.lst, 2 * M_PI) * 43200 / M_PI / 1.00273790935;
    *dut1_s = fabs(off_s) < 0.91 ? off_s : 0;
done:
    return st;
}

static mms_status orient(const mms_uvh5_in *in, mms_uvh5_earth *earth, double dut1_s, double jd,
                         mms_sky *sky, mms_error *err)
{
    *sky = mms_uvh5_sky_at(in, jd);
    sky->dut1_s = dut1_s;
    return mms_uvh5_orient(earth, sky, err);
}

/** Entries that were unprojected get the zenith's direction. */
static mms_status name_fields(mms_uvh5_in *in, const mms_sky *zenith, mms_error *err)
{
    for (int64_t f = 0; f < in->nfield; f++) {
        mms_uvh5_source *const s = &in->fields[f];
        if (strcmp(s->type, "unprojected"))
            continue;
        free(s->name);
        s->name = mms_format("zenith_at_jd%.6f", zenith->jd);
        s->reference = "ICRS";
        s->lon = zenith->lon;
        s->lat = zenith->lat;
        if (!s->name)
            return mms_uvh5_in_memory(in, err);
    }
    return MMS_OK;
}

static mms_status turn_rows(mms_uvh5_in *in, mms_uvh5_earth *earth, double dut1_s,
                            const mms_sky *zenith, const double *lst, mms_error *err)
{
    double *const places = mms_uvh5_places(in);
    mms_uvh5_view view = {0};
    double jd = NAN;
    mms_status st = places ? MMS_OK : mms_uvh5_in_memory(in, err);

    for (int64_t i = 0; st == MMS_OK && i < in->nblt; i++) {
        if (!in->turned[in->field[i]])
            continue;
        if (in->time_jd[i] != jd) {
            mms_sky sky;
            jd = in->time_jd[i];
            MMS_TRY(orient(in, earth, dut1_s, jd, &sky, err));
            sky.lon = zenith->lon;
            sky.lat = zenith->lat;
            MMS_TRY(in->hdf5->sky(&sky, err));
            view = (mms_uvh5_view){sky.lst, sky.app_ra, sky.app_dec, sky.frame_pa};
        }
        if (lst)
            view.lst = lst[i];
        mms_uvh5_uvw_of(in, places, i, &view, in->uvw_m + 3 * i);
        mms_uvh5_in_rest(in, i);
    }
done:
    free(places);
    return st;
}

mms_status mms_uvh5_mark_turned(mms_uvh5_in *in, mms_error *err)
{
    for (int64_t f = 0; f < in->nfield; f++) {
        if (strcmp(in->fields[f].type, "unprojected"))
            continue;
        if (!in->turned)
            in->turned = mms_alloc(in->nfield, 1);
        if (!in->turned)
            return mms_uvh5_in_memory(in, err);
        in->turned[f] = 1;
    }
    return MMS_OK;
}

mms_status mms_uvh5_to_zenith(mms_uvh5_in *in, mms_error *err)
{
    mms_uvh5_earth earth = {0};
    mms_sky zenith;
    double *lst = NULL, dut1_s;
    mms_status st;

    MMS_TRY(mms_uvh5_mark_turned(in, err));
    if (!in->turned)
        return MMS_OK;
    if (in->hdf5->has(in->file, "Header/lst_array"))
        MMS_TRY(mms_uvh5_in_rows(in, "Header/lst_array", MMS_H5_DOUBLE, 1, &lst, err));
    MMS_TRY(find_dut1(in, &earth, lst, &dut1_s, err));
    MMS_TRY(orient(in, &earth, dut1_s, in->time_jd[0], &zenith, err));
    MMS_TRY(in->hdf5->zenith(&zenith, err));
    MMS_TRY(name_fields(in, &zenith, err));
    MMS_TRY(turn_rows(in, &earth, dut1_s, &zenith, lst, err));
done:
    mms_spill_free(lst);
    return st;
}
