/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_GOODNESS_PRIV_H
#define MULTIMS_GOODNESS_PRIV_H
/** @file goodness_priv.h  How well polynomials fit: chi squared by field, scan, spw, correlation.
 */

#include "multims/base.h"
#include "multims/value.h"

/** Of the rows of a part; threads add to it. */
typedef struct mms_goodness mms_goodness;

mms_goodness *mms_goodness_new(void); /**< NULL: out of memory */
void mms_goodness_free(mms_goodness **goodness);

/** Whose rows they are.  Rows of one key and time give way to the one of the highest rank: CASA
 * looks at the last row of each time stamp alone. */
typedef struct mms_goodness_key {
    int32_t field, scan, spw, corr;
    double time_s; /**< 0: all rows count */
    int64_t rank;
} mms_goodness_key;

/** Add the chi squared of a row's real and imaginary parts.  Errors: MEM. */
MMS_CHECKED mms_status mms_goodness_add(mms_goodness *goodness, mms_goodness_key key,
                                        const double chi2[2], mms_error *err);
void mms_goodness_lock(mms_goodness *goodness);
void mms_goodness_unlock(mms_goodness *goodness);

/** New reference to [[field, scan, spw, corr, time, rank, n, sums, least, most: of real,
 *  imaginary], …], and
 *  begin anew; NULL when nothing was added. */
mms_value *mms_goodness_take(mms_goodness *goodness);

/** CASA's nested dictionary of lists that were taken, joined; new reference. */
mms_value *mms_goodness_report(const mms_value *taken);

#endif
