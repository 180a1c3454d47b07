/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file history_texts.c  The HISTORY texts of a run (multi-ms 3.6). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transform_priv.h"

/** A value as Python prints it; texts in double quotes. */
static char *python_text(const mms_value *value)
{
    if (json_is_string(value))
        return mms_format("\"%s\"", json_string_value(value));
    if (json_is_boolean(value))
        return strdup(json_is_true(value) ? "True" : "False");
    return mms_value_text(value, 0);
}

/** vis stands in HISTORY as an absolute path. */
static char *value_text(const mms_param *param, const mms_value *value)
{
    if (strcmp(param->name, "vis") || !json_is_string(value))
        return python_text(value);
    char *path = mms_path_absolute(json_string_value(value));
    char *text = path ? mms_format("\"%s\"", path) : NULL;
    free(path);
    return text;
}

/** HISTORY is read by programs that take UTF-8 alone. */
static void append(mms_value *texts, char *text)
{
    char *const readable = mms_readable(text ? text : "");

    json_array_append_new(texts, mms_text_value(readable ? readable : ""));
    free(readable);
    free(text);
}

mms_value *mms_history_texts(const mms_run *run)
{
    mms_value *texts = json_array();

    append(texts, mms_format("taskname=%s", run->task->name));
    append(texts, mms_format("version: multims %s", mms_version()));
    for (const mms_param *p = run->task->params; p->name; p++) {
        if (p->flags & MMS_PARAM_RUN)
            continue;
        char *value = value_text(p, json_object_get(run->params, p->name));
        append(texts, mms_format("%-11s = %s", p->name, value ? value : ""));
        free(value);
    }
    return texts;
}

static mms_status get_engine(void *ctx, mms_engine **out, mms_error *err)
{
    mms_run *run = ctx;
    const mms_status st = mms_run_engine(run, err);

    *out = run->engine;
    return st;
}

mms_value *mms_task_given(const mms_run *run, const char *but)
{
    mms_value *const given = json_object();
    const char *name;
    mms_value *value;

    json_object_foreach((mms_value *)run->params, name,
                        value) if (json_object_get(run->given, name) && strcmp(name, but))
        json_object_set_nocheck(given, name, value);
    return given;
}

/** What the output depends on; paths are absolute. */
static mms_value *parameters_of(const mms_run *run)
{
    mms_value *const all = json_object();

    for (const mms_param *p = run->task->params; p->name; p++) {
        mms_value *const value = json_object_get(run->params, p->name);
        char *const path = p->type == MMS_PATH && json_is_string(value)
                               ? mms_path_absolute(json_string_value(value))
                               : NULL;
        if (p->flags & MMS_PARAM_RUN)
            continue;
        if (path)
            json_object_set_new(all, p->name, mms_text_value(path));
        else
            json_object_set(all, p->name, value);
        free(path);
    }
    return all;
}

mms_host mms_task_host(mms_run *run)
{
    return (mms_host){.task = run->task->name,
                      .job_dir = run->job_dir ? run->job_dir : "",
                      .summary = run->summary,
                      .ctx = run,
                      .engine = get_engine,
                      .wrote = &run->wrote};
}

mms_host mms_task_writing_host(mms_run *run)
{
    char *const folder = getcwd(NULL, 0);
    mms_host host = mms_task_host(run);

    host.history = mms_history_texts(run);
    host.parameters = parameters_of(run);
    host.request =
        json_pack("{s:s, s:o, s:o}", "task", run->task->name, "parameters",
                  mms_task_given(run, "resume"), "folder", mms_text_value(folder ? folder : "."));
    free(folder);
    return host;
}

void mms_task_host_free(mms_host *host)
{
    json_decref((mms_value *)host->history);
    json_decref((mms_value *)host->parameters);
    json_decref((mms_value *)host->request);
}

mms_status mms_task_request(mms_run *run, mms_request *request, mms_value *result, mms_error *err)
{
    mms_host host = mms_task_writing_host(run);
    const mms_status st = mms_request_run(request, &host, result, err);

    mms_task_host_free(&host);
    return st;
}
