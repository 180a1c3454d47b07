/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_LISTING_H
#define MULTIMS_LISTING_H
/** @file listing.h  What each member of a Multi-MS holds: scans, spws, rows, size on disk. */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What mms_listing_read() found out. */
typedef struct mms_listing {
    bool multi;         /**< a Multi-MS; else one plain MS */
    char *axis;         /**< its separation axis, "unknown" without one; "" for a plain MS */
    mms_value *members; /**< {"0": {"MS", "size", "scanId": {"<scan>": {"nrows", "spwIds", "nchans",
                             "dds": [{"ddid", "spw", "nrows"}]}}, "bytes", "nrow", "axis"}, …}; a
                             plain MS has no "axis" */
} mms_listing;

/** List the MS or Multi-MS at path.  Members are read one at a time, sorted by name, numbers in it
 *  as numbers.
 *  @param[out] out  the listing, zero on failure; end it with mms_listing_free()
 *  Errors: NOT_FOUND; TABLE a member cannot be read or nothing is there to list; MEM.
 *  Source: docs/format.md */
MMS_API MMS_CHECKED mms_status mms_listing_read(const char *path, mms_listing *out, mms_error *err);

/** Free the fields and set them to zero. */
MMS_API void mms_listing_free(mms_listing *listing);

/** Return the table of listpartition, each line ended by a line break; NULL when out of memory. The
 *  caller ends it with free(). */
MMS_API char *mms_listing_table(const mms_listing *listing);

#ifdef __cplusplus
}
#endif
#endif
