/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file text_order_codec.c  Orders and states of texts, to and from JSON. */
#include "base/keys_priv.h"
#include "text_order_priv.h"

#define ORDER(kind, member) MMS_KEY(mms_text_order, kind, member)

static const mms_key order_keys[] = {ORDER(MMS_KEY_TEXT, command),     ORDER(MMS_KEY_TEXT, mode),
                                     ORDER(MMS_KEY_VALUE, parameters), ORDER(MMS_KEY_VALUE, state),
                                     ORDER(MMS_KEY_INT32, server),     {0}};

MMS_KEYS_ENCODE(mms_text_order, order_keys)
MMS_KEYS_DECODE(mms_text_order, order_keys, "command")

#define STATE(kind, member) MMS_KEY(mms_text_state, kind, member)

static const mms_key state_keys[] = {STATE(MMS_KEY_VALUE, variables),
                                     STATE(MMS_KEY_VALUE, settings),
                                     STATE(MMS_KEY_VALUE, plugins),
                                     STATE(MMS_KEY_MAYBE, cwd),
                                     {0}};

MMS_KEYS_ENCODE(mms_text_state, state_keys)
mms_status mms_text_state_decode(const mms_value *value, mms_text_state *s, mms_error *err)
{
    *s = (mms_text_state){0};
    return value ? mms_keys_decode(state_keys, value, "state", s, err) : MMS_OK;
}
