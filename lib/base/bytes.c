/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file bytes.c  Paths are bytes, messages and JSON are UTF-8: how the one stands in the other.
 *
 *  A value holds the bytes themselves.  In JSON text a byte that is not UTF-8 is "\udcXX", as
 * Python's surrogateescape writes it; while jansson reads or writes such a text it is U+10FF00 +
 * byte. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes_priv.h"
#include "utf8_priv.h"

enum { STAND_IN = 4 /**< bytes of U+10FF80…U+10FFFF */, ESCAPE = 6 /**< those of \udcXX */ };

/** The byte that a stand-in at s stands for; 0: there is none. */
static uint8_t stands_for(const char *text)
{
    const uint8_t *const s = (const uint8_t *)text;
    const bool found =
        s[0] == 0xf4 && s[1] == 0x8f && (s[2] == 0xbe || s[2] == 0xbf) && (s[3] & 0xc0) == 0x80;
    return found ? (uint8_t)(s[3] | (s[2] == 0xbf ? 0x40 : 0)) : 0;
}

static void put_stand_in(char *to, uint8_t byte)
{
    const uint8_t s[STAND_IN] = {0xf4, 0x8f, byte & 0x40 ? 0xbf : 0xbe,
                                 (uint8_t)(0x80 | (byte & 0x3f))};
    memcpy(to, s, sizeof s);
}

/** Whether a text is UTF-8 and has no stand-ins of its own. */
static bool is_plain(const char *text)
{
    for (size_t n; *text; text += n) {
        n = mms_utf8_character(text);
        if (n == 0 || stands_for(text))
            return false;
    }
    return true;
}

mms_value *mms_text_value(const char *text)
{
    return json_string_nocheck(text);
}

mms_value *mms_int32s_value(int64_t n, const int32_t *values)
{
    mms_value *array = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer(values[i]));
    return array;
}

mms_value *mms_int64s_value(int64_t n, const int64_t *values)
{
    mms_value *array = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer(values[i]));
    return array;
}

