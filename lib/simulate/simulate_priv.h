/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SIMULATE_PRIV_H
#define MULTIMS_SIMULATE_PRIV_H
/** @file simulate_priv.h  What the parts of the simulator share. */

#include <jansson.h>

#include "base/base_priv.h"
#include "multims/simulate.h"
#include "tables/tables_priv.h"

enum { SIM_MAX_CORR = 4 };

/** One polarization setup: Stokes codes of casacore. */
struct sim_setup {
    int32_t ncorr;
    int32_t corr[SIM_MAX_CORR];
};

/** The request, taken apart and checked. */
struct sim {
    mms_simulate_opts o;
    int32_t nant, nscan, nfield, nspw, nint;
    int32_t nsetup, ndd, nstate;
    struct sim_setup *setups; /* [nsetup] */
    char **states;            /* [nstate] */
    bool *missing;            /* [nscan][nspw] */
    int32_t nbaseline;
    int32_t *ant1, *ant2;                          /* [nbaseline] */
    double *position;                              /* [nant][3], m, ITRF */
    double line_rest_hz, line_m_s, line_width_m_s; /* 0: no line, at rest, four channels */
    double *line_hz; /* [nscan][nint], where the line is seen; NULL: none */
    int64_t nrow;
};

/** Check opts and fill sim; end it with sim_free() whatever the status.  Errors: ARG, RANGE, MEM.
 */
MMS_CHECKED mms_status sim_init(struct sim *sim, const mms_simulate_opts *opts, mms_error *err);
void sim_free(struct sim *sim);

/** Cell shape of a DD. */
int64_t sim_nchan(const struct sim *sim, int32_t dd);
int32_t sim_ncorr(const struct sim *sim, int32_t dd);
bool sim_same_shape(const struct sim *sim);

/** One row of the main table. */
struct sim_row {
    int64_t row;
    int32_t scan, integration, dd, baseline; /* 0-based */
};

/** Whether its scan has its spw. */
bool sim_has_rows(const struct sim *sim, const struct sim_row *row);
/** Set row to the first one; false when there is none. */
bool sim_first(const struct sim *sim, struct sim_row *row);
/** Step to the next one; false after the last. */
bool sim_next(const struct sim *sim, struct sim_row *row);

/** Middle of an integration, MJD seconds. */
double sim_time(const struct sim *sim, int32_t scan, int32_t integration);
/** Right ascension and declination of a field. */
void sim_direction(int32_t field, double dir_rad[2]);
/** Read the spectral line that is asked for, and find where it is seen in each integration.
 *  Errors: ARG; those of measures; MEM. */
MMS_CHECKED mms_status sim_read_line(struct sim *sim, mms_error *err);
MMS_CHECKED mms_status sim_find_line(struct sim *sim, mms_error *err);
/** Height of the line in the nchan channels of a row. */
void sim_line(const struct sim *sim, const struct sim_row *row, int64_t nchan, float *out);

/** Frequency of a spw's first channel; the spws follow each other. */
double sim_start_freq_hz(const struct sim *sim, int32_t spw);

/** Values of columns for n rows of one cell shape; out has the column's type. */
typedef void sim_fill(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out);

enum sim_cell { SIM_SCALAR, SIM_UVW, SIM_CORR, SIM_CHAN_CORR };

/** What kind of column it is, for the choice of its storage manager. */
enum sim_class { SIM_SLOW, SIM_FAST, SIM_VIS, SIM_FLAG, SIM_WEIGHT, SIM_SPECTRUM, SIM_PLACE };

struct sim_column {
    const char *name;
    enum sim_class kind;
    enum sim_cell cell;
    mms_dtype dtype;
    size_t switch_offset; /* of the bool in mms_simulate_opts; 0: required column */
    sim_fill *fill;
};

/** The columns of the main table that are written, ended by a NULL name. */
extern const struct sim_column sim_columns[];
bool sim_has_column(const struct sim *sim, const struct sim_column *column);
int64_t sim_cell_size(const struct sim *sim, const struct sim_column *column, int32_t dd);

/** Check the layout and tiles asked for.
 *  Errors: ARG unknown layout, unequal shapes where a layout needs equal ones, bad tiles. */
MMS_CHECKED mms_status sim_check_layout(const struct sim *sim, mms_error *err);

/** Storage managers of the main table as mms_table_create_standard() takes them.
 *  Errors: MEM. */
MMS_CHECKED mms_status sim_layout(const struct sim *sim, mms_value **managers, mms_error *err);

/** Bytes that partly used tiles may add. */
int64_t sim_layout_slack(const struct sim *sim);

/** Write the rows of the main table, which is empty. */
MMS_CHECKED mms_status sim_write_main(const struct sim *sim, mms_table *main, mms_error *err);

/** Make the sub-tables below the main table's folder and link them. */
MMS_CHECKED mms_status sim_write_subtables(const struct sim *sim, mms_table *main, mms_error *err);

#endif
