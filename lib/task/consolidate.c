/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file consolidate.c  The answers of the parts of a set become one (spec job-engine 2.9). */
#include <string.h>

#include "multims/parts.h"
#include "task_priv.h"

struct merging {
    const char *task, *name; /* name: of the part that is merged now */
};

static void merge(const struct merging *m, mms_value **into, const mms_value *from,
                  const char *key);

static mms_value *sum(const mms_value *a, const mms_value *b)
{
    return json_is_integer(a) && json_is_integer(b)
               ? json_integer(json_integer_value(a) + json_integer_value(b))
               : json_real(json_number_value(a) + json_number_value(b));
}

static void merge_objects(const struct merging *m, mms_value *into, const mms_value *from)
{
    const char *key;
    mms_value *value;

    json_object_foreach((mms_value *)from, key, value)
    {
        mms_value *mine = json_incref(json_object_get(into, key));
        if (mine)
            merge(m, &mine, value, key);
        else
            mine = json_deep_copy(value);
        json_object_set_new(into, key, mine);
    }
}

static void merge_arrays(const struct merging *m, mms_value *into, const mms_value *from,
                         const char *key)
{
    for (size_t i = 0; i < json_array_size(into); i++) {
        mms_value *mine = json_incref(json_array_get(into, i));
        merge(m, &mine, json_array_get(from, i), key);
        json_array_set_new(into, i, mine);
    }
}

/* *into is one reference, which may become another value's. */
static void merge(const struct merging *m, mms_value **into, const mms_value *from, const char *key)
{
    if (json_is_number(*into) && json_is_number(from)) {
        mms_value *const both = sum(*into, from);
        json_decref(*into);
        *into = both;
    } else if (json_is_object(*into) && json_is_object(from)) {
        merge_objects(m, *into, from);
    } else if (json_is_array(*into) && json_is_array(from) &&
               json_array_size(*into) == json_array_size(from)) {
        merge_arrays(m, *into, from, key);
    } else if (!json_equal(*into, from)) {
        mms_log(MMS_LOG_WARN, m->task, "%s of %s differs from that of parts before it, which stays",
                *key ? key : "the answer", m->name);
    }
}

static mms_consolidation choose(int64_t n, mms_value *const *answers)
{
    bool booleans = true, objects = true;

    for (int64_t i = 0; i < n; i++) {
        booleans = booleans && (!answers[i] || json_is_boolean(answers[i]));
        objects = objects && (!answers[i] || json_is_object(answers[i]));
    }
    return booleans ? MMS_CONSOLIDATE_AND : objects ? MMS_CONSOLIDATE_MERGE : MMS_CONSOLIDATE_LIST;
}

static mms_value *all_true(const char *task, int64_t n, mms_value *const *answers,
                           const char *const *names)
{
    bool all = true;

    for (int64_t i = 0; i < n; i++)
        if (answers[i] && !json_is_true(answers[i])) {
            mms_log(MMS_LOG_WARN, task, "%s failed for sub-MS %s", task, names[i]);
            all = false;
        }
    return json_boolean(all);
}

mms_value *mms_consolidate(const char *task, int64_t n, mms_value *const *answers,
                           const char *const *names, mms_consolidation how)
{
    mms_value *joined = NULL;
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        count += answers[i] != NULL;
    if (how == MMS_CONSOLIDATE_AUTO)
        how = choose(n, answers);
    if (how == MMS_CONSOLIDATE_LIST)
        joined = json_array();
    else if (!count)
        return json_null();
    else if (how == MMS_CONSOLIDATE_AND)
        return all_true(task, n, answers, names);
    for (int64_t i = 0; i < n; i++) {
        const struct merging m = {task, names[i]};
        if (answers[i] && how == MMS_CONSOLIDATE_LIST)
            json_array_append(joined, answers[i]);
        else if (answers[i] && !joined)
            joined = json_deep_copy(answers[i]);
        else if (answers[i])
            merge(&m, &joined, answers[i], "");
    }
    return joined;
}
