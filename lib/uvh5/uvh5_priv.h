/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_PRIV_H
#define MULTIMS_UVH5_PRIV_H
/** @file uvh5_priv.h  An MS or Multi-MS as a UVH5 file.
 *
 *  blt: a baseline-time, one row of the file.  The client finds the blts, makes the file with its
 *  header, and workers write visibilities, flags and nsamples of ranges of blts at their offsets.
 */

#include "hdf5/hdf5_priv.h"
#include "ms/tally_priv.h"
#include "multims/select.h"
#include "output/request_priv.h"
#include "pipeline/record_sort_priv.h"
#include "tables/measures_priv.h"
#include "tables/tables_priv.h"
#include "values_priv.h"

enum { MMS_UVH5_MAX_POL = 12 };

/** Averages before anything is written, as mstransform has them. */
typedef struct mms_uvh5_average {
    mms_ints chanbin;     /**< empty: channels stay; one number, or one a selected spw */
    double timebin_s;     /**< 0: rows stay */
    const char *timespan; /**< boundaries that a time bin may cross */
    double maxuvwdistance_m;
} mms_uvh5_average;

/** What is asked. */
typedef struct mms_uvh5_request {
    const char *vis, *uvh5file;
    mms_select select;
    const char *datacolumn; /**< data, corrected, model, float_data */
    const char *source;     /**< vis has keys of averages alone, of that set; or NULL */
    mms_uvh5_average average;
    bool casa_order;      /**< of the polarizations */
    const char *flipconj; /**< auto, true, false */
    const char *eop;      /**< auto, none, or a file of the IERS */
    bool overwrite;
    bool gzip;      /**< flags and nsamples are shuffled and deflated, by one writer */
    int64_t beside; /**< files that are made at once, of which this is one; 0: it is alone */
    mms_how how;
} mms_uvh5_request;

/** A selected row, and the blt that has it. */
typedef struct mms_uvh5_row {
    double time_s;
    int64_t row, blt;
    int32_t ant1, ant2, field, ddid, scan, nth;
} mms_uvh5_row;

/** The rows of a unit's file of rows. */
typedef struct mms_uvh5_place {
    int64_t row, blt;
    int64_t ddid;
} mms_uvh5_place;

typedef struct mms_uvh5_blt {
    double time_s;
    int64_t start, first; /**< first row of the time stamp, and of the blt */
    int64_t place;        /**< in rows, before they are sorted by blt */
    int32_t ant1, ant2, field, scan;
} mms_uvh5_blt;

/** A spectral window: its channels stand together. */
typedef struct mms_uvh5_window {
    int32_t spw;
    int64_t id, nchan, first, count; /**< nchan of the input; first, count: in the file */
    uint8_t *chosen;                 /**< [nchan] */
} mms_uvh5_window;

/** A data description; correlation from[k] of the input is polarization to[k] of the file. */
typedef struct mms_uvh5_dd {
    bool used;
    int32_t spw, pol, window, ncorr, nkept;
    int32_t from[MMS_UVH5_MAX_POL], to[MMS_UVH5_MAX_POL], codes[MMS_UVH5_MAX_POL];
} mms_uvh5_dd;

typedef struct mms_uvh5_field {
    bool used;
    int64_t id;
    char *name;
    double lon, lat, epoch;
    const char *frame;
    mms_sky_frame sky; /**< of lon and lat as the sky is asked */
    int32_t reference; /**< casacore's frame where the sky does not know it; else -1 */
    int64_t ntime;     /**< of an ephemeris, else 0 */
    double *times_jd, *lons, *lats;
} mms_uvh5_field;

/** ANTENNA, FEED apart. */
typedef struct mms_uvh5_antennas {
    int64_t nrow, n;             /**< of the table; that are written */
    double *position_m;          /**< [nrow][3], ITRF */
    int64_t *number;             /**< [n] */
    double *relative_m, *dish_m; /**< [n][3], [n] */
    mms_value *names, *mounts;   /**< [n] */
    bool has_dish, has_mount;
} mms_uvh5_antennas;

