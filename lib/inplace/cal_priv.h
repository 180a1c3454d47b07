/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CAL_PRIV_H
#define MULTIMS_CAL_PRIV_H
/** @file cal_priv.h  CASA's calibration tables, as applycal uses them. */

#include "calibrate/calibrate.h"
#include "change_priv.h"

/** Ids of the set. */
typedef struct mms_cal_ids {
    bool all;
    int64_t n;
    int32_t *ids; /**< [n] */
} mms_cal_ids;

/** How a table is to be used; at the border between processes it is JSON. */
typedef struct mms_cal_use {
    bool nearest; /**< in time */
    mms_cal_freq freq;
    bool calwt;
    bool nearest_field; /**< solutions of the field that is nearest on the sky */
    bool per_observation;
    bool phase_delay; /**< phases are those of a frequency, and grow with it */
    mms_cal_ids observations, states, set_fields,
        spws;   /**< whose rows a line of a cal library has */
    bool lined; /**< by a cal library, where the last of spwmap is that of the windows behind it */
    int64_t nspwmap, nfield, nfldmap;
    int32_t *spwmap; /**< [nspwmap]: a window of the set's in the table; none: itself */
    int32_t *fields; /**< [nfield] of the table; none: all */
    int32_t *fldmap; /**< [nfldmap]: a field of the set's in the table */
} mms_cal_use;

/** An open table: solutions by window, field (if it matters), antenna and time. */
typedef struct mms_cal_table mms_cal_table;

/** Read a table and how it is used.  use: {"path", "interp", "calwt", "spwmap", "field", "fldmap"};
 *  interp is "time,freq", field a list of ids and names, "nearest" or "", and a list fldmap has the
 *  table's field for each of the set's; "covers" as mms_cal_lines_find() makes it.
 *  @param field_table  of the set, for the nearest field
 *  Errors: NOT_FOUND, TABLE; UNSUPPORTED naming its type; ARG interp, spwmap, field. */
MMS_CHECKED mms_status mms_cal_table_open(const mms_value *use, const char *field_table,
                                          mms_cal_table **out, mms_error *err);
void mms_cal_table_close(mms_cal_table **table);

mms_cal_kind mms_cal_table_kind(const mms_cal_table *table);
const mms_cal_use *mms_cal_table_use(const mms_cal_table *table);
bool mms_cal_table_is_real(const mms_cal_table *table);
int32_t mms_cal_table_npar(const mms_cal_table *table);

/** What rows have that a line of a cal library may choose by; observation and state < 0: any. */
typedef struct mms_cal_row {
    int32_t observation, field, state, spw;
} mms_cal_row;

/** Whether it is for these rows; others pass through it. */
bool mms_cal_table_covers(const mms_cal_table *table, const mms_cal_row *row);

/** Whether its weights count: those of delays and leakages are none. */
bool mms_cal_table_weighs(const mms_cal_table *table);

/** The window of the table that a window of the set takes. */
int32_t mms_cal_table_spw(const mms_cal_table *table, int32_t spw);

/** The channels of a window of the table; 0 when it has none. */
int64_t mms_cal_table_channels(const mms_cal_table *table, int32_t spw, const double **freq_hz);

/** Whether there are solutions of any antenna for a window and field of the set. */
bool mms_cal_table_has(const mms_cal_table *table, int32_t spw, int32_t field);

/** The solutions of an antenna for a window and field of the set, in order of time; 0: none. */
int64_t mms_cal_table_find(const mms_cal_table *table, int32_t spw, int32_t field, int32_t antenna,
                           const mms_cal_solution **solutions);

/** How many values a solution that was found has. */
int64_t mms_cal_table_values(const mms_cal_table *table, const mms_cal_solution *solution);

/* ---- what the client asks ---------------------------------------------------------------------*/

/** Find what lines of a cal library are for: each of uses with "rows" (mms_select_value()) or
 *  "fldmap" gains "covers": {"observations", "fields", "states", "spws"}, ids of the set, of which
 * those that are not there are all.  Errors: ARG two lines of a table for the same rows; SELECT.
 *  Those of a library have a number, "line". */
MMS_CHECKED mms_status mms_cal_lines_find(const mms_change *change, mms_value *uses,
                                          mms_error *err);

/** How the products of a data description stand to the parameters.  Errors: UNSUPPORTED naming a
 *  product that can't be calibrated. */
MMS_CHECKED mms_status mms_cal_products(const mms_flag_window *window, mms_cal_product *products,
                                        bool *linear, mms_error *err);

#endif
