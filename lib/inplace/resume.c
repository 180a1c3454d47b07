/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file resume.c  Runs in place that are gone on with: the journal beside the undo. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "engine/stop.h"
#include "groups_priv.h"
#include "mms/concat_priv.h"
#include "ms/block.h"
#include "multims/log.h"
#include "orders_priv.h"

enum { HISTORY_ROOM = 1 << 18 /* bytes, more than a run's texts take */ };

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
    const mms_value *const begun = mms_journal_last(job->journal, "undo");
    const char *const token = json_string_value(json_object_get(begun, "token"));
    mms_value *done = NULL;
    mms_status st;

    job->over = mms_journal_last(job->journal, "finished") != NULL;
    if (job->over) // what was kept may not be removed yet
        return mms_undo_recover(how->vis, false, NULL, err);
    done = mms_journal_changed(job->journal);
    st = done ? mms_undo_resume(how->vis, token, done, how->sync, undo, err) : no_memory(err);
    mms_value_free(&done);
    job->over = st == MMS_OK && mms_undo_is_over(*undo);
    if (job->over) {
        mms_journal_add(job->journal, "finished", NULL);
        return mms_undo_end(undo, MMS_OK, err);
    }
    job->left = st != MMS_OK || *undo;
    if (job->left)
        return st;
    if (begun) {
        mms_log(MMS_LOG_WARN, how->task,
                "the old data are not kept any more: they were brought back since, or somebody "
                "removed what was kept; all is done again");
        mms_journal_forget(job->journal);
    }
    return MMS_OK;
}

/** Wait for so long, or until a stop signal. */
static void nap(int seconds)
{
    const struct timespec step = {.tv_nsec = 100000000};

    for (int i = 0; i < 10 * seconds && !mms_stop_signal(); i++)
        nanosleep(&step, NULL);
}

/** Bring back what a killed run has left, unless another run has the set, or begins with it. */
static mms_status try_recover(const mms_change_request *how, bool restore, bool *left,
                              mms_error *err)
{
    const mms_journal_opts *const journal = how->job ? &how->job->opts : NULL;

    if (restore && journal && !*journal->folder && !journal_of(how) &&
        mms_journal_is_held(journal->output))
        return mms_fail(err, MMS_ERR_LOCKED, "%s is being changed by another run", how->vis);
    return mms_undo_recover(how->vis, restore, left, err);
}

/** Another run may be about to end: it is tried again three times.  Source: spec job-engine 5.2,
 * 5.4 */
static mms_status recover(const mms_change_request *how, bool restore, bool *left, mms_error *err)
{
    static const int naps_s[] = {1, 4, 16};
    mms_status st = try_recover(how, restore, left, err);

    for (int64_t i = 0;
         i < MMS_COUNT_OF(naps_s) && restore && st == MMS_ERR_LOCKED && !mms_stop_signal(); i++) {
        mms_log(MMS_LOG_WARN, how->task, "%s; tried again in %d s", err->msg, naps_s[i]);
        nap(naps_s[i]);
        st = try_recover(how, restore, left, err);
    }
    return st == MMS_ERR_LOCKED && mms_stop_signal() ? mms_check_stop(err) : st;
}

mms_status mms_change_recover(const mms_change_request *how, bool restore, mms_undo **undo,
                              mms_error *err)
{
    mms_change_job *const job = how->job;
    char *command = NULL;
    bool left = false;
    mms_status st;

    *undo = NULL;
    if (job && job->opts.resume && restore)
        MMS_TRY(mms_journal_open(&job->opts, &job->journal, err));
    if (mms_journal_resumes(journal_of(how))) {
        MMS_TRY(resume_undo(how, undo, err));
        goto done;
    }
    MMS_TRY(recover(how, restore, &left, err));
    if (left && !restore) {
        command = mms_undo_command(how->vis);
        st = mms_fail(err, MMS_ERR_ARG,
                      "%s: a run was stopped in the middle of its work; `%s` brings the old data "
                      "back",
                      how->vis, command ? command : "");
    }
done:
    free(command);
    return st;
}

