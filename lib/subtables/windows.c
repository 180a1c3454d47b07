/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file windows.c  SPECTRAL_WINDOW and POLARIZATION rows cut to a selection (multi-ms 3.5). */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "subtables.h"
#include "subtables_priv.h"

static mms_status expand(const mms_channels *range, int32_t **channels, int64_t *n,
                         int64_t *capacity, mms_error *err)
{
    for (int32_t c = range->first; c <= range->last; c += range->step) {
        const mms_status st = mms_grow(channels, capacity, *n + 1, sizeof **channels, err);
        if (st != MMS_OK)
            return st;
        (*channels)[(*n)++] = c;
    }
    return MMS_OK;
}

static bool is_everything(int64_t nchan, int64_t n, const int32_t *channels)
{
    for (int64_t i = 0; i < n; i++)
        if (channels[i] != i)
            return false;
    return n == nchan;
}

mms_status mms_channel_list(const mms_selection *selection, int32_t spw, int64_t nchan,
                            int32_t **channels, int64_t *n, mms_error *err)
{
    int64_t nrange, capacity = 0;
    const mms_channels *ranges = mms_selection_named_channels(selection, &nrange);
    mms_status st = MMS_OK;

    *channels = NULL;
    *n = 0;
    for (int64_t i = 0; st == MMS_OK && i < nrange; i++)
        if (ranges[i].spw == spw)
            st = expand(&ranges[i], channels, n, &capacity, err);
    if (st == MMS_OK && *n && !is_everything(nchan, *n, *channels))
        return MMS_OK;
    free(*channels);
    *channels = NULL;
    *n = 0;
    return st;
}

/** Replace a cell by some of its outermost entries. */
static mms_status keep_entries(mms_table *table, const char *column, int64_t row, int64_t n,
                               const int32_t *entries, mms_error *err)
{
    mms_value *cell = NULL, *kept = json_array();
    mms_status st = MMS_OK;

    if (!mms_table_find_column(table, column))
        goto done;
    MMS_TRY(mms_table_get_cell(table, column, row, &cell, err));
    if (!json_is_array(cell))
        goto done;
    for (int64_t i = 0; i < n; i++) {
        if (!json_array_get(cell, (size_t)entries[i]))
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE, "%s row %lld has no entry %d", column,
                             (long long)row, (int)entries[i]));
        json_array_append(kept, json_array_get(cell, (size_t)entries[i]));
    }
    MMS_TRY(mms_table_put_cell(table, column, row, kept, err));
done:
    mms_value_free(&cell);
    mms_value_free(&kept);
    return st;
}

static mms_status put_number(mms_table *table, const char *column, int64_t row, mms_value *number,
                             mms_error *err)
{
    const mms_status st = mms_table_put_cell(table, column, row, number, err);
    mms_value_free(&number);
    return st;
}

/** TOTAL_BANDWIDTH and REF_FREQUENCY of the channels that are left. */
static mms_status describe_window(mms_table *table, int64_t row, mms_error *err)
{
    mms_value *freq = NULL, *width = NULL;
    double total = 0;
    mms_status st;

    MMS_TRY(mms_table_get_cell(table, "CHAN_FREQ", row, &freq, err));
    MMS_TRY(mms_table_get_cell(table, "CHAN_WIDTH", row, &width, err));
    const size_t n = json_array_size(freq);
    for (size_t i = 0; i < json_array_size(width); i++)
        total += fabs(json_number_value(json_array_get(width, i)));
    const double first = json_number_value(json_array_get(freq, 0));
    const double last = json_number_value(json_array_get(freq, n ? n - 1 : 0));
    MMS_TRY(put_number(table, "NUM_CHAN", row, json_integer((json_int_t)n), err));
    MMS_TRY(put_number(table, "TOTAL_BANDWIDTH", row, json_real(total), err));
    MMS_TRY(put_number(table, "REF_FREQUENCY", row, json_real(fmin(first, last)), err));
done:
    mms_value_free(&freq);
    mms_value_free(&width);
    return st;
}

static mms_status cut_channels(mms_table *table, int64_t row, int64_t n, const int32_t *channels,
                               mms_error *err)
{
    static const char *const columns[] = {"CHAN_FREQ", "CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"};
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(columns); i++)
        st = keep_entries(table, columns[i], row, n, channels, err);
    return st == MMS_OK ? describe_window(table, row, err) : st;
}

