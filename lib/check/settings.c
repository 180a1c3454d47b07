/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file settings.c  The parameters of a run, as its lines of history have them. */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "settings_priv.h"

void mms_settings_take(mms_value *texts, const char *message)
{
    const char *const equals = strchr(message, '=');
    char name[32], *value;
    size_t n;

    if (!equals)
        return;
    n = (size_t)(equals - message);
    while (n > 0 && isspace((unsigned char)message[n - 1]))
        n--;
    if (n == 0 || n >= sizeof name)
        return;
    memcpy(name, message, n);
    name[n] = '\0';
    value = strdup(equals + 1 + strspn(equals + 1, " "));
    n = value ? strlen(value) : 0;
    if (n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n - 1] == value[0]) {
        memmove(value, value + 1, n - 2);
        value[n - 2] = '\0';
    } else if (value && !strcmp(value, "None"))
        *value = '\0';
    json_object_set_new_nocheck(texts, name, mms_text_value(value ? value : ""));
    free(value);
}

const char *mms_setting(const mms_value *texts, const char *name)
{
    const char *const text = json_string_value(json_object_get(texts, name));

    return text ? text : "";
}

mms_select mms_settings_select(const mms_value *texts)
{
    mms_select select = {0};

    for (int i = 0; i < MMS_SELECT_COUNT; i++)
        *mms_select_at(&select, i) = mms_setting(texts, mms_select_name(i));
    return select;
}

char *mms_settings_words(const mms_value *texts)
{
    mms_text line = {0};

    for (int i = 0; i <= MMS_SELECT_COUNT; i++) {
        const char *const name = i < MMS_SELECT_COUNT ? mms_select_name(i) : "datacolumn";
        if (*mms_setting(texts, name))
            mms_text_add(&line, " %s=\"%s\"", name, mms_setting(texts, name));
    }
    return line.text;
}
