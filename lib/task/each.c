/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each.c  The task each: any program over every part of a Multi-MS, in parallel. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "check/contents.h"
#include "each_priv.h"
#include "engine/journal.h"
#include "engine/program.h"
#include "transform_priv.h"

struct each {
    mms_texts vis, program;
    bool keepgoing, resume, staged;
    int64_t jobs, retries;
    mms_ints okcodes;
    const char *outputvis;
    double limit_s;
};

#define AT(member) offsetof(struct each, member)
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
    {"retries", MMS_INT, AT(retries), .init = "0", .allowed = "0..",
     .doc = "How often a program that failed is run again, for each part"},
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
     .doc = "Time after which the program is ended, for each part; 0: none"},
    {"jobs", MMS_COUNT, AT(jobs), .init = "auto", .flags = MMS_PARAM_RUN,
     .doc = "Parts at once, the same as -j"},
    {0},
};

/* What a run works with. */
struct work {
    const struct each *p;
    int64_t n;
    char **paths, **names; /* paths are absolute */
    mms_value **units;
    mms_answer *answers; /* OK without a worker: done by an earlier run */
    mms_journal *journal;
    mms_engine *engine;
    char *outputs; /* the folder of outputs, absolute; NULL: none */
    bool json, quiet;
};

/* ---- the parts ---- */

/* Every MeasurementSet has antennas, or a link to them. */
static mms_status check_part(const char *part, mms_error *err)
{
    char *const table = mms_format("%s/ANTENNA", part);
    const bool there = table && access(table, F_OK) == 0;

    free(table);
    return there ? MMS_OK : mms_fail(err, MMS_ERR_NOT_FOUND, "%s is not a MeasurementSet", part);
}

static mms_status add_parts(struct work *w, const char *vis, int64_t *capacity, mms_error *err)
{
    mms_value *set = NULL;
    mms_status st;

    if (access(vis, F_OK) && mms_is_absence(errno))
        return mms_fail(err, MMS_ERR_NOT_FOUND,
                        "Visibility data set not found - please verify the name (%s)", vis);
    st = mms_contents_parts(vis, &set, err);
    if (st == MMS_ERR_NOT_FOUND)
        return mms_wrap(err, st, "%s is not a MeasurementSet", vis);
    MMS_TRY(st);
    const mms_value *const parts = json_object_get(set, "parts");
    MMS_TRY(mms_grow(&w->paths, capacity, w->n + (int64_t)json_array_size(parts), sizeof *w->paths,
                     err));
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *const part = json_string_value(json_array_get(parts, i));
        MMS_TRY(check_part(part, err));
        w->paths[w->n] = mms_path_absolute(part);
        if (!w->paths[w->n++])
            MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    }
done:
    mms_value_free(&set);
    return st;
}

static bool is_twice(char *const *texts, int64_t n, int64_t i)
{
    for (int64_t k = 0; k < n; k++)
        if (k != i && !strcmp(texts[k], texts[i]))
            return true;
    return false;
}

/* Names are the last components; whole paths where these are not enough. */
static mms_status name_parts(struct work *w, mms_error *err)
{
    char **const bases = mms_alloc(w->n, sizeof *bases);
    bool good = bases && (w->names = mms_alloc(w->n, sizeof *w->names));

    for (int64_t i = 0; good && i < w->n; i++)
        good = (bases[i] = mms_path_base(w->paths[i]));
    for (int64_t i = 0; good && i < w->n; i++)
        good = (w->names[i] = strdup(is_twice(bases, w->n, i) ? w->paths[i] : bases[i]));
    for (int64_t i = 0; bases && i < w->n; i++)
        free(bases[i]);
    free(bases);
    return good ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

static mms_status find_parts(struct work *w, mms_error *err)
{
    int64_t capacity = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < w->p->vis.count; i++)
        MMS_TRY(add_parts(w, w->p->vis.values[i], &capacity, err));
    for (int64_t i = 0; i < w->n; i++)
        if (is_twice(w->paths, w->n, i))
            return mms_fail(err, MMS_ERR_ARG, "%s is named twice", w->paths[i]);
    st = name_parts(w, err);
done:
    return st;
}

/* The folder of outputs; one that is there may hold those of an earlier run. */
static mms_status make_outputs(struct work *w, mms_error *err)
{
    w->outputs = mms_path_absolute(w->p->outputvis);
    if (!w->outputs)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    if (!mkdir(w->outputs, 0777) || errno == EEXIST)
        return mms_each_check_outputs(w->outputs, w->n, (const char *const *)w->names, w->p->resume,
                                      err);
    return mms_fail_errno(err, errno, "%s", w->outputs);
}

/* ---- what is left to do ---- */

static mms_value *list_of(const mms_texts *words)
{
    mms_value *const list = json_array();

    for (int64_t i = 0; i < words->count; i++)
        json_array_append_new(list, mms_text_value(words->values[i]));
    return list;
}

