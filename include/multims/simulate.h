/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SIMULATE_H
#define MULTIMS_SIMULATE_H
/** @file simulate.h  Makes MeasurementSets whose values tell their place, for tests and benchmarks.
 *
 *  In row r, channel k, correlation c of a cell [nchan][ncorr], with place = k * ncorr + c:
 *  DATA = (r mod 2^24) + i place, MODEL_DATA = -DATA, CORRECTED_DATA = 2 DATA, and FLOAT_DATA =
 *  (r mod 2^12) * 2^12 + (place mod 2^12).  All are exact in float.  WEIGHT is 1 to 1.875 by
 *  eighths, WEIGHT_SPECTRUM = WEIGHT * (1 + (k mod 4) / 4), SIGMA and SIGMA_SPECTRUM are 1/sqrt of
 *  them.  UVW is that of the antennas' places, the time and the field.
 *
 *  With a spectral line DATA is the line instead: real, a Gaussian about the frequency at which the
 *  observatory sees it at the row's TIME in the direction of its field, the same in all
 * correlations; MODEL_DATA = -DATA, CORRECTED_DATA = 2 DATA, FLOAT_DATA = DATA. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Called after each block of rows; a status other than MMS_OK ends the work with it. */
typedef mms_status mms_simulate_progress(void *ctx, int64_t done, int64_t rows, mms_error *err);

/** What to make.  Lists in texts are separated as described; texts are borrowed. */
typedef struct mms_simulate_opts {
    uint32_t size;
    int64_t antennas, scans, fields, spws, integrations;
    int64_t first_scan;       /**< number of the first scan */
    int64_t nchannels;        /**< entries of channels: 1, or one for each spw */
    const int64_t *channels;  /**< channels of the spws */
    const char *correlations; /**< polarization setups, separated by ';': a number (1, 2, 4) or
                                   names such as "XX,YY"; each spw has a DD for each setup */
    const char *intents;      /**< OBS_MODEs, separated by ';'; scans take them in turn */
    const char *missing;      /**< "scan:spw,…": spws without rows in a scan */
    const char *telescope;    /**< "VLA" or "ALMA" */
    double interval_s, start_freq_hz, chan_width_hz;
    double flags; /**< fraction of the visibilities that is flagged, half of it in whole rows */
    double noise; /**< half width of the uniform noise on DATA, MODEL_DATA and CORRECTED_DATA */
    int64_t seed; /**< of flags, weights and noise; nothing else depends on it */
    bool autocorrelations, data, model, corrected, floatdata, wtspectrum, sigmaspectrum;
    bool source, pointing, syscal, weather; /**< sub-tables with rows */
    bool spw_order;     /**< rows by DD, scan, time; else by scan, time, DD.  Baselines last */
    const char *layout; /**< storage managers: casa (docs/format.md), tiledcolumn, standard, shared,
                             cell or aipsio */
    int64_t ntile;      /**< 0: tiles of 1 MiB; 1: rows; 3: correlations, channels, rows */
    const int64_t *tile;
    bool big_endian;
    const char *restfreq;      /**< of a spectral line, such as "1420.4058MHz"; "": none */
    const char *line_velocity; /**< radio, "30km/s": restfreq * (1 - velocity/c) in line_frame */
    const char *line_frame;    /**< LSRK, BARY, …; not REST or SOURCE */
    const char *line_width;    /**< full width at half its height, "20km/s"; "": four channels */
    double line_flux;          /**< its height */
    const char *history;       /**< the request, for HISTORY; NULL: none */
    mms_simulate_progress *progress;
    void *progress_ctx;
} mms_simulate_opts;
#define MMS_SIMULATE_OPTS_INIT                                                                \
    {                                                                                         \
        .size = sizeof(mms_simulate_opts), .antennas = 8, .scans = 2, .fields = 1, .spws = 1, \
        .integrations = 10, .first_scan = 1, .correlations = "4",                             \
        .intents = "OBSERVE_TARGET#ON_SOURCE", .missing = "", .telescope = "VLA",             \
        .interval_s = 10, .start_freq_hz = 1.4e9, .chan_width_hz = 1e6, .data = true,         \
        .source = true, .layout = "casa", .restfreq = "", .line_velocity = "0km/s",           \
        .line_frame = "LSRK", .line_width = "", .line_flux = 10                               \
    }

/** Count the rows and estimate the bytes on disk of what opts ask for.
 *  Errors: ARG, RANGE, MEM. */
MMS_API MMS_CHECKED mms_status mms_simulate_size(const mms_simulate_opts *opts, int64_t *rows,
                                                 int64_t *bytes, mms_error *err);

/** Make the MeasurementSet at path, which must not exist.  Memory does not grow with its size, and
 *  the same opts give the same bytes (but for those that casacore leaves unset in the layouts
 *  standard and aipsio).  Not collective.
 *  Errors: ARG, RANGE, EXISTS, TABLE, MEM; what progress returns.
 *  Source: MeasurementSet definition 2.0; docs/format.md for the layout casa. */
MMS_API MMS_CHECKED mms_status mms_simulate(const char *path, const mms_simulate_opts *opts,
                                            mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
