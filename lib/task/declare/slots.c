/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file slots.c  The values that are given to a verb's parameters, from where they come. */
#include <stdlib.h>
#include <string.h>

#include "args_priv.h"

mms_slot *mms_args_find(mms_args *args, const char *name, size_t length)
{
    for (int64_t i = 0; i < args->nslot; i++)
        if (mms_param_same_name(name, length, args->slots[i].param->name))
            return &args->slots[i];
    return NULL;
}

mms_status mms_args_refuse(const mms_args *args, const char *name, size_t length, mms_error *err)
{
    const char **const names = mms_alloc(args->nslot + 1, sizeof *names);
    char *const word = strndup(name, length);
    const char *nearest = NULL;

    for (int64_t i = 0; names && i < args->nslot; i++)
        names[i] = args->slots[i].param->name;
    if (names && word)
        nearest = mms_word_nearest(word, names);
    if (nearest)
        mms_fail(err, MMS_ERR_ARG, "unknown parameter %s: did you mean %s?", word, nearest);
    else
        mms_fail(err, MMS_ERR_ARG, "unknown parameter %.*s: multims %s --help lists them",
                 length ? (int)length : 2, length ? name : "''", args->task->name);
    free(word);
    free(names);
    return MMS_ERR_ARG;
}

mms_status mms_args_keep(mms_args *args, mms_slot *slot, char *text, enum mms_source source,
                         mms_error *err)
{
    if (source == MMS_FROM_WORD && slot->source == MMS_FROM_WORD && text)
        mms_log(MMS_LOG_WARN, args->task->name, "parameter %s is given twice: %s is used",
                slot->param->name, *text ? text : "''");
    free(slot->text);
    slot->text = text;
    slot->source = source;
    return text ? MMS_OK
                : mms_fail(err, MMS_ERR_MEM, "parameter %s: out of memory", slot->param->name);
}

mms_status mms_args_give(mms_args *args, mms_slot *slot, const mms_value *value,
                         enum mms_source source, mms_error *err)
{
    char *text;
    mms_status st;

    if (slot->source > source || json_is_null(value))
        return MMS_OK;
    MMS_TRY(mms_param_text(slot->param, value, &text, err));
    st = mms_args_keep(args, slot, text, source, err);
done:
    return st;
}

mms_status mms_args_give_all(mms_args *args, const mms_value *object, enum mms_source source,
                             mms_error *err)
{
    mms_status st = MMS_OK;
    const char *name;
    mms_value *value;

    if (!json_is_object(object))
        return mms_fail(err, MMS_ERR_ARG, "parameters must be a JSON object: {\"name\": value}");
    json_object_foreach((mms_value *)object, name, value)
    {
        mms_slot *const slot = mms_args_find(args, name, strlen(name));
        if (!slot)
            return mms_args_refuse(args, name, strlen(name), err);
        MMS_TRY(mms_args_give(args, slot, value, source, err));
    }
done:
    return st;
}

mms_status mms_args_give_call(mms_args *args, const mms_call *call, enum mms_source source,
                              mms_error *err)
{
    mms_status st = MMS_OK;
    mms_value *value;
    size_t i;

    json_array_foreach(call->positional, i, value)
    {
        if ((int64_t)i >= args->nown)
            return mms_fail(err, MMS_ERR_ARG, "%zu values, but %s takes %lld",
                            json_array_size(call->positional), args->task->name,
                            (long long)args->nown);
        MMS_TRY(mms_args_give(args, &args->slots[i], value, source, err));
    }
    st = mms_args_give_all(args, call->named, source, err);
done:
    return st;
}
