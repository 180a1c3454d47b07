/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_INPLACE_H
#define MULTIMS_INPLACE_H
/** @file inplace.h  Work that changes data where they are: the undo, flag versions, flag commands.
 */

#include "engine/journal.h"
#include "multims/engine.h"
#include "multims/ms.h"
#include "multims/select.h"
#include "transform/statwt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- undo -------------------------------------------------------------------------------------
 * `.<name>.mms-undo` beside a set holds the bytes of the files that a run changes, as they were.
 * While it is there the set is dirty, unless its run lives.  Whoever lives holds a
 * shared lock on a file in it. */

typedef struct mms_undo mms_undo;

/** Bring back what a run that was killed has left changed.  Call it before the set is opened.
 *  @param[out] found  whether there was one; NULL is accepted
 *  @param restore     false: only look
 *  Errors: LOCKED a run that lives is at it; EXISTS there is an undo of the Multi-MS that it is a
 *  part of, or of one of its parts; IO, SPACE, TABLE the undo can't be read. */
MMS_CHECKED mms_status mms_undo_recover(const char *vis, bool restore, bool *found, mms_error *err);

/** Return the command that brings the old data of a set back, for messages, as a new text. */
char *mms_undo_command(const char *vis);

/** Refuse a set that a killed run has left half changed, or that a run is at, for those who only
 * read it; a part of such a Multi-MS, and one with such a part, too.  Nothing is written; a set
 * that is not there is no error.  Errors: EXISTS, LOCKED. */
MMS_CHECKED mms_status mms_undo_refuse(const char *vis, mms_error *err);

/** Refuse a set whose files, or whose folder, can't be written.  Errors: ARG naming the file. */
MMS_CHECKED mms_status mms_undo_check(mms_ms *ms, mms_error *err);

/** Take the place of a set's undo, in which the run's own files may stand too.  Not in a worker.
 *  @param sync  so that a power cut can be undone, too
 *  Errors: EXISTS as above; IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_undo_begin(const char *vis, bool sync, mms_undo **out, mms_error *err);

/** Go on with the undo that a run has left: it was killed, or has called mms_undo_leave().  The old
 *  bytes of all tables but those in done, a list of paths, come back.  Call it before the set is
 *  opened; mms_undo_keep() and mms_undo_keep_table() do nothing afterwards if something was kept.
 *  @param token     that of the run; the undo of another one brings all its old bytes back, and
 * ends
 *  @param[out] out  NULL: there is none; one that mms_undo_is_over() has brought nothing back
 *  Errors: EXISTS a run that lives is at it; IO, SPACE, TABLE, MEM. */
MMS_CHECKED mms_status mms_undo_resume(const char *vis, const char *token, const mms_value *done,
                                       bool sync, mms_undo **out, mms_error *err);

/** What tells it from all others; borrowed.  Of one that was begun, not resumed. */
const char *mms_undo_token(const mms_undo *undo);

/** The new bytes stay, whatever follows: they are on the disk, where that was asked for.  Then it
 *  only has to end.  Errors: IO, MEM; then it is as before. */
MMS_CHECKED mms_status mms_undo_commit(mms_undo *undo, mms_error *err);

/** Whether mms_undo_commit() has been called, perhaps by the run that is gone on with. */
bool mms_undo_is_over(const mms_undo *undo);

/** End it and leave what it has kept, for mms_undo_resume() or mms_undo_recover().  *undo is set to
 *  NULL; NULL is accepted. */
void mms_undo_leave(mms_undo **undo);

/** Keep the files of these columns, before anything is changed.  Columns that a part does not have
 *  are taken as those that it gets: what files they make goes when the old bytes come back.
 *  @param members  which parts are to be changed; NULL: all
 *  @param columns  ended by NULL
 *  Errors: UNSUPPORTED rows that are another table's, parts that are the same table; IO, SPACE,
 * MEM. */
MMS_CHECKED mms_status mms_undo_keep(mms_undo *undo, mms_ms *ms, const bool *members,
                                     const char *const *columns, mms_error *err);

/** Keep a table's keywords and description, and with whole all its columns, too.  Before
 *  mms_undo_keep(), which makes the undo valid.  Errors: as there. */
MMS_CHECKED mms_status mms_undo_keep_table(mms_undo *undo, const char *path, bool whole,
                                           mms_error *err);

/** Its folder; borrowed. */
const char *mms_undo_folder(const mms_undo *undo);

/** The lock's path, for the workers. */
const char *mms_undo_lock_path(const mms_undo *undo);

