/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_select_plain.c  Lists of numbers and names select what they select by MSSelection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ms/select_plain_priv.h"
#include "ms/select_value.h"
#include "multims/select.h"
#include "multims/simulate.h"
#include "scratch.h"
#include "tables/tables_priv.h"

static void put(const char *path, const char *column, int64_t row, mms_value *value)
{
    mms_table *table = NULL;
    mms_error err;

    if (mms_table_open(path, MMS_TABLE_UPDATE, &table, &err) != MMS_OK ||
        mms_table_put_cell(table, column, row, value, &err) != MMS_OK ||
        mms_table_close(&table, &err) != MMS_OK)
        fail_msg("%s", err.msg);
    mms_value_free(&value);
}

/* casacore's grammars keep what they can't parse. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libcasa_ms\n";
}

/* Names that are numbers, or begin so, with blanks, with a comma, twice; a station that is no name.
 */
static mms_ms *open_set(const char *path)
{
    static const int64_t channels[] = {4};
    mms_simulate_opts o = MMS_SIMULATE_OPTS_INIT;
    mms_ms *ms = NULL;
    char table[64];

    o.antennas = 8;
    o.scans = 5;
    o.fields = 4;
    o.spws = 3;
    o.integrations = 3;
    o.nchannels = 1;
    o.channels = channels;
    o.correlations = "2;XX";
    o.autocorrelations = true;
    assert_int_equal(mms_simulate(path, &o, NULL), MMS_OK);
    snprintf(table, sizeof table, "%s/ANTENNA", path);
    put(table, "NAME", 3, mms_text_value("5"));
    put(table, "NAME", 6, mms_text_value("0,1"));
    put(table, "NAME", 7, mms_text_value("ea01"));
    put(table, "NAME", 2, mms_text_value("ea01"));
    put(table, "NAME", 0, mms_text_value("12A"));
    put(table, "STATION", 4, mms_text_value("PAD"));
    put(table, "STATION", 1, mms_text_value("6"));
    snprintf(table, sizeof table, "%s/FIELD", path);
    put(table, "NAME", 1, mms_text_value("3C286"));
    put(table, "NAME", 2, mms_text_value(" J12+3.4 "));
    put(table, "NAME", 3, mms_text_value("7"));
    assert_int_equal(mms_ms_open(path, &ms, NULL), MMS_OK);
    return ms;
}

/* All that a selection says, as text; its error where it is refused. */
static char *describe(mms_ms *ms, const mms_select *select, uint8_t *mask, bool plain)
{
    const int64_t nrow = mms_ms_nrow(ms);
    mms_selection *s = NULL;
    mms_text text = {0};
    mms_error err;
    int64_t n;

    memset(mask, 2, (size_t)nrow);
    mms_ms_use_tiles(ms, plain);
    if (mms_selection_create(ms, select, &s, &err) != MMS_OK)
        return mms_format("%s", err.msg);
    assert_int_equal(mms_selection_rows(s, (mms_rows){0, nrow}, mask, NULL), MMS_OK);
    const mms_ids lists[] = {mms_selection_spws(s), mms_selection_ddids(s), mms_selection_fields(s),
                             mms_selection_antennas(s)};
    for (int i = 0; i < 4; i++) {
        mms_text_add(&text, "%d:", lists[i].given);
        for (int64_t k = 0; k < lists[i].n; k++)
            mms_text_add(&text, " %d", lists[i].ids[k]);
        mms_text_add(&text, "\n");
    }
    const mms_channels *const c = mms_selection_named_channels(s, &n);
    for (int64_t i = 0; i < n; i++)
        mms_text_add(&text, "%d:%d~%d^%d ", c[i].spw, c[i].first, c[i].last, c[i].step);
    mms_selection_free(&s);
    return text.text;
}

