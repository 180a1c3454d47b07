/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_flag_cmd.c  lib/subtables/flag_cmd.c: commands before and after, as CASA 6.7 recorded
 * them or, where it is known to be wrong, by the rules of parallel-tasks 2.12. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "multims/simulate.h"
#include "subtables/flag_cmd.h"
#include "tables/tables_priv.h"

/* Two windows of 16 channels; eight: 128 in windows 1 and 2, 24 in the others. */
static char scratch[64];
static mms_ms *two, *eight;

static mms_ms *make(const char *path, int64_t spws, const int64_t *channels)
{
    mms_simulate_opts o = MMS_SIMULATE_OPTS_INIT;
    mms_ms *ms = NULL;

    o.antennas = 2;
    o.scans = o.integrations = 1;
    o.spws = o.nchannels = spws;
    o.channels = channels;
    o.correlations = "1";
    return mms_simulate(path, &o, NULL) || mms_ms_open(path, &ms, NULL) ? NULL : ms;
}

static int set_up(void **state)
{
    static const int64_t of_two[] = {16, 16}, of_eight[] = {24, 128, 128, 24, 24, 24, 24, 24};

    (void)state;
    strcpy(scratch, "multims-test-flagcmd-XXXXXX");
    if (!mkdtemp(scratch) || chdir(scratch))
        return -1;
    two = make("two.ms", 2, of_two);
    eight = make("eight.ms", 8, of_eight);
    return two && eight ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    mms_ms_close(&two);
    mms_ms_close(&eight);
    return chdir("..") || mms_remove_tree(scratch, NULL) ? -1 : 0;
}

static mms_flag_cmd_map *map_of(mms_ms *ms, const char *spw, int64_t bin)
{
    const mms_select select = {.spw = spw};
    mms_flag_cmd_request request = MMS_FLAG_CMD_REQUEST_INIT;
    mms_selection *selection;
    mms_flag_cmd_map *map;
    mms_error err;

    assert_int_equal(mms_selection_create(ms, &select, &selection, &err), MMS_OK);
    request.selection = selection;
    request.spw = spw;
    request.nbin = 1;
    request.bins = &bin;
    assert_int_equal(mms_flag_cmd_map_create(ms, &request, &map, &err), MMS_OK);
    mms_selection_free(&selection);
    return map;
}

/** Expect the text; problem "" when nothing is said. */
static void expect_said(mms_ms *ms, const char *spw, int64_t bin, const char *command,
                        const char *want, const char *problem)
{
    mms_flag_cmd_map *map = map_of(ms, spw, bin);
    mms_flag_cmd_answer answer;
    mms_error err;

    assert_int_equal(mms_flag_cmd_rewrite(map, command, &answer, &err), MMS_OK);
    assert_string_equal(answer.text, want);
    assert_string_equal(answer.problem ? answer.problem : "", problem);
    mms_flag_cmd_answer_free(&answer);
    mms_flag_cmd_map_free(&map);
}

static void expect(mms_ms *ms, const char *spw, int64_t bin, const char *command, const char *want)
{
    expect_said(ms, spw, bin, command, want, "");
}

/* ---- the recorded decisions ---------------------------------------------------------------- */

enum { NCOMMAND = 7 };
static const char *const commands[NCOMMAND] = {
    "spw='0:10~13' antenna='A0'", "spw='1:0~15'",           "spw='1:4~5;8~20'",   "antenna='A1'",
    "spw='0' scan='1'",           "spw='1:0~3' reason='x'", "spw='0:14~15,1:2~3'"};

/** What multims answers to the commands above; rows that CASA gets wrong are marked. */
static const struct decision {
    const char *ids, *spw;
    int64_t bin;
    const char *want[NCOMMAND];
} decisions[] = {
    {"d262 d263",
     "0:12~15",
     1,
     {"spw='0:0~1' antenna='A0'", "", "", "antenna='A1'", "spw='0' scan='1'", "", "spw='0:2~3'"}},
    {"d264 d265",
     "1:2~9",
     1,
     {"", "spw='0'", "spw='0:2~3;6~7'", "antenna='A1'", "", "spw='0:0~1' reason='x'",
      "spw='0:0~1'"}},
    {"d266 d267",
     "0",
     1,
     {"spw='0:10~13' antenna='A0'", "", "", "antenna='A1'", "scan='1'" /* CASA: " scan='1'" */, "",
      "spw='0:14~15'"}},
    {"d268 d269",
     "1",
     1,
     {"", "spw='0'", "spw='0:4~5;8~15'", "antenna='A1'", "", "spw='0:0~3' reason='x'",
      "spw='0:2~3'"}},
    {"d270 d271",
     "0,1:4~11",
     1,
     {"spw='0:10~13' antenna='A0'", "spw='1'", "spw='1:0~1;4~7'", "antenna='A1'",
      "spw='0' scan='1'", "", "spw='0:14~15'" /* CASA: "" */}},
    {"d272 d273",
     "1,0",
     1, /* CASA numbers by ascending input id */
     {"spw='1:10~13' antenna='A0'", "spw='0'", "spw='0:4~5;8~15'", "antenna='A1'",
      "spw='1' scan='1'", "spw='0:0~3' reason='x'", "spw='1:14~15,0:2~3'"}},
    {"d274",
     "",
     4,
     {"spw='0:2~3' antenna='A0'", "spw='1:0~3'", "spw='1:1~3'", "antenna='A1'",
      "spw='0:0~3' scan='1'", "spw='1:0' reason='x'", "spw='0:3,1:0'"}},
    {"d275 d276",
     "1:2~9",
     2,
     {"", "spw='0:0~3'", "spw='0:1~3^2'", "antenna='A1'", "", "spw='0:0' reason='x'", "spw='0:0'"}},
    {"d277",
     "SPW1",
     1,
     {"", "spw='0'", "spw='0:4~5;8~15'", "antenna='A1'", "", "spw='0:0~3' reason='x'",
      "spw='0:2~3'"}},
};

