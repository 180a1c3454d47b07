/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file file.c  A file of parameters: JSON, a task's call, or assignments as in CASA's .last
 * files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args_priv.h"
#include "base/files_priv.h"

/* Read the text at path, standard input for "-"; the caller ends it with free() */
static mms_status read_text(const char *path, char **text, mms_error *err)
{
    FILE *const file = strcmp(path, "-") ? fopen(path, "re") : stdin;
    size_t capacity = 0;
    ssize_t n;
    mms_status st = MMS_OK;

    *text = NULL;
    if (!file)
        return mms_fail_errno(err, errno, "%s", path);
    errno = 0;
    n = getdelim(text, &capacity, '\0', file);
    if (n < 0)
        st = errno ? mms_fail_errno(err, errno, "%s", path)
                   : mms_fail(err, MMS_ERR_ARG, "%s: is empty", path);
    else if (strlen(*text) < (size_t)n)
        st = mms_fail(err, MMS_ERR_ARG, "%s: is not a text: it holds a zero byte", path);
    if (file != stdin)
        fclose(file);
    return st;
}

/* Refuse the parameters of another task */
static mms_status check_name(const mms_args *args, const char *name, mms_error *err)
{
    const mms_task *const task = name ? mms_task_find(name) : NULL;

    if (!name || task == args->task || !strcmp(name, args->task->name))
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG, "these are parameters of %s, not of %s", name,
                    args->task->name);
}

/* Whether value is the parameter's default: files of CASA name all parameters, and what is left at
 * its default there was not asked for */
static bool is_default(const mms_param *p, const mms_value *value)
{
    mms_value *given = NULL, *init = NULL;
    char *text = NULL;
    const bool same = mms_param_text(p, value, &text, NULL) == MMS_OK &&
                      mms_param_value(p, text, &given, NULL) == MMS_OK &&
                      mms_param_value(p, NULL, &init, NULL) == MMS_OK && json_equal(given, init);

    free(text);
    mms_value_free(&given);
    mms_value_free(&init);
    return same;
}

/* Leave out of object what is at its default */
static mms_status drop_defaults(mms_args *args, mms_value *object, mms_error *err)
{
    const char *name;
    mms_value *value;
    void *next;

    json_object_foreach_safe(object, next, name, value)
    {
        const mms_slot *const slot = mms_args_find(args, name, strlen(name));
        if (!slot)
            return mms_args_refuse(args, name, strlen(name), err);
        if (is_default(slot->param, value))
            json_object_del(object, name);
    }
    return MMS_OK;
}

static mms_status give_script(mms_args *args, const char *text, mms_error *err)
{
    mms_call call = {0};
    size_t length;
    mms_status st;

    MMS_TRY(mms_call_script(text, &call, err));
    MMS_TRY(check_name(args, call.name, err));
    if (!mms_task_call_name(text, &length))
        MMS_TRY(drop_defaults(args, call.named, err));
    st = mms_args_give_call(args, &call, MMS_FROM_FILE, err);
done:
    mms_call_free(&call);
    return st;
}

mms_status mms_args_file(mms_args *args, const char *path, mms_error *err)
{
    char *const name = strdup(path); /* the file may name another one, which is not read */
    const char *begin;
    char *text = NULL;
    mms_value *object = NULL;
    mms_status st;

    if (!name)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    MMS_TRY(read_text(name, &text, err));
    begin = text + (strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3);
    begin += strspn(begin, " \t\r\n");
    if (*begin == '{' || *begin == '[') {
        st = mms_value_parse(begin, &object, err);
        if (st == MMS_OK)
            st = mms_args_give_all(args, object, MMS_FROM_FILE, err);
    } else {
        st = give_script(args, begin, err);
    }
    if (st != MMS_OK)
        mms_wrap(err, st, "%s", name);
done:
    mms_value_free(&object);
    free(text);
    free(name);
    return st;
}
