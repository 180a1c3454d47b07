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

/** Element types of columns, as casacore names them. */
typedef enum mms_dtype {
    MMS_DT_BOOL = 0, /**< one byte, 0 or 1 */
    MMS_DT_UCHAR,
    MMS_DT_SHORT,
    MMS_DT_USHORT,
    MMS_DT_INT,
    MMS_DT_UINT,
    MMS_DT_INT64,
    MMS_DT_FLOAT,
    MMS_DT_DOUBLE,
    MMS_DT_COMPLEX,  /**< two floats */
    MMS_DT_DCOMPLEX, /**< two doubles */
    MMS_DT_STRING,
    MMS_DT_OTHER /**< records; only copied, never read into buffers */
} mms_dtype;

/** Return the bytes of one element; 0 for STRING and OTHER. */
MMS_API size_t mms_dtype_size(mms_dtype dtype);
MMS_API const char *mms_dtype_name(mms_dtype dtype);

enum { MMS_MAX_DIM = 6 };

/** What a column is.  The texts are borrowed from the handle. */
typedef struct mms_column {
    const char *name;
    mms_dtype dtype;
    bool scalar;
    bool fixed;                 /**< array of a fixed shape */
    int32_t ndim;               /**< array: number of axes, 0 when any */
    int64_t shape[MMS_MAX_DIM]; /**< C order, fixed arrays only */
    const char *manager;        /**< type of its storage manager, for instance "TiledShapeStMan" */
    const char *group;          /**< name of its storage manager */
    bool calculated;            /**< by an engine; its cells are not stored as they are read */
} mms_column;

/** Rows whose cells of one column have the same shape. */
typedef struct mms_shape_run {
    mms_rows rows;
    int32_t ndim; /**< -1: the cells are undefined; 0: scalars, or arrays without axes and values */
    int64_t shape[MMS_MAX_DIM]; /**< C order: [nchan][ncorr] is {nchan, ncorr} */
} mms_shape_run;

/** Return the values that a cell of a shape holds: none where it is undefined or an array without
 *  axes. */
MMS_API int64_t mms_cell_values(const mms_column *column, int32_t ndim, const int64_t *shape);

/** Open the MS or Multi-MS at path read-only; nothing is created in it.
 *  @param[out] out  the new handle, NULL on failure; end it with mms_ms_close()
 *  Errors: NOT_FOUND, TABLE; UNSUPPORTED naming manager and column. */
MMS_API MMS_CHECKED mms_status mms_ms_open(const char *path, mms_ms **out, mms_error *err);

/** Give back the memory that reading has taken; ms stays open.  Errors: TABLE. */
MMS_API MMS_CHECKED mms_status mms_ms_drop_caches(mms_ms *ms, mms_error *err);

/** Close; *ms is set to NULL.  NULL is accepted. */
MMS_API void mms_ms_close(mms_ms **ms);

/** Choose whether the tile files of array columns are read directly, where they are known (the
 *  default), or by casacore. */
MMS_API void mms_ms_use_tiles(mms_ms *ms, bool use);

MMS_API const char *mms_ms_path(const mms_ms *ms);
MMS_API int64_t mms_ms_nrow(const mms_ms *ms);

/** Return whether it is a Multi-MS: kind ConcatTable and SubType CONCATENATED. */
MMS_API bool mms_ms_is_multi(const mms_ms *ms);

/** Return the separation axis of a Multi-MS, "" if it has none or this is no Multi-MS. */
MMS_API const char *mms_ms_axis(const mms_ms *ms);

/** Members in stored order; a plain MS has one, itself.  path is borrowed. */
MMS_API int64_t mms_ms_nmember(const mms_ms *ms);
MMS_API const char *mms_ms_member_path(const mms_ms *ms, int64_t member);
MMS_API mms_rows mms_ms_member_rows(const mms_ms *ms, int64_t member);

/** Columns of the main table, those of member 0. */
MMS_API int64_t mms_ms_ncolumn(const mms_ms *ms);
MMS_API const mms_column *mms_ms_column(const mms_ms *ms, int64_t i);
MMS_API const mms_column *mms_ms_find_column(const mms_ms *ms, const char *name); /**< or NULL */

/** Return whether a column of that name is one of the MS definition's main table. */
MMS_API bool mms_is_standard_column(const char *name);

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
