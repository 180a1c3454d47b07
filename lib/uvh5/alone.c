/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file alone.c  Is a UVH5 file sound: what pyuvdata's strict checks and the memo ask for. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "side_priv.h"

static bool has(const mms_uvh5_in *in, const char *name)
{
    return in->hdf5->has(in->file, name);
}

static bool is_projected(const mms_uvh5_in *in)
{
    for (int64_t i = 0; i < in->nfield; i++)
        if (strcmp(in->fields[i].type, "unprojected"))
            return true;
    return false;
}

static void check_names(const mms_uvh5_in *in, mms_check *check)
{
    static const char *const needed[] = {"Header/telescope_name", "Header/instrument",
                                         "Header/history",        "Header/Nants_data",
                                         "Header/Nbls",           "Header/Ntimes",
                                         "Header/spw_array",      "Header/polarization_array"};
    static const char *const apparent[] = {"Header/phase_center_app_ra",
                                           "Header/phase_center_app_dec",
                                           "Header/phase_center_frame_pa"};

    for (int64_t i = 0; i < MMS_COUNT_OF(needed); i++)
        if (!has(in, needed[i]))
            mms_check_add(check, NULL, "no %s", needed[i]);
    for (int64_t i = 0; i < MMS_COUNT_OF(apparent) && is_projected(in); i++)
        if (!has(in, apparent[i]))
            mms_check_add(check, NULL, "no %s", apparent[i]);
}

/** Types and shapes that pyuvdata stops at. */
static mms_status check_types(const mms_uvh5_in *in, mms_check *check, mms_error *err)
{
    static const struct {
        const char *name;
        mms_h5_type type;
        int64_t width;
    } typed[] = {{"Header/time_array", MMS_H5_DOUBLE, 8},
                 {"Header/integration_time", MMS_H5_DOUBLE, 8},
                 {"Header/channel_width", MMS_H5_DOUBLE, 8},
                 {"Header/freq_array", MMS_H5_DOUBLE, 8},
                 {"Data/flags", MMS_H5_BOOL, 0}};
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < MMS_COUNT_OF(typed); i++) {
        mms_h5_item item;
        MMS_TRY(in->hdf5->look(in->file, typed[i].name, &item, err));
        if (item.type != typed[i].type || (typed[i].width && item.width != typed[i].width))
            mms_check_add(check, NULL, "%s has elements of another type than the format's",
                          typed[i].name);
        if (item.ndim == 0 && !in->old_shape)
            mms_check_add(check, NULL, "%s is a scalar beside data of three axes", typed[i].name);
    }
done:
    return st;
}

static mms_status check_units(const mms_uvh5_in *in, mms_check *check, mms_error *err)
{
    const char *const unit = in->unit ? json_string_value(in->unit) : "uncalib";
    mms_value *convention = NULL;
    mms_status st;

    MMS_TRY(mms_uvh5_in_text(in, "Header/pol_convention", &convention, err));
    if (strcasecmp(unit, "Jy") && strcasecmp(unit, "uncalib") && strcasecmp(unit, "K str"))
        mms_check_add(check, NULL, "vis_units is \"%s\": Jy, K str or uncalib", unit);
    if (convention && !strcasecmp(unit, "uncalib"))
        mms_check_add(check, NULL, "pol_convention of data that are uncalib");
done:
    mms_value_free(&convention);
    return st;
}

static mms_status check_layout(const mms_uvh5_in *in, mms_report *report, mms_error *err)
{
    mms_check check;
    mms_status st;

    mms_check_start(&check, report, "layout");
    check_names(in, &check);
    MMS_TRY(check_types(in, &check, err));
    MMS_TRY(check_units(in, &check, err));
done:
    mms_check_end(&check, st, NULL);
    return st;
}

static mms_status check_count(const mms_uvh5_in *in, mms_check *check, const char *name,
                              int64_t found, mms_error *err)
{
    double told = (double)found;
    const mms_status st = has(in, name) ? mms_uvh5_in_number(in, name, &told, err) : MMS_OK;

    if (st == MMS_OK && told != (double)found)
        mms_check_add(check, NULL, "%s is %g; there are %" PRId64, name, told, found);
    return st;
}

