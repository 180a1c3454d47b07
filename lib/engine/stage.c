/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file stage.c  Staged outputs: a folder beside the output, its owner file, the last rename. */
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/blackbox_priv.h"
#include "base/files_priv.h"
#include "engine_priv.h"
#include "tell_priv.h"

#define OWNER_FILE    "owner.json"
#define RANDOM_SUFFIX "XXXXXX"
#define EMPTY_AGE_S   60

struct mms_stage {
    char *path;
    bool synced;
};

/* Whether SIGKILL waits for a process: it does nothing more, but has not ended yet. */
static bool is_killed(int64_t pid)
{
    char path[64], line[256];
    unsigned long long waits = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
    if (!(file = fopen(path, "re")))
        return false;
    while (fgets(line, sizeof line, file) && sscanf(line, "ShdPnd: %llx", &waits) != 1)
        continue;
    fclose(file);
    return waits >> (SIGKILL - 1) & 1;
}

/* The text between the last ')' of /proc/PID/stat and field 22, the start of the process in clock
 * ticks since boot; 0 when there is no such process, or one that was killed, or has ended and
 * nobody has waited for it yet. */
static int64_t process_start(int64_t pid)
{
    char path[64], text[1024];
    long long ticks = 0;
    const char *rest;
    char state;
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    if (!(file = fopen(path, "re")))
        return 0;
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    rest = strrchr(text, ')');
    if (!rest || sscanf(rest + 1,
                        " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                        "%*d %lld",
                        &state, &ticks) != 2)
        return 0;
    return state == 'Z' || state == 'X' || is_killed(pid) ? 0 : ticks;
}

static void read_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");

    text[0] = '\0';
    if (file && fgets(text, (int)size, file))
        text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* Who makes a staging folder.  A process number means something only on one host, since one boot,
 * in one PID namespace. */
static json_t *owner_now(const char *output_name)
{
    char host[256] = "", boot[64], space[64] = "";

    gethostname(host, sizeof host - 1);
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    if (readlink("/proc/self/ns/pid", space, sizeof space - 1) < 0)
        space[0] = '\0';
    return json_pack("{s:o, s:s, s:s, s:s, s:I, s:I}", "output", mms_text_value(output_name),
                     "host", host, "boot", boot, "pid_namespace", space, "pid",
                     (json_int_t)getpid(), "started", (json_int_t)process_start(getpid()));
}

static bool same_text(const json_t *a, const json_t *b, const char *key)
{
    const char *const left = json_string_value(json_object_get(a, key));
    const char *const right = json_string_value(json_object_get(b, key));
    return left && right && !strcmp(left, right);
}

/* Whether the process that made a staging folder of the same output is certainly gone. */
static bool owner_is_gone(const json_t *owner, const json_t *us)
{
    const int64_t pid = json_integer_value(json_object_get(owner, "pid"));
    const int64_t started = json_integer_value(json_object_get(owner, "started"));

    if (!same_text(owner, us, "output") || !same_text(owner, us, "host") || pid <= 0)
        return false;
    if (!same_text(owner, us, "boot"))
        return true;
    return same_text(owner, us, "pid_namespace") && process_start(pid) != started;
}

/* The same, or soon: one that was killed may not have ended yet. */
static bool owner_goes(const json_t *owner, const json_t *us)
{
    const struct timespec nap = {.tv_nsec = 20000000};
    bool gone = owner_is_gone(owner, us);

    for (int i = 0; i < 100 && !gone; i++) {
        nanosleep(&nap, NULL);
        gone = owner_is_gone(owner, us);
    }
    return gone;
}

/* The owner file goes last: what a kill leaves of the folder can still be swept. */
static mms_status remove_folder(const char *path, mms_error *err)
{
    mms_status st = MMS_OK;
    struct dirent *entry;
    DIR *list = opendir(path);

    while (list && st == MMS_OK && (entry = readdir(list))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
            !strcmp(entry->d_name, OWNER_FILE))
            continue;
        char *inner = mms_format("%s/%s", path, entry->d_name);
        st = inner ? mms_remove_tree(inner, err)
                   : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
        free(inner);
    }
    if (list)
        closedir(list);
    return st == MMS_OK ? mms_remove_tree(path, err) : st;
}

/* A kill between two system calls leaves an empty folder without owner; so does, for a moment, a
 * run that begins. */