/** Add which table.dat a table has. */
static void add_seen(mms_value *list, const char *table)
{
    char *const path = mms_format("%s/table.dat", table);
    struct stat s;

    if (path && !stat(path, &s))
        json_array_append_new(list, json_pack("[I, I, I, I]", (json_int_t)s.st_ino,
                                              (json_int_t)s.st_size, (json_int_t)s.st_mtim.tv_sec,
                                              (json_int_t)s.st_mtim.tv_nsec));
    free(path);
}

/** Those of a set and its parts: a run that adds a column changes them. */
static mms_value *look_at_tables(const char *vis)
{
    mms_value *const list = json_array();
    mms_table_dat dat = {0};

    add_seen(list, vis);
    if (mms_table_dat_read(vis, &dat, NULL) == MMS_OK)
        for (int64_t i = 0; i < dat.nmember; i++)
            add_seen(list, dat.members[i]);
    mms_table_dat_free(&dat);
    return list;
}

/** What was found when the set was opened has to be so when its undo is taken: casacore goes on to
 *  tell of the columns that there were, and of others nothing would be kept. */
static mms_status check_unchanged(const mms_change_request *how, mms_error *err)
{
    mms_value *const now = how->job ? look_at_tables(how->vis) : NULL;
    const bool same = !how->job || !how->job->seen || json_equal(now, how->job->seen);

    json_decref(now);
    return same ? MMS_OK
                : mms_fail(err, MMS_ERR_LOCKED,
                           "%s was changed by another run while this one looked at it: nothing was "
                           "written; run this again",
                           how->vis);
}

mms_status mms_change_open_set(const mms_change_request *how, mms_ms **out, mms_error *err)
{
    mms_status st;

    if (how->job) {
        json_decref(how->job->seen);
        how->job->seen = look_at_tables(how->vis);
    }
    st = mms_journal_resumes(journal_of(how)) ? mms_ms_open_uneven(how->vis, out, err)
                                              : mms_ms_open(how->vis, out, err);
    if (st == MMS_OK)
        mms_ms_use_tiles(*out, how->tiles);
    return st;
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
    const bool takes = !*undo;
    mms_status st = takes ? mms_undo_begin(how->vis, how->sync, undo, err) : MMS_OK;

    if (st == MMS_OK && takes && (st = check_unchanged(how, err)) != MMS_OK)
        st = mms_undo_end(undo, st, err);
    if (st == MMS_OK && mms_undo_token(*undo))
        mms_journal_add(journal_of(how), "undo",
                        json_pack("{s:o}", "token", mms_text_value(mms_undo_token(*undo))));
    return st;
}

/** Whether a run that was broken off is left as it is: someone wants to go on with it. */
static bool is_left(const mms_change_request *how, mms_status st)
{
    const mms_change_job *const job = how->job;
    const bool wanted = job && (job->opts.resume || (job->opts.folder && *job->opts.folder) ||
                                mms_stop_signal() == SIGUSR1);

    return wanted && (st == MMS_ERR_STOPPED || st == MMS_ERR_WORKER) &&
           mms_journal_ndone(job->journal) > 0 && mms_journal_is_kept(job->journal);
}

/** The table of HISTORY of a set or part by its real place, "" where there is none; to be ended
 *  with free().  NULL: no memory. */
static char *history_of(const char *path)
{
    char *table = mms_format("%s/HISTORY", path), *real = table ? realpath(table, NULL) : NULL;
    char *const found = !table ? NULL : strdup(real ? real : "");

    free(table);
    free(real);
    return found;
}

