/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_select.c  What the tokenisers make of spw, uvrange and timerange (parallel-tasks 5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ms/spw_expr_priv.h"

/* Window 0: 8 channels from 100 MHz upwards, 1: 4 from 203 MHz downwards, 2: one wide channel at
 * 300 MHz, 3: as 2 but with a number for a name. */
static double up_hz[8] = {100e6, 101e6, 102e6, 103e6, 104e6, 105e6, 106e6, 107e6};
static double up_width[8] = {1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6};
static double down_hz[4] = {203e6, 202e6, 201e6, 200e6};
static double down_width[4] = {-1e6, -1e6, -1e6, -1e6};
static double wide_hz[1] = {300e6}, wide_width[1] = {20e6};
static mms_window rows[] = {
    {"SB-31", 8, 100e6, up_hz, up_width},
    {"A,B:C", 4, 203e6, down_hz, down_width},
    {"TDM#15", 1, 300e6, wide_hz, wide_width},
    {"99", 1, 300e6, wide_hz, wide_width},
};
static const mms_windows windows = {4, rows, true};

/** Ranges as "spw:first~last^step ". */
static char *ranges_of(const mms_spw_expr *e)
{
    mms_text out = {0};
    for (int64_t i = 0; i < e->nchannel; i++)
        mms_text_add(&out, "%d:%d~%d^%d ", e->channels[i].spw, e->channels[i].first,
                     e->channels[i].last, e->channels[i].step);
    return out.text ? out.text : strdup("");
}

static void expect_ranges(const char *text, const char *ranges, const char *warnings)
{
    mms_spw_expr e;
    mms_error err;

    assert_int_equal(mms_spw_expr_read(text, &windows, &e, &err), MMS_OK);
    assert_true(e.resolved);
    assert_null(e.refusal);
    char *got = ranges_of(&e);
    assert_string_equal(got, ranges);
    assert_string_equal(e.warnings.text ? e.warnings.text : "", warnings);
    free(got);
    mms_spw_expr_free(&e);
}

static void expect_refused(const char *text, const char *message)
{
    mms_spw_expr e;
    mms_error err = {0};

    assert_int_equal(mms_spw_expr_read(text, &windows, &e, &err), MMS_ERR_SELECT);
    assert_string_equal(err.msg, message);
    assert_null(e.text);
}

/* MSSelection gets text and says what is wrong; refusal is for where it finds nothing. */
static void expect_handed_over(const char *text, const char *handed, const char *refusal)
{
    mms_spw_expr e;
    mms_error err;

    assert_int_equal(mms_spw_expr_read(text, &windows, &e, &err), MMS_OK);
    assert_false(e.resolved);
    assert_string_equal(e.text, handed);
    if (refusal)
        assert_string_equal(e.refusal, refusal);
    else
        assert_null(e.refusal);
    mms_spw_expr_free(&e);
}

static void ids_keep_the_users_order(void **state)
{
    (void)state;
    expect_ranges("2,0", "2:0~0^1 0:0~7^1 ", "");
    expect_ranges(" 1 ; 0 : 1 ~ 3 ", "1:1~3^1 0:1~3^1 ", "");
    expect_ranges("0~2^2", "0:0~7^1 2:0~0^1 ", "");
    expect_ranges("<1,0<>2", "0:0~7^1 1:0~3^1 ", "");
    expect_ranges(">2", "3:0~0^1 ", "");
}

static void each_window_and_range_comes_once(void **state)
{
    (void)state;
    expect_ranges("1,1", "1:0~3^1 ", "");
    expect_ranges("1;1:2", "1:2~2^1 ", "");
    expect_ranges("0:1~3,0:1~3,0:5", "0:1~3^1 0:5~5^1 ", "");
    expect_ranges("0:1~3,0:2~4", "0:1~3^1 0:2~4^1 ", "");
}

static void an_exact_full_name_matches(void **state)
{
    (void)state;
    expect_ranges("SB-31:2~4", "0:2~4^1 ", "");
    expect_ranges("A,B:C:0,TDM#15", "1:0~0^1 2:0~0^1 ", "");
    expect_ranges("99", "3:0~0^1 ", ""); /* no such id: the window called 99 */
    expect_handed_over("SB-3", "SB-3", NULL);
    expect_handed_over("SB-31,nosuch", "0,nosuch", NULL);
}

static void patterns_and_regular_expressions(void **state)
{
    (void)state;
    expect_ranges("TDM*:0", "2:0~0^1 ", "");
    expect_ranges("\"S*1\"", "0:0~7^1 ", "");
    expect_ranges("/SB-[0-9]+|TDM.15/", "0:0~7^1 2:0~0^1 ", "");
    expect_handed_over("/SB/", "/SB/", "no window has such a name"); /* the whole name */
    expect_handed_over("tdm*", "tdm*", "no window has such a name");
    expect_handed_over("\"SB", "\"SB", "a quote is not closed");
}

static void malformed_numbers_are_refused(void **state)
{
    (void)state;
    expect_refused("1.5", "malformed spw \"1.5\": an integer >= 0 is wanted");
    expect_refused("-1", "malformed spw \"-1\": an integer >= 0 is wanted");
    expect_refused("0:0.5", "malformed channel \"0.5\": an integer >= 0 is wanted");
    expect_refused("0:-3", "malformed channel \"-3\": an integer >= 0 is wanted");
    expect_refused("0:1~2^0", "malformed step \"0\": an integer >= 1 is wanted");
    expect_refused("0:1~2^-1", "malformed step \"-1\": an integer >= 1 is wanted");
    expect_refused("0:^1.5", "malformed step \"1.5\": an integer >= 1 is wanted");
}

static void what_is_not_understood_is_handed_over(void **state)
{
    static const char *const texts[] = {"0:",     "0::3", "0:>3", "<=1",      "1^2", "0:2^3",
                                        "0:1~2^", "a:b",  "(1)",  "1;TDM#15", ""};

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(texts); i++)
        expect_handed_over(texts[i], texts[i], NULL);
    expect_handed_over(":3", ":3", "a window is wanted before ':'; *:… means all");
    expect_handed_over("0:3~1", "0:3~1",
                       "Spw expression: Start of range greater than end of range");
    expect_handed_over("0,5", "0,5", "no such window");
}

