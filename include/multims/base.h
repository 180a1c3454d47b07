/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BASE_H
#define MULTIMS_BASE_H
/** @file base.h  What every public header builds on: visibility, status, error, complex, ranges. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
typedef float _Complex mms_complex;
#endif

/** CASA's numbers, or the right ones where CASA is known to be wrong. */
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
    MMS_ERR_INTERNAL = -16     /**< our own mistake */
} mms_status;

/** The message that goes with a status.  A plain struct: nothing to free. */
typedef struct mms_error {
    mms_status code;
    char msg[1024];
} mms_error;
#define MMS_ERROR_INIT \
    {                  \
        MMS_OK, ""     \
    }

/** A list of integers, borrowed. */
typedef struct mms_ints {
    int64_t count;
    const int64_t *values;
} mms_ints;

/** A list of texts, borrowed. */
typedef struct mms_texts {
    int64_t count;
    const char *const *values;
} mms_texts;

/** Rows [first, first + count) of a table, 0-based. */
typedef struct mms_rows {
    int64_t first, count;
} mms_rows;

/** Write code and message into err (NULL is allowed) and return code. */
MMS_API mms_status mms_fail(mms_error *err, mms_status code, const char *fmt, ...) MMS_PRINTF(3, 4);

/** Put "text: " in front of the message in err and return st unchanged. */
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
