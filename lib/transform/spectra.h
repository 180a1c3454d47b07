/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SPECTRA_H
#define MULTIMS_SPECTRA_H
/** @file spectra.h  Spectra of rows of one DDID: channel and time averages, Hanning smoothing, and
 *  what becomes of their flags and weights.  No I/O; formulas in docs/design/transforms.md. */

#include "ms/meta.h"
#include "multims/base.h"
#include "multims/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Data columns; the first one that is processed is the main column, whose flags are kept. */
typedef enum mms_data_kind {
    MMS_KIND_DATA = 0,
    MMS_KIND_CORRECTED,
    MMS_KIND_MODEL,
    MMS_KIND_FLOAT
} mms_data_kind;
enum { MMS_MAX_KINDS = 4 };
#define MMS_KIND_BIT(kind) (1u << (unsigned)(kind))

/** One processed data column: data[nrow][nchan][ncorr], mms_complex or float. */
typedef struct mms_spectra_column {
    mms_data_kind kind;
    bool real; /**< float: FLOAT_DATA */
    void *data;
} mms_spectra_column;

/** Rows of one DDID; every array is in C order and belongs to the caller. */
typedef struct mms_spectra {
    int64_t nrow, nchan, ncorr;
    int ncolumn;
    mms_spectra_column column[MMS_MAX_KINDS];
    uint8_t *flag;         /**< [nrow][nchan][ncorr], 0 or 1 */
    float *weight, *sigma; /**< [nrow][ncorr] */
    /** [nrow][nchan][ncorr].  Input: NULL where WEIGHT_SPECTRUM does not exist for the request
     *  (docs/design/transforms.md), or for these rows: WEIGHT or SIGMA in each channel.  Output:
     * NULL where spectra are not written (0.7). */
    float *weight_spectrum, *sigma_spectrum;
} mms_spectra;

/** Return the kinds of the columns as MMS_KIND_BITs. */
unsigned mms_spectra_kinds(const mms_spectra *spectra);

/** Mean along the channels of x[nchan][ncorr] over the channels without flag, over all where all
 *  are flagged; flag NULL: none is.  out[ncorr].  Source: docs/design/transforms.md */
void mms_mean_spectrum(int64_t nchan, int64_t ncorr, const float *x, const uint8_t *flag,
                       float *out);

/* ---- rows that keep their channels and their times --------------------------------------------*/

/** How WEIGHT and SIGMA leave a plain split, or a time average without a spectral transform. */
typedef enum mms_weight_rule {
    MMS_WEIGHTS_COPY = 0,   /**< both stay */
    MMS_WEIGHTS_FROM_SIGMA, /**< WEIGHT = 1/SIGMA^2 */
    MMS_SIGMA_FROM_WEIGHTS  /**< SIGMA = 1/sqrt(WEIGHT) */
} mms_weight_rule;

/** Choose the rule for the kinds that are written; renamed: CORRECTED becomes DATA.  No kinds at
 *  all (LAG_DATA alone): COPY.  Source: docs/design/transforms.md */
mms_weight_rule mms_split_weight_rule(unsigned kinds, bool renamed);

/** Write WEIGHT, SIGMA and the spectra that out has by rule; in and out have one shape and may be
 *  the same arrays; out has both spectra or none.  A spectrum that in does not have is WEIGHT or
 *  SIGMA in each channel.
 *  Source: docs/design/transforms.md */
void mms_split_weights(mms_weight_rule rule, mms_numerics numerics, const mms_spectra *in,
                       mms_spectra *out);

/* ---- channel average, Hanning -----------------------------------------------------------------*/

typedef struct mms_spectral_opts {
    uint32_t size;
    int32_t spw; /**< id in messages */
    int64_t nrange;
    const mms_channels *ranges; /**< selected channels in the order of the data; spw is ignored;
                                   nrange 0: all */
    int64_t chanbin;            /**< channels averaged to one; 0: no channel average */
    bool hanning;
    mms_numerics numerics;
    unsigned kinds;       /**< data columns that are processed */
    bool weight_spectrum; /**< WEIGHT_SPECTRUM exists in the sense of docs/design/transforms.md */
    bool time_averaged;   /**< rows come from mms_time_average_mean() */
    bool keep_remainder;  /**< bins of all channels, the last one shorter: a regridding follows */
    int direction;        /**< of the whole window: -1 descending, 1 ascending, 0 as axis is */
} mms_spectral_opts;
#define MMS_SPECTRAL_OPTS_INIT                                                               \
    {                                                                                        \
        sizeof(mms_spectral_opts), 0, 0, NULL, 0, false, MMS_NUMERICS_CASA, 0, false, false, \
            false, 0                                                                         \
    }