static void sweep_empty(const char *path)
{
    struct stat info;

    if (!lstat(path, &info) && info.st_mtime < time(NULL) - EMPTY_AGE_S && !rmdir(path))
        mms_log(MMS_LOG_INFO, "stage", "Removed %s, left by a run that was killed", path);
}

static void remove_left(const char *path)
{
    mms_error err;

    if (remove_folder(path, &err) == MMS_OK)
        mms_log(MMS_LOG_INFO, "stage", "Removed %s, left by a run that was killed", path);
    else
        mms_log(MMS_LOG_WARN, "stage", "Left by a run that was killed: %s", err.msg);
}

/* A folder gets its name when its owner file is whole, so one that is not was lost with the power.
 */
static void sweep_one(const char *path, const json_t *us)
{
    char *file = mms_format("%s/%s", path, OWNER_FILE);
    mms_value *owner = NULL;
    const mms_status st = file ? mms_value_read(file, &owner, NULL) : MMS_ERR_MEM;

    if (st == MMS_ERR_ARG || (st == MMS_OK && owner_is_gone(owner, us)))
        remove_left(path);
    else if (st == MMS_ERR_NOT_FOUND)
        sweep_empty(path);
    mms_value_free(&owner);
    free(file);
}

/* ---- the moment before a folder has its owner file ----
 * Its name then says whose it is: a kill leaves nothing that can't be told. */

/* A number for where a process number means something. */
static unsigned here(const json_t *owner)
{
    static const char *const keys[] = {"host", "boot", "pid_namespace"};
    unsigned hash = 2166136261U; /* FNV-1a */

    for (int64_t i = 0; i < MMS_COUNT_OF(keys); i++)
        for (const char *c = json_string_value(json_object_get(owner, keys[i])); c && *c; c++)
            hash = (hash ^ (unsigned char)*c) * 16777619U;
    return hash;
}

static char *fresh_path(const char *folder, const char *prefix, const json_t *owner)
{
    return mms_format("%s/%s%08x-%lld-%s", folder, prefix, here(owner),
                      (long long)json_integer_value(json_object_get(owner, "pid")), RANDOM_SUFFIX);
}

/* name: behind the prefix. */
static void sweep_fresh(const char *path, const char *name, const json_t *us)
{
    struct stat info;
    long long pid;
    unsigned where;
    int end = 0;

    if (sscanf(name, "%8x-%lld-%n", &where, &pid, &end) != 2 || end == 0 || lstat(path, &info))
        return;
    if ((where == here(us) && process_start(pid) == 0) || info.st_mtime < time(NULL) - EMPTY_AGE_S)
        remove_left(path);
}

static void sweep(const char *folder, const char *prefix, const json_t *us)
{
    const size_t n = strlen(prefix);
    struct dirent *entry;
    DIR *list = opendir(folder);

    while (list && (entry = readdir(list))) {
        if (strncmp(entry->d_name, prefix, n))
            continue;
        char *path = mms_format("%s/%s", folder, entry->d_name);
        if (path && strlen(entry->d_name) == n + strlen(RANDOM_SUFFIX))
            sweep_one(path, us);
        else if (path)
            sweep_fresh(path, entry->d_name + n, us);
        free(path);
    }
    if (list)
        closedir(list);
}

static mms_status write_owner(const char *folder, const json_t *owner, mms_error *err)
{
    char *path = mms_format("%s/%s", folder, OWNER_FILE), *text = mms_value_text(owner, 2);
    const mms_status st = path && text ? mms_write_file(path, text, (int64_t)strlen(text), err)
                                       : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder);

    free(text);
    free(path);
    return st;
}

/* fresh is the path of a folder to be made, path that of the staging folder; both get the same
 * random suffix. */
static mms_status make_named(char *fresh, char *path, const json_t *owner, mms_error *err)
{
    const size_t n = strlen(RANDOM_SUFFIX);
    mms_status st;

    if (!mkdtemp(fresh)) {
        if (errno == ENAMETOOLONG && mkdtemp(path)) /* the output's name is long already */
            return write_owner(path, owner, err);
        return mms_fail_errno(err, errno, "cannot make the staging folder here");
    }
    memcpy(path + strlen(path) - n, fresh + strlen(fresh) - n, n);
    st = write_owner(fresh, owner, err);
    if (st == MMS_OK && mms_rename_new(fresh, path))
        st = mms_fail_errno(err, errno, "%s: cannot rename %s to it", path, fresh);
    if (st != MMS_OK)
        (void)!remove_folder(fresh, NULL);
    return st;
}