const char *mms_text_of(const mms_value *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

mms_value *mms_double_value(double number)
{
    if (isfinite(number))
        return json_real(number);
    return json_string(isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
}

double mms_value_double(const mms_value *value)
{
    const char *const text = json_string_value(value);
    return text ? strtod(text, NULL) : json_number_value(value);
}

/* ---- values -----------------------------------------------------------------------------------*/

/** A text in its other form; NULL: out of memory. */
static char *to_stand_ins(const char *text)
{
    char *out = malloc(strlen(text) * STAND_IN + 1), *to = out;

    while (out && *text) {
        const size_t n = stands_for(text) ? 0 : mms_utf8_character(text);
        if (n)
            memcpy(to, text, n);
        else
            put_stand_in(to, (uint8_t)*text);
        to += n ? n : STAND_IN;
        text += n ? n : 1;
    }
    if (out)
        *to = '\0';
    return out;
}

static char *to_bytes(const char *text)
{
    char *out = malloc(strlen(text) + 1), *to = out;

    while (out && *text) {
        const uint8_t byte = stands_for(text);
        *to++ = byte ? (char)byte : *text;
        text += byte ? STAND_IN : 1;
    }
    if (out)
        *to = '\0';
    return out;
}

typedef char *change(const char *text);

static mms_value *change_text(const char *text, change *how)
{
    char *const changed = how(text);
    mms_value *const value = changed ? json_string_nocheck(changed) : NULL;

    free(changed);
    return value;
}

static mms_value *change_object(const mms_value *value, change *how);

/** A copy whose texts are in their other form; NULL: out of memory. */
static mms_value *change_value(const mms_value *value, change *how)
{
    mms_value *list, *item;
    size_t i;

    if (json_is_string(value))
        return change_text(json_string_value(value), how);
    if (json_is_object(value))
        return change_object(value, how);
    if (!json_is_array(value))
        return json_incref((mms_value *)value);
    list = json_array();
    json_array_foreach(value, i, item)
    {
        if (json_array_append_new(list, change_value(item, how)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static mms_value *change_object(const mms_value *value, change *how)
{
    mms_value *object = json_object(), *member;
    const char *key;

    json_object_foreach((mms_value *)value, key, member)
    {
        char *const changed = how(key);
        const int failed =
            !changed || json_object_set_new_nocheck(object, changed, change_value(member, how));
        free(changed);
        if (failed) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static bool all_plain(const mms_value *value)
{
    const char *key;
    mms_value *item;
    size_t i;

    if (json_is_string(value))
        return is_plain(json_string_value(value));
    json_array_foreach(value, i, item) if (!all_plain(item)) return false;
    json_object_foreach((mms_value *)value, key,
                        item) if (!is_plain(key) || !all_plain(item)) return false;
    return true;
}

/** Write stand-ins as \udcXX, which takes more room. */
static char *escape_stand_ins(char *text)
{
    char *out = text ? malloc(strlen(text) / STAND_IN * ESCAPE + STAND_IN + 1) : NULL, *to = out;

    for (const char *at = text; out && *at;) {
        const uint8_t byte = stands_for(at);
        if (byte) {
            snprintf(to, ESCAPE + 1, "\\udc%02x", byte);
            to += ESCAPE;
        } else
            *to++ = *at;
        at += byte ? STAND_IN : 1;
    }
    if (out)
        *to = '\0';
    free(text);
    return out;
}

char *mms_value_text(const mms_value *value, int indent)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_INDENT((size_t)indent) |
                         (indent ? 0 : JSON_COMPACT) | JSON_REAL_PRECISION(17);
    mms_value *copy;
    char *text;

    if (!value || all_plain(value))
        return json_dumps(value, flags);
    copy = change_value(value, to_stand_ins);
    text = escape_stand_ins(json_dumps(copy, flags));
    json_decref(copy);
    return text;
}

/** The byte of an escape \udcXX at s, 0x80 and more; 0: there is none. */
static uint8_t escaped(const char *s)
{
    char digits[3] = "";

    if (strncmp(s, "\\udc", 4) != 0 && strncmp(s, "\\uDC", 4) != 0)
        return 0;
    memcpy(digits, s + 4, strnlen(s + 4, 2));
    return strspn(digits, "0123456789abcdefABCDEF") == 2 ? (uint8_t)strtoul(digits, NULL, 16) : 0;
}

/** Put stand-ins for the escapes of lone bytes, in place; returns whether there are any. */
static bool unescape(char *text)
{
    bool found = false, pair = false;
    char *to = text;

    for (const char *at = text; *at;) {
        const uint8_t byte = pair ? 0 : escaped(at);
        pair = !strncasecmp(at, "\\ud8", 4) || !strncasecmp(at, "\\ud9", 4) ||
               !strncasecmp(at, "\\uda", 4) || !strncasecmp(at, "\\udb", 4);
        if (byte >= 0x80) {
            put_stand_in(to, byte);
            to += STAND_IN;
            at += ESCAPE;
            found = true;
            continue;
        }
        const size_t n = pair ? ESCAPE : *at == '\\' && at[1] ? 2 : 1;
        for (size_t i = 0; i < n && *at; i++)
            *to++ = *at++;
    }
    *to = '\0';
    return found;
}

mms_value *mms_value_load(const char *text, size_t size, size_t flags, json_error_t *where)
{
    char *copy;
    mms_value *value, *changed;

    if (!memmem(text, size, "\\udc", 4) && !memmem(text, size, "\\uDC", 4))
        return json_loadb(text, size, flags, where);
    copy = strndup(text, size);
    if (!copy)
        return NULL;
    const bool found = unescape(copy);
    value = json_loads(copy, flags, where);
    free(copy);
    if (!found || !value)
        return value;
    changed = change_value(value, to_bytes);
    json_decref(value);
    return changed;
}
