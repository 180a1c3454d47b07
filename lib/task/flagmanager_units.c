/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flagmanager_units.c  The task flagmanager: what workers do, saves and restores (in-place
 * 2). */
#include <stdlib.h>

#include "flagmanager_priv.h"
#include "ms/columns.h"

static mms_status run_units(mms_run *run, int64_t n, const char *const *names,
                            mms_value *const *units, mms_error *err)
{
    mms_answer *answers = mms_alloc(n, sizeof *answers);
    mms_status st = answers ? mms_run_engine(run, err)
                            : mms_fail(err, MMS_ERR_MEM, "flagmanager: out of memory");

    if (st == MMS_OK) {
        run->wrote = true;
        st = mms_engine_run(run->engine, run->task->name, n, names, units, answers, err);
    }
    if (answers)
        mms_answers_free(n, answers);
    free(answers);
    return st;
}

mms_status mms_version_run_save(mms_run *run, const struct mms_version_words *p, mms_error *err)
{
    const char *label = p->versionname;
    mms_value *unit = json_pack("{ss so so so ss}", "step", "save", "vis", mms_text_value(p->vis),
                                "version", mms_text_value(p->versionname), "comment",
                                mms_text_value(p->comment), "lock", "");
    mms_status st;

    mms_log(MMS_LOG_INFO, "flagmanager", "Save current flagversions to %s", p->versionname);
    st = unit ? run_units(run, 1, &label, &unit, err)
              : mms_fail(err, MMS_ERR_MEM, "flagmanager: out of memory");
    mms_value_free(&unit);
    return st;
}

static mms_status restore_parts(mms_run *run, const struct mms_version_words *p, mms_ms *ms,
                                const char *lock, mms_error *err)
{
    const int64_t n = mms_ms_nmember(ms);
    mms_value **units = mms_alloc(n, sizeof *units);
    const char **names = mms_alloc(n, sizeof *names);
    mms_status st =
        units && names ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "flagmanager: out of memory");

    for (int64_t i = 0; i < n && st == MMS_OK; i++) {
        names[i] = mms_ms_member_path(ms, i);
        units[i] = json_pack("{ss so so so so sI so}", "step", "restore", "vis",
                             mms_text_value(p->vis), "version", mms_text_value(p->versionname),
                             "merge", mms_text_value(p->merge), "lock", mms_text_value(lock),
                             "first", (json_int_t)mms_ms_member_rows(ms, i).first, "part",
                             mms_text_value(names[i]));
    }
    if (st == MMS_OK)
        st = run_units(run, n, names, units, err);
    for (int64_t i = 0; units && i < n; i++)
        mms_value_free(&units[i]);
    free(units);
    free(names);
    return st;
}

mms_status mms_version_run_restore(mms_run *run, const struct mms_version_words *p, mms_ms *ms,
                                   mms_error *err)
{
    static const char *const columns[] = {MMS_COL_FLAG, MMS_COL_FLAG_ROW, NULL};
    mms_undo *undo = NULL;
    mms_status st;

    mms_log(MMS_LOG_INFO, "flagmanager", "Restore flagversions %s", p->versionname);
    MMS_TRY(mms_version_check(ms, p->versionname, err));
    MMS_TRY(mms_undo_check(ms, err));
    MMS_TRY(mms_run_engine(run, err));
    MMS_TRY(mms_undo_begin(p->vis, p->sync, &undo, err));
    st = mms_undo_keep(undo, ms, NULL, columns, err);
    if (st == MMS_OK)
        st = restore_parts(run, p, ms, mms_undo_lock_path(undo), err);
    st = mms_undo_end(&undo, st, err);
done:
    return st;
}
