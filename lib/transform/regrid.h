/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_REGRID_H
#define MULTIMS_REGRID_H
/** @file regrid.h  Other frequency grids: which channels the output has, how spectra get there, how
 *  windows are put together and cut apart.  No I/O, no measures: frequencies in another frame are
 *  factors that the caller has from lib/tables/measures_priv.h.  Formulas in
 *  docs/design/regridding.md. */

#include <math.h>

#include "spectra.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MMS_LIGHT_SPEED_M_S 299792458.0

/* ---- frequencies in another frame -------------------------------------------------------------*/

/** Multiply n frequencies by the factors, one after another, so that the bits are those of a chain
 *  of frame conversions.  in and out may be the same array.  Source: docs/design/regridding.md */
void mms_shift_frequencies(int64_t nfactor, const double *factor, int64_t n, const double *in,
                           double *out);

/** Shift a window: centres, and widths (positive, whatever the sign of the input's) between shifted
 *  edges.  Arrays of nchan, Hz; no output may be an input.  Source: docs/design/regridding.md */
void mms_shift_window(int64_t nfactor, const double *factor, int64_t nchan, const double *freq_hz,
                      const double *width_hz, double *freq_out_hz, double *width_out_hz);

/** Return the factor sqrt((1-b)/(1+b)), b = velocity/c, of a velocity of recession in m/s. */
double mms_doppler_factor(double velocity_m_s);

/** Return what outframe SOURCE multiplies frequencies by after their way to GEO.  now, reference:
 *  radial velocities of the source in m/s at the row's TIME and at the reference time; for the grid
 *  both are that of the reference time.  CASA's factor moves the wrong way when the velocity
 *  changes (vectors keep it); exact numerics use the velocity of the time itself.
 *  Source: docs/design/regridding.md */
double mms_source_factor(double now_m_s, double reference_m_s, mms_numerics numerics);

/* ---- the output grid --------------------------------------------------------------------------*/

typedef enum mms_grid_mode {
    MMS_GRID_CHANNEL = 0,
    MMS_GRID_CHANNEL_B, /**< integers, as in the old cvel */
    MMS_GRID_FREQUENCY,
    MMS_GRID_VELOCITY
} mms_grid_mode;

typedef struct mms_grid_opts {
    uint32_t size;
    mms_grid_mode mode;
    bool optical;                        /**< veltype of mode velocity */
    int64_t nchan;                       /**< output channels; <= 0: all that fit */
    int64_t nspw;                        /**< output windows; > 1 multiplies nchan */
    double start;                        /**< channel, Hz, or m/s; NAN: not given */
    double width;                        /**< channels, Hz, or m/s, any sign; NAN: not given */
    double restfreq_hz;                  /**< 0: not given */
    int32_t spw;                         /**< id in messages */
    const char *start_text, *width_text; /**< as they were written, for messages; NULL: unknown */
} mms_grid_opts;
#define MMS_GRID_OPTS_INIT                                                                  \
    {                                                                                       \
        sizeof(mms_grid_opts), MMS_GRID_CHANNEL, false, -1, 1, NAN, NAN, 0.0, 0, NULL, NULL \
    }

/** The channels of an output window. */
typedef struct mms_grid {
    int64_t nchan;
    double *freq_hz;     /**< [nchan] centres, in the order of the input */
    double *width_hz;    /**< [nchan] positive */
    double weight_scale; /**< width of the first output channel by that of the lowest input channel;
                              weights take it where the frame changes (6.4) */
    int64_t nwarning;
    char **warnings; /**< what CASA says while it adjusts a request, one line each */
} mms_grid;

/** Lay the output grid over a window of nchan channels, whose centres and (positive) widths are in
 *  the output frame.
 *  @param[out] out  the grid, NULL on failure; end it with mms_grid_free()
 *  Errors: ARG a request that gives no grid: velocity without restfreq, channels narrower than the
 *          input's, start or nchan that cannot be meant, numbers that are not finite; RANGE a
 *          window without channels, or whose frequencies neither rise nor fall; MEM.
 *  Source: docs/design/regridding.md */
MMS_CHECKED mms_status mms_grid_make(int64_t nchan, const double *freq_hz, const double *width_hz,
                                     const mms_grid_opts *opts, mms_grid **out, mms_error *err);

/** *grid is set to NULL; NULL is accepted. */
void mms_grid_free(mms_grid **grid);

