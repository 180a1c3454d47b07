/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file value.c  JSON values: parse, read, write. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes_priv.h"
#include "files_priv.h"

mms_status mms_value_parse(const char *text, mms_value **out, mms_error *err)
{
    json_error_t where;

    *out = mms_value_load(text, strlen(text), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!*out)
        return mms_fail(err, MMS_ERR_ARG, "JSON line %d column %d: %s", where.line, where.column,
                        where.text);
    return MMS_OK;
}

mms_status mms_value_read(const char *path, mms_value **out, mms_error *err)
{
    json_error_t where;
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t capacity = 0;

    *out = NULL;
    if (!file)
        return mms_fail_errno(err, errno, "%s", path);
    const ssize_t size = getdelim(&text, &capacity, '\0', file); // all of it
    const bool read = !ferror(file);
    fclose(file);
    if (read)
        *out = mms_value_load(size > 0 ? text : "", size > 0 ? (size_t)size : 0,
                              JSON_REJECT_DUPLICATES, &where);
    free(text);
    if (!read)
        return mms_fail(err, MMS_ERR_IO, "%s: cannot read", path);
    if (!*out)
        return mms_fail(err, MMS_ERR_ARG, "%s: line %d column %d: %s", path, where.line,
                        where.column, where.text);
    return MMS_OK;
}

mms_status mms_value_write(const mms_value *value, const char *path, mms_error *err)
{
    char *text = mms_value_text(value, 0);
    const mms_status st = text ? mms_write_file(path, text, (int64_t)strlen(text), err)
                               : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);

    free(text);
    return st;
}

void mms_value_free(mms_value **value)
{
    if (*value)
        json_decref(*value);
    *value = NULL;
}

void mms_values_free(int64_t n, mms_value **values)
{
    for (int64_t i = 0; values && i < n; i++)
        mms_value_free(&values[i]);
    free(values);
}
