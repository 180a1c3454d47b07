/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order.c  What all parts of an output share: columns, id maps, cuts. */
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "request_priv.h"
#include "subtables/subtables.h"
#include "transform/transform.h"

static const char *const data_columns[] = {MMS_COL_DATA, MMS_COL_CORRECTED_DATA, MMS_COL_MODEL_DATA,
                                           MMS_COL_FLOAT_DATA, MMS_COL_LAG_DATA};
static const char *const spectra[] = {MMS_COL_WEIGHT_SPECTRUM, MMS_COL_SIGMA_SPECTRUM};

/** Whether a datacolumn word such as "float_data,data" names the column. */
static bool names_column(const char *datacolumn, const char *column)
{
    const mms_column_info *const info = mms_column_info_find(column);
    const size_t n = info ? strlen(info->word) : 0;

    for (const char *at = datacolumn; n && at; at = strchr(at, ','), at = at ? at + 1 : NULL)
        if (!strncmp(at, info->word, n) && (at[n] == '\0' || at[n] == ','))
            return true;
    return false;
}

static void list_data_columns(const mms_ms *ms, mms_text *text)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(data_columns); i++)
        if (mms_ms_find_column(ms, data_columns[i]))
            mms_text_add(text, "%s%s", text->length ? ", " : "", data_columns[i]);
}

mms_status mms_output_check_columns(const mms_ms *ms, const char *datacolumn, mms_error *err)
{
    const bool all = !strcmp(datacolumn, "all");
    mms_text there = {0};
    mms_status st = MMS_OK;

    list_data_columns(ms, &there);
    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(data_columns); i++)
        if (names_column(datacolumn, data_columns[i]) && !mms_ms_find_column(ms, data_columns[i]))
            st = mms_fail(err, MMS_ERR_NOT_FOUND,
                          "datacolumn=\"%s\": Desired column (%s) not found in the input MS "
                          "(%s). It has: %s",
                          datacolumn, data_columns[i], mms_ms_path(ms),
                          there.text ? there.text : "none");
    if (st == MMS_OK && all && !there.length)
        st = mms_fail(err, MMS_ERR_NOT_FOUND, "Did not find and select any data columns. (%s)",
                      mms_ms_path(ms));
    free(there.text);
    return st;
}

bool mms_is_spectrum(const char *column)
{
    return !strcmp(column, spectra[0]) || !strcmp(column, spectra[1]);
}

/** Whether a column holds what an engine has calculated of each row, and rows become others. */
static bool loses_its_rows(const mms_request *r, const char *column)
{
    const mms_column *const c = mms_ms_find_column(r->ms, column);

    return c && c->calculated && !mms_is_standard_column(column) && mms_output_averages_rows(r);
}

bool mms_output_writes(const mms_request *r, const char *column)
{
    bool is_data = false;

    if (loses_its_rows(r, column))
        return false;
    if (mms_is_spectrum(column))
        return mms_request_only_copies(r) || mms_pipeline_out(r->pipeline)->out_spectra;
    if (!strcmp(column, MMS_COL_LAG_DATA) && r->drops_lags)
        return false;
    for (int64_t i = 0; i < MMS_COUNT_OF(data_columns); i++)
        is_data = is_data || !strcmp(column, data_columns[i]);
    return !is_data || !strcmp(r->datacolumn, "all") || names_column(r->datacolumn, column);
}

/** Columns of the input that the output does not have. */
static mms_value *list_skipped(const mms_request *r)
{
    mms_value *skip = json_array();
    mms_text lost = {0};

    for (int64_t i = 0; i < MMS_COUNT_OF(data_columns); i++)
        if (!mms_output_writes(r, data_columns[i]))
            json_array_append_new(skip, mms_text_value(data_columns[i]));
    for (int64_t i = 0; i < MMS_COUNT_OF(spectra); i++)
        if (!mms_output_writes(r, spectra[i]))
            json_array_append_new(skip, mms_text_value(spectra[i]));
    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const char *const column = mms_ms_column(r->ms, i)->name;
        if (!loses_its_rows(r, column))
            continue;
        mms_text_add(&lost, "%s%s", lost.length ? ", " : "", column);
        json_array_append_new(skip, mms_text_value(column));
    }
    if (lost.text)
        mms_log(MMS_LOG_WARN, r->host->task,
                "%s: calculated for each row of the input; left out where rows are averaged",
                lost.text);
    free(lost.text);
    return skip;
}

