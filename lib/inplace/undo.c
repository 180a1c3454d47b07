/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file undo.c  Keeps the files that a run changes as they were, until it is complete. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "engine/stop.h"
#include "multims/log.h"
#include "orders_priv.h"
#include "tables/tables_priv.h"
#include "undo_priv.h"

#define JOURNAL "undo.json"
#define LOCK    "lock"
#define OVER    "over" /* what the journal is called once the new bytes are to stay */
#define ENDING  ".mms-undo"

enum { LOCK_TRIES = 10 }; /* for casacore's lock of a table, one a second */

struct mms_undo {
    char *vis;    /**< links resolved */
    char *folder; /**< .NAME.mms-undo */
    char *lock;
    int fd;
    char *token;      /**< stands in the lock: whose undo it is */
    bool sync, armed; /**< armed: something may have been changed */
    bool over;        /**< the new bytes stay */
    mms_value *files; /**< [{"file": path, "copy": name or null when it was not there}, or
                            {"file": path, "take": name}: a worker keeps it, or has not yet, or
                            {"folder": of a table, "names": [all its managers' files]}] */
};

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "undo: out of memory");
}

/** The place of a set's undo, whatever link leads to the set. */
static mms_status find_place(const char *vis, mms_undo *u, mms_error *err)
{
    char *dir = NULL, *base = NULL;
    mms_status st = MMS_OK;

    u->fd = -1;
    u->vis = realpath(vis, NULL);
    if (!u->vis)
        return mms_fail_errno(err, errno, "%s", vis);
    dir = mms_path_dir(u->vis);
    base = mms_path_base(u->vis);
    u->folder = dir && base ? mms_format("%s/.%s" ENDING, dir, base) : NULL;
    u->lock = u->folder ? mms_format("%s/" LOCK, u->folder) : NULL;
    if (!u->lock)
        st = no_memory(err);
    free(dir);
    free(base);
    return st;
}

static void release(mms_undo *u)
{
    if (u->fd >= 0)
        close(u->fd);
    free(u->vis);
    free(u->folder);
    free(u->lock);
    free(u->token);
    mms_value_free(&u->files);
}

