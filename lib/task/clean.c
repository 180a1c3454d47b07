/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file clean.c  The task clean: what a run that was killed in the middle has left (design D23).
 */
#include "inplace/inplace.h"
#include "task_priv.h"

struct clean {
    const char *vis;
    bool restore;
};

#define AT(member) offsetof(struct clean, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct clean, vis),
    {"restore", MMS_BOOL, AT(restore), .init = "False",
     .doc = "Bring the data back as they were before the run that was killed"},
    {0},
};

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct clean *p = arg;
    bool found = false;
    mms_status st;

    run->wrote = p->restore;
    st = mms_undo_recover(p->vis, p->restore, &found, err);
    if (st != MMS_OK)
        return st;
    json_object_set_new(result, "vis", mms_text_value(p->vis));
    json_object_set_new(result, "dirty", json_boolean(found && !p->restore));
    json_object_set_new(result, "restored", json_boolean(found && p->restore));
    return MMS_OK;
}

static void print(const mms_value *result, FILE *out)
{
    const char *vis = json_string_value(json_object_get(result, "vis"));

    if (json_is_true(json_object_get(result, "dirty")))
        fprintf(out, "%s: a run was killed in the middle; --restore brings the old data back\n",
                vis);
    else
        fprintf(out, "%s: %s\n", vis,
                json_is_true(json_object_get(result, "restored")) ? "the old data are back"
                                                                  : "nothing is left to do");
}

const mms_task mms_task_clean = {
    .name = "clean",
    .summary = "find or undo work in place that was killed in the middle",
    .params = params,
    .params_size = sizeof(struct clean),
    .in_place = true,
    .run = run,
    .print = print,
    .details = "Examples:\n  multims clean x.mms --restore\n",
};
