/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file command_paths.c  Members and elements of variables in commands, a['k'][0]: TaQL knows them
 * of arrays alone. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command_priv.h"

static const char blanks[] = " \t\r\n";

int mms_command_name(const char *text)
{
    int n = 0;

    while (isalpha((unsigned char)text[n]) || text[n] == '_' ||
           (n && isdigit((unsigned char)text[n])))
        n++;
    return n;
}

/* Words of TaQL behind which a list may stand: they are no variables that have elements. */
static bool is_operator(const char *text, int n)
{
    static const char *const words[] = {"in",     "incone", "and",  "or",    "not",    "between",
                                        "exists", "like",   "from", "ilike", "around", "as"};

    for (int64_t i = 0; i < MMS_COUNT_OF(words); i++)
        if (strlen(words[i]) == (size_t)n && !strncasecmp(text, words[i], (size_t)n))
            return true;
    return false;
}

/* What stands between the bracket at s, behind blanks, and its value; "": there is no bracket. */
static const char *subscript(const char *s)
{
    s += strspn(s, blanks);
    return *s == '[' ? s + 1 + strspn(s + 1, blanks) : "";
}

/* The end of "[0]" or "['key']" at s; NULL: it is something else. */
static const char *subscript_end(const char *s)
{
    const char *at = subscript(s);
    const char quote = *at == '\'' || *at == '"' ? *at : '\0';

    if (quote) {
        at = strchr(at + 1, quote);
        at = at && at[-1] != '\\' ? at + 1 : NULL;
    } else {
        const char *const first = at;
        at += *at == '-';
        const size_t n = strspn(at, "0123456789");
        at = n ? at + n : NULL;
        if (at && at - first > 18)
            return NULL;
    }
    if (!at)
        return NULL;
    at += strspn(at, blanks);
    return *at == ']' ? at + 1 : NULL;
}

int mms_command_path(const char *text)
{
    const int n = mms_command_name(text);
    const char *end = text + n;

    if (is_operator(text, n))
        return 0;
    for (const char *next = n ? subscript_end(end) : NULL; next; next = subscript_end(end))
        end = next;
    return end == text + n ? 0 : (int)(end - text);
}

static mms_status fail_at(const char **cls, const char *class, mms_error *err, const char *what,
                          int length, const char *text)
{
    *cls = class;
    return mms_fail(err, MMS_ERR_ARG, "%.*s%s", length, text, what);
}

/* The member or element of a value that a subscript names; *value NULL: TaQL may know one. */
static mms_status step(const char *text, int length, const char *s, mms_value **value,
                       const char **cls, mms_error *err)
{
    const char *const inner = subscript(s);
    const bool is_key = *inner == '\'' || *inner == '"';
    char *const key =
        is_key ? strndup(inner + 1, strcspn(inner + 1, (char[]){*inner, '\0'})) : NULL;
    const mms_value *const from = *value;
    long long i = is_key ? 0 : strtoll(inner, NULL, 10);

    *value = NULL;
    if (is_key && !key)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    if (is_key && json_is_object(from))
        *value = json_object_get(from, key);
    free(key);
    if (is_key && !*value)
        return json_is_object(from)
                   ? fail_at(cls, "key", err, ": no such member", length, text)
                   : fail_at(cls, "type", err, ": it has no members", length, text);
    if (is_key || (!json_is_array(from) && !json_is_object(from)))
        return MMS_OK;
    if (json_is_object(from))
        return fail_at(cls, "key", err, ": no such member", length, text);
    i += i < 0 ? (long long)json_array_size(from) : 0;
    *value = i < 0 ? NULL : json_array_get(from, (size_t)i);
    return *value ? MMS_OK : fail_at(cls, "index", err, ": outside of the list", length, text);
}

