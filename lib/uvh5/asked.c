/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file asked.c  What a file of exportuvh5 was asked for, from its own history: verify compares it
 *  with that of its MS. */
#include <stdlib.h>
#include <string.h>

#include "check/settings_priv.h"
#include "ms/ms_priv.h"
#include "side_priv.h"

/** Whether a setting begins after a line, or nothing does. */
static bool ends_setting(const char *end)
{
    const char *const next = end + (*end == '\n');
    const char *const word = next + strspn(next, "abcdefghijklmnopqrstuvwxyz_");

    return !*next || (word > next && word[strspn(word, " ")] == '=');
}

/** Where the setting that begins there ends: a text in quotes may go over several lines. */
static const char *end_of_setting(const char *line)
{
    const char *const first = line + strcspn(line, "\n"), *const begin = strstr(line, " = \"");
    const char *end = first;

    if (!begin || begin >= first)
        return first;
    while (*end && (end[-1] != '"' || end - 1 < begin + 4 || !ends_setting(end)))
        end += 1 + strcspn(end + 1, "\n");
    return end[-1] == '"' ? end : first;
}

/** The lines of the last export; NULL: there is none, or no memory. */
static mms_value *read_settings(const char *history)
{
    static const char mark[] = "taskname=exportuvh5\n";
    const char *at = NULL;
    mms_value *texts;

    for (const char *next = history; next && (next = strstr(next, mark)); next++)
        if (next > history && next[-1] == '\n')
            at = next;
    texts = at ? json_object() : NULL;
    for (const char *line = at; texts && *line;) {
        const size_t n = (size_t)(end_of_setting(line) - line);
        char *const copy = strndup(line, n);
        if (copy)
            mms_settings_take(texts, copy);
        free(copy);
        line += n + (line[n] == '\n');
    }
    return texts;
}

/** An MS that was made from a UVH5 file holds what is in it, whatever it was selected from. */
static mms_status was_imported(const char *vis, bool *is, mms_error *err)
{
    mms_value *words = NULL;
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_ms_open(vis, &ms, err));
    MMS_TRY(mms_table_keywords(mms_ms_first_table(ms), NULL, &words, err));
    *is = json_object_get(words, "pyuvdata_flip_conj") != NULL;
done:
    mms_value_free(&words);
    mms_ms_close(&ms);
    return st;
}

static mms_status is_source(const char *vis, const mms_value *texts, bool *is, mms_error *err)
{
    char *const here = realpath(vis, NULL), *const there =
                                                realpath(mms_setting(texts, "vis"), NULL);
    bool imported = false;
    mms_status st = MMS_OK;

    *is = here && there && !strcmp(here, there);
    if (!*is && here) {
        st = was_imported(vis, &imported, err);
        *is = !imported;
    }
    free(here);
    free(there);
    return st;
}

/** The file of a part has the rows of that part. */
static mms_status take_part(mms_uvh5_side *ms, mms_error *err)
{
    const char *const part = mms_setting(ms->settings, "part");
    mms_ms *whole = NULL;
    mms_status st = MMS_OK;

    if (!*part)
        return MMS_OK;
    MMS_TRY(mms_ms_open(ms->asked.vis, &whole, err));
    const int64_t i = strtoll(part, NULL, 10), n = mms_ms_nmember(whole);
    if (i >= 0 && i < n && n > 1) {
        ms->member = strdup(mms_ms_member_path(whole, i));
        MMS_TRY(ms->member ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", ms->path));
        ms->asked.vis = ms->member;
    }
done:
    mms_ms_close(&whole);
    return st;
}

static mms_status refuse_averages(const mms_uvh5_side *ms, const mms_uvh5_side *file,
                                  mms_error *err)
{
    const bool rows = !strcmp(mms_setting(ms->settings, "timeaverage"), "True");
    const bool channels = !strcmp(mms_setting(ms->settings, "chanaverage"), "True");

    if (!rows && !channels)
        return MMS_OK;
    return mms_fail(err, MMS_ERR_UNSUPPORTED,
                    "%s: holds averages (%s=%s) of %s: they are not compared with its rows; "
                    "without against the file is judged alone",
                    file->path, rows ? "timebin" : "chanbin",
                    mms_setting(ms->settings, rows ? "timebin" : "chanbin"), ms->asked.vis);
}

mms_status mms_uvh5_take_asked(mms_uvh5_side *ms, const mms_uvh5_side *file, mms_error *err)
{
    bool is = false;
    mms_status st;

    if (!file->is_ours || !file->in.history)
        return MMS_OK;
    ms->settings = read_settings(json_string_value(file->in.history));
    if (!ms->settings)
        return MMS_OK;
    MMS_TRY(is_source(ms->asked.vis, ms->settings, &is, err));
    if (!is)
        return MMS_OK;
    MMS_TRY(refuse_averages(ms, file, err));
    MMS_TRY(take_part(ms, err));
    ms->asked.select = mms_settings_select(ms->settings);
    if (*mms_setting(ms->settings, "flipconj"))
        ms->asked.flipconj = mms_setting(ms->settings, "flipconj");
    if (*mms_setting(ms->settings, "eop"))
        ms->asked.eop = mms_setting(ms->settings, "eop");
    char *const words = mms_settings_words(ms->settings);
    mms_log(MMS_LOG_INFO, "verify", "The export in the file's history is taken:%s",
            words ? words : " all data");
    free(words);
done:
    return st;
}
