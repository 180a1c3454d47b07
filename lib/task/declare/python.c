/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file python.c  The literals of Python that stand in scripts of CASA, and what joins them. */
#include "python_priv.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "multims/task.h"

enum { DEEPEST = 16, SHOWN = 24 };

/* Where in a text; inside brackets, line breaks are blanks */
struct place {
    const char *text, *at;
    bool lines; /* a line break ends a statement */
    mms_error *err;
};

static mms_status parse_value(struct place *p, int depth, mms_value **out);

/* Refuse what stands at p, which is shown up to what ends a value */
static mms_status refuse(const struct place *p, const char *why)
{
    const size_t n = strcspn(p->at, "\r\n,)]"), length = n > SHOWN ? SHOWN : n;
    char where[32] = "";
    size_t shown = length;
    int line = 1;

    for (const char *s = p->text; s < p->at; s++)
        line += *s == '\n';
    if (strchr(p->text, '\n'))
        snprintf(where, sizeof where, "line %d: ", line);
    while (shown && shown < n && ((unsigned char)p->at[shown] & 0xc0) == 0x80)
        shown--; /* not in the middle of a character */
    if (!shown && *p->at && *p->at != '\r' && *p->at != '\n')
        shown = 1;
    return mms_fail(p->err, MMS_ERR_ARG, "%s%.*s%s: %s", where, shown ? (int)shown : 7,
                    shown ? p->at : "the end", shown < n ? "…" : "", why);
}

static mms_status out_of_memory(const struct place *p)
{
    return mms_fail(p->err, MMS_ERR_MEM, "out of memory");
}

static void skip_blanks(struct place *p)
{
    for (;;) {
        p->at += strspn(p->at, p->lines ? " \t\r\f" : " \t\r\n\f");
        if (*p->at == '#')
            p->at += strcspn(p->at, "\n");
        else if (p->at[0] == '\\' && (p->at[1] == '\n' || (p->at[1] == '\r' && p->at[2] == '\n')))
            p->at += p->at[1] == '\r' ? 3 : 2;
        else
            return;
    }
}

static size_t name_length(const char *s)
{
    size_t n = 0;

    while (isalnum((unsigned char)s[n]) || s[n] == '_')
        n++;
    return n && !isdigit((unsigned char)*s) ? n : 0;
}

/* Add a character by its number, in UTF-8; false for what is none.  U+DC80…U+DCFF are bytes that
 * are no UTF-8, as Python shows them in names of files. */
static bool add_character(mms_text *text, unsigned long c)
{
    if (c >= 0xdc80 && c < 0xdd00) {
        mms_text_add(text, "%c", (int)(c & 0xff));
        return true;
    }
    if (!c || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return false;
    if (c < 0x80)
        mms_text_add(text, "%c", (int)c);
    else if (c < 0x800)
        mms_text_add(text, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
    else if (c < 0x10000)
        mms_text_add(text, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 63)),
                     (int)(0x80 | (c & 63)));
    else
        mms_text_add(text, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 63)),
                     (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
    return true;
}

/* "\x41" and the like: exactly n digits behind the letter, or one to three octal ones */
static mms_status add_numbered(struct place *p, mms_text *text)
{
    const char letter = p->at[1];
    const bool octal = letter >= '0' && letter <= '7';
    const size_t digits = octal ? 3 : letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
    const char *const begin = p->at + (octal ? 1 : 2);
    char number[9] = "";
    size_t n = strspn(begin, octal ? "01234567" : "0123456789abcdefABCDEF");

    n = n < digits ? n : digits;
    memcpy(number, begin, n);
    if ((!octal && n < digits) || !add_character(text, strtoul(number, NULL, octal ? 8 : 16)))
        return refuse(p, "no such character");
    p->at = begin + n;
    return MMS_OK;
}

