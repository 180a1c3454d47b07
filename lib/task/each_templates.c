/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_templates.c  Programs that each knows: which words they need (spec job-engine 2.12).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/places_priv.h"
#include "each_priv.h"

/* The files, in the order in which they are asked; NULL: there is no such place. */
static char *file_of(int number)
{
    const char *const own = getenv("MULTIMS_PROGRAMS"), *const config = getenv("XDG_CONFIG_HOME");
    const char *const home = getenv("HOME");

    if (number == 0)
        return own && *own ? strdup(own) : NULL;
    if (number == 2)
        return mms_place_own("programs.json");
    if (config && *config)
        return mms_format("%s/multims/programs.json", config);
    return home ? mms_format("%s/.config/multims/programs.json", home) : NULL;
}

static mms_status read_list(const char *path, const char *name, mms_value **out, mms_error *err)
{
    mms_value *all = NULL, *list;
    size_t i;
    mms_value *word;
    mms_status st;

    *out = NULL;
    if (!path || access(path, R_OK))
        return MMS_OK;
    MMS_TRY(mms_value_read(path, &all, err));
    list = json_object_get(all, name);
    if (list && !json_is_array(list))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "%s: %s is no list of words", path, name));
    json_array_foreach(list, i, word) if (!json_is_string(word))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "%s: word %zu of %s is no text", path, i + 1, name));
    *out = json_incref(list);
done:
    mms_value_free(&all);
    return st;
}

/* The words of the list, and in place of "..." those that were given behind the name. */
static mms_status put_together(const mms_texts *given, const mms_value *list, mms_texts *out,
                               mms_error *err)
{
    const char **const words =
        mms_alloc(given->count * ((int64_t)json_array_size(list) + 1) + 1, sizeof *words);
    mms_value *word;
    size_t i;

    if (!words)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    *out = (mms_texts){.count = 1, .values = words};
    words[0] = given->values[0];
    json_array_foreach(list, i, word)
    {
        const bool others = !strcmp(json_string_value(word), "...");
        for (int64_t k = 1; others && k < given->count; k++)
            words[out->count++] = given->values[k];
        if (!others)
            words[out->count++] = json_string_value(word);
    }
    return MMS_OK;
}

mms_status mms_each_complete(const mms_texts *given, mms_each_words *out, mms_error *err)
{
    mms_value *list = NULL;
    mms_status st = MMS_OK;

    *out = (mms_each_words){.texts = *given};
    for (int i = 0; i < 3 && st == MMS_OK && !list && !mms_each_has_tokens(given); i++) {
        char *const path = file_of(i);
        st = read_list(path, given->values[0], &list, err);
        free(path);
    }
    if (st != MMS_OK || !list)
        return st;
    out->list = list;
    st = put_together(given, list, &out->texts, err);
    out->made = st == MMS_OK ? (const char **)(uintptr_t)out->texts.values : NULL;
    mms_text line = {0};
    for (int64_t i = 0; st == MMS_OK && i < out->texts.count; i++)
        mms_text_add(&line, " %s", out->texts.values[i]);
    if (line.text)
        mms_log(MMS_LOG_INFO, "each", "program:%s", line.text);
    free(line.text);
    return st;
}

void mms_each_words_free(mms_each_words *words)
{
    mms_value_free(&words->list);
    free(words->made);
    words->made = NULL;
}
