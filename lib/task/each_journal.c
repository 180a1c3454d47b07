/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_journal.c  What a run of each has done, kept until all of it is. */
#include "each_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files_priv.h"

#define RUN_FILE "run.json"

struct mms_each_journal {
    char *folder;
    int lock; /* run.json, open: other runs see that it is in use */
};

/* ---- fingerprint ---- */

struct print {
    int64_t bytes, files, newest_ns;
};

/* Locks change when a table is only read. */
static mms_status add_file(void *ctx, const char *path, int64_t bytes, mms_error *err)
{
    struct print *const print = ctx;
    const char *const base = strrchr(path, '/');
    struct stat info;

    (void)err;
    if ((base && !strcmp(base, "/table.lock")) || lstat(path, &info))
        return MMS_OK;
    const int64_t ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    print->bytes += bytes;
    print->files++;
    if (ns > print->newest_ns)
        print->newest_ns = ns;
    return MMS_OK;
}

/* What changes when a part is written to; NULL when it can't be read. */
static mms_value *fingerprint(const char *vis)
{
    struct print print = {0};

    if (mms_tree_visit(vis, add_file, &print, NULL) != MMS_OK)
        return NULL;
    return json_pack("[I, I, I]", (json_int_t)print.bytes, (json_int_t)print.files,
                     (json_int_t)print.newest_ns);
}

/* ---- files ---- */

static char *done_path(const char *folder, int64_t index)
{
    return mms_format("%s/%06" PRId64 ".done", folder, index);
}

static mms_value *read_object(const char *folder, const char *name)
{
    char *const path = mms_format("%s/%s", folder, name);
    mms_value *value = NULL;

    if (path && mms_value_read(path, &value, NULL) != MMS_OK)
        value = NULL;
    free(path);
    return value;
}

mms_status mms_each_journal_note(const char *folder, int64_t index, const char *vis,
                                 const mms_value *answer, mms_error *err)
{
    char *const path = done_path(folder, index);
    char *const part = path ? mms_format("%s.new", path) : NULL;
    mms_value *const print = fingerprint(vis);
    mms_value *note = json_pack("{s:o*, s:O}", "fingerprint", print, "answer", answer);
    mms_status st;

    if (!part || !note)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    (void)unlink(part);
    MMS_TRY(mms_value_write(note, part, err));
    if (rename(part, path))
        st = mms_fail_errno(err, errno, "%s", path);
done:
    mms_value_free(&note);
    free(part);
    free(path);
    return st;
}

mms_value *mms_each_journal_find(const mms_each_journal *journal, int64_t index, const char *vis,
                                 const char *name)
{
    char *const path = journal ? done_path(journal->folder, index) : NULL;
    mms_value *note = NULL, *now = NULL, *answer = NULL;

    if (path && mms_value_read(path, &note, NULL) == MMS_OK) {
        now = fingerprint(vis);
        if (now && json_equal(now, json_object_get(note, "fingerprint")))
            answer = json_incref(json_object_get(note, "answer"));
        else
            mms_log(MMS_LOG_WARN, "each", "%s was changed since it was done: it is run again",
                    name);
    }
    mms_value_free(&note);
    mms_value_free(&now);
    free(path);
    return answer;
}

/* ---- open, close ---- */

