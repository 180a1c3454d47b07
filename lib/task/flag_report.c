/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flag_report.c  The result of flagdata as text: flags that changed, reports, thresholds. */
#include "change_priv.h"
#include "flag_save_priv.h"

static void print_leaf(const char *kind, const char *name, const mms_value *leaf, FILE *out)
{
    const double flagged = json_number_value(json_object_get(leaf, "flagged"));
    const double total = json_number_value(json_object_get(leaf, "total"));

    fprintf(out, "%-16s %-20s %14.0f of %14.0f  %6.2f %%\n", kind, name, flagged, total,
            total > 0 ? 100 * flagged / total : 0);
}

static void print_report(const mms_value *report, FILE *out)
{
    static const char *const order[] = {"observation", "array",       "field",           "scan",
                                        "spw",         "correlation", "spw:correlation", "antenna",
                                        "spw:channel", "baseline",    "antenna:scan"};
    const char *name;
    mms_value *leaf;

    fprintf(out, "%s\n", json_string_value(json_object_get(report, "name")));
    print_leaf("all", "", report, out);
    for (int64_t i = 0; i < MMS_COUNT_OF(order); i++)
        json_object_foreach(json_object_get(report, order[i]), name, leaf)
            print_leaf(order[i], name, leaf, out);
}

static void print_thresholds(const char *name, const mms_value *rows, FILE *out)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const mms_value *row = json_array_get(rows, i);
        fprintf(out, "%s: field %g, spw %g: %g\n", name, json_number_value(json_array_get(row, 0)),
                json_number_value(json_array_get(row, 1)),
                json_number_value(json_array_get(row, 2)));
    }
}

void mms_flag_print(const mms_value *result, FILE *out)
{
    const char *name;
    mms_value *inner;

    print_thresholds("timedev", json_object_get(result, "timedev"), out);
    print_thresholds("freqdev", json_object_get(result, "freqdev"), out);
    if (json_object_get(result, "total"))
        print_report(result, out);
    else if (json_object_get(result, "changed_rows"))
        fprintf(out,
                "%s: flags %s in %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                " selected rows\n",
                json_string_value(json_object_get(result, "vis")),
                json_is_true(json_object_get(result, "written")) ? "changed" : "would change",
                json_integer_value(json_object_get(result, "changed_rows")),
                json_integer_value(json_object_get(result, "rows")));
    else if (json_object_get(result, "parts")) {
        fprintf(out,
                "%s: %" JSON_INTEGER_FORMAT " commands can be done, on %" JSON_INTEGER_FORMAT
                " parts; nothing is changed\n",
                json_string_value(json_object_get(result, "vis")),
                json_integer_value(json_object_get(result, "commands")),
                json_integer_value(json_object_get(result, "parts")));
        if (json_object_size(json_object_get(result, "columns")) > 0)
            mms_print_change(result, out);
    } else
        json_object_foreach((mms_value *)result, name, inner)
        {
            if (json_object_get(inner, "total"))
                print_report(inner, out);
        }
}
