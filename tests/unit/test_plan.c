/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_plan.c  Which (scan, spw) cells and baselines go to which part (multi-ms 2.4-2.9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/base_priv.h"
#include "multims/log.h"
#include "plan/plan.h"

enum { CHANNELS = 4, PRODUCTS = 2, ROW_BYTES = 100 };

/* Scans 1..nscan, a field each, and DDs = spws 0..nspw-1; rows[scan - 1] in each of them, none in
 * (skip_scan, skip_spw). */
struct sky {
    int32_t nscan, nspw, skip_scan, skip_spw;
    const int64_t *rows; /* NULL: 10 */
};

static mms_meta make_meta(const struct sky *sky)
{
    const int64_t most = (int64_t)sky->nscan * sky->nspw;
    mms_meta m = {.ndd = sky->nspw, .nmember = 1};
    int32_t *ids;

    m.cells = mms_alloc(most, sizeof *m.cells);
    m.dds = mms_alloc(m.ndd, sizeof *m.dds);
    m.dd_row_bytes = mms_alloc(m.ndd, sizeof *m.dd_row_bytes);
    m.stretches = mms_alloc(sky->nscan, sizeof *m.stretches);
    m.stretch_ddids = ids = mms_alloc(most, sizeof *m.stretch_ddids);
    for (int32_t d = 0; d < sky->nspw; d++) {
        m.dds[d] = (mms_dd){d, 0, CHANNELS, PRODUCTS};
        m.dd_row_bytes[d] = ROW_BYTES;
    }
    for (int32_t scan = 1; scan <= sky->nscan; scan++) {
        const int64_t rows = sky->rows ? sky->rows[scan - 1] : 10;
        mms_stretch *s = &m.stretches[m.nstretch++];
        *s = (mms_stretch){.scan = scan, .field = scan, .ddids = ids};
        for (int32_t d = 0; d < sky->nspw; d++) {
            if (scan == sky->skip_scan && d == sky->skip_spw)
                continue;
            m.cells[m.ncell++] = (mms_cell){.scan = scan, .ddid = d, .field = scan, .rows = rows};
            ids[s->nddid++] = d;
            s->rows += rows;
        }
        ids += s->nddid;
        m.nselected += s->rows;
    }
    return m;
}

static void free_meta(mms_meta *m)
{
    free(m->cells);
    free(m->dds);
    free(m->dd_row_bytes);
    free(m->stretches);
    free(m->stretch_ddids);
    free(m->baselines);
    *m = (mms_meta){0};
}

static mms_plan *make_plan(const mms_meta *meta, mms_axis axis, int64_t numsubms)
{
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_plan *plan = NULL;
    mms_error err = {0};

    opts.axis = axis;
    opts.numsubms = numsubms;
    if (mms_plan_create(meta, &opts, &plan, &err) != MMS_OK)
        fail_msg("%s", err.msg);
    return plan;
}

/* "spws/scans spws/scans …", parts in order. */
static void expect_parts(const mms_plan *plan, const char *wanted)
{
    mms_text t = {0};

    for (int64_t i = 0; i < mms_plan_nparts(plan); i++) {
        const mms_part *p = mms_plan_part(plan, i);
        char *spws = mms_plan_compact_list(p->nspw, p->spws);
        char *scans = mms_plan_compact_list(p->nscan, p->scans);
        mms_text_add(&t, "%s%s/%s", i ? " " : "", spws, scans);
        free(spws);
        free(scans);
    }
    assert_string_equal(t.text, wanted);
    free(t.text);
}

static void expect(const struct sky *sky, mms_axis axis, int64_t numsubms, const char *wanted)
{
    mms_meta meta = make_meta(sky);
    mms_plan *plan = make_plan(&meta, axis, numsubms);

    expect_parts(plan, wanted);
    mms_plan_free(&plan);
    free_meta(&meta);
}

static const struct sky d7 = {.nscan = 5, .nspw = 4};

static void scans_are_split_in_even_runs(void **state)
{
    (void)state;
    expect(&d7, MMS_AXIS_SCAN, 3, "0~3/1~2 0~3/3 0~3/4~5");
    expect(&d7, MMS_AXIS_SCAN, 2, "0~3/1~2 0~3/3~5"); /* 2.5 is rounded to even */
    expect(&d7, MMS_AXIS_SCAN, 64, "0~3/1 0~3/2 0~3/3 0~3/4 0~3/5");
    expect(&(struct sky){.nscan = 9, .nspw = 1}, MMS_AXIS_SCAN, 6, "0/1~2 0/3 0/4 0/5~6 0/7~8 0/9");
    expect(&(struct sky){.nscan = 11, .nspw = 1}, MMS_AXIS_SCAN, 0,
           "0/1 0/2~3 0/4 0/5~6 0/7 0/8 0/9~10 0/11");
    expect(&(struct sky){.nscan = 16, .nspw = 1}, MMS_AXIS_SCAN, 8,
           "0/1~2 0/3~4 0/5~6 0/7~8 0/9~10 0/11~12 0/13~14 0/15~16");
    expect(&(struct sky){.nscan = 6, .nspw = 1}, MMS_AXIS_SCAN, 8, "0/1 0/2 0/3 0/4 0/5 0/6");
}

static void spws_are_split_in_even_runs(void **state)
{
    (void)state;
    expect(&d7, MMS_AXIS_SPW, 3, "0/1~5 1~2/1~5 3/1~5");
    expect(&d7, MMS_AXIS_SPW, 6, "0/1~5 1/1~5 2/1~5 3/1~5");
    expect(&(struct sky){.nscan = 1, .nspw = 16}, MMS_AXIS_SPW, 5,
           "0~2/1 3~5/1 6~9/1 10~12/1 13~15/1");
    expect(&(struct sky){.nscan = 1, .nspw = 16}, MMS_AXIS_SPW, 6,
           "0~2/1 3~4/1 5~7/1 8~10/1 11~12/1 13~15/1");
}

static void spws_follow_the_request(void **state)
{
    static const int32_t order[] = {2, 7, 0, 2};
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_meta meta = make_meta(&d7);
    mms_plan *plan = NULL;

    (void)state;
    opts.axis = MMS_AXIS_SPW;
    opts.numsubms = 4;
    opts.nspw = 4;
    opts.spws = order;
    assert_int_equal(mms_plan_create(&meta, &opts, &plan, NULL), MMS_OK);
    expect_parts(plan, "2/1~5 0/1~5 1/1~5 3/1~5");
    mms_plan_free(&plan);
    free_meta(&meta);
}

static void dds_of_one_spw_stay_together(void **state)
{
    mms_meta meta = make_meta(&d7);
    mms_plan *plan;

    (void)state;
    meta.dds[1].spw = 0;
    plan = make_plan(&meta, MMS_AXIS_SPW, 3);
    expect_parts(plan, "0/1~5 2/1~5 3/1~5");
    assert_int_equal(mms_plan_part(plan, 0)->nddid, 2);
    mms_plan_free(&plan);
    free_meta(&meta);
}

static void grid_has_spws_outside_and_scans_inside(void **state)
{
    const struct sky figure3 = {.nscan = 2, .nspw = 2};
    (void)state;
    expect(&figure3, MMS_AXIS_GRID, 4, "0/1 0/2 1/1 1/2");
    expect(&d7, MMS_AXIS_GRID, 3, "0/1~5 1~2/1~5 3/1~5");
    expect(&d7, MMS_AXIS_GRID, 6, "0/1~2 0/3~5 1/1~2 1/3~5 2/1~2 2/3~5 3/1~2 3/3~5");
    expect(&d7, MMS_AXIS_GRID, 0, "0/1~2 0/3~5 1/1~2 1/3~5 2/1~2 2/3~5 3/1~2 3/3~5");
    expect(&d7, MMS_AXIS_GRID, 64,
           "0/1 0/2 0/3 0/4 0/5 1/1 1/2 1/3 1/4 1/5 2/1 2/2 2/3 2/4 2/5 3/1 3/2 3/3 3/4 3/5");
    expect(&(struct sky){.nscan = 10, .nspw = 16}, MMS_AXIS_GRID, 8,
           "0~1/1~10 2~3/1~10 4~5/1~10 6~7/1~10 8~9/1~10 10~11/1~10 12~13/1~10 14~15/1~10");
    expect(&(struct sky){.nscan = 12, .nspw = 4}, MMS_AXIS_GRID, 16,
           "0/1~3 0/4~6 0/7~9 0/10~12 1/1~3 1/4~6 1/7~9 1/10~12 2/1~3 2/4~6 2/7~9 2/10~12 "
           "3/1~3 3/4~6 3/7~9 3/10~12");
}

static void grid_numbers_cells_by_spw_then_scan(void **state)
{
    const struct sky t66 = {.nscan = 2, .nspw = 15}, t67 = {.nscan = 4, .nspw = 4};
    mms_meta meta = make_meta(&t66);
    mms_plan *plan = make_plan(&meta, MMS_AXIS_GRID, 48);

    (void)state;
    assert_int_equal(mms_plan_nparts(plan), 30);
    for (int64_t i = 0; i < 30; i++) {
        assert_int_equal(mms_plan_part(plan, i)->spws[0], i / 2);
        assert_int_equal(mms_plan_part(plan, i)->scans[0], 1 + i % 2);
    }
    mms_plan_free(&plan);
    free_meta(&meta);

    meta = make_meta(&t67);
    plan = make_plan(&meta, MMS_AXIS_GRID, 16);
    assert_int_equal(mms_plan_nparts(plan), 16);
    for (int64_t i = 0; i < 16; i++) {
        assert_int_equal(mms_plan_part(plan, i)->spws[0], i / 4);
        assert_int_equal(mms_plan_part(plan, i)->scans[0], 1 + i % 4);
    }
    mms_plan_free(&plan);
    free_meta(&meta);
}

/* Lines of one level. */
struct lines {
    mms_level level;
    int count;
    char last[200];
};

static void keep_line(void *ctx, mms_level level, const char *scope, const char *text)
{
    struct lines *lines = ctx;
    (void)scope;
    if (level != lines->level)
        return;
    lines->count++;
    strncpy(lines->last, text, sizeof lines->last - 1);
}

static void empty_cells_are_dropped(void **state)
{
    const struct sky hole = {.nscan = 5, .nspw = 4, .skip_scan = 3, .skip_spw = 2};
    struct lines lines = {.level = MMS_LOG_DEBUG};
    mms_meta meta = make_meta(&hole);
    mms_plan *plan;

    (void)state;
    mms_log_to(keep_line, &lines, MMS_LOG_DEBUG);
    plan = make_plan(&meta, MMS_AXIS_GRID, 64);
    mms_log_to(NULL, NULL, MMS_LOG_WARN);
    assert_int_equal(lines.count, 1);
    assert_string_equal(lines.last, "Ignoring NULL combination of scan=3 and spw=2");
    assert_int_equal(mms_plan_nparts(plan), 19);
    assert_int_equal(mms_plan_ndropped(plan), 1);
    assert_int_equal(mms_plan_part(plan, 12)->spws[0], 2);
    assert_int_equal(mms_plan_part(plan, 12)->scans[0], 4);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.scan = 4, .ddid = 2}), 12);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.scan = 3, .ddid = 2}), -1);
    mms_plan_free(&plan);
    free_meta(&meta);
}

