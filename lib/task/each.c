/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each.c  The task each: any program over every part of a Multi-MS, in parallel. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/files_priv.h"
#include "each_priv.h"
#include "engine/program.h"

#define AT(member) offsetof(struct mms_each, member)
static const mms_param params[] = {
    {"vis", MMS_WORDS, AT(vis), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "Multi-MS, or any number of MeasurementSets and Multi-MSs"},
    {"program", MMS_WORDS, AT(program),
     .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL | MMS_PARAM_BEHIND,
     .empty =
         "Please specify the program behind --, as in: multims each obs.mms -- aoflagger {vis}",
     .doc =
         "Program and its words, in which {vis} is a part's path, {name} its name, {index} its "
         "number from 0, {threads} how many threads it may use, {host} the host, {tmpdir} a "
         "folder of its own, {outputvis} where its output is made, {server} its worker, {mem_mib} "
         "memory in MiB that it may use, {attempt} which try it is, from 1; {{ is a brace"},
    {"outputvis", MMS_PATH, AT(outputvis),
     .doc = "Folder for outputs: {outputvis} is a path for the part's own, which gets the part's "
            "name there when the program ends well"},
    {"retries", MMS_INT, AT(retries), .init = "0", .allowed = "0..1000000",
     .doc = "How often a program that failed, or whose worker was killed, is run again, for each "
            "part"},
    {"okcodes", MMS_INTS, AT(okcodes), .init = "0",
     .doc = "Exit statuses with which the program has done its part"},
    {"staged", MMS_BOOL, AT(staged),
     .doc = "Run the program on a copy of each part, which replaces the part when the program ends "
            "with 0"},
    {"keepgoing", MMS_BOOL, AT(keepgoing),
     .doc = "When a part fails, go on with the others; else they are ended"},
    {"resume", MMS_BOOL, AT(resume),
     .doc = "Leave out the parts that the same command has done before it failed or was stopped"},
    {"limit", MMS_SECONDS, AT(limit_s), .allowed = "0..", .unit = "s",
     .doc = "The same as timelimit"},
    {"jobs", MMS_COUNT, AT(jobs), .init = "auto", .flags = MMS_PARAM_RUN,
     .doc = "Parts at once, the same as -j"},
    {0},
};

/* Where the result goes to stdout, the lines of programs go to stderr. */
static void print_line(void *ctx, int64_t unit, int stream, const char *text)
{
    const struct mms_each_work *const w = ctx;
    FILE *const out = stream == 1 && !w->json ? stdout : stderr;
    char *const readable = w->quiet ? NULL : mms_readable(text);

    if (readable) {
        fprintf(out, "%s: %s\n", w->names[unit], readable);
        fflush(out);
    }
    free(readable);
}

static mms_status run_parts(mms_run *run, struct mms_each_work *w, mms_error *err)
{
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    mms_status st;

    if (w->p->jobs)
        run->workers = (int)w->p->jobs;
    w->limit_s = w->p->limit_s > 0 ? w->p->limit_s : run->limit_s;
    w->stall_s = run->stall_s;
    run->limit_s = run->stall_s = 0; /* the worker looks after its program */
    MMS_TRY(mms_run_engine(run, err));
    w->engine = run->engine;
    rules.keep_going = w->p->keepgoing;
    rules.repeatable = mms_each_is_repeatable(w->p);
    rules.in_shared = true;
    rules.grace_s = MMS_PROGRAM_GRACE_S + 1;
    rules.line = print_line;
    rules.ctx = w;
    mms_engine_set_rules(run->engine, &rules);
    MMS_TRY(mms_each_make_units(w, err));
    run->wrote = true;
    mms_engine_set_journal(run->engine, w->journal);
    st = mms_engine_run(run->engine, run->task->name, w->n, (const char *const *)w->names, w->units,
                        w->answers, err);
    mms_engine_set_journal(run->engine, NULL);
done:
    return st;
}

static mms_status check_codes(const mms_ints *codes, mms_error *err)
{
    if (!codes->count)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter okcodes: '' has no exit status: every part would fail");
    for (int64_t i = 0; i < codes->count; i++)
        if (codes->values[i] < 0 || codes->values[i] > 255)
            return mms_fail(err, MMS_ERR_ARG,
                            "parameter okcodes: %" PRId64 " is no exit status: they are 0 to 255",
                            (int64_t)codes->values[i]);
    return MMS_OK;
}

/* What was noted of parts, and copies and outputs of workers that were killed. */
static void remove_made(const struct mms_each_work *w, bool notes_alone)
{
    for (int64_t i = 0; i < w->n; i++) {
        const bool all = !notes_alone && w->answers[i].status != MMS_OK;
        char *const copy = w->p->staged ? mms_each_copy_path(w->paths[i]) : NULL;
        char *const made = w->outputs ? mms_each_output_path(w->outputs, w->names[i], true) : NULL;
        char *const note = copy || made ? mms_each_note_path(copy, made) : NULL;
        if (copy && all)
            (void)!mms_remove_tree(copy, NULL);
        if (made && all)
            (void)!mms_remove_tree(made, NULL);
        if (note)
            mms_each_drop_note(note);
        free(note);
        free(made);
        free(copy);
    }
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    struct mms_each_work w = {.p = arg, .json = run->json, .quiet = run->quiet};
    mms_status st;

    MMS_TRY(mms_each_complete(&w.p->program, &w.words, err));
    MMS_TRY(mms_each_check_program(&w.words.texts, *w.p->outputvis, err));
    MMS_TRY(check_codes(&w.p->okcodes, err));
    mms_each_remove_scratch();
    MMS_TRY(mms_each_find_parts(&w, err));
    if (*w.p->outputvis)
        MMS_TRY(mms_each_make_outputs(&w, err));
    MMS_TRY(mms_each_open_journal(run, &w, err));
    if (!mms_journal_resumes(w.journal))
        remove_made(&w, true);
    st = run_parts(run, &w, err);
    if (w.answers && run->wrote) {
        remove_made(&w, false);
        st = mms_each_conclude(&w, st, result, err);
    }
done:
    mms_journal_end(&w.journal, st, true, NULL);
    mms_each_free(&w);
    mms_each_words_free(&w.words);
    return st;
}

const mms_task mms_task_each = {
    .name = "each",
    .summary = "run any program over every part of a Multi-MS, in parallel",
    .details =
        "What the program prints stands behind the name of its part.  It runs in this folder,\n"
        "in a process group of its own, without what would make it a rank of a running MPI\n"
        "job.  Ctrl-C ends the programs in order, a second one at once.\n"
        "\n"
        "Exit status: 0 all parts done, 1 the program failed for some, 2 nothing was begun.\n"
        "\n"
        "Examples:\n"
        "  multims each obs.mms -- aoflagger {vis}\n"
        "  multims each obs.mms -j 2 -- wsclean -reorder -j {threads} -size 512 512 -scale 5asec "
        "\\\n"
        "      -name img-{name} {vis}\n"
        "  multims each obs.mms --staged --keepgoing -- taql 'update {vis} set FLAG=False'\n"
        "  multims each a.ms b.ms --json -- python3 calibrate.py {vis}\n",
    .params = params,
    .params_size = sizeof(struct mms_each),
    .run = run,
    .print = mms_each_print,
    .unit = mms_each_unit,
};
