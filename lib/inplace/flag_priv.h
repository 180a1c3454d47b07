/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FLAG_PRIV_H
#define MULTIMS_FLAG_PRIV_H
/** @file flag_priv.h  Flag commands on the rows of a set: commands, chunks, counts. */

#include <jansson.h>

#include "flag/flag.h"
#include "inplace.h"
#include "multims/select.h"
#include "tables/tables_priv.h"

/* ---- windows ----------------------------------------------------------------------------------*/

/** A data description. */
typedef struct mms_flag_window {
    int32_t spw, nchan, ncorr;
    const char *names[8]; /**< of the correlations */
} mms_flag_window;

/** What a set is made of, as far as flagging asks. */
typedef struct mms_flag_set {
    mms_ms *ms;
    int64_t nwindow, nantenna;
    mms_flag_window *windows;                  /**< [nwindow], by DDID */
    mms_value *antennas, *fields, *processors; /**< JSON arrays: names, names, types */
    double (*positions)[3];                    /**< [nantenna], ITRF in m */
    double *diameters;                         /**< [nantenna], m */
    char *field_table;                         /**< path */
    int64_t ntable;
    mms_table *tables[6]; /**< [ntable]: sub-tables, open */
} mms_flag_set;

/** Read the sub-tables of ms.  Errors: NOT_FOUND, TABLE, MEM, RANGE. */
MMS_CHECKED mms_status mms_flag_set_open(mms_ms *ms, mms_flag_set *set, mms_error *err);
void mms_flag_set_close(mms_flag_set *set);

/* ---- commands ---------------------------------------------------------------------------------*/

typedef enum mms_flag_mode {
    MMS_FLAG_MANUAL = 0,
    MMS_FLAG_UNFLAG,
    MMS_FLAG_CLIP,
    MMS_FLAG_QUACK,
    MMS_FLAG_SHADOW,
    MMS_FLAG_ELEVATION,
    MMS_FLAG_TFCROP,
    MMS_FLAG_RFLAG,
    MMS_FLAG_ANTINT,
    MMS_FLAG_EXTEND,
    MMS_FLAG_SUMMARY
} mms_flag_mode;

/** What a command touches of a window. */
typedef struct mms_flag_cut {
    bool known;
    uint8_t *channel, *corr; /**< [nchan], [ncorr]: 1 is selected */
    int32_t nchan, ncorr;    /**< how many are */
} mms_flag_cut;

/** One command.  Its texts are borrowed from value. */
typedef struct mms_flag_command {
    const mms_value *value;
    mms_flag_mode mode;
    mms_selection *selection;     /**< NULL: it was found, or it is automatic */
    const mms_channels *channels; /**< that are named, [nchannel]; none: all */
    int64_t nchannel;
    mms_channels *found_channels;
    mms_flag_cut *cuts; /**< [nwindow] */
    bool cuts_rows;     /**< neither spw nor correlation: FLAG_ROW follows */
    bool automatic;     /**< the extend behind tfcrop and rflag: the rows of the run */
    uint8_t *mask;      /**< bits: the rows of the unit that it selects */
    mms_flag_expression expression;
    const char *column; /**< as the user named it, in capitals: "DATA", "RESIDUAL", … */
    mms_flag_clip clip;
    mms_flag_quack quack;
    double interval_s;
    bool increment, calculate, autocorr;
    mms_flag_tfcrop tfcrop;
    mms_flag_rflag rflag;
    double timedevscale, freqdevscale;
    mms_flag_sums
        sums;  /**< rflag: of a chunk that is done in pieces; without arrays: it is whole */
    bool said; /**< rflag: the sums of that chunk are in the answer */
    mms_flag_extend extend;
    double tolerance_m, lower_deg, upper_deg, minchanfrac;
    int32_t ref_antenna;
    double timebin_s;  /**< 0: no average */
    int32_t *chanbins; /**< [nwindow], NULL: neither time nor channels are averaged */
    int64_t nscan;     /**< quack: bounds by scan */
    struct mms_flag_bounds *scans;
} mms_flag_command;

typedef struct mms_flag_bounds {
    int32_t scan;
    double first_s, last_s;
} mms_flag_bounds;

/** What a command selects in a plain set of few rows. */
typedef struct mms_flag_found {
    int64_t nrow;        /**< how many it are */
    char *rows;          /**< bits, two digits a byte */
    mms_value *channels; /**< that it names: [[spw, first, last], …] */
} mms_flag_found;

/** Read a command's parameters and its selection.
 *  @param channels  NULL: the selection is parsed; else those that were found
 *  @param[out] problem  why it can't be used, to be ended with free(); else NULL
 *  Errors: ARG, SELECT, TABLE, MEM. */
MMS_CHECKED mms_status mms_flag_command_open(mms_flag_set *set, const mms_value *value,
                                             const mms_value *channels, mms_flag_command *out,
                                             char **problem, mms_error *err);
void mms_flag_command_close(mms_flag_command *c, int64_t nwindow);

