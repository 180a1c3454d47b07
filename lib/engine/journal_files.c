/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file journal_files.c  The folder of a journal: what stands there for people, the plan and what
 * the run said, and what is others'. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/fingerprint_priv.h"
#include "base/log_priv.h"
#include "journal_priv.h"

/* ---- the plan ---- */

static mms_value *describe(const mms_value *unit)
{
    char *const text = mms_value_text(unit, 0);
    char key[16] = "";

    if (text)
        snprintf(key, sizeof key, "%08x", mms_crc32(text, strlen(text)));
    free(text);
    return json_pack("{s:s, s:O*}", "key", key, "bytes", json_object_get(unit, "bytes"));
}

void mms_journal_plan(mms_journal *j, int64_t n, const char *const *names, mms_value *const *units)
{
    char *const path = j ? mms_format("%s/" MMS_PLAN_FILE, j->folder) : NULL;
    char *text = NULL;

    if (!path)
        return;
    for (int64_t i = 0; i < n; i++) {
        char *const name = mms_readable(names[i]); /* a key is UTF-8 */
        if (name)
            json_object_set_new(j->plan, name, describe(units[i]));
        free(name);
    }
    mms_value *const all = json_pack("{s:s, s:O}", "task", j->task, "units", j->plan);
    text = mms_value_text(all, 1);
    if (text && mms_replace_file(path, text, (int64_t)strlen(text), NULL) != MMS_OK)
        mms_log(MMS_LOG_DEBUG, j->task, "%s can't be written", path);
    json_decref(all);
    free(text);
    free(path);
}

/* ---- the log ---- */

static void take_line(void *ctx, mms_level level, const char *scope, const char *text)
{
    const mms_journal *const j = ctx;

    mms_log_stamp(j->log, level, scope);
    fprintf(j->log, "%s\n", text);
    fflush(j->log); /* a killed run leaves its last line */
}

void mms_journal_begin_log(mms_journal *j)
{
    char *const folder = mms_format("%s/" MMS_LOGS_FOLDER, j->folder);
    char *const path = mms_format("%s/" MMS_LOGS_FOLDER "/" MMS_LOG_FILE, j->folder);

    if (folder && path && (!mkdir(folder, 0777) || errno == EEXIST))
        j->log = fopen(path, "ae");
    if (j->log)
        mms_log_also(take_line, j, MMS_LOG_INFO);
    free(path);
    free(folder);
}

void mms_journal_end_log(mms_journal *j)
{
    if (!j->log)
        return;
    mms_log_also(NULL, NULL, MMS_LOG_ERROR);
    fclose(j->log);
    j->log = NULL;
}

/* ---- the folder ---- */

static const char *const files[] = {MMS_LOGS_FOLDER "/" MMS_LOG_FILE, MMS_SUMMARY_FILE,
                                    MMS_PLAN_FILE, MMS_JOURNAL_FILE};

/* While a folder is made, or removed, and has no journal, that is beside it, by which others know
 * whose the empty folder is. */
#define MAKING "new"
#define ENDING "end"

/* The place of the journal beside its folder, as a new text. */
static char *beside(const char *folder, const char *when)
{
    char *const dir = mms_path_dir(folder), *const base = mms_path_base(folder);
    char *const path = dir && base ? mms_format("%s/.%s-%s", dir, base, when) : NULL;

    free(base);
    free(dir);
    return path;
}

mms_status mms_journal_make_folder(const char *folder, bool *made, mms_error *err)
{
    char *const path = mms_format("%s/" MMS_JOURNAL_FILE, folder), *const mark =
                                                                       beside(folder, MAKING);
    const int fd =
        mark && access(folder, F_OK) ? open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    const int failed = mkdir(folder, 0777) ? errno : 0;
    mms_status st = path && mark ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");

    if (st == MMS_OK && failed && failed != EEXIST)
        st = mms_fail_errno(err, failed, "%s", folder);
    *made = *made || !failed;
    if (fd >= 0 && (failed || mms_rename_new(mark, path))) // never over another run's
        (void)unlink(mark);
    if (fd >= 0)
        close(fd);
    free(path);
    free(mark);
    return st;
}

