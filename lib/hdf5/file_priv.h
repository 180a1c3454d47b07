/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_HDF5_FILE_PRIV_H
#define MULTIMS_HDF5_FILE_PRIV_H
/** @file file_priv.h  Inside the module: an open file, its errors, and its calls. */

#include <hdf5.h>
#include <jansson.h>

#include "hdf5_priv.h"

/** Datasets of Data stay open: chunks that one read needs a part of are kept for the next. */
enum { MMS_H5_KEPT = 3, MMS_H5_CACHE = 32 << 20 };

struct mms_h5_chunks;

/** An open dataset. */
typedef struct mms_h5_set {
    hid_t id;
    struct mms_h5_chunks *chunks; /**< NULL: HDF5 reads it */
} mms_h5_set;

struct mms_h5 {
    hid_t id;
    char *path;
    int64_t cache_bytes; /**< of a dataset's chunks; 0: MMS_H5_CACHE */
    int nkept;
    struct {
        char name[64];
        mms_h5_set set;
    } kept[MMS_H5_KEPT];
};

/** The type in memory of values that are wanted; end it with H5Tclose(). */
hid_t mms_h5_memory_type(mms_h5_type wanted, hid_t stored);

/** Fail with the innermost cause on HDF5's stack, as FILE: NAME: cause; name may be NULL. */
mms_status mms_h5_fail(const char *path, const char *name, mms_error *err);

mms_status mms_h5_create(const char *path, mms_h5 **out, mms_error *err);
mms_status mms_h5_group(mms_h5 *file, const char *name, mms_error *err);
mms_status mms_h5_put(mms_h5 *file, const char *name, const mms_h5_item *item, int64_t *offset,
                      mms_error *err);
mms_status mms_h5_reopen(const char *path, mms_h5 **out, mms_error *err);
mms_status mms_h5_write(mms_h5 *file, const char *name, int64_t from, int64_t count,
                        const void *data, mms_error *err);
mms_status mms_h5_close(mms_h5 **file, mms_error *err);

mms_status mms_h5_open(const char *path, mms_h5 **out, mms_error *err);
void mms_h5_limit(mms_h5 *file, int64_t bytes);
bool mms_h5_has(mms_h5 *file, const char *name);
bool mms_h5_is_group(mms_h5 *file, const char *name);
mms_status mms_h5_look(mms_h5 *file, const char *name, mms_h5_item *item, mms_error *err);
mms_status mms_h5_read(mms_h5 *file, const char *name, mms_h5_type wanted, int64_t from,
                       int64_t count, int axis, int64_t first, int64_t n, void *data,
                       mms_error *err);
mms_status mms_h5_probe(mms_h5 *file, const char *name, mms_error *err);
mms_status mms_h5_where(mms_h5 *file, const char *name, mms_h5_type wanted, int64_t *offset,
                        mms_error *err);
mms_status mms_h5_texts(mms_h5 *file, const char *name, mms_value **out, mms_error *err);
mms_status mms_h5_names(mms_h5 *file, const char *name, mms_value **out, mms_error *err);

void mms_lzf_register(void);
/** Whether a stream was damaged since the last call. */
bool mms_lzf_was_damaged(void);

mms_status mms_sky_find(mms_sky *sky, mms_error *err);
mms_status mms_sky_zenith(mms_sky *sky, mms_error *err);
mms_status mms_sky_to_geodetic(const double itrf_m[3], double geodetic[3], mms_error *err);
mms_status mms_sky_from_geodetic(const double geodetic[3], double itrf_m[3], mms_error *err);
mms_status mms_sky_tai_to_utc(double tai_jd, double *utc_jd, mms_error *err);

#endif
