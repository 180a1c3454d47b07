/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file phaseshift.c  Another phase centre (transform-numerics 7.3). */
#include "phaseshift.h"

#include <math.h>

/** The directions of u, v and w towards a direction, as rows. */
static void make_basis(double lon, double lat, double e[3][3])
{
    const double rows[3][3] = {{-sin(lon), cos(lon), 0},
                               {-sin(lat) * cos(lon), -sin(lat) * sin(lon), cos(lat)},
                               {cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)}};

    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            e[i][k] = rows[i][k];
}

mms_rotation mms_rotation_make(double lon0, double lat0, double lon1, double lat1)
{
    double from[3][3], to[3][3];
    mms_rotation r = {{0}};

    make_basis(lon0, lat0, from);
    make_basis(lon1, lat1, to);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            for (int n = 0; n < 3; n++)
                r.m[3 * i + k] += to[i][n] * from[k][n];
    return r;
}

double mms_rotate(const mms_rotation *rotation, double *uvw)
{
    const double *const m = rotation->m, old[3] = {uvw[0], uvw[1], uvw[2]};

    for (int i = 0; i < 3; i++)
        uvw[i] = m[3 * i] * old[0] + m[3 * i + 1] * old[1] + m[3 * i + 2] * old[2];
    return uvw[2] - old[2];
}

void mms_phase_factors(int64_t nchan, const double *freq_hz, double dw_m, mms_complex *factor)
{
    const double turn = -2 * acos(-1.0) / 299792458.0 * dw_m;
    float *const f = (float *)factor;

    for (int64_t k = 0; k < nchan; k++) {
        f[2 * k] = (float)cos(turn * freq_hz[k]);
        f[2 * k + 1] = (float)sin(turn * freq_hz[k]);
    }
}

void mms_shift_phases(int64_t nchan, int64_t ncorr, const mms_complex *factor, mms_complex *data)
{
    const float *const f = (const float *)factor;
    float *const d = (float *)data;

    for (int64_t k = 0; k < nchan; k++)
        for (int64_t c = 0; c < ncorr; c++) {
            float *const at = d + 2 * (k * ncorr + c);
            const float re = at[0], im = at[1];
            at[0] = re * f[2 * k] - im * f[2 * k + 1];
            at[1] = re * f[2 * k + 1] + im * f[2 * k];
        }
}