/** What is done to the spectra of one window.  Read-only after prepare: threads may share it. */
typedef struct mms_spectral_plan mms_spectral_plan;

/** Prepare the average and the smoothing of one window: shapes, frequencies, warnings.
 *  @param[out] out  the plan, NULL on failure; end it with mms_spectral_plan_free()
 *  Errors: ARG no channel is left, a bad chanbin; RANGE a channel that axis does not have; MEM.
 *  Source: docs/design/transforms.md */
MMS_CHECKED mms_status mms_spectral_prepare(const mms_spectral_axis *axis,
                                            const mms_spectral_opts *opts, mms_spectral_plan **out,
                                            mms_error *err);

/** *plan is set to NULL; NULL is accepted. */
void mms_spectral_plan_free(mms_spectral_plan **plan);

/** Channels of the input after selection, and of the output. */
int64_t mms_spectral_nchan_in(const mms_spectral_plan *plan);
int64_t mms_spectral_nchan_out(const mms_spectral_plan *plan);

/** The axis of the output window, borrowed.  *changed: its row differs from the input's. */
const mms_spectral_axis *mms_spectral_axis_out(const mms_spectral_plan *plan, bool *changed);

/** Warnings of prepare, one line each, in the order in which they are logged.  Borrowed. */
int64_t mms_spectral_nwarning(const mms_spectral_plan *plan);
const char *mms_spectral_warning(const mms_spectral_plan *plan, int64_t i);

/** Return the bytes of scratch memory that apply needs for ncorr correlations, at any number of
 *  rows. */
int64_t mms_spectral_scratch(const mms_spectral_plan *plan, int64_t ncorr);

/** Average and smooth in.nrow rows: data, FLAG, WEIGHT, SIGMA and the spectra that out has.  The
 *  result of a row depends on that row alone.  in has the selected channels; out has the same rows
 *  and correlations, nchan_out channels, the same columns in the same order, and shares no array
 *  with in.
 *  @param scratch  mms_spectral_scratch() bytes, aligned to 64
 *  Errors: SHAPE in or out disagrees with the plan.
 *  Source: docs/design/transforms.md */
MMS_CHECKED mms_status mms_spectral_apply(const mms_spectral_plan *plan, const mms_spectra *in,
                                          mms_spectra *out, void *scratch, mms_error *err);

/* ---- time average: which rows make a bin ------------------------------------------------------*/

/** Scalars of a row that decide its bin. */
typedef struct mms_time_row {
    double time_s, uvw_m[3];
    int32_t observation, array, scan, state, field, ddid, antenna1, antenna2;
} mms_time_row;

/** What a bin may cross. */
enum { MMS_TIMESPAN_SCAN = 1, MMS_TIMESPAN_STATE = 2, MMS_TIMESPAN_FIELD = 4 };

/** In which order rows arrive. */
typedef enum mms_time_order {
    MMS_BY_TIME = 0, /**< TIME never falls */
    MMS_BY_CHUNK     /**< as mms_time_row_compare() sorts */
} mms_time_order;

typedef struct mms_time_opts {
    uint32_t size;
    double timebin_s;
    unsigned timespan; /**< MMS_TIMESPAN_… */
    double max_uvw_m;  /**< maxuvwdistance; 0: no limit */
    mms_time_order order;
} mms_time_opts;
#define MMS_TIME_OPTS_INIT                          \
    {                                               \
        sizeof(mms_time_opts), 0, 0, 0, MMS_BY_TIME \
    }

/** Compare two rows by chunk (OBSERVATION_ID, ARRAY_ID, SCAN_NUMBER, STATE_ID, FIELD_ID,
 *  DATA_DESC_ID without what timespan names), then TIME: < 0, 0, > 0.  A stable sort of rows whose
 *  TIME falls gives the order MMS_BY_CHUNK; within it the bins are those of any input order.
 *  Source: docs/design/transforms.md */
int mms_time_row_compare(const mms_time_row *a, const mms_time_row *b, unsigned timespan);

/** Where a row goes. */
typedef struct mms_time_place {
    int64_t bin;  /**< number of its bin, counted as bins open: the order of their first rows */
    int64_t slot; /**< a small number that no other open bin has */
    bool opened;  /**< the row is the first of its bin */
} mms_time_place;

