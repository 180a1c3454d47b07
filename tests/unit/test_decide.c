/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_decide.c  The decision tables M, O, S, C, H and P, and the worked verdicts
 *  (parallel-tasks 1.4-1.10 and 1.15).  Names d… are measured cases of CASA 6.7.0; where CASA is
 *  wrong the RULEs of the specification are expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/base_priv.h"
#include "plan/decide.h"

enum { NBASELINE = 6, MAX_SCAN = 10, CHANNELS = 8, PRODUCTS = 2 };

/* DDs by bit; DD d has spw d. */
struct scan {
    int32_t scan, field, state, nint;
    unsigned dds;
    int32_t observation;
};

/* Scans one after the other, gap_s before each. */
struct shape {
    double integration_s, gap_s;
    int32_t ndd, nscan;
    struct scan scans[MAX_SCAN];
};

static const struct shape full = {
    10, 60, 3, 4, {{1, 0, 0, 4, 7, 0}, {2, 1, 1, 4, 7, 0}, {3, 0, 0, 4, 7, 0}, {4, 1, 1, 4, 7, 0}}};
static const struct shape ragged = {
    10, 60, 3, 4, {{1, 0, 0, 2, 1, 0}, {2, 0, 0, 4, 7, 0}, {3, 1, 1, 4, 6, 0}, {5, 1, 1, 4, 7, 0}}};
static const struct shape calm = {
    10, 0, 3, 4, {{1, 0, 1, 4, 7, 0}, {2, 0, 1, 4, 7, 0}, {3, 0, 1, 4, 7, 0}, {4, 0, 1, 4, 7, 0}}};
static const struct shape deadspw = {
    10, 60, 4, 3, {{1, 0, 0, 4, 7, 0}, {2, 0, 0, 4, 7, 0}, {3, 0, 0, 4, 7, 0}}};
static const struct shape onescan = {10, 60, 3, 1, {{30, 0, 1, 10, 7, 0}}};
static const struct shape onespw = {
    10, 60, 1, 3, {{1, 0, 0, 4, 1, 0}, {2, 1, 1, 4, 1, 0}, {3, 0, 0, 4, 1, 0}}};
static const struct shape twoobs = {
    10, 60, 2, 4, {{1, 0, 0, 3, 3, 0}, {2, 0, 0, 3, 3, 0}, {1, 1, 0, 3, 3, 1}, {7, 1, 0, 3, 3, 1}}};
static const struct shape many = {10,
                                  60,
                                  6,
                                  10,
                                  {{1, 0, 0, 2, 7, 0},
                                   {2, 1, 0, 3, 63, 0},
                                   {3, 0, 0, 4, 63, 0},
                                   {4, 1, 0, 2, 63, 0},
                                   {5, 0, 0, 3, 7, 0},
                                   {6, 1, 0, 4, 63, 0},
                                   {7, 0, 0, 2, 63, 0},
                                   {8, 1, 0, 3, 63, 0},
                                   {9, 0, 0, 4, 7, 0},
                                   {10, 1, 0, 2, 63, 0}}};
/* Shape A of the specification, 179 s: with 1, 2 and 3 spws, and scan 30 alone. */
static const struct shape a1 = {1, 0, 1, 2, {{30, 1, 0, 90, 1, 0}, {31, 1, 0, 89, 1, 0}}};
static const struct shape a2 = {1, 0, 2, 2, {{30, 1, 0, 90, 3, 0}, {31, 1, 0, 89, 3, 0}}};
static const struct shape a3 = {1, 0, 3, 2, {{30, 1, 0, 90, 7, 0}, {31, 1, 0, 89, 7, 0}}};
static const struct shape a30_1 = {1, 0, 1, 1, {{30, 1, 0, 90, 1, 0}}};
static const struct shape a30_2 = {1, 0, 2, 1, {{30, 1, 0, 90, 3, 0}}};

static const int64_t all_baselines[NBASELINE] = {0, 1, 2, 3, 4, 5};

/* What a question is about. */
struct input {
    mms_meta meta;
    mms_member_extent *members;
    bool multi;
    char axis_type[16];
};

static void add_stretch(mms_meta *m, const struct scan *sc, int32_t ndd)
{
    mms_stretch *s = &m->stretches[m->nstretch++];
    int32_t *ids = m->stretch_ddids + (m->nstretch - 1) * ndd;

    *s = (mms_stretch){.scan = sc->scan, .field = sc->field, .state = sc->state, .ddids = ids};
    for (int32_t d = 0; d < ndd; d++)
        if (sc->dds >> d & 1) {
            ids[s->nddid++] = d;
            s->rows += sc->nint * NBASELINE;
        }
}

static void add_cells(mms_meta *m, const struct scan *sc, double start_s, const struct shape *shape)
{
    for (int32_t d = 0; d < shape->ndd; d++)
        if (sc->dds >> d & 1)
            m->cells[m->ncell++] = (mms_cell){
                .scan = sc->scan,
                .ddid = d,
                .field = sc->field,
                .state = sc->state,
                .observation = sc->observation,
                .rows = sc->nint * NBASELINE,
                .time_min = start_s + shape->integration_s / 2,
                .time_max = start_s + shape->integration_s * (sc->nint - 0.5),
            };
}

static int compare_cells(const void *a, const void *b)
{
    const mms_cell *x = a, *y = b;
    const int32_t dx[] = {x->scan, x->ddid, x->field, x->state, x->array, x->observation};
    const int32_t dy[] = {y->scan, y->ddid, y->field, y->state, y->array, y->observation};

    for (int i = 0; i < 6; i++)
        if (dx[i] != dy[i])
            return dx[i] < dy[i] ? -1 : 1;
    return (x->member > y->member) - (x->member < y->member);
}

/* The MS of a shape. */
static mms_meta make_meta(const struct shape *shape)
{
    mms_meta m = {.ndd = shape->ndd, .nmember = 1, .nbaseline = NBASELINE};
    const int64_t most = (int64_t)shape->nscan * shape->ndd;
    double now_s = 4.9e9;

    m.cells = mms_alloc(most, sizeof *m.cells);
    m.dds = mms_alloc(m.ndd, sizeof *m.dds);
    m.dd_row_bytes = mms_alloc(m.ndd, sizeof *m.dd_row_bytes);
    m.stretches = mms_alloc(shape->nscan, sizeof *m.stretches);
    m.stretch_ddids = mms_alloc(most, sizeof *m.stretch_ddids);
    m.baselines = mms_alloc(NBASELINE, sizeof *m.baselines);
    for (int32_t d = 0; d < shape->ndd; d++)
        m.dds[d] = (mms_dd){d, 0, CHANNELS, PRODUCTS};
    for (int32_t i = 0; i < shape->nscan; i++) {
        const struct scan *sc = &shape->scans[i];
        now_s += shape->gap_s;
        add_stretch(&m, sc, shape->ndd);
        add_cells(&m, sc, now_s, shape);
        now_s += sc->nint * shape->integration_s;
    }
    qsort(m.cells, (size_t)m.ncell, sizeof *m.cells, compare_cells);
    for (int32_t b = 0; b < NBASELINE; b++)
        m.baselines[b] = (mms_baseline){.ant1 = 0, .ant2 = b + 1, .rows = 100};
    return m;
}