mms_status mms_command_follow(const char *text, int length, const mms_value *scope, mms_value **out,
                              const char **cls, mms_error *err)
{
    const int n = mms_command_name(text);
    char *const name = strndup(text, (size_t)n);
    mms_status st = MMS_OK;

    *out = name ? json_object_get(scope, name) : NULL;
    free(name);
    if (!*out)
        return fail_at(cls, "name", err, " is not defined", n, text);
    for (const char *s = text + n, *end; st == MMS_OK && *out && s < text + length; s = end) {
        end = subscript_end(s);
        st = step(text, (int)(end - text), s, out, cls, err);
    }
    return st;
}

/* Digits that are too large for a number would be the largest one. */
static bool is_too_large(const char *s, size_t n)
{
    const bool is_hex = s[0] == '0' && (s[n] | 32) == 'x';

    errno = 0;
    (void)strtoll(s, NULL, is_hex ? 16 : 10);
    return errno == ERANGE && !strchr(".eEijJ", s[n] ? s[n] : ' ');
}

bool mms_command_has_too_large(const char *text)
{
    char before = ' ';

    for (const char *s = text; *s; before = *s++) {
        const size_t digits =
            isalnum((unsigned char)before) || strchr("_.", before) ? 0 : strspn(s, "0123456789");
        if (digits && is_too_large(before == '-' ? s - 1 : s, digits + (before == '-')))
            return true;
        if (*s == '\'' || *s == '"')
            s = strchr(s + 1, *s) ? strchr(s + 1, *s) : s;
        else if (digits)
            s += digits - 1;
    }
    return false;
}

static const char least[] = "-9223372036854775808";

/* Whether it stands at s as a number of its own: TaQL reads the digits without their sign. */
static bool is_least(const char *s, char before)
{
    const size_t n = sizeof least - 1;

    return !strncmp(s, least, n) && !isalnum((unsigned char)s[n]) && s[n] != '.' &&
           strchr("([{,=+-*/%<>&|^ ", before);
}

/* What a path holds as a variable of its own, of which text gains the name. */
static mms_status add_path(mms_text *text, const char *s, int length, mms_value *scope,
                           const char **cls, mms_error *err)
{
    char *const name = mms_format(MMS_COMMAND_PATH_NAME "%zu", json_object_size(scope));
    mms_value *value = NULL;
    const mms_status st = name ? mms_command_follow(s, length, scope, &value, cls, err)
                               : mms_fail(err, MMS_ERR_MEM, "out of memory");

    if (value && json_object_set(scope, name, value))
        value = NULL;
    mms_text_add(text, "%.*s", value ? (int)strlen(name) : length, value ? name : s);
    free(name);
    return st;
}

mms_status mms_command_resolve(const char *text, mms_value *scope, char **out, const char **cls,
                               mms_error *err)
{
    mms_text all = {0};
    mms_status st = MMS_OK;
    char before = ' ';

    mms_text_add(&all, "%s", "");
    for (const char *s = text; st == MMS_OK && *s;) {
        const bool begins = !isalnum((unsigned char)before) && !strchr("_.:", before);
        const int path = begins ? mms_command_path(s) : 0, name = mms_command_name(s);
        const size_t digits = begins ? strspn(s, "0123456789") : 0;
        const char *const quoted = *s == '\'' || *s == '"' ? strchr(s + 1, *s) : NULL;
        const int n = path                  ? path
                      : name                ? name
                      : digits              ? (int)digits
                      : is_least(s, before) ? (int)sizeof least - 1
                      : quoted              ? (int)(quoted - s) + 1
                                            : 1;
        if (path && scope)
            st = add_path(&all, s, path, scope, cls, err);
        else if (path)
            mms_text_add(&all, "%.*s", name, s);
        else if (digits && scope && is_too_large(s, digits))
            st = fail_at(cls, "value", err, ": too large for an integer",
                         (int)strspn(s, "0123456789abcdefABCDEFxX"), s);
        else if (is_least(s, before))
            mms_text_add(&all, "(-9223372036854775807-1)");
        else
            mms_text_add(&all, "%.*s", n, s);
        before = s[n - 1];
        s += n;
    }
    *out = all.text;
    if (st == MMS_OK && !*out)
        st = mms_fail(err, MMS_ERR_MEM, "out of memory");
    return st;
}
