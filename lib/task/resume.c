/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file resume.c  The task resume: goes on with a run that was stopped or killed, from its
 * journal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "engine/journal.h"
#include "task_priv.h"

struct resume {
    const char *job;
    bool dryrun;
};

static const mms_param params[] = {
    {"job", MMS_PATH, offsetof(struct resume, job),
     .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .empty = "Please specify which run: its output, or the folder OUTPUT.multims",
     .doc = "Output of the run that was not finished, or the folder with its journal, "
            "OUTPUT.multims"},
    {"dryrun", MMS_BOOL, offsetof(struct resume, dryrun), .init = "False", .flags = MMS_PARAM_RUN,
     .doc = "Print what would be gone on with and do nothing"},
    {0},
};

/** Whether a journal's folder is not the one beside its output. */
static bool is_apart(const char *folder, const mms_value *begin)
{
    const char *const output = json_string_value(json_object_get(begin, "output"));
    char *const beside = output ? mms_format("%s" MMS_JOURNAL_SUFFIX, output) : NULL;
    struct stat one, other;
    const bool apart = !beside || stat(folder, &one) || stat(beside, &other) ||
                       one.st_dev != other.st_dev || one.st_ino != other.st_ino;

    free(beside);
    return apart;
}

static mms_status refuse_running(const char *job, mms_error *err)
{
    char *const word = mms_path_shell(job);
    const mms_status st =
        mms_fail(err, MMS_ERR_ARG, "%s: the run is at work; multims status %s shows it", job,
                 word ? word : job);

    free(word);
    return st;
}

/** job_dir: where the run keeps its journal, if not beside the output. */
static mms_status find_request(const char *job, char **folder, const char **job_dir,
                               mms_value **request, mms_error *err)
{
    mms_journal_view view = {0};
    const mms_value *begin, *found;
    mms_status st;

    *request = NULL;
    *folder = mms_journal_locate(job, NULL);
    if (!*folder)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "%s: there is no unfinished run: neither it nor %s" MMS_JOURNAL_SUFFIX
                         " holds a journal",
                         job, job));
    mms_journal_settle(*folder);
    MMS_TRY(mms_journal_read(*folder, &view, err));
    if (view.running)
        MMS_TRY(refuse_running(job, err));
    begin = mms_journal_record(view.records, "begin");
    found = json_object_get(begin, "request");
    if (!found)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "%s: the journal does not say what was begun: begin anew", *folder));
    *request = json_deep_copy(found);
    *job_dir = is_apart(*folder, begin) ? *folder : "";
done:
    mms_value_free(&view.records);
    return st;
}

/** Run the task of the request as it was begun, with resume. */
static mms_status run_again(mms_run *run, const mms_value *request, mms_value *result,
                            mms_error *err)
{
    const char *const name = json_string_value(json_object_get(request, "task"));
    const char *const folder = json_string_value(json_object_get(request, "folder"));
    const mms_task *const task = name ? mms_task_find(name) : NULL;
    mms_value *const given = json_deep_copy(json_object_get(request, "parameters"));
    mms_args *args = NULL;
    mms_status st;

    if (!task || !given || !folder)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "the journal's request is not known to this version"));
    if (chdir(folder))
        MMS_TRY(mms_fail_errno(err, errno, "%s, where the run was begun", folder));
    run->resume = true;
    if (mms_task_has_parameter(name, "resume"))
        json_object_set_new(given, "resume", json_true());
    MMS_TRY(mms_args_from_value(task, given, &args, err));
    run->task = task;
    run->params = mms_args_values(args);
    run->given = mms_args_given(args);
    st = task->run(run, mms_args_struct(args), result, err);
    json_object_set_new(result, "task", json_string(task->name));
done:
    mms_args_free(&args);
    json_decref(given);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct resume *const p = arg;
    const mms_run before = *run;
    mms_value *request;
    const char *job_dir;
    char *folder;
    mms_status st;

    MMS_TRY(find_request(p->job, &folder, &job_dir, &request, err));
    if (p->dryrun) {
        json_object_set(result, "request", request);
    } else {
        run->job_dir = job_dir;
        st = run_again(run, request, result, err);
        run->task = before.task;
        run->params = before.params;
        run->given = before.given;
        run->job_dir = before.job_dir;
        run->resume = before.resume;
    }
    mms_value_free(&request);
done:
    free(folder);
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    const char *const name = json_string_value(json_object_get(result, "task"));
    const mms_task *const task = name ? mms_task_find(name) : NULL;
    char *text;

    if (task && task->print) {
        task->print(result, out);
    } else if ((text = mms_value_text(json_object_get(result, "request"), 2))) {
        fprintf(out, "%s\n", text);
        free(text);
    }
}

const mms_task mms_task_resume = {
    .name = "resume",
    .summary = "go on with a run that was stopped or killed",
    .params = params,
    .params_size = sizeof(struct resume),
    .run = run,
    .print = print,
    .details = "Parts that are done stay done, with another number of workers, too.\n"
               "\n"
               "Examples:\n"
               "  multims resume out.mms.multims\n"
               "  multims resume out.mms -j 4\n",
};
