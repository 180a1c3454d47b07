/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_codec.c  The order of one part of each, to and from JSON. */
#include "base/keys_priv.h"
#include "each_priv.h"

#define EACH(kind, member) MMS_KEY(mms_each_order, kind, member)

static const mms_key keys[] = {
    EACH(MMS_KEY_TEXT, vis),       EACH(MMS_KEY_VALUE, changes),   EACH(MMS_KEY_TEXT, name),
    EACH(MMS_KEY_TEXT, folder),    EACH(MMS_KEY_MAYBE, outputs),   EACH(MMS_KEY_VALUE, program),
    EACH(MMS_KEY_VALUE, okcodes),  EACH(MMS_KEY_INTEGER, retries), EACH(MMS_KEY_INTEGER, sharing),
    EACH(MMS_KEY_INTEGER, index),  EACH(MMS_KEY_INTEGER, threads), EACH(MMS_KEY_NUMBER, limit_s),
    EACH(MMS_KEY_NUMBER, stall_s), EACH(MMS_KEY_TRUTH, staged),    {0}};

MMS_KEYS_ENCODE(mms_each_order, keys)

mms_status mms_each_order_decode(const mms_value *value, mms_each_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_each_order){0};
    mms_keys_read(&k, keys, o);
    o->attempt = mms_keys_find_integer(&k, "attempt"); // which the engine adds to the second
    if (o->attempt < 1)
        o->attempt = 1;
    return mms_keys_end(&k, "each", err);
}
