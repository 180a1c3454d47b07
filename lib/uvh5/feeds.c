/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file feeds.c  Receptors, where each antenna has one setup for all windows and times. */
#include <stdlib.h>
#include <string.h>

#include "uvh5_priv.h"

static bool same_cell(mms_table *table, const char *column, int64_t a, int64_t b)
{
    mms_value *first = NULL, *second = NULL;
    const bool same = mms_table_get_cell(table, column, a, &first, NULL) == MMS_OK &&
                      mms_table_get_cell(table, column, b, &second, NULL) == MMS_OK &&
                      json_equal(first, second);

    mms_value_free(&first);
    mms_value_free(&second);
    return same;
}

/** A row of an antenna, whose rows for all windows and times say the same; -1: they do not. */
static int64_t row_of(mms_table *table, const int32_t *antennas, int64_t number)
{
    const int64_t n = mms_table_nrow(table);
    int64_t found = -1;

    for (int64_t i = 0; i < n; i++) {
        if (antennas[i] != number)
            continue;
        if (found >= 0 && (!same_cell(table, "POLARIZATION_TYPE", found, i) ||
                           !same_cell(table, "RECEPTOR_ANGLE", found, i)))
            return -1;
        found = found < 0 ? i : found;
    }
    return found;
}

/** A list of one letter a receptor, X Y R L; NULL: it is none. */
static mms_value *types_of(mms_table *table, int64_t row)
{
    mms_value *types = NULL;
    size_t i;
    mms_value *type;
    bool good = mms_table_get_cell(table, "POLARIZATION_TYPE", row, &types, NULL) == MMS_OK &&
                json_is_array(types) && json_array_size(types) >= 1 && json_array_size(types) <= 2;

    json_array_foreach(types, i, type)
    {
        const char *const text = json_string_value(type);
        good = good && text && strlen(text) == 1 && strchr("XYRL", *text);
    }
    if (!good)
        mms_value_free(&types);
    return types;
}

static bool take_antenna(mms_uvh5 *u, mms_table *table, int64_t row, int64_t place)
{
    mms_value *const types = types_of(table, row);
    const int64_t n = (int64_t)json_array_size(types);
    size_t i;
    mms_value *type;

    if (!types || (place > 0 && n != u->nfeed)) {
        json_decref(types);
        return false;
    }
    u->nfeed = n;
    json_array_foreach(types, i, type)
    {
        const char name[] = {(char)(*json_string_value(type) | 0x20), '\0'};
        json_array_append_new(u->feeds, json_string(name));
    }
    json_decref(types);
    return mms_uvh5_cell_doubles(table, "RECEPTOR_ANGLE", row, n, u->feed_angle + place * n,
                                 NULL) == MMS_OK;
}

mms_status mms_uvh5_find_feeds(mms_uvh5 *u, mms_error *err)
{
    const int64_t n = u->antennas.n;
    mms_table *table = NULL;
    int32_t *antennas = NULL;
    bool good = true;
    mms_status st;

    if (!mms_ms_subtable(u->ms, "FEED"))
        return MMS_OK;
    u->feeds = json_array();
    u->feed_angle = mms_alloc(2 * n, sizeof *u->feed_angle);
    MMS_TRY(u->feeds && u->feed_angle ? MMS_OK : mms_uvh5_no_memory(u, err));
    MMS_TRY(mms_uvh5_open_table(u, "FEED", &table, err));
    MMS_TRY(mms_table_get_ints(table, "ANTENNA_ID", &antennas, err));
    for (int64_t i = 0; good && i < n; i++) {
        const int64_t row = row_of(table, antennas, u->antennas.number[i]);
        good = row >= 0 && take_antenna(u, table, row, i);
    }
    if (!good)
        u->nfeed = 0;
done:
    free(antennas);
    mms_table_drop(&table);
    return st;
}
