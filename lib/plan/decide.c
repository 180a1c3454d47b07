/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file decide.c  Parallel, another Multi-MS, one MS or refused (parallel-tasks 1.5-1.10). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "decide_priv.h"

/* What is logged.  END ends a list. */
enum text {
    END = 0,
    DETAIL, /* what the failed tests found */
    W1,
    W2,
    W3, /* W3a, W3b or both */
    W4,
    W5_SCAN,
    W5_SPW,
    W6,
    I1,
    W7,
    OW1,
    OW2,
    SW1,
    CW1,
    SE1,
    UW, /* UW_SPW, SW1 or what cuts a bin */
    UW_SPW,
    UW_MS,
    NTEXT
};

/* CASA's words. */
static const struct {
    mms_level level;
    const char *text;
} texts[NTEXT] = {
    [W1] = {MMS_LOG_WARN, "Cannot process MMS in parallel when timespan='scan' because the subMSs "
                          "do not contain all the selected scans"},
    [W2] = {MMS_LOG_WARN, "Cannot combine or separate spws in parallel because the subMSs do not "
                          "contain all the selected spws"},
    [W4] = {MMS_LOG_WARN, "Will process the input MMS as a monolithic MS"},
    [W5_SCAN] = {MMS_LOG_WARN, "Will create an output MMS with separation axis 'scan'"},
    [W5_SPW] = {MMS_LOG_WARN, "Will create an output MMS with separation axis 'spw'"},
    [W6] = {MMS_LOG_WARN, "Cannot process MMS with the requested transformations"},
    [I1] = {MMS_LOG_INFO, "Use task listpartition to see the contents of the MMS"},
    [W7] = {MMS_LOG_WARN, "Will create an output MS"},
    [OW1] = {MMS_LOG_WARN,
             "Cannot partition MS per spw or auto when combinespws = True or nspw > 1"},
    [OW2] = {MMS_LOG_WARN, "Time averaging across scans may lead to wrong results when separation "
                           "axis is not spw"},
    [SW1] = {MMS_LOG_WARN, "Cannot process MMS in parallel when combine='scan' because the subMSs "
                           "do not contain all the selected scans"},
    [CW1] = {MMS_LOG_WARN, "Cannot combine spws in parallel because the subMSs do not contain all "
                           "the selected spws"},
    [UW_SPW] = {MMS_LOG_WARN,
                "Cannot run with combine='spw' in parallel because the Sub-MSs do not "
                "contain all the selected spws"},
    [UW_MS] = {MMS_LOG_WARN, "The Multi-MS will be processed in serial and will create an output "
                             "MS"},
    [SE1] = {MMS_LOG_ERROR, "Please set keepmms to False or use task mstransform in this case."},
};

/* AS_ASKED: the separationaxis of the request. */
enum { AS_ASKED = -1 };

static const char unable[] = "Unable to continue with MMS processing";

