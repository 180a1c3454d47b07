/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file shift.c  Which fields get which phase centre: a direction, or a dictionary of some
 *  (parallel-tasks 4.11). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/regrid_priv.h"
#include "request_priv.h"
#include "subtables/subtables.h"

typedef struct shifts {
    mms_request *r;
    mms_fields *fields;
    int64_t n, capacity;
    mms_field_shift *list;
} shifts;

/** A frame whose axes turn with time or place. */
static mms_status check_frame(const mms_direction *d, const char *text, mms_error *err)
{
    static const char *const still[] = {"J2000",    "JMEAN", "JTRUE",    "B1950",   "B1950_VLA",
                                        "GALACTIC", "ICRS",  "SUPERGAL", "ECLIPTIC"};
    const char *const name = mms_direction_name(d->reference);

    for (int64_t i = 0; name && i < MMS_COUNT_OF(still); i++)
        if (!strcmp(name, still[i]))
            return MMS_OK;
    return mms_fail(err, MMS_ERR_UNSUPPORTED,
                    "phasecenter=\"%s\": %s depends on time; J2000, ICRS, B1950 or GALACTIC don't",
                    text, name ? name : "the frame");
}

static mms_status parse_centre(const char *text, mms_direction *out, mms_error *err)
{
    const mms_status st = mms_direction_parse(text, out, err);

    return st == MMS_OK ? check_frame(out, text, err)
                        : mms_wrap(err, st,
                                   "Cannot interpret phase center string as a direction "
                                   "object: %s",
                                   text);
}

/** Move a field; its PHASE_DIR stays in its frame. */
static mms_status add_shift(shifts *s, int32_t field, const char *text, mms_error *err)
{
    /* What CASA writes to FIELD is that of MJD 0, which B1950 feels: 0.7 arcsec */
    const double epoch = s->r->numerics == MMS_NUMERICS_CASA ? 0 : NAN;
    mms_direction centre, from, told;
    bool moves;
    mms_status st;

    MMS_TRY(parse_centre(text, &centre, err));
    MMS_TRY(mms_fields_moves(s->fields, field, &moves, err));
    if (moves)
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "phasecenter=\"%s\": the direction of field %" PRId32
                         " depends on time (a polynomial or an ephemeris)",
                         text, field));
    MMS_TRY(mms_fields_direction(s->fields, field, 0, &from, err));
    MMS_TRY(check_frame(&from, mms_direction_name(from.reference), err));
    MMS_TRY(mms_direction_convert(&centre, from.reference, epoch, &told, err));
    MMS_TRY(mms_direction_convert(&centre, from.reference, NAN, &centre, err));
    MMS_TRY(mms_grow(&s->list, &s->capacity, s->n + 1, sizeof *s->list, err));
    s->list[s->n++] = (mms_field_shift){
        field, mms_rotation_make(from.lon_rad, from.lat_rad, centre.lon_rad, centre.lat_rad)};
    json_array_append_new(s->r->fields, json_pack("{sI s[[ff]]}", "row", (json_int_t)field,
                                                  "PHASE_DIR", told.lon_rad, told.lat_rad));
done:
    return st;
}

static bool has_rows(const mms_request *r, int32_t field)
{
    for (int64_t i = 0; i < r->meta.ncell; i++)
        if (r->meta.cells[i].field == field)
            return true;
    return false;
}

/** Every selected field; those without rows where they can be shifted. */
static mms_status add_all(shifts *s, const char *text, mms_error *err)
{
    const mms_ids given = mms_selection_fields(s->r->selection);
    const int64_t n = given.given ? given.n : mms_fields_count(s->fields);
    mms_direction centre;
    mms_status st = parse_centre(text, &centre, err);

    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        const int32_t field = given.given ? given.ids[i] : (int32_t)i;
        st = add_shift(s, field, text, err);
        if (st == MMS_ERR_UNSUPPORTED && !has_rows(s->r, field))
            st = MMS_OK;
    }
    return st;
}

static mms_status add_dictionary(shifts *s, const mms_value *dictionary, mms_error *err)
{
    const int64_t nfield = mms_fields_count(s->fields);
    const char *key;
    mms_value *value;

    json_object_foreach((mms_value *)dictionary, key, value)
    {
        char *end;
        const long field = strtol(key, &end, 10);
        if (end == key || *end)
            return mms_fail(err, MMS_ERR_ARG, "phasecenter: \"%s\" is no field id", key);
        if (field < 0 || field >= nfield)
            return mms_fail(err, MMS_ERR_ARG,
                            "phasecenter: Wrong field ID given: %ld. This MeasurementSet has field "
                            "IDs between 0 and %" PRId64,
                            field, nfield - 1);
        if (!json_is_string(value))
            return mms_fail(err, MMS_ERR_ARG, "phasecenter: field %ld needs a direction", field);
        const mms_status st = add_shift(s, (int32_t)field, json_string_value(value), err);
        if (st != MMS_OK)
            return st;
    }
    return MMS_OK;
}

static mms_status parse(shifts *s, mms_error *err)
{
    const char *text = s->r->phasecenter;
    mms_value *dictionary;
    mms_status st;

    if (text[strspn(text, " ")] != '{')
        return add_all(s, text, err);
    st = mms_value_parse(text, &dictionary, err);
    if (st != MMS_OK)
        return mms_wrap(err, st, "phasecenter");
    if (json_object_size(dictionary) == 0)
        st = mms_fail(err, MMS_ERR_ARG, "phasecenter parameter must be specified");
    else
        st = add_dictionary(s, dictionary, err);
    mms_value_free(&dictionary);
    return st;
}

mms_status mms_request_add_shift(mms_request *r, mms_error *err)
{
    shifts s = {.r = r};
    mms_step *step;
    mms_status st;

    if (!r->phasecenter)
        return MMS_OK;
    r->fields = json_array();
    MMS_TRY(mms_fields_open(mms_ms_subtable(r->ms, "FIELD"), &s.fields, err));
    MMS_TRY(parse(&s, err));
    MMS_TRY(mms_phaseshift_step(s.n, s.list, &step, err));
    MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
done:
    mms_fields_close(&s.fields);
    free(s.list);
    return st;
}
