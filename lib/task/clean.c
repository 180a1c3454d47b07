/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file clean.c  The task clean: what a run that was killed in the middle has left (design D23).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "each_priv.h"
#include "engine/journal.h"
#include "inplace/inplace.h"
#include "task_priv.h"

struct clean {
    const char *vis;
    bool restore;
};

#define AT(member) offsetof(struct clean, member)

static const mms_param params[] = {
    {"vis", MMS_PATH, AT(vis), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "Input MeasurementSet or Multi-MS, or the folder OUTPUT.multims of a run that was not "
            "finished, which is removed with what the run has staged"},
    {"restore", MMS_BOOL, AT(restore), .init = "False",
     .doc = "Bring the data back as they were before the run that was killed"},
    {0},
};

/** The parts of which a run of each makes copies, by its journal; a new reference. */
static mms_value *copied_parts(const char *folder)
{
    mms_journal_view view = {0};
    const mms_value *key = NULL;
    mms_value *parts = NULL;

    if (mms_journal_read(folder, &view, NULL) == MMS_OK)
        key = json_object_get(mms_journal_record(view.records, "begin"), "key");
    if (json_is_true(json_object_get(key, "staged")))
        parts = json_incref(json_object_get(key, "part"));
    mms_value_free(&view.records);
    return parts;
}

static void remove_copy(const char *part)
{
    char *const copy = part ? mms_each_copy_path(part) : NULL;
    char *const note = copy ? mms_each_note_path(copy, NULL) : NULL;

    if (part)
        mms_each_mend(part);
    if (note)
        mms_each_drop_note(note);
    if (copy)
        (void)!mms_remove_tree(copy, NULL);
    free(note);
    free(copy);
}

/** The journal of a run that was not finished, and what it has staged. */
static mms_status remove_run(mms_run *run, const char *folder, mms_error *err)
{
    mms_value *const parts = copied_parts(folder);
    mms_status st;

    run->wrote = true;
    st = mms_journal_remove(folder, err);
    for (size_t i = 0; st == MMS_OK && i < json_array_size(parts); i++)
        remove_copy(json_string_value(json_array_get(parts, i)));
    json_decref(parts);
    return st;
}

static void tell_removed(const char *name, mms_value *result)
{
    json_object_set_new(result, "vis", mms_text_value(name));
    json_object_set_new(result, "removed", json_true());
}

static mms_status recover(mms_run *run, const struct clean *p, mms_value *result, mms_error *err)
{
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

/** The journal of work in place, which has nothing left to go on with. */
static mms_status remove_journal(const char *folder, mms_error *err)
{
    mms_journal_view view = {0};
    const char *task;
    mms_status st = mms_journal_read(folder, &view, err);

    if (st != MMS_OK)
        return st;
    task = json_string_value(json_object_get(mms_journal_record(view.records, "begin"), "task"));
    if (task && strcmp(task, "each") != 0 && mms_task_is_in_place(task))
        st = mms_journal_remove(folder, err);
    mms_value_free(&view.records);
    return st;
}

/** A journal beside a set that is there is that of each, or of work in place, and goes when it is
 * named itself. */
static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct clean *const p = arg;
    bool itself;
    char *const folder = mms_journal_locate(p->vis, &itself);
    const bool emptied = !folder && mms_journal_remove_empty(p->vis);
    const bool alone = (folder && itself) || access(p->vis, F_OK);
    mms_status st = MMS_OK;

    mms_each_remove_scratch();
    if (folder && alone)
        st = remove_run(run, folder, err);
    else if (!emptied || !alone)
        st = recover(run, p, result, err);
    if (st == MMS_OK && alone && (folder || emptied))
        tell_removed(folder && !itself ? folder : p->vis, result);
    if (st == MMS_OK && folder && !itself && p->restore && !access(p->vis, F_OK))
        st = remove_journal(folder, err);
    if (st == MMS_OK && folder && !alone && !access(folder, F_OK))
        json_object_set_new(result, "unfinished", mms_text_value(folder));
    free(folder);
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    const char *vis = json_string_value(json_object_get(result, "vis"));
    const char *unfinished = json_string_value(json_object_get(result, "unfinished"));

    if (json_is_true(json_object_get(result, "removed")))
        fprintf(out, "%s: what a run that was not finished has left is removed\n", vis);
    else if (json_is_true(json_object_get(result, "dirty")))
        fprintf(out, "%s: a run was killed in the middle; --restore brings the old data back\n",
                vis);
    else if (unfinished && !json_is_true(json_object_get(result, "restored")))
        fprintf(out, "%s: the data are whole; %s has the journal of a run that is not finished\n",
                vis, unfinished);
    else
        fprintf(out, "%s: %s\n", vis,
                json_is_true(json_object_get(result, "restored")) ? "the old data are back"
                                                                  : "nothing is left to do");
}

const mms_task mms_task_clean = {
    .name = "clean",
    .summary = "find or undo work in place that was killed, remove what runs have left",
    .params = params,
    .params_size = sizeof(struct clean),
    .in_place = true,
    .run = run,
    .print = print,
    .details = "Examples:\n  multims clean x.mms --restore\n"
               "  multims clean out.mms.multims\n",
};