/* The tables of parallel-tasks, and two rows that have no number there. */
static const struct row {
    const char *rule;
    mms_verdict verdict;
    int axis;
    enum text texts[6];
    const char *reason; /* NULL: what the failed test found */
} rows[] = {
    {"M01",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "nothing that is asked for looks beyond the rows of a sub-MS"},
    {"M02", MMS_VERDICT_PARALLEL, MMS_AXIS_MEMBER, {END}, "no time bin needs rows of two sub-MSs"},
    {"M03",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "each sub-MS has all the selected scans, and no time bin needs rows of two sub-MSs"},
    {"M04", MMS_VERDICT_REPARTITION, MMS_AXIS_SPW, {W1, DETAIL, W4, W5_SPW, END}, NULL},
    {"M05",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "each sub-MS has all the selected spws of its scans"},
    {"M06", MMS_VERDICT_REPARTITION, MMS_AXIS_SCAN, {W2, DETAIL, W4, W5_SCAN, END}, NULL},
    {"M07",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "each sub-MS has all the selected spws of its scans, and all the selected scans"},
    {"M08", MMS_VERDICT_MS, MMS_AXIS_NONE, {W3, DETAIL, W6, I1, W7, END}, NULL},
    {"M09", MMS_VERDICT_MS, MMS_AXIS_NONE, {W3, DETAIL, W6, I1, W7, END}, NULL},
    {"O01", MMS_VERDICT_CREATE, AS_ASKED, {END}, "createmms=True"},
    {"O02",
     MMS_VERDICT_CREATE,
     AS_ASKED,
     {OW2, END},
     "createmms=True; each part has all the scans of its rows"},
    {"O03", MMS_VERDICT_CREATE, AS_ASKED, {END}, "createmms=True"},
    {"O04", MMS_VERDICT_CREATE, AS_ASKED, {END}, "createmms=True"},
    {"O05",
     MMS_VERDICT_CREATE,
     AS_ASKED,
     {OW2, END},
     "createmms=True; each part has all the scans of its rows"},
    {"O06",
     MMS_VERDICT_CREATE,
     AS_ASKED,
     {OW2, END},
     "createmms=True; the rows of a baseline stay in one part"},
    {"O07",
     MMS_VERDICT_REFUSE,
     MMS_AXIS_NONE,
     {OW1, END},
     "spws are combined or separated, and separationaxis would put them in several parts"},
    {"S01", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "the input is one MS"},
    {"S02", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "keepmms=False"},
    {"S03", MMS_VERDICT_PARALLEL, MMS_AXIS_MEMBER, {END}, "no time bin needs rows of two sub-MSs"},
    {"S04",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "separation axis spw: no time bin needs rows of two sub-MSs"},
    {"S05",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "each sub-MS has all the selected scans, and no time bin needs rows of two sub-MSs"},
    {"S06", MMS_VERDICT_REFUSE, MMS_AXIS_NONE, {SW1, DETAIL, SE1, END}, NULL},
    {"C01", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "the input is one MS"},
    {"C02", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "keepmms=False"},
    {"C03",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "each sub-MS has all the selected spws of its scans"},
    {"C04",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "each sub-MS has all the selected spws of its scans"},
    {"C05", MMS_VERDICT_REFUSE, MMS_AXIS_NONE, {CW1, DETAIL, SE1, END}, NULL},
    {"H01", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "the input is one MS"},
    {"H02", MMS_VERDICT_PARALLEL, MMS_AXIS_MEMBER, {END}, "each row is smoothed alone"},
    {"H03", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "keepmms=False"},
    {"U01", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "the input is one MS"},
    {"U02", MMS_VERDICT_PARALLEL, MMS_AXIS_MEMBER, {END}, "each row is fitted alone"},
    {"U03", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "keepmms=False"},
    {"U04", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "the selected rows are of one sub-MS"},
    {"U05", MMS_VERDICT_REPARTITION, MMS_AXIS_SCAN, {UW, DETAIL, W4, W5_SCAN, END}, NULL},
    {"U06", MMS_VERDICT_MS, MMS_AXIS_NONE, {UW, DETAIL, UW_MS, END}, NULL},
    {"U07",
     MMS_VERDICT_PARALLEL,
     MMS_AXIS_MEMBER,
     {END},
     "rows that are fitted together are of one sub-MS"},
    {"X01", MMS_VERDICT_PARALLEL, MMS_AXIS_MEMBER, {END}, "each row is shifted alone"},
    {"X02", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "keepmms=False"},
    {"X03", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "the input is one MS"},
    {"P01", MMS_VERDICT_CREATE, AS_ASKED, {END}, "createmms=True"},
    {"P02", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "createmms=False"},
    {"P03",
     MMS_VERDICT_REPARTITION,
     AS_ASKED,
     {END},
     "createmms=True: the Multi-MS is read as one MS and cut anew"},
    {"P04", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "createmms=False"},
    {"", MMS_VERDICT_MS, MMS_AXIS_NONE, {END}, "the input is one MS, and createmms=False"},
    {"1.5",
     MMS_VERDICT_MS,
     MMS_AXIS_NONE,
     {END},
     "monolithic_processing=True, and createmms=False"},
};

/* What the tests found; a test that was not needed has not failed. */
struct findings {
    mms_finding spws, scans, bins;
};

static bool combines(const mms_question *q)
{
    return q->task == MMS_DECIDE_CVEL || q->combinespws || (q->nspw > 1 && q->regridms);
}

static bool averages(const mms_question *q)
{
    return q->timeaverage && q->timebin_s > 0;
}

static bool averages_scans(const mms_question *q)
{
    return averages(q) && q->across_scans;
}

static bool has_axis(const mms_question *q, const char *axis)
{
    return q->axis_type && strcasecmp(q->axis_type, axis) == 0;
}

