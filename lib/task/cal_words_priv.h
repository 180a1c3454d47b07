/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CAL_WORDS_PRIV_H
#define MULTIMS_CAL_WORDS_PRIV_H
/** @file cal_words_priv.h  Calibration tables as users name them, in lists or in a cal library. */

#include "multims/base.h"
#include "multims/value.h"

/** Lists with an entry a table, as they were written. */
struct mms_cal_words {
    const char *gaintable, *gainfield, *interp, *spwmap, *calwt;
};

/** Add what each table is used with: {"path", "interp", "calwt", "spwmap", "field"}.
 *  Errors: ARG naming the parameter; MEM. */
MMS_CHECKED mms_status mms_cal_uses(const struct mms_cal_words *p, mms_value *uses, mms_error *err);

/** The same from a cal library, the file at path.  Errors: ARG naming the line; IO, MEM. */
MMS_CHECKED mms_status mms_cal_library(const char *path, mms_value *uses, mms_error *err);

/** Whether it is a list of whole numbers. */
bool mms_cal_are_windows(const mms_value *list);

#endif
