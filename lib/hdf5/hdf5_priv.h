/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_HDF5_PRIV_H
#define MULTIMS_HDF5_PRIV_H
/** @file hdf5_priv.h  What the module libmultims-hdf5.so offers: HDF5 files and, by liberfa, where
 *  phase centres are in the sky.  Nothing else knows HDF5 or liberfa.
 *
 *  Errors of HDF5 become one line: FILE: DATASET: cause. */

#include "multims/base.h"
#include "multims/value.h"

/** Name of the module's one symbol, of type mms_hdf5_module. */
#define MMS_HDF5_MODULE_SYMBOL "mms_hdf5_module_calls"

/** Types of elements, in files and in memory. */
typedef enum mms_h5_type {
    MMS_H5_NONE = 0, /**< the null dataset, of float: Python's None */
    MMS_H5_FLOAT,
    MMS_H5_DOUBLE,
    MMS_H5_INT,     /**< int32_t */
    MMS_H5_INT64,   /**< int64_t */
    MMS_H5_TEXT,    /**< a fixed number of bytes, padded with 0 */
    MMS_H5_BOOL,    /**< one byte: an enumeration of FALSE and TRUE */
    MMS_H5_COMPLEX, /**< float r, i */
    MMS_H5_OTHER    /**< only found in files */
} mms_h5_type;

enum { MMS_H5_DIM = 4 };

/** A dataset: what it is, and when it is written its values. */
typedef struct mms_h5_item {
    mms_h5_type type;
    int32_t ndim; /**< 0: a scalar */
    int64_t shape[MMS_H5_DIM];
    int64_t width;             /**< bytes of a text */
    const void *data;          /**< values, or NULL: room in the file, which the caller fills */
    int64_t chunk[MMS_H5_DIM]; /**< [0] not 0: in chunks, shuffled and deflated; written by rows */
} mms_h5_item;

/** An open file. */
typedef struct mms_h5 mms_h5;

/** Frames of directions: GCRS is that of the Earth at J2000.0. */
typedef enum mms_sky_frame { MMS_SKY_ICRS = 0, MMS_SKY_J2000, MMS_SKY_GCRS } mms_sky_frame;

/** A direction that is to be found in the sky, and where it is; angles in rad. */
typedef struct mms_sky {
    /* given */
    double jd; /**< UTC */
    double longitude, latitude, height_m;
    double dut1_s, xp, yp; /**< Earth orientation */
    double lon, lat;       /**< in the frame */
    mms_sky_frame frame;
    /* found */
    double lst, app_ra, app_dec, frame_pa;
    double below[2], above[2]; /**< in the frame: what stands half a degree south and north of it,
                                    apparently; frame_pa is the angle between */
} mms_sky;

typedef struct mms_hdf5_module {
    uint32_t size; /**< of this struct: library and module belong together */
    /** Make a new file.  Errors: EXISTS, IO. */
    mms_status (*create)(const char *path, mms_h5 **out, mms_error *err);
    /** Make a group, its parents with it.  Errors: IO. */
    mms_status (*group)(mms_h5 *file, const char *name, mms_error *err);
    /** Make a dataset.  *offset: where its values begin in the file; NULL: not asked.
     *  Errors: IO, SPACE. */
    mms_status (*put)(mms_h5 *file, const char *name, const mms_h5_item *item, int64_t *offset,
                      mms_error *err);
    /** Open a file to write more values into its datasets.  Errors: TABLE, IO. */
    mms_status (*reopen)(const char *path, mms_h5 **out, mms_error *err);
    /** Write [from, from + count) of the first axis of a dataset of three.  Errors: IO, SPACE. */
    mms_status (*write)(mms_h5 *file, const char *name, int64_t from, int64_t count,
                        const void *data, mms_error *err);
    /** Close; *file is freed and set to NULL even on failure.  Errors: IO, SPACE. */
    mms_status (*close)(mms_h5 **file, mms_error *err);
    /** Open a file to read it.  Errors: TABLE no HDF5 file, or cut short; IO. */
    mms_status (*open)(const char *path, mms_h5 **out, mms_error *err);
    /** Say how many bytes chunks may take that are kept of each of the three datasets of Data; it
     * is said before any of these is read. */
    void (*limit)(mms_h5 *file, int64_t bytes);
    /** Whether there is such a dataset or group; whether it is a group. */
    bool (*has)(mms_h5 *file, const char *name);
    bool (*is_group)(mms_h5 *file, const char *name);
    /** Tell what a dataset is: reals are DOUBLE, whole numbers INT64, and width says their bytes;
     *  NONE has no values.  Errors: NOT_FOUND; UNSUPPORTED a filter; TABLE, IO. */
    mms_status (*look)(mms_h5 *file, const char *name, mms_h5_item *item, mms_error *err);
    /** Read [from, from + count) of the first axis, and where axis is not 0 [first, first + n) of
     *  that one, as wanted: FLOAT, DOUBLE, INT64, COMPLEX; BOOL as stored.  Any thread may; a
     * dataset of Data is always wanted as the same.  Errors: IO. */
    mms_status (*read)(mms_h5 *file, const char *name, mms_h5_type wanted, int64_t from,
                       int64_t count, int axis, int64_t first, int64_t n, void *data,
                       mms_error *err);
    /** Walk over the index of a dataset's chunks, where there is one: what is damaged in it is
     * found. Errors: IO. */
    mms_status (*probe)(mms_h5 *file, const char *name, mms_error *err);
    /** Find where the values of a dataset begin in the file, if they stand there in one piece as
     *  they are wanted (BOOL: of one byte); else *offset is -1.  Errors: IO. */
    mms_status (*where)(mms_h5 *file, const char *name, mms_h5_type wanted, int64_t *offset,
                        mms_error *err);
    /** Read all texts of a dataset as a list, without padding.  Errors: TABLE no text; IO. */
    mms_status (*texts)(mms_h5 *file, const char *name, mms_value **out, mms_error *err);
    /** List a group.  Errors: IO. */
    mms_status (*names)(mms_h5 *file, const char *name, mms_value **out, mms_error *err);
    /** Find where a direction is at a time.  Errors: ARG a time that the calendar does not have. */
    mms_status (*sky)(mms_sky *sky, mms_error *err);
    /** Find the zenith, lon and lat in ICRS.  Errors: as above. */
    mms_status (*zenith)(mms_sky *sky, mms_error *err);
    /** Geodetic coordinates (WGS84; rad, m) of a place on Earth, and back. */
    mms_status (*to_geodetic)(const double itrf_m[3], double geodetic[3], mms_error *err);
    mms_status (*from_geodetic)(const double geodetic[3], double itrf_m[3], mms_error *err);
    /** TAI as a Julian date to UTC.  Errors: ARG. */
    mms_status (*tai_to_utc)(double tai_jd, double *utc_jd, mms_error *err);
} mms_hdf5_module;

/** Open the module, once.  Errors: UNSUPPORTED this was built without HDF5; IO. */
MMS_CHECKED mms_status mms_hdf5_load(const mms_hdf5_module **out, mms_error *err);

#endif