static mms_status check_counts(const mms_uvh5_in *in, mms_report *report, mms_error *err)
{
    mms_uvh5_counts n;
    mms_check check;
    mms_status st;

    mms_check_start(&check, report, "counts");
    MMS_TRY(mms_uvh5_count(in, &n, err));
    MMS_TRY(check_count(in, &check, "Header/Nbls", n.baselines, err));
    MMS_TRY(check_count(in, &check, "Header/Ntimes", n.times, err));
    MMS_TRY(check_count(in, &check, "Header/Nants_data", n.antennas, err));
    MMS_TRY(check_count(in, &check, "Header/Nphase", in->nfield, err));
done:
    mms_check_end(&check, st, NULL);
    return st;
}

static void check_places(const mms_uvh5_in *in, mms_report *report)
{
    mms_check check;

    mms_check_start(&check, report, "antennas");
    for (int64_t i = 0; i < in->nant; i++) {
        double geodetic[3];
        if (in->hdf5->to_geodetic(in->position_m + 3 * i, geodetic, NULL) != MMS_OK ||
            !(geodetic[2] > -1000 && geodetic[2] < 10000))
            mms_check_add(&check, NULL,
                          "antenna %" PRId64 " stands at (%.9g, %.9g, %.9g) m: not on Earth",
                          in->number[i], in->position_m[3 * i], in->position_m[3 * i + 1],
                          in->position_m[3 * i + 2]);
    }
    mms_check_end(&check, MMS_OK, NULL);
}

static void check_uvw(const mms_uvh5_in *in, mms_report *report)
{
    mms_check check, times;

    mms_check_start(&times, report, "integration times");
    mms_check_start(&check, report, "uvw of auto- and cross-correlations");
    for (int64_t i = 0; i < in->nblt; i++) {
        const double *const p = in->uvw_m + 3 * i;
        const double length = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
        const bool is_auto = in->ant1[i] == in->ant2[i];
        if (!isfinite(in->exposure_s[i]))
            mms_check_add(&times, NULL, "row %" PRId64 ": %g s", i, in->exposure_s[i]);
        if (!isfinite(length) || (is_auto ? length > 1e-3 : length < 1e-3))
            mms_check_add(&check, NULL,
                          "row %" PRId64 " (antennas %" PRId64 ", %" PRId64 "): %.9g m", i,
                          in->ant1[i], in->ant2[i], length);
    }
    mms_check_end(&times, MMS_OK, NULL);
    mms_check_end(&check, MMS_OK, NULL);
}

/** Sidereal times that Earth orientation data give, where there are any. */
static mms_status expected_lst(const mms_uvh5_in *in, double *lst, bool *known, mms_error *err)
{
    mms_uvh5_earth earth = {0}; // casacore's tables
    mms_status st = MMS_OK;

    *known = true;
    for (int64_t i = 0; i < in->nblt; i++) {
        const double jd = in->time_jd[i];
        mms_sky sky = mms_uvh5_sky_at(in, jd);
        if (i && jd == in->time_jd[i - 1]) {
            lst[i] = lst[i - 1];
            continue;
        }
        MMS_TRY(mms_uvh5_orient(&earth, &sky, err));
        *known = *known && earth.known;
        MMS_TRY(in->hdf5->sky(&sky, err));
        lst[i] = sky.lst;
    }
done:
    return st;
}

static void compare_lst(const mms_uvh5_in *in, const double *expected, bool known,
                        const double *lst, mms_report *report)
{
    const double tolerance = known ? 0.005 : 1.0; // s; UT1 - UTC is below 0.9
    mms_check check;

    mms_check_start(&check, report, "sidereal times");
    for (int64_t i = 0; i < in->nblt; i++) {
        const double off = remainder(lst[i] - expected[i], 2 * M_PI) * 43200 / M_PI;
        if (!(fabs(off) < tolerance))
            mms_check_add(&check, NULL, "row %" PRId64 ": lst_array is off by %.3g s", i, off);
    }
    mms_check_end(&check, MMS_OK, known ? NULL : "to 1 s: no Earth orientation data");
}