/* The part of each (scan, ddid), scans downwards. */
static void expect_map(const struct sky *sky, int64_t numsubms, const int64_t *wanted)
{
    mms_meta meta = make_meta(sky);
    mms_plan *plan = make_plan(&meta, MMS_AXIS_BALANCED, numsubms);

    for (int32_t scan = 1; scan <= sky->nscan; scan++)
        for (int32_t d = 0; d < sky->nspw; d++)
            assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.scan = scan, .ddid = d}),
                             wanted[(scan - 1) * sky->nspw + d]);
    mms_plan_free(&plan);
    free_meta(&meta);
}

static void balanced_is_casas_map(void **state)
{
    static const int64_t unequal[] = {200, 600, 100};
    static const int64_t small[] = {0, 1, 1, 0, 0, 1};
    static const int64_t three[] = {1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0};
    static const int64_t six[] = {0, 1, 4, 5, 2, 3, 0, 1, 5, 4, 3, 2, 1, 0, 5, 4, 3, 2, 1, 0};

    (void)state;
    expect_map(&(struct sky){.nscan = 3, .nspw = 2, .rows = unequal}, 2, small);
    expect_map(&d7, 3, three);
    expect_map(&d7, 6, six);
}

static void too_many_balanced_parts_are_said(void **state)
{
    const struct sky hole = {.nscan = 5, .nspw = 4, .skip_scan = 3, .skip_spw = 2};
    struct lines lines = {.level = MMS_LOG_WARN};
    mms_meta meta = make_meta(&hole);
    mms_plan *plan;

    (void)state;
    mms_log_to(keep_line, &lines, MMS_LOG_WARN);
    plan = make_plan(&meta, MMS_AXIS_BALANCED, 64);
    mms_log_to(NULL, NULL, MMS_LOG_WARN);
    assert_int_equal(mms_plan_nparts(plan), 19);
    assert_int_equal(lines.count, 1);
    assert_string_equal(lines.last, "Number of subMSs (64) is greater than available scan,ddi "
                                    "pairs (19), setting nsubms to 19");
    mms_plan_free(&plan);
    free_meta(&meta);
}

