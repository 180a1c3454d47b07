/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file resume.c  Goes on with a request that another run has begun (docs/resuming.md). */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/fingerprint_priv.h"
#include "base/tree_priv.h"
#include "base/utf8_priv.h"
#include "base/walk_priv.h"
#include "request_priv.h"

/** What has to be equal to go on: the parameters that matter, and the input if there is one.  Its
 *  path becomes a key, which has to be UTF-8. */
static mms_value *key_of(const mms_host *host, const char *vis)
{
    char *const path = vis ? mms_path_absolute(vis) : NULL;
    char *const name = path ? mms_readable(path) : NULL;
    mms_value *const print = path ? mms_fingerprint(path) : NULL;
    mms_value *key = NULL;

    if (!vis)
        key = json_pack("{s:O}", "parameter", host->parameters);
    else if (name)
        key = json_pack("{s:O, s:{s:O*}}", "parameter", host->parameters, "input", name, print);
    json_decref(print);
    free(name);
    free(path);
    return key;
}

mms_journal_opts mms_host_journal(const mms_host *host, const char *output, const mms_value *key)
{
    return (mms_journal_opts){.output = output,
                              .task = host->task,
                              .request = host->request,
                              .key = key,
                              .folder = host->job_dir,
                              .summary = host->summary,
                              .inner = host->inner};
}

static mms_status open_journal(const mms_host *host, const char *output, const char *vis,
                               const mms_how *how, mms_journal **out, mms_error *err)
{
    mms_value *const key = key_of(host, vis);
    mms_journal_opts opts = mms_host_journal(host, output, key);
    mms_status st = MMS_OK;

    opts.sync = how->sync;
    opts.resume = how->resume;
    *out = NULL;
    if (!key)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", output);
    else if (!host->within)
        st = mms_journal_open(&opts, out, err);
    json_decref(key);
    return st;
}

mms_status mms_output_open_stage(const mms_host *host, const char *output, const char *vis,
                                 const mms_how *how, mms_stage **stage, mms_journal **journal,
                                 mms_error *err)
{
    const char *staged;
    mms_status st = MMS_OK;

    *stage = NULL;
    *journal = NULL;
    if (!how->resume) // what stands in the way of the folder is said of it
        MMS_TRY(mms_stage_create(output, stage, err));
    MMS_TRY(open_journal(host, output, vis, how, journal, err));
    staged = mms_journal_resumes(*journal) ? mms_journal_staged(*journal) : NULL;
    st = staged ? mms_stage_adopt(output, staged, stage, err) : MMS_OK;
    if (st == MMS_ERR_LOCKED) { // it ends, but has not ended yet: its journal and folder stay
        mms_journal_end(journal, st, true, NULL);
        return st;
    }
    if (st != MMS_OK) {
        mms_log(mms_journal_ndone(*journal) ? MMS_LOG_WARN : MMS_LOG_DEBUG, host->task,
                "what was staged is lost, all is done again: %s", err->msg);
        mms_journal_forget(*journal);
    }
    if (!*stage)
        MMS_TRY(mms_stage_create(output, stage, err));
    mms_journal_add(*journal, "staged",
                    json_pack("{s:o}", "path", mms_text_value(mms_stage_path(*stage))));
done:
    return st;
}

void mms_output_end_stage(const mms_host *host, mms_status st, bool keepscratch, mms_stage **stage,
                          mms_journal **journal)
{
    const bool broken_off = st == MMS_ERR_STOPPED || st == MMS_ERR_WORKER;
    bool kept;

    if (st == MMS_OK) // the journal goes last: without it nothing is left to do
        mms_stage_remove(stage);
    mms_journal_end(journal, st, st != MMS_OK && (broken_off || keepscratch), &kept);
    if (st != MMS_OK && *stage && keepscratch)
        mms_log(MMS_LOG_INFO, host->task, "the unfinished output is kept in %s",
                mms_stage_path(*stage));
    if (st != MMS_OK && *stage && (kept || keepscratch))
        mms_stage_keep(stage);
    mms_stage_remove(stage);
}

mms_status mms_output_clear(const char *folder, const char *const *but, mms_error *err)
{
    DIR *const list = opendir(folder);
    struct dirent *entry;
    mms_status st = MMS_OK;

    if (!list)
        return errno == ENOENT ? MMS_OK : mms_fail_errno(err, errno, "%s", folder);
    while (st == MMS_OK && (entry = readdir(list))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
            mms_names_have(but, entry->d_name))
            continue;
        char *const path = mms_format("%s/%s", folder, entry->d_name);
        st = path ? mms_remove_tree(path, err) : mms_fail(err, MMS_ERR_MEM, "out of memory");
        free(path);
    }
    closedir(list);
    return st;
}

