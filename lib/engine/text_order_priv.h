/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TEXT_ORDER_PRIV_H
#define MULTIMS_TEXT_ORDER_PRIV_H
/** @file text_order_priv.h  What the worker of a command that is a text is told, and what stays on
 *  its server, typed on both sides of the process border.  Texts and values are borrowed from what
 *  was decoded.  Decoding: Errors: INTERNAL naming a key that is missing; MEM. */

#include "base/base_priv.h"

typedef struct mms_text_order {
    const char *command, *mode;          /**< eval, exec, push */
    const mms_value *parameters, *state; /**< state: what the last text left, NULL: nothing */
    int32_t server;
} mms_text_order;

mms_value *mms_text_order_encode(const mms_text_order *order);
MMS_CHECKED mms_status mms_text_order_decode(const mms_value *value, mms_text_order *order,
                                             mms_error *err);

typedef struct mms_text_state {
    const mms_value *variables, *settings, *plugins; /**< objects; NULL: empty */
    const char *cwd;                                 /**< NULL: that of the worker */
} mms_text_state;

mms_value *mms_text_state_encode(const mms_text_state *state);
/** Of NULL: nothing was left. */
MMS_CHECKED mms_status mms_text_state_decode(const mms_value *value, mms_text_state *state,
                                             mms_error *err);

#endif
