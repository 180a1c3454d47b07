/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file journal.c  What a run has done, a line a record, so that another can go on with it. */
#include "journal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/blackbox_priv.h"
#include "base/files_priv.h"
#include "base/fingerprint_priv.h"
#include "engine_priv.h"

/* `,"crc":"0123abcd"}` ends each line. */
#define CRC_FORMAT ",\"crc\":\"%08x\"}"
enum { CRC_LENGTH = 18 };

/* ---- records ---- */

/* Whether a unit that is done is a part: sub-tables are none. */
static bool counts(const mms_value *done)
{
    return done && !json_is_true(json_object_get(done, "aside"));
}

static void take_record(mms_journal *j, mms_value *record)
{
    const char *const event = json_string_value(json_object_get(record, "ev"));
    const char *const unit = json_string_value(json_object_get(record, "unit"));

    if (!event)
        return;
    json_object_set_nocheck(j->last, event, record);
    j->over = !strcmp(event, "end");
    if (unit && !strcmp(event, "failed"))
        json_object_set_nocheck(j->failed, unit, json_object_get(record, "message"));
    if (strcmp(event, "done") && strcmp(event, "undone"))
        return;
    j->nth += !strcmp(event, "done");
    json_object_del(j->failed, unit ? unit : "");
    j->ndone -= counts(json_object_get(j->done, unit ? unit : ""));
    if (unit && !strcmp(event, "done"))
        json_object_set_nocheck(j->done, unit, record);
    else if (unit)
        json_object_del(j->done, unit);
    j->ndone += counts(json_object_get(j->done, unit ? unit : ""));
}

/* The text of a record with its sum, or NULL. */
static char *line_of(const mms_value *record)
{
    char *const text = mms_value_text(record, 0);
    const size_t n = text ? strlen(text) : 0;
    char *line = NULL;

    if (n > 1) {
        const unsigned crc = mms_crc32(text, n);
        text[n - 1] = '\0';
        line = mms_format("%s" CRC_FORMAT "\n", text, crc);
    }
    free(text);
    return line;
}

/* The record of a line of n bytes, NULL when it is torn. */
static mms_value *record_of(const char *line, size_t n)
{
    char want[CRC_LENGTH + 1], *text;
    mms_value *record = NULL;

    if (n <= CRC_LENGTH || !(text = strndup(line, n)))
        return NULL;
    text[n - CRC_LENGTH] = '}';
    text[n - CRC_LENGTH + 1] = '\0';
    snprintf(want, sizeof want, CRC_FORMAT, mms_crc32(text, n - CRC_LENGTH + 1));
    if (memcmp(want, line + n - CRC_LENGTH, CRC_LENGTH) ||
        mms_value_parse(text, &record, NULL) != MMS_OK)
        record = NULL;
    free(text);
    return record;
}

/* The records of a journal up to the first line that is torn, how many bytes they are, and whether
 * whole lines follow: such a line is no last one of a run that was killed. */
static mms_status read_records(int fd, const char *path, mms_value **records, int64_t *good,
                               bool *damaged, mms_error *err)
{
    struct stat info;
    char *text = NULL;
    mms_status st = MMS_OK;

    *good = 0;
    *damaged = false;
    *records = json_array();
    if (fstat(fd, &info))
        return mms_fail_errno(err, errno, "%s", path);
    text = mms_alloc(info.st_size + 1, 1);
    if (!text || !*records)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    if (lseek(fd, 0, SEEK_SET) < 0)
        MMS_TRY(mms_fail_errno(err, errno, "%s", path));
    MMS_TRY(mms_read_all(fd, text, info.st_size, path, err));
    for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
        mms_value *const record = record_of(at, (size_t)(end - at));
        if (!record)
            break;
        json_array_append_new(*records, record);
        *good = end + 1 - text;
    }
    *damaged = strchr(text + *good, '\n') != NULL;
done:
    free(text);
    return st;
}

static void give_up(mms_journal *j, int errnum)
{
    mms_log(MMS_LOG_WARN, j->task, "%s can't be written (%s): no --resume of what follows",
            j->folder, strerror(errnum));
    j->broken = true;
}