static mms_status take_lock(const mms_undo *u, int how, int *fd, mms_error *err)
{
    *fd = open(u->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        return mms_fail_errno(err, errno, "%s", u->lock);
    if (!flock(*fd, how | LOCK_NB))
        return MMS_OK;
    close(*fd);
    *fd = -1;
    return mms_fail(err, MMS_ERR_LOCKED,
                    "%s is being changed by another run: wait until it ends (its undo is in %s)",
                    u->vis, u->folder);
}

/* ---- looking ----------------------------------------------------------------------------------*/

/** Whether a run holds the lock; one that was killed does not. */
static bool is_held(const mms_undo *u)
{
    const int fd = open(u->lock, O_RDONLY | O_CLOEXEC);
    const bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;

    if (fd >= 0)
        close(fd);
    return held;
}

char *mms_undo_command(const char *vis)
{
    char *word = mms_path_shell(vis);
    char *command = word ? mms_format("multims clean --restore %s", word) : NULL;

    free(word);
    return command;
}

static mms_status refuse_left(const mms_undo *u, const char *vis, mms_error *err)
{
    char *journal = mms_format("%s/" JOURNAL, u->folder), *command = mms_undo_command(u->vis);
    bool begun = false;
    mms_status st;

    MMS_TRY(journal && command ? MMS_OK : no_memory(err));
    if (is_held(u))
        MMS_TRY(mms_fail(err, MMS_ERR_LOCKED,
                         "%s is being changed by another run: wait until it ends (its undo is in "
                         "%s)",
                         vis, u->folder));
    MMS_TRY(mms_path_exists(journal, &begun, err));
    if (begun)
        MMS_TRY(
            mms_fail(err, MMS_ERR_EXISTS,
                     "%s is half changed: a run was killed in the middle of its work. `%s` brings "
                     "the old data back; then run this again",
                     vis, command));
done:
    free(journal);
    free(command);
    return st;
}

/** Refuse a set by its own undo. */
static mms_status refuse_itself(const char *vis, mms_error *err)
{
    mms_undo u = {.fd = -1};
    bool there = false;
    mms_status st;

    if (access(vis, F_OK) != 0)
        return MMS_OK; // who opens it says so
    MMS_TRY(find_place(vis, &u, err));
    MMS_TRY(mms_path_exists(u.folder, &there, err));
    if (there)
        MMS_TRY(refuse_left(&u, vis, err));
done:
    release(&u);
    return st;
}

/** The Multi-MS that a set is a part of, or NULL. */
static char *whole_of(const char *vis)
{
    char *folder = mms_path_dir(vis), *name = folder ? mms_path_base(folder) : NULL;
    char *whole = name && !strcmp(name, "SUBMSS") ? mms_path_dir(folder) : NULL;

    free(folder);
    free(name);
    return whole;
}

/** What an entry of SUBMSS says of a part: its undo, or a link, whose undo is elsewhere. */
static mms_status refuse_entry(const char *folder, const struct dirent *entry, mms_error *err)
{
    const size_t n = strlen(entry->d_name), ending = strlen(ENDING);
    const bool undo =
        entry->d_name[0] == '.' && n > ending + 1 && !strcmp(entry->d_name + n - ending, ENDING);
    char *part = undo ? mms_format("%s/%.*s", folder, (int)(n - ending - 1), entry->d_name + 1)
                      : mms_format("%s/%s", folder, entry->d_name);
    mms_status st = part ? MMS_OK : no_memory(err);

    if (st == MMS_OK && (undo || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN))
        st = refuse_itself(part, err);
    free(part);
    return st;
}

static mms_status refuse_parts(const char *vis, mms_error *err)
{
    char *folder = mms_format("%s/SUBMSS", vis);
    DIR *list = folder ? opendir(folder) : NULL;
    struct dirent *entry;
    mms_status st = folder ? MMS_OK : no_memory(err);

    while (list && st == MMS_OK && (entry = readdir(list)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            st = refuse_entry(folder, entry, err);
    if (list)
        closedir(list);
    free(folder);
    return st;
}

/** Refuse a part of a Multi-MS whose undo is there, and a Multi-MS with that of a part: what one
 *  brings back the other would not know.  vis: links resolved. */
static mms_status refuse_kin(const char *vis, mms_error *err)
{
    char *whole = whole_of(vis);
    mms_status st = whole ? refuse_itself(whole, err) : MMS_OK;

    free(whole);
    return st == MMS_OK ? refuse_parts(vis, err) : st;
}

mms_status mms_undo_refuse(const char *vis, mms_error *err)
{
    char *real = NULL;
    mms_status st = refuse_itself(vis, err);

    if (st == MMS_OK && (real = realpath(vis, NULL)))
        st = refuse_kin(real, err);
    free(real);
    return st;
}

/* ---- bringing back ----------------------------------------------------------------------------*/

static bool is_manager_file(const char *name)
{
    return !strncmp(name, "table.f", 7);
}

static bool is_among(const mms_value *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (!strcmp(json_string_value(json_array_get(names, i)), name))
            return true;
    return false;
}

/** Remove the files of managers that a table did not have. */
static mms_status remove_new(const char *folder, const mms_value *names, mms_error *err)
{
    DIR *list = opendir(folder);
    struct dirent *entry;
    mms_status st = MMS_OK;

    if (!list)
        return mms_fail_errno(err, errno, "%s: cannot list", folder);
    while (st == MMS_OK && (entry = readdir(list)))
        if (is_manager_file(entry->d_name) && !is_among(names, entry->d_name) &&
            unlinkat(dirfd(list), entry->d_name, 0) && errno != ENOENT)
            st = mms_fail_errno(err, errno, "%s/%s", folder, entry->d_name);
    closedir(list);
    return st;
}

static mms_status put_entry_back(const mms_undo *u, const mms_value *entry, mms_error *err)
{
    const char *folder = json_string_value(json_object_get(entry, "folder"));
    const char *file = json_string_value(json_object_get(entry, "file"));
    const char *copy = json_string_value(json_object_get(entry, "copy"));
    const char *take = json_string_value(json_object_get(entry, "take"));
    char *from = copy ? mms_format("%s/%s", u->folder, copy) : NULL;
    mms_status st = MMS_OK;

    if (folder)
        st = remove_new(folder, json_object_get(entry, "names"), err);
    else if (!file || (copy && !from))
        st = mms_fail(err, MMS_ERR_TABLE, "%s: " JOURNAL " can't be read", u->folder);
    else if (take)
        st = mms_undo_give_back(u->folder, take, file, err);
    else if (copy)
        st = mms_undo_put_back(from, file, err);
    else if (unlink(file) && errno != ENOENT)
        st = mms_fail_errno(err, errno, "%s", file);
    free(from);
    return st;
}

/** A table whose files come back, which no program that locks may see half old. */
typedef struct held {
    char *table;
    mms_table_lock *lock;
    int tries; /**< of the next */
} held;

static void leave_table(held *h)
{
    mms_table_lock_leave(&h->lock);
    free(h->table);
    h->table = NULL;
}

/** Take casacore's lock of the table of an entry.  Who does not give it away is not waited for
 *  longer, nor are others then: the data count more than what he sees.  table is taken. */
static void hold_table(held *h, char *table)
{
    mms_error why;

    if (h->table && !strcmp(h->table, table)) {
        free(table);
        return;
    }
    leave_table(h);
    h->table = table;
    if (mms_table_lock_take(table, h->tries, &h->lock, &why) == MMS_OK)
        return;
    h->tries = 1;
    mms_log(MMS_LOG_WARN, "undo", "%s: its old bytes come back beside who may be reading it",
            why.msg);
}

static bool has_path(const mms_value *paths, const char *path)
{
    for (size_t i = 0; i < json_array_size(paths); i++)
        if (!strcmp(json_string_value(json_array_get(paths, i)), path))
            return true;
    return false;
}

/** The table that an entry is of, as a new text. */
static char *table_of(const mms_value *entry)
{
    const char *folder = json_string_value(json_object_get(entry, "folder"));
    const char *file = json_string_value(json_object_get(entry, "file"));

    return folder ? strdup(folder) : file ? mms_path_dir(file) : NULL;
}

/** Paths without links, as the entries have them; new reference. */
static mms_value *resolve(const mms_value *paths)
{
    mms_value *all = json_array();

    for (size_t i = 0; i < json_array_size(paths); i++) {
        char *real = realpath(json_string_value(json_array_get(paths, i)), NULL);
        if (real)
            json_array_append_new(all, mms_text_value(real));
        free(real);
    }
    return all;
}

/** Bring back the tables that are among those (or all others). */
static mms_status put_tables_back(const mms_undo *u, const mms_value *tables, bool among,
                                  mms_error *err)
{
    mms_value *paths = resolve(tables), *entry;
    held h = {.tries = LOCK_TRIES};
    mms_status st = MMS_OK;
    size_t i;

    json_array_foreach(u->files, i, entry)
    {
        char *table = table_of(entry);
        const bool wanted = !table || has_path(paths, table) == among;
        if (table && wanted)
            hold_table(&h, table);
        else
            free(table);
        if (wanted)
            st = put_entry_back(u, entry, err);
        if (st != MMS_OK)
            break;
    }
    leave_table(&h);
    mms_value_free(&paths);
    return st;
}

static mms_status put_all_back(const mms_undo *u, mms_error *err)
{
    return put_tables_back(u, NULL, false, err);
}

/** The journal goes first: without it there is nothing to bring back. */
static mms_status remove_undo(const mms_undo *u, mms_error *err)
{
    char *journal = mms_format("%s/" JOURNAL, u->folder);
    mms_status st = MMS_OK;

    if (!journal)
        return no_memory(err);
    if (unlink(journal) && errno != ENOENT)
        st = mms_fail_errno(err, errno, "%s", journal);
    if (st == MMS_OK)
        st = mms_remove_tree(u->folder, err);
    free(journal);
    return st;
}

static mms_status restore_left(mms_undo *u, const char *journal, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_value_read(journal, &u->files, err));
    MMS_TRY(put_all_back(u, err));
    mms_log(MMS_LOG_WARN, "undo",
            "%s: a run was stopped in the middle of its work; the data are as they were before it",
            u->vis);
done:
    return st;
}

mms_status mms_undo_recover(const char *vis, bool restore, bool *found, mms_error *err)
{
    mms_undo u = {.fd = -1};
    char *journal = NULL;
    bool there = false, begun = false;
    mms_status st;

    MMS_TRY(find_place(vis, &u, err));
    MMS_TRY(mms_path_exists(u.folder, &there, err));
    journal = mms_format("%s/" JOURNAL, u.folder);
    MMS_TRY(journal ? MMS_OK : no_memory(err));
    if (there)
        MMS_TRY(take_lock(&u, LOCK_EX, &u.fd, err));
    if (there)
        MMS_TRY(mms_path_exists(journal, &begun, err));
    if (begun && restore)
        MMS_TRY(restore_left(&u, journal, err));
    if (there && (restore || !begun))
        MMS_TRY(remove_undo(&u, err));
    MMS_TRY(refuse_kin(u.vis, err));
done:
    if (found)
        *found = begun;
    free(journal);
    release(&u);
    return st;
}

/* ---- going on --------------------------------------------------------------------------------*/

/** Take the lock for us alone; workers of a run that was killed may be about to end. */
static mms_status take_left_lock(mms_undo *u, mms_error *err)
{
    const struct timespec nap = {.tv_nsec = 20000000};
    mms_status st = take_lock(u, LOCK_EX, &u->fd, err);

    for (int i = 0; i < 250 && st == MMS_ERR_LOCKED; i++) {
        nanosleep(&nap, NULL);
        st = take_lock(u, LOCK_EX, &u->fd, err);
    }
    return st;
}

/** Whether the undo is that of a run with this token: another's knows other files. */
static bool is_of(const mms_undo *u, const char *token)
{
    char found[64] = {0};
    const int fd = token ? open(u->lock, O_RDONLY | O_CLOEXEC) : -1;
    const bool is = fd >= 0 && read(fd, found, sizeof found - 1) > 0 && !strcmp(found, token);

    if (fd >= 0)
        close(fd);
    return is;
}

static mms_status go_on(mms_undo *u, const mms_value *done, bool *there, mms_error *err)
{
    char *journal = mms_format("%s/" JOURNAL, u->folder), *over = mms_format("%s/" OVER, u->folder);
    bool begun = false;
    mms_status st;

    MMS_TRY(journal && over ? MMS_OK : no_memory(err));
    MMS_TRY(mms_path_exists(u->folder, there, err));
    if (*there)
        MMS_TRY(take_left_lock(u, err));
    if (*there)
        MMS_TRY(mms_path_exists(journal, &begun, err));
    if (*there && !begun)
        MMS_TRY(mms_path_exists(over, &u->over, err));
    if (begun) {
        mms_value_free(&u->files);
        MMS_TRY(mms_value_read(journal, &u->files, err));
        MMS_TRY(put_tables_back(u, done, false, err));
    }
    u->armed = begun;
    if (*there && flock(u->fd, LOCK_SH | LOCK_NB)) // workers hold it, too
        MMS_TRY(mms_fail_errno(err, errno, "%s: cannot lock", u->lock));
    MMS_TRY(refuse_kin(u->vis, err));
done:
    free(journal);
    free(over);
    return st;
}

mms_status mms_undo_resume(const char *vis, const char *token, const mms_value *done, bool sync,
                           mms_undo **out, mms_error *err)
{
    mms_undo *u = *out = mms_alloc(1, sizeof *u);
    bool there = false;
    mms_status st;

    if (!u)
        return no_memory(err);
    u->sync = sync;
    u->files = json_array();
    st = find_place(vis, u, err);
    if (st == MMS_OK && !is_of(u, token))
        st = mms_undo_recover(vis, true, NULL, err);
    else if (st == MMS_OK)
        st = go_on(u, done, &there, err);
    if (st != MMS_OK || !there)
        mms_undo_leave(out);
    return st;
}

void mms_undo_leave(mms_undo **undo)
{
    if (*undo)
        release(*undo);
    free(*undo);
    *undo = NULL;
}

/* ---- keeping ----------------------------------------------------------------------------------*/

/** The number of the manager of a column; -1 when it is not known.  *alone: it is the only one in
 *  tiles of numbers, whose file can be another while the column is written. */
static mms_status find_manager(mms_table *table, const char *column, int64_t *sequence, bool *alone,
                               mms_error *err)
{
    const mms_column *c = mms_table_find_column(table, column);
    const mms_tiled *tiled;
    const mms_bucketed *bucketed;
    int64_t n;
    mms_status st;

    *sequence = -1;
    *alone = false;
    MMS_TRY(mms_table_tiled(table, &n, &tiled, err));
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(tiled[i].name, c->group)) {
            *sequence = tiled[i].sequence;
            *alone = tiled[i].ncolumn == 1 && c->dtype != MMS_DT_BOOL;
        }
    MMS_TRY(mms_table_bucketed(table, &n, &bucketed, err));
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(bucketed[i].name, c->group))
            *sequence = bucketed[i].sequence;
done:
    return st;
}

