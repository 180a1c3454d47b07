/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file progress.c  How far a run is: a bar on a terminal, else a line every few seconds. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine_priv.h"

enum { BAR_WIDTH = 24 };
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

/* "120.5 MB/s, 0:12 to go", or what of it is known. */
static void describe_speed(const mms_progress *p, double seconds, char *text, size_t size)
{
    const double rate = p->bytes_done / seconds;
    const double left = rate > 0 ? (p->bytes - p->bytes_done) / rate : 0;
    const long minutes = (long)(left / 60), rest = (long)left % 60;
    int n = 0;

    text[0] = '\0';
    if (p->bytes > (double)p->units && rate > 0) /* else the bytes are counted units */
        n = snprintf(text, size, ", %.1f MB/s", rate / 1e6);
    if (rate > 0)
        snprintf(text + n, size - (size_t)n, ", %ld:%02ld to go", minutes, rest);
}

static void draw_bar(mms_progress *p, double fraction, const char *speed)
{
    char bar[BAR_WIDTH + 1];
    const int full = (int)(fraction * BAR_WIDTH);

    memset(bar, '#', (size_t)full);
    memset(bar + full, '.', (size_t)(BAR_WIDTH - full));
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f %%, %lld of %lld%s\033[K", p->scope, bar, 100 * fraction,
            (long long)p->units_done, (long long)p->units, speed);
    p->drawn = true;
}

void mms_progress_show(mms_progress *p)
{
    const int64_t now = mms_now_ns();
    double fraction = p->bytes > 0 ? p->bytes_done / p->bytes : 0;
    char speed[96];

    if (!p->shown || now < p->next_ns)
        return;
    fraction = fraction > 1 ? 1 : fraction;
    describe_speed(p, (double)(now - p->begin_ns) / ns_in_s, speed, sizeof speed);
    if (p->terminal)
        draw_bar(p, fraction, speed);
    else
        mms_log(MMS_LOG_INFO, p->scope, "%.0f %%, %lld of %lld%s", 100 * fraction,
                (long long)p->units_done, (long long)p->units, speed);
    p->next_ns = now + (p->terminal ? bar_ns : line_ns);
}
