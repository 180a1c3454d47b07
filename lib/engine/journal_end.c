/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file journal_end.c  The end of a journal, and what is told of a run that outlives it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/blackbox_priv.h"
#include "base/files_priv.h"
#include "journal_priv.h"

void mms_journal_flush(mms_journal *j)
{
    if (j)
        (void)!fsync(j->fd);
}

/* The folder from here, if it is not further than from the root. */
static const char *short_name(const char *folder)
{
    char *const here = getcwd(NULL, 0);
    const size_t n = here ? strlen(here) : 0;
    const bool below = n > 1 && !strncmp(folder, here, n) && folder[n] == '/';

    free(here);
    return below ? folder + n + 1 : folder;
}

static json_int_t units_of(const mms_journal *j)
{
    return json_integer_value(json_object_get(mms_journal_last(j, "plan"), "units"));
}

/* What outlives the run, for who writes it when the run's exit status is known. */
static void tell(const mms_journal *j, bool resumable)
{
    const mms_value *const begin = mms_journal_last(j, "begin"), *run = mms_journal_last(j, "run");

    if (!j->summary)
        return;
    json_object_set_new(j->summary, "file",
                        mms_text_value(j->folder)); /* made a file's name by the writer */
    json_object_set_new(
        j->summary, "summary",
        json_pack("{s:s, s:s, s:O?, s:o, s:I, s:I, s:O, s:b, s:O?, s:O?, s:f, s:i}", "task",
                  j->task, "version", mms_version(), "request", json_object_get(begin, "request"),
                  "output", mms_text_value(j->output), "units", units_of(j), "done",
                  (json_int_t)j->ndone, "failures", j->failed, "resumable", (int)resumable, "begun",
                  json_object_get(begin, "t"), "run_begun", json_object_get(run, "t"), "ended",
                  mms_unix_s(), "signal", mms_stop_signal()));
}

static void say_how_to_resume(const mms_journal *j)
{
    char *const folder = mms_path_shell(short_name(j->folder));

    mms_log(MMS_LOG_INFO, j->task,
            "%" PRId64 " of %lld parts are done; the same command with --resume goes on", j->ndone,
            (long long)units_of(j));
    mms_log(MMS_LOG_WARN, j->task, "%s. Resume with: multims resume %s",
            mms_stop_signal() ? "Interrupted" : "Not finished", folder ? folder : j->folder);
    free(folder);
}

void mms_journal_end(mms_journal **journal, mms_status st, bool keep, bool *kept)
{
    mms_journal *const j = *journal;
    const bool resumable = j && keep && j->ndone > 0 && !j->broken;

    if (kept)
        *kept = resumable;
    if (!j)
        return;
    mms_syncer_end(&j->syncer);
    if (resumable) {
        mms_journal_add(j, "interrupted", json_pack("{s:i}", "signal", mms_stop_signal()));
        if (!j->inner)
            say_how_to_resume(j);
    } else if (j->stays) {
        mms_journal_add(j, "end", json_pack("{s:i}", "status", (int)st));
    } else {
        mms_journal_end_log(j);
        mms_journal_clear(j->folder, j->found, j->task);
    }
    if (resumable || j->stays) {
        mms_journal_flush(j);
        tell(j, resumable);
    }
    mms_blackbox_set_journal("", 0, false);
    mms_journal_free(journal);
}