/** Whether a file of a table is one of this manager's; those of all when it is not known. */
static bool is_file_of(const char *name, int64_t sequence)
{
    char prefix[40];
    const int n = snprintf(prefix, sizeof prefix, "table.f%lld", (long long)sequence);

    if (sequence < 0)
        return is_manager_file(name);
    return !strncmp(name, prefix, (size_t)n) && !isdigit((unsigned char)name[n]);
}

static bool is_noted(const mms_undo *u, const char *path)
{
    mms_value *entry;
    size_t i;

    json_array_foreach(u->files, i, entry)
    {
        const char *file = json_string_value(json_object_get(entry, "file"));
        if (file && !strcmp(file, path))
            return true;
    }
    return false;
}

/** Note a file, as it was.  take: a worker keeps it, just before it writes. */
static mms_status note_file(mms_undo *u, const char *table, const char *name, bool take,
                            mms_error *err)
{
    char *path = mms_format("%s/%s", table, name);
    char *copy = mms_format("%zu", json_array_size(u->files));
    char *to = copy ? mms_format("%s/%s", u->folder, copy) : NULL;
    bool there = false;
    mms_status st;

    MMS_TRY(path && to ? MMS_OK : no_memory(err));
    if (is_noted(u, path))
        goto done;
    MMS_TRY(mms_path_exists(path, &there, err));
    if (there && access(path, W_OK))
        MMS_TRY(mms_fail_errno(err, errno, "%s can't be changed", path));
    if (take && there && mms_shared_block(path, to) == 0) {
        json_array_append_new(u->files, json_pack("{so so}", "file", mms_text_value(path), "take",
                                                  mms_text_value(copy)));
        goto done;
    }
    if (there && unlink(to) && errno != ENOENT) // of a run that was killed before it was noted
        MMS_TRY(mms_fail_errno(err, errno, "%s", to));
    if (there)
        MMS_TRY(mms_copy_file(path, to, err));
    json_array_append_new(u->files, json_pack("{so so}", "file", mms_text_value(path), "copy",
                                              there ? mms_text_value(copy) : json_null()));
done:
    free(path);
    free(copy);
    free(to);
    return st;
}

