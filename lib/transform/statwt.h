/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STATWT_H
#define MULTIMS_STATWT_H
/** @file statwt.h  Weights from the scatter of visibilities: functions on arrays, no files
 *  (docs/statwt.md). */

#include "multims/base.h"
#include "multims/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- windows in time --------------------------------------------------------------------------*/

/** Which time stamps give the weight of one. */
typedef struct mms_statwt_time {
    bool slides;
    int64_t stamps; /**< so many; 0: by seconds */
    double seconds;
} mms_statwt_time;

/** Find the stamps [first[i], end[i]) that give the weights of stamp i.
 *  @param time_s  [n], ascending, each once */
void mms_statwt_windows(const mms_statwt_time *how, int64_t n, const double *time_s, int64_t *first,
                        int64_t *end);

/* ---- bins of channels -------------------------------------------------------------------------*/

/** Cut channels into bins: of channels if it is above 0, else of width_hz if that is above 0, else
 *  one of all.
 *  @param[out] first  [nchan + 1]: bin i is [first[i], first[i + 1])
 *  Returns the number of bins. */
int64_t mms_statwt_bins(int64_t nchan, const double *freq_hz, int64_t channels, double width_hz,
                        int64_t *first);

/* ---- variance ---------------------------------------------------------------------------------*/

typedef enum mms_statwt_algorithm {
    MMS_STATWT_CLASSIC = 0,
    MMS_STATWT_CHAUVENET,
    MMS_STATWT_FIT_HALF,
    MMS_STATWT_HINGES
} mms_statwt_algorithm;

typedef enum mms_statwt_center {
    MMS_STATWT_MEAN = 0,
    MMS_STATWT_MEDIAN,
    MMS_STATWT_ZERO
} mms_statwt_center;

typedef struct mms_statwt_how {
    mms_statwt_algorithm algorithm;
    int64_t minsamp;
    double fence;    /**< hinges-fences: of quartile distances; negative: all points stay */
    double zscore;   /**< chauvenet: of standard deviations; negative: Chauvenet's */
    int64_t maxiter; /**< chauvenet; negative: until nothing is left out any more */
    mms_statwt_center center;
    bool lside; /**< fit-half: the points below the center are used, else those above */
} mms_statwt_how;

/** Compute the mean of the variances of real and imaginary parts; 0 with fewer than minsamp
 *  samples.
 *  @param vis         [n]
 *  @param exposure_s  [n]: weights of the samples
 *  @param scratch     [2 * n] */
double mms_statwt_variance(const mms_statwt_how *how, int64_t n, const mms_complex *vis,
                           const double *exposure_s, double *scratch);

/** Channels of some rows, of which every sample counts. */
typedef struct mms_statwt_rows {
    int64_t nrow, nchan;
    int32_t ncorr;
    const mms_complex *const *vis; /**< [nrow]: [nchan][ncorr] */
    const double *exposure_s;      /**< [nrow] */
} mms_statwt_rows;

/** As mms_statwt_variance(), of each correlation, with the same rounding: variance[ncorr].  False:
 *  not done, another algorithm is asked for, or ncorr is not 2 or 4. */
bool mms_statwt_variances(const mms_statwt_how *how, const mms_statwt_rows *rows, double *variance);

/** The greatest distance from the mean, in standard deviations, that half a one of n points is
 *  expected to pass: the first z of a search by halves with floor(1 / (2 erfc(z / sqrt(2)))) = n,
 * as casacore has it. */
double mms_statwt_chauvenet(int64_t n);

/* ---- a row ------------------------------------------------------------------------------------*/

/** The weight of a row: exposure over variance, 0 where there is none. */
float mms_statwt_weight(double exposure_s, double variance);

/** The median; the mean of the middle two of an even number; 0 of none.  Sorts values. */
float mms_statwt_median(int64_t n, float *values);

/** 1/sqrt(weight); -1 for 0. */
float mms_statwt_sigma(float weight);

/* ---- mean and variance of many ----------------------------------------------------------------*/

typedef struct mms_statwt_sums {
    double n, mean, m2; /**< m2: of squared distances from the mean */
} mms_statwt_sums;

/** Add a value count times. */
void mms_statwt_sums_add(mms_statwt_sums *sums, double value, int64_t count);
/** Add those of others. */
void mms_statwt_sums_join(mms_statwt_sums *sums, const mms_statwt_sums *more);

#ifdef __cplusplus
}
#endif
#endif
