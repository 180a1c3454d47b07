/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TABLES_PRIV_H
#define MULTIMS_TABLES_PRIV_H
/** @file tables_priv.h  The casacore border: a table as it is made and changed.
 *
 *  Everything behind it is C++; every function is guarded.  Shapes are in C order. */

#include "reading_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Flush what was written, free and set NULL, even on failure. */
MMS_CHECKED mms_status mms_table_close(mms_table **table, mms_error *err);

/** Give back the memory of cached tiles. */
MMS_CHECKED mms_status mms_table_drop_caches(mms_table *table, mms_error *err);

/** Whether another process has the table open, as far as casacore's locks tell; true where nobody
 *  knows. */
bool mms_table_is_in_use(const mms_table *table);

MMS_CHECKED mms_status mms_table_add_rows(mms_table *table, int64_t count, mms_error *err);
/** Remove the given rows, ascending. */
MMS_CHECKED mms_status mms_table_remove_rows(mms_table *table, int64_t n, const int64_t *rows,
                                             mms_error *err);

/** A tiled storage manager of a table. */
typedef struct mms_tiled {
    const char *type, *name;
    int64_t sequence; /**< its number in the names of its files */
    bool big_endian;
    int32_t ndim; /**< axes of a cell; 0: not known */
    int64_t ncolumn;
    const mms_column *const *columns;      /**< in the order that its header knows */
    int32_t ntile;                         /**< axes of default_tile; 0: none */
    int64_t default_tile[MMS_MAX_DIM + 1]; /**< C order, rows first */
    bool hollow; /**< made by create_like with hollow: casacore writes no file of it */
} mms_tiled;

/** Tiled managers whose files hold the rows of this very table, each in files of its own, and
 *  nothing but data columns.  Borrowed from the handle. */
MMS_CHECKED mms_status mms_table_tiled(mms_table *table, int64_t *n, const mms_tiled **list,
                                       mms_error *err);

/** A StandardStMan or IncrementalStMan of a table. */
typedef struct mms_bucketed {
    const char *type, *name;
    int64_t sequence; /**< its number in the name of its file */
    bool big_endian;
    int64_t ncolumn;
    const mms_column *const *columns; /**< all of them, in the order of the description */
    bool hollow;                      /**< made by create_like with hollow */
    /* if hollow */
    int64_t bucket_bytes, bucket_rows; /**< bucket_rows: StandardStMan */
    const int64_t *offsets;            /**< StandardStMan: of the columns in a bucket */
} mms_bucketed;

/** Those whose file holds the rows of this very table.  Borrowed from the handle. */
MMS_CHECKED mms_status mms_table_bucketed(mms_table *table, int64_t *n, const mms_bucketed **list,
                                          mms_error *err);

/** The tile that a table made by create_like chooses for cells of a shape: tile[ndim + 1], rows
 *  first. */
MMS_CHECKED mms_status mms_table_tile(mms_table *table, const char *column, int32_t ndim,
                                      const int64_t *shape, int64_t *tile, mms_error *err);

/** Put cells of nrange runs of rows, one shape, as mms_table_get() gives them; sets the shape of
 *  variable-shaped cells. */
MMS_CHECKED mms_status mms_table_put(mms_table *table, const char *column, int64_t nrange,
                                     const mms_rows *ranges, int32_t ndim, const int64_t *shape,
                                     int64_t nvalue, const void *data, mms_error *err);

/** Put what mms_table_get_cell() gives, any type but OTHER. */
MMS_CHECKED mms_status mms_table_put_cell(mms_table *table, const char *column, int64_t row,
                                          const mms_value *value, mms_error *err);

/** Write a whole scalar column of int32. */
MMS_CHECKED mms_status mms_table_put_ints(mms_table *table, const char *column,
                                          const int32_t *values, mms_error *err);

/** Copy cells of any type and shape, undefined ones too: dst rows first.. get the rows of ranges.
 */
MMS_CHECKED mms_status mms_table_copy_cells(mms_table *src, const char *src_column, int64_t nrange,
                                            const mms_rows *ranges, mms_table *dst,
                                            const char *dst_column, int64_t first, mms_error *err);

/** Give an open table an optional array column [nchan][ncorr] of the MS definition's main table, in
 *  tiles of its own, without cells yet.  What was found of the table's columns and managers before
 *  is void.
 *  @param hollow  it stands in table.dat only, where that can be: see mms_table_like
 *  Errors: ARG, EXISTS, TABLE. */
MMS_CHECKED mms_status mms_table_add_column(mms_table *table, const char *column, bool hollow,
                                            mms_error *err);

/** Set a text, number or array keyword; remove one (nothing happens when it is not there). */
MMS_CHECKED mms_status mms_table_set_keyword(mms_table *table, const char *column, const char *name,
                                             const mms_value *value, mms_error *err);
MMS_CHECKED mms_status mms_table_remove_keyword(mms_table *table, const char *name, mms_error *err);
/** Make name a sub-table keyword for the table at path. */
MMS_CHECKED mms_status mms_table_link_subtable(mms_table *table, const char *name, const char *path,
                                               mms_error *err);

/** Sub-table keywords for many tables: made once, as making one opens the sub-table. */
typedef struct mms_table_links mms_table_links;
/** Make keywords for the tables folder/NAME. */
MMS_CHECKED mms_status mms_table_links_open(const char *folder, const mms_value *names,
                                            mms_table_links **out, mms_error *err);