/* SCAN: the duration counts for sub-MSs; parts that are only planned have none yet. */
static mms_status test_scans(const mms_question *q, const mms_layout_parts *parts,
                             mms_finding *found, mms_error *err)
{
    mms_finding lasts = {0};
    mms_status st;

    MMS_TRY(mms_contain_scans(parts, combines(q), found, err));
    if (parts->extents && q->task != MMS_DECIDE_UVCONTSUB)
        mms_contain_duration(parts, q->timebin_s, &lasts);
    if (lasts.failed && (!found->failed || lasts.part < found->part))
        *found = lasts;
done:
    return st;
}

/* Makes the tests that the request needs (1.4); split skips SCAN on axis spw (S04). */
static mms_status run_tests(const mms_question *q, const mms_layout_parts *parts,
                            struct findings *f, mms_error *err)
{
    const bool skip_scans = q->task == MMS_DECIDE_SPLIT && has_axis(q, "spw");
    mms_status st = MMS_OK;

    if (combines(q))
        MMS_TRY(mms_contain_spws(parts, &f->spws, err));
    if (averages_scans(q) && !skip_scans)
        MMS_TRY(test_scans(q, parts, &f->scans, err));
    if (averages(q))
        MMS_TRY(mms_contain_bins(parts, q, combines(q), &f->bins, err));
done:
    return st;
}

static mms_status test_members(const mms_question *q, struct findings *f, mms_error *err)
{
    const mms_meta *meta = q->meta;
    int32_t *part = mms_alloc(meta->ncell, sizeof *part);
    const mms_layout_parts parts = {meta, part, meta->nmember, q->members, q->member_names};
    mms_status st;

    if (!part)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for the sub-MSs of the cells");
    if (averages(q) && !q->members)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "decide: the extents of the members are needed"));
    for (int64_t i = 0; i < meta->ncell; i++)
        part[i] = meta->cells[i].member;
    MMS_TRY(run_tests(q, &parts, f, err));
done:
    free(part);
    return st;
}

static mms_plan_opts planned(const mms_question *q)
{
    const mms_plan_opts defaults = MMS_PLAN_OPTS_INIT;
    return q->out ? *q->out : defaults;
}

/* Tests the parts that createmms would make.  Axis baseline needs no test: bins are a baseline's.
 */
static mms_status test_planned(const mms_question *q, struct findings *f, mms_error *err)
{
    const mms_plan_opts opts = planned(q);
    const mms_meta *meta = q->meta;
    int32_t *part = mms_alloc(meta->ncell, sizeof *part);
    mms_plan *plan = NULL;
    mms_status st = MMS_OK;

    if (!part)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for the parts of the cells"));
    if (opts.axis == MMS_AXIS_BASELINE)
        goto done;
    MMS_TRY(mms_plan_create(meta, &opts, &plan, err));
    for (int64_t i = 0; i < meta->ncell; i++) {
        const mms_row_key key = {meta->cells[i].scan, meta->cells[i].ddid, 0, 0, 0};
        part[i] = (int32_t)mms_plan_part_of(plan, &key);
    }
    const mms_layout_parts parts = {meta, part, mms_plan_nparts(plan), NULL, NULL};
    MMS_TRY(run_tests(q, &parts, f, err));
done:
    mms_plan_free(&plan);
    free(part);
    return st;
}

static const char *mstransform_multi_rule(const mms_question *q, const struct findings *f)
{
    const bool scans = averages_scans(q);

    if (!combines(q)) {
        if (f->scans.failed || f->bins.failed)
            return "M04";
        return scans ? "M03" : averages(q) ? "M02" : "M01";
    }
    if (f->spws.failed)
        return scans ? "M08" : "M06";
    if (f->scans.failed)
        return "M09";
    if (f->bins.failed)
        return "M08";
    return scans ? "M07" : "M05";
}

static const char *create_rule(const mms_question *q)
{
    const mms_axis axis = planned(q).axis;

    if (axis == MMS_AXIS_BASELINE)
        return "O06";
    if (combines(q) && axis != MMS_AXIS_SCAN)
        return "O07";
    if (axis == MMS_AXIS_SPW)
        return "O03";
    if (axis == MMS_AXIS_SCAN)
        return averages_scans(q) ? "O02" : "O01";
    return averages_scans(q) ? "O05" : "O04";
}

static const char *split_rule(const mms_question *q, const struct findings *f)
{
    if (f->scans.failed || f->bins.failed)
        return "S06";
    if (!averages_scans(q))
        return "S03";
    return has_axis(q, "spw") ? "S04" : "S05";
}

static bool one_member_has_rows(const mms_question *q)
{
    for (int64_t i = 1; i < q->meta->ncell; i++)
        if (q->meta->cells[i].member != q->meta->cells[0].member)
            return false;
    return true;
}