static void remove_folder(const char *folder, bool stays, const char *task)
{
    char *const path = mms_format("%s/" MMS_JOURNAL_FILE, folder), *const mark =
                                                                       beside(folder, ENDING);

    if (path && (!mark || rename(path, mark)))
        (void)unlink(path);
    if (!stays && rmdir(folder) && errno == ENOTEMPTY)
        mms_log(MMS_LOG_DEBUG, task, "%s is not empty", folder);
    if (mark)
        (void)unlink(mark);
    free(path);
    free(mark);
}

/* The journal goes last: a kill before leaves a folder that is known by it. */
void mms_journal_clear(const char *folder, bool stays, const char *task)
{
    static const char *const made[] = {MMS_LOGS_FOLDER "/" MMS_LOG_FILE, MMS_LOGS_FOLDER,
                                       MMS_SUMMARY_FILE ".new", MMS_SUMMARY_FILE, MMS_PLAN_FILE};

    for (int64_t i = 0; i < MMS_COUNT_OF(made); i++) {
        char *const path = mms_format("%s/%s", folder, made[i]);
        if (path && unlink(path) && errno == EISDIR)
            (void)rmdir(path);
        free(path);
    }
    remove_folder(folder, stays, task);
}

bool mms_journal_is_marked(const char *folder)
{
    char *const making = beside(folder, MAKING), *const ending = beside(folder, ENDING);
    const bool marked = (making && !access(making, F_OK)) || (ending && !access(ending, F_OK));

    free(making);
    free(ending);
    return marked;
}

/* One that has no record yet, nor a run that is about to write one. */
static bool remove_blank(const char *folder)
{
    char *const path = mms_format("%s/" MMS_JOURNAL_FILE, folder);
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    struct stat info;
    const bool removed = fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &info) &&
                         info.st_size == 0 && !unlink(path);

    if (fd >= 0)
        close(fd);
    free(path);
    return removed;
}

/* Remove the mark of a folder. */
static bool remove_mark(const char *folder, const char *when)
{
    char *const mark = beside(folder, when);
    const bool removed = mark && !unlink(mark);

    free(mark);
    return removed;
}

bool mms_journal_remove_empty(const char *name)
{
    char *const whole = mms_path_absolute(name);
    char *const folder = whole ? mms_path_strip(whole) : NULL;
    char *const its = folder ? mms_format("%s" MMS_JOURNAL_SUFFIX, folder) : NULL;
    const size_t n = folder ? strlen(folder) : 0, suffix = strlen(MMS_JOURNAL_SUFFIX);
    const bool itself = n > suffix && !strcmp(folder + n - suffix, MMS_JOURNAL_SUFFIX);
    const char *const empty = itself ? folder : its;
    bool ours = its && remove_blank(empty);

    ours = (its && remove_mark(empty, MAKING)) || ours;
    ours = (its && remove_mark(empty, ENDING)) || ours;
    if (ours)
        (void)rmdir(empty);
    free(its);
    free(folder);
    free(whole);
    return ours;
}

/* A journal is there before any other of the files, and goes after them: without it they are
 * others'.  One that is empty is ours: the disk was full. */
mms_status mms_journal_refuse_foreign(const mms_journal *j, mms_error *err)
{
    static const char start[] = "{\"ev\":\"begin\"";
    char found[sizeof start];
    const ssize_t n = pread(j->fd, found, sizeof start - 1, 0);
    const bool ours = n > 0 && !memcmp(found, start, (size_t)n), made = j->made && n == 0;
    const char *foreign = n > 0 && !ours ? MMS_JOURNAL_FILE : NULL;

    for (int64_t i = 0; i < MMS_COUNT_OF(files) - 1 && made && !foreign; i++) {
        char *const path = mms_format("%s/%s", j->folder, files[i]);
        if (!path || !access(path, F_OK))
            foreign = files[i];
        free(path);
    }
    if (!foreign)
        return MMS_OK;
    char *const path = made ? mms_format("%s/" MMS_JOURNAL_FILE, j->folder) : NULL;
    if (path)
        (void)unlink(path);
    free(path);
    return mms_fail(err, MMS_ERR_EXISTS,
                    "%s/%s is no run's: it is not written over; name another folder or move it",
                    j->folder, foreign);
}
