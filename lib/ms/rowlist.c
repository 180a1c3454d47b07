/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rowlist.c  Runs of rows in a file, so that no list of rows is held in memory. */
#include "rowlist_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"

enum { BUFFERED = 128 };

struct mms_rowlist {
    char *path;
    FILE *file;   /**< reading; NULL: one run in memory */
    mms_rows run; /**< reading: what is left of the last run */
    bool writing; /**< the file is open only while the buffer is written: there may be many lists */
    bool begun;   /**< writing: the file has what was written before, of this list alone */
    int64_t nbuffer;
    mms_rows buffer[BUFFERED];
};

static mms_status io_error(const mms_rowlist *list, mms_error *err)
{
    return mms_fail_errno(err, errno, "%s", list->path);
}

static mms_status make(const char *path, mms_rowlist **out, mms_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out && (!path || ((*out)->path = strdup(path))))
        return MMS_OK;
    free(*out);
    *out = NULL;
    return mms_fail(err, MMS_ERR_MEM, "list of rows: out of memory");
}

static mms_status flush_buffer(mms_rowlist *list, mms_error *err)
{
    const int64_t bytes = list->nbuffer * (int64_t)sizeof *list->buffer;
    const int more = list->begun ? O_APPEND : O_TRUNC;
    const int fd = open(list->path, O_WRONLY | more | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    mms_status st;

    if (fd < 0)
        return io_error(list, err);
    st = mms_write_all(fd, list->buffer, bytes, list->path, err);
    if (close(fd) != 0 && st == MMS_OK)
        st = io_error(list, err);
    list->nbuffer = 0;
    list->begun = true;
    return st;
}

mms_status mms_rowlist_create(const char *path, mms_rowlist **out, mms_error *err)
{
    const mms_status st = make(path, out, err);
    if (st == MMS_OK)
        (*out)->writing = true;
    return st;
}

mms_status mms_rowlist_add(mms_rowlist *list, mms_rows run, mms_error *err)
{
    mms_rows *last = list->nbuffer ? &list->buffer[list->nbuffer - 1] : NULL;
    mms_status st = MMS_OK;

    assert(list->writing && run.first >= 0);
    if (last && run.first == last->first + last->count) {
        last->count += run.count;
        return MMS_OK;
    }
    if (list->nbuffer == BUFFERED)
        st = flush_buffer(list, err);
    list->buffer[list->nbuffer++] = run;
    return st;
}

mms_status mms_rowlist_open(const char *path, int64_t nrow, mms_rowlist **out, mms_error *err)
{
    mms_status st = make(path, out, err);
    if (st != MMS_OK)
        return st;
    (*out)->run = (mms_rows){0, path ? 0 : nrow};
    if (path && !((*out)->file = fopen(path, "re"))) {
        st = io_error(*out, err);
        (void)!mms_rowlist_close(out, NULL);
    }
    return st;
}

mms_status mms_rowlist_take(mms_rowlist *list, int64_t most, mms_rows *run, mms_error *err)
{
    if (list->run.count == 0 && list->file) {
        if (fread(&list->run, sizeof list->run, 1, list->file) != 1) {
            *run = list->run = (mms_rows){0, 0};
            return ferror(list->file) ? io_error(list, err) : MMS_OK;
        }
    }
    *run = list->run;
    if (run->count > most)
        run->count = most;
    assert(run->count >= 0);
    list->run.first += run->count;
    list->run.count -= run->count;
    return MMS_OK;
}

mms_status mms_rowlist_close(mms_rowlist **list, mms_error *err)
{
    mms_rowlist *l = *list;
    mms_status st = MMS_OK;

    *list = NULL;
    if (!l)
        return MMS_OK;
    if (l->writing)
        st = flush_buffer(l, err);
    if (l->file)
        fclose(l->file);
    free(l->path);
    free(l);
    return st;
}