/** The bins that are open.  Memory goes with their number, not with that of rows. */
typedef struct mms_time_bins mms_time_bins;

/** Errors: ARG a timebin that is not positive; MEM. */
MMS_CHECKED mms_status mms_time_bins_create(const mms_time_opts *opts, mms_time_bins **out,
                                            mms_error *err);
void mms_time_bins_free(mms_time_bins **bins);

/** Find the bin of the next row.  Before that, bins that can get no more rows are closed.
 *  Errors: RANGE TIME falls, or (MMS_BY_CHUNK) a chunk comes after a later one; MEM.
 *  Source: docs/design/transforms.md */
MMS_CHECKED mms_status mms_time_bins_add(mms_time_bins *bins, const mms_time_row *row,
                                         mms_time_place *place, mms_error *err);

/** Close all bins.  Rows added after that begin an order of their own. */
void mms_time_bins_finish(mms_time_bins *bins);

/** Get the open bin that was opened first; false when none is open. */
bool mms_time_bins_oldest(const mms_time_bins *bins, mms_time_place *place);

/** Bins that the last add or finish closed, in the order of their numbers where they close
 *  together; close their sums before the row is added.  Borrowed until the next add or finish. */
const mms_time_place *mms_time_bins_closed(const mms_time_bins *bins, int64_t *n);

/** Bins opened so far, and the most slots in use at any time. */
int64_t mms_time_bins_count(const mms_time_bins *bins);
int64_t mms_time_bins_nslot(const mms_time_bins *bins);

/* ---- time average: sums -----------------------------------------------------------------------*/

/** Scalars of a row that are averaged. */
typedef struct mms_time_scalars {
    double time_s, interval_s, exposure_s, time_centroid_s, uvw_m[3];
    bool flagged; /**< every FLAG of the row is set (FLAG_ROW is not asked) */
} mms_time_scalars;

/** Return whether every FLAG of a row is set. */
bool mms_row_is_flagged(const mms_spectra *spectra, int64_t row);

/** Averages rows of one shape; owns scratch memory and the sums that are not in use. */
typedef struct mms_time_average mms_time_average;

/** The sums of one open bin. */
typedef struct mms_time_sums mms_time_sums;

/** Make an average of rows of nchan channels and ncorr correlations.  Errors: ARG no kinds; MEM. */
MMS_CHECKED mms_status mms_time_average_create(int64_t nchan, int64_t ncorr, unsigned kinds,
                                               mms_numerics numerics, mms_time_average **out,
                                               mms_error *err);

/** From now on scalars alone are averaged: rows of in need no data, rows of out no cells. */
void mms_time_average_take_scalars(mms_time_average *average);

/** Free the average and the sums it owns; sums in use must have been closed. */
void mms_time_average_free(mms_time_average **average);

/** Return the bytes of the sums of one bin. */
int64_t mms_time_average_bytes(const mms_time_average *average);

/** Begin a bin.  Errors: MEM. */
MMS_CHECKED mms_status mms_time_average_begin(mms_time_average *average, mms_time_sums **out,
                                              mms_error *err);

/** Return the bytes of scratch memory that add needs. */
int64_t mms_time_average_scratch(const mms_time_average *average);

/** Add a row of in, whose columns are those of the kinds; rows come in the order of TIME.  Threads
 *  may add to different sums at a time.
 *  @param scratch  mms_time_average_scratch() bytes, aligned to 64
 *  Source: docs/design/transforms.md */
void mms_time_average_add(const mms_time_average *average, mms_time_sums *sums,
                          const mms_spectra *in, int64_t row, const mms_time_scalars *scalars,
                          void *scratch);

/** Write the averaged row into row of out (data, FLAG, WEIGHT, SIGMA, the spectra that out has) and
 *  scalars.  Ids are those of the bin's first row; FLAG_ROW is F.  Threads may do that with
 *  different sums.  What comes next is mms_spectral_apply() with time_averaged, which wants both
 * spectra, or mms_split_weights(). Source: docs/design/transforms.md */
void mms_time_average_mean(const mms_time_average *average, const mms_time_sums *sums,
                           mms_spectra *out, int64_t row, mms_time_scalars *scalars);

/** Return the number of sums that are not in use; free them. */
int64_t mms_time_average_idle(const mms_time_average *average);
void mms_time_average_trim(mms_time_average *average);

/** Give the sums of a bin back.  *sums is set to NULL; NULL is accepted. */
void mms_time_average_drop(mms_time_average *average, mms_time_sums **sums);

#ifdef __cplusplus
}
#endif
#endif