static const char *continuum_rule(const mms_question *q, const struct findings *f)
{
    if (!q->multi || !q->keepmms)
        return q->multi ? "U03" : "U01";
    if (one_member_has_rows(q))
        return "U04";
    if (f->scans.failed || f->bins.failed || (f->spws.failed && averages_scans(q)))
        return "U06";
    if (f->spws.failed)
        return "U05";
    return combines(q) || averages(q) ? "U07" : "U02";
}

static const char *keeping_rule(const mms_question *q, const struct findings *f)
{
    switch (q->task) {
    case MMS_DECIDE_CVEL:
        if (!q->multi || !q->keepmms)
            return q->multi ? "C02" : "C01";
        return f->spws.failed ? "C05" : has_axis(q, "scan") ? "C03" : "C04";
    case MMS_DECIDE_HANNINGSMOOTH:
        return !q->multi ? "H01" : q->keepmms ? "H02" : "H03";
    case MMS_DECIDE_UVCONTSUB:
        return continuum_rule(q, f);
    case MMS_DECIDE_PHASESHIFT:
        return !q->multi ? "X03" : q->keepmms ? "X01" : "X02";
    default:
        return !q->multi ? "S01" : q->keepmms ? split_rule(q, f) : "S02";
    }
}

static const char *partition_rule(const mms_question *q)
{
    if (q->multi)
        return q->createmms ? "P03" : "P04";
    return q->createmms ? "P01" : "P02";
}

/* Makes the tests and finds the row of the tables. */
static mms_status find_rule(const mms_question *q, struct findings *f, const char **rule,
                            mms_error *err)
{
    mms_status st = MMS_OK;

    if (q->task == MMS_DECIDE_PARTITION) {
        *rule = partition_rule(q);
    } else if (q->task != MMS_DECIDE_MSTRANSFORM) {
        if (q->multi && q->keepmms)
            MMS_TRY(test_members(q, f, err));
        *rule = keeping_rule(q, f);
    } else if (q->multi && !q->monolithic) {
        MMS_TRY(test_members(q, f, err));
        *rule = mstransform_multi_rule(q, f);
    } else if (q->createmms) {
        *rule = create_rule(q);
        if (averages(q) && strcmp(*rule, "O07") != 0)
            MMS_TRY(test_planned(q, f, err));
    } else {
        *rule = q->multi ? "1.5" : "";
    }
done:
    return st;
}

static const struct row *find_row(const char *rule)
{
    const struct row *row = rows;

    while (strcmp(row->rule, rule) != 0)
        row++;
    return row;
}

static void add_text(mms_decision *d, mms_level level, const char *text)
{
    mms_decision_message *m = &d->messages[d->nmessage++];

    m->level = level;
    (void)snprintf(m->text, sizeof m->text, "%s", text);
}

/* The finding that the verdict rests on, NULL when no test failed. */
static const mms_finding *deciding(const struct findings *f)
{
    const mms_finding *const all[] = {&f->spws, &f->scans, &f->bins};

    for (int64_t i = 0; i < MMS_COUNT_OF(all); i++)
        if (all[i]->failed)
            return all[i];
    return NULL;
}

/* CASA has no test of bins, so no words for it. */
static void add_cut(mms_decision *d, const struct findings *f)
{
    char text[512];

    (void)snprintf(text, sizeof text, "Cannot process MMS in parallel because %s", f->bins.text);
    add_text(d, MMS_LOG_WARN, text);
}

static void add_message(mms_decision *d, enum text which, const struct findings *f)
{
    const bool only_bins = f->bins.failed && !f->spws.failed && !f->scans.failed;

    if (which == DETAIL) {
        if (f->spws.failed)
            add_text(d, MMS_LOG_INFO, f->spws.text);
        if (f->scans.failed)
            add_text(d, MMS_LOG_INFO, f->scans.text);
    } else if (only_bins && (which == W1 || which == W3 || which == SW1 || which == UW)) {
        add_cut(d, f);
    } else if (which == UW) {
        add_text(d, MMS_LOG_WARN, texts[f->spws.failed ? UW_SPW : SW1].text);
    } else if (which == W3) {
        if (f->spws.failed)
            add_text(d, MMS_LOG_WARN, "The subMSs of input MMS do not contain the necessary spws");
        if (f->scans.failed)
            add_text(d, MMS_LOG_WARN, "The subMSs of input MMS do not contain the necessary scans");
    } else {
        add_text(d, texts[which].level, texts[which].text);
    }
}