/** Give the table these keywords, for tables of the same names in its own folder; they need not be
 *  there yet. */
MMS_CHECKED mms_status mms_table_link(mms_table *table, const mms_table_links *links,
                                      mms_error *err);
void mms_table_links_free(mms_table_links **links);

/** Type, SubType and readme of table.info; the caller ends each with free(). */
MMS_CHECKED mms_status mms_table_info(mms_table *table, char **type, char **subtype, char **readme,
                                      mms_error *err);
MMS_CHECKED mms_status mms_table_set_info(mms_table *table, const char *type, const char *subtype,
                                          const char *readme, mms_error *err);

/** How a table is made like another one. */
typedef struct mms_table_like {
    int64_t nrow;                        /**< rows to add */
    int64_t max_tile_rows;               /**< cap for the rows of a tile; 0: none */
    const char *const *skip;             /**< columns left out, ended by NULL, or NULL */
    const char *rename_from, *rename_to; /**< one column that changes its name, or NULL */
    const char *const *reshape; /**< columns whose cell shape changes: made free-shaped, own
                                     manager of multi-ms 1.12; ended by NULL, or NULL */
    const char *const *add;     /**< optional columns of the MS definition's main table that the new
                                     table has too; ended by NULL, or NULL */
    int64_t tile[3]; /**< tile of data columns and FLAG, C order [rows][nchan][ncorr]; rows 0: as in
                        the input; rows -1: casacore's layout for mosaics */
    bool small;  /**< a sub-table: arrays that change their manager are not tiled; without it cells
                    are  put once, in the order of the rows */
    bool hollow; /**< TiledShapeStMan and TiledColumnStMan, and StandardStMan and IncrementalStMan
                    with scalars of numbers alone, stand in table.dat only: the caller writes their
                    files (mms_table_tiled, mms_table_bucketed) */
} mms_table_like;

/** Make a table with the description, keywords (no sub-tables), info and storage managers of src.
 *  Lossy, virtual and unwritable managers are replaced (multi-ms 1.12), with a WARN.
 *  Errors: EXISTS, TABLE, UNSUPPORTED. */
MMS_CHECKED mms_status mms_table_create_like(const char *path, mms_table *src,
                                             const mms_table_like *how, mms_table **out,
                                             mms_error *err);

/** Make an empty standard table of an MS: kind is "MAIN" or a sub-table's name as in the MS
 *  definition.  optional: optional columns to add, ended by NULL, also pyuvdata's
 *  TELESCOPE_LOCATION and CASA's PhaseDir_Ref, DelayDir_Ref, RefDir_Ref; managers: JSON
 *  [{"type","name","columns":[…],"tile":[C order, rows first]}], or NULL for 1.12's.
 *  Errors: EXISTS, ARG, TABLE. */
MMS_CHECKED mms_status mms_table_create_standard(const char *path, const char *kind,
                                                 const char *const *optional,
                                                 const mms_value *managers, mms_table **out,
                                                 mms_error *err);

/** What create_standard makes, with the rarer choices. */
typedef struct mms_table_standard {
    const char *kind;            /**< as in mms_table_create_standard() */
    const char *const *optional; /**< as there */
    const mms_value *managers;   /**< as there; "cell": [C order] fixes the shape of the columns;
                                      without a "tile" each cell shape gets tiles of 1 MiB */
    int64_t max_tile_rows;       /**< cap for those; 0: none */
    bool big_endian;             /**< else as casacore is set up */
} mms_table_standard;
MMS_CHECKED mms_status mms_table_create_standard_as(const char *path,
                                                    const mms_table_standard *what, mms_table **out,
                                                    mms_error *err);

/** casacore's lock of a table, for who changes its files by himself: until it is left no program
 *  that locks reads or writes the table.  Who has it is asked to leave it, and waited for.
 *  @param tries     one a second
 *  @param[out] out  NULL where the table has no lock file, so that nobody locks it
 *  Errors: LOCKED; IO, TABLE the file can't be locked. */
typedef struct mms_table_lock mms_table_lock;
MMS_CHECKED mms_status mms_table_lock_take(const char *path, int tries, mms_table_lock **out,
                                           mms_error *err);
/** *lock is set to NULL; NULL is accepted. */
void mms_table_lock_leave(mms_table_lock **lock);

/** The tables of an MS in which CASA keeps virtual models; source and field are NULL where there
 * are none. */
typedef struct mms_model_tables {
    const char *main, *source, *field;
} mms_model_tables;

/** Whether a field of the MS has a virtual model. */
MMS_CHECKED mms_status mms_table_has_models(const mms_model_tables *paths, bool *found,
                                            mms_error *err);

/** Give fields virtual models, or with models NULL take away all.
 *  @param models  [{"field": id, "spws": [ids], "components": [CASA's record of a list of
 *                 components, arrays in C order]}]: what the field has in these windows is replaced
 *  Errors: UNSUPPORTED a model of CASA's older kind is there; TABLE. */
MMS_CHECKED mms_status mms_table_change_models(const mms_model_tables *paths,
                                               const mms_value *models, mms_error *err);

/** Version of casacore that the library was built with. */
const char *mms_table_library_version(void);

#ifdef __cplusplus
}
#endif
#endif