void mms_journal_add(mms_journal *j, const char *event, mms_value *members)
{
    mms_value *record;
    char *line;

    if (!j || j->broken) {
        json_decref(members);
        return;
    }
    record = json_pack("{s:s, s:f}", "ev", event, "t", mms_unix_s());
    json_object_update(record, members);
    json_decref(members);
    line = line_of(record);
    if (!line)
        give_up(j, ENOMEM);
    else if (mms_write_all(j->fd, line, (int64_t)strlen(line), j->folder, NULL) != MMS_OK)
        give_up(j, errno);
    else
        take_record(j, record);
    free(line);
    json_decref(record);
}

const mms_value *mms_journal_last(const mms_journal *j, const char *event)
{
    return j ? json_object_get(j->last, event) : NULL;
}

void mms_journal_forget(mms_journal *j)
{
    const char *unit;
    mms_value *record;
    void *next;

    if (!j)
        return;
    json_object_foreach_safe(j->done, next, unit, record)
        mms_journal_add(j, "undone", json_pack("{s:o}", "unit", mms_text_value(unit)));
    j->resumes = false;
}

/* ---- units ---- */

int64_t mms_journal_ndone(const mms_journal *j)
{
    return j ? j->ndone : 0;
}

bool mms_journal_is_kept(const mms_journal *j)
{
    return j && !j->broken;
}

/* Whether what a unit wrote is as it was when it was done. */
static bool is_as_it_was(const mms_value *record, const mms_value *request)
{
    const mms_value *const before = json_object_get(record, "print");
    const bool writes = json_object_get(request, "out") || json_object_get(request, "changes");
    mms_value *const now = before && writes ? mms_unit_print(request) : NULL;
    const bool same = !writes || (before && now && json_equal(now, before));

    json_decref(now);
    return same;
}

mms_value *mms_journal_find(const mms_journal *j, const char *unit, const mms_value *request)
{
    const mms_value *const record = j && j->resumes ? json_object_get(j->done, unit) : NULL;

    if (!record)
        return NULL;
    if (is_as_it_was(record, request))
        return json_incref(json_object_get(record, "answer"));
    mms_log(MMS_LOG_WARN, j->task, "%s was changed since it was done: it is run again", unit);
    return NULL;
}

mms_value *mms_journal_changed(mms_journal *j)
{
    mms_value *const paths = json_array();
    const char *unit;
    mms_value *record;
    void *next;

    json_object_foreach_safe(j->done, next, unit, record)
    {
        const mms_value *const changes = json_object_get(record, "changes");
        if (!changes)
            continue;
        if (is_as_it_was(record, record)) {
            json_array_extend(paths, (mms_value *)changes);
            continue;
        }
        mms_log(MMS_LOG_WARN, j->task, "%s was changed since it was done: it is run again", unit);
        mms_journal_add(j, "undone", json_pack("{s:o}", "unit", mms_text_value(unit)));
    }
    return paths;
}

/* What was begun and is not part of the output's plan doesn't count as a part. */
static bool is_aside(const mms_journal *j)
{
    return !json_object_get(j->last, "plan");
}

/* Links may lead to parts on other file systems. */
static void want_synced(mms_journal *j, const mms_value *changes)
{
    for (size_t i = 0; i < json_array_size(changes); i++)
        mms_syncer_also(j->syncer, json_string_value(json_array_get(changes, i)));
    mms_syncer_want(j->syncer, j->nth);
}

void mms_journal_done(mms_journal *j, const char *unit, const mms_value *request,
                      const mms_value *answer, const mms_value *print, int worker)
{
    if (!j)
        return;
    mms_journal_add(j, "done",
                    json_pack("{s:o, s:O, s:O*, s:O*, s:i, s:b, s:I}", "unit", mms_text_value(unit),
                              "answer", answer, "print", print, "changes",
                              json_object_get(request, "changes"), "worker", worker, "aside",
                              is_aside(j), "nth", (json_int_t)j->nth + 1));
    want_synced(j, json_object_get(request, "changes"));
    mms_blackbox_set_journal(j->folder, mms_journal_ndone(j), j->stays);
}