static const char *asked_axis(mms_axis axis)
{
    switch (axis) {
    case MMS_AXIS_GRID:
        return "auto";
    case MMS_AXIS_BALANCED:
        return "balanced";
    default:
        return mms_plan_axis_type(axis);
    }
}

/* 2.10: auto and both are written as scan,spw. */
static const char *carried_axis(const mms_question *q)
{
    if (has_axis(q, "auto") || has_axis(q, "both"))
        return "scan,spw";
    return q->axis_type ? q->axis_type : "";
}

/* What would be done instead of a Multi-MS that cannot be created. */
static const char *other_axes(const mms_question *q)
{
    if (!averages_scans(q))
        return "separationaxis=scan or baseline";
    return combines(q) ? "separationaxis=baseline" : "separationaxis=spw or baseline";
}

static void set_refusal(const mms_question *q, mms_decision *d)
{
    if (q->task == MMS_DECIDE_MSTRANSFORM)
        (void)snprintf(d->refusal, sizeof d->refusal,
                       "Cannot create MMS using separationaxis=%s with some of the requested "
                       "transformations. (%s; use %s)",
                       asked_axis(planned(q).axis), d->reason, other_axes(q));
    else
        (void)snprintf(d->refusal, sizeof d->refusal, "%s: %s", unable, d->reason);
}

static void set_axis(const mms_question *q, const struct row *row, mms_decision *d)
{
    d->axis = row->axis == AS_ASKED ? planned(q).axis : (mms_axis)row->axis;
    if (d->verdict == MMS_VERDICT_REFUSE)
        d->axis = MMS_AXIS_NONE;
    d->axis_type =
        d->verdict == MMS_VERDICT_PARALLEL ? carried_axis(q) : mms_plan_axis_type(d->axis);
}

static void fill_decision(const mms_question *q, const struct row *row, const struct findings *f,
                          mms_decision *d)
{
    const mms_finding *why = deciding(f);

    *d = (mms_decision){.verdict = row->verdict};
    (void)snprintf(d->rule, sizeof d->rule, "%s", row->rule);
    for (int i = 0; row->texts[i] != END; i++)
        if (row->texts[i] != OW2 || averages_scans(q))
            add_message(d, row->texts[i], f);
    if (row->verdict == MMS_VERDICT_CREATE && why)
        d->verdict = MMS_VERDICT_REFUSE; // RULE of 1.6: the parts would cut bins
    else if (row->verdict == MMS_VERDICT_CREATE && q->multi)
        d->verdict = MMS_VERDICT_REPARTITION;
    set_axis(q, row, d);
    (void)snprintf(d->reason, sizeof d->reason, "%s", why ? why->text : row->reason);
    if (d->verdict == MMS_VERDICT_REFUSE)
        set_refusal(q, d);
}

mms_status mms_decide(const mms_question *question, mms_decision *out, mms_error *err)
{
    struct findings findings = {0};
    const char *rule;
    mms_status st;

    *out = (mms_decision){0};
    if (question->meta->ncell == 0)
        return mms_fail(err, MMS_ERR_EMPTY,
                        "MSSelectionNullSelection : The selected table has zero rows.");
    MMS_TRY(find_rule(question, &findings, &rule, err));
    fill_decision(question, find_row(rule), &findings, out);
done:
    return st;
}

mms_status mms_decision_log(const mms_decision *decision, const char *scope, mms_error *err)
{
    for (int32_t i = 0; i < decision->nmessage; i++)
        mms_log(decision->messages[i].level, scope, "%s", decision->messages[i].text);
    if (decision->verdict == MMS_VERDICT_REFUSE)
        return mms_fail(err, MMS_ERR_ARG, "%s", decision->refusal);
    return MMS_OK;
}

const char *mms_verdict_name(mms_verdict verdict)
{
    static const char *const names[] = {
        [MMS_VERDICT_PARALLEL] = "parallel", [MMS_VERDICT_REPARTITION] = "re-partition",
        [MMS_VERDICT_MS] = "one MS",         [MMS_VERDICT_CREATE] = "new Multi-MS",
        [MMS_VERDICT_REFUSE] = "refused",
    };
    return names[verdict];
}

mms_status mms_decision_describe(const mms_decision *decision, mms_value **out, mms_error *err)
{
    *out = json_pack("{s:s, s:s, s:s, s:s}", "verdict", mms_verdict_name(decision->verdict), "rule",
                     decision->rule, "axis", decision->axis_type, "reason", decision->reason);
    return *out ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory for a decision");
}