mms_status mms_output_restore_history(const char *first, const char *tables, mms_error *err)
{
    char *const path = mms_format("%s/HISTORY", first), *from = mms_format("%s/HISTORY", tables);
    mms_status st;

    MMS_TRY(path && from ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(mms_remove_tree(path, err));
    if (!access(from, F_OK))
        st = mms_copy_tree(from, path, err);
done:
    free(from);
    free(path);
    return st;
}

/* ---- a run that was killed while it gave the output its name ----
 * The output is there; its flag versions may still be staged. */

/** Rename what is still staged but belongs beside the output. */
static mms_status publish_rest(const char *staged, const char *output, mms_error *err)
{
    char *const base = mms_path_base(output);
    char *const from = base ? mms_format("%s/%s.flagversions", staged, base) : NULL;
    char *const to = mms_format("%s.flagversions", output);
    mms_status st = MMS_OK;

    if (!from || !to)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    if (!access(from, F_OK) && access(to, F_OK) && rename(from, to))
        st = mms_fail_errno(err, errno, "%s: cannot rename %s to it", to, from);
done:
    free(to);
    free(from);
    free(base);
    return st;
}

/** A folder that the user names may have the journal of another output. */
static bool is_of(const mms_host *host, const char *output, const mms_value *records)
{
    const mms_value *const begin = mms_journal_record(records, "begin");
    const char *const of = json_string_value(json_object_get(begin, "output"));

    return !*host->job_dir || (of && !strcmp(of, output));
}

/** Whether a complete output is what is asked for now; what differs is told. */
static bool is_as_asked(const mms_host *host, const char *vis, const char *outputvis,
                        const mms_value *records)
{
    const mms_value *const begin = mms_journal_record(records, "begin");
    const char *const task = json_string_value(json_object_get(begin, "task"));
    mms_value *const key = key_of(host, vis);
    char *const against = task && strcmp(task, host->task)
                              ? mms_format("the verb (%s)", task)
                              : mms_journal_difference(json_object_get(begin, "key"), key);
    const bool same = key && !against;

    if (against)
        mms_log(MMS_LOG_WARN, host->task,
                "resume: %s is complete, but %s is not what it was when it was made: remove it to "
                "make it anew",
                outputvis, against);
    json_decref(key);
    free(against);
    return same;
}

static mms_status finish_published(const char *folder, bool stays, const char *output,
                                   const mms_value *records, bool *was, mms_error *err)
{
    const char *const staged =
        json_string_value(json_object_get(mms_journal_record(records, "staged"), "path"));
    char *const base = mms_path_base(output);
    char *const inner = base && staged ? mms_format("%s/%s", staged, base) : NULL;
    mms_status st = MMS_OK;

    *was = mms_journal_record(records, "publishing") && inner && access(inner, F_OK);
    if (*was) {
        MMS_TRY(publish_rest(staged, output, err));
        if (!stays)
            MMS_TRY(mms_journal_remove(folder, err));
    }
done:
    free(inner);
    free(base);
    return st;
}

/** The folder of an output's journal; NULL: no memory. */
static char *journal_of(const mms_host *host, const char *output)
{
    return *host->job_dir ? strdup(host->job_dir) : mms_format("%s" MMS_JOURNAL_SUFFIX, output);
}

mms_status mms_output_take_published(const mms_host *host, const char *vis, const char *outputvis,
                                     mms_value *result, bool *was, mms_error *err)
{
    char *const output = mms_path_absolute(outputvis);
    const bool stays = *host->job_dir;
    char *const folder = output ? journal_of(host, output) : NULL;
    mms_journal_view view = {0};
    mms_status st = MMS_OK;

    *was = false;
    if (!folder || access(output, F_OK))
        goto done;
    if (!stays)
        (void)mms_journal_remove_empty(output);
    mms_journal_settle(folder);
    if (mms_journal_read(folder, &view, NULL) != MMS_OK || view.running ||
        !is_of(host, output, view.records))
        goto done;
    MMS_TRY(finish_published(folder, stays, output, view.records, was, err));
    *was = *was && is_as_asked(host, vis, outputvis, view.records);
    if (*was)
        (void)json_object_update(
            result, json_object_get(mms_journal_record(view.records, "publishing"), "result"));
    if (*was && stays) // its journal stays as it is
        json_object_set_new(host->summary, "complete", json_true());
    if (*was)
        mms_log(MMS_LOG_INFO, host->task,
                stays ? "%s is complete: nothing is left to do"
                      : "%s was complete: the run that made it ended before it could say so",
                outputvis);
done:
    mms_value_free(&view.records);
    free(folder);
    free(output);
    return st;
}

bool mms_output_was_beside(const mms_host *host, const char *vis, const char *outputvis,
                           const char *beside)
{
    char *const output = mms_path_absolute(outputvis);
    char *const folder = output ? journal_of(host, output) : NULL;
    mms_journal_view view = {0};
    bool was = folder && !access(beside, F_OK);

    if (was)
        mms_journal_settle(folder);
    was =
        was && mms_journal_read(folder, &view, NULL) == MMS_OK && is_of(host, output, view.records);
    was = was && is_as_asked(host, vis, beside, view.records);
    mms_value_free(&view.records);
    free(folder);
    free(output);
    return was;
}

/* ---- room -------------------------------------------------------------------------------------*/

static mms_status add_blocks(void *bytes, const mms_walked *met, mms_error *err)
{
    enum { BLOCK = 512 }; // of st_blocks, whatever the disk's are

    (void)err;
    *(int64_t *)bytes += (int64_t)met->info->st_blocks * BLOCK;
    return MMS_OK;
}

mms_status mms_output_room(const mms_host *host, const char *outputvis, const mms_how *how,
                           int64_t *bytes, mms_error *err)
{
    char *const output = mms_path_absolute(outputvis);
    char *const folder = output && how->resume ? journal_of(host, output) : NULL;
    mms_journal_view view = {0};
    int64_t held = 0;
    const mms_status st = mms_disk_free(outputvis, bytes, err);

    if (folder && mms_journal_read(folder, &view, NULL) == MMS_OK &&
        is_of(host, output, view.records)) {
        const char *const staged =
            json_string_value(json_object_get(mms_journal_record(view.records, "staged"), "path"));
        if (staged)
            (void)!mms_walk(staged, MMS_WALK_GONE, add_blocks, &held, NULL);
    }
    *bytes += held < INT64_MAX - *bytes ? held : 0;
    mms_value_free(&view.records);
    free(folder);
    free(output);
    return st;
}