static mms_status note_manager(mms_undo *u, const char *path, int64_t sequence, bool alone,
                               mms_error *err)
{
    DIR *list = opendir(path);
    struct dirent *entry;
    mms_status st = MMS_OK;

    if (!list)
        return mms_fail_errno(err, errno, "%s: cannot list", path);
    while (st == MMS_OK && (entry = readdir(list)))
        if (is_file_of(entry->d_name, sequence))
            st = note_file(u, path, entry->d_name, alone && strstr(entry->d_name, "_TSM"), err);
    closedir(list);
    return st;
}

/** Note which files the managers of a part have, so that others can go. */
static mms_status note_folder(mms_undo *u, const char *path, mms_error *err)
{
    DIR *list = opendir(path);
    mms_value *names = json_array();
    struct dirent *entry;
    mms_status st = MMS_OK;

    if (!list) {
        st = mms_fail_errno(err, errno, "%s: cannot list", path);
        goto done;
    }
    while ((entry = readdir(list)))
        if (is_manager_file(entry->d_name))
            json_array_append_new(names, mms_text_value(entry->d_name));
    closedir(list);
    if (json_array_size(names) == 0)
        st = mms_fail(err, MMS_ERR_UNSUPPORTED,
                      "%s: its rows are those of another table, which is to be changed instead",
                      path);
    if (st == MMS_OK)
        json_array_append_new(u->files,
                              json_pack("{so sO}", "folder", mms_text_value(path), "names", names));
done:
    mms_value_free(&names);
    return st;
}

