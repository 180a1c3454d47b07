/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file command.c  The language of commands: where statements, calls and assignments begin. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command_priv.h"
#include "tables/taql.h"

static const char blanks[] = " \t\r\n";

const char *mms_command_find(const char *text, char c)
{
    int depth = 0;

    for (const char *s = text;; s++) {
        if (*s == '\'' || *s == '"') {
            s = strchr(s + 1, *s);
            if (!s)
                return NULL;
            continue;
        }
        if (!*s || (*s == c && !depth))
            return depth ? NULL : s;
        depth += *s == '(' || *s == '[' || *s == '{';
        depth -= *s == ')' || *s == ']' || *s == '}';
        if (depth < 0)
            return NULL;
    }
}

char *mms_command_plain(const char *text)
{
    char *const plain = strdup(text);

    for (char *s = plain; s && *s; s++) {
        if (*s == '\'' || *s == '"') {
            s = strchr(s + 1, *s);
            if (!s)
                break;
        } else if (*s == '#') {
            const size_t n = strcspn(s, "\n");
            memset(s, ' ', n);
            s += n - 1;
        } else if (*s == '\r') {
            *s = ' ';
        }
    }
    return plain;
}

const char *mms_command_end(const char *text)
{
    const char *const end = mms_command_find(text, ';');
    const char *const line = mms_command_find(text, '\n');

    if (mms_command_is_taql(text))
        return end;
    return !end || (line && line < end) ? line : end;
}

bool mms_command_is_call(const char *text, mms_command_call *call)
{
    const int n = mms_command_name(text);
    const char *const open = text + n + strspn(text + n, blanks);
    const char *const close = *open == '(' ? mms_command_find(open + 1, ')') : NULL;

    /* find() stops at the bracket that closes ours, of which it does not know that it is open */
    if (!n || !close || *close != ')' || close[1 + strspn(close + 1, blanks)])
        return false;
    *call = (mms_command_call){text, open + 1, n, (int)(close - open - 1)};
    return true;
}

bool mms_command_is_known(const char *name, int n)
{
    static const char *const own[] = {"sleep", "getcwd", "chdir", "load", "unset", "exit", NULL};
    char *const copy = strndup(name, (size_t)n);
    const bool known =
        copy && (mms_names_have(own, copy) || mms_command_is_setting(copy) || mms_task_find(copy));

    free(copy);
    return known;
}

bool mms_command_is_assignment(const char *text, mms_command_assignment *a)
{
    const int n = mms_command_name(text);
    const char *s = text + n + strspn(text + n, blanks);

    *a = (mms_command_assignment){.nname = n, .npath = n};
    while (n && *s == '[') {
        const char *const close = mms_command_find(s + 1, ']');
        if (!close || *close != ']')
            return false;
        a->npath = a->index ? (int)(a->index + a->nindex + 1 - text) : n;
        a->index = s + 1;
        a->nindex = (int)(close - s - 1);
        s = close + 1 + strspn(close + 1, blanks);
    }
    if (a->npath > n && mms_command_path(text) < a->npath)
        return false;
    if (!n || s[0] != '=' || s[1] == '=')
        return false;
    a->value = s + 1 + strspn(s + 1, blanks);
    return true;
}

/* Whether text begins with one of words[n] and a blank. */
static bool begins(const char *text, int64_t n, const char *const *words)
{
    const int length = mms_command_name(text);
    const bool followed = length && text[length] && strchr(blanks, text[length]);

    for (int64_t i = 0; followed && i < n; i++)
        if ((size_t)length == strlen(words[i]) && !strncasecmp(text, words[i], (size_t)length))
            return true;
    return false;
}

static bool selects(const char *text)
{
    static const char *const words[] = {"select", "count"};

    return begins(text, MMS_COUNT_OF(words), words);
}

bool mms_command_gives(const char *text)
{
    char before = ' ';

    for (const char *s = text; *s; before = *s++) {
        const int n = mms_command_name(s);
        const bool is_word =
            n && strchr(" \t\r\n)]'\"", before) && s[n] && strchr(" \t\r\n[('\"", s[n]);
        if (is_word &&
            ((n == 6 && !strncasecmp(s, "giving", 6)) || (n == 4 && !strncasecmp(s, "into", 4))))
            return true;
        if (*s == '\'' || *s == '"')
            s = strchr(s + 1, *s) ? strchr(s + 1, *s) : s;
        else if (n)
            s += n - 1;
    }
    return false;
}

bool mms_command_changes(const char *text)
{
    static const char *const words[] = {"update", "insert", "delete", "alter",
                                        "create", "drop",   "copy",   "with"};

    return begins(text, MMS_COUNT_OF(words), words) || (selects(text) && mms_command_gives(text));
}

bool mms_command_is_taql(const char *text)
{
    return mms_command_changes(text) || selects(text);
}

bool mms_command_has_named_argument(const mms_command_call *call)
{
    char *const text = strndup(call->arguments, (size_t)call->narguments);
    const char *const end = text ? mms_command_find(text, ',') : NULL;
    char *const first = end ? strndup(text, (size_t)(end - text)) : NULL;
    mms_command_assignment a;
    const bool has = first && mms_command_is_assignment(first, &a);

    free(first);
    free(text);
    return has;
}

/* Calls are looked into when they run: their arguments are expressions of their own. */
static mms_status check_value(const char *value, mms_error *err)
{
    mms_command_call call;
    const char *cls;
    char *text;
    mms_status st;

    if (mms_command_is_call(value, &call) &&
        (mms_command_is_known(call.name, call.nname) || mms_command_has_named_argument(&call)))
        return MMS_OK;
    if (*value == '[' || *value == '{')
        return MMS_OK;
    st = mms_command_resolve(value, NULL, &text, &cls, err);
    if (st == MMS_OK)
        st = mms_taql_check(text, err);
    free(text);
    return st;
}

static mms_status check_statement(const char *text, const char **mode, mms_error *err)
{
    mms_command_assignment a;

    *mode = "exec";
    if (!*text || mms_command_is_taql(text))
        return MMS_OK;
    if (mms_command_is_assignment(text, &a))
        return check_value(a.value, err);
    *mode = "eval";
    return check_value(text, err);
}

mms_status mms_command_mode(const char *text, const char **mode, mms_error *err)
{
    char *const plain = mms_command_plain(text);
    const char *s = plain ? plain + strspn(plain, blanks) : "";
    mms_status st = plain ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
    bool is_ended = false; // by ;, as only statements are
    int count = 0;

    *mode = "exec";
    while (st == MMS_OK && *s) {
        const char *const end = mms_command_end(s);
        char *const one = end ? strndup(s, (size_t)(end - s)) : NULL;
        if (!end || !one)
            st = mms_fail(err, MMS_ERR_ARG, "a quote or bracket is not closed");
        else
            st = check_statement(one, mode, err);
        count++;
        is_ended = is_ended || (end && *end == ';');
        free(one);
        s = end && *end ? end + 1 + strspn(end + 1, blanks) : "";
    }
    if (count > 1 || is_ended)
        *mode = "exec";
    free(plain);
    if (st == MMS_OK || st == MMS_ERR_MEM)
        return st;
    return mms_fail(err, MMS_ERR_ARG,
                    "Command cannot be executed neither as a statement nor as an expression, it "
                    "will be rejected: %s",
                    text);
}