/** Hold the lock that a unit's order names, in its worker, until *fd is closed; "" holds nothing.
 * The tables that the order changes are as they were before an attempt that was broken off. Errors:
 * IO, SPACE, TABLE, MEM. */
MMS_CHECKED mms_status mms_undo_hold(const mms_value *order, int *fd, mms_error *err);

/** End it when no unit runs: with st OK the new bytes stay, else the old ones come back; err is
 *  said more of then.  While a rank is silent, what was kept is left: the rank may write yet.
 *  *undo is set to NULL; NULL is accepted.  Returns st, or why it failed. */
MMS_CHECKED mms_status mms_undo_end(mms_undo **undo, mms_status st, mms_error *err);

/* ---- flag versions ----------------------------------------------------------------------------*/

/** The list of versions: JSON [[name, comment], …] in order; empty when there is none.
 *  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_versions_read(const char *vis, mms_value **list, mms_error *err);

/** Make an empty list where there is none, as CASA does when it is asked for one.  Errors: IO. */
MMS_CHECKED mms_status mms_versions_begin(const char *vis, mms_error *err);

/** Save as a new version, as a unit's order says (mms_save_order_encode()); one of that name is
 * renamed NAME.old.SECONDS.  Not in the client: tables are written.  Errors: ARG an empty or
 * impossible name; TABLE, IO, SPACE. */
MMS_CHECKED mms_status mms_version_save(const mms_value *order, mms_error *err);

/** Remove what a save has left whose worker was killed. */
void mms_version_drop_unsaved(const char *vis, const char *name);

/** The first name PREFIX_N that is free; end it with free().  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_version_next(const char *vis, const char *prefix, char **name,
                                        mms_error *err);

/** Find the number that tells a version's table from others (its inode), 0 where the list does not
 *  name it.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_version_find(const char *vis, const char *name, int64_t *table,
                                        mms_error *err);

/** Refuse a name that no version can have.  Errors: ARG. */
MMS_CHECKED mms_status mms_version_check_name(const char *name, mms_error *err);

MMS_CHECKED mms_status mms_version_delete(const char *vis, const char *name, mms_error *err);
MMS_CHECKED mms_status mms_version_rename(const char *vis, const char *from, const char *to,
                                          const char *comment, mms_error *err);

/** Find whether a version can be restored: it is there and has the rows and members of ms.
 *  Errors: ARG "Flag version NAME does not exist"; SHAPE other rows or members. */
MMS_CHECKED mms_status mms_version_check(mms_ms *ms, const char *name, mms_error *err);

/** Write rows from first on of a version of vis into one part, under an undo: merge "and", "or",
 *  else replace.  No other part is opened: others may be written. */
MMS_CHECKED mms_status mms_version_restore(mms_job *job, const char *vis, const char *part,
                                           int64_t first, const char *name, const char *merge,
                                           mms_error *err);

/** Count the cells in which two versions differ, "main" being the set's own flags: result gains
 *  rows, cells, only_a, only_b, flag_row.  Errors: as mms_version_check(). */
MMS_CHECKED mms_status mms_version_diff(mms_ms *ms, const char *a, const char *b, mms_value *result,
                                        mms_error *err);

/* ---- runs that are gone on with ----------------------------------------------------------------
 * The journal says which units are done; the undo is kept until all are. */

/** How a run is journalled.  Begins with opts alone. */
typedef struct mms_change_job {
    mms_journal_opts opts;
    mms_journal *journal; /**< NULL until something is written, or there is one to go on with */
    bool left;            /**< the set is left half changed, to be gone on with */
    bool over;            /**< all was done already but the end */
    int64_t planned;      /**< units that the run is known to have */
    mms_value *seen;      /**< which table.dat the set and its parts had when it was opened */
} mms_change_job;

/* ---- requests ---------------------------------------------------------------------------------*/

/** How a verb that changes data where they are runs: what all of them have. */
typedef struct mms_change_request {
    const char *vis, *task;
    bool tiles, sync, dryrun;
    int64_t memory;
    mms_change_job *job;
    mms_engine *(*engine)(void *ctx, mms_error *err); /**< makes it when it is needed */
    /** Says before that the units are so small that workers would take longer to start; NULL: it is
     *  not to be said */
    void (*stay)(void *ctx);
    /** Adds the HISTORY rows of the run to the set or part at path; NULL: none are written */
    mms_status (*note)(void *ctx, const char *path, mms_error *err);
    bool notes_parts; /**< to each part, not to the set */
    void *ctx;
} mms_change_request;

/** Bring back what a killed run has left (restore) or refuse it, or with --resume go on with it:
 *  then there is *undo.  Before the set is opened.  Errors: as mms_undo_recover(), ARG the run is
 *  another one. */
