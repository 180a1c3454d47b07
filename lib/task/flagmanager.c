/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flagmanager.c  The task flagmanager: flag versions (parallel-tasks 3.3, in-place 2). */
#include <string.h>

#include "flagmanager_priv.h"

struct flagmanager {
    struct mms_version_words version;
    const char *mode, *oldname;
};

#define AT(member) offsetof(struct flagmanager, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct flagmanager, version.how.vis),
    {"mode", MMS_CHOICE, AT(mode), .init = "list",
     .allowed = "list save restore delete rename diff", .flags = MMS_PARAM_POSITIONAL,
     .doc = "What is done"},
    {"versionname", MMS_STRING, AT(version.versionname), .init = "", .flags = MMS_PARAM_POSITIONAL,
     .doc = "Name of the version; of a rename the new one"},
    {"oldname", MMS_STRING, AT(oldname), .init = "", .flags = MMS_PARAM_POSITIONAL,
     .doc = "rename: the version; diff: the version to compare with, or main"},
    {"comment", MMS_STRING, AT(version.comment), .init = "",
     .doc = "save, rename: text of the list"},
    {"merge", MMS_STRING, AT(version.merge), .init = "replace",
     .doc = "restore: replace the flags, or combine them: and, or"},
    {"sync", MMS_BOOL, AT(version.how.sync), .init = "True", .flags = MMS_PARAM_RUN,
     .doc = "Wait until the undo and the new flags are on the disk"},
    MMS_PARAM_RESUME(struct flagmanager, version.how.resume),
    MMS_PARAM_SWITCH("dryrun", struct flagmanager, version.how.dryrun, "False",
                     "Check everything, say what would be written and kept, and change nothing"),
    {0},
};

static bool is_mode(const struct flagmanager *p, const char *mode)
{
    return !strcmp(p->mode, mode);
}

/** Versions by number, as CASA returns them; and MS. */
static mms_status list(const struct flagmanager *p, mms_value *result, mms_error *err)
{
    mms_value *versions = NULL, *version;
    size_t i;
    mms_status st = mms_versions_read(p->version.how.vis, &versions, err);

    json_array_foreach(versions, i, version)
    {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        json_object_set_new(result, number,
                            json_pack("{sO sO}", "name", json_array_get(version, 0), "comment",
                                      json_array_get(version, 1)));
    }
    json_object_set_new(result, "MS", mms_text_value(p->version.how.vis));
    mms_value_free(&versions);
    return st;
}

static mms_status diff(const struct flagmanager *p, mms_ms *ms, mms_value *result, mms_error *err)
{
    const char *a = *p->version.versionname ? p->version.versionname : "main";
    const char *b = *p->oldname ? p->oldname : "main";
    mms_status st = mms_version_diff(ms, a, b, result, err);

    json_object_set_new(result, "a", mms_text_value(a));
    json_object_set_new(result, "b", mms_text_value(b));
    if (st == MMS_OK && (json_integer_value(json_object_get(result, "rows")) > 0 ||
                         json_integer_value(json_object_get(result, "flag_row")) > 0))
        st = mms_fail(err, MMS_ERR_DIFFERS, "the flags of %s and %s differ", a, b);
    return st;
}

static mms_status diff_set(const struct flagmanager *p, mms_value *result, mms_error *err)
{
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_ms_open(p->version.how.vis, &ms, err));
    st = diff(p, ms, result, err);
done:
    mms_ms_close(&ms);
    return st;
}

static mms_status plan(const struct flagmanager *p, mms_value *result, mms_error *err)
{
    const mms_change_request how = {
        .vis = p->version.how.vis, .task = "flagmanager", .dryrun = true};
    const mms_version_plan what = {p->mode, p->version.versionname, p->oldname};

    return mms_version_plan_run(&how, &what, result, err);
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct flagmanager *p = arg;
    const bool saves = is_mode(p, "save"), restores = is_mode(p, "restore");
    mms_status st;

    if (p->version.how.dryrun && !is_mode(p, "list") && !is_mode(p, "diff"))
        return plan(p, result, err);
    if (!restores && !saves)
        MMS_TRY(mms_undo_recover(p->version.how.vis, true, NULL, err));
    if ((is_mode(p, "list") || restores) && mms_versions_begin(p->version.how.vis, NULL) != MMS_OK)
        mms_log(MMS_LOG_DEBUG, "flagmanager", "%s: no list of versions can be made",
                p->version.how.vis);
    if (is_mode(p, "list"))
        return list(p, result, err);
    if (is_mode(p, "diff"))
        return diff_set(p, result, err);
    if (restores)
        return mms_version_run_restore(run, &p->version, result, err);
    MMS_TRY(mms_version_check_name(p->version.versionname, err));
    if (!is_mode(p, "delete") && !strcmp(p->version.versionname, "main"))
        return mms_fail(err, MMS_ERR_ARG, "Illegal versionname: 'main' are the set's own flags");
    if (saves)
        return mms_version_run_save(run, &p->version, result, err);
    st = is_mode(p, "delete") ? mms_version_delete(p->version.how.vis, p->version.versionname, err)
                              : mms_version_rename(p->version.how.vis, p->oldname,
                                                   p->version.versionname, p->version.comment, err);
done:
    return st;
}

const mms_task mms_task_flagmanager = {
    .name = "flagmanager",
    .summary = "save, restore, list, compare flag versions of a MeasurementSet or Multi-MS",
    .params = params,
    .params_size = sizeof(struct flagmanager),
    .in_place = true,
    .run = run,
    .print = mms_version_print,
    .unit = mms_flag_unit,
    .details = "Examples:\n"
               "  multims flagmanager x.mms save before_rflag --comment 'as it came'\n"
               "  multims flagmanager x.mms\n"
               "  multims flagmanager x.mms restore before_rflag\n"
               "  multims flagmanager x.mms diff before_rflag main\n",
};