static void add_columns(const mms_request *r, mms_value *order)
{
    const char *word = r->datacolumn;

    json_object_set_new(order, "skip", list_skipped(r));
    if (!strcmp(word, "corrected"))
        json_object_set_new(order, "rename",
                            json_pack("[ss]", MMS_COL_CORRECTED_DATA, MMS_COL_DATA));
    else if (!strcmp(word, "model"))
        json_object_set_new(order, "rename", json_pack("[ss]", MMS_COL_MODEL_DATA, MMS_COL_DATA));
    const mms_step *const derive = mms_pipeline_find(r->pipeline, "derive");
    char *const derived = derive ? derive->kind->describe(derive) : NULL;
    if (derived)
        mms_log(MMS_LOG_INFO, "partition", "%s written as DATA: %s", word, derived);
    free(derived);
}

/** New id by old id up to the largest one that occurs; ids that are not selected get -1. */
static mms_value *id_map(mms_ids ids, int32_t most)
{
    mms_value *map = json_array();

    for (int64_t i = 0; i < ids.n; i++) {
        if (ids.ids[i] > most)
            continue;
        while ((int64_t)json_array_size(map) <= ids.ids[i])
            if (json_array_append_new(map, json_integer(-1)) != 0)
                return map; // out of memory: the worker refuses the ids that are missing
        json_array_set_new(map, (size_t)ids.ids[i], json_integer(i));
    }
    return map;
}

/** ARRAY_ID has no table that bounds what a user may select. */
static int32_t largest_array(const mms_meta *meta)
{
    int32_t most = 0;

    for (int64_t i = 0; i < meta->ncell; i++)
        most = meta->cells[i].array > most ? meta->cells[i].array : most;
    return most;
}

/** The map of DDIDs (NULL: ids stay) with ddistart added. */
static mms_value *shift_ddids(const mms_request *r, const mms_value *map)
{
    mms_value *shifted = json_array();

    for (int64_t d = 0; d < r->meta.ndd; d++) {
        const mms_value *to = json_array_get(map, (size_t)d);
        const json_int_t id = map ? (to ? json_integer_value(to) : -1) : d;
        json_array_append_new(shifted, json_integer(id < 0 ? id : id + r->ddistart));
    }
    return shifted;
}

/** All rows that are combined get the first DDID. */
static mms_value *combined_ddids(const mms_request *r)
{
    mms_value *map = json_array();

    for (int64_t d = 0; d < r->meta.ndd; d++)
        json_array_append_new(map, json_integer(r->ddistart > 0 ? r->ddistart : 0));
    return map;
}

static void add_maps(const mms_request *r, mms_value *order)
{
    const struct {
        const char *column;
        mms_ids ids;
        int32_t most;
    } lists[] = {{MMS_COL_DATA_DESC_ID, mms_selection_ddids(r->selection), INT32_MAX},
                 {MMS_COL_FIELD_ID, mms_selection_fields(r->selection), INT32_MAX},
                 {MMS_COL_ANTENNA1, mms_selection_antennas(r->selection), INT32_MAX},
                 {MMS_COL_ANTENNA2, mms_selection_antennas(r->selection), INT32_MAX},
                 {MMS_COL_OBSERVATION_ID, mms_selection_observations(r->selection), INT32_MAX},
                 {MMS_COL_ARRAY_ID, mms_selection_arrays(r->selection), largest_array(&r->meta)},
                 {MMS_COL_STATE_ID, mms_selection_states(r->selection), INT32_MAX}};
    mms_value *maps = json_object(), *ddids = NULL;

    for (int64_t i = 0; i < MMS_COUNT_OF(lists); i++)
        if (lists[i].ids.given && r->reindex) {
            mms_value *map = id_map(lists[i].ids, lists[i].most);
            ddids = i == 0 ? map : ddids;
            json_object_set_new_nocheck(maps, lists[i].column, map);
        }
    if (mms_request_new_windows(r))
        json_object_set_new(maps, lists[0].column, combined_ddids(r));
    else if (r->ddistart > 0)
        json_object_set_new(maps, lists[0].column, shift_ddids(r, ddids));
    json_object_set_new(order, "maps", maps);
}

/** What the pipeline adds and leaves out. */
static void add_made(const mms_request *r, mms_value *order)
{
    mms_value *add = json_array();

    json_object_set_new(order, "add", add);
    if (mms_request_only_copies(r))
        return;
    if (r->drops_lags)
        mms_log(MMS_LOG_WARN, "mstransform", "LAG_DATA is not transformed and is left out");
    for (int64_t i = 0; i < MMS_COUNT_OF(spectra); i++)
        if (mms_output_writes(r, spectra[i]))
            json_array_append_new(add, json_string(spectra[i]));
    if (r->continuum.writes_model)
        json_array_append_new(add, json_string(MMS_COL_MODEL_DATA));
}