/** Return CASA's floor(r + 0.001), r the mean output width by the mean width of the grid that the
 *  window has by itself.  From 2 on (and with 2 * ratio <= nchan, and no chanbin) output channels
 *  are wide: preaverage averages so many input channels first, and without it the interpolation
 *  goes over a finer grid.  *wide says whether both hold.  Errors: as mms_grid_make().
 *  Source: docs/design/regridding.md */
MMS_CHECKED mms_status mms_wide_ratio(int64_t nchan, const double *freq_hz, const double *width_hz,
                                      const mms_grid *grid, int64_t *ratio, bool *wide,
                                      mms_error *err);

/** How channels go to output windows, one after another. */
typedef struct mms_separation {
    int64_t nspw, per_window, last; /**< channels of each window, and of the last one */
} mms_separation;

/** Cut nchan channels into nspw windows of ceil(nchan/nspw), the last one shorter.
 *  Errors: ARG nspw < 1, or the last window has no channel.  Source: docs/design/regridding.md */
MMS_CHECKED mms_status mms_separate(int64_t nchan, int64_t nspw, mms_separation *out,
                                    mms_error *err);

/** Return the channels of a window, and the first of them. */
int64_t mms_separation_count(const mms_separation *separation, int64_t window);
int64_t mms_separation_first(const mms_separation *separation, int64_t window);

/** Copy the channels of one window out of cells[nrow][nchan] of bytes each (all correlations of a
 *  channel) to out[nrow][count].  WEIGHT and SIGMA of the window are mms_mean_spectrum() of theirs
 *  where spectra were transformed, else copies. */
void mms_separate_cells(const mms_separation *separation, int64_t window, int64_t nrow,
                        int64_t nchan, int64_t bytes, const void *cells, void *out);

/** Fill the SPECTRAL_WINDOW row of channels [first, first + axis->nchan) of a grid.  Widths have
 *  the sign of the order of frequencies; that of a grid of one channel is negative in CASA.
 *  separated: one of several windows of nspw.  Source: docs/design/regridding.md */
void mms_grid_axis(const mms_grid *grid, int64_t first, bool separated, mms_numerics numerics,
                   mms_spectral_axis *axis);

/* ---- interpolation ----------------------------------------------------------------------------*/

typedef enum mms_interpolation_method {
    MMS_NEAREST = 0,
    MMS_LINEAR,
    MMS_CUBIC,
    MMS_SPLINE,
    MMS_FFTSHIFT /**< linear at the reference time, then a shift of the whole spectrum */
} mms_interpolation_method;

typedef struct mms_interpolation_opts {
    uint32_t size;
    mms_interpolation_method method;
    int32_t spw; /**< id in messages */
    int64_t nchan_in;
    int64_t nchan_out;
    const double *freq_hz;  /**< [nchan_out] centres; copied */
    const double *width_hz; /**< [nchan_out] widths, any sign; copied; used where wide */
    bool wide;              /**< over a finer grid (6.4) */
    mms_numerics numerics;
} mms_interpolation_opts;

/** Coefficients from one input axis to one output axis.  Between two calls of aim any number of
 *  threads may apply it. */
typedef struct mms_interpolation mms_interpolation;

/** Make an interpolation that is not aimed yet.
 *  Errors: ARG fewer than four input channels for cubic; RANGE no channels; MEM.
 *  Source: docs/design/regridding.md */
MMS_CHECKED mms_status mms_interpolation_create(const mms_interpolation_opts *opts,
                                                mms_interpolation **out, mms_error *err);
void mms_interpolation_free(mms_interpolation **interpolation);

/** Compute the coefficients for input frequencies freq_hz[nchan_in] in the output frame at the
 *  rows' time, rising or falling.  For FFTSHIFT they are those of the reference time.
 *  Errors: RANGE frequencies that neither rise nor fall, or repeat. */
MMS_CHECKED mms_status mms_interpolation_aim(mms_interpolation *interpolation,
                                             const double *freq_hz, mms_error *err);

/** FFTSHIFT: set the shift.  now_hz, reference_hz: the centre channel nchan_out/2 of the input
 *  window (at most its last) in the output frame at the rows' time and at the reference time.  What
 *  is at a higher frequency now moves to higher frequencies of the grid.
 *  Errors: RANGE a shift by the whole band or more.  Source: docs/design/regridding.md */