/** Whether what a command selects can be told to the one worker that does it. */
bool mms_flag_can_find(const mms_ms *ms, const mms_flag_command *command);
/** Find it; end it with mms_flag_free_found() whatever the status. */
MMS_CHECKED mms_status mms_flag_find(mms_ms *ms, const mms_flag_command *command,
                                     mms_flag_found *found, mms_error *err);
void mms_flag_free_found(mms_flag_found *found);
/** In the worker.  Errors: MEM, INTERNAL. */
MMS_CHECKED mms_status mms_flag_found_rows(const char *rows, int64_t nrow, uint8_t **bits,
                                           mms_error *err);
MMS_CHECKED mms_status mms_flag_found_channels(const mms_value *channels, mms_flag_command *command,
                                               mms_error *err);

/** The cut of a window, made when it is asked for.  Errors: MEM. */
MMS_CHECKED mms_status mms_flag_command_cut(const mms_flag_set *set, mms_flag_command *c,
                                            int32_t ddid, mms_flag_cut **out, mms_error *err);

/** Whether it must see all rows of a chunk at once. */
bool mms_flag_command_needs_chunks(const mms_flag_command *c);

/** Whether it changes flags. */
bool mms_flag_command_writes(const mms_flag_command *c);

/* ---- rows and chunks --------------------------------------------------------------------------*/

/** The rows that a unit has, and what tells them apart. */
typedef struct mms_flag_rows {
    int64_t n, nrange;
    mms_rows *ranges; /**< of the set; ascending */
    int32_t *antenna1, *antenna2, *scan, *field, *ddid, *array, *observation,
        *processor;                      /**< [n] */
    uint8_t *flag_row, *flag_row_before; /**< [n]: read before anything is written, written last */
    double *time_s, *centroid_s, *uvw_m; /**< [n], [n], [n][3]; the last two where shadow asks */
} mms_flag_rows;

/** Rows of one window, in the order TIME, ANTENNA1, ANTENNA2 where the commands need chunks. */
typedef struct mms_flag_chunk {
    int64_t nrow;
    int64_t *rows; /**< places in mms_flag_rows */
    int32_t ddid, nchan, ncorr;
    int64_t cell;           /**< nchan * ncorr */
    uint8_t *flag, *before; /**< [nrow][nchan][ncorr]; before the commands */
    bool any, touched;      /**< a flag was set before; flags may have been changed since */
    uint8_t *flag_row;      /**< [nrow] */
    mms_complex *vis;       /**< of column; NULL column: none is read */
    const char *column;
    int64_t flag_room, before_room, row_room, vis_room; /**< of flag, before, flag_row, vis */
} mms_flag_chunk;

/** Flags between two passes over the rows of a chunk, which need not stay in memory. */
typedef struct mms_flag_between mms_flag_between;

/** For rows[nrow], in any order, of so many cells each.  Errors: MEM. */
MMS_CHECKED mms_status mms_flag_between_open(int64_t nrow, const int64_t *rows, int64_t cell,
                                             mms_flag_between **out, mms_error *err);
void mms_flag_between_close(mms_flag_between **between);
/** Keep the flags of some of the rows, and give them back. */
void mms_flag_between_put(mms_flag_between *between, const mms_flag_chunk *k);
void mms_flag_between_take(const mms_flag_between *between, mms_flag_chunk *k);

/** All that a unit has. */
typedef struct mms_flag_work {
    mms_job *job;
    mms_flag_set set;
    mms_flag_rows rows;
    int64_t ncommand;
    mms_flag_command *commands;
    uint8_t *run_mask; /**< bits: the rows of the run; NULL: all */
    bool chunks, combinescans;
    bool warned;           /**< of memory */
    bool centroids_ascend; /**< of a chunk: with its times, one each */
    bool sums_alone;       /**< of a chunk that is done in pieces: nothing is flagged yet */
    int64_t first, end; /**< commands of this pass over a chunk that is done in pieces; else all */
    mms_flag_between *between; /**< flags between such passes; NULL: there is one */
    int64_t chunk_row;         /**< the first row of the chunk, whatever its pieces */
    double ntime_s;
    int64_t memory, threads, changed_rows, changed_row_flags, selected_rows;
    mms_flag_chunk spare;            /**< arrays for the next chunk */
    struct mms_flag_stage *stage;    /**< takes what is to be written; NULL: nothing is */
    struct mms_flag_counts **counts; /**< [ncommand]: summary */
    mms_value *rflag;                /**< what rflag calculated: JSON */
    struct mms_fields *directions;   /**< elevation, shadow */
} mms_flag_work;

/** In a function for qsort(): return the order of a and b, unless they are the same. */
#define MMS_COMPARE(a, b)              \
    do {                               \
        if ((a) != (b))                \
            return (a) < (b) ? -1 : 1; \
    } while (0)

static inline bool mms_flag_bit(const uint8_t *bits, int64_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
}

/** Read a data column of a chunk as complex numbers into chunk->vis, unless it is there. */
MMS_CHECKED mms_status mms_flag_chunk_values(mms_flag_work *w, mms_flag_chunk *chunk,
                                             const char *column, mms_error *err);

