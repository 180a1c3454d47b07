/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate_write.c  The task simulate: its output, staged and journalled. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/files_priv.h"
#include "simulate_priv.h"

/* For HISTORY: the same whatever the output is called */
static char *request_text(const mms_run *run)
{
    mms_value *const request = mms_task_given(run, "outputvis");
    char *const text = mms_value_text(request, 0);

    json_decref(request);
    return text;
}

static mms_status watch(void *ctx, int64_t done, int64_t rows, mms_error *err)
{
    const mms_status st = mms_check_stop(err);

    (void)ctx;
    return st == MMS_OK ? st : mms_wrap(err, st, "row %" PRId64 " of %" PRId64, done, rows);
}

mms_status mms_simulate_write(mms_run *run, const char *outputvis, const mms_how *how,
                              mms_simulate_opts *opts, mms_value *result, mms_error *err)
{
    char *const name = mms_path_base(outputvis), *const output = mms_path_absolute(outputvis);
    char *history = request_text(run), *path = NULL;
    mms_host host = mms_task_writing_host(run);
    mms_journal *journal = NULL;
    mms_stage *stage = NULL;
    int64_t bytes;
    mms_status st;

    MMS_TRY(output ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "simulate: out of memory"));
    MMS_TRY(mms_output_open_stage(&host, output, NULL, how, &stage, &journal, err));
    mms_journal_add(journal, "plan", json_pack("{s:i}", "units", 1));
    run->wrote = true;
    path = mms_format("%s/%s", mms_stage_path(stage), name ? name : "");
    if (!name || !history || !path)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "simulate: out of memory"));
    opts->history = history;
    opts->progress = watch;
    MMS_TRY(mms_simulate(path, opts, err));
    if (how->sync)
        MMS_TRY(mms_stage_sync(stage, err));
    MMS_TRY(mms_tree_bytes(path, &bytes, err));
    json_object_set_new(result, "bytes", json_integer(bytes));
    mms_journal_add(journal, "publishing", json_pack("{s:O}", "result", result));
    MMS_TRY(mms_stage_publish(stage, name, outputvis, err));
done:
    if (st != MMS_OK && stage)
        st = mms_output_name_full_disk(run->task->name, mms_stage_path(stage), st, err);
    mms_output_end_stage(&host, st, false, &stage, &journal);
    mms_task_host_free(&host);
    free(path);
    free(history);
    free(output);
    free(name);
    return st;
}

bool mms_simulate_was_published(mms_run *run, const char *outputvis, mms_value *result)
{
    mms_host host = mms_task_writing_host(run);
    bool was = false;
    const mms_status st = mms_output_take_published(&host, NULL, outputvis, result, &was, NULL);

    mms_task_host_free(&host);
    return st == MMS_OK && was;
}