MMS_CHECKED mms_status mms_change_recover(const mms_change_request *how, bool restore,
                                          mms_undo **undo, mms_error *err);

/** Whether a run that is gone on with had done all but its end; then *wrote is set, and result is
 *  what is known. */
bool mms_change_is_over(const mms_change_request *how, bool *wrote, mms_value *result);

/** Open the set; parts of one that is half changed may have other columns.  Errors: as
 * mms_ms_open().
 */
MMS_CHECKED mms_status mms_change_open_set(const mms_change_request *how, mms_ms **out,
                                           mms_error *err);

/** Begin to write: from here on there is a journal. */
MMS_CHECKED mms_status mms_change_begin(const mms_change_request *how, mms_error *err);

/** Take the place of the undo unless there is one. */
MMS_CHECKED mms_status mms_change_take_undo(const mms_change_request *how, mms_undo **undo,
                                            mms_error *err);

/** As mms_undo_keep(), and keep the tables of HISTORY that mms_change_end() adds to. */
MMS_CHECKED mms_status mms_change_keep(const mms_change_request *how, mms_undo *undo, mms_ms *ms,
                                       const bool *members, const char *const *columns,
                                       mms_error *err);

/** End what was begun after a run of status st: as mms_undo_end(), but HISTORY is written before
 *  the new bytes are to stay (SPACE where it can't be), and a run that was broken off is left, to
 * be gone on with, where that was asked for.  ms: NULL is accepted unless how->notes_parts. */
MMS_CHECKED mms_status mms_change_end(const mms_change_request *how, mms_ms *ms, mms_undo **undo,
                                      mms_status st, mms_error *err);

/** Have the engine's runs journalled from here on, with n units more; 0: no longer.  Errors: those
 *  of how->engine. */
MMS_CHECKED mms_status mms_change_journal(const mms_change_request *how, int64_t n, mms_error *err);

/* ---- plans of flag versions -------------------------------------------------------------------*/

/** What is to be done with versions, by flagmanager's words. */
typedef struct mms_version_plan {
    const char *mode; /**< save, restore, delete or rename */
    const char *name, *old;
} mms_version_plan;

/** Check it, and say what it would do: result gains "vis", "mode", "version", "exists" and
 * "dryrun", of a save or restore "rows", "parts", "bytes", "kept" and "columns", too.  Errors:
 * those of doing it. */
MMS_CHECKED mms_status mms_version_plan_run(const mms_change_request *how,
                                            const mms_version_plan *plan, mms_value *result,
                                            mms_error *err);

/* ---- flag commands ----------------------------------------------------------------------------*/

/** What flagdata does: the client's side.  commands: JSON [{mode, selection, parameters}, …]. */
typedef struct mms_flag_request {
    mms_change_request change;
    const mms_value *commands;
    bool apply;  /**< else nothing is written */
    bool backup; /**< save flagdata_N first */
} mms_flag_request;

/** Check, run over the parts and gather.  result gains "rows", "changed_rows", "parts",
 *  "reports" (one a summary or calculated rflag, in the order of the commands).
 *  @param[out] wrote  set before anything is written
 *  Errors: ARG, SELECT, EMPTY and what the set gives. */
MMS_CHECKED mms_status mms_flag_run(const mms_flag_request *request, bool *wrote, mms_value *result,
                                    mms_error *err);

/** One unit of it, in a worker. */
mms_unit_fn mms_flag_unit;

/* ---- models -----------------------------------------------------------------------------------*/

/** What setjy writes. */
typedef struct mms_setjy_request {
    mms_change_request change;
    mms_select select;
    const char *standard;      /**< one whose coefficients are known, "manual" or "fluxscale" */
    const char *interpolation; /**< between epochs of variable sources; "": nearest */
    struct mms_flux *manual;   /**< of it: reference_hz is read from reffreq */
    const char *reffreq;
    const mms_value *fluxdict; /**< of fluxscale */
    bool scalebychan;
    bool is_virtual; /**< no MODEL_DATA: a virtual model */
} mms_setjy_request;

/** Write the model of the selected fields into MODEL_DATA, which is made where it is not there, and
 *  take away virtual models; or write these, for whole scans.
 *  result is CASA's dictionary in "fluxes", and what the run or plan says.
 *  @param[out] wrote  set before anything is written
 *  Errors: EMPTY nothing is selected; ARG fluxdict; SELECT and what the set gives. */
MMS_CHECKED mms_status mms_setjy_run(const mms_setjy_request *request, bool *wrote,
                                     mms_value *result, mms_error *err);