static mms_value *list_parts(const struct work *w)
{
    const mms_texts parts = {w->n, (const char *const *)w->paths};

    return list_of(&parts);
}

static mms_status open_journal(mms_run *run, struct work *w, mms_error *err)
{
    char *const first = mms_path_absolute(w->p->vis.values[0]);
    mms_value *key = json_pack("{s:o, s:o, s:b, s:o*}", "program", list_of(&w->p->program), "part",
                               list_parts(w), "staged", w->p->staged, "outputs",
                               w->outputs ? mms_text_value(w->outputs) : NULL);
    mms_host host = mms_task_writing_host(run);
    const mms_journal_opts opts = {.output = first,
                                   .task = run->task->name,
                                   .request = host.request,
                                   .key = key,
                                   .resume = w->p->resume,
                                   .strict = true};
    mms_status st = key && first ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");

    if (st == MMS_OK)
        st = mms_journal_open(&opts, &w->journal, err);
    if (st == MMS_OK && !mms_journal_resumes(w->journal))
        mms_journal_add(w->journal, "plan", json_pack("{s:I}", "units", (json_int_t)w->n));
    mms_task_host_free(&host);
    mms_value_free(&key);
    free(first);
    return st;
}

static mms_value *make_unit(const struct work *w, int64_t part, const char *folder)
{
    mms_value *const codes = json_array();
    const int64_t most = mms_engine_workers(w->engine), sharing = w->n < most ? w->n : most;

    for (int64_t i = 0; i < w->p->okcodes.count; i++)
        json_array_append_new(codes, json_integer(w->p->okcodes.values[i]));
    return json_pack(
        "{s:o, s:I, s:I, s:o*, s:o, s:o, s:o, s:o, s:I, s:i, s:o, s:b, s:f}", "okcodes", codes,
        "retries", (json_int_t)w->p->retries, "sharing", (json_int_t)sharing, "outputs",
        *w->p->outputvis ? mms_text_value(w->outputs) : NULL, "program", list_of(&w->p->program),
        "vis", mms_text_value(w->paths[part]), "out", mms_text_value(w->paths[part]), "name",
        mms_text_value(w->names[part]), "index", (json_int_t)part, "threads",
        mms_engine_threads(w->engine, w->n), "folder", mms_text_value(folder), "staged",
        w->p->staged, "limit", w->p->limit_s);
}

