/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_JOURNAL_H
#define MULTIMS_JOURNAL_H
/** @file journal.h  What a run has done, kept beside its output until all of it is: another run
 *  goes on with the rest.
 *
 *  The folder `<output>.multims` holds journal.jsonl, one record a line: an object with "ev", the
 *  time "t", what belongs to it, and "crc" of the line before that member.  The client writes it
 *  alone.  What is behind a line that is torn does not count.  Source: docs/resuming.md */

#include "multims/base.h"
#include "multims/engine.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MMS_JOURNAL_SUFFIX ".multims"
#define MMS_JOURNAL_FILE   "journal.jsonl"
#define MMS_SUMMARY_FILE   "summary.json"
#define MMS_PLAN_FILE      "plan.json"
#define MMS_LOGS_FOLDER    "logs"
#define MMS_LOG_FILE       "run.log"

/** All functions take NULL, a run without a journal, and then do nothing. */
typedef struct mms_journal mms_journal;

typedef struct mms_journal_opts {
    const char *output; /**< absolute */
    const char *task;
    const mms_value *request; /**< how `multims resume` begins it again: {task, parameters, folder}
                               */
    const mms_value *key;     /**< an object of what has to be equal to go on */
    const char *folder; /**< that the user names for it, which stays; NULL or "": beside output */
    mms_value *summary; /**< an object: where the folder stays it gains "file", that folder, and
                           "summary", what is told of the run, or "complete", where an earlier run
                           has told it; NULL: nobody asks */
    bool sync;          /**< what is done is written to the disk while the run goes on */
    bool resume;
    bool inner; /**< its output is in the staging folder of a run that has a journal of its own, and
                   that says how to go on */
    bool strict; /**< work in place: a run over the same set, or one to go on with that is another,
                    is refused */
} mms_journal_opts;

/** Open the journal of a run.  What an earlier run has left is gone on with, when that is asked for
 *  and the keys are equal; else it is told and dropped, its staging folder too.
 *  @param[out] out  NULL where none can be kept, or another run to the same output keeps it
 *  Errors: LOCKED another run is at work (resume, strict); ARG it is another one (strict), or
 *  that of another output which was not finished; EXISTS a file of others in the folder; IO, MEM.
 */
MMS_CHECKED mms_status mms_journal_open(const mms_journal_opts *opts, mms_journal **out,
                                        mms_error *err);

/** Whether it goes on with an earlier run. */
bool mms_journal_resumes(const mms_journal *journal);

/** The staging folder of the earlier run; NULL: none.  Borrowed. */
const char *mms_journal_staged(const mms_journal *journal);

/** Forget what the earlier run has done. */
void mms_journal_forget(mms_journal *journal);

/** Add a record; members, an object or NULL, is taken.  A journal that can't be written is told of
 *  once and given up. */
void mms_journal_add(mms_journal *journal, const char *event, mms_value *members);

/** Return the last record of that event, of the earlier run too, or NULL; borrowed. */
const mms_value *mms_journal_last(const mms_journal *journal, const char *event);

/** Return the answer of a unit that is done, as a new reference; NULL: it is to be run, also where
 *  what it wrote (mms_unit_print() of its request) was changed since, which is told. */
mms_value *mms_journal_find(const mms_journal *journal, const char *unit, const mms_value *request);

/** Note that a unit is done; print is that of what it wrote, or NULL; request: its own.  Nothing is
 * taken. */
void mms_journal_done(mms_journal *journal, const char *unit, const mms_value *request,
                      const mms_value *answer, const mms_value *print, int worker);

/** Return the paths that units have changed where they are, and have done with, an array; units
 *  whose paths were changed since are forgotten, which is told.  A new reference. */
mms_value *mms_journal_changed(mms_journal *journal);

/** Write the units that are to be run, beside those before, for people. */
void mms_journal_plan(mms_journal *journal, int64_t n, const char *const *names,
                      mms_value *const *units);

/** Wait until all records are on the disk. */
void mms_journal_flush(mms_journal *journal);

/** Take what is at path as what the unit wrote. */
void mms_journal_renew(mms_journal *journal, const char *unit, const char *path);

/** Return how many units of the number that mms_journal_add("plan", {units}) told are done. */
int64_t mms_journal_ndone(const mms_journal *journal);

/** Whether all records could be written. */
bool mms_journal_is_kept(const mms_journal *journal);

/** End it after a run of status st.  keep: the run is to be gone on with, if something of it is
 * done; *kept says whether that is so (NULL is accepted).  Otherwise the folder is removed, unless
 * the user has named it. */
void mms_journal_end(mms_journal **journal, mms_status st, bool keep, bool *kept);

/** Journal what the engine's runs do, and leave out what is done already. */
void mms_engine_set_journal(mms_engine *engine, mms_journal *journal);
/** Return it, NULL: none. */
mms_journal *mms_engine_journal(const mms_engine *engine);
/** The same where one run makes several outputs: by_unit[nunits], which lives until another is set;
 *  the units of each stand together. */
void mms_engine_set_journals(mms_engine *engine, mms_journal *const *by_unit);

/** Return the units that the engine's runs have tried again, an array of {unit, attempt, worker,
 *  message}: what ended which attempt; borrowed. */
const mms_value *mms_engine_tried_again(const mms_engine *engine);

/** What a journal says. */
typedef struct mms_journal_view {
    mms_value *records; /**< all that count, an array */
    bool running;       /**< a run on this host has it open */
} mms_journal_view;

/** Return the folder of a journal from what a user names, that folder (*itself, NULL is accepted)
 *  or the output; as a new text, NULL where there is none. */
char *mms_journal_locate(const char *name, bool *itself);

/** Return the last of the records that is of an event, or NULL; borrowed. */
const mms_value *mms_journal_record(const mms_value *records, const char *event);

/** Read the journal in a folder.  records is freed by the caller.  Errors: NOT_FOUND, IO, MEM. */
MMS_CHECKED mms_status mms_journal_read(const char *folder, mms_journal_view *view, mms_error *err);

/** Whether a run has the journal of an output open. */
bool mms_journal_is_held(const char *output);

/** Wait a little for a run that was killed and has not ended yet, so that it has the journal open
 *  still. */
void mms_journal_settle(const char *folder);

/** Return what differs between the key of a journal and another in words, such as "parameter
 *  numsubms", as a new text; NULL: nothing. */
char *mms_journal_difference(const mms_value *before, const mms_value *now);

/** Remove the folder of a journal that a run had when it was killed as it made or removed it: what
 *  it left beside says so, or a journal without a record.
 *  name: as for mms_journal_locate().  Returns whether there was one. */
bool mms_journal_remove_empty(const char *name);

/** Remove a journal that no run has open, with the staging folder that it names.
 *  Errors: ARG a run has it; IO. */
MMS_CHECKED mms_status mms_journal_remove(const char *folder, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