/** Reduce ASSOC_SPW_ID to selected windows, ASSOC_NATURE in step. */
static mms_status map_associations(mms_table *table, int64_t row, const mms_id_set *spws,
                                   mms_error *err)
{
    mms_value *ids = NULL, *mapped = json_array();
    int32_t *entries = NULL;
    int64_t n = 0;
    mms_status st = MMS_OK;

    if (!mms_table_find_column(table, "ASSOC_SPW_ID"))
        goto done;
    MMS_TRY(mms_table_get_cell(table, "ASSOC_SPW_ID", row, &ids, err));
    if (!json_is_array(ids))
        goto done;
    entries = mms_alloc((int64_t)json_array_size(ids), sizeof *entries);
    if (!entries)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "ASSOC_SPW_ID: out of memory"));
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const int32_t to =
            mms_id_set_map(spws, (int32_t)json_integer_value(json_array_get(ids, i)));
        if (to == -2)
            continue;
        json_array_append_new(mapped, json_integer(to));
        entries[n++] = (int32_t)i;
    }
    MMS_TRY(mms_table_put_cell(table, "ASSOC_SPW_ID", row, mapped, err));
    MMS_TRY(keep_entries(table, "ASSOC_NATURE", row, n, entries, err));
done:
    free(entries);
    mms_value_free(&ids);
    mms_value_free(&mapped);
    return st;
}

mms_status mms_subtable_cut_windows(mms_table *table, const mms_selection *selection,
                                    const mms_id_set *spws, mms_error *err)
{
    int32_t *nchan;
    mms_status st = mms_table_get_ints(table, "NUM_CHAN", &nchan, err);

    for (int64_t row = 0; st == MMS_OK && row < mms_table_nrow(table); row++) {
        int32_t *channels;
        int64_t n;
        const int32_t spw = spws->given ? spws->ids[row] : (int32_t)row;
        st = mms_channel_list(selection, spw, nchan[row], &channels, &n, err);
        if (st == MMS_OK && n)
            st = cut_channels(table, row, n, channels, err);
        if (st == MMS_OK && spws->given)
            st = map_associations(table, row, spws, err);
        free(channels);
    }
    free(nchan);
    return st;
}

mms_status mms_subtable_cut_polarizations(mms_table *table, const mms_selection *selection,
                                          mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t row = 0; st == MMS_OK && row < mms_table_nrow(table); row++) {
        const mms_ids kept = mms_selection_corrs(selection, (int32_t)row);
        if (!kept.given)
            continue;
        st = keep_entries(table, "CORR_TYPE", row, kept.n, kept.ids, err);
        if (st == MMS_OK)
            st = keep_entries(table, "CORR_PRODUCT", row, kept.n, kept.ids, err);
        if (st == MMS_OK)
            st = put_number(table, "NUM_CORR", row, json_integer(kept.n), err);
    }
    return st;
}

static const char *const axis_columns[] = {"CHAN_FREQ", "CHAN_WIDTH", "RESOLUTION", "EFFECTIVE_BW"};

static double **axis_array(mms_spectral_axis *axis, int64_t i)
{
    double **const arrays[] = {&axis->freq_hz, &axis->width_hz, &axis->resolution_hz,
                               &axis->effective_bw_hz};
    return arrays[i];
}

void mms_window_axis_free(mms_spectral_axis *axis)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(axis_columns); i++)
        free(*axis_array(axis, i));
    *axis = (mms_spectral_axis){0};
}

static mms_status read_axis(mms_table *table, int32_t spw, mms_spectral_axis *axis, mms_error *err)
{
    mms_value *cell = NULL;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(axis_columns); i++) {
        st = mms_table_get_cell(table, axis_columns[i], spw, &cell, err);
        const int64_t n = st == MMS_OK ? (int64_t)json_array_size(cell) : 0;
        double *values = mms_alloc(n, sizeof *values);
        *axis_array(axis, i) = values;
        axis->nchan = i == 0 || n < axis->nchan ? n : axis->nchan;
        if (st == MMS_OK && !values)
            st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", axis_columns[i]);
        for (int64_t k = 0; st == MMS_OK && k < n; k++)
            values[k] = mms_value_double(json_array_get(cell, (size_t)k));
        mms_value_free(&cell);
    }
    return st;
}

