/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flagmanager_units.c  The task flagmanager: what workers do, saves and restores (in-place
 * 2). */
#include <stdlib.h>

#include "base/base_priv.h"
#include "base/fingerprint_priv.h"
#include "engine/journal.h"
#include "flagmanager_priv.h"
#include "ms/columns.h"
#include "multims/parts.h"

/* A set with flags that are changed, or saved. */
struct work {
    mms_run *run;
    const struct mms_version_words *p;
    mms_change_request how;
    mms_ms *ms;
    mms_undo *undo;
};

/* Whether a run that is gone on with has saved all, and was killed before it could note that: there
 * is another table of the name than it had found. */
static mms_status was_saved(struct work *w, int64_t *table, bool *was, mms_error *err)
{
    const char *const name = w->p->versionname;
    mms_journal *const journal = w->how.job->journal;
    const mms_value *const noted =
        mms_journal_resumes(journal) ? mms_journal_last(journal, "version") : NULL;
    const mms_status st = mms_version_find(w->p->how.vis, name, table, err);

    *was = st == MMS_OK && noted && *table &&
           *table != json_integer_value(json_object_get(noted, "table"));
    if (st == MMS_OK && !noted)
        mms_journal_add(journal, "version",
                        json_pack("{s:o, s:I}", "name", mms_text_value(name), "table", *table));
    return st;
}

/* The one unit of a save, which may be begun again. */
static mms_status run_save(struct work *w, int64_t table, mms_error *err)
{
    const char *label = w->p->versionname;
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    mms_value *unit = mms_save_order_encode(
        &(mms_save_order){w->p->how.vis, w->p->versionname, w->p->comment, table});
    mms_answer answer = {.value = NULL};
    mms_status st;

    if (!unit)
        return mms_fail(err, MMS_ERR_MEM, "flagmanager: out of memory");
    rules.repeatable = rules.in_shared = true;
    mms_engine_set_rules(w->run->engine, &rules);
    st = mms_engine_run(w->run->engine, w->run->task->name, 1, &label, &unit, &answer, err);
    mms_value_free(&answer.value);
    mms_value_free(&unit);
    return st;
}

static mms_status save_all(struct work *w, mms_error *err)
{
    const char *const label = w->p->versionname;
    int64_t table;
    bool was;
    mms_status st;

    MMS_TRY(mms_change_begin(&w->how, err));
    MMS_TRY(was_saved(w, &table, &was, err));
    mms_log(MMS_LOG_INFO, "flagmanager",
            was ? "%s was saved: the run ended before it could say so"
                : "Save current flagversions to %s",
            label);
    MMS_TRY(mms_change_journal(&w->how, was ? 0 : 1, err));
    w->run->wrote = true;
    if (!was)
        st = run_save(w, table, err);
    if (st != MMS_OK) {
        mms_version_drop_unsaved(w->p->how.vis, label);
        goto done;
    }
    mms_journal_add(w->how.job->journal, "finished", NULL);
done:
    return st;
}

/* Where the rows of each part begin in those of the whole. */
static mms_value *first_rows(mms_ms *ms)
{
    mms_value *const each = json_array();

    for (int64_t i = 0; i < mms_ms_nmember(ms); i++)
        json_array_append_new(each, mms_restore_part_encode(mms_ms_member_path(ms, i),
                                                            mms_ms_member_rows(ms, i).first));
    return each;
}

static mms_status restore_parts(struct work *w, mms_error *err)
{
    mms_parts_opts opts = MMS_PARTS_OPTS_INIT;
    mms_value *const each = first_rows(w->ms), *const done = json_object();
    mms_value *const request =
        mms_restore_order_encode(&(mms_restore_order){.set = w->p->how.vis,
                                                      .version = w->p->versionname,
                                                      .merge = w->p->merge,
                                                      .lock = mms_undo_lock_path(w->undo)});
    mms_status st = MMS_OK;

    opts.stop = true;
    opts.each = each;
    opts.repeatable = true; // under the undo
    if (!each || !request || !done)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "flagmanager: out of memory"));
    MMS_TRY(mms_change_journal(&w->how, mms_ms_nmember(w->ms), err));
    st = mms_parts_run_with(w->run, w->p->how.vis, request, &opts, done, err);
done:
    json_decref(each);
    json_decref(request);
    json_decref(done);
    return st;
}

static mms_status restore_all(struct work *w, mms_error *err)
{
    static const char *const columns[] = {MMS_COL_FLAG, MMS_COL_FLAG_ROW, NULL};
    mms_status st;

    mms_log(MMS_LOG_INFO, "flagmanager", "Restore flagversions %s", w->p->versionname);
    MMS_TRY(mms_change_open_set(&w->how, &w->ms, err));
    MMS_TRY(mms_version_check(w->ms, w->p->versionname, err));
    MMS_TRY(mms_undo_check(w->ms, err));
    MMS_TRY(mms_run_engine(w->run, err));
    MMS_TRY(mms_change_begin(&w->how, err));
    w->run->wrote = true;
    MMS_TRY(mms_change_take_undo(&w->how, &w->undo, err));
    st = mms_change_keep(&w->how, w->undo, w->ms, NULL, columns, err);
    if (st == MMS_OK)
        st = restore_parts(w, err);
    st = mms_change_end(&w->how, w->ms, &w->undo, st, err);
done:
    return st;
}

/* The version as it is now: one that was saved anew is not gone on with. */
static mms_value *print_version(const struct mms_version_words *p)
{
    char *const real = realpath(p->how.vis, NULL);
    char *const path = mms_format("%s.flagversions/flags.%s", real ? real : "", p->versionname);
    mms_value *const print = path ? mms_fingerprint(path) : NULL;

    free(path);
    free(real);
    return json_pack("{s:o*}", "version", print);
}

/* Do it, or go on with what a run has begun that was killed or stopped. */
static mms_status work_on(mms_run *run, const struct mms_version_words *p, mms_value *reads,
                          mms_status (*work)(struct work *, mms_error *), mms_value *result,
                          mms_error *err)
{
    struct mms_change_run made = {0};
    struct work w = {.run = run, .p = p, .how = mms_task_change(run, &p->how, reads, &made)};
    mms_status st;

    w.how.note = NULL;
    MMS_TRY(mms_change_recover(&w.how, true, &w.undo, err));
    if (!mms_change_is_over(&w.how, &run->wrote, result))
        st = work(&w, err);
done:
    mms_undo_leave(&w.undo);
    mms_ms_close(&w.ms);
    if (run->engine)
        mms_engine_set_journal(run->engine, NULL);
    mms_task_end_change(&made, st);
    return st;
}

mms_status mms_version_run_save(mms_run *run, const struct mms_version_words *p, mms_value *result,
                                mms_error *err)
{
    return work_on(run, p, NULL, save_all, result, err);
}

mms_status mms_version_run_restore(mms_run *run, const struct mms_version_words *p,
                                   mms_value *result, mms_error *err)
{
    return work_on(run, p, print_version(p), restore_all, result, err);
}