static void decisions_are_as_recorded(void **state)
{
    mms_flag_cmd_answer answer;
    mms_error err;

    (void)state;
    for (int64_t d = 0; d < MMS_COUNT_OF(decisions); d++) {
        mms_flag_cmd_map *map = map_of(two, decisions[d].spw, decisions[d].bin);
        for (int i = 0; i < NCOMMAND; i++) {
            assert_int_equal(mms_flag_cmd_rewrite(map, commands[i], &answer, &err), MMS_OK);
            if (strcmp(answer.text, decisions[d].want[i]))
                fail_msg("%s row %d: \"%s\", wanted \"%s\"", decisions[d].ids, i, answer.text,
                         decisions[d].want[i]);
            mms_flag_cmd_answer_free(&answer);
        }
        mms_flag_cmd_map_free(&map);
    }
}

/* ---- the rules ----------------------------------------------------------------------------- */

static void channels_move_with_the_selection(void **state)
{
    (void)state;
    expect(eight, "7:10~20^2", 1, "spw='7:12~18^3'", "spw='0:1~4^3'");
    expect(eight, "7:10~20^2", 2, "spw='7:12~18^3'", "spw='0:0~2^2'");
    expect(eight, "1:12~115", 1, "spw='1:40~55'", "spw='0:28~43'");
    expect(eight, "1:12~115", 1, "spw='1:13~33'", "spw='0:1~21'");
    expect(eight, "1:12~115", 1, "spw='1:5~23'", "spw='0:0~11'");
    expect(eight, "1:12~115", 1, "spw='2:40~55'", "");
    expect(eight, "1:12~115", 1, "antenna='A1'", "antenna='A1'");
}

static void ids_follow_the_order_of_the_selection(void **state)
{
    (void)state;
    expect(eight, "5,2,7", 1, "spw='5:0~1' scan='1'", "spw='0:0~1' scan='1'");
    expect(eight, "5,2,7", 1, "spw='2,7'", "spw='1,2'");
    expect(eight, "5,2,7", 1, "spw='7,5:3'", "spw='2,0:3'");
    expect(eight, "5,2,7", 1, "spw='0~6:4~5'", "spw='1:4~5,0:4~5'");
    expect(eight, "5,2,7", 1, "spw='*:4~5'", "spw='1:4~5,0:4~5,2:4~5'");
    expect(eight, "5,2,7", 1, "spw='1'", "");
    expect(eight, "5,2,7", 1, "spw='SPW7:1'", "spw='2:1'");
}

static void ids_stay_without_reindexing(void **state)
{
    const mms_select select = {.spw = "5:4~9,2"};
    mms_flag_cmd_request request = MMS_FLAG_CMD_REQUEST_INIT;
    mms_selection *selection;
    mms_flag_cmd_answer answer;
    mms_flag_cmd_map *map;

    (void)state;
    assert_int_equal(mms_selection_create(eight, &select, &selection, NULL), MMS_OK);
    request.selection = selection;
    request.spw = select.spw;
    request.keep_ids = true;
    assert_int_equal(mms_flag_cmd_map_create(eight, &request, &map, NULL), MMS_OK);
    assert_int_equal(mms_flag_cmd_rewrite(map, "spw='5:5~6'", &answer, NULL), MMS_OK);
    assert_string_equal(answer.text, "spw='5:1~2'");
    mms_flag_cmd_answer_free(&answer);
    mms_flag_cmd_map_free(&map);
    mms_selection_free(&selection);
}