void mms_journal_renew(mms_journal *j, const char *unit, const char *path)
{
    mms_value *const record = j ? json_object_get(j->done, unit) : NULL;
    mms_value *const print = record ? mms_fingerprint(path) : NULL;

    if (print)
        json_object_set(record, "print", print);
    json_decref(print);
}

/* ---- open ---- */

/* How often a lock is tried, every 10 ms: others look who has it, and one that was killed may not
 * have ended yet. */
enum { LOOKED_AT = 10, KILLED = 200 };

static bool is_locked(int fd, int how, int tries)
{
    const struct timespec nap = {.tv_nsec = 10000000};

    while (flock(fd, how | LOCK_NB) && errno == EWOULDBLOCK) {
        if (--tries <= 0)
            return true;
        nanosleep(&nap, NULL);
    }
    return false;
}

void mms_journal_settle(const char *folder)
{
    char *const path = mms_format("%s/" MMS_JOURNAL_FILE, folder);
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        (void)is_locked(fd, LOCK_SH, KILLED);
        close(fd);
    }
    free(path);
}

static int open_file(const char *path, bool *made)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);

    *made = fd < 0 && errno == ENOENT;
    if (*made)
        fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return fd;
}

/* Lock the file of the journal, made if it is missing; *busy: another run has it. */
static mms_status take_file(mms_journal *j, int tries, bool *busy, mms_error *err)
{
    char *const path = mms_format("%s/" MMS_JOURNAL_FILE, j->folder);
    struct stat ours, named;
    bool made = false; /* the folder */
    mms_status st = path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");

    for (int i = 0; st == MMS_OK && i < 100; i++) { /* who had it may have removed it */
        st = mms_journal_make_folder(j->folder, &made, err);
        if (st == MMS_OK)
            j->fd = open_file(path, &j->made);
        if (st == MMS_OK && j->fd < 0 && errno != ENOENT)
            st = mms_fail_errno(err, errno, "%s", path);
        if (st != MMS_OK || j->fd < 0)
            continue;
        *busy = is_locked(j->fd, LOCK_EX, tries);
        if (*busy || (!fstat(j->fd, &ours) && !stat(path, &named) && ours.st_ino == named.st_ino))
            break;
        close(j->fd);
        j->fd = -1;
    }
    if (st == MMS_OK && j->fd < 0)
        st = mms_fail(err, MMS_ERR_IO, "%s: cannot be kept open", path);
    j->found = j->made && !made && !mms_journal_is_marked(j->folder);
    free(path);
    return st;
}

/* Whether the system that had done units in memory is up still, or is another host's. */
static bool survived(const mms_journal *j, const mms_value *us)
{
    const mms_value *const last = json_object_get(j->last, "run");
    const mms_value *const owner = json_object_get(last, "owner");
    const char *const host = json_string_value(json_object_get(owner, "host"));
    const char *const boot = json_string_value(json_object_get(owner, "boot"));

    return !host || !boot || strcmp(host, json_string_value(json_object_get(us, "host"))) ||
           !strcmp(boot, json_string_value(json_object_get(us, "boot")));
}

/* Forget the units that were done, but had perhaps not reached the disk when the host ended. */
static void drop_unsynced(mms_journal *j)
{
    const json_int_t through =
        json_integer_value(json_object_get(mms_journal_last(j, "synced"), "through"));
    const int64_t before = j->ndone;
    const char *unit;
    mms_value *record;
    void *next;

    json_object_foreach_safe(j->done, next, unit, record)
    {
        const mms_value *const nth = json_object_get(record, "nth");
        if (!json_is_integer(nth) || json_integer_value(nth) > through)
            mms_journal_add(j, "undone", json_pack("{s:o}", "unit", mms_text_value(unit)));
    }
    if (j->ndone)
        mms_log(MMS_LOG_WARN, j->task,
                "this host was started anew since: of %" PRId64 " parts that were done %" PRId64
                " had certainly reached the disk",
                before, j->ndone);
}