/* Puts the cells in the members that partition makes; on axis baseline each cell is in all. */
static void assign_members(struct input *in, const mms_plan *plan)
{
    const mms_meta old = in->meta;
    const bool by_baseline = mms_plan_axis(plan) == MMS_AXIS_BASELINE;
    const int32_t nmember = (int32_t)mms_plan_nparts(plan);

    in->meta.nmember = nmember;
    in->meta.ncell = 0;
    in->meta.cells = mms_alloc(old.ncell * nmember, sizeof *old.cells);
    for (int64_t i = 0; i < old.ncell; i++)
        for (int32_t m = 0; m < nmember; m++) {
            const mms_row_key key = {old.cells[i].scan, old.cells[i].ddid, 0, 0, 0};
            if (!by_baseline && mms_plan_part_of(plan, &key) != m)
                continue;
            in->meta.cells[in->meta.ncell] = old.cells[i];
            in->meta.cells[in->meta.ncell++].member = m;
        }
    free(old.cells);
    in->members = mms_alloc(nmember, sizeof *in->members);
    for (int32_t m = 0; m < nmember; m++) {
        const mms_rows run = mms_plan_part(plan, m)->baselines;
        in->members[m].nbaseline = by_baseline ? run.count : NBASELINE;
        in->members[m].baselines = all_baselines + (by_baseline ? run.first : 0);
    }
}

static void select_cells(mms_meta *m, unsigned scans, unsigned dds)
{
    const int64_t n = m->ncell;

    m->ncell = 0;
    for (int64_t i = 0; i < n; i++)
        if ((!scans || scans >> m->cells[i].scan & 1) && (!dds || dds >> m->cells[i].ddid & 1))
            m->cells[m->ncell++] = m->cells[i];
}

/* Rows and time ranges of the members, from the cells. */
static void measure_members(struct input *in, double integration_s)
{
    mms_meta *m = &in->meta;

    m->member_rows = mms_alloc(m->nmember, sizeof *m->member_rows);
    for (int64_t i = 0; i < m->ncell; i++) {
        const mms_cell *c = &m->cells[i];
        const double start_s = c->time_min - integration_s / 2,
                     end_s = c->time_max + integration_s / 2;
        m->member_rows[c->member] += c->rows;
        m->nselected += c->rows;
        if (!in->members)
            continue;
        mms_member_extent *e = &in->members[c->member];
        if (e->start_s == 0 || start_s < e->start_s)
            e->start_s = start_s;
        if (end_s > e->end_s)
            e->end_s = end_s;
    }
}

/* Cut an MS as partition does; axis NULL: leave it an MS. */
static struct input make_input(const struct shape *shape, const char *axis, int64_t numsubms,
                               unsigned scans, unsigned dds)
{
    struct input in = {.meta = make_meta(shape), .multi = axis != NULL};
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_plan *plan = NULL;

    if (axis) {
        assert_int_equal(mms_plan_parse_axis(axis, &opts.axis, NULL), MMS_OK);
        opts.numsubms = numsubms;
        assert_int_equal(mms_plan_create(&in.meta, &opts, &plan, NULL), MMS_OK);
        (void)strcpy(in.axis_type, mms_plan_axis_type(opts.axis));
        assign_members(&in, plan);
        mms_plan_free(&plan);
    }
    select_cells(&in.meta, scans, dds);
    measure_members(&in, shape->integration_s);
    return in;
}

static void free_input(struct input *in)
{
    mms_meta *m = &in->meta;

    free(m->cells);
    free(m->dds);
    free(m->dd_row_bytes);
    free(m->stretches);
    free(m->stretch_ddids);
    free(m->baselines);
    free(m->member_rows);
    free(in->members);
}

/* What is asked; lists of scans and DDs by bit, 0: all. */
struct ask {
    mms_deciding_task task;
    bool create, one_ms, monolithic, combine, regrid;
    int64_t nspw;
    double timebin_s;
    const char *span; /* timespan, NULL: blank */
    unsigned scans, dds;
    mms_axis axis;
    int64_t numsubms;
};

static mms_question make_question(const struct input *in, const struct ask *ask, mms_plan_opts *out)
{
    mms_question q = MMS_QUESTION_INIT;
    const char *span = ask->span ? ask->span : "";

    out->axis = ask->axis;
    out->numsubms = ask->numsubms;
    q.task = ask->task;
    q.meta = &in->meta;
    q.multi = in->multi;
    q.axis_type = in->axis_type;
    q.members = in->members;
    q.createmms = ask->create;
    q.keepmms = !ask->one_ms;
    q.monolithic = ask->monolithic;
    q.out = out;
    q.combinespws = ask->combine;
    q.regridms = ask->regrid;
    q.nspw = ask->nspw;
    q.timeaverage = ask->timebin_s > 0;
    q.timebin_s = ask->timebin_s;
    q.across_scans = strstr(span, "scan") != NULL;
    q.across_states = strstr(span, "state") != NULL;
    q.across_fields = strstr(span, "field") != NULL;
    return q;
}

static void decide(const struct input *in, const struct ask *ask, mms_decision *d)
{
    mms_plan_opts out = MMS_PLAN_OPTS_INIT;
    const mms_question q = make_question(in, ask, &out);
    mms_error err = {0};

    if (mms_decide(&q, d, &err) != MMS_OK)
        fail_msg("%s", err.msg);
}

/* A row of a table: an input, a request, and what is decided. */
struct entry {
    const char *id;
    const struct shape *shape;
    const char *axis; /* NULL: an MS */
    int64_t numsubms;
    struct ask ask;
    const char *rule;
    mms_verdict verdict;
    const char *axis_type;
};

static void decide_entry(const struct entry *e, mms_decision *d)
{
    struct input in = make_input(e->shape, e->axis, e->numsubms, e->ask.scans, e->ask.dds);

    decide(&in, &e->ask, d);
    if (d->axis_type == in.axis_type) /* the carried axis is the question's text */
        d->axis_type = e->axis_type && strcmp(in.axis_type, e->axis_type) == 0 ? e->axis_type : "?";
    free_input(&in);
}

static void check_entries(int64_t n, const struct entry *entries)
{
    mms_decision d;

    for (int64_t i = 0; i < n; i++) {
        const struct entry *e = &entries[i];
        decide_entry(e, &d);
        if (strcmp(d.rule, e->rule) != 0 || d.verdict != e->verdict ||
            strcmp(d.axis_type, e->axis_type) != 0)
            fail_msg("%s: %s, %s, axis '%s' (%s); wanted %s, %s, axis '%s'", e->id, d.rule,
                     mms_verdict_name(d.verdict), d.axis_type, d.reason, e->rule,
                     mms_verdict_name(e->verdict), e->axis_type);
        assert_true(strlen(d.reason) > 0);
        assert_int_equal(strlen(d.refusal) > 0, d.verdict == MMS_VERDICT_REFUSE);
    }
}

