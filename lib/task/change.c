/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file change.c  What the verbs that change data where they are share. */
#include "change_priv.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "flag_words_priv.h"
#include "mms/layout.h"
#include "transform_priv.h"

static mms_engine *get_engine(void *ctx, mms_error *err)
{
    mms_run *run = ctx;
    return mms_run_engine(run, err) == MMS_OK ? run->engine : NULL;
}

static void stay(void *ctx)
{
    ((mms_run *)ctx)->small = true;
}

static mms_status note(void *ctx, const char *path, mms_error *err)
{
    const mms_run *const run = ctx;
    mms_value *texts = mms_history_texts(run);
    const mms_status st = mms_history_append(path, false, run->task->name, texts, err);

    mms_value_free(&texts);
    return st;
}

mms_change_request mms_task_change(mms_run *run, const struct mms_change_words *words,
                                   mms_value *reads, struct mms_change_run *made)
{
    made->host = mms_task_writing_host(run);
    made->vis = mms_path_absolute(words->vis);
    made->key = json_pack("{s:O, s:o*}", "parameter", made->host.parameters, "input", reads);
    made->job.opts = mms_host_journal(&made->host, made->vis, made->key);
    made->job.opts.sync = words->sync;
    made->job.opts.resume = words->resume;
    made->job.opts.strict = true;
    return (mms_change_request){.vis = words->vis,
                                .task = run->task->name,
                                .tiles = words->tiles,
                                .sync = words->sync,
                                .dryrun = words->dryrun,
                                .memory = words->memory,
                                .job = made->vis && made->key ? &made->job : NULL,
                                .engine = get_engine,
                                .stay = stay,
                                .note = note,
                                .ctx = run};
}

void mms_task_end_change(struct mms_change_run *made, mms_status st)
{
    mms_journal_end(&made->job.journal, st, made->job.left, NULL);
    mms_task_host_free(&made->host);
    mms_value_free(&made->key);
    mms_value_free(&made->job.seen);
    free(made->vis);
}

static long long count_of(const mms_value *result, const char *key)
{
    return (long long)json_integer_value(json_object_get(result, key));
}

void mms_print_plan(const mms_value *result, FILE *out)
{
    const char *version = json_string_value(json_object_get(result, "flag_version"));
    const char *name;
    mms_value *how;
    size_t i;

    json_object_foreach(json_object_get(result, "columns"), name, how)
        fprintf(out, "  %-16s would be %s\n", name, json_string_value(how));
    fprintf(out, "  %lld bytes would be written\n", count_of(result, "bytes"));
    if (json_array_size(json_object_get(result, "kept")) > 0) {
        fprintf(out, "  kept until the run is complete:");
        json_array_foreach(json_object_get(result, "kept"), i, how)
            fprintf(out, " %s", json_string_value(how));
        fprintf(out, "\n");
    }
    if (version)
        fprintf(out, "  flags would be saved as version %s\n", version);
}

void mms_print_change(const mms_value *result, FILE *out)
{
    const bool plan = json_is_true(json_object_get(result, "dryrun"));
    const char *vis = json_string_value(json_object_get(result, "vis"));

    if (!vis)
        return;
    fprintf(out, "%s: %lld rows of %lld parts %s", vis,
            count_of(result, plan ? "rows" : "changed_rows"),
            count_of(result, "parts") - count_of(result, "skipped_parts"),
            plan ? "would be changed" : "changed");
    if (count_of(result, "skipped_parts") > 0)
        fprintf(out, "; %lld parts have no selected rows", count_of(result, "skipped_parts"));
    fprintf(out, "\n");
    if (plan)
        mms_print_plan(result, out);
}

static bool take_number(const mms_value *value, double *number)
{
    *number = json_number_value(value);
    return json_is_number(value) && isfinite(*number);
}

mms_status mms_task_numbers(const char *name, const char *text, int64_t most, double *numbers,
                            int64_t *n, mms_error *err)
{
    mms_value *value = NULL;
    mms_error why;
    bool good;
    mms_status st = mms_flag_literal(text, &value, &why);

    assert(most > 0); /* a number alone, too */
    *n = 0;
    good = st == MMS_OK;
    if (good && json_is_number(value))
        good = take_number(value, &numbers[(*n)++]);
    else if (good && json_is_array(value) && (int64_t)json_array_size(value) <= most)
        for (size_t i = 0; i < json_array_size(value) && good; i++)
            good = take_number(json_array_get(value, i), &numbers[(*n)++]);
    else
        good = good && json_is_string(value) && !*json_string_value(value);
    mms_value_free(&value);
    if (st == MMS_ERR_MEM)
        return mms_fail(err, st, "%s", why.msg);
    return good ? MMS_OK
                : mms_fail(err, MMS_ERR_ARG,
                           "parameter %s: %s is not a number, nor a list of at most %d numbers",
                           name, text, (int)most);
}
