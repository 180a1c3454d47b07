/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file places.c  Where the antennas of a file stand, the uvw that gives, and its sky. */
#include <string.h>

#include "import_priv.h"

double *mms_uvh5_places(const mms_uvh5_in *in)
{
    double *const places = mms_alloc(3 * in->nrow_ant, sizeof *places);

    for (int64_t a = 0; places && a < in->nant; a++)
        memcpy(places + 3 * in->number[a], in->position_m + 3 * a, 3 * sizeof *places);
    return places;
}

void mms_uvh5_uvw_of(const mms_uvh5_in *in, const double *places, int64_t blt,
                     const mms_uvh5_view *view, double *uvw)
{
    const double *const p = places + 3 * in->ant1[blt], *const q = places + 3 * in->ant2[blt];
    const double baseline[3] = {q[0] - p[0], q[1] - p[1], q[2] - p[2]};

    mms_uvh5_expected_uvw(baseline, in->geodetic[0], view, uvw);
}

mms_sky mms_uvh5_sky_at(const mms_uvh5_in *in, double jd)
{
    return (mms_sky){.jd = jd,
                     .longitude = in->geodetic[0],
                     .latitude = in->geodetic[1],
                     .height_m = in->geodetic[2]};
}