/** What changes in a column's cells: channels are cut, correlations are, cells are lost. */
static int cut_axes(const mms_request *r, const mms_column *c, bool chans, bool corrs)
{
    const bool follows = mms_output_follows(r, c->name);

    return (chans && (follows || mms_column_has_channels(c->name))) |
           (corrs && (follows || mms_column_has_correlations(c->name))) << 1 |
           mms_output_clears(r, c, -1) << 2;
}

/** Whether a column shares its tiles with one that a cut changes otherwise. */
static bool leaves_its_group(const mms_request *r, const mms_column *c, bool chans, bool corrs)
{
    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const mms_column *other = mms_ms_column(r->ms, i);
        if (!strncmp(c->manager, "Tiled", 5) && !strcmp(c->group, other->group) &&
            cut_axes(r, c, chans, corrs) != cut_axes(r, other, chans, corrs))
            return true;
    }
    return false;
}

/** Columns that a cut changes and whose shape is fixed, by the description or by other columns. */
static void add_reshape(const mms_request *r, mms_value *order)
{
    const bool chans = mms_selection_cuts_channels(r->selection) || json_array_size(r->windows) > 0;
    const bool corrs = mms_selection_corrs(r->selection, 0).given;
    mms_value *reshape = json_array();

    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const mms_column *c = mms_ms_column(r->ms, i);
        if (cut_axes(r, c, chans, corrs) && (c->fixed || leaves_its_group(r, c, chans, corrs)))
            json_array_append_new(reshape, mms_text_value(c->name));
    }
    json_object_set_new(order, "reshape", reshape);
}

mms_status mms_output_scale_bytes(const mms_selection *selection, mms_meta *meta, mms_error *err)
{
    for (int64_t d = 0; d < meta->ndd; d++) {
        const mms_dd *dd = &meta->dds[d];
        const mms_ids corrs = mms_selection_corrs(selection, dd->pol);
        int32_t *chans;
        int64_t nchan;
        const mms_status st = mms_channel_list(selection, dd->spw, dd->nchan, &chans, &nchan, err);
        if (st != MMS_OK)
            return st;
        free(chans);
        const double kept = (double)(nchan ? nchan : dd->nchan) / (dd->nchan ? dd->nchan : 1) *
                            (double)(corrs.given ? corrs.n : dd->ncorr) /
                            (dd->ncorr ? dd->ncorr : 1);
        meta->dd_row_bytes[d] = (int64_t)((double)meta->dd_row_bytes[d] * kept) + 1;
    }
    return MMS_OK;
}

mms_value *mms_part_order_keys(const mms_request *r, const mms_value *shared)
{
    mms_value *const keys = json_copy((mms_value *)shared), *const skip = json_array();

    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const mms_column *const c = mms_ms_column(r->ms, i);
        if (!c->scalar && mms_column_role_of(c->name) != MMS_ROLE_GEOMETRY)
            json_array_append_new(skip, mms_text_value(c->name));
    }
    json_object_set_new(keys, "skip", skip);
    json_object_set_new(keys, "add", json_array());
    json_object_set_new(keys, "reshape", json_array());
    json_object_del(keys, "rename");
    json_object_set_new(keys, "keys", json_true());
    return keys;
}

mms_status mms_part_order_make(const mms_request *r, mms_value **order, mms_error *err)
{
    char *vis = mms_path_absolute(r->vis);
    mms_status st = MMS_OK;

    *order = json_object();
    if (!vis || !*order)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->vis);
    else {
        json_object_set_new(*order, "vis", mms_text_value(vis));
        json_object_set_new(*order, "memory", json_integer(r->how.memory));
        json_object_set_new(*order, "tiles", json_boolean(r->how.tiles));
        json_object_set_new(*order, "share", json_integer(r->share));
        json_object_set_new(*order, "sync", json_boolean(r->how.sync));
        add_columns(r, *order);
        if (r->tile[0])
            json_object_set_new(*order, "tile",
                                json_pack("[III]", (json_int_t)r->tile[0], (json_int_t)r->tile[1],
                                          (json_int_t)r->tile[2]));
        add_made(r, *order);
        add_maps(r, *order);
        add_reshape(r, *order);
    }
    free(vis);
    if (st != MMS_OK)
        mms_value_free(order);
    return st;
}
