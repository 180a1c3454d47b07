/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_IMPORT_PRIV_H
#define MULTIMS_UVH5_IMPORT_PRIV_H
/** @file import_priv.h  A UVH5 file as an MS: its header, read and checked, and what is made of it.
 */

#include "ms/block.h"
#include "uvh5_priv.h"

/** What is asked. */
typedef struct mms_uvh5_import_request {
    const char *uvh5file, *vis;
    bool flipconj;   /**< uvw are negated and data conjugated, as pyuvdata does */
    bool keepabsent; /**< rows of padding, too */
    bool zenith;     /**< what is unprojected is phased to the zenith at the first time */
    bool overwrite;
    bool createmms; /**< as partition has it, and what follows */
    const char *separationaxis;
    int64_t numsubms;
    mms_layout layout;
    bool flagbackup;
    mms_how how; /**< memory: bytes that values of a worker may take */
} mms_uvh5_import_request;

/** An entry of phase_center_catalog. */
typedef struct mms_uvh5_source {
    int64_t id;
    char *name, *type, *frame; /**< cat_type: sidereal, ephem, unprojected, … */
    const char *reference;     /**< of the MS: J2000, …; NULL: it has none */
    double epoch, lon, lat;
    int64_t ntime; /**< of an ephemeris, else 0 */
    double *times_jd, *lons, *lats;
} mms_uvh5_source;

/** A spectral window; its channels stand together. */
typedef struct mms_uvh5_span {
    int64_t id, first, count;
    int32_t setup; /**< row of POLARIZATION */
} mms_uvh5_span;

/** A row of the MS: a window of a baseline-time. */
typedef struct mms_uvh5_cell {
    int64_t blt;
    int32_t scan, window;
} mms_uvh5_cell;

/** The same in the file of a part's rows, with what its scalars are made of. */
typedef struct mms_uvh5_row_in {
    int64_t blt;
    double time_s, exposure_s, uvw_m[3];
    int32_t ant1, ant2, field, scan, window, spare;
} mms_uvh5_row_in;

/** An open file with its header. */
typedef struct mms_uvh5_in {
    const char *path;
    const mms_hdf5_module *hdf5;
    mms_h5 *file;
    bool old_shape; /**< four axes, the second of length 1 */
    bool wide;      /**< visdata are f8 */
    int64_t flag_bytes;
    int64_t nblt, nfreq, npol, nspw, nant, nfield, nrow_ant;
    int64_t memory; /**< bytes that values may take, 0: as many as are of use */
    /* by baseline-time, in mms_spill_alloc(); NULL where only the header is read */
    double *time_jd, *uvw_m, *exposure_s; /**< [nblt], uvw [nblt][3] */
    int64_t *ant1, *ant2, *field, *scan;  /**< [nblt]; field: row of fields */
    bool has_catalogue;
    double *freq_hz, *width_hz;     /**< [nfreq] */
    mms_uvh5_span *spans;           /**< [nspw] */
    int32_t corr[MMS_UVH5_MAX_POL]; /**< correlation types of the MS, CASA's order */
    int32_t from[MMS_UVH5_MAX_POL]; /**< polarization of the file */
    int32_t nsetup, setups[64];     /**< of one polarization a window: their types */
    int64_t *number;                /**< [nant] */
    double *position_m, *dish_m;    /**< ITRF [nant][3]; [nant], or NULL */
    mms_value *names, *mounts;      /**< [nant]; mounts may be NULL */
    mms_uvh5_source *fields;        /**< [nfield] */
    double geodetic[3], itrf_m[3];
    mms_value *telescope, *history, *unit, *observer; /**< texts */
    mms_value *extra;                                 /**< extra_keywords, an object */
    mms_value *convention;                            /**< pol_convention, or NULL */
    int64_t nfeed;                                    /**< 0: not known */
    mms_value *feeds;                                 /**< [nant * nfeed], or NULL */
    double *feed_angle;                               /**< [nant * nfeed], or NULL */
    mms_value *lost; /**< texts: what the file has that an MS has no place for */
    bool conjugates;
    bool flipped;    /**< uvw had the other sign: visdata are to be conjugated as they are read */
    uint8_t *turned; /**< [nfield]: was unprojected, uvw are new; NULL: none */
} mms_uvh5_in;

