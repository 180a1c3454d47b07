/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_KEYS_PRIV_H
#define MULTIMS_KEYS_PRIV_H
/** @file keys_priv.h  Objects that cross the border between processes, read key by key: for codecs.
 */

#include <stdbool.h>

#include "base_priv.h"

/** An object while it is read: the first key that it lacks, and whether memory did not suffice.
 *  Values and texts are borrowed from it. */
typedef struct mms_keys {
    const mms_value *value;
    const char *missing;
    bool starved;
} mms_keys;

/** A key that must be there; NULL where it is not, which mms_keys_end() tells. */
const mms_value *mms_keys_get(mms_keys *k, const char *key);
/** The same of one kind; "", 0 or false where it is not there. */
const char *mms_keys_text(mms_keys *k, const char *key);
int64_t mms_keys_integer(mms_keys *k, const char *key);
double mms_keys_number(mms_keys *k, const char *key);
bool mms_keys_truth(mms_keys *k, const char *key);
/** An array of texts as a list that ends with NULL and is ended with free(). */
const char **mms_keys_texts(mms_keys *k, const char *key);
/** An array of integers, ended with free(). */
int32_t *mms_keys_integers(mms_keys *k, const mms_value *array, int64_t *n);

/** A key that may be missing. */
const mms_value *mms_keys_find(const mms_keys *k, const char *key);
/** The same of one kind; "", 0 or false where it is not there. */
const char *mms_keys_find_text(const mms_keys *k, const char *key);
int64_t mms_keys_find_integer(const mms_keys *k, const char *key);
double mms_keys_find_number(const mms_keys *k, const char *key);
bool mms_keys_find_truth(const mms_keys *k, const char *key);

/** What came of it.  what: for the message.  Errors: INTERNAL naming a key that is missing; MEM. */
MMS_CHECKED mms_status mms_keys_end(const mms_keys *k, const char *what, mms_error *err);

#endif
