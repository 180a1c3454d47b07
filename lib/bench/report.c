/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file report.c  The result of the task bench as a table, as CSV and as a chart. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "bench.h"

static double number_of(const mms_value *value, const char *name)
{
    return json_number_value(json_object_get(value, name));
}

static int64_t integer_of(const mms_value *value, const char *name)
{
    return json_integer_value(json_object_get(value, name));
}

static bool is_true(const mms_value *value, const char *name)
{
    return json_is_true(json_object_get(value, name));
}

/* The cases of all sets, one after the other: start with {.sets = …} */
struct cursor {
    const mms_value *sets;
    size_t set, next;
    const mms_value *in; /* the set of the last case */
    bool first;          /* the last case is the first of its set */
};

static const mms_value *next_case(struct cursor *c)
{
    for (; c->set < json_array_size(c->sets); c->set++, c->next = 0) {
        const mms_value *one;
        c->in = json_array_get(c->sets, c->set);
        one = json_array_get(json_object_get(c->in, "cases"), c->next);
        if (one) {
            c->first = !c->next++;
            return one;
        }
    }
    return NULL;
}

static struct cursor cases_of(const mms_value *result)
{
    return (struct cursor){.sets = json_object_get(result, "sets")};
}

/* ---- table ---- */

static void print_head(const mms_value *result, const mms_value *set, FILE *out)
{
    fprintf(
        out, "%s: %" PRId64 " rows, %.1f MB; %" PRId64 " runs, %s cache, %s; libraries %.0f MiB\n",
        mms_text_of(set, "set"), integer_of(set, "rows"), (double)integer_of(set, "bytes") / 1e6,
        integer_of(result, "runs"), is_true(result, "cold") ? "cold" : "warm",
        is_true(result, "sync") ? "synced" : "not synced", number_of(set, "libraries_mib"));
    fprintf(out, "%-24s%-9s%8s%10s%10s%9s%8s%10s\n", "Request", "Path", "Workers", "Seconds",
            "Best", "GB/s", "x cp", "Peak MiB");
}

static void print_case(const mms_value *one, FILE *out)
{
    fprintf(out, "%-24s%-9s%8" PRId64, mms_text_of(one, "request"), mms_text_of(one, "path"),
            integer_of(one, "workers"));
    if (json_object_get(one, "error")) {
        fprintf(out, "  failed: %s\n", mms_text_of(one, "error"));
        return;
    }
    fprintf(out, "%10.3f%10.3f%9.2f%8.2f", number_of(one, "median_s"), number_of(one, "best_s"),
            number_of(one, "gb_s"), number_of(one, "x_cp"));
    if (number_of(one, "peak_mib") > 0)
        fprintf(out, "%10.0f\n", number_of(one, "peak_mib"));
    else
        fprintf(out, "%10s\n", "-");
}

void mms_bench_print(const mms_value *result, FILE *out)
{
    struct cursor c = cases_of(result);
    const mms_value *one;

    while ((one = next_case(&c))) {
        if (c.first)
            print_head(result, c.in, out);
        print_case(one, out);
    }
}

/* ---- CSV ---- */

/* A text in quotes, those in it doubled */
static void write_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_machine(const mms_value *result, FILE *out)
{
    char machine[288];

    snprintf(machine, sizeof machine, "%s/%" PRId64 " cpus", mms_text_of(result, "machine"),
             integer_of(result, "cpus"));
    write_quoted(mms_text_of(result, "label"), out);
    fputc(',', out);
    write_quoted(machine, out);
    fprintf(out, ",%s,%s,", is_true(result, "cold") ? "cold" : "warm",
            is_true(result, "sync") ? "True" : "False");
}

static void write_figures(const mms_value *one, FILE *out)
{
    if (json_object_get(one, "error"))
        fprintf(out, ",,,,,,");
    else
        fprintf(out, "%.4f,%.4f,%.3f,%.3f,%.1f,%s,", number_of(one, "best_s"),
                number_of(one, "median_s"), number_of(one, "gb_s"), number_of(one, "x_cp"),
                number_of(one, "peak_mib"), mms_text_of(one, "checksum"));
    write_quoted(mms_text_of(one, "error"), out);
    fputc('\n', out);
}

void mms_bench_csv(const mms_value *result, FILE *out)
{
    struct cursor c = cases_of(result);
    const mms_value *one;

    fprintf(out, "label,machine,cache,sync,set,rows,MB,request,path,workers,runs,best_s,median_s,"
                 "GB_s,x_cp,peak_MiB,checksum,error\n");
    while ((one = next_case(&c))) {
        write_machine(result, out);
        write_quoted(mms_text_of(c.in, "set"), out);
        fprintf(out, ",%" PRId64 ",%.1f,%s,%s,%" PRId64 ",%" PRId64 ",", integer_of(c.in, "rows"),
                (double)integer_of(c.in, "bytes") / 1e6, mms_text_of(one, "request"),
                mms_text_of(one, "path"), integer_of(one, "workers"), integer_of(result, "runs"));
        write_figures(one, out);
    }
}

