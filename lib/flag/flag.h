/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FLAG_H
#define MULTIMS_FLAG_H
/** @file flag.h  Algorithms that find bad data: functions on arrays, no files.
 *
 *  Arrays are in C order, [time][channel] for one product, [time][channel][correlation] for all;
 *  flags are one byte, 0 or 1.  A map is what one baseline has of a chunk, rows in time order.
 *  rflag takes NULL for flags that are all 0.
 *  Source: docs/flagging.md */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- products ---------------------------------------------------------------------------------*/

typedef enum mms_flag_operator {
    MMS_FLAG_ABS = 0,
    MMS_FLAG_REAL,
    MMS_FLAG_IMAG,
    MMS_FLAG_ARG,
    MMS_FLAG_NORM
} mms_flag_operator;

enum { MMS_FLAG_PRODUCTS = 12 };

/** "ABS_RR,LL": which number of which products is looked at. */
typedef struct mms_flag_expression {
    mms_flag_operator operation;
    bool given; /**< an operator was named */
    bool all, wvr;
    bool product[MMS_FLAG_PRODUCTS]; /**< XX YY XY YX RR LL LR RL I Q U V */
} mms_flag_expression;

/** Read an expression in any case; "" is ABS ALL.  Errors: ARG a word that is no product. */
MMS_CHECKED mms_status mms_flag_expression_read(const char *text, mms_flag_expression *out,
                                                mms_error *err);

/** A product of a window: one that is stored, or made of two: (first + sign * second) / 2, divided
 *  by i where turned. */
typedef struct mms_flag_product {
    int32_t first, second; /**< correlations; second -1: the first as it is */
    int32_t sign;
    bool turned;
} mms_flag_product;

/** Find the products of an expression in a window with these correlations (names such as "XX").
 *  @param[out] products  room for ncorr + MMS_FLAG_PRODUCTS
 *  Returns how many; 0: the window is not looked at. */
int32_t mms_flag_expression_products(const mms_flag_expression *e, int32_t ncorr,
                                     const char *const *names, mms_flag_product *products);

/** Whether n products are all correlations as they are stored. */
bool mms_flag_all_stored(int32_t n, const mms_flag_product *products, int32_t ncorr);

/** The complex value of a product: vis[ncorr] of one cell. */
mms_complex mms_flag_product_value(const mms_flag_product *p, const mms_complex *vis);
/** The number that the operator takes of it. */
float mms_flag_number(mms_flag_operator operation, mms_complex value);
/** The numbers of values[n]. */
void mms_flag_numbers(mms_flag_operator operation, int64_t n, const mms_complex *values,
                      float *numbers);

/* ---- clip -------------------------------------------------------------------------------------*/

typedef struct mms_flag_clip {
    bool limited, outside, zeros;
    double low, high;
} mms_flag_clip;

/** Whether a value is clipped; NaN and infinities always are. */
bool mms_flag_clips(const mms_flag_clip *clip, float value);

/** The same limits for |v|^2 in double precision: kept are from <= x < to, but not
 *  hole_from <= x < hole_to. */
typedef struct mms_flag_squares {
    double from, to, hole_from, hole_to;
} mms_flag_squares;

mms_flag_squares mms_flag_clip_squares(const mms_flag_clip *clip);
/** Flag those of vis[n] whose magnitude is clipped: as mms_flag_clips() of MMS_FLAG_ABS. */
void mms_flag_clip_cells(const mms_flag_squares *keep, int64_t n, const mms_complex *vis,
                         uint8_t *flags);

/* ---- quack ------------------------------------------------------------------------------------*/

typedef enum mms_flag_quack {
    MMS_FLAG_BEG = 0,
    MMS_FLAG_ENDB,
    MMS_FLAG_END,
    MMS_FLAG_TAIL
} mms_flag_quack;

/** Whether a time is flagged in a scan from first to last: MJD seconds, interval in s. */
bool mms_flag_quacks(mms_flag_quack mode, double time_s, double first_s, double last_s,
                     double interval_s);

/* ---- tfcrop -----------------------------------------------------------------------------------*/

typedef struct mms_flag_tfcrop {
    float timecutoff, freqcutoff;
    bool timepoly, freqpoly; /**< else a line */
    int32_t maxnpieces;
    bool time, freq, timefirst; /**< the dimensions that are looked along, and their order */
    bool sum, std;              /**< usewindowstats */
    int32_t halfwin;
} mms_flag_tfcrop;

/** The numbers that mms_flag_tfcrop_maps() works with. */
int64_t mms_flag_tfcrop_room(const mms_flag_tfcrop *how, int64_t ntime, int64_t nchan);

/** Flag what stands out of the mean bandpass and of the mean time series of some maps, each by
 *  itself.
 *  @param         step    from one map to the next
 *  @param         values  values[nmap][ntime][nchan]
 *  @param[in,out] flags   flags[nmap][ntime][nchan]; those that are set don't count
 *  @param         room    on the border of 32 bytes; changes */
void mms_flag_tfcrop_maps(const mms_flag_tfcrop *how, int32_t nmap, int64_t ntime, int64_t nchan,
                          int64_t step, const float *values, uint8_t *flags, float *room);

