/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file parts.c  A task's unit over every part of a set. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fingerprint_priv.h"
#include "check/contents.h"
#include "engine/journal.h"
#include "multims/parts.h"
#include "transform_priv.h"

struct parts {
    int64_t n, nfirst; /* nfirst: 1 with a unit for the whole set, which comes before the parts */
    char **names;
    mms_value **units, **rets; /* rets: borrowed from answers; NULL: left out */
    mms_answer *answers;
};

/* Take the name and the request of a unit; own: what is its alone, or NULL. */
static bool add_unit(struct parts *p, char *name, const char *vis, const mms_value *request,
                     const mms_value *own)
{
    mms_value *const unit = request ? json_deep_copy(request) : json_object();

    if (own)
        json_object_update(unit, (mms_value *)own);
    json_object_set_new(unit, "vis", mms_text_value(vis));
    if (p->n >= p->nfirst)
        json_object_set_new(unit, "part", json_integer(p->n - p->nfirst));
    p->names[p->n] = name;
    p->units[p->n] = unit;
    p->n++;
    return name && unit;
}

/* A part that its unit changes is looked at before it is called done. */
static void note_change(mms_value *unit, const char *path)
{
    if (!json_object_get(unit, "changes"))
        json_object_set_new(unit, "changes", json_pack("[o]", mms_text_value(path)));
}

static mms_status make_units(const mms_run *run, const char *vis, const mms_value *request,
                             const mms_parts_opts *opts, struct parts *p, mms_error *err)
{
    mms_value *set = NULL;
    mms_status st;

    MMS_TRY(mms_contents_parts(vis, &set, err));
    const mms_value *const list = json_object_get(set, "parts");
    const int64_t n = (int64_t)json_array_size(list) + (opts->first != NULL);
    bool good = true;
    if (opts->each && json_array_size(opts->each) != json_array_size(list))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "%s has %zu parts, there are requests for %zu", vis,
                         json_array_size(list), json_array_size(opts->each)));
    p->names = mms_alloc(n, sizeof *p->names);
    p->units = mms_alloc(n, sizeof *p->units);
    p->rets = mms_alloc(n, sizeof *p->rets);
    p->answers = mms_alloc(n, sizeof *p->answers);
    if (!p->names || !p->units || !p->rets || !p->answers)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", vis));
    p->nfirst = opts->first != NULL;
    if (opts->first)
        good = add_unit(p, strdup("the whole set"), vis, opts->first, NULL);
    while (good && p->n < n) {
        const size_t number = (size_t)(p->n - p->nfirst);
        char *const path = mms_path_absolute(json_string_value(json_array_get(list, number)));
        good = path &&
               add_unit(p, mms_path_base(path), path, request, json_array_get(opts->each, number));
        if (good && run->task->in_place)
            note_change(p->units[p->n - 1], path);
        free(path);
    }
    if (!good)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", vis);
done:
    mms_value_free(&set);
    return st;
}

static void free_parts(struct parts *p)
{
    mms_answers_free(p->answers ? p->n : 0, p->answers);
    mms_values_free(p->n, p->units);
    for (int64_t i = 0; i < p->n; i++)
        free(p->names[i]);
    free(p->names);
    free(p->rets);
    free(p->answers);
}

/* Sort the answers, and return how many parts failed. */
static int64_t sort_answers(struct parts *p, mms_value *result)
{
    mms_value *const parts = json_array(), *const empty = json_array();
    mms_value *const failures = json_array();

    if (p->nfirst && p->answers[0].status == MMS_OK)
        json_object_set(result, "first", p->answers[0].value);
    for (int64_t i = p->nfirst; i < p->n; i++) {
        const mms_answer *const a = &p->answers[i];
        mms_value *const ret = json_object_get(a->value, "ret");
        json_array_append_new(parts, mms_text_value(p->names[i]));
        if (a->status == MMS_OK)
            p->rets[i] = ret ? ret : a->value;
        else if (a->status == MMS_ERR_EMPTY)
            json_array_append_new(empty, mms_text_value(p->names[i]));
        else if (a->status != MMS_ERR_STOPPED)
            json_array_append_new(failures,
                                  json_pack("{s:o, s:o}", "part", mms_text_value(p->names[i]),
                                            "message", mms_text_value(a->error.msg)));
    }
    json_object_set_new(result, "parts", parts);
    json_object_set_new(result, "empty", empty);
    json_object_set_new(result, "failures", failures);
    return (int64_t)json_array_size(failures);
}