typedef struct mms_uvh5 {
    const mms_uvh5_request *asked;
    const mms_host *host;
    bool silent; /**< nothing is told: another process does it */
    bool sample; /**< a row of each kind will do */
    const mms_hdf5_module *hdf5;
    const char *column; /**< that is asked for: DATA, … */
    mms_ms *ms;
    mms_selection *selection;
    mms_meta meta;
    /* rows */
    int64_t nrow, nblt, nused_dd;
    mms_uvh5_row *rows; /**< [nrow], by blt and data description */
    mms_uvh5_blt *blts; /**< [nblt], in the file's order */
    int32_t observation;
    /* windows */
    int64_t nwindow, nfreq, npol;
    mms_uvh5_window *windows;
    mms_uvh5_dd *dds; /**< [meta.ndd] */
    int32_t pols[MMS_UVH5_MAX_POL];
    double *freq_hz, *width_hz; /**< [nfreq] */
    int64_t *channel_id;        /**< [nfreq] */
    /* sky */
    int64_t nfield;
    mms_uvh5_field *fields; /**< by row of FIELD */
    mms_uvh5_antennas antennas;
    char *telescope, *observer;
    const char *site_source;
    double geodetic[3], itrf_m[3];
    bool from_pyuvdata; /**< the MS has pyuvdata_flip_conj: ids are in SOURCE_ID, ASSOC_SPW_ID */
    bool has_flip, flip_word;
    bool has_earth;
    /* by blt, in mms_spill_alloc() as rows and blts */
    double *jd, *uvw_m, *exposure_s, *lst, *app_ra, *app_dec, *frame_pa;
    bool negate;
    char *unit;                    /**< of the data column, or NULL */
    mms_value *extra, *convention; /**< keywords of pyuvdata, or NULL */
    int64_t nfeed;                 /**< 0: feeds are not written */
    mms_value *feeds;              /**< [antennas.n * nfeed] */
    double *feed_angle;            /**< [antennas.n * nfeed] */
    /* file */
    int64_t offsets[3]; /**< of visdata, flags, nsamples */
    int64_t absent;     /**< visibilities without a row */
} mms_uvh5;

/** Export.  result gets what was, or (how.dryrun) would be, written.
 *  Errors: those of its parts; nothing is written when it is refused. */
MMS_CHECKED mms_status mms_uvh5_export(const mms_uvh5_request *request, const mms_host *host,
                                       mms_value *result, mms_error *err);

/** Export each part of a Multi-MS to a file of its own; with how.resume those that are there stay.
 */
MMS_CHECKED mms_status mms_uvh5_export_parts(const mms_uvh5_request *request, const mms_host *host,
                                             mms_value *result, mms_error *err);

/** Whether rows or channels are averaged first. */
bool mms_uvh5_averages(const mms_uvh5_request *request);
/** Put into result what the averages of a request would make, and take while they last. */
MMS_CHECKED mms_status mms_uvh5_estimate_average(const mms_uvh5_request *request,
                                                 const mms_host *host, mms_value *result,
                                                 mms_error *err);
/** Write the averaged set without its cells to path, and what these are made by into a folder.
 *  Errors: those of mstransform. */
MMS_CHECKED mms_status mms_uvh5_average_to(const mms_uvh5_request *request, const mms_host *host,
                                           const char *path, const char *keys, mms_error *err);
/** What asks for all of that set, at path, which is borrowed, as request does for its input. */
mms_uvh5_request mms_uvh5_of_averages(const mms_uvh5_request *request, const char *path);

/** A unit of the engine: the values of a range of blts, or a part of the averaged set. */
mms_status mms_uvh5_export_unit(mms_job *job, const mms_value *order, mms_value *answer,
                                mms_error *err);

/** Everything that is known before anything is written, of u->asked and u->host.  End it with
 *  mms_uvh5_end() whatever the status.  Errors: those of its parts. */
MMS_CHECKED mms_status mms_uvh5_plan(mms_uvh5 *u, mms_error *err);
void mms_uvh5_end(mms_uvh5 *u);

/* ---- in order ---------------------------------------------------------------------------------*/

/** Read the keys of the selected rows and find the blts.  Errors: ARG several arrays. */
MMS_CHECKED mms_status mms_uvh5_find_rows(mms_uvh5 *u, mms_error *err);
/** Sort rows of mms_spill_alloc() into blts: of rows with time_s, row, ant1, ant2, field, ddid,
 * scan.  rows are sorted by blt; *blts is ended with mms_spill_free().  Errors: MEM, and those of a
 * disk where there are many. */
MMS_CHECKED mms_status mms_uvh5_sort_rows(int64_t n, mms_uvh5_row *rows, mms_uvh5_blt **blts,
                                          int64_t *nblt, mms_error *err);
/** Sort n records of part of an array of mms_spill_alloc(), whole; what does not fit in some
 * memory, by runs on the disk.  Errors: MEM, IO, SPACE. */
MMS_CHECKED mms_status mms_uvh5_sort(const void *whole, int64_t n, void *array, size_t size,
                                     mms_record_compare *compare, mms_error *err);
