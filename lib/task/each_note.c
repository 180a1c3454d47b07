/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_note.c  Whether a program of each was done, though its worker was killed before it
 *  could answer. */
#include <stdlib.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/fingerprint_priv.h"
#include "each_priv.h"

char *mms_each_note_path(const char *copy, const char *made)
{
    return mms_format("%s-note", copy ? copy : made);
}

mms_status mms_each_note(const char *note, const char *copy, const char *made,
                         const mms_value *answer, mms_error *err)
{
    mms_value *const value = json_pack("{s:O, s:o*, s:o*}", "answer", answer, "part",
                                       copy ? mms_fingerprint(copy) : NULL, "output",
                                       made ? mms_fingerprint(made) : NULL);
    mms_status st =
        value ? mms_remove_tree(note, err) : mms_fail(err, MMS_ERR_MEM, "out of memory");

    if (st == MMS_OK)
        st = mms_value_write(value, note, err);
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

mms_status mms_each_was_done(const char *note, const char *part, const char *output, bool *was,
                             mms_value *answer, mms_error *err)
{
    mms_value *noted = NULL;
    bool made;
    mms_status st = MMS_OK;

    *was = false;
    if (access(note, F_OK) || mms_value_read(note, &noted, NULL) != MMS_OK) // or a part of one
        return MMS_OK;
    made = is_there(output, json_object_get(noted, "output"));
    *was = (made || !output) && (!part || is_there(part, json_object_get(noted, "part")));
    if (*was)
        (void)json_object_update(answer, json_object_get(noted, "answer"));
    else if (made)
        st = mms_remove_tree(output, err);
    mms_value_free(&noted);
    return st;
}
