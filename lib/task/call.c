/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file call.c  Runs a task: for the program, and in one call for others. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "engine/journal.h"
#include "inplace/inplace.h"
#include "task_priv.h"

/** Words of a request, in one piece of memory. */
typedef struct word_list {
    char *text;
    int64_t n, capacity;
    const char **words;
} word_list;

/** Refuse inputs that are half changed: one path, or several. */
static mms_status refuse_dirty(const mms_value *input, mms_error *err)
{
    mms_status st = MMS_OK;

    if (json_is_string(input))
        return mms_undo_refuse(json_string_value(input), err);
    for (size_t i = 0; i < json_array_size(input) && st == MMS_OK; i++)
        st = refuse_dirty(json_array_get(input, i), err);
    return st;
}

/** Verbs that say what is in a set, without its data. */
static bool only_lists(const mms_task *task)
{
    static const char *const names[] = {"info", "listpartition", "select"};

    for (int64_t i = 0; i < MMS_COUNT_OF(names); i++)
        if (!strcmp(task->name, names[i]))
            return true;
    return false;
}

/** Verbs that change their input mend it themselves. */
static mms_status look_at_inputs(const mms_run *run, mms_error *err)
{
    static const char *const inputs[] = {"vis", "a", "b", "against"};
    mms_error why = {0};
    mms_status st = MMS_OK;

    for (int64_t i = 0; !run->task->in_place && i < MMS_COUNT_OF(inputs) && st == MMS_OK; i++)
        st = refuse_dirty(json_object_get(run->params, inputs[i]), &why);
    if (st == MMS_OK)
        return st;
    if (!only_lists(run->task))
        return mms_fail(err, st, "%s", why.msg);
    mms_log(MMS_LOG_WARN, run->task->name, "%s", why.msg);
    return MMS_OK;
}

/** What was tried again belongs to the result. */
static void describe_retries(const mms_run *run, mms_value *result)
{
    const mms_value *const again = run->engine ? mms_engine_tried_again(run->engine) : NULL;

    if (json_array_size(again))
        json_object_set(result, "retries", (mms_value *)again);
}

mms_status mms_task_run(mms_run *run, const mms_task *task, const mms_args *args,
                        mms_value **result, mms_error *err)
{
    mms_status st;

    run->task = task;
    run->params = mms_args_values(args);
    run->given = mms_args_given(args);
    run->workers = (int)mms_args_options(args)->workers;
    run->retries = (int)mms_args_options(args)->workerretries;
    run->worker_timeout_s = mms_args_options(args)->workertimeout;
    run->time_left_s = mms_args_options(args)->timeleft;
    run->limit_s = mms_args_options(args)->timelimit;
    run->stall_s = mms_args_options(args)->stalllimit;
    run->status_file = mms_args_options(args)->statusfile;
    run->job_dir = mms_args_options(args)->jobdir;
    *result = NULL;
    MMS_TRY(mms_value_parse("{}", result, err));
    run->summary = json_object();
    MMS_TRY(look_at_inputs(run, err));
    st = task->run(run, mms_args_struct(args), *result, err);
    describe_retries(run, *result);
done:
    mms_run_write_summary(run, st, err);
    mms_value_free(&run->summary);
    mms_engine_close(&run->engine);
    return st;
}

/** The end of a word: a blank outside of quotes and brackets. */
static char *word_end(char *s)
{
    int depth = 0;
    char quote = '\0';

    for (; *s && (quote || depth > 0 || !isspace((unsigned char)*s)); s++) {
        if (quote)
            quote = *s == quote ? '\0' : quote;
        else if (*s == '\'' || *s == '"')
            quote = *s;
        else if (strchr("([{", *s))
            depth++;
        else if (strchr(")]}", *s))
            depth--;
    }
    return s;
}

static mms_status split_words(const char *request, word_list *list, mms_error *err)
{
    list->text = strdup(request);
    if (!list->text)
        return mms_fail(err, MMS_ERR_MEM, "request: out of memory");
    for (char *s = list->text; *s;) {
        char *const end = word_end(s);
        const bool last = !*end;
        *end = '\0';
        if (*s) {
            const mms_status st =
                mms_grow(&list->words, &list->capacity, list->n + 1, sizeof *list->words, err);
            if (st != MMS_OK)
                return st;
            list->words[list->n++] = s;
        }
        s = last ? end : end + 1;
    }
    return MMS_OK;
}

static mms_status parse_words(const mms_task *task, const char *request, mms_args **args,
                              mms_error *err)
{
    word_list list = {0};
    mms_status st = split_words(request, &list, err);

    if (st == MMS_OK)
        st = mms_args_parse(task, (int)list.n, list.words, args, err);
    free(list.words);
    free(list.text);
    return st;
}

static mms_status parse_object(const mms_task *task, const char *request, mms_args **args,
                               mms_error *err)
{
    mms_value *object = NULL;
    mms_status st;

    MMS_TRY(mms_value_parse(request, &object, err));
    MMS_TRY(mms_args_from_value(task, object, args, err));
done:
    mms_value_free(&object);
    return st;
}

mms_status mms_task_call(const char *name, const char *request, mms_value **result, mms_error *err)
{
    const mms_task *const task = mms_task_find(name);
    const char *const text = request ? request + strspn(request, " \t\n") : "";
    mms_run run = {.quiet = true};
    mms_value *answer = NULL;
    mms_args *args = NULL;
    mms_status st;

    if (result)
        *result = NULL;
    if (!task)
        return mms_fail(err, MMS_ERR_ARG, "unknown task %s", name);
    MMS_TRY(*text == '{' ? parse_object(task, text, &args, err)
                         : parse_words(task, text, &args, err));
    if (mms_args_options(args)->help)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "parameter help: mms_task_help() prints it"));
    MMS_TRY(mms_task_run(&run, task, args, &answer, err));
done:
    if (result && (st == MMS_OK || st == MMS_ERR_DIFFERS)) {
        *result = answer;
        answer = NULL;
    }
    mms_value_free(&answer);
    mms_args_free(&args);
    return st == MMS_OK ? st : mms_wrap(err, st, "%s", name);
}

mms_status mms_task_call_unit(mms_job *job, const mms_value *request, mms_value *answer,
                              mms_error *err)
{
    const char *const name = json_string_value(json_object_get(request, "task"));
    const mms_value *const parameters = json_object_get(request, "parameters");
    char *const text = parameters ? mms_value_text(parameters, 0) : strdup("{}");
    mms_value *result = NULL;
    mms_status st;

    (void)job;
    if (!name || (parameters && !json_is_object(parameters)))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "call: the request must be {\"task\": name, \"parameters\": {…}}"));
    if (!text)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "call: out of memory"));
    st = mms_task_call(name, text, &result, err);
    if (result)
        (void)json_object_update(answer, result);
done:
    mms_value_free(&result);
    free(text);
    return st;
}