static void channels_are_clipped_with_a_warning(void **state)
{
    (void)state;
    expect_ranges("0:6~9", "0:6~7^1 ",
                  "Channel 9 out of range for SPW 0 (valid range 0~7). Limiting it to be within "
                  "the available range.\n");
    expect_ranges("0:^3,1:1~3^2", "0:0~7^3 1:1~3^2 ", "");
    expect_refused("0:8", "no named channel exists in spw 0");
    expect_refused("0:8~9", "no named channel exists in spw 0");
}

static void windows_without_the_channel_are_left_out(void **state)
{
    (void)state;
    expect_ranges("0~2:0;3", "0:0~0^1 0:3~3^1 1:0~0^1 1:3~3^1 2:0~0^1 ",
                  "Spot-channel 3 out of range for SPW 2 (valid range 0~0). Limiting it to be "
                  "within the available range.\n");
    expect_refused("1;2:5", "no named channel exists in spw 1 or the others named");
}

static void frequencies_select_windows_by_their_centre(void **state)
{
    (void)state;
    expect_ranges("103~104MHz", "0:0~7^1 ", "");
    expect_ranges("0.103GHz~0.104GHz", "0:0~7^1 ", "");
    expect_ranges("201~202MHz;103~104mhz", "1:0~3^1 0:0~7^1 ", ""); /* all items, not the last */
    expect_ranges("310MHz", "2:0~0^1 ", "");                        /* the first one that is near */
    expect_ranges("<250MHz", "0:0~7^1 1:0~3^1 ", "");
    expect_ranges(">203e3kHz", "2:0~0^1 3:0~0^1 ", "");
    expect_handed_over("103~104MHz;400~500MHz", "103~104MHz;400~500MHz",
                       "No matching SPW found for the frequency");
}

static void frequencies_select_channels_in_64_bits(void **state)
{
    (void)state;
    expect_ranges("0:101~103.5MHz", "0:1~3^1 ", "");
    expect_ranges("1:200.5~202MHz", "1:1~2^1 ", ""); /* descending */
    expect_ranges("0:102000000.5Hz", "0:2~3^1 ", "");
    expect_ranges("0:102MHz", "0:2~2^1 ", "");
    expect_ranges("0:101~106MHz^2MHz", "0:1~6^2 ", "");
    expect_ranges("*:101~102MHz", "0:1~2^1 ", "");
    expect_ranges("0:400~500MHz,2", "2:0~0^1 ", "Found no matching SPW(s) [0]\n");
    expect_handed_over("0:400~500MHz", "0:400~500MHz", "No valid SPW & Chan combination found");
}

