/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flagmanager.c  The task flagmanager: flag versions (parallel-tasks 3.3, in-place 2). */
#include <stdlib.h>
#include <string.h>

#include "inplace/inplace.h"
#include "task_priv.h"

struct flagmanager {
    const char *vis, *mode, *versionname, *oldname, *comment, *merge;
    bool sync;
};

#define AT(member) offsetof(struct flagmanager, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct flagmanager, vis),
    {"mode", MMS_CHOICE, AT(mode), .init = "list",
     .allowed = "list save restore delete rename diff", .flags = MMS_PARAM_POSITIONAL,
     .doc = "What is done"},
    {"versionname", MMS_STRING, AT(versionname), .init = "", .flags = MMS_PARAM_POSITIONAL,
     .doc = "Name of the version; of a rename the new one"},
    {"oldname", MMS_STRING, AT(oldname), .init = "", .flags = MMS_PARAM_POSITIONAL,
     .doc = "rename: the version; diff: the version to compare with, or main"},
    {"comment", MMS_STRING, AT(comment), .init = "", .doc = "save, rename: text of the list"},
    {"merge", MMS_STRING, AT(merge), .init = "replace",
     .doc = "restore: replace the flags, or combine them: and, or"},
    {"sync", MMS_BOOL, AT(sync), .init = "True", .flags = MMS_PARAM_RUN,
     .doc = "Wait until the undo and the new flags are on the disk"},
    {0},
};

static bool is_mode(const struct flagmanager *p, const char *mode)
{
    return !strcmp(p->mode, mode);
}

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

static mms_status save(mms_run *run, const struct flagmanager *p, mms_error *err)
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

/* ---- restore ----------------------------------------------------------------------------------*/

static mms_status restore_parts(mms_run *run, const struct flagmanager *p, mms_ms *ms,
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

static mms_status restore(mms_run *run, const struct flagmanager *p, mms_ms *ms, mms_error *err)
{
    static const char *const columns[] = {"FLAG", "FLAG_ROW", NULL};
    mms_undo *undo = NULL;
    mms_status st;

    mms_log(MMS_LOG_INFO, "flagmanager", "Restore flagversions %s", p->versionname);
    MMS_TRY(mms_version_check(ms, p->versionname, err));
    MMS_TRY(mms_run_engine(run, err));
    MMS_TRY(mms_undo_begin(p->vis, p->sync, &undo, err));
    st = mms_undo_keep(undo, ms, NULL, columns, err);
    if (st == MMS_OK)
        st = restore_parts(run, p, ms, mms_undo_lock_path(undo), err);
    st = mms_undo_end(&undo, st, err);
done:
    return st;
}

/* ---- list, diff -------------------------------------------------------------------------------*/

/** Versions by number, as CASA returns them; and MS. */
static mms_status list(const struct flagmanager *p, mms_value *result, mms_error *err)
{
    mms_value *versions = NULL, *version;
    size_t i;
    mms_status st = mms_versions_read(p->vis, &versions, err);

    json_array_foreach(versions, i, version)
    {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        json_object_set_new(result, number,
                            json_pack("{sO sO}", "name", json_array_get(version, 0), "comment",
                                      json_array_get(version, 1)));
    }
    json_object_set_new(result, "MS", mms_text_value(p->vis));
    mms_value_free(&versions);
    return st;
}

static mms_status diff(const struct flagmanager *p, mms_ms *ms, mms_value *result, mms_error *err)
{
    const char *a = *p->versionname ? p->versionname : "main";
    const char *b = *p->oldname ? p->oldname : "main";
    mms_status st = mms_version_diff(ms, a, b, result, err);

    json_object_set_new(result, "a", mms_text_value(a));
    json_object_set_new(result, "b", mms_text_value(b));
    if (st == MMS_OK && (json_integer_value(json_object_get(result, "rows")) > 0 ||
                         json_integer_value(json_object_get(result, "flag_row")) > 0))
        st = mms_fail(err, MMS_ERR_DIFFERS, "the flags of %s and %s differ", a, b);
    return st;
}

static mms_status with_set(mms_run *run, const struct flagmanager *p, mms_value *result,
                           mms_error *err)
{
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_ms_open(p->vis, &ms, err));
    st = is_mode(p, "diff") ? diff(p, ms, result, err) : restore(run, p, ms, err);
done:
    mms_ms_close(&ms);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct flagmanager *p = arg;
    mms_status st;

    MMS_TRY(mms_undo_recover(p->vis, true, NULL, err));
    if ((is_mode(p, "list") || is_mode(p, "restore")) && mms_versions_begin(p->vis, NULL) != MMS_OK)
        mms_log(MMS_LOG_DEBUG, "flagmanager", "%s: no list of versions can be made", p->vis);
    if (is_mode(p, "list"))
        return list(p, result, err);
    if (is_mode(p, "diff") || is_mode(p, "restore"))
        return with_set(run, p, result, err);
    MMS_TRY(mms_version_check_name(p->versionname, err));
    if (is_mode(p, "save"))
        return save(run, p, err);
    st = is_mode(p, "delete")
             ? mms_version_delete(p->vis, p->versionname, err)
             : mms_version_rename(p->vis, p->oldname, p->versionname, p->comment, err);
done:
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    const char *name;
    mms_value *v;

    if (json_object_get(result, "MS")) {
        fprintf(out, "MS : %s\n\nmain : working copy in main table\n",
                json_string_value(json_object_get(result, "MS")));
        json_object_foreach((mms_value *)result, name, v)
        {
            if (json_is_object(v))
                fprintf(out, "%s : %s\n", json_string_value(json_object_get(v, "name")),
                        json_string_value(json_object_get(v, "comment")));
        }
    } else if (json_object_get(result, "cells")) {
        fprintf(out,
                "%" JSON_INTEGER_FORMAT " rows differ; flagged in %s alone: %" JSON_INTEGER_FORMAT
                ", in %s alone: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                "; FLAG_ROW differs in %" JSON_INTEGER_FORMAT " rows\n",
                json_integer_value(json_object_get(result, "rows")),
                json_string_value(json_object_get(result, "a")),
                json_integer_value(json_object_get(result, "only_a")),
                json_string_value(json_object_get(result, "b")),
                json_integer_value(json_object_get(result, "only_b")),
                json_integer_value(json_object_get(result, "cells")),
                json_integer_value(json_object_get(result, "flag_row")));
    }
}

const mms_task mms_task_flagmanager = {
    .name = "flagmanager",
    .summary = "save, restore, list, compare flag versions of a MeasurementSet or Multi-MS",
    .params = params,
    .params_size = sizeof(struct flagmanager),
    .in_place = true,
    .run = run,
    .print = print,
    .unit = mms_flag_unit,
    .details = "Examples:\n"
               "  multims flagmanager x.mms save before_rflag --comment 'as it came'\n"
               "  multims flagmanager x.mms\n"
               "  multims flagmanager x.mms restore before_rflag\n"
               "  multims flagmanager x.mms diff before_rflag main\n",
};
