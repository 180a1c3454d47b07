/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_HDF5_FILE_PRIV_H
#define MULTIMS_HDF5_FILE_PRIV_H
/** @file file_priv.h  Inside the module: an open file, its errors, and its calls. */

#include <hdf5.h>

#include "hdf5_priv.h"

struct mms_h5 {
    hid_t id;
    char *path;
};

/** Fail with the innermost cause on HDF5's stack, as FILE: NAME: cause; name may be NULL. */
mms_status mms_h5_fail(const char *path, const char *name, mms_error *err);

mms_status mms_h5_create(const char *path, mms_h5 **out, mms_error *err);
mms_status mms_h5_group(mms_h5 *file, const char *name, mms_error *err);
mms_status mms_h5_put(mms_h5 *file, const char *name, const mms_h5_item *item, int64_t *offset,
                      mms_error *err);
mms_status mms_h5_close(mms_h5 **file, mms_error *err);
mms_status mms_sky_find(mms_sky *sky, mms_error *err);
mms_status mms_sky_to_geodetic(const double itrf_m[3], double geodetic[3], mms_error *err);
mms_status mms_sky_from_geodetic(const double geodetic[3], double itrf_m[3], mms_error *err);
mms_status mms_sky_tai_to_utc(double tai_jd, double *utc_jd, mms_error *err);

#endif