static mms_status make_folder(mms_stage *stage, const char *folder, const char *prefix,
                              const json_t *owner, mms_error *err)
{
    mms_status st = MMS_ERR_EXISTS;

    for (int i = 0; i < 100 && st == MMS_ERR_EXISTS;
         i++) { /* of two runs that drew the same suffix the later draws again */
        char *const fresh = fresh_path(folder, prefix, owner);
        char *const path = mms_format("%s/%s%s", folder, prefix, RANDOM_SUFFIX);
        st = fresh && path ? make_named(fresh, path, owner, err)
                           : mms_fail(err, MMS_ERR_MEM, "out of memory");
        if (st == MMS_OK)
            stage->path = path;
        else
            free(path);
        free(fresh);
    }
    return st == MMS_OK ? st : mms_wrap(err, st, "%s", folder);
}

mms_value *mms_stage_owner(const char *output)
{
    char *const name = mms_path_base(output);
    mms_value *const owner = name ? owner_now(name) : NULL;

    free(name);
    return owner;
}

/* How the names of an owner's staging folders begin; NULL: no memory. */
static char *prefix_of(const json_t *owner)
{
    const char *const output = json_string_value(json_object_get(owner, "output"));

    return output ? mms_format(".%s.mms-part-", output) : NULL;
}

/* Whether path is a staging folder of output whose process is gone. */
static mms_status check_left(const char *path, const json_t *us, mms_error *err)
{
    char *const file = mms_format("%s/" OWNER_FILE, path), *const name = mms_path_base(path);
    char *const prefix = prefix_of(us);
    mms_value *owner = NULL;
    mms_status st;

    if (!file || !name || !prefix)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    if (strncmp(name, prefix, strlen(prefix)))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "%s is no staging folder of this output", path));
    st = mms_value_read(file, &owner, err);
    if (st == MMS_ERR_NOT_FOUND) /* it was killed while it was removed */
        (void)rmdir(path);
    MMS_TRY(st);
    if (same_text(owner, us, "host") && !owner_goes(owner, us))
        st = mms_fail(err, MMS_ERR_LOCKED, "%s: the run that makes it is at work", path);
done:
    mms_value_free(&owner);
    free(prefix);
    free(name);
    free(file);
    return st;
}

mms_status mms_stage_remove_other(const char *output, const char *path, mms_error *err)
{
    mms_value *us = mms_stage_owner(output);
    mms_status st = us ? check_left(path, us, err) : mms_fail(err, MMS_ERR_MEM, "out of memory");

    if (st == MMS_OK)
        st = remove_folder(path, err);
    else if (st == MMS_ERR_NOT_FOUND)
        st = MMS_OK;
    mms_value_free(&us);
    return st;
}

/* The owner file becomes ours in one step. */
static mms_status take_owner(const char *folder, const json_t *owner, mms_error *err)
{
    char *const path = mms_format("%s/" OWNER_FILE, folder);
    char *const fresh = mms_format("%s/" OWNER_FILE ".new", folder);
    char *const text = mms_value_text(owner, 2);
    mms_status st = MMS_OK;

    if (!path || !fresh || !text)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder));
    MMS_TRY(mms_replace_file(fresh, text, (int64_t)strlen(text), err));
    if (rename(fresh, path))
        st = mms_fail_errno(err, errno, "%s", path);
done:
    free(text);
    free(fresh);
    free(path);
    return st;
}

/** It is removed, if this process dies, with those that are made in it. */
static void set_current(const mms_stage *stage)
{
    if (!*mms_blackbox_stage())
        mms_blackbox_set_stage(stage->path);
}

mms_status mms_stage_adopt(const char *output, const char *path, mms_stage **out, mms_error *err)
{
    char *const folder = mms_path_dir(output);
    json_t *owner = mms_stage_owner(output);
    char *const prefix = prefix_of(owner);
    mms_status st;

    *out = mms_alloc(1, sizeof **out);
    if (!folder || !owner || !prefix || !*out)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", output));
    MMS_TRY(check_left(path, owner, err));
    MMS_TRY(take_owner(path, owner, err));
    (*out)->path = strdup(path);
    if (!(*out)->path)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", output));
    set_current(*out);
    sweep(folder, prefix, owner);
done:
    if (st != MMS_OK && *out)
        mms_stage_keep(out);
    json_decref(owner);
    free(prefix);
    free(folder);
    return st;
}

