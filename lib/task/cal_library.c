/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cal_library.c  Which calibration tables are used how: a cal library, a file with a line a
 * table. */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/stream_priv.h"
#include "cal_words_priv.h"
#include "flag_words_priv.h"

/** The length of the word key=value at text: blanks within quotes and brackets belong to it. */
static size_t word_length(const char *text)
{
    char quote = 0;
    int depth = 0;
    size_t i;

    for (i = 0; text[i]; i++) {
        const char c = text[i];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (c == '[')
            depth++;
        else if (c == ']')
            depth--;
        else if ((c == ',' || isspace((unsigned char)c)) && depth <= 0)
            break;
    }
    return i;
}

/** Keys that say for which rows a line is, and the expressions that they are. */
static const struct {
    const char *key, *name;
} selected[] = {{"field", "field"}, {"spw", "spw"}, {"intent", "intent"}, {"obs", "observation"}};

/** Take an expression, of which an empty one says nothing. */
static bool take_rows(const char *name, mms_value *value, mms_value *use)
{
    mms_value *rows = json_object_get(use, "rows");

    if (!*json_string_value(value))
        return true;
    if (!rows && json_object_set_new(use, "rows", rows = json_object()) != 0)
        return false;
    return !json_object_set(rows, name, value);
}

/** Take one key of a line into what the table is used with; false: the value is of another kind. */
static bool take_key(const char *key, mms_value *value, mms_value *use, bool *known)
{
    *known = true;
    if (!strcmp(key, "caltable")) {
        char *path = json_is_string(value) ? mms_path_absolute(json_string_value(value)) : NULL;
        json_object_set_new(use, "path", mms_text_value(path ? path : ""));
        free(path);
        return json_is_string(value);
    }
    if (!strcmp(key, "tinterp") || !strcmp(key, "finterp"))
        return json_is_string(value) && !json_object_set(use, key, value);
    if (!strcmp(key, "calwt"))
        return json_is_boolean(value) && !json_object_set(use, key, value);
    if (!strcmp(key, "spwmap"))
        return mms_cal_are_windows(value) && !json_object_set(use, key, value);
    if (!strcmp(key, "fldmap"))
        return (json_is_string(value) || mms_cal_are_windows(value)) &&
               !json_object_set(use, json_is_string(value) ? "field" : "fldmap", value);
    for (size_t i = 0; i < MMS_COUNT_OF(selected); i++)
        if (!strcmp(key, selected[i].key))
            return json_is_string(value) && take_rows(selected[i].name, value, use);
    if (!strcmp(key, "reach"))
        return json_is_string(value); // which nothing comes of in CASA, either
    *known = false;
    return false;
}

/** A value; truth values as CASA's libraries have them, too: T, F, true, false. */
static bool read_value(const char *text, mms_value **out)
{
    if (!strcmp(text, "T") || !strcmp(text, "F") || !strcmp(text, "true") || !strcmp(text, "false"))
        return (*out = json_boolean(*text == 'T' || *text == 't')) != NULL;
    return mms_flag_literal(text, out, NULL) == MMS_OK &&
           (!json_is_string(*out) || *text == '\'' || *text == '"');
}

static mms_status take_word(const char *file, int line, const char *word, size_t length,
                            mms_value *use, mms_error *err)
{
    char *text = strndup(word, length), *equals = text ? strchr(text, '=') : NULL;
    mms_value *value = NULL;
    bool known = true, good = equals != NULL;
    mms_status st = text ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "applycal: out of memory");

    if (equals) {
        *equals = 0;
        good = read_value(equals + 1, &value) && take_key(text, value, use, &known);
    }
    if (st == MMS_OK && !known)
        st = mms_fail(err, MMS_ERR_ARG,
                      "parameter callib: %s, line %d: %s is not done here, but caltable, calwt, "
                      "tinterp, finterp, fldmap, spwmap, field, spw, intent, obs",
                      file, line, text);
    else if (st == MMS_OK && !good)
        st = mms_fail(err, MMS_ERR_ARG, "parameter callib: %s, line %d: %.*s can't be read", file,
                      line, (int)length, word);
    mms_value_free(&value);
    free(text);
    return st;
}

/** Add what a line says.  Weights are as the first line of a table has them, as in CASA. */
static void add_use(mms_value *uses, int line, mms_value *use)
{
    const char *time = json_string_value(json_object_get(use, "tinterp"));
    const char *freq = json_string_value(json_object_get(use, "finterp"));
    char *interp = mms_format("%s,%s", time ? time : "", freq ? freq : "");

    json_object_set_new(use, "interp", mms_text_value(interp ? interp : ""));
    json_object_set_new(use, "line", json_integer(line));
    for (size_t i = json_array_size(uses); i-- > 0;) {
        const mms_value *other = json_array_get(uses, i);
        if (json_equal(json_object_get(other, "path"), json_object_get(use, "path")))
            json_object_set(use, "calwt", json_object_get(other, "calwt"));
    }
    json_array_append(uses, use);
    free(interp);
}

/** The line of one table. */
static mms_status take_line(const char *file, int line, const char *text, mms_value *uses,
                            mms_error *err)
{
    mms_value *use = json_pack("{sb s[] ss}", "calwt", 1, "spwmap", "field", "");
    mms_status st = MMS_OK;

    while (st == MMS_OK) {
        text += strspn(text, " \t\r,");
        if (!*text || *text == '#')
            break;
        const size_t length = word_length(text);
        st = take_word(file, line, text, length, use, err);
        text += length;
    }
    if (st == MMS_OK && json_object_size(use) > 3 && !json_object_get(use, "path"))
        st =
            mms_fail(err, MMS_ERR_ARG, "parameter callib: %s, line %d has no caltable", file, line);
    if (st == MMS_OK && json_object_get(use, "path"))
        add_use(uses, line, use);
    mms_value_free(&use);
    return st;
}

mms_status mms_cal_library(const char *path, mms_value *uses, mms_error *err)
{
    uint8_t *bytes = NULL;
    char *copy = NULL, *rest;
    size_t size = 0;
    bool there = false;
    int line = 0;
    mms_status st = MMS_OK;

    if (*path)
        MMS_TRY(mms_path_exists(path, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter callib: Specified cal library file ('%s') does not exist!",
                         path));
    MMS_TRY(mms_read_file(path, 1 << 24, &bytes, &size, err));
    copy = strndup((const char *)bytes, size);
    MMS_TRY(copy ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "applycal: out of memory"));
    for (char *text = rest = copy; text && st == MMS_OK; text = rest) {
        rest = strchr(text, '\n');
        if (rest)
            *rest++ = 0;
        st = take_line(path, ++line, text, uses, err);
    }
done:
    free(bytes);
    free(copy);
    return st;
}