/** uvw beside the antenna positions: simulations need not agree, so it is worth a warning. */
static void tell_geometry(const mms_uvh5_in *in, const double *lst, double *const *view,
                          mms_report *report)
{
    double *const places = mms_uvh5_places(in);
    double most = 0;

    for (int64_t i = 0; places && i < in->nblt; i++) {
        const mms_uvh5_view v = {lst[i], view[0][i], view[1][i], view[2][i]};
        double e[3];
        mms_uvh5_uvw_of(in, places, i, &v, e);
        for (int k = 0; k < 3; k++)
            most = fmax(most, fabs(in->uvw_m[3 * i + k] - e[k]));
    }
    if (most > 1)
        mms_report_warn(report, "%s: uvw differ from the antenna positions by up to %.4g m",
                        in->path, most);
    free(places);
}

static mms_status check_sky(const mms_uvh5_in *in, mms_report *report, mms_error *err)
{
    static const char *const names[] = {"Header/phase_center_app_ra", "Header/phase_center_app_dec",
                                        "Header/phase_center_frame_pa"};
    double *const expected = mms_alloc(in->nblt, sizeof *expected);
    double *lst = NULL, *view[3] = {NULL};
    bool known = false, all = true;
    mms_status st;

    MMS_TRY(expected ? expected_lst(in, expected, &known, err) : mms_uvh5_in_memory(in, err));
    if (has(in, "Header/lst_array")) {
        MMS_TRY(mms_uvh5_in_numbers(in, "Header/lst_array", MMS_H5_DOUBLE, in->nblt, &lst, err));
        compare_lst(in, expected, known, lst, report);
    }
    for (int i = 0; i < 3; i++)
        all = all && has(in, names[i]);
    for (int i = 0; all && i < 3; i++)
        MMS_TRY(mms_uvh5_in_numbers(in, names[i], MMS_H5_DOUBLE, in->nblt, &view[i], err));
    if (all)
        tell_geometry(in, lst ? lst : expected, view, report);
done:
    for (int i = 0; i < 3; i++)
        free(view[i]);
    free(lst);
    free(expected);
    return st;
}

/** A header that contradicts itself is a finding; what is no UVH5 file at all is not. */
static mms_status open_header(const char *path, mms_uvh5_in *in, mms_report *report, bool *sound,
                              mms_error *err)
{
    mms_check check;
    mms_h5 *file = NULL;
    mms_status st;

    *sound = false;
    st = mms_uvh5_in_try(path, err);
    if (st != MMS_OK && st != MMS_ERR_TABLE && st != MMS_ERR_NOT_FOUND)
        return st;
    MMS_TRY(mms_hdf5_load(&in->hdf5, err));
    MMS_TRY(in->hdf5->open(path, &file, err));
    const bool is = in->hdf5->is_group(file, "Header") && in->hdf5->is_group(file, "Data");
    MMS_TRY(in->hdf5->close(&file, err));
    st = mms_uvh5_in_open(path, in, err);
    *sound = st == MMS_OK;
    mms_check_start(&check, report, "header");
    if (is && (st == MMS_ERR_TABLE || st == MMS_ERR_NOT_FOUND)) {
        mms_check_add(&check, NULL, "%s", err->msg);
        st = MMS_OK;
    }
    mms_check_end(&check, st, NULL);
done:
    return st;
}

mms_status mms_uvh5_check_alone(const mms_uvh5_judged *judged, mms_report *report, bool *sound,
                                mms_error *err)
{
    mms_uvh5_in in = {0};
    mms_status st;

    MMS_TRY(open_header(judged->file, &in, report, sound, err));
    if (*sound) {
        MMS_TRY(check_layout(&in, report, err));
        MMS_TRY(check_counts(&in, report, err));
        check_places(&in, report);
        check_uvw(&in, report);
        MMS_TRY(check_sky(&in, report, err));
    }
done:
    mms_uvh5_in_end(&in);
    return st;
}