/* Compare both ways; the number of rows that are selected, -1: it is refused. */
static int64_t compare(mms_ms *ms, const mms_select *select)
{
    const int64_t nrow = mms_ms_nrow(ms);
    uint8_t *const mask = malloc(2 * (size_t)nrow), *const other = mask + nrow;
    char *const said = describe(ms, select, mask, true);
    mms_ms *whole = NULL; // who asks casacore alone does so from the start
    assert_int_equal(mms_ms_open(mms_ms_path(ms), &whole, NULL), MMS_OK);
    char *const want = describe(whole, select, other, false);
    int64_t n = mask[0] == 2 ? -1 : 0;

    assert_string_equal(said, want);
    assert_memory_equal(mask, other, (size_t)nrow);
    for (int64_t i = 0; n >= 0 && i < nrow; i++)
        n += mask[i];
    mms_ms_close(&whole);
    free(mask);
    free(said);
    free(want);
    return n;
}

static bool is_plain(mms_ms *ms, const mms_select *select)
{
    mms_windows windows = {0};
    mms_spw_expr spw = {0};
    mms_select_plain plain;
    bool is;

    mms_ms_use_tiles(ms, true);
    assert_int_equal(mms_windows_read(ms, &windows, NULL), MMS_OK);
    if (select->spw)
        assert_int_equal(mms_spw_expr_read(select->spw, &windows, &spw, NULL), MMS_OK);
    is = mms_select_plain_open(ms, select, &windows, &spw, &plain);
    mms_select_plain_free(&plain);
    mms_spw_expr_free(&spw);
    mms_windows_free(&windows);
    return is;
}

static void lists_are_read_as_by_casacore(void **state)
{
    static const mms_select some[] = {
        {.scan = "2"},
        {.scan = " 1 , 3~5"},
        {.scan = "4~2000"},
        {.field = "1,0"},
        {.field = "2~3"},
        {.field = "3C286"},
        {.field = "J12+3.4,0"},
        {.spw = "2,0"},
        {.spw = "1:1~2;3"},
        {.spw = "0~1", .scan = "1,2,3"},
        {.antenna = "1"},
        {.antenna = "5"},
        {.antenna = "6"},
        {.antenna = "4~5"},
        {.antenna = "ea01"},
        {.antenna = "PAD , 1"},
        {.antenna = "1,ea01", .spw = "1", .field = "0~2", .scan = "1~4"}};
    mms_ms *ms = open_set("in.ms");

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(some); i++) {
        if (!is_plain(ms, &some[i]))
            fail_msg("selection %d is not read here", (int)i);
        const int64_t n = compare(ms, &some[i]);
        if (n <= 0 || n == mms_ms_nrow(ms))
            fail_msg("selection %d selects %d rows", (int)i, (int)n);
    }
    mms_ms_close(&ms);
}

static void the_rest_is_casacores(void **state)
{
    static const mms_select some[] = {{.scan = "3~3"},
                                      {.scan = "3~1"},
                                      {.scan = "<3"},
                                      {.scan = "1,"},
                                      {.scan = "1 2"},
                                      {.scan = "x"},
                                      {.field = "9"},
                                      {.field = "0,9"},
                                      {.field = "7"},
                                      {.field = "3C*"},
                                      {.field = "nosuch"},
                                      {.field = "\"3C286\""},
                                      {.field = "-1"},
                                      {.spw = "7"},
                                      {.spw = "nosuch"},
                                      {.spw = "*"},
                                      {.antenna = "0,1"},
                                      {.antenna = "9"},
                                      {.antenna = "1&2"},
                                      {.antenna = "!1"},
                                      {.antenna = "0~9"},
                                      {.antenna = "1;2"},
                                      {.antenna = "12A"},
                                      {.antenna = "4,12A"},
                                      {.antenna = "ea*"},
                                      {.antenna = "nosuch"},
                                      {.antenna = "3~1"},
                                      {.scan = "1", .uvrange = "<100m"},
                                      {.scan = "1", .taql = "ANTENNA1 == 1"},
                                      {.correlation = "XX"}};
    mms_ms *ms = open_set("other.ms");

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(some); i++) {
        if (is_plain(ms, &some[i]) && !(some[i].spw && *some[i].spw == '*'))
            fail_msg("selection %d is read here", (int)i);
        compare(ms, &some[i]);
    }
    mms_ms_close(&ms);
}

