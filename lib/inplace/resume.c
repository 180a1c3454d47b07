/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file resume.c  Runs in place that are gone on with: the journal beside the undo. */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base_priv.h"
#include "engine/stop.h"
#include "groups_priv.h"
#include "ms/block.h"
#include "multims/log.h"
#include "orders_priv.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "in-place work: out of memory");
}

static mms_journal *journal_of(const mms_change_request *how)
{
    return how->job ? how->job->journal : NULL;
}

/** What of an undo there is to go on with. */
static mms_status resume_undo(const mms_change_request *how, mms_undo **undo, mms_error *err)
{
    mms_change_job *const job = how->job;
    const bool ended = mms_journal_last(job->journal, "finishing") != NULL;
    bool left = true;
    mms_value *done = NULL;
    mms_status st = ended ? mms_undo_recover(how->vis, false, &left, err) : MMS_OK;

    job->over = st == MMS_OK && !left;
    if (st != MMS_OK || job->over)
        return st;
    done = mms_journal_changed(job->journal);
    st = done ? mms_undo_resume(how->vis, done, how->sync, undo, err) : no_memory(err);
    mms_value_free(&done);
    job->left = st != MMS_OK || *undo;
    if (job->left)
        return st;
    if (mms_journal_ndone(job->journal) > 0) {
        mms_log(MMS_LOG_WARN, how->task, "the old data were brought back since: all is done again");
        mms_journal_forget(job->journal);
    }
    return MMS_OK;
}

mms_status mms_change_recover(const mms_change_request *how, bool restore, mms_undo **undo,
                              mms_error *err)
{
    mms_change_job *const job = how->job;
    bool left = false;
    mms_status st;

    *undo = NULL;
    if (job && job->opts.resume && restore)
        MMS_TRY(mms_journal_open(&job->opts, &job->journal, err));
    if (mms_journal_resumes(journal_of(how))) {
        MMS_TRY(resume_undo(how, undo, err));
        goto done;
    }
    MMS_TRY(mms_undo_recover(how->vis, restore, &left, err));
    if (left && !restore)
        st = mms_fail(err, MMS_ERR_ARG,
                      "%s: a run was stopped in the middle of its work; `multims clean "
                      "--restore` brings the old data back",
                      how->vis);
done:
    return st;
}

mms_status mms_change_open_set(const mms_change_request *how, mms_ms **out, mms_error *err)
{
    return mms_journal_resumes(journal_of(how)) ? mms_ms_open_uneven(how->vis, out, err)
                                                : mms_ms_open(how->vis, out, err);
}

bool mms_change_is_over(const mms_change_request *how, bool *wrote, mms_value *result)
{
    if (!how->job || !how->job->over)
        return false;
    mms_log(MMS_LOG_INFO, how->task,
            "%s was complete: the run that changed it ended before it could say so", how->vis);
    json_object_set_new(result, "vis", mms_text_value(how->vis));
    *wrote = true;
    return true;
}

mms_status mms_change_begin(const mms_change_request *how, mms_error *err)
{
    mms_change_job *const job = how->job;

    return job && !job->journal ? mms_journal_open(&job->opts, &job->journal, err) : MMS_OK;
}

mms_status mms_change_take_undo(const mms_change_request *how, mms_undo **undo, mms_error *err)
{
    return *undo ? MMS_OK : mms_undo_begin(how->vis, how->sync, undo, err);
}

/** Whether a run that was broken off is left as it is: someone wants to go on with it. */
static bool is_left(const mms_change_request *how, mms_status st)
{
    const mms_change_job *const job = how->job;
    const bool wanted = job && (job->opts.resume || (job->opts.folder && *job->opts.folder) ||
                                mms_stop_signal() == SIGUSR1);

    return wanted && (st == MMS_ERR_STOPPED || st == MMS_ERR_WORKER) &&
           mms_journal_ndone(job->journal) > 0;
}

mms_status mms_change_end(const mms_change_request *how, mms_undo **undo, mms_status st,
                          mms_error *err)
{
    const bool silent = st != MMS_OK && mms_rank_is_silent();

    if (*undo && (silent || is_left(how, st))) {
        if (how->job)
            how->job->left = true;
        mms_undo_leave(undo);
        mms_log(MMS_LOG_WARN, how->task,
                "%s is half changed: --resume goes on, `multims clean --restore` brings the old "
                "data back",
                how->vis);
        return st;
    }
    if (st == MMS_OK)
        mms_journal_add(journal_of(how), "finishing", NULL);
    if (st == MMS_OK && how->sync)
        mms_journal_flush(journal_of(how));
    if (how->job)
        how->job->left = false;
    return mms_undo_end(undo, st, err);
}

mms_status mms_units_run_noted(mms_units *units, const mms_change_request *how, mms_error *err)
{
    mms_engine *const engine = how->engine(how->ctx, err);
    mms_journal *const journal = journal_of(how);
    const mms_value *const plan = mms_journal_last(journal, "plan");
    mms_status st;

    if (!engine)
        return err->code;
    if (journal) {
        how->job->planned += units->n;
        if (json_integer_value(json_object_get(plan, "units")) < how->job->planned)
            mms_journal_add(journal, "plan",
                            json_pack("{s:I}", "units", (json_int_t)how->job->planned));
    }
    mms_engine_set_journal(engine, journal);
    st = mms_units_run(units, how, err);
    mms_engine_set_journal(engine, NULL);
    return st;
}

const mms_value *mms_change_choice(const mms_change_request *how)
{
    return mms_journal_resumes(journal_of(how))
               ? json_object_get(mms_journal_last(journal_of(how), "choice"), "choice")
               : NULL;
}

mms_value *mms_change_choose(const mms_change_request *how, mms_value *choice)
{
    const mms_value *const noted = mms_change_choice(how);

    if (noted) {
        mms_value_free(&choice);
        return json_incref((mms_value *)noted);
    }
    mms_journal_add(journal_of(how), "choice", json_pack("{s:O}", "choice", choice));
    return choice;
}

static bool find_version(const mms_change_request *how, char **name)
{
    const mms_value *const noted =
        mms_journal_resumes(journal_of(how)) ? mms_journal_last(journal_of(how), "version") : NULL;
    const char *const version = json_string_value(json_object_get(noted, "name"));

    if (version && name)
        *name = strdup(version);
    return version != NULL;
}

static void note_version(const mms_change_request *how, const char *version)
{
    mms_journal_add(journal_of(how), "version",
                    json_pack("{s:o}", "name", mms_text_value(version)));
}

mms_status mms_backup_flags(const mms_change_request *how, const char *prefix, char **name,
                            mms_error *err)
{
    const time_t now = time(NULL);
    char stamp[32], comment[64], *version = NULL;
    struct tm local;
    mms_units units = {0};
    mms_status st;

    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    snprintf(comment, sizeof comment, "Flags autosave on %s", stamp);
    if (find_version(how, name))
        return MMS_OK;
    MMS_TRY(mms_version_next(how->vis, prefix, &version, err));
    mms_log(MMS_LOG_INFO, how->task, "Save current flagversions to %s", version);
    MMS_TRY(mms_units_open(1, &units, err));
    MMS_TRY(mms_units_add(&units, "the flag backup",
                          mms_save_order_encode(&(mms_save_order){how->vis, version, comment}),
                          err));
    MMS_TRY(mms_units_run(&units, how, err));
    note_version(how, version);
done:
    mms_units_close(&units);
    if (name)
        *name = version;
    else
        free(version);
    return st;
}