static mms_status make_units(struct work *w, mms_error *err)
{
    char *const folder = getcwd(NULL, 0);
    bool good;

    w->units = mms_alloc(w->n, sizeof *w->units);
    w->answers = mms_alloc(w->n, sizeof *w->answers);
    good = folder && w->units && w->answers;
    for (int64_t i = 0; good && i < w->n; i++)
        good = (w->units[i] = make_unit(w, i, folder));
    free(folder);
    return good ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

static void free_work(struct work *w)
{
    mms_answers_free(w->answers ? w->n : 0, w->answers);
    for (int64_t i = 0; i < w->n; i++) {
        free(w->paths[i]);
        if (w->names)
            free(w->names[i]);
    }
    for (int64_t i = 0; w->units && i < w->n; i++)
        mms_value_free(&w->units[i]);
    free(w->outputs);
    free(w->paths);
    free(w->names);
    free(w->units);
    free(w->answers);
}

/* ---- run ---- */

/* Where the result goes to stdout, the lines of programs go to stderr. */
static void print_line(void *ctx, int64_t unit, int stream, const char *text)
{
    const struct work *const w = ctx;
    FILE *const out = stream == 1 && !w->json ? stdout : stderr;
    char *const readable = w->quiet ? NULL : mms_readable(text);

    if (readable) {
        fprintf(out, "%s: %s\n", w->names[unit], readable);
        fflush(out);
    }
    free(readable);
}

static mms_status run_parts(mms_run *run, struct work *w, mms_error *err)
{
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    mms_status st;

    if (w->p->jobs)
        run->workers = (int)w->p->jobs;
    MMS_TRY(mms_run_engine(run, err));
    w->engine = run->engine;
    rules.keep_going = w->p->keepgoing;
    rules.grace_s = MMS_PROGRAM_GRACE_S + 1;
    rules.line = print_line;
    rules.ctx = w;
    mms_engine_set_rules(run->engine, &rules);
    MMS_TRY(make_units(w, err));
    run->wrote = true;
    mms_engine_set_journal(run->engine, w->journal);
    st = mms_engine_run(run->engine, run->task->name, w->n, (const char *const *)w->names, w->units,
                        w->answers, err);
    mms_engine_set_journal(run->engine, NULL);
done:
    return st;
}

/* Copies of workers that were killed. */
static void remove_copies(const struct work *w)
{
    mms_error ignored;

    for (int64_t i = 0; w->p->staged && w->units && i < w->n; i++) {
        char *const copy = mms_each_copy_path(w->paths[i]);
        if (copy && w->answers[i].status != MMS_OK)
            (void)!mms_remove_tree(copy, &ignored);
        free(copy);
    }
}

/* ---- the answer ---- */

/* Whether a unit ended by itself and failed: others were stopped, or never begun. */
static bool has_failed(const mms_answer *a)
{
    return a->status != MMS_OK && a->status != MMS_ERR_STOPPED;
}

/* Whether an earlier run has done it. */
static bool is_skipped(const mms_answer *a)
{
    return a->status == MMS_OK && !a->worker;
}

static mms_value *describe(const struct work *w, int64_t part, const mms_answer *a)
{
    mms_value *const value = json_pack("{s:o, s:o}", "name", mms_text_value(w->names[part]), "vis",
                                       mms_text_value(w->paths[part]));
    const char *const state = is_skipped(a)         ? "skipped"
                              : a->status == MMS_OK ? "done"
                              : has_failed(a)       ? "failed"
                              : a->worker           ? "stopped"
                                                    : "not run";

    json_object_set_new(value, "state", json_string(state));
    if (a->status != MMS_OK && *a->error.msg)
        json_object_set_new(value, "message", mms_text_value(a->error.msg));
    if (a->worker)
        json_object_set_new(value, "worker", json_integer(a->worker));
    (void)json_object_update(value, a->value);
    return value;
}

/* Fill result and return how many parts are done. */
static int64_t fill_result(const struct work *w, mms_value *result)
{
    mms_value *const parts = json_array();
    int64_t done = 0, failed = 0, skipped = 0;

    for (int64_t i = 0; i < w->n; i++) {
        const mms_answer *const a = &w->answers[i];
        skipped += is_skipped(a);
        done += a->status == MMS_OK && !is_skipped(a);
        failed += has_failed(a);
        json_array_append_new(parts, describe(w, i, a));
    }
    json_object_set_new(result, "program", list_of(&w->p->program));
    json_object_set_new(result, "parts", parts);
    json_object_set_new(result, "done", json_integer(done));
    json_object_set_new(result, "skipped", json_integer(skipped));
    json_object_set_new(result, "failed", json_integer(failed));
    json_object_set_new(result, "unfinished", json_integer(w->n - done - failed - skipped));
    return done + skipped;
}

/* Say of each part why it failed; the run is then one that has found something: its result is
 * printed, and it ends with 1. */
static mms_status conclude(struct work *w, mms_status st, mms_value *result, mms_error *err)
{
    const int64_t done = fill_result(w, result);
    int64_t failed = 0;

    for (int64_t i = 0; i < w->n; i++)
        if (has_failed(&w->answers[i])) {
            mms_log(MMS_LOG_ERROR, "each", "%s: %s", w->names[i], w->answers[i].error.msg);
            failed++;
        }
    mms_journal_end(&w->journal, done < w->n, NULL);
    if (st == MMS_ERR_STOPPED || !failed)
        return st;
    return mms_fail(err, MMS_ERR_DIFFERS, "%" PRId64 " of %" PRId64 " parts failed", failed, w->n);
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    struct work w = {.p = arg, .json = run->json, .quiet = run->quiet};
    mms_status st;

    MMS_TRY(mms_each_check_program(&w.p->program, *w.p->outputvis, err));
    mms_each_remove_scratch();
    MMS_TRY(find_parts(&w, err));
    if (*w.p->outputvis)
        MMS_TRY(make_outputs(&w, err));
    MMS_TRY(open_journal(run, &w, err));
    st = run_parts(run, &w, err);
    if (w.answers && run->wrote) {
        remove_copies(&w);
        st = conclude(&w, st, result, err);
    }
done:
    mms_journal_end(&w.journal, true, NULL);
    free_work(&w);
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    static const char *const counts[] = {"done", "skipped", "failed", "unfinished"};
    const char *comma = "";

    fprintf(out, "%zu parts: ", json_array_size(json_object_get(result, "parts")));
    for (int64_t i = 0; i < MMS_COUNT_OF(counts); i++) {
        const json_int_t n = json_integer_value(json_object_get(result, counts[i]));
        if (n || !i) {
            fprintf(out, "%s%" JSON_INTEGER_FORMAT " %s", comma, n, counts[i]);
            comma = ", ";
        }
    }
    fputc('\n', out);
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
        "  multims each obs.mms -j 2 -- wsclean -j {threads} -size 512 512 -scale 5asec \\\n"
        "      -name img-{name} {vis}\n"
        "  multims each obs.mms --staged --keepgoing -- taql 'update {vis} set FLAG=False'\n"
        "  multims each a.ms b.ms --json -- python3 calibrate.py {vis}\n",
    .params = params,
    .params_size = sizeof(struct each),
    .run = run,
    .print = print,
    .unit = mms_each_unit,
};
