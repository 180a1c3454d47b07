/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_note.c  Whether a program of each was done, though its worker was killed before it
 *  could answer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/fingerprint_priv.h"
#include "each_priv.h"

char *mms_each_note_path(const char *copy, const char *made)
{
    return mms_format("%s-note", copy ? copy : made);
}

/* Lock the file at path, which is made with how = O_CREAT, or wait for who has it; -1: it is not
 * there, or *busy. */
static int take(const char *path, int how, int tries, bool *busy)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    struct stat ours, named;
    int fd = -1;

    for (*busy = true; *busy && tries > 0; tries--) {
        fd = open(path, O_RDWR | O_CLOEXEC | how, 0666);
        if (fd < 0)
            break;
        *busy = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
        if (!*busy) /* who had it may have removed it */
            *busy = fstat(fd, &ours) || stat(path, &named) || ours.st_ino != named.st_ino;
        if (!*busy)
            return fd;
        close(fd);
        fd = -1;
        nanosleep(&nap, NULL);
    }
    return fd;
}

mms_status mms_each_hold_note(const char *note, int *fd, mms_error *err)
{
    bool busy;

    *fd = take(note, O_CREAT, 1000, &busy);
    if (*fd >= 0)
        return MMS_OK;
    return busy && !access(note, F_OK)
               ? mms_fail(err, MMS_ERR_LOCKED,
                          "%s is locked: a program that was begun before is at work still", note)
               : mms_fail_errno(err, errno, "%s", note);
}

void mms_each_drop_note(const char *note)
{
    bool busy;
    const int fd = take(note, 0, 100, &busy);

    if (fd >= 0) {
        (void)unlink(note);
        close(fd);
    }
}

mms_status mms_each_note(int fd, const char *note, const char *copy, const char *made,
                         const mms_value *answer, mms_error *err)
{
    mms_value *const value = json_pack("{s:O, s:o*, s:o*}", "answer", answer, "part",
                                       copy ? mms_fingerprint(copy) : NULL, "output",
                                       made ? mms_fingerprint(made) : NULL);
    char *const text = value ? mms_value_text(value, 0) : NULL;
    mms_status st = MMS_OK;

    if (!text)
        st = mms_fail(err, MMS_ERR_MEM, "out of memory");
    else if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
        st = mms_fail_errno(err, errno, "%s", note);
    else
        st = mms_write_all(fd, text, (int64_t)strlen(text), note, err);
    free(text);
    json_decref(value);
    return st;
}

/* Whether at path is what was noted. */
static bool is_there(const char *path, const mms_value *noted)
{
    mms_value *const print = path && noted ? mms_fingerprint(path) : NULL;
    const bool same = print && json_equal(print, noted);

    json_decref(print);
    return same;
}

mms_status mms_each_was_done(const char *note, const char *part, const char *output,
                             const char *made, bool *was, mms_value *answer, mms_error *err)
{
    mms_value *noted = NULL;
    bool is_made;
    mms_status st = MMS_OK;

    *was = false;
    if (mms_value_read(note, &noted, NULL) != MMS_OK) // empty, or a part of one
        return MMS_OK;
    is_made = is_there(output, json_object_get(noted, "output"));
    *was = (is_made || !output) && (!part || is_there(part, json_object_get(noted, "part")));
    if (*was)
        (void)json_object_update(answer, json_object_get(noted, "answer"));
    else if (is_made && (st = mms_remove_tree(made, err)) == MMS_OK && rename(output, made))
        st = mms_fail_errno(err, errno, "%s", output);
    mms_value_free(&noted);
    return st;
}
