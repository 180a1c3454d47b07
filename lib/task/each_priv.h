/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_EACH_PRIV_H
#define MULTIMS_EACH_PRIV_H
/** @file each_priv.h  The task each: a part's run in a worker. */

#include "task_priv.h"

/** Run the program of a request over a part.
 *  request: {program: [word], vis, name, index, threads, folder, staged, limit, okcodes, retries,
 *            sharing, outputs}
 *  answer: {attempt, exit, signal, seconds, cpu_seconds, max_rss_kib, stdout_tail, stderr_tail,
 * host}, also where the program failed. Errors: WORKER the program failed; STOPPED; NOT_FOUND, IO,
 * SPACE, MEM. */
mms_status mms_each_unit(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err);

/** Refuse braces that are no token of those that a unit knows, a program that is not there, and
 *  outputs without {outputvis} or the other way round.  Errors: ARG, NOT_FOUND, IO. */
MMS_CHECKED mms_status mms_each_check_program(const mms_texts *program, bool outputs,
                                              mms_error *err);
/** Refuse outputs that are there already; not where a run is resumed.  Errors: EXISTS, MEM. */
MMS_CHECKED mms_status mms_each_check_outputs(const char *folder, int64_t n,
                                              const char *const *names, bool resumes,
                                              mms_error *err);
/** Remove folders of programs whose workers were killed. */
void mms_each_remove_scratch(void);

/** The values of the tokens, in their order. */
enum { MMS_EACH_TOKENS = 10 };
typedef struct mms_each_values {
    const char *of[MMS_EACH_TOKENS]; /**< vis name index threads host tmpdir outputvis server
                                        mem_mib attempt */
} mms_each_values;
/** Put values in a word's tokens; "{{vis}" and "{{" are what they say after the first brace.  The
 *  caller ends it with free(). */
char *mms_each_expand(const char *word, const mms_each_values *values);
/** Return where a part's output goes; made: where it is made.  NULL: no memory. */
char *mms_each_output_path(const char *folder, const char *name, bool made);
/** Make a folder for a program, which mms_each_remove_scratch() knows.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_each_make_scratch(char **path, mms_error *err);

/** Return where the copy of a part is made with --staged; end it with free(), NULL: no memory. */
char *mms_each_copy_path(const char *vis);

#endif