static mms_status note_member(mms_undo *u, const char *path, const char *const *columns, bool whole,
                              mms_error *err)
{
    char *real = realpath(path, NULL);
    mms_table *table = NULL;
    int64_t sequence;
    bool alone;
    mms_status st;

    MMS_TRY(real ? MMS_OK : mms_fail_errno(err, errno, "%s", path));
    MMS_TRY(mms_table_open(real, MMS_TABLE_READ, &table, err));
    MMS_TRY(note_folder(u, real, err));
    for (const char *const *c = columns; *c; c++) {
        if (!mms_table_find_column(table, *c))
            continue;
        MMS_TRY(find_manager(table, *c, &sequence, &alone, err));
        MMS_TRY(note_manager(u, real, sequence, alone, err));
    }
    if (whole)
        MMS_TRY(note_manager(u, real, -1, false, err));
    MMS_TRY(note_file(u, real, "table.dat", false, err));
    MMS_TRY(note_file(u, real, "table.dat_tmp", false, err)); // casacore's next table.dat
    MMS_TRY(note_file(u, real, "table.info", false, err));
    MMS_TRY(note_file(u, real, "table.lock", false, err));
done:
    mms_table_drop(&table);
    free(real);
    return st;
}

static mms_status sync_file_system(const char *folder, mms_error *err)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mms_status st = MMS_OK;

    if (fd < 0 || syncfs(fd))
        st = mms_fail_errno(err, errno, "%s: cannot sync", folder);
    if (fd >= 0)
        close(fd);
    return st;
}

