/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STORE_PRIV_H
#define MULTIMS_STORE_PRIV_H
/** @file store_priv.h  The ways to the cells of one table: files of tiles or of buckets that are
 * read and written directly, and casacore, which knows them all. */

#include "tables/tables_priv.h"
#include "tiles/tiles_priv.h"

typedef struct mms_store mms_store;
typedef struct mms_store_kind mms_store_kind;

/** A column and the way to its cells, borrowed from a store. */
typedef struct mms_stored {
    const mms_store_kind *kind; /**< NULL: not found yet */
    void *manager;              /**< the kind's */
    int64_t place;              /**< of the column among the manager's */
    const char *name;
} mms_stored;

/** A storage manager of a table, as a kind finds it. */
typedef struct mms_store_manager {
    const void *what; /**< the kind's */
    int64_t ncolumn;
    const mms_column *const *columns;
    bool hollow; /**< new, and to be written directly */
} mms_store_manager;

/** How new files are written: as in mms_tiles_what. */
typedef struct mms_store_new {
    bool write_back;
    int64_t share;
} mms_store_new;

/** What a way is: functions on a storage manager, or on one of its columns.  Those that may be NULL
 *  say so; shapes, data and errors are those of mms_table_shapes(), get and put. */
struct mms_store_kind {
    const char *files; /**< what the files hold, for messages */
    bool parallel;     /**< threads may put rows that were defined */

    /** Find a table's managers; the caller ends the list with free(). */
    mms_status (*managers)(mms_table *table, int64_t *n, mms_store_manager **list, mms_error *err);
    /** Whether a column of a manager can be had this way. */
    bool (*holds)(const mms_column *column);
    /** Errors: UNSUPPORTED the way is not for this manager. */
    mms_status (*open)(mms_table *table, const void *what, void **manager, mms_error *err);
    mms_status (*create)(mms_table *table, const void *what, const mms_store_new *how,
                         void **manager, mms_error *err);
    /** Rows that show each way to the files once. */
    int64_t (*samples)(const mms_stored *column, int64_t most, int64_t *rows);

    /** NULL: casacore is asked. */
    mms_status (*shapes)(const mms_stored *column, int64_t nrange, const mms_rows *ranges,
                         mms_shape_run **runs, int64_t *nrun, mms_error *err);
    mms_status (*read)(const mms_stored *column, int64_t nrange, const mms_rows *ranges,
                       int64_t nvalue, void *data, mms_error *err);
    /** Cells of a new table, once each; of rows that ascend unless it is parallel. */
    mms_status (*put)(const mms_stored *column, int64_t nrange, const mms_rows *ranges,
                      int32_t ndim, const int64_t *shape, int64_t nvalue, const void *data,
                      mms_error *err);
    /** Change cells that are there; NULL: casacore does. */
    mms_status (*update)(const mms_stored *column, int64_t nrange, const mms_rows *ranges,
                         int64_t nvalue, const void *data, mms_error *err);
    /** Copy from a column of the same kind to rows from first on; NULL: cells are read and put. */
    mms_status (*copy)(const mms_stored *in, int64_t nrange, const mms_rows *ranges,
                       const mms_stored *out, int64_t first, mms_error *err);

    /** Give rows of a new table their cells' shapes; NULL: they need none. */
    mms_status (*define)(void *manager, int64_t nrun, mms_shape_run *runs, mms_error *err);
    /** All cells of the rows before row were put; NULL: nobody needs to know. */
    mms_status (*advance)(void *manager, int64_t row, mms_error *err);
    /** What tells how new files are laid out, whatever their rows, and how many bytes they share;
     *  NULL: nothing, none. */
    uint64_t (*layout)(const void *manager);
    int64_t (*shared)(const void *manager);

    /** Write the rest; then drop. */
    mms_status (*finish)(void *manager, mms_error *err);
    void (*drop)(void *manager);
};

/** casacore's way, whose manager is the table; it lists none.  Tiles and buckets. */
extern const mms_store_kind mms_store_columns, mms_store_tiles, mms_store_buckets;

/** Ways that a store may take, beside casacore's. */
enum { MMS_WAY_TILES = 1, MMS_WAY_BUCKETS = 2, MMS_WAYS_ALL = 3 };

/** Prepare to read, or update, an open table, which must live longer. */
MMS_CHECKED mms_status mms_store_open(mms_table *table, unsigned ways, mms_store **out,
                                      mms_error *err);
/** Make the files of the hollow managers of a new table, which must live longer. */
MMS_CHECKED mms_status mms_store_create(mms_table *table, unsigned ways, const mms_store_new *how,
                                        mms_store **out, mms_error *err);

/** What a column is found for: its cells, or their shapes alone, for which no cell is read. */
typedef enum mms_store_want {
    MMS_WANT_CELLS,
    MMS_WANT_SHAPES,
    MMS_WANT_CASACORE /**< through casacore, whatever they are */
} mms_store_want;

/** Find a column.  At the first use of a manager its files are opened, and some cells, or their
 *  shapes, are compared with those that casacore reads; what is unknown or not the same is left to
 *  casacore, with a line in the log.  A column that is not there is casacore's.
 *  Errors: TABLE, IO: files that are broken or cut short. */
MMS_CHECKED mms_status mms_store_find(mms_store *store, const char *column, mms_store_want want,
                                      mms_stored *found, mms_error *err);

/** The way through casacore. */
mms_stored mms_stored_in_table(mms_table *table, const char *column);

/** The tiles of a column, borrowed; NULL where it is found in another way.  *place is its number in
 *  them. */
mms_tiles *mms_stored_tiles(const mms_stored *column, int64_t *place);

/** Take it that all columns compare: they did when the table was made. */
void mms_store_trust(mms_store *store);

/** Give rows of the new table the cell shapes that shapes(user, column) finds for them. */
typedef mms_status mms_store_shapes(void *user, const char *column, mms_shape_run **runs,
                                    int64_t *nrun, mms_error *err);
MMS_CHECKED mms_status mms_store_define(mms_store *store, mms_store_shapes *shapes, void *user,
                                        mms_error *err);
MMS_CHECKED mms_status mms_store_advance(mms_store *store, int64_t row, mms_error *err);
uint64_t mms_store_layout(const mms_store *store);
int64_t mms_store_shared(const mms_store *store);

/** Write what is left; free and set NULL even on failure.  NULL is accepted, here and below. */
MMS_CHECKED mms_status mms_store_finish(mms_store **store, mms_error *err);
void mms_store_close(mms_store **store);

/** Compare cells of all managers of the table with those that casacore reads.
 *  Errors: TABLE, IO; INTERNAL naming the column that differs. */
MMS_CHECKED mms_status mms_store_check(mms_table *table, mms_error *err);

#endif
