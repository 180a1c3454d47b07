/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file keys.c  Objects that cross the border between processes: by tables, or key by key. */
#include "keys_priv.h"

#include <jansson.h>
#include <stdlib.h>

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

/* ---- tables -----------------------------------------------------------------------------------*/

/** A member of a struct, as what it is. */
typedef union place {
    void *any;
    const char **text;
    const char ***texts;
    const mms_value **value;
    int64_t *integer;
    int32_t *small;
    double *number;
    bool *truth;
} place;

static place place_of(const mms_key *key, const void *members)
{
    return (place){.any = (char *)members + key->offset};
}

static mms_value *list_of(const char *const *texts)
{
    mms_value *list = json_array();

    for (; texts && *texts; texts++)
        json_array_append_new(list, mms_text_value(*texts));
    return list;
}

static mms_value *encode_member(const mms_key *key, const void *members)
{
    const place at = place_of(key, members);

    switch (key->kind) {
    case MMS_KEY_TEXT:
        return *at.text ? mms_text_value(*at.text) : NULL;
    case MMS_KEY_MAYBE:
        return *at.text ? mms_text_value(*at.text) : json_null();
    case MMS_KEY_TEXTS:
        return list_of(*at.texts);
    case MMS_KEY_VALUE:
        return *at.value ? json_incref((mms_value *)*at.value) : json_null();
    case MMS_KEY_INTEGER:
        return json_integer(*at.integer);
    case MMS_KEY_THREE:
        return json_pack("[III]", (json_int_t)at.integer[0], (json_int_t)at.integer[1],
                         (json_int_t)at.integer[2]);
    case MMS_KEY_INT32:
        return json_integer(*at.small);
    case MMS_KEY_NUMBER:
        return mms_double_value(*at.number);
    case MMS_KEY_TRUTH:
        break;
    }
    return json_boolean(*at.truth);
}

mms_value *mms_keys_encode(const mms_key *keys, const void *members)
{
    mms_value *value = json_object();
    bool starved = !value;

    for (; keys->name; keys++)
        starved = json_object_set_new(value, keys->name, encode_member(keys, members)) || starved;
    if (starved)
        mms_value_free(&value);
    return value;
}

/** Whether a value is what a member of this kind travels as. */
static bool fits(mms_key_kind kind, const mms_value *value)
{
    switch (kind) {
    case MMS_KEY_TEXT:
        return json_is_string(value);
    case MMS_KEY_MAYBE:
        return json_is_string(value) || json_is_null(value);
    case MMS_KEY_TEXTS:
        return json_is_array(value);
    case MMS_KEY_VALUE:
        return value != NULL;
    case MMS_KEY_THREE:
        return json_array_size(value) == 3;
    case MMS_KEY_INTEGER:
    case MMS_KEY_INT32:
        return json_is_integer(value);
    case MMS_KEY_NUMBER: // those that are not finite are texts
        return json_is_number(value) || json_is_string(value);
    case MMS_KEY_TRUTH:
        break;
    }
    return json_is_boolean(value);
}

static void decode_member(mms_keys *k, const mms_key *key, const mms_value *value, void *members)
{
    const place at = place_of(key, members);

    switch (key->kind) {
    case MMS_KEY_TEXT:
    case MMS_KEY_MAYBE:
        *at.text = json_string_value(value);
        break;
    case MMS_KEY_TEXTS:
        *at.texts = mms_keys_texts(k, key->name);
        break;
    case MMS_KEY_VALUE:
        *at.value = json_is_null(value) ? NULL : value;
        break;
    case MMS_KEY_INTEGER:
        *at.integer = json_integer_value(value);
        break;
    case MMS_KEY_THREE:
        for (size_t i = 0; i < 3; i++)
            at.integer[i] = json_integer_value(json_array_get(value, i));
        break;
    case MMS_KEY_INT32:
        *at.small = (int32_t)json_integer_value(value);
        break;
    case MMS_KEY_NUMBER:
        *at.number = mms_value_double(value);
        break;
    case MMS_KEY_TRUTH:
        *at.truth = json_is_true(value);
    }
}

void mms_keys_read(mms_keys *k, const mms_key *keys, void *members)
{
    for (; keys->name; keys++) {
        const mms_value *const value = mms_keys_get(k, keys->name);
        if (fits(keys->kind, value))
            decode_member(k, keys, value, members);
        else if (!k->missing)
            k->missing = keys->name;
    }
}

mms_status mms_keys_decode(const mms_key *keys, const mms_value *value, const char *what,
                           void *members, mms_error *err)
{
    mms_keys k = {.value = value};

    mms_keys_read(&k, keys, members);
    const mms_status st = mms_keys_end(&k, what, err);
    if (st != MMS_OK)
        mms_keys_free(keys, members);
    return st;
}

void mms_keys_free(const mms_key *keys, void *members)
{
    for (; keys->name; keys++)
        if (keys->kind == MMS_KEY_TEXTS) {
            const place at = place_of(keys, members);
            free(*at.texts);
            *at.texts = NULL;
        }
}
