/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order.c  What all parts of an output share: columns, id maps, cuts. */
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "order_priv.h"
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

/** Room for a list of names of columns, ended by NULL: those of the input, and some that are made.
 */
static const char **name_list(const mms_request *r)
{
    return mms_alloc(mms_ms_ncolumn(r->ms) + MMS_COUNT_OF(data_columns) + MMS_COUNT_OF(spectra) + 1,
                     sizeof(const char *));
}

/** Columns of the input that the output does not have. */
static void list_skipped(const mms_request *r, const char **skip)
{
    mms_text lost = {0};

    for (int64_t i = 0; i < MMS_COUNT_OF(data_columns); i++)
        if (!mms_output_writes(r, data_columns[i]))
            *skip++ = data_columns[i];
    for (int64_t i = 0; i < MMS_COUNT_OF(spectra); i++)
        if (!mms_output_writes(r, spectra[i]))
            *skip++ = spectra[i];
    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const char *const column = mms_ms_column(r->ms, i)->name;
        if (!loses_its_rows(r, column))
            continue;
        mms_text_add(&lost, "%s%s", lost.length ? ", " : "", column);
        *skip++ = column;
    }
    if (lost.text)
        mms_log(MMS_LOG_WARN, r->host->task,
                "%s: calculated for each row of the input; left out where rows are averaged",
                lost.text);
    free(lost.text);
}

static void rename_data(const mms_request *r, mms_part_order *order)
{
    const mms_step *const derive = mms_pipeline_find(r->pipeline, "derive");
    char *const derived = derive ? derive->kind->describe(derive) : NULL;

    if (!strcmp(r->datacolumn, "corrected"))
        order->rename_from = MMS_COL_CORRECTED_DATA;
    else if (!strcmp(r->datacolumn, "model"))
        order->rename_from = MMS_COL_MODEL_DATA;
    order->rename_to = order->rename_from ? MMS_COL_DATA : NULL;
    if (derived)
        mms_log(MMS_LOG_INFO, "partition", "%s written as DATA: %s", r->datacolumn, derived);
    free(derived);
}

/** New id by old id up to the largest one that occurs; ids that are not selected get -1. */
static mms_status make_map(mms_ids ids, int32_t most, mms_id_map *map, mms_error *err)
{
    int32_t *to;

    for (int64_t i = 0; i < ids.n; i++)
        if (ids.ids[i] <= most && ids.ids[i] >= map->n)
            map->n = (int64_t)ids.ids[i] + 1;
    map->to = to = mms_alloc(map->n, sizeof *to);
    if (!to)
        return mms_fail(err, MMS_ERR_MEM, "ids: out of memory");
    for (int64_t i = 0; i < map->n; i++)
        to[i] = -1;
    for (int64_t i = 0; i < ids.n; i++)
        if (ids.ids[i] <= most)
            to[ids.ids[i]] = (int32_t)i;
    return MMS_OK;
}

/** ARRAY_ID has no table that bounds what a user may select. */
static int32_t largest_array(const mms_meta *meta)
{
    int32_t most = 0;

    for (int64_t i = 0; i < meta->ncell; i++)
        most = meta->cells[i].array > most ? meta->cells[i].array : most;
    return most;
}

/** The map of DDIDs once ddistart is added, or all rows that are combined get the first one; there:
 * ids are mapped already. */
static mms_status move_ddids(const mms_request *r, mms_id_map *map, bool there, mms_error *err)
{
    const int32_t start = r->ddistart > 0 ? (int32_t)r->ddistart : 0;
    const bool combined = mms_request_new_windows(r) > 0;
    int32_t *to = mms_alloc(r->meta.ndd, sizeof *to);

    if (!to)
        return mms_fail(err, MMS_ERR_MEM, "ids: out of memory");
    for (int64_t d = 0; d < r->meta.ndd; d++) {
        const int32_t id = !there ? (int32_t)d : d < map->n ? map->to[d] : -1;
        to[d] = combined ? start : id < 0 ? id : id + start;
    }
    free((void *)map->to);
    *map = (mms_id_map){r->meta.ndd, to};
    return MMS_OK;
}

static mms_status add_maps(const mms_request *r, mms_part_order *order, mms_error *err)
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
    const bool moved = mms_request_new_windows(r) > 0 || r->ddistart > 0;
    mms_status st;

    order->maps = mms_alloc(MMS_COUNT_OF(lists), sizeof *order->maps);
    MMS_TRY(order->maps ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "ids: out of memory"));
    for (int64_t i = 0; i < MMS_COUNT_OF(lists); i++) {
        const bool given = lists[i].ids.given && r->reindex;
        mms_order_map *const map = &order->maps[order->nmap];
        if (!given && !(i == 0 && moved))
            continue;
        order->nmap++;
        map->column = lists[i].column;
        if (given)
            MMS_TRY(make_map(lists[i].ids, lists[i].most, &map->map, err));
        if (i == 0 && moved)
            MMS_TRY(move_ddids(r, &map->map, given, err));
    }
done:
    return st;
}

/** What the pipeline adds and leaves out. */
static void list_added(const mms_request *r, const char **add)
{
    if (mms_request_only_copies(r))
        return;
    if (r->drops_lags)
        mms_log(MMS_LOG_WARN, "mstransform", "LAG_DATA is not transformed and is left out");
    for (int64_t i = 0; i < MMS_COUNT_OF(spectra); i++)
        if (mms_output_writes(r, spectra[i]))
            *add++ = spectra[i];
    if (r->continuum.writes_model || (r->is_virtual && strcmp(r->datacolumn, "model") != 0))
        *add++ = MMS_COL_MODEL_DATA;
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
static void list_reshaped(const mms_request *r, const char **reshape)
{
    const bool chans = mms_selection_cuts_channels(r->selection) || json_array_size(r->windows) > 0;
    const bool corrs = mms_selection_corrs(r->selection, 0).given;

    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const mms_column *c = mms_ms_column(r->ms, i);
        if (cut_axes(r, c, chans, corrs) && (c->fixed || leaves_its_group(r, c, chans, corrs)))
            *reshape++ = c->name;
    }
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

/** Scalars and UVW are written alone: what cells are made of is read all the same. */
static void list_cells(const mms_request *r, const char **skip)
{
    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const mms_column *const c = mms_ms_column(r->ms, i);
        if (!c->scalar && mms_column_role_of(c->name) != MMS_ROLE_GEOMETRY)
            *skip++ = c->name;
    }
}

mms_status mms_part_order_make(const mms_request *r, bool keys, mms_value **value, mms_error *err)
{
    char *vis = mms_path_absolute(r->vis);
    mms_part_order order = {.vis = vis,
                            .memory = r->how.memory,
                            .tiles = r->how.tiles,
                            .share = r->share,
                            .sync = r->how.sync,
                            .skip = name_list(r),
                            .add = name_list(r),
                            .reshape = name_list(r),
                            .tile = {r->tile[0], r->tile[1], r->tile[2]},
                            .models = r->is_virtual,
                            .keys = keys};
    const bool there = vis && order.skip && order.add && order.reshape;
    mms_status st;

    *value = NULL;
    MMS_TRY(there ? add_maps(r, &order, err)
                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->vis));
    if (keys)
        list_cells(r, order.skip);
    else {
        list_skipped(r, order.skip);
        list_added(r, order.add);
        list_reshaped(r, order.reshape);
        rename_data(r, &order);
    }
    *value = mms_part_order_share(&order);
    MMS_TRY(*value ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->vis));
done:
    mms_part_order_free(&order);
    free(vis);
    return st;
}