static mms_status sync_folder_tree(const mms_undo *u, mms_error *err)
{
    return u->sync ? sync_file_system(u->folder, err) : MMS_OK;
}

/** Sync what was changed: links may lead to parts on other file systems. */
static mms_status sync_changed(const mms_undo *u, mms_error *err)
{
    struct stat s;
    mms_value *entry;
    size_t i;
    dev_t home, last;
    mms_status st = sync_folder_tree(u, err);

    if (!u->sync || st != MMS_OK)
        return st;
    if (stat(u->folder, &s))
        return mms_fail_errno(err, errno, "%s", u->folder);
    home = last = s.st_dev;
    json_array_foreach(u->files, i, entry)
    {
        const char *table = json_string_value(json_object_get(entry, "folder"));
        if (!table || st != MMS_OK)
            continue;
        if (stat(table, &s))
            return mms_fail_errno(err, errno, "%s", table);
        if (s.st_dev != home && s.st_dev != last)
            st = sync_file_system(table, err);
        last = s.st_dev;
    }
    return st;
}

/** From here on the old bytes can come back. */
static mms_status write_journal(const mms_undo *u, mms_error *err)
{
    char *path = mms_format("%s/" JOURNAL, u->folder), *fresh = mms_format("%s/new", u->folder);
    mms_status st;

    MMS_TRY(path && fresh ? MMS_OK : no_memory(err));
    MMS_TRY(mms_value_write(u->files, fresh, err));
    MMS_TRY(sync_folder_tree(u, err));
    if (rename(fresh, path))
        MMS_TRY(mms_fail_errno(err, errno, "%s", path));
    MMS_TRY(sync_folder_tree(u, err));
done:
    free(path);
    free(fresh);
    return st;
}

static mms_status write_token(mms_undo *u, mms_error *err)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    u->token = mms_format("%lld.%09ld.%ld", (long long)now.tv_sec, now.tv_nsec, (long)getpid());
    return u->token ? mms_write_all(u->fd, u->token, (int64_t)strlen(u->token), u->lock, err)
                    : no_memory(err);
}

