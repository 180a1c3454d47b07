/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flagmanager_units.c  The task flagmanager: what workers do, saves and restores (in-place
 * 2). */
#include <stdlib.h>

#include "flagmanager_priv.h"
#include "ms/columns.h"
#include "multims/parts.h"

mms_status mms_version_run_save(mms_run *run, const struct mms_version_words *p, mms_error *err)
{
    const char *label = p->versionname;
    mms_value *unit = mms_save_order_encode(&(mms_save_order){p->vis, p->versionname, p->comment});
    mms_answer answer = {.value = NULL};
    mms_status st =
        unit ? mms_run_engine(run, err) : mms_fail(err, MMS_ERR_MEM, "flagmanager: out of memory");

    mms_log(MMS_LOG_INFO, "flagmanager", "Save current flagversions to %s", p->versionname);
    if (st == MMS_OK) {
        run->wrote = true;
        st = mms_engine_run(run->engine, run->task->name, 1, &label, &unit, &answer, err);
    }
    mms_value_free(&answer.value);
    mms_value_free(&unit);
    return st;
}

/* Where the rows of each part begin in those of the whole. */
static mms_value *first_rows(mms_ms *ms)
{
    mms_value *const each = json_array();

    for (int64_t i = 0; i < mms_ms_nmember(ms); i++)
        json_array_append_new(each, mms_restore_part_encode(mms_ms_member_rows(ms, i).first));
    return each;
}

static mms_status restore_parts(mms_run *run, const struct mms_version_words *p, mms_ms *ms,
                                const char *lock, mms_error *err)
{
    mms_parts_opts opts = MMS_PARTS_OPTS_INIT;
    mms_value *const each = first_rows(ms), *const done = json_object();
    mms_value *const request = mms_restore_order_encode(&(mms_restore_order){
        .set = p->vis, .version = p->versionname, .merge = p->merge, .lock = lock});
    mms_status st = MMS_OK;

    opts.stop = true;
    opts.each = each;
    run->wrote = true;
    if (!each || !request || !done)
        st = mms_fail(err, MMS_ERR_MEM, "flagmanager: out of memory");
    else
        st = mms_parts_run_with(run, p->vis, request, &opts, done, err);
    json_decref(each);
    json_decref(request);
    json_decref(done);
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