/* Equal pairs go in the order of their ids as text, downwards: 9 before 12 before 1. */
static void equal_pairs_are_ordered_as_text(void **state)
{
    static const int64_t wanted[12] = {11, 7, 6, 5, 4, 3, 2, 1, 0, 10, 9, 8};
    (void)state;
    expect_map(&(struct sky){.nscan = 12, .nspw = 1}, 12, wanted);
}

static mms_meta make_baselines(void)
{
    const struct sky one = {.nscan = 1, .nspw = 1};
    mms_meta meta = make_meta(&one);

    meta.baselines = mms_alloc(6, sizeof *meta.baselines);
    for (int32_t a = 0; a < 3; a++)
        for (int32_t b = a; b < 3; b++)
            meta.baselines[meta.nbaseline++] =
                (mms_baseline){a, b, a == b ? 0 : 5, a == b ? 0 : 500, a == b ? 0 : 40};
    return meta;
}

static void baselines_take_both_orders(void **state)
{
    mms_meta meta = make_baselines();
    mms_plan *plan = make_plan(&meta, MMS_AXIS_BASELINE, 3);

    (void)state;
    assert_int_equal(mms_plan_nparts(plan), 3); /* 00,01 / 02,11 / 12,22 */
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.ant1 = 0, .ant2 = 1}), 0);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.ant1 = 2, .ant2 = 0}), 1);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.ant1 = 2, .ant2 = 1}), 2);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.ant1 = 0, .ant2 = 0}), -1);
    assert_int_equal(mms_plan_part(plan, 1)->rows, 5);
    assert_int_equal(mms_plan_part(plan, 1)->nbaseline, 1);
    mms_plan_free(&plan);
    free_meta(&meta);
}