static mms_status add_escape(struct place *p, mms_text *text)
{
    static const char letters[] = "\\'\"abfnrtv", meant[] = "\\'\"\a\b\f\n\r\t\v";
    const char letter = p->at[1];
    const char *const known = letter ? strchr(letters, letter) : NULL;

    if (letter == 'x' || letter == 'u' || letter == 'U' || (letter >= '0' && letter <= '7'))
        return add_numbered(p, text);
    if (letter == '\n') {
        p->at += 2;
    } else if (known) {
        mms_text_add(text, "%c", meant[known - letters]);
        p->at += 2;
    } else {
        mms_text_add(text, "\\"); /* Python keeps what it does not know */
        p->at++;
    }
    return MMS_OK;
}

/* Add the text between quotes */
static mms_status add_quoted(struct place *p, bool raw, mms_text *text)
{
    const struct place begin = *p;
    const char quote = *p->at;
    const size_t marks = p->at[1] == quote && p->at[2] == quote ? 3 : 1;
    const char end[4] = {quote, marks == 3 ? quote : '\0', marks == 3 ? quote : '\0', '\0'};
    mms_status st = MMS_OK;

    mms_text_add(text, "%s", "");
    for (p->at += marks; strncmp(p->at, end, marks) != 0;) {
        if (!*p->at || (marks == 1 && *p->at == '\n'))
            return refuse(&begin, "the text has no end");
        if (*p->at == '\\' && raw && p->at[1]) {
            mms_text_add(text, "%.2s", p->at);
            p->at += 2;
        } else if (*p->at == '\\') {
            MMS_TRY(add_escape(p, text));
        } else {
            mms_text_add(text, "%c", *p->at++);
        }
    }
    p->at += marks;
done:
    return st;
}

/* The letter before a quote, r or u of either case; 0: none */
static size_t prefix_length(const char *s)
{
    return strchr("rRuU", *s) && *s && (s[1] == '\'' || s[1] == '"') ? 1 : 0;
}

static bool is_quoted(const char *s)
{
    s += prefix_length(s);
    return *s == '\'' || *s == '"';
}

/* One text or several beside each other, which are one */
static mms_status parse_texts(struct place *p, mms_value **out)
{
    mms_text text = {0};
    mms_status st = MMS_OK;

    while (is_quoted(p->at)) {
        const bool raw = *p->at == 'r' || *p->at == 'R';
        p->at += prefix_length(p->at);
        MMS_TRY(add_quoted(p, raw, &text));
        skip_blanks(p);
    }
    if (text.failed)
        MMS_TRY(out_of_memory(p));
    *out = mms_text_value(text.text);
    if (!*out)
        st = out_of_memory(p);
done:
    free(text.text);
    return st;
}

/* The length of a decimal number, with a sign or not; 0: none.  Sets whether it is an integer. */
static size_t number_length(const char *s, bool *integer)
{
    size_t n = *s == '-' || *s == '+';
    const size_t whole = strspn(s + n, "0123456789");
    size_t part = 0;

    n += whole;
    *integer = s[n] != '.';
    if (!*integer) {
        part = strspn(s + n + 1, "0123456789");
        n += 1 + part;
    }
    if (!whole && !part)
        return 0;
    if (s[n] == 'e' || s[n] == 'E') {
        const size_t sign = s[n + 1] == '-' || s[n + 1] == '+';
        const size_t digits = strspn(s + n + 1 + sign, "0123456789");
        *integer = *integer && !digits;
        n += digits ? 1 + sign + digits : 0;
    }
    return name_length(s + n) || s[n] == '.' ? 0 : n;
}

static mms_status parse_number(struct place *p, mms_value **out)
{
    bool integer;
    const size_t n = number_length(p->at, &integer);
    double real;
    long long whole;

    if (!n)
        return refuse(p, "is not a number");
    errno = 0;
    whole = strtoll(p->at, NULL, 10);
    integer = integer && errno == 0;
    real = strtod(p->at, NULL);
    if (!isfinite(real))
        return refuse(p, "is too large a number");
    *out = integer ? json_integer(whole) : json_real(real);
    p->at += n;
    return *out ? MMS_OK : out_of_memory(p);
}

