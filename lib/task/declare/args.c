/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file args.c  The words after a verb, or a JSON object, to the struct of a task. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "args_priv.h"

static int64_t count_params(const mms_param *params)
{
    int64_t n = 0;
    while (params[n].name)
        n++;
    return n;
}

static mms_status create(const mms_task *task, mms_args **out, mms_error *err)
{
    const int64_t nown = count_params(task->params), nshared = count_params(mms_run_params);
    mms_args *const args = mms_alloc(1, sizeof *args);

    *out = args;
    if (!args)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    args->task = task;
    args->nown = nown;
    args->params = mms_alloc(1, task->params_size);
    args->slots = mms_alloc(nown + nshared, sizeof *args->slots);
    args->values = json_object();
    args->given = json_object();
    if (!args->params || !args->slots || !args->values || !args->given)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    args->nslot = nown + nshared;
    for (int64_t i = 0; i < args->nslot; i++)
        args->slots[i].param = i < nown ? &task->params[i] : &mms_run_params[i - nown];
    return MMS_OK;
}

static bool is_empty(const mms_value *value)
{
    const char *const text = json_string_value(value);

    if (json_is_array(value))
        return !json_array_size(value);
    return text && text[strspn(text, " \t\r\n")] == '\0';
}

static mms_status fill_slot(mms_args *args, mms_slot *slot, bool own, mms_error *err)
{
    const mms_param *const p = slot->param;
    mms_status st;

    MMS_TRY(mms_param_value(p, slot->text, &slot->value, err));
    if (p->empty && !strcmp(slot->text ? slot->text : "", ""))
        return mms_fail(err, MMS_ERR_ARG, "%s", p->empty);
    if ((p->flags & MMS_PARAM_REQUIRED) && is_empty(slot->value))
        return mms_fail(err, MMS_ERR_ARG, "Please specify %s.", p->name);
    MMS_TRY(mms_param_store(p, slot->value, own ? args->params : (void *)&args->options,
                            &slot->held, err));
    if (own && (json_object_set_nocheck(args->values, p->name, slot->value) ||
                (slot->source && json_object_set_new_nocheck(args->given, p->name, json_true()))))
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
done:
    return st;
}

static bool is_on(const mms_value *value)
{
    return !(json_is_false(value) || is_empty(value) ||
             (json_is_number(value) && json_number_value(value) == 0));
}

/* Whether a value was given that is not the default */
static bool is_asked(const mms_slot *slot)
{
    mms_value *init = NULL;
    const bool asked = slot->source != MMS_FROM_DEFAULT &&
                       mms_param_value(slot->param, NULL, &init, NULL) == MMS_OK &&
                       !json_equal(init, slot->value);

    mms_value_free(&init);
    return asked;
}

/* Warn of a value that has no effect because the parameter it needs is off; refuse one that this
 * version does not have, unless the one it needs is not there either and off */
static mms_status check_use(mms_args *args, const mms_slot *slot, mms_error *err)
{
    const mms_param *const p = slot->param;
    const mms_slot *const needed =
        p->needs ? mms_args_find(args, p->needs, strlen(p->needs)) : NULL;

    if (!is_asked(slot))
        return MMS_OK;
    if ((p->flags & MMS_PARAM_MISSING) && !(needed && (needed->param->flags & MMS_PARAM_MISSING)))
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "parameter %s: not in this version", p->name);
    if (needed && !is_on(needed->value))
        mms_log(MMS_LOG_WARN, args->task->name, "parameter %s has no effect: %s is off or empty",
                p->name, needed->param->name);
    return MMS_OK;
}

static mms_status finish(mms_args *args, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < args->nslot; i++)
        MMS_TRY(fill_slot(args, &args->slots[i], i < args->nown, err));
    for (int64_t i = 0; i < args->nslot; i++)
        MMS_TRY(check_use(args, &args->slots[i], err));
done:
    return st;
}

static bool wants_help(mms_args *args)
{
    const mms_slot *const slot = mms_args_find(args, "help", strlen("help"));
    assert(slot); /* of mms_run_params, which every task has */
    return slot->text && !strcmp(slot->text, "True");
}

mms_status mms_args_parse(const mms_task *task, int nwords, const char *const *words,
                          mms_args **out, mms_error *err)
{
    mms_args *args = NULL;
    mms_status st;

    *out = NULL;
    MMS_TRY(create(task, &args, err));
    MMS_TRY(mms_args_words(args, nwords, words, err));
    args->options.help = wants_help(args);
    if (!args->options.help) {
        const mms_slot *const file = mms_args_find(args, "params", strlen("params"));
        assert(file);
        if (file->text && *file->text)
            MMS_TRY(mms_args_file(args, file->text, err));
        MMS_TRY(finish(args, err));
    }
    *out = args;
    args = NULL;
done:
    mms_args_free(&args);
    return st;
}

mms_status mms_args_from_value(const mms_task *task, const mms_value *object, mms_args **out,
                               mms_error *err)
{
    mms_args *args = NULL;
    mms_status st;

    *out = NULL;
    MMS_TRY(create(task, &args, err));
    MMS_TRY(mms_args_give_all(args, object, MMS_FROM_WORD, err));
    MMS_TRY(finish(args, err));
    *out = args;
    args = NULL;
done:
    mms_args_free(&args);
    return st;
}

const void *mms_args_struct(const mms_args *args)
{
    return args->params;
}

const mms_run_options *mms_args_options(const mms_args *args)
{
    return &args->options;
}

const mms_value *mms_args_values(const mms_args *args)
{
    return args->values;
}

const mms_value *mms_args_given(const mms_args *args)
{
    return args->given;
}

void mms_args_free(mms_args **args)
{
    mms_args *const a = *args;

    *args = NULL;
    if (!a)
        return;
    for (int64_t i = 0; i < a->nslot; i++) {
        free(a->slots[i].text);
        free(a->slots[i].held);
        mms_value_free(&a->slots[i].value);
    }
    free(a->slots);
    mms_value_free(&a->values);
    mms_value_free(&a->given);
    free(a->params);
    free(a);
}
