/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_EACH_PRIV_H
#define MULTIMS_EACH_PRIV_H
/** @file each_priv.h  The task each: a part's run in a worker, and what is done in a journal. */

#include "task_priv.h"

/** Run the program of a request over a part.
 *  request: {program: [word], vis, name, index, threads, folder, staged, limit, journal}
 *  answer: {exit, signal, seconds, cpu_seconds, max_rss_kib, stdout_tail, stderr_tail, host}, also
 *  where the program failed.
 *  Errors: WORKER the program failed; STOPPED; NOT_FOUND, IO, SPACE, MEM. */
mms_status mms_each_unit(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err);

/** Refuse braces that are no token of those that a unit knows, and a program that is not there.
 *  Errors: ARG, NOT_FOUND, IO. */
MMS_CHECKED mms_status mms_each_check_program(const mms_texts *program, mms_error *err);

/** Return where the copy of a part is made with --staged; end it with free(), NULL: no memory. */
char *mms_each_copy_path(const char *vis);

/** A folder beside the first set, with a file for each part that is done. */
typedef struct mms_each_journal mms_each_journal;

/** Open the journal of a run over parts: key says which run it is.
 *  @param      resume  go on with a run of the same key; otherwise what is there is told and
 * dropped
 *  @param[out] out     NULL where none can be written beside the set, which is told
 *  Errors: ARG another run has it, or it is of another run; IO, MEM. */
MMS_CHECKED mms_status mms_each_journal_open(const char *first, const mms_value *key, bool resume,
                                             mms_each_journal **out, mms_error *err);

/** The folder, for units; borrowed. */
const char *mms_each_journal_folder(const mms_each_journal *journal);

/** Return the answer of a part that is done, as a new value; NULL when it has to be run: also where
 *  the part was changed since, which is told. */
mms_value *mms_each_journal_find(const mms_each_journal *journal, int64_t index, const char *vis,
                                 const char *name);

/** Note in a worker that a part is done. Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_each_journal_note(const char *folder, int64_t index, const char *vis,
                                             const mms_value *answer, mms_error *err);

/** End it: the folder stays when some parts are done and some are not. */
void mms_each_journal_close(mms_each_journal **journal, int64_t done, int64_t parts);

#endif