/* A list or tuple: what stands in brackets; one value in parentheses is that value */
static mms_status parse_list(struct place *p, int depth, mms_value **out)
{
    const struct place begin = *p;
    const char close = *p->at == '[' ? ']' : ')';
    mms_value *list = json_array(), *value;
    mms_status st = MMS_OK;
    bool comma = false;

    p->at++;
    p->lines = false;
    if (!list)
        MMS_TRY(out_of_memory(p));
    for (skip_blanks(p); *p->at != close; skip_blanks(p)) {
        if (!*p->at)
            MMS_TRY(refuse(&begin, "the list has no end"));
        if (json_array_size(list) && !comma)
            MMS_TRY(refuse(p, "a comma is missing"));
        MMS_TRY(parse_value(p, depth + 1, &value));
        if (json_array_append_new(list, value))
            MMS_TRY(out_of_memory(p));
        comma = *p->at == ',';
        p->at += comma;
    }
    p->at++;
    if (close == ')' && json_array_size(list) == 1 && !comma) {
        value = json_incref(json_array_get(list, 0));
        json_decref(list);
        list = value;
    }
    *out = list;
    list = NULL;
done:
    p->lines = begin.lines;
    json_decref(list);
    return st;
}

/** Add key: value to a dictionary; numbers are keys by their texts, as in JSON. */
static mms_status parse_entry(struct place *p, int depth, mms_value *dict)
{
    mms_value *key = NULL, *value = NULL;
    char number[24] = "";
    mms_status st;

    MMS_TRY(parse_value(p, depth + 1, &key));
    if (json_is_integer(key))
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(key));
    else if (!json_is_string(key))
        MMS_TRY(refuse(p, "a key is neither a text nor a whole number"));
    if (*p->at != ':')
        MMS_TRY(refuse(p, "a colon is missing"));
    p->at++;
    MMS_TRY(parse_value(p, depth + 1, &value));
    if (json_object_set_new(dict, *number ? number : json_string_value(key), value))
        MMS_TRY(out_of_memory(p));
done:
    json_decref(key);
    return st;
}

static mms_status parse_dict(struct place *p, int depth, mms_value **out)
{
    const struct place begin = *p;
    mms_value *dict = json_object();
    mms_status st = MMS_OK;
    bool comma = true;

    p->at++;
    p->lines = false;
    if (!dict)
        MMS_TRY(out_of_memory(p));
    for (skip_blanks(p); *p->at != '}'; skip_blanks(p)) {
        if (!*p->at)
            MMS_TRY(refuse(&begin, "the dictionary has no end"));
        if (!comma)
            MMS_TRY(refuse(p, "a comma is missing"));
        MMS_TRY(parse_entry(p, depth, dict));
        comma = *p->at == ',';
        p->at += comma;
    }
    p->at++;
    *out = dict;
    dict = NULL;
done:
    p->lines = begin.lines;
    json_decref(dict);
    return st;
}

static mms_status parse_name(struct place *p, mms_value **out)
{
    const size_t n = name_length(p->at);

    if (n == 4 && !memcmp(p->at, "True", n))
        *out = json_true();
    else if (n == 5 && !memcmp(p->at, "False", n))
        *out = json_false();
    else if (n == 4 && !memcmp(p->at, "None", n))
        *out = json_null();
    else
        return refuse(p, n ? "is a name: write the value that it has, texts in quotes"
                           : "is not a value: a text in quotes, a number, True, False, None or a "
                             "list of these");
    p->at += n;
    return MMS_OK;
}