/* ---- rflag ------------------------------------------------------------------------------------*/

/** Flags from a place on. */
static inline const uint8_t *mms_flag_at(const uint8_t *flags, int64_t at)
{
    return flags ? flags + at : NULL;
}

/** Sums for the thresholds of a chunk, by channel. */
typedef struct mms_flag_sums {
    double *time, *freq;    /**< [nchan] */
    int64_t *ntime, *nfreq; /**< [nchan]: how many were summed */
} mms_flag_sums;

typedef struct mms_flag_rflag {
    int32_t winsize;
    double spectralmax, spectralmin;
} mms_flag_rflag;

/** The medians of a spectrum's real and imaginary parts, and the spreads round them. */
typedef struct mms_flag_middle {
    double re, im, spread_re, spread_im;
    /** No channel scatters more in the window round the time, none deviates more from the middle;
     * INFINITY: not known. */
    double most_scatter, most_deviation;
} mms_flag_middle;

/** Find the middles of spectra, of what is not flagged.
 *  values[ntime][nchan], flags[ntime][nchan], middles[ntime].  Errors: MEM. */
MMS_CHECKED mms_status mms_flag_rflag_middles(int64_t ntime, int64_t nchan,
                                              const mms_complex *values, const uint8_t *flags,
                                              mms_flag_middle *middles, mms_error *err);

/** Find how one map and product scatters in the windows round its times: scatter[ntime][nchan],
 *  below 0 where there is no window or all of it is flagged.
 *  values[ntime][nchan], flags[ntime][nchan], middles[ntime]: told the most.  Errors: MEM. */
MMS_CHECKED mms_status mms_flag_rflag_scatter(const mms_flag_rflag *how, int64_t ntime,
                                              int64_t nchan, const mms_complex *values,
                                              const uint8_t *flags, mms_flag_middle *middles,
                                              double *scatter, mms_error *err);

/** Add that and the deviations from the middles, which are told the most, to the sums. */
void mms_flag_rflag_add(int64_t ntime, int64_t nchan, const mms_complex *values,
                        const uint8_t *flags, const double *scatter, mms_flag_middle *middles,
                        mms_flag_sums *sums);

/** Whether mms_flag_rflag_map() may find something, as far as the middles are told. */
bool mms_flag_rflag_finds(const mms_flag_rflag *how, double time_threshold, double freq_threshold,
                          int64_t ntime, const mms_flag_middle *middles);

/** The threshold that n channels' sums give: median + 1.4826 * median of the deviations.
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_flag_rflag_threshold(int64_t nchan, const double *sums,
                                                const int64_t *counts, double *threshold,
                                                mms_error *err);

/** What of a map is looked at: windows round the times [first, end), or spectra of these times. */
typedef struct mms_flag_turn {
    int64_t first, end;
    bool windows, spectra;
} mms_flag_turn;

/** Flag one map and product.
 *  @param      turn    NULL: all
 *  @param      before  before[ntime][nchan]: the flags that statistics know
 *  @param      middles middles[ntime], of the values and these flags
 *  @param[out] flags   flags[ntime][nchan]: cells that are found are set, others left.
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_flag_rflag_map(const mms_flag_rflag *how, double time_threshold,
                                          double freq_threshold, const mms_flag_turn *turn,
                                          int64_t ntime, int64_t nchan, const mms_complex *values,
                                          const uint8_t *before, const mms_flag_middle *middles,
                                          uint8_t *flags, mms_error *err);

/* ---- averages ---------------------------------------------------------------------------------*/

/** Add n cells to weighted sums; where all before were flagged a good one begins anew.  sum_flags
 *  begins as 1, the others as 0. */
void mms_flag_average_add(int64_t n, const mms_complex *values, const float *weights,
                          const uint8_t *flags, mms_complex *sums, float *sum_weights,
                          uint8_t *sum_flags);

/** Make means of the sums, which stay where there is no weight. */
void mms_flag_average_end(int64_t n, mms_complex *sums, const float *sum_weights);

/** Average width of the selected channels to one; the last bin may have fewer.
 *  @param      channels  channels[nchan]: those that are selected
 *  @param      values    values[channel][ncorr], as weights and flags
 *  @param[out] out       out[(nchan + width - 1) / width][ncorr]; 0 and flagged without a weight */
void mms_flag_average_channels(int32_t nchan, const int32_t *channels, int32_t ncorr, int32_t width,
                               const mms_complex *values, const float *weights,
                               const uint8_t *flags, mms_complex *out, uint8_t *out_flags);

/* ---- extend -----------------------------------------------------------------------------------*/

typedef struct mms_flag_extend {
    bool pols, around, neartime, nearfreq;
    double growtime, growfreq; /**< percent; 0: not */
} mms_flag_extend;

/** Grow the flags of one map: flags[ntime][nchan][ncorr].  Errors: MEM. */
MMS_CHECKED mms_status mms_flag_extend_map(const mms_flag_extend *how, int64_t ntime, int64_t nchan,
                                           int64_t ncorr, uint8_t *flags, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
