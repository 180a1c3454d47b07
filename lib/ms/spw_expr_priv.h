/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SPW_EXPR_PRIV_H
#define MULTIMS_SPW_EXPR_PRIV_H
/** @file spw_expr_priv.h  What expressions say before MSSelection sees them.
 *
 *  The forms that MSSelection reads wrongly (names with '-', regular expressions, frequencies
 * beyond 32 bits, channels that don't exist, …) become ids and plain ranges; what is not understood
 * here is handed over as it is, and MSSelection says what is wrong with it.  Source:
 * parallel-tasks 5.3, 5.7. */

#include "base/base_priv.h"
#include "multims/select.h"
#include "tables/reading_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A row of SPECTRAL_WINDOW. */
typedef struct mms_window {
    char *name;
    int32_t nchan;
    double ref_hz;
    double *freq_hz, *width_hz; /**< [nchan] */
} mms_window;

/** SPECTRAL_WINDOW. */
typedef struct mms_windows {
    int64_t n;
    mms_window *windows;
    bool all_rows; /**< mms_has_all_rows() */
} mms_windows;

/** Read SPECTRAL_WINDOW of an MS; end it with mms_windows_free(). */
MMS_CHECKED mms_status mms_windows_read(const mms_ms *ms, mms_windows *out, mms_error *err);
void mms_windows_free(mms_windows *windows);

/** Whether FLAG_ROW of a sub-table is there and nowhere set: MSSelection leaves out rows that it
 *  flags. */
bool mms_has_all_rows(mms_table *table);

/** An spw expression; end it with mms_spw_expr_free(). */
typedef struct mms_spw_expr {
    char *text;             /**< for MSSelection */
    char *refusal;          /**< why it is refused even where MSSelection accepts text, or NULL */
    bool resolved;          /**< channels hold what it selects; else MSSelection knows it */
    int64_t nchannel;       /**< number of ranges */
    mms_channels *channels; /**< ranges in the order of the expression, equal ones once */
    mms_text warnings;      /**< lines, each once and ended by a line break */
} mms_spw_expr;

/** Read an spw expression.
 *  Errors: SELECT with the reason alone; MEM. */
MMS_CHECKED mms_status mms_spw_expr_read(const char *text, const mms_windows *windows,
                                         mms_spw_expr *out, mms_error *err);
void mms_spw_expr_free(mms_spw_expr *expr);

/** Return the end of the number at text, or text when there is none. */
const char *mms_number_end(const char *text);

/** Write a uvrange expression as MSSelection evaluates it rightly: "100m:5%" is "95~105m".
 *  @param[out] out  the caller ends it with free()
 *  Errors: SELECT with the reason alone: a single value, a reversed range; MEM. */
MMS_CHECKED mms_status mms_uvrange_read(const char *text, char **out, mms_error *err);

/** Whether a list of ids has a range without an end, or numbers beyond those that casacore's lists
 *  of such ranges hold. */
bool mms_id_expr_is_long(const char *text);

/** Write a list of ids (scans, arrays, observations) with ranges that end with the largest id that
 *  occurs: ">1500" is "1501~3000", or "1501" where nothing is beyond 1500.
 *  @param[out] out  the caller ends it with free()
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_id_expr_read(const char *text, int64_t most, char **out, mms_error *err);

/** Find the largest id of a column of the main table, at least the last row of the sub-table (NULL:
 *  none).  Errors: TABLE, MEM. */
MMS_CHECKED mms_status mms_largest_id(mms_ms *ms, const char *column, const char *table,
                                      int64_t *most, mms_error *err);

/** Quote an antenna expression that is, as a whole, the name of an antenna and no word: DA 41.
 *  @param[out] out  NULL where it stays; the caller ends it with free()
 *  Errors: TABLE, MEM. */
MMS_CHECKED mms_status mms_antenna_expr_read(const mms_ms *ms, const char *text, char **out,
                                             mms_error *err);

/** Write MJD seconds as YYYY/MM/DD/hh:mm:ss.s */
void mms_write_time(double mjd_s, char *out, size_t size);

/** Return what a user should know about a timerange, as lines ended by line breaks: two fields are
 *  minutes and seconds; a time of day was taken from the data.
 *  @param times  times[n][3] as MSSelection resolved them; the caller ends the text with free() */
char *mms_timerange_warnings(const char *text, int64_t n, const double *times);

#ifdef __cplusplus
}
#endif
#endif
