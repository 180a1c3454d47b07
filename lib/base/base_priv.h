/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BASE_PRIV_H
#define MULTIMS_BASE_PRIV_H
/** @file base_priv.h  Small things every folder of lib uses: memory, text, paths. */

#include <stdarg.h>

#include "multims/base.h"
#include "multims/log.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MMS_COUNT_OF(array) ((int64_t)(sizeof(array) / sizeof((array)[0])))

/** Allocate n elements of size bytes, zeroed, aligned to 64 bytes; the product is checked.
 *  NULL when out of memory; at least one byte is allocated.  End it with free(). */
void *mms_alloc(int64_t n, size_t size);

/** Free values[n], some of which may be NULL, and the array; NULL: there is none. */
void mms_values_free(int64_t n, mms_value **values);

/** Allocate n elements of size bytes, zeroed, on a page boundary, that need not stay in memory: a
 *  large array is in a file without a name in TMPDIR, or in memory where that can't be had.  NULL
 * when out of memory.  End it with mms_spill_free(). */
void *mms_spill_alloc(int64_t n, size_t size);
/** Let go of the memory of such an array, not of its values; NULL is accepted, as below. */
void mms_spill_rest(const void *array);
void mms_spill_free(const void *array);
/** Make a file without a name in TMPDIR, to write and read.  Returns its descriptor; -1 with errno.
 */
int mms_scratch_file(const char *name);

/** Make *array hold at least n elements: *capacity grows by half; on failure nothing changes. */
MMS_CHECKED mms_status mms_grow(void *array, int64_t *capacity, int64_t n, size_t size,
                                mms_error *err);

/** Return a formatted text, NULL when out of memory; end it with free(). */
char *mms_format(const char *fmt, ...) MMS_PRINTF(1, 2);

/** A text that grows.  Start with {0}; end text with free().  After a failure it is NULL for good.
 */
typedef struct mms_text {
    char *text;
    size_t length, capacity;
    bool failed;
} mms_text;
void mms_text_add(mms_text *t, const char *fmt, ...) MMS_PRINTF(2, 3);

/** Return whether a list that ends with NULL has a name; a list that is NULL has none. */
bool mms_names_have(const char *const *names, const char *name);

/** text as a JSON string, whatever its bytes; mms_value_text() writes those that are no UTF-8 as
 *  \\udcXX.  json_string() takes only UTF-8. */
mms_value *mms_text_value(const char *text);
/** Numbers as a JSON array; NULL when out of memory. */
mms_value *mms_int32s_value(int64_t n, const int32_t *values);
mms_value *mms_int64s_value(int64_t n, const int64_t *values);
/** The text of an object's key, borrowed; "" where there is none. */
const char *mms_text_of(const mms_value *object, const char *key);

/** A number as JSON, which has none that are not finite: these are texts, as in cells of tables;
 * and back. */
mms_value *mms_double_value(double number);
double mms_value_double(const mms_value *value);

/** Whether a text from a file may become the name of a file: one component, not empty, no "." or
 *  "..". */
bool mms_is_plain_name(const char *name);
/** Return a copy of path without trailing slashes ("/" stays). */
char *mms_path_strip(const char *path);
/** Return the last component of path, trailing slashes removed, as a new text. */
char *mms_path_base(const char *path);
/** Return the directory part of path, "." when there is none, as a new text. */
char *mms_path_dir(const char *path);
/** Return a path as a word of a command that is shown to be pasted into a shell, where it is that
 * path and neither an option nor key=value, as a new text; NULL when out of memory. */
char *mms_path_shell(const char *path);
/** Return the absolute form of path without resolving links; NULL when out of memory. */
char *mms_path_absolute(const char *path);

/** Seconds since 1970, UTC. */
double mms_unix_s(void);

/** Parse all of text as a decimal integer or a number; blanks around are ignored. */
bool mms_parse_int(const char *text, int64_t *value);
bool mms_parse_double(const char *text, double *value);

/** Read a time such as 20, 30s, 1 min; false: it is none. */
bool mms_parse_seconds(const char *text, double *value);

#ifdef __cplusplus
}
#endif
#endif