#define CHECK_ENTRIES(entries) check_entries(MMS_COUNT_OF(entries), entries)

#define PARALLEL    MMS_VERDICT_PARALLEL
#define REPARTITION MMS_VERDICT_REPARTITION
#define ONE_MS      MMS_VERDICT_MS
#define CREATE      MMS_VERDICT_CREATE
#define REFUSE      MMS_VERDICT_REFUSE

/* Parts of a request. */
#define ACROSS(names, seconds) .timebin_s = (seconds), .span = (names)
#define SCANS(seconds)         .timebin_s = (seconds), .span = "scan"
#define BINS(seconds)          .timebin_s = (seconds)
#define COMBINE                .combine = true
#define TO(to)                 .create = true, .axis = MMS_AXIS_##to
#define SPLIT                  .task = MMS_DECIDE_SPLIT
#define CVEL                   .task = MMS_DECIDE_CVEL
#define SMOOTH                 .task = MMS_DECIDE_HANNINGSMOOTH
#define PARTITION              .task = MMS_DECIDE_PARTITION

/* Bits of scans. */
enum { S1 = 1 << 1, S2 = 1 << 2, S3 = 1 << 3, S4 = 1 << 4, S5 = 1 << 5 };

static void plain_requests_and_bins_inside_scans(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d001", &full, "scan", 3, {0}, "M01", PARALLEL, "scan"},
        {"d002", &full, "spw", 3, {0}, "M01", PARALLEL, "spw"},
        {"d003", &full, "balanced", 3, {0}, "M01", PARALLEL, "scan,spw"},
        {"d004", &full, "baseline", 3, {0}, "M01", PARALLEL, "baseline"},
        {"d005", &ragged, "scan", 0, {0}, "M01", PARALLEL, "scan"},
        {"d006", &ragged, "balanced", 3, {0}, "M01", PARALLEL, "scan,spw"},
        {"d007", &full, "scan", 2, {.scans = S1 | S2}, "M01", PARALLEL, "scan"},
        {"d008", &full, "spw", 3, {.dds = 2}, "M01", PARALLEL, "spw"},
        {"d011", &full, "scan", 4, {.regrid = true}, "M01", PARALLEL, "scan"},
        {"d015", &full, "scan", 4, {TO(SPW), .numsubms = 2}, "M01", PARALLEL, "scan"},
        {"d017", &full, "scan", 4, {.monolithic = true}, "1.5", ONE_MS, ""},
        {"d018", &full, "scan", 4, {.monolithic = true, TO(SPW)}, "O03", REPARTITION, "spw"},
        {"d019", &twoobs, "scan", 4, {0}, "M01", PARALLEL, "scan"},
        {"d022", &full, "scan", 1, {0}, "M01", PARALLEL, "scan"},
        {"d023", &full, "scan", 4, {BINS(20)}, "M02", PARALLEL, "scan"},
        {"d024", &full, "scan", 4, {ACROSS("state", 20)}, "M02", PARALLEL, "scan"},
        {"d026", &full, "scan", 4, {ACROSS("state", 500)}, "M02", PARALLEL, "scan"},
        {"auto", &full, "balanced", 3, {BINS(20)}, "M02", PARALLEL, "scan,spw"},
        {"baseline", &full, "baseline", 3, {ACROSS("field", 20)}, "M02", PARALLEL, "baseline"},
        {"MS", &full, NULL, 0, {0}, "", ONE_MS, ""},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void averages_across_scans(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d028", &full, "spw", 3, {SCANS(200)}, "M03", PARALLEL, "spw"},
        {"d029", &full, "balanced", 3, {SCANS(200)}, "M04", REPARTITION, "spw"},
        {"d030", &full, "baseline", 2, {SCANS(200)}, "M03", PARALLEL, "baseline"},
        {"d031", &full, "scan", 1, {SCANS(200)}, "M03", PARALLEL, "scan"},
        {"d032", &full, "scan", 4, {SCANS(200)}, "M04", REPARTITION, "spw"},
        {"d034", &full, "spw", 3, {SCANS(400)}, "M04", REPARTITION, "spw"},
        {"d035", &full, "spw", 3, {SCANS(330)}, "M03", PARALLEL, "spw"},
        {"d036", &full, "spw", 3, {SCANS(331)}, "M03", PARALLEL, "spw"},
        {"340 s", &full, "spw", 3, {SCANS(340)}, "M03", PARALLEL, "spw"},
        {"d037", &full, "spw", 3, {SCANS(360)}, "M04", REPARTITION, "spw"},
        {"d038", &full, "spw", 3, {SCANS(324)}, "M03", PARALLEL, "spw"},
        {"d040", &onescan, "spw", 3, {SCANS(90)}, "M03", PARALLEL, "spw"},
        {"d041", &onescan, "spw", 3, {SCANS(95)}, "M03", PARALLEL, "spw"},
        {"d042", &onescan, "spw", 3, {SCANS(100)}, "M03", PARALLEL, "spw"},
        {"d043", &onescan, "scan", 0, {SCANS(50)}, "M03", PARALLEL, "scan"},
        {"d044", &ragged, "spw", 3, {SCANS(100)}, "M03", PARALLEL, "spw"},
        {"d045", &ragged, "scan", 0, {SCANS(100)}, "M04", REPARTITION, "spw"},
        {"d046", &full, "scan", 4, {SCANS(20), .scans = S2}, "M03", PARALLEL, "scan"},
        {"d047", &full, "scan", 4, {SCANS(200), .scans = S2 | S3}, "M04", REPARTITION, "spw"},
        {"d048", &full, "scan", 2, {SCANS(100), .scans = S1 | S2}, "M03", PARALLEL, "scan"},
        {"d049", &full, "scan", 2, {SCANS(100), .scans = S3 | S4}, "M03", PARALLEL, "scan"},
        {"d051", &full, "spw", 3, {SCANS(100), .scans = S1 | S2 | S3}, "M03", PARALLEL, "spw"},
        {"d054", &full, "balanced", 3, {SCANS(200), .scans = S2}, "M04", REPARTITION, "spw"},
        {"d102", &full, "scan", 4, {ACROSS("scan,state", 200)}, "M04", REPARTITION, "spw"},
        {"d103", &full, "scan", 4, {ACROSS("state,scan", 200)}, "M04", REPARTITION, "spw"},
        {"d105", &full, "scan", 4, {ACROSS("field,scan", 200)}, "M04", REPARTITION, "spw"},
        {"d244", &calm, "spw", 3, {SCANS(80)}, "M03", PARALLEL, "spw"},
        {"d245", &calm, "baseline", 2, {SCANS(80)}, "M03", PARALLEL, "baseline"},
        {"d246", &calm, "balanced", 3, {SCANS(80)}, "M04", REPARTITION, "spw"},
        {"d247", &calm, "scan", 4, {SCANS(80)}, "M04", REPARTITION, "spw"},
        {"d249", &calm, "scan", 4, {ACROSS("scan,state", 80)}, "M04", REPARTITION, "spw"},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void combined_spws(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d055", &full, "scan", 4, {COMBINE}, "M05", PARALLEL, "scan"},
        {"d056", &full, "baseline", 2, {COMBINE}, "M05", PARALLEL, "baseline"},
        {"d057", &full, "spw", 1, {COMBINE}, "M05", PARALLEL, "spw"},
        {"d058", &full, "spw", 3, {COMBINE}, "M06", REPARTITION, "scan"},
        {"d059", &full, "spw", 2, {COMBINE}, "M06", REPARTITION, "scan"},
        {"d060", &full, "balanced", 3, {COMBINE}, "M06", REPARTITION, "scan"},
        {"d061", &full, "balanced", 4, {COMBINE}, "M06", REPARTITION, "scan"},
        {"d062", &full, "spw", 3, {COMBINE, .dds = 1}, "M05", PARALLEL, "spw"},
        {"d063", &full, "spw", 3, {COMBINE, .dds = 4}, "M05", PARALLEL, "spw"},
        {"d064", &full, "spw", 2, {COMBINE, .dds = 3}, "M05", PARALLEL, "spw"},
        {"d065", &full, "spw", 2, {COMBINE, .dds = 6}, "M06", REPARTITION, "scan"},
        {"d067", &ragged, "scan", 0, {COMBINE}, "M05", PARALLEL, "scan"},
        {"d068", &ragged, "scan", 0, {COMBINE, .scans = S2 | S3 | S5}, "M05", PARALLEL, "scan"},
        {"d070", &ragged, "scan", 0, {COMBINE, .dds = 6}, "M05", PARALLEL, "scan"},
        {"d071", &ragged, "scan", 2, {COMBINE}, "M05", PARALLEL, "scan"},
        {"d072", &deadspw, "scan", 0, {COMBINE}, "M05", PARALLEL, "scan"},
        {"d078", &full, "spw", 3, {COMBINE, TO(SPW)}, "M06", REPARTITION, "scan"},
        {"d079", &full, "scan", 4, {.regrid = true, .nspw = 2}, "M05", PARALLEL, "scan"},
        {"d080", &full, "spw", 3, {.regrid = true, .nspw = 2}, "M06", REPARTITION, "scan"},
        {"d081", &full, "spw", 3, {.nspw = 2}, "M01", PARALLEL, "spw"},
        {"d082", &onespw, "scan", 0, {COMBINE}, "M05", PARALLEL, "scan"},
        {"d083", &onespw, "spw", 0, {.regrid = true, .nspw = 2}, "M05", PARALLEL, "spw"},
        {"d086", &many, "scan", 4, {COMBINE}, "M05", PARALLEL, "scan"},
        {"d087", &many, "scan", 10, {COMBINE}, "M05", PARALLEL, "scan"},
        {"twoobs", &twoobs, "scan", 4, {COMBINE}, "M05", PARALLEL, "scan"},
        {"d254", &calm, "balanced", 4, {COMBINE}, "M06", REPARTITION, "scan"},
        {"d110", &full, "spw", 3, {COMBINE, BINS(20)}, "M06", REPARTITION, "scan"},
        {"d111", &full, "spw", 3, {COMBINE, ACROSS("state", 20)}, "M06", REPARTITION, "scan"},
        {"d112", &full, "spw", 3, {COMBINE, ACROSS("scan,state", 20)}, "M08", ONE_MS, ""},
        {"d113", &full, "scan", 4, {COMBINE, BINS(20)}, "M05", PARALLEL, "scan"},
        {"d115", &full, "spw", 3, {COMBINE, .regrid = true}, "M06", REPARTITION, "scan"},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void combined_spws_and_averages_across_scans(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d089", &onescan, "scan", 0, {COMBINE, SCANS(20)}, "M07", PARALLEL, "scan"},
        {"d090", &full, "baseline", 2, {COMBINE, SCANS(200)}, "M07", PARALLEL, "baseline"},
        {"d091", &full, "spw", 1, {COMBINE, SCANS(200)}, "M07", PARALLEL, "spw"},
        {"d092", &full, "spw", 3, {COMBINE, SCANS(20)}, "M08", ONE_MS, ""},
        {"d093", &full, "spw", 2, {COMBINE, SCANS(20)}, "M08", ONE_MS, ""},
        {"d094", &full, "scan", 4, {COMBINE, SCANS(20)}, "M09", ONE_MS, ""},
        {"d095", &full, "scan", 4, {COMBINE, SCANS(20), TO(SCAN)}, "M09", ONE_MS, ""},
        {"d096", &full, "balanced", 3, {COMBINE, SCANS(20)}, "M08", ONE_MS, ""},
        {"d097", &full, "balanced", 4, {COMBINE, SCANS(400)}, "M08", ONE_MS, ""},
        {"d098", &onespw, "balanced", 2, {COMBINE, SCANS(200)}, "M09", ONE_MS, ""},
        {"d099", &onescan, "spw", 3, {COMBINE, SCANS(20), .dds = 1}, "M07", PARALLEL, "spw"},
        {"d100", &full, "baseline", 2, {COMBINE, SCANS(400)}, "M09", ONE_MS, ""},
        {"d101", &full, "spw", 3, {.regrid = true, .nspw = 2, SCANS(20)}, "M08", ONE_MS, ""},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void created_multi_ms(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d116", &full, NULL, 0, {TO(SCAN), .numsubms = 3}, "O01", CREATE, "scan"},
        {"d117", &full, NULL, 0, {TO(SPW), .numsubms = 3}, "O03", CREATE, "spw"},
        {"d118", &full, NULL, 0, {TO(BALANCED), .numsubms = 3}, "O04", CREATE, "scan,spw"},
        {"seed", &full, NULL, 0, {TO(GRID)}, "O04", CREATE, "scan,spw"},
        {"d119", &full, NULL, 0, {TO(BASELINE), .numsubms = 3}, "O06", CREATE, "baseline"},
        {"d120", &full, NULL, 0, {COMBINE, TO(SCAN)}, "O01", CREATE, "scan"},
        {"d121", &full, NULL, 0, {SCANS(200), TO(SCAN)}, "O02", REFUSE, ""},
        {"d122", &full, NULL, 0, {.span = "scan", TO(SCAN)}, "O01", CREATE, "scan"},
        {"d123", &full, NULL, 0, {SCANS(200), TO(SPW)}, "O03", CREATE, "spw"},
        {"d138", &full, NULL, 0, {SCANS(200), TO(BALANCED)}, "O05", REFUSE, ""},
        {"auto", &full, NULL, 0, {SCANS(200), TO(GRID)}, "O05", REFUSE, ""},
        {"one part", &full, NULL, 0, {SCANS(200), TO(SCAN), .numsubms = 1}, "O02", CREATE, "scan"},
        {"one scan", &full, NULL, 0, {SCANS(200), .scans = S1, TO(SCAN)}, "O02", CREATE, "scan"},
        {"one part",
         &full, NULL, 0, {SCANS(200), TO(BALANCED), .numsubms = 1}, "O05", CREATE, "scan,spw"},
        {"baseline", &full, NULL, 0, {SCANS(200), TO(BASELINE)}, "O06", CREATE, "baseline"},
        {"inside", &full, NULL, 0, {ACROSS("state", 20), TO(BALANCED)}, "O04", CREATE, "scan,spw"},
        {"both", &full, NULL, 0, {COMBINE, SCANS(200), TO(SCAN)}, "O02", REFUSE, ""},
        {"d142", &full, NULL, 0, {COMBINE, TO(SPW)}, "O07", REFUSE, ""},
        {"d143", &full, NULL, 0, {COMBINE, TO(BALANCED)}, "O07", REFUSE, ""},
        {"d145", &full, NULL, 0, {COMBINE, TO(GRID)}, "O07", REFUSE, ""},
        {"d144", &full, NULL, 0, {COMBINE, TO(BASELINE)}, "O06", CREATE, "baseline"},
        {"d146", &full, NULL, 0, {.nspw = 2, TO(SPW)}, "O03", CREATE, "spw"},
        {"nspw", &full, NULL, 0, {.regrid = true, .nspw = 2, TO(SPW)}, "O07", REFUSE, ""},
        {"d260", &calm, NULL, 0, {SCANS(80), TO(BALANCED), .numsubms = 3}, "O05", REFUSE, ""},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void split_keeps_or_refuses(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d147", &full, NULL, 0, {SPLIT}, "S01", ONE_MS, ""},
        {"d148", &full, "scan", 4, {SPLIT, .one_ms = true}, "S02", ONE_MS, ""},
        {"d149", &full, "scan", 4, {SPLIT, .one_ms = true, SCANS(200)}, "S02", ONE_MS, ""},
        {"d150", &full, "scan", 4, {SPLIT, BINS(200)}, "S03", PARALLEL, "scan"},
        {"d151", &full, "scan", 4, {SPLIT, ACROSS("state", 200)}, "S03", PARALLEL, "scan"},
        {"d152", &full, "scan", 4, {SPLIT, ACROSS("state,scan", 200)}, "S06", REFUSE, ""},
        {"d155", &full, "spw", 3, {SPLIT, .dds = 2}, "S03", PARALLEL, "spw"},
        {"d163", &full, "spw", 3, {SPLIT, SCANS(200)}, "S04", PARALLEL, "spw"},
        {"d164", &full, "spw", 3, {SPLIT, SCANS(1000)}, "S04", PARALLEL, "spw"},
        {"d165", &ragged, "spw", 3, {SPLIT, SCANS(200)}, "S04", PARALLEL, "spw"},
        {"d166", &full, "spw", 3, {SPLIT, SCANS(100), .scans = S2}, "S04", PARALLEL, "spw"},
        {"d167", &full, "balanced", 3, {SPLIT, SCANS(200)}, "S06", REFUSE, ""},
        {"d168", &full, "baseline", 2, {SPLIT, SCANS(200)}, "S05", PARALLEL, "baseline"},
        {"d169", &full, "scan", 1, {SPLIT, SCANS(200)}, "S05", PARALLEL, "scan"},
        {"d170", &full, "scan", 4, {SPLIT, SCANS(200)}, "S06", REFUSE, ""},
        {"d171", &full, "scan", 4, {SPLIT, .span = "scan"}, "S03", PARALLEL, "scan"},
        {"d172", &full, "balanced", 3, {SPLIT, SCANS(400)}, "S06", REFUSE, ""},
        {"d173", &full, "scan", 4, {SPLIT, SCANS(20), .scans = S1}, "S05", PARALLEL, "scan"},
        {"d174", &full, "scan", 4, {SPLIT, SCANS(20), .scans = S2}, "S05", PARALLEL, "scan"},
        {"d175", &ragged, "balanced", 4, {SPLIT, SCANS(20)}, "S06", REFUSE, ""},
        {"d256", &calm, "balanced", 3, {SPLIT, SCANS(80)}, "S06", REFUSE, ""},
        {"d257", &calm, "spw", 3, {SPLIT, SCANS(80)}, "S04", PARALLEL, "spw"},
        {"d258", &calm, "scan", 4, {SPLIT, ACROSS("state,scan", 80)}, "S06", REFUSE, ""},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void cvel_keeps_or_refuses(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d176", &full, NULL, 0, {CVEL}, "C01", ONE_MS, ""},
        {"d177", &full, "spw", 3, {CVEL, .one_ms = true}, "C02", ONE_MS, ""},
        {"d178", &full, "scan", 4, {CVEL}, "C03", PARALLEL, "scan"},
        {"d179", &ragged, "scan", 0, {CVEL}, "C03", PARALLEL, "scan"},
        {"d180", &full, "baseline", 2, {CVEL}, "C04", PARALLEL, "baseline"},
        {"d181", &full, "spw", 1, {CVEL}, "C04", PARALLEL, "spw"},
        {"d182", &full, "spw", 3, {CVEL, .dds = 1}, "C04", PARALLEL, "spw"},
        {"d183", &full, "spw", 3, {CVEL, .dds = 4}, "C04", PARALLEL, "spw"},
        {"d184", &full, "spw", 3, {CVEL}, "C05", REFUSE, ""},
        {"d185", &full, "balanced", 3, {CVEL}, "C05", REFUSE, ""},
        {"d186", &full, "balanced", 4, {CVEL}, "C05", REFUSE, ""},
        {"d187", &onespw, "balanced", 3, {CVEL}, "C04", PARALLEL, "scan,spw"},
        {"d259", &calm, "balanced", 4, {CVEL}, "C05", REFUSE, ""},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void hanningsmooth_is_always_parallel(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d194", &full, NULL, 0, {SMOOTH}, "H01", ONE_MS, ""},
        {"d195", &full, "scan", 3, {SMOOTH}, "H02", PARALLEL, "scan"},
        {"d196", &full, "spw", 3, {SMOOTH}, "H02", PARALLEL, "spw"},
        {"d197", &full, "balanced", 3, {SMOOTH}, "H02", PARALLEL, "scan,spw"},
        {"d198", &full, "baseline", 3, {SMOOTH}, "H02", PARALLEL, "baseline"},
        {"d200", &full, "scan", 4, {SMOOTH, .scans = S3}, "H02", PARALLEL, "scan"},
        {"d201", &full, "balanced", 3, {SMOOTH, .one_ms = true}, "H03", ONE_MS, ""},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void partition_cuts_anew(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"d202", &full, NULL, 0, {PARTITION, TO(SCAN)}, "P01", CREATE, "scan"},
        {"d203", &full, NULL, 0, {PARTITION, TO(SPW)}, "P01", CREATE, "spw"},
        {"d204", &full, NULL, 0, {PARTITION, TO(BALANCED)}, "P01", CREATE, "scan,spw"},
        {"d205", &full, NULL, 0, {PARTITION, TO(BASELINE)}, "P01", CREATE, "baseline"},
        {"d236", &full, NULL, 0, {PARTITION}, "P02", ONE_MS, ""},
        {"d238",
         &full, "scan", 4, {PARTITION, TO(SCAN), .numsubms = 3}, "P03", REPARTITION, "scan"},
        {"d239", &full, "scan", 4, {PARTITION, TO(SPW)}, "P03", REPARTITION, "spw"},
        {"d240", &full, "scan", 4, {PARTITION, TO(BALANCED)}, "P03", REPARTITION, "scan,spw"},
        {"d241", &full, "scan", 4, {PARTITION, TO(BASELINE)}, "P03", REPARTITION, "baseline"},
        {"d242", &full, "scan", 4, {PARTITION}, "P04", ONE_MS, ""},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

static void worked_verdicts(void **state)
{
    // clang-format off
    static const struct entry entries[] = {
        {"spws 2,4,6 in 3 sub-MSs, combinespws",
         &a3, "spw", 3, {COMBINE}, "M06", REPARTITION, "scan"},
        {"scans 30 and 31, 100 s across scans",
         &a3, "scan", 2, {SCANS(100)}, "M04", REPARTITION, "spw"},
        {"axis spw, 100 s across scans", &a2, "spw", 2, {SCANS(100)}, "M03", PARALLEL, "spw"},
        {"auto, spws 1,3, combinespws and 40 s across scans",
         &a2, "balanced", 4, {COMBINE, SCANS(40)}, "M08", ONE_MS, ""},
        {"auto, 4 scans x 3 spws, combinespws",
         &calm, "balanced", 4, {COMBINE}, "M06", REPARTITION, "scan"},
        {"auto, one spw, combinespws and 200 s across scans",
         &a1, "balanced", 2, {COMBINE, SCANS(200)}, "M09", ONE_MS, ""},
        {"scan 30, spw 10, combinespws and 20 s across scans",
         &a30_1, "spw", 1, {COMBINE, SCANS(20)}, "M07", PARALLEL, "spw"},
        {"scan 30, spws 10,11, the same",
         &a30_2, "spw", 2, {COMBINE, SCANS(20)}, "M08", ONE_MS, ""},
        {"axis scan, 2 spws in each, cvel", &a2, "scan", 2, {CVEL}, "C03", PARALLEL, "scan"},
        {"axis spw, cvel", &a2, "spw", 2, {CVEL}, "C05", REFUSE, ""},
        {"auto, cvel", &a2, "balanced", 4, {CVEL}, "C05", REFUSE, ""},
        {"axis scan, split 100 s across scans",
         &a2, "scan", 2, {SPLIT, SCANS(100)}, "S06", REFUSE, ""},
        {"axis spw, split 100 s across scans, scan 31",
         &a2, "spw", 2, {SPLIT, SCANS(100), .scans = 1u << 31}, "S04", PARALLEL, "spw"},
    };
    // clang-format on

    (void)state;
    CHECK_ENTRIES(entries);
}

/* ERROR, WARN and INFO by their first letter, and the text. */
static void assert_messages(const mms_decision *d, int64_t n, const char *const *want)
{
    assert_int_equal(d->nmessage, n);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(mms_level_name(d->messages[i].level)[0], want[i][0]);
        assert_string_equal(d->messages[i].text, want[i] + 2);
    }
}

#define ASSERT_MESSAGES(d, ...)                                            \
    assert_messages(d, MMS_COUNT_OF(((const char *const[]){__VA_ARGS__})), \
                    (const char *const[]){__VA_ARGS__})

#define W4         "W Will process the input MMS as a monolithic MS"
#define W6         "W Cannot process MMS with the requested transformations"
#define I1         "I Use task listpartition to see the contents of the MMS"
#define W7         "W Will create an output MS"
#define NEED_SPWS  "W The subMSs of input MMS do not contain the necessary spws"
#define NEED_SCANS "W The subMSs of input MMS do not contain the necessary scans"
#define SE1        "E Please set keepmms to False or use task mstransform in this case."

static void decide_one(const struct shape *shape, const char *axis, int64_t numsubms,
                       struct ask ask, mms_decision *d)
{
    struct input in = make_input(shape, axis, numsubms, ask.scans, ask.dds);

    decide(&in, &ask, d);
    d->axis_type = NULL; /* may be the input's text */
    free_input(&in);
}

static void nothing_is_said_when_parallel(void **state)
{
    mms_decision d;

    (void)state;
    decide_one(&full, "spw", 3, (struct ask){.timebin_s = 200, .span = "scan"}, &d);
    assert_int_equal(d.nmessage, 0);
    assert_int_equal(d.axis, MMS_AXIS_MEMBER);
}

static void repartition_by_spw_says_why(void **state)
{
    mms_decision d;

    (void)state;
    decide_one(&full, "scan", 4, (struct ask){.timebin_s = 200, .span = "scan"}, &d);
    ASSERT_MESSAGES(
        &d,
        "W Cannot process MMS in parallel when timespan='scan' because the subMSs do not contain "
        "all the selected scans",
        "I sub-MS 0 has no rows of scan 2~4 with DATA_DESC_ID 0, other sub-MSs do", W4,
        "W Will create an output MMS with separation axis 'spw'");
    assert_int_equal(d.axis, MMS_AXIS_SPW);
    assert_string_equal(d.reason,
                        "sub-MS 0 has no rows of scan 2~4 with DATA_DESC_ID 0, other sub-MSs do");
}

static void short_sub_ms_says_how_long(void **state)
{
    mms_decision d;

    (void)state;
    decide_one(&full, "spw", 3, (struct ask){.timebin_s = 400, .span = "scan"}, &d);
    assert_string_equal(d.messages[1].text,
                        "the selected rows of sub-MS 0 last 340 s, less than timebin 400 s");
}

static void repartition_by_scan_says_why(void **state)
{
    mms_decision d;

    (void)state;
    decide_one(&full, "spw", 2, (struct ask){.combine = true}, &d);
    ASSERT_MESSAGES(&d,
                    "W Cannot combine or separate spws in parallel because the subMSs do not "
                    "contain all the selected spws",
                    "I sub-MS 0 has no rows of DATA_DESC_ID 2 in scan 1, field 0, other sub-MSs do",
                    W4, "W Will create an output MMS with separation axis 'scan'");
}

static void one_ms_says_why(void **state)
{
    struct ask ask = {.combine = true, .timebin_s = 20, .span = "scan"};
    mms_decision d;

    (void)state;
    decide_one(&full, "spw", 3, ask, &d); /* M08 */
    ASSERT_MESSAGES(
        &d, NEED_SPWS,
        "I sub-MS 0 has no rows of DATA_DESC_ID 1~2 in scan 1, field 0, other sub-MSs do", W6, I1,
        W7);
    decide_one(&full, "scan", 4, ask, &d); /* M09 */
    ASSERT_MESSAGES(&d, NEED_SCANS, "I sub-MS 0 has no rows of scan 2~4, other sub-MSs do", W6, I1,
                    W7);
    assert_int_equal(d.axis, MMS_AXIS_NONE);
    ask.timebin_s = 400;
    decide_one(&full, "balanced", 4, ask, &d); /* d097: CASA names the scans, and the spws lack */
    ASSERT_MESSAGES(
        &d, NEED_SPWS, NEED_SCANS,
        "I sub-MS 0 has no rows of DATA_DESC_ID 1~2 in scan 2, field 1, other sub-MSs do",
        "I sub-MS 0 has no rows of scan 1, other sub-MSs do", W6, I1, W7);
}

static void split_refuses_in_casa_words(void **state)
{
    const struct ask ask = {.task = MMS_DECIDE_SPLIT, .timebin_s = 200, .span = "scan"};
    mms_decision d;
    mms_error err;

    (void)state;
    decide_one(&full, "scan", 4, ask, &d);
    ASSERT_MESSAGES(
        &d,
        "W Cannot process MMS in parallel when combine='scan' because the subMSs do not contain "
        "all the selected scans",
        "I sub-MS 0 has no rows of scan 2~4 with DATA_DESC_ID 0, other sub-MSs do", SE1);
    assert_int_equal(mms_decision_log(&d, "split", &err), MMS_ERR_ARG);
    assert_string_equal(err.msg, "Unable to continue with MMS processing: sub-MS 0 has no rows of "
                                 "scan 2~4 with DATA_DESC_ID 0, other sub-MSs do");
}

static void cvel_refuses_in_casa_words(void **state)
{
    mms_decision d;

    (void)state;
    decide_one(&full, "spw", 3, (struct ask){.task = MMS_DECIDE_CVEL}, &d);
    ASSERT_MESSAGES(
        &d,
        "W Cannot combine spws in parallel because the subMSs do not contain all the "
        "selected spws",
        "I sub-MS 0 has no rows of DATA_DESC_ID 1~2 in scan 1, field 0, other sub-MSs do", SE1);
}

static void creation_is_refused_in_casa_words(void **state)
{
    static const char scans_warning[] =
        "W Time averaging across scans may lead to wrong results when separation axis is not spw";
    struct ask ask = {.create = true, .combine = true, .axis = MMS_AXIS_SPW};
    mms_decision d;

    (void)state;
    decide_one(&full, NULL, 0, ask, &d); /* O07 */
    ASSERT_MESSAGES(&d,
                    "W Cannot partition MS per spw or auto when combinespws = True or nspw > 1");
    assert_string_equal(d.refusal,
                        "Cannot create MMS using separationaxis=spw with some of the requested "
                        "transformations. (spws are combined or separated, and separationaxis "
                        "would put them in several parts; use separationaxis=scan or baseline)");
    ask = (struct ask){.create = true, .timebin_s = 200, .span = "scan", .axis = MMS_AXIS_GRID};
    decide_one(&full, NULL, 0, ask, &d); /* O05 */
    ASSERT_MESSAGES(&d, scans_warning);
    assert_string_equal(d.refusal,
                        "Cannot create MMS using separationaxis=auto with some of the requested "
                        "transformations. (sub-MS 0 has no rows of scan 2~4 with DATA_DESC_ID 0, "
                        "other sub-MSs do; use separationaxis=spw or baseline)");
    ask.axis = MMS_AXIS_BASELINE;
    decide_one(&full, NULL, 0, ask, &d); /* O06 */
    ASSERT_MESSAGES(&d, scans_warning);
    ask.timebin_s = 0;
    decide_one(&full, NULL, 0, ask, &d); /* d122 */
    assert_int_equal(d.nmessage, 0);
}

/* Scan 1 cut after half of its integrations, the rest in a second member. */
static struct input make_cut(bool other_baselines)
{
    struct input in = make_input(&a30_1, "scan", 1, 0, 0);
    mms_cell *cells = mms_alloc(2, sizeof *cells);

    cells[0] = cells[1] = in.meta.cells[0];
    cells[0].time_max = cells[0].time_min + 44;
    cells[1].time_min = cells[0].time_max + 1;
    cells[1].member = 1;
    free(in.meta.cells);
    free(in.meta.member_rows);
    free(in.members);
    in.meta.cells = cells;
    in.meta.ncell = in.meta.nmember = 2;
    in.members = mms_alloc(2, sizeof *in.members);
    in.members[0].baselines = all_baselines;
    in.members[0].nbaseline = other_baselines ? 3 : NBASELINE;
    in.members[1].baselines = all_baselines + 3;
    in.members[1].nbaseline = 3;
    in.meta.nselected = 0;
    measure_members(&in, 1);
    return in;
}

static void decide_cut(bool other_baselines, struct ask ask, const char *rule, mms_decision *d)
{
    struct input in = make_cut(other_baselines);

    decide(&in, &ask, d);
    d->axis_type = NULL;
    assert_string_equal(d->rule, rule);
    free_input(&in);
}

static void cut_scan_is_not_averaged_in_parts(void **state)
{
    static const char cut[] =
        "W Cannot process MMS in parallel because the subMSs cut scan 30 in time";
    mms_decision d;

    (void)state;
    decide_cut(false, (struct ask){.timebin_s = 20}, "M04", &d);
    ASSERT_MESSAGES(&d, cut, W4, "W Will create an output MMS with separation axis 'spw'");
    decide_cut(false, (struct ask){.timebin_s = 20, .span = "scan"}, "M04", &d);
    decide_cut(false, (struct ask){.timebin_s = 20, .combine = true}, "M08", &d);
    ASSERT_MESSAGES(&d, cut, W6, I1, W7);
    decide_cut(false, (struct ask){.timebin_s = 20, .span = "scan", .combine = true}, "M08", &d);
    decide_cut(false, (struct ask){.task = MMS_DECIDE_SPLIT, .timebin_s = 20}, "S06", &d);
    ASSERT_MESSAGES(&d, cut, SE1);
    assert_string_equal(d.refusal,
                        "Unable to continue with MMS processing: the subMSs cut scan 30 in time");
}

static void cut_scan_without_averages_is_parallel(void **state)
{
    mms_decision d;

    (void)state;
    decide_cut(false, (struct ask){.combine = true}, "M05", &d);
    decide_cut(false, (struct ask){0}, "M01", &d);
    decide_cut(false, (struct ask){.task = MMS_DECIDE_SPLIT}, "S03", &d);
}

/* The second member holds other baselines of the same scan: no bin is cut. */
static void bins_belong_to_a_baseline(void **state)
{
    mms_decision d;

    (void)state;
    decide_cut(true, (struct ask){.timebin_s = 20}, "M02", &d);
    decide_cut(true, (struct ask){.timebin_s = 20, .combine = true}, "M05", &d);
    decide_cut(true, (struct ask){.task = MMS_DECIDE_SPLIT, .timebin_s = 20}, "S03", &d);
}

/* Fields that alternate inside a scan, one to a member: bins across fields are cut. */
static void bins_across_fields(void **state)
{
    struct input in = make_cut(false);
    mms_decision d;

    (void)state;
    in.meta.cells[1].field = 2;
    decide(&in, &(struct ask){.timebin_s = 20}, &d);
    assert_string_equal(d.rule, "M02");
    decide(&in, &(struct ask){.timebin_s = 20, .span = "state"}, &d);
    assert_string_equal(d.rule, "M02");
    decide(&in, &(struct ask){.timebin_s = 20, .span = "field"}, &d);
    assert_string_equal(d.rule, "M04");
    free_input(&in);
}

/* Each member has both DDs of the scan, but of different fields (multi-ms 3.8). */
static void spws_are_tested_by_field(void **state)
{
    struct input in = make_input(&a30_2, "scan", 1, 0, 0);
    mms_cell *cells = mms_alloc(4, sizeof *cells);
    mms_decision d;

    (void)state;
    for (int32_t i = 0; i < 4; i++) {
        cells[i] = in.meta.cells[i / 2];
        cells[i].field = i % 2;
        cells[i].member = i / 2 ^ i % 2;
    }
    free(in.meta.cells);
    in.meta.cells = cells;
    in.meta.ncell = 4;
    in.meta.nmember = 2;
    decide(&in, &(struct ask){.combine = true}, &d);
    assert_string_equal(d.rule, "M06");
    for (int32_t i = 0; i < 4; i++)
        cells[i].member = i % 2; /* a field in each */
    decide(&in, &(struct ask){.combine = true}, &d);
    assert_string_equal(d.rule, "M05");
    free_input(&in);
}

static void names_of_members_are_used(void **state)
{
    const char *const names[] = {"x.0000.ms", "x.0001.ms", "x.0002.ms"};
    struct input in = make_input(&full, "spw", 3, 0, 0);
    mms_plan_opts out = MMS_PLAN_OPTS_INIT;
    mms_question q = make_question(&in, &(struct ask){.combine = true}, &out);
    mms_decision d;

    (void)state;
    q.member_names = names;
    assert_int_equal(mms_decide(&q, &d, NULL), MMS_OK);
    assert_string_equal(
        d.reason,
        "sub-MS x.0000.ms has no rows of DATA_DESC_ID 1~2 in scan 1, field 0, other sub-MSs do");
    free_input(&in);
}

static void carried_axis_is_spelled_as_written_today(void **state)
{
    static const char *const axes[][2] = {{"auto", "scan,spw"},
                                          {"both", "scan,spw"},
                                          {"scan,spw", "scan,spw"},
                                          {"scan", "scan"},
                                          {"", ""},
                                          {NULL, ""}};
    struct input in = make_input(&full, "scan", 4, 0, 0);
    mms_plan_opts out = MMS_PLAN_OPTS_INIT;
    mms_question q = make_question(&in, &(struct ask){0}, &out);
    mms_decision d;

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(axes); i++) {
        q.axis_type = axes[i][0];
        assert_int_equal(mms_decide(&q, &d, NULL), MMS_OK);
        assert_string_equal(d.axis_type, axes[i][1]);
    }
    free_input(&in);
}

static void bad_questions_are_errors(void **state)
{
    struct input in = make_input(&full, "scan", 4, 0, 0);
    mms_plan_opts out = MMS_PLAN_OPTS_INIT;
    mms_question q = make_question(&in, &(struct ask){.timebin_s = 20}, &out);
    mms_decision d;
    mms_error err;

    (void)state;
    q.members = NULL;
    assert_int_equal(mms_decide(&q, &d, &err), MMS_ERR_ARG);
    q.timeaverage = false; /* not needed then */
    assert_int_equal(mms_decide(&q, &d, &err), MMS_OK);
    in.meta.ncell = 0;
    assert_int_equal(mms_decide(&q, &d, &err), MMS_ERR_EMPTY);
    assert_string_equal(err.msg, "MSSelectionNullSelection : The selected table has zero rows.");
    free_input(&in);
}

static void description_is_json(void **state)
{
    mms_decision d;
    mms_value *json = NULL;
    char *text;

    (void)state;
    decide_one(&full, "scan", 4, (struct ask){.task = MMS_DECIDE_HANNINGSMOOTH}, &d);
    d.axis_type = "scan";
    assert_int_equal(mms_decision_describe(&d, &json, NULL), MMS_OK);
    text = mms_value_text(json, 0);
    assert_string_equal(text, "{\"verdict\":\"parallel\",\"rule\":\"H02\",\"axis\":\"scan\","
                              "\"reason\":\"each row is smoothed alone\"}");
    free(text);
    mms_value_free(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_requests_and_bins_inside_scans),
        cmocka_unit_test(averages_across_scans),
        cmocka_unit_test(combined_spws),
        cmocka_unit_test(combined_spws_and_averages_across_scans),
        cmocka_unit_test(created_multi_ms),
        cmocka_unit_test(split_keeps_or_refuses),
        cmocka_unit_test(cvel_keeps_or_refuses),
        cmocka_unit_test(hanningsmooth_is_always_parallel),
        cmocka_unit_test(partition_cuts_anew),
        cmocka_unit_test(worked_verdicts),
        cmocka_unit_test(nothing_is_said_when_parallel),
        cmocka_unit_test(repartition_by_spw_says_why),
        cmocka_unit_test(short_sub_ms_says_how_long),
        cmocka_unit_test(repartition_by_scan_says_why),
        cmocka_unit_test(one_ms_says_why),
        cmocka_unit_test(split_refuses_in_casa_words),
        cmocka_unit_test(cvel_refuses_in_casa_words),
        cmocka_unit_test(creation_is_refused_in_casa_words),
        cmocka_unit_test(cut_scan_is_not_averaged_in_parts),
        cmocka_unit_test(cut_scan_without_averages_is_parallel),
        cmocka_unit_test(bins_belong_to_a_baseline),
        cmocka_unit_test(bins_across_fields),
        cmocka_unit_test(spws_are_tested_by_field),
        cmocka_unit_test(names_of_members_are_used),
        cmocka_unit_test(carried_axis_is_spelled_as_written_today),
        cmocka_unit_test(bad_questions_are_errors),
        cmocka_unit_test(description_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
