/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_memo.c  Rows that are selected by their ids are those that casacore selects one by
 *  one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "multims/select.h"
#include "multims/simulate.h"
#include "scratch.h"

enum { FEW = 1000 }; // for so few rows casacore is asked for each

static mms_ms *open_set(void)
{
    static const int64_t channels[] = {2};
    mms_simulate_opts o = MMS_SIMULATE_OPTS_INIT;
    mms_ms *ms = NULL;

    o.antennas = 10;
    o.scans = 4;
    o.fields = 2;
    o.spws = 2;
    o.integrations = 25;
    o.nchannels = 1;
    o.channels = channels;
    o.correlations = "2;XX";
    o.intents = "CALIBRATE_FLUX#ON_SOURCE;OBSERVE_TARGET#ON_SOURCE";
    o.autocorrelations = true;
    assert_int_equal(mms_simulate("in.ms", &o, NULL), MMS_OK);
    assert_int_equal(mms_ms_open("in.ms", &ms, NULL), MMS_OK);
    assert_true(mms_ms_nrow(ms) > 20 * FEW);
    return ms;
}

/** Compare the mask of all rows with those of few; the number of rows that are selected. */
static int64_t compare(mms_ms *ms, const mms_select *select)
{
    const int64_t nrow = mms_ms_nrow(ms);
    uint8_t *all = malloc((size_t)nrow), *few = malloc((size_t)nrow);
    mms_selection *s = NULL;
    mms_error err;
    int64_t n = 0;

    assert_true(all && few);
    if (mms_selection_create(ms, select, &s, &err) != MMS_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(mms_selection_rows(s, (mms_rows){0, nrow}, all, NULL), MMS_OK);
    for (int64_t at = 0; at < nrow; at += FEW) {
        const mms_rows rows = {at, nrow - at < FEW ? nrow - at : FEW};
        assert_int_equal(mms_selection_rows(s, rows, few + at, NULL), MMS_OK);
    }
    assert_memory_equal(all, few, (size_t)nrow);
    for (int64_t i = 0; i < nrow; i++)
        n += all[i];
    mms_selection_free(&s);
    free(all);
    free(few);
    return n;
}

static void ids_tell_which_rows_are_selected(void **state)
{
    static const mms_select some[] = {
        {.antenna = "1"},
        {.antenna = "0&&*;!2"},
        {.antenna = "3&&&"},
        {.spw = "1"},
        {.spw = "0:1", .antenna = "4&5"},
        {.field = "1"},
        {.scan = ">2"},
        {.scan = "1,3", .field = "0", .antenna = "!0"},
        {.correlation = "XX", .spw = "0"},
        {.intent = "*FLUX*"},
        {.array = "0", .observation = "0", .feed = "0&&&", .scan = "4"},
        {.uvrange = "<200m", .scan = "2"},
        {.taql = "rownr() < 5000 && ANTENNA1 == 1"}};
    mms_ms *ms = open_set();

    (void)state;
    for (int64_t i = 0; i < (int64_t)(sizeof some / sizeof *some); i++) {
        const int64_t n = compare(ms, &some[i]);
        if (n == 0 || n == mms_ms_nrow(ms))
            fail_msg("selection %d selects %d rows", (int)i, (int)n);
    }
    mms_ms_close(&ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_tell_which_rows_are_selected)};

    return cmocka_run_group_tests(tests, enter_scratch, leave_scratch);
}
