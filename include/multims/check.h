/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CHECK_H
#define MULTIMS_CHECK_H
/** @file check.h  Judges a set: is it sound, does it hold what its source holds, is it equal to
 * another; and lists what the members of a Multi-MS hold. */

#include <stdio.h>

#include "multims/ms.h"
#include "multims/select.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is verified. */
typedef struct mms_verify_opts {
    uint32_t size;
    const char *against;      /**< source of the partition; NULL or "": the structure alone */
    const mms_select *select; /**< the request's selection; NULL: everything */
    const char *datacolumn;   /**< the request's; NULL: "all" */
    bool from_history; /**< take selection and datacolumn from the last partition in HISTORY */
    int64_t show;      /**< findings that are kept of each check */
    bool tiles;        /**< read tile files directly, not through casacore */
} mms_verify_opts;
#define MMS_VERIFY_OPTS_INIT                                        \
    {                                                               \
        sizeof(mms_verify_opts), NULL, NULL, NULL, false, 10, false \
    }

/** Verify the Multi-MS or MS at path: members, columns, links, table.info, ids in range, equal
 *  sub-tables; and with opts->against that every selected row of the source is there once, equal in
 *  every column.  Memory is flat but for 16 bytes a row with a source.  Not collective.
 *  @param[out] result  an object that gets "checks", "passed" and "failed"
 *  Errors: DIFFERS with findings; NOT_FOUND, TABLE no table at path, or the source can't be read;
 *          SELECT, ARG for the request; MEM.  Source: docs/format.md
 */
MMS_API MMS_CHECKED mms_status mms_verify(const char *path, const mms_verify_opts *opts,
                                          mms_value *result, mms_error *err);

/** What is compared, and how.  Lists are separated by commas; NULL or "" is the default. */
typedef struct mms_diff_opts {
    uint32_t size;
    const char *columns;   /**< columns of the main table; default: all */
    const char *skip;      /**< columns of the main table that are left out */
    const char *subtables; /**< sub-tables; "none": none; default: all but HISTORY */
    const char *tolerance; /**< COLUMN=RTOL or COLUMN=RTOL/ATOL, of main columns */
    double rtol, atol;     /**< of all floating-point columns; 0: the same bits, or both NaN */
    bool ignore_order;     /**< rows may stand in any order */
    bool parts;            /**< number, rows and axis of the parts too */
    bool history;          /**< HISTORY too */
    int64_t show;          /**< findings that are kept of each check */
    int threads;           /**< that compare tiles beside each other; 0, 1: none is started */
} mms_diff_opts;
#define MMS_DIFF_OPTS_INIT                                                                 \
    {                                                                                      \
        sizeof(mms_diff_opts), NULL, NULL, NULL, NULL, 0.0, 0.0, false, false, false, 3, 0 \
    }

/** Compare a with b.  Not collective.  Memory is flat as long as the rows stand in the same order;
 *  else it takes 16 bytes a row.  Numbers a, b differ when |a - b| > atol + rtol max(|a|, |b|).
 *  @param[out] result  an object that gets "checks", "passed", "failed" and "warnings"; "stopped",
 *                      a message, when the comparison came to no end
 *  Errors: DIFFERS; ARG for a list or tolerance; TABLE, MEM. */
MMS_API MMS_CHECKED mms_status mms_diff(mms_ms *a, mms_ms *b, const mms_diff_opts *opts,
                                        mms_value *result, mms_error *err);

/** Print what mms_diff() or mms_verify() filled in: a line a check, its findings, and the sum. */
MMS_API void mms_report_print(const mms_value *result, FILE *out);

/** Print in one line that all checks of such a result have passed.  It names the sets when result
 * has "a" and "b", or "vis" and "against". */
MMS_API void mms_report_print_line(const mms_value *result, FILE *out);

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
