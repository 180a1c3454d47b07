/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spectral_kernels.c  The kernels of regridding for tests in Python: a request a line as
 * JSON on standard input, an answer a line on standard output, {"error": text} where it is refused.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/measures_priv.h"
#include "transform/regrid.h"

static int64_t integer(const json_t *request, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(request, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static double number(const json_t *request, const char *key)
{
    const json_t *value = json_object_get(request, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

/** The numbers of a list; NaN where a text stands.  The caller frees them. */
static double *numbers(const json_t *request, const char *key, int64_t *n)
{
    const json_t *list = json_object_get(request, key);
    const size_t count = json_array_size(list);
    double *values = calloc(count + 1, sizeof *values);

    for (size_t i = 0; values && i < count; i++) {
        const json_t *value = json_array_get(list, i);
        values[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    if (n)
        *n = (int64_t)count;
    return values;
}

static json_t *list_of(int64_t n, const double *values)
{
    json_t *list = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, isfinite(values[i]) ? json_real(values[i]) : json_null());
    return list;
}

static json_t *failure(const mms_error *err)
{
    return json_pack("{s:s, s:s}", "error", err->msg, "status", mms_status_name(err->code));
}

/* ---- grid -------------------------------------------------------------------------------------*/

static const char *const modes[] = {"channel", "channel_b", "frequency", "velocity", NULL};

static int place_of(const char *word, const char *const *words)
{
    for (int i = 0; word && words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return 0;
}

static mms_grid_opts grid_opts(const json_t *request)
{
    mms_grid_opts opts = MMS_GRID_OPTS_INIT;

    opts.mode = (mms_grid_mode)place_of(json_string_value(json_object_get(request, "mode")), modes);
    opts.optical = json_is_true(json_object_get(request, "optical"));
    opts.nchan = integer(request, "nchan", -1);
    opts.nspw = integer(request, "nspw", 1);
    opts.start = number(request, "start");
    opts.width = number(request, "step");
    if (!isnan(number(request, "restfreq")))
        opts.restfreq_hz = number(request, "restfreq");
    return opts;
}

static json_t *answer_grid(const json_t *request)
{
    const mms_grid_opts opts = grid_opts(request);
    int64_t n, ratio = 0;
    bool wide = false;
    double *freq = numbers(request, "freq", &n), *width = numbers(request, "width", NULL);
    mms_grid *grid = NULL;
    mms_error err;
    json_t *answer;

    if (mms_grid_make(n, freq, width, &opts, &grid, &err) != MMS_OK ||
        mms_wide_ratio(n, freq, width, grid, &ratio, &wide, &err) != MMS_OK) {
        answer = failure(&err);
    } else {
        json_t *warnings = json_array();
        for (int64_t i = 0; i < grid->nwarning; i++)
            json_array_append_new(warnings, json_string(grid->warnings[i]));
        answer =
            json_pack("{s:o, s:o, s:f, s:o, s:I, s:b}", "freq", list_of(grid->nchan, grid->freq_hz),
                      "width", list_of(grid->nchan, grid->width_hz), "scale", grid->weight_scale,
                      "warnings", warnings, "ratio", (json_int_t)ratio, "wide", (int)wide);
    }
    mms_grid_free(&grid);
    free(freq);
    free(width);
    return answer;
}

/* ---- interpolation ----------------------------------------------------------------------------*/

static const char *const methods[] = {"nearest", "linear", "cubic", "spline", "fftshift", NULL};

/** One spectrum of several correlations and how it is interpolated. */
struct spectrum {
    int64_t ncorr, nin, nout;
    int nfloat;
    double *freq_in, *freq, *width;
    float *data, *out;
    uint8_t *flag, *out_flag;
    void *scratch;
};

static void take_spectrum(struct spectrum *s, const json_t *request)
{
    const char *flags = json_string_value(json_object_get(request, "flag"));
    int64_t n;
    double *data = numbers(request, "data", &n);

    s->freq_in = numbers(request, "x", &s->nin);
    s->freq = numbers(request, "freq", &s->nout);
    s->width = numbers(request, "width", NULL);
    s->ncorr = integer(request, "ncorr", 1);
    s->nfloat = (int)integer(request, "nfloat", 2);
    s->data = calloc((size_t)n + 1, sizeof *s->data);
    s->flag = calloc((size_t)(s->nin * s->ncorr) + 1, 1);
    s->out = calloc((size_t)(s->nout * s->ncorr) * 2 + 1, sizeof *s->out);
    s->out_flag = calloc((size_t)(s->nout * s->ncorr) + 1, 1);
    for (int64_t i = 0; i < n; i++)
        s->data[i] = (float)data[i];
    for (int64_t i = 0; flags && flags[i] && i < s->nin * s->ncorr; i++)
        s->flag[i] = flags[i] == 'T';
    free(data);
}

static void drop_spectrum(struct spectrum *s)
{
    free(s->freq_in);
    free(s->freq);
    free(s->width);
    free(s->data);
    free(s->out);
    free(s->flag);
    free(s->out_flag);
    free(s->scratch);
}

static mms_status interpolate(struct spectrum *s, const json_t *request, mms_error *err)
{
    const char *method = json_string_value(json_object_get(request, "method"));
    const mms_interpolation_opts opts = {
        sizeof opts,
        (mms_interpolation_method)place_of(method, methods),
        0,
        s->nin,
        s->nout,
        s->freq,
        s->width,
        json_is_true(json_object_get(request, "wide")),
        json_is_true(json_object_get(request, "exact")) ? MMS_NUMERICS_EXACT : MMS_NUMERICS_CASA,
    };
    const double moved = number(request, "moved");
    mms_interpolation *p = NULL;
    mms_status st;

    MMS_TRY(mms_interpolation_create(&opts, &p, err));
    MMS_TRY(mms_interpolation_aim(p, s->freq_in, err));
    if (!isnan(moved))
        MMS_TRY(mms_interpolation_shift(p, moved, 0, err));
    const size_t room = (size_t)mms_interpolation_scratch(p, s->ncorr);
    s->scratch = aligned_alloc(64, (room + 64) / 64 * 64);
    mms_interpolation_values(p, 1, s->ncorr, s->nfloat, s->data, s->flag, s->out, s->scratch);
    mms_interpolation_flags(p, 1, s->ncorr, s->flag, s->out_flag, s->scratch);
done:
    mms_interpolation_free(&p);
    return st;
}

static json_t *answer_interpolate(const json_t *request)
{
    struct spectrum s = {0};
    mms_error err;
    json_t *answer, *values = json_array();

    take_spectrum(&s, request);
    if (interpolate(&s, request, &err) != MMS_OK) {
        answer = failure(&err);
        json_decref(values);
    } else {
        for (int64_t i = 0; i < s.nout * s.ncorr * s.nfloat; i++)
            json_array_append_new(values,
                                  isfinite(s.out[i]) ? json_real((double)s.out[i]) : json_null());
        for (int64_t i = 0; i < s.nout * s.ncorr; i++)
            s.out_flag[i] = s.out_flag[i] ? 'T' : 'F';
        answer = json_pack("{s:o, s:s}", "data", values, "flag", (const char *)s.out_flag);
    }
    drop_spectrum(&s);
    return answer;
}

/* ---- measures ---------------------------------------------------------------------------------*/

static const char *text_of(const json_t *request, const char *key)
{
    const char *text = json_string_value(json_object_get(request, key));

    return text ? text : "";
}

/** {"time": s, "direction": text, "position": [x, y, z], "velocity": m/s} */
static mms_status take_view(const json_t *view, mms_viewpoint *out, mms_error *err)
{
    int64_t n;
    double *position = numbers(view, "position", &n);

    out->time_s = number(view, "time");
    out->velocity_m_s = number(view, "velocity");
    for (int i = 0; i < 3; i++)
        out->itrf_m[i] = n == 3 ? position[i] : 0;
    free(position);
    return mms_direction_parse(text_of(view, "direction"), &out->direction, err);
}

static json_t *answer_frame(const json_t *request)
{
    const bool exact = json_is_true(json_object_get(request, "exact"));
    mms_viewpoint in, out;
    mms_freq_frame from, to;
    mms_frame_route route;
    mms_error err;
    int64_t n;
    double *freq = numbers(request, "freq", &n);
    json_t *answer;
    mms_status st;

    MMS_TRY(mms_frame_parse(text_of(request, "from"), &from, &err));
    MMS_TRY(mms_frame_parse(text_of(request, "to"), &to, &err));
    MMS_TRY(take_view(json_object_get(request, "in"), &in, &err));
    MMS_TRY(take_view(json_object_get(request, "out"), &out, &err));
    MMS_TRY(mms_frame_route_make(from, &in, to, &out, exact, &route, &err));
    mms_shift_frequencies(route.n, route.factor, n, freq, freq);
done:
    answer = st == MMS_OK ? json_pack("{s:o, s:o}", "freq", list_of(n, freq), "factor",
                                      list_of(route.n, route.factor))
                          : failure(&err);
    free(freq);
    return answer;
}

static json_t *answer_quantity(const json_t *request)
{
    double value;
    mms_error err;

    if (mms_quantity_parse(text_of(request, "text"), text_of(request, "unit"),
                           json_is_true(json_object_get(request, "bare")), &value, &err) != MMS_OK)
        return failure(&err);
    return json_pack("{s:f}", "value", value);
}

static json_t *answer_direction(const json_t *request)
{
    mms_direction d;
    mms_error err;

    if (mms_direction_parse(text_of(request, "text"), &d, &err) != MMS_OK)
        return failure(&err);
    return json_pack("{s:s, s:f, s:f}", "frame", mms_direction_name(d.reference), "lon", d.lon_rad,
                     "lat", d.lat_rad);
}

static json_t *answer_site(const json_t *request)
{
    int64_t n;
    double *antennas = numbers(request, "antennas", &n);
    mms_site site;
    mms_error err;
    const mms_status st =
        mms_site_find(text_of(request, "telescope"), n / 3, antennas, &site, &err);

    free(antennas);
    return st == MMS_OK ? json_pack("{s:o, s:b}", "position", list_of(3, site.itrf_m),
                                    "from_antennas", (int)site.from_antennas)
                        : failure(&err);
}

/** Direction and velocity of a field at some times. */
static json_t *answer_field(const json_t *request)
{
    const int32_t field = (int32_t)integer(request, "field", 0);
    const double time = number(request, "time");
    json_t *answer = json_object();
    mms_fields *fields = NULL;
    mms_direction d;
    bool moves;
    double velocity;
    mms_error err;
    mms_status st;

    MMS_TRY(mms_fields_open(text_of(request, "table"), &fields, &err));
    MMS_TRY(mms_fields_direction(fields, field, time, &d, &err));
    MMS_TRY(mms_fields_moves(fields, field, &moves, &err));
    json_object_set_new(answer, "lon", json_real(d.lon_rad));
    json_object_set_new(answer, "lat", json_real(d.lat_rad));
    json_object_set_new(answer, "frame", json_string(mms_direction_name(d.reference)));
    json_object_set_new(answer, "moves", json_boolean(moves));
    st = mms_fields_velocity(fields, field, time, &velocity, &err);
    json_object_set_new(answer, "velocity",
                        st == MMS_OK ? json_real(velocity) : json_string(err.msg));
    st = MMS_OK;
done:
    mms_fields_close(&fields);
    if (st == MMS_OK)
        return answer;
    json_decref(answer);
    return failure(&err);
}

static json_t *answer_measures(const json_t *request)
{
    mms_freq_frame from, to;
    mms_measures m;
    mms_value *words = NULL;
    mms_error err;
    mms_status st;

    MMS_TRY(mms_frame_parse(text_of(request, "from"), &from, &err));
    MMS_TRY(mms_frame_parse(text_of(request, "to"), &to, &err));
    MMS_TRY(mms_measures_find(&m, &err));
    MMS_TRY(mms_measures_words(number(request, "first"), number(request, "last"), from, to, &words,
                               &err));
done:
    if (st != MMS_OK)
        return failure(&err);
    const double days[] = {m.leap_date, m.earth_first, m.earth_last, m.predict_first,
                           m.predict_last};
    return json_pack("{s:b, s:o, s:o}", "observatories", (int)m.observatories, "days",
                     list_of(5, days), "words", words);
}

/* ---- main -------------------------------------------------------------------------------------*/

struct operation {
    const char *name;
    json_t *(*answer)(const json_t *request);
};

static const struct operation operations[] = {
    {"grid", answer_grid},         {"interpolate", answer_interpolate}, {"frame", answer_frame},
    {"quantity", answer_quantity}, {"direction", answer_direction},     {"site", answer_site},
    {"field", answer_field},       {"measures", answer_measures},
};

static json_t *answer_to(const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "op"));

    for (size_t i = 0; name && i < sizeof operations / sizeof operations[0]; i++)
        if (strcmp(name, operations[i].name) == 0)
            return operations[i].answer(request);
    return json_pack("{s:s}", "error", "no such operation");
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        json_t *request = json_loads(line, JSON_DECODE_INT_AS_REAL * 0, NULL);
        json_t *answer = answer_to(request);
        char *text = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(17));
        puts(text);
        fflush(stdout);
        free(text);
        json_decref(answer);
        json_decref(request);
    }
    free(line);
    return 0;
}
