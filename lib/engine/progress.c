/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file progress.c  How far a run is: a bar on a terminal, else a line every few seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine_priv.h"

enum { BAR_WIDTH = 24, LEAST_BAR = 8, USUAL_WIDTH = 80, NTEXT = 4, TEXT_SIZE = 48 };
static const double ns_in_s = 1e9;
static const int64_t quiet_ns = 2000000000; /* shorter runs show nothing */
static const int64_t bar_ns = 200000000, line_ns = 5000000000;

void mms_progress_begin(mms_progress *p, const char *scope, bool shown, int64_t units, double bytes)
{
    *p = (mms_progress){.scope = scope,
                        .shown = shown,
                        .terminal = isatty(STDERR_FILENO),
                        .units = units,
                        .bytes = bytes};
    p->begin_ns = mms_now_ns();
    p->next_ns = p->begin_ns + quiet_ns;
}

void mms_progress_clear(mms_progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stderr);
    p->drawn = false;
}

/* Columns of the terminal that a line may fill without a break. */
static int line_width(void)
{
    const char *const columns = getenv("COLUMNS");
    struct winsize size;

    if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 0)
        return size.ws_col - 1;
    return columns && atoi(columns) > 0 ? atoi(columns) - 1 : USUAL_WIDTH - 1;
}

/* What stands behind the bar, the most important first. */
static void describe(const mms_progress *p, double fraction, double seconds,
                     char texts[NTEXT][TEXT_SIZE])
{
    const double rate = (p->bytes_done - p->bytes_before) / seconds;
    const double left = rate > 0 ? (p->bytes - p->bytes_done) / rate : 0;

    memset(texts, 0, NTEXT * sizeof *texts);
    snprintf(texts[0], TEXT_SIZE, "%3.0f %%", 100 * fraction);
    if (rate > 0)
        snprintf(texts[1], TEXT_SIZE, ", %ld:%02ld to go", (long)(left / 60), (long)left % 60);
    if (p->units > 1)
        snprintf(texts[2], TEXT_SIZE, ", %lld of %lld", (long long)p->units_done,
                 (long long)p->units);
    if (p->bytes > (double)p->units && rate > 0) /* else the bytes are counted units */
        snprintf(texts[3], TEXT_SIZE, ", %.1f MB/s", rate / 1e6);
}

/* The scope, a bar, and of the texts what the line has room for. */
static void draw_bar(mms_progress *p, double fraction, char texts[NTEXT][TEXT_SIZE])
{
    const int scope = (int)strlen(p->scope) + 1, width = line_width();
    int room = width - scope - LEAST_BAR - 3, shown = 0, length, full;
    char bar[BAR_WIDTH + 1];

    for (; shown < NTEXT && room >= (int)strlen(texts[shown]); shown++)
        room -= (int)strlen(texts[shown]);
    length =
        room < 0 ? 0 : LEAST_BAR + (room < BAR_WIDTH - LEAST_BAR ? room : BAR_WIDTH - LEAST_BAR);
    full = (int)(fraction * length);
    memset(bar, '#', (size_t)full);
    memset(bar + full, '.', (size_t)(length - full));
    bar[length] = '\0';
    fprintf(stderr, "\r");
    if (length)
        fprintf(stderr, "%s [%s] ", p->scope, bar);
    for (int i = 0; i < shown || i == 0; i++)
        fprintf(stderr, "%.*s", width, texts[i]);
    fprintf(stderr, "\033[K");
    p->drawn = true;
}

void mms_progress_show(mms_progress *p)
{
    const int64_t now = mms_now_ns();
    double fraction = p->bytes > 0 ? p->bytes_done / p->bytes : 0;
    char texts[NTEXT][TEXT_SIZE];

    if (!p->shown || now < p->next_ns)
        return;
    fraction = fraction > 1 ? 1 : fraction;
    describe(p, fraction, (double)(now - p->begin_ns) / ns_in_s, texts);
    if (p->terminal)
        draw_bar(p, fraction, texts);
    else
        mms_log(MMS_LOG_INFO, p->scope, "%s%s%s%s", texts[0] + strspn(texts[0], " "), texts[2],
                texts[3], texts[1]);
    p->next_ns = now + (p->terminal ? bar_ns : line_ns);
}
