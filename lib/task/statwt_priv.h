/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STATWT_PRIV_H
#define MULTIMS_STATWT_PRIV_H
/** @file statwt_priv.h  Inside the task statwt: the parameters of its statistics. */

#include "inplace/inplace.h"

/** As they were written. */
struct mms_statwt_words {
    const char *combine, *statalg, *center, *fitspw, *wtrange, *numerics;
    bool slidetimebin, lside, excludechans;
    int64_t minsamp, maxiter;
    double fence, zscore;
};

/** Read them; texts are borrowed.  Errors: ARG naming the parameter. */
MMS_CHECKED mms_status mms_statwt_ask(const struct mms_statwt_words *p, mms_statwt_asked *out,
                                      mms_error *err);

#endif