/* Rows of sub-tables that are flagged are no names, nor windows, for MSSelection. */
static void flagged_rows_of_subtables_are_casacores(void **state)
{
    static const mms_select some[] = {{.field = "3C286"}, {.spw = "1"}, {.spw = "0,2"}};
    mms_ms *ms = open_set("flagged.ms");

    (void)state;
    put("flagged.ms/FIELD", "FLAG_ROW", 1, json_true());
    put("flagged.ms/DATA_DESCRIPTION", "FLAG_ROW", 1, json_true());
    for (int64_t i = 0; i < MMS_COUNT_OF(some); i++) {
        assert_false(is_plain(ms, &some[i]));
        compare(ms, &some[i]);
    }
    mms_ms_close(&ms);
}

/* ---- at random --------------------------------------------------------------------------------*/

static const char *word(void)
{
    static const char *const words[] = {"0",   "1",    "3",    "07",  "12A",   "1e5", "1.5",
                                        "-1",  "ea01", "EA01", "a b", " x ",   "x",   "X",
                                        "0,1", "1~2",  "all",  "_",   "1_2",   "1km", "a.b",
                                        "a+b", "a-b",  "0x1",  "M8",  "3C286", "@x",  "J12+3.4",
                                        "00",  "*",    "/x/",  "",    "12h",   "0a",  "\xc3\xa9"};

    return words[some(0, MMS_COUNT_OF(words) - 1)];
}

static void rename_at_random(const char *path, const char *column, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (some(0, 3))
            put(path, column, i, mms_text_value(word()));
}

static const char *list(void)
{
    static const char *const between[] = {",", ",", ",", ",", ",", ", ", " ,", ",,", ";", "&", "~"};
    static const char *const items[] = {"1~2",  "0~1",     "2~1",  "1~1",       "0~9",        "<2",
                                        ">1",   "!1",      "1&2",  "\"x\"",     "'x'",        "x*",
                                        "{a,b", "1.5~2Hz", "0:1",  "1:0~1;3",   "*:2",        "\\*",
                                        "1 ~2", "01~02",   "+1,1", "999999999", "4294967296", "?"};
    static char text[256];

    *text = '\0';
    for (int64_t i = some(0, 2); i >= 0; i--) {
        strcat(text, some(0, 3) ? word() : items[some(0, MMS_COUNT_OF(items) - 1)]);
        if (i > 0)
            strcat(text, between[some(0, MMS_COUNT_OF(between) - 1)]);
    }
    return text;
}

static void lists_at_random(void **state)
{
    enum { TRIALS = 60, LEAST = 5 };
    mms_ms *ms = open_set("random.ms");
    int64_t nplain = 0;

    (void)state;
    mms_ms_close(&ms);
    rename_at_random("random.ms/ANTENNA", "NAME", 8);
    rename_at_random("random.ms/ANTENNA", "STATION", 8);
    rename_at_random("random.ms/FIELD", "NAME", 4);
    rename_at_random("random.ms/FIELD", "CODE", 4);
    rename_at_random("random.ms/SPECTRAL_WINDOW", "NAME", 3);
    assert_int_equal(mms_ms_open("random.ms", &ms, NULL), MMS_OK);
    for (int64_t i = 0; i < TRIALS; i++) {
        mms_select select = {0};
        *mms_select_at(&select, (int)some(0, 3)) = list(); // field, spw, scan, antenna
        if (compare(ms, &select) >= 0 && is_plain(ms, &select))
            nplain++;
    }
    if (nplain < LEAST)
        fail_msg("%d of %d lists are read here", (int)nplain, TRIALS);
    mms_ms_close(&ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists_are_read_as_by_casacore),
                                       cmocka_unit_test(the_rest_is_casacores),
                                       cmocka_unit_test(flagged_rows_of_subtables_are_casacores),
                                       cmocka_unit_test(lists_at_random)};

    return cmocka_run_group_tests(tests, enter_scratch, leave_scratch);
}
