/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file help.c  What the tables say about themselves: --help, JSON, the nearest known word. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "params_priv.h"

enum { WIDTH = 100, COLUMN = 27, LONGEST_WORD = 63 };

/* Print text from COLUMN on, lines broken at blanks; at is where the line stands now */
static void print_wrapped(const char *text, int at, FILE *out)
{
    bool first = at > COLUMN - 2; /* the name is too long: begin on a line of its own */

    if (first)
        fprintf(out, "\n%*s", COLUMN, "");
    else
        fprintf(out, "%*s", COLUMN - at, "");
    at = COLUMN;
    for (const char *s = text + strspn(text, " "); *s; s += strspn(s, " ")) {
        const int length = (int)strcspn(s, " ");
        if (at > COLUMN && at + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", COLUMN, "");
            at = COLUMN;
        }
        at += fprintf(out, "%s%.*s", at > COLUMN ? " " : "", length, s);
        s += length;
    }
    fputc('\n', out);
}

bool mms_param_is_on(const mms_param *p)
{
    mms_value *value;
    bool truth;

    if (p->type != MMS_BOOL || mms_param_value(p, NULL, &value, NULL) != MMS_OK)
        return false;
    truth = json_is_true(value);
    mms_value_free(&value);
    return truth;
}

bool mms_param_is_bare(const mms_param *p)
{
    return p->type == MMS_BOOL || p->type == MMS_REPEAT;
}

/* "Doc [unit] (one of …; default …; needs …)" */
char *mms_param_describe(const mms_param *p)
{
    mms_text text = {0};
    const char *mark = " (";
    const bool range = p->allowed && p->type != MMS_CHOICE;

    mms_text_add(&text, "%s", p->doc ? p->doc : "");
    if (p->unit)
        mms_text_add(&text, " [%s]", p->unit);
    if (p->flags & MMS_PARAM_REQUIRED) {
        mms_text_add(&text, "%srequired", mark);
        mark = "; ";
    }
    if (p->allowed) {
        mms_text_add(&text, "%s%s%s", mark, range ? "" : "one of: ", p->allowed);
        mark = "; ";
    }
    if (p->init && *p->init && (p->type != MMS_BOOL || mms_param_is_on(p))) {
        mms_text_add(&text, "%sdefault %s", mark, p->init);
        mark = "; ";
    }
    if (p->needs) {
        mms_text_add(&text, "%sneeds %s", mark, p->needs);
        mark = "; ";
    }
    if (p->flags & MMS_PARAM_MISSING) {
        mms_text_add(&text, "%snot in this version", mark);
        mark = "; ";
    }
    mms_text_add(&text, "%s", *mark == ';' ? ")" : "");
    return text.text;
}

/* Print the parameter's option and its words; letter 0: it has no short form */
static void print_param(const mms_param *p, char letter, FILE *out)
{
    const bool bare = mms_param_is_bare(p);
    char *const text = mms_param_describe(p);
    int at;

    at = letter ? fprintf(out, "  -%c, ", letter) : fprintf(out, "  ");
    at += fprintf(out, "--%s%s%s%s", mms_param_is_on(p) ? "[no-]" : "", p->name, bare ? "" : " ",
                  bare ? "" : mms_param_placeholder(p));
    print_wrapped(text ? text : "", at, out);
    free(text);
}

static void print_params(const char *title, const mms_param *params, unsigned flags, FILE *out)
{
    bool first = true;

    for (const mms_param *p = params; p->name; p++) {
        if ((p->flags & MMS_PARAM_HIDDEN) || (p->flags & MMS_PARAM_RUN) != flags)
            continue;
        if (first && title)
            fprintf(out, "\n%s\n", title);
        first = false;
        print_param(p, mms_param_letter(p), out);
    }
}

/* Print the positional parameters: " VIS [OUT]", or " vis=VIS out=OUT" */
static void print_positionals(const mms_task *task, bool named, FILE *out)
{
    for (const mms_param *p = task->params; p->name; p++) {
        const bool optional = !(p->flags & MMS_PARAM_REQUIRED);
        if (!(p->flags & MMS_PARAM_POSITIONAL))
            continue;
        fprintf(out, " %s%s", optional ? "[" : "",
                !named && (p->flags & MMS_PARAM_BEHIND) ? "-- " : "");
        if (named)
            fprintf(out, "%s=", p->name);
        for (const char *s = p->name; *s; s++)
            fputc(toupper((unsigned char)*s), out);
        fprintf(out, "%s%s", !named && p->type == MMS_WORDS ? " ..." : "", optional ? "]" : "");
    }
}

