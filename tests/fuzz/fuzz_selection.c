/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fuzz_selection.c  Selection expressions as users may type them.
 *
 *  Input: a letter and a text.  U: a uvrange; T: a timerange, with what MSSelection made of it
 * taken from the same bytes; others: an spw expression on windows of several kinds. */
#include <stdlib.h>
#include <string.h>

#include "ms/spw_expr_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { CHANNELS = 8 };

static double up[CHANNELS], down[CHANNELS], widths[CHANNELS];
static mms_window kinds[] = {{(char[]){"first"}, CHANNELS, 1e9, up, widths},
                             {(char[]){"a-b,c"}, CHANNELS, 2e9, down, widths},
                             {(char[]){""}, 1, 1e9, up, widths},
                             {(char[]){"empty"}, 0, 0, up, widths},
                             {(char[]){"first"}, CHANNELS, 5e9, up, widths},
                             {(char[]){"5"}, CHANNELS, 1e9, up, widths}};
static const mms_windows windows = {sizeof kinds / sizeof kinds[0], kinds, true};

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void fill_windows(void)
{
    for (int i = 0; i < CHANNELS; i++) {
        up[i] = 1e9 + 1e6 * i;
        down[i] = 2e9 - 1e6 * i;
        widths[i] = 1e6;
    }
}

/** Channels that are selected are there. */
static void try_spw(const char *text)
{
    mms_spw_expr e;
    mms_error err;
    const mms_status st = mms_spw_expr_read(text, &windows, &e, &err);

    demand(st == MMS_OK || st == MMS_ERR_SELECT || st == MMS_ERR_MEM);
    demand(st != MMS_OK || e.text);
    for (int64_t i = 0; st == MMS_OK && e.resolved && i < e.nchannel; i++) {
        const mms_channels *c = &e.channels[i];
        demand(c->spw >= 0 && c->spw < windows.n && c->step > 0);
        demand(c->first >= 0 && c->first <= c->last && c->last < kinds[c->spw].nchan);
    }
    if (st == MMS_OK)
        mms_spw_expr_free(&e);
}

static void try_uvrange(const char *text)
{
    char *out;
    mms_error err;
    const mms_status st = mms_uvrange_read(text, &out, &err);

    demand(st == MMS_OK ? out != NULL : out == NULL && err.code == st);
    free(out);
}

static void try_timerange(const char *text, const uint8_t *bytes, size_t size)
{
    double times[6] = {0};

    memcpy(times, bytes, size < sizeof times ? size : sizeof times);
    char *const warnings = mms_timerange_warnings(text, 2, times);
    demand(warnings && (!*warnings || warnings[strlen(warnings) - 1] == '\n'));
    free(warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *const text = size ? strndup((const char *)bytes + 1, size - 1) : NULL;

    if (!size)
        return 0;
    demand(text);
    fill_windows();
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    if (bytes[0] == 'U')
        try_uvrange(text);
    else if (bytes[0] == 'T')
        try_timerange(text, bytes, size);
    else if (!strchr(text, '/')) // a regular expression is casacore's, and takes its time
        try_spw(text);
    free(text);
    return 0;
}
