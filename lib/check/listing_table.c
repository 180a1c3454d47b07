/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file listing_table.c  The listing as a table (multi-ms 4.3). */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tabular_priv.h"
#include "multims/check.h"

enum { NCOLUMN = 6 };

/* "[ 0  3 13]": as wide as the widest, one blank between. */
static char *format_list(const json_t *list)
{
    mms_text t = {0};
    const json_t *item;
    int width = 0;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const int length = snprintf(NULL, 0, "%" JSON_INTEGER_FORMAT, json_integer_value(item));
        width = length > width ? length : width;
    }
    mms_text_add(&t, "[");
    json_array_foreach(list, i, item)
    {
        mms_text_add(&t, "%s%*" JSON_INTEGER_FORMAT, i ? " " : "", width, json_integer_value(item));
    }
    mms_text_add(&t, "]");
    return t.text;
}

/* The fields of one line; name and size stand in a member's first line only. */
static bool fill_line(const json_t *entry, const char *scan, const json_t *values, bool first,
                      char *fields[NCOLUMN])
{
    bool ok = true;

    fields[0] = strdup(first ? json_string_value(json_object_get(entry, "MS")) : "");
    fields[1] = strdup(scan);
    fields[2] = format_list(json_object_get(values, "spwIds"));
    fields[3] = format_list(json_object_get(values, "nchans"));
    fields[4] =
        mms_format("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(values, "nrows")));
    fields[5] = strdup(first ? json_string_value(json_object_get(entry, "size")) : "");
    for (int c = 0; c < NCOLUMN; c++)
        ok = ok && fields[c];
    return ok;
}

/* Calls use for every line; false when out of memory. */
static bool each_line(const mms_listing *listing,
                      void (*use)(void *ctx, char *const fields[NCOLUMN]), void *ctx)
{
    const char *key, *scan;
    json_t *entry, *values;
    bool ok = true;

    json_object_foreach(listing->members, key, entry)
    {
        bool first = true;
        json_object_foreach(json_object_get(entry, "scanId"), scan, values)
        {
            char *fields[NCOLUMN];
            if (fill_line(entry, scan, values, first, fields))
                use(ctx, fields);
            else
                ok = false;
            for (int c = 0; c < NCOLUMN; c++)
                free(fields[c]);
            first = false;
        }
    }
    return ok;
}

struct table {
    int widths[NCOLUMN];
    mms_text text;
};

/* Scan, Nrows and Size have CASA's widths, unless a number would touch the next column. */
static void widen(void *ctx, char *const fields[NCOLUMN])
{
    static const int gaps[NCOLUMN] = {2, 1, 2, 2, 1, 0};
    struct table *t = ctx;

    for (int c = 0; c < NCOLUMN; c++) {
        const int width = mms_text_width(fields[c]) + gaps[c];
        t->widths[c] = width > t->widths[c] ? width : t->widths[c];
    }
}

static void print_line(void *ctx, char *const fields[NCOLUMN])
{
    struct table *t = ctx;

    for (int c = 0; c < NCOLUMN; c++)
        mms_text_add(&t->text, "%s%*s", fields[c], t->widths[c] - mms_text_width(fields[c]), "");
    mms_text_add(&t->text, "\n");
}

char *mms_listing_table(const mms_listing *listing)
{
    char ms[] = "MS", sub_ms[] = "Sub-MS", scan[] = "Scan", spw[] = "Spw", nchan[] = "Nchan",
         nrows[] = "Nrows", size[] = "Size";
    char *const header[NCOLUMN] = {listing->multi ? sub_ms : ms, scan, spw, nchan, nrows, size};
    struct table t = {.widths = {0, 6, 7, 7, 8, 6}};

    t.widths[0] = mms_text_width(header[0]);
    if (!each_line(listing, widen, &t))
        return NULL;
    print_line(&t, header);
    if (!each_line(listing, print_line, &t)) {
        free(t.text.text);
        return NULL;
    }
    return t.text.text;
}