/* Each range drops its own remainder: of 0:0~2;6~8 by two, channels 2 and 8. */
static void bins_do_not_cross_ranges(void **state)
{
    (void)state;
    expect(two, "0:0~2;6~8", 2, "spw='0:7'", "spw='0:1'");
    expect(two, "0:0~2;6~8", 2, "spw='0:1~6'", "spw='0:0~1'");
    expect_said(two, "0:0~2;6~8", 2, "spw='0:2'", "", "'0:2' does not overlap '0:0~2;6~8'.");
    expect(two, "0:8~11,0:0~3", 1, "spw='0:0~1;8'", "spw='0:0;4~5'");
}

/* A bin above the number of selected channels is cut to it. */
static void a_wide_bin_takes_all_channels(void **state)
{
    (void)state;
    expect(two, "0:3~7", 8, "spw='0:7' scan='2'", "spw='0:0' scan='2'");
}

static void each_window_has_its_bin(void **state)
{
    const int64_t bins[] = {2, 4, 8};
    const mms_select select = {.spw = "1,0"};
    mms_flag_cmd_request request = MMS_FLAG_CMD_REQUEST_INIT;
    mms_selection *selection;
    mms_flag_cmd_answer answer;
    mms_flag_cmd_map *map;
    mms_error err;

    (void)state;
    assert_int_equal(mms_selection_create(two, &select, &selection, NULL), MMS_OK);
    request.selection = selection;
    request.spw = select.spw;
    request.nbin = 2;
    request.bins = bins;
    assert_int_equal(mms_flag_cmd_map_create(two, &request, &map, NULL), MMS_OK);
    assert_int_equal(mms_flag_cmd_rewrite(map, "spw='0~1:8~9'", &answer, NULL), MMS_OK);
    assert_string_equal(answer.text, "spw='1:2,0:4'");
    mms_flag_cmd_answer_free(&answer);
    mms_flag_cmd_map_free(&map);

    request.nbin = 3;
    assert_int_equal(mms_flag_cmd_map_create(two, &request, &map, &err), MMS_ERR_ARG);
    assert_string_equal(err.msg, "Number of chanbin is different from the number of spw");
    assert_null(map);
    mms_selection_free(&selection);
}

static void all_that_is_selected_needs_no_spw(void **state)
{
    (void)state;
    expect(two, "0", 1, "scan='1' spw='0'  mode='manual'", "scan='1' mode='manual'");
    expect(two, "1", 1, "spw='*' scan='1'", "scan='1'");
    expect(two, "1", 1, "spw='' scan='1'", "scan='1'");
    expect(two, "1", 1, "spw='0,1' scan='1'", "spw='0' scan='1'");
    /* An empty command would be void. */
    expect(two, "1", 1, "spw='1'", "spw='0'");
    expect(two, "1", 1, "spw='*'", "spw='*'");
}

static void the_spw_part_is_found(void **state)
{
    (void)state;
    expect(two, "1", 1, "scan='1' spw=1:3", "scan='1' spw='0:3'");
    expect(two, "1", 1, "spw=\"1:3, 0\" scan='1'", "spw='0:3' scan='1'");
    expect(two, "1", 1, "spw = '1:3' scan='1'", "spw='0:3' scan='1'");
    expect(two, "1", 1, "reason='bad spw=1' scan='1'", "reason='bad spw=1' scan='1'");
    expect(two, "1", 1, "reason='bad spw=1' spw='1:3'", "reason='bad spw=1' spw='0:3'");
    expect(two, "1", 1, "myspw='1'", "myspw='1'");
    expect(two, "1", 1, "", "");
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    expect_said(two, "1", 1, "spw='7'", "", "'7': no such window.");
    expect_said(two, "1", 1, "spw='1:3,7'", "spw='0:3'", "'1:3,7': no such window.");
    expect_said(two, "1", 1, "spw='1:x'", "", "'1:x': it is not understood.");
    expect_said(two, "1:4~11", 1, "spw='1:0~3'", "", "'1:0~3' does not overlap '1:4~11'.");
}

/* ---- the table ----------------------------------------------------------------------------- */

static void take_line(void *ctx, mms_level level, const char *scope, const char *text)
{
    (void)scope;
    mms_text_add(ctx, "%s %s\n", mms_level_name(level), text);
}

/** Replace the rows of FLAG_CMD. */
static void store(int64_t n, const char *const *texts)
{
    mms_table *table;

    assert_int_equal(mms_table_open("two.ms/FLAG_CMD", MMS_TABLE_UPDATE, &table, NULL), MMS_OK);
    if (n > mms_table_nrow(table))
        assert_int_equal(mms_table_add_rows(table, n - mms_table_nrow(table), NULL), MMS_OK);
    assert_int_equal(mms_table_nrow(table), n);
    for (int64_t i = 0; i < n; i++) {
        mms_value *text = json_string(texts[i]);
        assert_int_equal(mms_table_put_cell(table, "COMMAND", i, text, NULL), MMS_OK);
        mms_value_free(&text);
    }
    assert_int_equal(mms_table_close(&table, NULL), MMS_OK);
}

