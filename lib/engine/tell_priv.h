/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TELL_PRIV_H
#define MULTIMS_TELL_PRIV_H
/** @file tell_priv.h  What the engine does, for logs that are read by programs. */

#include "base/base_priv.h"

/** What a line or event is about; 0 and NULL: nothing of that kind. */
typedef struct mms_about {
    const char *unit;
    int64_t attempt, request;
    int worker; /**< from 1; 0: the client */
} mms_about;

/** Pass on an event, (about, kv): kv, an object or NULL, is taken.  They are not made where nobody
 * listens. */
#define MMS_TELL(scope, event, ...) \
    (mms_log_wants_events() ? mms_tell(scope, event, __VA_ARGS__) : (void)0)
void mms_tell(const char *scope, const char *event, mms_about about, mms_value *kv);
/** Log a line of a worker's; who: what a worker is called. */
void mms_tell_line(mms_level level, const char *scope, mms_about about, const char *who,
                   const char *text);

#endif