/** One unit of it, in a worker. */
mms_unit_fn mms_setjy_unit;

/* ---- units that verbs make themselves: orders of mms_flag_unit(); NULL: no memory -------------*/

/** Save a version of the flags. */
typedef struct mms_save_order {
    const char *vis, *version, *comment;
    int64_t
        table; /**< that the version has before, as mms_version_find(): with another it is saved */
} mms_save_order;

mms_value *mms_save_order_encode(const mms_save_order *order);

/** Restore the flags of a part of a set from a version. */
typedef struct mms_restore_order {
    const char *set, *version, *merge, *lock;
    const char *vis; /**< the part, which mms_parts_run_with() adds */
    int64_t first;   /**< its first row in the set: of each part by itself */
} mms_restore_order;

/** What all parts share. */
mms_value *mms_restore_order_encode(const mms_restore_order *order);
/** What a part, by its path, has of its own. */
mms_value *mms_restore_part_encode(const char *part, int64_t first);

/** Append rows to FLAG_CMD, an array. */
typedef struct mms_commands_order {
    const char *vis, *lock;
    const mms_value *rows;
    bool applied;
} mms_commands_order;

mms_value *mms_commands_order_encode(const mms_commands_order *order);
mms_value *mms_commands_row(const char *command, const char *reason);

/** Add rows to FLAG_CMD, under an undo of it.  how: without job and note.  Errors: NOT_FOUND there
 *  is none, and as mms_change_recover(), mms_change_take_undo(), mms_change_end(). */
MMS_CHECKED mms_status mms_commands_run(const mms_change_request *how, const mms_value *rows,
                                        bool applied, mms_error *err);

/* ---- weights from scatter ---------------------------------------------------------------------*/

/** What statwt asks of every row. */
typedef struct mms_statwt_asked {
    mms_statwt_how how;
    const char *fitspw;
    double low, high;              /**< if ranged, weights outside are flagged */
    bool ranged, slides;           /**< slides: the bins of times */
    bool scan, state, field, corr; /**< are combined */
    bool keeps_outside;            /**< as CASA, see docs/statwt.md */
    bool excludechans;
} mms_statwt_asked;

/** What statwt does: the client's side. */
typedef struct mms_statwt_request {
    mms_change_request change;
    mms_select select;
    mms_statwt_asked asked;
    const char *datacolumn; /**< corrected, data, residual or residual_data */
    const char *timebin;    /**< so many times, or a quantity */
    const char *chanbin;    /**< "spw", so many channels, or a quantity */
    bool preview;           /**< nothing is written */
    bool backup;            /**< save statwt_N first */
} mms_statwt_request;

/** Check, run over the parts and gather.  result gains "mean" and "variance" of the weights; of a
 *  dry run "rows", "parts", "columns" and "new_columns" instead.
 *  @param[out] wrote  set before anything is written
 *  Errors: ARG, SELECT, EMPTY, NOT_FOUND and what the set gives. */
MMS_CHECKED mms_status mms_statwt_run(const mms_statwt_request *request, bool *wrote,
                                      mms_value *result, mms_error *err);

/** One unit of it, in a worker. */
mms_unit_fn mms_statwt_unit;

/* ---- calibration ------------------------------------------------------------------------------*/

/** What applycal applies. */
typedef struct mms_applycal_request {
    mms_change_request change;
    mms_select select;
    /** JSON [{"path", "interp": "time,freq", "calwt": bool, "spwmap": [windows], "field": ids and
     *  names, "nearest" or ""}, …] */
    const mms_value *tables;
    bool parang, flagbackup;
    const char *applymode; /**< one of CASA's words */
} mms_applycal_request;

/** Check, and calibrate DATA of the selected rows into CORRECTED_DATA, which is made where it is
 *  not there; with its flags and weights.  result is what the run or plan says.
 *  @param[out] wrote  set before anything is written
 *  Errors: ARG nothing to apply, interp, spwmap, field; NOT_FOUND a table; UNSUPPORTED its type;
 *          EMPTY, SELECT and what the set gives. */
MMS_CHECKED mms_status mms_applycal_run(const mms_applycal_request *request, bool *wrote,
                                        mms_value *result, mms_error *err);

/** One unit of it, in a worker. */
mms_unit_fn mms_applycal_unit;

/** Make a calibration table of type G at path with a gain near 1 for each antenna and window of a
 *  set, which is only read: to measure and to try with.  Errors: EXISTS, NOT_FOUND, TABLE, IO; ARG
 * a path with a quote. */
MMS_CHECKED mms_status mms_cal_make(const char *vis, const char *path, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
