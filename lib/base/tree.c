/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tree.c  A folder read once, to be written many times. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_priv.h"
#include "files_priv.h"
#include "tree_priv.h"

enum { MOST_DEPTH = 16 };

/** Folders come before what is in them. */
typedef struct tree_entry {
    char *path; /**< below the root, "" for the root itself */
    int depth;
    mode_t mode; /**< with the kind of file */
    int64_t size;
    char *bytes; /**< of the file, or text of the link; NULL: not held */
} tree_entry;

struct mms_tree {
    char *root;
    mode_t mask;
    tree_entry *entries;
    int64_t nentry, capacity, held, most;
};

static mms_status out_of_memory(const char *path, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
}

static mms_status read_bytes(const char *path, tree_entry *e, mms_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t done = 0;
    ssize_t n = 0;

    e->bytes = malloc((size_t)e->size + 1);
    while (fd >= 0 && e->bytes && done < e->size &&
           (n = TEMP_FAILURE_RETRY(read(fd, e->bytes + done, (size_t)(e->size - done)))) > 0)
        done += n;
    const int errnum = errno;
    if (fd >= 0)
        close(fd);
    if (!e->bytes)
        return out_of_memory(path, err);
    if (fd < 0 || n < 0)
        return mms_fail_errno(err, errnum, "%s: cannot read", path);
    return done == e->size ? MMS_OK : mms_fail(err, MMS_ERR_IO, "%s ends early", path);
}

static mms_status read_link(const char *path, tree_entry *e, mms_error *err)
{
    char target[PATH_MAX];
    const ssize_t n = readlink(path, target, sizeof target - 1);

    if (n < 0)
        return mms_fail_errno(err, errno, "%s: cannot read", path);
    e->bytes = strndup(target, (size_t)n);
    return e->bytes ? MMS_OK : out_of_memory(path, err);
}

static mms_status add_entry(mms_tree *t, const FTSENT *found, mms_error *err)
{
    mms_status st = mms_grow(&t->entries, &t->capacity, t->nentry + 1, sizeof *t->entries, err);

    if (st != MMS_OK)
        return st;
    tree_entry *e = &t->entries[t->nentry++];
    *e = (tree_entry){.path = strdup(found->fts_path + strlen(t->root)),
                      .depth = found->fts_level,
                      .mode = found->fts_statp->st_mode,
                      .size = found->fts_statp->st_size};
    if (!e->path)
        return out_of_memory(found->fts_path, err);
    if (e->depth >= MOST_DEPTH)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: too deep", found->fts_path);
    if (S_ISLNK(e->mode))
        return read_link(found->fts_path, e, err);
    if (!S_ISREG(e->mode) || e->size > t->most - t->held)
        return MMS_OK;
    t->held += e->size;
    return read_bytes(found->fts_path, e, err);
}

static mms_status read_entry(mms_tree *t, const FTSENT *found, mms_error *err)
{
    switch (found->fts_info) {
    case FTS_DP:
        return MMS_OK;
    case FTS_D:
    case FTS_F:
    case FTS_SL:
        return add_entry(t, found, err);
    case FTS_ERR:
    case FTS_DNR:
    case FTS_NS:
        return mms_fail_errno(err, found->fts_errno, "%s: cannot read", found->fts_path);
    default:
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: neither file nor folder nor link",
                        found->fts_path);
    }
}

static mode_t current_mask(void)
{
    const mode_t mask = umask(077);
    umask(mask);
    return mask;
}

mms_status mms_tree_read(const char *path, int64_t most, mms_tree **out, mms_error *err)
{
    mms_tree *t = *out = mms_alloc(1, sizeof *t);
    FTS *walk = NULL;
    FTSENT *found;
    mms_status st = MMS_OK;

    if (!t || !(t->root = mms_path_strip(path)))
        st = out_of_memory(path, err);
    else if (!(walk = fts_open((char *const[]){t->root, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL)))
        st = mms_fail_errno(err, errno, "%s: cannot read", path);
    if (walk) {
        t->most = most;
        t->mask = current_mask();
    }
    while (st == MMS_OK && (found = fts_read(walk)))
        st = read_entry(t, found, err);
    if (walk)
        fts_close(walk);
    if (st != MMS_OK)
        mms_tree_free(out);
    return st;
}

int64_t mms_tree_held(const mms_tree *tree)
{
    return tree->held;
}

/** Whether a file made with a mode has it. */
static bool keeps_mode(const mms_tree *t, mode_t mode)
{
    return !(mode & (t->mask | (07777 & ~0777)));
}

static int write_file(const mms_tree *t, const tree_entry *e, int dir, const char *name)
{
    const mode_t mode = (e->mode & 07777) | S_IWUSR;
    const int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    int64_t done = 0;
    ssize_t n = 0;

    if (fd < 0)
        return -1;
    while (done < e->size &&
           (n = TEMP_FAILURE_RETRY(write(fd, e->bytes + done, (size_t)(e->size - done)))) >= 0)
        done += n;
    if (n < 0 || (!keeps_mode(t, mode) && fchmod(fd, mode))) {
        const int errnum = errno;
        close(fd);
        errno = errnum;
        return -1;
    }
    return close(fd);
}

/** Make a folder and open it for what comes in it. */
static int write_folder(const mms_tree *t, const tree_entry *e, int dir, const char *name, int *fd)
{
    const mode_t mode = (e->mode & 07777) | S_IRWXU;

    if (mkdirat(dir, name, mode & 0777) || (!keeps_mode(t, mode) && fchmodat(dir, name, mode, 0)))
        return -1;
    *fd = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? -1 : 0;
}

static mms_status copy_from_root(const mms_tree *t, const tree_entry *e, const char *dst,
                                 mms_error *err)
{
    char *from = mms_format("%s%s", t->root, e->path), *to = mms_format("%s%s", dst, e->path);
    const mms_status st = from && to ? mms_copy_file(from, to, err) : out_of_memory(dst, err);

    free(from);
    free(to);
    return st;
}

/** fds[depth] is the open folder that entries of that depth are in; *open: how many are open. */
static mms_status write_entry(const mms_tree *t, const tree_entry *e, const char *dst, int *fds,
                              int *open, mms_error *err)
{
    const char *name = e->depth ? strrchr(e->path, '/') + 1 : dst;
    const int dir = e->depth ? fds[e->depth] : AT_FDCWD;
    int rc;

    if (S_ISDIR(e->mode)) {
        while (*open > e->depth)
            close(fds[(*open)--]);
        rc = write_folder(t, e, dir, name, &fds[e->depth + 1]);
        *open += rc == 0;
    } else if (S_ISLNK(e->mode)) {
        rc = symlinkat(e->bytes, dir, name);
    } else if (e->bytes) {
        rc = write_file(t, e, dir, name);
    } else {
        return copy_from_root(t, e, dst, err);
    }
    return rc ? mms_fail_errno(err, errno, "%s%s: cannot write", dst, e->path) : MMS_OK;
}

mms_status mms_tree_write(const mms_tree *tree, const char *dst, mms_error *err)
{
    int fds[MOST_DEPTH + 1], open = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < tree->nentry; i++)
        st = write_entry(tree, &tree->entries[i], dst, fds, &open, err);
    while (open > 0)
        close(fds[open--]);
    return st;
}

void mms_tree_free(mms_tree **tree)
{
    mms_tree *t = *tree;

    *tree = NULL;
    for (int64_t i = 0; t && i < t->nentry; i++) {
        free(t->entries[i].path);
        free(t->entries[i].bytes);
    }
    if (t) {
        free(t->entries);
        free(t->root);
    }
    free(t);
}