char *mms_journal_difference(const mms_value *before, const mms_value *now)
{
    const char *name, *inner;
    mms_value *value, *old, *one;

    json_object_foreach((mms_value *)now, name, value)
    {
        old = json_object_get(before, name);
        if (json_equal(value, old))
            continue;
        if (!json_is_object(value) || !json_is_object(old))
            return mms_format("the %s", name);
        json_object_foreach(value, inner, one)
        {
            if (!json_equal(one, json_object_get(old, inner)))
                return mms_format("%s %s", name, inner);
        }
        return mms_format("the %s", name);
    }
    return NULL;
}

static mms_status begin_anew(mms_journal *j, const mms_journal_opts *opts, mms_error *err)
{
    const char *const staged = mms_journal_staged(j);
    const char *const output =
        json_string_value(json_object_get(mms_journal_last(j, "begin"), "output"));
    mms_status st = MMS_OK;

    if (staged)
        MMS_TRY(mms_stage_remove_other(output ? output : opts->output, staged, err));
    if (ftruncate(j->fd, 0))
        MMS_TRY(mms_fail_errno(err, errno, "%s", j->folder));
    json_object_clear(j->last);
    json_object_clear(j->done);
    json_object_clear(j->failed);
    j->ndone = j->nth = 0;
    mms_journal_add(j, "begin",
                    json_pack("{s:s, s:s, s:O, s:O, s:o, s:b}", "task", opts->task, "version",
                              mms_version(), "request", opts->request, "key", opts->key, "output",
                              mms_text_value(opts->output), "found", j->found));
done:
    return st;
}

/* Whose journal a folder has that the user names, as a new text; NULL: this output's. */
static char *other_of(const mms_journal *j, const mms_value *begin, const mms_journal_opts *opts)
{
    const char *const output = json_string_value(json_object_get(begin, "output"));
    const char *const task = json_string_value(json_object_get(begin, "task"));

    return j->stays && output && task && strcmp(output, opts->output)
               ? mms_format("parameter jobdir: %s is the journal of %s of %s: ", j->folder, task,
                            output)
               : NULL;
}

/* Why what an earlier run left can't be gone on with; NULL: it can. */
static char *reason_against(const mms_journal *j, const mms_journal_opts *opts, const mms_value *us)
{
    const mms_value *const begin = json_object_get(j->last, "begin");
    const char *const version = json_string_value(json_object_get(begin, "version"));

    if (!version || strcmp(version, mms_version()))
        return mms_format("it is of version %s", version ? version : "(unknown)");
    if (!survived(j, us) && !j->ndone)
        return strdup("this host was started anew since, and what was written may be lost");
    return mms_journal_difference(json_object_get(begin, "key"), opts->key);
}

/* Whether it is of another verb, which was to make a set of this name: it has changed none. */
static bool made_new_set(const mms_journal *j, const mms_journal_opts *opts)
{
    const char *const task =
        json_string_value(json_object_get(json_object_get(j->last, "begin"), "task"));

    return !j->stays && mms_journal_staged(j) && task && strcmp(task, opts->task);
}

static mms_status go_on(mms_journal *j, const mms_journal_opts *opts, const mms_value *us,
                        mms_error *err)
{
    char *against;
    mms_status st = MMS_OK;

    if (!survived(j, us))
        drop_unsynced(j);
    against = reason_against(j, opts, us);
    if (!against && !j->nth && !opts->strict) {
        mms_log(MMS_LOG_INFO, opts->task,
                "nothing was done of the run that was not finished: it begins anew");
        st = begin_anew(j, opts, err);
    } else if (!against) {
        j->resumes = true;
        mms_log(MMS_LOG_INFO, opts->task,
                "goes on with the run that was not finished: %" PRId64 " parts done%s",
                mms_journal_ndone(j), mms_journal_ndone(j) ? "" : ", so that all are run");
    } else if (opts->strict && !made_new_set(j, opts)) {
        st = mms_fail(err, MMS_ERR_ARG,
                      "resume: the run that was not finished is another one (%s differs); without "
                      "--resume this one begins anew and forgets that",
                      against);
    } else {
        mms_log(MMS_LOG_WARN, opts->task,
                "resume: %s is not what it was in the run that was not finished: all is done again",
                against);
        st = begin_anew(j, opts, err);
    }
    free(against);
    return st;
}