static mms_status judge(const mms_run *run, const char *vis, const struct parts *p,
                        mms_value *result, mms_error *err)
{
    size_t i;
    mms_value *failure;

    json_array_foreach(json_object_get(result, "failures"), i, failure)
        mms_log(MMS_LOG_ERROR, run->task->name, "%s: %s",
                json_string_value(json_object_get(failure, "part")),
                json_string_value(json_object_get(failure, "message")));
    if (i)
        return mms_fail(err, MMS_ERR_DIFFERS, "%zu of %" PRId64 " parts failed", i,
                        p->n - p->nfirst);
    if (p->nfirst && p->answers[0].status != MMS_OK)
        return mms_fail(err, p->answers[0].status, "%s: %s", vis, p->answers[0].error.msg);
    if ((int64_t)json_array_size(json_object_get(result, "empty")) == p->n - p->nfirst)
        return mms_fail(err, MMS_ERR_EMPTY, "%s: nothing is selected in any part", vis);
    return MMS_OK;
}

/* What is asked of the parts. */
static mms_value *units_of(const struct parts *p)
{
    mms_value *const units = json_array();

    for (int64_t i = 0; i < p->n; i++)
        json_array_append(units, p->units[i]);
    return units;
}

/* A task that has the parameter resume, and a run with a folder for it, have a journal, unless the
 * caller keeps one.  What is changed where it is tells itself whether it is done. */
static mms_status open_journal(mms_run *run, const char *vis, const struct parts *p,
                               mms_journal **out, mms_error *err)
{
    const mms_value *const resume = json_object_get(run->params, "resume");
    const bool wanted = resume || (run->job_dir && *run->job_dir);
    mms_status st = MMS_OK;

    *out = NULL;
    if (!wanted || mms_engine_journal(run->engine))
        return MMS_OK;
    mms_host host = mms_task_writing_host(run);
    char *const set = mms_path_absolute(vis);
    mms_value *const key = json_pack("{s:O, s:I, s:o, s:o*}", "parameter", host.parameters, "pass",
                                     (json_int_t)run->passes, "parts", units_of(p), "input",
                                     set && !run->task->in_place ? mms_fingerprint(set) : NULL);
    mms_journal_opts opts = mms_host_journal(&host, set, key);

    opts.resume = run->resume || json_is_true(resume);
    opts.strict = run->task->in_place;
    st = set && key ? mms_journal_open(&opts, out, err)
                    : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", vis);
    if (st == MMS_OK && !mms_journal_resumes(*out))
        mms_journal_add(*out, "plan", json_pack("{s:I}", "units", (json_int_t)p->n));
    mms_engine_set_journal(run->engine, *out);
    json_decref(key);
    free(set);
    mms_task_host_free(&host);
    return st;
}

static mms_status run_noted(mms_run *run, const char *vis, struct parts *p, mms_error *err)
{
    mms_journal *journal;
    bool failed = false;
    mms_status st;

    run->passes++;
    st = open_journal(run, vis, p, &journal, err);
    if (st == MMS_OK)
        st = mms_engine_run(run->engine, run->task->name, p->n, (const char *const *)p->names,
                            p->units, p->answers, err);
    for (int64_t i = 0; i < p->n; i++)
        failed =
            failed || (p->answers[i].status != MMS_OK && p->answers[i].status != MMS_ERR_EMPTY);
    if (journal)
        mms_engine_set_journal(run->engine, NULL);
    mms_journal_end(&journal, st, failed, NULL);
    return st;
}

mms_status mms_parts_run_with(mms_run *run, const char *vis, const mms_value *request,
                              const mms_parts_opts *opts, mms_value *result, mms_error *err)
{
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    mms_parts_opts all = MMS_PARTS_OPTS_INIT;
    struct parts p = {0};
    mms_status st;

    memcpy(&all, opts, opts->size < sizeof all ? opts->size : sizeof all);
    rules.keep_going = !all.stop;
    rules.threshold = all.threshold;
    rules.repeatable = all.repeatable;
    rules.in_shared = run->task->in_place;
    MMS_TRY(make_units(run, vis, request, &all, &p, err));
    MMS_TRY(mms_run_engine(run, err));
    mms_engine_set_rules(run->engine, &rules);
    st = run_noted(run, vis, &p, err);
    if (st != MMS_OK && !all.stop && !all.threshold)
        goto done;
    (void)sort_answers(&p, result);
    json_object_set_new(result, "vis", mms_text_value(vis));
    MMS_TRY(st);
    json_object_set_new(result, "ret",
                        mms_consolidate(run->task->name, p.n - p.nfirst, p.rets + p.nfirst,
                                        (const char *const *)p.names + p.nfirst, all.how));
    st = judge(run, vis, &p, result, err);
done:
    free_parts(&p);
    return st;
}

mms_status mms_parts_run(mms_run *run, const char *vis, const mms_value *request,
                         mms_consolidation how, mms_value *result, mms_error *err)
{
    mms_parts_opts opts = MMS_PARTS_OPTS_INIT;

    opts.how = how;
    return mms_parts_run_with(run, vis, request, &opts, result, err);
}
