/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SPECTRAL_PRIV_H
#define MULTIMS_SPECTRAL_PRIV_H
/** @file spectral_priv.h  The plan of a window, between the files that make and use it. */

#include "spectrum_priv.h"

/** Some of the selected channels. */
struct bin {
    int64_t first, count;
};

struct mms_spectral_plan {
    int64_t nchan_in;
    mms_bins bins;       /**< of places in the selected channels */
    int64_t *first;      /**< [nchan_in] owned; bins.first */
    int64_t *channel;    /**< [nchan_in] channel ids of the input window */
    int64_t ndropped;    /**< remainders of ranges */
    struct bin *dropped; /**< [nrange] */
    bool average, hanning;
    unsigned kinds;
    mms_weight_choice choice;
    int direction; /**< sign of the widths of changed windows */
    mms_spectral_axis *axis;
    bool axis_changed;
    int64_t nwarning, warning_capacity;
    char **warnings;
};

/** Fill nchan_in, bins, axis and warnings. */
mms_status mms_spectral_make_axis(mms_spectral_plan *plan, const mms_spectral_axis *in,
                                  const mms_spectral_opts *opts, mms_error *err);

/** Return -1 where the frequencies descend, else 1. */
int mms_axis_direction(const mms_spectral_axis *axis);

void mms_spectral_axis_free(mms_spectral_axis *axis);

#endif