/* Refuse to lose what another output's run has staged, which the user has not said. */
static mms_status refuse_other(const mms_journal *j, const mms_journal_opts *opts, mms_error *err)
{
    const mms_value *const begin = json_object_get(j->last, "begin");
    char *const of = begin && !j->over ? other_of(j, begin, opts) : NULL;
    char *const word = of ? mms_path_shell(j->folder) : NULL;
    const mms_status st =
        of ? mms_fail(err, MMS_ERR_ARG,
                      "%sthat run was not finished (%" PRId64 " parts are done): multims resume %s "
                      "goes on with it, multims clean %s removes what it has left",
                      of, mms_journal_ndone(j), word ? word : "", word ? word : "")
           : MMS_OK;

    free(word);
    free(of);
    return st;
}

static mms_status take_over(mms_journal *j, const mms_journal_opts *opts, const mms_value *us,
                            mms_error *err)
{
    const mms_value *const begin = json_object_get(j->last, "begin");
    const char *const task = json_string_value(json_object_get(begin, "task"));
    const bool there = begin != NULL, same = task && !strcmp(task, opts->task);
    const bool ended = j->over && opts->strict; /* in place: what it changed may be changed since */
    const mms_status st = refuse_other(j, opts, err);

    if (st != MMS_OK)
        return st;
    if (there && opts->resume && !ended)
        return go_on(j, opts, us, err);
    if (opts->resume)
        mms_log(MMS_LOG_INFO, opts->task, "there is no unfinished run: all parts are run");
    else if (there && !j->over)
        mms_log(MMS_LOG_WARN, opts->task,
                "an earlier run%s%s was not finished (%" PRId64 " parts done): all parts are run%s",
                same ? "" : " of ",
                same   ? ""
                : task ? task
                       : "another verb",
                mms_journal_ndone(j), same ? "; --resume would have gone on with it" : "");
    return begin_anew(j, opts, err);
}

static mms_status load(mms_journal *j, mms_error *err)
{
    mms_value *records = NULL, *record;
    int64_t good;
    bool damaged;
    size_t i;
    mms_status st;

    MMS_TRY(mms_journal_refuse_foreign(j, err));
    MMS_TRY(read_records(j->fd, j->folder, &records, &good, &damaged, err));
    if (damaged)
        mms_log(MMS_LOG_WARN, j->task,
                "%s/" MMS_JOURNAL_FILE " is damaged: what it tells behind byte %" PRId64
                " does not count",
                j->folder, good);
    json_array_foreach(records, i, record) take_record(j, record);
    if (json_array_size(records) > 0)
        j->found = json_is_true(json_object_get(mms_journal_last(j, "begin"), "found"));
    if (ftruncate(j->fd, good))
        st = mms_fail_errno(err, errno, "%s", j->folder);
done:
    json_decref(records);
    return st;
}

void mms_journal_free(mms_journal **journal)
{
    mms_journal *const j = *journal;

    *journal = NULL;
    mms_syncer_end(&j->syncer);
    mms_journal_end_log(j);
    if (j->fd >= 0)
        close(j->fd);
    json_decref(j->plan);
    json_decref(j->last);
    json_decref(j->done);
    json_decref(j->failed);
    json_decref(j->summary);
    free(j->output);
    free(j->folder);
    free(j->task);
    free(j);
}

static mms_status refuse_busy(const mms_journal *j, const mms_journal_opts *opts, mms_error *err)
{
    mms_journal_view view = {0};
    char *of = NULL;

    if (!opts->resume && !opts->strict && !j->stays) {
        mms_log(MMS_LOG_DEBUG, opts->task, "no journal: another run has %s", j->folder);
        return MMS_OK;
    }
    if (mms_journal_read(j->folder, &view, NULL) == MMS_OK)
        of = other_of(j, mms_journal_record(view.records, "begin"), opts);
    mms_value_free(&view.records);
    if (of)
        (void)!mms_fail(err, MMS_ERR_LOCKED, "%sthat run is at work", of);
    else
        (void)!mms_fail(err, MMS_ERR_LOCKED,
                        "another run of %s is at work on this set: %s is locked", opts->task,
                        j->folder);
    free(of);
    return MMS_ERR_LOCKED;
}