static void expect_stored(int64_t n, const char *const *want)
{
    mms_table *table;

    assert_int_equal(mms_table_open("two.ms/FLAG_CMD", MMS_TABLE_READ, &table, NULL), MMS_OK);
    assert_int_equal(mms_table_nrow(table), n);
    for (int64_t i = 0; i < n; i++) {
        mms_value *text;
        assert_int_equal(mms_table_get_cell(table, "COMMAND", i, &text, NULL), MMS_OK);
        assert_string_equal(json_string_value(text), want[i]);
        mms_value_free(&text);
    }
    assert_int_equal(mms_table_close(&table, NULL), MMS_OK);
}

/** Adapt the table and expect these log lines. */
static void adapt(const char *spw, int64_t bin, const char *lines)
{
    mms_flag_cmd_map *map = map_of(two, spw, bin);
    mms_text log = {0};

    mms_log_to(take_line, &log, MMS_LOG_DEBUG);
    const mms_status st = mms_flag_cmd_adapt("two.ms/FLAG_CMD", map, NULL);
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    assert_int_equal(st, MMS_OK);
    assert_string_equal(log.text ? log.text : "", lines);
    free(log.text);
    mms_flag_cmd_map_free(&map);
}

static void an_empty_table_stays(void **state)
{
    (void)state;
    store(0, NULL);
    adapt("1", 1, "");
    expect_stored(0, NULL);
}

static void the_table_is_adapted(void **state)
{
    (void)state;
    store(NCOMMAND, commands);
    adapt("0,1:4~11", 1,
          "WARN Channel 20 out of range for SPW 1 (valid range 0~15). Limiting it to be within the "
          "available range.\n"
          "WARN Error '1:0~3' does not overlap '0,1:4~11'. updating row 5 of FLAG_CMD\n"
          "INFO Updating FLAG_CMD\n");
    expect_stored(NCOMMAND, decisions[4].want);
}

static void nothing_is_said_of_what_stays(void **state)
{
    static const char *const same[NCOMMAND] = {"spw='0:3'", "", "spw='0'",    "a=1",
                                               "",          "", "spw='0:0~1'"};
    (void)state;
    store(NCOMMAND, same);
    adapt("0:0~7", 1, "");
    expect_stored(NCOMMAND, same);
}

static void all_channels_one_by_one_change_nothing(void **state)
{
    (void)state;
    store(NCOMMAND, commands);
    adapt("", 1, "");
    adapt(" ", 1, "");
    adapt("*", 1, "");
    expect_stored(NCOMMAND, commands);
}

static void names_in_the_first_command_stop_it(void **state)
{
    static const char *const first[] = {"spw='SPW1:3'", "spw='1~2MHz'", "antenna='A1'", ""};
    const char *texts[NCOMMAND];

    (void)state;
    memcpy(texts, commands, sizeof texts);
    for (int64_t i = 0; i < MMS_COUNT_OF(first); i++) {
        texts[0] = first[i];
        store(NCOMMAND, texts);
        adapt("1:2~9", 2,
              "DEBUG FLAG_CMD table contains spw selection by name. Will not update it!\n");
        expect_stored(NCOMMAND, texts);
    }
}

static void a_missing_table_is_a_failure(void **state)
{
    mms_flag_cmd_map *map = map_of(two, "1", 1);
    mms_error err;

    (void)state;
    assert_int_equal(mms_flag_cmd_adapt("absent/FLAG_CMD", map, &err), MMS_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "absent/FLAG_CMD"));
    assert_ptr_equal(strstr(err.msg, "*** Error '"), err.msg);
    assert_non_null(strstr(err.msg, "' updating FLAG_CMD"));
    mms_flag_cmd_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_as_recorded),
        cmocka_unit_test(channels_move_with_the_selection),
        cmocka_unit_test(ids_follow_the_order_of_the_selection),
        cmocka_unit_test(ids_stay_without_reindexing),
        cmocka_unit_test(bins_do_not_cross_ranges),
        cmocka_unit_test(a_wide_bin_takes_all_channels),
        cmocka_unit_test(each_window_has_its_bin),
        cmocka_unit_test(all_that_is_selected_needs_no_spw),
        cmocka_unit_test(the_spw_part_is_found),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(an_empty_table_stays), /* before the others: rows are only added */
        cmocka_unit_test(the_table_is_adapted),
        cmocka_unit_test(nothing_is_said_of_what_stays),
        cmocka_unit_test(all_channels_one_by_one_change_nothing),
        cmocka_unit_test(names_in_the_first_command_stop_it),
        cmocka_unit_test(a_missing_table_is_a_failure),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