/** Take the rows of a unit's members, JSON [number, …]: rows.ranges, end it with free(), and n. */
MMS_CHECKED mms_status mms_flag_take_members(mms_flag_work *w, const mms_value *members,
                                             mms_error *err);

/** Where a row of the unit is in the set. */
int64_t mms_flag_row_of_set(const mms_flag_rows *rows, int64_t row);

/** Do a command, on a chunk that is averaged or needs not be. */
MMS_CHECKED mms_status mms_flag_chunk_do(mms_flag_work *w, mms_flag_command *c,
                                         const mms_flag_cut *cut, mms_flag_chunk *k,
                                         mms_error *err);
/** Do all commands of a run on the averages of a chunk that one of them asks for. */
MMS_CHECKED mms_status mms_flag_chunk_averaged(mms_flag_work *w, mms_flag_command *asks,
                                               mms_flag_chunk *k, mms_error *err);

/** Which rows of a chunk, found[nrow], are shadowed, or too low or high. */
MMS_CHECKED mms_status mms_flag_chunk_shadow(mms_flag_work *w, mms_flag_command *c,
                                             mms_flag_chunk *k, uint8_t *found, mms_error *err);
MMS_CHECKED mms_status mms_flag_chunk_elevation(mms_flag_work *w, mms_flag_command *c,
                                                mms_flag_chunk *k, uint8_t *found, mms_error *err);

/** Do one command on a chunk. */
MMS_CHECKED mms_status mms_flag_chunk_apply(mms_flag_work *w, mms_flag_command *c,
                                            mms_flag_chunk *chunk, mms_error *err);

/** tfcrop, rflag; extend: on the maps of the chunk. */
MMS_CHECKED mms_status mms_flag_chunk_values_command(mms_flag_work *w, mms_flag_command *c,
                                                     const mms_flag_cut *cut, mms_flag_chunk *chunk,
                                                     mms_error *err);
MMS_CHECKED mms_status mms_flag_chunk_extend(mms_flag_work *w, mms_flag_command *c,
                                             const mms_flag_cut *cut, mms_flag_chunk *chunk,
                                             mms_error *err);
/** Find the rows that antint flags: found[nrow]. */
MMS_CHECKED mms_status mms_flag_chunk_antint(mms_flag_work *w, mms_flag_command *c,
                                             mms_flag_chunk *chunk, uint8_t *found, mms_error *err);

/** Read cells of the chunk's rows in its order: data[nrow][bytes]. */
MMS_CHECKED mms_status mms_flag_chunk_read(mms_flag_work *w, const mms_flag_chunk *chunk,
                                           const char *column, int64_t nvalue, size_t bytes,
                                           void *data, mms_error *err);

/** Sums of n channels; end them with mms_flag_sums_close(), whatever the status. */
MMS_CHECKED mms_status mms_flag_sums_open(int64_t nchan, mms_flag_sums *sums, mms_error *err);
void mms_flag_sums_close(mms_flag_sums *sums);

/* ---- what is to be written --------------------------------------------------------------------
 * No part is opened while another is written: changed rows go to a file first. */

typedef struct mms_flag_stage mms_flag_stage;

MMS_CHECKED mms_status mms_flag_stage_open(const char *path, mms_flag_stage **out, mms_error *err);
/** Add a row of the set: flags[nchan][ncorr]; or its FLAG_ROW, with nchan 0. */
MMS_CHECKED mms_status mms_flag_stage_add(mms_flag_stage *stage, int64_t row, int32_t nchan,
                                          int32_t ncorr, const uint8_t *flags, mms_error *err);
MMS_CHECKED mms_status mms_flag_stage_close(mms_flag_stage **stage, mms_error *err);

/** Write the rows of a file into the parts: JSON [[path, first row, rows], …]. */
MMS_CHECKED mms_status mms_flag_stage_write(mms_job *job, const char *path, const mms_value *parts,
                                            bool tiles, mms_error *err);

/* ---- summary ----------------------------------------------------------------------------------*/

typedef struct mms_flag_counts mms_flag_counts;

MMS_CHECKED mms_status mms_flag_count(mms_flag_work *w, mms_flag_command *c, mms_flag_counts **to,
                                      const mms_flag_chunk *chunk, mms_error *err);
/** New reference to {"": {…}} or {field: {…}}, kinds and names as in the report.  Nothing may be
 * added to counts any more. */
mms_value *mms_flag_counts_value(const mms_flag_set *set, mms_flag_counts *counts);
void mms_flag_counts_free(mms_flag_counts **counts);
/** Add *from, which may be NULL, to *into; *from is taken.  Errors: MEM. */
MMS_CHECKED mms_status mms_flag_counts_take(mms_flag_counts **into, mms_flag_counts **from,
                                            mms_error *err);

/** Add the leaves of from to into, both as above. */
void mms_flag_counts_add(mms_value *into, const mms_value *from);

/** The report of a command from the sum of its counts; new reference. */
mms_value *mms_flag_report(const mms_value *command, const mms_value *counts);

#endif