static void expect_uv(const char *text, const char *want)
{
    mms_error err = {0};
    char *got;

    assert_int_equal(mms_uvrange_read(text, &got, &err), MMS_OK);
    assert_string_equal(got, want);
    free(got);
}

static void a_percentage_is_a_symmetric_range(void **state)
{
    (void)state;
    expect_uv("100m:25%", "75~125m");
    expect_uv("100 : 25 %", "75~125");
    expect_uv("2klambda:50%,<5", "1~3klambda,<5");
    expect_uv("1m:200%", "0~3m");
    expect_uv("1~2km, >5 , abc", "1~2km, >5 , abc"); /* MSSelection reads or refuses these */
}

static void single_and_reversed_uv_values_are_refused(void **state)
{
    static const char *const texts[] = {"1000", "1km,2km", "0~5,3m", "5~1m", "5 ~ 1:3%"};
    mms_error err;
    char *got;

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(texts); i++) {
        assert_int_equal(mms_uvrange_read(texts[i], &got, &err), MMS_ERR_SELECT);
        assert_null(got);
    }
}

static void expect_time(const char *text, const char *want)
{
    /* 2014/09/20/10:36:00 as lower limit of both ranges */
    const double at = (56920.0 * 24 + 10.6) * 3600, times[6] = {at, at + 60, 0, at, at + 60, 0};
    char *got = mms_timerange_warnings(text, 2, times);

    assert_string_equal(got, want);
    free(got);
}

static void times_that_mislead_are_warned_of(void **state)
{
    (void)state;
    expect_time("2014/09/20/10:36:00~10:37:00", "");
    expect_time("10:36:00+10", "");
    expect_time("5.0[10:36:00~10:37:00],>10:36:00", "");
    expect_time("10:36:00~10:37",
                "timerange: 10:37 has two fields, which are minutes and seconds of hour 0; hours "
                "need three (hh:mm:ss)\n");
    expect_time("10:36:00,>2014/09/20",
                "timerange: 2014/09/20 lacks a time of day; completed from the data: "
                "2014/09/20/10:36:00.0\n");
    expect_time("2014/09/20~2014/09/21",
                "timerange: 2014/09/20 lacks a time of day; completed from the data: "
                "2014/09/20/10:36:00.0\n");
}

static void lists_of_ids_end_with_the_largest(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {{">5", "6~9"},
                 {">=5", "5~9"},
                 {">8", "9"},
                 {">9", "10"},
                 {">=9", "9"},
                 {"1,>7,2", "1,8~9,2"},
                 {" > 5 ", "6~9"},
                 {">2000", "2001"},
                 {"<2000", "0~9"},
                 {"<=9", "<=9"},
                 {"3~4", "3~4"},
                 {"3~2000", "3~9"},
                 {"12~2000", "12"},
                 {"9~2000", "9"},
                 {">2&<2000", ">2&<2000"},
                 {"5~2", "5~2"},
                 {"x", "x"},
                 {"", ""},
                 {">99999999999", "2147483647"}};

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(cases); i++) {
        mms_error err;
        char *out = NULL;
        assert_int_equal(mms_id_expr_read(cases[i].text, 9, &out, &err), MMS_OK);
        assert_string_equal(out, cases[i].want);
        free(out);
    }
    assert_true(mms_id_expr_is_long("1,>0"));
    assert_true(mms_id_expr_is_long("1~1001"));
    assert_false(mms_id_expr_is_long("1~1000,<20"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_keep_the_users_order),
        cmocka_unit_test(each_window_and_range_comes_once),
        cmocka_unit_test(an_exact_full_name_matches),
        cmocka_unit_test(patterns_and_regular_expressions),
        cmocka_unit_test(malformed_numbers_are_refused),
        cmocka_unit_test(what_is_not_understood_is_handed_over),
        cmocka_unit_test(channels_are_clipped_with_a_warning),
        cmocka_unit_test(windows_without_the_channel_are_left_out),
        cmocka_unit_test(frequencies_select_windows_by_their_centre),
        cmocka_unit_test(frequencies_select_channels_in_64_bits),
        cmocka_unit_test(a_percentage_is_a_symmetric_range),
        cmocka_unit_test(single_and_reversed_uv_values_are_refused),
        cmocka_unit_test(times_that_mislead_are_warned_of),
        cmocka_unit_test(lists_of_ids_end_with_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
