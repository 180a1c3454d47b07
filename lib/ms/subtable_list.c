/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file subtable_list.c  The sub-tables that a main table names. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "ms_priv.h"

static const char prefix[] = "Table: ";

/** A main table has files and folders of its own where its sub-tables stand. */
static bool is_own_name(const char *name)
{
    return !strncmp(name, "table.", 6) || !strcmp(name, "SUBMSS");
}

mms_status mms_subtable_check_name(const char *path, const char *name, mms_error *err)
{
    if (!mms_is_plain_name(name))
        return mms_fail(err, MMS_ERR_TABLE,
                        "%s: the sub-table keyword \"%s\" is not the name of one folder", path,
                        name);
    if (is_own_name(name))
        return mms_fail(err, MMS_ERR_TABLE,
                        "%s: the sub-table keyword \"%s\" is a name that the table itself uses",
                        path, name);
    return MMS_OK;
}

/** Whether there is a table; nobody can tell of a folder that may not be looked into. */
static mms_status find_table(const char *path, bool *there, mms_error *err)
{
    char *file = mms_format("%s/table.dat", path);
    const mms_status st = file ? mms_path_exists(file, there, err)
                               : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);

    free(file);
    return st;
}

mms_status mms_subtable_list(mms_table *main, mms_value **there, mms_value **missing,
                             mms_error *err)
{
    mms_value *keywords = NULL, *value;
    const char *name;
    mms_status st;

    *there = json_object();
    *missing = json_object();
    MMS_TRY(mms_table_keywords(main, NULL, &keywords, err));
    json_object_foreach(keywords, name, value)
    {
        const char *text = json_string_value(value);
        bool found;
        if (!text || strncmp(text, prefix, sizeof prefix - 1))
            continue;
        MMS_TRY(mms_subtable_check_name(mms_table_path(main), name, err));
        text += sizeof prefix - 1;
        MMS_TRY(find_table(text, &found, err));
        json_object_set_new_nocheck(found ? *there : *missing, name, mms_text_value(text));
    }
done:
    mms_value_free(&keywords);
    if (st != MMS_OK) {
        mms_value_free(there);
        mms_value_free(missing);
    }
    return st;
}
