/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file walk.c  A folder and all that is below it, one after the other. */
#include "walk_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_priv.h"
#include "files_priv.h"

enum { MOST_DEPTH = 64 };

typedef struct walker {
    unsigned how;
    mms_walk_visit *visit;
    void *ctx;
} walker;

/** The names in a folder; all are read before one is visited, which may remove it. */
typedef struct name_list {
    int64_t n, capacity;
    char **names;
} name_list;

static mms_status walk_entry(const walker *w, int folder, const char *name, const char *path,
                             int depth, mms_error *err);

static void free_names(name_list *list)
{
    for (int64_t i = 0; i < list->n; i++)
        free(list->names[i]);
    free(list->names);
}

static bool is_left_out(const walker *w, const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..") || (w->how & MMS_WALK_TABLES && *name == '.');
}

static mms_status read_names(const walker *w, DIR *list, const char *path, name_list *out,
                             mms_error *err)
{
    const struct dirent *entry;
    mms_status st = MMS_OK;

    for (errno = 0; st == MMS_OK && (entry = readdir(list)); errno = 0) {
        if (is_left_out(w, entry->d_name))
            continue;
        st = mms_grow(&out->names, &out->capacity, out->n + 1, sizeof *out->names, err);
        if (st == MMS_OK && !(out->names[out->n++] = strdup(entry->d_name)))
            st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    }
    return st == MMS_OK && errno ? mms_fail_errno(err, errno, "%s: cannot list", path) : st;
}

static mms_status walk_names(const walker *w, int folder, const name_list *list, const char *path,
                             int depth, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < list->n; i++) {
        char *inner = mms_format("%s/%s", path, list->names[i]);
        st = inner ? walk_entry(w, folder, list->names[i], inner, depth, err)
                   : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
        free(inner);
    }
    return st;
}

static mms_status walk_folder(const walker *w, const mms_walked *met, mms_error *err)
{
    const int follow = met->depth == 0 && w->how & MMS_WALK_FOLLOW ? 0 : O_NOFOLLOW;
    const int fd = (int)TEMP_FAILURE_RETRY(
        openat(met->folder, met->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow));
    DIR *const list = fd < 0 ? NULL : fdopendir(fd);
    name_list names = {0};
    mms_status st;

    if (!list) {
        st = mms_fail_errno(err, errno, "%s: cannot list", met->path);
        if (fd >= 0)
            close(fd);
        return st;
    }
    st = met->depth < MOST_DEPTH ? read_names(w, list, met->path, &names, err)
                                 : mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: too deep", met->path);
    if (st == MMS_OK)
        st = walk_names(w, fd, &names, met->path, met->depth + 1, err);
    free_names(&names);
    closedir(list);
    return st;
}

static mms_walk_kind kind_of(mode_t mode)
{
    return S_ISDIR(mode)   ? MMS_WALK_FOLDER
           : S_ISREG(mode) ? MMS_WALK_FILE
           : S_ISLNK(mode) ? MMS_WALK_LINK
                           : MMS_WALK_OTHER;
}

static mms_status walk_entry(const walker *w, int folder, const char *name, const char *path,
                             int depth, mms_error *err)
{
    const bool follow = depth == 0 && w->how & MMS_WALK_FOLLOW;
    mms_walked met = {.path = path, .folder = folder, .name = name, .depth = depth};
    struct stat info;
    mms_status st;

    if (fstatat(folder, name, &info, follow ? 0 : AT_SYMLINK_NOFOLLOW)) {
        if (errno == ENOENT && w->how & MMS_WALK_GONE)
            return MMS_OK;
        return mms_fail_errno(err, errno, "%s: cannot look at it", path);
    }
    met.info = &info;
    met.kind = kind_of(info.st_mode);
    st = w->visit(w->ctx, &met, err);
    if (st != MMS_OK || met.kind != MMS_WALK_FOLDER)
        return st;
    st = walk_folder(w, &met, err);
    met.kind = MMS_WALK_LEFT;
    return st == MMS_OK ? w->visit(w->ctx, &met, err) : st;
}

mms_status mms_walk(const char *path, unsigned how, mms_walk_visit *visit, void *ctx,
                    mms_error *err)
{
    const walker w = {.how = how, .visit = visit, .ctx = ctx};
    return walk_entry(&w, AT_FDCWD, path, path, 0, err);
}
