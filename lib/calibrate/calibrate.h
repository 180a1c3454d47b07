/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CALIBRATE_H
#define MULTIMS_CALIBRATE_H
/** @file calibrate.h  Flux densities of calibrators, virtual models; solutions of calibration
 *  tables, and their application; no files. */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- flux densities ---------------------------------------------------------------------------*/

enum { MMS_FLUX_TERMS = 10, MMS_FLUX_EPOCHS = 18 };

/** How the flux density of a source goes with frequency.
 *  Power law: stokes * (f/f0)^(c0 + c1 log10(f/f0) + ...); logarithmic: log10 I = sum of
 *  c_k log10(f in GHz)^k, or with nepoch > 0 I is a sum of shares of those of epochs.  With npol >
 * 0 the linear polarization is a polynomial. */
typedef struct mms_flux {
    bool logarithmic;
    bool is_curved; /**< several terms of polarization were given, whether they count or not */
    double stokes_jy[4], reference_hz;
    int64_t nterm, npol, nangle;
    double terms[MMS_FLUX_TERMS];
    double polindex[MMS_FLUX_TERMS], polangle_rad[MMS_FLUX_TERMS], rotmeas; /**< rad/m^2 */
    int64_t first_epoch, nepoch; /**< in the table of sources */
    double shares[MMS_FLUX_EPOCHS];
} mms_flux;

/** I, Q, U, V in Jy at a frequency. */
void mms_flux_at(const mms_flux *flux, double freq_hz, double stokes_jy[4]);

/** Bring a law of setjy's manual standard into the form above: terms of the polarized fraction
 *  count with terms of the angle alone, and Q and U, where they are given, in place of the first of
 *  both, as in CASA. */
void mms_flux_settle(mms_flux *flux);

/** Whether it has a single spectral index, which setjy applies to channels whatever scalebychan
 *  says. */
bool mms_flux_has_index(const mms_flux *flux);

/** What a product, "RR" or "XY", sees of I, Q, U, V.  Errors: UNSUPPORTED other products. */
MMS_CHECKED mms_status mms_flux_product(const char *product, const double stokes_jy[4],
                                        mms_complex *value, mms_error *err);

/** 1 for products that are parallel hands, or I; 0 for others. */
float mms_flux_default(const char *product);

/** Whether the coefficients of a standard, "Perley-Butler 2017", are known; the names of those that
 *  are. */
bool mms_flux_has_standard(const char *standard);
extern const char *const mms_flux_standards;

/** Find a source of a standard by any of its names, as seen at a time in MJD seconds; *found is
 *  false when it has none. */
void mms_flux_find(const char *standard, const char *name, double time_s, bool *found,
                   mms_flux *flux);

/** Interpolate a source that was found between its epochs, how: linear, cubic, spline; nothing
 * else, such as nearest, and no source that has one epoch, changes. */
void mms_flux_interpolate(const char *standard, const char *name, double time_s, const char *how,
                          mms_flux *flux);

/** At the border between processes. */
mms_value *mms_flux_encode(const mms_flux *flux);
void mms_flux_decode(const mms_value *value, mms_flux *flux);

/* ---- virtual models ---------------------------------------------------------------------------*/

/** A point source of a virtual model, as CASA keeps it; texts are borrowed from the record. */
typedef struct mms_component {
    mms_flux flux;  /**< constant, or with an index */
    int64_t ntable; /**< > 0: a table instead */
    double *table;  /**< [ntable][5]: frequencies in Hz, ascending; I, Q, U, V in Jy */
    const char *direction;
    double lon_rad, lat_rad;
} mms_component;

/** Rows of a scan and state of a field and window, and their components. */
typedef struct mms_component_rows {
    int32_t field, spw, scan, state;
    int64_t first, count;
} mms_component_rows;

typedef struct mms_components {
    mms_value *records;
    int64_t nrow, ncomponent;
    mms_component_rows *rows; /**< ascending */
    mms_component *list;
} mms_components;

/** Read the records of a set's virtual models, {key: record}; end them with mms_components_free().
 *  Errors: UNSUPPORTED naming what is no point source with a spectrum that setjy writes; MEM. */
MMS_CHECKED mms_status mms_components_read(mms_value *records, mms_components *out, mms_error *err);
void mms_components_free(mms_components *components);

/** Return which components rows have; NULL: they have no model. */
const mms_component_rows *mms_components_find(const mms_components *components, int32_t field,
                                              int32_t spw, int32_t scan, int32_t state);

/** Add the I, Q, U, V of a component in Jy at a frequency; beyond a table its ends count.  As in
 *  CASA 6.7.0 frequencies are compared as they stand, whatever frames are noted. */