mms_status mms_undo_begin(const char *vis, bool sync, mms_undo **out, mms_error *err)
{
    mms_undo *u = *out = mms_alloc(1, sizeof *u);
    bool made = false;
    mms_status st;

    if (!u)
        return no_memory(err);
    u->sync = sync;
    u->files = json_array();
    MMS_TRY(find_place(vis, u, err));
    if (mkdir(u->folder, 0777)) {
        MMS_TRY(errno == EEXIST
                    ? mms_fail(err, MMS_ERR_LOCKED, "%s is being changed by another run", u->vis)
                    : mms_fail_errno(err, errno, "%s: the old data can't be kept here", u->folder));
    }
    made = true;
    MMS_TRY(take_lock(u, LOCK_SH, &u->fd, err));
    MMS_TRY(write_token(u, err));
    MMS_TRY(refuse_kin(u->vis, err)); // now they see this one, too
done:
    if (st != MMS_OK) {
        if (made)
            (void)!mms_remove_tree(u->folder, NULL);
        release(u);
        free(u);
        *out = NULL;
    }
    return st;
}

mms_status mms_undo_keep_table(mms_undo *u, const char *path, bool whole, mms_error *err)
{
    const char *const none[] = {NULL};

    return u->armed ? MMS_OK : note_member(u, path, none, whole, err);
}

/** Two workers must not change one table. */
static mms_status refuse_twins(mms_ms *ms, const bool *members, mms_error *err)
{
    mms_value *seen = json_object();
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < mms_ms_nmember(ms) && st == MMS_OK; i++) {
        const char *path = mms_ms_member_path(ms, i);
        char *real = members && !members[i] ? NULL : realpath(path, NULL);
        if (members && !members[i])
            continue;
        if (!real)
            st = mms_fail_errno(err, errno, "%s", path);
        else if (json_object_get(seen, real))
            st = mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: another part is a link to the same table",
                          path);
        else
            json_object_set_new(seen, real, json_true());
        free(real);
    }
    mms_value_free(&seen);
    return st;
}

mms_status mms_undo_keep(mms_undo *u, mms_ms *ms, const bool *members, const char *const *columns,
                         mms_error *err)
{
    mms_status st;

    if (u->armed)
        return MMS_OK;
    MMS_TRY(refuse_twins(ms, members, err));
    for (int64_t i = 0; i < mms_ms_nmember(ms); i++)
        if (!members || members[i])
            MMS_TRY(note_member(u, mms_ms_member_path(ms, i), columns, false, err));
    MMS_TRY(write_journal(u, err));
    u->armed = true;
done:
    return st;
}

const char *mms_undo_folder(const mms_undo *undo)
{
    return undo->folder;
}

const char *mms_undo_lock_path(const mms_undo *undo)
{
    return undo ? undo->lock : "";
}

const char *mms_undo_token(const mms_undo *undo)
{
    return undo->token;
}

bool mms_undo_is_over(const mms_undo *undo)
{
    return undo && undo->over;
}

mms_status mms_undo_commit(mms_undo *u, mms_error *err)
{
    char *journal = mms_format("%s/" JOURNAL, u->folder), *over = mms_format("%s/" OVER, u->folder);
    mms_status st;

    MMS_TRY(journal && over ? MMS_OK : no_memory(err));
    if (u->armed)
        MMS_TRY(sync_changed(u, err));
    if (u->armed && rename(journal, over))
        MMS_TRY(mms_fail_errno(err, errno, "%s", journal));
    if (u->armed && u->sync)
        (void)!mms_sync_folder(u->folder, NULL);
    u->over = true;
done:
    free(journal);
    free(over);
    return st;
}

static void tell_failed_restore(const mms_undo *u, const char *why)
{
    char *command = mms_undo_command(u->vis);

    mms_log(MMS_LOG_ERROR, "undo",
            "%s: the old data could not be brought back: %s; `%s` does it when the cause is mended",
            u->vis, why, command ? command : "");
    free(command);
}

