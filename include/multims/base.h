/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BASE_H
#define MULTIMS_BASE_H
/** @file base.h  What every public header builds on: visibility, status, error, complex, ranges,
 * columns.
 *
 *  A function that can fail returns mms_status, writes its message into the caller's mms_error and
 * leaves its outputs NULL or zero.  What _open() or _create() gives is ended by _close() or
 * _free(), which take its address, accept NULL and leave NULL.  A pointer that is returned
 * otherwise is borrowed: it lives as long as the thing that was asked for it, unless a comment says
 * that the caller ends it.
 *
 *  Shapes are in C order, the last axis fastest: a cell of DATA is [nchan][ncorr].  Structs that
 * begin with size are filled by their _INIT macro first, so that they can grow. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MMS_API: exported by the library.  MMS_CHECKED: the compiler warns where the status is not looked
 * at. MMS_PRINTF: fmt is a format of printf for the arguments from number args on. */
#if defined(__GNUC__)
#define MMS_API               __attribute__((visibility("default")))
#define MMS_CHECKED           __attribute__((warn_unused_result))
#define MMS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define MMS_API
#define MMS_CHECKED
#define MMS_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
#include <complex>
typedef std::complex<float> mms_complex;
extern "C" {
#else
/** A visibility: real and imaginary part in single precision, as casacore's Complex. */
typedef float _Complex mms_complex;
#endif

/** CASA's numbers, or the right ones where CASA is known to be wrong.
 *  Source: docs/design/transforms.md */
typedef enum mms_numerics { MMS_NUMERICS_CASA = 0, MMS_NUMERICS_EXACT } mms_numerics;

/** Memory that is taken in pieces and given back as a whole. */
typedef struct mms_arena mms_arena;

/** What a function that can fail returns: 0, or one of these negative codes. */
typedef enum mms_status {
    MMS_OK = 0,
    MMS_ERR_ARG = -1,          /**< a parameter has a value that is not allowed */
    MMS_ERR_NOT_FOUND = -2,    /**< a file, table, column or row is not there */
    MMS_ERR_EXISTS = -3,       /**< an output is there already */
    MMS_ERR_RANGE = -4,        /**< a number lies outside what the data hold */
    MMS_ERR_SHAPE = -5,        /**< array shapes disagree */
    MMS_ERR_TABLE = -6,        /**< casacore refused */
    MMS_ERR_MEM = -7,          /**< out of memory */
    MMS_ERR_IO = -8,           /**< the operating system refused */
    MMS_ERR_SPACE = -9,        /**< the disk can't hold the output */
    MMS_ERR_EMPTY = -10,       /**< the selection matches nothing */
    MMS_ERR_SELECT = -11,      /**< a selection expression is refused */
    MMS_ERR_UNSUPPORTED = -12, /**< this version can't do that */
    MMS_ERR_WORKER = -13,      /**< a worker died or broke the protocol */
    MMS_ERR_STOPPED = -14,     /**< a stop signal arrived */
    MMS_ERR_DIFFERS = -15,     /**< verify or diff found something */
    MMS_ERR_INTERNAL = -16,    /**< our own mistake */
    MMS_ERR_LOCKED = -17       /**< another run has it: the same may succeed later */
} mms_status;

/** The message that goes with a status.  A plain struct: nothing to free.  The message names the
 * thing, the value and what to do, from the outside in: "out.mms: worker 2: in.ms: DATA: rows
 * 0~255: …". */
typedef struct mms_error {
    mms_status code; /**< what the function returned; MMS_OK before anything failed */
    char msg[1024];  /**< UTF-8, ended by a zero, cut where it is too long */
} mms_error;
#define MMS_ERROR_INIT \
    {                  \
        MMS_OK, ""     \
    }

/** A list of integers, borrowed: values[count]. */
typedef struct mms_ints {
    int64_t count;
    const int64_t *values;
} mms_ints;

/** A list of texts, borrowed: values[count], none of them NULL. */
typedef struct mms_texts {
    int64_t count;
    const char *const *values;
} mms_texts;

/** Rows [first, first + count) of a table, 0-based. */
typedef struct mms_rows {
    int64_t first, count;
} mms_rows;

/** Element types of columns, as casacore names them. */
typedef enum mms_dtype {
    MMS_DT_BOOL = 0, /**< one byte, 0 or 1 */
    MMS_DT_UCHAR,    /**< 1 byte */
    MMS_DT_SHORT,    /**< 2 bytes */
    MMS_DT_USHORT,   /**< 2 bytes, without a sign */
    MMS_DT_INT,      /**< 4 bytes */
    MMS_DT_UINT,     /**< 4 bytes, without a sign */
    MMS_DT_INT64,    /**< 8 bytes */
    MMS_DT_FLOAT,    /**< IEEE 754, 4 bytes */
    MMS_DT_DOUBLE,   /**< IEEE 754, 8 bytes */
    MMS_DT_COMPLEX,  /**< two floats */
    MMS_DT_DCOMPLEX, /**< two doubles */
    MMS_DT_STRING,   /**< a text of any length */
    MMS_DT_OTHER     /**< records; only copied, never read into buffers */
} mms_dtype;

/** Return the bytes of one element; 0 for STRING and OTHER. */
MMS_API size_t mms_dtype_size(mms_dtype dtype);

/** Return the name of an element type as messages say it, for instance "complex". */
MMS_API const char *mms_dtype_name(mms_dtype dtype);

/** Axes that a cell has at most. */
enum { MMS_MAX_DIM = 6 };

/** What a column is.  The texts are borrowed from the handle. */
typedef struct mms_column {
    const char *name;           /**< as the table has it, in capitals: "DATA" */
    mms_dtype dtype;            /**< of each element */
    bool scalar;                /**< one element a row; else a cell is an array */
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

/** Selection expressions; NULL or "" selects everything.  Source: docs/partition.md, Selections */
typedef struct mms_select {
    const char *field, *spw, *scan, *antenna, *correlation, *timerange, *intent, *array, *uvrange,
        *observation, *feed, *taql;
} mms_select;

/** How many expressions mms_select has. */
enum { MMS_SELECT_COUNT = 12 };

/** Return whether a column of that name is one of the MS definition's main table.
 *  Source: MeasurementSet definition 2.0, MAIN table */
MMS_API bool mms_is_standard_column(const char *name);

/** Write code and message into err and return code, so that a caller can say
 *  return mms_fail(err, MMS_ERR_ARG, …).  err: NULL is allowed, the message is lost then. */
MMS_API mms_status mms_fail(mms_error *err, mms_status code, const char *fmt, ...) MMS_PRINTF(3, 4);

/** Put "text: " in front of the message in err and return st unchanged; nothing is done where st is
 * MMS_OK. So each caller names the thing that it has to do with, the innermost one first. */
MMS_API mms_status mms_wrap(mms_error *err, mms_status st, const char *fmt, ...) MMS_PRINTF(3, 4);

/** Return the name of a status, for instance "NOT_FOUND". */
MMS_API const char *mms_status_name(mms_status st);

/** Return the version of the library, for instance "0.1.0". */
MMS_API const char *mms_version(void);

/** Go to done: with st set when call fails.  The one macro that hides a jump. */
#define MMS_TRY(call)                \
    do {                             \
        if ((st = (call)) != MMS_OK) \
            goto done;               \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