/** Called with each i of a pass over rows or blts: memory of those that were passed goes. */
void mms_uvh5_rest(const mms_uvh5 *u, int64_t i);
/** The first of u->rows that belongs to a blt from this one on. */
int64_t mms_uvh5_first_row(const mms_uvh5 *u, int64_t blt);
/** Windows, data descriptions, polarizations, frequencies.  Errors: ARG, SHAPE, TABLE. */
MMS_CHECKED mms_status mms_uvh5_find_windows(mms_uvh5 *u, mms_error *err);
/** Telescope, its place, the antennas.  Errors: ARG, TABLE. */
MMS_CHECKED mms_status mms_uvh5_find_antennas(mms_uvh5 *u, mms_error *err);
/** Feeds, where every antenna has one setup.  Errors: TABLE, MEM. */
MMS_CHECKED mms_status mms_uvh5_find_feeds(mms_uvh5 *u, mms_error *err);
/** Phase centres.  Errors: ARG, UNSUPPORTED, TABLE. */
MMS_CHECKED mms_status mms_uvh5_find_fields(mms_uvh5 *u, mms_error *err);
/** Times, uvw, exposures: of the first row of each blt.  Errors: ARG, TABLE. */
MMS_CHECKED mms_status mms_uvh5_find_baselines(mms_uvh5 *u, mms_error *err);
/** Where the phase centres are at each time.  Errors: ARG, TABLE. */
MMS_CHECKED mms_status mms_uvh5_find_sky(mms_uvh5 *u, mms_error *err);
/** Decide whether uvw are negated, which is done, and data conjugated, which their readers do. */
void mms_uvh5_decide_sign(mms_uvh5 *u);
/** The text of history; the caller ends it with free().  Errors: TABLE, MEM. */
MMS_CHECKED mms_status mms_uvh5_history(mms_uvh5 *u, char **out, mms_error *err);
/** List columns of the main table, and sub-tables with rows, that the file has no place for. */
void mms_uvh5_list_lost(mms_uvh5 *u, mms_value *list);
/** Make the file with its header, and room for the visibilities: offsets.  Errors: IO, SPACE. */
MMS_CHECKED mms_status mms_uvh5_write_header(mms_uvh5 *u, const char *path, mms_error *err);

/** How many there are in rows. */
typedef struct mms_uvh5_counts {
    int64_t times, baselines, antennas; /**< baselines in their direction */
} mms_uvh5_counts;
/** What has been seen of rows; start with {0}, end with mms_uvh5_counter_end(). */
typedef struct mms_uvh5_counter {
    mms_tally times, baselines, antennas;
} mms_uvh5_counter;
/** Take a row.  Errors: MEM. */
MMS_CHECKED mms_status mms_uvh5_count_row(mms_uvh5_counter *counter, double jd, int64_t ant1,
                                          int64_t ant2, mms_error *err);
mms_uvh5_counts mms_uvh5_counter_end(mms_uvh5_counter *counter);

/** Warn of auto-correlations that are not real, of the file that has them now.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_uvh5_tell_autos(const mms_uvh5 *u, const char *file, mms_error *err);

/** Orientation of the Earth, from casacore's tables or a file. */
typedef struct mms_uvh5_earth {
    int64_t mjd;
    bool valid, known;
    mms_earth_day days[2];
    int64_t first, n; /**< MJD and number of days of a file */
    mms_earth_day *table;
} mms_uvh5_earth;
/** eop: auto, none, or a file in the form of finals2000A.  Errors: ARG, NOT_FOUND the file. */
MMS_CHECKED mms_status mms_uvh5_earth_open(const char *eop, mms_uvh5_earth *earth, mms_error *err);
void mms_uvh5_earth_close(mms_uvh5_earth *earth);
/** Find a day; earth->known: whether it is known. */
MMS_CHECKED mms_status mms_uvh5_earth_day(mms_uvh5_earth *earth, double jd, mms_error *err);
/** Give sky the orientation of its time; 0 where it is not known. */
MMS_CHECKED mms_status mms_uvh5_orient(mms_uvh5_earth *earth, mms_sky *sky, mms_error *err);

/** Tell what is worth it. */
#define MMS_UVH5_TELL(u, level, ...)                      \
    do {                                                  \
        if (!(u)->silent)                                 \
            mms_log(level, (u)->host->task, __VA_ARGS__); \
    } while (0)

/* ---- what they share --------------------------------------------------------------------------*/

/** Open a sub-table.  Errors: NOT_FOUND, TABLE. */
MMS_CHECKED mms_status mms_uvh5_open_table(mms_uvh5 *u, const char *name, mms_table **out,
                                           mms_error *err);
/** A cell as n numbers.  Errors: SHAPE other than n of them; TABLE. */
MMS_CHECKED mms_status mms_uvh5_cell_doubles(mms_table *table, const char *column, int64_t row,
                                             int64_t n, double *out, mms_error *err);
/** A cell of text, "" where there is no such column; the caller ends it with free(). */
MMS_CHECKED mms_status mms_uvh5_cell_text(mms_table *table, const char *column, int64_t row,
                                          char **out, mms_error *err);
MMS_CHECKED mms_status mms_uvh5_no_memory(const mms_uvh5 *u, mms_error *err);

#endif
