/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STATWT_PRIV_H
#define MULTIMS_STATWT_PRIV_H
/** @file statwt_priv.h  Inside the task statwt: the parameters of its statistics. */

#include "multims/base.h"
#include "multims/value.h"

/** As they were written. */
struct mms_statwt_words {
    const char *combine, *statalg, *center, *fitspw, *wtrange, *numerics;
    bool slidetimebin, lside, excludechans;
    int64_t minsamp, maxiter;
    double fence, zscore;
};

/** Add to order what all units take.  Errors: ARG naming the parameter. */
MMS_CHECKED mms_status mms_statwt_order(const struct mms_statwt_words *p, mms_value *order,
                                        mms_error *err);

#endif