/* Parse a value and the blanks behind it */
static mms_status parse_value(struct place *p, int depth, mms_value **out)
{
    mms_status st;

    *out = NULL;
    skip_blanks(p);
    if (depth > DEEPEST)
        return refuse(p, "too many lists in each other");
    if (is_quoted(p->at))
        st = parse_texts(p, out);
    else if (*p->at == '[' || *p->at == '(')
        st = parse_list(p, depth, out);
    else if (*p->at == '{')
        st = parse_dict(p, depth, out);
    else if (*p->at && strchr("+-.0123456789", *p->at))
        st = parse_number(p, out);
    else
        st = parse_name(p, out);
    skip_blanks(p);
    return st;
}

static mms_status parse_all(const char *text, bool record, mms_value **out, mms_error *err)
{
    struct place p = {text, text, false, err};
    mms_status st;

    *out = NULL;
    skip_blanks(&p);
    st = *p.at == '{' && !record ? parse_name(&p, out) : parse_value(&p, 0, out);

    if (st == MMS_OK && *p.at)
        st = refuse(&p, "stands behind the value");
    if (st != MMS_OK)
        mms_value_free(out);
    return st;
}

mms_status mms_python_value(const char *text, mms_value **out, mms_error *err)
{
    return parse_all(text, false, out, err);
}

mms_status mms_python_record(const char *text, mms_value **out, mms_error *err)
{
    return parse_all(text, true, out, err);
}

/* Step over a name and "=", where it stands; return the length of the name, 0 when it does not */
static size_t take_key(struct place *p, const char **name)
{
    struct place q = *p;
    const size_t n = name_length(q.at);

    *name = q.at;
    q.at += n;
    skip_blanks(&q);
    if (!n || *q.at != '=' || q.at[1] == '=')
        return 0;
    p->at = q.at + 1;
    return n;
}

static mms_status add_named(struct place *p, const char *name, size_t n, mms_call *call)
{
    char *const key = strndup(name, n);
    mms_value *value = NULL;
    mms_status st = MMS_OK;

    if (!key)
        MMS_TRY(out_of_memory(p));
    st = parse_value(p, 0, &value);
    if (st != MMS_OK)
        MMS_TRY(mms_wrap(p->err, st, "parameter %s", key));
    if (!p->lines && json_object_get(call->named, key)) {
        mms_value_free(&value);
        MMS_TRY(mms_fail(p->err, MMS_ERR_ARG, "parameter %s is given twice", key));
    }
    if (json_object_set_new_nocheck(call->named, key, value))
        st = mms_fail(p->err, MMS_ERR_MEM, "out of memory");
done:
    free(key);
    return st;
}

static mms_status add_argument(struct place *p, mms_call *call)
{
    const char *name;
    const size_t n = take_key(p, &name);
    mms_value *value;
    mms_status st;

    if (n)
        return add_named(p, name, n, call);
    if (json_object_size(call->named))
        return refuse(p, "a value needs its parameter, as in name=value");
    MMS_TRY(parse_value(p, 0, &value));
    if (json_array_append_new(call->positional, value))
        st = out_of_memory(p);
done:
    return st;
}

/* The arguments up to what closes them: ')' or the end */
static mms_status parse_arguments(struct place *p, char close, mms_call *call)
{
    mms_status st = MMS_OK;

    for (skip_blanks(p); *p->at != close; skip_blanks(p)) {
        if (!*p->at)
            return refuse(p, "the call has no closing )");
        MMS_TRY(add_argument(p, call));
        if (*p->at == ',')
            p->at++;
        else if (*p->at != close)
            MMS_TRY(refuse(p, *p->at ? "a comma is missing" : "the call has no closing )"));
    }
    p->at += close != '\0';
done:
    return st;
}

/* Step over "result =", "casatasks." and a name to its parenthesis; return the name's length */
static size_t take_call_name(struct place *p, const char **name)
{
    struct place q = *p;
    size_t n;

    (void)take_key(&q, name);
    skip_blanks(&q);
    while ((n = name_length(q.at)) && q.at[n] == '.')
        q.at += n + 1;
    *name = q.at;
    q.at += n;
    skip_blanks(&q);
    if (!n || *q.at != '(')
        return 0;
    p->at = q.at;
    return n;
}

