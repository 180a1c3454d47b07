/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file job_summary.c  The exit status of a run, and its summary that outlives it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "engine/journal.h"
#include "task_priv.h"

enum { DONE = 0, FAILED = 1, REFUSED = 2, EMPTY = 3, LATER = 75 }; // design D16

int mms_run_exit_status(const mms_run *run, mms_status st)
{
    if (run && run->task->judges && st != MMS_OK && st != MMS_ERR_DIFFERS && st != MMS_ERR_STOPPED)
        return REFUSED; // whatever stops a comparison: there is no answer
    switch (st) {
    case MMS_OK:
        return DONE;
    case MMS_ERR_EMPTY:
        return EMPTY;
    case MMS_ERR_STOPPED:
        if (mms_stop_signal() == SIGUSR1)
            return LATER;
        return 128 + (mms_stop_signal() ? mms_stop_signal() : SIGTERM);
    case MMS_ERR_DIFFERS:
        return FAILED;
    default:
        return run && run->wrote ? FAILED : REFUSED;
    }
}

void mms_run_write_summary(const mms_run *run, mms_status st, const mms_error *err)
{
    mms_value *const told = json_object_get(run->summary, "summary");
    const char *const folder = json_string_value(json_object_get(run->summary, "file"));
    char *const path = folder ? mms_format("%s/" MMS_SUMMARY_FILE, folder) : NULL;
    char *const fresh = path ? mms_format("%s.new", path) : NULL;
    char *text = NULL;

    if (run->job_dir && *run->job_dir && !told && !json_object_get(run->summary, "complete") &&
        st == MMS_OK)
        mms_log(MMS_LOG_WARN, run->task->name, "parameter jobdir: this run keeps no journal");
    if (!fresh || !told)
        goto done;
    json_object_set_new(told, "exit_code", json_integer(mms_run_exit_status(run, st)));
    json_object_set_new(told, "message",
                        st == MMS_OK || !err ? json_null() : mms_text_value(err->msg));
    text = mms_value_text(told, 2);
    if (!text || mms_replace_file(fresh, text, (int64_t)strlen(text), NULL) != MMS_OK ||
        rename(fresh, path))
        mms_log(MMS_LOG_WARN, run->task->name, "%s can't be written", path);
done:
    free(text);
    free(fresh);
    free(path);
}