/** One that can't be opened, or written, is not added to either. */
static mms_status keep_history(mms_undo *undo, const char *path, mms_error *err)
{
    char *table = history_of(path);
    mms_error why = {0};
    mms_status st = table ? MMS_OK : mms_fail(&why, MMS_ERR_MEM, "in-place work: out of memory");

    if (st == MMS_OK && *table && access(table, W_OK) == 0)
        st = mms_undo_keep_table(undo, table, true, &why);
    free(table);
    if (st == MMS_OK || st == MMS_ERR_TABLE || st == MMS_ERR_LOCKED || st == MMS_ERR_NOT_FOUND ||
        st == MMS_ERR_UNSUPPORTED)
        return MMS_OK;
    return mms_fail(err, st, "%s", why.msg);
}

mms_status mms_change_keep(const mms_change_request *how, mms_undo *undo, mms_ms *ms,
                           const bool *members, const char *const *columns, mms_error *err)
{
    const int64_t n = how->notes_parts ? mms_ms_nmember(ms) : 0;
    mms_status st = MMS_OK;

    if (how->note && !how->notes_parts)
        st = keep_history(undo, how->vis, err);
    for (int64_t i = 0; how->note && i < n && st == MMS_OK; i++)
        st = keep_history(undo, mms_ms_member_path(ms, i), err);
    return st == MMS_OK ? mms_undo_keep(undo, ms, members, columns, err) : st;
}

/** Add rows to a HISTORY.  casacore ends its process where there is no room for them, so that is
 *  looked for before; a HISTORY that can't be written for another cause is no reason to give up. */
static mms_status note_table(const mms_change_request *how, const char *path, mms_error *err)
{
    char *table = history_of(path);
    mms_error why = {0};
    mms_status st = table ? MMS_OK : no_memory(err);

    if (st == MMS_OK && *table)
        st = mms_disk_try(table, HISTORY_ROOM, err);
    free(table);
    if (st != MMS_OK)
        return st;
    st = how->note(how->ctx, path, &why);
    if (st == MMS_ERR_SPACE)
        return mms_fail(err, st, "%s", why.msg);
    if (st != MMS_OK)
        mms_log(MMS_LOG_WARN, how->task, "the data are changed, but HISTORY is not: %s", why.msg);
    return MMS_OK;
}

static mms_status note_history(const mms_change_request *how, mms_ms *ms, mms_error *err)
{
    const int64_t n = how->notes_parts ? mms_ms_nmember(ms) : 0;
    mms_status st = MMS_OK;

    if (how->note && !how->notes_parts)
        st = note_table(how, how->vis, err);
    for (int64_t i = 0; how->note && i < n && st == MMS_OK; i++)
        st = note_table(how, mms_ms_member_path(ms, i), err);
    return st;
}

/** All that is left of a run whose units are done; from then on its bytes stay. */
static mms_status commit(const mms_change_request *how, mms_ms *ms, mms_undo *undo, mms_error *err)
{
    mms_status st;

    mms_journal_add(journal_of(how), "finishing", NULL);
    st = note_history(how, ms, err);
    if (st == MMS_OK)
        st = mms_undo_commit(undo, err);
    if (st == MMS_OK)
        mms_journal_add(journal_of(how), "finished", NULL);
    if (st == MMS_OK && how->sync)
        mms_journal_flush(journal_of(how));
    return st;
}

/** casacore does not know that a disk is full, or ends its process there. */
static mms_status name_full_disk(const mms_change_request *how, const mms_undo *undo, mms_status st,
                                 mms_error *err)
{
    if ((st != MMS_ERR_WORKER && st != MMS_ERR_TABLE && st != MMS_ERR_IO) ||
        mms_disk_try(mms_undo_folder(undo), HISTORY_ROOM, NULL) != MMS_ERR_SPACE)
        return st;
    mms_log(MMS_LOG_WARN, how->task, "%s", err->msg);
    return mms_fail_errno(err, ENOSPC, "%s", how->vis);
}

