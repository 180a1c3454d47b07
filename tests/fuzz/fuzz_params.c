/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fuzz_params.c  Parameters as strangers may write them: words, calls, scripts, JSON.
 *
 *  Input: a letter and a text.  J: a JSON object; P: a value of Python; S: a script; others: words,
 * one a line.  The task is mstransform, which has parameters of most types. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "task/declare/args_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST_WORDS = 64 };

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static const mms_task *task(void)
{
    return mms_task_find("mstransform");
}

/* What was understood is understood again when its values are given */
static void check(mms_args *args)
{
    mms_args *again = NULL;
    mms_error err;

    if (mms_args_options(args)->help)
        return;
    demand(mms_args_from_value(task(), mms_args_values(args), &again, &err) == MMS_OK);
    demand(json_equal(mms_args_values(args), mms_args_values(again)));
    mms_args_free(&again);
}

static void try_json(const char *text)
{
    mms_value *object = NULL;
    mms_args *args = NULL;
    mms_error err;

    if (mms_value_parse(text, &object, &err) == MMS_OK &&
        mms_args_from_value(task(), object, &args, &err) == MMS_OK)
        check(args);
    mms_args_free(&args);
    mms_value_free(&object);
}

/* A text, number or list in JSON is one in Python, but for the names of truth and null */
static void try_python(const char *text)
{
    mms_value *value = NULL, *again = NULL;
    mms_error err;

    if (mms_python_value(text, &value, &err) != MMS_OK) {
        demand(!value && (err.code == MMS_ERR_ARG || err.code == MMS_ERR_MEM));
        return;
    }
    char *const json = mms_value_text(value, 0);
    demand(json);
    if (!strstr(json, "true") && !strstr(json, "false") && !strstr(json, "null")) {
        demand(mms_python_value(json, &again, &err) == MMS_OK);
        demand(json_equal(value, again));
    }
    free(json);
    mms_value_free(&again);
    mms_value_free(&value);
}

static void try_script(const char *text)
{
    mms_call call;
    mms_error err;

    if (mms_call_script(text, &call, &err) == MMS_OK)
        demand(json_is_object(call.named) && json_is_array(call.positional));
    mms_call_free(&call);
}

/* Whether the parameter params may be named, which reads files; '-' and '_' don't count in names */
static bool names_a_file(const char *text)
{
    char *const plain = strdup(text), *to = plain;
    bool named;

    demand(plain);
    for (const char *s = text; *s; s++)
        if (*s != '-' && *s != '_')
            *to++ = *s;
    *to = '\0';
    named = strstr(plain, "params");
    free(plain);
    return named;
}

static void try_words(char *text)
{
    const char *words[MOST_WORDS];
    mms_args *args = NULL;
    mms_error err;
    int n = 0;

    for (char *word = text; word && n < MOST_WORDS;) {
        char *const end = strchr(word, '\n');
        if (end)
            *end = '\0';
        words[n++] = word;
        word = end ? end + 1 : NULL;
    }
    if (mms_args_parse(task(), n, words, &args, &err) == MMS_OK)
        check(args);
    mms_args_free(&args);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text;

    if (!size)
        return 0;
    text = strndup((const char *)bytes + 1, size - 1);
    demand(text);
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    if (bytes[0] == 'J')
        try_json(text);
    else if (bytes[0] == 'P')
        try_python(text);
    else if (bytes[0] == 'S')
        try_script(text);
    else if (!names_a_file(text))
        try_words(text);
    free(text);
    return 0;
}
