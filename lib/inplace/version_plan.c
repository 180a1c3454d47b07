/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file version_plan.c  What a dry run says of flag versions. */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "ms/columns.h"
#include "plan_priv.h"

static bool has_version(const mms_value *list, const char *name)
{
    const mms_value *version;
    size_t i;

    json_array_foreach(list, i, version)
    {
        const char *const text = json_string_value(json_array_get(version, 0));
        if (text && !strcmp(text, name))
            return true;
    }
    return false;
}

/** All rows: those that are read, or (restores) written and kept. */
static mms_status plan_rows(mms_ms *ms, bool restores, mms_value *result, mms_error *err)
{
    mms_value *const columns = json_pack("[s, s]", MMS_COL_FLAG, MMS_COL_FLAG_ROW);
    mms_value *const changed = json_object(), *name;
    mms_planned planned = {0};
    mms_flag_set set = {0};
    size_t i;
    mms_status st;

    MMS_TRY(mms_flag_set_open(ms, &set, err));
    MMS_TRY(mms_planned_open(&set, &planned, err));
    MMS_TRY(mms_planned_add(&planned, NULL, err));
    MMS_TRY(mms_planned_tell(&planned, columns, restores ? NULL : columns, NULL, result, err));
    json_array_foreach(columns, i, name) if (restores)
        json_object_set_new(changed, json_string_value(name), json_string("changed"));
    json_object_set(result, "columns", changed);
done:
    mms_planned_close(&planned);
    mms_flag_set_close(&set);
    json_decref(columns);
    json_decref(changed);
    return st;
}

static mms_status plan_set(const mms_change_request *how, const mms_version_plan *p,
                           mms_value *result, mms_error *err)
{
    const bool restores = !strcmp(p->mode, "restore");
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_change_open_set(how, &ms, err));
    if (restores)
        MMS_TRY(mms_version_check(ms, p->name, err));
    MMS_TRY(plan_rows(ms, restores, result, err));
done:
    mms_ms_close(&ms);
    return st;
}

static mms_status check_rename(const mms_version_plan *p, const mms_value *list, mms_error *err)
{
    if (!has_version(list, p->old))
        return mms_fail(err, MMS_ERR_ARG, "No such flagversions: %s", p->old);
    return has_version(list, p->name)
               ? mms_fail(err, MMS_ERR_ARG, "Flagversions %s already exists!", p->name)
               : MMS_OK;
}

mms_status mms_version_plan_run(const mms_change_request *how, const mms_version_plan *p,
                                mms_value *result, mms_error *err)
{
    const bool renames = !strcmp(p->mode, "rename"), deletes = !strcmp(p->mode, "delete");
    mms_value *list = NULL;
    mms_undo *none;
    mms_status st;

    MMS_TRY(mms_change_recover(how, false, &none, err));
    MMS_TRY(mms_version_check_name(p->name, err));
    MMS_TRY(mms_versions_read(how->vis, &list, err));
    if (renames)
        MMS_TRY(check_rename(p, list, err));
    else if (!deletes)
        MMS_TRY(plan_set(how, p, result, err));
    json_object_set_new(result, "vis", mms_text_value(how->vis));
    json_object_set_new(result, "mode", json_string(p->mode));
    json_object_set_new(result, "version", mms_text_value(p->name));
    json_object_set_new(result, "exists", json_boolean(has_version(list, p->name)));
    if (renames)
        json_object_set_new(result, "oldname", mms_text_value(p->old));
    json_object_set_new(result, "dryrun", json_true());
done:
    mms_value_free(&list);
    return st;
}
