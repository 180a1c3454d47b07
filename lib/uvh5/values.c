/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file values.c  Between the values of an MS and those of UVH5. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "values_priv.h"

double mms_uvh5_jd(double time_s)
{
    return time_s / 86400.0 + 2400000.5;
}

double mms_uvh5_time_s(double jd)
{
    return (jd - 2400000.5) * 86400;
}

bool mms_uvh5_pol_code(int32_t corr_type, int32_t *code)
{
    static const int32_t codes[] = {0, 1, 2, 3, 4, -1, -3, -4, -2, -5, -7, -8, -6};

    if (corr_type < 1 || corr_type >= MMS_COUNT_OF(codes))
        return false;
    *code = codes[corr_type];
    return true;
}

int32_t mms_uvh5_corr_type(int64_t code)
{
    int32_t found;

    for (int32_t type = 1; mms_uvh5_pol_code(type, &found); type++)
        if (found == code)
            return type;
    return 0;
}

const char *mms_uvh5_pol_name(int32_t code)
{
    static const char *const stokes[] = {"I", "Q", "U", "V"};
    static const char *const others[] = {"RR", "LL", "RL", "LR", "XX", "YY", "XY", "YX"};

    if (code >= 1 && code <= 4)
        return stokes[code - 1];
    return code <= -1 && code >= -8 ? others[-code - 1] : "?";
}

/** Stokes come first. */
static int32_t place(int32_t code, bool casa)
{
    static const int32_t in_casa[] = {0, 1, 4, 2, 3, 5, 8, 6, 7};

    if (code > 0 || code < -8)
        return code - 100;
    return casa ? in_casa[-code] : -code;
}

bool mms_uvh5_pol_before(int32_t a, int32_t b, bool casa)
{
    return place(a, casa) < place(b, casa);
}

static const struct {
    const char *reference, *frame;
    double epoch;
} frames[] = {{"J2000", "fk5", 2000},
              {"ICRS", "icrs", 2000},
              {"B1950", "fk4", 1950},
              {"B1950_VLA", "fk4", 1979},
              {"APP", "gcrs", 2000}};

bool mms_uvh5_frame(const char *reference, const char **frame, double *epoch)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(frames); i++)
        if (!strcmp(frames[i].reference, reference)) {
            *frame = frames[i].frame;
            *epoch = frames[i].epoch;
            return true;
        }
    return false;
}

const char *mms_uvh5_reference(const char *frame, double epoch)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(frames); i++)
        if (!strcmp(frames[i].frame, frame) && (frames[i].epoch == epoch || !strcmp(frame, "icrs")))
            return frames[i].reference;
    return NULL;
}

void mms_uvh5_mount(const char *mount, char out[32])
{
    static const char *const known[] = {
        "alt-az", "equatorial", "orbiting", "x-y", "alt-az+nasmyth-r", "alt-az+nasmyth-l", "phased",
        "fixed",  "other",      "bizarre",  NULL};
    size_t n = 0;

    for (; mount[n] && n < 31; n++)
        out[n] = (char)tolower((unsigned char)mount[n]);
    out[n] = '\0';
    if (*out && (mount[n] || !mms_names_have(known, out)))
        memcpy(out, "other", sizeof "other");
}

void mms_uvh5_expected_uvw(const double *d, double longitude, const mms_uvh5_view *view,
                           double *uvw)
{
    const double h = view->lst - longitude - view->app_ra;
    const double sh = sin(h), ch = cos(h), sd = sin(view->app_dec), cd = cos(view->app_dec);
    const double sp = sin(view->frame_pa), cp = cos(view->frame_pa);
    const double a = ch * d[0] - sh * d[1];
    const double u = sh * d[0] + ch * d[1], v = -sd * a + cd * d[2];

    uvw[0] = cp * u - sp * v;
    uvw[1] = sp * u + cp * v;
    uvw[2] = cd * a + sd * d[2];
}

bool mms_uvh5_negates(double kept_m, double negated_m)
{
    return !(kept_m < 0.1 * negated_m);
}

double mms_uvh5_dut1(double begin_s, double end_s, double fraction)
{
    const double step = round(end_s - begin_s); // UT1-UTC jumps by a leap second

    return begin_s + (end_s - step - begin_s) * fraction;
}

void mms_uvh5_interpolate(int64_t n, const double *jds, const double *lons, const double *lats,
                          double jd, double *lon, double *lat)
{
    int64_t i = 1;

    while (i < n - 1 && jds[i] < jd)
        i++;
    const double step = jds[i] - jds[i - 1];
    const double part = step > 0 ? (jd - jds[i - 1]) / step : 0;
    *lon = lons[i - 1] + part * remainder(lons[i] - lons[i - 1], 2 * M_PI);
    *lat = lats[i - 1] + part * (lats[i] - lats[i - 1]);
}
