/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CONTENTS_H
#define MULTIMS_CONTENTS_H
/** @file contents.h  What is in a MeasurementSet: times, fields, scans, windows, antennas, columns.
 *
 *  A set is read by parts, each by mms_contents_rows(), and once by mms_contents_tables(), in any
 *  order and process; mms_contents_join() makes one answer of them. */

#include <stdio.h>

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Find what a set is made of, without opening a table.
 *  @param[out] out  {"kind": "MS" or "Multi-MS", "axis", "parts": [path]}, where a plain MS is its
 *                   only part; NULL on failure
 *  Errors: NOT_FOUND, TABLE, MEM; ARG a path is not UTF-8.  Source: docs/format.md. */
MMS_CHECKED mms_status mms_contents_parts(const char *path, mms_value **out, mms_error *err);

/** Count the rows of the plain MS at path.
 *  @param out  an object that gets "rows", "bytes" on disk, "antennas" with rows: [id], and
 * "counts":
 *              [[observation, array, scan, field, state, ddid, rows, begin, end, exposure]], times
 *              in MJD seconds, begin and end of integrations, exposure the sum of INTERVAL
 *  Errors: NOT_FOUND, TABLE, MEM. */
MMS_CHECKED mms_status mms_contents_rows(const char *path, mms_value *out, mms_error *err);

/** Read the sub-tables and the columns of the MS or Multi-MS at path.
 *  @param out  an object that gets "observations", "fields", "spws", "polarizations", "dds",
 *              "antennas", "states", "columns", "subtables", "missing_subtables", "time_frame",
 *              "bytes" on disk
 *  Errors: NOT_FOUND, TABLE, MEM. */
MMS_CHECKED mms_status mms_contents_tables(const char *path, mms_value *out, mms_error *err);

/** Join the answers of mms_contents_tables() and of mms_contents_rows() for nparts parts.
 *  @param result  an object that gets what mms_contents_tables() gave, rows, times and ids counted
 *                 in, "rows", "begin", "end", "parts" and "scans"
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_contents_join(const mms_value *tables, int64_t nparts,
                                         const mms_value *const *parts, mms_value *result,
                                         mms_error *err);

/** Print a joined answer; not all: long lists are cut, so that it fits on a screen. */
void mms_contents_print(const mms_value *contents, bool all, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
