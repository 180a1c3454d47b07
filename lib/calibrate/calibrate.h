/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CALIBRATE_H
#define MULTIMS_CALIBRATE_H
/** @file calibrate.h  Flux densities of calibrators; no files. */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- flux densities ---------------------------------------------------------------------------*/

enum { MMS_FLUX_TERMS = 10 };

/** How the flux density of a source goes with frequency.
 *  Power law: stokes * (f/f0)^(c0 + c1 log10(f/f0) + ...); logarithmic: log10 I = sum of
 *  c_k log10(f in GHz)^k.  With npol > 0 the linear polarization is a polynomial. */
typedef struct mms_flux {
    bool logarithmic;
    double stokes_jy[4], reference_hz;
    int64_t nterm, npol, nangle;
    double terms[MMS_FLUX_TERMS];
    double polindex[MMS_FLUX_TERMS], polangle_rad[MMS_FLUX_TERMS], rotmeas; /**< rad/m^2 */
} mms_flux;

/** I, Q, U, V in Jy at a frequency. */
void mms_flux_at(const mms_flux *flux, double freq_hz, double stokes_jy[4]);

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

/** At the border between processes. */
mms_value *mms_flux_encode(const mms_flux *flux);
void mms_flux_decode(const mms_value *value, mms_flux *flux);

#ifdef __cplusplus
}
#endif
#endif
