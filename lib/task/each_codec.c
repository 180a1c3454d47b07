/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_codec.c  The order of one part of each, to and from JSON. */
#include "base/keys_priv.h"
#include "each_priv.h"

#define EACH(kind, member) MMS_KEY(mms_each_order, kind, member)

static const mms_key keys[] = {
    EACH(MMS_KEY_TEXT, vis),       EACH(MMS_KEY_TEXT, out),        EACH(MMS_KEY_TEXT, name),
    EACH(MMS_KEY_TEXT, folder),    EACH(MMS_KEY_MAYBE, outputs),   EACH(MMS_KEY_VALUE, program),
    EACH(MMS_KEY_VALUE, okcodes),  EACH(MMS_KEY_INTEGER, retries), EACH(MMS_KEY_INTEGER, sharing),
    EACH(MMS_KEY_INTEGER, index),  EACH(MMS_KEY_INTEGER, threads), EACH(MMS_KEY_NUMBER, limit_s),
    EACH(MMS_KEY_NUMBER, stall_s), EACH(MMS_KEY_TRUTH, staged),    {0}};

MMS_KEYS_ENCODE(mms_each_order, keys)
MMS_KEYS_DECODE(mms_each_order, keys, "each")
