/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_VALUE_H
#define MULTIMS_VALUE_H
/** @file value.h  Values that tasks take and answer: JSON, held by jansson.
 *
 *  Paths and names may hold bytes that are no UTF-8; these are escaped inside, and come back as
 * they were. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A JSON value; it is jansson's json_t, whose functions may be used on it. */
typedef struct json_t mms_value;

/** Parse JSON text.
 *  @param[out] out  the value, NULL on failure; end it with mms_value_free()
 *  Errors: ARG with line and column. */
MMS_API MMS_CHECKED mms_status mms_value_parse(const char *text, mms_value **out, mms_error *err);

/** Parse the JSON file at path.  As mms_value_parse.  Errors: ARG, NOT_FOUND, IO. */
MMS_API MMS_CHECKED mms_status mms_value_read(const char *path, mms_value **out, mms_error *err);

/** Write value as JSON into a new file at path.  Errors: IO, SPACE, MEM. */
MMS_API MMS_CHECKED mms_status mms_value_write(const mms_value *value, const char *path,
                                               mms_error *err);

/** Return value as JSON text that the caller ends with free(); NULL when out of memory.
 *  indent: blanks a level, 0 for one line. */
MMS_API char *mms_value_text(const mms_value *value, int indent);

/** End one reference; *value is set to NULL.  NULL is accepted. */
MMS_API void mms_value_free(mms_value **value);

#ifdef __cplusplus
}
#endif
#endif