mms_status mms_stage_create(const char *output, mms_stage **out, mms_error *err)
{
    char *folder = mms_path_dir(output);
    json_t *owner = mms_stage_owner(output);
    char *prefix = prefix_of(owner), *base = mms_path_base(output);
    mms_status st = MMS_OK;

    *out = mms_alloc(1, sizeof **out);
    if (base && !strncmp(base, OWNER_FILE, strlen(OWNER_FILE))) {
        st = mms_fail(err, MMS_ERR_ARG, "%s: an output can't be called %s: choose another name",
                      output, base);
    } else if (!folder || !prefix || !*out) {
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", output);
    } else {
        sweep(folder, prefix, owner);
        st = make_folder(*out, folder, prefix, owner, err);
        if ((*out)->path)
            set_current(*out);
    }
    if (st != MMS_OK)
        mms_stage_remove(out);
    json_decref(owner);
    free(prefix);
    free(base);
    free(folder);
    return st;
}

const char *mms_stage_path(const mms_stage *stage)
{
    return stage->path;
}

mms_status mms_stage_sync(mms_stage *stage, mms_error *err)
{
    const int fd = open(stage->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mms_status st = MMS_OK;

    if (fd < 0 || syncfs(fd))
        st = mms_fail_errno(err, errno, "%s: cannot sync", stage->path);
    if (fd >= 0)
        close(fd);
    stage->synced = st == MMS_OK;
    return st;
}

mms_status mms_stage_publish(mms_stage *stage, const char *inner, const char *final_path,
                             mms_error *err)
{
    char *from = mms_format("%s/%s", stage->path, inner), *to = mms_path_strip(final_path);
    char *folder = mms_path_dir(final_path);
    mms_status st = MMS_OK;

    if (!from || !to || !folder)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", final_path);
    else if (mms_rename_new(from, to))
        st = errno == EEXIST
                 ? mms_fail(err, MMS_ERR_EXISTS,
                            "Output MS %s already exists - will not overwrite it.", final_path)
                 : mms_fail_errno(err, errno, "%s: cannot rename %s to it", to, from);
    else if (stage->synced)
        st = mms_sync_folder(folder, err);
    if (st == MMS_OK)
        MMS_TELL("output", "publish", (mms_about){0},
                 json_pack("{s:o}", "path", mms_text_value(to)));
    free(folder);
    free(to);
    free(from);
    return st;
}

/** Exchange two names; where the file system can't, the old one goes aside first. */
static int exchange(const char *from, const char *to, const char *aside)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    return rename(to, aside) || rename(from, to) ? -1 : 0;
}

mms_status mms_stage_replace(mms_stage *stage, const char *inner, const char *final_path,
                             mms_error *err)
{
    char *from = mms_format("%s/%s", stage->path, inner), *to = mms_path_strip(final_path);
    char *aside = mms_format("%s/replaced", stage->path), *folder = mms_path_dir(final_path);
    mms_status st = MMS_OK;

    if (!from || !to || !aside || !folder)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", final_path);
    else if (exchange(from, to, aside))
        st = mms_fail_errno(err, errno, "%s: cannot rename %s to it", to, from);
    else if (stage->synced)
        st = mms_sync_folder(folder, err);
    free(aside);
    free(folder);
    free(to);
    free(from);
    return st;
}

void mms_stage_remove(mms_stage **stage)
{
    mms_error err;

    if (*stage && (*stage)->path && remove_folder((*stage)->path, &err) != MMS_OK)
        mms_log(MMS_LOG_WARN, "stage", "%s", err.msg);
    mms_stage_keep(stage);
}

void mms_stage_remove_left(const char *path)
{
    (void)!remove_folder(path, NULL);
}

void mms_stage_keep(mms_stage **stage)
{
    if (*stage && (*stage)->path && !strcmp((*stage)->path, mms_blackbox_stage()))
        mms_blackbox_set_stage("");
    if (*stage)
        free((*stage)->path);
    free(*stage);
    *stage = NULL;
}
