/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select_report.c  What a selection picks, as the result of the task select and as text. */
#include "select_priv.h"

static const char *const column_keys[MMS_SELECT_NCOLUMN] = {"ddids", "fields", "scans", "antenna1",
                                                            "antenna2"};

static mms_value *channel_array(const mms_selection *selection)
{
    int64_t n;
    const mms_channels *c = mms_selection_named_channels(selection, &n);
    mms_value *array = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(
            array, mms_int32s_value(4, (int32_t[]){c[i].spw, c[i].first, c[i].last, c[i].step}));
    return array;
}

/** The ids that the sub-tables are cut to, where they are. */
static void report_ids(const mms_selection *selection, mms_value *result)
{
    const struct {
        const char *key;
        mms_ids ids;
    } lists[] = {{"spws", mms_selection_spws(selection)},
                 {"antennas", mms_selection_antennas(selection)},
                 {"states", mms_selection_states(selection)}};

    for (int64_t i = 0; i < MMS_COUNT_OF(lists); i++)
        if (lists[i].ids.given)
            json_object_set_new_nocheck(result, lists[i].key,
                                        mms_int32s_value(lists[i].ids.n, lists[i].ids.ids));
}

/** Limits in MJD seconds; an open one is null. */
static void report_times(const mms_selection *selection, mms_value *result)
{
    int64_t n;
    const double *times = mms_selection_times(selection, &n);
    mms_value *list = n > 0 ? json_array() : NULL;

    for (int64_t i = 0; i < n; i++) {
        const double low = times[2 * i], high = times[2 * i + 1];
        mms_value *range = json_array();
        json_array_append_new(range, low > 0 ? json_real(low) : json_null());
        json_array_append_new(range, high < 1e300 ? json_real(high) : json_null());
        json_array_append_new(list, range);
    }
    if (list)
        json_object_set_new(result, "times", list);
}

void mms_select_report(const struct mms_picked *p, const mms_selection *selection,
                       mms_value *result)
{
    mms_value *first = json_array();

    for (int64_t i = 0; i < MMS_SELECT_NFIRST && i < p->rows; i++)
        json_array_append_new(first, json_integer(p->first[i]));
    json_object_set_new(result, "rows", json_integer(p->rows));
    json_object_set_new(result, "row_sum", json_integer(p->row_sum));
    json_object_set_new(result, "first_rows", first);
    json_object_set_new(result, "last_row", json_integer(p->last));
    for (int c = 0; c < MMS_SELECT_NCOLUMN; c++)
        json_object_set_new_nocheck(result, column_keys[c],
                                    mms_int32s_value(p->sets[c].n, p->sets[c].ids));
    json_object_set_new(result, "channels", channel_array(selection));
    report_ids(selection, result);
    report_times(selection, result);
}

/** Print ids as "0~2, 5". */
static void print_ids(const char *title, const mms_value *ids, FILE *out)
{
    const size_t n = json_array_size(ids);

    fprintf(out, "%-10s", title);
    for (size_t i = 0; i < n;) {
        const json_int_t first = json_integer_value(json_array_get(ids, i));
        json_int_t last = first;
        const char *separator = i > 0 ? ", " : "";
        for (i++; i < n && json_integer_value(json_array_get(ids, i)) == last + 1; i++)
            last++;
        fprintf(out, "%s%lld", separator, (long long)first);
        if (last > first)
            fprintf(out, "~%lld", (long long)last);
    }
    fputc('\n', out);
}

static void print_channels(const mms_value *channels, FILE *out)
{
    const mms_value *range;
    size_t i;

    if (json_array_size(channels) > 0)
        fprintf(out, "\n%4s %8s %8s %6s\n", "spw", "first", "last", "step");
    json_array_foreach(channels, i, range)
    {
        long long v[4];
        for (size_t k = 0; k < 4; k++)
            v[k] = json_integer_value(json_array_get(range, k));
        fprintf(out, "%4lld %8lld %8lld %6lld\n", v[0], v[1], v[2], v[3]);
    }
}

void mms_select_print(const mms_value *result, FILE *out)
{
    static const char *const titles[MMS_SELECT_NCOLUMN] = {"DDs", "Fields", "Scans", "Antenna1",
                                                           "Antenna2"};

    fprintf(out, "%-10s%lld (from %lld to %lld)\n", "Rows",
            (long long)json_integer_value(json_object_get(result, "rows")),
            (long long)json_integer_value(json_array_get(json_object_get(result, "first_rows"), 0)),
            (long long)json_integer_value(json_object_get(result, "last_row")));
    for (int c = 0; c < MMS_SELECT_NCOLUMN; c++)
        print_ids(titles[c], json_object_get(result, column_keys[c]), out);
    print_channels(json_object_get(result, "channels"), out);
}
