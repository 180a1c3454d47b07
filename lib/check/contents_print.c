/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file contents_print.c  What is in a set, for people: a screen, or all of it. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ids_priv.h"
#include "base/tabular_priv.h"
#include "contents.h"
#include "ms/columns.h"

enum { WIDTH = 100, MOST_SCANS = 20, MOST_FIELDS = 10, MOST_SPWS = 16, MOST_LINES = 3 };

/* Where and how much is printed */
struct page {
    const mms_value *contents;
    bool all;
    FILE *out;
};

/* "2012/06/03" and "03:16:55.9" of MJD seconds, as timerange takes them */
struct stamp {
    char date[48], time[48];
};

static struct stamp stamp_of(const mms_value *mjd_s)
{
    const double seconds = json_number_value(mjd_s);
    const long long tenths = fabs(seconds) < 1e13 ? llround((seconds - 40587.0 * 86400) * 10) : 0;
    const long long whole = (tenths - (tenths % 10 + 10) % 10) / 10;
    const time_t unix_s = (time_t)whole;
    struct stamp s = {"?", "?"};
    struct tm tm;

    if (!json_is_number(mjd_s) || !gmtime_r(&unix_s, &tm))
        return s;
    snprintf(s.date, sizeof s.date, "%04d/%02d/%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    snprintf(s.time, sizeof s.time, "%02d:%02d:%02d.%d", tm.tm_hour, tm.tm_min, tm.tm_sec,
             (int)(tenths - whole * 10));
    return s;
}

/* Write an angle of that many units of 1/60/60/scale as "15:56:41.887" or "-42.19.23.34" */
static void write_sexagesimal(char *text, size_t size, double units, int scale, int digits,
                              char mark, bool sign)
{
    const long long n = llround(fabs(units));
    const long long seconds = n / scale;

    snprintf(text, size, "%s%02lld%c%02lld%c%02lld.%0*lld",
             units < 0 ? "-"
             : sign    ? "+"
                       : "",
             seconds / 3600, mark, seconds / 60 % 60, mark, seconds % 60, digits, n % scale);
}

static bool is_equatorial(const char *frame)
{
    static const char *const names[] = {"J2000", "B1950", "ICRS",      "JMEAN", "JTRUE",
                                        "BMEAN", "BTRUE", "B1950_VLA", "APP",   "TOPO"};

    for (int64_t i = 0; i < MMS_COUNT_OF(names); i++)
        if (!strcmp(frame, names[i]))
            return true;
    return false;
}

/* "15:56:41.887 -42.19.23.34", in degrees where the frame has no hours */
static void write_direction(const mms_value *direction, const char *frame, char *text, size_t size)
{
    const double lon = json_number_value(json_array_get(direction, 0));
    const double lat = json_number_value(json_array_get(direction, 1));
    const double turn = 2 * acos(-1.0), day = 86400;
    char hours[40], degrees[40];

    if (json_array_size(direction) != 2 || !isfinite(lon + lat) || fabs(lon) > 1e3 ||
        fabs(lat) > 1e3) {
        snprintf(text, size, "?");
        return;
    }
    if (!is_equatorial(frame)) {
        snprintf(text, size, "%.5f %+.5f deg", lon / turn * 360, lat / turn * 360);
        return;
    }
    const double ms = fmod(round((lon / turn - floor(lon / turn)) * day * 1000), day * 1000);
    write_sexagesimal(hours, sizeof hours, ms, 1000, 3, ':', false);
    write_sexagesimal(degrees, sizeof degrees, lat / turn * 360 * 3600 * 100, 100, 2, '.', true);
    snprintf(text, size, "%s %s", hours, degrees);
}

