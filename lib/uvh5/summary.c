/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file summary.c  What a UVH5 file holds, for people and programs. */
#include <math.h>
#include <sys/stat.h>

#include "side_priv.h"

static mms_value *text_or(mms_value *text, const char *other)
{
    return text ? json_incref(text) : json_string(other);
}

static mms_value *describe_windows(const mms_uvh5_in *in)
{
    mms_value *const list = json_array();

    for (int64_t w = 0; w < in->nspw; w++) {
        const mms_uvh5_span *const s = &in->spans[w];
        json_array_append_new(list,
                              json_pack("{sI sI sf sf sf}", "id", (json_int_t)s->id, "channels",
                                        (json_int_t)s->count, "first_hz", in->freq_hz[s->first],
                                        "last_hz", in->freq_hz[s->first + s->count - 1], "width_hz",
                                        in->width_hz[s->first]));
    }
    return list;
}

static mms_value *describe_pols(const mms_uvh5_in *in)
{
    mms_value *const list = json_array();
    int32_t code = 0;

    for (int32_t s = 0; in->setups[0] && s < in->nsetup; s++)
        if (mms_uvh5_pol_code(in->setups[s], &code))
            json_array_append_new(list, json_string(mms_uvh5_pol_name(code)));
    for (int64_t p = 0; !in->setups[0] && p < in->npol; p++)
        for (int64_t k = 0; k < in->npol; k++)
            if (in->from[k] == p && mms_uvh5_pol_code(in->corr[k], &code))
                json_array_append_new(list, json_string(mms_uvh5_pol_name(code)));
    return list;
}

static mms_value *describe_centres(const mms_uvh5_in *in)
{
    mms_value *const list = json_array();

    for (int64_t i = 0; i < in->nfield; i++) {
        const mms_uvh5_source *const s = &in->fields[i];
        int64_t rows = 0;
        for (int64_t k = 0; k < in->nblt; k++)
            rows += in->field[k] == i;
        json_array_append_new(list, json_pack("{sI ss ss ss sf sf sf sI}", "id", (json_int_t)s->id,
                                              "name", s->name, "type", s->type, "frame", s->frame,
                                              "epoch", s->epoch, "lon_rad", s->lon, "lat_rad",
                                              s->lat, "rows", (json_int_t)rows));
    }
    return list;
}

static void describe_times(const mms_uvh5_in *in, mms_value *result)
{
    double first = in->time_jd[0], last = in->time_jd[0];

    for (int64_t i = 1; i < in->nblt; i++) {
        first = fmin(first, in->time_jd[i]);
        last = fmax(last, in->time_jd[i]);
    }
    json_object_set_new(result, "time_first_jd", json_real(first));
    json_object_set_new(result, "time_last_jd", json_real(last));
    json_object_set_new(result, "integration_time_s", json_real(in->exposure_s[0]));
}

mms_status mms_uvh5_describe(const char *path, mms_value *result, mms_error *err)
{
    mms_uvh5_in in = {0};
    mms_uvh5_counts n;
    mms_value *version = NULL;
    struct stat info;
    mms_status st;

    MMS_TRY(mms_uvh5_in_try(path, err));
    MMS_TRY(mms_uvh5_in_open(path, &in, err));
    MMS_TRY(mms_uvh5_count(&in, &n, err));
    MMS_TRY(mms_uvh5_in_text(&in, "Header/version", &version, err));
    json_object_set_new(result, "file", mms_text_value(path));
    json_object_set_new(result, "version", text_or(version, ""));
    json_object_set_new(result, "telescope", text_or(in.telescope, ""));
    json_object_set_new(result, "longitude_deg", json_real(in.geodetic[0] * 180 / M_PI));
    json_object_set_new(result, "latitude_deg", json_real(in.geodetic[1] * 180 / M_PI));
    json_object_set_new(result, "altitude_m", json_real(in.geodetic[2]));
    json_object_set_new(result, "vis_units", text_or(in.unit, "uncalib"));
    json_object_set_new(result, "bytes", json_integer(stat(path, &info) ? 0 : info.st_size));
    json_object_set_new(result, "blts", json_integer(in.nblt));
    json_object_set_new(result, "times", json_integer(n.times));
    json_object_set_new(result, "baselines", json_integer(n.baselines));
    json_object_set_new(result, "antennas", json_integer(in.nant));
    json_object_set_new(result, "antennas_with_data", json_integer(n.antennas));
    json_object_set_new(result, "channels", json_integer(in.nfreq));
    describe_times(&in, result);
    json_object_set_new(result, "polarizations", describe_pols(&in));
    json_object_set_new(result, "windows", describe_windows(&in));
    json_object_set_new(result, "phase_centers", describe_centres(&in));
done:
    mms_value_free(&version);
    mms_uvh5_in_end(&in);
    return st;
}
