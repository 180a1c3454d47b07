/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cal_words.c  Which calibration tables are used how: lists with an entry a table
 * (parallel-tasks 3.4). */
#include "cal_words_priv.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "flag_words_priv.h"

/** A parameter as a list of texts: one text is a list of it; "" an empty one. */
static mms_status read_texts(const char *name, const char *text, mms_value **list, mms_error *err)
{
    mms_value *value = NULL;
    bool good;
    mms_status st = mms_flag_value(name, text, &value, err);

    *list = NULL;
    if (st != MMS_OK)
        return st;
    if (json_is_array(value))
        *list = json_incref(value);
    else if (json_is_string(value) && !*json_string_value(value))
        *list = json_array();
    else
        *list = json_pack("[O]", value);
    good = true;
    for (size_t i = 0; i < json_array_size(*list); i++) {
        const mms_value *entry = json_array_get(*list, i);
        if (json_is_integer(entry))
            json_array_set_new(*list, i,
                               json_sprintf("%lld", (long long)json_integer_value(entry)));
        else
            good = good && json_is_string(entry);
    }
    mms_value_free(&value);
    if (!good)
        st = mms_fail(err, MMS_ERR_ARG, "parameter %s: %s is not a text, nor a list of texts", name,
                      text);
    return st;
}

static mms_status refuse(const char *name, const char *text, const char *wanted, mms_error *err)
{
    return mms_fail(err, MMS_ERR_ARG, "parameter %s: %s is not %s", name, text, wanted);
}

bool mms_cal_are_windows(const mms_value *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_integer(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

/** spwmap as a list of lists: a flat list is that of the first table. */
static mms_status read_spwmap(const char *text, mms_value **list, mms_error *err)
{
    mms_value *value = NULL;
    bool good = true;
    mms_status st = mms_flag_value("spwmap", text, &value, err);

    *list = json_array();
    if (st != MMS_OK)
        return st;
    if (json_is_integer(value))
        json_array_append_new(*list, json_pack("[O]", value));
    else if (json_is_array(value) && json_array_size(value) > 0 && mms_cal_are_windows(value))
        json_array_append(*list, value);
    else if (json_is_array(value))
        json_array_extend(*list, value);
    else
        good = json_is_string(value) && !*json_string_value(value);
    for (size_t i = 0; i < json_array_size(*list); i++)
        good = good && mms_cal_are_windows(json_array_get(*list, i));
    mms_value_free(&value);
    return good ? MMS_OK
                : refuse("spwmap", text, "a list of windows, nor a list of such lists", err);
}

static mms_status read_calwt(const char *text, mms_value **list, mms_error *err)
{
    mms_value *value = NULL;
    bool good = true;
    mms_status st = mms_flag_value("calwt", text, &value, err);

    *list = NULL;
    if (st != MMS_OK)
        return st;
    *list = json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
    for (size_t i = 0; i < json_array_size(*list); i++)
        good = good && json_is_boolean(json_array_get(*list, i));
    mms_value_free(&value);
    return good ? MMS_OK : refuse("calwt", text, "True or False, nor a list of them", err);
}

static mms_status check_length(const char *name, const mms_value *list, size_t ntable,
                               mms_error *err)
{
    if (json_array_size(list) <= ntable || ntable == 0)
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG, "parameter %s has %zu entries, gaintable %zu", name,
                    json_array_size(list), ntable);
}

static const char *text_at(const mms_value *list, size_t i)
{
    const char *text = json_string_value(json_array_get(list, i));
    return text ? text : "";
}

mms_status mms_cal_uses(const struct mms_cal_words *p, mms_value *uses, mms_error *err)
{
    mms_value *tables = NULL, *fields = NULL, *interp = NULL, *spwmap = NULL, *calwt = NULL;
    size_t n;
    mms_status st;

    MMS_TRY(read_texts("gaintable", p->gaintable, &tables, err));
    MMS_TRY(read_texts("gainfield", p->gainfield, &fields, err));
    MMS_TRY(read_texts("interp", p->interp, &interp, err));
    MMS_TRY(read_spwmap(p->spwmap, &spwmap, err));
    MMS_TRY(read_calwt(p->calwt, &calwt, err));
    n = json_array_size(tables);
    MMS_TRY(check_length("gainfield", fields, n, err));
    MMS_TRY(check_length("interp", interp, n, err));
    MMS_TRY(check_length("spwmap", spwmap, n, err));
    MMS_TRY(check_length("calwt", calwt, n, err));
    for (size_t i = 0; i < n; i++) {
        const size_t ncalwt = json_array_size(calwt);
        const mms_value *weigh = json_array_get(calwt, i < ncalwt ? i : ncalwt - 1);
        mms_value *map = json_array_get(spwmap, i);
        char *path = mms_path_absolute(text_at(tables, i));
        json_array_append_new(
            uses,
            json_pack("{so ss sb so ss}", "path", mms_text_value(path ? path : ""), "interp",
                      text_at(interp, i), "calwt", ncalwt > 0 && json_is_true(weigh), "spwmap",
                      map ? json_incref(map) : json_array(), "field", text_at(fields, i)));
        free(path);
    }
done:
    mms_value_free(&tables);
    mms_value_free(&fields);
    mms_value_free(&interp);
    mms_value_free(&spwmap);
    mms_value_free(&calwt);
    return st;
}