static double number_of(const mms_value *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static json_int_t integer_of(const mms_value *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* "0~3,7"; the caller ends it with free() */
static char *ids_text(const mms_value *ids)
{
    const size_t n = json_array_size(ids);
    int32_t *const list = mms_alloc((int64_t)n + 1, sizeof *list);
    mms_text text = {0};

    for (size_t i = 0; list && i < n; i++)
        list[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    mms_text_add(&text, "%s", "");
    if (list)
        mms_ids_add_text(&text, (int64_t)n, list);
    free(list);
    return text.text;
}

/* What stands for an empty text in a table */
static const char *shown_text(const char *text)
{
    return text && *text ? text : "-";
}

/* The intents without what stands behind '#', each once; the caller ends it with free() */
static char *brief_intents(const mms_value *intents)
{
    mms_text text = {0};
    const mms_value *intent, *before;
    size_t i, j;

    mms_text_add(&text, "%s", "");
    json_array_foreach(intents, i, intent)
    {
        const char *const name = json_string_value(intent);
        const size_t n = strcspn(name, "#");
        bool again = false;
        json_array_foreach(intents, j, before)
        {
            const char *const other = json_string_value(before);
            again = again || (j < i && strcspn(other, "#") == n && !strncmp(name, other, n));
        }
        if (!again)
            mms_text_add(&text, "%s%.*s", text.length ? ", " : "", (int)n, name);
    }
    return text.text;
}

/* Texts of a list with mark between them; the caller ends it with free() */
static char *joined(const mms_value *list, const char *mark)
{
    mms_text text = {0};
    mms_value *item;
    size_t i;

    mms_text_add(&text, "%s", "");
    json_array_foreach(list, i, item)
        mms_text_add(&text, "%s%s", i ? mark : "", json_string_value(item));
    return text.text;
}

/* Say how many were left out; why: " without rows", or "" */
static void say_more(const struct page *p, int64_t hidden, const char *why)
{
    if (hidden > 0)
        fprintf(p->out, "… and %" PRId64 " more%s: -v lists all\n", hidden, why);
}

/* Print words after a title, wrapped and indented; few lines unless all are wanted.  Takes the
 * words and ends them. */
static void print_words(const struct page *p, const char *title, int64_t n, char **words)
{
    const int indent = 12;
    int at = fprintf(p->out, "%-*s", indent, title), lines = 1;
    int64_t i = 0;

    for (; i < n; i++) {
        const int length = (int)strlen(words[i] ? words[i] : "");
        if (at > indent && at + 2 + length > WIDTH) {
            if (!p->all && lines++ == MOST_LINES)
                break;
            fprintf(p->out, ",\n%*s", indent, "");
            at = indent;
        }
        at += fprintf(p->out, "%s%s", at > indent ? ", " : "", words[i] ? words[i] : "");
    }
    if (i < n)
        fprintf(p->out, "\n%*s… and %" PRId64 " more: -v lists all", indent, "", n - i);
    fputc('\n', p->out);
    for (i = 0; i < n; i++)
        free(words[i]);
    free(words);
}

static void print_length(double seconds, FILE *out)
{
    if (seconds < 60)
        fprintf(out, "%.1f s", seconds);
    else if (seconds < 3600)
        fprintf(out, "%.0f min %.0f s", floor(seconds / 60), floor(fmod(seconds, 60)));
    else
        fprintf(out, "%.0f h %.0f min", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
}

static void print_head(const struct page *p)
{
    const mms_value *const c = p->contents;
    const size_t nparts = json_array_size(json_object_get(c, "parts"));
    const char *const axis = mms_text_of(c, "axis");

    fprintf(p->out, "%s: %s", mms_text_of(c, "vis"), mms_text_of(c, "kind"));
    if (!strcmp(mms_text_of(c, "kind"), "Multi-MS"))
        fprintf(p->out, " of %zu parts, separation axis %s", nparts, *axis ? axis : "unknown");
    fprintf(p->out, ", %" JSON_INTEGER_FORMAT " rows, %.1f MB on disk\n", integer_of(c, "rows"),
            number_of(c, "bytes") / 1e6);
}

static void print_observations(const struct page *p)
{
    enum { MOST = 3 };
    const mms_value *const list = json_object_get(p->contents, "observations");
    const mms_value *o;
    size_t i;

    json_array_foreach(list, i, o)
    {
        if (i == MOST && !p->all)
            break;
        fprintf(p->out, "%s",
                *mms_text_of(o, "telescope") ? mms_text_of(o, "telescope") : "no telescope");
        if (*mms_text_of(o, "observer"))
            fprintf(p->out, ", observer %s", mms_text_of(o, "observer"));
        if (*mms_text_of(o, "project"))
            fprintf(p->out, ", project %s", mms_text_of(o, "project"));
        fputc('\n', p->out);
    }
    say_more(p, (int64_t)json_array_size(list) - (int64_t)i, "");
}

static void print_time(const struct page *p)
{
    const mms_value *const begin = json_object_get(p->contents, "begin");
    const mms_value *const end = json_object_get(p->contents, "end");
    const char *const frame = mms_text_of(p->contents, "time_frame");
    const struct stamp from = stamp_of(begin), to = stamp_of(end);

    if (json_is_null(begin))
        return;
    fprintf(p->out, "%s/%s to %s/%s %s, ", from.date, from.time, to.date, to.time,
            *frame ? frame : "UTC");
    print_length(json_number_value(end) - json_number_value(begin), p->out);
    fputc('\n', p->out);
}

/* How many of a list are shown, and of them only those with rows unless all are */
static bool is_shown(const struct page *p, const mms_value *object)
{
    return p->all || integer_of(object, "rows") > 0;
}

static void print_fields(const struct page *p)
{
    const mms_value *const list = json_object_get(p->contents, "fields");
    mms_tabular t = {.ncolumn = 7};
    int64_t shown = 0, used = 0;
    const mms_value *f;
    size_t i;

    fprintf(p->out, "\n");
    for (int c = 0; c < 7; c++)
        mms_tabular_add(
            &t, "%s",
            (const char *[]){"Field", "Name", "Code", "Position", "Frame", "Rows", "Scans"}[c]);
    json_array_foreach(list, i, f)
    {
        char direction[96], *const scans = ids_text(json_object_get(f, "scans"));
        used += is_shown(p, f);
        if (is_shown(p, f) && (p->all || shown < MOST_FIELDS)) {
            write_direction(json_object_get(f, "direction"), mms_text_of(f, "frame"), direction,
                            sizeof direction);
            mms_tabular_add(&t, "%zu", i);
            mms_tabular_add(&t, "%s", mms_text_of(f, "name"));
            mms_tabular_add(&t, "%s", shown_text(mms_text_of(f, "code")));
            mms_tabular_add(&t, "%s", direction);
            mms_tabular_add(&t, "%s", shown_text(mms_text_of(f, "frame")));
            mms_tabular_add(&t, "%" JSON_INTEGER_FORMAT, integer_of(f, "rows"));
            mms_tabular_add(&t, "%s", shown_text(scans));
            shown++;
        }
        free(scans);
    }
    mms_tabular_print(&t, p->out);
    say_more(p, used - shown, "");
    say_more(p, (int64_t)json_array_size(list) - used, " without rows");
}

/* The name of a scan's field, or how many fields it has */
static char *field_text(const struct page *p, const mms_value *scan)
{
    const mms_value *const fields = json_object_get(scan, "fields");
    const size_t n = json_array_size(fields);
    const int64_t first = json_integer_value(json_array_get(fields, 0));
    char *const ids = ids_text(fields);
    char *text;

    const mms_value *const field =
        first < 0 ? NULL : json_array_get(json_object_get(p->contents, "fields"), (size_t)first);
    text = n == 1 ? mms_format("%" PRId64 " %s", first, mms_text_of(field, "name"))
                  : mms_format("%zu fields: %s", n, ids ? ids : "");
    free(ids);
    return text;
}

static void add_scan(const struct page *p, mms_tabular *t, const mms_value *scan, bool parts)
{
    const struct stamp begin = stamp_of(json_object_get(scan, "begin"));
    const struct stamp end = stamp_of(json_object_get(scan, "end"));
    char *const field = field_text(p, scan), *const spws = ids_text(json_object_get(scan, "spws"));
    const mms_value *const list = json_object_get(scan, "intents");
    char *const intents = p->all ? joined(list, ", ") : brief_intents(list);
    const json_int_t rows = integer_of(scan, "rows");

    if (parts)
        mms_tabular_add(t, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
                        integer_of(scan, "observation"), integer_of(scan, "array"));
    mms_tabular_add(t, "%" JSON_INTEGER_FORMAT, integer_of(scan, "scan"));
    mms_tabular_add(t, "%s/%s", begin.date, begin.time);
    mms_tabular_add(t, "%s", end.time);
    mms_tabular_add(t, "%s", field ? field : "");
    mms_tabular_add(t, "%s", spws ? spws : "");
    mms_tabular_add(t, "%" JSON_INTEGER_FORMAT, rows);
    mms_tabular_add(t, "%.4g s", rows ? number_of(scan, "exposure") / (double)rows : 0);
    mms_tabular_add(t, "%s", shown_text(intents));
    free(field);
    free(spws);
    free(intents);
}

/* Whether scans are of more than one observation or array: then they say which */
static bool has_parts(const mms_value *scans)
{
    const mms_value *scan, *const first = json_array_get(scans, 0);
    size_t i;

    json_array_foreach(
        scans, i, scan) if (integer_of(scan, "observation") != integer_of(first, "observation") ||
                            integer_of(scan, "array") != integer_of(first, "array")) return true;
    return false;
}

static void print_scans(const struct page *p)
{
    static const char *const titles[] = {"Obs/Array", "Scan", "Begin",       "End",    "Field",
                                         "Spws",      "Rows", "Integration", "Intents"};
    const mms_value *const scans = json_object_get(p->contents, "scans");
    const bool parts = has_parts(scans);
    mms_tabular t = {.ncolumn = 8 + parts};
    const mms_value *scan;
    size_t i;

    fprintf(p->out, "\n");
    for (int c = !parts; c < 9; c++)
        mms_tabular_add(&t, "%s", titles[c]);
    json_array_foreach(scans, i, scan)
    {
        if (i == MOST_SCANS && !p->all)
            break;
        add_scan(p, &t, scan, parts);
    }
    mms_tabular_print(&t, p->out);
    say_more(p, (int64_t)json_array_size(scans) - (int64_t)i, "");
}

static void add_spw(mms_tabular *t, size_t i, const mms_value *spw)
{
    char *const corrs = joined(json_object_get(spw, "corrs"), ",");

    mms_tabular_add(t, "%zu", i);
    mms_tabular_add(t, "%s", mms_text_of(spw, "name"));
    mms_tabular_add(t, "%" JSON_INTEGER_FORMAT, integer_of(spw, "channels"));
    mms_tabular_add(t, "%s", shown_text(mms_text_of(spw, "frame")));
    mms_tabular_add(t, "%.6f", number_of(spw, "first_hz") / 1e6);
    mms_tabular_add(t, "%.3f", number_of(spw, "width_hz") / 1e3);
    mms_tabular_add(t, "%.3f", number_of(spw, "bandwidth_hz") / 1e6);
    mms_tabular_add(t, "%.6f", number_of(spw, "centre_hz") / 1e6);
    mms_tabular_add(t, "%" JSON_INTEGER_FORMAT, integer_of(spw, "rows"));
    mms_tabular_add(t, "%s", shown_text(corrs));
    free(corrs);
}

static void print_spws(const struct page *p)
{
    static const char *const titles[] = {"Spw",       "Name",        "Channels", "Frame",
                                         "First MHz", "Width kHz",   "Band MHz", "Centre MHz",
                                         "Rows",      "Correlations"};
    const mms_value *const list = json_object_get(p->contents, "spws");
    mms_tabular t = {.ncolumn = MMS_COUNT_OF(titles)};
    int64_t shown = 0, used = 0;
    const mms_value *spw;
    size_t i;

    fprintf(p->out, "\n");
    for (int64_t c = 0; c < MMS_COUNT_OF(titles); c++)
        mms_tabular_add(&t, "%s", titles[c]);
    json_array_foreach(list, i, spw)
    {
        used += is_shown(p, spw);
        if (!is_shown(p, spw) || (shown == MOST_SPWS && !p->all))
            continue;
        add_spw(&t, i, spw);
        shown++;
    }
    mms_tabular_print(&t, p->out);
    say_more(p, used - shown, "");
    say_more(p, (int64_t)json_array_size(list) - used, " without rows");
}

/* The antennas with rows, by name */
static void print_antenna_names(const struct page *p)
{
    const mms_value *const list = json_object_get(p->contents, "antennas");
    char **const words = mms_alloc((int64_t)json_array_size(list) + 1, sizeof *words);
    char title[32];
    const mms_value *a;
    int64_t n = 0;
    size_t i;

    json_array_foreach(list, i, a) if (words && json_is_true(json_object_get(a, "used")))
        words[n++] = strdup(mms_text_of(a, "name"));
    snprintf(title, sizeof title, "%" PRId64 " antennas", n);
    print_words(p, title, words ? n : 0, words);
    if (json_array_size(list) != (size_t)n)
        fprintf(p->out, "%*s(%zu more have no rows)\n", 12, "", json_array_size(list) - (size_t)n);
}

static void print_antenna_table(const struct page *p)
{
    static const char *const titles[] = {"Antenna", "Name", "Station", "Diameter", "Mount",
                                         "X m",     "Y m",  "Z m",     "Rows"};
    const mms_value *a;
    mms_tabular t = {.ncolumn = MMS_COUNT_OF(titles)};
    size_t i;

    for (int64_t c = 0; c < MMS_COUNT_OF(titles); c++)
        mms_tabular_add(&t, "%s", titles[c]);
    json_array_foreach(json_object_get(p->contents, "antennas"), i, a)
    {
        const mms_value *const position = json_object_get(a, "position_m");
        mms_tabular_add(&t, "%zu", i);
        mms_tabular_add(&t, "%s", mms_text_of(a, "name"));
        mms_tabular_add(&t, "%s", mms_text_of(a, "station"));
        mms_tabular_add(&t, "%.4g m", number_of(a, "diameter_m"));
        mms_tabular_add(&t, "%s", mms_text_of(a, "mount"));
        for (size_t d = 0; d < 3; d++)
            mms_tabular_add(&t, "%.3f", json_number_value(json_array_get(position, d)));
        mms_tabular_add(&t, "%s", json_is_true(json_object_get(a, "used")) ? "yes" : "none");
    }
    mms_tabular_print(&t, p->out);
}

/* "DATA complex [64,4]"; NULL for a column that is short or without an array */
static char *column_text(const mms_value *column, bool all)
{
    const mms_value *const cells = json_object_get(column, "cells"), *shape;
    const char *const name = mms_text_of(column, "name");
    bool long_cells = all, any = false;
    mms_text text = {0};
    size_t i;

    mms_text_add(&text, "%s %s", name, mms_text_of(column, "type"));
    json_array_foreach(cells, i, shape)
    {
        const size_t n = json_array_size(shape);
        long_cells = long_cells || n >= 2 || (n == 0 && strcmp(name, MMS_COL_FLAG_CATEGORY) != 0);
        any = any || n;
        for (size_t d = 0; d < n; d++)
            mms_text_add(&text, "%s%" JSON_INTEGER_FORMAT, d ? "," : " [",
                         json_integer_value(json_array_get(shape, d)));
        mms_text_add(&text, "%s", n ? "]" : "");
    }
    if (cells && json_array_size(cells) && !any)
        mms_text_add(&text, " without cells");
    if (long_cells)
        return text.text;
    free(text.text);
    return NULL;
}

static void print_columns(const struct page *p)
{
    const mms_value *const list = json_object_get(p->contents, "columns");
    char **const words = mms_alloc((int64_t)json_array_size(list) + 1, sizeof *words);
    const mms_value *column;
    int64_t n = 0, shorter = 0;
    size_t i;

    json_array_foreach(list, i, column)
    {
        char *const text = words ? column_text(column, p->all) : NULL;
        if (text)
            words[n++] = text;
        else
            shorter++;
    }
    if (shorter && words)
        words[n++] = mms_format("%" PRId64 " others", shorter);
    print_words(p, "Columns", words ? n : 0, words);
}

static void print_subtables(const struct page *p)
{
    const mms_value *const list = json_object_get(p->contents, "subtables");
    const mms_value *const missing = json_object_get(p->contents, "missing_subtables");
    char **const words = mms_alloc((int64_t)json_array_size(list) + 1, sizeof *words);
    char **const absent = mms_alloc((int64_t)json_array_size(missing) + 1, sizeof *absent);
    const mms_value *table;
    int64_t n = 0, m = 0;
    size_t i;

    json_array_foreach(list, i, table) if (words) words[n++] =
        json_is_null(json_object_get(table, "rows"))
            ? mms_format("%s cannot be read", mms_text_of(table, "name"))
            : mms_format("%s %" JSON_INTEGER_FORMAT, mms_text_of(table, "name"),
                         integer_of(table, "rows"));
    json_array_foreach(missing, i, table) if (absent) absent[m++] =
        strdup(json_string_value(table));
    print_words(p, "Sub-tables", n, words);
    if (m)
        print_words(p, "Missing", m, absent);
    else
        free(absent);
}

static void print_parts(const struct page *p)
{
    mms_tabular t = {.ncolumn = 3};
    const mms_value *part;
    size_t i;

    if (strcmp(mms_text_of(p->contents, "kind"), "Multi-MS") || !p->all)
        return;
    fprintf(p->out, "\n");
    for (int c = 0; c < 3; c++)
        mms_tabular_add(&t, "%s", (const char *[]){"Part", "Rows", "MB"}[c]);
    json_array_foreach(json_object_get(p->contents, "parts"), i, part)
    {
        mms_tabular_add(&t, "%s", mms_text_of(part, "name"));
        mms_tabular_add(&t, "%" JSON_INTEGER_FORMAT, integer_of(part, "rows"));
        mms_tabular_add(&t, "%.1f", number_of(part, "bytes") / 1e6);
    }
    mms_tabular_print(&t, p->out);
}

void mms_contents_print(const mms_value *contents, bool all, FILE *out)
{
    const struct page p = {contents, all, out};

    print_head(&p);
    print_observations(&p);
    print_time(&p);
    print_fields(&p);
    print_scans(&p);
    print_spws(&p);
    fprintf(out, "\n");
    if (all)
        print_antenna_table(&p);
    else
        print_antenna_names(&p);
    print_columns(&p);
    print_subtables(&p);
    print_parts(&p);
}