static mms_status set_up(mms_journal *j, const mms_journal_opts *opts, mms_error *err)
{
    j->fd = -1;
    j->stays = opts->folder && *opts->folder;
    j->inner = opts->inner;
    j->folder = j->stays ? mms_path_absolute(opts->folder)
                         : mms_format("%s" MMS_JOURNAL_SUFFIX, opts->output);
    j->output = strdup(opts->output);
    j->task = strdup(opts->task);
    j->last = json_object();
    j->done = json_object();
    j->failed = json_object();
    j->plan = json_object();
    j->summary = json_incref(opts->summary);
    return j->folder && j->output && j->task && j->last && j->done && j->failed && j->plan
               ? MMS_OK
               : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

/* Called in the syncer's thread. */
static char *synced_line(int64_t n)
{
    mms_value *const record =
        json_pack("{s:s, s:f, s:I}", "ev", "synced", "t", mms_unix_s(), "through", (json_int_t)n);
    char *const line = record ? line_of(record) : NULL;

    json_decref(record);
    return line;
}

static void begin_syncs(mms_journal *j)
{
    char *const files = mms_path_dir(j->output);
    const char *unit;
    mms_value *record;

    if (mms_sync_folder(j->folder, NULL) == MMS_OK && files)
        j->syncer = mms_syncer_begin(files, j->fd, 0, synced_line);
    json_object_foreach(j->done, unit, record) want_synced(j, json_object_get(record, "changes"));
    free(files);
}

static bool has_journal(const char *folder)
{
    char *const path = mms_format("%s/" MMS_JOURNAL_FILE, folder);
    struct stat info;
    const bool there = path && !stat(path, &info) && info.st_size > 0;

    free(path);
    return there;
}

/* A journal that can't be opened is needed where it has what is to be gone on with, or where the
 * user names its folder. */
static mms_status go_without(const mms_journal *j, const mms_journal_opts *opts, const char *why,
                             mms_error *err)
{
    const bool there = has_journal(j->folder);

    if (j->stays)
        return mms_fail(err, MMS_ERR_IO, "parameter jobdir: %s", why);
    if (opts->resume && there)
        return mms_fail(err, MMS_ERR_IO,
                        "resume: what was done is not known: %s; without --resume all is done anew",
                        why);
    if (!there) // made for what could not be
        (void)mms_journal_remove_empty(j->folder);
    if (!j->found)
        (void)rmdir(j->folder);
    mms_log(opts->strict || there ? MMS_LOG_WARN : MMS_LOG_DEBUG, opts->task,
            "no --resume later%s: %s", there ? ", and the journal of an earlier run stays" : "",
            why);
    return MMS_OK;
}

mms_status mms_journal_open(const mms_journal_opts *opts, mms_journal **out, mms_error *err)
{
    mms_journal *const j = mms_alloc(1, sizeof *j);
    mms_value *us = NULL;
    bool busy = false, keep = false;
    mms_error why;
    mms_status st;

    *out = NULL;
    if (!j)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    MMS_TRY(set_up(j, opts, err));
    if (take_file(j, opts->resume ? KILLED : LOOKED_AT, &busy, &why) != MMS_OK) {
        st = go_without(j, opts, why.msg, err);
        goto done;
    }
    if (busy) {
        st = refuse_busy(j, opts, err);
        goto done;
    }
    us = mms_stage_owner(opts->output);
    MMS_TRY(us ? load(j, err) : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(take_over(j, opts, us, err));
    mms_journal_begin_log(j);
    mms_journal_add(j, "run", json_pack("{s:O}", "owner", us));
    if (opts->sync)
        begin_syncs(j);
    mms_blackbox_set_journal(j->folder, mms_journal_ndone(j), j->stays);
    keep = true;
done:
    json_decref(us);
    mms_journal *made = j;
    if (keep)
        *out = j;
    else
        mms_journal_free(&made);
    return st;
}

bool mms_journal_resumes(const mms_journal *j)
{
    return j && j->resumes;
}

const char *mms_journal_staged(const mms_journal *j)
{
    return json_string_value(json_object_get(mms_journal_last(j, "staged"), "path"));
}

/* ---- for others ---- */

char *mms_journal_locate(const char *name, bool *itself)
{
    char *const whole = mms_path_absolute(name);
    char *folder = whole ? mms_path_strip(whole) : NULL;
    const bool is_one = folder && has_journal(folder);

    if (itself)
        *itself = is_one;
    if (folder && !is_one) {
        char *const beside = mms_format("%s" MMS_JOURNAL_SUFFIX, folder);
        free(folder);
        folder = beside;
        if (folder && !has_journal(folder)) {
            free(folder);
            folder = NULL;
        }
    }
    free(whole);
    return folder;
}

const mms_value *mms_journal_record(const mms_value *records, const char *event)
{
    for (size_t i = json_array_size(records); i-- > 0;) {
        const mms_value *const record = json_array_get(records, i);
        const char *const ev = json_string_value(json_object_get(record, "ev"));
        if (ev && !strcmp(ev, event))
            return record;
    }
    return NULL;
}

mms_status mms_journal_read(const char *folder, mms_journal_view *view, mms_error *err)
{
    char *const path = mms_format("%s/" MMS_JOURNAL_FILE, folder);
    int64_t good;
    bool damaged;
    mms_status st = MMS_OK;
    int fd;

    *view = (mms_journal_view){0};
    if (!path)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        MMS_TRY(mms_fail_errno(err, errno, "%s", path));
    view->running = is_locked(fd, LOCK_SH, 1);
    (void)flock(fd, LOCK_UN); // a run may begin meanwhile
    st = read_records(fd, path, &view->records, &good, &damaged, err);
done:
    if (fd >= 0)
        close(fd);
    free(path);
    return st;
}

bool mms_journal_is_held(const char *output)
{
    char *const path = mms_format("%s" MMS_JOURNAL_SUFFIX "/" MMS_JOURNAL_FILE, output);
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    const bool held = fd >= 0 && is_locked(fd, LOCK_SH, 1);

    if (fd >= 0)
        close(fd);
    free(path);
    return held;
}

/* The output of a journal's folder: as it says itself, else by the folder's name. */
static char *output_of(const char *folder)
{
    const size_t n = strlen(folder), suffix = strlen(MMS_JOURNAL_SUFFIX);
    mms_journal_view view = {0};
    const char *output;
    char *found = NULL;

    if (mms_journal_read(folder, &view, NULL) == MMS_OK) {
        output =
            json_string_value(json_object_get(mms_journal_record(view.records, "begin"), "output"));
        found = output ? strdup(output) : NULL;
    }
    mms_value_free(&view.records);
    if (!found && n > suffix && !strcmp(folder + n - suffix, MMS_JOURNAL_SUFFIX))
        found = strndup(folder, n - suffix);
    return found;
}

mms_status mms_journal_remove(const char *folder, mms_error *err)
{
    char *const output = output_of(folder);
    mms_journal *j = mms_alloc(1, sizeof *j);
    const mms_journal_opts opts = {.output = output, .task = "clean", .folder = folder};
    bool busy = false;
    mms_status st;

    if (!output || !j)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "%s is no journal's folder", folder));
    MMS_TRY(set_up(j, &opts, err));
    MMS_TRY(take_file(j, KILLED, &busy, err));
    if (busy)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "%s: a run is at work", folder));
    MMS_TRY(load(j, err));
    if (mms_journal_staged(j))
        MMS_TRY(mms_stage_remove_other(output, mms_journal_staged(j), err));
    mms_journal_clear(j->folder, j->found, j->task);
done:
    if (j)
        mms_journal_free(&j);
    free(output);
    return st;
}