static mms_status read_number(mms_table *table, const char *column, int32_t spw, double *value,
                              mms_error *err)
{
    mms_value *cell;
    const mms_status st = mms_table_get_cell(table, column, spw, &cell, err);

    *value = mms_value_double(cell);
    mms_value_free(&cell);
    return st;
}

mms_status mms_subtable_count(mms_ms *ms, const char *name, int64_t *n, mms_error *err)
{
    mms_table *table;
    const mms_status st = mms_table_open(mms_ms_subtable(ms, name), MMS_TABLE_READ, &table, err);

    *n = st == MMS_OK ? mms_table_nrow(table) : 0;
    mms_table_drop(&table);
    return st;
}

mms_status mms_window_axis_read(mms_ms *ms, int32_t spw, mms_spectral_axis *axis, mms_error *err)
{
    mms_table *table = NULL;
    mms_status st;

    *axis = (mms_spectral_axis){0};
    MMS_TRY(mms_table_open(mms_ms_subtable(ms, "SPECTRAL_WINDOW"), MMS_TABLE_READ, &table, err));
    MMS_TRY(read_axis(table, spw, axis, err));
    MMS_TRY(read_number(table, "TOTAL_BANDWIDTH", spw, &axis->total_bandwidth_hz, err));
    MMS_TRY(read_number(table, "REF_FREQUENCY", spw, &axis->ref_freq_hz, err));
done:
    mms_table_drop(&table);
    if (st != MMS_OK)
        mms_window_axis_free(axis);
    return st;
}

mms_status mms_window_frame_read(mms_ms *ms, int32_t spw, int32_t *frame, mms_error *err)
{
    mms_table *table = NULL;
    double value;
    mms_status st;

    *frame = -1;
    MMS_TRY(mms_table_open(mms_ms_subtable(ms, "SPECTRAL_WINDOW"), MMS_TABLE_READ, &table, err));
    MMS_TRY(read_number(table, "MEAS_FREQ_REF", spw, &value, err));
    *frame = (int32_t)value;
done:
    mms_table_drop(&table);
    return st;
}

mms_value *mms_window_describe(int64_t row, const mms_spectral_axis *axis, int32_t frame)
{
    mms_value *window = json_pack("{sI so so}", "row", (json_int_t)row, "TOTAL_BANDWIDTH",
                                  mms_double_value(axis->total_bandwidth_hz), "REF_FREQUENCY",
                                  mms_double_value(axis->ref_freq_hz));

    for (int64_t i = 0; i < MMS_COUNT_OF(axis_columns); i++) {
        mms_value *list = json_array();
        const double *values = *axis_array((mms_spectral_axis *)axis, i);
        for (int64_t k = 0; k < axis->nchan; k++)
            json_array_append_new(list, mms_double_value(values[k]));
        json_object_set_new_nocheck(window, axis_columns[i], list);
    }
    if (frame >= 0)
        json_object_set_new(window, "MEAS_FREQ_REF", json_integer(frame));
    return window;
}

static mms_status put_window(mms_table *table, const mms_value *window, mms_error *err)
{
    const int64_t row = json_integer_value(json_object_get(window, "row"));
    const size_t nchan = json_array_size(json_object_get(window, "CHAN_FREQ"));
    const char *column;
    mms_value *value;

    json_object_foreach((mms_value *)window, column, value)
    {
        if (!strcmp(column, "row") || !mms_table_find_column(table, column))
            continue;
        const mms_status st = mms_table_put_cell(table, column, row, value, err);
        if (st != MMS_OK)
            return st;
    }
    return put_number(table, "NUM_CHAN", row, json_integer((json_int_t)nchan), err);
}

mms_status mms_subtable_put_windows(mms_table *table, const mms_value *windows, mms_error *err)
{
    size_t i;
    mms_value *window;
    mms_status st = MMS_OK;

    json_array_foreach(windows, i, window) if (st == MMS_OK) st = put_window(table, window, err);
    return st;
}
