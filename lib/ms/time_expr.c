/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file time_expr.c  What to warn of in a timerange; MSSelection alone reads it. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "spw_expr_priv.h"

/** One time of an expression. */
typedef struct time_word {
    const char *text;
    int length;
    char before, after; /**< the separators, 0 at the ends */
} time_word;

static int count(const time_word *w, char c)
{
    int n = 0;
    for (int i = 0; i < w->length; i++)
        n += w->text[i] == c;
    return n;
}

void mms_write_time(double mjd_s, char *out, size_t size)
{
    const double unix_s = mjd_s - 40587.0 * 86400;
    const bool known = fabs(unix_s) < 1e14; // years of seven digits
    const time_t whole = known ? (time_t)floor(unix_s) : 0;
    struct tm tm = {0};
    char date[40];

    if (!known) {
        snprintf(out, size, "%.17g", mjd_s);
        return;
    }
    gmtime_r(&whole, &tm);
    strftime(date, sizeof date, "%Y/%m/%d/%H:%M", &tm);
    snprintf(out, size, "%s:%04.1f", date, tm.tm_sec + (unix_s - (double)whole));
}

/** Read the next word at *at; false at the end. */
static bool next_word(const char **at, time_word *w)
{
    static const char separators[] = "~,+<>[]";

    for (w->before = w->after; **at && strchr(separators, **at); (*at)++)
        w->before = **at;
    w->text = *at;
    w->length = (int)strcspn(*at, separators);
    *at += w->length;
    w->after = **at;
    while (w->length > 0 && w->text[w->length - 1] == ' ')
        w->length--;
    return w->length > 0;
}

/** time: the resolved limits of the word's range. */
static void warn_word(mms_text *out, const time_word *w, const double *time)
{
    const int colons = count(w, ':');
    const bool second_end = w->before == '~'; // takes what it lacks from the first
    char used[48];

    if (colons == 1)
        mms_text_add(out,
                     "timerange: %.*s has two fields, which are minutes and seconds of hour 0; "
                     "hours need three (hh:mm:ss)\n",
                     w->length, w->text);
    if (colons == 0 && !second_end && time) {
        mms_write_time(time[0] > 0 ? time[0] : time[1], used, sizeof used);
        mms_text_add(out, "timerange: %.*s lacks a time of day; completed from the data: %s\n",
                     w->length, w->text, used);
    }
}

char *mms_timerange_warnings(const char *text, int64_t n, const double *times)
{
    mms_text out = {0};
    time_word w = {0};
    int64_t range = 0;

    while (next_word(&text, &w)) {
        const bool width = w.after == '['; // "5.0[t0~t1]"
        if (!width && w.before != '+')
            warn_word(&out, &w, range < n ? times + 3 * range : NULL);
        const char *rest = text + strspn(text, "] ");
        range += *rest == ',';
    }
    return out.failed ? NULL : out.text ? out.text : strdup("");
}
