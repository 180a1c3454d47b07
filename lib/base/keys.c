/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file keys.c  Objects that cross the border between processes, read key by key. */
#include "keys_priv.h"

#include <jansson.h>

const mms_value *mms_keys_find(const mms_keys *k, const char *key)
{
    return json_object_get(k->value, key);
}

const mms_value *mms_keys_get(mms_keys *k, const char *key)
{
    const mms_value *value = mms_keys_find(k, key);

    if (!value && !k->missing)
        k->missing = key;
    return value;
}

static const char *text_of(const mms_value *value)
{
    const char *text = json_string_value(value);

    return text ? text : "";
}

const char *mms_keys_text(mms_keys *k, const char *key)
{
    return text_of(mms_keys_get(k, key));
}

int64_t mms_keys_integer(mms_keys *k, const char *key)
{
    return json_integer_value(mms_keys_get(k, key));
}

double mms_keys_number(mms_keys *k, const char *key)
{
    return json_number_value(mms_keys_get(k, key));
}

bool mms_keys_truth(mms_keys *k, const char *key)
{
    return json_is_true(mms_keys_get(k, key));
}

const char **mms_keys_texts(mms_keys *k, const char *key)
{
    const mms_value *array = mms_keys_get(k, key);
    const size_t n = json_array_size(array);
    const char **list = mms_alloc((int64_t)n + 1, sizeof *list);

    k->starved = k->starved || !list;
    for (size_t i = 0; list && i < n; i++)
        list[i] = json_string_value(json_array_get(array, i));
    return list;
}

int32_t *mms_keys_integers(mms_keys *k, const mms_value *array, int64_t *n)
{
    int32_t *list = mms_alloc((int64_t)json_array_size(array), sizeof *list);

    *n = (int64_t)json_array_size(array);
    k->starved = k->starved || !list;
    for (int64_t i = 0; list && i < *n; i++)
        list[i] = (int32_t)json_integer_value(json_array_get(array, (size_t)i));
    return list;
}

const char *mms_keys_find_text(const mms_keys *k, const char *key)
{
    return text_of(mms_keys_find(k, key));
}

int64_t mms_keys_find_integer(const mms_keys *k, const char *key)
{
    return json_integer_value(mms_keys_find(k, key));
}

double mms_keys_find_number(const mms_keys *k, const char *key)
{
    return json_number_value(mms_keys_find(k, key));
}

bool mms_keys_find_truth(const mms_keys *k, const char *key)
{
    return json_is_true(mms_keys_find(k, key));
}

mms_status mms_keys_end(const mms_keys *k, const char *what, mms_error *err)
{
    if (k->starved)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what);
    if (k->missing)
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: the order has no \"%s\"", what, k->missing);
    return MMS_OK;
}