/* Without an antenna selection pairs outside the selection count when the list is cut, with one
 * they don't. */
static void unselected_baselines_leave_empty_parts(void **state)
{
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_meta meta = make_baselines();
    mms_plan *plan = make_plan(&meta, MMS_AXIS_BASELINE, 6);

    (void)state;
    assert_int_equal(mms_plan_nparts(plan), 3);
    assert_int_equal(mms_plan_ndropped(plan), 3);
    mms_plan_free(&plan);
    opts.axis = MMS_AXIS_BASELINE;
    opts.numsubms = 2;
    opts.antennas_given = true;
    assert_int_equal(mms_plan_create(&meta, &opts, &plan, NULL), MMS_OK);
    assert_int_equal(mms_plan_nparts(plan), 2); /* 01,02 / 12 */
    assert_int_equal(mms_plan_part(plan, 0)->rows, 10);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.ant1 = 0, .ant2 = 2}), 0);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.ant1 = 1, .ant2 = 2}), 1);
    mms_plan_free(&plan);
    free_meta(&meta);
}

static void members_keep_their_order(void **state)
{
    mms_meta meta = make_meta(&d7);
    mms_plan *plan;

    (void)state;
    meta.nmember = 7; /* member 0 and 6 have no selected rows */
    for (int64_t i = 0; i < meta.ncell; i++)
        meta.cells[i].member = meta.cells[i].scan;
    plan = make_plan(&meta, MMS_AXIS_MEMBER, 0);
    expect_parts(plan, "0~3/1 0~3/2 0~3/3 0~3/4 0~3/5");
    assert_int_equal(mms_plan_ndropped(plan), 2);
    assert_int_equal(mms_plan_part(plan, 1)->member, 2);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.member = 2}), 1);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.member = 6}), -1);
    assert_int_equal(mms_plan_part_of(plan, &(mms_row_key){.member = 7}), -1);
    mms_plan_free(&plan);
    free_meta(&meta);
}

