/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_KEYS_PRIV_H
#define MULTIMS_KEYS_PRIV_H
/** @file keys_priv.h  Objects that cross the border between processes: structs whose keys stand in
 * a table, for both ways, and what no table says, read key by key.  For codecs. */

#include <stdbool.h>
#include <stddef.h>

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

/** What a member of a struct is. */
typedef enum mms_key_kind {
    MMS_KEY_TEXT,    /**< const char * */
    MMS_KEY_MAYBE,   /**< the same; NULL travels */
    MMS_KEY_TEXTS,   /**< const char **, ended by NULL; NULL travels as a list without texts */
    MMS_KEY_VALUE,   /**< const mms_value *; NULL travels */
    MMS_KEY_INTEGER, /**< int64_t */
    MMS_KEY_THREE,   /**< int64_t[3] */
    MMS_KEY_INT32,   /**< int32_t, or an enumeration */
    MMS_KEY_NUMBER,  /**< double */
    MMS_KEY_TRUTH    /**< bool */
} mms_key_kind;

/** One of them; a table ends with {0}. */
typedef struct mms_key {
    const char *name;
    mms_key_kind kind;
    size_t offset;
} mms_key;

/** The member of a struct whose name is the key. */
#define MMS_KEY(type, kind, member)           \
    {                                         \
#member, kind, offsetof(type, member) \
    }

/** A struct as an object; NULL: no memory, or a text is NULL. */
mms_value *mms_keys_encode(const mms_key *keys, const void *members);

/** Read it again: members gets the keys of the table, the rest stays.  Texts and values are
 * borrowed from value, lists are ended with free().  A key that is missing or of another kind
 * counts as missing. */
void mms_keys_read(mms_keys *k, const mms_key *keys, void *members);

/** The same, all of it.  what: for the message.  Errors: as mms_keys_end(); lists are freed then.
 */
MMS_CHECKED mms_status mms_keys_decode(const mms_key *keys, const mms_value *value,
                                       const char *what, void *members, mms_error *err);

/** The codec of a struct that is all in a table of keys: NAME_encode() and NAME_decode(). */
#define MMS_KEYS_ENCODE(name, keys)         \
    mms_value *name##_encode(const name *o) \
    {                                       \
        return mms_keys_encode(keys, o);    \
    }
#define MMS_KEYS_DECODE(name, keys, what)                                     \
    mms_status name##_decode(const mms_value *value, name *o, mms_error *err) \
    {                                                                         \
        *o = (name){0};                                                       \
        return mms_keys_decode(keys, value, what, o, err);                    \
    }

/** Free the lists of texts of a struct. */
void mms_keys_free(const mms_key *keys, void *members);

/** What came of it.  what: for the message.  Errors: INTERNAL naming a key that is missing; MEM. */
MMS_CHECKED mms_status mms_keys_end(const mms_keys *k, const char *what, mms_error *err);

#endif