/** Let another process, with limits of time and memory, open the file and read its header: libhdf5
 *  may crash or hang on it.  For the client, before anything else reads the file.  Errors: those of
 *  mms_uvh5_in_open(); IO libhdf5 crashes or takes too long; STOPPED. */
MMS_CHECKED mms_status mms_uvh5_in_try(const char *path, mms_error *err);
/** Open a file and read its header.  Errors: TABLE no UVH5, or contradicting itself; UNSUPPORTED
 *  what an MS cannot hold; NOT_FOUND, IO, MEM.  End it with mms_uvh5_in_end() whatever the status.
 */
MMS_CHECKED mms_status mms_uvh5_in_open(const char *path, mms_uvh5_in *in, mms_error *err);
/** The same without what there is of each baseline-time. */
MMS_CHECKED mms_status mms_uvh5_in_open_header(const char *path, mms_uvh5_in *in, mms_error *err);
void mms_uvh5_in_end(mms_uvh5_in *in);
/** Read and check that.  Errors: TABLE, IO, MEM. */
MMS_CHECKED mms_status mms_uvh5_read_rows(mms_uvh5_in *in, mms_error *err);
/** Called with each i of a pass over rows: memory of those that were passed goes. */
void mms_uvh5_in_rest(const mms_uvh5_in *in, int64_t i);
void mms_uvh5_in_end_rows(mms_uvh5_in *in);
/** The entries of phase_center_catalog, or of the headers before it. */
MMS_CHECKED mms_status mms_uvh5_read_catalogue(mms_uvh5_in *in, mms_error *err);
/** Refuse what an MS cannot hold; zenith: not what is unprojected.  Errors: UNSUPPORTED. */
MMS_CHECKED mms_status mms_uvh5_check_catalogue(const mms_uvh5_in *in, bool zenith, mms_error *err);

/** Add to lost what the header has that no MS has; catalogue and extra_keywords add theirs. */
MMS_CHECKED mms_status mms_uvh5_find_lost(mms_uvh5_in *in, mms_error *err);

/** Import.  result gets what was, or (how.dryrun) would be, written. */
MMS_CHECKED mms_status mms_uvh5_import(const mms_uvh5_import_request *request, const mms_host *host,
                                       mms_value *result, mms_error *err);
/** Open a file and decide what is done to its uvw and data.  tells: warnings go to the log. */
MMS_CHECKED mms_status mms_uvh5_import_open(const char *path, bool flipconj, bool zenith,
                                            bool tells, mms_uvh5_in *in, mms_error *err);
/** The units of the engine: sub-tables, parts, the finish. */
mms_status mms_uvh5_import_unit(mms_job *job, const mms_value *order, mms_value *answer,
                                mms_error *err);

/** List the rows of the MS: present[nblt][nspw].  *out is ended with mms_spill_free().
 *  Errors: EMPTY, MEM, and those of a disk where there are many. */
MMS_CHECKED mms_status mms_uvh5_list_cells(const mms_uvh5_in *in, const uint8_t *present,
                                           int64_t *ncell, mms_uvh5_cell **out, mms_error *err);
/** Count them as mms_meta_read() would; end meta with mms_meta_free() whatever the status. */
MMS_CHECKED mms_status mms_uvh5_count_cells(const mms_uvh5_in *in, int64_t ncell,
                                            const mms_uvh5_cell *cells, mms_meta *meta,
                                            mms_error *err);