void mms_component_add(const mms_component *component, double freq_hz, double stokes_jy[4]);

/* ---- solutions --------------------------------------------------------------------------------*/

/** What a table's parameters are, in the order in which they are applied. */
typedef enum mms_cal_kind {
    MMS_CAL_K = 0,   /**< delays in ns */
    MMS_CAL_B,       /**< gains by channel */
    MMS_CAL_G,       /**< gains */
    MMS_CAL_T,       /**< one gain for both polarizations */
    MMS_CAL_OPACITY, /**< zenith opacity */
    MMS_CAL_D        /**< leakages */
} mms_cal_kind;

/** How spectra of solutions go to other channels; with MMS_CAL_KEEPS_FLAGS flagged where one of the
 *  channels that are used is. */
typedef enum mms_cal_freq {
    MMS_CAL_LINEAR = 0,
    MMS_CAL_NEAREST,
    MMS_CAL_CUBIC,
    MMS_CAL_SPLINE,
    MMS_CAL_KEEPS_FLAGS,
    MMS_CAL_LINEAR_FLAG = MMS_CAL_KEEPS_FLAGS,
    MMS_CAL_NEAREST_FLAG,
    MMS_CAL_CUBIC_FLAG,
    MMS_CAL_SPLINE_FLAG
} mms_cal_freq;

/** Parameters at one time: [nchan][npar] of each; borrowed. */
typedef struct mms_cal_solution {
    double time_s;
    const mms_complex *values;
    const uint8_t *flags;
} mms_cal_solution;

/** Which two solutions make that of a time, and the share of the second. */
typedef struct mms_cal_place {
    int64_t before, after;
    float share;
} mms_cal_place;

/** Find the place of a time among n > 0 solutions in order of time. */
mms_cal_place mms_cal_find_time(int64_t n, const mms_cal_solution *solutions, double time_s,
                                bool nearest);

/** The parameters at a place: n = nchan * npar of them.
 *  @param real   they are no gains but numbers
 *  @param ratio  by which phases of gains are multiplied, for another frequency */
void mms_cal_at(const mms_cal_solution *solutions, const mms_cal_place *place, int64_t n, bool real,
                double ratio, mms_complex *values, uint8_t *flags);

/** One parameter's spectrum in other channels, of any order: values[nin], flags[nin] stride apart.
 *  Fewer than four channels are interpolated linearly, one is the nearest.  Errors: MEM. */
MMS_CHECKED mms_status mms_cal_to_channels(int64_t nin, const double *in_hz,
                                           const mms_complex *values, const uint8_t *flags,
                                           int64_t stride, int64_t nout, const double *out_hz,
                                           mms_cal_freq how, mms_complex *out, uint8_t *out_flags,
                                           mms_error *err);

/* ---- application ------------------------------------------------------------------------------*/

/** Which antenna's and which polarization's parameter a product has: p of the first antenna, q of
 *  the second. */
typedef struct mms_cal_product {
    uint8_t p, q;
} mms_cal_product;

/** What an antenna's parameters make of the data: [nchan][2] of each. */
typedef struct mms_cal_antenna {
    mms_complex *gain; /**< by which data are multiplied: 1/J */
    mms_complex *leak; /**< D; NULL: none */
    uint8_t *flags;
    uint8_t *leak_flags; /**< of D, which cross hands alone have; NULL: none */
    bool any_flag;
    float weight[2];
    double angle_rad; /**< of the feeds against the sky */
    bool flat;        /**< gain is the same in all channels */
} mms_cal_antenna;

/** How the rows of a window are done. */
typedef struct mms_cal_window {
    int32_t nchan, ncorr;
    const mms_cal_product *products; /**< [ncorr] */
    bool leakage, parang, linear;    /**< linear: feeds are X and Y, else R and L */
} mms_cal_window;

/** data[nchan][ncorr] of a baseline, gains first, then leakages, then the angle. */
void mms_cal_correct(const mms_cal_window *window, const mms_cal_antenna *first,
                     const mms_cal_antenna *second, mms_complex *data);

/** Whether flags of a baseline may be set; false: mms_cal_flag() leaves them as they are. */
bool mms_cal_may_flag(const mms_cal_window *window, const mms_cal_antenna *first,
                      const mms_cal_antenna *second);

/** flags[nchan][ncorr]; true when one was set. */
bool mms_cal_flag(const mms_cal_window *window, const mms_cal_antenna *first,
                  const mms_cal_antenna *second, uint8_t *flags);

#ifdef __cplusplus
}
#endif
#endif