static mms_status take_lock(mms_each_journal *j, mms_error *err)
{
    char *const path = mms_format("%s/" RUN_FILE, j->folder);

    if (!path)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    j->lock = open(path, O_RDWR | O_CLOEXEC);
    free(path);
    if (j->lock >= 0 && flock(j->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        return mms_fail(err, MMS_ERR_ARG,
                        "another run of each is at work on this set: %s is locked", j->folder);
    return MMS_OK;
}

static int64_t count_done(const char *folder)
{
    struct print print = {0};

    return mms_tree_visit(folder, add_file, &print, NULL) == MMS_OK && print.files ? print.files - 1
                                                                                   : 0;
}

static mms_status begin_anew(mms_each_journal *j, const mms_value *key, mms_error *err)
{
    char *const path = mms_format("%s/" RUN_FILE, j->folder);
    mms_status st;

    if (!path)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(mms_remove_tree(j->folder, err));
    MMS_TRY(mms_make_folder(j->folder, err));
    MMS_TRY(mms_value_write(key, path, err));
    if (j->lock >= 0)
        close(j->lock);
    st = take_lock(j, err);
done:
    free(path);
    return st;
}

/* What an earlier run left: go on with it, or tell of it and begin anew. */
static mms_status take_over(mms_each_journal *j, const mms_value *key, bool resume, mms_error *err)
{
    mms_value *const other = read_object(j->folder, RUN_FILE);
    const bool same = other && json_equal(other, key);
    char *const words =
        other ? mms_value_text(json_object_get(other, "program"), 0) : strdup("unknown");
    mms_status st = MMS_OK;

    if (resume && same)
        mms_log(MMS_LOG_INFO, "each", "goes on with the run that was not finished: %lld parts done",
                (long long)count_done(j->folder));
    else if (resume)
        st = mms_fail(err, MMS_ERR_ARG,
                      "resume: the run that was not finished is another one, of %s over these or "
                      "other parts; without --resume this one begins anew and forgets that",
                      words ? words : "?");
    else
        mms_log(MMS_LOG_WARN, "each",
                "an earlier run was not finished (%lld parts done): all parts are run; --resume "
                "would have gone on with it",
                (long long)count_done(j->folder));
    if (st == MMS_OK && !(resume && same))
        st = begin_anew(j, key, err);
    free(words);
    json_decref(other);
    return st;
}

static char *folder_of(const char *first)
{
    char *const dir = mms_path_dir(first), *const base = mms_path_base(first);
    char *const folder = dir && base ? mms_format("%s/.%s.mms-each", dir, base) : NULL;

    free(dir);
    free(base);
    return folder;
}

mms_status mms_each_journal_open(const char *first, const mms_value *key, bool resume,
                                 mms_each_journal **out, mms_error *err)
{
    mms_each_journal *j = mms_alloc(1, sizeof *j);
    bool there = false;
    mms_status st = MMS_OK;

    *out = j;
    if (j) {
        j->lock = -1;
        j->folder = folder_of(first);
    }
    if (!j || !j->folder)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(mms_path_taken(j->folder, &there, err));
    if (there) {
        MMS_TRY(take_lock(j, err));
        MMS_TRY(take_over(j, key, resume, err));
    } else {
        if (resume)
            mms_log(MMS_LOG_INFO, "each", "there is no unfinished run: all parts are run");
        mms_error why;
        if (begin_anew(j, key, &why) != MMS_OK) {
            mms_log(MMS_LOG_WARN, "each", "no --resume later: %s", why.msg);
            mms_each_journal_close(out, 0, 0);
        }
    }
done:
    if (st != MMS_OK && *out) {
        if ((*out)->lock >= 0)
            close((*out)->lock);
        free((*out)->folder);
        free(*out);
        *out = NULL;
    }
    return st;
}

const char *mms_each_journal_folder(const mms_each_journal *journal)
{
    return journal->folder;
}

void mms_each_journal_close(mms_each_journal **journal, int64_t done, int64_t parts)
{
    mms_each_journal *const j = *journal;
    mms_error err;

    *journal = NULL;
    if (!j)
        return;
    if (done > 0 && done < parts)
        mms_log(MMS_LOG_INFO, "each",
                "%lld of %lld parts are done; the same command with --resume goes on",
                (long long)done, (long long)parts);
    else if (mms_remove_tree(j->folder, &err) != MMS_OK)
        mms_log(MMS_LOG_WARN, "each", "%s", err.msg);
    if (j->lock >= 0)
        close(j->lock);
    free(j->folder);
    free(j);
}