const char *mms_task_call_name(const char *text, size_t *length)
{
    struct place p = {text, text, false, NULL};
    const char *name;

    skip_blanks(&p);
    *length = take_call_name(&p, &name);
    return *length ? name : NULL;
}

static mms_status open_call(mms_call *call, mms_error *err)
{
    *call = (mms_call){NULL, json_array(), json_object()};
    return call->positional && call->named ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

/* End with *call free unless st is good and nothing is left */
static mms_status close_call(const struct place *p, mms_status st, mms_call *call)
{
    if (st == MMS_OK && *p->at)
        st = refuse(p, "stands behind the call");
    if (st != MMS_OK)
        mms_call_free(call);
    return st;
}

/* Parse the call at p and what may stand behind it: blanks and semicolons */
static mms_status parse_call(struct place *p, mms_call *call)
{
    const bool lines = p->lines;
    const char *name;
    const size_t n = take_call_name(p, &name);
    mms_status st;

    if (!n)
        return refuse(p, "is not the call of a task");
    free(call->name);
    call->name = strndup(name, n);
    if (!call->name)
        return out_of_memory(p);
    p->at++;
    p->lines = false;
    MMS_TRY(parse_arguments(p, ')', call));
    skip_blanks(p);
    while (*p->at == ';') {
        p->at++;
        skip_blanks(p);
    }
done:
    p->lines = lines;
    return st;
}

mms_status mms_call_parse(const char *text, mms_call *out, mms_error *err)
{
    struct place p = {text, text, false, err};
    mms_status st;

    MMS_TRY(open_call(out, err));
    skip_blanks(&p);
    st = parse_call(&p, out);
done:
    return close_call(&p, st, out);
}

mms_status mms_call_arguments(const char *text, mms_call *out, mms_error *err)
{
    struct place p = {text, text, false, err};
    mms_status st;

    MMS_TRY(open_call(out, err));
    st = parse_arguments(&p, '\0', out);
done:
    return close_call(&p, st, out);
}

/* Lines of "name = value" */
static mms_status parse_assignments(struct place *p, mms_call *call)
{
    mms_status st = MMS_OK;
    const char *name;

    for (;;) {
        skip_blanks(p);
        if (*p->at == '\n' || *p->at == ';') {
            p->at++;
            continue;
        }
        if (!*p->at)
            return MMS_OK;
        const size_t n = take_key(p, &name);
        if (!n)
            return refuse(p, "is not name = value");
        MMS_TRY(add_named(p, name, n, call));
        if (*p->at && *p->at != '\n' && *p->at != ';')
            return refuse(p, "stands behind the value");
    }
done:
    return st;
}

/* What .last files say besides parameters: the task, and how CASA ran it */
static mms_status take_taskname(mms_call *call, mms_error *err)
{
    const mms_value *const task = json_object_get(call->named, "taskname");

    if (json_is_string(task)) {
        call->name = strdup(json_string_value(task));
        if (!call->name)
            return mms_fail(err, MMS_ERR_MEM, "out of memory");
    }
    json_object_del(call->named, "taskname");
    json_object_del(call->named, "async");
    return MMS_OK;
}

mms_status mms_call_script(const char *text, mms_call *out, mms_error *err)
{
    struct place p = {text, text, true, err};
    size_t length;
    mms_status st;

    MMS_TRY(open_call(out, err));
    p.lines = !mms_task_call_name(text, &length);
    skip_blanks(&p);
    if (!p.lines) {
        st = parse_call(&p, out);
    } else {
        MMS_TRY(parse_assignments(&p, out));
        st = take_taskname(out, err);
    }
done:
    return close_call(&p, st, out);
}

void mms_call_free(mms_call *call)
{
    free(call->name);
    mms_value_free(&call->positional);
    mms_value_free(&call->named);
    *call = (mms_call){0};
}
