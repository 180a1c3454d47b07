/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file plan_print.c  The plan of a request for people: decision, stages, windows, parts. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/tabular_priv.h"
#include "transform_priv.h"

/** A JSON list of ids as compact text, cut where it is long. */
static void add_ids(mms_tabular *table, const mms_value *list)
{
    enum { LONGEST = 60 };
    const size_t n = json_array_size(list);
    int32_t *ids = mms_alloc((int64_t)n, sizeof *ids);

    for (size_t i = 0; ids && i < n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    char *text = ids ? mms_plan_compact_list((int64_t)n, ids) : NULL;
    int length = text ? (int)strlen(text) : 0;
    if (length > LONGEST) {
        for (length = LONGEST; length > 0 && text[length] != ','; length--)
            ;
        mms_tabular_add(table, "%.*s,… (%zu)", length, text, n);
    } else {
        mms_tabular_add(table, "%s", text ? text : "");
    }
    free(text);
    free(ids);
}

/** What is written, where that is known, else what is selected. */
static json_int_t number(const mms_value *part, const char *written, const char *selected)
{
    const mms_value *value = json_object_get(part, written);
    return json_integer_value(value ? value : json_object_get(part, selected));
}

void mms_plan_print_parts(const mms_value *result, FILE *out)
{
    static const char *const titles[] = {"Part", "Scan", "Spw", "Selected", "Nrows", "MB"};
    mms_tabular table = {.ncolumn = MMS_COUNT_OF(titles), .widths = {28, 20, 16, 12, 12}};
    size_t i;
    mms_value *part;

    for (int64_t c = 0; c < MMS_COUNT_OF(titles); c++)
        mms_tabular_add(&table, "%s", titles[c]);
    json_array_foreach(json_object_get(result, "parts"), i, part)
    {
        mms_tabular_add(&table, "%s", json_string_value(json_object_get(part, "name")));
        add_ids(&table, json_object_get(part, "scans"));
        add_ids(&table, json_object_get(part, "spws"));
        mms_tabular_add(&table, "%" JSON_INTEGER_FORMAT,
                        json_integer_value(json_object_get(part, "rows")));
        mms_tabular_add(&table, "%" JSON_INTEGER_FORMAT, number(part, "rows_out", "rows"));
        mms_tabular_add(&table, "%.1f", (double)number(part, "bytes_out", "bytes") / 1e6);
    }
    mms_tabular_print(&table, out);
}

void mms_plan_print_estimate(const mms_value *result, FILE *out)
{
    const char *const advice = json_string_value(json_object_get(result, "advice"));
    const char *const estimate = json_string_value(json_object_get(result, "estimate"));
    const mms_value *const shared = json_object_get(result, "bytes_shared");

    if (advice)
        fprintf(out, "%s\n", advice);
    if (estimate)
        fprintf(out, "Time: %s\n", estimate);
    if (shared)
        fprintf(out,
                "Shared: %.1f MB of what is written are blocks of the input and take no room\n",
                json_number_value(shared) / 1e6);
}

static void print_stages(const mms_value *stages, FILE *out)
{
    size_t i;
    mms_value *stage;

    json_array_foreach(stages, i, stage)
        fprintf(out, "%s%s", i ? ", then " : "Stages: ", json_string_value(stage));
    if (json_array_size(stages))
        fputc('\n', out);
}

/** The first channel's width of a window that changes, or NULL. */
static const mms_value *find_width(const mms_value *windows, json_int_t row)
{
    size_t i;
    mms_value *window;

    json_array_foreach(windows, i,
                       window) if (json_integer_value(json_object_get(window, "row")) ==
                                   row) return json_array_get(json_object_get(window, "CHAN_WIDTH"),
                                                              0);
    return NULL;
}

static double value_of(const mms_value *window, const char *key)
{
    return mms_value_double(json_object_get(window, key));
}

/** First and last channel, and the width of the first. */
static void add_values(mms_tabular *table, const mms_value *window, const char *unit, double scale,
                       double width_scale)
{
    char first[16], last[16], width[16];

    snprintf(first, sizeof first, "first_%s", unit);
    snprintf(last, sizeof last, "last_%s", unit);
    snprintf(width, sizeof width, "width_%s", unit);
    mms_tabular_add(table, "%.6f", value_of(window, first) / scale);
    mms_tabular_add(table, "%.6f", value_of(window, last) / scale);
    mms_tabular_add(table, "%.6g", value_of(window, width) / width_scale);
}

/** The windows that are laid anew, to be checked against a line before the run. */
static void print_grids(const mms_value *spws, FILE *out)
{
    static const char *const titles[] = {"Output spw",  "From",        "Channels",  "Frame",
                                         "First/MHz",   "Last/MHz",    "Width/kHz", "First/(km/s)",
                                         "Last/(km/s)", "Width/(km/s)"};
    const bool velocities = json_object_get(json_array_get(spws, 0), "first_m_s") != NULL;
    mms_tabular table = {.ncolumn = velocities ? 10 : 7,
                         .widths = {12, 8, 10, 8, 14, 14, 12, 14, 14}};
    size_t i;
    mms_value *spw;

    for (int c = 0; c < table.ncolumn; c++)
        mms_tabular_add(&table, "%s", titles[c]);
    json_array_foreach(spws, i, spw)
    {
        const char *const frame = json_string_value(json_object_get(spw, "frame"));
        mms_tabular_add(&table, "%" JSON_INTEGER_FORMAT,
                        json_integer_value(json_object_get(spw, "spw")));
        add_ids(&table, json_object_get(spw, "inputs"));
        mms_tabular_add(&table, "%" JSON_INTEGER_FORMAT,
                        json_integer_value(json_object_get(spw, "channels")));
        mms_tabular_add(&table, "%s", frame ? frame : "unknown");
        add_values(&table, spw, "hz", 1e6, 1e3);
        if (velocities)
            add_values(&table, spw, "m_s", 1e3, 1e3);
    }
    mms_tabular_print(&table, out);
}

static void print_windows(const mms_value *result, FILE *out)
{
    size_t i;
    mms_value *spw;

    if (json_is_true(json_object_get(result, "grids"))) {
        print_grids(json_object_get(result, "spws"), out);
        return;
    }
    json_array_foreach(json_object_get(result, "spws"), i, spw)
    {
        const json_int_t id = json_integer_value(json_object_get(spw, "spw"));
        const mms_value *width = find_width(json_object_get(result, "windows"), id);
        fprintf(out,
                "Output spw %" JSON_INTEGER_FORMAT " from %" JSON_INTEGER_FORMAT
                ": %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " channels",
                id, json_integer_value(json_object_get(spw, "from")),
                json_integer_value(json_object_get(spw, "channels")),
                json_integer_value(json_object_get(spw, "channels_in")));
        if (width)
            fprintf(out, ", the first %g kHz wide", json_number_value(width) / 1e3);
        fputc('\n', out);
    }
}

void mms_transform_print(const mms_value *result, FILE *out)
{
    fprintf(out, "%s: %" JSON_INTEGER_FORMAT " rows selected, %s: %s\n",
            json_string_value(json_object_get(result, "outputvis")),
            json_integer_value(json_object_get(result, "rows")),
            json_string_value(json_object_get(result, "verdict")),
            json_string_value(json_object_get(result, "reason")));
    print_stages(json_object_get(result, "stages"), out);
    print_windows(result, out);
    mms_plan_print_parts(result, out);
    mms_plan_print_estimate(result, out);
}