MMS_CHECKED mms_status mms_interpolation_shift(mms_interpolation *interpolation, double now_hz,
                                               double reference_hz, mms_error *err);

/** Return the bytes of scratch memory that values and flags need for ncorr correlations. */
int64_t mms_interpolation_scratch(const mms_interpolation *interpolation, int64_t ncorr);

/** Interpolate data[nrow][nchan_in][ncorr] of nfloat floats (1 real, 2 complex) to
 *  out[nrow][nchan_out][ncorr], which shares nothing with it.  A row's bits depend on that row
 *  alone.  flag[nrow][nchan_in][ncorr], NULL where none is set, is looked at by FFTSHIFT only.
 * scratch: mms_interpolation_scratch() bytes, aligned to 64, one for each thread. Source:
 * docs/design/regridding.md */
void mms_interpolation_values(const mms_interpolation *interpolation, int64_t nrow, int64_t ncorr,
                              int nfloat, const float *data, const uint8_t *flag, float *out,
                              void *scratch);

/** Flags of what values gives: flag[nrow][nchan_in][ncorr], NULL where none is set, to
 *  out[nrow][nchan_out][ncorr]. */
void mms_interpolation_flags(const mms_interpolation *interpolation, int64_t nrow, int64_t ncorr,
                             const uint8_t *flag, uint8_t *out, void *scratch);

/* ---- several windows to one -------------------------------------------------------------------*/

/** An input window of a combination. */
typedef struct mms_combine_window {
    int32_t spw;   /**< id in messages, and to order windows that begin at one frequency */
    int32_t frame; /**< MEAS_FREQ_REF */
    int64_t nchan;
    const double *freq_hz, *width_hz; /**< [nchan] in the frame of the data; widths of any sign */
} mms_combine_window;

/** A channel of an input window that reaches into a channel of the combined one. */
typedef struct mms_share {
    int32_t window; /**< place in the list of windows */
    int64_t channel;
    double fraction; /**< of its width; 1: taken whole */
} mms_share;

/** The combined window: channels of the windows side by side, overlapping ones put together; what
 *  no window covers is missing.  Read-only after make. */
typedef struct mms_combination {
    int32_t nwindow;
    int64_t nchan;
    double *freq_hz, *width_hz; /**< [nchan] rising, positive */
    int64_t *first;             /**< [nchan + 1] of the shares of each channel */
    mms_share *share;           /**< [first[nchan]] */
    int64_t *window_nchan;      /**< [nwindow] */
} mms_combination;

/** Combine windows of the same number of channels and one frame.  Frequencies are those of the
 * data; the combined ones are shifted like those of any window.
 *  @param[out] out  NULL on failure; end it with mms_combination_free()
 *  Errors: ARG other numbers of channels or frames, no window; RANGE frequencies that neither rise
 *          nor fall; MEM.
 *  Source: docs/design/regridding.md */
MMS_CHECKED mms_status mms_combination_make(int32_t nwindow, const mms_combine_window *windows,
                                            mms_combination **out, mms_error *err);
void mms_combination_free(mms_combination **combination);

/** Rows of one (TIME, baseline): for each window one row or none.  Arrays of pointers have nwindow
 *  entries; those of one window are all NULL where it has no row. */
typedef struct mms_combination_in {
    int64_t ncorr;
    int ncolumn;
    int nfloat[MMS_MAX_KINDS];                 /**< 1 real, 2 complex */
    const float *const *column[MMS_MAX_KINDS]; /**< [nwindow] -> [nchan of it][ncorr] */
    const uint8_t *const *flag;                /**< [nwindow] -> [nchan of it][ncorr] */
    int nweight;
    const float *const *weight[2]; /**< [nwindow] -> [nchan of it][ncorr]; the first one also
                                        weighs data in exact numerics */
} mms_combination_in;

/** The combined row; arrays [nchan][ncorr]. */
typedef struct mms_combination_out {
    float *column[MMS_MAX_KINDS];
    uint8_t *flag;
    float *weight[2];
} mms_combination_out;

/** Combine the rows of one (TIME, baseline).  Errors: SHAPE no row at all.
 *  Exact numerics: data are means by fraction and weight, weights are sums, and every good channel
 *  counts.  Source: docs/design/regridding.md */
MMS_CHECKED mms_status mms_combination_apply(const mms_combination *combination,
                                             mms_numerics numerics, const mms_combination_in *in,
                                             mms_combination_out *out, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