/* ---- chart: a panel for each set, a bar for each case, a line where cp -r ends ---- */

enum { WIDTH = 820, LEFT = 250, BARS = 400, ROW = 18, HEAD = 44, FOOT = 16 };
static const char *const colours[] = {"#4878a8", "#e08a3c", "#5c9e5c", "#a05c9e"};

static void write_escaped(const char *text, FILE *out)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        default: /* XML has no control characters */
            fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
        }
}

/* The longest bar of a set, in multiples of cp -r */
static double longest(const mms_value *set)
{
    const mms_value *const cases = json_object_get(set, "cases");
    double most = 1;

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const double ratio = number_of(json_array_get(cases, i), "x_cp");
        most = ratio > most ? ratio : most;
    }
    return most;
}

/* One colour for each way and number of workers that follow each other in a request */
static const char *colour_of(const mms_value *one)
{
    const bool two = integer_of(one, "workers") > 1, tiles = *mms_text_of(one, "path") == 't';

    return *mms_text_of(one, "path") ? colours[(tiles ? 2 : 0) + (two ? 1 : 0)] : "#888888";
}

static void draw_bar(const mms_value *one, double pixels, int y, FILE *out)
{
    const double ratio = number_of(one, "x_cp");
    const bool way = *mms_text_of(one, "path") != '\0';

    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s", LEFT - 8, y + ROW - 5,
            mms_text_of(one, "request"));
    if (way)
        fprintf(out, ", %s, %" PRId64, mms_text_of(one, "path"), integer_of(one, "workers"));
    fprintf(out, "</text>\n");
    if (json_object_get(one, "error")) {
        fprintf(out, "<text x=\"%d\" y=\"%d\">failed</text>\n", LEFT + 6, y + ROW - 5);
        return;
    }
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", LEFT,
            y + 2, ratio * pixels, ROW - 4, colour_of(one));
    fprintf(out, "<text x=\"%.1f\" y=\"%d\">%.2f \u00d7, %.2f s, %.2f GB/s</text>\n",
            LEFT + ratio * pixels + 6, y + ROW - 5, ratio, number_of(one, "median_s"),
            number_of(one, "gb_s"));
}

static int draw_set(const mms_value *set, int y, FILE *out)
{
    const mms_value *const cases = json_object_get(set, "cases");
    const int count = (int)json_array_size(cases), bottom = y + HEAD + count * ROW;
    const double pixels = BARS / longest(set);

    fprintf(out, "<text x=\"16\" y=\"%d\" font-size=\"14\" font-weight=\"bold\">", y + 24);
    write_escaped(mms_text_of(set, "set"), out);
    fprintf(out, ": %.0f MB, %" PRId64 " rows; time / cp -r by request, path, workers</text>\n",
            (double)integer_of(set, "bytes") / 1e6, integer_of(set, "rows"));
    for (int i = 0; i < count; i++)
        draw_bar(json_array_get(cases, (size_t)i), pixels, y + HEAD + i * ROW, out);
    fprintf(out,
            "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#c03030\" "
            "stroke-dasharray=\"4 3\"/>\n",
            LEFT + pixels, y + HEAD - 8, LEFT + pixels, bottom + 4);
    return bottom + FOOT;
}

void mms_bench_svg(const mms_value *result, FILE *out)
{
    const mms_value *const sets = json_object_get(result, "sets");
    int height = FOOT, y = 0;

    for (size_t i = 0; i < json_array_size(sets); i++)
        height += HEAD + FOOT +
                  ROW * (int)json_array_size(json_object_get(json_array_get(sets, i), "cases"));
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            WIDTH, height);
    for (size_t i = 0; i < json_array_size(sets); i++)
        y = draw_set(json_array_get(sets, i), y, out);
    fprintf(out, "</svg>\n");
}

mms_status mms_bench_check_file(const char *path, mms_error *err)
{
    FILE *const file = *path ? fopen(path, "ae") : NULL;

    if (*path && !file)
        return mms_fail_errno(err, errno, "%s: cannot write", path);
    if (file)
        fclose(file);
    return MMS_OK;
}

mms_status mms_bench_write(const char *path, const mms_value *result,
                           void (*write)(const mms_value *result, FILE *out), mms_error *err)
{
    FILE *const file = *path ? fopen(path, "we") : NULL;
    bool bad;

    if (!*path)
        return MMS_OK;
    if (!file)
        return mms_fail_errno(err, errno, "%s: cannot write", path);
    write(result, file);
    bad = ferror(file);
    if (fclose(file) || bad)
        return mms_fail_errno(err, errno, "%s: cannot write", path);
    return MMS_OK;
}

void mms_bench_describe(const mms_bench *p, mms_value *result)
{
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    json_object_set_new(result, "machine", mms_text_value(host));
    json_object_set_new(result, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_object_set_new(result, "runs", json_integer(p->runs));
    json_object_set_new(result, "cold", json_boolean(p->cold));
    json_object_set_new(result, "sync", json_boolean(p->sync));
}
