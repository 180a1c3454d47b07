/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fields.c  Phase centres: a field is one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "uvh5_priv.h"

/** How a FIELD table tells the frame of a row. */
typedef struct frames {
    mms_value *words; /**< of PHASE_DIR */
    const mms_value *codes, *types;
    const char *column, *fixed;
} frames;

static mms_status read_frames(mms_table *table, frames *f, mms_error *err)
{
    const mms_status st = mms_table_keywords(table, "PHASE_DIR", &f->words, err);
    const mms_value *const info = json_object_get(f->words, "MEASINFO");

    f->column = json_string_value(json_object_get(info, "VarRefCol"));
    f->codes = json_object_get(info, "TabRefCodes");
    f->types = json_object_get(info, "TabRefTypes");
    f->fixed = json_string_value(json_object_get(info, "Ref"));
    if (!f->fixed)
        f->fixed = "J2000";
    return st;
}

/** The frame of a row, borrowed. */
static mms_status frame_of(mms_table *table, const frames *f, int64_t row, const char **name,
                           mms_error *err)
{
    double code;
    size_t i;
    const mms_value *item;
    mms_status st = MMS_OK;

    *name = f->fixed;
    if (!f->column)
        return MMS_OK;
    st = mms_uvh5_cell_doubles(table, f->column, row, 1, &code, err);
    *name = "?";
    json_array_foreach(f->codes, i, item) if (st == MMS_OK && json_number_value(item) == code)
    {
        const char *const type = json_string_value(json_array_get(f->types, i));
        *name = type ? type : "?";
    }
    return st;
}

static mms_status refuse_moving(mms_table *table, int64_t row, const char *name, mms_error *err)
{
    double id = -1, terms = 0;
    mms_status st = MMS_OK;

    if (mms_table_find_column(table, "EPHEMERIS_ID"))
        st = mms_uvh5_cell_doubles(table, "EPHEMERIS_ID", row, 1, &id, err);
    if (st == MMS_OK && mms_table_find_column(table, "NUM_POLY"))
        st = mms_uvh5_cell_doubles(table, "NUM_POLY", row, 1, &terms, err);
    if (st == MMS_OK && id >= 0)
        st = mms_fail(err, MMS_ERR_UNSUPPORTED,
                      "field %" PRId64 " (\"%s\") has an ephemeris, which is not exported", row,
                      name);
    if (st == MMS_OK && terms > 0)
        st = mms_fail(err, MMS_ERR_ARG,
                      "field %" PRId64 ": PHASE_DIR is a polynomial of %d terms; UVH5 holds one "
                      "direction",
                      row, (int)terms + 1);
    return st;
}

static mms_status read_field(mms_uvh5 *u, mms_table *table, const frames *f, int64_t row,
                             mms_error *err)
{
    mms_uvh5_field *const field = &u->fields[row];
    const char *reference;
    double direction[2], id;
    mms_status st;

    MMS_TRY(mms_uvh5_cell_text(table, "NAME", row, &field->name, err));
    MMS_TRY(refuse_moving(table, row, field->name, err));
    MMS_TRY(frame_of(table, f, row, &reference, err));
    if (!mms_uvh5_frame(reference, &field->frame, &field->epoch))
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "field %" PRId64 " (\"%s\"): direction frame %s is not exported; those "
                         "of J2000 and ICRS are",
                         row, field->name, reference));
    field->j2000 = !strcmp(field->frame, "fk5");
    MMS_TRY(mms_uvh5_cell_doubles(table, "PHASE_DIR", row, 2, direction, err));
    field->lon = direction[0];
    field->lat = direction[1];
    field->id = row;
    if (u->from_pyuvdata && mms_table_find_column(table, "SOURCE_ID")) {
        MMS_TRY(mms_uvh5_cell_doubles(table, "SOURCE_ID", row, 1, &id, err));
        field->id = (int64_t)id;
    }
done:
    return st;
}

/** pyuvdata's MSs: two fields of one SOURCE_ID would be one group. */
static mms_status check_unique(const mms_uvh5 *u, mms_error *err)
{
    for (int64_t i = 0; i < u->nfield; i++)
        for (int64_t k = 0; u->fields[i].used && k < i; k++)
            if (u->fields[k].used && u->fields[k].id == u->fields[i].id)
                return mms_fail(err, MMS_ERR_UNSUPPORTED,
                                "fields %" PRId64 " and %" PRId64 " both have SOURCE_ID %" PRId64
                                "; select one with field=",
                                k, i, u->fields[i].id);
    return MMS_OK;
}

mms_status mms_uvh5_find_fields(mms_uvh5 *u, mms_error *err)
{
    mms_table *table = NULL;
    frames f = {0};
    mms_status st;

    MMS_TRY(mms_uvh5_open_table(u, "FIELD", &table, err));
    u->nfield = mms_table_nrow(table);
    u->fields = mms_alloc(u->nfield, sizeof *u->fields);
    MMS_TRY(u->fields ? MMS_OK : mms_uvh5_no_memory(u, err));
    MMS_TRY(read_frames(table, &f, err));
    for (int64_t i = 0; i < u->nblt; i++) {
        const int32_t id = u->blts[i].field;
        if (id < 0 || id >= u->nfield)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE, "%s: row %" PRId64 ": no field %d",
                             mms_ms_path(u->ms), u->blts[i].first, id));
        if (!u->fields[id].used)
            MMS_TRY(read_field(u, table, &f, id, err));
        u->fields[id].used = true;
    }
    MMS_TRY(check_unique(u, err));
done:
    mms_value_free(&f.words);
    mms_table_drop(&table);
    return st;
}