static void sums_are_described(void **state)
{
    static const int64_t rows[] = {10, 30};
    const struct sky sky = {.nscan = 2, .nspw = 1, .rows = rows};
    mms_meta meta = make_meta(&sky);
    mms_plan *plan = make_plan(&meta, MMS_AXIS_SCAN, 2);
    mms_value *o = NULL;

    (void)state;
    assert_int_equal(mms_plan_describe(plan, &o, NULL), MMS_OK);
    char *text = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(
        text, "{\"axis\":\"scan\",\"axis_type\":\"scan\",\"dropped\":0,\"imbalance\":1.5,"
              "\"parts\":[{\"bytes\":1000,\"ddids\":[0],\"rows\":10,\"scans\":[1],\"spws\":[0],"
              "\"visibilities\":80},{\"bytes\":3000,\"ddids\":[0],\"rows\":30,\"scans\":[2],"
              "\"spws\":[0],\"visibilities\":240}]}");
    free(text);
    mms_value_free(&o);
    mms_plan_free(&plan);
    free_meta(&meta);
}

static void nothing_selected_is_empty(void **state)
{
    const mms_axis axes[] = {MMS_AXIS_SCAN,     MMS_AXIS_SPW,    MMS_AXIS_GRID, MMS_AXIS_BALANCED,
                             MMS_AXIS_BASELINE, MMS_AXIS_MEMBER, MMS_AXIS_NONE};
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    const mms_meta meta = {.nmember = 1};
    mms_plan *plan = NULL;

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(axes); i++) {
        opts.axis = axes[i];
        assert_int_equal(mms_plan_create(&meta, &opts, &plan, NULL), MMS_ERR_EMPTY);
        assert_null(plan);
    }
}

static void axes_have_casas_names(void **state)
{
    mms_error err = {0};
    mms_axis axis;

    (void)state;
    assert_int_equal(mms_plan_parse_axis("Both", &axis, &err), MMS_OK);
    assert_int_equal(axis, MMS_AXIS_GRID);
    assert_string_equal(mms_plan_axis_type(axis), "scan,spw");
    assert_int_equal(mms_plan_parse_axis("BALANCED", &axis, &err), MMS_OK);
    assert_int_equal(axis, MMS_AXIS_BALANCED);
    assert_string_equal(mms_plan_axis_type(MMS_AXIS_MEMBER), "");
    assert_int_equal(mms_plan_parse_axis("field", &axis, &err), MMS_ERR_ARG);
    assert_string_equal(err.msg,
                        "separationaxis 'field': must be auto, scan, spw, baseline or balanced");
}

static void id_lists_are_compact(void **state)
{
    static const int32_t ids[] = {0, 1, 2, 5, 7, 8};
    char *text = mms_plan_compact_list(6, ids);

    (void)state;
    assert_string_equal(text, "0~2,5,7~8");
    free(text);
    text = mms_plan_compact_list(0, ids);
    assert_string_equal(text, "");
    free(text);
}

/* Ten thousand parts are planned in well under two seconds (design 5). */
static void many_parts_are_planned(void **state)
{
    const struct sky sky = {.nscan = 1000, .nspw = 10};
    mms_meta meta = make_meta(&sky);
    mms_plan *plan = make_plan(&meta, MMS_AXIS_BALANCED, 10000);

    (void)state;
    assert_int_equal(mms_plan_nparts(plan), 10000);
    for (int64_t i = 0; i < 10000; i++)
        assert_int_equal(mms_plan_part(plan, i)->rows, 10);
    mms_plan_free(&plan);
    free_meta(&meta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scans_are_split_in_even_runs),
        cmocka_unit_test(spws_are_split_in_even_runs),
        cmocka_unit_test(spws_follow_the_request),
        cmocka_unit_test(dds_of_one_spw_stay_together),
        cmocka_unit_test(grid_has_spws_outside_and_scans_inside),
        cmocka_unit_test(grid_numbers_cells_by_spw_then_scan),
        cmocka_unit_test(empty_cells_are_dropped),
        cmocka_unit_test(balanced_is_casas_map),
        cmocka_unit_test(too_many_balanced_parts_are_said),
        cmocka_unit_test(equal_pairs_are_ordered_as_text),
        cmocka_unit_test(baselines_take_both_orders),
        cmocka_unit_test(unselected_baselines_leave_empty_parts),
        cmocka_unit_test(members_keep_their_order),
        cmocka_unit_test(sums_are_described),
        cmocka_unit_test(nothing_selected_is_empty),
        cmocka_unit_test(axes_have_casas_names),
        cmocka_unit_test(id_lists_are_compact),
        cmocka_unit_test(many_parts_are_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