mms_status mms_change_end(const mms_change_request *how, mms_ms *ms, mms_undo **undo, mms_status st,
                          mms_error *err)
{
    const bool silent = st != MMS_OK && mms_rank_is_silent();

    if (*undo && (silent || is_left(how, st))) {
        if (how->job)
            how->job->left = true;
        mms_undo_leave(undo);
        char *command = mms_undo_command(how->vis);
        mms_log(MMS_LOG_WARN, how->task,
                "%s is half changed: --resume goes on, `%s` brings the old data back", how->vis,
                command ? command : "");
        free(command);
        return st;
    }
    if (st == MMS_OK)
        st = commit(how, ms, *undo, err);
    else if (*undo)
        st = name_full_disk(how, *undo, st, err);
    if (how->job)
        how->job->left = false;
    return mms_undo_end(undo, st, err);
}

mms_status mms_change_journal(const mms_change_request *how, int64_t n, mms_error *err)
{
    mms_engine *const engine = how->engine(how->ctx, err);
    mms_journal *const journal = journal_of(how);
    const mms_value *const plan = mms_journal_last(journal, "plan");

    if (!engine)
        return err->code;
    mms_engine_set_journal(engine, n ? journal : NULL);
    if (!journal || !n)
        return MMS_OK;
    how->job->planned += n;
    if (json_integer_value(json_object_get(plan, "units")) < how->job->planned)
        mms_journal_add(journal, "plan",
                        json_pack("{s:I}", "units", (json_int_t)how->job->planned));
    return MMS_OK;
}

mms_status mms_units_run_noted(mms_units *units, const mms_change_request *how, mms_error *err)
{
    mms_status st = mms_change_journal(how, units->n, err), ended;

    if (st != MMS_OK)
        return st;
    st = mms_units_run(units, how, err);
    ended = mms_change_journal(how, 0, err);
    return st == MMS_OK ? ended : st;
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

/** Find the name of the run's version, which is noted before it is saved, so that it is saved once;
 *  *saved: it was. */
static mms_status find_version(const mms_change_request *how, const char *prefix, char **name,
                               bool *saved, mms_error *err)
{
    const mms_value *const noted =
        mms_journal_resumes(journal_of(how)) ? mms_journal_last(journal_of(how), "version") : NULL;
    const char *const version = json_string_value(json_object_get(noted, "name"));
    int64_t table;
    mms_status st;

    *saved = false;
    if (version) {
        *name = strdup(version);
        MMS_TRY(*name ? MMS_OK : no_memory(err));
        MMS_TRY(mms_version_find(how->vis, version, &table, err));
        *saved = table || mms_journal_ndone(journal_of(how)) > 0;
        return MMS_OK;
    }
    MMS_TRY(mms_version_next(how->vis, prefix, name, err));
    mms_journal_add(journal_of(how), "version", json_pack("{s:o}", "name", mms_text_value(*name)));
done:
    return st;
}

mms_status mms_backup_flags(const mms_change_request *how, const char *prefix, char **name,
                            mms_error *err)
{
    const time_t now = time(NULL);
    char stamp[32], comment[64], *version = NULL;
    struct tm local;
    mms_units units = {0};
    bool saved;
    mms_status st;

    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    snprintf(comment, sizeof comment, "Flags autosave on %s", stamp);
    MMS_TRY(find_version(how, prefix, &version, &saved, err));
    if (saved)
        goto done;
    mms_log(MMS_LOG_INFO, how->task, "Save current flagversions to %s", version);
    MMS_TRY(mms_units_open(1, &units, err));
    MMS_TRY(mms_units_add(&units, "the flag backup",
                          mms_save_order_encode(&(mms_save_order){how->vis, version, comment, 0}),
                          err));
    st = mms_units_run(&units, how, err);
    if (st != MMS_OK)
        mms_version_drop_unsaved(how->vis, version);
done:
    mms_units_close(&units);
    if (name)
        *name = version;
    else
        free(version);
    return st;
}
