/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tree.c  A folder read once, to be written many times. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_priv.h"
#include "files_priv.h"
#include "tree_priv.h"
#include "walk_priv.h"

enum { MOST_DEPTH = 16 };

/** Folders come before what is in them. */
typedef struct tree_entry {
    char *path; /**< below the root, "" for the root itself */
    char *from; /**< where its bytes are */
    int depth;
    bool folder;
    int64_t size;
    char *bytes; /**< of the file; NULL: not held */
} tree_entry;

struct mms_tree {
    tree_entry *entries;
    int64_t nentry, capacity, held, most;
};

/** A walk that reads a tree, or what a link in it means. */
typedef struct reading {
    mms_tree *tree;
    const char *root, *below; /**< path of the walk, and its place in the tree */
    int depth;                /**< of below */
} reading;

static mms_status out_of_memory(const char *path, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
}

static mms_status read_bytes(tree_entry *e, mms_error *err)
{
    int64_t size;
    int fd;
    mms_status st = mms_open_file(e->from, &fd, &size, err);

    if (st != MMS_OK)
        return st;
    e->bytes = malloc((size_t)e->size + 1);
    st = e->bytes ? mms_read_all(fd, e->bytes, e->size, e->from, err) : out_of_memory(e->from, err);
    close(fd);
    return st;
}

static mms_status add_entry(const reading *r, const mms_walked *met, bool folder, int64_t size,
                            mms_error *err)
{
    mms_tree *t = r->tree;
    mms_status st = mms_grow(&t->entries, &t->capacity, t->nentry + 1, sizeof *t->entries, err);

    if (st != MMS_OK)
        return st;
    tree_entry *e = &t->entries[t->nentry++];
    *e = (tree_entry){.path = mms_format("%s%s", r->below, met->path + strlen(r->root)),
                      .from = mms_format("%s", met->path),
                      .depth = r->depth + met->depth,
                      .folder = folder,
                      .size = size};
    if (!e->path || !e->from)
        return out_of_memory(met->path, err);
    if (e->depth >= MOST_DEPTH)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: too deep", met->path);
    if (folder || size > t->most - t->held)
        return MMS_OK;
    t->held += size;
    return read_bytes(e, err);
}

static mms_status take_link(const reading *r, const mms_walked *met, mms_error *err);

static mms_status take_entry(void *ctx, const mms_walked *met, mms_error *err)
{
    const reading *r = ctx;

    switch (met->kind) {
    case MMS_WALK_LEFT:
        return MMS_OK;
    case MMS_WALK_FOLDER:
    case MMS_WALK_FILE:
        return add_entry(r, met, met->kind == MMS_WALK_FOLDER, met->info->st_size, err);
    case MMS_WALK_LINK:
        return take_link(r, met, err);
    default:
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: %s, neither file nor folder", met->path,
                        mms_kind_of_file(met->info->st_mode));
    }
}

/** Read the table that a link in a tree means; links to folders in it are not followed. */
static mms_status take_table(const reading *r, const mms_walked *met, mms_error *err)
{
    char *file = mms_format("%s/table.dat", met->path);
    char *below = mms_format("%s%s", r->below, met->path + strlen(r->root));
    const reading inner = {r->tree, met->path, below, r->depth + met->depth};
    bool there = false;
    mms_status st;

    MMS_TRY(file && below ? MMS_OK : out_of_memory(met->path, err));
    if (!*r->below)
        MMS_TRY(mms_path_exists(file, &there, err));
    if (there)
        MMS_TRY(mms_walk(met->path, MMS_WALK_TABLES | MMS_WALK_FOLLOW, take_entry, (void *)&inner,
                         err));
    else
        mms_log(MMS_LOG_WARN, "copy", "%s: a link to a folder that is no table is left out",
                met->path);
done:
    free(file);
    free(below);
    return st;
}

/** What a link means stands in the copy, so that whoever writes into the copy writes nowhere else.
 */
static mms_status take_link(const reading *r, const mms_walked *met, mms_error *err)
{
    struct stat info;

    if (fstatat(met->folder, met->name, &info, 0)) {
        if (!mms_is_absence(errno))
            return mms_fail_errno(err, errno, "%s: cannot look at what it leads to", met->path);
        mms_log(MMS_LOG_WARN, "copy", "%s: a link that leads nowhere is left out", met->path);
        return MMS_OK;
    }
    if (S_ISREG(info.st_mode))
        return add_entry(r, met, false, info.st_size, err);
    if (S_ISDIR(info.st_mode))
        return take_table(r, met, err);
    return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s leads to %s, neither file nor folder", met->path,
                    mms_kind_of_file(info.st_mode));
}

mms_status mms_tree_read(const char *path, int64_t most, mms_tree **out, mms_error *err)
{
    mms_tree *t = *out = mms_alloc(1, sizeof *t);
    char *root = mms_path_strip(path);
    reading r = {.tree = t, .root = root, .below = ""};
    mms_status st;

    MMS_TRY(t && root ? MMS_OK : out_of_memory(path, err));
    t->most = most;
    MMS_TRY(mms_walk(root, MMS_WALK_TABLES | MMS_WALK_FOLLOW, take_entry, &r, err));
done:
    free(root);
    if (st != MMS_OK)
        mms_tree_free(out);
    return st;
}

int64_t mms_tree_held(const mms_tree *tree)
{
    return tree->held;
}

/** fds[depth] is the open folder that entries of that depth are in; *open: how many are open. */
static mms_status write_entry(const tree_entry *e, const char *dst, int *fds, int *open,
                              mms_error *err)
{
    const char *name = e->depth ? strrchr(e->path, '/') + 1 : dst;
    char *label = mms_format("%s%s", dst, e->path);
    mms_status st;

    MMS_TRY(label ? MMS_OK : out_of_memory(dst, err));
    while (*open > e->depth)
        close(fds[(*open)--]);
    const int folder = e->depth ? fds[e->depth] : AT_FDCWD;
    if (e->folder) {
        MMS_TRY(mms_make_folder_in(folder, name, label, &fds[e->depth + 1], err));
        ++*open;
    } else {
        MMS_TRY(e->bytes ? mms_write_file_in(folder, name, label, e->bytes, e->size, err)
                         : mms_copy_file_in(e->from, folder, name, label, err));
    }
done:
    free(label);
    return st;
}

mms_status mms_tree_write(const mms_tree *tree, const char *dst, mms_error *err)
{
    int fds[MOST_DEPTH + 1], open = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < tree->nentry; i++)
        st = write_entry(&tree->entries[i], dst, fds, &open, err);
    while (open > 0)
        close(fds[open--]);
    return st;
}

mms_status mms_copy_tree(const char *src, const char *dst, mms_error *err)
{
    mms_tree *tree;
    mms_status st = mms_tree_read(src, 0, &tree, err);

    if (st == MMS_OK)
        st = mms_tree_write(tree, dst, err);
    mms_tree_free(&tree);
    return st;
}

void mms_tree_free(mms_tree **tree)
{
    mms_tree *t = *tree;

    *tree = NULL;
    for (int64_t i = 0; t && i < t->nentry; i++) {
        free(t->entries[i].path);
        free(t->entries[i].from);
        free(t->entries[i].bytes);
    }
    if (t)
        free(t->entries);
    free(t);
}