mms_status mms_undo_end(mms_undo **undo, mms_status st, mms_error *err)
{
    mms_undo *u = *undo;
    mms_error why;
    mms_status end = MMS_OK;

    *undo = NULL;
    if (!u)
        return st;
    if (st == MMS_OK && !u->over)
        st = mms_undo_commit(u, err);
    if (u->armed && !u->over && mms_rank_is_silent()) { // it may write yet
        char *command = mms_undo_command(u->vis);
        mms_log(MMS_LOG_WARN, "undo", "%s is half changed: `%s` brings the old data back", u->vis,
                command ? command : "");
        free(command);
        mms_undo_leave(&u);
        return st;
    }
    if (u->armed && !u->over)
        end = put_all_back(u, &why);
    if (end == MMS_OK)
        end = remove_undo(u, &why);
    if (end != MMS_OK && u->over)
        mms_log(MMS_LOG_WARN, "undo", "%s: what is kept for the undo could not be removed: %s",
                u->vis, why.msg);
    else if (end != MMS_OK)
        tell_failed_restore(u, why.msg);
    release(u);
    free(u);
    return st;
}

/* ---- in workers -------------------------------------------------------------------------------*/

/** What an attempt has changed whose worker was killed, as it was before. */
static mms_status take_back(const char *lock_path, const mms_value *changes, mms_error *err)
{
    mms_undo u = {.folder = mms_path_dir(lock_path), .fd = -1};
    char *journal = u.folder ? mms_format("%s/" JOURNAL, u.folder) : NULL;
    mms_status st;

    MMS_TRY(journal ? MMS_OK : no_memory(err));
    MMS_TRY(mms_value_read(journal, &u.files, err));
    st = put_tables_back(&u, changes, true, err);
done:
    free(journal);
    release(&u);
    return st;
}

mms_status mms_undo_hold(const mms_value *order, int *fd, mms_error *err)
{
    const char *const lock = mms_inplace_lock(order);
    const mms_value *const changes = json_object_get(order, "changes");

    *fd = -1;
    if (!*lock)
        return MMS_OK;
    *fd = open(lock, O_RDWR | O_CLOEXEC);
    if (*fd < 0 || flock(*fd, LOCK_SH | LOCK_NB))
        return mms_fail_errno(err, errno, "%s: cannot lock", lock);
    return changes && mms_inplace_is_again(order) ? take_back(lock, changes, err) : MMS_OK;
}

static bool is_in(const char *file, const char *table)
{
    const size_t n = strlen(table);

    return !strncmp(file, table, n) && file[n] == '/' && !strchr(file + n + 1, '/');
}

void mms_undo_free_takes(mms_undo_takes_list *list)
{
    for (int64_t i = 0; i < list->n; i++) {
        free(list->takes[i].file);
        free(list->takes[i].name);
    }
    free(list->takes);
    *list = (mms_undo_takes_list){0};
}

static mms_status add_take(mms_undo_takes_list *list, const char *file, const char *name,
                           mms_error *err)
{
    const mms_undo_kept one = {strdup(file), strdup(name)};
    const mms_status st =
        mms_grow(&list->takes, &list->capacity, list->n + 1, sizeof *list->takes, err);

    if (st == MMS_OK && one.file && one.name) {
        list->takes[list->n++] = one;
        return MMS_OK;
    }
    free(one.file);
    free(one.name);
    return st == MMS_OK ? no_memory(err) : st;
}

mms_status mms_undo_takes(const char *lock_path, const char *table, mms_undo_takes_list *list,
                          mms_error *err)
{
    char *folder = mms_path_dir(lock_path), *real = realpath(table, NULL), *journal = NULL;
    mms_value *all = NULL, *entry;
    size_t i;
    mms_status st;

    MMS_TRY(real ? MMS_OK : mms_fail_errno(err, errno, "%s", table));
    journal = folder ? mms_format("%s/" JOURNAL, folder) : NULL;
    MMS_TRY(journal ? MMS_OK : no_memory(err));
    MMS_TRY(mms_value_read(journal, &all, err));
    json_array_foreach(all, i, entry)
    {
        const char *file = json_string_value(json_object_get(entry, "file"));
        const char *take = json_string_value(json_object_get(entry, "take"));
        if (!file || !take || !is_in(file, real))
            continue;
        MMS_TRY(mms_undo_give_back(folder, take, file, err));
        MMS_TRY(add_take(list, file, take, err));
    }
done:
    mms_value_free(&all);
    free(folder);
    free(real);
    free(journal);
    return st;
}