/** Write the rows of each part of a plan (NULL: one part) to a file.  Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_uvh5_write_cells(const mms_uvh5_in *in, int64_t ncell,
                                            const mms_uvh5_cell *cells, const mms_plan *plan,
                                            int64_t nparts, char *const *paths, mms_error *err);

/** Write rows of the main table, by some threads; like is the set whose columns it has, fd the file
 *  of the nrow rows.  Errors: IO, SPACE, MEM; those of the writer. */
MMS_CHECKED mms_status mms_uvh5_write_main(mms_uvh5_in *in, mms_ms *like, mms_writer *writer,
                                           int fd, int64_t nrow, int threads, mms_job *job,
                                           mms_error *err);
/** Mark what is unprojected as turned. */
MMS_CHECKED mms_status mms_uvh5_mark_turned(mms_uvh5_in *in, mms_error *err);
/** Phase what is unprojected to the zenith at the first time: fields, uvw, turned.  Errors: ARG,
 *  TABLE, MEM. */
MMS_CHECKED mms_status mms_uvh5_to_zenith(mms_uvh5_in *in, mms_error *err);
/** Places of antennas in ITRF by their numbers, [nrow_ant][3], ended with free(); NULL: no memory.
 */
double *mms_uvh5_places(const mms_uvh5_in *in);
/** The uvw that places give a baseline-time, uvw_m[3]. */
void mms_uvh5_uvw_of(const mms_uvh5_in *in, const double *places, int64_t blt,
                     const mms_uvh5_view *view, double *uvw_m);
/** The sky over the telescope at a time, without its orientation. */
mms_sky mms_uvh5_sky_at(const mms_uvh5_in *in, double jd);
/** Name the sub-tables that mms_uvh5_write_tables() writes; new reference. */
mms_value *mms_uvh5_table_names(const mms_uvh5_in *in);
/** Write the sub-tables of main and link them. */
MMS_CHECKED mms_status mms_uvh5_write_tables(const mms_uvh5_in *in, mms_table *main,
                                             mms_error *err);

/** Count what there is in the rows.  Errors: MEM. */
MMS_CHECKED mms_status mms_uvh5_count(const mms_uvh5_in *in, mms_uvh5_counts *out, mms_error *err);

/* ---- reading the header -----------------------------------------------------------------------*/

/** Read n numbers, DOUBLE or INT64; a single one is repeated.  *out is ended with free(). */
MMS_CHECKED mms_status mms_uvh5_in_numbers(const mms_uvh5_in *in, const char *name,
                                           mms_h5_type type, int64_t n, void *out, mms_error *err);
/** The same, DOUBLE; TABLE, too, where one is not finite. */
MMS_CHECKED mms_status mms_uvh5_in_finite(const mms_uvh5_in *in, const char *name, int64_t n,
                                          double **out, mms_error *err);
/** Numbers of each baseline-time, [nblt][width]; *out is ended with mms_spill_free(). */
MMS_CHECKED mms_status mms_uvh5_in_rows(const mms_uvh5_in *in, const char *name, mms_h5_type type,
                                        int64_t width, void *out, mms_error *err);
/** The time of one. */
MMS_CHECKED mms_status mms_uvh5_in_time(const mms_uvh5_in *in, int64_t row, double *jd,
                                        mms_error *err);
MMS_CHECKED mms_status mms_uvh5_in_number(const mms_uvh5_in *in, const char *name, double *out,
                                          mms_error *err);
/** Read a single text, NULL where it is absent; a new reference. */
MMS_CHECKED mms_status mms_uvh5_in_text(const mms_uvh5_in *in, const char *name, mms_value **out,
                                        mms_error *err);
MMS_CHECKED mms_status mms_uvh5_in_memory(const mms_uvh5_in *in, mms_error *err);

/** The median of n values, which are moved: NaN left out, the mean of the middle two; 0: none. */
float mms_uvh5_median(int64_t n, float *values);

#endif
