/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MS_H
#define MULTIMS_MS_H
/** @file ms.h  One MeasurementSet on disk, a sub-MS, or a Multi-MS read as one table. */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An open MS.  Several threads may read from it, one does the rest.  Rows are those of the whole:
 * for a Multi-MS the members' rows in stored order.  Members are opened when they are needed. */
typedef struct mms_ms mms_ms;

/** Open the MS or Multi-MS at path read-only; nothing is created in it.
 *  @param[out] out  the new handle, NULL on failure; end it with mms_ms_close()
 *  Errors: NOT_FOUND, TABLE; UNSUPPORTED naming manager and column. */
MMS_API MMS_CHECKED mms_status mms_ms_open(const char *path, mms_ms **out, mms_error *err);

/** Give back the memory that reading has taken; ms stays open.  Errors: TABLE. */
MMS_API MMS_CHECKED mms_status mms_ms_drop_caches(mms_ms *ms, mms_error *err);

/** Close; *ms is set to NULL.  NULL is accepted. */
MMS_API void mms_ms_close(mms_ms **ms);

/** Choose whether the files of array columns and scalars are read directly, where their storage
 * manager is known (the default), or by casacore.  What is read is the same; a file that is read
 * directly is compared with what casacore reads first.  Source: docs/design/architecture.md, Two
 * ways to the files */
MMS_API void mms_ms_use_tiles(mms_ms *ms, bool use);

/** Return the path it was opened with, without a slash at its end; borrowed. */
MMS_API const char *mms_ms_path(const mms_ms *ms);

/** Return the rows of its main table; of a Multi-MS those of all members. */
MMS_API int64_t mms_ms_nrow(const mms_ms *ms);

/** Return whether it is a Multi-MS: kind ConcatTable and SubType CONCATENATED. */
MMS_API bool mms_ms_is_multi(const mms_ms *ms);

/** Return the separation axis of a Multi-MS, "" if it has none or this is no Multi-MS. */
MMS_API const char *mms_ms_axis(const mms_ms *ms);

/** Return how many members there are, which are numbered from 0 in stored order; a plain MS has
 * one, itself. */
MMS_API int64_t mms_ms_nmember(const mms_ms *ms);

/** Return the path of a member, 0 <= member < mms_ms_nmember(ms); borrowed. */
MMS_API const char *mms_ms_member_path(const mms_ms *ms, int64_t member);

/** Return which rows of the whole are those of a member. */
MMS_API mms_rows mms_ms_member_rows(const mms_ms *ms, int64_t member);

/** Return how many columns the main table has, of a Multi-MS that of member 0. */
MMS_API int64_t mms_ms_ncolumn(const mms_ms *ms);

/** Return a column, 0 <= i < mms_ms_ncolumn(ms), in the order of the table's description; borrowed.
 */
MMS_API const mms_column *mms_ms_column(const mms_ms *ms, int64_t i);

/** Return the column of that name, in capitals as the table has it, or NULL; borrowed. */
MMS_API const mms_column *mms_ms_find_column(const mms_ms *ms, const char *name);

/** Return the path of a sub-table, or NULL when the keyword or the table is missing.  Borrowed. */
MMS_API const char *mms_ms_subtable(const mms_ms *ms, const char *name);

/** Return the names of the sub-tables that are there: JSON {name: path}; borrowed. */
MMS_API const mms_value *mms_ms_subtables(const mms_ms *ms);

/** Return the names of the sub-table keywords whose tables are missing: JSON array; borrowed. */
MMS_API const mms_value *mms_ms_missing_subtables(const mms_ms *ms);

/** Read the first TELESCOPE_NAME of OBSERVATION, "" without one; the caller ends it with free().
 *  Errors: TABLE, MEM. */
MMS_API MMS_CHECKED mms_status mms_ms_telescope(const mms_ms *ms, char **name, mms_error *err);

/** Find whether a sub-table is there and has a column.  Errors: TABLE. */
MMS_API MMS_CHECKED mms_status mms_ms_subtable_has(const mms_ms *ms, const char *subtable,
                                                   const char *column, bool *has, mms_error *err);

/** Find whether a model is attached for CASA to compute visibilities from: a keyword
 *  definedmodel_field_N of SOURCE, or of the main table, that names the keyword of its record.  A
 *  column SOURCE_MODEL alone holds no model.  Errors: TABLE. */
MMS_API MMS_CHECKED mms_status mms_ms_has_model(const mms_ms *ms, bool *has, mms_error *err);

/** Read cells of one column for nrange runs of rows; array cells must all have one shape.
 *  @param      nvalue  elements in data
 *  @param[out] data    data[sum of counts][cell], of the column's type (not STRING, not OTHER)
 *  Errors: NOT_FOUND, RANGE, SHAPE, TABLE. */
MMS_API MMS_CHECKED mms_status mms_ms_read(mms_ms *ms, const char *column, int64_t nrange,
                                           const mms_rows *ranges, int64_t nvalue, void *data,
                                           mms_error *err);

/** Find runs of equal cell shape among the given rows.
 *  @param[out] runs  the caller ends it with free(); rows are table rows, in the order of ranges
 *  Errors: NOT_FOUND, RANGE, TABLE, MEM. */
MMS_API MMS_CHECKED mms_status mms_ms_shapes(mms_ms *ms, const char *column, int64_t nrange,
                                             const mms_rows *ranges, mms_shape_run **runs,
                                             int64_t *nrun, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
