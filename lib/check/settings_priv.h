/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SETTINGS_PRIV_H
#define MULTIMS_SETTINGS_PRIV_H
/** @file settings_priv.h  The parameters of a run, as its lines of history have them
 *  (multi-ms 3.6): texts by name. */

#include "multims/select.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Put "name = value" of a line into texts: strings without their quotes, None as "". */
void mms_settings_take(mms_value *texts, const char *line);
/** A parameter, "" where there is none; borrowed. */
const char *mms_setting(const mms_value *texts, const char *name);
/** The selection, whose texts are borrowed. */
mms_select mms_settings_select(const mms_value *texts);
/** ' name="value"' of selection and data column, to tell; NULL: nothing.  Ended with free(). */
char *mms_settings_words(const mms_value *texts);

#ifdef __cplusplus
}
#endif

#endif