void mms_task_help(const mms_task *task, FILE *out)
{
    fprintf(out, "multims %s: %s\n\nusage: multims %s", task->name, task->summary, task->name);
    print_positionals(task, false, out);
    fprintf(out, " [--name value ...]\n       multims %s", task->name);
    print_positionals(task, true, out);
    fprintf(out, " [name=value ...]\n");
    if (task->alias)
        fprintf(out, "%s is another name of this verb.\n", task->alias);
    print_params("Parameters (--name value, --name=value or name=value):", task->params, 0, out);
    fprintf(out, "\nHow to run:\n");
    print_params(NULL, task->params, MMS_PARAM_RUN, out);
    print_params(NULL, mms_run_params, MMS_PARAM_RUN, out);
    if (task->details)
        fprintf(out, "\n%s%s", task->details,
                task->details[strlen(task->details) - 1] == '\n' ? "" : "\n");
}

/* The allowed words as a list; NULL for a parameter without them */
static mms_value *list_allowed(const mms_param *p)
{
    mms_value *words;

    if (!p->allowed || p->type != MMS_CHOICE)
        return NULL;
    words = json_array();
    for (const char *s = p->allowed; *s; s += strspn(s, " ")) {
        const size_t length = strcspn(s, " ");
        json_array_append_new(words, json_stringn(s, length));
        s += length;
    }
    return words;
}

static mms_value *describe_param(const mms_param *p)
{
    const bool range = p->allowed && p->type != MMS_CHOICE;
    mms_value *init = NULL;

    if (mms_param_value(p, NULL, &init, NULL) != MMS_OK)
        init = json_null();
    return json_pack(
        "{s:s, s:s, s:o, s:o*, s:s*, s:s*, s:s*, s:s, s:b, s:b, s:b, s:b, s:b}", "name", p->name,
        "type", mms_param_type_name(p), "default", init, "allowed", list_allowed(p), "range",
        range ? p->allowed : NULL, "needs", p->needs, "unit", p->unit, "doc", p->doc ? p->doc : "",
        "required", (p->flags & MMS_PARAM_REQUIRED) != 0, "positional",
        (p->flags & MMS_PARAM_POSITIONAL) != 0, "hidden", (p->flags & MMS_PARAM_HIDDEN) != 0, "run",
        (p->flags & MMS_PARAM_RUN) != 0, "missing", (p->flags & MMS_PARAM_MISSING) != 0);
}

static mms_value *describe_params(const mms_param *params)
{
    mms_value *const list = json_array();

    for (const mms_param *p = params; p->name; p++)
        json_array_append_new(list, describe_param(p));
    return list;
}

mms_value *mms_task_describe(const mms_task *task)
{
    return json_pack("{s:s, s:s*, s:s, s:s*, s:o}", "name", task->name, "alias", task->alias,
                     "summary", task->summary, "details", task->details, "params",
                     describe_params(task->params));
}

mms_value *mms_tasks_describe(void)
{
    mms_value *const list = json_array();

    for (const mms_task *const *t = mms_tasks(); *t; t++)
        json_array_append_new(list, mms_task_describe(*t));
    return json_pack("{s:s, s:o, s:o}", "version", mms_version(), "options",
                     describe_params(mms_run_params), "tasks", list);
}

/* How many single letters must change, come or go to make b of a */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[LONGEST_WORD + 1];
    const size_t n = strlen(b);

    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            const size_t change = corner + (a[i] != b[j]);
            const size_t step = 1 + (row[j] < row[j + 1] ? row[j] : row[j + 1]);
            corner = row[j + 1];
            row[j + 1] = change < step ? change : step;
        }
    }
    return row[n];
}

static bool begins_with(const char *word, const char *begin)
{
    return !strncmp(word, begin, strlen(begin));
}

/* Whether word is whole with letters left out, the first one kept: sepaxis of separationaxis; or
 * one of them has the other at its beginning or end: smooth of hanningsmooth, benchmark of bench */
static bool is_abbreviation(const char *word, const char *whole)
{
    enum { FEWEST = 5 };
    const size_t n = strlen(word), m = strlen(whole);

    if (n >= FEWEST && n < m && begins_with(whole + (m - n), word))
        return true;
    if (m >= FEWEST && begins_with(word, whole))
        return true;
    if (*word != *whole)
        return false;
    for (; *whole && *word; whole++)
        word += *word == *whole;
    return !*word;
}

const char *mms_word_nearest(const char *any_case, const char *const *words)
{
    const size_t length = strlen(any_case);
    size_t best = 2 + length / 4; /* as far as this is no likeness */
    const char *nearest = NULL;
    char word[LONGEST_WORD + 1];

    if (length < 2 || length > LONGEST_WORD)
        return NULL;
    for (size_t i = 0; i <= length; i++)
        word[i] = (char)tolower((unsigned char)any_case[i]);
    for (const char *const *w = words; *w; w++) {
        size_t distance;
        if (strlen(*w) > LONGEST_WORD)
            continue;
        distance = edit_distance(word, *w);
        if (distance > 1 && is_abbreviation(word, *w))
            distance = 1;
        if (distance < best) {
            best = distance;
            nearest = *w;
        }
    }
    return nearest;
}
